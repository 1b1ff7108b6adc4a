"""The solvers of implicit functions: systems and roots that have to be found, and in how many products."""

import numpy as np
import pytest
from checks import Agreement, check
from func.doubles import number

import pullback as pb
from pullback import func
from pullback.func import custom_root, linear_solve

# ---- the solvers themselves ----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["lu", "gmres", "bicgstab", "cg"])
@pytest.mark.parametrize("n", [1, 2, 10, 60])
@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
def test_solvers(solver, n, dtype):
    rng = np.random.default_rng(n)
    a = rng.standard_normal((n, n)) / n**0.5
    a = a @ a.T + np.eye(n) if solver == "cg" else a + 3 * np.eye(n)
    x = rng.standard_normal(n)
    found = getattr(func.solvers, solver)(pb.tensor(a).to(dtype).matmul, pb.tensor(a @ x).to(dtype))
    assert found.dtype is dtype
    assert np.allclose(found, x, rtol=0, atol=2e-3 if dtype is pb.float32 else 1e-8)


def test_restarts():
    a, b = pb.tensor(np.diag(np.linspace(1, 20, 80)) + np.eye(80, k=1)), pb.ones(80, dtype=pb.float64)
    found = func.solvers.gmres(lambda x: a @ x, b, restart=10, max_iter=1000)
    assert np.allclose(found, np.linalg.solve(a.numpy(), b.numpy()), atol=1e-9)
    with pytest.raises(func.ConvergenceError, match="13 products"):
        func.solvers.gmres(lambda x: a @ x, b, restart=5, max_iter=10)


def test_auto():
    """A matrix for few unknowns, and for more where iterations do not get there."""
    n = 300
    stiff = np.diag(np.full(n, 2.0)) - np.eye(n, k=1) - np.eye(n, k=-1)
    skew = stiff + 0.3 * (np.eye(n, k=1) - np.eye(n, k=-1)) + np.diag(np.logspace(0, 9, n))
    for a, symmetric in ((stiff, True), (stiff, False), (skew, False), (-stiff + 1.1 * np.eye(n), True)):
        b = np.random.default_rng(0).standard_normal(n)
        ours = pb.tensor(a, requires_grad=True)
        x = linear_solve(lambda x, a=ours: a @ x, pb.tensor(b), symmetric=symmetric)
        known = np.linalg.solve(a, b)
        assert np.allclose(x.detach(), known, rtol=0, atol=1e-5 * abs(known).max())
        (g,) = pb.autograd.grad(x.sum(), ours)
        exact = -np.outer(np.linalg.solve(a.T, np.ones(n)), known)
        assert np.allclose(g, exact, rtol=0, atol=1e-5 * abs(exact).max())
    with pytest.raises(func.ConvergenceError):
        linear_solve(lambda x: x[1:].sum() * x * 0 + x.cumsum(0).flip(0) * 0, pb.ones(5000, dtype=pb.float64))


def test_few_products_are_enough():
    """As many as the matrix has eigenvalues, in exact arithmetic."""
    d = number([1.0, 2.0, 3.0] * 20)
    for solver, most in (("cg", 3), ("gmres", 3), ("bicgstab", 6)):
        count = 0

        def matvec(x):
            nonlocal count
            count += 1
            return d * x

        getattr(func.solvers, solver)(matvec, pb.ones(60, dtype=pb.float64))
        assert count <= most + 2, solver


def test_roots():
    assert func.roots.newton(lambda x: x.exp() - 2, number(5.0)).item() == pytest.approx(np.log(2), rel=1e-15)
    assert func.roots.newton(lambda x: x.atan(), number(3.0)).item() == pytest.approx(
        0.0, abs=1e-15
    )  # damped
    assert func.roots.newton(lambda x: 1e-30 * (x - 1e10), number(0.0)).item() == pytest.approx(1e10)
    slow = lambda x: 0.99 * x + number([0.01, 0.02])
    calls = []
    found = func.roots.anderson(lambda x: calls.append(0) or slow(x), number([0.0, 0.0]))
    assert np.allclose(found, [1.0, 2.0]) and len(calls) < 20
    with pytest.raises(func.ConvergenceError, match="1000 steps"):
        func.roots.iterate(lambda x: x + 1, number(0.0), tol=0.0)


def test_kinks_agree():
    """A solution at a kink of f: modes agree on the derivative that f has there."""
    check(
        lambda a: custom_root(lambda x: x + x.abs() / 2 - a, a.detach()),
        np.array([0.0, 1.0]),
        truth=Agreement(),
    )
