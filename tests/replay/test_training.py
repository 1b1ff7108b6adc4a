"""Functions that write into what is outside, such as steps of training: compiled and as they are, call by call.

Whatever a call gives, raises, draws or leaves has to be the same: elements, versions, gradients, the state of optimisers.
"""

import copy
import gc
import warnings

import pytest
from replay.pairs import Pair
from replay.plainly import reason, refused, replays, same

import pullback as pb

nn, F, optim = pb.nn, pb.nn.functional, pb.optim
CASES = []


def case(make):
    """A world: the function, what a call is given, and what it may change."""
    CASES.append(make)
    return make


def perceptron():
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))


def batch():
    return pb.randn(5, 4), pb.randn(5, 1)


def steps_by(make_optimizer, net=perceptron, loss_of=F.mse_loss, batch=batch):
    """The ordinary step of training."""
    net = net()
    optimizer = make_optimizer(net.parameters())

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step, batch, [net, optimizer]


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "amsgrad": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "Adadelta": lambda p: optim.Adadelta(p),
    "NAdam": lambda p: optim.NAdam(p),
    "RAdam": lambda p: optim.RAdam(p),
    "maximize": lambda p: optim.Adam(p, lr=0.01, maximize=True),
    "lr is a tensor": lambda p: optim.SGD(p, lr=pb.tensor(0.1)),
}


@case
def manual():
    net = perceptron()
    parameters = list(net.parameters())

    def step(x, y):
        loss = F.mse_loss(net(x), y)
        for p in parameters:
            p.grad = None
        loss.backward()
        with pb.no_grad():
            for p in parameters:
                p -= 0.1 * p.grad
        return loss

    return step, batch, [net]


@case
def by_data():
    net = perceptron()

    def step(x, y):
        loss = F.mse_loss(net(x), y)
        loss.backward()
        for p in net.parameters():
            p.data.add_(p.grad, alpha=-0.1)
            p.grad.zero_()
        return loss.detach()

    return step, batch, [net]


@case
def data_of_an_attribute():
    net = perceptron()

    def step(x, y):
        net.zero_grad(set_to_none=False)
        F.mse_loss(net(x), y).backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad.data
            p.grad *= 0.5

    return step, batch, [net]


@case
def by_grad():
    net = perceptron()
    parameters = tuple(net.parameters())

    def step(x, y):
        loss = F.mse_loss(net(x), y)
        grads = pb.autograd.grad(loss, parameters)
        with pb.no_grad():
            for p, g in zip(parameters, grads):
                p.sub_(g, alpha=0.1)
        return loss

    return step, batch, [net]


@case
def clipped():
    net = perceptron()
    optimizer = optim.Adam(net.parameters(), lr=0.05)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.mse_loss(net(x), y)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), 0.1)
        nn.utils.clip_grad_value_(net.parameters(), 0.05)
        optimizer.step()
        return loss, norm

    return step, batch, [net, optimizer]


@case
def norms_and_dropout():
    def net():
        return nn.Sequential(
            nn.Linear(4, 8),
            nn.BatchNorm1d(8),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(8, 6),
            nn.LayerNorm(6),
            nn.Linear(6, 1),
        )

    return steps_by(OPTIMIZERS["AdamW"], net, F.smooth_l1_loss)


@case
def running_statistics():
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU())

    def step(x, y):
        return net(x)

    return step, batch, [net]


@case
def images():
    def net():
        return nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10)
        )

    def given():
        return pb.randn(6, 1, 8, 8), pb.randint(0, 10, (6,))

    return steps_by(OPTIMIZERS["momentum"], net, nn.CrossEntropyLoss(), given)


