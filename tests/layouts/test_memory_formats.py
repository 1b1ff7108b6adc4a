"""Orders of dimensions by name: channels last, for pictures and volumes; and layers that are given tensors which lie so."""

import numpy as np
import pytest

import pullback as pb

F = pb.nn.functional


def pictures(*shape, dtype=pb.float64):
    return pb.tensor(np.random.default_rng(0).standard_normal(shape), dtype=dtype)


def last(x):
    return x.to(memory_format=pb.channels_last if x.ndim == 4 else pb.channels_last_3d)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 3, 4, 5), (2, 1, 4, 5), (2, 3, 4, 5, 6), (0, 3, 4, 5)])
def test_elements_stay_and_lie_otherwise(shape):
    x = pictures(*shape)
    order = pb.channels_last if len(shape) == 4 else pb.channels_last_3d
    moved = np.ascontiguousarray(np.moveaxis(x.numpy(), 1, -1))
    strides = np.moveaxis(np.empty([*shape[:1], *shape[2:], shape[1]]), -1, 1).strides
    for y in (x.to(memory_format=order), x.clone(memory_format=order), x.double(memory_format=order)):
        assert y.stride() == tuple(s // 8 for s in strides) or 0 in shape or y is x
        np.testing.assert_array_equal(y.numpy(), x.numpy())
    y = x.to(memory_format=order)
    assert y.is_contiguous(memory_format=order) or 0 in shape
    np.testing.assert_array_equal(np.moveaxis(y.numpy(), 1, -1), moved)
    assert y.to(pb.float32).stride() == y.stride()  # the order is kept unless another is asked for
    assert y.to(pb.float32, memory_format=pb.contiguous_format).is_contiguous()
    assert y.contiguous().is_contiguous()


def test_nothing_is_copied_that_lies_so():
    y = last(pictures(2, 3, 4, 5))
    assert y.to(memory_format=pb.channels_last) is y
    assert y.contiguous(memory_format=pb.channels_last) is y
    assert y.cpu(memory_format=pb.preserve_format) is y
    assert y.to(memory_format=pb.channels_last, copy=True) is not y


def test_a_gradient_goes_through():
    x = pictures(2, 3, 4, 5).requires_grad_()
    y = last(x)
    weight = pictures(2, 3, 4, 5) * 2
    (y * weight).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), weight.numpy())
    assert "ToCopyBackward0" in repr(y.grad_fn)
    primal, tangent = pb.func.jvp(last, (x.detach(),), (weight,))
    np.testing.assert_array_equal(tangent.numpy(), weight.numpy())
    assert pb.vmap(last)(pictures(6, 2, 3, 4, 5)).shape == (6, 2, 3, 4, 5)


