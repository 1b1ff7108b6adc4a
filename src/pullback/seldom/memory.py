"""How elements lie in memory, memory that is a file, and memory that others take over."""

import mmap
import os
import weakref

from .. import _core
from ..operators.creation import empty, from_numpy
from ..operators.declare import FUNCTIONS, METHODS, composed


def _as_strided_in_place(input, size, stride, storage_offset=None):
    """Other sizes and strides for the tensor, over its memory: see `as_strided`. The tensor is returned.

    Raises RuntimeError for a tensor that requires grad, and for what is beyond its memory.

    Example:
        >>> pb.arange(6.0).as_strided_((2, 2), (1, 2))
        tensor([[0., 2.],
                [1., 3.]])
    """
    if input.requires_grad:
        raise RuntimeError(
            "as_strided_: cannot change the geometry of a tensor that requires grad. as_strided gives another tensor."
        )
    input.data = input.as_strided(size, stride, storage_offset)
    return input


@composed(method=False)
def empty_permuted(
    size,
    physical_layout,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """An uninitialised tensor of a `size`, whose dimensions lie in memory in the order `physical_layout`, the outermost first.

    Of the default dtype, or of `dtype`. Raises RuntimeError for what is no order of the dimensions.

    Example:
        >>> pb.empty_permuted((2, 3, 4), (0, 2, 1)).stride()
        (12, 1, 3)
    """
    size, order = tuple(size), tuple(physical_layout)
    if len(order) != len(size):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(size)} is not equal to len(physical_layout) = {len(order)}"
        )
    for i, d in enumerate(order):
        if not 0 <= d < len(size):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {d} at index {i}). Dimensions "
                "are counted from the front."
            )
    if len(set(order)) < len(order):
        raise RuntimeError("Duplicate dim not allowed")
    options = {"dtype": dtype, "layout": layout, "device": device, "pin_memory": pin_memory}
    made = empty([size[d] for d in order], **options).permute(
        sorted(range(len(order)), key=order.__getitem__)
    )
    return _core.require_grad(made) if requires_grad else made


def _dim_order(self, *, ambiguity_check=False):
    """The dimensions in the order in which they lie in memory, the outermost first.

    Raises RuntimeError, with `ambiguity_check`, where strides allow for more than one order.

    Example:
        >>> pb.zeros(2, 3, 4).permute(2, 0, 1).dim_order()
        (1, 2, 0)
    """
    strides = self.stride()
    if ambiguity_check and any(n == 1 for n in self.shape):
        raise RuntimeError(
            "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats."
        )
    order = list(range(self.ndim))
    for last in range(1, self.ndim):  # a stride of 0 says nothing: what has it stays where it is
        at = last
        for before in reversed(range(last)):
            a, b = strides[order[before]], strides[order[at]]
            if a and b and a < b:
                order[before], order[at] = order[at], order[before]
                at = before
            elif a and b:
                break
    return tuple(order)


def _const_data_ptr(self):
    """The address of the first element: see `data_ptr`.

    Example:
        >>> x = pb.zeros(2)
        >>> x.const_data_ptr() == x.data_ptr()
        True
    """
    return self.data_ptr()


