"""Weights of a given norm, by hooks: as `parametrizations.weight_norm`, for programs that have `weight_g` and `weight_v`."""

import warnings

from ..parameter import Parameter, is_lazy
from .parametrizations import norm_except

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]


class WeightNorm:
    """What computes a weight before its module runs: g * v / |v|. `weight_norm` makes it.

    Example:
        >>> from pullback.nn.utils.weight_norm import WeightNorm
        >>> hook = WeightNorm("weight", 0)
        >>> hook.name, hook.dim
        ('weight', 0)
    """

    def __init__(self, name, dim):
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module):
        """The weight, of the two parameters.

        Example:
            >>> layer = pb.nn.utils.weight_norm(pb.nn.Linear(2, 3))
            >>> [*layer._forward_pre_hooks.values()][0].compute_weight(layer).shape
            pullback.Size([3, 2])
        """
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        return v * (g / norm_except(v, self.dim))

    @staticmethod
    def apply(module, name, dim):
        """Gives a module such a hook, and returns it: what `weight_norm` does.

        Raises RuntimeError for a second one of the same name, ValueError for a parameter without a shape yet.

        Example:
            >>> from pullback.nn.utils.weight_norm import WeightNorm
            >>> WeightNorm.apply(pb.nn.Linear(2, 2), "weight", 0).name
            'weight'
        """
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, WeightNorm) and hook.name == name:
                raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
        made = WeightNorm(name, dim)
        weight = getattr(module, name)
        if is_lazy(weight):
            raise ValueError(
                "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to run the dummy forward "
                "before applying weight normalization"
            )
        del module._parameters[name]
        module.register_parameter(name + "_g", Parameter(norm_except(weight.detach(), made.dim)))
        module.register_parameter(name + "_v", Parameter(weight.detach()))
        setattr(module, name, made.compute_weight(module))
        module.register_forward_pre_hook(made)
        return made

    def remove(self, module):
        """Makes the weight a parameter again.

        Example:
            >>> layer = pb.nn.utils.weight_norm(pb.nn.Linear(2, 2))
            >>> [*layer._forward_pre_hooks.values()][0].remove(layer)
            >>> [name for name, _ in layer.named_parameters()]
            ['bias', 'weight']
        """
        weight = self.compute_weight(module)
        delattr(module, self.name)
        for part in ("_g", "_v"):
            del module._parameters[self.name + part]
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module, inputs):
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module, name="weight", dim=0):
    """Makes a weight the product of its norm `weight_g` and its direction `weight_v`, anew before each forward pass. Returns
    the module. `nn.utils.parametrizations.weight_norm` is the function to use, as PyTorch says in a FutureWarning.

    Raises RuntimeError where the parameter has it already, ValueError for a parameter without a shape yet.

    Example:
        >>> layer = pb.nn.utils.weight_norm(pb.nn.Linear(20, 40))
        >>> layer.weight_g.shape, layer.weight_v.shape
        (pullback.Size([40, 1]), pullback.Size([40, 20]))
    """
    warnings.warn(
        "`pullback.nn.utils.weight_norm` is deprecated in favor of `pullback.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module, name="weight"):
    """Makes a weight that `weight_norm` divided a parameter again. Returns the module.

    Raises ValueError where it was not divided.

    Example:
        >>> layer = pb.nn.utils.weight_norm(pb.nn.Linear(2, 2))
        >>> [key for key in pb.nn.utils.remove_weight_norm(layer).state_dict()]
        ['bias', 'weight']
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"weight_norm of '{name}' not found in {module}")
