"""Writes docs/nestings.md: second derivatives of every operator by every nesting, pullback beside PyTorch.

    PYTHONPATH=src python tools/nestings_page.py

Needs PyTorch. Points and ways are those of tests/nestings, whose tests hold pullback to what the page says.
"""

import pathlib
import sys
import warnings

import torch

import pullback as pb

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from calculus.interpreter import ROWS  # noqa: E402
from calculus.torch_calls import UNKNOWN_TO_TORCH, torch_function  # noqa: E402
from nestings import curvature, points  # noqa: E402

HEAD = """# The four nestings, beside PyTorch

A second derivative is made of two first ones, each by reverse mode or by forward mode: R/R is reverse over reverse, F/R
forward over reverse, R/F reverse over forward, F/F forward over forward. All four are one number: how the weighted sum
of an operator's results curves along two random directions. Here it is computed by each, and a gradient under `vmap`,
at random points and at special ones, where rules divide by what is zero, choose among equals, meet branches that are
not taken, or have nothing to do; and compared with differences of values in `float64`, to {tolerance:g} relative.

`right` is right by all ways; else the ways are named that are not, with the number they give for the true one, or the
exception that they raise. Where an index is written twice PyTorch defines no gradient. `tools/nestings_page.py` writes
this page; it was run with PyTorch {version}. A test holds pullback to it.

"""


def row_of_torch(name, *given):
    return torch_function(name)(*given)


def told(found, true, slope):
    """(text, how many ways are wrong, how many raise)."""
    texts, wrong, raises = [], 0, 0
    for name, number in found.items():
        fault = curvature.judge(number, slope if name == "vmap" else true)
        if fault:
            raises += fault.startswith("raises")
            wrong += not fault.startswith("raises")
            texts.append(f"{curvature.SHORT[name]}: {fault}")
    return "; ".join(texts) or "right", wrong, raises


def main():
    warnings.simplefilter("ignore")
    ours = curvature.Library(pb, lambda name, *given: ROWS[name](*given))
    theirs = curvature.Library(torch, row_of_torch)
    sums = {"pullback": [0, 0], "PyTorch": [0, 0]}
    parts = {
        "Special points": points.SPECIAL,
        "Elementwise functions": points.rows(),
        "Structured operators": points.generic(),
    }
    lines, count = [], 0
    for title, part in parts.items():
        lines += [f"## {title}", "", "| call | point | pullback | PyTorch |", "| --- | --- | --- | --- |"]
        for point in part:
            true, slope, doubt = curvature.truth(ours, point)
            if doubt > 1e-4 * (1 + abs(true)):
                sys.exit(f"differences do not settle: {point.call}, {point.where}")
            cells = []
            for who, library in (("pullback", ours), ("PyTorch", theirs)):
                if who == "PyTorch" and point.call in UNKNOWN_TO_TORCH:
                    cells.append("absent")
                    continue
                text, wrong, raises = told(library.numbers(point), true, slope)
                sums[who][0] += wrong
                sums[who][1] += raises
                cells.append(text)
            count += 1
            call = point.call.replace("|", "\\|")
            lines.append(f"| `{call}` | {point.where} | {cells[0]} | {cells[1]} |")
        lines.append("")
    said = [f"Of {5 * count} numbers, at {count} points, "]
    said += [
        f"{who} gives {wrong} wrong ones and raises for {raises}" for who, (wrong, raises) in sums.items()
    ]
    summary = said[0] + "; ".join(said[1:]) + ".\n\n"
    head = HEAD.format(tolerance=curvature.TOLERANCE, version=torch.__version__.split("+")[0])
    (ROOT / "docs/nestings.md").write_text(head + summary + "\n".join(lines).rstrip() + "\n")
    print(summary.strip())


if __name__ == "__main__":
    main()
