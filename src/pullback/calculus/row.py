"""A row of the table: one function's mathematics, and what documentation, stubs and tests need to know of it.

It is traced into programs, for which its operands are symbols (`symbols`), and a formula's partials follow from it
(`derive`). `define` makes rows and hands them over.
"""

from ..written import Written
from . import derive
from .symbols import Symbol, Trace, emit

FUNCTION = "function"
METHOD = "function method"
EVERYWHERE = "function method in-place out"

# The result's dtype from the operands', as PyTorch has it. Parameters take no part; constants follow the
# operands.
PROMOTIONS = {
    "arithmetic": "the common dtype",
    "number": "the common dtype, bool made int64",
    "float": "the common dtype, integers and bool made the default floating dtype",
    "where": "the common dtype of all operands but the first, which is bool",
    "bitwise": "the common dtype, which is an integer or bool",
    "compare": "bool; operands are brought to their common dtype",
    "close": "bool; operands are brought to their common dtype, integers and bool to float64",
    "predicate": "bool; of one operand of any dtype",
    "logical": "bool; each operand is compared with 0 in its own dtype",
}
# What a row may refuse, of the dtypes and numbers that it is given.
REFUSALS = {
    "bool": "operands whose common dtype is bool",
    "integers": "operands whose common dtype is an integer or bool",
    "two bools": "two operands that are bool, whatever they would become together",
    "one bool": "one of two operands that is bool",
    "negative power": "a negative number in place of its last operand, where the common dtype is an integer",
}
_BOOLEAN = frozenset({"compare", "close", "predicate", "logical"})


