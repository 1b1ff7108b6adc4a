"""What all transforms are, and transforms made of others."""

from functools import reduce

from .. import broadcast_shapes, zeros_like
from ..size import Size
from . import constraints
from .utils import _sum_rightmost, lazy_property


class Transform:
    """The base of invertible functions of tensors with the logarithms of their Jacobians' determinants.

    `domain` and `codomain` are constraints, `bijective` says whether each value has one argument, `sign` whether it
    grows or falls. A subclass defines `_call`, `_inverse` and `log_abs_det_jacobian`. With a `cache_size` of 1 the last pair of
    argument and value is kept, and the inverse of that value is that argument. Raises ValueError for other sizes.

    Example:
        >>> exp = pb.distributions.ExpTransform()
        >>> exp(pb.tensor(0.0)), exp.inv(pb.tensor(1.0)), exp.domain, exp.codomain
        (tensor(1.), tensor(0.), Real(), GreaterThan(lower_bound=0.0))
    """

    bijective = False

    def __init__(self, cache_size=0):
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size, self._inv = cache_size, None
        if cache_size:
            self._cached_x_y = None, None
        super().__init__()

    def __getstate__(self):
        return {**self.__dict__, "_inv": None}

    @property
    def event_dim(self):
        """How many dimensions arguments and values have; raises ValueError where these differ.

        Example:
            >>> pb.distributions.ExpTransform().event_dim
            0
        """
        if self.domain.event_dim == self.codomain.event_dim:
            return self.domain.event_dim
        raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")

    @property
    def inv(self):
        """The inverse, a transform.

        Example:
            >>> pb.distributions.ExpTransform().inv
            _InverseTransform(ExpTransform())
        """
        if self._inv is None:
            self._inv = _InverseTransform(self)
        return self._inv

    @property
    def sign(self):
        """1 where values grow with arguments, -1 where they fall; raises NotImplementedError where that has no meaning.

        Example:
            >>> pb.distributions.AffineTransform(0.0, -2.0).sign
            -1
        """
        raise NotImplementedError

    def with_cache(self, cache_size=1):
        """The same transform with this size of cache; raises NotImplementedError where a subclass does not say how.

        Example:
            >>> exp = pb.distributions.ExpTransform().with_cache()
            >>> x = pb.tensor(1.0)
            >>> exp.inv(exp(x)) is x
            True
        """
        if self._cache_size == cache_size:
            return self
        if type(self).__init__ is Transform.__init__:
            return type(self)(cache_size=cache_size)
        raise NotImplementedError(f"{type(self)}.with_cache is not implemented")

    def __eq__(self, other):
        return self is other

    def __call__(self, x):
        if not self._cache_size:
            return self._call(x)
        known, y = self._cached_x_y
        if x is known:
            return y
        y = self._call(x)
        self._cached_x_y = x, y
        return y

    def _inv_call(self, y):
        if not self._cache_size:
            return self._inverse(y)
        x, known = self._cached_x_y
        if y is known:
            return x
        x = self._inverse(y)
        self._cached_x_y = x, y
        return x

    def _call(self, x):
        raise NotImplementedError

    def _inverse(self, y):
        raise NotImplementedError

    def log_abs_det_jacobian(self, x, y):
        """log |det dy/dx| at an argument and its value; the event's dimensions are gone.

        Raises NotImplementedError where the transform has no such thing.

        Example:
            >>> pb.distributions.ExpTransform().log_abs_det_jacobian(pb.tensor(2.0), pb.tensor(2.0).exp())
            tensor(2.)
        """
        raise NotImplementedError

    def __repr__(self):
        return self.__class__.__name__ + "()"

    def forward_shape(self, shape):
        """The shape of the values of arguments of this shape; raises ValueError where there are none.

        Example:
            >>> pb.distributions.StickBreakingTransform().forward_shape((2,))
            (3,)
        """
        return shape

    def inverse_shape(self, shape):
        """The shape of the arguments of values of this shape; raises ValueError where there are none.

        Example:
            >>> pb.distributions.StickBreakingTransform().inverse_shape((3,))
            (2,)
        """
        return shape


class OfOneKind(Transform):
    """A transform without parameters: all of a class are equal."""

    def __eq__(self, other):
        return isinstance(other, type(self))


class _InverseTransform(Transform):
    """The inverse of a transform, which it stands for."""

    def __init__(self, transform):
        super().__init__(cache_size=transform._cache_size)
        self._inv = transform

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        return self._inv.codomain

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        return self._inv.domain

    @property
    def bijective(self):
        return self._inv.bijective

    @property
    def sign(self):
        return self._inv.sign

    @property
    def inv(self):
        return self._inv

    def __getstate__(self):
        return self.__dict__

    def with_cache(self, cache_size=1):
        return self.inv.with_cache(cache_size).inv

    def __eq__(self, other):
        return isinstance(other, _InverseTransform) and self._inv == other._inv

    def __repr__(self):
        return f"{self.__class__.__name__}({self._inv!r})"

    def __call__(self, x):
        return self._inv._inv_call(x)

    def log_abs_det_jacobian(self, x, y):
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape):
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape):
        return self._inv.forward_shape(shape)


def _through(parts, dim, ends):
    """The event's dimensions after all parts; `ends` gives those of a part's argument and value, in the order of the way."""
    for part in parts:
        before, after = (end.event_dim for end in ends(part))
        dim = max(dim + after - before, after)
    return dim


def widened(constraint, dim):
    """The constraint of events that have `dim` dimensions, as many as its own or more."""
    more = dim - constraint.event_dim
    return constraints.independent(constraint, more) if more else constraint


