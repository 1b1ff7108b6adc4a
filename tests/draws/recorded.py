"""Draws as text that says the same to pullback and to PyTorch (`m` is the module), and what they gave.

A draw starts from `manual_seed(SEED)`. What it gives is recorded in `expected.json`, by PyTorch 2.13 on a CPU:

    python tests/draws/recorded.py     write the file, where PyTorch is installed

A record has a hash of all bytes, dtype, shape and strides; numbers along the way, for those draws whose last bits belong
to the C library's logarithm, sine and tangent; and where the generator stands afterwards.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np

EXPECTED = pathlib.Path(__file__).parent / "expected.json"
SEED = 20_26
FLOATS = "float32 float64".split()
INTEGERS = "uint8 int8 int16 int32 int64".split()
SIZES = [*range(41), 100, 623, 624, 625, 1000, 100_003]
TARGETS = {
    "transposed": "m.empty(5, 7, dtype=m.{0}).t()",
    "permuted": "m.empty(4, 5, 6, dtype=m.{0}).permute(2, 0, 1)",
    "strided": "m.empty(6, 40, dtype=m.{0})[:, 3:37:2]",
    "rows": "m.empty(20, 16, dtype=m.{0})[5:]",
    "ones": "m.empty(4, 1, 6, dtype=m.{0}).permute(2, 1, 0)",
    "number": "m.empty((), dtype=m.{0})",
}


def draws():
    """{text: whether it is exact everywhere, without the C library's functions}."""
    found = {}
    for n in SIZES:
        few = n in (0, 1, 2, 7, 15, 16, 17, 31, 33, 625, 100_003)
        for d in FLOATS:
            found[f"m.rand({n}, dtype=m.{d})"] = True
            found[f"m.randn({n}, dtype=m.{d})"] = d == "float32" and n >= 16
            found[f"m.empty({n}, dtype=m.{d}).uniform_(-0.3, 2.7)"] = True
            found[f"m.empty({n}, dtype=m.{d}).normal_(1.3, 2.7)"] = d == "float32" and n >= 16
            if not few:
                continue
            for call in (
                "exponential_(1.7)",
                "geometric_(0.3)",
                "cauchy_(0.3, 1.7)",
                "log_normal_(1.3, 0.7)",
            ):
                found[f"m.empty({n}, dtype=m.{d}).{call}"] = False
            found[f"m.bernoulli(m.rand({n}, dtype=m.{d}))"] = True
            found[f"m.bernoulli(m.rand({n}, dtype=m.{d}), 0.4)"] = True
            found[f"m.poisson(m.rand({n}, dtype=m.{d}) * 40)"] = True
            found[f"m.binomial((m.rand({n}, dtype=m.{d}) * 90).floor(), m.rand({n}, dtype=m.{d}))"] = True
            found[f"m.nn.functional.dropout(m.ones({n}, dtype=m.{d}), 0.3)"] = True
            found[f"m.nn.functional.alpha_dropout(m.ones({n}, dtype=m.{d}), 0.3, True)"] = True
            if n:
                weights = f"m.rand(3, {n}, dtype=m.{d})"
                found[f"m.multinomial({weights}, {min(n // 2 + 1, 300)})"] = True
                found[f"m.multinomial({weights}, 1)"] = True
                found[f"m.multinomial({weights}, 30, replacement=True)"] = True
        if few:
            for d in [*FLOATS, *INTEGERS, "bool"]:
                found[f"m.empty({n}, dtype=m.{d}).random_()"] = True
                found[f"m.empty({n}, dtype=m.{d}).random_(2)"] = True
                found[f"m.empty({n}, dtype=m.{d}).random_(1, None)"] = True
                found[f"m.empty({n}, dtype=m.{d}).bernoulli_(0.37)"] = True
                found[f"m.empty({n}, dtype=m.{d}).bernoulli_(m.rand({n}))"] = True
                found[f"m.empty({n}, dtype=m.{d}).bernoulli_(m.rand({n}, dtype=m.float64))"] = True
            for d in [*FLOATS, *INTEGERS]:
                if n < 100:
                    found[f"m.randperm({n}, dtype=m.{d})"] = True
                found[f"m.randint(3, 100, ({n},), dtype=m.{d})"] = True
    for d in [*FLOATS, "int64", "int32"]:
        for high in (2**24, 2**28 - 1, 2**28, 2**31 - 1):
            found[f"m.randint({high}, (100,), dtype=m.{d})"] = True
            found[f"m.randint(-{high}, {high}, (100,), dtype=m.{d})"] = True
    for d in [*FLOATS, "int64"]:
        for high in (2**32, 2**40 + 3, 10**18, 2**62, 2**63 - 1):
            found[f"m.randint({high}, (100,), dtype=m.{d})"] = True
        found[f"m.empty(100, dtype=m.{d}).random_(-(2**63), None)"] = True
    for target in TARGETS.values():
        for d in FLOATS:
            x = target.format(d)
            found[f"{x}.uniform_(-1, 3)"] = True
            found[f"{x}.normal_(0.5, 2)"] = d == "float32" and "[5:]" in x
            found[f"{x}.exponential_()"] = False
            found[f"{x}.random_(1000)"] = True
            found[f"{x}.bernoulli_(0.3)"] = True
            found[f"{x}.bernoulli_({x}.fill_(0.3))"] = True
            found[f"m.bernoulli({x}.fill_(0.3))"] = True
            found[f"m.rand_like({x})"] = True
            found[f"m.randn_like({x})"] = False
            found[f"m.randint_like({x}, 1000)"] = True
            found[f"m.normal({x}.fill_(4), 2.3)"] = False
            found[f"m.normal(1.5, {x}.fill_(4))"] = False
            found[f"m.normal({x}.fill_(3), {x}.fill_(4))"] = False
            found[f"m.poisson({x}.fill_(12))"] = True
    found["m.multinomial(m.rand(50, 4).t(), 7)"] = True
    found["m.multinomial(m.rand(50).expand(3, 50), 7)"] = True
    for rate in (0, 0.001, 3, 9.99, 10, 50, 1e4, 1e9):
        found[f"m.poisson(m.full((300,), {rate}, dtype=m.float64))"] = True
    for count, p in ((3, 0.5), (19, 0.5), (40, 0.1), (1000, 0.999), (1e6, 0.3)):
        found[
            f"m.binomial(m.full((300,), {count}, dtype=m.float64), m.full((300,), {p}, dtype=m.float64))"
        ] = True
    return found


def run(m, text, seed=SEED):
    m.manual_seed(seed)
    return eval(text, {"m": m})


def record(m, text, exact):
    value = run(m, text)
    x = np.ascontiguousarray(value.numpy())
    found = [str(value.dtype).partition(".")[2], list(value.shape), list(value.stride())]
    found.append(hashlib.sha256(x.tobytes()).hexdigest()[:12] if exact else some(x))
    return [*found, position(m)]


def faults():
    """The exact draws that pullback draws otherwise."""
    import pullback as pb

    lines = json.loads(EXPECTED.read_text())
    return [text for text, exact, *theirs in lines if exact and record(pb, text, exact) != theirs]


def some(x):
    """Every so many of the numbers, with all their digits."""
    flat = x.ravel()
    return [float(v) for v in flat[:: max(len(flat) // 6, 1)]]


def position(m):
    """Where the generator stands: its next numbers, of both kinds."""
    return [m.randint(2**24, (1,)).item(), round(m.empty(1, dtype=m.float64).normal_().item(), 9)]


if __name__ == "__main__":
    import torch

    lines = [
        json.dumps([text, exact, *record(torch, text, exact)], separators=(",", ":"))
        for text, exact in draws().items()
    ]
    EXPECTED.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    sys.stdout.write(f"{len(lines)} draws of PyTorch {torch.__version__}\n")
