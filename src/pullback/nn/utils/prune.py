"""Pruning: weights that are held at 0 by a mask. The parameter becomes `weight_orig`, the mask is the buffer `weight_mask`,
and their product is computed before each forward pass.

Pruned again, a tensor loses what the new method takes of what is left. The methods are in `pruning_methods`.
"""

from collections.abc import Iterable

from ...operators.declare import FUNCTIONS
from .convert_parameters import parameters_to_vector
from .pruning_methods import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
)

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


def identity(module, name):
    """Gives a tensor of a module a mask of ones. Returns the module.

    Example:
        >>> pb.nn.utils.prune.identity(pb.nn.Linear(2, 1), "weight").weight_mask
        tensor([[1., 1.]])
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module, name, amount):
    """Prunes elements of a tensor at random: a number of them, or a part between 0 and 1. Returns the module.

    Raises TypeError and ValueError for other amounts.

    Example:
        >>> pb.nn.utils.prune.random_unstructured(pb.nn.Linear(2, 3), "weight", 0.5).weight_mask.sum()
        tensor(3.)
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module, name, amount, importance_scores=None):
    """Prunes the elements of least magnitude, or of least importance: a number, or a part between 0 and 1. Returns the module.

    Raises TypeError and ValueError for other amounts.

    Example:
        >>> pb.nn.utils.prune.l1_unstructured(pb.nn.Linear(2, 3), "weight", 2).weight_mask.sum()
        tensor(4.)
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module, name, amount, dim):
    """Prunes slices along `dim` at random: a number of them, or a part between 0 and 1. Returns the module.

    Raises TypeError and ValueError for other amounts, ValueError for one dimension, IndexError for a `dim` out of range.

    Example:
        >>> pb.nn.utils.prune.random_structured(pb.nn.Linear(2, 3), "weight", 1, dim=0).weight_mask.sum()
        tensor(4.)
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module, name, amount, n, dim, importance_scores=None):
    """Prunes the slices along `dim` of least n-norm: a number of them, or a part between 0 and 1. Returns the module.

    Raises TypeError and ValueError for other amounts, ValueError for one dimension, IndexError for a `dim` out of range.

    Example:
        >>> pb.nn.utils.prune.ln_structured(pb.nn.Linear(2, 3), "weight", 1, n=2, dim=0).weight_mask.sum()
        tensor(4.)
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def global_unstructured(parameters, pruning_method, importance_scores=None, **kwargs):
    """Prunes elements of several tensors, as if they were one: `parameters` are pairs (module, name).

    `importance_scores` is a dictionary from such pairs to tensors of their shapes; without it magnitudes decide.
    Raises TypeError for what is no iterable, and for a method that is not of elements.

    Example:
        >>> net = pb.nn.Sequential(pb.nn.Linear(2, 2), pb.nn.Linear(2, 2))
        >>> pairs = [(net[0], "weight"), (net[1], "weight")]
        >>> pb.nn.utils.prune.global_unstructured(pairs, pb.nn.utils.prune.L1Unstructured, amount=3)
        >>> net[0].weight_mask.sum() + net[1].weight_mask.sum()
        tensor(5.)
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    given = {} if importance_scores is None else importance_scores
    if not isinstance(given, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    parameters = [*parameters]
    tensors = [getattr(module, name) for module, name in parameters]
    scores = FUNCTIONS["cat"](
        [given.get(pair, tensor).detach().reshape(-1) for pair, tensor in zip(parameters, tensors)]
    )
    masks = [
        getattr(module, name + "_mask", FUNCTIONS["ones_like"](tensor.detach()))
        for (module, name), tensor in zip(parameters, tensors)
    ]
    container = PruningContainer()
    container._tensor_name = "temp"
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    container.add_pruning_method(method)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of type '
            f"{method.PRUNING_TYPE}"
        )
    mask = container.compute_mask(scores, parameters_to_vector(masks))
    start = 0
    for (module, name), tensor in zip(parameters, tensors):
        custom_from_mask(module, name, mask[start : start + tensor.numel()].view_as(tensor))
        start += tensor.numel()


def custom_from_mask(module, name, mask):
    """Prunes a tensor where `mask`, of its shape, is 0. Returns the module. Raises AssertionError for another shape.

    Example:
        >>> pb.nn.utils.prune.custom_from_mask(pb.nn.Linear(1, 2), "bias", pb.tensor([0, 1])).bias_mask
        tensor([0., 1.])
    """
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module, name):
    """Makes a pruned tensor a parameter again, with zeros in it. Returns the module.

    Raises ValueError for a tensor that is not pruned.

    Example:
        >>> layer = pb.nn.utils.prune.l1_unstructured(pb.nn.Linear(2, 2), "weight", 1)
        >>> [key for key in pb.nn.utils.prune.remove(layer, "weight").state_dict()]
        ['bias', 'weight']
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module):
    """Whether a tensor of the module, or of a module in it, is pruned.

    Example:
        >>> pb.nn.utils.prune.is_pruned(pb.nn.Linear(2, 2))
        False
    """
    return any(
        isinstance(hook, BasePruningMethod)
        for _, part in module.named_modules()
        for hook in part._forward_pre_hooks.values()
    )
