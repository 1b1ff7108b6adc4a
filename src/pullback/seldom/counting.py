"""Histograms, differences by finite steps, and reductions by index."""

import math

from .. import _core
from ..operators.declare import FUNCTIONS, METHODS, callable_of, composed, dimension, dimensions

Tensor = _core.Tensor
numbers_to = range  # `range` is a parameter of histograms
cat, linspace, bucketize, bincount = (FUNCTIONS[n] for n in ("cat", "linspace", "bucketize", "bincount"))


def _limits(dimension, column, given):
    """Where equal bins begin and end."""
    if given is not None:
        low, high = (float(v) for v in given)
        if not low <= high or not math.isfinite(low) or not math.isfinite(high):
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {dimension}"
            )
    elif column.numel() == 0:
        low, high = 0.0, 1.0
    else:
        low, high = (float(v) for v in (column.min(), column.max()))
        if not math.isfinite(low) or not math.isfinite(high):
            raise RuntimeError(
                f"torch.histogramdd: dimension {dimension}'s range [{low}, {high}] is not finite. Give a range, or leave out "
                "what is not finite."
            )
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def _edges(dimension, column, bins, limits):
    if isinstance(bins, Tensor):
        if bins.dtype != column.dtype:
            raise RuntimeError(
                f"torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{column.dtype._legacy_name} and bins with dtype {bins.dtype._legacy_name}"
            )
        return bins.detach().clone()
    if bins < 1:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {dimension}")
    low, high = _limits(dimension, column, limits)
    return linspace(low, high, bins + 1, dtype=column.dtype)


def _count(points, edges, weight, density):
    """How much weight falls into each cell of the product of edges. The last bin has both of its ends."""
    shape = [max(len(each) - 1, 0) for each in edges]
    place = inside = None
    for column, each, size in zip(points.unbind(1), edges, shape):
        at = bucketize(column, each, right=True) - 1
        at = at.where(column != each[-1], size - 1)
        here = (at >= 0) & (at < size)
        at = at.clamp(0, max(size - 1, 0))
        place = at if place is None else place * size + at
        inside = here if inside is None else inside & here
    weight = points.new_ones(len(points)) if weight is None else weight.detach().reshape(-1)
    weight = weight.where(inside, 0)
    total = points.new_zeros(math.prod(shape)).index_add(0, place, weight).reshape(shape)
    if density:
        volume = points.new_ones([])
        for k, each in enumerate(edges):
            volume = volume * each.diff().reshape([-1 if d == k else 1 for d in range(len(edges))])
        total = total / total.sum() / volume
    return total


def _check(operation, input, weight):
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{input.dtype._legacy_name}'")
    if weight is not None and weight.dtype != input.dtype:
        raise RuntimeError(
            f"torch.{operation}: if weight tensor is provided, input tensor and weight tensor should have the same dtype, but "
            f"got input({input.dtype._legacy_name}), and weight({weight.dtype._legacy_name})"
        )


@composed(out="exact", returns=("hist", "bin_edges"), kinds={"bins": "i"})
def histogram(input, bins, *, range=None, weight=None, density=False, out=None):
    """(hist, bin_edges): how many elements of `input` fall into each bin, and where bins begin and end.

    `bins` is a number of equal bins, or a sorted tensor of edges. `range` is where the first begins and the last ends:
    without it, the least and the largest element. An element on an edge counts above it; the last bin has both ends.
    With a `weight` for each element, weights are added up; with `density` the integral over all bins is 1.
    No derivative.

    Raises NotImplementedError for integers, RuntimeError for other dtypes of bins or weights, a number of bins below 1, a
    range that is none, and elements that are not finite without a range.

    Example:
        >>> pb.histogram(pb.tensor([1.0, 2.0, 1.0]), 4, range=(0.0, 3.0))
        pullback.return_types.histogram(
        hist=tensor([0., 2., 1., 0.]),
        bin_edges=tensor([0.0000, 0.7500, 1.5000, 2.2500, 3.0000]))
    """
    _check("histogram", input, weight)
    column = input.detach().reshape(-1)
    edges = _edges(0, column, bins, range)
    return _count(column[:, None], [edges], weight, density), edges


