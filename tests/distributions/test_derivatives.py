"""Densities, distribution functions, quantiles and entropies are differentiable in parameters and values.

Every mode and nesting of two orders, beside differences."""

import numpy as np
import pytest
from checks import check
from distributions.families import FAMILIES, make, values

import pullback as pb

DISCRETE = """
    bernoulli binomial categorical geometric multinomial negative one poisson
""".split()


def numbers(family):
    return [np.asarray(each, dtype=np.float64) for each in family.given.values()]


def distribution(family, parameters):
    """A row's, of any tensors, from which those that are positive definite in it are made."""
    parameters = [
        each @ each.mT + pb.eye(len(each)) if name in ("covariance_matrix", "precision_matrix") else each
        for name, each in zip(family.given, parameters)
    ]
    return make(family, pb, dict(zip(family.given, parameters)), **options(family))


def options(family):
    return {} if callable(family.name) else {"validate_args": False}


def probabilities(d):
    return np.linspace(0.2, 0.7, d.batch_shape.numel()).reshape(d.batch_shape)


@pytest.mark.parametrize("name", FAMILIES)
def test_log_prob(name):
    family, discrete = FAMILIES[name], name.split()[0] in DISCRETE
    value = values(family)
    parameters = numbers(family)
    if discrete:
        check(lambda *p: distribution(family, p).log_prob(value), *parameters, layouts=("contiguous",))
        return

    check(
        lambda v, *p: distribution(family, p).log_prob(v),
        value.numpy(),
        *parameters,
        layouts=("contiguous",),
    )


def has(method, name):
    try:
        d = make(FAMILIES[name])
        method(d)
    except (NotImplementedError, ValueError):
        return False
    return d.batch_shape.numel() > 0


ENTROPY = [name for name in FAMILIES if has(lambda d: d.entropy(), name)]
MOMENTS = [name for name in FAMILIES if has(lambda d: (d.mean, d.variance), name)]
CDF = [name for name in FAMILIES if name.split()[0] not in DISCRETE]
ICDF = [name for name in CDF if has(lambda d: d.icdf(pb.tensor(probabilities(d))), name)]
CDF = [name for name in CDF if has(lambda d: d.cdf(pb.zeros(d.batch_shape) + 0.5), name)]


def test_there_are_such_families():
    assert len(ENTROPY) > 30 and len(MOMENTS) > 35 and len(CDF) > 18 and len(ICDF) > 12


@pytest.mark.parametrize("name", ENTROPY)
def test_entropy(name):
    family = FAMILIES[name]
    check(lambda *p: distribution(family, p).entropy(), *numbers(family), layouts=("contiguous",))


@pytest.mark.parametrize("name", CDF)
def test_cdf(name):
    family = FAMILIES[name]
    value = values(family).numpy()
    check(lambda v, *p: distribution(family, p).cdf(v), value, *numbers(family), layouts=("contiguous",))


@pytest.mark.parametrize("name", ["poisson", "binomial", "geometric", "negative binomial"])
def test_cdf_of_counts(name):
    family = FAMILIES[name]
    value = pb.tensor([0.0, 3.0, 5.0], dtype=pb.float64)
    check(lambda *p: distribution(family, p).cdf(value), *numbers(family), layouts=("contiguous",))


@pytest.mark.parametrize("name", ICDF)
def test_icdf(name):
    family = FAMILIES[name]
    u = probabilities(make(family))
    check(lambda u, *p: distribution(family, p).icdf(u), u, *numbers(family), layouts=("contiguous",))
