"""`torch.distributed` where there is one process: `is_available()` and `is_initialized()` are False."""

from __future__ import annotations

from typing import Any

from .messages.missing import missing
from .without import raising

__all__ = [
    "all_gather",
    "all_reduce",
    "barrier",
    "broadcast",
    "destroy_process_group",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
]

_TEXT = (
    "Default process group has not been initialized, please make sure to call init_process_group. pullback runs in one process: "
    "ask is_available() first."
)
_alone = raising(ValueError, _TEXT)


def is_available() -> bool:
    """Whether processes can work together: False.

    Example:
        >>> pb.distributed.is_available()
        False
    """
    return False


def is_initialized() -> bool:
    """Whether processes work together: False.

    Example:
        >>> pb.distributed.is_initialized()
        False
    """
    return False


def is_nccl_available() -> bool:
    """Whether there is NCCL: False.

    Example:
        >>> pb.distributed.is_nccl_available()
        False
    """
    return False


def is_gloo_available() -> bool:
    """Whether there is Gloo: False.

    Example:
        >>> pb.distributed.is_gloo_available()
        False
    """
    return False


def is_mpi_available() -> bool:
    """Whether there is MPI: False.

    Example:
        >>> pb.distributed.is_mpi_available()
        False
    """
    return False


def is_torchelastic_launched() -> bool:
    """Whether torchrun started the process: False.

    Example:
        >>> pb.distributed.is_torchelastic_launched()
        False
    """
    return False


@_alone
def get_rank(group: Any = None) -> Any:
    """The number of this process."""


@_alone
def get_world_size(group: Any = None) -> Any:
    """How many processes there are."""


@_alone
def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None, timeout: Any = None) -> Any:
    """Waits for the others."""


@_alone
def destroy_process_group(group: Any = None) -> None:
    """Ends working together."""


@raising(ValueError, _TEXT, tensor=None)
def all_reduce(tensor: Any, op: Any = None, group: Any = None, async_op: bool = False) -> Any:
    """Adds up the tensors of all processes."""


@raising(ValueError, _TEXT, tensor=None)
def broadcast(
    tensor: Any,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Any:
    """Sends a tensor to all processes."""


@raising(ValueError, _TEXT, tensor_list=None, tensor=None)
def all_gather(tensor_list: Any, tensor: Any, group: Any = None, async_op: bool = False) -> Any:
    """Collects the tensors of all processes."""


@raising(
    RuntimeError,
    "pullback runs in one process, on its threads: there is nobody to work together with.",
    backend="gloo",
)
def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: Any = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Lets processes work together."""


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
