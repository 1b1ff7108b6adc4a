"""Hares and lynxes: a neural network is the law by which their numbers change, learnt through a solver of differential equations.

    python examples/neural_ode.py              trains, writes examples/output/neural_ode.png
    python examples/neural_ode.py --compare    the same with PyTorch, if installed, from the same seed, number beside number
    python examples/neural_ode.py --memory 4   gradients by `checkpoint_loop`, which keeps 4 states of a trajectory

Read `law`, `advance` and `losses`. The pelts that the Hudson's Bay Company bought in 21 years are all there is. A network says
how fast the logarithms of both numbers change; Runge and Kutta's method follows it for some years from each of the years
measured, and the gradient of what it misses goes back through all of its steps (arXiv:1806.07366).
"""

import argparse
import pathlib
import time

import numpy as np
from tqdm import tqdm

import pullback as pb

HERE = pathlib.Path(__file__).parent
STEPS = 6  # of the solver, a year
AHEAD = 6  # years that a trajectory is followed
EPOCHS, RATE, HIDDEN, DECAY = 250, 2e-2, 24, 1e-3
GOAL = 0.2  # the mean square of what the logarithms miss; 0.9 would be missed by their means


# ---- the model ---------------------------------------------------------------------------------------------------


def law(lib):
    """How fast both logarithms change, as a function of them: [..., 2] to [..., 2]."""
    nn = lib.nn
    return nn.Sequential(
        nn.Linear(2, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 2)
    )


def advance(speed, state, length):
    """One step of Runge and Kutta's method of order four."""
    a = speed(state)
    b = speed(state + 0.5 * length * a)
    c = speed(state + 0.5 * length * b)
    d = speed(state + length * c)
    return state + length / 6 * (a + 2 * b + 2 * c + d)


def follow(lib, speed, state, years, memory=None):
    """States [years, ..., 2], a year apart, from the one given; `memory` states are kept for the gradient, or all."""
    step = lambda now: advance(speed, now, 1 / STEPS)
    states = [state]
    for _ in range(years - 1):
        if memory is None:
            for _ in range(STEPS):
                state = step(state)
        else:
            state = lib.checkpoint_loop(step, state, STEPS, memory=memory)
        states.append(state)
    return lib.stack(states)


def losses(lib, speed, logs, memory=None):
    """The mean square of what is missed by trajectories from every year."""
    starts = len(logs) - AHEAD
    there = follow(lib, speed, logs[:starts], AHEAD + 1, memory)[1:]
    measured = lib.stack([logs[k + 1 : k + 1 + starts] for k in range(AHEAD)])
    return (there - measured).square().mean()


