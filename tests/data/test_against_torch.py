"""utils.data beside PyTorch's: the same program on both gives the same values, exceptions and warnings.

Programs are expressions over `m`, the module, and `D`, its `utils.data`; a line before them may define names.
"""

import collections
import random
import re
import warnings

import numpy as np
import pytest
from tables import calls
from twins import first_sentence

import pullback as pb

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")]

Point = collections.namedtuple("Point", "x y")


class Own(dict):
    note = "kept"


class Chars(collections.UserString):
    pass


def kinds(m):
    """Datasets of one library."""
    D = m.utils.data

    class Squares(D.Dataset):
        def __init__(self, n):
            self.n = n

        def __getitem__(self, index):
            if index >= self.n:
                raise IndexError(index)
            return index * index

        def __len__(self):
            return self.n

    class Together(Squares):
        def __getitems__(self, indices):
            return [(index, index + 0.5) for index in indices]

    class Short(Squares):
        def __getitems__(self, indices):
            return indices[1:]

    class Stream(D.IterableDataset):
        def __init__(self, n, length=None):
            self.n, self.length = n, length

        def __iter__(self):
            worker = D.get_worker_info()
            first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
            return iter(range(first, self.n, step))

        def __len__(self):
            if self.length is None:
                raise TypeError("no length")
            return self.length

    class Whole(D.IterableDataset):
        def __iter__(self):
            return iter(range(5))

    class Random(Squares):
        """What each generator draws in the process that makes the sample."""

        def __getitem__(self, index):
            return index, m.rand(2), random.random(), np.random.rand(2), m.initial_seed() % 1000

    class Bad(Squares):
        def __getitem__(self, index):
            if index == 4:
                raise KeyError("no such thing")
            return index

    class Odd(D.Subset):
        def __getitem__(self, index):
            return -1

    class Bare(D.Dataset):
        pass

    return {each.__name__: each for each in (Squares, Together, Short, Stream, Whole, Random, Bad, Odd, Bare)}


def plain(value):
    """A value in which the libraries' own types are words."""
    if isinstance(value, (pb.Tensor, torch.Tensor)):
        return "tensor", str(value.dtype).split(".")[-1], tuple(value.shape), value.tolist()
    if isinstance(value, np.ndarray):
        return "array", str(value.dtype), value.tolist()
    if isinstance(value, Own):
        return "Own", value.note, plain(dict(value))
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(each) for each in value]
    if isinstance(value, (pb.utils.data.Dataset, torch.utils.data.Dataset)):
        return type(value).__name__
    if type(value).__name__ == "WorkerInfo":
        return repr(value)
    return [plain(each) for each in value] if hasattr(value, "__next__") else value


