"""Steps that do nothing but compute: of programs made of such, the core keeps the work alone (core/program/work_log.h).

The core notes which kernels a program runs over which memory, and which numbers are taken out of it, and gives up where something
is computed that nobody notes. So operators are listed here whose results are tensors, and which look at elements in no other way.
"""

from __future__ import annotations

import operator

from .. import _core
from . import pure
from .recording import DICT, LIST, NUMBER, SLOT, TUPLE

_OPERANDS = frozenset(
    """
    eq ne not_equal lt less le less_equal gt greater ge greater_equal isnan isinf isfinite isposinf isneginf signbit
    logical_and logical_or logical_xor logical_not where maximum minimum fmax fmin clamp clip clamp_min clamp_max lerp
    addcmul addcdiv nan_to_num exp exp2 expm1 log log2 log10 log1p sigmoid tanh logaddexp logaddexp2 xlogy logit relu add
    sub subtract mul multiply div divide true_divide neg negative reciprocal square sqrt rsqrt pow sign sgn abs absolute
    copysign heaviside nextafter erf erfc erfinv lgamma digamma floor ceil round trunc frac sin cos tan asin arcsin acos
    arccos atan arctan sinh cosh asinh arcsinh acosh arccosh atanh arctanh hypot atan2 arctan2 sinc deg2rad rad2deg
    zeros ones full new_zeros new_ones new_full full_like zeros_like ones_like clone contiguous detach requires_grad_
    float double half bfloat16 to type_as cat concat concatenate
    stack view view_as reshape reshape_as flatten unflatten ravel transpose swapaxes swapdims t permute movedim moveaxis
    squeeze unsqueeze expand expand_as broadcast_to select narrow diagonal unbind split chunk select_scatter slice_scatter
    sum mean sum_to_size matmul mm bmm mv dot outer ger linear addmm addmv mse_loss l1_loss smooth_l1_loss huber_loss softplus
    silu gelu elu celu selu leaky_relu relu6 hardtanh hardsigmoid hardswish logsigmoid mish softsign tanhshrink item
    add_ sub_ mul_ div_ neg_ exp_ sqrt_ relu_ zero_ copy_ addcmul_ addcdiv_ clamp_
    """.split()
)
_SIGNS = (
    pure.FRESH_SIGNS
    | {inplace for _, inplace in pure.SIGNS.values()}
    | {operator.truth, operator.pos, operator.getitem}
)
_ENGINE = (_core.run_backward, _core.set_grad_enabled)


def is_work(step: tuple) -> bool:
    """Whether all that a step does with elements is noted."""
    callable, sources, _, _, outcome = step
    if outcome[0] == NUMBER:
        return False
    if callable in _ENGINE:
        return True
    if callable is operator.getitem:
        return not _has_tensors(sources[1])
    if not isinstance(callable, _core.Operator):
        return callable in _SIGNS
    return pure.name_of(callable) in _OPERANDS


def _has_tensors(source: tuple) -> bool:
    kind, _, _, parts = source
    return kind == SLOT or (kind in (LIST, TUPLE, DICT) and any(map(_has_tensors, parts)))
