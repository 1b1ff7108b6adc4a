"""Same bits everywhere: a result depends on its operands only, not on where, how many or on which processor.

The list of primitives is read from the source: a new row is tested here without a line.
"""

import hashlib

import numpy as np
import pytest
from kernels.harness import CASES, ROWS, bits, on_isa, operands_of, run

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.mark.parametrize("name, dtype", CASES)
def test_a_result_depends_on_its_operands_only(name, dtype):
    operands = operands_of(name, dtype)
    whole = run(name, dtype, operands)
    rng = np.random.default_rng(1)
    for n in range(1, 71):
        start = int(rng.integers(0, 1200))
        part = [x[start : start + n].copy() for x in operands]
        assert bits(run(name, dtype, part)) == bits(whole[start : start + n]), n
        if ROWS[name][1] == "Same":
            for k in range(name == "where", len(part)):
                inout = part[k].copy()
                run(name, dtype, [*part[:k], inout, *part[k + 1 :]], out=inout)
                assert bits(inout) == bits(whole[start : start + n]), "in place"


@pytest.mark.parametrize("name, dtype", [case for case in CASES if ROWS[case[0]][0] == 2])
def test_a_single_operand_gives_the_same_bits(name, dtype):
    x, y = operands_of(name, dtype)
    for n in (1, 5, 16, 37, 200):
        for k in range(0, 31, 3):
            one, block = x[k : k + 1], y[:n]
            assert bits(run(name, dtype, [one, block], 1, n)) == bits(
                run(name, dtype, [np.repeat(one, n), block])
            )
            one, block = y[k : k + 1], x[:n]
            assert bits(run(name, dtype, [block, one], 2, n)) == bits(
                run(name, dtype, [block, np.repeat(one, n)])
            )


def digests():
    """What every exact primitive computes."""
    exact = [case for case in CASES if ROWS[case[0]][2] == "Exact"]
    results = {" ".join(case): bits(run(*case, operands_of(*case))) for case in exact}
    return {case: hashlib.sha256(r).hexdigest() for case, r in results.items()}


@pytest.mark.parametrize("isa", ["baseline", "avx2"])
def test_exact_primitives_have_the_same_bits_on_every_instruction_set(isa):
    ours, theirs = digests(), on_isa(isa, "kernels.test_kernels", "digests()")
    assert [key for key in ours if ours[key] != theirs[key]] == []
