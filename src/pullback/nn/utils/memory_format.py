"""The order in memory of the weights of convolutions, and of no others."""

from ..modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def _convert(module, kinds, memory_format):
    for each in module.modules():
        if isinstance(each, kinds):
            each.weight.data = each.weight.detach().clone(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module, memory_format):
    """Lay the weights of `Conv2d` and `ConvTranspose2d`, of a module and all below, as `memory_format` says. Returns the
    module, whose other parameters stay as they are.

    Raises RuntimeError for `pb.channels_last_3d`.

    Example:
        >>> net = pb.nn.Sequential(pb.nn.Conv2d(2, 4, 3), pb.nn.ReLU())
        >>> pb.nn.utils.convert_conv2d_weight_memory_format(net, pb.channels_last)[0].weight.stride()
        (18, 1, 6, 2)
    """
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module, memory_format):
    """Lay the weights of `Conv3d` and `ConvTranspose3d`, of a module and all below, as `memory_format` says. Returns the
    module, whose other parameters stay as they are.

    Raises RuntimeError for `pb.channels_last`.

    Example:
        >>> net = pb.nn.Sequential(pb.nn.Conv3d(2, 4, 3), pb.nn.ReLU())
        >>> pb.nn.utils.convert_conv3d_weight_memory_format(net, pb.channels_last_3d)[0].weight.stride()
        (54, 1, 18, 6, 2)
    """
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)
