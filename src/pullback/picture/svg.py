"""The laid-out tape as SVG: one self-contained drawing, its colours written as attributes and as a style.

The attributes hold for every viewer; the style turns them dark where the reader's system is, if the theme is
``"auto"``. Text is measured with the widths of a wide typeface, so that a narrower one also fits its box.
"""

from __future__ import annotations

import hashlib
from html import escape

from . import layout
from .tape import Box, Tape
from .text import gradient_text, partial_text, tensor_text, tooltip

FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
PADDING = 24.0

LIGHT = {
    "paper": "#ffffff",
    "ink": "#0f172a",
    "muted": "#64748b",
    "line": "#94a3b8",
    "leaf": "#e8f1fe",
    "leaf-edge": "#3b82f6",
    "box": "#f8fafc",
    "box-edge": "#94a3b8",
    "output": "#fef3dc",
    "output-edge": "#d97706",
    "gradient": "#c2410c",
    "partial": "#7c3aed",
}
DARK = {
    "paper": "#0f172a",
    "ink": "#f1f5f9",
    "muted": "#94a3b8",
    "line": "#64748b",
    "leaf": "#172e54",
    "leaf-edge": "#60a5fa",
    "box": "#1e293b",
    "box-edge": "#64748b",
    "output": "#422d10",
    "output-edge": "#f59e0b",
    "gradient": "#fdba74",
    "partial": "#c4b5fd",
}

_NARROW, _MIDDLE, _WIDE = "iIjl|.,:;'! ", 'frt()[]{}-/\\"*·', "mwMWO@%−=+<>QGDHNU"


def text_width(text: str, size: float) -> float:
    """An upper estimate of the width of `text` in a sans-serif typeface of `size` pixels."""
    em = 0.0
    for letter in text:
        em += 0.36 if letter in _NARROW else 0.46 if letter in _MIDDLE else 0.84 if letter in _WIDE else 0.645
    return em * size


def draw(tape: Tape, *, values: bool, title: str | None, theme: str, notes: list[str]) -> str:
    """The SVG text of `tape`."""
    colours = DARK if theme == "dark" else LIGHT
    rows = {box: _rows(box, values) for box in tape.boxes}
    items = {box: layout.Item(*_size(rows[box])) for box in tape.boxes}
    routes = []
    for edge in tape.edges:
        text = partial_text(edge)
        room = text_width(text, 12) + 22 if text else 14
        routes.append(layout.Route(items[edge.source], items[edge.target], room))
    width, height = layout.arrange(list(items.values()), routes)

    top = PADDING + (30 if title else 0)
    parts = [_edge(route, partial_text(edge), top, colours) for edge, route in zip(tape.edges, routes)]
    parts += [_box(box, items[box], rows[box], top, colours) for box in tape.boxes]
    foot = top + height + 16
    for note in notes:
        foot += 16
        parts.append(_text(PADDING, foot, note, 11, "muted", colours))
    if title:
        parts.append(_text(PADDING, PADDING + 12, title, 16, "ink", colours, bold=True))

    widest = max([text_width(note, 11) for note in notes] + [text_width(title or "", 16)])
    full_width = max(width, widest) + 2 * PADDING
    full_height = foot + (16 if notes else PADDING - 16)
    body = "\n".join(parts)
    # Styles of an inline drawing reach the whole page: an id of its own keeps them to this one.
    name = "tape-" + hashlib.sha1(body.encode()).hexdigest()[:8]
    described = escape(title or "A tape: " + ", ".join(box.label for box in tape.boxes if box.output))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" role="img" width="{full_width:.0f}" '
        f'height="{full_height:.0f}" viewBox="0 0 {full_width:.0f} {full_height:.0f}" '
        f'font-family="{FONT}">\n'
        f"<title>{described}</title>\n{_style(name, theme)}"
        f'<rect class="paper" width="100%" height="100%" rx="10" fill="{colours["paper"]}"/>\n'
        f"{body}\n</svg>\n"
    )


