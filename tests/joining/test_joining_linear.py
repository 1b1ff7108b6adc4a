"""Joining and rearranging in every mode and nesting; values against NumPy."""

import numpy as np
import pytest
from checks import check_linear
from kinds import DTYPES, NUMBERS

import pullback as pb

X = np.arange(24.0).reshape(2, 3, 4)

MAPS = {
    "cat": (lambda t: pb.cat([t, t[:, :1] * 2], 1), lambda a: np.concatenate([a, 2 * a[:, :1]], 1)),
    "cat with a constant": (lambda t: pb.cat([t * 0, t], 2), lambda a: np.concatenate([a * 0, a], 2)),
    "cat of strided": (
        lambda t: pb.cat([t.mT, t.mT[:, ::2]], 1),
        lambda a: np.concatenate([a.swapaxes(1, 2), a.swapaxes(1, 2)[:, ::2]], 1),
    ),
    "stack": (lambda t: pb.stack([t, t * 3, t], 1), lambda a: np.stack([a, a * 3, a], 1)),
    "stack of strided": (
        lambda t: pb.stack([t.mT, t.mT], -1),
        lambda a: np.stack([a.swapaxes(1, 2)] * 2, -1),
    ),
    "hstack": (lambda t: pb.hstack([t, t]), lambda a: np.hstack([a, a])),
    "vstack": (lambda t: pb.vstack([t[0, 0], t[1]]), lambda a: np.vstack([a[0, 0], a[1]])),
    "dstack": (lambda t: pb.dstack([t[0], t[1]]), lambda a: np.dstack([a[0], a[1]])),
    "column_stack": (
        lambda t: pb.column_stack([t[0, :, 0], t[1]]),
        lambda a: np.column_stack([a[0, :, 0], a[1]]),
    ),
    "tile": (lambda t: t.tile(2, 1), lambda a: np.tile(a, (2, 1))),
    "repeat": (lambda t: t.repeat(2, 1, 3, 1), lambda a: np.tile(a, (2, 1, 3, 1))),
    "repeat nothing": (lambda t: t.repeat(1, 0, 1), lambda a: np.tile(a, (1, 0, 1))),
    "repeat_interleave": (lambda t: t.repeat_interleave(2, 1), lambda a: np.repeat(a, 2, 1)),
    "repeat_interleave by index": (
        lambda t: t.repeat_interleave(pb.tensor([2, 0, 1]), 1),
        lambda a: np.repeat(a, [2, 0, 1], 1),
    ),
    "repeat_interleave flat": (lambda t: t.repeat_interleave(3), lambda a: np.repeat(a, 3)),
    "flip": (lambda t: t.flip(0, 2), lambda a: np.flip(a, (0, 2))),
    "flip of strided": (lambda t: t.mT[:, ::2].flip(1), lambda a: np.flip(a.swapaxes(1, 2)[:, ::2], 1)),
    "fliplr": (lambda t: t.fliplr(), np.fliplr),
    "flipud": (lambda t: t.flipud(), np.flipud),
    "roll": (lambda t: t.roll(5), lambda a: np.roll(a, 5)),
    "roll along": (lambda t: t.roll((1, -2), (0, 2)), lambda a: np.roll(a, (1, -2), (0, 2))),
    "rot90": (lambda t: t.rot90(1, (0, 2)), lambda a: np.rot90(a, 1, (0, 2))),
    "rot90 back": (lambda t: t.rot90(-1, (1, 2)), lambda a: np.rot90(a, -1, (1, 2))),
    "rot180": (lambda t: t.rot90(2), lambda a: np.rot90(a, 2)),
    "tril": (lambda t: t.tril(1), lambda a: np.tril(a, 1)),
    "triu of strided": (lambda t: t.mT.triu(), lambda a: np.triu(a.swapaxes(1, 2))),
    "tril_": (lambda t: (t * 2).tril_(-1), lambda a: np.tril(2 * a, -1)),
    "diag": (lambda t: t[0].diag(1), lambda a: np.diag(a[0], 1)),
    "diag of a vector": (lambda t: t[0, 0].diag(-1), lambda a: np.diag(a[0, 0], -1)),
    "diag_embed": (lambda t: t.diag_embed(1, 0, 2), None),
    "diagflat": (lambda t: t[:, :, 0].diagflat(), lambda a: np.diagflat(a[:, :, 0])),
    "trace": (lambda t: t[1].trace(), lambda a: np.trace(a[1])),
    "meshgrid": (
        lambda t: pb.meshgrid(t[0, 0], t[:, 0, 0], indexing="xy"),
        lambda a: np.meshgrid(a[0, 0], a[:, 0, 0]),
    ),
    "cartesian_prod": (lambda t: pb.cartesian_prod(t[0, 0], t[1, :2, 0]), None),
    "block_diag": (lambda t: pb.block_diag(t[0], t[1, 0], t[1, 1, 1]), None),
    "combinations": (lambda t: pb.combinations(t[0, 0], 2), None),
}


@pytest.mark.parametrize("name", MAPS)
def test_derivatives(name):
    check_linear(MAPS[name][0], X.shape)


@pytest.mark.parametrize("name", [name for name in MAPS if MAPS[name][1]])
@pytest.mark.parametrize("dtype", NUMBERS)
def test_values(name, dtype):
    operator, reference = MAPS[name]
    array = X.astype(dtype)
    got, wanted = operator(pb.tensor(array)), reference(array)
    got, wanted = (got, wanted) if isinstance(got, (list, tuple)) else ([got], [wanted])
    for t, a in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(t.numpy(), a)


def test_diag_embed_places_diagonals():
    t = pb.tensor(X)
    for offset, dim1, dim2 in [(0, -2, -1), (1, 0, 2), (-2, 3, 1)]:
        np.testing.assert_array_equal(
            t.diag_embed(offset, dim1, dim2).diagonal(offset, dim1, dim2).numpy(), X
        )
        assert t.diag_embed(offset, dim1, dim2).sum().item() == X.sum()


def test_random_dtypes_join_as_numpy():
    rng = np.random.default_rng(0)
    kinds = [getattr(pb, name) for name in DTYPES]
    for _ in range(30):
        chosen = [kinds[i] for i in rng.integers(0, len(kinds), 3)]
        parts = [pb.tensor(rng.integers(0, 2, (2, 3))).to(d) for d in chosen]
        arrays = [p.numpy().astype(np.float64) for p in parts]
        np.testing.assert_array_equal(pb.cat(parts, 1).numpy().astype(np.float64), np.concatenate(arrays, 1))
        np.testing.assert_array_equal(pb.stack(parts).numpy().astype(np.float64), np.stack(arrays))


def test_out_may_be_a_part():
    x = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
    pb.cat([x[1:], x[:1]], out=x)
    assert x.tolist() == [[3, 4], [1, 2]]


def test_more_tensors_than_a_node_counts():
    x = pb.ones(1, requires_grad=True)
    joined = pb.cat([x] * 70_000)
    joined.sum().backward()
    assert joined.shape == (70_000,) and x.grad.item() == 70_000


def test_meshgrid_warns_without_indexing():
    with pytest.warns(UserWarning, match="torch.meshgrid: in an upcoming release"):
        pb.meshgrid(pb.tensor([1.0]))
