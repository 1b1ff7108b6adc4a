"""Module: parameters, buffers and other modules as attributes, and a `forward` that hooks see.

Three dictionaries hold what a module has: `_parameters`, `_buffers`, `_modules`. An attribute that is a Parameter, a Buffer or
a Module goes into its dictionary, where everything that walks a tree of modules finds it: `named_parameters`, `state_dict`,
`train`, `to`, `repr`. All else is a plain attribute.

What walks the tree is in walking.py, what changes all of it in changing.py, hooks in hooks.py, the state dict in state.py.
"""

from collections import OrderedDict
from typing import Any, TypeVar

from ... import _core
from ..parameter import Buffer, Parameter, is_lazy
from .changing import Changed
from .hooks import (  # noqa: F401
    EVERYWHERE,
    Hooked,
    as_registered,
    call_with_hooks,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from .state import Stateful
from .walking import Walked

_HOOKS = (
    "_backward_pre_hooks",
    "_backward_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


def _unimplemented(self, *input):
    """What a module computes: subclasses define it. Calling the module calls it, with hooks."""
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function. Define it in the class.'
    )


class Module(Walked, Changed, Hooked, Stateful):
    """A part of a network: parameters, buffers, other modules, and what is computed with them.

        class Line(pb.nn.Module):
            def __init__(self):
                super().__init__()
                self.slope = pb.nn.Parameter(pb.ones(()))

            def forward(self, x):
                return self.slope * x

    A Parameter that is assigned to an attribute is registered as one, a Module as a child, a Buffer as state.

    Example:
        >>> class Line(pb.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.slope = pb.nn.Parameter(pb.ones(()))
        ...     def forward(self, x):
        ...         return self.slope * x
        >>> line = Line()
        >>> line(pb.tensor(3.0))
        tensor(3., grad_fn=<MulBackward0>)
        >>> dict(line.state_dict())
        {'slope': tensor(1.)}
    """

    dump_patches = False
    _version = 1
    call_super_init = False
    _compiled_call_impl = None
    T_destination = TypeVar("T_destination", bound=dict[str, Any])

    def __init__(self, *args, **kwargs):
        if not self.call_super_init and kwargs:
            raise TypeError(
                f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
            )
        if not self.call_super_init and args:
            raise TypeError(
                f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
            )
        put = super().__setattr__
        put("training", True)
        put("_parameters", {})
        put("_buffers", {})
        put("_non_persistent_buffers_set", set())
        put("_is_full_backward_hook", None)
        for name in _HOOKS:
            put(name, OrderedDict())
        put("_modules", {})
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    forward = _unimplemented

    def __call__(self, *args, **kwargs):
        if not (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or EVERYWHERE
        ):
            return self.forward(*args, **kwargs)
        return call_with_hooks(self, args, kwargs)

    _call_impl = _wrapped_call_impl = __call__

    def __setstate__(self, state):
        self.__dict__.update(state)
        for name in _HOOKS:
            self.__dict__.setdefault(name, OrderedDict())
        self.__dict__.setdefault("_non_persistent_buffers_set", set())
        self.__dict__.setdefault("_is_full_backward_hook", None)

    # ---- what is registered ----------------------------------------------------------------------------------

    def _check_name(self, kind, name, known):
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {_name_of(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in known:
            raise KeyError(f"attribute '{name}' already exists")

    def register_buffer(self, name, tensor, persistent=True):
        """Add a tensor that is state but no parameter, such as a running mean; it is then the attribute `name`.

        What is not `persistent` is not in the state_dict. Raises KeyError for a name that is taken, or holds a dot,
        TypeError for what is no tensor and not None.

        Example:
            >>> module = pb.nn.Module()
            >>> module.register_buffer("count", pb.zeros(()))
            >>> module.count
            tensor(0.)
        """
        self._check_name("buffer", name, self.__dict__.get("_buffers", ()))
        if tensor is not None and not isinstance(tensor, _core.Tensor):
            raise TypeError(
                f"cannot assign '{_name_of(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = as_registered("buffer", self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name, param):
        """Add a Parameter, or None; it is then the attribute `name`.

        Raises KeyError for a name that is taken, or holds a dot, TypeError for what is neither, ValueError for a tensor
        that was computed.

        Example:
            >>> module = pb.nn.Module()
            >>> module.register_parameter("scale", pb.nn.Parameter(pb.ones(2)))
            >>> module.scale
            Parameter containing:
            tensor([1., 1.], requires_grad=True)
        """
        self._check_name("parameter", name, self.__dict__.get("_parameters", ()))
        if param is None:
            self._parameters[name] = None
            return
        if not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{_name_of(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        if not is_lazy(param) and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = as_registered("parameter", self, name, param)

    def add_module(self, name, module):
        """Add a module, or None, as a child; it is then the attribute `name`.

        Raises KeyError for a name that is taken, or holds a dot, TypeError for what is neither.

        Example:
            >>> net = pb.nn.Sequential()
            >>> net.add_module("first", pb.nn.ReLU())
            >>> net.first
            ReLU()
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_name_of(module)} is not a Module subclass")
        if not isinstance(name, str):
            raise TypeError(f"module name should be a string. Got {_name_of(name)}")
        if hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'module name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError('module name can\'t be empty string ""')
        self._modules[name] = as_registered("module", self, name, module)

    register_module = add_module

    def __setattr__(self, name, value):
        own = self.__dict__
        parameters = own.get("_parameters")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
            return
        if parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_name_of(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, value)
            return
        modules = own.get("_modules")
        if isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, "_modules")
            modules[name] = as_registered("module", self, name, value)
            return
        if modules is not None and name in modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_name_of(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            modules[name] = None
            return
        buffers = own.get("_buffers")
        if isinstance(value, Buffer) or (buffers is not None and name in buffers):
            if value is not None and not isinstance(value, _core.Tensor):
                raise TypeError(
                    f"cannot assign '{_name_of(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None "
                    "expected)"
                )
            persistent = getattr(value, "persistent", name not in own["_non_persistent_buffers_set"])
            self._forget(name, "_buffers")
            self.register_buffer(name, value, persistent)
            return
        super().__setattr__(name, value)

    def _forget(self, name, but):
        """A name has one home."""
        self.__dict__.pop(name, None)
        for home in ("_parameters", "_buffers", "_modules"):
            if home != but:
                self.__dict__[home].pop(name, None)
        if but != "_buffers":
            self._non_persistent_buffers_set.discard(name)

    def __getattr__(self, name):
        own = self.__dict__
        for home in ("_parameters", "_buffers", "_modules"):
            if home in own and name in own[home]:
                return own[home][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name):
        for home in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(home, ()):
                del self.__dict__[home][name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self):
        found = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted([name for name in found if not name[:1].isdigit()])

    # ---- printing --------------------------------------------------------------------------------------------

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        """What stands in parentheses where the module is printed: subclasses say."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {_indented(repr(module), 2)}" for name, module in self._modules.items()]
        text = self._get_name() + "("
        if lines or children:
            if len(lines) == 1 and not children:
                text += lines[0]
            else:
                text += "\n  " + "\n  ".join(lines + children) + "\n"
        return text + ")"

    def _replicate_for_data_parallel(self):
        raise NotImplementedError("pullback runs in one process, on its threads.")


def _name_of(value):
    if isinstance(value, _core.Tensor):
        return value.type()
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def _indented(text, spaces):
    first, *rest = text.split("\n")
    return "\n".join([first, *[" " * spaces + line for line in rest]])
