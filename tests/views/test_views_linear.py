"""Every view in every mode and nesting; values against NumPy."""

import numpy as np
import pytest
from checks import LAYOUTS, check_linear
from kinds import DTYPES

import pullback as pb

X = np.arange(24.0).reshape(2, 3, 4)

# (operator, what NumPy makes of it; None where its values are tested elsewhere)
VIEWS = {
    "view": (lambda t: t.view(4, 6), lambda a: a.reshape(4, 6)),
    "view of a view": (lambda t: t.view(4, 6).t()[1:].unsqueeze(1), lambda a: a.reshape(4, 6).T[1:][:, None]),
    "reshape": (lambda t: t.transpose(0, 2).reshape(4, 6), lambda a: a.transpose(2, 1, 0).reshape(4, 6)),
    "flatten": (lambda t: t.transpose(0, 1).flatten(), lambda a: a.swapaxes(0, 1).ravel()),
    "unflatten": (lambda t: t.unflatten(2, (2, -1)), lambda a: a.reshape(2, 3, 2, 2)),
    "transpose": (lambda t: t.transpose(0, 2), lambda a: a.swapaxes(0, 2)),
    "permute": (lambda t: t.permute(2, 0, 1), lambda a: a.transpose(2, 0, 1)),
    "movedim": (lambda t: t.movedim((0, 1), (-1, 0)), lambda a: np.moveaxis(a, (0, 1), (-1, 0))),
    "squeeze": (lambda t: t.reshape(2, 1, 12, 1).squeeze(), lambda a: a.reshape(2, 12)),
    "squeeze one": (lambda t: t.reshape(2, 1, 12, 1).squeeze(1), lambda a: a.reshape(2, 12, 1)),
    "squeeze some": (lambda t: t.reshape(1, 2, 1, 12).squeeze((0, 1)), lambda a: a.reshape(2, 1, 12)),
    "unsqueeze": (lambda t: t.unsqueeze(-2), lambda a: a[:, :, None]),
    "expand": (lambda t: t[:, :1].expand(5, 2, 3, 4), lambda a: np.broadcast_to(a[:, :1], (5, 2, 3, 4))),
    "expand to nothing": (lambda t: t[:, :1].expand(2, 0, 4), lambda a: np.zeros((2, 0, 4))),
    "contiguous": (lambda t: t.transpose(0, 2).contiguous(), lambda a: a.swapaxes(0, 2)),
    "select": (lambda t: t.select(1, -1), lambda a: a[:, -1]),
    "narrow": (lambda t: t.narrow(2, 1, 2), lambda a: a[:, :, 1:3]),
    "diagonal": (lambda t: t.diagonal(1, 1, 2), lambda a: a.diagonal(1, 1, 2)),
    "diagonal below": (lambda t: t.diagonal(-1, 2, 0), lambda a: a.diagonal(-1, 2, 0)),
    "no diagonal": (lambda t: t.diagonal(9), lambda a: np.zeros((4, 0))),
    "unfold apart": (lambda t: t.unfold(2, 2, 2), lambda a: a.reshape(2, 3, 2, 2)),
    "unfold": (
        lambda t: t.unfold(2, 2, 1),
        lambda a: np.lib.stride_tricks.sliding_window_view(a, 2, axis=2),
    ),
    "unfold twice": (lambda t: t.unfold(2, 3, 1).unfold(1, 2, 1), None),
    "unbind": (lambda t: t.unbind(1), lambda a: [a[:, i] for i in range(3)]),
    "some of unbind": (lambda t: t.unbind(1)[::2], lambda a: [a[:, 0], a[:, 2]]),
    "split": (lambda t: t.split(3, 2), lambda a: [a[..., :3], a[..., 3:]]),
    "split by sizes": (lambda t: t.split([1, 0, 3], 2)[1:], lambda a: [a[..., :0], a[..., 1:]]),
    "chunk": (lambda t: t.chunk(2, 1), lambda a: [a[:, :2], a[:, 2:]]),
    "tensor_split": (lambda t: t.tensor_split(2, 1), lambda a: np.array_split(a, 2, 1)),
    "iteration": (lambda t: [row * (i + 1) for i, row in enumerate(t)], lambda a: [a[0], a[1] * 2]),
    "as_strided": (lambda t: t.as_strided((3, 2), (8, 1), 2), None),
    "as_strided, overlapping": (lambda t: t.as_strided((5, 4), (3, 2), 1), None),
    "as_strided, one element": (lambda t: t.as_strided((3, 2), (0, 0), 7), None),
    "as_strided of a part": (lambda t: t[1].as_strided((2, 5), (3, 1), 12), None),
    "as_strided of a part with gaps": (lambda t: t[:, :, ::2].as_strided((2, 5), (8, 2), 2), None),
    "as_strided of a transpose": (lambda t: t.transpose(0, 2).as_strided((3, 4), (5, 2), 1), None),
    "as_strided of a repetition": (lambda t: t[:, :1].expand(2, 3, 4).as_strided((2, 3), (12, 1), 0), None),
    "as_strided twice": (lambda t: t.as_strided((4, 4), (5, 1), 1).as_strided((3, 2), (5, 1), 2), None),
    "select_scatter": (lambda t: t.select_scatter(t[:, 0] * 2, 1, 1), None),
    "slice_scatter": (lambda t: t.slice_scatter(t[:, :2] * 3, 1, 0, 3, 2), None),
    "diagonal_scatter": (lambda t: t.diagonal_scatter(t[0, 0, :, None].expand(4, 2), 0, 0, 1), None),
    "as_strided_scatter": (lambda t: t.as_strided_scatter(t[0, :2, :2], (2, 2), (3, 1), 4), None),
    "scatter into strided": (lambda t: t[:, :, ::2].select_scatter(t[0, :2, :2], 1, 1), None),
    "clone": (lambda t: t.transpose(0, 1).clone(), lambda a: a.swapaxes(0, 1)),
    "t_": (lambda t: t.clone().reshape(4, 6).t_(), lambda a: a.reshape(4, 6).T),
    "transpose_": (lambda t: (t * 2).transpose_(0, 2), lambda a: 2 * a.swapaxes(0, 2)),
    "squeeze_": (lambda t: t[:1].clone().squeeze_(), lambda a: a[0]),
    "unsqueeze_": (lambda t: t[:1].clone().unsqueeze_(1), lambda a: a[:1, None]),
    "atleast_3d": (
        lambda t: pb.atleast_3d(t[0, 0], t[0]),
        lambda a: [a[0, 0][None, :, None], a[0][..., None]],
    ),
    "broadcast_tensors": (
        lambda t: pb.broadcast_tensors(t, t[:1]),
        lambda a: [a, np.broadcast_to(a[:1], a.shape)],
    ),
}