@case
def words():
    table, head = nn.Embedding(10, 4), nn.Linear(4, 3)
    optimizer = optim.Adam(
        [{"params": table.parameters()}, {"params": head.parameters(), "lr": 0.1}], lr=0.01
    )

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(head(table(x).mean(1)), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, lambda: (pb.randint(0, 10, (6, 3)), pb.randint(0, 3, (6,))), [table, head, optimizer]


@case
def several_steps_in_a_call():
    net = perceptron()
    optimizer = optim.Adam(net.parameters(), lr=0.01)

    def step(x, y):
        losses = []
        for _ in range(3):
            optimizer.zero_grad()
            loss = F.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return step, batch, [net, optimizer]


@case
def accumulated():
    net = perceptron()
    optimizer = optim.SGD(net.parameters(), lr=0.01)

    def step(x, y):
        for u, v in zip(x.chunk(2), y.chunk(2)):
            (F.mse_loss(net(u), v) / 2).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step, batch, [net, optimizer]


@case
def never_forgotten():
    net = perceptron()

    def step(x, y):
        pb.autograd.backward([net(x).sum(), net(y.expand(5, 4)).mean()])
        return sum(p.grad.norm() for p in net.parameters())

    return step, batch, [net]


@case
def adversaries():
    maker, judge = nn.Linear(2, 4), nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    one, other = optim.Adam(maker.parameters(), lr=0.01), optim.Adam(judge.parameters(), lr=0.01)
    lose = F.binary_cross_entropy_with_logits

    def step(x, y):
        z = pb.randn(5, 2)
        other.zero_grad()
        told = lose(judge(x), pb.ones(5, 1)) + lose(judge(maker(z).detach()), pb.zeros(5, 1))
        told.backward()
        other.step()
        one.zero_grad()
        fooled = lose(judge(maker(z)), pb.ones(5, 1))
        fooled.backward()
        one.step()
        return {"told": told.item(), "fooled": fooled.detach()}

    return step, batch, [maker, judge, one, other]


@case
def averaged_weights():
    net = perceptron()
    average = copy.deepcopy(net).requires_grad_(False)
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        with pb.no_grad():
            for p, q in zip(net.parameters(), average.parameters()):
                q.mul_(0.9).add_(p, alpha=0.1)
        return loss, average(x)

    return step, batch, [net, average, optimizer]


@case
def a_buffer():
    mean = pb.zeros(4)

    def step(x, y):
        mean.mul_(0.9).add_(x.mean(0), alpha=0.1)
        return x - mean

    return step, batch, [mean]


@case
def arguments():
    def step(x, y):
        x[0] = 0
        y += 1
        x[:, 1].mul_(2)
        x[x > 1] = 1.0
        return (x * y).sum()

    return step, batch, []


@case
def given_back():
    weight = pb.ones(4)

    def step(x, y):
        return weight.add_(x[0]), weight, weight[1:]

    return step, batch, [weight]


@case
def an_own_leaf():
    def step(x, y):
        z = x.clone().requires_grad_()
        z.square().sum().backward()
        return z.grad

    return step, batch, []


@case
def an_object():
    class Trainer:
        def __init__(self):
            self.net = perceptron()
            self.optimizer = optim.Adam(self.net.parameters())

        def step(self, x, y):
            self.optimizer.zero_grad()
            loss = F.mse_loss(self.net(x), y)
            loss.backward()
            self.optimizer.step()
            return float(loss)

    trainer = Trainer()
    return trainer.step, batch, [trainer.net, trainer.optimizer]


@case
def buffers_of_a_module():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", pb.tensor(0))
            self.register_buffer("seen", pb.zeros(4))

        def forward(self, x):
            self.count += 1
            self.seen *= 0.5
            self.seen += x.detach().mean(0)
            return x + self.seen * self.count

    module = Counting()
    return lambda x, y: module(x), batch, [module]


@case
def steps_where_it_pays():
    net = perceptron()
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    def step(x, y):
        loss = F.mse_loss(net(x), y)
        if loss > 0.8:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss

    return step, batch, [net, optimizer]


@case
def a_frozen_part():
    net = perceptron()
    net[0].requires_grad_(False)
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def step(x, y):
        optimizer.zero_grad()
        F.mse_loss(net(x), y).backward()
        optimizer.step()

    return step, batch, [net, optimizer]


@case
def layouts():
    w = pb.randn(6, 4)[::2, 1:].T.requires_grad_()

    def step(x, y):
        loss = (x[:, :3] @ w).square().sum()
        loss.backward()
        with pb.no_grad():
            w.sub_(w.grad * 0.01)
            w.grad = None
        return loss

    return step, batch, [w]


for _name in OPTIMIZERS:
    CASES.append(lambda name=_name: steps_by(OPTIMIZERS[name]))
    CASES[-1].__name__ = _name.replace(" ", "_")


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_a_step(make):
    pair = Pair(make)
    pair.call(9)
    assert replays(pair.compiled) >= 5, reason(pair.compiled)


def test_what_is_changed_between_calls():
    """Options, state and groups of an optimiser are those that it has when it makes a step."""
    pair = Pair(lambda: steps_by(OPTIMIZERS["momentum"]))
    pair.call(5)
    before = replays(pair.compiled)

    def slow(net, optimizer):
        optimizer.param_groups[0]["lr"] = 0.001

    pair.change(slow)
    pair.call(2)
    pair.change(lambda net, optimizer: optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict())))
    pair.call(2)
    pair.change(lambda net, optimizer: net.load_state_dict({k: v * 0.5 for k, v in net.state_dict().items()}))
    pair.call(2)
    assert replays(pair.compiled) >= before + 4
    pair.change(lambda net, optimizer: optimizer.state.clear())
    pair.call(2)
    pair.change(lambda net, optimizer: net[2].weight.register_hook(lambda g: g * 2))
    pair.call(3)
    pair.change(lambda net, optimizer: net[0].requires_grad_(False))
    pair.call(3)
    pair.change(lambda net, optimizer: optimizer.add_param_group({"params": [nn.Parameter(pb.ones(2))]}))
    pair.call(3)


