"""Index sets: which variables each element of a tensor depends on, as a Boolean matrix of scipy.sparse by rows.

Row i is the set of element i; columns are variables. Where many rows share a set it is stored for each: sets are as large
as what they say. A pattern that would not fit into memory is refused before it is made.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

Indices = Any  # a NumPy array of integers
Sets = Any  # a scipy.sparse.csr_array
Map = Callable[[Sets], Sets]  # from an operand's sets to those of results

MOST = 2**31 - 1  # entries: 10 GB of them, and what a 32-bit index counts


def scipy_sparse() -> Any:
    """The module scipy.sparse; ImportError that says how to get it."""
    try:
        return importlib.import_module("scipy.sparse")
    except ImportError as error:
        raise ImportError(
            "pullback.sparse returns matrices of scipy.sparse, which is not installed: pip install 'pullback[sparse]'"
        ) from error


def refuse_beyond(entries: int) -> None:
    """ValueError for more entries than a pattern may have."""
    if entries > MOST:
        raise ValueError(
            f"The pattern has more than {MOST:,} entries (it would get {entries:,}): it is not sparse. An operation that "
            f"mixes all elements, such as a sum that everything is divided by, makes a matrix dense; products with it, "
            f"pullback.func.jvp and vjp, need no pattern."
        )


def make(starts: Indices, indices: Indices, columns: int) -> Sets:
    """The sets that are given by rows, as scipy.sparse has them."""
    sparse = scipy_sparse()
    return sparse.csr_array(
        (np.ones(len(indices), bool), indices, starts), shape=(len(starts) - 1, columns), copy=False
    )


def identity(count: int, first: int, columns: int) -> Sets:
    """Element i depends on variable `first` + i."""
    return make(np.arange(count + 1), np.arange(first, first + count), columns)


def nothing(count: int, columns: int) -> Sets:
    """Sets that are empty."""
    return make(np.zeros(count + 1, int), np.zeros(0, int), columns)


def everything(rows: int, columns: int) -> Sets:
    """Sets of all variables."""
    refuse_beyond(rows * columns)
    return make(np.arange(rows + 1) * columns, np.tile(np.arange(columns), rows), columns)


def spans(firsts: Indices, lengths: Indices) -> tuple[Indices, Indices]:
    """The numbers of many spans one after the other, and where each span starts in them."""
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    refuse_beyond(int(starts[-1]))
    return np.arange(starts[-1]) + np.repeat(firsts - starts[:-1], lengths), starts


def row_numbers(sets: Sets) -> Indices:
    """The number of the element that each entry belongs to."""
    return np.repeat(np.arange(sets.shape[0]), np.diff(sets.indptr))


def rows(sets: Sets, chosen: Indices) -> Sets:
    """The sets of these elements; the empty set for -1."""
    count = sets.shape[0]
    if len(chosen) == count and np.array_equal(chosen, np.arange(count)):
        return sets
    lengths = np.diff(sets.indptr).astype(np.int64)
    there = chosen >= 0
    safe = chosen if there.all() else np.where(there, chosen, 0)
    if count == 0:
        return nothing(len(chosen), sets.shape[1])
    places, starts = spans(sets.indptr[safe].astype(np.int64), lengths[safe] * there)
    return make(starts, sets.indices[places], sets.shape[1])


def union(a: Sets | None, b: Sets | None) -> Sets | None:
    """The sets of both, element by element; None stands for empty ones."""
    if a is None or b is None or a is b:
        return b if a is None else a
    if a.nnz == b.nnz and np.array_equal(a.indptr, b.indptr) and np.array_equal(a.indices, b.indices):
        return a
    return a + b


def stacked(parts: list[Sets]) -> Sets:
    """The sets of all parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([0, *[part.nnz for part in parts]])
    starts = [part.indptr[:-1].astype(np.int64) + end for part, end in zip(parts, ends)]
    indices = np.concatenate([part.indices for part in parts])
    return make(np.concatenate([*starts, ends[-1:]]), indices, parts[0].shape[1])


def through(map_: Sets, sets: Sets) -> Sets:
    """The union of the sets of those elements that each row of `map_` names."""
    refuse_beyond(int(np.diff(sets.indptr)[map_.indices].sum()))
    found = map_ @ sets
    found.sort_indices()
    return found


def joined(sets: Sets) -> Sets:
    """One set: the union of all."""
    found = np.unique(sets.indices)
    return make(np.array([0, len(found)]), found, sets.shape[1])


def taking(places: Indices) -> Map:
    """Results that are elements of the operand, or nothing for -1."""
    return lambda below: rows(below, places)


def uniting(map_: Sets) -> Map:
    """Results that depend on those elements of the operand that their row names."""
    return lambda below: through(map_, below)


def grouping(group: Sets, places: Indices) -> Map:
    """Results that depend on whole groups of elements, of which `places` says which."""
    return lambda below: rows(through(group, below), places)


def named(outs: Indices, ins: Indices, shape: tuple[int, int]) -> Sets:
    """The sets with the variable ins[k] in the set of outs[k]."""
    sparse = scipy_sparse()
    found = sparse.coo_array((np.ones(len(outs), bool), (outs, ins)), shape=shape).tocsr()
    found.sort_indices()
    return found
