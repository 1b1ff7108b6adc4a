"""Regions that parameters and draws may lie in: `check` says which elements, or events, of a tensor do.

It is one file though it is long: a list of small classes of one kind, each a condition, grouped by what their points are.
"""

from .. import _core, finfo
from .. import bool as truth
from .. import cat as joined
from .. import stack as stacked
from ..messages.missing import missing

__all__ = [
    "Constraint",
    "MixtureSameFamilyConstraint",
    "boolean",
    "cat",
    "corr_cholesky",
    "dependent",
    "dependent_property",
    "greater_than",
    "greater_than_eq",
    "half_open_interval",
    "independent",
    "integer_interval",
    "interval",
    "is_dependent",
    "less_than",
    "lower_cholesky",
    "lower_triangular",
    "multinomial",
    "nonnegative",
    "nonnegative_integer",
    "one_hot",
    "positive",
    "positive_definite",
    "positive_integer",
    "positive_semidefinite",
    "real",
    "real_vector",
    "simplex",
    "square",
    "stack",
    "symmetric",
    "unit_interval",
]


class Constraint:
    """A region. `is_discrete` says of what kind its points are, `event_dim` how many of the last dimensions one has.

    Example:
        >>> pb.distributions.constraints.positive.check(pb.tensor([-1.0, 2.0]))
        tensor([False,  True])
    """

    is_discrete = False
    event_dim = 0

    def check(self, value):
        """Which events of `value` lie in the region: bool, without the last `event_dim` dimensions.

        Raises NotImplementedError where a subclass does not say.

        Example:
            >>> pb.distributions.constraints.simplex.check(pb.tensor([[0.5, 0.5], [0.5, 0.6]]))
            tensor([ True, False])
        """
        raise NotImplementedError

    def __repr__(self):
        return f"{self.__class__.__name__[1:]}({self._shown()})"

    def _shown(self):
        """What stands between the parentheses."""
        bounds = [name for name in ("lower_bound", "upper_bound") if name in self.__dict__]
        return ", ".join(f"{name}={self.__dict__[name]}" for name in bounds)


# ---- what depends on other values ----------------------------------------------------------------------------


