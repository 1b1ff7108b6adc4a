"""One machine, checked in this process: at once, beside the truth, deferred, and deferred for more rounds.

What must hold is stated once, here. A fault has a kind, which shrinking keeps, and a text.
"""

import dataclasses
import gc
import time
import warnings

import numpy as np
from fuzz.machines import judge
from fuzz.machines.language import WIDER, numbers

import pullback as pb
from pullback import _core

VISITS = 16  # planning's visits of expressions, for each that is made
EXECUTED = 2  # instructions that run, for each that is recorded
CONSTANT = 256
GROWTH = 1.5  # work per round in four times the rounds, over that before
SLOWER = 10  # time deferred, over time at once: a gross fault; SECONDS is what noise may add
SECONDS = 1.0
PENDING_BYTES = 160 << 20  # what only pending work may keep alive, and some air


class Fault(Exception):
    def __init__(self, kind, text):
        super().__init__(text)
        self.kind, self.text = kind, text


@dataclasses.dataclass
class Seen:
    name: str
    dtype: str
    looks: tuple  # strides, version, graph
    requires_grad: bool
    array: np.ndarray

    @classmethod
    def of(cls, name, t):
        if not isinstance(t, pb.Tensor):
            return cls(name, type(t).__name__, (), False, np.array(t))
        strides = tuple(s for s, n in zip(t.stride(), t.shape) if n > 1)
        node = t.grad_fn.name() if t.grad_fn is not None else None
        looks = (strides, t._version, t.is_leaf, node)
        dtype = str(t.dtype).split(".")[-1]
        held = t.detach().to(getattr(pb, WIDER[dtype])) if dtype in WIDER else t.detach()
        return cls(name, dtype, looks, t.requires_grad, np.array(held.numpy()))

    def same(self, other):
        return (
            (self.name, self.dtype, self.looks, self.requires_grad, self.array.shape)
            == (other.name, other.dtype, other.looks, other.requires_grad, other.array.shape)
            and self.bits() == other.bits()
        )  # fmt: skip

    def bits(self):
        """The bytes; which of its operands' not-a-numbers a sum passes on is the processor's affair."""
        a = self.array
        if a.dtype.kind == "c":
            a = np.ascontiguousarray(a).view(a.real.dtype)
        return (
            np.where(np.isnan(a), np.nan, a).astype(a.dtype).tobytes() if a.dtype.kind == "f" else a.tobytes()
        )


@dataclasses.dataclass
class Run:
    seen: list
    error: str | None
    seconds: float  # of processors: others may be busy with something else
    counted: dict
    left: tuple  # pending expressions and bytes that remain
    peak: int


def make(seed, shape, dtype, requires_grad=False):
    made = pb.tensor(numbers(seed, shape, dtype))
    return (made.to(getattr(pb, dtype)) if dtype in WIDER else made).requires_grad_(requires_grad)


def run(program, immediate, rounds=None):
    function = program.function()
    rounds = program.rounds if rounds is None else rounds
    before, threads = _core.deferral(immediate, program.threshold), pb.get_num_threads()
    pb.set_num_threads(program.threads)
    start, seen, error = (_core.pending(), pb.memory.allocated()), [], None
    counted, clock = _core.counters(), time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of backward with create_graph, about cycles
            function(pb, make, lambda name, t: seen.append(Seen.of(name, t)), rounds)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
        raised.__traceback__ = None
    finally:
        seconds = time.process_time() - clock
        _core.deferral(*before)
        pb.set_num_threads(threads)
    counted = {key: value - counted[key] for key, value in _core.counters().items()}
    if (_core.pending(), pb.memory.allocated()) != start:
        gc.collect()
    left = (_core.pending() - start[0], pb.memory.allocated() - start[1])
    return Run(seen, error, seconds, counted, left, pb.memory.peak())


def finished(result, where):
    if result.error is not None:
        raise Fault("error " + result.error.split(":")[0], f"{where}: {result.error}")
    return result


