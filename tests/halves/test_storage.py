"""float16 and bfloat16 in memory: conversions of every number, printing, numbers in and out, NumPy, files."""

import copy
import io
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from halves.rounding import HALVES, bits_of, every, rounded, same

import pullback as pb

EDGES = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    65504,
    65519.99,
    65520,
    65536,
    2**-24,
    2**-25,
    2**-25 * 1.0001,
    1.5 * 2**-24,
]
EDGES += [2**-14, 2**-14 * (1 - 2**-11), 3.39e38, 3.4e38, 1e-40, 1e-45, 2049, 2051, 1 + 2**-11, 257, 259]


def floats(n=40000):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=n) * 10.0 ** rng.uniform(-12, 6, n), EDGES, -np.array(EDGES)])
    return x.astype(np.float32)


@pytest.mark.parametrize("dtype", HALVES)
def test_every_number_is_read_and_written(dtype):
    values, x = every(dtype)
    same(x, values)
    same(x.double(), values)
    again = x.float().to(dtype)
    number = ~np.isnan(values)
    np.testing.assert_array_equal(again.view(pb.int16).numpy()[number], x.view(pb.int16).numpy()[number])
    assert again.isnan().sum() == (~number).sum()
    np.testing.assert_array_equal(x.bool().numpy(), values != 0)


@pytest.mark.parametrize("dtype", HALVES)
def test_floats_round_to_the_nearest_and_in_the_middle_to_even(dtype):
    values, _ = every(dtype)
    ordered = np.unique(values[np.isfinite(values)])
    middle = ((ordered[1:].astype(np.float64) + ordered[:-1]) / 2).astype(np.float32)
    x = np.concatenate([floats(), middle, np.nextafter(middle, np.inf), np.nextafter(middle, -np.inf)])
    x = x.astype(np.float32)
    got = pb.tensor(x).to(dtype)
    same(got, rounded(x, dtype))
    # One element at a time, and over other strides, is the same.
    same(pb.tensor(np.repeat(x[:999], 3)).reshape(-1, 3)[:, 1].to(dtype), rounded(x[:999], dtype))
    assert [pb.tensor(float(v)).to(dtype).item() for v in EDGES[5:]] == rounded(
        np.float32(EDGES[5:]), dtype
    ).tolist()
    # Wider numbers go by way of float32.
    wide = x[np.isfinite(x)].astype(np.float64) * (1 + 2**-40)
    same(pb.tensor(wide).to(dtype), rounded(wide.astype(np.float32), dtype))
    whole = np.random.default_rng(1).integers(-(2**40), 2**40, 1000)
    same(pb.tensor(whole).to(dtype), rounded(whole.astype(np.float32), dtype))


@pytest.mark.parametrize("isa", ["baseline", "avx2"])
def test_instruction_sets_have_the_same_bits(isa):
    """Conversions, roundings by themselves and links of chains, of every number and the edges, on other processors."""
    program = """if True:
        import hashlib, numpy as np, pullback as pb
        seen = hashlib.sha256()
        for dtype in (pb.float16, pb.bfloat16):
            x = np.random.default_rng(0).normal(size=30001).astype(np.float32) * 100
            x[:40] = [0, -0.0, np.inf, -np.inf, 65504, 65519.99, 65520, 1e-8, 6e-8, 3e38] * 4
            t = pb.tensor(x).to(dtype)
            everything = pb.arange(-32768, 32768).to(pb.int16).view(dtype)
            for y in (t, (t * 1.1 + t) * t - 0.3, (t * 3).abs().sqrt(), t.float() * 2, everything.float()):
                a = y.float().numpy()
                seen.update(np.where(np.isnan(a), np.float32(1), a).tobytes())
        print(seen.hexdigest())
    """

    def run(**more):
        found = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, **more}, capture_output=True, text=True
        )
        assert not found.returncode, found.stderr
        return found.stdout

    assert run(PULLBACK_ISA=isa) == run()


