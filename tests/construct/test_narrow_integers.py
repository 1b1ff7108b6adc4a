"""int8 and int16 beside the other integers: values, result dtypes, wrapping and what does not fit."""

import io

import numpy as np
import pytest
from kinds import INTEGERS

import pullback as pb

NARROW = ["int8", "int16"]


def numbers(dtype, shape=(7, 9), seed=0):
    """Over the whole range, the ends among them."""
    limits = np.iinfo(dtype)
    x = np.random.default_rng(seed).integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    x.reshape(-1)[:2] = limits.min, limits.max
    return x


@pytest.mark.parametrize("dtype", INTEGERS)
def test_limits(dtype):
    ours, theirs = pb.iinfo(getattr(pb, dtype)), np.iinfo(dtype)
    assert (ours.min, ours.max, ours.bits) == (theirs.min, theirs.max, theirs.bits)
    for fits in (theirs.min, theirs.max):
        assert pb.tensor([fits], dtype=getattr(pb, dtype)).tolist() == [fits]
        assert pb.full((2,), fits, dtype=getattr(pb, dtype)).tolist() == [fits, fits]
    assert (
        pb.tensor([1], dtype=getattr(pb, dtype)).type() == f"pullback.{getattr(pb, dtype)._legacy_name}Tensor"
    )


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint8"])
def test_numbers_that_do_not_fit_raise(dtype):
    """Whatever stores a number in a tensor; what computes with one wraps around."""
    d, most = getattr(pb, dtype), np.iinfo(dtype).max
    n, name = most + 1, "int" if dtype == "int32" else f"{dtype}_t"
    x, at, mask = pb.ones(3, dtype=d), pb.tensor([0]), pb.tensor([True, False, True])
    for attempt in (
        lambda: pb.full((2,), n, dtype=d),
        lambda: pb.full_like(x, n),
        lambda: x.new_full((2,), n),
        lambda: x.fill_(n),
        lambda: x.__setitem__(0, n),
        lambda: x.__setitem__(mask, n),
        lambda: x.__setitem__(at, n),
        lambda: x.scatter(0, at, n),
        lambda: x.index_fill(0, at, n),
        lambda: x.masked_fill(mask, n),
        lambda: x.index_add(0, at, x[:1], alpha=n),
        lambda: x.clamp(max=n),
        lambda: pb.where(mask, n, x),
        lambda: pb.nn.functional.pad(x, (1, 1), value=n),
        lambda: pb.linspace(0, n, 3, dtype=d),
        lambda: pb.addmm(x.view(1, 3), x.view(1, 3), x.expand(3, 3), alpha=n),
        lambda: pb.addmv(x, x.expand(3, 3), x, beta=n),
    ):
        with pytest.raises(RuntimeError, match=f"^value cannot be converted to type {name} without overflow"):
            attempt()
        assert x.tolist() == [1, 1, 1]
    with pytest.raises(RuntimeError, match=f"^value cannot be converted to type {dtype} without overflow"):
        pb.tensor([n], dtype=d)
    wrapped = np.array([1]).astype(dtype) + np.array([n]).astype(dtype)
    assert (x + n).tolist() == [wrapped[0]] * 3 and (x + n).dtype is d


