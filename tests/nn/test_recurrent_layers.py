"""Layers of recurrent networks that the core does at once, beside the same layers step by step, and beside differences."""

import itertools

import pytest

import pullback as pb
from pullback import _core
from pullback.autograd import gradcheck, gradgradcheck
from pullback.func import set_vmap_fallback
from pullback.nn import recurrence
from pullback.operators.products import recurrent_layer

KINDS = ["RNN_TANH", "RNN_RELU", "LSTM", "GRU"]


def model(kind, *args, **options):
    if kind.startswith("RNN"):
        return pb.nn.RNN(*args, nonlinearity=kind[4:].lower(), **options)
    return getattr(pb.nn, kind)(*args, **options)


def both(monkeypatch, run):
    """What `run` gives at once, and step by step; it is checked that the first goes the way it says."""
    taken, layer = [], recurrence._at_once
    with monkeypatch.context() as patched:
        patched.setattr(recurrence, "_at_once", lambda *args: taken.append(1) or layer(*args))
        at_once = run()
    assert taken
    with monkeypatch.context() as patched:
        patched.setattr(recurrence, "_is_plain", lambda *args: False)
        return at_once, run()


def first_state(kind, layers, batch, hidden):
    shape = (layers, batch, hidden)
    if kind == "LSTM":
        return pb.randn(shape).double(), pb.randn(shape).double()
    return pb.randn(shape).double()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options", [{}, {"bias": False}, {"bidirectional": True, "num_layers": 2}, {"batch_first": True}]
)
def test_at_once_is_step_by_step(monkeypatch, kind, options):
    pb.manual_seed(3)
    made = model(kind, 3, 5, dtype=pb.float64, **options)
    layers = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    for batch, times in itertools.product((1, 4), (1, 6)):
        shape = (batch, times, 3) if "batch_first" in options else (times, batch, 3)
        x = pb.randn(shape).double().requires_grad_()
        start = first_state(kind, layers, batch, 5)
        leaves = [x, *(start if kind == "LSTM" else [start]), *made.parameters()]
        for leaf in leaves:
            leaf.requires_grad_()

        def run(x=x, start=start, leaves=leaves):
            outputs, last = made(x, start)
            ends = last if kind == "LSTM" else (last,)
            loss = sum(
                (each * pb.arange(each.numel()).view(each.shape).cos()).sum() for each in (outputs, *ends)
            )
            return [outputs, *ends, *pb.autograd.grad(loss, leaves)]

        for a, b in zip(*both(monkeypatch, run), strict=True):
            pb.testing.assert_close(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
@pytest.mark.parametrize("hidden", [7, 32, 70])
@pytest.mark.parametrize("kind", KINDS)
def test_long_sequences(monkeypatch, kind, hidden, dtype):
    """Of so many times that weights are packed: in whole panels, in what is left of one, and in both."""
    pb.manual_seed(4)
    made, x = model(kind, 3, hidden, dtype=dtype), pb.randn(12, 3, 3, dtype=dtype)

    def run():
        outputs, _ = made(x)
        return [outputs, *pb.autograd.grad(outputs.square().sum(), list(made.parameters()))]

    close = {"rtol": 1e-4, "atol": 1e-4} if dtype == pb.float32 else {"rtol": 1e-11, "atol": 1e-11}
    for a, b in zip(*both(monkeypatch, run), strict=True):
        pb.testing.assert_close(a, b, **close)


@pytest.mark.parametrize("kind", KINDS)
def test_every_cotangent_alone(monkeypatch, kind):
    """Through the outputs, the last state or the last cells only."""
    pb.manual_seed(5)
    made, x = model(kind, 2, 3, dtype=pb.float64), pb.randn(4, 2, 2).double()
    leaves = list(made.parameters())
    for which in range(2 + (kind == "LSTM")):

        def run(which=which):
            outputs, last = made(x)
            ends = (outputs, *last) if kind == "LSTM" else (outputs, last)
            return pb.autograd.grad(ends[which].square().sum(), leaves)

        for a, b in zip(*both(monkeypatch, run), strict=True):
            pb.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


def operands(kind):
    parts = {"LSTM": 4, "GRU": 3}.get(kind, 1)
    pb.manual_seed(11)
    shapes = [(3, 2, parts * 2), (2, 2), (2, 2), (parts * 2, 2), (parts * 2,)]
    return [pb.randn(shape).double().requires_grad_() for shape in shapes]


@pytest.mark.parametrize("kind", KINDS)
def test_all_outputs_beside_differences(kind):
    """First and second derivatives by all operands, of states, cells and gates, in all modes that the tape has."""
    given, h, c, weight, bias = operands(kind)

    def layer(given, h, weight, *rest):
        cells = rest[0] if kind == "LSTM" else None
        return recurrent_layer(kind, given, h, cells, weight, rest[-1])

    rest = [c, bias] if kind == "LSTM" else [bias]
    assert gradcheck(layer, (given, h, weight, *rest), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(layer, (given, h, weight, *rest), check_fwd_over_rev=True)


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_of_a_model(monkeypatch, kind):
    pb.manual_seed(7)
    made, x = model(kind, 2, 3, dtype=pb.float64), pb.randn(4, 2, 2).double().requires_grad_()
    weights = list(made.parameters())

    def run():
        (slope,) = pb.autograd.grad(made(x)[0].square().sum(), x, create_graph=True)
        return pb.autograd.grad(slope.square().sum(), weights, allow_unused=True)

    for a, b in zip(*both(monkeypatch, run), strict=True):
        pb.testing.assert_close(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_transforms(kind):
    """Samples one by one, and tangents: both go step by step, and agree with what is done at once."""
    pb.manual_seed(9)
    made, x, v = model(kind, 2, 3, dtype=pb.float64), pb.randn(4, 5, 2).double(), pb.randn(4, 5, 2).double()
    f = lambda x: made(x)[0]
    set_vmap_fallback("allow")  # forgets what looped before
    pb.testing.assert_close(pb.func.vmap(f, 1, 1)(x), f(x))
    value, tangent = pb.func.jvp(f, (x,), (v,))
    pb.testing.assert_close(value, f(x))
    step = 1e-6
    pb.testing.assert_close(tangent, (f(x + step * v) - f(x - step * v)) / (2 * step), rtol=1e-7, atol=1e-8)
    gradients = pb.func.vmap(pb.func.grad(lambda x: f(x).square().sum()), 1, 1)(x)
    pb.testing.assert_close(gradients, pb.func.grad(lambda x: f(x).square().sum())(x))
    assert "recurrent_layer" not in _core.looped()


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_may_be_written(kind):
    """What the derivative reads is nobody else's."""
    made, x = model(kind, 2, 3), pb.randn(4, 2, 2)
    expected = pb.autograd.grad(2 * made(x)[0].sum(), list(made.parameters()))
    outputs, last = made(x)
    (last[0] if kind == "LSTM" else last).zero_()
    outputs.mul_(2)
    pb.testing.assert_close(pb.autograd.grad(outputs.sum(), list(made.parameters())), expected)


def test_a_cell_that_does_not_exist():
    given, h, _, weight, _ = operands("RNN_TANH")
    with pytest.raises(ValueError, match="RNN_TANH, RNN_RELU, LSTM or GRU"):
        recurrent_layer("RNN", given, h, None, weight)


@pytest.mark.parametrize("kind", KINDS)
def test_no_time_at_all(kind):
    net, said = model(kind, 2, 3), "Expected sequence length to be larger than 0 in RNN"
    none = pb.nn.utils.rnn.PackedSequence(pb.zeros(0, 2), pb.zeros(0, dtype=pb.int64))
    for given in (pb.zeros(0, 4, 2), none):
        with pytest.raises(RuntimeError, match=said):
            net(given)
