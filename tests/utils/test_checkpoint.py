"""Checkpoints: gradients as without, less kept, random numbers drawn again, what is not the same noticed."""

import contextlib
import gc
import warnings

import pytest

import pullback as pb
from pullback.utils import checkpoint as module
from pullback.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential

BOTH = pytest.mark.parametrize("reentrant", [True, False])


def gradients(f, *tensors):
    """What backward() leaves, of leaves made anew."""
    leaves = [t.detach().clone().requires_grad_() for t in tensors]
    f(*leaves).backward()
    return [t.grad.tolist() for t in leaves]


@BOTH
def test_gradients_are_those_without(reentrant):
    w = pb.tensor([2.0, 3.0])
    part = lambda x, w: ((x * w).sin() * x).exp()
    through = lambda part, *args: checkpoint(part, *args, use_reentrant=reentrant)
    for f in (
        lambda x, w, run: run(part, x, w).sum(),
        lambda x, w, run: run(part, x.sin(), w).sum() * x[0],
        lambda x, w, run: run(part, run(part, x, w), w).sum(),
        lambda x, w, run: run(lambda x: part(x, w), x).sum(),  # captured
        lambda x, w, run: sum(run(lambda x: (x * w, (x + w).sum()), x)).sum(),
    ):
        expected = gradients(lambda x, w, f=f: f(x, w, lambda part, *args: part(*args)), pb.ones(2), w)
        assert gradients(lambda x, w, f=f: f(x, w, through), pb.ones(2), w) == expected


def test_trees_keywords_and_other_values():
    def f(inputs, *, scale):
        return {"y": inputs["x"] * scale[0], "n": 7, "i": inputs["x"].argsort(), "c": pb.ones(1)}

    x = pb.tensor([1.0, 2.0], requires_grad=True)
    scale = pb.tensor(3.0, requires_grad=True)
    found = checkpoint(f, {"x": x}, scale=[scale], use_reentrant=False)
    assert found["n"] == 7 and found["i"].tolist() == [0, 1] and not found["c"].requires_grad
    assert pb.autograd.grad(found["y"].sum(), [x, scale])[1].item() == 3.0


def test_grad_inputs_create_graph_and_several_passes():
    x = pb.tensor(0.5, dtype=pb.float64, requires_grad=True)
    w = pb.tensor(2.0, dtype=pb.float64, requires_grad=True)
    f = lambda x: (x * w).sin() * x
    y = checkpoint(f, x, use_reentrant=False)
    (g,) = pb.autograd.grad(y, x, create_graph=True)
    expected = pb.autograd.grad(f(x), x, create_graph=True)[0]
    assert g.item() == expected.item()
    for ours, theirs in zip(
        pb.autograd.grad(g, [x, w], retain_graph=True), pb.autograd.grad(expected, [x, w]), strict=True
    ):
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-14)
    y.backward(inputs=[w], retain_graph=True)
    y.backward(inputs=[w])
    assert x.grad is None and w.grad.item() == pytest.approx(2 * 0.5 * 0.5 * pb.cos(x * w).item())


def test_transforms_of_checkpoints():
    f = lambda x: checkpoint(lambda x: x.sin() * x, x, use_reentrant=False)
    x = pb.tensor(0.7, dtype=pb.float64)
    plain = lambda x: x.sin() * x
    for way in (
        pb.func.grad,
        lambda f: pb.func.grad(pb.func.grad(f)),
        pb.func.hessian,
        lambda f: lambda x: pb.func.jvp(f, (x,), (x,)),
        lambda f: lambda x: pb.func.jvp(pb.func.grad(f), (x,), (x,)),
    ):
        for ours, theirs in zip(_flat(way(f)(x)), _flat(way(plain)(x)), strict=True):
            assert ours == pytest.approx(theirs, rel=1e-14)


def _flat(result):
    return [t.item() for t in (result if isinstance(result, tuple) else (result,))]


