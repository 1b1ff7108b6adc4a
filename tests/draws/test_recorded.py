"""Draws are PyTorch's: what it gave when `expected.json` was written (see `recorded.py`)."""

import json

import pytest
from draws import recorded
from kernels.harness import on_isa

import pullback as pb

RECORDS = json.loads(recorded.EXPECTED.read_text())
PORTIONS = 16


def test_the_file_has_every_draw():
    assert [tuple(line[:2]) for line in RECORDS] == list(recorded.draws().items())


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_draws(portion):
    for text, exact, *theirs in RECORDS[portion::PORTIONS]:
        ours = recorded.record(pb, text, exact)
        if not exact:  # the last bit may be another C library's
            digits = 6 if "float32" in text else 14
            assert ours.pop(3) == pytest.approx(theirs.pop(3), rel=10**-digits, abs=10**-digits), text
        assert ours == theirs, text


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_every_instruction_set(isa):
    """Products and sums of one rounding are that on processors that have no instruction for it, too."""
    assert on_isa(isa, "draws.recorded", "faults()") == []
