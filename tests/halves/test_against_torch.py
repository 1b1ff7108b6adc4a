"""Halves beside PyTorch: what is computed in float32 and rounded once has its bits; draws, dtypes and text are its own."""

import numpy as np
import pytest
from halves.rounding import HALVES, UNIT
from twins import outcome

import pullback as pb

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]

NAMES = "uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 bool".split()


def both(shape, dtype, seed=0):
    a = np.random.default_rng(seed).normal(size=shape).astype(np.float32) * 2
    return {pb: pb.tensor(a).to(dtype), torch: torch.tensor(a).to(getattr(torch, dtype.name))}


def values(t):
    return t.detach().float().numpy() if t.dtype.is_floating_point else t.numpy()


BITS = """x + y|x - y|x * y|x / y|x + 0.1|x - 0.1|x * 0.1|x / 0.1|0.1 - x|x + 3|x * m.tensor(0.1)|x + m.tensor(0.1)|x % 0.7
((x * 1.1 + y) * x - 0.3).relu()|x * 0 + 2048 + 1 - 2048|x.clone().add_(y).mul_(1.5).div_(3)|m.maximum(x, y)|m.fmin(x, y)
x == y|x < 0.1|x >= y|m.where(x > 0, x, 0.1)|x.clamp(-0.1, 0.7)|m.addcdiv(x, y, x.abs() + 1, value=0.3)
x ** 2|x.abs().sqrt()|x.reciprocal()|x.floor()|x.frac()|x.round()|x.neg()|x.sign()|m.copysign(x, y)|m.remainder(x, y)
m.nn.functional.leaky_relu(x, 0.1)|m.nn.functional.hardtanh(x, -0.1, 0.7)|m.nn.functional.softshrink(x)|x.float() + y
x.to(m.float16)|x.to(m.bfloat16)|x.int()|x.bool()|x + y.float()|x.t() * y.t()|x[:, :1] * y|m.add(x, y, alpha=2)|x.amax(0)
x.argmax(1)|x.flip(0)|x[x > 0]|m.cat([x, y])|x.sort(1).values|x.nonzero()|x.cummax(1).values|x.median()|m.equal(x, y)"""


@pytest.mark.parametrize("shape", [(6, 10), (170, 120)], ids=str)
@pytest.mark.parametrize("dtype", HALVES)
def test_bits(dtype, shape):
    x, y = both(shape, dtype), both(shape, dtype, 1)
    for source in BITS.replace("\n", "|").split("|"):
        ours, theirs = (eval(source, {"m": m, "x": x[m], "y": y[m]}) for m in (pb, torch))
        if isinstance(theirs, bool):
            assert ours is theirs
            continue
        assert ours.dtype.name == str(theirs.dtype)[6:], source
        np.testing.assert_array_equal(values(ours), values(theirs), err_msg=source)


NEAR = """x.exp()|x.sin()|x.tanh()|x.sigmoid()|x.abs().log()|x.erf()|m.atan2(x, y)|m.hypot(x, y)|x.abs() ** 0.3|m.logaddexp(x, y)
m.lerp(x, y, 0.3)|m.nn.functional.gelu(x)|m.nn.functional.silu(x)|m.nn.functional.softplus(x)
x.sum()|x.sum(0)|x.mean(1)|x.var(0)|x.norm()
x.softmax(1)|x.log_softmax(1)|x.logsumexp(1)|x.cumsum(1)|m.nn.functional.layer_norm(x, x.shape[1:])|x @ y.t()|x @ y[0]
m.nn.functional.mse_loss(x, y)|m.nn.functional.smooth_l1_loss(x, y)|m.nn.functional.rms_norm(x, x.shape[1:])"""


@pytest.mark.parametrize("dtype", HALVES)
def test_near(dtype):
    """Both are within rounding of the same numbers, which cancel in places."""
    x, y = both((40, 30), dtype), both((40, 30), dtype, 1)
    for source in NEAR.replace("\n", "|").split("|"):
        ours, theirs = (eval(source, {"m": m, "x": x[m], "y": y[m]}) for m in (pb, torch))
        assert ours.dtype.name == str(theirs.dtype)[6:], source
        a, b = values(ours), values(theirs)
        assert (np.abs(a - b) <= 2.1 * UNIT[dtype] * np.maximum(np.abs(b), 2e-3 * np.abs(b).max())).all(), (
            source
        )


