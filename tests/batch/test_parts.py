"""Gradients of parts inside of a vmap: added to one gradient of the whole, for all entries, however they lie."""

import numpy as np
import pytest
from batch.loops import assert_same, batched, gradient, looped

import pullback as pb
from pullback.func import grad, jacfwd, jacrev, vmap


def uniform(*shape, seed=0):
    return pb.tensor(np.random.default_rng(seed).uniform(0.3, 2.0, shape))


def windows(x, w):
    return (x.unfold(0, 2, 1) * w[:2, None, None]).sum() + x.unfold(1, 2, 2).prod()


def rows_and_columns(x, w):
    total = 0
    for i in range(3):
        total = total + x[i].sin().sum() * w[i] + x[:, i].prod() * x[i, i]
    return total


def views_of_views(x, w):
    return (x.t()[1:][::2].exp() * w).sum() + x.reshape(-1)[2:7].prod() * x.view(2, 6)[1, ::3].sum() * w[0]


def taken_apart(x, w):
    a, b, c = x.unbind(0)
    first, second = x.split([1, 3], 1)
    return (a * b.sin()).sum() * w[0] + first.prod() + (second[1:] * w[1]).sum() + c[0]


def also_whole(x, w):
    return (
        (x[:-1] * x[1:]).sum() + x.exp().mean() * w.sum() + x[0, 0] * w[1:].prod() + (w[:-1] * x[0, :2]).sum()
    )


def by_indices(x, w):
    rows = pb.tensor([0, 2, 0])
    return (x[rows] * w[:, None]).prod() + x[0].sum() + x[rows, 1].sin().sum() + x.diagonal().prod()


def many(x, w):
    total = 0.0
    for k in range(40):
        total = total + x[k % 3 :, k % 4].sum() * x[k % 3, (k + 1) % 4] * w[k % 3]
    return total


def written(x, w):
    y = x * 1
    y[1:] = y[:-1].clone() * w[:2, None]
    y[:, 0] = x[:, 1] ** 2
    return (y[0] * y[2]).sum() + y[1, 1:].prod()


PROGRAMS = [
    windows,
    rows_and_columns,
    views_of_views,
    taken_apart,
    also_whole,
    by_indices,
    many,
    written,
]


