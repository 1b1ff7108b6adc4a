"""What transforms, convolutions and attention cost, with their gradients.

    python -m benchmarks.operators                               print the table
    python -m benchmarks.operators --quick                       a few rounds, to see that everything still runs
    python -m benchmarks.operators --write docs/performance.md   and put it into the page

Beside PyTorch, each library with one thread; processor time counts.
"""

import importlib
import time

from benchmarks import harness
from benchmarks.harness import Statement


def with_gradient(lib, f, *operands):
    """The value, and gradients from a cotangent of ones."""
    leaves = [x.requires_grad_() for x in operands]
    ones = lib.ones_like(f(*leaves)).detach()
    return lambda: [g.data_ptr() for g in lib.autograd.grad(f(*leaves), leaves, ones)]


def torchlike(name):
    lib = importlib.import_module(name)
    lib.manual_seed(0)
    F = lib.nn.functional

    def statement(run):
        run()  # what is loaded once
        return Statement("run(); run()", {"run": run}, per=2, clock=time.process_time)

    def signal(*shape):
        return lib.complex(lib.randn(*shape), lib.randn(*shape))

    def forward(*shape):
        x = signal(*shape)
        return statement(lambda: lib.fft.fft(x).data_ptr())

    def transform(*shape):
        return statement(with_gradient(lib, lib.fft.fft, signal(*shape)))

    def spectrum(*shape):
        return statement(with_gradient(lib, lambda x: lib.fft.rfft(x).abs().square(), lib.randn(*shape)))

    def convolution():
        x, w, b = lib.randn(32, 32, 28, 28), lib.randn(64, 32, 3, 3), lib.randn(64)
        return statement(with_gradient(lib, lambda x, w, b: F.conv2d(x, w, b, padding=1), x, w, b))

    def attention():
        parts = [lib.randn(8, 256, 64) for _ in range(3)]
        return statement(with_gradient(lib, F.scaled_dot_product_attention, *parts))

    return {
        "short": lambda: forward(64),
        "middling": lambda: forward(1024),
        "short gradient": lambda: transform(64),
        "middling gradient": lambda: transform(1024),
        "short spectrum": lambda: spectrum(256),
        "long": lambda: forward(256, 4096),
        "long gradient": lambda: transform(256, 4096),
        "long spectrum": lambda: spectrum(256, 4096),
        "convolution": convolution,
        "attention": attention,
    }


BUILDERS = {"pullback": lambda: torchlike("pullback"), "torch": lambda: torchlike("torch")}

# Title, key, and how many times faster than PyTorch it has to be; below 1: how much slower it may be.
ROWS = [
    ("`fft.fft`, 64", "short", 1),
    ("`fft.fft`, 1,024", "middling", 1),
    ("`fft.fft` and its gradient, 64", "short gradient", 1),
    ("`fft.fft` and its gradient, 1,024", "middling gradient", 1),
    ("`fft.rfft(x).abs().square()` and its gradient, 256", "short spectrum", 1),
    ("`fft.fft`, 256 of 4,096", "long", None),
    ("`fft.fft` and its gradient, 256 of 4,096", "long gradient", 0.91),
    ("`fft.rfft(x).abs().square()` and its gradient, 256 of 4,096", "long spectrum", 0.91),
    ("`conv2d` and its gradient, 3 x 3, 32 to 64 channels, 28 x 28, batch 32", "convolution", 0.83),
    ("attention and its gradient, 8 heads, 256 x 64", "attention", 1),
]


def table(libraries, rounds, duration):
    with harness.one_thread(libraries):
        return harness.per_call(ROWS, BUILDERS, libraries, rounds, duration)


def main(arguments=None):
    harness.run("operators", __doc__, lambda options: table(*harness.asked(options, BUILDERS)), arguments)


if __name__ == "__main__":
    main()