class Row:
    """One function of the table: its mathematics, and what documentation, stubs and tests need.

    A row is called with tensors, where it computes, and in formulas with symbols. `elementwise` and `composed` make
    rows.

    Example:
        >>> pb.calculus.exp
        <pullback.calculus row exp(input)>
        >>> pb.calculus.exp.node
        'ExpBackward0'
    """

    _core = None  # the native module, once the table is installed

    __slots__ = (
        "accepts",
        "aliases",
        "antilinear",
        "apart",
        "complex",
        "divides",
        "doc",
        "domain",
        "error",
        "example",
        "fits",
        "forms",
        "formula",
        "function",
        "gradients",
        "kinks",
        "lies",
        "name",
        "node",
        "note",
        "operands",
        "operator",
        "parameters",
        "promotion",
        "refuses",
        "rule",
        "signature",
        "unlike_torch",
        "variant_of",
        "when",
    )

    def __init__(
        self,
        name,
        formula,
        rule,
        doc="",
        *,
        operands=None,  # their names, where neither formula nor rule tells
        parameters=None,  # {name: default, or ...}: plain numbers, never differentiated
        lies="iterated",  # how a result lies in memory: as PyTorch's iterator has it; "again", "like input", "row-major"
        apart=(),  # names of operands that have no say in the result's strides where they are numbers
        promotion="float",
        node=None,  # grad_fn's name, or (all tensors, number at operand 0, number at operand 1, ...)
        accepts="any",  # of the common dtype: "any", "numbers" (no bool), "powers" (bool by a bool), "floats"
        refuses=None,  # {a key of REFUSALS: the message}; what `accepts` alone refuses is said to be not implemented
        fits=(),  # names of operands that, where they are integers, have to fit the integer dtype that is computed in
        complex=False,  # whether complex numbers may be operands: then partials are complex derivatives; see `Row` in the core
        antilinear=False,  # whether the differential is the conjugate of what the partial says
        divides=False,  # whether integers raise where the second operand is 0
        forms=EVERYWHERE,
        operator="",
        signature=None,
        aliases="",
        variant_of=None,  # the public name, where one name has several programs ...
        when="",  # ... and the arguments that choose this one
        domain=(-3.0, 3.0),  # where tests sample: a pair, or one pair per operand with a derivative
        kinks=None,  # {point: partials}: the choices where mathematics leaves one; `note` says why
        note="",
        error=4,  # units in the last place that values may be off; or (units, beside): see `units_of`
        gradients=(),  # operands that are gradients themselves: see `gmul`
        example=None,  # what its page shows, as in `examples`, where it is loaded later than the table
        unlike_torch=None,  # (where, why): a test of the operands for where PyTorch's partial differs
    ):
        self.name = name
        self.formula = formula
        self.rule = rule
        self.doc = doc
        self.parameters = parameters or {}
        self.apart = apart
        self.lies = lies
        self.promotion = promotion
        self.accepts = accepts
        self.refuses = refuses or {}
        self.fits = fits
        self.complex = complex
        self.antilinear = antilinear
        self.divides = divides
        self.forms = tuple(forms.split())
        self.operator = operator
        self.aliases = tuple(aliases.split())
        self.variant_of = variant_of
        self.when = when
        self.domain = domain
        self.kinks = kinks or {}
        self.note = note
        self.error = error
        self.gradients = gradients
        self.example = example
        self.unlike_torch = unlike_torch
        self.function = None
        self.operands = operands or self._operand_names()
        self.node = node or _node_name(name)
        self.signature = signature or self._default_signature()
        if promotion not in PROMOTIONS:
            raise ValueError(
                f"{name}: unknown promotion {promotion!r}; one of {', '.join(sorted(PROMOTIONS))}"
            )
        for case in self.refuses:
            if case not in REFUSALS:
                raise ValueError(f"{name}: cannot refuse {case!r}; one of {', '.join(sorted(REFUSALS))}")
        if len(self.operands) < 2 and (divides or {"two bools", "one bool"} & set(self.refuses)):
            raise ValueError(f"{name}: it has one operand, and no other to divide by or to refuse")
        for operand in fits:
            if operand not in self.operands:
                raise ValueError(f"{name}: {operand!r} is not among its operands {self.operands}")
        for parameter in self.parameters:
            if parameter not in self.operands:
                raise ValueError(f"{name}: parameter {parameter!r} is not among its operands {self.operands}")
        if rule is not None and (self.boolean or promotion == "bitwise"):
            raise ValueError(f"{name}: its result is no real number, so it has no partial derivatives")

    @property
    def boolean(self):
        """Whether the result is a truth value.

        Example:
            >>> pb.calculus.isnan.boolean, pb.calculus.exp.boolean
            (True, False)
        """
        return self.promotion in _BOOLEAN

    @property
    def arity(self):
        """How many operands there are, parameters included.

        Example:
            >>> pb.calculus.leaky_relu.arity
            2
        """
        return len(self.operands)

    @property
    def parameter_indices(self):
        """Which operands are parameters: a tuple of positions.

        Example:
            >>> pb.calculus.leaky_relu.parameter_indices
            (1,)
        """
        return self._indices(self.parameters)

    @property
    def apart_indices(self):
        """Which operands have no say in the result's strides where they are numbers: a tuple of positions.

        Example:
            >>> pb.calculus.pow.apart_indices
            (1,)
        """
        return self._indices(self.apart)

    @property
    def fits_indices(self):
        """Which operands have to fit, where they are integers: a tuple of positions.

        Example:
            >>> pb.calculus.clamp.fits_indices
            (1, 2)
        """
        return self._indices(self.fits)

    def _indices(self, names):
        return tuple([index for index, name in enumerate(self.operands) if name in names])

    @property
    def gradient_indices(self):
        """Which operands are gradients: where one is a partial, it is applied with `gmul`.

        Example:
            >>> pb.calculus.zmul.gradient_indices
            (0,)
        """
        return self._indices(self.gradients)

    @property
    def differentiable(self):
        """Whether the result has a derivative in at least one operand.

        Example:
            >>> pb.calculus.exp.differentiable, pb.calculus.isnan.differentiable
            (True, False)
        """
        return self.rule is not None or (self.formula is not None and not self.boolean)

    def units_of(self, operands, result):
        """(count, of what): a value errs by at most so many units in the last place, of the largest of the magnitudes.

        They are the result's own but for rows whose terms cancel, or that are exponentials of a rounded number: there
        `beside`, a function of the operands and the result, tells what else is rounded.

        Example:
            >>> pb.calculus.erfinv.units_of((0.5,), 0.4769)
            (6, (0.4769,))
        """
        if not isinstance(self.error, tuple):
            return self.error, (result,)
        count, beside = self.error
        return count, (result, *beside(*operands, result))

    def __repr__(self):
        return f"<pullback.calculus row {self.variant_of or self.name}({self.signature})>"

    def __call__(self, *operands, **named):
        if named or len(operands) != len(self.operands):
            operands = self._bind(operands, named)
        for operand in operands:
            if operand.__class__ is Symbol:
                break
            if operand.__class__ is derive.Dual:
                return derive.apply_to_duals(self, operands)
        else:
            return self._on_tensors(operands)
        if any(operand.__class__ is derive.Dual for operand in operands):
            return derive.apply_to_duals(self, operands)
        if self.formula is not None:
            return self.formula(*operands)
        result = emit(self.name, *operands, boolean=self.boolean)
        if result is NotImplemented:
            raise TypeError(f"{self.name}: in a rule, its operands are symbols or numbers, not {operands!r}")
        return result

    def forward(self):
        """The program of a composed function; None where the core has a kernel of this name.

        Raises TypeError for a formula that gives no value, or one of another kind than the row says.

        Example:
            >>> pb.calculus.exp.forward() is None, pb.calculus.softsign.forward() is None
            (True, False)
        """
        if self.formula is None:
            return None
        operands = self._symbols()[0]
        result = self._run(self.formula, operands)
        if isinstance(result, (list, tuple)):
            raise TypeError(f"{self.name}: a formula returns one value, not {len(result)}")
        if result is None:
            raise TypeError(f"{self.name}: the formula returned None instead of a value")
        if result.__class__ is Symbol and result.boolean != self.boolean:
            kind, cure = ("truth values", "compare") if result.boolean else ("numbers", "arithmetic")
            raise TypeError(f"{self.name}: the formula returns {kind}: define it with promotion={cure!r}")
        return self._program(operands[0].trace, [result])

    def partial_program(self):
        """One program for all partials, which computes once what they share; None without derivatives.

        Example:
            >>> pb.calculus.isnan.partial_program() is None
            True
        """
        if not self.differentiable:
            return None
        operands, result = self._symbols()
        return self._program(result.trace, self.partials(operands, result))

    def partials(self, operands, result):
        """The partial in every operand (None in a parameter), as symbols of the operands' trace.

        Raises TypeError for a rule that does not give one partial for each operand.

        Example:
            >>> from pullback.calculus.symbols import Trace
            >>> trace = Trace(1)
            >>> y = trace.operand(1)
            >>> pb.calculus.exp.partials([trace.operand(0)], y)[0] is y
            True
        """
        if self.rule is None:
            given = self._run(
                lambda *symbols: derive.partials_of(self.formula, symbols, self.parameter_indices), operands
            )
        else:
            given = self._run(self.rule, [*operands, result])
        names = [name for name in self.operands if name not in self.parameters]
        if not isinstance(given, (list, tuple)):
            raise TypeError(f"{self.name}: a rule returns a list of partials, one for each of {_and(names)}")
        if len(given) != len(names):
            raise TypeError(
                f"{self.name}: the rule gives {_count(len(given), 'partial')}, but the function has "
                f"{_count(len(names), 'operand')} to differentiate: {_and(names)}"
            )
        remaining = iter(given)
        return [None if name in self.parameters else next(remaining) for name in self.operands]

    def _symbols(self):
        trace = Trace(len(self.operands))
        where = self.promotion == "where"
        operands = [trace.operand(index, where and index == 0) for index in range(trace.arity)]
        return operands, trace.operand(trace.arity)

    def _run(self, rule, arguments):
        try:
            return rule(*arguments)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self.name}: {error}") from error

    def _program(self, trace, outputs):
        try:
            return trace.program(outputs)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self.name}: {error}") from None

    def _on_tensors(self, operands):
        if self.function is None:
            if Row._core is None:
                raise RuntimeError(f"{self.name}: the table of calculus is not installed in a core yet")
            self.function = Row._core.elementwise_function(self.name)
        return self.function(*operands)

    def _bind(self, operands, named):
        values = dict(zip(self.operands, operands))
        for name, value in named.items():
            if name not in self.operands or name in values:
                raise TypeError(f"{self.name}() got an unexpected or repeated argument {name!r}")
            values[name] = value
        for name, default in self.parameters.items():
            if default is not ...:
                values.setdefault(name, default)
        missing = [name for name in self.operands if name not in values]
        if missing or len(operands) > len(self.operands):
            raise TypeError(
                f"{self.name}() takes {_and(self.operands)}; it was given {_count(len(operands), 'operand')}"
            )
        return [values[name] for name in self.operands]

    def _operand_names(self):
        names = None
        for kind, function in (("formula", self.formula), ("rule", self.rule)):
            if function is None:
                continue
            code = getattr(function, "__code__", None)
            if code is None or code.co_flags & 0x0C or code.co_kwonlyargcount:  # *args, **kwargs
                raise TypeError(
                    f"{self.name}: a {kind} is a lambda or function whose arguments are named one by one"
                )
            own = code.co_varnames[: code.co_argcount]
            if kind == "rule":
                if not own or own[-1] != "y":
                    raise TypeError(
                        f"{self.name}: the last argument of a rule is y, the function's own result"
                    )
                own = own[:-1]
            if names is not None and own != names:
                raise TypeError(f"{self.name}: the formula is over {_and(names)}, the rule over {_and(own)}")
            names = own
        if not names:
            raise TypeError(f"{self.name}: it has no operands")
        return names

    def _default_signature(self):
        names = [name for name in self.operands if name not in self.parameters]
        names = ["input", "other"][: len(names)] if len(names) < 3 else names
        given = [name if default is ... else f"{name}={default}" for name, default in self.parameters.items()]
        return ", ".join(names + given)


def _page(row):
    from .pages import page

    return page(row)


def _signature(row):
    from inspect import Parameter, Signature

    return Signature(
        [
            Parameter(
                name,
                Parameter.POSITIONAL_OR_KEYWORD,
                default=Parameter.empty if row.parameters.get(name, ...) is ... else row.parameters[name],
            )
            for name in row.operands
        ]
    )


Row.__doc__ = Written(_page, Row.__doc__)
Row.__signature__ = Written(_signature)


def _node_name(name):
    return "".join([part.capitalize() for part in name.split("_")]) + "Backward0"


def _count(number, noun):
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _and(names):
    return ", ".join(names)
