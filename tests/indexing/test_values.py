"""Values of reads and writes against NumPy, whose rules for mixed indices PyTorch shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kinds import DTYPES, INTEGERS

import pullback as pb


def array(t):
    return np.array(t.tolist(), dtype=str(t.dtype).split(".")[-1]).reshape(tuple(t.shape))


def same(t, expected):
    assert tuple(t.shape) == expected.shape
    np.testing.assert_array_equal(array(t), expected)


@st.composite
def indexed(draw):
    """A shape, and an index that fits it: the same for NumPy and for us."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    common = draw(st.sampled_from([(), (3,), (2, 1), (1, 3), (2, 3)]))
    items, dim, arrays = [], 0, False
    while dim < len(shape):
        n = shape[dim]
        kind = draw(st.sampled_from(["int", "slice", "none", "array", "list", "mask", "stop"]))
        if kind == "none":
            items.append(None)
            continue
        if kind == "stop":
            break
        if kind == "int":
            items.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            ends = st.none() | st.integers(-2 * n, 2 * n)
            items.append(slice(draw(ends), draw(ends), draw(st.none() | st.integers(1, 3))))
        elif kind == "mask" and not arrays:
            arrays = True
            items.append(np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))))
        else:
            arrays = True
            size = int(np.prod(common, dtype=int))
            numbers = draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size))
            numbers = np.array(numbers, dtype=draw(st.sampled_from(["int64", "int32"]))).reshape(common)
            items.append(numbers.tolist() if kind == "list" and common else numbers)
        dim += 1
    if draw(st.booleans()):
        items.append(Ellipsis)
    masks = [i for i in items if isinstance(i, np.ndarray) and i.dtype == bool]
    # A mask meets other arrays only if they broadcast with its count.
    if masks and sum(isinstance(i, (np.ndarray, list)) for i in items) > 1:
        items = [slice(None) if isinstance(i, np.ndarray) and i.dtype == bool else i for i in items]
    return tuple(shape), tuple(items)


def numpy_read(a, index):
    ints = any(isinstance(i, int) for i in index)
    arrays = any(isinstance(i, (np.ndarray, list)) for i in index)
    if not (ints and arrays):
        return a[index]
    basic = tuple(i if isinstance(i, int) or i is None or i is Ellipsis else slice(None) for i in index)
    rest = tuple(i for i in index if not isinstance(i, int))
    rest = tuple(slice(None) if i is None else i for i in rest)
    # Slices of a single element keep their dimension: what is left is an index without integers.
    return a[basic][rest]


@given(indexed())
def test_reads(case):
    shape, index = case
    a = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    x = pb.tensor(a)
    expected = numpy_read(a, index)
    same(x[index], np.asarray(expected))
    tensors = tuple(
        pb.tensor(i) if isinstance(i, (np.ndarray, list)) and np.asarray(i).ndim else i for i in index
    )
    same(x[tensors], np.asarray(expected))


@given(indexed())
def test_writes(case):
    shape, index = case
    a = np.zeros(shape)
    x = pb.zeros(shape, dtype=pb.float64)
    result = numpy_read(a, index).shape
    where = numpy_read(np.arange(np.prod(shape)).reshape(shape), index)
    values = 1.0 + np.arange(np.prod(result, dtype=int), dtype=float).reshape(result)
    flat = a.reshape(-1)
    for k, v in zip(np.asarray(where).reshape(-1), values.reshape(-1), strict=True):
        flat[k] = v  # in order: the last one stays
    x[index] = pb.tensor(values)
    same(x, a)
    x[index] = -1
    flat[np.asarray(where).reshape(-1)] = -1
    same(x, a)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(dtype):
    a = (np.arange(12) % 5).reshape(3, 4).astype(dtype)
    x = pb.tensor(a)
    same(x[1:, ::2], a[1:, ::2])
    same(x[[2, 0]], a[[2, 0]])
    same(x[x > 0], a[a > 0])
    same(x.index_select(1, pb.tensor([3, 3])), a[:, [3, 3]])
    same(x.gather(0, pb.tensor([[2, 1, 0, 0]])), np.take_along_axis(a, np.array([[2, 1, 0, 0]]), 0))
    same(x.take(pb.tensor([5, -1])), a.reshape(-1)[[5, -1]])
    x[0, 1:3] = 1
    a[0, 1:3] = 1
    x[[1, 1], [0, 3]] = x[0, 1]
    a[[1, 1], [0, 3]] = a[0, 1]
    same(x, a)
    b = a.copy()
    np.logical_or.at(b, (0, [0, 0]), True) if dtype == "bool" else np.add.at(b, (0, [0, 0]), a[1, 0])
    same(x.index_put((pb.tensor([0, 0]), pb.tensor([0, 0])), x[1, 0], accumulate=True), b)


