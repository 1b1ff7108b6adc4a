"""Large joins are shared by all threads; every element still lands where it belongs."""

import numpy as np
import pytest

import pullback as pb


@pytest.fixture(autouse=True)
def three_threads():
    before = pb.get_num_threads()
    pb.set_num_threads(3)
    yield
    pb.set_num_threads(before)


# Single elements, short rows, long rows, and one run: with chunks that do not divide the rows.
@pytest.mark.parametrize("shape, dim", [((30011, 1), 1), ((20011, 11), 1), ((3001, 97), 1), ((300_007,), 0)])
@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.complex128])
def test_large_joins(shape, dim, dtype):
    a = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    b, c = (-a).astype(dtype), np.ones_like(a)
    parts = [pb.from_numpy(each) for each in (a, b, c)]
    assert np.array_equal(pb.cat(parts, dim).numpy(), np.concatenate([a, b, c], dim))
    assert np.array_equal(pb.stack(parts, dim).numpy(), np.stack([a, b, c], dim))