DRAWS = """m.rand(n, dtype=d)|m.randn(n, dtype=d)|m.empty(n, dtype=d).normal_(2, 3)|m.empty(n, dtype=d).uniform_(-1, 3)
m.empty(n, dtype=d).exponential_(2)|m.empty(n, dtype=d).cauchy_()|m.empty(n, dtype=d).log_normal_()|m.randint(5, (n,), dtype=d)
m.empty(n, dtype=d).geometric_(0.3)|m.empty(n, dtype=d).bernoulli_(0.3)|m.empty(n, dtype=d).random_()|m.randperm(n, dtype=d)
m.empty(n, dtype=d).random_(-100, 3000)|m.nn.functional.dropout(m.ones(n, dtype=d), 0.3)|m.bernoulli(m.full((n,), 0.3, dtype=d))
m.poisson(m.full((n,), 3.0, dtype=d))|m.normal(m.zeros(n, dtype=d), m.ones(n, dtype=d))|m.empty(n, 4, dtype=d).t().normal_()
m.multinomial(m.arange(1, 5, dtype=d), n, True)|m.arange(0, n, 0.5, dtype=d)|m.nn.Linear(n, 3, dtype=d).weight"""


@pytest.mark.parametrize("n", [1, 15, 16, 17, 100, 250, 1000])
@pytest.mark.parametrize("dtype", HALVES)
def test_draws(dtype, n):
    for source in DRAWS.replace("\n", "|").split("|"):
        found = {}
        for m in (pb, torch):
            m.manual_seed(3)
            found[m] = outcome(
                lambda m=m, source=source: eval(source, {"m": m, "n": n, "d": getattr(m, dtype.name)})
            )
        ours, theirs = found[pb], found[torch]
        assert (ours[1] is None) == (theirs[1] is None), (source, ours[1], theirs[1])
        if theirs[1] is not None:
            assert str(ours[1]).startswith(str(theirs[1]).split(". ")[0].rstrip("."))
            continue
        np.testing.assert_array_equal(values(ours[0][0]), values(theirs[0][0]), err_msg=source)


@pytest.mark.parametrize("dtype", HALVES)
def test_dtypes(dtype):
    theirs = getattr(torch, dtype.name)
    for name in NAMES:
        a, b = getattr(pb, name), getattr(torch, name)
        assert pb.promote_types(dtype, a).name == str(torch.promote_types(theirs, b))[6:]
        assert pb.can_cast(dtype, a) == torch.can_cast(theirs, b) and pb.can_cast(a, dtype) == torch.can_cast(
            b, theirs
        )
        for p in ((), (2,)):
            for q in ((), (2,)):
                ours = pb.result_type(pb.zeros(p, dtype=dtype), pb.zeros(q, dtype=a))
                assert (
                    ours.name
                    == str(torch.result_type(torch.zeros(p, dtype=theirs), torch.zeros(q, dtype=b)))[6:]
                )
    for name in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution"):
        assert getattr(pb.finfo(dtype), name) == getattr(torch.finfo(theirs), name)


@pytest.mark.parametrize("dtype", HALVES)
def test_text(dtype):
    rng = np.random.default_rng(0)
    for i in range(60):
        shape = [(), (3,), (2, 5), (40,), (2, 3, 4), (1200,)][i % 6]
        a = (rng.normal(size=shape) * 10.0 ** rng.integers(-4, 5)).astype(np.float32)
        ours, theirs = pb.tensor(a).to(dtype), torch.tensor(a).to(getattr(torch, dtype.name))
        assert repr(ours).replace("pullback", "torch") == repr(theirs)


@pytest.mark.parametrize("dtype", HALVES)
def test_gradients(dtype):
    """Of the same dtype, and no farther from those of float64 than PyTorch's."""
    x, y = both((20, 30), dtype), both((20, 30), dtype, 1)
    labels = {m: m.arange(20) for m in (pb, torch)}
    for source in (
        "(x * y + x).sum()", "(x.tanh() * y.sigmoid()).sum()", "(x.softmax(1) * y).sum()", "x.logsumexp(1).sum()",
        "m.nn.functional.cross_entropy(x, labels)", "(x @ y.t()).tanh().sum()", "(x.float() * y).to(x.dtype).sum()",
        "(m.nn.functional.layer_norm(x, (30,)) * y).sum()", "x[1:3].sum() + y[:, 2].sum() + x[1, 1]",
    ):  # fmt: skip
        found = []
        for m, convert in (
            (pb, lambda t: t.clone()),
            (torch, lambda t: t.clone()),
            (torch, lambda t: t.double()),
        ):
            leaves = [convert(t[m]).requires_grad_() for t in (x, y)]
            eval(source, {"m": m, "x": leaves[0], "y": leaves[1], "labels": labels[m]}).backward()
            found.append([None if t.grad is None else t.grad.double().numpy() for t in leaves])
        for ours, theirs, right in zip(*found):
            if right is None:
                assert ours is None
                continue
            error = [np.abs(g - right).max() for g in (ours, theirs)]
            assert error[0] <= max(1.5 * error[1], 2 * UNIT[dtype] * np.abs(right).max()), source
