"""Paths: where in a tree a leaf stands, as the keys that lead to it from the root."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .containers import MAPPINGS, NODES, kind_of
from .tree import TreeSpec, tree_structure

__all__ = [
    "GetAttrKey",
    "MappingKey",
    "SequenceKey",
    "key_get",
    "keystr",
    "tree_flatten_with_path",
    "tree_leaves_with_path",
    "tree_map_with_path",
]

Predicate = Callable[[Any], bool]


class SequenceKey(NamedTuple):
    """A position in a sequence.

    Example:
        >>> from pullback.func.paths import SequenceKey
        >>> str(SequenceKey(2)), SequenceKey(2).get("abc")
        ('[2]', 'c')
    """

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence: Any) -> Any:
        """What stands there in `sequence`."""
        return sequence[self.idx]


class MappingKey(NamedTuple):
    """A key of a mapping.

    Example:
        >>> from pullback.func.paths import MappingKey
        >>> str(MappingKey("a")), MappingKey("a").get({"a": 1})
        ("['a']", 1)
    """

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping: Any) -> Any:
        """What stands there in `mapping`."""
        return mapping[self.key]


class GetAttrKey(NamedTuple):
    """The name of an attribute.

    Example:
        >>> from pullback.func.paths import GetAttrKey
        >>> str(GetAttrKey("real")), GetAttrKey("real").get(3)
        ('.real', 3)
    """

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj: Any) -> Any:
        """What `obj` has under this name."""
        return getattr(obj, self.name)


def _keys(tree: Any, kind: Any) -> Any:
    if kind in MAPPINGS:
        return [MappingKey(key) for key in tree]
    if kind is namedtuple:
        return [GetAttrKey(field) for field in tree._fields]
    keys = NODES[kind].keys
    if keys is not None:
        return keys(tree)
    if issubclass(kind, tuple | list) or kind.__name__ == "deque":
        return [SequenceKey(i) for i in range(len(tree))]
    raise ValueError(
        f"Did not find a flatten_with_keys_fn for type: {kind}. "
        "Please pass a flatten_with_keys_fn argument to register_pytree_node."
    )


def _walk(path: tuple[Any, ...], tree: Any, is_leaf: Predicate | None) -> Iterator[tuple[Any, Any]]:
    kind = kind_of(tree)
    if (is_leaf is not None and is_leaf(tree)) or kind not in NODES:
        yield path, tree
        return
    for key, child in zip(_keys(tree, kind), NODES[kind].flatten(tree)[0]):
        yield from _walk((*path, key), child, is_leaf)


def tree_leaves_with_path(tree: Any, is_leaf: Predicate | None = None) -> list[tuple[Any, Any]]:
    """Pairs of a path and the leaf that it leads to.

    Raises ValueError for a registered container that was given no keys.

    Example:
        >>> from pullback.func.paths import tree_leaves_with_path
        >>> tree_leaves_with_path({"a": [1]})
        [((MappingKey(key='a'), SequenceKey(idx=0)), 1)]
    """
    return list(_walk((), tree, is_leaf))


def tree_flatten_with_path(
    tree: Any, is_leaf: Predicate | None = None
) -> tuple[list[tuple[Any, Any]], TreeSpec]:
    """The leaves of a tree, each with the path to it, and the structure.

    Raises ValueError for a registered container that was given no keys.

    Example:
        >>> from pullback.func.paths import tree_flatten_with_path
        >>> tree_flatten_with_path((1,))
        ([((SequenceKey(idx=0),), 1)], TreeSpec(tuple, None, [*]))
    """
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(
    func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Predicate | None = None
) -> Any:
    """As `tree_map`, of a function that gets the path first.

    Raises ValueError for a registered container that was given no keys.

    Example:
        >>> from pullback.func.paths import keystr, tree_map_with_path
        >>> tree_map_with_path(lambda path, leaf: keystr(path), {"a": [1, 2]})
        {'a': ["['a'][0]", "['a'][1]"]}
    """
    found, spec = tree_flatten_with_path(tree, is_leaf)
    parts = [spec.flatten_up_to(rest) for rest in rests]
    return spec.unflatten([func(path, leaf, *xs) for (path, leaf), *xs in zip(found, *parts)])


def keystr(kp: Any) -> str:
    """A path as Python would write it.

    Example:
        >>> from pullback.func.paths import MappingKey, SequenceKey, keystr
        >>> keystr((MappingKey("a"), SequenceKey(0)))
        "['a'][0]"
    """
    return "".join([str(key) for key in kp])


def key_get(obj: Any, kp: Any) -> Any:
    """What a path leads to in `obj`.

    Example:
        >>> from pullback.func.paths import MappingKey, SequenceKey, key_get
        >>> key_get({"a": [7]}, (MappingKey("a"), SequenceKey(0)))
        7
    """
    for key in kp:
        obj = key.get(obj)
    return obj
