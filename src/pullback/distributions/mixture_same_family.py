"""Mixtures of distributions of one family."""

from .. import no_grad
from ..messages.missing import missing
from ..size import Size
from . import constraints
from .categorical import Categorical
from .distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """A `Categorical` chooses among components, which lie along the last dimension of the batch of one distribution.

    Raises ValueError for another mixing distribution, and where the numbers of components, or the batches, differ.

    Example:
        >>> components = pb.distributions.Normal(pb.tensor([-1.0, 1.0]), 0.5)
        >>> mixture = pb.distributions.MixtureSameFamily(pb.distributions.Categorical(pb.ones(2)), components)
        >>> mixture.mean, mixture.variance, mixture.cdf(pb.tensor(0.0))
        (tensor(0.), tensor(1.2500), tensor(0.5000))
    """

    arg_constraints = {}
    has_rsample = False

    def __init__(self, mixture_distribution, component_distribution, validate_args=None):
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an  instance of torch.distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution needs to be an instance of torch.distributions.Distribution"
            )
        mixing, batch = mixture_distribution.batch_shape, component_distribution.batch_shape[:-1]
        for size, other in zip(reversed(mixing), reversed(batch)):
            if 1 not in (size, other) and size != other:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({mixing}) is not compatible with "
                    f"`component_distribution.batch_shape`({batch})"
                )
        count, components = mixture_distribution.logits.shape[-1], component_distribution.batch_shape[-1]
        if count != components:
            raise ValueError(
                f"`mixture_distribution component` ({count}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({components})"
            )
        self._take(mixture_distribution, component_distribution)
        super().__init__(batch, component_distribution.event_shape, validate_args=validate_args)

    def _take(self, mixture, components):
        self._mixture_distribution, self._component_distribution = mixture, components
        self._num_component = mixture.param_shape[-1]
        self._event_ndims = len(components.event_shape)

    def expand(self, batch_shape, _instance=None):
        new, batch_shape = self._get_checked_instance(MixtureSameFamily, _instance), Size(batch_shape)
        components = self._component_distribution.expand(batch_shape + (self._num_component,))
        new._take(self._mixture_distribution.expand(batch_shape), components)
        return self._finish(new, batch_shape, components.event_shape)

    @constraints.dependent_property()
    def support(self):
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self):
        """What chooses.

        Example:
            >>> mixture = pb.distributions.MixtureSameFamily(
            ...     pb.distributions.Categorical(pb.ones(2)), pb.distributions.Poisson(pb.ones(2))
            ... )
            >>> mixture.mixture_distribution
            Categorical(probs: pullback.Size([2]), logits: pullback.Size([2]))
        """
        return self._mixture_distribution

    @property
    def component_distribution(self):
        """What is chosen from.

        Example:
            >>> mixture = pb.distributions.MixtureSameFamily(
            ...     pb.distributions.Categorical(pb.ones(2)), pb.distributions.Poisson(pb.ones(2))
            ... )
            >>> mixture.component_distribution
            Poisson(rate: pullback.Size([2]))
        """
        return self._component_distribution

    def _averaged(self, values):
        """The mean of what the components have, with the probabilities as weights."""
        probs = self._mixture_distribution.probs
        return (probs.reshape(probs.shape + (1,) * self._event_ndims) * values).sum(-1 - self._event_ndims)

    @property
    def mean(self):
        return self._averaged(self._component_distribution.mean)

    @property
    def variance(self):
        components = self._component_distribution
        spread = (components.mean - self._pad(self.mean)).square()
        return self._averaged(components.variance) + self._averaged(spread)

    def _pad(self, x):
        return x.unsqueeze(-1 - self._event_ndims)

    def cdf(self, x):
        cdf = self._component_distribution.cdf(self._pad(x))
        return (cdf * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, x):
        if self._validate_args:
            self._validate_sample(x)
        log_prob = self._component_distribution.log_prob(self._pad(x))
        return (log_prob + self._mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    def sample(self, sample_shape=()):
        sample_shape = Size(sample_shape)
        with no_grad():
            chosen = self._mixture_distribution.sample(sample_shape)
            drawn = self._component_distribution.sample(sample_shape)
            dim = len(sample_shape) + len(self._batch_shape)
            places = chosen.reshape(chosen.shape + (1,) * (1 + self._event_ndims))
            shape = drawn.shape[:dim] + (1,) + drawn.shape[dim + 1 :]
            return drawn.gather(dim, places.expand(shape)).squeeze(dim)

    def __repr__(self):
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"


def __getattr__(name):
    raise missing(__name__, name)
