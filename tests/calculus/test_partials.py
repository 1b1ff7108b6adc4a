"""Every partial against differences of the function itself, of first and second order, and at its kinks."""

import math

import differences
import mpmath
import numpy as np
import pytest
from calculus import interpreter
from calculus.samples import differentiable_rows, free_operands, operands, random_points

import pullback.calculus as calculus

ROWS = differentiable_rows()
names = [row.name for row in ROWS]
STEP = 1e-3


def slope(function, points, index):
    """The slope by differences, and where to trust it: two steps agree, so no kink or jump lies between."""

    def moved(h):
        return function([p + h if k == index else p for k, p in enumerate(points)])

    coarse, fine = (np.broadcast_to(differences.slope(moved, h), points[0].shape) for h in (STEP, STEP / 2))
    return fine, np.isclose(coarse, fine, rtol=1e-7, atol=1e-7)


def assert_partials_are_slopes(row, program, rtol=1e-7):
    points = random_points(row)
    found = interpreter.partials(row.name, operands(row, points), program)
    for index, operand in enumerate(free_operands(row)):
        expected, trusted = slope(lambda p: interpreter.value(row.name, operands(row, p)), points, index)
        assert trusted.mean() > 0.5, "the row's domain leaves too few smooth samples"
        np.testing.assert_allclose(found[operand][trusted], expected[trusted], rtol=rtol, atol=1e-8)


