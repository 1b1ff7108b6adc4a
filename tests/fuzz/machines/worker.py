"""A child process seen from outside: it is given machines, watched, killed when it takes too long, and started anew.

What counts is the processor time of the child, for a busy computer is no fault of a program's; a child that waits for
something that never comes is stopped by the clock, much later.
"""

import dataclasses
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(os.path.dirname(HERE))
SANITIZED = "asan" in os.environ.get("LD_PRELOAD", "")
LIMIT = 200.0 if SANITIZED else 20.0  # seconds of processors for one machine
WAITING = 10  # times as long by the clock
START = 60.0 if SANITIZED else 6.0  # where everything is imported, which is not what is judged
TRUTH = 10  # times as long for NumPy, whose noisy runs are many, and which is not what is judged
TICK = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Outcome:
    kind: str | None  # None: all is well
    text: str = ""
    compared: int = 0
    unclear: int = 0


class Worker:
    """`planted`: Python that the child runs first, for tests of the tester."""

    def __init__(self, limit=LIMIT, planted=None, deferred=True):
        self.limit, self.planted, self.deferred = limit, planted, deferred
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        paths = [TESTS, *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        command = [
            sys.executable,
            "-X",
            "faulthandler",
            "-m",
            "fuzz.machines.child",
            *filter(None, [self.planted]),
        ]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=environment
        )
        self.rest = b""

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.errors.close()
            self.process = None

    def seed(self, seed):
        return self._ask({"seed": seed})

    def program(self, program):
        return self._ask({"program": program.dump()})

    def _ask(self, request):
        if self.process is None:
            self.start()
        try:
            self.process.stdin.write(json.dumps(request | {"deferred": self.deferred}).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return self._crashed("the start")
        self.begun, stage = (self._processors(), time.monotonic()), "the start"
        while True:
            limit = self.limit * (TRUTH if stage == "the truth" else 1)
            if stage == "the start":
                limit = max(limit, START)
            line = self._line(limit)
            if line is None:
                self.stop()
                return Outcome("hang", f"{stage}: nothing after {limit:.0f} s")
            if line == b"":
                return self._crashed(stage)
            answer = json.loads(line)
            if "stage" not in answer:
                return Outcome(**answer)
            if stage == "the start":  # everything is imported
                self.begun = self._processors(), time.monotonic()
            stage = answer["stage"]

    def _processors(self):
        """Seconds that the child has computed for."""
        with open(f"/proc/{self.process.pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def _line(self, limit):
        """The next line; b"" at the end of the stream, None when the time is over."""
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], min(limit / 5, 0.5))
            if not ready:
                computed, waited = self._processors() - self.begun[0], time.monotonic() - self.begun[1]
                if computed > limit or waited > WAITING * limit:
                    return None
                continue
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            if not more:
                return b""
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line

    def _crashed(self, stage):
        code = self.process.wait()
        self.errors.seek(0)
        said = self.errors.read()[-6000:].decode(errors="replace")
        self.stop()
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        if "Sanitizer" in said or "runtime error:" in said:
            name = "sanitizer"
            return Outcome(f"crash {name}", f"{stage}: {said.strip()}")
        line = re.search(r'"<machine \d+>", line (\d+)', said)
        return Outcome(
            f"crash {name}",
            f"{stage}: {name}" + (f" in line {line[1]} of the program" if line else f"\n{said}"),
        )
