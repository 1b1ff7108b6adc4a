"""Products of matrices and vectors."""

from .._core import Tensor
from .declare import composed, operator, require_each


@operator(out="exact")
def matmul(input, other, *, out=None):
    """The product of two tensors, `input @ other`.

    Two vectors give their dot product, a matrix and a vector (in either order) a vector, two matrices a
    matrix. With more dimensions the last two are matrices, and those before are batches, which broadcast:
    (..., n, k) @ (..., k, m) has shape (..., n, m).

    Both need one dtype; integers wrap around. Terms are summed by the rules of IEEE arithmetic, in the
    derivatives too: a gradient of zero that meets an infinite factor is nan.

    Raises:
        RuntimeError: a 0-d operand, shapes that do not fit, different dtypes.

    Example:
        >>> a = pb.tensor([[1., 2.], [3., 4.]])
        >>> a @ pb.tensor([1., 10.])
        tensor([21., 43.])
        >>> pb.matmul(a, a)
        tensor([[ 7., 10.],
                [15., 22.]])
    """


@operator(out="exact")
def mm(input, mat2, *, out=None):
    """The product of two matrices, (n, k) and (k, m); nothing broadcasts.

    Raises:
        RuntimeError: an operand that is no matrix, shapes that do not fit, different dtypes.

    Example:
        >>> pb.mm(pb.tensor([[1., 2.]]), pb.tensor([[3.], [4.]]))
        tensor([[11.]])
    """


@operator(out="exact")
def bmm(input, mat2, *, out=None):
    """The products of two batches of matrices, (b, n, k) and (b, k, m); nothing broadcasts.

    Raises:
        RuntimeError: an operand without three dimensions, shapes that do not fit, different dtypes.

    Example:
        >>> pb.bmm(pb.tensor([[[2.]], [[3.]]]), pb.tensor([[[5.]], [[7.]]]))
        tensor([[[10.]],
        <BLANKLINE>
                [[21.]]])
    """


@operator(out="exact")
def mv(input, vec, *, out=None):
    """The product of a matrix (n, m) and a vector (m,).

    Raises:
        RuntimeError: other numbers of dimensions, sizes that do not fit, different dtypes.

    Example:
        >>> pb.mv(pb.tensor([[1., 2.], [3., 4.]]), pb.tensor([1., 1.]))
        tensor([3., 7.])
    """


@operator(out="exact")
def dot(input, tensor, *, out=None):
    """The sum of the products of the elements of two vectors of one length.

    Raises:
        RuntimeError: an operand that is no vector, different lengths or dtypes.

    Example:
        >>> pb.dot(pb.tensor([2, 3]), pb.tensor([2, 1]))
        tensor(7)
    """


@operator(out="exact")
def vdot(input, other, *, out=None):
    """The dot product with the first vector conjugated; of real vectors it is `dot`.

    Raises:
        RuntimeError: an operand that is no vector, different lengths or dtypes.

    Example:
        >>> pb.vdot(pb.tensor([2., 3.]), pb.tensor([2., 1.]))
        tensor(7.)
    """


@operator(aliases=("ger",))
def outer(input, vec2, *, out=None):
    """Each element of the first vector times each of the second: shape (n, m). dtypes promote.

    Raises:
        RuntimeError: an operand that is no vector.

    Example:
        >>> pb.outer(pb.tensor([1, 2]), pb.tensor([10, 20, 30]))
        tensor([[10, 20, 30],
                [20, 40, 60]])
    """


@operator(out="exact")
def inner(input, other, *, out=None):
    """The dot products along the last dimensions: (..., k) and (---, k) give (..., ---).

    With a 0-d operand it is the ordinary product.

    Raises:
        RuntimeError: last sizes that differ, different dtypes.

    Example:
        >>> pb.inner(pb.tensor([[1., 2.], [3., 4.]]), pb.tensor([1., 10.]))
        tensor([21., 43.])
    """


