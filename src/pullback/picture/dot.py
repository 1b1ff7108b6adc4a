"""The tape in the DOT language, for whoever has Graphviz or another tool that reads it."""

from __future__ import annotations

from .drawing import LIGHT
from .tape import Kind, Tape
from .text import gradient_text, number_text, partial_text, tensor_text


def write(tape: Tape, *, values: bool, title: str | None) -> str:
    """The DOT text of `tape`."""
    lines = [
        "digraph tape {",
        '  rankdir=LR; node [shape=box, style="rounded,filled", fontname="Helvetica"];',
    ]
    lines.append(f'  edge [color="{LIGHT["line"]}", fontcolor="{LIGHT["partial"]}", fontname="Helvetica"];')
    if title:
        lines.append(f"  labelloc=t; label={_quote(title)};")
    number = {box: index for index, box in enumerate(tape.boxes)}
    for box, index in number.items():
        text = [box.label, box.title] if box.names and box.kind is Kind.OPERATION else [box.label]
        if box.number is not None:
            text = [number_text(box.number)]
        if values and box.tensor is not None:
            text.append(tensor_text(box.tensor))
        if box.gradient is not None:
            text.append(gradient_text(box.gradient))
        if box.cut:
            text.append("… more before")
        kind = "output" if box.output and not box.leaf else box.kind.value
        colours = f'fillcolor="{LIGHT[kind]}", color="{LIGHT[kind + "-edge"]}"'
        lines.append(f"  n{index} [label={_quote(*text)}, {colours}];")
    for edge in tape.edges:
        label = partial_text(edge)
        attributes = f" [label={_quote(label)}]" if label else ""
        lines.append(f"  n{number[edge.source]} -> n{number[edge.target]}{attributes};")
    return "\n".join([*lines, "}"]) + "\n"


def _quote(*lines: str) -> str:
    safe = [line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") for line in lines]
    return '"' + "\\n".join(safe) + '"'
