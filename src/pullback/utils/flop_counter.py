"""How many floating-point operations a block does, by module and by operator.

The counts are those of a profile (`autograd.profiler.profile(with_flops=True)`), which has them from whoever multiplies
matrices. What is here says whose they are. An operator belongs to the modules whose `forward` it is called in, which are
ranges of the profile; a node of a backward pass belongs to the modules of the operator that recorded it, which is the last
that had begun when the node was numbered.
"""

from __future__ import annotations

import bisect
import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from .. import _core
from .._core import Tensor
from ..autograd.profile_events import FunctionEvent, events_of
from ..func.tree import tree_map
from ..nn.modules.hooks import register_module_forward_hook, register_module_forward_pre_hook
from ..nn.modules.module import Module

__all__ = ["FlopCounterMode", "register_flop_formula"]

Counts = dict[str, dict[Any, int]]
_F = TypeVar("_F", bound=Callable[..., Any])

ALL, MODULE = "Global", "module: "  # what everything counts for; how ranges of modules begin
ELEMENTWISE = {
    "add",
    "add_",
    "add_scaled",
    "add_scaled_",
    "mul",
    "mul_",
}  # which a profile counts, and PyTorch's modes do not
# By PyTorch's names: what the gradients of a product are.
BACKWARD = {"addmm": "mm", "baddbmm": "bmm", "addmv": "mv", "convolution": "convolution_backward"}

flop_registry: dict[Any, Callable[..., int]] = {}


def register_flop_formula(targets: Any, get_raw: bool = False) -> Callable[[_F], _F]:
    """A decorator for a function that says how many operations an operator does, in every `FlopCounterMode`.

    Args:
        targets: an operator, or a list of them.
        get_raw: give the function tensors; by default it is given their shapes.

    The function gets the arguments of each call, and the result as `out_val`, or its shape as `out_shape`.

    Raises ValueError for what is no operator, RuntimeError for one that has a formula.

    Example:
        >>> from pullback.utils.flop_counter import FlopCounterMode, flop_registry, register_flop_formula
        >>> @register_flop_formula(pb.sin)
        ... def of_sines(shape, out_shape=None):
        ...     return 20 * shape.numel()
        >>> with FlopCounterMode(display=False) as counter:
        ...     _ = pb.ones(3).sin()
        >>> counter.get_total_flops(), flop_registry.pop(pb.sin) is not None
        (60, True)
    """

    def register(function: _F) -> _F:
        formula = function if get_raw else _of_shapes(function)
        for target in targets if isinstance(targets, list | tuple) else [targets]:
            if not callable(target) or isinstance(target, type):
                raise ValueError(
                    f"register_flop_formula(targets): expected each target to be OpOverloadPacket (i.e. "
                    f"torch.ops.mylib.foo), JitFunction, or HigherOrderOperator, got {target} which is of type "
                    f"{type(target)}. Here these are operators such as pullback.sin."
                )
            if target in flop_registry:
                raise RuntimeError(f"duplicate registrations for {target}")
            flop_registry[target] = formula
        return function

    return register


def _of_shapes(formula: Callable[..., int]) -> Callable[..., int]:
    def given_tensors(*args: Any, out_val: Any = None, **kwargs: Any) -> int:
        shape = lambda leaf: leaf.shape if isinstance(leaf, Tensor) else leaf
        args, kwargs, out_shape = tree_map(shape, (args, kwargs, out_val))
        return formula(*args, out_shape=out_shape, **kwargs)

    return given_tensors


