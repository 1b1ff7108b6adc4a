"""Rows of a few elements, which are moved many at a time: what is read, written, joined and broadcast along them."""

import itertools

import numpy as np
import pytest

import pullback as pb

LENGTHS = [*range(1, 18), 31, 63, 64, 65]
DTYPES = ["bool", "uint8", "int16", "int32", "float32", "int64", "float64", "complex128"]


def numbers(shape, dtype):
    whole = np.arange(np.prod(shape, dtype=int)).reshape(shape) % 251
    return whole % 3 == 0 if dtype == "bool" else whole.astype(dtype)


def part_of(whole, length, step, first):
    """Rows within larger ones, and with gaps."""
    return whole[:, first : first + length * step : step]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("step", [1, 2, 3])
def test_rows_are_read_and_written(dtype, step):
    for length, rows in itertools.product(LENGTHS, [1, 2, 9, 130]):
        n = numbers((rows, length * step + 2), dtype)
        t = pb.from_numpy(n.copy())
        part = part_of(t, length, step, 1)
        assert np.array_equal(part.contiguous().numpy(), part_of(n, length, step, 1))
        written, expected = numbers((rows, length), dtype)[::-1].copy(), n.copy()
        part_of(expected, length, step, 1)[:] = written
        part.copy_(pb.from_numpy(written))
        assert np.array_equal(t.numpy(), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pitch", [1, 2, 5])
def test_one_value_a_row(dtype, pitch):
    for length, rows in itertools.product(LENGTHS, [2, 9, 130]):
        n = numbers((rows * pitch,), dtype)[::pitch, None]
        t = pb.from_numpy(numbers((rows * pitch,), dtype))[::pitch, None]
        assert np.array_equal(t.expand(rows, length).contiguous().numpy(), np.broadcast_to(n, (rows, length)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_in_further_dimensions(dtype):
    """The rows of one index of the outer dimensions go together; blocks begin and end within rows, too."""
    for length, outer in itertools.product([2, 3, 5, 11], [(3, 4), (7, 150), (2, 3, 5)]):
        n = numbers((*outer, length + 1), dtype)
        t = pb.from_numpy(n.copy())
        order = (1, 0, *range(2, n.ndim))
        seen, expected = t.permute(order)[..., 1:], n.transpose(order)[..., 1:]
        assert np.array_equal(seen.contiguous().numpy(), expected)
        doubled = np.concatenate([expected, expected], -1)
        assert np.array_equal(pb.cat([seen, seen], -1).numpy(), doubled)


@pytest.mark.parametrize("dtype", DTYPES)
def test_short_parts_are_joined(dtype):
    for length, rows in itertools.product(LENGTHS, [1, 2, 9, 130]):
        n = numbers((3, rows, length), dtype)
        parts = [pb.from_numpy(each.copy()) for each in n]
        assert np.array_equal(pb.cat(parts, 1).numpy(), np.concatenate(n, 1))
        for dim in (0, 1, 2):
            assert np.array_equal(pb.stack(parts, dim).numpy(), np.stack(n, dim))


@pytest.mark.parametrize("length", [2, 3, 4, 7, 8, 9, 11, 64, 65])
def test_what_is_computed_of_short_rows(length):
    """Blocks of fused programs, gathered and scattered, have the bits of NumPy's sums and products."""
    rows = 4000
    wide = numbers((rows, length + 3), "float32") * np.float32(0.37)
    column, row = numbers((rows, 1), "float32"), numbers((1, length), "float32")
    x, c, r = (pb.from_numpy(each.copy()) for each in (wide, column, row))
    expected = (wide[:, 2 : 2 + length] * column + row) * wide[:, :length]
    found = (x[:, 2 : 2 + length] * c + r) * x[:, :length]
    assert np.array_equal(found.numpy(), expected)
    into, target = wide.copy(), pb.from_numpy(wide.copy())
    into[:, 1 : 1 + length] += column * row
    target[:, 1 : 1 + length] += c * r
    assert np.array_equal(target.numpy(), into)
