"""What needs a process of its own: deep graphs on a small stack, memory, import time.

`python -m benchmarks.whole deep torch 1000000` is one such process; it prints its numbers and nothing else.
"""

import importlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

TAPED = ["pullback", "torch", "autograd"]  # JAX traces and compiles: it records no operation one by one
STACK_KIB = 256


def _python(*arguments, shell=""):
    """Run this interpreter, after a line of shell, and return the numbers it prints."""
    command = f'{shell} exec "$0" "$@"'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        end = done.stderr.strip().split("\n")[-1]
        raise RuntimeError(f"{' '.join(arguments)} ended with status {done.returncode}: {end}")
    return [float(number) for number in done.stdout.split()]


def deep(name, nodes):
    """Seconds to run backward through a chain of `nodes` operations, and to free it."""
    return _python("-m", "benchmarks.whole", "deep", name, str(nodes), shell=f"ulimit -s {STACK_KIB};")


def memory(name, nodes):
    """Bytes by which the process grows for each scalar product recorded and kept."""
    (size,) = _python("-m", "benchmarks.whole", "memory", name, str(nodes))
    return size


def imports(names, rounds):
    """Median seconds of `import name` with bytecode, each in fresh processes that take turns."""
    samples = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as bytecode:
        shell = f"unset PYTHONDONTWRITEBYTECODE; export PYTHONPYCACHEPREFIX='{bytecode}';"
        for turn in range(rounds + 1):
            for name in names:
                code = f"import time; t = time.perf_counter(); import {name}; print(time.perf_counter() - t)"
                (seconds,) = _python("-c", code, shell=shell)
                if turn:  # the first turn compiles, and fills the file cache
                    samples[name].append(seconds)
    return {name: statistics.median(values) for name, values in samples.items()}


class _Tape:
    """Scalars of one library, recorded in a long chain, and how to run it backward."""

    def __init__(self, name):
        if name == "autograd":
            import numpy as np
            from autograd.core import VJPNode, backward_pass
            from autograd.tracer import new_box

            self.leaf = lambda value: new_box(np.array(value), 0, VJPNode.new_root())
            self.constant = np.array
            self.backward = lambda y: backward_pass(np.array(1.0), y._node)
        else:
            lib = importlib.import_module(name)
            self.leaf = lambda value: lib.tensor(value, requires_grad=True)
            self.constant = lib.tensor
            self.backward = lambda y: y.backward(retain_graph=True)

    def alternating(self, nodes):
        """Products and sums with a constant, in turn: one path from end to end."""
        y, c = self.leaf(1.0), self.constant(0.999)
        for _ in range(nodes // 2):
            y = y * c
            y = y + c
        return y

    def products(self, nodes):
        """Products of two recorded values: each must keep both of its factors."""
        y, w = self.leaf(1.0), self.leaf(0.999)
        for _ in range(nodes):
            y = y * w
        return y


def _resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def _main(what, name, nodes):
    tape = _Tape(name)
    for chain in (tape.products, tape.alternating):
        tape.backward(chain(1000))  # whatever a library sets up at its first use
    if what == "memory":
        before = _resident()
        kept = tape.products(nodes)
        print((_resident() - before) / nodes)
        del kept
        return
    y = tape.alternating(nodes)
    start = time.perf_counter()
    tape.backward(y)
    middle = time.perf_counter()
    del y
    print(middle - start, time.perf_counter() - middle)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
