"""Derivatives of Fourier transforms: finite differences in every mode, and what the adjoint of a transform is."""

import numpy as np
import pytest
from checks import check_linear

import pullback as pb

# Complex numbers as pairs, so that every check of real numbers applies.
PAIRS, REALS = lambda x: pb.view_as_complex(x.contiguous()), pb.view_as_real
TRANSFORMS = {
    "fft": lambda x: REALS(pb.fft.fft(PAIRS(x))),
    "ifft, ortho, longer": lambda x: REALS(pb.fft.ifft(PAIRS(x), 5, norm="ortho")),
    "fft of reals": lambda x: REALS(pb.fft.fft(x, dim=0)),
    "ifft of reals": lambda x: REALS(pb.fft.ifft(x[..., 0])),
    "rfft, even": lambda x: REALS(pb.fft.rfft(x[..., 0], 4, norm="forward")),
    "rfft, odd": lambda x: REALS(pb.fft.rfft(x[..., 0], 3, 0)),
    "irfft, even": lambda x: pb.fft.irfft(PAIRS(x), 4),
    "irfft, odd": lambda x: pb.fft.irfft(PAIRS(x), 5, norm="ortho"),
    "hfft": lambda x: pb.fft.hfft(PAIRS(x), dim=0),
    "ihfft": lambda x: REALS(pb.fft.ihfft(x[..., 1])),
    "fftn": lambda x: REALS(pb.fft.fftn(PAIRS(x), (2, 4))),
    "ifft2": lambda x: REALS(pb.fft.ifft2(PAIRS(x), dim=(1, 0))),
    "rfftn": lambda x: REALS(pb.fft.rfftn(x)),
    "irfftn, even": lambda x: pb.fft.irfftn(PAIRS(x), dim=(0, 1)),
    "irfftn, odd": lambda x: pb.fft.irfftn(PAIRS(x), (3, 5)),
    "hfftn": lambda x: pb.fft.hfftn(PAIRS(x), norm="ortho"),
    "ihfftn": lambda x: REALS(pb.fft.ihfftn(x[..., 0])),
    "fftshift": lambda x: pb.fft.fftshift(x, 0),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_mode(name):
    check_linear(TRANSFORMS[name], (2, 3, 2))


def test_energy():
    # Parseval: |y|^2 of the transform that is divided by sqrt(n) is |x|^2, so that its gradient is 2 x.
    x = pb.randn(3, 7, dtype=pb.complex128, requires_grad=True)
    pb.fft.fft(x, norm="ortho").abs().square().sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * x.detach().numpy(), rtol=1e-12)


def test_convolution_beside_conv1d():
    x, w = (pb.randn(n, dtype=pb.float64, requires_grad=True) for n in (40, 9))
    by_products = pb.fft.irfft(pb.fft.rfft(x, 48) * pb.fft.rfft(w, 48), 48)
    directly = pb.nn.functional.conv1d(x.view(1, 1, -1), w.flip(0).view(1, 1, -1), padding=8).flatten()
    np.testing.assert_allclose(by_products.detach().numpy(), directly.detach().numpy(), atol=1e-12)
    for a, b in zip(*(pb.autograd.grad((y**3).sum(), (x, w)) for y in (by_products, directly))):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_entries_of_a_vmap_are_one_transform(axis):
    x = pb.randn(4, 5, 6, dtype=pb.float64)
    for f in (pb.fft.rfft, pb.fft.fftn, lambda v: pb.fft.fft(v, 7, 0)):
        found = pb.vmap(f, axis)(x)
        known = pb.stack([f(v) for v in x.unbind(axis)])
        np.testing.assert_allclose(found.numpy(), known.numpy(), atol=1e-12)
    one = lambda v: pb.fft.rfft(v).abs().square().sum()
    F = np.fft.rfft(np.eye(6), axis=0)
    np.testing.assert_allclose(pb.func.hessian(one)(x[0, 0]).numpy(), 2 * (F.conj().T @ F).real, atol=1e-10)


def test_nodes_have_pytorchs_names():
    x, z = (pb.randn(4, dtype=d, requires_grad=True) for d in (pb.float64, pb.complex128))
    of = lambda y: type(y.grad_fn).__name__
    assert of(pb.fft.fft(z)) == of(pb.fft.fft2(z.view(2, 2))) == "FftC2CBackward0"
    assert of(pb.fft.fft(x)) == of(pb.fft.rfft(x)) == "FftR2CBackward0"
    assert of(pb.fft.irfft(z)) == of(pb.fft.hfft(z)) == "FftC2RBackward0"
