"""What is kept of the values that derivatives need: hooks that pack them when they are saved, and unpack them.

One pair of hooks is in force at a time, the innermost of the thread. The core calls it (src/core/tape/packing.h); values
that were saved outside of the block are as they are.
"""

import weakref

from .. import _core
from .grad_mode import NeedsCall

__all__ = [
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class saved_tensors_hooks(metaclass=NeedsCall):
    """A block in which every tensor that is saved for a derivative goes through a pair of functions.

    `pack_hook(tensor)` is called when an operation, or `save_for_backward`, saves a tensor; what it returns is kept in
    its place, and may be anything: a file's name, another dtype, the tensor itself. `unpack_hook(packed)` is called when
    the tensor is needed, in a backward pass or through ``grad_fn._saved_self``, and returns a tensor of the same shape
    with the same content; it is converted to the dtype that was saved, and tied to the graph as that was. Of nested
    blocks the inner one counts. Nothing is recorded in `pack_hook`, which sees values that were pending as well.

    A packed value has no version: overwriting the tensor is not noticed. `pack_hook` should not return what holds its
    argument, but ``tensor.detach()``, since a result would keep the graph alive that it belongs to.

    Raises:
        TypeError: for hooks that are no functions; in a backward pass for an `unpack_hook` that returns no tensor.
        RuntimeError: inside of `disable_saved_tensors_hooks`; for a `pack_hook` that writes into its argument; in a
            backward pass for an `unpack_hook` that returns another shape.

    Example:
        >>> def pack(tensor):
        ...     print("pack", tensor.tolist())
        ...     return tensor.detach()
        >>> def unpack(kept):
        ...     print("unpack", kept.tolist())
        ...     return kept
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> with pb.autograd.graph.saved_tensors_hooks(pack, unpack):
        ...     y = x * pb.tensor([3.0, 4.0])
        pack [3.0, 4.0]
        >>> y.sum().backward()
        unpack [3.0, 4.0]
        >>> x.grad
        tensor([3., 4.])
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self):
        _core.push_saved_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *args):
        _core.pop_saved_hooks()


class save_on_cpu(saved_tensors_hooks):
    """A block in which saved tensors wait in main memory, where tensors of pullback are anyway: without effect.

    Example:
        >>> x = pb.tensor([3.0], requires_grad=True)
        >>> with pb.autograd.graph.save_on_cpu(pin_memory=True):
        ...     y = x * x
        >>> y.backward()
        >>> x.grad
        tensor([6.])
    """

    def __init__(self, pin_memory=False, device_type="cuda"):
        super().__init__(
            lambda tensor: (tensor.device, tensor.detach()), lambda packed: packed[1].to(packed[0])
        )


class disable_saved_tensors_hooks(metaclass=NeedsCall):
    """A block in which `saved_tensors_hooks` raises a RuntimeError that says `error_message`; so it does around one.

    Example:
        >>> with pb.autograd.graph.disable_saved_tensors_hooks("not while the weights are shared"):
        ...     with pb.autograd.graph.save_on_cpu():
        ...         pass
        Traceback (most recent call last):
            ...
        RuntimeError: not while the weights are shared
    """

    def __init__(self, error_message):
        self.error_message = error_message

    def __enter__(self):
        self.before = _core.disable_saved_hooks(self.error_message)

    def __exit__(self, *args):
        _core.disable_saved_hooks(self.before)


class _Key:
    """Stands for a saved tensor in the graph."""

    __slots__ = ("__weakref__",)


class _Snapshots:
    """What `allow_mutation_on_saved_tensors` keeps: the values as they were saved."""

    def __init__(self):
        self.kept = weakref.WeakKeyDictionary()

    def pack(self, tensor):
        key = _Key()
        tensor = tensor.detach()
        # A product is pending where it is large: the copy is made if somebody overwrites what it reads, and only then.
        self.kept[key] = tensor * 1 if tensor.is_floating_point() else tensor.clone()
        return key

    def unpack(self, key):
        found = _open.kept.get(key) if _open else None
        if found is None:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was "
                "originally recorded."
            )
        return found

    def clear(self):
        self.kept.clear()


_open = None


class allow_mutation_on_saved_tensors(metaclass=NeedsCall):
    """A block in which tensors that are saved for derivatives may be overwritten: derivatives see the old values.

    The backward pass belongs into the block, too: at its end the old values are gone. ``as`` gives the object that holds
    them.

    Raises:
        RuntimeError: for a block inside of another.
        AssertionError: for a backward pass outside of the block that its graph was recorded in.

    Example:
        >>> x = pb.tensor([2.0, 3.0], requires_grad=True)
        >>> with pb.autograd.graph.allow_mutation_on_saved_tensors():
        ...     y = x.clone()
        ...     loss = (y**2).sum()
        ...     _ = y.zero_()
        ...     loss.backward()
        >>> x.grad
        tensor([4., 6.])
    """

    def __enter__(self):
        global _open
        if _open is not None:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
        snapshots = _Snapshots()
        self.hooks = saved_tensors_hooks(snapshots.pack, snapshots.unpack)
        self.hooks.__enter__()
        _open = snapshots
        return snapshots

    def __exit__(self, *args):
        global _open
        snapshots, _open = _open, None
        self.hooks.__exit__()
        snapshots.clear()
