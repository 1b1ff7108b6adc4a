"""Reductions of consecutive parts: `segment_reduce`."""

from .. import _core
from ..operators.declare import FUNCTIONS, composed, dimension

arange, cat, full, searchsorted = (FUNCTIONS[name] for name in ("arange", "cat", "full", "searchsorted"))
INFINITY = float("inf")

# name: (how scatter_reduce calls it, where it begins)
BEGINNINGS = {
    "sum": ("sum", 0),
    "mean": ("sum", 0),
    "prod": ("prod", 1),
    "max": ("amax", -INFINITY),
    "amax": ("amax", -INFINITY),
    "min": ("amin", INFINITY),
    "amin": ("amin", INFINITY),
}


@composed(method=False, kinds={"data": "T"})
def segment_reduce(
    data, reduce, *, lengths=None, indices=None, offsets=None, axis=0, unsafe=False, initial=None
):
    """The sum, mean, product, largest or smallest element ("sum", "mean", "prod", "max", "min") of consecutive parts of a
    dimension.

    Args:
        lengths: of the parts, [..., parts], where the dots are the dimensions before `axis`. They add up to its size, unless
            `unsafe`, where what is beyond belongs to no part.
        offsets: where parts begin, and, as one more, where the last ends: instead of lengths.
        initial: what each part begins with; otherwise an empty part is 0, 1, NaN, -inf or inf.

    Shape: that of `data`, with the number of parts for the size of `axis`. Derivative: of every order.
    Raises RuntimeError for another reduction and for lengths that do not fit, NotImplementedError for integers.

    Example:
        >>> x = pb.tensor([1.0, 2.0, 3.0, 4.0])
        >>> pb.segment_reduce(x, "sum", lengths=pb.tensor([1, 3]))
        tensor([1., 9.])
    """
    if reduce not in BEGINNINGS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    if not data.is_floating_point():
        raise NotImplementedError(
            f"\"_segment_reduce_cpu\" not implemented for '{data.dtype._legacy_name}'. Convert it first: data.float()."
        )
    if indices is not None:
        raise RuntimeError(
            "segment_reduce(): indices based reduction is not supported yet. scatter_reduce takes indices."
        )
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    axis = dimension(data, axis)
    ends = _ends(data, lengths, offsets, axis, unsafe)
    parts, n = ends.shape[-1] - 1, data.shape[axis]
    places = arange(n).expand(*ends.shape[:-1], n).contiguous()
    part = searchsorted(ends[..., 1:].contiguous(), places, right=True)
    # Before the first one it is of none, as what is behind the last.
    part = part.where(places >= ends[..., :1], parts)
    name, begins = BEGINNINGS[reduce]
    begins = begins if initial is None else initial
    shape = (*data.shape[:axis], parts + 1, *data.shape[axis + 1 :])
    inner = (1,) * (data.ndim - axis - 1)
    part = part.reshape(*part.shape, *inner).expand(data.shape)
    found = full(shape, begins, dtype=data.dtype).scatter_reduce(axis, part, data, name)
    found = found.narrow(axis, 0, parts).contiguous()
    if reduce != "mean":
        return found
    sizes = (ends[..., 1:] - ends[..., :-1]).reshape(*ends.shape[:-1], parts, *inner).to(data.dtype)
    if initial is not None:
        sizes = sizes.clamp(min=1)
    return found / sizes


def _ends(data, lengths, offsets, axis, unsafe):
    """Where the parts begin, and where the last one ends."""
    given, name = (offsets, "offsets") if lengths is None else (lengths, "lengths")
    if given.dtype not in (_core.int64, _core.int32):
        raise NotImplementedError(
            f"\"_segment_reduce_{name}_cpu_kernel1\" not implemented for '{given.dtype._legacy_name}'. They are whole numbers."
        )
    if given.ndim - 1 != axis:
        raise RuntimeError(
            f"segment_reduce(): Expected axis to be the last dimension of {name} but got {axis}."
        )
    given = given.long()
    if lengths is None:
        return given
    if (given < 0).any():
        raise RuntimeError("lengths contains negative value!")
    if not unsafe and (given.sum(-1) != data.shape[axis]).any():
        raise RuntimeError(
            "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when !unsafe."
        )
    return cat([given.new_zeros(*given.shape[:-1], 1), given.cumsum(-1)], -1)
