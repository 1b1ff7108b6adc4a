# ruff: noqa: E501
"""Shapes, strides, dtypes, names on the tape, gradients and errors against PyTorch."""

import numpy as np
import pytest

import pullback as pb

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore"),
]

READS = """
x[None] | x[...] | x[()] | x[:] | x[1:] | x[0] | x[True] | x[False] | x[..., 0] | x[[0, 1]] | x[[0, slice(None)]]
x[[[0, 1], [1, 2]]] | x[[True, False]] | x[[]] | x[[[]]] | x[0, [1, 2]] | x[0, :, [1, 2]] | x[[0, 1], :, [1, 2]]
x[:, [0, 1], [1, 2]] | x[T(1)] | x[T(True)] | x[T(1, dtype=L.int32)] | x[T([1], dtype=L.int32)] | x[[1.0]] | x[range(2)]
x[np.array([0, 1])] | x[np.array([True, False])] | x[np.array(1)] | x[T(1):] | x[T([1]):] | x[None, [0, 1]]
x[[0, 1], None] | x[[0, 1], None, [0, 1]] | x[True, [0, 1]] | x[[0, 1], True] | x[..., ...] | x[:2**70] | x[-2**70:]
x[[0, 1], :, [[1], [2]]] | x[x > 3] | x[:, x[0] > 3] | x[x[..., 0] > 3] | x[x[:, :, 0] > 3, 1:] | x[[0, 1], [0, 1], [0, 1]]
x[T([], dtype=L.int64)] | x[1, None, ..., ::2] | x[0][1][2] | x[1:, 1:, 1:][0]
x.permute(2, 1, 0)[[0, 1]] | x.permute(2, 1, 0)[:, [0, 1]] | x.transpose(0, 1)[[0, 1], [1, 1]]
x.permute(2, 1, 0)[[0, 1], :, [1, 1]] | x[T([[0, 1], [1, 0]]).transpose(0, 1)]
x[:, T([[0, 1, 1], [1, 0, 0]]).transpose(0, 1)] | x.permute(1, 2, 0)[:, 2:, [0, 1, 0]]
x.gather(0, T([[[0]]])) | x.gather(-1, T([[[3, 3], [0, 1]]])) | x.gather(0, L.zeros(0, dtype=L.int64)) | x.gather(0, L.zeros(5, 2, 1, dtype=L.int64))
x.scatter(0, T([[[0]]]), T([[[5.]]])) | x.scatter(0, T([[[0]]]), 5) | x.scatter(1, T([[[0, 2]]]), value=3)
x.scatter(0, L.zeros(0, dtype=L.int64), L.ones(1, 4, 1))
x.scatter_add(1, T([[[0, 2], [0, 2]]]), L.ones(1, 2, 2)) | x.scatter_add(0, T([[[0]]], dtype=L.int32), T([[[5.]]]))
x.scatter_reduce(0, T([[[0]]]), T([[[5.]]]), 'sum') | x.scatter_reduce(0, T([[[0], [1]]]), T([[[5.], [7.]]]), 'mean')
x.scatter_reduce(0, T([[[0]]]), T([[[5.]]]), 'prod', include_self=False) | x.scatter_reduce(0, T([[[1]]]), T([[[5.]]]), 'amax')
x.scatter_reduce(0, T([[[1]]]), T([[[5.]]]), 'amin', include_self=False)
x.index_select(0, T([0])) | x.index_select(2, T(1)) | x.index_select(1, T([0, 0, 2], dtype=L.int32))
x.index_add(0, T([0]), L.ones(1, 3, 4)) | x.index_add(0, T([0]), L.ones(1, 3, 4), alpha=2) | x.index_copy(0, T([1]), L.ones(1, 3, 4))
x.index_fill(0, T([-1]), 5) | x.index_fill(0, T([0]), T(5.)) | x.index_put((T([0]),), T([1.])) | x.index_put((T([0, 0]),), T(1.), accumulate=True)
x.masked_fill(x > 3, 0) | x.masked_fill(x > 3, T(0.)) | x.masked_fill(x > 3, 2 + 0j) | x.masked_fill(x > 3, T(2 + 0j)) | x.masked_fill(L.ones(2, 2, 3, 4) > 0, 0)
x.masked_select(x > 3) | x.masked_select(L.ones(4) > 0) | x.masked_scatter(x > 3, L.ones(20)) | x.masked_scatter(x > 3, L.ones(5, 5))
x.take(T([0, 5])) | x.take(T([[0, -1]])) | x.put(T([0, 5]), T([1., 2])) | x.put(T([0, 5]), T([1., 2]), accumulate=True)
L.take_along_dim(x, T([[[-1, 0, -2, 1]]]), 0) | L.take_along_dim(x, T([[[2], [-3], [-1]]]), -2)
L.take_along_dim(x, L.zeros(1, 1, 4, dtype=L.int64), 0) | L.take_along_dim(x, L.zeros(2, dtype=L.int64))
L.where(x > 3, x, 0.) | L.where(x > 3, 1, x) | x.where(x > 3, 0)
x.nonzero() | x.nonzero(as_tuple=True) | L.argwhere(x) | L.where(x > 3) | L.nonzero(T(0.))
T(5.)[...] | T(5.)[None] | T(5.)[True] | T(5.)[T(True)] | T(5.).gather(0, T(0)) | T(5.).index_select(0, T([0]))
L.zeros(0, 3)[[]] | L.zeros(0, 3)[:, [0]] | L.zeros(3, 0)[[0]] | L.zeros(0).take(L.zeros(0, dtype=L.int64))
""".strip().replace("\n", " | ").split(" | ")  # fmt: skip

