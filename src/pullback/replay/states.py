"""What a call may look at besides its arguments: found from the code that ran, and described for a guard.

Python code reaches objects by names (globals, cells, defaults, attributes) and by what is in containers. So from the
functions that ran, and from the arguments, everything is followed that some name in them can lead to, and described as it
is now (src/core/python/replay/guard.h checks such a description). That is more than a call has read: a value that changes
and is not read costs a recording. What cannot be described, such as a file, an iterator, or an array of NumPy, is an end:
`Unknown` says where it was found.
"""

from __future__ import annotations

import builtins
import functools
import operator
import types
from collections import OrderedDict, defaultdict, deque, namedtuple
from enum import Enum, IntEnum
from typing import Any

from .. import _core
from .._core import Tensor
from .codes import names_of, owner


class Kind(IntEnum):
    """The kinds of checks, in the order of guard.h."""

    SAME = 0
    VALUE = 1
    TENSOR = 2
    AGAIN = 3
    SEQUENCE = 4
    MAPPING = 5
    NAMES = 6
    INSTANCE = 7
    FUNCTION = 8
    PARTS = 9
    SET = 10
    CELL = 11
    HOLDER = 12
    ABSENT = 13


class Unknown(Exception):
    """Something was found whose changes nobody sees."""


PLAIN = (bool, int, float, complex, str, bytes, range)
# What is one object for as long as it is, and never changes.
_FIXED: tuple[type, ...] = (
    type(None),
    type(...),
    type(NotImplemented),
    _core.dtype,
    _core.Operator,
    _core.Generator,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.CodeType,
    types.GenericAlias,
    types.UnionType,
    Enum,
    operator.itemgetter,
    type(vars(namedtuple("_Fields", "field"))["field"]),
)
_ATTRIBUTES: dict[type, tuple[str, ...]] = {
    types.MethodType: ("__func__", "__self__"),
    functools.partial: ("func", "args", "keywords"),
    property: ("fget", "fset"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    functools.cached_property: ("func",),
    _core.Compiled: ("__wrapped__",),
}
# Classes made in C whose instances a call may make: what they do follows from what they are given.
_PURE = frozenset(
    {
        *(
            bool,
            int,
            float,
            complex,
            str,
            bytes,
            list,
            tuple,
            dict,
            set,
            frozenset,
            range,
            slice,
            object,
            type,
            super,
        ),
        *(
            enumerate,
            zip,
            map,
            filter,
            reversed,
            property,
            staticmethod,
            classmethod,
            OrderedDict,
            defaultdict,
            deque,
        ),
        *(functools.partial, operator.itemgetter),
        *(types.MethodType, types.FunctionType, types.SimpleNamespace, types.GenericAlias, types.ModuleType),
    }
)


def is_constant(value: Any) -> bool:
    """Whether a value is a number, a string, or tuples and slices of such: nothing of it ever changes."""
    if type(value) in PLAIN or isinstance(value, _FIXED[:4]):
        return True
    if type(value) is slice:
        return is_constant((value.start, value.stop, value.step))
    return isinstance(value, tuple) and not getattr(value, "__dict__", None) and all(map(is_constant, value))


BUILTINS = frozenset(
    "abs all any ascii bin callable chr divmod format hex isinstance issubclass iter len max min next oct ord pow "
    "repr round sorted sum __build_class__ __import__".split()
)
_CORE = frozenset(
    "is_grad_enabled is_inference_mode_enabled get_default_dtype as_dtype dtype_from_name mapped_axes map_level "
    "highest_level is_same_value has_overrides get_overriding supported_dtypes holds_anywhere check_norm_dtype "
    "check_captured set_grad_enabled in_transform require_grad".split()
)
_MODULES = {
    "builtins": BUILTINS,
    "pullback._core": _CORE,
    "math": None,
    "cmath": None,
    "_operator": None,
    "_abc": None,
    "_functools": frozenset({"reduce"}),
    "_collections": frozenset({"_count_elements"}),
}
_METHODS = (str, bytes, int, float, complex, tuple, list, dict, set, frozenset, range, slice, type, object)
_OF_LIBRARY = frozenset({"getattr", "hasattr", "setattr", "vars", "dir", "id", "hash", "exec"})
# What calls functions that it is given.
_CALLING = frozenset(
    "map filter partial partialmethod reduce starmap accumulate groupby takewhile defaultdict".split()
)


def is_pure(function: Any, caller: str) -> bool:
    """Whether the result of a function of C follows from its arguments, and all that it changes is seen."""
    of = getattr(function, "__self__", None)
    name = getattr(function, "__name__", "")
    if of is None or isinstance(of, types.ModuleType):
        home = of.__name__ if of else str(getattr(function, "__module__", None))
        if home == "builtins" and name in _OF_LIBRARY:
            return caller != "user"
        allowed = _MODULES.get(home, frozenset())
        return allowed is None or name in allowed
    kind = of if isinstance(of, type) else type(of)
    if kind in _METHODS or issubclass(kind, (dict, tuple, BaseException)) or kind.__module__ == "collections":
        return True
    if isinstance(of, (types.GeneratorType, types.MappingProxyType, _core.Operator)):
        return True
    if name in (
        "__init__",
        "__new__",
        "__setattr__",
        "__getattribute__",
        "__init_subclass__",
        "__subclasshook__",
    ):
        return _is_heap(kind)
    return isinstance(of, Tensor) and name == "is_inference"


def is_of_library(o: Any) -> bool:
    """Whether a function, class or module is one of this package's."""
    name = o.__name__ if isinstance(o, types.ModuleType) else getattr(o, "__module__", None)
    return isinstance(name, str) and (name == "pullback" or name.startswith("pullback."))


def _is_heap(cls: type) -> bool:
    return bool(cls.__flags__ & 1 << 9)


@functools.cache
def _grows(cls: type) -> bool:
    """Whether instances hold something that Python does not show."""
    for each in cls.__mro__[:-1]:
        if each in _PURE:
            continue
        base, own = each.__base__, vars(each)
        if base is None or each.__itemsize__:
            return True
        shown = ("__dict__" in own) + ("__weakref__" in own)
        shown += sum(isinstance(value, types.MemberDescriptorType) for value in own.values())
        if each.__basicsize__ - base.__basicsize__ > 8 * shown:
            return True
    return False


@functools.cache
def _members(cls: type) -> tuple[str, ...]:
    return tuple(
        name
        for each in cls.__mro__
        for name, value in vars(each).items()
        if isinstance(value, types.MemberDescriptorType)
    )


class Walk:
    """A description of all that some code can reach, from arguments on."""

    def __init__(self, codes: dict[types.CodeType, dict[str, Any]], ran: set[types.CodeType]) -> None:
        self.codes, self.ran = codes, ran
        self.names: set[str] = set()
        for code in codes:
            self.names |= names_of(code).attributes
        self.whole = bool(self.names & {"__dict__", "__getattribute__"})
        self.numbers: dict[int, int] = {}
        self.held: list[Any] = []
        self.inputs: list[Tensor] = []
        self.reached: set[types.CodeType] = set()
        self.holders: dict[int, tuple] = {}  # roots: the dictionaries of modules and classes
        self.effects: set[str] = set()  # functions of C that are reached, and do more than compute
        self.later: list[types.FunctionType] = []  # functions that ran, and are held by identity
        self.lenient = False

    # ---- the whole ----------------------------------------------------------------------------------------------

    def describe(self, function: Any, args: tuple, kwargs: dict[str, Any]) -> tuple:
        """What a guard is made of. Raises Unknown for what cannot be described."""
        positions = tuple([self.visit(arg, f"argument {i}") for i, arg in enumerate(args)])
        keywords = tuple([self.visit(arg, f"argument {name!r}") for name, arg in kwargs.items()])
        roots = [(Kind.HOLDER, function, ((None, self.visit(function, "the function")),), -1, "the function")]
        for code, home in self.codes.items():
            self.lenient = owner(code) != "user"
            roots += self._globals(code, home)
        self.lenient = False
        self._check_passed()
        for code in self.ran:
            if owner(code) == "user" and code not in self.reached and not self._is_inside(code):
                raise Unknown(f"calls {code.co_name}, which no name leads to")
        while self.later:
            o = self.later.pop()
            if id(o) not in self.numbers:
                roots.append((Kind.HOLDER, o, ((None, self._running(o, o.__name__)),), -1, o.__name__))
        roots += self.holders.values()
        return positions, tuple(kwargs), keywords, tuple(roots), len(self.held), len(self.inputs)

    def _check_passed(self) -> None:
        """Functions of C that call what they are given do it unseen: beside them nothing may be named that has effects."""
        users = [code for code in self.codes if owner(code) == "user"]
        named = set().union(*[names_of(code).globals | names_of(code).attributes for code in users])
        calling = named & _CALLING
        if any(isinstance(each, tuple) and "key" in each for code in users for each in code.co_consts):
            calling.add("key")
        effects = {
            name for name in named if callable(getattr(builtins, name, None)) and self.has_effects(name)
        }
        if calling and (effects or self.effects):
            raise Unknown(
                f"names {min(effects | self.effects)} beside {min(calling)}, which may call it unseen"
            )

    @staticmethod
    def has_effects(name: str) -> bool:
        """Whether a function of the builtins is more than a function of its arguments."""
        o = getattr(builtins, name)
        return isinstance(o, types.BuiltinFunctionType) and name not in BUILTINS

    def _is_inside(self, code: types.CodeType) -> bool:
        """Whether it is made by other code that ran: a function in a function, a comprehension, a class."""
        todo, seen = list(self.codes), set()
        while todo:
            for each in todo.pop().co_consts:
                if each is code:
                    return True
                if isinstance(each, types.CodeType) and each not in seen and each not in self.codes:
                    seen.add(each)
                    todo.append(each)
        return False

    def _globals(self, code: types.CodeType, home: dict[str, Any]) -> list[tuple]:
        """What code finds among its globals. Of the library's own only data: its functions stay what they are."""
        names = names_of(code)
        if owner(code) != "user":
            data = (type(None), bool, int, float, str, list, dict, set, OrderedDict)
            chosen = [name for name in names.globals if type(home.get(name)) in data]
        else:
            chosen = [name for name in names.globals if name in home or hasattr(builtins, name)]
            if names.imports:
                raise Unknown(f"imports {min(names.imports)} while it runs")
        parts = tuple([(name, self._entry(home, name, f"the global {name!r}")) for name in sorted(chosen)])
        for name in chosen:
            if name not in home and isinstance(getattr(builtins, name), type):
                self._check_class(getattr(builtins, name), name)
        built = [
            (name, (Kind.SAME, getattr(builtins, name), (), -1, name))
            for name in sorted(chosen)
            if name not in home
        ]
        roots = [(Kind.NAMES, home, parts, -1, "globals")] if parts else []
        return roots + ([(Kind.NAMES, builtins, tuple(built), -1, "builtins")] if built else [])

    def _entry(self, home: Any, name: str, path: str) -> tuple:
        return self.visit(home[name], path) if name in home else (Kind.ABSENT, None, (), -1, path)

    # ---- one object ---------------------------------------------------------------------------------------------

    def visit(self, o: Any, path: str) -> tuple:
        """The description of an object that was found at `path`."""
        kind = type(o)
        if kind in PLAIN:
            return (Kind.VALUE, o, (), -1, path)
        if isinstance(o, _FIXED):
            if isinstance(o, types.BuiltinFunctionType) and not self.lenient and not is_pure(o, "user"):
                self.effects.add(o.__name__)
            return (Kind.SAME, o, (), -1, path)
        if is_constant(o):
            return (Kind.VALUE, o, (), -1, path)
        if id(o) in self.numbers:
            return (Kind.AGAIN, None, (), self.numbers[id(o)], path)
        if isinstance(o, types.ModuleType):
            self._open(o, vars(o), path)
            return (Kind.SAME, o, (), -1, path)
        if isinstance(o, type):
            self._check_class(o, path)
            return (Kind.SAME, o, (), -1, path)
        if kind is types.FunctionType:
            return self._function(o, path)
        if isinstance(o, Tensor):
            return self._tensor(o, path)
        if kind in _ATTRIBUTES:
            names = list(_ATTRIBUTES[kind])
            if kind is _core.Compiled:
                names += sorted(
                    self.names & vars(o).keys() - {"__name__", "__doc__", "__module__", "__qualname__"}
                )
            parts = [(name, self.visit(getattr(o, name), f"{path}.{name}")) for name in names]
            return (Kind.PARTS, kind, tuple(parts), self._number(o), path)
        return self._holding(o, kind, path)

    def _number(self, o: Any) -> int:
        number = self.numbers[id(o)] = len(self.held)
        self.held.append(o)
        return number

    def _holding(self, o: Any, kind: type, path: str) -> tuple:
        if (isinstance(o, tuple) and not getattr(o, "__dict__", None)) or kind is list:
            number = self._number(o)
            parts = [(None, self.visit(each, f"{path}[{i}]")) for i, each in enumerate(o)]
            return (Kind.SEQUENCE, kind, tuple(parts), number, path)
        if kind in (dict, OrderedDict, defaultdict):
            number = self._number(o)
            if not all(is_constant(key) or isinstance(key, Tensor) for key in o):
                return self._end(o, f"{path}, with keys of other types than strings, numbers and tensors")
            parts = [(key, self.visit(value, f"{path}[{key!r}]")) for key, value in o.items()]
            return (Kind.MAPPING, kind, tuple(parts), number, path)
        if kind in (set, frozenset) and all(map(is_constant, o)):
            return (Kind.SET, frozenset(o), (), -1, path)
        built_in = isinstance(o, (tuple, list, dict, set, frozenset, deque, *PLAIN))
        if built_in or isinstance(o, types.GeneratorType) or _grows(kind):
            return self._end(o, path)
        return self._instance(o, kind, path)

    def _end(self, o: Any, path: str) -> tuple:
        if self.lenient:
            return (Kind.SAME, o, (), -1, path)
        name = (
            type(o).__qualname__
            if type(o).__module__ == "builtins"
            else f"{type(o).__module__}.{type(o).__qualname__}"
        )
        raise Unknown(f"can reach {path}, an object of type {name}, whose changes nobody sees")

    def _instance(self, o: Any, kind: type, path: str) -> tuple:
        number = self._number(o)
        self._check_class(kind, f"the class of {path}")
        own: Any = getattr(o, "__dict__", None)
        parts: list[tuple] = []
        for name in sorted(own.keys() | self.names) if own is not None else ():
            where = f"{path}.{name}"
            if name not in own:
                parts.append((name, (Kind.ABSENT, None, (), -1, where)))
            elif name in self.names:
                parts.append((name, self.visit(own[name], where)))
            elif self.whole:
                before, self.lenient = self.lenient, True
                parts.append((name, self.visit(own[name], where)))
                self.lenient = before
        members = [name for name in _members(kind) if name in self.names and hasattr(o, name)]
        if members and own is not None:
            return self._end(o, path)
        if members:
            parts = [(name, self.visit(getattr(o, name), f"{path}.{name}")) for name in members]
            return (Kind.PARTS, kind, tuple(parts), number, path)
        return (Kind.INSTANCE, (kind, -1 if own is None else len(own)), tuple(parts), number, path)

    def _function(self, o: types.FunctionType, path: str) -> tuple:
        self.reached.add(o.__code__)
        if self.names & vars(o).keys():  # it has attributes of its own
            self._open(o, vars(o), path)
        if o.__code__ not in self.codes or id(o) in self.holders:
            if o.__code__ in self.codes:
                self.later.append(o)
            return (Kind.SAME, o, (), -1, path)
        return self._running(o, path)

    def _running(self, o: types.FunctionType, path: str) -> tuple:
        """A function that ran, whichever object it is: its cells and defaults."""
        number = self._number(o)
        before, self.lenient = self.lenient, owner(o.__code__) != "user"
        parts = []
        for name, cell in zip(o.__code__.co_freevars, o.__closure__ or ()):
            try:
                parts.append((name, self.visit(cell.cell_contents, f"{name!r} of {o.__name__}")))
            except ValueError:
                parts.append((name, (Kind.ABSENT, None, (), -1, name)))
        for name, value in (("defaults", o.__defaults__), ("keyword defaults", o.__kwdefaults__)):
            where = f"the {name} of {o.__name__}"
            parts.append(
                (name, (Kind.ABSENT, None, (), -1, where) if value is None else self.visit(value, where))
            )
        self.lenient = before
        parts.append(("globals", (Kind.SAME, o.__globals__, (), -1, "globals")))
        return (Kind.FUNCTION, o.__code__, tuple(parts), number, path)

    def _tensor(self, o: Tensor, path: str) -> tuple:
        if not _core.is_exact(o):
            return self._end(o, path)
        self._check_class(type(o), "the class of tensors")
        number, slot = self._number(o), len(self.inputs)
        self.inputs.append(o)
        own = vars(o)
        parts = tuple(
            [(name, self._entry(own, name, f"{path}.{name}")) for name in sorted(self.names) if own]
        )
        return (Kind.TENSOR, (o, slot), parts, number, path)

    # ---- classes and modules ------------------------------------------------------------------------------------

    def _check_class(self, cls: type, path: str) -> None:
        if cls in _PURE or cls.__module__ == "itertools":
            return
        if not _is_heap(cls):
            if issubclass(cls, BaseException) or self.lenient:
                return
            raise Unknown(
                f"can reach {path}, the class {cls.__module__}.{cls.__qualname__}, which is not Python's"
            )
        for each in cls.__mro__:
            if each not in _PURE and _is_heap(each):
                self._open(each, vars(each), each.__qualname__)

    def _open(self, holder: Any, own: Any, path: str) -> None:
        """Note what a module, a class or a function has under names that ran, or that it has nothing."""
        if id(holder) in self.holders:
            return
        self.holders[id(holder)] = ()
        library = is_of_library(holder) and not isinstance(holder, types.FunctionType)
        if library and isinstance(holder, types.ModuleType) and holder.__name__ == "pullback._core":
            return
        before, self.lenient = self.lenient, self.lenient or library
        parts: list[tuple] = []
        for name in sorted(self.names | own.keys() if isinstance(holder, type) else self.names):
            where = f"{path}.{name}"
            special = name.startswith("__") and name.endswith("__")
            if name not in own:
                if not library:
                    parts.append((name, (Kind.ABSENT, None, (), -1, where)))
                continue
            value = own[name]
            inner = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
            runs = isinstance(inner, types.FunctionType) and inner.__code__ in self.codes
            if not runs and (special or name not in self.names):
                continue
            if library and isinstance(value, (type, types.FunctionType)) and is_of_library(value):
                parts.append((name, (Kind.SAME, value, (), -1, where)))
                if isinstance(value, types.FunctionType):
                    self.reached.add(value.__code__)
            else:
                parts.append((name, self.visit(value, where)))
        self.lenient = before
        of = own if isinstance(holder, types.FunctionType) else holder
        self.holders[id(holder)] = (Kind.NAMES, of, tuple(parts), -1, path)
