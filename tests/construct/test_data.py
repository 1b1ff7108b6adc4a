"""pb.tensor and its relatives: what data becomes, and what is refused."""

import collections
import itertools
import warnings

import numpy as np
import pytest

import pullback as pb


class Sequence:
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return [0.0, 1.0][index]


@pytest.mark.parametrize(
    "data, dtype, expected",
    [
        (3, "int64", 3),
        (3.0, "float32", 3.0),
        (True, "bool", True),
        ([1, 2.5, True], "float32", [1.0, 2.5, 1.0]),
        ([True, 2], "int64", [1, 2]),
        ([], "float32", []),
        ([[], []], "float32", [[], []]),
        (((1, 2), [3, 4]), "int64", [[1, 2], [3, 4]]),
        (range(3), "int64", [0, 1, 2]),
        (Sequence(), "float32", [0.0, 1.0]),
        ([collections.deque([1, 2])], "int64", [[1, 2]]),
        (bytearray(b"ab"), "int64", [97, 98]),
        (np.float64(1.5), "float64", 1.5),
        (np.int32(3), "int32", 3),
        (np.bool_(True), "bool", True),
        ([np.float32(1), 2.0], "float32", [1.0, 2.0]),
        ([np.float64(1), np.int64(3)], "float64", [1.0, 3.0]),
        ([np.int32(3), 4], "int64", [3, 4]),
        (2**63 - 1, "int64", 2**63 - 1),
        (-(2**63), "int64", -(2**63)),
    ],
)
def test_values_and_dtypes(data, dtype, expected):
    x = pb.tensor(data)
    assert x.dtype == getattr(pb, dtype) and x.tolist() == expected
    assert x.is_leaf and not x.requires_grad


def test_default_dtype():
    pb.set_default_dtype(pb.float64)
    assert pb.tensor(1.0).dtype == pb.zeros(1).dtype == pb.arange(1.0).dtype == pb.float64
    assert pb.tensor([1, 2.0]).dtype == pb.float64 and pb.tensor(1).dtype == pb.int64


