"""Policies: which results a checkpoint keeps, of all that its function computes.

A policy is asked for each operator, when that has run, whether its result is kept. When the function runs again, kept
results are given instead of being computed. An operator that does not run records nothing, but nodes after it and the
node that stands for it want what they saved: so of a kept operator it is known which of its tensors were saved, in which
order, and they are saved again, from the arguments of the second run, from the kept result, or, what neither has, from
what was kept as well.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.function import Function
from ..func.tree import tree_leaves, tree_map
from ..operators.creation import zeros
from ..operators.declare import FUNCTIONS, METHODS
from ..operators.generators import get_rng_state, set_rng_state
from .recomputing import running

__all__ = [
    "SAC_IGNORED_OPS",
    "CheckpointPolicy",
    "SelectiveCheckpointContext",
    "create_selective_checkpoint_contexts",
]

# What no policy is asked about.
SAC_IGNORED_OPS = {FUNCTIONS.get("detach", METHODS["detach"])}


class CheckpointPolicy(enum.Enum):
    """What a policy answers: whether the result of an operator is kept, or computed again.

    `MUST_` and `PREFER_` are one here. What is to go to main memory is there: `CPU_OFFLOAD` keeps.

    Example:
        >>> from pullback.utils.checkpoint import CheckpointPolicy
        >>> [policy.name for policy in CheckpointPolicy][:3]
        ['MUST_SAVE', 'PREFER_SAVE', 'MUST_RECOMPUTE']
    """

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


_KEEPS = frozenset(
    (
        CheckpointPolicy.MUST_SAVE,
        CheckpointPolicy.PREFER_SAVE,
        CheckpointPolicy.MUST_CPU_OFFLOAD,
        CheckpointPolicy.PREFER_CPU_OFFLOAD,
    )
)


class SelectiveCheckpointContext:
    """What a policy is told beside the operator and its arguments: `op_output`, what it has computed.

    `is_recompute` is False always: a policy is asked in the first run only.

    Example:
        >>> from pullback.utils.checkpoint import SelectiveCheckpointContext
        >>> SelectiveCheckpointContext(is_recompute=False, op_output=pb.ones(1)).op_output
        tensor([1.])
    """

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute = is_recompute
        self.op_output = op_output


class _Call:
    """One call of an operator in the first run; those inside of it come next in the list, up to `end`."""

    __slots__ = ("end", "kept", "name", "random", "requires_grad", "saved", "versions")

    def __init__(self, name: str) -> None:
        self.name = name
        self.end = 0
        self.kept: Any = None  # the result, in a tuple, without its history
        self.versions: list[int] = []
        self.requires_grad: list[bool] = []
        self.saved: list[
            Any
        ] = []  # what was packed: (True, number of an argument), (False, of a result), or a tensor
        self.random: Tensor | None = None  # the generator's state afterwards, if that changed


class _Watching:
    """A block in which `see` stands before each operator."""

    def see(self, name: str, callable: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
        raise NotImplementedError

    def __enter__(self) -> Any:
        _core.push_watcher(self.see)
        return self

    def __exit__(self, *error: object) -> None:
        _core.pop_watcher()


def _operator(name: str, callable: Any) -> Any:
    """What a policy is told of an operator: `pullback.mul` for a product that is written with a sign."""
    return FUNCTIONS.get(name) or METHODS.get(name) or callable


def _passes(name: str, operator: Any) -> bool:
    """Whether an operator runs in any case: what writes in place, and what looks at values."""
    in_place = name.endswith("_") and not name.endswith("__")
    return in_place or name == "__setitem__" or operator in SAC_IGNORED_OPS


def _tensors(args: Any, kwargs: Any) -> list[Tensor]:
    return [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]


class _Keeping(_Watching):
    """The first run."""

    def __init__(self, policy: Callable[..., Any]) -> None:
        self.policy = policy
        self.calls: list[_Call] = []
        self.packs: list[Tensor] | None = None  # of the operator that runs
        self.draws: Tensor | None = None

    def __enter__(self) -> Any:
        if running.frame is not None:
            running.frame.keeper = self
        self.calls.clear()
        return super().__enter__()

    def packed(self, tensor: Tensor) -> None:
        if self.packs is not None:
            self.packs.append(tensor.detach())

    def see(self, name: str, callable: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
        operator = _operator(name, callable)
        if running.frame is None or running.frame.keeper is not self or _passes(name, operator):
            return _core.proceed(callable, args, kwargs)
        call = _Call(name)
        start = len(self.calls)
        self.calls.append(call)
        outer, self.packs = self.packs, []
        try:
            result = _core.proceed(callable, args, kwargs)
        finally:
            packs, self.packs = self.packs, outer
            if outer is not None:
                outer.extend(packs)
        call.end = len(self.calls)
        if any(isinstance(x, Tensor) for x in tree_leaves(result)):
            context = SelectiveCheckpointContext(is_recompute=False, op_output=result)
            answer = self.policy(context, operator, *args, **(kwargs or {}))
            if answer is True or answer in _KEEPS:
                self.keep(call, start, result, _tensors(args, kwargs), packs)
        return result

    def keep(self, call: _Call, start: int, result: Any, given: list[Tensor], packs: list[Tensor]) -> None:
        if running.frame is not None and running.frame.state is not None:
            state = get_rng_state()
            if self.draws is None or not state.equal(self.draws):
                call.random = self.draws = state
        results = _tensors(result, None)
        for tensor in packs:
            call.saved.append(
                next(
                    (
                        (is_given, i)
                        for is_given, all in ((True, given), (False, results))
                        for i, each in enumerate(all)
                        if _core.is_same_value(tensor, each)
                    ),
                    tensor,
                )
            )
        call.requires_grad = [x.requires_grad for x in results]
        call.kept = (tree_map(lambda x: x.detach() if isinstance(x, Tensor) else x, result),)
        call.versions = [x._version for x in _tensors(call.kept, None)]
        for inner in self.calls[start + 1 : call.end]:
            inner.kept = None
            inner.saved = []


class _Giving(_Watching):
    """The runs that follow."""

    def __init__(self, first: _Keeping, allow_mutation: bool) -> None:
        self.first, self.allow_mutation = first, allow_mutation
        self.next = 0

    def __enter__(self) -> Any:
        self.next = 0
        self.frame = running.frame
        return super().__enter__()

    def see(self, name: str, callable: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
        operator = _operator(name, callable)
        if self.frame is None or running.frame is not self.frame or _passes(name, operator):
            return _core.proceed(callable, args, kwargs)
        calls = self.first.calls
        if self.next >= len(calls) or calls[self.next].name != name:
            if self.frame.open_ended or not self.frame.complete:
                return _core.proceed(callable, args, kwargs)
            raise RuntimeError(
                f"{name} encountered during backward but not found in storage. This can happen if the operations in the "
                "checkpointed region are nondeterministic or depend on global state that changed between forward and "
                "backward."
            )
        call = calls[self.next]
        self.next += 1
        if call.kept is None:
            return _core.proceed(callable, args, kwargs)
        self.next = call.end
        return self.give(self.frame, call, _tensors(args, kwargs))

    def give(self, frame: Any, call: _Call, given: list[Tensor]) -> Any:
        results = _tensors(call.kept, None)
        if not self.allow_mutation and [x._version for x in results] != call.versions:
            raise RuntimeError("Tensor cached during selective activation checkpoint has been mutated")
        if call.random is not None:
            set_rng_state(call.random)
        for source in call.saved:
            frame.again_packs(
                source if isinstance(source, Tensor) else (given if source[0] else results)[source[1]]
            )
        wants = iter(call.requires_grad)
        anew = lambda x: _Given.apply(x, zeros((), requires_grad=True)) if next(wants) else x.detach()
        return tree_map(lambda x: anew(x) if isinstance(x, Tensor) else x, call.kept[0])


class _Given(Function):
    """A kept result as a result: what is computed from it is recorded, and it may be written in place."""

    @staticmethod
    def forward(ctx: Any, kept: Tensor, one: Tensor) -> Tensor:
        return kept.detach()


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False
) -> tuple[Any, Any]:
    """The two blocks of a checkpoint (its `context_fn`) that keeps the results of some operators.

    Args:
        policy_fn_or_list: a list of operators whose results are kept (``[pb.matmul]``, which is ``@``, too); or a
            function of a `SelectiveCheckpointContext`, the operator and its arguments, which gives a `CheckpointPolicy`,
            or True for what is kept. Operators are the functions of pullback; an operator written in Python out of
            others is asked about first of its parts, then itself. What writes in place always runs again.
        allow_cache_entry_mutation: do not look whether kept results were written over.

    Raises:
        ValueError: for an element of the list that is no function.
        TypeError: for what is neither a list nor a function.
        RuntimeError: in the backward pass, where the second run calls other operators, or a kept result was written over.

    Example:
        >>> import functools
        >>> from pullback.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts
        >>> keep_products = functools.partial(create_selective_checkpoint_contexts, [pb.matmul])
        >>> x, w = pb.ones(2, 2, requires_grad=True), pb.eye(2)
        >>> f = lambda x: (x @ w).sin().exp()
        >>> checkpoint(f, x, use_reentrant=False, context_fn=keep_products).sum().backward()
        >>> x.grad
        tensor([[1.2534, 1.2534],
                [1.2534, 1.2534]])
    """
    if isinstance(policy_fn_or_list, list):
        for each in policy_fn_or_list:
            if not callable(each):
                raise ValueError(
                    f"Expected op in `op_list` to be an OpOverload but got: {each} of type {type(each)}. An operator is a "
                    "function of pullback, such as pullback.matmul."
                )
        kept = list(policy_fn_or_list)
        policy: Callable[..., Any] = lambda ctx, op, *args, **kwargs: op in kept
    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    first = _Keeping(policy)
    return first, _Giving(first, allow_cache_entry_mutation)
