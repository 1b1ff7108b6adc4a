"""How the derivative of a decomposition is stated.

    @decomposition("A; upper -> L info", node="LinalgCholeskyExBackward0")
    class cholesky:
        '''A = L L^T. I. Murray, "Differentiation of the Cholesky decomposition", 2016.'''

        def pullback(L, dL, upper): ...
        def pushforward(L, dA, upper): ...

The first line names the operands, the options and the results; the core has a function of the class's name that
computes it from arrays (compute/decompositions.h), or the class has one, `value`, from its one operand and the options to its
one result, which nothing records. What the class becomes is called with operands and options, in that
order, and gives the result, or a tuple of several.

As in the rows of the calculus, names tell what is read: an operand, a result, an option. `dL` is the cotangent of a result in
a pullback, `dA` the tangent of an operand in a pushforward, None where there is none. A pullback returns what comes to each
operand, a pushforward what each result gets: tensors, or None; in a pullback also functions without arguments, which
are called if somebody wants what they give. Both are written in operators, which are recorded, so that every order of
derivative, every nesting and every batch follows.
"""

from .. import _core

HALVES = ("pullback", "pushforward")


def decomposition(signature, node="NotImplemented"):
    """Define the decomposition of a class's name by the pullback and the pushforward in it."""
    given, results = signature.split("->")
    operands, _, options = given.partition(";")
    operands, options, results = operands.split(), options.split(), results.split()

    def reads(function, moved):
        pairs = []
        for name in function.__code__.co_varnames[: function.__code__.co_argcount]:
            if name in operands:
                pairs += [b"i", operands.index(name)]
            elif name in results:
                pairs += [b"o", results.index(name)]
            elif name in options:
                pairs += [b"p", options.index(name)]
            elif name[0] == "d" and name[1:] in moved:
                pairs += [b"d", moved.index(name[1:])]
            else:
                raise ValueError(f"{function.__qualname__} reads {name!r}, which is not in {signature!r}")
        return b"".join(p if isinstance(p, bytes) else bytes([p]) for p in pairs)

    def define(stated):
        pull, push = (vars(stated)[half] for half in HALVES)
        value = vars(stated).get("value")
        return _core.define_decomposition(
            stated.__name__, node, value, pull, reads(pull, results), push, reads(push, operands)
        )

    return define


def plus(a, b):
    """The sum of two derivatives, of which either may be None."""
    return b if a is None else a if b is None else a + b
