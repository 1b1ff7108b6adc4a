"""A sample run by both libraries: what a program sees of it agrees, or is a difference that is told.

Values first: type and first sentence of an exception, dtype, shape, strides and elements of every result, what was
written. Then, where there is something to differentiate: the gradient of a weighted sum of the results, the gradient of a
weighted sum of that, and the tangents of forward mode. Where the two disagree about a derivative, differences of values
say who is right; where about a narrow number, wider ones do.
"""

import contextlib
import dataclasses
import warnings

import numpy as np

import pullback

from . import errors, table, values
from .derivatives import Derivatives, evaluate, operands, outcome, verdict
from .sample import draw
from .values import BOUNDS, array, is_smooth, is_tensor, name_of, said, shown, strides


@dataclasses.dataclass(frozen=True)
class Difference:
    kind: str  # what differs: "error", "value", "dtype", "shape", "stride", "gradient", ...
    ours: str
    theirs: str
    right: str = ""  # who is
    evidence: str = ""

    def __str__(self):
        judged = f" [{self.right} right: {self.evidence}]" if self.right else ""
        return f"{self.kind}: pullback {self.ours}; PyTorch {self.theirs}{judged}"


def compare(sample):
    """(differences, what was compared: a list of words)."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        done = []
        return [d for d in _differences(sample, done) if d is not None], done


def _differences(sample, done):
    import torch

    given = {lib: operands(lib, sample) for lib in (pullback, torch)}
    (ours, error), (theirs, expected) = (
        outcome(lambda: evaluate(lib, sample, given[lib]))  # noqa: B023
        for lib in (pullback, torch)
    )
    if expected is not None:
        done.append("error")
        if error is None and not errors.LACKS.search(str(expected)):
            yield Difference("no error", "gives a result", errors.told(expected))
        elif error is None:
            done.append("more")
        elif not errors.agree(error, expected, sample, lambda: fails_plain(sample)):
            yield Difference("other error", errors.told(error), errors.told(expected))
        return
    done.append("value")
    if error is not None:
        yield Difference("error", errors.told(error), "gives a result")
        return
    if "empty" in sample.call and "out=" not in sample.call:
        return
    found = compare_results(sample, ours, theirs)
    if found is None and (sample.writes or "out=" in sample.call):
        found = compare_results(
            sample, list(given[pullback].values()), list(given[torch].values()), "written"
        )
    yield found
    if found is None and sample.smooth and "out=" not in sample.call and any(map(is_smooth, theirs)):
        yield from compare_derivatives(sample, done, ours)


def fails_plain(sample):
    import torch

    plain = draw(sample.number % len(table.starts()))
    return outcome(lambda: evaluate(torch, plain, operands(torch, plain)))[1] is not None


HALVES = {"float16", "bfloat16"}
LOOKS = (
    ("dtype", lambda t: name_of(t.dtype)),
    ("shape", lambda t: tuple(t.shape)),
    ("stride", strides),
)


def compare_results(sample, ours, theirs, kind="value", factor=1.0, dtypes=()):
    if len(ours) != len(theirs):
        return Difference(f"{kind}: number of results", str(len(ours)), str(len(theirs)))
    for at, (a, b) in enumerate(zip(ours, theirs)):
        if is_tensor(a) != is_tensor(b):
            return Difference(f"{kind}: type", type(a).__name__, type(b).__name__)
        if not is_tensor(a):
            if said(a) != said(b):
                return Difference(kind, said(a), said(b))
            continue
        for what, look in LOOKS:
            if kind == "tangent" and what == "stride":
                continue
            if look(a) != look(b):
                if kind == "tangent" and what == "dtype" and look(a) == name_of(dtypes[at]):
                    what = "dtype of PyTorch"  # whose tangent has not the dtype of the value
                return Difference(what if kind == "value" else f"{kind}: {what}", str(look(a)), str(look(b)))
        bound = BOUNDS.get(name_of(b.dtype), 0) * factor
        if bound and "out=" in sample.call:  # computed in the dtype of the operands
            bound = max(bound, BOUNDS["float32"])
        if values.close(array(a), array(b), bound):
            continue
        if bound and not rounded_alike(sample, kind, at, array(a), array(b), bound):
            return Difference(kind, shown(array(a)), shown(array(b)))
        if not bound:
            return Difference(kind, shown(array(a)), shown(array(b)))
    return None


def rounded_alike(sample, kind, at, a, b, bound):
    """Whether what differs is rounding: wider numbers, of PyTorch's, are the measure."""
    import torch

    if all(k in values.WIDE for k in sample.kinds.values()):
        return False
    with as_default(torch, torch.float64):  # which whole numbers become where they meet other ones
        return closer_than_theirs(sample, kind, at, a, b, bound)


