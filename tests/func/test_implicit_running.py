"""Implicit functions as they run: memory, modes, hooks, errors, and two problems that ask for them."""

import gc
import threading

import numpy as np
import pytest
from demos import EXAMPLES, loaded
from func.doubles import number
from func.implicit_functions import RANDOM

import pullback as pb
from pullback import func
from pullback.autograd.graph import walk
from pullback.func import custom_root, fixed_point, linear_solve
from pullback.utils.checkpoint import checkpoint

DIGITS = EXAMPLES / "data/digits.npz"


# ---- memory, modes, hooks ------------------------------------------------------------------------------------


def test_memory_does_not_depend_on_iterations():
    w = pb.tensor(RANDOM.standard_normal((100, 100)) / 40, requires_grad=True)
    x = pb.ones(100, 100, dtype=pb.float64)
    kept, calls, nodes = [], [], []
    for tol in (1e-2, 1e-5, 1e-9):
        count = 0

        def f(z):
            nonlocal count
            count += 1
            return (w @ z + x).tanh()

        pb.synchronize()
        gc.collect()
        before = pb.memory.allocated()
        solve = lambda f, x0, tol=tol: func.roots.iterate(f, x0, tol=tol)
        z = fixed_point(f, pb.zeros_like(x), solve=solve)
        pb.synchronize()
        kept.append(pb.memory.allocated() - before)
        calls.append(count)
        nodes.append(len(list(walk([z.grad_fn]))))
        z.sum().backward()
        gc.collect()
        assert pb.memory.allocated() - before < 2.5 * x.numel() * 8  # z, and the gradient of w
        w.grad = None
        del z
    assert calls[0] < calls[1] < calls[2]
    assert len(set(kept)) == 1 and nodes == [2, 2, 2]


def test_nothing_is_recorded_where_nobody_asks():
    w = number(2.0).requires_grad_()
    root = lambda: custom_root(lambda x: x * x - w, number(1.0))
    with pb.no_grad():
        assert not root().requires_grad
    with pb.inference_mode():
        assert root().is_inference()
    assert not custom_root(lambda x: x * x - 2, number(1.0).requires_grad_()).requires_grad
    assert root().grad_fn.name() == "ImplicitBackward"


def test_hooks_run_once():
    w = number([2.0, 3.0]).requires_grad_()
    seen = []
    w.register_hook(lambda g: seen.append(g.tolist()))
    v = w * 1
    v.register_hook(lambda g: 10 * g)
    x = custom_root(lambda x: x - v * w, number([1.0, 1.0]))
    x.register_hook(lambda g: 2 * g)
    x.sum().backward()
    assert seen == [w.grad.tolist()] == [[(2 + 20) * 2.0, (2 + 20) * 3.0]]


def test_several_passes_and_threads():
    w = number([2.0, 3.0]).requires_grad_()
    y = custom_root(lambda x: x * x - w, number([1.0, 1.0])).sum()
    first = pb.autograd.grad(y, w, retain_graph=True)[0].tolist()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(pb.autograd.grad(y, w, retain_graph=True)[0].tolist()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [first] * 4 and pb.autograd.grad(y, w)[0].tolist() == first
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        pb.autograd.grad(y, w)


def test_saved_values():
    """Hooks see them, checkpoints keep nothing, and writing over them is noticed."""
    w = number([0.2, 0.3]).requires_grad_()
    f = lambda w: fixed_point(lambda z: (w * z).cos(), number([0.5, 0.5])).sum()
    known = pb.autograd.grad(f(w), w)[0]
    calls = 0

    def counted(w):
        nonlocal calls
        calls += 1
        return f(w)

    assert pb.autograd.grad(checkpoint(counted, w, use_reentrant=False), w)[0].equal(known) and calls == 2
    with pb.autograd.graph.save_on_cpu():
        assert pb.autograd.grad(f(w), w)[0].equal(known)
    with pb.autograd.graph.allow_mutation_on_saved_tensors():
        v = w * 1
        y = f(v)
        v.zero_()
        assert pb.autograd.grad(y, w)[0].equal(known)
    for create_graph in (False, True):
        v = number([0.2, 0.3]).requires_grad_()
        y = f(v)
        with pb.no_grad():
            v.mul_(2)
        with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
            pb.autograd.grad(y, v, create_graph=create_graph)


def test_results_are_saved():
    """As those of exp: writing over them is noticed; x0 is not among what is written."""
    w, x0 = number([2.0, 3.0]).requires_grad_(), number([1.0, 1.0])
    x = custom_root(lambda x: x - x0 * w, x0, solve=lambda f, x0: x0 * w)
    assert np.allclose(pb.autograd.grad((x * 1).mul_(w).sum(), w)[0], 2 * w.detach())
    same = custom_root(lambda x: x - x0 * w, x0, solve=lambda f, x0: x0, check=False)
    same.mul_(w)
    assert x0.tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="output 0 of Implicit"):
        same.sum().backward()


