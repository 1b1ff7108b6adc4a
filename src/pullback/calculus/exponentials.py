"""Exponentials and logarithms, and the logistic function, which is the slope of log(1 + e**x)."""

from math import inf, nan
from math import log as _log

from .define import composed, elementwise
from .row import EVERYWHERE
from .selection import maximum, minimum, where, zmul

LN2, LN10 = _log(2), _log(10)
POSITIVE = (0.1, 4.0)

exp = elementwise("exp", lambda x, y: [y], "e ** input", complex=True)

# Not LN2 * y: the slope is in range a little longer than the value.
exp2 = elementwise(
    "exp2", lambda x, y: [2 * LN2 * exp2(x - 1)], "2 ** input", aliases="special.exp2", complex=True
)
# Not y + 1, which is 0 where y has been rounded to -1.
expm1 = elementwise(
    "expm1", lambda x, y: [exp(x)], "e ** input - 1, exact near 0", aliases="special.expm1", complex=True
)

log = elementwise(
    "log", lambda x, y: [1 / x], "The natural logarithm: -inf at 0, NaN below.", domain=POSITIVE, complex=True
)
log2 = elementwise(
    "log2",
    lambda x, y: [(1 / LN2) / x],
    "The logarithm to base 2: -inf at 0, NaN below.",
    domain=POSITIVE,
    complex=True,
)
log10 = elementwise(
    "log10",
    lambda x, y: [(1 / LN10) / x],
    "The logarithm to base 10: -inf at 0, NaN below.",
    domain=POSITIVE,
    complex=True,
)
log1p = elementwise(
    "log1p",
    lambda x, y: [1 / (1 + x)],
    "log(1 + input), exact near 0: -inf at -1, NaN below.",
    domain=(-0.9, 4),
    node="Log1PBackward0",
    aliases="special.log1p",
    complex=True,
)

# Not y * (1 - y): in the upper tail y is rounded to 1. A slope written in x keeps its precision in both tails, and so
# do the slopes of slopes.
sigmoid_slope = elementwise(
    "sigmoid_slope",
    lambda x, y: [-y * tanh(0.5 * x)],
    "e**-input / (1 + e**-input)**2, the slope of sigmoid.",
    forms="",
    accepts="floats",
    complex=True,
)
sigmoid = elementwise(
    "sigmoid",
    lambda x, y: [sigmoid_slope(x)],
    "The logistic function 1 / (1 + e**-input).",
    forms=EVERYWHERE + " nn",
    aliases="special.expit",
    complex=True,
)


tanh_slope = elementwise(
    "tanh_slope",
    lambda x, y: [-2 * y * tanh(x)],
    "1 / cosh(input)**2, the slope of tanh.",
    forms="",
    accepts="floats",
    complex=True,
)
tanh = elementwise(
    "tanh",
    lambda x, y: [tanh_slope(x)],  # not 1 - y * y, as for sigmoid
    "The hyperbolic tangent.",
    forms=EVERYWHERE + " nn",
    complex=True,
)

logaddexp = elementwise(
    "logaddexp",
    lambda a, b, y: [sigmoid(a - b), sigmoid(b - a)],
    "log(e**input + e**other), without overflow.",
    error=(4, lambda a, b, y: (a, b)),  # near its zeros
    accepts="floats",
    forms="function method out",
    kinks={(-inf, -inf): (nan, nan)},
    note="at two equal infinities the shares are undefined: NaN, as in PyTorch, unless the gradient is zero",
    complex=True,
)
logaddexp2 = elementwise(
    "logaddexp2",
    lambda a, b, y: [sigmoid(LN2 * (a - b)), sigmoid(LN2 * (b - a))],
    "log2(2**input + 2**other), without overflow.",
    error=(4, lambda a, b, y: (a, b)),
    accepts="floats",
    forms="function method out",
)

# x log y is 0 for x = 0 whatever y is: so is its slope in y, which `zmul` keeps where y = 0 makes 1/y
# infinite, without losing the mixed derivative 1/y, as a `where` would.
xlogy = elementwise(
    "xlogy",
    lambda a, b, y: [where((a == 0) & (b <= 0), 0, log(b)), zmul(a, 1 / b)],
    "input * log(other), and 0 where input is 0.",
    node=("XlogyBackward0", "XlogyBackward1", "XlogyBackward2"),
    domain=((-3, 3), POSITIVE),
    aliases="special.xlogy",
    kinks={(0, 0): (0, 0), (0, 2): (LN2, 0)},
    note="0 * log(b) is 0 for every b, so its slope in b is 0; in input, 0 where the logarithm has none",
    unlike_torch=(lambda a, b: (a == 0) & ((b == 0) | (b != b)), "PyTorch's slope in other is 0 / 0 = NaN"),
)
xlog1py = elementwise(
    "xlog1py",
    lambda a, b, y: [where((a == 0) & (b <= -1), 0, log1p(b)), zmul(a, 1 / (1 + b))],
    "input * log1p(other), and 0 where input is 0.",
    node=("SpecialXlog1PyBackward0", "SpecialXlog1PyBackward1", "SpecialXlog1PyBackward2"),
    domain=((-3, 3), (-0.9, 3)),
    forms="special",
    kinks={(0, -1): (0, 0)},
    note="0 * log1p(b) is 0 for every b, so its slope in b is 0; in input, 0 where the logarithm has none",
    unlike_torch=(lambda a, b: (a == 0) & ((b == -1) | (b != b)), "PyTorch's slope in other is 0 / 0 = NaN"),
)

# A function of its own, so that the slope of the slope is 0 at 1/2, and not what rounding leaves.
times_complement = elementwise(
    "times_complement",
    lambda x, y: [1 - 2 * x],
    "input * (1 - input)",
    forms="",
    accepts="floats",
    complex=True,
)
_LOGIT = {"domain": (0.1, 0.9), "signature": "input, eps=None", "node": "LogitBackward0"}
logit = composed(
    "logit",
    # From 1/4 to 3/4 the quotient is near 1, and its rounding would be all there is of the logarithm.
    lambda x: where(abs(x - 0.5) < 0.25, log1p((2 * x - 1) / (1 - x)), log(x / (1 - x))),
    lambda x, y: [where((x < 0) | (x > 1), nan, 1 / times_complement(x))],
    "log(input / (1 - input)), the inverse of sigmoid; NaN outside [0, 1].",
    aliases="special.logit",
    kinks={0: inf, 1: inf, 2: nan},
    note="infinite at its poles, NaN where the function is",
    **_LOGIT,
)
logit_clamped = composed(
    "logit_clamped",
    lambda x, eps: logit(minimum(maximum(x, eps), 1 - eps)),
    lambda x, eps, y: [where((x < eps) | (x > 1 - eps), 0, 1 / times_complement(x))],
    "The logit of input brought between eps and 1 - eps.",
    parameters={"eps": ...},
    variant_of="logit",
    when="eps is a number",
    **_LOGIT,
)
