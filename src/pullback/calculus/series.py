"""Taylor series of the functions of the table: programs of coefficients, from the partials that the rows state.

If y = f(x) and x is a series x0 + x1 t + x2 t**2 + ..., then y' = g(x, y) x', where g is the partial of the row. So

    n y[n] = sum over j of j x[j] g[n - j],        j = 1 ... n

and g is a formula in functions of the table, whose own coefficients below n follow in the same way: a function that is
met again, of the same operands, is the same series. sin leads to cos and cos back to sin, tanh to its slope and back;
so most rows are closed, and all coefficients up to order k take about k**2 products. Where each slope is a new function
(polygamma, powers, exp2) there are k series, and k**3 products. What is stated here beside the rows is how series are
added, chosen, multiplied and divided, no more (Griewank & Walther, Evaluating Derivatives, 2nd ed., section 13.2).

Coefficients are applied as the core applies tangents: a truth value selects, a number scales, all else is `zmul` with
what is not differentiated and `gmul` among coefficients, so that a zero coefficient stays zero. A coefficient that is
known to be zero is None, and costs nothing.
"""

from .define import TABLE
from .symbols import Symbol, Trace, emit, literal

LONGEST = 32_767  # values of a program: the core numbers them in 16 bits


class Series:
    """A value and its coefficients, as far as they are known: a function of other series, or given."""

    __slots__ = ("known", "name", "operands", "slopes", "value")

    def __init__(self, value, name=None, operands=(), known=()):
        self.value = value
        self.name = name
        self.operands = operands
        self.known = list(known)
        self.slopes = None


def program(name, order, given):
    """(instructions, outputs): the coefficients 1 ... `order` of a row's value, None for those that are zero.

    Inputs are the operands, the value y, and the coefficients of the operands, of operand i the first `given[i]`.

    Raises NotImplementedError where the program would be longer than the core can number.

    Example:
        >>> from pullback.calculus.series import program
        >>> program("exp", 2, (1,))
        ((('zmul', 2, 1), ('gmul', 2, 3), ('div', 4, (2.0,))), (3, 5))
    """
    row = TABLE[name]
    trace = Trace(row.arity + sum(given))
    expansion, at, operands = Expansion(trace), row.arity + 1, []
    for index, count in enumerate(given):
        value = trace.operand(index, row.promotion == "where" and index == 0)
        operands.append(Series(value, known=[trace.operand(at + k) for k in range(count)]))
        at += count
    y = expansion.function(row.name, operands, trace.operand(row.arity))
    outputs = [expansion.coefficient(y, n) for n in range(1, order + 1)]
    instructions, outputs = trace.program(outputs)
    constants = sum([ref.__class__ is tuple for instruction in instructions for ref in instruction])
    if trace.arity + len(instructions) + constants >= LONGEST:
        raise NotImplementedError(
            f"jet: the coefficients of {row.variant_of or name} up to order {order} take {len(instructions)} "
            f"operations, more than a program can have. Ask for fewer orders at once: a jet of a jet adds their orders."
        )
    return instructions, outputs


