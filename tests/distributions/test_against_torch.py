"""Every row of the table beside PyTorch: shapes, printed forms, moments, densities, draws after a seed, expanded batches."""

import warnings

import numpy as np
import pytest
from distributions.families import FAMILIES, make, tensors, values

import pullback as pb

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
pytestmark = pytest.mark.torch

# What is there and not in PyTorch, or right and there not; how is tested elsewhere.
MORE = {
    "beta": {"cdf"},
    "fisher": {"cdf"},
    "student": {"cdf"},
    "poisson": {"cdf"},
    **{
        f"{name}{how}": {"cdf"}
        for name in ("binomial", "geometric", "negative binomial")
        for how in ("", " by log-odds")
    },
    "generalised pareto": {"log_prob", "cdf"},  # PyTorch compares dtypes of float64 with float32, and raises
    "kumaraswamy": {"mode"},  # PyTorch: NaN
}
MIDDLE = "continuous bernoulli in the middle"  # where PyTorch's formulas have a step
MORE[MIDDLE] = {"cdf", "icdf"}
COARSE = {
    MIDDLE: 1e-6,
    "multinomial": 1e-6,  # PyTorch takes a logarithm of its entropy in float32
    "von mises": 1e-6,  # and fits Bessel's functions
}


def both(call, *libraries):
    """What both libraries give, or None where one has it not."""
    found = []
    for library in libraries:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(call(library))
        except (NotImplementedError, RuntimeError):
            found.append(None)
    return found


def text(thing):
    return repr(thing).replace("pullback", "torch")


