"""Inside of a vmap: operators that ask for elements, entry by entry, and random draws, for each entry or one for all.

The core calls `over_entries` where an operator raised because what it was given has axes (python/types/mapping.cpp).
"""

from __future__ import annotations

import operator
from typing import Any

from .. import _core
from .._core import Tensor
from ..operators.generators import get_rng_state, set_rng_state
from ..operators.joining import stack
from .batch import RANDOMNESS, Function, Named
from .tree import TreeSpec, tree_flatten, tree_unflatten

# For who follows what is recorded (pullback.sparse): levels at which no operator may look at elements, not even entry by
# entry.
strict: set[int] = set()


def over_entries(function: Function, args: tuple[Any, ...], kwargs: Named, error: BaseException) -> Any:
    """`function`, an operator that asked a mapped tensor for its elements, for each entry of the innermost level.

    Raises `error` where that does not help: nothing is mapped, or the result is no tensor.
    """
    if kwargs.get("out") is not None:
        raise error
    if function.__name__ in _DRAWS:
        return _draw(function, args, kwargs)
    leaves, spec = tree_flatten((args, kwargs))
    axes = set().union(*[axes_of(leaf) for leaf in leaves])
    if not axes:
        raise error
    level, size = max(axes)
    escaped = not _core.current_run() and level not in {opened for opened, _, _ in _core.open_maps()}
    if level in strict or escaped:
        raise error
    if function.__name__ in _REFUSED:
        raise _refusal(function, error)
    inplace = function is operator.setitem or (
        function.__name__.endswith("_") and not function.__name__.endswith("__")
    )
    if inplace:
        _core.spread_target(
            args[0], tuple([leaf for leaf in leaves if isinstance(leaf, Tensor)]), function.__name__
        )
    # What is the same for all entries and requires grad gets a gradient an entry, too.
    wide = [
        _core.unmap_axis(leaf, level, 0, size)
        if isinstance(leaf, Tensor) and (leaf.requires_grad or (level, size) in axes_of(leaf))
        else None
        for leaf in leaves
    ]
    columns: list[Any] = []
    result_spec = None
    for entry in range(size) if size else [None]:
        own = [leaf if whole is None else _entry(whole, entry) for leaf, whole in zip(leaves, wide)]
        if inplace:  # into a copy: what one entry saves is not overwritten by the next
            own[0] = own[0].clone()
        positional, named = tree_unflatten(own, spec)
        result = function(*positional, **named)
        if inplace:
            result = own[0]
        results, result_spec = tree_flatten(result)
        if not all(isinstance(leaf, Tensor) for leaf in results):
            raise _refusal(function, error)
        if not columns:
            _core.note_loop(_operation(function), 2)
        columns.append(results)
    if inplace:
        if size:
            args[0].copy_(_core.map_axis(stack([row[0] for row in columns]), level, 0))
        return None if function is operator.setitem else args[0]
    if any(len(row) != len(columns[0]) for row in columns) or any(
        row[j].shape != first.shape for row in columns for j, first in enumerate(columns[0])
    ):
        first = _ONE_HOT if function.__name__ == "one_hot" else error
        raise RuntimeError(
            f"{first} The shape of what {function.__name__}() gives depends on values, and differs from entry to entry: "
            f"choose with where(), or compute outside of the vmap."
        )
    whole = [stack(column) for column in zip(*columns)]
    if not size:
        whole = [part[:0] for part in whole]
    assert result_spec is not None
    return tree_unflatten([_core.map_axis(part, level, 0) for part in whole], result_spec)


_ONE_HOT = (
    "When vmap-ing torch.nn.functional.one_hot, please provide an explicit positive num_classes argument."
)
_NO_STORAGE = "Cannot access data pointer of Tensor that doesn't have storage."
_REFUSED = {
    "item": None,
    "numpy": _NO_STORAGE,
    "tolist": _NO_STORAGE,
    "data_ptr": _NO_STORAGE,
    "equal": "Batching rule not implemented for aten::equal. We could not generate a fallback.",
    "allclose": "vmap over pullback.allclose isn't supported yet.",
}


def _refusal(function: Function, error: BaseException) -> BaseException:
    """The error of an operator that gives no tensor, with PyTorch's first sentence."""
    first = _REFUSED.get(function.__name__)
    if first is None:
        return error
    return type(error)(
        f"{first} {function.__name__}() of what differs from entry to entry of a vmap: look at it outside."
    )


def _operation(function: Function) -> str:
    """What PyTorch calls an operator; a `Function` has the name of its class."""
    owner: Any = getattr(function, "__self__", None)
    if isinstance(owner, type):
        return owner.__name__
    name = function.__name__
    return {"getitem": "index", "setitem": "index_put"}.get(name, name)


# ---- random draws -----------------------------------------------------------------------------------------------

_SIZED = {"rand", "randn", "randint"}
_LIKE = {"rand_like", "randn_like", "randint_like"}
_OF_VALUES = set("bernoulli poisson binomial normal multinomial _standard_gamma _sample_dirichlet".split())
_WRITTEN = set("uniform_ normal_ exponential_ bernoulli_ random_ geometric_ cauchy_ log_normal_".split())
_SHAPED = _WRITTEN | _LIKE
_DRAWS = _SIZED | _SHAPED | _OF_VALUES | {"randperm"}


