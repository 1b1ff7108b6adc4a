"""Functions that a user adds to the table at run time: every mode, every layout, as fast as built-in ones."""

import itertools

import numpy as np
import pytest
from checks import check_elementwise, check_modes

import pullback as pb
from pullback import calculus
from pullback.calculus import composed, elementwise, erf, exp, log1p, maximum, sigmoid, where

POINTS = np.array([0.4, -1.3, 2.1, 0.9, -0.2, 1.7])
OTHERS = np.array([1.2, 0.7, -0.6, 1.9, -1.1, 0.3])
names = (f"users_{n}" for n in itertools.count())


def test_the_documented_example():
    bump = composed(next(names), lambda x, width: exp(-((x / width) ** 2)), parameters={"width": 1.0})
    np.testing.assert_allclose(bump(pb.tensor(POINTS), 2.0).numpy(), np.exp(-((POINTS / 2) ** 2)), rtol=1e-14)
    np.testing.assert_allclose(bump(pb.tensor(POINTS)).numpy(), np.exp(-(POINTS**2)), rtol=1e-14)
    np.testing.assert_allclose(
        bump(pb.tensor(POINTS), width=2.0).numpy(), np.exp(-((POINTS / 2) ** 2)), rtol=1e-14
    )
    check_elementwise(lambda x: bump(x, 1.5), POINTS)


@pytest.mark.parametrize(
    "operands, formula",
    [
        (1, lambda x: x * sigmoid(1.7 * x)),
        (1, lambda x: x / (1 + abs(x))),
        (1, lambda x: 0.5 * x * (1 + erf(x / 2))),
        (2, lambda a, b: log1p(a * a + b * b)),
        (2, lambda a, b: where(a > b, a * b, a - b)),
        (3, lambda a, b, c: a * exp(b) + c * c * a),
    ],
)
def test_derivatives_follow_from_the_formula(operands, formula):
    f = composed(next(names), formula)
    points = [POINTS, OTHERS, OTHERS[::-1] + 0.05][:operands]
    check_elementwise(f, *points)


def test_a_stated_derivative_is_used():
    f = composed(next(names), lambda x: maximum(x, 0), lambda x, y: [x >= 0])
    x = pb.tensor([0.0, 1.0, -1.0], requires_grad=True)
    f(x).sum().backward()
    assert x.grad.tolist() == [1, 1, 0]
    check_modes(f, np.array([0.0, 1.0, -1.0]))


def test_functions_build_on_each_other():
    inner = composed(next(names), lambda x: x * sigmoid(x))
    outer = composed(next(names), lambda x, z: inner(x) * inner(z) + z)
    check_elementwise(outer, POINTS, OTHERS)


def test_a_parameter_is_a_number_and_keeps_its_precision():
    third = composed(next(names), lambda x, a: a * x, parameters={"a": 1 / 3})
    x = pb.tensor(np.array([1.0]))
    assert third(x).item() == 1 / 3
    assert third(pb.tensor([1.0])).dtype == pb.float32
    with pytest.raises(TypeError):
        third(x, pb.tensor([1.0, 2.0]))


def test_dtypes_broadcasting_and_tape_names():
    f = composed("users_swish_twice", lambda a, b: a * sigmoid(b))
    y = f(pb.tensor([1, 2]), pb.tensor([[0.5], [1.5]], requires_grad=True))
    assert y.dtype == pb.float32 and tuple(y.shape) == (2, 2)
    assert y.grad_fn.name() == "UsersSwishTwiceBackward0"
    z = f(pb.tensor(np.zeros((0, 3))), 1.0)
    assert tuple(z.shape) == (0, 3)
    whole = composed(next(names), lambda a: a * a + 1, promotion="arithmetic")
    assert whole(pb.tensor([1, 2])).tolist() == [2, 5]


def test_refusals():
    with pytest.raises(ValueError, match="no kernel named"):
        elementwise(next(names), lambda x, y: [y])
    with pytest.raises(ValueError, match="has a function of this name"):
        composed("exp", lambda x: x)
    with pytest.raises(TypeError):
        composed(next(names), lambda x: x if x > 0 else -x)
    f = composed(next(names), lambda a, b: a * b)
    with pytest.raises(TypeError):
        f(pb.tensor([1.0]))
    with pytest.raises(TypeError):
        f(pb.tensor([1.0]), "a")
    with pytest.raises(RuntimeError, match="must match the size"):
        f(pb.tensor([1.0, 2.0]), pb.tensor([1.0, 2.0, 3.0]))


def test_every_row_of_the_table_can_be_called_by_position():
    """As a formula calls it: operands and parameters in the order of the row."""
    x = pb.tensor([2.0])
    assert calculus.addcmul(x, x, x, 3.0).tolist() == [14]
    assert calculus.add_scaled(x, x, 0.5).tolist() == [3]
    assert calculus.elu(-x, 1.0).tolist() == pytest.approx([np.expm1(-2)], rel=1e-6)
    assert calculus.polygamma(1, x).tolist() == pytest.approx([np.pi**2 / 6 - 1], rel=1e-6)


def test_a_name_alone_means_nothing():
    """Functions named like built-in ones that refuse some operands have none of these refusals."""
    lower = composed("sublinear", lambda x, z: x + z, promotion="arithmetic")
    assert lower(pb.tensor([True, False]), pb.tensor([1, 2])).tolist() == [2, 2]
    brought = composed("clampish", lambda x, z: x + z, promotion="arithmetic")
    assert brought(pb.tensor([1], dtype=pb.uint8), 300).tolist() == [45]
    powers = composed("power_like", lambda x, z: x * z, promotion="arithmetic")
    assert powers(pb.tensor([2]), -3).tolist() == [-6]
    parts = composed("remainder_of_none", lambda x, z: x * z, promotion="arithmetic")
    assert parts(pb.tensor([2]), 0).tolist() == [0]


def test_refusals_are_stated():
    f = composed(
        next(names),
        lambda x, z: x + z,
        promotion="arithmetic",
        accepts="numbers",
        refuses={"bool": "no masks", "two bools": "no two masks", "negative power": "no negatives"},
        fits=("z",),
        divides=True,
    )
    mask, number = pb.tensor([True]), pb.tensor([3], dtype=pb.uint8)
    for a, b, message in (
        (mask, mask, "no two masks"),
        (number, -1, "no negatives"),
        (number, 256, "overflow"),
    ):
        with pytest.raises(RuntimeError, match=message):
            f(a, b)
    assert f(mask, number).tolist() == [4]
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        f(number, 0)
    only = composed(
        next(names),
        lambda x: x,
        promotion="arithmetic",
        accepts="floats",
        refuses={"integers": "floats, please"},
    )
    with pytest.raises(RuntimeError, match="floats, please"):
        only(number)
    for wrong, message in (
        ({"refuses": {"halves": "no"}}, "cannot refuse 'halves'; one of bool"),
        ({"refuses": {"one bool": "no"}}, "it has one operand"),
        ({"divides": True}, "it has one operand"),
        ({"fits": ("z",)}, "'z' is not among its operands"),
    ):
        with pytest.raises(ValueError, match=message):
            composed(next(names), lambda x: x + 1, **wrong)


def test_special_names():
    x = pb.tensor([0.3, 0.6])
    assert pb.special.expit(x).tolist() == x.sigmoid().tolist()
    assert pb.special.psi(x).tolist() == x.digamma().tolist()
    assert pb.special.gammaln(x).tolist() == x.lgamma().tolist()
    assert pb.special.xlog1py(x, x).tolist() == pytest.approx((x * x.log1p()).tolist(), rel=1e-6)
