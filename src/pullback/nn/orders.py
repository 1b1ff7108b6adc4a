"""Pictures and volumes that lie channels last: layers give results that lie so, too, as PyTorch's do."""

from ..device import channels_last, channels_last_3d

_ORDERS = {4: channels_last, 5: channels_last_3d}


def order_of(*operands):
    """The memory format that one of the operands lies in and that is not row by row; None where all are."""
    for each in operands:
        order = _ORDERS.get(each.ndim)
        if order and not each.is_contiguous() and each.is_contiguous(memory_format=order):
            return order
    return None


def in_order(result, order):
    """A result in that memory format; as it is without one."""
    return result.contiguous(memory_format=order) if order and _ORDERS.get(result.ndim) is order else result
