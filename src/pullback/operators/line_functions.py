"""Functions of whole rows with derivatives of their own: layer normalisation, cross entropy."""

from .declare import operator


@operator(method=False, ignores="cudnn_enable")
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05, cudnn_enable=True):
    """Each element less the mean of its row, over the row's standard deviation; then times weight, plus bias.

    A row is the last dimensions, which must have the sizes `normalized_shape`; `weight` and `bias` have that shape too.
    The variance is the mean of squares, with `eps` added before the root. `cudnn_enable` is accepted and ignored.
    Raises RuntimeError for shapes that do not fit, NotImplementedError for integers.

    Source: Ba, Kiros, Hinton, Layer Normalization, 2016.

    Example:
        >>> pb.layer_norm(pb.tensor([[1.0, 2.0, 3.0]]), (3,))
        tensor([[-1.2247,  0.0000,  1.2247]])
    """


@operator(method=False, public=False)
def cross_entropy_of_indices(input, target, reduction, ignore_index):
    """The loss of `nn.functional.cross_entropy` for logits (rows, classes) and class indices (rows)."""
