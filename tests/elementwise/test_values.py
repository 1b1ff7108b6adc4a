"""Values of every row on the core, at random and special operands, against NumPy, SciPy and PyTorch."""

import warnings

import numpy as np
import pytest
from calculus import interpreter
from elementwise.support import (
    DTYPES,
    FLOATS,
    INTEGRAL,
    ROWS,
    by_name,
    call,
    parameters,
    sample,
    special_operands,
    tensor_operands,
    tensors,
    with_parameters,
)
from kinds import INTEGERS, SIGNED

import pullback as pb

LOOSE = {"polygamma": 1e-9, "digamma": 1e-11, "lgamma": 1e-11, "erfinv": 1e-11}  # SciPy's own error among it
# Where NumPy or SciPy choose otherwise than PyTorch at an infinity or a pole.
OTHERWISE = {"digamma", "polygamma", "floor_divide", "div_floor", "remainder", "lgamma", "sinc", "heaviside"}
# Where ours is the limit at an infinity, and PyTorch's is NaN or another zero.
UNLIKE_TORCH_AT_INFINITY = {"polygamma", "gelu", "gelu_tanh"}
# A sum of zeros of both signs, or the larger of two: PyTorch's own answers differ between its kernels.
SIGNS_OF_ZERO = {"lerp", "relu", "relu6", "softshrink", "logsigmoid", "tanhshrink"}


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def truth(row, arrays):
    return interpreter.value(row.name, with_parameters(row, arrays))


@pytest.mark.parametrize("row", **by_name(ROWS))
def test_float64_against_numpy(row):
    if row.promotion == "bitwise":
        pytest.skip("integers: see below")
    arrays = sample(row, (7, 31))
    tolerance = LOOSE.get(row.name, 2e-14)
    found, expected = call(row, arrays), truth(row, arrays)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    assert found.dtype == (np.bool_ if row.boolean else np.float64)


@pytest.mark.parametrize("row", **by_name(ROWS))
def test_float32_is_float64_rounded(row):
    if row.promotion == "bitwise":
        pytest.skip("integers: see below")
    arrays = sample(row, (7, 31), dtype="float32")
    found = call(row, arrays)
    expected = truth(row, [a.astype("float64") if a.dtype == np.float32 else a for a in arrays])
    assert found.dtype == (np.bool_ if row.boolean else np.float32)
    if row.boolean:
        np.testing.assert_array_equal(found, expected)
        return
    scale = np.maximum(1, np.max(np.abs(arrays[-1])))
    bad = ~np.isclose(found, expected, rtol=2e-5, atol=2e-6 * scale)
    if row.name in ("floor_divide", "div_floor", "trunc_divide", "remainder", "fmod", "nextafter"):
        bad &= False if row.name == "nextafter" else np.abs(found - expected) < 0.99  # one side of a jump
    assert not bad.any()


@pytest.mark.parametrize(
    "row", **by_name([r for r in ROWS if r.name not in OTHERWISE and r.promotion != "bitwise"])
)
def test_special_values_against_numpy(row):
    arrays = special_operands(row)
    found, expected = call(row, arrays), np.broadcast_to(truth(row, arrays), arrays[0].shape)
    if row.name == "nextafter":
        np.testing.assert_array_equal(found, expected)
        return
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def pytorch(row, arrays, given=None):
    import torch
    from calculus import torch_calls

    filled = iter(arrays)
    given = parameters(row) if given is None else given
    operands = [given[i] if i in given else torch.tensor(next(filled)) for i in range(row.arity)]
    return torch_calls.torch_function(row.name)(*operands).numpy()


@pytest.mark.torch
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("row", **by_name([r for r in ROWS if r.promotion != "bitwise"]))
def test_special_values_against_pytorch(row, dtype):
    arrays = [a.astype(dtype) if a.dtype != np.bool_ else a for a in special_operands(row)]
    if row.name in UNLIKE_TORCH_AT_INFINITY:
        arrays = [a[np.isfinite(a)] for a in arrays]
    found, expected = call(row, arrays), pytorch(row, arrays)
    assert found.dtype == expected.dtype
    tolerance = 3e-6 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    zeros = (found == 0) & (expected == 0)
    if row.name not in SIGNS_OF_ZERO and not row.boolean:
        np.testing.assert_array_equal(np.signbit(found[zeros]), np.signbit(expected[zeros]))


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", **by_name(ROWS))
def test_every_dtype_against_pytorch(row, dtype):
    """The values, or the refusal, of operands of one dtype."""
    arrays = [np.array([[0, 1, 2], [3, 4, 250]]).astype(dtype)]
    arrays += [(np.arange(1, 7).reshape(2, 3) % 5 + 1).astype(dtype)] * (len(tensor_operands(row)) - 1)
    if row.promotion == "where":
        arrays[0] = np.array([[True, False, True], [False, True, False]])
    given = parameters(row)
    if dtype in INTEGRAL and row.name in WHOLE_PARAMETERS:
        given = dict.fromkeys(given, 2)
    filled = iter(tensors(arrays))
    operands = [given[i] if i in given else next(filled) for i in range(row.arity)]
    try:
        expected = pytorch(row, arrays, given)
    except RuntimeError as refusal:
        with pytest.raises(RuntimeError) as ours:
            row(*operands)
        kinds = {type(refusal), type(ours.value)}
        assert len(kinds) == 1 or row.name == "tanhshrink"
        return
    found = row(*operands).numpy()
    assert found.dtype == expected.dtype
    nothing = 1e-7 if row.name == "sinc" else 0  # ours is 0 at whole numbers
    np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 1e-6, atol=nothing)
    if dtype in INTEGRAL and row.promotion != "float":
        np.testing.assert_array_equal(found, expected)


