"""Taylor mode as a transform: what it costs, how it composes, trees and errors. Its values: test_jet_values.py."""

import mpmath
import numpy as np
import pytest
from calculus.samples import free_operands
from deferral import deferral
from elementwise.support import DIFFERENTIABLE
from func.curves import F64, nested

import pullback as pb
from pullback.autograd import functional
from pullback.func import (
    directional_derivatives,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jet,
    jvp,
    linearize,
    vjp,
    vmap,
)
from pullback.utils.checkpoint import checkpoint

# ---- what it costs ------------------------------------------------------------------------------------------


def instructions(call):
    """How many elementwise instructions and reductions a call asks for."""
    with deferral(least=1):
        call()
        start = pb.counters()["recorded"]
        call()
        return pb.counters()["recorded"] - start


X = pb.tensor([0.3, 0.7, 1.2], dtype=F64)
V = pb.tensor([1.0, -0.5, 0.3], dtype=F64)
COSTS = {
    "exp(sin x)": lambda x: x.sin().exp(),
    "a network": lambda x: (x.outer(x) @ x).tanh().softmax(0).logsumexp(0),
    "quotients": lambda x: (x / (1 + x * x)).sqrt() * x.atan(),
    "norm": lambda x: (x * x.sin()).norm(),
    "layer_norm": lambda x: pb.nn.functional.layer_norm(x.sin(), (3,)),
    "gelu": lambda x: pb.nn.functional.gelu(x * x),
}


@pytest.mark.parametrize("name", COSTS)
def test_the_cost_grows_as_the_square_of_the_order(name):
    cost = {
        k: instructions(lambda k=k: directional_derivatives(COSTS[name], X, V, k)) for k in (4, 8, 16, 32)
    }
    # 4 for each doubling, and less while what does not grow still counts.
    assert cost[16] < 4.2 * cost[8] and cost[32] < 4.2 * cost[16], cost


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.sin().cumprod(0),
        lambda x: x.sin().prod(),
        lambda x: x.sin().logcumsumexp(0),
        lambda x: x.exp2(),
        lambda x: (x + 1).lgamma(),
        lambda x: x**2.5,
    ],
)
def test_the_cost_never_exceeds_the_cube_of_the_order(f):
    """A scan within its own pushforward; functions whose slopes are ever new ones."""
    cost = {k: instructions(lambda k=k: directional_derivatives(f, X, V, k)) for k in (6, 12, 24)}
    assert cost[12] < 8.2 * cost[6] and cost[24] < 8.2 * cost[12], cost


def test_the_cost_of_a_curve_without_a_first_derivative():
    """What is computed again and again is recognised by first coefficients, also where they are zero."""
    series = {k: ([None, V, *[None] * (k - 2)],) for k in (6, 12, 24)}
    for f in (lambda x: x.cumprod(0), lambda x: x.softmax(0), lambda x: pb.nn.functional.layer_norm(x, (3,))):
        cost = {k: instructions(lambda f=f, k=k: jet(f, (X,), series[k])) for k in series}
        assert cost[12] < 8.2 * cost[6] and cost[24] < 8.2 * cost[12], cost


def test_every_program_of_the_table_is_of_the_square_of_the_order():
    from pullback.calculus.series import program

    cubic = {"exp2", "pow", "polygamma", "digamma", "lgamma"}
    for row in DIFFERENTIABLE:
        free = free_operands(row)
        length = {
            k: len(program(row.name, k, tuple([k if i in free else 0 for i in range(row.arity)]))[0])
            for k in (6, 12, 24)
        }
        bound = 8.2 if row.name in cubic else 4.9
        assert length[24] <= bound * length[12] + 8, (row.name, length)


def test_nested_forward_mode_is_exponential():
    """What the jet is for: the counter that bounds it grows without bound elsewhere."""
    cost = {
        k: instructions(lambda k=k: nested(lambda t: (X + V * t).sin().exp(), pb.zeros((), dtype=F64), k))
        for k in (3, 6)
    }
    assert cost[6] > 8 * cost[3]


