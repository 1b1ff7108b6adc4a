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


# ---- what is said of the descent ---------------------------------------------------------------------------


def rosenbrock(a, b):
    return (1 - a) ** 2 + 100 * (b - a**2) ** 2


def reference_descent(start, rate, steps):
    """The same in plain arithmetic, derivatives by hand."""
    a, b = start
    path = []
    for _ in range(steps + 1):
        path.append((a, b, (1 - a) ** 2 + 100 * (b - a * a) ** 2))
        da, db = -2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)
        a, b = a - rate * da, b - rate * db
    return np.array(path)


@pytest.mark.parametrize(
    "windows", [{}, {"x1": (-2, 2), "x2": (-1, 3)}, {"x1": (-1.5, 1.5), "x2": (-0.5, 2)}]
)
@pytest.mark.parametrize("start", [(-1.2, 1.0), (-1.0, 2.0), (0.0, 0.0), (1.4, 0.0), (1.0, 1.0)])
def test_the_default_rate_descends_within_the_window(windows, start):
    pytest.importorskip("matplotlib")
    picture = surface(rosenbrock, start=start, **windows)
    assert picture.path.shape == (21, 3)
    assert (np.diff(picture.path[:, 2]) <= 1e-9).all()
    np.testing.assert_allclose(
        picture.path, reference_descent(start, picture.rate, 20), rtol=1e-9, atol=1e-12
    )
    assert picture.notes[0].startswith("Descent: ")


def test_a_path_that_climbs_says_so():
    pytest.importorskip("matplotlib")
    picture = surface(rosenbrock, x1=(-2, 2), x2=(-1, 3), start=(-1.2, 1.0), rate=0.002)
    rises = np.flatnonzero(np.diff(reference_descent((-1.2, 1.0), 0.002, 20)[:, 2]) > 0)
    assert rises[0] == 0 and len(rises) == 3
    assert picture.notes[0].startswith(
        "Not a descent: at rate 0.002, step 1 leads up from 24.2 to 37.34, 3 of 20 steps lead up"
    )
    assert "A smaller rate descends." in picture.notes[0]
    assert picture.figure.get_supxlabel() == "\n".join(picture.notes)


def test_a_path_that_leaves_the_window_says_where():
    pytest.importorskip("matplotlib")
    picture = surface(lambda a, b: a * a - b * b, start=(2.0, 0.1), rate=0.2, steps=30, names=("u", "v"))
    left = next(step for step in range(30) if 0.1 * 1.4**step > 5)
    assert len(picture.path) == left
    assert picture.notes[0].startswith(f"Descent: {left - 1} steps of rate 0.2, from 3.99 to ")
    assert picture.notes[1].startswith(f"At rate 0.2, step {left} of 30 leaves the window, to u = ")
    # An arrow shows it on the map, from the last point to the edge.
    (arrow,) = picture.figure.axes[1].texts
    assert arrow.xy[1] == pytest.approx(5.0) and tuple(arrow.xyann) == tuple(picture.path[-1, :2])


def test_a_descent_that_stays_or_is_no_number_says_so():
    pytest.importorskip("matplotlib")
    assert surface(quadratic, start=(0.0, 0.0), steps=3).notes == [
        "Descent: the gradient is 0 at the start; 3 steps stay there."
    ]
    picture = surface(lambda a, b: a.sqrt() + b * b, start=(0.0, 1.0), rate=0.1)
    assert len(picture.path) == 1 and "step 1 of 20 leaves the window" in picture.notes[0]
    assert surface(quadratic).notes == [] and surface(quadratic).rate is None


def test_the_view_shows_the_path_where_few_values_are_far_above_the_rest():
    pytest.importorskip("matplotlib")
    picture = surface(rosenbrock, x1=(-2, 2), x2=(-1, 3), start=(-1.2, 1.0))
    top = picture.path[:, 2].max()
    space, flat, *_ = picture.figure.axes
    low, high = space.get_zlim()
    assert low <= 0 and top < high < 1000  # of 2509
    assert "the surface is cut off at" in picture.notes[-1] and "values go up to 2509" in picture.notes[-1]
    levels = flat.collections[0].levels
    assert (levels < 100).sum() >= 6  # linear ones would have one
    assert "direction of" in flat.get_title()
    plain = surface(quadratic, start=(4.0, -3.0))
    assert len(plain.notes) == 1 and "direction of" not in plain.figure.axes[1].get_title()


def test_where_the_function_is_no_number_nothing_is_drawn(tmp_path, recwarn):
    pytest.importorskip("matplotlib")
    picture = surface(lambda a, b: (a * b).log(), start=(2.0, 1.0), steps=10)
    picture.save(tmp_path / "f.png")
    assert not recwarn.list
    arrows = next(c for c in picture.figure.axes[1].collections if type(c).__name__ == "Quiver")
    x, y, u, v = arrows.X, arrows.Y, np.asarray(arrows.U), np.asarray(arrows.V)
    outside = x * y < 0
    assert not u[outside].any() and not v[outside].any() and u[~outside].any()
    with pytest.raises(ValueError, match="finite nowhere in the window"):
        surface(lambda a, b: (a * 0 - 1).log() + b)
    with pytest.raises(ValueError, match="lies outside of the window"):
        surface(quadratic, start=(9.0, 0.0))
