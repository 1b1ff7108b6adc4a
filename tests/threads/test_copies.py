"""Copies between layouts: transposed, strided, broadcast, converted; the same on any number of threads."""

import numpy as np
import pytest
from kinds import DTYPES

import pullback as pb

SHAPES = [
    (37, 53),
    (300, 70),
    (16, 16),
    (1000, 5),
    (5, 1000),
    (3, 40, 50),
    (20, 6, 7, 30),
    (64, 5000),
    (200, 1, 90),
]


def numbers(shape, dtype):
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_permuted(shape, dtype, threads):
    pb.set_num_threads(threads)
    rng = np.random.default_rng(len(shape))
    x = numbers(shape, dtype)
    for _ in range(4):
        order = tuple(int(d) for d in rng.permutation(len(shape)))
        seen = pb.tensor(x).permute(order)
        assert (seen.contiguous().numpy() == x.transpose(order)).all()
        target = pb.zeros(shape, dtype=seen.dtype).permute(order)
        target.copy_(pb.tensor(np.ascontiguousarray(x.transpose(order))))
        assert (target.numpy() == x.transpose(order)).all()
        other = pb.int32 if dtype != "bool" else pb.float32
        assert (seen.to(other).contiguous().numpy() == x.transpose(order).astype(str(other)[9:])).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_strided_and_broadcast(threads):
    pb.set_num_threads(threads)
    x = numbers((400, 300), "float32")
    t = pb.tensor(x)
    assert (t[::2, 1::3].contiguous().numpy() == x[::2, 1::3]).all()
    assert (t[1:, :-1].t().contiguous().numpy() == x[1:, :-1].T).all()
    assert (t[0].expand(400, 300).contiguous().numpy() == np.broadcast_to(x[0], x.shape)).all()
    assert (t[:, :1].expand(400, 300).contiguous().numpy() == np.broadcast_to(x[:, :1], x.shape)).all()
    assert (t.double().numpy() == x).all()
    z = pb.zeros(800, 900)
    z[::2, ::3] = t
    assert (z.numpy()[::2, ::3] == x).all()
    assert z.sum().item() == x.astype(np.float64).sum()


def test_onto_itself():
    for n in (8, 200):
        x = pb.arange(n * n).reshape(n, n).float()
        before = x.numpy().copy()
        x.copy_(x.t())
        assert (x.numpy() == before.T).all()