def test_not_contiguous():
    a = np.arange(24.0).reshape(2, 3, 4)
    x = pb.tensor(a).permute(2, 0, 1)
    a = a.transpose(2, 0, 1)
    same(x[[1, 1, 0]], a[[1, 1, 0]])
    same(x[:, [1, 0], [2, 0]], a[:, [1, 0], [2, 0]])
    same(x[[3, 0], :, [2, 0]], a[[3, 0], :, [2, 0]])
    same(x[x % 3 == 0], a[a % 3 == 0])
    same(x.take(pb.tensor([0, 7, -2])), a.reshape(-1)[[0, 7, -2]])
    index = np.array([[[1, 0]], [[0, 1]]]).transpose(1, 2, 0)
    same(
        x[:, :, :2].gather(1, pb.tensor([[[1, 0]], [[0, 1]]]).permute(1, 2, 0)),
        np.take_along_axis(a[:1, :, :2], index, 1),
    )
    y = x.clone()
    y[:, [0, 1], [2, 0]] = x[:, [0, 1], [2, 1]]
    b = a.copy()
    b[:, [0, 1], [2, 0]] = a[:, [0, 1], [2, 1]]
    same(y, b)


def test_what_is_a_view_and_what_is_a_copy():
    x = pb.zeros(3, 4)
    for index in (0, slice(1, None), None, Ellipsis, (Ellipsis, 1), (slice(None), None)):
        assert x[index]._base is x
    for index in ([0], pb.tensor([1]), x > 0, True, ([0], slice(None))):
        assert x[index]._base is None
    x[1:][0][2:] = 5
    assert x.tolist() == [[0, 0, 0, 0], [0, 0, 5, 5], [0, 0, 0, 0]]
    assert x._version == 1


def test_overlapping_source_and_target():
    x = pb.tensor(np.arange(5.0))
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2, 3]
    x[pb.tensor([0, 1, 2, 3])] = x[1:]
    assert x.tolist() == [0, 1, 2, 3, 3]
    x[[0, 1]] += x[[1, 0]]
    assert x.tolist() == [1, 1, 2, 3, 3]


def test_kinds_of_values():
    x = pb.zeros(2, 3)
    x[0] = 1
    x[1] = True
    x[:, 1] = np.array([5, 6])
    x[:, 2] = np.float32(7)
    x[[1]] = np.array([8, 9, 10])
    x[0, 0] = pb.tensor(3, dtype=pb.int64)
    assert x.tolist() == [[3, 5, 7], [8, 9, 10]]
    n = pb.zeros(2, dtype=pb.int64)
    n[0] = 2.9
    n[[1]] = -2.9
    assert n.tolist() == [2, -2]


def test_kinds_of_indices():
    x = pb.tensor(np.arange(6).reshape(2, 3))
    one = pb.tensor(1)
    assert x[one].tolist() == x[np.int64(1)].tolist() == x[np.array(1)].tolist() == [3, 4, 5]
    assert x[range(2), 1].tolist() == x[(0, 1), 1].tolist() == [1, 4]
    assert x[one:].tolist() == [[3, 4, 5]]
    assert x[False].shape == (0, 2, 3)
    assert x[pb.tensor(True), 0].tolist() == [[0, 1, 2]]
    assert x[:, np.array([2, 0], dtype=np.int16)].tolist() == [[2, 0], [5, 3]]
    assert x[:, np.array([2, 1, 0])[::-1]].tolist() == x.tolist()


def test_positions():
    x = pb.tensor([[0.5, 0.0], [0.0, -2.0], [float("nan"), 0.0]])
    assert pb.nonzero(x).tolist() == pb.argwhere(x).tolist() == [[0, 0], [1, 1], [2, 0]]
    assert [t.tolist() for t in pb.where(x)] == [[0, 1, 2], [0, 1, 0]]
    assert pb.nonzero(pb.tensor(3)).shape == (1, 0)
    assert [t.tolist() for t in pb.tensor(3).nonzero(as_tuple=True)] == [[0]]
    assert pb.zeros(0, 3).nonzero().shape == (0, 2)


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("dtype", ["float64", *INTEGERS])
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
def test_scatter_reduce(reduce, dtype, include_self):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 9, (3, 4)).astype(dtype)
    src = rng.integers(0, 9, (5, 4)).astype(dtype)
    index = rng.integers(0, 3, (5, 3))
    expected = x.copy()
    for i in range(3):
        for j in range(3):
            group = [v for v, k in zip(src[:, j], index[:, j], strict=False) if k == i]
            if not group:
                continue
            values = np.array(([x[i, j]] if include_self else []) + group)
            if reduce == "mean":
                mean = values.sum(dtype=dtype) / len(values)
                expected[i, j] = mean if dtype == "float64" else np.floor(mean)
            else:
                f = {"sum": np.sum, "prod": np.prod, "amax": np.max, "amin": np.min}[reduce]
                expected[i, j] = f(values, **({"dtype": dtype} if reduce in ("sum", "prod") else {}))
    got = pb.tensor(x).scatter_reduce(0, pb.tensor(index), pb.tensor(src), reduce, include_self=include_self)
    np.testing.assert_allclose(array(got), expected, rtol=1e-15)


def test_sums_are_taken_in_the_order_of_the_index():
    big, one = 1e16, 1.0
    x = pb.zeros(1, dtype=pb.float64)
    zeros = pb.tensor([0, 0, 0])
    for values, expected in (([big, one, -big], 0), ([big, -big, one], 1)):
        v = pb.tensor(values, dtype=pb.float64)
        assert x.scatter_add(0, zeros, v).tolist() == [expected]
        assert x.index_add(0, zeros, v).tolist() == [expected]
        assert x.index_put((zeros,), v, accumulate=True).tolist() == [expected]
