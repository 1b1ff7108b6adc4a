"""Every pair of primitives, each with every pattern of operands, fused and one by one: the same bits.

A fused program keeps a value that the next instruction alone reads in hand (kernels/chains.h). The next instruction may
read it twice, as its first operand, as its second, beside another value in hand, or beside one in memory or a number.
"""

import itertools

import kinds
import numpy as np
import pytest
from deferral import deferral

import pullback as pb

N = 300
FLOATS = tuple(getattr(pb, name) for name in kinds.FLOATS)
INTEGERS = tuple(getattr(pb, name) for name in kinds.INTEGERS)
SIGNED = tuple(getattr(pb, name) for name in kinds.SIGNED)

UNARY = {
    "neg": (pb.neg, (*FLOATS, *SIGNED)),
    "abs": (pb.abs, FLOATS),
    "square": (pb.square, (*FLOATS, *INTEGERS)),
    "sqrt": (pb.sqrt, FLOATS),
    "reciprocal": (pb.reciprocal, FLOATS),
    "exp": (pb.exp, FLOATS),
    "floor": (pb.floor, FLOATS),
}
BINARY = {
    "add": (pb.add, (*FLOATS, *INTEGERS, pb.bool)),
    "sub": (pb.sub, (*FLOATS, *INTEGERS)),
    "mul": (pb.mul, (*FLOATS, *INTEGERS, pb.bool)),
    "div": (pb.div, FLOATS),
    "maximum": (pb.maximum, (*FLOATS, *INTEGERS, pb.bool)),
    "minimum": (pb.minimum, (*FLOATS, *INTEGERS, pb.bool)),
    "fmax": (pb.fmax, FLOATS),
    "copysign": (pb.copysign, FLOATS),
    "atan2": (pb.atan2, FLOATS),
    "xlogy": (pb.xlogy, FLOATS),
    "bitwise_xor": (pb.bitwise_xor, (*INTEGERS, pb.bool)),
    "where": (lambda a, b: pb.where(a > b, a, b), (*FLOATS, *INTEGERS)),
    "lt": (lambda a, b: (a < b).to(a.dtype), (*FLOATS, *INTEGERS)),
    # gradients: products that a zero gradient passes through a pole
    "zmul": (lambda a, b: cotangent_of_reciprocal(a, b), FLOATS),
}
DTYPES = (*FLOATS, *INTEGERS, pb.bool)


def cotangent_of_reciprocal(g, a):
    x = (a if isinstance(a, pb.Tensor) else pb.full_like(g, a)).detach().requires_grad_()
    return pb.autograd.grad(pb.reciprocal(x), x, g)[0]


def operands(f, v, x):
    """Applications of f to a value in hand, in every pattern."""
    return (
        [f(v, v), f(v, x), f(x, v), f(v, 2 if x.dtype is not pb.bool else x)] if not is_unary(f) else [f(v)]
    )


def is_unary(f):
    return any(f is g for g, _ in UNARY.values())


def having(dtype):
    return [f for f, dtypes in (UNARY | BINARY).values() if dtype in dtypes]


def data(dtype, seed):
    x = np.random.default_rng(seed).uniform(-3, 3, N)
    x[:6] = 0, -0.0, 1, -1, np.inf, np.nan
    if dtype in FLOATS:
        return pb.tensor(x, dtype=dtype)
    return pb.tensor(np.abs(np.nan_to_num(x, posinf=7)) * 30).to(dtype)


def bits(t):
    """Any NaN is as good as another."""
    a = t.numpy().copy()
    if t.dtype in FLOATS:
        a[np.isnan(a)] = np.nan
    return a.tobytes()


def results(dtype, f, g):
    """g of f's applications, and the chains that go on from there."""
    x, w = data(dtype, 1), data(dtype, 2)
    first = operands(f, pb.maximum(x, w), w)
    found = []
    for a in first:
        found += operands(g, a, w)
    if not is_unary(g):
        found += [g(a, b) for a, b in itertools.pairwise(first)]
        found += [g(g(a, a), g(a, a)) for a in first]
    return found


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_pairs_of_instructions(dtype):
    for f, g in itertools.product(having(dtype), repeat=2):
        seen = []
        for immediate in (False, True):
            with deferral(immediate, 1):
                made = results(dtype, f, g)
                # Each alone: what reads a value too would keep it out of the chain.
                seen.append([])
                while made:
                    seen[-1].append(bits(made.pop(0)))
        assert seen[0] == seen[1], (f, g)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize(
    "f", [pb.sub, pb.div, pb.minimum, pb.maximum, pb.add, pb.mul], ids=lambda f: f.__name__
)
def test_one_value_in_hand_at_every_place_of_a_long_chain(f, dtype):
    for place in range(16):  # longer than a chain
        seen = []
        for immediate in (False, True):
            with deferral(immediate, 1):
                y = data(dtype, 3) + 1
                for k in range(16):
                    y = f(y, y) if k == place else y * 0.5
                seen.append(bits(y))
        assert seen[0] == seen[1], place


def test_differences_of_differences():
    y = pb.ones(5000) + 1
    assert ((y - y) - (y - y)).abs().sum().item() == 0
    assert ((y / y) / (y / y)).sum().item() == 5000
