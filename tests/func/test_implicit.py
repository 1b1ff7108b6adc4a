"""Implicit functions: derivatives of solutions against closed forms, differences, mpmath and iterations that are recorded.

`check` of tests/checks knows every mode, all nestings, and layouts.
"""

import dataclasses
import functools
import itertools
import random

import mpmath
import numpy as np
import pytest
from checks import check
from func.doubles import number
from func.implicit_functions import (
    INPUT,
    MATRIX,
    VECTOR,
    WEIGHTS,
    equilibrium,
    pair,
    scipy_root,
    sqrt,
    unrolled,
)

import pullback as pb
from pullback import func
from pullback.func import custom_root, fixed_point, linear_solve
from pullback.func.tree import register_dataclass
from pullback.utils.checkpoint import checkpoint

SOLVERS = pytest.mark.parametrize("solver", ["lu", "gmres", "bicgstab"])


# ---- every mode and order ------------------------------------------------------------------------------------


@SOLVERS
def test_linear_systems(solver):
    check(lambda a, b: linear_solve(a, b, solve=solver), MATRIX, VECTOR, tolerance=1e-6)


def test_symmetric_systems():
    f = lambda a, b: linear_solve(lambda x: a @ (a.t() @ x), b, solve="cg", symmetric=True)
    check(f, MATRIX, VECTOR, tolerance=1e-6)


@SOLVERS
def test_equilibria(solver):
    check(lambda w, x: equilibrium(w, x, linear_solver=solver), WEIGHTS, INPUT, tolerance=1e-6)


def test_symmetric_jacobians():
    """The minimum of a function: the Jacobian of its gradient is its Hessian."""

    def minimum(a, b):
        gradient = func.grad(lambda x: ((x**4).sum() + (a * x).square().sum()) / 4 - b @ x)
        return custom_root(gradient, pb.ones(4, dtype=pb.float64), symmetric=True, linear_solver="cg")

    check(minimum, 1 + VECTOR**2, VECTOR, tolerance=1e-6)


def test_kepler():
    """E - e sin E = M: dE/dM = 1 / (1 - e cos E), dE/de = sin E / (1 - e cos E), and what follows for third order."""

    def anomaly(mean, eccentricity):
        return custom_root(lambda e: e - eccentricity * e.sin() - mean, mean.detach())

    check(anomaly, np.array([0.3, 1.2, 2.0]), np.array([0.1, 0.5, 0.8]), tolerance=1e-6)

    def truth(order):
        with mpmath.workdps(40):
            exact = lambda m: mpmath.findroot(lambda e: e - mpmath.mpf("0.5") * mpmath.sin(e) - m, m)
            return float(mpmath.diff(exact, mpmath.mpf("1.25"), order))

    f = lambda m: anomaly(m, number(0.5))
    for order in range(4):
        assert f(number(1.25)).item() == pytest.approx(truth(order), rel=1e-12)
        f = func.grad(f)


def test_every_nesting_to_fourth_order():
    ways = {"grad": func.grad, "jvp": lambda f: lambda x: func.jvp(f, (x,), (pb.ones_like(x),))[1]}
    factor = 1.0
    for order in range(1, 5):
        factor *= 1.5 - order
        for nesting in itertools.product(ways.values(), repeat=order):
            f = sqrt
            for way in nesting:
                f = way(f)
            found = f(number(2.0))
            assert found.item() == pytest.approx(factor * 2.0 ** (0.5 - order), rel=1e-13)
            assert not found.requires_grad


AROUND = {
    "grad": lambda f: func.grad(f),
    "jvp": lambda f: lambda x: func.jvp(f, (x,), (pb.ones_like(x),))[1],
    "linearize": lambda f: lambda x: func.linearize(f, x)[1](pb.ones_like(x)),
    "jacrev": lambda f: func.jacrev(f),
    "vmap of x": lambda f: lambda x: func.vmap(f)(pb.stack([x, x * 1.1])).sum(),
    "vmap of a factor": lambda f: lambda x: func.vmap(lambda s: f(x * s))(number([1.0, 0.9])).prod(),
    "product": lambda f: lambda x: f(x) * f(x * 1.05),
    "checkpoint": lambda f: lambda x: checkpoint(f, x, use_reentrant=False),
    "loop": lambda f: (
        lambda x: pb.checkpoint_loop(lambda s: (s[0], s[1] / 2 + f(s[0])), (x, x), 3, memory=1)[1]
    ),
}
MOST = {"grad", "jvp", "linearize", "jacrev"}  # the nestings of which are of an order below 4


