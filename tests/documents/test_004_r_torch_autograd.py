"""The chapter on automatic differentiation of a book on torch for R, in Python.

Its function is ``0.2 x1^2 + 0.2 x2^2 - 5`` at (2, 2), computed in the named steps x3 to x7. What differs from
the page: R's ``torch_tensor(2)`` has one dimension, so here it is ``pb.tensor([2.0])``; the backend of that
time writes ``MulBackward1`` and ``SubBackward1`` where one operand is a number, PyTorch 2.13 ``MulBackward0``
and ``SubBackward0``.
"""

import warnings

import pytest

import pullback as pb


def graph(retain=False):
    x1 = pb.tensor([2.0], requires_grad=True)
    x2 = pb.tensor([2.0], requires_grad=True)
    x3 = x1.square()
    x5 = x3 * 0.2
    x4 = x2.square()
    x6 = x4 * 0.2
    if retain:
        for x in (x3, x4, x5, x6):
            x.retain_grad()
    x7 = x5 + x6 - 5
    return x1, x2, x3, x4, x5, x6, x7


def test_the_value():
    *_, x7 = graph()
    assert repr(x7) == "tensor([-3.4000], grad_fn=<SubBackward0>)"
    assert x7.requires_grad is True


def test_only_the_sources_need_to_ask():
    x1, x2, *others = graph()
    assert x1.is_leaf and x2.is_leaf
    assert all(x.requires_grad and not x.is_leaf for x in others)
    assert not pb.tensor([2.0]).requires_grad


def test_the_gradients():
    x1, x2, *_, x7 = graph()
    x7.backward()
    assert repr(x1.grad) == "tensor([0.8000])"
    assert repr(x2.grad) == "tensor([0.8000])"
    assert x1.grad.item() == pytest.approx(0.4 * 2)


def test_the_gradient_of_an_intermediate_is_not_kept_and_a_warning_says_so():
    _, _, x3, *_, x7 = graph()
    x7.backward()
    with pytest.warns(UserWarning, match=r"The \.grad attribute of a Tensor that is not a leaf Tensor"):
        assert x3.grad is None


def test_retain_grad_keeps_it():
    x1, x2, x3, x4, x5, x6, x7 = graph(retain=True)
    x7.backward()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what was asked for may be read without a warning
        assert repr(x3.grad) == "tensor([0.2000])"
        assert repr(x4.grad) == "tensor([0.2000])"
        assert repr(x5.grad) == "tensor([1.])"
        assert repr(x6.grad) == "tensor([1.])"
    assert x3.retains_grad and not x7.retains_grad
    assert repr(x1.grad) == repr(x2.grad) == "tensor([0.8000])"


def test_the_recipes():
    _, _, x3, x4, x5, x6, x7 = graph()
    names = [x.grad_fn.name() for x in (x3, x4, x5, x6, x7)]
    assert names == ["PowBackward0", "PowBackward0", "MulBackward0", "MulBackward0", "SubBackward0"]


def test_the_recipes_lead_back_to_the_sources():
    x1, _, x3, _, x5, _, _ = graph()
    ((square, _),) = [edge for edge in x5.grad_fn.next_functions if edge[0] is not None]
    assert square.name() == x3.grad_fn.name()
    ((leaf, _),) = square.next_functions
    assert leaf.variable is x1


def test_the_individual_derivatives():
    x1, _, x3, _, x5, x6, x7 = graph()
    (d5, d6) = pb.autograd.grad(x7, [x5, x6], retain_graph=True)
    assert (d5.item(), d6.item()) == (1.0, 1.0)
    (d3,) = pb.autograd.grad(x5, [x3], retain_graph=True)
    assert d3.item() == pytest.approx(0.2)
    (d1,) = pb.autograd.grad(x3, [x1], retain_graph=True)
    assert d1.item() == 4.0  # 2 x1
    (whole,) = pb.autograd.grad(x7, [x1])
    assert whole.item() == pytest.approx((d1 * d3 * d5).item()) == pytest.approx(0.8)


def test_the_landscape_and_its_steepest_descent():
    # f has its minimum -5 at the origin; its gradient is (0.4 x1, 0.4 x2); going against it leads there.
    x = pb.tensor([5.0, -3.0], dtype=pb.float64, requires_grad=True)

    def f(x):
        return 0.2 * x[0] ** 2 + 0.2 * x[1] ** 2 - 5

    f(x).backward()
    assert x.grad.tolist() == pytest.approx([2.0, -1.2])
    for _ in range(60):
        x.grad = None
        f(x).backward()
        with pb.no_grad():
            x -= x.grad
    assert x.tolist() == pytest.approx([0.0, 0.0], abs=1e-12)
    assert f(x).item() == pytest.approx(-5.0)
