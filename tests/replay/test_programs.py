"""Functions compiled and as they are, side by side: values to the bit, gradients of two orders, effects, errors, draws."""

import copy
import dataclasses
import functools
from collections import namedtuple

import pytest
from replay.plainly import assert_same, reason, replays

import pullback as pb

F = pb.nn.functional
SCALE = 2.0
TABLE = {"a": 1.5, "b": [2.0, 3.0]}
Pair = namedtuple("Pair", "first second")


def vectors(*shape, n=2, grad=True, dtype=pb.float64):
    return [pb.randn(*shape or (3,), dtype=dtype, requires_grad=grad) for _ in range(n)]


def arithmetic(x, y):
    return (x * y + x / (y * y + 1) - 2 * x) ** 2


def globals_and_containers(x, y):
    return x * SCALE + y * TABLE["a"] + sum(b * x for b in TABLE["b"])


def branches(x, y):
    if (x * y).sum() > 0:
        return x.sin() * y
    elif x[0] > y[0]:
        return x.cos()
    return y.exp(), x


def loop(x, y):
    n = 0
    while x.norm() > 0.5:
        x = x * 0.5 + y * 1e-3
        n += 1
    return x, n


def item(x, y):
    if x.sum().item() > 0 and float(y[0]) > -10:
        return x * 2
    return x


def rows(x, y):
    total = 0
    for a, b in zip(x, y):
        total = total + a * b
    first, *rest = x
    return total, first, pb.stack(rest)


def writes(x, y):
    z = x.clone()
    z[0] = y[1]
    z[1:] *= 3
    z.add_(y).mul_(2)
    v = z[1:]
    v.sub_(1)
    return z, v


def writes_argument(x, y):
    with pb.no_grad():
        x += y
        y.zero_()
    return x * 3


def own_backward(x, y):
    loss = (x * y).sin().sum()
    loss.backward()
    return loss.detach()


def own_backward_and_graph(x, y):
    loss = (x * y).sin().sum()
    loss.backward()
    return loss


def own_grad(x, y):
    loss = (x * x * y).sum()
    (g,) = pb.autograd.grad(loss, x, create_graph=True)
    (h,) = pb.autograd.grad(g.square().sum(), x)
    return loss.detach(), g, h


def descends(x, y):
    for _ in range(3):
        x.grad = None
        ((x - y.detach()) ** 2).sum().backward()
        with pb.no_grad():
            x -= 0.1 * x.grad
    return x


def draws(x, y):
    mask = pb.rand(3) > 0.5
    return x * mask + pb.randn_like(y).detach() * y, F.dropout(x, 0.5)


def several(x, y):
    values, where = x.max(0)
    parts = pb.cat([x, y]).split(2)
    a, b = pb.sort(x)
    return values, where, parts[0], b, a


def named(x, y):
    return pb.max(x, 0)


def shapes(x, y):
    out = []
    for i in range(x.shape[0]):
        out.append(x[i] * len(y))
    return pb.stack(out).reshape(-1), x.T if x.ndim == 2 else x


def modes(x, y):
    with pb.no_grad():
        a = x * 2
    with pb.no_grad(), pb.enable_grad():
        b = y * 3
    pb.set_grad_enabled(False)
    c = x * y
    pb.set_grad_enabled(True)
    return a, b, c, a * b


def closures(x, y):
    def inner(z):
        return z * k

    k = 3
    return inner(x) + (lambda z: z - 1)(y) + functools.reduce(lambda a, b: a * b, [x, y, x])


def generator(x, y):
    def each():
        for i in range(3):
            yield x * i

    return sum(each()), [t + y for t in each()], {"a": x, "b": (y, 1)}


def indexed(x, y):
    return x[x > 0], x[pb.tensor([0, 2])], pb.nonzero(y > 0)


def caught(x, y):
    try:
        z = x @ y[:2]
    except RuntimeError:
        z = x * y
    return z


def raises(x, y):
    if x.sum() > 0:
        raise ValueError("positive")
    return x


def fails(x, y):
    return x + pb.ones(7)


def wheres(x, y):
    return pb.where(x > y, x, y), x.clamp(min=0), pb.einsum("i,i->", x, y), x.data * 2


def kinds(x, y):
    return x.to(pb.float32), x.double(), x.long(), (x > 0).any(), x.detach().requires_grad_()


def arguments_back(x, y):
    return x, (y, x), [x]


def tolist(x, y):
    n = [v > 0 for v in x.tolist()]
    return x * sum(n), n


def constants(x, y):
    w = pb.tensor([1.0, 2.0, 3.0], dtype=x.dtype)
    w += 1
    return x * w, pb.zeros(3), pb.arange(3), pb.full((2,), 7.0)


