"""One sample: a call and its operands, as the text of a program that runs on either library.

It is drawn from a seed and a number. The number names the call; the first round through the table takes the operands as
the tables have them, every later one draws dtypes, layouts, values at edges, ties, other shapes, other numbers in the call
and targets. Nobody knows beforehand what comes out: PyTorch is asked.
"""

import dataclasses
import random
import re

import numpy as np

from . import table

FLOATS = ("float64", "float32", "float16", "bfloat16", "complex64", "complex128")
WHOLE = ("int64", "int32", "int16", "int8", "uint8", "bool")
RARE = ("uint16", "uint32", "uint64", "complex32")  # that PyTorch has few kernels for
EDGES = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 1e-30, -1e30, 3e38, 2.0**24 + 1, 65504.0, 1e-7)
# The process does not outlive PyTorch's NaN there, nor other shapes.
DEADLY, DEADLY_SHAPES = re.compile(r"eigvals\("), re.compile(r"ldl_solve\(")
LAYOUTS = ("plain", "transposed", "sliced", "offset", "expanded", "channels last", "gaps", "interleaved")
# Only the numbers between brackets, which are sizes, dimensions and options; no part of a name, a float or a text.
NUMBER = re.compile(r"(?<=[(,=\[ ])-?\d+(?=[),\]])")


@dataclasses.dataclass(frozen=True)
class Sample:
    number: int
    seed: int
    call: str
    operands: dict  # name -> the text that makes it, over `lib`
    kinds: dict  # name -> dtype's name
    changed: tuple  # what was drawn otherwise than in the table

    @property
    def writes(self):
        """Whether operands may change: what is written into cannot be a leaf."""
        return (
            is_statement(self.call)
            or re.search(r"\w_\(|__i\w+__\(|inplace=True|, True\)$", self.call) is not None
        )

    @property
    def smooth(self):
        """Whether derivatives are compared: not at edges, and not where there is nothing to differentiate."""
        return "edges" not in self.changed and any(
            "float" in k or "complex" in k for k in self.kinds.values()
        )

    def script(self):
        lines = [
            "from math import inf, nan",
            "import numpy as np",
            "import pullback, torch",
            "for lib in (torch, pullback):",
        ]
        lines += ["    m, F = lib, lib.nn.functional", "    lib.manual_seed(0)"]
        lines += [f"    {name} = {text}" for name, text in self.operands.items()]
        lines += ["    try:"]
        if is_statement(self.call):
            lines += [f"        {self.call}", "        print(x)"]
        else:
            lines += [f"        print({self.call})"]
        return "\n".join([*lines, "    except Exception as error:", "        print(repr(error))"])


def is_statement(call):
    try:
        compile(call, "call", "eval")
    except SyntaxError:
        return True
    return False


def names_in(call, known):
    # `s.sum`, `x[..`, but no attribute `.x` and no keyword `p=`
    return [name for name in known if re.search(rf"(?<![\w.'\"]){name}(?![\w'\"]|\s*=[^=])", call)]


