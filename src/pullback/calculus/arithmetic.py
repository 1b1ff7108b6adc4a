"""Arithmetic: sums, products, quotients, remainders, powers and roots."""

from math import inf, nan

from .define import composed, elementwise
from .exponentials import POSITIVE, log
from .row import EVERYWHERE, FUNCTION
from .selection import where, zmul

NONZERO = (0.2, 3.0)


def _arithmetic(name, partials, doc, **about):
    return elementwise(name, partials, doc, promotion="arithmetic", **about)


# `-` means nothing to truth values, whatever they would become together with numbers.
_SUBTRACTION = {
    "accepts": "numbers",
    "refuses": {
        "two bools": "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
        "`logical_xor()` operator instead.",
        "one bool": "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert "
        "a mask, use the `~` or `logical_not()` operator instead.",
    },
}

add = _arithmetic(
    "add",
    lambda a, b, y: [1, 1],
    "input + alpha * other",
    operator="+",
    signature="input, other, *, alpha=1",
    complex=True,
)
sub = _arithmetic(
    "sub",
    lambda a, b, y: [1, -1],
    "input - alpha * other",
    operator="-",
    signature="input, other, *, alpha=1",
    aliases="subtract",
    complex=True,
    node=("SubBackward0", "RsubBackward1", "SubBackward0"),
    **_SUBTRACTION,
)
mul = _arithmetic(
    "mul", lambda a, b, y: [b, a], "input * other", operator="*", aliases="multiply", complex=True
)
div = elementwise(
    "div",
    lambda a, b, y: [1 / b, -(a / b) / b],
    "input / other",
    operator="/",
    signature="input, other, *, rounding_mode=None",
    aliases="divide true_divide",
    domain=((-3, 3), NONZERO),
    complex=True,
)
neg = _arithmetic(
    "neg",
    lambda x, y: [-1],
    "-input",
    operator="-",
    accepts="numbers",
    refuses={
        "bool": "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
        "use the `~` or `logical_not()` operator instead."
    },
    aliases="negative",
    complex=True,
)

_SCALED = {
    "parameters": {"alpha": 1},
    "fits": ("alpha",),
    "error": (2, lambda a, b, alpha, y: (a, b, alpha * a, alpha * b)),  # the terms may cancel
    "promotion": "arithmetic",
    "signature": "input, other, *, alpha=1",
    "when": "alpha != 1",
}
add_scaled = composed(
    "add_scaled",
    lambda a, b, alpha: a + alpha * b,
    lambda a, b, alpha, y: [1, alpha],
    "input + alpha * other",
    variant_of="add",
    node="AddBackward0",
    complex=True,
    **_SCALED,
)
sub_scaled = composed(
    "sub_scaled",
    lambda a, b, alpha: a - alpha * b,
    lambda a, b, alpha, y: [1, -alpha],
    "input - alpha * other",
    variant_of="sub",
    node="SubBackward0",
    complex=True,
    **_SCALED,
    **_SUBTRACTION,
)
rsub = composed(
    "rsub",
    lambda a, b: b - a,
    lambda a, b, y: [-1, 1],
    "other - alpha * input",
    signature="input, other, *, alpha=1",
    promotion="arithmetic",
    forms=FUNCTION,
    node=("RsubBackward0", "RsubBackward1", "RsubBackward1"),
    complex=True,
    **_SUBTRACTION,
)
rsub_scaled = composed(
    "rsub_scaled",
    lambda a, b, alpha: b - alpha * a,
    lambda a, b, alpha, y: [-alpha, 1],
    "other - alpha * input",
    variant_of="rsub",
    forms=FUNCTION,
    node=("RsubBackward0", "RsubBackward1", "RsubBackward1", "RsubBackward0"),
    complex=True,
    **_SCALED,
    **_SUBTRACTION,
)

# A quotient rounded to an integer is flat wherever it is smooth. PyTorch says so for div(rounding_mode=...),
# and raises for `//`; here both are flat.
_QUOTIENT = {"domain": ((-3, 3), NONZERO), "promotion": "arithmetic", "accepts": "numbers", "divides": True}
_FLAT = "0 wherever it exists: the quotient is rounded to an integer"
floor_divide = elementwise(
    "floor_divide",
    lambda a, b, y: [0, 0],
    "floor(input / other)",
    operator="//",
    note=_FLAT,
    **_QUOTIENT,
)
trunc_divide = elementwise(
    "trunc_divide",
    lambda a, b, y: [0, 0],
    "trunc(input / other)",
    note=_FLAT,
    variant_of="div",
    when='rounding_mode="trunc"',
    node="DivBackward2",
    **_QUOTIENT,
)
div_floor = composed(
    "div_floor",
    lambda a, b: floor_divide(a, b),
    lambda a, b, y: [0, 0],
    "floor(input / other)",
    note=_FLAT,
    variant_of="div",
    when='rounding_mode="floor"',
    node="DivBackward2",
    **_QUOTIENT,
)
remainder = elementwise(
    "remainder",
    lambda a, b, y: [1, -floor_divide(a, b)],
    "input - other * floor(input / other): the remainder with the sign of other.",
    operator="%",
    node=("RemainderBackward1", "RemainderBackward1", "RemainderBackward0"),
    **_QUOTIENT,
)
fmod = elementwise(
    "fmod",
    lambda a, b, y: [1, -trunc_divide(a, b)],
    "input - other * trunc(input / other): the remainder with the sign of input.",
    node=("FmodBackward1", "FmodBackward1", "FmodBackward0"),
    **_QUOTIENT,
)