@pytest.mark.parametrize("mapped", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients_of_entries(program, mapped):
    operands = [uniform(*((5,) * m), *shape) for m, shape in zip(mapped, ((3, 4), (3,)), strict=True)]
    for gradients in grad(program, argnums=(0, 1)), gradient(program, (0, 1), False):
        assert_same(batched(gradients, mapped)(*operands), looped(gradients, mapped)(*operands))


@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients_of_all(program):
    """From outside: what is the same for all entries gets the sum."""
    x, w = uniform(5, 3, 4), uniform(3, seed=1)
    whole = lambda x, w: vmap(program, in_dims=(0, None))(x, w).sum()
    apart = lambda x, w: sum([program(x[i], w) for i in range(5)])
    assert_same(grad(whole, argnums=(0, 1))(x, w), grad(apart, argnums=(0, 1))(x, w))


@pytest.mark.parametrize("program", PROGRAMS)
def test_entries_that_lie_apart(program):
    x, w = uniform(3, 4, 2, 5), uniform(3, 2, seed=1)
    run = vmap(vmap(grad(program), in_dims=(2, None)), in_dims=(2, 1))
    found = run(x, w)
    for i in range(2):
        for j in range(5):
            assert_same([found[i, j]], [grad(program)(x[:, :, i, j], w[:, i])])


@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
@pytest.mark.parametrize("n", [4, 30, 300])
def test_jacobians_of_bands(n, dtype):
    def banded(x):
        return x[1:-1] * (x[:-2] + x[2:]) - x[1:-1] ** 3 + x[2:].flip(0)[: n - 2]

    x = uniform(n).to(dtype)
    rows, columns = jacrev(banded)(x), jacfwd(banded)(x)
    assert rows.dtype == dtype and rows.is_contiguous()
    np.testing.assert_allclose(rows.numpy(), columns.numpy(), rtol=1e-6, atol=1e-6)
    chunks = jacrev(banded, chunk_size=7)(x)
    np.testing.assert_allclose(chunks.numpy(), rows.numpy(), rtol=1e-6, atol=1e-6)


def test_jacobians_of_trees():
    f = lambda p: (p["a"][1:] * p["b"][0] + p["a"][:-1], p["b"].t()[1].prod() * p["a"])
    p = {"a": uniform(4), "b": uniform(2, 3)}
    assert_same(
        [t for part in jacrev(f)(p) for t in part.values()],
        [t for part in jacfwd(f)(p) for t in part.values()],
    )


def test_what_a_hook_sees_is_whole():
    seen = []

    def f(x):
        y = x * 2
        y.register_hook(lambda g: seen.append(tuple(g.shape)))
        return (y[1:] * y[:-1]).sum()

    x = uniform(3, 5)
    found = vmap(grad(f))(x)
    assert_same([found], [pb.stack([grad(f)(row) for row in x])])
    assert seen == [(5,)] * 4


def test_a_second_derivative_goes_the_recorded_way():
    f = lambda x: (x[1:] * x[:-1] ** 2).sum()
    x = uniform(3, 5)
    found = vmap(jacrev(grad(f)))(x)
    assert_same([found], [pb.stack([jacfwd(grad(f))(row) for row in x])])


@pytest.mark.parametrize("program", PROGRAMS)
def test_tangents_of_gradients(program):
    """Forward over reverse: tangents of parts are added as the parts are, with axes that they may have alone."""
    x, w, t = uniform(3, 4), uniform(3, seed=1), uniform(3, 4, seed=2)
    wrt_x = lambda x: grad(program)(x, w)
    along = pb.func.jvp(wrt_x, (x,), (t,))[1]
    hessian = jacrev(lambda x: jacrev(program)(x, w))(x)
    assert_same([along], [(hessian * t).sum((2, 3))])
    assert_same([jacfwd(wrt_x)(x)], [hessian])
    many = uniform(5, 3, 4, seed=3)
    found = vmap(lambda t: pb.func.jvp(wrt_x, (x,), (t,))[1])(many)
    assert_same([found], [(hessian * many[:, None, None]).sum((3, 4))])


def test_tangents_of_two_levels():
    f = lambda x: (x[1:] ** 2 * x[:-1].sin()).sum()
    x, s, t = uniform(5), uniform(5, seed=1), uniform(5, seed=2)
    third = lambda x: pb.func.jvp(lambda x: pb.func.jvp(grad(f), (x,), (s,))[1], (x,), (t,))[1]
    assert_same([third(x)], [grad(lambda x: (jacrev(grad(f))(x) @ s * t).sum())(x)])


PLACED = [
    lambda x, v, i: x.scatter_reduce(0, i, v, "prod"),
    lambda x, v, i: x.scatter_reduce(0, i, v, "prod", include_self=False),
    lambda x, v, i: x.scatter_add(0, i, v) ** 2,
    lambda x, v, i: x.index_put((i,), v[0]) ** 2,
    lambda x, v, i: x.index_add(0, i, v)[i] ** 2,
]


@pytest.mark.parametrize("sizes", [(1,), (1, 3), (3, 1), (1, 1)])
@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("f", PLACED)
def test_places_in_batches_of_one(f, sizes, apart):
    """An axis of one entry is an axis like others, also of what says where, at every level."""

    def all_of(x, v, i):
        scalar = lambda x, v: f(x, v, i).sin().sum()
        return [f(x, v, i), *jacfwd(lambda x, v: f(x, v, i), (0, 1))(x, v), *jacrev(grad(scalar, 1))(x, v)]

    x, v = uniform(*sizes, 4), uniform(*sizes, 5, seed=1)
    places = np.random.default_rng(2).integers(0, 4, (*sizes, 5))
    i = pb.tensor(places if apart else places[(0,) * len(sizes)])
    mapped = all_of
    for _ in sizes:
        mapped = vmap(mapped, (0, 0, 0 if apart else None))
    found = mapped(x, v, i)
    for at in np.ndindex(*sizes):
        assert_same([part[at] for part in found], all_of(x[at], v[at], i[at] if apart else i))
