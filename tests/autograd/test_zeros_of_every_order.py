"""A zero gradient stays zero to every order: where a branch is not taken, no derivative of it is ever seen."""

import itertools

import mpmath
import numpy as np
import pytest
from calculus.samples import free_operands
from checks.orders import SEQUENCES, derivative
from elementwise.support import DIFFERENTIABLE, by_name, parameters

import pullback as pb

inf, nan = np.inf, np.nan
POINTS = {
    1: [-inf, -1000.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 1000.0, inf, nan],
    2: [-inf, -1.0, 0.0, 0.5, 1.0, 2.0, inf, nan],
    3: [-1.0, 0.0, 1.0, 2.0],
}
# What stands before and after the row in the branch that is not taken.
BRANCHES = {
    "f(x)": lambda f, x: f(x),
    "x * f(x)": lambda f, x: x * f(x),
    "sin f(x)": lambda f, x: f(x).sin(),
    "sqrt f(x)": lambda f, x: f(x).sqrt(),
    "f(x * x)": lambda f, x: f(x * x),
    "f(sqrt x)": lambda f, x: f(x.sqrt()),
}


def special_points(row):
    """Infinities, zeros, ones, NaN, and the row's own kinks: an array for each operand."""
    free = free_operands(row)
    kinks = [point if isinstance(point, tuple) else (point,) for point in row.kinks]
    points = [*itertools.product(POINTS[len(free)], repeat=len(free)), *kinks]
    return np.array(points, float).T.copy()


def in_one_operand(row, points, index):
    """The row as a function of one of its operands."""
    free, given = free_operands(row), parameters(row)
    condition = pb.tensor(np.arange(points.shape[1]) % 2 == 0)

    def f(x):
        operands = iter([x if k == index else pb.tensor(points[k]) for k in range(len(free))])
        return row(*[next(operands) if k in free else given.get(k, condition) for k in range(row.arity)])

    return f


@pytest.mark.parametrize("row", **by_name(DIFFERENTIABLE))
def test_a_branch_not_taken_has_no_derivative_of_any_order(row):
    points = special_points(row)
    never = pb.zeros(points.shape[1], dtype=pb.bool)
    for index in range(len(points)):
        f = in_one_operand(row, points, index)
        for name, branch in BRANCHES.items():

            def chosen(x, branch=branch, f=f):
                return pb.where(never, branch(f, x), 3 * x)

            for modes in SEQUENCES:
                for order in range(1, len(modes) + 1):
                    x = pb.tensor(points[index])
                    found = derivative(chosen, modes[-order:])(x).detach().numpy()
                    wrong = found != (3.0 if order == 1 else 0.0)
                    assert not wrong.any(), (name, modes[-order:], points[:, wrong].T[:5], found[wrong][:5])


@pytest.mark.parametrize("modes", SEQUENCES)
@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
def test_products_and_roots_beyond_their_domains(modes, dtype):
    """By hand, as users write it; the taken branches have the derivatives of x."""
    guarded = {
        "sqrt": lambda x: pb.where(x > 0, x.sqrt(), x),
        "x log x": lambda x: pb.where(x > 0, x * x.log(), x),
        "log of a root": lambda x: pb.where(x > 0, x.sqrt().log(), x),
        "a quotient": lambda x: pb.where(x > 0, x.sin() / x, x),
        "a norm": lambda x: pb.where(x > 0, (x * x).sqrt().sqrt(), x),
        "an overflow": lambda x: pb.where(x > 0, (x * 1e30).exp() * x, x),
    }
    for name, f in guarded.items():
        for order in range(1, len(modes) + 1):
            found = derivative(f, modes[-order:])(pb.tensor([-1.0, 0.0], dtype=dtype))
            assert found.tolist() == ([1, 1] if order == 1 else [0, 0]), (name, order)


SMOOTH = {
    "sinc": (mpmath.sincpi, [0.0, 0.1, 1.0]),
    "tanh": (mpmath.tanh, [0.0, 1.5, 19.0]),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), [0.0, -35.0, 35.0]),
    "silu": (lambda x: x / (1 + mpmath.exp(-x)), [0.0, -30.0, 30.0]),
    "gelu": (lambda x: x * mpmath.ncdf(x), [0.0, -6.0, 6.0]),
    "mish": (lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x))), [0.0, -20.0, 20.0]),
    "tanhshrink": (lambda x: x - mpmath.tanh(x), [0.0, 15.0]),
    "logsigmoid": (lambda x: -mpmath.log1p(mpmath.exp(-x)), [0.0, -40.0, 40.0]),
    "asin": (mpmath.asin, [0.0, 1e-9, 0.9]),
    "acos": (mpmath.acos, [0.0, 1e-9, -0.9]),
    "atanh": (mpmath.atanh, [0.0, 1e-9, 0.9]),
    "atan": (mpmath.atan, [0.0, 1e3, 1e9]),
    "logit": (lambda x: mpmath.log(x / (1 - x)), [0.5, 0.5 + 1e-9, 1e-9]),
    "expm1": (mpmath.expm1, [-40.0, 0.0]),
    "exp2": (lambda x: mpmath.mpf(2) ** x, [0.0, 3.5]),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_values_of_every_order(name):
    """At points where differences cancel, tails and zeros, against differences of 500 digits."""
    from calculus.interpreter import ROWS

    f, points = SMOOTH[name]
    for order in range(1, 6):
        with mpmath.workdps(500):
            exact = [float(mpmath.diff(f, mpmath.mpf(x), order)) for x in points]
        for modes in SEQUENCES:
            found = derivative(lambda x: ROWS[name](x), modes[-order:])(pb.tensor(points, dtype=pb.float64))
            np.testing.assert_allclose(found.detach().numpy(), exact, rtol=2e-11, atol=1e-290, err_msg=modes)
