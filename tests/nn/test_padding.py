"""Padding in every mode: against NumPy, finite differences and PyTorch."""

import numpy as np
import pytest
from checks import check

import pullback as pb

F = pb.nn.functional
NUMPY = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
CASES = [
    ((2, 5), (1, 2)),
    ((2, 5), (0, 4)),
    ((2, 3, 5), (2, 1)),
    ((2, 3, 5), (2, 1, 0, 2)),
    ((2, 2, 3, 4), (1, 3, 2, 1)),
    ((2, 3, 4, 3), (1, 2, 0, 3, 2, 1)),
    ((0, 3, 4), (1, 1)),
]


@pytest.mark.parametrize("mode", NUMPY)
@pytest.mark.parametrize("shape, pad", CASES, ids=str)
def test_values_are_numpys(shape, pad, mode):
    x = np.random.default_rng(0).standard_normal(shape)
    widths = [(0, 0)] * (x.ndim - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    options = {"constant_values": 2.5} if mode == "constant" else {}
    expected = np.pad(x, widths, NUMPY[mode], **options) if x.size else np.zeros((0, 3, 6))
    for array in (x, np.asfortranarray(x)):
        got = F.pad(pb.tensor(array), pad, mode, 2.5 if mode == "constant" else None)
        assert got.shape == expected.shape and np.array_equal(got.numpy(), expected)


@pytest.mark.parametrize("mode", NUMPY)
@pytest.mark.parametrize("pad", [(2, 1), (1, -2), (-1, -1), (1, 2, -1, 1)], ids=str)
def test_derivatives(mode, pad):
    check(lambda x: F.pad(x, pad, mode), np.random.default_rng(1).standard_normal((2, 3, 4)))


def test_what_is_added_has_no_part_in_the_gradient():
    x = pb.ones(2, requires_grad=True)
    y = F.pad(x, (1, 1), value=float("inf"))
    y.backward(pb.tensor([float("nan"), 1.0, 2.0, float("nan")]))
    assert x.grad.tolist() == [1.0, 2.0] and type(y.grad_fn).__name__ == "ConstantPadNdBackward0"


CALLS = {
    "cut": lambda m, p, z: p(z, (1, -1, -1, 1), value=2.5),
    "cut away": lambda m, p, z: p(z, (-3, -3)),
    "nothing": lambda m, p, z: p(z, ()),
    "integers": lambda m, p, z: p(z.long(), (1, 1), value=2.5),
    "truth values": lambda m, p, z: p(z > 3, (1, 0)),
    "of nothing": lambda m, p, z: p(m.ones(1, 2, 0), (1, 1)),
    "odd": lambda m, p, z: p(z, (1, 2, 3)),
    "odd, reflect": lambda m, p, z: p(z, (1, 2, 3), "reflect"),
    "too many": lambda m, p, z: p(z, (1,) * 8),
    "mode": lambda m, p, z: p(z, (1, 1), "mirror"),
    "value": lambda m, p, z: p(z, (1, 1), "reflect", 3.0),
    "one dimension": lambda m, p, z: p(z[0, 0], (1, 1), "reflect"),
    "no sizes": lambda m, p, z: p(z, (), "reflect"),
    "an int": lambda m, p, z: p(z, 1),
    "a float": lambda m, p, z: p(z, (1.5, 1)),
    "0-d": lambda m, p, z: p(m.tensor(1.0), (1, 1)),
    "too far": lambda m, p, z: p(z, (4, 0), "reflect"),
    "too far down": lambda m, p, z: p(z, (1, 1, 3, 0), "reflect"),
    "too far round": lambda m, p, z: p(z, (5, 0), "circular"),
    "empty": lambda m, p, z: p(m.ones(1, 2, 0), (1, 1), "replicate"),
    "too small": lambda m, p, z: p(z, (-3, -3), "replicate"),
    "circular, cut": lambda m, p, z: p(z, (1, -2), "circular"),
    "circular, cut twice": lambda m, p, z: p(z, (-1, -2), "circular"),
    "reflect, cut": lambda m, p, z: p(z, (1, -2), "reflect"),
}


@pytest.mark.torch
@pytest.mark.parametrize("call", CALLS)
def test_odd_calls_are_pytorchs(call):
    torch = pytest.importorskip("torch")

    def outcome(m):
        z = m.arange(12.0).reshape(1, 3, 4)
        try:
            y = CALLS[call](m, m.nn.functional.pad, z)
            return str(y.dtype).split(".")[-1], tuple(y.shape), y.tolist()
        except Exception as error:
            return type(error).__name__, str(error)

    got, expected = outcome(pb), outcome(torch)
    if len(expected) == 3:
        assert got == expected
    else:
        assert got[0] == expected[0] and got[1].startswith(expected[1].rstrip("."))


def test_one_hot():
    x = np.array([[0, 2], [1, 4]])
    got = F.one_hot(pb.tensor(x))
    assert got.dtype == pb.int64 and np.array_equal(got.numpy(), np.eye(5, dtype=int)[x])
    assert F.one_hot(pb.tensor(x), 7).shape == (2, 2, 7)
    assert F.one_hot(pb.tensor(1)).tolist() == [0, 1]
    assert F.one_hot(pb.zeros(2, 0, dtype=pb.int64), 3).shape == (2, 0, 3)
    assert F.one_hot(pb.zeros(0, dtype=pb.int64), 3).shape == (0, 3)


@pytest.mark.torch
@pytest.mark.parametrize(
    "call",
    [
        lambda m, f: f(m.tensor([1, 2]), 2),
        lambda m, f: f(m.tensor([1, 2]), 0),
        lambda m, f: f(m.tensor([1, -1])),
        lambda m, f: f(m.tensor([1.0])),
        lambda m, f: f(m.tensor([1], dtype=m.int32)),
        lambda m, f: f(m.zeros(0, dtype=m.int64)),
    ],
)
def test_one_hot_refuses_what_pytorch_refuses(call):
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as expected:
        call(torch, torch.nn.functional.one_hot)
    with pytest.raises(RuntimeError) as got:
        call(pb, F.one_hot)
    assert str(got.value).startswith(str(expected.value))
