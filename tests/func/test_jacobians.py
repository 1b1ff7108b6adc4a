"""jacrev, jacfwd and hessian, all unit vectors at once, beside the loop over unit vectors that they stand for."""

import functools
import itertools

import numpy as np
import pytest

import pullback as pb
from pullback import func
from pullback.func.tree import tree_flatten

N = 6


def numbers(*shape, seed=0):
    return pb.tensor(np.random.default_rng(seed).uniform(0.5, 1.5, shape))


def units(like):
    for k in range(like.numel()):
        unit = pb.zeros(like.numel(), dtype=like.dtype)
        unit[k] = 1.0
        yield unit.view(like.shape)


def rows(f, x):
    """The Jacobian of a function of one tensor to one, row by row."""
    y, pullback = func.vjp(f, x)
    found = [pullback(unit)[0] for unit in units(y)]
    return (pb.stack(found) if found else pb.zeros(0, dtype=x.dtype)).view((*y.shape, *x.shape))


def columns(f, x):
    """The same, column by column."""
    found = [func.jvp(f, (x,), (unit,))[1] for unit in units(x)]
    y = f(x)
    if not found:
        return pb.zeros((*y.shape, *x.shape), dtype=y.dtype)
    return pb.stack(found, -1).reshape((*y.shape, *x.shape))


def same(found, expected):
    assert found.shape == expected.shape and found.dtype is expected.dtype
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-14)


W = numbers(N, N, seed=3)


def into_zeros(x):
    z = pb.zeros(N, dtype=x.dtype)
    z[1:3] = x[2:4] ** 2
    z[0] = x.sum()
    return z


def in_place(x):
    y = x * 1.0
    y[::2].mul_(y[1::2])
    y += x
    return y


