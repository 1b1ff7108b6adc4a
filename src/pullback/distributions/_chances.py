"""Families that take probabilities or their logarithms, whichever is given; the other is made when it is asked for."""

from .utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits


def only_one(probs, logits):
    """Raise unless exactly one of both is given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class Chances:
    """Probabilities of two outcomes, or their log-odds."""

    def _begin_chances(self, probs, logits, validate_args, **others):
        """The parameters broadcast; whole numbers among the others become floating."""
        only_one(probs, logits)
        name, given = ("probs", probs) if probs is not None else ("logits", logits)
        *values, given = broadcast_all(*others.values(), given)
        for other, value in zip(others, values):
            setattr(self, other, value.type_as(given))
        self._keep(name, given)
        super().__init__(given.shape, validate_args=validate_args)

    def _keep(self, name, given):
        setattr(self, name, given)
        self._param = given

    def _expanded(self, family, batch_shape, instance, names=""):
        return super()._expanded(family, batch_shape, instance, f"{names} probs logits _param")

    @property
    def param_shape(self):
        return self._param.shape

    @lazy_property
    def logits(self):
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self):
        return logits_to_probs(self.logits, is_binary=True)
