"""Random programs over views, writes in place and operators: values, strides, versions and gradients."""

import differences
import numpy as np
import pytest
from fuzz.programs import build, run
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback.autograd import forward_ad

SHAPES = st.lists(
    st.sampled_from([(), (3,), (1,), (2, 3), (3, 3), (3, 1), (0,), (2, 0), (2, 3, 2), (1, 4)]),
    min_size=1,
    max_size=3,
)
CHOICES = st.lists(st.integers(0, 59), min_size=12, max_size=110)
OVERWRITTEN = "modified by an inplace operation"
fuzz = lambda examples: settings(
    max_examples=examples, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def leaves_of(shapes):
    return [np.random.default_rng(k).uniform(-1, 1, shape) for k, shape in enumerate(shapes)]


def weights(values):
    return [np.random.default_rng(100 + k).uniform(-1, 1, v.shape) for k, v in enumerate(values)]


def loss_of(module, values):
    """A random combination of everything there is at the end."""
    parts = [
        (v * module.tensor(w)).sum() for v, w in zip(values, weights([v.detach().numpy() for v in values]))
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def numpy_loss(program, arrays):
    values = run(program, arrays)
    return sum(np.sum(v * w) for v, w in zip(values, weights(values)))


def gradient(module, program, arrays):
    """(values, gradients, None), or the error of a saved value that was overwritten."""
    leaves = [module.tensor(a, requires_grad=True) for a in arrays]
    values = run(program, leaves, module)
    try:
        found = module.autograd.grad(loss_of(module, values), leaves)
    except RuntimeError as error:
        assert OVERWRITTEN in str(error), error
        return values, None, str(error)
    return values, [g.numpy() for g in found], None


@fuzz(100)
@given(CHOICES, SHAPES, st.sampled_from(["float32", "float64"]))
def test_values(choices, shapes, dtype):
    program = build(choices, shapes)
    arrays = leaves_of(shapes)
    expected = run(program, arrays)
    tolerance = 1e-3 if dtype == "float32" else 1e-12
    found = run(program, [pb.tensor(a.astype(dtype)) for a in arrays], pb)
    for ours, theirs in zip(found, expected):
        assert str(ours.dtype) == f"pullback.{dtype}"
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=tolerance, atol=tolerance)


@fuzz(100)
@given(CHOICES, SHAPES)
def test_gradients(choices, shapes):
    """Reverse mode against differences of NumPy's values, and forward mode against reverse mode."""
    program = build(choices, shapes)
    arrays = leaves_of(shapes)
    _, grads, error = gradient(pb, program, arrays)
    directions = [np.random.default_rng(7 + k).standard_normal(a.shape) for k, a in enumerate(arrays)]
    moved = lambda h: numpy_loss(program, [a + h * d for a, d in zip(arrays, directions)])
    slope = differences.slope(moved, 1e-4)
    tolerance = 1e-7 * (1 + abs(slope)) + 1e-9 * abs(moved(0))
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(pb.tensor(a), pb.tensor(d)) for a, d in zip(arrays, directions)]
        tangent = forward_ad.unpack_dual(loss_of(pb, run(program, duals, pb))).tangent
    assert abs((0.0 if tangent is None else tangent.item()) - slope) < tolerance, "forward mode"
    assume(error is None)
    pulled = sum(np.sum(g * d) for g, d in zip(grads, directions))
    assert abs(pulled - slope) < tolerance, "reverse mode"


@pytest.mark.torch
@fuzz(100)
@given(CHOICES, SHAPES)
def test_against_pytorch(choices, shapes):
    """The same program there: values, strides, versions, what requires grad, gradients, refusals."""
    import torch

    program = build(choices, shapes)
    arrays = leaves_of(shapes)
    ours, grads, error = gradient(pb, program, arrays)
    theirs, expected, refusal = gradient(torch, program, arrays)
    assert error is None or refusal is not None, error  # ours keeps a copy where x.mul_(x) reads x
    for number, (a, b) in enumerate(zip(ours, theirs)):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-12)
        assert (a.requires_grad, a._version) == (b.requires_grad, b._version), number
        if a.numel() > 1:
            for size, s, t in zip(a.shape, a.stride(), b.stride()):
                assert size == 1 or s == t, (number, a.stride(), b.stride())
    if refusal is None:
        for a, b in zip(grads, expected):
            np.testing.assert_allclose(a, b.numpy() if hasattr(b, "numpy") else b, rtol=1e-10, atol=1e-10)


def test_the_replay_catches_a_wrong_gradient():
    """The tester, tested: a program whose derivative is wrong on purpose does not pass."""
    program = [("sin", [(0, False)], ())]
    arrays = leaves_of([(3,)])
    _, grads, _ = gradient(pb, program, arrays)
    direction = np.ones(3)
    slope = (numpy_loss(program, [arrays[0] + 1e-5]) - numpy_loss(program, [arrays[0] - 1e-5])) / 2e-5
    assert abs(np.sum(grads[0] * direction) - slope) < 1e-8
    assert abs(1.001 * np.sum(grads[0] * direction) - slope) > 1e-5
