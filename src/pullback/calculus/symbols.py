"""Symbols, and the traces they leave.

A rule of the table, `lambda x, y: [1 - y * y]`, is ordinary Python. It is called once, with symbols in place
of numbers, and what it does is written down as a straight-line program for the core:

    (("mul", 1, 1), ("sub", (1.0,), 2)), (3,)             # instructions, outputs

A value has a number: operands come first, then y, the function's own result, then the instructions in order;
a constant is a tuple of one. The same instruction on the same values is written once, so a subexpression that
two partials share is computed once; instructions that no output needs are dropped.

Nothing is rewritten but what is exact for every number: `x * 1`, `x / 1`, `x - 0`, `--x`, and `x * -1`, which
is `-x`.
"""

from math import copysign
from operator import add, mul, neg, sub

# What takes truth values; every other instruction takes numbers.
_TAKES_BOOLEANS = frozenset({"where", "logical_and", "logical_or", "logical_xor", "logical_not"})

_FOLDED = {"add": add, "sub": sub, "mul": mul, "neg": neg}  # instructions on constants alone, done here


class Trace:
    """The instructions left so far by a rule over `arity` operands."""

    __slots__ = ("_numbers", "arity", "instructions")

    def __init__(self, arity):
        self.arity = arity
        self.instructions = []
        self._numbers = {}

    def operand(self, index, boolean=False):
        """The symbol of operand `index`; index == arity is y, the result."""
        return Symbol(self, index, boolean)

    def constant(self, value):
        """The symbol of a constant, for rules that are applied where an operand is a number."""
        return Symbol(self, (float(value),), False)

    def record(self, instruction, boolean):
        """The symbol of an instruction's result: a new one, or the one it gave before."""
        number = self._numbers.get(instruction)
        if number is None:
            number = self.arity + 1 + len(self.instructions)
            self.instructions.append(instruction)
            self._numbers[instruction] = number
        return Symbol(self, number, boolean)

    def program(self, outputs):
        """(instructions, outputs) without what no output needs. An output is a symbol, a number or None."""
        outputs = tuple([_output_ref(self, output) for output in outputs])
        base = self.arity + 1
        used = set(outputs).union(*self.instructions)
        if used.issuperset(range(base, base + len(self.instructions))):
            return tuple(self.instructions), outputs
        needed = set(outputs)
        for number in range(base + len(self.instructions) - 1, base - 1, -1):
            if number in needed:
                needed.update(self.instructions[number - base])
        renumbered = list(range(base))
        kept = []
        for number, instruction in enumerate(self.instructions, base):
            renumbered.append(base + len(kept))
            if number in needed:
                kept.append(_renumber(instruction, renumbered))
        return tuple(kept), _renumber(outputs, renumbered)


