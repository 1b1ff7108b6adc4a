"""The Python sessions shown in README.md and docs/ run and print what the pages say."""

import doctest
import pathlib
import re

import numpy as np
import pytest

import pullback as pb

ROOT = pathlib.Path(__file__).parent.parent
FENCE = re.compile(r"^```(?:python|pycon)\n(.*?)^```", re.M | re.S)


def sessions():
    """Pages with fenced blocks that hold a `>>>` session; the blocks of one page share their names."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        blocks = [block for block in FENCE.findall(page.read_text()) if ">>>" in block]
        if blocks:
            yield page.relative_to(ROOT).as_posix(), "\n".join(blocks)


SESSIONS = list(sessions())


def test_pages_are_found():
    assert {name for name, _ in SESSIONS} >= {"README.md", "docs/conventions.md"}


@pytest.mark.parametrize("page, text", SESSIONS, ids=[name for name, _ in SESSIONS])
def test_page(page, text):
    pb.manual_seed(0)
    test = doctest.DocTestParser().get_doctest(text, {"pb": pb, "np": np}, page, page, 0)
    runner, said = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False), []
    failed, tried = runner.run(test, out=said.append)
    assert tried and not failed, "".join(said)
