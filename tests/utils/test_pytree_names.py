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
