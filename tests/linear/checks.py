"""Derivatives of a function of float64 arrays against finite differences: both modes, and all four
nestings.
"""

import numpy as np

import pullback as pb
from pullback import _core

H = 1e-5


def tensor(array, requires_grad=False):
    made = pb.tensor(np.asarray(array))
    return made.requires_grad_() if requires_grad else made


def pull(output, weights, inputs, create_graph=False):
    return _core.run_backward((output,), (weights,), tuple(inputs), True, create_graph, True, False)


def array(t):
    return None if t is None else t.detach().numpy()


def inner(tensors, arrays):
    """The sum of all products, as a tensor."""
    total = 0.0
    for t, a in zip(tensors, arrays):
        if t is not None:
            total = total + (t * tensor(a)).sum()
    return total


def check_derivatives(f, *shapes, seed=0):
    """`f` maps tensors of these shapes to one tensor."""
    rng = np.random.default_rng(seed)
    xs, d1, d2 = ([rng.standard_normal(s) for s in shapes] for _ in range(3))
    value = lambda xs: array(f(*map(tensor, xs)))
    u = rng.standard_normal(value(xs).shape)
    moved = lambda xs, ds, h: [x + h * d for x, d in zip(xs, ds)]

    # First order.
    slope = (value(moved(xs, d1, H)) - value(moved(xs, d1, -H))) / (2 * H)
    leaves = [tensor(x, True) for x in xs]
    y = f(*leaves)
    grads = pull(y, tensor(u), leaves)
    for x, g in zip(xs, grads):
        assert g is not None and tuple(g.shape) == x.shape
    assert np.isclose(float(inner(grads, d1).detach()), (slope * u).sum(), rtol=1e-6, atol=1e-6)
    duals = [_core.make_dual(tensor(x), tensor(d), 1) for x, d in zip(xs, d1)]
    np.testing.assert_allclose(array(_core.unpack_dual(f(*duals), 1)[1]), slope, rtol=1e-6, atol=1e-6)
    # Each input alone: the other derivatives are not asked for, and what they read is not kept.
    for i, x in enumerate(xs):
        alone = [tensor(x, i == j) for j, x in enumerate(xs)]
        (g,) = pull(f(*alone), tensor(u), [alone[i]])
        np.testing.assert_allclose(array(g), array(grads[i]), rtol=1e-12, atol=1e-12)
        single = [
            _core.make_dual(t, tensor(d1[i]), 1) if i == j else t for j, t in enumerate(map(tensor, xs))
        ]
        step = [d * (i == j) for j, d in enumerate(d1)]
        slope_i = (value(moved(xs, step, H)) - value(moved(xs, step, -H))) / (2 * H)
        np.testing.assert_allclose(array(_core.unpack_dual(f(*single), 1)[1]), slope_i, rtol=1e-6, atol=1e-6)

    # Second order: the change of <u, J d1> along d2.
    def first(xs):
        leaves = [tensor(x, True) for x in xs]
        return float(inner(pull(f(*leaves), tensor(u), leaves), d1).detach())

    curvature = (first(moved(xs, d2, H)) - first(moved(xs, d2, -H))) / (2 * H)
    close = lambda found: np.isclose(float(found), curvature, rtol=1e-5, atol=1e-5)

    y = f(*leaves)
    directional = inner(pull(y, tensor(u), leaves, create_graph=True), d1)
    if directional.requires_grad:
        assert close(inner(pull(directional, tensor(1.0), leaves), d2).detach()), "reverse over reverse"
    else:
        assert close(0.0)
    duals = [_core.make_dual(t, tensor(d), 1) for t, d in zip(leaves, d2)]
    tangents = [_core.unpack_dual(g, 1)[1] for g in pull(f(*duals), tensor(u), duals)]
    assert close(inner(tangents, d1) if any(t is not None for t in tangents) else 0.0), "forward over reverse"
    duals = [_core.make_dual(t, tensor(d), 1) for t, d in zip(leaves, d1)]
    tangent = _core.unpack_dual(f(*duals), 1)[1]
    found = inner(pull(tangent, tensor(u), leaves), d2) if tangent.requires_grad else 0.0
    assert close(found), "reverse over forward"
    duals = [
        _core.make_dual(_core.make_dual(tensor(x), tensor(a), 1), tensor(b), 2) for x, a, b in zip(xs, d1, d2)
    ]
    outer_tangent = _core.unpack_dual(f(*duals), 2)[1]
    mixed = _core.unpack_dual(outer_tangent, 1)[1]
    assert close(inner([mixed], [u]) if mixed is not None else 0.0), "forward over forward"


def names(t, depth=9):
    """The names on the tape from `t` down, nested."""

    def walk(node, depth):
        if node is None or depth == 0:
            return None
        return (node.name().split("::")[-1], *(walk(n, depth - 1) for n, _ in node.next_functions))

    return walk(t.grad_fn, depth)