class _Dependent(Constraint):
    """The place of a constraint that depends on other values, which a class does not know. Called, one whose
    `is_discrete` and `event_dim` are known; asked for one that is not, it raises NotImplementedError.

    Example:
        >>> pb.distributions.constraints.dependent(event_dim=1).event_dim
        1
    """

    def __init__(self, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        self._is_discrete, self._event_dim = is_discrete, event_dim
        super().__init__()

    @property
    def is_discrete(self):
        if self._is_discrete is NotImplemented:
            raise NotImplementedError(".is_discrete cannot be determined statically")
        return self._is_discrete

    @property
    def event_dim(self):
        if self._event_dim is NotImplemented:
            raise NotImplementedError(".event_dim cannot be determined statically")
        return self._event_dim

    def __call__(self, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        return _Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def check(self, x):
        raise ValueError("Cannot determine validity of dependent constraint")


def is_dependent(constraint):
    """Whether a constraint is known to objects only, and not to their class.

    Example:
        >>> constraints = pb.distributions.constraints
        >>> constraints.is_dependent(pb.distributions.Uniform.support), constraints.is_dependent(constraints.real)
        (True, False)
    """
    return isinstance(constraint, _Dependent)


class _DependentProperty(property, _Dependent):
    """A decorator: a property of objects that gives a constraint, and of their class a dependent one.

    Example:
        >>> class Even(pb.distributions.Distribution):
        ...     @pb.distributions.constraints.dependent_property(is_discrete=False, event_dim=0)
        ...     def support(self):
        ...         return pb.distributions.constraints.interval(0.0, self.most)
        >>> Even.support.event_dim
        0
    """

    def __init__(self, fn=None, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        super().__init__(fn)
        self._is_discrete, self._event_dim = is_discrete, event_dim

    def __call__(self, fn):
        return _DependentProperty(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


# ---- made of others ------------------------------------------------------------------------------------------


class _OfBase(Constraint):
    """What satisfies another constraint, after some change of shape."""

    def __init__(self, base_constraint):
        if not isinstance(base_constraint, Constraint):
            raise AssertionError(
                f"base_constraint must be a Constraint, got {type(base_constraint).__name__}"
            )
        self.base_constraint = base_constraint
        super().__init__()

    @property
    def is_discrete(self):
        return self.base_constraint.is_discrete

    @property
    def event_dim(self):
        return self.base_constraint.event_dim


class _IndependentConstraint(_OfBase):
    """Events that have `reinterpreted_batch_ndims` further dimensions, all of whose entries satisfy `base_constraint`.

    Example:
        >>> pairs = pb.distributions.constraints.independent(pb.distributions.constraints.positive, 1)
        >>> pairs.check(pb.tensor([[1.0, 2.0], [1.0, -2.0]]))
        tensor([ True, False])
    """

    def __init__(self, base_constraint, reinterpreted_batch_ndims):
        super().__init__(base_constraint)
        ndims = self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        if not isinstance(ndims, int):
            raise AssertionError(f"reinterpreted_batch_ndims must be an int, got {type(ndims).__name__}")
        if ndims < 0:
            raise AssertionError(f"reinterpreted_batch_ndims must be >= 0, got {ndims}")

    @property
    def event_dim(self):
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def check(self, value):
        result, ndims = self.base_constraint.check(value), self.reinterpreted_batch_ndims
        if result.dim() < ndims:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return result.all(tuple(range(-ndims, 0))) if ndims else result

    def _shown(self):
        return f"{self.base_constraint!r}, {self.reinterpreted_batch_ndims}"


class MixtureSameFamilyConstraint(_OfBase):
    """The support of a mixture: every component's satisfies `base_constraint`, along the dimension before the event's.

    Example:
        >>> constraints = pb.distributions.constraints
        >>> constraints.MixtureSameFamilyConstraint(constraints.positive)
        MixtureSameFamilyConstraint(GreaterThan(lower_bound=0.0))
    """

    def check(self, value):
        result = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        if value.dim() < self.event_dim:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        kept = value.dim() - self.event_dim
        return result.all(tuple(range(kept, result.dim()))) if kept < result.dim() else result

    def __repr__(self):
        return f"{self.__class__.__name__}({self.base_constraint!r})"


def _parts(cseq):
    if not all(isinstance(each, Constraint) for each in cseq):
        raise AssertionError("All elements of cseq must be Constraint instances")
    return list(cseq)


class _Several(Constraint):
    """Constraints side by side along `dim`."""

    def __init__(self, cseq, dim=0):
        self.cseq, self.dim = _parts(cseq), dim
        super().__init__()

    @property
    def is_discrete(self):
        return any(each.is_discrete for each in self.cseq)

    @property
    def event_dim(self):
        return max(each.event_dim for each in self.cseq)

    def _check_dim(self, value):
        if not -value.dim() <= self.dim < value.dim():
            raise AssertionError(f"dim {self.dim} out of range for value with {value.dim()} dimensions")

    def _shown(self):
        return ""


class _Cat(_Several):
    """A constraint for each of several slices along `dim`, of these lengths, or of length 1.

    Raises AssertionError for what are no constraints, and for another number of lengths.

    Example:
        >>> constraints = pb.distributions.constraints
        >>> constraints.cat([constraints.positive, constraints.real]).check(pb.tensor([-1.0, -1.0]))
        tensor([False,  True])
    """

    def __init__(self, cseq, dim=0, lengths=None):
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")

    def check(self, value):
        self._check_dim(value)
        parts = value.narrow(self.dim, 0, sum(self.lengths)).split(self.lengths, self.dim)
        return joined([each.check(part) for each, part in zip(self.cseq, parts)], self.dim)


class _Stack(_Several):
    """A constraint for each index along `dim`. Raises AssertionError for what are no constraints.

    Example:
        >>> constraints = pb.distributions.constraints
        >>> constraints.stack([constraints.positive, constraints.real]).check(pb.tensor([-1.0, -1.0]))
        tensor([False,  True])
    """

    @property
    def event_dim(self):
        dim = max(each.event_dim for each in self.cseq)
        return dim + 1 if self.dim + dim < 0 else dim

    def check(self, value):
        self._check_dim(value)
        parts = value.unbind(self.dim)
        return stacked([each.check(part) for each, part in zip(self.cseq, parts)], self.dim)


# ---- numbers -------------------------------------------------------------------------------------------------


class _Boolean(Constraint):
    is_discrete = True

    def check(self, value):
        return (value == 0) | (value == 1)


class _Real(Constraint):
    def check(self, value):
        return value == value  # no NaN


class _Above(Constraint):
    def __init__(self, lower_bound):
        self.lower_bound = lower_bound
        super().__init__()


class _Below(Constraint):
    def __init__(self, upper_bound):
        self.upper_bound = upper_bound
        super().__init__()


class _Between(Constraint):
    def __init__(self, lower_bound, upper_bound):
        self.lower_bound, self.upper_bound = lower_bound, upper_bound
        super().__init__()


class _IntegerInterval(_Between):
    """Whole numbers of [`lower_bound`, `upper_bound`].

    Example:
        >>> pb.distributions.constraints.integer_interval(0, 2).check(pb.tensor([0.5, 1.0, 3.0]))
        tensor([False,  True, False])
    """

    is_discrete = True

    def check(self, value):
        return (value % 1 == 0) & (self.lower_bound <= value) & (value <= self.upper_bound)


class _IntegerLessThan(_Below):
    is_discrete = True

    def check(self, value):
        return (value % 1 == 0) & (value <= self.upper_bound)


class _IntegerGreaterThan(_Above):
    is_discrete = True

    def check(self, value):
        return (value % 1 == 0) & (value >= self.lower_bound)


class _GreaterThan(_Above):
    """Above `lower_bound`.

    Example:
        >>> pb.distributions.constraints.greater_than(1.0).check(pb.tensor([1.0, 2.0]))
        tensor([False,  True])
    """

    def check(self, value):
        return self.lower_bound < value


class _GreaterThanEq(_Above):
    """`lower_bound`, or above it.

    Example:
        >>> pb.distributions.constraints.greater_than_eq(1.0).check(pb.tensor([0.0, 1.0]))
        tensor([False,  True])
    """

    def check(self, value):
        return self.lower_bound <= value


class _LessThan(_Below):
    """Below `upper_bound`.

    Example:
        >>> pb.distributions.constraints.less_than(1.0).check(pb.tensor([0.0, 1.0]))
        tensor([ True, False])
    """

    def check(self, value):
        return value < self.upper_bound


class _Interval(_Between):
    """[`lower_bound`, `upper_bound`].

    Example:
        >>> pb.distributions.constraints.interval(0.0, 1.0).check(pb.tensor([1.0, 2.0]))
        tensor([ True, False])
    """

    def check(self, value):
        return (self.lower_bound <= value) & (value <= self.upper_bound)


class _HalfOpenInterval(_Between):
    """[`lower_bound`, `upper_bound`), without the upper one.

    Example:
        >>> pb.distributions.constraints.half_open_interval(0.0, 1.0).check(pb.tensor([0.0, 1.0]))
        tensor([ True, False])
    """

    def check(self, value):
        return (self.lower_bound <= value) & (value < self.upper_bound)


# ---- vectors -------------------------------------------------------------------------------------------------


class _OneHot(Constraint):
    is_discrete = True
    event_dim = 1

    def check(self, value):
        return ((value == 0) | (value == 1)).all(-1) & (value.sum(-1) == 1)


class _Simplex(Constraint):
    event_dim = 1

    def check(self, value):
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _Multinomial(_Below):
    """Vectors of counts, `upper_bound` in all at most.

    Example:
        >>> pb.distributions.constraints.multinomial(3).check(pb.tensor([[1, 2], [2, 2]]))
        tensor([ True, False])
    """

    is_discrete = True
    event_dim = 1

    def check(self, x):
        return (x >= 0).all(-1) & (x.sum(-1) <= self.upper_bound)

    def _shown(self):
        return ""


# ---- matrices ------------------------------------------------------------------------------------------------


class _LowerTriangular(Constraint):
    event_dim = 2

    def check(self, value):
        return (value.tril() == value).flatten(-2).all(-1)


class _LowerCholesky(_LowerTriangular):
    def check(self, value):
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    def check(self, value):
        tolerance = finfo(value.dtype).eps * value.size(-1) * 10  # of sums of so many squares
        norms = value.detach().square().sum(-1).sqrt()
        return super().check(value) & ((norms - 1).abs() <= tolerance).all(-1)


class _Square(Constraint):
    event_dim = 2

    def check(self, value):
        return value.new_ones(value.shape[:-2], dtype=truth) & (value.shape[-2] == value.shape[-1])


class _Symmetric(_Square):
    def check(self, value):
        if value.shape[-2] != value.shape[-1]:
            return super().check(value)
        return value.isclose(value.mT, atol=1e-6).flatten(-2).all(-1)


class _Positive(_Symmetric):
    """Symmetric matrices that are positive in one of two ways, which is asked for if all are symmetric."""

    def check(self, value):
        symmetric = super().check(value)
        if _core.holds_anywhere(~symmetric):
            return symmetric
        return self._is_positive(value.detach())

    @property
    def _linalg(self):
        from .. import linalg  # loaded with the first matrix

        return linalg


class _PositiveSemidefinite(_Positive):
    def _is_positive(self, value):
        return (self._linalg.eigvalsh(value) >= 0).all(-1)


class _PositiveDefinite(_Positive):
    def _is_positive(self, value):
        return self._linalg.cholesky_ex(value).info == 0


dependent = _Dependent()
dependent_property = _DependentProperty
independent = _IndependentConstraint
boolean = _Boolean()
one_hot = _OneHot()
nonnegative_integer = _IntegerGreaterThan(0)
positive_integer = _IntegerGreaterThan(1)
integer_interval = _IntegerInterval
real = _Real()
real_vector = independent(real, 1)
positive = _GreaterThan(0.0)
nonnegative = _GreaterThanEq(0.0)
greater_than = _GreaterThan
greater_than_eq = _GreaterThanEq
less_than = _LessThan
multinomial = _Multinomial
unit_interval = _Interval(0.0, 1.0)
interval = _Interval
half_open_interval = _HalfOpenInterval
simplex = _Simplex()
lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
square = _Square()
symmetric = _Symmetric()
positive_semidefinite = _PositiveSemidefinite()
positive_definite = _PositiveDefinite()
cat = _Cat
stack = _Stack


def __getattr__(name):
    raise missing(__name__, name)
