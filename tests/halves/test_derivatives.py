"""Derivatives of halves: of their dtype, with the same bits wherever they are computed, in every mode."""

import numpy as np
import pytest
from deferral import deferral
from halves.rounding import HALVES, UNIT, numbers

import pullback as pb

F = pb.nn.functional
PROGRAMS = {
    "arithmetic": lambda x, y: ((x * 1.1 + y) * x - y / 3).sum(),
    "functions": lambda x, y: (x.tanh() * y.sigmoid() + x.exp().log1p()).sum(),
    "one formula": lambda x, y: (pb.addcmul(x, x, y, value=0.3) + pb.lerp(x, y, 0.3)).square().mean(),
    "broadcast": lambda x, y: (x * y[0] + y[:, :1]).sum(),
    "softmax": lambda x, y: (x.softmax(1) * y).sum() + x.logsumexp(1).mean(),
    "norms": lambda x, y: x.norm() + y.var() + (F.layer_norm(x, x.shape[1:]) * y).sum(),
    "products": lambda x, y: (x @ y.t()).tanh().sum(),
    "parts": lambda x, y: (x[1:3] * y[:2]).sum() + x[0, 1] + y[pb.tensor([0, 0, 2])].sum(),
    "extremes": lambda x, y: x.max(1).values.sum() + y.amax() + x.sort(1).values[:, 0].sum(),
    "scans": lambda x, y: (x.cumsum(1) * y).mean() + (1 + 0.01 * x[:, :5]).prod(1).sum(),
    "conversions": lambda x, y: (x.float() * y.float()).sum() + (x.double() * 3).to(x.dtype).sum(),
    "in place": lambda x, y: (x * 2).mul_(y).add_(1).sum(),
    "losses": lambda x, y: F.mse_loss(x, y) + F.cross_entropy(x, pb.zeros(len(x), dtype=pb.int64)),
    "choices": lambda x, y: pb.where(x > 0, x * y, y).clamp(-1, 1).sum(),
}


def gradients(program, x, y, create_graph=False):
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    return pb.autograd.grad(program(x, y), (x, y), create_graph=create_graph, allow_unused=True)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("dtype", HALVES)
def test_gradients(name, dtype):
    """Near those of float64, and the same bits at the call, deferred, and with a graph."""
    program = PROGRAMS[name]
    (_, x), (_, y) = numbers((6, 9), dtype), numbers((6, 9), dtype, 1)
    expected = gradients(program, x.double(), y.double())
    with deferral(immediate=True):
        now = gradients(program, x, y)
        recorded = gradients(program, x, y, create_graph=True)
    with deferral(least=1):
        later = gradients(program, x, y)
    for got, deferred, graph, right in zip(now, later, recorded, expected):
        assert got.dtype is deferred.dtype is graph.dtype is dtype
        largest = right.abs().max().item()
        assert (got.double() - right).abs().max() <= 8 * UNIT[dtype] * largest
        np.testing.assert_array_equal(deferred.float().numpy(), got.float().numpy())
        np.testing.assert_array_equal(graph.detach().float().numpy(), got.float().numpy())


@pytest.mark.parametrize("dtype", HALVES)
def test_gradients_of_leaves(dtype):
    x = pb.ones(20, 30, dtype=dtype, requires_grad=True)
    wide = pb.ones(20, 30, requires_grad=True)
    for _ in range(2):
        (x * wide.to(dtype) + x[0]).sum().backward()
    assert x.grad.dtype is dtype and wide.grad.dtype is pb.float32
    assert x.grad[0].tolist() == [42.0] * 30 and x.grad[1].tolist() == [2.0] * 30
    big = pb.ones(200, 300, dtype=dtype, requires_grad=True)
    weight = pb.ones(300, dtype=dtype, requires_grad=True)
    (big * weight).mean(1).sum().backward()
    assert weight.grad.dtype is dtype and (weight.grad.float() - 200 / 300).abs().max() < 2 * UNIT[dtype]
    total = pb.zeros((), dtype=dtype)
    for i in range(20):
        total = total + x[i, i % 30] * i
    total.backward()
    assert x.grad.dtype is dtype


@pytest.mark.parametrize("dtype", HALVES)
def test_forward_modes_and_batches(dtype):
    (_, x), (_, t) = numbers((3, 5), dtype), numbers((3, 5), dtype, 1)
    f = lambda v: (v.sin() * v + v.softmax(-1).cumsum(-1)) * v.norm()
    y, moved = pb.func.jvp(f, (x,), (t,))
    wide_y, wide_moved = pb.func.jvp(f, (x.double(),), (t.double(),))
    for got, right in ((y, wide_y), (moved, wide_moved)):
        assert (
            got.dtype is dtype and (got.double() - right).abs().max() <= 16 * UNIT[dtype] * right.abs().max()
        )
    each = pb.func.vmap(pb.func.grad(lambda v: (v.softmax(0) * v.exp()).sum()))(x)
    assert each.dtype is dtype
    for row, got in zip(x, each):
        np.testing.assert_array_equal(
            pb.func.grad(lambda v: (v.softmax(0) * v.exp()).sum())(row).float().numpy(), got.float().numpy()
        )
    hessian = pb.func.hessian(lambda v: (v**3).sum())(x[0])
    assert hessian.dtype is dtype
    assert (hessian.double() - (6 * x[0].double()).diag()).abs().max() <= 4 * UNIT[
        dtype
    ] * 6 * x.double().abs().max()
    value, terms = pb.func.jet(
        lambda v: v.exp() * v,
        (pb.zeros(2, dtype=dtype),),
        ((pb.ones(2, dtype=dtype), pb.zeros(2, dtype=dtype)),),
    )
    assert (
        value.dtype is terms[0].dtype is dtype and terms[0].tolist() == [1, 1] and terms[1].tolist() == [2, 2]
    )
    twice = pb.func.jvp(pb.func.grad(lambda v: (v**3).sum()), (x,), (t,))[1]
    assert (
        twice.dtype is dtype and (twice.double() - 6 * x.double() * t.double()).abs().max() < 0.1
        if dtype is pb.float16
        else True
    )


@pytest.mark.parametrize("dtype", HALVES)
def test_a_network_learns(dtype):
    pb.manual_seed(0)
    net = pb.nn.Sequential(pb.nn.Linear(2, 16), pb.nn.Tanh(), pb.nn.Linear(16, 1)).to(dtype)
    optimiser = pb.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x = pb.randn(64, 2).to(dtype)
    target = x[:, :1] * x[:, 1:]
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.mse_loss(net(x), target)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0] and all(p.dtype is p.grad.dtype is dtype for p in net.parameters())


def test_anomalies_are_found():
    x = pb.zeros(2, dtype=pb.float16, requires_grad=True)
    with (
        pytest.raises(RuntimeError, match="returned nan values"),
        pb.autograd.detect_anomaly(),
        pytest.warns(UserWarning),
    ):
        (x.sqrt() * 0 / x).sum().backward()
