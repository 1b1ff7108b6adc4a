"""What cannot be replayed runs as usual, with one warning that says why, and gives what it gives without being compiled."""

import functools
import itertools
import math
import operator
import random
import threading
import time
import warnings

import numpy as np
import pytest
from replay.plainly import assert_same, refused, replays
from together import in_threads

import pullback as pb

counter = 0
seen = []


class Holder:
    def __init__(self):
        self.calls = 0
        self.kept = None
        self.history = []


HOLDER = Holder()


def prints(x):
    print(end="")
    return x


def counts(x):
    global counter
    counter += 1
    return x * counter


def counts_in_an_object(x):
    HOLDER.calls += 1
    return x + HOLDER.calls


def keeps(x):
    HOLDER.kept = x * 2
    return HOLDER.kept


def appends(x):
    seen.append(x)
    return x * len(seen)


def grows_a_list(x):
    HOLDER.history += [1]
    return x * len(HOLDER.history)


def reads_the_clock(x):
    return x * (time.time() > 0)


def throws_dice(x):
    return x * random.random()


def hands_to_numpy(x):
    return pb.from_numpy(x.detach().numpy() * 2)


def asks_numpy(x):
    return x * float(np.float64(2.0))


def where_it_lies(x):
    return x * (x.data_ptr() > 0)


def hooks(x):
    y = x * 2
    y.register_hook(lambda g: g * 2)
    return y


