"""Types of the tables of transforms onto regions."""

from collections.abc import Callable
from typing import Any

from .constraints import Constraint
from .transforms import Transform

class ConstraintRegistry:
    def __init__(self) -> None: ...
    def register(self, constraint: Constraint | type[Constraint], factory: Callable[..., Transform] | None = ...) -> Any: ...
    def __call__(self, constraint: Constraint) -> Transform: ...

biject_to: ConstraintRegistry
transform_to: ConstraintRegistry