def same(ours, theirs, tolerance=1e-9):
    assert str(ours.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
    assert tuple(ours.shape) == tuple(theirs.shape)
    ours, theirs = ours.detach().numpy(), theirs.detach().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


QUESTIONS = {
    "mean": lambda d, v, u: d.mean,
    "mode": lambda d, v, u: d.mode,
    "variance": lambda d, v, u: d.variance,
    "stddev": lambda d, v, u: d.stddev,
    "entropy": lambda d, v, u: d.entropy(),
    "perplexity": lambda d, v, u: d.perplexity(),
    "enumerate_support": lambda d, v, u: d.enumerate_support(),
    "enumerate_support, not expanded": lambda d, v, u: d.enumerate_support(expand=False),
    "log_prob": lambda d, v, u: d.log_prob(v),
    "cdf": lambda d, v, u: d.cdf(v),
    "icdf": lambda d, v, u: d.icdf(u),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_seen(name):
    ours, theirs = (make(FAMILIES[name], m) for m in (pb, torch))
    attributes = "batch_shape event_shape has_rsample has_enumerate_support support arg_constraints"
    for attribute in attributes.split():
        assert text(getattr(ours, attribute)) == text(getattr(theirs, attribute)), attribute
    assert text(ours) == text(theirs)
    kinds = type(ours).support, type(theirs).support  # a property where it depends on the parameters
    assert isinstance(kinds[0], property) == isinstance(kinds[1], property)
    assert isinstance(kinds[0], property) or text(kinds[0]) == text(kinds[1])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", FAMILIES)
def test_values_and_gradients(name, dtype):
    family, tolerance = FAMILIES[name], 1e-4 if dtype == "float32" else COARSE.get(name, 1e-9)
    batch = make(family).batch_shape
    u = np.linspace(0.2, 0.8, batch.numel()).reshape(batch).astype(dtype)
    for question, ask in QUESTIONS.items():
        if question.split(",")[0] in MORE.get(name, ()):
            continue

        def answered(m, ask=ask):
            parameters = tensors(family, m, dtype, grad=True)
            value = values(family, m, dtype)
            if value.is_floating_point():
                value.requires_grad_()
            answer = ask(make(family, m, parameters, dtype), value, m.tensor(u))
            leaves = [*parameters.values(), *([value] if value.requires_grad else [])]
            if not answer.requires_grad or bool((~answer.isfinite()).any()):
                return answer, ()
            try:
                return answer, m.autograd.grad(answer.sum(), leaves, allow_unused=True)
            except NotImplementedError:  # PyTorch's incomplete gamma function
                return answer, ()

        ours, theirs = both(answered, pb, torch)
        assert (ours is None) == (theirs is None), question
        if ours is None:
            continue
        same(ours[0], theirs[0], tolerance)
        assert len(ours[1]) >= len(theirs[1]), question
        for mine, other in zip(ours[1], theirs[1]):
            if mine is None or other is None:
                assert all(each is None or not each.any() for each in (mine, other)), question
            else:
                same(mine, other, tolerance * 10 if dtype == "float64" else 1e-3)


# Draws that PyTorch makes by other arithmetic, of other rounding.
ROUNDED = {
    "lkj": 1e-6,
    "multivariate normal by precision": 1e-6,
}


@pytest.mark.parametrize("name", sorted({*FAMILIES} - {MIDDLE}))
def test_draws_after_a_seed(name):
    for dtype in ("float32", "float64"):
        ours, theirs = (make(FAMILIES[name], m, dtype=dtype) for m in (pb, torch))
        for shape in ((), (3,), (7, 2), (40,)):
            for method in ("sample", "rsample"):

                def drawn(library, method=method, shape=shape, ours=ours, theirs=theirs):
                    library.manual_seed(5)
                    return getattr(ours if library is pb else theirs, method)(shape)

                found, expected = both(drawn, pb, torch)
                assert (found is None) == (expected is None)
                if expected is not None:
                    tolerance = ROUNDED.get(name, 4e-7) * 10 if dtype == "float32" else 1e-13
                    same(found, expected, tolerance)
                    assert not found.requires_grad
                    # Both have taken as many numbers.
                    np.testing.assert_array_equal(pb.rand(3).numpy(), torch.rand(3).numpy())


EXACT = "bernoulli beta binomial categorical cauchy chi2 dirichlet exponential gamma gumbel normal one poisson uniform"


@pytest.mark.parametrize("name", [name for name in FAMILIES if name.split()[0] in EXACT.split()])
def test_draws_to_the_bit(name):
    for dtype in ("float32", "float64"):
        found = []
        for m in (pb, torch):
            m.manual_seed(7)
            found.append(make(FAMILIES[name], m, dtype=dtype).sample((50,)).numpy())
        if name == "gumbel":  # logarithms of either library
            np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(*found)


@pytest.mark.filterwarnings("ignore:Singular sample")  # PyTorch says so of every draw
@pytest.mark.parametrize("name", FAMILIES)
def test_expanded_batches(name):
    family = FAMILIES[name]
    ours, theirs = make(family), make(family, torch)
    shape = (2, *ours.batch_shape)
    if name == "mixture of vectors":
        shape = (2,)
    ours, theirs = ours.expand(shape), theirs.expand(shape)
    assert type(ours).__name__ == type(theirs).__name__
    assert text(ours) == text(theirs) and ours.batch_shape == shape
    value = values(family)
    found, before = ours.log_prob(value).numpy(), make(family).log_prob(value).numpy()
    np.testing.assert_allclose(found, np.broadcast_to(before, found.shape))
    pb.manual_seed(3), torch.manual_seed(3)
    if name == MIDDLE:
        return
    same(ours.sample((2,)), theirs.sample((2,)), 1e-11)
    again = ours.expand((4, *shape))
    assert again.batch_shape == (4, *shape) and again.sample().shape == (4, *shape, *ours.event_shape)


# PyTorch's gradients of draws of Wishart's distribution raise.
PATHS = [name for name in FAMILIES if make(FAMILIES[name]).has_rsample and name not in (MIDDLE, "wishart")]


@pytest.mark.parametrize("name", PATHS)
def test_gradients_of_draws(name):
    """PyTorch's of gamma and beta distributions are approximations."""
    family, found = FAMILIES[name], []
    for m in (pb, torch):
        m.manual_seed(11)
        parameters = tensors(family, m, grad=True)
        draws = make(family, m, parameters).rsample((5,))
        weights = m.tensor(np.cos(np.arange(draws.numel())).reshape(draws.shape))
        found.append(m.autograd.grad((draws * weights).sum(), list(parameters.values()), allow_unused=True))
    for ours, theirs in zip(*found):
        if ours is None or theirs is None:
            assert all(each is None or not each.any() for each in (ours, theirs))
            continue
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-2, atol=2e-3)
