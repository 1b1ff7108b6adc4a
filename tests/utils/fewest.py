"""What no schedule of a loop with a budget can do better than."""

import functools


@functools.lru_cache(None)
def fewest(n, s):
    """Steps forward for reversing n steps with s states, the first included: by trying all that may be done."""
    if n <= 1:
        return 0
    if s == 1:
        return n * (n - 1) // 2
    return min(m + fewest(m, s) + fewest(n - m, s - 1) for m in range(1, n))
