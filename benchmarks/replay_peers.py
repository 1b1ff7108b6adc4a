"""Replayed programs of small tensors beside JAX's `jit`, CasADi's virtual machine and PyTorch: values and gradients.

    python -m benchmarks.replay_peers                               print the table
    python -m benchmarks.replay_peers --write docs/performance.md   and put it into the page
    python -m benchmarks.replay_peers --quick                       few and short rounds, shorter programs
    python -m benchmarks.replay_peers --only pullback jax           measure only these

Every peer does the same work in double precision on one thread, written as its users write it: loops over time are `lax.scan`
for JAX, and expressions of scalars for CasADi. The gradients of all are compared before. A first call is the first that
returns: with JAX it compiles, with CasADi the function is built, with `pb.compile` the function is read.
"""

import importlib
import itertools
import math
import os
import statistics
import time
from pathlib import Path

import numpy as np

from benchmarks import harness

PEERS = ["pullback", "torch", "jax", "casadi"]
DATA = Path(__file__).parent / "data"

# ---- two bodies -----------------------------------------------------------------------------------------------------

BODIES = np.array([[[0.0, 0.0], [1.0, 0.2]], [[0.1, 0.3], [-0.2, 0.4]]])


def orbits(lib, scan, steps):
    """Two bodies of unit mass, steps of RK4: sums of squares of where they end."""

    def slope(x, v):
        d = x[1] - x[0]
        r2 = (d * d).sum()
        a = d / (r2 * lib.sqrt(r2))
        return v, lib.stack([a, -a])

    def step(x, v, h=0.01):
        x1, v1 = slope(x, v)
        x2, v2 = slope(x + 0.5 * h * x1, v + 0.5 * h * v1)
        x3, v3 = slope(x + 0.5 * h * x2, v + 0.5 * h * v2)
        x4, v4 = slope(x + h * x3, v + h * v3)
        return x + h / 6 * (x1 + 2 * x2 + 2 * x3 + x4), v + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)

    def call(begin):
        x, v = begin[0], begin[1]
        if scan:
            (x, v), _ = scan(lambda xv, _: (step(*xv), None), (x, v), length=steps)
        else:
            for _ in range(steps):
                x, v = step(x, v)
        return (x * x).sum() + (v * v).sum()

    return call


def orbits_of_scalars(steps):
    """The same, for CasADi: a function of the eight numbers."""
    import casadi

    begin = casadi.SX.sym("begin", 8)
    state = [begin[k] for k in range(8)]  # x of both bodies, then v

    def slope(s):
        d = [s[2] - s[0], s[3] - s[1]]
        r2 = d[0] * d[0] + d[1] * d[1]
        a = [each / (r2 * casadi.sqrt(r2)) for each in d]
        return [*s[4:], a[0], a[1], -a[0], -a[1]]

    def moved(s, k, h):
        return [a + h * b for a, b in zip(s, k)]

    h = 0.01
    for _ in range(steps):
        k1 = slope(state)
        k2 = slope(moved(state, k1, 0.5 * h))
        k3 = slope(moved(state, k2, 0.5 * h))
        k4 = slope(moved(state, k3, h))
        state = [s + h / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1, k2, k3, k4)]
    total = sum(s * s for s in state)
    return casadi.Function("orbits", [begin], [total, casadi.gradient(total, begin)])


# ---- ADBench's LSTM -------------------------------------------------------------------------------------------------


def letters(steps):
    """Weights, what is learnt besides, the first state and the text, of the smaller instance of ADBench (arXiv:1807.10129)."""
    with np.load(DATA / "lstm_l2_c1024.npz") as saved:
        arrays = [
            saved[name].astype(np.float64) for name in ("main_params", "extra_params", "state", "sequence")
        ]
    arrays[3] = arrays[3][: steps + 1]
    return arrays


def lstm(lib, scan, count):
    """The mean log-likelihood of each next letter, negative: two layers of 14 units."""

    def cell(weight, bias, h, c, x):
        gates = lib.concatenate((x, h, x, h)) * weight + bias
        n = h.shape[0]
        forget, enter, leave = (1 / (1 + lib.exp(-gates[k * n : (k + 1) * n])) for k in range(3))
        c = c * forget + enter * lib.tanh(gates[3 * n :])
        return leave * lib.tanh(c), c

    def step(state, x, gold, main, extra):
        state = list(state)
        v = x * extra[0]
        for k in range(0, len(state), 2):
            state[k], state[k + 1] = cell(main[k], main[k + 1], state[k], state[k + 1], v)
            v = state[k]
        y = v * extra[1] + extra[2]
        return tuple(state), (gold * (y - lib.log(lib.exp(y).sum() + 2))).sum()

    def call(main, extra, state, text):
        if scan:
            _, parts = scan(lambda s, pair: step(s, *pair, main, extra), tuple(state), (text[:-1], text[1:]))
            return -parts.sum() / (count * text.shape[1])
        main, extra, state, text = main.unbind(0), extra.unbind(0), state.unbind(0), text.unbind(0)
        total = 0.0
        for t in range(count):
            state, part = step(state, text[t], text[t + 1], main, extra)
            total = total + part
        return -total / (count * text[0].shape[0])

    return call


# ---- a perceptron ---------------------------------------------------------------------------------------------------

LAYERS = (16, 32, 32, 4)


