"""The truth under vmap: a plain loop over the entries, and the results stacked; and derivatives to put around both."""

import numpy as np

import pullback as pb
from pullback.autograd import forward_ad
from pullback.func import vmap

BATCH = 3


def leaves(result):
    """The tensors of a result; numbers become tensors."""
    if isinstance(result, pb.Tensor):
        return [result]
    if isinstance(result, (tuple, list)):
        return [leaf for part in result for leaf in leaves(part)]
    return [pb.tensor(result)]


def looped(f, mapped):
    """`f` for one entry after another of the operands that are mapped, over dimension 0."""

    def run(*operands):
        size = next(t.shape[0] for t, is_mapped in zip(operands, mapped, strict=True) if is_mapped)
        rows = [
            leaves(f(*[t[i] if is_mapped else t for t, is_mapped in zip(operands, mapped, strict=True)]))
            for i in range(size)
        ]
        return [pb.stack(column) for column in zip(*rows, strict=True)]

    return run


def batched(f, mapped):
    """The same through vmap."""
    run = vmap(f, in_dims=tuple([0 if is_mapped else None for is_mapped in mapped]))
    return lambda *operands: leaves(run(*operands))


def patterns(n):
    """Which operands are mapped: all, and each alone."""
    alone = [tuple([i == k for i in range(n)]) for k in range(n)]
    return list(dict.fromkeys([(True,) * n, *alone]))


def assert_same(found, wanted, tolerance=1e-12):
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(
            np.array(a.tolist(), dtype=float),
            np.array(b.tolist(), dtype=float),
            rtol=tolerance,
            atol=tolerance,
        )


# ---- derivatives ------------------------------------------------------------------------------------------------


def weights(like, seed=0):
    """Numbers of the shape of `like`: a cotangent or a direction, the same for every entry of a batch."""
    return pb.tensor(np.random.default_rng(seed).uniform(0.5, 1.5, tuple(like.shape)))


def _scalar(results):
    return sum([(y.double() * weights(y)).sum() for y in leaves(results) if y.dtype.is_floating_point])


def _leaf(t):
    """A fresh input of a transform, connected to what it came from where somebody may ask."""
    leaf = t.view_as(t)
    if not t.requires_grad:
        leaf.requires_grad = True  # inside of a vmap requires_grad_() is refused
    return leaf


def gradient(f, floats, create_graph=True):
    """The gradients of a weighted sum of the results by the operands number `floats`."""

    def run(*operands):
        operands = list(operands)
        with pb.enable_grad():
            for k in floats:
                operands[k] = _leaf(operands[k])
            total = _scalar(f(*operands))
        inputs = [operands[k] for k in floats]
        if not total.requires_grad:
            return [pb.zeros_like(t) for t in inputs]
        found = pb.autograd.grad(total, inputs, create_graph=create_graph, allow_unused=True)
        return [pb.zeros_like(t) if g is None else g for g, t in zip(found, inputs, strict=True)]

    return run


def pushed(f, floats):
    """The tangents of the results along fixed directions of the operands number `floats`."""

    def run(*operands):
        operands = list(operands)
        with forward_ad.dual_level():
            for k in floats:
                operands[k] = forward_ad.make_dual(operands[k], weights(operands[k], 5 + k))
            duals = [forward_ad.unpack_dual(y) for y in leaves(f(*operands)) if y.dtype.is_floating_point]
        return [pb.zeros_like(d.primal) if d.tangent is None else d.tangent for d in duals]

    return run


TRANSFORMS = {
    "grad": gradient,
    "jvp": pushed,
    "grad of grad": lambda f, floats: gradient(gradient(f, floats), floats),
    "jvp of grad": lambda f, floats: pushed(gradient(f, floats), floats),
    "grad of jvp": lambda f, floats: gradient(pushed(f, floats), floats),
    "jvp of jvp": lambda f, floats: pushed(pushed(f, floats), floats),
}
