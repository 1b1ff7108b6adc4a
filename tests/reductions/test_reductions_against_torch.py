"""Values, shapes, dtypes, node names, gradients and errors of reductions and scans, against PyTorch."""

import math

import numpy as np
import pytest
from kinds import DTYPES
from twins import outcome

import pullback as pb

torch = pytest.importorskip("torch")

rng = np.random.default_rng(11)
INF, NAN = math.inf, math.nan
INPUTS = {
    "matrix": rng.normal(size=(3, 5)).astype(np.float32),
    "cube": rng.normal(size=(2, 3, 4)),
    "wide": rng.normal(size=(70, 130)).astype(np.float32),
    "long": rng.normal(size=(2, 2500)).astype(np.float32),
    "special": np.array([[1.0, NAN, -INF], [INF, 0.0, 2.0], [-INF, -INF, -INF]], dtype=np.float32),
    "ties": np.array([[2.0, 2.0, 1.0], [0.0, 0.0, 0.0]]),
    "zero": np.array(2.5, dtype=np.float32),
    "empty": np.zeros((0, 3), dtype=np.float32),
    "hollow": np.zeros((3, 0), dtype=np.float32),
    "ints": rng.integers(-5, 6, size=(3, 4)),
    "int32": rng.integers(-5, 6, size=(3, 4)).astype(np.int32),
    "bytes": rng.integers(0, 256, size=(3, 400)).astype(np.uint8),
    "bool": rng.integers(0, 2, size=(4, 3)).astype(bool),
}
CALLS = {
    "sum": lambda m, x: x.sum(),
    "sum_0": lambda m, x: x.sum(0),
    "sum_-1": lambda m, x: x.sum(-1, keepdim=True),
    "sum_ends": lambda m, x: x.sum((0, -1)) if x.ndim > 1 else x.sum(0),
    "sum_dtype": lambda m, x: m.sum(x, dtype=m.float64),
    "sum_none": lambda m, x: m.sum(x, ()),
    "sum_to_size": lambda m, x: x.sum_to_size(tuple(x.shape)[-1:]),
    "sum_to_size_ones": lambda m, x: x.sum_to_size([1] * x.ndim),
    "sum_to_size_none": lambda m, x: x.sum_to_size(()),
    "sum_to_size_more": lambda m, x: x.sum_to_size(1, *x.shape),
    "sum_to_size_other": lambda m, x: x.sum_to_size(7),
    "sum_to_size_negative": lambda m, x: x.sum_to_size(-1),
    "nansum": lambda m, x: m.nansum(x, -1),
    "mean": lambda m, x: x.mean(),
    "mean_0": lambda m, x: m.mean(x, (0,), True),
    "mean_dtype": lambda m, x: x.mean(-1, dtype=m.float64),
    "prod": lambda m, x: x.prod() if x.numel() < 100 else x.sum(),
    "prod_0": lambda m, x: x.prod(0, keepdim=True),
    "var": lambda m, x: x.var(),
    "var_0": lambda m, x: x.var(0, keepdim=True),
    "var_unbiased": lambda m, x: x.var(-1, False),
    "std": lambda m, x: x.std(unbiased=False),
    "std_-1": lambda m, x: m.std(x, -1, correction=0),
    "var_mean": lambda m, x: m.var_mean(x, 0, correction=0),
    "std_mean": lambda m, x: m.std_mean(x, unbiased=False),
    "norm": lambda m, x: x.norm(),
    "norm_1": lambda m, x: x.norm(1, -1),
    "norm_inf": lambda m, x: m.norm(x, INF, 0, True),
    "norm_-inf": lambda m, x: m.norm(x, -INF, -1),
    "norm_0": lambda m, x: m.norm(x, 0),
    "norm_3": lambda m, x: m.norm(x, 3.0, dim=(-1,)),
    "norm_dtype": lambda m, x: m.norm(x, dtype=m.float64),
    "max": lambda m, x: x.max(),
    "max_0": lambda m, x: x.max(0),
    "max_-1": lambda m, x: m.max(x, dim=-1, keepdim=True),
    "max_other": lambda m, x: m.max(x, x),
    "min": lambda m, x: x.min(),
    "min_-1": lambda m, x: x.min(-1),
    "amax": lambda m, x: x.amax(),
    "amax_0": lambda m, x: x.amax(0),
    "amin_-1": lambda m, x: m.amin(x, (-1,), keepdim=True),
    "aminmax": lambda m, x: m.aminmax(x),
    "aminmax_0": lambda m, x: x.aminmax(dim=0),
    "argmax": lambda m, x: x.argmax(),
    "argmax_0": lambda m, x: x.argmax(0),
    "argmin_-1": lambda m, x: m.argmin(x, -1, keepdim=True),
    "any": lambda m, x: x.any(),
    "any_0": lambda m, x: x.any(0),
    "all": lambda m, x: x.all(),
    "all_-1": lambda m, x: m.all(x, -1, keepdim=True),
    "count_nonzero": lambda m, x: m.count_nonzero(x),
    "count_nonzero_0": lambda m, x: x.count_nonzero(0),
    "logsumexp": lambda m, x: x.logsumexp(-1),
    "logsumexp_0": lambda m, x: m.logsumexp(x, (0,), True),
    "softmax": lambda m, x: x.softmax(-1),
    "softmax_0": lambda m, x: m.softmax(x, 0),
    "softmax_dtype": lambda m, x: x.softmax(0, dtype=m.float64),
    "log_softmax": lambda m, x: m.log_softmax(x, -1),
    "log_softmax_0": lambda m, x: x.log_softmax(0),
    "cumsum": lambda m, x: x.cumsum(-1),
    "cumsum_0": lambda m, x: m.cumsum(x, 0, dtype=m.float64),
    "cumprod": lambda m, x: x.cumprod(0),
    "cummax": lambda m, x: x.cummax(-1),
    "cummin_0": lambda m, x: m.cummin(x, 0),
    "logcumsumexp": lambda m, x: x.logcumsumexp(-1),
}
NOT_FINITE_HERE = (
    {  # PyTorch's gradient is NaN there, or depends on how it divides; ours are tested by themselves
        ("special", name) for name in CALLS
    }
    | {("ties", "prod"), ("ties", "prod_0"), ("ties", "norm_3")}
)


