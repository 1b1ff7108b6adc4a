"""Conversions between dtypes, promotion, limits, subclasses, copies and pickles."""

import copy
import itertools
import pickle

import kinds
import numpy as np
import pytest

import pullback as pb

DTYPES = [getattr(pb, name) for name in kinds.DTYPES]


def numpy_dtype(dtype):
    return np.dtype(dtype.name)


@pytest.mark.parametrize("a, b", list(itertools.product(DTYPES, DTYPES)))
def test_conversions(a, b):
    values = np.array([0, 1, 2, 3, 200]).astype(numpy_dtype(a))
    x = pb.from_numpy(values)
    np.testing.assert_array_equal(x.to(b).numpy(), values.astype(numpy_dtype(b)))
    assert x.to(b).dtype == b
    assert (x.to(b) is x) == (a == b)
    assert x.to(b, copy=True) is not x
    assert pb.can_cast(a, b) == (
        {"b": 0, "u": 1, "i": 1, "f": 2}[numpy_dtype(a).kind]
        <= {"b": 0, "u": 1, "i": 1, "f": 2}[numpy_dtype(b).kind]
    )


def test_gradients_flow_through_conversions():
    x = pb.ones(3, requires_grad=True)
    y = x.double()
    assert type(y.grad_fn).__name__ == "ToCopyBackward0" and y.float() is not x
    (y * 2).sum().backward()
    assert x.grad.dtype == pb.float32 and x.grad.tolist() == [2, 2, 2]
    assert not x.int().requires_grad


def test_forms_of_to():
    x, other = pb.ones(2), pb.zeros(1, dtype=pb.int64)
    for converted in (
        x.to(pb.int64),
        x.to("cpu", pb.int64),
        x.to(pb.device("cpu"), pb.int64),
        x.to(other),
        x.to(dtype=pb.int64),
        x.to(device="cpu", dtype=pb.int64, non_blocking=True),
        x.long(),
        x.type(pb.int64),
        x.type("torch.LongTensor"),
        x.type_as(other),
    ):
        assert converted.dtype == pb.int64
    assert x.to("cpu") is x.cpu() is x.to() is x
    for bad, error in (("cuda", AssertionError), ("foo", RuntimeError), (0, RuntimeError)):
        with pytest.raises(error):
            x.to(bad)
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        x.cuda()
    assert x.cfloat().dtype is pb.complex64 and x.half().dtype is pb.float16
    with pytest.raises(ValueError, match="invalid type: 'foo'"):
        x.type("foo")


@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
def test_finfo(dtype):
    ours, theirs = pb.finfo(dtype), np.finfo(numpy_dtype(dtype))
    for name in ("eps", "max", "min", "tiny", "smallest_normal", "resolution", "bits"):
        assert getattr(ours, name) == pytest.approx(float(getattr(theirs, name)), rel=1e-6)
    with pytest.raises(TypeError, match="requires a floating point input type"):
        pb.finfo(pb.int32)


@pytest.mark.parametrize("dtype", [getattr(pb, name) for name in kinds.INTEGERS])
def test_iinfo(dtype):
    ours, theirs = pb.iinfo(dtype), np.iinfo(numpy_dtype(dtype))
    assert (ours.min, ours.max, ours.bits) == (theirs.min, theirs.max, theirs.bits)
    with pytest.raises(TypeError, match="requires an integer input type"):
        pb.iinfo(pb.float32)


def test_size():
    s = pb.zeros(2, 3).shape
    assert s == (2, 3) and repr(s) == "pullback.Size([2, 3])" and s.numel() == 6 and isinstance(s, tuple)
    for made in (s[1:], s + (4,), (1,) + s, s * 2, pickle.loads(pickle.dumps(s)), copy.deepcopy(s)):
        assert type(made) is pb.Size
    assert s[0] == 2 and hash(s) == hash((2, 3)) and pb.Size([np.int64(3)]) == (3,)
    with pytest.raises(TypeError, match=r"Size\(\) takes an iterable of 'int' \(item 0 is 'float'\)"):
        pb.Size([2.5])


def test_device():
    d = pb.device("cuda:1")
    assert (d.type, d.index, str(d)) == ("cuda", 1, "cuda:1")
    assert d == pb.device("cuda", 1) != pb.device("cpu") and pickle.loads(pickle.dumps(d)) == d
    assert pb.zeros(1).device == pb.device("cpu")
    with pytest.raises(RuntimeError, match="Invalid device string: 'cpu:x'"):
        pb.device("cpu:x")


def test_equal_and_allclose():
    x = pb.tensor([1.0, float("nan")])
    assert not pb.equal(x, x) and pb.equal(x[:1], pb.ones(1, dtype=pb.float64))
    assert not pb.equal(pb.ones(2), pb.ones(3))
    assert pb.allclose(x, x, equal_nan=True) and not pb.allclose(x, x)
    with pytest.raises(RuntimeError, match="Float did not match Double"):
        pb.allclose(x, x.double())


