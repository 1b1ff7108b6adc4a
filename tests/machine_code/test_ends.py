"""Rounds that end with the last element: of rows of any length, of results that lie over operands, of every width."""

import pytest
from machine_code.executor import POSSIBLE, agree, sample

import pullback as pb

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="this processor has no machine code")
LENGTHS = (9, 17, 31, 33, 47, 65, 199, 998)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("length", LENGTHS)
def test_rows(dtype, length):
    def program():
        x, row, column = sample(7 * length, dtype), sample(length, dtype, 1), sample(7, dtype, 2)[:, None]
        x = x.view(7, length)
        y = (x * row - column) * (x + column) * row
        return y, (y > 0) & (x < row), y.sum(0), y.sum(1)

    assert agree(program)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("length", LENGTHS)
def test_results_over_operands(dtype, length):
    """Computed twice, an element that had been written would be updated twice."""

    def program():
        x, m, g = (sample(length, dtype, seed) for seed in range(3))
        m.mul_(0.9).add_(g * 0.1).sub_(x * 0.25)
        x.sub_(m * 0.5).mul_(x).add_(g)
        return x, m

    assert agree(program)


@pytest.mark.parametrize("length", LENGTHS)
def test_elements_of_several_sizes(length):
    def program():
        x, half = sample(length, "float32"), sample(length, "float32", 1).to(pb.float16)
        chosen = pb.where(x > half.float(), x * half.float(), x - 1)
        return chosen, chosen.to(pb.float16), chosen.to(pb.bfloat16), chosen <= x

    assert agree(program)