LAYERS = {
    "conv2d": lambda m, x: m.nn.functional.conv2d(x, x[:, :, :2, :2] * 0.5, padding=1),
    "conv_transpose2d": lambda m, x: m.nn.functional.conv_transpose2d(x, x[:, :, :2, :2].transpose(0, 1)),
    "batch_norm": lambda m, x: m.nn.functional.batch_norm(x, None, None, training=True),
    "group_norm": lambda m, x: m.nn.functional.group_norm(x, 3),
    "instance_norm": lambda m, x: m.nn.functional.instance_norm(x),
    "max_pool2d": lambda m, x: m.nn.functional.max_pool2d(x, 2),
    "avg_pool2d": lambda m, x: m.nn.functional.avg_pool2d(x, 2),
    "adaptive_avg_pool2d": lambda m, x: m.nn.functional.adaptive_avg_pool2d(x, 2),
    "interpolate": lambda m, x: m.nn.functional.interpolate(x, scale_factor=2, mode="bilinear"),
    "pad": lambda m, x: m.nn.functional.pad(x, (1, 2, 0, 1), mode="reflect"),
    "softmax": lambda m, x: m.nn.functional.softmax(x, 1),
    "flatten": lambda m, x: x.flatten(1),
    "sum": lambda m, x: x.sum((1, 3)),
    "linear": lambda m, x: m.nn.functional.linear(x, x[0, 0]),
    "pixel_unshuffle": lambda m, x: m.nn.functional.pixel_unshuffle(x[..., :4], 2),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_see_the_same_numbers(name):
    x = pictures(2, 3, 4, 5)
    found = []
    for lay in (lambda t: t, last):
        leaf = x.clone().requires_grad_()
        y = LAYERS[name](pb, lay(leaf))
        (slope,) = pb.autograd.grad((y * y.detach().sin()).sum(), leaf)
        found.append((y.detach().numpy(), slope.numpy()))
    for plain, moved in zip(*found):
        np.testing.assert_allclose(moved, plain, rtol=1e-12, atol=1e-14)


def test_modules_lie_as_they_are_told():
    net = pb.nn.Sequential(pb.nn.Conv2d(2, 4, 3), pb.nn.BatchNorm2d(4), pb.nn.Flatten(), pb.nn.LazyLinear(3))
    x = pictures(2, 2, 5, 5, dtype=pb.float32)
    before = net(x)
    assert net.to(memory_format=pb.channels_last) is net
    assert net[0].weight.stride() == (18, 1, 6, 2) and net[0].bias.stride() == (1,)
    np.testing.assert_allclose(net(last(x)).detach().numpy(), before.detach().numpy(), rtol=1e-5, atol=1e-6)
    for convert, order, layer in (
        (pb.nn.utils.convert_conv2d_weight_memory_format, pb.channels_last, pb.nn.ConvTranspose2d(2, 4, 3)),
        (pb.nn.utils.convert_conv3d_weight_memory_format, pb.channels_last_3d, pb.nn.Conv3d(2, 4, 3)),
    ):
        assert convert(pb.nn.Sequential(layer), order)[0].weight.is_contiguous(memory_format=order)
    plain = pb.nn.utils.convert_conv2d_weight_memory_format(pb.nn.Conv3d(2, 4, 3), pb.channels_last)
    assert plain.weight.is_contiguous()


CALLS = """
x.to(memory_format=m.channels_last) ; y.contiguous() ; x.contiguous(memory_format=m.channels_last)
x.contiguous(memory_format=m.preserve_format) ; y.contiguous(memory_format=m.preserve_format)
x[0].contiguous(memory_format=m.channels_last) ; x[0].to(memory_format=m.channels_last)
x.to(memory_format=m.channels_last_3d) ; x[None].to(memory_format=m.channels_last_3d)
x.to(m.float32, memory_format=m.channels_last) ; y.to(memory_format=m.contiguous_format)
y.to(memory_format=m.preserve_format) ; y.half() ; y.float(memory_format=m.contiguous_format)
x.cpu(memory_format=m.channels_last) ; x.type(m.float32, memory_format=m.channels_last)
m.zeros_like(x, memory_format=m.channels_last) ; m.ones_like(y)
m.full_like(x, 2, memory_format=m.channels_last) ; m.zeros_like(x[0], memory_format=m.channels_last)
m.empty(1, 2, 3, 4, memory_format=m.channels_last).fill_(1)
m.empty(1, 2, 1, 1, memory_format=m.channels_last).fill_(1)
m.empty(2, 3, 4, memory_format=m.channels_last) ; m.empty(1, 2, 3, 4, memory_format=m.preserve_format)
m.zeros(1, 1, 3, 4).to(memory_format=m.channels_last)
m.zeros(2, 3, 1, 1).contiguous(memory_format=m.channels_last)
m.zeros(2, 3, 1, 1).to(memory_format=m.channels_last) ; x[:, :, ::2].to(memory_format=m.contiguous_format)
x.clone().resize_(1, 2, 3, 4, memory_format=m.channels_last)
x.clone().resize_(2, 3, 4, memory_format=m.channels_last)
x.clone().resize_as_(y, memory_format=m.preserve_format) ; x.clone().resize_as_(y)
x.clone(memory_format=3) ; x.clone().resize_as_(y, memory_format=m.channels_last)
m.zeros(4).resize_(1, 2, 1, 2, memory_format=m.channels_last)
x.is_contiguous(memory_format=m.channels_last) ; y.is_contiguous(memory_format=m.channels_last)
x.contiguous(m.channels_last) ; y.is_contiguous(memory_format=m.channels_last_3d)
y.is_contiguous(memory_format=m.preserve_format) ; y.relu() ; y + x ; y * y ; y.flip(1) ; y.roll(1, 2)
m.cat([y, y], 1) ; m.nn.functional.pad(y, (1, 1)) ; m.nn.functional.batch_norm(y, None, None, training=True)
m.nn.functional.dropout(y, 0.0) ; m.nn.functional.softmax(y, 1) ; y.sum(1) ; y.mean((2, 3), keepdim=True)
y.dim_order() ; x.contiguous(memory_format='channels_last') ; x.is_contiguous(memory_format=3)
x.to(memory_format=3)
"""


@pytest.mark.torch
@pytest.mark.parametrize(
    "call", [each.strip() for line in CALLS.splitlines() for each in line.split(" ; ") if each]
)
def test_as_pytorch_has_it(call, torch):
    from twins import first_sentence, outcome, without_position

    found = []
    for m in (pb, torch):
        x = m.arange(48.0).reshape(2, 2, 3, 4)
        y = x.to(memory_format=m.channels_last)
        found.append(outcome(lambda: eval(call, {"m": m, "x": x, "y": y})))  # noqa: B023
    (ours, error), (theirs, expected) = found
    assert type(error) is type(expected), error
    if isinstance(expected, RuntimeError):
        assert without_position(first_sentence(error)) == without_position(first_sentence(expected))
    elif expected is None:
        for a, b in zip(ours, theirs, strict=True):
            if not hasattr(b, "stride"):
                assert a == b
                continue
            assert (tuple(a.shape), a.stride()) == (tuple(b.shape), b.stride())
            np.testing.assert_allclose(a.float().numpy(), b.float().numpy(), rtol=1e-6)
