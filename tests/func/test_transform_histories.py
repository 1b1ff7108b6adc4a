"""What transforms record and keep: histories of what is captured, modes, views, pending arguments."""

import itertools

import numpy as np
import pytest
from func.doubles import number
from func.ways import WAYS

import pullback as pb
from pullback import func

DOUBLE = {"dtype": pb.float64}


NAMES = ["grad", "jvp", "linearize", "jacrev", "jacfwd"]


# ---- what is kept -------------------------------------------------------------------------------------------


def test_nothing_is_recorded_that_nobody_can_want():
    x = pb.ones(3)
    g, value = func.grad_and_value(lambda x: (x**3).sum())(x)
    assert not g.requires_grad and not value.requires_grad and x.grad is None
    output, pullback = func.vjp(lambda x: x.sin(), x)
    assert not output.requires_grad and not pullback(x)[0].requires_grad
    assert not func.jvp(pb.sin, (x,), (x,))[1].requires_grad
    assert not func.hessian(lambda x: (x**3).sum())(x).requires_grad


def test_what_is_captured_can_be_differentiated():
    w = pb.tensor([2.0, 3.0], requires_grad=True)
    x = pb.tensor([5.0, 7.0])
    g = func.grad(lambda x: (x * x * w).sum())(x)
    assert pb.autograd.grad(g.sum(), w)[0].tolist() == [10.0, 14.0]
    free = func.grad(lambda x: (x * x + w).sum())(x)
    assert not free.requires_grad
    h = func.jacfwd(func.grad(lambda x: (x * x * w).sum()))(x)
    assert pb.autograd.grad(h.sum(), w)[0].tolist() == [2.0, 2.0]


def test_arguments_that_require_grad_outside():
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    g = func.grad(lambda x: (x**3).sum())(x)
    assert pb.autograd.grad(g.sum(), x)[0].tolist() == [6.0, 12.0]
    with pb.no_grad():
        assert not func.grad(lambda x: (x**3).sum())(x).requires_grad
    output, pullback = func.vjp(lambda x: x**2, x)
    assert pb.autograd.grad(output.sum(), x, retain_graph=True)[0].tolist() == [2.0, 4.0]
    assert pb.autograd.grad(pullback(pb.ones(2))[0].sum(), x)[0].tolist() == [2.0, 2.0]
    assert not pullback(pb.ones(2), create_graph=False)[0].requires_grad


def test_cotangents_that_require_grad():
    c = pb.ones(2, requires_grad=True)
    _, pullback = func.vjp(lambda x: x**2, pb.tensor([1.0, 2.0]))
    assert pb.autograd.grad(pullback(c)[0].sum(), c)[0].tolist() == [2.0, 4.0]
    assert not pullback(pb.ones(2))[0].requires_grad


def test_a_tangent_with_a_history_is_met():
    """d/dt of the tangent of grad: neither the argument nor what is captured requires grad, the tangent alone does."""
    y, t = number(2.0), number(3.0)

    def along(t):
        return func.jvp(lambda y: func.grad(lambda x: x * y * y)(number(5.0)), (y,), (t,))[1]

    assert along(t).item() == 12.0
    assert func.grad(along)(t).item() == 4.0
    assert func.jvp(along, (t,), (number(1.0),))[1].item() == 4.0


def test_inner_variables_are_nobodys_outside():
    """A gradient of inner gradients leads to the inner variables: they are closed, and it has no history."""
    p = {"a": number(2.0), "b": number(0.5)}

    def residual(p, t):
        u = lambda t: (p["a"] * t).sin() * p["b"]
        return (func.grad(func.grad(u))(t) + func.grad(u)(t)) ** 2

    for g in func.grad(residual)(p, number(0.3)).values():
        assert not g.requires_grad
    x = pb.tensor([0.3, -0.7], **DOUBLE)
    _, pullback = func.vjp(lambda x: x**3, x)
    _, push = func.linearize(lambda x: x**3, x)
    for jacobian in (func.jacrev, func.jacfwd):
        assert not jacobian(lambda c: pullback(c)[0])(x).requires_grad
        assert not jacobian(push)(x).requires_grad
    w = number(3.0).requires_grad_()
    g = func.grad(lambda s: func.grad(lambda t: (s * t) ** 3 * w)(number(2.0)))(number(1.0))
    assert pb.autograd.grad(g, w)[0].item() == pytest.approx(36.0)


