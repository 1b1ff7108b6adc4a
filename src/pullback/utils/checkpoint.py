"""Checkpointing: a part of a computation keeps its inputs only, and is computed again when its derivative is wanted.

There are two ways, which `use_reentrant` chooses.

With True, `CheckpointFunction`: nothing is recorded in the forward pass; in the backward pass the function runs again,
recorded, and a backward pass of its own fills `.grad` of what it captured. So only `backward()` without `inputs` will
do, and only tensors among the arguments count.

With False everything is recorded, and what nodes save is packed (`autograd.graph.saved_tensors_hooks`): a number takes
the place of each tensor. When the first of them is asked for, the function runs again, recorded, on the same values, up
to the last tensor that was saved, and each gets the value that stands at its number (recomputing.py). A policy may keep
the results of some operators all the same, which then do not run again (selective.py). `grad`, `inputs`, `create_graph`,
several passes, hooks and nesting are as without. The arguments are saved by a node of their own, so that a checkpoint
inside of another keeps nothing, and that an argument which is written meanwhile is noticed.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.backward import backward as run_backward
from ..autograd.function import Function
from ..autograd.grad_mode import enable_grad, no_grad
from ..messages.missing import missing
from ..operators.generators import get_rng_state
from .recomputing import (
    CheckpointError,
    GraphExecGroup,
    draws_from,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
    without_reentry,
)
from .selective import (
    SAC_IGNORED_OPS,
    CheckpointPolicy,
    SelectiveCheckpointContext,
    create_selective_checkpoint_contexts,
)

__all__ = [
    "SAC_IGNORED_OPS",
    "CheckpointError",
    "CheckpointFunction",
    "CheckpointPolicy",
    "GraphExecGroup",
    "SelectiveCheckpointContext",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "detach_variable",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
]


def noop_context_fn() -> tuple[Any, Any]:
    """Two context managers that do nothing: what `checkpoint` runs the function in by default.

    Example:
        >>> from pullback.utils.checkpoint import noop_context_fn
        >>> first, second = noop_context_fn()
        >>> with first:
        ...     pass
    """
    return contextlib.nullcontext(), contextlib.nullcontext()


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The tensors of a tuple without their history, each requiring grad if it did; other elements stay.

    Raises RuntimeError for anything but a tuple.

    Example:
        >>> from pullback.utils.checkpoint import detach_variable
        >>> x = pb.ones(1, requires_grad=True)
        >>> detach_variable((x * 2, 3))
        (tensor([2.], requires_grad=True), 3)
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}"
        )
    return tuple(
        [_core.require_grad(x.detach(), x.requires_grad) if isinstance(x, Tensor) else x for x in inputs]
    )


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warns where no tensor among `inputs` requires grad.

    Example:
        >>> from pullback.utils.checkpoint import check_backward_validity
        >>> check_backward_validity([pb.ones(1, requires_grad=True), 3])
    """
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


# ---- reentrant ---------------------------------------------------------------------------------------------


class CheckpointFunction(Function):
    """What `checkpoint` with ``use_reentrant=True`` records: a call that is made again in the backward pass.

    Example:
        >>> from pullback.utils.checkpoint import CheckpointFunction
        >>> x = pb.tensor([1.0], requires_grad=True)
        >>> CheckpointFunction.apply(pb.exp, True, x).sum().backward()
        >>> x.grad
        tensor([2.7183])
    """

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        """Run the function without recording it.

        Example:
            >>> from pullback.utils.checkpoint import CheckpointFunction
            >>> CheckpointFunction.apply(pb.exp, True, pb.zeros(1))
            tensor([1.])
        """
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.state = get_rng_state() if preserve_rng_state else None
        ctx.args = [None if isinstance(x, Tensor) else x for x in args]
        ctx.places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        ctx.save_for_backward(*[args[i] for i in ctx.places])
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Run the function again, recorded, and a backward pass through it.

        Raises RuntimeError in a pass that is not a plain `backward()`, and where no output requires grad.

        Example:
            >>> from pullback.utils.checkpoint import checkpoint
            >>> x = pb.tensor([1.0], requires_grad=True)
            >>> pb.autograd.grad(checkpoint(pb.exp, x, use_reentrant=True), x)
            Traceback (most recent call last):
                ...
            RuntimeError: When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an \
