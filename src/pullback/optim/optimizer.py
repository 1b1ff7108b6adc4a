"""Optimizer: parameters in groups, state of each, and a step that changes them by their gradients.

An optimiser is a class with two methods: `_begin` gives the first state of a parameter, `_update` changes one by its
gradient and state. Everything else is here: groups and their options, hooks, state_dict. The state of a parameter is a
dictionary of tensors, with PyTorch's names, so that state dicts travel.
"""

import functools
import itertools
from collections import OrderedDict, defaultdict
from copy import deepcopy
from typing import Any

from .. import _core
from ..autograd import enable_grad, no_grad
from ..autograd.hooks import add_hook
from ..autograd.leaves import zero_gradient
from ..operators.complex import view_as_complex, view_as_real
from ..operators.creation import tensor


class _Required:
    """Stands for an option that every group has to give."""

    def __repr__(self):
        return "<required parameter>"


required = _Required()
_HOOKS = [
    f"_optimizer_{what}_{when}_hooks"
    for what in ("step", "state_dict", "load_state_dict")
    for when in ("pre", "post")
]
EVERYWHERE: dict[str, Any] = {"pre": OrderedDict(), "post": OrderedDict()}


def register_optimizer_step_pre_hook(hook):
    """Call hook(optimizer, args, kwargs) before each step of every optimiser. Returns a handle."""
    return add_hook(EVERYWHERE["pre"], hook)


def register_optimizer_step_post_hook(hook):
    """Call hook(optimizer, args, kwargs) after each step of every optimiser. Returns a handle."""
    return add_hook(EVERYWHERE["post"], hook)


def check(name, value, holds, message=None):
    """ValueError for an option out of its range, with PyTorch's message."""
    if not holds:
        raise ValueError(message or f"Invalid {name}: {value}")


