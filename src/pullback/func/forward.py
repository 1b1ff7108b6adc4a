"""Forward mode as functions of functions: `jvp`, and `linearize`, which is reverse mode transposed.

`jvp` opens a level of dual tensors for itself; tangents belong to levels, so nested ones are never confused.
`linearize` evaluates the function once, pulls back a cotangent that stays a variable, and pulls that back for each
tangent: a pullback is linear in its cotangent, and the pullback of that linear map is the pushforward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.forward_ad import dual_level, make_dual, unpack_dual
from ..operators.creation import zeros_like
from .arguments import ALL, Chosen, require_tensor, tensors_out, with_aux
from .reverse import Recording, pull, pull_back, recording
from .tree import TreeSpec, tree_flatten, tree_map, tree_unflatten

__all__ = ["jvp", "linearize"]

WHO = "jvp(f, primals, tangents)"


def push_forward(
    func: Callable[..., Any],
    chosen: Chosen,
    tangents: Sequence[Tensor | None],
    has_aux: bool,
    strict: bool = False,
) -> tuple[list[Tensor], list[Tensor], TreeSpec, Any]:
    """Outputs and their tangents as leaves, the structure of both, and aux. A tangent of None is zero."""
    with dual_level():
        duals = [x if t is None else make_dual(x, t) for x, t in zip(chosen.leaves, tangents)]
        output, aux = chosen.call(func, duals), None
        if has_aux:
            output, aux = with_aux(output, WHO)
            aux = tree_map(lambda leaf: unpack_dual(leaf)[0] if isinstance(leaf, Tensor) else leaf, aux)
        leaves, spec = tree_flatten(output)
        tensors_out(leaves, WHO)
        outputs, pushed = [], []
        for leaf in leaves:
            primal, tangent = unpack_dual(leaf)
            if tangent is None:
                if strict:
                    raise RuntimeError(
                        "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This "
                        "is not allowed with strict=True."
                    )
                tangent = zeros_like(primal.detach())
            outputs.append(primal)
            pushed.append(tangent)
    return outputs, pushed, spec, aux


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> Any:
    """The value of `func` at `primals`, and its derivative there along `tangents`: the Jacobian times them.

    Args:
        func: takes tensors or trees of them, and returns a tensor or a tree of them.
        primals: a tuple of its positional arguments.
        tangents: a tuple like it; each tensor has the shape of its primal.
        strict: raise where an output does not depend on the primals, instead of giving zeros.
        has_aux: `func` returns a pair: the output, and a tree of whatever else, which is handed on.

    Returns:
        (output, tangent of the output), or (output, tangent, aux).

    Raises:
        RuntimeError: `primals` is no tuple; `tangents` has another structure or a tensor another shape; `func` returns
            something else than tensors; an output is independent of the primals, under `strict`.
        ValueError: a primal is of integers.

    Example:
        >>> pb.func.jvp(pb.sin, (pb.tensor([0.0, 1.0]),), (pb.tensor([1.0, 2.0]),))
        (tensor([0.0000, 0.8415]), tensor([1.0000, 1.0806]))
        >>> second = lambda x: pb.func.jvp(pb.exp, (x,), (pb.ones(()),))[1]
        >>> pb.func.jvp(second, (pb.tensor(0.0),), (pb.tensor(3.0),))
        (tensor(1.), tensor(3.))
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{WHO}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals). "
            f"Got {type(primals).__name__}; for one argument write (x,)."
        )
    chosen = Chosen(func, primals, {}, ALL)
    given, spec = tree_flatten(tangents)
    if spec != chosen.spec:
        raise RuntimeError(
            f"{WHO}: Expected primals and tangents to have the same python structure. For example, if primals is a "
            f"tuple of 3 tensors, tangents also must be. Got primals with structure {chosen.spec} and tangents with "
            f"structure {spec}"
        )
    for leaves, what in ((chosen.leaves, "primals"), (given, "tangents")):
        if not leaves:
            raise RuntimeError(f"{WHO}: Expected {what} to contain at least one Tensor.")
        for leaf in leaves:
            if not isinstance(leaf, Tensor):
                raise RuntimeError(f"{WHO}: Expected {what} to only contain Tensors, got {type(leaf)}")
    outputs, pushed, spec, aux = push_forward(func, chosen, given, has_aux, strict)
    both = spec.unflatten(outputs), spec.unflatten(pushed)
    return (*both, aux) if has_aux else both


