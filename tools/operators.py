"""Writes docs/operators.md: every operator, what it takes and in which modes, as the library itself answers; what is absent.

    PYTHONPATH=src python tools/operators.py            write the page
    PYTHONPATH=src python tools/operators.py --check    fail if it is not what would be written

Operators are asked with the calls of the conformance run (tests/conformance/table.py), whose operands are made of one dtype
after the other: a dtype is listed where a call gives a result. Modes are asked with the operands as they are. The tests, and
the reasons why a name is absent, stand in tests/surface.
"""

import argparse
import inspect
import pathlib
import re
import sys
import warnings

ROOT = pathlib.Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests")]

import names  # noqa: E402
from conformance import derivatives, sample, table  # noqa: E402

import pullback as pb  # noqa: E402
from pullback import _core  # noqa: E402

PAGE = ROOT / "docs/operators.md"
GROUPS = (
    ("bool", ("bool",)),
    ("integers", ("uint8", "int8", "int16", "int32", "int64")),
    ("halves", ("float16", "bfloat16")),
    ("floats", ("float32", "float64")),
    ("complex", ("complex64", "complex128")),
)
ASKED = 16  # calls of an operator

HEAD = """# Operators

Every function and method of `torch`, `Tensor`, `torch.linalg`, `torch.fft`, `torch.special` and `torch.nn.functional` that
computes with tensors and is here, under its name: where it is found, the dtypes that it takes, its modes and the test that
shows it. `tools/operators.py` writes this page by asking the library: dtypes are those with which a call gave a result, and
a mode is listed where a call had it in double precision. Below stands what is absent, and why.

Dtypes: *integers* are `uint8 int8 int16 int32 int64`, *halves* `float16 bfloat16`, *floats* `float32 float64`, *complex*
`complex64 complex128`; of a group that is taken in part the dtypes are named. What takes `uint16 uint32 uint64` and
`complex32` is said in [limits](limits.md). Modes: R reverse, F forward, V `vmap`, J `jet` (none of R, F and J where the
result is not a number that has a derivative); `out=`; `_`: there is a form in place, or it is one. All are held to PyTorch
by `make conformance`.

"""


def steps(call):
    """How many functions a call calls."""
    return len(re.findall(r"\.\w+", re.sub(r"\bm\.(nn\.functional|linalg|special|fft)\b", "m", call)))


def calls():
    """({name: [the calls that name it], those that call little else first}, how many functions each calls)."""
    found = {}
    for number, (call, _) in enumerate(table.starts()):
        for name in dict.fromkeys(re.findall(r"(?<!\bnp)\.(\w+)", call)):
            found.setdefault(name, []).append(number)
    counted = [steps(call) for call, _ in table.starts()]
    return {name: sorted(numbers, key=counted.__getitem__) for name, numbers in found.items()}, counted


def operands_of(number, dtype):
    """The operands of a call, those that are numbers made of this dtype, where one is given; None if none are."""
    call, environment = table.starts()[number]
    arrays = table.arrays(environment, 0)
    used = sample.names_in(call, arrays)
    chosen = [n for n in used if arrays[n].dtype.kind in "fc"] or [
        n for n in used if arrays[n].dtype.kind == "i"
    ]
    if not chosen:
        chosen = [n for n in used if arrays[n].dtype.kind == "b"]
    if dtype is None:
        chosen = []
    elif not chosen:
        return None
    texts, kinds = {}, {}
    for name in used:
        kinds[name] = dtype if name in chosen else str(arrays[name].dtype)
        texts[name] = sample.laid_out(sample.converted(arrays[name], kinds[name]), kinds[name], "plain")
    return sample.Sample(number, 0, call, texts, kinds, ())


def works(drawn):
    given = derivatives.operands(pb, drawn)
    return derivatives.outcome(lambda: derivatives.evaluate(pb, drawn, given))[1] is None


def dtypes(numbers):
    taken = set()
    for _, members in GROUPS:
        for dtype in members:
            for number in numbers[:ASKED]:
                drawn = operands_of(number, dtype)
                if drawn is not None and works(drawn):
                    taken.add(dtype)
                    break
    words = [
        word if taken.issuperset(members) else " ".join(f"`{d}`" for d in members if d in taken)
        for word, members in GROUPS
    ]
    return "all" if len(taken) == sum(len(m) for _, m in GROUPS) else ", ".join(filter(None, words))


