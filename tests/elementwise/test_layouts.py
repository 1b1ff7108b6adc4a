"""Operands of every layout give the bits of contiguous ones; the layout of results is PyTorch's."""

import itertools

import numpy as np
import pytest
from elementwise.support import ROWS, bits, by_name, call, sample, with_parameters

import pullback as pb

SHAPE = (3, 4, 5)


def contiguous(array):
    return pb.tensor(array)


def transposed(array):
    return pb.tensor(np.ascontiguousarray(array.T)).permute(tuple(reversed(range(array.ndim))))


def swapped(array):
    return pb.tensor(np.ascontiguousarray(array.swapaxes(0, 1))).transpose(0, 1)


def offset(array):
    return pb.tensor(np.concatenate([array[:1], array]))[1:]


def stepped(array):
    return pb.tensor(np.repeat(array, 2, axis=-1))[..., ::2]


def column(array):
    return pb.tensor(np.stack([array, array], -1))[..., 1]


LAYOUTS = (contiguous, transposed, swapped, offset, stepped, column)


@pytest.mark.parametrize("row", **by_name(ROWS))
def test_strided_operands_give_the_same_bits(row):
    dtype = "int32" if row.promotion == "bitwise" else "float32"
    arrays = sample(row, SHAPE, dtype=dtype)
    arrays = [np.abs(a) if dtype == "int32" else a for a in arrays]
    expected = bits(call(row, arrays))
    for made in LAYOUTS[1:]:
        for together in (True, False):  # all operands, then the last alone
            last = len(arrays) - 1
            tensors = [made(a) if together or i == last else contiguous(a) for i, a in enumerate(arrays)]
            assert bits(row(*with_parameters(row, tensors)).numpy()) == expected, made.__name__


@pytest.mark.parametrize(
    "row", **by_name([row for row in ROWS if len(row.operands) - len(row.parameters) > 1])
)
def test_broadcasting_gives_the_bits_of_expanded_operands(row):
    dtype = "int32" if row.promotion == "bitwise" else "float32"
    shapes = [(3, 4), (4,), (3, 1), (1, 4), (), (1, 1, 1), (2, 3, 4)]
    whole = [np.abs(a) if dtype == "int32" else a for a in sample(row, (2, 3, 4), dtype=dtype)]
    cut = lambda a, shape: a[tuple([0] * (3 - len(shape)) + [slice(0, n) for n in shape])]
    for shape in shapes:
        for small in range(len(whole)):
            arrays = [np.array(cut(a, shape)) if i == small else a for i, a in enumerate(whole)]
            expected = call(row, [np.ascontiguousarray(np.broadcast_to(a, (2, 3, 4))) for a in arrays])
            assert bits(call(row, arrays)) == bits(expected), (shape, small)


@pytest.mark.parametrize("row", **by_name(ROWS))
def test_empty_and_0d(row):
    dtype = "int32" if row.promotion == "bitwise" else "float32"
    arrays = [np.abs(a).astype(a.dtype) for a in sample(row, 2, dtype=dtype)]
    for shape in ((0,), (2, 0, 3)):
        assert call(row, [np.zeros(shape, a.dtype) for a in arrays]).shape == shape
    alone = call(row, [np.array(a[0]) for a in arrays])
    assert alone.shape == () and alone.tobytes() == call(row, arrays)[0].tobytes()
    if len(arrays) > 1:
        assert call(
            row, [np.zeros((3, 0), arrays[0].dtype), *[np.ones(1, a.dtype) for a in arrays[1:]]]
        ).shape == (3, 0)


def test_shapes_that_do_not_broadcast_raise():
    for a, b in (((2,), (3,)), ((2, 3), (2,)), ((0,), (2,)), ((2, 1, 4), (3, 3, 4))):
        with pytest.raises(
            RuntimeError, match=r"The size of tensor a \(\d\) must match the size of tensor b"
        ):
            pb.tensor(np.ones(a)) + pb.tensor(np.ones(b))
        with pytest.raises(RuntimeError, match="must match the size"):
            pb.where(pb.tensor(np.ones(a, bool)), pb.tensor(np.ones(b)), 0.0)


@pytest.mark.torch
def test_layouts_of_results_are_pytorchs():
    """Strides of unary and binary results, over permutations, steps, broadcasting, and pairs of them."""
    import torch

    def geometries(module):
        base = module.tensor(np.arange(120.0).reshape(2, 3, 4, 5))
        yield "contiguous", base
        for order in itertools.permutations(range(4)):
            yield f"permuted {order}", base.permute(tuple(order)).permute(np.argsort(order).tolist())
            moved = module.tensor(np.arange(120.0).reshape([(2, 3, 4, 5)[i] for i in order]))
            yield f"memory {order}", moved.permute(np.argsort(order).tolist())
        yield "stepped", module.tensor(np.zeros((2, 3, 4, 10)))[..., ::2]
        yield "stepped and transposed", module.tensor(np.zeros((5, 8, 3, 2))).permute(3, 2, 1, 0)[:, :, ::2]
        yield "cut", module.tensor(np.zeros((3, 4, 5, 6)))[1:, 1:].permute(0, 1, 2, 3)[:, :, :, 1:][:, :3]
        yield "expanded", module.tensor(np.zeros((3, 1, 5))).expand(2, 3, 4, 5)
        yield (
            "expanded and transposed",
            module.tensor(np.zeros((5, 1, 3))).permute(2, 1, 0).expand(2, 3, 4, 5),
        )
        yield "row", module.tensor(np.zeros(5))
        yield "columns", module.tensor(np.zeros((5, 4))).transpose(0, 1)
        yield "0-d", module.tensor(1.0)

    ours, theirs = list(geometries(pb)), list(geometries(torch))
    compared = 0
    for (name, x), (_, a) in zip(ours, theirs):
        assert x.exp().stride() == a.exp().stride(), name
        assert (x * 2).stride() == (a * 2).stride(), name
        for (other, z), (_, b) in zip(ours[::3], theirs[::3]):
            try:
                expected = (a + b).stride()
            except RuntimeError:
                continue
            compared += 1
            assert (x + z).stride() == expected, (name, other)
            assert (x < z).stride() == expected, (name, other)
            assert pb.where(x < z, x, 0.0).stride() == torch.where(a < b, a, 0.0).stride(), (name, other)
    assert compared > 200


def test_dense_results_keep_the_order_of_their_operands():
    x = pb.tensor(np.arange(24.0).reshape(2, 3, 4)).permute(2, 0, 1)
    for y in (x.exp(), x + x, x * 2, 1 - x, x < 3, pb.where(x > 2, x, 0.0), x + pb.tensor(1.0)):
        assert y.stride() == x.stride() == (1, 12, 4)
    assert x[::2].exp().stride() == (1, 6, 2)


def test_gradients_through_every_layout():
    array = np.random.default_rng(0).uniform(0.5, 2, SHAPE)
    for made in LAYOUTS:
        x = made(array).requires_grad_()
        z = contiguous(array[0]).requires_grad_()
        for create_graph in (False, True):
            gx, gz = pb.autograd.grad((x.log() * z / x).sum(), (x, z), create_graph=create_graph)
            np.testing.assert_allclose(
                gx.detach().numpy(), array[0] * (1 - np.log(array)) / array**2, rtol=1e-13
            )
            np.testing.assert_allclose(gz.detach().numpy(), (np.log(array) / array).sum(0), rtol=1e-13)
