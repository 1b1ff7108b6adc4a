"""`surface`: a function of two variables as a landscape, with its gradient and the way down."""

from __future__ import annotations

import io
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

import pullback as pb
from pullback import Tensor

Function = Callable[[Tensor, Tensor], Tensor]

_START, _PATH, _ARROW = "#ffffff", "#dc2626", "#1e293b"
# Light enough everywhere for dark arrows, and without the red of the path.
_COLOURS = ["#4a7fc1", "#94bce3", "#dceaf6", "#fbf3df", "#f3d391"]


class Surface:
    """A drawn function. It shows itself in a notebook; elsewhere, `save` it.

    Attributes:
        figure: the matplotlib figure, for whoever wants to draw more into it.
        path: the points of the descent from the start on, an array of shape [points, 3]: x1, x2 and the value
            there. Of shape [0, 3] without a start.
    """

    def __init__(self, figure: Any, path: np.ndarray) -> None:
        self.figure = figure
        self.path = path

    def save(self, path: str | pathlib.Path) -> pathlib.Path:
        """Write the picture to `path`, in the format of its ending: any that matplotlib knows."""
        path = pathlib.Path(path)
        self.figure.savefig(path, dpi=160)
        return path

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()

    def __repr__(self) -> str:
        descent = f", with a descent of {len(self.path) - 1} steps" if len(self.path) else ""
        return f"<picture of a function of two variables{descent}>"


def surface(
    f: Function,
    *,
    x1: tuple[float, float] = (-5.0, 5.0),
    x2: tuple[float, float] = (-5.0, 5.0),
    start: tuple[float, float] | None = None,
    rate: float | None = None,
    steps: int = 20,
    names: tuple[str, str] = ("x1", "x2"),
    title: str | None = None,
    points: int = 61,
) -> Surface:
    """Draw f(x1, x2) as a surface and as a map, with the direction of steepest descent and a descent.

    Every derivative in the picture is computed by ``backward``: the arrows of the map are -∇f, the path goes
    ``x ← x - rate · ∇f(x)``.

    Args:
        f: takes two tensors and returns one. It is called with whole grids where that gives what single
            points give, else point by point.
        x1, x2: the window, (from, to) of each variable.
        start: where a descent starts, marked white; left out, none is drawn.
        rate: the step size; left out, such that the first step covers a twelfth of the window.
        steps: how many; the descent ends early where it leaves the window.
        names: of the two variables, for the axes.
        title: a heading.
        points: of the grid, per axis.

    Returns:
        A `Surface`, with ``figure``, ``path`` and ``save(path)``.

    Raises:
        ImportError: without matplotlib, which ``pip install 'pullback[picture]'`` brings.
        RuntimeError: if the result of f does not depend on its arguments through the tape.
        ValueError: for an empty window or fewer than 2 points.

    Example:
        >>> import pullback as pb
        >>> picture = pb.picture.surface(lambda a, b: 0.2 * a**2 + 0.2 * b**2 - 5, start=(4.0, -3.0))
        >>> picture
        <picture of a function of two variables, with a descent of 20 steps>
        >>> bool(picture.path[-1, 2] < -4.99)
        True
    """
    figure_class, colours = _matplotlib()
    for name, window in (("x1", x1), ("x2", x2)):
        if not window[0] < window[1]:
            raise ValueError(f"surface(): the window {name}={window} is empty; give (from, to)")
    if points < 2:
        raise ValueError(f"surface(): points must be at least 2, but is {points}")
    a, b = np.meshgrid(np.linspace(*x1, points), np.linspace(*x2, points))
    values, _, _ = _evaluate(f, a, b)
    sparse = [np.linspace(*window, 17)[1:-1] for window in (x1, x2)]
    arrows = np.meshgrid(*sparse)
    path = np.zeros((0, 3)) if start is None else _descend(f, start, rate, steps, (x1, x2))
    _, *gradient = _evaluate(f, *arrows)
    figure = figure_class(figsize=(11, 4.8), layout="constrained", facecolor="white")
    if title:
        figure.suptitle(title, fontweight="bold")
    _draw_space(figure, colours, a, b, values, path, names)
    _draw_map(figure, colours, a, b, values, arrows, gradient, path, names)
    return Surface(figure, path)


def _matplotlib() -> tuple[Any, Any]:
    try:
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "surface() draws with matplotlib, which is not installed: pip install 'pullback[picture]'"
        ) from error
    return Figure, LinearSegmentedColormap.from_list("pullback", _COLOURS)


# ---- the mathematics ---------------------------------------------------------------------------------------


