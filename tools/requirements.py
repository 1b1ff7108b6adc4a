"""Print what pyproject.toml requires, by name: `build`, `run`, and the extras. It installs without the project itself."""

import pathlib
import re
import sys

# Python 3.10 has no tomllib; these tables are plain lists of strings.
TEXT = (pathlib.Path(__file__).parent.parent / "pyproject.toml").read_text()
TABLES = {
    "build": ("[build-system]", "requires"),
    "run": ("[project]", "dependencies"),
}


def requirements(name):
    table, key = TABLES.get(name, ("[project.optional-dependencies]", name))
    section = TEXT.split(f"\n{table}" if table != "[build-system]" else table)[1].split("\n[")[0]
    row = re.search(rf"^{key} = \[(.*?)\]", section, re.M | re.S).group(1)
    found = re.findall(r'"([^"]+)"', row)
    return found + ["cmake>=3.26", "ninja"] if name == "build" else found


for name in sys.argv[1:]:
    print(" ".join(f"'{requirement}'" for requirement in requirements(name)))