@composed(method=False, returns=("hist", "bin_edges"), kinds={"bins": "n"})
def histogramdd(input, bins, *, range=None, weight=None, density=False):
    """(hist, bin_edges): how many rows of `input`, points in D dimensions, fall into each cell of a grid.

    Args:
        input: [..., D].
        bins: for each dimension a number of equal bins or a tensor of edges; one number for all.
        range: 2 D numbers, where the bins of each dimension begin and end.
        weight: [...], of the dtype of `input`.
        density: whether the integral over all cells is 1.

    Shapes: a dimension for each of D, and a tuple of D edges. Errors are those of `histogram`.
    Raises RuntimeError for another number of bins or of limits than of dimensions, too.

    Example:
        >>> hist, edges = pb.histogramdd(pb.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]), [2, 2])
        >>> hist
        tensor([[0., 1.],
                [1., 1.]])
    """
    _check("histogramdd", input, weight)
    if input.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    points = input.detach().reshape(-1, input.shape[-1])
    count = points.shape[1]
    bins = [bins] * count if isinstance(bins, int) else [*bins]
    if len(bins) != count:
        raise RuntimeError(
            "histogramdd: The size of bins must be equal to the innermost dimension of the input. There are "
            f"{len(bins)} bins for points in {count} dimensions."
        )
    if range is not None and len(range) != 2 * count:
        raise RuntimeError(
            f"torch.histogramdd: for a {count}-dimensional histogram range should have {2 * count} elements, but got {len(range)}"
        )
    edges = [
        _edges(k, column, bin, None if range is None else range[2 * k : 2 * k + 2])
        for k, (column, bin) in enumerate(zip(points.unbind(1), bins))
    ]
    return _count(points, edges, weight, density), tuple(edges)


# ---- differences ------------------------------------------------------------------------------------------------------


def _along(values, dim, spacing, edge_order):
    """Second-order central differences inside (also of unequal steps), one-sided ones of the given order at the ends."""
    n = values.shape[dim]
    part = lambda start, length: values.narrow(dim, start, length)
    if isinstance(spacing, Tensor):
        shape = [-1 if d == dim else 1 for d in numbers_to(values.ndim)]
        step = spacing.diff().to(values.dtype).reshape(shape)
    else:
        step = values.new_full([n - 1 if d == dim else 1 for d in numbers_to(values.ndim)], spacing)
    before, after = step.narrow(dim, 0, n - 2), step.narrow(dim, 1, n - 2)
    if isinstance(spacing, Tensor):
        inside = (
            -after / (before * (before + after)) * part(0, n - 2)
            + (after - before) / (before * after) * part(1, n - 2)
            + before / (after * (before + after)) * part(2, n - 2)
        )
    else:  # of equal steps the sample between has no part, be it infinite
        inside = (part(2, n - 2) - part(0, n - 2)) / (before + after)
    ends = []
    for at, sign in ((0, 1), (n - 1, -1)):
        first = part(at, 1)
        one = step.narrow(dim, 0 if sign > 0 else n - 2, 1)
        next = part(at + sign, 1)
        if edge_order == 1:
            ends.append(sign * (next - first) / one)
            continue
        two = step.narrow(dim, 1 if sign > 0 else n - 3, 1)
        third = part(at + 2 * sign, 1)
        ends.append(
            sign
            * (
                -(2 * one + two) / (one * (one + two)) * first
                + (one + two) / (one * two) * next
                - one / (two * (one + two)) * third
            )
        )
    return cat([ends[0], inside, ends[1]], dim)


@composed(method=False)
def gradient(input, *, spacing=1, dim=None, edge_order=1):
    """The slopes of sampled values along each dimension, by finite differences: a tuple of tensors.

    Inside, differences of second order, also where steps are not equal; at the ends one-sided ones, of order `edge_order`.

    Args:
        input: values at the points of a grid.
        spacing: one step for all, a list of steps, or a list of tensors: the coordinates along each dimension.
        dim: an int or a list of ints; all dimensions without it.
        edge_order: 1 or 2.

    Dtype: that of `input`, integers made the default floating dtype. Derivative: in `input`, which is linear.

    Raises RuntimeError for another edge_order, a dimension of too few samples, another number of spacings than of
    dimensions, IndexError for a `dim` out of range.

    Example:
        >>> pb.gradient(pb.tensor([1.0, 4.0, 9.0, 16.0]), spacing=2.0)
        (tensor([1.5000, 2.0000, 3.0000, 3.5000]),)
    """
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    if not input.dtype.is_floating_point and not input.dtype.is_complex:
        input = input.to(_core.get_default_dtype())
    dims = numbers_to(input.ndim) if dim is None else dimensions(dim)
    dims = [dimension(input, d) for d in dims]
    if len(set(dims)) < len(dims):
        raise RuntimeError(f"dim {dims} appears multiple times in the list of dims")
    several = isinstance(spacing, (list, tuple))
    spacings = [*spacing] if several else [spacing] * len(dims)
    if len(spacings) != len(dims):
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar or it's length to be equal to 'dim'. There are "
            f"{len(dims)} dimensions, and {len(spacings)} spacings."
        )
    found = []
    for d, each in zip(dims, spacings):
        if input.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
        if isinstance(each, Tensor) and each.ndim and each.shape != (input.shape[d],):
            raise RuntimeError(
                "torch.gradient expected each element of 'coordinates' to have as many elements as the dimension has samples: "
                f"{input.shape[d]}, and not {list(each.shape)}."
            )
        found.append(
            _along(input, d, each if isinstance(each, Tensor) and each.ndim else float(each), edge_order)
        )
    return tuple(found)


