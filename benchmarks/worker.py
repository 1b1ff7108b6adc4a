"""A library in a process of its own, which takes a step when it is told to and idles while others run.

Processes differ in their environment (malloc's thresholds) and cannot disturb each other's caches and threads, and
yet their steps interleave: the parent asks each in turn. Requests and answers are pickled tuples over pipes.

`python -m benchmarks.worker PEER` is such a process. `python -m benchmarks.worker PEER WORK SIZE DTYPE` measures
instead how far the process grows during one step, and prints it.
"""

import contextlib
import ctypes
import gc
import importlib.metadata
import os
import pickle
import statistics
import subprocess
import sys
import time

import numpy as np

SAMPLE = 4096


class Refused(Exception):
    """The peer is not installed, or does not know the work, or failed; the text says which."""


# The parent's side.


class Remote:
    """A worker, started; `prepare`, `turn` and `release` run in it. Another module may bring a server of its own."""

    def __init__(self, peer, module=None, environment=None):
        from benchmarks.fusion_peers import ENVIRONMENT

        self.peer = peer
        self.process = subprocess.Popen(
            [sys.executable, "-m", *([module, "--serve"] if module else ["benchmarks.worker", peer])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if peer == "torch-compile" else None,  # its warnings are many
            env={**os.environ, **(ENVIRONMENT.get(peer, {}) if environment is None else environment)},
        )
        self.version = self._answer()

    def _answer(self):
        try:
            kind, content = pickle.load(self.process.stdout)
        except EOFError:
            raise Refused(f"{self.peer}: the process ended with status {self.process.wait()}") from None
        if kind == "refused":
            raise Refused(f"{self.peer}: {content}")
        return content

    def ask(self, *request):
        pickle.dump(request, self.process.stdin)
        self.process.stdin.flush()
        return self._answer()

    def prepare(self, name, size, dtype):
        """Seconds of the first call and of a later one, and a sample of what the first one returned; or None."""
        return self.ask("prepare", name, size, dtype)

    def turn(self, duration):
        """Seconds of one step, from as many as fill the duration."""
        return self.ask("turn", duration)

    def release(self):
        return self.ask("release")

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def growth(peer, name, size, dtype):
    """Bytes by which the process grows in one step, at its peak, and the bytes of the inputs and the results."""
    from benchmarks.fusion_peers import ENVIRONMENT

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", peer, name, str(size), dtype],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ if peer == "torch-compile" else {**os.environ, **ENVIRONMENT.get(peer, {})},
    )
    if done.returncode:
        raise Refused(f"{peer}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'}")
    return tuple(int(number) for number in done.stdout.split()[-3:])


# The worker's side.


class Server:
    def __init__(self, name):
        from benchmarks.fusion_peers import NEEDS, PEERS

        self.peer = PEERS[name]()
        self.version = _version(NEEDS.get(name, name))
        self.step = None
        self.later = None

    def prepare(self, name, size, dtype):
        from benchmarks.fusion_work import WORK

        work = WORK[name]
        self.step = self.peer.prepare(work, work.arrays(size, dtype))
        if self.step is None:
            return None
        first, results = _timed(self.step)
        arrays = [self.peer.array(result) for result in results]
        samples = [_sample(array) for array in arrays]
        del results, arrays
        self.later = statistics.median(_timed(self.step)[0] for _ in range(3 if first < 1 else 1))
        return first, self.later, samples

    def turn(self, duration):
        repetitions = max(1, round(duration / self.later))
        if self.later < 0.2:
            self.step()  # others have used the caches since our last turn
        gc.disable()
        start = time.perf_counter()
        for _ in range(repetitions):
            self.step()
        self.later = (time.perf_counter() - start) / repetitions
        gc.enable()
        return self.later

    def release(self):
        """Give the memory of this work back."""
        self.step = None
        _trim()


def _timed(step):
    start = time.perf_counter()
    results = step()
    return time.perf_counter() - start, results


def _sample(array):
    flat = np.asarray(array).reshape(-1)
    return flat[np.linspace(0, flat.size - 1, min(flat.size, SAMPLE)).astype(int)].astype(float)


def _trim():
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _version(name):
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return getattr(importlib.import_module(name), "__version__", "")


def _status(field):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith(field + ":"))


def _grow(peer, name, size, dtype):
    from benchmarks.fusion_peers import PEERS
    from benchmarks.fusion_work import WORK

    work, peer = WORK[name], PEERS[peer]()
    size = int(size) if size.isdigit() else size
    inputs = work.arrays(size, dtype)
    bytes_in = sum(a.nbytes for a in inputs.values() if isinstance(a, np.ndarray))
    peer.warm = lambda tensors: None
    if peer.compiles:
        step = peer.prepare(work, inputs)
        step()
        peer.forget()
    else:  # whatever a library sets up at its first use is not the step's
        peer.prepare(work, work.arrays(work.quick[0], dtype))()
        step = peer.prepare(work, inputs)
    del inputs
    _trim()
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")  # the peak starts anew
    before = _status("VmRSS")
    results = step()
    peak = _status("VmHWM") - before
    bytes_out = sum(peer.array(result).nbytes for result in results)
    print(peak, bytes_in, 0 if work.kind in ("update", "train") else bytes_out)


def serve(make):
    """Answer requests by the methods of what `make` makes."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not mix with the answers

    def answer(kind, content):
        pickle.dump((kind, content), answers)
        answers.flush()

    try:
        server = make()
    except ImportError as error:
        return answer("refused", f"not installed ({error})")
    answer("done", server.version)
    while True:
        try:
            what, *arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return None
        try:
            answer("done", getattr(server, what)(*arguments))
        except Exception as error:
            server.step = None
            answer(
                "refused",
                f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}",
            )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        _grow(*sys.argv[1:])
    else:
        serve(lambda: Server(sys.argv[1]))
