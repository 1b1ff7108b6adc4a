"""The primitives of the source's list, their operands, and the door to single kernels."""

import json
import os
import pathlib
import re
import subprocess
import sys

import kinds
import numpy as np
import pytest
from kinds import CODES

core = pytest.importorskip("pullback._core")

SOURCE = pathlib.Path(__file__).parents[2] / "src" / "core" / "kernels" / "primitives.inc"
ROW = re.compile(r"^\s+X\((\w+), (\d), (Same|Bool|Real), (Exact|Vector|Scalar), (\w+), \w+, \w+\)", re.M)
ROWS = {
    name: (int(arity), result, bits, types)
    for name, arity, result, bits, types in ROW.findall(SOURCE.read_text())
}
TYPES = {
    "All": kinds.DTYPES,
    "Numbers": kinds.NUMBERS,
    "Integers": kinds.INTEGERS,
    "Bits": kinds.BITS,
    "Floats": kinds.FLOATS,
}
TYPES.update({f"{name}Bare": [*TYPES[name], *kinds.UNSIGNED] for name in ("All", "Numbers", "Bits")})
CASES = [(name, dtype) for name, row in ROWS.items() for dtype in TYPES[row[3]]]
SPECIAL = [0.0, -0.0, 1, -1, np.nan, np.inf, -np.inf, 1e-40, -1e-40, 1e-310, 1e30, -1e30]
SPECIAL += [
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    2,
    -2,
    3,
    0.999,
    1.001,
    88.7,
    89,
    -87.5,
    -103.9,
    -105,
    709.7,
    -745.2,
    20000.0,
    3.4e38,
]


# Whose first operand is a whole number, and those of them that have three operands.
BY_DEGREE = ("gegenbauer", "laguerre")
BY_ORDER = (*(f"bessel_{kind}" for kind in ("j", "y", "i", "i_scaled", "k", "k_scaled")), *BY_DEGREE)


def run(name, dtype, operands, single=0, n=None, out=None):
    n = n or max(x.size for x in operands)
    if out is None:
        out = np.empty(n, "bool" if ROWS[name][1] == "Bool" else dtype)
    assert core._kernel(name, CODES[dtype], [*operands, out], n, single), f"{name} has no kernel for {dtype}"
    return out


def samples(dtype, seed, count=1300):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(count) < 0.5
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        x = rng.integers(max(limits.min, -300), min(limits.max, 300), count).astype(dtype)
        x[20:200] = rng.integers(limits.min, limits.max, 180, dtype=dtype)
        x[:7] = [0, 1, limits.min, limits.max, 2, limits.max - 1, limits.min + 1]
        return x
    ordinary = rng.normal(size=count) * np.exp(rng.normal(size=count) * 2)
    ordinary[: len(SPECIAL)] = SPECIAL
    return ordinary.astype(dtype)


def operands_of(name, dtype, seed=0):
    arity = ROWS[name][0]
    x, y = samples(dtype, seed), np.random.default_rng(seed + 9).permutation(samples(dtype, seed + 1))
    if name in ("polygamma", *BY_ORDER):
        x = np.random.default_rng(seed).integers(0, 6, x.size).astype(dtype)
    if "polynomial" in name:
        y = np.random.default_rng(seed).integers(-1, 20, y.size).astype(dtype)
    if name in BY_DEGREE:
        return [x, np.random.default_rng(seed).integers(1, 4, x.size).astype(dtype), y]
    if name == "pow" and dtype in TYPES["Integers"]:
        y = np.random.default_rng(seed).integers(0 if dtype == "uint8" else -3, 9, y.size).astype(dtype)
    return [x] if arity == 1 else [x, y] if arity == 2 else [samples("bool", seed), x, y]


def bits(x):
    """The bytes, with all NaNs alike: which operand's NaN survives is not promised."""
    return (np.where(np.isnan(x), np.array(np.nan, x.dtype), x) if x.dtype.kind == "f" else x).tobytes()


def grid(name, dtype):
    """Random operands, and all pairs of special values."""
    operands = operands_of(name, dtype)
    if dtype in TYPES["Floats"] and len(operands) == 2:
        pairs = np.array([(a, b) for a in SPECIAL for b in SPECIAL]).astype(dtype)
        operands = [np.concatenate([x, pairs[:, i]]) for i, x in enumerate(operands)]
    return operands


def on_isa(isa, module, expression):
    """What an expression over a test module, `t`, gives in a process that uses this instruction set; through JSON."""
    tests = str(pathlib.Path(__file__).parents[1])
    child = f"import sys; sys.path.insert(0, {tests!r})\n"
    child += "import json, warnings; warnings.simplefilter('ignore')\n"
    child += f"import kernels.harness as h, {module} as t; print(json.dumps([h.core.kernels_isa(), t.{expression}]))"
    environment = {**os.environ, "PULLBACK_ISA": isa, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    output = subprocess.run(
        [sys.executable, "-c", child], env=environment, capture_output=True, text=True, check=True
    )
    chosen, result = json.loads(output.stdout)
    if chosen != isa:
        pytest.skip(f"this processor has no {isa}")
    return result
