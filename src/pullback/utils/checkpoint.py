"""Checkpointing: a part of a computation keeps its inputs only, and is computed again when its derivative is wanted.

There are two ways, which `use_reentrant` chooses.

With True, `CheckpointFunction`: nothing is recorded in the forward pass; in the backward pass the function runs again,
recorded, and a backward pass of its own fills `.grad` of what it captured. So only `backward()` without `inputs` will
do, and only tensors among the arguments count.

With False the function runs recorded once, to see what its outputs depend on: arguments, wherever they are in trees,
and captured leaves. Then the recording is dropped, and one node stands for all, which has edges to them. When it is
pulled, the function runs again on the same values, and what arrives is pulled through the new recording. `grad`,
`inputs`, `create_graph`, several passes, hooks and nesting are as without. The first run holds what it saves until it
has ended, and a history that is captured (a tensor from outside that was computed from others) leaves everything
recorded as it is: saving no memory, and right.
"""

from __future__ import annotations

import contextlib
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.backward import backward as run_backward
from ..autograd.backward import grad
from ..autograd.function import Function
from ..autograd.graph import get_gradient_edge as gradient_edge
from ..autograd.modes import enable_grad, no_grad
from ..func.tree import tree_flatten
from ..messages.missing import missing
from ..operators.creation import zeros
from ..operators.random import get_rng_state, set_rng_state

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "detach_variable",
    "noop_context_fn",
    "set_checkpoint_early_stop",
]

_early_stop: bool | None = None


