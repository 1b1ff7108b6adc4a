"""Replays without operators: kernels over memory that was arranged, beside the function as it is."""

import weakref

import numpy as np
import pytest
from replay.plainly import outcome, same
from together import in_threads

import pullback as pb


def traced(function, *args):
    """A compiled function and its trace, after a call."""
    compiled = pb.compile(function)
    compiled(*args)
    (trace,) = compiled._traces
    return compiled, trace


def check(function, make, condensed=True):
    """Calls on other values, which have to give what the function gives, by kernels."""
    compiled, trace = traced(function, *make(0))
    assert (trace.figures()["kernels"] > 0) == condensed
    for seed in range(1, 5):
        args = make(seed)
        before = trace.figures()["calls"]
        assert same(outcome(compiled, args, {}), outcome(function, args, {}))
        assert trace.figures()["calls"] == before + 1


def arrays(*shapes, dtype="float64", grad=False):
    def make(seed):
        random = np.random.default_rng(seed)
        return tuple(
            pb.from_numpy(random.standard_normal(shape).astype(dtype)).clone().requires_grad_(grad)
            for shape in shapes
        )

    return make


ONE = {
    "chain": lambda x: (x.sin() * 2 - x) / (x * x + 1),
    "powers": lambda x: x.abs() ** 1.5 + 2.0**x - x**3,
    "where": lambda x: pb.where(x > 0, x, x.exp() - 1),
    "masks": lambda x: ((x > 0) & (x < 1)) | ~(x != x),
    "clamped": lambda x: x.clamp(-0.5, 0.5).clamp(min=0),
    "row of a broadcast": lambda x: x + x[0] * x[:, :1],
    "transposed": lambda x: (x.t() * 2).t() + x.t().contiguous().t(),
    "transposed result": lambda x: x.t() * 2 + 1,
    "sliced": lambda x: x[1:, ::2] * x[:-1, 1::2],
    "sums": lambda x: x.sum() + x.sum(0).mean() - x.mean(1, keepdim=True).sum(),
    "joined": lambda x: pb.cat([x, x * 2, x[:1]]).sum(0) + pb.stack([x, -x], 1).sum((0, 1)),
    "products": lambda x: x @ x.t() + (x @ x[0]).outer(x @ x[1]),
    "vectors": lambda x: x[0] @ x[1] + x[0].dot(x[1]),
    "reshaped": lambda x: x.reshape(-1)[2:6].view(2, 2) * 3,
    "expanded": lambda x: x[0].expand(3, -1) + x.unsqueeze(1).squeeze(1)[:1],
    "split": lambda x: x.split(2, 1)[0] * x.unbind(0)[1][:2],
    "numbers": lambda x: pb.zeros(2, 2) + pb.ones_like(x)[:2, :2] * pb.full((), 3.0),
    "conversions": lambda x: (x * 3).float() + (x > 0).double() + x.to(pb.int64),
    "in place": lambda x: x.clone().mul_(2).add_(x),
    "a part in place": lambda x: (x * 1).add_(x[0]).sub_(1),
    "several results": lambda x: (x + 1, [x * 2, {"a": x.sum()}], x),
    "one twice": lambda x: [x + 1] * 2,
    "activations": lambda x: pb.nn.functional.gelu(x) + pb.nn.functional.softplus(x).tanh(),
    "loss": lambda x: pb.nn.functional.mse_loss(x, x * 0.5),
    "no elements": lambda x: x[:0] * 2,
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("name", ONE)
def test_programs(name, dtype):
    function, make = ONE[name], arrays((4, 6), dtype=dtype)
    compiled, trace = traced(function, *make(0))
    assert trace.figures()["kernels"] > 0 or name == "no elements"
    for seed in range(1, 5):
        args = make(seed)
        assert same(outcome(compiled, args, {}), outcome(function, args, {}))


FEW = {
    "add": lambda a, b: (a + b, a + 0.1, 0.1 + a, a[:1] + b),
    "sub": lambda a, b: (a - b, a - 0.1, 0.1 - a, a - b[:1]),
    "mul": lambda a, b: (a * b, a * 0.1, a[:1] * b, a * b[:1]),
    "div": lambda a, b: (a / b, a / 3, 3 / a, a / b[:1], a[:1] / b),
    "one operand": lambda a, b: (-a, a.square(), a + -b),
    "gradients": lambda a, b: grads(a, b, lambda u, v: (u * v / (u + v)).sqrt() - v.square()),
    "second derivatives": lambda a, b: grads(a, b, lambda u, v: pb.autograd.grad((u * u * v).sum(), u, create_graph=True)[0] * v),
}  # fmt: skip


def grads(a, b, function):
    a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
    return pb.autograd.grad(function(a, b).sum(), (a, b))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("name", FEW)
def test_few_elements(name, dtype):
    """Kernels for a known number of elements give the bits of those for any number, zeros and infinities among them."""
    if dtype == "int64" and name not in ("add", "sub", "mul"):
        pytest.skip("of floats only")
    values = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, -2.25, 1e-300 if dtype == "float64" else 1e-40, 3.0]

    def make(n):
        def pair(seed):
            random = np.random.default_rng(seed)
            if dtype == "int64":
                return tuple(pb.tensor(random.integers(-(2**62), 2**62, n)) for _ in range(2))
            some = [
                random.choice(values, n).astype(dtype) if seed % 2 else random.standard_normal(n)
                for _ in range(2)
            ]
            return tuple(pb.tensor(each.astype(dtype)) for each in some)

        return pair

    for n in range(1, 7):
        compiled, trace = traced(FEW[name], *(each.abs() for each in make(n)(0)))
        if n > 1 or not name.endswith("s"):  # a gradient of one element may be expanded, or not
            assert trace.figures()["kernels"] > 0
        for seed in range(1, 12):
            mine, theirs = compiled(*make(n)(seed)), FEW[name](*make(n)(seed))
            for x, y in zip(mine, theirs, strict=True):
                x, y = x.numpy(), y.numpy()
                assert x.dtype == y.dtype
                assert (
                    np.where(x == x, x.view(f"i{x.itemsize}"), 0)
                    == np.where(y == y, y.view(f"i{y.itemsize}"), 0)
                ).all()
                assert ((x != x) == (y != y)).all()


