"""The tape as a plain graph: boxes and edges, names and values, read through the public interface of nodes.

A box is an operation (its ``grad_fn``), a leaf (the tensor of an ``AccumulateGrad``), or a constant: an operand
without gradient, a number or data, of which the tape keeps the value where a derivative needs it. An edge runs
the way the values went, from operand to result. The walk is breadth-first from the outputs, so that whatever a
limit cuts off is what lies furthest from them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from pullback import Tensor, _core
from pullback.autograd.graph import leaf_of, walk

# Beyond so many nodes the tape is no longer walked to its end only to say how long it is.
COUNT_LIMIT = 100_000
# So many at least are read before what is alike is gathered and the rest is cut.
READ_LIMIT = 5_000


class Kind(enum.Enum):
    """What a box stands for; the value is the role of its colours."""

    OPERATION = "box"
    LEAF = "leaf"
    CONSTANT = "constant"
    MORE = "more"  # stands for many that look like their neighbours


@dataclass(eq=False)
class Box:
    """What is drawn as a box."""

    node: Any
    title: str
    kind: Kind = Kind.OPERATION
    names: list[str] = field(default_factory=list)
    tensor: Tensor | None = None
    number: float | None = None  # of a constant that is one
    output: bool = False
    cut: bool = False
    gradient: Tensor | None = None

    @property
    def label(self) -> str:
        """The name it is drawn with."""
        return ", ".join(self.names) or self.title

    @property
    def leaf(self) -> bool:
        """Whether it is one."""
        return self.kind is Kind.LEAF


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
    boxes: list[Box]  # constants last, the others in the order of the walk
    edges: list[Edge]
    leaves: list[Tensor]  # of the whole tape, shown or not
    total: int
    complete: bool  # False: there are more than COUNT_LIMIT nodes
    notes: list[str] = field(default_factory=list)

    def keep(self, boxes: Iterable[Box]) -> None:
        """Forget all other boxes, the edges from and to them, and constants that nothing uses any more."""
        kept = set(boxes)
        self.edges = [edge for edge in self.edges if edge.source in kept and edge.target in kept]
        used = {edge.source for edge in self.edges}
        self.boxes = [b for b in self.boxes if b in kept and (b.kind is not Kind.CONSTANT or b in used)]


class _Names:
    """Who is called what: leaves by identity, results by their place on the tape, data by their place in memory."""

    def __init__(self, named: Iterable[tuple[str, Tensor]]) -> None:
        self.leaves: dict[int, list[str]] = {}
        self.results: dict[Any, list[tuple[int, str, Tensor]]] = {}
        self.places: dict[Any, list[str]] = {}
        for name, tensor in named:
            if tensor.grad_fn is not None:
                self.results.setdefault(tensor.grad_fn, []).append((tensor.output_nr, name, tensor))
            else:
                self.leaves.setdefault(id(tensor), []).append(name)
            shown = f"{name}.detach()" if tensor.requires_grad else name
            self.places.setdefault(place(tensor), []).append(shown)

    def of_data(self, tensor: Tensor) -> list[str]:
        found = self.places.get(place(tensor), [])
        return [name for name in found if not name.endswith(".detach()")] or found[:1]


def place(tensor: Tensor) -> Any:
    """Equal for tensors that are the same elements in the same order."""
    return _core.place(tensor), tuple(tensor.shape), tuple(tensor.stride())


def read_tape(
    outputs: list[Tensor], named: Iterable[tuple[str, Tensor]], *, limit: int, constants: bool
) -> Tape:
    """Walk the tape of `outputs` and give its boxes the names of the tensors they are known to hold."""
    names = _Names(named)
    boxes: dict[Any, Box] = {}
    leaves: list[Tensor] = []
    for tensor in outputs:
        if tensor.grad_fn is None:  # a leaf that is its own output: no node stands for it
            boxes[("leaf", id(tensor))] = _leaf(None, tensor, names)
            leaves.append(tensor)
    roots = [tensor.grad_fn for tensor in outputs if tensor.grad_fn is not None]
    walked = list(islice(walk(roots), COUNT_LIMIT + 1))
    for node in walked:
        variable = leaf_of(node)
        if variable is not None:
            leaves.append(variable)
        alone = ("leaf", id(variable))
        if alone in boxes:
            boxes[node] = boxes[alone]
            boxes[node].node = node
        elif len(boxes) < max(limit, READ_LIMIT):
            boxes[node] = _operation(node, names) if variable is None else _leaf(node, variable, names)

    for tensor in outputs:
        box = boxes.get(tensor.grad_fn if tensor.grad_fn is not None else ("leaf", id(tensor)))
        if box is not None:
            box.output = True
            box.tensor = box.tensor if box.tensor is not None else tensor
    tape = Tape(list(dict.fromkeys(boxes.values())), [], leaves, len(walked), len(walked) <= COUNT_LIMIT)
    constant_boxes: dict[Any, Box] = {}
    for target in tape.boxes:
        operands = () if target.node is None else target.node._edges
        for slot, (operand, number) in enumerate(operands):
            if operand in boxes:
                tape.edges.append(Edge(boxes[operand], target, slot, number))
            elif operand is not None:
                target.cut = True
            elif constants:
                box = _constant(target.node, slot, names)
                key = place(box.tensor) if box.names and box.tensor is not None else box
                tape.edges.append(Edge(constant_boxes.setdefault(key, box), target, slot, 0))
    tape.boxes += constant_boxes.values()
    return tape


def _constant(node: Any, slot: int, names: _Names) -> Box:
    """The box of an operand without gradient."""
    try:
        known = node._operand(slot)
    except RuntimeError:  # freed by backward(), or overwritten since
        known = None
    if isinstance(known, Tensor):
        return Box(None, "data", Kind.CONSTANT, names.of_data(known), known)
    if isinstance(known, tuple):
        return Box(None, "data (" + "×".join(map(str, known)) + ")", Kind.CONSTANT)
    return Box(None, "constant", Kind.CONSTANT, number=known)


def _leaf(node: Any, variable: Tensor, names: _Names) -> Box:
    return Box(node, "leaf", Kind.LEAF, list(names.leaves.get(id(variable), [])), variable)


def _operation(node: Any, names: _Names) -> Box:
    held = sorted(names.results.get(node, []), key=lambda entry: entry[0])
    # A box has one value to show; of an operation with several outputs, each has its own.
    single = held[0][2] if held and all(number == 0 for number, _, _ in held) else None
    return Box(node, node._step, names=[name for _, name, _ in held], tensor=single)
