# ruff: noqa: E501
"""complex32: two halves side by side, stored as such, computed in complex64 and rounded once."""

import copy
import io
import pickle

import numpy as np
import pytest
from beside import same

import pullback as pb


def numbers(shape=(3, 4), seed=0):
    """Complex numbers whose parts are halves."""
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((*shape, 2)).astype(np.float16)
    return (parts[..., 0] + 1j * parts[..., 1]).astype(np.complex64)


def rounded(z):
    z = np.asarray(z)
    with np.errstate(over="ignore"):
        parts = [p.astype(np.float16).astype(np.float32) for p in (z.real, z.imag)]
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def chalf(z):
    made = pb.tensor(z).chalf()
    assert made.dtype is pb.complex32
    return made


def equal(t, z):
    assert t.dtype is pb.complex32
    np.testing.assert_array_equal(t.cfloat().numpy(), z)


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (100, 300)], ids=str)
def test_parts_round_to_the_nearest(shape):
    rng = np.random.default_rng(1)
    z = rng.standard_normal(shape) * 10.0 ** rng.uniform(-7, 5, shape) + 1j * rng.standard_normal(shape)
    for dtype in (np.complex64, np.complex128):
        # Double precision by way of single, as PyTorch has it.
        single = np.asarray(z, dtype).astype(np.complex64)
        equal(pb.tensor(np.asarray(z, dtype)).to(pb.complex32), rounded(single))
    again = chalf(rounded(z))
    equal(again, rounded(z))
    np.testing.assert_array_equal(again.cdouble().numpy(), rounded(z))
    np.testing.assert_array_equal(again.real.numpy(), rounded(z).real.astype(np.float16))
    np.testing.assert_array_equal(pb.view_as_real(again)[..., 1].float().numpy(), rounded(z).imag)
    x = rng.standard_normal(shape).astype(np.float16)
    equal(pb.tensor(x).to(pb.complex32), x.astype(np.complex64))
    equal(pb.complex(pb.tensor(x), pb.tensor(x)), x + 1j * x.astype(np.float32))
    equal(pb.tensor([1, -2, 300]).chalf(), np.array([1, -2, 300], np.complex64))
    equal(pb.tensor([True, False]).chalf(), np.array([1, 0], np.complex64))
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        assert chalf(np.array([3.7 + 1j])).to(pb.uint16).tolist() == [3]


def test_what_there_is_to_see():
    d = pb.complex32
    assert (
        d is pb.chalf and d.is_complex and d.is_signed and d.itemsize == 4 and repr(d) == "pullback.complex32"
    )
    z = pb.tensor([[1 + 2j, 3.5 - 4j], [0.1 + 0.2j, 0]], dtype=d)
    assert (
        z.type() == "pullback.ComplexHalfTensor"
        and z.element_size() == 4
        and pb.finfo(d) == pb.finfo(pb.float16)
    )
    assert z.tolist()[0] == [1 + 2j, 3.5 - 4j] and z[0, 1].item() == complex(z[0, 1]) == 3.5 - 4j
    assert str(z) == (
        "tensor([[1.0000+2.0000j, 3.5000-4.0000j],\n        [0.1000+0.2000j, 0.0000+0.0000j]], dtype=pullback.complex32)"
    )
    for made in (z.numpy, z.__array__):
        with pytest.raises(TypeError, match="^Got unsupported ScalarType ComplexHalf"):
            made()
    assert pb.testing.make_tensor((3,), dtype=d, device="cpu").dtype is d
    pb.testing.assert_close(z, z * 1.0005)
    with pytest.raises(AssertionError, match="not close"):
        pb.testing.assert_close(z, z + 0.1)


@pytest.mark.parametrize("shape", [(7,), (40, 50), (300, 200)], ids=str)
def test_arithmetic_is_complex64s_rounded_after_every_function(shape):
    a, b = numbers(shape), numbers(shape, 1)
    x, y = chalf(a), chalf(b)
    equal(x + y, rounded(a + b))
    equal(x - y, rounded(a - b))
    equal(-x, -a)
    equal(x.conj(), a.conj())
    equal((x + y) - 1, rounded(rounded(a + b) - np.complex64(1)))
    equal(pb.where(x.real > 0, x, y), np.where(a.real > 0, a, b))
    for got, wanted in (
        (x * y, a * b),
        (x / y, a / b),
        (x.exp(), np.exp(a)),
        (x * 2.5, a * np.complex64(2.5)),
    ):
        assert got.dtype is pb.complex32
        np.testing.assert_allclose(got.cfloat().numpy(), wanted, rtol=2e-3, atol=2e-3)
    assert x.abs().dtype is pb.float16
    np.testing.assert_allclose(x.abs().float().numpy(), np.abs(a), rtol=1e-3)
    np.testing.assert_array_equal((x == y).numpy(), a == b)
    total = x.sum()
    assert total.dtype is pb.complex32 and abs(total.item() - a.sum()) < 2e-3 * np.abs(a).sum() ** 0.5 + 0.2
    x.mul_(2)
    equal(x, a * 2)


