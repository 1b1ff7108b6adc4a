"""Several threads at once, and interruptions: modes belong to threads, graphs to nobody."""

import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from together import in_threads

import pullback as pb


def test_levels_of_forward_mode_are_per_thread():
    ad = pb.autograd.forward_ad
    meet = threading.Barrier(2)

    def slope(i):
        with ad.dual_level():
            meet.wait()  # both are inside, and leave in the other order
            dual = ad.make_dual(pb.tensor([2.0 + i]), pb.ones(1))
            found = ad.unpack_dual(dual**2).tangent.item()
            if i == 0:
                meet.wait()
        if i == 1:
            meet.wait()
        return found

    assert in_threads(2, slope) == [4.0, 6.0]


def test_modes_are_per_thread():
    with pb.no_grad():
        assert in_threads(2, lambda i: pb.is_grad_enabled()) == [True, True]
    with pb.inference_mode():
        assert in_threads(2, lambda i: pb.is_inference_mode_enabled()) == [False, False]
    entered, leave = threading.Event(), threading.Event()

    def quiet():
        with pb.no_grad():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=quiet)
    thread.start()
    entered.wait()
    assert pb.is_grad_enabled()
    leave.set()
    thread.join()


class Slow(pb.autograd.Function):
    """Times 1, and lets other threads run in the middle of the backward pass."""

    pause = threading.Event()

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, grad):
        Slow.pause.wait(0.0005)
        return grad * 1


def test_backward_over_one_graph_in_several_threads():
    x = pb.tensor([1.0, 2.0], requires_grad=True, dtype=pb.float64)
    y = x
    for _ in range(8):
        y = Slow.apply(y) * y / y + 0 * y
    z = (y * y).sum()
    expected = pb.autograd.grad(z, x, retain_graph=True)[0].tolist()

    def work(i):
        return [pb.autograd.grad(z, x, retain_graph=True)[0].tolist() for _ in range(3)]

    for rows in in_threads(4, work):
        np.testing.assert_allclose(rows, [expected] * 3)


def test_graphs_that_share_a_trunk_in_several_threads():
    x = pb.tensor([1.0, 2.0], requires_grad=True, dtype=pb.float64)
    trunk = x
    for _ in range(5):
        trunk = Slow.apply(trunk) * 2
    heads = [(trunk * (i + 1)).sum() for i in range(4)]
    in_threads(4, lambda i: heads[i].backward(retain_graph=True))
    np.testing.assert_allclose(x.grad.tolist(), [32.0 * (1 + 2 + 3 + 4)] * 2)


def test_multi_hooks_keep_threads_apart():
    x = pb.tensor([1.0], requires_grad=True)
    w = pb.tensor([1.0], requires_grad=True)
    seen = []
    handle = pb.autograd.graph.register_multi_grad_hook(
        [x, w], lambda grads: seen.append([g.item() for g in grads])
    )

    def work(i):
        (Slow.apply(x) * Slow.apply(w) * float(i + 1)).sum().backward()

    in_threads(4, work)
    handle.remove()
    assert sorted(seen) == [[1, 1], [2, 2], [3, 3], [4, 4]]


def test_an_error_in_one_thread_leaves_the_others():
    x = pb.tensor([1.0], requires_grad=True)
    trunk = Slow.apply(x * 2)

    def work(i):
        y = Slow.apply(trunk) * 1
        if i == 0:
            y.register_hook(lambda grad: 1 / 0)
        try:
            return pb.autograd.grad(y.sum(), x, retain_graph=True)[0].item()
        except ZeroDivisionError:
            return "failed"

    for _ in range(3):
        assert in_threads(3, work) == ["failed", 2, 2]


@pytest.fixture
def interruptible():
    """Ctrl-C raises, also where the suite was started in the background and its shell ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_interrupt_raised_in_a_hook(interruptible):
    x = pb.tensor([1.0], requires_grad=True)
    y = x * 2
    handle = y.register_hook(lambda grad: signal.raise_signal(signal.SIGINT))
    z = (y * 3).sum()
    with pytest.raises(KeyboardInterrupt):
        z.backward(retain_graph=True)
    assert pb.is_grad_enabled() and pb._core.current_run() == 0
    handle.remove()
    z.backward()
    assert x.grad.item() == 6


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer signal")
def test_interrupt_of_a_long_backward():
    """No Python runs in this backward pass: the engine itself looks for signals."""
    x = pb.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(300_000):
        y = y * 1.0

    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    before = signal.signal(signal.SIGALRM, stop)
    try:
        interrupted = False
        for delay in (0.02, 0.005, 0.001):  # short enough to hit, on any machine, in the middle
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                y.backward(retain_graph=True)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Stop:
                interrupted = True
                break
        assert interrupted
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    x.grad = None
    y.backward()
    assert x.grad.item() == 1 and pb._core.current_run() == 0


def test_reentrant_backward_many_levels_deep():
    class Nest(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x, depth):
            ctx.save_for_backward(x)
            ctx.depth = depth
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            if ctx.depth == 0:
                return grad * 2 * x, None
            with pb.enable_grad():
                inner = x.detach().requires_grad_()
                Nest.apply(inner, ctx.depth - 1).sum().backward()
            return grad * inner.grad, None

    x = pb.tensor([3.0], requires_grad=True)
    Nest.apply(x, 40).sum().backward()
    assert x.grad.item() == 6


LONG_BACKWARD = """
import signal
import pullback as pb

signal.signal(signal.SIGINT, signal.default_int_handler)
leaves, h = [pb.ones(500, dtype=pb.float64, requires_grad=True) for _ in range(300)], 0.0
for w in leaves:
    h = h + w
    for _ in range(1000):
        h = h.flip(0)
loss = h.sum()
try:
    print("backward", flush=True)
    loss.backward(retain_graph=True)
    print("not heard")
except KeyboardInterrupt:
    reached = sum(w.grad is not None for w in leaves)
    print("interrupted" if reached < len(leaves) else "too late")
for w in leaves:
    w.grad = None
loss.backward()
print("whole" if all((w.grad == 1).all() for w in leaves) else "wrong")
"""


def test_a_signal_from_outside_ends_a_backward_pass_and_everything_goes_on():
    """Leaves get their gradients on the way, so that their number says how far an interrupted pass has come."""
    child = subprocess.Popen([sys.executable, "-c", LONG_BACKWARD], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout.readline() == "backward\n"
        child.send_signal(signal.SIGINT)
        assert child.stdout.read().split() == ["interrupted", "whole"]
    assert child.returncode == 0