class CheckpointError(RuntimeError):
    """What is raised where computing again gives something else than the first time.

    Example:
        >>> from pullback.utils.checkpoint import CheckpointError
        >>> issubclass(CheckpointError, RuntimeError)
        True
    """


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
    return tuple([x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs])


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warns where no tensor among `inputs` requires grad.

    Example:
        >>> from pullback.utils.checkpoint import check_backward_validity
        >>> check_backward_validity([pb.ones(1, requires_grad=True), 3])
    """
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """A block in which checkpoints that are made stop computing again as soon as they may, or do not.

    Here a checkpoint always computes its function to the end: what it has computed is what it pulls through.

    Example:
        >>> from pullback.utils.checkpoint import checkpoint, set_checkpoint_early_stop
        >>> with set_checkpoint_early_stop(False):
        ...     checkpoint(pb.sin, pb.zeros(1), use_reentrant=False)
        tensor([0.])
    """
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


@contextlib.contextmanager
def _draws_from(state: Tensor | None) -> Iterator[None]:
    """A block that draws the random numbers that come after a state, and leaves the generator as it was."""
    if state is None:
        yield
        return
    before = get_rng_state()
    set_rng_state(state)
    try:
        yield
    finally:
        set_rng_state(before)


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
        with _draws_from(ctx.state), enable_grad():
            outputs = ctx.run_function(*given)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [(y, g) for y, g in zip(outputs, grads) if isinstance(y, Tensor) and y.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        run_backward([y for y, _ in pairs], [g for _, g in pairs])
        return None, None, *[x.grad if isinstance(x, Tensor) else None for x in given]


# ---- not reentrant -----------------------------------------------------------------------------------------


class _Frame:
    """One checkpoint: how to compute it again, and what it gave the first time."""

    def __init__(
        self, function: Callable[..., Any], state: Tensor | None, context: Any, check: bool, spec: Any
    ) -> None:
        self.function, self.state, self.context, self.check, self.spec = function, state, context, check, spec
        self.leaves: list[Any] = []  # of the arguments; None where a tensor requires grad
        self.places: list[int] = []
        self.outputs: list[int] = []  # which leaves of what is returned require grad
        self.about: list[Any] = []

    def run(self, variables: Sequence[Tensor]) -> tuple[list[Any], Any]:
        """The leaves of what the function returns, and their structure."""
        leaves = list(self.leaves)
        for i, v in zip(self.places, variables):
            leaves[i] = v
        args, kwargs = self.spec.unflatten(leaves)
        return tree_flatten(self.function(*args, **kwargs))

    def again(self, variables: Sequence[Tensor]) -> list[Any]:
        """The leaves once more, as the first time."""
        with _draws_from(self.state), self.context, enable_grad():
            ends = {gradient_edge(v)[0] for v in variables}
            leaves, _ = self.run(variables)
        if self.check:
            self.compare(_about(leaves, ends))
        return leaves

    def compare(self, found: list[Any]) -> None:
        """CheckpointError where something else was computed."""
        if len(found) != len(self.about):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of operations during forward: {len(self.about)}\nNumber of operations during "
                f"recomputation: {len(found)}.\nThe function has to do the same when it runs again: it may depend on "
                f"nothing that changes meanwhile."
            )
        for place, (before, after) in enumerate(zip(self.about, found)):
            if before != after:
                raise CheckpointError(
                    "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                    f"during the forward pass.\nresult {place} from the end:\nsaved metadata: {before}\nrecomputed "
                    f"metadata: {after}.\nThe function has to do the same when it runs again: it may depend on nothing "
                    f"that changes meanwhile."
                )


def _walk(leaves: list[Any], ends: set[Any]) -> Iterator[Any]:
    """Every node that outputs were recorded by, and not those of `ends`."""
    waiting = deque([y.grad_fn for y in leaves if isinstance(y, Tensor) and y.grad_fn is not None])
    seen = set(ends)
    while waiting:
        node = waiting.popleft()
        if node not in seen:
            seen.add(node)
            yield node
            waiting += [to for to, _ in node.next_functions if to is not None]


def _about(leaves: list[Any], ends: set[Any]) -> list[Any]:
    """The operations that were recorded, and the shapes and dtypes of their results."""
    return [
        (node.name(), [meta and (tuple(meta[0]), meta[1]) for meta in node._input_metadata])
        for node in _walk(leaves, ends)
    ]


def _captured(leaves: list[Any], ends: set[Any], began: int) -> list[Tensor] | None:
    """The leaves that outputs depend on besides; None where they depend on an older history."""
    found = []
    for node in _walk(leaves, ends):
        if node.name() == "AccumulateGrad":
            found.append(node.variable)
        elif node._sequence_nr() <= began:
            return None
    return found


class _Checkpoint(Function):
    """The node that stands for a checkpoint: (frame, what it has edges to, how many are variables, outputs)."""

    @staticmethod
    def forward(ctx: Any, frame: _Frame, count: int, outputs: list[Tensor], *inputs: Tensor) -> Any:
        ctx.frame, ctx.count = frame, count
        ctx.save_for_backward(*inputs)
        ctx.set_materialize_grads(False)
        return tuple([y.detach() for y in outputs])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        recording = _core.is_grad_enabled()
        inputs = ctx.saved_tensors
        given = inputs[: ctx.count]
        with enable_grad():
            variables = [x.view_as(x) if recording else x.detach().requires_grad_() for x in given]
        leaves = ctx.frame.again(variables)
        outputs = [leaves[i] for i in ctx.frame.outputs]
        pairs = [(y, g) for y, g in zip(outputs, grads) if g is not None and y.requires_grad]
        if not pairs:
            return (None,) * (3 + len(inputs))
        wanted = [*variables, *inputs[ctx.count :]]
        found = grad(
            [y for y, _ in pairs],
            wanted,
            [g for _, g in pairs],
            create_graph=recording,
            allow_unused=True,
        )
        return None, None, None, *found


def _without_reentry(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    preserve: bool,
    context_fn: Callable[[], tuple[Any, Any]],
    check: bool,
) -> Any:
    first, second = context_fn()
    leaves, spec = tree_flatten((args, kwargs))
    tensors = [x for x in leaves if isinstance(x, Tensor)]
    if not _core.is_grad_enabled() or _core.highest_level(tuple(tensors)):
        with first:
            return function(*args, **kwargs)
    frame = _Frame(function, get_rng_state() if preserve else None, second, check, spec)
    frame.places = [i for i, x in enumerate(leaves) if isinstance(x, Tensor) and x.requires_grad]
    frame.leaves = [None if i in frame.places else x for i, x in enumerate(leaves)]
    given = [leaves[i] for i in frame.places]
    began = (zeros((), requires_grad=True) * 1).grad_fn._sequence_nr()
    variables = [x.view_as(x) for x in given]
    ends = {v.grad_fn for v in variables}
    with first:
        found, structure = frame.run(variables)
    frame.outputs = [i for i, y in enumerate(found) if isinstance(y, Tensor) and y.requires_grad]
    outputs = [found[i] for i in frame.outputs]
    captured = _captured(found, ends, began)
    if captured is None or not outputs or _core.highest_level(tuple(outputs)):
        return structure.unflatten(found)
    if check:
        frame.about = _about(found, ends)
    for i, y in zip(frame.outputs, _Checkpoint.apply(frame, len(given), outputs, *given, *captured)):
        found[i] = y
    return structure.unflatten(found)


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
        determinism_check: "default" compares the operations, shapes and dtypes of the runs, "none" does not.
        debug, early_stop: without effect.

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
                f"determinism_check should be one of ['default', 'none'] but got {determinism_check}"
            )
        check = determinism_check == "default"
        return _without_reentry(function, args, kwargs, preserve, context_fn, check)
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
