"""What one operation costs: time, memory, depth, import, size. Run with `make bench`.

    python -m benchmarks.core                               print the tables
    python -m benchmarks.core --quick                       a few rounds, to see that everything still runs
    python -m benchmarks.core --write docs/performance.md   and put them into the page

Gradients are on: every operation is recorded. JAX has no tape to record on: its single operations are plain
eager dispatch, its chains are compiled with `jit` beforehand, the compilation not counted.
"""

import glob
import importlib
import os

from benchmarks import harness, whole
from benchmarks.harness import Statement

CHAIN = 200  # operations, half of them products, half of them sums


# The work itself, for the libraries that speak PyTorch's language (pullback, torch) ...


def torchlike(name):
    lib = importlib.import_module(name)

    def leaf(*shape):
        return lib.full(shape, 1.0001, requires_grad=True)

    def chain(x, w):
        y = x
        for _ in range(CHAIN // 2):
            y = y * w
            y = y + w
        return y

    def forward_backward(x, w, seed):
        chain(x, w).backward(seed)
        x.grad = w.grad = None

    def gradient(*shape, shared=False):
        names = {"x": leaf(*shape), "w": leaf(*shape) if shared else lib.full(shape, 0.99)}
        seed = lib.ones(shape) if shape else None
        return Statement("work(x, w, seed)", {"work": forward_backward, "seed": seed, **names}, per=CHAIN)

    return {
        "mul": lambda: Statement("a * b", {"a": leaf(), "b": leaf()}),
        "mul8": lambda: Statement("a * b", {"a": leaf(8), "b": leaf(8)}),
        "mul_number": lambda: Statement("a * 2.0", {"a": leaf(8)}),
        "broadcast": lambda: Statement("a + b", {"a": leaf(4, 8), "b": leaf(8)}),
        "index": lambda: Statement("a[3]", {"a": leaf(8)}),
        "sum": lambda: Statement("a.sum()", {"a": leaf(8)}),
        "matmul": lambda: Statement("a @ b", {"a": leaf(4, 4), "b": leaf(4, 4)}),
        "chain_forward": lambda: Statement(
            "work(x, w)", {"work": chain, "x": leaf(), "w": lib.full((), 0.99)}, per=CHAIN
        ),
        "chain": gradient,
        "chain_shared": lambda: gradient(shared=True),
        "chain8": lambda: gradient(8),
    }


# ... for JAX ...


def jax():
    import jax
    import jax.numpy as jnp

    def full(*shape):
        return jnp.full(shape, 1.0001)

    def chain(x, w):
        for _ in range(CHAIN // 2):
            x = x * w
            x = x + w
        return x.sum()

    def compiled(argnums, *shape):
        work = jax.jit(jax.value_and_grad(chain, argnums))
        names = {"work": work, "x": full(*shape), "w": full(*shape)}
        work(names["x"], names["w"])
        return Statement("work(x, w)[0].block_until_ready()", names, per=CHAIN)

    def forward():
        work = jax.jit(chain)
        names = {"work": work, "x": full(), "w": full()}
        work(names["x"], names["w"])
        return Statement("work(x, w).block_until_ready()", names, per=CHAIN)

    return {
        "mul": lambda: Statement("a * b", {"a": full(), "b": full()}),
        "mul8": lambda: Statement("a * b", {"a": full(8), "b": full(8)}),
        "mul_number": lambda: Statement("a * 2.0", {"a": full(8)}),
        "broadcast": lambda: Statement("a + b", {"a": full(4, 8), "b": full(8)}),
        "index": lambda: Statement("a[3]", {"a": full(8)}),
        "sum": lambda: Statement("a.sum()", {"a": full(8)}),
        "matmul": lambda: Statement("a @ b", {"a": full(4, 4), "b": full(4, 4)}),
        "chain_forward": forward,
        "chain": lambda: compiled(0),
        "chain_shared": lambda: compiled((0, 1)),
        "chain8": lambda: compiled(0, 8),
    }


# ... and for HIPS autograd, whose values are boxed by hand to record outside of a call to `grad`.


def autograd():
    import autograd.numpy as anp
    import numpy as np
    from autograd import grad
    from autograd.core import VJPNode
    from autograd.tracer import new_box

    def boxed(*shape):
        return new_box(np.full(shape, 1.0001), 0, VJPNode.new_root())

    def chain(x, w):
        for _ in range(CHAIN // 2):
            x = x * w
            x = x + w
        return anp.sum(x)

    def gradient(argnums, *shape):
        names = {"work": grad(chain, argnums), "x": np.full(shape, 1.0001), "w": np.full(shape, 0.99)}
        return Statement("work(x, w)", names, per=CHAIN)

    return {
        "mul": lambda: Statement("a * b", {"a": boxed(), "b": boxed()}),
        "mul8": lambda: Statement("a * b", {"a": boxed(8), "b": boxed(8)}),
        "mul_number": lambda: Statement("a * 2.0", {"a": boxed(8)}),
        "broadcast": lambda: Statement("a + b", {"a": boxed(4, 8), "b": boxed(8)}),
        "index": lambda: Statement("a[3]", {"a": boxed(8)}),
        "sum": lambda: Statement("a.sum()", {"a": boxed(8)}),
        "matmul": lambda: Statement("a @ b", {"a": boxed(4, 4), "b": boxed(4, 4)}),
        "chain_forward": lambda: Statement(
            "work(x, w)", {"work": chain, "x": boxed(), "w": np.array(0.99)}, per=CHAIN
        ),
        "chain": lambda: gradient(0),
        "chain_shared": lambda: gradient((0, 1)),
        "chain8": lambda: gradient(0, 8),
    }


BUILDERS = {
    "pullback": lambda: torchlike("pullback"),
    "torch": lambda: torchlike("torch"),
    "jax": jax,
    "autograd": autograd,
}

# Title, key, and how many times faster than PyTorch it has to be.
ROWS = [
    ("`a * b`, scalars", "mul", 15),
    ("`a * b`, 8 elements", "mul8", 15),
    ("`a * 2.0`, 8 elements", "mul_number", 8),
    ("`a + b`, (4, 8) and (8,)", "broadcast", 8),
    ("`a[3]`, 8 elements", "index", 8),
    ("`a.sum()`, 8 elements", "sum", 8),
    ("`a @ b`, 4x4", "matmul", 8),
    (f"chain of {CHAIN}, forward", "chain_forward", None),
    (f"chain of {CHAIN}, forward and backward", "chain", 20),
    ("the same, one leaf used by every operation", "chain_shared", 20),
    ("the same, 8 elements", "chain8", 20),
]


def per_operation(libraries, rounds, duration):
    """The first table: nanoseconds for one operation."""
    measured, control = harness.beside_torch(ROWS, BUILDERS, libraries, rounds, duration)
    others = [name for name in libraries if name not in ("pullback", "torch")]
    rows = []
    for title, times, verdict in measured:
        ours, theirs = (harness.nanoseconds(times[n]) if n in times else "" for n in ("pullback", "torch"))
        rows.append([title, ours, theirs, *verdict, *[harness.nanoseconds(times[name]) for name in others]])
    header = ["ns per operation", "pullback", "torch", "torch / pullback", "target", "met", *others]
    return harness.markdown(header, rows) + control


def whole_process(libraries, quick):
    """The second table: what needs a process of its own."""
    nodes = 100_000 if quick else 1_000_000
    rows = []

    def add(title, unit, values, limit, limit_text, scale=1.0, digits=1):
        ours = values.get("pullback")
        cells = [f"{values[n] * scale:,.{digits}f}" if n in values else "" for n in libraries]
        rows.append(
            [
                f"{title}, {unit}",
                *cells,
                limit_text,
                harness.verdict(ours <= limit if ours and limit else None),
            ]
        )

    depth = {name: whole.deep(name, nodes) for name in libraries if name in whole.TAPED}
    title = f"backward through {nodes:,} nodes, stack of {whole.STACK_KIB} KiB"
    backward = {name: times[0] for name, times in depth.items()}
    freeing = {name: times[1] for name, times in depth.items()}
    limit = 0.25 * nodes / 1e6
    add(title, "ms", backward, limit, f"{limit * 1e3:.0f}", 1e3)
    add("freeing them", "ms", freeing, None, "", 1e3)
    memory = {name: whole.memory(name, nodes // 5) for name in libraries if name in whole.TAPED}
    limit = memory.get("torch", 1363) / 5
    add("memory of one recorded scalar product", "bytes", memory, limit, f"{limit:,.0f}", 1.0, 0)
    imports = whole.imports(["numpy", *libraries], 3 if quick else 15)
    limit = 1.6 * imports["numpy"]
    title = f"`import`, where numpy takes {imports['numpy'] * 1e3:.0f}"
    add(title, "ms", imports, limit, f"{limit * 1e3:.0f}", 1e3, 0)
    wheels = sorted(glob.glob("dist/pullback-*.whl"), key=os.path.getmtime)
    if wheels:
        add("wheel", "MB", {"pullback": os.path.getsize(wheels[-1])}, 12e6, "12", 1e-6)
    return harness.markdown(["whole process", *libraries, "limit", "met"], rows)


def main(arguments=None):
    def tables(options):
        libraries, *turns = harness.asked(options, BUILDERS)
        return f"{per_operation(libraries, *turns)}\n\n{whole_process(libraries, options.quick)}"

    harness.run("core", __doc__, tables, arguments)


if __name__ == "__main__":
    main()
