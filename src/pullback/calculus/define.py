"""How a row of the table is written: `elementwise` and `composed`.

    exp = elementwise("exp", lambda x, y: [y])
    leaky = composed("leaky", lambda x, slope: where(x > 0, x, slope * x), parameters={"slope": 0.01})

`elementwise` names a function that the core has a kernel for, and states its partial derivatives. `composed`
gives a formula in functions of the table; its partials follow from the formula, or are stated where a better
form exists. The names of a lambda's arguments tell the operands, and `y`, last in a rule, is the function's
own result: a rule that uses y saves the result, one that uses x saves the operand, and one that uses neither
saves nothing.

A rule returns one partial per operand that is not a parameter: an expression, a number (0: identically zero),
or None (an operand that has no derivative). A comparison is a partial too: it selects, `[x > 0]`.
"""

from . import derive
from .row import Row
from .symbols import Symbol

TABLE = {}


def elementwise(name, partials, doc="", **about):
    """Define a function that the core has a kernel for, by its partial derivatives.

    `partials` is a function of the operands and of the result y that returns one partial for each operand
    that is not a parameter. It is called once, now, with symbols. Operators of any number of such functions
    in any mode (reverse, forward, every order) follow from it.

    Returns a callable that works on tensors, and in formulas and rules.

    Raises TypeError for a rule of the wrong shape, ValueError for a name that is taken.

    Example:
        >>> from pullback.calculus import elementwise
        >>> elementwise("exp", lambda x, y: [y])
        Traceback (most recent call last):
            ...
        ValueError: exp: the table has a function of this name
    """
    return _add(Row(name, None, partials, doc, **about))


def composed(name, formula, partials=None, doc="", **about):
    """Define a function by a formula in functions of the table.

    Without `partials` the derivatives follow from the formula, by forward mode; state them, as for
    `elementwise`, where a better form exists: one that does not overflow or cancel, or that chooses at a
    kink.

    Returns a callable that works on tensors, and in formulas and rules.

    Raises TypeError for a formula that branches on its operands or returns no symbol, ValueError for a name
    that is taken.

    Example:
        >>> from pullback.calculus import composed, sigmoid
        >>> swish = composed("swish", lambda x, beta: x * sigmoid(beta * x), parameters={"beta": 1.0})
        >>> swish
        <pullback.calculus row swish(input, beta=1.0)>
    """
    return _add(Row(name, formula, partials, doc, **about))


def nondifferentiable(name, operands, doc="", promotion="compare", **about):
    """Define a function of the core's that has no derivative: a comparison, a test, an operation on bits."""
    return _add(Row(name, None, None, doc, operands=tuple(operands.split()), promotion=promotion, **about))


def rows():
    """Every row of the table, in the order of definition.

    Example:
        >>> len(pb.calculus.rows()) > 100, pb.calculus.rows()[0]
        (True, <pullback.calculus row eq(input, other)>)
    """
    return tuple(TABLE.values())


def install(core):
    """Hand the table to a core, and every later row as it is defined. Importing `pullback` does it.

    Example:
        >>> pb.calculus.install(pb._core)
        Traceback (most recent call last):
            ...
        ValueError: an elementwise function named 'eq' is already defined
    """
    for row in TABLE.values():
        _hand_over(row, core)
    core.table_installed(TABLE, Symbol, derive.Dual)
    Row._core = core


def together(load):
    """The rows that `load` defines, whose rules may use those that come after them: the core has them when all are there.

    Example:
        >>> from pullback.calculus import composed, define
        >>> define.together(lambda: [])
        []
    """
    core, before = Row._core, len(TABLE)
    Row._core = None
    try:
        load()
    finally:
        Row._core = core
        made = list(TABLE.values())[before:]
    for row in made:
        _hand_over(row, core)
    return made


def _add(row):
    if row.name in TABLE:
        raise ValueError(f"{row.name}: the table has a function of this name")
    if Row._core is not None:
        _hand_over(row, Row._core)  # before it enters the table: a rule that fails leaves no trace
    TABLE[row.name] = row
    return row


def _hand_over(row, core):
    core.define_row(
        row.name,
        len(row.operands),
        row.parameter_indices,
        row.forward(),
        row.partial_program(),
        row.promotion,
        row.node,
        row.accepts,
        row.gradient_indices,
        row.apart_indices,
        row.lies,
        row.refuses,
        row.fits_indices,
        row.divides,
        row.variant_of or row.name,
        row.complex,
        row.antilinear,
    )


derive.give_operators(TABLE)
