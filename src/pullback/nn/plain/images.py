"""Convolutions, pooling and images with their parameters in the order of PyTorch's operators, and modes as numbers."""

from ...operators.declare import STATISTICS, composed
from .. import functional as F
from ..grids import MODES, PADDINGS

__all__ = [
    "adaptive_max_pool1d",
    "affine_grid_generator",
    "convolution",
    "grid_sampler",
    "grid_sampler_2d",
    "grid_sampler_3d",
    "max_pool1d_with_indices",
]

MODE_NUMBERS = {"interpolation_mode": "i", "padding_mode": "i"}


@composed(public=False, method=False)
def adaptive_max_pool1d(input, output_size):
    """(largest elements, their indices) of `output_size` parts: `nn.functional.adaptive_max_pool1d`, which raises as this does.

    Example:
        >>> pb.adaptive_max_pool1d(pb.tensor([[[1.0, 3.0, 2.0, 0.0]]]), 2)
        (tensor([[[3., 2.]]]), tensor([[[1, 2]]]))
    """
    return F.adaptive_max_pool1d(input, output_size, True)


@composed(public=False, method=False)
def max_pool1d_with_indices(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False):
    """(largest elements, their indices) of windows: `nn.functional.max_pool1d`, which raises as this does.

    Example:
        >>> pb.max_pool1d_with_indices(pb.tensor([[[1.0, 3.0, 2.0, 0.0]]]), 2)
        (tensor([[[3., 2.]]]), tensor([[[1, 2]]]))
    """
    return F.max_pool1d(input, kernel_size, stride or None, padding, dilation, ceil_mode, True)


@composed(public=False, method=False, kinds=STATISTICS | {"weight": "T"})
def convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    """The convolution of as many dimensions as `input` has behind samples and channels, or, if `transposed`, its transpose.

    See `nn.functional.conv2d` and `nn.functional.conv_transpose2d`. Raises RuntimeError for sizes that do not fit.

    Example:
        >>> x, w = pb.tensor([[[1.0, 2.0, 3.0]]]), pb.tensor([[[1.0, -1.0]]])
        >>> pb.convolution(x, w, None, (1,), (0,), (1,), False, (0,), 1)
        tensor([[[-1., -1.]]])
    """
    dims = weight.ndim - 2
    if dims not in (1, 2, 3) or input.ndim != weight.ndim:
        raise RuntimeError(
            f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight {list(weight.shape)}, but got "
            f"{input.ndim}-dimensional input of size {list(input.shape)} instead. Convolutions have 1 to 3 dimensions."
        )
    if transposed:
        function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dims - 1]
        return function(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return (F.conv1d, F.conv2d, F.conv3d)[dims - 1](input, weight, bias, stride, padding, dilation, groups)


@composed(public=False, method=False)
def affine_grid_generator(theta, size, align_corners):
    """`nn.functional.affine_grid`, which raises as this does.

    Example:
        >>> pb.affine_grid_generator(pb.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]]), (1, 1, 1, 2), True)
        tensor([[[[-0.5000,  0.0000],
                  [ 1.5000,  0.0000]]]])
    """
    return F.affine_grid(theta, size, align_corners)


@composed(public=False, method=False, kinds=MODE_NUMBERS)
def grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners):
    """`nn.functional.grid_sample`, whose modes are numbers: 0 bilinear, 1 nearest, 2 bicubic, and 0 zeros, 1 border, 2
    reflection.

    Raises ValueError for other numbers, RuntimeError for shapes that do not fit.

    Example:
        >>> image = pb.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
        >>> pb.grid_sampler(image, pb.tensor([[[[0.0, 0.0], [1.0, 1.0]]]]), 0, 0, True)
        tensor([[[[1.5000, 3.0000]]]])
    """
    return _sampled(input, grid, interpolation_mode, padding_mode, align_corners, input.ndim)


@composed(public=False, method=False, kinds=MODE_NUMBERS)
def grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners):
    """`grid_sampler` of images (N, C, H, W), which raises as it does.

    Example:
        >>> image = pb.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
        >>> pb.grid_sampler_2d(image, pb.tensor([[[[0.0, 0.0], [1.0, 1.0]]]]), 0, 0, True)
        tensor([[[[1.5000, 3.0000]]]])
    """
    return _sampled(input, grid, interpolation_mode, padding_mode, align_corners, 4)


@composed(public=False, method=False, kinds=MODE_NUMBERS)
def grid_sampler_3d(input, grid, interpolation_mode, padding_mode, align_corners):
    """`grid_sampler` of volumes (N, C, D, H, W), which raises as it does.

    Example:
        >>> pb.grid_sampler_3d(pb.ones(1, 1, 2, 2, 2), pb.zeros(1, 1, 1, 1, 3), 0, 0, True)
        tensor([[[[[1.]]]]])
    """
    return _sampled(input, grid, interpolation_mode, padding_mode, align_corners, 5)


def _sampled(input, grid, mode, padding, align_corners, ndim):
    if input.ndim != ndim:
        raise RuntimeError(
            f"grid_sampler(): expected {ndim}D input and grid with same number of dimensions, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    for name, number, words in (("interpolation_mode", mode, MODES), ("padding_mode", padding, PADDINGS)):
        if number not in range(3):
            raise ValueError(
                f"grid_sampler(): expected {name} to be 0 ({words[0]}), 1 ({words[1]}) or 2 ({words[2]}), but got: {number}"
            )
    return F.grid_sample(input, grid, MODES[mode], PADDINGS[padding], align_corners)
