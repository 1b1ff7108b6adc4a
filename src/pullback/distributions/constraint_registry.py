"""From real numbers to constrained ones: the transforms that belong to constraints."""

from ..messages.missing import missing
from . import constraints, transforms
from .utils import NUMBERS

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """A table of transforms onto regions, by the class of their constraint; called with a constraint, it gives one.

    `biject_to` has bijections, whose determinants are known; `transform_to` what is good for optimisers, and may have more
    arguments than values. Raises NotImplementedError for a constraint that has none.

    Example:
        >>> to_positive = pb.distributions.biject_to(pb.distributions.constraints.positive)
        >>> to_positive(pb.tensor([-1.0, 0.0]))
        tensor([0.3679, 1.0000])
    """

    def __init__(self):
        self._registry = {}
        super().__init__()

    def register(self, constraint, factory=None):
        """Enter what makes a transform of a constraint, for the class of this one; without it, a decorator.

        Raises TypeError for what is no constraint, nor a class of them.

        Example:
            >>> registry = pb.distributions.constraint_registry.ConstraintRegistry()
            >>> @registry.register(pb.distributions.constraints.positive)
            ... def made(constraint):
            ...     return pb.distributions.ExpTransform()
            >>> registry(pb.distributions.constraints.positive)
            ExpTransform()
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, constraints.Constraint) else constraint
        if not isinstance(kind, type) or not issubclass(kind, constraints.Constraint):
            raise TypeError(
                f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}"
            )
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint):
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def _enter(registries, factory, *kinds):
    for registry in registries:
        for kind in kinds:
            registry.register(kind, factory)


def _bounded(bound, sign):
    """exp, from a bound on to one side."""

    def made(constraint):
        move = transforms.AffineTransform(getattr(constraint, bound), sign)
        return transforms.ComposeTransform([transforms.ExpTransform(), move])

    return made


def _between(constraint):
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, NUMBERS) and isinstance(high, NUMBERS) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform(
        [transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)]
    )


BOTH = (biject_to, transform_to)
_enter(BOTH, lambda _: transforms.identity_transform, constraints.real)
_enter(BOTH, _bounded("lower_bound", 1), constraints.greater_than, constraints.greater_than_eq)
# Of the class of constraints above a bound, which 0 is: so this one is never used, as in PyTorch.
_enter(BOTH, _bounded("upper_bound", -1), constraints.less_than)
_enter(BOTH, _between, constraints.interval, constraints.half_open_interval)
_enter(BOTH, lambda _: transforms.CorrCholeskyTransform(), constraints.corr_cholesky)
_enter([biject_to], lambda _: transforms.StickBreakingTransform(), constraints.simplex)
_enter([transform_to], lambda _: transforms.SoftmaxTransform(), constraints.simplex)
_enter([transform_to], lambda _: transforms.LowerCholeskyTransform(), constraints.lower_cholesky)
_enter(
    [transform_to],
    lambda _: transforms.PositiveDefiniteTransform(),
    constraints.positive_definite,
    constraints.positive_semidefinite,
)
for _registry in BOTH:
    _registry.register(
        constraints.independent,
        lambda c, to=_registry: transforms.IndependentTransform(
            to(c.base_constraint), c.reinterpreted_batch_ndims
        ),
    )
    _registry.register(
        constraints.cat,
        lambda c, to=_registry: transforms.CatTransform([to(each) for each in c.cseq], c.dim, c.lengths),
    )
    _registry.register(
        constraints.stack,
        lambda c, to=_registry: transforms.StackTransform([to(each) for each in c.cseq], c.dim),
    )


def __getattr__(name):
    raise missing(__name__, name)
