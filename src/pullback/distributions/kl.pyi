"""Types of divergences."""

from collections.abc import Callable
from typing import Any, TypeVar

from pullback import Tensor

from .distribution import Distribution

_F = TypeVar("_F", bound=Callable[..., Any])

def kl_divergence(p: Distribution, q: Distribution) -> Tensor: ...
def register_kl(type_p: type[Distribution], type_q: type[Distribution]) -> Callable[[_F], _F]: ...
