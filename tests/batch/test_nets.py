"""The nets under operators: every rule run entry by entry gives what it gives for all entries at once."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
sys.path.insert(0, {tests!r})
from batch.loops import TRANSFORMS, batched, patterns
from batch.table import FLOATS, IN_PLACE, ITEMS, PLAIN, SMOOTH, function, operands_of, value

found = {{}}
for call in (*SMOOTH, *PLAIN, *IN_PLACE, *ITEMS):
    names = operands_of(call)
    mapped = (True,) * len(names)
    operands = [value(name, 4, (3,)) for name in names]
    floats = [k for k, name in enumerate(names) if name in FLOATS]
    f = function(call, names)
    found[call] = [[t.tolist() for t in batched(f, mapped)(*operands)]]
    if call not in PLAIN and "indices" not in call:
        try:
            pulled = TRANSFORMS["grad"](batched(f, mapped), floats)(*operands)
        except RuntimeError:
            continue
        found[call].append([t.tolist() for t in pulled])
json.dump(found, sys.stdout)
"""


def run(**environment):
    program = PROGRAM.format(tests=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def led():
    return run()


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["PULLBACK_VMAP=loop", "PULLBACK_IMMEDIATE=1", "PULLBACK_DEFER_FROM=1"])
def test_the_same_numbers(led, setting):
    """Up to rounding, where BLAS sums in another order."""
    found = run(**dict([setting.split("=")]))
    assert found.keys() == led.keys()
    for call, numbers in found.items():
        assert len(flat(numbers)) == len(flat(led[call]))
        for a, b in zip(flat(numbers), flat(led[call]), strict=True):
            assert a == pytest.approx(b, rel=1e-12, abs=1e-12, nan_ok=True), call


def flat(tree):
    return [x for part in tree for x in flat(part)] if isinstance(tree, list) else [tree]
