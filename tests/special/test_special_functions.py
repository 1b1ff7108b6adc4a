"""The functions of `special` that are loaded with it: values beside SciPy and mpmath, derivatives in every mode, PyTorch."""

import math

import mpmath
import numpy as np
import pytest
import scipy.special as sc
from checks import check, check_elementwise, in_place
from func.curves import assert_as_nested
from processes import run

import pullback as pb
from pullback import special

inf, nan = math.inf, math.nan
GENERIC = [-2.3, -1.1, -0.4, 0.3, 0.9, 1.7, 2.6]
POSITIVE = [0.3, 0.9, 1.7, 2.6, 4.2, 7.5]
PROBABILITIES = [0.1, 0.3, 0.55, 0.9]

# name: (SciPy's, where it is looked at, one array for each operand)
ONE = {
    "airy_ai": (lambda x: sc.airy(x)[0], [*GENERIC, -8.0, 6.0]),
    "bessel_j0": (sc.j0, [*GENERIC, -12.3, 40.0]),
    "bessel_j1": (sc.j1, [*GENERIC, -12.3, 40.0]),
    "bessel_y0": (sc.y0, POSITIVE),
    "bessel_y1": (sc.y1, POSITIVE),
    "modified_bessel_i0": (sc.i0, [*GENERIC, 9.0, -20.0]),
    "modified_bessel_i1": (sc.i1, [*GENERIC, 9.0, -20.0]),
    "modified_bessel_k0": (sc.k0, POSITIVE),
    "modified_bessel_k1": (sc.k1, POSITIVE),
    "scaled_modified_bessel_k0": (sc.k0e, POSITIVE),
    "scaled_modified_bessel_k1": (sc.k1e, POSITIVE),
    "spherical_bessel_j0": (lambda x: np.sinc(np.asarray(x) / np.pi), [*GENERIC, 0.01, 9.0]),
    "i0": (sc.i0, GENERIC),
    "i0e": (sc.i0e, [*GENERIC, 50.0]),
    "i1": (sc.i1, GENERIC),
    "i1e": (sc.i1e, [*GENERIC, 50.0]),
    "ndtr": (sc.ndtr, [*GENERIC, -6.0]),
    "log_ndtr": (sc.log_ndtr, [*GENERIC, -30.0]),
    "ndtri": (sc.ndtri, PROBABILITIES),
    "erfcx": (sc.erfcx, [*GENERIC, 25.0]),
    "entr": (sc.entr, POSITIVE),
}
TWO = {
    "gammainc": (sc.gammainc, [0.4, 1.3, 2.6, 5.0, 30.0], [0.9, 0.3, 4.1, 2.2, 27.0]),
    "gammaincc": (sc.gammaincc, [0.4, 1.3, 2.6, 5.0, 30.0], [0.9, 0.3, 4.1, 2.2, 27.0]),
    "zeta": (sc.zeta, [1.3, 2.0, 3.5, 6.0, 11.0], [0.4, 0.9, 1.7, 2.6, 8.1]),
}
DEGREES = [0.0, 1.0, 2.0, 3.0, 5.0, 9.0, 4.0]
POLYNOMIALS = {
    "chebyshev_polynomial_t": sc.eval_chebyt,
    "chebyshev_polynomial_u": sc.eval_chebyu,
    "chebyshev_polynomial_v": lambda n, x: (
        sc.eval_jacobi(n, -0.5, 0.5, x) / sc.eval_jacobi(n, -0.5, 0.5, 1.0)
    ),
    "chebyshev_polynomial_w": lambda n, x: (
        (2 * n + 1) * sc.eval_jacobi(n, 0.5, -0.5, x) / sc.eval_jacobi(n, 0.5, -0.5, 1.0)
    ),
    "shifted_chebyshev_polynomial_t": sc.eval_sh_chebyt,
    "shifted_chebyshev_polynomial_u": sc.eval_sh_chebyu,
    "shifted_chebyshev_polynomial_v": lambda n, x: POLYNOMIALS["chebyshev_polynomial_v"](n, 2 * x - 1),
    "shifted_chebyshev_polynomial_w": lambda n, x: POLYNOMIALS["chebyshev_polynomial_w"](n, 2 * x - 1),
    "hermite_polynomial_h": sc.eval_hermite,
    "hermite_polynomial_he": sc.eval_hermitenorm,
    "laguerre_polynomial_l": sc.eval_laguerre,
    "legendre_polynomial_p": sc.eval_legendre,
}
AT = np.array([-1.2, -1.0, -0.6, 0.3, 0.8, 1.0, 1.1])