def _evaluate(f: Function, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values and both partials of f at every pair of numbers from a and b."""
    whole = _try_at_once(f, a, b)
    if whole is not None:
        return whole
    found = [_differentiate(f, np.array(p), np.array(q)) for p, q in zip(a.flat, b.flat)]
    value, first, second = (np.array(column, dtype=float).reshape(a.shape) for column in zip(*found))
    return value, first, second


def _try_at_once(f: Function, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...] | None:
    """The same with one call of f, if f works element by element: three points are checked."""
    try:
        whole = _differentiate(f, a, b)
    except Exception:  # whatever a function for single numbers does with a grid
        return None
    if whole[0].shape != a.shape:
        return None
    for index in (0, a.size // 3, a.size - 1):
        single = _differentiate(f, np.array(a.flat[index]), np.array(b.flat[index]))
        if not all(np.allclose(x.flat[index], y, equal_nan=True) for x, y in zip(whole, single)):
            return None
    return whole


def _differentiate(f: Function, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    p = pb.tensor(a.tolist(), dtype=pb.float64, requires_grad=True)
    q = pb.tensor(b.tolist(), dtype=pb.float64, requires_grad=True)
    with pb.enable_grad():
        value = f(p, q)
    gradients = pb.autograd.grad(value.sum(), (p, q), allow_unused=True)
    partials = [np.zeros(a.shape) if g is None else g.numpy() for g in gradients]
    return value.detach().numpy(), *partials


def _descend(
    f: Function,
    start: tuple[float, float],
    rate: float | None,
    steps: int,
    windows: tuple[tuple[float, float], tuple[float, float]],
) -> np.ndarray:
    at = np.array(start, dtype=float)
    lower, upper = np.array(windows).T
    path = []
    for step in range(steps + 1):
        value, *gradient = (x.item() for x in _differentiate(f, at[:1].reshape(()), at[1:].reshape(())))
        path.append((*at, value))
        slope = float(np.hypot(*gradient))
        if rate is None:
            rate = float(np.hypot(*(upper - lower))) / 12 / slope if slope else 0.0
        at = at - rate * np.array(gradient)
        if step < steps and not ((lower <= at) & (at <= upper)).all():  # also where it is not a number
            break
    return np.array(path)


# ---- the drawing -------------------------------------------------------------------------------------------


def _draw_space(
    figure: Any,
    colours: Any,
    a: np.ndarray,
    b: np.ndarray,
    values: np.ndarray,
    path: np.ndarray,
    names: tuple[str, str],
) -> None:
    """The surface in space, seen from the side opposite to the start: there a valley is open to the eye."""
    axes = figure.add_subplot(1, 2, 1, projection="3d", computed_zorder=False)
    axes.plot_surface(a, b, values, cmap=colours, linewidth=0.3, edgecolor="#33415540", rstride=2, cstride=2)
    azimuth = -60.0
    if len(path):
        lift = 0.01 * np.ptp(values[np.isfinite(values)])  # on the surface itself it would be half hidden
        x, y, z = path[:, 0], path[:, 1], path[:, 2] + lift
        axes.plot(x, y, z, color=_PATH, marker=".", markersize=5, linewidth=1.8, zorder=5)
        axes.plot(x[:1], y[:1], z[:1], "o", color=_START, markeredgecolor="black", markersize=8, zorder=6)
        aside = np.arctan2((y[0] - b.mean()) / np.ptp(b), (x[0] - a.mean()) / np.ptp(a))
        azimuth = float(np.degrees(aside)) + 205.0
    axes.set_xlabel(names[0], labelpad=9)  # beyond the numbers
    axes.set_ylabel(names[1], labelpad=9)
    axes.locator_params(nbins=5)
    axes.set_box_aspect(None, zoom=0.9)
    axes.view_init(elev=42, azim=azimuth)


def _draw_map(
    figure: Any,
    colours: Any,
    a: np.ndarray,
    b: np.ndarray,
    values: np.ndarray,
    arrows: list[np.ndarray],
    gradient: list[np.ndarray],
    path: np.ndarray,
    names: tuple[str, str],
) -> None:
    """The map: lines of equal value, arrows downhill, the path."""
    axes = figure.add_subplot(1, 2, 2)
    filled = axes.contourf(a, b, values, levels=20, cmap=colours)
    axes.contour(filled, colors="white", linewidths=0.5, alpha=0.7, negative_linestyles="solid")
    figure.colorbar(filled, ax=axes, label=f"f({names[0]}, {names[1]})", shrink=0.9)
    axes.quiver(*arrows, -gradient[0], -gradient[1], color=_ARROW, alpha=0.8, width=0.003, angles="xy")
    if len(path):
        axes.plot(path[:, 0], path[:, 1], color=_PATH, marker=".", markersize=6, linewidth=1.8)
        axes.plot(*path[0, :2], "o", color=_START, markeredgecolor="black", markersize=9)
    axes.set(xlabel=names[0], ylabel=names[1], xlim=(a.min(), a.max()), ylim=(b.min(), b.max()))
    axes.set_title("arrows: −∇f" + (", line: descent" if len(path) else ""), fontsize="medium")
