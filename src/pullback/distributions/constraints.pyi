"""Types of regions: the values that parameters and draws may have."""

from collections.abc import Callable, Sequence
from typing import Any

from pullback import Tensor

class Constraint:
    is_discrete: bool
    event_dim: int
    def check(self, value: Tensor) -> Tensor: ...

class _Bounded(Constraint):
    def __init__(self, lower_bound: Any, upper_bound: Any) -> None: ...
    lower_bound: Any
    upper_bound: Any

class _Below(Constraint):
    def __init__(self, upper_bound: Any) -> None: ...
    upper_bound: Any

class _Above(Constraint):
    def __init__(self, lower_bound: Any) -> None: ...
    lower_bound: Any

class _Dependent(Constraint):
    def __init__(self, *, is_discrete: Any = ..., event_dim: Any = ...) -> None: ...
    def __call__(self, *, is_discrete: Any = ..., event_dim: Any = ...) -> Constraint: ...

class dependent_property(property):
    def __init__(
        self, fn: Callable[[Any], Constraint | None] | None = ..., *, is_discrete: Any = ..., event_dim: Any = ...
    ) -> None: ...
    def __call__(self, fn: Callable[[Any], Any]) -> dependent_property: ...

class independent(Constraint):
    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None: ...
    base_constraint: Constraint
    reinterpreted_batch_ndims: int

class MixtureSameFamilyConstraint(Constraint):
    def __init__(self, base_constraint: Constraint) -> None: ...
    base_constraint: Constraint

class cat(Constraint):
    def __init__(self, cseq: Sequence[Constraint], dim: int = ..., lengths: Sequence[int] | None = ...) -> None: ...
    cseq: list[Constraint]
    dim: int
    lengths: list[int]

class stack(Constraint):
    def __init__(self, cseq: Sequence[Constraint], dim: int = ...) -> None: ...
    cseq: list[Constraint]
    dim: int

class greater_than(_Above): ...
class greater_than_eq(_Above): ...
class less_than(_Below): ...
class multinomial(_Below): ...
class interval(_Bounded): ...
class half_open_interval(_Bounded): ...
class integer_interval(_Bounded): ...

dependent: _Dependent
boolean: Constraint
corr_cholesky: Constraint
lower_cholesky: Constraint
lower_triangular: Constraint
nonnegative: Constraint
nonnegative_integer: Constraint
one_hot: Constraint
positive: Constraint
positive_definite: Constraint
positive_integer: Constraint
positive_semidefinite: Constraint
real: Constraint
real_vector: Constraint
simplex: Constraint
square: Constraint
symmetric: Constraint
unit_interval: Constraint

def is_dependent(constraint: Constraint) -> bool: ...