def losses(x, y):
    return (
        F.mse_loss(x, y),
        F.softmax(x, 0),
        F.gelu(y),
        F.layer_norm(x, (3,)),
        F.cross_entropy(x, pb.tensor(1)),
    )


def named_pair(x, y):
    p = Pair(x, y)
    return p.first * p.second


PROGRAMS = [
    value
    for value in list(globals().values())
    if getattr(value, "__code__", None) and value.__module__ == __name__
]
PROGRAMS = [f for f in PROGRAMS if f.__code__.co_varnames[:2] == ("x", "y")]


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_programs(function, grad):
    compiled = pb.compile(function)
    for seed in range(9):
        pb.manual_seed(seed)
        args = vectors(grad=grad)
        assert_same(compiled, function, *args)
    if function not in (
        writes_argument,
        own_grad,
        descends,
        modes,
        closures,
        generator,
        named_pair,
        item,
        raises,
        fails,
        indexed,
        loop,
        own_backward,
        own_backward_and_graph,
        tolist,
        caught,
    ):
        assert reason(compiled) is None, reason(compiled)
        assert replays(compiled) > 0


@pytest.mark.parametrize("function", [arithmetic, rows, shapes, branches, writes], ids=lambda f: f.__name__)
def test_other_shapes_dtypes_and_modes(function):
    compiled = pb.compile(function)
    for _ in range(3):
        for dtype in (pb.float32, pb.float64):
            for n in (3, 4):
                assert_same(compiled, function, *vectors(n, dtype=dtype))
        with pb.no_grad():
            assert_same(compiled, function, *vectors(3))
        assert_same(compiled, function, *vectors(3, grad=False))
        x, y = vectors(3)
        assert_same(compiled, function, x, y.detach())
        matrix = pb.randn(3, 2).T
        assert_same(compiled, function, matrix, pb.randn(2, 3))
    assert replays(compiled) > 0


