"""The tester, tested: right functions pass, and planted mistakes of every kind are caught, by the mode that has them."""

import itertools

import checks
import numpy as np
import pytest
from checks import Closed, ComplexStep, Differences, Mode, fixed

import pullback as pb
from pullback import calculus

X = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.6]])
Z = np.array([[1.5, 0.2, -0.8], [0.9, -0.3, 1.7]])
fresh = itertools.count()


def planted(formula, rule, **about):
    """A function with a stated derivative; the table has it until the process ends."""
    return calculus.composed(f"planted_{next(fresh)}", formula, rule, **about)


def function(forward, backward, jvp=None):
    """A function of one's own: `backward(operands, *cotangents)`, `jvp(operands, *tangents)`."""

    class Planted(pb.autograd.Function):
        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

    Planted.forward = staticmethod(forward)
    Planted.backward = staticmethod(lambda ctx, *g: backward(ctx.saved_tensors, *g))
    Planted.jvp = staticmethod(lambda ctx, *t: jvp(ctx.saved_for_forward, *t))
    return Planted.apply


def square(factor=lambda x, g: 2, tangent_factor=lambda x: 2):
    """x * x, whose derivative has a factor that depends on the operand and on the cotangent."""
    return function(
        lambda x: x * x,
        lambda saved, g: factor(saved[0], g) * saved[0] * g,
        lambda saved, t: tangent_factor(saved[0]) * saved[0] * t,
    )


def caught(message, *errors):
    return pytest.raises((AssertionError, *errors), match=message)


# ---- what is right passes ----


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * x,
        lambda x: pb.exp(x).sum(0),
        lambda x: (x @ x.t()).tanh(),
        lambda x: 2 * x + 1,  # no curvature
        lambda x: pb.zeros(2),  # nothing at all
        lambda x: x.expand(4, 2, 3).sin(),
        lambda x: x[:0],
        lambda x: (x.sin(), x.prod(), x.sum(0) * 2),
        lambda x: x.max(1),  # one of whose results has no derivative
        checks.in_place(lambda x: x[0].mul_(x[1])),
        checks.curved(lambda x: x.flip(0)),
        square(),
    ],
)
def test_right_functions_of_one_input_pass(f):
    checks.check(f, X)
    checks.check(f, X.astype(np.float32))


@pytest.mark.parametrize("f", [lambda x, z: x * z, lambda x, z: x / (1 + z * z), lambda x, z: x, pb.atan2])
def test_right_functions_of_two_inputs_pass(f):
    checks.check_elementwise(f, X, Z)
    checks.check(f, X, fixed(Z))
    checks.check(f, X, Z.astype(np.float32))


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 0, 3), (2, 3, 4), (40,)])
def test_operands_have_any_shape(shape):
    x = np.random.default_rng(0).uniform(0.5, 1.5, shape)
    checks.check(lambda x: x.log() * x, x)
    checks.check(lambda x: (x * x).sum(), x)


def test_operands_without_derivatives():
    checks.check(lambda x, i: x[:, i], X, np.array([2, 0, 2]))
    checks.check(lambda m, x, z: pb.where(m, x * z, x), X > 0, X, fixed(Z))
    checks.check(lambda i: i * 2, np.arange(3))


def test_a_rule_stated_rightly_passes():
    checks.check_elementwise(planted(lambda x: x * x, lambda x, y: [2 * x]), X)


def test_every_truth_passes_what_is_right():
    f = lambda x, z: (x.sin() * z, x * z)
    of = lambda x, z: (np.sin(x) * z, x * z)
    first = lambda v, w: (np.cos(X) * Z * v + np.sin(X) * w, Z * v + X * w)
    second = lambda v, w: (
        -np.sin(X) * Z * v[0] * w[0] + np.cos(X) * (v[0] * w[1] + v[1] * w[0]),
        v[0] * w[1] + v[1] * w[0],
    )
    for truth in (Differences(), Differences(of), ComplexStep(of), Closed(first), Closed(first, second)):
        checks.check(f, X, Z, truth=truth)
    checks.check_linear(lambda x, z: (x[0] - z.t(), x.sum(0)), (2, 3), (3, 1))


