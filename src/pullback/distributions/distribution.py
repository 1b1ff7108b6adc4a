"""What all distributions are: shapes, validation, and the questions that they answer."""

import warnings

from .. import Size, Tensor, _core, full, no_grad
from ..messages.missing import missing
from . import constraints
from .utils import broadcast_all, lazy_property

__all__ = ["Distribution"]


def holds(valid):
    """Whether a constraint holds everywhere, in all entries of a vmap."""
    return not _core.holds_anywhere(valid.logical_not())


def written(value):
    """A tensor in a message: a single number as such, unless it is another one for each entry of a vmap."""
    return repr(value) if _core.open_maps() else f"{value}"


class Distribution:
    """The base of distributions: a batch of them in `batch_shape`, whose draws are of `event_shape` each.

    A subclass says what its parameters (`arg_constraints`) and draws (`support`) may be, and defines what it has of
    `rsample` or `sample`, `log_prob`, `cdf`, `icdf`, `entropy`, `mean`, `mode`, `variance` and `expand`; what it has not
    raises NotImplementedError. With `validate_args`, which is the default, parameters and values that are not
    allowed raise ValueError.

    Example:
        >>> batch = pb.distributions.Normal(pb.zeros(3), 1.0)
        >>> batch.batch_shape, batch.event_shape, batch.sample((5,)).shape
        (pullback.Size([3]), pullback.Size([]), pullback.Size([5, 3]))
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value):
        """Whether distributions that are made from now on check their arguments; raises ValueError for no truth value.

        Example:
            >>> pb.distributions.Distribution.set_default_validate_args(False)
            >>> bool(pb.distributions.Normal(0.0, -1.0).scale < 0)
            True
            >>> pb.distributions.Distribution.set_default_validate_args(True)
        """
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(self, batch_shape=(), event_shape=(), validate_args=None):
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        super().__init__()

    def _begin(self, validate_args, **parameters):
        """The parameters broadcast, and their shape is that of the batch."""
        for name, value in zip(parameters, broadcast_all(*parameters.values())):
            setattr(self, name, value)
        Distribution.__init__(self, value.shape, validate_args=validate_args)

    def _expanded(self, family, batch_shape, instance, names):
        """The new instance, for which the parameters among `names` that have been given or made are expanded."""
        new, batch_shape = self._get_checked_instance(family, instance), Size(batch_shape)
        for name in names.split():
            if name in self.__dict__:
                setattr(new, name, self.__dict__[name].expand(batch_shape))
        return self._finish(new, batch_shape)

    def _finish(self, new, batch_shape, event_shape=()):
        """The last step of `expand`: shapes, and whether to validate."""
        Distribution.__init__(new, batch_shape, event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _check_parameters(self):
        try:
            wanted = self.arg_constraints
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize "
                "the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        for name, constraint in wanted.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property):
                continue  # made of another one, which is checked
            value = getattr(self, name)
            if not holds(constraint.check(value)):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{written(value)}"
                )

    def expand(self, batch_shape, _instance=None):
        """The same distribution in a batch of another shape, whose parameters are expanded views.

        `_instance` is what a subclass has made already. Raises NotImplementedError for a subclass that has an own
        `__init__` and no own `expand`, RuntimeError for a shape that the parameters do not expand to.

        Example:
            >>> pb.distributions.Normal(0.0, 1.0).expand((2,)).loc
            tensor([0., 0.])
        """
        raise NotImplementedError

    @property
    def batch_shape(self):
        """The shape of the batch, that is, of the parameters.

        Example:
            >>> pb.distributions.Dirichlet(pb.ones(2, 3)).batch_shape
            pullback.Size([2])
        """
        return self._batch_shape

    @property
    def event_shape(self):
        """The shape of one draw.

        Example:
            >>> pb.distributions.Dirichlet(pb.ones(2, 3)).event_shape
            pullback.Size([3])
        """
        return self._event_shape

    @property
    def arg_constraints(self):
        """What each parameter has to satisfy, by its name.

        Example:
            >>> pb.distributions.Normal.arg_constraints
            {'loc': Real(), 'scale': GreaterThan(lower_bound=0.0)}
        """
        raise NotImplementedError

    @property
    def support(self):
        """The constraint that all draws satisfy.

        Example:
            >>> pb.distributions.Beta(1.0, 1.0).support
            Interval(lower_bound=0.0, upper_bound=1.0)
        """
        raise NotImplementedError

    @property
    def mean(self):
        """The mean, of the shapes of batch and event.

        Example:
            >>> pb.distributions.Uniform(0.0, 3.0).mean
            tensor(1.5000)
        """
        raise NotImplementedError

    @property
    def mode(self):
        """Where the density, or the probability, is largest; NaN where there is no such place.

        Example:
            >>> pb.distributions.Gamma(3.0, 1.0).mode
            tensor(2.)
        """
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self):
        """The variance, of the shapes of batch and event.

        Example:
            >>> pb.distributions.Poisson(3.0).variance
            tensor(3.)
        """
        raise NotImplementedError

    @property
    def stddev(self):
        """The square root of the variance.

        Example:
            >>> pb.distributions.Poisson(4.0).stddev
            tensor(2.)
        """
        return self.variance.sqrt()

    def sample(self, sample_shape=()):
        """Draws, of the shapes `sample_shape`, batch and event: constants to differentiation.

        Raises RuntimeError inside of a `vmap`, as all draws do.

        Example:
            >>> pb.distributions.Categorical(pb.tensor([0.0, 1.0])).sample((3,))
            tensor([1, 1, 1])
        """
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=()):
        """Draws that are differentiable functions of the parameters (`has_rsample`).

        Raises NotImplementedError where there is no such function.

        Example:
            >>> scale = pb.tensor(2.0, requires_grad=True)
            >>> draw = pb.distributions.Normal(0.0, scale).rsample()
            >>> draw.backward()
            >>> bool((scale.grad * 2 - draw).abs() < 1e-5)
            True
        """
        raise NotImplementedError

    def sample_n(self, n):
        """`sample((n,))`, as it was called before; warns.

        Example:
            >>> pb.distributions.Normal(0.0, 1.0).sample_n(3).shape
            pullback.Size([3])
        """
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning, stacklevel=2
        )
        return self.sample((n,))

    def log_prob(self, value):
        """The logarithm of the density, or of the probability, at `value`, whose shape ends in that of batch and event.

        Raises ValueError for values outside of the support, and for other shapes.

        Example:
            >>> pb.distributions.Exponential(1.0).log_prob(pb.tensor([0.0, 2.0]))
            tensor([ 0., -2.])
        """
        raise NotImplementedError

    def cdf(self, value):
        """The probability of draws up to `value`.

        Raises ValueError as `log_prob` does, NotImplementedError where there is none.

        Example:
            >>> pb.distributions.Uniform(0.0, 4.0).cdf(pb.tensor(1.0))
            tensor(0.2500)
        """
        raise NotImplementedError

    def icdf(self, value):
        """The quantile of a probability: the inverse of `cdf`. Raises NotImplementedError where there is none.

        Example:
            >>> pb.distributions.Uniform(0.0, 4.0).icdf(pb.tensor(0.25))
            tensor(1.)
        """
        raise NotImplementedError

    def enumerate_support(self, expand=True):
        """All values that a discrete distribution has (`has_enumerate_support`), along a new first dimension.

        With `expand` they have the shape of the batch, else 1 in its dimensions. Raises NotImplementedError where
        there is no such list.

        Example:
            >>> pb.distributions.Bernoulli(pb.tensor([0.2, 0.3])).enumerate_support(expand=False)
            tensor([[0.],
                    [1.]])
        """
        raise NotImplementedError

    def entropy(self):
        """The entropy, in natural units, of the shape of the batch. Raises NotImplementedError where it is not known.

        Example:
            >>> pb.distributions.Uniform(0.0, 1.0).entropy()
            tensor(0.)
        """
        raise NotImplementedError

    def perplexity(self):
        """exp of the entropy.

        Example:
            >>> pb.distributions.Categorical(pb.ones(4)).perplexity()
            tensor(4.)
        """
        return self.entropy().exp()

    def _extended_shape(self, sample_shape=()):
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _constant(self, number, like):
        """A moment that is no number: the same for all parameters."""
        return full(self._extended_shape(), number, dtype=like.dtype)

    def _enumerated(self, values, expand):
        """Values along the first dimension, with the batch's dimensions behind."""
        values = values.view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + self._batch_shape) if expand else values

    def _validate_sample(self, value):
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, wanted = value.shape, self._batch_shape + self._event_shape
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {shape} vs {self._event_shape}."
            )
        for size, own in zip(reversed(shape), reversed(wanted)):
            if 1 not in (size, own) and size != own:
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {wanted}."
                )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `support` to enable sample validation. Please initialize the "
                "distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        if not holds(support.check(value)):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(shape)}) to be within the support "
                f"({support!r}) of the distribution {self!r}, but found invalid values:\n{written(value)}"
            )

    def _get_checked_instance(self, cls, _instance=None):
        if _instance is None and type(self).__init__ != cls.__init__:
            raise NotImplementedError(
                f"Subclass {self.__class__.__name__} of {cls.__name__} that defines a custom __init__ method must also "
                "define a custom .expand() method."
            )
        return self.__new__(type(self)) if _instance is None else _instance

    def __repr__(self):
        given = [(name, self.__dict__[name]) for name in self.arg_constraints if name in self.__dict__]
        shown = [f"{name}: {written(value) if value.numel() == 1 else value.size()}" for name, value in given]
        return f"{self.__class__.__name__}({', '.join(shown)})"


def __getattr__(name):
    raise missing(__name__, name)
