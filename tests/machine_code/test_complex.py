"""Complex numbers in machine code: parts in vectors of their own, the bits of the kernels."""

import itertools

import numpy as np
import pytest
from machine_code.executor import POSSIBLE, SIZES, agree

import pullback as pb

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="this processor has no machine code")

DTYPES = ("complex64", "complex128")
PARTS = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-42, 3e38, 0.5, 1e-30, -2.5)
FUNCTIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a, b: -a,
    "conj": lambda a, b: a.conj().resolve_conj(),
    "square": lambda a, b: a.square(),
    "reciprocal": lambda a, b: b.reciprocal(),
    "number": lambda a, b: a * (1 + 2j) - 3j / b,
}


def pairs(dtype):
    """All pairs of numbers with special parts."""
    numbers = np.array([complex(*parts) for parts in itertools.product(PARTS, repeat=2)], dtype)
    return (pb.from_numpy(np.ravel(x)).clone() for x in np.meshgrid(numbers, numbers))


def ordinary(n, dtype, seed):
    rng = np.random.default_rng(seed)
    return pb.from_numpy((rng.normal(size=n) + 1j * rng.normal(size=n)).astype(dtype)).clone()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_functions(name, dtype):
    a, b = pairs(dtype)

    def program():
        z = FUNCTIONS[name](a, b)
        return [z, z + a]

    assert agree(program)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_gradients(dtype):
    """Products in which zero wins, and in which what is infinite is so in any part."""
    a, b = pairs(dtype)

    def program():
        x, y = a.clone().requires_grad_(), b.clone().requires_grad_()
        z = (x * y + x) / (y - 2j) * x.conj() + x.square() * y.reciprocal()
        return [z, *pb.autograd.grad(z, [x, y], pb.ones_like(z) * (1 - 2j))]

    assert agree(program)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_borders(n, dtype):
    a, b = ordinary(n, dtype, 1), ordinary(n, dtype, 2)
    assert agree(lambda: [a * b - a, (a * b - a) / b]) or n == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_beside_other_types(dtype):
    """Parts, sizes, functions and masks are steps of their own; rows are broadcast; sums end a program."""
    a, b, row = ordinary(6000, dtype, 1), ordinary(6000, dtype, 2), ordinary(60, dtype, 3)

    def program():
        z = a * b + 1
        w = (z.exp() * b - a) * z.real
        rows = z.reshape(100, 60) * row + row
        mask = z.abs() > 1
        chosen = pb.where(mask, z * b, a - b)
        other = pb.where(~mask & (mask ^ (z.real > 0)), chosen * b, a)
        values = [z, w, (w / b).imag * 2, rows, rows.sum(0), (z * z).sum(), chosen, other]
        return [*values, ~mask, other.to(pb.complex64) * 2]

    assert agree(program)


@pytest.mark.parametrize("dtype", DTYPES)
def test_second_derivatives(dtype):
    """With masks between one product and the next."""
    a, b = ordinary(500, dtype, 1), ordinary(500, dtype, 2)

    def program():
        z = a.clone().requires_grad_()
        (first,) = pb.autograd.grad(z.abs(), z, b.real, create_graph=True)
        return [first.detach(), *pb.autograd.grad(first, z, b)]

    assert agree(program)


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_values(dtype):
    """More than there are registers."""
    xs = [ordinary(3000, dtype, k) for k in range(20)]

    def program():
        made = [x * y - 1 for x, y in itertools.pairwise(xs)]
        total = made[0]
        for z in made[::-1]:
            total = total * 0.5 + z
        return [total, *(z / total for z in made)]

    assert agree(program)


@pytest.mark.parametrize("dtype", DTYPES)
def test_past_the_caches(dtype):
    a, b = ordinary(1_500_000, dtype, 1), ordinary(1_500_000, dtype, 2)
    assert agree(lambda: [a * b + a, a * b - b])


def test_in_place():
    def program():
        z, w = ordinary(30_011, "complex64", 1), ordinary(30_011, "complex64", 2)
        for _ in range(3):
            z.mul_(0.9j).add_(w, alpha=0.1)
            w.sub_(z / 3)
        return [z, w]

    assert agree(program)
