"""A linear map applied to every unit vector: what Jacobians are made of, by rows or by columns.

All unit vectors go through the map together, as the entries of a batch (`vmap`): what they meet on the way, recorded
nodes or the function itself, is walked once. One vector needs no batch; a few of many elements go one by one, since
expressions fuse with what is walked in the same order, and only that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from ..operators.creation import ones, zeros
from ..operators.generators import get_rng_state, set_rng_state
from ..operators.joining import cat
from .arguments import Chosen
from .batch import over_first

Linear = Callable[[Tensor], list[Tensor]]

FEW, LARGE = 4, 4096  # up to so many vectors go one by one where a result has so many elements


def columns(
    linear: Linear,
    like: Tensor,
    chunk_size: int | None = None,
    randomness: str = "same",
    large: int = LARGE,
) -> list[Tensor]:
    """What `linear` makes of each unit vector of tensors like `like`: results stacked along a new first dimension.

    `like` has an element at least. No more than `chunk_size` vectors go together.
    """
    blocks: list[list[Tensor]] = []
    count, done = like.numel(), 0
    while done < count:
        length = min(count - done, chunk_size or count)
        if count <= FEW and (not blocks or _elements(blocks[0]) >= large):
            length = 1
        together = _together(linear, like, done, length, randomness) if length > 1 else None
        if together is None:
            blocks += [_alone(linear, like, k) for k in range(done, done + length)]
        else:
            blocks.append(together)
        done += length
    return [cat(parts) for parts in zip(*blocks)] if len(blocks) > 1 else blocks[0]


def columns_by_leaf(
    push: Callable[[list[Tensor | None]], list[Tensor]],
    leaves: Sequence[Tensor],
    chunk_size: int | None = None,
    randomness: str = "same",
) -> list[list[Tensor] | None]:
    """For each leaf what `push` makes of its unit vectors, with None in place of other leaves; None if it has no elements."""

    def block(index: int) -> list[Tensor] | None:
        def linear(seed: Tensor) -> list[Tensor]:
            return push([seed if k == index else None for k in range(len(leaves))])

        x = leaves[index]
        return columns(linear, x, chunk_size, randomness) if x.numel() else None

    return [block(index) for index in range(len(leaves))]


def rows(blocks: Sequence[list[Tensor] | None], outputs: Sequence[Tensor], chosen: Chosen) -> list[Any]:
    """For each output a tree of tensors of the shape ``output.shape + leaf.shape``, from the blocks of all leaves."""
    return [
        chosen.tree(
            [
                zeros(*y.shape, *x.shape, dtype=y.dtype)
                if block is None
                else block[k].movedim(0, -1).reshape(*y.shape, *x.shape)
                for block, x in zip(blocks, chosen.leaves)
            ]
        )
        for k, y in enumerate(outputs)
    ]


def _alone(linear: Linear, like: Tensor, k: int) -> list[Tensor]:
    """The results of one unit vector, each after a dimension of size 1, and in memory of its own."""
    if like.numel() == 1:
        return _core.as_rows(linear(ones(like.shape, dtype=like.dtype)))
    seed = zeros(like.numel(), dtype=like.dtype)
    seed[k] = 1.0
    return _core.as_rows(linear(seed.view(like.shape)))


def _together(linear: Linear, like: Tensor, start: int, length: int, randomness: str) -> list[Tensor] | None:
    """The results of `length` unit vectors from `start` on; None if they have to go one by one."""
    seeds = _core.unit_vectors(like, start, length)
    try:
        found = over_first(linear, seeds, randomness)
    except RuntimeError as error:
        if of_the_batch(error):
            return None
        raise
    return [t.contiguous() for t in found]  # what does not vary has one entry for all until then


def of_the_batch(error: RuntimeError) -> bool:
    """Whether entries one by one may do: a rule of somebody's looks at values, or chooses elements by them."""
    return isinstance(error, _core.MappedError) or str(error).startswith("vmap: ")


def _elements(found: list[Tensor]) -> int:
    """How many numbers the largest of these is, those of all entries of open vmaps."""
    return max([t.numel() * math.prod(size for _, size in _core.mapped_axes(t)) for t in found], default=0)


def first_entry(tree_leaf: Any) -> Any:
    """A leaf for the first entry of the innermost vmap, where it varies there."""
    level, size, _ = _core.open_maps()[-1]
    if not any(axis == level for axis, _ in _core.mapped_axes(tree_leaf)):
        return tree_leaf
    return _core.unmap_axis(tree_leaf, level, 0, size)[0]


class Draws:
    """What random draws of a function may do while it is evaluated for each vector."""

    def __init__(self, randomness: str) -> None:
        self.randomness = randomness
        self.before: Any = None

    def __enter__(self) -> None:
        if self.randomness == "same" and self.before is not None:
            set_rng_state(self.before)
        elif self.randomness != "different":
            self.before = get_rng_state()

    def __exit__(self, kind: Any, *error: object) -> None:
        if self.randomness == "error" and kind is None and not get_rng_state().equal(self.before):
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                "'different' randomness flags on vmap or perform the randomness operation out of vmap"
            )