def double(values):
    return pb.tensor(np.asarray(values, dtype=np.float64))


def function(name):
    return getattr(special, name)


def cases():
    for name, (truth, *points) in {**ONE, **TWO}.items():
        yield pytest.param(function(name), truth, [np.array(p) for p in points], id=name)
    for name, truth in POLYNOMIALS.items():
        at = [np.array(g.ravel()) for g in np.meshgrid(AT, DEGREES)]
        yield pytest.param(function(name), lambda x, n, truth=truth: truth(n.astype(int), x), at, id=name)


@pytest.mark.parametrize("ours, truth, points", [*cases()])
def test_values_are_scipys(ours, truth, points):
    expected = truth(*points)
    found = ours(*map(double, points))
    assert found.dtype == pb.float64
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-13, atol=1e-13)
    narrow = [p.astype(np.float32) for p in points]
    found = ours(*map(pb.tensor, narrow))
    assert found.dtype == pb.float32
    expected = truth(*[p.astype(np.float64) for p in narrow])
    np.testing.assert_allclose(found.numpy(), expected, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("name", [*ONE, *TWO, *POLYNOMIALS])
def test_integers_become_floats(name):
    ours, whole = function(name), [pb.tensor([1, 2, 3])] * (1 if name in ONE else 2)
    if name.startswith("gammainc"):
        with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
            ours(*whole)
        return
    found = ours(*whole)
    assert found.dtype == pb.float32
    np.testing.assert_array_equal(found.numpy(), ours(*[x.float() for x in whole]).numpy())
    out = pb.zeros(3)
    assert ours(*whole, out=out) is out
    np.testing.assert_array_equal(out.numpy(), found.numpy())


# ---- exactness: units in the last place, beside the numbers that the row says --------------------------------------


def of_gamma(upper):
    def truth(a, x):
        ends = (x, mpmath.inf) if upper else (0, x)
        return mpmath.gammainc(a, *ends, regularized=True)

    return truth


def wide(low, high, count=40, seed=0):
    return 10 ** np.random.default_rng(seed).uniform(low, high, count)


FAR = np.concatenate([wide(-8, 2.6), np.linspace(0.05, 14, 30)])
BOTH = np.concatenate([FAR, -FAR])
EXACT = {
    "bessel_j0": (lambda x: mpmath.besselj(0, x), [BOTH]),
    "bessel_j1": (lambda x: mpmath.besselj(1, x), [BOTH]),
    "bessel_y0": (lambda x: mpmath.bessely(0, x), [FAR]),
    "bessel_y1": (lambda x: mpmath.bessely(1, x), [FAR]),
    "i0": (lambda x: mpmath.besseli(0, x), [BOTH]),
    "i1": (lambda x: mpmath.besseli(1, x), [BOTH]),
    "i0e": (lambda x: mpmath.besseli(0, x) * mpmath.exp(-abs(x)), [BOTH]),
    "i1e": (lambda x: mpmath.besseli(1, x) * mpmath.exp(-abs(x)), [BOTH]),
    "modified_bessel_k0": (lambda x: mpmath.besselk(0, x), [FAR[::2]]),
    "modified_bessel_k1": (lambda x: mpmath.besselk(1, x), [FAR[::2]]),
    "scaled_modified_bessel_k0": (lambda x: mpmath.besselk(0, x) * mpmath.exp(x), [FAR[::2]]),
    "scaled_modified_bessel_k1": (lambda x: mpmath.besselk(1, x) * mpmath.exp(x), [FAR[::2]]),
    "airy_ai": (mpmath.airyai, [BOTH[abs(BOTH) < 100]]),
    "ndtr": (mpmath.ncdf, [np.concatenate([-wide(-6, 1.57), wide(-6, 1)])]),
    "log_ndtr": (
        lambda x: mpmath.log(mpmath.ncdf(x)) if x < 4 else mpmath.log1p(-mpmath.ncdf(-x)),
        [np.concatenate([-wide(-6, 5), wide(-6, 1)])],
    ),
    "erfcx": (lambda x: mpmath.exp(x * x) * mpmath.erfc(x), [np.concatenate([-wide(-6, 1.4), wide(-6, 5)])]),
    "gammainc": (of_gamma(False), [wide(-5, 3.5), wide(-5, 3.5) * wide(-0.4, 0.4, seed=1)]),
    "gammaincc": (of_gamma(True), [wide(-5, 3.5), wide(-5, 3.5) * wide(-0.4, 0.4, seed=1)]),
    "zeta": (mpmath.zeta, [1 + wide(-5, 1.3), wide(-3, 3, seed=1)]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EXACT)
def test_values_are_as_exact_as_the_row_says(name, dtype):
    truth, points = EXACT[name]
    points = [p.astype(dtype) for p in points]
    row = pb.calculus.define.TABLE[{"gammainc": "igamma", "gammaincc": "igammac"}.get(name, name)]
    found = function(name)(*map(pb.tensor, points)).numpy()
    tested = 0
    with mpmath.workdps(60):
        for *values, value in zip(*points, found, strict=True):
            values = [float(v) for v in values]
            exact = truth(*map(mpmath.mpf, values))
            units, beside = row.units_of(values, float(exact))
            scale = max(map(abs, beside))
            if not float(np.finfo(dtype).tiny) < scale < float(np.finfo(dtype).max):
                continue
            spacing = float(np.spacing(np.array(scale, dtype)))
            assert abs(mpmath.mpf(float(value)) - exact) <= units * spacing, (values, value, float(exact))
            tested += 1
    assert tested > 25


def test_quantiles_return_to_where_they_came_from():
    p = np.concatenate([wide(-300, 0), [1e-16, 0.5, 0.9999999]])
    x = special.ndtri(double(p))
    with mpmath.workdps(40):
        for each, at in zip(p, x.tolist()):
            slope = mpmath.npdf(at)
            assert abs(mpmath.ncdf(at) - each) < 4 * slope * np.spacing(max(abs(at), 1e-3))
    assert special.ndtri(double([0.0, 1.0, -1.0, 2.0])).tolist()[:2] == [-inf, inf]


# ---- derivatives ------------------------------------------------------------------------------------------------------


# The slopes of the scaled functions, orders 0 and 1, by neighbours in many digits.
def _slope_of(name, x):
    of, sign = (mpmath.besseli, -mpmath.sign(x)) if name[0] == "i" else (mpmath.besselk, 1)
    scaled = lambda n: of(n, x) * mpmath.exp(sign * x)
    order = int(name.strip("e")[-1])
    own = mpmath.mpf(1 if name[0] == "i" else -1)
    return own * (scaled(abs(order - 1)) + scaled(order + 1)) / 2 + sign * scaled(order)


@pytest.mark.parametrize("name", ["i0e", "i1e", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_far_out_keep_their_digits(name, dtype):
    x = np.concatenate([wide(0.4, 8, 60), [29.9, 30.0, np.nextafter(30, 31), 31.0]]).astype(dtype)
    x = np.concatenate([x, -x]) if name[0] == "i" else x
    leaf = pb.tensor(x, requires_grad=True)
    (first,) = pb.autograd.grad(function(name)(leaf).sum(), leaf, create_graph=True)
    (second,) = pb.autograd.grad(first.sum(), leaf)
    unit = float(np.finfo(dtype).eps)
    with mpmath.workdps(60):
        for at, slope, curve in zip(x.tolist(), first.tolist(), second.tolist(), strict=True):
            exact = _slope_of(name, mpmath.mpf(at))
            bend = mpmath.diff(lambda t: _slope_of(name, t), mpmath.mpf(at))
            far = abs(at) > 30
            assert abs(slope - exact) <= (4 if far else 100) * unit * abs(exact), at
            assert abs(curve - bend) <= (8 if far else 6000) * unit * abs(bend), at


@pytest.mark.parametrize("name", ["i0e", "i1e", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1"])
def test_slopes_vanish_at_infinity_as_they_have_to(name):
    """x**1.5 times the slope has a limit: 1 / (2 sqrt(2 pi)) or sqrt(pi / 8), negated."""
    x = double([1e12, 1e60, 1e150, inf]).requires_grad_()
    (slope,) = pb.autograd.grad(function(name)(x).sum(), x)
    limit = -1 / np.sqrt(8 * np.pi) if name[0] == "i" else -np.sqrt(np.pi / 8)
    np.testing.assert_allclose(slope.numpy()[:3] * x.detach().numpy()[:3] ** 1.5, limit, rtol=1e-11)
    assert slope[3] == 0


@pytest.mark.parametrize("name", ONE)
def test_derivatives_in_every_mode(name):
    points = [p for p in ONE[name][1] if abs(p) < 6]
    check_elementwise(function(name), points)


@pytest.mark.parametrize("name", TWO)
def test_derivatives_in_the_second_operand(name):
    _, parameter, points = TWO[name]
    check(lambda x: function(name)(double(parameter), x), np.array(points))
    check_elementwise(lambda x: function(name)(double(2.5), x), points[:4])


@pytest.mark.parametrize("name", POLYNOMIALS)
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4, 9])
def test_derivatives_of_polynomials(name, degree):
    points = [-1.2, -0.6, 0.3, 0.8]
    check_elementwise(lambda x: function(name)(x, degree), points, tolerance=1e-5 if degree > 4 else None)
    points = double([-1.0, 0.0, 1.0])  # the ends, where quotients would be 0 / 0
    points.requires_grad_()
    (slope,) = pb.autograd.grad(function(name)(points, degree).sum(), points)
    at, h = points.detach().numpy(), 1e-5
    values = [POLYNOMIALS[name](degree, at + k * h) for k in (-2, -1, 1, 2)]
    expected = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
    np.testing.assert_allclose(slope.numpy(), expected, rtol=1e-6, atol=1e-6)


def test_degrees_are_tensors_or_numbers_and_have_no_derivative():
    x, n = double([0.5, 0.5, 2.0]).requires_grad_(), double([2.0, 3.0, 4.5]).requires_grad_()
    y = special.chebyshev_polynomial_t(x, n)
    assert y.tolist() == pytest.approx([-0.5, -1.0, 97.0])
    assert pb.autograd.grad(y.sum(), x)[0].tolist() == pytest.approx([2.0, 0.0, 224.0])
    assert not special.chebyshev_polynomial_t(x.detach(), n).requires_grad
    assert special.legendre_polynomial_p(0.5, pb.tensor([1, 2])).tolist() == pytest.approx([0.5, -0.125])
    assert special.hermite_polynomial_h(pb.ones(2), -1).tolist() == [0, 0]


@pytest.mark.parametrize(
    "f, truth, at",
    [
        (special.bessel_j0, lambda x: mpmath.besselj(0, x), 0.0),
        (special.i1, lambda x: mpmath.besseli(1, x), 0.0),
        (special.spherical_bessel_j0, lambda x: mpmath.sinc(x), 0.3),
        (special.airy_ai, mpmath.airyai, -0.7),
        (special.log_ndtr, lambda x: mpmath.log(mpmath.ncdf(x)), -2.0),
        (special.erfcx, lambda x: mpmath.exp(x * x) * mpmath.erfc(x), 30.0),
        (lambda x: special.legendre_polynomial_p(x, 7), lambda x: mpmath.legendre(7, x), 1.0),
        (lambda x: special.gammaincc(double(3.5), x), lambda x: of_gamma(True)(3.5, x), 2.0),
    ],
)
def test_eight_orders_beside_mpmath(f, truth, at):
    """Also where a formula with a quotient by x would be 0 / 0 from the second order on."""
    terms = pb.func.directional_derivatives(f, double(at), double(1.0), 8)[1]
    with mpmath.workdps(30):
        expected = mpmath.taylor(truth, mpmath.mpf(at), 8)
        expected = [float(c * mpmath.factorial(n)) for n, c in enumerate(expected)]
    for n, found in enumerate(terms, 1):
        assert float(found) == pytest.approx(expected[n], rel=1e-9, abs=1e-11 * max(map(abs, expected)))


def test_the_slope_of_erfcx_far_out_keeps_its_digits():
    x = double([19.0, 21.0, 1e4, 1e9]).requires_grad_()
    special.erfcx(x).sum().backward()
    with mpmath.workdps(60):
        for at, found in zip(x.tolist(), x.grad.tolist()):
            at = mpmath.mpf(at)
            t = mpmath.exp(at * at) * mpmath.erfc(at) if at < 100 else None
            expected = 2 * at * t - 2 / mpmath.sqrt(mpmath.pi) if t else -1 / (mpmath.sqrt(mpmath.pi) * at**2)
            assert found == pytest.approx(float(expected), rel=1e-7 if at > 100 else 1e-11)


@pytest.mark.parametrize(
    "name", ["airy_ai", "bessel_j1", "i0e", "modified_bessel_k1", "ndtri", "erfcx", "entr"]
)
def test_along_a_curve(name):
    at = double([0.2, 0.4, 0.7])
    generator = np.random.default_rng(0)
    series = ([double(0.1 * generator.standard_normal(3)) for _ in range(4)],)
    assert_as_nested(function(name), (at,), series, 1e-8)


@pytest.mark.parametrize(
    "name, what", [("gammainc", "igamma: input"), ("gammaincc", "igammac: input"), ("zeta", "zeta")]
)
def test_parameters_without_a_derivative(name, what):
    a, x = double([1.5, 2.5]).requires_grad_(), double([1.0, 2.0]).requires_grad_()
    y = function(name)(a, x)
    (only,) = pb.autograd.grad(y.sum(), x, retain_graph=True)  # not asked for
    np.testing.assert_array_equal(
        only.numpy(), pb.autograd.grad(function(name)(a.detach(), x).sum(), x)[0].numpy()
    )
    with pytest.raises(NotImplementedError, match=f"the derivative for '{what}' is not implemented"):
        y.sum().backward()
    with pytest.raises(NotImplementedError, match=what):
        pb.func.jvp(lambda a: function(name)(a, x.detach()), (a.detach(),), (pb.ones(2, dtype=pb.float64),))
    with pytest.raises(NotImplementedError, match=what):
        pb.func.vmap(pb.func.grad(function(name)))(a.detach(), x.detach())
    if name != "zeta":
        with pytest.raises(NotImplementedError, match=what):
            getattr(a * 1, {"gammainc": "igamma_", "gammaincc": "igammac_"}[name])(x).sum().backward()


@pytest.mark.parametrize("p", [1, 2, 3, 5])
def test_the_gamma_function_of_several_dimensions(p):
    x = [2.3, 3.1, 5.7]
    np.testing.assert_allclose(pb.mvlgamma(double(x), p).numpy(), sc.multigammaln(np.array(x), p), rtol=1e-13)
    check_elementwise(lambda x: special.multigammaln(x, p), x)
    assert double(x).mvlgamma_(p).tolist() == double(x).mvlgamma(p).tolist()
    check_elementwise(in_place(lambda x: x.mvlgamma_(p)), x)
    with pytest.raises(RuntimeError, match="p has to be greater than or equal to 1"):
        pb.mvlgamma(pb.ones(1), 0)


EVERYWHERE = """
exp2 expm1 log1p logit xlogy sinc erf erfc erfinv digamma polygamma softmax log_softmax logsumexp round
"""
OTHERWISE = {"expit": pb.sigmoid, "gammaln": pb.lgamma, "psi": pb.digamma, "multigammaln": pb.mvlgamma}


def test_what_is_found_elsewhere_too():
    for name in EVERYWHERE.split():
        assert function(name) is getattr(pb, name)
    x = double([0.3, 0.6])
    for name, other in OTHERWISE.items():
        more = (1,) * (name == "multigammaln")
        assert function(name)(x, *more).tolist() == other(x, *more).tolist()
    np.testing.assert_allclose(special.xlog1py(x, x).numpy(), sc.xlog1py(x.numpy(), x.numpy()), rtol=1e-14)


# ---- homes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["pb.i0(x)", "x.i0()", "pb.Tensor.igamma(x, x)", "pb.special.erf(x)"])
def test_they_are_loaded_by_the_first(asked):
    run(
        "import sys, pullback as pb\nx = pb.zeros(2)\n"
        "assert 'pullback.special_functions' not in sys.modules\n"
        "assert 'i0' in dir(pb) and 'mvlgamma_' in dir(pb.Tensor)\n"
        f"{asked}\n"
        "assert 'pullback.special_functions' in sys.modules"
    )


def test_functions_and_methods():
    x = double([0.5, 1.5])
    assert pb.i0(x).tolist() == x.i0().tolist() == x.clone().i0_().tolist() == special.i0(x).tolist()
    assert pb.igamma(x, x).tolist() == x.igamma(x).tolist() == x.clone().igamma_(x).tolist()
    assert pb.igammac(x, x).tolist() == x.igammac(x).tolist() == x.clone().igammac_(x).tolist()
    for refused in (lambda: pb.igamma(1.0, x), lambda: pb.igammac(x, 1.0)):
        with pytest.raises(TypeError, match=r"must be Tensor, not float"):
            refused()
    with pytest.raises(TypeError):
        special.legendre_polynomial_p(0.5, 2)
    out = pb.zeros(2, dtype=pb.float64)
    assert pb.igamma(x, x, out=out) is out and out.tolist() == x.igamma(x).tolist()


def test_a_formula_of_ones_own():
    wave = pb.calculus.composed("wave_of_test", lambda x: special.bessel_j0(x) * x)
    check_elementwise(wave, GENERIC)


# ---- beside PyTorch -----------------------------------------------------------------------------------------------------

EDGES = [-inf, -1e30, -300.0, -2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0, 300.0, 1e30, inf, nan]
# Where PyTorch has NaN, and ours is the limit.
INFINITE = {
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "i0",
    "i1",
    "modified_bessel_i0",
    "modified_bessel_i1",
}
UNLIKE = {"airy_ai": (-1e30, inf), **dict.fromkeys(INFINITE, (-inf, inf))}


@pytest.mark.torch
@pytest.mark.parametrize("name", ONE)
def test_edges_beside_pytorch(name):
    import torch

    points = [x for x in EDGES if x not in UNLIKE.get(name, ())]
    theirs = getattr(torch.special, name)(torch.tensor(points, dtype=torch.float64))
    found = function(name)(double(points)).numpy()
    np.testing.assert_allclose(found, theirs.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["igamma", "igammac", "zeta"])
def test_pairs_of_edges_beside_pytorch(name):
    import torch

    a, x = (g.ravel() for g in np.meshgrid(EDGES, EDGES))
    asked = ~(np.isnan(a) | np.isnan(x))  # PyTorch does not let every NaN pass
    if name == "zeta":  # to infinity PyTorch's is NaN, and of large negative numbers it adds up all terms
        asked &= (x > -3) & (x < inf) & (abs(a) < 1e9)
    a, x = a[asked], x[asked]
    theirs = (getattr(torch, name, None) or torch.special.zeta)(torch.tensor(a), torch.tensor(x)).numpy()
    found = (getattr(pb, name, None) or special.zeta)(double(a), double(x)).numpy()
    np.testing.assert_allclose(found, theirs, rtol=1e-9, atol=1e-300)  # PyTorch's error at 300


@pytest.mark.torch
@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials_beside_pytorch(name):
    import torch

    x, n = (g.ravel() for g in np.meshgrid([-2.5, -1, -0.5, 0.0, 0.5, 1, 2.5], [-1, 0, 1, 2, 7, 30]))
    theirs = getattr(torch.special, name)(torch.tensor(x), torch.tensor(n)).numpy()
    np.testing.assert_allclose(function(name)(double(x), pb.tensor(n)).numpy(), theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["i0", "i0e", "i1", "i1e", "log_ndtr", "ndtr", "ndtri", "erfcx", "entr"])
def test_gradients_and_nodes_beside_pytorch(name):
    import torch

    points = ONE[name][1]
    ours, theirs = (
        double(points).requires_grad_(),
        torch.tensor(points, dtype=torch.float64, requires_grad=True),
    )
    y, z = function(name)(ours), getattr(torch.special, name)(theirs)
    y.sum().backward()
    z.sum().backward()
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-10, atol=1e-14)
    if name != "ndtr":  # composed of others there
        assert y.grad_fn.name() == z.grad_fn.name()


@pytest.mark.torch
def test_all_of_the_module_is_there():
    import torch

    assert set(torch.special.__all__) - set(special.__all__) == set()
