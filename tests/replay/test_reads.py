"""Functions that read what is around them, in every way that Python has; between calls that changes."""
# ruff: noqa: RUF015

import collections
import math
import operator
import types

import pytest
from replay.worlds import Thing, cases, check, run_with_source

import pullback as pb

F = pb.nn.functional
CASES, case = cases()


@case(True)
def global_number():
    names = {"k": 2.0}
    function = types.FunctionType(_reads_k.__code__, {**globals(), **names})
    return function, lambda: function.__globals__.update(k=3.0), lambda: function.__globals__.update(k=True)


def _reads_k(x, y):
    return x * k


@case(True)
def number_and_truth():
    thing = Thing(k=1)

    def function(x, y):
        return x * 2 if thing.k is True else x * thing.k

    return function, lambda: setattr(thing, "k", True), lambda: setattr(thing, "k", 1.0)


@case(True)
def zeros_of_two_signs():
    thing = Thing(k=0.0)

    def function(x, y):
        return x * 0 + math.copysign(1.0, thing.k)

    return function, lambda: setattr(thing, "k", -0.0), lambda: setattr(thing, "k", 0)


@case(True)
def not_a_number():
    thing = Thing(k=math.nan)

    def function(x, y):
        return x if thing.k == thing.k else y

    return function, lambda: setattr(thing, "k", 1.0), lambda: setattr(thing, "k", math.nan)


@case(True)
def deleted_attribute():
    thing = Thing(scale=5.0)

    def function(x, y):
        return x * thing.scale

    return function, lambda: delattr(thing, "scale"), lambda: setattr(thing, "scale", 7.0)


@case(True)
def attribute_by_getattr():
    thing = Thing(k=5.0)

    def function(x, y):
        return x * getattr(thing, "k", 1.0) + (1 if hasattr(thing, "other") else 0)

    return function, lambda: delattr(thing, "k"), lambda: setattr(thing, "other", 7.0)


@case(True)
def class_attribute():
    class Own(Thing):
        pass

    thing = Own()

    def function(x, y):
        return x * thing.scale

    return function, lambda: setattr(Own, "scale", 3.0), lambda: delattr(Own, "scale")


@case(True)
def base_of_class():
    class A:
        k = 2.0

    class B:
        k = 3.0

    class M(A):
        pass

    class C(M):
        pass

    thing = C()

    def function(x, y):
        return x * thing.k

    return function, lambda: setattr(M, "__bases__", (B,)), lambda: setattr(B, "k", 9.0)


@case(True)
def class_of_object():
    class A:
        def scaled(self, x):
            return x * 2

    class B:
        def scaled(self, x):
            return x * 3

    thing = A()

    def function(x, y):
        return thing.scaled(x)

    return (
        function,
        lambda: setattr(thing, "__class__", B),
        lambda: setattr(B, "scaled", lambda self, x: x * 4),
    )


@case(True)
def becomes_a_descriptor():
    class Value:
        pass

    value = Value()

    class Own:
        k = value

    thing = Own()
    table = {value: 2.0}

    def function(x, y):
        return x * (2.0 if thing.k is value else 3.0)

    return function, lambda: setattr(Value, "__get__", lambda self, o, cls: table)


@case(True)
def is_made_a_descriptor():
    class Value:
        pass

    class Reads:
        def __get__(self, o, cls):
            return None

    value = Value()

    class Own:
        k = value

    own = Own()

    def function(x, y):
        return x * (2.0 if own.k is value else 3.0)

    return function, lambda: setattr(value, "__class__", Reads)


@case(True)
def property_of_object():
    class Own:
        def __init__(self):
            self.n = 2

        @property
        def doubled(self):
            return self.n * 2

    thing = Own()

    def function(x, y):
        return x * thing.doubled

    return (
        function,
        lambda: setattr(thing, "n", 5),
        lambda: setattr(Own, "doubled", property(lambda self: self.n)),
    )


@case(True)
def descriptors_begin_anew():
    class Own:
        @property
        def one(self):
            return 1.0

        @staticmethod
        def two(x):
            return x * 2

        @classmethod
        def three(cls, x):
            return x * 3

    own = Own()

    def function(x, y):
        return own.two(x) + own.three(x) * own.one

    return (
        function,
        lambda: vars(Own)["one"].__init__(lambda self: 5.0),
        lambda: vars(Own)["two"].__init__(lambda x: x * 7),
        lambda: vars(Own)["three"].__init__(lambda cls, x: x * 9),
    )


@case(False)
def slots_of_object():
    class Own:
        __slots__ = ("k",)

    thing = Own()
    thing.k = 2.0

    def function(x, y):
        return x * thing.k

    return function, lambda: setattr(thing, "k", 3.0)


@case(False)
def getattribute_of_class():
    class Own:
        k = 2.0

        def __getattribute__(self, name):
            return table[name]

    table = {"k": 3.0}
    thing = Own()

    def function(x, y):
        return x * thing.k

    return function, lambda: table.update(k=4.0)


