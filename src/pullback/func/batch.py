"""vmap: a function of one entry, for all entries of a batch at once.

A dimension of each input becomes an axis that the function does not see (`_core.map_axis`), and the axis of each result
a dimension again. Between the two the function computes with ordinary tensors; how operators treat the axes is the
core's business (tensor/mapped.h). An operator that asks for elements before it can know of axes is called again for
each entry (entries.py).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from ..operators.generators import get_rng_state, set_rng_state
from ..operators.joining import cat, stack
from .tree import TreeSpec, tree_flatten, tree_structure, tree_unflatten

__all__ = ["vmap"]

Function = Callable[..., Any]
Dimensions = list[Any]  # an int a leaf, or None
Named = dict[str, Any]

RANDOMNESS = {"error": 0, "different": 1, "same": 2}

# For who follows what is recorded (pullback.sparse): what calls a function for its entries, where axes would hide them.
instead: Function | None = None


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that applies `func` to every entry of its inputs, and stacks the results.

    Inside, tensors have the shape of one entry. Every operation is done for all entries at once, and can be
    differentiated from inside (`grad` in a `vmap`: one gradient an entry) and from outside. Calls nest to any depth.

    Args:
        func: takes and returns tensors, or nested tuples, lists and dictionaries of them.
        in_dims: which dimension of the inputs counts the entries: an int for all, or a tuple, as nested as the inputs
            are, of an int each; None for what is the same for all entries, as keyword arguments are.
        out_dims: where the results have that dimension; an int, None, or nested as the results are.
        randomness: what random functions do inside: raise (``"error"``), draw for each entry (``"different"``), or
            draw once for all (``"same"``).
        chunk_size: at most so many entries at once, for the memory they take; None: all.

    Raises:
        ValueError: for `in_dims` or `out_dims` that do not fit the inputs or results, inputs of different sizes in the
            mapped dimension, no tensor to map over, results that are no tensors.
        RuntimeError: where `func` asks for a value (``item()``, ``if x > 0:``), writes what differs from entry to entry
            into a tensor of which there is one, or computes results whose shapes differ.

    Example:
        >>> x = pb.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        >>> pb.func.vmap(pb.dot)(x, x)
        tensor([ 5., 25., 61.])
        >>> pb.func.vmap(lambda row, v: row * v, in_dims=(0, None))(x, pb.tensor([1.0, 10.0]))
        tensor([[ 1., 20.],
                [ 3., 40.],
                [ 5., 60.]])
    """
    if randomness not in RANDOMNESS:
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func, updated=())
    def mapped(*args: Any, **kwargs: Any) -> Any:
        call = Call(func, in_dims, out_dims, randomness, args, kwargs)
        if instead is not None and call.size:
            return instead(call)
        if chunk_size is None or call.size <= chunk_size:
            return call.run(call.leaves, call.size)
        return call.run_chunks(chunk_size)

    return mapped


def over_first(func: Callable[..., list[Tensor]], batches: Sequence[Tensor], randomness: str) -> list[Tensor]:
    """As `vmap` of a function that takes tensors and gives a list of them, which is known to be right."""
    if instead is not None:
        return vmap(func, randomness=randomness)(*batches)
    size = len(batches[0])
    level = _core.open_map(size, RANDOMNESS[randomness])
    try:
        found = func(*[_core.map_axis(batch, level, 0) for batch in batches])
    finally:
        _core.close_map(level)
    return [_core.unmap_axis(t, level, 0, size) for t in found]