@contextlib.contextmanager
def as_default(lib, dtype):
    before = lib.get_default_dtype()
    lib.set_default_dtype(dtype)
    try:
        yield
    finally:
        lib.set_default_dtype(before)


def closer_than_theirs(sample, kind, at, a, b, bound):
    import torch

    d = Derivatives(torch, sample, wide=True)
    if kind in ("value", "written"):
        given = operands(torch, sample, wide=True)
        true, error = outcome(lambda: evaluate(torch, sample, given))
        true = true if kind == "value" or error else list(given.values())
    elif kind == "tangent":
        true, error = outcome(d.forward)
    elif kind in ("gradient", "second"):
        true, error = outcome(lambda: d.first() if kind == "gradient" else (0, d.second(*d.first()[1:])))
        true = true and true[1]
    else:
        return False
    if error is not None or not true or len(true) <= at or true[at] is None or not is_tensor(true[at]):
        return False
    return values.is_rounding(a, b, array(true[at]), bound)


# ---- derivatives --------------------------------------------------------------------------------------------------------


def compare_derivatives(sample, done, results):
    import torch

    ours, theirs = Derivatives(pullback, sample), Derivatives(torch, sample)
    (found, error), (known, expected) = outcome(ours.first), outcome(theirs.first)
    if expected is not None or (known[1] is None and error is None):
        done.append("more" if error is None and found[1] is not None else "gradient")
    elif error is not None:
        yield Difference("gradient: error", errors.told(error), "gives one")
    else:
        done.append("gradient")
        if not all(a or not b for a, b in zip(found[0], known[0])):
            yield Difference("requires_grad", str(found[0]), str(known[0]))
        elif found[0] == known[0]:
            difference = compare_gradients("gradient", sample, found[1], known[1], 10)
            yield difference
            if difference is None:
                yield from compare_second(sample, ours, theirs, found[1:], known[1:], done)
    dtypes = [t.dtype for t in results if is_smooth(t)]
    (found, error), (known, expected) = outcome(ours.forward), outcome(theirs.forward)
    if expected is not None:
        done.append("more")
    elif error is not None:
        yield Difference("tangent: error", errors.told(error), "gives one")
    else:
        done.append("tangent")
        difference = compare_results(sample, found, known, "tangent", 10, dtypes)
        yield difference and judged("tangent", sample, difference, found, known)


def compare_second(sample, ours, theirs, found, known, done):
    (a, error), (b, expected) = outcome(lambda: ours.second(*found)), outcome(lambda: theirs.second(*known))
    if expected is not None:
        done.append("more")
    elif error is not None:
        yield Difference("second: error", errors.told(error), "gives one")
    elif a is not None or b is not None:
        done.append("second")
        count = len(found[1])
        yield compare_gradients("second", sample, a or [None] * count, b or [None] * count, 100)


def compare_gradients(kind, sample, ours, theirs, factor):
    for at, (a, b) in enumerate(zip(ours, theirs)):
        if a is None and b is None:
            continue
        if a is None or b is None:  # none, or zeros
            given = array(b if a is None else a)
            if not values.close(np.zeros_like(given), given, 1e-9):
                found = Difference(kind, *("None" if t is None else shown(array(t)) for t in (a, b)))
                return judged(kind, sample, found, ours, theirs)
            continue
        if name_of(a.dtype) != name_of(b.dtype) or tuple(a.shape) != tuple(b.shape):
            looks = [f"{name_of(t.dtype)} {tuple(t.shape)}" for t in (a, b)]
            return Difference(kind + ": dtype or shape", *looks)
        x, y = array(a), array(b)
        bound = BOUNDS[name_of(a.dtype)] * factor
        if not values.close(x, y, bound) and not rounded_alike(sample, kind, at, x, y, bound):
            return judged(kind, sample, Difference(kind, shown(x), shown(y)), ours, theirs)
    return None


def judged(kind, sample, difference, ours, theirs):
    """The difference with its judge; None where pullback is right and PyTorch only rounds, or where there is no derivative."""
    if difference.kind != kind:
        return difference
    narrow = any(k not in values.WIDE for k in sample.kinds.values() if "float" in k or "complex" in k)
    right, evidence = verdict(kind, sample, ours, theirs, 3e-2 if narrow else 2e-4)
    if right == "neither" and evidence.endswith("pullback nan, PyTorch nan"):
        right = "nobody knows"  # somewhere, of elements that are shown or not
    if right == "nobody knows" and "ties" in sample.changed:  # a kink
        return None
    if right == "both" and not HALVES.isdisjoint(sample.changed):  # what cancels is rounding
        return None
    return dataclasses.replace(difference, right=right, evidence=evidence)
