"""A linear map applied to every unit vector: what Jacobians are made of, by rows or by columns.

All unit vectors go through the map together, as the entries of a batch (`vmap`): what they meet on the way, recorded
nodes or the function itself, is walked once. One vector needs no batch; a few go one by one through what is recorded, whose
expressions fuse with what is walked in the same order, and only that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from ..operators.creation import ones, zeros
from ..operators.generators import get_rng_state, set_rng_state
from ..operators.joining import cat
from .arguments import Chosen
from .batch import over_first

FEW = 4  # up to so many vectors go one by one through what is recorded

Linear = Callable[[Tensor], list[Tensor]]
Pushed = Callable[[list[Tensor | None]], list[Tensor]]


def columns(linear: Linear, like: Tensor, chunk_size: int | None = None, few: int = FEW) -> list[Tensor]:
    """What `linear` makes of each unit vector of tensors like `like`: results stacked along a new first dimension.

    `like` has an element at least. No more than `chunk_size` vectors go together, and up to `few` one by one.
    """
    blocks: list[list[Tensor]] = []
    count, done = like.numel(), 0
    while done < count:
        length = 1 if count <= few else min(count - done, chunk_size or count)
        seeds = [_core.unit_vectors(like, done, length)] if length > 1 else []
        together = _together(linear, seeds, "same") if seeds else None
        if together is None:
            blocks += [_alone(linear, like, k) for k in range(done, done + length)]
        else:
            blocks.append(together)
        done += length
    return _joined(blocks)


def columns_by_leaf(
    push: Pushed, leaves: Sequence[Tensor], chunk_size: int | None = None
) -> list[list[Tensor] | None]:
    """For each leaf what `push` makes of its unit vectors, with None in place of other leaves; None if it has no elements."""
    return [
        columns(_of_leaf(push, index, len(leaves)), x, chunk_size, few=1) if x.numel() else None
        for index, x in enumerate(leaves)
    ]


def columns_at_once(push: Pushed, leaves: Sequence[Tensor], randomness: str) -> list[list[Tensor] | None]:
    """The same, of all leaves in one call: a unit vector of one leaf is zero in the others."""
    counts = [x.numel() for x in leaves]
    wanted, total = [index for index, count in enumerate(counts) if count], sum(counts)
    found = None
    if total > 1:

        def together(*seeds: Tensor) -> list[Tensor]:
            tangents: list[Tensor | None] = [None] * len(leaves)
            for index, seed in zip(wanted, seeds):
                tangents[index] = seed
            return push(tangents)

        starts = [sum(counts[:index]) for index in wanted]
        seeds = [_core.unit_vectors(leaves[index], -start, total) for index, start in zip(wanted, starts)]
        found = _together(together, seeds, randomness)
    blocks: list[list[Tensor] | None] = [None] * len(leaves)
    for index in wanted:
        x, start = leaves[index], sum(counts[:index])
        linear = _of_leaf(push, index, len(leaves))
        if found is None:
            blocks[index] = _joined([_alone(linear, x, k) for k in range(x.numel())])
        else:
            blocks[index] = [part.narrow(0, start, x.numel()) for part in found] if len(wanted) > 1 else found
    return blocks


def _of_leaf(push: Pushed, index: int, count: int) -> Linear:
    return lambda seed: push([seed if k == index else None for k in range(count)])


def _joined(blocks: list[list[Tensor]]) -> list[Tensor]:
    return [cat(parts) for parts in zip(*blocks)] if len(blocks) > 1 else blocks[0]


def rows(blocks: Sequence[list[Tensor] | None], outputs: Sequence[Tensor], chosen: Chosen) -> list[Any]:
    """For each output a tree of tensors of the shape ``output.shape + leaf.shape``, from the blocks of all leaves."""
    return [
        chosen.tree(
            [
                zeros((*y.shape, *x.shape), dtype=y.dtype)
                if block is None
                else block[k].movedim(0, -1).reshape((*y.shape, *x.shape))
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


def _together(
    linear: Callable[..., list[Tensor]], seeds: Sequence[Tensor], randomness: str
) -> list[Tensor] | None:
    """The results of a batch of vectors; None if they have to go one by one."""
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
