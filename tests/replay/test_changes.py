"""What a function looks at changes between calls, in every way that Python has: the next call is of the new state."""

import builtins
import collections
import contextlib
import functools
import types

import pytest
from replay import plainly

import pullback as pb

CHANGES = []


def change(case):
    """A case yields the function of a number, changes something, and yields what the function gives of 1 then."""
    CHANGES.append(case)
    return case


class Empty:
    pass


@change
def list_of_a_class():
    class Of:
        numbers = [1.0]

    yield lambda x: x * sum(Of.numbers)
    Of.numbers.append(2.0)
    yield 3


@change
def order_of_a_dict():
    table = {"a": 1.0, "b": 2.0}
    yield lambda x: x * next(iter(table.values()))
    table["a"] = table.pop("a")
    yield 2


@change
def order_of_an_ordered_dict():
    table = collections.OrderedDict(a=1.0, b=2.0)
    yield lambda x: x * next(iter(table.values()))
    table.move_to_end("a")
    yield 2


def _asked(o):
    def function(x):
        try:
            return x * o.k
        except AttributeError:
            return x

    return function


@change
def attribute_that_was_not_there():
    o = Empty()
    yield _asked(o)
    o.k = 5.0
    yield 5


@change
def attribute_in_place_of_another():
    o = Empty()
    o.other = 1
    yield _asked(o)
    del o.other
    o.k = 5.0
    yield 5


@change
def name_of_a_module():
    module = types.ModuleType("of_a_test")
    yield _asked(module)
    module.k = 5.0
    yield 5


@change
def attribute_of_a_tensor():
    w = pb.ones(1)
    yield _asked(w)
    w.k = 5.0
    yield 5


@change
def other_attribute_of_a_tensor():
    w = pb.ones(1)
    w.k = 2.0
    yield _asked(w)
    w.k = 5.0
    yield 5


@change
def attribute_of_a_function():
    def scaled(x):
        return x * scaled.k

    scaled.k = 2.0
    yield lambda x: scaled(x)
    scaled.k = 3.0
    yield 3


@change
def defaults():
    def function(x, k=2.0):
        return x * k

    yield function
    function.__defaults__ = (4.0,)
    yield 4


@change
def defaults_of_keywords():
    def function(x, *, k=2.0):
        return x * k

    yield function
    function.__kwdefaults__["k"] = 4.0
    yield 4


@change
def code():
    def function(x):
        return x * 2

    yield function
    function.__code__ = (lambda x: x * 9).__code__
    yield 9


@change
def name_of_the_builtins():
    def function(x):
        return x * abs(-2)

    yield function
    globals()["abs"] = lambda value: 7
    try:
        yield 7
    finally:
        del globals()["abs"]


@change
def builtins_themselves():
    def function(x):
        return x * abs(-2)

    yield function
    before, builtins.abs = builtins.abs, lambda value: 7
    try:
        yield 7
    finally:
        builtins.abs = before


@change
def set_of_numbers():
    numbers = {1, 2}
    yield lambda x: x * len(numbers)
    numbers.add(3)
    yield 3


@change
def module_of_a_network():
    net = pb.nn.Sequential(pb.nn.Identity())
    yield lambda x: net(x)
    net[0] = pb.nn.Linear(1, 1, bias=False)
    with pb.no_grad():
        net[0].weight.fill_(4.0)
    yield 4


@change
def hook_of_a_network():
    net = pb.nn.Sequential(pb.nn.Identity())
    yield lambda x: net(x)
    net.register_forward_hook(lambda module, given, found: found * 3)
    yield 3


@change
def method_of_a_library_class():
    net = pb.nn.Identity()
    yield lambda x: net(x)
    before, pb.nn.Identity.forward = pb.nn.Identity.forward, lambda self, x: x * 5
    try:
        yield 5
    finally:
        pb.nn.Identity.forward = before


@change
def forward_of_one_module():
    net = pb.nn.Identity()
    yield lambda x: net(x)
    net.forward = lambda x: x * 6
    yield 6


@change
def operator_by_another_name():
    yield lambda x: pb.square(x)
    before, pb.square = pb.square, pb.neg
    try:
        yield -1
    finally:
        pb.square = before


@change
def descriptor():
    table = {"v": 2.0}

    class Reads:
        def __get__(self, instance, owner):
            return table["v"]

    class Has:
        v = Reads()

    o = Has()
    yield lambda x: x * o.v
    table["v"] = 3.0
    yield 3