@composed(method=False)
def from_file(
    filename,
    shared=None,
    size=0,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """A vector of `size` elements that a file begins with, read as they are needed.

    A `shared` tensor writes into the file, which is made or becomes longer where it is too short; another one keeps what is
    written to itself. Of the default dtype, or of `dtype`.

    Raises RuntimeError for a file that cannot be opened or is too short.

    Example:
        >>> import tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "numbers")
        >>> pb.from_file(path, shared=True, size=3).fill_(2.0)
        tensor([2., 2., 2.])
        >>> pb.from_file(path, size=2)
        tensor([2., 2.])
    """
    import numpy as np

    for name, value in (("layout", layout), ("device", device), ("pin_memory", pin_memory)):
        empty(0, **{name: value})  # an answer other than the only one raises
    dtype = _core.get_default_dtype() if dtype is None else _core.as_dtype(dtype)
    wanted = size * dtype.itemsize
    try:
        if shared:
            with open(filename, "ab") as file:
                if file.tell() < wanted:
                    file.truncate(wanted)
        found = os.path.getsize(filename)
    except OSError as error:
        mode = "read-write" if shared else "read-only"
        raise RuntimeError(
            f"unable to open file <{os.fspath(filename)}> in {mode} mode: {error.strerror} ({error.errno})"
        ) from None
    if found < wanted:
        raise RuntimeError(
            f"file <{os.fspath(filename)}> size <{found}> is smaller than the required mapping size <{wanted}>"
        )
    if not wanted:
        made = empty(0, dtype=dtype)
    else:
        memory = np.memmap(filename, np.uint8, "r+" if shared else "c", shape=(wanted,))
        made = from_numpy(np.asarray(memory)).view(dtype)
    return _core.require_grad(made) if requires_grad else made


@composed(method=False, kinds={"tensor": "T"})
def to_dlpack(tensor):
    """A capsule over the memory of a tensor, for other libraries, which takes it once: the older form of `from_dlpack(x)`. NumPy
    and pullback read such memory, and do not write to it.

    Raises RuntimeError for a tensor that requires grad, TypeError for what is no tensor.

    Example:
        >>> pb.from_dlpack(pb.to_dlpack(pb.ones(2)))
        tensor([1., 1.])
    """
    return tensor.__dlpack__()


@composed
def is_distributed(input):
    """Whether it is spread over processes: False.

    Raises TypeError for what is no tensor.

    Example:
        >>> pb.is_distributed(pb.ones(2))
        False
    """
    return False


class Shared(mmap.mmap):
    """Memory that processes share which are forked afterwards; `Shared.alive` has all of it that somebody uses."""

    alive: "weakref.WeakSet[Shared]" = weakref.WeakSet()

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def _address(memory):
    import numpy as np

    return np.frombuffer(memory, np.uint8).__array_interface__["data"][0]


def _share_memory_in_place(self):
    """Move the elements to memory that is shared with processes forked afterwards, unless they lie there. The tensor is
    returned.

    Views of the memory from before keep that. Raises RuntimeError for a tensor that is computed and requires grad.

    Example:
        >>> pb.ones(2).share_memory_().is_shared()
        True
    """
    if self.requires_grad and not self.is_leaf:
        raise RuntimeError(
            "share_memory_: only leaves move. x.detach().share_memory_() moves the value of a computed tensor."
        )
    if self.is_shared() or not self.numel():
        return self
    import numpy as np

    elements = self.detach().contiguous()
    memory = Shared(-1, elements.numel() * self.element_size())
    made = from_numpy(np.frombuffer(memory, np.uint8)).view(self.dtype).view(self.shape)
    made.copy_(elements)
    Shared.alive.add(memory)
    self.data = made
    return self


def _is_shared(self):
    """Whether the elements lie in memory that processes share: see `share_memory_`.

    Example:
        >>> pb.ones(2).is_shared()
        False
    """
    if not Shared.alive:
        return False
    here = self.data_ptr()
    return any(0 <= here - _address(memory) < len(memory) for memory in Shared.alive)


def _module_load(self, other, assign=False):
    """What takes this tensor's place in a module whose state is loaded: this one with the values of `other`, or with `assign`
    `other` itself, without history.

    Raises RuntimeError for shapes that do not broadcast, and for a leaf that requires grad outside of `no_grad`.

    Example:
        >>> pb.zeros(2).module_load(pb.ones(2))
        tensor([1., 1.])
    """
    return other.detach() if assign else self.copy_(other).detach()


def _pin_memory(self, device=None):
    """Pages that stay where they are, for a device that reads them: there is none.

    Raises RuntimeError, as PyTorch does where it has no accelerator.

    Example:
        >>> pb.ones(2).pin_memory()
        Traceback (most recent call last):
        RuntimeError: Cannot access accelerator device when none is available. Memory is pinned for accelerators: leave it out.
    """
    raise RuntimeError(
        "Cannot access accelerator device when none is available. Memory is pinned for accelerators: leave it out."
    )


METHODS.update(
    as_strided_=_as_strided_in_place,
    const_data_ptr=_const_data_ptr,
    dim_order=_dim_order,
    is_shared=_is_shared,
    module_load=_module_load,
    pin_memory=_pin_memory,
    share_memory_=_share_memory_in_place,
)
FUNCTIONS["as_strided_"] = _as_strided_in_place
FUNCTIONS["addmv_"] = METHODS["addmv_"]
