"""A machine for pickles that runs no program: it knows the opcodes of data, and the names of `names.GLOBALS`.

Everything else that a pickle says is refused by name. The machine has a stack of its own, so that nothing in a file makes
it recurse, and reads no more bytes than the file has, whatever length is stated.
"""

import pickle
import pickletools
import struct
from collections import Counter, OrderedDict, defaultdict
from functools import partial
from typing import Any

from .names import CALLS, GLOBALS, Refused, check_key, full_name

_BLOCKED = ("sys", "os", "posix", "nt", "subprocess")
_allowed: dict[str, Any] = {}  # what users have added: full name -> object


class Source:
    """The next bytes of a file of which `size` are left."""

    def __init__(self, file, size):
        self.file, self.left = file, size

    def read(self, size):
        """So many bytes."""
        if size > self.left:
            raise Refused("it ends in the middle")
        self.left -= size
        data = self.file.read(size)
        if len(data) != size:
            raise Refused("it ends in the middle")
        return data

    def line(self):
        """A text up to the end of its line."""
        data = self.file.readline(min(self.left, 1000))
        self.left -= len(data)
        if data[-1:] != b"\n":
            raise Refused("a name has no end")
        return data[:-1].decode("utf-8")


def failed(why):
    """The error of a pickle that is not read."""
    return pickle.UnpicklingError(f"Weights only load failed. {why}")


def unpickle(source, persistent):
    """The object of the next pickle; `persistent` makes storages of what stands for them."""
    machine = Machine(source, persistent)
    try:
        return machine.run()
    except Refused as error:
        raise failed(
            f"The pickle is not what a checkpoint has: {error}. The file is damaged, or was made to do harm."
        ) from None
    except (
        ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError, struct.error,
    ) as error:  # fmt: skip
        raise failed(
            f"The pickle is damaged: {type(error).__name__} at byte {machine.size - source.left} of {machine.size} ({error})."
        ) from error


def names_in(data):
    """The names that a pickle has."""
    found, texts, memo = set(), ["", ""], {}
    try:
        for opcode, value, _ in pickletools.genops(data):
            if opcode.name == "GLOBAL":
                found.add(full_name(*value.split(" ", 1)))
            elif opcode.name == "STACK_GLOBAL":
                found.add(full_name(*texts[-2:]))
            elif "PUT" in opcode.name or opcode.name == "MEMOIZE":
                memo[len(memo) if value is None else value] = texts[-1]
            elif "GET" in opcode.name:
                texts.append(memo.get(value, ""))
            elif type(value) is str:
                texts.append(value)
    except (ValueError, TypeError) as error:
        raise failed(f"The pickle is damaged: {error}.") from None
    return found


class Machine:
    """One run over one pickle."""

    def __init__(self, source, persistent):
        self.source, self.persistent, self.size = source, persistent, source.left
        self.read = source.read
        self.stack, self.marks, self.memo = [], [], {}

    def run(self):
        """The object of the pickle."""
        read, steps = self.read, STEPS
        while True:
            code = read(1)[0]
            if code == 0x2E:  # STOP
                (result,) = self.stack
                return result
            step = steps[code]
            if step is None:
                raise Refused(f"Unsupported operand {code}")
            step(self)

    def number(self, form):
        """The next number, of a form of `struct`."""
        return struct.unpack(form, self.read(struct.calcsize(form)))[0]

    def taken(self):
        """What was pushed since the last mark."""
        found, self.stack = self.stack, self.marks.pop()
        return found

    def top(self, kinds):
        """What is on the stack, if it is of these types."""
        if type(self.stack[-1]) not in kinds:
            raise Refused(f"Can only put items into lists, dictionaries and sets, not {type(self.stack[-1])}")
        return self.stack[-1]


STEPS: list[Any] = [None] * 256


def code(*codes):
    """Makes a function the step of these opcodes."""

    def put(step):
        for each in codes:
            STEPS[ord(each)] = step
        return step

    return put


