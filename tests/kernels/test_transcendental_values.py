"""Transcendental and special functions against mpmath, and their values at the edges."""

import math

import mpmath
import numpy as np
import pytest
from kernels.harness import ROWS, SPECIAL, TYPES, bits, run

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

ORDINARY, UNIT, POSITIVE = (-20, 20), (-1, 1), (1e-3, 50)
TRANSCENDENTAL = {
    "exp": (mpmath.exp, (-80, 80)),
    "exp2": (lambda x: mpmath.mpf(2) ** x, (-120, 120)),
    "expm1": (mpmath.expm1, ORDINARY),
    "log": (mpmath.log, POSITIVE),
    "log2": (lambda x: mpmath.log(x, 2), POSITIVE),
    "log10": (mpmath.log10, POSITIVE),
    "log1p": (mpmath.log1p, (-0.9, 50)),
    "sin": (mpmath.sin, ORDINARY),
    "cos": (mpmath.cos, ORDINARY),
    "tan": (mpmath.tan, ORDINARY),
    "asin": (mpmath.asin, UNIT),
    "acos": (mpmath.acos, UNIT),
    "atan": (mpmath.atan, ORDINARY),
    "sinh": (mpmath.sinh, ORDINARY),
    "cosh": (mpmath.cosh, ORDINARY),
    "tanh": (mpmath.tanh, ORDINARY),
    "asinh": (mpmath.asinh, ORDINARY),
    "acosh": (mpmath.acosh, (1, 50)),
    "atanh": (mpmath.atanh, UNIT),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), (-80, 80)),
    "erf": (mpmath.erf, (-5, 5)),
    "erfc": (mpmath.erfc, (-5, 9)),
    "atan2": (mpmath.atan2, ORDINARY),
    "hypot": (mpmath.hypot, ORDINARY),
    "pow": (mpmath.power, (0.01, 8)),
    "xlogy": (lambda x, y: x * mpmath.log(y), POSITIVE),
    "xlog1py": (lambda x, y: x * mpmath.log1p(y), POSITIVE),
    "erfinv": (mpmath.erfinv, UNIT),
    "lgamma": (lambda x: mpmath.re(mpmath.loggamma(x)), (-8, 30)),
    "digamma": (mpmath.digamma, (-8, 30)),
}
# Near a zero of the function that is no zero of the argument, the error is relative to the terms.
ABSOLUTE = {"digamma": 4e-15, "lgamma": 4e-16}
TOLERATED_ULP = {"erfinv": 6, "digamma": 12}


def ulps(got, exact, dtype):
    spacing = np.spacing(np.abs(np.array([float(v) for v in exact]).astype(dtype))).astype(float)
    return np.array([float(abs(mpmath.mpf(float(g)) - e)) for g, e in zip(got, exact, strict=True)]) / spacing


@pytest.mark.parametrize("dtype", TYPES["Floats"])
@pytest.mark.parametrize("name", TRANSCENDENTAL)
def test_transcendental_functions_are_within_four_ulp(name, dtype):
    function, (low, high) = TRANSCENDENTAL[name]
    rng = np.random.default_rng(11)
    operands = [rng.uniform(low, high, 300).astype(dtype) for _ in range(ROWS[name][0])]
    with mpmath.workdps(40):
        exact = [function(*(mpmath.mpf(float(v)) for v in values)) for values in zip(*operands, strict=True)]
        got = run(name, dtype, operands)
        error = ulps(got, exact, dtype)
        absolute = np.array([float(abs(mpmath.mpf(float(g)) - e)) for g, e in zip(got, exact, strict=True)])
    fine = (error <= TOLERATED_ULP.get(name, 4)) | (absolute <= ABSOLUTE.get(name, 0))
    assert fine.all(), [(float(x), float(e)) for x, e in zip(operands[0][~fine], error[~fine], strict=True)]


def edges_of(name, dtype):
    """Where our own functions change how they compute, and what lies beside."""
    information = np.finfo(dtype)
    least, largest = float(information.smallest_subnormal), float(information.max)
    powers = 2.0 ** np.arange(information.minexp + 1, information.maxexp, 37)
    if name == "log":
        middles = [math.sqrt(0.5), 1, math.sqrt(2), 0.75, 2, 1e-3]
        x = [*np.outer(middles, powers).ravel(), least, 3 * least, float(information.tiny), largest]
    else:
        steps = np.arange(-40, 41) * math.log(2) / 2
        x = [*steps, *powers[powers < 600], 1.375, 3.83, 4, 6, 19.06, 20, 21, least]
        if name.startswith("exp"):
            base = 2 if name == "exp2" else math.e
            limits = [math.log(v, base) for v in (least, 8 * least, float(information.tiny), largest)]
            x += [v * (1 - 1e-6) for v in limits]
        x = [*x, *(-v for v in x)]
    x = np.array(x).astype(dtype)
    x = np.concatenate([x, *(np.nextafter(x, np.array(v, dtype)) for v in (-np.inf, np.inf))])
    x = x[np.isfinite(x) & (x > 0)] if name == "log" else x[np.isfinite(x)]
    return x


