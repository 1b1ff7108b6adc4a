"""Elementwise functions whose one name has several programs: add with alpha, clamp with one bound or two, ...

Each is a door that looks at its arguments and picks a row of the table.
"""

from numbers import Complex, Integral

from .. import _core
from ..calculus.define import TABLE
from .declare import FUNCTIONS, METHODS, NUMBER_TOO, callable_of, composed, require_real
from .elementwise import elementwise_function


class _Rows:
    """The callables of rows, made when they are first needed: `rows["add"]`, and `rows["add_"]` in place."""

    def __init__(self):
        self.made = {}

    def __getitem__(self, name):
        function = self.made.get(name)
        if function is None:
            in_place = name not in TABLE
            function = elementwise_function(name.removesuffix("_") if in_place else name, inplace=in_place)
            self.made[name] = function
        return function


_rows = _Rows()


def _call(name, in_place, out, *operands):
    if in_place:
        return _rows[name + "_"](*operands)
    return _rows[name](*operands, out=out) if out is not None else _rows[name](*operands)


def _scaled(name, alpha, in_place, out, input, other):
    """The row of this name; with an `alpha` the one that scales by it, whose kind may not be above the operands'."""
    kind = type(alpha)
    if kind is int and alpha == 1:
        return _call(name, in_place, out, input, other)
    if kind is not int and not (
        kind is float and isinstance(input, _core.Tensor) and input.is_floating_point()
    ):
        _check_scale(alpha, input, other)
    return _call(name + "_scaled", in_place, out, input, other, alpha)


def _check_scale(alpha, input, other):
    dtypes = [each.dtype for each in (input, other) if isinstance(each, _core.Tensor)]
    kinds = (type(input), type(other))
    if isinstance(alpha, bool) and not all(dtype is _core.bool for dtype in dtypes):
        raise RuntimeError(
            "Boolean alpha only supported for Boolean results. 1 is the number that True stands for."
        )
    floating = float in kinds or complex in kinds or any(d.is_floating_point or d.is_complex for d in dtypes)
    if isinstance(alpha, Complex) and not isinstance(alpha, Integral) and not floating:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")


@composed(out="passed", in_place=True, kinds=NUMBER_TOO)
def add(input, other, *, alpha=1, out=None, in_place=False):
    """input + alpha * other, element by element.

    Shape: that which `input` and `other` broadcast to; one may be a number.
    Dtype: the common dtype.
    Derivative: 1 in `input`, alpha in `other`.
    Written into `out`, where that is given.

    Raises:
        TypeError: no operand is a tensor.
        RuntimeError: shapes that do not broadcast; a floating `alpha` where all else are integers; an `out` of a dtype
            that the result cannot be cast to.

    Example:
        >>> a = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> b = pb.tensor([10.0, 20.0], requires_grad=True)
        >>> pb.add(a, b, alpha=0.5)
        tensor([ 6., 12.], grad_fn=<AddBackward0>)
        >>> pb.add(a, b, alpha=0.5).sum().backward()
        >>> a.grad, b.grad
        (tensor([1., 1.]), tensor([0.5000, 0.5000]))
    """
    return _scaled("add", alpha, in_place, out, input, other)


@composed(aliases=("subtract",), out="passed", in_place=True, kinds=NUMBER_TOO)
def sub(input, other, *, alpha=1, out=None, in_place=False):
    """input - alpha * other, element by element.

    Shape: that which `input` and `other` broadcast to; one may be a number.
    Dtype: the common dtype.
    Derivative: 1 in `input`, -alpha in `other`.
    Written into `out`, where that is given.
    Also called `pullback.subtract`.

    Raises:
        TypeError: no operand is a tensor.
        RuntimeError: operands that are bool, for which ``^`` or `logical_xor` is meant; shapes that do not broadcast; a
            floating `alpha` where all else are integers; an `out` of a dtype that the result cannot be cast to.

    Example:
        >>> a = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> pb.sub(a, 0.5)
        tensor([0.5000, 1.5000], grad_fn=<SubBackward0>)
        >>> pb.sub(0.5, a).sum().backward()
        >>> a.grad
        tensor([-1., -1.])
    """
    return _scaled("sub", alpha, in_place, out, input, other)


