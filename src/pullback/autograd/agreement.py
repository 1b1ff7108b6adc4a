"""Where derivatives have to agree with differences, and with each other: a function for each check of `gradcheck`.

Each raises GradcheckError; numerical.py says which are made.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from .. import _core
from .._core import Tensor, float64
from ..func.batch import vmap
from ..operators.creation import zeros, zeros_like
from ..operators.joining import stack
from ..operators.random import rand
from .backward import grad
from .forward_ad import dual_level, make_dual, unpack_dual
from .function import Function as CustomFunction
from .gradcheck import GradcheckError
from .jacobians import (
    Function,
    Outputs,
    as_tuple,
    check_gradient,
    difference,
    differentiable,
    forward_jacobian,
    is_float,
    numerical_jacobian,
    pull,
    push,
    reverse_jacobian,
    wanted_of,
)


def _close(a: Tensor, n: Tensor, rtol: float, atol: float) -> bool:
    return bool(a.to(float64).allclose(n.to(float64), rtol, atol))


def _mismatch(a: Any, n: Any, output: int, i: int, mode: str = "") -> GradcheckError:
    return GradcheckError(
        f"Jacobian {mode}mismatch for output {output:d} with respect to input {i:d},\nnumerical:{n}\nanalytical:{a}\n"
    )


FORWARD = "computed with forward mode "


def check_slow(
    func: Function, inputs: Outputs, rtol: float, atol: float, options: dict[str, Any], forward: bool
) -> None:
    """Whole Jacobians."""
    outputs = as_tuple(func(*inputs))
    kept, wanted = differentiable(outputs), wanted_of(inputs)
    numerical = {i: numerical_jacobian(func, inputs, i, options["eps"]) for i in wanted}
    if not kept:
        for i in wanted:
            for n in numerical[i]:
                if n.ne(0).any():
                    raise GradcheckError("Numerical gradient for function expected to be zero")
        return
    if forward:
        for i in wanted:
            found = forward_jacobian(func, inputs, i, outputs)
            for j in kept:
                if not _close(found[j], numerical[i][j], rtol, atol):
                    raise _mismatch(found[j], numerical[i][j], kept.index(j), wanted.index(i), FORWARD)
        return
    xs = [inputs[i] for i in wanted]
    for j in kept:
        blocks = reverse_jacobian(outputs[j], xs, options["check_grad_dtypes"])
        _check_reentrant(blocks, reverse_jacobian(outputs[j], xs, False), options["nondet_tol"])
        for place, (i, block) in enumerate(zip(wanted, blocks)):
            if not _close(block, numerical[i][j], rtol, atol):
                raise _mismatch(block, numerical[i][j], kept.index(j), place)


def _check_reentrant(first: list[Tensor], second: list[Tensor], tolerance: float) -> None:
    for a, b in zip(first, second):
        if a.numel() and (a - b).abs().max().item() > tolerance:
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives "
                "different values, although analytical gradient matches numerical gradient."
                f"The tolerance for nondeterminism was {tolerance}. A larger one is given as nondet_tol."
            )


def _direction(t: Tensor) -> Tensor:
    """A random vector of length 1 in the positive quadrant, from the caller's own generator."""
    generator = _core.Generator()
    generator.manual_seed(t.numel() + 1)
    v = rand(t.shape, dtype=t.dtype, generator=generator) + 0.1
    return v / v.norm()


