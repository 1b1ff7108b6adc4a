"""How near vectors are: cosines and distances, and the losses that are made of them."""

from .. import _core
from ..operators.declare import composed
from ..operators.rearranging import triu_indices
from ..operators.views import broadcast_tensors
from .reduction import reduced, reduction_of

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "margin_ranking_loss",
    "normalize",
    "pairwise_distance",
    "pdist",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


@composed(public=False, method=False)
def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """`input` over its p-norm along `dim`, or over `eps` where that is larger.

    Shape and dtype stay. Raises IndexError for a `dim` out of range, NotImplementedError for integers.

    Example:
        >>> pb.nn.functional.normalize(pb.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    return input / input.norm(p, dim, keepdim=True).clamp_min(eps)


@composed(public=False, method=False)
def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """The cosine of the angle between the vectors of `x1` and `x2` along `dim`; a length counts as not below `eps`.

    Shape: what the operands broadcast to, without `dim`. Dtype: the common dtype.
    Derivative: in both, of every order.

    Raises:
        RuntimeError: shapes that do not broadcast; a common dtype of integers.
        IndexError: a `dim` out of range.

    Example:
        >>> a, b = pb.tensor([[1.0, 0.0], [1.0, 1.0]]), pb.tensor([[2.0, 0.0], [0.0, 2.0]])
        >>> pb.cosine_similarity(a, b)
        tensor([1.0000, 0.7071])
    """
    common = x1.new_empty(0).dtype if x1.dtype == x2.dtype else (x1.new_empty(0) + x2.new_empty(0)).dtype
    if not common.is_floating_point:
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {common._legacy_name}. Convert one of "
            "them with .float()."
        )
    given = broadcast_tensors(x1.to(common), x2.to(common))
    a, b = [x / x.norm(2, dim, keepdim=True).clamp_min(eps) for x in given]
    return (a * b).sum(dim)


@composed(public=False, method=False, node="NormBackward1")
def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """The p-norm of x1 - x2 + eps along the last dimension.

    Shape: what the operands broadcast to, without the last dimension, or with 1 there (`keepdim`).
    Dtype: the common dtype. Derivative: in both, of every order; `eps` keeps it away from the norm's tip.
    Raises RuntimeError for shapes that do not broadcast.

    Example:
        >>> pb.pairwise_distance(pb.tensor([[0.0, 0.0]]), pb.tensor([[3.0, 4.0]]))
        tensor([5.0000])
    """
    return (x1 - x2 + eps).norm(p, -1, keepdim)


@composed(public=False, method=False, node="PdistBackward0")
def pdist(input, p=2.0):
    """The p-norm distances between all pairs of rows i < j of a matrix, pair by pair: (0, 1), (0, 2), ... (1, 2), ...

    Shape: (N, M) to (N * (N - 1) / 2). The slope is 0 between equal rows.

    Raises:
        RuntimeError: not two dimensions, or a negative `p`.

    Example:
        >>> pb.pdist(pb.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
        tensor([5.0000, 1.0000, 4.2426])
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError(f"pdist only supports non-negative p values. It is {p}.")
    first, second = triu_indices(input.shape[0], input.shape[0], 1)
    if p in (1, 2) and input.dtype in (_core.float32, _core.float64):
        from ..linear_algebra.distances import distances

        return distances(input, input, p)[first, second]
    apart = input[first] - input[second]
    return apart.norm(p if apart.shape[1] else 2, 1)  # of no columns every norm is 0


@composed(public=False, method=False)
def cosine_embedding_loss(
    input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"
):
    """1 - cos where `target` is 1, max(0, cos - margin) where it is -1: cos is that of two vectors.

    Vectors have shape (N, D) and targets (N), or (D) and (). Shape: 0-d, or that of `target` with reduction="none".
    Raises RuntimeError for shapes that do not fit, ValueError for an unknown `reduction`.

    Example:
        >>> a, b = pb.tensor([[1.0, 0.0], [1.0, 0.0]]), pb.tensor([[1.0, 1.0], [1.0, 1.0]])
        >>> pb.nn.functional.cosine_embedding_loss(a, b, pb.tensor([1, -1]), reduction="none")
        tensor([0.2929, 0.7071])
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if target.ndim not in (0, 1):
        raise RuntimeError(
            f"0D or 1D target tensor expected, multi-target not supported. The target has {list(target.shape)}."
        )
    if input1.ndim != target.ndim + 1 or input2.ndim != target.ndim + 1:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}. Each vector has one target."
        )
    # PyTorch's way: a small number is added to the squares, so that vectors of zeros have a slope.
    dots, squares = (input1 * input2).sum(-1), [(x * x).sum(-1) + 1e-12 for x in (input1, input2)]
    cosine = dots / (squares[0] * squares[1]).sqrt()
    near = (1 - cosine).where(target == 1, 0.0)
    far = (cosine - margin).clamp(min=0).where(target == -1, 0.0)
    return reduced(near + far, reduction)


@composed(public=False, method=False)
def margin_ranking_loss(input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"):
    """max(0, -target * (input1 - input2) + margin): `target` is 1 where the first should be larger, -1 where the second.

    All have one number of dimensions. Shape: 0-d, or what they broadcast to with reduction="none".
    Raises RuntimeError for different numbers of dimensions, ValueError for an unknown `reduction`.

    Example:
        >>> a, b = pb.tensor([2.0, 2.0]), pb.tensor([1.0, 1.0])
        >>> pb.nn.functional.margin_ranking_loss(a, b, pb.tensor([1.0, -1.0]), reduction="none")
        tensor([0., 1.])
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


@composed(public=False, method=False)
def triplet_margin_loss(
    anchor,
    positive,
    negative,
    margin=1.0,
    p=2.0,
    eps=1e-06,
    swap=False,
    size_average=None,
    reduce=None,
    reduction="mean",
):
    """max(0, distance to the positive - distance to the negative + margin), by `pairwise_distance` with `p` and `eps`.

    Vectors lie along the last dimension. With `swap` the negative's distance is the smaller one of those to the anchor
    and to the positive (Balntas et al. 2016). Shape: 0-d, or that of the distances with reduction="none".
    Raises RuntimeError for different numbers of dimensions, ValueError for a `margin` that is not positive and an unknown
    `reduction`.

    Example:
        >>> a, p, n = pb.tensor([[0.0, 0.0]]), pb.tensor([[1.0, 0.0]]), pb.tensor([[0.0, 1.5]])
        >>> pb.nn.functional.triplet_margin_loss(a, p, n)
        tensor(0.5000)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    distance = lambda a, b: pairwise_distance(a, b, p, eps)
    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


@composed(public=False, method=False, kinds={"swap": " "})
def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    """`triplet_margin_loss` with another distance: a function of two tensors, `pairwise_distance` if none is given.

    Shape: 0-d, or that of the distances with reduction="none".
    Raises RuntimeError for different numbers of dimensions, ValueError for a `margin` that is not positive and an unknown
    `reduction`.

    Example:
        >>> a, p, n = pb.tensor([[0.0, 0.0]]), pb.tensor([[1.0, 0.0]]), pb.tensor([[0.0, 1.5]])
        >>> distance = lambda a, b: (a - b).abs().amax(-1)
        >>> pb.nn.functional.triplet_margin_with_distance_loss(a, p, n, distance_function=distance)
        tensor(0.5000)
    """
    reduction = reduction_of(reduction)
    return _triplet(
        anchor, positive, negative, distance_function or pairwise_distance, margin, swap, reduction
    )


def _triplet(anchor, positive, negative, distance, margin, swap, reduction):
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    far = distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced((margin + distance(anchor, positive) - far).clamp_min(0), reduction)
