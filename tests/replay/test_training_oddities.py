"""Steps of training as users write them, and as somebody would who wants replays to differ: compiled and as they are."""

import gc
import math
import threading
import warnings
import weakref

import pytest
from replay.pairs import Pair
from replay.plainly import reason, replays
from replay.worlds import run_with_source

import pullback as pb
from pullback.replay import twins

nn, F, optim = pb.nn, pb.nn.functional, pb.optim


def perceptron():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))


def batch():
    return pb.randn(5, 4), pb.randn(5, 1)


# ---- writes that are not where they seem to be ------------------------------------------------------------------------


@pytest.mark.parametrize("part", [lambda w: w, lambda w: w[:3], lambda w: w.detach()[:3]])
def test_a_gradient_that_is_memory_from_outside(part):
    """A leaf of the call's own is given a gradient that others know; backward adds to it where it lies."""

    def make():
        w = pb.ones(3) if part(pb.ones(4)).shape == (4,) else pb.ones(6)

        def step(x):
            z = x.clone().requires_grad_()
            z.grad = part(w)
            for _ in range(2):
                (z * z).sum().backward()
            return z.grad

        return step, lambda: (pb.randn(3),), [w]

    pair = Pair(make)
    pair.call(6)
    assert replays(pair.compiled) >= 3, reason(pair.compiled)


def test_a_gradient_that_is_an_argument():
    def make():
        def step(x, w):
            z = x.clone().requires_grad_()
            z.grad = w
            (z * z).sum().backward()

        return step, lambda: (pb.randn(3), pb.ones(3)), []

    pair = Pair(make)
    pair.call(6)
    assert replays(pair.compiled) >= 3, reason(pair.compiled)


def test_a_function_that_calls_itself():
    """A call inside finds out that the function writes, while the one outside is made already: that is not tried again."""

    def make():
        count = pb.zeros(1)

        @pb.compile
        def step(n):
            if n > 0:
                step(n - 1)
            count.add_(1)

        return step, lambda: (2,), [count]

    pair = Pair(make)
    pair.call(6)
    assert pair.things[0].item() == 18


def test_calls_that_overlap():
    """One thread finds out that a function writes while another has made its call."""
    count, inside, goes_on = pb.zeros(1), threading.Event(), threading.Event()

    class Holder:
        pass

    def wait():
        inside.set()
        goes_on.wait(30)

    holder = Holder()
    holder.hold = wait

    @pb.compile
    def step(x):
        holder.hold()
        count.add_(1)

    early = threading.Thread(target=step, args=(pb.ones(1),))
    early.start()
    assert inside.wait(30)
    holder.hold = lambda: None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            step(pb.ones(1))
        goes_on.set()
        early.join(30)
    assert count.item() == 4


# ---- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("test", ["n is True", "True is n", "n is not True", "n is None", "n is not None"])
def test_which_object_a_number_is(test):
    def make():
        space = {}
        source = (
            f"def step(x):\n    n = (x.sum() > 0).item()\n    return (n, x * 2) if {test} else (n, x * 3)\n"
        )
        run_with_source(source, space, f"<{test}>")
        return space["step"], lambda: (pb.randn(3),), []

    pair = Pair(make)
    pair.call(12)
    assert replays(pair.compiled) >= 6, reason(pair.compiled)


# ---- what is given ----------------------------------------------------------------------------------------------------


def test_a_part_of_a_network():
    """Statistics are written where what comes in has a history."""

    def make():
        first, second = nn.Linear(4, 4), nn.BatchNorm1d(4)

        def step(h):
            return second(h), h

        return step, lambda: (first(pb.randn(5, 4)),), [first, second]

    pair = Pair(make)
    pair.call(6)
    assert replays(pair.compiled) >= 3, reason(pair.compiled)


# ---- what stays -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stops", ["at the end", "at a refusal", "by an error", "never"])
def test_twins_do_not_wait_for_the_collector(monkeypatch, stops):
    alive, like = [], twins._like

    def watched(o):
        twin = like(o)
        alive.append(weakref.ref(twin))
        return twin

    monkeypatch.setattr(twins, "_like", watched)
    net, kept, bad = perceptron(), [], []
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    def step(x, y):
        def down(k):  # a function that refers to itself
            return x if k == 0 else down(k - 1)

        optimizer.zero_grad()
        loss = F.mse_loss(net(down(2)), y)
        loss.backward()
        optimizer.step()
        if stops == "at a refusal":
            kept.append(1)
        if stops == "by an error" and bad:
            net(y)
        if stops == "at the end":
            return kept
        return loss

    compiled = pb.compile(step)
    gc.collect()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for k in range(4):
                bad += [1] * (k == 1)
                try:
                    compiled(*batch())
                except RuntimeError:
                    assert stops == "by an error"
        assert alive and not any(each() is not None for each in alive)
    finally:
        gc.enable()


