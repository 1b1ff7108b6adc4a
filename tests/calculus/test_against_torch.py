"""Values, partials, node names and homes of every row, against PyTorch's."""

import itertools
import math
import operator

import numpy as np
import pytest
from calculus import interpreter
from calculus.samples import differentiable_rows, free_operands, operands, random_points

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
from calculus import torch_calls  # noqa: E402  (needs torch)

pytestmark = pytest.mark.torch

ROWS = [row for row in differentiable_rows() if row.name not in torch_calls.UNKNOWN_TO_TORCH]
WITH_GRADIENT = [row for row in ROWS if row.name not in torch_calls.WITHOUT_GRADIENT]
inf, nan = math.inf, math.nan
SPECIAL = [-inf, -1000.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 1000.0, 1e30, inf, nan]
SPECIAL_PAIRS = [-inf, -1.0, 0.0, 0.5, 1.0, 2.0, inf, nan]
SPECIAL_TRIPLES = [-1.0, 0.0, 1.0, 2.0]

# SciPy's kernels are not PyTorch's there; the core's are compared with PyTorch elsewhere.
SCIPY_DIFFERS = {
    "lgamma": [-inf],
    "digamma": [-inf, -1000.0, -3.0, -1.0, -0.5],
    "polygamma": [-inf, -1000.0, -3.0, -1.0, -0.5, inf],
}
# PyTorch looks whether these are probabilities, and refuses others.
OUT_OF_RANGE = {"binary_cross_entropy": [-inf, -1.0, 2.0, inf, nan]}


def by_name(rows):
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


@by_name(WITH_GRADIENT)
def test_values_and_partials_at_random_points(row):
    points = random_points(row, seed=1)
    filled, free = operands(row, points), free_operands(row)
    result, gradients = torch_calls.torch_value_and_partials(row, filled, free)
    np.testing.assert_allclose(
        interpreter.value(row.name, filled), result.detach().numpy(), rtol=1e-7, atol=1e-12
    )
    found = interpreter.partials(row.name, filled)
    for operand, gradient in zip(free, gradients):
        np.testing.assert_allclose(found[operand], gradient, rtol=2e-7, atol=1e-12)


@by_name(WITH_GRADIENT)
def test_partials_at_special_values(row):
    """0, 1, infinity, NaN and ties: PyTorch's partials, except where the row says otherwise and why."""
    free = free_operands(row)
    choices = (SPECIAL, SPECIAL_PAIRS, SPECIAL_TRIPLES)[len(free) - 1]
    left_out = [*SCIPY_DIFFERS.get(row.name, ()), *OUT_OF_RANGE.get(row.name, ())]
    choices = [x for x in choices if x not in left_out]
    points = [np.array(column) for column in zip(*itertools.product(choices, repeat=len(free)))]
    filled = operands(row, points)
    gradients = torch_calls.torch_value_and_partials(row, filled, free)[1]
    found = interpreter.partials(row.name, filled)
    equal = np.ones(len(points[0]), bool)
    for operand, gradient in zip(free, gradients):
        equal &= np.isclose(found[operand], gradient, rtol=1e-7, atol=0, equal_nan=True)
    stated = np.zeros(len(points[0]), bool)
    if row.unlike_torch is not None:
        stated |= row.unlike_torch[0](*points)
        assert not equal[stated].all(), "the row states a difference from PyTorch that is not there"
    different = [tuple(column[k] for column in points) for k in np.flatnonzero(~equal & ~stated)]
    assert not different, f"{row.name} differs from PyTorch at {different}"


@by_name([row for row in interpreter.ROWS.values() if not row.differentiable])
def test_truth_values_and_bits(row):
    choices = [-3, 0, 1, 2, 6] if row.promotion == "bitwise" else SPECIAL_PAIRS
    if row.name.endswith("shift"):
        choices = [0, 1, 2, 6]
    count = row.arity - len(row.parameters)
    points = [np.array(column) for column in zip(*itertools.product(choices, repeat=count))]
    expected = torch_calls.torch_function(row.name)(*map(torch.tensor, points), *row.parameters.values())
    found = interpreter.value(row.name, [*points, *row.parameters.values()])
    np.testing.assert_array_equal(found, expected.numpy())


@by_name(WITH_GRADIENT)
def test_node_names(row):
    """grad_fn's name with tensors only, and with a number in place of each operand that may be one."""
    free = free_operands(row)
    points = random_points(row, count=3)
    filled = operands(row, points)
    filled = [torch.tensor(value) if isinstance(value, np.ndarray) else value for value in filled]
    expected = row.node if isinstance(row.node, tuple) else (row.node,) * (row.arity + 1)
    for number_at in [None, *free]:
        arguments = [
            value.flatten()[0].item() if index == number_at else value for index, value in enumerate(filled)
        ]
        for index in free:
            if index != number_at:
                arguments[index] = arguments[index].clone().requires_grad_()
        if len(free) == 1 and number_at is not None:
            continue  # a number alone has no gradient
        function = torch_calls.torch_function(row.name)
        if (row.name, number_at) == ("sub", 0):  # PyTorch's operator is another function than its sub
            function = operator.sub
        try:
            result = function(*arguments)
        except TypeError:
            continue  # PyTorch takes no number there
        if row.name == "conj":  # of a real tensor it is the tensor itself
            assert result is arguments[0]
            continue
        name = result.grad_fn.name()
        if "NotImplemented" in name:
            continue
        assert name == expected[0 if number_at is None else number_at + 1], (row.name, number_at)


@by_name([row for row in [*ROWS, *interpreter.ROWS.values()] if row.variant_of is None and row.forms])
def test_homes(row):
    """The row's forms are the places where PyTorch has the function."""
    F, public = torch.nn.functional, row.aliases[0] if row.name.endswith("shift") else row.name
    found = {
        "function": hasattr(torch, public),
        "method": hasattr(torch.Tensor, public),
        "in-place": hasattr(torch.Tensor, public + "_"),
        "nn": hasattr(F, public),
        "nn-in-place": hasattr(F, public + "_"),
    }
    assert {form for form, there in found.items() if there} == set(row.forms) & set(found)
    for alias in row.aliases:
        home, name = (torch.special, alias[8:]) if alias.startswith("special.") else (torch, alias)
        assert hasattr(home, name)


@by_name([row for row in ROWS if row.forms])
def test_accepted_dtypes_and_promotion(row):
    """The result dtype of bool and of int64 operands, or a refusal, is PyTorch's."""
    free = free_operands(row)
    for dtype, refused_by in ((torch.bool, ("numbers", "powers", "floats")), (torch.int64, ("floats",))):
        filled = operands(row, [np.ones(2)] * len(free))
        tensors = [
            torch.ones(2, dtype=dtype) if index in free else value for index, value in enumerate(filled)
        ]
        tensors = [torch.tensor(value) if isinstance(value, np.ndarray) else value for value in tensors]
        if dtype is not torch.bool:
            tensors = [int(v) if isinstance(v, float) and v.is_integer() else v for v in tensors]
        if any(isinstance(value, float) and not value.is_integer() for value in tensors):
            tensors = [1 if isinstance(v, float) else v for v in tensors]
        try:
            result = torch_calls.torch_function(row.name)(*tensors).dtype
        except (RuntimeError, TypeError):
            result = None
        if row.accepts in refused_by:
            expected = None
        elif row.promotion == "float":
            expected = torch.get_default_dtype()
        elif row.promotion == "number":
            expected = torch.int64
        else:
            expected = dtype
        assert result == expected, (row.name, dtype)
