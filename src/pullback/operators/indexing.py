"""Indexing, gathering and scattering.

Reading at integer positions and adding at them are adjoint to each other: `gather` pulls back to
`scatter_add`, `index_select` to `index_add`, `take` to an accumulating `put`. Sums at one element are taken
in the order of the index, so results are the same on every run. Where a write names one element more than
once, the last value stays, and only that value receives a gradient.
"""

from .declare import FUNCTIONS, METHODS, composed, operator

# ---- several dimensions at once ----


@operator(in_place=True)
def index_put(input, indices, values, accumulate=False):
    """A copy of `input` with `values` written where `indices` point: `x[indices] = values`, out of place.

    `indices` is a tuple of integer or Boolean tensors, which are broadcast together; `values` has `input`'s
    dtype and a shape that broadcasts to that of `input[indices]`. With `accumulate`, values are added
    instead.

    Raises IndexError for an index outside its dimension or of another dtype, RuntimeError where shapes or
    dtypes do not fit.

    Example:
        >>> x = pb.zeros(3)
        >>> pb.index_put(x, (pb.tensor([0, 2, 2]),), pb.tensor([1., 2., 3.]), accumulate=True)
        tensor([1., 0., 5.])

    In place:
        >>> pb.zeros(3).index_put_((pb.tensor([0, 2]),), pb.tensor([1., 2.]))
        tensor([1., 0., 2.])
    """


FUNCTIONS["index_put_"] = METHODS["index_put_"]


# ---- element by element along one dimension ----


@operator(out="exact", ignores="sparse_grad")
def gather(input, dim, index, *, sparse_grad=False, out=None):
    """The elements of `input` that `index` names along `dim`: out[i, j] = input[index[i, j], j] for dim 0.

    `index` (int64 or int32) has as many dimensions as `input` and is no larger than it apart from `dim`; the
    result has its shape. `sparse_grad` is accepted and ignored: gradients are dense.

    Raises RuntimeError for an index outside [0, input.size(dim)), negative ones included, and for other
    dtypes.

    Example:
        >>> pb.gather(pb.tensor([[1., 2.], [3., 4.]]), 1, pb.tensor([[0, 0], [1, 0]]))
        tensor([[1., 1.],
                [4., 3.]])
    """


@operator(out="exact", in_place=True)
def scatter(input, dim, index, src=None, value=None, *, reduce=None, out=None):
    """A copy of `input` with src[i, j] written at [index[i, j], j] (for dim 0), or a number in its place.

    `index` (int64 or int32) is no larger than `src`, and no larger than `input` apart from `dim`; `src` has
    `input`'s dtype. `reduce="add"` adds and `reduce="multiply"` multiplies instead; both are differentiable
    here.

    Raises RuntimeError for an index outside [0, input.size(dim)) and where shapes or dtypes do not fit.

    Example:
        >>> pb.scatter(pb.zeros(2, 3), 1, pb.tensor([[2], [0]]), 1.5)
        tensor([[0.0000, 0.0000, 1.5000],
                [1.5000, 0.0000, 0.0000]])

    In place:
        >>> pb.zeros(3).scatter_(0, pb.tensor([2, 0]), pb.tensor([1., 2.]))
        tensor([2., 0., 1.])
    """


@operator(out="exact", in_place=True)
def scatter_add(input, dim, index, src, *, out=None):
    """A copy of `input` with src[i, j] added at [index[i, j], j] (for dim 0), in the order of the index.

    Shapes, dtypes and errors are those of `scatter`.

    Raises RuntimeError for an index out of range.

    Example:
        >>> pb.scatter_add(pb.zeros(3), 0, pb.tensor([0, 1, 0]), pb.tensor([1., 2., 3.]))
        tensor([4., 2., 0.])

    In place:
        >>> pb.zeros(3).scatter_add_(0, pb.tensor([0, 1, 0]), pb.tensor([1., 2., 3.]))
        tensor([4., 2., 0.])
    """