def literal(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return f"complex({value.real!r}, {value.imag!r})" if isinstance(value, complex) else repr(value)


def converted(array, dtype):
    """The array with elements that the dtype has."""
    if dtype == "bool":
        return array > 0.7 if array.dtype.kind == "f" else array.astype(bool)
    if dtype.startswith(("int", "uint")):
        if array.dtype.kind in "fc":
            array = np.nan_to_num(np.round(array.real * 2), nan=0, posinf=100, neginf=-100)
        array = np.clip(array, -100, 100)
        return (np.abs(array) if dtype.startswith("uint") else array).astype(np.int64)
    if dtype.startswith("complex"):
        with np.errstate(invalid="ignore"):  # of what is infinite
            return array if array.dtype.kind == "c" else array + 0.5j * np.roll(array, 1).astype(float)
    array = array.real.astype(np.float64)
    if dtype == "float16":  # what it has no number for would be an error of the text
        array = np.where(np.isfinite(array), np.clip(array, -65504, 65504), array)
    return (
        np.where(np.isfinite(array), np.clip(array, -3.4e38, 3.4e38), array) if dtype != "float64" else array
    )


def laid_out(array, dtype, layout):
    """The text that makes a tensor of these elements, in memory as the layout says."""
    if array.size == 0:
        return f"lib.zeros({list(array.shape)}, dtype=lib.{dtype})"
    make = lambda a: f"lib.tensor({literal(a.tolist())}, dtype=lib.{dtype})"
    if array.ndim:
        if layout == "transposed" and array.ndim > 1:
            return f"{make(array.T)}.permute({list(range(array.ndim))[::-1]})"
        if layout == "sliced":
            return f"{make(np.repeat(array, 2, -1))}[..., ::2]"
        if layout == "offset":
            return f"{make(np.concatenate([array[:1], array]))}[1:]"
        if layout == "expanded":
            return f"{make(array[:1])}.expand({list(array.shape)})"
        if layout == "channels last" and array.ndim in (4, 5):
            order = "channels_last" if array.ndim == 4 else "channels_last_3d"
            return f"{make(array)}.to(memory_format=lib.{order})"
        if layout == "gaps" and array.ndim > 1:  # rows lie with gaps between them
            return f"lib.cat([{make(array)}, {make(array)}], -1)[..., :{array.shape[-1]}]"
        if layout == "interleaved":
            return f"lib.stack([{make(array)}, {make(array)}], -1)[..., 1]"
    return make(array)


def _reshaped(array, rng):
    ways = ["more"]
    if array.ndim:
        ways += ["fewer", "one", "none", "shorter"]
    way, axis = rng.choice(ways), rng.randrange(max(array.ndim, 1))
    if way == "more":
        return array[None]
    if way == "fewer":
        return array.take(0, axis) if array.shape[axis] else array
    size = {"one": 1, "none": 0, "shorter": max(array.shape[axis] - 1, 0)}[way]
    return array.take(range(min(size, array.shape[axis])), axis)


def _with_edges(array, rng):
    array = array.copy()
    flat = array.reshape(-1)
    for _ in range(rng.choice((1, 2, 4))):
        if flat.size:
            at = rng.randrange(flat.size)
            value = rng.choice(EDGES)
            flat[at] = value if array.dtype.kind != "c" else complex(value, rng.choice(EDGES))
    return array


def draw(number, seed=0):
    """The sample of this number."""
    starts = table.starts()
    call, environment = starts[number % len(starts)]
    rng = random.Random(f"{seed} {number}")
    arrays = table.arrays(environment, rng.randrange(4) if number >= len(starts) else 0)
    used = names_in(call, arrays)
    first = number < len(starts)
    changed = []

    def chance(share, what):
        found = not first and rng.random() < share
        if found:
            changed.append(what)
        return found

    edges, ties = chance(0.0 if DEADLY.search(call) else 0.15, "edges"), chance(0.1, "ties")
    odd = rng.choice(used) if used and chance(0.0 if DEADLY_SHAPES.search(call) else 0.12, "shape") else None
    base = "float64" if first else rng.choices(FLOATS, (10, 5, 3, 3, 2, 3))[0]
    if chance(0.08, "whole"):
        base = rng.choice(WHOLE)
    mixed, narrow = chance(0.1, "mixed"), rng.choice(WHOLE) if chance(0.15, "integers") else None
    # From a source of its own, so that nothing else is drawn otherwise.
    if not first and (rare := random.Random(f"{seed} {number} rare")).random() < 0.05:
        base = rare.choice(RARE)
    if base != "float64":
        changed.append(base)
    texts, kinds = {}, {}
    for name in used:
        array = arrays[name]
        if array.dtype.kind in "fc":
            dtype = rng.choice(FLOATS + WHOLE) if mixed and rng.random() < 0.5 else base
            if array.dtype.kind == "c" and dtype == "float64":
                dtype = "complex128"
            if ties:
                array = np.round(array)
            if edges:
                array = _with_edges(array, rng)
        else:
            dtype = str(array.dtype) if narrow is None or array.dtype == bool else narrow
        if name == odd:
            array = _reshaped(array, rng)
        layout = "plain" if first else rng.choices(LAYOUTS, (12, 3, 3, 2, 1, 2, 1, 1))[0]
        if layout == "expanded" and array.ndim and array.size:
            array = np.broadcast_to(array[:1], array.shape)
        if layout != "plain":
            changed.append(layout)
        texts[name], kinds[name] = laid_out(converted(array, dtype), dtype, layout), dtype
    if chance(0.1, "numbers"):
        call = with_another_number(call, rng)
    if chance(0.04, "numpy"):
        call = with_numpy_number(call, rng)
    if chance(0.04, "scalar"):
        call = with_scalar_operand(call, used, rng)
    if chance(0.04, "wanted"):
        call = with_keyword(call, base, rng)
    if not first and (another := random.Random(f"{seed} {number} kind")).random() < 0.04:
        call, changed = with_another_kind(call, used, another), [*changed, "kind"]
    if chance(0.06, "out") and re.fullmatch(r"(m|F)\.[\w.]+\(.*[^(]\)", call) and "out=" not in call:
        target = rng.choice(("(0)", "(0)", "(2, 3)", "(())"))
        call = f"{call[:-1]}, out=m.empty({target[1:-1]}, dtype=m.{rng.choice((base, base, 'float64', 'float32', 'int64'))}))"
    return Sample(number, seed, call, texts, kinds, tuple(dict.fromkeys(changed)))


def with_another_number(call, rng):
    places = list(NUMBER.finditer(call))
    if not places:
        return call
    at = rng.choice(places)
    return call[: at.start()] + str(rng.choice((-4, -2, -1, 0, 1, 2, 3, 5, 7))) + call[at.end() :]


def with_numpy_number(call, rng):
    """A number as NumPy's: an element of an array is one."""
    places = list(NUMBER.finditer(call))
    if not places:
        return call
    at = rng.choice(places)
    kind = rng.choice(("int64", "int32", "float64", "float32"))
    return f"{call[: at.start()]}np.{kind}({at.group()}){call[at.end() :]}"


def with_scalar_operand(call, used, rng):
    """A number, or a tensor of one, in the place of a tensor."""
    places = [each for name in used for each in re.finditer(rf"(?<=[(,] ){name}(?=[,)])", call)]
    if not places:
        return call
    at = rng.choice(places)
    other = rng.choice(("2", "-1.5", "True", "2.5j", "m.tensor(3)", "m.tensor(-0.5)", "None", "[1.0, 2.0]"))
    return call[: at.start()] + other + call[at.end() :]


def with_another_kind(call, used, rng):
    """A truth value for a whole number, 1 for a truth value, a number for a tensor."""
    ways = [(r"(?<=[(,= ])(True|False)(?=[),])", "1"), (NUMBER, "True")]
    bound = re.findall(r"\w+", " ".join(re.findall(r"lambda ([\w, ]*):", call)))
    ways += [(rf"(?<=[(, ]){name}(?=[,)])", "3") for name in used if name not in bound]
    places = [(at, other) for pattern, other in ways for at in re.finditer(pattern, call)]
    if not places:
        return call
    at, other = rng.choice(places)
    return call[: at.start()] + other + call[at.end() :]


def with_keyword(call, base, rng):
    """Another option that many functions have, whether or not this one has it."""
    if not re.fullmatch(r"[\w.]+\(.*[^(]\)", call) or is_statement(call) or "__" in call:
        return call
    option = rng.choice(
        ("keepdim=True", "dim=-1", "dim=0", "dim=(0, 1)", f"dtype=m.{base}", "dtype=m.float64")
    )
    return call if f"{option.split('=')[0]}=" in call else f"{call[:-1]}, {option})"
