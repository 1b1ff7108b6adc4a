"""What `gradcheck` and `gradgradcheck` do: derivatives beside central differences.

The numerical Jacobian perturbs the inputs in place, through `data`, so that functions that captured them see it, too.
Each check is a function that raises GradcheckError; `check` says which are made. Jacobians are kept as PyTorch keeps
them: a row for each element of the input, a column for each element of the output.
"""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import _core
from .._core import Tensor, complex128, float64
from ..func.batch import vmap
from ..operators.complex import view_as_complex, view_as_real
from ..operators.creation import zeros, zeros_like
from ..operators.joining import stack
from ..operators.random import rand
from .backward import grad
from .forward_ad import dual_level, make_dual, unpack_dual
from .function import Function as CustomFunction
from .gradcheck import GradcheckError

Function = Callable[..., Any]
Outputs = tuple[Any, ...]


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _is_float(t: Any) -> bool:
    return isinstance(t, Tensor) and t.dtype.is_floating_point


def _wanted(inputs: Outputs) -> list[int]:
    return [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]


def _differentiable(outputs: Any) -> list[int]:
    return [i for i, y in enumerate(_as_tuple(outputs)) if isinstance(y, Tensor) and y.requires_grad]


# ---- differences -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _moved(x: Tensor, direction: Tensor | float, index: Any = ...) -> Iterator[None]:
    """A block in which `x`, or an element of it, is another one."""
    data = x.data
    before = data[index].clone()
    data[index] = before + direction
    try:
        yield
    finally:
        data[index] = before


def _difference(
    func: Function, inputs: Outputs, x: Tensor, step: Any, eps: float, index: Any
) -> list[Tensor]:
    """How the outputs change for each unit of `step`, as vectors."""
    values = []
    for sign in (-1.0, 1.0):
        with _moved(x, sign * step, index):
            values.append([y.detach().clone() for y in _as_tuple(func(*inputs))])
    for a, b in zip(*values):
        for what in ("shape", "dtype"):
            if getattr(a, what) != getattr(b, what):
                raise AssertionError(
                    f"Expected `func` to return outputs with the same {what} when inputs are perturbed by {eps}, but "
                    f"got: {what}s {getattr(a, what)} and {getattr(b, what)}."
                )
    return [
        (b - a).reshape(-1) / (2 * eps) if _is_float(a) else zeros(a.numel(), dtype=float64)
        for a, b in zip(*values)
    ]


def _places(x: Tensor) -> Iterator[tuple[int, ...]]:
    return itertools.product(*[range(size) for size in x.shape])


def numerical_jacobian(func: Function, inputs: Outputs, i: int, eps: float) -> list[Tensor]:
    """The Jacobian of each output by input `i`, from differences."""
    x = inputs[i]
    columns = [_difference(func, inputs, x, eps, eps, place) for place in _places(x)]
    if not columns:
        return [zeros(0, y.numel(), dtype=float64) for y in _as_tuple(func(*inputs))]
    return [stack(rows) for rows in zip(*columns)]


# ---- derivatives -------------------------------------------------------------------------------------------


def _pull(y: Tensor, xs: Sequence[Tensor], cotangent: Tensor) -> tuple[Any, ...]:
    found: tuple[Any, ...] = grad(y, xs, cotangent, retain_graph=True, allow_unused=True)
    return found


def reverse_jacobian(y: Tensor, xs: list[Tensor], check_dtypes: bool) -> list[Tensor]:
    """The Jacobian of one output by each input, row by row."""
    blocks = [zeros(x.numel(), y.numel(), dtype=x.dtype) for x in xs]
    for k in range(y.numel()):
        for x, block, g in zip(xs, blocks, _pull(y, xs, _unit(y, k))):
            _check_gradient(x, g, check_dtypes)
            if g is not None:
                block[:, k] = g.detach().reshape(-1)
    return blocks


def _check_gradient(x: Tensor, g: Tensor | None, check_dtypes: bool) -> None:
    if g is not None and g.shape != x.shape:
        raise GradcheckError("Analytical gradient has incorrect size")
    if g is not None and check_dtypes and g.dtype != x.dtype:
        raise GradcheckError("Gradient has dtype mismatch")


def _unit(y: Tensor, k: int) -> Tensor:
    unit = zeros(y.numel(), dtype=y.dtype)
    unit[k] = 1.0
    return unit.view(y.shape)


def _push(func: Function, inputs: Outputs, i: int, tangent: Tensor) -> list[Tensor]:
    """The tangents of the outputs, as vectors, for a tangent of input `i`; those of the others are zeros."""
    with dual_level():
        duals = [
            make_dual(x.detach(), tangent if k == i else zeros_like(x.detach()))
            if k in _wanted(inputs)
            else x
            for k, x in enumerate(inputs)
        ]
        pairs = [unpack_dual(y) if isinstance(y, Tensor) else (y, None) for y in _as_tuple(func(*duals))]
    return [
        zeros(primal.numel(), dtype=primal.dtype if _is_float(primal) else float64)
        if tangent is None or not _is_float(primal)
        else tangent.detach().reshape(-1)
        for primal, tangent in pairs
    ]


