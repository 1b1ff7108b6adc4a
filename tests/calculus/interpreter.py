"""A second, slow reading of the table: its programs run by NumPy and SciPy, one instruction at a time.

It shares nothing with the core, so that the table is tested by itself, and the core by the table.
"""

import numpy as np
import scipy.special as special

import pullback.calculus as calculus

# Those that every import brings; special functions have tests of their own.
ROWS = {row.name: row for row in calculus.rows() if row.name in calculus.__all__}
FORWARD = {name: row.forward() for name, row in ROWS.items()}
PARTIALS = {name: row.partial_program() for name, row in ROWS.items()}


def _fmod_quotient(a, b):
    return np.trunc(a / b)


def _polygamma(n, x):
    return special.polygamma(np.asarray(n).astype(int), x)


def _pow(a, b):
    return np.power(np.asarray(a, float), b)


def _sign(x):
    return np.where(np.isnan(x), 0.0, np.sign(x))  # PyTorch's sign(nan)


def _silu_slope(x):
    return special.expit(x) * (1 + x * special.expit(-x))


def _gelu_slope(x):
    return special.ndtr(x) + x * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


def _limit(function, at_minus_infinity, at_infinity):
    """A slope at infinity, where its formula is infinity times 0."""
    return lambda x: np.where(
        x == np.inf, at_infinity, np.where(x == -np.inf, at_minus_infinity, function(x))
    )


KERNELS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.true_divide,
    "neg": np.negative,
    "abs": np.abs,
    "conj": np.conj,
    "sign": _sign,
    "square": np.square,
    "reciprocal": lambda x: 1.0 / x,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1.0 / np.sqrt(x),
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "atan2": np.arctan2,
    "hypot": np.hypot,
    "erf": special.erf,
    "erfc": special.erfc,
    "erfinv": special.erfinv,
    "lgamma": special.gammaln,
    "digamma": special.digamma,
    "polygamma": _polygamma,
    "sigmoid": special.expit,
    "tanh_slope": lambda x: 4 * special.expit(2 * x) * special.expit(-2 * x),
    "sigmoid_slope": lambda x: special.expit(x) * special.expit(-x),
    "silu": lambda x: x * special.expit(x),
    "silu_slope": _limit(_silu_slope, 0, 1),
    "mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "tanhshrink": lambda x: x - np.tanh(x),
    "gelu": lambda x: x * special.ndtr(x),
    "gelu_slope": _limit(_gelu_slope, 0, 1),
    "one_minus_square": lambda x: (1 - x) * (1 + x),
    "times_complement": lambda x: x * (1 - x),
    "pow": _pow,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "floor_divide": np.floor_divide,
    "trunc_divide": _fmod_quotient,
    "remainder": np.remainder,
    "fmod": np.fmod,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "trunc": np.trunc,
    "frac": lambda x: x - np.trunc(x),
    "copysign": np.copysign,
    "nextafter": np.nextafter,
    "heaviside": np.heaviside,
    "zmul": lambda g, p: np.where(g == 0, g, g * p),
    "gmul": lambda g, h: np.where(g == 0, g, np.where(h == 0, h, g * h)),
    "where": np.where,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "logical_not": np.logical_not,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "isposinf": np.isposinf,
    "isneginf": np.isneginf,
    "signbit": np.signbit,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "bitwise_not": np.invert,
    "gcd": np.gcd,
    "lcm": np.lcm,
    "left_shift": np.left_shift,
    "right_shift": np.right_shift,
    "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2,
    "xlogy": special.xlogy,
    "xlog1py": special.xlog1py,
}


def run(program, operands, result=None):
    """The outputs of a program: arrays, numbers, or None for an operand without a partial."""
    instructions, outputs = program
    values = [*operands, result]
    dtype = np.result_type(*[np.asarray(v).dtype for v in operands if np.asarray(v).dtype != bool] or [bool])
    with np.errstate(all="ignore"):
        for name, *refs in instructions:
            values.append(KERNELS[name](*[_value(ref, values, dtype) for ref in refs]))
    return [None if ref is None else _value(ref, values, dtype) for ref in outputs]


def value(name, operands):
    """The function's value at the operands."""
    program = FORWARD[name]
    with np.errstate(all="ignore"):
        return KERNELS[name](*operands) if program is None else run(program, operands)[0]


def partials(name, operands, program=None):
    """The partial in each operand, as numbers: a truth value counts as 0 or 1."""
    outputs = run(program or PARTIALS[name], operands, value(name, operands))
    shape = np.broadcast_shapes(*[np.shape(operand) for operand in operands])
    return [None if out is None else np.broadcast_to(np.asarray(out) * 1.0, shape) for out in outputs]


def apply_partial(cotangent, partial):
    """What the core does with a cotangent or a tangent, and a partial."""
    with np.errstate(all="ignore"):
        if np.asarray(partial).dtype == bool:
            return np.where(partial, cotangent, 0.0)
        return KERNELS["zmul"](np.asarray(cotangent, float), partial)


def tangents_of_program(program, operands, result, tangents):
    """Push tangents of the operands and of the result through a program, instruction by instruction."""
    instructions, outputs = program
    values = [*operands, result]
    slopes = list(tangents)
    for name, *refs in instructions:
        arguments = [_value(ref, values, float) for ref in refs]
        pushed = [0.0 if ref.__class__ is tuple else slopes[ref] for ref in refs]
        outcome = value(name, arguments)
        values.append(outcome)
        slopes.append(0.0 if ROWS[name].boolean else tangent(name, arguments, outcome, pushed))
    return [0.0 if ref is None or ref.__class__ is tuple else slopes[ref] for ref in outputs]


def tangent(name, operands, result, tangents):
    """The tangent of a function's result."""
    total = 0.0
    outputs, gradients = PARTIALS[name][1], ROWS[name].gradient_indices
    for slope, ref, partial in zip(tangents, outputs, run(PARTIALS[name], operands, result)):
        if partial is not None:
            applied = KERNELS["gmul"](slope, partial) if ref in gradients else apply_partial(slope, partial)
            total = total + applied
    return total


def _value(ref, values, dtype):
    if ref.__class__ is not tuple:
        return values[ref]
    return ref[0] if isinstance(ref[0], bool) else np.asarray(ref[0]).astype(dtype)[()]