def _pushing(value):
    return lambda m: m.stack.append(value() if callable(value) else value)


STEPS[ord("N")] = _pushing(None)
STEPS[0x88] = _pushing(True)
STEPS[0x89] = _pushing(False)
STEPS[ord(")")] = _pushing(())
STEPS[ord("]")] = _pushing(list)
STEPS[ord("}")] = _pushing(dict)
STEPS[0x8F] = _pushing(set)


def _reading(form):
    return lambda m: m.stack.append(m.number(form))


for _code, _form in {"J": "<i", "K": "<B", "M": "<H", "G": ">d"}.items():
    STEPS[ord(_code)] = _reading(_form)


def _text(form):
    return lambda m: m.stack.append(str(m.read(m.number(form)), "utf-8", "surrogatepass"))


def _bytes(form, kind=bytes):
    return lambda m: m.stack.append(kind(m.read(m.number(form))))


for _code, _form in {"X": "<I", "\x8c": "<B", "\x8d": "<Q"}.items():
    STEPS[ord(_code)] = _text(_form)
for _code, _form in {"B": "<I", "C": "<B", "\x8e": "<Q"}.items():
    STEPS[ord(_code)] = _bytes(_form)
STEPS[0x96] = _bytes("<Q", bytearray)
STEPS[ord("U")] = lambda m: m.stack.append(m.read(m.number("<B")).decode("latin1"))  # Python 2's texts
STEPS[ord("T")] = lambda m: m.stack.append(m.read(m.number("<I")).decode("latin1"))
STEPS[0x8A] = lambda m: m.stack.append(pickle.decode_long(m.read(m.number("<B"))))
STEPS[0x8B] = lambda m: m.stack.append(pickle.decode_long(m.read(m.number("<I"))))
STEPS[ord("0")] = lambda m: m.stack.pop()
STEPS[ord("2")] = lambda m: m.stack.append(m.stack[-1])


@code("\x80")
def _protocol(m):
    if (version := m.read(1)[0]) > 5:
        raise Refused(f"pickle protocol {version}")


@code("\x95")
def _frame(m):
    m.number("<Q")


@code("(")
def _mark(m):
    m.marks.append(m.stack)
    m.stack = []


@code("q")
def _put(m):
    m.memo[m.read(1)[0]] = m.stack[-1]


@code("r")
def _long_put(m):
    m.memo[m.number("<I")] = m.stack[-1]


@code("\x94")
def _memoize(m):
    m.memo[len(m.memo)] = m.stack[-1]


@code("h")
def _get(m):
    m.stack.append(m.memo[m.read(1)[0]])


@code("j")
def _long_get(m):
    m.stack.append(m.memo[m.number("<I")])


@code("t")
def _tuple(m):
    items = tuple(m.taken())
    m.stack.append(items)


def _last(count):
    def step(m):
        if len(m.stack) < count:
            raise Refused("its stack is empty")
        m.stack[-count:] = [tuple(m.stack[-count:])]

    return step


for _count in (1, 2, 3):
    STEPS[0x84 + _count] = _last(_count)


@code("a")
def _append(m):
    item = m.stack.pop()
    m.top((list,)).append(item)


@code("e")
def _extend(m):
    items = m.taken()
    m.top((list,)).extend(items)


_MAPPINGS = (dict, OrderedDict, defaultdict, Counter)


@code("s")
def _set_item(m):
    value, key = m.stack.pop(), check_key(m.stack.pop())
    m.top(_MAPPINGS)[key] = value


@code("u")
def _set_items(m):
    items = m.taken()
    target = m.top(_MAPPINGS)
    if len(items) % 2:
        raise Refused("a dictionary has a key without a value")
    for key, value in zip(items[::2], items[1::2]):
        target[check_key(key)] = value


@code("d")
def _dictionary(m):
    items = m.taken()
    m.stack.append({check_key(key): value for key, value in zip(items[::2], items[1::2], strict=True)})


