"""A cord that hangs along a curve: SciPy finds how it hangs, pullback differentiates that by what hangs on it.

python examples/hanging_cord.py    writes examples/output/cord.png

An elastic cord, a chain of springs, hangs between two nails, with a weight on each joint. Where it hangs is the root of
the forces on its joints, found by `scipy.optimize.root` from values alone. `custom_root` gives that root its derivative, by
the implicit function theorem, and so `scipy.optimize.minimize` can find which weights let the cord hang along a given
curve. Nothing is recorded of the root finder's steps; its evaluations are counted.
"""

import pathlib

import numpy as np
from scipy import optimize

import pullback as pb
from pullback.func import custom_root, value_and_grad

OUTPUT = pathlib.Path(__file__).parent / "output"
SPRINGS, STIFFNESS, LENGTH = 24, 25.0, 0.04
NAILS = pb.tensor([[0.0, 0.0], [2.0, 0.0]], dtype=pb.float64)


def wanted(x):
    """The height of the curve: it falls steeply, and rises slowly."""
    bend = lambda x: ((x - 0.6) ** 2 + 0.1) ** 0.5
    return 1.2 * (bend(x) - bend(0.0) + (bend(0.0) - bend(2.0)) * x / 2)


def forces(joints, weights):
    """The force on each joint, [joints, 2]: of the springs on both sides, and of its weight."""
    chain = pb.cat([NAILS[:1], joints, NAILS[1:]])
    spans = chain[1:] - chain[:-1]
    pulls = STIFFNESS * (1 - LENGTH / spans.square().sum(1, keepdim=True).sqrt()) * spans
    return pulls[1:] - pulls[:-1] - pb.stack([pb.zeros_like(weights), weights], 1)


class Finder:
    """SciPy's root finder, which begins where it ended last, and counts what it asks for."""

    def __init__(self):
        x = np.linspace(0, 2, SPRINGS + 1)[1:-1]
        self.joints = pb.tensor(np.stack([x, 0 * x], 1))
        self.cords = self.evaluations = 0

    def __call__(self, f, start):
        found = optimize.root(lambda x: np.ravel(f(x.reshape(start.shape))), np.ravel(start), tol=1e-11)
        if not found.success:
            raise RuntimeError(found.message)
        self.cords += 1
        self.evaluations += found.nfev
        self.joints = pb.tensor(found.x.reshape(start.shape))
        return self.joints


def hang(weights, finder):
    """Where the joints hang, [joints, 2]. The forces are a gradient: their Jacobian is symmetric."""
    return custom_root(forces, finder.joints, weights, solve=finder, symmetric=True)


def design(finder):
    """Weights with which the joints lie on the curve, those at the start, and the error after each step."""

    def error(logarithms):
        joints = hang(logarithms.exp(), finder)
        return (joints[:, 1] - wanted(joints[:, 0])).square().mean()

    def objective(logarithms):
        value, gradient = value_and_grad(error)(pb.tensor(logarithms))
        errors.append(value.item())
        return value.item(), gradient.numpy()

    errors = []
    start = np.full(SPRINGS - 1, np.log(0.05))
    options = {"maxiter": 60, "ftol": 1e-15, "gtol": 1e-10}
    found = optimize.minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    return np.exp(start), np.exp(found.x), errors


def draw(before, after, errors, finder):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(11, 4.5), width_ratios=(2.2, 1), layout="constrained"
    )
    x = np.linspace(0, 2, 200)
    left.plot(x, wanted(x), color="#94bce3", linewidth=8, solid_capstyle="round", label="wanted")
    for weights, colour, label in (
        (before, "#94a3b8", "equal weights"),
        (after, "#dc2626", "designed weights"),
    ):
        joints = hang(pb.tensor(weights), finder)
        left.plot(*np.vstack([NAILS[0], joints, NAILS[1]]).T, color=colour, linewidth=1.2, label=label)
        left.scatter(*joints.numpy().T, s=20 * weights / weights.mean(), color=colour, zorder=3)
    left.plot(*NAILS.numpy().T, "s", color="#1e293b")
    left.set_aspect("equal")
    left.legend(loc="lower right", frameon=False)
    left.set_title("A cord that hangs along a curve; dots are as large as weights")
    right.semilogy(np.minimum.accumulate(errors), color="#1e293b")
    right.set_xlabel("gradients")
    right.set_title("mean squared distance")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(OUTPUT / "cord.png", dpi=150)
    return OUTPUT / "cord.png"


def main():
    finder = Finder()
    before, after, errors = design(finder)
    print(
        f"mean squared distance {errors[0]:.1e} with equal weights, {min(errors):.1e} after {len(errors)} gradients"
    )
    print(
        f"{finder.cords} cords, {finder.evaluations} evaluations of the forces by SciPy, none of them recorded"
    )

    # One derivative beside a difference: how the middle of the cord falls as its first weight grows.
    def middle(first):
        return hang(pb.cat([first, pb.tensor(after[1:])]), finder)[SPRINGS // 2, 1]

    first, h = pb.tensor(after[:1]), 1e-4
    slope = pb.func.grad(middle)(first).item()
    print(
        f"derivative {slope:.7f}, difference {(middle(first + h) - middle(first - h)).item() / (2 * h):.7f}"
    )
    print(draw(before, after, errors, finder))


if __name__ == "__main__":
    OUTPUT.mkdir(exist_ok=True)
    main()
