"""The gradient of a long simulation in the memory of ten of its states.

    python examples/long_loop.py           writes examples/output/growth.png
    python examples/long_loop.py --docs    draws docs/schedule.svg

A population spreads and grows, du/dt = D (uxx + uyy) + r(x, y) u (1 - u), for a thousand steps. How fast it grows where is
not known; what there is at the end is, with noise. `scipy.optimize.minimize` finds the growth, 2,304 numbers, from gradients
through the whole simulation. `checkpoint_loop` keeps ten states instead of a thousand, and counts of steps and of bytes are
printed beside those of the plain loop. The growth to be found is a digit of examples/data.
"""

import argparse
import gc
import pathlib

import numpy as np
from scipy import optimize

import pullback as pb
from pullback.utils.schedules import advances, split

HERE = pathlib.Path(__file__).parent
OUTPUT = HERE / "output"
SIZE, STEPS, KEPT = 48, 1000, 10
TIME, DIFFUSION, NOISE = 3.0, 1e-3, 1e-3


class Simulation:
    """The step, which counts how often it runs, and what is live at the most."""

    def __init__(self):
        self.count = self.peak = 0

    def step(self, u, growth):
        self.count += 1
        self.peak = max(self.peak, pb.memory.allocated())
        p = pb.nn.functional.pad(u[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
        laplacian = (p[1:-1, 2:] + p[1:-1, :-2] + p[2:, 1:-1] + p[:-2, 1:-1] - 4 * u) * SIZE**2
        return u + TIME / STEPS * (DIFFUSION * laplacian + growth * u * (1 - u))

    def run(self, growth, kept):
        u = pb.full((SIZE, SIZE), 0.01, dtype=pb.float64)
        if kept is None:
            for _ in range(STEPS):
                u = self.step(u, growth)
            return u
        return pb.checkpoint_loop(self.step, u, STEPS, growth, memory=kept)


def digit():
    """A growth between 0.5 and 2.5: an eight, made smooth."""
    with np.load(HERE / "data" / "digits.npz") as file:
        image = file["images"][np.flatnonzero(file["labels"] == 8)[3]] / 16
    places = (np.arange(SIZE) + 0.5) * 8 / SIZE - 0.5
    nearest = np.clip(places, 0, 7)
    low = np.minimum(nearest.astype(int), 6)
    part = nearest - low
    rows = image[low] * (1 - part)[:, None] + image[low + 1] * part[:, None]
    return 0.5 + 2 * (rows[:, low] * (1 - part) + rows[:, low + 1] * part)


def compare(growth):
    """Steps and bytes of one gradient, kept and not."""
    print(f"{'states kept':>12} {'steps':>7} {'as said':>8} {'most bytes':>12}")
    for kept in (None, 100, KEPT, 3):
        simulation = Simulation()
        leaf = pb.tensor(growth, requires_grad=True)
        gc.collect()
        before, simulation.peak = pb.memory.allocated(), 0
        simulation.run(leaf, kept).sum().backward()
        said = (
            STEPS if kept is None else advances(STEPS, kept) + 1 + STEPS
        )  # the last step, and each recorded again
        print(f"{kept or 'all':>12} {simulation.count:7} {said:8} {simulation.peak - before:12,}")


def fit(seen, simulation):
    """The growth that explains what was seen, and the loss on the way."""

    def loss(growth):
        rough = (growth[1:] - growth[:-1]).square().mean() + (growth[:, 1:] - growth[:, :-1]).square().mean()
        return (simulation.run(growth, KEPT) - seen).square().mean() + 3e-7 * rough

    def objective(flat):
        gradient, value = pb.func.grad_and_value(loss)(pb.tensor(flat.reshape(SIZE, SIZE)))
        losses.append(value.item())
        return value.item(), gradient.numpy().ravel()

    losses = []
    start = np.full(SIZE * SIZE, 1.5)
    found = optimize.minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 30, "ftol": 0, "gtol": 0}
    )
    return found.x.reshape(SIZE, SIZE), losses


