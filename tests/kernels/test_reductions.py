"""Reductions of runs: values against NumPy, and one tree for every stride and instruction set."""

import hashlib
import math

import numpy as np
import pytest
from kernels.harness import CODES, core, on_isa
from kinds import DTYPES

NAMES = ["sum", "prod", "max", "min", "argmax", "argmin", "any", "all", "count_nonzero"]
LENGTHS = [*range(1, 140), 1000, 1023, 1024, 1025, 2048, 2050, 5000, 70000]
CASES = [
    (name, dtype) for name in NAMES for dtype in DTYPES if not (name.startswith("arg") and dtype == "bool")
]


def result_dtype(name, dtype):
    if name in ("any", "all"):
        return "bool"
    if name in ("max", "min"):
        return dtype
    return dtype if name in ("sum", "prod") and dtype.startswith("float") else "int64"


def reduce(name, dtype, x, offset=0, stride=None, n=None):
    out = np.zeros(1, result_dtype(name, dtype))
    stride = x.itemsize if stride is None else stride
    assert core._kernel_reduction(name, CODES[dtype], x, offset, stride, n or x.size, out)
    return out[0]


def samples(name, dtype, n):
    rng = np.random.default_rng(n)
    if dtype == "bool":
        return rng.random(n) < (0.5 if n % 2 else name == "all")
    if dtype.startswith("float"):
        x = rng.normal(size=n)
        x = np.exp(x / 300) if name == "prod" else x
        x[rng.integers(n, size=2)] = np.nan if n % 7 == 0 else x[0]
        return x.astype(dtype)
    limits = np.iinfo(dtype)
    x = rng.integers(max(limits.min, -40000), min(limits.max, 40000), n, endpoint=True)
    if name in ("sum", "prod") and n % 5 == 0:
        x[:] = limits.min if n % 2 else limits.max  # what lanes have to hold
    if name in ("any", "all", "count_nonzero") and n % 3 == 0:
        x[:] = name == "all"
    return x.astype(dtype)


@pytest.mark.parametrize("name, dtype", CASES)
def test_values(name, dtype):
    floats = dtype.startswith("float")
    for n in LENGTHS:
        x = samples(name, dtype, n)
        got = reduce(name, dtype, x)
        if not floats or name not in ("sum", "prod"):
            wide = x.astype("int64") if name in ("sum", "prod") else x
            np.testing.assert_array_equal(got, getattr(np, name)(wide))
        elif np.isnan(x).any():
            assert np.isnan(got)
        else:
            values = x.astype(float)
            exact = math.fsum(values) if name == "sum" else math.exp(math.fsum(np.log(values)))
            scale = (
                math.fsum(np.abs(values)) * (30 + math.log2(n)) / 2 if name == "sum" else abs(exact) * n / 2
            )
            assert abs(float(got) - exact) <= scale * np.finfo(dtype).eps + 1e-12 * (name == "prod")


@pytest.mark.parametrize("name, dtype", CASES)
def test_strides_follow_the_same_tree(name, dtype):
    for n in (1, 5, 100, 1025, 5000):
        x = samples(name, dtype, n)
        expected = reduce(name, dtype, x).tobytes()
        columns = np.zeros((n, 3), dtype)
        columns[:, 1] = x
        assert reduce(name, dtype, columns, x.itemsize, 3 * x.itemsize, n).tobytes() == expected
        assert reduce(name, dtype, x[::-1].copy(), (n - 1) * x.itemsize, -x.itemsize, n).tobytes() == expected


def digest():
    results = [
        reduce(name, dtype, samples(name, dtype, n)).tobytes() for name, dtype in CASES for n in LENGTHS
    ]
    return hashlib.sha256(b"".join(results)).hexdigest()


@pytest.mark.parametrize("isa", ["baseline", "avx2"])
def test_every_instruction_set_gives_the_same_bits(isa):
    assert on_isa(isa, "kernels.test_reductions", "digest()") == digest()


def test_float32_sums_are_pairwise():
    """Ten million times 0.1: a running sum in float32 ends at 1,087,937."""
    x = np.full(10_000_000, 0.1, np.float32)
    assert abs(reduce("sum", "float32", x) - x.size * float(x[0])) / 1e6 < 1e-6


@pytest.mark.parametrize("name, dtype", CASES)
def test_rows_accumulate(name, dtype):
    """Seven rows of 33, one after the other, starting from the identity or, for indices, from nothing."""
    rows = (np.random.default_rng(3).normal(size=(7, 33)) * 50).astype("int64" if dtype == "uint8" else dtype)
    rows = (abs(rows) % 100).astype(dtype) if dtype == "uint8" else rows
    if dtype.startswith("float"):
        rows[3, 4] = rows[5, 4] = np.nan
    best = np.empty(33, dtype)
    out = np.empty(33, result_dtype(name, dtype))
    for index, row in enumerate(rows):
        assert core._kernel_accumulate(name, CODES[dtype], row.copy(), index, best, out)
    wide = rows.astype("int64") if name in ("sum", "prod") and not dtype.startswith("float") else rows
    np.testing.assert_allclose(out, getattr(np, name)(wide, 0), rtol=1e-5)
