"""Every differentiable row on the core, in both modes and all nestings: in its domain, at kinks, at poles."""

import numpy as np
import pytest
from calculus.samples import free_operands
from checks import check_elementwise, check_modes
from elementwise.support import DIFFERENTIABLE, by_name, parameters

import pullback as pb

COUNT = 5


def function(row, condition=None):
    """The row as a function of its differentiated operands alone."""
    free, given = free_operands(row), parameters(row)

    def f(*tensors):
        operands = iter(tensors)
        return row(*[next(operands) if i in free else given.get(i, condition) for i in range(row.arity)])

    return f


def away_from_kinks(row, seed=1):
    """Points of the row's domain where differences settle: found by asking NumPy for slopes at two steps."""
    from calculus import interpreter
    from calculus.samples import operands, random_points
    from calculus.test_partials import slope

    points = random_points(row, count=200, seed=seed)
    good = np.ones(200, bool)
    for index in range(len(points)):
        for at in (0.0, 0.013, -0.011):  # neighbours too: the checker steps away
            moved = [p + at for p in points]
            with np.errstate(all="ignore"):
                good &= slope(lambda p: interpreter.value(row.name, operands(row, p)), moved, index)[1]
    if isinstance(row.domain[0], tuple) or row.domain[0] >= 0:  # not too near the border either
        for p, (low, high) in zip(points, row.domain if isinstance(row.domain[0], tuple) else [row.domain]):
            good &= (p > low + 0.05 * (high - low)) & (p < high - 0.05 * (high - low))
    assert good.sum() >= COUNT
    return [p[good][:COUNT] for p in points]


@pytest.mark.parametrize("row", **by_name(DIFFERENTIABLE))
def test_every_mode_and_nesting(row):
    points = away_from_kinks(row)
    if row.promotion == "where":
        check_elementwise(function(row, pb.tensor(True)), *points)
        mask = pb.tensor(np.arange(COUNT) % 2 == 0)
        check_modes(function(row, mask), *points)
        return
    check_elementwise(function(row), *points)


def kinks():
    for row in DIFFERENTIABLE:
        for point, partials in row.kinks.items():
            yield pytest.param(
                row,
                point if isinstance(point, tuple) else (point,),
                partials if isinstance(partials, tuple) else (partials,),
                id=f"{row.name}{point}",
            )


@pytest.mark.parametrize("row, point, partials", list(kinks()))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_choices_at_kinks(row, point, partials, dtype):
    """The stated partials, through the core, without and with a graph of the gradient."""
    free = free_operands(row)
    given = parameters(row, defaults=True)
    for create_graph in (False, True):
        leaves = [pb.tensor(np.array([x, x], dtype)).requires_grad_() for x in point]
        operands = iter(leaves)
        y = row(*[next(operands) if i in free else given[i] for i in range(row.arity)])
        found = pb.autograd.grad(
            y, leaves, pb.tensor(np.ones(2, dtype)), create_graph=create_graph, allow_unused=True
        )
        for g, expected in zip(found, partials):
            g = np.zeros(2) if g is None else g.detach().numpy()
            np.testing.assert_array_equal(g, np.array([expected, expected], dtype))


SECOND_IS_INFINITE = {"xlogy", "xlog1py", "logit", "acosh"}


@pytest.mark.parametrize("row", **by_name([r for r in DIFFERENTIABLE if r.kinks]))
def test_modes_agree_at_kinks(row):
    for point in row.kinks:
        point = point if isinstance(point, tuple) else (point,)
        if not np.isfinite(point).all() or (row.name == "pow" and point[0] <= 0):
            continue  # partials that are infinite or NaN: see the poles
        check_modes(
            function(row), *[np.array([float(x)]) for x in point], second=row.name not in SECOND_IS_INFINITE
        )


POLES = [
    ("sqrt", (0.0,)),
    ("log", (0.0,)),
    ("log", (-1.0,)),
    ("reciprocal", (0.0,)),
    ("rsqrt", (0.0,)),
    ("asin", (1.0,)),
    ("acos", (-1.0,)),
    ("acosh", (1.0,)),
    ("atanh", (1.0,)),
    ("div", (1.0, 0.0)),
    ("pow", (0.0, 0.5)),
    ("pow", (-2.0, 1.5)),
    ("hypot", (0.0, 0.0)),
    ("atan2", (0.0, 0.0)),
    ("xlogy", (1.0, 0.0)),
    ("log1p", (-1.0,)),
    ("erfinv", (1.0,)),
    ("logit", (0.0,)),
    ("lgamma", (0.0,)),
    ("digamma", (-1.0,)),
    ("tan", (np.inf,)),
    ("exp", (1000.0,)),
    ("mul", (0.0, np.inf)),
    ("sinc", (np.inf,)),
]


@pytest.mark.parametrize("name, point", POLES, ids=[f"{name}{point}" for name, point in POLES])
def test_a_zero_gradient_stays_zero(name, point):
    """The branch not taken sends back an exact zero, and no infinite partial makes NaN of it, in any mode."""
    from calculus.interpreter import ROWS

    row = ROWS[name]
    for create_graph in (False, True):
        leaves = [pb.tensor(np.array([x, x])).requires_grad_() for x in point]
        chosen = pb.where(pb.tensor([False, False]), row(*leaves), 0.0)
        found = pb.autograd.grad(chosen.sum(), leaves, create_graph=create_graph)
        for g in found:
            np.testing.assert_array_equal(g.detach().numpy(), [0, 0])
    from pullback.autograd import forward_ad

    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(pb.tensor(np.array([x])), pb.tensor(np.array([0.0]))) for x in point]
        tangent = forward_ad.unpack_dual(row(*duals)).tangent
        assert tangent is None or tangent.numpy() == 0


def test_a_nan_in_the_gradient_is_not_hidden():
    x = pb.tensor([2.0], requires_grad=True)
    (g,) = pb.autograd.grad(x * x, x, pb.tensor([float("nan")]))
    assert np.isnan(g.numpy()).all()


def test_a_product_has_a_mixed_derivative_at_zero():
    """zmul is differentiated as a product: d2(xy)/dxdy is 1 at 0 too, in every nesting."""
    check_modes(pb.mul, np.array([0.0]), np.array([0.0]))
    x, z = (pb.tensor([0.0], requires_grad=True) for _ in range(2))
    (g,) = pb.autograd.grad(x * z, x, pb.tensor([1.0]), create_graph=True)
    (mixed,) = pb.autograd.grad(g, z, pb.tensor([1.0]))
    assert mixed.item() == 1


@pytest.mark.parametrize("order", [3, 4])
def test_higher_orders(order):
    x = pb.tensor(np.array([0.3, 0.7]), requires_grad=True)
    y = x.sin() * x.exp()  # its fourth derivative is -4 times itself
    value = y.detach().numpy()
    for _ in range(order):
        (y,) = pb.autograd.grad(y.sum(), x, create_graph=True)
    s = x.detach().numpy()
    expected = -4 * value if order == 4 else 2 * np.exp(s) * (np.cos(s) - np.sin(s))
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-12)
