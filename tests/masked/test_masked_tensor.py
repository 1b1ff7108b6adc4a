"""Tensors that say which of their elements count: what keeps, joins and reduces masks; gradients, printing, bad input."""

import copy
import re

import numpy as np
import pytest

import pullback as pb

draw = np.random.default_rng(6).standard_normal
X, Y = draw((3, 4)), draw((3, 4)) + 3
MASK = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]], bool)


def pair(L=pb, **options):
    return [L.masked.masked_tensor(L.tensor(a), L.tensor(MASK), **options) for a in (X, Y)]


SINGLE = {
    "neg": lambda L, a, b: -a,
    "abs": lambda L, a, b: abs(a),
    "exp": lambda L, a, b: a.exp(),
    "tanh": lambda L, a, b: L.tanh(a),
    "pow": lambda L, a, b: a**2,
    "clamp": lambda L, a, b: a.clamp(-0.5, 0.5),
    "add a number": lambda L, a, b: a + 1,
    "of a number": lambda L, a, b: 2 / b,
    "add": lambda L, a, b: a + b,
    "mul": lambda L, a, b: a * b,
    "by a tensor": lambda L, a, b: a * L.tensor(Y),
    "of a tensor": lambda L, a, b: L.tensor(Y) * a,
    "div": lambda L, a, b: L.div(a, b),
    "maximum": lambda L, a, b: L.maximum(a, b),
    "atan2": lambda L, a, b: L.atan2(a, b),
    "lt": lambda L, a, b: a < b,
    "eq": lambda L, a, b: a == a,
}
PASSED = {
    "row": lambda L, a, b: a[0],
    "columns": lambda L, a, b: a[:, 1:3],
    "rows": lambda L, a, b: a[L.tensor([2, 0])],
    "those of a mask": lambda L, a, b: a[L.tensor(MASK)],
    "t": lambda L, a, b: a.t(),
    "transpose": lambda L, a, b: a.transpose(0, 1),
    "reshape": lambda L, a, b: a.reshape(2, 6),
    "view": lambda L, a, b: a.view(4, 3),
    "unsqueeze": lambda L, a, b: a.unsqueeze(0),
    "expand": lambda L, a, b: a.unsqueeze(0).expand(2, 3, 4),
    "select": lambda L, a, b: a.select(0, 2),
    "split": lambda L, a, b: a.split(2)[1],
    "cat": lambda L, a, b: L.cat([a, b]),
    "stack": lambda L, a, b: L.stack([a, b], 1),
    "where": lambda L, a, b: L.where(L.tensor(X > 0), a, b),
    "where a tensor": lambda L, a, b: L.where(L.tensor(X > 0), a, L.tensor(Y)),
    "clone": lambda L, a, b: a.clone(),
    "detach": lambda L, a, b: a.detach(),
    "float": lambda L, a, b: a.float(),
    "to": lambda L, a, b: a.to(L.float32),
    "ones_like": lambda L, a, b: L.ones_like(a),
    "contiguous": lambda L, a, b: a.t().contiguous(),
}
REDUCED = {
    **{
        f"{name} of all": lambda L, a, b, n=name: getattr(a, n)()
        for name in ("sum", "mean", "prod", "amax", "argmin")
    },
    **{
        f"{name} along 1": lambda L, a, b, n=name: getattr(a, n)(1)
        for name in ("sum", "mean", "amin", "std", "argmax")
    },
    "sum, kept": lambda L, a, b: L.sum(a, 0, keepdim=True),
    "all": lambda L, a, b: (a < b).all(),
    "all along 1": lambda L, a, b: (a < b).all(1),
    "softmax": lambda L, a, b: a.softmax(1),
}
PROGRAMS = SINGLE | PASSED | REDUCED


def elements(made):
    mask = made.get_mask().numpy()
    return mask, made.get_data().detach().numpy()[mask]


@pytest.mark.parametrize("name", PROGRAMS)
def test_elements_that_count_are_those_of_tensors(name):
    f = PROGRAMS[name]
    mask, found = elements(f(pb, *pair()))
    if name in REDUCED:
        return  # beside PyTorch, and in test_reductions.py
    known = f(pb, pb.tensor(X), pb.tensor(Y)).numpy()
    np.testing.assert_array_equal(found, np.broadcast_to(known, mask.shape)[mask])
    shown = f(pb, pb.tensor(MASK), pb.tensor(MASK)).numpy() if name in PASSED and "like" not in name else None
    if shown is not None and "where" not in name:
        np.testing.assert_array_equal(mask, shown.astype(bool))
    elif name in SINGLE:
        np.testing.assert_array_equal(mask, MASK)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROGRAMS)