def train(lib, logs, options):
    """The law and the losses of all epochs, from the seed."""
    lib.manual_seed(options.seed)
    speed, logs = law(lib).double(), lib.tensor(logs)
    optimizer = lib.optim.AdamW(speed.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = lib.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=options.epochs + 1)
    memory, found = options.memory if lib is pb else None, []
    with tqdm(range(options.epochs), desc=lib.__name__, unit="epoch") as progress:
        for epoch in progress:
            optimizer.zero_grad()
            loss = losses(lib, speed, logs, memory)
            loss.backward()
            lib.nn.utils.clip_grad_norm_(speed.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            found.append(loss.item())
            if epoch % 20 == 0:
                progress.set_postfix(missed=f"{found[-1]:.4f}")
    return speed, np.array(found)


# ---- data, what is shown -----------------------------------------------------------------------------------------


def load():
    """Years, and the logarithms of both numbers, standardised, with what undoes that."""
    table = np.loadtxt(HERE / "data" / "hare_lynx.csv", delimiter=",", skiprows=1)
    logs = np.log(table[:, 1:])
    return table[:, 0], (logs - logs.mean(0)) / logs.std(0), (logs.mean(0), logs.std(0))


def draw(years, logs, scale, speed, runs, path):
    """Both numbers over the years with trajectories, the plane of them with the law's flow, and the losses."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    pelts = lambda logs: np.exp(logs * scale[1] + scale[0])
    hares, lynxes = "#0f766e", "#c2410c"
    with pb.no_grad():
        fine = 24
        starts = [0, AHEAD, 2 * AHEAD]
        paths = []
        for start in starts:
            state, states = pb.tensor(logs[start]), []
            for _ in range((len(logs) - 1 - start if start == starts[-1] else AHEAD) * fine + 1):
                states.append(state.numpy())
                state = advance(speed, state, 1 / fine)
            paths.append(np.array(states))
        side = np.linspace(-2.2, 2.2, 32)
        grid = np.stack(np.meshgrid(side, side), -1)
        flow = speed(pb.tensor(grid)).numpy()
    figure = plt.figure(figsize=(11.5, 5.6), layout="constrained")
    cells = figure.subplot_mosaic(
        [["time", "plane"], ["loss", "plane"]], width_ratios=[1.25, 1], height_ratios=[2.2, 1]
    )
    for k, (name, color) in enumerate((("hares", hares), ("lynxes", lynxes))):
        cells["time"].plot(years, pelts(logs)[:, k], "o", color=color, markersize=4.5, label=name)
        for start, way in zip(starts, paths):
            at = years[start] + np.arange(len(way)) / fine
            cells["time"].plot(at, pelts(way)[:, k], color=color, linewidth=1.4, alpha=0.85)
            cells["time"].plot(at[:1], pelts(way)[:1, k], "o", color=color, markersize=9, fillstyle="none")
    cells["time"].set(ylabel="thousands of pelts", ylim=(0, 88), xlim=(years[0] - 0.5, years[-1] + 0.5))
    cells["time"].set_xticks(range(1900, 1921, 4))
    cells["time"].set_title("Trajectories from the years with a ring", fontweight="bold", loc="left")
    cells["time"].legend(frameon=False, loc="upper center", ncols=2)
    fast = np.hypot(flow[..., 0], flow[..., 1])
    plane = cells["plane"]
    plane.streamplot(
        side,
        side,
        flow[..., 0],
        flow[..., 1],
        color=fast,
        cmap="PuBu",
        linewidth=0.9,
        density=1.3,
        arrowsize=0.8,
    )
    for way in paths:
        plane.plot(*way.T, color="#1e293b", linewidth=1.6)
    plane.plot(*logs.T, "o", color="#eab308", markeredgecolor="#1e293b", markersize=5)
    ticks = [(np.log(v) - m) / s for v, (m, s) in zip(([10, 20, 40, 80], [5, 10, 20, 40]), zip(*scale))]
    plane.set_xticks(ticks[0], ["10", "20", "40", "80"])
    plane.set_yticks(ticks[1], ["5", "10", "20", "40"])
    plane.set(xlabel="hares", ylabel="lynxes", xlim=(side[0], side[-1]), ylim=(side[0], side[-1]))
    plane.set_title("The law that was learnt", fontweight="bold", loc="left")
    for (name, found), (color, style) in zip(runs.items(), [("#2563eb", "-"), ("#ea580c", "--")]):
        cells["loss"].semilogy(found, style, color=color, linewidth=1, label=name)
    cells["loss"].set(xlabel="epoch", ylabel="missed")
    cells["loss"].legend(frameon=False)
    for cell in cells.values():
        cell.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--compare", action="store_true", help="also train with PyTorch, from the same seed")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", type=int, help="how many states of a year are kept for the gradient")
    options = parser.parse_args()
    libraries = [pb]
    if options.compare:
        try:
            import torch
        except ImportError:
            raise SystemExit("--compare needs PyTorch: pip install torch") from None
        torch.set_num_threads(1)  # the work is small
        libraries.append(torch)
    years, logs, scale = load()
    laws, runs = {}, {}
    for lib in libraries:
        start = time.perf_counter()
        laws[lib.__name__], runs[lib.__name__] = train(lib, logs, options)
        seconds = time.perf_counter() - start
        print(
            f"{lib.__name__ + ':':9} mean square of what is missed {runs[lib.__name__][-1]:.4f}, {seconds:.1f} s"
        )
    picture = HERE / "output" / "neural_ode.png"
    draw(years, logs, scale, laws["pullback"], runs, picture)
    print(picture)
    if options.compare:
        apart = np.abs(runs["pullback"] / runs["torch"] - 1)
        print(
            f"Largest relative difference of the losses: {apart[0]:.0e} at first, {apart[:100].max():.0e} in 100 epochs"
        )
    if options.epochs >= EPOCHS and runs["pullback"][-1] > GOAL:
        raise SystemExit(f"{runs['pullback'][-1]:.4f} is above the goal of {GOAL}")


if __name__ == "__main__":
    main()
