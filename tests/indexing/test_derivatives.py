"""Derivatives of the whole family, in all four nestings, at ties and zeros too."""

import numpy as np
import pytest
from checks import check, curved, in_place

import pullback as pb

RNG = np.random.default_rng(7)
X = RNG.standard_normal((2, 3, 4))
I = pb.tensor


def check_curved(f, *operands):
    """Most are linear: by themselves, and between curves."""
    check(f, *operands)
    check(curved(f), *operands)


INDICES = {
    "int": 1,
    "negative": (0, -1),
    "slice": (slice(None), slice(1, None), slice(None, None, 2)),
    "none": (None, 0, Ellipsis, None),
    "ellipsis": Ellipsis,
    "list": [1, 0, 1, 1],
    "adjacent": (slice(None), [0, 2, 2], [1, 1, 3]),
    "apart": ([0, 1, 0], slice(None), [1, 1, 3]),
    "outer": ([[0], [1]], slice(1, 3), [0, 3]),
    "mask": X > 0,
    "mask of two": (slice(None), X[0] > 0),
    "true": (True, [0, 1]),
    "empty": [],
    "select and list": (1, [0, 0, 2]),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES.keys())
def test_reading(index):
    check_curved(lambda x: x[index], X)


def written(index, accumulate=False):
    @in_place
    def f(y, v):
        if accumulate:
            y[index] += v
        else:
            y[index] = v

    return f


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES.keys())
def test_writing(index):
    shape = X[index].shape
    check_curved(written(index), X, RNG.standard_normal(shape))
    check_curved(written(index, accumulate=True), X, RNG.standard_normal(shape))


@pytest.mark.parametrize("index", [1, slice(None), [1, 0], ([0, 1], slice(None), [1, 3])], ids=str)
def test_writing_broadcast_values(index):
    last = X[index].shape[-1]
    check_curved(written(index), X, RNG.standard_normal(last))
    check_curved(written(index), X, 0.5)
    check_curved(written(index), X, RNG.standard_normal((1, 1, 1, last)))


def test_writing_numbers():
    @in_place
    def f(y):
        y[0] = 2.0
        y[1, [0, 2]] = 3
        y[y > 1.5] = 0

    check_curved(f, X)


def test_writing_into_a_view_of_a_view():
    def f(x, v):
        y = x * 1
        part = y[1][1:]
        part[:, [0, 2]] = v
        return y * part.sum()

    check_curved(f, X, RNG.standard_normal((2, 2)))


def test_the_last_of_several_values_gets_the_gradient():
    v = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = pb.zeros(2).index_put((I([1, 1, 0]),), v)
    x.backward(pb.tensor([10.0, 20.0]))
    assert x.tolist() == [3, 2]
    assert v.grad.tolist() == [0, 20, 10]


GATHER = I([[[0, 1, 1, 0]], [[1, 1, 0, 0]], [[0, 0, 0, 1]]])  # (3, 1, 4), along dimension 0
SCATTER = I([[[0, 2, 2, 2], [2, 1, 2, 0]], [[1, 1, 1, 1], [0, 0, 0, 2]]])  # (2, 2, 4), along dimension 1
SRC = RNG.standard_normal((2, 3, 5))
ROWS = I([2, 0, 2, 2])
MASK = I(X[0] > 0)


