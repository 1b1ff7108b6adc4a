"""Categories that are differentiable, of a temperature."""

from .. import rand
from ..messages.missing import missing
from . import constraints
from .categorical import Categorical
from .one_hot_categorical import OfCategories
from .relaxed_bernoulli import OfTemperature
from .transforms import ExpTransform
from .utils import broadcast_all, clamp_probs

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(OfCategories):
    """The logarithms of draws of `RelaxedOneHotCategorical`, of a `temperature`, a tensor (arXiv:1611.00712).

    Example:
        >>> d = pb.distributions.relaxed_categorical.ExpRelaxedCategorical(pb.tensor(1.0), pb.ones(3))
        >>> bool((d.sample().logsumexp(-1)).abs() < 1e-5)
        True
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self.temperature = temperature
        self._begin_categories(Categorical(probs, logits), validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._expanded_categories(ExpRelaxedCategorical, batch_shape, _instance)
        new.temperature = self.temperature
        return new

    def rsample(self, sample_shape=()):
        u = clamp_probs(rand(self._extended_shape(sample_shape), dtype=self.logits.dtype))
        return ((self.logits - (-u.log()).log()) / self.temperature).log_softmax(-1)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        k = self._categorical._num_events
        logits, value = broadcast_all(self.logits, value)
        log_scale = self.temperature.new_full((), float(k)).lgamma() + (k - 1) * self.temperature.log()
        return (logits - value * self.temperature).log_softmax(-1).sum(-1) + log_scale


class RelaxedOneHotCategorical(OfTemperature):
    """Shares of a whole in place of one-hot vectors, whose draws are differentiable; a low `temperature`, a tensor, brings
    them near (arXiv:1611.00712, 1611.01144). `probs` and `logits` are `Categorical`'s.

    Example:
        >>> d = pb.distributions.RelaxedOneHotCategorical(pb.tensor(0.1), pb.ones(3))
        >>> bool((d.rsample((100,)).amax(-1) > 0.9).float().mean() > 0.7)
        True
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        return self._expanded_base(RelaxedOneHotCategorical, batch_shape, _instance)


def __getattr__(name):
    raise missing(__name__, name)