# ---- composition --------------------------------------------------------------------------------------------


def smooth(x):
    return (x.sin() * x.softmax(0)).exp().cumprod(0)


def term(k, f=smooth):
    return lambda x: directional_derivatives(f, x, V, 4)[1][k - 1]


def by_nesting(k, f=smooth):
    return lambda x: nested(lambda t: f(x + V * t), pb.zeros((), dtype=F64), k)


def close(a, b, tolerance=1e-10):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), tolerance, tolerance)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_transforms_of_a_jet(k):
    ours, theirs = term(k), by_nesting(k)
    close(jacrev(ours)(X), jacrev(theirs)(X))
    close(jacfwd(ours)(X), jacfwd(theirs)(X))
    close(jvp(ours, (X,), (V,))[1], jvp(theirs, (X,), (V,))[1])
    close(vjp(ours, X)[1](V)[0], vjp(theirs, X)[1](V)[0])
    close(linearize(ours, X)[1](V), linearize(theirs, X)[1](V))
    close(
        grad(lambda x: grad(lambda z: ours(z).sum())(x).sum())(X),
        grad(lambda x: grad(lambda z: theirs(z).sum())(x).sum())(X),
    )
    rows = pb.stack([X, 2 * X, 0.5 * X])
    close(vmap(ours)(rows), pb.stack([theirs(row) for row in rows]))
    x = X.clone().requires_grad_()
    ours(x).sum().backward()
    close(x.grad, grad(lambda x: theirs(x).sum())(X))


@pytest.mark.parametrize("k", [1, 2, 4])
def test_a_jet_of_transforms(k):
    for f in (
        grad(lambda x: smooth(x).sum()),
        hessian(lambda x: smooth(x).sum()),
        jacfwd(smooth),
        lambda x: vjp(smooth, x)[1](V)[0],
        lambda x: jvp(smooth, (x,), (V,))[1],
        lambda x: linearize(smooth, x)[1](V),
        lambda x: vmap(smooth)(pb.stack([x, x * x])),
        lambda x: vmap(lambda s: s * smooth(x))(X),
        lambda x: term(2)(x),
    ):
        close(term(k, f)(X), by_nesting(k, f)(X))


def with_hooks(x):
    def f(z):
        y = z.sin()
        y.register_hook(lambda g: 2 * g)
        return (y * z).sum()

    with pb.autograd.graph.saved_tensors_hooks(lambda t: t * 1, lambda t: t):
        return grad(f)(x)


@pytest.mark.parametrize(
    "f",
    [
        with_hooks,
        grad(lambda x: checkpoint(lambda z: z.sin().exp() * z, x, use_reentrant=False).sum()),
        lambda x: functional.hvp(lambda z: (z.exp() * z.prod()).sum(), x, V, create_graph=True)[1],
        lambda x: functional.jacobian(
            lambda z: z.exp() * z.prod(), x, vectorize=True, strategy="forward-mode"
        ),
        lambda x: vmap(lambda row: Sine.apply(row * row))(pb.stack([x, 2 * x])),
        lambda x: vmap(lambda s: Sine.apply(s * x))(X),
        lambda x: pb.stack([xi.sin() for xi in x]),
        lambda x: pb.tensor(x.detach().numpy()) * x,
    ],
)
def test_a_jet_of_what_programs_do(f):
    for k in (1, 3):
        close(term(k, f)(X), by_nesting(k, f)(X))


def test_the_direction_is_differentiated_too():
    def f(v):
        return directional_derivatives(smooth, X, v, 3)[1][2].sum()

    def g(v):
        return nested(lambda t: smooth(X + v * t), pb.zeros((), dtype=F64), 3).sum()

    close(grad(f)(V), grad(g)(V))
    close(vmap(f)(pb.stack([V, 2 * V])), pb.stack([f(V), 8 * f(V)]))
    v = V.clone().requires_grad_()
    f(v).backward()
    close(v.grad, grad(g)(V))