def _style(name: str, theme: str) -> str:
    if theme != "auto":
        return ""
    rules = "".join(
        f" #{name} .{part} {{ fill: {colour}; }} #{name} .{part}-stroke {{ stroke: {colour}; }}\n"
        for part, colour in DARK.items()
    )
    return f"<style>@media (prefers-color-scheme: dark) {{\n{rules}}}</style>\n"


# ---- boxes -------------------------------------------------------------------------------------------------


def _rows(box: Box, values: bool) -> list[tuple[str, float, str, bool]]:
    """The lines of a box: text, size, colour, bold."""
    rows = []
    if box.names:
        rows.append((box.label, 15.0, "ink", True))
        if not box.leaf:
            rows.append((box.title, 11.0, "muted", False))
    else:
        rows.append((box.title, 12.0, "muted" if box.leaf else "ink", False))
    if values and box.tensor is not None:
        rows.append((tensor_text(box.tensor), 13.0, "ink", False))
    if box.gradient is not None:
        rows.append((gradient_text(box.gradient), 13.0, "gradient", False))
    if box.cut:
        rows.append(("… more before", 11.0, "muted", False))
    return rows


def _size(rows: list[tuple[str, float, str, bool]]) -> tuple[float, float]:
    width = max(text_width(text, size) * (1.06 if bold else 1.0) for text, size, _, bold in rows)
    return max(width + 24, 44), sum(size * 1.35 for _, size, _, _ in rows) + 14


def _box(box: Box, item: layout.Item, rows: list, top: float, colours: dict[str, str]) -> str:
    kind = "leaf" if box.leaf else "output" if box.output else "box"
    x, y = PADDING + item.x, top + item.y - item.height / 2
    radius = item.height / 2 if box.leaf and item.height < 30 else 9
    parts = [
        f'<rect class="{kind} {kind}-edge-stroke" x="{x:.1f}" y="{y:.1f}" width="{item.width:.1f}" '
        f'height="{item.height:.1f}" rx="{radius:g}" fill="{colours[kind]}" '
        f'stroke="{colours[kind + "-edge"]}" stroke-width="{1.8 if box.output else 1.2}"/>'
    ]
    middle = x + item.width / 2
    line = top + item.y - sum(size * 1.35 for _, size, _, _ in rows) / 2
    for text, size, colour, bold in rows:
        line += size * 1.35
        parts.append(_text(middle, line - size * 0.33, text, size, colour, colours, "middle", bold))
    return f"<g><title>{escape(tooltip(box))}</title>" + "".join(parts) + "</g>"


def _text(
    x: float,
    y: float,
    text: str,
    size: float,
    colour: str,
    colours: dict[str, str],
    anchor: str = "start",
    bold: bool = False,
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text class="{colour}" x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}"'
        f'{weight} fill="{colours[colour]}">{escape(text)}</text>'
    )


# ---- edges -------------------------------------------------------------------------------------------------


def _edge(route: layout.Route, label: str, top: float, colours: dict[str, str]) -> str:
    points = [(PADDING + x, top + y) for x, y in route.points]
    (x, y), *rest = points
    path = [f"M{x:.1f},{y:.1f}"]
    for number, (next_x, next_y) in enumerate(rest):
        end = next_x - 7 if number == len(rest) - 1 else next_x  # the arrow's head covers the last pixels
        if number % 2 == 0 or abs(next_y - y) < 0.05:  # level: beside a box, through a lane, under a label
            path.append(f"H{end:.1f}")
        else:
            bend = (next_x - x) / 2
            path.append(f"C{x + bend:.1f},{y:.1f} {next_x - bend:.1f},{next_y:.1f} {next_x:.1f},{next_y:.1f}")
        x, y = next_x, next_y
    head = f"M{x:.1f},{y:.1f}l-8.5,-4v8z"
    parts = [
        f'<path class="line-stroke" d="{"".join(path)}" fill="none" stroke="{colours["line"]}" '
        'stroke-width="1.4"/>'
        f'<path class="line" d="{head}" fill="{colours["line"]}"/>'
    ]
    if label:
        parts.append(_text(x - 12, y - 4.5, label, 12, "partial", colours, "end"))
    return "<g>" + "".join(parts) + "</g>"
