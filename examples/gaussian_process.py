"""How much carbon dioxide will there be in the air: a Gaussian process on the record of Mauna Loa, its kernel learnt by gradient.

    python examples/gaussian_process.py              fits, forecasts, writes examples/output/gaussian_process.png
    python examples/gaussian_process.py --compare    the same with PyTorch, if installed, number beside number

Read `kernels` and `evidence`: a rise that bends slowly, a season that changes from year to year, irregularities of months
and of weeks, and noise: ten numbers in all (after Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 5.4.3). How
likely they make the measurements is a Cholesky factor, whose gradient LBFGS follows. The last ten years are not shown to it.
"""

import argparse
import math
import pathlib
import time

import numpy as np
from tqdm import tqdm

import pullback as pb

HERE = pathlib.Path(__file__).parent
SHOWN_UNTIL, ROUNDS, PER_ROUND = 1992.0, 10, 4
NAMES = """
    rise rise_years season season_years season_shape irregular irregular_years blur blur_years noise
""".split()
START = (60.0, 50.0, 2.5, 90.0, 1.3, 0.7, 1.2, 0.2, 0.1, 0.2)
GOAL = 2.0  # parts per million, the root of the mean square of what was not shown


# ---- the model ---------------------------------------------------------------------------------------------------


def kernels(lib, logs, x, z):
    """Covariances [len(x), len(z)] of the parts: the rise, the season, what is irregular."""
    p = dict(zip(NAMES, logs.exp()))
    square = (x[:, None] - z[None, :]).square()
    bell = lambda height, years: height**2 * (-0.5 * square / years**2).exp()
    wave = (math.pi * (x[:, None] - z[None, :])).sin() / p["season_shape"]
    season = bell(p["season"], p["season_years"]) * (-2 * wave.square()).exp()
    irregular = bell(p["irregular"], p["irregular_years"]) + bell(p["blur"], p["blur_years"])
    return bell(p["rise"], p["rise_years"]), season, irregular


def factor(lib, logs, x):
    """The Cholesky factor of the covariance of measurements at times x."""
    noise = logs[-1].exp() ** 2 * lib.eye(len(x), dtype=x.dtype)
    return lib.linalg.cholesky(sum(kernels(lib, logs, x, x)) + noise)


def evidence(lib, logs, x, y):
    """The negative logarithm of how likely the measurements are, each."""
    lower = factor(lib, logs, x)
    white = lib.linalg.solve_triangular(lower, y[:, None], upper=False)
    total = 0.5 * white.square().sum() + lower.diagonal().log().sum() + 0.5 * len(x) * math.log(2 * math.pi)
    return total / len(x)


def forecast(lib, logs, x, y, times):
    """(mean, deviation) of the whole at other times, and the means of its parts."""
    with lib.no_grad():
        lower = factor(lib, logs, x)
        weights = lib.cholesky_solve(y[:, None], lower)
        parts = kernels(lib, logs, times, x)
        half = lib.linalg.solve_triangular(lower, sum(parts).T, upper=False)
        zero = times[:1]
        prior = sum(part[0, 0] for part in kernels(lib, logs, zero, zero)) + logs[-1].exp() ** 2
        deviation = (prior - half.square().sum(0)).sqrt()
        means = [(part @ weights)[:, 0] for part in parts]
        return sum(means), deviation, means


