"""matmul and its parts: values, layouts, names, derivatives, errors."""

import itertools

import numpy as np
import pytest
from checks import check, tensor
from kinds import NUMBERS
from twins import names

import pullback as pb

SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((2, 3), (5, 3, 4)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((2, 1, 2, 3), (5, 3, 4)),
    ((2, 5, 2, 3), (2, 5, 3, 4)),
    ((2, 1, 2, 3), (1, 4, 3, 2)),
    ((1, 3), (3, 1)),
    ((1, 1), (1, 1)),
    ((2, 1), (1, 3)),
]
EMPTY = [
    ((0,), (0,)),
    ((2, 0), (0, 3)),
    ((0, 2), (2, 3)),
    ((2, 3), (3, 0)),
    ((0, 2, 3), (3, 4)),
    ((5, 2, 0), (5, 0, 2)),
    ((2, 0), (0,)),
    ((0, 3), (3,)),
    ((0, 2, 3), (0, 3, 2)),
    ((1, 2, 3), (0, 3, 2)),
]


def draw(shape, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    if dtype.startswith("float"):
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 200, shape).astype(dtype)


def drawn(*shapes):
    return [draw(shape, seed=seed) for seed, shape in enumerate(shapes)]


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("a, b", SHAPES + EMPTY, ids=str)
def test_values(a, b, dtype):
    x, y = draw(a, dtype, 1), draw(b, dtype, 2)
    z = tensor(x) @ tensor(y)
    expected = x @ y  # NumPy's integers wrap around as well
    assert tuple(z.shape) == expected.shape
    assert str(z.dtype) == f"pullback.{dtype}" or str(z.dtype).endswith(dtype)
    tolerance = {"float32": 1e-5, "float64": 1e-13}.get(dtype, 0)
    np.testing.assert_allclose(z.numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("a, b", SHAPES, ids=str)
def test_derivatives(a, b):
    check(pb.matmul, *drawn(a, b))


@pytest.mark.parametrize("a, b", EMPTY, ids=str)
def test_gradients_of_nothing_are_zeros(a, b):
    x, y = tensor(draw(a), True), tensor(draw(b), True)
    (x @ y).sum().backward()
    assert x.grad.shape == x.shape and not x.grad.numpy().any()
    assert y.grad.shape == y.shape and not y.grad.numpy().any()


def layouts(a):
    """The same matrix in different memory."""
    n, m = a.shape
    wide = np.zeros((2 * n, 3 * m), a.dtype)
    wide[::2, ::3] = a
    rows = np.zeros((n, m + 3), a.dtype)
    rows[:, 1 : m + 1] = a
    return {
        "contiguous": pb.from_numpy(a.copy()),
        "transposed": pb.from_numpy(np.asfortranarray(a)),
        "strided": pb.from_numpy(wide)[::2, ::3],
        "rows": pb.from_numpy(rows)[:, 1 : m + 1],
        "columns": pb.from_numpy(np.ascontiguousarray(rows[:, 1 : m + 1].T)).T,
        "offset": pb.from_numpy(np.concatenate([np.zeros((1, m), a.dtype), a]))[1:],
    }


@pytest.mark.parametrize("n, k, m", [(3, 4, 5), (1, 4, 5), (3, 1, 5), (3, 4, 1), (1, 1, 1), (40, 30, 20)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_layouts(n, k, m, dtype):
    a, b = draw((n, k), dtype, 1), draw((k, m), dtype, 2)
    tolerance = {"float32": 1e-4, "float64": 1e-12}.get(dtype, 0)
    for left, x in layouts(a).items():
        np.testing.assert_array_equal(x.contiguous().numpy(), a, err_msg=left)
        for right, y in layouts(b).items():
            z = x @ y
            assert z.stride() == (m, 1)
            np.testing.assert_allclose(
                z.numpy(), a @ b, rtol=tolerance, atol=tolerance, err_msg=f"{left} {right}"
            )


def test_broadcast_operands_have_no_stride():
    row = pb.tensor([1.0, 2.0]).expand(3, 2)
    column = pb.tensor([[1.0], [2.0]]).expand(2, 4)
    np.testing.assert_allclose((row @ column).numpy(), np.full((3, 4), 5.0))
    assert float(pb.dot(pb.tensor(2.0).expand(3), pb.tensor([1.0, 2.0, 3.0]))) == 12.0
    np.testing.assert_allclose(pb.mv(row, pb.tensor(3.0).expand(2)).numpy(), [9.0] * 3)


@pytest.mark.parametrize("f", [pb.dot, pb.vdot, pb.outer, pb.inner], ids=["dot", "vdot", "outer", "inner"])
def test_vector_derivatives(f):
    check(f, *drawn((4,), (4,)))


def test_other_derivatives():
    check(pb.mm, *drawn((2, 3), (3, 4)))
    check(pb.bmm, *drawn((2, 2, 3), (2, 3, 4)))
    check(pb.mv, *drawn((2, 3), (3,)))
    check(pb.outer, *drawn((2,), (3,)))
    check(lambda a, b: pb.mm(a.T, b.T), *drawn((3, 2), (4, 3)))
    check(lambda a: a @ a, *drawn((3, 3)))
    check(lambda a, b: a @ b @ a.sum(0), *drawn((3, 3), (3, 3)))


def test_a_value_not_finite_stays_where_it_is():
    a, b = np.zeros((3, 4)), np.ones((4, 2))
    a[1, 2] = np.nan
    z = (tensor(a) @ tensor(b)).numpy()
    assert np.isnan(z[1]).all() and not np.isnan(z[[0, 2]]).any()
    # The products are written over memory that held anything.
    for shape in [(4, 4), (1, 4), (4, 1)]:
        for _ in range(3):
            junk = pb.zeros(shape[0] * shape[1]) + float("nan")
            del junk
            z = pb.zeros(shape[0], 4) @ pb.zeros(4, shape[1])
            assert not z.numpy().any()


def test_only_what_is_read_is_kept():
    # As in PyTorch: the derivative by x does not read x, so that changing x is allowed.
    x, w = tensor(draw((2, 3)), True), tensor(draw((3, 2)))
    y = x @ w
    with pb.no_grad():
        x.add_(1.0)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.tile(w.numpy().sum(1), (2, 1)))
    y = x @ w
    w.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_out():
    a, b = tensor(draw((2, 3))), tensor(draw((3, 4)))
    out = pb.empty(2, 4, dtype=pb.float64)
    assert pb.mm(a, b, out=out) is out
    np.testing.assert_array_equal(out.numpy(), (a @ b).numpy())
    columns = pb.empty(4, 2, dtype=pb.float64).T
    pb.matmul(a, b, out=columns)
    np.testing.assert_array_equal(columns.numpy(), (a @ b).numpy())
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype double, but got float instead"):
        pb.mm(a, b, out=pb.empty(2, 4))
    with pytest.raises(
        RuntimeError, match=r"mm\(\): functions with out=... arguments don't support automatic diff"
    ):
        pb.mm(a.requires_grad_(), b, out=out)


ERRORS = [
    ("mm", ((2, 3), (2, 3)), "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"),
    ("mm", ((3,), (3, 2)), "self must be a matrix"),
    ("mm", ((2, 3), (3,)), "mat2 must be a matrix"),
    ("matmul", ((), (3,)), "both arguments to matmul need to be at least 1D, but they are 0D and 1D"),
    ("matmul", ((2, 3), (2,)), "size mismatch, got input (2), mat (2x3), vec (2)"),
    ("matmul", ((2,), (3, 2)), "mat1 and mat2 shapes cannot be multiplied (1x2 and 3x2)"),
    (
        "matmul",
        ((2, 3, 4), (3, 4, 3)),
        "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0",
    ),
    (
        "matmul",
        ((2, 3, 4), (2, 3, 4)),
        "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [2, 3].",
    ),
    ("matmul", ((2, 3, 4), (3, 4)), "mat1 and mat2 shapes cannot be multiplied (6x4 and 3x4)"),
    ("matmul", ((2, 3, 4), (3,)), "size mismatch, got input (6), mat (6x4), vec (3)"),
    (
        "matmul",
        ((2, 3), (2, 2, 3)),
        "Expected size for first two dimensions of batch2 tensor to be: [2, 3] but got: [2, 2].",
    ),
    (
        "bmm",
        ((2, 3, 4), (3, 4, 3)),
        "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [3, 4].",
    ),
    ("bmm", ((3, 4), (3, 4, 3)), "batch1 must be a 3D tensor"),
    ("bmm", ((2, 3, 4), (4, 3)), "batch2 must be a 3D tensor"),
    ("mv", ((2, 3), (2,)), "size mismatch, got input (2), mat (2x3), vec (2)"),
    ("mv", ((2,), (2,)), "vector + matrix @ vector expected, got 1, 1, 1"),
    (
        "dot",
        ((2,), (3,)),
        "inconsistent tensor size, expected tensor [2] and src [3] to have the same number of elements, but got 2 and 3 elements respectively",  # noqa: E501
    ),
    ("dot", ((2, 2), (2,)), "1D tensors expected, but got 2D and 1D tensors"),
    ("outer", ((2, 2), (2,)), "outer: Expected 1-D argument self, but got 2-D"),
    ("outer", ((2,), (2, 2)), "outer: Expected 1-D argument vec2, but got 2-D"),
    (
        "inner",
        ((2, 3), (2, 4)),
        "inner() the last dimension must match on both input tensors but got shapes [2, 3] and [2, 4]",
    ),
]
DTYPE_ERRORS = [
    ("mm", ((2, 3), (3, 2)), "expected m1 and m2 to have the same dtype, but got: float != double"),
    ("matmul", ((2, 3), (3, 2)), "expected m1 and m2 to have the same dtype, but got: float != double"),
    ("matmul", ((2, 3, 4), (2, 4, 5)), "expected scalar type Float but found Double"),
    ("bmm", ((2, 3, 4), (2, 4, 5)), "expected scalar type Float but found Double"),
    ("dot", ((2,), (2,)), "dot : expected both vectors to have same dtype, but found Float and Double"),
    ("mv", ((2, 3), (3,)), "addmv input tensors must have the same dtype, but got Double, Float, and Double"),
    ("inner", ((2, 3), (2, 3)), "both inputs should have same dtype"),
]


@pytest.mark.parametrize("name, shapes, message", ERRORS, ids=str)
def test_errors(name, shapes, message):
    with pytest.raises(RuntimeError) as caught:
        getattr(pb, name)(*map(pb.zeros, shapes))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("name, shapes, message", DTYPE_ERRORS, ids=str)
def test_dtype_errors(name, shapes, message):
    with pytest.raises(RuntimeError) as caught:
        getattr(pb, name)(pb.zeros(shapes[0]), pb.zeros(shapes[1], dtype=pb.float64))
    assert str(caught.value).startswith(message)


@pytest.mark.torch
@pytest.mark.parametrize("name, shapes, message", ERRORS + DTYPE_ERRORS, ids=str)
def test_the_messages_are_pytorchs(name, shapes, message):
    import torch

    second = torch.float64 if (name, shapes, message) in DTYPE_ERRORS else torch.float32
    with pytest.raises(RuntimeError) as caught:
        getattr(torch, name)(torch.zeros(shapes[0]), torch.zeros(shapes[1], dtype=second))
    assert str(caught.value).startswith(message)


def test_truth_values_have_no_products():
    t = pb.zeros(2, 2, dtype=pb.bool)
    for f, a, b in [(pb.mm, t, t), (pb.mv, t, t[0]), (pb.dot, t[0], t[0]), (pb.bmm, t[None], t[None])]:
        with pytest.raises(NotImplementedError, match="not implemented for 'Bool'"):
            f(a, b)


def test_other_operands():
    t = pb.ones(2, 2)
    for other in ([1, 2], 2, 2.0, None, "x"):
        with pytest.raises(TypeError, match="unsupported operand type"):
            t @ other
        with pytest.raises(TypeError, match="unsupported operand type"):
            other @ t
    before = t
    t @= pb.ones(2, 2)  # there is no in-place product: the name is bound anew
    assert t is not before and before.numpy().max() == 1


@pytest.mark.torch
@pytest.mark.parametrize("a, b", SHAPES, ids=str)
def test_against_pytorch(a, b):
    import torch

    x, y = draw(a, seed=1), draw(b, seed=2)
    ours, theirs = [tensor(v, True) for v in (x, y)], [torch.tensor(v, requires_grad=True) for v in (x, y)]
    z, w = ours[0] @ ours[1], theirs[0] @ theirs[1]
    np.testing.assert_allclose(z.detach().numpy(), w.detach().numpy(), rtol=1e-13, atol=1e-13)
    assert z.stride() == w.stride()
    folded_from_the_right = len(b) > 2 and (len(a) < 3 or (a[0] == 1 and len(a) == 3))
    if not folded_from_the_right:  # PyTorch transposes there and back, we need not
        assert names(z, 2)[0] == names(w, 2)[0]
    z.square().sum().backward()
    w.square().sum().backward()
    for u, v in zip(ours, theirs):
        np.testing.assert_allclose(u.grad.numpy(), v.grad.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.torch
def test_names_against_pytorch():
    import torch

    for f in [
        lambda m: names(m.ones(2, 3, requires_grad=True) @ m.ones(3, 4, requires_grad=True)),
        lambda m: names(m.ones(3, requires_grad=True) @ m.ones(3, 4, requires_grad=True)),
        lambda m: names(m.ones(5, 2, 3, requires_grad=True) @ m.ones(3, 4, requires_grad=True)),
        lambda m: names(m.ones(5, 2, 3, requires_grad=True) @ m.ones(3, requires_grad=True)),
        lambda m: names(m.vdot(m.ones(3, requires_grad=True), m.ones(3))),
        lambda m: names(m.outer(m.ones(3, requires_grad=True), m.ones(3, requires_grad=True))),
        lambda m: names(m.inner(m.ones(2, 3, requires_grad=True), m.ones(4, 3, requires_grad=True)), 2),
    ]:
        assert f(pb) == f(torch)


@pytest.mark.parametrize("m, n", [(4, 3), (4, 1), (1, 3), (1, 1)])
@pytest.mark.parametrize("summed", [False, True])
def test_batches_of_one_entry_beside_batches_that_are_the_same_everywhere(m, n, summed):
    """However often an entry is repeated, by a stride of 0, in memory, or by broadcasting."""
    numbers = np.random.default_rng(0)
    ways = [
        lambda x: x,
        lambda x: x.expand(1, *x.shape[1:]).expand(2, *x.shape[1:]),
        lambda x: x.repeat(2, 1, 1),
        lambda x: x[0],
    ]
    for first, second in itertools.product(ways, ways):
        a, b = pb.tensor(numbers.normal(size=(1, m, 5))), pb.tensor(numbers.normal(size=(1, 5, n)))
        for x, y in ((a, b), (a.mT.clone().mT, b.mT.clone().mT)):
            x, y = first(x).requires_grad_(summed), second(y)
            z = x @ y
            np.testing.assert_allclose(z.detach().numpy(), x.detach().numpy() @ y.numpy())
            if summed:
                expected = np.broadcast_to(y.sum(-1).numpy()[..., None, :], (*z.shape[:-2], m, 5))
                (grad,) = pb.autograd.grad(z.sum(), x)
                while expected.ndim > grad.ndim:
                    expected = expected.sum(0)
                for d in range(grad.ndim):
                    if grad.shape[d] != expected.shape[d]:
                        expected = expected.sum(d, keepdims=True)
                np.testing.assert_allclose(grad.numpy(), expected)