@change
def dynamic_attribute():
    table = {"v": 2.0}

    class Has:
        def __getattr__(self, name):
            return table["v"]

    o = Has()
    yield lambda x: x * o.anything
    table["v"] = 3.0
    yield 3


@change
def length_and_truth():
    class Sized:
        n = 1

        def __len__(self):
            return self.n

    o = Sized()
    yield lambda x: x * len(o) if o else x * 100
    o.n = 0
    yield 100


@change
def partial_function():
    def made(k):
        return lambda x: x * k

    o = Empty()
    o.call = functools.partial(lambda f, x: f(x), made(2.0))
    yield lambda x: o.call(x)
    o.call = functools.partial(lambda f, x: f(x), made(3.0))
    yield 3


@change
def class_of_an_object():
    class Doubles:
        def __call__(self, x):
            return x * 2

    class Triples:
        def __call__(self, x):
            return x * 3

    o = Doubles()
    yield lambda x: o(x)
    o.__class__ = Triples
    yield 3


@change
def bases_of_a_class():
    class One:
        k = 1.0

    class Two:
        k = 2.0

    class Middle(One):
        pass

    class Last(Middle):
        pass

    o = Last()
    yield lambda x: x * o.k
    Middle.__bases__ = (Two,)
    yield 2


@change
def slots():
    class Has:
        __slots__ = ("k",)

    o = Has()
    o.k = 2.0
    yield lambda x: x * o.k
    o.k = 3.0
    yield 3


@change
def gradient_that_is_wanted():
    w = pb.ones(1, requires_grad=True)
    yield lambda x: x * 2 if w.requires_grad else x * 3
    w.requires_grad_(False)
    yield 3


@change
def sign_of_zero():
    zero = 0.0
    yield lambda x: x * (2 if str(zero) == "0.0" else 3)
    zero = -0.0
    yield 3


@change
def default_dtype():
    yield lambda x: x * (2 if pb.tensor(1.0).dtype == pb.float32 else 3)
    pb.set_default_dtype(pb.float64)
    try:
        yield 3
    finally:
        pb.set_default_dtype(pb.float32)


@change
def subclass_of_list():
    class Numbers(list):
        pass

    numbers = Numbers([1.0])
    yield lambda x: x * numbers[0]
    numbers[0] = 2.0
    yield 2


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.__name__)
def test_change(case):
    steps = case()
    compiled = pb.compile(next(steps))
    for _ in range(4):
        compiled(pb.ones(1, 1))
    wanted = next(steps)
    for _ in range(4):
        assert compiled(pb.ones(1, 1)).item() == wanted
    steps.close()


def test_most_of_them_are_replayed():
    count = 0
    for case in CHANGES:
        compiled = pb.compile(next(case()))
        for _ in range(4):
            compiled(pb.ones(1, 1))
        count += plainly.replays(compiled) == 3
    assert count >= len(CHANGES) - 12


def test_contexts_that_change_and_put_back():
    state = {"on": False}

    @contextlib.contextmanager
    def switched():
        state["on"] = True
        try:
            yield
        finally:
            state["on"] = False

    def function(x):
        with switched():
            return x * (2 if state["on"] else 1)

    compiled = pb.compile(function)
    assert [compiled(pb.ones(1)).item() for _ in range(5)] == [2] * 5


def test_what_comes_back_is_new():
    compiled = pb.compile(lambda x: [x + 1, [2], x])
    for _ in range(4):
        x = pb.ones(1)
        found = compiled(x)
        assert found[1] == [2] and found[2] is x
        found[1].append(3)
    compiled = pb.compile(lambda x: (x, x.view(-1)))
    for _ in range(4):
        x = pb.ones(2)
        same, flat = compiled(x)
        flat.add_(1)
        assert same is x and x.tolist() == [2, 2]


def test_gradients_accumulate():
    w = pb.ones(1, requires_grad=True)

    def function(x):
        (w * x).sum().backward()
        return w.grad.clone()

    compiled = pb.compile(function)
    assert [compiled(pb.ones(1)).item() for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    w.grad = None
    assert compiled(pb.ones(1)).item() == 1
    for retain in (True, False):

        def twice(x, retain=retain):
            y = (x * x).sum()
            y.backward(retain_graph=retain)
            return y

        compiled = pb.compile(twice)
        for _ in range(4):
            x = pb.ones(2, requires_grad=True)
            y = compiled(x)
            if retain:
                y.backward()
                assert x.grad.tolist() == [4, 4]
            else:
                with pytest.raises(RuntimeError, match="backward through the graph a second time"):
                    y.backward()