class Expansion:
    """The series met on the way to one: each function of each operands once."""

    def __init__(self, trace):
        self.trace = trace
        self.met = {}

    def function(self, name, operands, value=None):
        """The series of a function of the table, of other series."""
        constants = [literal(x.value) for x in operands]
        key = name, *[id(x) if c is None else c for x, c in zip(operands, constants)]
        found = self.met.get(key)
        if found is None:
            if value is None:
                value = emit(name, *[x.value for x in operands], boolean=TABLE[name].boolean)
            found = self.met[key] = Series(value, name, operands)
        return found

    def coefficient(self, series, n):
        """Coefficient n of a series, n > 0, as a symbol; None if it is zero."""
        while len(series.known) < n:
            rule = ARITHMETIC.get(series.name, Expansion._chain) if series.name else _zero
            series.known.append(rule(self, series, len(series.known) + 1))
        return series.known[n - 1]

    def partials(self, series):
        """The partials of a function at its operands, as series; None for those that are zero."""
        if series.slopes is None:
            values = [*series.operands, series]
            instructions, outputs = _partials(series.name)
            for name, *refs in instructions:
                values.append(self.function(name, [self._at(values, ref) for ref in refs]))
            series.slopes = [None if ref in (None, (0.0,)) else self._at(values, ref) for ref in outputs]
        return series.slopes

    def _at(self, values, ref):
        return Series(self.trace.constant(*ref)) if ref.__class__ is tuple else values[ref]

    def _chain(self, series, n):
        """n y[n] = sum of j x[j] g[n - j], over all operands x and their partials g."""
        total = rest = None
        if not any(self._varies(x, n) for x in series.operands):
            return None
        for x, slope in zip(series.operands, self.partials(series)):
            if slope is None:
                continue
            total = _plus(total, _times(self.coefficient(x, n), slope.value))
            for j in range(1, n):
                step = self.coefficient(x, j)
                change = None if step is None else self.coefficient(slope, n - j)
                if change is not None:
                    rest = _plus(rest, emit("gmul", step if j == 1 else float(j) * step, change))
        return _plus(total, None if rest is None else rest / n)

    def _varies(self, x, n):
        return any(self.coefficient(x, j) is not None for j in range(1, n + 1))

    def _sum(self, series, n):
        a, b = [self.coefficient(x, n) for x in series.operands]
        return _plus(a, b)

    def _difference(self, series, n):
        a, b = [self.coefficient(x, n) for x in series.operands]
        return a if b is None else -b if a is None else a - b

    def _negative(self, series, n):
        x = self.coefficient(series.operands[0], n)
        return None if x is None else -x

    def _choice(self, series, n):
        condition, a, b = series.operands
        a, b = self.coefficient(a, n), self.coefficient(b, n)
        if a is None and b is None:
            return None
        return emit("where", condition.value, 0.0 if a is None else a, 0.0 if b is None else b)

    def _product(self, series, n):
        a, b = series.operands if len(series.operands) == 2 else series.operands * 2
        if a is b:  # a square: every product but one is there twice
            twice = _times(self.coefficient(a, n), a.value)
            for j in range(1, (n + 1) // 2):
                twice = _plus(twice, self._pair(a, j, a, n - j))
            middle = self._pair(a, n // 2, a, n // 2) if n % 2 == 0 else None
            return _plus(None if twice is None else 2.0 * twice, middle)
        # Of zmul(g, p) and gmul the first operand, and both, are gradients themselves, whose zeros win.
        first = _times if series.name != "gmul" else _among
        second = _times if series.name == "mul" else _among
        total = _plus(first(self.coefficient(a, n), b.value), second(self.coefficient(b, n), a.value))
        for j in range(1, n):
            total = _plus(total, self._pair(a, j, b, n - j))
        return total

    def _pair(self, a, j, b, k):
        a = self.coefficient(a, j)
        b = None if a is None else self.coefficient(b, k)
        return None if b is None else emit("gmul", a, b)

    def _quotient(self, series, n):
        """y b = a, so y[n] b[0] = a[n] - sum of b[j] y[n - j]."""
        a, b = series.operands if len(series.operands) == 2 else (None, series.operands[0])
        above = None if a is None else self.coefficient(a, n)
        taken = _times(self.coefficient(b, n), series.value)
        for j in range(1, n):
            taken = _plus(taken, self._pair(b, j, series, n - j))
        if taken is not None:
            above = -taken if above is None else above - taken
        if above is None:
            return None
        divisor = literal(b.value)
        return above / divisor if divisor is not None else emit("zmul", above, 1 / b.value)


ARITHMETIC = {
    "add": Expansion._sum,
    "sub": Expansion._difference,
    "neg": Expansion._negative,
    "where": Expansion._choice,
    "mul": Expansion._product,
    "zmul": Expansion._product,
    "gmul": Expansion._product,
    "square": Expansion._product,
    "div": Expansion._quotient,
    "reciprocal": Expansion._quotient,
}


_programs = {}


def _partials(name):
    if name not in _programs:
        _programs[name] = TABLE[name].partial_program() or ((), (None,) * TABLE[name].arity)
    return _programs[name]


def _zero(expansion, series, n):
    return None


def _plus(a, b):
    return b if a is None else a if b is None else a + b


def _times(coefficient, value):
    """A coefficient times what is not differentiated."""
    if coefficient is None or literal(value) == 0:
        return None
    if value.__class__ is Symbol and value.boolean:
        return emit("where", value, coefficient, 0.0)
    return coefficient * value if literal(value) is not None else emit("zmul", coefficient, value)


def _among(coefficient, value):
    """A coefficient times what is a gradient itself."""
    return None if coefficient is None else emit("gmul", coefficient, value)