class FlopCounterMode:
    """A block whose products of matrices and convolutions are counted: two operations for each term that is summed.

    Backward passes count as well, for the modules that recorded them. Elementwise operators, reductions and
    decompositions do not. Unlike PyTorch's, it counts products with vectors, recurrent layers and attention.

    Args:
        mods: without effect.
        depth: how many levels of modules the table has; None means all.
        display: print the table at the end of the block.
        custom_mapping: a dictionary of further operators and functions like those of `register_flop_formula`, which get
            shapes.

    It may be entered many times, and begins anew each time. Raises RuntimeError inside of a profile, or of another one.

    Example:
        >>> from pullback.utils.flop_counter import FlopCounterMode
        >>> model = pb.nn.Sequential(pb.nn.Linear(8, 16), pb.nn.ReLU(), pb.nn.Linear(16, 4))
        >>> with FlopCounterMode(depth=1) as counter:
        ...     model(pb.ones(2, 8)).sum().backward()
        Module           FLOP    % Total
        -------------  ------  ---------
        Sequential       1792    100.00%
         - aten.addmm     768     42.86%
         - aten.mm       1024     57.14%
        >>> counter.get_total_flops()
        1792
    """

    def __init__(
        self,
        mods: Any = None,
        depth: int | None = 2,
        display: bool = True,
        custom_mapping: dict[Any, Callable[..., int]] | None = None,
    ) -> None:
        if mods is not None:
            warnings.warn("mods argument is not needed anymore, you can stop passing it", stacklevel=2)
        self.depth, self.display = depth, display
        self.flop_registry = {
            **flop_registry,
            **{target: _of_shapes(formula) for target, formula in (custom_mapping or {}).items()},
        }
        self._by_name = {target.__name__: formula for target, formula in self.flop_registry.items()}
        self._names: WeakKeyDictionary[Module, str] = WeakKeyDictionary()
        self._ranges: list[tuple[str, Any]] = []  # of the modules that are running
        self._formulas: Counts = {}
        self._recorded: list[Any] | None = None  # of a block that has ended
        self._handles: list[Any] = []

    # ---- the block ----

    def __enter__(self) -> FlopCounterMode:
        _core.synchronize()  # what was asked for before is not counted
        _core.start_profile(True, False, False, True)
        self._formulas, self._recorded, self._ranges = defaultdict(lambda: defaultdict(int)), None, []
        self._handles = [
            register_module_forward_pre_hook(self._begin),
            register_module_forward_hook(self._end, always_call=True),
        ]
        if self.flop_registry:
            _core.push_watcher(self._call)
        return self

    def __exit__(self, *error: object) -> None:
        if self.flop_registry:
            _core.pop_watcher()
        for handle in self._handles:
            handle.remove()
        self._ranges.clear()
        self._recorded = _core.stop_profile()
        if self.display:
            print(self.get_table(self.depth))

    def _begin(self, module: Module, args: Any) -> None:
        name = self._names.setdefault(module, type(module).__name__)
        for part, child in module.named_children():
            self._names.setdefault(child, f"{name}.{part}")
        self._ranges.append((name, _core.begin_range(MODULE + name)))

    def _end(self, module: Module, args: Any, output: Any) -> None:
        if self._ranges:
            self._ranges.pop()

    def _call(self, name: str, callable: Any, args: Any, kwargs: Any) -> Any:
        """What a watcher does with a call: run it, and apply the formula that there is."""
        found = _core.proceed(callable, args, kwargs)
        formula = self._by_name.get(name)
        if formula is not None:
            flops = formula(*args, **(kwargs or {}), out_val=found)
            for owner in {ALL, *[name for name, _ in self._ranges]}:
                self._formulas[owner][f"aten.{name}"] += flops
        return found

    # ---- what was counted ----

    @property
    def flop_counts(self) -> Counts:
        """By module and by operator, so far. The whole is called "Global".

        Example:
            >>> from pullback.utils.flop_counter import FlopCounterMode
            >>> with FlopCounterMode(display=False) as counter:
            ...     _ = pb.ones(2, 3) @ pb.ones(3, 4)
            >>> counter.flop_counts["Global"]["aten.mm"]
            48
        """
        counts: Counts = defaultdict(lambda: defaultdict(int))
        for owner, found in self._formulas.items():
            counts[owner].update(found)
        recorded = _core.profile_events() if self._recorded is None else self._recorded
        events = list(events_of(recorded, False, True))
        numbered = [event for event in events if event.kind == "operator"]
        numbers = [event.sequence_nr for event in numbered]

        def recorder(node: FunctionEvent) -> FunctionEvent | None:
            place = bisect.bisect_right(numbers, node.sequence_nr)
            return numbered[place - 1] if place else None

        for event in events:
            if not event.flops:
                continue
            around = list(_around(event))
            working = next((each for each in around if each.kind in ("operator", "node")), event)
            if working.name in ELEMENTWISE or working.name in self._by_name:
                continue
            owners = {ALL, *_modules(around)}
            key = _of_operator(working) if working.kind == "operator" else _of_node(working, [])
            for node in around:
                if node.kind == "node" and (source := recorder(node)) is not None:
                    inside = list(_around(source))
                    owners |= {*_modules(inside)}
                    if node is working:
                        key = _of_node(node, inside)
            for owner in owners:
                counts[owner][f"aten.{key}"] += event.flops
        return counts

    def get_flop_counts(self) -> Counts:
        """By module, dictionaries of operators, under PyTorch's names for them, and how many operations they did.

        Example:
            >>> from pullback.utils.flop_counter import FlopCounterMode
            >>> with FlopCounterMode(display=False) as counter:
            ...     _ = pb.nn.Linear(3, 4)(pb.ones(2, 3))
            >>> counter.get_flop_counts()
            {'Global': {'aten.addmm': 48}, 'Linear': {'aten.addmm': 48}}
        """
        counts = self.flop_counts
        return {owner: dict(counts[owner]) for owner in sorted(counts)}

    def get_total_flops(self) -> int:
        """All together.

        Example:
            >>> from pullback.utils.flop_counter import FlopCounterMode
            >>> with FlopCounterMode(display=False) as counter:
            ...     _ = pb.ones(2, 3) @ pb.ones(3, 4)
            >>> counter.get_total_flops()
            48
        """
        return sum(self.flop_counts[ALL].values())

    def get_table(self, depth: int | None = None) -> str:
        """The counts as a table of modules, those within `depth` levels (None: as the mode was told).

        Example:
            >>> from pullback.utils.flop_counter import FlopCounterMode
            >>> with FlopCounterMode(display=False) as counter:
            ...     _ = pb.nn.Linear(3, 4)(pb.ones(2, 3))
            >>> print(counter.get_table())
            Module           FLOP    % Total
            -------------  ------  ---------
            Linear             48    100.00%
             - aten.addmm      48    100.00%
        """
        depth = self.depth if depth is None else depth
        counts = self.flop_counts
        total = sum(counts[ALL].values())
        unit = max(0, min(len(UNITS) - 1, (len(str(total)) - 2) // 3))

        def lines(owner: str, indent: int) -> Iterator[tuple[str, str, str]]:
            entries = [(owner, sum(counts[owner].values()))]
            entries += [(f" - {key}", flops) for key, flops in counts[owner].items()]
            for name, flops in entries:
                share = f"{flops / total:.2%}" if total else "0%"
                number = f"{flops / 1000**unit:.3f}{UNITS[unit]}" if unit else str(flops)
                yield " " * indent + name, number, share

        rows: list[tuple[str, str, str]] = []
        within = False  # whether all is inside of one module
        for owner in sorted(counts):
            level = owner.count(".")
            if owner != ALL and (depth is None or level < depth):
                rows += lines(owner, level)
                within = within or sum(counts[owner].values()) >= total
        if total and not within:
            rows = [*lines(ALL, 0), *[(f" {name}", flops, share) for name, flops, share in rows]]
        return _as_table(("Module", "FLOP", "% Total"), rows or [(ALL, "0", "0%")])


UNITS = ["", "K", "M", "B", "T"]


def _as_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Columns under a line, the first to the left and the others to the right, as PyTorch's are."""
    rows = list(rows)
    widths = [max(len(head[k]) + 2, *[len(row[k]) for row in rows]) for k in range(len(head))]

    def line(cells: Iterable[str]) -> str:
        first, *others = [
            cell.rjust(width) if k else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(cells, widths))
        ]
        return "  ".join([first, *others]).rstrip()

    return "\n".join([line(head), line(["-" * width for width in widths]), *[line(row) for row in rows]])


def _around(event: FunctionEvent | None) -> Iterator[FunctionEvent]:
    """An event, and those that it is in, the innermost first."""
    while event is not None:
        yield event
        event = event.cpu_parent


def _modules(around: Iterable[FunctionEvent]) -> Iterator[str]:
    for event in around:
        if event.kind == "range" and event.name.startswith(MODULE):
            yield event.name.removeprefix(MODULE)


def _of_operator(event: FunctionEvent) -> str:
    """PyTorch's name for what an operator does."""
    name, ranks = event.name, [len(shape) for shape in event.input_shapes]
    if name.startswith("conv"):
        return "convolution"
    if name == "linear":
        return "addmm" if ranks[2:] and ranks[2] == 1 and ranks[0] > 1 else "mm"
    if name == "matmul" and len(ranks) == 2:
        left, right = ranks
        if right == 1:
            return "dot" if left == 1 else "mv"
        return "bmm" if min(left, right) > 2 else "mm"
    return {"contract": "bmm", "tensordot": "mm"}.get(name, name)


def _of_node(node: FunctionEvent, inside: list[FunctionEvent]) -> str:
    """PyTorch's name for what a node does, which was recorded inside of these."""
    operators = [event for event in inside if event.kind == "operator"]
    if operators and operators[-1].name.startswith("conv"):
        return BACKWARD["convolution"]
    name = re.sub(r"Backward\d*$", "", node.name).lower()
    return BACKWARD.get(name, name)
