"""Exponentials and logarithms, and the logistic function, which is the slope of log(1 + e**x)."""

from math import inf, nan
from math import log as _log

from .define import EVERYWHERE, composed, elementwise
from .selection import maximum, minimum, where, zmul

LN2, LN10 = _log(2), _log(10)
POSITIVE = (0.1, 4.0)

exp = elementwise("exp", lambda x, y: [y], "e ** input")
exp2 = elementwise("exp2", lambda x, y: [LN2 * y], "2 ** input", aliases="special.exp2")
expm1 = elementwise("expm1", lambda x, y: [y + 1], "e ** input - 1, exact near 0", aliases="special.expm1")

log = elementwise("log", lambda x, y: [1 / x], "The natural logarithm.", domain=POSITIVE)
log2 = elementwise("log2", lambda x, y: [1 / (LN2 * x)], "The logarithm to base 2.", domain=POSITIVE)
log10 = elementwise("log10", lambda x, y: [1 / (LN10 * x)], "The logarithm to base 10.", domain=POSITIVE)
log1p = elementwise(
    "log1p",
    lambda x, y: [1 / (1 + x)],
    "log(1 + input), exact near 0.",
    domain=(-0.9, 4),
    node="Log1PBackward0",
    aliases="special.log1p",
)

sigmoid = elementwise(
    "sigmoid",
    lambda x, y: [y * (1 - y)],
    "The logistic function 1 / (1 + e**-input).",
    forms=EVERYWHERE + " nn",
    aliases="special.expit",
)

logaddexp = elementwise(
    "logaddexp",
    lambda a, b, y: [sigmoid(a - b), sigmoid(b - a)],
    "log(e**input + e**other), without overflow.",
    accepts="floats",
    forms="function method out",
    kinks={(-inf, -inf): (nan, nan)},
    note="at two equal infinities the shares are undefined: NaN, as in PyTorch, unless the gradient is zero",
)
logaddexp2 = elementwise(
    "logaddexp2",
    lambda a, b, y: [sigmoid(LN2 * (a - b)), sigmoid(LN2 * (b - a))],
    "log2(2**input + 2**other), without overflow.",
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
    note="as xlogy",
    unlike_torch=(lambda a, b: (a == 0) & ((b == -1) | (b != b)), "PyTorch's slope in other is 0 / 0 = NaN"),
)

_LOGIT = {"domain": (0.1, 0.9), "signature": "input, eps=None", "node": "LogitBackward0"}
logit = composed(
    "logit",
    lambda x: log(x / (1 - x)),
    lambda x, y: [where((x < 0) | (x > 1), nan, 1 / (x * (1 - x)))],
    "log(input / (1 - input)), the inverse of sigmoid; NaN outside [0, 1].",
    aliases="special.logit",
    kinks={0: inf, 1: inf, 2: nan},
    note="infinite at its poles, NaN where the function is",
    **_LOGIT,
)
logit_clamped = composed(
    "logit_clamped",
    lambda x, eps: logit(minimum(maximum(x, eps), 1 - eps)),
    lambda x, eps, y: [where((x < eps) | (x > 1 - eps), 0, 1 / (x * (1 - x)))],
    "The logit of input brought between eps and 1 - eps.",
    parameters={"eps": ...},
    variant_of="logit",
    when="eps is a number",
    **_LOGIT,
)
