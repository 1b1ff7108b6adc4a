"""What whole programs of networks cost: an epoch with a loader, recurrent and attending layers, an optimiser's step.

    python -m benchmarks.programs                               print the table
    python -m benchmarks.programs --quick                       a few rounds, to see that everything still runs
    python -m benchmarks.programs --write docs/performance.md   and put it into the page

The text is the same for both libraries: modules of `nn`, optimisers of `optim`, loaders of `utils.data`. A row is a step as a
program takes it, forward, backward and the optimiser, or its share of an epoch. Each library has one thread, and
processor time counts: how well threads are fed is another question, and another program beside this one does not show.
"""

import importlib
import time

from benchmarks import harness
from benchmarks.harness import Statement

STEPS, HIDDEN = 64, 128  # of the recurrent network
WIDTH, POSITIONS = 64, 32  # of the transformer
TENSORS, PARAMETERS = 100, 10**6  # of the optimiser


def statement(run, per=1):
    return Statement("run(); run()", {"run": run}, per=2 * per, clock=time.process_time)


def perceptron(lib):
    """The network of examples/digits.py, as modules."""
    nn = lib.nn
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)
    )


def digits(lib, network):
    """An epoch over some of the digits, ten batches of 32."""
    from examples.convolution import epoch, load

    lib.manual_seed(0)
    (images, labels), _ = load()
    data = lib.utils.data.TensorDataset(lib.from_numpy(images[:320]), lib.from_numpy(labels[:320]))
    loader = lib.utils.data.DataLoader(data, batch_size=32, shuffle=True)
    model = network(lib)
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-4)
    return statement(lambda: epoch(lib, model, optimizer, loader), per=10)


def convolutional(lib):
    from examples.convolution import network

    return network(lib)


def step(model, optimizer, loss):
    """A step as programs take it."""

    def run():
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()

    return statement(run)


def recurrent(lib, batch):
    """A step of an LSTM over 64 times."""
    lib.manual_seed(0)
    model = lib.nn.LSTM(HIDDEN, HIDDEN)
    x = lib.randn(STEPS, batch, HIDDEN)
    optimizer = lib.optim.SGD(model.parameters(), lr=1e-4)
    return step(model, optimizer, lambda model: model(x)[0].square().mean())


def transformer(lib):
    """A step of two encoder layers on eight sequences."""
    lib.manual_seed(0)
    layer = lib.nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, dropout=0.0, batch_first=True)
    model = lib.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    x = lib.randn(8, POSITIONS, WIDTH)
    optimizer = lib.optim.SGD(model.parameters(), lr=1e-4)
    return step(model, optimizer, lambda model: model(x).square().mean())


def adam(lib):
    """Adam's step over a million parameters in a hundred tensors."""
    lib.manual_seed(0)
    parameters = [lib.nn.Parameter(lib.randn(PARAMETERS // TENSORS)) for _ in range(TENSORS)]
    for each in parameters:
        each.grad = lib.randn(PARAMETERS // TENSORS)
    optimizer = lib.optim.Adam(parameters, lr=1e-6)
    return statement(optimizer.step)


def torchlike(name):
    lib = importlib.import_module(name)
    return {
        "digits": lambda: digits(lib, perceptron),
        "convolution": lambda: digits(lib, convolutional),
        "lstm1": lambda: recurrent(lib, 1),
        "lstm16": lambda: recurrent(lib, 16),
        "transformer": lambda: transformer(lib),
        "adam": lambda: adam(lib),
    }


BUILDERS = {"pullback": lambda: torchlike("pullback"), "torch": lambda: torchlike("torch")}

# Title, key, and how many times faster than PyTorch it has to be.
ROWS = [
    ("32 digits from a `DataLoader`, three linear layers, Adam", "digits", 3),
    ("32 digits from a `DataLoader`, two convolutions and two linear layers, Adam", "convolution", None),
    ("an LSTM, 64 times, 128 hidden, batch 1, SGD", "lstm1", 2),
    ("the same, batch 16", "lstm16", 2),
    ("a transformer, 2 layers, width 64, 32 positions, batch 8, SGD", "transformer", 1.5),
    ("Adam, 1,000,000 parameters in 100 tensors", "adam", 3),
]


def table(libraries, rounds, duration):
    with harness.one_thread(libraries):
        return harness.per_call(ROWS, BUILDERS, libraries, rounds, duration)


def main(arguments=None):
    harness.run("programs", __doc__, lambda options: table(*harness.asked(options, BUILDERS)), arguments)


if __name__ == "__main__":
    main()
