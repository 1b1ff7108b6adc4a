"""Elementwise functions of halves: computed in float32, rounded after each function, wherever that happens."""

import numpy as np
import pytest
from deferral import deferral
from halves.rounding import HALVES, UNIT, bits_of, every, numbers, rounded, same, values_of

import pullback as pb

SIZES = [(7, 9), (300, 140)]  # at the call, and deferred
PAIRS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "fmax": np.fmax,
    "copysign": np.copysign,
}
ONES = {
    "neg": np.negative,
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "trunc": np.trunc,
}
ONES |= {
    "sqrt": np.sqrt,
    "square": np.square,
    "reciprocal": np.reciprocal,
    "sign": lambda a: np.nan_to_num(np.sign(a)),
}
CLOSE = {
    "exp": np.exp,
    "expm1": np.expm1,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "log": np.log,
    "log1p": np.log1p,
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", HALVES)
def test_functions_of_one_number(dtype):
    """Of every number there is."""
    a, x = every(dtype)
    for name, f in ONES.items():
        got = getattr(pb, name)(x)
        assert got.dtype is dtype
        np.testing.assert_array_equal(got.float().numpy(), rounded(f(a), dtype), err_msg=name)
    for name, f in CLOSE.items():
        # float32 itself is right to a few units: where that is next to the middle of two halves, either is right.
        got, wide = getattr(pb, name)(x).double().numpy(), f(a.astype(np.float64))
        low, high = rounded(wide * (1 - 2**-21), dtype), rounded(wide * (1 + 2**-21), dtype)
        ok = (got == low) | (got == high) | (np.isnan(got) & np.isnan(wide)) | (np.abs(got - wide) < 1e-40)
        assert ok.all(), (name, a[~ok][:5], got[~ok][:5])
    for name in ("isnan", "isinf", "isfinite", "signbit"):
        np.testing.assert_array_equal(getattr(pb, name)(x).numpy(), getattr(np, name)(a))


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("dtype", HALVES)
def test_functions_of_two(dtype, shape):
    (a, x), (b, y) = numbers(shape, dtype), numbers(shape, dtype, 1)
    row, column = y[:1], x[:, :1]
    for name, f in PAIRS.items():
        same(getattr(pb, name)(x, y), rounded(f(a, b), dtype))
        same(getattr(pb, name)(x, row), rounded(f(a, b[:1]), dtype))
        same(getattr(pb, name)(column, y.t().contiguous().t()), rounded(f(a[:, :1], b), dtype))
    for name, f in {"lt": np.less, "eq": np.equal, "ge": np.greater_equal}.items():
        np.testing.assert_array_equal(getattr(pb, name)(x, y).numpy(), f(a, b))
    same(pb.where(x > y, x, y), np.where(a > b, a, b))
    same(x.clamp(-0.5, 0.75), a.clip(-0.5, 0.75))
    # The formula of one function is rounded once.
    same(pb.addcmul(x, y, x, value=0.5), rounded(a + np.float32(0.5) * (b * a), dtype))
    same(pb.lerp(x, y, 0.25), rounded(a + np.float32(0.25) * (b - a), dtype))


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("dtype", HALVES)
def test_every_function_rounds(dtype, shape):
    """No register is wider than what would have been stored."""
    a, x = numbers(shape, dtype, scale=0.0)
    big = 2048 if dtype is pb.float16 else 256
    same(x + big + 1 - big, np.zeros_like(a))
    same((x + 1) / 3 * 3 - 1, rounded(rounded(rounded(np.float32(1) / 3, dtype) * 3, dtype) - a - 1, dtype))
    (a, x), (b, y) = numbers(shape, dtype, 2), numbers(shape, dtype, 3)
    r = lambda v: rounded(v, dtype)
    chained = ((x * 1.1 + y) * x - 0.3).relu().sqrt() + 1
    c = r(r(r(r(a * np.float32(1.1)) + b) * a) - r(np.float32(0.3)))
    same(chained, r(r(np.sqrt(np.maximum(c, 0))) + 1))
    z = x.clone()
    z.add_(y).mul_(1.5).sub_(0.25)
    same(z, r(r(r(a + b) * np.float32(1.5)) - np.float32(0.25)))
    # What is stored, and read on, is the same as what stays in a register.
    held = x * y
    same(held + x, r(r(a * b) + a))
    same(held, r(a * b))


@pytest.mark.parametrize("dtype", HALVES)
def test_deferred_is_what_is_computed_at_the_call(dtype):
    (_, x), (_, y) = numbers((40, 50), dtype, 4), numbers((40, 50), dtype, 5)
    programs = [
        lambda: ((x * y + x).tanh() * 1.7 - y).exp().sum(1),
        lambda: (x.float() * y + x).to(dtype) - y,
        lambda: (x - x.mean(0)).square().mean(1).sqrt(),
        lambda: (x.to(pb.bfloat16) * 3 + x).to(pb.float16) / y.float(),
        lambda: pb.where(x > 0, x * y, y / 3).softmax(1) * 5 + x.int(),
        lambda: ((x + y) * 0.5).max(1).values * x[:, 0],
        lambda: (x * 2).half().bfloat16().float().half() + x.abs().neg().relu(),
    ]
    for program in programs:
        with deferral(immediate=True):
            now = program()
            now = now.float().numpy()
        with deferral(least=1):
            np.testing.assert_array_equal(program().float().numpy(), now)


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("dtype", HALVES)
def test_numbers_beside_halves(dtype, shape):
    """As PyTorch takes them: factors and divisors as they are, what is added rounded first."""
    a, x = numbers(shape, dtype, 6)
    exact, narrow = np.float32(0.1), rounded(np.float32(0.1), dtype)
    for number in (0.1, pb.tensor(0.1), pb.tensor(0.1, dtype=pb.float64)):
        same(x * number, rounded(a * exact, dtype))
        same(x / number, rounded(a / exact, dtype))
        same(x + number, rounded(a + narrow, dtype))
        same(x - number, rounded(a - narrow, dtype))
    assert (pb.tensor(0.1, dtype=dtype) == 0.1) and not (pb.tensor(0.1, dtype=dtype) < 0.1)
    assert (x + 1).dtype is (x + 1.5).dtype is (x + True).dtype is (x + pb.tensor([1])).dtype is dtype
    assert (x + pb.tensor([1.0])).dtype is pb.float32 and (x + pb.tensor(1.0)).dtype is dtype


@pytest.mark.parametrize("dtype", HALVES)
def test_results_elsewhere(dtype):
    (a, x), (b, y) = numbers((20, 30), dtype, 7), numbers((20, 30), dtype, 8)
    out, wide = pb.empty(20, 30, dtype=dtype), pb.empty(20, 30)
    assert pb.add(x, y, out=out) is out
    same(out, rounded(a + b, dtype))
    same(pb.add(x, y, out=wide), rounded(a + b, dtype))  # narrow, then converted
    same(pb.zeros(20, 30).add_(x), a)
    same(pb.ones(20, 30, dtype=dtype).mul_(pb.tensor(a)), a)
    with pytest.raises(RuntimeError, match="^result type Half|^result type BFloat16"):
        pb.zeros(20, 30, dtype=pb.int64).add_(x)


@pytest.mark.parametrize("dtype", HALVES)
def test_what_halves_do_not_have(dtype):
    _, x = numbers((4, 4), dtype)
    kind = dtype._legacy_name
    for refused in (
        lambda: x & x,
        lambda: pb.gcd(x, x),
        lambda: pb.binomial(x.abs(), x),
    ):
        with pytest.raises(NotImplementedError, match=f"not implemented for '{kind}'"):
            refused()
    for refused in (
        lambda: pb.linalg.inv(x),
        lambda: pb.linalg.det(x),
        lambda: pb.linalg.svd(x),
        lambda: pb.linalg.eigh(x),
    ):
        with pytest.raises((RuntimeError, NotImplementedError), match=kind):
            refused()
    with pytest.raises(RuntimeError, match="either float or double"):
        x.quantile(0.5)


def test_both_meet_in_float32():
    x, y = pb.ones(3).half(), pb.ones(3).bfloat16()
    assert (x + y).dtype is pb.promote_types(pb.float16, pb.bfloat16) is pb.float32
    assert pb.cat([x, y]).dtype is pb.float32 and pb.result_type(x, y) is pb.float32
    assert pb.result_type(x, 1.5) is pb.float16 and pb.can_cast(pb.float32, pb.float16)


@pytest.mark.parametrize("dtype", HALVES)
def test_neighbours(dtype):
    """Of every number, towards every direction: bits count up from 0, so a neighbour's are one more or one less."""
    values, x = every(dtype)
    finite = ~np.isnan(values)
    bits = bits_of(values, dtype).astype(np.int32)
    size, negative = bits & 0x7FFF, bits >= 0x8000
    for to in (np.inf, -np.inf, 0.0, 1.0):
        up = np.where(size == 0, to > 0, negative == (to < values))  # whether it gets larger in size
        moved = np.where(
            size == 0, 1 | (0 if to > 0 else 0x8000), np.where(up, size + 1, size - 1) | (bits & 0x8000)
        )
        expected = np.where(values == to, np.float32(to), values_of(moved.astype(np.uint16), dtype))
        expected[~finite] = np.nan
        same(pb.nextafter(x, pb.tensor(to, dtype=dtype)), expected)
    assert (
        pb.nextafter(x, x.float()).dtype is pb.float32
        and pb.nextafter(x, pb.full_like(x, pb.nan)).isnan().all()
    )
    far = pb.tensor([pb.inf, -pb.inf, 1.0], dtype=dtype)
    same(pb.nextafter(far, 1.0), pb.nextafter(far, pb.tensor(1.0, dtype=dtype)).float().numpy())
    same(pb.nextafter(1.0, far), [1 + 2 * UNIT[dtype], 1 - UNIT[dtype], 1.0])
    one = pb.ones(2, dtype=dtype, requires_grad=True)
    y = pb.nextafter(one, pb.tensor([1.0, 2.0]).to(dtype))
    y.sum().backward()
    assert y.tolist() == [1.0, 1 + 2 * UNIT[dtype]] and one.grad.tolist() == [0.0, 1.0]
    assert one.detach().nextafter_(one * 0).tolist() == [1 - UNIT[dtype]] * 2


@pytest.mark.parametrize("dtype", HALVES)
def test_exponentials_of_matrices(dtype):
    a, x = numbers((3, 4, 4), dtype)
    same(pb.linalg.matrix_exp(x), rounded(pb.linalg.matrix_exp(pb.tensor(a)).numpy(), dtype))


@pytest.mark.parametrize("dtype", ["int32", "bool"])
def test_neighbours_are_not_written_into_whole_numbers(dtype):
    target = pb.zeros(2, dtype=getattr(pb, dtype))
    with pytest.raises(RuntimeError, match="result type BFloat16 can't be cast to the desired output type"):
        target.nextafter_(pb.ones(2, dtype=pb.bfloat16))
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        pb.ones(2, dtype=pb.float16).nextafter_(pb.ones(3, 2, dtype=pb.float16))
    assert target.tolist() == [0, 0]
