"""Values of Fourier transforms beside NumPy's, in every norm, length and direction; dtypes, and bad input."""

import re

import numpy as np
import pytest

import pullback as pb
from pullback.fourier import library

SINGLE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")
NORMS = (None, "backward", "ortho", "forward")
OF_REALS = ("rfft", "ihfft", "rfft2", "rfftn", "ihfft2", "ihfftn")
draw = np.random.default_rng(5).standard_normal


def signal(name, *shape):
    return draw(shape) if name in OF_REALS else draw(shape) + 1j * draw(shape)


def close(found, known, tolerance=1e-12):
    assert found.shape == known.shape
    np.testing.assert_allclose(found.resolve_conj().numpy(), known, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", SINGLE)
def test_beside_numpy(name, norm):
    x = signal(name, 4, 6)
    for n in (None, 1, 2, 5, 6, 7, 12):
        for axis in (-1, 0, 1, -2):
            close(getattr(pb.fft, name)(pb.tensor(x), n, axis, norm), getattr(np.fft, name)(x, n, axis, norm))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", SEVERAL)
def test_several_beside_numpy(name, norm):
    x = signal(name, 3, 4, 5)
    for axes in ((-2, -1), (0, 2), (2, 0), (1,), (1, 2, 0)):
        for s in (None, (4, 3, 6)[: len(axes)]):
            known = getattr(np.fft, name.replace("2", "n"))(x, s, axes, norm)
            close(getattr(pb.fft, name)(pb.tensor(x), s, axes, norm), known)
    if name.endswith("n"):
        close(getattr(pb.fft, name)(pb.tensor(x), norm=norm), getattr(np.fft, name)(x, norm=norm))


@pytest.mark.parametrize("norm", NORMS)
def test_several_inverses(norm):
    # Along a dimension at a time: the last one is symmetric, the others are complex.
    x = draw((3, 4))
    known = np.fft.ifft(np.fft.ihfft(x, norm=norm), axis=0, norm=norm)
    for spectrum in (pb.fft.ihfftn(pb.tensor(x), norm=norm), pb.fft.ihfft2(pb.tensor(x), norm=norm)):
        close(spectrum, known)
        for name in ("hfftn", "hfft2"):
            close(getattr(pb.fft, name)(spectrum, (3, 4), norm=norm), x)
            close(getattr(pb.fft, name)(spectrum, norm=norm), x)


@pytest.mark.parametrize("n", [1, 2, 3, 97, 360, 1009, 4096])
def test_any_length_by_the_sum_itself(n):
    x = draw(n) + 1j * draw(n)
    k = np.arange(n)
    known = np.array([np.exp(-2j * np.pi * (k * j % n) / n) @ x for j in k[:5]])
    np.testing.assert_allclose(pb.fft.fft(pb.tensor(x)).numpy()[:5], known, rtol=1e-10, atol=1e-10 * n**0.5)
    close(pb.fft.irfft(pb.fft.rfft(pb.tensor(x.real)), n), x.real)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "fftn", "rfftn", "irfftn"])
def test_without_scipy(name, monkeypatch):
    x = signal(name, 3, 50, 40)
    for t in (pb.tensor(x), pb.tensor(x).to(pb.complex64 if np.iscomplexobj(x) else pb.float32)):
        by_scipy = getattr(pb.fft, name)(t)
        with monkeypatch.context() as numpys:
            numpys.setattr(library, "extension", lambda: None)
            numpys.setattr(library, "library", lambda: np.fft)
            by_numpy = getattr(pb.fft, name)(t)
        assert by_numpy.dtype is by_scipy.dtype
        close(
            by_numpy, by_scipy.numpy(), 1e-12 if t.element_size() * (1 + (not t.is_complex())) == 16 else 1e-3
        )


def test_dtypes():
    x = draw((2, 8))
    for dtype, expected in (("float32", "complex64"), ("float64", "complex128"), ("int64", "complex64")):
        t = pb.tensor(x).to(getattr(pb, dtype))
        assert pb.fft.fft(t).dtype is pb.fft.rfft(t).dtype is pb.fft.fftn(t).dtype is getattr(pb, expected)
        assert pb.fft.irfft(t).dtype is (pb.float64 if dtype == "float64" else pb.float32)
    close(pb.fft.fft(pb.tensor(x, dtype=pb.float32)), np.fft.fft(x), 1e-5)
    close(pb.fft.ifft(pb.tensor(x)), np.fft.ifft(x))
    y = pb.fft.fft(pb.tensor(x)[:, ::2].T.conj())
    close(y, np.fft.fft(x[:, ::2].T))


