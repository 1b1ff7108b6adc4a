"""The dtype of the result: PyTorch's rules for every pair of dtypes and of kinds of operand."""

import operator
import warnings

import numpy as np
import pytest
from elementwise.support import DTYPES

import pullback as pb

NAMES = ["atan2", "maximum", "fmax", "copysign", "logical_and", "gcd", "xlogy", "heaviside", "fmod"]
NAMES += ["hypot", "nextafter", "bitwise_and", "logaddexp", "floor_divide", "remainder", "ne", "add", "pow"]
OPERATORS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor", "lshift"]
OPERATORS += ["rshift", "eq", "ne", "lt", "le", "gt", "ge"]


def operands(module):
    """{description: operand}: a tensor and a 0-d tensor of each dtype, and Python's numbers."""
    made = {}
    for dtype in DTYPES:
        made[f"tensor {dtype}"] = module.tensor(np.array([2, 3]).astype(dtype))
        made[f"0-d {dtype}"] = module.tensor(np.array(3).astype(dtype))
    return made | {"True": True, "2": 2, "2.5": 2.5, "-2": -2, "300": 300}


def outcome(function, a, b):
    try:
        result = function(a, b)
    except Exception as error:
        return error
    return str(result.dtype).split(".")[1], result.numpy()


# PyTorch's `bool ** True` has no kernel to promote to, and takes a copy; a refusal is clearer.
LEFT_OUT = {("pow", "bool", "True")}


def compare(function, theirs, name):
    import torch

    ours, others = operands(pb), operands(torch)
    compared = 0
    for x in ours:
        for y in ours:
            if not hasattr(ours[x], "dtype") and not hasattr(ours[y], "dtype"):
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = outcome(theirs, others[x], others[y])
            if isinstance(expected, TypeError) and not name.startswith("op"):
                continue  # a number where PyTorch wants a tensor: ours takes it
            if "different dtypes" in str(expected) or (name.split()[-1], x.split()[-1], y) in LEFT_OUT:
                continue
            found = outcome(function, ours[x], ours[y])
            compared += 1
            if isinstance(expected, Exception):
                assert type(found) is type(expected), (name, x, y, found, expected)
                continue
            assert not isinstance(found, Exception), (name, x, y, found, expected)
            assert found[0] == expected[0], (name, x, y, found, expected)
            np.testing.assert_allclose(found[1], expected[1], rtol=1e-5, err_msg=f"{name} {x} {y}")
    assert compared > 20


@pytest.mark.torch
@pytest.mark.parametrize("name", NAMES)
def test_functions_promote_as_pytorch(name):
    import torch

    compare(getattr(pb, name), getattr(torch, name), name)


@pytest.mark.torch
@pytest.mark.parametrize("name", OPERATORS)
def test_operators_promote_as_pytorch(name):
    function = getattr(operator, name)
    compare(function, function, f"op {name.strip('_')}")


@pytest.mark.torch
@pytest.mark.parametrize("default", ["float32", "float64"])
def test_default_dtype_decides_for_numbers_and_integers(default):
    import torch

    pb.set_default_dtype(getattr(pb, default))
    torch.set_default_dtype(getattr(torch, default))
    try:
        for name in ("add", "truediv", "pow"):
            compare(getattr(operator, name), getattr(operator, name), f"op {name}")
    finally:
        torch.set_default_dtype(torch.float32)


# Without PyTorch: what each rule of its documentation says.
@pytest.mark.parametrize(
    "make, dtype",
    [
        (lambda: pb.tensor([1]) + 2, "int64"),
        (lambda: pb.tensor([1]) + 2.0, "float32"),
        (lambda: pb.tensor([True]) + True, "bool"),
        (lambda: pb.tensor([True]) + 1, "int64"),
        (lambda: pb.tensor([1.0], dtype=pb.float32) + pb.tensor(2.0, dtype=pb.float64), "float32"),
        (lambda: pb.tensor([1], dtype=pb.int32) + pb.tensor(2.0, dtype=pb.float64), "float64"),
        (lambda: pb.tensor([1], dtype=pb.int32) + pb.tensor(2, dtype=pb.int64), "int32"),
        (lambda: pb.tensor([1], dtype=pb.int32) + pb.tensor([2], dtype=pb.int64), "int64"),
        (lambda: pb.tensor(1, dtype=pb.uint8) + pb.tensor([True]), "uint8"),
        (lambda: pb.tensor([1.0], dtype=pb.float32) + pb.tensor([1.0], dtype=pb.float64), "float64"),
        (lambda: pb.tensor([1, 2]) / pb.tensor([3, 4]), "float32"),
        (lambda: pb.tensor([1, 2]).sin(), "float32"),
        (lambda: pb.tensor([1, 2]) < 2.5, "bool"),
        (lambda: pb.tensor([True]).square(), "int64"),
        (lambda: pb.where(pb.tensor([True]), 1, pb.tensor([2.0], dtype=pb.float64)), "float64"),
        (lambda: pb.where(pb.tensor([True]), 1, 2), "int64"),
        (lambda: pb.where(pb.tensor([True]), 1.0, 2), "float32"),
    ],
)
def test_rules(make, dtype):
    assert str(make().dtype) == f"pullback.{dtype}"


