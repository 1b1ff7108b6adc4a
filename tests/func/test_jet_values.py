"""Taylor mode: every row of the table and every structured operator, beside nested forward mode and mpmath.

A jet along a curve x(t) has to give the derivatives by t that `jvp`, nested, gives of f(x(t)); those are tested elsewhere
against differences. mpmath and closed forms are truths of their own.
"""

import itertools
import re
import warnings

import mpmath
import numpy as np
import pytest
from batch.table import FLOATS, IN_PLACE, ITEMS, SMOOTH, function, operands_of, value
from calculus.samples import free_operands, random_points
from elementwise.support import DIFFERENTIABLE, by_name, parameters
from func.curves import F64, assert_as_nested
from nn.calls import IMAGES, LOSSES, OTHERS, WINDOWS
from nn.calls import SMOOTH as MOVING
from nn.calls import operands as network_operands

import pullback as pb
from pullback.func import directional_derivatives, jet

ORDER = 4
inf, nan = np.inf, np.nan


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def row_function(row, count):
    """A row as a function of the operands that it is differentiated by."""
    free, given = free_operands(row), parameters(row)
    condition = pb.tensor(np.arange(count) % 2 == 0)

    def f(*operands):
        rest = iter(operands)
        return row(*[next(rest) if k in free else given.get(k, condition) for k in range(row.arity)])

    return f


# ---- the table ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", **by_name(DIFFERENTIABLE))
def test_a_row_along_a_curve(row):
    points = np.array(random_points(row, 12))
    generator = np.random.default_rng(1)
    primals = tuple([pb.tensor(p) for p in points])
    series = tuple([[pb.tensor(0.3 * generator.standard_normal(12)) for _ in range(ORDER)] for _ in primals])
    assert_as_nested(row_function(row, 12), primals, series, 1e-9)


POINTS = {1: [-inf, -1000.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 1000.0, inf, nan]}
POINTS[2] = [-inf, -1.0, 0.0, 0.5, 1.0, 2.0, inf, nan]
POINTS[3] = [-1.0, 0.0, 1.0, 2.0]


@pytest.mark.parametrize("row", **by_name(DIFFERENTIABLE))
def test_a_row_at_infinities_kinks_and_poles(row):
    """In each direction of the operands, the finite values of nested forward mode, and no others."""
    count = len(free_operands(row))
    kinks = [point if isinstance(point, tuple) else (point,) for point in row.kinks]
    points = np.array([*itertools.product(POINTS[count], repeat=count), *kinks], float).T.copy()
    f, primals = row_function(row, points.shape[1]), tuple([pb.tensor(p) for p in points])
    for moving in itertools.product((False, True), repeat=count):
        if any(moving):
            directions = [pb.full((points.shape[1],), 1.0 + 0.5 * i, dtype=F64) for i in range(count)]
            series = tuple(
                [[v, None, None, None] if moves else [None] * ORDER for v, moves in zip(directions, moving)]
            )
            assert_as_nested(f, primals, series, 1e-9)


@pytest.mark.parametrize("row", **by_name(DIFFERENTIABLE))
def test_a_branch_not_taken_has_no_coefficients(row):
    count = len(free_operands(row))
    points = np.array([*itertools.product(POINTS[count], repeat=count)], float).T.copy()
    f, never = row_function(row, points.shape[1]), pb.zeros(points.shape[1], dtype=pb.bool)
    ones = pb.ones(points.shape[1], dtype=F64)
    terms = jet(
        lambda *xs: pb.where(never, f(*xs).sqrt(), 3 * xs[0]),
        tuple([pb.tensor(p) for p in points]),
        ([ones, ones, None, None],) * count,
    )[1]
    for n, expected in enumerate((3.0, 3.0, 0.0, 0.0)):
        assert (terms[n] == expected).all()


