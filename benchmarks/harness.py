"""Fair timing: every library does the same work in the same process, in turns.

A `Statement` is one line of Python, repeated in a loop whose own cost is measured beside it and taken off. In
`measure` every library has a turn in every round, in an order that rotates, and medians count: what disturbs
the machine for a second disturbs all of them. PyTorch runs a second time under another name, the control; its
ratio to itself says how far the other ratios can be trusted.
"""

import argparse
import contextlib
import gc
import importlib
import itertools
import os
import platform
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

LIBRARIES = ["pullback", "torch", "jax", "autograd"]
CONTROL = "control"


def installed(names=LIBRARIES):
    """The libraries that can be imported here, in the order in which they are shown."""
    found = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        found.append(name)
    return found


@dataclass
class Statement:
    """A line of Python over some names; `per` says how many operations it holds, times are per operation.

    `clock` and `repeat`, which makes the turns of the loop, are others only to show that the arithmetic is right.
    """

    code: str
    names: dict = field(default_factory=dict)
    per: int = 1
    clock: Callable = time.perf_counter
    repeat: Callable = itertools.repeat

    @cached_property
    def _timed(self):
        unrolled = 10 if self.per == 1 else 1
        body = "\n        ".join([self.code] * unrolled)
        source = (
            f"def timed(n, clock, repeat, {', '.join(self.names)}):\n"
            f"    start = clock()\n"
            f"    for _ in repeat(None, n):\n"
            f"        {body}\n"
            f"    middle = clock()\n"
            f"    for _ in repeat(None, n):\n"
            f"        pass\n"
            f"    return ((middle - start) - (clock() - middle)) / (n * {unrolled * self.per})\n"
        )
        scope = {}
        exec(source, scope)
        return scope["timed"]

    def seconds(self, n):
        return self._timed(n, self.clock, self.repeat, **self.names)

    def repetitions(self, duration):
        """How many turns of the loop fill `duration` seconds."""
        n = 1
        while True:
            start = self.clock()
            self.seconds(n)
            spent = self.clock() - start
            if spent > duration / 4 or n > 10**7:
                return max(1, round(n * duration / spent))
            n *= 2


@dataclass
class Work:
    """One row: the same work for each library, and how many times faster than PyTorch's it has to be."""

    title: str
    builders: dict  # library name -> function of no arguments that returns a Statement
    target: float | None = None


def measure(work, libraries, rounds=15, duration=0.01):
    """Median seconds per operation for each library that knows this work, and for the control."""
    statements = {name: work.builders[name]() for name in libraries if name in work.builders}
    if "torch" in statements:
        statements[CONTROL] = work.builders["torch"]()
    repetitions = {name: s.repetitions(duration) for name, s in statements.items()}
    samples = {name: [] for name in statements}
    order = list(statements)
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            order = order[1:] + order[:1]
            for name in order:
                samples[name].append(statements[name].seconds(repetitions[name]))
    finally:
        if collecting:
            gc.enable()
    return {name: statistics.median(values) for name, values in samples.items()}


def in_turns(calls, rounds, duration, clock=time.perf_counter):
    """Seconds of a call of each, once a round: of as many as fill the duration, and of one at least."""
    samples = [[] for _ in calls]
    for _ in range(rounds):
        for call, found in zip(calls, samples):
            count, begun = 0, clock()
            while (spent := clock() - begun) < duration or not count:
                call()
                count += 1
            found.append(spent / count)
    return samples


def beside_torch(rows, builders, libraries, rounds, duration):
    """Measure rows of (title, key, target); a target says how many times as long PyTorch has to take.

    Returns (title, times, cells of ratio, target and verdict) of each row, and a sentence on the control, if one ran.
    """
    builders = {name: builders[name]() for name in libraries}
    found, controls = [], []
    for title, key, target in rows:
        work = Work(title, {name: builders[name][key] for name in libraries}, target)
        times = measure(work, libraries, rounds, duration)
        ours, theirs = times.get("pullback"), times.get("torch")
        ratio = theirs / ours if ours and theirs else None
        if CONTROL in times:
            controls.append(times[CONTROL] / theirs)
        met = verdict(ratio >= target if ratio and target else None)
        found.append((title, times, [f"{ratio:.1f}" if ratio else "", f"{target}" if target else "", met]))
    if not controls:
        return found, ""
    return found, (
        "\n\nControl: the same PyTorch work, measured a second time in the same rounds, takes between "
        f"{min(controls):.2f} and {max(controls):.2f} of its own time."
    )


def per_call(rows, builders, libraries, rounds, duration):
    """A table of rows as those of `beside_torch`: microseconds for one call."""
    measured, control = beside_torch(rows, builders, libraries, rounds, duration)
    shown = ("pullback", "torch", "jax")
    cells = [
        [title, *[f"{times[name] * 1e6:,.1f}" if name in times else "" for name in shown], *verdict]
        for title, times, verdict in measured
    ]
    return markdown(["us per call", *shown, "torch / pullback", "target", "met"], cells) + control


@contextlib.contextmanager
def one_thread(libraries):
    """Libraries that compute on one thread each."""
    modules = [importlib.import_module(name) for name in libraries]
    before = [module.get_num_threads() for module in modules]
    try:
        for module in modules:
            module.set_num_threads(1)
        yield
    finally:
        for module, threads in zip(modules, before):
            module.set_num_threads(threads)


def nanoseconds(seconds):
    ns = seconds * 1e9
    return f"{ns:,.1f}" if ns < 100 else f"{ns:,.0f}"


def verdict(met):
    return "" if met is None else ("yes" if met else "**no**")


def markdown(header, rows):
    """A table; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def processor():
    """The processor, how many cores of it this process may use, and Python."""
    try:
        with open("/proc/cpuinfo") as f:
            model = re.search(r"model name\s*: (.*)", f.read()).group(1)
    except (OSError, AttributeError):
        model = platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, Python {platform.python_version()}"


def machine():
    """One sentence: what this was measured on."""
    versions = []
    for name in ["numpy", *LIBRARIES]:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        version = getattr(module, "__version__", None)
        versions.append(f"{name} {version}" if version else name)
    return f"{processor()}, {', '.join(versions)}."


def run(block, documentation, tables, arguments=None, quick="few and short rounds"):
    """The program of a page's block: prints what `tables` makes of the options, and puts it there if that is asked for."""
    parser = argparse.ArgumentParser(description=documentation.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--write", metavar="PAGE", help=f"replace the block marked `{block}` in this page")
    parser.add_argument("--only", metavar="LIBRARY", nargs="*", help="measure only these libraries")
    options = parser.parse_args(arguments)
    text = f"{machine()}\n\n{tables(options)}"
    print(text)
    if options.write:
        write_block(options.write, block, text)


def asked(options, builders):
    """Libraries, rounds and duration: what `measure` and its relatives take, by the options of a program."""
    libraries = [name for name in installed(options.only or LIBRARIES) if name in builders]
    return libraries, *((3, 0.001) if options.quick else (21, 0.01))


def write_block(path, name, text):
    """Replace what stands between the marks `<!-- name -->` and `<!-- /name -->` of a page."""
    with open(path) as f:
        page = f.read()
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if page.count(start) != 1 or page.count(end) != 1:
        raise ValueError(f"{path} must hold one {start} and one {end}")
    before, rest = page.split(start)
    _, after = rest.split(end)
    with open(path, "w") as f:
        f.write(f"{before}{start}\n{text}\n{end}{after}")
