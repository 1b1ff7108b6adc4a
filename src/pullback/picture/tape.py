"""The tape as a plain graph: boxes and edges, names and values, read through the public interface of nodes.

A box is an operation (its ``grad_fn``) or a leaf (the tensor of an ``AccumulateGrad``). An edge runs the way
the values went, from operand to result. The walk is breadth-first from the outputs, so that whatever a limit
cuts off is what lies furthest from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from pullback import Tensor
from pullback.autograd.graph import leaf_of, walk

# Beyond so many nodes the tape is no longer walked to its end only to say how long it is.
COUNT_LIMIT = 100_000
# What a notebook keeps under its own names says nothing to the reader.
_NOTEBOOK = frozenset({"In", "Out"})


@dataclass(eq=False)
class Box:
    """One operation or leaf: what is drawn as a box."""

    node: Any
    title: str
    leaf: bool
    names: list[str] = field(default_factory=list)
    tensor: Tensor | None = None
    output: bool = False
    cut: bool = False
    gradient: Tensor | None = None

    @property
    def label(self) -> str:
        """The name it is drawn with."""
        return ", ".join(self.names) or self.title


@dataclass(eq=False)
class Edge:
    """`target` was computed from output number `number` of `source`, its operand number `slot`."""

    source: Box
    target: Box
    slot: int
    number: int
    partial: np.ndarray | None = None
    formula: str | None = None


@dataclass
class Tape:
    boxes: list[Box]
    edges: list[Edge]
    leaves: list[Tensor]  # of the whole tape, shown or not
    total: int
    complete: bool  # False: there are more than COUNT_LIMIT nodes
    notes: list[str] = field(default_factory=list)


def collect_names(scopes: Iterable[Mapping[str, Any]]) -> dict[str, Tensor]:
    """The tensors that variables refer to, also one level down in lists, tuples and dictionaries."""
    found: dict[str, Tensor] = {}
    for scope in scopes:
        for name, value in list(scope.items()):
            if not isinstance(name, str) or name.startswith("_") or name in found or name in _NOTEBOOK:
                continue
            if isinstance(value, Tensor):
                found[name] = value
            elif isinstance(value, (list, tuple, dict)) and len(value) <= 1000:
                items = value.items() if isinstance(value, dict) else enumerate(value)
                for key, item in list(items):
                    if isinstance(item, Tensor):
                        found[f"{name}[{key!r}]"] = item
    return found


def read_tape(outputs: list[Tensor], named: Mapping[str, Tensor], limit: int) -> Tape:
    """Walk the tape of `outputs` and give its boxes the names of the tensors they are known to hold."""
    by_leaf: dict[int, list[tuple[str, Tensor]]] = {}
    by_node: dict[Any, list[tuple[str, Tensor]]] = {}
    for name, tensor in named.items():
        if tensor.grad_fn is not None:
            by_node.setdefault(tensor.grad_fn, []).append((name, tensor))
        else:
            by_leaf.setdefault(id(tensor), []).append((name, tensor))

    boxes: dict[Any, Box] = {}
    edges: list[Edge] = []
    leaves: list[Tensor] = []
    for tensor in outputs:
        if tensor.grad_fn is None:  # a leaf that is its own output: no node stands for it
            boxes[("leaf", id(tensor))] = _box(None, tensor, by_leaf, by_node)
            leaves.append(tensor)
    roots = [tensor.grad_fn for tensor in outputs if tensor.grad_fn is not None]
    walked = list(islice(walk(roots), COUNT_LIMIT + 1))
    for node in walked:
        variable = leaf_of(node)
        if variable is not None:
            leaves.append(variable)
        if len(boxes) < limit:
            boxes[node] = _box(node, variable, by_leaf, by_node)

    for tensor in outputs:
        box = boxes.get(tensor.grad_fn if tensor.grad_fn is not None else ("leaf", id(tensor)))
        if box is not None:
            box.output = True
            box.tensor = box.tensor if box.tensor is not None else tensor
    for target in boxes.values():
        operands = () if target.node is None else target.node.next_functions
        for slot, (operand, number) in enumerate(operands):
            if operand is None:  # a constant, or an operand that needs no gradient
                continue
            if operand in boxes:
                edges.append(Edge(boxes[operand], target, slot, number))
            else:
                target.cut = True
    return Tape(list(boxes.values()), edges, leaves, len(walked), len(walked) <= COUNT_LIMIT)


def _box(node: Any, variable: Tensor | None, by_leaf: dict, by_node: dict) -> Box:
    if variable is not None:
        pairs = by_leaf.get(id(variable), [])
        return Box(node, "leaf", True, [name for name, _ in pairs], variable)
    pairs = sorted(by_node.get(node, []), key=lambda pair: pair[1].output_nr)
    names = [name for name, _ in pairs]
    # A box has one value to show; of an operation with several outputs, each has its own.
    single = pairs[0][1] if pairs and all(tensor.output_nr == 0 for _, tensor in pairs) else None
    return Box(node, node.name(), False, names, single)


def fold(tape: Tape) -> None:
    """Draw an operation without a name as part of the one operation that uses its result.

    The partial of the whole is the product of its parts', where both are known number by number.
    """
    uses: dict[Box, list[Edge]] = {box: [] for box in tape.boxes}
    operands: dict[Box, list[Edge]] = {box: [] for box in tape.boxes}
    for edge in tape.edges:
        uses[edge.source].append(edge)
        operands[edge.target].append(edge)
    parts = {box: [box.title] for box in tape.boxes}
    folded: set[Box | Edge] = set()
    for box in tape.boxes:
        if box.leaf or box.names or box.output or box.cut or len(uses[box]) != 1 or not operands[box]:
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
