"""The error that each row states, over all exponents: values against mpmath, with as many digits as they need."""

import math

import mpmath
import numpy as np
import pytest
from calculus import interpreter
from calculus.samples import PARAMETERS
from elementwise.support import FLOATS, by_name

import pullback as pb

mpf = mpmath.mpf


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def maximum(a, b):
    return a if a > b else b


def floor_quotient(a, b):
    return mpmath.floor(a / b)


def round_even(x):
    down = mpmath.floor(x)
    if x - down == 0.5:
        return down if int(down) % 2 == 0 else down + 1
    return mpmath.floor(x + 0.5)


def clamp(x, low, high):
    return min(max(x, low), high)


def sign(x):
    return mpf((x > 0) - (x < 0))


def hurwitz(n, x):
    shift = max(0, int(mpmath.floor(-x)) + 2)
    terms = sum(1 / (x + k) ** (n + 1) for k in range(shift))
    return mpmath.polygamma(n, x + shift) - (-1) ** n * mpmath.factorial(n) * terms


def smooth_l1(d, beta):
    return d * d / (2 * beta) if abs(d) < beta else abs(d) - beta / 2


def held_log(x):
    if x < 0:
        raise ValueError("outside of the domain")
    return maximum(mpmath.log(x), mpf(-100)) if x else mpf(-100)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
TANH_SCALE = math.sqrt(2 / math.pi)

