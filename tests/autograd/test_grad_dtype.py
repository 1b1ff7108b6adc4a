"""`grad_dtype`: the dtype of a leaf's gradient, where it is another than the leaf's."""

import numpy as np
import pytest

import pullback as pb


def leaf():
    return pb.tensor([1.0, 2.0], requires_grad=True)


def test_it_is_the_dtype_of_the_tensor_unless_somebody_says_otherwise():
    assert leaf().grad_dtype is pb.float32
    assert pb.ones(2, dtype=pb.float64).grad_dtype is pb.float64
    assert pb.ones(2, dtype=pb.int64).grad_dtype is pb.int64


@pytest.mark.parametrize("size", [2, 20_000])
def test_gradients_are_converted_and_accumulate_in_it(size):
    x = pb.ones(size, requires_grad=True)
    x.grad_dtype = pb.float64
    for count in (1, 2):
        (x * 0.1).sum().backward()
        assert x.grad.dtype is pb.float64
        np.testing.assert_array_equal(x.grad.numpy(), np.full(size, count * float(np.float32(0.1))))


def test_a_gradient_of_it_may_be_assigned_and_no_other():
    x = leaf()
    x.grad_dtype = pb.float64
    x.grad = pb.ones(2, dtype=pb.float64)
    with pytest.raises(
        RuntimeError, match="attempting to assign a gradient with dtype 'float' to a tensor with grad_dty"
    ):
        x.grad = pb.ones(2)


def test_none_takes_any():
    x = leaf()
    x.grad_dtype = None
    assert x.grad_dtype is None
    x.grad = pb.ones(2, dtype=pb.float64)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0] and x.grad.dtype is pb.float64
    x.grad_dtype = pb.float64
    assert x.grad_dtype is pb.float64


def test_what_is_refused():
    x = leaf()
    x.grad = pb.ones(2)
    with pytest.raises(RuntimeError, match="because there is already a gradient with dtype 'float'"):
        x.grad_dtype = pb.float64
    with pytest.raises(RuntimeError, match="grad_dtype must be a torch.dtype or None, but got int"):
        x.grad_dtype = 3
    with pytest.raises(RuntimeError, match="can only be accessed on leaf tensors"):
        _ = (x * 2).grad_dtype
    with pytest.raises(RuntimeError, match="can only be set on leaf tensors"):
        (x * 2).grad_dtype = None
    with pytest.raises(RuntimeError, match="but got nothing"):
        del x.grad_dtype
