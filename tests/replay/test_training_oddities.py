"""Steps of training as users write them, and as somebody would who wants replays to differ: compiled and as they are."""

import gc
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
