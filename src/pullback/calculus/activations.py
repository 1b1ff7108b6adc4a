"""The nonlinearities of neural networks. They live in nn.functional; some have a second home."""

from math import inf, pi, sqrt

from .define import composed, elementwise
from .exponentials import exp, expm1, logaddexp, sigmoid, sigmoid_slope, tanh, tanh_slope
from .selection import maximum, minimum, where

IN_PLACE = "nn nn-in-place inplace="
BOTH_HOMES = "function " + IN_PLACE


def _activation(name, formula, partials=None, doc="", *, accepts="floats", forms="nn", **about):
    return composed(name, formula, partials, doc, accepts=accepts, forms=forms, **about)


# Straight pieces. On a corner: the left slope of relu, leaky_relu and threshold, the flat one of the hard
# functions. Those are PyTorch's choices, and as there, conditions are put so that NaN takes the branch of x
# itself.

relu = _activation(
    "relu",
    lambda x: maximum(x, 0),
    lambda x, y: [y > 0],
    "max(input, 0)",
    promotion="arithmetic",
    accepts="numbers",
    refuses={"bool": "Boolean inputs not supported for relu"},
    forms="method in-place " + BOTH_HOMES,
    kinks={0: 0},
    note="0 at the corner, as PyTorch",
    unlike_torch=(lambda x: x != x, "NaN > 0 does not hold; PyTorch lets the gradient pass"),
)
leaky_relu = _activation(
    "leaky_relu",
    lambda x, negative_slope: where(x > 0, x, negative_slope * x),
    lambda x, negative_slope, y: [where(x > 0, 1, negative_slope)],
    "input where positive, negative_slope * input elsewhere.",
    parameters={"negative_slope": 0.01},
    forms=IN_PLACE,
    kinks={0: 0.01},
    note="negative_slope at the corner, as PyTorch",
)
threshold = _activation(
    "threshold",
    lambda x, threshold, value: where(x <= threshold, value, x),
    lambda x, threshold, value, y: [~(x <= threshold)],
    "input where above the threshold, value elsewhere.",
    parameters={"threshold": ..., "value": ...},
    fits=("threshold", "value"),
    promotion="arithmetic",
    accepts="numbers",
    forms=BOTH_HOMES,
)
hardtanh = _activation(
    "hardtanh",
    lambda x, min_val, max_val: minimum(maximum(x, min_val), max_val),
    lambda x, min_val, max_val, y: [~((x <= min_val) | (x >= max_val))],
    "input brought between min_val and max_val.",
    parameters={"min_val": -1.0, "max_val": 1.0},
    fits=("min_val", "max_val"),
    promotion="arithmetic",
    accepts="numbers",
    refuses={"bool": "Bool inputs not supported for hardtanh"},
    lies="like input",
    forms=IN_PLACE,
    kinks={-1: 0, 1: 0},
    note="0 at the corners, as PyTorch",
)
relu6 = _activation(
    "relu6",
    lambda x: minimum(maximum(x, 0), 6),
    lambda x, y: [~((x <= 0) | (x >= 6))],
    "min(max(input, 0), 6)",
    promotion="arithmetic",
    accepts="numbers",
    refuses={"bool": "Bool inputs not supported for hardtanh"},
    lies="like input",
    forms="nn inplace=",
    node="HardtanhBackward0",
    kinks={0: 0, 6: 0},
    note="0 at the corners, as PyTorch",
)
hardsigmoid = _activation(
    "hardsigmoid",
    lambda x: minimum(maximum(x + 3, 0), 6) / 6,
    lambda x, y: [where((x > -3) & (x < 3), 1 / 6, 0)],
    "relu6(input + 3) / 6",
    forms="nn inplace=",
    kinks={-3: 0, 3: 0},
    note="0 at the corners, as PyTorch",
)
hardswish = _activation(
    "hardswish",
    lambda x: x * (minimum(maximum(x + 3, 0), 6) / 6),
    lambda x, y: [where(x <= -3, 0, where(x < 3, x / 3 + 0.5, 1))],
    "input * relu6(input + 3) / 6",
    forms="nn inplace=",
    kinks={-3: 0, 3: 1},
    note="the outer slope at the corners, as PyTorch",
)
hardshrink = _activation(
    "hardshrink",
    lambda x, lambd: where((x >= -lambd) & (x <= lambd), 0, x),
    lambda x, lambd, y: [~((x >= -lambd) & (x <= lambd))],
    "input, but 0 between -lambd and lambd.",
    parameters={"lambd": 0.5},
    forms="function method out nn",
    kinks={-0.5: 0, 0.5: 0},
    note="0 at the jumps, as PyTorch",
)
softshrink = _activation(
    "softshrink",
    lambda x, lambd: where(x > lambd, x - lambd, where(x < -lambd, x + lambd, 0 * x)),  # 0 * x: NaN stays NaN
    lambda x, lambd, y: [~((x >= -lambd) & (x <= lambd))],
    "input moved towards 0 by lambd, and 0 between -lambd and lambd.",
    parameters={"lambd": 0.5},
    forms="nn nn-out",
    kinks={-0.5: 0, 0.5: 0},
    note="0 at the corners, as PyTorch",
)

