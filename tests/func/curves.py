"""A jet beside nested forward mode: derivatives of a function along a curve."""

import numpy as np
from twins import flat

import pullback as pb
from pullback.func import jet, jvp

F64 = pb.float64


def curve(x, terms, t):
    """x + terms[0] t + terms[1] t**2 / 2 + ..."""
    power = scale = 1.0
    for n, term in enumerate(terms, 1):
        power, scale = power * t, scale * n
        x = x + term * (power / scale)
    return x


def nested(f, t, order):
    """The derivative of this order of a function of a number, by forward mode inside of forward mode."""
    if order == 0:
        return f(t)
    return jvp(lambda s: nested(f, s, order - 1), (t,), (pb.ones_like(t),))[1]


def assert_as_nested(f, primals, series, tolerance=1e-10):
    """The jet of f along a curve, in every order, as nested forward mode."""
    outputs, terms = jet(f, primals, series)
    order = len(series[0])
    found = [outputs, *[[own[n] for own in leaves_of_lists(terms)] for n in range(order)]]
    zero = pb.zeros((), dtype=F64)

    def along(t):
        return f(
            *[
                x if own[0] is None else curve(x, [c for c in own if c is not None], t)
                for x, own in zip(primals, series)
            ]
        )

    for n, ours in enumerate(found):
        for a, b in zip(flat(ours), flat(nested(along, zero, n)), strict=True):
            a, b = a.numpy().astype(float), b.numpy().astype(float)
            assert a.shape == b.shape
            finite = np.isfinite(b)
            assert (np.isfinite(a) == finite).all(), (n, a, b)
            largest = 1 + np.abs(b[finite]).max(initial=0)
            np.testing.assert_allclose(a[finite], b[finite], tolerance, tolerance * largest, err_msg=str(n))


def leaves_of_lists(terms):
    """Lists of terms, in the order of the outputs."""
    if isinstance(terms, list) and (not terms or isinstance(terms[0], pb.Tensor)):
        return [terms]
    return [own for each in terms for own in leaves_of_lists(each)]
