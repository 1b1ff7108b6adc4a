"""What to say to somebody who asks for what is not there, or hands over what does not fit: cause and cure.

Loaded when an error is on its way; a program without one never runs this. The core reaches the functions through
`hint` (python/hints.h) and appends what they return to the first sentence of the error.
"""

from . import missing

MODULES = (
    "",
    "autograd",
    "func",
    "nn.functional",
    "nn",
    "optim",
    "linalg",
    "special",
    "independent",
    "interop",
    "utils.checkpoint",
    "utils.data",
)  # where a name may be meant


class Absent(AttributeError):
    """An AttributeError whose text is made when somebody reads it: `hasattr` costs no search."""

    def __init__(self, name, text):
        super().__init__(name=name)  # without obj: Python adds no suggestion of its own
        self.text = text

    def __str__(self):
        return self.text()

    def __repr__(self):
        return f"AttributeError({str(self)!r})"

    def __reduce__(self):
        return AttributeError, (str(self),)


Absent.__qualname__, Absent.__module__ = "AttributeError", "builtins"  # tracebacks say what it is


def attribute(home, name, frame=None):
    """The exception for a name that a module of the package, or "Tensor", does not have, as a frame asks for it."""
    if frame is not None and _is_import(frame):  # Python would drop the text of an AttributeError
        return ImportError(f"cannot import name {name!r} from {home!r}.{absent(home, name)}", name=name)

    def text():
        said = absent(home, name)
        return f"{_first_sentence(home, name)}{'.' if said else ''}{said}"

    return Absent(name, text)


def _first_sentence(home, name):
    owner = "'Tensor' object" if home == "Tensor" else f"module {home!r}"
    return f"{owner} has no attribute {name!r}"


def _is_import(frame):
    import opcode

    return frame.f_code.co_code[frame.f_lasti] == opcode.opmap["IMPORT_FROM"]


# ---- names -------------------------------------------------------------------------------------------------


def absent(home, name):
    """Where the name is, who else has it and what to write instead, or what was meant: " ..." or nothing."""
    from .absent import ELSEWHERE, INSTEAD, PLACES

    short = home.removeprefix("pullback").lstrip(".")
    theirs = _is_pytorch(short or "pullback", name)
    if home != "Tensor" and not theirs and (found := _elsewhere(short, name)):
        return f" It is {found}."
    if theirs and short in PLACES:
        return f" PyTorch has it, pullback does not. {PLACES[short]}"
    cure = (
        (INSTEAD.get(name) if theirs or home == "Tensor" else None)
        or ELSEWHERE.get(name)
        or INSTEAD.get(name)
    )
    if not cure and name.endswith("_") and not INSTEAD.get(name[:-1], ".").endswith("."):
        cure = f"x.copy_({INSTEAD[name[:-1]]})"
    if cure:
        cure = cure.removesuffix(".")
        return f" PyTorch has it, pullback does not: write {cure}." if theirs else f" Write {cure}."
    if theirs:
        return f" PyTorch has it, pullback does not. {_family(short, name)}".rstrip()
    return did_you_mean(name, _names(short), prefix=f"{home}." if home not in ("Tensor", "") else "")


def _is_pytorch(home, name):
    if home == "Tensor":
        return name in missing.PYTORCH.split()
    from .absent import PYTORCH

    return name in PYTORCH.get(home, "").split()


def _family(home, name):
    import pullback

    from .absent import FAMILIES

    functions = dir(pullback.nn.functional)
    for plain in (name.lower(), _snake(name), _snake(name).removesuffix("_loss")):
        if home == "nn" and plain in functions:
            return f"The function is pullback.nn.functional.{plain}."
    plain = name.removesuffix("_")
    if plain != name and hasattr(pullback.Tensor, plain):
        return f"Write x.copy_(x.{plain}(...))."
    return next((sentence for pattern, sentence in FAMILIES if pattern.fullmatch(name)), "")