@case(True)
def getattr_of_class():
    class Own:
        def __getattr__(self, name):
            return table[name]

    table = {"k": 3.0}
    thing = Own()

    def function(x, y):
        return x * thing.k

    return function, lambda: table.update(k=4.0), lambda: setattr(thing, "k", 5.0)


@case(False)
def attribute_getter():
    thing = Thing(k=2.0)
    get = operator.attrgetter("k")

    def function(x, y):
        return x * get(thing)

    return function, lambda: setattr(thing, "k", 3.0)


@case(False)
def item_getter_and_method_caller():
    table = [2.0, 3.0]
    get, call = operator.itemgetter(0), operator.methodcaller("pop")

    def function(x, y):
        return x * get(table) * (call(table) if len(table) > 1 else 1)

    return function, lambda: table.insert(0, 7.0)


@case(False)
def bound_method_of_list():
    seen = []
    add = seen.append

    def function(x, y):
        add(1)
        return x * len(seen)

    return function, lambda: seen.clear()


@case(False)
def appends_to_outer_list():
    seen = []

    def function(x, y):
        seen.append(1)
        return x * len(seen)

    return function, lambda: seen.clear()


@case(False)
def list_by_dunder():
    numbers = [1.0]

    def function(x, y):
        numbers.__setitem__(0, numbers[0] + 1)
        return x * numbers[0]

    return (function,)


@case(False)
def tensor_by_dunder():
    w = pb.ones(3)

    def function(x, y):
        w.__setitem__(0, 5.0)
        return x * w

    return function, lambda: w.fill_(2.0)


@case(True)
def tensor_by_setitem():
    w = pb.ones(3)

    def function(x, y):
        w[0] += 1
        return x * w

    return function, lambda: w.fill_(2.0)


@case(True)
def view_of_argument():
    def function(x, y):
        y.view(-1)[1:].mul_(2)
        return x * y

    return (function,)


@case(True)
def data_of_argument():
    def function(x, y):
        z = y.detach()
        z += 1
        y.data.mul_(3)
        return x * y

    return (function,)


@case(True)
def expanded_argument():
    def function(x, y):
        z = y.expand(3)
        z.add_(1)
        return x * y

    return (function,)


@case(True)
def own_memory():
    def function(x, y):
        z = y.clone()
        z[0] = x[1]
        v = z[1:]
        v *= 2
        z.add_(x).mul_(y)
        w = pb.zeros(3)
        w[1] = 4.0
        return z, v, w + x

    return (function,)


@case(True)
def may_be_the_argument():
    def function(x, y):
        z = y.contiguous()
        z.add_(1)
        u = y.to(pb.float32)
        u.add_(1)
        return x * z

    return (function,)


@case(False)
def out_of_argument():
    def function(x, y):
        pb.add(y, 1, out=y)
        return x * y

    return (function,)


@case(False)
def out_by_position():
    def function(x, y):
        F.normalize(x.detach(), 2.0, 0, 1e-12, y)
        return x * y

    return (function,)


@case(True)
def inplace_of_functions():
    def function(x, y):
        F.relu(y, True)
        F.relu(y, inplace=True)
        F.dropout(y, 0.5, True, True)
        return x * y

    return (function,)


@case(False)
def matches():
    thing = Thing(kind={"a": 1})

    def function(x, y):
        match thing.kind:
            case {"a": k}:
                return x * k
            case [k, *_]:
                return x * k * 10
            case _:
                return x

    return function, lambda: thing.kind.update(a=3), lambda: setattr(thing, "kind", [4])


@case(True)
def dictionary_order():
    table = {"a": 1.0, "b": 2.0}

    def function(x, y):
        for value in table.values():
            return x * value

    return function, lambda: table.update(a=table.pop("a")), lambda: table.clear()


@case(True)
def ordered_dictionary():
    table = collections.OrderedDict(a=1.0, b=2.0)

    def function(x, y):
        return x * list(table.items())[0][1]

    return function, lambda: table.move_to_end("a"), lambda: table.update(c=1)


@case(False)
def default_dictionary():
    table = collections.defaultdict(lambda: 2.0)

    def function(x, y):
        return x * table["k"] * len(table)

    return function, lambda: table.update(k=3.0)


@case(True)
def keys_that_are_equal():
    table = {1: 2.0}

    def function(x, y):
        return x * table[True] * (3 if 1.0 in table else 1)

    return function, lambda: table.update({True: 5.0}), lambda: table.clear()


@case(True)
def missing_key():
    table = {}

    def function(x, y):
        return x * table.get("k", 2.0) + ("k" in table)

    return function, lambda: table.update(k=None) or table.update(k=5.0), lambda: table.clear()


@case(False)
def set_of_numbers():
    numbers = {1, 2}

    def function(x, y):
        return x * len(numbers) if 1 in numbers else y

    return function, lambda: numbers.add(3), lambda: numbers.discard(1), lambda: numbers.add(1.0)


