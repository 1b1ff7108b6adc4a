"""What `pb.compile` gains: functions as they are and replayed, in turns; beside them JAX's jit where it is installed.

    python -m benchmarks.replay                               print the table
    python -m benchmarks.replay --quick                       a round, to see that everything still runs
    python -m benchmarks.replay --write docs/performance.md   and put it into the page

A time is the least of many turns. The results of both are compared to the bit before.
"""

import argparse
import importlib
import time

import pullback as pb
from benchmarks import harness
from pullback.replay import compiled as replaying

PROGRAMS = {}


def program(title):
    """A function that gives another one, its arguments, and JAX's or None."""

    def add(build):
        PROGRAMS[title] = build
        return build

    return add


def network():
    pb.manual_seed(0)
    nn = pb.nn
    return nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))


def of_jax(net, differentiate):
    """The same perceptron in JAX, compiled."""
    jax = importlib.import_module("jax")
    weights = [
        (jax.numpy.array(m.weight.tolist()), jax.numpy.array(m.bias.tolist()))
        for m in net
        if len(list(m.parameters()))
    ]

    def forward(weights, x):
        for k, (w, b) in enumerate(weights):
            x = x @ w.T + b
            x = jax.numpy.tanh(x) if k < 2 else x
        return (x**2).mean() if differentiate else x

    call = jax.jit(jax.value_and_grad(forward) if differentiate else forward)
    x = jax.numpy.ones((1, 8))
    return lambda: jax.block_until_ready(call(weights, x))


@program("perceptron, one sample, forward")
def forward():
    net = network()

    def call(x):
        with pb.no_grad():
            return net(x)

    return call, (pb.ones(1, 8),), lambda: of_jax(net, False)


@program("perceptron, one sample, value and gradient")
def gradient():
    net = network()

    def call(x):
        loss = (net(x) ** 2).mean()
        return loss.detach(), pb.autograd.grad(loss, list(net.parameters()))

    return call, (pb.ones(1, 8),), lambda: of_jax(net, True)


@program("attention block of modules, forward")
def block():
    pb.manual_seed(0)
    layer = pb.nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True).eval()

    def call(x):
        with pb.no_grad():
            return layer(x)

    return call, (pb.randn(1, 4, 16),), None


@program("training step by hand, 6 parameters")
def step():
    net = network()

    def call(x):
        loss = (net(x) ** 2).mean()
        grads = pb.autograd.grad(loss, list(net.parameters()))
        with pb.no_grad():
            for p, g in zip(net.parameters(), grads):
                p -= 1e-6 * g
        return loss.detach()

    return call, (pb.ones(4, 8),), None


@program("halved until short: 14 rounds")
def loop():
    def call(x):
        while x.norm() > 1:
            x = x * 0.5
        return x

    return call, (pb.full((3,), 9000.0),), None


@program("two bodies, 50 Runge-Kutta steps, value and gradient")
def bodies():
    def slopes(s):
        x, y, u, v = s
        w = (x * x + y * y + 0.01) ** -1.5
        return u, v, -x * w, -y * w

    def call(start):
        s, h = list(start), 0.01
        for _ in range(50):
            a = slopes(s)
            b = slopes([p + h / 2 * q for p, q in zip(s, a)])
            c = slopes([p + h / 2 * q for p, q in zip(s, b)])
            d = slopes([p + h * q for p, q in zip(s, c)])
            s = [p + h / 6 * (i + 2 * j + 2 * k + m) for p, i, j, k, m in zip(s, a, b, c, d)]
        value = s[0] * s[0] + s[1] * s[1]
        return value.detach(), pb.autograd.grad(value, start)[0]

    return call, (pb.tensor([1.0, 0.0, 0.0, 0.5], dtype=pb.float64, requires_grad=True),), None


def least(functions, rounds, duration):
    """Seconds of a call of each, the least of turns that they take."""
    found = [float("inf")] * len(functions)
    for _ in range(rounds):
        for k, function in enumerate(functions):
            count, begun = 0, time.perf_counter()
            while (spent := time.perf_counter() - begun) < duration or not count:
                function()
                count += 1
            found[k] = min(found[k], spent / count)
    return found


def bits(found):
    return [
        t.detach().numpy().tobytes()
        for t in ([found] if isinstance(found, pb.Tensor) else [found[0], *found[1]])
    ]


def measure(build, peer, rounds, duration):
    """(as it is, replayed, JAX or None, recording, operators, looks)."""
    plain, args, jax = build()
    function, others, _ = build()
    compiled = pb.compile(function)
    begun = time.perf_counter()
    for _ in range(2):
        compiled(*others)
    recording = (time.perf_counter() - begun) / 2
    first = [plain(*args) for _ in range(3)][-1]
    if bits(compiled(*others)) != bits(first):
        raise AssertionError("the results differ")
    functions = [lambda: plain(*args), lambda: compiled(*others)]
    if jax and peer:
        functions.append(jax())
        functions[-1]()
    times = least(functions, rounds, duration)
    (plan,) = compiled._plans()
    figures = plan.figures()
    return (*times[:2], times[2] if len(times) > 2 else None, recording, figures["steps"], figures["looks"])


def table(rounds, duration, peer):
    cells = []
    for title, build in PROGRAMS.items():
        plain, replayed, jax, recording, steps, looks = measure(build, peer, rounds, duration)
        cells.append(
            [
                title,
                f"{plain * 1e6:,.1f}",
                f"{replayed * 1e6:,.1f}",
                f"{plain / replayed:.2f}",
                f"{jax * 1e6:,.1f}" if jax else "",
                f"{recording * 1e3:,.1f}",
                f"{steps:,}",
                str(looks),
            ]
        )
    header = [
        "µs a call",
        "as it is",
        "replayed",
        "gain",
        "jax.jit",
        "recorded once, ms",
        "operators",
        "looks",
    ]
    return harness.markdown(header, cells)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round, without JAX")
    parser.add_argument("--rounds", type=int, default=301)
    parser.add_argument("--write", metavar="PAGE", help="replace the block marked `replay` in this page")
    options = parser.parse_args(arguments)
    before, replaying.TRIALS = replaying.TRIALS, 0  # every call that may be is replayed, whatever it costs
    try:
        rounds, duration = (1, 1e-4) if options.quick else (options.rounds, 0.001)
        text = table(rounds, duration, not options.quick and "jax" in harness.installed(["jax"]))
    finally:
        replaying.TRIALS = before
    print(text)
    if options.write:
        harness.write_block(options.write, "replay", f"{harness.machine()}\n\n{text}")


if __name__ == "__main__":
    main()
