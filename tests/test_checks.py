"""The tester, tested: right functions pass, and planted mistakes of every kind are caught."""

import itertools

import checks
import numpy as np
import pytest

import pullback as pb
from pullback import calculus

X = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.6]])
Z = np.array([[1.5, 0.2, -0.8], [0.9, -0.3, 1.7]])
fresh = itertools.count()


def planted(formula, rule, **about):
    """A function with a stated derivative; the table has it until the process ends."""
    return calculus.composed(f"planted_{next(fresh)}", formula, rule, **about)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * x,
        lambda x: pb.exp(x).sum(0),
        lambda x: (x @ x.t()).tanh(),
        lambda x: 2 * x + 1,  # no curvature
        lambda x: pb.zeros(2),  # nothing at all
        lambda x: x.expand(4, 2, 3).sin(),
    ],
)
def test_right_functions_of_one_input_pass(f):
    checks.check(f, X)


@pytest.mark.parametrize("f", [lambda x, z: x * z, lambda x, z: x / (1 + z * z), lambda x, z: x, pb.atan2])
def test_right_functions_of_two_inputs_pass(f):
    checks.check_elementwise(f, X, Z)


def test_a_rule_stated_rightly_passes():
    checks.check_elementwise(planted(lambda x: x * x, lambda x, y: [2 * x]), X)


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
    with pytest.raises(AssertionError, match=caught_as):
        checks.check(planted(formula, rule), X)


def test_a_partial_of_the_wrong_operand_is_caught():
    with pytest.raises(AssertionError, match="reverse"):
        checks.check(planted(lambda a, b: a * a * b, lambda a, b, y: [a * a, 2 * a * b]), X, Z)


def square(wrong_when, wrong_tangent=False):
    """x * x, whose derivative is wrong under a condition on the operand and on the cotangent."""

    class Square(pb.autograd.Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return (2.1 if wrong_when(x, g) else 2) * x * g

        @staticmethod
        def jvp(ctx, t):
            (x,) = ctx.saved_for_forward
            return (2.1 if wrong_tangent else 2) * x * t

    return Square.apply


def test_a_function_of_ones_own_passes():
    checks.check(square(lambda x, g: False), X, second=False)


def test_a_mistake_on_strided_input_only_is_caught():
    with pytest.raises(AssertionError, match="reverse"):
        checks.check(square(lambda x, g: not x.is_contiguous()), X)


def test_a_mistake_on_0d_input_only_is_caught():
    with pytest.raises(AssertionError, match="reverse"):
        checks.check_elementwise(square(lambda x, g: x.dim() == 0), X, second=False)


def test_a_mistake_under_broadcast_only_is_caught():
    wrong = square(lambda x, g: x.dim() == 2)
    checks.check(lambda x, z: wrong(x) * z, X[0], Z[0], second=False)
    with pytest.raises(AssertionError, match="reverse"):
        checks.check_elementwise(lambda x, z: wrong(x) * z, X[0], Z[0], second=False)


def test_a_mistake_in_forward_mode_only_is_caught():
    with pytest.raises(AssertionError, match="forward"):
        checks.check(square(lambda x, g: False, wrong_tangent=True), X)
    with pytest.raises(AssertionError, match="Jv"):
        checks.check_modes(square(lambda x, g: False, wrong_tangent=True), X)


def test_a_graph_cut_in_the_middle_is_caught():
    with pytest.raises(AssertionError, match="reverse"):
        checks.check(lambda x: x * x.detach(), X)


def test_a_gradient_cut_from_its_graph_is_caught():
    class Cut(pb.autograd.Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.x = inputs[0].detach()
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return 2 * ctx.x * g

        @staticmethod
        def jvp(ctx, t):
            return 2 * ctx.saved_for_forward[0] * t

    with pytest.raises(AssertionError, match="reverse_over_reverse"):
        checks.check(Cut.apply, X)


def test_a_kink_at_the_point_is_refused():
    with pytest.raises(AssertionError, match="kink"):
        checks.check(pb.abs, np.array([0.5, 1e-4]))
    checks.check_modes(pb.abs, np.array([0.5, 0.0]))
