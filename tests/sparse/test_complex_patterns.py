"""Patterns of functions of real numbers that go through complex ones: beside dense derivatives, and no larger than need be."""

import numpy as np
import pytest
from sparse.dense import F, assert_holds, dense, found, random_vector, weighed

import pullback as pb
from pullback.func import hessian, jacrev

pytest.importorskip("scipy.sparse")
FACTORS = pb.tensor([1j, 0, 1, 1 - 1j, 2, 0, 1j, 1j], dtype=pb.complex128)


def halves(x):
    return pb.complex(x[:4], x[4:])


def pairs(x):
    return pb.view_as_complex(x.reshape(4, 2))


def written(x):
    z = x + 0j
    z[:2] = x[4:6] * 1j
    z[3].mul_(x[0])
    return z.abs()


# Of a vector of 8: what leads in and out, rows of the table, motions, products, transforms, decompositions.
PROGRAMS = {
    "complex": lambda x: pb.view_as_real(halves(x) ** 2),
    "real": lambda x: halves(x).real * 2,
    "imag": lambda x: halves(x).conj().imag,
    "abs": lambda x: halves(x).abs(),
    "angle": lambda x: halves(x).angle(),
    "polar": lambda x: pb.view_as_real(pb.polar(x[:4].abs(), x[4:])),
    "view_as_complex": lambda x: pb.view_as_real(pairs(x).exp()),
    "view_as_complex, not row by row": lambda x: (
        pb.view_as_complex(x.reshape(2, 2, 2).transpose(0, 1)).sin().real
    ),
    "view_as_real, not row by row": lambda x: pb.view_as_real(pairs(x).reshape(2, 2).t()).sin(),
    "imaginary factors": lambda x: (x * 1j).imag.sin(),
    "constant factors": lambda x: (x * FACTORS).abs() ** 2,
    "cast": lambda x: x.to(pb.complex128).exp().real,
    "narrow": lambda x: (x.to(pb.complex64) * 1j).imag.double().sin(),
    "reciprocal": lambda x: (x + 1j).reciprocal().real,
    "sgn": lambda x: (x + 1j).sgn().imag,
    "where": lambda x: pb.where(x > 0, x * 1j, x * x + 1j).imag,
    "lerp": lambda x: pb.lerp(x + 0j, x.flip(0) * 1j, 0.5).abs(),
    "index": lambda x: (x * 1j)[[1, 1, 3]].imag,
    "motions": lambda x: pb.cat([(x * 1j).flip(0)[:3], (x + 1j).roll(2)]).abs(),
    "scatter": lambda x: (x * 1j).scatter(0, pb.tensor([0, 2]), x[:2] + 0j).abs(),
    "masked_fill": lambda x: (x * 1j).masked_fill(x > 0, 0).imag.sin(),
    "pad": lambda x: F.pad(x * 1j, (1, 2)).imag,
    "written": written,
    "sum": lambda x: (x * 1j).reshape(2, 4).sum(0).abs(),
    "prod": lambda x: (x + 1j).reshape(2, 4).prod(1).abs(),
    "cumsum": lambda x: (x * 1j).cumsum(0).abs(),
    "cumprod": lambda x: (x + 1j).cumprod(0).real,
    "norm": lambda x: (x + 1j).reshape(2, 4).norm(dim=1),
    "matmul": lambda x: (
        (x + 1j * x.flip(0)).reshape(2, 4) @ pb.tensor([[1j], [0], [0], [1]], dtype=pb.complex128)
    ).abs(),
    "matmul of both": lambda x: ((x + 0j).reshape(2, 4) @ (x * 1j).reshape(4, 2)).imag,
    "conv1d": lambda x: F.conv1d(
        (x + 0j).reshape(1, 1, 8), pb.tensor([[[1j, 0, 2]]], dtype=pb.complex128)
    ).abs(),
    "vdot": lambda x: pb.vdot(x * 1j, x + 1j).real.reshape(1),
    "inv": lambda x: pb.linalg.inv(x.reshape(2, 2, 2) + 1j * pb.eye(2, dtype=pb.float64)).real,
    "det": lambda x: pb.linalg.det(x.reshape(2, 2, 2) + 1j).abs(),
    "eigvals": lambda x: pb.linalg.eigvals(x.reshape(2, 2, 2)).abs(),
    "eigvalsh": lambda x: pb.linalg.eigvalsh(x.reshape(2, 2, 2) + 0j),
    "svdvals": lambda x: pb.linalg.svdvals(x.reshape(2, 2, 2) + 1j),
    "fft": lambda x: pb.view_as_real(pb.fft.fft(x)).sin(),
    "ifft of rows": lambda x: pb.fft.ifft(x.reshape(2, 4)).abs(),
    "rfft of columns": lambda x: pb.fft.rfft(x.reshape(4, 2), dim=0).abs(),
    "irfft": lambda x: pb.fft.irfft(pb.fft.rfft(x) ** 2),
    "fft2": lambda x: pb.fft.fft2(x.reshape(2, 2, 2)).abs(),
    "irfftn": lambda x: pb.fft.irfftn(pb.complex(x, x.cos()).reshape(2, 2, 2), dim=(1, 2)),
    "hfft": lambda x: pb.fft.hfft((x + 0j).reshape(2, 4)),
    "fft, longer and shorter": lambda x: (
        pb.fft.fft(x.reshape(2, 4), n=6).abs()[:, :3] + pb.fft.fft(x.reshape(2, 4), n=3).abs()
    ),
    "stft": lambda x: pb.stft(x, 4, return_complex=True, window=pb.ones(4, dtype=pb.float64)).abs(),
    "vmap": lambda x: pb.vmap(lambda row: pb.fft.rfft(row).abs())(x.reshape(2, 4)),
}