@operator(out="exact", in_place=True)
def addmm(input, mat1, mat2, *, beta=1, alpha=1, out=None):
    """`beta * input + alpha * (mat1 @ mat2)`; the input broadcasts to the shape of the product.

    With `beta=0` the input is not read: its nan and inf do not reach the result.

    Raises:
        RuntimeError: factors that are no matrices, shapes that do not fit, different dtypes.

    Example:
        >>> pb.addmm(pb.tensor([1., 2.]), pb.tensor([[1.], [2.]]), pb.tensor([[10., 20.]]))
        tensor([[11., 22.],
                [21., 42.]])

    In place:
        >>> pb.ones(1, 1).addmm_(pb.tensor([[1., 2.]]), pb.tensor([[3.], [4.]]))
        tensor([[12.]])
    """


@operator(out="exact", in_place=True)
def addmv(input, mat, vec, *, beta=1, alpha=1, out=None):
    """`beta * input + alpha * (mat @ vec)`; with `beta=0` the input is not read.

    Raises:
        RuntimeError: other numbers of dimensions, sizes that do not fit, different dtypes.

    Example:
        >>> pb.addmv(pb.tensor([1., 1.]), pb.tensor([[1., 2.], [3., 4.]]), pb.tensor([1., 1.]), alpha=10)
        tensor([31., 71.])

    In place:
        >>> pb.ones(1).addmv_(pb.tensor([[1., 2.]]), pb.tensor([3., 4.]))
        tensor([12.])
    """


@operator(in_place=True)
def addr(input, vec1, vec2, *, beta=1, alpha=1, out=None):
    """`beta * input + alpha * outer(vec1, vec2)`; with `beta=0` the input is not read. dtypes promote.

    Raises:
        RuntimeError: factors that are no vectors, shapes that do not fit.

    Example:
        >>> pb.addr(pb.zeros(2, 2), pb.tensor([1., 2.]), pb.tensor([3., 4.]))
        tensor([[3., 4.],
                [6., 8.]])

    In place:
        >>> pb.ones(1, 2).addr_(pb.tensor([2.]), pb.tensor([3., 4.]))
        tensor([[7., 9.]])
    """


@operator(out="exact", in_place=True)
def addbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None):
    """`beta * input + alpha * sum of (batch1[i] @ batch2[i])`: (b, n, k) and (b, k, m) give (n, m).

    Raises:
        RuntimeError: factors without three dimensions, shapes that do not fit, different dtypes.

    Example:
        >>> pb.addbmm(pb.zeros(1, 1), pb.ones(3, 1, 2), pb.ones(3, 2, 1))
        tensor([[6.]])

    In place:
        >>> pb.zeros(1, 1).addbmm_(pb.ones(2, 1, 3), pb.ones(2, 3, 1))
        tensor([[6.]])
    """


@operator(out="exact", in_place=True)
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None):
    """`beta * input + alpha * bmm(batch1, batch2)`; the input broadcasts to the shape of the product.

    Raises:
        RuntimeError: factors without three dimensions, shapes that do not fit, different dtypes.

    Example:
        >>> pb.baddbmm(pb.ones(1), pb.ones(2, 1, 2), pb.ones(2, 2, 1))
        tensor([[[3.]],
        <BLANKLINE>
                [[3.]]])

    In place:
        >>> pb.zeros(1, 1, 1).baddbmm_(pb.ones(1, 1, 3), pb.ones(1, 3, 1))
        tensor([[[3.]]])
    """


@operator(name="tensordot", public=False, method=False)
def _tensordot(a, b, dims_a, dims_b):
    """tensordot with its dimensions named."""


