"""`rearrange`: dimensions by name, in the notation of einops."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from .._core import Tensor
from ..operators.joining import stack

__all__ = ["rearrange"]

BARE = ""  # an ellipsis that stands in no brackets
Side = list[list[str]]  # groups of axes; one axis in none is a group of one, and `1` an empty one


def rearrange(tensor: Tensor | Sequence[Tensor], pattern: str, **axes_lengths: int) -> Tensor:
    """Permute, join and split dimensions as a pattern says: ``"b (h w) c -> b c h w"``.

    Names on the left are the dimensions in order, those in brackets lie in one; the right says where they go. ``...`` is
    whatever number of dimensions, ``1`` one of size 1. The result is a view where one can have the shape.

    Args:
        tensor: or a sequence of tensors of one shape, whose position is the first dimension.
        pattern: the same names on both sides of ``->``, each once.
        axes_lengths: sizes of names in brackets; one of each pair of brackets may be left out.

    Raises:
        ValueError: for a pattern that makes no sense, or does not fit the shape.

    Example:
        >>> x = pb.arange(6).reshape(1, 6, 1)
        >>> pb.func.rearrange(x, "b (h w) c -> b c h w", h=2)
        tensor([[[[0, 1, 2],
                  [3, 4, 5]]]])
        >>> pb.func.rearrange(pb.zeros(2, 3, 4), "a ... -> ... a").shape
        pullback.Size([3, 4, 2])
    """
    if not isinstance(tensor, Tensor):
        tensor = stack(list(tensor))
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(f"rearrange: a pattern has one '->' between its sides, got {pattern!r}")
    left, right = _parse(sides[0], pattern), _parse(sides[1], pattern)
    left, right = _written_out(left, right, tensor.ndim, pattern)
    names = [name for group in left for name in group]
    targets = [name for group in right for name in group]
    if sorted(names) != sorted(targets) or len(set(names)) != len(names):
        odd = sorted(set(names) ^ set(targets)) or sorted({n for n in names if names.count(n) > 1})
        raise ValueError(
            f"Identifiers only on one side of expression (should be on both): {set(odd)}, in {pattern!r}"
        )
    sizes = _sizes(left, tuple(tensor.shape), axes_lengths, pattern)
    split = tensor.reshape([sizes[name] for name in names])
    moved = split.permute([names.index(name) for name in targets])
    return moved.reshape([math.prod([sizes[name] for name in group]) for group in right])


def _parse(side: str, pattern: str) -> Side:
    groups: Side = []
    inside = False
    for word in re.findall(r"\.\.\.|\w+|\S", side):
        if word in "()":
            if inside == (word == "("):
                raise ValueError(f"rearrange: brackets do not pair up in {pattern!r}")
            inside = word == "("
            if inside:
                groups.append([])
        elif word != "..." and word != "1" and not word.isidentifier():
            raise ValueError(f"rearrange: {word!r} is no name of an axis, in {pattern!r}")
        elif inside:
            if word != "1":
                groups[-1].append(word)
        else:
            groups.append([] if word == "1" else [BARE if word == "..." else word])
    if inside:
        raise ValueError(f"rearrange: brackets do not pair up in {pattern!r}")
    return groups


def _written_out(left: Side, right: Side, ndim: int, pattern: str) -> tuple[Side, Side]:
    """Both sides with names for the dimensions that an ellipsis stands for."""
    if any("..." in group for group in left):
        raise ValueError(f"rearrange: on the left an ellipsis stands in no brackets, in {pattern!r}")
    has = [BARE] in left
    free = ndim - len(left) + has
    if free < 0 or (not has and free):
        raise ValueError(
            f"Number of dimensions in pattern, {len(left) - has}{' or more' if has else ''}, must be equal to the number "
            f"of dimensions in the tensor, {ndim}: {pattern!r}"
        )
    rest = [f".{i}" for i in range(free)]

    def write(side: Side) -> Side:
        found: Side = []
        for group in side:
            if group == [BARE]:
                found += [[name] for name in rest]
            else:
                found.append([n for name in group for n in (rest if name == "..." else [name])])
        return found

    return write(left), write(right)


def _sizes(left: Side, shape: Sequence[int], given: dict[str, int], pattern: str) -> dict[str, int]:
    known = {name for group in left for name in group}
    if unknown := set(given) - known:
        raise ValueError(f"rearrange: there is no axis {sorted(unknown)[0]!r} in {pattern!r}")
    sizes = dict(given)
    for group, size in zip(left, shape):
        missing = [name for name in group if name not in sizes]
        product = math.prod([sizes[name] for name in group if name in sizes])
        if len(missing) > 1:
            raise ValueError(
                f"rearrange: the sizes of {missing} do not follow from {pattern!r} and shape {tuple(shape)}"
            )
        if missing:
            if not product or size % product:
                raise ValueError(
                    f"rearrange: a dimension of {size} does not split as {pattern!r} says, by {product}"
                )
            sizes[missing[0]] = size // product
        elif product != size:
            raise ValueError(
                f"rearrange: a dimension of {size} is no {group or 1} of {product}, in {pattern!r}"
            )
    return sizes