def test_levels_do_not_mix():
    """The inner variable is not the outer one: perturbation confusion."""
    one = pb.tensor(1.0, dtype=F64)
    inner = lambda x: directional_derivatives(lambda y: x * y.exp(), one, one, 2)[1][1]
    close(directional_derivatives(lambda x: x * inner(x), one, one, 2)[1][1], 2 * one.exp())
    # A level that is over is forgotten.
    kept = []
    jet(lambda x: kept.append(x * x) or x, (one,), ([one],))
    assert pb.autograd.forward_ad.unpack_dual(kept[0]).tangent is None
    close(jvp(lambda x: x * kept[0], (one,), (one,))[1], one)


def test_a_graph_inside_of_the_function():
    def f(x):
        z = x.detach() * 1
        w = x * x
        w.requires_grad = True
        (g,) = pb.autograd.grad((w**3).sum(), w, create_graph=True)
        return g + z

    # detach() keeps the coefficients, as it keeps tangents.
    close(term(2, f)(X), by_nesting(2, f)(X))


class Sine(pb.autograd.Function):
    @staticmethod
    def forward(x):
        return x.sin()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].cos()

    @staticmethod
    def jvp(ctx, tangent):
        return tangent * ctx.saved_tensors[0].cos()

    @staticmethod
    def vmap(info, in_dims, x):
        return x.sin(), in_dims[0]


class Exponential(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize(("own", "plain"), [(Sine, pb.sin), (Exponential, pb.exp)])
def test_a_function_goes_by_its_own_rule(own, plain, order):
    series = ([X * n for n in range(1, order + 1)],)
    ours, theirs = (
        jet(lambda x: own.apply(x * x) * x, (X,), series),
        jet(lambda x: plain(x * x) * x, (X,), series),
    )
    for a, b in zip(ours[1], theirs[1], strict=True):
        close(a, b)


class ByNumPy(pb.autograd.Function):
    """The exponential, whose rules read the result: what forward does is no operation of ours."""

    @staticmethod
    def forward(x):
        return pb.tensor(np.exp(x.detach().numpy()))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]

    @staticmethod
    def jvp(ctx, tangent):
        return tangent * ctx.saved_tensors[0]


class ByNumPyBackward(ByNumPy):
    jvp = pb.autograd.Function.jvp


@pytest.mark.parametrize("own", [ByNumPy, ByNumPyBackward])
def test_a_rule_reads_a_result_that_was_computed_elsewhere(own):
    for k in (1, 2, 4):
        close(term(k, lambda x: own.apply(x * x) * x)(X), by_nesting(k, lambda x: (x * x).exp() * x)(X))
        close(by_nesting(k, lambda x: own.apply(x * x) * x)(X), by_nesting(k, lambda x: (x * x).exp() * x)(X))


def test_a_rule_that_is_wrong_is_what_counts():
    class Doubled(Sine):
        @staticmethod
        def jvp(ctx, tangent):
            return 2 * tangent * ctx.saved_tensors[0].cos()

    close(term(3, Doubled.apply)(X), 2 * term(3, pb.sin)(X))


# ---- trees, scaling, errors ---------------------------------------------------------------------------------


def test_trees():
    def f(pair, scale):
        return {"sum": pair["a"] + pair["b"], "rest": (pair["a"] * scale, pair["b"].sin())}

    a, b, s = [pb.tensor(c, dtype=F64) for c in (0.5, 0.25, 2.0)]
    output, terms = jet(f, ({"a": a, "b": b}, s), (({"a": b, "b": a}, None), (a, b)))
    assert set(output) == set(terms) == {"sum", "rest"}
    assert [len(own) for own in (terms["sum"], *terms["rest"])] == [2, 2, 2]
    assert terms["sum"][0] == 0.75 and terms["sum"][1] == 0
    assert terms["rest"][0][1] == pytest.approx(2 * 0.25 * 0.5 + 0.5 * 0.25)


