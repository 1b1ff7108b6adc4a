"""Order and heights of what stands in columns: the second half of a layered drawing.

Order: each column is sorted by the mean position of its neighbours, back and forth, and the order with the
fewest crossings is kept. Heights: each column in turn moves as near to its neighbours as the boxes' sizes let
it: a least-squares problem with an exact solution (isotonic regression by pooling adjacent violators).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

GAP = 26.0  # between boxes of a column
LANE = 20.0  # what a passing edge takes


@dataclass(eq=False)
class Item:
    """A box; or the stub of one, `of` which it is; or a lane, kept free for an edge that passes."""

    width: float
    height: float
    stub: tuple[float, float] = (0.0, 0.0)  # the size of its stubs
    of: Item | None = None
    lane: bool = False
    rank: int = 0
    depth: int = 0  # how many operations lead to it at most; -1 for a constant
    deepest: int = -1  # the depth of its deepest operand
    first: bool = False  # nothing enters it
    line: int = 0
    column: int = 0
    x: float = 0.0  # of the left side
    y: float = 0.0  # of the centre
    before: list[Item] = field(default_factory=list)
    after: list[Item] = field(default_factory=list)


Columns = list[list[Item]]


# ---- order -------------------------------------------------------------------------------------------------


def order(columns: Columns, sweeps: int = 16) -> None:
    """Sort every column, so that few edges cross."""
    best, fewest = [list(column) for column in columns], _crossings(columns)
    for sweep in range(sweeps):
        if not fewest:
            break
        forward = sweep % 2 == 0
        for number in range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1):
            fixed = columns[number - 1] if forward else columns[number + 1]
            place = {item: index for index, item in enumerate(fixed)}
            key = {}
            for index, item in enumerate(columns[number]):
                near = item.before if forward else item.after
                key[item] = sum(place[other] for other in near) / len(near) if near else index
            columns[number].sort(key=key.__getitem__)
        _swap_neighbours(columns)
        count = _crossings(columns)
        if count < fewest:
            best, fewest = [list(column) for column in columns], count
    columns[:] = best


def _swap_neighbours(columns: Columns) -> None:
    """Exchange two neighbours wherever that saves crossings."""
    if sum(map(len, columns)) > 600:
        return
    for number, column in enumerate(columns):
        sides = []
        if number:
            sides.append(({item: i for i, item in enumerate(columns[number - 1])}, "before"))
        if number + 1 < len(columns):
            sides.append(({item: i for i, item in enumerate(columns[number + 1])}, "after"))
        for index in range(len(column) - 1):
            upper, lower = column[index], column[index + 1]
            gain = 0
            for place, side in sides:
                for a in getattr(upper, side):
                    for b in getattr(lower, side):
                        gain += (place[a] > place[b]) - (place[a] < place[b])
            if gain > 0:
                column[index], column[index + 1] = lower, upper


def _crossings(columns: Columns) -> int:
    """How many pairs of edges cross, counted with a tree of partial sums (Fenwick, 1994)."""
    total = 0
    for left, right in itertools.pairwise(columns):
        place = {item: index for index, item in enumerate(right, 1)}
        tree = [0] * (len(right) + 1)
        seen = 0
        for item in left:
            ends = [place[other] for other in item.after]
            for end in ends:  # crosses what came from further up and ends further down
                total += seen
                while end:
                    total -= tree[end]
                    end &= end - 1
            for end in ends:
                while end < len(tree):
                    tree[end] += 1
                    end += end & -end
            seen += len(ends)
    return total


# ---- heights -----------------------------------------------------------------------------------------------


def heights(columns: Columns, sweeps: int = 36) -> None:
    """Set every y, about a centre."""
    for column in columns:
        _settle(column, [0.0] * len(column))
    for sweep in range(sweeps):
        last = sweep >= sweeps - 12  # at the end both sides pull, before that one at a time
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = []
            for item in column:
                before = item.before if last or sweep % 2 == 0 or not item.after else []
                after = item.after if last or sweep % 2 == 1 or not item.before else []
                wanted.append(_mean(item, before, after))
            _settle(column, wanted)
    # The ends have one side only.
    _settle(columns[0], [_mean(item, [], item.after) for item in columns[0]])
    _settle(columns[-1], [_mean(item, item.before, []) for item in columns[-1]])
    _close_gaps(columns)


def is_light(item: Item, user: Item) -> bool:
    """Whether `item` is beside the point for `user`: a constant, a leaf, a short branch that joins a long one.

    It goes where its user is and does not pull it aside.
    """
    return item.depth * 3 < user.deepest


def _mean(item: Item, before: list[Item], after: list[Item]) -> float:
    total = weights = 0.0
    for other in before:
        weight = 0.01 if is_light(other, item) else 3.0 if item.lane or other.lane else 1.0
        total, weights = total + weight * other.y, weights + weight
    for other in after:
        weight = 3.0 if item.lane or other.lane else 1.0
        total, weights = total + weight * other.y, weights + weight
    return total / weights if weights else item.y


def _weight(item: Item) -> float:
    """How much a column yields to an item: least to constants, most to the end of a long computation."""
    return 1e-4 if item.depth < 0 else 0.02 if item.first else 1.0 + min(item.depth, 20)


def _close_gaps(columns: Columns) -> None:
    """Move parts of the drawing that nothing joins towards each other."""
    moved, lowest = 0.0, None
    for item in sorted(
        (item for column in columns for item in column), key=lambda item: item.y - item.height / 2
    ):
        top, bottom = item.y - item.height / 2, item.y + item.height / 2
        if lowest is not None and top > lowest + GAP:
            moved += top - lowest - GAP
        lowest = bottom if lowest is None else max(lowest, bottom)
        item.y -= moved


def _settle(column: list[Item], wanted: list[float]) -> None:
    """Give each item the height it wants, as nearly as their sizes allow: least squares, order kept."""
    offset, offsets = 0.0, []
    for index, item in enumerate(column):
        if index:
            above = column[index - 1]
            gap = GAP / 2 if above.lane or item.lane else GAP
            offset += above.height / 2 + item.height / 2 + gap
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []  # sum, weight and number of what must share one value
    for item, want, shift in zip(column, wanted, offsets):
        weight = _weight(item)
        total, count = weight * (want - shift), 1
        while pools and pools[-1][0] * weight > total * pools[-1][1]:
            above_total, above_weight, above_count = pools.pop()
            total, weight, count = total + above_total, weight + above_weight, count + above_count
        pools.append((total, weight, count))
    settled = (total / weight for total, weight, count in pools for _ in range(count))
    for item, value, shift in zip(column, settled, offsets):
        item.y = value + shift
