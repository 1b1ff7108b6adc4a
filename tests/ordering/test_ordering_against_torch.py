"""Values, dtypes, node names, gradients and errors of orders and counts, against PyTorch."""

import numpy as np
import pytest
from twins import flat, outcome

import pullback as pb

torch = pytest.importorskip("torch")

rng = np.random.default_rng(3)
NAN = np.array([[1.0, np.nan, -2.0, 5.0], [np.nan, np.nan, 0.0, 1.0]], dtype=np.float32)
INPUTS = {
    "plain": rng.normal(size=(3, 5)).astype(np.float32),
    "nan": NAN,
    "cube": rng.normal(size=(2, 3, 4)),
    "ints": rng.permutation(12).reshape(3, 4),
    "vector": rng.normal(size=(1300,)).astype(np.float32),
    "zero": np.array(2.5, dtype=np.float32),
}
CALLS = {
    "sort": lambda m, x: m.sort(x),
    "sort_first": lambda m, x: m.sort(x, 0, True),
    "sort_stable": lambda m, x: m.sort(x, stable=True),
    "argsort": lambda m, x: m.argsort(x, descending=True),
    "msort": lambda m, x: m.msort(x),
    "topk": lambda m, x: m.topk(x, 1),
    "topk_small": lambda m, x: m.topk(x, 1, 0, largest=False),
    "kthvalue": lambda m, x: m.kthvalue(x, 1),
    "kthvalue_keep": lambda m, x: m.kthvalue(x, 1, 0, keepdim=True),
    "median": lambda m, x: m.median(x),
    "median_dim": lambda m, x: m.median(x, -1),
    "nanmedian": lambda m, x: m.nanmedian(x),
    "nanmedian_dim": lambda m, x: m.nanmedian(x, 0, keepdim=True),
    "unique": lambda m, x: m.unique(x, return_inverse=True, return_counts=True),
    "unique_dim": lambda m, x: m.unique(x, return_inverse=True, return_counts=True, dim=0),
    "unique_consecutive": lambda m, x: m.unique_consecutive(x, return_inverse=True, return_counts=True),
    "mode": lambda m, x: m.mode(x),
    "searchsorted": lambda m, x: m.searchsorted(m.tensor([-1.0, 0.0, 0.5]), x),
    "bucketize_right": lambda m, x: m.bucketize(x, m.tensor([-1.0, 0.0, 5.0]), right=True, out_int32=True),
    "diff": lambda m, x: m.diff(x),
    "diff_2": lambda m, x: m.diff(x, n=2, dim=0),
    "histc": lambda m, x: m.histc(x, 4, -1.0, 1.0),
    "isin": lambda m, x: m.isin(x, x.reshape(-1)[::3]),
    "isin_number": lambda m, x: m.isin(x, 5, invert=True),
    "isin_of_number": lambda m, x: m.isin(1.0, x),
    "isin_promoted": lambda m, x: m.isin(m.tensor([[1, 2], [0, 7]]), x),
    "isin_none": lambda m, x: m.isin(x, m.zeros(0)),
}


@pytest.mark.parametrize("shape", INPUTS)
@pytest.mark.parametrize("name", CALLS)
def test_values(name, shape):
    x = INPUTS[shape]
    if shape == "nan" and name in ("unique", "unique_dim", "mode", "topk"):
        pytest.skip("PyTorch does not specify what happens to several NaN here")
    ours, error = outcome(lambda: CALLS[name](pb, pb.tensor(x)))
    theirs, expected = outcome(lambda: CALLS[name](torch, torch.tensor(x)))
    if expected is not None:
        assert type(error) is type(expected) and str(error).startswith(str(expected)[:40]), (error, expected)
        return
    assert error is None, error
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert a.shape == tuple(b.shape)
        assert str(a.dtype).split(".")[1] == str(b.dtype).split(".")[1]
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize(
    "name",
    [
        "sort",
        "sort_first",
        "sort_stable",
        "msort",
        "topk",
        "topk_small",
        "kthvalue",
        "median",
        "kthvalue_keep",
        "median_dim",
        "nanmedian",
        "nanmedian_dim",
        "diff",
        "mode",
    ],
)
@pytest.mark.parametrize("shape", ["plain", "cube", "zero"])
def test_gradients(name, shape):
    if shape == "zero" and name.startswith("diff"):
        return
    x = INPUTS[shape]
    a, b = pb.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    ya, yb = flat(CALLS[name](pb, a))[0], flat(CALLS[name](torch, b))[0]
    assert ya.grad_fn.name() == yb.grad_fn.name()
    (ya * ya).sum().backward()
    (yb * yb).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-6)


def test_median_shares_among_ties():
    a = pb.tensor([3.0, 1.0, 3.0], requires_grad=True)
    a.median().backward()
    np.testing.assert_array_equal(a.grad.numpy(), [0.5, 0, 0.5])


def test_sort_is_stable():
    x = rng.integers(0, 4, size=500)
    order = pb.argsort(pb.tensor(x)).numpy()
    np.testing.assert_array_equal(order, np.argsort(x, kind="stable"))


def test_bincount_and_weights():
    x, w = rng.integers(0, 9, size=100), rng.normal(size=100)
    np.testing.assert_array_equal(pb.bincount(pb.tensor(x)).numpy(), np.bincount(x))
    np.testing.assert_allclose(pb.bincount(pb.tensor(x), pb.tensor(w), 20).numpy(), np.bincount(x, w, 20))


BAD = {
    "topk": lambda m: m.topk(m.tensor([1.0]), 2),
    "topk_bool": lambda m: m.topk(m.tensor([True]), 1),
    "kthvalue": lambda m: m.kthvalue(m.tensor([1.0]), 2),
    "kthvalue_empty": lambda m: m.kthvalue(m.zeros(0), 1),
    "median_empty": lambda m: m.median(m.zeros(0, 3), 0),
    "median_bool": lambda m: m.median(m.tensor([True])),
    "mode_empty": lambda m: m.mode(m.zeros(0)),
    "sort_dim": lambda m: m.sort(m.zeros(2), 1),
    "bincount": lambda m: m.bincount(m.tensor([-1])),
    "bincount_float": lambda m: m.bincount(m.tensor([1.0])),
    "histc": lambda m: m.histc(m.tensor([1])),
    "diff": lambda m: m.diff(m.tensor(1.0)),
    "searchsorted": lambda m: m.searchsorted(m.zeros(2, 2), 1.0),
    "isin_bool": lambda m: m.isin(m.tensor([True]), 1),
    "side": lambda m: m.searchsorted(m.zeros(2), m.zeros(1), right=True, side="left"),
}


@pytest.mark.parametrize("name", BAD)
def test_errors(name):
    _, ours = outcome(lambda: BAD[name](pb))
    _, theirs = outcome(lambda: BAD[name](torch))
    first = str(theirs).split(". ")[0].rstrip(".")  # the first sentence
    assert type(ours) is type(theirs) and str(ours).startswith(first), (ours, theirs)
