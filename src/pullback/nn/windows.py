"""Windows that slide over the last dimensions: what pooling and unfolding have in common, and how convolutions count them.

`windows` is a view, which copies nothing: every position of a window, and the elements it has there. `added` is its
transpose: elements of windows, added where they came from. Positions along a dimension are counted by `Slide`.
"""

from ..operators.creation import zeros
from ..operators.declare import composed
from .padding import pad as padded

__all__ = ["fold", "unfold"]


def spread(value, count):
    """One integer for every dimension, from one integer or as many; callers say what is wrong with another number of them."""
    single = hasattr(value, "__index__") and not hasattr(value, "__len__")  # NumPy's integers too
    value = (int(value),) if single else tuple(value)
    return value * count if len(value) == 1 else value


def sizes(name, value, count):
    """`spread`, with the message of convolutions."""
    value = spread(value, count)
    if len(value) != count:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {count} values to match the convolution "
            f"dimensions, but got {name}={list(value)}"
        )
    return value


class Slide:
    """How windows slide along one dimension."""

    __slots__ = ("dilation", "kernel", "stride")

    def __init__(self, kernel, stride=1, dilation=1):
        self.kernel, self.stride, self.dilation = kernel, stride, dilation

    @property
    def extent(self):
        """From the first to the last element of a window."""
        return self.dilation * (self.kernel - 1) + 1

    def positions(self, size):
        return (size - self.extent) // self.stride + 1

    def at(self, offset, count):
        """The elements that `count` windows have at one offset, as a slice."""
        start = offset * self.dilation
        return slice(start, start + (count - 1) * self.stride + 1, self.stride)


def slides(kernel, stride, dilation):
    return [Slide(*each) for each in zip(kernel, stride, dilation, strict=True)]


def windows(input, along):
    """A view [..., positions of every dimension, elements of every dimension]."""
    first = input.ndim - len(along)
    for dim, slide in enumerate(along, first):
        input = input.unfold(dim, slide.extent, slide.stride)
        if slide.dilation > 1:
            input = input[..., :: slide.dilation]
    return input


def joined(input, along, join):
    """The elements of every window as one: `join(those before, the next)`, dimension after dimension, the last one first.

    An operand is as large as the result, and lies as the input does: what joins is elementwise, and fused.
    """
    counts = [s.positions(n) for s, n in zip(along, input.shape[input.ndim - len(along) :], strict=True)]
    for behind, (slide, count) in enumerate(zip(reversed(along), reversed(counts), strict=True)):
        whole, rest = input, (slice(None),) * behind
        input = whole[(..., slide.at(0, count), *rest)]
        for k in range(1, slide.kernel):
            input = join(input, whole[(..., slide.at(k, count), *rest)])
    return input


def added(parts, along, shape):
    """The transpose of `windows`: parts [..., elements, positions] added into zeros of this shape (spatial sizes)."""
    dims = len(along)
    leading = parts.shape[: parts.ndim - 2 * dims]
    counts = parts.shape[parts.ndim - dims :]
    total = zeros(*leading, *shape, dtype=parts.dtype)
    for offsets in _offsets(along):
        where = tuple([s.at(k, n) for s, k, n in zip(along, offsets, counts, strict=True)])
        total[(..., *where)] += parts[(..., *offsets, *[slice(None)] * dims)]
    return total


def _offsets(along):
    offsets = [()]
    for slide in along:
        offsets = [(*each, k) for each in offsets for k in range(slide.kernel)]
    return offsets


def columns(input, along):
    """The elements of all windows as a matrix for each sample: [..., elements of channels and windows, positions]."""
    dims = len(along)
    view = windows(input, along)
    lead = input.ndim - dims - 1  # the channels stay before the elements
    order = [
        *range(lead + 1),
        *range(lead + 1 + dims, lead + 1 + 2 * dims),
        *range(lead + 1, lead + 1 + dims),
    ]
    view = view.permute(order)
    positions = 1
    for n in view.shape[lead + 1 + dims :]:
        positions *= n
    elements = view.shape[lead]
    for slide in along:
        elements *= slide.kernel
    return view.reshape(*view.shape[:lead], elements, positions)