def test_beside_torch(name):
    torch = pytest.importorskip("torch")
    found, known = (PROGRAMS[name](L, *pair(L)) for L in (pb, torch))
    assert str(found) == str(known)
    for a, b in zip(elements(found), elements(known)):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [None, (), 1, -1, (-2, -1), (0, -1), (2, 0)])
def test_results_count_where_any_element_of_theirs_does(dim, keepdim):
    mask = np.array([[[0, 0, 0], [1, 0, 0]], [[0, 0, 0], [0, 0, 0]]], bool)
    x = pb.masked.masked_tensor(pb.arange(12.0).reshape(2, 2, 3), pb.from_numpy(mask))
    expected = mask.any(axis=None if dim == () else dim, keepdims=keepdim)
    for found in (x.sum(dim, keepdim), x.amax(dim, keepdim), x.bool().all(dim, keepdim)):
        assert found.get_data().shape == expected.shape
        np.testing.assert_array_equal(found.get_mask().numpy(), expected)


def test_gradients():
    a, b = pair(requires_grad=True)
    ((a * b).exp().sum() + a[0].mean()).backward()
    assert isinstance(a.grad, pb.masked.MaskedTensor) and pb.equal(a.grad.get_mask(), pb.tensor(MASK))
    known = np.where(MASK, Y * np.exp(X * Y), 0)
    known[0] += MASK[0] / 3
    np.testing.assert_allclose(a.grad.to_tensor(0.0).numpy(), known)
    x = pb.tensor([1.0, -1.0, 4.0], requires_grad=True)
    pb.masked.as_masked_tensor(x, pb.tensor([True, False, True])).sqrt().sum().backward()
    assert x.grad.tolist() == [0.5, 0.0, 0.25]  # the root of -1 does not count


def test_in_place():
    a, b = pair()
    given = a
    a += 1
    a.mul_(b).sqrt_()
    assert a is given and pb.equal(a.get_mask(), pb.tensor(MASK))
    np.testing.assert_allclose(a.get_data().numpy()[MASK], np.sqrt((X + 1) * Y)[MASK])


def test_reading():
    (a, _), mask = pair(), pb.tensor(MASK)
    assert pb.masked.is_masked_tensor(a) and not pb.masked.is_masked_tensor(mask)
    assert pb.equal(a.get_mask(), mask) and pb.equal(a.get_data(), pb.tensor(X))
    assert (a.shape, a.dtype, a.numel(), len(a)) == ((3, 4), pb.float64, 12, 3)
    np.testing.assert_array_equal(a.to_tensor(9.0).numpy(), np.where(MASK, X, 9))
    assert a[0, 0].item() == X[0, 0]
    assert [row.get_mask().tolist() for row in a] == MASK.tolist()
    assert not a.is_sparse and not a.is_sparse_coo() and not a.is_sparse_csr()
    for made in (copy.copy(a), copy.deepcopy(a)):
        assert str(made) == str(a)
    for name in ("sum", "amax", "mean", "var"):
        whole = getattr(pb.masked, name)
        assert pb.equal(whole(a, 0), whole(pb.tensor(X), 0, mask=mask)) or name == "var"
    counts = pb.masked.masked_tensor(pb.tensor([[1, 2], [3, 40]]), pb.tensor([[True, False], [True, True]]))
    assert str(counts) == "MaskedTensor(\n  [\n    [1,       --],\n    [3, 40]\n  ]\n)"


def test_bad_input():
    x, mask = pb.tensor(X), pb.tensor(MASK)
    a, _ = pair()
    make = pb.masked.masked_tensor
    for wrong, error in (
        (lambda: make([1.0], mask), TypeError("data must be a Tensor")),
        (lambda: make(a, mask), TypeError("data must be a Tensor")),
        (lambda: make(x, [True]), TypeError("mask must be a Tensor")),
        (lambda: make(x, x), TypeError("mask must have dtype bool.")),
        (lambda: make(x + 0j, mask), TypeError("complex128 is not supported in MaskedTensor.")),
        (lambda: make(x, mask[0]), ValueError("data.dim() must equal mask.dim()")),
        (lambda: make(x, mask[:2]), ValueError("data.size() must equal mask.size()")),
        (lambda: a + make(x, ~mask), ValueError("Input masks must match.")),
        (lambda: a[0, 1].item(), ValueError("expected a mask tensor")),
        (lambda: a @ a.t(), TypeError("no implementation found for 'matmul'")),
        (lambda: a.sort(), TypeError("no implementation found for 'sort'")),
        (lambda: pb.clamp(a, x, x + 1), TypeError("MaskedTensor unary ops do not support additional Tensor")),
    ):
        with pytest.raises(type(error), match=re.escape(str(error))):
            wrong()
    with pytest.warns(UserWarning, match="It is not recommended to create a MaskedTensor with a tensor that"):
        make(x.clone().requires_grad_(), mask)
