"""What the tests of elementwise functions share: the rows, and operands for them."""

import itertools

import numpy as np
from calculus import interpreter
from calculus.samples import PARAMETERS, free_operands
from kinds import BITS, DTYPES, FLOATS  # noqa: F401  for those that import from here

import pullback as pb

ROWS = [row for row in interpreter.ROWS.values() if row.forms]  # the others serve the slopes of these
DIFFERENTIABLE = [row for row in interpreter.ROWS.values() if row.differentiable]
INTEGRAL = BITS
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -3.0, 1000.0, -1000.0, np.inf, -np.inf, np.nan])


def by_name(rows):
    return {"argvalues": rows, "ids": [row.name for row in rows]}


def parameters(row, defaults=False):
    """{index: number} of the operands that are plain numbers, away from their defaults."""
    given = dict(row.parameters)
    if not defaults or not {None, ...}.isdisjoint(given.values()):
        given |= PARAMETERS.get(row.name, {})
    return {index: given[name] for index, name in enumerate(row.operands) if name in given}


def with_parameters(row, free):
    """All operands of a row from those that are tensors."""
    given, free = parameters(row), iter(free)
    return [given[index] if index in given else next(free) for index in range(row.arity)]


def tensor_operands(row):
    """The indices of the operands that are tensors, `where`'s condition among them."""
    return [index for index in range(row.arity) if row.operands[index] not in row.parameters]


def domain(row):
    count = len(free_operands(row))
    return row.domain if isinstance(row.domain[0], tuple) else (row.domain,) * count


def sample(row, shape, seed=0, dtype="float64"):
    """An array for each tensor operand, in the row's domain."""
    generator = np.random.default_rng(seed)
    arrays = [generator.uniform(low, high, shape).astype(dtype) for low, high in domain(row)]
    if row.promotion == "where":
        arrays.insert(0, generator.random(shape) < 0.5)
    return arrays


def special_operands(row):
    """Arrays that hold every combination of the special values."""
    count = len(free_operands(row))
    values = SPECIAL if count < 3 else SPECIAL[[0, 1, 2, 3, 6, 10, 12]]
    arrays = [np.array(column) for column in zip(*itertools.product(values, repeat=count))]
    if row.promotion == "where":
        arrays.insert(0, np.arange(arrays[0].size) % 2 == 0)
    return arrays


def tensors(arrays):
    return [pb.tensor(a) if isinstance(a, np.ndarray) else a for a in arrays]


def call(row, arrays):
    """The row on arrays, as an array."""
    return row(*tensors(with_parameters(row, arrays))).numpy()


def bits(array):
    """An array's bytes, so that NaN, signs of zero and dtypes are compared too."""
    return array.dtype, array.shape, np.ascontiguousarray(array).tobytes()
