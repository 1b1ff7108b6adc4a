"""What was added: constants that no derivative needs, so that the tape does not keep them.

Of ``y = x + c`` the tape knows that there was a c. Where the values of y and x are known, because a variable or
another node holds them, c is what gives that very y: a named tensor, or the number with the fewest digits.
Nothing is shown that does not give y bit for bit, nor where a slightly different constant would give it as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import pullback as pb
from pullback import Tensor

from .condense import operands_first
from .tape import Box, Edge, Kind, Tape

SIZE = 10_000  # elements of a value that is still compared
_KNOWN = {
    "AddBackward0": pb.add,
    "SubBackward0": pb.sub,
    "MulBackward0": pb.mul,
}  # what is computed again, to know more values
_SUMS = {"AddBackward0": pb.add, "SubBackward0": pb.sub, "RsubBackward1": pb.sub}
_NUMBER_FIRST = "RsubBackward1"  # from a number, wherever the function takes that


def recover(tape: Tape, named: Iterable[tuple[str, Tensor]]) -> None:
    """Fill in the constants of sums, as far as they follow from values that are known."""
    operands: dict[Box, list[Edge]] = {}
    for edge in tape.edges:
        operands.setdefault(edge.target, []).append(edge)
    sums = [box for box in tape.boxes if box.title in _SUMS and any(map(_is_unknown, operands.get(box, [])))]
    if not sums:
        return
    values = _values(tape)
    data = [(name, tensor) for name, tensor in named if not tensor.requires_grad and tensor.numel() <= SIZE]
    with pb.no_grad():
        for box in operands_first(tape, operands):
            edges = operands.get(box, [])
            unknown = [edge for edge in edges if edge.source not in values]
            if box not in values and not unknown and len(edges) == 2 and box.title in _KNOWN and _plain(box):
                first, second = sorted(edges, key=lambda edge: edge.slot)
                values[box] = _KNOWN[box.title](values[first.source], values[second.source])
            elif (
                box in values
                and box.title in _SUMS
                and len(edges) == 2
                and len(unknown) == 1
                and _is_unknown(*unknown)
            ):
                (other,) = (edge for edge in edges if edge is not unknown[0])
                _fill_in(unknown[0], values[other.source], values[box], data)


def _plain(box: Box) -> bool:
    """Whether it is no sum with a factor ``alpha``."""
    try:
        return box.node._operand(2) in (None, 1)
    except RuntimeError:  # freed
        return False


def _is_unknown(edge: Edge) -> bool:
    box = edge.source
    return box.kind is Kind.CONSTANT and box.tensor is None and box.number is None


def _values(tape: Tape) -> dict[Box, Any]:
    """The values of boxes, those included that only another node saved."""
    found: dict[Box, Any] = {box: box.tensor.detach() for box in tape.boxes if box.tensor is not None}
    numbers = {box: box.number for box in tape.boxes if box.number is not None}
    for edge in tape.edges:
        source = edge.source
        if source.kind is Kind.OPERATION and source not in found and len(source.node._input_metadata) == 1:
            try:
                saved = edge.target.node._operand(edge.slot)
            except RuntimeError:  # freed, or overwritten
                continue
            if isinstance(saved, Tensor):
                found[source] = saved.detach()
    return {**{box: value for box, value in found.items() if value.numel() <= SIZE}, **numbers}


def _fill_in(edge: Edge, other: Tensor, result: Tensor, data: list[tuple[str, Tensor]]) -> None:
    function = _SUMS[edge.target.title]

    def made(constant: Tensor | float) -> Tensor:
        first = edge.slot == 0 or edge.target.title == _NUMBER_FIRST
        return function(constant, other) if first else function(other, constant)

    def gives(constant: Tensor | float) -> bool:
        """Whether it gives the result, and nothing that differs from it in what is shown does."""
        try:
            found = made(constant)
            if found.dtype != result.dtype or found.shape != result.shape or not pb.equal(found, result):
                return False
            apart = abs(constant) * 1e-3 + (constant == 0) * 1e-6
            return all(bool((made(near) != result).all()) for near in (constant + apart, constant - apart))
        except (RuntimeError, TypeError):  # shapes or dtypes that do not go together
            return False

    fitting = [(name, tensor) for name, tensor in data if gives(tensor)]
    if fitting:
        edge.source.tensor = fitting[0][1]
        edge.source.title = "data"
        edge.source.names = [fitting[0][0]] if len(fitting) == 1 else []
        return
    y, x = (value.double().numpy() for value in (result, other))
    if y.size and y.shape == x.shape and np.isfinite(y).all() and np.isfinite(x).all():
        if function is pb.add:
            apart = y - x
        else:
            apart = y + x if edge.slot == 0 else x - y
        middle = float(np.median(apart))
        for digits in range(1, 8):
            number = float(f"{middle:.{digits}g}")
            if gives(number):
                edge.source.number = number
                return
