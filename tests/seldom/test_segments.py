"""Reductions of consecutive parts: beside NumPy's of the parts, their derivatives, bad input, and PyTorch."""

import re

import numpy as np
import pytest
from checks import check

import pullback as pb

draw = np.random.default_rng(9).standard_normal
X = draw((6, 3))
NUMPY = {"sum": np.sum, "mean": np.mean, "prod": np.prod, "max": np.max, "min": np.min}
EMPTY = {"sum": 0, "mean": np.nan, "prod": 1, "max": -np.inf, "min": np.inf}


@pytest.mark.parametrize("name", NUMPY)
def test_beside_numpy(name):
    f = NUMPY[name]
    known = np.stack([f(X[:2], 0), np.full(3, EMPTY[name]), f(X[2:], 0)])
    for parts in ({"lengths": pb.tensor([2, 0, 4])}, {"offsets": pb.tensor([0, 2, 2, 6])}):
        found = pb.segment_reduce(pb.tensor(X), name, **parts)
        np.testing.assert_allclose(found.numpy(), known, rtol=1e-12)
    row = pb.segment_reduce(pb.tensor(X[:, 0]), name, lengths=pb.tensor([6], dtype=pb.int32))
    np.testing.assert_allclose(row.numpy(), [f(X[:, 0])])
    columns = pb.tensor(np.ascontiguousarray(X.T))
    lengths = pb.tensor([[2, 4], [1, 5], [3, 3]])
    found = pb.segment_reduce(columns, name, lengths=lengths, axis=1)
    known = [[f(c[:n]), f(c[n:])] for c, (n, _) in zip(X.T, lengths.tolist())]
    np.testing.assert_allclose(found.numpy(), known, rtol=1e-12)
    assert found.is_contiguous()
    begun = pb.segment_reduce(pb.tensor(X), name, lengths=pb.tensor([2, 0, 4]), initial=0.5)
    assert (begun[1] == 0.5).all()
    known = np.concatenate([np.full((1, 3), 0.5), X[:2]])
    known = known.sum(0) / 2 if name == "mean" else f(known, 0)
    np.testing.assert_allclose(begun[0].numpy(), known)
    some = pb.segment_reduce(pb.tensor(X), name, lengths=pb.tensor([2, 1]), unsafe=True)
    np.testing.assert_allclose(some.numpy(), [f(X[:2], 0), X[2]])
    some = pb.segment_reduce(pb.tensor(X), name, offsets=pb.tensor([1, 3, 4]))
    np.testing.assert_allclose(some.numpy(), [f(X[1:3], 0), X[3]])


@pytest.mark.parametrize("name", NUMPY)
def test_every_mode(name):
    lengths = pb.tensor([2, 1])
    check(lambda x: pb.segment_reduce(x, name, lengths=lengths), draw((3, 2)))


def test_bad_input():
    x = pb.tensor(X)
    whole = lambda *numbers: pb.tensor(numbers)
    for wrong, error, text in (
        (
            lambda: pb.segment_reduce(x, "all", lengths=whole(6)),
            RuntimeError,
            "reduce argument must be either",
        ),
        (lambda: pb.segment_reduce(x, "sum"), RuntimeError, "Either lengths or offsets must be defined."),
        (
            lambda: pb.segment_reduce(x, "sum", indices=whole(0)),
            RuntimeError,
            "indices based reduction is not",
        ),
        (
            lambda: pb.segment_reduce(x, "sum", lengths=whole(2, 3)),
            RuntimeError,
            "Expected all rows of lengths",
        ),
        (
            lambda: pb.segment_reduce(x, "sum", lengths=whole(-2, 8)),
            RuntimeError,
            "lengths contains negative value!",
        ),
        (
            lambda: pb.segment_reduce(x, "sum", lengths=whole(6), axis=1),
            RuntimeError,
            "Expected axis to be the last",
        ),
        (
            lambda: pb.segment_reduce(x.long(), "sum", lengths=whole(6)),
            NotImplementedError,
            "not implemented for 'Long'",
        ),
        (
            lambda: pb.segment_reduce(x, "sum", lengths=whole(6.0)),
            NotImplementedError,
            "not implemented for 'Float'",
        ),
    ):
        with pytest.raises(error, match=re.escape(text)):
            wrong()


@pytest.mark.torch
@pytest.mark.parametrize("name", NUMPY)
def test_beside_torch(name):
    torch = pytest.importorskip("torch")

    def seen(L):
        made = []
        for options in ({}, {"initial": 0.3}):
            x = L.tensor(X, requires_grad=True)
            y = L.segment_reduce(x, name, lengths=L.tensor([2, 1, 3]), **options)
            made += [y, *L.autograd.grad((y**2).sum(), x)]
            made.append(L.segment_reduce(x, name, offsets=L.tensor([0, 2, 2, 6]), **options))
        return [t.detach().numpy() for t in made]

    for a, b in zip(seen(pb), seen(torch), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
