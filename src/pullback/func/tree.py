"""Trees: nested tuples, lists, dictionaries and whatever is registered, with leaves that nobody looks into.

    leaves, spec = tree_flatten({"w": a, "b": [c, d]})       [a, c, d], and where each was
    tree_unflatten(leaves, spec)                              the same tree of other leaves

Which containers there are is said in containers.py; everything else is a leaf. `pullback.utils._pytree` has these functions
under the names that PyTorch's has, and what is built from them.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .containers import (
    BUILT_IN,
    MAPPINGS,
    NODES,
    kind_of,
    register_dataclass,
    register_pytree_node,
)

__all__ = [
    "TreeSpec",
    "register_dataclass",
    "register_pytree_node",
    "tree_flatten",
    "tree_is_leaf",
    "tree_iter",
    "tree_leaves",
    "tree_map",
    "tree_structure",
    "tree_unflatten",
]

Predicate = Callable[[Any], bool]


class TreeSpec:
    """What a tree is without its leaves: the type of its root, what else its root knows, the specs of its children.

    `type` is None for a leaf. Equal specs belong to trees of one structure.

    Example:
        >>> from pullback.func.tree import tree_structure
        >>> spec = tree_structure({"w": 1, "b": [2, 3]})
        >>> spec.num_leaves, spec == tree_structure({"w": 4, "b": [5, 6]})
        (3, True)
        >>> spec.unflatten("xyz")
        {'w': 'x', 'b': ['y', 'z']}
    """

    __slots__ = ("_children", "context", "num_children", "num_leaves", "num_nodes", "type")

    type: Any
    context: Any
    num_children: int
    num_leaves: int
    num_nodes: int
    _children: list[TreeSpec]

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type = type
        self.context = context
        self._children = children_specs
        self.num_children = len(children_specs)
        if type is None:
            self.num_leaves = self.num_nodes = 1
        else:
            self.num_leaves = sum([child.num_leaves for child in children_specs])
            self.num_nodes = 1 + sum([child.num_nodes for child in children_specs])

    def is_leaf(self) -> bool:
        """Whether the root is a leaf.

        Example:
            >>> from pullback.func.tree import tree_structure
            >>> tree_structure(3).is_leaf(), tree_structure([3]).is_leaf()
            (True, False)
        """
        return self.type is None

    def children(self) -> list[TreeSpec]:
        """The specs of the root's children, in a list of its own.

        Example:
            >>> from pullback.func.tree import tree_structure
            >>> tree_structure((1, [2])).children()
            [*, TreeSpec(list, None, [*])]
        """
        return list(self._children)

    @property
    def children_specs(self) -> list[TreeSpec]:
        """As `children()`, an older name.

        Example:
            >>> from pullback.func.tree import tree_structure
            >>> tree_structure((1, [2])).children_specs
            [*, TreeSpec(list, None, [*])]
        """
        return self.children()

    def child(self, index: int) -> TreeSpec:
        """The spec of one child of the root. IndexError where there are fewer.

        Example:
            >>> from pullback.func.tree import tree_structure
            >>> tree_structure((1, [2])).child(1)
            TreeSpec(list, None, [*])
        """
        return self._children[index]

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The tree of this structure with these leaves. ValueError for another number of them.

        Example:
            >>> from pullback.func.tree import tree_structure
            >>> tree_structure((1, [2])).unflatten("ab")
            ('a', ['b'])
        """
        leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec refers to a pytree that "
                f"holds {self.num_leaves} items ({self})."
            )
        return leaves[0] if self.type is None else self._build(iter(leaves))

    def _build(self, leaves: Iterator[Any]) -> Any:
        if self.type is None:
            return next(leaves)
        return NODES[self.type].unflatten([child._build(leaves) for child in self._children], self.context)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """The parts of a tree that begins as this structure does, where the leaves are here.

        ValueError for a tree that begins otherwise. Dictionaries of any kind go together if they have the same keys.

        Example:
            >>> from pullback.func.tree import tree_structure
            >>> tree_structure({"a": 0, "b": 0}).flatten_up_to({"b": (1, 2), "a": 3})
            [3, (1, 2)]
        """
        found: list[Any] = []
        self._take(tree, found)
        return found

    def _take(self, tree: Any, found: list[Any]) -> None:
        if self.type is None:
            found.append(tree)
            return
        kind = kind_of(tree)
        mappings = self.type in MAPPINGS and kind in MAPPINGS
        if kind is not self.type and not mappings:
            what = "Node type mismatch" if self.type in BUILT_IN else "Type mismatch"
            raise ValueError(f"{what}; expected {self.type!r}, but got {kind!r}.")
        children, context = NODES[kind].flatten(tree)
        children = list(children)
        if len(children) != self.num_children:
            raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(children)}.")
        if mappings:
            keys = self.context[1] if self.type is defaultdict else self.context
            missing, extra = set(keys) - set(tree), set(tree) - set(keys)
            if missing or extra:
                said = f"; missing key(s): {missing}" if missing else ""
                raise ValueError(f"Node keys mismatch{said}{f'; extra key(s): {extra}' if extra else ''}.")
            children = [tree[key] for key in keys]
        elif kind is not deque and context != self.context:
            raise ValueError(
                f"Node context mismatch for {'' if kind in BUILT_IN else 'custom '}node type {self.type!r}; expected "
                f"{self.context!r}, but got {context!r}."
            )
        for spec, child in zip(self._children, children):
            spec._take(child, found)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, TreeSpec):
            return NotImplemented
        return (
            self.type is other.type
            and self.num_leaves == other.num_leaves
            and bool(self.context == other.context)
            and self._children == other._children
        )

    def __hash__(self) -> int:
        return hash((self.type, self.num_leaves, tuple(self._children)))

    def __repr__(self) -> str:
        return self._text(0)

    def _text(self, indent: int) -> str:
        if self.type is None:
            return "*"
        indent += 2
        children = (",\n" + " " * indent).join([child._text(indent) for child in self._children])
        return f"TreeSpec({self.type.__name__}, {self.context}, [{children}])"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_leaf, ()) if self.type is None else (TreeSpec, (self.type, self.context, self._children))


