"""The benchmarks still run, and the clock they trust is right."""

import itertools
import time

import numpy as np
import pytest

import pullback as pb
from benchmarks import (
    core,
    deferral,
    elements,
    harness,
    linear_algebra,
    operators,
    programs,
    replay,
    replay_peers,
    sparse,
    transforms,
    whole,
)


class MadeUpTime:
    """A clock that only the turns of a loop and `work` advance, by whole numbers."""

    TURN, WORK = 7, 100

    def __init__(self):
        self.now = 12_345

    def __call__(self):
        return self.now

    def repeat(self, value, times):
        for _ in range(times):
            self.now += self.TURN
            yield value

    def work(self):
        self.now += self.WORK

    def statement(self, code, per=1):
        return harness.Statement(code, {"work": self.work}, per, clock=self, repeat=self.repeat)


@pytest.mark.parametrize("n", [1, 3, 1000])
def test_a_statement_costs_what_it_costs(n):
    # To the last digit: the loop around it is taken off.
    clock = MadeUpTime()
    assert clock.statement("pass").seconds(n) == 0
    assert clock.statement("work()").seconds(n) == clock.WORK
    assert clock.statement("work(); work()").seconds(n) == 2 * clock.WORK
    assert clock.statement("work()", per=4).seconds(n) == clock.WORK / 4


def test_repetitions_fill_the_time():
    clock = MadeUpTime()
    turn = clock.WORK + 2 * clock.TURN  # and the empty loop beside it
    assert clock.statement("work()", per=2).repetitions(1000 * turn) == 1000
    assert clock.statement("work()", per=2).repetitions(turn / 10) == 1


def test_the_clock_is_the_machines():
    statement = harness.Statement("pass")
    assert statement.clock is time.perf_counter and statement.repeat is itertools.repeat


def test_every_row_is_measured():
    table = core.per_operation(["pullback"], rounds=1, duration=1e-4)
    assert len(table.split("\n")) == len(core.ROWS) + 2
    assert all(line.split("|")[2].strip() for line in table.split("\n")[2:])


def test_every_row_of_linear_algebra_is_measured():
    table = linear_algebra.table(["pullback"], rounds=1, duration=1e-5)
    assert len(table.split("\n")) == len(linear_algebra.ROWS) + 2


def test_every_row_of_transforms_is_measured():
    table = transforms.table(["pullback"], rounds=1, duration=1e-5)
    assert len(table.split("\n")) == len(transforms.ROWS) + 2
    assert all(line.split("|")[2].strip() for line in table.split("\n")[2:])


@pytest.mark.parametrize("page", [elements, operators], ids=["elements", "operators"])
def test_every_row_of_elements_and_operators_is_measured(page):
    table = page.table(["pullback"], rounds=1, duration=1e-5)
    assert len(table.split("\n")) == len(page.ROWS) + 2
    assert all(line.split(" | ")[1].strip() for line in table.split("\n")[2:])


def test_every_row_of_whole_programs_is_measured():
    before = pb.get_num_threads()
    table = programs.table(["pullback"], rounds=1, duration=1e-5)
    assert len(table.split("\n")) == len(programs.ROWS) + 2
    assert all(line.split("|")[2].strip() for line in table.split("\n")[2:])
    assert pb.get_num_threads() == before


def test_every_row_of_sparse_is_measured():
    pytest.importorskip("scipy")
    table = sparse.table(["pullback"], quick=True, rounds=1)
    assert len(table.split("\n")) == 4 + 2
    assert all(cell.strip() for line in table.split("\n")[2:] for cell in line.split("|")[1:7])


def test_every_program_of_deferral_is_measured(capsys):
    deferral.main(["--quick"])
    rows = capsys.readouterr().out.split("\n| ")[3:]
    assert [row.split(" | ")[0] for row in rows] == list(deferral.PROGRAMS)
    assert all(float(row.split(" | ")[-1].strip("*| \n")) > 0 for row in rows)


def test_every_program_of_replay_is_measured(capsys):
    replay.main(["--quick"])
    rows = capsys.readouterr().out.split("\n| ")[2:]
    assert [row.split(" | ")[0] for row in rows] == list(replay.PROGRAMS)
    assert all(float(row.split(" | ")[2].replace(",", "")) > 0 for row in rows)


def test_replayed_programs_agree_with_their_peers(capsys):
    replay_peers.main(["--quick"])
    table, first = (text.split("\n") for text in capsys.readouterr().out.strip().split("\n\n")[1:])
    titles = list(replay_peers.programs(quick=True))
    assert [row.split(" | ")[0].strip("| ") for row in table[2:]] == titles
    assert [row.split(" | ")[0].strip("| ") for row in first[2:]] == titles
    assert all(float(row.split(" | ")[2].replace(",", "")) > 0 for row in table[2:])


def test_other_gradients_of_a_peer_are_seen():
    with pytest.raises(AssertionError):
        replay_peers.compare({"one": [np.ones(2)], "other": [np.ones(2) * 1.0001]})


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
