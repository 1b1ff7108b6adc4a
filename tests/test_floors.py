"""Who may use whom: the floors of the core and of the package, held to their tables.

A folder uses what lies below it, never what lies above. Of the core three things are read: the `#include`s of every
file; what the compiled files ask of each other, which also sees a function that somebody declares by hand; and the
headers, which declare nothing that a floor above defines. Of the package the `import`s are read. A table that allows
more than is used, and an exception that is not needed any more, fail as well.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE, PACKAGE = ROOT / "src/core", ROOT / "src/pullback"

# From the ground up: each folder of src/core, and what it may use.
FLOORS = {
    "array": "",
    "kernels": "array",
    "library": "array",
    "code": "array kernels",
    "program": "array code kernels",
    "tensor": "array program",
    "tape": "array program tensor",
    "compute": "array kernels library program",
    "ops": "array kernels program tensor tape compute",
    "python": "array code kernels library program tensor tape compute ops",
}
# A header may declare what a floor above defines if that is an interface: all that its floor asks of the other.
INTERFACES = {
    # Derivatives are made of operations, which are recorded on the tape: each needs the other.
    "tape/operations.h": "ops",
}
# These floors run without an interpreter. What they need of one, python/ installs at import.
NO_PYTHON = "array code kernels library program compute"

# From the ground up: each module or folder of src/pullback, and what it may use.
MODULES = {
    "_core": "",
    "device": "",
    "size": "",
    "written": "",
    "calculus": "written",
    "messages": "_core",  # what errors say
    "without": "",
    "attributes": "_core calculus written",
    "memory": "_core",
    "printing": "_core",
    "return_types": "_core",
    "operators": "_core calculus device messages printing size",
    "linear_algebra": "_core device operators",
    "fourier": "_core operators",
    "seldom": "_core device operators",
    "dtypes": "_core operators",
    "construct": "operators",
    "typed": "_core dtypes operators",
    "autograd": "_core device messages operators",
    "func": "_core autograd dtypes linear_algebra messages operators",
    "masked": "_core dtypes linear_algebra messages operators",
    "iterations": "_core autograd func linear_algebra operators",
    "sparse": "_core autograd dtypes func messages operators",
    "overrides": "_core messages operators",
    "runtime": "_core autograd operators",
    "profiler": "autograd messages",
    "backends": "_core messages without",
    "nn": "_core autograd backends calculus device dtypes func linear_algebra messages operators",
    "optim": "_core autograd dtypes messages nn operators",
    "utils": "_core autograd func messages nn operators",
    "serialization": "_core device dtypes messages nn operators size",
    "testing": "_core dtypes messages operators",
    "amp": "_core device messages operators without",
    "cuda": "_core amp messages without",
    "cpu": "messages without",
    "mps": "messages without",
    "xpu": "messages without",
    "accelerator": "messages without",
    "jit": "messages nn",
    "replay": "_core autograd device nn operators optim size",
    "compiler": "_core messages nn replay without",
    "onnx": "messages",
    "distributed": "messages without",
    "hub": "messages serialization without",
    "switches": "_core amp autograd device",
    "types": "_core device messages size",
    "linalg": "_core linear_algebra messages operators",
    "fft": "fourier messages operators",
    "random": "messages operators",
    "quasirandom": "dtypes messages operators",
    "special_functions": "_core autograd calculus operators",
    "special": "calculus messages operators special_functions",
    "signal": "_core device fourier messages nn operators special_functions",
    "pullback": "_core attributes autograd calculus device dtypes messages operators runtime size",
    "version": "pullback",
    "__config__": "_core pullback runtime",
    "distributions": "_core func linalg messages nn operators pullback size special",
    "independent": "pullback",
    "interop": "_core messages nn operators optim pullback",
    "__main__": "interop",
    "picture": "_core autograd pullback",
}
UPWARD = {
    ("messages", "dtypes"): "an error looks for names that are meant",
    ("autograd", "func"): "a Function inside of a vmap; autograd.functional and gradcheck are vmaps, too",
    ("messages", "pullback"): "an error looks for names in all that is public",
    ("operators", "dtypes"): "names of types, which are declared there with operators",
}
# Imports of our own inside functions: the importing file, what it imports, and why not at the head of the file.
LATE = {
    ("autograd/leaks.py", "autograd"): "needs NumPy, which costs more than all of the import",
    ("autograd/function.py", "func"): "what is rare is above",
    ("attributes.py", "calculus"): "pages are written when somebody reads them",
    ("autograd/gradcheck.py", "autograd"): "what checks is loaded with the first check",
    ("calculus/row.py", "calculus"): "pages are written when somebody reads them",
    ("interop/__init__.py", "interop"): "what only some programs need",
    ("__main__.py", "interop"): "each command loads its own",
    ("distributions/constraints.py", "linalg"): "loaded with the first matrix",
    ("distributions/exp_family.py", "func"): "loaded for what has no formula",
    ("distributions/kl.py", "distributions"): "the table of formulas is filled when it is first used",
    ("func/solvers.py", "linear_algebra"): "loaded with the first matrix",
    ("masked/tensor.py", "masked"): "a cycle: answers are of the class, and the class gives them",
    ("nn/similarity.py", "linear_algebra"): "loaded with the first distances",
    ("nn/utils/parametrizations.py", "linear_algebra"): "loaded with the first Cayley map",
    ("func/containers.py", "func"): "a dataclass has paths where somebody asks for them",
    ("nn/utils/stateless.py", "func"): "an older name, which is seldom called",
    ("serialization/names.py", "nn"): "parameters are rare, and modules cost more than a small file",
    ("serialization/__init__.py", "serialization"): "a format is loaded by its first file",
    ("serialization/checkpoint.py", "serialization"): "files that may run programs are rare",
    ("serialization/__init__.py", "messages"): "loaded by errors only",
    ("messages/missing.py", "messages"): "loaded by errors only",
    ("operators/creation.py", "messages"): "loaded by errors only",
    ("operators/conversions.py", "dtypes"): "a cycle",
    ("operators/methods.py", "printing"): "needs NumPy, which costs more than all of the import",
    ("messages/hints.py", "messages"): "a long list, for the names that are not there",
    ("messages/hints.py", "dtypes"): "an error may come while the package is being imported",
    ("messages/hints.py", "pullback"): "an error may come while the package is being imported",
}


# ---- what a table allows ------------------------------------------------------------------------------------


def faults(uses, table, exceptions=()):
    """What is wrong with ``{(user, used): places}``, as sentences."""
    order = list(table)
    allowed = {(floor, below) for floor in table for below in table[floor].split()}
    found = [f"the table lets {a} use {b}, above it" for a, b in allowed if order.index(b) >= order.index(a)]
    for (user, used), places in uses.items():
        if user not in table or used not in table:
            found.append(f"{user if user not in table else used} is not in the table ({places[0]})")
        elif (user, used) not in allowed and (user, used) not in exceptions:
            found.append(f"{user} uses {used}: {', '.join(sorted(set(places)))}")
    found += [f"{a} may use {b}, and does not" for a, b in [*allowed, *exceptions] if (a, b) not in uses]
    return sorted(found)


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


# ---- the core: includes --------------------------------------------------------------------------------------


def core_files(core):
    return [p for p in sorted(core.rglob("*")) if p.suffix in (".h", ".cpp", ".inc")]


def includes(core):
    uses = defaultdict(list)
    for path in core_files(core):
        user = path.relative_to(core).parts[0]
        for name in re.findall(r'^#include "(?:core/)?([^"]+)"', path.read_text(), re.M):
            used = name.split("/")[0]
            if used != user:
                uses[user, used].append(str(path.relative_to(core)))
    return uses


def test_includes():
    assert faults(includes(CORE), FLOORS) == []
    assert {p.name for p in CORE.iterdir() if p.is_dir()} == set(FLOORS)


def test_floors_without_python():
    for path in core_files(CORE):
        if path.relative_to(CORE).parts[0] in NO_PYTHON.split():
            assert not re.search(r"\bPy[A-Z_]\w*", without_comments(path.read_text())), path


# ---- the core: symbols ---------------------------------------------------------------------------------------


def plain(symbol):
    """The names in a mangled one: _ZN2pb3ops5zerosE... is pb, ops, zeros."""
    rest = re.sub(r"^_ZN?[KVr]*", "", symbol)
    names = []
    while length := re.match(r"\d+", rest):
        end = length.end() + int(length.group())
        names.append(rest[length.end() : end])
        rest = rest[end:]
    return names


@lru_cache
def objects():
    """What every compiled file defines and asks for: (floor, file, kind, symbol), of our own symbols."""
    build = ROOT / "build/dev" / sys.implementation.cache_tag
    if not shutil.which("nm") or not build.is_dir():
        pytest.skip("needs nm, and what `make develop` compiles")
    of_floor = {}
    for path in build.rglob("*.cpp.o"):
        source = re.search(r"/src/core/(\w+)/(?:CMakeFiles/[^/]+/)?(.*)\.o$", str(path))
        if source and (CORE / source[1] / source[2]).exists():  # not left from an earlier build
            of_floor[str(path)] = source[1]
    listed = subprocess.run(
        ["nm", "--print-file-name", *of_floor], capture_output=True, text=True, check=True
    )
    found = []
    for line in listed.stdout.splitlines():
        file, rest = line.rsplit(":", 1)
        kind, symbol = rest[16:].split()[:2]
        if kind in "UTDBRVWG" and plain(symbol)[:1] == ["pb"]:
            found.append((of_floor[file], Path(file).stem, kind, symbol))
    assert len(found) > 1000
    return found


def symbol_uses(found):
    """``{(user, used): [symbol of a floor above, ...]}``; what inlined code of headers asks for counts, too."""
    order, home, uses = list(FLOORS), {}, defaultdict(list)
    for floor, _, kind, symbol in found:
        if kind in "TDBRG":
            home[symbol] = floor
    for floor, _, kind, symbol in found:
        if kind == "U" and symbol in home and order.index(home[symbol]) > order.index(floor):
            uses[floor, home[symbol]].append(plain(symbol)[-1])
    return uses


def interface_names(path):
    """What a header of declarations declares."""
    return set(re.findall(r"^\S.*?\b(\w+)\(", without_comments(path.read_text()), re.M))


def asked_upward(found, interfaces):
    """What a floor asks of one above beyond its interfaces, and what interfaces declare that nobody asks for."""
    uses, wrong = symbol_uses(found), []
    for header, names in interfaces.items():
        pair = header.split("/")[0], INTERFACES[header]
        asked = set(uses.pop(pair, ()))
        wrong += [f"{pair[0]} asks {pair[1]} for {name}, not in {header}" for name in asked - names]
        wrong += [f"{header} declares {name}, which {pair[0]} does not ask for" for name in names - asked]
    wrong += [f"{a} asks {b} for {', '.join(sorted(set(names)))}" for (a, b), names in uses.items()]
    return sorted(wrong)


def test_nothing_is_asked_of_a_floor_above():
    assert asked_upward(objects(), {h: interface_names(CORE / h) for h in INTERFACES}) == []


def declared_too_low(found, core):
    """Symbols that a header declares below the floor that defines them."""
    order = list(FLOORS)
    words = defaultdict(set)  # by floor: names that its headers call or declare
    for path in core_files(core):
        floor = path.relative_to(core).parts[0]
        if path.suffix == ".h" and str(path.relative_to(core)) not in INTERFACES:
            text = without_comments(path.read_text())
            words[floor] |= set(re.findall(r"\b(\w+)\(", text))
            words[floor] |= set(re.findall(r"^extern .*\b(\w+)\)?(?: __attribute__.*|\(\))?;", text, re.M))
    wrong = set()
    for floor, _, kind, symbol in found:
        name = plain(symbol)[-1]
        below = [low for low in order[: order.index(floor)] if name in words[low]]
        if kind in "TDBRG" and below and name not in words[floor]:
            wrong.add(f"{name}, of {floor}, is declared in a header of {below[-1]}")
    return sorted(wrong)


def test_headers_declare_what_their_floor_defines():
    assert declared_too_low(objects(), CORE) == []


def test_each_floor_has_a_page():
    """README.md of a folder: what lives here, what it may use, where to start."""
    for floor, below in FLOORS.items():
        page = (CORE / floor / "README.md").read_text()
        assert page.startswith(f"# {floor}: "), floor
        assert re.findall(r"^Uses: (.*)\.$", page, re.M) == [", ".join(below.split()) or "nothing"], floor
        assert "\nStart at `" in page and len(page.splitlines()) <= 12, floor
        for name in re.findall(r"`([\w*]+\.\w+)`", page):
            assert list((CORE / floor).rglob(name)), f"{floor}/README.md cites {name}"


def test_the_core_has_a_page():
    """Which names every floor, from the ground up, and cites files that are there."""
    page = (CORE / "README.md").read_text()
    named = re.findall(r"`(\w+)` \(", page)
    assert sorted(named) == sorted(FLOORS)
    for at, floor in enumerate(named):
        assert set(FLOORS[floor].split()) <= set(named[:at]), f"{floor} uses what the page has above it"
    assert len(page.splitlines()) <= 12
    for name in re.findall(r"`(\w+/[\w/]+\.(?:h|cpp))`", page):
        assert (CORE / name).exists(), f"README.md cites {name}"


def test_each_room_has_a_page():
    """The same of the rooms of a floor, which cite their own files and operators.h."""
    for room in sorted(
        path for floor in FLOORS for path in (CORE / floor).iterdir() if path.is_dir() and any(path.iterdir())
    ):
        page = (room / "README.md").read_text()
        assert page.startswith(f"# {room.name}: "), room
        assert re.search(r"^Uses: .+\.$", page, re.M | re.S), room
        assert "\nStart at `" in page and len(page.splitlines()) <= 12, room
        for name in re.findall(r"`(\w+\.(?:h|cpp))`", page):
            assert (room / name).exists() or name == "operators.h", f"{room}/README.md cites {name}"


# ---- the package ---------------------------------------------------------------------------------------------


def imports(package):
    """``(file, module of ours, late)`` for each import; a module is the first name below the package."""
    found = []
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package).parts[:-1]
        tree = ast.parse(path.read_text())
        heads = {id(node) for node in tree.body}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names if alias.name.split(".")[0] == package.name]
            elif isinstance(node, ast.ImportFrom):
                base = list(inside[: len(inside) + 1 - node.level]) if node.level else []
                base = [package.name, *base] if node.level else []
                base += node.module.split(".") if node.module else []
                if base[0] != package.name:
                    continue
                targets = [".".join([*base, alias.name]) for alias in node.names]
            else:
                continue
            for target in targets:
                first = (target.split(".") + [""])[1]
                known = (package / first).is_dir() or (package / f"{first}.py").exists() or first == "_core"
                module = first if first and known else package.name
                found.append((str(path.relative_to(package)), module, id(node) not in heads))
    return found


def home(file):
    first = file.split("/")[0].removesuffix(".py")
    return "pullback" if first == "__init__" else first


def package_uses(found):
    uses = defaultdict(list)
    for file, module, _ in found:
        if home(file) != module:
            uses[home(file), module].append(file)
    return uses


def late(found):
    return {(file, module) for file, module, inside in found if inside}


def test_imports():
    assert faults(package_uses(imports(PACKAGE)), MODULES, UPWARD) == []
    named = {
        home(path.name)
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert named | {"_core"} == set(MODULES)


def test_late_imports():
    """A module of ours is imported inside a function where a cycle or the time of an import demands it."""
    assert late(imports(PACKAGE)) == set(LATE)


# ---- the tester, tested --------------------------------------------------------------------------------------


def written(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_h", ".h").replace("_cpp", ".cpp").replace(
            "_py", ".py"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_planted_include_is_found(tmp_path):
    core = written(
        tmp_path,
        ground__a_h="#pragma once\n",
        middle__b_cpp='#include "ground/a.h"\n#include <vector>\n#include "middle/own.h"\n',
        top__c_h='#include "core/middle/b.h"\n',
    )
    table = {"ground": "", "middle": "ground", "top": "middle"}
    assert faults(includes(core), table) == []
    written(core, ground__d_h='// below\n#include "top/c.h"\n')
    assert faults(includes(core), table) == ["ground uses top: ground/d.h"]
    assert faults(includes(core), table, {("ground", "top"): "a reason"}) == []
    written(core, new__e_h='#include "ground/a.h"\n')
    assert "new is not in the table (new/e.h)" in faults(includes(core), table)


def test_what_is_not_needed_any_more_is_found():
    uses = {("top", "ground"): ["top/c.h"]}
    table = {"ground": "", "top": "ground"}
    assert faults(uses, table) == []
    assert faults(uses, table, {("ground", "top"): "a reason"}) == ["ground may use top, and does not"]
    assert faults({}, table) == ["top may use ground, and does not"]
    assert "the table lets ground use top, above it" in faults(uses, {"ground": "top", "top": "ground"})


def test_a_planted_symbol_is_found():
    zeros, ones = "_ZN2pb3ops5zerosENS_5DTypeE", "_ZN2pb3ops4onesENS_5DTypeE"
    found = [
        ("ops", "create.cpp", "T", zeros),
        ("ops", "create.cpp", "T", ones),
        ("tape", "engine.cpp", "U", zeros),
    ]
    assert asked_upward(found, {"tape/operations.h": {"zeros"}}) == []
    assert asked_upward(found, {"tape/operations.h": {"zeros", "ones"}}) == [
        "tape/operations.h declares ones, which tape does not ask for"
    ]
    asked = [*found, ("tape", "saved.cpp", "U", ones)]
    assert asked_upward(asked, {"tape/operations.h": {"zeros"}}) == [
        "tape asks ops for ones, not in tape/operations.h"
    ]
    asked = [*found, ("array", "buffer.cpp", "U", ones)]
    assert asked_upward(asked, {"tape/operations.h": {"zeros"}}) == ["array asks ops for ones"]


def test_a_planted_declaration_is_found(tmp_path):
    found = [
        ("tape", "history.cpp", "T", "_ZNK2pb6Tensor8is_staleEv"),
        ("python", "module.cpp", "B", "_ZN2pb5sitesE"),
    ]
    core = written(tmp_path, tensor__tensor_h="class Tensor {\n    bool is_stale() const;\n};\n")
    assert declared_too_low(found, core) == ["is_stale, of tape, is declared in a header of tensor"]
    written(core, tensor__tensor_h="", program__site_h="extern Sites sites;\n")
    assert declared_too_low(found, core) == ["sites, of python, is declared in a header of program"]
    written(core, program__site_h="", python__site_h="extern Sites sites;\n")
    assert declared_too_low(found, core) == []


def test_a_planted_import_is_found(tmp_path):
    package = written(
        tmp_path / "pullback",
        low_py="import math\nfrom numpy import pi\n",
        high__part_py="from ..low import a\nfrom . import other\nimport pullback.low\n",
    )
    table = {"low": "", "high": "low", "pullback": ""}
    assert faults(package_uses(imports(package)), table) == []
    written(
        package,
        low_py="def f():\n    from .high.part import b\n    from . import name\n    import pullback as pb\n",
    )
    assert faults(package_uses(imports(package)), table) == [
        "low uses high: low.py",
        "low uses pullback: low.py",
    ]
    assert late(imports(package)) == {("low.py", "high"), ("low.py", "pullback")}
