"""Examples with networks that read and move: in short form they learn, are drawn, and PyTorch has the same numbers."""

import argparse

import numpy as np
import pytest
from demos import loaded

import pullback as pb

pytest.importorskip("tqdm")


@pytest.fixture(scope="module")
def characters():
    return loaded("characters")


@pytest.fixture(scope="module")
def neural_ode():
    return loaded("neural_ode")


def read(example, lib, letters, epochs):
    alphabet, training, held_out = example.load()
    options = argparse.Namespace(seed=0, epochs=epochs)
    return alphabet, example.train(lib, training[:letters], held_out[:500], len(alphabet), options)


def test_a_text_is_learnt_written_and_drawn(characters, tmp_path):
    pytest.importorskip("matplotlib")
    alphabet, run = read(characters, pb, 12000, 3)
    model, losses, unseen = run
    assert losses[0] == pytest.approx(np.log2(len(alphabet)), abs=0.3)
    assert losses[-5:].mean() < 4.4 and unseen[-1] < 4.6  # the frequencies of letters have been learnt
    written = characters.write(pb, model, alphabet, "Alice ", 30)
    assert len(written) == 36 and set(written) <= set(alphabet)
    bits = characters.surprise(pb, model, characters.load()[2][:60])
    characters.draw({"pullback": run}, "x" * 59, bits, written, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_windows_go_on_where_the_last_one_ended(characters):
    codes = np.arange(characters.ROWS * characters.WINDOW * 2 + 5)
    (first, _), (second, following) = characters.windows(pb, codes)
    assert (second[0] == first[-1] + 1).all() and (following == second + 1).all()


@pytest.mark.torch
def test_pytorch_reads_with_the_same_losses(torch, characters):
    mine, theirs = (read(characters, lib, 6000, 1)[1] for lib in (pb, torch))
    np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-4)
    np.testing.assert_allclose(mine[2], theirs[2], rtol=1e-3)


def trained(example, lib, epochs, memory=None):
    options = argparse.Namespace(seed=0, epochs=epochs, memory=memory)
    return example.train(lib, example.load()[1], options)


def test_a_law_is_learnt_and_drawn(neural_ode, tmp_path):
    pytest.importorskip("matplotlib")
    speed, losses = trained(neural_ode, pb, 60)
    assert losses[-1] < 0.5 < losses[0]
    years, logs, scale = neural_ode.load()
    neural_ode.draw(years, logs, scale, speed, {"pullback": losses}, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_steps_of_fourth_order(neural_ode):
    """Of y' = -y the error falls by 2**5 as a step is halved."""
    errors = [abs(neural_ode.advance(lambda y: -y, 1.0, h) - np.exp(-h)) for h in (0.2, 0.1)]
    assert 28 < errors[0] / errors[1] < 36


def test_a_loop_that_remembers_less_has_the_same_losses(neural_ode):
    np.testing.assert_allclose(
        trained(neural_ode, pb, 3, memory=3)[1], trained(neural_ode, pb, 3)[1], rtol=1e-12
    )


@pytest.mark.torch
def test_pytorch_learns_with_the_same_losses(torch, neural_ode):
    mine, theirs = (trained(neural_ode, lib, 12)[1] for lib in (pb, torch))
    np.testing.assert_allclose(mine, theirs, rtol=1e-9)
