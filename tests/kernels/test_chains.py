"""A chain has the bits of its instructions, one by one: for every link, length, and single operand, on every processor."""

import re

import numpy as np
import pytest
from kernels.harness import CODES, SOURCE, bits, core, operands_of, run, samples

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

LINKS = re.findall(r"^    X\((\w+), ", (SOURCE.parent / "chains.h").read_text(), re.M)
LONE = ("neg", "twice", "square", "reciprocal", "sqrt")
FLOATS = ("float32", "float64")


def run_chain(dtype, links, operands, n, out=None):
    out = np.empty(n, dtype) if out is None else out
    core._kernel_chain(CODES[dtype], links, [*operands, out], n)
    return out


def one_by_one(dtype, links, operands, n):
    """What the links stand for, each by the kernel of its primitive."""
    x = operands[0][:n].copy()
    for name, k, single in links:
        y = np.repeat(operands[k], n) if single else operands[k][:n]
        primitive = name.removeprefix("reversed_")
        if name == "twice":
            x = run("add", dtype, [x, x])
        elif name in LONE:
            x = run(name, dtype, [x])
        else:
            x = run(primitive, dtype, [x, y] if name == primitive else [y, x])
    return x


def same(got, expected):
    """Equal bits, but any NaN is as good as another."""
    nan = np.isnan(expected)
    return (np.isnan(got) == nan).all() and bits(got[~nan]) == bits(expected[~nan])


def test_all_links_are_tested():
    assert {"add", "reversed_minimum", "sqrt"} <= set(LINKS) and len(LINKS) == 19


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", LINKS)
def test_a_link_is_its_instruction(name, dtype):
    x, y = operands_of("add", dtype)
    n = x.size
    assert same(run_chain(dtype, [(name, 1, 0)], [x, y], n), one_by_one(dtype, [(name, 1, 0)], [x, y], n))
    for value in y[:31]:
        links, operands = [(name, 1, 1)], [x, np.array([value])]
        assert same(run_chain(dtype, links, operands, n), one_by_one(dtype, links, operands, n)), value


@pytest.mark.parametrize("dtype", FLOATS)
def test_random_chains(dtype):
    """Also into one of the operands, from and to memory of any alignment, and of every length of the rest."""
    rng = np.random.default_rng(3)
    for n in [*range(1, 40), 127, 128, 129, 300, 1024]:
        blocks = [samples(dtype, seed)[n % 5 : n % 5 + n].copy() for seed in rng.integers(0, 99, 4)]
        operands = [*blocks, np.array([0.75], dtype), np.array([-0.0], dtype)]
        links = [
            (str(rng.choice(LINKS)), k := int(rng.integers(0, 6)), int(k > 3))
            for _ in range(rng.integers(1, 13))
        ]
        expected = one_by_one(dtype, links, operands, n)
        assert same(run_chain(dtype, links, operands, n), expected), (n, links)
        k = int(rng.integers(0, 4))
        assert same(run_chain(dtype, links, operands, n, out=operands[k]), expected), (n, links, k)
