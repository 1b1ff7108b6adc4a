"""Derivatives of linear operators, in every mode and nesting, against the matrix that their values define.

The matrix comes from the operator's values on basis vectors, which are tested elsewhere; no derivative is
involved in it. The function that is differentiated, sum(w * A(x*x)**2), has second derivatives that pass
through A twice.
"""

import numpy as np

import pullback as pb
from pullback import _core


def joined(result):
    """One flat tensor with everything that an operator returned."""
    parts = result if isinstance(result, (tuple, list)) else (result,)
    return [p.clone().reshape(-1) for p in parts]


def matrix(operator, shape):
    """The operator as a matrix, row by row over its results."""
    n = int(np.prod(shape))
    columns = []
    for i in range(n):
        basis = np.zeros(n)
        basis[i] = 1
        parts = joined(operator(pb.tensor(basis.reshape(shape))))
        columns.append(np.concatenate([p.numpy() for p in parts] or [np.zeros(0)]))
    return np.array(columns).T.reshape(-1, n)


def check_linear(operator, shape, seed=0):
    """`operator` maps one float64 tensor of `shape` to a tensor or several, linearly."""
    A = matrix(operator, shape)
    rng = np.random.default_rng(seed)
    x, v, u = (rng.standard_normal(A.shape[1]) for _ in range(3))
    w = rng.standard_normal(A.shape[0])
    z = A @ (x * x)
    # By hand, in NumPy.
    grad = 2 * x * (A.T @ (2 * w * z))
    hessian_v = 2 * v * (A.T @ (2 * w * z)) + 2 * x * (A.T @ (2 * w * (A @ (2 * x * v))))
    curvature = u @ hessian_v

    def f(t):
        total, at = 0.0, 0
        for part in joined(operator(t * t)):
            n = part.numel()
            total = total + (part * part * pb.tensor(w[at : at + n])).sum()
            at += n
        return total

    def gradient(t):
        return _core.run_backward((f(t),), (None,), (t,), True, True, True, False)[0]

    def close(t, array):
        np.testing.assert_allclose(t.detach().numpy().reshape(-1), array, rtol=1e-9, atol=1e-9)

    tensor = lambda a: pb.tensor(np.asarray(a).reshape(shape))
    leaf = lambda: tensor(x).requires_grad_()
    push = lambda y, level: _core.unpack_dual(y, level)[1]

    t = leaf()
    g = gradient(t)
    close(g, grad)
    # reverse over reverse
    (hv,) = _core.run_backward(((g * tensor(v)).sum(),), (None,), (t,), True, False, True, False)
    close(hv, hessian_v)
    # forward
    close(push(f(_core.make_dual(tensor(x), tensor(v), 1)), 1), grad @ v)
    # forward over reverse
    inner = leaf()
    close(push(gradient(_core.make_dual(inner, tensor(v), 1)), 1), hessian_v)
    # reverse over forward
    outer = leaf()
    slope = push(f(_core.make_dual(outer, tensor(v), 1)), 1)
    (hv,) = _core.run_backward((slope,), (None,), (outer,), True, False, True, False)
    close(hv, hessian_v)
    # forward over forward
    lower = _core.make_dual(tensor(x), tensor(v), 1)
    both = _core.make_dual(lower, tensor(u), 2)
    close(push(push(f(both), 2), 1), curvature)