class ComposeTransform(Transform):
    """Several transforms, one after the other: a list.

    Example:
        >>> both = pb.distributions.ComposeTransform(
        ...     [pb.distributions.ExpTransform(), pb.distributions.AffineTransform(1.0, 2.0)]
        ... )
        >>> both(pb.tensor(0.0)), both.inv(pb.tensor(3.0))
        (tensor(3.), tensor(0.))
    """

    def __init__(self, parts, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else parts

    def __eq__(self, other):
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        if not self.parts:
            return constraints.real
        dim = self.parts[-1].codomain.event_dim
        dim = _through(reversed(self.parts), dim, lambda part: (part.codomain, part.domain))
        return widened(self.parts[0].domain, dim)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        if not self.parts:
            return constraints.real
        dim = _through(self.parts, self.parts[0].domain.event_dim, lambda part: (part.domain, part.codomain))
        return widened(self.parts[-1].codomain, dim)

    @lazy_property
    def bijective(self):
        return all(part.bijective for part in self.parts)

    @lazy_property
    def sign(self):
        return reduce(lambda sign, part: sign * part.sign, self.parts, 1)

    @property
    def inv(self):
        if self._inv is None:
            self._inv = ComposeTransform([part.inv for part in reversed(self.parts)])
            self._inv._inv = self
        return self._inv

    def with_cache(self, cache_size=1):
        return self if self._cache_size == cache_size else ComposeTransform(self.parts, cache_size)

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x

    def log_abs_det_jacobian(self, x, y):
        if not self.parts:
            return zeros_like(x)
        total, dim = 0.0, self.domain.event_dim
        for part in self.parts:
            value = y if part is self.parts[-1] else part(x)
            own = part.domain.event_dim
            total = total + _sum_rightmost(part.log_abs_det_jacobian(x, value), dim - own)
            dim += part.codomain.event_dim - own
            x = value
        return total

    def forward_shape(self, shape):
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape):
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self):
        parts = ",\n    ".join(map(repr, self.parts))
        return f"{self.__class__.__name__}(\n    {parts}\n)"


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """A transform of events with `reinterpreted_batch_ndims` further dimensions, over which determinants are multiplied.

    Raises ValueError for arguments of fewer dimensions.

    Example:
        >>> exp = pb.distributions.IndependentTransform(pb.distributions.ExpTransform(), 1)
        >>> x = pb.tensor([1.0, 2.0])
        >>> exp.log_abs_det_jacobian(x, exp(x))
        tensor(3.)
    """

    def __init__(self, base_transform, reinterpreted_batch_ndims, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return IndependentTransform(self.base_transform, self.reinterpreted_batch_ndims, cache_size)

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        return constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        return constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims)

    @property
    def bijective(self):
        return self.base_transform.bijective

    @property
    def sign(self):
        return self.base_transform.sign

    def _call(self, x):
        if x.dim() < self.domain.event_dim:
            raise ValueError("Too few dimensions on input")
        return self.base_transform(x)

    def _inverse(self, y):
        if y.dim() < self.codomain.event_dim:
            raise ValueError("Too few dimensions on input")
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x, y):
        result = self.base_transform.log_abs_det_jacobian(x, y)
        return _sum_rightmost(result, self.reinterpreted_batch_ndims)

    def __repr__(self):
        return f"{self.__class__.__name__}({self.base_transform!r}, {self.reinterpreted_batch_ndims})"

    def forward_shape(self, shape):
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape):
        return self.base_transform.inverse_shape(shape)


class ReshapeTransform(Transform):
    """Events of one shape, as events of another one. Raises ValueError unless both have as many elements.

    Example:
        >>> pb.distributions.ReshapeTransform((4,), (2, 2))(pb.tensor([1, 2, 3, 4]))
        tensor([[1, 2],
                [3, 4]])
    """

    bijective = True

    def __init__(self, in_shape, out_shape, cache_size=0):
        self.in_shape, self.out_shape = Size(in_shape), Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ValueError("in_shape, out_shape have different numbers of elements")
        super().__init__(cache_size=cache_size)

    @constraints.dependent_property()
    def domain(self):
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property()
    def codomain(self):
        return constraints.independent(constraints.real, len(self.out_shape))

    def with_cache(self, cache_size=1):
        if self._cache_size == cache_size:
            return self
        return ReshapeTransform(self.in_shape, self.out_shape, cache_size)

    def _call(self, x):
        return x.reshape(x.shape[: x.dim() - len(self.in_shape)] + self.out_shape)

    def _inverse(self, y):
        return y.reshape(y.shape[: y.dim() - len(self.out_shape)] + self.in_shape)

    def log_abs_det_jacobian(self, x, y):
        return x.new_zeros(x.shape[: x.dim() - len(self.in_shape)])

    def forward_shape(self, shape):
        return _with_event(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape):
        return _with_event(shape, self.out_shape, self.in_shape)


def _with_event(shape, event, other):
    """A shape that ends in one event, ending in another one."""
    cut = len(shape) - len(event)
    if cut < 0:
        raise ValueError("Too few dimensions on input")
    if shape[cut:] != event:
        raise ValueError(f"Shape mismatch: expected {shape[cut:]} but got {event}")
    return shape[:cut] + other


def broadcast_with(shape, *parameters):
    """The shape of what is computed with parameters, some of which may be tensors."""
    return broadcast_shapes(shape, *[getattr(each, "shape", ()) for each in parameters])
