"""Running sums, products and extremes shared among threads: each line as it would be alone."""

import numpy as np
import pytest
from threads.every_number import on_threads

import pullback as pb

SHAPES = [
    (4001, 17),
    (3, 50_000),
    (7, 20_001),
    (50_000, 3),
    (300, 257),
    (40, 70, 30),
    (1, 90_000),
    (9_003, 1),
]
SCANS = {
    "cumsum": lambda x, dim: x.cumsum(dim),
    "cumprod": lambda x, dim: x.cumprod(dim),
    "cummax": lambda x, dim: x.cummax(dim).values,
    "where cummax": lambda x, dim: x.cummax(dim).indices,
    "where cummin": lambda x, dim: x.cummin(dim).indices,
    "logcumsumexp": lambda x, dim: x.logcumsumexp(dim),
}


@pytest.mark.parametrize("name", SCANS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_lines_are_as_they_are_alone(name, shape):
    x = pb.tensor(np.random.default_rng(sum(shape)).normal(size=shape).round(1))
    for dim in range(len(shape)):
        got = np.moveaxis(on_threads(lambda d=dim: SCANS[name](x, d)), dim, -1)
        lines = np.moveaxis(x.numpy(), dim, -1)
        got, lines = got.reshape(-1, shape[dim]), lines.reshape(-1, shape[dim])
        for at in {0, len(got) // 2, len(got) - 5, len(got) - 1} & set(range(len(got))):
            alone = SCANS[name](pb.tensor(np.ascontiguousarray(lines[at])), 0)
            np.testing.assert_array_equal(got[at], alone.numpy())


def test_running_sums_are_numpys():
    x = np.random.default_rng(0).normal(size=(37, 1000))
    np.testing.assert_array_equal(pb.tensor(x).cumsum(1).numpy(), np.cumsum(x, 1))
    np.testing.assert_array_equal(pb.tensor(x).cumsum(0).numpy(), np.cumsum(x, 0))
    np.testing.assert_array_equal(pb.tensor(x).cumprod(1).numpy(), np.cumprod(x, 1))


@pytest.mark.parametrize("greatest", [True, False])
def test_running_extremes_are_the_last_of_equals_and_nan_beats_all(greatest):
    x = np.random.default_rng(1).integers(0, 6, (11, 400)).astype("float32")
    x[3, 150] = x[7, 0] = np.nan
    values, indices = (pb.cummax if greatest else pb.cummin)(pb.tensor(x), 1)
    expected = (np.maximum if greatest else np.minimum).accumulate(x, 1)
    np.testing.assert_array_equal(values.numpy(), expected)
    for line, at, best in zip(x, indices.numpy(), expected, strict=True):
        last = [
            np.flatnonzero((line[: k + 1] == b) | (np.isnan(line[: k + 1]) & np.isnan(b)))[-1]
            for k, b in enumerate(best)
        ]
        np.testing.assert_array_equal(at, last)