def orbit(x, v):
    for _ in range(5):
        d = x[1] - x[0]
        a = d / (d * d).sum() ** 1.5
        v = v + 0.1 * pb.stack([a, -a])
        x = x + 0.1 * v
    return (x * x).sum() + (v * v).sum()


def test_gradients():
    def function(x, v):
        y = orbit(x, v)
        return (y.detach(), *pb.autograd.grad(y, (x, v)))

    check(function, arrays((2, 2), (2, 2), grad=True))


def test_second_derivatives():
    def function(x):
        (g,) = pb.autograd.grad((x.sin() * x.exp()).sum(), x, create_graph=True)
        return pb.autograd.grad((g * g).sum(), x)[0]

    check(function, arrays((5,), grad=True))


def test_a_network():
    def function(x, w1, b1, w2):
        loss = ((x @ w1 + b1).tanh() @ w2).square().mean()
        return pb.autograd.grad(loss, (w1, b1, w2))

    check(function, arrays((8, 3), (3, 5), (5,), (5, 1), grad=True))


def test_parts_of_one_vector():
    def function(x):
        y = sum((x[k] * x[k + 1] for k in range(7)), x[:2].sum())
        return pb.autograd.grad(y, x)[0]

    check(function, arrays((8,), grad=True))


JOINS = {
    "rows": lambda x: pb.cat([x, x * 2], 1),
    "single elements": lambda x: pb.cat([x[:, :1].contiguous(), x, pb.ones_like(x[:, :1])], 1),
    "one run": lambda x: pb.cat([x * 2, x[:2]]),
    "new rows": lambda x: pb.stack([x, -x], 1),
    "new elements": lambda x: pb.stack([x * 1, -x], -1),
    "in between": lambda x: pb.cat([x.view(4, 1, -1), x.view(4, 1, -1) + 1], 1),
    "another type": lambda x: pb.cat([x, (x * 3).float()], 1),
}