def draw(growth, seen, found, losses):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 4, figsize=(13, 3.4), layout="constrained")
    for each, values, title, limits in (
        (axes[0], growth, "growth, not known", (0.5, 2.5)),
        (axes[1], seen, f"population after {STEPS} steps, seen", (0, 1)),
        (axes[2], found, f"growth, found with {KEPT} states", (0.5, 2.5)),
    ):
        shown = each.imshow(values, cmap="viridis", vmin=limits[0], vmax=limits[1])
        figure.colorbar(shown, ax=each, shrink=0.8)
        each.set_title(title, fontsize=10)
        each.set_axis_off()
    axes[3].semilogy(np.minimum.accumulate(losses), color="#1e293b")
    axes[3].set_title("loss", fontsize=10)
    axes[3].set_xlabel("gradients")
    axes[3].spines[["top", "right"]].set_visible(False)
    figure.savefig(OUTPUT / "growth.png", dpi=150)
    return OUTPUT / "growth.png"


# ---- the schedule, drawn ---------------------------------------------------------------------------------------


def history(n, s):
    """Reversing n steps with s states: [(when, from, to)] forward, [(when, step)] back, and {state: [from when, to when]}."""
    forward, back, kept, stack, now, end = [], [], [], [0], 0, n
    lives = {0: 0}
    while end:
        at, free = stack[-1], s - len(stack) + 1
        to = at + split(end - at, free) if end - at > 1 and free > 1 else end - 1
        if to > at:
            forward.append((now, at, to))
            now += to - at
        if to < end - 1 or (end - at > 1 and free > 1):
            stack.append(to)
            lives[to] = now
            continue
        back.append((now, to))
        now, end = now + 1, end - 1
        if stack[-1] == end:
            kept.append((stack[-1], lives.pop(stack.pop()), now))
    return forward, back, kept


def draw_schedule(path, n=24, s=4):
    forward, back, kept = history(n, s)
    assert sum(to - at for _, at, to in forward) == advances(n, s)
    last = back[-1][0] + 1
    wide, high = 9.0, 11.0
    x, y = lambda when: 46 + wide * when, lambda step: 24 + high * (n - step)
    parts = []
    for state, start, stop in kept:
        parts.append(
            f'<path d="M{x(start):g} {y(state):g}H{x(stop):g}" stroke="#4a7fc1" stroke-width="2.5"/>'
        )
        parts.append(f'<circle cx="{x(start):g}" cy="{y(state):g}" r="3.5" fill="#4a7fc1"/>')
    for when, at, to in forward:
        parts.append(
            f'<path d="M{x(when):g} {y(at):g}L{x(when + to - at):g} {y(to):g}" stroke="#94a3b8" stroke-width="1.5"/>'
        )
    for when, step in back:
        parts.append(
            f'<path d="M{x(when):g} {y(step + 1):g}L{x(when + 1):g} {y(step):g}" stroke="#dc2626" stroke-width="2.5"/>'
        )
    for step in range(0, n + 1, 4):
        parts.append(f'<text x="36" y="{y(step) + 4:g}" text-anchor="end">{step}</text>')
    parts.append(
        f'<text x="{x(last / 2):g}" y="{y(0) + 30:g}" text-anchor="middle">{last} steps, one after the other</text>'
    )
    parts.append(
        f'<text x="12" y="{y(n / 2):g}" text-anchor="middle" transform="rotate(-90 12 {y(n / 2):g})">state</text>'
    )
    width, height = x(last) + 16, y(0) + 42
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'font-family="sans-serif" font-size="11" fill="#1e293b">\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
        f'<g fill="none" stroke-linecap="round">\n'
        + "\n".join(part for part in parts if part[1] != "t")
        + "\n</g>\n"
        + "\n".join(part for part in parts if part[1] == "t")
        + "\n</svg>\n"
    )
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--docs", action="store_true", help="draw docs/schedule.svg instead")
    if parser.parse_args().docs:
        print(draw_schedule(HERE.parent / "docs" / "schedule.svg"))
        return
    growth = digit()
    compare(growth)
    simulation = Simulation()
    with pb.no_grad():
        seen = simulation.run(pb.tensor(growth), None).numpy()
    seen = seen + NOISE * np.random.default_rng(0).standard_normal(seen.shape)
    found, losses = fit(pb.tensor(seen), simulation)
    print(
        f"growth found to {np.abs(found - growth).mean():.3f} on average; loss {losses[0]:.1e} to {losses[-1]:.1e}"
    )
    print(draw(growth, seen, found, losses))


if __name__ == "__main__":
    OUTPUT.mkdir(exist_ok=True)
    main()
