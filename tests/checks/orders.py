"""Derivatives of any order, by any sequence of modes: `derivative(f, "RFR")` is reverse over forward over reverse."""

import pullback as pb
from pullback.autograd import forward_ad

# Every sequence of five modes would be thirty-two; these have all pairs of neighbours at all depths.
SEQUENCES = ("RRRRR", "FFFFF", "RFRFR", "FRFRF", "RRFFR", "FFRRF")


def derivative(f, modes):
    """The derivative of an elementwise function, once for each letter; the last letter is applied to f itself."""
    for mode in reversed(modes):
        f = {"R": _reverse, "F": _forward}[mode](f)
    return f


def _reverse(f):
    def slope(x):
        with pb.enable_grad():
            if x.requires_grad:
                x = x.view_as(x)
            else:
                x = x.clone()
                x.requires_grad = True  # inside of a vmap, too, where requires_grad_() is refused
            y = f(x)
            if not y.requires_grad:
                return pb.zeros_like(x)
            (g,) = pb.autograd.grad(y, x, pb.ones_like(y), create_graph=True, allow_unused=True)
        return pb.zeros_like(x) if g is None else g

    return slope


def _forward(f):
    def slope(x):
        with forward_ad.dual_level():
            tangent = forward_ad.unpack_dual(f(forward_ad.make_dual(x, pb.ones_like(x)))).tangent
        return pb.zeros_like(x) if tangent is None else tangent

    return slope
