"""What `pb.compile` gains: functions as they are and replayed, in turns.

    python -m benchmarks.replay                               print the table
    python -m benchmarks.replay --quick                       a round, to see that everything still runs
    python -m benchmarks.replay --write docs/performance.md   and put it into the page

A time is the least of many turns, of the processor time of one thread. The results of both are compared to the bit before.
"""

import argparse
import time

import pullback as pb
from benchmarks import harness, replay_peers


def network():
    pb.manual_seed(0)
    nn = pb.nn
    return nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))


def loss_of(net):
    def loss(x):
        return net(x).square().mean()

    return loss


def gradients_of(net):
    loss, parameters = loss_of(net), list(net.parameters())

    def gradients(x):
        return pb.autograd.grad(loss(x), parameters)

    return gradients


def training_of(net):
    optimizer = pb.optim.Adam(net.parameters(), lr=1e-3)

    def step(x):
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def orbits(_):
    """Two bodies, 200 steps of RK4: value and gradient by where they began."""
    objective = replay_peers.orbits(pb, None, 200)

    def call(begin):
        total = objective(begin)
        return total.detach(), pb.autograd.grad(total, begin)[0]

    return call


def without_gradient(net):
    def call(x):
        with pb.no_grad():
            return net(x)

    return call


def halved(net):
    def call(x):
        while x.norm() > 1:
            x = x * 0.5
        return x

    return call


# The function of a network, whether its gradient is taken behind it, and its argument.
PROGRAMS = {
    "perceptron, one sample, forward": (without_gradient, False, lambda: pb.ones(1, 16)),
    "perceptron, one sample, forward, recorded": (loss_of, False, lambda: pb.ones(1, 16)),
    "perceptron, one sample, forward and backward": (loss_of, True, lambda: pb.ones(1, 16)),
    "perceptron, one sample, gradients inside": (gradients_of, False, lambda: pb.ones(1, 16)),
    "perceptron, 64 samples, forward and backward": (loss_of, True, lambda: pb.ones(64, 16)),
    "perceptron, one sample, a step of Adam": (training_of, False, lambda: pb.ones(1, 16)),
    "perceptron, 64 samples, a step of Adam": (training_of, False, lambda: pb.ones(64, 16)),
    "two bodies, 200 steps, value and gradient": (
        orbits,
        False,
        lambda: pb.tensor(replay_peers.BODIES, requires_grad=True),
    ),
    "halved until short: 14 rounds": (halved, False, lambda: pb.full((3,), 9000.0)),
}


def least(functions, rounds, duration):
    """Seconds of a call of each, the least of turns that they take."""
    return [min(found) for found in harness.in_turns(functions, rounds, duration, time.thread_time)]


def are_equal(a, b):
    pairs = zip(a, b, strict=True) if isinstance(a, tuple) else [(a, b)]
    return all(pb.equal(x, y) for x, y in pairs)


def measure(make, differentiates, argument, rounds, duration):
    """(as it is, replayed, recording, operators, guards)."""
    x = argument()
    plain, compiled = make(network()), pb.compile(make(network()))
    while not compiled._traces:  # one that writes is read at its second call
        begun = time.thread_time()
        result = compiled(x)
        recording = time.thread_time() - begun
        if not are_equal(result, plain(x)):
            raise AssertionError("the results differ")
    if not are_equal(compiled(x), plain(x)):
        raise AssertionError("the results differ")
    (trace,) = compiled._traces
    figures = trace.figures()

    def called(function):
        return (lambda: function(x).backward()) if differentiates else (lambda: function(x))

    return (
        *least([called(plain), called(compiled)], rounds, duration),
        recording,
        figures["steps"],
        figures["checks"],
    )


def table(rounds, duration):
    cells = []
    for title, program in PROGRAMS.items():
        plain, replayed, recording, steps, checks = measure(*program, rounds, duration)
        cells.append(
            [
                title,
                f"{plain * 1e6:,.1f}",
                f"{replayed * 1e6:,.1f}",
                f"{plain / replayed:.2f}",
                f"{recording * 1e3:,.1f}",
                f"{steps:,}",
                f"{checks:,}",
            ]
        )
    return harness.markdown(
        ["µs a call", "as it is", "replayed", "gain", "recorded in, ms", "operators", "guards"], cells
    )


def shortened(_):
    """`halved`, by operators of which only kernels are left."""

    def call(x):
        while (x * x).sum() > 1:
            x = x * 0.5
        return x

    return call


def in_turn(make, rounds, duration):
    """Seconds of a call: of loops of 1 to 14 rounds in turn, by one function, and by one that knows nothing else for each."""
    vectors = [pb.full((3,), 2.0**k) for k in range(14)]
    one, own = pb.compile(make(None)), [pb.compile(make(None)) for _ in vectors]
    for x, f in zip(vectors, own, strict=True):
        if not pb.equal(one(x), f(x)):
            raise AssertionError("the results differ")

    def all_by_one():
        for x in vectors:
            one(x)

    def each_by_its_own():
        for x, f in zip(vectors, own):
            f(x)

    return [spent / len(vectors) for spent in least([all_by_one, each_by_its_own], rounds, duration)]


def loops(rounds, duration):
    found = []
    for title, make in {"by operators": halved, "by kernels": shortened}.items():
        one, own = in_turn(make, rounds, duration)
        found.append(
            f"{title} {one * 1e6:.2f} µs a call, {one / own:.2f} times what it takes with a trace for each alone"
        )
    return "Loops of 1 to 14 rounds in turn take " + "; ".join(found) + "."


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--write", metavar="PAGE", help="replace the block marked `replay` in this page")
    options = parser.parse_args(arguments)
    before = pb.get_num_threads()
    pb.set_num_threads(1)
    try:
        turns = (1, 1e-4) if options.quick else (options.rounds, 0.001)
        text = f"{table(*turns)}\n\n{loops(*turns)}"
    finally:
        pb.set_num_threads(before)
    print(text)
    if options.write:
        harness.write_block(options.write, "replay", f"{harness.machine()}\n\n{text}")


if __name__ == "__main__":
    main()