@pytest.mark.parametrize("seed", range(120))
def test_random_nests(seed):
    """What is around a solution against the same around its closed form: values, gradients by a capture, histories."""
    rng = random.Random(seed)
    names = [rng.choice([*AROUND]) for _ in range(rng.randint(1, 4))]
    while sum(name in MOST for name in names) > 3:
        names.pop()
    solver = rng.choice(["lu", "gmres", "bicgstab"])
    b = number(0.7).requires_grad_(rng.random() < 0.5)
    closed = lambda a: ((b * b + 4 * a).sqrt() - b) / 2
    root = lambda a: custom_root(
        lambda x, a: x * x + b * x - a, pb.ones_like(a.detach()), a, linear_solver=solver
    )
    point = lambda a: fixed_point(lambda x: a / (x + b), pb.ones_like(a.detach()), solve="anderson")
    found = []
    for f in (closed, rng.choice([root, point])):
        for name in names:
            f = AROUND[name](f)
        y = f(number(1.3))
        found.append(
            [y.item(), y.requires_grad, pb.autograd.grad(y, b)[0].item() if y.requires_grad else 0.0]
        )
    assert found[1] == pytest.approx(found[0], rel=1e-6), names


def test_taylor_mode():
    """Series, alone, and inside and outside of everything else."""
    one, series = number(1.0), ([number(1.0), number(0.5), number(0.2), number(-0.1)],)
    third = lambda f: lambda x: func.directional_derivatives(f, x, pb.ones_like(x), 3)[1][2]
    ways = {
        "jet": lambda f: lambda x: pb.stack(func.jet(f, (x,), series)[1]),
        "sixth order": lambda f: lambda x: func.directional_derivatives(f, x, one, 6)[1][5],
        "grad of jet": lambda f: func.grad(third(f)),
        "jet of grad": lambda f: third(func.grad(f)),
        "jvp of jet": lambda f: AROUND["jvp"](third(f)),
        "jet of jvp": lambda f: third(AROUND["jvp"](f)),
        "jet of jet": lambda f: third(third(f)),
        "vmap of jet": lambda f: lambda x: func.vmap(third(f))(pb.stack([x, x * 1.1])),
        "jet of vmap": lambda f: third(AROUND["vmap of a factor"](f)),
        "Laplacian": lambda f: lambda x: func.laplacian(lambda x: f(x).prod())(pb.stack([x, x * 1.1])),
    }
    for found, known in (
        (sqrt, pb.sqrt),
        (lambda a: sqrt(a.sin() + 2), lambda a: (a.sin() + 2).sqrt()),
        (lambda a: linear_solve(lambda x: (2 + a) * x, a * a), lambda a: a * a / (2 + a)),
        (lambda a: fixed_point(lambda x: (x + a / x) / 2, pb.ones_like(a.detach())), pb.sqrt),
    ):
        for name, way in ways.items():
            assert np.allclose(way(found)(number(2.0)), way(known)(number(2.0)), rtol=1e-9), name


def test_roots_of_roots():
    inner = lambda x, a: custom_root(lambda y: y + y**3 - x * a, number(0.1))
    outer = lambda a: custom_root(lambda x: x + inner(x, a) - 1, number(0.1))
    check(outer, np.array(2.0), tolerance=1e-6)
    euler = lambda k, loop: loop(
        lambda y: custom_root(lambda x: x - y - 0.1 * (x.sin() - k * x**2), y), number(1.0)
    )
    ours = lambda k: euler(k, lambda step, y: pb.checkpoint_loop(step, y, 10, memory=3))
    theirs = lambda k: euler(k, lambda step, y: functools.reduce(lambda y, _: step(y), range(10), y))
    for f in (lambda f: f, func.grad, func.hessian, lambda f: func.jacfwd(func.jacfwd(f)), func.vmap):
        k = number([0.5, 1.0]) if f is func.vmap else number(0.5)
        assert np.allclose(f(ours)(k), f(theirs)(k), rtol=1e-12)


def test_captured_with_a_history_of_its_own():
    w = number(2.0).requires_grad_()
    inner = w * w
    implicit = lambda: custom_root(lambda x: x * x - inner.sin() - inner * w - 1, number(1.0))
    explicit = lambda: (inner.sin() + inner * w + 1).sqrt()
    found, known = [], []
    for f, results in ((implicit, found), (explicit, known)):
        y = f()
        for _ in range(3):
            (y,) = pb.autograd.grad(y, w, create_graph=True)
            results.append(y.item())
    assert found == pytest.approx(known, rel=1e-13)


