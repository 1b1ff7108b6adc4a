"""Functions of two operands of which one has no derivative; the gamma function of several dimensions."""

from math import log, pi

from .. import _core
from ..autograd import Function
from ..operators.declare import METHODS, NUMBER_TOO, callable_of, composed
from ..operators.elementwise import elementwise_function
from ..operators.variants import kept, write_result


class Undifferentiable(Function):
    """A tensor as it is, whose derivative is not there: asking for it raises NotImplementedError.

    Example:
        >>> x = pb.tensor([2.0], requires_grad=True)
        >>> pb.special.zeta(x, 1.0).sum().backward()
        Traceback (most recent call last):
            ...
        NotImplementedError: the derivative for 'zeta' is not implemented. Detach the operand, or let only the other ...
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(tensor, what):
        """The tensor itself."""
        return tensor.view_as(tensor)

    @staticmethod
    def setup_context(context, inputs, output):
        """Keeps what is refused."""
        context.what = inputs[1]

    @staticmethod
    def backward(context, gradient):
        """Raises NotImplementedError."""
        raise _refused(context.what)

    @staticmethod
    def jvp(context, tangent, what):
        """Raises NotImplementedError."""
        raise _refused(context.what)


def _refused(what):
    return NotImplementedError(
        f"the derivative for '{what}' is not implemented. Detach the operand, or let only the other one require grad."
    )


_rows = {name: elementwise_function(name) for name in ("igamma", "igammac", "zeta")}
_rows |= {name + "_": elementwise_function(name, inplace=True) for name in ("igamma", "igammac")}


def _call(name, in_place, out, input, other, what):
    if out is not None:  # never recorded
        return _rows[name](input, other, out=out)
    if isinstance(input, _core.Tensor) and (input.requires_grad or _core.highest_level((input,))):
        if in_place:
            return input.copy_(_rows[name](Undifferentiable.apply(input.clone(), what), other))
        input = Undifferentiable.apply(input, what)
    return _rows[name + "_" if in_place else name](input, other)


@composed(out="passed", in_place=True, kinds={"other": "T"})
def igamma(input, other, *, out=None, in_place=False):
    """The regularised lower incomplete gamma function P(input, other), element by element.

    It is the integral of the gamma density of shape `input` from 0 to `other`.

    Shape: that which `input` and `other` broadcast to.
    Dtype: the common dtype.
    Derivative: in `other` the density, other**(input - 1) e**-other / gamma(input), of every order.
    Accuracy: 8 units in the last place; far from 1, as many times more as the exponent of the density is large.
    Written into `out`, where that is given.
    Also called `pullback.special.gammainc`.

    Raises:
        TypeError: an operand that is no tensor.
        NotImplementedError: integers and bool; a derivative in `input`, when it is asked for.
        RuntimeError: shapes that do not broadcast; an `out` of a dtype that the result cannot be cast to.

    Example:
        >>> x = pb.tensor([0.5, 1.0, 2.0], requires_grad=True)
        >>> pb.igamma(pb.tensor([2.0]), x)
        tensor([0.0902, 0.2642, 0.5940], grad_fn=<IgammaBackward0>)
        >>> pb.igamma(pb.tensor([2.0]), x).sum().backward()
        >>> x.grad
        tensor([0.3033, 0.3679, 0.2707])
    """
    return _call("igamma", in_place, out, input, other, "igamma: input")


@composed(out="passed", in_place=True, kinds={"other": "T"})
def igammac(input, other, *, out=None, in_place=False):
    """The regularised upper incomplete gamma function Q(input, other) = 1 - igamma(input, other), element by element.

    Shape: that which `input` and `other` broadcast to.
    Dtype: the common dtype.
    Derivative: in `other` the density of the gamma distribution, negated, of every order.
    Accuracy: 8 units in the last place; far from 1, as many times more as the exponent of the density is large.
    Written into `out`, where that is given.
    Also called `pullback.special.gammaincc`.

    Raises:
        TypeError: an operand that is no tensor.
        NotImplementedError: integers and bool; a derivative in `input`, when it is asked for.
        RuntimeError: shapes that do not broadcast; an `out` of a dtype that the result cannot be cast to.

    Example:
        >>> x = pb.tensor([0.5, 1.0, 2.0], requires_grad=True)
        >>> pb.igammac(pb.tensor([2.0]), x)
        tensor([0.9098, 0.7358, 0.4060], grad_fn=<IgammacBackward0>)
        >>> pb.igammac(pb.tensor([2.0]), x).sum().backward()
        >>> x.grad
        tensor([-0.3033, -0.3679, -0.2707])
    """
    return _call("igammac", in_place, out, input, other, "igammac: input")


@composed(name="special.zeta", method=False, out="passed", kinds=NUMBER_TOO)
def zeta(input, other, *, out=None):
    """Hurwitz' zeta function, the sum of (k + other)**-input over k = 0, 1, ..., element by element.

    Shape: that which `input` and `other` broadcast to; one may be a number.
    Dtype: the common dtype, integers and bool made the default floating dtype.
    Derivative: in `other`, -input * zeta(input + 1, other).
    Accuracy: at most 60 units in the last place; left of 0, where it has poles, of 1.
    Written into `out`, where that is given.

    Raises:
        TypeError: no operand is a tensor.
        NotImplementedError: a derivative in `input`, when it is asked for.
        RuntimeError: shapes that do not broadcast; an `out` of a dtype that the result cannot be cast to.

    Example:
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> pb.special.zeta(2, x)
        tensor([1.6449, 0.6449], grad_fn=<SpecialZetaBackward1>)
        >>> pb.special.zeta(2, x).sum().backward()
        >>> x.grad
        tensor([-2.4041, -0.4041])
    """
    return _call("zeta", False, out, input, other, "zeta")


@composed(out="cast", kinds={"p": "i"}, node="MvlgammaBackward0")
def mvlgamma(input, p, *, out=None):
    """The logarithm of the gamma function of dimension p, up to a sign of its argument, element by element.

    It is p (p - 1) / 4 log(pi) and the sum of lgamma(input - j / 2) over j = 0, ..., p - 1.

    Shape: that of `input`, which may be any.
    Dtype: that of `input`, integers and bool made the default floating dtype.
    Derivative: the sum of digamma(input - j / 2), of every order.
    Also called `pullback.special.multigammaln`.
    Raises RuntimeError for a p below 1.

    Example:
        >>> pb.mvlgamma(pb.tensor([1.5, 2.5]), 2)
        tensor([0.4516, 0.8570])
    """
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1. It is a dimension; {p} was given.")
    if input.dtype is _core.bool:
        raise RuntimeError(
            "The input tensor may not be a boolean tensor. Convert it, for example with .float()."
        )
    total = input.lgamma()
    for j in range(1, p):
        total = total + (input - 0.5 * j).lgamma()
    return total + 0.25 * p * (p - 1) * log(pi) if p > 1 else total


def _mvlgamma_in_place(self, p):
    """In-place form of `mvlgamma`: the tensor takes the result, and is returned.

    Raises RuntimeError for a p below 1, for integers, and for a leaf that requires grad.

    Example:
        >>> pb.tensor([1.5, 2.5]).mvlgamma_(2)
        tensor([0.4516, 0.8570])
    """
    return write_result(self, mvlgamma(kept(self), p))


METHODS["mvlgamma_"] = callable_of(_mvlgamma_in_place, "mvlgamma_", kinds={"p": "i"})