class Cell(pb.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = pb.nn.Linear(3, 4)
        self.norm = pb.nn.LayerNorm(4)
        self.rest = pb.nn.Sequential(pb.nn.Tanh(), pb.nn.Dropout(0.3), pb.nn.Linear(4, 2))
        self.scale = 2.0

    def forward(self, x):
        return self.rest(self.norm(self.linear(x))) * self.scale


def test_modules():
    pb.manual_seed(1)
    net = Cell()

    nets = net, copy.deepcopy(net)

    def of(net):
        return lambda x: net(x)

    plain, compiled = of(nets[0]), pb.compile(of(nets[1]))
    for step in range(12):
        for each in nets:
            if step == 4:
                each.eval()
            if step == 8:
                each.scale = 3.0
        assert_same(compiled, plain, pb.randn(5, 3))
    assert replays(compiled) == 9
    wrapped = pb.compile(net)
    for _ in range(5):
        x = pb.randn(5, 3)
        assert pb.equal(wrapped(x), net(x))
    assert wrapped.scale == 3.0 and next(iter(wrapped.state_dict())) == "_orig_mod.linear.weight"
    assert isinstance(wrapped, pb.nn.Module) and len(list(wrapped.parameters())) == len(
        list(net.parameters())
    )
    assert not wrapped.training and wrapped.train() is wrapped and net.training


def test_training():
    def step(net, optimizer, x, y):
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    found = []
    for function in (step, pb.compile(step)):
        pb.manual_seed(3)
        net = pb.nn.Sequential(pb.nn.Linear(3, 4), pb.nn.Tanh(), pb.nn.Linear(4, 1))
        optimizer = pb.optim.SGD(net.parameters(), lr=0.1)
        losses = []
        for i in range(8):
            if i == 5:
                optimizer.param_groups[0]["lr"] = 0.05
            losses.append(function(net, optimizer, pb.randn(5, 3), pb.randn(5, 1)).item())
        found.append((losses, [p.tolist() for p in net.parameters()]))
    assert found[0] == found[1]


@dataclasses.dataclass
class Setting:
    rate: float
    weights: list


class Model:
    bias = 1.0

    def __init__(self):
        self.weight = pb.ones(3)
        self.factor = 2

    @property
    def doubled(self):
        return self.factor * 2

    def helper(self, x):
        return x * self.weight

    def __call__(self, x):
        return self.helper(x) * self.doubled + self.bias


def test_state_that_changes():
    model, setting = Model(), Setting(0.5, [pb.ones(3), 2.0])

    def function(x):
        return model(x) * setting.rate + setting.weights[0] * setting.weights[1] + offset * SCALE

    offset = 1
    compiled = pb.compile(function)

    def check():
        for _ in range(3):
            x = pb.randn(3)
            assert pb.equal(compiled(x), function(x))

    global SCALE
    before = SCALE
    check()
    check()
    assert replays(compiled) >= 3
    try:
        for change in (
            lambda: setattr(model, "factor", 3),
            lambda: setattr(model, "weight", pb.zeros(3)),
            lambda: setattr(Model, "bias", 2.0),
            lambda: setattr(model, "bias", 5.0),
            lambda: delattr(model, "bias"),
            lambda: setattr(Model, "helper", lambda self, x: x - self.weight),
            lambda: setattr(Model, "doubled", property(lambda self: self.factor + 1)),
            lambda: setattr(setting, "rate", 7.0),
            lambda: setting.weights.__setitem__(1, 3.0),
            lambda: setting.weights.insert(0, pb.ones(3) * 2),
            lambda: globals().__setitem__("SCALE", 11.0),
        ):
            change()
            check()
        offset = 5
        check()
    finally:
        SCALE = before
        Model.bias = 1.0


def test_inherited_names():
    class Base:
        k = 1.0

    class Derived(Base):
        pass

    o = Derived()

    def function(x):
        return x * o.k

    compiled = pb.compile(function)
    x = pb.ones(1)
    for value in (compiled(x), compiled(x), compiled(x)):
        assert value.item() == 1
    Derived.k = 2.0
    assert compiled(x).item() == 2
    Base.k = 5.0
    assert compiled(x).item() == 2
    del Derived.k
    assert compiled(x).item() == 5
    o.other = 1
    o.k = 7.0
    assert compiled(x).item() == 7
    del o.k
    Derived.__mul__ = lambda self, other: other
    assert compiled(x).item() == 5


def test_arguments():
    def function(x, *more, scale=1.0, flag=False, **rest):
        y = x * scale
        for m in more:
            y = y + m
        return y if flag else y - rest.get("shift", 0)

    compiled = pb.compile(function)
    x = pb.randn(3)
    for _ in range(3):
        for args, kwargs in (
            ((x,), {}),
            ((x, x), {}),
            ((x, pb.ones(3)), {"scale": 2.0}),
            ((x, 1), {"flag": True}),
            ((x,), {"shift": 3, "flag": False}),
            ((x,), {"flag": False, "shift": 3}),
        ):
            assert_same(compiled, function, *args, **kwargs)
    assert replays(compiled) >= 6


def test_one_tensor_or_two():
    def function(x, y):
        if x is y:
            return x * 2
        x.add_(y)
        return x

    compiled = pb.compile(function)
    for _ in range(4):
        x, y = pb.ones(2), pb.ones(2)
        assert compiled(x, x).tolist() == [2, 2]
        assert compiled(x, y) is x and x.tolist() == [2, 2]


def test_methods_and_decorators():
    class Thing:
        def __init__(self, k):
            self.k = k

        @pb.compile
        def scaled(self, x):
            return x * self.k

        @pb.compile(mode="reduce-overhead")
        @pb.no_grad()
        def quietly(self, x):
            return x * self.k

    x = pb.ones(2, requires_grad=True)
    for k in (1, 2, 3):
        thing = Thing(k)
        for _ in range(4):
            assert thing.scaled(x).tolist() == [k, k] and thing.scaled(x).requires_grad
            assert not thing.quietly(x).requires_grad
    assert Thing.scaled.__name__ == "scaled" and Thing.scaled.__qualname__.endswith("Thing.scaled")
    assert Thing.scaled.__wrapped__(thing, x).tolist() == [3, 3]


def test_inside_of_others():
    def square(x):
        return x * x if x.sum() > 0 else x

    inner = pb.compile(square)

    @pb.compile
    def outer(x):
        return inner(x) + inner(2 * x)

    for value in (1.0, -1.0, 2.0, 3.0, -4.0, 5.0):
        x = pb.tensor([value])
        assert outer(x).item() == (square(x) + square(2 * x)).item()
    assert replays(outer) >= 2

    def plain(x):
        return (x * x).sin().sum()

    compiled = pb.compile(plain)
    x = pb.randn(3)
    for _ in range(3):
        compiled(x)
        for transform in (pb.func.grad, pb.func.hessian, pb.func.jacrev, pb.func.jacfwd):
            assert pb.equal(transform(compiled)(x), transform(plain)(x))
        assert pb.equal(pb.func.vmap(compiled)(pb.stack([x, x])), pb.func.vmap(plain)(pb.stack([x, x])))
        assert pb.equal(pb.func.jvp(compiled, (x,), (x,))[1], pb.func.jvp(plain, (x,), (x,))[1])
        y = x.clone().requires_grad_()
        z = x.clone().requires_grad_()
        pb.utils.checkpoint.checkpoint(compiled, y, use_reentrant=False).backward()
        plain(z).backward()
        assert pb.equal(y.grad, z.grad)
    with pb.inference_mode():
        assert compiled(x).is_inference()