@pytest.mark.parametrize("dtype", TYPES["Floats"])
@pytest.mark.parametrize("name", ["exp", "exp2", "log", "sigmoid", "tanh", "erf"])
def test_the_edges_of_argument_reductions(name, dtype):
    x = edges_of(name, dtype)
    with mpmath.workdps(40):
        exact = [TRANSCENDENTAL[name][0](mpmath.mpf(float(v))) for v in x]
        finite = np.array([abs(e) <= float(np.finfo(dtype).max) for e in exact])
        x, exact = x[finite], [e for e, fine in zip(exact, finite, strict=True) if fine]
        error = ulps(run(name, dtype, [x]), exact, dtype)
    assert error.max() <= (1 if name in ("exp", "exp2", "log") else 3), x[error.argmax()]


def test_the_roots_of_lgamma_and_digamma_keep_relative_accuracy():
    x = np.concatenate([s * 10.0 ** np.arange(-12, -1) + c for c in (1, 2) for s in (-1, 1)])
    with mpmath.workdps(40):
        exact = [mpmath.loggamma(mpmath.mpf(float(v))) for v in x]
        assert ulps(run("lgamma", "float64", [x]), exact, "float64").max() < 6
        root = 1.4616321449683622 + np.array([-1e-3, -1e-9, 0, 1e-12, 1e-5])
        exact = [mpmath.digamma(mpmath.mpf(float(v))) for v in root]
        assert ulps(run("digamma", "float64", [root]), exact, "float64").max() < 12


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5, 10, 30])
def test_polygamma(order):
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(0, 12, 60), 10 ** rng.uniform(-3, 3, 40), rng.uniform(-6, 0, 40)])
    with mpmath.workdps(40):
        exact = []
        for v in map(mpmath.mpf, map(float, x)):
            shift = max(0, int(mpmath.floor(-v)) + 2)
            terms = sum(1 / (v + k) ** (order + 1) for k in range(shift))
            exact.append(mpmath.polygamma(order, v + shift) - (-1) ** order * mpmath.factorial(order) * terms)
        got = run("polygamma", "float64", [np.array([float(order)]), x], 1)
        relative = [float(abs((mpmath.mpf(float(g)) - e) / e)) for g, e in zip(got, exact, strict=True)]
    assert max(relative) < 1e-13 if order in (0, 2) else max(relative) < 1e-14
    special = run(
        "polygamma", "float64", [np.array([float(order)]), np.array([np.inf, np.nan, -np.inf, -2.0])], 1
    )
    assert special[0] == (np.inf if order == 0 else 0)
    assert np.isnan(special[1:3]).all()
    assert np.isnan(special[3]) if order == 0 else special[3] == (np.inf if order % 2 else -np.inf)


SPECIAL_VALUES = {
    # argument: result
    "exp": {-np.inf: 0.0, np.inf: np.inf, -0.0: 1, 1000: np.inf, -1000: 0.0},
    "exp2": {-np.inf: 0.0, np.inf: np.inf, 0.0: 1, 3: 8, -1: 0.5, 5000: np.inf, -5000: 0.0},
    "expm1": {-np.inf: -1, np.inf: np.inf, -0.0: -0.0},
    "log": {0.0: -np.inf, -1: np.nan, np.inf: np.inf, 1: 0.0, -np.inf: np.nan},
    "log2": {0.0: -np.inf, -1: np.nan, np.inf: np.inf, 8: 3},
    "log10": {0.0: -np.inf, -1: np.nan, np.inf: np.inf, 1: 0.0},
    "log1p": {-1: -np.inf, -2: np.nan, np.inf: np.inf, -0.0: -0.0},
    "sin": {-0.0: -0.0, np.inf: np.nan},
    "cos": {-0.0: 1, np.inf: np.nan},
    "tan": {-0.0: -0.0, np.inf: np.nan},
    "asin": {-0.0: -0.0, 2: np.nan},
    "acos": {1: 0.0, 2: np.nan},
    "atan": {-0.0: -0.0},
    "sinh": {-0.0: -0.0, -np.inf: -np.inf},
    "cosh": {-np.inf: np.inf},
    "tanh": {-0.0: -0.0, np.inf: 1, -np.inf: -1},
    "asinh": {-0.0: -0.0, -np.inf: -np.inf},
    "acosh": {1: 0.0, 0.5: np.nan, np.inf: np.inf},
    "atanh": {-0.0: -0.0, 1: np.inf, -1: -np.inf, 2: np.nan},
    "sigmoid": {-np.inf: 0.0, np.inf: 1, 0.0: 0.5},
    "erf": {-0.0: -0.0, np.inf: 1, -np.inf: -1},
    "erfc": {np.inf: 0.0, -np.inf: 2},
    "erfinv": {-0.0: -0.0, 1: np.inf, -1: -np.inf, 2: np.nan},
    "lgamma": {0.0: np.inf, -3: np.inf, np.inf: np.inf, -np.inf: np.inf, 1: 0.0, 2: 0.0},
    "digamma": {0.0: -np.inf, -1: np.nan, np.inf: np.inf, -np.inf: np.nan},
    "logaddexp": {
        (-np.inf, -np.inf): -np.inf,
        (np.inf, np.inf): np.inf,
        (np.inf, -np.inf): np.inf,
        (-np.inf, 3): 3,
    },
    "logaddexp2": {(-np.inf, -np.inf): -np.inf, (np.inf, np.inf): np.inf, (-np.inf, 3): 3, (1, 1): 2},
    "xlogy": {
        (0, 0): 0.0,
        (0, np.inf): 0.0,
        (0, np.nan): np.nan,
        (0, -1): 0.0,
        (2, 0): -np.inf,
        (2, -1): np.nan,
    },
    "xlog1py": {(0, -1): 0.0, (0, np.nan): np.nan, (2, -1): -np.inf},
}


