"""Types of `pullback.calculus`: rows are called with tensors, and with symbols in formulas."""

from collections.abc import Callable
from typing import Any

class Row:
    name: str
    doc: str
    operands: tuple[str, ...]
    parameters: dict[str, Any]
    signature: str
    aliases: tuple[str, ...]
    forms: tuple[str, ...]
    promotion: str
    accepts: str
    node: str | tuple[str, ...]
    kinks: dict[Any, Any]
    note: str
    def __init__(
        self, name: str, formula: Callable[..., Any] | None, rule: Callable[..., Any] | None, doc: str = ..., **about: Any
    ) -> None: ...
    @property
    def arity(self) -> int: ...
    @property
    def boolean(self) -> bool: ...
    @property
    def differentiable(self) -> bool: ...
    def __call__(self, *operands: Any, **named: Any) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...

def composed(
    name: str, formula: Callable[..., Any], partials: Callable[..., Any] | None = ..., doc: str = ..., **about: Any
) -> Row: ...
def elementwise(name: str, partials: Callable[..., Any], doc: str = ..., **about: Any) -> Row: ...
def install(core: Any) -> None: ...
def rows() -> tuple[Row, ...]: ...
def __getattr__(name: str) -> Any: ...
