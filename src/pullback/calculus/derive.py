"""Forward mode over a formula: how `composed` finds the partial derivatives that nobody stated.

A Dual is a symbol with its derivatives in every operand. Applying a function of the table to duals applies
its partials to them, so a formula called with duals returns its own partials, as symbols of the same trace.
They are applied as the core applies them (a truth value selects, a number scales, all else is `zmul`), so
`where(x > 0, sqrt(x), 0)` has derivative 0, not NaN, at 0.
"""

from .symbols import Symbol, emit, literal


class Dual:
    """A value and its tangents: one per operand; None is an exact zero."""

    __slots__ = ("tangents", "value")
    __array_ufunc__ = None
    __hash__ = None
    __bool__ = Symbol.__bool__
    __float__ = __int__ = __index__ = Symbol.__float__
    __array__ = Symbol.__array__
    __iter__ = Symbol.__iter__

    def __init__(self, value, tangents):
        self.value = value
        self.tangents = tangents

    def __pos__(self):
        return self


def partials_of(formula, operands, parameters):
    """The partials of `formula` in those operands that are not parameters."""
    free = [index for index in range(len(operands)) if index not in parameters]
    arguments = list(operands)
    for position, index in enumerate(free):
        tangents = [None] * len(free)
        tangents[position] = 1
        arguments[index] = Dual(operands[index], tangents)
    result = formula(*arguments)
    if result.__class__ is Dual:
        return [0 if tangent is None else tangent for tangent in result.tangents]
    return [0] * len(free)  # constant wherever it is differentiable at all


def apply_to_duals(row, operands):
    """The value of a function of the table at duals, with its tangents by the chain rule."""
    if row.rule is None and row.formula is not None and not row.boolean:
        return row.formula(*operands)
    trace = next(operand.value.trace for operand in operands if operand.__class__ is Dual)
    values = [_value(trace, operand) for operand in operands]
    result = row(*values)
    if row.rule is None:
        return result  # a truth value: it has no derivative
    duals = [(index, operand.tangents) for index, operand in enumerate(operands) if operand.__class__ is Dual]
    count = len(duals[0][1])
    if row.name == "where":
        slopes = dict(duals)
        none = [None] * count
        tangents = [_choose(values[0], *pair) for pair in zip(slopes.get(1, none), slopes.get(2, none))]
    else:
        partials = row.partials(values, result)
        gradients = [values[index] for index in row.gradient_indices]
        tangents = [
            _sum(_product(tangents[k], partials[index], gradients) for index, tangents in duals)
            for k in range(count)
        ]
    return Dual(result, tangents)


def _product(tangent, partial, gradients):
    if tangent is None or partial is None or literal(partial) == 0:
        return None
    if partial.__class__ is Symbol and partial.boolean:
        return emit("where", partial, tangent, 0.0)
    if literal(partial) is not None or literal(tangent) is not None:
        return tangent * partial
    return emit("gmul" if any(partial is gradient for gradient in gradients) else "zmul", tangent, partial)


def _value(trace, operand):
    if operand.__class__ is Dual:
        return operand.value
    return operand if operand.__class__ is Symbol else trace.constant(operand)


def _sum(terms):
    total = None
    for term in terms:
        if term is not None:
            total = term if total is None else total + term
    return total


def _choose(condition, first, second):
    if first is None and second is None:
        return None
    return emit("where", condition, 0.0 if first is None else first, 0.0 if second is None else second)


def give_operators(table):
    """Duals answer to the operators that symbols answer to, each by its row of the table."""
    for name, method in _BINARY.items():
        setattr(Dual, f"__{method}__", lambda a, b, name=name: apply_to_duals(table[name], (a, b)))
        if name not in _REFLECTED:
            setattr(Dual, f"__r{method}__", lambda a, b, name=name: apply_to_duals(table[name], (b, a)))
    for name, method in _UNARY.items():
        setattr(Dual, f"__{method}__", lambda a, name=name: apply_to_duals(table[name], (a,)))


_BINARY = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "div": "truediv",
    "floor_divide": "floordiv",
    "remainder": "mod",
    "pow": "pow",
    "eq": "eq",
    "ne": "ne",
    "lt": "lt",
    "le": "le",
    "gt": "gt",
    "ge": "ge",
}
_REFLECTED = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})  # Python mirrors comparisons itself
_UNARY = {"neg": "neg", "abs": "abs"}
