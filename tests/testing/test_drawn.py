"""`make_tensor`: PyTorch's operands for a seed, and its errors."""

import numpy as np
import pytest
from twins import evaluate

import pullback as pb
from pullback.testing import make_tensor

DTYPES = "float32 float64 int64 int32 int16 int8 uint8 bool".split()
OPTIONS = [
    "(3, 4)",
    "3, 4",
    "()",
    "(0,)",
    "(5,), low=-1, high=1",
    "(5,), low=0.5, high=2.5",
    "(4, 6), noncontiguous=True",
    "(1,), noncontiguous=True",
    "(50,), exclude_zero=True",
    "(20,), low=-1e300, high=1e300",
    "(20,), low=3",
    "(3,), requires_grad=True",
    "(3,), low=5, high=5",
    "(3,), low=5, high=4",
    "(3,), low=float('nan')",
    "(3,), low=1e400",
    "(3,), noncontiguous=True, memory_format=m.contiguous_format",
    "(2, 3), memory_format=m.contiguous_format",
    "[2, 2]",
]


def outcome(lib, text, dtype):
    lib.manual_seed(0)
    made, error, caught = evaluate(f"m.testing.make_tensor({text}, dtype=m.{dtype}, device='cpu')", lib, {})
    if error is not None:
        return type(error), str(error).replace("torch", "pullback").split(". ")[0].rstrip(".")
    seen = tuple(made.shape), made.stride(), made.storage_offset(), made.requires_grad, made.is_leaf
    return (*seen, made.detach().numpy().tolist(), [w.category for w in caught])


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("text", OPTIONS)
def test_against_pytorch(text, dtype):
    torch = pytest.importorskip("torch")
    assert outcome(pb, text, dtype) == outcome(torch, text, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_ranges(dtype):
    values = make_tensor(1000, dtype=getattr(pb, dtype), device="cpu").numpy().astype(float)
    least, most = {"bool": (0, 1), "uint8": (0, 9)}.get(dtype, (-9, 9))
    assert values.min() >= least and values.max() <= most and len(set(values)) > (most - least) / 2
    assert (make_tensor(1000, dtype=getattr(pb, dtype), device="cpu", exclude_zero=True) != 0).all()


def test_what_is_refused():
    with pytest.raises(TypeError, match="not supported by torch.testing.make_tensor"):
        make_tensor(3, dtype="float32", device="cpu")
    with pytest.raises(ValueError, match="`requires_grad=True` is not supported for boolean and integral"):
        make_tensor(3, dtype=pb.int64, device="cpu", requires_grad=True)
    with pytest.raises(AssertionError, match="CUDA"):
        make_tensor(3, dtype=pb.int64, device="cuda")
    assert np.isfinite(make_tensor(9, dtype=pb.float64, device="cpu", low=-1e400, high=1e400).numpy()).all()
