"""Parametrizations: a parameter or buffer of a module becomes a function of others, computed when it is read.

    register_parametrization(layer, "weight", Symmetric())

makes `layer.weight` what `Symmetric().forward` gives of `layer.parametrizations.weight.original`, which is what is trained and
saved. The module gets a class of its own, a subclass of what it was, with a property of the name. Several are applied one
after another. One that has `right_inverse` can be assigned to: the originals become what that gives.
"""

import contextlib
import copy
from collections.abc import Sequence

from ... import _core
from ...autograd import no_grad
from ..modules.container import ModuleDict, ModuleList
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

Tensor = _core.Tensor

_depth = 0  # of `with cached()`
_known = {}  # (module, name) -> value, within them


class cached(contextlib.ContextDecorator):
    """Within this, each parametrized tensor is computed once, however often it is read.

    For weights that are used several times in one step, as in recurrent networks. It decorates functions, too.

    Example:
        >>> layer = pb.nn.utils.parametrizations.weight_norm(pb.nn.Linear(2, 2))
        >>> with pb.nn.utils.parametrize.cached():
        ...     layer.weight is layer.weight
        True
    """

    def __enter__(self):
        global _depth
        _depth += 1

    def __exit__(self, *raised):
        global _depth
        _depth -= 1
        if not _depth:
            _known.clear()


def _register(module, name, tensor):
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _inverse_of(parametrization):
    return getattr(parametrization, "right_inverse", None)


def _changed(what, before, after):
    return ValueError(
        f"Registering a parametrization may not change the {what} of the tensor, unless `unsafe` flag is enabled.\n"
        f"unparametrized {what}: {before}\nparametrized {what}: {after}"
    )


def _check_alike(before, after):
    """That a parametrization gives a tensor of the dtype and the shape of what it replaces."""
    if not isinstance(after, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
    if before.dtype != after.dtype:
        raise _changed("dtype", before.dtype, after.dtype)
    if before.shape != after.shape:
        raise _changed("shape", before.shape, after.shape)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, in the order in which they are applied, and the originals that they start from.

    One original is the attribute `original`; several, where the first parametrization takes several tensors, are `original0`,
    `original1` and so on. They are parameters if the tensor was one, else buffers.

    Raises ValueError for no modules, and, unless `unsafe`, for another shape or dtype than the tensor had.

    Example:
        >>> layer = pb.nn.utils.parametrizations.weight_norm(pb.nn.Linear(2, 3))
        >>> layer.parametrizations.weight.original0.shape
        pullback.Size([3, 1])
    """

    def __init__(self, modules, original, unsafe=False):
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape = original.detach()
        with no_grad():
            new = original
            for module in reversed(self):
                inverse = _inverse_of(module)
                if inverse is not None:
                    with contextlib.suppress(NotImplementedError):
                        new = inverse(new)
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            if original.dtype != new.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            kept = original.data
            original.data = new.detach()
            _register(self, "original", original)
        else:
            for i, each in enumerate(new):
                if not isinstance(each, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                        f"Got element {i} of the sequence with type {type(each).__name__}."
                    )
                if isinstance(original, Parameter):
                    each = Parameter(each.detach(), original.requires_grad)
                _register(self, f"original{i}", each)
        if not unsafe:
            try:
                _check_alike(shape, self())
            except Exception:
                if self.is_tensor:
                    original.data = kept
                raise

    @property
    def _originals(self):
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def forward(self):
        """The tensor."""
        first, *others = self
        value = first(*self._originals)
        for module in others:
            value = module(value)
        return value

    def right_inverse(self, value):
        """Gives the originals the values from which the tensor becomes `value`, by `right_inverse` of each, the last first.

        Raises RuntimeError where a parametrization has none, ValueError where it gives another number of tensors, or of
        another dtype, than there are originals.

        Example:
            >>> layer = pb.nn.utils.parametrizations.weight_norm(pb.nn.Linear(1, 1, bias=False))
            >>> layer.parametrizations.weight.right_inverse(pb.tensor([[-3.0]]))
            >>> layer.weight
            tensor([[-3.]], grad_fn=<MulBackward0>)
        """
        with no_grad():
            for module in reversed(self):
                inverse = _inverse_of(module)
                if inverse is None:
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                value = inverse(value)
            values = [value] if self.is_tensor else value
            if not isinstance(values, Sequence):
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors. Got {type(values).__name__}."
                )
            if len(values) != self.ntensors:
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                    f"Got a sequence of length {len(values)}."
                )
            for original, each in zip(self._originals, values):
                if not isinstance(each, Tensor):
                    raise ValueError(f"`right_inverse` should return a tensor. Got {type(each).__name__}")
                if original.dtype != each.dtype:
                    raise ValueError(
                        f"The tensor returned by `right_inverse` has dtype {each.dtype} "
                        f"while `original` has dtype {original.dtype}"
                    )
                original.data = each.detach()


def _deepcopy(self, memo):
    made = self.__new__(type(self))
    memo[id(self)] = made
    made.__dict__ = copy.deepcopy(self.__dict__, memo)
    return made


def _getstate(self):
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(). Its class is made when a "
        "parametrization is registered, and pickle finds no such class."
    )


def _give_class(module):
    """A class of the module's own, which has its properties."""
    kind = type(module)
    about = {"__deepcopy__": getattr(kind, "__deepcopy__", _deepcopy), "__getstate__": _getstate}
    module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), {**about, "__module__": __name__})
    module.parametrizations = ModuleDict()


