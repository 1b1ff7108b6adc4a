"""Selective checkpoints: what a policy keeps is not computed again, and nothing else changes."""

import functools

import pytest

import pullback as pb
from pullback import _core
from pullback.func import grad, jvp, vmap
from pullback.utils.checkpoint import (
    SAC_IGNORED_OPS,
    CheckpointPolicy,
    GraphExecGroup,
    SelectiveCheckpointContext,
    checkpoint,
    create_selective_checkpoint_contexts,
)


class Counting:
    """A block that counts the operators that run."""

    def __enter__(self):
        self.names = []
        _core.push_watcher(self.see)
        return self

    def see(self, name, callable, args, kwargs):
        self.names.append(name)
        return _core.proceed(callable, args, kwargs)

    def __exit__(self, *error):
        _core.pop_watcher()


def keeping(policy, **options):
    return functools.partial(create_selective_checkpoint_contexts, policy, **options)


def gradients(f, *tensors):
    leaves = [t.detach().clone().requires_grad_() for t in tensors]
    f(*leaves).backward()
    return [t.grad.tolist() for t in leaves]


FUNCTIONS = {
    "products": lambda x, w: ((x @ w).sin() @ w).exp().sum(),
    "its own result": lambda x, w: (x * w).exp().tanh().sum(),
    "several results": lambda x, w: (x * w).sort(0).values.exp().sum(),
    "lists": lambda x, w: pb.cat([x.sin(), w.exp()]).tanh().sum(),
    "views": lambda x, w: (x.t()[0] * w.reshape(-1)[:2]).exp().sum(),
    "in place": lambda x, w: (x * w).mul_(2).exp().tanh().sum(),
    "in Python": lambda x, w: pb.nn.functional.cross_entropy(x @ w, pb.tensor([0, 1])).exp(),
    "residuals": lambda x, w: pb.nn.functional.layer_norm(x @ w, (2,)).exp().sum(),
    "captured": lambda x, w: (x * w + CONSTANT).exp().softmax(0).amax(0).sum(),
    "twice the same": lambda x, w: (x * x).exp().mul(w).mul(w).sum(),
}
CONSTANT = pb.tensor([[0.25, 0.5], [1.0, 2.0]])
POLICIES = {
    "nothing": lambda ctx, op, *args, **kwargs: CheckpointPolicy.PREFER_RECOMPUTE,
    "everything": lambda ctx, op, *args, **kwargs: CheckpointPolicy.MUST_SAVE,
    "products": [pb.matmul, pb.mul],
    "exp": lambda ctx, op, *args, **kwargs: op is pb.exp,
    "offloaded": lambda ctx, op, *args, **kwargs: CheckpointPolicy.PREFER_CPU_OFFLOAD,
}


