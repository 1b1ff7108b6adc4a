"""detect_leaks: what leaves the graph and comes back is said, with both lines; what only leaves is not."""

import math
import pickle
import warnings

import numpy as np
import pytest

import pullback as pb
from pullback.autograd import detect_leaks
from pullback.autograd.leaks import Leak, LeakWarning
from pullback.func import grad, jvp

SELF = __file__


def found(f, **options):
    """The leaks of a program, as (exit, where it came back)."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with detect_leaks(**options) as leaks:
            f()
    said = [w for w in said if issubclass(w.category, LeakWarning)]
    assert len(said) == len(leaks)
    for warning, leak in zip(said, leaks, strict=True):
        assert warning.filename == SELF and leak.line.startswith(f"{SELF}, line ")
        assert leak.line in str(warning.message) and (
            leak.back is None or leak.back_line in str(warning.message)
        )
    return [(leak.exit, leak.back) for leak in leaks]


def leaf():
    return pb.tensor([1.0, 2.0], requires_grad=True)


RETURNS = {
    "item": (lambda x: x * (x * 2).sum().item(), [("item", "mul")]),
    "float": (lambda x: float(x[0]) + x, [("__float__", "add")]),
    "int": (lambda x: int(x[1] * 1000) * x, [("__int__", "mul")]),
    "arithmetic": (lambda x: (1 - 0.5 * x.sum().item() ** 2 / 3) * x, [("item", "mul")]),
    "absolute": (lambda x: x + abs(-round(x.sum().item(), 3)), [("item", "add")]),
    "tolist": (lambda x: (x * 2).tolist()[1] * x, [("tolist", "mul")]),
    "in place": (lambda x: (x * 1).mul_(x.sum().item()), [("item", "mul_")]),
    "a keyword": (lambda x: pb.add(x, x, alpha=x.sum().item()), [("item", "add")]),
    "a tensor of it": (lambda x: x * pb.tensor(x.sum().item()), [("item", "mul")]),
    "a tensor of several": (lambda x: x @ pb.tensor([x[0].item(), 2.0]), [("item", "matmul")]),
    "a tensor of a list": (lambda x: x @ (1 + pb.tensor(x.tolist())).exp(), [("tolist", "matmul")]),
    "full": (lambda x: x * pb.full((2,), x.sum().item()), [("item", "mul")]),
    "numpy": (lambda x: x * pb.from_numpy(np.sin(x.detach().numpy())), [("numpy", "mul")]),
    "an array itself": (lambda x: x * (x.detach().numpy() + 1), [("numpy", "mul")]),
    "asarray": (lambda x: x * pb.tensor(np.asarray(x.detach())), [("numpy", "mul")]),
    "data": (lambda x: x * x.data, [("data", "mul")]),
    "what data becomes": (lambda x: x * (x.data.exp() + 1).sum(), [("data", "mul")]),
    "a functional": (lambda x: pb.nn.functional.linear(x, x.data[None]), [("data", "linear")]),
    "a setting of elements": (
        lambda x: (x * 1).index_put_((pb.tensor([0]),), x.data[1]),
        [("data", "index_put_")],
    ),
}


@pytest.mark.parametrize("name", RETURNS)
def test_what_comes_back_is_said(name):
    f, expected = RETURNS[name]
    assert found(lambda: f(leaf())) == expected


def test_values_are_what_they_are_without():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for f, _ in RETURNS.values():
            expected = f(leaf())
            with detect_leaks():
                assert f(leaf()).equal(expected)


def test_both_lines_are_said():
    x = leaf()
    with pytest.warns(LeakWarning) as said, detect_leaks() as leaks:
        norm = x.norm().item()
        y = x / norm
    assert y.shape == (2,) and len(said) == 1
    first = int(leaks[0].line.rsplit(" ", 1)[1])
    second = int(leaks[0].back_line.rsplit(" ", 1)[1])
    assert second == first + 1 == said[0].lineno
    assert str(said[0].message).startswith("A value left the graph through item()")


def test_a_leak_is_said_once():
    def loop():
        x = leaf()
        for _ in range(5):
            x * x.sum().item()

    assert found(loop) == [("item", "mul")]


# ---- what is no leak -----------------------------------------------------------------------------------------


def training():
    """An ordinary loop: printing, counting, best of, early stopping, clipping, schedules, logs, an optimiser."""
    pb.manual_seed(0)
    data, target = pb.randn(20, 3), pb.randint(0, 2, (20,))
    w, b = pb.zeros(3, 2, requires_grad=True), pb.zeros(2, requires_grad=True)
    best, average, total, history, right = math.inf, 0.0, 0.0, [], 0
    moments = [pb.zeros_like(p) for p in (w, b)]
    for epoch in range(3):
        logits = data @ w + b
        loss = pb.nn.functional.cross_entropy(logits, target)
        loss.backward()
        norm = sum(p.grad.norm() ** 2 for p in (w, b)).sqrt().item()
        if norm > 0.1:
            for p in (w, b):
                p.grad.mul_(0.1 / norm)
        with pb.no_grad():
            for p, m in zip((w, b), moments, strict=True):
                m.mul_(0.9).add_(p.grad)
                p -= 0.1 * m
                p.data.clamp_(-5, 5)
                p.grad = None
        text = f"{epoch}: {loss.item():.3f} {float(loss)}"
        total += loss.item() * len(data)
        average = 0.9 * average + 0.1 * loss.item()
        history.append(loss.item())
        right += (logits.argmax(1) == target).sum().item()
        if loss < best:
            best = loss.item()
        if loss.item() > 1e6:
            break
        predictions = logits.detach().numpy().argmax(1)
        assert len(predictions) == 20 and text and bool(loss > 0)
    log = pb.tensor(history)
    return log.mean().item(), right, np.mean(history)


def piecewise():
    x = leaf()
    y = x * 2 if x[0] > 0 else x
    mask = (y > 1).float()
    return (
        (y * mask).sum() + pb.where(y > 0, y, 0.0).sum() + y[y.argmax()] + y[(y > 0).nonzero()[:, 0]].sum()
    ).backward()


def targets():
    """What is detached on purpose: a bootstrap target, a weight, a straight-through estimator."""
    x = leaf()
    target = 0.9 * x.detach().max() + 1
    weight = (x * 2).detach().sum().item()
    rounded = x + (x.round() - x).detach()
    return ((rounded - target) ** 2 * weight).sum().backward()


def evaluation():
    x = leaf()
    with pb.no_grad():
        y = x * x.sum().item() + pb.tensor(x.tolist())
    return y.data * 2, pb.tensor(x.tolist()) * 2, x.data.add_(1)


def hooks():
    x = leaf()
    x.register_hook(lambda g: g / g.norm().item())
    (x * x).sum().backward()
    norms = [x.grad.norm().item()]
    return pb.tensor(norms).mean() * 2


@pytest.mark.parametrize("program", [training, piecewise, targets, evaluation, hooks])
def test_ordinary_programs_have_none(program):
    assert found(program) == []


def test_what_is_allowed_and_what_is_asked_for():
    assert found(lambda: leaf() * leaf().sum().item(), allow="item") == []
    assert found(lambda: leaf() * leaf().data, allow=["data"]) == []
    assert found(lambda: leaf() * leaf().data, allow=["mul"]) == []
    assert found(lambda: leaf() * leaf().detach()) == []
    assert found(lambda: leaf() * leaf().detach(), detach=True) == [("detach", "mul")]


EVERY = {
    "item": lambda x: x.sum().item(),
    "__float__": lambda x: float(x[0]),
    "__int__": lambda x: int(x[0]),
    "__bool__": lambda x: bool(x[0]),
    "tolist": lambda x: x.tolist(),
    "data": lambda x: x.data,
    "detach": lambda x: x.detach(),
    "argmax": lambda x: x.argmax(),
    "gt": lambda x: x > 1,
    "eq": lambda x: x.eq(1),
    "round": lambda x: x.round(),
    "floor": lambda x: x.floor(),
    "sign": lambda x: x.sign(),
    "long": lambda x: x.long(),
}


@pytest.mark.parametrize("name", EVERY)
def test_every_exit(name):
    assert (name, None) in found(lambda: EVERY[name](leaf()), every=True)
    assert found(lambda: EVERY[name](leaf().detach())) == []
    assert found(lambda: EVERY[name](leaf()), every=True, allow=[name, "gt"]) == []


def test_conversions_to_integers():
    assert found(lambda: leaf().to(pb.int64), every=True) == [("to_dtype", None)]
    assert found(lambda: leaf().to(pb.float64), every=True) == []


# ---- in transforms -------------------------------------------------------------------------------------------


def test_under_grad_and_jvp():
    def f(x):
        return (x * x.sum().item()).sum()

    assert found(lambda: grad(f)(pb.ones(2))) == [("item", "mul")]
    assert found(lambda: grad(lambda x: grad(f)(x).sum())(pb.ones(2))) == [("item", "mul")]
    assert found(lambda: jvp(lambda x: x * x[0].item(), (pb.ones(2),), (pb.ones(2),))) == [("item", "mul")]
    assert found(lambda: f(pb.ones(2))) == []
    assert found(lambda: grad(lambda x: (x * x.detach().sum().item()).sum())(pb.ones(2))) == []


def test_in_a_function_of_ones_own():
    class Halve(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return pb.from_numpy(x.numpy() / 2)

        @staticmethod
        def backward(ctx, g):
            return g / 2

    assert found(lambda: (Halve.apply(leaf()) * leaf()).sum().backward()) == []


def test_nothing_is_left_behind():
    plain = pb.Tensor.item, type(leaf().sum().item())
    with detect_leaks():
        marked = leaf().sum().item()
        assert isinstance(marked, float) and repr(marked) == "3.0" and f"{marked:.1f}" == "3.0"
        assert type(pickle.loads(pickle.dumps(marked))) is float and hash(marked) == hash(3.0)
        assert math.isclose(marked, 3.0) and [1.0, 2.0, 3.0].index(marked) == 2
        many = pb.tensor([7, 8]).tolist()
        assert type(many[0]) is int and type((leaf() * 2).tolist()[0] // 2) is not float
    assert plain == (pb.Tensor.item, float)
    with pytest.raises(KeyError), detect_leaks():
        raise KeyError
    leaf() * leaf().sum().item()
    assert Leak("item", "here").back is None


def test_blocks_nest():
    with pytest.warns(LeakWarning), detect_leaks() as outer, detect_leaks() as inner:
        leaf() * leaf().sum().item()
    assert [(leak.exit, leak.back) for leak in inner] == [("item", "mul")] and len(outer) <= 1


def test_in_hooks():
    def program():
        x = leaf()
        x.register_hook(lambda g: x * x.sum().item())
        (x * x).sum().backward(create_graph=True)

    assert found(program) == [("item", "mul")]


def test_a_block_that_ends_inside_of_a_hook():
    x = leaf()
    outer, inner = detect_leaks(), detect_leaks()
    outer.__enter__()
    inner.__enter__()

    def end(grad):
        inner.__exit__()
        outer.__exit__()

    x.register_hook(end)
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    (x * x.sum().item()).sum()  # nobody watches, and nothing is left of those who did