def test_what_linearize_gives_can_be_differentiated_by_what_is_captured():
    w = pb.tensor([1.0, 2.0], requires_grad=True)
    output, push = func.linearize(lambda x: (w * x) ** 2, pb.tensor([3.0, 1.0]))
    tangent = push(pb.ones(2))
    assert pb.autograd.grad(output.sum(), w, retain_graph=True)[0].tolist() == [18.0, 4.0]
    assert pb.autograd.grad(tangent.sum(), w)[0].tolist() == [12.0, 8.0]


def test_no_grad_inside_and_outside():
    def f(x):
        with pb.no_grad():
            c = x**2
        return x - c

    x = pb.tensor(3.0)
    assert func.grad(f)(x).item() == 1.0
    with pb.no_grad():
        assert func.grad(f)(x).item() == 1.0
        assert func.grad(lambda x: x**2)(x).item() == 6.0
        assert func.hessian(lambda x: x**3)(x).item() == 18.0
    with pb.inference_mode():
        assert func.grad(lambda x: x**2)(x).item() == 6.0
        assert func.grad(func.grad(lambda x: x**3))(pb.tensor(2.0)).item() == 12.0
        assert pb.is_inference_mode_enabled() and not pb.is_grad_enabled()
    assert pb.is_grad_enabled()


def test_modes_are_put_back_after_errors():
    def fails(x):
        raise ZeroDivisionError

    for transform in (func.grad, func.jacrev, func.jacfwd, lambda f: lambda x: func.jvp(f, (x,), (x,))):
        with pb.no_grad():
            with pytest.raises(ZeroDivisionError):
                transform(fails)(pb.ones(()))
            assert not pb.is_grad_enabled()
    assert pb.autograd.forward_ad._open.levels == [] and not pb.autograd.forward_ad._open.recorded


def test_a_pullback_may_be_called_again():
    _, pullback = func.vjp(lambda x: x**2, pb.tensor([1.0, 2.0]))
    for factor in (1.0, 2.0):
        assert pullback(pb.full((2,), factor))[0].tolist() == [2 * factor, 4 * factor]
    pullback(pb.ones(2), retain_graph=False)
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        pullback(pb.ones(2))


def test_independent_outputs_give_zeros():
    x, c = pb.ones(2), pb.tensor([5.0])
    assert func.grad(lambda x: c.sum())(x).tolist() == [0.0, 0.0]
    assert func.vjp(lambda x: (c, x), x)[1]((pb.ones(1), pb.zeros(2)))[0].tolist() == [0.0, 0.0]
    assert func.jvp(lambda x: (c, x), (x,), (x,))[1][0].tolist() == [0.0]
    assert func.jacrev(lambda x: c)(x).tolist() == [[0.0, 0.0]] == func.jacfwd(lambda x: c)(x).tolist()
    assert func.linearize(lambda x: (c, x), x)[1](x)[0].tolist() == [0.0]
    with pytest.raises(RuntimeError, match="independent of the inputs"):
        func.jvp(lambda x: c, (x,), (x,), strict=True)


def test_functions_with_views_of_their_argument():
    """Views, strided and expanded arguments, the same tensor twice."""
    base = pb.arange(12.0).reshape(3, 4)
    f = lambda x: (x * x).sum()
    for x in (base.t(), base[::2, 1::2], base[0].expand(3, 4), base[1, 2]):
        np.testing.assert_array_equal(func.grad(f)(x).numpy(), 2 * x.numpy())
        np.testing.assert_array_equal(
            func.hessian(f)(x).numpy().reshape(x.numel(), -1), 2 * np.eye(x.numel())
        )
    x = pb.ones(2)
    a, b = func.grad(lambda x, y: (x * y * y).sum(), argnums=(0, 1))(x, x)
    assert a.tolist() == [1.0, 1.0] and b.tolist() == [2.0, 2.0]
    captured = func.grad(lambda y: (y * x).sum())(x)  # the same tensor is captured: not the variable
    assert captured.tolist() == [1.0, 1.0]


