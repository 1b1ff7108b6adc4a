"""Kullback and Leibler's divergence: a table of formulas by pairs of families, `_kl_alike` and `_kl_across`."""

import warnings
from typing import Any

from ..messages.missing import missing
from .distribution import Distribution

__all__ = ["kl_divergence", "register_kl"]

_KL_REGISTRY: dict[tuple[type, type], Any] = {}
_KL_MEMOIZE: dict[tuple[type, type], Any] = {}  # what is known of pairs of subclasses
_filled = False


def _fill():
    """The tables of formulas are loaded when the first one is asked for, or entered."""
    global _filled
    if not _filled:
        _filled = True
        from . import _kl_across, _kl_alike  # noqa: F401


def register_kl(type_p, type_q):
    """A decorator that enters a formula of p and q for two classes, and their subclasses.

    The formula of the nearest classes counts. Raises TypeError for what are no classes of distributions.

    Example:
        >>> class Mine(pb.distributions.Normal):
        ...     pass
        >>> @pb.distributions.register_kl(Mine, Mine)
        ... def kl_mine(p, q):
        ...     return pb.tensor(7.0)
        >>> pb.distributions.kl_divergence(Mine(0.0, 1.0), Mine(0.0, 1.0))
        tensor(7.)
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")
    _fill()  # what is entered by hand replaces what is there

    def decorator(fun):
        _KL_REGISTRY[type_p, type_q] = fun
        _KL_MEMOIZE.clear()
        return fun

    return decorator


def _nearest(matches):
    """The pair of classes of which each is the nearest one to what is asked for, the first class before the second."""
    best = matches[0]
    for match in matches[1:]:
        for own, other in zip(match, best):
            if own is not other:
                best = match if issubclass(own, other) else best
                break
    return best


def _dispatch_kl(type_p, type_q):
    """The formula for two classes, or NotImplemented."""
    matches = [(p, q) for p, q in _KL_REGISTRY if issubclass(type_p, p) and issubclass(type_q, q)]
    if not matches:
        return NotImplemented
    left = _nearest(matches)
    right = _nearest([(q, p) for p, q in matches])[::-1]
    if _KL_REGISTRY[left] is not _KL_REGISTRY[right]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please register_kl({left[0].__name__}, "
            f"{right[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _KL_REGISTRY[left]


def kl_divergence(p, q):
    """The divergence of q from p, the mean of log(p / q) under p, of the shape of the batch; inf where q lacks what p has.

    Raises NotImplementedError for a pair of families whose formula is not known.

    Example:
        >>> p, q = pb.distributions.Normal(0.0, 1.0), pb.distributions.Normal(1.0, 1.0)
        >>> pb.distributions.kl_divergence(p, q)
        tensor(0.5000)
    """
    pair = type(p), type(q)
    if pair not in _KL_MEMOIZE:
        _fill()
        _KL_MEMOIZE[pair] = _dispatch_kl(*pair)
    if _KL_MEMOIZE[pair] is NotImplemented:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {p.__class__.__name__} and q type {q.__class__.__name__}"
        )
    return _KL_MEMOIZE[pair](p, q)


def __getattr__(name):
    raise missing(__name__, name)
