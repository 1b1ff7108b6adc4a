"""The parts of PyTorch's `torch.utils._pytree` that libraries import although they are not public: its table of containers,
the functions that take the built-in ones apart, and trees that are spread over others.
"""

from __future__ import annotations

import types
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any, NamedTuple, Protocol

from ..func.containers import BUILT_IN, MAPPINGS, NODES, kind_of, register_pytree_node
from ..func.paths import tree_flatten_with_path
from ..func.tree import LEAF, TreeSpec, tree_is_leaf

__all__ = ["KeyEntry", "KeyPath", "NodeDef", "is_constant_class", "map_only", "register_constant"]

Predicate = Callable[[Any], bool]
STANDARD_DICT_TYPES = MAPPINGS
BUILTIN_TYPES = BUILT_IN
_LEAF_SPEC = LEAF


class KeyEntry(Protocol):
    """One step of a path: it can be hashed, compared and written, and finds its child.

    Example:
        >>> from pullback.utils._pytree import SequenceKey
        >>> SequenceKey(1).get([10, 20])
        20
    """

    def __hash__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    def __str__(self) -> str: ...
    def get(self, parent: Any) -> Any:
        """The child of `parent`.

        Example:
            >>> from pullback.utils._pytree import MappingKey
            >>> MappingKey("a").get({"a": 1})
            1
        """


KeyPath = tuple[KeyEntry, ...]


class NodeDef(NamedTuple):
    """How a type of containers comes apart and together: an entry of `SUPPORTED_NODES`.

    Example:
        >>> from pullback.utils._pytree import SUPPORTED_NODES
        >>> SUPPORTED_NODES[dict].flatten_fn({"a": 1})
        ([1], ['a'])
    """

    type: Any
    flatten_fn: Callable[[Any], tuple[list[Any], Any]]
    unflatten_fn: Callable[[Iterable[Any], Any], Any]
    flatten_with_keys_fn: Any


class _Nodes(MutableMapping[Any, NodeDef]):
    """The table of containers, as PyTorch has it."""

    def __getitem__(self, kind: Any) -> NodeDef:
        container = NODES[kind]
        return NodeDef(kind, _flattening(kind), container.unflatten, None)

    def __setitem__(self, kind: Any, node: NodeDef) -> None:
        NODES.pop(kind, None)
        register_pytree_node(kind, node.flatten_fn, node.unflatten_fn)

    def __delitem__(self, kind: Any) -> None:
        del NODES[kind]

    def __iter__(self) -> Iterator[Any]:
        return iter(NODES)

    def __len__(self) -> int:
        return len(NODES)


SUPPORTED_NODES = _Nodes()


def _flattening(kind: Any) -> Callable[[Any], tuple[list[Any], Any]]:
    def flatten(tree: Any) -> tuple[list[Any], Any]:
        children, context = NODES[kind].flatten(tree)
        return list(children), context

    return flatten


_dict_flatten, _dict_unflatten = _flattening(dict), NODES[dict].unflatten
_list_flatten, _list_unflatten = _flattening(list), NODES[list].unflatten
_tuple_flatten, _tuple_unflatten = _flattening(tuple), NODES[tuple].unflatten
_namedtuple_flatten, _namedtuple_unflatten = _flattening(namedtuple), NODES[namedtuple].unflatten
_ordereddict_flatten, _ordereddict_unflatten = _flattening(OrderedDict), NODES[OrderedDict].unflatten
_odict_flatten, _odict_unflatten = _ordereddict_flatten, _ordereddict_unflatten
_defaultdict_flatten, _defaultdict_unflatten = _flattening(defaultdict), NODES[defaultdict].unflatten
_deque_flatten, _deque_unflatten = _flattening(deque), NODES[deque].unflatten


def _register_pytree_node(
    cls: Any,
    flatten_fn: Callable[[Any], tuple[list[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    to_str_fn: Any = None,
    maybe_from_str_fn: Any = None,
    **options: Any,
) -> None:
    """The older form of `register_pytree_node`; a type that is registered already is registered anew."""
    NODES.pop(cls, None)
    register_pytree_node(cls, flatten_fn, unflatten_fn, **options)


_private_register_pytree_node = _register_pytree_node


def _deregister_pytree_node(cls: Any) -> None:
    """Make instances of `cls` leaves again."""
    NODES.pop(cls, None)


def _get_node_type(tree: Any) -> Any:
    """The key of `SUPPORTED_NODES` that the root of a tree goes by: its type, or `namedtuple`."""
    return kind_of(tree)


_is_leaf = tree_is_leaf


def _generate_key_paths(
    key_path: tuple[Any, ...], tree: Any, is_leaf: Predicate | None = None
) -> Iterator[Any]:
    """The paths of all leaves, behind `key_path`, with the leaves."""
    for path, leaf in tree_flatten_with_path(tree, is_leaf)[0]:
        yield (*key_path, *path), leaf


def _broadcast_to_and_flatten(
    tree: Any, treespec: TreeSpec, is_leaf: Predicate | None = None
) -> list[Any] | None:
    """The leaves of `tree`, each as often as the structure has leaves where it stands; None if it does not begin so."""
    if tree_is_leaf(tree, is_leaf):
        return [tree] * treespec.num_leaves
    if treespec.is_leaf() or kind_of(tree) is not treespec.type:
        return None
    children, context = NODES[treespec.type].flatten(tree)
    children = list(children)
    if len(children) != treespec.num_children or context != treespec.context:
        return None
    found: list[Any] = []
    for child, spec in zip(children, treespec.children()):
        leaves = _broadcast_to_and_flatten(child, spec, is_leaf)
        if leaves is None:
            return None
        found += leaves
    return found


def map_only(type_or_types_or_pred: Any, /) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """A decorator: the function is applied to what is of some types, or what a predicate chooses; all else is left alone.

    Example:
        >>> from pullback.utils._pytree import map_only
        >>> double = map_only(int)(lambda x: 2 * x)
        >>> double(2), double("a")
        (4, 'a')
    """
    if isinstance(type_or_types_or_pred, type | tuple | types.UnionType):
        chosen: Predicate = lambda value: isinstance(value, type_or_types_or_pred)
    elif callable(type_or_types_or_pred):
        chosen = type_or_types_or_pred
    else:
        raise TypeError("Argument must be a type, a tuple of types, or a callable.")
    return lambda function: lambda value: function(value) if chosen(value) else value


_CONSTANTS: set[Any] = set()


def register_constant(cls: Any) -> None:
    """Make instances of `cls` a part of the structure: they have no leaves, and are compared.

    Raises ValueError for a class without an `__eq__` of its own.

    Example:
        >>> from pullback.utils._pytree import register_constant, tree_flatten
        >>> import fractions
        >>> register_constant(fractions.Fraction)
        >>> tree_flatten([fractions.Fraction(1, 2), 3])[0]
        [3]
        >>> from pullback.utils._pytree import _deregister_pytree_node
        >>> _deregister_pytree_node(fractions.Fraction)
    """
    if cls.__eq__ is object.__eq__:
        raise ValueError(
            "register_constant(cls) expects `cls` to have a non-default `__eq__` implementation: structures are compared by it."
        )
    register_pytree_node(cls, lambda value: ([], value), lambda _, value: value)
    _CONSTANTS.add(cls)


def is_constant_class(cls: Any) -> bool:
    """Whether `register_constant` was told of a class.

    Example:
        >>> from pullback.utils._pytree import is_constant_class
        >>> is_constant_class(int)
        False
    """
    return cls in _CONSTANTS and cls in NODES
