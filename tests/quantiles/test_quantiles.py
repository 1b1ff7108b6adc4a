"""quantile, nanquantile and nanmean: against NumPy, finite differences and PyTorch."""

import warnings

import numpy as np
import pytest
from checks import Differences, check

import pullback as pb

NAN = float("nan")
MODES = ("linear", "lower", "higher", "midpoint", "nearest")
rng = np.random.default_rng(5)
PLAIN = rng.standard_normal((3, 4, 5))
HOLES = np.where(rng.random((3, 4, 5)) < 0.3, NAN, PLAIN)
HOLES[1, 2] = NAN  # a row of nothing
Q = [0.0, 0.13, 0.5, 0.75, 1.0]


def of_numpy(name, x, q, dim, keepdim, mode):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return getattr(np, name)(x, q, axis=dim, keepdims=keepdim, method=mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dim", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
def test_values_are_numpys(name, dim, mode):
    for x in (PLAIN, HOLES, PLAIN[:, :1, :1]):
        for q in (0.3, 1, 0, Q):
            for keepdim in (False, True):
                given = pb.tensor(q, dtype=pb.float64) if isinstance(q, list) else q
                got = getattr(pb, name)(pb.tensor(x), given, dim, keepdim, interpolation=mode)
                expected = of_numpy(name, x, q, dim, keepdim, mode)
                assert got.shape == expected.shape
                np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
def test_gradients_are_finite_differences(name, mode):
    x, q = (PLAIN if name == "quantile" else HOLES)[:2, 0], np.array([0.13, 0.6])
    truth = Differences(of=lambda x, q: of_numpy(name, x, q, 1, False, mode))
    check(lambda x, q: getattr(pb, name)(x, q, 1, interpolation=mode), x, q, truth=truth)


@pytest.mark.parametrize("dim", [None, 0, -1, (0, 2)])
def test_nanmean(dim):
    leaf = pb.tensor(HOLES, requires_grad=True)
    for keepdim in (False, True):
        got = leaf.nanmean(dim, keepdim)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            np.testing.assert_allclose(got.detach().numpy(), np.nanmean(HOLES, axis=dim, keepdims=keepdim))
    kept = ~np.isnan(HOLES)
    expected = kept / np.broadcast_to(kept.sum(dim, keepdims=True), HOLES.shape).clip(1)
    leaf.nanmean(dim).nansum().backward()
    has_any = np.broadcast_to(kept.any(dim, keepdims=True), HOLES.shape)
    np.testing.assert_allclose(leaf.grad.numpy()[has_any], expected[has_any])


CALLS = {
    "integers": lambda m, f: f(m.tensor([1, 2]), 0.5),
    "empty": lambda m, f: f(m.ones(2, 0), 0.5, dim=0),
    "mode": lambda m, f: f(m.ones(2), 0.5, interpolation="best"),
    "number": lambda m, f: f(m.ones(2), 1.5),
    "nan": lambda m, f: f(m.ones(2), NAN),
    "numbers": lambda m, f: f(m.ones(2), m.tensor([-0.5])),
    "matrix": lambda m, f: f(m.ones(2), m.tensor([[0.5]])),
    "dtype": lambda m, f: f(m.ones(2), m.tensor([0.5], dtype=m.float64)),
    "dim": lambda m, f: f(m.ones(2, 2), 0.5, 2),
    "text": lambda m, f: f(m.ones(2), "half"),
    "zero dimensions": lambda m, f: f(m.tensor(3.0), m.tensor([0.1, 0.5]), 0, True),
    "zero dimensions, all": lambda m, f: f(m.tensor(3.0), 0.5),
    "no fractions": lambda m, f: f(m.ones(2, 2), m.ones(0), 1),
    "out": lambda m, f: f(m.tensor([[1.0, 5.0], [2.0, 8.0]]), 0.5, 1, out=m.empty(0)),
}


@pytest.mark.torch
@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
@pytest.mark.parametrize("call", CALLS)
def test_odd_calls_are_pytorchs(call, name):
    torch = pytest.importorskip("torch")

    def outcome(m):
        try:
            y = CALLS[call](m, getattr(m, name))
            return str(y.dtype).split(".")[-1], tuple(y.shape), np.nan_to_num(y.numpy(), nan=-1).tolist()
        except Exception as error:
            return type(error).__name__, str(error).split("\n")[0].split(" received")[0]

    got, expected = outcome(pb), outcome(torch)
    if len(expected) == 3:
        assert got == expected
    else:
        assert got[0] == expected[0] and got[1].split(". ")[0].split("(")[0] == expected[1].split("(")[0]


@pytest.mark.torch
def test_gradients_are_pytorchs():
    torch = pytest.importorskip("torch")
    q = np.array([0.2, 0.5, 1.0])
    for name in ("quantile", "nanquantile"):
        x = np.round(HOLES[0] if name == "nanquantile" else PLAIN[0], 1)  # ties
        for mode in MODES:
            grads = []
            for m in (pb, torch):
                leaf = m.tensor(x, requires_grad=True)
                getattr(m, name)(leaf, m.tensor(q), 1, interpolation=mode).sum().backward()
                grads.append(leaf.grad.numpy())
            np.testing.assert_allclose(*grads, rtol=1e-12)


def test_nanmean_refuses_integers():
    with pytest.raises(RuntimeError, match=r"nanmean\(\): expected input to have floating point .* got Long"):
        pb.nanmean(pb.tensor([1, 2]))


@pytest.mark.parametrize("mode", ["linear", "midpoint", "lower"])
def test_derivatives_in_every_mode(mode):
    for name in ("quantile", "nanquantile"):
        check(lambda x, name=name: getattr(pb, name)(x, 0.3, 1, interpolation=mode), PLAIN[0])
    check(lambda x: pb.nanmean(x, 0), PLAIN[0])