def test_nothing_moves_what_is_not_finite():
    x = np.array([[0.3, -np.inf, 1.2], [-np.inf, 0.5, -0.7]])
    checks.check(lambda x: x.logsumexp(1), x)
    moved = function(
        lambda x: x.exp(),
        lambda saved, g: (saved[0].exp() + (saved[0] == -np.inf)) * g,
        lambda saved, t: saved[0].exp() * t,
    )
    with caught("reverse"):
        checks.check(moved, x)


# ---- every mode finds what is wrong in it ----


@pytest.mark.parametrize("name", checks.MODES)
@pytest.mark.parametrize(
    "truth", [Differences(), ComplexStep(lambda x: x * x * x)], ids=lambda t: type(t).__name__
)
def test_a_mode_that_is_wrong_is_named(name, truth, monkeypatch):
    mode = checks.MODES[name]
    monkeypatch.setitem(
        checks.MODES, name, Mode(mode.finds, lambda case: [t * 1.00001 for t in mode.find(case)])
    )
    with caught(f"{name}, contiguous"):
        checks.check(lambda x: x * x * x, X, truth=truth)


@pytest.mark.parametrize("name", [name for name, mode in checks.MODES.items() if mode.order])
def test_modes_that_disagree_are_named_where_nothing_is_known(name, monkeypatch):
    mode = checks.MODES[name]
    monkeypatch.setitem(
        checks.MODES, name, Mode(mode.finds, lambda case: [t * 1.00001 for t in mode.find(case)])
    )
    with caught(name):
        checks.check_modes(lambda x: x * x * x, X)


def test_a_mode_that_is_added_is_asked_by_every_check(monkeypatch):
    """As evaluation of a batch would be: values, found in another way."""

    def looped(case):
        batch = [case.moved(step, case.v).values() for step in (0.0, 1.0)]
        return [pb.tensor(np.stack(lanes))[0] for lanes in zip(*batch)]

    monkeypatch.setitem(checks.MODES, "batch", Mode("values", looped))
    every = [
        lambda: checks.check(pb.exp, X),
        lambda: checks.check_modes(pb.abs, X),
        lambda: checks.check_elementwise(pb.mul, X, Z),
        lambda: checks.check_linear(pb.Tensor.t, (2, 3)),
    ]
    for check in every:
        check()
    monkeypatch.setitem(checks.MODES, "batch", Mode("values", lambda case: [t * 2 for t in looped(case)]))
    for check in every:
        with caught("batch, contiguous"):
            check()


# ---- wrong rules ----


@pytest.mark.parametrize(
    "formula, rule, caught_as",
    [
        (lambda x: x * x, lambda x, y: [2.001 * x], "reverse"),
        (lambda x: x * x, lambda x, y: [-2 * x], "reverse"),
        (lambda x: calculus.exp(x), lambda x, y: [y + 1e-5], "reverse"),
        (lambda x: x * x, lambda x, y: [2e-12 * calculus.floor(1e12 * x)], "reverse_over_reverse"),
    ],
    ids=["2.001 for 2", "sign", "small", "only its slope is wrong"],
)
def test_wrong_rules_are_caught(formula, rule, caught_as):
    with caught(caught_as):
        checks.check(planted(formula, rule), X)


def test_a_partial_of_the_wrong_operand_is_caught():
    with caught("reverse"):
        checks.check(planted(lambda a, b: a * a * b, lambda a, b, y: [a * a, 2 * a * b]), X, Z)


def test_a_gradient_that_leaks_to_another_operand_is_caught():
    leaking = lambda leak: function(
        lambda x, z: x * x,
        lambda saved, g: (2 * saved[0] * g, leak * saved[0] * g),
        lambda saved, t, s: 2 * saved[0] * (0 if t is None else t),
    )
    checks.check(leaking(0.0), X, Z)
    checks.check(leaking(1e-3), X, fixed(Z))  # nobody asks for it
    with caught("reverse, contiguous"):
        checks.check(leaking(1e-3), X, Z)


