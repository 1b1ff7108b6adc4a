"""How a module with hooks is called: what sees its arguments, its output, and the gradients of both.

The gradients of all inputs pass one node, an identity that a call puts before `forward`, and those of all outputs another
behind it; the hooks of the backward pass are hooks of these nodes.
"""

import functools
import warnings
from collections import OrderedDict
from typing import Any

from ... import _core
from ...autograd import Function
from ...autograd.hooks import add_hook


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


class Hooked:
    """The part of `Module` that registers its hooks; `call_with_hooks` runs those of calls, `state.py` those of loading."""

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call hook(module, args) before `forward`; what it returns, unless None, replaces the arguments.

        With `with_kwargs`: hook(module, args, kwargs), which returns None or (args, kwargs). Returns a handle, whose
        `remove()` undoes it.

        Example:
            >>> module = pb.nn.ReLU()
            >>> handle = module.register_forward_pre_hook(lambda module, args: (-args[0],))
            >>> module(pb.tensor([-1.0, 2.0]))
            tensor([1., 0.])
        """
        extra = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return add_hook(self._forward_pre_hooks, hook, extra, prepend)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call hook(module, args, output) after `forward`; what it returns, unless None, replaces the output.

        With `with_kwargs`: hook(module, args, kwargs, output). With `always_call` also where `forward` raised. Returns a
        handle, whose `remove()` undoes it.

        Example:
            >>> module = pb.nn.ReLU()
            >>> handle = module.register_forward_hook(lambda module, args, output: output + 1)
            >>> module(pb.tensor([-1.0, 2.0]))
            tensor([1., 3.])
            >>> handle.remove()
            >>> module(pb.tensor([-1.0, 2.0]))
            tensor([0., 2.])
        """
        extra = [self._forward_hooks_with_kwargs] if with_kwargs else []
        extra += [self._forward_hooks_always_called] if always_call else []
        return add_hook(self._forward_hooks, hook, extra, prepend)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Call hook(module, grad_output) before the gradients of the inputs are computed; it may return others.

        Returns a handle, whose `remove()` undoes it.

        Example:
            >>> module, x = pb.nn.ReLU(), pb.ones(2, requires_grad=True)
            >>> handle = module.register_full_backward_pre_hook(lambda module, grad_output: (10 * grad_output[0],))
            >>> module(x).sum().backward()
            >>> x.grad
            tensor([10., 10.])
        """
        return add_hook(self._backward_pre_hooks, hook, (), prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call hook(module, grad_input, grad_output) when the gradients of the inputs are known; it may return others.

        Returns a handle, whose `remove()` undoes it. Raises RuntimeError beside a `register_backward_hook`.

        Example:
            >>> module = pb.nn.Linear(2, 1)
            >>> _ = module.register_full_backward_hook(lambda module, given, taken: print(given[0].shape, taken))
            >>> module(pb.ones(1, 2, requires_grad=True)).sum().backward()
            pullback.Size([1, 2]) (tensor([[1.]]),)
        """
        if self._is_full_backward_hook is False:
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of "
                "them."
            )
        self._is_full_backward_hook = True
        return add_hook(self._backward_hooks, hook, (), prepend)

    def register_backward_hook(self, hook):
        """The older form of `register_full_backward_hook`, which it is here.

        Raises RuntimeError beside a full one.

        Example:
            >>> module, x = pb.nn.ReLU(), pb.ones(2, requires_grad=True)
            >>> handle = module.register_backward_hook(lambda module, grad_input, grad_output: print(grad_output))
            >>> module(x).sum().backward()
            (tensor([1., 1.]),)
        """
        if self._is_full_backward_hook is True:
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of "
                "them."
            )
        self._is_full_backward_hook = False
        return add_hook(self._backward_hooks, hook)

    def register_state_dict_post_hook(self, hook):
        """Call hook(module, state_dict, prefix, local_metadata) after the module's part of a state_dict is made.

        Example:
            >>> layer = pb.nn.Linear(1, 1)
            >>> handle = layer.register_state_dict_post_hook(lambda module, state, *about: state.update(units="m"))
            >>> list(layer.state_dict())
            ['weight', 'bias', 'units']
        """
        hook._from_public_api = True
        return add_hook(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook):
        return add_hook(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook):
        """Call hook(module, prefix, keep_vars) before the module's part of a state_dict is made.

        Example:
            >>> layer = pb.nn.Linear(1, 1)
            >>> handle = layer.register_state_dict_pre_hook(lambda module, prefix, keep_vars: print(repr(prefix)))
            >>> _ = pb.nn.Sequential(layer).state_dict()
            '0.'
        """
        return add_hook(self._state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        return add_hook(
            self._load_state_dict_pre_hooks, functools.partial(hook, self) if with_module else hook
        )

    def register_load_state_dict_pre_hook(self, hook):
        """Call hook(module, state_dict, prefix, metadata, strict, missing, unexpected, errors) before loading.

        Example:
            >>> layer = pb.nn.Linear(1, 1, bias=False)
            >>> handle = layer.register_load_state_dict_pre_hook(lambda module, state, *about: print(list(state)))
            >>> layer.load_state_dict({"weight": pb.zeros(1, 1)})
            ['weight']
            <All keys matched successfully>
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook):
        """Call hook(module, incompatible_keys) after loading; it may change the lists of keys in place.

        Example:
            >>> layer = pb.nn.Linear(1, 1)
            >>> handle = layer.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
            >>> layer.load_state_dict({})
            <All keys matched successfully>
        """
        return add_hook(self._load_state_dict_post_hooks, hook)


def register_module_forward_pre_hook(hook):
    """Call hook(module, args) before the `forward` of every module. Returns a handle, whose `remove()` undoes it."""
    return add_hook(EVERYWHERE.forward_pre, hook)


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
    return add_hook(EVERYWHERE.forward, hook, extra)


def register_module_full_backward_pre_hook(hook):
    """Call hook(module, grad_output) before the gradients of every module's inputs. Returns a handle."""
    return add_hook(EVERYWHERE.backward_pre, hook)


def register_module_full_backward_hook(hook):
    """Call hook(module, grad_input, grad_output) when the gradients of every module's inputs are known. Returns a handle."""
    return add_hook(EVERYWHERE.backward, hook)


register_module_backward_hook = register_module_full_backward_hook


_REGISTRATION: dict[str, Any] = {"buffer": OrderedDict(), "module": OrderedDict(), "parameter": OrderedDict()}


def as_registered(kind, module, name, value):
    """What a module gets for a buffer, a parameter or another module: what the hooks of registration make of it."""
    for hook in _REGISTRATION[kind].values():
        changed = hook(module, name, value)
        value = value if changed is None else changed
    return value


def register_module_buffer_registration_hook(hook):
    """Call hook(module, name, buffer) whenever a buffer is registered; it may return another. Returns a handle."""
    return add_hook(_REGISTRATION["buffer"], hook)


def register_module_module_registration_hook(hook):
    """Call hook(module, name, submodule) whenever a module is registered; it may return another. Returns a handle."""
    return add_hook(_REGISTRATION["module"], hook)


def register_module_parameter_registration_hook(hook):
    """Call hook(module, name, parameter) whenever a parameter is registered; it may return another. Returns a handle."""
    return add_hook(_REGISTRATION["parameter"], hook)
