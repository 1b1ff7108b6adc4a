"""Products of batches are one product where they can be, and gradients of what is the same for all entries are summed by it."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

import pullback as pb
from pullback.func import grad, vmap


def uniform(*shape, seed=0):
    return pb.tensor(np.random.default_rng([seed, *shape]).uniform(-1, 1, shape))


SHAPES = [
    ((3, 4), (4, 5)),
    ((3, 4), (4,)),
    ((4,), (4, 5)),
    ((4,), (4,)),
    ((2, 3, 4), (4, 5)),
    ((2, 3, 4), (2, 4, 5)),
]
SHAPES += [((3, 4), (2, 4, 5)), ((2, 3, 4), (4,)), ((1, 4), (4, 5)), ((3, 1), (1, 5)), ((3, 4), (4, 1))]


@pytest.mark.parametrize("a_shape, b_shape", SHAPES)
def test_matmul(a_shape, b_shape):
    """Mapped over any dimension, laid out in any order."""
    for mapped in (True, True), (True, False), (False, True):
        for at, turned in itertools.product((0, -1), (False, True)):
            operands = []
            for is_mapped, shape in zip(mapped, (a_shape, b_shape), strict=True):
                whole = np.random.default_rng([5, *shape]).uniform(-1, 1, (6, *shape) if is_mapped else shape)
                if turned and len(shape) > 1:
                    whole = np.swapaxes(np.ascontiguousarray(np.swapaxes(whole, -1, -2)), -1, -2)
                operands.append(np.moveaxis(whole, 0, at) if is_mapped else whole)
            dims = tuple([at if m else None for m in mapped])
            f = vmap(pb.matmul, in_dims=dims)
            rows = [np.moveaxis(t, at, 0) if m else [t] * 6 for t, m in zip(operands, mapped, strict=True)]
            wanted = np.stack([a @ b for a, b in zip(*rows, strict=True)])
            tensors = [pb.from_numpy(t) for t in operands]
            np.testing.assert_allclose(f(*tensors).numpy(), wanted, rtol=1e-12, atol=1e-12)
            loss = lambda a, b, f=f: f(a, b).sin().sum()
            apart = lambda a, b, dims=dims: sum(
                [
                    pb.matmul(
                        *[t if d is None else t.select(d, k) for t, d in zip((a, b), dims, strict=True)]
                    )
                    .sin()
                    .sum()
                    for k in range(6)
                ]
            )
            for found, truth in zip(grad(loss, (0, 1))(*tensors), grad(apart, (0, 1))(*tensors), strict=True):
                np.testing.assert_allclose(found.numpy(), truth.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("a_shape, b_shape", SHAPES)
def test_second_derivatives(a_shape, b_shape):
    a, b = uniform(*a_shape), uniform(3, *b_shape)
    run = vmap(lambda a, b: (a @ b).sin().sum(), in_dims=(None, 0))
    apart = lambda a, b: sum([(a @ b[k]).sin().sum() for k in range(3)])

    def twice(f):
        inner = lambda a, b: sum([(g * uniform(*g.shape, seed=4)).sum() for g in grad(f, (0, 1))(a, b)])
        return grad(inner, (0, 1))(a, b)

    for found, truth in zip(twice(lambda a, b: run(a, b).sum()), twice(apart), strict=True):
        np.testing.assert_allclose(found.numpy(), truth.numpy(), rtol=1e-11, atol=1e-11)


def test_two_levels():
    w, x = uniform(4, 5), uniform(3, 6, 4)
    run = vmap(vmap(lambda w, row: (row @ w).tanh(), in_dims=(None, 0)), in_dims=(None, 0))
    g = grad(lambda w: run(w, x).sum())(w)
    truth = grad(lambda w: (x.reshape(-1, 4) @ w).tanh().sum())(w)
    np.testing.assert_allclose(g.numpy(), truth.numpy(), rtol=1e-12)
    within = vmap(grad(lambda w, rows: vmap(lambda row: (row @ w).tanh())(rows).sum()), in_dims=(None, 0))(
        w, x
    )
    np.testing.assert_allclose(within.sum(0).numpy(), truth.numpy(), rtol=1e-12)
    assert within.shape == (3, 4, 5)


@pytest.mark.parametrize(
    "expression", ["ij,jk->ik", "ij,j->i", "i,ij->j", "ij,ij->", "bij,jk->bik", "i,j->ij"]
)
def test_einsum(expression):
    left, right = expression.split("->")[0].split(",")
    sizes = dict(zip("bijk", (2, 3, 4, 5), strict=True))
    a, b = [uniform(*[sizes[c] for c in names], seed=k) for k, names in enumerate((left, right))]
    many = uniform(7, *b.shape)
    f = lambda a, b: pb.einsum(expression, a, b)
    found = vmap(f, in_dims=(None, 0))(a, many)
    np.testing.assert_allclose(
        found.numpy(), np.stack([f(a, t).numpy() for t in many]), rtol=1e-12, atol=1e-12
    )
    g = grad(lambda a: vmap(f, in_dims=(None, 0))(a, many).cos().sum())(a)
    truth = grad(lambda a: sum([f(a, t).cos().sum() for t in many]))(a)
    np.testing.assert_allclose(g.numpy(), truth.numpy(), rtol=1e-12, atol=1e-12)


def test_summed_products_of_batches():
    """The same outside of a vmap: bmm of one matrix, expanded, and its gradient."""
    a, b = uniform(6, 3, 4), uniform(4, 5)
    wide = b.expand(6, 4, 5)
    np.testing.assert_allclose(pb.bmm(a, wide).numpy(), a.numpy() @ b.numpy(), rtol=1e-12, atol=1e-12)
    for f in (
        (lambda b: (a @ b.expand(6, 4, 5)).sin().sum()),
        (lambda b: pb.bmm(a, b.expand(6, 4, 5)).sin().sum()),
    ):
        truth = grad(lambda b: (a.reshape(18, 4) @ b).sin().sum())(b)
        np.testing.assert_allclose(grad(f)(b).numpy(), truth.numpy(), rtol=1e-12, atol=1e-12)
    n = pb.tensor([[1, 2], [3, 4]])
    assert pb.bmm(n.expand(3, 2, 2), n.expand(3, 2, 2)).tolist() == [(n @ n).tolist()] * 3


PROGRAM = """
import resource
import pullback as pb
from pullback.func import grad, vmap
w, x = pb.ones(200, 200), pb.ones(2000, 200)
for f in (lambda w, row: (row @ w).tanh().sum()), (lambda w, row: (w @ row).tanh().sum()):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grad(lambda w: vmap(f, in_dims=(None, 0))(w, x).sum())(w).sum().item()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_no_gradient_of_each_entry_is_stored():
    """2,000 gradients of 160 KB would be 320 MB."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert max(map(int, done.stdout.split())) < 100_000, done.stdout
