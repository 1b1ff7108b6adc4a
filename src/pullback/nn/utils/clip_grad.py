"""Gradients held within bounds."""

import warnings

from ... import _core
from ...autograd import no_grad
from ...operators.creation import tensor
from ...operators.joining import stack

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _listed(parameters):
    return [parameters] if isinstance(parameters, _core.Tensor) else list(parameters)


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The norm of all elements of some tensors together, as a 0-d tensor; 0 for none.

    Raises RuntimeError for a norm that is not finite, with `error_if_nonfinite`.

    Example:
        >>> pb.nn.utils.get_total_norm([pb.tensor([3.0]), pb.tensor([[4.0]])])
        tensor(5.)
    """
    with no_grad():
        tensors = _listed(tensors)
        if not tensors:
            return tensor(0.0)
        norms = [_core.Tensor.norm(each.detach(), float(norm_type)) for each in tensors]
        total = stack(norms).norm(float(norm_type))
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be clipped. To "
            "disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return total


def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """Scale gradients, in place, by max_norm / total_norm where that is below 1.

    Example:
        >>> p = pb.nn.Parameter(pb.zeros(1))
        >>> p.grad = pb.tensor([4.0])
        >>> pb.nn.utils.clip_grads_with_norm_([p], 1.0, pb.tensor(4.0))
        >>> p.grad
        tensor([1.0000])
    """
    factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    with no_grad():
        for each in _listed(parameters):
            if each.grad is not None:
                each.grad.mul_(factor)


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scale all gradients together, in place, so that their norm is at most `max_norm`. Returns the norm before.

    Raises RuntimeError for a norm that is not finite, with `error_if_nonfinite`.

    Example:
        >>> p = pb.nn.Parameter(pb.zeros(2))
        >>> p.grad = pb.tensor([30.0, 40.0])
        >>> pb.nn.utils.clip_grad_norm_([p], 5.0)
        tensor(50.)
        >>> p.grad
        tensor([3.0000, 4.0000])
    """
    parameters = _listed(parameters)
    gradients = [each.grad for each in parameters if each.grad is not None]
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_norm(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """`clip_grad_norm_`, under its older name.

    Example:
        >>> p = pb.nn.Parameter(pb.zeros(2))
        >>> p.grad = pb.tensor([30.0, 40.0])
        >>> pb.nn.utils.clip_grad_norm([p], 5.0)
        tensor(50.)
    """
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Hold every element of all gradients, in place, between -clip_value and clip_value.

    Example:
        >>> p = pb.nn.Parameter(pb.zeros(2))
        >>> p.grad = pb.tensor([30.0, -0.5])
        >>> pb.nn.utils.clip_grad_value_([p], 1.0)
        >>> p.grad
        tensor([ 1.0000, -0.5000])
    """
    bound = float(clip_value)
    with no_grad():
        for each in _listed(parameters):
            if each.grad is not None:
                each.grad.clamp_(min=-bound, max=bound)
