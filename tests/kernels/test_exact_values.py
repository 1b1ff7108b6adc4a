"""Exact kernels against NumPy and Python integers: random, special and extreme operands."""

import math
from fractions import Fraction

import numpy as np
import pytest
from kernels.harness import CODES, TYPES, bits, core, grid, operands_of, run, samples

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def wrapping(function):
    """An integer function in Python's integers, reduced to the dtype."""

    def apply(*operands):
        dtype = operands[0].dtype
        exact = [function(*(int(v) for v in values)) for values in zip(*operands, strict=True)]
        width = 8 * dtype.itemsize
        unsigned = np.array([v % 2**width for v in exact], dtype=f"uint{width}")
        return unsigned.view(dtype)

    return apply


def power(a, b):
    return a**b if b >= 0 else {1: 1, -1: -1 if b % 2 else 1}.get(a, 0)


def truncated(a, b):
    return 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


INTEGER_REFERENCE = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "abs": abs,
    "conj": lambda a: a,
    "sign": lambda a: (a > 0) - (a < 0),
    "square": lambda a: a * a,
    "maximum": max,
    "minimum": min,
    "fmax": max,
    "fmin": min,
    "zmul": lambda a, b: a * b,
    "heaviside": lambda a, b: b if a == 0 else int(a > 0),
    "floor": lambda a: a,
    "ceil": lambda a: a,
    "round": lambda a: a,
    "trunc": lambda a: a,
    "floor_divide": lambda a, b: a // b if b else 0,
    "trunc_divide": truncated,
    "remainder": lambda a, b: a % b if b else 0,
    "fmod": lambda a, b: a - truncated(a, b) * b if b else 0,
    "gcd": lambda a, b: math.gcd(a, b),
    "lcm": lambda a, b: math.lcm(a, b),
    "pow": power,
    "bitwise_and": lambda a, b: a & b,
    "bitwise_or": lambda a, b: a | b,
    "bitwise_xor": lambda a, b: a ^ b,
    "bitwise_not": lambda a: ~a,
}


@pytest.mark.parametrize("dtype", TYPES["Integers"])
@pytest.mark.parametrize("name", INTEGER_REFERENCE)
def test_integers_wrap_around_and_never_trap(name, dtype):
    operands = operands_of(name, dtype)
    if name == "lcm":  # of the least integer, magnitudes do not fit
        operands = [np.where(x == np.iinfo(x.dtype).min, x.dtype.type(6), x) for x in operands]
        expected = run(name, dtype, operands)
        small = [
            abs(int(v)) < 2 ** (8 * expected.itemsize - 2)
            for v in np.lcm(*[x.astype(object) for x in operands])
        ]
        assert (expected == np.lcm(*[x.astype(object) for x in operands]))[small].all()
        return
    np.testing.assert_array_equal(run(name, dtype, operands), wrapping(INTEGER_REFERENCE[name])(*operands))


@pytest.mark.parametrize("dtype", TYPES["Integers"])
def test_shifts_beyond_the_width(dtype):
    width = 8 * np.dtype(dtype).itemsize
    x = samples(dtype, 3)
    s = np.random.default_rng(0).integers(0 if dtype == "uint8" else -3, width + 6, x.size).astype(dtype)
    inside = (s >= 0) & (s < width)
    expected = np.where(inside, np.left_shift(x, np.where(inside, s, 0).astype(dtype)), 0)
    np.testing.assert_array_equal(run("left_shift", dtype, [x, s]), expected)
    fill = np.where(x < 0, -1, 0).astype(dtype) if dtype != "uint8" else np.zeros_like(x)
    expected = np.where(inside, np.right_shift(x, np.where(inside, s, 0).astype(dtype)), fill)
    np.testing.assert_array_equal(run("right_shift", dtype, [x, s]), expected)


# Exact float and logical primitives: NumPy gives the same bits.
EXACT_REFERENCE = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "abs": np.abs,
    "conj": lambda x: x,
    "square": np.square,
    "reciprocal": np.reciprocal,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: np.reciprocal(np.sqrt(x)),
    "sign": lambda x: np.where(np.isnan(x), 0, np.sign(x) + 0.0),  # PyTorch: the sign of NaN is 0
    "maximum": lambda a, b: np.where(np.isnan(a) | np.isnan(b), np.nan, np.where(a > b, a, b)),
    "minimum": lambda a, b: np.where(np.isnan(a) | np.isnan(b), np.nan, np.where(a < b, a, b)),
    "fmax": lambda a, b: np.where(np.isnan(a), b, np.where(np.isnan(b) | (a >= b), a, b)),
    "fmin": lambda a, b: np.where(np.isnan(a), b, np.where(np.isnan(b) | (a <= b), a, b)),
    "zmul": lambda g, p: np.where(g == 0, g, g * p),
    "copysign": np.copysign,
    "nextafter": np.nextafter,
    "heaviside": lambda x, v: np.where(x == 0, v, (x > 0) * 1.0),  # PyTorch: 0 at NaN
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
    "trunc": np.trunc,
    "frac": lambda x: x - np.trunc(x),
    "fmod": np.fmod,
    "trunc_divide": lambda a, b: np.trunc(a / b),
}
LOGICAL_REFERENCE = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "logical_not": np.logical_not,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isposinf": lambda x: np.isinf(x) & (x > 0),
    "isneginf": lambda x: np.isinf(x) & (x < 0),
    "isfinite": np.isfinite,
    "signbit": lambda x: np.signbit(x) if x.dtype.kind == "f" else x < 0,
}


