"""Patterns of convolutions, of their transposes and of their gradients are those of the dense derivatives."""

import pytest
from sparse.dense import F, dense, found, random_vector

import pullback as pb

pytest.importorskip("scipy.sparse")

# dims, groups, stride, padding, dilation
GEOMETRIES = [(1, 1, 1, 0, 1), (1, 2, 2, 1, 2), (2, 1, 2, 1, 1), (2, 2, 1, 1, 2), (3, 1, 2, 1, 1)]


def operands(dims, groups, transposed):
    sizes, kernel = (5, 4, 3)[:dims], (3, 2, 2)[:dims]
    x = random_vector(2 * 2 * pb.ones(sizes).numel()).reshape(2, 2, *sizes)
    weight = random_vector(4 // groups * 2 * pb.ones(kernel).numel(), 1)
    return x, weight.reshape(*((2, 4 // groups) if transposed else (4, 2 // groups)), *kernel)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("transposed", (False, True))
@pytest.mark.filterwarnings("error")
def test_of_either_operand(geometry, transposed):
    dims, groups, stride, padding, dilation = geometry
    x, weight = operands(dims, groups, transposed)
    if transposed:
        call = getattr(F, f"conv_transpose{dims}d")
        f = lambda x, w: call(x, w, None, stride, padding, 0, groups, dilation)
    else:
        call = getattr(F, f"conv{dims}d")
        f = lambda x, w: call(x, w, None, stride, padding, dilation, groups)
    sized = lambda z, like: z.reshape(like.shape)
    grads = lambda x, w: pb.func.grad(lambda x, w: f(x, w).square().sum(), (0, 1))(x, w)
    partials = (
        (lambda z: f(sized(z, x), weight), x),
        (lambda z: f(x, sized(z, weight)), weight),
        (lambda z: grads(sized(z, x), weight)[0], x),
        (lambda z: grads(sized(z, x), weight)[1], x),
        (lambda z: grads(x, sized(z, weight))[0], weight),
    )
    for g, z in partials:
        z = z.reshape(-1)
        for everywhere in (False, True):
            assert (found(g, z, everywhere=everywhere) == dense(g, z)).all()


def test_weights_that_are_zero_do_not_count():
    x, kernel = random_vector(9), pb.tensor([[[1.0, 0.0, 2.0]]], dtype=pb.float64)
    f = lambda z: F.conv1d(z.reshape(1, 1, 9), kernel)
    assert (found(f, x) == dense(f, x)).all() and found(f, x).sum() == 14


def test_both_operands_together():
    z = random_vector(10)
    f = lambda z: F.conv1d(z[:7].reshape(1, 1, 7), z[7:].reshape(1, 1, 3))
    assert (found(f, z) == dense(f, z)).all()
