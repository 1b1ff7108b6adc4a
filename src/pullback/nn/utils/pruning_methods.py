"""Ways to prune: each computes a mask of a tensor, of what an earlier mask leaves.

At random or the smallest, one by one or whole slices; a hook of the module multiplies the original by the mask before each
forward pass.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from ...device import contiguous_format
from ...operators.declare import FUNCTIONS


class BasePruningMethod(ABC):
    """A way to prune, which computes a mask: a subclass defines `compute_mask` and PRUNING_TYPE ("unstructured", "structured" or
    "global"), and gives its arguments to `apply`.

    Example:
        >>> class EveryOther(pb.nn.utils.prune.BasePruningMethod):
        ...     PRUNING_TYPE = "unstructured"
        ...     def compute_mask(self, t, default_mask):
        ...         mask = default_mask.clone()
        ...         mask.view(-1)[::2] = 0
        ...         return mask
        >>> layer = pb.nn.Linear(2, 1)
        >>> _ = EveryOther.apply(layer, "weight")
        >>> layer.weight_mask
        tensor([[0., 1.]])
    """

    _tensor_name: str

    def __call__(self, module, inputs):
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t, default_mask):
        """The mask of a tensor, of what is not 0 in `default_mask`: 1 where elements stay."""

    def apply_mask(self, module):
        """The original times the mask.

        Example:
            >>> layer = pb.nn.utils.prune.identity(pb.nn.Linear(2, 2), "weight")
            >>> pb.equal([*layer._forward_pre_hooks.values()][0].apply_mask(layer), layer.weight)
            True
        """
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        original = getattr(module, self._tensor_name + "_orig")
        return getattr(module, self._tensor_name + "_mask").to(original.dtype) * original

    @classmethod
    def apply(cls, module, name, *args, importance_scores=None, **kwargs):
        """Prunes a tensor of a module, by a method with these arguments, and gives the module its hook, which is returned.

        Raises AssertionError for importance scores of another shape than the tensor.

        Example:
            >>> pb.nn.utils.prune.L1Unstructured.apply(pb.nn.Linear(2, 2), "weight", 1).amount
            1
        """
        old = key = None
        for each, hook in module._forward_pre_hooks.items():
            if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
                old, key = hook, each
        method = cls(*args, **kwargs)
        method._tensor_name = name
        if old is not None:
            del module._forward_pre_hooks[key]
            container = old if isinstance(old, PruningContainer) else PruningContainer(old)
            container.add_pruning_method(method)
            method = container
        tensor = getattr(module, name)
        scores = tensor if importance_scores is None else importance_scores
        if scores.shape != tensor.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}: "
                f"{list(tensor.shape)}, and not {list(scores.shape)}"
            )
        if old is None:
            original = module._parameters[name]
            default = FUNCTIONS["ones_like"](original.detach())
        else:
            default = getattr(module, name + "_mask").detach().clone()
        mask = method.compute_mask(scores.detach(), default_mask=default)
        if old is None:
            del module._parameters[name]
            module.register_parameter(name + "_orig", original)
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t, default_mask=None, importance_scores=None):
        """A tensor times the mask that the method computes of it, and of what `default_mask` leaves. No module is changed.

        Raises AssertionError for importance scores of another shape than the tensor.

        Example:
            >>> pb.nn.utils.prune.L1Unstructured(1).prune(pb.tensor([1.0, -3.0, 2.0]))
            tensor([ 0., -3.,  2.])
        """
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        default = FUNCTIONS["ones_like"](t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=default)

    def remove(self, module):
        """Makes the pruned tensor a parameter again, with zeros in it.

        Raises AssertionError for a module that is not pruned.

        Example:
            >>> layer = pb.nn.utils.prune.identity(pb.nn.Linear(2, 2), "weight")
            >>> [*layer._forward_pre_hooks.values()][0].remove(layer)
            >>> [name for name, _ in layer.named_parameters()]
            ['bias', 'weight']
        """
        name = self._tensor_name
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters.pop(name + "_orig")
        original.data = weight.detach()
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Methods by which one tensor was pruned, one after another: each takes of what the others left.

    Raises TypeError for what is no method, ValueError for a method of another tensor.

    Example:
        >>> layer = pb.nn.utils.prune.l1_unstructured(pb.nn.Linear(2, 3), "weight", 1)
        >>> layer = pb.nn.utils.prune.l1_unstructured(layer, "weight", 1)
        >>> len([*layer._forward_pre_hooks.values()][0]), int(layer.weight_mask.sum())
        (2, 4)
    """

    def __init__(self, *methods):
        self._pruning_methods = ()
        if len(methods) == 1 and isinstance(methods[0], Iterable):
            (methods,) = methods
        self._tensor_name = methods[0]._tensor_name if methods else None
        for method in methods:
            self.add_pruning_method(method)

    def add_pruning_method(self, method):
        """One more method.

        Raises TypeError for what is no method, ValueError for a method of another tensor.

        Example:
            >>> pb.nn.utils.prune.PruningContainer().add_pruning_method(None)
        """
        if method is None:
            return
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self):
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, idx):
        return self._pruning_methods[idx]

    def compute_mask(self, t, default_mask):
        """The mask of the last method, of what `default_mask` leaves.

        Raises ValueError for a PRUNING_TYPE that is none.
        """
        method, mask = self._pruning_methods[-1], default_mask.to(t.dtype)
        if method.PRUNING_TYPE == "unstructured":
            part = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = method.dim % t.ndim if t.ndim else 0
            others = [d for d in range(t.ndim) if d != dim]
            kept = mask.sum(others) != 0 if others else mask != 0
            part = [slice(None)] * t.ndim
            part[dim] = kept
            part = tuple(part)
        elif method.PRUNING_TYPE == "global":
            part = (slice(None),) * t.ndim
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        new = mask.clone()
        new[part] = method.compute_mask(t[part], default_mask=mask[part]).to(mask.dtype)
        return new