def assert_second_derivatives_are_slopes(row, program):
    points = random_points(row)
    filled = operands(row, points)
    result = interpreter.value(row.name, filled)
    free = free_operands(row)
    for index, operand in enumerate(free):
        tangents = [np.full(len(points[0]), 1.0 * (k == operand)) for k in range(row.arity)]
        tangents.append(interpreter.tangent(row.name, filled, result, tangents))
        pushed = interpreter.tangents_of_program(program, filled, result, tangents)
        for other in free:
            expected, trusted = slope(
                lambda p, other=other: interpreter.partials(row.name, operands(row, p), program)[other],
                points,
                index,
            )
            assert trusted.mean() > 0.5, "the row's domain leaves too few smooth samples"
            found = np.broadcast_to(pushed[other], trusted.shape)
            np.testing.assert_allclose(found[trusted], expected[trusted], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("row", ROWS, ids=names)
def test_partials_are_the_functions_slopes(row):
    assert_partials_are_slopes(row, row.partial_program())


@pytest.mark.parametrize("row", ROWS, ids=names)
def test_second_derivatives_come_from_the_table_again(row):
    """A partial program is made of rows: pushing a tangent through it gives the partial's own slope."""
    assert_second_derivatives_are_slopes(row, row.partial_program())


def kink_cases():
    return [
        pytest.param(row, point, expected, id=f"{row.name}{point}")
        for row in ROWS
        for point, expected in row.kinks.items()
    ]


@pytest.mark.parametrize("row, point, expected", kink_cases())
def test_choices_at_kinks_are_as_stated(row, point, expected):
    points = [np.array([float(x)]) for x in (point if isinstance(point, tuple) else (point,))]
    found = interpreter.partials(row.name, operands(row, points, defaults=True))
    found = [found[index][0] for index in free_operands(row)]
    np.testing.assert_array_equal(found, expected if isinstance(expected, tuple) else (expected,))


# The right values come from mpmath, at arguments where a naive formula overflows, underflows or cancels.
FAR = [
    ("sigmoid", (-700.0,), lambda x: mpmath.exp(x) / (1 + mpmath.exp(x)) ** 2),
    ("sigmoid", (1000.0,), lambda x: mpmath.mpf(0)),
    ("asinh", (1e200,), lambda x: 1 / mpmath.sqrt(1 + x * x)),
    ("acosh", (1e200,), lambda x: 1 / mpmath.sqrt(x * x - 1)),
    ("acosh", (1 + 1e-12,), lambda x: 1 / mpmath.sqrt(x * x - 1)),
    ("asin", (1 - 1e-14,), lambda x: 1 / mpmath.sqrt(1 - x * x)),
    ("atanh", (1 - 1e-14,), lambda x: 1 / (1 - x * x)),
    ("erfinv", (1 - 1e-10,), lambda x: mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(mpmath.erfinv(x) ** 2)),
    ("hypot", (3e200, 4e200), lambda a, b: a / mpmath.hypot(a, b)),
    ("hypot", (3e-200, 4e-200), lambda a, b: a / mpmath.hypot(a, b)),
    ("atan2", (3e200, 4e200), lambda a, b: b / (a * a + b * b)),
    ("atan2", (3e-200, 4e-200), lambda a, b: b / (a * a + b * b)),
    ("logaddexp", (1000.0, 999.0), lambda a, b: 1 / (1 + mpmath.exp(b - a))),
    ("logaddexp", (-1e5, 1e5), lambda a, b: mpmath.mpf(0)),
    ("logaddexp2", (2000.0, 1999.0), lambda a, b: 1 / (1 + mpmath.mpf(2) ** (b - a))),
    ("softplus", (-700.0, 1.0, 20.0), lambda x: 1 / (1 + mpmath.exp(-x))),
    ("logsigmoid", (-1000.0,), lambda x: mpmath.mpf(1)),
    ("logsigmoid", (700.0,), lambda x: mpmath.exp(-x) / (1 + mpmath.exp(-x))),
    ("mish", (1000.0,), lambda x: mpmath.mpf(1)),
    ("mish", (-300.0,), lambda x: mpmath.exp(x) * (1 + x)),
    ("silu", (1000.0,), lambda x: mpmath.mpf(1)),
    ("silu", (-700.0,), lambda x: mpmath.exp(x) * (1 + x)),
    ("gelu", (1e200,), lambda x: mpmath.mpf(1)),
    ("gelu_tanh", (1e200,), lambda x: mpmath.mpf(1)),
    ("gelu_tanh", (-1e200,), lambda x: mpmath.mpf(0)),
    ("elu", (1000.0, 1.0), lambda x: mpmath.mpf(1)),
    ("celu", (-1000.0, 1.0), lambda x: mpmath.mpf(0)),
    ("tanhshrink", (1e-6,), lambda x: mpmath.tanh(x) ** 2),
    ("softsign", (1e100,), lambda x: 1 / (1 + x) ** 2),
    ("sinc", (1e-5,), lambda x: _sinc_slope(x)),
    ("sinc", (0.159,), lambda x: _sinc_slope(x)),
    ("sinc", (0.16,), lambda x: _sinc_slope(x)),
    ("log1p", (1e-18,), lambda x: 1 / (1 + x)),
]


def _sinc_slope(x):
    z = mpmath.pi * x
    return mpmath.pi * (z * mpmath.cos(z) - mpmath.sin(z)) / z**2


@pytest.mark.parametrize("name, at, truth", FAR, ids=[f"{name}{at}" for name, at, _ in FAR])
def test_partials_far_out_are_accurate(name, at, truth):
    row = interpreter.ROWS[name]
    found = float(interpreter.partials(name, [np.float64(x) for x in at])[free_operands(row)[0]])
    with mpmath.workdps(60):
        free = [mpmath.mpf(x) for index, x in enumerate(at) if index not in row.parameter_indices]
        expected = float(truth(*free))
    assert math.isclose(found, expected, rel_tol=1e-13 if name != "erfinv" else 1e-11)


def test_lgamma_and_digamma_have_right_slopes_of_every_order():
    x = 1.7
    assert interpreter.partials("lgamma", [x])[0] == pytest.approx(float(mpmath.digamma(x)), rel=1e-14)
    assert interpreter.partials("digamma", [x])[0] == pytest.approx(float(mpmath.polygamma(1, x)), rel=1e-14)
    for n in range(1, 6):
        found = interpreter.partials("polygamma", [float(n), x])[1]
        assert found == pytest.approx(float(mpmath.polygamma(n + 1, x)), rel=1e-13)


def test_mixed_derivative_of_xlogy_survives_a_zero():
    """d2/dadb of a log b is 1/b at a = 0 too: a rule with `where(a == 0, 0, a / b)` would say 0."""
    program = interpreter.PARTIALS["xlogy"]
    tangents = interpreter.tangents_of_program(program, [0.0, 2.0], 0.0, [1.0, 0.0, math.log(2.0)])
    assert tangents[1] == 0.5


def test_zmul_is_differentiated_as_a_product():
    tangents = interpreter.tangents_of_program(interpreter.PARTIALS["zmul"], [0.0, 3.0], 0.0, [1.0, 0.0, 3.0])
    assert tangents == [0.0, 1.0]


PLANTED = {
    "square": lambda x, y: [2.001 * x],
    "tanh": lambda x, y: [1 + y * y],
    "atan2": lambda a, b, y: [b / (a * a + b * b), a / (a * a + b * b)],
    "div": lambda a, b, y: [1 / b, -y * b],
    "softplus": lambda x, beta, threshold, y: [calculus.sigmoid(x)],
}


def replanted(row, rule):
    return calculus.Row(row.name, row.formula, rule, parameters=row.parameters, promotion=row.promotion)


@pytest.mark.parametrize("name", PLANTED)
def test_planted_mistakes_are_caught(name):
    row = interpreter.ROWS[name]
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_partials_are_slopes(row, replanted(row, PLANTED[name]).partial_program())


def test_a_mistake_of_second_order_only_is_caught():
    """A staircase with steps of 1e-12 has the right values and a slope of 0."""
    row = interpreter.ROWS["square"]
    program = replanted(row, lambda x, y: [2e-12 * calculus.floor(1e12 * x)]).partial_program()
    assert_partials_are_slopes(row, program)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_second_derivatives_are_slopes(row, program)
