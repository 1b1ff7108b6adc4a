"""Fewer boxes for the same tape: parts of formulas folded, what is alike told once, what is far away cut off."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .tape import Box, Edge, Kind, Tape

ALIKE = 8  # so many operands that look the same are still drawn one by one
SHOWN = 3  # of more than that, so many


def fold(tape: Tape) -> None:
    """Draw an operation without a name as part of the one operation that uses its result.

    The partial of the whole is the product of its parts', where both are known number by number.
    """
    uses, operands = _neighbours(tape)
    parts = {box: [box.title] for box in tape.boxes}
    folded: set[Box | Edge] = set()
    for box in tape.boxes:
        if box.kind is not Kind.OPERATION or box.names or box.output or box.cut:
            continue
        if len(uses[box]) != 1 or not operands[box]:
            continue
        (use,) = uses[box]
        parts[use.target] = parts.pop(box) + parts[use.target]
        operands[use.target].extend(operands[box])
        operands[use.target].remove(use)
        for edge in operands[box]:
            edge.target, edge.slot = use.target, use.slot
            edge.formula = edge.formula if _is_one(use.partial) else None
            known = edge.partial is not None and use.partial is not None
            edge.partial = edge.partial * use.partial if known else None
        folded |= {box, use}
    for box, titles in parts.items():
        box.title = ", ".join(titles) if len(titles) <= 3 else f"{len(titles)} operations"
    tape.boxes = [box for box in tape.boxes if box not in folded]
    tape.edges = [edge for edge in tape.edges if edge not in folded]


def _is_one(partial: np.ndarray | None) -> bool:
    return partial is not None and bool(np.all(partial == 1))


def gather(tape: Tape) -> None:
    """Of many operands of one operation that look the same, draw the first three, and say how many follow.

    Two look the same if they are the same operations of the same operands, down to leaves of the same shape,
    whose names differ at most in numbers, and to boxes that others use as well, which must be the very same.
    """
    uses, operands = _neighbours(tape)
    looks: dict[Box, int] = {}
    numbers: dict[Any, int] = {}
    for box in operands_first(tape, operands):
        own = (box.kind, box.title, box.output, re.sub(r"\d+", "#", box.label), _shape(box))
        single = len({edge.target for edge in uses[box]}) <= 1 and not box.cut
        below = tuple(looks[edge.source] for edge in operands[box])
        look: Any = (own, below) if single else box
        looks[box] = numbers.setdefault(look, len(numbers))

    groups: dict[tuple[Box | None, int], list[Box]] = {}
    for box in tape.boxes:
        for target in {edge.target for edge in uses[box]} or [None]:
            groups.setdefault((target, looks[box]), []).append(box)
    gone: set[Box] = set()
    for (target, _), group in groups.items():
        if len(group) > ALIKE and target not in gone:
            first, rest = group[:SHOWN], group[SHOWN:]
            more = Box(None, f"… {len(rest):,} more like these", Kind.MORE)
            tape.boxes.insert(tape.boxes.index(first[-1]) + 1, more)
            if target is not None:
                last = max(edge.slot for edge in operands[target] if edge.source in first)
                tape.edges.append(Edge(more, target, last, 0))
            gone.update(rest)
    if not gone:
        return
    # What only they use goes with them.
    waiting = list(gone)
    while waiting:
        for edge in operands[waiting.pop()]:
            source = edge.source
            if source not in gone and not source.output and all(use.target in gone for use in uses[source]):
                gone.add(source)
                waiting.append(source)
    tape.keep(box for box in tape.boxes if box not in gone)


def cut(tape: Tape, limit: int) -> None:
    """Keep the `limit` boxes that are nearest to the outputs, and the constants that these use."""
    shown = [box for box in tape.boxes if box.kind is not Kind.CONSTANT][:limit]
    kept = set(shown) | {box for box in tape.boxes if box.kind is Kind.CONSTANT}
    for edge in tape.edges:
        if edge.source not in kept:
            edge.target.cut = True
    tape.keep(kept)


def _neighbours(tape: Tape) -> tuple[dict[Box, list[Edge]], dict[Box, list[Edge]]]:
    uses: dict[Box, list[Edge]] = {box: [] for box in tape.boxes}
    operands: dict[Box, list[Edge]] = {box: [] for box in tape.boxes}
    for edge in tape.edges:
        uses[edge.source].append(edge)
        operands[edge.target].append(edge)
    return uses, operands


def operands_first(tape: Tape, operands: dict[Box, list[Edge]]) -> list[Box]:
    """The boxes in an order in which every operand comes before what is computed from it."""
    users: dict[Box, list[Box]] = {box: [] for box in tape.boxes}
    for edge in tape.edges:
        users[edge.source].append(edge.target)
    waiting = {box: len(operands.get(box, [])) for box in tape.boxes}
    order = [box for box in tape.boxes if not waiting[box]]
    for box in order:  # grows on the way
        for user in users[box]:
            waiting[user] -= 1
            if not waiting[user]:
                order.append(user)
    return order


def _shape(box: Box) -> Any:
    return (tuple(box.tensor.shape), box.tensor.dtype) if box.tensor is not None else None