def tolerance(x):
    return {"rtol": 2e-5, "atol": 1e-5} if x.dtype == np.float32 else {"rtol": 1e-11, "atol": 1e-12}


@pytest.mark.parametrize("shape", INPUTS)
@pytest.mark.parametrize("name", CALLS)
def test_against_torch(name, shape):
    x = INPUTS[shape]
    if (name, shape) == ("var_mean", "special"):
        pytest.skip(
            "PyTorch's mean of -inf and finite numbers is NaN in var_mean only; ours is -inf, as in mean"
        )
    real = x.dtype.kind == "f"
    a, b = pb.tensor(x, requires_grad=real), torch.tensor(x, requires_grad=real)
    ours, error = outcome(lambda: CALLS[name](pb, a))
    theirs, expected = outcome(lambda: CALLS[name](torch, b))
    if expected is not None:
        first = (
            str(expected)
            .split(". ")[0]
            .rstrip(".")
            .replace("dimension -1", "dimension 1")
            .replace("dim -1", "dim 1")
        )
        assert type(error) is type(expected) and str(error).startswith(first), (error, expected)
        return
    assert error is None, error
    assert len(ours) == len(theirs)
    for p, q in zip(ours, theirs):
        assert p.shape == tuple(q.shape)
        assert str(p.dtype).split(".")[1] == str(q.dtype).split(".")[1]
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), **tolerance(q.detach().numpy()))
        assert (p.grad_fn is None) == (q.grad_fn is None)
        if q.grad_fn is not None:
            assert p.grad_fn.name() == q.grad_fn.name()
    if not real or ours[0].grad_fn is None or (shape, name) in NOT_FINITE_HERE:
        return
    for results in (ours, theirs):
        total = sum((r * r).sum() for r in results if r.grad_fn is not None)
        total.backward()
    expected = np.zeros_like(x) if b.grad is None else b.grad.numpy()
    np.testing.assert_allclose(
        a.grad.numpy(), expected, **{**tolerance(x), "atol": 1e-4 if x.dtype == np.float32 else 1e-12}
    )


BAD = {
    "sum_dim": lambda m, x: x.sum(5),
    "sum_twice": lambda m, x: x.sum((0, 0)),
    "sum_int": lambda m, x: x.sum(dtype=m.int64),
    "mean_int": lambda m, x: x.mean(dtype=m.int64),
    "prod_int": lambda m, x: x.prod(dtype=m.int64),
    "amax_twice": lambda m, x: x.amax((0, -2)),
    "max_dim": lambda m, x: x.max(-3),
    "softmax_dim": lambda m, x: x.softmax(3),
    "softmax_none": lambda m, x: x.softmax(),
    "cumsum_none": lambda m, x: x.cumsum(),
    "argmax_dims": lambda m, x: m.argmax(x, (0, 1)),
    "norm_text": lambda m, x: x.norm("abc"),
    "out_grad": lambda m, x: m.sum(x, 0, out=m.zeros(2)),
    "logsumexp_none": lambda m, x: x.logsumexp(),
}


@pytest.mark.parametrize("name", BAD)
def test_errors(name):
    _, ours = outcome(lambda: BAD[name](pb, pb.zeros(2, 2, requires_grad=True)))
    _, theirs = outcome(lambda: BAD[name](torch, torch.zeros(2, 2, requires_grad=True)))
    first = str(theirs).split(". ")[0].rstrip(".")
    assert type(ours) is type(theirs) and str(ours).startswith(first), (ours, theirs)


@pytest.mark.parametrize("wanted", DTYPES)
@pytest.mark.parametrize("given", DTYPES)
@pytest.mark.parametrize("name", ["sum", "prod", "nansum"])
def test_the_dtype_that_is_asked_for(name, given, wanted):
    """Also where integers wrap around in it."""
    values = np.array([[100, 57], [2, 203]]).astype(given)
    for dims in ((), (0,), (1, True)):
        kinds, found = [], []
        for m in (pb, torch):
            x = m.from_numpy(values)
            y = getattr(x, name)(*dims, dtype=getattr(m, wanted))
            kinds.append(str(y.dtype).split(".")[1])
            found.append(y.numpy())
        assert kinds == [wanted, wanted]
        np.testing.assert_array_equal(*found)


def test_warning_without_degrees_of_freedom():
    with pytest.warns(UserWarning, match="degrees of freedom is <= 0"):
        assert math.isnan(pb.var(pb.tensor([1.0])).item())


def test_named_results_print_and_compare_as_in_torch():
    a, b = pb.max(pb.tensor([[1.0, 5.0]]), 1), torch.max(torch.tensor([[1.0, 5.0]]), 1)
    assert repr(a) == repr(b).replace("torch.return_types", "pullback.return_types")
    assert isinstance(a, tuple) and a.values is a[0] and a.indices is a[1]
    assert type(a) is pb.return_types.max


def test_out():
    x = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
    out = pb.zeros(0)
    assert pb.sum(x, 0, out=out) is out
    np.testing.assert_array_equal(out.numpy(), [4, 6])
    values, indices = pb.zeros(2), pb.zeros(2, dtype=pb.int64)
    pb.max(x, 0, out=(values, indices))
    np.testing.assert_array_equal(indices.numpy(), [1, 1])