@case(False)
def equal_by_class():
    class Number:
        def __init__(self, n):
            self.n = n

        def __eq__(self, other):
            return True

        __hash__ = None

    thing = Thing(k=Number(1))

    def function(x, y):
        return x * thing.k.n if thing.k == 3 else y

    return function, lambda: setattr(thing.k, "n", 4), lambda: setattr(thing, "k", Number(9))


@case(True)
def list_grows():
    numbers = [1.0, 2.0]

    def function(x, y):
        total = x
        for n in numbers:
            total = total * n
        return total + len(numbers) * numbers[-1]

    return function, lambda: numbers.append(3.0), lambda: numbers.reverse(), lambda: numbers.pop()


@case(True)
def list_of_tensors():
    parts = [pb.ones(3), pb.ones(3) * 2]

    def function(x, y):
        return x * pb.stack(parts).sum(0) + sum(parts)

    return (
        function,
        lambda: parts[0].fill_(4.0),
        lambda: parts.__setitem__(1, parts[0]),
        lambda: parts.append(pb.ones(3)),
    )


@case(True)
def nested_containers():
    table = {"a": [1.0, {"b": (2.0, [3.0])}]}

    def function(x, y):
        return x * table["a"][1]["b"][1][0]

    def change():
        table["a"][1]["b"][1][0] = 7.0

    return function, change, lambda: table.update(a=[1.0, {"b": (2.0, [9.0])}])


@case(True)
def cell_of_closure():
    k = 2.0

    def function(x, y):
        return x * k

    def change():
        nonlocal k
        k = 3.0

    return function, change


@case(True)
def empty_cell():
    def make():
        def function(x, y):
            return x * later

        yield function
        later = 2.0
        yield later

    steps = make()
    return next(steps), lambda: next(steps)


@case(False)
def writes_nonlocal():
    n = 0

    def function(x, y):
        nonlocal n
        n += 1
        return x * n

    return (function,)


@case(False)
def writes_global():
    space = {"n": 0, "pb": pb}
    exec("def function(x, y):\n    global n\n    n += 1\n    return x * n\n", space)
    return space["function"], lambda: space.update(n=5)


@case(True)
def function_is_exchanged():
    space = Thing(helper=lambda x: x * 2)

    def function(x, y):
        return space.helper(x)

    return (
        function,
        lambda: setattr(space, "helper", pb.sin),
        lambda: setattr(space, "helper", lambda x: x - 1),
    )


@case(True)
def code_is_exchanged():
    def helper(x):
        return x * 2

    def other(x):
        return x * 7

    def function(x, y):
        return helper(x)

    return function, lambda: setattr(helper, "__code__", other.__code__)


@case(True)
def defaults_are_exchanged():
    def helper(x, k=2.0, *, n=1):
        return x * k * n

    def function(x, y):
        return helper(x)

    return (
        function,
        lambda: setattr(helper, "__defaults__", (4.0,)),
        lambda: helper.__kwdefaults__.update(n=3),
        lambda: setattr(helper, "__kwdefaults__", {"n": 9}),
        lambda: setattr(helper, "__defaults__", None),
    )


@case(False)
def default_that_is_changed():
    def function(x, y, seen=[]):  # noqa: B006
        seen.append(1)
        return x * len(seen)

    return (function,)


@case(True)
def module_attribute():
    module = types.ModuleType("of_a_test")
    module.k = 2.0

    def function(x, y):
        return x * module.k

    return function, lambda: setattr(module, "k", 4.0), lambda: delattr(module, "k")


@case(True)
def class_of_module():
    module = types.ModuleType("of_a_test")
    module.k = 2.0

    class Other(types.ModuleType):
        k = property(lambda self: 8.0)

    def function(x, y):
        return x * module.k

    return function, lambda: setattr(module, "__class__", Other)


@case(True)
def builtin_is_hidden():
    space = {"pb": pb}
    source = "def function(x, y):\n    return x * abs(-2) + len([1])\n"
    run_with_source(source, space, "<hidden builtin>")
    return space["function"], lambda: space.update(abs=lambda n: 9), lambda: space.update(len=lambda n: 5)


@case(False)
def globals_of_a_class():
    class Names(dict):
        def __missing__(self, name):
            return 4.0

    source = "def function(x, y):\n    return x * nowhere\n"
    space = Names(pb=pb)
    run_with_source(source, space, "<globals of a class>")
    return space["function"], lambda: space.update(nowhere=2.0)


@case(False)
def source_that_lies():
    source = "def function(x, y):\n    return x * 2\n"
    space = {}
    exec(compile("def function(x, y):\n    return x * 3\n", "<lies>", "exec"), space)
    import linecache

    linecache.cache["<lies>"] = (len(source), None, source.splitlines(True), "<lies>")
    return (space["function"],)


@pytest.mark.parametrize("make, replayed", CASES, ids=lambda o: getattr(o, "__name__", ""))
def test_reads(make, replayed):
    assert check(make, replayed) >= 4