@pytest.mark.parametrize(
    "data, dtype, expected",
    [
        ([1.7, -1.7], pb.int32, [1, -1]),
        ([-1], pb.uint8, [255]),
        ([float("nan"), 0, 2], pb.bool, [True, False, True]),
        ([1e300], pb.float32, [float("inf")]),
        (2**70, pb.float64, 2.0**70),
        (3, float, 3.0),
        (3.9, int, 3),
        (3, bool, True),
    ],
)
def test_given_dtype(data, dtype, expected):
    assert pb.tensor(data, dtype=dtype).tolist() == expected


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: pb.tensor([[1, 2], [3, 4, 5]]),
            ValueError,
            r"expected sequence of length 2 at dim 1 \(got 3\)",
        ),
        (lambda: pb.tensor([[1, 2], [3]]), ValueError, r"expected sequence of length 2 at dim 1 \(got 1\)"),
        (
            lambda: pb.tensor([[[1], [2]], [[3], [4, 5]]]),
            ValueError,
            r"expected sequence of length 1 at dim 2",
        ),
        (lambda: pb.tensor([1, [2]]), TypeError, "'list' object cannot be interpreted as an integer"),
        (lambda: pb.tensor([[1], 2]), TypeError, "not a sequence"),
        (lambda: pb.tensor("a"), TypeError, r"new\(\): invalid data type 'str'"),
        (lambda: pb.tensor(["a"]), ValueError, "too many dimensions 'str'"),
        (lambda: pb.tensor([1, "b"]), TypeError, r"new\(\): invalid data type 'str'"),
        (lambda: pb.tensor([1, "b"], dtype=pb.float32), TypeError, "must be real number, not str"),
        (lambda: pb.tensor(None), RuntimeError, "Could not infer dtype of NoneType"),
        (lambda: pb.tensor({}), RuntimeError, "Could not infer dtype of dict"),
        (lambda: pb.tensor([object()]), RuntimeError, "Could not infer dtype of object"),
        (lambda: pb.tensor(2**63), ValueError, "Overflow when unpacking long long"),
        (
            lambda: pb.tensor([300], dtype=pb.uint8),
            RuntimeError,
            "cannot be converted to type uint8 without overflow",
        ),
        (
            lambda: pb.tensor([float("nan")], dtype=pb.int64),
            RuntimeError,
            "cannot be converted to type int64",
        ),
        (
            lambda: pb.tensor([1], requires_grad=True),
            RuntimeError,
            "Only Tensors of floating point and complex",
        ),
        (
            lambda: pb.tensor([1.0], requires_grad=1),
            TypeError,
            "argument 'requires_grad' .*must be bool, not int",
        ),
        (
            lambda: pb.tensor([1.0], dtype="float"),
            TypeError,
            "argument 'dtype' .*must be pullback.dtype, not str",
        ),
        (lambda: pb.tensor([1.0], device="cuda"), AssertionError, "Torch not compiled with CUDA enabled"),
        (lambda: pb.tensor([1.0], device="foo"), RuntimeError, "Expected one of cpu, cuda"),
        (lambda: pb.tensor([1.0], pin_memory=True), RuntimeError, "pin_memory=True requires"),
        (lambda: pb.tensor(), TypeError, r'tensor\(\) missing 1 required positional arguments: "data"'),
        (lambda: pb.tensor(1, 2), TypeError, "takes 1 positional argument but 2 were given"),
        (
            lambda: pb.tensor([pb.ones(2), pb.ones(2)]),
            ValueError,
            "only one element tensors can be converted",
        ),
        (lambda: pb.zeros(-1), RuntimeError, "Dimension size must be non-negative"),
        (lambda: pb.ones(2, -1), RuntimeError, r"negative dimension -1: \[2, -1\]"),
        (lambda: pb.zeros(2**40, 2**40), RuntimeError, "Storage size calculation overflowed"),
        (lambda: pb.zeros(2.5), TypeError, "must be tuple of ints"),
        (lambda: pb.full((2,), 300, dtype=pb.uint8), RuntimeError, "cannot be converted to type uint8_t"),
        (lambda: pb.arange(1, 5, 0), RuntimeError, "step must be nonzero"),
        (
            lambda: pb.arange(1, 5, -1),
            RuntimeError,
            "upper bound and lower bound inconsistent with step sign",
        ),
        (lambda: pb.arange(float("nan")), RuntimeError, "unsupported range: 0 -> nan"),
        (lambda: pb.arange(1e20), RuntimeError, "invalid size, possible overflow"),
        (lambda: pb.linspace(0, 1, -1), RuntimeError, "number of steps must be non-negative"),
        (lambda: pb.eye(-1), RuntimeError, "n must be greater or equal to 0, got -1"),
        (lambda: pb.rand(2, dtype=pb.int64), NotImplementedError, "not implemented for 'Long'"),
        (lambda: pb.randint(5, 3, (2,)), RuntimeError, "random_ expects 'from' to be less than 'to'"),
        (
            lambda: pb.randint(300, (2,), dtype=pb.uint8),
            RuntimeError,
            "to - 1 is out of bounds for unsigned char",
        ),
        (
            lambda: pb.zeros(2).uniform_(2, 1),
            RuntimeError,
            r"uniform_ expects to return a \[from, to\) range",
        ),
        (lambda: pb.zeros(2).normal_(0, -1), RuntimeError, "normal expects std >= 0.0, but found std -1"),
        (lambda: pb.zeros(2).exponential_(0), RuntimeError, "exponential_ expects lambda > 0.0"),
        (lambda: pb.bernoulli(pb.tensor([2.0])), RuntimeError, "Expected p_in >= 0 && p_in <= 1"),
        (lambda: pb.multinomial(pb.tensor([0.0, 0.0]), 1), RuntimeError, "invalid multinomial distribution"),
        (
            lambda: pb.multinomial(pb.tensor([1.0, -2.0]), 1),
            RuntimeError,
            "probability tensor contains either",
        ),
        (lambda: pb.multinomial(pb.ones(2), 3), RuntimeError, "cannot sample n_sample > prob_dist.size"),
        (lambda: pb.empty_strided((2, 3), (1,)), RuntimeError, "dimensionality of sizes"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_out_of_memory():
    before = pb.ones(3)
    with pytest.raises(pb.OutOfMemoryError) as caught:
        pb.zeros(10**15)
    assert isinstance(caught.value, MemoryError) and isinstance(caught.value, RuntimeError)
    assert (before + 1).tolist() == [2, 2, 2]


def test_hostile_sequences():
    class Shrinking:
        def __init__(self, owner):
            self.owner = owner

        def __float__(self):
            self.owner.clear()
            return 1.0

    data = []
    data.extend([1.0, Shrinking(data), 2.0, 3.0])
    with pytest.raises(RuntimeError, match="changed its length"):
        pb.tensor(data, dtype=pb.float32)

    class Raising:
        def __len__(self):
            raise ZeroDivisionError

        def __getitem__(self, index):
            raise ZeroDivisionError

    with pytest.raises((RuntimeError, ZeroDivisionError)):
        pb.tensor([Raising()])
    deep = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(ValueError, match="too many dimensions"):
        pb.tensor(deep)
    looped = []
    looped.append(looped)
    with pytest.raises(ValueError, match="too many dimensions"):
        pb.tensor(looped)


def test_copying_a_tensor_warns():
    x = pb.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="To copy construct from a tensor"):
        y = pb.tensor(x)
    assert not y.requires_grad and y.data_ptr() != x.data_ptr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pb.as_tensor(x) is x
        assert pb.tensor([x[0], x[1]]).tolist() == [1, 1]


