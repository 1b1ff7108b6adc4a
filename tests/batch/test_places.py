"""What an index of several tensors reads and writes inside of a vmap, each of them mapped or not: beside one entry after the
other, in values and gradients, through one level and through two."""

import itertools

import numpy as np
import pytest

import pullback as pb

draw = np.random.default_rng(2).standard_normal
X = draw((3, 4, 5, 6))
J, K = np.array([1, 0, 3]), np.array([2, 4, 0])
JJ, KK = np.array([[0, 1], [2, 3], [1, 1]]), np.array([[0, 4], [2, 3], [1, 1]])
ALL = slice(None)
# name: from numbers j and k and vectors jj and kk to an index of [4, 5, 6]
INDICES = {
    "j": lambda j, k, jj, kk: j,
    "j, :, k": lambda j, k, jj, kk: (j, ALL, k),
    "..., k": lambda j, k, jj, kk: (..., k),
    "j, ..., k": lambda j, k, jj, kk: (j, ..., k),
    ":, k": lambda j, k, jj, kk: (ALL, k),
    "jj, kk": lambda j, k, jj, kk: (jj, kk),
    "jj, :, kk": lambda j, k, jj, kk: (jj, ALL, kk),
    "j, :, kk": lambda j, k, jj, kk: (j, ALL, kk),
    "j, kk": lambda j, k, jj, kk: (j, kk),
    "j, None, k": lambda j, k, jj, kk: (j, None, k),
    "jj, None, kk": lambda j, k, jj, kk: (jj, None, kk),
    "1, :, k": lambda j, k, jj, kk: (1, ALL, k),
    "jj, :, 2": lambda j, k, jj, kk: (jj, ALL, 2),
    "1:3, kk": lambda j, k, jj, kk: (slice(1, 3), kk),
    "::2, k, 1:": lambda j, k, jj, kk: (slice(None, None, 2), k, slice(1, None)),
    "[0, 1], :, kk": lambda j, k, jj, kk: ([0, 1], ALL, kk),
    "jj of two dimensions, :, kk": lambda j, k, jj, kk: (jj[:, None], ALL, kk),
    "j - 4, :, k - 6": lambda j, k, jj, kk: (j - 4, ALL, k - 6),
}
WHICH = [which for which in itertools.product((0, None), repeat=3) if which != (None,) * 3]


def given(x_dim, j_dim, k_dim):
    """(tensors, in_dims): what is not mapped is the first entry."""
    dims = (x_dim, j_dim, k_dim, j_dim, k_dim)
    return [pb.tensor(a if d == 0 else a[0]) for a, d in zip((X, J, K, JJ, KK), dims)], dims


def entry(tensors, dims, e):
    return [t if d is None else t[e] for t, d in zip(tensors, dims)]


@pytest.mark.parametrize("name", INDICES)
def test_reading(name):
    index = INDICES[name]
    f = lambda x, *places: x[index(*places)]
    for which in WHICH:
        tensors, dims = given(*which)
        tensors[0].requires_grad_()
        found = pb.vmap(f, dims)(*tensors)
        known = pb.stack([f(*entry(tensors, dims, e)) for e in range(3)])
        assert found.shape == known.shape
        np.testing.assert_array_equal(found.detach().numpy(), known.detach().numpy())
        weights = pb.tensor(draw(tuple(found.shape)))
        gradients = [pb.autograd.grad((y**2 * weights).sum(), tensors[0])[0].numpy() for y in (found, known)]
        np.testing.assert_allclose(*gradients, atol=1e-13)


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("what", ["a number", "an entry's number", "an entry's values"])
def test_writing(name, what):
    index = INDICES[name]

    def f(x, j, k, jj, kk, value):
        x = x * 1
        x[index(j, k, jj, kk)] = 7.0 if what == "a number" else value
        return x

    for which in WHICH:
        tensors, dims = given(*which)
        shape = entry(tensors, dims, 0)[0][index(*entry(tensors, dims, 0)[1:])].shape
        tensors.append(pb.tensor(draw((3, *shape) if what == "an entry's values" else 3)))
        dims = (*dims, 0)
        wanted = [tensors[0].requires_grad_(), tensors[-1].requires_grad_()]
        if name in ("jj, kk", "jj, :, kk", "jj, None, kk", "jj, :, 2", "jj of two dimensions, :, kk") and (
            what == "an entry's values"
        ):
            tensors[3] = pb.tensor([[0, 1], [2, 3], [1, 0]] if which[1] == 0 else [0, 1])  # no place twice
        found = pb.vmap(f, dims)(*tensors)
        known = pb.stack([f(*entry(tensors, dims, e)) for e in range(3)])
        np.testing.assert_array_equal(found.detach().numpy(), known.detach().numpy())
        weights = pb.tensor(draw(tuple(found.shape)))
        for gradients in zip(
            *[pb.autograd.grad((y * weights).sum(), wanted, allow_unused=True) for y in (found, known)]
        ):
            if what != "a number" or gradients[0] is not None:
                np.testing.assert_allclose(*[g.numpy() for g in gradients], atol=1e-13)


def test_two_levels():
    x, j, k = pb.tensor(X[0]), pb.tensor(J), pb.tensor(K)
    found = pb.vmap(lambda a: pb.vmap(lambda b: x[a, :, b])(k))(j)
    np.testing.assert_array_equal(found.numpy(), X[0][J[:, None], :, K[None]])

    def write(a, b):
        y = x.clone()
        y[a, :, b] = a + 10 * b
        return y

    found = pb.vmap(lambda a: pb.vmap(lambda b: write(a, b))(k))(j)
    for i, a in enumerate(J):
        for n, b in enumerate(K):
            known = X[0].copy()
            known[a, :, b] = a + 10 * b
            np.testing.assert_array_equal(found[i, n].numpy(), known)


def test_derivatives_inside():
    x, j, k = pb.tensor(X), pb.tensor(J), pb.tensor(K)
    f = lambda x, j, k: (x[j, :, k] ** 3).sum()
    for transform in (pb.func.grad, pb.func.jacfwd, pb.func.jacrev):
        found = pb.vmap(transform(f))(x, j, k)
        known = np.zeros_like(X)
        for e in range(3):
            known[e, J[e], :, K[e]] = 3 * X[e, J[e], :, K[e]] ** 2
        np.testing.assert_allclose(found.numpy(), known, atol=1e-13)
    second = pb.vmap(pb.func.hessian(f))(x, j, k)
    for e in range(3):
        np.testing.assert_allclose(
            second[e, J[e], :, K[e], J[e], :, K[e]].numpy(), np.diag(6 * X[e, J[e], :, K[e]]), atol=1e-12
        )
    assert (second != 0).sum() == 3 * 5


@pytest.mark.torch
@pytest.mark.parametrize("name", INDICES)
def test_beside_torch(name):
    torch = pytest.importorskip("torch")
    if name == "j, :, kk":
        pytest.skip("PyTorch's has other dimensions than its own of one entry alone")
    index = INDICES[name]
    tensors = (X, J, K, JJ, KK)
    found, known = (
        L.func.vmap(lambda x, *places: x[index(*places)])(*[L.tensor(a) for a in tensors])
        for L in (pb, torch)
    )
    assert found.shape == known.shape
    np.testing.assert_array_equal(found.numpy(), known.numpy())
