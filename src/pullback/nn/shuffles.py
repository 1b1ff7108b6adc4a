"""Channels that become pixels and back, and channels that change places."""

from ..operators.declare import composed
from .orders import in_order, order_of

__all__ = ["channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


@composed(public=False, method=False, node="PixelShuffleBackward0")
def pixel_shuffle(input, upscale_factor):
    """Squares of r * r pixels from r * r channels each: (..., C * r**2, H, W) to (..., C, H * r, W * r) (arXiv:1609.05158).

    The dtype stays; a rearrangement is its own derivative.
    Raises RuntimeError for fewer than 3 dimensions, a factor that is not positive, and channels that do not divide.

    Example:
        >>> pb.pixel_shuffle(pb.arange(8.0).reshape(4, 1, 2), 2)
        tensor([[[0., 2., 1., 3.],
                 [4., 6., 5., 7.]]])
    """
    r = upscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *leading, channels, height, width = input.shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but "
            f"input.size(-3)={channels} is not divisible by {r * r}"
        )
    parts = input.reshape(*leading, channels // (r * r), r, r, height, width)
    parts = parts.movedim(-4, -2).movedim(-4, -1)  # C, H, r, W, r
    return in_order(parts.reshape(*leading, channels // (r * r), height * r, width * r), order_of(input))


@composed(public=False, method=False, node="PixelUnshuffleBackward0")
def pixel_unshuffle(input, downscale_factor):
    """Channels from squares of pixels, the inverse of `pixel_shuffle`: (..., C, H * r, W * r) to (..., C * r**2, H, W).

    The dtype stays; a rearrangement is its own derivative.
    Raises RuntimeError for fewer than 3 dimensions, a factor that is not positive, and sizes that do not divide.

    Example:
        >>> pb.pixel_unshuffle(pb.arange(4.0).reshape(1, 2, 2), 2).flatten()
        tensor([0., 1., 2., 3.])
    """
    r = downscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *leading, channels, height, width = input.shape
    for name, position, size in (("height", -2, height), ("width", -1, width)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({position})={size} "
                f"is not divisible by {r}"
            )
    parts = input.reshape(*leading, channels, height // r, r, width // r, r)
    parts = parts.movedim(-3, -4).movedim(-1, -3)  # C, r, r, H, W
    made = parts.contiguous().reshape(*leading, channels * r * r, height // r, width // r)
    return in_order(made, order_of(input))


@composed(public=False, method=False, node="ChannelShuffleBackward0")
def channel_shuffle(input, groups):
    """Channels dealt out among groups: channel (g, k) of `groups` rows becomes (k, g) (arXiv:1707.01083).

    Shape and dtype stay, (N, C, ...); a rearrangement is its own derivative.
    Raises RuntimeError for fewer than 3 dimensions, groups that are not positive, and channels that do not divide.

    Example:
        >>> pb.channel_shuffle(pb.arange(4.0).reshape(1, 4, 1), 2).flatten()
        tensor([0., 2., 1., 3.])
    """
    if input.ndim < 3:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    samples, channels, *rest = input.shape
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    dealt = input.reshape(samples, groups, channels // groups, *rest).transpose(1, 2)
    return in_order(dealt.contiguous().reshape(input.shape), order_of(input))


native_channel_shuffle = channel_shuffle