class Pushforward:
    """The function that `linearize` returns: from tangents of the primals to those of the outputs; `pullback` goes back."""

    def __init__(self, func: Callable[..., Any], primals: tuple[Any, ...]) -> None:
        outputs, pullback, _ = pull_back(func, primals, ALL, False)
        self.output = tree_unflatten(outputs, pullback.spec)
        self.pullback, self.spec, self.chosen = pullback, pullback.spec, pullback.chosen
        with Recording():
            self.seeds = tuple([_core.require_grad(zeros_like(y.detach())) for y in pullback.outputs])
            _core.close_variables(self.seeds)
            self.own = pullback.own + self.seeds
            pairs = [(y, s) for y, s in zip(pullback.outputs, self.seeds) if y.requires_grad]
            pulled: Any = (None,) * len(pullback.own)
            if pairs and pullback.own:
                ys, seeds = tuple([y for y, _ in pairs]), tuple([s for _, s in pairs])
                pulled = _core.run_backward(ys, seeds, pullback.own, True, True, True, False)
            self.pulled = pulled

    def __call__(self, *tangents: Any) -> Any:
        given, spec = tree_flatten(tangents)
        if spec != self.chosen.spec:
            raise RuntimeError(
                f"Expected the tangents {spec} to have the same argspec as the primals {self.chosen.spec}. "
                f"There is one argument for each primal, a tree like it."
            )
        for index, (x, t) in enumerate(zip(self.chosen.leaves, given)):
            require_tensor(t)
            for what, ours, theirs in (("shape", t.shape, x.shape), ("dtype", t.dtype, x.dtype)):
                if ours != theirs:
                    raise RuntimeError(
                        f"tangent:{index} with {what} {ours} in flattened pytree doesn't match the {what} {theirs} of "
                        f"the corresponding primal."
                    )
        outside = recording()
        pairs = [(g, t) for g, t in zip(self.pulled, given) if g is not None]
        with Recording():
            ys, ts = [g for g, _ in pairs], [t for _, t in pairs]
            pushed, _ = pull(ys, ts, self.own, self.seeds, retain=True, outside=outside)
        return self.spec.unflatten(pushed)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of `func` at `primals`, and its derivative there: a linear function of tangents.

    As `jvp`, for many tangents at one point: `func` is evaluated once, here. Each later call walks what was recorded.

    Args:
        func: takes tensors or trees of them, and returns a tensor or a tree of them, of floating-point numbers. What it
            is made of has to have derivatives of second order.
        primals: its positional arguments.

    Returns:
        (output, pushforward). ``pushforward(*tangents)`` takes a tree for each primal, with tensors of the same shapes
        and dtypes, and gives the tangent of the output.

    Raises:
        RuntimeError: `func` returns something else than tensors of floating-point numbers; a primal is of integers or
            is written in place; later, tangents of another structure, shape or dtype.
        ValueError: a primal holds something else than tensors.

    Example:
        >>> output, pushforward = pb.func.linearize(lambda x, y: x * y, pb.tensor(2.0), pb.tensor(3.0))
        >>> output, pushforward(pb.tensor(1.0), pb.tensor(0.0)), pushforward(pb.tensor(0.0), pb.tensor(1.0))
        (tensor(6.), tensor(3.), tensor(2.))
    """
    pushforward = Pushforward(func, primals)
    return pushforward.output, pushforward