LEAF = TreeSpec(None, None, [])


def _leaf() -> TreeSpec:
    return LEAF


# ---- taking apart, putting together ------------------------------------------------------------------------


def tree_is_leaf(tree: Any, is_leaf: Predicate | None = None) -> bool:
    """Whether a tree is a leaf: no container that is known, or one that `is_leaf` says is to be left alone.

    Example:
        >>> from pullback.func.tree import tree_is_leaf
        >>> tree_is_leaf(None), tree_is_leaf([1, 2]), tree_is_leaf((1, 2), is_leaf=lambda t: type(t) is tuple)
        (True, False, True)
    """
    return (is_leaf is not None and is_leaf(tree)) or kind_of(tree) not in NODES


def _flatten(tree: Any, is_leaf: Predicate | None, leaves: list[Any]) -> TreeSpec:
    if is_leaf is not None and is_leaf(tree):
        leaves.append(tree)
        return LEAF
    kind = kind_of(tree)
    container = NODES.get(kind)
    if container is None:
        leaves.append(tree)
        return LEAF
    children, context = container.flatten(tree)
    return TreeSpec(kind, context, [_flatten(child, is_leaf, leaves) for child in children])


def tree_flatten(tree: Any, is_leaf: Predicate | None = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree, and its structure.

    Example:
        >>> from pullback.func.tree import tree_flatten
        >>> tree_flatten([1, (2, None)])
        ([1, 2, None], TreeSpec(list, None, [*,
          TreeSpec(tuple, None, [*,
            *])]))
    """
    leaves: list[Any] = []
    return leaves, _flatten(tree, is_leaf, leaves)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree of a structure with other leaves.

    Raises ValueError for another number of leaves, TypeError for what is no TreeSpec.

    Example:
        >>> from pullback.func.tree import tree_flatten, tree_unflatten
        >>> leaves, spec = tree_flatten({"a": 1, "b": (2, 3)})
        >>> tree_unflatten([10 * x for x in leaves], spec)
        {'a': 10, 'b': (20, 30)}
    """
    if not isinstance(treespec, TreeSpec):
        if not isinstance(leaves, TreeSpec):
            raise TypeError(
                f"Expected `treespec` to be an instance of PyTreeSpec but got item of type {type(treespec)}."
            )
        leaves, treespec = treespec, leaves  # PyTorch takes both orders
    return treespec.unflatten(leaves)


def tree_iter(tree: Any, is_leaf: Predicate | None = None) -> Iterator[Any]:
    """The leaves of a tree, one by one.

    Example:
        >>> from pullback.func.tree import tree_iter
        >>> next(tree_iter([(1, 2), 3]))
        1
    """
    if is_leaf is not None and is_leaf(tree):
        yield tree
        return
    container = NODES.get(kind_of(tree))
    if container is None:
        yield tree
        return
    for child in container.flatten(tree)[0]:
        yield from tree_iter(child, is_leaf)


def tree_leaves(tree: Any, is_leaf: Predicate | None = None) -> list[Any]:
    """The leaves of a tree.

    Example:
        >>> from pullback.func.tree import tree_leaves
        >>> tree_leaves({"a": 1, "b": [2, None]})
        [1, 2, None]
    """
    return list(tree_iter(tree, is_leaf))


def tree_structure(tree: Any, is_leaf: Predicate | None = None) -> TreeSpec:
    """The structure of a tree.

    Example:
        >>> from pullback.func.tree import tree_structure
        >>> tree_structure([1, 2]) == tree_structure([3, 4])
        True
    """
    return _flatten(tree, is_leaf, [])


class _Star:
    def __repr__(self) -> str:
        return "*"


def pictured(treespec: TreeSpec) -> str:
    """The structure as the tree that it is of, with a star for each leaf.

    Example:
        >>> from pullback.func.tree import pictured, tree_structure
        >>> pictured(tree_structure({"a": 1, "b": (2, None)}))
        "{'a': *, 'b': (*, *)}"
    """
    return repr(treespec.unflatten([_Star()] * treespec.num_leaves))


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Predicate | None = None) -> Any:
    """The tree of what `func` makes of each leaf, and of the parts of the `rests` that stand where the leaf stands.

    Raises ValueError for one of the `rests` that does not begin as `tree` does.

    Example:
        >>> from pullback.func.tree import tree_map
        >>> tree_map(lambda x, y: x * y, {"a": 1, "b": [2]}, {"a": 10, "b": [20]})
        {'a': 10, 'b': [40]}
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    return spec.unflatten(map(func, leaves, *[spec.flatten_up_to(rest) for rest in rests]))
