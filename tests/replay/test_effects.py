"""Functions that change what is around them, or ask what cannot be known; and tensors that change."""
# ruff: noqa: C408, C416, C417

import copy
import enum
import functools
import random
import sys
import types

import numpy as np
import pytest
from replay.worlds import Mine, Thing, cases, check

import pullback as pb

F = pb.nn.functional
CASES, case = cases()


@case(False)
def writes_an_attribute():
    thing = Thing(n=0)

    def function(x, y):
        thing.n += 1
        return x * thing.n

    return function, lambda: setattr(thing, "n", 10)


@case(False)
def writes_by_setattr():
    thing = Thing(n=0)

    def function(x, y):
        setattr(thing, "n", thing.n + 1)  # noqa: B010
        return x * thing.n

    return (function,)


@case(False)
def writes_by_dict():
    thing = Thing(n=0)

    def function(x, y):
        thing.__dict__["n"] += 1
        vars(thing)["n"] += 1
        return x * thing.n

    return (function,)


@case(False)
def deletes():
    thing = Thing(table={i: i for i in range(99)})

    def function(x, y):
        del thing.table[len(thing.table) - 1]
        return x * len(thing.table)

    return (function,)


@case(False)
def throws_dice():
    dice = random.Random(0)

    def function(x, y):
        return x * dice.random()

    return (function,)


@case(True)
def draws():
    def function(x, y):
        return x * pb.rand(3) + F.dropout(x, 0.5) + pb.randn_like(y), pb.randint(0, 9, (2,))

    return (function,)


@case(None)
def draws_and_branches():
    def function(x, y):
        a = pb.rand(3)
        if a.sum() + x.sum() > 1.5:
            return x * pb.rand(3)
        return y * a - pb.randn(3)

    return (function,)


@case(False)
def own_generator():
    generator = pb.Generator().manual_seed(3)

    def function(x, y):
        return x * pb.rand(3, generator=generator)

    return (function,)


@case(False)
def seeds():
    def function(x, y):
        pb.manual_seed(5)
        return x * pb.rand(3)

    return (function,)


@case(True)
def backward_inside():
    w = pb.ones(3, requires_grad=True)

    def function(x, y):
        (w * y).sum().backward()
        return x * w.grad

    return function, lambda: setattr(w, "grad", None)


@case(True)
def gradient_read():
    w = pb.ones(3, requires_grad=True)

    def function(x, y):
        return x * (0 if w.grad is None else w.grad)

    return function, lambda: (w * 2).sum().backward(), lambda: setattr(w, "grad", None)


@case(False)
def hooks_inside():
    def function(x, y):
        z = y.clone().requires_grad_()
        z.register_hook(lambda g: g * 2)
        return z * x

    return (function,)


@case(False)
def versions():
    w = pb.ones(3)

    def function(x, y):
        return x * w._version

    return function, lambda: w.add_(1)


@case(False)
def identity():
    def function(x, y):
        return x * (id(x) != id(y)) + hash("a") * 0

    return (function,)


@case(False)
def numpy_inside():
    def function(x, y):
        return x * float(np.float64(2.0)) + pb.from_numpy(y.numpy().copy())

    return (function,)


@case(False)
def float_of_numpy():
    thing = Thing(k=np.float64(2.0))

    def function(x, y):
        return x * thing.k

    return function, lambda: setattr(thing, "k", np.float64(3.0))


@case(False)
def enumeration():
    class Mode(enum.Enum):
        A = 2.0
        B = 3.0

    thing = Thing(mode=Mode.A)

    def function(x, y):
        return x * thing.mode.value

    return function, lambda: setattr(thing, "mode", Mode.B)


@case(False)
def partial():
    thing = Thing(call=functools.partial(lambda k, x: x * k, 2.0))

    def function(x, y):
        return thing.call(x)

    return function, lambda: setattr(thing, "call", functools.partial(lambda k, x: x * k, 3.0))


@case(False)
def cached():
    calls = []

    @functools.lru_cache
    def helper(n):
        calls.append(n)
        return len(calls)

    def function(x, y):
        return x * helper(1) * len(calls)

    return function, helper.cache_clear


@case(True)
def shared_tensors():
    w = pb.ones(3, requires_grad=True)
    thing = Thing(a=w, b=w)

    def function(x, y):
        return x * thing.a + y * thing.b if thing.a is thing.b else x * thing.b

    return function, lambda: setattr(thing, "b", pb.ones(3) * 2), lambda: setattr(thing, "a", thing.b)


@case(True)
def requires_grad_changes():
    w = pb.ones(3)

    def function(x, y):
        return x * w if w.requires_grad else x * w * 2

    return function, lambda: w.requires_grad_(), lambda: w.requires_grad_(False)


@case(True)
def geometry_changes():
    thing = Thing(w=pb.ones(3))

    def function(x, y):
        return x * thing.w.sum() * thing.w.stride()[-1] * thing.w.numel()

    return (
        function,
        lambda: setattr(thing, "w", pb.ones(6)[::2]),
        lambda: setattr(thing, "w", pb.ones(3, dtype=pb.float64)),
        lambda: setattr(thing, "w", pb.ones(2, 3)),
        lambda: setattr(thing, "w", 3.0),
        lambda: setattr(thing, "w", pb.ones(5)[1:4]),
    )


@case(True)
def offsets():
    base = pb.arange(6.0)
    thing = Thing(w=base[0:3])

    def function(x, y):
        return x * thing.w + thing.w.storage_offset()

    return function, lambda: setattr(thing, "w", base[2:5]), lambda: base.mul_(2)


@case(None)
def attributes_of_tensors():
    w = pb.ones(3)

    def function(x, y):
        return x * (w.k if hasattr(w, "k") else 1.0)

    return function, lambda: setattr(w, "k", 3.0), lambda: setattr(w, "k", 4.0)