def _snake(name):
    return "".join(["_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name)])


def _elsewhere(home, name):
    """The public name of the same spelling in another module, or a tensor's method."""
    for module in MODULES:
        if module != home and name in _names(module):
            return f"pullback.{module}.{name}" if module else f"pullback.{name}"
    if name in _names("Tensor"):
        import pullback

        attribute = isinstance(vars(pullback.Tensor).get(name), property | type(pullback.Tensor.ndim))
        return f"an attribute of tensors: x.{name}" if attribute else f"a method of tensors: x.{name}(...)"
    return None


def _names(home):
    """The public names of a module, or of tensors."""
    import importlib

    import pullback

    if home == "Tensor":
        names = dir(pullback.zeros(0))
    else:
        module = importlib.import_module(f"pullback.{home}" if home else "pullback")
        names = getattr(module, "__all__", None) or dir(module)
    return [name for name in names if not name.startswith("_")]


def did_you_mean(name, names, prefix=""):
    """ " Did you mean ...?" with the closest of the names, or nothing."""
    import difflib

    lower = {known.lower(): known for known in names}  # of Tensor and tensor, tensor
    close = difflib.get_close_matches(name.lower(), lower, 1, 0.6)
    return f" Did you mean {prefix}{lower[close[0]]}?" if close else ""


def keyword(name, names):
    """What was meant by a keyword argument, and which ones there are."""
    known = [each for each in names if each not in ("input", "self")] or list(names)
    spellings = {"axes": "dim", "axis": "dim", "keepdims": "keepdim", "shape": "size", "decimal": "decimals"}
    meant = spellings.get(name)
    meant = f" Did you mean {meant}?" if meant in known else did_you_mean(name, known)
    return f".{meant} It takes {', '.join(names)}." if names else ""


def positions(count, names):
    """Which arguments have a position, and which a name only."""
    by_name = f", and by name only {', '.join(names[count:])}" if names[count:] else ""
    return f": {', '.join(names[:count]) or 'none'}{by_name}."


# ---- values ------------------------------------------------------------------------------------------------


def _kind(value):
    return type(value).__module__.partition(".")[0]


def argument(wanted, value, operation):
    """How to make what an argument wants out of what was given."""
    if wanted == "Tensor":
        said = _as_tensor(value)
        if isinstance(value, int | float):
            import math

            if callable(getattr(math, operation, None)):
                said += f" math.{operation} works on numbers."
        return said
    if wanted == "tuple of Tensors":
        return ". Hand over a list of tensors: [a, b]."
    if wanted == "pullback.dtype":
        if isinstance(value, str):
            from ..dtypes import ALIASES, NAMES

            return f".{did_you_mean(value, [*NAMES, *ALIASES])} A dtype is pullback.float32, or its name 'float32'."
        return ". pullback.float32, 'float32' and numpy.float32 are dtypes that fit."
    if wanted == "bool" and isinstance(value, str):
        return ". True or False."
    return ""


def _as_tensor(value):
    if value is None:
        return ". None is what .grad is before backward(), and what a function without return gives: look where it comes from."
    if isinstance(value, list | tuple):
        import pullback

        if any(isinstance(each, pullback.Tensor) for each in value):
            return ". pullback.stack(list) makes one tensor of several."
        return ". pullback.tensor(list) makes one."
    if _kind(value) == "numpy":
        return (
            ". pullback.from_numpy(array) makes one over the array's memory, pullback.tensor(array) a copy."
        )
    if hasattr(type(value), "__array__"):
        return f". pullback.tensor makes one of a {type(value).__name__}."
    if isinstance(value, int | float):
        return f". pullback.tensor({value}) makes one."
    if isinstance(value, type) or callable(value):
        return ". It is a function or a class: were the parentheses forgotten?"
    return ""


def array(value):
    """How to make an array, or a tensor, out of what is no array."""
    if isinstance(value, list | tuple | int | float):
        return ". pullback.tensor(data) makes a tensor of numbers and lists."
    if hasattr(type(value), "__array__"):
        return (
            ". pullback.tensor(data) copies it; pullback.from_numpy(numpy.asarray(data)) shares what it can."
        )
    return ""


def element(value):
    """How to make a tensor out of an element of a list of tensors."""
    return _as_tensor(value)


def operand(value):
    """How to make an operand out of what is none."""
    if isinstance(value, str):
        return ". A text is no number: float(text) makes one."
    if isinstance(value, set | frozenset | dict):
        return ". pullback.tensor(list(...)) makes a tensor of its values."
    return _as_tensor(value)


def ambiguous(tensor):
    """What to write instead of a tensor as a condition."""
    if tensor.numel() == 0:
        return ". Ask for what is meant: x.numel() > 0, or any() and all(), which are False and True of no values."
    return (
        ". any() and all() make one truth value of many; elementwise, write & | ~ for and, or, not, parentheses around "
        "comparisons, and where(condition, a, b) for if."
    )


def one_number(tensor):
    """What to write to get numbers out of a tensor that has not one."""
    shape = tuple(tensor.shape)
    if tensor.numel() == 0:
        return f". This one has shape {shape}, and no element at all."
    return (
        f". This one has shape {shape}: tolist() gives all elements, x[index].item() one, and sum(), mean() or max() make "
        "one of all."
    )


def index(tensor):
    """What to write to index with a tensor that is no whole number."""
    if tensor.numel() == 1:
        return f". This one is {tensor.dtype}: int(x) makes a whole number."
    return f". This one has shape {tuple(tensor.shape)}: inside pullback, x[indices] takes it; for Python, tolist()."


def list_of_tensors(tensor):
    """What to write to join tensors."""
    return (
        f". A list of tensors of shape {tuple(tensor.shape)} is joined by pullback.stack(list), or by pullback.cat(list) along "
        "a dimension that is there; gradients flow through both."
    )


def number(value):
    """What to write to make a tensor out of a thing that is no number."""
    if value is None:
        return ". None is no number: float('nan') may be what is meant, or a value was forgotten."
    if isinstance(value, dict):
        return ". pullback.tensor(list(d.values())) takes a dictionary's values."
    if isinstance(value, set | frozenset):
        return ". A set has no order: pullback.tensor(sorted(s)) gives it one."
    if hasattr(value, "__next__") or isinstance(value, map | zip | filter):
        return ". pullback.tensor(list(values)) runs through a generator."
    return ""