def fit(lib, x, y, rounds=ROUNDS):
    """The logarithms of the ten numbers, and the evidence of every round of LBFGS."""
    logs = lib.tensor(START, dtype=lib.float64).log().requires_grad_()
    optimizer = lib.optim.LBFGS([logs], max_iter=PER_ROUND, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = evidence(lib, logs, x, y)
        loss.backward()
        return loss

    found = []
    with tqdm(range(rounds), desc=lib.__name__, unit="round") as progress:
        for _ in progress:
            found.append(optimizer.step(closure).item())
            progress.set_postfix(evidence=f"{-found[-1]:.4f}", noise=f"{logs[-1].exp().item():.3f}")
    return logs.detach(), np.array(found)


# ---- data, what is shown -----------------------------------------------------------------------------------------


def load():
    """Times and measurements of every month: what is shown, then what is held out."""
    with np.load(HERE / "data" / "co2.npz") as file:
        year, co2 = file["year"], file["co2"]
    shown = year < SHOWN_UNTIL
    return (year[shown], co2[shown]), (year[~shown], co2[~shown])


def run(lib, shown, times, rounds=ROUNDS):
    """(logs, evidence, mean, deviation, parts, seconds) of one library, as arrays."""
    start = time.perf_counter()
    middle = shown[1].mean()
    x, y = lib.tensor(shown[0]), lib.tensor(shown[1] - middle)
    logs, found = fit(lib, x, y, rounds)
    mean, deviation, parts = forecast(lib, logs, x, y, lib.tensor(times))
    seconds = time.perf_counter() - start
    return (
        logs.numpy(),
        found,
        mean.numpy() + middle,
        deviation.numpy(),
        [part.numpy() for part in parts],
        seconds,
    )


def draw(shown, held_out, times, found, path):
    """The record with the forecast and its band, and the three parts that it consists of."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    _, _, mean, deviation, parts, _ = found
    figure = plt.figure(figsize=(11, 6.4), layout="constrained")
    cells = figure.subplot_mosaic(
        [["all", "rise"], ["all", "season"], ["all", "rest"]], width_ratios=[2.1, 1]
    )
    whole = cells["all"]
    whole.fill_between(times, mean - 2 * deviation, mean + 2 * deviation, color="#2563eb", alpha=0.18, lw=0)
    whole.plot(times, mean, color="#2563eb", linewidth=1, label="mean, and two deviations")
    whole.plot(*shown, ".", color="#1e293b", markersize=2.2, label="measured, and shown")
    whole.plot(*held_out, ".", color="#ea580c", markersize=3, label="measured, and held out")
    whole.axvline(SHOWN_UNTIL, color="#94a3b8", linewidth=0.8, linestyle=":")
    whole.set(ylabel="CO₂, parts per million", xlim=(times[0], times[-1]))
    whole.set_title("Carbon dioxide at Mauna Loa", fontweight="bold", loc="left")
    whole.legend(frameon=False, loc="upper left")
    recent = (times > 1988) & (times < 1994)
    for name, part, color, where, title in (
        ("rise", parts[0], "#0f766e", slice(None), "a rise that bends slowly"),
        ("season", parts[1], "#b45309", recent, "a season (six years of it)"),
        ("rest", parts[2], "#7c3aed", slice(None), "what is irregular"),
    ):
        cells[name].axhline(0, color="#cbd5e1", linewidth=0.7)
        cells[name].plot(times[where], part[where], color=color, linewidth=1.1)
        cells[name].set_title(title, fontsize=10, loc="left")
        cells[name].tick_params(labelsize=8)
    for cell in cells.values():
        cell.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--compare", action="store_true", help="also fit with PyTorch; compare")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of {PER_ROUND} iterations of LBFGS")
    options = parser.parse_args()

    shown, held_out = load()
    times = np.arange(shown[0][0], 2006, 1 / 24)
    libraries = [pb]
    if options.compare:
        try:
            import torch
        except ImportError:
            raise SystemExit("--compare needs PyTorch: pip install torch") from None
        libraries.append(torch)
    runs = {}
    for lib in libraries:
        runs[lib.__name__] = run(lib, shown, times, options.rounds)
        print(
            f"{lib.__name__ + ':':9} evidence {-runs[lib.__name__][1][-1]:.4f} a month, {runs[lib.__name__][-1]:.1f} s"
        )
    logs, _, mean, deviation, _, _ = runs["pullback"]
    print(", ".join(f"{name} {value:.3g}" for name, value in zip(NAMES, np.exp(logs))))
    off = np.interp(held_out[0], times, mean) - held_out[1]
    missed = np.sqrt(np.mean(off**2))
    within = np.mean(np.abs(off) < 2 * np.interp(held_out[0], times, deviation))
    print(
        f"The ten years that were held out: off by {missed:.2f} parts per million, {within:.0%} within two deviations"
    )
    picture = HERE / "output" / "gaussian_process.png"
    draw(shown, held_out, times, runs["pullback"], picture)
    print(picture)
    if options.compare:
        apart = [np.abs(a - b).max() for a, b in zip(runs["pullback"][:4], runs["torch"][:4])]
        print(
            f"Largest difference of the logarithms of the ten numbers: {apart[0]:.0e}; of the evidence: {apart[1]:.0e}; "
            f"of the forecast: {apart[2]:.0e} parts per million"
        )
    if missed > GOAL:
        raise SystemExit(f"{missed:.2f} parts per million are above the goal of {GOAL}")


if __name__ == "__main__":
    main()
