"""Reverse mode as functions of functions: `grad`, `grad_and_value`, `value_and_grad`, `vjp`.

A transform replaces the arguments that it differentiates by with variables of its own, runs the function with
recording on, and has the engine capture what arrives at the variables. Nested transforms have variables of their own,
whose edges the engine tells apart: perturbations cannot be confused. What happens outside decides what is kept:

- recording was on outside and an argument requires grad there: its variable is a recorded view of it, so that the
  gradient can be differentiated further out;
- the walk met a leaf or a history that is not the transform's (a captured weight, an outer variable): the gradient is
  recorded; otherwise it is not, and what was saved is freed on the way;
- recording was off outside (`no_grad`): nothing goes beyond. Inside of the function recording is on all the same.

Tangents of outer levels go along with every value.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd import forward_ad
from ..operators.creation import zeros_like
from .arguments import ALL, Argnums, Chosen, require_tensor, tensors_out, with_aux
from .tree import pictured, tree_flatten, tree_map, tree_unflatten

__all__ = ["grad", "grad_and_value", "value_and_grad", "vjp"]


def recording() -> bool:
    """Whether what is computed here is recorded."""
    return _core.is_grad_enabled() and not _core.is_inference_mode_enabled()


class Recording:
    """A block with recording on, whatever it is outside; `outside` says whether a graph of its results is wanted there."""

    __slots__ = ("asked", "inference", "outside")

    def __enter__(self) -> Recording:
        self.inference = _core.set_inference(False)
        self.asked = _core.set_grad_enabled(True)
        self.outside = self.asked and not self.inference
        return self

    def __exit__(self, *error: object) -> None:
        _core.set_inference(self.inference)
        _core.set_grad_enabled(self.asked)


def variables(leaves: Sequence[Any], outside: bool) -> tuple[Tensor, ...]:
    """The variables of a transform in place of its arguments."""
    for leaf in leaves:
        require_tensor(leaf)
    return tuple([_core.variable(leaf, outside) for leaf in leaves])


def pull(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Any],
    own: tuple[Tensor, ...],
    wanted: tuple[Tensor, ...] | None = None,
    *,
    retain: bool,
    outside: bool,
) -> tuple[list[Tensor], bool]:
    """The gradients for `wanted`, or else for all variables `own`; whether the walk met what is not own."""
    wanted = own if wanted is None else wanted
    if not wanted:
        return [], False
    pairs = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if y.requires_grad]
    if not pairs:
        return [zeros_like(x.detach()) for x in wanted], False
    # A tangent with a history may hide in any value: nobody would meet it.
    hidden = outside and bool(forward_ad._open.recorded)
    ys, gs = tuple([y for y, _ in pairs]), tuple([g for _, g in pairs])
    beyond = True
    if hidden:
        found = _core.run_backward(ys, gs, wanted, True, True, True, False)
    else:
        found, beyond = _core.run_backward(ys, gs, wanted, retain, outside, True, False, True, own)
    gradients = [zeros_like(x.detach()) if g is None else g for g, x in zip(found, wanted)]
    if outside and beyond:
        gradients = [_core.settled(g, own) for g in gradients]
    return gradients, beyond and outside


def walk(
    outputs: Sequence[Any],
    cotangents: Sequence[Any],
    wanted: tuple[Tensor, ...],
    own: tuple[Tensor, ...],
    *,
    retain: bool,
    outside: bool,
) -> tuple[Any, ...]:
    """A walk from outputs that ends at `own` and `wanted`, and leaves what it gives to whoever is around; None is zero.

    Unlike what `pull` gives, its results keep a history that ends at closed variables: the transform that closed them may
    be what differentiates here.
    """
    pairs = [
        (y, g)
        for y, g in zip(outputs, cotangents, strict=True)
        if g is not None and isinstance(y, Tensor) and y.requires_grad
    ]
    if not pairs or not wanted:
        return (None,) * len(wanted)
    ys, gs = tuple([y for y, _ in pairs]), tuple([g for _, g in pairs])
    return _core.run_backward(ys, gs, wanted, retain, outside, True, False, True, own, True)[0]


def leave(tree: Any, own: tuple[Tensor, ...], beyond: bool) -> Any:
    """A tree as it leaves the transform: without what was recorded for the transform alone."""

    def settled(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        if beyond or _core.highest_level((leaf,)):
            return _core.settled(leaf, own)
        return leaf.detach() if leaf.requires_grad else leaf

    return settled(tree) if isinstance(tree, Tensor) else tree_map(settled, tree)


def _gradient(
    func: Callable[..., Any],
    argnums: Any,
    argnames: Any,
    has_aux: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    value: bool,
) -> tuple[Any, Any, Any]:
    """(gradients, value or None, aux or None) of one call."""
    who = "grad_and_value(f)(*args)"
    with Recording() as state:
        chosen = Chosen(func, args, kwargs, argnums, argnames)
        own = variables(chosen.leaves, state.outside)
        output, aux = chosen.call(func, own), None
        if has_aux:
            output, aux = with_aux(output, who)
        if not isinstance(output, Tensor):
            raise RuntimeError(
                f"{who}: Expected f(*args) to return a Tensor, got {type(output)}. float() and item() give numbers "
                f"without a derivative; what else a function returns goes into a tuple, with has_aux=True."
            )
        if output.dim() != 0:
            raise RuntimeError(
                f"{who}: Expected f(*args) to return a scalar Tensor, got tensor with {output.dim()} dims. Maybe you "
                f"wanted to use the vjp or jacrev APIs instead? sum() makes a scalar of it."
            )
        gradients, beyond = pull((output,), (None,), own, retain=False, outside=state.outside)
        _core.close_variables(own)
        return (
            chosen.tree(gradients),
            leave(output, own, beyond) if value else None,
            leave(aux, own, state.outside) if has_aux else None,
        )


def grad(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    argnames: str | Sequence[str] | None = None,
) -> Callable[..., Any]:
    """A function that gives the gradient of `func`, which returns a scalar.

    Args:
        func: takes tensors, or trees of tensors (tuples, lists, dictionaries, named tuples, what is registered), and
            returns a 0-d tensor.
        argnums: the position of the argument to differentiate by, or a tuple of positions; negative ones count from
            the last.
        has_aux: `func` returns a pair: the scalar, and a tree of whatever else, which is handed on.
        argnames: the name of the argument instead, or several names; keyword arguments have no position.

    Returns:
        A function of the same arguments. It gives the gradient, a tree like the argument, each tensor with the shape
        and dtype of its own; for a tuple of `argnums` a tuple of them, for several names a dictionary; with `has_aux`
        a pair of that and aux. Where nothing depends on a tensor its gradient is zeros. It can be differentiated in
        its turn, to any order, by forward mode, too.

    Raises, when it is called:
        RuntimeError: `func` does not return a 0-d tensor (or a pair, under `has_aux`), an argument to differentiate by
            is of integers, is written in place, or is not there.
        ValueError: an argument to differentiate by holds something else than tensors.

    Example:
        >>> pb.func.grad(pb.sin)(pb.tensor(0.0))
        tensor(1.)
        >>> pb.func.grad(pb.func.grad(lambda x: x**3))(pb.tensor(2.0))
        tensor(12.)
        >>> def loss(weights, x):
        ...     return (weights["w"] * x + weights["b"]) ** 2
        >>> pb.func.grad(loss)({"w": pb.tensor(2.0), "b": pb.tensor(1.0)}, pb.tensor(3.0))
        {'w': tensor(42.), 'b': tensor(14.)}
        >>> pb.func.grad(loss, argnames="x")({"w": pb.tensor(2.0), "b": pb.tensor(1.0)}, x=pb.tensor(3.0))
        tensor(28.)
    """

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        gradients, _, aux = _gradient(func, argnums, argnames, has_aux, args, kwargs, False)
        return (gradients, aux) if has_aux else gradients

    return gradient


def grad_and_value(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    argnames: str | Sequence[str] | None = None,
) -> Callable[..., tuple[Any, Any]]:
    """A function that gives the gradient of `func` and its value, in one evaluation.

    Arguments and errors are those of `grad`: RuntimeError and ValueError.

    Returns:
        A function of the same arguments that gives (gradient, value); with `has_aux` (gradient, (value, aux)).

    Example:
        >>> pb.func.grad_and_value(lambda x: x**3)(pb.tensor(2.0))
        (tensor(12.), tensor(8.))
    """

    @functools.wraps(func)
    def gradient_and_value(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        gradients, value, aux = _gradient(func, argnums, argnames, has_aux, args, kwargs, True)
        return gradients, (value, aux) if has_aux else value

    return gradient_and_value


def value_and_grad(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    argnames: str | Sequence[str] | None = None,
) -> Callable[..., tuple[Any, Any]]:
    """As `grad_and_value`, in the order of this name: (value, gradient), or ((value, aux), gradient).

    Arguments and errors are those of `grad`: RuntimeError and ValueError.

    Example:
        >>> pb.func.value_and_grad(lambda x: x**3)(pb.tensor(2.0))
        (tensor(8.), tensor(12.))
    """

    swapped = grad_and_value(func, argnums, has_aux, argnames=argnames)

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        gradients, value = swapped(*args, **kwargs)
        return value, gradients

    return both


class Pullback:
    """The function that `vjp` returns: from cotangents of the outputs to cotangents of the arguments."""

    def __init__(self, outputs: list[Tensor], spec: Any, own: tuple[Tensor, ...], chosen: Chosen) -> None:
        self.outputs, self.spec, self.own, self.chosen = outputs, spec, own, chosen

    def __call__(self, cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given, spec = tree_flatten(cotangents)
        if spec != self.spec:
            raise RuntimeError(
                f"Expected pytree structure of cotangents to be the same as pytree structure of outputs to the "
                f"function. cotangents: {pictured(spec)}, primal output: {pictured(self.spec)}. The "
                f"cotangents are one argument, a tree like the output."
            )
        return self.chosen.tree(self.flat(given, retain_graph, create_graph))

    def flat(
        self, given: Sequence[Any], retain_graph: bool = True, create_graph: bool | None = None
    ) -> list[Tensor]:
        """The same of leaves."""
        for index, (y, g) in enumerate(zip(self.outputs, given)):
            if isinstance(g, Tensor) and g.shape != y.shape:
                raise RuntimeError(
                    f"Mismatch in shape: grad_output[{index}] has a shape of {g.shape} and output[{index}] has a "
                    f"shape of {y.shape}. A cotangent has the shape of the output that it belongs to."
                )
            if g is not None and not isinstance(g, Tensor):
                raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
            if g is not None and g.dtype is not y.dtype and g.dtype.is_complex != y.dtype.is_complex:
                raise RuntimeError(
                    f"For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in "
                    f"dtype: grad_output[{index}] has a dtype of {g.dtype} and output[{index}] has a dtype of {y.dtype}."
                )
        given = [g if g is None or g.dtype is y.dtype else g.to(y.dtype) for y, g in zip(self.outputs, given)]
        outside = recording() if create_graph is None else create_graph
        with Recording():
            return pull(self.outputs, given, self.own, retain=retain_graph, outside=outside)[0]


def pull_back(
    func: Callable[..., Any], args: tuple[Any, ...], argnums: Any, has_aux: bool, values: bool = True
) -> tuple[list[Tensor], Pullback, Any]:
    """The outputs as leaves, their pullback and aux: what `vjp` and `jacrev` begin with.

    Without `values` the outputs are wanted for the way back alone: no list of them, and their tangents are forgotten, so
    that nobody computes them.
    """
    who = "vjp(f, *primals)"
    with Recording() as state:
        chosen = Chosen(func, args, {}, argnums)
        own = variables(chosen.leaves, state.outside)
        output, aux = chosen.call(func, own), None
        if has_aux:
            output, aux = with_aux(output, who)
        outputs, spec = tree_flatten(output)
        tensors_out(outputs, who)
        for y in outputs:
            if not (y.dtype.is_floating_point or y.dtype.is_complex):
                raise RuntimeError(
                    f"vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype "
                    f"{y.dtype}. It can be returned beside them, with has_aux=True."
                )
        _core.close_variables(own)
        given = [leave(y, own, state.outside) for y in outputs] if values else []
        aux = leave(aux, own, state.outside) if has_aux else None
    if not values:
        outputs = [y if y.is_leaf else without_tangents(y) for y in outputs]
    return given, Pullback(outputs, spec, own, chosen), aux


def without_tangents(y: Tensor) -> Tensor:
    """A tensor with the same value and history, of which no level knows a tangent."""
    while level := _core.highest_level((y,)):
        y, _ = _core.unpack_dual(y, level)
    return y


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `func` at `primals`, and its pullback there: a function from cotangents to gradients.

    Args:
        func: takes tensors or trees of them, and returns a tensor or a tree of them, of floating-point numbers.
        primals: its positional arguments; all are differentiated by.
        has_aux: `func` returns a pair: the output, and a tree of whatever else, which is handed on.

    Returns:
        (output, pullback), or (output, pullback, aux). ``pullback(cotangents)`` takes one tree like the output, with
        tensors of the same shapes, and gives a tuple with a tree for each primal: the cotangents times the Jacobian.
        It may be called many times; ``retain_graph=False`` frees what it needs after a call, ``create_graph=False``
        gives results that cannot be differentiated.

    Raises:
        RuntimeError: `func` returns something else than tensors of floating-point numbers; a primal is of integers or
            is written in place; later, cotangents of another structure or shape.
        ValueError: a primal holds something else than tensors.

    Example:
        >>> output, pullback = pb.func.vjp(lambda x: (x.sin(), x.sum()), pb.tensor([0.0, 1.0]))
        >>> output
        (tensor([0.0000, 0.8415]), tensor(1.))
        >>> pullback((pb.tensor([1.0, 0.0]), pb.tensor(10.0)))
        (tensor([11., 10.]),)
    """
    outputs, pullback, aux = pull_back(func, primals, ALL, has_aux)
    output = tree_unflatten(outputs, pullback.spec)
    return (output, pullback, aux) if has_aux else (output, pullback)