def weights():
    rng = np.random.default_rng(0)
    found = []
    for n, m in itertools.pairwise(LAYERS):
        found += [rng.standard_normal((m, n)) / math.sqrt(n), rng.standard_normal(m)]
    return found


def perceptron(lib, scan):
    """The mean square of what three layers give for one sample."""

    def call(w1, b1, w2, b2, w3, b3, x):
        y = lib.tanh(w1 @ x + b1)
        y = lib.tanh(w2 @ y + b2)
        y = w3 @ y + b3
        return (y * y).sum() / y.shape[0]

    return call


# ---- how each differentiates ----------------------------------------------------------------------------------------


def taped(lib, objective, arrays, count, compiled):
    """A call, for libraries with tapes: value and gradients by the first `count` arrays."""
    inputs = [lib.tensor(a, requires_grad=k < count) for k, a in enumerate(arrays)]

    def call(*inputs):
        value = objective(*inputs)
        return value.detach(), lib.autograd.grad(value, inputs[:count])

    function = lib.compile(call) if compiled else call
    return lambda: function(*inputs), lambda found: [np.asarray(g) for g in found[1]]


def jitted(objective, arrays, count):
    import jax

    function = jax.jit(jax.value_and_grad(objective, argnums=tuple(range(count))))
    inputs = [jax.numpy.asarray(a) for a in arrays]
    return lambda: jax.block_until_ready(function(*inputs)), lambda found: [np.asarray(g) for g in found[1]]


def scalars(function, array):
    flat = array.reshape(-1)
    return lambda: function(flat), lambda found: [np.asarray(found[1]).reshape(array.shape)]


def programs(quick):
    """For each title: what makes the objective of a library, arrays, how many are differentiated by, CasADi's, and targets."""
    steps = 10 if quick else 200
    count = 20 if quick else 1023
    one = np.random.default_rng(1).standard_normal(LAYERS[0])
    return {
        f"two bodies, {steps} steps of RK4": (
            lambda lib, scan: orbits(lib, scan, steps),
            [BODIES],
            1,
            lambda: orbits_of_scalars(steps),
            ("casadi", 1.0),
        ),
        f"ADBench LSTM l2_c1024, {count} steps": (
            lambda lib, scan: lstm(lib, scan, count),
            letters(count),
            2,
            None,
            ("jax", 1.0),
        ),
        "perceptron, one sample": (perceptron, [*weights(), one], 6, None, ("jax", 2.0)),
    }


def builders(make, arrays, count, of_scalars, names):
    """What makes a call of each way, by its name in the table."""
    found = {}
    if "pullback" in names:
        pb = importlib.import_module("pullback")
        found["as it is"] = lambda: taped(pb, make(pb, None), arrays, count, False)
        found["replayed"] = lambda: taped(pb, make(pb, None), arrays, count, True)
    if "torch" in names:
        torch = importlib.import_module("torch")
        found["torch"] = lambda: taped(torch, make(torch, None), arrays, count, False)
    if "jax" in names:
        jax = importlib.import_module("jax")
        found["jax"] = lambda: jitted(make(jax.numpy, jax.lax.scan), arrays, count)
    if "casadi" in names and of_scalars is not None:
        found["casadi"] = lambda: scalars(of_scalars(), arrays[0])
    return found


def compare(grads):
    """Raises where two ways have other gradients."""
    first, *others = grads.values()
    for other in others:
        for a, b in zip(first, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def measure(ways, rounds, duration):
    """(seconds of the first call, median seconds of later ones) of each."""
    calls, first, grads = {}, {}, {}
    for name, build in ways.items():
        begun = time.perf_counter()
        calls[name], gradients = build()
        found = calls[name]()
        first[name] = time.perf_counter() - begun
        grads[name] = gradients(found)
    compare(grads)
    samples = harness.in_turns(list(calls.values()), rounds, duration)
    return {name: (first[name], statistics.median(found)) for name, found in zip(calls, samples)}


def tables(options):
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    names = harness.installed(options.only or PEERS)
    if "jax" in names:
        importlib.import_module("jax").config.update("jax_enable_x64", True)
    rounds, duration = (2, 1e-3) if options.quick else (15, 0.02)
    columns = ["as it is", "replayed", "torch", "jax", "casadi"]
    later, early = [], []
    with harness.one_thread([name for name in names if name in ("pullback", "torch")]):
        for title, (make, arrays, count, of_scalars, (rival, target)) in programs(options.quick).items():
            times = measure(builders(make, arrays, count, of_scalars, names), rounds, duration)
            ratio = times[rival][1] / times["replayed"][1] if rival in times and "replayed" in times else None
            later.append(
                [
                    title,
                    *(f"{times[name][1] * 1e6:,.1f}" if name in times else "" for name in columns),
                    f"{ratio:.2f}" if ratio else "",
                    f"{target:g} x {rival}",
                    harness.verdict(ratio >= target if ratio else None),
                ]
            )
            early.append(
                [title, *(f"{times[name][0] * 1e3:,.0f}" if name in times else "" for name in columns)]
            )
    heads = ["as it is", "replayed", "PyTorch", "JAX jit", "CasADi SX"]
    return (
        harness.markdown(["value and gradient, µs", *heads, "ratio", "asked", "met"], later)
        + "\n\n"
        + harness.markdown(["first call, ms", *heads], early)
    )


def main(arguments=None):
    harness.run("replay peers", __doc__, tables, arguments)


if __name__ == "__main__":
    main()
