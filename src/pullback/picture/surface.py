"""`surface`: a function of two variables as a landscape, with its gradient and the way down."""

from __future__ import annotations

import io
import pathlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import pullback as pb
from pullback import Tensor

from .text import number_text

Function = Callable[[Tensor, Tensor], Tensor]
Window = tuple[float, float]

_START, _PATH, _ARROW = "#ffffff", "#dc2626", "#1e293b"
# Light enough everywhere for dark arrows, and without the red of the path.
_COLOURS = ["#4a7fc1", "#94bce3", "#dceaf6", "#fbf3df", "#f3d391"]


class Surface:
    """A drawn function. It shows itself in a notebook; elsewhere, `save` it.

    Attributes:
        figure: the matplotlib figure, for whoever wants to draw more into it.
        path: the points of the descent from the start on, an array of shape [points, 3]: x1, x2 and the value
            there. Of shape [0, 3] without a start.
        rate: the step size of the descent; None without a start.
        notes: what the picture says of the descent and of itself, below the map.

    Example:
        >>> picture = pb.picture.surface(lambda x1, x2: x1**2 + x2**2, start=(3.0, 4.0), steps=5)
        >>> picture.path.shape
        (6, 3)
    """

    def __init__(self, figure: Any, path: np.ndarray, rate: float | None, notes: list[str]) -> None:
        self.figure = figure
        self.path = path
        self.rate = rate
        self.notes = notes

    def save(self, path: str | pathlib.Path) -> pathlib.Path:
        """Write the picture to `path`, in the format of its ending: any that matplotlib knows; returns the path.

        Raises ValueError for an ending that it does not know.

        Example:
            >>> import pathlib, tempfile
            >>> picture = pb.picture.surface(lambda x1, x2: x1**2 + x2**2)
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     picture.save(pathlib.Path(folder, "bowl.png")).name
            'bowl.png'
        """
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
        rate: the step size. Left out, it is such that the first step covers a twelfth of the window, or half of
            that, a quarter, and so on, until no step leads upwards or out of the window.
        steps: how many; the descent ends early where it leaves the window. The picture says so, and where a step
            leads upwards.
        names: of the two variables, for the axes.
        title: a heading.
        points: of the grid, per axis.

    Returns:
        A `Surface`, with ``figure``, ``path``, ``rate``, ``notes`` and ``save(path)``.

    Raises:
        ImportError: without matplotlib, which ``pip install 'pullback[picture]'`` brings.
        RuntimeError: if the result of f does not depend on its arguments through the tape.
        ValueError: for an empty window, fewer than 2 points, a start outside of the window, or a function that
            is finite nowhere in it.

    Example:
        >>> import pullback as pb
        >>> picture = pb.picture.surface(lambda a, b: 0.2 * a**2 + 0.2 * b**2 - 5, start=(4.0, -3.0))
        >>> picture
        <picture of a function of two variables, with a descent of 20 steps>
        >>> bool(picture.path[-1, 2] < -4.99)
        True
        >>> picture.notes
        ['Descent: 20 steps of rate 0.5893, from 0 to −5.']
    """
    figure_class, colours = _matplotlib()
    for name, window in (("x1", x1), ("x2", x2)):
        if not window[0] < window[1]:
            raise ValueError(f"surface(): the window {name}={window} is empty; give (from, to)")
    if points < 2:
        raise ValueError(f"surface(): points must be at least 2, but is {points}")
    if start is not None and not _within(np.array(start, dtype=float), (x1, x2)):
        raise ValueError(f"surface(): start={start} lies outside of the window x1={x1}, x2={x2}")
    a, b = np.meshgrid(np.linspace(*x1, points), np.linspace(*x2, points))
    values, _, _ = _evaluate(f, a, b)
    values = np.where(np.isfinite(values), values, np.nan)
    if np.isnan(values).all():
        raise ValueError(f"surface(): the function is finite nowhere in the window x1={x1}, x2={x2}")
    sparse = [np.linspace(*window, 17)[1:-1] for window in (x1, x2)]
    arrows = np.meshgrid(*sparse)
    descent = Descent(np.zeros((0, 3)), None, None)
    if start is not None:
        descent = _descend(f, start, rate, steps, (x1, x2))
    height, *gradient = _evaluate(f, *arrows)
    gradient = [np.where(np.isfinite(height), part, np.nan) for part in gradient]
    scale = _Scale(values, descent.path)
    notes = [*_told(descent, names, steps), *scale.notes]
    figure = figure_class(figsize=(11, 4.8 + 0.2 * len(notes)), layout="constrained", facecolor="white")
    if title:
        figure.suptitle(title, fontweight="bold")
    _draw_space(figure, colours, a, b, values, scale, descent, names)
    _draw_map(figure, colours, a, b, values, scale, arrows, gradient, descent, names)
    if notes:
        figure.supxlabel("\n".join(notes), fontsize="medium", color=_ARROW)
    return Surface(figure, descent.path, descent.rate, notes)


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


@dataclass
class Descent:
    path: np.ndarray  # [points, 3]
    rate: float | None
    beyond: np.ndarray | None  # the point outside of the window that ended it


def _descend(
    f: Function, start: tuple[float, float], rate: float | None, steps: int, windows: tuple[Window, Window]
) -> Descent:
    if rate is not None:
        return _walk(f, start, rate, steps, windows)
    _, *gradient = _point(f, np.array(start, dtype=float))
    slope = float(np.hypot(*gradient))
    lower, upper = np.array(windows).T
    rate = float(np.hypot(*(upper - lower))) / 12 / slope if slope and np.isfinite(slope) else 0.0
    for _ in range(60):
        found = _walk(f, start, rate, steps, windows, upwards=False)
        if len(found.path) == steps + 1:
            break
        rate /= 2
    return _walk(f, start, rate, steps, windows)


def _walk(
    f: Function,
    start: tuple[float, float],
    rate: float,
    steps: int,
    windows: tuple[Window, Window],
    upwards: bool = True,
) -> Descent:
    """The descent, up to where it leaves the window, or also up to the first step `upwards`."""
    at = np.array(start, dtype=float)
    path: list[tuple[float, ...]] = []
    while True:
        value, *gradient = _point(f, at)
        if not upwards and path and not value <= path[-1][2] + 1e-9 * abs(path[-1][2]):
            break
        path.append((*at, value))
        if len(path) > steps:
            break
        at = at - rate * np.array(gradient)
        if not _within(at, windows):  # also where it is not a number
            return Descent(np.array(path), rate, at)
    return Descent(np.array(path), rate, None)


def _point(f: Function, at: np.ndarray) -> list[float]:
    return [float(x.item()) for x in _differentiate(f, at[:1].reshape(()), at[1:].reshape(()))]


def _within(at: np.ndarray, windows: tuple[Window, Window]) -> bool:
    lower, upper = np.array(windows).T
    return bool(((lower <= at) & (at <= upper)).all())


# ---- what is said ------------------------------------------------------------------------------------------


def _told(descent: Descent, names: tuple[str, str], steps: int) -> list[str]:
    """What became of the descent, in words."""
    if not len(descent.path) or descent.rate is None:
        return []
    values = descent.path[:, 2]
    taken, rate = len(values) - 1, number_text(descent.rate)
    first, last = number_text(values[0]), number_text(values[-1])
    rises = np.flatnonzero(~(np.diff(values) <= 1e-9 * np.abs(values[:-1])))
    if taken and values[-1] == values[0] and (descent.path[:, :2] == descent.path[0, :2]).all():
        said = [f"Descent: the gradient is 0 at the start; {taken} steps stay there."]
    elif len(rises):
        step = int(rises[0]) + 1
        before, after = number_text(values[step - 1]), number_text(values[step])
        said = [
            f"Not a descent: at rate {rate}, step {step} leads up from {before} to {after}"
            + (f", {len(rises)} of {taken} steps lead up" if len(rises) > 1 else "")
            + f"; the value goes from {first} to {last}. A smaller rate descends."
        ]
    elif taken:
        said = [
            f"Descent: {taken} {'step' if taken == 1 else 'steps'} of rate {rate}, from {first} to {last}."
        ]
    else:
        said = []
    if descent.beyond is not None:
        x, y = (number_text(float(each)) for each in descent.beyond)
        said.append(
            f"At rate {rate}, step {taken + 1} of {steps} leaves the window, to {names[0]} = {x}, {names[1]} = {y}: "
            "the path ends there. A smaller rate or a larger window shows more."
        )
    return said


class _Scale:
    """Which values the picture tells apart: all alike, or, where few are far above the rest, low ones better."""

    def __init__(self, values: np.ndarray, path: np.ndarray) -> None:
        known = values[np.isfinite(values)]
        low, high = float(known.min()), float(known.max())
        most = float(np.quantile(known, 0.85))
        on_path = path[:, 2][np.isfinite(path[:, 2])]
        self.notes: list[str] = []
        self.levels: Any = 20
        self.top = high
        # Few values are far above the rest, or the path has but a small part of them all.
        small = len(on_path) > 0 and 0 < 20 * float(np.ptp(on_path)) < high - low
        self.skewed = small or high - low > 3 * (most - low) > 0
        if self.skewed:
            # As many of the map's points between any two lines; the path begins at one.
            shares = np.quantile(known, np.linspace(0, 1, 18))
            self.levels = np.unique(np.concatenate([shares, on_path[:1]]))
            self.top = max(most, float(on_path.max()) if len(on_path) else most)
            if self.top < high:
                self.notes.append(
                    f"Colours tell low values apart better than high ones; the surface is cut off at "
                    f"{number_text(self.top)}, values go up to {number_text(high)}."
                )

    def norm(self) -> Any:
        from matplotlib.colors import BoundaryNorm

        return BoundaryNorm(self.levels, 256) if self.skewed else None


# ---- the drawing -------------------------------------------------------------------------------------------


def _draw_space(
    figure: Any,
    colours: Any,
    a: np.ndarray,
    b: np.ndarray,
    values: np.ndarray,
    scale: _Scale,
    descent: Descent,
    names: tuple[str, str],
) -> None:
    """The surface in space, seen from the side opposite to the start: there a valley is open to the eye."""
    axes = figure.add_subplot(1, 2, 1, projection="3d", computed_zorder=False)
    shown = np.minimum(values, scale.top)
    axes.plot_surface(
        a,
        b,
        shown,
        cmap=colours,
        norm=scale.norm(),
        linewidth=0.3,
        edgecolor="#33415540",
        rstride=2,
        cstride=2,
    )
    azimuth = -60.0
    path = descent.path
    if len(path):
        lift = 0.01 * np.ptp(shown[np.isfinite(shown)])  # on the surface itself it would be half hidden
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
    scale: _Scale,
    arrows: list[np.ndarray],
    gradient: list[np.ndarray],
    descent: Descent,
    names: tuple[str, str],
) -> None:
    """The map: lines of equal value, arrows downhill, the path."""
    axes = figure.add_subplot(1, 2, 2)
    filled = axes.contourf(a, b, values, levels=scale.levels, cmap=colours, norm=scale.norm())
    axes.contour(filled, colors="white", linewidths=0.5, alpha=0.7, negative_linestyles="solid")
    bar = figure.colorbar(filled, ax=axes, label=f"f({names[0]}, {names[1]})", shrink=0.9)
    if scale.skewed:
        bar.set_ticks(scale.levels[:: max(1, len(scale.levels) // 7)])
        bar.ax.yaxis.set_major_formatter(lambda value, _: number_text(value))
        bar.ax.minorticks_off()
    down = [np.where(np.isfinite(part), -part, 0.0) for part in gradient]
    length = np.hypot(*down)
    meaning = "arrows: −∇f"
    if length.max() > 4 * np.median(length) > 0:  # the longest would be all that is seen
        shorter = length.max() * np.cbrt(length / length.max()) / np.where(length, length, 1.0)
        down = [part * shorter for part in down]
        meaning = "arrows: direction of −∇f"
    if length.any():
        axes.quiver(*arrows, *down, color=_ARROW, alpha=0.8, width=0.003, angles="xy")
    path = descent.path
    if len(path):
        axes.plot(path[:, 0], path[:, 1], color=_PATH, marker=".", markersize=6, linewidth=1.8)
        axes.plot(*path[0, :2], "o", color=_START, markeredgecolor="black", markersize=9)
        if descent.beyond is not None and np.isfinite(descent.beyond).all():
            edge = _edge(path[-1, :2], descent.beyond, (a.min(), b.min()), (a.max(), b.max()))
            style = {"arrowstyle": "-|>", "color": _PATH, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", xy=tuple(edge), xytext=tuple(path[-1, :2]), arrowprops=style)
    axes.set(xlabel=names[0], ylabel=names[1], xlim=(a.min(), a.max()), ylim=(b.min(), b.max()))
    axes.set_title(meaning + (", line: descent" if len(path) else ""), fontsize="medium")


def _edge(inside: np.ndarray, outside: np.ndarray, lower: tuple, upper: tuple) -> np.ndarray:
    """Where the way from a point in the window to one outside crosses its edge."""
    step = outside - inside
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = np.where(step > 0, (np.array(upper) - inside) / step, (np.array(lower) - inside) / step)
    return inside + step * min(1.0, float(np.nanmin(np.where(step == 0, np.nan, ways))))
