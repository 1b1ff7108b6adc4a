"""Softmax, its logarithm and its sums where logits are large, and where one of them is far ahead of the others."""

import mpmath
import numpy as np
import pytest

import pullback as pb

mpf = mpmath.mpf
F = pb.nn.functional
inf = float("inf")
LOGITS = {
    "large": [1e6, 1e6 + 1, 1e6 - 2, 1e6 + 0.5],
    "40 ahead": [0.5, 40.0, 1.0, -2.0],
    "80 ahead": [-3.0, 0.0, 77.0, 1.0],
    "two ahead": [50.0, 1.0, 50.0, 0.0],
    "large and far": [1e6, 1e6 - 60, 1e6 - 61, 1e6 - 70],
    "sixty-four": [float(k % 7) for k in range(63)] + [45.0],
}
COTANGENT = [1.0, -2.0, 0.5, 3.0]


def shares(x):
    with mpmath.workdps(80):
        e = [mpmath.exp(mpf(float(v)) - mpf(float(max(x)))) for v in x]
        return [v / sum(e) for v in e]


def exact(name, x, u):
    """The gradient of u . f(x), and the Hessian's product with ones on every other element, in 80 digits."""
    with mpmath.workdps(80):
        p, n = shares(x), len(x)
        t = [mpf(k % 2) for k in range(n)]
        dp = [p[i] * (t[i] - sum(p[k] * t[k] for k in range(n))) for i in range(n)]
        if name == "logsumexp":
            return p, dp
        if name == "log_softmax":
            total = sum(u)
            return [u[i] - p[i] * total for i in range(n)], [-d * total for d in dp]
        inner = sum(u[k] * p[k] for k in range(n))
        moved = sum(u[k] * dp[k] for k in range(n))
        first = [p[i] * (u[i] - inner) for i in range(n)]
        return first, [dp[i] * (u[i] - inner) - p[i] * moved for i in range(n)]


