"""What chains of elementwise functions cost on the dtypes beside float32 and float64: float16, bfloat16, complex64, complex128.

    python -m benchmarks.elements                               print the table
    python -m benchmarks.elements --quick                       a few rounds, to see that everything still runs
    python -m benchmarks.elements --write docs/performance.md   and put it into the page

Each at a million elements, beside PyTorch, forward and with gradient. The gradient is by every operand, from a cotangent of ones,
and a step ends when all results can be read. Each library has one thread, and processor time counts.
"""

import importlib
import time

import numpy as np

from benchmarks import harness
from benchmarks.harness import Statement

N = 10**6
HALVES, COMPLEX = ("float16", "bfloat16"), ("complex64", "complex128")

# Title, operands, and the text, the same for both libraries.
REAL_CHAINS = {
    "arithmetic": ("(x·y + x)·(y - x)·x + y", "xy", lambda lib, x, y: (x * y + x) * (y - x) * x + y),
    "gelu": ("gelu(x + y)", "xy", lambda lib, x, y: lib.nn.functional.gelu(x + y)),
    "silu": ("silu(x)·y", "xy", lambda lib, x, y: lib.nn.functional.silu(x) * y),
    "exponential": ("log(exp(x) + exp(y))", "xy", lambda lib, x, y: lib.log(lib.exp(x) + lib.exp(y))),
    "softplus": ("softplus(x)·tanh(y)", "xy", lambda lib, x, y: lib.nn.functional.softplus(x) * lib.tanh(y)),
    "waves": ("sin(x)·exp(-x²) + tanh(x)", "x", lambda lib, x: lib.sin(x) * lib.exp(-x * x) + lib.tanh(x)),
}
COMPLEX_CHAINS = {
    "polynomial": ("(z·w + z)·(w - z)·z + w", "zw", lambda lib, z, w: (z * w + z) * (w - z) * z + w),
    "quotient": ("(z·w + 1) / (z - 2i)", "zw", lambda lib, z, w: (z * w + 1) / (z - 2j)),
    "turned": ("exp(i·z)·w + conj(z)", "zw", lambda lib, z, w: lib.exp(1j * z) * w + z.conj()),
    "sizes": ("z·conj(z)·w + z·conj(w)", "zw", lambda lib, z, w: (z * z.conj()) * w + z * w.conj()),
}


def operand(name):
    rng = np.random.default_rng(ord(name))
    x = rng.standard_normal(N)
    return x if name in "xy" else x + 1j * rng.standard_normal(N)


def torchlike(name):
    lib = importlib.import_module(name)

    def statement(chain, dtype, gradient):
        _, names, f = {**REAL_CHAINS, **COMPLEX_CHAINS}[chain]
        leaves = [lib.tensor(operand(each)).to(getattr(lib, dtype)).requires_grad_() for each in names]
        ones = lib.ones_like(leaves[0]).detach()

        def read(*tensors):
            for each in tensors:
                each.data_ptr()

        def forward():
            with lib.no_grad():
                read(f(lib, *leaves))

        def both():
            value = f(lib, *leaves)
            read(value, *lib.autograd.grad(value, leaves, ones))

        run = both if gradient else forward
        return Statement("run(); run()", {"run": run}, per=2, clock=time.process_time)

    return {
        key: lambda key=key: statement(*key)
        for key in ((chain, dtype, gradient) for _, chain, dtype, gradient, _ in each_row())
    }


def each_row():
    for chains, dtypes, target in ((REAL_CHAINS, HALVES, 3), (COMPLEX_CHAINS, COMPLEX, 4)):
        for chain, (title, _, _) in chains.items():
            for dtype in dtypes:
                for gradient in (False, True):
                    yield title, chain, dtype, gradient, target


BUILDERS = {"pullback": lambda: torchlike("pullback"), "torch": lambda: torchlike("torch")}

# Title, key, and how many times faster than PyTorch it has to be.
ROWS = [
    (f"{title}, {dtype}{', with gradient' if gradient else ''}", (chain, dtype, gradient), target)
    for title, chain, dtype, gradient, target in each_row()
]


def table(libraries, rounds, duration):
    with harness.one_thread(libraries):
        return harness.per_call(ROWS, BUILDERS, libraries, rounds, duration)


def main(arguments=None):
    harness.run("elements", __doc__, lambda options: table(*harness.asked(options, BUILDERS)), arguments)


if __name__ == "__main__":
    main()
