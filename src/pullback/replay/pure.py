"""The operators that may be replayed: what they give follows from what they are given, the modes and the generator.

They change nothing else, with two exceptions that their declarations show: those whose names end in `_` write into their first
argument, as those do that are told `inplace=True`; `out=` and a few like it are refused.
"""

from __future__ import annotations

import functools
import inspect
import operator
import sys
from types import GetSetDescriptorType, WrapperDescriptorType
from typing import Any

from .. import _core
from .._core import Tensor
from ..nn.parameter import Parameter
from .values import Refused

# Give new memory, whatever they are given.
_FRESH = frozenset(
    """
    eq ne not_equal lt less le less_equal gt greater ge greater_equal isnan isinf isfinite isposinf isneginf signbit isclose
    logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not left_shift
    bitwise_left_shift right_shift bitwise_right_shift gcd lcm where maximum minimum fmax fmin clamp clip clamp_min clamp_max
    lerp addcmul addcdiv nan_to_num exp exp2 expm1 log log2 log10 log1p sigmoid tanh logaddexp logaddexp2 xlogy logit relu add
    sub subtract mul multiply div divide true_divide neg negative floor_divide remainder fmod reciprocal square sqrt rsqrt pow
    sign sgn abs absolute copysign heaviside nextafter erf erfc erfinv lgamma digamma frac sin cos tan asin arcsin acos arccos
    atan arctan sinh cosh asinh arcsinh acosh arccosh atanh arctanh hypot atan2 arctan2 sinc deg2rad rad2deg clone zeros ones
    empty full zeros_like ones_like empty_like full_like new_zeros new_ones new_empty new_full arange linspace logspace eye
    rand randn randint randperm rand_like randn_like randint_like matmul mm bmm mv dot cat stack
    """.split()
)
# May give views of what they are given, or it itself.
_OTHER = frozenset(
    """
    floor ceil round trunc fix polygamma hardshrink angle conj conj_physical resolve_conj resolve_neg is_conj is_neg isreal
    float double half bfloat16 byte char short int long bool chalf cfloat cdouble to type type_as cpu is_floating_point
    is_complex is_signed new_tensor item tolist size stride dim ndimension numel nelement element_size storage_offset
    is_contiguous index_put gather scatter scatter_add scatter_reduce take_along_dim index_select index_add index_copy
    index_fill masked_fill masked_select masked_scatter take put nonzero argwhere prelu is_nonzero is_same_size equal allclose
    sort argsort msort topk kthvalue median nanmedian mode unique unique_consecutive bincount histc diff select narrow
    diagonal unfold unbind split split_with_sizes chunk tensor_split hsplit vsplit dsplit select_scatter slice_scatter
    diagonal_scatter vdot outer ger inner addmm addmv addr addbmm baddbmm kron nanmean quantile nanquantile bernoulli
    multinomial repeat tile repeat_interleave flip fliplr flipud roll rot90 tril triu diag diag_embed diagflat trace sum
    nansum mean prod any all count_nonzero sum_to_size max min amax amin aminmax argmax argmin var std norm softmax
    log_softmax logsumexp cumsum cumprod cummax cummin logcumsumexp view view_as reshape reshape_as flatten unflatten ravel
    transpose swapaxes swapdims t adjoint permute movedim moveaxis squeeze unsqueeze expand expand_as broadcast_to detach
    contiguous atleast_1d atleast_2d atleast_3d block_diag broadcast_shapes broadcast_tensors bucketize can_cast
    cartesian_prod celu column_stack complex concat concatenate dstack einsum hstack imag real isin is_tensor layer_norm
    meshgrid normal polar promote_types result_type row_stack rsub scalar_tensor searchsorted selu std_mean tensor tensordot
    threshold tril_indices triu_indices var_mean view_as_complex view_as_real vstack adaptive_avg_pool1d adaptive_avg_pool2d
    avg_pool1d avg_pool2d bilinear binary_cross_entropy binary_cross_entropy_with_logits conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d cosine_embedding_loss cosine_similarity cross_entropy dropout elu gelu glu group_norm hardsigmoid
    hardswish hardtanh hinge_embedding_loss huber_loss kl_div l1_loss leaky_relu linear logsigmoid margin_ranking_loss
    max_pool1d max_pool2d mish mse_loss nll_loss normalize one_hot pad pairwise_distance pixel_shuffle pixel_unshuffle
    poisson_nll_loss relu6 rms_norm scaled_dot_product_attention multi_head_attention_forward silu smooth_l1_loss
    soft_margin_loss softmin softplus softshrink softsign tanhshrink triplet_margin_loss embedding batch_norm instance_norm
    recurrent_layer embedding_bag conv_transpose3d avg_pool3d max_pool3d adaptive_avg_pool3d adaptive_max_pool1d
    adaptive_max_pool2d adaptive_max_pool3d lp_pool1d lp_pool2d local_response_norm interpolate grid_sample affine_grid fold
    channel_shuffle multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss gaussian_nll_loss ctc_loss pdist cdist
    dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout gumbel_softmax cov corrcoef cross dist det logdet
    slogdet inverse pinverse matrix_exp multi_dot linalg.vector_norm linalg.matrix_norm linalg.norm linalg.det
    linalg.slogdet linalg.inv linalg.pinv linalg.solve linalg.solve_triangular linalg.cholesky linalg.qr linalg.svd
    linalg.svdvals linalg.eigh linalg.eigvalsh linalg.matrix_exp linalg.matrix_power linalg.cross linalg.vecdot
    linalg.diagonal linalg.matmul
    """.split()
)
# Write into their first argument.
_IN_PLACE = frozenset(
    """
    eq_ ne_ lt_ le_ gt_ ge_ clamp_ clip_ clamp_min_ clamp_max_ lerp_ addcmul_ addcdiv_ nan_to_num_ exp_ exp2_ expm1_ log_
    log2_ log10_ log1p_ sigmoid_ tanh_ relu_ add_ sub_ subtract_ mul_ multiply_ div_ divide_ true_divide_ neg_ floor_divide_
    remainder_ fmod_ reciprocal_ square_ sqrt_ rsqrt_ pow_ sign_ abs_ floor_ ceil_ round_ trunc_ frac_ sin_ cos_ tan_ sinh_
    cosh_ fill_ zero_ copy_ index_add_ index_copy_ index_fill_ masked_fill_ scatter_ scatter_add_ addmm_ addmv_ uniform_
    normal_ bernoulli_ exponential_ random_ tril_ triu_ logical_and_ logical_or_ logical_xor_ logical_not_ bitwise_and_
    bitwise_or_ bitwise_xor_ bitwise_not_ erf_ asin_ acos_ atan_ hypot_ atan2_ copysign_ xlogy_ addr_ addbmm_ baddbmm_
    index_put_ put_ masked_scatter_ scatter_reduce_ leaky_relu_ elu_ celu_ selu_ hardtanh_ threshold_
    """.split()
)
_MARKS = frozenset(["requires_grad_", "detach_"])  # change what their first argument is, and not its memory
# Move running statistics, if told to by an argument.
_MOVES = {"batch_norm": "training", "instance_norm": "use_input_stats"}
# What they give has as many elements as values say.
_SHAPED_BY_VALUES = frozenset(
    """
    masked_select nonzero argwhere unique unique_consecutive bincount one_hot repeat_interleave tensor_split hsplit vsplit
    dsplit split_with_sizes histc
    """.split()
)
# Draw random numbers, or may.
_DRAWS = frozenset(
    """
    rand randn randint randperm rand_like randn_like randint_like bernoulli multinomial normal uniform_ normal_ bernoulli_
    exponential_ random_ dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout gumbel_softmax
    scaled_dot_product_attention multi_head_attention_forward
    """.split()
)
_KNOWN = _FRESH | _OTHER | _IN_PLACE | _MARKS
# What only reads what a guard compares, and need not be repeated.
_METADATA = frozenset(
    """
    size dim ndimension numel nelement stride element_size is_contiguous is_floating_point is_complex is_signed is_tensor
    is_same_size broadcast_shapes can_cast promote_types result_type
    """.split()
)
# Attributes of tensors that are tensors, and those that a guard compares.
TENSORS = frozenset("T mT H mH data real imag".split())
METADATA = frozenset(
    "shape dtype device ndim requires_grad is_leaf itemsize nbytes layout is_cuda is_cpu is_sparse is_meta is_quantized".split()
)
PARTS = TENSORS | METADATA
GRADIENT = operator.attrgetter("grad")  # whose memory may be anybody's
SIGNS = {
    "Add": (operator.add, operator.iadd),
    "Sub": (operator.sub, operator.isub),
    "Mult": (operator.mul, operator.imul),
    "Div": (operator.truediv, operator.itruediv),
    "FloorDiv": (operator.floordiv, operator.ifloordiv),
    "Mod": (operator.mod, operator.imod),
    "Pow": (operator.pow, operator.ipow),
    "MatMult": (operator.matmul, operator.imatmul),
    "BitAnd": (operator.and_, operator.iand),
    "BitOr": (operator.or_, operator.ior),
    "BitXor": (operator.xor, operator.ixor),
    "LShift": (operator.lshift, operator.ilshift),
    "RShift": (operator.rshift, operator.irshift),
}
FRESH_SIGNS = {plain for plain, _ in SIGNS.values()} | {operator.neg, operator.invert, operator.abs, abs}
FRESH_SIGNS |= {operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge}