# ---- what is refused -----------------------------------------------------------------------------------------


def failing(error, match):
    return pytest.raises(error, match=match)


def test_wrong_arguments():
    one, two = number(1.0), number([1.0, 2.0])
    square = lambda x: x * x - 2
    for f in (custom_root, fixed_point):
        with failing(TypeError, "floating-point numbers, got pullback.int64"):
            f(square, pb.tensor(1))
        with failing(TypeError, "got int"):
            f(square, 1)
        with failing(ValueError, "holds no tensor"):
            f(square, ())
        with failing(ValueError, "unknown solve='nothing'"):
            f(square, one, solve="nothing")
        with failing(ValueError, "unknown linear solver 'nothing'"):
            f(square, one, linear_solver="nothing")
        with failing(RuntimeError, r"what f returns has to be a tree like x0: \*, got \(\*, \*\)"):
            f(lambda x: (x, x), one)
        with failing(
            RuntimeError, r"what f returns has to have the shapes of x0: got \(\) where that has \(2,\)"
        ):
            f(lambda x: x.sum(), two)
        with failing(TypeError, "what f returns has to hold tensors, got NoneType"):
            f(lambda x: None, one)
        with failing(TypeError, "what f returns has to be of floating-point numbers, got pullback.int64"):
            f(lambda x: pb.tensor(1), one)
        with failing(RuntimeError, r"what solve returns has to be a tree like x0: \*, got \[\*\]"):
            f(square, one, solve=lambda f, x0: [x0])
        with failing(RuntimeError, "what solve returns has to have the shapes of x0"):
            f(square, one, solve=lambda f, x0: two)
        with failing(RuntimeError, "pair"):
            f(square, one, solve=lambda f, x0: x0, has_aux=True)
    with failing(
        TypeError, "linear_solve: b has to be a tensor of floating-point numbers, got pullback.int64"
    ):
        linear_solve(lambda x: x, pb.tensor([1, 2]))
    with failing(RuntimeError, "linear_solve: what matvec returns has to have the shapes of b"):
        linear_solve(lambda x: x[:1], two)
    with failing(TypeError, "cg"):
        func.solvers.cg(lambda x: x, pb.tensor([1, 2]))
    with failing(RuntimeError, "matvec gave 1 numbers for the 2 of b"):
        func.solvers.gmres(lambda x: x[:1], two)


def test_no_convergence():
    never = lambda f, x0: func.roots.anderson(f, x0, max_iter=0)
    one = number(1.0)
    for f, start in (
        (lambda x: fixed_point(lambda x: 2 * x + 1, x), one),
        (lambda x: fixed_point(lambda x: (-x).sqrt(), x), one),
        (lambda x: fixed_point(lambda x: -x, x, solve=never), one),
        (lambda x: custom_root(lambda x: x * x + 1, x), number(0.7)),
        (lambda x: custom_root(lambda x: x * x - 2, x, solve=lambda f, x0: x0), number(5.0)),
        (lambda x: custom_root(lambda x: x * x - 2, x, solve=lambda f, x0: x0 * float("nan")), one),
        (lambda x: linear_solve(lambda x: x * number([1.0, -1.0]), x, solve="cg"), number([1.0, 1.0])),
        (lambda x: linear_solve(lambda x: x * number([1.0, 0.0]), x, solve="gmres"), number([0.0, 1.0])),
        (lambda x: linear_solve(lambda x: x * number([1.0, 0.0]), x, solve="bicgstab"), number([1.0, 1.0])),
        (lambda x: linear_solve(lambda x: 2 * x, x, solve=lambda matvec, b: b), number([1.0, 1.0])),
        (lambda x: linear_solve(lambda x: 2 * x, x, solve="gmres"), number([1.0, float("nan")])),
    ):
        with pytest.raises(func.ConvergenceError):
            f(start)
    assert custom_root(lambda x: x * x - 2, number(5.0), solve=lambda f, x0: x0, check=False).item() == 5.0