# Exponential tails.

elu = _activation(
    "elu",
    lambda x, alpha: where(x <= 0, alpha * expm1(x), x),
    lambda x, alpha, y: [where(x <= 0, alpha * exp(x), 1)],
    "input where positive, alpha * (e**input - 1) elsewhere.",
    parameters={"alpha": 1.0},
    forms=IN_PLACE,
)
celu = _activation(
    "celu",
    lambda x, alpha: where(x <= 0, alpha * expm1(x / alpha), x),
    lambda x, alpha, y: [where(x <= 0, exp(x / alpha), 1)],
    "input where positive, alpha * (e**(input / alpha) - 1) elsewhere.",
    parameters={"alpha": 1.0},
    forms=BOTH_HOMES,
)
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
selu = _activation(
    "selu",
    lambda x: where(x <= 0, _SELU_SCALE * _SELU_ALPHA * expm1(x), _SELU_SCALE * x),
    lambda x, y: [where(x <= 0, _SELU_SCALE * _SELU_ALPHA * exp(x), _SELU_SCALE)],
    "scale * elu(input, alpha), with the constants that keep mean 0 and variance 1 (arXiv:1706.02515).",
    forms=BOTH_HOMES,
    node="EluBackward0",
    kinks={0: _SELU_SCALE * _SELU_ALPHA},
    note="the left slope at the corner, as PyTorch",
)
softplus = _activation(
    "softplus",
    lambda x, beta, threshold: where(beta * x > threshold, x, logaddexp(beta * x, 0) / beta),
    lambda x, beta, threshold, y: [where(beta * x > threshold, 1, sigmoid(beta * x))],
    "log(1 + e**(beta * input)) / beta, and input itself where beta * input is above the threshold.",
    parameters={"beta": 1.0, "threshold": 20.0},
    error=(4, lambda x, beta, threshold, y: (beta * x * y,)),  # the exponential of a product
    forms="nn nn-out",
)
logsigmoid = _activation(
    "logsigmoid",
    lambda x: -logaddexp(-x, 0),
    doc="log(sigmoid(input)), without underflow.",
    lies="row-major",
    forms="nn nn-out",
    node="LogSigmoidBackward0",
)

# Gates: input times a smooth step. Where the step is saturated its slope is an exact 0, which stays 0 times an
# infinite input. Kernels of their own compute value and slope from one exponential, and do not subtract in the tails.

_AT_INFINITY = (lambda x: abs(x) == inf, "PyTorch's is infinity times 0, or over infinity: NaN")


def _gate(name, partials, doc="", *, forms="nn", **about):
    return elementwise(name, partials, doc, accepts="floats", forms=forms, **about)