class InOne(derivatives.Derivatives):
    """Derivatives in one operand, where others have none."""

    def __init__(self, drawn, name):
        super().__init__(pb, drawn)
        self.name = name

    def leaves(self):
        given, names = super().leaves()
        return given, [name for name in names if name == self.name]


def has_reverse(d):
    return d.first(create_graph=False)[1] is not None


def has_forward(d):
    return has_reverse(d) and len(d.forward()) > 0


def _function(d, names, given):
    def f(*operands):
        put = dict(zip(names, operands))
        copies = {n: t.clone() for n, t in put.items()} if d.sample.writes else put
        results = derivatives.evaluate(pb, d.sample, {**given, **copies})
        return next(t for t in results if derivatives.is_tensor(t))

    return f


def has_vmap(d):
    given, _ = d.leaves()
    names = list(given)
    if not names:
        return False
    pb.vmap(_function(d, names, {}), randomness="same")(*[pb.stack([given[n], given[n]]) for n in names])
    return True


def has_jet(d):
    given, names = d.leaves()
    if not has_reverse(d):
        return False
    y, _ = pb.func.jet(
        _function(d, names, given), [given[n] for n in names], [[pb.ones_like(given[n]), None] for n in names]
    )
    return derivatives.is_smooth(y)


MODES = (("R", has_reverse), ("F", has_forward), ("V", has_vmap), ("J", has_jet))


def modes(numbers):
    found = ""
    for letter, has in MODES:
        for number in numbers[:ASKED]:
            drawn = operands_of(number, None)
            asked = [derivatives.Derivatives(pb, drawn)]
            if letter != "V":
                asked += [InOne(drawn, name) for name in drawn.operands]
            if any(derivatives.outcome(lambda d=d: has(d))[0] for d in asked):  # noqa: B023
                found += letter
                break
    return found


def takes_out(value):
    try:
        return "out" in inspect.signature(value).parameters
    except (TypeError, ValueError):
        return False


def homes():
    """{name: [(the namespace, the function)]} of what computes."""
    left_out = set(table.NOT_CALLED.split())
    found = {}
    for home in table.HOMES:
        where = names.find("pullback", home)
        for name in sorted(table.public(home)):
            if name not in left_out:
                found.setdefault(name, []).append((home, getattr(where, name)))
    return found


def tests_of(name, places, tables):
    for home, _ in places:
        entry = tables[home].entries.get(name) if home in tables else None
        if entry is not None and entry.test:
            return entry.test
    return names.SAMPLES


def page():
    (known, counted), tables = calls(), names.tables()
    lines = [HEAD]
    rows = homes()
    lines.append(f"{len(rows)} operators are here.\n")
    lines += ["| operator | in | dtypes | modes | shown by |", "| --- | --- | --- | --- | --- |"]
    for name, places in sorted(rows.items()):
        numbers = known[name]
        more = [modes(numbers)]
        more.append("`out=`" if any(takes_out(value) for _, value in places) else "")
        more.append("`_`" if name[-1] == "_" or hasattr(_core.Tensor, f"{name}_") else "")
        where = ", ".join(home for home, _ in places)
        alone = [
            n for n in numbers if counted[n] == counted[numbers[0]]
        ]  # others take what is converted before
        taken = dtypes(alone) or dtypes(numbers)
        shown = tests_of(name, places, tables)
        lines.append(f"| `{name}` | {where} | {taken} | {' '.join(filter(None, more))} | `{shown}` |")
    lines.append("")
    for home in table.HOMES:
        absent = {n: e.reason for n, e in tables[home].entries.items() if e.reason}
        lines.append(f"## Absent from {home}\n")
        reasons = {}
        for name, reason in absent.items():
            reasons.setdefault(reason, []).append(name)
        lines += ["| absent, since | names |", "| --- | --- |"]
        lines += [f"| {reason} | {' '.join(f'`{n}`' for n in each)} |" for reason, each in reasons.items()]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    written = page()
    if options.check:
        if PAGE.read_text() != written:
            sys.exit("docs/operators.md is not what tools/operators.py writes")
        return
    PAGE.write_text(written)


if __name__ == "__main__":
    main()
