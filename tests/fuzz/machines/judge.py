"""Whether what a machine computed is right: as the truth in NumPy says, within what rounding explains.

The truth runs exactly, and where pullback's result is not within a few roundings of that, once more with noise. Where
the two differ by d, a correct float32 or float64 program may differ by some multiple of it; an element is wrong when it is
farther off. A decision may fall otherwise than in both runs, so before anything is called wrong, more noisy runs are
asked, in which near decisions turn by chance.
Values that these runs do not determine at all are counted, and not compared.
"""

import numpy as np
from fuzz.machines import operators
from fuzz.machines.language import numbers
from fuzz.machines.tape import UNIT, Noise

LARGEST = {"float32": 1e37, "float64": 1e300}  # beyond, one may overflow where the other does not
EASY = 50  # rounding units of the largest element: near enough without a noisy run
MORE = 10, 60  # then so many: where noise falls to the other side in one run of twenty, too
UNDETERMINED = 0.05  # a tolerance of this part of the size of a value, and more: chance decides there
CHAOTIC = 0.02  # where chance decides this part of the elements of a value, it may decide all of them


class Truth:
    """What the truth sees of a program, run by run."""

    def __init__(self, program, rounds):
        self.program, self.rounds = program, rounds
        self.unit = UNIT["float32" if "float" in program.text().replace("float64", "") else "float64"]
        self.exact = self.run(None)
        self.noisy = []

    def run(self, noise):
        seen = []
        see = lambda name, t: seen.append((name, t.read()))
        make = lambda seed, shape, dtype, requires_grad=False: operators.leaf(
            numbers(seed, shape, dtype), requires_grad
        )
        with operators.run(noise) as module:
            self.program.function()(module, make, see, self.rounds)
        return seen

    def with_noise(self, runs):
        """So many noisy runs: in the first all near decisions turn, in the others some."""
        while len(self.noisy) < runs:
            k = len(self.noisy)
            self.noisy.append(self.run(Noise(k, 0.5 if k else 1.0, self.unit)))

    def size(self, k):
        """The largest finite element of the k-th thing seen."""
        data = np.abs(self.exact[k][1].data.astype(np.float64))
        return np.max(data, initial=0, where=np.isfinite(data))

    def tolerance(self, k):
        """How far each element of the k-th thing seen may be off."""
        value = self.exact[k][1]
        exact = value.data.astype(np.float64)
        spread = np.zeros(exact.shape)
        for run in self.noisy:
            if len(run) <= k or run[k][1].shape != exact.shape:
                return np.full(exact.shape, np.inf)
            spread = np.maximum(spread, np.abs(run[k][1].data.astype(np.float64) - exact))
        inside = np.abs(exact) < LARGEST.get(value.dtype, np.inf)
        spread = np.where(inside & np.isfinite(spread), spread, np.inf)
        finite = spread[np.isfinite(spread)]
        usual = np.quantile(finite, 0.8) if finite.size else 0.0
        unit = UNIT.get(value.dtype, 0)
        allowed = 20 * spread + 50 * usual + 16 * unit * self.size(k) + unit**2  # what vanishes may at once
        chance = allowed > UNDETERMINED * max(self.size(k), 1e-3)
        # Among elements that chance decides, others may be so in a run of a thousand, as where `maximum` hides them.
        return np.full(exact.shape, np.inf) if chance.mean() > CHAOTIC else np.where(chance, np.inf, allowed)


def verdict(program, seen, rounds):
    """(what is wrong or None, how many values were compared, how many were not determined)"""
    truth = Truth(program, rounds)
    names, expected = [s.name for s in seen], [name for name, _ in truth.exact]
    if names != expected:
        return f"the truth has seen {len(expected)} values, pullback {len(names)}", 0, 0
    compared = unclear = 0
    for k, s in enumerate(seen):
        value = truth.exact[k][1]
        if (s.dtype, s.array.shape) != (value.dtype, value.shape):
            return (
                f"{s.name} is {s.dtype} {s.array.shape}, should be {value.dtype} {value.shape}",
                compared,
                unclear,
            )
        if s.requires_grad != value.wanted:
            return f"{s.name} has requires_grad={s.requires_grad}", compared, unclear
        compared += 1
        if not far(s, truth, k, EASY * UNIT.get(value.dtype, 0) * truth.size(k)):
            continue
        for runs in (1, *MORE):
            truth.with_noise(runs)
            if not far(s, truth, k, truth.tolerance(k)):
                unclear += bool(np.isinf(np.median(truth.tolerance(k))))
                break
        else:
            return explained(s, truth, k), compared, unclear
    return None, compared, unclear


def distance(s, truth, k):
    return np.abs(s.array.astype(np.float64) - truth.exact[k][1].data)


def far(s, truth, k, allowed):
    with np.errstate(all="ignore"):
        return not ((distance(s, truth, k) <= allowed) | np.isinf(allowed)).all()


def explained(s, truth, k):
    with np.errstate(all="ignore"):
        off, allowed = distance(s, truth, k), truth.tolerance(k)
        excess = np.where(np.isnan(off), np.inf, off) / np.maximum(allowed, 1e-300)
    at = np.unravel_index(np.argmax(excess), excess.shape) if excess.shape else ()
    element = f"{s.name}[{', '.join(map(str, at))}]" if at else s.name
    right = truth.exact[k][1].data[at]
    return f"{element} (seen as number {k}) is {s.array[at]!s}, NumPy in float64 says {right!s}, to within {allowed[at]:.1e}"
