"""Forward mode: levels, mixtures with reverse mode, duals that are viewed and written in place."""

import mpmath
import numpy as np
import pytest
from checks.orders import SEQUENCES, derivative
from deferral import deferral

import pullback as pb
from pullback.autograd import forward_ad as fwd


def composite(x):
    """A program with most kinds of operations in it; scalar in, scalar out, for tensors."""
    y = (x.sin() * x.exp() + (x * x).tanh()) / (1 + x * x)
    v = pb.zeros(3, dtype=pb.float64)
    v[0] = y
    v[1:] = y * x
    w = v[1:]
    w.mul_(x)
    return (v * v).sum().sqrt() + (v[2] * x).log1p()


def composite_mp(x):
    y = (mpmath.sin(x) * mpmath.exp(x) + mpmath.tanh(x * x)) / (1 + x * x)
    a, b = y, y * x * x
    return mpmath.sqrt(a * a + 2 * b * b) + mpmath.log1p(b * x)


POINT = 0.7


def truth(order):
    with mpmath.workdps(40):
        return float(mpmath.diff(composite_mp, mpmath.mpf(POINT), order))


def forward(f):
    return derivative(f, "F")


@pytest.mark.parametrize(
    "modes", sorted({modes[k:] for modes in (*SEQUENCES, "RFF") for k in range(len(modes))})
)
def test_sequences_of_modes(modes):
    x = pb.tensor(POINT, dtype=pb.float64)
    assert derivative(composite, modes)(x).item() == pytest.approx(truth(len(modes)), rel=1e-9)


def test_forward_over_reverse():
    x = pb.tensor(POINT, dtype=pb.float64, requires_grad=True)
    with fwd.dual_level():
        dual = fwd.make_dual(x, pb.ones_like(x))
        (g,) = pb.autograd.grad(composite(dual), dual, create_graph=True)
        primal, tangent = fwd.unpack_dual(g)
    assert primal.item() == pytest.approx(truth(1), rel=1e-11)
    assert tangent.item() == pytest.approx(truth(2), rel=1e-11)


def test_forward_over_reverse_into_the_grad_of_the_leaf():
    x = pb.tensor(POINT, dtype=pb.float64, requires_grad=True)
    with fwd.dual_level():
        composite(fwd.make_dual(x, pb.ones_like(x))).backward()
        assert fwd.unpack_dual(x.grad).tangent.item() == pytest.approx(truth(2), rel=1e-11)


def test_reverse_over_forward():
    x = pb.tensor(POINT, dtype=pb.float64, requires_grad=True)
    with fwd.dual_level():
        tangent = fwd.unpack_dual(composite(fwd.make_dual(x, pb.ones_like(x)))).tangent
    tangent.backward()
    assert x.grad.item() == pytest.approx(truth(2), rel=1e-11)


def test_perturbations_are_not_confused():
    """d/dx [x * d/dy (x + y)] is 1: the inner derivative must not see the outer tangent (Siskind and Pearlmutter)."""
    one = pb.tensor(1.0)

    def outer(x):
        return x * forward(lambda y: x + y)(pb.tensor(2.0))

    assert forward(outer)(one).item() == 1
    x = pb.tensor(1.0, requires_grad=True)
    y = pb.tensor(2.0, requires_grad=True)
    (inner,) = pb.autograd.grad(x + y, y, create_graph=True)
    assert pb.autograd.grad(x * inner, x)[0].item() == 1
    # and with a function in which the inner derivative depends on the outer variable
    assert forward(lambda x: x * forward(lambda y: x * y * y)(pb.tensor(3.0)))(one).item() == 12


def test_levels_of_one_value_do_not_mix():
    with fwd.dual_level() as first:
        x = fwd.make_dual(pb.tensor(2.0), pb.tensor(1.0))
        with fwd.dual_level():
            y = fwd.make_dual(x, pb.tensor(10.0))
            z = y * y
            assert fwd.unpack_dual(z).tangent.item() == 40
            assert fwd.unpack_dual(z, level=first).tangent.item() == 4
            assert fwd.unpack_dual(fwd.unpack_dual(z).tangent, level=first).tangent.item() == 20
        assert fwd.unpack_dual(x * x).tangent.item() == 4


def test_tangents_end_with_their_level():
    with fwd.dual_level():
        x = fwd.make_dual(pb.tensor(2.0), pb.tensor(1.0))
        y = x * 3
    assert fwd.unpack_dual(y).tangent is None
    z = y * 2
    with fwd.dual_level():
        assert fwd.unpack_dual(z).tangent is None
        assert fwd.unpack_dual(y * 5).tangent is None
    assert pb._core.highest_level((z, y)) == 0


