"""Random programs with machine code and without: all that can be seen is the same, bit for bit."""

import pytest
from fuzz.machines.check import run
from fuzz.machines.generate import generate
from machine_code.executor import POSSIBLE, agree, emitted, machine_code
from machine_code.generate import program

COUNT, PARTS = 60, 3
SEED = 50_000_000  # no others' machines
pytestmark = pytest.mark.skipif(not POSSIBLE, reason="this processor has no machine code")


def seen(program, use):
    with machine_code(use):
        result = run(program, immediate=False)
    return result.error, result.seen


@pytest.mark.parametrize("part", range(PARTS))
def test_random_machines(part):
    made = []
    for k in range(part * COUNT // PARTS, (part + 1) * COUNT // PARTS):
        program = generate(SEED + k)
        with_code = []
        made.append(emitted(lambda program=program, out=with_code: out.append(seen(program, "always"))))
        error, values = with_code[0]
        expected_error, expected = seen(program, "never")
        assert error == expected_error, f"machine {SEED + k}"
        assert len(values) == len(expected)
        for a, b in zip(values, expected):
            assert a.same(b), f"machine {SEED + k}: {a.name}"
    assert sum(made) > COUNT / PARTS


CHAINS, CHAINS_SEED = 240, 7_000_000


@pytest.mark.parametrize("part", range(PARTS))
def test_random_chains_of_all_dtypes(part):
    made = 0
    for seed in range(CHAINS_SEED + part, CHAINS_SEED + CHAINS, PARTS):
        try:
            made += agree(program(seed))
        except AssertionError as difference:
            raise AssertionError(f"chain {seed}") from difference
    assert made > CHAINS / PARTS / 2
