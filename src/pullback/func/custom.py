"""The rule that a Function has for batches, its `vmap`, called in place of `forward` where it meets mapped tensors.

It computes the value alone. What follows, `setup_context`, what is saved, `backward`, `jvp`, sees entries, and is recorded
once: a gradient is what the class's `backward` says of mapped tensors, not what differentiating the rule would give.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import _core
from .._core import Tensor
from .batch import RANDOMNESS, spread
from .entries import axes_of
from .tree import tree_flatten, tree_structure, tree_unflatten

NAMES = {code: name for name, code in RANDOMNESS.items()}


class VmapInfo(NamedTuple):
    """What a rule is told of the vmap around: the number of entries, and what random functions do."""

    batch_size: int
    randomness: str


def value(cls: Any, args: tuple[Any, ...]) -> Any:
    """The value of `cls.forward`, which takes no context, by its rule; the innermost level that `args` vary over goes first.

    The rule runs outside of that level, and so meets what levels further out are left when it applies the class again.
    """
    leaves, spec = tree_flatten(args)
    varying = {axis for leaf in leaves for axis, _ in _core.mapped_axes(leaf)}
    opened = _core.open_maps()
    inside = [place for place, (level, _, _) in enumerate(opened) if level in varying]
    if not inside:
        return cls.forward(*args)
    _require_one(cls)
    level, size, randomness = opened[inside[-1]]
    dims = [0 if (level, size) in axes_of(leaf) else None for leaf in leaves]
    whole = [
        leaf if dim is None else _core.unmap_axis(leaf, level, 0, size) for leaf, dim in zip(leaves, dims)
    ]
    _core.close_map(level)  # what is further in stays: tangents may vary over it
    try:
        result = cls.vmap(
            VmapInfo(size, NAMES[randomness]), tree_unflatten(dims, spec), *tree_unflatten(whole, spec)
        )
    finally:
        for inner, _, _ in opened[inside[-1] + 1 :]:
            _core.close_map(inner)
        for reopened in opened[inside[-1] :]:
            _core.reopen_map(*reopened)
    outputs, out_spec, out_dims = _returned(result)
    # An argument that was written in place is returned as itself.
    own = {id(after): before for before, after in zip(leaves, whole) if isinstance(before, Tensor)}
    found = []
    for output, dim in zip(outputs, out_dims):
        if isinstance(output, Tensor):
            if id(output) in own:
                output = own[id(output)]
            elif dim is not None:
                output = _core.map_axis(output, level, dim)
        found.append(output)
    return tree_unflatten(found, out_spec)


def _require_one(cls: Any) -> None:
    if cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overridden vmap "
            f"staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid "
            f"ambiguity. Without either, forward itself runs on what is mapped."
        )


def _returned(result: Any) -> tuple[list[Any], Any, list[Any]]:
    """(outputs, their tree, dimension or None of each) of what a rule returned, checked."""
    expected = (
        "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure compatible "
        "with the output. "
    )
    if not isinstance(result, tuple):
        raise RuntimeError(f"{expected}Got a {type(result)} instead")
    if len(result) != 2:
        raise RuntimeError(f"{expected}Got {len(result)} returns instead")
    outputs, out_spec = tree_flatten(result[0])
    dims = spread(result[1], out_spec)
    if dims is None:
        raise RuntimeError(
            f"The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) tuple. Expected "
            f"out_dims={result[1]} to be compatible with the structure of `output`. out_dims has structure "
            f"{tree_structure(result[1])} but output has structure {out_spec}."
        )
    return outputs, out_spec, dims
