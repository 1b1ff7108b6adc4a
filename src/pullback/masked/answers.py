"""How operators answer a MaskedTensor: by their names, and, of what its class keeps apart, by the names of attributes."""

from .. import _core
from ..operators.declare import FUNCTIONS
from ..operators.overriding import WithoutSubclasses
from . import normalizations, reductions
from .filling import dimensions
from .tensor import MaskedTensor, Tensor, is_masked_tensor, plain, wrapped

SINGLE = set(
    """
    abs absolute acos arccos acosh arccosh angle asin arcsin asinh arcsinh atan arctan atanh arctanh bitwise_not ceil
    clamp clamp_max clamp_min clip conj_physical cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 fix floor frac
    gelu i0 isfinite isinf isnan lgamma log log10 log1p log2 logical_not logit nan_to_num neg negative positive pow
    rad2deg reciprocal relu round rsqrt sgn sigmoid sign signbit silu sin sinc sinh softplus special_expit sqrt square tan
    tanh trunc __invert__ __pow__ __neg__ __abs__
    """.split()
)
DOUBLE = set(
    """
    add and arctan2 atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor div divide eq floor_divide
    floordiv fmax fmin fmod ge greater greater_equal gt le less less_equal logaddexp logaddexp2 logical_and logical_or
    logical_xor lshift lt maximum minimum mod mul multiply ne nextafter not_equal or pow remainder rshift sub subtract
    true_divide truediv xor
    """.split()
)
# Of the mask as of the elements.
PASSED = set(
    """
    T __getitem__ __iter__ adjoint broadcast_to cat chunk concat concatenate contiguous diagonal expand expand_as flatten
    flip gather index_select mT mH H hstack movedim moveaxis narrow permute repeat reshape reshape_as roll select split
    split_with_sizes squeeze stack swapaxes swapdims t take_along_dim tensor_split tile transpose unbind unflatten unfold
    unsqueeze unsafe_split view view_as vstack
    """.split()
)
REDUCED = set("amax amin argmax argmin logsumexp mean median norm prod std sum var".split())
ALONG = set("cumprod cumsum log_softmax softmax softmin".split())
CONVERTED = set(
    "bfloat16 bool clone cpu detach double float half int long short to type char requires_grad_".split()
)
LIKE = set("empty_like full_like ones_like rand_like randn_like zeros_like".split())


def _name(func):
    name = func.__name__
    if name != "__get__":
        return name
    attribute = func.__self__
    return (attribute.fget if type(attribute) is property else attribute).__name__


def _bare(name):
    """The name of a sign: add of __add__, __radd__ and __iadd__."""
    bare = name.strip("_")
    if name.startswith("__") and bare not in DOUBLE and bare[:1] in "ri":
        return bare[1:]
    return bare


def _writes(name):
    """Whether an operator of this name is in place: add_, and not __add__."""
    return name.endswith("_") and not name.endswith("__")


def _mask_of(value):
    """An argument with masks in the places of MaskedTensors, and of the tensors that are joined with them."""
    if isinstance(value, (list, tuple)) and any(map(is_masked_tensor, value)):
        return type(value)([each.get_mask() if is_masked_tensor(each) else _whole(each) for each in value])
    return value.get_mask() if is_masked_tensor(value) else value


def _whole(tensor):
    return tensor.new_ones(tensor.shape, dtype=_core.bool)


def _masked(data, mask):
    """MaskedTensors of results and their masks."""
    if isinstance(data, (tuple, list)):
        return type(data)([_masked(*each) for each in zip(data, mask, strict=True)])
    return wrapped(data, mask)


def _plainly(func, args, kwargs):
    with WithoutSubclasses():
        return func(*args, **kwargs)


def _pair(func, name, args, kwargs):
    masks = [each.get_mask() for each in args[:2] if is_masked_tensor(each)]
    if len(masks) == 2 and masks[0] is not masks[1]:
        same = masks[0].shape == masks[1].shape and (masks[0] == masks[1]).all()
        if not same:
            raise ValueError(
                "Input masks must match. Where one element counts and the other does not, nobody knows what is meant: "
                "to_tensor(value) says it."
            )
    made = _plainly(func, args, kwargs)
    if made is NotImplemented:
        return made
    if _writes(name):
        return args[0]
    return wrapped(made, masks[0].expand(made.shape))


