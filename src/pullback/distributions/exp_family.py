"""Exponential families: densities exp(<t(x), theta> - F(theta) + k(x)), whose entropy follows from F."""

from ..messages.missing import missing
from .distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """The base of exponential families: a subclass states natural parameters, the logarithm F of the normaliser, and
    the mean of the carrier measure, `_natural_params`, `_log_normalizer` and `_mean_carrier_measure`.

    Entropies and divergences of those that have no formula follow from them, with the gradient of F (F. Nielsen and
    R. Nock, "Entropies and cross-entropies of exponential families", 2010).

    Example:
        >>> isinstance(pb.distributions.Gamma(1.0, 1.0), pb.distributions.ExponentialFamily)
        True
    """

    @property
    def _natural_params(self):
        raise NotImplementedError

    def _log_normalizer(self, *natural_params):
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self):
        raise NotImplementedError

    def _mean_statistic(self):
        """The natural parameters, F there, and its gradient, which is the mean of t(x)."""
        from ..func import grad  # loaded for what has no formula

        parameters = self._natural_params
        slopes = grad(lambda *each: self._log_normalizer(*each).sum(), tuple(range(len(parameters))))
        return parameters, self._log_normalizer(*parameters), slopes(*parameters)

    def entropy(self):
        carrier = self._mean_carrier_measure
        parameters, normalizer, slopes = self._mean_statistic()
        result = normalizer - carrier
        for parameter, slope in zip(parameters, slopes):
            result = result - (parameter * slope).reshape(self._batch_shape + (-1,)).sum(-1)
        return result


def __getattr__(name):
    raise missing(__name__, name)
