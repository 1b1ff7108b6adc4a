"""Trees: taken apart and put together, with every container, beside PyTorch's where it is installed."""

import collections
import dataclasses
import pickle

import pytest

import pullback as pb
from pullback.func import tree
from pullback.utils import _pytree

Pair = collections.namedtuple("Pair", "first second")


class Two:
    def __init__(self, a, b, note=""):
        self.a, self.b, self.note = a, b, note

    def __eq__(self, other):
        return (self.a, self.b, self.note) == (other.a, other.b, other.note)


@dataclasses.dataclass
class Point:
    x: object
    y: object
    z: object = None


@pytest.fixture
def registered():
    before = dict(tree.NODES)
    tree.register_pytree_node(
        Two, lambda t: ((t.a, t.b), t.note), lambda children, note: Two(*children, note)
    )
    tree.register_dataclass(Point)
    yield
    tree.NODES.clear()
    tree.NODES.update(before)


def defaults():
    found = collections.defaultdict(list)
    found.update(a=[1], b=2)
    return found


TREES = {
    "leaf": 1,
    "None": None,
    "empty": (),
    "tuple": (1, (2, None), ()),
    "list": [1, [2, [3]]],
    "dict": {"b": 1, "a": {"c": (2,)}},
    "namedtuple": Pair(1, Pair([2], None)),
    "ordered": collections.OrderedDict([("b", 1), ("a", [2, 3])]),
    "defaultdict": defaults(),
    "deque": collections.deque([1, (2,)], maxlen=5),
    "string": ["ab", b"cd"],
    "set": [{1, 2}],
}


@pytest.mark.parametrize("name", TREES)
def test_there_and_back(name):
    t = TREES[name]
    leaves, spec = tree.tree_flatten(t)
    assert tree.tree_unflatten(leaves, spec) == t
    assert type(tree.tree_unflatten(leaves, spec)) is type(t)
    assert tree.tree_leaves(t) == leaves == list(tree.tree_iter(t))
    assert spec == tree.tree_structure(t) and hash(spec) == hash(tree.tree_structure(t))
    assert spec.num_leaves == len(leaves)
    assert pickle.loads(pickle.dumps(spec)) == spec or name == "defaultdict"


def test_registered_classes(registered):
    t = {"two": Two(1, [2], "n"), "point": Point(3, (4,))}
    leaves, spec = tree.tree_flatten(t)
    assert leaves == [1, 2, 3, 4]
    assert tree.tree_map(lambda x: 10 * x, t) == {"two": Two(10, [20], "n"), "point": Point(30, (40,))}
    assert spec != tree.tree_structure({"two": Two(1, [2], "m"), "point": Point(3, (4,))})
    assert tree.tree_structure(Point(1, 2)) != tree.tree_structure(Point(1, 2, 3))  # None is no child
    with pytest.raises(ValueError, match="already registered"):
        tree.register_dataclass(Point)
    with pytest.raises(ValueError, match="Did not find a flatten_with_keys_fn"):
        _pytree.tree_flatten_with_path(Two(1, 2))
    assert _pytree.keystr(_pytree.tree_leaves_with_path(Point(1, [2]))[1][0]) == ".y[0]"


def test_what_is_not_registered_is_a_leaf():
    class Mine(dict):
        pass

    assert tree.tree_leaves([Point(1, 2), Mine(a=1)]) == [Point(1, 2), Mine(a=1)]


def test_transforms_of_registered_classes(registered):
    p = Point(pb.tensor(2.0), pb.tensor(3.0))
    g = pb.func.grad(lambda p: p.x * p.x * p.y)(p)
    assert (g.x.item(), g.y.item(), g.z) == (12.0, 4.0, None)
    _, pushed = pb.func.jvp(lambda p: Point(p.x * p.y, p.y), (p,), (Point(pb.tensor(1.0), pb.tensor(1.0)),))
    assert (pushed.x.item(), pushed.y.item()) == (5.0, 1.0)
    h = pb.func.hessian(lambda p: p.x * p.x * p.y)(p)
    assert (h.x.x.item(), h.x.y.item(), h.y.y.item()) == (6.0, 4.0, 0.0)


