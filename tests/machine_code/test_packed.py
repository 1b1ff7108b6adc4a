"""Arithmetic of float16, for which some processors have instructions: the bits are those of float32, rounded."""

import numpy as np
import pytest
from machine_code.executor import POSSIBLE, SIZES, agree

import pullback as pb

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="this processor has no machine code")

SPECIAL = [
    0x0000,
    0x8000,
    0x0001,
    0x03FF,
    0x0400,
    0x7BFF,
    0x7C00,
    0xFC00,
    0x7E00,
    0x7D01,
    0x3C00,
    0xBC00,
    0x3555,
    0x1400,
]


def halves(bits):
    return pb.from_numpy(np.asarray(bits, np.uint16).view(np.float16)).clone()


def pairs(rounds=4):
    """Of every number there is, with special ones and with others."""
    rng, every = np.random.default_rng(0), np.arange(65536)
    beside = [np.full(65536, b) for b in SPECIAL] + [rng.permutation(65536) for _ in range(rounds)]
    # Next to each other, where differences are small and quotients near 1.
    beside += [(every + step) % 65536 for step in (0, 1, 7)]
    return halves(np.tile(every, len(beside))), halves(np.concatenate(beside))


def program(x, y):
    """Each operation, and what is made of its result: a turned sign, a root, a function, a sum."""
    z = [
        x + y,
        x - y,
        x * y,
        x / y,
        y.reciprocal(),
        x.square(),
        (x * y).sqrt(),
        -(x + y) * y,
        (x - y) / (x + y),
    ]
    return [*z, (x + y).exp() - x, ((x * y) * 0.1 + x) * y, (x * y).float() + 1, ((x + y) * y).bfloat16()]


def test_every_number():
    x, y = pairs()
    assert agree(lambda: program(x, y))


def test_products_in_which_zero_wins():
    x, y = pairs()

    def gradients():
        a, b = x.clone().requires_grad_(), y.clone().requires_grad_()
        z = (a * b + a) * (b - a) / b
        return [z.detach(), *pb.autograd.grad(z, [a, b], x.flip(0))]

    assert agree(gradients)


@pytest.mark.parametrize("n", SIZES)
def test_borders(n):
    x, y = halves(np.arange(n) * 7919 % 65536), halves(np.arange(n) * 104729 % 65536)
    assert agree(lambda: program(x, y)) or n == 1
