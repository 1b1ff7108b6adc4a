"""What decompositions of many small matrices cost, with their gradients.

    python -m benchmarks.linear_algebra                               print the table
    python -m benchmarks.linear_algebra --quick                       a few rounds, to see that everything still runs
    python -m benchmarks.linear_algebra --write docs/performance.md   and put it into the page

Beside PyTorch, on as many threads, and JAX, compiled with `jit` beforehand.
"""

import importlib

import numpy as np

from benchmarks import harness
from benchmarks.harness import Statement

BATCH, N = 1000, 8


def matrices(batch):
    """Matrices, symmetric positive ones, right-hand sides."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((*batch, N, N))
    return a, a @ np.swapaxes(a, -1, -2) + np.eye(N), rng.standard_normal((*batch, N, 1))


# Each in the words of both libraries: `l` is `linalg`.
WORK = {
    "solve": (lambda l, a, s, b: l.solve(a, b).sum(), "ab"),
    "cholesky": (lambda l, a, s, b: l.cholesky(s).sum(), "s"),
    "inv": (lambda l, a, s, b: l.inv(a).sum(), "a"),
    "det": (lambda l, a, s, b: l.det(a).sum(), "a"),
    "eigvalsh": (lambda l, a, s, b: l.eigvalsh(s).sum(), "s"),
    "svdvals": (lambda l, a, s, b: l.svdvals(a).sum(), "a"),
}


def builders(statement):
    """What a library does for each key of `ROWS`, from what it does for a work and a batch."""
    return {
        f"{work} {len(batch)}": lambda work=work, batch=batch: statement(work, batch)
        for work in WORK
        for batch in ((), (BATCH,))
    }


def torchlike(name):
    lib = importlib.import_module(name)
    linalg = importlib.import_module(f"{name}.linalg")

    def statement(work, batch):
        f, varied = WORK[work]
        operands = dict(zip("asb", map(lib.tensor, matrices(batch))))
        leaves = [operands[name].requires_grad_() for name in varied]

        def gradient():
            f(linalg, **operands).backward()
            for leaf in leaves:
                leaf.grad = None

        return Statement("f()", {"f": gradient})

    return builders(statement)


def jax():
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def statement(work, batch):
        f, varied = WORK[work]
        operands = dict(zip("asb", map(jnp.asarray, matrices(batch))))

        def value(moving):
            return f(jnp.linalg, **{**operands, **moving})

        names = {"g": jax.jit(jax.grad(value)), "x": {name: operands[name] for name in varied}}
        jax.block_until_ready(names["g"](names["x"]))
        return Statement("block(g(x))", {"block": jax.block_until_ready, **names})

    return builders(statement)


BUILDERS = {"pullback": lambda: torchlike("pullback"), "torch": lambda: torchlike("torch"), "jax": jax}

# Title, key, and how many times faster than PyTorch it has to be.
ROWS = [
    (f"`linalg.{work}` and its gradient, {f'{BATCH:,} of ' if size else ''}{N} x {N}", f"{work} {size}", goal)
    for size in (1, 0)
    for work, goal in [
        ("solve", 2),
        ("cholesky", 2),
        ("inv", None),
        ("det", None),
        ("eigvalsh", None),
        ("svdvals", None),
    ]
]


def table(libraries, rounds, duration):
    return harness.per_call(ROWS, BUILDERS, libraries, rounds, duration)


def main(arguments=None):
    harness.run(
        "linear_algebra", __doc__, lambda options: table(*harness.asked(options, BUILDERS)), arguments
    )


if __name__ == "__main__":
    main()
