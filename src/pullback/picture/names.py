"""The names of tensors: what the variables of a program call them.

A tensor is called by the shortest way that leads to it, ``loss`` before ``losses[3]`` before
``model.layers[0]['w']``, and among equally short ones by that of the nearest scope. Lists, tuples, dictionaries
and the attributes of objects are searched, breadth first, each container once, and no further than a bound on
what is looked at.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

from pullback import Tensor

Named = list[tuple[str, Tensor]]
Scope = Mapping[str, Any]

DEPTH = 5  # of containers within containers
LOOKED_AT = 10_000  # values in a scope
AROUND = 500  # values in a scope around those that the code sees
FRAMES = 2_000  # calls whose variables are kept while a function is watched
# What a notebook keeps under its own names says nothing to the reader.
_NOTEBOOK = frozenset({"In", "Out"})
_NESTED_CODE = frozenset({"<lambda>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_PLAIN = frozenset(
    {str, bytes, int, float, bool, complex, type(None), type, ModuleType, FunctionType, MethodType}
)
_NO_ATTRIBUTES = (str, bytes, int, float, complex, type, ModuleType, FunctionType, MethodType, Tensor)


def scopes_of(frame: FrameType | None) -> tuple[list[Scope], list[Scope]]:
    """The variables that code in `frame` sees, and those of whoever called it, up to the module that runs."""
    seen: list[Scope] = []
    around: list[Scope] = []
    module: Scope = {}
    nested = True
    while frame is not None and frame.f_code.co_name != "<module>":
        (seen if nested else around).append(frame.f_locals)
        if nested and frame.f_code.co_name not in _NESTED_CODE:
            nested, module = False, frame.f_globals
            seen.append(module)
        frame = frame.f_back
    if frame is not None and frame.f_globals is not module:
        (seen if nested else around).append(frame.f_globals)
    return seen, around


def collect_names(scopes: Sequence[Scope], around: Sequence[Scope] = ()) -> Named:
    """What the tensors within `scopes` are called; the nearest scope is the first. Less is looked at `around`."""
    found: dict[int, list[tuple[int, int, str, Tensor]]] = {}
    for number, scope in enumerate([*scopes, *around]):
        for depth, path, tensor in _tensors(scope, LOOKED_AT if number < len(scopes) else AROUND):
            best = found.setdefault(id(tensor), [])
            if not best or (depth, number) < best[0][:2]:
                best[:] = [(depth, number, path, tensor)]
            elif depth == 0 and best[0][:2] == (0, number):  # two variables are two names
                best.append((depth, number, path, tensor))
    return [(path, tensor) for best in found.values() for _, _, path, tensor in best]


def watch(function: Callable[[], Any]) -> tuple[Any, Named]:
    """What `function` returns, and what the local variables of the functions that it calls name.

    Several tensors of one name, from a function that is called several times, are numbered.
    """
    returned: list[Named] = []

    def profile(frame: FrameType, event: str, _: Any) -> None:
        own = str(frame.f_globals.get("__name__", "")).startswith("pullback.")
        if event == "return" and not own and len(returned) < FRAMES:
            returned.append(collect_names([frame.f_locals]))

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        result = function()
    finally:
        sys.setprofile(before)
    names: dict[int, tuple[str, Tensor]] = {}
    for named in reversed(returned):  # a caller returns after those whom it calls, and knows better
        for name, tensor in named:
            names.setdefault(id(tensor), (name, tensor))
    alike: dict[str, Named] = {}
    for name, tensor in reversed(names.values()):
        alike.setdefault(name, []).append((name, tensor))
    numbered = [
        [(f"{name} ({number})", tensor) for number, (name, tensor) in enumerate(group, 1)]
        if group[1:]
        else group
        for group in alike.values()
    ]
    return result, [pair for group in numbered for pair in group]


def _tensors(scope: Scope, left: int) -> Iterator[tuple[int, str, Tensor]]:
    """Every tensor that `scope` leads to: how deep it lies, the way there, itself; the nearest first.

    Beyond the `left` nearest values nothing is looked at.
    """
    queue = deque(
        (0, name, value)
        for name, value in list(scope.items())
        if isinstance(name, str)
        and name.isidentifier()
        and not name.startswith("_")
        and name not in _NOTEBOOK
        and type(value) not in _PLAIN
    )
    seen: set[int] = set()
    while queue and left:
        left -= 1
        depth, path, value = queue.popleft()
        if issubclass(type(value), Tensor):
            yield depth, path, value
        elif depth < DEPTH and id(value) not in seen:
            inside = _inside(value)
            if inside:
                seen.add(id(value))
                queue.extend(
                    (depth + 1, path + step, item) for step, item in inside if type(item) not in _PLAIN
                )


def _inside(value: Any) -> list[tuple[str, Any]]:
    """What a container or an object holds, each with the step that leads to it.

    An object's own code is not asked: what only pretends to be something may compute, or raise.
    """
    kind = type(value)
    if issubclass(kind, (list, tuple, deque, dict)) and len(value) > LOOKED_AT:
        return []
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return [(f".{name}", item) for name, item in zip(kind._fields, value)]
    if issubclass(kind, (list, tuple, deque)):
        return [(f"[{index}]", item) for index, item in enumerate(value)]
    if issubclass(kind, dict):
        return [(f"[{key!r}]", item) for key, item in list(dict.items(value)) if _is_plain(key)]
    if issubclass(kind, _NO_ATTRIBUTES):
        return []
    try:
        attributes = dict(object.__getattribute__(value, "__dict__"))
    except AttributeError:
        attributes = {}
    slots = vars(kind).get("__slots__", ())
    for name in (slots,) if isinstance(slots, str) else slots:
        if type(vars(kind).get(name)) is MemberDescriptorType:
            attributes[name] = getattr(value, name, None)
    return [
        (f".{name}", item)
        for name, item in attributes.items()
        if isinstance(name, str) and not name.startswith("__")
    ]


def _is_plain(key: Any) -> bool:
    return type(key) in _PLAIN or (type(key) is tuple and all(type(part) in _PLAIN for part in key))