class Through(pb.autograd.Function):
    """A derivative that leaves for NumPy, both ways."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return pb.from_numpy(np.sin(x.detach().numpy()))

    @staticmethod
    def backward(ctx, g):
        return pb.from_numpy(g.numpy() * np.cos(ctx.saved_tensors[0].numpy()))

    @staticmethod
    def jvp(ctx, t):
        return pb.from_numpy(t.numpy() * np.cos(ctx.saved_tensors[0].numpy()))


class Chooses(pb.autograd.Function):
    """A backward that looks at its gradient, overwrites it, and selects by it."""

    @staticmethod
    def forward(ctx, x):
        return x * 3

    @staticmethod
    def backward(ctx, g):
        if g.sum() > 0:
            g[g.nonzero()[:, 0]] *= 3
        return g


functions = {
    "identity": lambda x: x,
    "square": lambda x: x**2,
    "a constant": lambda x: pb.ones(N, dtype=x.dtype),
    "detached": lambda x: x.detach() * 2,
    "a linear map": lambda x: W @ x,
    "a view": lambda x: x.view(2, 3).t(),
    "every second": lambda x: x[::2],
    "indices": lambda x: x[pb.tensor([5, 0, 0, 1, 5])],
    "an element": lambda x: x[3],
    "a sum": lambda x: (x * x).sum(),
    "expanded": lambda x: x.sum().expand(N),
    "an outer product": lambda x: x.outer(x.exp()),
    "sorted": lambda x: x.sort()[0],
    "the largest": lambda x: x.max() * x,
    "cumulated": lambda x: x.cumsum(0).cumprod(0),
    "normalized": lambda x: pb.nn.functional.layer_norm(x, (N,)),
    "softmax": lambda x: x.softmax(0),
    "where": lambda x: pb.where(x > 1, x.sin(), x**3),
    "a branch": lambda x: x * 2 if x[0] > 0 else x * 3,
    "joined": lambda x: pb.cat([x[3:], x[:3] * x[0], pb.zeros(2, dtype=x.dtype)]),
    "into zeros": into_zeros,
    "in place": in_place,
    "empty": lambda x: x[:0],
    "of two empty dimensions": lambda x: x[:0].view(0, 3),
    "float32": lambda x: x.float() * 2,
    "through NumPy": lambda x: Through.apply(x) * x,
    "a gradient looked at": lambda x: Chooses.apply(x) * 1,
    "a gradient inside": lambda x: func.grad(lambda x: (x**3).prod())(x),
    "a vmap inside": lambda x: func.vmap(lambda a: (a * x).sum())(x),
    "a Jacobian inside": lambda x: func.jacrev(lambda x: x * x.sum())(x).sum(0),
    "columns inside": lambda x: func.jacfwd(lambda x: x.outer(x))(x).sum((0, 1)),
}


@pytest.mark.parametrize("name", functions)
def test_beside_the_loop(name):
    f, x = functions[name], numbers(N)
    same(func.jacrev(f)(x), rows(f, x))
    same(func.jacfwd(f)(x), columns(f, x))
    for size in (1, 2, 4, 100):
        same(func.jacrev(f, chunk_size=size)(x), rows(f, x))


# A gradient is looked at in the first two, a value in the third: there is none to be had within a vmap.
ALONE = {"through NumPy", "a gradient looked at", "a branch"}


@pytest.mark.parametrize("jacobian", [func.jacrev, func.jacfwd])
@pytest.mark.parametrize("name", [name for name in functions if name not in ALONE])
def test_nested(name, jacobian):
    f, x, many = functions[name], numbers(N), numbers(3, N, seed=1)
    loop = rows if jacobian is func.jacrev else columns
    same(func.vmap(jacobian(f))(many), pb.stack([loop(f, x) for x in many]))
    for other, slow in ((func.jacrev, rows), (func.jacfwd, columns)):
        slowly = functools.partial(slow, f)
        same(jacobian(slowly)(x), loop(slowly, x))
        same(jacobian(other(f))(x), loop(slowly, x))
    at_once = lambda x: (jacobian(f)(x) * 1.5).double().sin().sum()
    one_by_one = lambda x: (loop(f, x) * 1.5).double().sin().sum()
    same(func.grad(at_once)(x), func.grad(one_by_one)(x))
    same(func.jvp(at_once, (x,), (many[0],))[1], func.jvp(one_by_one, (x,), (many[0],))[1])


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_few_and_large(count):
    """Up to four vectors go one by one through what is recorded, which nobody can tell."""
    x, data = numbers(count), numbers(5000, seed=1)
    for f in (lambda x: data * x.sum() + (x**2).prod(), lambda x: x * 2):
        same(func.jacfwd(f)(x), columns(f, x))
        back = lambda d, f=f: pb.cat([x, d.sum(0, keepdim=True) * x.sum()])[:count] * d[:count]
        same(func.jacrev(back)(data), rows(back, data))


def test_how_often_the_function_is_called():
    calls = []

    def f(x):
        calls.append(1)
        return x.sin()

    data = numbers(5000)
    for size in (0, 1, 2, 4, 5, 100):
        for g in (f, lambda x: f(x).sum() * data):
            for transform in (func.jacfwd, func.jacrev, func.hessian):
                calls.clear()
                transform(g)(numbers(size))
                assert len(calls) == 1, (size, transform)


def test_all_arguments_go_together():
    """One call, whatever arguments and leaves there are: who writes or draws in the function does it once."""
    calls = []

    def f(weights, y, empty, steps):
        calls.append(1)
        steps.add_(1)
        return {"by": weights["w"].outer(y.sin()) * weights["b"], "sum": y.sum() + empty.sum()}

    weights = {"w": numbers(3), "b": numbers()}
    y, empty, steps = numbers(2, seed=1), numbers(0), pb.zeros(())
    for transform in (func.jacfwd, func.jacrev):
        calls.clear()
        found = transform(f, argnums=(0, 1, 2))(weights, y, empty, steps)
        assert len(calls) == 1
        for key, shape in (("by", (3, 2)), ("sum", ())):
            own = lambda name, key=key: lambda v: f({**weights, name: v}, y, empty, pb.zeros(()))[key]
            same(found[key][0]["w"], columns(own("w"), weights["w"]))
            same(found[key][0]["b"], columns(own("b"), weights["b"]))
            same(found[key][1], columns(lambda v, key=key: f(weights, v, empty, pb.zeros(()))[key], y))
            assert found[key][2].shape == (*shape, 0)
    assert steps.item() == 2
    pb.autograd.functional.jacobian(
        lambda x, y: steps.add_(1) * x.outer(y), (weights["w"], y), strategy="forward-mode", vectorize=True
    )
    assert steps.item() == 3


def test_how_often_a_node_is_walked():
    walks = []

    def f(x):
        y = x.sin()
        y.register_hook(lambda g: walks.append(1))
        return y * 2

    for size, chunk, expected in ((1, None, 1), (4, None, 4), (9, None, 1), (9, 4, 3), (9, 1, 9)):
        walks.clear()
        func.jacrev(f, chunk_size=chunk)(numbers(size))
        assert len(walks) == expected


def test_trees_and_what_does_not_depend():
    p = {"a": numbers(N), "b": (numbers(2, 3, seed=1), pb.tensor(2.0, dtype=pb.float64))}
    f = lambda p: [p["a"].view(2, 3) * p["b"][0], (p["b"][1] ** 2,)]
    back, forward = func.jacrev(f)(p), func.jacfwd(f)(p)
    for (ours, shape), theirs in zip(
        zip(tree_flatten(back)[0], [(2, 3, N), (2, 3, 2, 3), (2, 3), (N,), (2, 3), ()]),
        tree_flatten(forward)[0],
    ):
        assert ours.shape == shape and ours.is_contiguous()
        same(ours, theirs)
    assert back[1][0]["a"].tolist() == [0.0] * N and back[1][0]["b"][1].item() == 4.0
    back[1][0]["a"][0] = 5.0  # memory of its own
    assert back[1][0]["a"].tolist() == [5.0] + [0.0] * (N - 1)


@pytest.mark.parametrize("jacobian", [func.jacrev, func.jacfwd])
def test_results_are_nobody_else_s(jacobian):
    """Each element of a result has a place of its own."""
    x = numbers(N)
    for f in (
        lambda x: x,
        lambda x: pb.ones(N, dtype=x.dtype),
        lambda x: x.sum().expand(N),
        lambda x: x[None].t(),
    ):
        table = jacobian(f)(x)
        before = table.clone()
        table += pb.arange(table.numel(), dtype=pb.float64).view(table.shape)
        same(table - before, pb.arange(table.numel(), dtype=pb.float64).view(table.shape))
        same(jacobian(f)(x), before)


def test_rows_of_one_output_are_nobody_else_s():
    """The gradient of a number is the row itself where nobody else has it, or a tangent of it."""
    c, x, t, kept = numbers(N), numbers(N, seed=1), numbers(N, seed=2), []

    def hooked(x):
        y = x * 1
        y.register_hook(lambda g: kept.append(g) or g)
        return (y * y).sum() / 2

    programs = [
        lambda x: (x * c).sum(),
        lambda x: x.sum(),
        lambda x: x[2],
        lambda x: (x * x).sum() / 2,
        hooked,
    ]
    for f in programs:
        before = [each.clone() for each in (c, x, t)]
        for found in (func.jacrev(f)(x), *func.jvp(func.jacrev(f), (x,), (t,)), func.hessian(f)(x)):
            held = [g.clone() for g in kept]
            found.mul_(3)  # writes into its memory, whoever has it
            assert all(pb.equal(now, then) for now, then in zip((c, x, t), before))
            assert all(pb.equal(now, then) for now, then in zip(kept, held))


def test_tangents_of_what_is_pulled_back_are_nobody_s():
    """jacrev asks for no tangent of the outputs; what the function keeps of them has its own."""
    x, t, kept = numbers(N), numbers(N, seed=1), []

    def f(x):
        y = x.sin().sum()
        kept.append(y)
        return y

    with pb.autograd.forward_ad.dual_level():
        dual = pb.autograd.forward_ad.make_dual(x, t)
        row, tangent = pb.autograd.forward_ad.unpack_dual(func.jacrev(f)(dual))
        assert pb.allclose(row, x.cos()) and pb.allclose(tangent, -x.sin() * t)
        assert pb.allclose(pb.autograd.forward_ad.unpack_dual(kept[0]).tangent, (x.cos() * t).sum())
    for identity in (lambda x: x, lambda x: x.view(2, 3), lambda x: (x, x.sum())):
        for found in tree_flatten(func.jacfwd(func.jacrev(identity))(x))[0]:
            assert not found.any()


def test_aux():
    x = numbers(N)

    def f(x):
        return x**2, {"sum": x.sum(), "name": "aux", "given": W}

    for jacobian in (func.jacrev, func.jacfwd):
        table, aux = jacobian(f, has_aux=True)(x)
        same(table, rows(lambda x: x**2, x))
        assert aux["sum"].item() == x.sum().item() and aux["sum"].shape == () and aux["name"] == "aux"
        assert not pb._core.mapped_axes(aux["sum"])
    many = numbers(3, N, seed=1)
    table, aux = func.vmap(lambda x: func.jacfwd(lambda x: (x**2, x.sum()), has_aux=True)(x))(many)
    np.testing.assert_allclose(aux.numpy(), many.numpy().sum(1))


def test_random_numbers():
    x = pb.ones(N, dtype=pb.float64)
    noisy = lambda x: x * pb.rand(N, dtype=pb.float64)
    with pytest.raises(RuntimeError, match="vmap: called random operation while in randomness error mode"):
        func.jacfwd(noisy)(x)
    pb.manual_seed(3)
    drawn = pb.rand(N, dtype=pb.float64)
    pb.manual_seed(3)
    same(func.jacfwd(noisy, randomness="same")(x), drawn.diag())
    table, aux = func.jacfwd(
        lambda x: (noisy(x).sum() * x, pb.rand(())), has_aux=True, randomness="different"
    )(x)
    assert table.shape == (N, N) and aux.shape == ()
    # Two arguments of one draw.
    pb.manual_seed(3)
    by_x, by_y = func.jacfwd(lambda x, y: noisy(x) + noisy(y), (0, 1), randomness="same")(x, x)
    same(by_x, drawn.diag())
    assert not pb._core.open_maps()
    # Of the reverse mode the function draws once, outside.
    pb.manual_seed(3)
    same(func.jacrev(noisy)(x), drawn.diag())


class Wrong(Exception):
    pass


def test_errors_are_those_of_the_loop():
    class Raises(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise Wrong("as it was written")

    def branches(x):
        if x.sin().sum() > 0:
            raise Wrong("here")
        return x

    x = numbers(N)
    for jacobian in (func.jacrev, func.jacfwd):
        for f in (Raises.apply, branches):
            with pytest.raises(Wrong):
                jacobian(f)(x)
        with pytest.raises(RuntimeError, match="control flow"):
            func.vmap(jacobian(branches))(numbers(2, N))
        assert not pb._core.open_maps()
    with pytest.raises(RuntimeError, match="second time"):
        y = (x.requires_grad_() ** 2).sum()
        y.backward()
        func.jacrev(lambda a: y.exp() * a)(x)
        y.backward()


def test_recorded_for_what_is_outside():
    x, w = numbers(N), pb.tensor(3.0, dtype=pb.float64, requires_grad=True)
    for jacobian in (func.jacrev, func.jacfwd):
        table = jacobian(lambda x: w * x**3)(x)
        (slope,) = pb.autograd.grad(table.sum(), w)
        np.testing.assert_allclose(slope.item(), 3 * (x.numpy() ** 2).sum())
        leaf = numbers(N).requires_grad_()
        (slope,) = pb.autograd.grad(jacobian(lambda x: x**3)(leaf).sum(), leaf)
        np.testing.assert_allclose(slope.numpy(), 6 * x.numpy())
        with pb.no_grad():
            assert not jacobian(lambda x: w * x**3)(leaf).requires_grad
        with pb.inference_mode():
            same(jacobian(lambda x: x**3)(leaf), rows(lambda x: x**3, x))
    assert w.grad is None


def test_hessians():
    def rosenbrock(x):
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    from scipy.optimize import rosen_hess

    for n in (2, 3, 4, 5, 30):
        x = numbers(n, seed=n)
        expected = rosen_hess(x.numpy())
        found = [func.hessian(rosenbrock)(x), func.jacrev(func.jacrev(rosenbrock))(x)]
        found += [func.jacfwd(func.jacfwd(rosenbrock))(x), func.jacrev(func.jacfwd(rosenbrock))(x)]
        for table in found:
            np.testing.assert_allclose(table.numpy(), expected, rtol=1e-10, atol=1e-10)
    for outer, inner in itertools.product((func.jacrev, func.jacfwd), repeat=2):
        x = numbers(5)
        third = func.jacfwd(outer(inner(lambda x: (x**4).sum())))(x)
        i = np.arange(5)
        np.testing.assert_allclose(third.numpy()[i, i, i], 24 * x.numpy())
        assert np.count_nonzero(third.numpy()) == 5


def test_real_arguments_have_real_tangents():
    x = pb.tensor([1.0, 2.0])
    for dual in (lambda: pb.func.jvp(lambda x: x * x, (x,), (x * 1j,)), lambda: forward_dual(x, x * 1j)):
        with pytest.raises(
            RuntimeError, match="Expected a real tangent of a real Tensor, but got: .*complex64"
        ):
            dual()
    assert pb.func.jvp(lambda z: z * z, (x + 1j,), (x,))[1].equal(2 * (x + 1j) * x)


def forward_dual(x, tangent):
    with pb.autograd.forward_ad.dual_level():
        return pb.autograd.forward_ad.make_dual(x, tangent)
