"""Classes of the core: in one namespace a name is one class.

Two of a name are no error of the compiler's or the linker's: of the functions that templates make for them one is kept, and works
on both (C++20, [basic.def.odr]).
"""

import re
from collections import defaultdict
from pathlib import Path

CORE = Path(__file__).parents[1] / "src/core"
_OPENS = re.compile(r"\s*(?:inline )?namespace ?([\w:]*) ?\{(?!.*\})")
_CLASS = re.compile(r"(?:template <.*> )?(?:struct|class|union|enum class|enum) (\w+(?:::\w+)*)[^;<]*\{")


def classes(text):
    """The classes that are defined right in a namespace of a source, by their full names; not those of unnamed namespaces."""
    open_ones, depth = [], 0
    for line in text.split("\n"):
        if opened := _OPENS.match(line):
            open_ones.append((opened[1], depth))
        elif (found := _CLASS.match(line)) and all(name for name, _ in open_ones):
            yield "::".join([*(name for name, _ in open_ones), found[1]])
        depth += line.count("{") - line.count("}")
        while open_ones and depth <= open_ones[-1][1]:
            open_ones.pop()


def defined_twice(sources):
    """Names with the sources that define them, where several do."""
    where = defaultdict(list)
    for source, text in sources.items():
        for name in set(classes(text)):  # within a source the compiler sees it
            where[name].append(source)
    return {name: found for name, found in where.items() if len(found) > 1}


def test_a_name_is_one_class():
    sources = {
        str(path.relative_to(CORE)): path.read_text()
        for path in CORE.rglob("*")
        if path.suffix in (".h", ".cpp")
    }
    found = [name for text in sources.values() for name in classes(text)]
    assert len(found) > 200 and {"pb::Spot", "pb::Place"} <= set(found)
    assert defined_twice(sources) == {}


def test_a_planted_one_is_found():
    one = "namespace pb {\n\nstruct Spot {\n    int a;\n};\n\n}  // namespace pb\n"
    two = "namespace pb {\n\nnamespace code {\nclass Spot final : Base {\n};\n}\n\nstruct Spot {};\nstruct Other;\n}\n"
    hidden = "namespace pb {\nnamespace {\nstruct Spot {};\n}\n}\n"
    assert defined_twice({"a.h": one, "b.cpp": two, "c.cpp": hidden}) == {"pb::Spot": ["a.h", "b.cpp"]}