@BOTH
def test_it_is_computed_again_and_not_kept(reentrant):
    calls = []

    def f(x):
        calls.append(1)
        for _ in range(10):
            x = x.cumsum(0).mul(1e-3).sigmoid()
        return x.sum()

    def kept(run):
        x = pb.ones(20_000, requires_grad=True)
        before = pb.memory.allocated()
        y = run(x)
        pb.synchronize()
        return pb.memory.allocated() - before, y, x

    plain, y, x = kept(f)
    y.backward()
    expected = x.grad
    calls.clear()
    ours, y, x = kept(lambda x: checkpoint(f, x, use_reentrant=reentrant))
    assert len(calls) == 1 and ours < plain / 5
    y.backward()
    assert len(calls) == 2 and x.grad.equal(expected)


def test_a_checkpoint_inside_of_another_keeps_nothing():
    calls = {"outer": 0, "inner": 0}

    def inner(x):
        calls["inner"] += 1
        return x.cumsum(0).mul(1e-3).sigmoid()

    def outer(x):
        calls["outer"] += 1
        for _ in range(10):
            x = checkpoint(inner, x, use_reentrant=False)
        return x.sum()

    x = pb.ones(20_000, requires_grad=True)
    before = pb.memory.allocated()
    y = checkpoint(outer, x, use_reentrant=False)
    pb.synchronize()
    assert pb.memory.allocated() - before < 3 * x.nbytes
    y.backward()
    z = x.detach().clone().requires_grad_()
    outer(z).backward()
    assert x.grad.equal(z.grad)


def test_it_stops_as_soon_as_it_may():
    seen = []

    def f(x):
        y = x.sin().exp()
        seen.append("on")
        z = y * 3
        seen.append("end")
        return z

    x = pb.ones(2, requires_grad=True)
    for early_stop, again in ((True, []), (False, ["on", "end"])):
        y = checkpoint(f, x, use_reentrant=False, early_stop=early_stop)
        assert seen == ["on", "end"]
        seen.clear()
        y.sum().backward()
        assert seen == again
        seen.clear()
    with module.set_checkpoint_early_stop(False):
        y = checkpoint(f, x, use_reentrant=False)
    seen.clear()
    y.sum().backward()
    assert seen == ["on", "end"]


def test_what_is_captured_with_a_history():
    x, w = pb.tensor(2.0, requires_grad=True), pb.tensor(3.0, requires_grad=True)
    h = w * w
    y = checkpoint(lambda x: (x * h).sin(), x * 1, use_reentrant=False)
    expected = pb.autograd.grad((x * h).sin(), [x, w], retain_graph=True)
    assert [g.item() for g in pb.autograd.grad(y, [x, w])] == [g.item() for g in expected]


@pytest.mark.parametrize("early_stop", [True, False])
@pytest.mark.parametrize("retain", [True, False])
def test_a_gradient_inside_of_the_function(early_stop, retain):
    def f(x):
        y = x.sin()
        z = y.cos()
        (g,) = pb.autograd.grad(z.sum(), x, retain_graph=retain)
        return x.cos() * g + (z.exp() if retain else 0)

    x = pb.tensor([0.3, 0.5], requires_grad=True)
    a = checkpoint(f, x * 1, use_reentrant=False, early_stop=early_stop)
    (ours,) = pb.autograd.grad(a.sum(), x)
    (theirs,) = pb.autograd.grad(f(x * 1).sum(), x)
    assert ours.tolist() == theirs.tolist()


