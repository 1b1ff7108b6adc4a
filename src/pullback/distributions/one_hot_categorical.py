"""One of several categories, as a vector with a one in its place."""

from .. import eye
from ..messages.missing import missing
from ..nn.functional import one_hot
from ..size import Size
from . import constraints
from .categorical import Categorical
from .distribution import Distribution

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OfCategories(Distribution):
    """What draws vectors over the categories of `_categorical`, and has its parameters."""

    def _begin_categories(self, categorical, validate_args):
        self._categorical = categorical
        shape = categorical.param_shape
        Distribution.__init__(self, categorical.batch_shape, shape[-1:], validate_args=validate_args)

    def _expanded_categories(self, family, batch_shape, instance):
        new, batch_shape = self._get_checked_instance(family, instance), Size(batch_shape)
        new._categorical = self._categorical.expand(batch_shape)
        return self._finish(new, batch_shape, self.event_shape)

    @property
    def _param(self):
        return self._categorical._param

    @property
    def probs(self):
        return self._categorical.probs

    @property
    def logits(self):
        return self._categorical.logits

    @property
    def param_shape(self):
        return self._categorical.param_shape


class OneHotCategorical(OfCategories):
    """Vectors that are one in the place of a category, and zero else; `probs` and `logits` are `Categorical`'s.

    Example:
        >>> pb.distributions.OneHotCategorical(pb.tensor([0.0, 1.0])).sample()
        tensor([0., 1.])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._begin_categories(Categorical(probs, logits), validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded_categories(OneHotCategorical, batch_shape, _instance)

    @property
    def mean(self):
        return self.probs

    @property
    def mode(self):
        return self._ones(self.probs.argmax(-1))

    @property
    def variance(self):
        return self.probs * (1 - self.probs)

    def _ones(self, index):
        return one_hot(index, self._categorical._num_events).to(self._param.dtype)

    def sample(self, sample_shape=()):
        return self._ones(self._categorical.sample(sample_shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self):
        return self._categorical.entropy()

    def enumerate_support(self, expand=True):
        n, ones = self.event_shape[0], (1,) * len(self.batch_shape)
        values = eye(n, dtype=self._param.dtype).view((n, *ones, n))
        return values.expand((n,) + self.batch_shape + (n,)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """`OneHotCategorical` whose draws pass gradients on to the probabilities as if they were them (arXiv:1308.3432).

    Example:
        >>> weights = pb.tensor([0.0, 2.0], requires_grad=True)
        >>> draw = pb.distributions.OneHotCategoricalStraightThrough(weights).rsample()
        >>> draw.detach(), draw.requires_grad
        (tensor([0., 1.]), True)
    """

    has_rsample = True

    def rsample(self, sample_shape=()):
        return self.sample(sample_shape) + (self.probs - self.probs.detach())


def __getattr__(name):
    raise missing(__name__, name)
