"""Masked reductions: beside numpy.ma, their derivatives in every mode, what is left out, dtypes, bad input, and PyTorch."""

import re

import numpy as np
import pytest
from checks import check

import pullback as pb

draw = np.random.default_rng(4).standard_normal
X = draw((3, 4))
MASK = np.array([[1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 1, 1]], bool)
NONE = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]], bool)  # a row without any
TWO = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 1]], bool)  # two in every row and column
K = pb.tensor(MASK)
M = pb.masked
A = np.ma.masked_array(X, ~MASK)
# name: (what is called, with dim and mask; what it is, of an array of numpy.ma and an axis)
REDUCTIONS = {
    "sum": (M.sum, np.ma.sum),
    "prod": (M.prod, np.ma.prod),
    "amax": (M.amax, np.ma.max),
    "amin": (M.amin, np.ma.min),
    "mean": (M.mean, np.ma.mean),
    "var": (M.var, lambda a, axis: np.ma.var(a, axis, ddof=1)),
    "std": (lambda x, dim, **o: M.std(x, dim, correction=0, **o), np.ma.std),
    "logsumexp": (M.logsumexp, lambda a, axis: np.ma.log(np.ma.sum(np.ma.exp(a), axis))),
    "norm": (
        lambda x, dim, **o: M.norm(x, 3.0, dim, **o),
        lambda a, axis: np.ma.sum(abs(a) ** 3, axis) ** (1 / 3),
    ),
}
ALONG = {
    "softmax": lambda a, axis: np.ma.exp(a) / np.ma.expand_dims(np.ma.exp(a).sum(axis), axis),
    "log_softmax": lambda a, axis: a - np.ma.log(np.ma.expand_dims(np.ma.exp(a).sum(axis), axis)),
    "softmin": lambda a, axis: np.ma.exp(-a) / np.ma.expand_dims(np.ma.exp(-a).sum(axis), axis),
    "cumsum": np.ma.cumsum,
    "cumprod": np.ma.cumprod,
}
DIMS = (0, 1, -1, None)


def values(made):
    return np.ma.filled(made, np.nan)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_beside_numpy(name):
    called, known = REDUCTIONS[name]
    for dim in DIMS:
        spread = name in ("var", "logsumexp") and dim in (1, -1)
        where = pb.tensor(MASK | spread)
        a = np.ma.masked_array(X, ~(MASK | spread))
        found = called(pb.tensor(X), dim, mask=where)
        np.testing.assert_allclose(found.numpy(), values(known(a, axis=dim)), atol=1e-13)
        kept = called(pb.tensor(X), dim, mask=where, keepdim=True)
        assert kept.ndim == 2 and pb.equal(kept.reshape(found.shape), found)
        whole = called(pb.tensor(X), dim)
        np.testing.assert_allclose(whole.numpy(), values(known(np.ma.masked_array(X), axis=dim)), atol=1e-13)
    row = called(pb.tensor(X), 1, mask=K[0])  # a mask that broadcasts
    np.testing.assert_allclose(
        row.numpy(),
        values(known(np.ma.masked_array(X, ~np.broadcast_to(MASK[0], (3, 4))), axis=1)),
        atol=1e-13,
    )
    both = called(pb.tensor(X), (0, 1), mask=K)
    np.testing.assert_allclose(both.numpy(), called(pb.tensor(X), None, mask=K).numpy(), atol=1e-13)


@pytest.mark.parametrize("name", ALONG)
def test_along_a_dimension(name):
    for dim in (0, 1):
        found = getattr(M, name)(pb.tensor(X), dim, mask=K).numpy()
        np.testing.assert_allclose(found[MASK], values(ALONG[name](A, axis=dim))[MASK], atol=1e-13)
        if "soft" in name:
            assert (found[~MASK] == (-np.inf if name == "log_softmax" else 0)).all()


