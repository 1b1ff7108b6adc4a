"""Containers, which trees are made of, and how others are registered.

One table, `NODES`, says for a type how to take it apart and how to put it together. Everything else is a leaf: tensors,
numbers, None, and subclasses of the containers too, which may mean anything; only named tuples need no entry of their own.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .. import _core


class Container(NamedTuple):
    """How a container comes apart (its children, and what else there is to know of it) and together; and its keys."""

    flatten: Callable[[Any], tuple[Iterable[Any], Any]]
    unflatten: Callable[[Iterable[Any], Any], Any]
    keys: Callable[[Any], Iterable[Any]] | None = None  # PyTorch's entries of a path, one a child
    name: str | None = None  # in a file
    dump: Callable[[Any], Any] | None = None
    load: Callable[[Any], Any] | None = None


NODES: dict[Any, Container] = {
    tuple: Container(lambda t: (t, None), lambda children, _: tuple(children), name="builtins.tuple"),
    list: Container(lambda t: (t, None), lambda children, _: list(children), name="builtins.list"),
    dict: Container(
        lambda t: (t.values(), list(t)),
        lambda children, keys: dict(zip(keys, children)),
        name="builtins.dict",
    ),
    # All named tuples are of this one kind.
    namedtuple: Container(
        lambda t: (t, type(t)), lambda children, kind: kind(*children), name="collections.namedtuple"
    ),
    OrderedDict: Container(
        lambda t: (t.values(), list(t)),
        lambda children, keys: OrderedDict(zip(keys, children)),
        name="collections.OrderedDict",
    ),
    defaultdict: Container(
        lambda t: (t.values(), [t.default_factory, list(t)]),
        lambda children, about: defaultdict(about[0], zip(about[1], children)),
        name="collections.defaultdict",
    ),
    deque: Container(
        lambda t: (t, t.maxlen), lambda children, length: deque(children, length), name="collections.deque"
    ),
}
BUILT_IN = frozenset(NODES)
MAPPINGS = frozenset({dict, OrderedDict, defaultdict})


def is_namedtuple_class(cls: Any) -> bool:
    """Whether `cls` is a class that `collections.namedtuple` or `typing.NamedTuple` made."""
    if not (isinstance(cls, type) and issubclass(cls, tuple)):
        return False
    fields = getattr(cls, "_fields", None)
    return (
        isinstance(fields, tuple)
        and all(type(field) is str for field in fields)
        and callable(getattr(cls, "_make", None))
        and callable(getattr(cls, "_asdict", None))
    )


def kind_of(tree: Any) -> Any:
    """The key of `NODES` for the root of a tree, if it is there."""
    kind = type(tree)
    if kind not in NODES and isinstance(tree, tuple):
        if is_namedtuple_class(kind):
            return namedtuple
        if _core.return_types.get(kind.__name__) is kind:
            _register_results(kind)
    return kind


def _register_results(kind: Any) -> None:
    """The named results of max, sort and their like; those of modules that are loaded later come later."""
    register_pytree_node(kind, lambda t: (list(t), type(t)), lambda children, kind: kind(children))


def register_pytree_node(
    cls: type[Any],
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    *,
    serialized_type_name: str | None = None,
    to_dumpable_context: Callable[[Any], Any] | None = None,
    from_dumpable_context: Callable[[Any], Any] | None = None,
    flatten_with_keys_fn: Callable[[Any], Any] | None = None,
) -> None:
    """Make instances of `cls` containers: trees go on inside of them.

    Args:
        cls: the type, exactly; subclasses of it stay leaves.
        flatten_fn: gives the children of an instance, and a context: whatever else is needed to make it again.
            Contexts are compared with ``==``.
        unflatten_fn: makes an instance from children and a context.
        serialized_type_name, to_dumpable_context, from_dumpable_context: for `treespec_dumps`.
        flatten_with_keys_fn: gives the children as pairs with their keys, and the context, for paths.

    Raises ValueError for a type that is registered already, and where one of the two functions for contexts is missing.

    Example:
        >>> from pullback.func.tree import register_pytree_node, tree_map
        >>> class Pair:
        ...     def __init__(self, a, b):
        ...         self.a, self.b = a, b
        >>> register_pytree_node(Pair, lambda p: ((p.a, p.b), None), lambda children, _: Pair(*children))
        >>> doubled = tree_map(lambda x: 2 * x, Pair(1, 2))
        >>> doubled.a, doubled.b
        (2, 4)
    """
    if cls in NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    if (to_dumpable_context is None) != (from_dumpable_context is None):
        raise ValueError(
            f"Both to_dumpable_context and from_dumpable_context for {cls} must be None or registered."
        )
    NODES[cls] = Container(
        flatten_fn,
        unflatten_fn,
        (lambda tree: [key for key, _ in flatten_with_keys_fn(tree)[0]]) if flatten_with_keys_fn else None,
        serialized_type_name,
        to_dumpable_context,
        from_dumpable_context,
    )


def register_dataclass(
    cls: type[Any],
    *,
    field_names: list[str] | None = None,
    drop_field_names: list[str] | None = None,
    serialized_type_name: str | None = None,
) -> None:
    """Make instances of a dataclass containers of their fields. A field that is None is part of the structure.

    Args:
        cls: a dataclass, or a class whose constructor takes `field_names`.
        field_names: the fields that hold children; all of a dataclass that its constructor takes if left out.
        drop_field_names: fields of a dataclass that are left away.

    Raises ValueError where `field_names` are missing, or not those of the dataclass.

    Example:
        >>> import dataclasses
        >>> from pullback.func.tree import register_dataclass
        >>> @dataclasses.dataclass
        ... class Point:
        ...     x: pb.Tensor
        ...     y: pb.Tensor
        >>> register_dataclass(Point)
        >>> pb.func.grad(lambda p: p.x * p.y)(Point(pb.tensor(2.0), pb.tensor(3.0)))
        Point(x=tensor(3.), y=tensor(2.))
    """
    import dataclasses

    if not dataclasses.is_dataclass(cls):
        if field_names is None:
            raise ValueError(
                f"field_names must be specified with a list of all fields used to initialize {cls}, as it is not a "
                f"dataclass."
            )
    else:
        fields = [field.name for field in dataclasses.fields(cls) if field.init]
        fields = [name for name in fields if name not in (drop_field_names or ())]
        if field_names is not None and set(fields) != set(field_names):
            missing, unexpected = set(fields) - set(field_names), set(field_names) - set(fields)
            said = "field_names does not include all dataclass fields.\n"
            if missing:
                said += (
                    f"Missing fields in `field_names`: {missing}. Add them there or to `drop_field_names`.\n"
                )
            if unexpected:
                said += f"Unexpected fields in `field_names`: {unexpected}. Remove them, or drop them.\n"
            raise ValueError(said)
        field_names = fields if field_names is None else field_names
    names = list(field_names)

    def flatten(tree: Any) -> tuple[list[Any], Any]:
        there = [name for name in names if getattr(tree, name) is not None]
        return [getattr(tree, name) for name in there], [there, [name for name in names if name not in there]]

    def unflatten(children: Iterable[Any], context: Any) -> Any:
        return cls(**dict(zip(context[0], children)), **dict.fromkeys(context[1]))

    def flatten_with_keys(tree: Any) -> tuple[list[tuple[Any, Any]], Any]:
        from .paths import GetAttrKey

        children, context = flatten(tree)
        return [(GetAttrKey(name), child) for name, child in zip(context[0], children)], context

    register_pytree_node(
        cls,
        flatten,
        unflatten,
        serialized_type_name=serialized_type_name,
        flatten_with_keys_fn=flatten_with_keys,
    )