`inputs` parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call .backward() \
without passing the `inputs` argument.
        """
        if not _core.run_accumulates():
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        args = list(ctx.args)
        for i, tensor in zip(ctx.places, ctx.saved_tensors):
            args[i] = tensor
        given = detach_variable(tuple(args))
        with draws_from(ctx.state), enable_grad():
            outputs = ctx.run_function(*given)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [(y, g) for y, g in zip(outputs, grads) if isinstance(y, Tensor) and y.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        run_backward([y for y, _ in pairs], [g for _, g in pairs])
        return None, None, *[x.grad if isinstance(x, Tensor) else None for x in given]


# ---- what is called ----------------------------------------------------------------------------------------


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Call `function`, keep no more of it than its arguments, and compute it again when its derivative is wanted.

    Args:
        function: what to call. When it runs again it has to do the same.
        args, kwargs: its arguments; keyword arguments for ``use_reentrant=False`` only, except
            `preserve_rng_state`, True by default: the second run draws the random numbers of the first.
        use_reentrant: False is the better way; True keeps to what it says at the head of this module. None warns, and
            means True.
        context_fn: gives two context managers, for the first run and for those that follow.
        determinism_check: "default" compares number, shapes and dtypes of what the runs save, "none" does not.
        early_stop: do not go on computing when the last of what was saved is there.
        debug: write down which operators run, and show the first run beside the second where these differ.

    Returns:
        What `function` returns: a tensor or, for ``use_reentrant=False``, a tree of anything.

    Raises:
        ValueError: for keyword arguments, `context_fn` or `debug` with ``use_reentrant=True``, and another
            `determinism_check`.
        CheckpointError: in the backward pass, where the second run does something else.

    Example:
        >>> from pullback.utils.checkpoint import checkpoint
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> checkpoint(lambda x: x.sin().exp(), x, use_reentrant=False).sum().backward()
        >>> x.grad
        tensor([ 1.2534, -1.0331])
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, "
            "calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but "
            "if you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for "
            "more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if not use_reentrant:
        if determinism_check not in ("default", "none"):
            raise ValueError(
                f"determinism_check should be one of ['default', 'none'], but got {determinism_check}"
            )
        check = determinism_check == "default"
        return without_reentry(function, args, kwargs, preserve, context_fn, check, early_stop, debug)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not noop_context_fn or debug is not False:
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    return CheckpointFunction.apply(function, preserve, *args)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Call functions one after the other, in segments of which each but the last is a `checkpoint`.

    Args:
        functions: functions of one argument; or an object whose `children()` are such.
        segments: how many; each but the last has the same number of functions.
        input: what the first gets.
        use_reentrant, preserve_rng_state: as for `checkpoint`.

    Raises ValueError for other keyword arguments.

    Example:
        >>> from pullback.utils.checkpoint import checkpoint_sequential
        >>> x = pb.tensor([0.5], requires_grad=True)
        >>> y = checkpoint_sequential([pb.sin, pb.exp, pb.tanh, pb.cos], 2, x, use_reentrant=False)
        >>> y.backward()
        >>> y, x.grad
        (tensor([0.6027], grad_fn=<CosBackward0>), tensor([-0.1656]))
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In "
            "version 2.9 we will raise an exception if use_reentrant is not passed. use_reentrant=False is recommended, "
            "but if you need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs "
            "for more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    chain = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def run(part: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
        def forward(value: Any) -> Any:
            for function in part:
                value = function(value)
            return value

        return forward

    size = len(chain) // segments
    end = size * (segments - 1)
    for start in range(0, end, size or 1):
        input = checkpoint(
            run(chain[start : start + size]), input, use_reentrant=use_reentrant, preserve_rng_state=preserve
        )
    return run(chain[end:])(input)


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