reciprocal = elementwise("reciprocal", lambda x, y: [-y * y], "1 / input", domain=NONZERO, complex=True)
square = elementwise(
    "square", lambda x, y: [2 * x], "input * input", promotion="number", node="PowBackward0", complex=True
)
sqrt = elementwise(
    "sqrt", lambda x, y: [0.5 / y], "The square root: NaN below 0.", domain=POSITIVE, complex=True
)
rsqrt = elementwise(
    "rsqrt",
    lambda x, y: [-0.5 * y * y * y],
    "1 / sqrt(input): inf at 0, NaN below.",
    domain=POSITIVE,
    complex=True,
)

# b * a**(b-1) is 0 for b = 0 even at a = 0, where a**(b-1) is infinite: hence zmul. In the exponent, 0**b is
# flat.
pow = _arithmetic(
    "pow",
    lambda a, b, y: [zmul(b, pow(a, b - 1)), where((a == 0) & (b >= 0), 0, y * log(a))],
    "input ** exponent",
    operator="**",
    signature="input, exponent",
    accepts="powers",
    refuses={
        "negative power": "Integers to negative integer powers are not allowed. Make the base a floating-point tensor, "
        "or write the exponent as a float."
    },
    fits=("b",),  # the base does wrap around
    apart=("b",),
    node=("PowBackward1", "PowBackward2", "PowBackward0"),
    domain=(POSITIVE, (-3, 3)),
    kinks={(0, 0): (0, 0), (0, 1): (1, 0), (0, 2): (0, 0), (0, 0.5): (inf, 0), (-2, 2): (-4, nan)},
    note="0 ** b is 0 or 1 for b >= 0, so flat in the exponent b, in which a negative base has no derivative",
    complex=True,
)

sign = _arithmetic(
    "sign",
    lambda x, y: [0],
    "-1, 0 or 1.",
    kinks={0: 0},
    note="0 at the jump: the slope on both sides",
)
sgn = composed(
    "sgn",
    lambda x: sign(x),
    lambda x, y: [0],
    "-1, 0 or 1; for complex numbers, input / |input|.",
    promotion="arithmetic",
    kinks={0: 0},
    note="0 at the jump: the slope on both sides",
    complex=True,
)
conj = _arithmetic(
    "conj",
    lambda x, y: [1],
    "The complex conjugate; of a real number itself.",
    forms="",
    antilinear=True,
    complex=True,
)
# Of complex numbers `sign` is the direction x / |x| here, and conj of it what |x| grows along.
abs = _arithmetic(
    "abs",
    lambda x, y: [conj(sign(x))],
    "|input|",
    accepts="numbers",
    operator="abs",
    aliases="absolute",
    kinks={0: 0},
    note="0 at the kink: the mean of the slopes on both sides",
    complex=True,
)

# sign(x) * copysign(1, s), not y / x: infinities have a sign too.
copysign = elementwise(
    "copysign",
    lambda a, b, y: [sign(a) * copysign(1, b), 0],
    "The magnitude of input with the sign of other.",
    forms=EVERYWHERE,
    node=("CopysignBackward0", "CopysignBackward0", "CopysignBackward1"),
    kinks={(0, 1): (0, 0), (inf, -1): (-1, 0)},
    note="0 at input = 0: the mean of the slopes on both sides",
    unlike_torch=(
        lambda a, b: (a == inf) | (a == -inf) | (a != a),
        "PyTorch divides the result by input: NaN at infinity and at NaN",
    ),
)
heaviside = _arithmetic(
    "heaviside",
    lambda x, values, y: [0, x == 0],
    "0 below zero, 1 above, `values` at zero.",
    signature="input, values",
    kinks={(0, 0.5): (0, 1)},
    note="a step is flat on both sides; at zero the result is `values` (PyTorch has no derivative here)",
)
nextafter = elementwise(
    "nextafter",
    lambda a, b, y: [a != b, 0],
    "The next number after input in the direction of other.",
    accepts="floats",
    kinks={(1, 1): (0, 0)},
    note="input moved by one rounding step: slope 1; where they are equal, PyTorch's 0",
)