def test_coefficients_instead_of_derivatives():
    x, one = pb.tensor(0.5, dtype=F64), pb.ones((), dtype=F64)
    derivatives = jet(pb.exp, (x,), ([one, 2 * one, None],))[1]
    coefficients = jet(pb.exp, (x,), ([one, one, None],), factorial_scaled=False)[1]
    for n, (a, b) in enumerate(zip(derivatives, coefficients, strict=True), 1):
        close(a, b * float(mpmath.factorial(n)))


def test_aux_is_handed_on():
    one = pb.ones((), dtype=F64)
    output, terms, aux = jet(lambda x: (x * x, {"x": x + 1, "n": 3}), (one,), ([one],), has_aux=True)
    assert (output, terms[0], aux["x"], aux["n"]) == (1, 2, 2, 3)
    assert pb.func.jvp(lambda y: y * aux["x"], (one,), (one,))[1] == 2


def test_integers_do_not_move():
    one = pb.ones((), dtype=F64)
    terms = jet(lambda x, n: (x * n, n + 1), (one, pb.tensor(3)), ([one, one], [None, None]))[1]
    assert [float(t) for own in terms for t in own] == [3, 3, 0, 0]


def test_errors():
    one = pb.ones(2)
    with pytest.raises(RuntimeError, match="Expected primals to be a tuple"):
        jet(pb.sin, one, ([one],))
    with pytest.raises(RuntimeError, match="Expected series to be a tuple"):
        jet(pb.sin, (one,), one)
    with pytest.raises(RuntimeError, match="Expected the series of a primal to be a tuple or list"):
        jet(pb.sin, (one,), (one,))
    with pytest.raises(ValueError, match="Expected a series for each primal, got 2 primals and 1"):
        jet(pb.add, (one, one), ([one],))
    with pytest.raises(ValueError, match="inconsistent lengths for different arguments"):
        jet(pb.add, (one, one), ([one], [one, one]))
    with pytest.raises(ValueError, match="one term at least"):
        jet(pb.sin, (one,), ([],))
    with pytest.raises(ValueError, match="at most 170 terms"):
        jet(pb.sin, (one,), ([one] * 171,))
    with pytest.raises(RuntimeError, match="different size than that of the original Tensor"):
        jet(pb.sin, (one,), ([pb.ones(3)],))
    with pytest.raises(RuntimeError, match="same python structure"):
        jet(lambda d: d["x"], ({"x": one},), ([[one]],))
    with pytest.raises(RuntimeError, match="Expected primals to only contain Tensors"):
        jet(pb.sin, (1.0,), ([one],))
    with pytest.raises(RuntimeError, match="Expected series to only contain Tensors"):
        jet(pb.sin, (one,), ([1.0],))
    with pytest.raises(ValueError, match="Expected primal to be floating point or complex"):
        jet(lambda n: n * 2, (pb.tensor([1, 2]),), ([one],))
    with pytest.raises(ValueError, match="Expected tangent to be floating point or complex"):
        jet(pb.sin, (one,), ([pb.tensor([1, 2])],))
    with pytest.raises(RuntimeError, match="at least one Tensor"):
        jet(lambda: one, (), ())
    with pytest.raises(RuntimeError, match="return only tensors"):
        jet(lambda x: (x, 2), (one,), ([one],))
    with pytest.raises(RuntimeError, match="non-empty output"):
        jet(lambda x: None, (one,), ([one],))
    with pytest.raises(ValueError, match="an int of 1 at least"):
        directional_derivatives(pb.sin, one, one, 0)
    with pytest.raises(NotImplementedError, match="more than a program can have"):
        directional_derivatives(lambda x: pb.nn.functional.mish(x), one, one, 100)


def test_an_error_inside_closes_the_level():
    one = pb.ones(2)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            jet(lambda x: x.sin() * (1 / 0), (one,), ([one],))
    with pytest.raises(RuntimeError, match="no dual_level"):
        pb.autograd.forward_ad.exit_dual_level()


def test_a_term_of_another_dtype_becomes_its_primals():
    x = pb.ones(2)
    assert jet(pb.sin, (x,), ([pb.ones(2, dtype=F64)],))[1][0].dtype == pb.float32