def _check_amount(amount):
    if not isinstance(amount, (int, float)):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if (isinstance(amount, int) and amount < 0) or (isinstance(amount, float) and not 0 <= amount <= 1):
        raise ValueError(
            f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer"
        )


def _number(amount, count):
    """How many of `count` an amount means: so many, or such a part of them."""
    if isinstance(amount, int):
        if amount > count:
            raise ValueError(
                f"amount={amount} should be smaller than the number of parameters to prune={count}"
            )
        return amount
    return round(amount * count)


def _slices(t, dim, amount):
    """How many slices a tensor has along a dimension, and how many of them go."""
    if t.ndim <= 1:
        raise ValueError(
            f"Structured pruning can only be applied to multidimensional tensors. Found tensor of shape {t.shape} with {t.ndim} "
            "dims"
        )
    if not -t.ndim <= dim < t.ndim:
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")
    return t.shape[dim], _number(amount, t.shape[dim])


def _rows(t, dim, kept):
    """A mask of ones at the places along `dim` that are kept."""
    mask = FUNCTIONS["zeros_like"](t)
    mask.index_fill_(dim, kept, 1)
    return mask


class Identity(BasePruningMethod):
    """Prunes nothing: the tensor gets a mask of ones.

    Example:
        >>> pb.nn.utils.prune.Identity().prune(pb.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        """The default mask."""
        return default_mask

    @classmethod
    def apply(cls, module, name):
        """Prunes a tensor of a module so, and returns the hook.

        Example:
            >>> pb.nn.utils.prune.Identity.apply(pb.nn.Linear(2, 2), "weight").PRUNING_TYPE
            'unstructured'
        """
        return super().apply(module, name)


class RandomUnstructured(BasePruningMethod):
    """Prunes elements at random: a number of them, or a part between 0 and 1. Raises TypeError and ValueError for other amounts.

    Example:
        >>> (pb.nn.utils.prune.RandomUnstructured(0.5).prune(pb.ones(10)) == 0).sum()
        tensor(5)
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount):
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t, default_mask):
        """The default mask without so many elements, at random. Raises ValueError for more than there are."""
        count = _number(self.amount, t.numel())
        mask = default_mask.clone(memory_format=contiguous_format)
        if count:
            mask.view(-1)[FUNCTIONS["rand_like"](t).view(-1).topk(count).indices] = 0
        return mask

    @classmethod
    def apply(cls, module, name, amount):
        """Prunes a tensor of a module so, and returns the hook.

        Example:
            >>> pb.nn.utils.prune.RandomUnstructured.apply(pb.nn.Linear(2, 2), "weight", 1).amount
            1
        """
        return super().apply(module, name, amount=amount)


