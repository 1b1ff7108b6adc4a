"""`torch.cuda` where there is no CUDA: everything answers as in a PyTorch that was built for the CPU.

`is_available()` is False and `device_count()` 0; seeds and caches that are not there are left alone; whatever needs a device
raises.

It is one file though it is long: a list of small answers, of which none knows another, in PyTorch's one namespace.
"""

from __future__ import annotations

import collections
import warnings
from collections.abc import Iterable
from typing import Any

from .._core import Tensor
from ..messages.missing import missing
from ..without import Idle, raising

__all__ = [
    "Event",
    "Stream",
    "StreamContext",
    "can_device_access_peer",
    "current_device",
    "current_stream",
    "default_generators",
    "default_stream",
    "device",
    "device_count",
    "device_of",
    "empty_cache",
    "get_arch_list",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "has_half",
    "has_magma",
    "init",
    "initial_seed",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_current_stream_capturing",
    "is_initialized",
    "is_tf32_supported",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_cached",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_cached",
    "memory_reserved",
    "memory_stats",
    "memory_summary",
    "reset_max_memory_allocated",
    "reset_max_memory_cached",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "set_per_process_memory_fraction",
    "set_rng_state",
    "set_rng_state_all",
    "stream",
    "synchronize",
    "utilization",
]

_TEXT = "Torch not compiled with CUDA enabled. pullback computes on the CPU."
_needs_cuda = raising(AssertionError, _TEXT)
has_half = True
has_magma = False
default_generators: tuple[Any, ...] = ()


# ---- what is there -------------------------------------------------------------------------------------------


def is_available() -> bool:
    """Whether there is a device: False.

    Example:
        >>> pb.device("cuda" if pb.cuda.is_available() else "cpu")
        device(type='cpu')
    """
    return False


def is_initialized() -> bool:
    """Whether CUDA has been started: False.

    Example:
        >>> pb.cuda.is_initialized()
        False
    """
    return False


def device_count() -> int:
    """How many devices there are: 0.

    Example:
        >>> pb.cuda.device_count()
        0
    """
    return 0


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether a device computes with bfloat16: False.

    Example:
        >>> pb.cuda.is_bf16_supported()
        False
    """
    return False


def is_tf32_supported() -> bool:
    """Whether a device computes with tf32: False.

    Example:
        >>> pb.cuda.is_tf32_supported()
        False
    """
    return False


def is_current_stream_capturing() -> bool:
    """Whether a graph of work is being recorded: False.

    Example:
        >>> pb.cuda.is_current_stream_capturing()
        False
    """
    return False


def get_arch_list() -> list[str]:
    """The architectures that there is code for: none.

    Example:
        >>> pb.cuda.get_arch_list()
        []
    """
    return []


# ---- what is left alone --------------------------------------------------------------------------------------


def empty_cache() -> None:
    """Gives back memory of a device; there is none.

    Example:
        >>> pb.cuda.empty_cache()
    """


def manual_seed(seed: int) -> None:
    """Seeds the generator of a device; without one it is left alone. `pullback.manual_seed` seeds the CPU's.

    Raises what `int` raises for another seed.

    Example:
        >>> pb.cuda.manual_seed(0)
    """
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Seeds the generators of all devices, of which there are none. Raises what `int` raises for another seed.

    Example:
        >>> pb.cuda.manual_seed_all(0)
    """
    int(seed)


def seed() -> None:
    """Seeds the generator of a device with a random number; there is none.

    Example:
        >>> pb.cuda.seed()
    """


def seed_all() -> None:
    """Seeds the generators of all devices with a random number; there are none.

    Example:
        >>> pb.cuda.seed_all()
    """


