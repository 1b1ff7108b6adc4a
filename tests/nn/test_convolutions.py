"""Convolutions beside sums over windows, whatever the strides, paddings, dilations, groups and sizes."""

import itertools
import random
import re

import numpy as np
import pytest

import pullback as pb

F = pb.nn.functional


def drawn(seed):
    """(dims, groups, x, weight, stride, padding, dilation) of a convolution with more positions than a block has, or fewer."""
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    dims, groups = rng.choice((1, 2, 3)), rng.choice((1, 1, 2, 3))
    inputs, outputs = groups * rng.randint(1, 3), groups * rng.randint(1, 3)
    kernel, stride = ([rng.randint(1, 3) for _ in range(dims)] for _ in range(2))
    dilation, padding = ([rng.randint(least, 2) for _ in range(dims)] for least in (1, 0))
    longest = {1: 5000, 2: 40, 3: 11}[dims]
    sizes = [rng.randint(5, rng.choice((9, longest))) for _ in range(dims)]
    dtype = rng.choice((np.float64, np.complex128, np.int64))

    def elements(*shape):
        if dtype is np.int64:
            return numbers.integers(-4, 5, shape)
        return numbers.normal(size=shape).astype(dtype) * (1 - 2j if dtype is np.complex128 else 1)

    x, weight = elements(rng.randint(1, 3), inputs, *sizes), elements(outputs, inputs // groups, *kernel)
    return dims, groups, x, weight, stride, padding, dilation


def by_windows(groups, x, weight, stride, padding, dilation):
    """The sums themselves."""
    x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    kernel = weight.shape[2:]
    counts = [
        (n - d * (k - 1) - 1) // s + 1
        for n, d, k, s in zip(x.shape[2:], dilation, kernel, stride, strict=True)
    ]
    y = np.zeros((x.shape[0], weight.shape[0], *counts), x.dtype)
    each, outputs = weight.shape[1], weight.shape[0] // groups
    for o, c in itertools.product(range(weight.shape[0]), range(each)):
        plane = x[:, o // outputs * each + c]
        for k in np.ndindex(*kernel):
            where = [
                slice(a * d, a * d + (n - 1) * s + 1, s) for a, d, n, s in zip(k, dilation, counts, stride)
            ]
            y[:, o] += weight[(o, c, *k)] * plane[(slice(None), *where)]
    return y


@pytest.mark.parametrize("seed", range(40))
def test_values_are_sums_over_windows(seed):
    dims, groups, x, weight, stride, padding, dilation = drawn(seed)
    convolve = getattr(F, f"conv{dims}d")
    found = convolve(pb.tensor(x), pb.tensor(weight), None, stride, padding, dilation, groups).numpy()
    np.testing.assert_allclose(found, by_windows(groups, x, weight, stride, padding, dilation), 1e-10, 1e-10)


@pytest.mark.parametrize("seed", range(40))
def test_the_three_maps_are_adjoint(seed):
    """<y(x, w), g> is <x, the transpose of g and w>, and <w, the gradient of weights>."""
    dims, groups, x, weight, stride, padding, dilation = drawn(seed)
    x, weight = (pb.tensor(each.real.astype(np.float64)).requires_grad_() for each in (x, weight))
    y = getattr(F, f"conv{dims}d")(x, weight, None, stride, padding, dilation, groups)
    g = pb.randn(y.shape, dtype=y.dtype)
    towards = pb.autograd.grad(y, (x, weight), g)
    inner = (y * g).sum()
    for operand, gradient in zip((x, weight), towards, strict=True):
        assert pb.allclose((operand * gradient).sum(), inner)
    full = [
        n - 1 - (y.shape[2 + d] - 1) * stride[d] + 2 * padding[d] - dilation[d] * (weight.shape[2 + d] - 1)
        for d, n in enumerate(x.shape[2:])
    ]
    if all(rest < max(s, d) for rest, s, d in zip(full, stride, dilation)):
        spread = getattr(F, f"conv_transpose{dims}d")(
            g, weight, None, stride, padding, full, groups, dilation
        )
        assert pb.equal(spread, towards[0])


@pytest.mark.parametrize("transposed", (False, True))
def test_second_derivatives(transposed):
    x, weight = pb.randn(2, 4, 5, 4).double().requires_grad_(), pb.randn(4, 2, 3, 2).double().requires_grad_()
    call = F.conv_transpose2d if transposed else F.conv2d
    assert pb.autograd.gradgradcheck(lambda x, w: call(x, w, None, 2, 1, groups=2), (x, weight))


def test_every_number_of_threads_gives_the_same_bits():
    x, weight = pb.randn(24, 8, 20, 20).requires_grad_(), pb.randn(16, 8, 3, 3).requires_grad_()
    before, found = pb.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            pb.set_num_threads(threads)
            y = F.conv2d(x, weight, padding=1)
            found.append(
                [each.detach().clone() for each in (y, *pb.autograd.grad(y.sin().sum(), (x, weight)))]
            )
    finally:
        pb.set_num_threads(before)
    for other in found[1:]:
        assert all(pb.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_a_batch_of_weights():
    x, weights = pb.randn(2, 3, 7, 7), pb.randn(4, 5, 3, 2, 2)
    found = pb.vmap(lambda w: F.conv2d(x, w, stride=2))(weights)
    pb.testing.assert_close(found, pb.stack([F.conv2d(x, w, stride=2) for w in weights]))


def test_there_may_be_no_samples():
    x, weight = pb.ones(0, 2, 5, requires_grad=True), pb.ones(3, 2, 2, requires_grad=True)
    y = F.conv1d(x, weight)
    assert y.shape == (0, 3, 4)
    assert [g.abs().sum().item() for g in pb.autograd.grad(y.sum(), (x, weight))] == [0, 0]


# Batch and channels, size of the images, size of the kernel.
EMPTY = [((2, 2), 0, 3), ((2, 2), 5, 0), ((2, 2), 0, 0), ((0, 2), 5, 3)]


@pytest.mark.torch
@pytest.mark.parametrize("counts, size, kernel", EMPTY)
@pytest.mark.parametrize("transposed", ("", "_transpose"))
@pytest.mark.parametrize("dims", (1, 2, 3))
def test_what_is_empty_is_refused_as_by_pytorch(dims, transposed, counts, size, kernel):
    """Images and kernels without elements; of kernels PyTorch speaks in several ways."""
    import torch

    def shape(m):
        weight = m.zeros(*((2, 4) if transposed else (4, 2)), *[kernel] * dims)
        function = getattr(m.nn.functional, f"conv{transposed}{dims}d")
        return tuple(function(m.zeros(*counts, *[size] * dims), weight, padding=1).shape)

    try:
        theirs = shape(torch)
    except RuntimeError as error:
        several = "non-empty 5D|could not create a primitive|kernel size should"
        said = re.sub(f"({several}).*", "kernel size should be greater than zero", str(error))
        with pytest.raises(RuntimeError, match=re.escape(said)):
            shape(pb)
    else:
        assert shape(pb) == theirs


@pytest.mark.parametrize("dims", (1, 2, 3))
def test_a_stride_that_leads_out_of_memory(dims):
    x, weight = pb.zeros(1, 2, *[5] * dims), pb.zeros(2, 4, *[3] * dims)
    with pytest.raises(
        RuntimeError, match="Storage size calculation overflowed with sizes=.18446744073709551619"
    ):
        getattr(F, f"conv_transpose{dims}d")(x, weight, stride=2**62)
