"""Which variables each element depends on: index sets carried along the recorded graph, from its leaves to its results.

    sets of a result  =  what its operator takes from where  x  sets of its operands

What an operator takes from where is asked of its node, in the first of these ways that applies:

- a row of the table of calculus works element by element, with broadcasting. Where the partial is a mask (`where`,
  `relu`, `clamp`) an operand is left out of what it has no part in;
- a motion of elements (views, indices, joining, sums) has the elements' numbers moved (probe.py); a choice (`sort`,
  `max`) does so with what it chose;
- products of matrices, running sums and their like have rules (rules.py);
- any other node is asked for its pullback, which is itself recorded, of operators of these kinds: the pattern of the
  pullback in the cotangent is that of the Jacobian, transposed. So a new operator needs no rule. A Function of somebody's
  own, whose pullback may be anything, is believed if products with it agree;
- where nothing helps each result depends on all operands, and a warning says so.

`everywhere` asks for a pattern that holds at all points. Then the function was called inside of a `vmap`, where whatever
depends on the arguments is told by its axis, so a mask or an index counts by its value only if it has none.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .._core import Tensor
from ..autograd import enable_grad
from ..autograd.function import Function
from ..autograd.graph import get_gradient_edge
from . import rules, sets
from .colors import color_columns
from .probe import Outputs, Varies, is_differentiable, moved, plain, shape_of

# Nodes that are no linear rules by their own word, and move elements all the same.
MOVES = frozenset(
    "AliasBackward0 AsStridedBackward0 AsStridedScatterBackward0 ConstantPadNdBackward0 CopyBackwards ExpandBackward0 "
    "FillBackward0 FillBackward1 FillBackward2 FillBackward3 IndexCopyBackward0 IndexFillBackward0 IndexFillBackward1 "
    "IndexPutBackward0 MaskedFillBackward0 MaskedFillBackward1 MaskedScatterBackward0 PutBackward0 "
    "ScatterBackward0 ScatterBackward1 ShiftBackward0 SqueezeBackward4 UnsafeViewBackward0 ViewBackward0 "
    "ZeroBackward0".split()
)
# Nodes that choose elements by their values.
CHOICES = frozenset(
    "AmaxBackward0 AminBackward0 AminmaxBackward0 CummaxBackward0 CumminBackward0 KthvalueBackward0 MaxBackward0 "
    "MaxBackward1 MedianBackward0 MedianBackward1 MinBackward0 MinBackward1 ModeBackward0 NanmedianBackward0 "
    "NanmedianBackward1 NansumBackward0 SortBackward0 SortBackward1 TopkBackward0".split()
)
# Rows whose partials are steps: where they are 0 they are 0 around, too.
STEPS = frozenset(["MaximumBackward0", "MinimumBackward0"])


def spread(small: tuple[int, ...], large: tuple[int, ...]) -> Any:
    """For each element of the shape `large` the one of `small` that is broadcast there."""
    return np.broadcast_to(np.arange(math.prod(small)).reshape(small), large).reshape(-1)


class Walk:
    """One walk over a graph. `structural`: values count nowhere but in masks and choices."""

    def __init__(
        self, everywhere: bool = False, structural: bool = False, inside: tuple[str, ...] = ()
    ) -> None:
        self.everywhere, self.structural, self.inside = everywhere, structural, inside
        self.constant: set[int] = (
            set()
        )  # memory that has an axis, and does not depend on the arguments all the same
        self.backward_only = (
            False  # whether a Function was met that pushes nothing forward by a rule of its own
        )

    def sets_of(self, outputs: list[Tensor], variables: list[Tensor]) -> list[Any]:
        """For each output its sets of numbers of elements of the variables, counted through; None where it has none."""
        total = sum(x.numel() for x in variables)
        known: dict[int, dict[int, Any]] = {}  # by the identity of a node, which somebody has to hold
        kept: list[Any] = []
        for x in variables:
            edge = get_gradient_edge(x)
            first = sum(v.numel() for v in variables[: len(kept)])
            known[id(edge.node)] = {edge.output_nr: sets.identity(x.numel(), first, total)}
            kept.append(edge.node)
        ends = [get_gradient_edge(y) if y.requires_grad else None for y in outputs]
        nodes, users = reachable([e.node for e in ends if e], known)
        for node in nodes:  # the oldest first: an edge leads to what is older
            operands = {}
            for i, (below, nr) in enumerate(node._edges):
                found = known.get(id(below), {}).get(nr) if below is not None else None
                if found is not None and found.nnz:
                    operands[i] = (found, shape_of(below, nr))
            known[id(node)] = self.results(node, operands) if operands else {}
            for below, _ in node._edges:
                if below is not None and id(below) in users:
                    users[id(below)] -= 1
                    if not users[id(below)]:
                        known[id(below)] = {}
        return [known.get(id(e.node), {}).get(e.output_nr) if e else None for e in ends]

    def results(self, node: Any, operands: dict[int, Any]) -> dict[int, Any]:
        """The sets of a node's outputs, from (sets, shape) of the operands that have any."""
        kinds = getattr(node, "_partials", None)
        if kinds is not None:
            return {0: self.row(node, kinds, operands)}
        if node._written is not None:
            whole = self.part(node, operands)
            if whole is not None:
                return {0: whole}
        about = node._outputs
        wanted = [j for j, meta in enumerate(about) if meta is not None and is_differentiable(meta[1])]
        outputs = Outputs(node, wanted)
        found: Any = None
        for edge, map_, shape in self.maps(node, outputs, sorted(operands)):
            below, below_shape = operands[edge]
            if shape is not None and tuple(shape) != tuple(below_shape):
                below = sets.rows(below, spread(below_shape, shape))
            found = sets.union(found, map_(below))
        if found is None:
            return {}
        if len(wanted) == 1:
            return {wanted[0]: found}
        return {j: found[outputs.first[j] : outputs.first[j] + math.prod(outputs.shapes[j])] for j in wanted}

    # ---- rows of the table ----

    def row(self, node: Any, kinds: Any, operands: dict[int, Any]) -> Any:
        """The sets of a row's result, from what its partials are."""
        shape, found, values = shape_of(node, 0), None, None
        edges = node._edges
        for i, (below, below_shape) in operands.items():
            kind, reads = kinds[i]
            if kind == "none":
                continue
            chosen = None if below_shape == shape else spread(below_shape, shape)
            if kind == "mask" or node._step in STEPS or self.is_fixed(kind, reads, edges):
                try:
                    if values is None:
                        outputs, ones = Outputs(node, [0]), np.ones(math.prod(shape))
                        values = [node._pull(outputs.split(along * ones)) for along in outputs.directions()]
                    there = np.zeros(len(ones), bool)
                    for pulled in values:
                        own = plain(pulled[i]).reshape(tuple(pulled[i].shape))
                        there |= np.broadcast_to(own, shape).reshape(-1) != 0
                    if not there.all():
                        chosen = np.where(there, np.arange(len(there)) if chosen is None else chosen, -1)
                except Varies:
                    pass
            found = sets.union(found, below if chosen is None else sets.rows(below, chosen))
        return found

    def is_fixed(self, kind: str, reads: int, edges: Any) -> bool:
        """Whether a partial is computed from constants alone, whose zeros are zeros at every point."""
        if self.structural or kind not in ("number", "gradient") or reads & RESULT:
            return False
        return all(not reads >> b & 1 or edges[b][0] is None for b in range(len(edges)))

    # ---- writes into a part ----

    def part(self, node: Any, operands: dict[int, Any]) -> Any:
        """The sets of a base after a write into a view of it; None if its geometry does not tell where."""
        if node._part is None:
            return None
        places, base = laid(*node._part), operands.get(0)
        count = math.prod(shape_of(node, 0))
        columns = next(iter(operands.values()))[0].shape[1]
        whole = base[0] if base else sets.nothing(count, columns)
        inner = dict(operands)
        if base:
            inner[0] = sets.rows(whole, places), tuple(node._part[1])
        if 0 in inner and not inner[0][0].nnz:
            del inner[0]
        inside = self.results(node._written, inner).get(0) if inner else None
        if inside is None:
            inside = sets.nothing(len(places), columns)
        chosen = np.arange(count)
        chosen[places] = count + np.arange(len(places))
        return sets.rows(sets.stacked([whole, inside]), chosen)

    # ---- everything else: (edge, what makes its sets those of the outputs, shape that the operand is broadcast to) ----

    def maps(self, node: Any, outputs: Outputs, edges: list[int]) -> list[Any]:
        """What a structured operator takes from where, in the first way that applies."""
        name = node._step
        if name in rules.RULES:
            known = rules.RULES[name](node, outputs, edges, self.structural)
            return self.dense(node, outputs, edges) if known is None else known
        if self.everywhere and not self.varies(node):
            self.constant.update(getattr(node, "_residues", ()))
        places = viewed(node, outputs)
        if places is not None:
            return [(0, sets.taking(places), None)]
        if name in ("MapBackward0", "UnmapBackward0"):
            raise RuntimeError(
                "The pattern of what was recorded inside of a vmap that is over cannot be found: its axes hide the entries."
            )
        function = getattr(node, "_forward_cls", None)  # a Function's node shows its context
        own = function is not None
        if function is not None and function.jvp is Function.jvp:
            self.backward_only = True
        if not own and (name in MOVES or name in CHOICES or getattr(node, "_linear", False)):
            try:
                found = self.motions(node, outputs, edges)
            except Varies:
                if name in CHOICES:
                    return rules.along(node, outputs, edges)
                if name.startswith("MaskedFill"):
                    shape = outputs.shapes[0]
                    return [(edge, lambda below: below, shape) for edge in edges]
                return self.dense(
                    node, outputs, edges, "the places that it reads or writes depend on the arguments"
                )
            if found is not None:
                return found
        found = self.derived(node, outputs, edges, own)
        return self.dense(node, outputs, edges) if found is None else found

    def motions(self, node: Any, outputs: Outputs, edges: list[int]) -> list[Any] | None:
        """From moved numbers; None where one of the operands is not moved element by element."""
        found = []
        for edge, (map_, shape) in moved(node, outputs, edges, self.varies(node)).items():
            if map_ is None:
                return None
            if isinstance(map_, np.ndarray):
                found.append((edge, sets.taking(map_), shape))
            else:
                found.append((edge, sets.uniting(map_), shape))
        return found

    def varies(self, node: Any) -> bool:
        """Whether what a node's derivative reads depends on the arguments (where that is asked)."""
        return any(memory not in self.constant for memory in getattr(node, "_varying", (0,)))

    def derived(self, node: Any, outputs: Outputs, edges: list[int], own: bool) -> list[Any] | None:
        """From the pullback, as it is recorded; None if that leads back to the same kind of node."""
        name = node._step
        if name in self.inside or (own and self.everywhere):
            return None
        inner = Walk(self.everywhere, True, (*self.inside, name))
        inner.constant = self.constant
        with enable_grad():
            seeds = outputs.variables()
            try:
                back = node._pull(seeds)
            except RuntimeError:
                if not own:
                    raise
                return None  # a backward that asks for values
        variables = [s for s in seeds if s is not None]
        found = []
        for edge in edges:
            g = back[edge]
            if g is None:
                continue
            if not g.requires_grad:
                return None  # cut, or constant
            (map_,) = inner.sets_of([g], variables)
            if map_ is None:
                map_ = sets.nothing(g.numel(), outputs.total)
            if own and not agrees(node, outputs, edge, map_):
                return None
            found.append((edge, sets.uniting(map_.T.tocsr()), tuple(g.shape)))
        return found

    def dense(
        self, node: Any, outputs: Outputs, edges: list[int], why: str = "it has no rule for patterns"
    ) -> list[Any]:
        """Every result depends on all of every operand."""
        name = node._step
        warnings.warn(
            f"pullback.sparse: every result of {name} counts as depending on all elements of its operands: {why}. The "
            f"pattern is right, and may be larger than it has to be.",
            stacklevel=2,
        )
        return [
            (edge, lambda below: sets.rows(sets.joined(below), np.zeros(outputs.total, int)), None)
            for edge in edges
        ]


