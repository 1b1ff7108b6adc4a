"""A sheet as SVG: one self-contained drawing, its colours written as attributes and as a style.

The attributes hold for every viewer; the style turns them dark where the reader's system is, if the theme is
``"auto"``.
"""

from __future__ import annotations

import hashlib
from html import escape

from .drawing import DARK, LIGHT, Group, Path, Rectangle, Sheet, Text

FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


def write(sheet: Sheet, theme: str) -> str:
    """The SVG text of `sheet`."""
    colours = DARK if theme == "dark" else LIGHT
    body = "\n".join(_group(group, colours) for group in sheet.groups)
    # Styles of an inline drawing reach the whole page: an id of its own keeps them to this one.
    name = "tape-" + hashlib.sha1(body.encode()).hexdigest()[:8]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" role="img" width="{sheet.width:.0f}" '
        f'height="{sheet.height:.0f}" viewBox="0 0 {sheet.width:.0f} {sheet.height:.0f}" '
        f'font-family="{FONT}" style="font-feature-settings: \'calt\' 0">\n'  # x1 after a digit stays x1
        f"<title>{escape(sheet.description)}</title>\n{_style(name, theme)}"
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


def _group(group: Group, colours: dict[str, str]) -> str:
    key = f' data-key="{group.key}"' if group.key else f' data-of="{group.of}"' if group.of else ""
    tip = f"<title>{escape(group.tip)}</title>" if group.tip else ""
    return f"<g{key}>{tip}" + "".join(_shape(shape, colours) for shape in group.shapes) + "</g>"


def _shape(shape: Rectangle | Path | Text, colours: dict[str, str]) -> str:
    if isinstance(shape, Text):
        weight = ' font-weight="600"' if shape.bold else ""
        return (
            f'<text class="{shape.role}" x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size:g}" '
            f'text-anchor="{shape.anchor}"{weight} fill="{colours[shape.role]}">{escape(shape.text)}</text>'
        )
    dash = ' stroke-dasharray="4 3"' if shape.dashed else ""
    if isinstance(shape, Rectangle):
        return (
            f'<rect class="{shape.role} {shape.role}-edge-stroke" x="{shape.x:.1f}" y="{shape.y:.1f}" '
            f'width="{shape.width:.1f}" height="{shape.height:.1f}" rx="{shape.radius:g}" '
            f'fill="{colours[shape.role]}" stroke="{colours[shape.role + "-edge"]}" '
            f'stroke-width="{shape.weight:g}"{dash}/>'
        )
    way = "".join(step[0] + " ".join(f"{number:.1f}" for number in step[1:]) for step in shape.steps)
    if shape.filled:
        return f'<path class="{shape.role}" d="{way}" fill="{colours[shape.role]}"/>'
    return (
        f'<path class="{shape.role}-stroke" d="{way}" fill="none" stroke="{colours[shape.role]}" '
        f'stroke-width="{shape.weight:g}"{dash}/>'
    )