CLOSED = {
    "exp": (pb.exp, mpmath.exp, 0.3),
    "sin": (pb.sin, mpmath.sin, 0.3),
    "tan": (pb.tan, mpmath.tan, 0.3),
    "log": (pb.log, mpmath.log, 0.7),
    "sqrt": (pb.sqrt, mpmath.sqrt, 0.7),
    "tanh": (pb.tanh, mpmath.tanh, 0.3),
    "asin": (pb.asin, mpmath.asin, 0.3),
    "atan": (pb.atan, mpmath.atan, 0.3),
    "erf": (pb.erf, mpmath.erf, 0.3),
    "erfinv": (pb.erfinv, mpmath.erfinv, 0.3),
    "power": (lambda x: x**2.5, lambda x: x**2.5, 0.7),
    "reciprocal": (lambda x: 1 / x, lambda x: 1 / x, 0.7),
    "sigmoid": (pb.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), 0.3),
    "sigmoid far out": (pb.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), 40.0),
    "sinc": (pb.sinc, lambda x: mpmath.sin(mpmath.pi * x) / (mpmath.pi * x), 0.01),
    "exp of sin": (lambda x: x.sin().exp(), lambda x: mpmath.exp(mpmath.sin(x)), 0.3),
    "softmax": (
        lambda x: pb.stack([x, x * 0 + 1, x * x]).softmax(0)[0],
        lambda x: mpmath.exp(x) / (mpmath.exp(x) + mpmath.e + mpmath.exp(x * x)),
        0.3,
    ),
    "norm": (lambda x: pb.stack([x, x * x]).norm(), lambda x: mpmath.sqrt(x**2 + x**4), 0.3),
    "cumprod": (
        lambda x: pb.stack([x.sin(), x, x.exp()]).cumprod(0)[2],
        lambda x: x * mpmath.sin(x) * mpmath.exp(x),
        0.0,
    ),
    "inverse of a matrix product": (
        lambda x: (pb.stack([x, x.cos()]) @ pb.stack([x.exp(), x])).reciprocal(),
        lambda x: 1 / (x * mpmath.exp(x) + x * mpmath.cos(x)),
        0.4,
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_twelve_orders_beside_mpmath(name):
    f, truth, at = CLOSED[name]
    terms = directional_derivatives(f, pb.tensor(at, dtype=F64), pb.ones((), dtype=F64), 12)[1]
    with mpmath.workdps(30):
        expected = mpmath.taylor(truth, mpmath.mpf(at), 12)
    expected = [float(c * mpmath.factorial(n)) for n, c in enumerate(expected)]
    for n, found in enumerate(terms, 1):
        assert float(found) == pytest.approx(expected[n], rel=1e-7, abs=1e-12 * max(map(abs, expected)))


def test_twelve_orders_of_the_gamma_functions():
    x, one = pb.tensor(1.3, dtype=F64), pb.ones((), dtype=F64)
    terms = directional_derivatives(lambda x: (x.lgamma(), x.digamma(), pb.polygamma(2, x)), x, one, 12)[1]
    for first, own in zip((0, 1, 3), terms):
        for n, found in enumerate(own):
            assert float(found) == pytest.approx(float(mpmath.psi(n + first, mpmath.mpf(1.3))), rel=1e-10)


# ---- structured operators -----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [*SMOOTH, *IN_PLACE, *ITEMS])
def test_an_operator_along_a_curve(call):
    names = operands_of(call)
    operands = [value(name, 1) for name in names]
    moving = [k for k, name in enumerate(names) if name in FLOATS]
    f = function(call, names)

    def of_floats(*floats):
        rest = iter(floats)
        return f(*[next(rest) if k in moving else x for k, x in enumerate(operands)])

    generator = np.random.default_rng(0)
    primals = tuple([operands[k] for k in moving])
    series = tuple(
        [[pb.tensor(generator.standard_normal(tuple(x.shape))) for _ in range(ORDER)] for x in primals]
    )
    assert_as_nested(of_floats, primals, series, 1e-5 if "float32" in call else 1e-10)


SPECIAL = {
    "zeros": (
        [0.0, 2.0, 0.0, -1.0],
        "x.prod() ; x.cumprod(0) ; x.norm() ; m.linalg.vector_norm(x, 3) ; m.linalg.vector_norm(x, 1) ; x.abs() ; x ** 2",
    ),
    "all zeros": (
        [0.0, 0.0, 0.0, 0.0],
        "x.prod() ; x.cumprod(0) ; x.norm() ; x.norm() ** 2 ; m.linalg.vector_norm(x, 3) ; x.std() ; x.var() ; x.amax()"
        " ; m.outer(x, x) ; x @ x ; m.scatter_reduce(x, 0, m.tensor([0, 0, 1, 1]), x, 'prod')",
    ),
    "ties": (
        [1.0, 1.0, 0.5, 1.0],
        "x.max() ; x.amax(0) ; x.max(0).values ; x.sort().values ; x.median() ; x.cummax(0).values ; x.topk(2).values"
        " ; m.maximum(x, x.flip(0)) ; x.clamp(0.5, 1.0) ; x.mode().values ; m.nn.functional.relu(x - 1) ; x.std()",
    ),
    "infinities": (
        [-inf, 1.0, -inf, 0.5],
        "x.softmax(0) ; x.log_softmax(0)[1] ; x.logsumexp(0) ; x.logcumsumexp(0)[1:] ; x.exp().sum() ; x.max()"
        " ; m.where(x > 0, x, 0.0).sqrt()[1]",
    ),
    "a large logit": ([40.0, 0.0, 1.0, -3.0], "x.softmax(0) ; x.log_softmax(0) ; x.logsumexp(0)"),
    "NaN": (
        [nan, 1.0, 2.0, 0.5],
        "x.nansum() ; m.nanmedian(x) ; m.where(x == x, x, 0.0).exp() ; x.nan_to_num()",
    ),
}


@pytest.mark.parametrize(
    "call", [(name, call) for name, (_, text) in SPECIAL.items() for call in text.split(" ; ")]
)
def test_an_operator_at_a_special_point(call):
    name, text = call
    x = pb.tensor(SPECIAL[name][0], dtype=F64)
    v = pb.tensor([1.0, -0.5, 0.25, 2.0], dtype=F64)
    assert_as_nested(lambda x: eval(text, {"x": x, "m": pb}), (x,), ([v, None, None, None],))


def test_no_elements_and_no_dimensions():
    for x in (pb.zeros(0, dtype=F64), pb.zeros(2, 0, dtype=F64)):
        output, terms = directional_derivatives(lambda x: (x.exp().sum(), x.sin()), x, x, 2)
        assert float(output[0]) == 0 and float(terms[0][1]) == 0 and terms[1][1].shape == x.shape
    assert_as_nested(
        lambda x: x.sum() * x.softmax(0), (pb.tensor(0.5, dtype=F64),), ([pb.ones((), dtype=F64)] * 4,)
    )


def test_an_affine_map_of_a_curve_is_exact():
    """Linear operators act on each coefficient, and float32 ones give what float32 gives."""
    x, v = pb.tensor([1.0, 2.0, 3.0]), pb.tensor([0.5, 0.25, 4.0])
    terms = jet(lambda x: (2 * x).flip(0).cumsum(0), (x,), ([v, 2 * v, 3 * v],))[1]
    for n, term in enumerate(terms, 1):
        assert term.dtype == pb.float32 and term.tolist() == (2 * n * v).flip(0).cumsum(0).tolist()


@pytest.mark.parametrize("call", [*LOSSES, *OTHERS, *WINDOWS, *IMAGES])
def test_a_function_of_networks_along_a_curve(call):
    given = {name: pb.tensor(array) for name, array in network_operands().items()}
    names = [name for name in given if name in MOVING and re.search(rf"\b{name}\b", call)]

    def f(*operands):
        pb.manual_seed(0)
        fresh = {"m": given["m"].clone(), "r": given["r"].clone()}
        return eval(call, {"F": pb.nn.functional, **given, **fresh, **dict(zip(names, operands))})

    generator = np.random.default_rng(0)
    primals = tuple([given[name] for name in names])
    series = tuple(
        [[pb.tensor(0.3 * generator.standard_normal(tuple(x.shape))) for _ in range(3)] for x in primals]
    )
    assert_as_nested(f, primals, series, 1e-9)


LINEAR_ALGEBRA = """
    L.solve(a, b) ; L.inv(a) ; L.det(a) ; L.slogdet(a)[1] ; L.cholesky(a @ a.mT + 1) ; L.eigvalsh(a @ a.mT) ; L.pinv(b)
    L.eigh(a @ a.mT)[1].abs() ; L.svdvals(b) ; L.qr(a)[1] ; L.lstsq(b, a)[0] ; L.matrix_exp(a) ; L.matrix_power(a, 3)
    L.solve_triangular(a.triu(), b, upper=True) ; L.lu(a)[2] ; L.norm(b, 'nuc') ; L.norm(a, 2) ; pb.cdist(a[:, :2], b)
    L.det(a - a[:, :1])
"""


@pytest.mark.parametrize("call", [call.strip() for call in re.split(r";|\n", LINEAR_ALGEBRA) if call.strip()])
def test_linear_algebra_along_a_curve(call):
    generator = np.random.default_rng(0)
    a, b = generator.standard_normal((3, 3)) + 3 * np.eye(3), generator.standard_normal((3, 2))
    series = tuple([[pb.tensor(0.3 * generator.standard_normal(x.shape)) for _ in range(3)] for x in (a, b)])
    assert_as_nested(
        lambda a, b: eval(call, {"L": pb.linalg, "pb": pb, "a": a, "b": b}) + 0 * b.sum(),
        (pb.tensor(a), pb.tensor(b)),
        series,
        1e-8,
    )


# ---- programs -----------------------------------------------------------------------------------------------

STEPS = """
    xs.append(a * b) ; xs.append(a + b.sin()) ; xs.append(a / (2 + b * b)) ; xs.append(a.exp()) ; xs.append(a.tanh() @ b.mT)
    xs.append(a.mT) ; xs.append(a[1:]) ; xs.append(a[:, ::2]) ; xs.append(a.reshape(-1)) ; xs.append(a.softmax(-1))
    a.mul_(b) ; a.add_(1.5) ; a.sin_() ; a[0].mul_(b[0]) ; a.reshape(-1)[1:].cos_() ; a.mT.add_(0.5) ; a[:, 1] = b[:, 0]
    a.copy_(b * 2) ; xs.append(pb.cat([a, b])) ; xs.append(pb.where(a > b, a, b * b)) ; xs.append(a.cumprod(0))
    xs.append(a.norm() * b) ; a.diagonal().mul_(2) ; xs.append(a.sort(0).values) ; xs.append(a.detach() * b)
    xs.append(a.sum(0, keepdim=True) * b) ; a[[0, 1]] = b[[1, 0]] ; a.masked_fill_(b > 0.5, 0.25) ; xs.append(a.clamp(-1, 1))
"""


@pytest.mark.parametrize("seed", range(60))
def test_a_random_program_with_views_and_writes(seed):
    generator = np.random.default_rng(seed)
    steps = [step.strip() for step in STEPS.replace("\n", ";").split(";") if step.strip()]
    plan = [(steps[generator.integers(len(steps))], *generator.random(2)) for _ in range(12)]

    def f(x, y):
        xs = [x * 1, y * 1]
        for step, i, j in plan:
            names = {"xs": xs, "a": xs[int(i * len(xs))], "b": xs[int(j * len(xs))], "pb": pb}
            try:
                exec(step, names)
            except (RuntimeError, IndexError, ValueError):
                continue  # shapes that do not fit
        return [t * 1 for t in xs]

    primals = tuple([pb.tensor(generator.uniform(-0.9, 0.9, (3, 3))) for _ in range(2)])
    series = tuple([[pb.tensor(0.3 * generator.standard_normal((3, 3))) for _ in range(3)] for _ in primals])
    assert_as_nested(f, primals, series, 1e-8)