def outcome(source, m, workers=0):
    """What a program gives or raises, and what it warns of."""
    names = {"m": m, "D": m.utils.data, "np": np, "Point": Point, "Own": Own, "Chars": Chars, **kinds(m)}
    names |= {"g": m.Generator().manual_seed(7), "collections": collections}
    names["W"] = {"num_workers": workers, "multiprocessing_context": "fork"} if workers else {}
    m.manual_seed(3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = plain(eval(source, names))
        except Exception as error:
            found = type(error), str(error).split("\n")[0]
    said = {re.sub(" object at 0x[0-9a-f]+", "", str(each.message)) for each in caught}
    return found, sorted(each for each in said if "This process" not in each)


def is_error(found):
    """What `plain` gives may be a tuple as well, but begins with a word."""
    return isinstance(found, tuple) and isinstance(found[0], type)


def check(source, workers=0):
    (mine, warned), (theirs, said) = outcome(source, pb, workers), outcome(source, torch, workers)
    if is_error(theirs):
        assert mine[0] is theirs[0] and mine[1].startswith(first_sentence(theirs[1])), (
            f"{mine}\ninstead of\n{theirs}"
        )
    else:
        assert mine == theirs
    assert [first_sentence(each) for each in warned] == [first_sentence(each) for each in said]


DATASETS = """
    D.TensorDataset(m.arange(6).view(3, 2), m.arange(3.0))[1] ; D.TensorDataset(m.ones(3), m.ones(2))
    len(D.TensorDataset(m.ones(3, 4))) ; D.TensorDataset(m.arange(6))[2:4] ; D.TensorDataset()
    D.StackDataset([1, 2], "ab")[1] ; D.StackDataset(a=[1, 2], b="ab")[0] ; D.StackDataset([1], b=[2])
    D.StackDataset() ; D.StackDataset([1, 2], [3]) ; D.StackDataset(a=[1, 2], b=[3])
    len(D.StackDataset([1, 2])) ; D.StackDataset(Together(4), [5, 6, 7, 8]).__getitems__([0, 3])
    D.StackDataset(a=Together(4), b=range(4)).__getitems__([1])
    D.StackDataset(Short(4), range(4)).__getitems__([0, 3])
    D.StackDataset(a=Short(4)).__getitems__([0, 3]) ; D.ConcatDataset([[1, 2], [3], [], [4, 5]])[3]
    D.ConcatDataset([[1, 2], [3]])[-1] ; D.ConcatDataset([[1, 2], [3]])[-4] ; D.ConcatDataset([])
    D.ConcatDataset([Stream(3)]) ; D.ConcatDataset([[1], [2]])[2] ; len(D.ConcatDataset([[1], [2, 3]]))
    D.ConcatDataset([[1], [2, 3]]).cumulative_sizes ; D.ConcatDataset([[1], [2, 3]]).cummulative_sizes
    D.ConcatDataset.cumsum([[1], [2, 3]]) ; len(Squares(3) + Squares(4)) ; (Squares(3) + Squares(4))[4]
    list(D.ChainDataset([Stream(3), Stream(2)])) ; list(Stream(3) + Stream(2))
    list(D.ChainDataset([Stream(2), [1]])) ; len(D.ChainDataset([Stream(3, 3), Stream(2, 2)]))
    len(D.ChainDataset([Stream(3, 3), [1]])) ; len(D.ChainDataset([Stream(3)]))
    D.Subset("abcd", [3, 1])[0] ; len(D.Subset("abcd", [3, 1])) ; D.Subset(m.arange(9) * 2, [3, 1])[[1, 0]]
    Odd("abc", [1]) ; D.Subset(Together(9), [3, 1]).__getitems__([1, 1])
    D.Subset("abcd", [3, 1]).__getitems__([1, 0]) ; D.Subset("abc", [1])[1] ; Bare()[0] ; len(Bare())
    [D.Dataset.__getitem__(Bare(), 0)] ; iter(D.IterableDataset())
    [list(p.indices) for p in D.random_split(range(10), [3, 7])]
    [list(p.indices) for p in D.random_split(range(10), [3, 7], g)]
    [list(p) for p in D.random_split(range(11), [0.3, 0.3, 0.4], g)] ; D.random_split(range(3), [2, 2])
    [len(p) for p in D.random_split(range(3), [0.1, 0.9])] ; D.random_split(range(3), [1.5, -0.5])
    [list(p.indices) for p in D.random_split(Squares(4), (1, 1, 2), generator=m.default_generator)]
    D.random_split(range(3), [0.5, 0.4]) ; [list(p.indices) for p in D.random_split(range(7), [1.0])]
    D.random_split([], [0, 0]) ; D.random_split(Bare(), [1, 2])
"""
SAMPLERS = """
    list(D.SequentialSampler("abc")) ; len(D.SequentialSampler("abc")) ; list(D.RandomSampler(range(9)))
    list(D.RandomSampler(range(9), generator=g)) ; list(D.RandomSampler(range(9), num_samples=4))
    len(D.RandomSampler("ab", num_samples=7)) ; list(D.RandomSampler(range(4), num_samples=11, generator=g))
    list(D.RandomSampler(range(5), True, 70))
    list(D.RandomSampler(range(5), replacement=True, generator=g)) ; D.RandomSampler([])
    D.RandomSampler("ab", replacement=1) ; D.RandomSampler("ab", num_samples=0)
    D.RandomSampler("ab", num_samples=1.5) ; D.RandomSampler("ab", True, -1)
    D.RandomSampler("abc").num_samples ; [list(D.RandomSampler(range(5))), list(D.RandomSampler(range(5)))]
    list(D.RandomSampler(range(50_000)))[:20] ; (list(D.RandomSampler("abcd")), m.rand(2))[1]
    (list(D.RandomSampler("abcd", generator=g)), m.rand(2))[1] ; list(D.SubsetRandomSampler([5, 7, 9]))
    list(D.SubsetRandomSampler([5, 7, 9], generator=g)) ; len(D.SubsetRandomSampler([5, 7]))
    list(D.SubsetRandomSampler([])) ; list(D.WeightedRandomSampler([0.1, 0.9, 0.4], 8))
    list(D.WeightedRandomSampler([1, 2, 3], 3, False, g))
    list(D.WeightedRandomSampler(m.tensor([0.1, 0.9, 0.4]), 40, generator=g))
    len(D.WeightedRandomSampler([1.0], 3)) ; D.WeightedRandomSampler([1.0], 0)
    D.WeightedRandomSampler([1.0], True) ; D.WeightedRandomSampler([1.0], 2, 1)
    D.WeightedRandomSampler([[1.0]], 2) ; list(D.WeightedRandomSampler([1.0, 2.0], 3, False))
    list(D.WeightedRandomSampler([1, 2, 3, 4], 4, False))
    list(D.BatchSampler(D.SequentialSampler(range(10)), 3, False))
    list(D.BatchSampler(range(10), 3, True)) ; len(D.BatchSampler(range(10), 3, False))
    len(D.BatchSampler(range(10), 3, True)) ; len(D.BatchSampler(range(9), 3, False))
    D.BatchSampler("abc", 0, True) ; D.BatchSampler("abc", 2.0, True) ; D.BatchSampler("abc", True, True)
    D.BatchSampler("abc", 2, 1) ; list(D.BatchSampler("abcde", 2, False))
    list(D.BatchSampler([], 2, False)) ; list(D.BatchSampler(D.RandomSampler(range(9)), 2, False))
    len(D.BatchSampler(iter("abc"), 2, False)) ; iter(D.Sampler())
    list(D.DistributedSampler(range(7), 3, 0)) ; list(D.DistributedSampler(range(7), 3, 2, seed=5))
    list(D.DistributedSampler(range(7), 3, 1, False))
    list(D.DistributedSampler(range(7), 3, 1, drop_last=True)) ; len(D.DistributedSampler(range(7), 3, 1))
    D.DistributedSampler("ab", 2, 2) ; list(D.DistributedSampler(range(2), 5, 4))
    list(D.DistributedSampler(range(6), 3, 1, drop_last=True)) ; D.DistributedSampler("ab", 2, -1)
    [(s.set_epoch(e), list(s))[1] for s in [D.DistributedSampler(range(9), 2, 1)] for e in range(3)]
"""
COLLATE = """
    D._utils.collate.collate_int_fn([1, 2]) ; D._utils.collate.collate_tensor_fn([m.ones(1)])
    D._utils.collate.collate_numpy_array_fn([np.array("a")])
    D._utils.collate.collate_numpy_scalar_fn([np.float32(1)]) ; D.default_collate([m.ones(2), m.zeros(2)])
    D.default_collate([0, 1, 2]) ; D.default_collate([0.5, 1.0]) ; D.default_collate([True, False])
    D.default_collate(["a", "b"]) ; D.default_collate([b"a", b"b"])
    D.default_collate([np.ones(2), np.zeros(2)]) ; D.default_collate([np.float32(1), np.float32(2)])
    D.default_collate([np.int16(1), np.int16(2)]) ; D.default_collate([np.bool_(1)])
    D.default_collate([np.array(1.5), np.array(2.5)]) ; D.default_collate([np.array("a")])
    D.default_collate([np.float64(1), np.float64(2)])
    D.default_collate([{"a": 1, "b": [2, 3]}, {"a": 4, "b": [5, 6]}])
    D.default_collate([Own(a=1), Own(a=2)]) ; D.default_collate([Point(1, "x"), Point(2, "y")])
    D.default_collate([(1, 2), (3, 4)]) ; D.default_collate([[1, 2], [3, 4]])
    D.default_collate([[1, 2], [3]]) ; D.default_collate([range(2), range(2)]) ; D.default_collate([None])
    D.default_collate([]) ; D.default_collate([object()]) ; D.default_collate([m.ones(2), m.ones(3)])
    D.default_collate([{1}]) ; D.default_collate([(m.ones(2), {"k": (1, 2.5)})] * 2)
    D.default_collate([collections.OrderedDict(a=1), collections.OrderedDict(a=2)])
    D.default_collate([{"a": None}]) ; D.default_collate([{"a": 1}, {"b": 1}])
    D.default_collate([m.tensor(1), m.tensor(2)]) ; D.default_collate([1, 2.5])
    D.default_collate([1.5, 2])
    D.default_collate([collections.UserList([1, 2]), collections.UserList([3, 4])]).data
    D.default_collate(((1,), (2,))) ; D.default_convert(np.array([0, 1])) ; D.default_convert(0)
    D.default_convert(1.5) ; D.default_convert("a") ; D.default_convert(np.array(["a"]))
    D.default_convert(Point(np.array(0), 1)) ; D.default_convert((np.ones(1), 2))
    D.default_convert([np.ones(1), 2]) ; D.default_convert(Own(a=np.ones(1)))
    D.default_convert({"a": np.float32(2)}) ; D.default_convert(np.str_("a")) ; D.default_convert(range(3))
    D.default_convert(None) ; D.default_convert(m.ones(1)) ; D.default_convert(b"a")
    D.default_convert({1, 2}) ; D.default_convert(np.int64(3))
    D.default_convert(collections.OrderedDict(a=np.ones(2))) ; D._utils.collate.collate([1, 2])
    D._utils.collate.collate([1, 2], collate_fn_map={int: lambda b, collate_fn_map: sum(b)})
    D._utils.collate.collate([(True, "x")] * 2, collate_fn_map={(int, str): lambda b, *, collate_fn_map=None: len(b)})
    len(D._utils.collate.default_collate_fn_map) ; D._utils.collate.collate_float_fn([1, 2])
    D._utils.collate.collate_str_fn("ab")
"""
OPTIONS = """
    D._utils.ExceptionWrapper.__name__
    D.DataLoader([1], num_workers=999).check_worker_number_rationality() ; D.DataLoader([1], num_workers=-1)
    D.DataLoader([1], timeout=-1) ; D.DataLoader([1], prefetch_factor=2)
    D.DataLoader([1], num_workers=1, prefetch_factor=-1) ; D.DataLoader([1], persistent_workers=True)
    D.DataLoader(Stream(3), shuffle=True) ; D.DataLoader(Stream(3), sampler=[1])
    D.DataLoader(Stream(3), batch_sampler=[[1]]) ; D.DataLoader([1], sampler=[0], shuffle=True)
    D.DataLoader([1], batch_sampler=[[0]], drop_last=True) ; D.DataLoader([1], 2, batch_sampler=[[0]])
    D.DataLoader([1], None, drop_last=True) ; D.DataLoader([1], 0) ; D.DataLoader([1], 1.5)
    D.DataLoader([], shuffle=True) ; D.DataLoader([1], multiprocessing_context="fork")
    D.DataLoader([1], num_workers=1, multiprocessing_context="teleport")
    D.DataLoader([1], num_workers=1, multiprocessing_context=3) ; D.DataLoader([1], drop_last=1)
    setattr(D.DataLoader([1]), "batch_size", 2) ; setattr(D.DataLoader([1]), "dataset", 2)
    D.DataLoader([1]).multiprocessing_context ; len(D.DataLoader(range(10), 3))
    len(D.DataLoader(range(10), 3, drop_last=True)) ; len(D.DataLoader(range(10), None))
    len(D.DataLoader(Stream(9, 9), 2)) ; len(D.DataLoader(Stream(9, 9), 2, drop_last=True))
    len(D.DataLoader(Stream(9, 9), None)) ; len(D.DataLoader(Stream(9)))
    len(D.DataLoader([1], batch_sampler=[[0], [0]])) ; len(iter(D.DataLoader(range(10), 3)))
    [D.DataLoader([1]).prefetch_factor, D.DataLoader([1], num_workers=1).prefetch_factor]
    D.DataLoader([1], num_workers=999).num_workers
    [(len(l), list(l))[1] for l in [D.DataLoader(Stream(5, 2), None)]]
    list(D.DataLoader([1], pin_memory=True))
    list(D.DataLoader([1], pin_memory=True, pin_memory_device="cuda")) ; list(D.DataLoader([1], timeout=1))
    iter(D.DataLoader(range(3))).__getstate__() ; D.DataLoader(range(3))._auto_collation
    type(D.DataLoader(range(3))._index_sampler).__name__
    [setattr(l, "timeout", 2) or l.timeout for l in [D.DataLoader([1])]]
    D.DataLoader(range(3), 2, True).generator
    list(D.DataLoader(range(3), num_workers=1, prefetch_factor=0))
"""
LOADERS = """
    list(D.DataLoader(range(7), 2, **W)) ; list(D.DataLoader(range(7), 2, True, **W))
    list(D.DataLoader(range(7), 2, True, generator=g, **W))
    [list(D.DataLoader(range(7), 2, True, **W)), m.rand(2)]
    [[list(l), list(l)] for l in [D.DataLoader(range(7), 3, True, generator=g, **W)]]
    list(D.DataLoader(Random(6), 2, **W)) if W else 0
    list(D.DataLoader(Random(6), 2, True, generator=g, **W)) if W else 0
    list(D.DataLoader(range(7), 2, drop_last=True, **W)) ; list(D.DataLoader(range(7), None, **W))
    list(D.DataLoader(np.arange(6.0), None, True, **W))
    list(D.DataLoader(range(7), sampler=[3, 1, 2], batch_size=2, **W))
    list(D.DataLoader(range(7), batch_sampler=[[1, 2], [3], []][:2], **W))
    list(D.DataLoader({"a": 1, "b": 2}, sampler=["b", "a"], **W)) ; list(D.DataLoader(Stream(7), 2, **W))
    list(D.DataLoader(Stream(7), 2, drop_last=True, **W)) ; list(D.DataLoader(Stream(3), None, **W))
    list(D.DataLoader(Whole(), 2, **W)) ; list(D.DataLoader(Stream(1), 2, **W))
    list(D.DataLoader(Together(5), 2, **W)) ; list(D.DataLoader(D.Subset(Together(5), [4, 0, 2]), 2, **W))
    list(D.DataLoader(range(5), 2, collate_fn=sum, **W))
    list(D.DataLoader(D.TensorDataset(m.arange(10).view(5, 2), m.rand(5)), 2, True, **W))
    list(D.DataLoader(Bad(7), 2, **W)) ; list(D.DataLoader(Squares(0), 2, **W))
    [next(i) for i in [iter(D.DataLoader(Bad(7), 2, **W))] for _ in range(2)]
    list(D.DataLoader(range(6), 2, collate_fn=lambda batch: None, **W))
    list(D.DataLoader([None, 1], 2, **W)) ; list(D.DataLoader([m.ones(2), m.ones(3)], 2, **W))
    list(D.DataLoader(Bare(), sampler=[1], **W))
    list(D.DataLoader(range(40), 3, sampler=D.RandomSampler(range(40), True, 20), **W))
    [(len(l), list(l))[1] for l in [D.DataLoader(Stream(6, 2), None, **W)]]
    list(D.DataLoader(D.StackDataset(a=range(4), b="abcd"), 2, **W))
    sorted(D.DataLoader(range(6), None, in_order=False, **W))
    [list(zip(l, l)) for l in [D.DataLoader(range(6), 2, True, **W)]]
    list(D.DataLoader(D.ChainDataset([Whole(), Stream(3)]), 3, **W)) ; list(D.DataLoader(Bad(5), None, **W))
    [sorted(map(str, zip(a, b))) for a in [D.DataLoader(range(4), **W)] for b in [D.DataLoader(Stream(4), **W)]]
    list(D.DataLoader(D.ConcatDataset([range(3), range(2)]), 2, **W))
"""
WORKERS = """
    D._utils.worker.WorkerInfo(0, 1, 2, 3) ; D._utils.worker.WorkerInfo.__name__
    [[list(l), list(l), m.rand(1)] for l in [D.DataLoader(Random(5), 2, True, persistent_workers=True, **W)]]
    [[list(l), list(l)] for l in [D.DataLoader(Stream(7), 2, persistent_workers=True, **W)]]
    [[next(iter(l)), list(l)] for l in [D.DataLoader(range(9), persistent_workers=True, **W)]]
    list(D.DataLoader(Random(5), 2, worker_init_fn=lambda i: m.manual_seed(i), **W))
    list(D.DataLoader([0] * 5, collate_fn=lambda b: str(D.get_worker_info())[:28], **W))
    list(D.DataLoader(range(9), 2, prefetch_factor=5, **W))
    list(D.DataLoader(range(9), 2, prefetch_factor=1, **W))
    list(D.DataLoader([0] * 3, collate_fn=lambda b: (m.get_num_threads(), D.get_worker_info().num_workers), **W))
    D.DataLoader(range(3), **W).multiprocessing_context.get_start_method()
    [[list(l), list(l)] for l in [D.DataLoader(range(7), 2, D.RandomSampler, generator=g, persistent_workers=True, **W)]]
    len(iter(D.DataLoader(range(7), 2, **W)))
    [[list(l), list(l)] for l in [D.DataLoader(Bad(4), 2, persistent_workers=True, **W)]]
    list(D.DataLoader(range(3), timeout=60, **W)) ; D.get_worker_info()
    D._utils.worker.WorkerInfo(0, 1, 2, 3) ; D._utils.worker.WorkerInfo.__name__
"""


@pytest.mark.parametrize("source", calls(DATASETS + SAMPLERS))
def test_datasets_and_samplers(source):
    check(source)


@pytest.mark.parametrize("source", calls(COLLATE))
def test_collate(source):
    check(source)


@pytest.mark.parametrize("source", calls(OPTIONS))
def test_options(source):
    check(source)


def test_the_kind_of_a_dataset():
    for kind in ("Map", "Iterable"):
        mine, theirs = pb.utils.data._DatasetKind, torch.utils.data._DatasetKind
        assert getattr(mine, kind) == getattr(theirs, kind)
    check("D._DatasetKind.create_fetcher(D._DatasetKind.Map, range(5), True, sum, False).fetch([1, 2])")


@pytest.mark.parametrize("source", calls(LOADERS))
def test_loaders(source):
    check(source)


def raises(source):
    return is_error(outcome(source, torch)[0])


# PyTorch waits five seconds for each worker of an iterator that raised.
@pytest.mark.parametrize("source", [each for each in calls(LOADERS) if not raises(each)])
def test_loaders_with_workers(source):
    check(source, 2)


@pytest.mark.parametrize("source", calls(WORKERS))
def test_workers(source):
    check(source, 2)


def test_one_worker():
    check(
        "[list(D.DataLoader(Random(5), 2, True, **W)), list(D.DataLoader(Stream(5), 2, **W)), m.rand(1)]", 1
    )