@composed(method=False, out="passed", kinds=NUMBER_TOO)
def rsub(input, other, *, alpha=1, out=None):
    """other - alpha * input, element by element: `sub` with its operands exchanged, and its shapes, dtypes and errors.

    Raises RuntimeError for operands that are bool.

    Example:
        >>> pb.rsub(pb.tensor([1.0, 2.0]), 1)
        tensor([ 0., -1.])
    """
    return _scaled("rsub", alpha, False, out, input, other)


@composed(aliases=("divide",), out="passed", in_place=True, kinds=NUMBER_TOO)
def div(input, other, *, rounding_mode=None, out=None, in_place=False):
    """input / other, element by element; with a `rounding_mode` the quotient is rounded to an integer.

    The mode is None, "trunc" (towards zero, as C) or "floor" (as Python's ``//``).

    Shape: that which `input` and `other` broadcast to; one may be a number.
    Dtype: the common dtype; without a mode integers and bool become the default floating dtype.
    Derivative: that of the quotient; 0 with a mode, as a staircase is flat.
    Written into `out`, where that is given.
    Also called `pullback.divide`.

    Raises:
        TypeError: no operand is a tensor.
        NotImplementedError: bool, with a mode.
        RuntimeError: integers divided by 0, with a mode; another mode; shapes that do not broadcast; an `out` of a dtype
            that the result cannot be cast to.

    Example:
        >>> a = pb.tensor([7.0, -7.0], requires_grad=True)
        >>> pb.div(a, 2)
        tensor([ 3.5000, -3.5000], grad_fn=<DivBackward0>)
        >>> pb.div(a, 2).sum().backward()
        >>> a.grad
        tensor([0.5000, 0.5000])
        >>> pb.div(pb.tensor([7, -7]), 2, rounding_mode="floor")
        tensor([ 3, -4])
    """
    if rounding_mode is None:
        return _call("div", in_place, out, input, other)
    if rounding_mode == "trunc":
        return _call("trunc_divide", in_place, out, input, other)
    if rounding_mode == "floor":
        return _call("div_floor", in_place, out, input, other)
    raise RuntimeError(
        f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
    )


@composed(out="passed", in_place="div", kinds=NUMBER_TOO)
def true_divide(input, other, *, out=None, in_place=False):
    """input / other, element by element: `div` without a rounding mode, and its shapes, dtypes and errors.

    Raises RuntimeError for shapes that do not broadcast, TypeError where no operand is a tensor.

    Example:
        >>> pb.true_divide(pb.tensor([1, 2]), 4)
        tensor([0.2500, 0.5000])
    """
    return _call("div", in_place, out, input, other)


def _bound(input, bound):
    """A bound as it meets floats: a complex number is the real one that it equals."""
    if not isinstance(bound, complex) or not (isinstance(input, _core.Tensor) and input.is_floating_point()):
        return bound
    if bound.imag:
        raise RuntimeError(f"value cannot be converted to type double without overflow. {bound} is no bound.")
    return bound.real


@composed(aliases=("clip",), out="passed", in_place=True)
def clamp(input, min=None, max=None, *, out=None, in_place=False):
    """input brought between `min` and `max`: numbers, tensors, or None for no bound. Where they cross, `max` wins.

    Shape: that which `input` and the bounds broadcast to.
    Dtype: the common dtype.
    Derivative: 1 in `input` from bound to bound, the bounds included; a bound that is a tensor gets the gradient beyond.
    Written into `out`, where that is given.
    Also called `pullback.clip`.

    Raises:
        TypeError: no operand is a tensor.
        NotImplementedError: bool between two bounds that are bool.
        RuntimeError: no bound, or a complex number; a number that does not fit the integer dtype it is used in; shapes
            that do not broadcast; an `out` of a dtype that the result cannot be cast to.

    Example:
        >>> x = pb.tensor([-2.0, 0.5, 1.0, 2.0], requires_grad=True)
        >>> pb.clamp(x, -1, 1)
        tensor([-1.0000,  0.5000,  1.0000,  1.0000], grad_fn=<ClampBackward1>)
        >>> pb.clamp(x, -1, 1).sum().backward()
        >>> x.grad
        tensor([0., 1., 1., 0.])
    """
    min, max = _bound(input, min), _bound(input, max)
    if min is None:
        if max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        return _call("clamp_high", in_place, out, input, max)
    if max is None:
        return _call("clamp_low", in_place, out, input, min)
    return _call("clamp", in_place, out, input, min, max)