def test_a_capture_and_what_it_is_made_of_are_counted_once():
    w = number(0.5).requires_grad_()
    doubled = 2 * w
    (found,) = pb.autograd.grad(fixed_point(lambda x: 0.1 * x + w + doubled, number(0.0)), w)
    assert found.item() == pytest.approx(3 / 0.9)


def test_recorded_iterations_agree():
    w, x = pb.tensor(WEIGHTS, requires_grad=True), pb.tensor(INPUT, requires_grad=True)
    for solve in ("iterate", "anderson"):
        ours = pb.autograd.grad(equilibrium(w, x, solve=solve).prod(), [w, x], create_graph=True)
        theirs = pb.autograd.grad(unrolled(w, x).prod(), [w, x], create_graph=True)
        second = [pb.autograd.grad(g[0].square().sum(), [w, x], retain_graph=True) for g in (ours, theirs)]
        for a, b in zip([*ours, *second[0]], [*theirs, *second[1]], strict=True):
            assert np.allclose(a.detach(), b.detach(), rtol=1e-8, atol=1e-11)


def test_transforms_inside():
    """f is a gradient, and a vmap."""
    a = number([1.0, 2.0])
    energy = lambda x, a: (x**4 / 4 + x * x / 2 - a * x).sum()
    root = lambda a: custom_root(lambda x: func.grad(energy)(x, a), pb.zeros_like(a))
    mapped = lambda a: custom_root(lambda x: func.vmap(lambda x, a: x**3 + x - a)(x, a), pb.zeros_like(a))
    slope = 1 / (3 * root(a) ** 2 + 1)
    for f in (root, mapped):
        assert np.allclose(func.jacrev(f)(a), slope.diag(), rtol=1e-13)
        assert np.allclose(
            func.hessian(lambda a, f=f: f(a).sum())(a), (-6 * root(a) * slope**3).diag(), rtol=1e-12
        )


# ---- batches -------------------------------------------------------------------------------------------------


def test_batches():
    a = number([1.0, 4.0, 9.0])
    for found, known in (
        (func.vmap(sqrt)(a), [1, 2, 3]),
        (func.vmap(func.grad(sqrt))(a), [1 / 2, 1 / 4, 1 / 6]),
        (func.vmap(func.grad(func.grad(sqrt)))(a), [-1 / 4, -1 / 32, -1 / 108]),
        (func.grad(lambda a: func.vmap(sqrt)(a).sum())(a), [1 / 2, 1 / 4, 1 / 6]),
        (func.jacfwd(func.vmap(sqrt))(a).diagonal(), [1 / 2, 1 / 4, 1 / 6]),
        (func.hessian(lambda a: func.vmap(sqrt)(a).sum())(a).diagonal(), [-1 / 4, -1 / 32, -1 / 108]),
        (func.vmap(func.vmap(sqrt))(a.reshape(3, 1)).flatten(), [1, 2, 3]),
    ):
        assert found.tolist() == pytest.approx(known, rel=1e-13)


def test_entries_that_take_more_steps_than_others():
    a = number([1.0, 1e-8, 1e8, 0.25])
    assert func.vmap(sqrt)(a).tolist() == pytest.approx([1.0, 1e-4, 1e4, 0.5], rel=1e-15)
    halve = lambda a: fixed_point(lambda x: a * x + 1, number(0.0))
    assert func.vmap(halve)(number([0.0, 0.9, -0.5])).tolist() == pytest.approx([1.0, 10.0, 2 / 3], rel=1e-8)


@pytest.mark.parametrize("solver", ["lu", "gmres", "bicgstab", "cg"])
def test_a_system_for_each_entry(solver):
    a = pb.tensor(np.stack([MATRIX @ MATRIX.T * k for k in (1.0, 2.0, 0.5)]))
    b = pb.tensor(np.stack([VECTOR, 0 * VECTOR, VECTOR**3]))
    solve = lambda a, b: linear_solve(lambda x: a @ x, b, solve=solver)
    assert np.allclose(func.vmap(solve)(a, b), np.linalg.solve(a.numpy(), b.numpy()[..., None])[..., 0])
    gradient = func.vmap(func.grad(lambda a, b: solve(a, b).exp().sum()))(a, b)
    for k in range(3):
        assert np.allclose(
            gradient[k], func.grad(lambda a, b: solve(a, b).exp().sum())(a[k], b[k]), atol=1e-9
        )


