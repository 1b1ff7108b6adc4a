# ruff: noqa: E501
"""Bad indices: PyTorch's exception types and first sentences; afterwards everything is as before."""

import re

import numpy as np
import pytest

import pullback as pb

I = pb.tensor
ONE = I([[[0]]])


def x():
    return pb.tensor(np.arange(24, dtype=np.float32).reshape(2, 3, 4))


READS = [
    (5, IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
    ((0, 5), IndexError, "index 5 is out of bounds for dimension 1 with size 3"),
    ((0, 0, 0, 0), IndexError, "too many indices for tensor of dimension 3"),
    (([0], [0], [0], [0]), IndexError, "too many indices for tensor of dimension 3"),
    ([5], IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
    ((slice(None), [-4]), IndexError, "index -4 is out of bounds for dimension 0 with size 3"),
    (([0, 1], [0, 1, 2]), IndexError, "shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]"),
    (1.0, IndexError, "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got float)"),
    (np.float64(1), IndexError, "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables"),
    ({}, IndexError, "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got dict)"),
    ("a", TypeError, "new(): invalid data type 'str'"),
    (["a"], TypeError, "new(): invalid data type 'str'"),
    ((0, "a"), IndexError, "only integers, slices"),
    (I([1.0]), IndexError, "tensors used as indices must be long, int, byte or bool tensors"),
    (slice(None, None, -1), ValueError, "step must be greater than zero"),
    (slice(None, None, 0), ValueError, "slice step cannot be zero"),
    (slice("a", None), TypeError, "slice indices must be integers or None or have an __index__ method"),
    (slice(1, 2.0), TypeError, "slice indices must be integers or None or have an __index__ method"),
    (2**70, ValueError, "Overflow when unpacking long long"),
    (pb.ones(3, dtype=pb.bool), IndexError, "The shape of the mask [3] at index 0 does not match the shape of the indexed tensor [2, 3, 4] at index 0"),
    ((slice(None), pb.ones(2, dtype=pb.bool)), IndexError, "The shape of the mask [2] at index 0 does not match the shape of the indexed tensor [2, 3, 4] at index 1"),
    (pb.ones(2, 2, dtype=pb.bool), IndexError, "The shape of the mask [2, 2] at index 1 does not match the shape of the indexed tensor [2, 3, 4] at index 1"),
    (pb.ones(2, 3, 4, 5, dtype=pb.bool), IndexError, "too many indices for tensor of dimension 3"),
    ((Ellipsis, Ellipsis, 0), IndexError, "an index can only have a single ellipsis"),
    (([[0, 1], [0]],), ValueError, "expected sequence of length 2 at dim 1 (got 1)"),
]  # fmt: skip


@pytest.mark.parametrize("index, kind, message", READS, ids=[str(i) for i in range(len(READS))])
def test_reads_and_writes(index, kind, message):
    y = x()
    with pytest.raises(kind, match=re.escape(message)):
        y[index]
    with pytest.raises(kind, match=re.escape(message)):
        y[index] = 0
    assert y.tolist() == x().tolist()
    assert y._version == 0


CALLS = [
    (lambda x: pb.tensor(5.0)[0], IndexError, "invalid index of a 0-dim tensor. Use `tensor.item()`"),
    (lambda x: pb.tensor(5.0)[:], IndexError, "slice() cannot be applied to a 0-dim tensor."),
    (lambda x: pb.zeros(0, 3)[[0]], IndexError, "index is out of bounds for dimension with size 0"),
    (lambda x: x.index_put_((I([0.0]),), I([1.0])), IndexError, "tensors used as indices must be long, int, byte or bool tensors"),
    (lambda x: x.index_put_((I([0]),), I([1])), RuntimeError, "Index put requires the source and destination dtypes match, got Float for the destination and Long for the source."),
    (lambda x: x.index_put_([I([0])] * 4, I([1.0])), IndexError, "too many indices for tensor of dimension 3 (got 4)"),
    (lambda x: x.gather(0, I([0])), RuntimeError, "Index tensor must have the same number of dimensions as input tensor"),
    (lambda x: x.gather(0, I([[[0.0]]])), RuntimeError, "gather(): Expected dtype int32/int64 for index"),
    (lambda x: x.gather(0, I([[[2]]])), RuntimeError, "index 2 is out of bounds for dimension 0 with size 2"),
    (lambda x: x.gather(0, I([[[-1]]])), RuntimeError, "index -1 is out of bounds for dimension 0 with size 2"),
    (lambda x: x.gather(5, ONE), IndexError, "Dimension out of range (expected to be in range of [-3, 2], but got 5)"),
    (lambda x: x.gather(0, pb.zeros(2, 4, 1, dtype=pb.int64)), RuntimeError, "Size does not match at dimension 1 expected index [2, 4, 1] to be no larger than self [2, 3, 4] apart from dimension 0"),
    (lambda x: x.scatter(0, ONE, I([[[5]]])), RuntimeError, "scatter(): Expected self.dtype to be equal to src.dtype"),
    (lambda x: x.scatter_(0, I([[[0, 1]]]), I([[[5.0]]])), RuntimeError, "Expected index [1, 1, 2] to be no larger than self [2, 3, 4] apart from dimension 0 and to be no larger size than src [1, 1, 1]"),
    (lambda x: x.scatter(0, pb.zeros(1, 4, 1, dtype=pb.int64), 5), RuntimeError, "Expected index [1, 4, 1] to be no larger than self [2, 3, 4] apart from dimension 0"),
    (lambda x: x.scatter_(0, I([[[2]]]), 1.0), RuntimeError, "index 2 is out of bounds for dimension 0 with size 2"),
    (lambda x: x.scatter(0, ONE, 5, reduce="foo"), RuntimeError, "reduce argument must be either add or multiply."),
    (lambda x: x.scatter(0, ONE), TypeError, "scatter() received an invalid combination of arguments"),
    (lambda x: x.scatter_add(0, I([[[0.0]]]), ONE), RuntimeError, "scatter(): Expected dtype int32/int64 for index"),
    (lambda x: x.scatter_add(0, I([0]), I([5.0])), RuntimeError, "Index tensor must have the same number of dimensions as self tensor"),
    (lambda x: x.scatter_reduce(0, ONE, I([[[5.0]]]), "foo"), RuntimeError, "reduce argument must be either sum, prod, mean, amax or amin, got foo"),
    (lambda x: x.index_select(0, I([[0]])), IndexError, "index_select(): Index is supposed to be a vector"),
    (lambda x: x.index_select(0, I([0.0])), RuntimeError, "index_select(): Expected dtype int32 or int64 for index"),
    (lambda x: x.index_select(0, I([2])), IndexError, "index out of range in self"),
    (lambda x: x.index_select(1, I([-1])), RuntimeError, "INDICES element is out of DATA bounds, id=-1 axis_dim=3"),
    (lambda x: pb.tensor(1.0).index_select(0, I([0, 0])), RuntimeError, "index_select(): Index to scalar can have only 1 value, got 2 value(s)"),
    (lambda x: x.index_add_(0, I([0]), pb.ones(2, 3, 4)), RuntimeError, "index_add_(): Number of indices (1) should be equal to source.size(dim): (2), for dim: 0"),
    (lambda x: x.index_add_(0, I([2]), pb.ones(1, 3, 4)), RuntimeError, "index 2 is out of bounds for dimension 0 with size 2"),
    (lambda x: x.index_add_(0, I([0.0]), pb.ones(1, 3, 4)), RuntimeError, "index_add_(): Expected dtype int32/int64 for index but got: Float"),
    (lambda x: x.index_add_(0, I([0]), pb.ones(1, 3, 4, dtype=pb.float64)), RuntimeError, "index_add_(): self (Float) and source (Double) must have the same scalar type"),
    (lambda x: x.index_add_(0, I([0]), pb.ones(1, 3, 5)), RuntimeError, "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = [2, 3, 4] source.shape = [1, 3, 5]"),
    (lambda x: x.index_copy_(0, I([2]), pb.ones(1, 3, 4)), IndexError, "index_copy_(): index 2 is out of bounds for dimension 0 with size 2"),
    (lambda x: x.index_copy_(0, I([0]), pb.ones(2, 3, 4)), IndexError, "index_copy_(): Number of indices (1) should be equal to source.size(dim) (2)"),
    (lambda x: x.index_copy_(0, I([0]), pb.ones(1, 3, 5)), RuntimeError, "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: 3 4 at dimension 0 and source slice shape: 3 5 at dimension 0."),
    (lambda x: x.index_copy_(0, I([0]), pb.ones(3, 4)), IndexError, "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality (2), destination dimensionality (3)"),
    (lambda x: x.index_fill_(0, I([0]), I([5.0])), RuntimeError, "index_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s)."),
    (lambda x: x.index_fill_(0, I([2]), 5), IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
    (lambda x: x.index_fill_(0, I([0.0]), 5), IndexError, "index_fill_(): Expected dtype int64 for index."),
    (lambda x: x.masked_fill_(x, 0), RuntimeError, "masked_fill_ only supports boolean masks, but got mask with dtype float"),
    (lambda x: x.masked_fill_(x > 3, I([0.0])), RuntimeError, "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s)."),
    (lambda x: x.masked_fill_(pb.ones(2, dtype=pb.bool), 0), RuntimeError, "The size of tensor a (2) must match the size of tensor b (4) at non-singleton dimension 2"),
    (lambda x: x.masked_fill_(pb.ones(2, 2, 3, 4, dtype=pb.bool), 0), RuntimeError, "output with shape [2, 3, 4] doesn't match the broadcast shape [2, 2, 3, 4]"),
    (lambda x: x.masked_fill_(x > 3, 1j), RuntimeError, "value cannot be converted to type float without overflow"),
    (lambda x: x.masked_fill_(x > 3, I(1j)), RuntimeError, "value cannot be converted to type float without overflow"),
    (lambda x: x.half().masked_fill(x > 3, -1e9), RuntimeError, "value cannot be converted to type c10::Half without overflow"),
    (lambda x: x.half().masked_fill(x > 3, I(-1e9)), RuntimeError, "value cannot be converted to type c10::Half without overflow"),
    (lambda x: x.char().masked_fill(x > 3, I(300)), RuntimeError, "value cannot be converted to type int8_t without overflow"),
    (lambda x: x.long().masked_fill(x > 3, I(float("nan"))), RuntimeError, "value cannot be converted to type int64_t without overflow"),
    (lambda x: x.__setitem__(x > 3, I([2 + 1j])), RuntimeError, "value cannot be converted to type float without overflow"),
    (lambda x: x.char().__setitem__(x > 3, I([300])), RuntimeError, "value cannot be converted to type int8_t without overflow"),
    (lambda x: x.index_fill_(0, I([0]), 1 + 0j), RuntimeError, "index_fill_(): Converting complex Scalar to non-complex type is not supported"),
    (lambda x: x.index_fill_(0, I([0]), I(1 + 0j)), RuntimeError, "index_fill_(): Converting complex Scalar to non-complex type is not supported"),
    (lambda x: x.char().index_fill(0, I([0]), I(300)), RuntimeError, "value cannot be converted to type int8_t without overflow"),
    (lambda x: x.masked_select(x), RuntimeError, "masked_select: expected BoolTensor for mask"),
    (lambda x: x.masked_scatter_(x > 3, pb.ones(3)), RuntimeError, "Number of elements of source < number of ones in mask"),
    (lambda x: x.take(I([24])), IndexError, "out of range: tried to access index 24 on a tensor of 24 elements."),
    (lambda x: x.take(I([0], dtype=pb.int32)), RuntimeError, "take(): Expected a long tensor for index, but got Int"),
    (lambda x: pb.zeros(0).take(I([0])), IndexError, "take(): tried to take from an empty tensor"),
    (lambda x: x.put_(I([0, 5]), I([1.0, 2.0, 3.0])), IndexError, "put_(): Expected source and index to have the same number of elements, but got source.numel() = 3, index.numel() = 2"),
    (lambda x: pb.take_along_dim(x, pb.zeros(3, 4, dtype=pb.int64), 0), RuntimeError, "torch.take_along_dim(): input and indices should have the same number of dimensions, but got 3 dimensions for input, and 2 dimensions for indices"),
    (lambda x: pb.take_along_dim(x, pb.full((2, 3, 1), -5), 2), RuntimeError, "index -5 is out of bounds for dimension 2 with size 4"),
    (lambda x: pb.take_along_dim(pb.tensor(1.0), I(0), 0), IndexError, "Dimension specified as 0 but tensor has no dimensions"),
    (lambda x: pb.tensor(1.0).repeat_interleave(2, 0), IndexError, "Dimension out of range (expected to be in range of [-1, 0], but got 1)"),
    (lambda x: pb.tensor(1.0).repeat_interleave(I([2]), 0), IndexError, "Dimension specified as 0 but tensor has no dimensions"),
    (lambda x: pb.tensor(1.0).unflatten(0, (1, 1)), RuntimeError, "unflatten got an unexpected error"),
    (lambda x: x.fill_(10**30), OverflowError, "int too big to convert"),
    (lambda x: x.masked_fill_(x > 3, -(10**30)), OverflowError, "int too big to convert"),
    (lambda x: x.long().fill_(2**63), RuntimeError, "value cannot be converted to type int64_t without overflow"),
    (lambda x: x.__setitem__(0, 10**30), ValueError, "Overflow when unpacking long long"),
    (lambda x: pb.where(x, x, x), RuntimeError, "where expected condition to be a boolean tensor, but got a tensor with dtype Float"),
    (lambda x: pb.where(x > 3, x), TypeError, "where() received an invalid combination of arguments"),
    (lambda x: pb.where(x > 3, None, None), TypeError, "where() received an invalid combination of arguments"),
    (lambda x: pb.where(x > 3, None), TypeError, "where() received an invalid combination of arguments"),
    (lambda x: pb.zeros(2**70), TypeError, 'zeros(): argument \'size\' (position 1) failed to unpack the object at pos 1 with error "Overflow when unpacking long long'),
    (lambda x: x.expand(2, 2**70, 3, 4), TypeError, "failed to unpack the object at pos 2 with error"),
    (lambda x: x.sum(2**70), ValueError, "Overflow when unpacking long long"),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, message", CALLS, ids=[str(i) for i in range(len(CALLS))])
def test_calls(call, kind, message):
    y = x()
    with pytest.raises(kind, match=re.escape(message)):
        call(y)
    assert y.tolist() == x().tolist()
    assert y._version == 0


def test_values_that_do_not_fit():
    y = x()
    with pytest.raises(
        RuntimeError, match=re.escape("The expanded size of the tensor (3) must match the existing size (2)")
    ):
        y[0] = pb.ones(2, 4)
    with pytest.raises(
        RuntimeError,
        match=re.escape(
            "shape mismatch: value tensor of shape [2, 4] cannot be broadcast to indexing result of shape [1, 3, 4]"
        ),
    ):
        y[[0]] = pb.ones(2, 4)
    with pytest.raises(
        RuntimeError,
        match=re.escape(
            "shape mismatch: value tensor of shape [3] cannot be broadcast to indexing result of shape [20]"
        ),
    ):
        y[y > 3] = pb.ones(3)
    with pytest.raises(
        RuntimeError,
        match="Index put requires the source and destination dtypes match, got Float for the destination and Double",
    ):
        y[[0]] = pb.ones(4, dtype=pb.float64)
    for value in ([1, 2, 3, 4], "a", None):
        with pytest.raises(TypeError, match=f"can't assign a {type(value).__name__} to a "):
            y[0] = value
    with pytest.raises(TypeError, match="Tensor does not support deleting items"):
        del y[0]
    assert y.tolist() == x().tolist()


def test_leaves_are_protected():
    leaf = pb.zeros(3, requires_grad=True)
    for write in (
        lambda: leaf.__setitem__(0, 1.0),
        lambda: leaf.__setitem__([0], 1.0),
        lambda: leaf.__setitem__(leaf > 1, 0),
    ):
        with pytest.raises(
            RuntimeError,
            match=r"a (view of a )?leaf Variable that requires grad is being used in an in-place operation",
        ):
            write()
    with pb.no_grad():
        leaf[0] = 1.0
        leaf[[1]] = 2.0
    assert leaf.tolist() == [1, 2, 0]


def test_expanded_memory_is_not_written():
    y = pb.zeros(3).expand(2, 3)
    with pytest.raises(
        RuntimeError,
        match="unsupported operation: more than one element of the written-to tensor refers to a single memory location",
    ):
        y[[0]] = 1.0
    with pytest.raises(RuntimeError, match="more than one element"):
        y[0:2] = pb.ones(2, 3)
    y[0:2] = 1.0  # one number is what all elements of that memory become
    assert y.tolist() == [[1.0] * 3] * 2


def test_saved_values_are_guarded():
    a = pb.ones(3, requires_grad=True)
    y = a * 1
    s = y.scatter_reduce(0, I([0, 0]), pb.ones(2), "amax")
    s += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        s.sum().backward()


def test_non_tuple_lists_warn():
    with pytest.warns(
        UserWarning, match="Using a non-tuple sequence for multidimensional indexing is deprecated"
    ):
        assert x()[[0, slice(None)]].shape == (3, 4)
    with pytest.warns(UserWarning, match="non-tuple"):
        assert x()[[pb.tensor(1), 0, 2]].item() == 14
    with pytest.warns(UserWarning, match="indexing with dtype pullback.uint8 is now deprecated"):
        x()[pb.tensor([1, 0], dtype=pb.uint8)]
