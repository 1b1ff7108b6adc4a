"""Whole expressions: value and gradient beside every peer, in one run. Run with `make bench`.

    python -m benchmarks.fusion                                 everything: tens of minutes, most of it compilers
    python -m benchmarks.fusion --quick                         small sizes, a few rounds: does it still run?
    python -m benchmarks.fusion --only expression adam --sizes 1000000 --peers pullback torch
    python -m benchmarks.fusion --write docs/performance.md     and put the tables into the page

Each library works in a process of its own (`worker`); in every round each has a turn, in an order that rotates.
Before anything is timed, the values and gradients of all libraries are compared. Run it on an idle machine: when
another process holds a core, teams of threads wait for the one that does not come, each library's in its own way.
"""

import argparse
import contextlib
import os
import statistics
import sys
import time
from dataclasses import dataclass, field

import numpy as np

from benchmarks import harness
from benchmarks.fusion_peers import PEERS
from benchmarks.fusion_work import BOUNDS, FIRST_CALL, GROUPS, MEMORY, WORK
from benchmarks.worker import Refused, Remote, growth

PAUSE = 0.003  # between turns, so that the threads of the last one have stopped spinning
PATIENCE = 4.0  # seconds that one library may take for one row, beyond three rounds


def note(text):
    print(text, file=sys.stderr, flush=True)


# Timing.


@dataclass
class Measured:
    """One row: seconds of a step, for each library and round."""

    name: str
    size: int | str
    dtype: str
    first: dict = field(default_factory=dict)
    samples: dict = field(default_factory=dict)
    failed: list = field(default_factory=list)

    def median(self, peer):
        return statistics.median(self.samples[peer])

    def quartiles(self, peer):
        return np.quantile(self.samples[peer], [0.25, 0.75])


def compare(samples, dtype):
    """The libraries whose value or gradients differ from those of the first, with how far."""
    reference, *others = samples
    # Wide in float32, where NumPy adds up a million rows one after the other.
    relative, absolute = (1e-3, 5e-3) if dtype == "float32" else (1e-8, 1e-9)
    wrong = {}
    for peer in others:
        for ours, theirs in zip(samples[reference], samples[peer], strict=True):
            bound = relative * np.abs(ours) + absolute * np.abs(ours).max(initial=0)
            if not (np.abs(ours - theirs) <= bound).all():  # not: NaN is a difference
                wrong[peer] = f"{peer} differs from {reference} by {np.abs(ours - theirs).max():.3g}"
    return wrong


def measure(remotes, name, size, dtype, rounds, duration):
    """One row: every library prepares the work, they are compared, they take turns."""
    row, samples, laters = Measured(name, size, dtype), {}, {}
    for peer, remote in remotes.items():
        try:
            prepared = remote.prepare(name, size, dtype)
        except Refused as refused:
            note(f"{name} {size} {dtype}: {refused}")
            row.failed.append(peer)
            continue
        if prepared is None:
            continue
        row.first[peer], laters[peer], sample = prepared
        if sample:
            samples[peer] = sample
    for peer, difference in compare(samples, dtype).items() if samples else ():
        note(f"{name} {size} {dtype}: {difference}")
        row.failed.append(peer)
        del laters[peer]
    turns = {p: max(3, min(rounds, int(PATIENCE / max(t, duration)))) for p, t in laters.items()}
    order = list(laters)
    for turn in range(rounds):
        order = order[1:] + order[:1]
        for peer in order:
            if turn < min(rounds, turns[peer]):
                time.sleep(PAUSE)
                row.samples.setdefault(peer, []).append(remotes[peer].turn(duration))
    for remote in remotes.values():
        remote.release()
    return row


def first_calls(names, size, samples):
    """For new processes with warm memory: what the first call of an expression takes, and a later one."""
    rows = []
    for name in names:
        firsts, laters = [], []
        for _ in range(samples):
            with Remote("pullback") as remote:
                first, later, _ = remote.prepare(name, size, "float32")
                firsts.append(first)
                laters.append(later)
        rows.append((name, size, statistics.median(firsts), statistics.median(laters)))
    return rows


# Tables.

