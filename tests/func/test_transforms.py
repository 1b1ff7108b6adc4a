"""grad, vjp, jvp, linearize and Jacobians: values against mpmath and differences, nested in every order."""

import gc
import itertools
import random
import threading
import weakref

import mpmath
import numpy as np
import pytest
from differences import slope
from func.doubles import number
from func.ways import WAYS

import pullback as pb
from pullback import func

DOUBLE = {"dtype": pb.float64}


def composite(x):
    """A program with views, writes in place, a reduction and a branch."""
    y = (x.sin() * x.exp() + (x * x).tanh()) / (1 + x * x)
    v = pb.zeros(3, **DOUBLE)
    v[0] = y
    v[1:] = y * x
    v[1:].mul_(x)
    return (v * v).sum().sqrt() + (v[2] * x).log1p()


def composite_mp(x):
    y = (mpmath.sin(x) * mpmath.exp(x) + mpmath.tanh(x * x)) / (1 + x * x)
    b = y * x * x
    return mpmath.sqrt(y * y + 2 * b * b) + mpmath.log1p(b * x)


POINT = 0.7


def truth(order):
    with mpmath.workdps(40):
        return float(mpmath.diff(composite_mp, mpmath.mpf(POINT), order))


@pytest.mark.parametrize("outer, inner", list(itertools.product(WAYS, WAYS)))
def test_second_derivatives_by_every_pair(outer, inner):
    assert WAYS[outer](WAYS[inner](composite))(number(POINT)).item() == pytest.approx(truth(2), rel=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_fourth_derivatives_by_random_ways(seed):
    ways = random.Random(seed).choices(list(WAYS), k=4)
    f = composite
    for way in ways:
        f = WAYS[way](f)
    assert f(number(POINT)).item() == pytest.approx(truth(4), rel=1e-7), ways


# ---- perturbations -------------------------------------------------------------------------------------------

NAMES = ["grad", "jvp", "linearize", "jacrev", "jacfwd"]
PAIRS = list(itertools.product(NAMES, NAMES))


@pytest.mark.parametrize("outer, inner", PAIRS)
def test_perturbations_are_not_confused(outer, inner):
    """d/dx [x * d/dy (x + y)] is 1, and d/dx [x * d/dy (x * y)] is 2x (Siskind and Pearlmutter)."""
    D, d = WAYS[outer], WAYS[inner]
    assert D(lambda x: x * d(lambda y: x + y)(number(2.0)))(number(1.0)).item() == 1.0
    assert D(lambda x: x * d(lambda y: x * y)(number(2.0)))(number(3.0)).item() == 6.0
    assert D(lambda x: x * d(lambda y: x + y)(x))(number(1.0)).item() == 1.0
    assert D(lambda x: d(lambda y: x * y * y)(x))(number(3.0)).item() == 12.0


@pytest.mark.parametrize("outer, inner", PAIRS)
def test_a_function_that_returns_a_function(outer, inner):
    """The derivative of a curried shift is taken at one level and used at the other (Manzyuk and others)."""
    D, d = WAYS[outer], WAYS[inner]

    def shifted(f):
        return D(lambda u: f(u + 1.0))

    assert d(lambda x: shifted(lambda y: y * x * y)(x))(number(2.0)).item() == pytest.approx(
        float(mpmath.diff(lambda x: 2 * x * (x + 1), 2))
    )


@pytest.mark.parametrize("seed", range(40))
def test_random_nests_of_closures(seed):
    """Random expressions with derivatives by variables of outer levels, beside the same in mpmath's differences."""
    rng = random.Random(seed)

    def build(depth, names):
        """(for tensors, for mpmath): functions of an environment."""
        kind = rng.choice(["leaf", "sum", "product", "sin", "derivative", "derivative"]) if depth else "leaf"
        if kind == "leaf":
            name = rng.choice(names)
            return lambda e: e[name], lambda e: e[name]
        if kind == "sin":
            a, b = build(depth - 1, names)
            return lambda e: a(e).sin(), lambda e: mpmath.sin(b(e))
        if kind in ("sum", "product"):
            (a, p), (b, q) = build(depth - 1, names), build(depth - 1, names)
            if kind == "sum":
                return lambda e: a(e) + b(e), lambda e: p(e) + q(e)
            return lambda e: a(e) * b(e), lambda e: p(e) * q(e)
        name, way = f"v{len(names)}", rng.choice(NAMES)
        (a, p), (at, at_mp) = build(depth - 1, [*names, name, name]), build(depth - 1, names)

        def tensors(e):
            return WAYS[way](lambda v: a({**e, name: v}) * v)(at(e) + 0.5)

        def numbers(e):
            return mpmath.diff(lambda v: p({**e, name: v}) * v, at_mp(e) + 0.5)

        return tensors, numbers

    f, g = build(4, ["x"])
    outer = rng.choice(NAMES)
    found = WAYS[outer](lambda x: f({"x": x}) * x)(number(0.3)).item()
    with mpmath.workdps(60):
        expected = float(mpmath.diff(lambda x: g({"x": x}) * x, mpmath.mpf("0.3")))
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_depth_does_not_matter():
    f = lambda x: x**6
    for way in ("grad", "jvp", "grad", "jvp", "grad"):
        f = WAYS[way](f)
    assert f(number(1.5)).item() == pytest.approx(720 * 1.5)


# ---- values of several arguments ------------------------------------------------------------------------------


def vectors(seed=0, n=4):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(n), rng.standard_normal((n, n))


def test_gradients_by_differences():
    x, a = vectors()
    f = lambda x, a: ((a @ x).sin() * x).sum()
    g = func.grad(f, argnums=(0, 1))(pb.tensor(x), pb.tensor(a))
    for k, found in enumerate(g):
        for place in np.ndindex(found.shape):

            def value(step, k=k, place=place):
                args = [x.copy(), a.copy()]
                args[k][place] += step
                return float((np.sin(args[1] @ args[0]) * args[0]).sum())

            assert found[place].item() == pytest.approx(slope(value, 1e-3), rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("jacobian", [func.jacrev, func.jacfwd])
def test_jacobians(jacobian):
    x, a = vectors()
    f = lambda x, a: {"p": (a @ x).sin(), "q": (x * x).sum()}
    found = jacobian(f, argnums=(0, 1))(pb.tensor(x), pb.tensor(a))
    slope = np.cos(a @ x)
    np.testing.assert_allclose(found["p"][0].numpy(), slope[:, None] * a, rtol=1e-12)
    by_a = np.einsum("i,ij,k->ijk", slope, np.eye(4), x)
    np.testing.assert_allclose(found["p"][1].numpy(), by_a, rtol=1e-12)
    np.testing.assert_allclose(found["q"][0].numpy(), 2 * x, rtol=1e-12)
    assert found["q"][1].shape == (4, 4) and not found["q"][1].any()


def test_hessians_of_blocks():
    f = lambda x, y: (x * x * y).sum() + (y**3).sum()
    x, y = pb.tensor([1.0, 2.0], **DOUBLE), pb.tensor([3.0, 4.0], **DOUBLE)
    (xx, xy), (yx, yy) = func.hessian(f, argnums=(0, 1))(x, y)
    np.testing.assert_array_equal(xx.numpy(), np.diag([6.0, 8.0]))
    np.testing.assert_array_equal(xy.numpy(), np.diag([2.0, 4.0]))
    np.testing.assert_array_equal(yx.numpy(), np.diag([2.0, 4.0]))
    np.testing.assert_array_equal(yy.numpy(), np.diag([18.0, 24.0]))


@pytest.mark.parametrize("outer, inner", list(itertools.product([func.jacrev, func.jacfwd], repeat=2)))
def test_hessians_by_every_pair(outer, inner):
    x, a = vectors()
    a = a + a.T
    found = outer(inner(lambda x: (x * (pb.tensor(a) @ x)).sum() / 2 + (x**4).sum()))(pb.tensor(x))
    np.testing.assert_allclose(found.numpy(), a + np.diag(12 * x**2), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(0,), (0, 2), ()])
@pytest.mark.parametrize("jacobian", [func.jacrev, func.jacfwd])
def test_jacobians_of_nothing_and_of_scalars(jacobian, shape):
    x = pb.ones(shape, **DOUBLE)
    assert jacobian(lambda x: x.sin())(x).shape == shape + shape
    assert jacobian(lambda x: (x * x).sum())(x).shape == shape
    assert jacobian(lambda x: x[:0] if x.dim() else x.reshape(1)[:0])(x).shape[-len(shape) or 1 :] is not None


def test_dtypes_of_jacobians():
    x = pb.ones(2)
    widened = lambda x: x.to(pb.float64) * 2
    assert func.jacrev(widened)(x).dtype is pb.float32
    assert func.jacfwd(widened)(x).dtype is pb.float64
    assert func.grad(lambda x: widened(x).sum())(x).dtype is pb.float32


@pytest.mark.parametrize("chunk_size", [None, 1, 2, 100])
def test_chunks_change_nothing(chunk_size):
    x = pb.tensor(vectors()[0])
    found = func.jacrev(lambda x: (x.outer(x), x.sum()), chunk_size=chunk_size)(x)
    expected = func.jacfwd(lambda x: (x.outer(x), x.sum()))(x)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_linearize_evaluates_once():
    calls = []

    def f(x, y):
        calls.append(1)
        return {"p": x * y, "s": x.sin().sum()}

    x, y = pb.tensor([1.0, 2.0], **DOUBLE), pb.tensor([3.0, 4.0], **DOUBLE)
    output, push = func.linearize(f, x, y)
    tangents = pb.tensor([1.0, 0.0], **DOUBLE), pb.tensor([0.5, 1.0], **DOUBLE)
    for _ in range(3):
        pushed = push(*tangents)
    assert len(calls) == 1
    expected_output, expected = func.jvp(f, (x, y), tangents)
    for name in ("p", "s"):
        np.testing.assert_allclose(pushed[name].numpy(), expected[name].numpy(), rtol=1e-15)
        np.testing.assert_array_equal(output[name].numpy(), expected_output[name].numpy())


def test_jacfwd_and_random_numbers():
    x = pb.ones(3)
    noisy = lambda x: x * pb.rand(3)
    with pytest.raises(RuntimeError, match="called random operation while in randomness error mode"):
        func.jacfwd(noisy)(x)
    same = func.jacfwd(noisy, randomness="same")(x)
    pb.manual_seed(0)
    different = func.jacfwd(lambda x: x.sum() * pb.rand(1), randomness="different")(x)
    assert same.count_nonzero() == 3 and len(set(different.flatten().tolist())) == 3
    with pytest.raises(RuntimeError, match="Only allowed values for randomness"):
        func.jacfwd(noisy, randomness="some")


# ---- arguments ----------------------------------------------------------------------------------------------


def test_argnames():
    f = lambda x, *, scale, shift=None: (x * scale).sum() + (0 if shift is None else shift)
    x, scale = pb.tensor([1.0, 2.0]), pb.tensor(3.0)
    assert func.grad(f, argnames="scale")(x, scale=scale).item() == 3.0
    assert func.grad(f, argnames="x")(x, scale=scale).tolist() == [3.0, 3.0]
    both = func.grad(f, argnames=("x", "shift"))(x, scale=scale, shift=pb.tensor(0.0))
    assert {name: g.tolist() for name, g in both.items()} == {"x": [3.0, 3.0], "shift": 1.0}
    with pytest.raises(RuntimeError, match="Got argname='shift'"):
        func.grad(f, argnames="shift")(x, scale=scale)
    with pytest.raises(RuntimeError, match="exclude each other"):
        func.grad(f, 1, argnames="x")(x, scale=scale)


def test_keyword_arguments_pass_through():
    assert func.grad(lambda x, *, k: x * k)(pb.tensor(2.0), k=5).item() == 5.0


def test_aux_loses_only_its_own_history():
    w = pb.tensor(2.0, requires_grad=True)
    x = pb.tensor(3.0)
    g, (value, aux) = func.grad_and_value(lambda x: (x * x, {"x": x, "wx": w * x, "n": 7}), has_aux=True)(x)
    assert g.item() == 6.0 and value.item() == 9.0 and aux["n"] == 7
    assert not g.requires_grad and not value.requires_grad and not aux["x"].requires_grad
    assert pb.autograd.grad(aux["wx"], w)[0].item() == 3.0


# ---- what is left behind, and who else is there ---------------------------------------------------------------


@pytest.mark.parametrize("name", WAYS)
def test_nothing_is_left_behind(name):
    """What a function computed goes with its transform, without the cycle collector."""
    seen = []

    def f(x):
        y = x.sin()
        seen.append(weakref.ref(y))
        return y * y

    gc.collect()
    gc.disable()
    try:
        result = WAYS[name](f)(number(0.5))
        assert all(each() is None for each in seen)
        del result
        result = WAYS[name](WAYS[name](f))(number(0.5))
        del result
        assert seen and all(each() is None for each in seen)
    finally:
        gc.enable()


def test_threads_have_levels_of_their_own():
    """Levels of two threads are open at once, and close in any order."""
    arrived, found = threading.Barrier(2), {}

    def work(k):
        def f(x):
            arrived.wait(10)
            y = (x**3).sum()
            arrived.wait(10)
            return y

        x = pb.full((2,), float(k), **DOUBLE)
        found[k] = func.jvp(f, (x,), (pb.ones_like(x),))[1].item(), func.grad(f)(x).tolist()
        if k == 1:
            found["second"] = func.jvp(lambda x: func.grad(lambda x: (x**3).sum())(x), (x,), (x,))[1].tolist()

    threads = [threading.Thread(target=work, args=(k,)) for k in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {1: (6.0, [3.0, 3.0]), 2: (24.0, [12.0, 12.0]), "second": [6.0, 6.0]}


def test_an_error_in_the_function_passes_through():
    class Own(Exception):
        pass

    def fails(x):
        (x * x).sum()
        raise Own("said")

    for transform in (func.grad, func.jacrev, func.jacfwd, func.hessian):
        with pytest.raises(Own, match="said"):
            transform(fails)(pb.ones(2))
    assert func.grad(lambda x: (x * x).sum())(pb.ones(2)).tolist() == [2.0, 2.0]


def test_names_and_signatures_are_those_of_the_function():
    import inspect

    def f(x, scale=2.0):
        "What it is."
        return (x * scale).sum()

    for transform in (func.grad, func.grad_and_value, func.value_and_grad, func.jacrev, func.jacfwd):
        g = transform(f)
        assert g.__name__ == "f" and g.__doc__ == f.__doc__ and inspect.signature(g) == inspect.signature(f)


def test_functional_call_of_modules():
    """Plain tensors stand in for their parameters and buffers, which are put back."""
    net = pb.nn.Sequential(pb.nn.Linear(2, 2), pb.nn.BatchNorm1d(2))
    x = pb.tensor([[1.0, 2.0], [3.0, 5.0]])
    before = dict(net.named_parameters()) | dict(net.named_buffers())
    values = {"0.weight": 2 * pb.eye(2), "0.bias": pb.tensor([0.5, 1.0])}
    net.eval()
    state = {"1.running_mean": pb.tensor([0.5, 1.0]), "1.running_var": pb.full((2,), 1 - 1e-5)}
    assert func.functional_call(net, (values, state), x).allclose(2 * x)
    slopes = func.grad(lambda values: func.functional_call(net, (values, state), x).sum())(values)
    assert slopes["0.bias"].allclose(pb.full((2,), 2.0)) and slopes["0.weight"].allclose(
        x.sum(0).expand(2, 2)
    )
    after = dict(net.named_parameters()) | dict(net.named_buffers())
    assert after.keys() == before.keys() and all(after[name] is before[name] for name in before)
    assert func.functional_call(net, {**values, **state, "0.slope": x}, x).allclose(2 * x)
    assert not hasattr(net[0], "slope")
    for wrong, error, text in (
        ({"0.weight": 3}, TypeError, "3 is not an instance of pullback.Tensor"),
        ({"0.training": x}, TypeError, "attribute `training`: False is not an instance of pullback.Tensor"),
        ({"7.weight": x}, AttributeError, "Sequential has no attribute `7`"),
        ({"0.": x}, KeyError, "tensor name can"),
        ({"0.bias": x[0], "1.epsilon.value": x}, AttributeError, "BatchNorm1d has no attribute `epsilon`"),
    ):
        with pytest.raises(error, match=text):
            func.functional_call(net, wrong, x)
    after = dict(net.named_parameters()) | dict(net.named_buffers())
    assert after.keys() == before.keys() and all(after[name] is before[name] for name in before)


def test_functional_call():
    class Layer:
        def __init__(self, value):
            self.weight = pb.tensor(value)

    class Net:
        def __init__(self):
            self.layers = [Layer(2.0), Layer(3.0)]
            self.shared = self.layers[0].weight
            self.count = pb.tensor(0.0)

        def named_parameters(self, remove_duplicate=True):
            yield "layers.0.weight", self.layers[0].weight
            yield "layers.1.weight", self.layers[1].weight
            if not remove_duplicate:
                yield "shared", self.shared

        def named_buffers(self):
            yield "count", self.count

        def __call__(self, x, *, shift=0.0):
            self.count = self.count + 1
            return self.layers[0].weight * x + self.layers[1].weight * self.shared + shift

    net, x = Net(), pb.tensor(5.0)
    values = {"layers.0.weight": pb.tensor(1.0), "layers.1.weight": pb.tensor(10.0)}
    before = [net.layers[0].weight, net.layers[1].weight, net.shared, net.count]
    state = {"count": pb.tensor(7.0)}
    assert func.functional_call(net, (values, state), x, {"shift": 0.5}).item() == 15.5
    assert state["count"].item() == 7.0  # of several dictionaries the union is changed, as in PyTorch
    together = {**values, **state}
    func.functional_call(net, together, x)
    assert together["count"].item() == 8.0
    assert all(
        a is b for a, b in zip(before, [net.layers[0].weight, net.layers[1].weight, net.shared, net.count])
    )
    assert func.functional_call(net, values, x, tie_weights=False).item() == 25.0
    g = func.grad(lambda values: func.functional_call(net, values, x))(values)
    assert {name: t.item() for name, t in g.items()} == {"layers.0.weight": 15.0, "layers.1.weight": 1.0}
    with pytest.raises(ValueError, match="got multiple values for keys"):
        func.functional_call(net, {**values, "shared": pb.tensor(4.0)}, x)
    with pytest.raises(RuntimeError, match=r"Missing key\(s\): 'count'"):
        func.functional_call(net, values, x, strict=True)
    with pytest.raises(ValueError, match="appeared in multiple dictionaries"):
        func.functional_call(net, (values, values), x)
    with pytest.raises(KeyError, match="no parameter"):
        func.functional_call(net, {"layers.7.weight": x}, x)
    params, buffers = func.stack_module_state([Net(), Net()])
    assert params["layers.1.weight"].tolist() == [3.0, 3.0] and buffers["count"].tolist() == [0.0, 0.0]