def test_a_mistake_where_others_are_not_differentiated_is_caught():
    class Product(pb.autograd.Function):
        @staticmethod
        def forward(x, z):
            return x * z

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            x, z = ctx.saved_tensors
            return z * g, (1 if ctx.needs_input_grad[0] else 1.1) * x * g

        @staticmethod
        def jvp(ctx, t, s):
            x, z = ctx.saved_for_forward
            return (0 if t is None else t * z) + (0 if s is None else s * x)

    with caught("reverse, contiguous, operand 1 alone"):
        checks.check(Product.apply, X, Z)


def test_a_mistake_in_forward_mode_only_is_caught():
    wrong = square(tangent_factor=lambda x: 2.1)
    with caught("forward, contiguous"):
        checks.check(wrong, X)
    with caught("Jv"):
        checks.check_modes(wrong, X)


def test_a_graph_cut_in_the_middle_is_caught():
    with caught("reverse"):
        checks.check(lambda x: x * x.detach(), X)


def cut_when(reverse, forward):
    """Right in value; in one mode the derivative has no derivative itself."""
    cut = lambda x, here: x.detach() if here else x
    return function(
        lambda x: x * x,
        lambda saved, g: 2 * cut(saved[0], reverse) * g,
        lambda saved, t: 2 * cut(saved[0], forward) * t,
    )


def test_a_derivative_cut_from_its_graph_is_caught():
    checks.check(cut_when(False, False), X)
    with caught("reverse_over_reverse"):
        checks.check(cut_when(True, False), X)
    with caught("reverse_over_forward"):
        checks.check(cut_when(False, True), X)
    checks.check(cut_when(True, True), X, second=False)


def test_a_linear_rule_that_is_cut_is_caught_between_curves():
    cut = function(lambda x: 3 * x, lambda saved, g: 3 * g.detach(), lambda saved, t: 3 * t)
    checks.check(cut, X)  # it has no second derivative to be wrong
    with caught("reverse_over_reverse"):
        checks.check(checks.curved(cut), X)
    with caught("reverse_over_reverse"):
        checks.check_linear(cut, (2, 3))


# ---- wrong somewhere only ----


def test_a_mistake_on_strided_input_only_is_caught():
    with caught("reverse, strided"):
        checks.check(square(lambda x, g: 2 if x.is_contiguous() else 2.1), X)


def test_a_mistake_in_one_dtype_only_is_caught():
    wrong = square(lambda x, g: 2.1 if x.dtype == pb.float32 else 2)
    checks.check(wrong, X)
    with caught("reverse, contiguous"):
        checks.check(wrong, X.astype(np.float32))


def test_a_mistake_on_0d_input_only_is_caught():
    with caught("reverse"):
        checks.check_elementwise(square(lambda x, g: 2.1 if x.dim() == 0 else 2), X, second=False)


def test_a_mistake_under_broadcast_only_is_caught():
    wrong = square(lambda x, g: 2.1 if x.dim() == 2 else 2)
    checks.check(lambda x, z: wrong(x) * z, X[0], Z[0], second=False)
    with caught("reverse"):
        checks.check_elementwise(lambda x, z: wrong(x) * z, X[0], Z[0], second=False)


