"""What whole programs of networks cost: an epoch with a loader, recurrent and attending layers, an optimiser's step.

    python -m benchmarks.programs                               print the table
    python -m benchmarks.programs --quick                       a few rounds, to see that everything still runs
    python -m benchmarks.programs --write docs/performance.md   and put it into the page

The text is the same for both libraries: modules of `nn`, optimisers of `optim`, loaders of `utils.data`. A row is a step, or
an epoch, as a program takes it: forward, backward and the optimiser.
"""

import importlib

from benchmarks import harness
from benchmarks.harness import Statement

STEPS, HIDDEN = 64, 128  # of the recurrent network
WIDTH, POSITIONS = 64, 32  # of the transformer
TENSORS, PARAMETERS = 100, 10**6  # of the optimiser


def digits(lib):
    """An epoch over a fifth of the digits in batches of 32, by the network of examples/convolution.py."""
    from examples.convolution import epoch, load, network

    lib.manual_seed(0)
    (images, labels), _ = load()
    data = lib.utils.data.TensorDataset(lib.from_numpy(images[:320]), lib.from_numpy(labels[:320]))
    loader = lib.utils.data.DataLoader(data, batch_size=32, shuffle=True)
    model = network(lib)
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-4)
    return Statement("run(*given)", {"run": epoch, "given": (lib, model, optimizer, loader)}, per=10)


def step(model, optimizer, loss):
    """A step as programs take it."""

    def run():
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()

    return Statement("run()", {"run": run}, per=1)


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
    return Statement("step()", {"step": optimizer.step}, per=1)


def torchlike(name):
    lib = importlib.import_module(name)
    return {
        "digits": lambda: digits(lib),
        "lstm1": lambda: recurrent(lib, 1),
        "lstm16": lambda: recurrent(lib, 16),
        "transformer": lambda: transformer(lib),
        "adam": lambda: adam(lib),
    }


BUILDERS = {"pullback": lambda: torchlike("pullback"), "torch": lambda: torchlike("torch")}

# Title, key, and how many times faster than PyTorch it has to be.
ROWS = [
    ("a training step with its share of an epoch: 32 digits, two convolutions, Adam, `DataLoader`", "digits", 3),
    ("an LSTM's step, 64 times, 128 hidden, batch 1", "lstm1", 2),
    ("the same, batch 16", "lstm16", 2),
    ("a transformer's step, 2 layers, width 64, 32 positions, batch 8", "transformer", 1.5),
    ("Adam, 1,000,000 parameters in 100 tensors", "adam", 3),
]


def table(libraries, rounds, duration):
    return harness.per_call(ROWS, BUILDERS, libraries, rounds, duration)


def main(arguments=None):
    harness.run("programs", __doc__, lambda options: table(*harness.asked(options, BUILDERS)), arguments)


if __name__ == "__main__":
    main()