@pytest.mark.parametrize("dtype", NARROW)
def test_arithmetic_wraps_as_numpys(dtype):
    a, b = numbers(dtype), numbers(dtype, seed=1)
    x, y = pb.tensor(a), pb.tensor(b)
    for f in (
        lambda p, q: p + q,
        lambda p, q: p - q,
        lambda p, q: p * q,
        lambda p, q: p & q,
        lambda p, q: p ^ q,
    ):
        assert f(x, y).dtype is x.dtype
        np.testing.assert_array_equal(f(x, y).numpy(), f(a, b))
    np.testing.assert_array_equal((-x).numpy(), -a)
    np.testing.assert_array_equal(x.abs().numpy(), np.abs(a))
    np.testing.assert_array_equal((~x).numpy(), ~a)
    np.testing.assert_array_equal((x < y).numpy(), a < b)
    b = np.where(b == 0, 1, b).astype(dtype)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal((x // pb.tensor(b)).numpy(), a // b)
        np.testing.assert_array_equal((x % pb.tensor(b)).numpy(), a % b)
    assert (x / y).dtype is pb.float32 and x.exp().dtype is pb.float32
    assert (x + 1.5).dtype is pb.float32 and (x + 1).dtype is x.dtype


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize(
    "shape", [(5,), (1, 17), (40, 3), (3, 40), (2, 3, 1500), (9000, 4), (5, 9000)], ids=str
)
def test_reductions_and_scans(dtype, shape):
    a = numbers(dtype, shape, 2)
    x = pb.tensor(a)
    for dim in [None, *range(a.ndim)]:
        at = () if dim is None else (dim,)
        for name in ("sum", "prod", "amax", "amin", "argmax", "argmin", "any", "all", "count_nonzero"):
            if name == "prod" and dim is None and a.size > 100:
                continue
            wide = a.astype(np.int64) if name in ("sum", "prod") else a
            expected = getattr(np, name)(wide, *at)
            got = getattr(pb, name)(x, *at)
            np.testing.assert_array_equal(got.numpy(), expected)
            assert str(got.dtype)[9:] == expected.dtype.name
        if dim is not None:
            np.testing.assert_array_equal(x.cumsum(dim).numpy(), a.cumsum(dim, dtype=np.int64))
            np.testing.assert_array_equal(x.sort(dim).values.numpy(), np.sort(a, dim))
            np.testing.assert_array_equal(x.cummax(dim).values.numpy(), np.maximum.accumulate(a, dim))
    np.testing.assert_array_equal(x.unique().numpy(), np.unique(a))
    np.testing.assert_array_equal(x.t().contiguous().numpy() if x.ndim == 2 else a, a.T if x.ndim == 2 else a)


@pytest.mark.parametrize("dtype", NARROW)
def test_large_work_is_deferred_and_the_same(dtype):
    a, b = numbers(dtype, (300, 500), 3), numbers(dtype, (300, 500), 4)
    x, y = pb.tensor(a), pb.tensor(b)
    z = (x * y + x - 7).maximum(y)
    w = np.maximum(a * b + a - np.array(7, dtype), b)
    np.testing.assert_array_equal(z.sum(0).numpy(), w.sum(0, dtype=np.int64))
    np.testing.assert_array_equal(z.numpy(), w)
    np.testing.assert_array_equal((x + y[:, :1]).amax(1).numpy(), (a + b[:, :1]).max(1))
    np.testing.assert_array_equal((x.t() + y.t()).float().numpy(), (a.T + b.T).astype(np.float32))
    f = pb.rand(300, 500, requires_grad=True)
    (f * x).sum().backward()
    np.testing.assert_array_equal(f.grad.numpy(), a.astype(np.float32))


@pytest.mark.parametrize("dtype", NARROW)
def test_memory_formats(dtype):
    a = numbers(dtype, (3, 5))
    x = pb.from_numpy(a[:, ::2])
    a[0, 0] = 5
    assert x[0, 0].item() == 5 and x.numpy().dtype == dtype and x.numpy().base is not None
    assert memoryview(pb.tensor(a).numpy()).format == {"int8": "b", "int16": "h"}[dtype]
    np.testing.assert_array_equal(np.from_dlpack(pb.tensor(a)), a)
    np.testing.assert_array_equal(pb.from_dlpack(a).numpy(), a)
    np.testing.assert_array_equal(
        pb.frombuffer(bytearray(a.tobytes()), dtype=getattr(pb, dtype)).numpy(), a.ravel()
    )
    file = io.BytesIO()
    pb.save({"x": x}, file)
    file.seek(0)
    np.testing.assert_array_equal(pb.load(file)["x"].numpy(), a[:, ::2])
    wide = pb.tensor(a.astype(np.int64))
    short = {"int8": wide.char, "int16": wide.short}[dtype]()
    assert short.dtype is getattr(pb, dtype) and short.tolist() == a.tolist()
    np.testing.assert_array_equal(pb.tensor(a.astype(np.float64)).to(getattr(pb, dtype)).numpy(), a)
    np.testing.assert_array_equal(pb.tensor(a).view(pb.uint8).numpy(), a.view(np.uint8))


@pytest.mark.parametrize("dtype", NARROW)
def test_random_numbers_cover_the_range(dtype):
    d, limits = getattr(pb, dtype), np.iinfo(dtype)
    x = pb.randint(limits.min, limits.max + 1, (400_000,), dtype=d)
    assert x.min().item() == limits.min and x.max().item() == limits.max
    x.random_()
    assert x.min().item() == 0 and x.max().item() == limits.max
    for low, high in ((0, limits.max + 2), (limits.min - 1, 0)):
        with pytest.raises(RuntimeError, match=r"is out of bounds for (signed char|short int)"):
            pb.randint(low, high, (2,), dtype=d)
    assert sorted(pb.randperm(100, dtype=d).tolist()) == list(range(100))


def test_as_indices_they_are_refused_as_by_pytorch():
    x, at = pb.arange(4.0), pb.tensor([1], dtype=pb.int8)
    for attempt in (
        lambda: x[at],
        lambda: x.gather(0, at),
        lambda: x.take(at),
        lambda: x.index_select(0, at),
    ):
        with pytest.raises((IndexError, RuntimeError)):
            attempt()
    assert x[np.array([1], np.int8)].tolist() == [1]


PROGRAMS = """
x + y ; x - y ; x * y ; x // y.abs().clamp(min=1) ; x % 7 ; x ** 2 ; 2 ** (x % 5) ; -x ; abs(x) ; ~x ; x << 3
x >> 2 ; x & y ; x | 5 ; x == y ; x > 3 ; x / y ; x.float() * 2 ; x + 1.5 ; x + True ; x * m.tensor(3)
x + m.tensor([1], dtype=m.uint8) ; x.sum() ; x.sum(0) ; x.prod(1) ; x.max() ; x.min(1) ; x.amax(0) ; x.argmax()
x.argmin(1) ; x.aminmax(dim=0) ; x.any() ; x.all(0) ; x.cumsum(0) ; x.cumprod(1) ; x.cummax(0) ; x.cummin(1)
x.sort(1) ; x.topk(2) ; x.kthvalue(2) ; x.median() ; x.median(0) ; x.mode(1) ; x.unique() ; m.count_nonzero(x)
x.nonzero() ; x[x > 0] ; x[1:, ::2] ; x[[1, 0]] ; x.gather(0, (x % 2).long().abs())
x.scatter(0, m.zeros(1, 4, dtype=m.int64), 3) ; x.index_add(0, m.tensor([0, 0]), y[:2])
x.scatter_reduce(0, m.zeros(2, 4, dtype=m.int64), y, "amax") ; x.take(m.tensor([0, 3]))
x.masked_fill(x > 0, 7) ; m.where(x > y, x, y) ; x @ y.t() ; x.flatten().dot(y.flatten())
m.addmm(x[:, :3], x, y.t() @ x[:, :3]) ; x.trace() ; x.tril() ; x.roll(1, 0) ; x.flip(1) ; m.cat([x, y])
m.stack([x, y], 1) ; m.cat([x, y.float()]) ; x.repeat(2, 1) ; x.repeat_interleave(2, 0) ; x.t().contiguous()
x.to(m.int16) ; x.to(m.uint8) ; x.bool() ; x.double() ; x.char() ; x.short()
m.searchsorted(x[0].sort().values, y[1]) ; x.tolist() ; m.bincount(x.flatten().abs() % 9) ; m.gcd(x, y)
m.lcm(x % 11, y % 11) ; m.maximum(x, y) ; m.fmod(x, 5) ; m.remainder(x, -5) ; x.sign() ; x.clamp(-5, 5)
x.floor() ; x.round() ; m.heaviside(x, y) ; m.bitwise_not(x) ; m.logical_and(x, y) ; m.isfinite(x) ; x.signbit()
x.mean() ; x.std() ; x.softmax(0) ; x.softmax(0, dtype=m.float32) ; x.mean(dtype=m.float32) ; x.norm()
x.logsumexp(0) ; x.sqrt() ; x.exp() ; m.arange(5, dtype=x.dtype) ; m.arange(-3, 9, 2, dtype=x.dtype)
m.linspace(-5, 100, 4, dtype=x.dtype) ; m.eye(3, dtype=x.dtype) ; m.full((2,), 3, dtype=x.dtype)
m.zeros_like(x) ; x.new_tensor([1, 2]) ; m.result_type(x, 1) ; m.promote_types(x.dtype, m.uint8) ; x.add_(1.5)
x.clone().add_(y) ; x.clone().mul_(300) ; x.clone().div_(2) ; x.clone().copy_(x.double() * 3.7)
x.clone().sub_(300) ; m.sum(x, dtype=x.dtype) ; m.cumsum(x, 0, dtype=x.dtype) ; m.prod(x, 0, dtype=m.float32)
m.einsum("ij,kj->ik", x, y) ; m.diff(x) ; m.nn.functional.one_hot(x.long() % 3 + 3) ; m.nn.functional.relu(x)
m.nn.functional.pad(x, (1, 2), value=3) ; m.histc(x) ; x.var() ; m.isclose(x, y) ; m.equal(x, x)
m.allclose(x, x) ; x.view(m.uint8) ; x.quantile(0.5) ; m.bitwise_and(x, 300) ; x * 300 ; 300 - x ; x == 300
x.logit() ; x.sigmoid() ; x.reciprocal() ; x.requires_grad_() ; m.bernoulli(x) ; m.multinomial(x, 1)
m.normal(x, 1.0) ; x.uniform_() ; x.normal_() ; x.mm(y.t().long()) ; m.tril_indices(2, 2, dtype=x.dtype)
m.mm(x, y.t(), out=m.empty(3, 3)) ; x.index_select(0, y[0]) ; m.from_numpy(x.numpy()) ; x.item()
x[0, 0].item() ; float(x[0, 1]) ; int(x[0, 1]) ; x.logical_not() ; x.square() ; x.trunc() ; m.nan_to_num(x)
m.copysign(x, y) ; m.atan2(x, y) ; m.logaddexp(x, y) ; m.xlogy(x, y) ; m.hypot(x, y) ; x.frac() ; x.isnan()
"""


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", [p.strip() for p in PROGRAMS.replace("\n", ";").split(";") if p.strip()])
@pytest.mark.parametrize("dtype", NARROW)
def test_programs_beside_pytorch(dtype, program):
    """The value, its dtype, or the kind of error."""
    torch = pytest.importorskip("torch")
    found = []
    for m in (torch, pb):
        x, y = (m.tensor(numbers(dtype, (3, 4), seed).tolist(), dtype=getattr(m, dtype)) for seed in (5, 6))
        try:
            found.append(eval(program, {"m": m, "x": x, "y": y}))
        except Exception as error:
            found.append(error)
    theirs, ours = found
    if isinstance(theirs, Exception) or isinstance(ours, Exception):
        assert type(theirs).__name__ == type(ours).__name__, (theirs, ours)
        return
    pairs = zip(theirs, ours, strict=True) if isinstance(theirs, tuple) else [(theirs, ours)]
    for t, o in pairs:
        if isinstance(t, torch.Tensor):
            assert str(t.dtype)[6:] == str(o.dtype)[9:]
            np.testing.assert_allclose(o.numpy(), t.numpy(), rtol=2e-6, atol=1e-6)
        else:
            assert str(t).replace("torch.", "") == str(o).replace("pullback.", "")


@pytest.mark.parametrize(
    "call",
    [
        lambda x: pb.add(x, x, alpha=300),
        lambda x: x.clone().sub_(x, alpha=-300),
        lambda x: pb.rsub(x, x, alpha=300),
        lambda x: pb.addcmul(x, x, x, value=300),
        lambda x: pb.nn.functional.threshold(x, 300, 2),
        lambda x: pb.nn.functional.threshold(x, 2, 300),
        lambda x: pb.nn.functional.hardtanh(x, -300, 3),
        lambda x: x.clamp(max=300),
        lambda x: pb.where(x > 0, x, 300),
        lambda x: x**300,
    ],
)
def test_parameters_that_do_not_fit_raise(call):
    x = pb.tensor([1, 2], dtype=pb.int8)
    with pytest.raises(
        RuntimeError, match=r"value cannot be converted to type int8_t without overflow: -?300, in \w+"
    ) as e:
        call(x)
    assert "scaled" not in str(e.value) and "high" not in str(e.value)
    assert call(x.to(pb.int16)).dtype == pb.int16


def test_masks_of_bytes():
    condition = pb.tensor([0, 1, 255], dtype=pb.uint8)
    assert pb.where(condition, 1.0, 2.0).tolist() == [2, 1, 1]
    assert pb.tensor([5, 6, 7]).where(condition, 0).tolist() == [0, 6, 7]
    with pytest.raises(RuntimeError, match="where expected condition to be a boolean tensor"):
        pb.where(condition.char(), 1, 2)
