"""Choosing between values: where, maximum, clamp; interpolation; `zmul`, the product that applies partials.

Where operands tie, PyTorch's shares hold, so that scripts give the same numbers here: `maximum` halves,
`fmax` gives all to its first operand, `clamp` all to its input.
"""

from math import inf, nan

from .comparisons import isfinite, isnan, isneginf, isposinf
from .define import composed, elementwise
from .row import EVERYWHERE, METHOD

MINMAX = "function method out"

zmul = elementwise(
    "zmul",
    lambda g, p, y: [p, g],
    "g where g is 0, and g * p elsewhere: a zero gradient stays zero, however infinite the partial.",
    signature="gradient, partial",
    promotion="arithmetic",
    node="MulBackward0",
    forms="",
    gradients=("g",),
    note="bilinear, and differentiated as such: a `where` would lose its derivative in g wherever g is 0",
    complex=True,
)

# In a derivative of a derivative the partial of zmul in p is g, a gradient: if it is 0, the branch was not taken, and
# no cotangent may make NaN of it, however infinite.
gmul = elementwise(
    "gmul",
    lambda g, h, y: [h, g],
    "The product of two gradients: 0 where either is.",
    signature="gradient, other",
    promotion="arithmetic",
    node="MulBackward0",
    forms="",
    gradients=("g", "h"),
    note="bilinear; where a factor is 0, no other one makes NaN of it",
    complex=True,
)

where = elementwise(
    "where",
    lambda condition, a, b, y: [None, condition, ~condition],
    "`input` where the condition holds, `other` elsewhere.",
    signature="condition, input, other",
    promotion="where",
    fits=("a", "b"),
    forms=METHOD,
    complex=True,
)


def _share_of_larger(a, b):
    """The first operand's share of maximum(a, b); all of it at NaN, as in PyTorch."""
    return where(a == b, 0.5, where(a < b, 0, 1))


maximum = elementwise(
    "maximum",
    lambda a, b, y: [_share_of_larger(a, b), _share_of_larger(b, a)],
    "The larger of two; NaN if either is.",
    promotion="arithmetic",
    forms=MINMAX,
    kinks={(1, 1): (0.5, 0.5), (nan, 1): (1, 1)},
    note="a tie is shared evenly",
)
minimum = elementwise(
    "minimum",
    lambda a, b, y: [_share_of_larger(b, a), _share_of_larger(a, b)],
    "The smaller of two; NaN if either is.",
    promotion="arithmetic",
    forms=MINMAX,
    kinks={(1, 1): (0.5, 0.5), (nan, 1): (1, 1)},
    note="a tie is shared evenly",
)
fmax = elementwise(
    "fmax",
    lambda a, b, y: [(a >= b) | isnan(b), ~((a >= b) | isnan(b))],
    "The larger of two; the other one if one is NaN.",
    promotion="arithmetic",
    forms=MINMAX,
    kinks={(1, 1): (1, 0), (nan, 1): (0, 1), (1, nan): (1, 0)},
    note="a tie goes to the first operand",
)
fmin = elementwise(
    "fmin",
    lambda a, b, y: [(a <= b) | isnan(b), ~((a <= b) | isnan(b))],
    "The smaller of two; the other one if one is NaN.",
    promotion="arithmetic",
    forms=MINMAX,
    kinks={(1, 1): (1, 0), (nan, 1): (0, 1), (1, nan): (1, 0)},
    note="a tie goes to the first operand",
)


# A bound may be a tensor and then has a gradient too. Where it is met exactly, the input keeps it.


def _clamp(name, **about):
    return composed(
        name,
        lambda x, low, high: minimum(maximum(x, low), high),
        lambda x, low, high, y: [
            (x >= low) & (x <= high),
            (x < low) & (low < high),
            (x > high) | (high < low),
        ],
        "`input` brought between two bounds; `max` where they cross.",
        signature="input, min=None, max=None",
        promotion="arithmetic",
        accepts="numbers",
        domain=((-3, 3), (-2, 0), (0, 2)),
        fits=("low", "high"),
        apart=("low", "high"),
        kinks={(0, 0, 1): (1, 0, 0), (1, 0, 1): (1, 0, 0), (0, 3, 2): (0, 0, 1)},
        note="the input keeps the gradient on the bounds; of bounds that cross, the upper one wins",
        **about,
    )


