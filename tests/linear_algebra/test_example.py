"""The Gaussian process: its evidence is a normal density's, it forecasts, is drawn, and PyTorch learns the same numbers."""

import numpy as np
import pytest
from checks import check
from demos import loaded

import pullback as pb

pytest.importorskip("tqdm")


@pytest.fixture(scope="module")
def example():
    return loaded("gaussian_process")


@pytest.fixture(scope="module")
def shown(example):
    """Every second month of twenty years."""
    (year, co2), _ = example.load()
    return year[:240:2], co2[:240:2]


def data(lib, shown):
    return lib.tensor(shown[0]), lib.tensor(shown[1] - shown[1].mean())


def test_the_evidence_is_that_of_a_normal_distribution(example, shown):
    stats = pytest.importorskip("scipy.stats")
    x, y = data(pb, (shown[0][:30], shown[1][:30]))
    logs = pb.tensor(example.START, dtype=pb.float64).log()
    covariance = sum(example.kernels(pb, logs, x, x)).numpy() + np.exp(2 * logs[-1].item()) * np.eye(30)
    density = stats.multivariate_normal(np.zeros(30), covariance).logpdf(y.numpy())
    assert example.evidence(pb, logs, x, y).item() == pytest.approx(-density / 30)
    check(lambda logs: example.evidence(pb, logs, x[:8], y[:8]), logs.numpy(), second=False)


def test_a_forecast_is_drawn(example, shown, tmp_path):
    pytest.importorskip("matplotlib")
    (year, co2), held_out = example.load()
    times = np.arange(shown[0][0], 1982, 1 / 12)
    found = example.run(pb, shown, times, rounds=2)
    later = (year > shown[0][-1]) & (year < 1981)
    off = np.interp(year[later], times, found[2]) - co2[later]
    assert np.sqrt(np.mean(off**2)) < 2 and (found[3] > 0).all() and found[1][1] < found[1][0]
    example.draw(shown, held_out, times, found, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.torch
def test_pytorch_learns_the_same_numbers(example, shown):
    torch = pytest.importorskip("torch")
    mine, theirs = (example.fit(lib, *data(lib, shown), rounds=2) for lib in (pb, torch))
    np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-8)
    np.testing.assert_allclose(mine[0].numpy(), theirs[0].numpy(), rtol=1e-5)
