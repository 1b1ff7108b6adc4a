"""Where the boxes go: a layered drawing, left to right, after Sugiyama, Tagawa and Toda (1981), in lines as text is.

Ranks: every edge leads to a later column; a leaf stands just before its first use, and what can wait for its
use waits. Lines: columns are set side by side until the page is full, and the next line begins below, where
few edges have to follow; those that do run around the line's end. An edge that would run far, past `FAR`
columns or several lines, is not drawn: a small stub of its source stands beside its target instead. So
the work, like the page, grows with the number of boxes and not with the length of edges.

Within a line, edges that pass columns are cut into pieces by lanes that find a way between the boxes (order.py
has the order and heights of boxes and lanes).
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field

from .order import LANE, Item, heights, is_light, order

CURVE = 54.0  # between columns, for the edges to bend
PORT = 19.0  # between the ends of edges that enter the same box
MARGIN = 14.0  # within a box, above the first end and below the last
FAR = 8  # an edge past more columns than this is a stub
BRANCH = 2  # columns of a short branch that joins a line at its beginning
AROUND = 5  # so many edges at most are led around the end of a line
TRACK = 10.0  # between two of these
GUTTER = 44.0  # between two lines

Point = tuple[float, float]


@dataclass(eq=False)
class Route:
    """An edge: from `source` to `target`, with room for a label before its end."""

    source: Item
    target: Item
    label: float = 0.0
    start: Item | None = None  # where the drawn part begins: the source, its stub, or its lane in a new line
    via: list[Item] = field(default_factory=list)
    port: float = 0.0  # the height at which it enters
    points: list[Point] = field(default_factory=list)


@dataclass(eq=False)
class Turn:
    """What leads an item's edges around the end of a line: a path that ends at the beginning of the next one."""

    source: Item
    path: list[Item]  # lanes to the end of the line
    entry: Item  # a lane at the beginning of the next
    points: list[Point] = field(default_factory=list)  # level and bent by turns, to the end of the line
    corners: list[Point] = field(default_factory=list)  # from there around


@dataclass
class Plan:
    width: float
    height: float
    stubs: list[Item]
    turns: list[Turn]


@dataclass(eq=False)
class _Line:
    columns: list[list[Item]]
    turns: list[Turn] = field(default_factory=list)  # that leave it
    room: list[float] = field(default_factory=list)
    width: float = 0.0
    top: float = 0.0
    bottom: float = 0.0


def arrange(items: list[Item], routes: list[Route], width: float) -> Plan:
    """Place every item and route every edge, on a page `width` wide as far as single columns let it."""
    _rank(items, routes)
    light = Counter(route.target for route in routes if is_light(route.source, route.target))
    for item, entering in Counter(route.target for route in routes).items():
        if light[item]:  # the others enter in the middle
            item.height = max(item.height, (entering + light[item] - 1) * PORT + MARGIN)
        else:
            item.height = max(item.height, (entering - 1) * PORT + 2 * MARGIN)
    branches = _branches(items, routes)
    leaves = {item for item in branches if item.first}
    for share in (1.0, 0.95, 0.9, 0.8, 0.65, 0.5, 0.3):  # stubs can make a line wider than was reckoned
        along = branches if share > 0.6 else leaves
        lines, stubs = _set(items, routes, along, _even_starts(items, routes, along, share * width))
        full = _across(lines, routes)
        if full <= width or (len(lines) == 1 and all(len(line.columns) <= 2 for line in lines)):
            break
    for line in lines:
        order(line.columns)
        heights(line.columns)
    height = _stack(lines)
    _draw_routes(lines, routes)
    for line in lines:
        _draw_turns(line)
    return Plan(full, height, stubs, [turn for line in lines for turn in line.turns])


# ---- ranks -------------------------------------------------------------------------------------------------


