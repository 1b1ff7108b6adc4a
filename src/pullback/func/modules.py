"""Objects with named parameters as functions of them: `functional_call`, `stack_module_state`, and what stands in the way.

A module is whatever can be called and has `named_parameters()`, pairs of a dotted name and a tensor; `named_buffers()`
are looked at where there are any. A name leads through attributes, and through the elements of lists and dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import _core
from .._core import Tensor
from ..operators.joining import stack

__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]


def functional_call(
    module: Callable[..., Any],
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call `module` with other parameters in place of its own, which are put back afterwards.

    Args:
        module: an object that can be called and has `named_parameters()`.
        parameter_and_buffer_dicts: name -> tensor, or several such dictionaries without a common name. What the module
            replaces by another tensor while it runs is found there afterwards.
        args: the positional arguments of the call, a tuple; anything else is the only one.
        kwargs: its keyword arguments.
        tie_weights: what is given for one name holds for all names of the same parameter.
        strict: all names of the module have to be given, and no others; else what a module has no name for is there while
            it runs, and nobody may look at it.

    Raises:
        ValueError: the dictionaries are none, or have a name in common; names that are tied are given different values.
        RuntimeError: names are missing or unexpected, under `strict`.
        TypeError, AttributeError: values that are no tensors; names that lead to no module. KeyError in other objects.

    Example:
        >>> class Line:
        ...     def __init__(self):
        ...         self.slope = pb.tensor(2.0)
        ...     def named_parameters(self):
        ...         yield "slope", self.slope
        ...     def __call__(self, x):
        ...         return self.slope * x
        >>> line = Line()
        >>> loss = lambda parameters, x: pb.func.functional_call(line, parameters, x)
        >>> pb.func.grad(loss)(dict(line.named_parameters()), pb.tensor(3.0))
        {'slope': tensor(3.)}
    """
    given = _joined(parameter_and_buffer_dicts)
    own = dict(_named(module))
    values = _tied(own, given) if tie_weights else dict(given)
    if strict and set(values) != set(own):
        said = [
            f"{what} key(s): {', '.join(map(repr, names))}."
            for what, names in (
                ("Unexpected", [name for name in values if name not in own]),
                ("Missing", [name for name in own if name not in values]),
            )
            if names
        ]
        raise RuntimeError(
            "Error(s) in reparametrizing for {}:\n\t{}".format(type(module).__name__, "\n\t".join(said))
        )
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    before: dict[str, Any] = {}
    try:
        for name, value in values.items():
            before[name] = _exchange(module, name, value)
        return module(*arguments, **(kwargs or {}))
    finally:
        for name, value in reversed(before.items()):
            after = _exchange(module, name, value)
            if name in given:
                given[name] = after


def _joined(dicts: Any) -> dict[str, Tensor]:
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, Sequence):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
        )
    if not all(isinstance(each, dict) for each in dicts):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    names = [name for each in dicts for name in each]
    repeated = list(dict.fromkeys([name for name in names if names.count(name) > 1]))
    if repeated:
        raise ValueError(
            f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous"
        )
    return {name: value for each in dicts for name, value in each.items()}


def _named(module: Any) -> Iterator[tuple[str, Tensor]]:
    """Every parameter and buffer by every name that it has."""
    for method in ("named_parameters", "named_buffers"):
        named = getattr(module, method, None)
        if named is None:
            continue
        try:
            pairs = named(remove_duplicate=False)
        except TypeError:  # a class of the user's, which takes no such argument
            pairs = named()
        yield from pairs


def _tied(own: dict[str, Tensor], given: dict[str, Tensor]) -> dict[str, Tensor]:
    names: dict[int, list[str]] = {}
    for name, tensor in own.items():
        names.setdefault(id(tensor), []).append(name)
    values = dict(given)
    for tied in names.values():
        there = [given[name] for name in tied if name in given]
        if len(tied) < 2 or not there:
            continue
        if any(value is not there[0] for value in there):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(tied)}, which are tied. Consider using "
                f"tie_weights=False"
            )
        values.update(dict.fromkeys(tied, there[0]))
    return values


