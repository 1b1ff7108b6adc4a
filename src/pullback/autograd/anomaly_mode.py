"""Anomaly mode: find the operation whose derivative produced a NaN."""

import warnings

from .. import _core
from .grad_mode import NeedsCall


class detect_anomaly(metaclass=NeedsCall):
    """Check every gradient for NaN as it is computed, and say which operation made the first one.

    With `check_nan` a backward pass raises RuntimeError at the first node that returns NaN, and names it. Whatever a
    node raises, a warning shows the lines of the program that recorded that node. Slow: for debugging, as another
    warning says.

    Example:
        >>> x = pb.tensor([0.0], requires_grad=True)
        >>> with pb.autograd.detect_anomaly():
        ...     (pb.sqrt(x) * 0 * float("inf")).sum().backward()
        Traceback (most recent call last):
            ...
        RuntimeError: Function 'MulBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan=True):
        self.mode = True, bool(check_nan)
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self):
        self.before = _core.set_anomaly(*self.mode)

    def __exit__(self, *error):
        _core.set_anomaly(*self.before)


class set_detect_anomaly(metaclass=NeedsCall):
    """Anomaly mode on or off: at once as a function, for a block as a context manager.

    Example:
        >>> with pb.autograd.set_detect_anomaly(True):
        ...     pb.autograd.is_anomaly_enabled()
        True
        >>> pb.autograd.is_anomaly_enabled()
        False
    """

    def __init__(self, mode, check_nan=True):
        self.before = _core.set_anomaly(bool(mode), bool(check_nan))

    def __enter__(self):
        return None

    def __exit__(self, *error):
        _core.set_anomaly(*self.before)


def is_anomaly_enabled():
    """Whether anomaly mode is on.

    Example:
        >>> pb.is_anomaly_enabled()
        False
    """
    return _core.anomaly()[0]


def is_anomaly_check_nan_enabled():
    """Whether anomaly mode looks for NaN, where it is on.

    Example:
        >>> with pb.autograd.set_detect_anomaly(True, check_nan=False):
        ...     pb.is_anomaly_check_nan_enabled()
        False
    """
    return _core.anomaly()[1]