@pytest.mark.parametrize("columns", [3, 90])  # in vectors, and by a call for each row
@pytest.mark.parametrize("name", JOINS)
def test_joins(name, columns):
    check(JOINS[name], arrays((4, columns)))


@pytest.mark.parametrize("columns", [3, 90])
@pytest.mark.parametrize("name", JOINS)
def test_gradients_of_joined_slices(name, columns):
    """Slices that overlap, at the end and in between: their gradients are added where they belong."""

    def function(x):
        y = JOINS[name](x[:, :-1] * x[:, 1:])
        return (y.detach(), *pb.autograd.grad((y * y).sum() + x[1:3].sin().sum() + x[2, 1], x))

    check(function, arrays((4, columns + 1), grad=True))


def test_truth_and_numbers_are_compared():
    def function(x):
        while (x * x).sum() > 1:
            x = x * 0.5
        return x if x[0] > 0 else -x

    compiled = pb.compile(function)
    random = np.random.default_rng(0)
    for _ in range(40):
        x = pb.from_numpy(random.standard_normal(3) * random.choice([0.3, 2.0]))
        assert pb.equal(compiled(x), function(x))
    assert all(trace.figures()["kernels"] for trace in compiled._traces)

    def number(x):
        return x * (x.sum().item() + 1)

    x = pb.tensor([1.0, 2.0])
    compiled, trace = traced(number, x)
    assert trace.figures()["kernels"]
    for y in (x, x + 0, x + 1, -x):
        assert pb.equal(compiled(y), number(y))


def test_a_number_taken_from_a_tensor_is_no_work():
    """An index, a size or a value that an operator reads is not what it was at the next call."""

    def function(x, i):
        return x[i] * 2

    x = pb.arange(5.0)
    compiled, trace = traced(function, x, pb.tensor(1))
    assert not trace.figures()["kernels"]
    assert [compiled(x, pb.tensor(i)).item() for i in range(5)] == [0, 2, 4, 6, 8]

    def filled(x):
        return pb.zeros(2).fill_(x.sum())

    compiled = pb.compile(filled)
    assert [compiled(pb.tensor([k, 1.0]))[0].item() for k in (1.0, 2.0, 3.0)] == [2, 3, 4]


TAKES = {
    "an index": lambda x, i: x.select(0, i) * 2,
    "a start": lambda x, i: x.narrow(0, i, 2) * 2,
    "a size": lambda x, i: x.view(i, -1) * 2,
    "a width": lambda x, i: x[:1].expand(i) * 2,
    "a length": lambda x, i: x.split(i)[0] * 2,
    "a dimension": lambda x, i: x.view(2, 3).sum(i - 1) * 2,
    "a place": lambda x, i: x.unsqueeze(i - 1) * 2,
    "a slope": lambda x, i: pb.nn.functional.leaky_relu(x - 3, i),
    "a parameter": lambda x, i: pb.nn.functional.elu(x - 3, i),
    "a bound": lambda x, i: pb.nn.functional.hardtanh(x, 0, i),
    "a margin": lambda x, i: pb.logit(x / 6, i / 10.0),
    "a threshold": lambda x, i: pb.nn.functional.huber_loss(x, x * 2, "mean", i),
    "what is instead": lambda x, i: pb.nan_to_num(x / 0, i),
    "what is everywhere": lambda x, i: pb.full((2,), i) * 2.0,
    "what is like it": lambda x, i: pb.full_like(x, i),
    "a factor": lambda x, i: pb.add(x, x, alpha=i),
    "an operand": lambda x, i: pb.lerp(x, x + 1, i * 1.0) + x.clamp(i, 4),
    "a slice": lambda x, i: x[i:] * 2,
    "an element": lambda x, i: x[i] * 2,
    "a number of Python": lambda x, i: x * (i + 0).item(),
    "the truth": lambda x, i: x * 2 if i > 1 else x,
}


