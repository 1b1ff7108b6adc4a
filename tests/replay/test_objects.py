"""Objects, classes and modules from outside, which change between calls, and what they are asked."""

import warnings

import pytest
from replay.worlds import Thing, cases, check

import pullback as pb

F = pb.nn.functional
CASES, case = cases()


@case(None)
def cache_in_an_object():
    thing = Thing(k=2.0, cache=None)

    def function(x, y):
        if thing.cache is None:
            thing.cache = thing.k * 2
        return x * thing.cache

    return function, lambda: setattr(thing, "cache", None), lambda: setattr(thing, "cache", 1.0)


@case(True)
def instance_checks():
    class A:
        pass

    class B(A):
        pass

    thing = Thing(o=B())

    def function(x, y):
        n = isinstance(thing.o, A) + 2 * isinstance(x, pb.Tensor) + 4 * isinstance(3, (int, str))
        return x * n + (1 if type(x) is pb.Tensor else 0)

    return function, lambda: setattr(thing, "o", 3), lambda: setattr(thing, "o", A())


@case(True)
def bases_for_instance_checks():
    class A:
        pass

    class M:
        pass

    class B(M):
        pass

    class N(A):
        pass

    thing = Thing(o=B())

    def function(x, y):
        return x * (2 if isinstance(thing.o, A) else 3)

    return function, lambda: setattr(B, "__bases__", (N,))


@case(False)
def instance_by_metaclass():
    table = {"is": True}

    class Meta(type):
        def __instancecheck__(cls, o):
            return table["is"]

    class A(metaclass=Meta):
        pass

    def function(x, y):
        return x * (2 if isinstance(3, A) else 3)

    return function, lambda: table.update({"is": False})


@case(True)
def truth_of_objects():
    class Own:
        def __init__(self):
            self.n = 1

        def __len__(self):
            return self.n

    thing = Own()

    def function(x, y):
        return x * len(thing) if thing else y

    return function, lambda: setattr(thing, "n", 0), lambda: setattr(Own, "__bool__", lambda self: True)


@case(True)
def indexable_object():
    class Own:
        def __getitem__(self, at):
            return table[at]

    table = [2.0]
    thing = Own()

    def function(x, y):
        return x * thing[0]

    return function, lambda: table.__setitem__(0, 3.0)


@case(False)
def arithmetic_of_objects():
    class Own:
        def __radd__(self, other):
            return other + table[0]

        def __add__(self, other):
            return other + table[0]

    table = [2.0]
    thing = Own()

    def function(x, y):
        return thing + 3 + x * (3 + thing)

    return function, lambda: table.__setitem__(0, 3.0)


@case(True)
def callable_object():
    class Own:
        def __init__(self):
            self.k = 2.0

        def __call__(self, x):
            return x * self.k

    thing = Own()

    def function(x, y):
        return thing(x)

    return function, lambda: setattr(thing, "k", 3.0), lambda: setattr(Own, "__call__", lambda self, x: x)


@case(True)
def methods_of_all_kinds():
    class Own:
        k = 2.0

        @staticmethod
        def static(x):
            return x * 2

        @classmethod
        def of_class(cls, x):
            return x * cls.k

        def plain(self, x):
            return self.static(x) + self.of_class(x) * self.k

    thing = Own()
    bound = thing.plain

    def function(x, y):
        return thing.plain(x) + Own.of_class(y) + Own.static(x) + bound(x)

    return function, lambda: setattr(Own, "k", 3.0), lambda: setattr(thing, "static", lambda x: x)


@case(False)
def private_names():
    class Own:
        def __init__(self):
            self.__k = 2.0
            self.k = 5.0

        def __call__(self, x, y):
            return x * self.__k

        def change(self):
            self.__k = 4.0

    thing = Own()

    def function(x, y):
        return thing(x, y)

    return function, thing.change


@case(True)
def modules():
    pb.manual_seed(3)
    net = pb.nn.Sequential(
        pb.nn.Linear(3, 4), pb.nn.Tanh(), pb.nn.LayerNorm(4), pb.nn.Linear(4, 3), pb.nn.ReLU()
    )

    def function(x, y):
        return net(x) * y

    def exchange():
        with pb.no_grad():
            net[0].weight.mul_(2.0)

    return (
        function,
        exchange,
        lambda: net.__setitem__(1, pb.nn.Sigmoid()),
        lambda: setattr(net[0], "weight", pb.nn.Parameter(pb.ones(4, 3))),
        lambda: net.append(pb.nn.Softplus()),
        lambda: setattr(net[4], "inplace", True),
    )


