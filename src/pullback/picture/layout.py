"""Where the boxes go: a layered drawing, left to right, after Sugiyama, Tagawa and Toda (1981).

Four steps. Ranks: every edge leads to a later column, and a leaf stands just before its first use. Long edges
are cut into pieces by dummies, one in every column they cross, so that they find a way between the boxes.
Order: each column is sorted by the mean position of its neighbours, back and forth, and the order with the
fewest crossings is kept. Heights: each column in turn moves as near to its neighbours as the boxes' sizes let
it: a least-squares problem with an exact solution (isotonic regression by pooling adjacent violators).
"""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from dataclasses import dataclass, field

GAP = 26.0  # between boxes of a column
LANE = 20.0  # what a passing edge takes
CURVE = 54.0  # between columns, for the edges to bend
PORT = 19.0  # between the ends of edges that enter the same box
MARGIN = 14.0  # within a box, above the first end and below the last


@dataclass(eq=False)
class Item:
    """A box, or a dummy that keeps a lane free for an edge that passes."""

    width: float
    height: float
    box: bool = True
    rank: int = 0
    x: float = 0.0  # of the left side
    y: float = 0.0  # of the centre
    before: list[Item] = field(default_factory=list)
    after: list[Item] = field(default_factory=list)


@dataclass(eq=False)
class Route:
    """An edge: from `source` through dummies to `target`, with room for a label before its end."""

    source: Item
    target: Item
    label: float = 0.0
    via: list[Item] = field(default_factory=list)
    port: float = 0.0  # the height at which it enters
    points: list[tuple[float, float]] = field(default_factory=list)


def arrange(items: list[Item], routes: list[Route]) -> tuple[float, float]:
    """Place every item and route every edge; returns width and height of the drawing."""
    _rank(items, routes)
    for item, entering in Counter(route.target for route in routes).items():
        item.height = max(item.height, (entering - 1) * PORT + 2 * MARGIN)
    columns = _columns(items, routes)
    _order(columns)
    _heights(columns)
    room = [
        max((r.label for r in routes if r.target.rank == rank), default=0.0) for rank in range(len(columns))
    ]
    width = _across(columns, room)
    top = min(item.y - item.height / 2 for column in columns for item in column)
    bottom = max(item.y + item.height / 2 for column in columns for item in column)
    for column in columns:
        for item in column:
            item.y -= top
    _draw_routes(columns, room, routes)
    return width, bottom - top


def _rank(items: list[Item], routes: list[Route]) -> None:
    uses: dict[Item, list[Item]] = {item: [] for item in items}
    waiting = dict.fromkeys(items, 0)
    for route in routes:
        uses[route.source].append(route.target)
        waiting[route.target] += 1
    sources = [item for item in items if not waiting[item]]
    ready = list(sources)
    while ready:
        item = ready.pop()
        for target in uses[item]:
            target.rank = max(target.rank, item.rank + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for item in sources:
        item.rank = min((target.rank for target in uses[item]), default=1) - 1


def _columns(items: list[Item], routes: list[Route]) -> list[list[Item]]:
    """The items of every rank, dummies included, in the order in which a walk from the outputs meets them."""
    for route in routes:
        route.via = [
            Item(0.0, LANE, box=False, rank=rank) for rank in range(route.source.rank + 1, route.target.rank)
        ]
        chain = [route.source, *route.via, route.target]
        for left, right in itertools.pairwise(chain):
            left.after.append(right)
            right.before.append(left)
    columns: list[list[Item]] = [[] for _ in range(1 + max(item.rank for item in items))]
    met: set[Item] = set()
    for start in [item for item in items if not item.after] or items[:1]:
        stack = [start]
        while stack:
            item = stack.pop()
            if item not in met:
                met.add(item)
                columns[item.rank].append(item)
                stack.extend(reversed(item.before))
    return columns


# ---- order -------------------------------------------------------------------------------------------------


def _order(columns: list[list[Item]], sweeps: int = 16) -> None:
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


def _swap_neighbours(columns: list[list[Item]]) -> None:
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


def _crossings(columns: list[list[Item]]) -> int:
    total = 0
    for left, right in itertools.pairwise(columns):
        place = {item: index for index, item in enumerate(right)}
        ends = [place[other] for item in left for other in sorted(item.after, key=place.__getitem__)]
        seen: list[int] = []
        for end in ends:
            total += len(seen) - _insort(seen, end)
    return total


def _insort(ordered: list[int], value: int) -> int:
    position = bisect.bisect_right(ordered, value)
    ordered.insert(position, value)
    return position


# ---- heights -----------------------------------------------------------------------------------------------


def _heights(columns: list[list[Item]], sweeps: int = 36) -> None:
    for column in columns:
        _settle(column, [0.0] * len(column))
    for sweep in range(sweeps):
        last = sweep >= sweeps - 12  # at the end both sides pull, before that one at a time
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = []
            for item in column:
                near = item.before + item.after if last else item.before if sweep % 2 == 0 else item.after
                near = near or item.before or item.after
                weights = [1.0 if item.box and other.box else 3.0 for other in near]
                pulled = sum(w * other.y for w, other in zip(weights, near))
                wanted.append(pulled / sum(weights) if near else item.y)
            _settle(column, wanted)


def _settle(column: list[Item], wanted: list[float]) -> None:
    """Give each item the height it wants, as nearly as their sizes allow: least squares, order kept."""
    offset, offsets = 0.0, []
    for index, item in enumerate(column):
        if index:
            above = column[index - 1]
            gap = GAP if above.box and item.box else GAP / 2
            offset += above.height / 2 + item.height / 2 + gap
        offsets.append(offset)
    pools: list[list[float]] = []  # [sum, count] of what must share one value
    for want, shift in zip(wanted, offsets):
        pools.append([want - shift, 1.0])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += count
    settled = (total / count for total, count in pools for _ in range(int(count)))
    for item, value, shift in zip(column, settled, offsets):
        item.y = value + shift


# ---- across, and the routes --------------------------------------------------------------------------------


def _across(columns: list[list[Item]], room: list[float]) -> float:
    """Set every x. Before each column lies its `room`, which edges cross level: there the labels stand."""
    x = 0.0
    for number, column in enumerate(columns):
        if number:
            x += CURVE + room[number]
        width = max(item.width for item in column)
        for item in column:
            item.x = x + (width - item.width) / 2 if item.box else x
            if not item.box:
                item.width = width
        x += width
    return x


def _draw_routes(columns: list[list[Item]], room: list[float], routes: list[Route]) -> None:
    left = [min(item.x for item in column) - space for column, space in zip(columns, room)]
    right = [max(item.x + item.width for item in column) for column in columns]
    entering: dict[Item, list[Route]] = {}
    for route in routes:
        entering.setdefault(route.target, []).append(route)
    for target, ends in entering.items():
        ends.sort(key=lambda route: (route.via[-1] if route.via else route.source).y)
        for index, route in enumerate(ends):
            route.port = target.y + (index - (len(ends) - 1) / 2) * PORT
    for route in routes:
        source, target = route.source, route.target
        points = [(source.x + source.width, source.y), (right[source.rank], source.y)]
        for dummy in route.via:
            points += [(left[dummy.rank], dummy.y), (right[dummy.rank], dummy.y)]
        points += [(left[target.rank], route.port), (target.x, route.port)]
        route.points = points