def test_places_medians_and_norms():
    for dim in (0, 1):
        assert M.argmax(pb.tensor(X), dim, dtype=pb.int64, mask=K).tolist() == A.argmax(dim).tolist()
        assert M.argmin(pb.tensor(X), dim, dtype=pb.int64, mask=K).tolist() == A.argmin(dim).tolist()
        known = [np.sort(v)[(len(v) - 1) // 2] for v in (a.compressed() for a in (A if dim else A.T))]
        np.testing.assert_allclose(M.median(pb.tensor(X), dim, mask=K).numpy(), known)
        scaled = M.normalize(pb.tensor(X), 2.0, dim, mask=K).numpy()
        known = A / np.ma.sqrt(np.ma.expand_dims((A**2).sum(dim), dim))
        np.testing.assert_allclose(scaled, known.filled(0), atol=1e-13)
    assert M.argmax(pb.tensor(X), dtype=pb.int64, mask=K).item() == A.argmax()
    for ord in (0.0, 1.0, float("inf"), -float("inf")):
        known = [np.linalg.norm(a.compressed(), ord) for a in A]
        np.testing.assert_allclose(M.norm(pb.tensor(X), ord, 1, mask=K).numpy(), known)
    other = pb.tensor(X + 1)
    found = M.logaddexp(pb.tensor(X), other, input_mask=K, other_mask=~K)
    np.testing.assert_allclose(found.numpy(), np.where(MASK, X, X + 1))


def test_where_no_element_counts():
    x, nothing = pb.tensor(X), pb.tensor(NONE)
    of = lambda f, **options: f(x, dim=1, mask=nothing, **options)[1].item()
    assert of(M.sum) == 0 and of(M.prod) == 1 and of(M.norm) == 0
    assert of(M.amax) == of(M.logsumexp) == -np.inf and of(M.amin) == np.inf
    assert np.isnan([of(M.mean), of(M.var), of(M.std), of(M.median)]).all()
    assert M.softmax(x, 1, mask=nothing)[1].isnan().all()
    whole = x.detach().requires_grad_()
    for f in (M.sum, M.amax, M.logsumexp):
        (g,) = pb.autograd.grad(f(whole, 1, mask=nothing).sum(), whole)
        assert not g[1].any() and not g.isnan().any()


DIFFERENTIATED = {
    **{name: called for name, (called, _) in REDUCTIONS.items()},
    **{name: getattr(M, name) for name in ALONG if name != "log_softmax"},
    "median": M.median,
    "normalize": lambda x, dim, mask: M.normalize(x, 2.0, dim, mask=mask),
}


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_every_mode(name):
    f = DIFFERENTIATED[name]
    where = pb.tensor([[True, False, True], [True, True, False]])
    check(lambda x: f(x, 1, mask=where), draw((2, 3)))


@pytest.mark.parametrize("name", [*DIFFERENTIATED, "log_softmax"])
def test_what_is_left_out_gets_no_gradient_whatever_it_is(name):
    f = DIFFERENTIATED.get(name) or getattr(M, name)
    where = pb.tensor([True, False, True])
    for wrong in (np.nan, np.inf, 0.0):
        x = pb.tensor([1.0, wrong, 2.5], requires_grad=True)
        made = f(x, 0, mask=where)
        (g,) = pb.autograd.grad(made[2] if made.ndim else made, x)
        assert g[1] == 0 and g.isfinite().all(), wrong


def test_dtypes():
    whole = pb.tensor([[1, 2], [3, 4]], dtype=pb.int32)
    where = pb.tensor([[True, False], [True, True]])
    assert M.sum(whole, mask=where).dtype == M.prod(whole, mask=where).dtype == pb.int64
    assert M.amax(whole, 1, mask=where).dtype == M.argmax(whole, 1, mask=where).dtype == pb.int32
    assert M.cumsum(whole, 1, mask=where).tolist() == [[1, 1], [3, 7]]
    assert M.var(whole, mask=where).dtype == pb.float32
    assert M.mean(whole, dtype=pb.float64, mask=where).item() == pytest.approx(8 / 3)
    assert M.sum(pb.ones(2), dtype=pb.float64).dtype == pb.float64
    assert M.median(whole, 1, mask=where).tolist() == [1, 3]
    assert M.sum(pb.tensor([1 + 2j, 3j]), mask=pb.tensor([True, False])).item() == 1 + 2j


def test_bad_input():
    x = pb.tensor(X)
    for wrong, error in (
        (
            lambda: M.sum(x, 2, mask=K),
            IndexError("Dimension out of range (expected to be in range of [-2, 1]"),
        ),
        (lambda: M.sum(x, (1, 1), mask=K), RuntimeError("dim=1 appears multiple times in the list of dims")),
        (
            lambda: M.amax(x, mask=K[None]),
            IndexError("_input_mask expected broadcastable mask (got mask dim"),
        ),
        (lambda: M.sum(x, mask=K[:, :3]), RuntimeError("expanded size of the tensor")),
        (lambda: M.mean(x.long()), ValueError("mean(): Could not infer output dtype. Input dtype must be")),
        (lambda: M.var(x, 0, True, correction=2), AssertionError("Only one of unbiased and correction")),
        (
            lambda: M.median(x.long(), 1, mask=pb.tensor(NONE)),
            ValueError("masked median expects no fully masked"),
        ),
        (lambda: M.amax(x > 0, mask=K), NotImplementedError("identity of amax on")),
    ):
        with pytest.raises(type(error), match=re.escape(str(error))):
            wrong()


def test_entries_of_a_vmap():
    x, where = pb.tensor(draw((5, 3, 4))), pb.tensor(draw((5, 3, 4)) > -1)
    for f in (M.sum, M.amax, M.var, M.logsumexp):
        found = pb.vmap(lambda x, k, f=f: f(x, 1, mask=k))(x, where)
        known = pb.stack([f(a, 1, mask=k) for a, k in zip(x, where)])
        np.testing.assert_allclose(found.numpy(), known.numpy(), atol=1e-13)


@pytest.mark.torch
@pytest.mark.parametrize("name", [*REDUCTIONS, *ALONG, "median", "normalize", "argmax", "argmin"])
def test_beside_torch(name):
    torch = pytest.importorskip("torch")

    def seen(L):
        made = []
        for where in (TWO if name in ("var", "std") else MASK, NONE):
            for dim in (0, 1):
                x = L.tensor(X, requires_grad=True)
                f = getattr(L.masked, name)
                y = f(x, *((2.0,) if name in ("norm", "normalize") else ()), dim, mask=L.tensor(where))
                made.append(y)
                if y.requires_grad and where is not NONE:
                    y = y.where(y.isfinite(), L.zeros((), dtype=y.dtype))
                    made += L.autograd.grad((y**2).sum(), x)
        return [t.detach().numpy() for t in made]

    for a, b in zip(seen(pb), seen(torch), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
