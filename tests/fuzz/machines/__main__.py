"""`python -m fuzz.machines -n 20000 --seed 1`: so many random machines, on all cores."""

import argparse
import collections
import os
import queue
import sys
import threading
import time

from fuzz.machines.generate import generate
from fuzz.machines.language import script
from fuzz.machines.shrink import ENOUGH, shrink
from fuzz.machines.worker import LIMIT, SANITIZED, Worker

SHRINKING = 100.0 if SANITIZED else 3.0  # seconds for one machine while it is made smaller
STRIDE = 1_000_000  # machines of two seeds are different ones
SHRUNK = 3  # faults of one kind that are made small and printed; the others are counted


class Progress:
    """A bar where tqdm is installed and somebody looks, else a line now and then."""

    def __init__(self, total):
        self.total, self.done, self.start, self.last = total, 0, time.monotonic(), time.monotonic()
        self.bar = None
        if sys.stderr.isatty():
            try:
                from tqdm import tqdm

                self.bar = tqdm(total=total, unit=" machines", smoothing=0.05)
            except ImportError:
                pass

    def step(self, failed):
        self.done += 1
        if self.bar is not None:
            self.bar.update()
            self.bar.set_postfix(failed=failed, refresh=False)
        elif time.monotonic() - self.last > 15 or self.done == self.total:
            self.last = time.monotonic()
            rate = self.done / (self.last - self.start)
            left = (self.total - self.done) / rate
            self.say(
                f"{self.done:,} of {self.total:,} machines, {failed} failed, about {left / 60:.1f} minutes left"
            )

    def say(self, text):
        if self.bar is not None:
            self.bar.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self):
        if self.bar is not None:
            self.bar.close()


class Campaign:
    """Machines of consecutive seeds, and what became of them."""

    def __init__(
        self,
        count,
        seed,
        jobs,
        limit=LIMIT,
        planted=None,
        deferred=True,
        progress=None,
        shrunk=SHRUNK,
        shrinking=ENOUGH,
    ):
        self.seeds = queue.SimpleQueue()
        for k in range(count):
            self.seeds.put(round(seed * STRIDE) + k)
        self.jobs, self.limit, self.planted, self.deferred = jobs, limit, planted, deferred
        self.progress, self.shrunk, self.shrinking = progress, shrunk, shrinking
        self.lock, self.stopped = threading.Lock(), False
        self.passed = self.compared = self.unclear = 0
        self.faults = collections.Counter()
        self.reports = []  # (kind, text, script)

    def run(self):
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self.jobs)]
        for t in threads:
            t.start()
        try:
            for t in threads:
                while t.is_alive():
                    t.join(0.2)
        except KeyboardInterrupt:
            self.stopped = True
            for t in threads:
                t.join()
        return self

    def _work(self):
        with Worker(self.limit, self.planted, self.deferred) as worker:
            while not self.stopped:
                try:
                    seed = self.seeds.get_nowait()
                except queue.Empty:
                    return
                self._one(worker, seed)

    def _one(self, worker, seed):
        outcome = worker.seed(seed)
        with self.lock:
            if outcome.kind is None:
                self.passed += 1
                self.compared += outcome.compared
                self.unclear += outcome.unclear
            else:
                self.faults[outcome.kind] += 1
            wanted = outcome.kind is not None and self.faults[outcome.kind] <= self.shrunk
        if wanted:
            small, text = generate(seed), ""
            if outcome.kind != "tester":
                with Worker(min(self.limit, SHRINKING), self.planted, self.deferred) as other:
                    small, text = shrink(small, other, outcome.kind, self.shrinking)
            reason = f"{outcome.kind} (machine {seed}): {text or outcome.text}"
            with self.lock:
                self.reports.append((outcome.kind, reason, script(small, reason)))
                if self.progress:
                    self.progress.say(f"\n{'-' * 100}\n{self.reports[-1][2]}{'-' * 100}")
        if self.progress:
            with self.lock:
                self.progress.step(self.faults.total())


def main():
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("-n", type=int, default=1000, help="how many machines")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for one machine")
    parser.add_argument(
        "--at-once", action="store_true", help="compare what is computed at the call with NumPy, and no more"
    )
    parser.add_argument(
        "--only", type=int, metavar="MACHINE", help="check one machine, by the number that a fault names"
    )
    parser.add_argument("--show", type=int, metavar="MACHINE", help="print one machine")
    args = parser.parse_args()
    if args.show is not None:
        print(script(generate(args.show), f"machine {args.show}"))
        return 0
    if args.only is not None:
        args.n, args.seed = 1, args.only / STRIDE
    progress = Progress(args.n)
    campaign = Campaign(
        args.n, args.seed, args.jobs, args.limit, deferred=not args.at_once, progress=progress
    ).run()
    progress.close()
    run = campaign.passed + campaign.faults.total()
    print(
        f"{campaign.passed:,} of {run:,} machines passed in {(time.monotonic() - progress.start) / 60:.1f} minutes;",
        end=" ",
    )
    print(
        f"{campaign.compared:,} values compared with NumPy, {campaign.unclear:,} of them not well determined"
    )
    for kind, count in campaign.faults.most_common():
        print(f"{count:6,}  {kind}")
    return 0 if campaign.passed == args.n else 1


if __name__ == "__main__":
    sys.exit(main())
