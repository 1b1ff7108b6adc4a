"""A zero gradient stays zero through a pole: the branch not taken contributes nothing, not NaN."""

import numpy as np
import pytest

import pullback as pb

inf = float("inf")

# where(condition, guarded, 0) at a point where the guarded branch has an infinite or undefined derivative
CASES = {
    "sqrt at 0": (lambda x: pb.where(x > 0, x.sqrt(), pb.zeros_like(x)), 0.0, 0.0),
    "sqrt of a negative": (lambda x: pb.where(x > 0, x.sqrt(), pb.zeros_like(x)), -1.0, 0.0),
    "log at 0": (lambda x: pb.where(x > 0, x.log(), pb.zeros_like(x)), 0.0, 0.0),
    "1/x at 0": (lambda x: pb.where(x != 0, 1 / x, pb.zeros_like(x)), 0.0, 0.0),
    "x/x at 0": (lambda x: pb.where(x != 0, x.sin() / x, pb.ones_like(x)), 0.0, 0.0),
    "rsqrt at 0": (lambda x: pb.where(x > 0, x.rsqrt(), x * 3), 0.0, 3.0),
    "an overflow in a product": (
        lambda x: pb.where(x < 80, x * (10 * x).exp(), pb.zeros_like(x)),
        100.0,
        0.0,
    ),
    "a power": (lambda x: pb.where(x > 0, x**0.5, x * 2), 0.0, 2.0),
    "a negative power": (lambda x: pb.where(x > 0, x**-1.5, x * 2), 0.0, 2.0),
    "acos at 1": (lambda x: pb.where(x < 1, x.acos(), x * 5), 1.0, 5.0),
    "atanh at 1": (lambda x: pb.where(x < 1, x.atanh(), x * 5), 1.0, 5.0),
    "sqrt in sqrt": (lambda x: pb.where(x > 0, x.sqrt().sqrt(), x), 0.0, 1.0),
    "masked by a product": (lambda x: x.sqrt() * 0, 0.0, 0.0),
    "the norm of nothing": (lambda x: (x * x).sqrt() * (x != 0), 0.0, 0.0),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
def test_first_derivative(name, dtype):
    f, at, expected = CASES[name]
    x = pb.tensor([at], dtype=dtype, requires_grad=True)
    assert pb.autograd.grad(f(x).sum(), x)[0].tolist() == [expected]


@pytest.mark.parametrize("name", CASES)
def test_first_derivative_with_a_graph(name):
    f, at, expected = CASES[name]
    x = pb.tensor([at], requires_grad=True)
    (g,) = pb.autograd.grad(f(x).sum(), x, create_graph=True)
    assert g.tolist() == [expected]
    if g.requires_grad:
        assert pb.autograd.grad(g.sum(), x, allow_unused=True, materialize_grads=True)[0].tolist() == [0]


@pytest.mark.parametrize("name", CASES)
def test_tangent(name):
    f, at, expected = CASES[name]
    if name in ("masked by a product", "the norm of nothing"):
        pytest.skip("in forward mode the product with 0 comes last: the tangent is 0 times infinity")
    with pb.autograd.forward_ad.dual_level():
        x = pb.autograd.forward_ad.make_dual(pb.tensor([at]), pb.ones(1))
        assert pb.autograd.forward_ad.unpack_dual(f(x)).tangent.tolist() == [expected]


@pytest.mark.parametrize("name", ["sqrt at 0", "log at 0", "1/x at 0"])
def test_elements_do_not_disturb_each_other(name):
    f, at, expected = CASES[name]
    values = [4.0, at, 9.0]
    x = pb.tensor(values, dtype=pb.float64, requires_grad=True)
    (g,) = pb.autograd.grad(f(x).sum(), x)
    alone = [pb.tensor([v], dtype=pb.float64, requires_grad=True) for v in values]
    assert g.tolist() == [pb.autograd.grad(f(a).sum(), a)[0].item() for a in alone]
    assert np.isfinite(g.tolist()).all()


def test_a_gradient_that_is_not_zero_still_meets_the_pole():
    x = pb.tensor([0.0], requires_grad=True)
    assert pb.autograd.grad(x.sqrt().sum(), x)[0].tolist() == [inf]


def test_nan_in_a_value_is_not_hidden():
    x = pb.tensor([float("nan")], requires_grad=True)
    y = x * x
    assert np.isnan(y.tolist()).all()
    assert np.isnan(pb.autograd.grad(y.sum(), x)[0].tolist()).all()
