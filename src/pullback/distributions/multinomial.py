"""How often each of several categories is drawn."""

from .. import inf, ones_like, where
from ..messages.missing import missing
from . import constraints
from .binomial import Binomial
from .categorical import Categorical
from .one_hot_categorical import OfCategories
from .utils import broadcast_all

__all__ = ["Multinomial"]


class Multinomial(OfCategories):
    """How often each category comes in `total_count` draws, a number; `probs` and `logits` are `Categorical`'s.

    Raises NotImplementedError for a `total_count` that is no number, ValueError as `Categorical` does.

    Example:
        >>> d = pb.distributions.Multinomial(2, pb.tensor([1.0, 1.0]))
        >>> d.log_prob(pb.tensor([1.0, 1.0])).exp(), d.mean
        (tensor(0.5000), tensor([1., 1.]))
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._begin_categories(Categorical(probs, logits), validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._expanded_categories(Multinomial, batch_shape, _instance)
        new.total_count = self.total_count
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        return constraints.multinomial(self.total_count)

    @property
    def mean(self):
        return self.probs * self.total_count

    @property
    def variance(self):
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape=()):
        draws = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
        counts = draws.new_zeros(self._extended_shape(sample_shape))
        return counts.scatter_add(-1, draws, ones_like(draws)).to(self.probs.dtype)

    def entropy(self):
        n = self.total_count
        binomial = Binomial(n, self.probs, validate_args=False)
        support = binomial.enumerate_support(expand=False)[1:]
        ways = (binomial.log_prob(support).exp() * (support + 1).lgamma()).sum((0, -1))
        return n * self._categorical.entropy() - self.probs.new_full((), n + 1).lgamma() + ways

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        logits = where((value == 0) & (logits == -inf), 0.0, logits)
        return (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1) + (logits * value).sum(-1)


def __getattr__(name):
    raise missing(__name__, name)