@composed(out="passed", in_place=True)
def round(input, *, decimals=0, out=None, in_place=False):
    """input rounded to the nearest integer, halves to the even one; or to so many `decimals`, tens for a negative number.

    Shape: that of `input`, which may be any.
    Dtype: that of `input`.
    Derivative: 0 everywhere: a staircase is flat, and so it is on the steps.
    Written into `out`, where that is given.

    Raises:
        TypeError: `input` is no tensor.
        NotImplementedError: bool; integers with `decimals`.
        RuntimeError: an `out` of a dtype that the result cannot be cast to.

    Example:
        >>> pb.round(pb.tensor([0.5, 1.5, 2.567]))
        tensor([0., 2., 3.])
        >>> pb.round(pb.tensor([2.567]), decimals=1)
        tensor([2.6000])
    """
    if decimals == 0:
        return _call("round", in_place, out, input)
    return _call(
        "round_decimals" if decimals > 0 else "round_tens", in_place, out, input, 10.0 ** abs(decimals)
    )


@composed(out="passed", in_place=True)
def logit(input, eps=None, *, out=None, in_place=False):
    """log(input / (1 - input)), the inverse of sigmoid: infinite at 0 and 1, NaN beyond.

    With `eps`, input is brought between eps and 1 - eps before.

    Shape: that of `input`, which may be any.
    Dtype: that of `input`, integers and bool made the default floating dtype.
    Derivative: 1 / (input * (1 - input)); 0 where `eps` has moved the input.
    Written into `out`, where that is given.

    Raises:
        TypeError: `input` is no tensor.
        RuntimeError: an `out` of a dtype that the result cannot be cast to.

    Example:
        >>> x = pb.tensor([0.25, 0.5, 0.75], requires_grad=True)
        >>> pb.logit(x)
        tensor([-1.0986,  0.0000,  1.0986], grad_fn=<LogitBackward0>)
        >>> pb.logit(x).sum().backward()
        >>> x.grad
        tensor([5.3333, 4.0000, 5.3333])
    """
    if eps is None:
        return _call("logit", in_place, out, input)
    return _call("logit_clamped", in_place, out, input, eps)


@composed(out="passed", in_place=True)
def nan_to_num(input, nan=None, posinf=None, neginf=None, *, out=None, in_place=False):
    """input with NaN (by 0) and infinities (by the largest finite numbers of its dtype) replaced, or by what is given.

    Of complex numbers each part is.

    Shape: that of `input`, which may be any.
    Dtype: that of `input`.
    Derivative: 1, and 0 where a value is replaced, which does not depend on the input.
    Written into `out`, where that is given.

    Raises:
        TypeError: `input` is no tensor.
        RuntimeError: an `out` of a dtype that the result cannot be cast to.

    Example:
        >>> pb.nan_to_num(pb.tensor([float("nan"), float("inf"), 1.0]), posinf=9.0)
        tensor([0., 9., 1.])
    """
    part = input.real.dtype if input.dtype.is_complex else input.dtype
    largest = part._largest if part.is_floating_point else 0.0  # integers have nothing to replace
    return _call(
        "nan_to_num",
        in_place,
        out,
        input,
        0.0 if nan is None else nan,
        largest if posinf is None else posinf,
        -largest if neginf is None else neginf,
    )