def test_views_of_duals():
    t = np.arange(6.0).reshape(2, 3)
    with fwd.dual_level():
        x = fwd.make_dual(pb.ones(2, 3), pb.tensor(t.tolist()))
        for view, expected in ((x[0], t[0]), (x.t(), t.T), (x.view(6), t.reshape(6)), (x[:, ::2], t[:, ::2])):
            assert fwd.unpack_dual(view).tangent.tolist() == expected.tolist()


def test_in_place_on_a_dual():
    with fwd.dual_level():
        x = fwd.make_dual(pb.tensor([1.0, 2.0, 3.0]), pb.tensor([1.0, 1.0, 1.0]))
        y = x * 2
        y.mul_(y.clone())
        assert fwd.unpack_dual(y).tangent.tolist() == [8, 16, 24]
        y[0] = 5.0
        assert fwd.unpack_dual(y).tangent.tolist() == [0, 16, 24]
        y[1:] = x[:2]
        assert fwd.unpack_dual(y).tangent.tolist() == [0, 1, 1]


def test_in_place_through_a_view_of_a_dual():
    with fwd.dual_level():
        x = fwd.make_dual(pb.tensor([1.0, 2.0, 3.0]), pb.tensor([1.0, 1.0, 1.0]))
        y = x * 2
        v = y[1:]
        v.mul_(10)
        assert fwd.unpack_dual(v).tangent.tolist() == [20, 20]
        assert fwd.unpack_dual(y).tangent.tolist() == [2, 20, 20]
        y.mul_(2)
        assert fwd.unpack_dual(v).tangent.tolist() == [40, 40]


def test_in_place_into_a_constant():
    with fwd.dual_level():
        x = fwd.make_dual(pb.tensor([1.0, 2.0]), pb.tensor([1.0, 5.0]))
        base = pb.zeros(2, 2)
        base[0] = x
        row = base[1]
        row.copy_(x * 2)
        assert fwd.unpack_dual(base).tangent.tolist() == [[1, 5], [2, 10]]


def test_no_grad_does_not_matter():
    with fwd.dual_level(), pb.no_grad():
        x = fwd.make_dual(pb.tensor(2.0), pb.tensor(1.0))
        assert fwd.unpack_dual(x * x).tangent.item() == 4


def test_a_constant_has_no_tangent():
    with fwd.dual_level():
        assert fwd.unpack_dual(pb.ones(2)).tangent is None
        x = fwd.make_dual(pb.ones(2), pb.ones(2))
        assert fwd.unpack_dual(x > 0).tangent is None


def test_misuse():
    with pytest.raises(
        RuntimeError, match="Trying to create a dual Tensor for forward AD but no level exists"
    ):
        fwd.make_dual(pb.ones(2), pb.ones(2))
    with pytest.raises(RuntimeError, match="Trying to exit a forward AD level"):
        fwd.exit_dual_level()
    with fwd.dual_level():
        with pytest.raises(ValueError, match="Expected primal to be floating point or complex"):
            fwd.make_dual(pb.tensor([1]), pb.ones(1))
        with pytest.raises(ValueError, match="Expected tangent to be floating point or complex"):
            fwd.make_dual(pb.ones(1), pb.tensor([1]))
        with pytest.raises(RuntimeError, match="Trying to set a forward gradient that has a different size"):
            fwd.make_dual(pb.ones(2), pb.ones(3))
    level = fwd.enter_dual_level()
    fwd.enter_dual_level()
    with pytest.raises(RuntimeError, match="not the last one"):
        fwd.exit_dual_level(level=level)
    fwd.exit_dual_level()
    fwd.exit_dual_level(level=level)