def _within(x, bound):
    """x, or the bound from where on the step is saturated, its slope is an exact 0, and powers of x would overflow."""
    return minimum(maximum(x, -bound), bound)


silu_slope = _gate(
    "silu_slope",
    lambda x, y: [sigmoid_slope(x) * (2 - _within(x, 1000) * tanh(0.5 * x))],
    "The slope of silu.",
    error=(4, lambda x, y: (0.25 * (abs(x) < 3),)),  # near its zero
    forms="",
)
silu = _gate(
    "silu",
    lambda x, y: [silu_slope(x)],
    "input * sigmoid(input), also called swish.",
    forms="nn inplace=",
    unlike_torch=_AT_INFINITY,
    complex=True,
)


def _mish_slope(x):
    soft = logaddexp(x, 0)
    return tanh(soft) + tanh_slope(soft) * sigmoid(x) * _within(x, 1000)


mish = _gate(
    "mish",
    lambda x, y: [_mish_slope(x)],
    "input * tanh(softplus(input)) (arXiv:1908.08681).",
    forms="nn inplace=",
    unlike_torch=_AT_INFINITY,
)


def _gelu_curvature(x):
    square = x * x
    return 1 / sqrt(2 * pi) * exp(-0.5 * square) * (2 - square)


gelu_slope = _gate(
    "gelu_slope",
    lambda x, y: [_gelu_curvature(_within(x, 100))],
    "The slope of gelu.",
    error=(4, lambda x, y: (0.25 * (abs(x) < 3),)),
    forms="",
)
gelu = _gate(
    "gelu",
    lambda x, y: [gelu_slope(x)],
    "input times the normal distribution function (arXiv:1606.08415).",
    signature='input, approximate="none"',
    forms="nn nn-out",
    unlike_torch=_AT_INFINITY,
)
_GELU_SCALE, _GELU_CUBE = sqrt(2 / pi), 0.044715


def _gelu_exponent(x):
    return 2 * _GELU_SCALE * (x + _GELU_CUBE * x * x * x)


def _gelu_tanh_slope(x):
    x = _within(x, 100)
    exponent = _gelu_exponent(x)
    inner = 2 * _GELU_SCALE * (1 + 3 * _GELU_CUBE * x * x)
    return sigmoid(exponent) + sigmoid_slope(exponent) * (x * inner)


gelu_tanh = _activation(
    "gelu_tanh",
    lambda x: x * sigmoid(_gelu_exponent(x)),  # (1 + tanh(u)) / 2 is sigmoid(2 * u)
    lambda x, y: [_gelu_tanh_slope(x)],
    "gelu with the normal distribution function approximated by tanh.",
    signature='input, approximate="tanh"',
    error=(4, lambda x, y: (y * _gelu_exponent(x),)),
    forms="nn nn-out",
    node="GeluBackward0",
    variant_of="gelu",
    when='approximate="tanh"',
    unlike_torch=_AT_INFINITY,
)

# Rational and difference forms; in PyTorch they are two nodes, named here by the last.


def _softsign_slope(x):
    step = 1 / (1 + abs(x))
    return step * step


softsign = _activation(
    "softsign",
    lambda x: x / (1 + abs(x)),
    lambda x, y: [_softsign_slope(x)],
    "input / (1 + |input|)",
    accepts="numbers",
    node="DivBackward0",
    kinks={0: 1},
    note="smooth: the slope at 0 is 1",
    unlike_torch=(
        lambda x: abs(x) > 1e15,
        "PyTorch squares |input| and cancels; at infinity its slope is NaN",
    ),
    complex=True,
)


def _tanhshrink_slope(x):
    step = tanh(x)
    return step * step


tanhshrink = elementwise(
    "tanhshrink",
    lambda x, y: [_tanhshrink_slope(x)],
    "input - tanh(input)",
    accepts="numbers",
    forms="nn",
    node="SubBackward0",
    complex=True,
)