class Call:
    """One call of a function that is mapped: what goes in, taken apart and checked, and how it comes out."""

    __slots__ = ("dims", "func", "kwargs", "leaves", "out_dims", "randomness", "size", "spec")

    def __init__(
        self,
        func: Function,
        in_dims: Any,
        out_dims: Any,
        randomness: str,
        args: tuple[Any, ...],
        kwargs: Named,
    ) -> None:
        if type(out_dims) is not int:
            _check_out_dims(func, out_dims)
        self.func, self.out_dims, self.randomness, self.kwargs = func, out_dims, randomness, kwargs
        self.spec: TreeSpec | None  # None: the leaves are the arguments
        if type(in_dims) is int and in_dims >= 0 and (size := _plain_size(args, in_dims)) >= 0:
            self.leaves, self.spec, self.size = list(args), None, size
            self.dims: Dimensions = [in_dims] * len(args)
        else:
            self.dims, self.leaves, self.spec, self.size = _inputs(func, in_dims, args)

    def apply(self, leaves: list[Any]) -> Any:
        """The function of such leaves."""
        args = leaves if self.spec is None else tree_unflatten(leaves, self.spec)
        return self.func(*args, **self.kwargs)

    def joined(self, parts: list[Any], join: Callable[[tuple[Any, ...], int], Tensor]) -> Any:
        """What several calls gave as one result."""
        result_spec = tree_structure(parts[0])
        wanted = _out_dims(self.func, self.out_dims, parts[0], result_spec)
        columns = zip(*[tree_flatten(part)[0] for part in parts])
        return tree_unflatten(
            [column[0] if dim is None else join(column, dim) for column, dim in zip(columns, wanted)],
            result_spec,
        )

    def run(self, leaves: list[Any], size: int) -> Any:
        """The function of such leaves, inside of a new level."""
        level = _core.open_map(size, RANDOMNESS[self.randomness])
        try:
            result = self.apply(_enter(leaves, self.dims, level))
        finally:
            _core.close_map(level)
        if type(result) is Tensor and type(self.out_dims) is int:
            return _core.unmap_axis(result, level, self.out_dims, size)
        results, result_spec = tree_flatten(result)
        wanted = _out_dims(self.func, self.out_dims, result, result_spec)
        return tree_unflatten(
            [_leave(self.func, leaf, dim, level, size) for leaf, dim in zip(results, wanted)], result_spec
        )

    def run_chunks(self, chunk_size: int) -> Any:
        """The same in pieces; what comes out is joined."""
        parts = []
        state = get_rng_state() if self.randomness == "same" else None
        for start in range(0, self.size, chunk_size):
            if state is not None:
                set_rng_state(state)
            length = min(chunk_size, self.size - start)
            piece = [
                leaf if dim is None else leaf.narrow(dim, start, length)
                for leaf, dim in zip(self.leaves, self.dims)
            ]
            parts.append(self.run(piece, length))
        return self.joined(parts, cat)


def each_entry(call: Call) -> Any:
    """One call of the function for each entry, one after the other, with ordinary tensors."""
    parts = []
    for k in range(call.size):
        own = [leaf if dim is None else leaf.select(dim, k) for leaf, dim in zip(call.leaves, call.dims)]
        parts.append(call.apply(own))
    return call.joined(parts, stack)


def _plain_size(args: tuple[Any, ...], dim: int) -> int:
    """The number of entries where all arguments are tensors of that many in dimension `dim`; -1 where not."""
    size = -1
    for arg in args:
        if type(arg) is not Tensor:
            return -1
        shape = arg.shape
        if dim >= len(shape) or shape[dim] != size >= 0:
            return -1
        size = shape[dim]
    return size


def _enter(leaves: list[Any], dims: Dimensions, level: int) -> list[Any]:
    return [leaf if dim is None else _core.map_axis(leaf, level, dim) for leaf, dim in zip(leaves, dims)]


def _leave(func: Function, leaf: Any, dim: int | None, level: int, size: int) -> Any:
    if dim is None:
        if any(axis == level for axis, _ in _core.mapped_axes(leaf)):
            name = _name(func)
            raise ValueError(
                f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None. It varies from "
                f"entry to entry: say where its entries are to stand."
            )
        return leaf
    if not isinstance(leaf, Tensor):
        name = _name(func)
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(leaf)}. Did you mean to set "
            f"out_dims= to None for output?"
        )
    return _core.unmap_axis(leaf, level, dim, size)


