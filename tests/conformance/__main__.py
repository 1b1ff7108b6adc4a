"""The conformance run: every operator beside the installed PyTorch, on samples drawn from a seed.

    PYTHONPATH=src:tests python -m conformance -n 100000 --seed 0

All cores; progress on stderr; a sample that differs is printed as a script to paste. The first round through the table of
calls takes operands as they are, later ones draw. `--only NUMBER` runs one sample and prints it; `--calls PATTERN` draws
samples of the calls that the pattern is found in, and of no others.
"""

import argparse
import collections
import itertools
import multiprocessing
import os
import queue
import re
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

CHUNK = 200


def check(numbers, seed):
    """[(sample, faults)] and counts of these samples; also what is known to differ, by reason."""
    from . import compare, known, sample

    found, counts, reasons = [], collections.Counter(), collections.Counter()
    for number in numbers:
        drawn = sample.draw(number, seed)
        differences, done = compare.compare(drawn)
        counts.update(set(done))
        counts["samples"] += 1
        faults = []
        for each in differences:
            why = (
                "PyTorch is wrong by differences of values"
                if each.right == "pullback"
                else known.reason(drawn, each)
            )
            if why is None:
                faults.append(str(each))
            else:
                reasons[why] += 1
        if faults:
            found.append((drawn, faults))
    return found, counts, reasons


def _worker(chunks, results, seed, at):
    import torch

    import pullback

    torch.set_num_threads(1)
    pullback.set_num_threads(1)
    for numbers in iter(chunks.get, None):
        for number in numbers:
            at.value = number
            results.put(check([number], seed))
    results.put(None)


def drawn_of(count, pattern=""):
    """The first `count` numbers of samples whose call has the pattern."""
    from . import table

    starts = table.starts()
    rounds = itertools.count(0, len(starts))
    of_calls = [at for at, (call, _) in enumerate(starts) if re.search(pattern, call)]
    return list(itertools.islice((n + at for n in rounds for at in of_calls), count)) if of_calls else []


def run(numbers, seed, jobs, progress=True):
    """Samples of these numbers, on so many processes: (faults, counts, reasons), where a process that died is a fault."""
    from . import sample

    context = multiprocessing.get_context("fork")
    chunks, results = context.Queue(), context.Queue()
    for start in range(0, len(numbers), CHUNK):
        chunks.put(numbers[start : start + CHUNK])
    places = [context.Value("q", -1) for _ in range(jobs)]
    workers = [
        context.Process(target=_worker, args=(chunks, results, seed, at), daemon=True) for at in places
    ]
    for worker in workers:
        chunks.put(None)
        worker.start()
    found, counts, reasons = [], collections.Counter(), collections.Counter()
    alive, began, told = jobs, time.time(), 0.0
    while alive:
        try:
            got = results.get(timeout=5)
        except queue.Empty:  # is everybody there?
            alive = sum(worker.is_alive() for worker in workers)
            continue
        if got is None:
            alive -= 1
            continue
        faults, more, why = got
        found += faults
        counts += more
        reasons += why
        if progress and time.time() - told > 2:
            told = time.time()
            print(
                f"\r{counts['samples']} of {len(numbers)} samples, {len(found)} differ, {told - began:.0f} s",
                end="",
                file=sys.stderr,
                flush=True,
            )
    for worker, at in zip(workers, places):
        worker.join(5)
        if worker.exitcode:
            found.append((sample.draw(at.value, seed), [f"the process died of it: {worker.exitcode}"]))
    if progress:
        print(file=sys.stderr)
    return found, counts, reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=20000, help="how many samples")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", type=int, help="the number of one sample")
    parser.add_argument("--calls", default="", metavar="PATTERN", help="draw of these calls alone")
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("PyTorch is not installed: there is nothing to conform to")
    from . import table

    if options.only is not None:
        found, counts, reasons = check([options.only], options.seed)
    else:
        print(f"{len(table.starts())} calls, PyTorch {torch.__version__}", file=sys.stderr)
        numbers = drawn_of(options.n, options.calls)
        found, counts, reasons = run(numbers, options.seed, options.jobs)
    for drawn, faults in sorted(found, key=lambda each: each[0].number):
        print(f"# ---- sample {drawn.number} of seed {drawn.seed}: {', '.join(drawn.changed) or 'plain'}")
        print("".join(f"# {fault}\n" for fault in faults) + drawn.script())
    for why, times in reasons.most_common():
        print(f"{times} differ, known: {why}")
    print(", ".join(f"{times} {what}" for what, times in counts.most_common()))
    print(f"{len(found)} samples differ")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
