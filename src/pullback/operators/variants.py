"""Elementwise functions whose one name has several programs: add with alpha, clamp with one bound or two, ...

Each is a door that looks at its arguments and picks a row of the table.
"""

import functools

from .. import _core
from ..calculus.define import TABLE
from .declare import FUNCTIONS, METHODS, callable_of, composed, without_last
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


def _door(function, *aliases, in_place=True, method=True, public=True):
    """Publish `function(..., out=None, in_place=False)` as a function, a method, and their in-place forms."""
    name = function.__name__.lstrip("_")
    plain = callable_of(without_last(function, 1), name, function, out="passed")
    writing = callable_of(without_last(function, 2), name + "_", functools.partial(function, in_place=True))
    del writing.__doc__
    writing.__row__ = TABLE["div" if name == "true_divide" else name]
    for each in (name, *aliases):
        if public:
            FUNCTIONS[each] = plain
        if method:
            METHODS[each] = plain
            if in_place:
                METHODS[each + "_"] = writing
    return plain


def _check_alpha(alpha, *operands):
    """PyTorch's rule: alpha may not be of a higher kind than what it scales."""
    if isinstance(alpha, (bool, int)):
        return
    floating = any(getattr(o, "dtype", None) is not None and o.dtype.is_floating_point for o in operands)
    if not floating and not any(isinstance(o, float) for o in operands):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")


def _add(input, other, *, alpha=1, out=None, in_place=False):
    """input + alpha * other, broadcast.

    Args:
        input, other: tensors (or `other` a number) whose shapes broadcast; the result has their common dtype.
        alpha: a number that scales `other`.

    Example:
        >>> pb.add(pb.tensor([1.0, 2.0]), pb.tensor([10.0, 20.0]), alpha=0.5)
        tensor([ 6., 12.])
    """
    if alpha == 1:
        return _call("add", in_place, out, input, other)
    _check_alpha(alpha, input, other)
    return _call("add_scaled", in_place, out, input, other, alpha)


def _sub(input, other, *, alpha=1, out=None, in_place=False):
    """input - alpha * other, broadcast.

    Raises RuntimeError for Booleans: use ``^`` or `logical_xor`.

    Example:
        >>> pb.sub(pb.tensor([1.0, 2.0]), 0.5)
        tensor([0.5000, 1.5000])
    """
    if alpha == 1:
        return _call("sub", in_place, out, input, other)
    _check_alpha(alpha, input, other)
    return _call("sub_scaled", in_place, out, input, other, alpha)


def _rsub(input, other, *, alpha=1, out=None, in_place=False):
    """other - alpha * input.

    Example:
        >>> pb.rsub(pb.tensor([1.0, 2.0]), 1)
        tensor([ 0., -1.])
    """
    if alpha == 1:
        return _call("rsub", in_place, out, input, other)
    _check_alpha(alpha, input, other)
    return _call("rsub_scaled", in_place, out, input, other, alpha)


def _div(input, other, *, rounding_mode=None, out=None, in_place=False):
    """input / other, broadcast; integers divide to floats.

    Args:
        rounding_mode: None, "trunc" (towards zero, as C) or "floor" (as Python's ``//``).

    Raises RuntimeError for an integer division by zero with a rounding mode.

    Example:
        >>> pb.div(pb.tensor([7, -7]), 2)
        tensor([ 3.5000, -3.5000])
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


def _true_divide(input, other, *, out=None, in_place=False):
    """input / other, broadcast; integers divide to floats.

    Example:
        >>> pb.true_divide(pb.tensor([1, 2]), 4)
        tensor([0.2500, 0.5000])
    """
    return _call("div", in_place, out, input, other)


def _clamp(input, min=None, max=None, *, out=None, in_place=False):
    """input brought between `min` and `max`: numbers, tensors that broadcast, or None for no bound.

    Where bounds cross, `max` wins. On a bound the input keeps the gradient.

    Raises RuntimeError when both bounds are None.

    Example:
        >>> pb.clamp(pb.tensor([-2.0, 0.5, 2.0]), -1, 1)
        tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None:
        if max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        return _call("clamp_high", in_place, out, input, max)
    if max is None:
        return _call("clamp_low", in_place, out, input, min)
    return _call("clamp", in_place, out, input, min, max)


