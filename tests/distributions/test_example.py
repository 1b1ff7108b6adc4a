"""The example runs: proposals are accepted, what is predicted is right, the picture is drawn, and PyTorch says the same."""

import numpy as np
import pytest
from demos import loaded

import pullback as pb

pytest.importorskip("tqdm")


@pytest.fixture(scope="module")
def example():
    return loaded("posterior")


@pytest.fixture(scope="module")
def drawn(example):
    training, held_out = example.load()
    draws, share, _ = example.sample(pb, *map(pb.tensor, training), warm_up=150, draws=100)
    return training, held_out, draws, share


def test_what_is_learnt(example, drawn, tmp_path):
    _, held_out, draws, share = drawn
    assert 0.5 < share < 1
    accuracy, likelihood, probabilities = example.judge(pb, draws, *held_out[:2])
    assert accuracy > 0.94 and likelihood > -0.2
    pytest.importorskip("matplotlib")
    example.draw_picture(draws, probabilities, held_out, tmp_path / "posterior.png")
    assert (tmp_path / "posterior.png").stat().st_size > 10_000


@pytest.mark.torch
def test_gradients_beside_pytorch(example, drawn):
    torch = pytest.importorskip("torch")
    training, _, draws, _ = drawn
    ours, theirs = (
        example.slope(m, m.tensor(draws[-1].numpy()), *map(m.tensor, training))[1].numpy()
        for m in (pb, torch)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
