"""The names of `utils._pytree` that other tests pass over, each beside what it means."""

import os
from collections import namedtuple

import pytest

from pullback.utils import _pytree
from pullback.utils._pytree import (
    GetAttrKey,
    LeafSpec,
    MappingKey,
    PyTreeSpec,
    SequenceKey,
    TreeSpec,
    key_get,
    keystr,
    tree_any_only,
    tree_is_leaf,
    tree_map_,
    tree_map_only_,
    tree_map_with_path,
    tree_structure,
    treespec_dict,
    treespec_leaf,
    treespec_tuple,
)

Pair = namedtuple("Pair", "a b")
TREE = {"a": [1, 2], "b": Pair(3, (4, None))}


def test_specs():
    spec = tree_structure(TREE)
    assert PyTreeSpec is TreeSpec and isinstance(spec, TreeSpec)
    assert (spec.type, spec.context, spec.num_children, spec.num_leaves) == (dict, ["a", "b"], 2, 5)
    assert spec.children() == [tree_structure([0, 0]), tree_structure(Pair(0, (0, 0)))]
    assert spec.children_specs == spec.children() and spec.child(0) == tree_structure([0, 0])
    assert spec.flatten_up_to(TREE) == [1, 2, 3, 4, None] and not spec.is_leaf()
    assert spec.unflatten(range(5)) == {"a": [0, 1], "b": Pair(2, (3, 4))}


def test_leaves_as_specs():
    assert LeafSpec() == treespec_leaf() == tree_structure(7) and LeafSpec().is_leaf()
    assert isinstance(tree_structure(7), LeafSpec) and not isinstance(tree_structure([7]), LeafSpec)
    assert treespec_tuple([treespec_leaf(), treespec_leaf()]) == tree_structure((0, 0))
    assert treespec_dict(a=treespec_leaf(), b=treespec_leaf()) == tree_structure({"a": 0, "b": 0})
    assert tree_is_leaf(3) and not tree_is_leaf([3])


def test_paths():
    path = (MappingKey("b"), GetAttrKey("b"), SequenceKey(0))
    assert key_get(TREE, path) == 4
    said = tree_map_with_path(lambda path, leaf: (keystr(path), leaf), TREE)
    assert said["b"].b[0] == ("['b'].b[0]", 4)


def test_maps_in_place():
    boxes = [[1], ([2],)]
    leaf = lambda x: type(x) is list and type(x[0]) is int
    assert tree_map_(lambda box: box.append(0), boxes, is_leaf=leaf) is boxes
    assert boxes == [[1, 0], ([2, 0],)]
    seen = []
    assert tree_map_only_(int, seen.append, TREE) is TREE and seen == [1, 2, 3, 4]
    assert tree_any_only(int, lambda x: x > 3, TREE) and not tree_any_only(int, lambda x: x > 4, TREE)


def test_kinds_of_tuples():
    assert _pytree.is_namedtuple(Pair(1, 2)) and _pytree.is_namedtuple_class(Pair)
    assert _pytree.is_namedtuple_instance(Pair(1, 2)) and not _pytree.is_namedtuple_instance((1, 2))
    times = os.times()
    assert _pytree.is_structseq(times) and _pytree.is_structseq_class(type(times))
    assert _pytree.is_structseq_instance(times) and not _pytree.is_structseq_class(Pair)


@pytest.mark.parametrize(
    "name",
    "Context DumpableContext FlattenFn FromDumpableContextFn PyTree ToDumpableContextFn UnflattenFn".split(),
)
def test_names_of_types(name):
    assert getattr(_pytree, name) is not None


# ---- parts that libraries import ------------------------------------------------------------------------------


