"""The table of PyTorch's names, `*.txt` here and docs/names.md, says the truth: of pullback, of the tests, of PyTorch."""

import inspect
import pathlib
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import names  # noqa: E402

TABLES = names.tables()
ENTRIES = [
    (section, name, entry) for section, found in TABLES.items() for name, entry in found.entries.items()
]
PRESENT = [(section, name) for section, name, entry in ENTRIES if entry.test]
TESTS = names.tests()
ABSENT = object()


# What users are given, and never make.
NOT_CALLED = {
    ("autograd.profiler", "FunctionEvent"),
    ("jit", "Future"),
    ("nn.parallel", "DistributedDataParallel"),
    ("torch", "layout"),
    ("torch", "memory_format"),
}
# One object for several names, or with more ways to be called.
CALLED_OTHERWISE = {
    ("nn.functional", "softmax"),  # dtype by name, as `torch.softmax` has it
    ("nn.functional", "log_softmax"),
    ("torch", "Size"),
    ("torch", "compile"),
}


def ids(section, name):
    return f"{section}.{name}"


def value(package, section, name):
    home = names.find(package, section)
    if inspect.ismodule(home):
        return names.find(package, f"{section}.{name}".strip("."))
    return getattr(home, name, ABSENT)


def test_there_is_a_table():
    assert len(PRESENT) > 150 and {"autograd", "func", "utils.checkpoint"} <= set(TABLES)


def test_the_page_is_what_the_table_says():
    assert names.PAGE.read_text() == names.page(), "tools/names.py"


@pytest.mark.parametrize("section, name", PRESENT, ids=[ids(*each) for each in PRESENT])
def test_what_is_present_is_there(section, name):
    assert value("pullback", section, name) is not ABSENT


def test_what_is_absent_is_not_there_and_has_a_reason():
    wrong = []
    for section, name, entry in ENTRIES:
        if entry.reason is None:
            continue
        try:
            there = value("pullback", section, name) is not ABSENT
        except (AttributeError, ImportError):
            there = False
        if there or len(entry.reason) < 5:
            wrong.append((section, name))
    assert wrong == []


def test_every_test_is_there_and_mentions_the_name():
    wrong, texts = [], {}
    for section, name, entry in ENTRIES:
        if entry.test is None:
            continue
        file = entry.test.split("::")[0]
        text = texts.setdefault(file, names.around(file))
        # Programs are written for either library, and what they share may stand at the head of the file, or in a table.
        if entry.test not in TESTS or not (
            names.mentions(TESTS[entry.test], name) or names.mentions(text, name)
        ):
            wrong.append((section, name, entry.test))
    assert wrong == []


# ---- beside PyTorch ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.mark.torch
@pytest.mark.parametrize("section", TABLES)
def test_all_public_names_of_pytorch_stand_in_the_table(torch, section):
    listed = set(TABLES[section].entries)
    if not TABLES[section].part:
        assert names.public(section) - listed == set(), "tools/names.py --find suggests lines for them"
    absent = []
    for name in listed:
        try:
            if value("torch", section, name) is ABSENT:
                absent.append(name)
        except (AttributeError, ImportError):
            absent.append(name)
    assert absent == [], "PyTorch has no such names"


def parameters(thing):
    try:
        found = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return None
    return [p for p in found if p.name not in ("self", "cls", "ctx") and p.name[0] != "_"]


def takes_anything(found):
    return any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found)


@pytest.mark.torch
@pytest.mark.parametrize("section, name", PRESENT, ids=[ids(*each) for each in PRESENT])
def test_parameters_are_pytorchs(torch, section, name):
    ours, theirs = value("pullback", section, name), value("torch", section, name)
    if (
        not callable(theirs)
        or inspect.isdatadescriptor(theirs)
        or (section, name) in NOT_CALLED | CALLED_OTHERWISE
    ):
        return
    mine, others = parameters(ours), parameters(theirs)
    if inspect.isclass(names.find("torch", section)) and isinstance(
        inspect.getattr_static(names.find("torch", section), name), types.FunctionType
    ):  # whatever the instance is called
        mine = mine and [p for p in inspect.signature(ours).parameters.values() if p.name[0] != "_"][1:]
        others = [p for p in inspect.signature(theirs).parameters.values() if p.name[0] != "_"][1:]
    if mine is None or others is None or takes_anything(others):
        return
    shared = {p.name for p in others}
    assert [p.name for p in mine if p.name in shared] == [p.name for p in others]
    for a, b in zip([p for p in mine if p.name in shared], others):
        assert a.kind is b.kind or (a.kind, b.kind) == (a.POSITIONAL_OR_KEYWORD, b.POSITIONAL_ONLY), (a, b)
        assert (a.default is a.empty) == (b.default is b.empty), (a, b)
    more = [p for p in mine if p.name not in shared and not takes_anything([p])]
    assert all(p.default is not p.empty for p in more), f"PyTorch's calls lack {more}"
