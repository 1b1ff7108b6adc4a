"""The tape as shapes on a sheet: what svg.py and figure.py then write in their own languages.

Every colour is a role, such as "ink" or "leaf-edge", that a theme gives its value. Text is measured with the widths of
a wide typeface, so that a narrower one also fits its box.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from . import layout
from .order import Item
from .tape import Box, Kind, Tape
from .text import gradient_text, number_text, partial_text, shorten, tensor_text, text_width, tooltip, wrap

PADDING = 24.0
NAME = 34  # letters of a name that are shown; the tooltip has them all
STUB = 18

LIGHT = {
    "paper": "#ffffff",
    "ink": "#0f172a",
    "muted": "#64748b",
    "line": "#94a3b8",
    "faint": "#cbd5e1",
    "leaf": "#e8f1fe",
    "leaf-edge": "#3b82f6",
    "box": "#f8fafc",
    "box-edge": "#94a3b8",
    "output": "#fef3dc",
    "output-edge": "#d97706",
    "constant": "#ffffff",
    "constant-edge": "#94a3b8",
    "more": "#ffffff",
    "more-edge": "#ffffff",
    "gradient": "#c2410c",
    "partial": "#7c3aed",
}
DARK = {
    "paper": "#0f172a",
    "ink": "#f1f5f9",
    "muted": "#94a3b8",
    "line": "#64748b",
    "faint": "#475569",
    "leaf": "#172e54",
    "leaf-edge": "#60a5fa",
    "box": "#1e293b",
    "box-edge": "#64748b",
    "output": "#422d10",
    "output-edge": "#f59e0b",
    "constant": "#0f172a",
    "constant-edge": "#64748b",
    "more": "#0f172a",
    "more-edge": "#0f172a",
    "gradient": "#fdba74",
    "partial": "#c4b5fd",
}


@dataclass
class Rectangle:
    x: float
    y: float
    width: float
    height: float
    radius: float
    role: str  # its fill; its line has the role's "-edge"
    weight: float = 1.2
    dashed: bool = False


@dataclass
class Path:
    """A line, or if `filled` an area. Steps are ("M", x, y), ("L", x, y), ("C" or "Q", control points and end)."""

    steps: list[tuple]
    role: str
    filled: bool = False
    dashed: bool = False
    weight: float = 1.4


@dataclass
class Text:
    x: float
    y: float  # of the baseline
    text: str
    size: float
    role: str
    anchor: str = "start"
    bold: bool = False


@dataclass
class Group:
    """Shapes that belong together: a box, a stub of the box called `of`, an edge."""

    shapes: list[Rectangle | Path | Text]
    tip: str = ""
    key: str = ""
    of: str = ""


@dataclass
class Sheet:
    width: int
    height: int
    description: str
    groups: list[Group] = field(default_factory=list)


Row = tuple[str, float, str, bool]  # text, size, role, bold


def compose(tape: Tape, *, values: bool, title: str | None, notes: list[str], width: float) -> Sheet:
    """Lay the tape out and draw it on a sheet about `width` wide."""
    rows = {box: _rows(box, values) for box in tape.boxes}
    items = {
        box: Item(*_size(box, rows[box]), stub=_stub_size(box), depth=-1 if box.kind is Kind.CONSTANT else 0)
        for box in tape.boxes
    }
    routes = []
    for edge in tape.edges:
        text = partial_text(edge)
        routes.append(
            layout.Route(items[edge.source], items[edge.target], text_width(text, 12) + 22 if text else 14)
        )
    plan = layout.arrange(list(items.values()), routes, width - 2 * PADDING)

    inner = max(plan.width, 420.0)
    heading = wrap(title, 16, inner) if title else []
    lines = [line for note in notes for line in wrap(note, 11, inner)]
    top = PADDING + (22 * len(heading) + 8 if heading else 0)
    foot = top + plan.height + 16
    written = [text_width(line, 16) * 1.06 for line in heading] + [text_width(line, 11) for line in lines]
    sheet = Sheet(
        math.ceil(max([plan.width, *written]) + 2 * PADDING),
        math.ceil(foot + 16 * len(lines) + (16 if lines else PADDING - 16)),
        title or "A tape: " + ", ".join(box.label for box in tape.boxes if box.output),
    )

    number = {box: index for index, box in enumerate(tape.boxes)}
    box_of = {item: box for box, item in items.items()}
    badges: dict[Box, int] = {}
    for stub in plan.stubs:
        box = box_of[_of(stub)]
        if not box.names and box.kind is not Kind.CONSTANT:
            badges.setdefault(box, len(badges) + 1)

    at = _Pen(PADDING, top)
    sheet.groups += [at.turn(turn) for turn in plan.turns]
    for edge, route in zip(tape.edges, routes):
        sheet.groups.append(at.edge(route, partial_text(edge), edge.source.kind is Kind.CONSTANT))
    for stub in plan.stubs:
        box = box_of[_of(stub)]
        sheet.groups.append(at.stub(stub, box, badges.get(box), f"b{number[box]}"))
    for box in tape.boxes:
        sheet.groups.append(at.box(items[box], box, rows[box], badges.get(box), f"b{number[box]}"))
    texts = [
        Text(PADDING, PADDING + 12 + 22 * n, line, 16, "ink", bold=True) for n, line in enumerate(heading)
    ]
    texts += [Text(PADDING, foot + 16 * n, line, 11, "muted") for n, line in enumerate(lines, 1)]
    sheet.groups.append(Group([*texts]))
    return sheet


# ---- boxes -------------------------------------------------------------------------------------------------


def _rows(box: Box, values: bool) -> list[Row]:
    """The lines of text in a box."""
    if box.kind is Kind.MORE:
        return [(box.title, 11.0, "muted", False)]
    if box.kind is Kind.CONSTANT:
        return _constant_rows(box, values)
    rows: list[Row] = []
    if box.names:
        rows.append((shorten(box.label, NAME), 15.0, "ink", True))
        if not box.leaf:
            rows.append((shorten(box.title, NAME + 10), 11.0, "muted", False))
    else:
        rows.append((shorten(box.title, NAME + 10), 12.0, "muted" if box.leaf else "ink", False))
    if values and box.tensor is not None:
        rows.append((tensor_text(box.tensor), 13.0, "ink", False))
    if box.gradient is not None:
        rows.append((gradient_text(box.gradient), 13.0, "gradient", False))
    if box.cut:
        rows.append(("… more before", 11.0, "muted", False))
    return rows


def _constant_rows(box: Box, values: bool) -> list[Row]:
    if box.number is not None:
        return [(number_text(box.number), 12.0, "ink", False)]
    if box.tensor is None:
        return [(box.title, 11.0, "muted", False)]
    value = tensor_text(box.tensor)
    if box.names:
        name = (shorten(box.label, NAME), 13.0, "ink", True)
        return [name, (value, 12.0, "ink", False)] if values else [name]
    return [(value if values else box.title, 12.0, "ink" if values else "muted", False)]


def _size(box: Box, rows: list[Row]) -> tuple[float, float]:
    width = max(text_width(text, size) * (1.06 if bold else 1.0) for text, size, _, bold in rows)
    height = sum(size * 1.35 for _, size, _, _ in rows)
    if box.kind in (Kind.CONSTANT, Kind.MORE):
        return max(width + 18, 26), height + 8
    return max(width + 24, 44), height + 14


def _stub_text(box: Box, badge: int | None) -> str:
    if box.names:
        return shorten(box.label, STUB)
    return f"#{badge} {shorten(box.title.partition('Backward')[0], STUB)}"


def _stub_size(box: Box) -> tuple[float, float]:
    return text_width(_stub_text(box, 888), 11) * 1.06 + 18, 22.0


def _of(stub: Item) -> Item:
    assert stub.of is not None
    return stub.of


def _role(box: Box) -> str:
    return "output" if box.output and not box.leaf else box.kind.value


# ---- the pen -----------------------------------------------------------------------------------------------


@dataclass
class _Pen:
    """Draws what the layout has placed, moved by (dx, dy)."""

    dx: float
    dy: float

    def box(self, item: Item, box: Box, rows: list[Row], badge: int | None, key: str) -> Group:
        x, y, middle = self.dx + item.x, self.dy + item.y - item.height / 2, self.dx + item.x + item.width / 2
        shapes: list[Rectangle | Path | Text] = []
        role = _role(box)
        if box.kind is Kind.CONSTANT:
            radius = min(item.height / 2, 11.0)
            shapes.append(Rectangle(x, y, item.width, item.height, radius, role, 1.0, dashed=True))
        else:
            radius = item.height / 2 if box.leaf and item.height < 30 else 9.0
            shapes.append(Rectangle(x, y, item.width, item.height, radius, role, 1.8 if box.output else 1.2))
        line = self.dy + item.y - sum(size * 1.35 for _, size, _, _ in rows) / 2
        for text, size, colour, bold in rows:
            line += size * 1.35
            shapes.append(Text(middle, line - size * 0.33, text, size, colour, "middle", bold))
        if badge is not None:
            shapes.append(Text(x + 3, y - 3, f"#{badge}", 9, "muted"))
        return Group(shapes, tooltip(box), key)

    def stub(self, item: Item, box: Box, badge: int | None, key: str) -> Group:
        x, y = self.dx + item.x, self.dy + item.y
        dashed = box.kind is Kind.CONSTANT
        shapes: list[Rectangle | Path | Text] = [
            Rectangle(
                x, y - item.height / 2, item.width, item.height, item.height / 2, _role(box), 1.0, dashed
            ),
            Text(x + item.width / 2, y + 4, _stub_text(box, badge), 11, "ink", "middle", bool(box.names)),
        ]
        return Group(shapes, tooltip(box), of=key)

    def edge(self, route: layout.Route, label: str, constant: bool) -> Group:
        points = self._moved(route.points)
        x, y = points[-1]
        steps = _curve([*points[:-1], (x - 7, y)])  # the arrow's head covers the last pixels
        head: list[tuple] = [("M", x, y), ("L", x - 8.5, y - 4), ("L", x - 8.5, y + 4), ("Z",)]
        shapes: list[Rectangle | Path | Text] = [
            Path(steps, "line", dashed=constant, weight=1.1 if constant else 1.4),
            Path(head, "line", filled=True),
        ]
        if label:
            shapes.append(Text(x - 12, y - 4.5, label, 12, "partial", "end"))
        return Group(shapes)

    def turn(self, turn: layout.Turn) -> Group:
        points = self._moved(turn.points)
        corners = [points[-1], *self._moved(turn.corners)]
        return Group([Path(_curve(points) + _rounded(corners), "line")])

    def _moved(self, points: list[layout.Point]) -> list[layout.Point]:
        return [(self.dx + x, self.dy + y) for x, y in points]


def _curve(points: list[layout.Point]) -> list[tuple]:
    """Level and bent by turns: level beside a box, through a lane, under a label."""
    (x, y), *rest = points
    steps: list[tuple] = [("M", x, y)]
    for number, (next_x, next_y) in enumerate(rest):
        if number % 2 == 0 or abs(next_y - y) < 0.05:
            steps.append(("L", next_x, y))
        else:
            bend = (next_x - x) / 2
            steps.append(("C", x + bend, y, next_x - bend, next_y, next_x, next_y))
        x, y = next_x, next_y
    return steps


def _rounded(points: list[layout.Point], radius: float = 8.0) -> list[tuple]:
    """Straight pieces, level and upright by turns, with round corners; goes on from the first point."""
    steps: list[tuple] = []
    for (ax, ay), (bx, by), (cx, cy) in zip(points, points[1:], points[2:]):
        r = min(radius, (abs(bx - ax) + abs(by - ay)) / 2, (abs(cx - bx) + abs(cy - by)) / 2)
        steps.append(("L", bx - r * _sign(bx - ax), by - r * _sign(by - ay)))
        steps.append(("Q", bx, by, bx + r * _sign(cx - bx), by + r * _sign(cy - by)))
    steps.append(("L", *points[-1]))
    return steps


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
