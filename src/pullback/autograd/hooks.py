"""Hooks: functions that see, and may replace, gradients on their way."""

import itertools
import weakref
from collections import OrderedDict

from .. import _core


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook out again. Also a context manager.

    Example:
        >>> x = pb.tensor([1.0], requires_grad=True)
        >>> with x.register_hook(lambda grad: grad * 2):
        ...     (x * 3).sum().backward()
        >>> x.grad
        tensor([6.])
    """

    _ids = itertools.count()

    def __init__(self, hooks_dict, *, extra_dict=None):
        self.id = next(self._ids)
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        extra = [] if extra_dict is None else extra_dict if isinstance(extra_dict, list) else [extra_dict]
        self.extra_dict_ref = tuple([weakref.ref(each) for each in extra])  # where its number goes, too

    def __reduce__(self):
        return _handle_of, (self.hooks_dict_ref(), self.id)

    def remove(self):
        """Take the hook out; a second time does nothing.

        Example:
            >>> handle = pb.ones(2, requires_grad=True).register_hook(print)
            >>> handle.remove()
        """
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = ref()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.remove()


def _handle_of(hooks, number):
    """A handle of hooks that were pickled, or are gone."""
    handle = RemovableHandle(OrderedDict() if hooks is None else hooks)
    handle.id = number
    return handle


def add_hook(hooks, hook, extra=(), prepend=False):
    """Put a hook into an OrderedDict, its number into the `extra` ones too; `prepend` makes it the first to run."""
    handle = RemovableHandle(hooks, extra_dict=list(extra))
    hooks[handle.id] = hook
    for each in extra:
        each[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _add(hooks, hook):
    if not callable(hook):
        raise TypeError(f"a hook is a function, not {type(hook).__name__}")
    return add_hook(hooks, hook)


def register_hook(tensor, hook):
    """Call `hook(grad)` whenever the gradient of this tensor is computed; what it returns replaces the gradient.

    Hooks run in the order in which they were registered, before the gradient is accumulated or passed on.

    Returns a handle with `remove()`. Raises RuntimeError for a tensor that does not require grad.

    Example:
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_hook(lambda grad: grad * 10)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([20., 40.])
        >>> handle.remove()
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "cannot register a hook on a tensor that doesn't require gradient. "
            "Call requires_grad_() on it, or on what it is computed from, first."
        )
    return _add(_core.tensor_hooks(tensor), hook)


def register_post_accumulate_grad_hook(tensor, hook):
    """Call `hook(tensor)` each time a gradient has been accumulated into this leaf's `.grad`.

    Raises RuntimeError for a tensor that does not require grad or is not a leaf.

    Example:
        >>> x = pb.tensor([1.0], requires_grad=True)
        >>> handle = x.register_post_accumulate_grad_hook(lambda leaf: print(leaf.grad))
        >>> (x * 2).sum().backward()
        tensor([2.])
    """
    if not tensor.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if tensor.grad_fn is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return _add(_core.post_accumulate_hooks(tensor), hook)


def register_node_hook(node, fn):
    """Call `fn(grad_inputs, grad_outputs)` after this node has run; a returned tuple replaces grad_inputs.

    None in that tuple means that there is no gradient.

    Returns a handle with `remove()`. Raises TypeError for what cannot be called.

    Example:
        >>> x = pb.tensor([1.0], requires_grad=True)
        >>> y = x * 3
        >>> handle = y.grad_fn.register_hook(lambda grad_inputs, grad_outputs: (grad_inputs[0] * 10, None))
        >>> y.sum().backward()
        >>> x.grad
        tensor([30.])
    """
    return _add(node._hooks("post"), fn)


def register_node_prehook(node, fn):
    """Call `fn(grad_outputs)` before this node runs; a returned tuple replaces grad_outputs.

    None in that tuple means that there is no gradient.

    Returns a handle with `remove()`. Raises TypeError for what cannot be called.

    Example:
        >>> x = pb.tensor([1.0], requires_grad=True)
        >>> y = x * 3
        >>> handle = y.grad_fn.register_prehook(lambda grad_outputs: (grad_outputs[0] * 10,))
        >>> y.sum().backward()
        >>> x.grad
        tensor([30.])
    """
    return _add(node._hooks("pre"), fn)
