"""The pattern of convolutions, and of the maps that are their derivatives.

All three are sums of x[n, g, c, place(p, k)] * w[g, o, c, k], which count for y[n, g, o, p]: of samples, groups, output and
input channels, positions and elements of a window. Each gives one of x, w and y, of the two others.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import sets
from .probe import Outputs

# Which of n, g, o, c and the pairs (p, k) each of them has.
Axes = tuple[int, int, int, int]
X: Axes = (0, 1, 3, 4)
W: Axes = (1, 2, 3, 4)
Y: Axes = (0, 1, 2, 4)
# The results and the operands of the three maps.
MAPS = ((Y, X, W), (X, Y, W), (W, X, Y))


def _pairs(geometry: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(places, elements of windows, positions) of all that meet, as flat numbers."""
    found = [np.zeros(1, np.int64)] * 3
    for size, kernel, count, stride, padding, dilation in geometry.T:
        k, p = (each.ravel() for each in np.meshgrid(np.arange(kernel), np.arange(count)))
        place = p * stride + k * dilation - padding
        inside = (place >= 0) & (place < size)
        along = (place[inside], k[inside], p[inside])
        found = [
            (whole[:, None] * n + own).ravel()
            for whole, own, n in zip(found, along, (size, kernel, count), strict=True)
        ]
    places, elements, positions = found
    return places, elements, positions


def convolution(
    node: Any, outputs: Outputs, edges: list[int], shapes: list[tuple[int, ...]], entries: Any
) -> list[Any] | None:
    """The functions of the operands; `entries(i)` says where the constant operand i is not zero, or None."""
    which, groups, *geometry = node._flags
    dims = len(geometry) // 6
    result_axes, *operand_axes = MAPS[which]
    result = outputs.shapes[outputs.wanted[0]]
    if any(len(shape) != dims + 2 for shape in (result, *shapes)):
        return None
    of = dict(zip(MAPS[which], (result, *shapes), strict=True))
    samples = (of[X] if X in of else of[Y])[0]
    inputs = of[W][1] if W in of else of[X][1] // groups
    each = (of[W][0] if W in of else of[Y][1]) // groups
    pairs = dict(zip((X, W, Y), _pairs(np.array(geometry).reshape(6, dims)), strict=True))
    counts = (samples, groups, each, inputs, len(pairs[X]))
    planes = {axes: math.prod(of[axes][2:]) for axes in of}

    def numbers(axes: Axes, without: int = -1) -> np.ndarray:
        """The element of each term, with an axis for each index; of the first only, along `without`."""
        number = np.zeros([1] * 5, np.int64)
        for axis in axes[:-1]:
            along = np.arange(1 if axis == without else counts[axis])
            number = number * counts[axis] + along.reshape([-1 if d == axis else 1 for d in range(5)])
        return number * planes[axes] + pairs[axes]

    found = []
    for edge in edges:
        own, other = operand_axes[edge], operand_axes[1 - edge]
        total, length = math.prod(result), math.prod(shapes[edge])
        some = entries(1 - edge)
        if some is not None and not some.all():
            sets.refuse_beyond(math.prod(counts))
            outs, ins, meets = np.broadcast_arrays(numbers(result_axes), numbers(own), numbers(other))
            met = some.reshape(-1)[meets]
            map_ = sets.named(outs[met], ins[met], (total, length))
            found.append((edge, sets.uniting(map_), shapes[edge]))
            continue
        # What the operand has no index of makes no difference: elements of the result have sets in common.
        (spread,) = set(result_axes) - set(own)
        sets.refuse_beyond(math.prod(counts) // max(counts[spread], 1))
        outs, ins = np.broadcast_arrays(numbers(result_axes, spread), numbers(own))
        group = sets.named(outs.ravel(), ins.ravel(), (total, length))
        # An element's first fellow.
        behind = planes[result_axes]
        for axis in result_axes[result_axes.index(spread) + 1 : -1]:
            behind *= counts[axis]
        every = np.arange(total)
        first = every - every // behind % counts[spread] * behind
        found.append((edge, sets.grouping(group, first), shapes[edge]))
    return found