@operator(out="exact", in_place=True)
def scatter_reduce(input, dim, index, src, reduce, *, include_self=True, out=None):
    """A copy of `input` whose elements are combined with the values of `src` that `index` sends to them.

    `reduce` is "sum", "prod", "mean", "amax" or "amin". With include_self=False the elements that receive
    values forget their own. Elements that receive none stay. Extremes share their gradient evenly among ties;
    products are differentiated without dividing, so that derivatives of every order are right at zeros.

    Shapes, dtypes and errors are those of `scatter`.

    Raises RuntimeError for an index out of range and for another `reduce`.

    Example:
        >>> x, src, index = pb.ones(2), pb.tensor([2., 0., 3.]), pb.tensor([0, 1, 0])
        >>> pb.scatter_reduce(x, 0, index, src, "prod")
        tensor([6., 0.])
        >>> pb.scatter_reduce(x, 0, index, src, "mean", include_self=False)
        tensor([2.5000, 0.0000])

    In place:
        >>> pb.ones(2).scatter_reduce_(0, pb.tensor([0, 1, 0]), pb.tensor([2., 0., 3.]), "prod")
        tensor([6., 0.])
    """


@operator(out="exact")
def take_along_dim(input, indices, dim=None, *, out=None):
    """`gather`, with all dimensions but `dim` broadcast; without `dim`, of the flattened input.

    `indices` are int64 or int32; along `dim`, negative ones count from the end. Raises RuntimeError for an index out of
    range and for another dtype, IndexError for a `dim` of a tensor that has none.

    Example:
        >>> x = pb.tensor([[30., 10., 20.]])
        >>> pb.take_along_dim(x, pb.tensor([[1, 2, 0]]), dim=1)
        tensor([[10., 20., 30.]])
    """


# ---- whole slices of one dimension ----


@operator(out="exact")
def index_select(input, dim, index, *, out=None):
    """The slices of `input` along `dim` that `index`, a vector of int64 or int32, lists.

    Raises IndexError for an index beyond the size, RuntimeError for a negative one or another dtype.

    Example:
        >>> pb.index_select(pb.tensor([[1., 2.], [3., 4.]]), 1, pb.tensor([1, 1, 0]))
        tensor([[2., 2., 1.],
                [4., 4., 3.]])
    """


@operator(out="exact", in_place=True)
def index_add(input, dim, index, source, *, alpha=1, out=None):
    """A copy of `input` with the slices of `alpha * source` along `dim` added to those that `index` lists.

    Raises RuntimeError for an index outside [0, input.size(dim)) and where shapes or dtypes do not fit.

    Example:
        >>> pb.index_add(pb.zeros(3), 0, pb.tensor([2, 2]), pb.tensor([1., 10.]), alpha=2)
        tensor([ 0.,  0., 22.])

    In place:
        >>> pb.zeros(3).index_add_(0, pb.tensor([0, 2]), pb.tensor([1., 2.]), alpha=10)
        tensor([10.,  0., 20.])
    """


@operator(out="exact", in_place=True)
def index_copy(input, dim, index, source, *, out=None):
    """A copy of `input` with the slices of `source` along `dim` in place of those that `index` (int64) lists.

    Raises IndexError for an index outside [0, input.size(dim)) or a wrong number of slices, RuntimeError
    where shapes or dtypes do not fit.

    Example:
        >>> pb.index_copy(pb.zeros(3), 0, pb.tensor([2, 0]), pb.tensor([1., 10.]))
        tensor([10.,  0.,  1.])

    In place:
        >>> pb.zeros(3).index_copy_(0, pb.tensor([2, 0]), pb.tensor([1., 2.]))
        tensor([2., 0., 1.])
    """


@operator(in_place=True)
def index_fill(input, dim, index, value):
    """A copy of `input` with `value`, a number or a 0-d tensor, in the slices along `dim` that `index` lists.

    `index` is int64. Raises IndexError for one outside the dimension; negative ones count from its end.

    Example:
        >>> pb.index_fill(pb.zeros(3), 0, pb.tensor([-1, 0]), 7)
        tensor([7., 0., 7.])

    In place:
        >>> pb.zeros(3).index_fill_(0, pb.tensor([0, 2]), 7)
        tensor([7., 0., 7.])
    """


# ---- masks ----


@operator(in_place=True)
def masked_fill(input, mask, value):
    """A copy of `input` with `value` (a number or a 0-d tensor) where the Boolean `mask` is true.

    Both are broadcast; in place the mask is. The value is converted to `input`'s dtype.

    Raises RuntimeError for a mask that is not bool or does not broadcast, and for a value that is no number or
    scalar.

    Example:
        >>> x = pb.tensor([1., -2., 3.])
        >>> x.masked_fill(x < 0, 0)
        tensor([1., 0., 3.])

    In place:
        >>> pb.zeros(3).masked_fill_(pb.tensor([True, False, True]), 7)
        tensor([7., 0., 7.])
    """