def test_schedules():
    schedules = []

    def make():
        step, given, (net, optimizer) = steps_by(OPTIMIZERS["SGD"])
        schedules.append(optim.lr_scheduler.StepLR(optimizer, 2, 0.5))
        return step, given, [net, optimizer]

    pair = Pair(make)
    with warnings.catch_warnings():
        warnings.simplefilter("error", category=DeprecationWarning)
        for _ in range(8):
            pair.call()
            for each in schedules:
                each.step()
    assert replays(pair.compiled) >= 5


def test_hooks_of_optimisers():
    calls = []
    step, given, (net, optimizer) = steps_by(OPTIMIZERS["SGD"])
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    assert "has hooks" in refused(pb.compile(step), *given())
    assert len(calls) == 3


def test_a_hook_comes_later():
    calls = []
    pair = Pair(lambda: steps_by(OPTIMIZERS["SGD"]))
    pair.call(4)
    pair.change(lambda net, optimizer: optimizer.register_step_pre_hook(lambda *_: calls.append(1)))
    pair.call(3)
    assert len(calls) == 6


def test_classes_of_a_user():
    class Mine(optim.SGD):
        def step(self, closure=None):
            counted.append(1)
            return super().step(closure)

    counted = []
    step, given, _ = steps_by(lambda p: Mine(p, lr=0.1))
    refused(pb.compile(step), *given())
    assert len(counted) == 3


def test_what_is_refused_leaves_nothing():
    """Each call is made once, whatever the dry run has done to the twins before it gave up."""
    logged = []

    def make():
        net = perceptron()
        optimizer = optim.Adam(net.parameters(), lr=0.1)

        def step(x, y):
            optimizer.zero_grad()
            loss = F.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
            logged.append(loss.item())
            return loss

        return step, batch, [net, optimizer]

    pair = Pair(make)
    pair.call(4)
    assert len(pair.refusals) == 1 and len(logged) == 8
    assert logged[::2] == logged[1::2]


def test_values_looked_at_behind_a_write():
    net = perceptron()

    def step(x, y):
        F.mse_loss(net(x), y).backward()
        if net[0].weight.grad.norm() > 1:
            net.zero_grad()

    assert "after it has written" in refused(pb.compile(step), *batch())

    def shaped(x, y):
        x.mul_(2)
        return x[x > 0]

    assert "after it has written" in refused(pb.compile(shaped), *batch())

    def at_a_number(x, y):
        x.mul_(2)
        return x[: int(x[0, 0].sign())]

    refused(pb.compile(at_a_number), *batch())


def test_errors_behind_a_write():
    """They are those of the call, which is not made again."""

    def make():
        table, count = nn.Embedding(10, 4), pb.zeros(1)

        def step(x):
            count.add_(1)
            return table(x)

        return step, lambda: (pb.randint(0, 10, (3,)),), [table, count]

    pair = Pair(make)
    pair.call(4)
    found = pair.call(given=lambda: (pb.tensor([3, 99, 1]),))
    assert found[0] == "IndexError"
    assert pair.things[1].item() == 5
    pair.call(2)
    assert replays(pair.compiled) >= 3


def test_errors_at_the_first_call_that_is_read():
    def make():
        seen = pb.zeros(4)

        def step(x):
            seen.add_(1)
            return seen @ x

        return step, lambda: (pb.randn(4),), [seen]

    pair = Pair(make)
    pair.call(1)
    assert pair.call(given=lambda: (pb.randn(5),))[0] == "RuntimeError"
    assert pair.call(given=lambda: (pb.randn(5),))[0] == "RuntimeError"
    pair.call(4)
    assert replays(pair.compiled) >= 2


def test_memory_that_is_shared():
    """Where what is written shares memory with something else that is read, the function runs as it is."""

    def make():
        weight = pb.ones(6)
        view = weight.detach()[2:]

        def step(x, y):
            weight.mul_(2)
            return view * x[0], y + 1

        return step, lambda: (pb.randn(5, 4), pb.randn(5, 1)), [weight]

    pair = Pair(make)
    pair.call(5)
    assert replays(pair.compiled) == 0


