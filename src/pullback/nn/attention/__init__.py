"""Which kernel computes attention, which is always the same; biases and flexible attention in modules of their own."""

import contextlib
import enum
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ...backends import cuda
from ...messages.missing import missing

__all__ = ["WARN_FOR_UNFUSED_KERNELS", "SDPBackend", "sdpa_kernel"]

# Whether to warn where no fused kernel can be used. It can be set, and changes nothing.
WARN_FOR_UNFUSED_KERNELS = False


class SDPBackend(enum.Enum):
    """The kernels that `scaled_dot_product_attention` may use in PyTorch, by name.

    Example:
        >>> int(pb.nn.attention.SDPBackend.FLASH_ATTENTION)
        1
    """

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __int__(self) -> int:
        return self.value

    __index__ = __int__


_SWITCHES = {
    "math": SDPBackend.MATH,
    "flash": SDPBackend.FLASH_ATTENTION,
    "mem_efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
}


@contextlib.contextmanager
def sdpa_kernel(
    backends: "list[SDPBackend] | SDPBackend", set_priority: bool = False
) -> Iterator[dict[str, Any]]:
    """Allow these kernels of attention alone, while the block runs. `backends.cuda` says which; attention is computed as it is
    written whatever they are, where PyTorch raises if it has none of them.

    Raises:
        AssertionError: neither an `SDPBackend` nor a list.

    Example:
        >>> from pullback.nn.attention import SDPBackend, sdpa_kernel
        >>> with sdpa_kernel(SDPBackend.MATH):
        ...     pb.backends.cuda.flash_sdp_enabled()
        False
    """
    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
            f"{type(backends).__name__}"
        )
    allowed = [backends] if isinstance(backends, SDPBackend) else backends
    with cuda.switched({name: backend in allowed for name, backend in _SWITCHES.items()}):
        yield {}


def __getattr__(name):
    if name in ("bias", "flex_attention"):  # loaded when they are asked for
        return import_module("." + name, __name__)
    raise missing(__name__, name)