def test_functions_and_parts_of_the_graph():
    class Cube(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, x * x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            x, square = ctx.saved_tensors
            assert ctx.saved_tensors[0].equal(x)
            return 3 * square * g

    x = pb.tensor([2.0], requires_grad=True)
    a, b = checkpoint(lambda x: (Cube.apply(x), x.exp() * x), x * 1, use_reentrant=False)
    assert pb.autograd.grad(a, x, retain_graph=True)[0].item() == 12.0
    assert pb.autograd.grad(b, x, retain_graph=True)[0].item() == pytest.approx(3 * pb.exp(x).item())
    assert pb.autograd.grad(a.sum() + b.sum(), x)[0].item() == pytest.approx(12 + 3 * pb.exp(x).item())
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        pb.autograd.grad(a, x)


def test_tangents_that_are_captured():
    f = lambda t: checkpoint(lambda x: (x * t).sin(), pb.tensor(0.5, requires_grad=True), use_reentrant=False)
    assert pb.func.jvp(f, (pb.tensor(2.0),), (pb.tensor(1.0),))[1].item() == pytest.approx(
        0.5 * pb.cos(pb.ones(())).item()
    )
    g = lambda t: pb.func.grad(lambda x: checkpoint(lambda x: (x * t).sin(), x, use_reentrant=False))(
        pb.tensor(0.5)
    )
    h = lambda t: pb.func.grad(lambda x: (x * t).sin())(pb.tensor(0.5))
    for way in (
        lambda f: pb.func.jvp(f, (pb.tensor(2.0),), (pb.tensor(1.0),))[1],
        lambda f: pb.func.grad(f)(pb.tensor(2.0)),
    ):
        assert way(g).item() == pytest.approx(way(h).item())


@BOTH
def test_random_numbers_are_drawn_again(reentrant):
    x = pb.ones(100, requires_grad=True)
    f = lambda x: x * (pb.rand(100) > 0.5)
    pb.manual_seed(3)
    y = checkpoint(f, x, use_reentrant=reentrant)
    after = pb.rand(1).item()
    y.sum().backward()
    assert x.grad.equal(y.detach())
    pb.manual_seed(3)
    f(x)
    assert pb.rand(1).item() == after
    x.grad = None
    pb.manual_seed(3)
    y = checkpoint(f, x, use_reentrant=reentrant, preserve_rng_state=False)
    y.sum().backward()
    assert not x.grad.equal(y.detach())


def test_the_second_run_leaves_the_generator_alone():
    x = pb.ones(2, requires_grad=True)
    y = checkpoint(lambda x: x * pb.rand(2), x, use_reentrant=False)
    pb.manual_seed(7)
    y.sum().backward()
    drawn = pb.rand(1).item()
    pb.manual_seed(7)
    assert pb.rand(1).item() == drawn


@pytest.mark.parametrize(
    "change, early_stop, said",
    [
        (lambda x, n: x.sin().exp() if n == 1 else x.sin(), True, "A different number of tensors was saved"),
        (lambda x, n: x.sin() if n == 1 else x.sin().exp(), False, "trying to save more tensors"),
        (lambda x, n: x[:n].sin(), True, "have different metadata than during the forward pass"),
        (lambda x, n: (x if n == 1 else x.double()).sin(), True, "have different metadata"),
    ],
)
def test_what_changes_is_noticed(change, early_stop, said):
    x = pb.ones(3, requires_grad=True)
    calls = []

    def f(x):
        calls.append(1)
        return change(x, len(calls))

    y = checkpoint(f, x, use_reentrant=False, early_stop=early_stop)
    with pytest.raises(CheckpointError, match=said):
        y.sum().backward()


def test_what_changes_harmlessly_is_taken_without_the_check():
    x = pb.ones(3, requires_grad=True)
    calls = []

    def f(x):
        calls.append(1)
        return x.sin() if len(calls) == 1 else (x.sin(), x.exp())[0]

    y = checkpoint(f, x, use_reentrant=False, early_stop=False, determinism_check="none")
    with pytest.raises(CheckpointError, match="trying to save more tensors"):
        y.sum().backward()
    calls.clear()
    y = checkpoint(f, x, use_reentrant=False)  # stops before it comes to the difference
    y.sum().backward()
    assert x.grad.equal(x.detach().cos())


def test_an_argument_written_in_place_meanwhile():
    x = pb.ones(2, requires_grad=True)
    a = x * 2
    y = checkpoint(lambda a: a.sin(), a, use_reentrant=False)
    a.add_(1)
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        y.sum().backward()


def test_contexts():
    seen = []

    @contextlib.contextmanager
    def note(name):
        seen.append(name)
        yield

    x = pb.ones(2, requires_grad=True)
    y = checkpoint(pb.sin, x, use_reentrant=False, context_fn=lambda: (note("first"), note("second")))
    assert seen == ["first"]
    y.sum().backward()
    assert seen == ["first", "second"]


def test_without_anything_to_differentiate():
    assert not checkpoint(pb.sin, pb.ones(2), use_reentrant=False).requires_grad
    with pb.no_grad():
        assert not checkpoint(pb.sin, pb.ones(2, requires_grad=True), use_reentrant=False).requires_grad
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        assert not checkpoint(pb.sin, pb.ones(2), use_reentrant=True).requires_grad


def test_the_reentrant_one_wants_a_plain_backward():
    x = pb.ones(2, requires_grad=True)
    y = checkpoint(pb.sin, x, use_reentrant=True).sum()
    with pytest.raises(RuntimeError, match=r"incompatible with .grad\(\)"):
        pb.autograd.grad(y, x, retain_graph=True)
    with pytest.raises(RuntimeError, match="`inputs` parameter"):
        y.backward(inputs=[x], retain_graph=True)
    y.backward()
    assert x.grad.tolist() == pb.ones(2).cos().tolist()


def test_wrong_arguments():
    x = pb.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="the use_reentrant parameter should be passed explicitly"):
        checkpoint(pb.sin, x)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: scale"):
        checkpoint(pb.sin, x, scale=1, use_reentrant=True)
    with pytest.raises(ValueError, match="only supported when use_reentrant=False"):
        checkpoint(pb.sin, x, debug=True, use_reentrant=True)
    with pytest.raises(ValueError, match="determinism_check should be one of"):
        checkpoint(pb.sin, x, determinism_check="some", use_reentrant=False)
    with pytest.raises(ValueError, match="Unexpected keyword arguments"):
        checkpoint_sequential([pb.sin], 1, x, use_reentrant=False, scale=1)
    with pytest.raises(RuntimeError, match="Only tuple of tensors is supported"):
        module.detach_variable([x])


