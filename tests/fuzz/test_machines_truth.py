"""The truth in NumPy that machines are compared with is true: against finite differences, and against PyTorch."""

import differences
import numpy as np
import pytest
from fuzz.machines import operators
from fuzz.machines.generate import generate
from fuzz.machines.judge import verdict
from fuzz.machines.language import numbers

F = operators.MODULE.nn.functional
FUNCTIONS = {
    "add": lambda x, y: x + 2 * y,
    "subtract": lambda x, y: x.sub(y, alpha=0.5) - 1,
    "multiply": lambda x, y: x * y * 0.5,
    "divide": lambda x, y: x / (y.square() + 0.5) + 1 / (x.square() + 1),
    "broadcast rows": lambda x, y: x * y[0] + y[:, :1],
    "powers": lambda x, y: x**2 + y**3 + (x**2 + 1) ** 0.5,
    "smooth": lambda x, y: x.sin() * y.cos() + x.tanh() + y.atan() + x.sigmoid() + y.exp() + x.expm1(),
    "logarithms": lambda x, y: (x.square() + 0.5).log() + (y.square() + 0.5).sqrt() + x.square().log1p(),
    "reciprocal": lambda x, y: (x.abs() + 1).reciprocal() * y,
    "softplus": lambda x, y: F.softplus(x) * F.silu(y),
    "kinks": lambda x, y: x.abs() * y.relu() + x.clamp(-0.5, 0.7) * y,
    "extremes": lambda x, y: operators.MODULE.maximum(x, y) * operators.MODULE.minimum(x * y, y),
    "where": lambda x, y: operators.where(x > y, x * y, y.sin()) + x.masked_fill(y > 0, 0.5) * y,
    "linear": lambda x, y: x.lerp(y, 0.25) * operators.MODULE.addcmul(x, x, y, value=0.5),
    "addcdiv": lambda x, y: operators.MODULE.addcdiv(x, y, x.square() + 1, value=0.5) * y,
    "sums": lambda x, y: x.sum(0) * y.mean(1, keepdim=True) + x.sum() * y.reshape(2, 2, 3).mean((0, 1)),
    "amax": lambda x, y: x.amax(1) * y.amin(1) + x.max() * y.min(),
    "spread": lambda x, y: x.var(0) * y + (x.square() + y).std(1, keepdim=True) + (x + 3).norm(),
    "rows": lambda x, y: x.softmax(1) * y + x.log_softmax(0) * y + (x * y).logsumexp(1, keepdim=True),
    "layer_norm": lambda x, y: F.layer_norm(x, (3,)) * y,
    "cross_entropy": lambda x, y: F.cross_entropy(x * y, operators.leaf(np.array([0, 2, 1, 1]))) * y,
    "cumsum": lambda x, y: x.cumsum(0) * y.cumsum(1),
    "products": lambda x, y: (x @ y.T) @ y * 0.1 + (x @ y[0]).unsqueeze(1) + x[0] @ y[1],
    "stacks": lambda x, y: (x.reshape(2, 2, 3) @ y[:3]).reshape(4, 3) * y,
    "views": lambda x, y: x[1:] * y[:-1] + x.T.flip(0).T[1:] * y.roll(1, 0)[::1][1:] + x.narrow(1, 1, 1)[:3],
    "joins": lambda x, y: operators.cat([x[1:], y[:1]]) * operators.stack([y[:, k] for k in (2, 0, 1)], 1),
    "dtypes": lambda x, y: x.double() * (y > 0).double() * y,
}


def written(x, y):
    z = x * 1
    z += y
    z[1:] *= y[:-1]
    part = z[:, 0]
    part.mul_(x[:, 1]).add_(0.5)
    z.T[0].sin_()
    z[z > 0.4] = 0.25
    z.tanh_()
    return z + part.unsqueeze(1) * y


FUNCTIONS["written in place"] = written


def leaves():
    return [numbers(k, (4, 3), "float64") for k in (1, 2)]


def loss(function, arrays, weights, grad=True):
    tensors = [operators.leaf(a, grad) for a in arrays]
    result = function(*tensors)
    return (result * operators.leaf(np.resize(weights, result.shape))).sum(), tensors


def slope(function, arrays, directions):
    return differences.slope(lambda h: function([a + h * d for a, d in zip(arrays, directions)]), 1e-5)


def along(gradients, directions):
    return sum(float((g.read().data * d).sum()) for g, d in zip(gradients, directions) if g is not None)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_first_and_second_order_are_those_of_finite_differences(name):
    rng = np.random.default_rng(5)
    arrays, weights = leaves(), rng.standard_normal(24)
    first, second = ([rng.standard_normal((4, 3)) for _ in range(2)] for _ in range(2))
    with operators.run() as module:

        def value(arrays):
            return loss(FUNCTIONS[name], arrays, weights)[0].item()

        def derivative(arrays):
            total, tensors = loss(FUNCTIONS[name], arrays, weights)
            return along(module.autograd.grad(total, tensors), first)

        expected = slope(value, arrays, first)
        assert derivative(arrays) == pytest.approx(expected, rel=1e-7, abs=1e-7)
        total, tensors = loss(FUNCTIONS[name], arrays, weights)
        gradients = module.autograd.grad(total, tensors, create_graph=True)
        product = sum(
            ((g * operators.leaf(d)).sum() for g, d in zip(gradients, first)), start=tensors[0].sum() * 0
        )
        curvature = along(module.autograd.grad(product, tensors), second)
        assert curvature == pytest.approx(slope(derivative, arrays, second), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_tangents_are_those_of_finite_differences(name):
    rng = np.random.default_rng(6)
    arrays, weights = leaves(), rng.standard_normal(24)
    directions = [rng.standard_normal((4, 3)) for _ in range(2)]
    with operators.run() as module:
        forward = module.autograd.forward_ad
        expected = slope(lambda a: loss(FUNCTIONS[name], a, weights)[0].item(), arrays, directions)
        with forward.dual_level():
            duals = [
                forward.make_dual(operators.leaf(a), operators.leaf(d)) for a, d in zip(arrays, directions)
            ]
            result = FUNCTIONS[name](*duals)
            result = (result * operators.leaf(np.resize(weights, result.shape))).sum()
            assert forward.unpack_dual(result).tangent.item() == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.torch
def test_pytorch_agrees():
    """Whole machines, run by PyTorch, pass for right where it runs them."""
    import torch
    from fuzz.machines.check import Seen

    def make(seed, shape, dtype, requires_grad=False):
        return torch.tensor(numbers(seed, shape, dtype), requires_grad=requires_grad)

    torch.synchronize = lambda: None
    agreed = 0
    for seed in range(90):
        program, seen = generate(seed), []
        if program.count > 2000 or not program.judged:
            continue

        def see(name, t, seen=seen):
            seen.append(Seen(name, str(t.dtype)[6:], (), t.requires_grad, t.detach().numpy().copy()))

        try:
            program.function()(torch, make, see, program.rounds)
        except RuntimeError as error:  # it refuses some writes over saved values, which ours allows
            assert "inplace" in str(error) or "in-place" in str(error), f"{error}\n{program.text()}"
            continue
        wrong, _, _ = verdict(program, seen, program.rounds)
        assert wrong is None, f"{wrong}\n{program.text()}"
        agreed += 1
    del torch.synchronize
    assert agreed > 40