class L1Unstructured(BasePruningMethod):
    """Prunes the elements of least magnitude: a number of them, or a part between 0 and 1. Raises TypeError and ValueError for
    other amounts.

    Example:
        >>> pb.nn.utils.prune.L1Unstructured(2).prune(pb.tensor([1.0, -3.0, 2.0]))
        tensor([ 0., -3.,  0.])
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount):
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t, default_mask):
        """The default mask without so many elements, the least. Raises ValueError for more than there are."""
        count = _number(self.amount, t.numel())
        mask = default_mask.clone(memory_format=contiguous_format)
        if count:
            mask.view(-1)[t.abs().reshape(-1).topk(count, largest=False).indices] = 0
        return mask

    @classmethod
    def apply(cls, module, name, amount, importance_scores=None):
        """Prunes a tensor of a module so, and returns the hook.

        Example:
            >>> pb.nn.utils.prune.L1Unstructured.apply(pb.nn.Linear(2, 2), "weight", 1).amount
            1
        """
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class RandomStructured(BasePruningMethod):
    """Prunes whole slices along `dim`, at random: a number of them, or a part between 0 and 1. Raises TypeError and ValueError
    for other amounts.

    Example:
        >>> pb.nn.utils.prune.RandomStructured(1, dim=0).prune(pb.ones(3, 2)).sum()
        tensor(4.)
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount, dim=-1):
        _check_amount(amount)
        self.amount = amount
        self.dim = dim

    def compute_mask(self, t, default_mask):
        """The default mask without so many slices, at random. Raises ValueError for more than there are, and for one dimension,
        IndexError for a `dim` out of range.
        """
        length, count = _slices(t, self.dim, self.amount)
        if count == 0:
            return default_mask
        order = FUNCTIONS["rand"](length)
        kept = (order > order.kthvalue(count).values).nonzero().reshape(-1)
        return _rows(t, self.dim, kept).to(default_mask.dtype) * default_mask

    @classmethod
    def apply(cls, module, name, amount, dim=-1):
        """Prunes a tensor of a module so, and returns the hook.

        Example:
            >>> pb.nn.utils.prune.RandomStructured.apply(pb.nn.Linear(2, 2), "weight", 1).dim
            -1
        """
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(BasePruningMethod):
    """Prunes whole slices along `dim`, those of least n-norm: a number of them, or a part between 0 and 1. Raises TypeError and
    ValueError for other amounts.

    Example:
        >>> pb.nn.utils.prune.LnStructured(1, n=2, dim=0).prune(pb.tensor([[1.0, 2.0], [3.0, 0.0], [0.5, 0.5]]))
        tensor([[1., 2.],
                [3., 0.],
                [0., 0.]])
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount, n, dim=-1):
        _check_amount(amount)
        self.amount = amount
        self.n = n
        self.dim = dim

    def compute_mask(self, t, default_mask):
        """The default mask without so many slices, the least. Raises ValueError for more than there are, and for one dimension,
        IndexError for a `dim` out of range.
        """
        length, count = _slices(t, self.dim, self.amount)
        if count == 0:
            return default_mask
        others = [d for d in range(t.ndim) if d != self.dim % t.ndim]
        kept = t.norm(p=self.n, dim=others).topk(length - count).indices
        return _rows(t, self.dim, kept).to(default_mask.dtype) * default_mask

    @classmethod
    def apply(cls, module, name, amount, n, dim, importance_scores=None):
        """Prunes a tensor of a module so, and returns the hook.

        Example:
            >>> pb.nn.utils.prune.LnStructured.apply(pb.nn.Linear(2, 2), "weight", 1, 2, 0).n
            2
        """
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """Prunes where a mask that is given is 0.

    Example:
        >>> pb.nn.utils.prune.CustomFromMask(pb.tensor([0.0, 1.0])).prune(pb.tensor([3.0, 4.0]))
        tensor([0., 4.])
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask):
        self.mask = mask

    def compute_mask(self, t, default_mask):
        """The mask, of what the default mask leaves. Raises AssertionError for another shape."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"mask has the shape {list(self.mask.shape)}, not {list(default_mask.shape)}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module, name, mask):
        """Prunes a tensor of a module so, and returns the hook.

        Example:
            >>> pb.nn.utils.prune.CustomFromMask.apply(pb.nn.Linear(1, 2), "bias", pb.tensor([0, 1])).mask
            tensor([0, 1])
        """
        return super().apply(module, name, mask=mask)
