# ruff: noqa: E501
"""uint16, uint32 and uint64: stored, moved, converted and compared for equality, and a few functions more, as in PyTorch."""

import io
import json

import numpy as np
import pytest
from beside import same
from kinds import UNSIGNED

import pullback as pb

HALF, MOST = 2**63, 2**64 - 1


def numbers(dtype, shape=(7, 9), seed=0):
    """Over the whole range, the ends and zeros among them."""
    limits = np.iinfo(dtype)
    x = np.random.default_rng(seed).integers(0, limits.max, shape, dtype=dtype, endpoint=True)
    flat = x.reshape(-1)
    flat[:3], flat[3::5] = (0, limits.max, limits.max // 2 + 1), 0
    return x


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_limits(dtype):
    d, theirs = getattr(pb, dtype), np.iinfo(dtype)
    ours = pb.iinfo(d)
    assert (ours.min, ours.max, ours.bits, ours.dtype) == (0, theirs.max, theirs.bits, dtype)
    assert not d.is_signed and not d.is_floating_point and d.itemsize * 8 == theirs.bits
    for n in (0, theirs.max, theirs.max // 2 + 1):
        for made in (
            pb.tensor([n, n], dtype=d),
            pb.full((2,), n, dtype=d),
            pb.zeros(2, dtype=d).fill_(n),
            pb.tensor(np.array([n, n], dtype)),
            pb.zeros(2, dtype=d).masked_fill(pb.tensor([True, True]), n),
            pb.where(pb.tensor([True, False]), pb.full((2,), n, dtype=d), n),
        ):
            assert made.dtype is d and made.tolist() == [n, n] and made[0].item() == n == int(made[1])
        x = pb.zeros(2, dtype=d)
        x[1] = n
        assert x.tolist() == [0, n] and float(x[1]) == float(n) and bool(x[1]) == bool(n)


@pytest.mark.parametrize("dtype", UNSIGNED)
@pytest.mark.parametrize("other", ["bool", "uint8", "int8", "int16", "int32", "int64", *UNSIGNED])
def test_conversions_keep_the_low_bits(dtype, other):
    """Values by the definition of two's complement, in Python's numbers."""

    def stored(n, kind):
        if kind == "bool":
            return bool(n)
        bits = pb.iinfo(getattr(pb, kind)).bits
        n %= 2**bits
        return n - 2**bits if getattr(pb, kind).is_signed and n >= 2 ** (bits - 1) else n

    for shape in ((63,), (2000,), (40, 50)):
        x = pb.tensor(numbers(dtype, shape))
        assert x.to(getattr(pb, other)).flatten().tolist() == [stored(n, other) for n in x.flatten().tolist()]
    y = pb.tensor([0, 1, 77, 127] + ([] if other == "bool" else [-1, -128]), dtype=pb.int64).to(
        getattr(pb, other)
    )
    assert y.to(getattr(pb, dtype)).tolist() == [stored(int(n), dtype) for n in y.tolist()]


@pytest.mark.parametrize("dtype", UNSIGNED)
@pytest.mark.parametrize("floating", ["float16", "float32", "float64"])
def test_conversions_from_and_to_floats(dtype, floating):
    a = numbers(dtype, (3000,))
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(pb.tensor(a).to(getattr(pb, floating)).numpy(), a.astype(floating))
    most = min(float(np.iinfo(dtype).max), float(np.finfo(floating).max))
    f = np.random.default_rng(1).uniform(0, most, 1000).astype(floating)
    f = np.append(f[f.astype(np.float64) < most], np.array([0, 0.9, 1.5, 2.0**15, 65504], floating))
    exact = [int(v) % (np.iinfo(dtype).max + 1) for v in f.tolist()]
    assert pb.tensor(f).to(getattr(pb, dtype)).tolist() == exact
    assert pb.tensor([0.0, -0.0, 3.7]).bfloat16().to(getattr(pb, dtype)).tolist() == [0, 0, 3]
    complex_ = pb.tensor(f[:9].astype(np.float64)).to(pb.complex128)
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        assert complex_.to(getattr(pb, dtype)).tolist() == exact[:9]


OUT_OF_RANGE = [-1.0, -2.5, np.nan, np.inf, -np.inf, 5e9, 1e19, 2e19, 1e30]


@pytest.mark.parametrize("floating", ["float32", "float64"])
def test_floats_out_of_range_become_what_the_machine_makes_of_them(floating):
    """From 2^31 and 2^63 on the conversion of what is left over that, with the highest bit turned around."""
    x = pb.tensor(np.array(OUT_OF_RANGE * 9, floating))
    low, top = 1 << 31, 1 << 63
    wanted = {
        "uint16": [65535, 65534, 0, 0, 0, 0, 0, 0, 0],
        "uint32": [2**32 - 1, 2**32 - 2, low, 0, low, 0, 0, 0, 0],
        "uint64": [MOST, MOST - 1, top, 0, top, 5 * 10**9, int(np.array(1e19, floating)), 0, 0],
    }
    for dtype, values in wanted.items():
        assert x.to(getattr(pb, dtype)).tolist() == values * 9, dtype


def test_numbers_from_two_to_the_63_on():
    x = pb.tensor([1, HALF, MOST], dtype=pb.uint64)
    assert x.tolist() == [1, HALF, MOST] and x.numpy().tolist() == [1, HALF, MOST]
    assert (x == HALF).tolist() == (HALF == x).tolist() == [False, True, False]
    assert (x != MOST).tolist() == [True, True, False] and (x == -1).tolist() == [False, False, True]
    assert (x * 3).tolist() == [3, 3 * HALF % 2**64, 3 * MOST % 2**64] and (x * MOST)[2].item() == 1
    assert (x & HALF).tolist() == [0, HALF, HALF] and (x ^ MOST).tolist() == [MOST - 1, HALF - 1, 0]
    assert x.double().tolist() == [1.0, 2.0**63, 2.0**64] and (x / 2)[1].item() == 2.0**62
    assert (x * 1.5).dtype is pb.float32 and x.sort(descending=True).values.tolist() == [MOST, HALF, 1]
    assert x.unique().tolist() == [1, HALF, MOST] and pb.isin(x, HALF).tolist() == [False, True, False]
    assert str(x) == (
        "tensor([                   1,  9223372036854775808, 18446744073709551615],\n       dtype=pullback.uint64)"
    )
    assert repr(x[2]) == "tensor(18446744073709551615, dtype=pullback.uint64)"
    x[0] = HALF + 1
    x[pb.tensor([1])] = MOST - 1
    assert x.tolist() == [HALF + 1, MOST - 1, MOST]
    f = pb.ones(2)
    assert (f * HALF).tolist() == [2.0**63] * 2 and (f == HALF).tolist() == [False, False]
    f = pb.ones(2, requires_grad=True)
    (f * HALF).sum().backward()
    assert f.grad.tolist() == [2.0**63] * 2
    for attempt in (
        lambda: pb.full((2,), HALF),
        lambda: pb.full((2,), HALF, dtype=pb.int64),
        lambda: pb.zeros(2, dtype=pb.int64).fill_(MOST),
        lambda: pb.ones(2, dtype=pb.int64) + HALF,
        lambda: pb.ones(2, dtype=pb.uint32) * HALF,
        lambda: pb.arange(HALF),
        lambda: pb.ones(2, dtype=pb.int64).masked_fill(pb.tensor([True, False]), HALF),
        lambda: pb.arange(3).add(pb.arange(3), alpha=HALF),
    ):
        with pytest.raises(RuntimeError, match=r"^value cannot be converted to type \w+ without overflow"):
            attempt()
    with pytest.raises(OverflowError, match="int too big to convert"):
        pb.tensor([2**64], dtype=pb.uint64)
    with pytest.raises(OverflowError, match="can't convert negative int to unsigned"):
        pb.tensor([-1], dtype=pb.uint64)
    with pytest.raises(TypeError, match="an integer is required"):
        pb.tensor([1.5], dtype=pb.uint64)
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        pb.tensor([HALF])


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_arithmetic_is_numpys(dtype):
    a, b = numbers(dtype), numbers(dtype, seed=1)
    x, y = pb.tensor(a), pb.tensor(b)
    for f in (
        lambda p, q: p * q,
        lambda p, q: p & q,
        lambda p, q: p | q,
        lambda p, q: p ^ q,
        lambda p, q: p == q,
        lambda p, q: p != q,
    ):
        np.testing.assert_array_equal(f(x, y).numpy(), f(a, b))
        assert f(x, y).numpy().dtype == f(a, b).dtype
        np.testing.assert_array_equal(f(x.t(), y[0, 0]).numpy(), f(a.T, b[0, 0]))
    np.testing.assert_array_equal(
        pb.where(x == y, x, y * 3).numpy(), np.where(a == b, a, b * np.array(3, dtype))
    )
    assert (x * 3).dtype is x.dtype and (x / y).dtype is pb.float32 and (x * 2.5).dtype is pb.float32
    with np.errstate(divide="ignore", invalid="ignore"):
        np.testing.assert_array_equal((x / y).numpy(), a.astype(np.float32) / b.astype(np.float32))
    np.testing.assert_allclose(x.double().sqrt().numpy(), np.sqrt(a.astype(np.float64)), rtol=1e-15)
    for whole in (pb.floor, pb.ceil, pb.round, pb.trunc, pb.positive):
        np.testing.assert_array_equal(whole(x).numpy(), a)
    assert pb.isfinite(x).all() and not pb.signbit(x).any() and not pb.isnan(x).any()


@pytest.mark.parametrize("dtype", UNSIGNED)
@pytest.mark.parametrize("shape", [(5,), (40, 3), (3, 40), (2, 3, 1500), (9000, 4)], ids=str)
def test_reductions_are_those_of_int64(dtype, shape):
    a = numbers(dtype, shape, 2)
    x, wide = pb.tensor(a), a.astype(np.int64)
    for dim in [None, *range(a.ndim)]:
        at = () if dim is None else (dim,)
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(x.sum(*at).numpy(), wide.sum(*at))
            if dim is not None or a.size < 100:
                np.testing.assert_array_equal(x.prod(*at).numpy(), wide.prod(*at))
        np.testing.assert_array_equal(x.any(*at).numpy(), a.any(*at))
        np.testing.assert_array_equal(x.all(*at).numpy(), a.all(*at))
        np.testing.assert_array_equal(pb.count_nonzero(x, *at).numpy(), np.count_nonzero(a, *at))
        if dim is not None:
            np.testing.assert_array_equal(x.cumsum(dim).numpy(), wide.cumsum(dim))
            np.testing.assert_array_equal(x.sort(dim).values.numpy(), np.sort(a, dim))
    found, counts = x.unique(return_counts=True)
    wanted, counted = np.unique(a, return_counts=True)
    np.testing.assert_array_equal(found.numpy(), wanted)
    np.testing.assert_array_equal(counts.numpy(), counted)


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_large_work_is_deferred_and_the_same(dtype):
    a, b = numbers(dtype, (300, 500), 3), numbers(dtype, (300, 500), 4)
    x, y = pb.tensor(a), pb.tensor(b)
    z, w = (x * y | x) ^ y, (a * b | a) ^ b
    np.testing.assert_array_equal(z.sum(0).numpy(), w.astype(np.int64).sum(0))
    np.testing.assert_array_equal(z.numpy(), w)
    np.testing.assert_array_equal((x * y[:, :1]).double().numpy(), (a * b[:, :1]).astype(np.float64))
    np.testing.assert_array_equal(
        pb.where(x == y, x, y * 2).numpy(), np.where(a == b, a, b * np.array(2, dtype))
    )
    np.testing.assert_array_equal((x.t() * y.t() == 0).numpy(), (a * b == 0).T)
    f = pb.rand(300, 500, requires_grad=True)
    (f * x).sum().backward()
    np.testing.assert_array_equal(f.grad.numpy(), a.astype(np.float32))
    np.testing.assert_array_equal(pb.vmap(lambda p, q: p * q & 7)(x, y).numpy(), a * b & np.array(7, dtype))


REFUSED = """
add_stub: x + x ; x - 1 ; 1 + x ; x.add_(1) ; x.sub(x, alpha=2)
pow: x ** 2 ; x.square() ; 2 ** x
div_floor_cpu: x // 2 ; pb.floor_divide(x, x)
div_trunc_cpu: pb.div(x, x, rounding_mode="trunc")
remainder_cpu: x % 2
fmod_cpu: pb.fmod(x, 2)
neg_cpu: -x
abs_cpu: abs(x)
sign_cpu: x.sign() ; x.sgn()
gt_cpu: x > 1
ge_cpu: x >= x
lt_cpu: x < 5
le_cpu: x <= x
maximum_cpu: pb.maximum(x, x) ; pb.fmax(x, x)
minimum_cpu: pb.minimum(x, x)
clamp_scalar_cpu: x.clamp(0, 3)
clamp_min_scalar_cpu: x.clamp(min=1) ; x.relu()
clamp_max_scalar_cpu: x.clamp(max=1)
logical_not_cpu: pb.logical_not(x)
logical_and_cpu: pb.logical_and(x, x)
bitwise_not_cpu: ~x
lshift_cpu: x << 1
rshift_cpu: x >> 1
gcd_cpu: pb.gcd(x, x)
lcm_cpu: pb.lcm(x, x)
heaviside_cpu: pb.heaviside(x, x)
addcmul_cpu_out: pb.addcmul(x, x, x)
max_all: x.max()
min_all: x.min()
max_cpu: x.max(0)
min_cpu: x.min(0)
max_values_cpu: x.amax(0)
min_values_cpu: x.amin(0)
aminmax_cpu: pb.aminmax(x)
argmax_cpu: x.argmax()
argmin_cpu: x.argmin()
median_cpu: x.median()
kthvalue_cpu: x.kthvalue(1)
topk_cpu: x.topk(1)
mode_cpu: x.mode()
cummax_cpu: x.cummax(0)
sum_cpu: x.sum(dtype=x.dtype)
prod_out_cpu: x.prod(dtype=x.dtype)
cumsum_out_cpu: x.cumsum(0, dtype=x.dtype)
addmm_impl_cpu_: x[:, None] @ x[None]
dot: x.dot(x)
arange_cpu: pb.arange(3, dtype=x.dtype)
linspace_cpu: pb.linspace(0, 1, 3, dtype=x.dtype)
random_kernel_cpu: x.random_()
randperm: pb.randperm(3, dtype=x.dtype)
bernoulli_scalar_cpu_: x.bernoulli_(0.5)
searchsorted_out_cpu: pb.searchsorted(x, x)
isin_default_cpu: pb.isin(x, x)
trace: pb.trace(x[None])
"""


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_what_is_refused_says_so_as_pytorch_does(dtype):
    d = getattr(pb, dtype)
    x = pb.tensor([3, 1, 2], dtype=d)
    for line in REFUSED.strip().splitlines():
        kernel, calls = line.split(": ", 1)
        for call in calls.split(" ; "):
            with pytest.raises(NotImplementedError) as e:
                eval(call, {"pb": pb, "x": x})
            assert str(e.value).startswith(f"\"{kernel}\" not implemented for 'UInt{dtype[4:]}'"), (
                call,
                e.value,
            )
    for outside in (-1.5, 3e19, 2**63 if d is not pb.uint64 else -1.0):
        with pytest.raises(
            RuntimeError, match=f"^value cannot be converted to type {dtype}_t without overflow"
        ):
            pb.full((2,), outside, dtype=d)
    for other in (pb.tensor([1]), pb.tensor([True]), pb.tensor([1], dtype=pb.uint8), pb.tensor([1j])):
        for attempt in (lambda o=other: x * o, lambda o=other: o == x, lambda o=other: pb.cat([x, o])):
            with pytest.raises(
                RuntimeError, match="^Promotion for uint16, uint32, uint64 types is not supported"
            ):
                attempt()
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type UInt"):
        x.mul_(1.5)
    with pytest.raises(RuntimeError, match="only Tensors of floating point dtype can require gradients"):
        x.requires_grad_()
    with pytest.raises(IndexError, match="tensors used as indices must be long, int, byte or bool"):
        pb.arange(5.0)[x]
    assert x.tolist() == [3, 1, 2]


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_memory_formats_and_files(dtype):
    a = numbers(dtype, (3, 5))
    x = pb.from_numpy(a[:, ::2])
    a[0, 0] = 5
    assert x[0, 0].item() == 5 and x.numpy().dtype == dtype and x.numpy().base is not None
    np.testing.assert_array_equal(np.from_dlpack(pb.tensor(a)), a)
    np.testing.assert_array_equal(pb.from_dlpack(a).numpy(), a)
    np.testing.assert_array_equal(
        pb.frombuffer(bytearray(a.tobytes()), dtype=getattr(pb, dtype)).numpy(), a.ravel()
    )
    np.testing.assert_array_equal(pb.tensor(a).view(pb.uint8).numpy(), a.view(np.uint8))
    np.testing.assert_array_equal(pb.tensor(a)[pb.tensor([2, 0])].numpy(), a[[2, 0]])
    for options in ({}, {"format": "safetensors"}):
        file = io.BytesIO()
        pb.save({"x": x, "y": x.t(), "whole": pb.tensor(a)}, file, **options)
        head = file.getvalue()
        file.seek(0)
        found = pb.load(file)
        np.testing.assert_array_equal(found["x"].numpy(), a[:, ::2])
        np.testing.assert_array_equal(found["y"].numpy(), a[:, ::2].T)
        assert found["whole"].dtype is getattr(pb, dtype)
    header = json.loads(head[8 : 8 + int.from_bytes(head[:8], "little")])
    assert {each["dtype"] for name, each in header.items() if name != "__metadata__"} == {f"U{dtype[4:]}"}


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_random_numbers(dtype):
    d, most = getattr(pb, dtype), min(np.iinfo(dtype).max, 2**63 - 2)
    x = pb.randint(0, most + 1, (200_000,), dtype=d)
    seen = x.numpy()
    assert seen.dtype == dtype and abs(seen.astype(np.float64).mean() / most - 0.5) < 0.01
    assert len(np.unique(seen)) > 60_000 and seen.max() > 0.999 * most
    pb.manual_seed(3)
    small = pb.randint(1000, (100,), dtype=d)
    pb.manual_seed(3)
    assert small.tolist() == pb.randint(1000, (100,)).tolist()
    with pytest.raises(RuntimeError, match=r"^from is out of bounds for (short |long |)unsigned int"):
        pb.randint(-1, 5, (2,), dtype=d)
    if dtype != "uint64":
        with pytest.raises(RuntimeError, match=r"^to - 1 is out of bounds for (short |)unsigned int"):
            pb.randint(0, most + 2, (2,), dtype=d)


PROGRAMS = """
x ; x[0] ; x.tolist() ; x[0, 1].item() ; float(x[0, 1]) ; bool(x[0, 0]) ; x == y ; x != y ; x == 3 ; x != 2.5 ; x * y ; x * 3
x * -1 ; x * 2.5 ; x * True ; x * 1j ; x * m.tensor(3) ; m.tensor([1, 2, 3, 4]) * x[0, 0] ; x * m.tensor(1.5) ; x * m.rand(4).round()
x * m.ones(4).half() ; x * m.tensor(1j) ; x * m.tensor([1j] * 4) ; x * m.tensor([1, 2, 3, 4]) ; x * m.tensor(True) ; m.tensor([True]) * x
m.tensor(True) * x ; x / y ; x / 2 ; 7 / x ; x + 1.5 ; x + 1 ; x + y ; 2 - x ; x & y ; x | 5 ; x ^ y ; ~x ; x << 1 ; x >> 1
x > 3 ; x >= y ; x < y ; x <= 3 ; -x ; abs(x) ; x ** 2 ; x ** 0.5 ; 2 ** x ; x // 2 ; x % 3 ; x // 2.5 ; x % 1.5 ; x.square()
x.exp() ; x.double().log() ; x.sqrt() ; x.sigmoid() ; x.sin() ; x.floor() ; x.ceil() ; x.round() ; x.trunc() ; x.nan_to_num()
m.round(x, decimals=1) ; x.isnan() ; x.isinf() ; x.isfinite() ; x.isposinf() ; x.isneginf() ; x.signbit() ; x.angle() ; x.isreal()
x.conj_physical() ; x.positive() ; x.real ; x.sgn() ; x.sign() ; x.reciprocal() ; m.atan2(x, y) ; m.copysign(x, y) ; m.xlogy(x, y)
m.float_power(x, 2) ; m.ldexp(x, m.tensor(2)) ; m.hypot(x.float(), y.float()) ; m.logical_not(x) ; m.logical_and(x, y)
x.sum() ; x.sum(0) ; x.sum(dtype=m.float64) ; x.sum(dtype=x.dtype) ; x.prod(1) ; x.prod(1, dtype=m.float32) ; x.nansum() ; x.any() ; x.all(0)
x.cumsum(0) ; x.cumprod(1) ; x.cumsum(0, dtype=m.float64) ; x.mean() ; x.mean(dtype=m.float64) ; x.var() ; x.float().std() ; x.norm()
x.logsumexp(0) ; x.softmax(0) ; x.softmax(0, dtype=m.float32) ; x.max() ; x.min(0) ; x.amax() ; x.argmax() ; x.aminmax() ; x.median()
m.count_nonzero(x, 0) ; x.sort() ; x.sort(0, descending=True) ; x.argsort() ; x.msort() ; x.unique() ; m.unique(x, return_counts=True)
m.unique(x, dim=0) ; m.unique_consecutive(x) ; x.topk(2) ; x.mode() ; x.kthvalue(1) ; m.isin(x, 3) ; m.isin(x, y) ; x.equal(x)
m.equal(x, y) ; m.allclose(x, x) ; m.isclose(x, y) ; m.where(x == y, x, y) ; m.where(x == 0, 5, x) ; m.where(x == 0, x, 1.5) ; m.where(x.bool(), x, x.long())
x.to(m.int64) ; x.to(m.uint8) ; x.int() ; x.char() ; x.half() ; x.bfloat16().float() ; x.cfloat() ; x.bool() ; x.type(m.float32) ; x.type() ; x.long().to(x.dtype)
x.view(m.uint8) ; x.view(m.int16) ; x.reshape(-1) ; x.t() ; x.T.contiguous() ; x[1:, ::2] ; x[[1, 0]] ; x[x == 3] ; x[..., None] ; x.unsqueeze(0)
x.expand(2, 3, 4) ; x.repeat(2, 1) ; x.roll(1, 0) ; x.tile(2) ; m.cat([x, y]) ; m.cat([x, y.float()]) ; m.cat([x, y.long()]) ; m.stack([x, y], 1) ; x.split(2, 1)
x.diagonal() ; x.diag() ; x.unbind() ; x.chunk(2) ; m.block_diag(x, y) ; m.cartesian_prod(x[0], y[0]) ; m.kron(x[:2, :2], y[:1]) ; m.outer(x[0], y[0])
x.clone() ; x.clone().fill_(7) ; x.clone().fill_(-1) ; x.clone().fill_(2.7) ; x.clone().zero_() ; x.clone().copy_(y) ; x.clone().copy_(y.double() * 0.5)
x.clone().mul_(y) ; x.clone().mul_(1.5) ; x.clone().div_(2) ; x.clone().add_(1) ; y.float().mul_(x) ; y.float().add_(x) ; y.long().mul_(x)
x.new_zeros(2) ; x.new_ones(2, 2) ; x.new_full((2,), 9) ; x.new_tensor([1, 2]) ; m.zeros_like(x) ; m.ones_like(x) ; m.full_like(x, 3) ; m.empty_like(x).shape
m.zeros(2, dtype=x.dtype) ; m.full((2,), 3, dtype=x.dtype) ; m.full((2,), -1, dtype=x.dtype) ; m.full((2,), 1.5, dtype=x.dtype)
m.full((2,), 2**64, dtype=x.dtype) ; m.tensor([1, 2], dtype=x.dtype) ; m.tensor([True], dtype=x.dtype) ; m.tensor([2**64], dtype=x.dtype)
m.tensor([-1], dtype=x.dtype) ; m.tensor([1.5], dtype=x.dtype) ; m.scalar_tensor(5, dtype=x.dtype) ; m.asarray([1, 2], dtype=x.dtype) ; m.as_tensor(x) ; m.eye(2, dtype=m.uint8).to(x.dtype)
m.arange(3, dtype=x.dtype) ; m.linspace(0, 1, 3, dtype=x.dtype) ; m.logspace(0, 1, 3, dtype=x.dtype) ; m.randperm(3, dtype=x.dtype) ; m.rand(2, dtype=x.dtype) ; m.randn(2, dtype=x.dtype)
m.randint(9, (4,), dtype=x.dtype) ; m.randint(2, 9, (4,), dtype=x.dtype) ; m.randint_like(x, 9) ; x.clone().random_(7) ; x.clone().random_(2, 7) ; x.clone().random_() ; m.randint(-1, 4, (2,), dtype=x.dtype)
x.clone().bernoulli_(0.5) ; x.clone().geometric_(0.5) ; x.clone().uniform_() ; x.clone().normal_() ; m.bernoulli(x) ; m.normal(x, 1.0)
m.iinfo(x.dtype) ; m.iinfo(x.dtype).max ; m.finfo(x.dtype) ; m.result_type(x, 1) ; m.result_type(x, 1.5) ; m.result_type(x, 1j) ; m.result_type(x, True) ; m.result_type(x, y.long())
m.result_type(x, m.tensor(1)) ; m.result_type(m.tensor([1]), x[0, 0]) ; m.result_type(m.tensor([True]), x[0, 0]) ; m.can_cast(x.dtype, m.int8) ; m.can_cast(m.int64, x.dtype) ; m.can_cast(x.dtype, m.bool)
m.can_cast(m.float32, x.dtype) ; x.is_signed() ; x.element_size() ; x.dtype ; x.is_floating_point() ; x.nbytes ; x.requires_grad_() ; m.zeros(2, dtype=x.dtype, requires_grad=True)
x @ y.t() ; m.dot(x[0], y[0]) ; m.einsum("ij,ij->i", x, y) ; m.nn.functional.pad(x, (1, 2)) ; m.nn.functional.pad(x, (1, 2), value=3) ; m.nn.functional.relu(x) ; m.nn.functional.one_hot(x)
m.vmap(lambda t: t * 2)(x) ; m.vmap(lambda t: t.sum())(x) ; m.vmap(lambda a, b: a == b)(x, y) ; m.arange(4.0)[m.tensor(1, dtype=x.dtype)] ; m.arange(4.0)[m.tensor([1], dtype=x.dtype)]
list(range(9))[m.tensor(3, dtype=x.dtype)] ; m.from_numpy(x.numpy()) ; m.frombuffer(bytearray(b"abcdefgh"), dtype=x.dtype) ; m.testing.assert_close(x, x) ; m.set_default_dtype(x.dtype)
m.mul(x, y, out=m.empty(0, dtype=x.dtype)) ; m.mul(x, y, out=m.empty(0, dtype=m.float32)) ; m.mul(x, y, out=m.empty(0, dtype=m.int64)) ; m.eq(x, y, out=m.empty(0, dtype=m.bool)) ; m.sum(x, 0, out=m.empty(0, dtype=m.int64))
m.bitwise_and(x, y, out=m.empty(0, dtype=x.dtype)) ; x.clamp(0, 3) ; m.maximum(x, y) ; m.addcmul(x, x, y) ; m.gcd(x, y) ; m.diff(x) ; x.trace()
x.eq_(y) ; x.clone().eq_(y) ; x.clone().bitwise_or_(y) ; x.clone().__iand__(3) ; x.index_select(0, m.tensor([1])).shape ; m.is_nonzero(x[0, 1]) ; x.data ; x.detach() ; x.new_empty(2).dtype
"""


def programs(text):
    return [p.strip() for p in text.replace("\n", ";").split(";") if p.strip()]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", UNSIGNED)
def test_programs_beside_pytorch(dtype):
    """The value, its dtype and how it is printed, or the kind of the error and what it says."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    data = [numbers(dtype, (3, 4), seed) // np.array(1 if seed == 5 else 7, dtype) for seed in (5, 6)]
    lists = [np.where(d % 3 == 0, np.array(3, dtype), d).tolist() for d in data]

    def run(program, m):
        x, y = (m.tensor(each, dtype=getattr(m, dtype)) for each in lists)
        found = eval(program, {"m": m, "x": x, "y": y})
        return [found, str(found)]

    differ = []
    for program in programs(PROGRAMS):
        try:
            same(lambda m, program=program: run(program, m))
        except AssertionError as error:
            differ.append((program, str(error)[:400]))
    assert differ == []
