"""Checkpointing: a part of a computation keeps its inputs only, and is computed again when its derivative is wanted.

There are two ways, which `use_reentrant` chooses.

With True, `CheckpointFunction`: nothing is recorded in the forward pass; in the backward pass the function runs again,
recorded, and a backward pass of its own fills `.grad` of what it captured. So only `backward()` without `inputs` will
do, and only tensors among the arguments count.

With False everything is recorded, and what nodes save is packed (`autograd.graph.saved_tensors_hooks`): a number takes
the place of each tensor. When the first of them is asked for, the function runs again, recorded, on the same values, up
to the last tensor that was saved, and each gets the value that stands at its number. `grad`, `inputs`, `create_graph`,
several passes, hooks and nesting are as without. The arguments are saved by a node of their own, so that a checkpoint
inside of another keeps nothing, and that an argument which is written meanwhile is noticed.
"""

from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.backward import backward as run_backward
from ..autograd.function import Function
from ..autograd.grad_mode import enable_grad, no_grad
from ..autograd.saving import saved_tensors_hooks
from ..func.batch import Reopened
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

    It goes before the argument `early_stop` of `checkpoint`.

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


class _Stop(BaseException):
    """All that was saved has been computed again."""


class _Ticket:
    """What is kept in place of a saved tensor: its number."""

    __slots__ = ("__weakref__", "index")

    def __init__(self, index: int) -> None:
        self.index = index


class _Keep(Function):
    """A node that saves the arguments of a checkpoint."""

    @staticmethod
    def forward(ctx: Any, one: Tensor, *tensors: Tensor) -> Tensor:
        ctx.save_for_backward(*tensors)
        return one.clone()


class _Frame:
    """One checkpoint: how to compute it again, and what was saved in which order."""

    def __init__(
        self, function: Callable[..., Any], leaves: list[Any], spec: Any, again: Any, stops: bool, check: bool
    ) -> None:
        self.function, self.spec, self.again, self.stops, self.check = function, spec, again, stops, check
        self.maps = _core.open_maps()
        self.state: Tensor | None = None
        self.leaves = [None if isinstance(x, Tensor) else x for x in leaves]
        self.places = [i for i, x in enumerate(leaves) if isinstance(x, Tensor)]
        self.kept = _Keep.apply(zeros((), requires_grad=True), *[leaves[i] for i in self.places])
        self.alive: list[Any] = []  # a weak reference to the ticket of each saved tensor
        self.about: list[Any] = []  # its shape and dtype
        self.axes: list[Any] = []  # and what it varies over
        self.complete = self.open_ended = False
        self.run = 0
        self.values: dict[int, Tensor] = {}  # by number: of this run, until they are asked for

    def pack(self, tensor: Tensor) -> _Ticket:
        """The first time: a number for the tensor."""
        ticket = _Ticket(len(self.alive))
        self.alive.append(weakref.ref(ticket))
        self.about.append((tuple(tensor.shape), tensor.dtype))
        self.axes.append(_core.mapped_axes(tensor))
        return ticket

    pack.recomputes = True  # type: ignore[attr-defined]  # for who would keep a record beside the graph

    def unpack(self, ticket: _Ticket) -> Tensor:
        """The tensor of a number, computed again with all others at the first of a run."""
        run = _core.current_run()
        if run != self.run or ticket.index not in self.values:
            self.values = self.recompute()
            self.run = run
        return self.values.pop(ticket.index)

    def recompute(self) -> dict[int, Tensor]:
        """What is saved when the function runs again, of the tickets that are alive."""
        values: dict[int, Tensor] = {}
        different: list[str] = []
        count = 0

        def pack(tensor: Tensor) -> Tensor:
            nonlocal count
            index, count = count, count + 1
            tensor = tensor.detach()
            if index >= len(self.about):
                if self.complete:
                    raise CheckpointError(
                        "torch.utils.checkpoint: trying to save more tensors during recomputation than during the "
                        f"original forward pass.\n{ADVICE}"
                    )
                self.open_ended = True  # a backward pass inside of the function, which has not ended
                return tensor
            about = tuple(tensor.shape), tensor.dtype
            if about != self.about[index]:
                different.append(
                    f"tensor at position {index}:\nsaved metadata: {self.about[index]}\nrecomputed metadata: {about}\n"
                )
            if self.alive[index]() is not None:
                values[index] = _varying(tensor, self.axes[index])
            if self.stops and count == len(self.about):
                raise _Stop
            return tensor

        pack.recomputes = True  # type: ignore[attr-defined]
        leaves = list(self.leaves)
        for i, tensor in zip(self.places, self.kept.grad_fn.saved_tensors):
            leaves[i] = tensor.detach().requires_grad_(tensor.requires_grad)
        args, kwargs = self.spec.unflatten(leaves)
        with (
            contextlib.suppress(_Stop),
            saved_tensors_hooks(pack, lambda tensor: tensor),
            _draws_from(self.state),
            self.again,
            enable_grad(),
            Reopened(self.maps),
        ):
            self.function(*args, **kwargs)
        if self.check and not self.open_ended and count != len(self.about):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.about)}\nNumber of tensors saved "
                f"during recomputation: {count}.\n{ADVICE}"
            )
        if self.check and different:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                f"during the forward pass.\n{''.join(different)}.\n{ADVICE}"
            )
        missing = [i for i, ticket in enumerate(self.alive) if ticket() is not None and i not in values]
        if missing and self.complete:
            raise CheckpointError(
                f"torch.utils.checkpoint: the tensor at position {missing[0]} was not computed again.\n{ADVICE}"
            )
        return values


def _varying(tensor: Tensor, axes: Any) -> Tensor:
    """A value that varies over the vmaps of the first run in place of those of another one."""
    own = _core.mapped_axes(tensor)
    if own == axes or [size for _, size in own] != [size for _, size in axes]:
        return tensor
    for level, size in reversed(own):
        tensor = _core.unmap_axis(tensor, level, 0, size)
    for level, _ in axes:
        tensor = _core.map_axis(tensor, level, 0)
    return tensor


ADVICE = (
    "The function has to do the same when it runs again: it may depend on nothing that changes meanwhile."
)


def _without_reentry(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    preserve: bool,
    context_fn: Callable[[], tuple[Any, Any]],
    check: bool,
    stops: bool,
) -> Any:
    first, second = context_fn()
    leaves, spec = tree_flatten((args, kwargs))
    # Forward mode needs what is computed at once.
    if not _core.is_grad_enabled() or _core.highest_level(
        tuple([x for x in leaves if isinstance(x, Tensor)])
    ):
        with first:
            return function(*args, **kwargs)
    frame = _Frame(function, leaves, spec, second, stops if _early_stop is None else _early_stop, check)
    frame.state = state = get_rng_state() if preserve else None
    with saved_tensors_hooks(frame.pack, frame.unpack), first:
        result = function(*args, **kwargs)
    frame.complete = True
    if _core.highest_level(tuple([y for y in tree_flatten(result)[0] if isinstance(y, Tensor)])):
        with _draws_from(state), context_fn()[0]:  # a tangent was captured: what is packed would lose it
            return function(*args, **kwargs)
    return result


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
        debug: without effect.

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
        return _without_reentry(function, args, kwargs, preserve, context_fn, check, early_stop)
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
