"""Writes docs/names.md, the table of PyTorch's names: which are here, and the tests that show them; which are not, and why.

    python tools/names.py            write the page
    python tools/names.py --check    fail if it is not what would be written
    python tools/names.py --find     print lines for the public names of the installed PyTorch that stand nowhere yet,
                                     with a test that mentions them where there is one

The table itself is tests/surface/*.txt, a file a subject. A section is a module or a class of PyTorch: all of its
public names, or, where `part` follows, those that are listed. A line is a name and the test that shows it, a file below
tests/ and a function in it; or a name, a stroke and the reason why it is absent. tests/surface/test_names.py compares all
of that with the installed PyTorch.
"""

import argparse
import ast
import importlib
import inspect
import pathlib
import re
import sys
from collections import namedtuple

ROOT = pathlib.Path(__file__).parent.parent
TABLES, PAGE = ROOT / "tests/surface", ROOT / "docs/names.md"

# What a section may be beside a module or a class: an object of some program.
OBJECTS = {
    "grad_fn": lambda library: (library.ones(2, requires_grad=True) ** 2).grad_fn,
    "AccumulateGrad": lambda library: (library.ones(2, requires_grad=True) * 2).grad_fn.next_functions[0][0],
}
Section = namedtuple("Section", "subject part entries")
Entry = namedtuple("Entry", "test reason")  # one of them None

# Every call of these tables is one sample of the conformance run at least.
SAMPLES = "conformance/test_conformance.py::test_samples"
SAMPLED = ("*/table.py", "*/calls.py", "*/test_*_against_torch.py", "complex/test_against_torch.py")

CONTEXT = "autograd.function.BackwardCFunction"

HEAD = """# Names

PyTorch's public names, of `torch`, `Tensor` and the modules that programs use: each is here, under the same name
and with the same parameters, and the test that shows it stands beside it; or it is absent, for a reason. `tools/names.py`
writes this page from the tables in `tests/surface`, and a test compares them with the PyTorch that is installed.
"""


def tables():
    """{section: Section} of all files, in their order."""
    found = {}
    for path in sorted(TABLES.glob("*.txt")):
        for line in path.read_text().splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            if head := re.fullmatch(r"\[([\w.]+)\](?: (part))?", line):
                if head[1] in found:
                    raise ValueError(f"{path.name}: {head[1]} has a section already")
                entries = {}
                found[head[1]] = Section(path.stem, bool(head[2]), entries)
                continue
            name, _, rest = line.partition(" ")
            if name in entries or not rest.strip():
                raise ValueError(
                    f"{path.name}: {line!r} stands there twice, or says neither a test nor a reason"
                )
            rest = rest.strip()
            entries[name] = Entry(None, rest[1:].strip()) if rest[0] == "-" else Entry(rest, None)
    return found


def find(package, name):
    """The module, class or value of this dotted name; "torch" is the package itself."""
    value = importlib.import_module(package)
    name = re.sub(r"^torch(\.|$)", "", name)
    if name in OBJECTS:
        return OBJECTS[name](value)
    for part in filter(None, name.split(".")):
        where = value.__name__ if inspect.ismodule(value) else None
        try:
            value = importlib.import_module(f"{where}.{part}") if where else getattr(value, part)
        except ModuleNotFoundError as error:
            if error.name != f"{where}.{part}":
                raise
            value = getattr(value, part)
    return value


def public(name):
    """What PyTorch's module or class of this name offers."""
    home = find("torch", name)
    if inspect.isclass(home):
        plain = {each for base in home.__mro__ if base.__module__ == "builtins" for each in dir(base)}
        names = {each for each in dir(home) if each[0] != "_"} - plain
        # What a user's class has as a context is the context's section.
        return names - set(dir(find("torch", CONTEXT))) if name == "autograd.Function" else names
    listed = set(getattr(home, "__all__", ()))
    for each, value in vars(home).items() if hasattr(home, "__path__") or not listed else ():
        if (
            each[0] != "_"
            and callable(value)
            and (getattr(value, "__module__", None) or "").startswith(home.__name__)
        ):
            listed.add(each)
    return listed


def page():
    lines = [HEAD]
    all_tables = tables()
    here = sum(1 for section in all_tables.values() for entry in section.entries.values() if entry.test)
    total = sum(len(section.entries) for section in all_tables.values())
    lines.append(f"{here} of {total} names are here.\n")
    for name, section in all_tables.items():
        lines.append(f"## {name}{', in part' if section.part else ''}\n")
        lines += ["| name | shown by | absent, since |", "| --- | --- | --- |"]
        for each, (test, reason) in section.entries.items():
            lines.append(f"| `{each}` | {f'`{test}`' if test else ''} | {reason or ''} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


# ---- finding tests that mention a name -----------------------------------------------------------------------


def tests():
    """{"folder/file.py::function": its text} of all tests, and of the programs that tests run."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if not path.name.startswith(("test_", "programs")):
            continue
        text = path.read_text()
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and (node.name.startswith("test") or path.name[0] == "p"):
                lines = text.splitlines()[(node.decorator_list or [node])[0].lineno - 1 : node.end_lineno]
                found.setdefault(
                    f"{path.relative_to(ROOT / 'tests').as_posix()}::{node.name}", "\n".join(lines)
                )
    sampled = sorted(path for pattern in SAMPLED for path in (ROOT / "tests").glob(pattern))
    found[SAMPLES] = "\n".join([path.read_text() for path in sampled] + in_place_forms())
    return found


def around(path):
    """The text of a file of tests, and of the tables that it takes from other files below tests/."""
    path = ROOT / "tests" / path
    text = path.read_text() if path.exists() else ""
    for folder, file in re.findall(r"^from (\w+)\.(\w+) import", text, re.M):
        table = ROOT / "tests" / folder / f"{file}.py"
        text += table.read_text() if table.exists() else ""
    return text


def in_place_forms():
    """The methods that the conformance run makes of the names in its lists of elementwise functions."""
    lists = ("EVERYWHERE", "PROBABILITIES", "ABOVE", "TWO", "WHOLE")
    body = ast.parse((ROOT / "tests/conformance/table.py").read_text()).body
    texts = [
        node.value.value for node in body if isinstance(node, ast.Assign) and node.targets[0].id in lists
    ]
    return [f"{name}_" for text in texts for name in text.split()]


def mentions(text, name):
    return re.search(rf"(?<![\w]){re.escape(name)}(?!\w)", text) is not None


def suggestion(name, all_tests, near):
    """The test that says most about a name: near its subject, with the name in its own, short."""
    fitting = [(test, text) for test, text in all_tests.items() if mentions(text, name)]

    def rank(item):
        test, text = item
        return (near not in test.split("::")[0], name.lower() not in test.split("::")[1].lower(), len(text))

    return min(fitting, key=rank)[0] if fitting else "?"


def missing():
    all_tests = tests()
    for name, section in tables().items():
        if section.part:
            absent = [each for each, entry in section.entries.items() if entry.test == "?"]
        else:
            absent = sorted(public(name) - set(section.entries))
        if absent:
            print(f"[{name}]")
        for each in absent:
            print(f"{each:34} {suggestion(each, all_tests, name.split('.')[-1].strip('_'))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--find", action="store_true")
    options = parser.parse_args()
    if options.find:
        return missing()
    if options.check:
        if PAGE.read_text() != page():
            sys.exit("docs/names.md is not what tools/names.py writes")
        return None
    PAGE.write_text(page())
    return None


if __name__ == "__main__":
    main()
