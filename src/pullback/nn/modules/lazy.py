"""Modules that learn the shapes of their parameters from the first input."""

from typing import Any

from ...autograd import no_grad
from ..parameter import UninitializedBuffer, UninitializedParameter, is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin:
    """Before a class of Module: its parameters get their shapes from the first input, by `initialize_parameters`.

    After that the module is one of `cls_to_become`.
    """

    cls_to_become: Any = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(type(self)._infer_parameters, with_kwargs=True)

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        for name, each in [*self._parameters.items(), *self._buffers.items()]:
            if each is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = each if is_lazy(each) or keep_vars else each.detach()

    def _lazy_load_hook(self, state_dict, prefix, *about):
        """Shapes from a state_dict, if it is loaded before the first input."""
        for name, each in [*self._parameters.items(), *self._buffers.items()]:
            given = state_dict.get(prefix + name)
            if given is not None and each is not None and is_lazy(each) and not is_lazy(given):
                with no_grad():
                    each.materialize(given.shape)

    def initialize_parameters(self, *args, **kwargs):
        """Give parameters the shapes that fit an input: subclasses define it."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self):
        """Whether a parameter or buffer has no shape yet."""
        all = [*self._parameters.values(), *self._buffers.values()]
        return any(isinstance(each, (UninitializedParameter, UninitializedBuffer)) for each in all)

    def _infer_parameters(self, args, kwargs=None):
        self.initialize_parameters(*args, **(kwargs or {}))
        if self.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        self._initialize_hook.remove()
        self._load_hook.remove()
        del self._initialize_hook, self._load_hook
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become
        return args, kwargs or {}
