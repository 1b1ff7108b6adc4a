"""What a linear operator takes from where, found by having it move the numbers of elements instead of values.

A node of the tape pulls gradients back; transposed, that pushes tangents forward. Where each element of an input goes to
one element of the outputs at most (a sum, a scatter), pulling the numbers of the output's elements back tells for each
input element which one. Where each element of an output comes from one element of the input at most (an index, a
broadcast), pushing numbers forward tells. Numbers are moved digit by digit, so that they are exact in every dtype, and
one more pass, with random numbers, proves that it was so: a sum of several would give something else.

A complex element has one set, of what its real or its imaginary part depends on. What pulls it back is real-linear, so
vectors are sent along 1 and along i, and a set is the union of what the two find.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _core
from .._core import Tensor
from ..autograd import enable_grad, grad, no_grad
from ..dtypes import complex128, float64
from ..operators.creation import tensor, zeros
from .sets import named, union

# Of a number that is exact.
BITS = {"float64": 52, "float32": 23, "float16": 10, "bfloat16": 7, "complex128": 52, "complex64": 23}


class Varies(Exception):
    """What was found depends on the values of the arguments (where the pattern has to hold for all of them)."""


def plain(t: Tensor, varies: bool = True) -> Any:
    """The values as a flat NumPy array of float64 or complex128; Varies for what differs from entry to entry of a vmap.

    Where it is known not to vary, an axis that it has all the same is taken away.
    """
    axes = _core.mapped_axes(t)
    if axes and varies:
        raise Varies
    for level, size in axes:
        t = _core.unmap_axis(t.detach(), level, 0, size)[0]
    return t.detach().to(complex128 if t.dtype.is_complex else float64).numpy().reshape(-1)


def is_differentiable(dtype: Any) -> bool:
    """Whether elements have derivatives."""
    return bool(dtype.is_floating_point or dtype.is_complex)


def directions(*dtypes: Any) -> tuple[complex, ...]:
    """What spans the values of these dtypes, over the real numbers."""
    return (1.0, 1j) if any(dtype.is_complex for dtype in dtypes) else (1.0,)


def converted(array: Any, dtype: Any) -> Tensor:
    """An array as a tensor; its real part for a real dtype."""
    return tensor(array if dtype.is_complex else array.real).to(dtype)


def shape_of(node: Any, output: int) -> tuple[int, ...]:
    """The shape of a node's output."""
    return tuple(node._outputs[output][0])


class Outputs:
    """The outputs of a node that are differentiated, one after the other, as one vector."""

    def __init__(self, node: Any, wanted: list[int]) -> None:
        self.node, self.wanted = node, wanted
        about = node._outputs
        self.count, self.first, self.shapes, self.dtypes = len(about), {}, {}, {}
        total = 0
        for j in wanted:
            self.shapes[j], self.dtypes[j] = tuple(about[j][0]), about[j][1]
            self.first[j] = total
            total += math.prod(self.shapes[j])
        self.total = total

    def bits(self) -> int:
        """Of the integers that all outputs' dtypes hold."""
        return min(BITS.get(str(dtype).split(".")[-1], 7) for dtype in self.dtypes.values())

    def split(self, vector: Any) -> tuple[Tensor | None, ...]:
        """A vector as gradients of the outputs."""
        found: list[Tensor | None] = [None] * self.count
        for j in self.wanted:
            size = math.prod(self.shapes[j])
            part = vector[self.first[j] : self.first[j] + size].reshape(self.shapes[j])
            found[j] = converted(part, self.dtypes[j])
        return tuple(found)

    def directions(self) -> tuple[complex, ...]:
        """What spans their values, over the real numbers."""
        return directions(*self.dtypes.values())

    def variables(self) -> tuple[Tensor | None, ...]:
        """Gradients of the outputs as variables, which are zero."""
        return tuple(
            _core.require_grad(zeros(self.shapes[j], dtype=self.dtypes[j])) if j in self.wanted else None
            for j in range(self.count)
        )


