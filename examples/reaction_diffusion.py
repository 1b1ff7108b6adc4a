"""The steady state of a reaction with diffusion, by Newton's method with a sparse Jacobian.

python examples/reaction_diffusion.py                          two species on a square of 64 x 64: 8,192 equations
python examples/reaction_diffusion.py --side 100               on a finer one
python examples/reaction_diffusion.py --picture sparse.png     draws pattern and colours of a small one, and ends

The Brusselator: u and v react with each other and diffuse, and u is fed in a disc. The residual is written as a function
of whole fields; which of its elements depend on which is found by `pullback.sparse`, and so is the Jacobian, from a
dozen products. It needs SciPy, and the picture matplotlib.
"""

import argparse
import time

import numpy as np

import pullback as pb


def laplacian(w):
    """On a periodic square, in units of the grid."""
    return w.roll(1, 0) + w.roll(-1, 0) + w.roll(1, 1) + w.roll(-1, 1) - 4 * w


def fed(side):
    """How much of u comes in: in a disc."""
    at = (pb.arange(side, dtype=pb.float64) + 0.5) / side
    return ((at[:, None] - 0.3) ** 2 + (at - 0.6) ** 2 < 0.01).to(pb.float64)


def residual(z, feed):
    """What has to become zero: the velocity of both species, from their concentrations, (2, side, side)."""
    u, v = z
    scale = 0.01 * u.shape[0] ** 2
    reaction = u * u * v
    return pb.stack(
        [1 + feed + reaction - 4.4 * u + scale * laplacian(u), 3.4 * u - reaction + scale * laplacian(v)]
    )


def newton(z, feed, say=print):
    """The steady state near z."""
    from scipy.sparse.linalg import spsolve

    jacobian = pb.sparse.jacobian(residual, format="csc")
    for step in range(20):
        r = residual(z, feed)
        say(f"step {step}: residual {float(r.abs().max()):.1e}")
        if r.abs().max() < 1e-9:
            break
        start = time.perf_counter()
        matrix = jacobian(z, feed)
        middle = time.perf_counter()
        change = spsolve(matrix, r.numpy().ravel())
        end = time.perf_counter()
        if step == 0:
            say(f"        {jacobian.plan(z, feed)}")
        say(f"        Jacobian {1e3 * (middle - start):.0f} ms, solved in {1e3 * (end - middle):.0f} ms")
        z = z - pb.tensor(change).view(z.shape)
    return z


def picture(path):
    """Three patterns, every entry in the colour of its product."""
    from matplotlib.figure import Figure

    def spy(axes, plan, title):
        entries, c = plan.pattern.tocoo(), plan.coloring
        colors = c.columns[entries.col]
        if c.rows is not None:  # those that are found by rows come last
            by_row = c.rows[entries.row]
            colors = np.where(by_row >= 0, c.products - 1 - by_row, colors)
        size = 3.4e4 / max(plan.pattern.shape) ** 2
        axes.scatter(
            entries.col, entries.row, c=colors, s=size, marker="s", cmap="tab10", vmax=9, vmin=0, linewidths=0
        )
        rows, columns = plan.pattern.shape
        axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal", xticks=[], yticks=[])
        axes.set_title(f"{title}\n{c.products} products, {c.kind}", fontsize=10)

    side = 6
    z = pb.ones(2, side, side, dtype=pb.float64)
    rosenbrock = lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
    arrowhead = lambda x: pb.cat([(x * x).sum()[None], x[1:] ** 2 * x[0]])
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    first, second, third = figure.subplots(1, 3)
    spy(first, pb.sparse.jacobian(residual).plan(z, fed(side)), f"Jacobian, reaction on {side} x {side}")
    spy(second, pb.sparse.hessian(rosenbrock).plan(pb.ones(24)), "Hessian, Rosenbrock of 24")
    spy(third, pb.sparse.jacobian(arrowhead).plan(pb.ones(24)), "Jacobian, an arrowhead of 24")
    figure.savefig(path, dpi=110)
    return path


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--side", type=int, default=64, help="points along each side")
    parser.add_argument("--picture", metavar="PATH", help="draw patterns and colours, and do nothing else")
    options = parser.parse_args(arguments)
    if options.picture:
        print(picture(options.picture))
        return
    feed = fed(options.side)
    start = pb.stack([pb.ones_like(feed), 3.4 * pb.ones_like(feed)])
    u, v = newton(start, feed)
    print(
        f"u from {float(u.min()):.3f} to {float(u.max()):.3f}, v from {float(v.min()):.3f} to {float(v.max()):.3f}"
    )


if __name__ == "__main__":
    main()
