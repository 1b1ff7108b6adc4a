"""vmap beside torch.func.vmap: the same calls give the same, and the same errors."""

import warnings

import numpy as np
import pytest
from batch.table import IN_PLACE, ITEMS, PLAIN, SMOOTH, operands_of, value

import pullback as pb
from pullback.func import vmap

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def function(call, names, m):
    """The call as a function of its operands, in module m; writes go into a copy of x."""

    def f(*operands):
        known = dict(zip(names, operands, strict=True), m=m)
        if call in IN_PLACE or call in ITEMS:
            known["x"] = known["x"].clone()
            exec(call, known)
            return known["x"]
        return eval(call, known)

    return f


@pytest.mark.parametrize("call", [*SMOOTH, *PLAIN, *IN_PLACE, *ITEMS])
def test_the_same(call):
    if call == "t[j // 2, :, k[:2]]":
        pytest.skip(
            "torch: a number that differs from entry to entry moves other indices to the front, others do not"
        )
    names = operands_of(call)
    ours = [value(name, 3, (3,)) for name in names]
    theirs = [torch.tensor(t.tolist(), dtype=getattr(torch, str(t.dtype).split(".")[-1])) for t in ours]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = torch.func.vmap(function(call, names, torch))(*theirs)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            pytest.skip(f"torch: {str(error)[:60]}")
        found = vmap(function(call, names, pb))(*ours)
    found, expected = ([t] if hasattr(t, "shape") else list(t) for t in (found, expected))
    for a, b in zip(found, expected, strict=True):
        assert tuple(a.shape) == tuple(b.shape) and str(a.dtype).split(".")[-1] == str(b.dtype).split(".")[-1]
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-12)


X = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
PROGRAMS = [
    lambda m, v: v(lambda x: x.sum().item())(m.tensor(X)),
    lambda m, v: v(lambda x: x if x.sum() > 3 else -x)(m.tensor(X)),
    lambda m, v: v(lambda x, z: z.mul_(x), in_dims=(0, None))(m.tensor(X), m.zeros(2)),
    lambda m, v: v(lambda x: m.add(x, x, out=m.zeros(2)))(m.tensor(X)),
    lambda m, v: v(lambda x: (x * m.ones(2, requires_grad=True)).sum().backward())(m.tensor(X)),
    lambda m, v: v(lambda x: x, in_dims=3)(m.tensor(X)),
    lambda m, v: v(lambda x: x, in_dims="0")(m.tensor(X)),
    lambda m, v: v(lambda x: x, in_dims=(0, 0))(m.tensor(X)),
    lambda m, v: v(lambda x, y: x)(m.tensor(X), m.tensor(X[0])),
    lambda m, v: v(lambda x: x)(3),
    lambda m, v: v(lambda: 3)(),
    lambda m, v: v(lambda x: x, in_dims=None)(m.tensor(X)),
    lambda m, v: v(lambda x: x, in_dims=(None,))(m.tensor(X)),
    lambda m, v: v(lambda x: x, out_dims=None)(m.tensor(X)),
    lambda m, v: v(lambda x: x, out_dims=2)(m.tensor(X)),
    lambda m, v: v(lambda x: (x, x), out_dims=(0, 0, 0))(m.tensor(X)),
    lambda m, v: v(lambda x: 3)(m.tensor(X)),
    lambda m, v: v(lambda x: x, out_dims=1.5)(m.tensor(X)),
    lambda m, v: v(lambda x: x, chunk_size=-1)(m.tensor(X)),
    lambda m, v: v(lambda x: x, randomness="some")(m.tensor(X)),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_same_errors(program):
    """The type, and the first sentence up to what names a structure."""

    def outcome(m, v):
        try:
            return type(program(m, v)).__name__, ""
        except Exception as error:
            return (
                type(error).__name__.replace("MappedError", "RuntimeError"),
                str(error).replace("torch.", "").replace("pullback.", ""),
            )

    kind, text = outcome(torch, torch.func.vmap)
    ours, ours_text = outcome(pb, vmap)
    assert ours == kind or (kind == "RuntimeError" and ours == "Tensor")  # what is allowed here is no error
    if ours == kind:
        assert ours_text[:40] == text[:40]
