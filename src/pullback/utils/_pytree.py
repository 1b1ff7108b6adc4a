"""Trees under the names that PyTorch's `torch.utils._pytree` has: `func.tree` and `func.paths`, and what they make up.

Specs are written to text (`treespec_dumps`) in PyTorch's format.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..func.containers import NODES, is_namedtuple_class, register_dataclass, register_pytree_node
from ..func.paths import (
    GetAttrKey,
    MappingKey,
    SequenceKey,
    key_get,
    keystr,
    tree_flatten_with_path,
    tree_leaves_with_path,
    tree_map_with_path,
)
from ..func.tree import (
    LEAF,
    TreeSpec,
    tree_flatten,
    tree_is_leaf,
    tree_iter,
    tree_leaves,
    tree_map,
    tree_structure,
    tree_unflatten,
)
from ..func.tree import (
    pictured as treespec_pprint,
)
from .tree_parts import *  # noqa: F403
from .tree_parts import (  # noqa: F401
    _LEAF_SPEC,
    BUILTIN_TYPES,
    STANDARD_DICT_TYPES,
    SUPPORTED_NODES,
    _broadcast_to_and_flatten,
    _defaultdict_flatten,
    _defaultdict_unflatten,
    _deque_flatten,
    _deque_unflatten,
    _deregister_pytree_node,
    _dict_flatten,
    _dict_unflatten,
    _generate_key_paths,
    _get_node_type,
    _is_leaf,
    _list_flatten,
    _list_unflatten,
    _namedtuple_flatten,
    _namedtuple_unflatten,
    _odict_flatten,
    _odict_unflatten,
    _ordereddict_flatten,
    _ordereddict_unflatten,
    _private_register_pytree_node,
    _register_pytree_node,
    _tuple_flatten,
    _tuple_unflatten,
    map_only,
)

__all__ = [
    "Context",
    "DumpableContext",
    "FlattenFn",
    "FromDumpableContextFn",
    "GetAttrKey",
    "LeafSpec",
    "MappingKey",
    "PyTree",
    "PyTreeSpec",
    "SequenceKey",
    "ToDumpableContextFn",
    "TreeSpec",
    "UnflattenFn",
    "arg_tree_leaves",
    "is_namedtuple",
    "is_namedtuple_class",
    "is_namedtuple_instance",
    "is_structseq",
    "is_structseq_class",
    "is_structseq_instance",
    "key_get",
    "keystr",
    "register_dataclass",
    "register_pytree_node",
    "tree_all",
    "tree_all_only",
    "tree_any",
    "tree_any_only",
    "tree_flatten",
    "tree_flatten_with_path",
    "tree_is_leaf",
    "tree_iter",
    "tree_leaves",
    "tree_leaves_with_path",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_map_only_",
    "tree_map_with_path",
    "tree_structure",
    "tree_unflatten",
    "treespec_dict",
    "treespec_dumps",
    "treespec_leaf",
    "treespec_loads",
    "treespec_pprint",
    "treespec_tuple",
]

PyTree = Any
Context = Any
PyTreeSpec = TreeSpec
Predicate = Callable[[Any], bool]


FlattenFn = Callable[[PyTree], tuple[list[Any], Context]]
UnflattenFn = Callable[[Iterable[Any], Context], PyTree]
DumpableContext = Any  # what JSON can hold
ToDumpableContextFn = Callable[[Context], DumpableContext]
FromDumpableContextFn = Callable[[DumpableContext], Context]


class _Leaf(type):
    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, TreeSpec) and other.type is None


class LeafSpec(TreeSpec, metaclass=_Leaf):
    """The structure of a leaf; ``isinstance(spec, LeafSpec)`` asks for one.

    Example:
        >>> from pullback.utils import _pytree
        >>> _pytree.LeafSpec(), isinstance(_pytree.tree_structure(3), _pytree.LeafSpec)
        (*, True)
    """

    __slots__ = ()

    def __new__(cls) -> TreeSpec:  # type: ignore[misc]
        return LEAF


def treespec_leaf() -> TreeSpec:
    """The structure of a leaf."""
    return LEAF


def treespec_tuple(iterable: Iterable[TreeSpec] = (), /) -> TreeSpec:
    """The structure of a tuple, from those of its elements. ValueError for what is no TreeSpec."""
    children = list(iterable)
    if not all(isinstance(child, TreeSpec) for child in children):
        raise ValueError(f"Expected a tuple of TreeSpec values, got: {children!r}.")
    return TreeSpec(tuple, None, children)


def treespec_dict(
    mapping: Mapping[Any, TreeSpec] | Iterable[tuple[Any, TreeSpec]] = (), /, **kwargs: TreeSpec
) -> TreeSpec:
    """The structure of a dictionary, from those of its values. ValueError for what is no TreeSpec."""
    children = dict(mapping, **kwargs)
    if not all(isinstance(child, TreeSpec) for child in children.values()):
        raise ValueError(f"Expected a dictionary of TreeSpec values, got: {children!r}.")
    return TreeSpec(dict, list(children), list(children.values()))


# ---- some leaves only --------------------------------------------------------------------------------------


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Predicate | None = None) -> Any:
    """Calls `func` on each leaf for what it does, and returns the tree itself."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(
    type_or_types_or_pred: Any, /, func: Callable[[Any], Any], tree: Any, is_leaf: Predicate | None = None
) -> Any:
    """As `tree_map`, of leaves of some types, or which a predicate chooses; the others stay."""
    return tree_map(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_map_only_(
    type_or_types_or_pred: Any, /, func: Callable[[Any], Any], tree: Any, is_leaf: Predicate | None = None
) -> Any:
    """Calls `func` on some of the leaves for what it does, and returns the tree itself."""
    tree_map_only(type_or_types_or_pred, func, tree, is_leaf)
    return tree


def tree_all(pred: Predicate, tree: Any, is_leaf: Predicate | None = None) -> bool:
    """Whether `pred` is true of all leaves."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred: Predicate, tree: Any, is_leaf: Predicate | None = None) -> bool:
    """Whether `pred` is true of any leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(
    type_or_types: Any, /, pred: Predicate, tree: Any, is_leaf: Predicate | None = None
) -> bool:
    """Whether `pred` is true of all leaves of some types."""
    return all(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, type_or_types))


