"""The state of a tree of modules as a flat dictionary of paths, and back: `state_dict`, `load_state_dict`."""

import itertools
import warnings
from collections import OrderedDict, defaultdict, namedtuple

from ... import _core
from ...autograd import no_grad
from ..parameter import Parameter, is_lazy

_EXTRA = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


def _quoted(keys):
    return ", ".join(f'"{key}"' for key in keys)


class Stateful:
    """The part of `Module` that saves and loads: each module its own tensors, under its path."""

    def get_extra_state(self):
        """What else belongs into the state_dict: subclasses define it, with `set_extra_state`.

        Example:
            >>> class Counter(pb.nn.Module):
            ...     def get_extra_state(self):
            ...         return 3
            >>> Counter().state_dict()["_extra_state"]
            3
        """
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called. Define it in the class."
        )

    def set_extra_state(self, state):
        """Take what `get_extra_state` gave: subclasses define it.

        Example:
            >>> class Counter(pb.nn.Module):
            ...     def set_extra_state(self, state):
            ...         self.count = state
            >>> counter = Counter()
            >>> counter.load_state_dict({"_extra_state": 3}), counter.count
            (<All keys matched successfully>, 3)
        """
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called. Define it in the class."
        )

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        """This module's own tensors, without those of the modules below."""
        for name, parameter in self._parameters.items():
            if parameter is not None:
                destination[prefix + name] = (
                    parameter if keep_vars or is_lazy(parameter) else parameter.detach()
                )
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars else buffer.detach()
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[prefix + _EXTRA] = self.get_extra_state()

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """All parameters and persistent buffers by their paths, an OrderedDict; they share memory with the module's.

        Tensors are detached, unless `keep_vars` is given.

        Example:
            >>> list(pb.nn.Sequential(pb.nn.Linear(1, 2), pb.nn.BatchNorm1d(2)).state_dict())[:4]
            ['0.weight', '0.bias', '1.weight', '1.bias']
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead. Refer to "
                "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details.",
                FutureWarning,
                stacklevel=2,
            )
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and prefix == "" else prefix
            keep_vars = args[2] if len(args) > 2 and keep_vars is False else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        about = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = about
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=prefix + name + ".", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            changed = hook(self, destination, prefix, about)
            if not getattr(hook, "_from_public_api", False):
                destination = destination if changed is None else changed
            elif changed is not None:
                raise RuntimeError("state_dict post-hook must return None")
        return destination

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        """Take this module's own tensors, without those of the modules below; errors are collected."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        persistent = {k: v for k, v in self._buffers.items() if k not in self._non_persistent_buffers_set}
        own = {
            k: v for k, v in itertools.chain(self._parameters.items(), persistent.items()) if v is not None
        }
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                self._take(name, key, tensor, state_dict[key], assign, error_msgs)
            elif strict:
                missing_keys.append(key)
        key = prefix + _EXTRA
        if type(self).set_extra_state is not Stateful.set_extra_state:
            if key in state_dict:
                self.set_extra_state(state_dict[key])
            elif strict:
                missing_keys.append(key)
        elif strict and key in state_dict:
            unexpected_keys.append(key)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != prefix + _EXTRA:
                    name = key[len(prefix) :].split(".", 1)
                    if (len(name) > 1 and name[0] not in self._modules) or (
                        len(name) == 1 and name[0] not in own
                    ):
                        unexpected_keys.append(key)

    def _take(self, name, key, tensor, given, assign, error_msgs):
        if not isinstance(given, _core.Tensor):
            error_msgs.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint but '
                f"received {type(given)}"
            )
            return
        if not is_lazy(tensor):
            if tensor.ndim == 0 and given.ndim == 1 and not assign:  # files of before 0.4
                given = given[0]
            if given.shape != tensor.shape:
                error_msgs.append(
                    f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in "
                    f"current model is {tensor.shape}."
                )
                return
        try:
            with no_grad():
                if assign:
                    if isinstance(tensor, Parameter) and not isinstance(given, Parameter):
                        given = Parameter(given, tensor.requires_grad)
                    setattr(self, name, given)
                else:
                    tensor.copy_(given)
        except Exception as error:
            error_msgs.append(
                f'While copying the parameter named "{key}", whose dimensions in the model are {tensor.size()} and whose '
                f"dimensions in the checkpoint are {given.size()}, an exception occurred : {error.args}."
            )

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy parameters and buffers from a dictionary of their paths, or take its tensors themselves (`assign`).

        Returns a pair (missing_keys, unexpected_keys), which with `strict` have to be empty.

        Raises:
            TypeError: no dictionary.
            RuntimeError: missing or unexpected keys, with `strict`; shapes that differ.

        Example:
            >>> a, b = pb.nn.Linear(2, 1), pb.nn.Linear(2, 1)
            >>> a.load_state_dict(b.state_dict())
            <All keys matched successfully>
            >>> bool((a.weight == b.weight).all())
            True
        """
        if not hasattr(state_dict, "keys"):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing, unexpected, errors = [], [], []
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata

        def load(module, part, prefix):
            about = dict(metadata.get(prefix[:-1], {})) if metadata is not None else {}
            if assign:
                about["assign_to_params_buffers"] = True
            module._load_from_state_dict(part, prefix, about, True, missing, unexpected, errors)
            below = defaultdict(dict)  # the part of each child
            for key, value in part.items():
                name, dot, _ = key[len(prefix) :].partition(".")
                if dot and key.startswith(prefix):
                    below[name][key] = value
            for name, child in module._modules.items():
                if child is not None:
                    load(child, below[name], prefix + name + ".")
            found = _IncompatibleKeys(missing, unexpected)
            for hook in module._load_state_dict_post_hooks.values():
                if hook(module, found) is not None:
                    raise AssertionError(
                        "Hooks registered with ``register_load_state_dict_post_hook`` are notexpected to return new values, "
                        "if incompatible_keys need to be modified,it should be done inplace."
                    )

        load(self, state_dict, "")
        if strict:
            if unexpected:
                errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
            if missing:
                errors.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
        if errors:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors)
            )
        return _IncompatibleKeys(missing, unexpected)
