"""The older form of `LocalResponseNorm`."""

from ...operators.creation import arange
from .module import Module

__all__ = ["CrossMapLRN2d"]


class CrossMapLRN2d(Module):
    """input / (k + alpha / size * sum of squares)**beta, of the channels around each one; (N, C, H, W).

    Its sums are PyTorch's: (size + 1) // 2 - 1 channels before and behind, and always the first one, which its running sum never
    lets go of. `LocalResponseNorm` has `size` channels. The derivative, of every order, is that of these values, where
    PyTorch's is that of other sums.

    Raises ValueError for other than four dimensions.

    Example:
        >>> pb.nn.CrossMapLRN2d(1, alpha=1.0, beta=1.0)(pb.ones(1, 3, 1, 1)).flatten()
        tensor([0.5000, 0.3333, 0.3333])
    """

    def __init__(self, size, alpha=0.0001, beta=0.75, k=1):
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input):
        if input.ndim != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.ndim}D instead.")
        reach = int((self.size - 1) / 2 + 1)
        channel = arange(input.shape[1])
        summed = ((channel[:, None] - channel).abs() < reach) | (channel == 0)
        sums = (summed.to(input.dtype) @ input.square().flatten(2)).reshape(input.shape)
        return input * (sums * (self.alpha / self.size) + self.k) ** -self.beta

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