class Symbol:
    """A value not known yet: an operand, a result or an instruction. What happens to it is recorded."""

    __slots__ = ("boolean", "number", "trace")
    __array_ufunc__ = None  # NumPy leaves `np.float64(2) * x` to the symbol
    __hash__ = None

    def __init__(self, trace, number, boolean):
        self.trace = trace
        self.number = number
        self.boolean = boolean

    def __repr__(self):
        return f"<symbol {self.number} of a trace over {self.trace.arity} operands>"

    def __add__(self, other):
        return emit("add", self, other)

    def __radd__(self, other):
        return emit("add", other, self)

    def __sub__(self, other):
        return self if _is_number(other, 0) else emit("sub", self, other)

    def __rsub__(self, other):
        return emit("sub", other, self)

    def __mul__(self, other):
        if _is_number(other, 1):
            return self
        return -self if _is_number(other, -1) else emit("mul", self, other)

    def __rmul__(self, other):
        if _is_number(other, 1):
            return self
        return -self if _is_number(other, -1) else emit("mul", other, self)

    def __truediv__(self, other):
        return self if _is_number(other, 1) else emit("div", self, other)

    def __rtruediv__(self, other):
        return emit("reciprocal", self) if _is_number(other, 1) else emit("div", other, self)

    def __pow__(self, other):
        return emit("square", self) if _is_number(other, 2) else emit("pow", self, other)

    def __rpow__(self, other):
        return emit("pow", other, self)

    def __floordiv__(self, other):
        return emit("floor_divide", self, other)

    def __rfloordiv__(self, other):
        return emit("floor_divide", other, self)

    def __mod__(self, other):
        return emit("remainder", self, other)

    def __rmod__(self, other):
        return emit("remainder", other, self)

    def __neg__(self):
        first = self.trace.arity + 1
        if self.number.__class__ is int and self.number >= first:
            made_by = self.trace.instructions[self.number - first]
            if made_by[0] == "neg":
                return Symbol(self.trace, made_by[1], False)
        return emit("neg", self)

    def __pos__(self):
        return self

    def __abs__(self):
        return emit("abs", self)

    def __eq__(self, other):
        return emit("eq", self, other, boolean=True)

    def __ne__(self, other):
        return emit("ne", self, other, boolean=True)

    def __lt__(self, other):
        return emit("lt", self, other, boolean=True)

    def __le__(self, other):
        return emit("le", self, other, boolean=True)

    def __gt__(self, other):
        return emit("gt", self, other, boolean=True)

    def __ge__(self, other):
        return emit("ge", self, other, boolean=True)

    def __and__(self, other):
        return emit("logical_and", self, other, boolean=True)

    def __or__(self, other):
        return emit("logical_or", self, other, boolean=True)

    __rand__, __ror__ = __and__, __or__

    def __xor__(self, other):
        return emit("logical_xor", self, other, boolean=True)

    __rxor__ = __xor__

    def __invert__(self):
        return emit("logical_not", self, boolean=True)

    def __bool__(self):
        raise TypeError(
            "a symbol has no truth value: a rule is traced once, for all values, so Python's `if`, `and`, "
            "`or`, `not`, `min` and `max` cannot look at it. Use where(condition, a, b), `&`, `|`, `~`, "
            "minimum or maximum"
        )

    def __float__(self):
        raise TypeError(
            "a symbol has no numeric value: a rule is traced once, for all values, so float(), int() and the "
            "math and numpy modules cannot take it. Use the functions of pullback.calculus, such as "
            "pullback.calculus.exp"
        )

    __int__ = __index__ = __float__

    def __array__(self, *_, **__):
        self.__float__()

    def __iter__(self):
        raise TypeError("a symbol stands for one element and cannot be iterated over or indexed")


def emit(name, *operands, boolean=False):
    """Record the instruction `name` in the trace of its operands; NotImplemented for what cannot be one."""
    trace = None
    instruction = [name]
    for operand in operands:
        if operand.__class__ is Symbol:
            if operand.trace is not trace:
                if trace is not None:
                    raise ValueError(f"{name}: its operands are symbols of two different rules")
                trace = operand.trace
            if operand.boolean is not (name in _TAKES_BOOLEANS):
                _check_boolean(name, len(instruction) - 1, operand.boolean)
            instruction.append(operand.number)
        elif isinstance(operand, (int, float)):
            instruction.append(_constant(operand))
        else:
            return NotImplemented
    if name in _FOLDED and all(ref.__class__ is tuple for ref in instruction[1:]):
        return trace.constant(_FOLDED[name](*[ref[0] for ref in instruction[1:]]))
    return trace.record(tuple(instruction), boolean)


def _constant(value):
    if value == 0 and copysign(1.0, value) < 0:
        raise ValueError("the constant -0.0 would be taken for 0.0; write copysign(0, -1) or negate a symbol")
    return (value if isinstance(value, bool) else float(value),)


def _check_boolean(name, position, boolean):
    if boolean and (name not in _TAKES_BOOLEANS or (name == "where" and position)):
        raise TypeError(
            f"{name}: operand {position} is a truth value, not a number. Use where(condition, a, b)"
        )
    if not boolean and name in _TAKES_BOOLEANS and not (name == "where" and position):
        raise TypeError(
            f"{name}: operand {position} is a number, not a truth value. Compare it first, as in `x != 0`"
        )


def literal(value):
    """The number that `value` is known to be, or None."""
    if value.__class__ is Symbol:
        return value.number[0] if value.number.__class__ is tuple else None
    return value if value.__class__ in (int, float) else None


def _is_number(value, number):
    return literal(value) == number


def _renumber(refs, numbers):
    return tuple([numbers[ref] if ref.__class__ is int else ref for ref in refs])


def _output_ref(trace, output):
    if output.__class__ is Symbol:
        if output.trace is not trace:
            raise ValueError("a rule returned a symbol of another rule; it may use its own operands only")
        return output.number
    if output is None:
        return None
    if isinstance(output, (int, float)) and not isinstance(output, bool):
        return (float(output),)
    raise TypeError(f"a rule returned {output!r}, which is neither a symbol nor a number")