# What each row means. Parameters come as the numbers that the kernels get.
TRUTH = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda x: -x,
    "abs": abs,
    "conj": lambda x: x,
    "add_scaled": lambda a, b, alpha: a + alpha * b,
    "sub_scaled": lambda a, b, alpha: a - alpha * b,
    "rsub": lambda a, b: b - a,
    "rsub_scaled": lambda a, b, alpha: b - alpha * a,
    "zmul": lambda a, b: a * b,
    "gmul": lambda a, b: a * b,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "one_minus_square": lambda x: 1 - x * x,
    "times_complement": lambda x: x - x * x,
    "sqrt": mpmath.sqrt,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "pow": mpmath.power,
    "fmod": lambda a, b: a - b * (sign(a / b) * mpmath.floor(abs(a / b))),
    "sign": sign,
    "sgn": sign,
    "exp": mpmath.exp,
    "exp2": lambda x: mpf(2) ** x,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "log10": lambda x: mpmath.log(x) / mpmath.log(10),
    "log1p": mpmath.log1p,
    "sigmoid": sigmoid,
    "sigmoid_slope": lambda x: sigmoid(x) * sigmoid(-x),
    "tanh": mpmath.tanh,
    "tanh_slope": lambda x: mpmath.sech(x) ** 2,
    "logaddexp": lambda a, b: maximum(a, b) + mpmath.log1p(mpmath.exp(-abs(a - b))),
    "logaddexp2": lambda a, b: maximum(a, b) + mpmath.log1p(mpf(2) ** -abs(a - b)) / mpmath.log(2),
    "xlogy": lambda a, b: a * mpmath.log(b),
    "xlog1py": lambda a, b: a * mpmath.log1p(b),
    "logit": lambda x: mpmath.log(x / (1 - x)),
    "logit_clamped": lambda x, eps: mpmath.log(clamp(x, eps, 1 - eps) / (1 - clamp(x, eps, 1 - eps))),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "asin": mpmath.asin,
    "acos": mpmath.acos,
    "atan": mpmath.atan,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "asinh": mpmath.asinh,
    "acosh": mpmath.acosh,
    "atanh": mpmath.atanh,
    "hypot": mpmath.hypot,
    "atan2": mpmath.atan2,
    "sinc": mpmath.sincpi,
    "deg2rad": mpmath.radians,
    "rad2deg": mpmath.degrees,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "erfinv": mpmath.erfinv,
    "lgamma": lambda x: mpmath.re(mpmath.loggamma(x)),
    "digamma": mpmath.digamma,
    "polygamma": lambda n, x: hurwitz(int(n), x),
    "relu": lambda x: maximum(x, mpf(0)),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "threshold": lambda x, threshold, value: x if x > threshold else value,
    "hardtanh": clamp,
    "relu6": lambda x: clamp(x, mpf(0), mpf(6)),
    "hardsigmoid": lambda x: clamp(x + 3, mpf(0), mpf(6)) / 6,
    "hardswish": lambda x: x * clamp(x + 3, mpf(0), mpf(6)) / 6,
    "hardshrink": lambda x, lambd: x if abs(x) > lambd else mpf(0),
    "softshrink": lambda x, lambd: sign(x) * maximum(abs(x) - lambd, mpf(0)),
    "elu": lambda x, alpha: x if x > 0 else alpha * mpmath.expm1(x),
    "celu": lambda x, alpha: x if x > 0 else alpha * mpmath.expm1(x / alpha),
    "selu": lambda x: mpf(SELU_SCALE) * (x if x > 0 else mpf(SELU_ALPHA) * mpmath.expm1(x)),
    "softplus": lambda x, beta, threshold: (
        x if beta * x > threshold else mpmath.log1p(mpmath.exp(beta * x)) / beta
    ),
    "logsigmoid": lambda x: -mpmath.log1p(mpmath.exp(-x)),
    "silu": lambda x: x * sigmoid(x),
    "silu_slope": lambda x: sigmoid(x) * (1 + x * sigmoid(-x)),
    "mish": lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x))),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "gelu_slope": lambda x: mpmath.ncdf(x) + x * mpmath.npdf(x),
    "gelu_tanh": lambda x: x * sigmoid(2 * mpf(TANH_SCALE) * (x + mpf(0.044715) * x**3)),
    "softsign": lambda x: x / (1 + abs(x)),
    "tanhshrink": lambda x: x - mpmath.tanh(x),
    "smooth_l1_loss": lambda x, t, beta: smooth_l1(x - t, beta),
    "huber_loss": lambda x, t, delta: delta * smooth_l1(x - t, delta),
    "binary_cross_entropy": lambda x, t: -t * held_log(x) - (1 - t) * held_log(1 - x),
    "binary_cross_entropy_with_logits": lambda x, t: (
        maximum(x, mpf(0)) - x * t + mpmath.log1p(mpmath.exp(-abs(x)))
    ),
    "lerp": lambda a, b, weight: a + weight * (b - a),
    "addcmul": lambda a, b, c, value: a + value * b * c,
    "addcdiv": lambda a, b, c, value: a + value * b / c,
    "maximum": maximum,
    "minimum": lambda a, b: -maximum(-a, -b),
    "fmax": maximum,
    "fmin": lambda a, b: -maximum(-a, -b),
    "clamp": clamp,
    "clamp_low": maximum,
    "clamp_high": lambda a, b: -maximum(-a, -b),
    "clamp_min": maximum,
    "clamp_max": lambda a, b: -maximum(-a, -b),
    "copysign": lambda a, b: abs(a) * (1 if b >= 0 else -1),
    "nan_to_num": lambda x, *replaced: x,
    "floor": mpmath.floor,
    "ceil": mpmath.ceil,
    "round": round_even,
    "trunc": lambda x: sign(x) * mpmath.floor(abs(x)),
    "frac": lambda x: x - sign(x) * mpmath.floor(abs(x)),
}
# Rows that jump, so that a rounded operand may stand on the other side; their kernels are tested for exact values.
JUMPS = {
    "floor_divide",
    "trunc_divide",
    "div_floor",
    "remainder",
    "nextafter",
    "heaviside",
    "round_decimals",
    "round_tens",
    "where",
}
ROWS = [
    r for r in interpreter.ROWS.values() if not r.boolean and r.promotion != "bitwise" and r.name not in JUMPS
]


