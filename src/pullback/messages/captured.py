"""What PyTorch calls a write in place that a transform refuses: by its function, and by what that was given.

The refusal itself is in the core (tensor/captured.h), which does not know the forms that PyTorch tells apart.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from .._core import Tensor

# For a tensor, and for a number: what is asked is the last operand.
_FORMS = {
    "remainder_ fmod_ pow_ lerp_ copysign_ fill_ masked_fill_": (".Tensor", ".Scalar"),
    "eq_ ne_ lt_ le_ gt_ ge_ bitwise_and_ bitwise_or_ bitwise_xor_": (".Tensor", ".Scalar"),
    "xlogy_": (".Tensor", ".Scalar_Other"),
    "clamp_ clamp_min_ clamp_max_": (".Tensor", ""),
    "index_fill_": (".int_Tensor", ".int_Scalar"),
    "scatter_": (".src", ".value"),
    "bernoulli_": (".Tensor", ".float"),
    "scatter_reduce_": (".two", ".two"),
}
# What is another function here: `div_` with a `rounding_mode`, `round_` with `decimals`.
_VARIANTS = {
    "div_floor_": "div_.Tensor_mode",
    "div_trunc_": "div_.Tensor_mode",
    "round_decimals_": "round_.decimals",
}
FORMS = {name: forms for names, forms in _FORMS.items() for name in names.split()}


def raise_named(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException
) -> NoReturn:
    """Raises `error`, with the name of what was called."""
    if name := _name(function.__name__, args, kwargs):
        error = type(error)(re.sub(r"\(aten::[\w.]+\)", f"(aten::{name})", str(error), count=1))
    raise error.with_traceback(None)


def _name(called: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    if called in _VARIANTS:
        return _VARIANTS[called]
    if called == "random_":
        return called + ("", ".to", ".from")[min(len(args) + len(kwargs) - 1, 2)]
    if called not in FORMS:
        return None
    operands = [*args[1:], *[value for key, value in kwargs.items() if key not in ("reduce", "generator")]]
    form = FORMS[called][not (operands and isinstance(operands[-1], Tensor))]
    if called == "scatter_" and "reduce" in kwargs:
        form = {".src": ".reduce", ".value": ".value_reduce"}[form]
    return called + form