def test_maps_of_several():
    assert tree.tree_map(lambda a, b: (a, b), [1, (2,)], [3, (4,)]) == [(1, 3), ((2, 4),)]
    assert tree.tree_map(lambda a, b: b, {"a": 1, "b": 2}, {"b": [1], "a": 3}) == {"a": 3, "b": [1]}
    for other in ([3, [4]], [3], [3, (4, 5)]):
        with pytest.raises(ValueError, match="mismatch"):
            tree.tree_map(lambda a, b: b, [1, (2,)], other)
    with pytest.raises(ValueError, match=r"Node keys mismatch; missing key\(s\): \{'b'\}"):
        tree.tree_map(lambda a, b: b, {"a": 1, "b": 2}, {"a": 1, "c": 2})


def test_errors():
    spec = tree.tree_structure([1, 2])
    with pytest.raises(
        ValueError, match="`leaves` has length 1 but the spec refers to a pytree that holds 2"
    ):
        spec.unflatten([1])
    with pytest.raises(TypeError, match="Expected `treespec` to be an instance of PyTreeSpec"):
        tree.tree_unflatten([1], [2])
    with pytest.raises(ValueError, match="field_names must be specified"):
        tree.register_dataclass(int)
    with pytest.raises(ValueError, match="must be None or registered"):
        tree.register_pytree_node(set, list, set, to_dumpable_context=list)


def test_leaves_of_ones_own():
    is_pair = lambda t: isinstance(t, tuple) and len(t) == 2
    assert tree.tree_leaves([(1, 2), (3,)], is_leaf=is_pair) == [(1, 2), 3]
    assert tree.tree_map(sum, [(1, 2), (3, 4)], is_leaf=is_pair) == [3, 7]
    assert _pytree.tree_map_only(int, lambda x: -x, [1, "a", 2.5]) == [-1, "a", 2.5]
    assert _pytree.tree_any(lambda x: x is None, [1, None]) and not _pytree.tree_all(bool, [1, None])
    assert _pytree.tree_all_only(int, lambda x: x > 0, [1, "a", 2])
    assert _pytree.arg_tree_leaves(1, [2], k={"a": 3}) == [1, 2, 3]


def test_specs_as_text():
    for name in ("tuple", "list", "dict", "ordered", "deque", "defaultdict", "leaf"):
        spec = tree.tree_structure(TREES[name])
        assert _pytree.treespec_loads(_pytree.treespec_dumps(spec)) == spec
    with pytest.raises(NotImplementedError, match="No registered serialization name"):
        _pytree.treespec_dumps(tree.tree_structure(Pair(1, 2)))
    with pytest.raises(ValueError, match="Unknown protocol"):
        _pytree.treespec_dumps(tree.tree_structure([1]), 7)


# ---- beside PyTorch's ----------------------------------------------------------------------------------------


@pytest.fixture
def theirs():
    pytest.importorskip("torch")
    import torch.utils._pytree as found

    return found


@pytest.mark.torch
@pytest.mark.parametrize("name", TREES)
def test_against_torch(theirs, name):
    t = TREES[name]
    ours_leaves, ours = _pytree.tree_flatten(t)
    their_leaves, spec = theirs.tree_flatten(t)
    assert ours_leaves == their_leaves
    assert repr(ours) == repr(spec) and _pytree.treespec_pprint(ours) == theirs.treespec_pprint(spec)
    assert (ours.num_leaves, ours.num_nodes, ours.num_children) == (
        spec.num_leaves,
        spec.num_nodes,
        spec.num_children,
    )
    paths = [
        [_pytree.keystr(path) for path, _ in _pytree.tree_leaves_with_path(t)],
        [theirs.keystr(path) for path, _ in theirs.tree_leaves_with_path(t)],
    ]
    assert paths[0] == paths[1]
    if name != "namedtuple":
        assert _pytree.treespec_dumps(ours) == theirs.treespec_dumps(spec)


@pytest.mark.torch
def test_names_are_torchs(theirs):
    assert set(theirs.__all__) <= set(_pytree.__all__)