class Cube(pb.autograd.Function):
    """A Function with a forward-mode rule."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * x**2

    @staticmethod
    def jvp(ctx, tangent):
        (x,) = ctx.saved_tensors
        return tangent * 3 * x**2


class CubeWithout(pb.autograd.Function):
    """The same without one: it follows from backward."""

    forward, backward = staticmethod(Cube.forward), staticmethod(Cube.backward)


@pytest.mark.parametrize("function", [Cube, CubeWithout])
def test_functions_in_every_mode(function):
    x = pb.tensor(2.0, dtype=pb.float64, requires_grad=True)
    f = function.apply
    assert forward(f)(x).item() == 12
    assert forward(forward(f))(x).item() == 12
    assert forward(forward(forward(f)))(x).item() == 6
    assert pb.autograd.grad(forward(f)(x), x)[0].item() == 12
    with fwd.dual_level():
        dual = fwd.make_dual(x, pb.ones_like(x))
        (g,) = pb.autograd.grad(f(dual), dual, create_graph=True)
        assert fwd.unpack_dual(g).tangent.item() == 12


@pytest.mark.parametrize("wrong", [lambda t: t[0], lambda t: t[None], lambda t: t.T])
def test_a_tangent_of_a_functions_own_has_the_shape_of_its_output(wrong):
    class Twice(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def jvp(ctx, t):
            return wrong(2 * t)

    with fwd.dual_level(), pytest.raises(RuntimeError, match="different size than that of the original"):
        Twice.apply(fwd.make_dual(pb.ones(2, 3), pb.ones(2, 3)))


@pytest.mark.parametrize("materialize", [True, False])
def test_the_tangents_of_a_functions_own_rule_are_zeros_or_none(materialize):
    seen = []

    class Product(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x, y, indices, number):
            ctx.set_materialize_grads(materialize)
            ctx.save_for_forward(x, y)
            return x * y

        @staticmethod
        def jvp(ctx, tx, ty, *others):
            seen.append((ty, *others))
            x, y = ctx.saved_tensors
            return tx * y if ty is None else tx * y + x * ty

    with fwd.dual_level():
        x = fwd.make_dual(pb.tensor([2.0, 3.0]), pb.ones(2))
        out = Product.apply(x, pb.tensor([5.0, 7.0]), pb.arange(2), 3)
        assert fwd.unpack_dual(out).tangent.tolist() == [5, 7]
    ((ty, *others),) = seen
    assert others == [None, None] and (ty.tolist() == [0, 0] if materialize else ty is None)


@pytest.mark.parametrize(
    "f, moves",
    [
        (lambda x: pb.cat([pb.tensor([7]), x]), [0, 1, 2]),
        (lambda x: pb.stack([x, x > 0]), [[1, 2], [0, 0]]),
        (lambda x: pb.hstack([x.long(), x]), [0, 0, 1, 2]),
        (lambda x: pb.column_stack([x, pb.tensor([3, 4])]), [[1, 0], [2, 0]]),
        (lambda x: pb.block_diag(x, pb.tensor([[5]])), [[1, 2, 0], [0, 0, 0]]),
        (lambda x: x.clone().copy_(pb.tensor([3, 4])), [0, 0]),
        (lambda x: pb.select_scatter(x, pb.tensor(4), 0, 1), [1, 0]),
        (lambda x: x[pb.tensor([1, 1, 0])], [2, 2, 1]),
        (lambda x: x.index_put((pb.tensor([1]),), pb.tensor([9.0])), [1, 0]),
        (lambda x: x.repeat_interleave(pb.tensor([2, 1])), [1, 1, 2]),
        (lambda x: x.scatter_reduce(0, pb.tensor([0, 0]), x, "sum"), [4, 2]),
        (lambda x: x.masked_scatter(x > 1, pb.tensor([9.0, 8.0])), [1, 0]),
    ],
)
def test_integers_among_the_operands_do_not_move(f, moves):
    x = pb.tensor([1.0, 2.0])
    assert pb.func.jvp(f, (x,), (x,))[1].tolist() == moves
    assert pb.func.vmap(lambda x: pb.func.jvp(f, (x,), (x,))[1])(pb.stack([x, x])).tolist() == [moves] * 2


@pytest.mark.parametrize("name", ["pow", "atan2", "hypot", "logaddexp", "div", "xlogy"])
def test_partials_that_nobody_asks_for_are_not_computed(name):
    """Of a function of two numbers only one varies: the other partial, a logarithm say, costs nothing."""
    f, x, y = getattr(pb, name), pb.rand(8) + 1, pb.rand(8) + 1

    def made(*tangents):
        before = pb.counters()["expressions"]
        with fwd.dual_level():
            operands = [t if d is None else fwd.make_dual(t, d) for t, d in zip((x, y), tangents)]
            tangent = fwd.unpack_dual(f(*operands)).tangent
            return pb.counters()["expressions"] - before, tangent

    with deferral(least=1):
        (first, by_x), (second, by_y), (both, total) = made(x, None), made(None, y), made(x, y)
        assert max(first, second) < both
        assert pb.allclose(by_x + by_y, total)
