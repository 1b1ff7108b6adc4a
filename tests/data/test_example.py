"""The examples with loaders learn, also with workers, and PyTorch has the same losses from the same seed."""

import argparse

import numpy as np
import pytest
from demos import loaded

import pullback as pb

pytest.importorskip("tqdm")


@pytest.fixture(scope="module")
def example():
    return loaded("convolution")


@pytest.fixture(scope="module")
def autoencoder():
    return loaded("autoencoder")


def losses(example, lib, workers=0, epochs=1):
    options = argparse.Namespace(seed=0, epochs=epochs, workers=workers)
    return example.train(lib, *example.load(), options)


def test_it_learns_and_is_drawn(example, tmp_path):
    pytest.importorskip("matplotlib")
    run = losses(example, pb, epochs=6)
    assert run[1][-1] > 0.9 and run[0][-20:].mean() < 0.5
    example.draw({"pullback": run}, example.load()[1], run[2], tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("workers", [0, 2])
def test_pytorch_has_the_same_losses(torch, example, workers):
    mine, theirs = losses(example, pb, workers), losses(example, torch, workers)
    np.testing.assert_allclose(mine[0], theirs[0], rtol=1e-4)
    assert mine[1] == theirs[1] and np.array_equal(mine[2], theirs[2])


def test_the_plane_of_digits(autoencoder, tmp_path):
    pytest.importorskip("matplotlib")
    images, labels = autoencoder.load()
    model, bounds = autoencoder.train(pb, images, argparse.Namespace(seed=0, epochs=8))
    assert bounds[-20:].mean() < 27.1 < bounds[:20].mean()  # less than without an input
    autoencoder.draw(model, images, labels, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.torch
def test_pytorch_has_the_same_bounds(torch, autoencoder):
    options, (images, _) = argparse.Namespace(seed=0, epochs=1), autoencoder.load()
    mine, theirs = (autoencoder.train(lib, images, options)[1] for lib in (pb, torch))
    np.testing.assert_allclose(mine, theirs, rtol=1e-5)
