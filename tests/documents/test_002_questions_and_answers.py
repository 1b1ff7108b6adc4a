"""A page of short questions on automatic differentiation (dot products, non-scalar outputs, detach, control
flow), in Python.

The page asserts comparisons of whole tensors, such as ``assert x.grad == 4 * x``. In PyTorch 2.13, and here,
such a comparison is a tensor of Booleans, and asking whether a tensor of four elements is true raises. Each
of those assertions is therefore written with ``.all()``, and the refusal itself is tested.
"""

import pytest

import pullback as pb


@pytest.fixture
def x():
    return pb.arange(4.0)


def test_the_derivative_of_twice_a_dot_product(x):
    x.requires_grad_(True)
    y = 2 * pb.dot(x, x)
    assert y.item() == 28.0
    assert repr(y) == "tensor(28., grad_fn=<MulBackward0>)"
    y.backward()
    assert repr(x.grad) == "tensor([ 0.,  4.,  8., 12.])"
    assert (x.grad == 4 * x).all()

    with pytest.raises(RuntimeError, match="Boolean value of Tensor with more than one value is ambiguous"):
        assert x.grad == 4 * x


def test_requires_grad_may_be_said_at_construction():
    x = pb.arange(4.0, requires_grad=True)
    assert x.requires_grad and x.is_leaf and x.grad is None
    assert repr(x) == "tensor([0., 1., 2., 3.], requires_grad=True)"


def test_backward_of_several_outputs(x):
    x.requires_grad_(True)
    (2 * pb.dot(x, x)).backward()
    x.grad.zero_()
    assert x.grad.tolist() == [0.0, 0.0, 0.0, 0.0]

    y = x * x
    y.sum().backward()
    assert repr(x.grad) == "tensor([0., 2., 4., 6.])"

    x.grad.zero_()
    y = x * x
    y.backward(pb.ones(len(x)))  # the same thing
    assert x.grad.tolist() == [0.0, 2.0, 4.0, 6.0]

    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        (x * x).backward()


def test_without_zeroing_gradients_accumulate(x):
    x.requires_grad_(True)
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [0.0, 4.0, 8.0, 12.0]


def test_detach_makes_a_constant(x):
    x.requires_grad_(True)
    x.grad = pb.zeros(4)
    x.grad.zero_()
    y = x * x
    u = y.detach()
    z = u * x

    z.sum().backward()
    assert not u.requires_grad and u.grad_fn is None
    assert (x.grad == u).all()
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with more than one value is ambiguous"):
        assert x.grad == u

    x.grad.zero_()
    y.sum().backward()  # the graph of y itself is whole
    assert (x.grad == 2 * x).all()


def f(a):
    """Piecewise linear in `a`, through a loop and a branch that depend on its value."""
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    return b if b.sum() > 0 else 100 * b


@pytest.mark.parametrize("seed", range(8))
def test_the_derivative_of_a_python_function(seed):
    pb.manual_seed(seed)
    a = pb.randn(size=(), requires_grad=True)
    d = f(a)
    d.backward()
    assert a.shape == () and a.grad.shape == ()
    assert a.grad.item() == pytest.approx((d / a).item(), rel=1e-6)


@pytest.mark.parametrize("value, slope", [(3.0, 512.0), (-3.0, 51200.0), (1000.0, 2.0)])
def test_each_run_has_its_own_graph(value, slope):
    a = pb.tensor(value, requires_grad=True)
    f(a).backward()
    assert a.grad.item() == slope
