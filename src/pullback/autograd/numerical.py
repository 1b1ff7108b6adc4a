"""What `gradcheck` and `gradgradcheck` do: derivatives beside central differences.

The Jacobians are in jacobians.py, the checks in agreement.py; here is which of them are made, and of what.
"""

from __future__ import annotations

import warnings
from typing import Any

from .. import _core
from .._core import Tensor, complex128, float64
from ..operators.complex import view_as_complex, view_as_real
from ..operators.random import rand
from .agreement import (
    check_batched,
    check_batched_forward,
    check_fast,
    check_nestings,
    check_slow,
    check_undefined,
    check_undefined_tangents,
    check_zero_gradients,
)
from .backward import grad
from .gradcheck import GradcheckError
from .jacobians import Function, Outputs, as_tuple, differentiable, wanted_of


def _check_inputs(inputs: Outputs) -> None:
    if not wanted_of(inputs):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for i in wanted_of(inputs):
        x = inputs[i]
        if x.dtype not in (float64, complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                f"will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=4,
            )
        if any(stride == 0 and size > 1 for stride, size in zip(x.stride(), x.shape)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                f"non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous "
                f"on the input before passing it to gradcheck."
            )


def _is_complex(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_complex()


def _of_reals(func: Function, inputs: Outputs) -> tuple[Function, Outputs]:
    """`func` between real tensors: what is complex is a view of pairs, in the same memory.

    So a complex derivative is checked as what it says of real and imaginary parts, holomorphic or not.
    """
    pairs = [_is_complex(x) and x.requires_grad for x in inputs]

    def of_reals(*args: Any) -> Any:
        given = [view_as_complex(x) if pair else x for x, pair in zip(args, pairs)]
        outputs = func(*given)
        if not any(_is_complex(y) for y in as_tuple(outputs)):
            return outputs
        return tuple([view_as_real(y) if _is_complex(y) else y for y in as_tuple(outputs)])

    reals = [_core.require_grad(view_as_real(x.detach())) if pair else x for x, pair in zip(inputs, pairs)]
    return of_reals, tuple(reals)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def check(func: Function, inputs: Any, raise_exception: bool = True, **options: Any) -> bool:
    """`gradcheck`, of its options."""
    forward, backward = options["check_forward_ad"], options["check_backward_ad"]
    _require(forward or backward, "Expected at least one of check_forward_ad or check_backward_ad to be True")
    _require(
        backward or not options["check_batched_grad"],
        "Setting check_batched_grad=True requires check_backward_ad to be True",
    )
    _require(
        forward or not options["check_batched_forward_grad"],
        "Setting check_batched_forward_grad=True requires check_forward_ad to be True",
    )
    try:
        _check_all(func, as_tuple(inputs), options)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_all(func: Function, inputs: Outputs, options: dict[str, Any]) -> None:
    _check_inputs(inputs)
    func, inputs = _of_reals(func, inputs)
    rtol, atol = options["rtol"], options["atol"]
    jacobians = check_fast if options["fast_mode"] else check_slow
    for forward in (False, True):
        if options["check_forward_ad" if forward else "check_backward_ad"]:
            jacobians(func, inputs, rtol, atol, options, forward)
    if options["check_forward_ad"] and options["check_undefined_grad"]:
        check_undefined_tangents(func, inputs)
    if options["check_batched_forward_grad"]:
        check_batched_forward(func, inputs)
    if options["check_all_nestings"]:
        check_nestings(func, inputs, rtol, atol, options["eps"])
    if not options["check_backward_ad"]:
        return
    outputs = as_tuple(func(*inputs))
    if options["check_batched_grad"]:
        for index, j in enumerate(differentiable(outputs)):
            check_batched(outputs[j], inputs, index)
    check_zero_gradients(outputs, inputs)
    if options["check_undefined_grad"] and differentiable(outputs):
        check_undefined(func, inputs)


def check_second(
    func: Function,
    inputs: Any,
    grad_outputs: Any,
    gen_non_contig_grad_outputs: bool,
    check_fwd_over_rev: bool,
    check_rev_over_rev: bool,
    **options: Any,
) -> bool:
    """`gradgradcheck`, of its options: `gradcheck` of the gradient as a function of inputs and cotangents."""
    _require(
        check_fwd_over_rev or check_rev_over_rev,
        "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True",
    )
    for option in ("check_undefined_grad", "check_batched_grad"):
        _require(
            check_rev_over_rev or not options[option],
            f"Setting {option}=True requires check_rev_over_rev to be True",
        )
    given = as_tuple(inputs)
    if grad_outputs is None:
        outputs = as_tuple(func(*given))
        cotangents = tuple(
            [_cotangent(outputs[j], gen_non_contig_grad_outputs) for j in differentiable(outputs)]
        )
    else:
        cotangents = as_tuple(grad_outputs)
    wanted, seeds, count = wanted_of(given), wanted_of(cotangents), len(given)

    def gradient(*args: Any) -> Outputs:
        xs = [_core.require_grad(x) if i in wanted else x for i, x in enumerate(args[:count])]
        gs = [_core.require_grad(g) if i in seeds else g for i, g in enumerate(args[count:])]
        outputs = as_tuple(func(*xs))
        ys = [outputs[j] for j in differentiable(outputs)]
        found = grad(ys, [xs[i] for i in wanted], gs, create_graph=True, allow_unused=True)
        return tuple([g for g in found if g is not None])

    return check(
        gradient,
        (*given, *cotangents),
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        check_batched_forward_grad=False,
        check_all_nestings=False,
        **options,
    )


def _cotangent(y: Tensor, strided: bool) -> Tensor:
    generator = _core.Generator()
    generator.manual_seed(y.numel() + 7)
    size = (*y.shape[:-1], 2 * y.shape[-1]) if strided and y.dim() else y.shape
    drawn = rand(size, dtype=y.dtype, generator=generator) * 2 - 1
    return _core.require_grad((drawn[..., ::2] if strided and y.dim() else drawn).detach())