def test_where_it_meets_others():
    meet = {"float16": "complex32", "bfloat16": "complex64", "float32": "complex64", "float64": "complex128"}
    meet.update(dict.fromkeys(["bool", "uint8", "int8", "int16", "int32", "int64"], "complex32"))
    meet.update(complex32="complex32", complex64="complex64", complex128="complex128")
    z = pb.ones(2, dtype=pb.complex32)
    for other, wanted in meet.items():
        d, w = getattr(pb, other), getattr(pb, wanted)
        assert pb.promote_types(pb.complex32, d) is pb.promote_types(d, pb.complex32) is w
        assert (z * pb.ones(2, dtype=d)).dtype is w and (z + pb.ones((), dtype=d)).dtype is pb.complex32
    for one in (2, 2.5, 1j, True):
        assert (z * one).dtype is pb.complex32
    assert (pb.ones(2).half() * 1j).dtype is pb.complex32 and (
        pb.ones(2).bfloat16() * 1j
    ).dtype is pb.complex64
    with pytest.raises(RuntimeError, match="^Promotion for uint16"):
        z * pb.ones(2, dtype=pb.uint16)


def test_decompositions_and_transforms_refuse_them():
    x = pb.eye(2, dtype=pb.complex32)
    for attempt in (pb.linalg.det, pb.linalg.svd, pb.linalg.qr, pb.linalg.cholesky, pb.linalg.eigh):
        with pytest.raises(
            NotImplementedError, match="not implemented for 'ComplexHalf'.*convert it with .cfloat"
        ):
            attempt(x)
    for attempt in (pb.linalg.inv, pb.matrix_exp):
        with pytest.raises(RuntimeError, match="Low precision dtypes not supported. Got ComplexHalf"):
            attempt(x)
    with pytest.raises(RuntimeError, match="Unsupported dtype ComplexHalf"):
        pb.fft.fft(x)
    assert pb.linalg.matrix_norm(x).item() == np.float16(2**0.5) and (x @ x).tolist() == x.tolist()


def test_gradients_are_those_of_complex64_rounded():
    a, b = numbers((50,)), numbers((50,), 1)
    x, y = chalf(a).requires_grad_(), chalf(b).requires_grad_()
    (x * y + x.exp()).abs().sum().backward()
    u, v = pb.tensor(a, requires_grad=True), pb.tensor(b, requires_grad=True)
    (u * v + u.exp()).abs().sum().backward()
    for mine, wide in ((x.grad, u.grad), (y.grad, v.grad)):
        assert mine.dtype is pb.complex32
        np.testing.assert_allclose(mine.cfloat().numpy(), wide.numpy(), rtol=2e-2, atol=2e-2)
    parts = pb.randn(6, 2).half().requires_grad_()
    pb.view_as_complex(parts).abs().float().square().sum().backward()
    np.testing.assert_allclose(
        parts.grad.float().numpy(), 2 * parts.detach().float().numpy(), rtol=5e-3, atol=1e-3
    )
    _, tangent = pb.func.jvp(lambda t: t * t, (chalf(a),), (chalf(b),))
    assert tangent.dtype is pb.complex32
    np.testing.assert_allclose(tangent.cfloat().numpy(), 2 * a * b, rtol=1e-2, atol=1e-2)


def test_memory_copies_and_files():
    a = numbers()
    x = chalf(a)
    assert pb.view_as_real(x).data_ptr() == x.data_ptr() and x.view(pb.float16).shape == (3, 8)
    x.real[0, 0] = 5
    a[0, 0] = 5 + 1j * a[0, 0].imag
    for same_as in (x, x.clone(), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), x.t().contiguous().t()):
        equal(same_as, a)
    equal(pb.cat([x, x])[[4, 1]], a[[1, 1]])
    equal(x.index_put((pb.tensor([0, 0]),), x[1:], accumulate=True)[1:], a[1:])
    equal(pb.vmap(lambda t: t.flip(0))(x), a[:, ::-1])
    file = io.BytesIO()
    pb.save({"x": x, "part": x[1:, ::2]}, file)
    file.seek(0)
    found = pb.load(file)
    equal(found["x"], a)
    equal(found["part"], a[1:, ::2])
    with pytest.raises(NotImplementedError, match=r"safetensors has no letters for pullback\.complex32"):
        pb.save({"x": x}, io.BytesIO(), format="safetensors")


