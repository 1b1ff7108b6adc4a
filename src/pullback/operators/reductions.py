"""Reductions: sums, means, extremes, spreads, norms, softmax.

Sums follow one tree over the logical order of the elements (pairwise summation: the error grows with the
logarithm of their number), so that a result does not depend on strides. Every derivative exists to every
order, at ties and zeros too.
"""

from .declare import operator


@operator(out="own")
def sum(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """The sum over `dim` (an int or a tuple of ints), or over everything.

    The result has the input's shape without the summed dimensions, which stay with size 1 if `keepdim`.
    Integers and bool are summed as int64; `dtype` converts before summing. Raises IndexError for a dimension
    that does not exist, RuntimeError for one given twice.

    Example:
        >>> x = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x.sum(), x.sum(0)
        (tensor(10.), tensor([4., 6.]))
    """


@operator(out="own")
def nansum(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """The sum over `dim`, or over everything, with NaN counting as zero (and receiving a gradient of zero).

    Floating dtypes stay, integers and bool add as int64; `dtype` converts before. Raises IndexError for a `dim` out
    of range.

    Example:
        >>> pb.nansum(pb.tensor([1.0, float("nan"), 2.0]))
        tensor(3.)
    """


@operator
def mean(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """The mean over `dim` (an int or a tuple of ints), or over everything; NaN of no elements.

    Raises RuntimeError for integers, unless `dtype` says which floating type to convert to.

    Example:
        >>> pb.mean(pb.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
        tensor([1.5000, 3.5000])
    """


@operator(out="own")
def prod(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """The product over one dimension, or of everything; integers and bool multiply as int64.

    The derivative is the product of the other elements, computed without division: right at zeros, to every
    order.

    `dtype` converts before. Raises IndexError for a `dim` out of range, TypeError for several dimensions.

    Example:
        >>> x = pb.tensor([2.0, 0.0, 3.0], requires_grad=True)
        >>> x.prod().backward()
        >>> x.grad
        tensor([0., 6., 0.])
    """


@operator(out="truth")
def any(input, dim=None, keepdim=False, *, out=None):
    """Whether some element is not zero, over `dim` or everything; bool (uint8 for uint8).

    Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.any(pb.tensor([[0, 1], [0, 0]]), dim=1)
        tensor([ True, False])
    """


@operator(out="truth")
def all(input, dim=None, keepdim=False, *, out=None):
    """Whether every element is not zero, over `dim` or everything; bool (uint8 for uint8).

    Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.all(pb.tensor([[1, 1], [0, 1]]), dim=1)
        tensor([ True, False])
    """


@operator
def count_nonzero(input, dim=None):
    """How many elements are not zero, over `dim` or everything; int64.

    Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.count_nonzero(pb.tensor([[0, 1], [2, 3]]), dim=0)
        tensor([1, 2])
    """


@operator(public=False)
def sum_to_size(input, *size):
    """The sum over whatever broadcasting would repeat: from the shape of `input` to `size`, which broadcasts to it.

    It undoes broadcasting. A tensor of that size is returned as it is; integers and bool are summed as int64. Raises
    RuntimeError for a `size` that does not broadcast to the shape of `input`.

    Example:
        >>> x = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x.sum_to_size(2), x.sum_to_size(2, 1)
        (tensor([4., 6.]), tensor([[3.],
                [7.]]))
    """


@operator(out="exact", returns=("values", "indices"))
def max(input, dim=None, keepdim=False, *, out=None, other=None):
    """The largest element; or values and indices along `dim`; or the elementwise maximum with another tensor.

    `max(x)` shares its gradient evenly among ties. `max(x, dim)` returns a named tuple (values, indices), and
    all of the gradient goes to the index returned, the first of ties. `max(x, y)` is `maximum(x, y)`. NaN
    wins. Raises RuntimeError or IndexError where there is no element to choose.

    Example:
        >>> pb.max(pb.tensor([[1.0, 5.0], [7.0, 3.0]]), dim=1)
        pullback.return_types.max(
        values=tensor([5., 7.]),
        indices=tensor([1, 0]))
    """


@operator(out="exact", returns=("values", "indices"))
def min(input, dim=None, keepdim=False, *, out=None, other=None):
    """The smallest element; or values and indices along `dim`; or the elementwise minimum with another
    tensor.

    Ties, NaN and errors are those of `max`.

    Example:
        >>> pb.min(pb.tensor([3.0, 1.0, 2.0]))
        tensor(1.)
    """


@operator(out="exact")
def amax(input, dim=(), keepdim=False, *, out=None):
    """The largest elements over `dim` (an int or a tuple of ints), or over everything; ties share the
    gradient.

    The dtype stays. Raises IndexError for a `dim` out of range, RuntimeError where there is no element to choose.

    Example:
        >>> pb.amax(pb.tensor([[1.0, 5.0], [7.0, 3.0]]), dim=0)
        tensor([7., 5.])
    """


@operator(out="exact")
def amin(input, dim=(), keepdim=False, *, out=None):
    """The smallest elements over `dim` (an int or a tuple of ints), or over everything; ties share the
    gradient.

    The dtype stays. Raises IndexError for a `dim` out of range, RuntimeError where there is no element to choose.

    Example:
        >>> pb.amin(pb.tensor([[1.0, 5.0], [7.0, 3.0]]), dim=0)
        tensor([1., 3.])
    """


@operator(out="exact", returns=("min", "max"))
def aminmax(input, *, dim=None, keepdim=False, out=None):
    """The smallest and the largest element, of everything or along `dim`, as a named tuple (min, max).

    The dtype stays. Raises IndexError for a `dim` out of range, RuntimeError where there is no element to choose.

    Example:
        >>> low, high = pb.aminmax(pb.tensor([3.0, 1.0, 2.0]))
        >>> low, high
        (tensor(1.), tensor(3.))
    """


@operator(out="exact")
def argmax(input, dim=None, keepdim=False, *, out=None):
    """The index of the largest element along `dim`, or in the flattened input; the first of ties; int64.

    Raises RuntimeError for bool, IndexError where there is no element.

    Example:
        >>> pb.argmax(pb.tensor([[1.0, 5.0], [7.0, 3.0]]), dim=1)
        tensor([1, 0])
    """


@operator(out="exact")
def argmin(input, dim=None, keepdim=False, *, out=None):
    """The index of the smallest element along `dim`, or in the flattened input; the first of ties; int64.

    Raises IndexError for a `dim` out of range, and where there is no element to choose.

    Example:
        >>> pb.argmin(pb.tensor([3.0, 1.0, 2.0]))
        tensor(1)
    """


@operator
def var(input, dim=None, unbiased=None, keepdim=False, *, correction=None, out=None):
    """The variance over `dim`, or of everything: squared distances from the mean, divided by n -
    `correction`.

    `correction` is 1 unless given; `unbiased=False` is `correction=0`. Warns where n <= correction. Raises
    RuntimeError for integers.

    Example:
        >>> pb.var(pb.tensor([1.0, 2.0, 3.0, 4.0]), correction=0)
        tensor(1.2500)
    """


@operator
def std(input, dim=None, unbiased=None, keepdim=False, *, correction=None, out=None):
    """The standard deviation over `dim`, or of everything: the root of `var`; derivative 0 where it is 0.

    The dtype stays; `keepdim` leaves size 1 in place of what is reduced. Raises RuntimeError for integers and bool,
    IndexError for a `dim` out of range.

    Example:
        >>> pb.std(pb.tensor([[1.0, 3.0], [2.0, 2.0]]), dim=1)
        tensor([1.4142, 0.0000])
    """


@operator(method=False)
def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """(variance, mean) over `dim`, or of everything.

    The dtype stays. Raises RuntimeError for integers and bool, IndexError for a `dim` out of range.

    Example:
        >>> pb.var_mean(pb.tensor([1.0, 2.0, 3.0]))
        (tensor(1.), tensor(2.))
    """


@operator(method=False)
def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """(standard deviation, mean) over `dim`, or of everything.

    The dtype stays. Raises RuntimeError for integers and bool, IndexError for a `dim` out of range.

    Example:
        >>> pb.std_mean(pb.tensor([1.0, 2.0, 3.0]))
        (tensor(1.), tensor(2.))
    """


@operator(out="exact")
def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    """The vector norm of order `p` ('fro' is 2) over `dim`, or of everything; 'nuc': the sum of a matrix's singular values.

    `p` may be any number, inf or -inf; 0 counts elements that are not zero. The derivative at the zero vector
    is 0, to every order. Raises RuntimeError for integers and where an extreme of no elements is asked for.

    Example:
        >>> pb.norm(pb.tensor([3.0, 4.0]))
        tensor(5.)
    """


@operator(name="linalg.vector_norm", method=False, out="exact")
def vector_norm(input, ord=2, dim=None, keepdim=False, *, dtype=None, out=None):
    """The vector norm of order `ord` over `dim`, or of everything: sum(|x| ** ord) ** (1 / ord).

    The dtype stays, or is `dtype`. Raises RuntimeError for integers and bool, and for no elements where the norm
    has no value, IndexError for a `dim` out of range.

    Example:
        >>> pb.linalg.vector_norm(pb.tensor([3.0, -4.0]), ord=1)
        tensor(7.)
    """


@operator(out="exact")
def softmax(input, dim, dtype=None, *, out=None):
    """exp(input) / sum(exp(input)) along `dim`, without overflow: the largest element is subtracted first.

    `dtype` converts before. Raises NotImplementedError for integers without it.

    Example:
        >>> pb.softmax(pb.tensor([1000.0, 1000.0]), dim=0)
        tensor([0.5000, 0.5000])
    """


@operator(out="exact")
def log_softmax(input, dim, dtype=None, *, out=None):
    """The logarithm of `softmax`, exact also where the softmax is too small for its dtype.

    Shape and dtype stay; `dtype` converts before. Raises IndexError for a `dim` out of range, NotImplementedError
    for integers and bool.

    Example:
        >>> pb.log_softmax(pb.tensor([0.0, 1000.0]), dim=0)
        tensor([-1000.,     0.])
    """


@operator
def logsumexp(input, dim, keepdim=False, *, out=None):
    """log(sum(exp(input))) over `dim` (an int or a tuple of ints), without overflow; -inf for rows of -inf.

    Floating dtypes stay, integers become the default floating dtype. Raises IndexError for a `dim` out of range.

    Example:
        >>> pb.logsumexp(pb.tensor([1000.0, 1000.0]), dim=0)
        tensor(1000.6932)
    """