@composed(method=False, out="exact")
def tensordot(a, b, dims=2, out=None):
    """Sums of products over several dimensions of both tensors at once.

    `dims` is a number, the last that many dimensions of `a` and the first of `b`, or a pair of lists, which
    dimension of `a` meets which of `b`. The result has what remains of `a`, then what remains of `b`.

    Raises:
        RuntimeError: contracted sizes that differ, lists of different lengths, different dtypes.

    Example:
        >>> a, b = pb.tensor([[[0., 1., 2.], [3., 4., 5.]]]), pb.ones(2, 3, 4)
        >>> pb.tensordot(a, b)
        tensor([[15., 15., 15., 15.]])
        >>> tuple(pb.tensordot(a, b, dims=([2], [1])).shape)
        (1, 2, 2, 4)
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, (list, tuple)):
        first, second = dims
    else:
        n = dims.__index__()
        if n < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={n}")
        if n > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={n}")
        first, second = range(-n, 0), range(n)
    return _tensordot(a, b, list(first), list(second))


@composed(kinds={"other": "T"}, node="UnsafeViewBackward0")
def kron(input, other, *, out=None):
    """Kronecker's product: each element of `input` times the whole of `other`, laid out as blocks.

    The smaller number of dimensions is filled up with ones in front; sizes multiply. The result has the common dtype.
    Raises TypeError for what is no tensor, and what `mul` raises.

    Example:
        >>> pb.kron(pb.tensor([[1, 2]]), pb.tensor([[1], [10]]))
        tensor([[ 1,  2],
                [10, 20]])
    """
    n = max(input.ndim, other.ndim)
    a = (1,) * (n - input.ndim) + tuple(input.shape)
    b = (1,) * (n - other.ndim) + tuple(other.shape)
    # (a0, 1, a1, 1, ...) times (1, b0, 1, b1, ...)
    left = input.reshape([size for s in a for size in (s, 1)])
    right = other.reshape([size for s in b for size in (1, s)])
    shape = [s * t for s, t in zip(a, b)]
    return (left * right).reshape(shape)


def chain_order(sizes):
    """Where to split a product of matrices with these sizes (n + 1 of them), by dynamic programming.

    Returns a function (i, j) -> k: the product of matrices i to j is that of i to k times that of k + 1 to j.
    See Cormen, Leiserson, Rivest and Stein, "Introduction to Algorithms", chapter on dynamic programming.
    """
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    split = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return lambda i, j: split[i, j]


def _chain(matrices):
    if len(matrices) == 2:
        return mm(*matrices)
    if len(matrices) == 3:
        a, b, c = matrices
        (m, k), (n, p) = a.shape, c.shape
        return mm(mm(a, b), c) if m * n * (k + p) <= k * p * (m + n) else mm(a, mm(b, c))
    where = chain_order([*(m.shape[0] for m in matrices), matrices[-1].shape[1]])

    def product(i, j):
        if i == j:
            return matrices[i]
        k = where(i, j)
        return mm(product(i, k), product(k + 1, j))

    return product(0, len(matrices) - 1)


@composed(method=False, out="exact")
def chain_matmul(*matrices, out=None):
    """The product of matrices, in the order that needs the fewest multiplications.

    Raises:
        RuntimeError: an operand that is no matrix, shapes that do not fit.

    Example:
        >>> pb.chain_matmul(pb.ones(2, 3), pb.ones(3, 1), pb.ones(1, 2))
        tensor([[3., 3.],
                [3., 3.]])
    """
    require_each(matrices)
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for matrix in matrices:
        if matrix.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {matrix.ndim}, expected 2 instead.")
    return multi_dot(matrices) if len(matrices) > 1 else matrices[0]


@composed(public=False, method=False, out="exact")
def multi_dot(tensors, *, out=None):
    """The product of two or more matrices, in the order that needs the fewest multiplications.

    The first may be a vector, a row, and the last one, a column; the result loses that dimension.

    Raises:
        RuntimeError: fewer than two operands, wrong numbers of dimensions or sizes, different dtypes.

    Example:
        >>> from pullback.operators.products import multi_dot
        >>> multi_dot([pb.ones(3), pb.ones(3, 4), pb.ones(4)])
        tensor(12.)
    """
    tensors = list(tensors)
    require_each(tensors)
    n = len(tensors)
    if n < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {n}")
    first, last = tensors[0], tensors[-1]
    for which, tensor in (("first", first), ("last", last)):
        if tensor.ndim not in (1, 2):
            raise RuntimeError(f"multi_dot(): the {which} tensor must be 1D or 2D but got {tensor.ndim}D")
    for i, tensor in enumerate(tensors[1:-1], 1):
        if tensor.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {tensor.ndim}D")
    shape = []
    if first.ndim == 1:
        tensors[0] = first.reshape(1, -1)
    else:
        shape.append(first.shape[0])
    if last.ndim == 1:
        tensors[-1] = last.reshape(-1, 1)
    else:
        shape.append(last.shape[1])
    for i in range(n - 1):
        a, b = tensors[i], tensors[i + 1]
        if a.dtype != b.dtype:
            raise RuntimeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor {i} is {a.dtype} and "
                f"tensor {i + 1} {b.dtype}"
            )
        if a.shape[1] != b.shape[0]:
            shapes = f"{list(a.shape)} and {list(b.shape)}"
            raise RuntimeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {shapes} cannot be multiplied"
            )
    product = _chain(tensors)
    return product if len(shape) == 2 else product.reshape(shape)


@operator(public=False, method=False)
def linear(input, weight, bias=None):
    """`input @ weight.T + bias`: (..., k), (m, k) and (m,) give (..., m). What nn.Linear computes.

    Raises:
        RuntimeError: sizes that do not fit, different dtypes.

    Example:
        >>> weight = pb.tensor([[1., 1.], [0., 1.], [1., 0.]])
        >>> pb.nn.functional.linear(pb.tensor([1., 2.]), weight, pb.tensor([0., 0., 10.]))
        tensor([ 3.,  2., 11.])
    """


@operator(public=False, method=False)
def recurrent_layer(cell, given, state, cells, weight, bias=None):
    """One layer of `nn.RNN`, `nn.LSTM` or `nn.GRU` in one direction: the states of all times first.

    `given` (T, N, P H) is what inputs contribute, `state`, and of an LSTM `cells`, (N, H) what the first time begins with,
    `weight` (P H, H) and `bias` (P H) the recurrent ones.
    """


@operator(public=False, method=False)
def convolve(input, weight, stride, padding, dilation, groups):
    """The convolution of (N, C, sizes) with (O, C / groups, kernel), of as many dimensions as there are strides; unchecked."""


@operator(public=False, method=False)
def convolve_back(results, weight, stride, padding, dilation, groups, sizes):
    """The transpose of `convolve` in its first operand, which has these sizes."""


@composed(public=False, method=False)
def bilinear(input1, input2, weight, bias=None):
    """`y[o] = sum of input1[i] * weight[o, i, j] * input2[j], plus bias[o]`, over any leading dimensions.

    Raises:
        RuntimeError: sizes that do not fit.

    Example:
        >>> pb.nn.functional.bilinear(pb.tensor([1., 2.]), pb.tensor([1., 1., 1.]), pb.ones(1, 2, 3))
        tensor([9.])
    """
    if input1.ndim != input2.ndim:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {input1.ndim} and {input2.ndim}")
    for d in range(input1.ndim - 1):
        n, m = input1.shape[d], input2.shape[d]
        if n != m:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {d}: got {n} and {m}")
    for which, tensor, size in (("input1", input1, weight.shape[1]), ("input2", input2, weight.shape[2])):
        if tensor.shape[-1] != size:
            n = tensor.shape[-1]
            raise RuntimeError(
                f"bilinear(): {which} size does not match weight size: got {n} but expected {size}"
            )
    if bias is not None and bias.shape[0] != weight.shape[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} "
            f"but expected {weight.shape[0]}"
        )
    batch = tuple(input1.shape[:-1])
    outputs, n, m = weight.shape
    # (b, 1, i) times (b, i, o) for each j at once: first one matrix product with all of the weight.
    half = mm(input1.reshape(-1, n), weight.permute(1, 0, 2).reshape(n, outputs * m))
    y = bmm(half.reshape(half.shape[0], outputs, m), input2.reshape(-1, m).unsqueeze(2)).reshape(
        (*batch, outputs)
    )
    return y if bias is None else y + bias