PROGRAMS = """
z ; z[0] ; z[0, 0] ; z[0, 0].item() ; z.tolist() ; complex(z[0, 1]) ; z.real ; z.imag ; m.view_as_real(z) ; m.view_as_complex(m.ones(2, 2).half())
m.view_as_complex(m.ones(2, 2).bfloat16()) ; m.complex(h, h) ; z + w ; z - w ; z * w ; z * 2 ; z * 2.5 ; z * 1j ; 2 - z ; z + h ; z * h.float() ; z * i
z * h.bfloat16() ; h * 1j ; h + 1j ; h.bfloat16() * 1j ; m.result_type(h, 1j) ; m.result_type(z, 1.5) ; m.result_type(z, h.float()) ; m.result_type(z, h.float()[0])
m.result_type(z, m.tensor(1j)) ; m.tensor([1 + 2j], dtype=m.complex32) ; m.tensor([1 + 2j, 70000.0], dtype=m.complex32) ; m.tensor(1e-8j, dtype=m.complex32)
m.zeros(2, dtype=m.complex32) ; m.full((2,), 1 + 2j, dtype=m.complex32) ; m.full((2,), 1e6, dtype=m.complex32) ; m.ones(2, dtype=m.chalf) ; m.empty(2, dtype=m.complex32).zero_()
m.randn(3, dtype=m.complex32) ; m.rand(3, dtype=m.complex32) ; z.to(m.complex64) ; z.cfloat() ; z.chalf() ; h.chalf() ; i.chalf() ; z.abs() ; z.conj()
-z ; z == w ; z != w ; z.eq(1) ; z.isnan() ; z.isfinite() ; z.isreal() ; z.element_size() ; z.type() ; z.is_complex() ; z.is_signed() ; m.finfo(z.dtype)
z.clone().fill_(1j) ; z.clone().copy_(w) ; z.t() ; z.T.contiguous() ; m.cat([z, w]) ; m.stack([z, w]) ; z[z.real > 0] ; m.where(z.real > 0, z, w)
z.view(m.float16) ; z.view(m.int32) ; m.promote_types(m.complex32, m.float16) ; m.can_cast(m.complex32, m.float32) ; m.testing.assert_close(w, w) ; m.allclose(w, w)
m.nn.functional.pad(w, (1, 1)) ; m.diff(w) ; m.linalg.norm(w) ; m.chalf ; m.testing.make_tensor((2,), dtype=m.complex32, device="cpu").dtype ; m.can_cast(m.float64, m.complex32)
z.masked_fill(z.real > 0, 1j) ; z.new_zeros(2) ; z.new_tensor([1, 2]) ; m.zeros_like(z) ; m.full_like(z, 3) ; m.randn_like(z) ; z.requires_grad_().requires_grad ; z.any() ; z.all()
m.count_nonzero(z) ; z.tril() ; z.repeat(2, 1) ; z.roll(1) ; z.diag() ; z[:, ::2] ; z.bool() ; z.clone().mul_(2) ; z.clone().add_(w) ; h.clone().add_(z) ; z.flatten()
m.addcmul(z, z, w) ; z.nonzero() ; z < w ; z & w ; float(z[0, 0]) ; m.mul(z, w, out=m.empty(0, dtype=m.complex64))
"""


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_programs_beside_pytorch():
    """What PyTorch has: the value, its dtype and how it is printed, or the kind of the error and what it says."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.empty(1, dtype=torch.complex32)  # which warns once of what is experimental

    def seen(value):
        if isinstance(value, (tuple, list)):
            return [seen(each) for each in value]
        if str(getattr(value, "dtype", "")).endswith(".complex32"):
            return [str(value), tuple(value.stride()), value.cfloat()]
        return [value, str(value)]

    def run(program, m):
        lists = [[[1 + 2j, 3.5 - 4j], [0.1 + 0.2j, -3j]], [[1 - 1j, 2 + 0.5j], [3, 1j]]]
        z, w = (m.tensor(each, dtype=m.complex32) for each in lists)
        return seen(
            eval(program, {"m": m, "z": z, "w": w, "h": m.tensor([1.0, 2.0]).half(), "i": m.tensor([1, 2])})
        )

    differ = []
    for program in filter(None, map(str.strip, PROGRAMS.replace("\n", ";").split(";"))):
        try:
            same(lambda m, program=program: run(program, m), 2e-3)
        except AssertionError as error:
            differ.append((program, str(error)[:400]))
    assert differ == []
