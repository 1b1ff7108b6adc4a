"""The example runs: Newton converges quadratically, and the picture is drawn."""

import numpy as np
import pytest
from demos import loaded

import pullback as pb

pytest.importorskip("scipy.sparse")


@pytest.fixture(scope="module")
def example():
    return loaded("reaction_diffusion")


def test_newton(example):
    said = []
    feed = example.fed(16)
    z = example.newton(pb.stack([pb.ones_like(feed), 3.4 * pb.ones_like(feed)]), feed, said.append)
    assert float(example.residual(z, feed).abs().max()) < 1e-9
    residuals = [float(line.split()[-1]) for line in said if line.startswith("step")]
    assert len(residuals) < 9 and residuals[0] == 1.0
    # Averaged over the periodic square diffusion is gone: what is fed reacts away.
    u, v = z.numpy()
    np.testing.assert_allclose(np.mean(1 + feed.numpy() - u), 0, atol=1e-9)
    np.testing.assert_allclose(np.mean(3.4 * u - u * u * v), 0, atol=1e-9)


def test_picture(example, tmp_path):
    pytest.importorskip("matplotlib")
    path = example.picture(tmp_path / "sparse.png")
    assert path.stat().st_size > 10_000