FAMILY = {
    "gather": (lambda x: x.gather(0, GATHER), X),
    "scatter": (lambda x, s: x.scatter(1, SCATTER, s), X, SRC),
    "scatter number": (lambda x: x.scatter(1, SCATTER, 2.0), X),
    "scatter add": (lambda x, s: x.scatter(1, SCATTER, s, reduce="add"), X, SRC),
    "scatter multiply": (lambda x, s: x.scatter(1, SCATTER, s, reduce="multiply"), X, SRC),
    "scatter_": (in_place(lambda x, s: x.scatter_(1, SCATTER, s)), X, SRC),
    "scatter_add": (lambda x, s: x.scatter_add(1, SCATTER, s), X, SRC),
    "scatter_add_": (in_place(lambda x, s: x.scatter_add_(1, SCATTER, s)), X, SRC),
    "index_select": (lambda x: x.index_select(1, ROWS), X),
    "index_add": (lambda x, s: x.index_add(1, ROWS, s, alpha=-1.5), X, RNG.standard_normal((2, 4, 4))),
    "index_add_": (in_place(lambda x, s: x.index_add_(1, ROWS, s)), X, RNG.standard_normal((2, 4, 4))),
    "index_copy": (lambda x, s: x.index_copy(1, ROWS, s), X, RNG.standard_normal((2, 4, 4))),
    "index_copy_": (in_place(lambda x, s: x.index_copy_(1, ROWS, s)), X, RNG.standard_normal((2, 4, 4))),
    "index_fill": (lambda x: x.index_fill(1, ROWS, 3.0), X),
    "index_fill by a tensor": (lambda x, v: x.index_fill(1, ROWS, v), X, 0.7),
    "index_fill_": (in_place(lambda x, v: x.index_fill_(1, ROWS, v)), X, 0.7),
    "index_put": (lambda x, v: x.index_put((I([0, 1, 0]), I([[2]])), v), X, RNG.standard_normal((3, 4))),
    "index_put accumulated": (
        lambda x, v: x.index_put((I([0, 1, 0]), I([2])), v, accumulate=True),
        X,
        RNG.standard_normal((3, 4)),
    ),
    "masked_fill": (lambda x: x.masked_fill(MASK, 2.0), X),
    "masked_fill, broadcast": (lambda x: x.masked_fill(MASK, 2.0), X[0, :1]),
    "masked_fill by a tensor": (lambda x, v: x.masked_fill(MASK, v), X, 0.3),
    "masked_fill_": (in_place(lambda x, v: x.masked_fill_(MASK, v)), X, 0.3),
    "masked_select": (lambda x: x.masked_select(MASK), X),
    "masked_select, broadcast": (lambda x: x.masked_select(MASK), X[0, :1]),
    "masked_scatter": (lambda x, s: x.masked_scatter(MASK, s), X, SRC),
    "masked_scatter_": (in_place(lambda x, s: x.masked_scatter_(MASK, s)), X, SRC),
    "take": (lambda x: x.take(I([[0, 5], [-1, 5]])), X),
    "take_along_dim": (lambda x: pb.take_along_dim(x, I([[[1], [0]]]).transpose(1, 2), 2), X),
    "take_along_dim, flat": (lambda x: pb.take_along_dim(x, I([3, 3, 1])), X),
    "put": (lambda x, s: x.put(I([3, 3, 1]), s), X, RNG.standard_normal(3)),
    "put accumulated": (lambda x, s: x.put(I([3, 3, 1]), s, accumulate=True), X, RNG.standard_normal(3)),
    "put_": (in_place(lambda x, s: x.put_(I([3, 3, 1]), s)), X, RNG.standard_normal(3)),
    "where": (lambda a, b: pb.where(MASK, a, b), X, X[1]),
    "x.where": (lambda a, b: a.where(MASK, b), X, X[1]),
}


@pytest.mark.parametrize("name", FAMILY)
def test_family(name):
    check_curved(*FAMILY[name])


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
def test_scatter_reduce(reduce, include_self):
    def f(x, s):
        return x.scatter_reduce(1, SCATTER, s, reduce, include_self=include_self)

    @in_place
    def f_(x, s):
        x.scatter_reduce_(1, SCATTER, s, reduce, include_self=include_self)

    check_curved(f, X, SRC)
    check_curved(f_, X, SRC)


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
@pytest.mark.parametrize("include_self", [True, False])
def test_products_at_zeros(zeros, include_self):
    index = I([0, 1, 0, 0, 2, 0, 1, 0])
    src = RNG.uniform(0.5, 1.5, 8)
    src[[0, 5, 1][:zeros]] = 0
    x = RNG.uniform(0.5, 1.5, 4)
    if zeros > 1:
        x[0] = 0

    check_curved(lambda x, s: x.scatter_reduce(0, index, s, "prod", include_self=include_self), x, src)


def test_extremes_share_ties_evenly():
    x = pb.tensor([1.0, 5.0], requires_grad=True)
    s = pb.tensor([5.0, 2.0, 5.0, 1.0], requires_grad=True)
    index = I([1, 1, 1, 0])
    x.scatter_reduce(0, index, s, "amax").backward(pb.tensor([4.0, 3.0]))
    assert x.grad.tolist() == [2, 1]
    assert s.grad.tolist() == [1, 0, 1, 2]
    x.grad = s.grad = None
    x.scatter_reduce(0, index, s, "amax", include_self=False).backward(pb.tensor([4.0, 3.0]))
    assert x.grad.tolist() == [0, 0]
    assert s.grad.tolist() == [1.5, 0, 1.5, 4]


