"""Orders: sorting, selecting by rank, searching, counting.

NaN is greater than every number. Sorting is always stable. The gradient goes to the elements that were
chosen.
"""

from .._core import bool as boolean
from .declare import FUNCTIONS, composed, operator


@operator(out="exact", returns=("values", "indices"))
def sort(input, dim=-1, descending=False, stable=None, *, out=None):
    """The elements in order along `dim`, as a named tuple (values, indices); equal elements keep their order.

    Both have the shape of `input`; values its dtype, indices int64. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.sort(pb.tensor([3.0, 1.0, 2.0]))
        pullback.return_types.sort(
        values=tensor([1., 2., 3.]),
        indices=tensor([1, 2, 0]))
    """


@operator(ignores="stable")
def argsort(input, dim=-1, descending=False, stable=False):
    """The indices that sort `input` along `dim`; int64.

    The result has the shape of `input`. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.argsort(pb.tensor([3.0, 1.0, 2.0]), descending=True)
        tensor([0, 2, 1])
    """


@operator
def msort(input):
    """The elements in order along the first dimension.

    The result has the shape and the dtype of `input`; a scalar is in order. Raises TypeError for what is no tensor.

    Example:
        >>> pb.msort(pb.tensor([[3.0, 1.0], [2.0, 4.0]]))
        tensor([[2., 1.],
                [3., 4.]])
    """


@operator(out="exact", ignores="sorted", returns=("values", "indices"))
def topk(input, k, dim=-1, largest=True, sorted=True, *, out=None):
    """The `k` largest (or smallest) elements along `dim` in order, as a named tuple (values, indices).

    Raises RuntimeError where `k` is out of range, and for bool.

    Example:
        >>> pb.topk(pb.tensor([3.0, 1.0, 2.0]), 2).values
        tensor([3., 2.])
    """


@operator(out="exact", returns=("values", "indices"))
def kthvalue(input, k, dim=-1, keepdim=False, *, out=None):
    """The k-th smallest element along `dim`, counted from 1, as a named tuple (values, indices).

    Both lack `dim`, or have size 1 there with `keepdim`; indices are int64. Raises IndexError for a `dim` out of
    range, RuntimeError for a `k` that is not from 1 to the size.

    Example:
        >>> pb.kthvalue(pb.tensor([3.0, 1.0, 2.0]), 2).values
        tensor(2.)
    """


@operator(out="exact", returns=("values", "indices"))
def median(input, dim=None, keepdim=False, *, out=None):
    """The lower median of everything, or along `dim` as a named tuple (values, indices); NaN if there is one.

    Without `dim`, equal elements share the gradient.

    Values have the dtype of `input`, indices are int64. Raises IndexError for a `dim` out of range, and IndexError
    for a `dim` of size 0.

    Example:
        >>> pb.median(pb.tensor([4.0, 1.0, 2.0, 3.0]))
        tensor(2.)
    """


@operator(out="exact", returns=("values", "indices"))
def nanmedian(input, dim=None, keepdim=False, *, out=None):
    """`median` of the elements that are not NaN.

    NaN where there are none. Raises IndexError for a `dim` out of range, and IndexError for a `dim` of size 0.

    Example:
        >>> pb.nanmedian(pb.tensor([1.0, float("nan"), 3.0, 2.0]))
        tensor(2.)
    """


@operator(out="exact", returns=("values", "indices"))
def mode(input, dim=-1, keepdim=False, *, out=None):
    """The most frequent element along `dim`, the smallest of several, as a named tuple (values, indices).

    Values have the dtype of `input`, indices are int64. Raises IndexError for a `dim` out of range, and IndexError
    for a `dim` of size 0.

    Example:
        >>> pb.mode(pb.tensor([1.0, 2.0, 2.0, 1.0, 2.0])).values
        tensor(2.)
    """


@operator(public=False, method=False)
def _unique(input, dim, consecutive):
    """Values, inverse and counts of equal elements, or of equal slices of `dim`."""


def _chosen(parts, *wanted):
    out = tuple(part for part, want in zip(parts, (True, *wanted)) if want)
    return out[0] if len(out) == 1 else out


