"""What has no derivative: comparisons, tests, logic, bits and divisors."""

from .define import composed, nondifferentiable
from .row import METHOD


def _comparison(name, operator, **about):
    # In place: zero gradients, whose node is named by whether the other operand is a tensor.
    node = f"{name.capitalize()}Backward"
    return nondifferentiable(
        name,
        "a b",
        f"input {operator} other",
        operator=operator,
        node=(f"{node}1", f"{node}1", f"{node}0"),
        **about,
    )


eq = _comparison("eq", "==", complex=True)
ne = _comparison("ne", "!=", aliases="not_equal", complex=True)
lt = _comparison("lt", "<", aliases="less")
le = _comparison("le", "<=", aliases="less_equal")
gt = _comparison("gt", ">", aliases="greater")
ge = _comparison("ge", ">=", aliases="greater_equal")


def _test(name, doc, forms, **about):
    return nondifferentiable(name, "x", doc, "predicate", forms=forms, **about)


isnan = _test("isnan", "Whether each element is not a number.", METHOD, complex=True)
isinf = _test("isinf", "Whether each element is infinite, of either sign.", METHOD, complex=True)
isfinite = _test(
    "isfinite", "Whether each element is neither infinite nor NaN.", METHOD, lies="again", complex=True
)
isposinf = _test("isposinf", "Whether each element is positive infinity.", "function method out")
isneginf = _test("isneginf", "Whether each element is negative infinity.", "function method out")
signbit = _test(
    "signbit", "Whether the sign bit of each element is set, as it is for -0.0.", "function method out"
)


def _close(a, b, rtol, atol):
    apart = abs(a - b)
    return (a == b) | (isfinite(apart) & (apart <= atol + abs(rtol * b)))


_TOLERANCES = {"rtol": 1e-5, "atol": 1e-8}
_ISCLOSE = "input, other, rtol=1e-05, atol=1e-08, equal_nan=False"

isclose = composed(
    "isclose",
    lambda a, b, rtol, atol: _close(a, b, rtol, atol),
    doc="Whether |input - other| <= atol + rtol * |other|, or both are the same infinity.",
    parameters=_TOLERANCES,
    promotion="close",
    signature=_ISCLOSE,
    forms=METHOD,
    complex=True,
)
isclose_nan = composed(
    "isclose_nan",
    lambda a, b, rtol, atol: _close(a, b, rtol, atol) | (isnan(a) & isnan(b)),
    doc="As isclose; NaN is close to NaN.",
    parameters=_TOLERANCES,
    promotion="close",
    signature=_ISCLOSE,
    forms=METHOD,
    variant_of="isclose",
    when="equal_nan=True",
    complex=True,
)

logical_and = nondifferentiable("logical_and", "a b", "Whether both are nonzero.", "logical", complex=True)
logical_or = nondifferentiable(
    "logical_or", "a b", "Whether at least one is nonzero.", "logical", complex=True
)
logical_xor = nondifferentiable(
    "logical_xor", "a b", "Whether exactly one is nonzero.", "logical", complex=True
)
logical_not = nondifferentiable("logical_not", "x", "Whether each element is zero.", "logical", complex=True)

bitwise_and = nondifferentiable("bitwise_and", "a b", "The bits set in both.", "bitwise", operator="&")
bitwise_or = nondifferentiable("bitwise_or", "a b", "The bits set in either.", "bitwise", operator="|")
bitwise_xor = nondifferentiable("bitwise_xor", "a b", "The bits set in exactly one.", "bitwise", operator="^")
bitwise_not = nondifferentiable(
    "bitwise_not", "x", "Every bit inverted; `not` for bool.", "bitwise", operator="~"
)
left_shift = nondifferentiable(
    "left_shift",
    "a b",
    "`input` with its bits moved up by `other` places.",
    "bitwise",
    operator="<<",
    accepts="numbers",
    aliases="bitwise_left_shift",
)
right_shift = nondifferentiable(
    "right_shift",
    "a b",
    "`input` with its bits moved down by `other` places, the sign kept.",
    "bitwise",
    operator=">>",
    accepts="numbers",
    aliases="bitwise_right_shift",
)
gcd = nondifferentiable(
    "gcd", "a b", "The greatest common divisor of two integers.", "bitwise", accepts="numbers"
)
lcm = nondifferentiable(
    "lcm", "a b", "The least common multiple of two integers.", "bitwise", accepts="numbers"
)