@pytest.mark.parametrize("dtype", HALVES)
def test_numbers_in_and_out(dtype):
    x = pb.tensor([0.1, 1, 65504.0], dtype=dtype)
    expected = rounded(np.float32([0.1, 1, 65504]), dtype)
    assert x.tolist() == expected.tolist() and x[0].item() == float(x[0]) == expected[0]
    assert x.element_size() == x.itemsize == 2 and x.is_floating_point()
    assert pb.full((2,), 0.1, dtype=dtype).tolist() == [float(expected[0])] * 2
    assert pb.arange(5, dtype=dtype).tolist() == [0, 1, 2, 3, 4] and pb.eye(2, dtype=dtype).sum() == 2
    assert pb.linspace(0, 1, 5, dtype=dtype).tolist() == [0, 0.25, 0.5, 0.75, 1]
    y = pb.zeros(3, dtype=dtype)
    y[1], y[2] = 0.1, x[0]
    assert y.tolist() == [0.0, float(expected[0]), float(expected[0])]
    assert (dtype is pb.float16) == (x.type() == "pullback.HalfTensor")
    assert pb.tensor(2.5).half().dtype is pb.float16 and pb.tensor(2.5).bfloat16().dtype is pb.bfloat16
    assert x.type(dtype) is x and x.to(dtype) is x
    too_much = 7e4 if dtype is pb.float16 else 3.4e38
    assert pb.tensor(too_much, dtype=dtype) == pb.inf
    with pytest.raises(
        RuntimeError, match=r"^value cannot be converted to type c10::B?(Half|Float16) without overflow"
    ):
        x.fill_(too_much)
    with pytest.raises(RuntimeError, match="without overflow"):
        pb.full((2,), too_much, dtype=dtype)


@pytest.mark.parametrize("dtype", HALVES)
def test_printing(dtype):
    name = dtype.name
    assert (
        repr(pb.tensor([1.0, 2.5, -3], dtype=dtype))
        == f"tensor([ 1.0000,  2.5000, -3.0000], dtype=pullback.{name})"
    )
    x = pb.ones(2, dtype=dtype, requires_grad=True)
    assert repr(x * 2) == f"tensor([2., 2.], dtype=pullback.{name}, grad_fn=<MulBackward0>)"
    assert repr(x.sum()) == f"tensor(2., dtype=pullback.{name}, grad_fn=<SumBackward0>)"
    assert repr(pb.zeros(0, dtype=dtype)) == f"tensor([], dtype=pullback.{name})"
    pb.set_default_dtype(dtype)
    assert repr(pb.tensor([0.5])) == "tensor([0.5000])" and pb.ones(1).dtype is pb.rand(1).dtype is dtype
    assert (pb.tensor([1]) / 2).dtype is dtype


@pytest.mark.parametrize("dtype", HALVES)
def test_limits(dtype):
    info = pb.finfo(dtype)
    values, _ = every(dtype)
    finite = values[np.isfinite(values)].astype(np.float64)
    assert info.max == -info.min == finite.max() and info.bits == 16
    assert info.eps == finite[finite > 1].min() - 1
    assert values.dtype == np.float32 and info.tiny == info.smallest_normal


def test_numpy():
    a = np.array([[1.5, -2], [0.1, 65504]], np.float16)
    x = pb.from_numpy(a)
    assert x.dtype is pb.float16 and pb.tensor(a).dtype is pb.tensor(np.float16(1.5)).dtype is pb.float16
    a[0, 0] = 7
    assert x[0, 0] == 7  # one memory
    x[0, 1] = 3
    assert a[0, 1] == 3
    assert x.numpy().dtype == np.float16 and np.asarray(x.t()).strides == (2, 4)
    with pytest.raises(TypeError, match="^Got unsupported ScalarType BFloat16"):
        x.bfloat16().numpy()
    assert pb.from_dlpack(a).dtype is pb.float16


@pytest.mark.parametrize("dtype", HALVES)
def test_files_and_copies(dtype):
    x = pb.tensor([[1.5, 0.1], [-0.0, np.inf]], dtype=dtype, requires_grad=True)
    file = io.BytesIO()
    pb.save(x, file)
    file.seek(0)
    for again in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x), pb.load(file)):
        assert again.dtype is dtype and again.tolist() == x.tolist() and again.requires_grad
    bits = bytearray(bits_of([1.5, 0.1], dtype).tobytes())
    assert pb.frombuffer(bits, dtype=dtype).tolist() == x[0].tolist()
    assert x.detach().view(pb.uint8).shape == (2, 4) and x.detach().view(pb.int16).view(dtype).dtype is dtype
