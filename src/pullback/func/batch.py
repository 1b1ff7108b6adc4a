"""vmap: a function of one entry, for all entries of a batch at once.

A dimension of each input becomes an axis that the function does not see (`_core.map_axis`), and the axis of each result a
dimension again. Between the two the function computes with ordinary tensors; how operators treat the axes is the core's
business (tensor/mapped.h). An operator that asks for elements before it can know of axes is called again for each
entry, by `over_entries`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from ..operators.joining import cat, stack
from .tree import register_pytree_node, tree_flatten, tree_structure, tree_unflatten

__all__ = ["vmap"]

for _kind in _core.return_types.values():
    register_pytree_node(_kind, lambda t: (list(t), type(t)), lambda children, kind: kind(children))

_RANDOMNESS = {"error": 0, "different": 1, "same": 2}


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
    if randomness not in _RANDOMNESS:
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func, updated=())
    def mapped(*args, **kwargs):
        _check_out_dims(func, out_dims)
        dims, leaves, spec, size = _inputs(func, in_dims, args)
        if chunk_size is None or size <= chunk_size:
            return _run(func, dims, leaves, spec, size, out_dims, randomness, kwargs)
        return _chunked(func, dims, leaves, spec, size, out_dims, randomness, kwargs, chunk_size)

    return mapped


def _run(func, dims, leaves, spec, size, out_dims, randomness, kwargs):
    """One call of `func` inside of a new level."""
    level = _core.open_map(size, _RANDOMNESS[randomness])
    try:
        args = tree_unflatten(_enter(leaves, dims, level), spec)
        result = func(*args, **kwargs)
    finally:
        _core.close_map(level)
    if type(result) is Tensor and type(out_dims) is int:
        return _core.unmap_axis(result, level, out_dims, size)
    results, result_spec = tree_flatten(result)
    wanted = _out_dims(func, out_dims, result, result_spec)
    return tree_unflatten(
        [_leave(func, leaf, dim, level, size) for leaf, dim in zip(results, wanted)], result_spec
    )


def _enter(leaves, dims, level):
    return [leaf if dim is None else _core.map_axis(leaf, level, dim) for leaf, dim in zip(leaves, dims)]


def _leave(func, leaf, dim, level, size):
    if dim is None:
        if any(axis == level for axis, _ in _core.mapped_axes(leaf)):
            name = _name(func)
            raise ValueError(
                f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None. It varies from entry to "
                f"entry: say where its entries are to stand."
            )
        return leaf
    if not isinstance(leaf, Tensor):
        name = _name(func)
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(leaf)}. Did you mean to set out_dims= "
            f"to None for output?"
        )
    return _core.unmap_axis(leaf, level, dim, size)


# ---- what goes in -----------------------------------------------------------------------------------------------


def _name(func):
    if hasattr(func, "__name__"):
        return func.__name__
    if isinstance(func, functools.partial):
        return f"functools.partial({_name(func.func)}, ...)"
    return repr(func)


def _spread(prefix, spec):
    """One entry of `prefix`, a tree that may end earlier than that of `spec`, for each leaf; None where it does not fit."""
    if not isinstance(prefix, (tuple, list, dict)) or spec.is_leaf():
        return None if isinstance(prefix, (tuple, list, dict)) else [prefix] * spec.num_leaves
    own = tree_structure(prefix)
    if own.type is not spec.type or own.context != spec.context or own.num_children != spec.num_children:
        return None
    found = []
    children = prefix.values() if isinstance(prefix, dict) else prefix
    for entry, child in zip(children, spec.children()):
        part = _spread(entry, child)
        if part is None:
            return None
        found += part
    return found


def _inputs(func, in_dims, args):
    """(dimension or None of each leaf, leaves, their tree, number of entries), checked."""
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): expected `in_dims` to be int or a (potentially "
            f"nested) tuple matching the structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over "
            f"a function with no inputs. The latter is unsupported."
        )
    leaves, spec = tree_flatten(args)
    dims = _spread(in_dims, spec)
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
                f"{where} an input but the input is of type {type(leaf)}. We cannot vmap over non-Tensor arguments, please "
                f"use None as the respective in_dim"
            )
        ndim = leaf.ndim
        if not -ndim <= dim < ndim:
            raise ValueError(
                f"{where} some input, but that input is a Tensor of dimensionality {ndim} so expected in_dim to satisfy "
                f"-{ndim} <= in_dim < {ndim}."
            )
        if dim < 0:
            dims[i] = dim + ndim
        sizes.append(leaf.shape[dim])
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the mapped "
            f"dimension"
        )
    return dims, leaves, spec, sizes[0]


# ---- what comes out ---------------------------------------------------------------------------------------------


def _check_out_dims(func, out_dims):
    if isinstance(out_dims, int):
        return
    for dim in tree_flatten(out_dims)[0]:
        if dim is not None and not isinstance(dim, int):
            raise ValueError(
                f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection of "
                f"ints representing where in the outputs the vmapped dimension should appear."
            )


def _out_dims(func, out_dims, result, spec):
    if isinstance(result, Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1:
        out_dims = out_dims[0]
    dims = _spread(out_dims, spec)
    if dims is None:
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
            f"`outputs`. out_dims has structure {tree_structure(out_dims)} but outputs has structure {spec}."
        )
    return dims


def _chunked(func, dims, leaves, spec, size, out_dims, randomness, kwargs, chunk_size):
    """The same in pieces; what comes out is joined."""
    parts = []
    state = _core_state() if randomness == "same" else None
    for start in range(0, size, chunk_size):
        if state is not None:
            _set_core_state(state)
        length = min(chunk_size, size - start)
        piece = [leaf if dim is None else leaf.narrow(dim, start, length) for leaf, dim in zip(leaves, dims)]
        parts.append(_run(func, dims, piece, spec, length, out_dims, randomness, kwargs))
    result_spec = tree_structure(parts[0])
    wanted = _out_dims(func, out_dims, parts[0], result_spec)
    columns = zip(*[tree_flatten(part)[0] for part in parts])
    return tree_unflatten(
        [column[0] if dim is None else cat(column, dim) for column, dim in zip(columns, wanted)], result_spec
    )


def _core_state():
    from ..operators.random import default_generator

    return default_generator.get_state()


def _set_core_state(state):
    from ..operators.random import default_generator

    default_generator.set_state(state)


# ---- operators that look at elements ----------------------------------------------------------------------------


def over_entries(function, args, kwargs, error):
    """`function`, an operator that asked a mapped tensor for its elements, for one entry of the innermost level after another.

    Raises `error` where that does not help: nothing is mapped, or the result is no tensor.
    """
    if kwargs.get("out") is not None:
        raise error
    leaves, spec = tree_flatten((args, kwargs))
    axes = [axis for leaf in leaves for axis in _core.mapped_axes(leaf)]
    if not axes:
        raise error
    level, size = max(axes)
    inplace = function is operator.setitem or (
        function.__name__.endswith("_") and not function.__name__.endswith("__")
    )
    if inplace:
        _core.spread_target(
            args[0], tuple([leaf for leaf in leaves if isinstance(leaf, Tensor)]), function.__name__
        )
    # What is the same for all entries and requires grad gets a gradient an entry, too.
    wide = [
        _core.unmap_axis(leaf, level, 0, size) if isinstance(leaf, Tensor) and _varies(leaf, level) else None
        for leaf in leaves
    ]
    columns, result_spec = [], None
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
            raise error
        columns.append(results)
    if inplace:
        if size:
            args[0].copy_(_core.map_axis(stack([row[0] for row in columns]), level, 0))
        return None if function is operator.setitem else args[0]
    if any(len(row) != len(columns[0]) for row in columns) or any(
        row[j].shape != first.shape for row in columns for j, first in enumerate(columns[0])
    ):
        raise RuntimeError(
            f"vmap: We do not support batching operators that can output dynamic shape. The shape of what "
            f"{function.__name__}() gives depends on values, and differs from entry to entry: choose with where(), or "
            f"compute outside of the vmap."
        )
    whole = [stack(column) for column in zip(*columns)]
    if not size:
        whole = [part[:0] for part in whole]
    return tree_unflatten([_core.map_axis(part, level, 0) for part in whole], result_spec)


def _varies(leaf, level):
    return leaf.requires_grad or any(axis == level for axis, _ in _core.mapped_axes(leaf))


def _entry(whole, entry):
    return whole.new_zeros(whole.shape[1:]) if entry is None else whole[entry]