def test_arguments_that_share_memory():
    def function(x, y):
        x.mul_(2)
        return y + 1

    compiled = pb.compile(function)
    for _ in range(4):
        x, y = pb.ones(3), pb.ones(3)
        assert compiled(x, y).tolist() == [2.0] * 3 and x.tolist() == [2.0] * 3
    assert replays(compiled) >= 2
    both = pb.ones(4)
    assert compiled(both[:3], both[1:]).tolist() == [3.0, 3.0, 2.0]
    import numpy as np

    array = np.ones(3, np.float32)
    assert compiled(pb.from_numpy(array), pb.from_numpy(array)).tolist() == [3.0] * 3
    apart = pb.ones(6)
    before = replays(compiled)
    assert compiled(apart[:3], apart[3:]).tolist() == [2.0] * 3
    assert replays(compiled) == before + 1


def test_gradients_that_are_shared():
    """Two parameters whose gradients lie in one memory."""

    def make():
        a, b = (nn.Parameter(pb.ones(3)) for _ in range(2))

        def step(x):
            a.grad.mul_(2)
            return b.grad + x

        return step, lambda: (pb.randn(3),), [a, b]

    pair = Pair(make)

    def share(a, b):
        a.grad = pb.ones(3)
        b.grad = a.grad

    pair.change(share)
    pair.call(4)

    def part(a, b):
        a.grad, b.grad = pb.ones(3), pb.ones(3)

    pair.change(part)
    pair.call(4)
    assert replays(pair.compiled) >= 2


def test_nothing_stays_of_twins():
    step, given, (net, optimizer) = steps_by(OPTIMIZERS["Adam"])
    compiled = pb.compile(step)
    for _ in range(5):
        compiled(*given())
    del _
    gc.collect()
    parameters = [o for o in gc.get_objects() if isinstance(o, nn.Parameter) and o.shape == (8, 4)]
    assert len(parameters) == 1
    assert sum(isinstance(o, optim.Adam) for o in gc.get_objects()) == 1
    assert replays(compiled) >= 3


def test_no_gradient_is_left_in_the_way():
    """The gradient of the call before is free while a call runs that has forgotten it."""
    step, given, (net, optimizer) = steps_by(OPTIMIZERS["SGD"])
    compiled = pb.compile(step)
    for _ in range(4):
        compiled(*given())
    checks = compiled._traces[0]
    assert replays(compiled) == 2 and checks.figures()["calls"] == 3
    w = net[0].weight
    before = w.grad
    compiled(*given())
    assert w.grad is not before


@pytest.mark.parametrize(
    "how", [lambda t: t.item(), float, lambda t: [t.item()], lambda t: {"n": (1, int(t))}]
)
def test_numbers_that_are_given_back(how):
    compiled = pb.compile(lambda x: how((x * x).sum()))
    for k in range(1, 6):
        x = pb.full((3,), float(k))
        assert same(compiled(x), how((x * x).sum()))
    assert replays(compiled) == 4


def test_numbers_that_are_looked_at_as_well():
    @pb.compile
    def function(x):
        n = x.sum().item()
        return n, x * 2 if n > 0 else x

    for k in (1.0, -1.0, 1.0, 1.0, -1.0, 1.0):
        x = pb.full((2,), k)
        n, y = function(x)
        assert n == 2 * k and y.tolist() == ([2 * k] * 2 if k > 0 else [k] * 2)
    assert replays(function) >= 3


def test_explained():
    step, given, _ = steps_by(OPTIMIZERS["SGD"])
    compiled = pb.compile(step)
    for _ in range(4):
        compiled(*given())
    assert "2 calls replayed" in pb.compile.explain(compiled)


def test_attributes_that_do_not_stay():
    """A tensor of the class becomes one of the instance by `+=`, and a property is called; both are refused."""

    class Holder:
        shared = pb.zeros(2)

        def __init__(self):
            self.kept = pb.zeros(2)

        @property
        def made(self):
            return self.kept

    holder = Holder()

    def of_the_class(x):
        holder.shared += x
        return x

    assert "changes the attribute 'shared'" in refused(pb.compile(of_the_class), pb.ones(2))
    assert holder.shared.tolist() == [3.0, 3.0] and "shared" in vars(holder)

    def of_a_property(x):
        holder.made += x

    with pytest.raises(AttributeError):
        pb.compile(of_a_property)(pb.ones(2))
