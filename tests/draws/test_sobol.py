"""Sobol's sequence: SciPy's and PyTorch's points."""

import numpy as np
import pytest

import pullback as pb

qmc = pytest.importorskip("scipy.stats").qmc


@pytest.mark.parametrize("dimension", [1, 2, 7, 40, 1000])
def test_points_are_scipys(dimension):
    theirs = qmc.Sobol(dimension, scramble=False, bits=30).random(64)
    engine = pb.quasirandom.SobolEngine(dimension)
    np.testing.assert_array_equal(engine.draw(64, dtype=pb.float64).numpy(), theirs)
    engine.reset()
    parts = [engine.draw(n, dtype=pb.float64).numpy() for n in (1, 3, 0, 20)]
    assert engine.num_generated == 24
    parts.append(engine.fast_forward(10).draw(30, dtype=pb.float64).numpy())
    np.testing.assert_array_equal(np.concatenate(parts), np.delete(theirs, slice(24, 34), 0))


def test_scrambled_points_are_even():
    pb.manual_seed(0)
    points = pb.quasirandom.SobolEngine(5, scramble=True).draw_base2(8).numpy()
    for column in points.T:  # one in each of 256 equal parts
        assert sorted((column * 256).astype(int)) == list(range(256))


def test_errors():
    for dimension in (0, 21202):
        with pytest.raises(ValueError, match="Supported range of dimensionality"):
            pb.quasirandom.SobolEngine(dimension)
    engine = pb.quasirandom.SobolEngine(3, True, 7)
    assert repr(engine) == "SobolEngine(dimension=3, scramble=True, seed=7)"
    engine.draw(3)
    with pytest.raises(ValueError, match="The balance properties of Sobol' points"):
        engine.draw_base2(2)


@pytest.mark.torch
@pytest.mark.parametrize(
    "dimension, scramble", [*((d, s) for d in (1, 3, 21, 300) for s in (False, True)), (21201, False)]
)
def test_beside_pytorch(dimension, scramble):
    torch = pytest.importorskip("torch")
    for seed in (None, 12):
        results = []
        for m in (pb, torch):
            m.manual_seed(4)
            engine = m.quasirandom.SobolEngine(dimension, scramble, seed)
            drawn = [engine.draw(5), engine.draw(), engine.draw(9, dtype=m.float64)]
            engine.fast_forward(100)
            drawn += [engine.draw(3), engine.reset().draw(), engine.draw_base2(0)]
            results.append([x.numpy() for x in drawn] + [m.rand(1).numpy()])
        for ours, theirs in zip(*results):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