def check_one(lr):
    """ValueError for a rate that is a tensor of several elements."""
    if isinstance(lr, _core.Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")


def number(value):
    """A number from an option, which may be a tensor of one element."""
    return value.item() if isinstance(value, _core.Tensor) else value


def options(arguments):
    """The options of an optimiser, from `locals()` at the beginning of its `__init__`: all that it was given but parameters."""
    return {name: value for name, value in arguments.items() if name not in ("self", "params", "__class__")}


class Optimizer:
    """The base of optimisers: `params` are parameters, or dictionaries with "params" and options of a group of them.

    Parameters may come with names, as pairs. `defaults` are the options of groups that do not say otherwise.

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([4.0]))
        >>> optimizer = pb.optim.SGD([w], lr=0.25)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        Parameter containing:
        tensor([2.], requires_grad=True)
    """

    def __init__(self, params, defaults):
        self.defaults = defaults
        for name in _HOOKS:
            setattr(self, name, OrderedDict())
        if isinstance(params, _core.Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{'torch.FloatTensor' if params.dtype == _core.float32 else params.type()}"
            )
        self.state = defaultdict(dict)
        self.param_groups = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(dict(group))

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _with_hooks(cls.__dict__["step"])

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        self.__dict__.update(state)
        for name in _HOOKS:
            self.__dict__.setdefault(name, OrderedDict())

    def __repr__(self):
        text = type(self).__name__ + " ("
        for k, group in enumerate(self.param_groups):
            text += f"\nParameter Group {k}\n"
            for name in sorted(group):
                if name != "params":
                    text += f"    {name}: {group[name]}\n"
        return text + ")"

    # ---- groups ----------------------------------------------------------------------------------------------

    def add_param_group(self, param_group):
        """Add a group of parameters with options of its own: a dictionary with "params".

        Raises TypeError for what is no dictionary or no tensor, ValueError for a tensor that was computed, that is in
        another group, or for an option that is missing.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=0.5)
            >>> optimizer.add_param_group({"params": [pb.nn.Parameter(pb.zeros(2))], "lr": 0.25})
            >>> [group["lr"] for group in optimizer.param_groups]
            [0.5, 0.25]
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, _core.Tensor):
            params = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets will "
                "change between runs. Please use a list instead."
            )
        params = list(params)
        if params and all(isinstance(each, tuple) for each in params):
            param_group["param_names"] = [name for name, _ in params]
            params = [each for _, each in params]
        for each in params:
            if not isinstance(each, _core.Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(each).__name__}"
                )
            if not self.defaults.get("differentiable") and not (each.is_leaf or each.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(
                    f"parameter group didn't specify a value of required optimization parameter {name}"
                )
            param_group.setdefault(name, default)
        if len(params) != len({id(each) for each in params}):
            import warnings

            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; see "
                "github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        known = {id(each) for group in self.param_groups for each in group["params"]}
        if any(id(each) in known for each in params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append({**param_group, "params": params})

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters, or make them zeros.

        Example:
            >>> w = pb.nn.Parameter(pb.tensor([4.0]))
            >>> (w * w).sum().backward()
            >>> pb.optim.SGD([w], lr=0.5).zero_grad()
            >>> w.grad is None
            True
        """
        for group in self.param_groups:
            for each in group["params"]:
                if each.grad is None:
                    continue
                if set_to_none:
                    each.grad = None
                else:
                    zero_gradient(each)

    # ---- the step --------------------------------------------------------------------------------------------

    def _begin(self, parameter, group):
        """The first state of a parameter: subclasses say."""
        return {}

    def _update(self, group, parameter, gradient, state):
        """Change a parameter by its gradient: subclasses say how."""
        raise NotImplementedError

    def _update_parts(self, group, parameter, gradient, state):
        """Change a complex parameter as the real numbers that it consists of; its state is complex like it."""
        parts = {k: view_as_real(v) if _is_complex(v) else v for k, v in state.items()}
        real = view_as_real(parameter)
        self._update(group, real, view_as_real(gradient), parts)
        for key, value in parts.items():
            like = isinstance(value, _core.Tensor) and value.shape == real.shape
            state[key] = view_as_complex(value) if like else value

    def step(self, closure=None):
        """Change all parameters that have a gradient.

        `closure` computes the loss and its gradients anew, and returns the loss, which is then returned.

        Example:
            >>> w = pb.nn.Parameter(pb.tensor([4.0]))
            >>> (w * w).sum().backward()
            >>> pb.optim.SGD([w], lr=0.25).step()
            >>> w.detach()
            tensor([2.])
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with enable_grad() if self.defaults.get("differentiable") else no_grad():
            for group in self.param_groups:
                maximize = group.get("maximize")
                for parameter in group["params"]:
                    gradient = parameter.grad
                    if gradient is None:
                        continue
                    state = self.state.get(parameter) or self._begin(parameter, group)
                    update = self._update_parts if parameter.dtype.is_complex else self._update
                    update(group, parameter, -gradient if maximize else gradient, state)
                    if state:
                        self.state[parameter] = state
        return loss

    @staticmethod
    def profile_hook_step(func):
        """A `step` around which the hooks of its optimiser run; that of a subclass has them already.

        Example:
            >>> class Counting(pb.optim.SGD):
            ...     def step(self, closure=None):
            ...         return 1
            >>> pb.optim.Optimizer.profile_hook_step(Counting.step)(Counting([pb.nn.Parameter(pb.zeros(1))], lr=0.5))
            1
        """
        return _with_hooks(func)

    def register_step_pre_hook(self, hook):
        """Call hook(optimizer, args, kwargs) before each step; it may return other (args, kwargs). Returns a handle.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=0.5)
            >>> handle = optimizer.register_step_pre_hook(lambda optimizer, args, kwargs: print("before a step"))
            >>> optimizer.step()
            before a step
        """
        return add_hook(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook):
        """Call hook(optimizer, args, kwargs) after each step. Returns a handle.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=0.5)
            >>> handle = optimizer.register_step_post_hook(lambda optimizer, args, kwargs: print("after a step"))
            >>> optimizer.step()
            after a step
        """
        return add_hook(self._optimizer_step_post_hooks, hook)

    # ---- state -----------------------------------------------------------------------------------------------

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Call hook(optimizer) before a state_dict is made. Returns a handle.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=0.5)
            >>> handle = optimizer.register_state_dict_pre_hook(lambda optimizer: print("saving"))
            >>> _ = optimizer.state_dict()
            saving
        """
        return add_hook(self._optimizer_state_dict_pre_hooks, hook, prepend=prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Call hook(optimizer, state_dict) after it is made; it may return another. Returns a handle.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=0.5)
            >>> handle = optimizer.register_state_dict_post_hook(lambda optimizer, state: {**state, "epoch": 3})
            >>> optimizer.state_dict()["epoch"]
            3
        """
        return add_hook(self._optimizer_state_dict_post_hooks, hook, prepend=prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Call hook(optimizer, state_dict) before it is loaded; it may return another. Returns a handle.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=0.5)
            >>> handle = optimizer.register_load_state_dict_pre_hook(lambda optimizer, state: print(list(state)))
            >>> optimizer.load_state_dict(optimizer.state_dict())
            ['state', 'param_groups']
        """
        return add_hook(self._optimizer_load_state_dict_pre_hooks, hook, prepend=prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Call hook(optimizer) after a state_dict was loaded. Returns a handle.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=0.5)
            >>> handle = optimizer.register_load_state_dict_post_hook(lambda optimizer: print("loaded"))
            >>> optimizer.load_state_dict(optimizer.state_dict())
            loaded
        """
        return add_hook(self._optimizer_load_state_dict_post_hooks, hook, prepend=prepend)

    def state_dict(self):
        """The state of all parameters, by their numbers, and the options of all groups.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=0.5)
            >>> optimizer.state_dict()["param_groups"][0]["lr"]
            0.5
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers, groups = {}, []
        for group in self.param_groups:
            packed = {name: value for name, value in group.items() if name != "params"}
            for each in group["params"]:
                numbers.setdefault(id(each), len(numbers))
            packed["params"] = [numbers[id(each)] for each in group["params"]]
            groups.append(packed)
        state = {
            numbers[id(each)] if isinstance(each, _core.Tensor) else each: value
            for each, value in self.state.items()
        }
        made = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, made)
            made = made if changed is None else changed
        return made

    def load_state_dict(self, state_dict):
        """Take the state and the options of another optimiser of the same groups.

        Raises ValueError for other numbers of groups or of their parameters.

        Example:
            >>> w = pb.nn.Parameter(pb.zeros(1))
            >>> a, b = pb.optim.SGD([w], lr=0.5), pb.optim.SGD([w], lr=0.25)
            >>> a.load_state_dict(b.state_dict())
            >>> a.param_groups[0]["lr"]
            0.25
        """
        state_dict = dict(state_dict)
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        groups, saved = self.param_groups, deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(groups, saved, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        own = itertools.chain.from_iterable(group["params"] for group in groups)
        theirs = itertools.chain.from_iterable(group["params"] for group in saved)
        parameters = dict(zip(theirs, own, strict=True))
        state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in parameters:
                state[parameters[key]] = _brought(value, parameters[key])
            else:
                state[key] = value
        for group, given in zip(groups, saved, strict=True):
            given["params"] = group["params"]
            if "param_names" in group and "param_names" not in given:
                given["param_names"] = group["param_names"]
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)


