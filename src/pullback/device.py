"""Where a tensor lives and how its elements lie: today there is one answer each, the CPU and strides.

The arguments exist so that scripts written for PyTorch run; asking for anything else raises what PyTorch
raises on a machine without accelerators.
"""

__all__ = [
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "device",
    "get_default_device",
    "layout",
    "memory_format",
    "preserve_format",
    "set_default_device",
    "strided",
]

_KINDS = (
    "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, "
    "hpu, mtia, privateuseone"
)


class device:
    """A place for tensors, as ``torch.device``. pullback computes on the CPU; other devices can be named,
    not used.

    Args:
        type: ``"cpu"``, or another kind of device with or without ``":index"``; or a device.
        index: the device's number among its kind.

    Raises:
        RuntimeError: for a kind that does not exist.

    Example:
        >>> pb.device("cpu")
        device(type='cpu')
        >>> pb.zeros(2).device == pb.device("cpu")
        True
    """

    __slots__ = ("index", "type")

    def __init__(self, type, index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        if isinstance(type, int):
            raise RuntimeError(
                "Cannot access accelerator device when none is available. pullback computes on the CPU: "
                'device="cpu", or leave it out.'
            )
        if not isinstance(type, str):
            raise TypeError(
                f"device(): argument 'type' (position 1) must be str, not {type.__class__.__name__}"
            )
        kind, colon, number = type.partition(":")
        if kind not in _KINDS.split(", "):
            raise RuntimeError(
                f"Expected one of {_KINDS} device type at start of device string: {kind}. "
                "pullback computes on the CPU."
            )
        if colon:
            if index is not None:
                raise RuntimeError(
                    f"type (string) must not include an index because index was passed explicitly: {type}"
                )
            if not number.isdecimal():
                raise RuntimeError(f"Invalid device string: '{type}'")
            index = int(number)
        object.__setattr__(self, "type", kind)
        object.__setattr__(self, "index", index)

    def __setattr__(self, name, value):
        raise AttributeError(f"attribute '{name}' of 'pullback.device' objects is not writable")

    def __repr__(self):
        number = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{number})"

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other):
        if not isinstance(other, device):
            return NotImplemented
        return (self.type, self.index) == (other.type, other.index)

    def __hash__(self):
        return hash((self.type, self.index))

    def __reduce__(self):
        return device, (self.type, self.index)

    def __enter__(self):
        """Make it the default inside of a ``with`` block, which the CPU is anyway."""
        check_device(self)
        return self

    def __exit__(self, *error):
        return None

    def __call__(self, function):
        """A decorator: it is the default inside of the function."""
        check_device(self)
        return function


device.__module__ = "pullback"
CPU = device("cpu")


def check_device(place):
    """Raise unless `place` names the CPU."""
    if not isinstance(place, device):
        if not isinstance(place, str | int):
            raise TypeError(f"argument 'device' must be pullback.device, not {type(place).__name__}")
        place = device(place)
    if place.type == "cpu":
        return
    if place.type == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled. pullback computes on the CPU.")
    raise NotImplementedError(f"pullback computes on the CPU; there is no '{place}' device.")


def get_default_device():
    """Where tensors are made that name no device: the CPU.

    Example:
        >>> pb.get_default_device()
        device(type='cpu')
    """
    return CPU


def set_default_device(device):
    """Accepts the CPU (and None), which is the default already; other devices raise as PyTorch does without
    them.

    Example:
        >>> pb.set_default_device("cpu")
    """
    if device is not None:
        check_device(device)


class _Constant:
    """A value that is written as the name it has in the package."""

    __slots__ = ("_name",)

    def __init__(self, name):
        self._name = name

    def __repr__(self):
        return f"{type(self).__module__}.{self._name}"

    def __reduce__(self):
        return self._name


class layout(_Constant):
    """How the elements of a tensor are kept, as ``torch.layout``; ``pb.strided`` is the only one.

    Example:
        >>> pb.zeros(2).layout
        pullback.strided
    """

    __slots__ = ()


class memory_format(_Constant):
    """An order of dimensions in memory, as ``torch.memory_format``.

    ``pb.contiguous_format`` is row by row; ``pb.channels_last`` of four dimensions and ``pb.channels_last_3d`` of five have
    dimension 1 innermost; ``pb.preserve_format`` is the order that the tensor has.

    Example:
        >>> pb.contiguous_format
        pullback.contiguous_format
        >>> pb.zeros(1, 2, 3, 4).to(memory_format=pb.channels_last).stride()
        (24, 1, 8, 2)
    """

    __slots__ = ()


layout.__module__ = memory_format.__module__ = "pullback"
strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")


def check_layout(how):
    """Raise unless `how` is the strided layout."""
    if not isinstance(how, layout):
        raise TypeError(f"argument 'layout' must be pullback.layout, not {type(how).__name__}")


# In the order of the core's.
_FORMATS = (preserve_format, contiguous_format, channels_last, channels_last_3d)


def number_of_format(how):
    """Which memory format it is for the core; None for what is none."""
    return _FORMATS.index(how) if isinstance(how, memory_format) else None
