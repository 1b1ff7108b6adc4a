"""What training calls that is no operator: modules are walked and optimisers make steps.

A step of one of the package's optimisers is recorded as the call that it is: it finds the groups, options and state that there
are when it is made again. So nothing of these is compared; a dry run lets the optimiser's twin make the step.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..autograd.leaves import zero_gradient
from ..nn import Module
from ..optim import Optimizer
from ..optim.optimizer import EVERYWHERE
from . import gradients, pure
from .attributes import in_class
from .guards import MISSING
from .recording import CONSTANT
from .twins import Shared
from .values import Held, NoAttribute, Outside, Refused, Writes, is_dictionary, is_tensor, said

Rule = Callable[[Any, list[Any], dict[str, Any]], Any]

_PACKAGE = __name__.partition(".")[0]


def rule(function: FunctionType) -> Rule | None:
    """What stands for a function of the package that is not interpreted."""
    return _RULES.get(function)


def _is_of_package(o: Any) -> bool:
    module = o.__module__
    return type(module) is str and module.partition(".")[0] == _PACKAGE


# ---- modules ------------------------------------------------------------------------------------------------------


def _walk(name: str, named: bool, part: str) -> Rule:
    """What stands for module.name(): an iterator over pairs of a path and what is there, or over the latter."""

    def walk(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        given = pure.bound(in_class(Module, name), args, kwargs)
        module, prefix = given["self"], run.plain(given.get("prefix", ""))
        once = run.truth(given.get("remove_duplicate", True))
        if given.get("memo") is not None or type(prefix) is not str:
            raise Refused(f"calls {name}() with a memo, or with a prefix that is no string")
        if "children" in name:
            pairs = _children(run, module)
        elif part == "_modules":
            pairs = _modules(run, module, prefix, once)
        else:
            homes = _modules(run, module, prefix, once) if run.truth(given["recurse"]) else [(prefix, module)]
            pairs = _members(run, homes, part, once)
        return iter(pairs if named else [each for _, each in pairs])

    return walk


def _modules(run: Any, module: Any, prefix: str = "", once: bool = True) -> list[tuple[str, Any]]:
    """The paths of a module and of all below it, and these, each once or as often as it is there."""
    seen: set[int] = set()

    def below(path: str, each: Any) -> list[tuple[str, Any]]:
        if not isinstance(each, Outside):
            raise Refused(f"walks a {said(each)}")
        if id(each.object) in seen:
            return []
        if once:
            seen.add(id(each.object))
        found = [(path, each)]
        for name, part in _part(run, each, "_modules").items():
            if part is not None:
                found += below(_path(path, name), part)
        return found

    return below(prefix, module)


def _children(run: Any, module: Any) -> list[tuple[str, Any]]:
    """The names of the modules that are attributes of a module, and these, each once."""
    found: dict[int, tuple[str, Any]] = {}
    for name, each in _part(run, module, "_modules").items():
        if each is not None and not isinstance(each, Outside):
            raise Refused(f"walks a {said(each)}")
        if each is not None:
            found.setdefault(id(each.object), (name, each))
    return list(found.values())


def _members(run: Any, homes: list[tuple[str, Any]], part: str, once: bool) -> list[tuple[str, Any]]:
    """The paths of the tensors in a part of some modules, and these."""
    found: list[tuple[str, Any]] = []
    seen: set[int] = set()
    for path, each in homes:
        for name, value in _part(run, each, part).items():
            if value is not None and id(value) not in seen:
                if once:
                    seen.add(id(value))
                found.append((_path(path, name), value))
    return found


def _path(path: str, name: str) -> str:
    return path + ("." if path else "") + name


def _train(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """module.train()."""
    module, mode = _given(args, kwargs, "mode", True)
    mode = run.plain(mode)
    if type(mode) is not bool:
        raise Refused(f"calls train() with a {said(mode)}")
    if run.guards.twins is None:
        raise Writes("changes whether a module is training")  # or not: that is known before the call is made
    for _, each in _modules(run, module):
        own, kind = run.guards.entries(each.object), type(each.object)
        known = in_class(kind, "__setattr__") is in_class(Module, "__setattr__")
        if not known or in_class(kind, "training") is not MISSING:
            raise Refused(f"calls train() of a {said(each)}, whose attributes are its own affair")
        if run.guards.name_in(own[0], "training", own[1]) is not mode:
            run.recorder.shout()
            run.guards.becomes(mode, own[1], "training")
            given = (each.object, "training", mode)
            run.recorder.add(setattr, tuple([(CONSTANT, -1, value, ()) for value in given]), 3, None)
    return module


def _eval(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """module.eval()."""
    if len(args) != 1 or kwargs:
        raise Refused("calls a method with other arguments than it has")
    return _train(run, [args[0], False], {})


def _attribute(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What is in a module's dictionaries."""
    module, name = args
    own = run.guards.entries(module.object)
    for home in ("_parameters", "_buffers", "_modules"):
        found = run.guards.name_in(own[0], home, own[1])
        if found is not MISSING:
            if not isinstance(found, Outside) or not is_dictionary(found.object):
                raise Refused(f"reads an attribute of a {said(module)}, whose {home} are no dictionary")
            value = run.guards.name_in(found.object, name, found.source)
            if value is not MISSING:
                return value
    raise NoAttribute(name)


_WALKS = {
    "parameters": (False, "_parameters"),
    "named_parameters": (True, "_parameters"),
    "buffers": (False, "_buffers"),
    "named_buffers": (True, "_buffers"),
    "modules": (False, "_modules"),
    "named_modules": (True, "_modules"),
    "children": (False, "_modules"),
    "named_children": (True, "_modules"),
}


