"""Memory shared with NumPy, both ways; arrays as operands; lifetimes."""

import gc
import warnings
import weakref

import numpy as np
import pytest
from kinds import DTYPES

import pullback as pb


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3), (2, 3, 4)])
def test_round_trip(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    x = pb.from_numpy(array)
    assert x.dtype == getattr(pb, dtype) and x.shape == shape
    np.testing.assert_array_equal(x.numpy(), array)
    assert x.numpy().dtype == array.dtype
    assert x.tolist() == array.tolist()


def test_shared_both_ways():
    array = np.zeros((3, 4))
    x = pb.from_numpy(array[1:, ::2])
    assert x.stride() == (4, 2)
    array[1, 2] = 5
    assert x[0, 1].item() == 5
    x[1, 0] = 7
    assert array[2, 0] == 7
    y = pb.zeros(2, 3)
    view = y.t().numpy()
    assert view.strides == (4, 12)
    view[1, 1] = 3
    assert y[1, 1].item() == 3
    y.add_(1)
    assert view[1, 1] == 4


def test_lifetimes():
    class Array(np.ndarray):
        pass

    array = np.arange(1000.0).view(Array)
    gone = weakref.ref(array)
    x = pb.from_numpy(array)
    part = x[500:]
    del array, x
    gc.collect()
    assert gone() is not None and part[0].item() == 500
    del part
    gc.collect()
    assert gone() is None
    kept = pb.arange(1000).numpy()[900:]
    [pb.zeros(1000) for _ in range(5)]
    assert kept[0] == 900


def test_resizing_an_exported_array_is_refused():
    array = np.zeros(3)
    x = pb.from_numpy(array)
    with pytest.raises(ValueError):
        array.resize(10**6)
    assert x.tolist() == [0, 0, 0]


def test_read_only_arrays_give_read_only_tensors():
    array = np.zeros(3)
    array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = pb.from_numpy(array)
    with pytest.raises(RuntimeError):
        x.add_(1)
    with pytest.raises(RuntimeError):
        x.fill_(1)
    assert not x.numpy().flags.writeable
    assert array.tolist() == [0, 0, 0] and (x + 1).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "array, error, message",
    [
        (np.arange(3)[::-1], ValueError, "At least one stride in the given numpy array is negative"),
        (np.arange(3, dtype=">f4"), ValueError, "given numpy array has byte order different from the native"),
        (np.array(["a"]), TypeError, "can't convert np.ndarray of type numpy.str_"),
        (np.array([1, None]), TypeError, "can't convert np.ndarray of type numpy.object_"),
        (np.zeros(2, np.clongdouble), TypeError, "can't convert np.ndarray of type numpy.c"),
        (np.zeros(2, "M8[s]"), TypeError, "can't convert np.ndarray of type numpy.datetime64"),
        (np.zeros(2, [("a", "f4")]), TypeError, "can't convert np.ndarray of type numpy.void"),
        (np.zeros(2, [("a", "u1"), ("b", "f4")])["b"], ValueError, "strides not a multiple of the element"),
        ([1], TypeError, "expected np.ndarray"),
    ],
)
def test_refused(array, error, message):
    with pytest.raises(error, match=message):
        pb.from_numpy(array)


def test_gradients_do_not_leave_silently():
    x = pb.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="Can't call numpy\\(\\) on Tensor that requires grad"):
        x.numpy()
    with pytest.raises(RuntimeError, match="Can't call numpy"):
        np.asarray(x * 2)
    assert x.numpy(force=True).tolist() == [1, 1]
    with pytest.raises(BufferError, match="Can't export tensors that require gradient"):
        x.__dlpack__()


def test_arrays_as_operands():
    array, x = np.array([1.0, 2.0]), pb.tensor([3.0, 4.0], requires_grad=True)
    for got, expected in (
        (x + array, [4, 6]),
        (array + x, [4, 6]),
        (array - x, [-2, -2]),
        (x * array, [3, 8]),
        (array * x, [3, 8]),
        (array / x, [1 / 3, 0.5]),
        (array**x, [1, 16]),
        (x // array, [3, 2]),
    ):
        assert isinstance(got, pb.Tensor) and got.dtype == pb.float64
        np.testing.assert_allclose(got.detach().numpy(), expected, rtol=1e-7)
    (array * x).sum().backward()
    assert x.grad.tolist() == [1, 2] and x.grad.dtype == pb.float32
    assert (array < x.detach()).tolist() == [True, True]
    assert (x.detach() == np.array([3.0, 0.0])).tolist() == [True, False]
    y = pb.zeros(2)
    y += array
    assert y.tolist() == [1, 2] and y.dtype == pb.float32


def test_numpy_functions():
    x = pb.tensor([0.0, 1.0])
    got = np.sin(x)
    assert isinstance(got, pb.Tensor)
    np.testing.assert_allclose(got.numpy(), np.sin(np.float32([0, 1])))
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.shares_memory(np.asarray(x), x.numpy())
    assert not np.shares_memory(np.array(x), x.numpy())
    assert (np.float64(2) * x).tolist() == [0, 2]
    assert (np.float64(2) * x).dtype == pb.float32
    np.testing.assert_array_equal(np.stack([x, x]), [[0, 1], [0, 1]])


def test_dlpack():
    x = pb.arange(6).reshape(2, 3).t()
    array = np.from_dlpack(x)
    assert array.strides == (8, 24) and array.tolist() == x.tolist()
    array = np.arange(4.0)
    y = pb.from_dlpack(array)
    array[0] = 9
    assert y[0].item() == 9
    assert x.__dlpack_device__() == (1, 0)


@pytest.mark.torch
def test_dlpack_with_torch():
    torch = pytest.importorskip("torch")
    theirs = torch.arange(6.0).reshape(2, 3)
    ours = pb.from_dlpack(theirs)
    theirs[0, 0] = 5
    assert ours.tolist() == theirs.tolist()
    back = torch.from_dlpack(pb.arange(3))
    assert back.tolist() == [0, 1, 2]


def test_random_bytes_of_other_buffers():
    data = bytearray(range(16))
    x = pb.frombuffer(data, dtype=pb.int32, offset=4, count=2)
    np.testing.assert_array_equal(x.numpy(), np.frombuffer(data, np.int32, 2, 4))
    data[4] = 255
    assert x[0].item() & 255 == 255
    for keywords, message in (
        ({"offset": 16}, "offset \\(16 bytes\\) must be non-negative"),
        ({"count": 5}, "requested buffer length"),
        ({"offset": 1}, "must be a multiple of"),
        ({"count": 0}, "must not be 0"),
    ):
        with pytest.raises(ValueError, match=message):
            pb.frombuffer(data, dtype=pb.int32, **keywords)


def test_dlpack_shares_unless_a_copy_is_wanted():
    array = np.ones(2)
    shared, copied = pb.from_dlpack(array), pb.from_dlpack(array, device="cpu", copy=True)
    array[0] = 5
    assert shared.tolist() == [5, 1] and copied.tolist() == [1, 1]
    with pytest.raises(AssertionError, match="pullback computes on the CPU"):
        pb.from_dlpack(array, device="cuda")
