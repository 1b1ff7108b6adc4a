"""Results of 16 MB and more, which code stores past the caches where it may: what they are does not change."""

import numpy as np
import pytest
from deferral import deferral
from machine_code.executor import POSSIBLE, agree, emitted, machine_code, sample

import pullback as pb
from pullback import _core

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="this processor has no machine code")
DTYPES = ("float32", "float64")


def large(dtype, results=3):
    """So many elements that the results come to 16 MB, and a few more."""
    return (16 << 20) // np.dtype(dtype).itemsize // results + 1237


def three(x, y):
    return [x * y + x, (x - y) * x / (y * y + 1), pb.exp(-x * x) - y]


def operands(n, dtype):
    return sample(n, dtype), sample(n, dtype, 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bits_are_those_of_the_executor(dtype):
    x, y = operands(large(dtype), dtype)
    assert agree(lambda: three(x, y))


def test_large_results_have_code_of_their_own():
    small, many = operands(20_000, "float32"), operands(large("float32"), "float32")
    compute = lambda x, y: [(x * y + x) * 0.7, (x - y) * x / (y * y + 1.5), pb.exp(-x * x) - y * x]
    with machine_code("always"), deferral(least=1):
        for data, made in ((small, 1), (many, int(_core.machine_code()["isa"] == "avx512")), (many, 0)):
            assert emitted(lambda data=data: pb.synchronize() or (compute(*data), pb.synchronize())) == made


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [7, 16, 40, 1000, 1001, 1008, 5003, 20_016])
def test_rows_that_begin_at_a_line_and_others(dtype, length):
    x, y = operands(large(dtype) // length * length, dtype)
    x, y, row = x.view(-1, length), y.view(-1, length), sample(length, dtype, 2)
    assert agree(lambda: three(x * row, y))
    assert agree(lambda: [*three(x * row, y), (x * y).sum(1), (x * y).sum(0)])


@pytest.mark.parametrize("dtype", DTYPES)
def test_results_that_somebody_reads(dtype):
    """By a reduction, by a step that is no code, by a view, as two results."""
    x, y = operands(large(dtype), dtype)

    def program():
        a, b, c = three(x, y)
        return a, b, c, a.sum(), pb.lgamma(b), c[1:] * c[:-1], a * 1, b.view(-1)

    assert agree(program)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("offset", [1, 4, 16])
def test_memory_that_does_not_begin_at_a_line(dtype, offset):
    n = large(dtype, 1)
    x, y = operands(n, dtype)

    def program():
        whole = pb.zeros(n + offset, dtype=x.dtype)
        whole[offset:] = x * y + x - y * y
        return [whole]

    assert agree(program)


def test_integers_masks_and_halves_beside_floats():
    x, y = operands(large("float32"), "float32")
    whole = (x * 3).nan_to_num(0, 9, -9).clamp(-99, 99).int()

    def program():
        return *three(x, y), whole * 3 + 1, (x > y) & (x < 2), (x * y).half(), (x * y).to(pb.bfloat16)

    assert agree(program)


def test_gradients():
    x, y = operands(large("float32"), "float32")

    def program():
        a, b = x.clone().requires_grad_(), y.clone().requires_grad_()
        ((a * b + 1).sqrt() + (a * a + b * b + 0.1).rsqrt()).sum().backward()
        return a.grad, b.grad, *three(a.detach(), b.detach())

    assert agree(program)