def test_strides_of_likenesses():
    x = pb.zeros(2, 3, 4)
    for view in (x, x.permute(2, 0, 1), x[:, :2], x.permute(1, 2, 0)[::2], x[:1].expand(5, 3, 4)):
        y = pb.zeros_like(view)
        assert y.shape == view.shape
        array = np.empty_like(np.asarray(view))
        if 0 not in view.stride():
            assert y.stride() == tuple(s // 4 for s in array.strides)
        assert pb.zeros_like(view, memory_format=pb.contiguous_format).is_contiguous()


@pytest.mark.parametrize("start, end, step", list(itertools.product([-3, 0, 2.5], [4, 10.2], [1, 0.3, 3])))
def test_arange(start, end, step):
    got = pb.arange(start, end, step, dtype=pb.float64)
    np.testing.assert_allclose(got.numpy(), np.arange(start, end, step), rtol=1e-14, atol=1e-13)
    down = pb.arange(end, start, -step, dtype=pb.float64)
    np.testing.assert_allclose(down.numpy(), np.arange(end, start, -step), rtol=1e-14, atol=1e-13)


def test_arange_of_large_integers():
    assert pb.arange(2**62, 2**62 + 3).tolist() == [2**62, 2**62 + 1, 2**62 + 2]
    assert pb.arange(2**63 - 2, 2**63 - 1, 5).tolist() == [2**63 - 2]
    assert pb.arange(-(2**63), 2**63 - 1, 2**62).tolist() == [-(2**63), -(2**62), 0, 2**62]


def test_spaced():
    np.testing.assert_allclose(
        pb.linspace(-1, 3, 50, dtype=pb.float64).numpy(), np.linspace(-1, 3, 50), rtol=1e-14
    )
    np.testing.assert_allclose(
        pb.logspace(-1, 3, 50, dtype=pb.float64).numpy(), np.logspace(-1, 3, 50), rtol=1e-13
    )
    assert pb.linspace(0.1, 0.7, 9)[-1].item() == pb.tensor(0.7).item()
    np.testing.assert_array_equal(pb.eye(3, 5).numpy(), np.eye(3, 5))


def test_out():
    out = pb.empty(0)
    assert pb.arange(3, out=out) is out and out.tolist() == [0, 1, 2]
    out = pb.ones(2, 2)
    pb.zeros(2, 2, out=out)
    assert out.tolist() == [[0, 0], [0, 0]]
    with pytest.raises(RuntimeError, match="dtype Int does not match dtype of out parameter"):
        pb.zeros(2, 2, dtype=pb.int32, out=out)