@pytest.mark.parametrize("name", VIEWS)
def test_derivatives(name):
    layouts = (
        ("contiguous",) if name.startswith(("view", "as_strided")) else tuple(LAYOUTS)
    )  # those ask for memory
    check_linear(VIEWS[name][0], X.shape, layouts=layouts)


@pytest.mark.parametrize("name", [name for name in VIEWS if VIEWS[name][1]])
@pytest.mark.parametrize("dtype", DTYPES)
def test_values(name, dtype):
    operator, reference = VIEWS[name]
    if dtype == "bool" and name in ("iteration", "transpose_"):
        pytest.skip("multiplies")
    array = X.astype(dtype)
    got, wanted = operator(pb.tensor(array)), reference(array)
    got, wanted = (got, wanted) if isinstance(got, (list, tuple)) else ([got], [wanted])
    assert len(got) == len(wanted)
    for t, a in zip(got, wanted):
        assert str(t.dtype) == f"pullback.{dtype}"
        np.testing.assert_array_equal(t.numpy(), a)


def test_as_strided_reads_memory():
    t = pb.tensor(np.arange(12.0))
    for size, stride, offset in [
        ((3, 2), (4, 1), 1),
        ((3, 3), (1, 1), 0),
        ((2, 2, 2), (0, 5, 2), 3),
        ((), (), 11),
    ]:
        wanted = np.lib.stride_tricks.as_strided(np.arange(12.0)[offset:], size, [8 * s for s in stride])
        np.testing.assert_array_equal(t.as_strided(size, stride, offset).numpy(), wanted)


def test_views_share_memory():
    x = pb.zeros(4, 6)
    for view in (x.t(), x.view(-1), x[1:, ::2], x.diagonal(), x.unfold(1, 2, 2), x.as_strided((3,), (5,), 2)):
        before = x.sum().item()
        view.add_(1)
        assert x.sum().item() == before + view.numel()
    assert x.t().reshape(24).data_ptr() != x.data_ptr()


def test_iteration_keeps_parts_apart():
    with pytest.raises(TypeError, match="iteration over a 0-d tensor"):
        iter(pb.tensor(1.0))
    first, *rest = pb.tensor([1.0, 2.0, 3.0])
    assert first.item() == 1 and len(rest) == 2
    assert list(pb.zeros(0, 3)) == []


def test_many_parts():
    # More outputs than one node can count.
    x = pb.zeros(70_000, requires_grad=True)
    parts = x.unbind()
    assert len(parts) == 70_000
    total = pb.stack(parts)
    total.backward(pb.tensor(np.arange(70_000, dtype=np.float32)))
    np.testing.assert_array_equal(x.grad.numpy(), np.arange(70_000, dtype=np.float32))
    assert len(x.split(1)) == 70_000
