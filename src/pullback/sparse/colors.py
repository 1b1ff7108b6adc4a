"""Colouring: which columns or rows of a sparse matrix may share a product with it.

The algorithms are in the core (src/core/compute/coloring.cpp); here is what is chosen among them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _core
from . import sets

ORDERS = ("natural", "largest_first", "smallest_last", "incidence_degree")
KINDS = ("columns", "rows", "both", "star", "acyclic")


class Coloring(NamedTuple):
    """Colours of a pattern: how few products with a matrix find all of its entries.

    Attributes:
        kind: ``"columns"``, ``"rows"``, ``"both"``, ``"star"`` or ``"acyclic"``.
        columns: the colour of each column, an array; None for ``"rows"``. Columns of one colour are added up in one
            product. -1 for those that need none.
        rows: the colour of each row, for ``"rows"`` and ``"both"``; None otherwise.
        products: how many there are.

    Example:
        >>> import numpy, scipy.sparse
        >>> arrow = numpy.eye(5, dtype=bool)
        >>> arrow[0] = arrow[:, 0] = True
        >>> pb.sparse.coloring(arrow, "star")
        Coloring(kind='star', columns=array([0, 1, 1, 1, 1]), rows=None, products=2)
    """

    kind: str
    columns: Any
    rows: Any
    products: int


def as_numbers(array: Any) -> Any:
    """An array of integers as the core takes them."""
    return np.ascontiguousarray(array, np.int64)


def count_of(colors: Any) -> int:
    """How many colours there are; 0 where there is no colouring."""
    return 0 if colors is None else int(colors.max(initial=-1)) + 1


def _order(name: str) -> int:
    if name not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(map(repr, ORDERS))}, got {name!r}")
    return ORDERS.index(name)


def color_columns(pattern: Any, order: str = "natural") -> tuple[Any, int]:
    """Colours of the columns of a pattern so that two of one colour share no row, and their number."""
    turned = pattern.T.tocsr()
    parts = [as_numbers(a) for a in (pattern.indptr, pattern.indices, turned.indptr, turned.indices)]
    colors = np.frombuffer(_core.color_columns(*parts, _order(order)), np.int64)
    return colors, count_of(colors)


def color_graph(pattern: Any, order: str, acyclic: bool) -> tuple[Any, int]:
    """Star or acyclic colours of a symmetric pattern, and their number."""
    parts = as_numbers(pattern.indptr), as_numbers(pattern.indices)
    colors = np.frombuffer(_core.color_graph(*parts, _order(order), acyclic), np.int64)
    return colors, count_of(colors)


def _best(color: Any, order: str | None, bound: int) -> tuple[Any, int]:
    """With this order; with None the best of several, which ends where the bound is met."""
    if order is not None:
        return color(order)
    found = color("natural")
    for other in ("smallest_last", "largest_first"):
        if found[1] <= bound:
            break
        found = min(found, color(other), key=lambda colored: colored[1])
    return found


def _most(pattern: Any) -> int:
    return int(np.diff(pattern.indptr).max(initial=0))


def _columns(pattern: Any, order: str | None) -> tuple[Any, int]:
    return _best(lambda o: color_columns(pattern, o), order, _most(pattern))


def _without(pattern: Any, rows: Any) -> Any:
    """The pattern with these rows empty."""
    chosen = np.arange(pattern.shape[0])
    chosen[rows] = -1
    return sets.rows(pattern, chosen)


TOO_LONG = 4e9  # steps of a colouring that is one candidate of several


def _work(pattern: Any) -> float:
    """Steps that colouring the columns takes."""
    lengths = np.diff(pattern.indptr).astype(float)
    return float(lengths @ lengths)


def _split(pattern: Any, order: str | None, best: Coloring | None) -> Coloring | None:
    """The fullest rows by products from the left and the rest by products from the right, where that beats `best`."""
    lengths = np.diff(pattern.indptr)
    fullest, found = np.argsort(-lengths, kind="stable"), None
    longest = -lengths[fullest]  # increasing
    taken = 0
    while taken < len(fullest) and -longest[taken] > 1:
        taken = int(np.searchsorted(longest, longest[taken] / 2, side="left"))  # those more than half as long
        full, rest = fullest[:taken], fullest[taken:]
        own, others = _without(pattern, rest).T.tocsr(), _without(pattern, full)
        limit = best.products if best else 2**62
        if _most(own) >= limit or _work(own) > TOO_LONG or not others.nnz:
            break
        if _most(own) + _most(others) >= limit or _work(others) > TOO_LONG:
            continue
        rows, by_rows = _columns(own, order)
        columns, by_columns = _columns(others, order)
        if by_rows + by_columns < limit:
            rows = rows.copy()
            rows[rest] = -1
            found = best = Coloring("both", columns, rows, by_rows + by_columns)
    return found


def as_pattern(pattern: Any) -> Any:
    """A pattern as a Boolean csr_array with sorted indices, from what a user may have."""
    sparse = sets.scipy_sparse()
    if not sparse.issparse(pattern):
        pattern = np.asarray(pattern)
        if pattern.ndim != 2:
            raise ValueError(f"a pattern is a matrix, got an array of {pattern.ndim} dimensions")
    found = sparse.csr_array(sparse.csr_array(pattern).astype(bool))
    found.sum_duplicates()
    found.eliminate_zeros()
    return found


def is_symmetric(pattern: Any) -> bool:
    """Whether a pattern with sorted indices is that of its transpose."""
    if pattern.shape[0] != pattern.shape[1]:
        return False
    turned = pattern.T.tocsr()
    turned.sort_indices()
    return np.array_equal(turned.indptr, pattern.indptr) and np.array_equal(turned.indices, pattern.indices)


def coloring(pattern: Any, kind: str | None = None, order: str | None = None) -> Coloring:
    """Colours for the rows or columns of a sparse pattern, by which few products find all entries of a matrix.

    Args:
        pattern: a sparse matrix or an array, whose entries that are not 0 count.
        kind: ``"columns"`` adds up columns that share no row, for products from the right (forward mode). ``"rows"`` is
            that of the transpose, for products from the left (reverse mode). ``"both"`` finds full rows by products from
            the left, and the rest by products from the right. ``"star"`` and ``"acyclic"`` are for symmetric matrices, by
            products from the right: every entry stands in one of them, or is found by substitution, one after the other,
            which takes fewer products and loses some digits. None takes what needs the fewest products of the first three,
            which are for any matrix.
        order: in which order the greedy algorithm goes: ``"natural"``, ``"largest_first"``, ``"smallest_last"``,
            ``"incidence_degree"``; None tries some of them.

    Raises:
        ValueError: for another `kind` or `order`, what is no matrix, and a pattern that is not symmetric under ``"star"``
            or ``"acyclic"``.
        ImportError: without SciPy.

    Example:
        >>> import scipy.sparse
        >>> tridiagonal = scipy.sparse.diags([1, 1, 1], [-1, 0, 1], shape=(6, 6))
        >>> pb.sparse.coloring(tridiagonal, "columns").columns
        array([0, 1, 2, 0, 1, 2])
        >>> pb.sparse.coloring(tridiagonal, "acyclic").products
        2
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))} or None, got {kind!r}")
    if order is not None:
        _order(order)
    pattern = as_pattern(pattern)
    if not pattern.nnz:
        rows, columns = (np.full(size, -1) for size in pattern.shape)
        return Coloring(
            kind or "columns",
            None if kind == "rows" else columns,
            rows if kind in ("rows", "both") else None,
            0,
        )
    if kind in ("star", "acyclic"):
        if is_symmetric(pattern):
            bound = 2 if kind == "acyclic" else 3
            colors, count = _best(lambda o: color_graph(pattern, o, kind == "acyclic"), order, bound)
            return Coloring(kind, colors, None, count)
        raise ValueError(
            f"A coloring of kind {kind!r} is for symmetric matrices, and this pattern is not: it has an entry (i, j) "
            f"without (j, i). 'columns', 'rows' and 'both' are for any matrix."
        )
    turned = pattern.T.tocsr()
    found: list[Coloring] = []
    if kind == "columns" or (kind != "rows" and _work(pattern) < TOO_LONG):
        colors, count = _columns(pattern, order)
        found.append(Coloring("columns", colors, None, count))
    alike = kind is None and is_symmetric(pattern)  # then rows would have the colours of columns
    if kind == "rows" or (kind is None and not alike and _work(turned) < TOO_LONG):
        colors, count = _columns(turned, order)
        found.append(Coloring("rows", None, colors, count))
    best = min(found, key=lambda c: c.products, default=None)
    if kind in (None, "both") and (best is None or best.products > 2):
        best = _split(pattern, order, best) or best
    if best is None:  # many full rows and columns
        best = Coloring("columns", np.arange(pattern.shape[1]), None, pattern.shape[1])
    if kind == "both" and best.kind == "columns":
        best = Coloring("both", best.columns, np.full(pattern.shape[0], -1), best.products)
    return best