UNITS = [(1e-3, 1e6, "µs"), (1, 1e3, "ms"), (float("inf"), 1, "s")]


def spoken(seconds):
    scale, unit = next((scale, unit) for limit, scale, unit in UNITS if seconds < limit)
    return f"{seconds * scale:.3g} {unit}"


def count(size):
    power = len(str(size)) - 1
    return "10" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(c)] for c in str(power)) if size == 10**power else str(size)


class Tally:
    """Figures with their targets; those that are missed are set in bold."""

    def __init__(self):
        self.met = self.all = 0

    def cell(self, value, target=None, most=False, form="{:.2g}"):
        text = form.format(value)
        if target is None:
            return text
        met = value <= target if most else value >= target
        self.met += met
        self.all += 1
        text += f" ({'≤' if most else '≥'} {target:.3g})"
        return text if met else f"**{text}**"

    def __str__(self):
        return f"{self.met} of {self.all} targets are met; the others are in bold."


def ratio(value):
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


def timings(rows, peers, tally):
    """Median of pullback with its quartiles, and the ratios to it."""
    shown = [peer for peer in peers if peer != "pullback" and any(peer in row.samples for row in rows)]
    table = []
    for row in rows:
        work = WORK[row.name]
        ours = row.median("pullback") if "pullback" in row.samples else None
        cells = [work.title, count(row.size) if work.scaled else str(row.size), row.dtype]
        if ours:
            low, high = row.quartiles("pullback")
            cells.append(f"{spoken(ours)} ({spoken(low)}–{spoken(high)})")
        else:
            cells.append("")
        for peer in shown:
            if peer not in row.samples:
                cells.append("failed" if peer in row.failed else "")
                continue
            theirs = row.median(peer)
            if ours is None:
                cells.append(spoken(theirs))
                continue
            target = work.targets.get(peer, lambda size: None)(row.size)
            value = ours / theirs if peer in BOUNDS else theirs / ours
            cells.append(
                tally.cell(value, target, peer in BOUNDS, form="{}").replace(str(value), ratio(value))
            )
        table.append(cells)
    names = [f"of {peer}" if peer in BOUNDS else f"{peer} takes" for peer in shown]
    return harness.markdown(["", "n", "dtype", "pullback", *names], table)


def compilation(rows, measured, tally):
    """First calls: pullback's in new processes, the compilers' from the timing run, at the largest size."""
    table = []
    for name, size, first, later in rows:
        cells = [
            WORK[name].title,
            count(size),
            spoken(first),
            spoken(later),
            tally.cell(first / later, 2, True),
        ]
        for peer in ("torch-compile", "jax"):
            found = [row.first[peer] for row in measured if row.name == name and peer in row.first]
            cells.append(spoken(statistics.median(found)) if found else "")
        table.append(cells)
    header = [
        "first call, float32",
        "n",
        "pullback, first",
        "later",
        "ratio",
        "torch.compile, first",
        "jax, first",
    ]
    return harness.markdown(header, table)


def memory(names, size, peers, tally):
    table = []
    for name in names:
        cells = None
        for peer in peers:
            with contextlib.suppress(Refused):
                peak, given, results = growth(peer, name, size, "float32")
                cells = cells or [WORK[name].title, f"{given / 1e6:.0f}", f"{results / 1e6:.0f}"]
                note(f"memory of {name} in {peer}: {peak / 1e6:.0f} MB")
                extra, limit = (peak - results) / 1e6, 10 if peer == "pullback" else None
                cells += [""] * (3 + peers.index(peer) - len(cells))
                cells.append(tally.cell(extra, limit, True, "{:.0f}"))
        if cells:
            table.append(cells + [""] * (3 + len(peers) - len(cells)))
    header = [f"memory at {count(size)}, float32, MB", "inputs", "results", *[f"{p}, extra" for p in peers]]
    return harness.markdown(header, table)


def noise(rows):
    """How far the quartiles lie from the medians, in one sentence."""
    spread = [
        (high - low) / 2 / row.median(peer)
        for row in rows
        for peer in row.samples
        for low, high in [row.quartiles(peer)]
    ]
    if len(spread) < 2:
        return ""
    return (
        f"Half of the distance between the quartiles is {statistics.median(spread):.0%} of the median, in the "
        f"middle of all rows and libraries, and {statistics.quantiles(spread, n=10)[-1]:.0%} at the ninth decile."
    )


