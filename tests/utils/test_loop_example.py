"""The example of loops with a budget, and the picture of its schedule."""

import pytest
from deferral import deferral
from demos import loaded
from utils.fewest import fewest

# ---- the example, and the page's picture ---------------------------------------------------------------------


@pytest.fixture
def example():
    pytest.importorskip("scipy")
    return loaded("long_loop")


def test_the_picture_shows_the_schedule(example, tmp_path):
    drawn = example.draw_schedule(tmp_path / "schedule.svg").read_text()
    assert drawn == (example.HERE.parent / "docs/schedule.svg").read_text()
    for n, s in ((1, 1), (2, 1), (9, 2), (24, 4), (50, 60)):
        forward, back, kept = example.history(n, s)
        assert sum(to - at for _, at, to in forward) == fewest(n, s)
        assert [step for _, step in back] == list(reversed(range(n)))
        alive = [sum(start <= when < stop for _, start, stop in kept) for when in range(back[-1][0] + 1)]
        assert max(alive) <= s


def test_the_example_counts_what_is_said(example, capsys):
    example.STEPS = 50
    with deferral(
        least=32_768
    ):  # as a user runs it, whatever the environment says: what is pending holds memory
        example.compare(example.digit())
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [row[1] for row in rows] == [row[2] for row in rows]
    assert int(rows[0][3].replace(",", "")) > 4 * int(rows[3][3].replace(",", ""))