@pytest.mark.parametrize("dtype", TYPES["Floats"])
@pytest.mark.parametrize("name", SPECIAL_VALUES)
def test_special_values(name, dtype):
    for arguments, expected in [*SPECIAL_VALUES[name].items(), ((np.nan,) * ROWS[name][0], np.nan)]:
        operands = [np.array([v], dtype) for v in np.atleast_1d(arguments)]
        got = run(name, dtype, operands)
        assert bits(got) == bits(np.array([expected], dtype)), (arguments, got[0])


@pytest.mark.parametrize("dtype", TYPES["Floats"])
def test_the_side_of_zero(dtype):
    minus_zero = [np.array([-0.0], dtype)]
    assert run("log", dtype, minus_zero) == -np.inf
    assert run("digamma", dtype, minus_zero) == np.inf
    assert run("reciprocal", dtype, minus_zero) == -np.inf


@pytest.mark.parametrize("dtype", TYPES["Floats"])
@pytest.mark.parametrize("name, base", [("logaddexp", math.e), ("logaddexp2", 2)])
def test_logarithms_of_sums(name, base, dtype):
    """Near 0 the rounding of the operands outweighs the result: errors are measured against the operands."""
    rng = np.random.default_rng(6)
    x, y = (rng.normal(size=400).astype(dtype) * 20 for _ in range(2))
    got = run(name, dtype, [x, y])
    with mpmath.workdps(40):
        terms = [(mpmath.mpf(float(a)), mpmath.mpf(float(b))) for a, b in zip(x, y, strict=True)]
        log_base = mpmath.log(2) if base == 2 else 1
        exact = [mpmath.log(mpmath.exp(a * log_base) + mpmath.exp(b * log_base)) / log_base for a, b in terms]
    error = np.abs(got.astype(float) - np.array([float(v) for v in exact]))
    assert (error <= 2 * np.finfo(dtype).eps * np.maximum(1, np.maximum(abs(x), abs(y)))).all()


@pytest.mark.parametrize("dtype", TYPES["Floats"])
@pytest.mark.parametrize("name, reference", [("pow", np.power), ("atan2", np.arctan2), ("hypot", np.hypot)])
def test_pairs_of_special_values(name, reference, dtype):
    pairs = np.array([(a, b) for a in SPECIAL for b in SPECIAL]).astype(dtype)
    x, y = (np.ascontiguousarray(column) for column in pairs.T)
    got, expected = run(name, dtype, [x, y]), reference(x, y)
    information = np.finfo(dtype)
    np.testing.assert_allclose(
        got, expected, rtol=4 * information.eps, atol=4 * information.smallest_subnormal
    )
    ordinary = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got)[ordinary], np.signbit(expected)[ordinary])


@pytest.mark.parametrize("dtype", TYPES["Floats"])
@pytest.mark.parametrize("exponent", [2, 3, 1, -1, 0.5])
def test_common_powers_are_products_quotients_and_roots(exponent, dtype):
    """Whether the exponent is one number for all or an element of its own; (-inf) ** 0.5 is inf, as in C."""
    base = np.concatenate([np.random.default_rng(3).uniform(-30, 30, 200), SPECIAL]).astype(dtype)
    one = run("pow", dtype, [base, np.array([exponent], dtype)], single=2)
    each = run("pow", dtype, [base, np.full(len(base), exponent, dtype)])
    np.testing.assert_array_equal(bits(one), bits(each))
    expected = {2: base * base, 3: base * base * base, 1: base, -1: 1 / base}.get(exponent)
    if expected is None:
        expected = np.where(base == -np.inf, np.inf, np.sqrt(base + 0.0)).astype(dtype)
    np.testing.assert_array_equal(one, expected)
    assert (np.signbit(one) == np.signbit(expected))[~np.isnan(one)].all()
    with np.errstate(all="ignore"):
        c_pow = [
            float(mpmath.power(b, exponent)) if 0 < b < np.inf else float(e)
            for b, e in zip(base.tolist(), expected, strict=True)
        ]
    np.testing.assert_allclose(one, np.array(c_pow).astype(dtype), rtol=2e-7 if dtype == "float32" else 4e-16)
