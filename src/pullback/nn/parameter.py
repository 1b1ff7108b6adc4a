"""Parameters: tensors that a module counts as its own, and those whose shape the first input tells."""

from typing import Any

from .. import _core
from ..operators.creation import empty

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin"]


_Meta: Any = type(_core.Tensor)


class _Kind(_Meta):
    """A class whose instances may be other subclasses of Tensor that carry a mark."""

    def __instancecheck__(cls, instance):
        mark = cls.__dict__.get("_mark")
        return super().__instancecheck__(instance) or (
            mark is not None and isinstance(instance, _core.Tensor) and getattr(instance, mark, False)
        )


class Parameter(_core.Tensor, metaclass=_Kind):
    """A tensor that a module counts among its parameters, once it is an attribute of it.

    Args:
        data: the tensor, whose memory is shared; an empty one if none is given.
        requires_grad: whether it gets gradients, as it does unless this is False.

    Raises RuntimeError for integers that require grad.

    Example:
        >>> pb.nn.Parameter(pb.zeros(2))
        Parameter containing:
        tensor([0., 0.], requires_grad=True)
    """

    _mark = "_is_param"
    __torch_function__ = _core._disabled_torch_function_impl  # what is computed from one is a Tensor

    def __new__(cls, data=None, requires_grad=True):
        if data is None:
            data = empty(0)
        if type(data) is _core.Tensor or isinstance(data, Parameter):
            return _core.Tensor._make_subclass(cls, data.detach(), requires_grad)
        made = _core.require_grad(data.detach(), requires_grad)
        if type(made) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() returns an "
                f"instance of the same type, but return type {type(made).__name__} was found instead."
            )
        made._is_param = True
        return made

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        made = type(self)(self.data.clone(), self.requires_grad)
        memo[id(self)] = made
        return made

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__().replace("Parameter(", "tensor(", 1)

    def __reduce_ex__(self, protocol):
        data = self.data.detach().as_subclass(_core.Tensor)
        return _rebuilt, (type(self), data, self.requires_grad, dict(self.__dict__))


_core.set_parameter_class(Parameter)


def _rebuilt(cls, data, requires_grad, state=None):
    made = _core.Tensor._make_subclass(cls, data, requires_grad)
    made.__dict__.update(state or {})
    return made


class Buffer(_core.Tensor, metaclass=_Kind):
    """A tensor that a module counts among its buffers, once it is an attribute of it: state that is not trained.

    `persistent` says whether it is part of the module's state_dict. A Buffer is a plain tensor with a mark.

    Example:
        >>> module = pb.nn.Module()
        >>> module.mean = pb.nn.Buffer(pb.zeros(2))
        >>> dict(module.named_buffers())
        {'mean': tensor([0., 0.])}
    """

    _mark = "_is_buffer"

    def __new__(cls, data=None, *, persistent=True):
        if data is None:
            data = empty(0)
        made = _core.require_grad(data.detach(), data.requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made


class UninitializedTensorMixin:
    """What a tensor without a shape yet can do: take one.

    Example:
        >>> isinstance(pb.nn.UninitializedBuffer(), pb.nn.parameter.UninitializedTensorMixin)
        True
    """

    def __init__(self, *arguments, **options):
        pass

    def materialize(self, shape, device=None, dtype=None):
        """Give it a shape: from then on it is an ordinary one, with any values."""
        self.data = empty(shape, dtype=dtype or self.data.dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self):
        """Raises RuntimeError: there is none yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` to "
            "initialize the parameters before accessing their attributes."
        )

    def __repr__(self):
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        made = type(self)(self.requires_grad)
        memo[id(self)] = made
        return made

    def __reduce_ex__(self, protocol):
        return type(self), (self.requires_grad,), dict(self.__dict__) or None


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A Parameter whose shape the first input of a lazy module tells.

    Example:
        >>> p = pb.nn.UninitializedParameter()
        >>> p
        <UninitializedParameter>
        >>> p.materialize((2, 3))
        >>> type(p).__name__, p.shape
        ('Parameter', pullback.Size([2, 3]))
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        return _core.Tensor._make_subclass(cls, empty(0, dtype=dtype), requires_grad)


class UninitializedBuffer(UninitializedTensorMixin, _core.Tensor):
    """A buffer whose shape the first input of a lazy module tells.

    Example:
        >>> pb.nn.UninitializedBuffer()
        <UninitializedBuffer>
    """

    cls_to_become = _core.Tensor

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        made = _core.Tensor._make_subclass(cls, empty(0, dtype=dtype), requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made


def is_lazy(param):
    """Whether a tensor has no shape yet.

    Example:
        >>> pb.nn.parameter.is_lazy(pb.nn.UninitializedBuffer())
        True
    """
    return isinstance(param, UninitializedTensorMixin)
