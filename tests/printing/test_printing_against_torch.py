"""Thousands of generated tensors, printed by PyTorch and by pullback: every character must agree."""

import numpy as np
import pytest
from kinds import BITS

import pullback as pb
from pullback.printing import printoptions, tensor_repr

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: printing is checked by the table alone"
)

SHAPES = [(), (1,), (5,), (23,), (0,), (2, 3), (3, 0), (0, 4), (4, 17), (2, 2, 3), (3, 1, 4, 2), (1, 1, 1, 1)]
LONG_SHAPES = [(1001,), (40, 30), (7, 200), (6, 200), (2, 8, 90), (3, 9, 7, 8), (1, 1200)]


def agree(array, **options):
    """Print `array` through both libraries, with the same options."""
    with printoptions(profile="default"), printoptions(**options):
        ours = tensor_repr(pb.from_numpy(array))
    before = torch._tensor_str.get_printoptions()
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**options)
    try:
        theirs = torch._tensor_str._str(torch.from_numpy(array))
    finally:
        torch.set_printoptions(**before)
    assert ours == theirs.replace("dtype=torch.", "dtype=pullback.")


def floats(rng, shape, dtype):
    """Numbers of one of the kinds that the notation depends on, often with special values among them."""
    kind = rng.integers(8)
    x = rng.standard_normal(shape)
    if kind == 0:
        x = np.round(x * 10)
    elif kind == 1:
        x = np.round(x * 10.0 ** rng.integers(0, 10))
    elif kind == 2:
        x = x * 10.0 ** rng.integers(-12, 12)
    elif kind == 3:
        x = 10.0 ** rng.uniform(-3, 3, shape)
    elif kind == 4:
        x = 10.0 ** rng.integers(-5, 9, shape).astype(float)
    elif kind == 5:
        x = np.zeros(shape)
    elif kind == 6:
        x = rng.choice([1e-4, 1e8, 0.1, 100.0, 1e-38, 3e38, 1e-45, 0.99999], shape)
    x = np.asarray(x)
    if rng.random() < 0.4:
        special = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], shape)
        x = np.where(rng.random(shape) < 0.3, special, x)
    with np.errstate(over="ignore"):
        return np.array(x, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_floats(dtype, shape):
    rng = np.random.default_rng([len(dtype), *shape, len(shape)])
    for _ in range(60):
        agree(floats(rng, shape, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", LONG_SHAPES, ids=str)
def test_summaries(dtype, shape):
    rng = np.random.default_rng(shape)
    for _ in range(8):
        agree(floats(rng, shape, dtype))


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("shape", SHAPES + LONG_SHAPES, ids=str)
def test_integers(dtype, shape):
    rng = np.random.default_rng(shape)
    for scale in (1, 2, 200, 10**9):
        agree(np.array(rng.integers(-scale, scale + 1, shape)).astype(dtype))


@pytest.mark.parametrize("seed", range(12))
def test_options(seed):
    rng = np.random.default_rng(seed)
    for _ in range(30):
        shape = tuple(rng.integers(1, 9, rng.integers(0, 4)))
        options = {
            "precision": int(rng.integers(0, 9)),
            "threshold": int(rng.choice([0, 4, 20, 1000])),
            "edgeitems": int(rng.integers(0, 4)),
            "linewidth": int(rng.choice([1, 20, 41, 80, 120])),
            "sci_mode": [None, True, False][rng.integers(3)],
        }
        agree(floats(rng, shape, rng.choice(["float32", "float64"])), **options)


@pytest.mark.parametrize("dtype", ["float16", "complex64", "complex128"])
def test_other_dtypes(dtype):
    try:
        pb.tensor([1.0, 2.0], dtype=getattr(pb, dtype)) + 1
    except NotImplementedError:
        pytest.skip(f"pullback has no kernels for {dtype} yet")
    rng = np.random.default_rng(3)
    for _ in range(150):
        shape = SHAPES[rng.integers(len(SHAPES))]
        if dtype == "float16":
            agree(floats(rng, shape, dtype))
        else:
            array = np.empty(shape, dtype)
            array.real, array.imag = floats(rng, shape, "float32"), floats(rng, shape, "float32")
            agree(array)


def test_strided_views():
    array = np.arange(24.0).reshape(2, 3, 4)
    for view in (array.transpose(2, 0, 1), array[:, ::2], array[..., 1:]):
        agree(view)


@pytest.mark.parametrize("count", range(1, 12))
def test_suffixes_break_where_pytorch_breaks(count):
    values = [1.25] * count
    for dtype in ("float32", "float64"):
        ours = pb.tensor(values, dtype=getattr(pb, dtype), requires_grad=True)
        theirs = torch.tensor(values, dtype=getattr(torch, dtype), requires_grad=True)
        for f in (lambda x: x, lambda x: x * 1, lambda x: x.sum(), lambda x: x.exp()):
            assert tensor_repr(f(ours)) == repr(f(theirs)).replace("dtype=torch.", "dtype=pullback.")


@pytest.mark.parametrize("shape", [(), (1,), (3,), (9,), (2, 3), (2, 20), (0,)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tangents(shape, dtype):
    values = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    texts = []
    for library in (pb, torch):
        x = library.tensor(values, dtype=getattr(library, dtype))
        with library.autograd.forward_ad.dual_level():
            dual = library.autograd.forward_ad.make_dual(x, 3 * x)
            texts.append([repr(dual), repr(dual * 2), repr(dual.clone().requires_grad_())])
    assert texts[0] == [text.replace("torch.", "pullback.") for text in texts[1]]