@operator(out="exact")
def masked_select(input, mask, *, out=None):
    """The elements of `input` where the Boolean `mask` is true, as a vector; both are broadcast.

    A vector. Raises RuntimeError for a mask that is not bool, or does not broadcast with `input`.

    Example:
        >>> x = pb.tensor([[1., -2.], [-3., 4.]])
        >>> x.masked_select(x > 0)
        tensor([1., 4.])
    """


@operator(in_place=True)
def masked_scatter(input, mask, source):
    """A copy of `input` with the elements of `source`, in order, where the Boolean `mask` is true.

    Raises RuntimeError if `source` has fewer elements than the mask is true for, or another dtype.

    Example:
        >>> x = pb.tensor([1., -2., 3., -4.])
        >>> x.masked_scatter(x < 0, pb.tensor([10., 20., 30.]))
        tensor([ 1., 10.,  3., 20.])

    In place:
        >>> pb.zeros(3).masked_scatter_(pb.tensor([True, False, True]), pb.tensor([1., 2.]))
        tensor([1., 0., 2.])
    """


# ---- the tensor as a row ----


@operator(out="exact")
def take(input, index, *, out=None):
    """The elements of `input`, read as one row, that `index` (int64, any shape) lists.

    Raises IndexError for an index outside [-n, n), n the number of elements.

    Example:
        >>> pb.take(pb.tensor([[1., 2.], [3., 4.]]), pb.tensor([0, -1]))
        tensor([1., 4.])
    """


@operator(in_place=True)
def put(input, index, source, accumulate=False):
    """A copy of `input` with the elements of `source` at the positions `index` of `input` read as one row.

    Raises IndexError for an index out of range, RuntimeError for an index that is not int64, and for a `source` of
    another dtype.

    Example:
        >>> pb.put(pb.zeros(2, 2), pb.tensor([1, 2]), pb.tensor([5., 6.]))
        tensor([[0., 5.],
                [6., 0.]])

    In place:
        >>> pb.zeros(3).put_(pb.tensor([0, 2]), pb.tensor([1., 2.]))
        tensor([1., 0., 2.])
    """


# ---- positions ----


@operator(out="exact")
def nonzero(input, *, as_tuple=False, out=None):
    """The positions of the elements that are not zero: one row an element, or one index tensor a dimension.

    Example:
        >>> x = pb.tensor([[0., 5.], [6., 0.]])
        >>> pb.nonzero(x)
        tensor([[0, 1],
                [1, 0]])
        >>> x[pb.nonzero(x, as_tuple=True)]
        tensor([5., 6.])
    """


@composed
def argwhere(input):
    """`nonzero(input)`: one row for each element that is not zero.

    Example:
        >>> pb.argwhere(pb.tensor([0, 7, 8]))
        tensor([[1],
                [2]])
    """
    return nonzero(input)


@operator(method=False, core="where_or_positions")
def where(condition, input=NotImplemented, other=NotImplemented):
    """`input` where the Boolean condition holds, `other` elsewhere; all broadcast, numbers welcome.

    The branch that is not taken receives an exact zero, and a zero gradient stays zero: a pole or a NaN in it
    does no harm. With a condition alone: the positions where it is not zero, `nonzero(condition,
    as_tuple=True)`.

    Raises RuntimeError for a condition that is not bool, and for shapes that do not broadcast; TypeError for None.

    Example:
        >>> x = pb.tensor([-1., 4.])
        >>> pb.where(x > 0, x.sqrt(), 0)
        tensor([0., 2.])
        >>> pb.where(x > 0)
        (tensor([1]),)
    """


@operator(name="where", public=False, core="where_method")
def _where_method(input, condition, other):
    """`input` where the Boolean condition holds, `other` elsewhere: `pb.where(condition, input, other)`.

    Raises RuntimeError for a condition that is not bool, and for shapes that do not broadcast.

    Example:
        >>> x = pb.tensor([-1., 4.])
        >>> x.where(x > 0, 0)
        tensor([0., 4.])
    """