WRITES = """
x[0] = 1 | x[0] = L.ones(1, 1, 3, 4) | x[[0]] = L.ones(1, 1, 1, 3, 4) | x[0] = L.ones(4, dtype=L.float64) | x[x > 3] = 0
x[x > 3] = L.ones(20) | x[x > 3] = T(2.) | x[x > 3] = T(2 + 0j) | x[x > 3] = T([300]) | x[False] = 3 | x[True] = 3 | x[None] = 3 | x[..., 0] = T([1., 2, 3])
x[True, [0]] = 3 | x[[0, 1], :, [1, 2]] = T([[1., 2, 3]]) | x[0, [0, 1]] = x[1, 2] * 2 | x[1:, None, 0] = x[0, 0]
x[[0, 1]] += 1 | x[[0, 1], 1] *= x[[1, 0], 0] | x[0][1][2] = 7 | x[:, 1:][..., ::2] = x[:, :2, 1::2]
x.index_put_((T([0]), T([1])), T([1.])) | x.scatter_(0, T([[[0]]]), 2) | x.scatter_add_(0, T([[[0]]]), T([[[2.]]]))
x.scatter_reduce_(0, T([[[0]]]), T([[[5.]]]), 'amin') | x.index_add_(1, T([1]), L.ones(2, 1, 4)) | x.index_copy_(1, T([1]), L.ones(2, 1, 4))
x.index_fill_(2, T([1, -1]), 3) | x.masked_fill_(x > 3, 1) | x.masked_scatter_(x > 3, L.ones(30)) | x.put_(T([3]), T([1.]))
x[0].masked_fill_(x[0] > 3, 1) | x[1:].index_fill_(2, T([0]), 3) | x[..., 1].scatter_(0, T([[0, 1]]), T([[8., 9]]))
""".strip().replace("\n", " | ").split(" | ")  # fmt: skip


def run(library, text, grad):
    a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    leaf = library.tensor(a, requires_grad=grad)
    x = leaf * 1 if "=" in text or "_(" in text else leaf
    names = {"L": library, "T": library.tensor, "np": np, "x": x}
    try:
        result = eval(text, names)
    except SyntaxError:
        exec(text, names)
        result = x
    results = result if isinstance(result, tuple) else (result,)
    facts = []
    for t in results:
        name = type(t.grad_fn).__name__ if t.grad_fn is not None else None
        facts.append((tuple(t.shape), t.stride(), str(t.dtype).split(".")[-1], name, t.detach().tolist()))
    if grad and results[0].requires_grad:
        y = x if x is not leaf else results[0]
        weights = library.tensor(np.cos(np.arange(y.numel(), dtype=np.float32)).reshape(tuple(y.shape)))
        (y * weights).sum().backward()
        return facts, np.array(leaf.grad.tolist())
    return facts, None


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("text", READS + WRITES)
def test_as_torch(text, grad):
    expected, gradient = run(torch, text, grad)
    got, ours = run(pb, text, grad)
    assert got == expected
    if gradient is not None:
        np.testing.assert_allclose(ours, gradient, rtol=1e-6, atol=1e-6)


def test_second_derivatives():
    def f(library):
        x = library.tensor(np.linspace(-1, 2, 24).reshape(2, 3, 4), requires_grad=True)
        y = x.sin()
        y[0, [0, 2]] = y[1, 1] * 2
        z = y.gather(2, library.tensor([[[0, 3], [1, 1]]])).exp()
        z = y.scatter_add(2, library.tensor([[[0, 3], [1, 1]]]), z)[y > 0]
        (g,) = library.autograd.grad((z * z).sum(), x, create_graph=True)
        (h,) = library.autograd.grad((g * g).sum(), x)
        return np.array(h.tolist())

    np.testing.assert_allclose(f(pb), f(torch), rtol=1e-12)