@pytest.mark.parametrize("name", TAKES)
def test_numbers_that_are_taken_out_of_tensors(name):
    """They are as fixed as what was made of them: the next tensor has another."""
    function, x = TAKES[name], pb.arange(6.0)
    compiled = pb.compile(function)
    for number in (1, 2, 1, 1, 2, 2, 3):
        i = pb.tensor(number)
        assert same(outcome(compiled, (x, i), {}), outcome(function, (x, i), {}))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.softmax(0),
        lambda x: x.sort()[0],
        lambda x: x * pb.rand(3),
        lambda x: x[1:],
        lambda x: (x * 2)[1:],
        lambda x: x.cumsum(0) * 2,
    ],
)
def test_what_is_not_noted_is_called(function):
    check(function, arrays((3,)), condensed=False)


def test_what_is_differentiated_outside_has_a_graph():
    compiled, trace = traced(lambda x: x * x, pb.ones(3, requires_grad=True))
    assert not trace.figures()["kernels"]
    x = pb.full((3,), 2.0, requires_grad=True)
    compiled(x).sum().backward()
    assert x.grad.tolist() == [4, 4, 4]


def test_what_is_large_is_left_to_the_executor():
    _, trace = traced(lambda x: x.sin() * 2, pb.ones(100_000))
    assert not trace.figures()["kernels"]


def test_inputs_that_share_memory():
    """Parts of one vector are inputs; those that overlap are none, since others may not."""

    def function(a, b):
        return a * 2 + b

    x = pb.arange(8.0)
    compiled, trace = traced(function, x[:3], x[3:6])
    assert trace.figures()["kernels"]
    for a, b in ((x[1:4], x[5:8]), (x[:3], x[:3].clone()), (x[:3], x[1:4])):
        assert pb.equal(compiled(a, b), function(a, b))
    _, trace = traced(function, x[:3], x[1:4])
    assert not trace.figures()["kernels"]


def test_results_are_fresh_and_inputs_are_let_go():
    compiled, _ = traced(lambda x, w: x @ w + 1, pb.ones(2, 2), pb.ones(2, 2))
    w = pb.full((2, 2), 2.0)
    first = compiled(pb.ones(2, 2), w)
    second = compiled(pb.zeros(2, 2), w)
    assert first.tolist() == [[5, 5], [5, 5]] and second.tolist() == [[1, 1], [1, 1]]
    first.add_(1)
    assert compiled(pb.ones(2, 2), w).tolist() == [[5, 5], [5, 5]]
    gone = weakref.ref(w)
    del w
    assert gone() is None


def test_results_that_are_inputs_are_those():
    compiled, trace = traced(lambda x: (x, x + 1), pb.ones(2))
    assert trace.figures()["kernels"]
    x = pb.zeros(2)
    assert compiled(x)[0] is x


def test_two_results_in_one_memory_stay_so():
    compiled, trace = traced(lambda x: (lambda y: (y, y.view(-1)))(x * 2), pb.ones(2, 2))
    assert not trace.figures()["kernels"]
    a, b = compiled(pb.ones(2, 2))
    a.fill_(7)
    assert b.tolist() == [7] * 4


def test_threads():
    def function(x, w):
        for _ in range(3):
            x = (x @ w).tanh()
        return x

    w = pb.randn(40, 40)
    compiled, trace = traced(function, pb.randn(40, 40), w)
    assert trace.figures()["kernels"]
    inputs = [pb.randn(40, 40) for _ in range(8)]
    expected = [function(x, w) for x in inputs]

    def work(k):
        return [pb.equal(compiled(inputs[k], w), expected[k]) for _ in range(200)]

    assert all(map(all, in_threads(8, work)))


def test_explain():
    compiled, _ = traced(lambda x: x.sin() + 1, pb.ones(3))
    assert "2 kernels over" in pb.compile.explain(compiled)


def test_no_operator_is_called_and_memory_is_used_again():
    """A long chain needs a place or two beside its numbers."""

    def function(x):
        for _ in range(500):
            x = x * 0.999 + 0.001
        return x

    _, trace = traced(function, pb.ones(4, dtype=pb.float64))
    figures = trace.figures()
    assert figures["kernels"] == 1000 and figures["bytes"] < 1000 * 8 * 4 + 500