def check(program, stage=lambda name: None, deferred=True):
    """Raises the first fault; gives how many values were compared with the truth, and how many were not determined."""
    stage("at once")
    at_once = finished(run(program, True), "at once")
    compared = unclear = 0
    if program.judged:
        stage("the truth")
        wrong, compared, unclear = judge.verdict(program, at_once.seen, program.rounds)
        if wrong:
            raise Fault("wrong value", wrong)
    if deferred:
        as_deferred(program, at_once, stage)
        for threshold in program.also:
            stage(f"at once, from {threshold} bytes")
            other = program.replaced(threshold=threshold)
            as_deferred(other, finished(run(other, True), "at once"), stage)
        if program.long:
            stage("200 rounds")
            growth(program)
    return compared, unclear


def as_deferred(program, at_once, stage):
    stage(f"deferred, from {program.threshold} bytes")
    deferred = finished(run(program, False), "deferred")
    compare(at_once, deferred)
    work(deferred.counted)
    if deferred.seconds > SLOWER * at_once.seconds + SECONDS:
        raise Fault("slow", f"{deferred.seconds:.1f} s deferred, {at_once.seconds:.1f} s at once")


def compare(at_once, deferred):
    for k, (a, b) in enumerate(zip(at_once.seen, deferred.seen)):
        if not a.same(b):
            raise Fault("other bits deferred", f"number {k}: {difference(a, b)}")
    if len(at_once.seen) != len(deferred.seen):
        raise Fault("other bits deferred", f"{len(at_once.seen)} and {len(deferred.seen)} values seen")
    if at_once.left != (0, 0):
        raise Fault("memory", f"at once, (expressions, bytes) that remain: {at_once.left}")
    if deferred.left != (0, 0):
        raise Fault("memory", f"deferred, (expressions, bytes) that remain: {deferred.left}")
    if deferred.peak > at_once.peak + PENDING_BYTES:
        raise Fault("memory", f"{deferred.peak} bytes at most deferred, {at_once.peak} at once")


def difference(a, b):
    for field in ("name", "dtype", "looks", "requires_grad"):
        if getattr(a, field) != getattr(b, field):
            return f"{a.name} has {field} {getattr(a, field)} at once, {getattr(b, field)} deferred"
    if a.array.shape != b.array.shape:
        return f"{a.name} has shape {a.array.shape} at once, {b.array.shape} deferred"
    x, y = a.array.reshape(-1), b.array.reshape(-1)
    differ = np.array([p.tobytes() != q.tobytes() for p, q in zip(x, y)])
    k = int(np.argmax(differ))
    return f"{differ.sum()} of {x.size} elements of {a.name} differ: element {k} is {x[k]!s} at once, {y[k]!s} deferred"


def work(counted):
    """The guarantees of planning, for a whole program."""
    visits, made = counted["visits"], counted["expressions"]
    if visits > VISITS * made + CONSTANT:
        raise Fault("visits", f"planning visited {visits} expressions, {made} were made")
    executed, recorded = counted["executed"], counted["recorded"]
    if executed > EXECUTED * recorded + CONSTANT:
        raise Fault("executed", f"{executed} instructions ran, {recorded} were recorded")


def growth(program):
    """Four times the rounds may cost four times the work: from 50 rounds on, or at least from 200 or 800 on.

    Small work is put off where there is large work to run it with, so a program may come into its stride late: where it
    does at the 200th round, 600 of 800 rounds are in it, and none of 200.
    """
    runs = [finished(run(program, False, 50), "50 rounds")]
    for rounds in (200, 800, 3200):
        runs.append(finished(run(program, False, rounds), f"{rounds} rounds"))
        if not (grown := grows(runs[-2], runs[-1])):
            break
    else:
        raise Fault("growth", f"{grown} in four times the rounds, thrice")
    for each in runs:
        work(each.counted)


def grows(short, long):
    """What of the longer run, of four times as many rounds, is more than four times as much; None if nothing is."""
    for key in ("visits", "executed"):
        if long.counted[key] > 4 * GROWTH * short.counted[key] + CONSTANT:
            return f"{short.counted[key]} and then {long.counted[key]} {key}"
    if long.seconds > 4 * 4 * short.seconds + SECONDS:
        return f"{short.seconds:.2f} s and then {long.seconds:.2f} s"
    return None
