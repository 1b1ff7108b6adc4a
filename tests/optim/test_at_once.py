"""Steps that the core makes in one pass, beside the same steps operator by operator: to the bit."""

import pytest

import pullback as pb
from pullback import _core

KINDS = {
    "adam": lambda p: pb.optim.Adam(p, lr=0.01),
    "penalised adam": lambda p: pb.optim.Adam(p, lr=0.01, weight_decay=0.1, betas=(0.8, 0.95), eps=1e-3),
    "adam with its opposite gradient": lambda p: pb.optim.Adam(p, lr=0.01, maximize=True),
    "adamw": lambda p: pb.optim.AdamW(p, lr=pb.tensor(0.01), weight_decay=0.1),
    "momentum": lambda p: pb.optim.SGD(p, lr=0.01, momentum=0.9),
    "penalised momentum": lambda p: pb.optim.SGD(
        p, lr=0.01, momentum=0.7, dampening=0.2, weight_decay=0.1, maximize=True
    ),
}
APART = {
    "short mean": lambda p: pb.optim.Adam(p, lr=0.01, betas=(0.3, 0.9)),
    "amsgrad": lambda p: pb.optim.Adam(p, lr=0.01, amsgrad=True),
    "nesterov": lambda p: pb.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
}


@pytest.fixture
def taken(monkeypatch):
    """How many steps were made at once. Immediate work, in which small tensors are plain whatever the environment says."""
    made = []
    for name in ("adam_step", "momentum_step"):
        step = getattr(_core, name)
        monkeypatch.setattr(_core, name, lambda *args, step=step: step(*args) and made.append(1) is None)
    before = _core.deferral(False, 32768)
    yield made
    _core.deferral(*before)


def train(make, dtype, steps=4):
    """Parameters and what is remembered of them, after some steps: with zeros, infinities and nan among the gradients."""
    generator = pb.Generator().manual_seed(0)
    parameters = [pb.nn.Parameter(pb.randn(n, dtype=dtype, generator=generator)) for n in (1, 7, 64, 1001)]
    optimizer = make(parameters)
    for step in range(steps):
        for each in parameters:
            each.grad = pb.randn(each.shape, dtype=dtype, generator=generator)
            if step == 1 and each.numel() > 10:
                each.grad[:3] = pb.tensor([0.0, float("inf"), float("nan")])
        optimizer.step()
    remembered = [value for state in optimizer.state.values() for value in state.values()]
    return [each.detach() for each in parameters] + [v for v in remembered if isinstance(v, pb.Tensor)]


@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_bits_of_the_operators(taken, monkeypatch, kind, dtype):
    at_once = train(KINDS[kind], dtype)
    assert len(taken) >= 12
    for name in ("adam_step", "momentum_step"):
        monkeypatch.setattr(_core, name, lambda *args: False)
    for a, b in zip(at_once, train(KINDS[kind], dtype), strict=True):
        assert pb.equal(a.nan_to_num(7.0), b.nan_to_num(7.0)) and pb.equal(a.isnan(), b.isnan())


@pytest.mark.parametrize("kind", APART)
def test_what_is_left_to_operators(taken, kind):
    train(APART[kind], pb.float32)
    assert not taken


def test_tensors_that_are_not_plain(taken):
    """Views, strides, other dtypes, memory that is used twice, and recorded steps go the other way, and are right."""
    base = pb.ones(4, 4)
    for parameter in (
        base[0].requires_grad_(),
        pb.nn.Parameter(pb.ones(4, 4).T),
        pb.nn.Parameter(pb.ones(4, dtype=pb.bfloat16)),
    ):
        parameter.grad = pb.ones_like(parameter)
        optimizer = pb.optim.SGD([parameter], lr=0.5, momentum=0.5)
        optimizer.step()
        optimizer.step()
        assert (parameter.detach().float() == -0.25).all()
    assert base[0].tolist() == [-0.25] * 4
    shared = pb.nn.Parameter(pb.ones(3))
    shared.grad = shared.detach()
    optimizer = pb.optim.SGD([shared], lr=0.5, momentum=0.5)
    optimizer.step()  # w = 1 - 0.5
    optimizer.step()  # v = 0.5 + 0.5, w = 0.5 - 0.5
    assert (shared.detach() == 0).all()
    recorded = pb.ones(3, requires_grad=True)
    copied = recorded.clone()
    copied.retain_grad()
    copied.grad = pb.ones(3)
    optimizer = pb.optim.SGD([copied], lr=0.5, momentum=0.5, differentiable=True)
    optimizer.step()
    optimizer.step()
    assert copied.grad_fn is not None and (copied.detach() == -0.25).all()
    assert not taken


def test_steps_are_seen_by_what_was_saved(taken):
    w = pb.nn.Parameter(pb.ones(3))
    optimizer = pb.optim.Adam([w], lr=0.1)
    for _ in range(2):
        loss = (w * w).sum()
        loss.backward(retain_graph=True)
        optimizer.step()
    assert len(taken) == 2 and w._version == 2
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_pending_reader_keeps_the_old_values(taken):
    before = _core.deferral(False, 4)
    w = pb.nn.Parameter(pb.ones(3))
    w.grad = pb.ones(3)
    optimizer = pb.optim.SGD([w], lr=1.0, momentum=0.5)
    optimizer.step()
    reader = (w.detach() * pb.ones(500, 1)).cos()  # pending, and w has no more than 512 bytes: it is copied
    optimizer.step()
    assert (reader == pb.tensor(0.0).cos()).all() and (w.detach() == -1.5).all()
    _core.deferral(False, 300)
    w = pb.nn.Parameter(pb.zeros(200))
    w.grad = pb.ones(200)
    optimizer = pb.optim.SGD([w], lr=1.0, momentum=0.5)
    optimizer.step()
    count = len(taken)
    reader = (w.detach() + pb.zeros(5, 1)).exp()  # pending, and reads w
    optimizer.step()
    assert len(taken) == count
    assert pb.allclose(reader, pb.tensor(-1.0).exp().expand(5, 200)) and (w.detach() == -2.5).all()
    _core.deferral(*before)