def _holders() -> list[dict[str, Any]]:
    """Where operators are, of what is loaded: to load more would give tensors other methods in the middle of a call."""
    package = __name__.partition(".")[0]
    places = ("", ".nn.functional", ".nn.dropouts", ".linalg", ".operators.products")
    found = [sys.modules.get(package + each) for each in places]
    return [vars(Tensor), *(vars(each) for each in found if each is not None)]


@functools.lru_cache(maxsize=4096)
def name_of(op: Any) -> str:
    """The name of an operator that may be replayed. Raises Refused for others."""
    name = op.__name__
    if name in _KNOWN and any(holder.get(name.rpartition(".")[2]) is op for holder in _holders()):
        return name
    raise Refused(f"calls {op.__qualname__}(), which is not known to change nothing")


_DANGERS = ("out", "generator", "max_norm")


@functools.lru_cache(maxsize=4096)
def _signature(op: Any) -> Any:
    return inspect.signature(op)


def bound(op: Any, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an operator by name, with its defaults."""
    given = _signature(op).bind(*args, **kwargs)
    given.apply_defaults()
    return dict(given.arguments)


def check_arguments(op: Any, args: tuple, kwargs: dict[str, Any]) -> None:
    """Raises Refused for what writes elsewhere, or depends on more."""
    parameters = _signature(op).parameters
    dangers = [parameters[name] for name in _DANGERS if name in parameters]
    if all(each.kind is each.KEYWORD_ONLY for each in dangers):
        given = kwargs
    else:
        given = _signature(op).bind(*args, **kwargs).arguments
    if given.get("out") is not None or given.get("generator") is not None:
        raise Refused(f"calls {op.__qualname__}() with out= or generator=")
    if given.get("max_norm") is not None:
        raise Refused("calls embedding() with max_norm=, which writes into the weights")


def gives_fresh(callable: Any) -> bool:
    """Whether what it gives is new memory, whatever it is given."""
    if isinstance(callable, _core.Operator):
        return name_of(callable) in _FRESH
    return callable in FRESH_SIGNS


def follows(callable: Any) -> bool:
    """Whether what it gives is of the memory of what it is given, or new."""
    return callable is not _core.run_backward and callable is not GRADIENT


def written(callable: Any, args: tuple, kwargs: dict[str, Any]) -> list[Any]:
    """The tensors that a call writes into."""
    if not isinstance(callable, _core.Operator):
        return [args[0]] if callable in _writing_signs else []
    name = name_of(callable)
    if name in _MOVES:
        given = bound(callable, args, kwargs)
        moved = (given["running_mean"], given["running_var"]) if given[_MOVES[name]] else ()
        return [each for each in moved if each is not None]
    in_place = name in _IN_PLACE or (
        "inplace" in _signature(callable).parameters and bound(callable, args, kwargs)["inplace"]
    )
    if in_place and not args:
        raise Refused(f"calls {name}() by keyword")
    return [args[0]] if in_place else []


def shape_follows_values(callable: Any, args: tuple) -> bool:
    """Whether the shape of what it gives may follow from the elements of what it is given."""
    if callable is operator.getitem:
        return _has_mask(args[1])
    if not isinstance(callable, _core.Operator):
        return False
    name = name_of(callable)
    return name in _SHAPED_BY_VALUES or (name == "where" and len(args) == 1)


def _has_mask(key: Any) -> bool:
    if isinstance(key, (list, tuple)):
        return any(map(_has_mask, key))
    return isinstance(key, (Tensor, bool)) and getattr(key, "dtype", _core.bool) in (_core.bool, _core.uint8)


def takes_number(callable: Any) -> bool:
    """Whether it gives the element of a tensor as a number."""
    return callable in (float, int, complex) or (
        isinstance(callable, _core.Operator) and name_of(callable) == "item"
    )


def draws(callable: Any) -> bool:
    """Whether it may draw random numbers."""
    return isinstance(callable, _core.Operator) and name_of(callable) in _DRAWS


def marks(callable: Any) -> bool:
    """Whether what it changes is the tensor, and not its memory."""
    return isinstance(callable, _core.Operator) and name_of(callable) in _MARKS


_writing_signs = {inplace for _, inplace in SIGNS.values()} | {operator.setitem}


_SPECIAL = """
    abs add and bool eq float floordiv ge getitem gt iadd iand ifloordiv ilshift imod imul index int invert ior ipow irshift
    isub itruediv ixor le len lshift lt matmul mod mul ne neg or pos pow radd rand rfloordiv rlshift rmatmul rmod rmul ror
    rpow rrshift rshift rsub rtruediv rxor setitem sub truediv xor
    """.split()


def check_signs() -> None:
    """Raises Refused where somebody has given tensors other signs or parts than they have."""
    own = vars(Tensor)
    slots = [own.get(f"__{name}__") for name in _SPECIAL]
    others = [own.get(name) for name in PARTS]
    iterates = all(type(own.get(name)) is _core.Operator for name in ("__iter__", "unbind"))
    package = __name__.partition(".")[0]
    if (
        not iterates
        or not all(isinstance(each, WrapperDescriptorType) for each in slots)
        or not all(
            isinstance(each, GetSetDescriptorType)
            or (isinstance(each, property) and each.fget.__module__.partition(".")[0] == package)
            for each in others
        )
    ):
        raise Refused("computes with tensors to which somebody has given other methods")
    if any(f"__{name}__" in vars(Parameter) for name in _SPECIAL):
        raise Refused("computes with parameters to which somebody has given other methods")


def is_metadata(callable: Any) -> bool:
    """Whether its answer follows from the geometry of what it is given."""
    return isinstance(callable, _core.Operator) and name_of(callable) in _METADATA
