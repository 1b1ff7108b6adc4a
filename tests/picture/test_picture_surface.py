"""The landscape of a function of two variables: values, gradients and descent behind the picture."""

import sys

import numpy as np
import pytest

import pullback as pb
from pullback.picture import surface
from pullback.picture.surface import _evaluate


def quadratic(x1, x2):
    return 0.2 * x1**2 + 0.2 * x2**2 - 5


def test_the_descent_goes_to_the_minimum():
    pytest.importorskip("matplotlib")
    picture = surface(quadratic, start=(4.0, -3.0), rate=1.0, steps=30)
    assert picture.path.shape == (31, 3)
    factor = 1 - 0.4  # x <- x - 0.4 x
    np.testing.assert_allclose(picture.path[:, 0], 4.0 * factor ** np.arange(31), rtol=1e-12)
    np.testing.assert_allclose(picture.path[:, 1], -3.0 * factor ** np.arange(31), rtol=1e-12)
    assert picture.path[0, 2] == pytest.approx(0.0)
    assert picture.path[-1, 2] == pytest.approx(-5.0)
    assert (np.diff(picture.path[:, 2]) <= 0).all()


def test_the_first_step_fits_the_window_by_itself():
    pytest.importorskip("matplotlib")
    for scale in (1e-4, 1.0, 1e6):
        path = surface(lambda a, b, s=scale: s * quadratic(a, b), start=(4.0, -3.0)).path
        assert np.hypot(*(path[1] - path[0])[:2]) == pytest.approx(np.hypot(10, 10) / 12)


def test_a_descent_that_leaves_the_window_ends():
    pytest.importorskip("matplotlib")
    assert len(surface(quadratic, start=(4.0, 4.0), rate=6.0, steps=50).path) < 3
    assert len(surface(lambda a, b: 0 * a + 1.0, start=(1.0, 1.0), steps=3).path) == 4  # flat: it stays


@pytest.mark.parametrize("at_once", [True, False])
def test_values_and_gradients(at_once):
    calls = []

    def f(x, y):
        calls.append(x)
        if not at_once and x.dim():
            raise TypeError("one number at a time")
        return x.sin() * y**2

    a, b = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(0, 2, 4))
    value, first, second = _evaluate(f, a, b)
    np.testing.assert_allclose(value, np.sin(a) * b**2, atol=1e-14)
    np.testing.assert_allclose(first, np.cos(a) * b**2, atol=1e-14)
    np.testing.assert_allclose(second, np.sin(a) * 2 * b, atol=1e-14)
    assert (len(calls) < a.size) == at_once


def test_a_function_that_mixes_the_points_of_a_grid_is_called_point_by_point():
    a, b = np.meshgrid(np.linspace(0, 1, 4), np.linspace(0, 1, 3))
    value, first, _ = _evaluate(lambda x, y: x * x / x.max() + y, a + 1, b)
    np.testing.assert_allclose(value, a + 1 + b)
    np.testing.assert_allclose(first, np.ones_like(a))


def test_a_variable_that_does_not_matter_has_gradient_zero():
    a, b = np.meshgrid([0.0, 1.0], [0.0, 1.0])
    assert not _evaluate(lambda x, y: x * 2, a, b)[2].any()


def test_it_is_drawn_and_saved(tmp_path):
    pytest.importorskip("matplotlib")
    picture = surface(quadratic, start=(4.0, -3.0), steps=5, points=11, names=("a", "b"), title="f")
    space, flat, *_ = picture.figure.axes
    assert (flat.get_xlabel(), flat.get_ylabel()) == ("a", "b") == (space.get_xlabel(), space.get_ylabel())
    assert picture.save(tmp_path / "f.png").stat().st_size > 10_000
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert repr(picture) == "<picture of a function of two variables, with a descent of 5 steps>"
    assert repr(surface(quadratic, points=5)) == "<picture of a function of two variables>"


def test_without_matplotlib_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.colors", None)
    with pytest.raises(ImportError, match=r"pip install 'pullback\[picture\]'"):
        surface(quadratic)


def test_bad_input():
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match=r"the window x2=\(1\.0, 1\.0\) is empty"):
        surface(quadratic, x2=(1.0, 1.0))
    with pytest.raises(ValueError, match="points must be at least 2"):
        surface(quadratic, points=1)
    with pytest.raises(RuntimeError, match="does not require grad"):
        surface(lambda x, y: pb.zeros(x.shape))