def test_singular_jacobians():
    w = number(0.0).requires_grad_()
    double = custom_root(lambda x: x * x - w, number(0.0))
    assert double.item() == 0.0
    with pytest.raises(RuntimeError, match="The solver failed because the input matrix is singular"):
        double.backward()
    twice = custom_root(
        lambda x: pb.stack([x[0] + x[1] - w, 3 * x[0] + 3 * x[1] - w]),
        number([0.0, 0.0]),
        solve=lambda f, x0: x0,
    )
    with pytest.raises(RuntimeError, match="The solver failed because the input matrix is singular"):
        twice.sum().backward()
    with pytest.raises(RuntimeError, match="singular"):
        linear_solve(pb.ones(2, 2), pb.tensor([1.0, 2.0]))
    x = custom_root(lambda x: (x - w).abs().sqrt(), number(0.0), solve=lambda f, x0: x0)
    with pytest.raises(RuntimeError, match="not finite"):
        x.backward()


def test_errors_leave_everything_usable():
    w = number(2.0).requires_grad_()

    def fails(f, x0):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        custom_root(lambda x: x * x - w, number(1.0), solve=fails)
    y = custom_root(lambda x: x * x - w, number(1.0), linear_solver=fails)
    with pytest.raises(KeyboardInterrupt):
        y.backward(retain_graph=True)
    assert pb.is_grad_enabled() and (w * w).requires_grad
    with pytest.raises(RuntimeError, match="numpy"):
        w.numpy()


# ---- a bilevel problem ---------------------------------------------------------------------------------------


def test_the_penalty_of_a_ridge_regression():
    """The gradient of an error on held-out digits by the logarithm of the penalty, against the closed form's."""
    with np.load(DIGITS) as data:
        images, labels = data[data.files[0]], data[data.files[1]]
    images = images.reshape(len(images), -1)[:400].astype(np.float64)
    x, y = pb.tensor(images / images.max()), pb.tensor((labels[:400] == 3).astype(np.float64))
    x, y, x_held, y_held = x[:250], y[:250], x[250:], y[250:]

    def inner(w, penalty):
        return (x @ w - y).square().mean() + penalty.exp() * w.square().sum()

    def outer(penalty, **options):
        start = pb.zeros(x.shape[1], dtype=pb.float64)
        w = custom_root(func.grad(inner), start, penalty, symmetric=True, **options)
        return (x_held @ w - y_held).square().mean()

    def truth(penalty):
        a, b, n = x.numpy(), y.numpy(), len(x)
        w = np.linalg.solve(a.T @ a / n + np.exp(penalty) * np.eye(a.shape[1]), a.T @ b / n)
        return np.mean((x_held.numpy() @ w - y_held.numpy()) ** 2)

    h = 1e-4
    slope = (truth(-4 + h) - truth(-4 - h)) / (2 * h)
    curvature = (truth(-4 + h) - 2 * truth(-4) + truth(-4 - h)) / h**2
    for solver in ("auto", "cg", "gmres"):
        f = lambda p, solver=solver: outer(p, linear_solver=solver)
        assert f(number(-4.0)).item() == pytest.approx(truth(-4), rel=1e-9)
        assert func.grad(f)(number(-4.0)).item() == pytest.approx(slope, rel=1e-6)
        assert func.grad(func.grad(f))(number(-4.0)).item() == pytest.approx(curvature, rel=1e-3)


def test_the_hanging_cord():
    """The example: what SciPy finds moves as differences say."""
    pytest.importorskip("scipy")
    example = loaded("hanging_cord")
    finder, weights = example.Finder(), pb.linspace(0.02, 0.1, example.SPRINGS - 1, dtype=pb.float64)
    found = func.jacrev(lambda w: example.hang(w, finder)[5])(weights)
    h = 1e-4
    for k in (0, 11, 22):
        step = pb.zeros_like(weights)
        step[k] = h
        difference = (example.hang(weights + step, finder) - example.hang(weights - step, finder))[5] / (
            2 * h
        )
        assert np.allclose(found[:, k], difference, rtol=1e-6)