def _rank(items: list[Item], routes: list[Route]) -> None:
    """Every item's column; what is computed from nothing, and what it is computed into, as near as possible."""
    uses: dict[Item, list[Item]] = {item: [] for item in items}
    operands: dict[Item, list[Item]] = {item: [] for item in items}
    for route in routes:
        uses[route.source].append(route.target)
        operands[route.target].append(route.source)
    waiting = {item: len(operands[item]) for item in items}
    ready = [item for item in items if not waiting[item]]
    for item in ready:  # grows on the way
        item.first = not operands[item]
        item.rank = max((operand.rank + 1 for operand in operands[item]), default=0)
        item.deepest = max((operand.depth for operand in operands[item]), default=-1)
        item.depth = item.depth if item.first else item.deepest + 1
        for target in uses[item]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for item in reversed(ready):
        if not uses[item]:
            continue
        # Moving right shortens the edges that leave and stretches those that enter; leaves come along, or as stubs.
        stretched = sum(not operand.first for operand in operands[item])
        if stretched <= len(uses[item]):
            item.rank = min(target.rank for target in uses[item]) - 1
    taken = {rank: number for number, rank in enumerate(sorted({item.rank for item in items}))}
    for item in items:
        item.rank = taken[item.rank]


# ---- lines -------------------------------------------------------------------------------------------------


def _branches(items: list[Item], routes: list[Route]) -> set[Item]:
    """What goes to the line of its users: leaves, and short branches that join long ones."""
    uses: dict[Item, list[Item]] = {item: [] for item in items}
    for route in routes:
        uses[route.source].append(route.target)
    found: set[Item] = set()
    for item in sorted(items, key=lambda item: item.rank, reverse=True):
        if uses[item] and (item.first or all(is_light(item, user) or user in found for user in uses[item])):
            found.add(item)
    return found


def _even_starts(items: list[Item], routes: list[Route], branches: set[Item], width: float) -> list[int]:
    """As few lines as the width lets them be, and none much longer than the others."""
    starts = _line_starts(items, routes, branches, width)
    for share in (0.9, 0.8, 0.7, 0.6):
        evener = _line_starts(items, routes, branches, share * width)
        if len(evener) > len(starts):
            break
        starts = evener
    return starts


