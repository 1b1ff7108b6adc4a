"""How long it takes until a trial succeeds."""

from .. import empty, finfo, no_grad, where, zeros_like
from ..messages.missing import missing
from ..nn.functional import binary_cross_entropy_with_logits
from . import constraints
from ._chances import Chances
from .distribution import Distribution, holds
from .utils import broadcast_all

__all__ = ["Geometric"]


class Geometric(Chances, Distribution):
    """How many trials fail before the first success, whose probability is `probs`, or its log-odds `logits`.

    Raises ValueError for both or neither of them, and for probabilities outside of (0, 1].

    Example:
        >>> waiting = pb.distributions.Geometric(0.5)
        >>> waiting.log_prob(pb.tensor([0.0, 1.0])).exp(), waiting.mean
        (tensor([0.5000, 0.2500]), tensor(1.))
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._begin_chances(probs, logits, validate_args)
        if self._validate_args and probs is not None and not holds(self.probs > 0):
            invalid = self.probs.detach()[~(self.probs > 0)]
            raise ValueError(
                f"Expected parameter probs ({type(self.probs).__name__} of shape {tuple(self.probs.shape)}) of "
                f"distribution {self!r} to be positive but found invalid values:\n{invalid}"
            )

    def expand(self, batch_shape, _instance=None):
        return self._expanded(Geometric, batch_shape, _instance)

    @property
    def mean(self):
        return 1 / self.probs - 1

    @property
    def mode(self):
        return zeros_like(self.probs)

    @property
    def variance(self):
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape=()):
        shape, dtype = self._extended_shape(sample_shape), self.probs.dtype
        with no_grad():
            u = empty(shape, dtype=dtype).uniform_(finfo(dtype).tiny, 1)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        # Nothing fails where success is certain: 0 times infinity.
        failing = where((probs == 1) & (value == 0), 0.0, probs)
        return value * (-failing).log1p() + self.probs.log()

    def cdf(self, value):
        """The probability of draws up to `value`. PyTorch has none.

        Example:
            >>> pb.distributions.Geometric(0.5).cdf(pb.tensor([0.0, 1.0]))
            tensor([0.5000, 0.7500])
        """
        if self._validate_args:
            self._validate_sample(value)
        return -((value.floor() + 1) * (-self.probs).log1p()).expm1()

    def entropy(self):
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs


def __getattr__(name):
    raise missing(__name__, name)