def _round(input, *, decimals=0, out=None, in_place=False):
    """input rounded to the nearest integer, halves to the even one; or to a number of decimals.

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


def _logit(input, eps=None, *, out=None, in_place=False):
    """log(input / (1 - input)), the inverse of sigmoid; with `eps`, of input brought between eps and 1 - eps.

    Example:
        >>> pb.logit(pb.tensor([0.5, 0.75]))
        tensor([0.0000, 1.0986])
    """
    if eps is None:
        return _call("logit", in_place, out, input)
    return _call("logit_clamped", in_place, out, input, eps)


_LARGEST = {_core.float32: 3.4028234663852886e38, _core.float64: 1.7976931348623157e308}


def _nan_to_num(input, nan=None, posinf=None, neginf=None, *, out=None, in_place=False):
    """input with NaN (by 0) and infinities (by the largest finite numbers of its dtype) replaced.

    Example:
        >>> pb.nan_to_num(pb.tensor([float("nan"), float("inf"), 1.0]), posinf=9.0)
        tensor([0., 9., 1.])
    """
    if not isinstance(input, _core.Tensor):
        raise TypeError(
            f"nan_to_num(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}"
        )
    largest = _LARGEST.get(input.dtype, 0.0)  # integers have nothing to replace
    return _call(
        "nan_to_num",
        in_place,
        out,
        input,
        0.0 if nan is None else nan,
        largest if posinf is None else posinf,
        -largest if neginf is None else neginf,
    )


@composed
def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |input - other| <= atol + rtol * |other|, element by element.

    Raises RuntimeError for different dtypes or negative tolerances.

    Example:
        >>> pb.isclose(pb.tensor([1.0, 2.0]), pb.tensor([1.0 + 1e-9, 2.1]))
        tensor([ True, False])
    """
    for position, (name, tensor) in enumerate((("input", input), ("other", other)), 1):
        if not isinstance(tensor, _core.Tensor):
            raise TypeError(
                f"isclose(): argument '{name}' (position {position}) must be Tensor, not {type(tensor).__name__}"
            )
    if input.dtype != other.dtype:
        raise RuntimeError(f"{_name(input)} did not match {_name(other)}")
    if rtol < 0:
        raise RuntimeError(f"rtol must be greater than or equal to zero, but got {rtol}")
    if atol < 0:
        raise RuntimeError(f"atol must be greater than or equal to zero, but got {atol}")
    return _rows["isclose_nan" if equal_nan else "isclose"](input, other, rtol, atol)


def _name(tensor):
    return tensor.dtype._legacy_name


for _function, *_aliases in (
    (_add,),
    (_sub, "subtract"),
    (_div, "divide"),
    (_true_divide,),
    (_clamp, "clip"),
    (_round,),
    (_nan_to_num,),
):
    _door(_function, *_aliases)
_door(_rsub, method=False)
_door(_logit)
FUNCTIONS["clamp_"] = METHODS["clamp_"]
FUNCTIONS["round_"] = METHODS["round_"]
FUNCTIONS["nan_to_num_"] = METHODS["nan_to_num_"]
FUNCTIONS["logit_"] = METHODS["logit_"]


def polygamma(n, input, *, out=None):
    """The n-th derivative of digamma, for n = 0, 1, ...

    Raises RuntimeError for a negative n.

    Example:
        >>> pb.polygamma(1, pb.tensor([1.0]))
        tensor([1.6449])
    """
    if n < 0:
        raise RuntimeError(
            f"polygamma(n, x) does not support negative n. {n} is the order of a derivative: 0, 1, 2, ..."
        )
    return _call("polygamma", False, out, n, input)


def _polygamma_method(self, n):
    """The n-th derivative of digamma.

    Example:
        >>> pb.tensor([1.0]).polygamma(1)
        tensor([1.6449])
    """
    return polygamma(n, self)


def _polygamma_in_place(self, n):
    """In-place form of `polygamma`: the tensor takes the result, and is returned.

    Example:
        >>> pb.tensor([1.0]).polygamma_(1)
        tensor([1.6449])
    """
    return self.copy_(polygamma(n, self))  # the operand that is written is not the first


FUNCTIONS["polygamma"] = polygamma
METHODS["polygamma"] = _polygamma_method
METHODS["polygamma_"] = _polygamma_in_place