def test_custom_functions():
    class Cube(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    for way in itertools.product(NAMES, repeat=2):
        f = WAYS[way[0]](WAYS[way[1]](Cube.apply))
        assert f(number(2.0)).item() == pytest.approx(12.0), way


def test_large_arguments_stay_pending():
    x = pb.linspace(0, 1, 50_000, **DOUBLE)
    g = func.grad(lambda x: (x.sin() * x).sum())(x)
    np.testing.assert_allclose(g.numpy(), np.cos(x.numpy()) * x.numpy() + np.sin(x.numpy()), rtol=1e-12)
    hvp = func.jvp(func.grad(lambda x: (x.sin() * x).sum()), (x,), (pb.ones_like(x),))[1]
    expected = 2 * np.cos(x.numpy()) - np.sin(x.numpy()) * x.numpy()
    np.testing.assert_allclose(hvp.numpy(), expected, rtol=1e-12)


# ---- what escapes -------------------------------------------------------------------------------------------


def kept_by(transform, *captured):
    """What the function of a transform has kept elsewhere: x * x * sin(x), times what is captured."""
    kept = []

    def f(x):
        y = x * x * x.sin()
        for w in captured:
            y = y * w
        kept.append(y)
        return (y * y).sum()

    transform(f, pb.tensor([1.0, 2.0]))
    return kept[0]


ESCAPES = {
    "grad": lambda f, x: func.grad(f)(x),
    "vjp": lambda f, x: func.vjp(f, x)[0],
    "vjp, pulled": lambda f, x: func.vjp(f, x)[1](pb.tensor(1.0)),
    "jacrev": lambda f, x: func.jacrev(f)(x),
    "two levels": lambda f, x: func.grad(lambda x: func.grad(f)(x).sum())(x),
    "forward over reverse": lambda f, x: func.jvp(func.grad(f), (x,), (x,)),
}


@pytest.mark.parametrize("way", ESCAPES)
def test_what_escaped_is_a_constant(way):
    kept = kept_by(ESCAPES[way])
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad.*has returned"):
        kept.sum().backward()
    w = pb.ones(2, requires_grad=True)
    for _ in range(2):  # whatever was freed inside
        (kept * w + kept).sum().backward(retain_graph=True)
    assert w.grad.tolist() == (2 * kept.detach()).tolist()


@pytest.mark.parametrize("way", ["vjp", "jacrev"])
def test_what_escaped_leads_to_what_was_captured(way):
    w = pb.tensor([3.0, 5.0], requires_grad=True)
    kept = kept_by(ESCAPES[way], w)
    kept.sum().backward()
    assert w.grad.tolist() == pytest.approx((kept.detach() / w.detach()).tolist())


def test_functions_of_users_escape_as_well():
    kept, pulled = [], []

    class Square(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            pulled.append(g.tolist())
            return 2 * g * ctx.saved_tensors[0]

    def f(x):
        kept.append(Square.apply(x))
        return kept[0].sum()

    func.grad(f)(pb.ones(2))
    w = pb.ones(2, requires_grad=True)
    (kept[0] * w).sum().backward()
    assert w.grad.tolist() == [1.0, 1.0] and pulled == [[1.0, 1.0]]  # by the transform alone


def test_hooks_see_the_gradient_of_what_escaped():
    kept, seen = kept_by(ESCAPES["vjp"]), []
    kept.register_hook(lambda g: seen.append(g.tolist()))
    (kept * 3).sum().backward()
    assert seen == [[3.0, 3.0]]


def test_many_that_escaped():
    kept = []

    def f(x):
        for _ in range(2000):
            x = x * x.cos()
            kept.append(x)
        return x

    func.grad(f)(pb.tensor(0.5))
    w = pb.tensor(1.0, requires_grad=True)
    (sum(kept) * w).backward()  # 2,000 ways in, each freed and each with all that is below it
    assert w.grad.item() == pytest.approx(sum(x.item() for x in kept), rel=1e-5)