def _give_property(module, name):
    def get(self):
        parametrization = self.parametrizations[name]
        if not _depth:
            return parametrization()
        key = id(self), name
        if key not in _known:
            _known[key] = parametrization()
        return _known[key]

    def put(self, value):
        _known.pop((id(self), name), None)
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, put))


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    """Makes a parameter or buffer of `module` a function of what it is now. Returns the module.

    `parametrization` is a module: its `forward` takes the original tensor, or the result of the parametrization that was
    registered before, and returns the tensor. If it has `right_inverse`, the original becomes what that gives of the
    tensor; where it gives several tensors, there are as many originals, which `forward` takes.

    With `unsafe` nobody looks whether shape and dtype stay what they were.

    Raises ValueError for a name that is no tensor of the module, and for results of another shape or dtype.

    Example:
        >>> class Symmetric(pb.nn.Module):
        ...     def forward(self, x):
        ...         return x.triu() + x.triu(1).mT
        >>> layer = pb.nn.Linear(3, 3)
        >>> _ = pb.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
        >>> pb.equal(layer.weight, layer.weight.mT)
        True
        >>> [name for name, _ in layer.named_parameters()]
        ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        known = module.parametrizations[tensor_name]
        if not unsafe:
            value = getattr(module, tensor_name)
            new = parametrization(value)
            _check_alike(value, new)
            inverse = _inverse_of(parametrization)
            if inverse is not None:
                back = inverse(new)
                if not isinstance(back, Tensor):
                    raise ValueError(
                        f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}"
                    )
                _check_alike(value, back)
        known.append(parametrization)
        known.unsafe |= unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'"
        )
    made = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _give_class(module)
    _give_property(module, tensor_name)
    module.parametrizations[tensor_name] = made
    return module


def is_parametrized(module, tensor_name=None):
    """Whether a tensor of the module is parametrized, or any.

    Example:
        >>> pb.nn.utils.parametrize.is_parametrized(pb.nn.Linear(2, 2))
        False
    """
    known = module.__dict__.get("_modules", {}).get("parametrizations")
    if not isinstance(known, ModuleDict):
        return False
    return len(known) > 0 if tensor_name is None else tensor_name in known


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    """Makes a tensor a parameter or buffer again, with its present value, or that of its original. Returns the module.

    Raises ValueError for a tensor that is not parametrized, and with leave_parametrized=False for one with several originals.

    Example:
        >>> layer = pb.nn.utils.parametrizations.weight_norm(pb.nn.Linear(2, 2))
        >>> pb.nn.utils.parametrize.remove_parametrizations(layer, "weight")
        Linear(in_features=2, out_features=2, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    known = module.parametrizations[tensor_name]
    if known.is_tensor:
        tensor = known.original
        if leave_parametrized:
            with no_grad():
                value = getattr(module, tensor_name)
            tensor.data = value.detach()
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        tensor = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a sequence of "
            "tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, tensor)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module):
    """The class of a module as it was before a tensor of it was parametrized.

    Example:
        >>> layer = pb.nn.utils.parametrizations.weight_norm(pb.nn.Linear(2, 2))
        >>> pb.nn.utils.parametrize.type_before_parametrizations(layer).__name__
        'Linear'
    """
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module, to_module, tensor_name=None):
    """Gives `to_module` the parametrizations of `from_module`, of one tensor or of all, with their parameters. Returns it.

    A tensor that it lacks is made, with the values that the other has. Raises AssertionError for a module without
    parametrizations.

    Example:
        >>> transfer = pb.nn.utils.parametrize.transfer_parametrizations_and_params
        >>> layer = pb.nn.utils.parametrizations.weight_norm(pb.nn.Linear(2, 2))
        >>> pb.equal(transfer(layer, pb.nn.Linear(2, 2)).weight, layer.weight)
        True
    """
    if not is_parametrized(from_module):
        raise AssertionError(f"Module {from_module} is not parametrized: there is nothing to transfer.")
    for name in [*from_module.parametrizations] if tensor_name is None else [tensor_name]:
        known = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            _register(to_module, name, copy.deepcopy(known._originals[0]))
        for parametrization in known:
            register_parametrization(to_module, name, copy.deepcopy(parametrization), unsafe=known.unsafe)
        for mine, other in zip(to_module.parametrizations[name]._originals, known._originals):
            mine.data = other.detach().clone()
    return to_module
