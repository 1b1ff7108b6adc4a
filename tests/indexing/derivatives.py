"""Checks an operator's derivatives of first and second order, in every nesting of forward and reverse mode.

The truth is central differences of values for the first order. For the second order it is central differences
of the gradient that has just been checked. Functions here are multilinear or piecewise linear, so differences
are nearly exact.
"""

import numpy as np

import pullback as pb
from pullback.autograd import forward_ad

STEP = 1e-5


def tensor(array):
    return pb.tensor(np.asarray(array, dtype=np.float64))


def scalar(f, weights):
    """A nonlinear scalar of f's output, so that second derivatives see the operator twice."""

    def s(*xs):
        y = f(*[x * x.cos() + x for x in xs])
        return (y * y * y * weights + y * weights).sum()

    return s


def gradients(s, arrays):
    xs = [tensor(a).requires_grad_() for a in arrays]
    return [
        np.array(g.tolist()).reshape(a.shape)
        for g, a in zip(pb.autograd.grad(s(*xs), xs), arrays, strict=True)
    ]


def along(arrays, directions, t):
    return [a + t * d for a, d in zip(arrays, directions, strict=True)]


def dot(xs, ys):
    return sum(float((x * y).sum()) for x, y in zip(xs, ys, strict=True))


def check(f, *arrays, seed=0, second=True):
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(a, dtype=np.float64) for a in arrays]
    shape = tuple(f(*map(tensor, arrays)).shape)
    s = scalar(f, tensor(rng.uniform(0.5, 1.5, shape)))
    u, v = ([rng.standard_normal(a.shape) for a in arrays] for _ in range(2))
    close = {"rtol": 2e-6, "atol": 2e-6}

    value = lambda t: s(*map(tensor, along(arrays, u, t))).item()
    slope = (value(STEP) - value(-STEP)) / (2 * STEP)
    np.testing.assert_allclose(dot(gradients(s, arrays), u), slope, **close)

    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(tensor(a), tensor(d)) for a, d in zip(arrays, u, strict=True)]
        np.testing.assert_allclose(forward_ad.unpack_dual(s(*duals)).tangent.item(), slope, **close)
    if not second:
        return

    change = [
        (p - m) / (2 * STEP)
        for p, m in zip(
            gradients(s, along(arrays, u, STEP)), gradients(s, along(arrays, u, -STEP)), strict=True
        )
    ]
    curvature = dot(change, v)
    for name, nesting in NESTINGS.items():
        np.testing.assert_allclose(nesting(s, arrays, u, v), curvature, err_msg=name, **close)


def reverse_over_reverse(s, arrays, u, v):
    xs = [tensor(a).requires_grad_() for a in arrays]
    first = pb.autograd.grad(s(*xs), xs, create_graph=True)
    inner = sum((g * tensor(d)).sum() for g, d in zip(first, u, strict=True))
    second = pb.autograd.grad(inner, xs)
    return dot([np.array(g.tolist()).reshape(d.shape) for g, d in zip(second, v, strict=True)], v)


def forward_over_reverse(s, arrays, u, v):
    with forward_ad.dual_level():
        xs = [
            forward_ad.make_dual(tensor(a).requires_grad_(), tensor(d))
            for a, d in zip(arrays, u, strict=True)
        ]
        first = pb.autograd.grad(s(*xs), xs)
        tangents = [forward_ad.unpack_dual(g).tangent for g in first]
        return sum((t * tensor(d)).sum().item() for t, d in zip(tangents, v, strict=True))


def reverse_over_forward(s, arrays, u, v):
    xs = [tensor(a).requires_grad_() for a in arrays]
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(x, tensor(d)) for x, d in zip(xs, u, strict=True)]
        tangent = forward_ad.unpack_dual(s(*duals)).tangent
    second = pb.autograd.grad(tangent, xs)
    return dot([np.array(g.tolist()).reshape(d.shape) for g, d in zip(second, v, strict=True)], v)


def forward_over_forward(s, arrays, u, v):
    with forward_ad.dual_level() as outer:
        xs = [forward_ad.make_dual(tensor(a), tensor(d), level=outer) for a, d in zip(arrays, v, strict=True)]
        with forward_ad.dual_level() as inner:
            duals = [forward_ad.make_dual(x, tensor(d), level=inner) for x, d in zip(xs, u, strict=True)]
            tangent = forward_ad.unpack_dual(s(*duals), level=inner).tangent
        return forward_ad.unpack_dual(tangent, level=outer).tangent.item()


NESTINGS = {
    f.__name__: f
    for f in (reverse_over_reverse, forward_over_reverse, reverse_over_forward, forward_over_forward)
}