def _brought(value, parameter, key=None):
    """State as it fits a parameter: floating tensors of its dtype, but for the number of steps."""
    if isinstance(value, _core.Tensor):
        if key == "step":
            return value.clone()
        floating = parameter.is_floating_point() or (parameter.is_complex() and value.is_complex())
        return value.to(parameter.dtype).clone() if floating else value.clone()
    if isinstance(value, dict):
        return {k: _brought(v, parameter, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_brought(v, parameter) for v in value)
    return value


def _with_hooks(step):
    if getattr(step, "hooked", False):
        return step

    @functools.wraps(step)
    def hooked(self, *args, **kwargs):
        if not (
            self._optimizer_step_pre_hooks
            or self._optimizer_step_post_hooks
            or EVERYWHERE["pre"]
            or EVERYWHERE["post"]
        ):
            return step(self, *args, **kwargs)
        for hook in [*EVERYWHERE["pre"].values(), *self._optimizer_step_pre_hooks.values()]:
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{hook} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        result = step(self, *args, **kwargs)
        for hook in [*self._optimizer_step_post_hooks.values(), *EVERYWHERE["post"].values()]:
            hook(self, args, kwargs)
        return result

    hooked.hooked = True
    return hooked


setattr(Optimizer, "step", _with_hooks(Optimizer.step))  # noqa: B010  (mypy takes no assignment)


def _is_complex(value):
    return isinstance(value, _core.Tensor) and value.dtype.is_complex


def counted(state):
    """One step more; how many there were, with this one."""
    state["step"] += 1
    return state["step"].item()


def no_steps():
    """The first number of steps."""
    return tensor(0.0, dtype=_core.float32)


def zeros_for(parameter):
    """A first mean of gradients, or of their squares."""
    return parameter.detach().new_zeros(parameter.shape)


def decayed(group, parameter, gradient):
    """The gradient with that of the penalty on the squares of the parameter."""
    weight = group["weight_decay"]
    return gradient.add(parameter, alpha=weight) if weight != 0 else gradient