@pytest.mark.parametrize("size", [2, 100])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_those_without(name, policy, size):
    f = FUNCTIONS[name]
    x, w = pb.tensor([[0.1, 0.7], [0.3, -0.4]]), pb.tensor([[0.9, -0.2], [0.8, 0.6]])
    if size > 2 and name not in ("in Python", "residuals", "captured", "views"):
        x, w = x.repeat(size // 2, size // 2) * 0.01, w.repeat(size // 2, size // 2)
    run = lambda x, w: checkpoint(f, x, w, use_reentrant=False, context_fn=keeping(POLICIES[policy]))
    if name == "in place" and policy in ("everything", "products", "offloaded"):
        with pytest.raises(RuntimeError, match="has been mutated"):
            gradients(run, x, w)
        return
    assert gradients(run, x, w) == gradients(f, x, w)


def test_what_is_kept_does_not_run_again():
    x, w = pb.ones(3, 3, requires_grad=True), pb.eye(3)
    f = lambda x: ((x @ w).sin() @ w).exp().sum()
    for policy, again in (([pb.matmul], 0), ([], 2), ([pb.sin], 2)):
        y = checkpoint(f, x, use_reentrant=False, context_fn=keeping(policy), early_stop=False)
        with Counting() as second:
            y.backward()
        assert second.names.count("matmul") == again
        assert second.names.count("sin") == (policy != [pb.sin])


def test_less_is_kept_than_without():
    def kept(policy):
        x = pb.ones(100_000, requires_grad=True)
        pb.synchronize()
        before = pb.memory.allocated()
        f = lambda x: x.sin().exp().tanh().sin().exp().tanh().sum()
        y = f(x) if policy is None else checkpoint(f, x, use_reentrant=False, context_fn=keeping(policy))
        y.item()
        return pb.memory.allocated() - before

    assert kept([]) < kept([pb.exp]) < kept(None)


def test_what_a_policy_is_told():
    told = []

    def policy(ctx, op, *args, **kwargs):
        assert isinstance(ctx, SelectiveCheckpointContext) and ctx.is_recompute is False
        told.append((op, ctx.op_output.shape, len(args), kwargs))
        return False

    x = pb.ones(2, 3, requires_grad=True)
    f = lambda x: (2 * x.detach() + x).sum(dim=1)[0].exp()
    checkpoint(f, x, use_reentrant=False, context_fn=keeping(policy)).backward()
    assert [op for op, *_ in told] == [pb.mul, pb.add, pb.sum, told[3][0], pb.exp]
    assert told[2][1:] == ((2,), 1, {"dim": 1})
    assert SAC_IGNORED_OPS and not any(op in SAC_IGNORED_OPS for op, *_ in told)


def test_random_numbers_after_a_kept_draw():
    def f(x):
        a = (x * pb.rand(3)).exp()
        return (a * pb.rand(3)).tanh().sum()

    def first_draw(ctx, op, *args, **kwargs):
        seen.append(op)
        return op is pb.rand and seen.count(pb.rand) == 1

    seen = []
    for kept in (first_draw, []):
        seen.clear()
        pb.manual_seed(3)
        expected = gradients(f, pb.ones(3))
        after = pb.rand(2).tolist()
        pb.manual_seed(3)
        run = lambda x, kept=kept: checkpoint(f, x, use_reentrant=False, context_fn=keeping(kept))
        assert gradients(run, pb.ones(3)) == expected
        assert pb.rand(2).tolist() == after


def test_passes_nest_and_repeat():
    x = pb.tensor([0.5, 1.0], dtype=pb.float64, requires_grad=True)
    inner = lambda x: x.sin().exp()
    f = lambda x: (x * inner(x)).tanh().sum()
    run = lambda g, *args: checkpoint(g, *args, use_reentrant=False, context_fn=keeping([pb.exp, pb.mul]))
    g = lambda x: run(lambda x: (x * run(inner, x)).tanh().sum(), x)
    y = g(x)
    for _ in range(2):
        assert pb.autograd.grad(y, x, retain_graph=True)[0].equal(pb.autograd.grad(f(x), x)[0])
    slope = pb.autograd.grad(g(x), x, create_graph=True)[0]
    expected = pb.autograd.grad(f(x), x, create_graph=True)[0]
    assert pb.autograd.grad(slope.sum(), x)[0].allclose(pb.autograd.grad(expected.sum(), x)[0])


def test_transforms():
    run = lambda x: checkpoint(
        lambda x: (x * x).exp().sum(), x, use_reentrant=False, context_fn=keeping([pb.exp, pb.mul])
    )
    x = pb.tensor([0.5, 1.0])
    expected = 2 * x * (x * x).exp()
    assert grad(run)(x).allclose(expected)
    assert jvp(run, (x,), (pb.ones(2),))[1].allclose(expected.sum())
    assert vmap(grad(run))(pb.stack([x, 2 * x]))[0].allclose(expected)
    assert vmap(run)(pb.stack([x, 2 * x])).shape == (2,)


def test_a_kept_result_that_was_written():
    def f(x):
        a = x.exp()
        b = a.sin()
        a.mul_(2)
        return (b * a).sum()

    x = pb.ones(3, requires_grad=True)
    y = checkpoint(f, x, use_reentrant=False, context_fn=keeping([pb.exp]))
    with pytest.raises(
        RuntimeError, match="Tensor cached during selective activation checkpoint has been mutated"
    ):
        y.backward()
    y = checkpoint(f, x, use_reentrant=False, context_fn=keeping([pb.exp], allow_cache_entry_mutation=True))
    y.backward()


def test_another_second_run_is_noticed():
    calls = []

    def f(x):
        calls.append(0)
        return x.exp().sin() if len(calls) == 1 else x.sin().exp()

    y = checkpoint(f, pb.ones(2, requires_grad=True), use_reentrant=False, context_fn=keeping([pb.exp]))
    with pytest.raises(RuntimeError, match="sin encountered during backward but not found in storage"):
        y.sum().backward()


def test_wrong_policies():
    with pytest.raises(ValueError, match="Expected op in `op_list` to be an OpOverload but got: 3"):
        create_selective_checkpoint_contexts([pb.exp, 3])
    with pytest.raises(TypeError, match="must be either a function or a list of ops"):
        create_selective_checkpoint_contexts(3)

    def failing(ctx, op, *args, **kwargs):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        checkpoint(pb.exp, pb.ones(2, requires_grad=True), use_reentrant=False, context_fn=keeping(failing))
    assert pb.ones(2).exp().shape == (2,)  # nobody watches any more
    with pytest.raises(RuntimeError, match="there is no watcher"):
        _core.pop_watcher()


def test_groups_compute_once():
    count = []

    def f(x):
        count.append(0)
        return x.sin(), x.exp()

    x = pb.tensor([1.0, 2.0], requires_grad=True)
    a, b = checkpoint(f, x, use_reentrant=False, early_stop=False)
    with GraphExecGroup():
        a.sum().backward()
        b.sum().backward()
        with pytest.raises(RuntimeError, match="cannot be nested"), GraphExecGroup():
            pass
    assert len(count) == 2 and x.grad.allclose(x.cos() + x.exp())
    a, b = checkpoint(f, x, use_reentrant=False, early_stop=False)
    a.sum().backward()
    b.sum().backward()
    assert len(count) == 5


def test_debug_shows_both_runs():
    from pullback.utils.checkpoint import CheckpointError, set_checkpoint_debug_enabled

    calls = []

    def f(x):
        calls.append(0)
        return x.exp().sin() if len(calls) == 1 else x.exp().sin().sin()

    x = pb.ones(2, requires_grad=True)
    y = checkpoint(f, x, use_reentrant=False, debug=True, early_stop=False)
    with pytest.raises(CheckpointError) as caught:
        y.sum().backward()
    first, second = str(caught.value).split("Operators when")
    assert first.count("sin, ") == 1 and second.count("sin, ") == 2 and "test_selective.py, line" in first
    calls.clear()
    with set_checkpoint_debug_enabled(True):
        y = checkpoint(f, x, use_reentrant=False, early_stop=False)
    with pytest.raises(CheckpointError, match="dumping logs of latest computation"):
        y.sum().backward()
