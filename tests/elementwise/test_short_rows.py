"""Operands that broadcast in short rows: a column, a row that repeats, both, at any place of a block."""

import numpy as np
import pytest

import pullback as pb

SHAPES = [
    ((50, 1, 10), (1, 90, 10)),
    ((50, 90, 1), (1, 90, 10)),
    ((50, 1, 1), (50, 90, 10)),
    ((7, 1, 300, 3), (1, 5, 300, 3)),
    ((7, 5, 300, 1), (7, 1, 1, 3)),
    ((3, 1, 4, 1, 129), (1, 2, 1, 5, 129)),
    ((700, 1), (1, 257)),
    ((3000, 1), (2,)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_values(shapes, dtype):
    rng = np.random.default_rng(0)
    a, b = ((100 * rng.standard_normal(shape)).astype(dtype) for shape in shapes)
    np.testing.assert_array_equal((pb.tensor(a) + pb.tensor(b)).numpy(), a + b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_strided_rows(dtype):
    a = np.random.default_rng(0).standard_normal((60, 40, 22)).astype(dtype)
    x = pb.tensor(a)
    np.testing.assert_array_equal((x[3:, ::2, 1::3] * 2).numpy(), a[3:, ::2, 1::3] * 2)
    turned = x.transpose(0, 2) + pb.tensor(a[0, 0, 0])
    np.testing.assert_array_equal(turned.numpy(), a.transpose(2, 1, 0) + a[0, 0, 0])
    np.testing.assert_array_equal((x.flip(2)[:, 1:] - x[:, 1:]).numpy(), a[:, 1:, ::-1] - a[:, 1:])


@pytest.mark.parametrize("shape", [(), (1, 30), (50, 1, 30)])
def test_what_is_subtracted_gets_minus_the_sum(shape):
    rng = np.random.default_rng(0)
    g = rng.standard_normal((50, 90, 30))
    x, mean = (pb.tensor(rng.standard_normal(s), requires_grad=True) for s in ((50, 90, 30), shape))
    (x - mean).backward(pb.tensor(g))
    assert x.grad.numpy().tobytes() == g.tobytes()
    axes = tuple(d for d in range(3) if d < 3 - len(shape) or shape[d - 3] == 1)
    expected = -g.sum(axes, keepdims=True).reshape(shape)
    np.testing.assert_allclose(mean.grad.numpy(), expected, rtol=1e-11, atol=1e-11)
    negated = pb.tensor(-g).sum(axes, keepdim=True).reshape(shape)
    assert mean.grad.numpy().tobytes() == negated.numpy().tobytes()