# ---- what users write in steps ----------------------------------------------------------------------------------------

CASES = []


def case(make):
    CASES.append(make)
    return make


def optimised(step_of, net=perceptron, given=batch, make_optimizer=lambda p: optim.SGD(p, lr=0.1)):
    """A case of one network and one optimiser."""

    def make():
        module = net()
        optimizer = make_optimizer(module.parameters())
        return step_of(module, optimizer), given, [module, optimizer]

    return make


@case
def numbers_of_several_steps():
    def step_of(net, optimizer):
        def step(x, y):
            total, losses, right = 0.0, [], 0
            for u, v in zip(x.split(2), y.split(2)):
                optimizer.zero_grad()
                loss = F.mse_loss(net(u), v)
                loss.backward()
                optimizer.step()
                total += loss.item() * u.size(0)
                losses.append(loss.item())
                right += ((net(u) > 0) == (v > 0)).sum().item()
            return total / len(x), sum(losses) / len(losses), right / len(x)

        return step

    return optimised(step_of)()


@case
def what_python_computes_of_numbers():
    def step_of(net, optimizer):
        def step(x, y):
            loss = F.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            n, k = loss.item(), int((x > 0).sum())
            found = [-n, +k, 2 - n, n // 2, k % 3, n**2, n < 1, k >= 3, n == n, k / 5, 1.0 - k]
            return (
                found,
                math.exp(n),
                math.isnan(n),
                round(n, 2),
                round(n),
                abs(-n),
                float(k),
                int(n),
                sum([1, n]),
            )

        return step

    return optimised(step_of)()


@case
def trains_first():
    def step_of(net, optimizer):
        def step(x, y):
            net.train()
            loss = F.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return step

    return optimised(step_of, lambda: nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 1)))()


@case
def evaluates():
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).eval()

    def step(x, y):
        net.eval()
        with pb.no_grad():
            return (net(x).argmax(1) == 0).float().mean().item()

    return step, batch, [net]


@case
def by_phase():
    """One step for training and for evaluation, as tutorials have it."""
    count = [0]

    def step_of(net, optimizer):
        def step(x, y, phase):
            optimizer.zero_grad()
            with pb.set_grad_enabled(phase == "train"):
                loss = F.mse_loss(net(x), y)
                if phase == "train":
                    loss.backward()
                    optimizer.step()
            return loss.item() * x.size(0)

        return step

    def given():
        count[0] += 1
        return *batch(), ["train", "val"][count[0] % 2]

    return optimised(step_of, given=given)()


@case
def modules_that_write_in_place():
    def net():
        return nn.Sequential(
            nn.Linear(4, 8),
            nn.ReLU(inplace=True),
            nn.Linear(8, 8),
            nn.Dropout(0.3, inplace=True),
            nn.Linear(8, 1),
        )

    def step_of(net, optimizer):
        def step(x, y):
            loss = F.mse_loss(net(x), F.relu(y, True))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss, y

        return step

    return optimised(step_of, net)()


@case
def decay_by_names():
    def step_of(net, optimizer):
        def step(x, y):
            optimizer.zero_grad()
            loss = F.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
            with pb.no_grad():
                for name, p in net.named_parameters():
                    if name.endswith("weight"):
                        p.mul_(0.99)
                for b in net.buffers():
                    if b.is_floating_point():
                        b.clamp_(max=2)
                for m in net.modules():
                    if isinstance(m, nn.BatchNorm1d):
                        m.bias.zero_()
            return loss, [name for name, _ in net.named_children()], next(net.parameters()).dtype

        return step

    return optimised(step_of, lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1)))()


@case
def averaged_by_names():
    net, average = perceptron(), perceptron()

    def step(x, y):
        shadows = dict(average.named_parameters())
        with pb.no_grad():
            for name, p in net.named_parameters():
                shadows[name].lerp_(p, 0.1)
        return average(x)

    return step, batch, [net, average]