def _reduced(name, input, dim=None, keepdim=False, dtype=None, **named):
    options = {"mask": input.get_mask(), **named}
    if name == "norm":
        options["ord"] = options.pop("p", 2.0)
    if name == "median" and dim is None:
        input, dim = input.flatten(), 0
        options["mask"] = input.get_mask()
    data = getattr(reductions, name)(plain(input), dim=dim, keepdim=keepdim, dtype=dtype, **options)
    return wrapped(data, _any(input.get_mask(), dim, keepdim))


def _any(mask, dim, keepdim):
    """Which results are of any element that counts."""
    return mask.any(dimensions(dim, mask.ndim), keepdim)


def _all(input, dim=None, keepdim=False):
    mask = input.get_mask()
    return wrapped((plain(input) | ~mask).all(dimensions(dim, input.ndim), keepdim), _any(mask, dim, keepdim))


def _spread_arguments(args, kwargs):
    """`var` and `std` take (dim, unbiased), too: the second is no keepdim there."""
    names = ("dim", "unbiased") if len(args) > 2 and isinstance(args[2], bool) else ("dim",)
    return {**dict(zip(names, args[1:])), **kwargs}


def _where(condition, input, other):
    """Of both, and of their masks."""
    condition = plain(condition) if is_masked_tensor(condition) else condition
    yes = condition.new_ones((), dtype=_core.bool)
    masks = [each.get_mask() if is_masked_tensor(each) else yes for each in (input, other)]
    made = _plainly(FUNCTIONS["where"], (condition, input, other), {})
    return wrapped(made, FUNCTIONS["where"](condition, *masks).expand(made.shape))


def answered(func, args, kwargs):
    """What `func` gives, of arguments among which there is a MaskedTensor."""
    name = _name(func)
    bare = _bare(name)
    first = args[0] if args else None
    if name == "all":
        return _all(*args, **kwargs)
    if name in REDUCED:
        if name in ("var", "std"):
            kwargs, args = _spread_arguments(args, kwargs), args[:1]
        elif name == "norm" and len(args) > 1:
            kwargs, args = {"p": args[1], **dict(zip(("dim", "keepdim"), args[2:])), **kwargs}, args[:1]
        return _reduced(name, *args, **kwargs)
    if name in ALONG:
        dim, dtype = (args[1] if len(args) > 1 else kwargs["dim"]), kwargs.get("dtype")
        made = getattr(normalizations, name)(plain(first), dim, dtype=dtype, mask=first.get_mask())
        return wrapped(made, first.get_mask())
    if name == "where":
        if first.dtype != _core.bool:
            args = (args[1], first, args[2])  # the method: x.where(condition, other)
        return _where(*args, **kwargs)
    if name in PASSED:
        masks = [_mask_of(each) for each in args], {key: _mask_of(each) for key, each in kwargs.items()}
        made, mask = _plainly(func, args, kwargs), _plainly(func, *masks)
        return (
            iter([_masked(*each) for each in zip(made, mask)]) if name == "__iter__" else _masked(made, mask)
        )
    if bare in SINGLE or name in SINGLE:
        if not any(isinstance(each, Tensor) for each in args[1:]):
            made = _plainly(func, args, kwargs)
            return first if _writes(name) else wrapped(made, first.get_mask())
        if bare not in DOUBLE:
            raise TypeError("MaskedTensor unary ops do not support additional Tensor arguments")
    if bare in DOUBLE:
        return _pair(func, name, args, kwargs)
    if name in LIKE:
        return wrapped(_plainly(func, args, kwargs), first.get_mask())
    if name == "item" and not first.get_mask():
        raise ValueError("item(): expected a mask tensor. The one element does not count.")
    if name == "copy_" and is_masked_tensor(args[1]) and not (first.get_mask() == args[1].get_mask()).all():
        raise ValueError("args[0] mask and args[1] mask must match but do not")
    made = _plainly(func, args, kwargs)
    if made is first or name in ("__copy__", "__deepcopy__"):
        return made
    if name in CONVERTED or name in ("data", "grad", "copy_"):
        return made if made is None else wrapped(made, first.get_mask())
    if isinstance(made, Tensor) or (
        isinstance(made, (tuple, list)) and any(isinstance(m, Tensor) for m in made)
    ):
        raise TypeError(
            f"no implementation found for '{name}' on types that implement __torch_function__: [{MaskedTensor}]. What an "
            "element that does not count means to it is not known: to_tensor(value) gives a tensor that has one, get_data() "
            "all elements."
        )
    return made