def exponents(dtype, seed=0):
    """Numbers of all exponents and both signs, more of them around 1, and next to 0, 1 and 1/2."""
    information = np.finfo(dtype)
    rng = np.random.default_rng(seed)
    wide = rng.uniform(information.minexp - information.nmant, information.maxexp, 40)
    near = rng.uniform(-12, 10, 40)
    x = np.concatenate([2.0**wide, 2.0**near, rng.uniform(0, 110, 30), np.arange(0.5, 20, 1.5)])
    steps = 2.0 ** -np.arange(1, information.nmant, 5)
    x = np.concatenate([x, 1 - steps, 1 + steps, 0.5 + steps, 0.5 - steps[1:], [0.0]])
    x = np.concatenate([x, -x]).astype(dtype)
    x[x == 0] = 0  # one zero: mpmath has no other
    return x[np.isfinite(x)]


def operands_of(row, dtype):
    """Columns for the operands that are numbers: pairs are of all exponents, and such that cancel."""
    count = row.arity - len(row.parameters)
    x = exponents(dtype)
    if count == 1:
        return [x]
    rng = np.random.default_rng(1)
    columns = [np.concatenate([rng.permutation(x) for _ in range(2)]) for _ in range(count)]
    shifted = rng.permutation(len(x))[:100]  # nearly equal magnitudes
    for column, factor in zip(columns, (1, -1.01, 0.75), strict=False):
        column[: len(shifted)] = x[shifted] * np.array(factor, dtype) + 0  # no -0
    return columns


# Slow with many digits, and written so that they need no more than their results have.
STABLE = {"erf", "erfc", "erfinv", "gelu", "gelu_slope", "lgamma", "digamma", "polygamma"}


def digits_for(row, operands):
    """As many as cancel between operands of these magnitudes."""
    size = max([abs(math.log10(abs(x))) for x in operands if x] or [1])
    return 50 if row.name in STABLE else int(50 + 2.5 * size)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("row", **by_name(ROWS))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_values_are_as_exact_as_the_row_says(row, dtype):
    information = np.finfo(dtype)
    largest = float(information.max)
    columns = operands_of(row, dtype)
    given = dict(row.parameters) | PARAMETERS.get(row.name, {})
    given = {name: float(np.array(v, dtype)) if isinstance(v, float) else v for name, v in given.items()}

    def filled(values):
        values = iter(values)
        return [given[name] if name in given else next(values) for name in row.operands]

    got = row(*filled([pb.tensor(c) for c in columns])).numpy()
    tested = 0
    for *values, found in zip(*columns, got, strict=True):
        values = filled([float(v) for v in values])
        if row.name in ("sin", "cos", "tan", "sinc") and abs(values[0]) > 1e30:
            continue
        if (row.name == "pow" and abs(values[1]) > 1e4) or (row.name == "gelu_tanh" and abs(values[0]) > 1e6):
            continue
        if len(columns) > 1 and any(0 < abs(v) < float(information.tiny) for v in values if v is not None):
            continue  # products with what has lost its digits
        if row.name in ("lgamma", "digamma", "polygamma") and abs(values[-1]) > 200:
            continue
        with mpmath.workdps(digits_for(row, [v for v in values if v is not None])):
            try:
                arguments = [v if v is None or isinstance(v, int) else mpf(v) for v in values]
                exact = TRUTH[row.name](*arguments)
                if mpmath.im(exact) != 0 or not mpmath.isfinite(exact):
                    continue
                exact = mpmath.re(exact)
            except (ValueError, ZeroDivisionError, OverflowError, mpmath.libmp.NoConvergence):
                continue  # outside of the domain, or at a pole
            if abs(exact) > largest:
                assert abs(float(found)) >= 0.99 * largest, (values, found)
                continue
            units, beside = row.units_of([0.0 if v is None else v for v in values], float(exact))
            scale = min(max(abs(v) for v in beside if not math.isnan(v)), largest)
            if np.isinf(found) and any(abs(v) > largest for v in beside):
                continue  # a term is out of range, although the sum is not
            unit = float(np.spacing(np.array(scale).astype(dtype)))
            assert np.isfinite(found), (values, found, float(exact))
            error = float(abs(mpf(float(found)) - exact) / unit)
        assert error <= units, (values, found, float(exact), error)
        tested += 1
    assert tested > 50


def test_every_row_has_a_truth():
    assert {row.name for row in ROWS} <= set(TRUTH)
