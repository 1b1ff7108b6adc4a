"""Graphs are freed at once, without the collector; the cycles that remain are collected; nothing recurses."""

import gc
import subprocess
import sys
import textwrap
import warnings
import weakref

import pytest

import pullback as pb


@pytest.fixture
def no_collector():
    """Only reference counts free anything inside."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Marker:
    """Something that can be watched: kept in the context of a Function it lives as long as the node."""


class Keep(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x, marker):
        ctx.marker = marker
        return x * 1

    @staticmethod
    def backward(ctx, grad):
        return grad * 1, None


def watched(x):
    """x times 1, and a weak reference to something that the node holds."""
    marker = Marker()
    return Keep.apply(x, marker), weakref.ref(marker)


def test_dropping_the_result_frees_the_graph(no_collector):
    x = pb.tensor([1.0], requires_grad=True)
    y, alive = watched(x)
    z = (y * y).exp().sum()
    assert alive() is not None
    del y
    assert alive() is not None
    del z
    assert alive() is None


def test_backward_does_not_keep_the_graph(no_collector):
    x = pb.tensor([1.0], requires_grad=True)
    y, alive = watched(x)
    z = (y * y).sum()
    z.backward()
    del y, z
    assert alive() is None and x.grad is not None


def test_a_failed_backward_does_not_keep_the_graph(no_collector):
    x = pb.tensor([1.0], requires_grad=True)
    y, alive = watched(x)
    z = (y * y).sum()

    def stop(grad):
        raise ValueError("stop")

    y.register_hook(stop)
    try:
        z.backward()
    except ValueError:
        pass
    del y, z
    assert alive() is None


def test_grad_with_create_graph_makes_no_cycle(no_collector):
    x = pb.tensor([1.0], requires_grad=True)
    y, alive = watched(x)
    (g,) = pb.autograd.grad((y * y * y).sum(), x, create_graph=True)
    (h,) = pb.autograd.grad(g.sum(), x)
    del y, g, h
    assert alive() is None


def test_a_function_that_saves_its_output_makes_no_cycle(no_collector):
    class Exp(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.marker = Marker()
            seen.append(weakref.ref(ctx.marker))
            y = x.exp()
            ctx.save_for_backward(y, x)
            return y

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.saved_tensors[0]

    seen = []
    y = Exp.apply(pb.tensor([1.0], requires_grad=True))
    z = y * 2
    del y
    assert seen[0]() is not None
    del z
    assert seen[0]() is None


def test_hooks_and_retained_gradients_do_not_keep_the_graph(no_collector):
    x = pb.tensor([1.0], requires_grad=True)
    y, alive = watched(x)
    y.retain_grad()
    y.register_hook(lambda grad: grad * 2)
    z = (y * 2).sum()
    z.backward()
    del y, z
    assert alive() is None


def test_views_and_writes_do_not_keep_the_graph(no_collector):
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y, alive = watched(x)
    v = y[:1]
    v.mul_(2)
    y.mul_(3)
    (y * y).sum().backward()
    del y, v
    assert alive() is None


def test_a_gradient_made_under_create_graph_is_collected():
    gone = []
    for _ in range(3):
        x = pb.tensor([1.0], requires_grad=True)
        y, alive = watched(x)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (y * y * y).sum().backward(create_graph=True)
        del x, y
        gone.append(alive)
    gc.collect()
    assert [alive() for alive in gone] == [None] * 3


def test_a_context_that_holds_its_own_output_is_collected():
    class Bad(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.marker = Marker()
            seen.append(weakref.ref(ctx.marker))
            ctx.y = x * 2
            return ctx.y

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    seen = []
    y = Bad.apply(pb.tensor([1.0], requires_grad=True))
    y.sum().backward()
    del y
    gc.collect()
    assert seen[0]() is None


def test_a_hook_that_names_its_tensor_is_collected():
    x = pb.tensor([1.0], requires_grad=True)
    y, alive = watched(x)
    z = y * 2
    z.register_hook(lambda grad: print(z.shape))
    del y, z
    gc.collect()
    assert alive() is None


def test_what_somebody_still_needs_is_not_collected():
    x = pb.tensor([1.0], requires_grad=True)
    y, alive = watched(x)
    z = y * 2
    del y
    gc.collect()
    assert alive() is not None
    z.sum().backward()
    assert x.grad.item() == 2


def test_a_finalizer_may_call_back():
    """Freed in the middle of freeing a graph, an object computes and differentiates."""
    log = []

    class Late:
        def __del__(self):
            x = pb.tensor([3.0], requires_grad=True)
            y = x
            for _ in range(50):
                y = y * 1
            (y * x).sum().backward()
            log.append(x.grad.item())

    y = pb.tensor([1.0], requires_grad=True)
    for _ in range(20):
        y = Keep.apply(y, Late()) * 1
    y.sum().backward()
    del y
    gc.collect()
    assert log == [6.0] * 20


def test_a_finalizer_during_an_error_leaves_the_error_alone():
    class Late:
        def __del__(self):
            x = pb.tensor([3.0], requires_grad=True)
            (x * x).sum().backward()

    class Fails(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.late = Late()
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            raise KeyError("mine")

    x = pb.tensor([1.0], requires_grad=True)
    with pytest.raises(KeyError, match="mine"):
        Fails.apply(x * 1).sum().backward()


def run_with_a_small_stack(program):
    code = textwrap.dedent(program)
    return subprocess.run(
        ["sh", "-c", 'ulimit -s 256 && exec "$0" -c "$1"', sys.executable, code],
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_million_nodes_need_no_stack():
    done = run_with_a_small_stack("""
        import gc
        import pullback as pb
        x = pb.tensor(1.0, requires_grad=True)
        y = x
        for _ in range(1_000_000):
            y = y * 1.0
        gc.collect()
        y.backward()
        assert x.grad.item() == 1
        del y
        y = x
        for _ in range(1_000_000):
            y = y + 0.5
        del y
        y = x
        for _ in range(20_000):
            y = y * x  # every node saves a result, the chain forks
        del y
        print("done")
    """)
    assert done.stdout == "done\n", done.stderr[-2000:]


def test_contexts_in_a_chain_need_no_stack():
    done = run_with_a_small_stack("""
        import pullback as pb
        class Keep(pb.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.x = x
                return x * 1
            @staticmethod
            def backward(ctx, grad):
                return grad
        x = pb.tensor(1.0, requires_grad=True)
        y = x
        for _ in range(30_000):
            y = Keep.apply(y)
        del y
        print("done")
    """)
    assert done.stdout == "done\n", done.stderr[-2000:]
