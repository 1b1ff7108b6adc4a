"""Weights of spectral norm 1, by hooks: as `parametrizations.spectral_norm`, for programs that have `weight_orig`."""

from ...autograd import no_grad
from ..parameter import Parameter
from .parametrizations import as_matrix, default_dim, iterate, random_direction

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]


class SpectralNorm:
    """What divides a weight by its largest singular value before its module runs. `spectral_norm` makes it.

    Raises ValueError for a number of steps below 1.

    Example:
        >>> from pullback.nn.utils.spectral_norm import SpectralNorm
        >>> SpectralNorm("weight", 2).n_power_iterations
        2
    """

    _version = 1

    def __init__(self, name="weight", n_power_iterations=1, dim=0, eps=1e-12):
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name = name
        self.dim = dim
        self.n_power_iterations = n_power_iterations
        self.eps = eps

    def compute_weight(self, module, do_power_iteration):
        """The weight over its norm, after steps of the power method, if they are asked for.

        Example:
            >>> layer = pb.nn.utils.spectral_norm(pb.nn.Linear(2, 3))
            >>> [*layer._forward_pre_hooks.values()][0].compute_weight(layer, False).shape
            pullback.Size([3, 2])
        """
        weight, u, v = (getattr(module, self.name + part) for part in ("_orig", "_u", "_v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            iterate(matrix.mT, v, u, self.n_power_iterations, self.eps)  # v first, as PyTorch here
            u, v = u.clone(), v.clone()  # the next step writes into both
        return weight / (u @ (matrix @ v))

    def remove(self, module):
        """Makes the weight a parameter again.

        Example:
            >>> layer = pb.nn.utils.spectral_norm(pb.nn.Linear(2, 2))
            >>> [*layer._forward_pre_hooks.values()][0].remove(layer)
            >>> [name for name, _ in layer.named_parameters()]
            ['bias', 'weight']
        """
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for part in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + part)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module, inputs):
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))

    @staticmethod
    def apply(module, name, n_power_iterations, dim, eps):
        """Gives a module such a hook, and returns it: what `spectral_norm` does.

        Raises RuntimeError for a second one of the same name, ValueError for a number of steps below 1.

        Example:
            >>> from pullback.nn.utils.spectral_norm import SpectralNorm
            >>> SpectralNorm.apply(pb.nn.Linear(2, 2), "weight", 1, 0, 1e-12).name
            'weight'
        """
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, SpectralNorm) and hook.name == name:
                raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
        made = SpectralNorm(name, n_power_iterations, dim, eps)
        weight = module._parameters[name]
        matrix = as_matrix(weight.detach(), dim)
        u, v = (random_direction(matrix, length, eps) for length in matrix.shape)
        del module._parameters[name]
        module.register_parameter(name + "_orig", weight)
        setattr(module, name, weight.detach())  # a plain attribute: an assigned parameter would be registered
        module.register_buffer(name + "_u", u)
        module.register_buffer(name + "_v", v)
        module.register_forward_pre_hook(made)
        module._register_state_dict_hook(_Version(made))
        return made


class _Version:
    """Notes in a state dict in which form the buffers are, as PyTorch's do."""

    def __init__(self, norm):
        self.norm = norm

    def __call__(self, module, state_dict, prefix, local_metadata):
        known = local_metadata.setdefault("spectral_norm", {})
        known[f"{self.norm.name}.version"] = self.norm._version


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divides a weight by its largest singular value before each forward pass. Returns the module.

    The parameter is `weight_orig`; `weight_u` and `weight_v` are buffers, into which the power method makes its steps in
    training mode. `dim` is that of the outputs, 1 for transposed convolutions and 0 for others. arXiv:1802.05957.
    `nn.utils.parametrizations.spectral_norm` is the newer form.

    Raises RuntimeError where the parameter has it already, ValueError for a number of steps below 1.

    Example:
        >>> layer = pb.nn.utils.spectral_norm(pb.nn.Linear(20, 40))
        >>> layer.weight_u.shape
        pullback.Size([40])
    """
    dim = default_dim(module) if dim is None else dim
    SpectralNorm.apply(module, name, n_power_iterations, dim, eps)
    return module


def remove_spectral_norm(module, name="weight"):
    """Makes a weight that `spectral_norm` divided a parameter again, as it is. Returns the module.

    Raises ValueError where it was not divided.

    Example:
        >>> layer = pb.nn.utils.spectral_norm(pb.nn.Linear(2, 2))
        >>> [key for key in pb.nn.utils.remove_spectral_norm(layer).state_dict()]
        ['bias', 'weight']
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            break
    else:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    for key, hook in module._state_dict_hooks.items():
        if isinstance(hook, _Version) and hook.norm.name == name:
            del module._state_dict_hooks[key]
            break
    return module