def get_rng_state_all() -> list[Tensor]:
    """The states of the generators of all devices: none.

    Example:
        >>> pb.cuda.get_rng_state_all()
        []
    """
    return []


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Sets the state of the generator of a device; there is none.

    Example:
        >>> pb.cuda.set_rng_state(pb.get_rng_state())
    """


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Sets the states of the generators of all devices, of which there are none: `new_states` has to be empty.

    Raises AssertionError for states of devices.

    Example:
        >>> pb.cuda.set_rng_state_all([])
    """
    if list(new_states):
        raise AssertionError(_TEXT)


def memory_allocated(device: Any = None) -> int:
    """Bytes of tensors on a device: 0. `pullback.memory` counts those in main memory.

    Example:
        >>> pb.cuda.memory_allocated()
        0
    """
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes of tensors that there were on a device: 0.

    Example:
        >>> pb.cuda.max_memory_allocated()
        0
    """
    return 0


def memory_reserved(device: Any = None) -> int:
    """Bytes that the allocator holds on a device: 0.

    Example:
        >>> pb.cuda.memory_reserved()
        0
    """
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes that the allocator held on a device: 0.

    Example:
        >>> pb.cuda.max_memory_reserved()
        0
    """
    return 0


def memory_cached(device: Any = None) -> int:
    """An older name of `memory_reserved`, which warns.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     pb.cuda.memory_cached()
        0
    """
    warnings.warn(
        "`torch.cuda.memory_cached` has been renamed to `torch.cuda.memory_reserved`",
        FutureWarning,
        stacklevel=2,
    )
    return 0


def max_memory_cached(device: Any = None) -> int:
    """An older name of `max_memory_reserved`, which warns.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     pb.cuda.max_memory_cached()
        0
    """
    warnings.warn(
        "`torch.cuda.max_memory_cached` has been renamed to `torch.cuda.max_memory_reserved`",
        FutureWarning,
        stacklevel=2,
    )
    return 0


def memory_stats(device: Any = None) -> collections.OrderedDict[str, Any]:
    """Figures of the allocator of a device: none.

    Example:
        >>> len(pb.cuda.memory_stats())
        0
    """
    return collections.OrderedDict()


# ---- what needs a device -------------------------------------------------------------------------------------


@_needs_cuda
def init() -> None:
    """Starts CUDA."""


@_needs_cuda
def current_device() -> Any:
    """The number of the device in use."""


@_needs_cuda
def synchronize(device: Any = None) -> None:
    """Waits for the work of a device."""


@_needs_cuda
def get_device_name(device: Any = None) -> Any:
    """The name of a device."""


@_needs_cuda
def get_device_properties(device: Any = None) -> Any:
    """What a device is like."""


@_needs_cuda
def get_device_capability(device: Any = None) -> Any:
    """Which version of CUDA's instructions a device has."""


@raising(AssertionError, _TEXT, device=0, peer_device=1)
def can_device_access_peer(device: Any, peer_device: Any) -> Any:
    """Whether a device reads the memory of another."""


@_needs_cuda
def initial_seed() -> Any:
    """The seed of the generator of a device."""


@_needs_cuda
def get_rng_state(device: Any = "cuda") -> Any:
    """The state of the generator of a device."""


@_needs_cuda
def ipc_collect() -> None:
    """Gives back memory that other processes have let go."""


@_needs_cuda
def mem_get_info(device: Any = None) -> Any:
    """The free and all of the memory of a device."""


@_needs_cuda
def memory_summary(device: Any = None, abbreviated: bool = False) -> Any:
    """Figures of the allocator of a device, as a table."""


@_needs_cuda
def reset_peak_memory_stats(device: Any = None) -> None:
    """Starts the largest figures of the allocator anew."""


@_needs_cuda
def reset_max_memory_allocated(device: Any = None) -> None:
    """Starts the largest figures of the allocator anew."""


@_needs_cuda
def reset_max_memory_cached(device: Any = None) -> None:
    """Starts the largest figures of the allocator anew."""


