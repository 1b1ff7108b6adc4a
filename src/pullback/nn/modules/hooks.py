"""How a module with hooks is called: what sees its arguments, its output, and the gradients of both.

The gradients of all inputs pass one node, an identity that a call puts before `forward`, and those of all outputs another
behind it; the hooks of the backward pass are hooks of these nodes.
"""

import warnings
from collections import OrderedDict

from ... import _core
from ...autograd import Function
from ...autograd.hooks import RemovableHandle


class _Everywhere:
    """Hooks of all modules. It is true where there is one."""

    def __init__(self):
        self.forward_pre = OrderedDict()
        self.forward = OrderedDict()
        self.forward_with_kwargs = OrderedDict()
        self.forward_always = OrderedDict()
        self.backward_pre = OrderedDict()
        self.backward = OrderedDict()

    def __bool__(self):
        return bool(self.forward_pre or self.forward or self.backward_pre or self.backward)


EVERYWHERE = _Everywhere()


class _Identity(Function):
    """Several tensors as they are, through one node."""

    @staticmethod
    def forward(ctx, *tensors):
        ctx.set_materialize_grads(False)
        return tuple([x.view_as(x) for x in tensors])

    @staticmethod
    def backward(ctx, *gradients):
        return gradients


def _through_one_node(values, register):
    """The values of a tuple, of which those that require grad pass one node, which `register` gets with their places."""
    places = [k for k, v in enumerate(values) if isinstance(v, _core.Tensor) and v.requires_grad]
    if not places or not _core.is_grad_enabled():
        return values
    passed = _Identity.apply(*[values[k] for k in places])
    node = passed[0].grad_fn
    register(node, places, len(values))
    values = list(values)
    for k, each in zip(places, passed, strict=True):
        values[k] = each
    return tuple(values)


def _spread(gradients, places, count):
    all = [None] * count
    for k, gradient in zip(places, gradients, strict=True):
        all[k] = gradient
    return tuple(all)


def _picked(changed, places, count, what):
    if not isinstance(changed, tuple):
        changed = (changed,)
    if len(changed) != count:
        raise RuntimeError(
            f"Backward hook returned an invalid number of {what}, got {len(changed)}, but expected {count}"
        )
    return tuple([changed[k] for k in places])


class _BackwardHooks:
    """The hooks of one call's backward pass."""

    def __init__(self, module):
        self.module = module
        self.before = [*EVERYWHERE.backward_pre.values(), *module._backward_pre_hooks.values()]
        self.after = [*EVERYWHERE.backward.values(), *module._backward_hooks.values()]
        self.grad_outputs = None
        self.inputs = None

    def arguments(self, args):
        """Arguments whose gradients the hooks will see."""

        def register(node, places, count):
            self.inputs = (places, count)

            def hook(grad_inputs, _):
                if self.grad_outputs is None:
                    return None
                found = _spread(grad_inputs, places, count)
                for each in self.after:
                    changed = each(self.module, found, self.grad_outputs)
                    if changed is not None:
                        found = _spread(_picked(changed, places, count, "grad_input"), places, count)
                self.grad_outputs = None
                return tuple([found[k] for k in places])

            node.register_hook(hook)

        return _through_one_node(args, register)

    def outputs(self, output):
        """An output whose gradients the hooks will see."""
        single = not isinstance(output, tuple)

        def register(node, places, count):
            def hook(grad_outputs):
                found = _spread(grad_outputs, places, count)
                for each in self.before:
                    changed = each(self.module, found)
                    if changed is not None:
                        found = _spread(_picked(changed, places, count, "grad_output"), places, count)
                self.grad_outputs = found
                if self.inputs is None:  # no input has a gradient
                    for each in self.after:
                        changed = each(self.module, (), found)
                        if changed is not None and not (
                            isinstance(changed, tuple) and all(c is None for c in changed)
                        ):
                            raise RuntimeError(
                                "Backward hook for Modules where no input requires gradient should always return None or "
                                "None for all gradients."
                            )
                    self.grad_outputs = None
                return tuple([found[k] for k in places])

            node.register_prehook(hook)

        passed = _through_one_node((output,) if single else output, register)
        return passed[0] if single else passed


def call_with_hooks(module, args, kwargs):
    """Call a module that has hooks, or while there are hooks of all modules."""
    ran = set()
    try:
        return _call(module, args, kwargs, ran)
    except Exception:
        for id, hook, with_kwargs in _forward_hooks(module, always=True):
            if id not in ran:
                try:
                    _run(hook, module, args, kwargs, None, with_kwargs)
                except Exception as error:
                    warnings.warn(
                        f"module forward hook with ``always_call=True`` raised an exception that was silenced as another "
                        f"error was raised in forward: {error}",
                        stacklevel=2,
                    )
        raise


def _run(hook, module, args, kwargs, output, with_kwargs):
    return hook(module, args, kwargs, output) if with_kwargs else hook(module, args, output)


def _forward_hooks(module, always=False):
    for hooks, kwargs, forced in (
        (EVERYWHERE.forward, EVERYWHERE.forward_with_kwargs, EVERYWHERE.forward_always),
        (module._forward_hooks, module._forward_hooks_with_kwargs, module._forward_hooks_always_called),
    ):
        for id, hook in [*hooks.items()]:
            if not always or id in forced:
                yield id, hook, id in kwargs


def _call(module, args, kwargs, ran):
    for id, hook in [*EVERYWHERE.forward_pre.items(), *module._forward_pre_hooks.items()]:
        if id in module._forward_pre_hooks_with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    backward = None
    if module._backward_hooks or module._backward_pre_hooks or EVERYWHERE.backward or EVERYWHERE.backward_pre:
        backward = _BackwardHooks(module)
        args = backward.arguments(args)
    output = module.forward(*args, **kwargs)
    for id, hook, with_kwargs in _forward_hooks(module):
        ran.add(id)
        changed = _run(hook, module, args, kwargs, output, with_kwargs)
        if changed is not None:
            output = changed
    if backward is not None:
        if not isinstance(output, (_core.Tensor, tuple)):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(output)}",
                stacklevel=3,
            )
            return output
        output = backward.outputs(output)
    return output


def _registered(hooks, hook, extra=()):
    handle = RemovableHandle(hooks, extra_dict=list(extra))
    hooks[handle.id] = hook
    for each in extra:
        each[handle.id] = True
    return handle


def register_module_forward_pre_hook(hook):
    """Call hook(module, args) before the `forward` of every module. Returns a handle, whose `remove()` undoes it."""
    return _registered(EVERYWHERE.forward_pre, hook)


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """Call hook(module, args, output) after the `forward` of every module. Returns a handle.

    Example:
        >>> from pullback.nn.modules.module import register_module_forward_hook
        >>> handle = register_module_forward_hook(lambda module, args, output: print(type(module).__name__))
        >>> _ = pb.nn.Sequential(pb.nn.ReLU())(pb.ones(1))
        ReLU
        Sequential
        >>> handle.remove()
    """
    extra = [EVERYWHERE.forward_with_kwargs] if with_kwargs else []
    extra += [EVERYWHERE.forward_always] if always_call else []
    return _registered(EVERYWHERE.forward, hook, extra)


def register_module_full_backward_pre_hook(hook):
    """Call hook(module, grad_output) before the gradients of every module's inputs. Returns a handle."""
    return _registered(EVERYWHERE.backward_pre, hook)


def register_module_full_backward_hook(hook):
    """Call hook(module, grad_input, grad_output) when the gradients of every module's inputs are known. Returns a handle."""
    return _registered(EVERYWHERE.backward, hook)


register_module_backward_hook = register_module_full_backward_hook