@composed(kinds={"other": "T"})
def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |input - other| <= atol + rtol * |other|, element by element; equal infinities are close.

    Shape: that which `input` and `other` broadcast to.
    Dtype: bool. NaN is close to NaN with `equal_nan` only.

    Raises:
        TypeError: `input` or `other` is no tensor.
        RuntimeError: different dtypes; negative tolerances; shapes that do not broadcast.

    Example:
        >>> pb.isclose(pb.tensor([1.0, 2.0]), pb.tensor([1.0 + 1e-9, 2.1]))
        tensor([ True, False])
    """
    if input.dtype != other.dtype:
        raise RuntimeError(f"{_name(input)} did not match {_name(other)}")
    if rtol < 0:
        raise RuntimeError(f"rtol must be greater than or equal to zero, but got {rtol}")
    if atol < 0:
        raise RuntimeError(f"atol must be greater than or equal to zero, but got {atol}")
    return _rows["isclose_nan" if equal_nan else "isclose"](input, other, rtol, atol)


def _name(tensor):
    return tensor.dtype._legacy_name


FUNCTIONS["clamp_"] = METHODS["clamp_"]
FUNCTIONS["round_"] = METHODS["round_"]
FUNCTIONS["nan_to_num_"] = METHODS["nan_to_num_"]
FUNCTIONS["logit_"] = METHODS["logit_"]


def kept(tensor):
    """What a derivative may read after the tensor is written."""
    return tensor.clone() if tensor.requires_grad else tensor


def write_result(tensor, result):
    """In place, what a function of the tensor gave: of another dtype it raises RuntimeError."""
    if result.dtype != tensor.dtype:
        raise RuntimeError(
            f"result type {_name(result)} can't be cast to the desired output type {_name(tensor)}"
        )
    return tensor.copy_(result)


def polygamma(n, input, *, out=None):
    """The n-th derivative of digamma, for n = 0, 1, ...

    Shape: that of `input`, which may be any.
    Dtype: that of `input`, integers and bool made the default floating dtype.
    Derivative: polygamma(n + 1, input).
    Accuracy: at most 60 units in the last place; left of 0, where it has poles, of 1.
    Written into `out`, where that is given.
    Also called `pullback.special.polygamma`.

    Raises:
        TypeError: `input` is no tensor.
        RuntimeError: a negative n; an `out` of a dtype that the result cannot be cast to.

    Example:
        >>> x = pb.tensor([0.5, 1.0, 2.0], requires_grad=True)
        >>> pb.polygamma(1, x)
        tensor([4.9348, 1.6449, 0.6449], grad_fn=<PolygammaBackward0>)
        >>> pb.polygamma(1, x).sum().backward()
        >>> x.grad
        tensor([-16.8288,  -2.4041,  -0.4041])
    """
    if n < 0:
        raise RuntimeError(
            f"polygamma(n, x) does not support negative n. {n} is the order of a derivative: 0, 1, 2, ..."
        )
    return _call("polygamma", False, out, n, input)


def _polygamma_method(self, n):
    """The n-th derivative of digamma: see `pullback.polygamma`. Raises RuntimeError for a negative n.

    Example:
        >>> pb.tensor([1.0]).polygamma(1)
        tensor([1.6449])
    """
    return polygamma(n, self)


def _polygamma_in_place(self, n):
    """In-place form of `polygamma`: the tensor takes the result, and is returned.

    Raises RuntimeError for a negative n, for integers, and for a leaf that requires grad.

    Example:
        >>> pb.tensor([1.0]).polygamma_(1)
        tensor([1.6449])
    """
    return write_result(self, polygamma(n, kept(self)))  # the operand that is written is not the first


FUNCTIONS["polygamma"] = callable_of(polygamma, "polygamma", out="passed")
METHODS["polygamma"] = callable_of(_polygamma_method, "polygamma")
METHODS["polygamma_"] = callable_of(_polygamma_in_place, "polygamma_")


@composed(node="PreluKernelBackward0")
def prelu(input, weight):
    """`input` where positive, weight * input elsewhere: one weight, or one for each channel (arXiv:1502.01852).

    Shape and dtype: those of `input`; channels are dimension 1, or the only one. Derivative: in both, of every order; at 0
    the slope is `weight`.
    Raises RuntimeError for a number of weights that is neither 1 nor that of the channels, and for weights of more than one
    dimension.

    Example:
        >>> pb.prelu(pb.tensor([[-1.0, -1.0], [2.0, -2.0]]), pb.tensor([0.5, 0.25]))
        tensor([[-0.5000, -0.2500],
                [ 2.0000, -0.5000]])
    """
    require_real("prelu_cpu", input)
    if weight.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}. There is one for each channel."
        )
    if weight.numel() != 1:
        channels = input.shape[1] if input.ndim > 1 else 1
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        if weight.numel() != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.numel()} and channel size = {channels}."
            )
        weight = weight.reshape(1, channels, *[1] * (input.ndim - 2))
    elif weight.ndim:
        weight = weight.reshape(())
    return input.where(input > 0, weight * input)