class Residual(pb.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = pb.nn.ModuleList([pb.nn.Linear(3, 3) for _ in range(3)])
        self.parts = pb.nn.ModuleDict({"norm": pb.nn.LayerNorm(3), "drop": pb.nn.Dropout(0.2)})
        self.gains = pb.nn.ParameterList([pb.nn.Parameter(pb.ones(3))])
        self.register_buffer("shift", pb.ones(3))

    def forward(self, x):
        h = self.parts["drop"](self.parts["norm"](x))
        for layer in self.layers:
            h = h + layer(h).relu()
        return x + self.layers[-1](h) * self.gains[0] + self.shift


@case(True)
def modules_of_modules():
    pb.manual_seed(3)
    net = Residual()

    def function(x, y):
        return net(x) * y

    return (
        function,
        lambda: net.layers.append(pb.nn.Tanh()),
        lambda: net.parts.update({"norm": pb.nn.Identity()}),
        lambda: net.shift.mul_(3.0),
        lambda: setattr(net, "shift", pb.zeros(3)),
        net.eval,
        lambda: net.gains[0].requires_grad_(False),
    )


@case(True)
def classes_above():
    class A:
        k = 2.0

        def scaled(self, x):
            return x * self.k

    class B(A):
        def scaled(self, x):
            return super().scaled(x) + 1

    class M(A):
        def scaled(self, x):
            return super().scaled(x) * 10

    class C(B):
        def scaled(self, x, *more):
            return super().scaled(x) * 2

    own = C()

    def function(x, y):
        return own.scaled(x)

    return (
        function,
        lambda: setattr(A, "scaled", lambda self, x: x - self.k),
        lambda: setattr(C, "__bases__", (B, M)),
        lambda: setattr(own, "k", 5.0),
        lambda: setattr(own, "__class__", B),
    )


@case(True)
def iterated_objects():
    class Own:
        def __init__(self):
            self.numbers = [1.0, 2.0]

        def __iter__(self):
            return iter(self.numbers)

        def __getitem__(self, at):
            return self.numbers[at]

    own = Own()

    def function(x, y):
        return x * sum(own) + own[0]

    return (
        function,
        lambda: own.numbers.append(4.0),
        lambda: setattr(Own, "__getitem__", lambda self, at: 7.0),
        lambda: setattr(Own, "__iter__", lambda self: iter((3.0,))),
    )


@case(False)
def iterated_with_effects():
    class Own:
        n = 0

        def __iter__(self):
            self.n += 1
            return iter([1.0, 2.0])

    own = Own()

    def function(x, y):
        return x * sum(own) + own.n

    return (function,)


@case(True)
def hooks_of_modules():
    net = pb.nn.Sequential(pb.nn.Identity(), pb.nn.Tanh())

    def function(x, y):
        return net(x)

    handles = []
    return (
        function,
        lambda: handles.append(net[1].register_forward_hook(lambda m, i, o: o * 3)),
        lambda: handles.pop().remove(),
        lambda: handles.append(net.register_forward_pre_hook(lambda m, i: (i[0] * 2,))),
        lambda: handles.pop().remove(),
        lambda: handles.append(net.register_full_backward_hook(lambda m, i, o: (i[0] * 2,))),
        lambda: handles.pop().remove(),
    )


@case(True)
def hooks_of_all_modules():
    net = pb.nn.Tanh()
    handles = []

    def function(x, y):
        return net(x)

    def hook(module, given, found):
        return found * 2

    return (
        function,
        lambda: handles.append(pb.nn.modules.module.register_module_forward_hook(hook)),
        lambda: handles.pop().remove(),
    )


@case(True)
def training_and_evaluation():
    net = pb.nn.Sequential(pb.nn.Dropout(0.5), pb.nn.Linear(3, 3))
    with pb.no_grad():
        net[1].weight.fill_(0.5)
        net[1].bias.fill_(0.25)

    def function(x, y):
        return net(x)

    return function, net.eval, net.train, lambda: setattr(net[0], "p", 0.1)


@case(True)
def running_means():
    net = pb.nn.BatchNorm1d(3)

    def function(x, y):
        return net(pb.stack([x, y])), net.running_mean.clone()

    return (function,)


@case(True)
def running_means_in_evaluation():
    net = pb.nn.BatchNorm1d(3).eval()

    def function(x, y):
        return net(pb.stack([x, y]))

    return function, lambda: net.running_mean.fill_(0.5), net.train


@case(True)
def forward_of_one_module():
    net = pb.nn.Tanh()

    def function(x, y):
        return net(x)

    return function, lambda: setattr(net, "forward", lambda x: x * 6)


@pytest.mark.parametrize("make, replayed", CASES, ids=lambda o: getattr(o, "__name__", ""))
def test_objects(make, replayed):
    assert check(make, replayed) >= 4


def test_objects_are_not_asked_what_they_are():
    """An object that says of itself that it is a dictionary, or a type, is not asked by the dry run."""
    asked = []

    class Pretends:
        @property
        def __class__(self):
            asked.append("class")
            return dict

        def __eq__(self, other):
            asked.append("equal")
            return False

        __hash__ = None

        def __contains__(self, key):
            return True

        def keys(self):
            return ["k"]

        def __getitem__(self, key):
            return 4

    pretends = Pretends()

    def keyed(x, k):
        return x * k

    for function in (
        lambda x: x * (2 if 1 in pretends else 3),
        lambda x: keyed(x, **pretends),
        lambda x: x * pretends["k"],
        lambda x: pb.clone(x, pretends),
    ):
        told = []
        for each in (function, pb.compile(function)):
            asked.clear()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    each(pb.ones(2))
                except TypeError:
                    pass
            told.append(list(asked))
        assert told[0] == told[1]
