"""Reductions shared among threads: one tree, whatever the layout, the number of threads and the cuts."""

import numpy as np
import pytest
from kinds import BITS
from threads.every_number import on_threads

import pullback as pb

SHAPES = [
    (300_000,),
    (70_001, 3),
    (5_000, 64),
    (100, 1000),
    (3, 90_000),
    (2, 40_000, 5),
    (40, 50, 60),
    (9_000, 10),
]
SHAPES += [(1025, 130), (130, 1025), (17, 20_001), (20_001, 17), (1, 100_000), (5, 1, 30_000)]


def data(shape, dtype="float32"):
    rng = np.random.default_rng(sum(shape))
    if dtype.startswith("float"):
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 50, shape).astype(dtype)


def dims_of(shape):
    return [None, *range(len(shape)), *([(0, 2)] if len(shape) == 3 else [])]


def tree(x):
    """The documented tree over a run, by the kernel for a single run."""
    flat = np.ascontiguousarray(x).ravel()
    out = np.zeros(1, flat.dtype)
    codes = {"float32": 6, "float64": 7}
    assert pb._core._kernel_reduction("sum", codes[str(flat.dtype)], flat, 0, flat.itemsize, flat.size, out)
    return out[0]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_follow_the_tree(shape):
    x = data(shape)
    t = pb.tensor(x)
    for dim in dims_of(shape):
        got = on_threads(lambda dim=dim: t.sum() if dim is None else t.sum(dim))
        gone = range(x.ndim) if dim is None else np.atleast_1d(dim)
        kept = [d for d in range(x.ndim) if d not in gone]
        runs = x.transpose([*kept, *gone]).reshape(got.size, -1)
        some = np.random.default_rng(0).permutation(got.size)[:300]
        expected = np.array([tree(runs[i]) for i in some])
        assert (got.ravel()[some] == expected).all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("transposed", [False, True])
def test_layouts_do_not_matter(shape, transposed):
    if len(shape) == 1:
        given = pb.tensor(np.repeat(data(shape), 2))[::2]
    else:
        given = pb.tensor(np.ascontiguousarray(np.swapaxes(data(shape), 0, -1))).transpose(0, -1)
    plain = pb.tensor(data(shape))
    for dim in dims_of(shape):
        args = () if dim is None else (dim,)
        assert (on_threads(lambda a=args: given.sum(*a)) == on_threads(lambda a=args: plain.sum(*a))).all()


NUMPY = {
    "sum": np.sum,
    "prod": np.prod,
    "amax": np.max,
    "amin": np.min,
    "all": np.all,
    "any": np.any,
    "argmax": np.argmax,
    "argmin": np.argmin,
    "count_nonzero": np.count_nonzero,
}


@pytest.mark.parametrize("name", NUMPY)
@pytest.mark.parametrize("dtype", [*BITS, "float64"])
@pytest.mark.parametrize("shape", [(70_001, 3), (5_000, 64), (3, 90_000), (1025, 130)], ids=str)
def test_every_reduction(name, dtype, shape):
    if name.startswith("arg") and dtype == "bool":
        pytest.skip("not defined")
    x = data(shape, "int64") if name != "prod" else data(shape, "int64") % 3 + 1
    x = (x % 2 == 0 if dtype == "bool" else x).astype(dtype)
    if name == "prod" and dtype == "float64":
        x = 1 + data(shape, "float64") / 1e5
    t = pb.tensor(x)
    for dim in (None, 0, 1):
        if dim is None and name == "prod":
            continue
        got = on_threads(lambda dim=dim: getattr(t, name)() if dim is None else getattr(t, name)(dim))
        wide = x.astype(np.int64) if name in ("sum", "prod") and dtype != "float64" else x
        expected = NUMPY[name](wide, axis=dim)
        if dtype == "float64" and name in ("sum", "prod"):
            np.testing.assert_allclose(got, expected, rtol=1e-11)
        else:
            assert (got == expected).all()


@pytest.mark.parametrize("name", ["amax", "amin", "argmax", "argmin"])
@pytest.mark.parametrize("shape", [(70_001, 3), (5_000, 64), (3, 90_000), (200_000,), (30, 4_000)], ids=str)
def test_extremes_with_nan_and_ties(name, shape):
    x = np.round(data(shape))
    x.ravel()[:: x.size // 7] = np.nan
    t = pb.tensor(x)
    for dim in range(len(shape)):
        np.testing.assert_array_equal(on_threads(lambda d=dim: getattr(t, name)(d)), NUMPY[name](x, axis=dim))


def test_negative_zeros_sum_to_zero():
    for n in (1, 5, 20, 70, 1000, 100_000):
        assert not np.signbit(on_threads(lambda n=n: pb.full((n,), -0.0).sum()))
        assert not np.signbit(on_threads(lambda n=n: pb.full((n, 3), -0.0).sum(0))).any()
        assert not np.signbit(on_threads(lambda n=n: pb.full((3, n), -0.0).sum(1))).any()
