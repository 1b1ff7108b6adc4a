"""What sparse Hessians and Jacobians cost, and how that grows, beside PyTorch's dense Hessian.

    python -m benchmarks.sparse                               print the table
    python -m benchmarks.sparse --quick                       small sizes, to see that everything still runs
    python -m benchmarks.sparse --write docs/performance.md   and put it into the page

The chained Rosenbrock function, whose Hessian is tridiagonal, and the Brusselator on a periodic square, two species
with six entries in each row of the Jacobian. PyTorch's dense Hessian runs once where it has the memory.
"""

import resource
import statistics
import time

from benchmarks import harness


def rosenbrock(x):
    a, b = x[:-1], x[1:]
    return (100 * (b - a * a) ** 2 + (1 - a) ** 2).sum()


def brusselator(z):
    import pullback as pb

    u, v = z
    scale = 0.1 * (u.shape[0] - 1) ** 2

    def laplacian(w):
        return scale * (w.roll(1, 0) + w.roll(-1, 0) + w.roll(1, 1) + w.roll(-1, 1) - 4 * w)

    return pb.stack([1 + u * u * v - 4.4 * u + laplacian(u), 3.4 * u - u * u * v + laplacian(v)])


def problems(quick):
    """(title, how its derivative is made, shape of the argument)."""
    import pullback as pb

    for n in [1000, 10_000] if quick else [10_000, 100_000, 1_000_000]:
        yield f"Hessian, Rosenbrock, {n:,}", pb.sparse.hessian, rosenbrock, (n,)
    for side in [10, 30] if quick else [70, 300, 700]:
        title = f"Jacobian, Brusselator, {side} x {side}, {2 * side * side:,}"
        yield title, pb.sparse.jacobian, brusselator, (2, side, side)


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def measure(make, f, shape, rounds):
    """Milliseconds for the pattern, the colouring and a later call, and the plan; the medians of some rounds."""
    import pullback as pb

    order = 2 if make is pb.sparse.hessian else 1
    pattern, coloring, later = [], [], []
    for _ in range(rounds):
        x = pb.full(shape, 0.5, dtype=pb.float64)
        seconds, found = timed(lambda x=x: pb.sparse.pattern(f, x, order=order))
        pattern.append(seconds)
        seconds, _ = timed(lambda found=found: pb.sparse.coloring(found, "star" if order == 2 else None))
        coloring.append(seconds)
        matrix = make(f)
        matrix(x)
        later.append(timed(lambda x=x, matrix=matrix: matrix(x + 1))[0])
    return [statistics.median(times) * 1e3 for times in (pattern, coloring, later)], matrix.plan(x)


def dense(n):
    """Milliseconds of PyTorch's dense Hessian of as many variables; None where it has not the memory."""
    import torch

    def rosenbrock_hessian(x):
        return torch.func.hessian(rosenbrock)(x)

    rosenbrock_hessian(torch.full((10,), 0.5, dtype=torch.float64))
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(
        resource.RLIMIT_AS, (min(24 * 2**30, before[1]) if before[1] > 0 else 24 * 2**30, before[1])
    )
    try:
        return timed(lambda: rosenbrock_hessian(torch.full((n,), 0.5, dtype=torch.float64)))[0] * 1e3
    except (RuntimeError, MemoryError):
        return None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def table(libraries, quick=False, rounds=3):
    rows = []
    for title, make, f, shape in problems(quick):
        times, plan = measure(make, f, shape, rounds)
        cells = [f"{t:,.1f}" for t in times]
        peer, ratio = "", ""
        if "torch" in libraries and f is rosenbrock and shape[0] <= 10_000:
            found = dense(shape[0])
            peer = f"{found:,.0f}" if found else "no memory"
            ratio = f"{found / sum(times):,.0f}" if found else ""
        rows.append([title, f"{plan.pattern.nnz:,}", str(plan.coloring.products), *cells, peer, ratio])
    header = [
        "ms",
        "entries",
        "products",
        "pattern",
        "colours",
        "later call",
        "torch, dense",
        "torch / all three",
    ]
    return harness.markdown(header, rows)


def main(arguments=None):
    def tables(options):
        libraries = harness.installed(options.only or ["pullback", "torch"])
        return table(libraries, options.quick, 1 if options.quick else 3)

    harness.run("sparse", __doc__, tables, arguments, quick="small sizes")


if __name__ == "__main__":
    main()