def test_a_zero_gradient_stays_zero():
    x = pb.tensor([0.0, 4.0], requires_grad=True)
    root = x.sqrt()
    root.masked_fill(x == 0, 0).sum().backward()
    assert x.grad.tolist() == [0, 0.25]
    x.grad = None
    x.sqrt()[1:].sum().backward()
    assert x.grad.tolist() == [0, 0.25]


def flagged(n, *true):
    return pb.tensor([i in true for i in range(n)])


# Operators by the tensors that say where: what reads or writes at one, and a tensor that does not change what it is.
WHERE = {
    "index": (lambda x, i: x[i], I([0, 2])),
    "index, wrapped": (lambda x, i: x[i], I([0, -2])),
    "index, int32": (lambda x, i: x[i], pb.tensor([0, 2], dtype=pb.int32)),
    "index, second of two": (lambda x, i: x[I([1, 0]), i], I([0, 2])),
    "index, third of three": (lambda x, i: x.expand(2, 4, 3)[0:1, 0:1][I([0]), I([0]), i], I([0, 2])),
    "index by a mask": (lambda x, i: x[i], flagged(4, 0, 3)),
    "index by a mask of all": (lambda x, i: x[i], flagged(12, 0, 3).view(4, 3)),
    "index_put": (lambda x, i: x.index_put((i,), pb.ones(2, 3)), I([0, 2])),
    "index_put of values": (lambda x, i: pb.zeros(4, 3).index_put((i,), x[:2]), I([0, 2])),
    "index_put, accumulated": (lambda x, i: x.index_put((i,), pb.ones(2, 3), accumulate=True), I([0, 2])),
    "index_put_": (lambda x, i: (x * 1).index_put_((i,), pb.ones(2, 3)), I([0, 2])),
    "index_select": (lambda x, i: x.index_select(0, i), I([0, 2])),
    "index_add of source": (lambda x, i: pb.zeros(4, 3).index_add(0, i, x[:2]), I([0, 2])),
    "index_copy": (lambda x, i: x.index_copy(0, i, pb.ones(2, 3)), I([0, 2])),
    "index_copy of source": (lambda x, i: pb.zeros(4, 3).index_copy(0, i, x[:2]), I([0, 2])),
    "index_fill": (lambda x, i: x.index_fill(0, i, 1.0), I([0, 2])),
    "index_fill of a tensor": (lambda x, i: pb.zeros(4, 3).index_fill(0, i, x[0, 0]), I([0, 2])),
    "gather": (lambda x, i: x.gather(0, i), I([[0, 1, 2]])),
    "scatter": (lambda x, i: x.scatter(0, i, pb.ones(1, 3)), I([[0, 1, 2]])),
    "scatter of a number": (lambda x, i: x.scatter(0, i, 1.0), I([[0, 1, 2]])),
    "scatter of src": (lambda x, i: pb.zeros(4, 3).scatter(0, i, x), I([[0, 1, 2]])),
    "scatter_add of src": (lambda x, i: pb.zeros(4, 3).scatter_add(0, i, x), I([[0, 1, 2]])),
    "scatter_reduce": (lambda x, i: x.scatter_reduce(0, i, pb.ones(1, 3), "sum"), I([[0, 1, 2]])),
    "scatter_reduce, amax": (lambda x, i: x.scatter_reduce(0, i, pb.ones(1, 3), "amax"), I([[0, 1, 2]])),
    "scatter_reduce, prod": (lambda x, i: x.scatter_reduce(0, i, pb.ones(1, 3), "prod"), I([[0, 1, 2]])),
    "masked_fill": (lambda x, i: x.masked_fill(i, 1.0), flagged(12, 0, 3).view(4, 3)),
    "masked_select": (lambda x, i: x.masked_select(i), flagged(12, 0, 3).view(4, 3)),
    "masked_scatter": (lambda x, i: x.masked_scatter(i, pb.ones(2)), flagged(12, 0, 3).view(4, 3)),
    "masked_scatter of source": (
        lambda x, i: pb.zeros(4, 3).masked_scatter(i, x),
        flagged(12, 0, 3).view(4, 3),
    ),
    "take": (lambda x, i: x.take(i), I([0, 2])),
    "put": (lambda x, i: x.put(i, pb.ones(2)), I([0, 2])),
    "put of source": (lambda x, i: pb.zeros(4, 3).put(i, x[0, :2]), I([0, 2])),
}
# The derivative does not ask where.
NOWHERE = {
    "index_add": (lambda x, i: x.index_add(0, i, pb.ones(2, 3)), I([0, 2])),
    "scatter_add": (lambda x, i: x.scatter_add(0, i, pb.ones(1, 3)), I([[0, 1, 2]])),
    "repeat_interleave": (lambda x, i: x.repeat_interleave(i, 0), I([1, 2, 0, 1])),
    "a number": (lambda x, i: x[i], I(2)),
    "take_along_dim": (lambda x, i: x.take_along_dim(i, 0), I([[0, -1, 2]])),
}