@code("l")
def _list(m):
    items = m.taken()
    m.stack.append(items)


@code("\x90")
def _add_items(m):
    items = m.taken()
    m.top((set,)).update(map(check_key, items))


@code("\x91")
def _frozen(m):
    items = frozenset(map(check_key, m.taken()))
    m.stack.append(items)


# ---- names, and calls of them --------------------------------------------------------------------------------


def looked_up(name):
    """What stands for a name of the table, or of those that users have added."""
    found = GLOBALS.get(name, _allowed.get(name))
    if found is not None:
        return found
    name = name[:300]
    module = name.partition(".")[0]
    if module in _BLOCKED:
        raise failed(
            f"Trying to load unsupported GLOBAL {name} whose module {module} is blocked. A file that names it "
            "means to run a program: do not load it."
        )
    shown = name.removeprefix("builtins.")
    raise failed(
        f"Unsupported global: GLOBAL {shown} was not an allowed global by default. It is neither a tensor nor a plain "
        f"container. Where you trust this class or function, `pullback.serialization.add_safe_globals([{shown}])` allows "
        "it; where you trust all of the file, load it with weights_only=False, which lets it run any program. What is "
        "best is to save state_dict() where the file was written."
    )


def allowed_name(thing):
    """The name by which users have allowed a class or function; None if they have not."""
    return next((name for name, each in _allowed.items() if each is thing), None)


@code("c")
def _global(m):
    module, name = m.source.line(), m.source.line()
    m.stack.append(looked_up(full_name(module, name)))


@code("\x93")
def _stack_global(m):
    name, module = m.stack.pop(), m.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise Refused("a name is no text")
    m.stack.append(looked_up(full_name(module, name)))


def _is_allowed(thing):
    return allowed_name(thing) is not None


def _is_partly_called(function):
    """Whether it is a `functools.partial`, where that is allowed, of a function that is."""
    return type(function) is partial and _is_allowed(partial) and _is_allowed(function.func)


@code("R")
def _reduce(m):
    arguments, function = m.stack.pop(), m.stack.pop()
    if type(arguments) is not tuple:
        raise Refused("a function gets no tuple of arguments")
    if _is_allowed(function) or _is_partly_called(function):
        m.stack.append(function(*arguments))
        return
    call = CALLS.get(function) if callable(function) else None
    if call is None:
        raise Refused(f"Trying to call reduce for unrecognized function {function!r}"[:300])
    m.stack.append(call(*arguments))


@code("\x81")
def _new(m):
    arguments, kind = m.stack.pop(), m.stack.pop()
    if type(arguments) is not tuple:
        raise Refused("a class gets no tuple of arguments")
    if _is_allowed(kind):
        m.stack.append(kind.__new__(kind, *arguments))
    elif kind in (OrderedDict, set, frozenset) and not arguments:
        m.stack.append(kind())
    else:
        raise Refused(f"Can only create new object for classes that were allowed, but got {kind!r}"[:300])


@code("b")
def _build(m):
    state = m.stack.pop()
    made = m.stack[-1]
    if type(made) is OrderedDict:
        if type(state) is not dict or not all(type(name) is str for name in state):
            raise Refused("an OrderedDict has attributes that are none")
        made.__dict__.update(state)
    elif _is_allowed(type(made)):
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
            return
        slots = None
        if type(state) is tuple and len(state) == 2:
            state, slots = state
        made.__dict__.update(state or {})
        for name, value in (slots or {}).items():
            setattr(made, name, value)
    else:
        raise Refused(f"Can only build OrderedDict and classes that were allowed, but got {type(made)}")


@code("Q")
def _persistent(m):
    key = m.stack.pop()
    if type(key) is not tuple or not key or key[0] != "storage":
        raise Refused("Only persistent_load of storage is allowed")
    m.stack.append(m.persistent(key))
