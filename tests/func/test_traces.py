"""Laplacians, diagonals of Hessians, divergences: beside the dense matrices, closed forms, and in their cost."""

import numpy as np
import pytest

import pullback as pb
from pullback.func import divergence, grad, hessian, hessian_diagonal, jacrev, laplacian, vmap

F64 = pb.float64
rng = np.random.default_rng(0)
W, B, U = [pb.tensor(rng.standard_normal(shape)) for shape in ((8, 5), (8,), (3, 8))]
X = pb.tensor(rng.standard_normal(5))


def network(x):
    return U @ (W @ x + B).tanh()


def energy(x):
    return network(x).logsumexp(0)


def close(a, b, tolerance=1e-10):
    np.testing.assert_allclose(a.numpy(), b, tolerance, tolerance)


def test_of_a_scalar():
    H = hessian(energy)(X).numpy()
    close(laplacian(energy)(X), np.trace(H))
    close(hessian_diagonal(energy)(X), np.diag(H))


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
def test_in_chunks(chunk_size):
    H = hessian(energy)(X).numpy()
    close(laplacian(energy, chunk_size=chunk_size)(X), np.trace(H))
    close(hessian_diagonal(energy, chunk_size=chunk_size)(X), np.diag(H))
    close(
        divergence(lambda x: x.softmax(0), chunk_size=chunk_size)(X),
        np.trace(jacrev(lambda x: x.softmax(0))(X).numpy()),
    )


def test_of_several_outputs():
    H = hessian(network)(X).numpy()
    close(laplacian(network)(X), np.trace(H, axis1=1, axis2=2))
    close(hessian_diagonal(network)(X), np.einsum("kii->ki", H))


def test_the_harmonic_and_the_known():
    """log r is harmonic in the plane, 1 / r in space; r**4 has 20 r**2 there."""
    x, y = pb.tensor([0.3, 0.7], dtype=F64), pb.tensor([0.3, -0.7, 1.1], dtype=F64)
    assert float(laplacian(lambda x: x.norm().log())(x)) == pytest.approx(0, abs=1e-13)
    assert float(laplacian(lambda x: 1 / x.norm())(y)) == pytest.approx(0, abs=1e-13)
    close(laplacian(lambda x: (x * x).sum() ** 2)(y), 20 * (y * y).sum().numpy())
    close(divergence(lambda x: x / x.norm() ** 3)(y), 0)
    # A gradient's divergence is the Laplacian.
    close(divergence(grad(energy))(X), laplacian(energy)(X).numpy())


def test_trees_and_arguments():
    def f(p, s):
        return {"u": (p["a"].sin() * p["b"].sum() * s).sum() + p["b"].prod(), "v": p["a"] * s}

    p = {"a": pb.tensor(rng.standard_normal(3)), "b": pb.tensor(rng.standard_normal((2, 2)))}
    s = pb.tensor(1.5, dtype=F64)
    found, H = laplacian(f)(p, s), hessian(f)(p, s)
    blocks = [H["u"][k][k].numpy().reshape(n, n) for k, n in (("a", 3), ("b", 4))]
    close(found["u"], sum(np.trace(block) for block in blocks))
    close(found["v"], np.zeros(3))
    diagonal = hessian_diagonal(f)(p, s)
    close(diagonal["u"]["b"], np.diag(blocks[1]).reshape(2, 2))
    assert diagonal["v"]["b"].shape == (3, 2, 2)
    close(laplacian(lambda x, y: x**2 * y**3, argnums=1)(s, s), 6 * 1.5**3)
    both = hessian_diagonal(lambda x, y: x**2 * y**3, argnums=(0, 1))(s, s)
    close(both[0], 2 * 1.5**3)
    close(both[1], 6 * 1.5**3)
    close(
        divergence(lambda p: {"a": p["a"] ** 2, "b": p["b"] * p["a"].sum()})(p),
        2 * p["a"].sum().numpy() + 4 * p["a"].sum().numpy(),
    )


def test_nothing_depends_and_nothing_is_there():
    empty = pb.zeros(0, dtype=F64)
    assert float(laplacian(lambda x: (x * x).sum())(empty)) == 0
    assert hessian_diagonal(lambda x: (x * x).sum())(empty).shape == (0,)
    assert float(divergence(lambda x: x * x)(empty)) == 0
    assert float(laplacian(lambda x: B.sum())(X)) == 0
    assert float(laplacian(lambda x: x * x)(pb.tensor(3.0))) == 2


def test_composition():
    trace = lambda x: hessian(energy)(x).trace()
    close(grad(laplacian(energy))(X), grad(trace)(X).numpy())
    close(laplacian(laplacian(energy))(X), hessian(trace)(X).trace().numpy())
    rows = pb.stack([X, 2 * X])
    close(vmap(laplacian(energy))(rows), [trace(row).item() for row in rows])
    x = X.clone().requires_grad_()
    laplacian(energy)(x).backward()
    close(x.grad, grad(trace)(X).numpy())
    # Weights that are captured have gradients, too: the loss of a network that solves an equation.
    w = W.clone().requires_grad_()
    laplacian(lambda x: (w @ x).tanh().sum())(X).backward()
    close(w.grad, grad(lambda w: hessian(lambda x: (w @ x).tanh().sum())(X).trace())(W).numpy())


def test_an_estimate():
    exact = float(laplacian(energy)(X))
    generator = pb.Generator().manual_seed(1)
    estimates = [float(laplacian(energy, samples=400, generator=generator)(X)) for _ in range(8)]
    spread = np.std(estimates) / np.sqrt(8)
    assert 0 < spread < 0.1 and abs(np.mean(estimates) - exact) < 5 * spread
    # Each sample of a quadratic form with a diagonal matrix is exact.
    close(laplacian(lambda x: (x**3).sum(), samples=1)(X), (6 * X.sum()).numpy())
    close(laplacian(lambda x: (x**3).sum(), samples=5, chunk_size=2)(X), (6 * X.sum()).numpy())
    close(divergence(lambda x: x**3, samples=1)(X), (3 * (X * X).sum()).numpy())
    pb.manual_seed(3)
    first = laplacian(energy, samples=3)(X)
    pb.manual_seed(3)
    assert laplacian(energy, samples=3)(X).equal(first)


def test_the_function_is_called_once():
    calls = []
    many = pb.ones(50, dtype=F64)
    laplacian(lambda x: calls.append(1) or (x.sin() * x).sum())(many)
    hessian_diagonal(lambda x: calls.append(1) or (x.sin() * x).sum())(many)
    assert len(calls) == 2


def test_errors():
    with pytest.raises(ValueError, match="laplacian: `samples` should be greater than 0"):
        laplacian(energy, samples=0)
    with pytest.raises(ValueError, match="hessian_diagonal: `chunk_size` should be greater than 0"):
        hessian_diagonal(energy, chunk_size=0)
    with pytest.raises(RuntimeError, match="return what is like its argument"):
        divergence(energy)(X)
    with pytest.raises(ValueError, match="must be Tensor"):
        laplacian(energy)(1.0)
    with pytest.raises(ValueError, match="Expected primal to be floating point"):
        laplacian(lambda n: n * n)(pb.tensor([1, 2]))
    with pytest.raises(RuntimeError, match="return only tensors"):
        laplacian(lambda x: x.sum().item())(pb.ones(1))