def test_frequencies():
    for n in (0, 1, 4, 5):
        for d in (1.0, 0.25, 3):
            if n:
                close(pb.fft.fftfreq(n, d, dtype=pb.float64), np.fft.fftfreq(n, d))
                close(pb.fft.rfftfreq(n, d, dtype=pb.float64), np.fft.rfftfreq(n, d))
        assert pb.fft.fftfreq(n).shape == (n,) and pb.fft.fftfreq(n).dtype is pb.float32
    assert pb.fft.fftfreq(3, requires_grad=True).requires_grad


def test_shifts():
    x = np.arange(30.0).reshape(5, 6)
    for axes in (None, 0, -1, (0, 1)):
        close(pb.fft.fftshift(pb.tensor(x), axes), np.fft.fftshift(x, axes))
        close(pb.fft.ifftshift(pb.tensor(x), axes), np.fft.ifftshift(x, axes))


def test_out():
    x, out = pb.tensor(draw(4)), pb.empty(0, dtype=pb.complex128)
    assert pb.fft.fft(x, out=out) is out and (out == pb.fft.fft(x)).all()
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype"):
        pb.fft.fft(x, out=pb.empty(0, dtype=pb.float64))


X, Z = pb.ones(3, 4), pb.ones(3, 4, dtype=pb.complex64)
ERRORS = [
    (lambda: pb.fft.fft(X, 0), RuntimeError, "Invalid number of data points (0) specified"),
    (lambda: pb.fft.irfft(pb.ones(1)), RuntimeError, "Invalid number of data points (0) specified"),
    (lambda: pb.fft.fft(X, 2.5), TypeError, "argument 'n' must be int, not float"),
    (lambda: pb.fft.fft(X, dim=5), IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got 5)"),
    (lambda: pb.fft.fft(pb.tensor(1.0)), IndexError, "Dimension specified as -1 but tensor has no dimensions"),
    (lambda: pb.fft.fft(X, norm="x"), RuntimeError, 'Invalid normalization mode: "x"'),
    (lambda: pb.fft.fft(X, norm=3), TypeError, "argument 'norm' must be str, not int"),
    (lambda: pb.fft.rfft(Z), RuntimeError, "rfft expects a real input tensor, but got ComplexFloat"),
    (lambda: pb.fft.ihfft(Z), RuntimeError, "ihfft expects a real input tensor, but got ComplexFloat"),
    (lambda: pb.fft.rfftn(Z), RuntimeError, "rfftn expects a real-valued input tensor, but got ComplexFloat"),
    (lambda: pb.fft.ihfftn(Z), RuntimeError, "Only supports floating-point dtypes, but found: ComplexFloat"),
    (lambda: pb.fft.fftn(X, s=(2,), dim=(0, 1)), RuntimeError, "When given, dim and shape arguments must have the same length"),
    (lambda: pb.fft.fftn(X, s=(2, 2, 2)), RuntimeError, "Got shape with 3 values but input tensor only has 2 dimensions."),
    (lambda: pb.fft.fftn(X, dim=(0, 0)), RuntimeError, "FFT dims must be unique"),
    (lambda: pb.fft.rfftn(X, dim=()), RuntimeError, "rfftn must transform at least one axis"),
    (lambda: pb.fft.irfftn(pb.tensor(1.0)), RuntimeError, "irfftn must transform at least one axis"),
    (lambda: pb.fft.fftn(X, s=(-2, 2)), RuntimeError, "Invalid number of data points (-2) specified"),
    (lambda: pb.fft.fftfreq(-1), RuntimeError, "Trying to create tensor with negative dimension -1: [-1]"),
    (lambda: pb.fft.rfftfreq(5, dtype=pb.int64), RuntimeError, "rfftfreq requires a floating point or complex dtype"),
    (lambda: pb.fft.fft([1.0]), TypeError, "fft_fft(): argument 'input' (position 1) must be Tensor, not list"),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, message", ERRORS, ids=range(len(ERRORS)))
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match="^" + re.escape(message)):
        call()


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "fftn", "irfftn"])
def test_by_scipys_public_functions(name, monkeypatch):
    """Where this version of SciPy has no extension that is known: the same bits."""
    pytest.importorskip("scipy")
    for shape in ((3, 8), (30, 40, 50)):
        x = pb.tensor(signal(name, *shape))
        for norm in NORMS:
            directly = getattr(pb.fft, name)(x, norm=norm)
            with monkeypatch.context() as public:
                public.setattr(library, "extension", lambda: None)
                np.testing.assert_array_equal(getattr(pb.fft, name)(x, norm=norm).numpy(), directly.numpy())