def _exchange(module: Any, name: str, value: Any) -> Any:
    """Put `value` where `name` leads; what was there. A KeyError where nothing is there, but in a module it is put there."""
    prefix, _, last = name.rpartition(".")
    owner = module
    for part in prefix.split(".") if prefix else ():
        found = _element(owner, part)
        if hasattr(owner, "_modules") and (found is None or isinstance(found, Tensor)):
            raise TypeError(
                f"submodule `{prefix}`: {found} is not an instance of pullback.nn.Module. {name!r} is no parameter: the names "
                f"are those of named_parameters() and named_buffers()."
            )
        owner = found
    tables = [getattr(owner, table, None) for table in ("_parameters", "_buffers")]
    if all(isinstance(table, dict) for table in tables):
        return _exchange_in_module(owner, tables, last, value)
    before = _element(owner, last)
    if isinstance(owner, dict):
        owner[last] = value
    elif isinstance(owner, list):
        owner[int(last)] = value
    else:
        setattr(owner, last, value)
    return before


_MISSING = object()


def _exchange_in_module(owner: Any, tables: list[Any], name: str, value: Any) -> Any:
    """The same of a module, whose attributes are not to be guarded by it meanwhile."""
    if not name:
        raise KeyError('tensor name can\'t be empty string ""')
    if not isinstance(value, Tensor) and value is not None and value is not _MISSING:
        raise TypeError(f"{value} is not an instance of pullback.Tensor")
    for table in tables:
        if name in table:
            before, table[name] = table[name], value
            return before
    before = getattr(owner, name, _MISSING)
    if not isinstance(before, Tensor) and before is not None and before is not _MISSING:
        raise TypeError(f"attribute `{name}`: {before} is not an instance of pullback.Tensor")
    if value is _MISSING:
        delattr(owner, name)
    else:
        setattr(owner, name, value)
    return before


def _element(owner: Any, part: str) -> Any:
    try:
        if isinstance(owner, dict):
            return owner[part]
        return owner[int(part)] if isinstance(owner, list | tuple) else getattr(owner, part)
    except (AttributeError, LookupError, ValueError):
        if hasattr(owner, "_modules"):
            raise AttributeError(f"{type(owner).__name__} has no attribute `{part}`") from None
        raise KeyError(f"{type(owner).__name__} has no parameter {part!r}") from None


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters of several modules of one kind, and their buffers, each name's stacked in one tensor.

    Args:
        models: objects of one class with `named_parameters()`, all in training or none, where they know of it.

    Returns:
        Two dictionaries, of parameters and of buffers: name -> a tensor with the models along its first dimension,
        which requires grad where all of theirs do, and is a leaf then.

    Raises RuntimeError for no models, different classes, states of training or parameters, AttributeError for what is none.

    Example:
        >>> class Line:
        ...     def __init__(self, slope):
        ...         self.slope = pb.tensor(slope, requires_grad=True)
        ...     def named_parameters(self):
        ...         yield "slope", self.slope
        >>> pb.func.stack_module_state([Line(1.0), Line(2.0)])
        ({'slope': tensor([1., 2.], requires_grad=True)}, {})
    """
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    for model in models:
        if not hasattr(model, "named_parameters"):
            raise AttributeError(
                f"{type(model).__name__!r} object has no attribute 'training', nor named_parameters(): it is no model."
            )
    if len({bool(getattr(model, "training", True)) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(model) is not type(models[0]) for model in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    states = []
    for method in ("named_parameters", "named_buffers"):
        all_named = [dict(getattr(model, method, dict)()) for model in models]
        states.append({name: _stacked([named[name] for named in all_named], name) for name in all_named[0]})
    return states[0], states[1]


def _stacked(tensors: list[Tensor], name: str) -> Tensor:
    wanted = [tensor.requires_grad for tensor in tensors]
    if any(wanted) and not all(wanted):
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    stacked = stack(tensors)
    return _core.require_grad(stacked.detach()) if all(wanted) else stacked


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Have every BatchNorm in a module normalise by its batch alone, in place: no running mean, variance, or count.

    Such a module can be mapped: inside of a `vmap` there is no one mean for the running one to move towards. In evaluation,
    too, batches are then normalised by themselves. Returns `root`.

    Raises AttributeError for what has no `modules()`.

    Example:
        >>> net = pb.nn.Sequential(pb.nn.Linear(2, 2), pb.nn.BatchNorm1d(2))
        >>> pb.func.replace_all_batch_norm_modules_(net)[1]
        BatchNorm1d(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=False)
        >>> pb.func.vmap(net)(pb.zeros(5, 3, 2)).shape
        pullback.Size([5, 3, 2])
    """
    for module in root.modules():
        if hasattr(module, "_stop_tracking"):
            module._stop_tracking()
    return root
