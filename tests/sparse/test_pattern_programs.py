"""Patterns of random programs have an entry wherever the dense derivative is not 0."""

import numpy as np
import pytest
from sparse.dense import F, assert_holds, dense, found, weighed

import pullback as pb
from pullback.func import hessian, jacrev

# ---- random programs -------------------------------------------------------------------------------------------------

UNARY = [
    lambda x: x.sin(),
    lambda x: x.relu(),
    lambda x: x.clamp(-0.5, 0.5),
    lambda x: x.abs(),
    lambda x: x.cumsum(0),
    lambda x: x.flip(0),
    lambda x: x.roll(2, 0),
    lambda x: x.softmax(0),
    lambda x: x * x.detach(),
    lambda x: x.sort(0).values,
    lambda x: x.reshape(3, 4).t().reshape(12),
    lambda x: x.reshape(4, 3).sum(1, True).expand(4, 3).reshape(12),
    lambda x: x.reshape(3, 4).amax(0).repeat(3),
    lambda x: pb.where(x > 0, x, x.roll(1, 0)),
    lambda x: x[[0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]],
    lambda x: F.pad(x[3:], (1, 2)),
    lambda x: x.reshape(3, 4).tril().reshape(12),
    lambda x: x * 0.0 + 1,
    lambda x: x.masked_fill(x < 0, 0.0),
    lambda x: F.layer_norm(x.reshape(3, 4), (4,)).reshape(12),
    lambda x: x.cummax(0).values,
    lambda x: x.index_fill(0, pb.tensor([1, 4]), 0.0),
    lambda x: x.float().double(),
    lambda x: x.cumprod(0),
]
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, y: pb.maximum(x, y),
    lambda x, y: pb.where(x > y, x, y * y),
    lambda x, y: pb.cat([x[:5], y[5:]]),
    lambda x, y: (x.reshape(3, 4) @ y.reshape(4, 3).tril() @ pb.ones(3, 4).double().triu()).reshape(12),
    lambda x, y: x.scatter(0, pb.tensor([0, 3, 5]), y[:3]),
    lambda x, y: x.index_add(0, pb.tensor([0, 0, 5]), y[2:5]),
    lambda x, y: pb.stack([x, y]).max(0).values,
    lambda x, y: x - y.mean(),
    lambda x, y: x * y[:1],
]


def written(x, y, rng):
    """y written into a part of a copy of x."""
    z, first = x.clone(), int(rng.integers(0, 6))
    z[first : first + 4] = y[:4]
    z[first].mul_(2)
    z.view(3, 4)[:, 1].add_(y[0])
    return z


def program(seed):
    rng = np.random.default_rng(seed)
    steps = [
        (
            int(rng.integers(0, len(UNARY) + len(BINARY) + 1)),
            int(rng.integers(0, 99)),
            int(rng.integers(0, 99)),
        )
        for _ in range(7)
    ]

    def f(x):
        values = [x, x[:12] * 1.5]
        for kind, i, j in steps:
            a, b = values[i % len(values)], values[j % len(values)]
            if kind < len(UNARY):
                values.append(UNARY[kind](a))
            elif kind < len(UNARY) + len(BINARY):
                values.append(BINARY[kind - len(UNARY)](a, b))
            else:
                values.append(written(a, b, np.random.default_rng(seed)))
        return pb.cat([values[-1], values[-2], values[-3][:4]])

    return f


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed):
    f, rng = program(seed), np.random.default_rng(seed)
    x = pb.tensor(rng.standard_normal(12))
    pattern, entries = found(f, x), dense(f, x)
    assert_holds(pattern, entries)
    assert_holds(found(weighed(f), x, order=2), hessian(weighed(f))(x).numpy() != 0)
    everywhere = found(f, x, everywhere=True)
    assert_holds(everywhere, pattern)
    for _ in range(3):
        assert_holds(everywhere, dense(f, pb.tensor(rng.standard_normal(12))))
    # The matrices are the dense ones: nothing of the pattern gets lost on the way.
    np.testing.assert_allclose(pb.sparse.jacobian(f)(x).toarray(), jacrev(f)(x).numpy(), rtol=1e-6, atol=1e-9)
    for kind in "star", "acyclic":
        h = pb.sparse.hessian(weighed(f), coloring=kind)(x).toarray()
        expected = hessian(weighed(f))(x).numpy()
        np.testing.assert_allclose(h, expected, rtol=1e-6, atol=1e-9 * (1 + abs(expected).max()))