def forward_jacobian(func: Function, inputs: Outputs, i: int, outputs: Outputs) -> list[Tensor]:
    """The Jacobian of each output by input `i`, column by column."""
    x = inputs[i]
    columns = [_push(func, inputs, i, _unit(x, k)) for k in range(x.numel())]
    if not columns:
        return [zeros(0, y.numel(), dtype=float64) for y in outputs]
    return [stack(rows) for rows in zip(*columns)]


# ---- the checks --------------------------------------------------------------------------------------------


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
    outputs = _as_tuple(func(*inputs))
    kept, wanted = _differentiable(outputs), _wanted(inputs)
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
    outputs = _as_tuple(func(*inputs))
    kept, wanted = _differentiable(outputs), _wanted(inputs)
    us = {i: _direction(inputs[i]) for i in wanted}
    eps = options["eps"]
    numerical = {
        i: _difference(func, inputs, inputs[i], us[i].mul(eps), eps, ...) if inputs[i].numel() else None
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
            pulled = _pull(outputs[j], xs, v.view(outputs[j].shape))
            again = _pull(outputs[j], xs, v.view(outputs[j].shape))
            for x, g in zip(xs, pulled):
                _check_gradient(x, g, options["check_grad_dtypes"])
            pairs = [(a.detach(), b.detach()) for a, b in zip(pulled, again) if a is not None]
            _check_reentrant([a for a, _ in pairs], [b for _, b in pairs], options["nondet_tol"])
        for place, i in enumerate(wanted):
            n = numerical[i]
            if n is None or not outputs[j].numel():
                continue
            scale = us[i].sum().item()
            if forward:
                a, truth = _push(func, inputs, i, us[i])[j], n[j]
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
    wanted = _wanted(inputs)
    xs = [inputs[i] for i in wanted]
    vs = [_direction(y.detach()) if _is_float(y) else None for y in _as_tuple(func(*inputs))]
    us, ws = (
        [_direction(x.detach()) for x in xs],
        [_direction(x.detach()).flip(0) if x.dim() else x.detach() * 0 + 1 for x in xs],
    )

    def call(args: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        whole = list(inputs)
        for i, x in zip(wanted, args):
            whole[i] = x
        return [(y, v) for y, v in zip(_as_tuple(func(*whole)), vs) if v is not None]

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
        return [x.detach().clone().requires_grad_(requires_grad) for x in xs]

    def by_differences(first: Function) -> list[Tensor]:
        ends = []
        for sign in (-1.0, 1.0):
            args = [(x.detach() + sign * eps * w).requires_grad_() for x, w in zip(xs, ws)]
            ends.append([t.detach() for t in first(args)])
        return [(b - a) / (2 * eps) for a, b in zip(*ends)]

    def by_reverse(first: Function) -> list[Tensor]:
        """Its change along `ws`: the pullback of it, pulled back with respect to a cotangent that stays a variable."""
        args = fresh()
        results = list(first(args))
        seeds = [zeros_like(t.detach()).requires_grad_() for t in results]
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
    xs = [inputs[i] for i in _wanted(inputs)]
    count = len(_differentiable(func(*inputs)))
    cases = [None, *range(count)] if count > 1 else [None]
    for one in cases:
        outputs = _as_tuple(func(*inputs))
        ys = [outputs[j] for j in _differentiable(outputs)]
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
    wanted = _wanted(inputs)
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
                outputs = [y for y in _as_tuple(func(*args)) if _is_float(y)]
                results.append([unpack_dual(y)[1] for y in outputs])
        for j, (a, b) in enumerate(zip(*results)):
            if a is not None and b is not None and not a.allclose(b):
                raise GradcheckError(
                    f"Mismatch in tangent values for output with index: {j} when input: {inputs[missing]} has an "
                    f"undefined tangent value.  Got: {a} but expected: {b}"
                )


def check_zero_gradients(outputs: Outputs, inputs: Outputs) -> None:
    """A cotangent of zeros gives zeros, of the inputs' shapes."""
    xs = [inputs[i] for i in _wanted(inputs)]
    ys = [outputs[j] for j in _differentiable(outputs)]
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
    xs = [inputs[i] for i in _wanted(inputs)]
    seeds = stack(_two(y.detach()))
    with _batched(""):
        together: Any = grad(y, xs, seeds, retain_graph=True, allow_unused=True, is_grads_batched=True)
    each = [_pull(y, xs, seed) for seed in seeds]
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
    for i in _wanted(inputs):
        pair = _two(inputs[i].detach())
        each = [stack(column) for column in zip(*[_push(func, inputs, i, tangent) for tangent in pair])]
        with _batched(" with forward-mode AD"):
            together = vmap(lambda tangent, i=i: _push(func, inputs, i, tangent))(stack(pair))
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


# ---- what is called ----------------------------------------------------------------------------------------


def _check_inputs(inputs: Outputs) -> None:
    if not _wanted(inputs):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for i in _wanted(inputs):
        x = inputs[i]
        if x.dtype not in (float64, complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                f"will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=4,
            )
        if any(stride == 0 and size > 1 for stride, size in zip(x.stride(), x.shape)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                f"non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous "
                f"on the input before passing it to gradcheck."
            )


def _is_complex(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_complex()


def _of_reals(func: Function, inputs: Outputs) -> tuple[Function, Outputs]:
    """`func` between real tensors: what is complex is a view of pairs, in the same memory.

    So a complex derivative is checked as what it says of real and imaginary parts, holomorphic or not.
    """
    pairs = [_is_complex(x) and x.requires_grad for x in inputs]

    def of_reals(*args: Any) -> Any:
        given = [view_as_complex(x) if pair else x for x, pair in zip(args, pairs)]
        outputs = func(*given)
        if not any(_is_complex(y) for y in _as_tuple(outputs)):
            return outputs
        return tuple([view_as_real(y) if _is_complex(y) else y for y in _as_tuple(outputs)])

    reals = [view_as_real(x.detach()).requires_grad_() if pair else x for x, pair in zip(inputs, pairs)]
    return of_reals, tuple(reals)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def check(func: Function, inputs: Any, raise_exception: bool = True, **options: Any) -> bool:
    """`gradcheck`, of its options."""
    forward, backward = options["check_forward_ad"], options["check_backward_ad"]
    _require(forward or backward, "Expected at least one of check_forward_ad or check_backward_ad to be True")
    _require(
        backward or not options["check_batched_grad"],
        "Setting check_batched_grad=True requires check_backward_ad to be True",
    )
    _require(
        forward or not options["check_batched_forward_grad"],
        "Setting check_batched_forward_grad=True requires check_forward_ad to be True",
    )
    try:
        _check_all(func, _as_tuple(inputs), options)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_all(func: Function, inputs: Outputs, options: dict[str, Any]) -> None:
    _check_inputs(inputs)
    func, inputs = _of_reals(func, inputs)
    rtol, atol = options["rtol"], options["atol"]
    jacobians = check_fast if options["fast_mode"] else check_slow
    for forward in (False, True):
        if options["check_forward_ad" if forward else "check_backward_ad"]:
            jacobians(func, inputs, rtol, atol, options, forward)
    if options["check_forward_ad"] and options["check_undefined_grad"]:
        check_undefined_tangents(func, inputs)
    if options["check_batched_forward_grad"]:
        check_batched_forward(func, inputs)
    if options["check_all_nestings"]:
        check_nestings(func, inputs, rtol, atol, options["eps"])
    if not options["check_backward_ad"]:
        return
    outputs = _as_tuple(func(*inputs))
    if options["check_batched_grad"]:
        for index, j in enumerate(_differentiable(outputs)):
            check_batched(outputs[j], inputs, index)
    check_zero_gradients(outputs, inputs)
    if options["check_undefined_grad"] and _differentiable(outputs):
        check_undefined(func, inputs)


def check_second(
    func: Function,
    inputs: Any,
    grad_outputs: Any,
    gen_non_contig_grad_outputs: bool,
    check_fwd_over_rev: bool,
    check_rev_over_rev: bool,
    **options: Any,
) -> bool:
    """`gradgradcheck`, of its options: `gradcheck` of the gradient as a function of inputs and cotangents."""
    _require(
        check_fwd_over_rev or check_rev_over_rev,
        "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True",
    )
    for option in ("check_undefined_grad", "check_batched_grad"):
        _require(
            check_rev_over_rev or not options[option],
            f"Setting {option}=True requires check_rev_over_rev to be True",
        )
    given = _as_tuple(inputs)
    if grad_outputs is None:
        outputs = _as_tuple(func(*given))
        cotangents = tuple(
            [_cotangent(outputs[j], gen_non_contig_grad_outputs) for j in _differentiable(outputs)]
        )
    else:
        cotangents = _as_tuple(grad_outputs)
    wanted, seeds, count = _wanted(given), _wanted(cotangents), len(given)

    def gradient(*args: Any) -> Outputs:
        xs = [x.requires_grad_() if i in wanted else x for i, x in enumerate(args[:count])]
        gs = [g.requires_grad_() if i in seeds else g for i, g in enumerate(args[count:])]
        outputs = _as_tuple(func(*xs))
        ys = [outputs[j] for j in _differentiable(outputs)]
        found = grad(ys, [xs[i] for i in wanted], gs, create_graph=True, allow_unused=True)
        return tuple([g for g in found if g is not None])

    return check(
        gradient,
        (*given, *cotangents),
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        check_batched_forward_grad=False,
        check_all_nestings=False,
        **options,
    )


def _cotangent(y: Tensor, strided: bool) -> Tensor:
    generator = _core.Generator()
    generator.manual_seed(y.numel() + 7)
    size = (*y.shape[:-1], 2 * y.shape[-1]) if strided and y.dim() else y.shape
    drawn = rand(size, dtype=y.dtype, generator=generator) * 2 - 1
    return (drawn[..., ::2] if strided and y.dim() else drawn).detach().requires_grad_()
