"""Computing again: a checkpoint that is not reentrant, from the first run of its function to the last.

While the function runs the first time, what nodes save is packed: a ticket takes the place of each tensor. When a ticket
is asked for, the function runs again, and each gets the value that stands at its number. Whoever takes part in a run,
as policies do (selective.py), finds the frame in `running`.
"""

from __future__ import annotations

import contextlib
import weakref
from _thread import _local
from collections.abc import Callable, Iterator
from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.function import Function
from ..autograd.grad_mode import enable_grad
from ..autograd.saving import saved_tensors_hooks
from ..func.batch import Reopened
from ..func.tree import tree_flatten
from ..operators.creation import zeros
from ..operators.entries import every_entry
from ..operators.generators import get_rng_state, set_rng_state

__all__ = ["CheckpointError", "GraphExecGroup", "set_checkpoint_debug_enabled", "set_checkpoint_early_stop"]


class _Running(_local):
    """The frame whose function is running on this thread, and the group that backward passes belong to."""

    frame: _Frame | None = None
    group: GraphExecGroup | None = None


running = _Running()
_early_stop: bool | None = None
_debug: bool | None = None


class CheckpointError(RuntimeError):
    """What is raised where computing again gives something else than the first time.

    Example:
        >>> from pullback.utils.checkpoint import CheckpointError
        >>> issubclass(CheckpointError, RuntimeError)
        True
    """


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
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """A block in which checkpoints that are made have ``debug=True``, or have not; None leaves it to the argument.

    Example:
        >>> from pullback.utils.checkpoint import checkpoint, set_checkpoint_debug_enabled
        >>> with set_checkpoint_debug_enabled(True):
        ...     checkpoint(pb.sin, pb.zeros(1), use_reentrant=False)
        tensor([0.])
    """
    global _debug
    before, _debug = _debug, enabled
    try:
        yield
    finally:
        _debug = before


class GraphExecGroup:
    """A block in which several backward passes through parts of one checkpoint compute it again once.

    The passes have to go through different parts of the graph: what one has used is gone.

    Raises RuntimeError for a block inside of another.

    Example:
        >>> from pullback.utils.checkpoint import GraphExecGroup, checkpoint
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> def f(x):
        ...     print("computing")
        ...     return x.sin(), x.exp()
        >>> a, b = checkpoint(f, x, use_reentrant=False, early_stop=False)
        computing
        >>> with GraphExecGroup():
        ...     a.sum().backward()
        ...     b.sum().backward()
        computing
    """

    def __enter__(self) -> GraphExecGroup:
        if running.group is not None:
            raise RuntimeError(
                f"GraphExecGroup contexts cannot be nested. Already inside group {running.group}"
            )
        running.group = self
        return self

    def __exit__(self, *args: object) -> None:
        running.group = None


@contextlib.contextmanager
def draws_from(state: Tensor | None) -> Iterator[None]:
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


@contextlib.contextmanager
def _logging(log: list[str]) -> Iterator[None]:
    """A block whose operators are written down, with the lines that call them."""

    def watcher(name: str, callable: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
        log.append(f"{name}, {_core.user_line()}")
        return _core.proceed(callable, args, kwargs)

    _core.push_watcher(watcher)
    try:
        yield
    finally:
        _core.pop_watcher()


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
        self.run: Any = 0
        self.keeper: Any = None  # told of what is packed: a policy
        self.again_packs: Callable[[Tensor], Tensor] | None = None  # what packs while the function runs again
        self.logs: list[list[str]] | None = None  # of the operators of each run, for debugging
        self.values: dict[int, Tensor] = {}  # by number: of this run, until they are asked for

    def pack(self, tensor: Tensor) -> _Ticket:
        """The first time: a number for the tensor."""
        ticket = _Ticket(len(self.alive))
        if self.keeper is not None:
            self.keeper.packed(tensor)
        self.alive.append(weakref.ref(ticket))
        self.about.append((tuple(tensor.shape), tensor.dtype))
        self.axes.append(_core.mapped_axes(tensor))
        return ticket

    pack.recomputes = True  # type: ignore[attr-defined]  # for who would keep a record beside the graph

    def unpack(self, ticket: _Ticket) -> Tensor:
        """The tensor of a number, computed again with all others at the first of a run."""
        run = running.group or _core.current_run()
        if run != self.run or ticket.index not in self.values:
            try:
                self.values = self.recompute()
            except CheckpointError as error:
                if self.logs is None:
                    raise
                raise CheckpointError(self.told()) from error
            self.run = run
        return self.values.pop(ticket.index)

    def told(self) -> str:
        """The operators of the first run and of the last."""
        assert self.logs is not None
        first, last = ["\n".join(f"  {line}" for line in log) for log in (self.logs[0], self.logs[-1])]
        return (
            "An error happened while unpacking tensors; dumping logs of latest computation because you passed "
            f"`debug=True` to `torch.utils.checkpoint.checkpoint()`.\n\nOperators of the first run:\n{first}\n\n"
            f"Operators when it was computed again:\n{last}\n"
        )

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """A block in which the function of this frame runs."""
        outer, running.frame = running.frame, self
        logs = self.logs
        try:
            if logs is None:
                yield
            else:
                logs.append([])
                with _logging(logs[-1]):
                    yield
        finally:
            running.frame = outer

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
            leaves[i] = _core.require_grad(tensor.detach(), tensor.requires_grad)
        args, kwargs = self.spec.unflatten(leaves)
        self.again_packs = pack
        with (
            contextlib.suppress(_Stop),
            saved_tensors_hooks(pack, lambda tensor: tensor),
            draws_from(self.state),
            self.entered(),
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
    tensor = every_entry(tensor)
    for level, _ in axes:
        tensor = _core.map_axis(tensor, level, 0)
    return tensor


ADVICE = (
    "The function has to do the same when it runs again: it may depend on nothing that changes meanwhile."
)


def without_reentry(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    preserve: bool,
    context_fn: Callable[[], tuple[Any, Any]],
    check: bool,
    stops: bool,
    debug: bool,
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
    if debug if _debug is None else _debug:
        frame.logs = []
    with saved_tensors_hooks(frame.pack, frame.unpack), frame.entered(), first:
        result = function(*args, **kwargs)
    frame.complete = True
    if _core.highest_level(tuple([y for y in tree_flatten(result)[0] if isinstance(y, Tensor)])):
        with draws_from(state), context_fn()[0]:  # a tangent was captured: what is packed would lose it
            return function(*args, **kwargs)
    return result