WHOLE_PARAMETERS = {"add_scaled", "sub_scaled", "rsub_scaled", "addcmul", "addcdiv", "threshold", "hardtanh"}


@pytest.mark.parametrize("row", **by_name([row for row in ROWS if row.promotion == "bitwise"]))
@pytest.mark.parametrize("dtype", INTEGRAL)
def test_bits_against_numpy(row, dtype):
    numpy_name = {"bitwise_not": "invert"}.get(row.name, row.name)
    if dtype == "bool" and row.name in ("gcd", "lcm", "left_shift", "right_shift"):
        return
    a = np.array([0, 1, 5, 12, 200, 77]).astype(dtype)
    b = np.array([3, 1, 2, 6, 4, 7]).astype(dtype)
    arrays = [a, b][: row.arity]
    np.testing.assert_array_equal(call(row, arrays), getattr(np, numpy_name)(*arrays))


@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod", "trunc_divide", "div_floor"])
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("zero", [np.array([1, 0]), np.array(0), 0], ids=["tensor", "0-d", "number"])
def test_integer_division_by_zero_raises(name, dtype, zero):
    row = interpreter.ROWS[name]
    divisor = pb.tensor(zero.astype(dtype)) if isinstance(zero, np.ndarray) else zero
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        row(pb.tensor(np.array([4, 5], dtype)), divisor)


def test_a_divisor_that_becomes_zero_in_the_dtype_of_the_division_raises():
    x = pb.tensor(np.array([4, 5], "uint8"))
    for divisor in (256, pb.tensor(256)):
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            x // divisor
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            x.remainder_(divisor)


@pytest.mark.parametrize("dtype", SIGNED)
@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod", "trunc_divide", "abs", "neg"])
def test_the_most_negative_integer(name, dtype):
    """Its quotient by -1 does not exist; the processor must not be asked for it."""
    least = np.array([np.iinfo(dtype).min, 5], dtype)
    row = interpreter.ROWS[name]
    operands = [pb.tensor(least), pb.tensor(np.array([-1, -1], dtype))][: row.arity]
    found = row(*operands).numpy()
    expected = {"remainder": [0, 0], "fmod": [0, 0], "abs": [least[0], 5]}.get(name, [least[0], -5])
    np.testing.assert_array_equal(found, expected)


def test_negative_powers_of_integers_raise():
    x = pb.tensor([2, 3])
    for attempt in (lambda: x**-1, lambda: pb.pow(x, -1), lambda: x.pow(-2), lambda: x.clone().pow_(-1)):
        with pytest.raises(RuntimeError, match="Integers to negative integer powers are not allowed"):
            attempt()
    np.testing.assert_allclose((x**-1.0).numpy(), [1 / 2, 1 / 3], rtol=1e-6)
    np.testing.assert_array_equal((x ** pb.tensor([-1, 2])).numpy(), [0, 9])


def test_numbers_that_do_not_fit():
    x = pb.tensor(np.array([1, 2], "uint8"))
    np.testing.assert_array_equal((x + 300).numpy(), [45, 46])
    for attempt in (lambda: x**300, lambda: pb.clamp(x, 300), lambda: pb.where(x > 1, x, 300)):
        with pytest.raises(RuntimeError, match="value cannot be converted to type uint8_t without overflow"):
            attempt()


@pytest.mark.parametrize("row", **by_name(ROWS))
def test_blocks_do_not_show(row):
    """A large array gives the bits that its pieces give one by one, over the borders of blocks."""
    if row.promotion == "bitwise":
        pytest.skip("integers")
    arrays = sample(row, 2 * 4096 // 4 + 333, dtype="float32")
    whole = call(row, arrays)
    for at in (0, 1, 15, 1021, 1024, 2047, len(whole) - 1):
        alone = call(row, [np.asarray(a[at]) for a in arrays])
        piece = call(row, [a[at : at + 5].copy() for a in arrays])
        assert alone.tobytes() == whole[at].tobytes()
        assert piece.tobytes() == whole[at : at + 5].tobytes()