@pytest.mark.parametrize("size", [20, 2000])
def test_a_mistake_in_one_element_only_is_caught(size):
    x = np.random.default_rng(1).standard_normal(size)
    factor = pb.tensor(np.where(np.arange(size) == size // 2, 2.001, 2.0))
    with caught("reverse"):
        checks.check(square(lambda x, g: factor), x)


def test_a_mistake_at_a_kink_only_is_caught():
    at_zero = lambda slope: planted(
        lambda x: calculus.maximum(x, 0), lambda x, y: [calculus.where(x == 0, slope, 1 * (x > 0))]
    )
    kinked = np.array([0.0, 1.0, -1.0])
    flat = Closed(lambda v: v * (kinked > 0), second=0)
    checks.check(at_zero(0), kinked, truth=flat)
    checks.check(at_zero(0.5), kinked[1:], truth=Differences())
    with caught("reverse"):
        checks.check(at_zero(0.5), kinked, truth=flat)


def test_a_curvature_at_a_kink_is_caught():
    kinked = np.array([0.0, 1.0])
    bent = planted(lambda x: calculus.maximum(x, 0), lambda x, y: [calculus.where(x == 0, x, 1 * (x > 0))])
    with caught("reverse_over_reverse"):
        checks.check(bent, kinked, truth=Closed(lambda v: v * (kinked > 0), second=0))


def test_a_kink_at_the_point_is_refused():
    with caught("kink"):
        checks.check(pb.abs, np.array([0.5, 1e-4]))
    checks.check_modes(pb.abs, np.array([0.5, 0.0]))


# ---- several results, cotangents of zeros ----


def test_a_mistake_in_one_of_several_results_is_caught():
    right, wrong = square(), square(lambda x, g: 2.1)
    for functions in itertools.permutations([right, right, wrong]):
        with caught("reverse, contiguous"):
            checks.check(lambda x, functions=functions: [f(x[:1] + k) for k, f in enumerate(functions)], X)


def two_results(missing):
    """x * x and x * 3, where `missing` is added to the gradient when nobody uses the second."""

    class Two(pb.autograd.Function):
        @staticmethod
        def forward(x):
            return x * x, x * 3

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g, h):
            (x,) = ctx.saved_tensors
            first = 0 * x if g is None else 2 * x * g
            return first + (missing * x if h is None else 3 * h)

        @staticmethod
        def jvp(ctx, t):
            return 2 * ctx.saved_for_forward[0] * t, 3 * t

    return Two.apply


def test_a_mistake_where_one_result_is_not_used_is_caught():
    checks.check(two_results(0), X)
    with caught("reverse of each result"):
        checks.check(two_results(0.1), X)


def test_a_cotangent_of_zeros_that_does_not_stay_is_caught():
    nothing = lambda g: not g.detach().numpy().any()
    with caught("reverse of zeros"):
        checks.check(square(lambda x, g: 2 + 0 * g if not nothing(g) else (x - x) / g), X, second=False)
    slope = lambda x: 0.5 / x.sqrt()  # infinite at 0
    root = function(pb.sqrt, lambda saved, g: g * slope(*saved), lambda saved, t: t * slope(*saved))
    checks.check_modes(pb.sqrt, np.array([0.0, 1.0]), second=False)
    with caught("reverse of zeros"):
        checks.check_modes(root, np.array([0.0, 1.0]), second=False)


# ---- what a derivative must look like, what a function must not do ----


@pytest.mark.parametrize(
    "shaped", [lambda t: t.sum(0), lambda t: t[None], lambda t: t.float()], ids=["fewer", "more", "dtype"]
)
def test_a_derivative_of_another_shape_or_dtype_is_caught(shaped, monkeypatch):
    tangent = function(
        lambda x: x * x, lambda saved, g: 2 * saved[0] * g, lambda saved, t: shaped(2 * saved[0] * t)
    )
    with caught("shape", RuntimeError):
        checks.check(tangent, X)
    grad = pb.autograd.grad  # the engine brings what a rule returns into shape, or refuses it
    monkeypatch.setattr(pb.autograd, "grad", lambda *a, **k: [shaped(g) for g in grad(*a, **k)])
    with caught("a derivative has shape"):
        checks.check(square(), X)


def test_another_value_while_modes_watch_is_caught():
    with caught("recorded"):
        checks.check(lambda x: x * (1.5 if x.requires_grad else 1), X)


def test_another_value_than_numpys_is_caught():
    for truth in (Differences(lambda x: x * x + 1), ComplexStep(lambda x: x * x + 1)):
        with caught("recorded"):
            checks.check(lambda x: x * x, X, truth=truth)


def test_an_operand_that_is_written_to_is_caught():
    with caught("see in_place"):
        checks.check(lambda i, x: i.add_(1) * x, np.arange(3), X)

    def unseen(x):
        y = x * 1
        x.detach().numpy()[...] = 7
        return y

    with caught("an operand has changed"):
        checks.check(unseen, X)


def test_a_mistake_of_an_in_place_function_is_caught():
    checks.check(checks.in_place(lambda y: y.mul_(y)), X)
    with caught("reverse"):
        checks.check(checks.in_place(lambda y: y.mul_(y.detach().clone())), X)


def test_what_is_not_linear_is_caught():
    checks.check_linear(lambda x: x.flip(0) * 3, (2, 3))
    for f in (lambda x: x + 1, lambda x: x * x, lambda x: x.abs()):
        with caught("reverse|recorded"):
            checks.check_linear(f, (2, 3))