@pytest.mark.parametrize(
    "scalar", [np.float64(2.5), np.float32(2.5), np.int64(2), np.int32(2), np.bool_(True), np.uint8(3)]
)
def test_numpy_scalars_are_numbers(scalar):
    """On both sides, and in a chain: they count as Python numbers, whatever their own width."""
    python = scalar.item()
    for dtype in ("float32", "int32"):
        x = pb.tensor(np.array([1, 2], dtype))
        for f in (operator.add, operator.mul, operator.truediv, operator.eq, operator.lt):
            for found, expected in ((f(x, scalar), f(x, python)), (f(scalar, x), f(python, x))):
                assert isinstance(found, pb.Tensor) and found.dtype == expected.dtype
                np.testing.assert_array_equal(found.numpy(), expected.numpy())
        chain, expected = (scalar * x + scalar) * scalar, (python * x + python) * python
        assert chain.dtype == expected.dtype
        np.testing.assert_array_equal(chain.numpy(), expected.numpy())


def test_gradients_have_the_dtypes_of_their_inputs():
    a = pb.tensor([1.0, 2.0], dtype=pb.float32, requires_grad=True)
    b = pb.tensor([3.0, 4.0], dtype=pb.float64, requires_grad=True)
    for f in (operator.add, operator.mul, operator.truediv, operator.pow, pb.atan2, pb.maximum):
        y = f(a, b)
        assert y.dtype == pb.float64
        for create_graph in (False, True):
            ga, gb = pb.autograd.grad(y.sum(), (a, b), create_graph=create_graph, retain_graph=True)
            assert (ga.dtype, gb.dtype) == (pb.float32, pb.float64)


def test_equality_with_what_is_no_number():
    x = pb.tensor([1.0, 2.0])
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert (x == "a") is False
    assert (None == x) is False  # noqa: E711
    assert x not in [None, "a"][:1]
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        for other in (None, "a", [1, 2], object()):
            with pytest.raises(TypeError):
                compare(x, other)
    for arithmetic in (
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
        operator.and_,
    ):
        for other in (None, "a", object()):
            with pytest.raises(TypeError):
                arithmetic(x, other)
            with pytest.raises(TypeError):
                arithmetic(other, x)
    with pytest.raises(TypeError, match="must be Tensor"):
        pb.add(x, None)
    with pytest.raises(TypeError, match="must be Tensor"):
        pb.exp("a")
    with pytest.raises(TypeError, match="must be Tensor"):
        pb.isclose(x, 1.0)


def test_bitwise_operators_refuse_floats():
    x = pb.tensor([1.0, 2.0])
    for f in (operator.and_, operator.or_, operator.xor, pb.bitwise_and, operator.lshift):
        with pytest.raises(NotImplementedError, match="not implemented for 'Float'"):
            f(x, x)
    with pytest.raises(TypeError, match="only implemented on integer and Boolean-type tensors"):
        operator.invert(x)
    with pytest.raises(NotImplementedError, match="not implemented for 'Float'"):
        pb.bitwise_not(x)


def test_subtraction_refuses_truth_values():
    mask = pb.tensor([True, False])
    with pytest.raises(RuntimeError, match="with two bool tensors is not supported"):
        mask - mask
    for f in (
        lambda: mask - 1,
        lambda: 1 - mask,
        lambda: pb.tensor([1.0, 2.0]) - True,
        lambda: pb.tensor([1]) - mask,
    ):
        with pytest.raises(RuntimeError, match="with a bool tensor is not supported"):
            f()
    with pytest.raises(RuntimeError, match="Negation, the `-` operator"):
        operator.neg(mask)
    with pytest.raises(RuntimeError, match="The `\\+` operator"):
        operator.pos(mask)


def test_conditions_are_truth_values():
    x = pb.tensor([1.0, 2.0])
    with pytest.raises(RuntimeError, match="where expected condition to be a boolean tensor"):
        pb.where(x, x, x)