@BOTH
@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_sequences(segments, reentrant):
    chain = [pb.sin, pb.exp, pb.tanh, lambda x: x * 3, pb.cos]
    x = pb.tensor([0.3, 0.5])

    def plain(x):
        for f in chain:
            x = f(x)
        return x.sum()

    through = lambda x: checkpoint_sequential(chain, segments, x, use_reentrant=reentrant).sum()
    assert gradients(through, x) == gradients(plain, x)


def test_nothing_is_left_behind():
    """The node goes with its output: no cycle holds what it has kept."""
    gc.collect()
    gc.disable()
    try:
        import weakref

        x = pb.ones(3, requires_grad=True)
        f = lambda x: x.sin()
        alive = weakref.ref(f)
        y = checkpoint(f, x, use_reentrant=False)
        del f, y
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.torch
@BOTH
def test_against_torch(reentrant):
    torch = pytest.importorskip("torch")
    import torch.utils.checkpoint as theirs

    answers = []
    for lib, run in ((pb, checkpoint), (torch, theirs.checkpoint)):
        x = lib.tensor([0.5, 1.0], requires_grad=True)
        w = lib.tensor([2.0, 3.0], requires_grad=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y = run(
                lambda x, w=w: (x * w).sin(),
                run(lambda x, w=w: x * w, x * 1, use_reentrant=reentrant),
                use_reentrant=reentrant,
            )
            y.sum().backward()
        answers.append([[round(v, 5) for v in t.tolist()] for t in (y, x.grad, w.grad)])
    assert answers[0] == answers[1]


def test_vmap_inside_and_outside():
    """What is computed again varies over the vmaps of the first time; functions that write into what they make run again."""
    w = pb.tensor(0.7, dtype=pb.float64, requires_grad=True)
    x, scales = pb.tensor(1.3, dtype=pb.float64, requires_grad=True), pb.tensor([1.0, 0.9], dtype=pb.float64)

    def f(x):
        z = pb.zeros(2, dtype=pb.float64)
        z[0], z[1] = x * w, (x * w).exp()
        return z.prod()

    run = lambda f, x: checkpoint(f, x, use_reentrant=False)
    for loop in (
        lambda run: run(lambda x: pb.func.vmap(lambda s: f(x * s))(scales).prod(), x),
        lambda run: pb.func.vmap(lambda s: run(f, x * s))(scales).prod(),
        lambda run: pb.func.vmap(lambda s: run(lambda x: pb.func.vmap(lambda t: f(x * t))(scales).sum(), s))(
            scales * x
        ).prod(),
    ):
        ours = pb.autograd.grad(loop(run), [w, x], create_graph=True)
        theirs = pb.autograd.grad(loop(lambda f, x: f(x)), [w, x], create_graph=True)
        assert [g.item() for g in ours] == pytest.approx([g.item() for g in theirs], rel=1e-13)
        second = [pb.autograd.grad(g[0] * g[1], [w, x]) for g in (ours, theirs)]
        assert [g.item() for g in second[0]] == pytest.approx([g.item() for g in second[1]], rel=1e-12)
