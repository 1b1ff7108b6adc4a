"""Broadcasting through the operators of Python: rows, columns and what lies between, small and large."""

import operator

import numpy as np
import pytest

import pullback as pb

# The last ones are too large to be written out on the stack.
PAIRS = [
    ((4, 8), (8,)),
    ((8,), (4, 8)),
    ((4, 8), (4, 1)),
    ((4, 8), (1, 1)),
    ((4, 8), ()),
    ((1, 1), (1,)),
    ((5, 1), (7,)),
    ((3, 1, 5), (4, 1)),
    ((2, 3, 4, 5), (3, 1, 1)),
    ((2, 3, 4, 5), (2, 1, 4, 1)),
    ((1, 3, 1, 2, 1, 3, 1, 2, 1), (2, 1, 2, 1, 2, 1, 2, 1, 2)),
    ((2, 1, 2, 1, 2, 1, 2, 1, 2, 1), (2, 1, 2, 1, 2, 1, 2, 1, 2)),
    ((63, 65), (65,)),
    ((63, 65), (63, 1)),
    ((128, 65), (65,)),
    ((128, 65), (128, 1)),
]
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.lt]


def numbers(shape, seed, dtype):
    return np.random.default_rng(seed).uniform(0.5, 2, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_the_bits_are_those_of_expanded_operands(shapes, dtype):
    arrays = [numbers(shape, i, dtype) for i, shape in enumerate(shapes)]
    a, b = (pb.tensor(x) for x in arrays)
    c, d = (pb.tensor(np.ascontiguousarray(x)) for x in np.broadcast_arrays(*arrays))
    for f in OPERATORS:
        got, want = f(a, b), f(c, d)
        assert got.shape == want.shape and got.stride() == want.stride()
        assert got.numpy().tobytes() == want.numpy().tobytes(), f.__name__
        if f in (operator.add, operator.sub, operator.mul, operator.truediv):  # rounded correctly everywhere
            assert np.array_equal(got.numpy(), f(*arrays))


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_gradients_are_sums_over_what_was_repeated(shapes):
    arrays = [numbers(shape, i, "float64") for i, shape in enumerate(shapes)]
    a, b = (pb.tensor(x, requires_grad=True) for x in arrays)
    y = a * b / (a + b)
    g = numbers(y.shape, 2, "float64")
    y.backward(pb.tensor(g))
    p, q = np.broadcast_arrays(*arrays)
    for leaf, partial in ((a, q**2 / (p + q) ** 2), (b, p**2 / (p + q) ** 2)):
        whole = g * partial
        lead = whole.ndim - leaf.ndim
        axes = tuple(d for d in range(whole.ndim) if d < lead or leaf.shape[d - lead] == 1)
        expected = whole.sum(axes, keepdims=True).reshape(leaf.shape)
        np.testing.assert_allclose(leaf.grad.numpy(), expected, rtol=1e-12)


def test_the_larger_operand_keeps_its_memory():
    a, b = pb.ones(2, 3), pb.ones(3)
    y = a + b
    y += 1
    assert a.tolist() == [[1.0] * 3] * 2 and b.tolist() == [1.0] * 3 and y.tolist() == [[3.0] * 3] * 2


@pytest.mark.parametrize("shapes", [((4, 8), (7,)), ((2, 3), (3, 2)), ((2, 1, 3), (2,))], ids=str)
def test_shapes_that_do_not_fit_are_refused(shapes):
    a, b = pb.ones(shapes[0]), pb.ones(shapes[1])
    for f in OPERATORS:
        with pytest.raises(RuntimeError, match="must match the size of tensor b"):
            f(a, b)