def tree_any_only(
    type_or_types: Any, /, pred: Predicate, tree: Any, is_leaf: Predicate | None = None
) -> bool:
    """Whether `pred` is true of any leaf of some types."""
    return any(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, type_or_types))


def arg_tree_leaves(*args: Any, **kwargs: Any) -> list[Any]:
    """The leaves of the arguments of a call."""
    return tree_leaves((args, tuple(kwargs.values())))


# ---- kinds of tuples ---------------------------------------------------------------------------------------


def is_namedtuple(obj: Any) -> bool:
    """Whether `obj` is a named tuple, or a class of them."""
    return is_namedtuple_class(obj if isinstance(obj, type) else type(obj))


def is_namedtuple_instance(obj: Any) -> bool:
    """Whether `obj` is a named tuple."""
    return is_namedtuple_class(type(obj))


def is_structseq_class(cls: Any) -> bool:
    """Whether `cls` is a class of structures that the interpreter returns, such as `os.stat_result`."""
    counts = ("n_fields", "n_sequence_fields", "n_unnamed_fields")
    return (
        isinstance(cls, type)
        and cls.__bases__ == (tuple,)
        and all(isinstance(getattr(cls, name, None), int) for name in counts)
        and not cls.__flags__ & 1 << 10  # nobody may inherit from it
    )


def is_structseq(obj: Any) -> bool:
    """Whether `obj` is such a structure, or a class of them."""
    return is_structseq_class(obj if isinstance(obj, type) else type(obj))


def is_structseq_instance(obj: Any) -> bool:
    """Whether `obj` is such a structure."""
    return is_structseq_class(type(obj))


# ---- specs as text -----------------------------------------------------------------------------------------


def treespec_dumps(treespec: TreeSpec, protocol: int | None = None) -> str:
    """The structure as JSON.

    Raises NotImplementedError for a container without a `serialized_type_name`, TypeError for a context that JSON does
    not know, ValueError for another protocol than 1.
    """
    import json

    def schema(spec: TreeSpec) -> dict[str, Any]:
        if spec.is_leaf():
            return {"type": None, "context": None, "children_spec": []}
        container = NODES.get(spec.type)
        if container is None:
            raise NotImplementedError(f"Serializing {spec.type} in pytree is not registered.")
        kind = spec.context if spec.type is namedtuple else None
        if container.name is None or kind is not None:
            raise NotImplementedError(
                f"No registered serialization name for {kind or spec.type} found. Please update your "
                f"register_pytree_node call with a `serialized_type_name` kwarg."
            )
        context: Any
        if container.name == "collections.defaultdict":
            factory, keys = spec.context
            context = {
                "default_factory_module": factory.__module__,
                "default_factory_name": factory.__qualname__,
                "dict_context": keys,
            }
        elif container.dump is not None:
            context = container.dump(spec.context)
        else:
            try:
                context = json.dumps(spec.context)
            except TypeError as error:
                raise TypeError(
                    "Unable to serialize context. Please make the context json dump-able, or register a custom "
                    "serializer using register_pytree_node."
                ) from error
        return {
            "type": container.name,
            "context": context,
            "children_spec": [schema(c) for c in spec.children()],
        }

    if protocol not in (None, 1):
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: [1]")
    return json.dumps((1, schema(treespec)))


def treespec_loads(serialized: str) -> TreeSpec:
    """The structure that `treespec_dumps` wrote.

    Raises NotImplementedError for a container that is not registered, ValueError for another protocol than 1.
    """
    import importlib
    import json

    def spec(schema: dict[str, Any]) -> TreeSpec:
        if schema["type"] is None:
            return LEAF
        found = [(kind, container) for kind, container in NODES.items() if container.name == schema["type"]]
        if not found:
            raise NotImplementedError(f"Deserializing {schema['type']} in pytree is not registered.")
        kind, container = found[0]
        context = schema["context"]
        if container.name == "collections.defaultdict":
            module = importlib.import_module(context["default_factory_module"])
            context = [getattr(module, context["default_factory_name"]), context["dict_context"]]
        else:
            context = container.load(context) if container.load is not None else json.loads(context)
        return TreeSpec(kind, context, [spec(child) for child in schema["children_spec"]])

    protocol, schema = json.loads(serialized)
    if protocol != 1:
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: [1]")
    return spec(schema)