@raising(AssertionError, _TEXT, fraction=0.5)
def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Bounds the memory of a device."""


@_needs_cuda
def current_stream(device: Any = None) -> Any:
    """The stream in use."""


@_needs_cuda
def default_stream(device: Any = None) -> Any:
    """The stream that is used if none is named."""


@_needs_cuda
def utilization(device: Any = None) -> Any:
    """The share of time that a device works."""


def set_device(device: Any) -> None:
    """Choose a device. Negative numbers are no device, and leave it; others raise AssertionError.

    Example:
        >>> pb.cuda.set_device(-1)
        >>> pb.cuda.set_device(0)
        Traceback (most recent call last):
            ...
        AssertionError: Torch not compiled with CUDA enabled. pullback computes on the CPU.
    """
    if not isinstance(device, int) or device >= 0:
        raise AssertionError(_TEXT)


class device:
    """A block of work for a device, by its number. Entering it raises RuntimeError, unless the number is negative.

    Example:
        >>> with pb.cuda.device(-1):
        ...     pb.ones(1)
        tensor([1.])
    """

    def __init__(self, device: Any) -> None:
        self.idx = device if isinstance(device, int) else getattr(device, "index", None) or 0

    def __enter__(self) -> None:
        if self.idx >= 0:
            raise RuntimeError("PyTorch was compiled without CUDA support. pullback computes on the CPU.")

    def __exit__(self, *error: Any) -> None:
        return None


class device_of(Idle):
    """A block of work for the device that a tensor is on, which is the CPU.

    Example:
        >>> with pb.cuda.device_of(pb.ones(1)):
        ...     pb.ones(1)
        tensor([1.])
    """

    def __init__(self, obj: Any) -> None:
        pass


class Stream:
    """A sequence of work of a device. Making one raises RuntimeError.

    Example:
        >>> pb.cuda.Stream()
        Traceback (most recent call last):
            ...
        RuntimeError: torch.cuda.Stream requires CUDA support. pullback computes on the CPU.
    """

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        raise RuntimeError("torch.cuda.Stream requires CUDA support. pullback computes on the CPU.")


class Event:
    """A point in the work of a device. Making one raises RuntimeError.

    Example:
        >>> pb.cuda.Event(enable_timing=True)
        Traceback (most recent call last):
            ...
        RuntimeError: Tried to instantiate dummy base class Event. pullback computes on the CPU: time.perf_counter().
    """

    def __init__(
        self,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
        external: bool = False,
    ) -> None:
        raise RuntimeError(
            "Tried to instantiate dummy base class Event. pullback computes on the CPU: time.perf_counter()."
        )


class StreamContext(Idle):
    """A block of work for a stream, of which there is none: work runs as it is written.

    Example:
        >>> with pb.cuda.StreamContext(None):
        ...     pb.ones(1)
        tensor([1.])
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream


def stream(stream: Any) -> StreamContext:
    """A block of work for a stream; None is no stream.

    Example:
        >>> with pb.cuda.stream(None):
        ...     pb.ones(1)
        tensor([1.])
    """
    return StreamContext(stream)


_TYPES = "Float Double Half BFloat16 Long Int Short Char Byte Bool".split()


def _tensor_type(name: str) -> type:
    """The class of tensors of one dtype on a device: an argument of `isinstance`, of which nothing is an instance."""

    def refuse(cls: type, *data: Any, **options: Any) -> None:
        raise TypeError(
            f"type torch.cuda.{name} not available. Torch not compiled with CUDA enabled. pullback computes on the CPU: "
            "pullback.tensor(data)."
        )

    return type(name, (), {"__new__": refuse, "__module__": __name__})


def __getattr__(name: str) -> Any:
    if name == "amp":
        import importlib

        return importlib.import_module(f"{__name__}.amp")
    if name.removesuffix("Tensor") in _TYPES and name.endswith("Tensor"):
        globals()[name] = made = _tensor_type(name)
        return made
    raise missing(__name__, name)