@composed
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements in ascending order, or the different slices of `dim`.

    `return_inverse` adds, for each element, its place among them; `return_counts` how often each occurs. The
    result carries no gradient.

    Places and counts are int64. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.unique(pb.tensor([3, 1, 3, 2]), return_counts=True)
        (tensor([1, 2, 3]), tensor([1, 1, 2]))
    """
    return _chosen(_unique(input, dim, False), return_inverse, return_counts)


@composed
def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """`input` with runs of equal neighbours shortened to one, flattened, or by slices of `dim`.

    Places and counts, as in `unique`, are int64. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.unique_consecutive(pb.tensor([1, 1, 2, 1]))
        tensor([1, 2, 1])
    """
    return _chosen(_unique(input, dim, True), return_inverse, return_counts)


@operator(method=False, out="exact")
def searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None, out=None):
    """Where `input` would be inserted into the sorted last dimension of `sorted_sequence`; int64.

    Before elements equal to it, or after them if `right` (or `side="right"`). `sorter` sorts a sequence that
    is not.

    The result has the shape of `input`, int32 with `out_int32`. Raises RuntimeError for leading dimensions that
    differ, unless the sequence is 1-d, and for a `side` that is neither "left" nor "right".

    Example:
        >>> pb.searchsorted(pb.tensor([1.0, 3.0, 5.0]), pb.tensor([3.0, 6.0]))
        tensor([1, 3])
    """


@operator(method=False, out="exact")
def bucketize(input, boundaries, *, out_int32=False, right=False, out=None):
    """The number of the interval between `boundaries` (sorted, 1-d) that each element lies in; int64.

    The result has the shape of `input`, int32 with `out_int32`. Raises RuntimeError for `boundaries` of more or
    fewer dimensions than one.

    Example:
        >>> pb.bucketize(pb.tensor([0.5, 3.0, 9.0]), pb.tensor([1.0, 3.0, 5.0]))
        tensor([0, 1, 3])
    """


@operator
def bincount(input, weights=None, minlength=0):
    """How often each number from 0 on occurs in a 1-d integer tensor; or the sums of their `weights`.

    A vector of at least `minlength` numbers: int64, or the floating dtype of `weights`. Raises RuntimeError for
    negative numbers, other numbers of dimensions, and weights of another length, NotImplementedError for floating
    input.

    Example:
        >>> pb.bincount(pb.tensor([0, 2, 2]), minlength=4)
        tensor([1, 0, 2, 0])
    """


@operator(method=False, out="exact")
def isin(elements, test_elements, *, assume_unique=False, invert=False, out=None):
    """Which of `elements` are among `test_elements`, or, if `invert`, are not.

    One of the two may be a number. Bool, of the shape of `elements`. NaN is equal to nothing. `assume_unique` changes
    nothing here. Raises TypeError for two numbers, RuntimeError for bool.

    Example:
        >>> pb.isin(pb.tensor([[1, 2], [3, 4]]), pb.tensor([4, 1]))
        tensor([[ True, False],
                [False,  True]])
    """


@operator(out="exact")
def histc(input, bins=100, min=0, max=0, *, out=None):
    """How many elements lie in each of `bins` equal intervals from `min` to `max` (of the data, if they are
    equal).

    A vector of the dtype of `input`. Raises RuntimeError for fewer bins than 1 and for a `max` below `min`,
    NotImplementedError for integers.

    Example:
        >>> pb.histc(pb.tensor([0.0, 1.0, 1.0, 3.0]), bins=3, min=0, max=3)
        tensor([1., 2., 1.])
    """


@composed(out="cast")
def diff(input, n=1, dim=-1, prepend=None, append=None, *, out=None):
    """The differences of neighbours along `dim`, `n` times over.

    Along `dim` there are `n` elements fewer; bool gives bool. Raises RuntimeError for a scalar and a negative `n`,
    IndexError for a `dim` out of range.

    Example:
        >>> pb.diff(pb.tensor([1.0, 4.0, 9.0]))
        tensor([3., 5.])
    """
    if input.ndim == 0:
        raise RuntimeError(
            "diff expects input to be at least one-dimensional. A 0-d tensor has no neighbours."
        )
    input.size(dim)  # raises where there is no such dimension
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    if prepend is not None or append is not None:
        parts = [part for part in (prepend, input, append) if part is not None]
        input = FUNCTIONS["cat"](parts, dim)
    n = min(n, input.shape[dim])
    if n == 0:
        return input.clone()
    for _ in range(n):
        length = input.shape[dim]
        after, before = input.narrow(dim, 1, length - 1), input.narrow(dim, 0, length - 1)
        input = after != before if input.dtype == boolean else after - before
    return input