def test_what_is_captured_in_a_batch():
    w = number(2.0).requires_grad_()
    a = number([1.0, 4.0])
    outer = func.vmap(lambda a: custom_root(lambda x: x * x - w * a, number(1.0)))(a).sum()
    assert pb.autograd.grad(outer, w)[0].item() == pytest.approx(3 / (2 * 2**0.5), rel=1e-13)
    inner = func.vmap(lambda a: func.grad(lambda w: custom_root(lambda x: x * x - w * a, number(1.0)))(w))(a)
    assert inner.tolist() == pytest.approx([0.5 / 2**0.5, 1 / 2**0.5], rel=1e-13)


def test_a_function_that_writes_into_what_it_made():
    w = number(2.0).requires_grad_()

    def f(x):
        z = pb.zeros(2, dtype=pb.float64)
        z[0], z[1] = x[0] ** 2 - w, x[1] - x[0]
        return z

    roots = func.vmap(lambda x0: custom_root(f, x0))(number([[1.0, 0.0], [-1.0, 0.0]]))
    (first,) = pb.autograd.grad(roots[:, 1].prod(), w, create_graph=True)
    assert first.item() == pytest.approx(-1.0) and roots[:, 1].prod().item() == pytest.approx(-2.0)


def test_solvers_that_ask_for_values_run_for_each_entry():
    a = number([3.0, 4.0])
    root = lambda a: custom_root(pair, number([3.0, 0.0]), a, solve=scipy_root)
    captured = lambda a: custom_root(lambda x: pair(x, a), number([3.0, 0.0]), solve=scipy_root)
    larger = (a + (a * a - 8).sqrt()) / 2
    for f in (root, captured):
        assert np.allclose(func.vmap(f)(a)[:, 0], larger)
        assert np.allclose(func.vmap(func.jacrev(f))(a)[:, 0], (1 + a / (a * a - 8).sqrt()) / 2)
        assert np.allclose(func.vmap(func.jacfwd(func.jacrev(f)))(a)[:, 0], -4 * (a * a - 8) ** -1.5)
        assert func.vmap(func.vmap(f))(a.reshape(1, 2)).shape == (1, 2, 2)

    def by_numpy(matvec, b):
        matrix = np.stack([matvec(unit) for unit in np.eye(len(b))], axis=1)
        return np.linalg.solve(matrix, b)

    a, b = pb.tensor(MATRIX, requires_grad=True), pb.tensor(np.stack([VECTOR, VECTOR**2]))
    ours = func.vmap(lambda b: linear_solve(lambda x: a @ x, b, solve=by_numpy))(b)
    theirs = linear_solve(lambda x: a @ x, b.t()).t()
    gradients = [pb.autograd.grad((x**3).sum(), a)[0] for x in (ours, theirs)]
    assert np.allclose(ours.detach(), theirs.detach()) and np.allclose(*gradients)
    assert np.allclose(
        func.hessian(lambda a: linear_solve(a, b[0], solve=by_numpy).exp().sum())(a.detach()),
        func.hessian(lambda a: linear_solve(a, b[0]).exp().sum())(a.detach()),
    )


def test_solvers_of_scipy():
    """Root finders and linear solvers that know nothing of tensors, as they are."""
    optimize, linalg = pytest.importorskip("scipy.optimize"), pytest.importorskip("scipy.sparse.linalg")
    k = number([2.0, 3.0, 4.0]).requires_grad_()
    f = lambda x: x**3 + k * x - x.flip(0) - 1

    def by_gmres(matvec, b):
        operator = linalg.LinearOperator((3, 3), matvec=lambda v: matvec(v.ravel()), dtype=float)
        return linalg.gmres(operator, np.asarray(b), rtol=1e-12)[0]

    known = custom_root(f, number([0.1, 0.1, 0.1]))
    (slope,) = pb.autograd.grad(known.sum(), k)
    for solve in (
        scipy_root,
        lambda f, x0: optimize.fsolve(f, np.asarray(x0), xtol=1e-13),
        lambda f, x0: optimize.newton_krylov(f, np.asarray(x0), f_tol=1e-11),
        lambda f, x0: optimize.broyden1(f, np.asarray(x0), f_tol=1e-11),
    ):
        x = custom_root(f, number([0.1, 0.1, 0.1]), solve=solve, linear_solver=by_gmres)
        assert np.allclose(x.detach(), known.detach(), atol=1e-9)
        assert np.allclose(pb.autograd.grad(x.sum(), k)[0], slope, atol=1e-9)
    golden = lambda a: custom_root(
        lambda x, a: x * x - x - a, number(2.0), a, solve=lambda f, x0: optimize.brentq(f, 1, 3, xtol=1e-14)
    )
    a = number([1.0, 2.0])
    assert np.allclose(func.vmap(func.grad(golden))(a), 1 / (1 + 4 * a).sqrt())