@case
def lists_and_dictionaries_of_state():
    parameters = [nn.Parameter(pb.randn(4)) for _ in range(2)]
    moved, more = [pb.zeros(4) for _ in parameters], {"seen": pb.zeros(())}

    def step(x, y):
        loss = (x * parameters[0] + parameters[1]).square().mean()
        loss.backward()
        with pb.no_grad():
            more["seen"] += 1
            for i, p in enumerate(parameters):
                moved[i] *= 0.9
                moved[i] += p.grad
                parameters[i] -= 0.1 * moved[i]
                p.grad = None
        return loss

    return step, batch, [parameters, moved, more]


@case
def adversaries_that_are_frozen():
    maker, judge = nn.Linear(4, 4), nn.Linear(4, 1)
    one, other = optim.Adam(maker.parameters()), optim.Adam(judge.parameters())

    def step(x, y):
        judge.requires_grad_(True)
        other.zero_grad()
        told = judge(maker(x).detach()).mean() - judge(x).mean()
        told.backward()
        other.step()
        for p in judge.parameters():
            p.requires_grad = False
        one.zero_grad()
        fooled = -judge(maker(x)).mean()
        fooled.backward()
        one.step()
        return told.item(), fooled.item(), judge.weight.requires_grad

    return step, batch, [maker, judge, one, other]


@case
def data_that_is_replaced():
    def step_of(net, optimizer):
        def step(x, y):
            net.zero_grad()
            loss = F.mse_loss(net(x), y)
            loss.backward()
            for p in net.parameters():
                p.data = p.data - 0.1 * p.grad
            optimizer.step()
            for p in net.parameters():
                clipped = p.data.clamp(-0.3, 0.3)
                p.data = clipped
                clipped.mul_(0.99)  # which is the parameter's now
            return loss

        return step

    return optimised(step_of)()


@case
def a_state_that_is_cut_off():
    w, h = pb.randn(4).requires_grad_(), pb.ones(4)

    def step(x, y):
        h.mul_(w).add_(x[0])
        loss = h.sum()
        loss.backward()
        h.detach_()
        return loss

    return step, batch, [w, h]


@case
def arguments_that_get_gradients():
    def step(x, y):
        x.requires_grad_()
        (x * y).sum().backward()
        return x.grad

    return step, batch, []


@case
def recurrent_networks():
    first, second = nn.LSTM(4, 6, 2, batch_first=True, dropout=0.2, bidirectional=True), nn.GRU(12, 3)
    optimizer = optim.Adam([*first.parameters(), *second.parameters()])

    def step(x):
        optimizer.zero_grad()
        y, (h, c) = first(x)
        z, last = second(y)
        loss = z.square().mean() + h.mean()
        loss.backward()
        nn.utils.clip_grad_norm_(first.parameters(), 1.0)
        optimizer.step()
        return loss.item(), c.detach()

    return step, lambda: (pb.randn(3, 5, 4),), [first, second, optimizer]


@case
def a_network_that_is_compiled_as_well():
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    inner, optimizer = pb.compile(net), optim.SGD(net.parameters(), lr=0.1)

    def step(x, y):
        optimizer.zero_grad()
        loss = inner(x).sin().sum()
        loss.backward()
        optimizer.step()
        return loss

    return step, batch, [net, optimizer]


@case
def statistics_of_samples():
    net = nn.InstanceNorm1d(4, affine=True, track_running_stats=True)
    return lambda x: net(x), lambda: (pb.randn(2, 4, 5),), [net]


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_a_step(make):
    pair = Pair(make)
    pair.call(9)
    assert replays(pair.compiled) >= 5, reason(pair.compiled)


# ---- changes between calls, and errors --------------------------------------------------------------------------------


def test_modes_of_modules_that_change():
    """A step finds its network in one mode or in the other, or half of it."""
    pair = Pair(trains_first)
    pair.call(3)
    for _ in range(5):
        pair.change(lambda net, optimizer: net.eval())
        pair.call(2)
    assert replays(pair.compiled) >= 9, reason(pair.compiled)
    pair.change(lambda net, optimizer: net[1].eval())
    pair.call(4)
    assert replays(pair.compiled) >= 12, reason(pair.compiled)