class Twice(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2


def own_function(x):
    return Twice.apply(x)


def reads_versions(x):
    return x * x._version


def reads_graphs(x):
    y = x * 2
    return y if y.grad_fn else x


def seeds(x):
    pb.manual_seed(3)
    return x + pb.rand(1)


def through_map(x):
    return x + sum(map(random.getrandbits, [0])) * len(list(map(id, [x])))


def counts_by_iterator(x, numbers=itertools.count()):  # noqa: B008
    return x * next(numbers)


@functools.lru_cache
def cached(n):
    return n + 1


def uses_a_cache(x):
    return x * cached(1)


def prints_a_tensor(x):
    return x * len(f"{x}")


def gives_a_function(x):
    return lambda: x


def gives_a_generator(x):
    yield x


def imports(x):
    import math as m

    return x * m.pi


def sets_a_mode(x):
    pb.set_grad_enabled(not pb.is_grad_enabled())
    return x * 2


def identity_of(x):
    return x * (id(x) > 0)


def of_a_lock(x, lock=threading.Lock()):  # noqa: B008
    with lock:
        return x * 2


def an_attribute_getter(x, get=operator.attrgetter("calls")):
    return x * get(HOLDER)


def with_an_array(x, a=np.ones(1)):  # noqa: B008
    return x * a.size


def own_attribute(x):
    own_attribute.calls = getattr(own_attribute, "calls", 0) + 1
    return x


def marks(x):
    y = x * 2
    y.mark = 1
    return y


PROGRAMS = [
    f for f in list(globals().values()) if getattr(f, "__module__", "") == __name__ and hasattr(f, "__code__")
]
PROGRAMS = [f for f in PROGRAMS if f.__code__.co_varnames[:1] == ("x",)]


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_refused(function):
    grad = pb.is_grad_enabled()
    try:
        reason = refused(pb.compile(function), pb.ones(2, requires_grad=function is not hands_to_numpy))
    finally:
        pb.set_grad_enabled(grad)
    assert "runs as usual, not replayed" in reason
    if function in (prints, throws_dice, hands_to_numpy, hooks, reads_the_clock, counts, counts_in_an_object):
        line = function.__code__.co_firstlineno
        assert any(f"{__file__}:{line + k}:" in reason for k in range(1, 5)), reason


def test_effects_stay():
    global counter
    counter = 0
    compiled = pb.compile(counts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [compiled(pb.ones(1)).item() for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    assert counter == 6 and "changes counter" in pb.compile.explain(compiled)


@pytest.mark.parametrize("at", range(2, 7))
def test_effects_of_one_branch(at):
    """A change that only some calls make, however late."""

    class World:
        n = 0

    worlds = World(), World()

    def make(world):
        def function(x):
            if x.sum() > at:
                world.n += 1
            return x * world.n

        return function

    mine, theirs = pb.compile(make(worlds[0])), make(worlds[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in [*range(9), *range(9)]:
            assert mine(pb.tensor([i])).item() == theirs(pb.tensor([i])).item(), i
            assert worlds[0].n == worlds[1].n


def test_what_is_named_and_not_called():
    def function(x, verbose=False):
        if verbose:
            print("value", x)
        return x * math.sqrt(4.0)

    compiled = pb.compile(function)
    for _ in range(4):
        assert_same(compiled, function, pb.ones(2))
    assert replays(compiled) == 3
    assert "calls print()" in refused(compiled, pb.ones(2), True)
    assert "calls print()" in pb.compile.explain(compiled)


def test_hooks_that_come_later():
    compiled = pb.compile(lambda x: (x * x).sum().backward())
    x = pb.ones(2, requires_grad=True)
    for _ in range(3):
        compiled(x)
    assert x.grad.tolist() == [6, 6]
    x.register_hook(lambda g: g * 10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled(x)
    assert x.grad.tolist() == [26, 26]


def test_subclasses_and_watchers():
    class Mine(pb.Tensor):
        pass

    compiled = pb.compile(lambda x: x * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            compiled(pb.ones(2))
        assert type(compiled(pb.ones(2).as_subclass(Mine))) is Mine
        with pb.autograd.set_detect_anomaly(True):
            assert compiled(pb.ones(2)).tolist() == [2, 2]
        with pb.autograd.graph.saved_tensors_hooks(lambda t: t * 3, lambda t: t):
            x = pb.ones(2, requires_grad=True)
            pb.compile(lambda x: x * x)(x).sum().backward()
            assert x.grad.tolist() == [6, 6]


def test_many_different_calls():
    compiled = pb.compile(lambda x, n: x * n)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in range(200):
            assert compiled(pb.ones(1), n).item() == n
    assert len(caught) == 1 and "its calls differ" in str(caught[0].message)


def test_threads():
    compiled = pb.compile(lambda x, y: (x * y).sin() + x if x.sum() > 0 else x - y)
    plain = compiled.__wrapped__

    def work(seed):
        random = pb.Generator().manual_seed(seed)
        for _ in range(200):
            x, y = pb.randn(3, generator=random), pb.randn(3, generator=random)
            if not pb.equal(compiled(x, y), plain(x, y)):
                return False
        return True

    assert all(in_threads(6, work)) and replays(compiled) > 500


def test_nothing_is_kept_alive():
    import gc
    import weakref

    def make():
        big = pb.ones(1000)
        compiled = pb.compile(lambda x: x * big)
        for _ in range(4):
            compiled(pb.ones(1000))
        return weakref.ref(big), weakref.ref(compiled)

    refs = make()
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


def test_names_and_reset():
    def f(x):
        """Doubles."""
        return x * 2

    compiled = pb.compile(f)
    assert compiled.__name__ == "f" and compiled.__doc__ == "Doubles." and compiled.__wrapped__ is f
    assert pb.compile(compiled) is compiled and pb.compile(f, disable=True) is f
    for _ in range(4):
        compiled(pb.ones(1))
    assert replays(compiled) == 3
    pb.compiler.reset()
    assert replays(compiled) == 0 and compiled(pb.ones(1)).item() == 2
    with pytest.raises(TypeError, match="expected a function that pb.compile gave"):
        pb.compile.explain(f)


def test_which_nan_it_is():
    """Containers compare by identity before they compare by value: one NaN is not another."""

    def asks(x, a, b):
        return x * 2, a in (b,), (a,) == (b,), [a] != [b], [a].count(b)

    compiled, one, other = pb.compile(asks), float("nan"), complex(0, float("nan"))
    for a, b in [
        (one, one),
        (one, one),
        (one, -one),
        (one, one),
        (other, other),
        (other, one),
        (one, 1.0),
    ] * 2:
        assert_same(compiled, asks, pb.ones(1), a, b)
    nested = pb.compile(lambda x, t: (x * 2, t[0] in t[1]))
    for t in [(one, (one,)), (one, (float("nan"),)), (one, (one,))] * 2:
        assert nested(pb.ones(1), t)[1] is (t[0] in t[1])
    assert replays(compiled) > 4


def test_much_python_for_few_operators():
    """A loop that is long without operators is given up early: reading it costs much more than running it."""

    def counts(x):
        n = 0
        for i in range(200_000):
            n += i
        return x * n

    def computes(x):
        for i in range(12_000):
            x = x + (
                1
                if i % 7 in (1, 2, 3) and i % 5 != 2 and str(i) != "77" and [i, i + 1, i + 2, i + 3][2]
                else 2
            )
        return x

    assert "does too much" in refused(pb.compile(counts), pb.ones(2))
    compiled = pb.compile(computes)
    for _ in range(2):
        assert_same(compiled, computes, pb.ones(2))
    assert replays(compiled) == 1