@pytest.mark.filterwarnings("error")  # nothing is taken for dense
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    f, x = PROGRAMS[name], random_vector(8)
    pattern = found(f, x)
    assert_holds(pattern, dense(f, x))
    assert_holds(found(weighed(f), x, order=2), hessian(weighed(f))(x).numpy() != 0)
    everywhere = found(f, x, everywhere=True)
    assert_holds(everywhere, pattern)
    for seed in 1, 2:
        assert_holds(everywhere, dense(f, random_vector(8, seed)))
    expected = jacrev(f)(x).numpy().reshape(-1, 8)
    np.testing.assert_allclose(pb.sparse.jacobian(f)(x).toarray(), expected, rtol=1e-6, atol=1e-9)
    expected = hessian(weighed(f))(x).numpy()
    np.testing.assert_allclose(pb.sparse.hessian(weighed(f))(x).toarray(), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("abs", np.tile(np.eye(4), 2)),
        ("view_as_complex", np.kron(np.eye(4), np.ones((2, 2)))),
        ("constant factors", np.diag([1, 0, 1, 1, 1, 0, 1, 1])),
        ("cumsum", np.tri(8)),
        ("ifft of rows", np.kron(np.eye(2), np.ones((4, 4)))),
        ("rfft of columns", np.kron(np.ones((3, 4)), np.eye(2))),
        ("fft2", np.kron(np.eye(2), np.ones((4, 4)))),
        ("hfft", np.kron(np.eye(2), np.ones((6, 4)))),
        ("matmul", np.array([[1, 0, 0, 1, 1, 0, 0, 1], [1, 0, 0, 1, 1, 0, 0, 1]])),
    ],
)
def test_no_larger_than_need_be(name, expected):
    assert (found(PROGRAMS[name], random_vector(8)) == (expected != 0)).all()


class Turn(pb.autograd.Function):
    """i times z, and a hidden tenth of a neighbour if it is told to lie."""

    honest = True

    @staticmethod
    def forward(ctx, z):
        return z * 1j

    @staticmethod
    def backward(ctx, g):
        pulled = g * -1j
        return pulled if Turn.honest else pulled + pb.complex(g.imag.detach().flip(0) / 10, g.real * 0)


def test_a_function_is_believed_if_products_agree():
    f, x = lambda x: Turn.apply(x + 0j).abs(), random_vector(4)
    assert (found(f, x) == np.eye(4, dtype=bool)).all()
    Turn.honest = False
    try:
        with pytest.warns(UserWarning, match="every result of Turn"):
            assert found(f, x).all()
    finally:
        Turn.honest = True


def test_a_diagonal_from_spectra_of_many():
    """As many products as a transform is long, however many transforms there are."""
    x = pb.tensor(np.random.default_rng(0).standard_normal((2000, 4)))
    power = lambda x: (pb.fft.rfft(x).abs() ** 2).sum()
    h = pb.sparse.hessian(power)
    assert h(x).nnz == 2000 * 16 and h.plan(x).coloring.products == 4
    np.testing.assert_allclose(h(x)[:4, :4].toarray(), hessian(power)(x[:1]).numpy().reshape(4, 4), atol=1e-9)


def test_arguments_and_results_are_real():
    z = pb.tensor([1j, 2.0])
    for find in (pb.sparse.pattern, lambda f, z: pb.sparse.jacobian(f)(z)):
        with pytest.raises(
            RuntimeError, match=r"by a complex number is two .* Differentiate by view_as_real"
        ):
            find(lambda z: z.abs(), z)
        with pytest.raises(RuntimeError, match=r"returns complex numbers, .* Return view_as_real"):
            find(lambda x: x * 1j, random_vector(2))
    parts = pb.view_as_real(z)
    squared = pb.sparse.jacobian(lambda p: pb.view_as_real(pb.view_as_complex(p) ** 2))(parts).toarray()
    assert squared.tolist() == [[0, -2, 0, 0], [2, 0, 0, 0], [0, 0, 4, 0], [0, 0, 0, 4]]
