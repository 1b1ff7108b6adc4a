"""Derivatives of a scalar function of one tensor, by every nesting of reverse and forward mode."""

import pullback as pb
from pullback import _core


def gradient(f, x):
    """Reverse mode, keeping the graph, so that it can be nested."""
    with pb.enable_grad():
        (g,) = pb.autograd.grad(f(x), x, create_graph=True, allow_unused=True)
    return zero(x) if g is None else g


def pushed(f, x, t, level):
    """The tangent of f(x) along t, or None where it is zero."""
    return _core.unpack_dual(f(_core.make_dual(x, t, level)), level)[1]


def reverse_over_reverse(f, x, u):
    g = gradient(f, x)
    if not g.requires_grad:
        return zero(x)
    (h,) = pb.autograd.grad((g * u).sum(), x, allow_unused=True)
    return zero(x) if h is None else h


def forward_over_reverse(f, x, u):
    x = x.detach().requires_grad_()
    t = pushed(lambda z: gradient(f, z), x, u, 1)
    return zero(x) if t is None else t


def reverse_over_forward(f, x, u):
    x = x.detach().requires_grad_()
    t = pushed(f, x, u, 1)
    if t is None or not t.requires_grad:
        return zero(x)
    (h,) = pb.autograd.grad(t, x, allow_unused=True)
    return zero(x) if h is None else h


def forward_over_forward(f, x, u, v):
    """v . H u"""
    outer = pushed(lambda z: _or_zero(pushed(f, z, u, 2)), x.detach(), v, 1)
    return 0.0 if outer is None else outer.item()


def _or_zero(t):
    return pb.zeros((), dtype=pb.float64) if t is None else t


def zero(x):
    return pb.zeros(x.shape, dtype=x.dtype)