FUNCTIONS = {
    "softmax": lambda x, u: (x.softmax(0) * u).sum(),
    "log_softmax": lambda x, u: (x.log_softmax(0) * u).sum(),
    "logsumexp": lambda x, u: x.logsumexp(0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("logits", LOGITS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_and_second_derivatives(name, logits, dtype):
    values = np.array(LOGITS[logits], dtype)
    u = (COTANGENT * len(values))[: len(values)]
    first, second = exact(name, values, [mpf(v) for v in u])
    x = pb.tensor(values, requires_grad=True)
    weights = pb.tensor(np.array(u, dtype))
    tolerance = 2e-5 if dtype == "float32" else 2e-13
    # Sums of cotangents of both signs may cancel by themselves: errors are relative to the largest term.
    for create_graph in (False, True):
        (g,) = pb.autograd.grad(FUNCTIONS[name](x, weights), x, create_graph=create_graph)
        np.testing.assert_allclose(g.detach().numpy(), [float(v) for v in first], rtol=tolerance, atol=1e-37)
    (h,) = pb.autograd.grad(g, x, pb.tensor(np.arange(len(values)) % 2 * 1.0, dtype=x.dtype))
    expected = np.array([float(v) for v in second])
    floor = 1e-37 + tolerance * np.abs(expected).max() * (np.abs(expected) < 1e-3 * np.abs(expected).max())
    assert (np.abs(h.numpy() - expected) <= 10 * tolerance * np.abs(expected) + floor).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_loss_of_a_winner(dtype):
    x = pb.tensor(np.array([[40.0, 0.0, 1.0], [1e6, 1e6 - 30, 1e6 - 31]], dtype), requires_grad=True)
    rests = [np.exp(-40.0) + np.exp(-39.0), np.exp(-30.0) + np.exp(-31.0)]
    losses = F.cross_entropy(x, pb.tensor([0, 0]), reduction="none")
    np.testing.assert_allclose(losses.detach().numpy(), rests, rtol=1e-5)
    for create_graph in (False, True):
        (g,) = pb.autograd.grad(losses.sum(), x, retain_graph=True, create_graph=create_graph)
        expected = [[-rests[0], np.exp(-40.0), np.exp(-39.0)], [-rests[1], np.exp(-30.0), np.exp(-31.0)]]
        np.testing.assert_allclose(g.detach().numpy(), expected, rtol=2e-5)
    np.testing.assert_allclose(x.detach().log_softmax(1)[:, 0].numpy(), [-r for r in rests], rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_running_sums_of_large_logits(dtype):
    for shift in (0.0, 1e6):
        x = pb.tensor(np.array([0.0, 1.0, -2.0, 0.5], dtype) + np.array(shift, dtype), requires_grad=True)
        (g,) = pb.autograd.grad(x.logcumsumexp(0).sum(), x, create_graph=True)
        (h,) = pb.autograd.grad(g[1], x)
        with mpmath.workdps(50):

            def total(*v):
                return sum(mpmath.log(sum(mpmath.exp(a) for a in v[: k + 1])) for k in range(4))

            at = (0, 1, -2, mpf(0.5))
            first = [float(mpmath.diff(total, at, tuple(int(k == i) for k in range(4)))) for i in range(4)]
            orders = [tuple(int(k == i) + int(k == 1) for k in range(4)) for i in range(4)]
            second = [float(mpmath.diff(total, at, order)) for order in orders]
        tolerance = 1e-6 if dtype == "float32" else 1e-14
        np.testing.assert_allclose(g.detach().numpy(), first, rtol=tolerance)
        np.testing.assert_allclose(h.numpy(), second, rtol=10 * tolerance)


@pytest.mark.parametrize(
    "f", [lambda x: x.softmax(1), lambda x: x.log_softmax(1), lambda x: x.softmax(1).log()]
)
@pytest.mark.parametrize("n", [3, 20, 100])
def test_a_masked_row_of_nothing_has_no_gradient(f, n):
    """As in attention: rows that are masked altogether are NaN, and selected away."""
    x = pb.full((2, n), -inf, requires_grad=True)
    y = pb.where(pb.zeros(2, 1, dtype=pb.bool), f(x), 3 * x.clamp(min=-1.0))
    for create_graph in (False, True):
        (g,) = pb.autograd.grad(y.sum(), x, retain_graph=True, create_graph=create_graph)
        assert (g == 0).all()


def test_nothing_counts_and_nothing_is_lost():
    x = pb.randn(3, 4, requires_grad=True)
    for weight in (None, pb.tensor([1.0, 2.0, 0.5, 3.0])):
        loss = F.cross_entropy(x, pb.tensor([-100] * 3), weight=weight, label_smoothing=0.1)
        assert loss.isnan()
        (g,) = pb.autograd.grad(loss, x, create_graph=True)
        assert (g == 0).all()


@pytest.mark.parametrize("size", [3, 40, 3000])
def test_layer_norm_of_large_and_of_small_numbers(size):
    z = np.random.default_rng(0).normal(size=size)
    expected = (z - z.mean()) / z.std()
    for scale in (1e19, 1e-30, 1.0):
        x = pb.tensor((z * scale).astype("float32"), requires_grad=True)
        y = F.layer_norm(x, (size,), eps=0.0)
        np.testing.assert_allclose(y.detach().numpy(), expected, rtol=2e-5, atol=2e-6)
        weights = pb.tensor(np.cos(np.arange(size)).astype("float32"))
        (g,) = pb.autograd.grad(y, x, weights, retain_graph=True)
        (h,) = pb.autograd.grad(y, x, weights, create_graph=True)
        np.testing.assert_allclose(g.numpy() * scale, h.detach().numpy() * scale, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [2, 3, 9, 15, 16, 31, 32, 33, 100, 1500])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_rows_with_and_without_a_winner_side_by_side(name, n, dtype):
    """The gradient in one pass over the rows, and the one that has a gradient of its own, beside float64 or better."""
    rng = np.random.default_rng(n)
    values = rng.normal(size=(37, n)) * rng.choice(
        [0.0, 0.3, 3.0, 30.0], (37, 1)
    )  # by 0: all shares are equal
    values[5, : n // 2], values[6, 1] = -inf, 200.0
    values, u = values.astype(dtype), rng.normal(size=(37, n)).astype(dtype)
    wide = values.astype(np.longdouble)
    e = np.exp(wide - wide.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    if name == "softmax":
        expected = p * (u - (u * p).sum(1, keepdims=True))
    elif name == "log_softmax":
        expected = u - p * u.sum(1, keepdims=True, dtype=np.longdouble)
    else:
        expected = p
    scale = np.abs(u).sum(1, keepdims=True) * np.finfo(dtype).eps
    f = {
        "softmax": lambda x: x.softmax(1),
        "log_softmax": lambda x: x.log_softmax(1).where(x > -inf, 0.0),
        "logsumexp": lambda x: x.logsumexp(1),
    }[name]
    w = pb.tensor(u) if name != "logsumexp" else 1.0
    x = pb.tensor(values, requires_grad=True)
    hidden = np.isneginf(values) & (name == "log_softmax")  # selected away: their cotangent does not count
    if hidden.any():
        expected = np.where(hidden, 0, u) - p * np.where(hidden, 0, u).sum(1, keepdims=True)
    for create_graph in (False, True):
        (g,) = pb.autograd.grad((f(x) * w).sum(), x, create_graph=create_graph)
        assert (np.abs(g.detach().numpy() - expected) <= 4 * scale).all()
