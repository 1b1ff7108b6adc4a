"""Hooks of saved tensors: whatever an operator saves goes through them, and comes back to the same bits."""

import gc
import threading
import weakref

import numpy as np
import pytest
from deferral import deferral

import pullback as pb
import pullback.nn.functional as F
from pullback.autograd import graph

CALLS = """
x*y   x/y   x**y   2**x   x.exp()   x.sigmoid()   x.sqrt()   x.abs()   x.tanh()   pb.lerp(x,y,z)   pb.addcmul(x,y,z)
pb.where(x>y,x,y)   x.clamp(y,z)   pb.hypot(x,y)   pb.atan2(x,y)   pb.polygamma(1,x)   F.gelu(x)   F.elu(x)   F.softplus(x)
x@y   X@X   pb.addmm(x,y,z)   pb.baddbmm(X,X,X)   pb.addmv(v,x,w)   pb.addr(x,v,w)   x.mv(v)   v.dot(w)   F.bilinear(x,y,X)
x.amax(0)   x.max(0)[0]   x.max()   x.median(0)[0]   x.sort(0)[0]   x.topk(2,0)[0]   x.kthvalue(1,0)[0]   x.mode(0)[0]
x.prod()   x.prod(0)   x.var()   x.std(0)   pb.std_mean(x)[0]   x.norm()   x.nansum()   x.aminmax()[1]
x.cumprod(0)   x.cummax(0)[0]   x.logcumsumexp(0)   x.logsumexp(0)   x.softmax(0)   x.log_softmax(0)
x.gather(0,i)   x[i]   x.index_select(0,i[0])   x.scatter(0,i,y)   x.scatter_add(0,i,y)   x.scatter_reduce(0,i,y,"prod")
x.index_add(0,i[0],y)   x.masked_fill(x>y,0)   x.masked_select(x>y)   x.masked_scatter(x>y,y)   x.put(i,y)   x.take(i)
F.layer_norm(x,(3,),v,w)   F.cross_entropy(x,i[0])   F.linear(x,y,v)   (x*1).mul_(y).exp_()
(x*1).clamp_(y,z).index_fill_(0,i[0],2)
x[1:]*y[:-1]   x.t()*y   pb.einsum("ij,jk,ki->i",x,y,z)   pb.cat([x,y])*z.repeat(2,1)   x.unfold(0,2,1)*y[0,0]
""".replace("\n", "   ").split("   ")
CALLS = [call for call in CALLS if call]


def operands(seed=0):
    pb.manual_seed(seed)
    new = {name: pb.rand(3, 3, dtype=pb.float64) + 0.2 for name in "xyz"}
    new.update(
        v=pb.rand(3, dtype=pb.float64), w=pb.rand(3, dtype=pb.float64), X=pb.rand(2, 3, 3, dtype=pb.float64)
    )
    for tensor in new.values():
        tensor.requires_grad_()
    return {**new, "i": pb.tensor([[0, 2, 1], [1, 0, 2], [2, 1, 0]])}


def to_array(tensor):
    """What is kept is no tensor, and shares no memory with one."""
    return tensor.detach().numpy().copy()


def gradients(call, hooks, create_graph):
    given = operands()
    leaves = [t for t in given.values() if t.requires_grad]
    with hooks:
        out = eval(call, {"pb": pb, "F": F}, given)
    weights = pb.linspace(0.5, 1.5, out.numel(), dtype=out.dtype).reshape(out.shape)
    found = pb.autograd.grad(out, leaves, weights, create_graph=create_graph, allow_unused=True)
    if create_graph:
        total = sum((g * g).sum() for g in found if g is not None and g.requires_grad)
        if isinstance(total, pb.Tensor):
            found += pb.autograd.grad(total, leaves, allow_unused=True)
    return [g.detach().numpy() if g is not None else None for g in found]


class No:
    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


@pytest.mark.parametrize("create_graph", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("call", CALLS)
def test_every_operator(call, create_graph):
    packed = []
    hooks = graph.saved_tensors_hooks(lambda t: (packed.append(t.shape), to_array(t))[1], pb.from_numpy)
    plain, through = gradients(call, No(), create_graph), gradients(call, hooks, create_graph)
    assert packed
    for a, b in zip(plain, through, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "call", ["x.softmax(0)", "x.logcumsumexp(0)", "x.exp()", "x@x", "x.cumprod(0)", "F.layer_norm(x,(1000,))"]
)
def test_nothing_else_is_kept(call):
    """The graph holds no memory beside what hooks return: the residuals of a rule go through them as well."""
    x = pb.rand(1000, 1000, requires_grad=True)
    before = pb.memory.allocated()
    with graph.saved_tensors_hooks(lambda t: None, lambda p: p):
        node = eval(call, {"x": x, "F": F}).grad_fn
    assert node is not None and pb.memory.allocated() - before < 500_000


@pytest.mark.parametrize("n", [10, 20_000])
def test_what_is_pending_can_be_looked_at(n):
    x = pb.linspace(0, 1, n, dtype=pb.float64).requires_grad_()
    sums = []
    with graph.saved_tensors_hooks(lambda t: (sums.append(t.sum().item()), t.detach())[1], lambda t: t):
        y = (x * 2).exp()  # its result is saved
        z = y * y
    assert len(sums) == 3
    np.testing.assert_allclose(sums, np.exp(2 * np.linspace(0, 1, n)).sum(), rtol=1e-12)
    z.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 4 * np.exp(4 * np.linspace(0, 1, n)), rtol=1e-12)