@pytest.mark.parametrize("reads", [True, False])
def test_a_mode_that_each_call_changes(reads):
    """What evaluates leaves nothing but the mode, which the caller sets back each time."""

    def make():
        net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))

        def step(x, y):
            before = net.training
            net.eval()
            return (before, net[1].training, net(x)) if reads else x + 1

        return step, batch, [net]

    pair = Pair(make)
    for _ in range(6):
        pair.change(lambda net: net.train())
        pair.call()
    pair.call(2)
    assert replays(pair.compiled) >= 4, reason(pair.compiled)
    assert len(pair.compiled._traces) <= 2


def test_errors_in_another_mode():
    """What is raised leaves the mode as far as it was changed."""

    def make():
        net, table = nn.Dropout(0.5), pb.randn(3, 4)

        def step(i):
            net.eval()
            found = net(F.embedding(i, table))
            net.train()
            return found + net(found)

        return step, lambda: (pb.randint(0, 3, (2,)),), [net]

    pair = Pair(make)
    pair.call(4)
    assert pair.call(given=lambda: (pb.tensor([7]),))[0] == "IndexError"
    pair.call(4)
    assert replays(pair.compiled) >= 5, reason(pair.compiled)


def test_parts_that_are_frozen_between_calls():
    pair = Pair(decay_by_names)
    pair.call(4)
    pair.change(lambda net, optimizer: net[0].requires_grad_(False))
    pair.call(3)
    pair.change(lambda net, optimizer: net[0].requires_grad_(True))
    pair.call(3)
    pair.change(lambda net, optimizer: net.append(nn.Linear(1, 1)))
    pair.call(3)
    assert replays(pair.compiled) >= 6, reason(pair.compiled)


@pytest.mark.parametrize("writes", [True, False])
def test_errors_of_numbers(writes):
    def make():
        count = pb.zeros(1)

        def step(x):
            if writes:
                count.add_(1)
            return 1 / x.sum().item(), int(x.min())

        return step, lambda: (pb.rand(3) + 1,), [count]

    pair = Pair(make)
    pair.call(4)
    assert pair.call(given=lambda: (pb.zeros(3),))[0] == "ZeroDivisionError"
    assert pair.call(given=lambda: (pb.tensor([1.0, float("nan"), 0.0]),))[0] == "ValueError"
    pair.call(4)
    assert replays(pair.compiled) >= 6, reason(pair.compiled)


def test_a_mode_that_is_left():
    def make():
        def step(x):
            pb.set_grad_enabled(False)
            return x * 2

        return step, lambda: (pb.randn(3).requires_grad_(),), []

    pair = Pair(make)
    try:
        for _ in range(4):
            pb.set_grad_enabled(True)
            pair.call(1)
    finally:
        pb.set_grad_enabled(True)


@pytest.mark.parametrize("which", [0, 1])
def test_signs_that_make_another_tensor(which):
    """`@=` binds the name anew: there is nothing in place about it."""

    class Holder:
        pass

    def make():
        holder, kept = Holder(), [pb.eye(3)]
        holder.state = pb.eye(3)

        def of_an_attribute(x):
            holder.state @= x

        def of_an_element(x):
            kept[0] @= x

        step = (of_an_attribute, of_an_element)[which]
        return step, lambda: (pb.randn(3, 3),), [vars(holder), kept]

    pair = Pair(make)
    pair.call(4)
    assert replays(pair.compiled) == 0


def test_data_that_others_know():
    """What is not made by the call itself is not made the data of a tensor from outside."""

    def make():
        net, other = nn.Linear(2, 2), nn.Linear(2, 2)

        def step(x):
            for p, q in zip(net.parameters(), other.parameters()):
                p.data = q.data
            return net(x)

        return step, lambda: (pb.randn(3, 2),), [net, other]

    pair = Pair(make)
    pair.call(4)
    assert "the data of a tensor" in pair.refusals[0]


def test_modules_with_a_mode_of_their_own():
    def make():
        class Half(nn.Module):
            def __init__(self):
                super().__init__()
                self.norm = nn.BatchNorm1d(4)

            def train(self, mode=True):
                super().train(mode)
                self.norm.eval()
                return self

            def forward(self, x):
                return self.norm(x)

        net = nn.Sequential(nn.Linear(4, 4), Half())

        def step(x, y):
            net.train()
            return net(x)

        return step, batch, [net]

    pair = Pair(make)
    pair.call(4)
    assert "train() of its own" in pair.refusals[0]
