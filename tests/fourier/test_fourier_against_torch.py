"""Fourier transforms beside PyTorch's: shapes, strides, values, and derivatives of the first and second order."""

import numpy as np
import pytest

import pullback as pb

torch = pytest.importorskip("torch")
draw = np.random.default_rng(8).standard_normal
NAMES = [a + b for a in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft") for b in ("", "2", "n")]


def seen(library, name, x, size, dim, norm):
    x = library.tensor(x, requires_grad=True)
    y = getattr(library.fft, name)(x, size, dim, norm)
    weights = library.arange(1.0, y.numel() + 1, dtype=library.float64).reshape(y.shape)
    value = (y.abs() ** 2 * weights).sum() + (y**3).real.sum() if y.is_complex() else (y**3 * weights).sum()
    (g,) = library.autograd.grad(value, x, create_graph=True)
    (h,) = library.autograd.grad((g.abs() ** 2).sum(), x)
    return [y.shape, y.stride(), str(y.dtype).split(".")[1]], [
        t.detach().resolve_conj().numpy() for t in (y, g, h)
    ]


@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("name", NAMES)
def test_beside_torch(name, norm):
    real = name.startswith(("rfft", "ihfft"))
    x = draw((3, 5)) if real else draw((3, 5)) + 1j * draw((3, 5))
    single = name.endswith("fft")
    for size, dim in (
        [(None, -1), (4, 0), (7, 1)] if single else [(None, (0, 1)), ((2, 4), (1, 0)), ((4, -1), (0, 1))]
    ):
        (looks, found), (known_looks, known) = (seen(each, name, x, size, dim, norm) for each in (pb, torch))
        assert [tuple(looks[0]), *looks[1:]] == [tuple(known_looks[0]), *known_looks[1:]]
        for a, b in zip(found, known):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)