def test_operands_are_seen_themselves():
    x, c = pb.ones(3, requires_grad=True), pb.ones(3)
    v = x[1:]
    seen = []
    with graph.saved_tensors_hooks(lambda t: (seen.append(t), t.detach())[1], lambda t: t):
        x * c
        v * v
    assert seen[0] is c and seen[1] is v and seen[2] is v


def test_tangents_come_back():
    fwd = pb.autograd.forward_ad
    with fwd.dual_level():
        x = pb.tensor([1.0, 2.0], requires_grad=True)
        dual = fwd.make_dual(x, pb.ones(2))
        with graph.saved_tensors_hooks(to_array, pb.from_numpy):
            y = dual**3
        (g,) = pb.autograd.grad(y.sum(), x)
        assert fwd.unpack_dual(g).tangent.tolist() == [6.0, 12.0]


def test_forward_over_reverse_of_results():
    fwd = pb.autograd.forward_ad
    with fwd.dual_level():
        x = pb.tensor([0.5, 1.0], requires_grad=True, dtype=pb.float64)
        with graph.saved_tensors_hooks(to_array, pb.from_numpy):
            y = fwd.make_dual(x, pb.ones(2, dtype=pb.float64)).exp()
        (g,) = pb.autograd.grad(y.sum(), x)
        np.testing.assert_allclose(fwd.unpack_dual(g).tangent.detach().numpy(), np.exp([0.5, 1.0]))


def test_hooks_that_fail_change_nothing():
    x = pb.ones(3, requires_grad=True)

    def fails(tensor):
        raise ValueError("full")

    hooks = graph.saved_tensors_hooks(fails, lambda t: t)
    for call in ("x.exp()", "x*x", "x.sum().exp()", "x.softmax(0)", "x@x", "(x*1).exp_()"):
        with pytest.raises(ValueError, match="full"), hooks:
            eval(call, {"x": x})
    (x * x).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_hooks_that_pop_themselves():
    x = pb.ones(3, requires_grad=True)
    block = graph.saved_tensors_hooks(lambda t: (block.__exit__(), t.detach())[1], lambda t: t)
    block.__enter__()
    y = x * x  # the second is saved without
    y.sum().backward()
    assert x.grad.tolist() == [2, 2, 2]
    with pytest.raises(RuntimeError, match="no hooks"):
        block.__exit__()


def test_recording_and_backward_inside_of_hooks():
    x = pb.ones(3, requires_grad=True)
    w = pb.full((3,), 2.0, requires_grad=True)

    def inner(tensor):
        with graph.saved_tensors_hooks(lambda t: t.detach(), lambda t: t), pb.enable_grad():
            (w * w).sum().backward()
        return tensor

    with graph.saved_tensors_hooks(lambda t: inner(t.detach()), inner):
        y = x * w
    y.sum().backward()
    assert x.grad.tolist() == [2, 2, 2] and w.grad.tolist() == [1 + 4 * 4] * 3


def test_the_graph_is_walked_again_inside_of_unpack():
    x = pb.full((3,), 2.0, requires_grad=True)
    again = []

    def unpack(tensor):
        if not again:
            again.append(1)
            with pb.enable_grad():
                y.sum().backward()  # frees what the walk outside is about to use
        return tensor

    with graph.saved_tensors_hooks(lambda t: t.detach(), unpack):
        y = x.exp() * 2 * x
    with pytest.raises(RuntimeError, match="a second time"):
        y.sum().backward()
    assert x.grad[0].item() == pytest.approx(6 * np.exp(2))


def test_threads_have_their_own():
    counts = {}
    barrier = threading.Barrier(3)

    def work(name):
        x, seen = pb.ones(3, requires_grad=True), []
        with graph.saved_tensors_hooks(lambda t: (seen.append(1), t.detach())[1], lambda t: t):
            barrier.wait()
            for _ in range(50):
                x * x
            barrier.wait()
        counts[name] = len(seen)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(2)]
    for thread in threads:
        thread.start()
    barrier.wait()
    x = pb.ones(3, requires_grad=True)
    with graph.disable_saved_tensors_hooks("of this thread"):
        x * x
    barrier.wait()
    for thread in threads:
        thread.join()
    assert counts == {0: 100, 1: 100}


def test_packed_values_are_freed():
    class Packed:
        def __init__(self, tensor):
            self.value = tensor.detach()

    x = pb.ones(3, requires_grad=True)
    with graph.saved_tensors_hooks(Packed, lambda p: p.value):
        y = (x * x).sum()
    alive = lambda: sum(type(o) is Packed for o in gc.get_objects())
    assert alive() == 2
    y.backward(retain_graph=True)
    assert alive() == 2
    y.backward()
    assert alive() == 0
    with graph.saved_tensors_hooks(Packed, lambda p: p.value):
        y = (x * x).sum()
    del y
    assert alive() == 0