@pytest.mark.parametrize("dtype", TYPES["Floats"])
@pytest.mark.parametrize("name", EXACT_REFERENCE)
def test_exact_floats_are_numpys(name, dtype):
    operands = grid(name, dtype)
    expected = EXACT_REFERENCE[name](*operands).astype(dtype)
    np.testing.assert_array_equal(bits(run(name, dtype, operands)), bits(expected))


@pytest.mark.parametrize("dtype", TYPES["All"])
@pytest.mark.parametrize("name", LOGICAL_REFERENCE)
def test_truth_values_are_numpys(name, dtype):
    operands = grid(name, dtype)
    np.testing.assert_array_equal(run(name, dtype, operands), LOGICAL_REFERENCE[name](*operands))


@pytest.mark.parametrize("dtype", TYPES["Floats"])
def test_float_floor_divide_and_remainder(dtype):
    """Python's definition on exact fractions of ordinary operands; PyTorch's values at the special ones."""
    rng = np.random.default_rng(4)
    a, b = (rng.normal(size=400).astype(dtype) for _ in range(2))
    a[:3], b[:3] = [1, 6, -6], [0.1, 2, 4]
    floor = [Fraction(float(x)) // Fraction(float(y)) for x, y in zip(a, b, strict=True)]
    np.testing.assert_array_equal(
        run("floor_divide", dtype, [a, b]), np.array([float(v) for v in floor], dtype)
    )
    exact = [Fraction(float(x)) - q * Fraction(float(y)) for x, y, q in zip(a, b, floor, strict=True)]
    np.testing.assert_allclose(
        run("remainder", dtype, [a, b]), np.array([float(v) for v in exact], dtype), rtol=3e-7
    )
    x = np.array([1, -1, 0, np.inf, 5, -0.0, np.nan, -1], dtype)
    y = np.array([0, 0, 0, 2, np.inf, 3, 1, np.inf], dtype)
    expected = np.array([np.inf, -np.inf, np.nan, np.nan, 0, -0.0, np.nan, -1], dtype)
    np.testing.assert_array_equal(bits(run("floor_divide", dtype, [x, y])), bits(expected))


def test_bool_sums_are_or_and_products_and():
    x, y = operands_of("add", "bool")
    np.testing.assert_array_equal(run("add", "bool", [x, y]), x | y)
    np.testing.assert_array_equal(run("mul", "bool", [x, y]), x & y)
    np.testing.assert_array_equal(run("bitwise_not", "bool", [x]), ~x)
    foreign = np.array([0, 1, 2, 255], np.uint8).view("bool")  # as foreign memory may be
    np.testing.assert_array_equal(run("bitwise_not", "bool", [foreign]).view(np.uint8), [1, 0, 0, 0])


@pytest.mark.parametrize("dtype", TYPES["All"])
def test_where(dtype):
    condition, x, y = operands_of("where", dtype)
    np.testing.assert_array_equal(
        bits(run("where", dtype, [condition, x, y])), bits(np.where(condition, x, y))
    )


def unsigned(v, bits):
    """A float as an unsigned integer of 32 or 64 bits: from half of the range on by what is left over that."""
    half = 1 << bits - 1
    large = v >= half
    rest = v - half if large else v
    whole = int(rest) if np.isfinite(rest) and -half <= int(rest) < half else -half
    return (whole ^ half if large else whole) % (1 << bits)


@pytest.mark.parametrize("target", CODES)
@pytest.mark.parametrize("source", CODES)
def test_casts(source, target):
    x = samples(source, 8)
    out = np.empty(x.size, target)
    assert core._kernel_cast(CODES[source], CODES[target], x, out, x.size)
    if source in TYPES["Floats"] and target in ("uint32", "uint64"):
        expected = np.array([unsigned(float(v), 8 * out.itemsize) for v in x], target)
    elif source in TYPES["Floats"] and np.dtype(target).kind in "iu":
        # Outside the integer's range: its least value; narrow ones are taken from 32-bit integers.
        wide = np.iinfo("int32" if np.dtype(target).itemsize < 4 else target)
        whole = [None if not np.isfinite(v) else int(v) for v in x]
        whole = [wide.min if v is None or not wide.min <= v <= wide.max else v for v in whole]
        expected = np.array(whole, "int64").astype(target)
    else:
        expected = x.astype(target)
    np.testing.assert_array_equal(bits(out), bits(expected))