@case(None)
def hidden_operator_of_a_tensor():
    w = pb.ones(3)

    def function(x, y):
        return x * w.sin()

    return function, lambda: setattr(w, "sin", lambda: 5.0)


@case(False)
def class_of_tensors():
    w = pb.ones(3).as_subclass(Mine)

    def function(x, y):
        return x * w

    return (function,)


@case(True)
def data_structures():
    class Numbers(list):
        def __len__(self):
            return 7

    class Table(dict):
        def __getitem__(self, key):
            return 3.0

    numbers, table = Numbers([1.0]), Table(k=2.0)

    def function(x, y):
        return x * len(numbers) * table["k"]

    return (function,)


@case(True)
def results():
    def function(x, y):
        made = [x, [y * 2, {"a": x + 1}], (1, None, "s", pb.float32, x.shape)]
        return made

    return (function,)


@case(False)
def gives_back_its_list():
    numbers = [1.0]

    def function(x, y):
        return [x, numbers]

    return function, lambda: numbers.append(2.0)


@case(False)
def gives_back_twice():
    def function(x, y):
        made = [x]
        return [made, made]

    return (function,)


@case(True)
def several_results():
    def function(x, y):
        found = x.max(0)
        a, b = pb.sort(y)
        return found, found.values * 2, b, a, x.split(2)[1], pb.stack([x, y]).unbind()[0]

    return (function,)


@case(True)
def lists_inside():
    def function(x, y):
        made = [x]
        made.append(y)
        made.extend([x * 2, 3])
        made.insert(0, 1)
        last = made.pop()
        made[0] = last
        del made[1]
        made.reverse()
        table = {"a": 1}
        table["b"] = x
        table.update({"c": y})
        table.setdefault("d", 4)
        one = table.pop("a")
        for each in made:
            if len(made) < 5:
                made.append(each)
        order = sorted([3, 1, 2])
        return made, table, one, order, list(reversed(order)), max(3, 1), min([4, 2]), dict(a=1, b=x)

    return (function,)


@case(True)
def builtins_of_all_kinds():
    def function(x, y):
        pairs = list(zip([x, y], range(2)))
        total = sum([t * n for t, n in pairs])
        mapped = list(map(lambda t: t * 2, [x, y]))
        kept = [t for t in filter(lambda n: n > 1, [1, 2, 3])]
        return (
            total,
            mapped,
            kept,
            any([0, 1]),
            all([]),
            round(2.567, 1),
            divmod(7, 2),
            bool([]),
            int("3"),
            str(5),
        )

    return (function,)


@case(None)
def looks_at_numbers():
    def function(x, y):
        rows = x.tolist()
        return y * len([v for v in rows if v > 0]), [v > 0 for v in rows]

    return (function,)


@case(None)
def geometry_by_values():
    def function(x, y):
        return x[x > 0].sum() + pb.nonzero(y > 0).numel()

    return (function,)


@case(None)
def warns():
    def function(x, y):
        return F.mse_loss(x, y[:1])

    return (function,)


@case(False)
def prints():
    said = []

    def function(x, y):
        print("x", end="", file=types.SimpleNamespace(write=said.append))
        return x * len(said)

    return (function,)


@case(False)
def own_function():
    class Twice(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    def function(x, y):
        return Twice.apply(x)

    return (function,)


@case(False)
def transforms_inside():
    def function(x, y):
        return pb.func.grad(lambda t: (t * y).sin().sum())(x.detach()) * x

    return (function,)


@case(False)
def imports():
    def function(x, y):
        import math as m

        return x * m.pi

    return (function,)


@case(False)
def evaluates():
    space = {"k": 2.0}

    def function(x, y):
        return x * eval("k", space)

    return function, lambda: space.update(k=3.0)


@case(False)
def local_names():
    def function(x, y):
        k = 2.0
        return x * locals()["k"] * len(globals()) * 0 + k * y

    return (function,)


@case(False)
def classes_inside():
    def function(x, y):
        class Own:
            k = 2.0

        return x * Own.k

    return (function,)


@case(False)
def objects_inside():
    def function(x, y):
        thing = Thing(k=2.0)
        thing.k += 1
        return x * thing.k

    return (function,)


@case(False)
def recursion_limit():
    def function(x, y):
        return x * (sys.getrecursionlimit() > 0)

    return (function,)


@case(True)
def decorated():
    def doubling(inner):
        @functools.wraps(inner)
        def outer(*args, **kwargs):
            return inner(*args, **kwargs) * table["k"]

        return outer

    table = {"k": 2.0}

    @doubling
    def function(x, y):
        return x * y

    return function, lambda: table.update(k=3.0)


@case(True)
def compiled_inside():
    thing = Thing(k=2.0)

    @pb.compile
    def inner(x):
        return x * thing.k

    def function(x, y):
        return inner(x) + inner(y)

    return function, lambda: setattr(thing, "k", 3.0)


@case(True)
def deep_copies_of_worlds():
    thing = Thing(k=[1.0, 2.0])

    def function(x, y):
        return x * thing.k[1]

    return function, lambda: setattr(thing, "k", copy.deepcopy(thing.k)), lambda: thing.k.pop(0)


@case(None)
def raises():
    def function(x, y):
        if x.sum() > 1:
            raise ValueError("too much")
        return x @ y[:2] if y.sum() > 1 else x

    return (function,)


@case(None)
def asserts():
    def function(x, y):
        assert x.sum() < 1, "too much"
        return x

    return (function,)


@pytest.mark.parametrize("make, replayed", CASES, ids=lambda o: getattr(o, "__name__", ""))
def test_effects(make, replayed):
    assert check(make, replayed) >= 4
