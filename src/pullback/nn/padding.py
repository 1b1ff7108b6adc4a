"""Padding, in PyTorch's four modes."""

from .. import _core
from ..operators.creation import arange
from ..operators.declare import composed
from ..operators.joining import constant_pad_nd
from .orders import in_order, order_of

__all__ = ["pad"]


@composed(public=False, method=False)
def pad(input, pad, mode="constant", value=None):
    """`input` with more elements around it, or fewer where sizes are negative.

    Args:
        pad: pairs (before, after): the last dimension's, then that of the dimension before it, and so on.
        mode: "constant" pads with `value` (0 by default), any number of dimensions. "reflect" mirrors at the
            outermost element, "replicate" repeats it, "circular" continues from the other end: the last
            dimension of a 2-d or 3-d input, the last two of 3-d or 4-d, the last three of 4-d or 5-d.

    Raises:
        RuntimeError: for an odd number of sizes, for sizes that the mode cannot serve (reflect: not less
            than the dimension; circular: more than it), and for a `value` where there is none.
        NotImplementedError: for another mode, or another number of dimensions.

    Example:
        >>> pb.nn.functional.pad(pb.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
        tensor([[3., 2., 1., 2., 3., 2.]])
    """
    _check_sizes(pad)
    if mode == "constant":
        return constant_pad_nd(input, tuple(pad), 0 if value is None else value)
    if mode not in _POSITIONS:
        raise NotImplementedError(
            f"Unrecognised padding mode {mode}. There are constant, reflect, replicate and circular."
        )
    if value is not None:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    _check_dimensions(input, pad)
    order = order_of(input) if mode != "circular" and len(pad) == 2 * (input.ndim - 2) else None
    dimensions = [(input.ndim - 1 - i, pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)]
    for dim, before, after in dimensions:
        _check_fits(mode, dim, before, after, input)
    for dim, before, after in dimensions:
        n = input.shape[dim]
        if mode == "circular":  # what is left goes round
            start, n = max(-before, 0), n + min(before, 0) + min(after, 0)
            input, before, after = input.narrow(dim, start, n), max(before, 0), max(after, 0)
        input = input.index_select(dim, _POSITIONS[mode](arange(-before, n + after), n))
    if mode == "circular":
        return in_order(input, order)
    name = {"reflect": "Reflection", "replicate": "Replication"}[mode]
    return _core.name_last_step(in_order(input, order), f"{name}Pad{len(pad) // 2}DBackward0")


# Where the elements of a padded dimension come from: position p of an input of n.
_POSITIONS = {
    "reflect": lambda p, n: n - 1 - (n - 1 - p.abs()).abs(),
    "replicate": lambda p, n: p.clamp(0, n - 1),
    "circular": lambda p, n: p.remainder(n),
}


def _check_sizes(pad):
    if not isinstance(pad, (tuple, list)):
        raise TypeError(
            f"pad(): argument 'pad' (position 2) must be tuple of ints, not {type(pad).__name__}. It has two "
            "numbers for each dimension."
        )
    for i, size in enumerate(pad):
        if not hasattr(size, "__index__"):
            raise TypeError(
                "pad(): argument 'pad' (position 2) must be tuple of ints, but found element of type "
                f"{type(size).__name__} at pos {i}"
            )
    if len(pad) % 2:
        raise RuntimeError(
            f"Padding length must be divisible by 2. Here it is {len(pad)}: sizes come in pairs, the last "
            "dimension's first."
        )


def _check_dimensions(input, pad):
    sizes, pairs = list(input.shape), len(pad) // 2
    if pairs not in (1, 2, 3) or input.ndim not in (pairs + 1, pairs + 2):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    if 0 in sizes[input.ndim - pairs - 1 :]:
        raise RuntimeError(
            f"Expected {pairs + 1}D or {pairs + 2}D (batch mode) tensor with possibly 0 batch size and other "
            f"non-zero dimensions for input, but got: {sizes}"
        )


def _check_fits(mode, dim, before, after, input):
    n, i = input.shape[dim], input.ndim - 1 - dim
    if mode == "reflect" and max(before, after) >= n:
        raise RuntimeError(
            f"Argument #{4 + 2 * i}: Padding size should be less than the corresponding input dimension, but "
            f"got: padding ({before}, {after}) at dimension {dim} of input {list(input.shape)}"
        )
    if mode == "circular":
        if max(before, after) > n:
            raise RuntimeError(
                f"Padding value causes wrapping around more than once. Dimension {dim} has {n} elements, the "
                f"padding is ({before}, {after})."
            )
        left = n + min(before, 0) + min(after, 0)
        if left < 0 or (left == 0 and n + before + after):
            raise RuntimeError("Negative padding value is resulting in an empty dimension.")
    elif n + before + after < 1:
        raise RuntimeError(
            f"input ({'WHD'[i]}: {n}) is too small. Calculated output {'WHD'[i]}: {n + before + after}"
        )