def check_fast(
    func: Function, inputs: Outputs, rtol: float, atol: float, options: dict[str, Any], forward: bool
) -> None:
    """One number of each Jacobian: a random combination of its columns (of its rows and columns, in reverse mode)."""
    outputs = as_tuple(func(*inputs))
    kept, wanted = differentiable(outputs), wanted_of(inputs)
    us = {i: _direction(inputs[i]) for i in wanted}
    eps = options["eps"]
    numerical = {
        i: difference(func, inputs, inputs[i], us[i].mul(eps), eps, ...) if inputs[i].numel() else None
        for i in wanted
    }
    if not kept:
        for i in wanted:
            for n in numerical[i] or ():
                if n.numel() and n.abs().max().item() > options["nondet_tol"]:
                    raise GradcheckError("Numerical gradient for function expected to be zero")
        return
    for j in kept:
        v = _direction(outputs[j]).reshape(-1)
        xs = [inputs[i] for i in wanted]
        pulled: tuple[Any, ...] = ()
        if not forward:
            pulled = pull(outputs[j], xs, v.view(outputs[j].shape))
            again = pull(outputs[j], xs, v.view(outputs[j].shape))
            for x, g in zip(xs, pulled):
                check_gradient(x, g, options["check_grad_dtypes"])
            pairs = [(a.detach(), b.detach()) for a, b in zip(pulled, again) if a is not None]
            _check_reentrant([a for a, _ in pairs], [b for _, b in pairs], options["nondet_tol"])
        for place, i in enumerate(wanted):
            n = numerical[i]
            if n is None or not outputs[j].numel():
                continue
            scale = us[i].sum().item()
            if forward:
                a, truth = push(func, inputs, i, us[i])[j], n[j]
            else:
                g = pulled[place]
                a = zeros((), dtype=float64) if g is None else (g.detach() * us[i]).sum()
                truth, scale = (n[j] * v).sum(), scale * v.sum().item()
            if not _close(a, truth, rtol, atol * scale):
                mode = FORWARD if forward else ""
                error = _mismatch(a, truth, kept.index(j), place, mode)
                slow = numerical_jacobian(func, inputs, i, eps)[j]
                found = (
                    forward_jacobian(func, inputs, i, outputs)[j]
                    if forward
                    else reverse_jacobian(outputs[j], [inputs[i]], False)[0]
                )
                raise GradcheckError(
                    f"{error}\nThe above quantities relating the numerical and analytical jacobians are computed in "
                    f"fast mode. Below, we recompute numerical and analytical jacobians in slow mode:\n\nNumerical:\n "
                    f"{slow}\nAnalytical:\n{found}\n\nThe max per-element difference (slow mode) is: "
                    f"{(slow - found).abs().max()}.\n"
                )


