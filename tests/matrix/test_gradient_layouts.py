"""How products lie in memory: gradients like the factors that they are for, products of a column and a row pending."""

import gc

import numpy as np
import pytest
from checks import tensor
from deferral import deferral

import pullback as pb
from pullback import _core
from pullback.nn import functional


@pytest.fixture(autouse=True)
def deferring():
    with deferral():
        yield
    gc.collect()


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
@pytest.mark.parametrize("turned", [(), (0,), (1,), (0, 1)])
def test_a_transposed_factor_gets_a_transposed_gradient(turned, batch):
    a, b = draw(*batch, 4, 5), draw(*batch, 5, 6, seed=1)
    given = [
        tensor(np.swapaxes(x, -1, -2).copy() if i in turned else x).requires_grad_()
        for i, x in enumerate((a, b))
    ]
    used = [x.transpose(-1, -2) if i in turned else x for i, x in enumerate(given)]
    seed = draw(*batch, 4, 6, seed=2)
    (used[0] @ used[1]).backward(tensor(seed))
    exact = seed @ np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2) @ seed
    for i, x in enumerate(given):
        expected = np.swapaxes(exact[i], -1, -2) if i in turned else exact[i]
        np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-13, atol=1e-13)
        assert x.grad.stride() == x.stride() and x.grad.is_contiguous()


def test_the_gradient_of_one_matrix_that_met_transposed_batches():
    a, w = draw(3, 4, 5), draw(6, 5, seed=1)
    weight = tensor(w, requires_grad=True)
    (tensor(a) @ weight.t().expand(3, 5, 6)).sum().backward()
    np.testing.assert_allclose(weight.grad.numpy(), np.tile(a.sum((0, 1)), (6, 1)), rtol=1e-13)


def test_a_gradient_that_is_kept_is_nobody_elses():
    w = tensor(draw(6, 5), requires_grad=True)
    seen = []
    y = tensor(draw(4, 5)) @ w.t()
    w.register_hook(seen.append)
    y.sum().backward()
    expected = w.grad.numpy().copy()
    w.grad.mul_(0)
    np.testing.assert_array_equal(seen[0].numpy(), expected)


def test_gradients_of_every_order_do_not_depend_on_the_layout():
    x, w = draw(4, 5), draw(6, 5, seed=1)

    def penalty(weight, turned):
        y = (tensor(x) @ (weight.t() if turned else weight)).tanh().sum()
        (g,) = pb.autograd.grad(y, weight, create_graph=True)
        return pb.autograd.grad((g * g).sum(), weight)[0].numpy()

    by_columns = penalty(tensor(w, requires_grad=True), True)
    by_rows = penalty(tensor(w.T.copy(), requires_grad=True), False)
    np.testing.assert_allclose(by_columns, by_rows.T, rtol=1e-12)


# ---- a column and a row ----


def step(weight, bias, x):
    loss = functional.linear(x, weight, bias).square().sum()
    loss.backward()
    with pb.no_grad():
        weight -= 0.1 * weight.grad
    return weight


def test_an_update_by_an_outer_product_does_not_store_it():
    w, b, x = draw(80, 90).astype("f"), draw(80).astype("f"), draw(1, 90, seed=1).astype("f")
    weight, bias = tensor(w, requires_grad=True), tensor(b, requires_grad=True)
    step(weight, bias, tensor(x))
    weight.grad = None
    text = pb.explain(weight)
    assert text.startswith("program of") and text.count("store") == 1 and text.count("broadcast") == 2
    y = x.astype("d") @ w.T.astype("d") + b
    expected = w - 0.1 * 2 * y.T * x
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("turned", [(), (0,), (1,), (0, 1)])
def test_an_outer_product_is_the_same_at_once_and_later(turned, dtype):
    factors = [draw(70, 1).astype(dtype), draw(1, 90, seed=1).astype(dtype)]
    factors[0][3], factors[1][0, 5] = np.inf, 0
    given = [tensor(x.T.copy()).t() if i in turned else tensor(x) for i, x in enumerate(factors)]
    later = given[0] @ given[1]
    assert _core.pending(later)
    _core.deferral(True, 4096)
    at_once = given[0] @ given[1]
    assert later.numpy().tobytes() == at_once.numpy().tobytes()
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(at_once.numpy(), factors[0] * factors[1])  # 0 times infinity is nan


def test_integers_have_outer_products_too():
    a, b = np.arange(100).reshape(100, 1), np.arange(90).reshape(1, 90)
    np.testing.assert_array_equal((tensor(a) @ tensor(b)).numpy(), a * b)
