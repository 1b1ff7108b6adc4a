"""What a forward pass computes for its derivative: kept as long as saved values are, and right for whoever asks."""

import numpy as np
import pytest

import pullback as pb
import pullback.autograd.forward_ad as fwAD

F = pb.nn.functional
ROWS = 50_000
target = pb.zeros(ROWS, dtype=pb.int64)
WITH_RESIDUALS = {
    "logsumexp": lambda x: pb.logsumexp(x, 1),
    "var": lambda x: x.var(1),
    "std_mean": lambda x: sum(pb.std_mean(x, 1)),
    "layer_norm": lambda x: F.layer_norm(x, (2,)),
    "cross_entropy": lambda x: F.cross_entropy(x, target, reduction="none"),
    "logcumsumexp": lambda x: pb.logcumsumexp(x, 1),
}


@pytest.mark.parametrize("name", WITH_RESIDUALS)
def test_they_go_with_the_saved_values(name):
    x = pb.linspace(-1, 1, 2 * ROWS).reshape(ROWS, 2).requires_grad_()
    y = WITH_RESIDUALS[name](x)
    g = pb.ones_like(y)
    y.backward(g, retain_graph=True)
    pb.synchronize()
    kept = pb.memory.allocated()
    first, x.grad = x.grad, None
    y.backward(g)
    pb.synchronize()
    assert (x.grad == first).all()
    del first
    # A number for each row at least is gone, though `y` still holds its node.
    assert kept - pb.memory.allocated() >= ROWS * 4


@pytest.mark.parametrize("name", WITH_RESIDUALS)
def test_each_mode_reads_them(name):
    """The derivative along a direction: forward, backward, and through a gradient that is differentiated itself."""
    values = np.random.default_rng(0).normal(size=(ROWS, 2))
    x = pb.tensor(values, requires_grad=True)
    t = pb.tensor(np.random.default_rng(1).normal(size=(ROWS, 2)))
    f = WITH_RESIDUALS[name]
    with fwAD.dual_level():
        pushed = fwAD.unpack_dual(f(fwAD.make_dual(x.detach(), t))).tangent
    y = f(x)
    u = pb.linspace(0, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
    (pulled,) = pb.autograd.grad(y, x, u, retain_graph=True)
    (composed,) = pb.autograd.grad(y, x, u, create_graph=True)
    np.testing.assert_allclose((pushed * u).sum().item(), (pulled * t).sum().item(), rtol=1e-10)
    np.testing.assert_allclose(composed.detach().numpy(), pulled.numpy(), rtol=1e-9, atol=1e-14)
    step = 1e-6
    numeric = (f(x.detach() + step * t) - f(x.detach() - step * t)) / (2 * step)
    np.testing.assert_allclose(pushed.numpy(), numeric.numpy(), rtol=1e-4, atol=1e-5)


def test_a_norm_that_leaves_the_range_does_not_change_its_neighbours():
    x = pb.tensor([[1e30, 2e30, 3e30], [0.3, 0.7, 0.9], [1e-30, 3e-30, 2e-30]])
    for order in (2, 3, 2.5):
        norms = pb.linalg.vector_norm(x, order, 1)
        np.testing.assert_allclose(
            norms.numpy(), np.linalg.norm(x.double().numpy(), order, axis=1), rtol=1e-6
        )
        assert norms[1] == pb.linalg.vector_norm(x[1], order)


WITHOUT_DERIVATIVE = {
    "any": lambda x: x.any(1),
    "count_nonzero": lambda x: x.count_nonzero(),
    "argmax": lambda x: x.argmax(1),
    "argmin": lambda x: x.argmin(),
    "argsort": lambda x: x.argsort(),
    "searchsorted": lambda x: pb.searchsorted(pb.tensor([0.0, 1.0]), x),
    "histc": lambda x: x.histc(4),
    "isin": lambda x: pb.isin(x, x[0]),
    "bincount": lambda x: pb.bincount(pb.tensor([0, 2]), x[0, :2]),
}


@pytest.mark.parametrize("name", WITHOUT_DERIVATIVE)
def test_what_has_no_derivative_is_not_recorded(name):
    f = WITHOUT_DERIVATIVE[name]
    x = pb.linspace(-1, 1, 12).reshape(3, 4)
    with fwAD.dual_level():
        dual = fwAD.make_dual(x.clone().requires_grad_(), pb.ones(3, 4))
        y = f(dual)
        assert not y.requires_grad and y.grad_fn is None
        assert fwAD.unpack_dual(y).tangent is None
        assert pb.equal(y, f(x))