def machine(versions, load):
    busy = f" Load average before the run: {load:.1f}, so others were running." if load > 0.3 else ""
    names = ", ".join(f"{peer} {version}" for peer, version in versions.items())
    return f"{harness.processor()}, NumPy {np.__version__}, {names}.{busy}"


# The command.


def options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, few and short rounds")
    parser.add_argument("--only", nargs="*", metavar="WORK", choices=list(WORK), help=", ".join(WORK))
    parser.add_argument(
        "--sizes",
        nargs="*",
        type=lambda text: int(float(text)),
        help="of the work that is scaled, up to its largest",
    )
    parser.add_argument("--dtypes", nargs="*", choices=["float32", "float64"])
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS), help=", ".join(PEERS))
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS, help="what to measure")
    parser.add_argument("--rounds", type=int, help="turns of each library; 11 unless it is slow")
    parser.add_argument(
        "--cores", type=int, help="let each library have so many; 1 bears a busy machine best"
    )
    parser.add_argument("--write", metavar="PAGE", help="replace the block marked `fusion` in this page")
    return parser.parse_args(arguments)


PARTS = ["time", "first", "memory"]


def plan(chosen):
    """The rows to measure: (name, size, dtype)."""
    for name in chosen.only or WORK:
        work = WORK[name]
        sizes = work.quick if chosen.quick else work.sizes
        if chosen.sizes and work.scaled:
            sizes = [size for size in chosen.sizes if size <= max(work.sizes)]
        for size in sizes:
            for dtype in work.dtypes:
                if dtype in (chosen.dtypes or [dtype]):
                    yield name, size, dtype


def start(peers):
    remotes = {}
    for peer in peers:
        try:
            remotes[peer] = Remote(peer)
        except Refused as refused:
            note(str(refused))
    return remotes


def main(arguments=None):
    chosen = options(arguments)
    if chosen.cores:  # inherited by the workers, whose libraries make no more threads than that
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: chosen.cores])
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    rounds, duration = (chosen.rounds or 2, 0.001) if chosen.quick else (chosen.rounds or 11, 0.02)
    tally, rows = Tally(), []
    with contextlib.ExitStack() as stack:
        remotes = start(chosen.peers)
        for remote in remotes.values():
            stack.callback(remote.close)
        versions = {peer: remote.version for peer, remote in remotes.items() if peer in harness.LIBRARIES}
        for row in plan(chosen) if "time" in chosen.parts else ():
            rows.append(measure(remotes, *row, rounds, duration))
            times = {peer: spoken(rows[-1].median(peer)) for peer in rows[-1].samples}
            note(f"{' '.join(map(str, row))}: " + ", ".join(f"{p} {t}" for p, t in times.items()))
    texts = []
    for title, names in GROUPS.items():
        group = [row for row in rows if row.name in names]
        if group:
            texts.append(f"{title}\n\n{timings(group, chosen.peers, tally)}")
    wanted = lambda names: [n for n in names if n in (chosen.only or names)][: 1 if chosen.quick else None]
    if "first" in chosen.parts and "pullback" in remotes and wanted(FIRST_CALL):
        firsts = first_calls(wanted(FIRST_CALL), *((1000, 1) if chosen.quick else (10**6, 5)))
        texts.append(compilation(firsts, rows, tally))
    measurable = [p for p in remotes if p in ("pullback", "torch", "torch-compile", "jax", "autograd")]
    if "memory" in chosen.parts and measurable and wanted(MEMORY) and os.path.exists("/proc/self/clear_refs"):
        texts.append(memory(wanted(MEMORY), 10**5 if chosen.quick else 10**7, measurable, tally))
    texts = [" ".join(filter(None, [machine(versions, load), noise(rows), str(tally)])), *texts]
    print("\n\n".join(texts))
    if chosen.write:
        harness.write_block(chosen.write, "fusion", "\n\n".join(texts))
    return int(any(row.failed for row in rows if "pullback" in row.failed))


if __name__ == "__main__":
    sys.exit(main())
