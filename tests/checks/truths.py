"""What derivatives are compared with."""

import differences
import numpy as np

from .case import array_of, flat
from .modes import forward, reverse

STEP = 5e-4  # of differences
ELEMENTS = 24  # of an operand whose gradient is compared one by one; of a larger one, so many


class Truth:
    """What is true of a case: for each name in Mode a list of arrays, or None where it is unknown.

    A kind of truth says what happens `along` directions, and `along_twice`; what is pulled back follows from it,
    element by element. Elements that nobody asked for are NaN.
    """

    tolerance = 1e-7

    def values(self, case):
        return case.values()

    def along(self, case, v):
        return None

    def along_twice(self, case, v, w):
        return None

    def pushed(self, case):
        return self.along(case, case.v)

    def pushed_twice(self, case):
        return self.along_twice(case, case.v, case.w)

    def pulled(self, case):
        return self._elements(case, lambda e: self.along(case, e))

    def pulled_twice(self, case):
        return self._elements(case, lambda e: self.along_twice(case, case.v, e))

    def _elements(self, case, along):
        found = []
        for i in case.wanted:
            finite = np.isfinite(case.arrays[i])
            gradient = np.where(finite, np.nan, 0.0)  # nothing moves what is not finite
            places = np.flatnonzero(finite)
            if len(places) > ELEMENTS:
                places = np.random.default_rng(0).choice(places, ELEMENTS, replace=False)
            for place in places:
                direction = [np.zeros(a.shape) for a in case.arrays]
                direction[i].flat[place] = 1
                tangents = along(direction)
                if tangents is None:
                    return None
                gradient.flat[place] = sum((u * t).sum() for u, t in zip(case.u, tangents, strict=True))
            found.append(gradient)
        return found


class Agreement(Truth):
    """Nothing is known but the values."""


class Differences(Truth):
    """Differences of the values: of f's own, or of those of a function of NumPy.

    Second derivatives are differences of the first, which are compared by themselves.
    """

    def __init__(self, of=None, step=STEP):
        self.of, self.step = of, step

    def values(self, case):
        return _arrays(self.of(*case.arrays)) if self.of else case.values()

    def along(self, case, v):
        return self.difference(lambda h: self.values(case.moved(h, v)))

    def pushed_twice(self, case):
        return self.difference(lambda h: list(map(array_of, forward(case.moved(h, case.w)))))

    def pulled_twice(self, case):
        return self.difference(lambda h: list(map(array_of, reverse(case.moved(h, case.v)))))

    def difference(self, function):
        """The slope at 0; it is trusted if it does not change when the step is halved."""
        with np.errstate(invalid="ignore"):  # infinity - infinity: unknown
            coarse, fine = (differences.slope(function, step) for step in (self.step, self.step / 2))
            for a, b in zip(coarse, fine, strict=True):
                doubt = np.abs(a - b) > self.tolerance * (1 + np.abs(b))
                assert not doubt.any(), "differences do not settle: is there a kink near the point?"
        return fine


class ComplexStep(Truth):
    """f(x + ih) has the slope in its imaginary part, with no difference; `of` is f for complex arrays of NumPy."""

    tolerance = 1e-8
    STEP = 1e-30

    def __init__(self, of):
        self.of = of

    def values(self, case):
        return [np.real(y) for y in _arrays(self.of(*case.arrays))]

    def along(self, case, v):
        moved = [
            a.astype(complex) if a.dtype.kind == "f" else a for a in case.moved(1j * self.STEP, v).arrays
        ]
        return [np.imag(y) / self.STEP for y in _arrays(self.of(*moved))]

    def along_twice(self, case, v, w):
        return Differences().difference(lambda h: self.along(case.moved(h, w), v))


class Closed(Truth):
    """The derivative as the caller states it: `first(*v)` of a direction for each operand, and `second(v, w)` of two
    lists of them; it may be 0, which says that it vanishes, or None, which says nothing.
    """

    tolerance = 1e-13

    def __init__(self, first, second=None):
        self.first, self.second = first, second

    def along(self, case, v):
        return _arrays(self.first(*v))

    def along_twice(self, case, v, w):
        if self.second == 0:
            return [np.zeros_like(u) for u in case.u]
        return self.second and _arrays(self.second(v, w))


def _arrays(found):
    return [np.asarray(y) for y in flat(found)]
