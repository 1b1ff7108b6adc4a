"""The pages: their Python sessions run and print what they say, and the files that they and comments cite are there."""

import doctest
import pathlib
import re

import numpy as np
import pytest
from deferral import deferral

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
    with deferral(least=32_768):  # what users see, whatever the environment says
        failed, tried = runner.run(test, out=said.append)
    assert tried and not failed, "".join(said)


CITED = re.compile(r"\w[\w./]*\.(?:cpp|h|inc|py|md)\b")


def citations():
    """``(where, file)`` for each file that a page, a comment of the core or a line of the package names."""
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "src/core").rglob("*.md")]
    texts += [*(ROOT / "src/core").rglob("*.cpp"), *(ROOT / "src/core").rglob("*.h")]
    texts += [*(ROOT / "src/pullback").rglob("*.py")]
    for path in texts:
        text = path.read_text()
        if path.suffix in (".cpp", ".h"):
            text = "\n".join(re.findall(r"//.*", text))
        for name in CITED.findall(text):
            yield path.relative_to(ROOT).as_posix(), name


def test_cited_files_are_there():
    folders = ("src", "tests", "docs", "tools", "benchmarks", "examples", "clients")
    files = {"/" + p.relative_to(ROOT).as_posix() for folder in folders for p in (ROOT / folder).rglob("*.*")}
    files |= {"/" + p.name for p in ROOT.glob("*.md")}
    examples = {"model.py", "train.py", "script.py", "Python.h"}  # a user's files, and Python's
    cited = [(where, name) for where, name in citations() if name not in examples]
    assert len(cited) > 50
    assert [
        each for each in cited if not any(file.endswith("/" + each[1].lstrip("./")) for file in files)
    ] == []