def test_the_condition_of_a_matrix():
    """Singular to rounding is an error; ill-conditioned is not."""
    rng = np.random.default_rng(0)
    for n in (2, 5, 30):
        a = rng.standard_normal((n, n))
        a[-1] = a[:-1].sum(0)
        for dtype in (pb.float32, pb.float64):
            with pytest.raises(RuntimeError, match="singular"):
                linear_solve(pb.tensor(a).to(dtype), pb.tensor(rng.standard_normal(n)).to(dtype))
        for dtype, condition in ((pb.float32, 1e4), (pb.float64, 1e11)):
            (u, _), (v, _) = (np.linalg.qr(rng.standard_normal((n, n))) for _ in range(2))
            a = pb.tensor(u @ np.diag(np.logspace(0, -np.log10(condition), n)) @ v).to(dtype)
            b = pb.tensor(rng.standard_normal(n)).to(dtype)
            x = linear_solve(a, b)
            assert np.allclose(a @ x, b, atol=1e-2)


# ---- trees ---------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Parameters:
    a: pb.Tensor
    b: pb.Tensor


register_dataclass(Parameters)


def test_trees():
    def f(x, p):
        return {"u": x["u"] ** 3 - p.a, "v": (x["v"][0] + x["u"].sum() - p.b,)}

    x0 = {"u": number([1.0, 1.0]), "v": (number(0.0),)}

    def value(p, **options):
        x = custom_root(f, x0, p, **options)
        return x["u"].sum() * x["v"][0]

    p = Parameters(number([8.0, 27.0]), number(1.0))
    u, du = number([2.0, 3.0]), number([1 / 12, 1 / 27])  # of the cube root
    for options in ({}, {"linear_solver": "gmres"}, {"linear_solver": "bicgstab"}):
        found = func.grad(lambda p, o=options: value(p, **o))(p)
        assert np.allclose(found.a, du * (1 - 5) - 5 * du) and found.b.item() == pytest.approx(5.0)
        pushed = func.jvp(lambda p, o=options: value(p, **o), (p,), (Parameters(du, number(2.0)),))[1]
        assert pushed.item() == pytest.approx(((du * (1 - 5) - 5 * du) * du).sum().item() + 10)
    assert u.sum().item() * (1 - 5) == pytest.approx(value(p).item())


def test_a_system_of_two_dtypes():
    x = linear_solve(
        lambda x: (2 * x[0], x[1] * 4 + x[0].sum().float()), (number([1.0, 2.0]), pb.tensor([3.0]))
    )
    assert x[0].tolist() == [0.5, 1.0] and x[1].tolist() == [0.375]
    assert x[0].dtype is pb.float64 and x[1].dtype is pb.float32


def test_what_solvers_may_return():
    for found in (np.array(3.0), 3.0, pb.tensor(3.0), number(3.0)):
        a = number(9.0).requires_grad_()
        x = sqrt(a, solve=lambda f, x0, found=found: found)
        x.backward()
        assert x.dtype is pb.float64 and a.grad.item() == pytest.approx(1 / 6)
    assert custom_root(lambda x: x * x - 2, 1.0).item() == pytest.approx(2**0.5)
    assert custom_root(lambda x: x * x - 2, np.array([1.0, -1.0])).tolist() == pytest.approx(
        [2**0.5, -(2**0.5)]
    )
    x, steps = custom_root(lambda x: x - 2, number(1.0), solve=lambda f, x0: (number(2.0), 7), has_aux=True)
    assert (x.item(), steps) == (2.0, 7)
    for f in (custom_root, fixed_point):
        assert f(lambda x: 2 * x, number([])).shape == (0,)
    assert linear_solve(lambda x: x, number([])).shape == (0,)


@pytest.mark.parametrize("solve", ["auto", "lu"])
def test_what_is_not_linear_is_refused(solve):
    b = pb.tensor([1.0, 2.0], dtype=pb.float64)
    for bent in (lambda v: v * v, lambda v: 2 * v + 1, lambda v: v.abs() * pb.tensor([1.0, -1.0])):
        with pytest.raises(RuntimeError, match="linear_solve: matvec is not linear"):
            linear_solve(bent, b, solve=solve)
        with pytest.raises(RuntimeError, match="linear_solve: matvec is not linear"):
            pb.func.vmap(lambda b, f=bent: linear_solve(f, b, solve=solve))(pb.stack([b, 2 * b]))
    assert linear_solve(lambda v: 2 * v, 0 * b, solve=solve).tolist() == [0, 0]
    nothing = linear_solve(lambda v: 2 * v, b * float("nan"), solve=solve)
    assert nothing.isnan().all()
