"""Operators whose pattern has to be said: products and functions of matrices, and what runs along a dimension.

Each rule gives, for each operand, a function from the operand's sets to those of all outputs, and the shape that the
operand is broadcast to before.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import sets
from .convolutions import convolution
from .probe import Outputs, Varies, plain, shape_of


def _shapes(node: Any, edges: Any) -> list[tuple[int, ...]]:
    """The shapes of the operands, of which those without an edge are known to the node."""
    found = []
    for i, (below, nr) in enumerate(edges):
        if below is not None:
            found.append(shape_of(below, nr))
        else:
            value = node._operand(i)
            found.append(value if isinstance(value, tuple) else tuple(value.shape))
    return found


def _entries(node: Any, i: int, edges: Any, structural: bool) -> Any:
    """Where a constant factor is not zero; None if it is no constant."""
    value = None if structural or edges[i][0] is not None else node._operand(i)
    if value is None or isinstance(value, tuple):
        return None
    try:
        return plain(value).reshape(tuple(value.shape)) != 0
    except Varies:
        return None


def product(node: Any, outputs: Outputs, edges: list[int], structural: bool) -> list[Any]:
    """Sums of products: element (i, j) takes row i of the first factor and column j of the second."""
    functions = node._edges
    shapes = _shapes(node, functions)
    flags = (*(node._flags or ()), 0, 0, 0)
    turned, summed = (bool(flags[0]), bool(flags[1])), int(flags[2])
    # Vectors are matrices of one row or one column.
    wide = [
        shapes[0] if len(shapes[0]) > 1 else (1, *shapes[0]),
        shapes[1] if len(shapes[1]) > 1 else (*shapes[1], 1),
    ]
    if len(shapes[1]) == 1:
        turned = (turned[0], False)
    batch = np.broadcast_shapes(wide[0][:-2], wide[1][:-2])

    def standing(array: Any, i: int) -> Any:
        """Factor i's array as it is multiplied, over the whole batch."""
        array = array.reshape(wide[i])
        array = np.swapaxes(array, -1, -2) if turned[i] else array
        return np.broadcast_to(array, batch + array.shape[-2:]).reshape(-1, *array.shape[-2:])

    numbers = [standing(np.arange(math.prod(shape)), i) for i, shape in enumerate(shapes)]
    m, n = numbers[0].shape[1], numbers[1].shape[2]
    kept = math.prod(batch[: len(batch) - summed])
    found = []
    for edge in edges:
        # Seen from either factor: own[b, line, k] meets other[b, k, place].
        own = numbers[0] if edge == 0 else np.swapaxes(numbers[1], 1, 2)
        entries = _entries(node, 1 - edge, functions, structural)
        if entries is not None and not entries.all():
            other = standing(entries, 1 - edge)
            other = other if edge == 0 else np.swapaxes(other, 1, 2)
            b, k, place = np.nonzero(other)
            sets.refuse_beyond(len(b) * own.shape[1])
            line = np.arange(own.shape[1])[:, None]
            result = b // max(len(own) // max(kept, 1), 1)
            i, j = (line, place) if edge == 0 else (place, line)
            outs = (result * m + i) * n + j
            ins = own[b, line, k]
            map_ = sets.named(
                np.broadcast_to(outs, ins.shape).ravel(),
                ins.ravel(),
                (outputs.total, math.prod(shapes[edge])),
            )
            found.append((edge, sets.uniting(map_), shapes[edge]))
            continue
        # All of a line together, and then to every place.
        lines = np.broadcast_to(
            np.arange(kept).repeat(len(own) // max(kept, 1))[:, None, None] * own.shape[1], own.shape
        )
        lines = lines + np.arange(own.shape[1])[None, :, None]
        group = sets.named(lines.ravel(), own.ravel(), (kept * own.shape[1], math.prod(shapes[edge])))
        whole = np.arange(kept * own.shape[1]).reshape(kept, own.shape[1])
        spread = whole[:, :, None] if edge == 0 else whole[:, None, :]
        places = np.broadcast_to(spread, (kept, m, n)).reshape(-1)
        found.append((edge, sets.grouping(group, places), shapes[edge]))
    return found


def _lines(shape: tuple[int, ...], dim: int) -> tuple[int, int, int]:
    """A shape as (lines before, length along `dim`, elements behind); `dim` counts from the end, 0 is a number's."""
    if dim == 0:
        return 1, 1, 1
    at = len(shape) + dim
    return math.prod(shape[:at]), shape[at], math.prod(shape[at + 1 :])


def running(node: Any, outputs: Outputs, edges: list[int], structural: bool) -> list[Any]:
    """Running sums and their like: an element takes those up to it, along a dimension."""
    shape = outputs.shapes[outputs.wanted[0]]
    before, length, behind = _lines(shape, node._dims[0] if node._dims else 0)
    backward = bool(node._flags and node._flags[0])
    sets.refuse_beyond(before * behind * length * (length + 1) // 2)
    line = np.arange(before * length * behind).reshape(before, length, behind)
    counts = np.broadcast_to(
        (np.arange(length, 0, -1) if backward else np.arange(1, length + 1))[:, None], line.shape
    )
    steps, starts = sets.spans(np.zeros(line.size, np.int64), counts.reshape(-1))
    starting = line if backward else np.broadcast_to(line[:, :1], line.shape)
    ins = np.repeat(starting.reshape(-1), counts.reshape(-1)) + steps * behind
    map_ = sets.make(starts, ins, line.size)
    several = len(outputs.wanted)

    def through(below: Any) -> Any:
        one = sets.through(map_, below)
        return one if several == 1 else sets.rows(one, np.tile(np.arange(line.size), several))

    return [(edge, through, shape) for edge in edges]


def along(node: Any, outputs: Outputs, edges: list[int]) -> list[Any]:
    """Choices along dimensions, whatever they choose: each result depends on all elements that it chooses among."""
    below, nr = node._edges[edges[0]]
    shape = shape_of(below, nr)
    dims = [len(shape) + d for d in node._dims if d] if shape else []
    kept = [1 if d in dims else size for d, size in enumerate(shape)]
    groups = np.arange(math.prod(kept))
    ins = np.broadcast_to(groups.reshape(kept), shape).reshape(-1)
    places = []
    for j in outputs.wanted:
        if len(outputs.shapes[j]) == len(shape):
            places.append(np.broadcast_to(groups.reshape(kept), outputs.shapes[j]).reshape(-1))
        else:
            places.append(groups)
    group, place = sets.named(ins, np.arange(len(ins)), (len(groups), len(ins))), np.concatenate(places)
    return [(edge, sets.grouping(group, place), shape) for edge in edges]


def matrices(node: Any, outputs: Outputs, edges: list[int], structural: bool) -> list[Any] | None:
    """Functions of the matrices of a batch, each by itself."""
    return _blocks(node, outputs, edges, 2)


def transforms(node: Any, outputs: Outputs, edges: list[int], structural: bool) -> list[Any] | None:
    """Fourier transforms over the last dimensions, each by itself."""
    return _blocks(node, outputs, edges, int(node._flags[0]))


def _blocks(node: Any, outputs: Outputs, edges: list[int], rank: int) -> list[Any] | None:
    """All of a result depends on all of its operands; what is in front of the last `rank` dimensions is a batch."""
    found = []
    for edge in edges:
        shape = shape_of(*node._edges[edge])
        if len(shape) < rank:
            return None
        batch = shape[: len(shape) - rank]
        numbers = np.arange(math.prod(batch)).reshape(*batch, *[1] * rank)
        ins = np.broadcast_to(numbers, shape).reshape(-1)
        group = sets.named(ins, np.arange(len(ins)), (numbers.size, len(ins)))
        try:
            places = [np.broadcast_to(numbers, outputs.shapes[j]).reshape(-1) for j in outputs.wanted]
        except ValueError:  # results of fewer dimensions
            return None
        found.append((edge, sets.grouping(group, np.concatenate(places)), shape))
    return found


# By node, what of each operand an element [i, j] of a result takes: its row i or j, its column j, or its element [i, j].
POINTS = {
    "CdistBackward0": ("row", "other row"),
    "CdistPushforward0": ("row", "row", "other row"),
    "CdistBackwardBackward0": ("row", "element", "column"),
}


def points(node: Any, outputs: Outputs, edges: list[int], structural: bool) -> list[Any]:
    """Distances between points, and sums over their differences (linear_algebra/distances.py)."""
    shapes = _shapes(node, node._edges)
    shape = outputs.shapes[outputs.wanted[0]]
    batch, found = shape[:-2], []
    for edge in edges:
        taken, (rows, columns) = POINTS[node._step][edge], shapes[edge][-2:]
        own = np.broadcast_to(
            np.arange(math.prod(shapes[edge])).reshape(shapes[edge]), (*batch, rows, columns)
        )
        lines = (1 if taken == "column" else rows, columns if taken in ("column", "element") else 1)
        groups = np.arange(math.prod(batch) * math.prod(lines)).reshape(*batch, *lines)
        group = sets.named(
            np.broadcast_to(groups, own.shape).ravel(), own.ravel(), (groups.size, math.prod(shapes[edge]))
        )
        places = np.swapaxes(groups, -1, -2) if taken == "other row" else groups
        found.append((edge, sets.grouping(group, np.broadcast_to(places, shape).ravel()), shapes[edge]))
    return found


def windows(node: Any, outputs: Outputs, edges: list[int], structural: bool) -> list[Any] | None:
    """Convolutions and their relatives."""
    functions = node._edges
    return convolution(
        node, outputs, edges, _shapes(node, functions), lambda i: _entries(node, i, functions, structural)
    )


RULES = {
    "ConvolutionBackward0": windows,
    **dict.fromkeys(POINTS, points),
    **dict.fromkeys("FftC2CBackward0 FftR2CBackward0 FftC2RBackward0".split(), transforms),
    **dict.fromkeys(
        "LinalgSolveExBackward0 LinalgSolveTriangularBackward0 LinalgMatrixExpBackward0".split(), matrices
    ),
    **dict.fromkeys("MmBackward0 BmmBackward0 MvBackward0 DotBackward0 VdotBackward0".split(), product),
    **dict.fromkeys(
        "CumsumBackward0 CumprodBackward0 LinearRecurrenceBackward0 LogcumsumexpBackward0".split(), running
    ),
}
