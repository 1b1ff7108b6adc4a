"""Products added to something: addmm, addmv, addr, addbmm, baddbmm, linear, bilinear."""

import numpy as np
import pytest
from checks import check, in_place, tensor
from twins import names

import pullback as pb
from pullback.operators.products import bilinear, linear

CASES = {  # name: shapes of input and factors, and NumPy's product
    "addmm": [
        ((2, 4), (2, 3), (3, 4)),
        ((4,), (2, 3), (3, 4)),
        ((), (2, 3), (3, 4)),
        ((2, 1), (2, 3), (3, 4)),
    ],
    "addmv": [((2,), (2, 3), (3,)), ((1,), (2, 3), (3,)), ((), (2, 3), (3,))],
    "addr": [((2, 3), (2,), (3,)), ((3,), (2,), (3,)), ((), (2,), (3,))],
    "addbmm": [((2, 4), (5, 2, 3), (5, 3, 4)), ((4,), (5, 2, 3), (5, 3, 4))],
    "baddbmm": [
        ((5, 2, 4), (5, 2, 3), (5, 3, 4)),
        ((2, 4), (5, 2, 3), (5, 3, 4)),
        ((1,), (5, 2, 3), (5, 3, 4)),
    ],
}
PRODUCT = {
    "addmm": np.matmul,
    "addmv": np.matmul,
    "addr": np.outer,
    "baddbmm": np.matmul,
    "addbmm": lambda a, b: np.matmul(a, b).sum(0),
}
ALL = [(name, shapes) for name, all_shapes in CASES.items() for shapes in all_shapes]
FACTORS = [(1, 1), (0.5, 2.0), (0, 3), (2, 0)]


def draw(shapes, dtype="float64"):
    rng = np.random.default_rng(3)
    if dtype.startswith("float"):
        return [rng.standard_normal(s).astype(dtype) for s in shapes]
    return [np.asarray(rng.integers(-9, 9, s)).astype(dtype) for s in shapes]


