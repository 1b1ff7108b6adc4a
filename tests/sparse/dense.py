"""Dense derivatives, and whether a pattern holds their entries."""

import numpy as np

import pullback as pb
from pullback.func import jacrev

F = pb.nn.functional


def weighed(f):
    """A number, of which all second derivatives of f's results are a part."""

    def scalar(z):
        y = f(z)
        weights = pb.arange(1, y.numel() + 1).reshape(y.shape).to(y.dtype)
        return (y * weights).sin().sum()

    return scalar


def random_vector(n, seed=0):
    return pb.tensor(np.random.default_rng(seed).standard_normal(n))


def dense(f, x):
    return jacrev(f)(x).numpy().reshape(-1, x.numel()) != 0


def found(f, *args, **options):
    return pb.sparse.pattern(f, *args, **options).toarray()


def assert_holds(pattern, entries):
    assert pattern.shape == entries.shape
    assert not (entries & ~pattern).any(), "entries that are not in the pattern"