RESULT = 128  # the bit of a row's `reads` that stands for its result


def reachable(ends: list[Any], known: dict[int, Any]) -> tuple[list[Any], dict[int, int]]:
    """The nodes that lead to `ends`, the oldest first, without those that are known; and how many edges lead to each."""
    users: dict[int, int] = {}
    seen = {id(node): node for node in ends}
    stack = list(seen.values())
    found = []
    while stack:
        node = stack.pop()
        if id(node) in known:
            continue
        found.append(node)
        for below, _ in node._edges:
            if below is None:
                continue
            users[id(below)] = users.get(id(below), 0) + 1
            if id(below) not in seen:
                seen[id(below)] = below
                stack.append(below)
    for node in ends:
        users[id(node)] = users.get(id(node), 0) + 1
    found.sort(key=lambda node: node._sequence_nr())
    return found, users


def laid(first: int, shape: Any, strides: Any) -> Any:
    """The places of a strided view's elements."""
    places = np.array(first)
    for size, stride in zip(shape, strides):
        places = places[..., None] + np.arange(size) * stride
    return places.reshape(-1)


def viewed(node: Any, outputs: Outputs) -> Any:
    """The elements that a view's outputs are, by their geometry; None if it is no view that this tells of."""
    parts = []
    below, nr = node._edges[0]
    for j in outputs.wanted:
        found = node._viewed(j)
        if found is None or below._outputs[nr][1].is_complex != outputs.dtypes[j].is_complex:
            return None  # real and complex numbers count their elements differently
        parts.append(laid(found[0], outputs.shapes[j], found[1]))
    return np.concatenate(parts) if parts else None


def agrees(node: Any, outputs: Outputs, edge: int, map_: Any) -> bool:
    """Whether products with a node's pullback are what a matrix of this pattern (operand x outputs) gives."""
    colors, count = color_columns(map_)
    rows = sets.row_numbers(map_)
    random = np.random.default_rng(0).standard_normal(outputs.total)

    def summed(terms: Any) -> Any:
        found = np.bincount(rows, terms.real, map_.shape[0])
        return found + 1j * np.bincount(rows, terms.imag, map_.shape[0]) if terms.dtype.kind == "c" else found

    def agree(along: complex) -> bool:
        def pulled(vector: Any) -> Any:
            g = node._pull(outputs.split(along * vector))[edge]
            return np.zeros(map_.shape[0]) if g is None else plain(g)

        compressed = np.stack(
            [pulled((colors == c).astype(float)) for c in range(count)] or [np.zeros(map_.shape[0])]
        )
        values = compressed[colors[map_.indices], rows] if count else np.zeros(0)
        terms = values * random[map_.indices]
        error = np.abs(pulled(random) - summed(terms))
        return bool((error <= 2.0 ** (-outputs.bits() / 2) * summed(np.abs(terms))).all())

    return all(agree(along) for along in outputs.directions())