@pytest.mark.parametrize("name", WHERE)
@pytest.mark.parametrize("create_graph", [False, True])
def test_writing_into_an_index_that_the_derivative_reads(name, create_graph):
    f, index = WHERE[name]
    x, where = pb.rand(4, 3, requires_grad=True), index.clone()
    y = f(x, where)
    where.zero_()
    with pytest.raises(
        RuntimeError, match="modified by an inplace operation.*at version 1; expected version 0"
    ):
        y.sum().backward(create_graph=create_graph)
    x.grad = None
    f(x, index).sum().backward()  # the index itself was not written
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("name", NOWHERE)
def test_writing_into_an_index_that_the_derivative_does_not_read(name):
    f, index = NOWHERE[name]
    x, where = pb.rand(4, 3, requires_grad=True), index.clone()
    f(x, where).sum().backward()
    expected, x.grad = x.grad, None
    y = f(x, where)
    where.zero_()
    y.sum().backward()
    assert x.grad.tolist() == expected.tolist()


@pytest.mark.parametrize("name", WHERE)
def test_a_second_derivative_reads_what_the_first_read(name):
    """Writing between the two is an error, or changes nothing; it never reads elsewhere."""
    f, index = WHERE[name]
    x, where = pb.rand(4, 3, requires_grad=True), index.clone()
    (g,) = pb.autograd.grad((f(x, where) ** 3).sum(), x, create_graph=True)
    (expected,) = pb.autograd.grad((g * g).sum(), x, retain_graph=True)
    if where.dtype != pb.bool:
        where.fill_(10**6)
    else:
        where.zero_()
    try:
        (got,) = pb.autograd.grad((g * g).sum(), x)
    except RuntimeError as e:
        assert "modified by an inplace operation" in str(e)
    else:
        assert got.tolist() == expected.tolist()


def test_an_index_is_read_when_it_is_used():
    x, index = pb.arange(3.0), I([0, 1])
    y = x[index]
    index[0] = 2
    assert y.tolist() == [0, 1]
    i = I([2, 0, 1])  # an index into itself
    i[i] = I([5, 6, 7])
    assert i.tolist() == [6, 7, 5]
    i = I([2, 0, 1])
    assert i.index_fill_(0, i, 4).tolist() == [4, 4, 4]
    assert i.put_(I([0]), I([3])).tolist() == [3, 4, 4]


def test_zero_size():
    x = pb.zeros(0, 3, requires_grad=True)
    none = pb.zeros(0, dtype=pb.int64)
    for y in (x[none], x.index_select(0, none), x.masked_select(x > 0), x.take(none), x[x > 0], x[:, [0, 0]]):
        y.sum().backward()
        assert x.grad.tolist() == []
        x.grad = None
    z = pb.ones(2, requires_grad=True)
    for y in (
        z.scatter(0, none, pb.ones(0)),
        z.scatter_add(0, none, pb.ones(0)),
        z.index_add(0, none, pb.ones(0)),
        z.index_put((none,), pb.ones(0)),
        z.scatter_reduce(0, none, pb.ones(0), "prod"),
        z.scatter_reduce(0, none, pb.ones(0), "amax"),
        z.masked_scatter(z < 0, pb.ones(0)),
    ):
        y.sum().backward()
        assert z.grad.tolist() == [1, 1]
        z.grad = None