def check_nestings(func: Function, inputs: Outputs, rtol: float, atol: float, eps: float) -> None:
    """Second derivatives along random directions, by every nesting, beside differences of first derivatives.

    Of reverse mode: the change of v'J along w. Of forward mode: the change of Ju along w. Each by both modes.
    """
    wanted = wanted_of(inputs)
    xs = [inputs[i] for i in wanted]
    vs = [_direction(y.detach()) if is_float(y) else None for y in as_tuple(func(*inputs))]
    us, ws = (
        [_direction(x.detach()) for x in xs],
        [_direction(x.detach()).flip(0) if x.dim() else x.detach() * 0 + 1 for x in xs],
    )

    def call(args: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        whole = list(inputs)
        for i, x in zip(wanted, args):
            whole[i] = x
        return [(y, v) for y, v in zip(as_tuple(func(*whole)), vs) if v is not None]

    def pulled(args: Sequence[Tensor]) -> list[Tensor]:
        pairs = [(y, v) for y, v in call(args) if y.requires_grad]
        if not pairs:
            return [zeros_like(x.detach()) for x in args]
        found = grad([y for y, _ in pairs], args, [v for _, v in pairs], create_graph=True, allow_unused=True)
        return [zeros_like(x.detach()) if g is None else g for g, x in zip(found, args)]

    def pushed(args: Sequence[Tensor]) -> list[Tensor]:
        with dual_level():
            found = call([make_dual(x, u) for x, u in zip(args, us)])
            pairs = [unpack_dual(y) for y, _ in found]
        return [zeros_like(p.detach()) if t is None else t for p, t in pairs]

    def fresh(requires_grad: bool = True) -> list[Tensor]:
        return [_core.require_grad(x.detach().clone(), requires_grad) for x in xs]

    def by_differences(first: Function) -> list[Tensor]:
        ends = []
        for sign in (-1.0, 1.0):
            args = [_core.require_grad(x.detach() + sign * eps * w) for x, w in zip(xs, ws)]
            ends.append([t.detach() for t in first(args)])
        return [(b - a) / (2 * eps) for a, b in zip(*ends)]

    def by_reverse(first: Function) -> list[Tensor]:
        """Its change along `ws`: the pullback of it, pulled back with respect to a cotangent that stays a variable."""
        args = fresh()
        results = list(first(args))
        seeds = [_core.require_grad(zeros_like(t.detach())) for t in results]
        pairs = [(t, s) for t, s in zip(results, seeds) if t.requires_grad]
        if not pairs:
            return [zeros_like(s.detach()) for s in seeds]
        back = grad([t for t, _ in pairs], args, [s for _, s in pairs], create_graph=True, allow_unused=True)
        both = [(g, w) for g, w in zip(back, ws) if g is not None and g.requires_grad]
        if not both:
            return [zeros_like(s.detach()) for s in seeds]
        found = grad([g for g, _ in both], seeds, [w for _, w in both], allow_unused=True)
        return [zeros_like(s.detach()) if g is None else g for g, s in zip(found, seeds)]

    def by_forward(first: Function) -> list[Tensor]:
        with dual_level():
            results = first([make_dual(x, w) for x, w in zip(fresh(), ws)])
            pairs = [unpack_dual(t) for t in results]
        return [zeros_like(p.detach()) if t is None else t.detach() for p, t in pairs]

    for inner, first in (("reverse", pulled), ("forward", pushed)):
        truth = by_differences(first)
        for outer, second in (("reverse", by_reverse), ("forward", by_forward)):
            for k, (a, n) in enumerate(zip(second(first), truth)):
                if not _close(a, n, rtol, atol):
                    what = "gradient by input" if inner == "reverse" else "tangent of output"
                    raise GradcheckError(
                        f"Second derivative by {outer} mode over {inner} mode mismatch for the {what} {k},\n"
                        f"numerical:{n}\nanalytical:{a}\n"
                    )


def check_undefined(func: Function, inputs: Outputs) -> None:
    """Gradients of zero, and none at all, give none or zeros."""
    xs = [inputs[i] for i in wanted_of(inputs)]
    count = len(differentiable(func(*inputs)))
    cases = [None, *range(count)] if count > 1 else [None]
    for one in cases:
        outputs = as_tuple(func(*inputs))
        ys = [outputs[j] for j in differentiable(outputs)]
        gs = [None if one in (None, k) else zeros_like(y.detach()) for k, y in enumerate(ys)]
        try:
            found = grad(
                [_Undefined.apply(y) if g is None else y for y, g in zip(ys, gs)],
                xs,
                [zeros_like(y.detach()) for y in ys],
                allow_unused=True,
            )
        except Exception as error:
            _warn_of_undefined()
            raise GradcheckError(
                "Expected backward function to handle undefined output grads. An output that nothing depends on has "
                "the gradient None, where set_materialize_grads(False) was called."
            ) from error
        for g in found:
            if g is not None and g.ne(0).any():
                _warn_of_undefined()
                raise GradcheckError(
                    "Expected all input grads to be undefined or zero when all output grads are undefined or zero."
                )


def _warn_of_undefined() -> None:
    warnings.warn(
        "Backwards compatibility: New undefined gradient support checking feature is enabled by default, but it may "
        "break existing callers of this function. If this is true for you, you can call this function with "
        '"check_undefined_grad=False" to disable the feature',
        stacklevel=2,
    )


class _Undefined(CustomFunction):
    """The identity; what it pulls back is nothing."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> None:
        return None


def check_undefined_tangents(func: Function, inputs: Outputs) -> None:
    """A tangent that is not there is one of zeros."""
    wanted = wanted_of(inputs)
    if len(wanted) < 2:
        return
    for missing in wanted:
        results = []
        for filled in (True, False):
            with dual_level():
                args = list(inputs)
                for i in wanted:
                    x = inputs[i].detach()
                    if i != missing:
                        args[i] = make_dual(x, _direction(x))
                    else:
                        args[i] = make_dual(x, zeros_like(x)) if filled else x
                outputs = [y for y in as_tuple(func(*args)) if is_float(y)]
                results.append([unpack_dual(y)[1] for y in outputs])
        for j, (a, b) in enumerate(zip(*results)):
            if a is not None and b is not None and not a.allclose(b):
                raise GradcheckError(
                    f"Mismatch in tangent values for output with index: {j} when input: {inputs[missing]} has an "
                    f"undefined tangent value.  Got: {a} but expected: {b}"
                )


def check_zero_gradients(outputs: Outputs, inputs: Outputs) -> None:
    """A cotangent of zeros gives zeros, of the inputs' shapes."""
    xs = [inputs[i] for i in wanted_of(inputs)]
    ys = [outputs[j] for j in differentiable(outputs)]
    if not ys:
        return
    found = grad(ys, xs, [zeros_like(y.detach()) for y in ys], retain_graph=True, allow_unused=True)
    for g, x in zip(found, xs):
        if g is not None and g.ne(0).any():
            raise GradcheckError("backward not multiplied by grad_output")
        if g is not None and g.dtype != x.dtype:
            raise GradcheckError("grad is incorrect type")
        if g is not None and g.shape != x.shape:
            raise GradcheckError("grad is incorrect size")


def check_batched(y: Tensor, inputs: Outputs, index: int) -> None:
    """Gradients of two cotangents together are those of each."""
    xs = [inputs[i] for i in wanted_of(inputs)]
    seeds = stack(_two(y.detach()))
    with _batched(""):
        together: Any = grad(y, xs, seeds, retain_graph=True, allow_unused=True, is_grads_batched=True)
    each = [pull(y, xs, seed) for seed in seeds]
    for k, g in enumerate(together):
        for row, alone in enumerate(each):
            one = alone[k]
            if (g is None) != (one is None) or (g is not None and not g[row].allclose(one)):
                raise GradcheckError(
                    f"For output {index} and input {k}:\n\ngradcheck or gradgradcheck failed while testing batched "
                    f"gradient computation.\n\nGot:\n{g}\n\nExpected:\n{one}"
                )


def check_batched_forward(func: Function, inputs: Outputs) -> None:
    """Tangents of two directions together, through `vmap`, are those of each."""
    for i in wanted_of(inputs):
        pair = _two(inputs[i].detach())
        each = [stack(column) for column in zip(*[push(func, inputs, i, tangent) for tangent in pair])]
        with _batched(" with forward-mode AD"):
            together = vmap(lambda tangent, i=i: push(func, inputs, i, tangent))(stack(pair))
        for j, (t, one) in enumerate(zip(together, each)):
            if not t.allclose(one):
                raise GradcheckError(
                    f"For output {j} and input {i}:\n\ngradcheck failed while testing batched gradient computation "
                    f"with forward-mode AD.\n\nGot:\n{t}\n\nExpected:\n{one}"
                )


def _two(like: Tensor) -> tuple[Tensor, Tensor]:
    first = _direction(like)
    return first, first.flip(0) if like.dim() else first * 2


@contextlib.contextmanager
def _batched(how: str) -> Iterator[None]:
    """A block whose errors say that a derivative cannot be computed for a batch."""
    try:
        yield
    except RuntimeError as error:
        raise GradcheckError(
            f"While computing batched gradients, got: {error}\n\ngradcheck failed while testing batched gradient "
            f"computation{how}. What is written in Python looks at values there, or writes in place: "
            f"check_batched{'_forward' if how else ''}_grad=False leaves this out."
        ) from error
