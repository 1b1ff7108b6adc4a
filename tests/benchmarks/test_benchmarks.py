"""The benchmarks still run, and the clock they trust is right."""

import time

import pytest

import pullback as pb
from benchmarks import core, harness, whole


def test_a_statement_costs_what_it_costs():
    # A loop of known length, timed alone; the empty loop around it must have been taken off.
    statement = harness.Statement("sleep(0.002)", {"sleep": time.sleep})
    assert 0.002 <= statement.seconds(3) < 0.02


def test_the_empty_statement_costs_nothing():
    assert abs(harness.Statement("pass").seconds(100_000)) < 20e-9


def test_every_row_is_measured():
    table = core.per_operation(["pullback"], rounds=1, duration=1e-4)
    assert len(table.split("\n")) == len(core.ROWS) + 2
    assert all(line.split("|")[2].strip() for line in table.split("\n")[2:])


@pytest.mark.torch
def test_the_control_is_there():
    assert "Control:" in core.per_operation(["pullback", "torch"], rounds=1, duration=1e-4)


@pytest.mark.slow
def test_processes_of_their_own():
    backward, freeing = whole.deep("pullback", 10_000)
    assert backward > 0 and freeing > 0
    assert 50 < whole.memory("pullback", 10_000) < 5000
    assert pb.__name__ in whole.imports(["pullback"], rounds=1)


def test_a_block_of_a_page_is_replaced(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- core -->\nold\n<!-- /core -->\nafter\n")
    harness.write_block(page, "core", "new")
    assert page.read_text() == "before\n<!-- core -->\nnew\n<!-- /core -->\nafter\n"
    with pytest.raises(ValueError, match="must hold one"):
        harness.write_block(page, "arrays", "new")