def _part(run: Any, module: Any, name: str) -> dict[str, Any]:
    """One of the dictionaries of a module, which are what its methods walk by."""
    if not isinstance(module, Outside):
        raise Refused(f"walks a {said(module)}")
    run.guards.instance_is(module.object)
    for method in (*_WALKS, "_named_members", "train", "eval", "__eq__", "__hash__"):
        if in_class(type(module.object), method) is not in_class(Module, method):
            raise Refused(f"walks a {said(module)}, which has a {method}() of its own")
    own = run.guards.entries(module.object)
    found = None if own is None else run.guards.taken(run.guards.name_in(own[0], name, own[1]))
    if type(found) is not dict:
        raise Refused(f"walks a {said(module)}")
    return found


# ---- gradients ----------------------------------------------------------------------------------------------------


def _forget_of_module(run: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """module.zero_grad()."""
    module, to_none = _given(args, kwargs, "set_to_none", True)
    _forget(run, [each for _, each in _members(run, _modules(run, module), "_parameters", True)], to_none)


def _forget_of_optimizer(run: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """optimizer.zero_grad()."""
    optimizer, to_none = _given(args, kwargs, "set_to_none", True)
    _forget(run, _parameters_of(run, optimizer).values(), to_none)


def _forget(run: Any, parameters: Any, to_none: Any) -> None:
    for each in parameters:
        if run.truth(to_none):
            gradients.assign(run, each, None)
        elif gradients.read(run, each) is not None:
            _zero(run, [each], {})


def _zero(run: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Make the gradient of a leaf zeros where it lies."""
    (leaf,) = args
    if not is_tensor(leaf):
        raise Refused(f"makes the gradient of a {said(leaf)} zeros")
    gradient = gradients.read(run, leaf)
    if gradient.requires_grad:
        raise Refused("makes a gradient zeros that requires one")
    run.recorder.call(type(gradient).zero_, [gradient])


# ---- optimisers ---------------------------------------------------------------------------------------------------


def _parameters_of(run: Any, optimizer: Any) -> dict[int, Any]:
    """The parameters of an optimiser, by the ids of those outside."""
    if not isinstance(optimizer, Outside):
        raise Refused(f"uses a {said(optimizer)} as an optimiser")
    guards = run.guards
    guards.instance_is(optimizer.object)
    own = guards.entries(optimizer.object)
    groups = None if own is None else guards.name_in(own[0], "param_groups", own[1])
    found: dict[int, Any] = {}
    for group in run.iterable(groups):
        for each in run.iterable(run.element(group, "params")):
            if not is_tensor(each):
                raise Refused(f"optimises a {said(each)}")
            found[id(guards.inputs[guards.numbers[id(each)]])] = each
    return found


def _step(run: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """optimizer.step()."""
    optimizer, closure = _given(args, kwargs, "closure", None)
    if closure is not None:
        raise Refused("calls step() with a closure")
    parameters = _parameters_of(run, optimizer)
    o, recorder, twins = optimizer.object, run.recorder, run.guards.twins
    for kind in type(o).__mro__[:-1]:
        if not _is_of_package(kind):
            raise Refused(f"calls step() of a {kind.__qualname__}, which is not known to change nothing else")
    _check_hooks(run, o)
    if o.defaults.get("differentiable"):
        raise Refused("calls step() of an optimiser that is differentiable")
    recorder.shout()
    for each in parameters.values():
        if each not in twins:
            raise Shared
        if each.is_leaf:
            run.guards.gradient(each)
        recorder.write(each)
    step = type(o).step
    step(twins.optimizer(o, parameters))
    recorder.add(step, ((CONSTANT, -1, o, ()),), 1, None)


def _check_hooks(run: Any, o: Any) -> None:
    """That nobody but the package itself is called before or behind a step."""
    own = run.guards.entries(o)
    places = [run.guards.name_in(own[0], f"_optimizer_step_{when}_hooks", own[1]) for when in ("pre", "post")]
    places += [run.guards.name_in(EVERYWHERE, when, Held(EVERYWHERE)) for when in ("pre", "post")]
    for place in places:
        for hook in run.iterable(place.object.values() if isinstance(place, Outside) else place):
            if type(hook) is not FunctionType or not _is_of_package(hook):
                raise Refused("calls step() of an optimiser that has hooks")
        run.guards.length(place)


# ---- arguments ----------------------------------------------------------------------------------------------------


def _given(args: list[Any], kwargs: dict[str, Any], name: str, default: Any) -> tuple[Any, Any]:
    """An object, and the one option that its method has."""
    if len(args) + len(kwargs) > 2 or (kwargs and set(kwargs) != {name}):
        raise Refused("calls a method with other arguments than it has")
    return args[0], args[1] if len(args) == 2 else kwargs.get(name, default)


# ---- the table ----------------------------------------------------------------------------------------------------


def _steps() -> dict[Any, Rule]:
    """The steps of the package's optimisers."""
    found: dict[Any, Rule] = {}
    kinds: list[type] = [Optimizer]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if _is_of_package(kind) and "step" in vars(kind):
            found[vars(kind)["step"]] = _step
    return found


_RULES: dict[Any, Rule] = {
    **{in_class(Module, name): _walk(name, *how) for name, how in _WALKS.items()},
    in_class(Module, "train"): _train,
    in_class(Module, "eval"): _eval,
    in_class(Module, "__getattr__"): _attribute,
    in_class(Module, "zero_grad"): _forget_of_module,
    vars(Optimizer)["zero_grad"]: _forget_of_optimizer,
    zero_gradient: _zero,
    **_steps(),
}
