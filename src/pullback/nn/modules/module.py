"""Module: parameters, buffers and other modules as attributes, and a `forward` that hooks see.

Three dictionaries hold what a module has: `_parameters`, `_buffers`, `_modules`. An attribute that is a Parameter, a Buffer or
a Module goes into its dictionary, where everything that walks a tree of modules finds it: `named_parameters`, `state_dict`,
`train`, `to`, `repr`. All else is a plain attribute.
"""

from collections import OrderedDict
from typing import Any, TypeVar

from ... import _core
from ...autograd import no_grad
from ...autograd.leaves import zero_gradient
from ...operators.creation import empty
from ..parameter import Buffer, Parameter, is_lazy
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


class Module(Hooked, Stateful):
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

    # ---- walking ---------------------------------------------------------------------------------------------

    def children(self):
        """The modules that are attributes of this one, each once.

        Example:
            >>> list(pb.nn.Sequential(pb.nn.ReLU(), pb.nn.Sequential(pb.nn.Tanh())).children())
            [ReLU(), Sequential(
              (0): Tanh()
            )]
        """
        for _, module in self.named_children():
            yield module

    def named_children(self):
        """Pairs (name, module) of the modules that are attributes of this one, each module once.

        Example:
            >>> list(pb.nn.ModuleDict({"first": pb.nn.ReLU(), "last": pb.nn.Tanh()}).named_children())
            [('first', ReLU()), ('last', Tanh())]
        """
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def modules(self, remove_duplicate=True):
        """This module and all below it, each once, or as often as it stands there.

        Example:
            >>> [type(module).__name__ for module in pb.nn.Sequential(pb.nn.ReLU(), pb.nn.Tanh()).modules()]
            ['Sequential', 'ReLU', 'Tanh']
        """
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """Pairs (path, module) of this module, whose path is `prefix`, and of all below it.

        Example:
            >>> [name for name, _ in pb.nn.Sequential(pb.nn.ReLU(), pb.nn.ReLU()).named_modules()]
            ['', '0', '1']
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = prefix + ("." if prefix else "") + name
                yield from module.named_modules(memo, path, remove_duplicate)

    def _named_members(self, members, prefix="", recurse=True, remove_duplicate=True):
        seen = set()
        homes = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in homes:
            for name, value in members(module):
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield path + ("." if path else "") + name, value

    def parameters(self, recurse=True):
        """The parameters of this module and, with `recurse`, of all below it, each once.

        Example:
            >>> [tuple(p.shape) for p in pb.nn.Linear(2, 3).parameters()]
            [(3, 2), (3,)]
            >>> sum(p.numel() for p in pb.nn.Linear(2, 3).parameters())
            9
        """
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """Pairs (path, parameter) of this module and, with `recurse`, of all below it.

        Example:
            >>> [(name, tuple(p.shape)) for name, p in pb.nn.Linear(2, 3).named_parameters()]
            [('weight', (3, 2)), ('bias', (3,))]
        """
        yield from self._named_members(
            lambda module: module._parameters.items(), prefix, recurse, remove_duplicate
        )

    def buffers(self, recurse=True):
        """The buffers of this module and, with `recurse`, of all below it, each once.

        Example:
            >>> list(pb.nn.BatchNorm1d(2).buffers())
            [tensor([0., 0.]), tensor([1., 1.]), tensor(0)]
        """
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """Pairs (path, buffer) of this module and, with `recurse`, of all below it.

        Example:
            >>> dict(pb.nn.BatchNorm1d(2).named_buffers(prefix="norm"))["norm.running_var"]
            tensor([1., 1.])
        """
        yield from self._named_members(
            lambda module: module._buffers.items(), prefix, recurse, remove_duplicate
        )

    def get_submodule(self, target):
        """The module at a path, such as "encoder.0"; this module at "".

        Raises AttributeError where there is none.

        Example:
            >>> net = pb.nn.Sequential(pb.nn.Sequential(pb.nn.ReLU(), pb.nn.Tanh()))
            >>> net.get_submodule("0.1")
            Tanh()
        """
        module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target, module, strict=False):
        """Put a module at a path; with `strict`, only where there is one.

        Raises ValueError for an empty path, AttributeError where the path leads nowhere.

        Example:
            >>> net = pb.nn.Sequential(pb.nn.Sequential(pb.nn.ReLU(), pb.nn.Tanh()))
            >>> net.set_submodule("0.1", pb.nn.Sigmoid())
            >>> net[0][1]
            Sigmoid()
        """
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target):
        """The parameter at a path, such as "encoder.weight". Raises AttributeError where there is none.

        Example:
            >>> pb.nn.Sequential(pb.nn.Linear(2, 3)).get_parameter("0.weight").shape
            pullback.Size([3, 2])
        """
        module, name = self._holder(target)
        found = getattr(module, name)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return found

    def get_buffer(self, target):
        """The buffer at a path, such as "norm.running_mean". Raises AttributeError where there is none.

        Example:
            >>> pb.nn.Sequential(pb.nn.BatchNorm1d(2)).get_buffer("0.running_mean")
            tensor([0., 0.])
        """
        module, name = self._holder(target)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return module._buffers[name]

    def _holder(self, target):
        """The module that a path's last name is an attribute of, and that name."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        return module, name

    # ---- changing all of it ----------------------------------------------------------------------------------

    def apply(self, fn):
        """Call `fn` with every module below this one, and with this one; for example to initialise. Returns self.

        Example:
            >>> net = pb.nn.Sequential(pb.nn.ReLU(), pb.nn.Tanh())
            >>> _ = net.apply(lambda module: print(type(module).__name__))
            ReLU
            Tanh
            Sequential
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn, recurse=True):
        """Replace the data of all parameters, their gradients, and all buffers by what `fn` gives for them."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, parameter in self._parameters.items():
            if parameter is None:
                continue
            with no_grad():
                changed = fn(parameter)
                if changed is not parameter:
                    parameter.data = changed.detach()
                gradient = parameter.grad
                if gradient is not None:
                    parameter.grad = None
                    parameter.grad = fn(gradient).detach().requires_grad_(gradient.requires_grad)
            self._parameters[name] = parameter
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """Convert parameters and buffers: `to(device)`, `to(dtype)`, `to(tensor)`; floating ones take a `dtype`.

        Returns self. Raises TypeError for a dtype that is not floating, RuntimeError for another device than the CPU.

        Example:
            >>> pb.nn.Linear(1, 1).to(pb.float64).weight.dtype
            pullback.float64
        """
        dtype = kwargs.pop("dtype", None)
        for each in args:
            if isinstance(each, _core.dtype):
                dtype = each
            elif isinstance(each, _core.Tensor):
                dtype = each.dtype
            elif not isinstance(each, bool):
                empty(0).to(each)
        if kwargs.get("device") is not None:
            empty(0).to(kwargs["device"])
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        if dtype is None:
            return self
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() or t.is_complex() else t)

    def _floats(self, dtype):
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def type(self, dst_type):
        """Convert all parameters and buffers to a dtype. Returns self.

        Example:
            >>> pb.nn.Linear(1, 1).type(pb.float64).weight.dtype
            pullback.float64
        """
        return self._apply(lambda t: t.type(dst_type))

    def float(self):
        """Convert floating parameters and buffers to float32. Returns self.

        Example:
            >>> pb.nn.Linear(1, 1, dtype=pb.float64).float().weight.dtype
            pullback.float32
        """
        return self._floats(_core.float32)

    def double(self):
        """Convert floating parameters and buffers to float64. Returns self.

        Example:
            >>> pb.nn.Linear(1, 1).double().weight.dtype
            pullback.float64
        """
        return self._floats(_core.float64)

    def half(self):
        """Convert floating parameters and buffers to float16. Returns self.

        Example:
            >>> pb.nn.Linear(1, 1).half().weight.dtype
            pullback.float16
        """
        return self._floats(_core.float16)

    def bfloat16(self):
        """Convert floating parameters and buffers to bfloat16. Returns self.

        Example:
            >>> pb.nn.Linear(1, 1).bfloat16().weight.dtype
            pullback.bfloat16
        """
        return self._floats(_core.bfloat16)

    def cpu(self):
        """Everything is in main memory: returns self.

        Example:
            >>> pb.nn.ReLU().cpu()
            ReLU()
        """
        return self

    def cuda(self, device=None):
        """Raises AssertionError, as PyTorch does without CUDA: pullback computes on the CPU.

        Example:
            >>> pb.nn.Linear(1, 1).cuda()
            Traceback (most recent call last):
                ...
            AssertionError: Torch not compiled with CUDA enabled. pullback computes on the CPU.
        """
        raise AssertionError("Torch not compiled with CUDA enabled. pullback computes on the CPU.")

    def xpu(self, device=None):
        """Raises AssertionError, as `cuda` does.

        Example:
            >>> pb.nn.Linear(1, 1).xpu()
            Traceback (most recent call last):
                ...
            AssertionError: Torch not compiled with XPU enabled. pullback computes on the CPU.
        """
        raise AssertionError("Torch not compiled with XPU enabled. pullback computes on the CPU.")

    def mtia(self, device=None):
        """Raises AssertionError, as `cuda` does.

        Example:
            >>> pb.nn.Linear(1, 1).mtia()
            Traceback (most recent call last):
                ...
            AssertionError: Torch not compiled with MTIA enabled. pullback computes on the CPU.
        """
        raise AssertionError("Torch not compiled with MTIA enabled. pullback computes on the CPU.")

    def ipu(self, device=None):
        """Raises RuntimeError, as PyTorch does without such a device.

        Example:
            >>> pb.nn.Linear(1, 1).ipu()
            Traceback (most recent call last):
                ...
            RuntimeError: PyTorch is not linked with support for ipu devices. pullback computes on the CPU.
        """
        raise RuntimeError(
            "PyTorch is not linked with support for ipu devices. pullback computes on the CPU."
        )

    def to_empty(self, *, device, recurse=True):
        """Parameters and buffers of the same shapes with any values. Returns self.

        Example:
            >>> pb.nn.Linear(2, 3).to_empty(device="cpu").weight.shape
            pullback.Size([3, 2])
        """
        return self._apply(lambda t: t.new_empty(t.shape), recurse=recurse)

    def share_memory(self):
        """Raises NotImplementedError: tensors are not shared between processes.

        Example:
            >>> pb.nn.Linear(1, 1).share_memory()
            Traceback (most recent call last):
                ...
            NotImplementedError: Tensors are not shared between processes.
        """
        raise NotImplementedError("Tensors are not shared between processes.")

    def train(self, mode=True):
        """Whether this module and all below are training, which dropout and batch norm ask. Returns self.

        Raises ValueError for what is no bool.

        Example:
            >>> pb.nn.Dropout().eval().training
            False
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """train(False): the mode in which a trained network is used. Returns self.

        Example:
            >>> net = pb.nn.Sequential(pb.nn.Dropout()).eval()
            >>> net(pb.ones(3))
            tensor([1., 1., 1.])
        """
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Whether parameters get gradients: freeze a part of a network with False. Returns self.

        Example:
            >>> layer = pb.nn.Linear(1, 1).requires_grad_(False)
            >>> layer.weight.requires_grad
            False
        """
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters, or make them zeros.

        Example:
            >>> layer = pb.nn.Linear(2, 1)
            >>> layer(pb.ones(3, 2)).sum().backward()
            >>> layer.bias.grad
            tensor([3.])
            >>> layer.zero_grad()
            >>> layer.bias.grad is None
            True
        """
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                zero_gradient(parameter)

    def compile(self, *args, **kwargs):
        """There is nothing to compile: large elementwise work is fused as it runs.

        Example:
            >>> layer = pb.nn.ReLU()
            >>> layer.compile()
            >>> layer(pb.tensor([-1.0, 2.0]))
            tensor([0., 2.])
        """

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