class Reopened:
    """A block inside of the vmaps that were open when a function ran first (`_core.open_maps()`), to run it again."""

    __slots__ = ("before", "inside", "maps")

    def __init__(self, maps: Sequence[tuple[int, int, int]]) -> None:
        self.maps = maps

    def __enter__(self) -> None:
        self.before: Any = None
        if not self.maps:
            return
        before = _core.open_maps()
        self.inside = sorted({*before, *self.maps})
        if len(self.inside) > len(before):
            self.before = before
            self._change(before, self.inside)

    def __exit__(self, *error: object) -> None:
        if self.before is not None:
            self._change(self.inside, self.before)

    @staticmethod
    def _change(old: Sequence[tuple[int, int, int]], new: Sequence[tuple[int, int, int]]) -> None:
        for level, _, _ in reversed(old):
            _core.close_map(level)
        for each in new:
            _core.reopen_map(*each)


# ---- what goes in -----------------------------------------------------------------------------------------------


def _name(func: Function) -> str:
    if hasattr(func, "__name__"):
        return func.__name__
    if isinstance(func, functools.partial):
        return f"functools.partial({_name(func.func)}, ...)"
    return repr(func)


def spread(prefix: Any, spec: TreeSpec) -> list[Any] | None:
    """An entry of `prefix`, a tree that may end earlier than `spec`, for each leaf; None where it does not fit."""
    if not isinstance(prefix, (tuple, list, dict)) or spec.is_leaf():
        return None if isinstance(prefix, (tuple, list, dict)) else [prefix] * spec.num_leaves
    own = tree_structure(prefix)
    if own.type is not spec.type or own.context != spec.context or own.num_children != spec.num_children:
        return None
    found = []
    children = prefix.values() if isinstance(prefix, dict) else prefix
    for entry, child in zip(children, spec.children()):
        part = spread(entry, child)
        if part is None:
            return None
        found += part
    return found


def _inputs(
    func: Function, in_dims: Any, args: tuple[Any, ...]
) -> tuple[Dimensions, list[Any], TreeSpec, int]:
    """(dimension or None of each leaf, leaves, their tree, number of entries), checked."""
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): expected `in_dims` to be int or a (potentially "
            f"nested) tuple matching the structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap "
            f"over a function with no inputs. The latter is unsupported."
        )
    leaves, spec = tree_flatten(args)
    dims = spread(in_dims, spec)
    if dims is None:
        raise ValueError(
            f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): in_dims is not compatible with the structure of "
            f"`inputs`. in_dims has structure {tree_structure(in_dims)} but inputs has structure {spec}."
        )
    sizes = []
    for i, (leaf, dim) in enumerate(zip(leaves, dims)):
        if dim is None:
            continue
        where = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={dim} for"
        if not isinstance(dim, int):
            raise ValueError(f"{where} an input but in_dim must be either an integer dimension or None.")
        if not isinstance(leaf, Tensor):
            raise ValueError(
                f"{where} an input but the input is of type {type(leaf)}. We cannot vmap over non-Tensor arguments, "
                f"please use None as the respective in_dim"
            )
        ndim = leaf.ndim
        if not -ndim <= dim < ndim:
            raise ValueError(
                f"{where} some input, but that input is a Tensor of dimensionality {ndim} so expected in_dim to "
                f"satisfy -{ndim} <= in_dim < {ndim}."
            )
        if dim < 0:
            dims[i] = dim + ndim
        sizes.append(leaf.shape[dim])
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the "
            f"mapped dimension"
        )
    return dims, leaves, spec, sizes[0]


# ---- what comes out ---------------------------------------------------------------------------------------------


def _check_out_dims(func: Function, out_dims: Any) -> None:
    if isinstance(out_dims, int):
        return
    for dim in tree_flatten(out_dims)[0]:
        if dim is not None and not isinstance(dim, int):
            raise ValueError(
                f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
                f"collection of ints representing where in the outputs the vmapped dimension should appear."
            )


def _out_dims(func: Function, out_dims: Any, result: Any, spec: TreeSpec) -> Dimensions:
    if isinstance(result, Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1:
        out_dims = out_dims[0]
    dims = spread(out_dims, spec)
    if dims is None:
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure "
            f"of `outputs`. out_dims has structure {tree_structure(out_dims)} but outputs has structure {spec}."
        )
    return dims