def _line_starts(items: list[Item], routes: list[Route], branches: set[Item], width: float) -> list[int]:
    """The ranks that lines begin with: as few lines as hold all columns, broken where few edges pass."""
    last = max(item.rank for item in items)
    widest, room, aside = [0.0] * (last + 1), [0.0] * (last + 1), [0.0] * (last + 1)
    passing = [0] * (last + 2)  # differences: how many sources' edges pass from one rank to the next
    deep = [False] * (last + 1)  # whether an operation stands there that goes to the line of its user
    reach: dict[Item, int] = {}
    for item in items:
        widest[item.rank] = max(widest[item.rank], item.width)
    for route in routes:
        source, rank = route.source, route.target.rank
        room[rank] = max(room[rank], route.label)
        if rank - source.rank > FAR or (source.first and rank - source.rank > 1):  # a stub, or might be one
            aside[rank - 1] = max(aside[rank - 1], source.stub[0])
        if rank - source.rank <= FAR:
            reach[source] = max(reach.get(source, 0), rank)
    for source, rank in reach.items():
        if source in branches and rank == source.rank + 1:
            aside[source.rank] = max(aside[source.rank], source.width)
            deep[source.rank] = deep[source.rank] or not source.first
        elif not source.first:
            passing[source.rank] += 1
            passing[rank] -= 1
    crossed = [min(n, AROUND) for n in itertools.accumulate(passing)]  # [r]: from rank r to rank r + 1
    column = [max(w, a) + CURVE + r for w, a, r in zip(widest, aside, room)]

    def ends(begin: int) -> float:
        """What a line takes beside its columns: what joins the first of them from aside, and turns."""
        if not begin:
            return CURVE
        joining = [begin - 1, begin - 2] if deep[begin - 1] else [begin - 1]
        return sum(aside[rank] + CURVE for rank in joining) + CURVE + 2 * (crossed[begin - 1] + 1) * TRACK

    starts = [0]
    position, used = 0, ends(0)
    while position <= last:
        begin = starts[-1]
        used += column[position]
        if used > width and position > max(begin, 1):
            # Of the last third of the line, the break that the fewest edges pass, and of these the last.
            earliest = max(begin + 1, 2, position - (position - begin) // 3)
            start = min(range(position, earliest - 1, -1), key=lambda rank: crossed[rank - 1])
            starts.append(start)
            position, used = start, ends(start)
        else:
            position += 1
    return starts


def _set(
    items: list[Item], routes: list[Route], branches: set[Item], starts: list[int]
) -> tuple[list[_Line], list[Item]]:
    """Put the items into the lines' columns, and lanes and stubs between them."""
    last = max(item.rank for item in items)
    line_of = [0] * (last + 1)
    for number, (begin, end) in enumerate(itertools.pairwise([*starts, last + 1])):
        line_of[begin:end] = [number] * (end - begin)
    lines = [_Line([]) for _ in starts]
    users: dict[Item, list[Item]] = {}
    for route in routes:
        users.setdefault(route.source, []).append(route.target)
    for item in sorted(items, key=lambda item: item.rank, reverse=True):
        item.before, item.after = [], []
        item.line = line_of[item.rank]
        if item in branches:
            nearest = min(user.line for user in users[item])
            if nearest > item.line and item.rank >= starts[nearest] - BRANCH:
                item.line = nearest
        item.column = item.rank - starts[item.line]
    stubs: dict[tuple[Item, int, int], Item] = {}
    around: dict[tuple[Item, int], list[Route]] = {}
    for route in routes:
        route.start, route.via = route.source, []
        source, target = route.source, route.target
        passes = target.line - source.line
        if target.rank - source.rank > FAR or passes > (0 if source.first else 1):
            _start_at_stub(route, stubs)
        elif passes:
            around.setdefault((source, target.line), []).append(route)
    turning: dict[int, list[Item]] = {}
    for source, number in around:
        turning.setdefault(number, []).append(source)
    begin = [0] * len(lines)
    for item in [*items, *stubs.values()]:
        begin[item.line] = min(begin[item.line], item.column)
    for number, sources in turning.items():
        sources.sort(key=lambda source: source.rank, reverse=True)
        for source in sources[:AROUND]:
            lines[number - 1].turns.append(_turn(source, around[source, number], min(begin[number], -1)))
        for source in sources[AROUND:]:
            for route in around[source, number]:
                _start_at_stub(route, stubs)

    placed = [*items, *stubs.values(), *(turn.entry for line in lines for turn in line.turns)]
    _close_up(lines, placed)
    for line in lines:
        for turn in line.turns:
            end = turn.path[-1]
            end.column = len(line.columns)
            turn.path = [*_link(turn.source, end), end]
        if line.turns:
            line.columns.append([])
    for route in routes:
        route.via = _link(_start(route), route.target)
    _fill(lines, placed)
    return lines, list(stubs.values())


def _start_at_stub(route: Route, stubs: dict[tuple[Item, int, int], Item]) -> None:
    target = route.target
    key = route.source, target.line, target.column - 1
    if key not in stubs:
        stub = stubs[key] = Item(*route.source.stub, of=route.source)
        stub.line, stub.column, stub.first = target.line, target.column - 1, True
        stub.depth = min(0, route.source.depth)
    route.start = stubs[key]


def _turn(source: Item, routes: list[Route], begin: int) -> Turn:
    """Lead `routes` to the end of their line, and on from the beginning of the next."""
    entry, end = Item(0.0, LANE, lane=True), Item(0.0, LANE, lane=True)
    entry.depth = source.depth
    entry.line, entry.column, end.line = source.line + 1, begin, source.line
    for route in routes:
        route.start = entry
    return Turn(source, [end], entry)


def _close_up(lines: list[_Line], placed: list[Item]) -> None:
    """Number the columns of every line anew, without those that nothing stands in."""
    taken: list[set[int]] = [set() for _ in lines]
    for item in placed:
        taken[item.line].add(item.column)
    for line, columns in zip(lines, taken):
        line.columns = [[] for _ in columns]
    number = [{column: n for n, column in enumerate(sorted(columns))} for columns in taken]
    for item in placed:
        item.column = number[item.line][item.column]


def _link(start: Item, target: Item) -> list[Item]:
    """Join two items of a line by lanes through the columns between them."""
    via = []
    target.depth = start.depth if target.lane else target.depth
    for column in range(start.column + 1, target.column):
        lane = Item(0.0, LANE, lane=True)
        lane.line, lane.column, lane.depth = target.line, column, start.depth
        via.append(lane)
    for left, right in itertools.pairwise([start, *via, target]):
        left.after.append(right)
        right.before.append(left)
    return via


def _fill(lines: list[_Line], placed: list[Item]) -> None:
    """Collect the items of every column, lanes included, as a walk from the ends of the lines meets them."""
    starts = [item for item in placed if not item.after]
    starts += [turn.path[-1] for line in lines for turn in line.turns]
    met: set[Item] = set()
    for start in [*starts, *placed]:
        stack = [start]
        while stack:
            item = stack.pop()
            if item not in met:
                met.add(item)
                lines[item.line].columns[item.column].append(item)
                stack.extend(reversed(item.before))


# ---- places ------------------------------------------------------------------------------------------------


def _across(lines: list[_Line], routes: list[Route]) -> float:
    """Set every x. Before each column lies its `room`, which edges cross level: there the labels stand."""
    for line in lines:
        line.room = [0.0] * len(line.columns)
    for route in routes:
        room = lines[route.target.line].room
        room[route.target.column] = max(room[route.target.column], route.label)
    full = 0.0
    begin = max((_tracks(line) for line in lines), default=0.0)
    for line in lines:
        x = begin
        for number, column in enumerate(line.columns):
            if number:
                x += CURVE + line.room[number]
            width = max(item.width for item in column)
            for item in column:
                item.x = x if item.lane else x + (width - item.width) / 2
                item.width = width if item.lane else item.width
            x += width
        line.width = x
        full = max(full, x + _tracks(line))
    return full


def _tracks(line: _Line) -> float:
    """What the turns at the end of a line take beside it, and as much at the beginning of the next one."""
    return (len(line.turns) + 1) * TRACK if line.turns else 0.0


def _stack(lines: list[_Line]) -> float:
    """Set the lines below each other."""
    y = 0.0
    for line in lines:
        items = [item for column in line.columns for item in column]
        top = min(item.y - item.height / 2 for item in items)
        for item in items:
            item.y += y - top
        line.bottom = max(item.y + item.height / 2 for item in items)
        y = line.bottom + GUTTER + len(line.turns) * TRACK
    return lines[-1].bottom


# ---- routes ------------------------------------------------------------------------------------------------


def _draw_routes(lines: list[_Line], routes: list[Route]) -> None:
    entering: dict[Item, list[Route]] = {}
    for route in routes:
        entering.setdefault(route.target, []).append(route)
    for target, ends in entering.items():
        ends.sort(key=lambda route: (route.via[-1] if route.via else _start(route)).y)
        heavy = [n for n, route in enumerate(ends) if not is_light(route.source, target)] or range(len(ends))
        middle = sum(heavy) / len(heavy)
        for index, route in enumerate(ends):
            route.port = target.y + (index - middle) * PORT
    edges = [_edges_of(line) for line in lines]
    for route in routes:
        target = route.target
        left = edges[target.line][target.column][0]
        route.points = _levels(_start(route), route.via, edges[target.line])
        route.points += [(left, route.port), (target.x, route.port)]


def _draw_turns(line: _Line) -> None:
    edges = _edges_of(line)
    line.turns.sort(key=lambda turn: turn.path[-1].y)
    tracks = len(line.turns)
    lowest = sorted(line.turns, key=lambda turn: turn.entry.y)
    for number, turn in enumerate(line.turns):
        *via, end = turn.path
        turn.points = [*_levels(turn.source, via, edges), (end.x, end.y)]
        # The uppermost runs outermost and lowest, and none crosses another.
        right = line.width + (tracks - number) * TRACK
        level = line.bottom + GUTTER / 2 + (tracks - number - 0.5) * TRACK
        left = turn.entry.x - (lowest.index(turn) + 1) * TRACK
        x, y = turn.entry.x + turn.entry.width, turn.entry.y
        turn.corners = [(right, end.y), (right, level), (left, level), (left, y), (x, y)]


def _levels(start: Item, via: list[Item], edges: list[tuple[float, float]]) -> list[Point]:
    """The level pieces beside and between boxes: the curves of an edge join them."""
    points = [(start.x + start.width, start.y), (edges[start.column][1], start.y)]
    for lane in via:
        points += [(edges[lane.column][0], lane.y), (edges[lane.column][1], lane.y)]
    return points


def _edges_of(line: _Line) -> list[tuple[float, float]]:
    """Where every column begins, its room included, and where it ends."""
    return [
        (min(item.x for item in column) - room, max(item.x + item.width for item in column))
        for column, room in zip(line.columns, line.room)
    ]


def _start(route: Route) -> Item:
    assert route.start is not None
    return route.start
