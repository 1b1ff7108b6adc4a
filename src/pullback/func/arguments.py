"""What a transform is asked for: which arguments it differentiates by, and what the function may return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from .tree import TreeSpec, tree_flatten, tree_unflatten

Argnums = int | tuple[int, ...]


def positions(argnums: Any, count: int) -> list[int]:
    """The arguments that `argnums` names, of `count` positional ones, counted from the first."""
    if not isinstance(argnums, int | tuple):
        raise RuntimeError(
            f"argnums must be int or Tuple[int, ...], got: {type(argnums)}. It says which positional arguments to "
            f"differentiate by, counted from 0."
        )
    found = []
    for number in argnums if isinstance(argnums, tuple) else (argnums,):
        if not isinstance(number, int):
            raise RuntimeError(f"argnum must be int, got: {type(number)}")
        if not -count <= number < count:
            said = "Keyword arguments are named by argnames." if count == 0 else "They are counted from 0."
            raise RuntimeError(f"Got argnum={number}, but only {count} positional inputs. {said}")
        found.append(number % count)
    if not found:
        raise RuntimeError("argnums must be non-empty")
    if len(set(found)) != len(found):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return found


ALL = object()  # as argnums: every positional argument


class Chosen:
    """The arguments of one call that are differentiated by: a tree of them, its leaves, and the call with others."""

    def __init__(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        argnums: Any,
        argnames: str | Sequence[str] | None = None,
    ) -> None:
        self.args, self.kwargs = args, kwargs
        self.names: list[str | int] = []
        self.leaves: list[Any]
        self.spec: TreeSpec | None  # None: one tensor, and nothing around it
        usual = type(argnums) is int and argnames is None and 0 <= argnums < len(args)
        if usual and isinstance(args[argnums], Tensor):
            self.names, self.leaves, self.spec, self.alone = [argnums], [args[argnums]], None, True
            return
        if argnames is None:
            self.names = [*range(len(args))] if argnums is ALL else [*positions(argnums, len(args))]
            alone = isinstance(argnums, int)
        else:
            if argnums != 0:
                raise RuntimeError(
                    "argnums and argnames exclude each other: argnames finds positional arguments, too."
                )
            alone = isinstance(argnames, str)
            names = [argnames] if isinstance(argnames, str) else list(argnames)
            self.names = [_place(func, args, kwargs, name) for name in names]
            if not self.names:
                raise RuntimeError("argnames must be non-empty")
        values = [args[name] if isinstance(name, int) else kwargs[name] for name in self.names]
        if alone and isinstance(values[0], Tensor):
            self.leaves, self.spec = values, None
        else:
            tree: Any = values[0] if alone else tuple(values)
            if argnames is not None and not alone:
                tree = dict(zip(argnames, values))
            self.leaves, self.spec = tree_flatten(tree)
        self.alone = alone

    def tree(self, leaves: Sequence[Any]) -> Any:
        """A tree as that of the chosen arguments."""
        return leaves[0] if self.spec is None else tree_unflatten(leaves, self.spec)

    def call(self, func: Callable[..., Any], leaves: Sequence[Any]) -> Any:
        """`func` of the same arguments with these leaves in place of the chosen ones, which may not write into others."""
        level = _core.open_derivative(self)
        try:
            return self._call(func, leaves)
        finally:
            _core.close_derivative(level)

    def tensors(self) -> list[Tensor]:
        """All that the function is given."""
        return [leaf for leaf in tree_flatten((self.args, self.kwargs))[0] if isinstance(leaf, Tensor)]

    def _call(self, func: Callable[..., Any], leaves: Sequence[Any]) -> Any:
        if self.spec is None and isinstance(name := self.names[0], int):
            return func(*self.args[:name], leaves[0], *self.args[name + 1 :], **self.kwargs)
        tree = self.tree(leaves)
        values = [tree] if self.alone else tree.values() if isinstance(tree, dict) else tree
        args, kwargs = list(self.args), self.kwargs
        for name, value in zip(self.names, values):
            if isinstance(name, int):
                args[name] = value
            else:
                kwargs = {**kwargs, name: value}
        return func(*args, **kwargs)


def _place(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> str | int:
    """Where the argument of this name is in a call: its position, or its name."""
    import inspect

    if name in kwargs:
        return name
    parameters = [
        p.name
        for p in inspect.signature(func).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if name in parameters and parameters.index(name) < len(args):
        return parameters.index(name)
    raise RuntimeError(f"Got argname={name!r}, but the function is not given an argument of this name.")


# ---- what comes back ---------------------------------------------------------------------------------------


def with_aux(result: Any, who: str) -> tuple[Any, Any]:
    """The pair (output, aux) that a function has to return under `has_aux`."""
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{who}: output of function f should be a tuple: (output, aux) if has_aux is True. "
            f"It returned {_kind(result)}."
        )
    return result


def all_real(leaves: Iterable[Any], who: str, what: str) -> None:
    """RuntimeError for the first complex one of the inputs or outputs of a Jacobian."""
    for index, leaf in enumerate(leaves):
        if isinstance(leaf, Tensor) and leaf.dtype.is_complex:
            raise RuntimeError(
                f"{who}: Expected all {what} to be real but received complex tensor at flattened input idx: {index}. Their "
                "real and imaginary parts have a Jacobian: pullback.view_as_real gives them."
            )


def tensors_out(leaves: list[Any], who: str) -> None:
    """RuntimeError unless a function returned tensors, one at least."""
    if not leaves or (len(leaves) == 1 and leaves[0] is None):
        raise RuntimeError(
            f"{who}: Expected f to be a function that has non-empty output (got output = {leaves}). "
            f"It may lack a return."
        )
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(
                f"{who}: expected f(*primals) to return only tensors, got unsupported type {type(leaf)}. "
                f"What is not to be differentiated may be returned beside, with has_aux=True."
            )


def require_tensor(leaf: Any) -> None:
    """ValueError for a leaf of the differentiated arguments that is no tensor."""
    if not isinstance(leaf, Tensor):
        raise ValueError(
            f"Thing passed to transform API must be Tensor, got {type(leaf)}. Numbers have to become tensors first; "
            f"argnums says which arguments are differentiated by."
        )


def _kind(value: Any) -> str:
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else type(value).__name__