# ---- by index -----------------------------------------------------------------------------------------------------------


@composed(out="exact", kinds={"index": "T"})
def index_reduce(input, dim, index, source, reduce, *, include_self=True, out=None):
    """A copy of `input` whose slices along `dim` are combined with those of `source` that `index` sends to them.

    `reduce` is "prod", "mean", "amax" or "amin". With include_self=False slices that receive others forget their own.
    Derivative: in `input` and `source`, that of `scatter_reduce`.

    Args:
        input: any shape.
        index: int64 or int32, a place in `dim` for each slice of `source`.
        source: the shape of `input`, but for `dim`.

    Raises RuntimeError for another `reduce` and for shapes that do not fit, IndexError for a `dim` or an index out of range.

    Example:
        >>> pb.index_reduce(pb.ones(3), 0, pb.tensor([0, 0]), pb.tensor([2.0, 3.0]), "prod")
        tensor([6., 1., 1.])
    """
    return _scattered("scatter_reduce", input, dim, index, source, reduce, include_self)


def _scattered(name, input, dim, index, source, reduce, include_self):
    """By `scatter_reduce`, which has a place for every element, not for every slice."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}."
        )
    if index.dtype.is_floating_point or index.dtype.is_complex:
        raise RuntimeError(
            f"index_reduce_(): Expected dtype int32/int64 for index but got: {index.dtype._legacy_name}"
        )
    if index.ndim > 1:
        raise RuntimeError(f"index_reduce_(): Index is supposed to be a vector, but got dim: {index.ndim}")
    if not input.ndim:
        places, source, at = index.long().reshape([]), source.reshape([]), dim
    else:
        at = dimension(input, dim)
        if source.ndim != input.ndim or any(
            n != m for d, (n, m) in enumerate(zip(source.shape, input.shape)) if d != at
        ):
            raise RuntimeError(
                "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
                f"{list(input.shape)} source.shape = {list(source.shape)}"
            )
        if source.shape[at] != index.numel():
            raise RuntimeError(
                f"index_reduce_(): Number of indices ({index.numel()}) should be equal to source.size(dim): "
                f"({source.shape[at]}), for dim: {at}"
            )
        if not source.numel():  # which the scatter does not look at
            input.new_zeros(input.shape[at]).index_select(0, index.long())
        places = index.long().reshape([-1 if d == at else 1 for d in numbers_to(input.ndim)])
        places = places.expand(source.shape)
    try:
        return METHODS[name](input, at, places, source, reduce, include_self=include_self)
    except RuntimeError as error:
        if "out of bounds" not in str(error):
            raise
        raise IndexError(f"index out of range in self. {error}") from None


def _index_reduce_in_place(self, dim, index, source, reduce, *, include_self=True):
    """In-place form of `index_reduce`: the tensor takes the result, and is returned.

    Errors are those of `index_reduce`. Raises RuntimeError for a leaf that requires grad, too.

    Example:
        >>> pb.ones(3).index_reduce_(0, pb.tensor([0, 0]), pb.tensor([2.0, 3.0]), "amax")
        tensor([3., 1., 1.])
    """
    _core.check_captured(self, "index_reduce_")
    return _scattered("scatter_reduce_", self, dim, index, source, reduce, include_self)


METHODS["index_reduce_"] = callable_of(_index_reduce_in_place, "index_reduce_", kinds={"index": "T"})