def _clamp_low(name, signature, **about):
    return composed(
        name,
        lambda x, low: maximum(x, low),
        lambda x, low, y: [x >= low, x < low],
        "`input`, or the bound where that is larger.",
        signature=signature,
        promotion="arithmetic",
        fits=("low",),
        apart=("low", "high"),
        kinks={(1, 1): (1, 0)},
        note="the input keeps the gradient on the bound",
        **about,
    )


def _clamp_high(name, signature, **about):
    return composed(
        name,
        lambda x, high: minimum(x, high),
        lambda x, high, y: [x <= high, x > high],
        "`input`, or the bound where that is smaller.",
        signature=signature,
        promotion="arithmetic",
        fits=("high",),
        apart=("low", "high"),
        kinks={(1, 1): (1, 0)},
        note="the input keeps the gradient on the bound",
        **about,
    )


_CLAMP = ("ClampBackward0", "ClampBackward0", "ClampBackward1")
clamp = _clamp("clamp", node=(*_CLAMP, "ClampBackward1"), aliases="clip")
clamp_low = _clamp_low("clamp_low", "input, min", node=_CLAMP, variant_of="clamp", when="max=None")
clamp_high = _clamp_high("clamp_high", "input, max", node=_CLAMP, variant_of="clamp", when="min=None")
clamp_min = _clamp_low(
    "clamp_min", "input, min", node=("ClampMinBackward1", "ClampMinBackward1", "ClampMinBackward0")
)
clamp_max = _clamp_high(
    "clamp_max", "input, max", node=("ClampMaxBackward1", "ClampMaxBackward1", "ClampMaxBackward0")
)

lerp = composed(
    "lerp",
    # From the nearer end, so that weights 0 and 1 give the ends exactly.
    lambda a, b, weight: where(abs(weight) < 0.5, a + weight * (b - a), b - (b - a) * (1 - weight)),
    lambda a, b, weight, y: [1 - weight, weight, b - a],
    "The point at `weight` on the way from `input` (0) to `end` (1).",
    error=(4, lambda a, b, weight, y: (a, b, weight * (b - a))),  # the terms may cancel
    signature="input, end, weight",
    promotion="arithmetic",
    accepts="floats",
    apart=("weight",),
    node=("LerpBackward1", "LerpBackward1", "LerpBackward1", "LerpBackward0"),
    complex=True,
)

addcmul = composed(
    "addcmul",
    lambda a, b, c, value: a + value * b * c,
    lambda a, b, c, value, y: [1, value * c, value * b],
    "input + value * tensor1 * tensor2.",
    error=(4, lambda a, b, c, value, y: (a, value * b * c)),
    parameters={"value": 1},
    fits=("value",),
    signature="input, tensor1, tensor2, *, value=1",
    promotion="arithmetic",
    accepts="numbers",
    complex=True,
)
addcdiv = composed(
    "addcdiv",
    lambda a, b, c, value: a + value * b / c,
    lambda a, b, c, value, y: [1, value / c, -(value * b / c) / c],
    "input + value * tensor1 / tensor2.",
    error=(4, lambda a, b, c, value, y: (a, value * b / c)),
    parameters={"value": 1},
    signature="input, tensor1, tensor2, *, value=1",
    promotion="arithmetic",
    accepts="floats",
    refuses={
        "integers": "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
        "true division of tensor1 and tensor2. Convert the tensors to a floating-point dtype, or write input + value * "
        "pullback.div(tensor1, tensor2, rounding_mode='trunc')."
    },
    domain=((-3, 3), (-3, 3), (0.2, 3)),
    complex=True,
)

nan_to_num = composed(
    "nan_to_num",
    # Absent bounds are the largest numbers of the dtype: whoever calls puts them in.
    lambda x, nan, posinf, neginf: where(
        isnan(x), nan, where(isposinf(x), posinf, where(isneginf(x), neginf, x))
    ),
    lambda x, nan, posinf, neginf, y: [isfinite(x)],
    "`input` with NaN and infinities replaced; absent bounds are the largest finite numbers of its dtype.",
    parameters={"nan": 0.0, "posinf": None, "neginf": None},
    promotion="arithmetic",
    lies="like input",
    forms=EVERYWHERE,
    kinks={nan: 0, inf: 0, -inf: 0},
    note="a replaced value does not depend on the input",
    complex=True,
)