@pytest.mark.parametrize("beta, alpha", FACTORS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32"])
@pytest.mark.parametrize("name, shapes", ALL, ids=str)
def test_values(name, shapes, dtype, beta, alpha):
    if dtype.startswith("int"):
        beta, alpha = int(beta * 2), int(alpha)
    arrays = draw(shapes, dtype)
    expected = (beta * arrays[0] + alpha * PRODUCT[name](*arrays[1:])).astype(dtype)
    tensors = list(map(tensor, arrays))
    y = getattr(pb, name)(*tensors, beta=beta, alpha=alpha)
    tolerance = {"float32": 1e-5, "float64": 1e-13}.get(dtype, 0)
    assert str(y.dtype).endswith(dtype)
    np.testing.assert_allclose(y.numpy(), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(tensors[0].numpy(), arrays[0])
    out = pb.empty(expected.shape, dtype=y.dtype)
    getattr(pb, name)(*tensors, beta=beta, alpha=alpha, out=out)
    np.testing.assert_array_equal(out.numpy(), y.numpy())


@pytest.mark.parametrize("beta, alpha", FACTORS)
@pytest.mark.parametrize("name, shapes", [(name, shapes[0]) for name, shapes in CASES.items()], ids=str)
def test_in_place(name, shapes, beta, alpha):
    arrays = draw(shapes)
    tensors = list(map(tensor, arrays))
    expected = getattr(pb, name)(*tensors, beta=beta, alpha=alpha).numpy()
    target, version = tensors[0], tensors[0]._version
    assert getattr(target, name + "_")(*tensors[1:], beta=beta, alpha=alpha) is target
    assert target._version == version + 1
    np.testing.assert_allclose(target.numpy(), expected, rtol=1e-13, atol=1e-13)
    columns = tensor(np.asfortranarray(arrays[0]))
    getattr(columns, name + "_")(*tensors[1:], beta=beta, alpha=alpha)
    np.testing.assert_allclose(columns.numpy(), expected, rtol=1e-13, atol=1e-13)
    check(in_place(lambda x, a, b: getattr(x, name + "_")(a, b, beta=beta, alpha=alpha)), *draw(shapes))


@pytest.mark.parametrize("beta, alpha", FACTORS[:3])
@pytest.mark.parametrize("name, shapes", ALL, ids=str)
def test_derivatives(name, shapes, beta, alpha):
    check(lambda x, a, b: getattr(pb, name)(x, a, b, beta=beta, alpha=alpha), *draw(shapes))


def test_in_place_over_a_factor():
    a = tensor(np.arange(9.0).reshape(3, 3))
    expected = (a + a @ a.T).numpy()
    np.testing.assert_array_equal(a.addmm_(a, a.T).numpy(), expected)


@pytest.mark.parametrize("name, shapes", [(name, shapes[0]) for name, shapes in CASES.items()], ids=str)
def test_beta_of_zero_does_not_read_the_input(name, shapes):
    arrays = draw(shapes)
    arrays[0] = np.full(shapes[0], np.nan)
    f = getattr(pb, name)
    assert np.isfinite(f(*map(tensor, arrays), beta=0).numpy()).all()
    assert np.isnan(f(*map(tensor, arrays), beta=1).numpy()).all()


@pytest.mark.parametrize(
    "name, shapes",
    [
        ("addmm", ((2, 4), (2, 0), (0, 4))),
        ("addmv", ((2,), (2, 0), (0,))),
        ("addbmm", ((2, 4), (0, 2, 3), (0, 3, 4))),
        ("baddbmm", ((3, 2, 4), (3, 2, 0), (3, 0, 4))),
    ],
    ids=str,
)
def test_sums_of_nothing(name, shapes):
    arrays = draw(shapes)
    y = getattr(pb, name)(*map(tensor, arrays), beta=2.0)
    np.testing.assert_array_equal(y.numpy(), 2 * arrays[0])


ERRORS = [
    (
        "addmm",
        ((3,), (2, 3), (3, 4)),
        "The expanded size of the tensor (4) must match the existing size (3) at non-singleton dimension 1.",
    ),
    ("addmm", ((2, 4), (2, 3), (2, 4)), "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x4)"),
    ("addmm", ((2, 4), (2, 3), (3,)), "mat2 must be a matrix, got 1-D tensor"),
    ("addmv", ((3,), (2, 3), (3,)), "size mismatch, got input (3), mat (2x3), vec (3)"),
    ("addmv", ((2,), (2,), (3,)), "vector + matrix @ vector expected, got 1, 1, 1"),
    ("addr", ((2, 3), (2, 1), (3,)), "addr: Expected 1-D argument vec1, but got 2-D"),
    (
        "addr",
        ((3, 3), (2,), (3,)),
        "The expanded size of the tensor (2) must match the existing size (3) at non-singleton dimension 0.",
    ),
    (
        "addbmm",
        ((2, 4), (5, 2, 3), (4, 3, 4)),
        "batch1 and batch2 must have same number of batches, got 5 and 4",
    ),
    (
        "baddbmm",
        ((2, 4), (5, 2, 3), (4, 3, 4)),
        "Expected size for first two dimensions of batch2 tensor to be: [5, 3] but got: [4, 3].",
    ),
]


@pytest.mark.torch
@pytest.mark.parametrize("name, shapes, message", ERRORS, ids=str)
def test_errors_against_pytorch(name, shapes, message):
    import torch

    for m in (pb, torch):
        with pytest.raises(RuntimeError) as caught:
            getattr(m, name)(*map(m.zeros, shapes))
        assert str(caught.value).startswith(message)


@pytest.mark.torch
@pytest.mark.parametrize("name, shapes", ALL, ids=str)
def test_against_pytorch(name, shapes):
    import torch

    arrays = draw(shapes)
    ours = [tensor(a, True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    y = getattr(pb, name)(*ours, beta=0.5, alpha=2)
    z = getattr(torch, name)(*theirs, beta=0.5, alpha=2)
    assert names(y) == names(z)
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-13, atol=1e-13)
    y.sin().sum().backward()
    z.sin().sum().backward()
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_dtypes():
    x, y = pb.zeros(2, 4), pb.zeros(2, 4, dtype=pb.float64)
    with pytest.raises(
        RuntimeError, match="self and mat2 must have the same dtype, but got Double and Float"
    ):
        pb.addmm(y, pb.zeros(2, 3), pb.zeros(3, 4))
    with pytest.raises(
        RuntimeError, match="Input dtypes must be the same, got: input double, batch1: float, batch2: float"
    ):
        pb.baddbmm(y, pb.zeros(1, 2, 3), pb.zeros(1, 3, 4))
    with pytest.raises(RuntimeError, match="argument beta must not be a floating point number"):
        i = pb.zeros(2, dtype=pb.int64)
        pb.addr(i, i, i, beta=0.5)
    with pytest.raises(RuntimeError, match="Bad in-place call"):
        pb.zeros(4).addmm_(pb.zeros(2, 3), pb.zeros(3, 4))
    assert pb.addr(pb.zeros(2, dtype=pb.int64), x[:, 0], x[:, 1]).dtype == pb.float32


# ---- linear, bilinear ----

LINEAR = [
    ((2, 3), (4, 3), (4,)),
    ((5, 2, 3), (4, 3), (4,)),
    ((3,), (4, 3), (4,)),
    ((2, 3), (4, 3)),
    ((5, 2, 3), (4, 3)),
    ((3,), (4, 3)),
    ((2, 3), (3,)),
    ((0, 3), (4, 3), (4,)),
    ((2, 3), (4, 3), ()),
]


@pytest.mark.parametrize("shapes", LINEAR, ids=str)
def test_linear(shapes):
    arrays = draw(shapes)
    expected = arrays[0] @ arrays[1].T + (arrays[2] if len(arrays) > 2 else 0)
    np.testing.assert_allclose(linear(*map(tensor, arrays)).numpy(), expected, rtol=1e-13, atol=1e-13)
    check(linear, *draw(shapes))


@pytest.mark.torch
@pytest.mark.parametrize("shapes", LINEAR, ids=str)
def test_linear_against_pytorch(shapes):
    import torch

    arrays = draw(shapes)
    y = linear(*(tensor(a, True) for a in arrays))
    z = torch.nn.functional.linear(*(torch.tensor(a, requires_grad=True) for a in arrays))
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-13, atol=1e-13)
    assert y.grad_fn.name() == z.grad_fn.name()


def test_bilinear():
    for shapes in [
        ((2, 3), (2, 4), (5, 3, 4), (5,)),
        ((3,), (4,), (5, 3, 4)),
        ((2, 2, 3), (2, 2, 4), (1, 3, 4), (1,)),
        ((2, 3), (2, 4), (0, 3, 4), (0,)),
        ((0, 3), (0, 4), (5, 3, 4), (5,)),
    ]:
        arrays = draw(shapes)
        expected = np.einsum("...i,oij,...j->...o", arrays[0], arrays[2], arrays[1])
        expected = expected + (arrays[3] if len(arrays) > 3 else 0)
        np.testing.assert_allclose(bilinear(*map(tensor, arrays)).numpy(), expected, rtol=1e-12, atol=1e-12)
        check(bilinear, *draw(shapes))
    with pytest.raises(
        RuntimeError, match=r"bilinear\(\): input1 size does not match weight size: got 3 but expected 2"
    ):
        bilinear(pb.zeros(2, 3), pb.zeros(2, 4), pb.zeros(5, 2, 4))


@pytest.mark.parametrize("shape", [(3, 4), (4,), (1, 1)])
def test_addr_computes_in_the_common_type(shape):
    rng = np.random.default_rng(0)
    x, a, b = (
        rng.normal(size=shape),
        rng.normal(size=3).astype(np.float16),
        rng.normal(size=4).astype(np.float32),
    )
    found = pb.addr(pb.tensor(x), pb.tensor(a), pb.tensor(b), beta=2, alpha=3)
    np.testing.assert_allclose(
        found.numpy(), 2 * x + 3 * np.outer(a.astype(float), b.astype(float)), rtol=1e-14
    )