def test_python_protocols():
    x = pb.tensor([1.0, 2.0])
    assert 1 in x and 3 not in x and pb.tensor(2.0) in x
    with pytest.raises(RuntimeError, match=r"Tensor.__contains__ only supports Tensor or scalar"):
        assert "a" in x
    assert f"{pb.tensor(1.5):.3f}" == "1.500" and complex(pb.tensor(1.5)) == 1.5
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{x:.3f}"
    for convert in (float, int, complex):
        with pytest.raises(ValueError, match="only one element tensors can be converted to Python scalars"):
            convert(x)
    assert [y.item() for y in reversed(x)] == [2, 1]
    assert {x: 1}[x] == 1 and (x == "a") is False
    assert "grad" in dir(x)


def test_legacy_constructor():
    assert pb.Tensor().shape == (0,) and pb.Tensor(2, 3).shape == (2, 3)
    assert pb.Tensor([1, 2]).tolist() == [1, 2] and pb.Tensor([1, 2]).dtype == pb.float32
    assert pb.Tensor(np.ones(2)).dtype == pb.float32
    x = pb.ones(2)
    assert pb.Tensor(x).data_ptr() == x.data_ptr()
    for bad in (3.5, "a", None):
        with pytest.raises(TypeError, match=r"new\(\): "):
            pb.Tensor(bad)


class Named(pb.Tensor):
    def twice(self):
        return self * 2


def test_subclasses():
    x = pb.ones(2, requires_grad=True)
    y = (x * 3).as_subclass(Named)
    assert type(y) is Named and type(y.grad_fn).__name__ == "AliasBackward0"
    y.twice().sum().backward()
    assert x.grad.tolist() == [6, 6]
    y.label = "kept"
    assert y.label == "kept" and "Named" in repr(y)
    made = Named([1.0, 2.0])
    assert type(made) is Named and (made + made).tolist() == [2, 4]
    leaf = Named._make_subclass(Named, pb.ones(2), True)
    assert leaf.is_leaf and leaf.requires_grad
    (leaf * leaf).sum().backward()
    assert leaf.grad.tolist() == [2, 2]
    with pytest.raises(TypeError, match="does not inherit from Tensor"):
        x.as_subclass(int)
    for _ in range(1000):
        made = Named([1.0])
    del made


def test_deepcopy():
    x = pb.arange(6.0).reshape(2, 3)
    x.requires_grad_()
    (x * x).sum().backward()
    x.label = ["a"]
    y = copy.deepcopy(x)
    assert y.requires_grad and y.is_leaf and y.tolist() == x.tolist() and y.data_ptr() != x.data_ptr()
    assert y.grad.tolist() == x.grad.tolist() and y.grad is not x.grad
    assert y.label == ["a"] and y.label is not x.label
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(x * 2)
    base = pb.arange(10)
    a, b, again = copy.deepcopy([base[2:], base[::2], base])
    base.zero_()
    again[4] = 50
    assert a[2].item() == b[2].item() == 50 and b.stride() == (2,)
    twice = copy.deepcopy([x, x])
    assert twice[0] is twice[1]


def test_copy():
    x = pb.ones(2, requires_grad=True)
    y = copy.copy(x)
    assert y is not x and y.requires_grad and y.data_ptr() == x.data_ptr()


@pytest.mark.parametrize("protocol", [2, 5])
def test_pickle(protocol):
    for x in (
        pb.ones(2, requires_grad=True),
        pb.ones(2, requires_grad=True) * 2,
        pb.arange(6).reshape(2, 3).t(),
        pb.tensor(True),
        pb.zeros(0, 3),
        pb.arange(6)[::2],
    ):
        y = pickle.loads(pickle.dumps(x, protocol))
        assert (
            y.tolist() == x.tolist()
            and y.dtype == x.dtype
            and y.requires_grad == x.requires_grad
            and y.is_leaf
        )
        if x.is_contiguous():
            assert y.stride() == x.stride()
    named = pickle.loads(pickle.dumps(pb.ones(2).as_subclass(Named), protocol))
    assert type(named) is Named
    assert pickle.loads(pickle.dumps(pb.float32)) is pb.float32
    generator = pb.Generator().manual_seed(3)
    assert pb.equal(
        pb.rand(3, generator=pickle.loads(pickle.dumps(generator))), pb.rand(3, generator=generator)
    )


@pytest.mark.torch
def test_promotion_against_torch():
    torch = pytest.importorskip("torch")
    names = [
        "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
        "complex128", "bool",
    ]  # fmt: skip
    for a, b in itertools.product(names, names):
        ours = pb.promote_types(getattr(pb, a), getattr(pb, b))
        assert ours.name == str(torch.promote_types(getattr(torch, a), getattr(torch, b))).split(".")[1], (
            a,
            b,
        )
        assert pb.can_cast(getattr(pb, a), getattr(pb, b)) == torch.can_cast(
            getattr(torch, a), getattr(torch, b)
        )
    for a, b in itertools.product(DTYPES, DTYPES):
        for p, q in itertools.product([(), (2,)], [(), (2,)]):
            ours = pb.result_type(pb.zeros(p, dtype=a), pb.zeros(q, dtype=b))
            s = torch.zeros(p, dtype=getattr(torch, a.name))
            t = torch.zeros(q, dtype=getattr(torch, b.name))
            assert ours.name == str(torch.result_type(s, t)).split(".")[1]
        for number in (True, 2, 2.5):
            ours = pb.result_type(pb.zeros(2, dtype=a), number)
            assert (
                ours.name == str(torch.result_type(torch.zeros(2, dtype=getattr(torch, a.name)), number))[6:]
            )