def _resolved(apply: Any, count: int, bits: int, ends: Any = None) -> list[Any]:
    """For a linear `apply` of vectors of this length: which of its elements each result takes, -1 for none.

    Results are several, which end at `ends`; there is None for one that is no motion of elements.
    """
    factor = apply(np.ones(count))
    there, divisor = factor != 0, np.where(factor != 0, factor, 1.0)
    found, base, numbers = np.zeros(len(factor)), 2 ** (bits - 1), np.arange(count)
    place = 1
    while True:
        found += np.rint((apply((numbers // place % base).astype(float)) / divisor).real) * place
        place *= base
        if place >= count:
            break
    random = np.random.default_rng(0).integers(1, 2**bits, count).astype(float)
    within = (found >= 0) & (found < max(count, 1)) & there
    chosen = np.where(within, found, 0).astype(np.int64)
    expected = np.where(within, random[chosen] * factor, 0.0) if count else factor
    right = (np.abs(apply(random) - expected) <= 8 * 2.0**-bits * np.abs(expected)) & (within == there)
    chosen[~within] = -1
    parts = np.split(np.arange(len(factor)), ends if ends is not None else [])
    return [chosen[part] if right[part].all() else None for part in parts]


def moved(node: Any, outputs: Outputs, edges: list[int], varies: bool) -> dict[int, Any]:
    """For each edge what the elements of all outputs take from that operand, as an array of places or as sets, and the
    shape that the operand is broadcast to.

    `varies` says whether the places depend on the arguments. An edge is left out if nothing goes there, and None stands
    for what is no motion of elements.
    """
    found: dict[int, Any] = {}
    with no_grad():
        first = node._pull(outputs.split(np.ones(outputs.total)))
        wanted = [edge for edge in edges if first[edge] is not None]
        ends = np.cumsum([first[edge].numel() for edge in wanted[:-1]])

        def pulled(vector: Any) -> Any:
            every = node._pull(outputs.split(vector))
            return np.concatenate([plain(every[edge], varies) for edge in wanted])

        passes = [
            _resolved(lambda v, along=along: pulled(along * v), outputs.total, outputs.bits(), ends)
            for along in (outputs.directions() if wanted else ())
        ]
    for edge, *mine in zip(wanted, *passes):
        shape = tuple(first[edge].shape)
        if any(places is None for places in mine):
            found[edge] = _pushed(node, outputs, edge, varies), shape
            continue
        of_all = None
        for places in mine:
            ins = np.flatnonzero(places >= 0)
            of_all = union(of_all, named(places[ins], ins, (outputs.total, len(places))))
        found[edge] = of_all, shape
    return found


def _pushed(node: Any, outputs: Outputs, edge: int, varies: bool) -> Any:
    """The places that outputs take their elements from, by the transposed pullback; None if it is no motion."""
    with enable_grad():
        seeds = outputs.variables()
        back = node._pull(seeds)[edge]
        if back is None or not back.requires_grad:
            return None
        wanted = [s for s in seeds if s is not None]

        def push(vector: Any) -> Any:
            weight = converted(vector.reshape(tuple(back.shape)), back.dtype)
            parts = grad([back], wanted, [weight], retain_graph=True, allow_unused=True)
            return np.concatenate(
                [np.zeros(s.numel()) if p is None else plain(p, varies) for p, s in zip(parts, wanted)]
            )

        passes = [
            _resolved(lambda v, along=along: push(along * v), back.numel(), outputs.bits())[0]
            for along in directions(back.dtype)
        ]
    if len(passes) == 1 or any(places is None for places in passes):
        return None if any(places is None for places in passes) else passes[0]
    of_all = None
    for places in passes:
        outs = np.flatnonzero(places >= 0)
        of_all = union(of_all, named(outs, places[outs], (outputs.total, back.numel())))
    return of_all
