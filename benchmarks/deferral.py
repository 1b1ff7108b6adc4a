"""What it costs to leave work pending where nothing is won by it: programs that read nothing until they end.

    python -m benchmarks.deferral                               print the table
    python -m benchmarks.deferral --quick                       a round, to see that everything still runs
    python -m benchmarks.deferral --only "column mean" --sizes 20000
    python -m benchmarks.deferral --write docs/performance.md   and put it into the page

Each program runs in two processes, with everything as usual and with PULLBACK_IMMEDIATE=1, which take turns; what is
shown is the median of the ratios of neighbouring turns. Their results are compared bit for bit before.
"""

import argparse
import gc
import statistics
import sys
import time

from benchmarks import harness
from benchmarks.worker import Remote, serve

MOST = 1.2  # times as long, at most
SIZES = (4096, 20_000, 50_000)
PROGRAMS = {}


def program(title, sizes=SIZES, tensors=1):
    """A function of the library and a size, which gives one of a number of steps, which gives the results.

    There are so many tensors of that size.
    """

    def add(build):
        PROGRAMS[title] = build, sizes, tensors
        return build

    return add


@program("column mean in a recurrence")
def column_mean(pb, n):
    def run(steps):
        x, s = pb.linspace(-1, 1, n // 50 * 50).reshape(-1, 50).clone(), pb.zeros(50)
        for _ in range(steps):
            s = 0.9 * s + x.mean(0)
            x = x * 0.99 + 0.01 * pb.tanh(s)
        return x, s

    return run


@program("sum of 16 rolls", (20_000, 500_000))
def rolls(pb, n):
    x = pb.linspace(0, 1, n)

    def run(steps):
        for _ in range(steps):
            y = sum(x.roll(j) for j in range(16))
        return (y,)

    return run


@program("160 parameters, momentum by hand", (5000,), tensors=160)
def parameters(pb, n):
    def run(steps):
        ps = [pb.linspace(-1, k + 1.0, n).requires_grad_() for k in range(160)]
        vs = [pb.zeros(n) for _ in ps]
        for _ in range(steps):
            for p in ps:
                p.grad = None
            sum(((p - 1) ** 2).mean() for p in ps).backward()
            with pb.no_grad():
                for k, p in enumerate(ps):
                    vs[k] = 0.9 * vs[k] + p.grad
                    p -= 0.01 * vs[k]
        return ps[:3]

    return run


@program("Adam by hand, moments in place")
def adam(pb, n):
    def run(steps):
        p = pb.linspace(-1, 1, n).requires_grad_()
        m, v = pb.zeros(n), pb.zeros(n)
        for _ in range(steps):
            p.grad = None
            (p.sin() * p).sum().backward()
            with pb.no_grad():
                m.mul_(0.9).add_(p.grad, alpha=0.1)
                v.mul_(0.99).addcmul_(p.grad, p.grad, value=0.01)
                p -= 0.01 * m / (v.sqrt() + 1e-8)
        return p, m, v

    return run


@program("conjugate gradients")
def conjugate_gradients(pb, n):
    d, b = pb.linspace(1, 2, n), pb.linspace(-1, 1, n)

    def run(steps):
        x, r, p, square = pb.zeros(n), b, b, (b * b).sum()
        for _ in range(steps):
            q = d * p
            a = square / (p * q).sum()
            x, r = x + a * p, r - a * q
            before, square = square, (r * r).sum()
            p = r + square / (before + 1e-20) * p
        return x, r

    return run


@program("power iteration")
def power_iteration(pb, n):
    d = pb.linspace(0, 1, n)

    def run(steps):
        v = pb.ones(n)
        for _ in range(steps):
            w = d * v
            v = w / w.norm()
        return (v,)

    return run


@program("rows normalised, rows of 50")
def normalised(pb, n):
    def run(steps):
        x, e = pb.linspace(-1, 1, n // 50 * 50).reshape(-1, 50).clone(), 0.0
        for _ in range(steps):
            x = (x - x.mean(1, keepdim=True)) / (x.std(1, keepdim=True) + 1)
            e = 0.9 * e + 0.1 * x
            x = x + 0.1 * pb.sin(e)
        return x, e

    return run


@program("variance of columns and of rows of 4")
def variances(pb, n):
    def run(steps):
        x = pb.linspace(-1, 1, n).reshape(-1, 4).clone()
        for _ in range(steps):
            x = x / (x.std(1, keepdim=True) + 0.1) + 0.01 * x.var(0)
        return (x,)

    return run


@program("log_softmax backward, rows of 100")
def log_softmax(pb, n):
    target = pb.linspace(0, 1, n // 100 * 100).reshape(-1, 100)

    def run(steps):
        x = pb.linspace(-1, 1, n // 100 * 100).reshape(-1, 100).clone().requires_grad_()
        for _ in range(steps):
            x.grad = None
            (-(pb.log_softmax(x, 1) * target).mean()).backward()
            with pb.no_grad():
                x -= x.grad
        return (x,)

    return run


@program("layer norm, gain and bias trained")
def layer_norm(pb, n):
    x = pb.linspace(-1, 1, n // 64 * 64).sin().reshape(-1, 64)

    def run(steps):
        gain, bias = pb.ones(64, requires_grad=True), pb.zeros(64, requires_grad=True)
        for _ in range(steps):
            gain.grad = bias.grad = None
            h = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True) + 1e-5).sqrt() * gain + bias
            (h.tanh() ** 2).mean().backward()
            with pb.no_grad():
                gain -= 0.1 * gain.grad
                bias -= 0.1 * bias.grad
        return gain, bias

    return run


@program("mixture of 4 Gaussians")
def mixture(pb, n):
    x = pb.linspace(-2, 2, n // 4)

    def run(steps):
        mean, scale = pb.linspace(-1, 1, 4).requires_grad_(), pb.zeros(4, requires_grad=True)
        for _ in range(steps):
            z = (x[:, None] - mean) / scale.exp()
            mean.grad = scale.grad = None
            (-pb.logsumexp(-0.5 * z * z - scale, 1).mean()).backward()
            with pb.no_grad():
                mean -= 0.1 * mean.grad
                scale -= 0.1 * scale.grad
        return mean, scale

    return run


@program("Lorenz, Euler steps")
def lorenz(pb, n):
    start = [pb.linspace(k, k + 1.0, n) for k in range(3)]

    def run(steps):
        x, y, z = start
        for _ in range(steps):
            dx, dy, dz = 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z
            x, y, z = x + 0.001 * dx, y + 0.001 * dy, z + 0.001 * dz
        return x, y, z

    return run


# The worker's side.


class Server:
    """Runs programs; `prepare`, `turn` are asked for by the parent."""

    def __init__(self):
        import pullback

        self.pb, self.version = pullback, pullback.__version__
        self.run, self.steps = None, 1

    def prepare(self, title, size):
        """The bits of the results of a few steps."""
        self.pb.manual_seed(0)
        self.run = PROGRAMS[title][0](self.pb, size)
        return [t.detach().numpy().tobytes() for t in self.run(5)]

    def turn(self, duration, steps):
        """Seconds of a step, among so many, which are repeated until the duration is over."""
        repetitions, spent = 0, 0.0
        self._once(steps)  # others have used the caches since our last turn
        gc.disable()
        start = time.perf_counter()
        while spent < duration:
            self._once(steps)
            repetitions += 1
            spent = time.perf_counter() - start
        gc.enable()
        return spent / repetitions / steps

    def _once(self, steps):
        results = self.run(steps)
        self.pb.synchronize()
        return results


# The parent's.


def measure(remotes, title, size, rounds, duration, steps):
    """Seconds of a step at the call, and how many times as long it takes where work is left pending."""
    pending, at_call = (remote.ask("prepare", title, size) for remote in remotes)
    if pending != at_call:
        raise AssertionError(f"{title}, {size}: the results differ")
    turns = [[remote.ask("turn", duration, steps) for remote in remotes] for _ in range(rounds)]
    return statistics.median(t for _, t in turns), statistics.median(a / b for a, b in turns)


def table(rows):
    cells, met = [], 0
    for title, size, seconds, ratio in rows:
        met += ratio <= MOST
        shown = f"{ratio:.2f}" if ratio <= MOST else f"**{ratio:.2f}**"
        cells.append([title, f"{size:,}", f"{seconds * 1e6:,.1f}", shown])
    header = ["", "n", "µs per step at the call", "pending takes"]
    said = f"{met} of {len(rows)} take at most {MOST} times as long; the others are in bold."
    return f"{said}\n\n{harness.markdown(header, cells)}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round of small sizes")
    parser.add_argument("--only", nargs="*", metavar="TITLE", help="programs whose titles begin so")
    parser.add_argument("--sizes", nargs="*", type=int, help="instead of each program's own")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--steps", type=int, default=120, help="of a program, before anybody looks")
    parser.add_argument("--write", metavar="PAGE", help="replace the block marked `deferral` in this page")
    options = parser.parse_args(arguments)
    rounds, duration, steps = (1, 1e-4, 3) if options.quick else (options.rounds, 0.01, options.steps)
    rows = []
    with (
        Remote("pending", "benchmarks.deferral", {}) as pending,
        Remote("at call", "benchmarks.deferral", {"PULLBACK_IMMEDIATE": "1"}) as at_call,
    ):
        for title, (_, sizes, tensors) in PROGRAMS.items():
            if options.only and not title.startswith(tuple(options.only)):
                continue
            for size in options.sizes or (sizes[:1] if options.quick else sizes):
                few = max(2, min(steps, 3_000_000 // size // tensors))
                found = measure((pending, at_call), title, size, rounds, duration, few)
                rows.append((title, size, *found))
                print(f"{title}, {size}: {found[1]:.2f}", file=sys.stderr, flush=True)
    text = f"{harness.processor()}. {table(rows)}"
    print(text)
    if options.write:
        harness.write_block(options.write, "deferral", text)


if __name__ == "__main__":
    serve(Server) if "--serve" in sys.argv else main()