def test_the_table_of_containers():
    nodes = _pytree.SUPPORTED_NODES
    assert {dict, list, tuple, namedtuple} <= set(nodes) and len(nodes) >= 7 and int not in nodes
    assert nodes[list].flatten_fn([1, 2]) == ([1, 2], None) and nodes[dict].type is dict
    assert _pytree._get_node_type(Pair(1, 2)) is namedtuple and _pytree._get_node_type(3) is int

    class Box:
        def __init__(self, value):
            self.value = value

    for _ in range(2):  # anew, without an error
        _pytree._register_pytree_node(Box, lambda b: ([b.value], None), lambda values, _: Box(*values))
    assert _pytree.tree_leaves([Box(3)]) == [3] and nodes[Box].unflatten_fn([4], None).value == 4
    _pytree._deregister_pytree_node(Box)
    assert Box not in nodes and len(_pytree.tree_leaves([Box(3)])) == 1
    nodes[Box] = _pytree.NodeDef(Box, lambda b: ([b.value], None), lambda values, _: Box(*values), None)
    assert _pytree.tree_leaves([Box(3)]) == [3]
    del nodes[Box]
    assert Box not in nodes


def test_constants():
    class Kind(str):
        pass

    _pytree.register_constant(Kind)
    leaves, spec = _pytree.tree_flatten([Kind("a"), 1])
    assert leaves == [1] and spec.unflatten([2]) == ["a", 2] and _pytree.is_constant_class(Kind)
    assert spec != _pytree.tree_structure([Kind("b"), 1])
    _pytree._deregister_pytree_node(Kind)
    with pytest.raises(ValueError, match="non-default `__eq__`"):
        _pytree.register_constant(type("Plain", (), {}))


PARTS = """
t._broadcast_to_and_flatten(1, t.tree_structure([1, (2, 3)]))
t._broadcast_to_and_flatten([1, 2], t.tree_structure([1, (2, 3)]))
t._broadcast_to_and_flatten([1], t.tree_structure([1, (2, 3)]))
t._broadcast_to_and_flatten({"a": 1}, t.tree_structure({"a": [2, 3]}))
t._broadcast_to_and_flatten({"b": 1}, t.tree_structure({"a": [2, 3]}))
t._broadcast_to_and_flatten([1], t.tree_structure(3))
t._broadcast_to_and_flatten((1, None), t.tree_structure((2, (3, 4))), is_leaf=lambda x: x is None)
t._dict_flatten({"a": 1, "b": 2}), t._dict_unflatten([1, 2], ["a", "b"])
t._list_flatten([1]), t._list_unflatten([1], None), t._tuple_flatten((1,)), t._tuple_unflatten([1], None)
t._namedtuple_flatten(Pair(1, 2)), t._namedtuple_unflatten([3, 4], Pair)
t._odict_flatten(OrderedDict(a=1)), t._odict_unflatten([2], ["a"]), t._ordereddict_flatten(OrderedDict(a=1))
t._defaultdict_flatten(defaultdict(int, a=1)), t._deque_flatten(deque([1], 3)), t._deque_unflatten([1], 3)
t.map_only(int)(lambda x: -x)(3), t.map_only((int, str))(type)("a"), t.map_only(lambda x: x > 2)(str)(1)
t.map_only(3)
[str(t.keystr(path)) for path, leaf in t._generate_key_paths((t.SequenceKey(0),), {"a": [1, 2]})]
sorted(kind.__name__ for kind in t.STANDARD_DICT_TYPES), sorted(kind.__name__ for kind in t.BUILTIN_TYPES)
t._LEAF_SPEC, t.tree_map_only(int, lambda x: -x, [1, "a"])
"""


@pytest.mark.torch
@pytest.mark.parametrize("text", PARTS.strip().splitlines())
def test_parts_beside_pytorch(text):
    from collections import OrderedDict, defaultdict, deque

    theirs = pytest.importorskip("torch.utils._pytree")
    names = {"OrderedDict": OrderedDict, "defaultdict": defaultdict, "deque": deque, "Pair": Pair}

    def outcome(trees):
        try:
            return repr(eval(text, {**names, "t": trees}))
        except TypeError as error:
            return type(error), str(error)

    assert outcome(_pytree) == outcome(theirs)


def test_paths_are_made_of_keys():
    assert _pytree.KeyPath == tuple[_pytree.KeyEntry, ...] and _pytree.KeyEntry.get
    assert _pytree._is_leaf(3) and _pytree._private_register_pytree_node is _pytree._register_pytree_node