def test_a_hook_that_keeps_its_argument_is_collected():
    class Mine:
        pass

    mark = Mine()
    dead = weakref.ref(mark)
    x = pb.ones(3, requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: (t, mark), lambda p: p[0]):
        y = x.exp()
    del mark, y
    gc.collect()
    assert dead() is None


def test_disabled_hooks_say_any_text():
    with graph.disable_saved_tensors_hooks("{} %s ü"), pytest.raises(RuntimeError, match="{} %s ü"):
        with graph.save_on_cpu():
            pass


def test_hooks_that_are_no_functions():
    with pytest.raises(TypeError, match="not 'int'"), graph.saved_tensors_hooks(3, 4):
        pass
    with pytest.raises(TypeError, match="must be str, not int"), graph.disable_saved_tensors_hooks(3):
        pass


# ---- overwriting what is saved ----


def test_snapshots_of_large_values_are_made_only_when_they_are_overwritten():
    x = pb.ones(1_000_000, requires_grad=True)
    with deferral(least=8192), graph.allow_mutation_on_saved_tensors():
        y = x.clone()
        _ = y.sum().item()
        before = pb.memory.allocated()
        z = (y * y).sum()
        z.item()
        assert pb.memory.allocated() - before < 1_000_000
        y.zero_()
        z.backward()
    assert x.grad[:2].tolist() == [2, 2] and x.grad.sum().item() == 2_000_000


@pytest.mark.parametrize("n", [4, 20_000])
def test_everything_that_writes_leaves_snapshots_alone(n):
    writes = {
        "zero_": lambda t: t.zero_(),
        "mul_": lambda t: t.mul_(3),
        "setitem": lambda t: t.__setitem__(slice(0, 2), 5.0),
        "view": lambda t: t.view(2, -1)[1].add_(1),
        "copy_": lambda t: t.copy_(pb.zeros(n)),
        "out": lambda t: pb.add(pb.ones(n), 1, out=t.detach()),
        "index_fill_": lambda t: t.index_fill_(0, pb.tensor([0, 1]), 9.0),
        "numpy": lambda t: t.detach().numpy().fill(8),
        "data": lambda t: t.data.fill_(8),
        "normal_": lambda t: t.normal_(),
        "sort": lambda t: pb.sort(t.detach(), out=(t.detach(), pb.empty(n, dtype=pb.int64))),
    }
    for name, write in writes.items():
        x = pb.linspace(1, 2, n).requires_grad_()
        with graph.allow_mutation_on_saved_tensors():
            y = x * 1
            out = (y * y).sum() + (y.sin() + 1).log().sum()
            write(y)
            out.backward()
        a = np.linspace(1, 2, n)
        np.testing.assert_allclose(
            x.grad.numpy(), 2 * a + np.cos(a) / (np.sin(a) + 1), rtol=2e-5, err_msg=name
        )


# ---- saved values by name ----


@pytest.mark.torch
@pytest.mark.parametrize("call", [call for call in CALLS if "F." not in call and "einsum" not in call])
def test_names_mean_what_they_mean_in_pytorch(call):
    torch = pytest.importorskip("torch")
    given = operands()
    theirs = {
        name: torch.tensor(
            t.tolist(), dtype=getattr(torch, str(t.dtype).split(".")[-1]), requires_grad=t.requires_grad
        )
        for name, t in given.items()
    }
    ours = eval(call, {"pb": pb}, given).grad_fn
    node = eval(call.replace("pb.", "torch."), {"torch": torch}, theirs).grad_fn
    if ours.name() != node.name():
        pytest.skip("recorded as another operation")
    for name in [name for name in dir(node) if name.startswith("_saved_")]:
        value, mine = getattr(node, name), getattr(ours, name, None)
        if isinstance(value, torch.Tensor) and isinstance(mine, pb.Tensor):
            np.testing.assert_allclose(
                mine.detach().numpy(), value.detach().numpy(), rtol=1e-12, err_msg=name
            )


def test_names_of_what_was_not_saved():
    x = pb.ones(3, requires_grad=True)
    for name in ("_saved_result", "_saved_self", "_raw_saved_other", "_saved_", "_saved"):
        with pytest.raises(AttributeError):
            getattr((x + x).grad_fn, name)
    used = (x * x).sum()
    node = used.grad_fn.next_functions[0][0]
    used.backward()
    for name in ("_saved_self", "_raw_saved_self"):
        with pytest.raises(RuntimeError, match="second time"):
            getattr(node, name)


def test_long_chains_of_packed_results_are_freed():
    """Hooks that keep the tensors themselves make a chain of packed values: it is freed without recursion."""

    def work():
        x = y = pb.ones(2, requires_grad=True)
        with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            for _ in range(20_000):
                y = (y * pb.ones(2)).sin()
        y.sum().backward()
        assert np.isfinite(x.grad.numpy()).all()

    threading.stack_size(262_144)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(0)
