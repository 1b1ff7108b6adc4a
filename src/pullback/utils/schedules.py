"""Which states of a loop to keep, so that it can be walked backwards with few steps done again.

A loop of n steps is to be reversed with room for s of its states, the first included. A step is reversed where its state
is at hand; other states are computed again from the nearest one that is kept. With room for s states and r repetitions of
any step

    beta(s, r) = (s + r)! / (s! r!)

steps can be reversed, and the fewest steps forward that reversing n takes are

    t(n, s) = r n - beta(s + 1, r - 1)        for beta(s, r - 1) < n <= beta(s, r)

where the first way through to the last state counts, and the reversed steps themselves do not. `split` says where
the second state goes so that this is reached; each side is a loop of the same kind. Griewank and Walther, Algorithm
799: Revolve, ACM Transactions on Mathematical Software 26 (2000).

If n is not known, `Online` says while steps go on which states to keep: Wang, Moin and Iaccarino, Minimal repetition
dynamic checkpointing algorithm for unsteady adjoint calculation, SIAM Journal on Scientific Computing 31 (2009). No step
is done more than once more often. On the way back n is known, and the space between two states is a loop of the
first kind.
"""

from __future__ import annotations

from math import comb

from ..messages.missing import missing

__all__ = ["Online", "advances", "repetitions", "split"]


def _beta(s: int, r: int) -> int:
    return comb(s + r, s) if r >= 0 else 0


def _check(n: int, s: int) -> None:
    if n < 0 or s < 1:
        raise ValueError(
            f"a loop of n = {n} steps with room for s = {s} states: n is at least 0, s at least 1."
        )


def repetitions(n: int, s: int) -> int:
    """How often a step is done forward at most, r, when n steps are reversed with s states.

    Raises ValueError for negative n, and s below 1.

    Example:
        >>> from pullback.utils.schedules import repetitions
        >>> repetitions(100, 100), repetitions(100, 10), repetitions(100000, 10)
        (1, 3, 10)
    """
    _check(n, s)
    r = 0
    while _beta(s, r) < n:
        r += 1
    return r


def advances(n: int, s: int) -> int:
    """The fewest steps forward that reversing n steps with s states takes, t(n, s).

    Raises ValueError for negative n, and s below 1.

    Example:
        >>> from pullback.utils.schedules import advances
        >>> advances(10, 10), advances(10, 3), advances(10, 1)
        (9, 15, 45)
    """
    r = repetitions(n, s)
    return r * n - _beta(s + 1, r - 1)


def split(n: int, s: int) -> int:
    """How far the second state is from the first, when n >= 2 steps are reversed with s >= 2 states.

    Raises ValueError for fewer.

    Example:
        >>> from pullback.utils.schedules import advances, split
        >>> m = split(10, 3)
        >>> m, m + advances(m, 3) + advances(10 - m, 2) == advances(10, 3)
        (4, True)
    """
    if n < 2 or s < 2:
        raise ValueError(f"nothing to choose for n = {n} steps and s = {s} states: both are at least 2.")
    r = repetitions(n, s)
    return min(_beta(s, r - 1), n - _beta(s - 1, r - 1))


class Online:
    """Which states to keep of a loop whose length is not known, with room for s of them.

    ``keep(k)`` is called for k = 0, 1, 2, ... as state k is reached, and gives what is to be forgotten for it: a
    state, k itself, which is not kept then, or None. `kept` are the numbers of those that are.

    Raises ValueError for s below 1.

    Example:
        >>> from pullback.utils.schedules import Online
        >>> online = Online(3)
        >>> [online.keep(k) for k in range(8)], online.kept
        ([None, None, None, 2, 1, 4, 5, 3], [0, 6, 7])
    """

    def __init__(self, s: int) -> None:
        _check(0, s)
        self.s = s
        self.kept: list[int] = []
        self.levels: list[float] = []

    def keep(self, k: int) -> int | None:
        """Decide about state k, the next one.

        Example:
            >>> from pullback.utils.schedules import Online
            >>> online = Online(1)
            >>> online.keep(0), online.keep(1)
            (None, 1)
        """
        level = float("inf") if k == 0 else 0
        forgotten = None
        if len(self.kept) == self.s:
            if self.s == 1:
                return k
            place = self._dispensable()
            if place is None:  # the last makes room, and the new one takes its rank and one more
                place = self.s - 1
                level = self.levels[place] + 1
            forgotten = self.kept.pop(place)
            self.levels.pop(place)
        self.kept.append(k)
        self.levels.append(level)
        return forgotten

    def _dispensable(self) -> int | None:
        """The last state that is followed by one of a higher level."""
        highest = -1.0
        for place in range(len(self.kept) - 1, -1, -1):
            if self.levels[place] < highest:
                return place
            highest = max(highest, self.levels[place])
        return None


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