def _draw(function: Function, args: tuple[Any, ...], kwargs: Named) -> Any:
    """One draw inside of the innermost vmap: for all entries, its axis first, or one that all entries share.

    The level is closed while numbers are drawn; there may be others around it, which have their own say.
    """
    level, size, randomness = _core.open_maps()[-1]
    different, written = randomness == RANDOMNESS["different"], function.__name__ in _WRITTEN
    leaves, spec = tree_flatten((args, kwargs))
    varies = [any(axis == level for axis, _ in _core.mapped_axes(leaf)) for leaf in leaves]
    if written and different and not varies[0]:
        _spread_draw(function, args[0], level, size)
        varies[0] = True
    wide = [
        _core.unmap_axis(leaf, level, 0, size) if mapped else leaf for leaf, mapped in zip(leaves, varies)
    ]

    def drawn_for(k: int) -> Any:
        one, options = _of_entry(wide, varies, spec, k)
        return function(*((one[0].detach().clone(), *one[1:]) if written else one), **options)

    found: Any
    _core.close_map(level)
    try:
        positional, named = tree_unflatten(wide, spec)
        if different:
            if _draws_apart(function.__name__, leaves):
                found = []
                for k in range(size):
                    positional, named = _of_entry(wide, varies, spec, k)
                    found.append(function(*positional, **named))
                return _core.map_axis(stack(found), level, 0)
            if any(isinstance(leaf, Tensor) for leaf in leaves):
                positional, named = tree_unflatten(_beside(leaves, wide, varies, size), spec)
            else:
                positional, named = _widened(function.__name__, positional, named, size)
            found = function(*positional, **named)
            return args[0] if written else _core.map_axis(found, level, 0)
        if not any(varies):
            return function(*args, **kwargs)
        if size and function.__name__ in _SHAPED and sum([isinstance(leaf, Tensor) for leaf in leaves]) == 1:
            found = drawn_for(0)  # only its shape matters
        else:
            _core.note_loop(function.__name__, 3)
            state, each = get_rng_state(), []
            for k in range(size):
                set_rng_state(state)
                each.append(drawn_for(k))
            found = None
    finally:
        _core.reopen_map(level, size, randomness)
    if found is None:
        found = _core.map_axis(stack(each), level, 0)
    return args[0].copy_(found) if written else found


def _draws_apart(name: str, leaves: list[Any]) -> bool:
    """Whether entries are drawn one after the other: orders have to be, and rows where an entry has several."""
    rows = name == "multinomial" and any(isinstance(leaf, Tensor) and leaf.ndim != 1 for leaf in leaves)
    if rows:
        _core.note_loop(name, 4)
    return rows or name == "randperm"


def _beside(leaves: list[Any], wide: list[Any], varies: list[bool], size: int) -> list[Any]:
    """The tensors with the entries in front, and as many dimensions behind them as the largest has."""
    rank = max([leaf.ndim for leaf in leaves if isinstance(leaf, Tensor)], default=0)
    found = []
    for leaf, whole, mapped in zip(leaves, wide, varies):
        if isinstance(leaf, Tensor):
            if not mapped:
                whole = leaf.expand(size, *leaf.shape)
            if leaf.ndim < rank:
                whole = whole.reshape(size, *[1] * (rank - leaf.ndim), *leaf.shape)
        found.append(whole)
    return found


def _of_entry(wide: list[Any], varies: list[bool], spec: TreeSpec, k: int) -> tuple[Any, Any]:
    return tree_unflatten([leaf[k] if mapped else leaf for leaf, mapped in zip(wide, varies)], spec)


def _spread_draw(function: Function, target: Tensor, level: int, size: int) -> None:
    example = _core.map_axis(target.detach().new_zeros(()).expand(size), level, 0)
    try:
        _core.spread_target(target, (example,), function.__name__)
    except RuntimeError as error:
        raise RuntimeError(
            f"vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same "
            f"randomness. {function.__name__}() writes into a tensor of which there is one for all entries: make it "
            f"inside of the vmap, or draw a new one."
        ) from error


def _widened(name: str, args: tuple[Any, ...], kwargs: Named, size: int) -> tuple[tuple[Any, ...], Named]:
    """The arguments of a function that takes a size and no tensor, for as many entries."""
    if "size" in kwargs:
        return args, {**kwargs, "size": (size, *kwargs["size"])}
    if name in ("randint", "normal"):
        return (*args[:-1], (size, *args[-1])), kwargs
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    return (size, *args), kwargs


def axes_of(leaf: Any) -> set[tuple[int, int]]:
    """(level, size) of each vmap that a tensor, or a tangent of it, differs within."""
    found: set[tuple[int, int]] = set()
    if isinstance(leaf, Tensor):
        for _, tangent in _core.tangents(leaf):
            found |= axes_of(tangent)
        found.update(_core.mapped_axes(leaf))
    return found


def _entry(whole: Tensor, entry: int | None) -> Tensor:
    return whole.new_zeros(whole.shape[1:]) if entry is None else whole[entry]
