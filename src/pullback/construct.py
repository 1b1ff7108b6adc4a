"""``pb.Tensor(...)``: PyTorch's legacy constructor, for scripts that still use it.

``Tensor(2, 3)`` is uninitialised memory of that size, ``Tensor([2, 3])`` holds these numbers in the default
dtype. `pullback.tensor` is the constructor to use.
"""

from .operators.older import of_type

__all__ = ["legacy_tensor"]


def legacy_tensor(*args, device=None):
    """What ``pb.Tensor(*args)`` makes.

    Raises TypeError for data that is no sequence.

    Example:
        >>> pb.Tensor([1, 2])
        tensor([1., 2.])
        >>> pb.Tensor(2, 3).shape
        pullback.Size([2, 3])
    """
    return of_type(None, args, device)