def _pair(name, value):
    value = spread(value, 2)
    if len(value) != 2:
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(value)}")
    return value


def _geometry(kernel_size, dilation, padding, stride):
    kernel, dilation = _pair("kernel_size", kernel_size), _pair("dilation", dilation)
    padding, stride = _pair("padding", padding), _pair("stride", stride)
    for name, short, value, least in (
        ("kernel size", "kernel", kernel, 1),
        ("dilation", "dilation", dilation, 1),
        ("padding", "pad", padding, 0),
        ("stride", "stride", stride, 1),
    ):
        if min(value) < least:
            kind = "non-negative" if least == 0 else "greater than zero"
            raise RuntimeError(
                f"{name} should be {kind}, but got {short}_height: {value[0]} {short}_width: {value[1]}"
            )
    return slides(kernel, stride, dilation), padding


@composed(public=False, method=False, node="Im2ColBackward0")
def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """The elements of all windows of images: (N, C, H, W) to (N, C * kernel elements, windows), or without N.

    Windows lie row by row, as `fold` takes them. The dtype stays; each of the four numbers may be a pair, (rows, columns).
    Derivative: linear; elements of several windows get the sum.
    Raises RuntimeError for other dimensions, sizes that are not positive, and windows larger than the padded image.

    Example:
        >>> pb.nn.functional.unfold(pb.arange(6.0).reshape(1, 1, 2, 3), (2, 2))
        tensor([[[0., 1.],
                 [1., 2.],
                 [3., 4.],
                 [4., 5.]]])
    """
    along, padding = _geometry(kernel_size, dilation, padding, stride)
    if input.ndim not in (3, 4) or 0 in input.shape[input.ndim - 3 :]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            f"but got: {list(input.shape)}"
        )
    counts = [s.positions(n + 2 * p) for s, n, p in zip(along, input.shape[-2:], padding, strict=True)]
    if min(counts) < 1:
        kernel, spaced, around = zip(
            *[(s.kernel, s.dilation, p) for s, p in zip(along, padding, strict=True)]
        )
        raise RuntimeError(
            f"Given input with spatial size {tuple(input.shape[-2:])}, kernel_size={kernel}, dilation={spaced}, "
            f"padding={around}, calculated shape of the array of sliding blocks as {tuple(counts)}, but its "
            "components must be at least one."
        )
    if any(padding):
        input = padded(input, (padding[1], padding[1], padding[0], padding[0]))
    return columns(input, along)


@composed(public=False, method=False, node="Col2ImBackward0")
def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Images from the elements of their windows, added where these overlap: the transpose of `unfold`.

    (N, C * kernel elements, windows) to (N, C, *output_size), or without N. The dtype stays.
    Derivative: linear. Raises RuntimeError for sizes that do not fit.

    Example:
        >>> parts = pb.ones(1, 4, 2)
        >>> pb.nn.functional.fold(parts, (2, 3), (2, 2))
        tensor([[[[1., 2., 1.],
                  [1., 2., 1.]]]])
    """
    along, padding = _geometry(kernel_size, dilation, padding, stride)
    size = _pair("output_size", output_size)
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    kernel = tuple([s.kernel for s in along])
    elements, found = input.shape[-2:]
    if elements % (kernel[0] * kernel[1]):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={elements} and kernel_size={kernel}."
        )
    counts = [s.positions(n + 2 * p) for s, n, p in zip(along, size, padding, strict=True)]
    if found != counts[0] * counts[1]:
        spaced, step = [tuple([getattr(s, name) for s in along]) for name in ("dilation", "stride")]
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={kernel}, dilation={spaced}, padding={padding}, stride={step}, "
            f"expected size of input's dimension 2 to match the calculated number of sliding blocks {counts[0]} * "
            f"{counts[1]} = {counts[0] * counts[1]}, but got input.size(2)={found}."
        )
    parts = input.reshape(*input.shape[:-2], elements // (kernel[0] * kernel[1]), *kernel, *counts)
    whole = added(parts, along, [n + 2 * p for n, p in zip(size, padding, strict=True)])
    if any(padding):
        whole = whole[..., padding[0] : padding[0] + size[0], padding[1] : padding[1] + size[1]]
    return whole
