"""checkpoint_loop: results and derivatives as those of the loop itself, the fewest steps done again, memory that is bounded.

Schedules are compared with what dynamic programming finds, and what is done with what schedules say.
"""

import functools
import gc
import inspect

import numpy as np
import pytest
from utils.fewest import fewest

import pullback as pb
from pullback import func
from pullback.autograd import gradcheck
from pullback.utils.checkpoint import checkpoint
from pullback.utils.loops import checkpoint_loop
from pullback.utils.schedules import Online, advances, repetitions, split


def number(value):
    return pb.tensor(value, dtype=pb.float64)


def dropout(x):
    return x * (pb.rand_like(x) > 0.2) / 0.8


# ---- schedules -----------------------------------------------------------------------------------------------


def test_the_closed_form_is_the_fewest_there_can_be():
    for n in range(60):
        for s in range(1, 12):
            assert advances(n, s) == fewest(n, s)
            if n > 1 and s > 1:
                m = split(n, s)
                assert 1 <= m < n and m + fewest(m, s) + fewest(n - m, s - 1) == fewest(n, s)


def test_repetitions_of_long_loops():
    assert repetitions(100_000, 10) == 10 and advances(100_000, 10) < 10 * 100_000
    assert advances(10**12, 100) < 9 * 10**12
    for wrong in (
        lambda: advances(-1, 2),
        lambda: advances(2, 0),
        lambda: split(1, 2),
        lambda: split(2, 1),
        lambda: Online(0),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_states_of_an_unknown_loop():
    """No more than s; the first among them; and, from there, few more steps than if the length were known."""
    for s in (1, 2, 3, 5, 10, 20):
        online = Online(s)
        for n in range(1, 1500):
            online.keep(n - 1)
            kept = online.kept
            assert kept[0] == 0 and len(kept) == min(s, n) and kept == sorted(set(kept)) and kept[-1] < n
            ends = [*kept[1:], n]
            again = sum(advances(end - at, s - i) for i, (at, end) in enumerate(zip(kept, ends, strict=True)))
            assert 2 * n + again <= 1.3 * (n + 1 + advances(n, s)) or s == 1
            assert repetitions(max(end - at for at, end in zip(kept, ends, strict=True)), s) <= repetitions(
                n, s
            )


# ---- what is done --------------------------------------------------------------------------------------------


class Counted:
    """A step that counts how often it runs, and how many of its states are alive."""

    def __init__(self):
        self.w = number([0.5, -0.3]).requires_grad_()
        self.count = 0

    def __call__(self, x):
        self.count += 1
        return (x * self.w).sin() + x / 2


def test_steps_done_again_are_the_published_fewest():
    for n in [*range(1, 30), 100, 333]:
        for s in range(1, 12):
            step = Counted()
            y = checkpoint_loop(step, number([1.0, 2.0]), n, memory=s)
            assert step.count == n
            y.sum().backward()
            # Forward n - 1 steps of what reversing takes; each step once more to be reversed; the rest again.
            assert step.count - n == n + fewest(n, s) - (n - 1), (n, s)


@pytest.mark.parametrize("s", [1, 2, 3, 6, 10])
def test_no_step_is_done_often(s):
    """Forward as often as is said, and once to be reversed; once more where the length was not known."""
    w = number(0.5).requires_grad_()
    for n in [*range(1, 40), 150, 500 if s > 1 else 60]:
        for known in (True, False):
            counts = [0] * n

            def one(state, counts=counts):
                counts[state[1]] += 1
                return state[0] * w, state[1] + 1

            how = {"n": n} if known else {"condition": lambda state, n=n: state[1] < n}
            checkpoint_loop(one, (number(1.0), 0), memory=s, **how)[0].backward()
            assert max(counts) <= max(1, repetitions(n, s)) + 1 + (not known), (n, s)
            assert min(counts) >= 2


def test_loops_of_unknown_length():
    for n in [*range(0, 30), 100, 333]:
        for s in (1, 2, 3, 7, 50):
            step = Counted()
            x = number([1.0, 2.0]).requires_grad_()
            both = lambda state, step=step: (step(state[0]), state[1] + 1)
            y, k = checkpoint_loop(both, (x, 0), condition=lambda state, n=n: state[1] < n, memory=s)
            assert k == n == step.count
            y.sum().backward()
            if n:
                known = step.w.grad.clone()
                assert fewest(n, s) - (n - 1) <= step.count - 2 * n <= 2.1 * (fewest(n, s) - (n - 1)) + 1
                step.w.grad = None
                checkpoint_loop(step, number([1.0, 2.0]), n, memory=s).sum().backward()
                assert np.allclose(step.w.grad, known, rtol=1e-13, atol=0)


def test_memory_is_bounded_by_states():
    """100,000 steps: live bytes are those of the states that may be kept, and of one step."""
    w = number(0.9999).requires_grad_()
    x = pb.ones(64, 64, dtype=pb.float64)
    size, most = x.numel() * 8, 0

    def step(x):
        nonlocal most
        most = max(most, pb.memory.allocated())
        return x * w + 1e-4

    for n, room in ((1_000, 20), (100_000, 20), (1_000, 5)):
        gc.collect()
        before, most = pb.memory.allocated(), 0
        y = checkpoint_loop(step, x, n, memory=room)
        y.sum().backward()
        assert most - before <= (room + 12) * size
        assert w.grad.item() == pytest.approx(w.grad.item())
        w.grad = None
        del y
        pb.synchronize()
        gc.collect()
        assert pb.memory.allocated() - before <= size


def test_memory_in_bytes():
    """As many states as fit: 30 KiB each, and the state of the generator if it is kept."""
    x = pb.ones(60, 64, dtype=pb.float64)
    for memory, states in (("100KiB", 3), ("31 KB", 1), ("0.31MB", 10), ("1GB", 50)):
        step = Counted()
        step.w = number(0.5).requires_grad_()
        y = checkpoint_loop(step, x, 50, memory=memory, preserve_rng_state=False)
        y.sum().backward()
        assert step.count - 50 == 50 + fewest(50, states) - 49, memory
    shared = checkpoint_loop(lambda s: (s[0] * 0.5, s[1]), (x, x), 5, memory="31KB", preserve_rng_state=False)
    assert shared[1] is not None


# ---- derivatives ---------------------------------------------------------------------------------------------

W = number([0.5, -0.3]).requires_grad_()


def step(state):
    return {
        "x": (state["x"] * W).sin() + state["c"] * 0.1,
        "c": state["c"],
        "k": state["k"] + 1,
        "i": state["i"] + 1,
    }


def plain(step, state, n):
    for _ in range(n):
        state = step(state)
    return state


@pytest.mark.parametrize("memory", [1, 2, 3, 100, "1MB"])
def test_trees(memory):
    x = number([1.0, 2.0]).requires_grad_()
    state = {"x": x, "c": number([0.3, 0.4]), "k": 0, "i": pb.tensor([5])}
    for n in (0, 1, 2, 5, 17):
        ours, theirs = checkpoint_loop(step, state, n, memory=memory), plain(step, state, n)
        assert ours["k"] == n and ours["i"].tolist() == [5 + n] and ours["x"].equal(theirs["x"])
        assert not ours["i"].requires_grad
        if n:
            found = pb.autograd.grad(ours["x"].sum() + ours["c"].sum(), [x, W])
            known = pb.autograd.grad(theirs["x"].sum(), [x, W])
            assert all(np.allclose(a, b, rtol=1e-13, atol=0) for a, b in zip(found, known, strict=True))


WAYS = {
    "grad": func.grad,
    "hessian": func.hessian,
    "jacrev of grad": lambda f: func.jacrev(func.grad(f)),
    "jacfwd of jacfwd": lambda f: func.jacfwd(func.jacfwd(f)),
    "jacrev of jacfwd": lambda f: func.jacrev(func.jacfwd(f)),
    "third order": lambda f: func.jacrev(func.jacrev(func.grad(f))),
    "vmap": lambda f: lambda x: func.vmap(f)(pb.stack([x, 2 * x])),
    "vmap of grad": lambda f: lambda x: func.vmap(func.grad(f))(pb.stack([x, 2 * x])),
    "grad of vmap": lambda f: func.grad(lambda x: func.vmap(f)(pb.stack([x, 2 * x])).sum()),
    "hessian of vmap": lambda f: func.hessian(lambda x: func.vmap(f)(pb.stack([x, 2 * x])).sum()),
    "vmap of hessian": lambda f: lambda x: func.vmap(func.jacrev(func.grad(f)))(pb.stack([x, 2 * x])),
    "jet": lambda f: lambda x: func.directional_derivatives(f, x, x, 4)[1][3],
    "linearize": lambda f: lambda x: func.linearize(f, x)[1](x),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_transforms(way):
    one = lambda x: (x * W + x.cos()).tanh()
    x = number([0.3, 0.4])
    ours = way(lambda x: checkpoint_loop(one, x, 7, memory=2).prod())(x)
    theirs = way(lambda x: plain(one, x, 7).prod())(x)
    assert (
        np.allclose(ours.detach(), theirs.detach(), rtol=1e-13) and ours.requires_grad == theirs.requires_grad
    )
    gradients = [pb.autograd.grad(y.sum(), W)[0] for y in (ours, theirs)]
    assert np.allclose(*gradients, rtol=1e-12)


def test_gradcheck():
    x, w = number([0.3, 0.4]).requires_grad_(), number([0.5, 0.6]).requires_grad_()
    f = lambda x, w: checkpoint_loop(lambda x: (x * w).sin() + x, x, 5, memory=2)
    assert gradcheck(f, (x, w), check_all_nestings=True, check_forward_ad=True, check_batched_grad=True)


def test_arguments_and_what_only_one_step_captures():
    f = lambda w: checkpoint_loop(lambda x, p: x * p["w"], number(1.0), 5, {"w": w}, memory=3)
    assert func.grad(f)(number(0.5)).item() == pytest.approx(5 * 0.5**4)
    layers = [number(0.1 * i + 0.5).requires_grad_() for i in range(6)]
    one = lambda state: (state[0] * layers[state[1]].exp() if state[1] != 2 else state[0], state[1] + 1)
    y, _ = checkpoint_loop(one, (number(1.0), 0), 6, memory=2)
    y.backward()
    assert [layer.grad for layer in layers[2:3]] == [None]
    assert all(layer.grad.item() == pytest.approx(y.item()) for i, layer in enumerate(layers) if i != 2)


def test_random_numbers_are_drawn_again():
    x = number([1.0, 2.0, 3.0] * 10).requires_grad_()

    def one(x):
        return dropout(x) * 1.01 + pb.randn(30, dtype=pb.float64) * x * 0.1

    def run(loop, create_graph=False):
        pb.manual_seed(3)
        y = loop()
        (g,) = pb.autograd.grad(y.log().sum() if create_graph else y.sum(), x, create_graph=create_graph)
        second = pb.autograd.grad(g.sum(), x)[0] if create_graph else g
        return y.detach(), g.detach(), second, pb.rand(1)

    known = run(lambda: plain(one, x, 23))
    count = lambda state: (one(state[0]), state[1] + 1)
    for memory in (1, 2, 4, 30):
        for loop in (
            lambda: checkpoint_loop(one, x, 23, memory=memory),  # noqa: B023
            lambda: checkpoint_loop(count, (x, 0), condition=lambda s: s[1] < 23, memory=memory)[0],  # noqa: B023
        ):
            assert all(a.equal(b) for a, b in zip(run(loop), known, strict=True))
    positive = lambda x: dropout(x).exp() * 0.3
    ours, theirs = (
        run(loop, True)
        for loop in (lambda: checkpoint_loop(positive, x, 5, memory=2), lambda: plain(positive, x, 5))
    )
    assert all(np.allclose(a, b, equal_nan=True) for a, b in zip(ours, theirs, strict=True))


def test_what_a_step_hands_on_swaps_or_makes_anew():
    w, x = number(0.5).requires_grad_(), number([1.0, 2.0]).requires_grad_()
    made = pb.ones(2, dtype=pb.float64)
    for one, state in (
        (lambda s: s, x),
        (lambda s: (s[1], s[0] * w), (x, x)),
        (lambda s: (s[0] * w, made), (x, x)),
        (lambda s: s * x, x),
        (lambda s: s * (x * w).exp(), x.exp()),
        (lambda s: s.flip(0)[:], x),
        (lambda s: pb.cat([s, s * w]), x),
        (lambda s: (s * w).float() if s.dtype is pb.float64 else (s * w).double(), x),
        (lambda s: (s[0] * s[1], s[1] + 0.5), (x, 1.0)),
    ):
        total = lambda y: (
            y.sum() if isinstance(y, pb.Tensor) else sum([t.sum() for t in y if isinstance(t, pb.Tensor)])
        )
        ours, theirs = checkpoint_loop(one, state, 3, memory=2), plain(one, state, 3)
        found, known = (
            pb.autograd.grad(total(y), [x, w], retain_graph=True, materialize_grads=True)
            for y in (ours, theirs)
        )
        assert all(np.allclose(a, b, rtol=1e-6) for a, b in zip(found, known, strict=True))
    captured = checkpoint_loop(lambda s: s * w, x, 3, memory=2)
    outer = checkpoint_loop(lambda s: s * captured, x, 3, memory=2)
    for found, known in zip(
        pb.autograd.grad(outer.sum(), [x, w]), pb.autograd.grad((x**4 * w**9).sum(), [x, w]), strict=True
    ):
        assert np.allclose(found, known)
    assert not checkpoint_loop(lambda s: (s[0] * w, made), (x, x), 3, memory=2)[1].requires_grad


def test_modes():
    w = number(0.5).requires_grad_()
    one = lambda x: x * w
    with pb.no_grad():
        assert not checkpoint_loop(one, number(1.0), 5, memory=3).requires_grad
    with pb.inference_mode():
        assert checkpoint_loop(one, number(1.0), 5, memory=3).is_inference()
    assert not checkpoint_loop(lambda x: x * 2, number(1.0), 5, memory=3).requires_grad
    value, tangent = func.jvp(
        lambda w: checkpoint_loop(lambda x: x * w, number(1.0), 5, memory=3), (w.detach(),), (number(1.0),)
    )
    assert (value.item(), tangent.item()) == (0.5**5, 5 * 0.5**4)
    assert checkpoint_loop(one, number(1.0), 3, memory=2).grad_fn.name() == "CheckpointLoopBackward"


def test_inside_of_vmap():
    """Steps that make tensors and draw run again as the first time, though the vmap is over."""
    w = number(0.5).requires_grad_()

    def one(x):
        z = pb.zeros(2, dtype=pb.float64)
        z[0], z[1] = x[0] * w, x[1] * pb.rand((), dtype=pb.float64)
        return z

    x = number([[1.0, 2.0], [3.0, 4.0]]).requires_grad_()
    for randomness in ("different", "same"):
        results = []
        for loop in (lambda x: checkpoint_loop(one, x, 5, memory=2), lambda x: plain(one, x, 5)):
            pb.manual_seed(0)
            y = func.vmap(loop, randomness=randomness)(x)
            results.append([y, *pb.autograd.grad(y.sum(), [w, x])])
        assert all(np.allclose(a.detach(), b.detach()) for a, b in zip(*results, strict=True))


# ---- hooks, passes, errors -----------------------------------------------------------------------------------


def test_hooks():
    w = number(0.5).requires_grad_()
    seen = []

    def one(x):
        y = x * w
        y.register_hook(lambda g: seen.append(g.item()) or g * 0.5)
        return y

    w.register_hook(lambda g: seen.append("leaf"))
    v = w * 1
    v.register_hook(lambda g: 10 * g)
    y = checkpoint_loop(lambda x: one(x) + 0 * v, number(1.0), 3, memory=1)
    y.backward()
    assert seen == [1.0, 0.25, 0.0625, "leaf"]
    assert w.grad.item() == pytest.approx(0.5 * 0.25 + 0.125 * 0.5 + 0.03125)


def test_several_passes():
    w = number(0.5).requires_grad_()
    y = checkpoint_loop(lambda x: x * w, number(1.0), 5, memory=3)
    for retain in (True, True, False):
        assert pb.autograd.grad(y, w, retain_graph=retain)[0].item() == 5 * 0.5**4
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()


def test_loops_and_checkpoints_inside_of_each_other():
    w = number(0.5).requires_grad_()
    x = number(1.0)
    inner = lambda x: checkpoint_loop(lambda x: x * w, x, 3, memory=1) + w
    (known,) = pb.autograd.grad(plain(lambda x: x * w**3 + w, x, 4), w)
    for f in (
        lambda: checkpoint_loop(inner, x, 4, memory=2),
        lambda: checkpoint(lambda x: checkpoint_loop(inner, x, 4, memory=2), x, use_reentrant=False),
        lambda: checkpoint_loop(lambda x: checkpoint(inner, x, use_reentrant=False), x, 4, memory=2),
    ):
        assert pb.autograd.grad(f(), w)[0].item() == pytest.approx(known.item(), rel=1e-14)
    with pb.autograd.graph.save_on_cpu():
        y = checkpoint_loop(inner, x, 4, memory=2)
    assert pb.autograd.grad(y, w)[0].item() == pytest.approx(known.item(), rel=1e-14)


def test_errors_leave_everything_usable():
    w = number(0.5).requires_grad_()
    count, fails = 0, 8

    def one(x):
        nonlocal count
        count += 1
        if count == fails:
            raise KeyboardInterrupt
        return x * w * pb.rand((), dtype=pb.float64)

    for fails in (3, 8):  # noqa: B007
        count = 0
        state = pb.get_rng_state()
        with pytest.raises(KeyboardInterrupt):
            y = checkpoint_loop(one, number(1.0), 5, memory=2)
            state = pb.get_rng_state()
            y.backward(retain_graph=True)
        assert (count == 8) == pb.get_rng_state().equal(state) and pb.is_grad_enabled()
    assert w.grad is None
    y.backward()
    assert w.grad.item() == pytest.approx(5 * y.item() / 0.5)


def test_wrong_arguments():
    one, x = (lambda x: x * W), number([1.0, 2.0])
    loop, twice = functools.partial(checkpoint_loop, one, x), lambda x: (x, x)
    for error, match, call in (
        (ValueError, "0 or more", lambda: loop(-1, memory=1)),
        (TypeError, "n has to be an int", lambda: loop(1.5, memory=1)),
        (TypeError, "n has to be an int", lambda: loop(True, memory=1)),
        (TypeError, "either n says", lambda: loop(memory=1)),
        (TypeError, "either n says", lambda: loop(1, memory=1, condition=bool)),
        (TypeError, "condition has to be a function", lambda: loop(memory=1, condition=3)),
        (ValueError, "room for one state at least, got 0", lambda: loop(1, memory=0)),
        (ValueError, "which takes", lambda: loop(1, memory="10B")),
        (ValueError, "is no size", lambda: loop(1, memory="lots")),
        (ValueError, "is no size", lambda: loop(1, memory="10XB")),
        (TypeError, "memory has to be a number of states", lambda: loop(1, memory=1.5)),
        (
            RuntimeError,
            r"a tree like the state that it is given: \*, got \(\*, \*\)",
            lambda: checkpoint_loop(lambda x: (x, x), x, 3, memory=1),
        ),
        (RuntimeError, "got NoneType for Tensor", lambda: checkpoint_loop(lambda x: None, x, 3, memory=1)),
    ):
        with pytest.raises(error, match=match):
            call()
    assert "memory" in inspect.signature(pb.checkpoint_loop).parameters


def test_writing_in_place():
    x, w = number([1.0, 2.0]), number(0.5).requires_grad_()
    with pytest.raises(
        RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"
    ):
        checkpoint_loop(lambda x: x.mul_(w), x, 3, memory=1)
    assert x.tolist() == [1.0, 2.0]
    counts = lambda s: (s[0] * w, s[1].add_(1))
    with pytest.raises(RuntimeError, match="wrote into the state that it was given"):
        checkpoint_loop(counts, (x, pb.tensor(1)), 3, memory=1)
    own = lambda x: x.clone().mul_(w)
    assert pb.autograd.grad(checkpoint_loop(own, x, 3, memory=1).sum(), w)[0].item() == pytest.approx(
        3 * 3 * 0.25
    )

    modified = pytest.raises(RuntimeError, match="has been modified by an inplace operation")
    made = []
    keeps = lambda x: made.append(x * w) or made[-1]
    start = number(1.0).requires_grad_()
    for target in (lambda: w, lambda: start, lambda: made[-2]):
        y = checkpoint_loop(keeps, start, 5, memory=5)
        with pb.no_grad():
            target().mul_(2)
        with modified:
            y.backward()


def test_a_step_that_does_something_else_the_second_time():
    w, v = number(0.5).requires_grad_(), number(0.5).requires_grad_()
    count = 0

    def one(x):
        nonlocal count
        count += 1
        return x * (w if count <= 5 else v)

    y = checkpoint_loop(one, number(1.0), 5, memory=2)
    with pytest.raises(RuntimeError, match="did not depend the first time"):
        y.backward()
