"""Writes the package's type stubs from the declarations of the operators.

    python tools/stubs.py            write them
    python tools/stubs.py --check    fail if they are not what would be written

Types follow from the names of parameters, which mean the same in every operator (stub_types.py). Stubs of classes
and of modes, in src/pullback/autograd, are written by hand.
"""

import inspect
import pathlib
import sys

import pullback as pb
import pullback.fft
import pullback.interop
import pullback.iterations
import pullback.linalg
import pullback.masked
import pullback.nn.dropouts
import pullback.nn.functional
import pullback.nn.plain
import pullback.seldom
import pullback.signal.windows
import pullback.special
from pullback.operators.declare import FUNCTIONS, METHODS

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from stub_families import families_stub, family_stubs, transforms_stub
from stub_types import ANY, ATTRIBUTES, OVERLOADS, RETURNS, TYPES, WHERE

ROOT = pathlib.Path(__file__).parent.parent / "src" / "pullback"
UNARY = "abs neg pos invert".split()
BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
COMPARE = "eq ne lt le gt ge".split()


def parameters(function, method):
    """The parameters of a callable as stub text; the first is self for a method."""
    given = list(inspect.signature(function).parameters.values())
    texts, star = [], False
    for index, p in enumerate(given):
        if p.kind is p.KEYWORD_ONLY and not star:
            texts.append("*")
            star = True
        if p.kind is p.VAR_POSITIONAL:
            texts.append(f"*{p.name}: Any")
            star = True
            continue
        if p.kind is p.VAR_KEYWORD:
            texts.append(f"**{p.name}: Any")
            continue
        # A method's tensor has the name that the function gives it: one object is both.
        text = p.name if method and index == 0 else f"{p.name}: {_type(p)}"
        texts.append(text + (" = ..." if p.default is not p.empty else ""))
    return ", ".join(texts)


def _type(p):
    kind = TYPES.get(p.name, "Any")
    return f"{kind} | None" if p.default is None and kind != "Any" and not kind.endswith("None") else kind


# What a C++ function gives, in stubs.
GIVEN = {"Tensors": "tuple[Tensor, ...]", "bool": "builtins.bool", "int": "builtins.int", "dtype": "_dtype"}


def returns(name, function):
    whole = f"{getattr(function, '__module__', None)}.{name}"  # where one name gives several things
    if whole in RETURNS:
        return RETURNS[whole]
    if whole.startswith("pullback.masked.reductions"):
        return "Tensor"
    gives = getattr(function, "_gives", None)
    if isinstance(gives, type):
        return f"return_types.{gives.__name__}"
    if gives in GIVEN:
        return GIVEN[gives]
    plain = name.removesuffix("_") if name.removesuffix("_") in RETURNS else name
    if plain in RETURNS and name != "requires_grad_":
        return RETURNS[plain]
    return "Any" if name in ANY else "Tensor"


def definition(name, function, method=False):
    """The lines that declare a function or a method."""
    if isinstance(function, type) and issubclass(function, Exception):
        return [f"class {name}({function.__base__.__name__}): ..."]
    if isinstance(function, type):  # LongTensor and its kin
        return [f"{name}: builtins.type[Any]"]
    forms = WHERE if name == "where" and not method else OVERLOADS.get(name)
    if getattr(function, "__module__", "").startswith("pullback.masked"):  # their results are tensors
        forms = None
    if not forms:
        return [f"def {name}({parameters(function, method)}) -> {returns(name, function)}: ..."]
    first = "input" if method else "input: Tensor"
    lines = []
    for given, result in forms:
        lines += ["@overload", f"def {name}({given.format(first=first)}) -> {result}: ..."]
    return lines


HEAD = '''"""Types of the public names. Written by tools/stubs.py from the declarations; do not edit."""

import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, Union, final, overload

import numpy.typing as npt

from . import autograd as autograd, calculus as calculus, distributions as distributions, func as func, independent as independent
from . import interop as interop, utils as utils
from .func import vmap as vmap
from .utils.loops import checkpoint_loop as checkpoint_loop
from . import fft as fft, linalg as linalg, masked as masked, memory as memory, nn as nn
from . import picture as picture, printing as printing, profiler as profiler
from . import optim as optim, overrides as overrides, quasirandom as quasirandom, random as random
from . import return_types as return_types
from . import serialization as serialization, signal as signal, sparse as sparse, special as special, testing as testing
from . import __config__ as __config__, accelerator as accelerator, amp as amp, backends as backends, compiler as compiler
from . import cpu as cpu, cuda as cuda, distributed as distributed, hub as hub, jit as jit, mps as mps, onnx as onnx
from . import types as types, version as version, xpu as xpu
from .amp import GradScaler as GradScaler, autocast as autocast
from .compiler import compile as compile
from .switches import are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled
from .switches import clear_autocast_cache as clear_autocast_cache
from .switches import get_autocast_cpu_dtype as get_autocast_cpu_dtype
from .switches import get_autocast_gpu_dtype as get_autocast_gpu_dtype
from .switches import is_autocast_cpu_enabled as is_autocast_cpu_enabled
from .switches import set_anomaly_enabled as set_anomaly_enabled
from .switches import get_autocast_dtype as get_autocast_dtype
from .switches import get_deterministic_debug_mode as get_deterministic_debug_mode
from .switches import get_device as get_device
from .switches import get_device_module as get_device_module
from .switches import get_float32_matmul_precision as get_float32_matmul_precision
from .switches import is_autocast_cache_enabled as is_autocast_cache_enabled
from .switches import is_autocast_enabled as is_autocast_enabled
from .switches import is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled
from .switches import is_warn_always_enabled as is_warn_always_enabled
from .switches import set_deterministic_debug_mode as set_deterministic_debug_mode
from .switches import set_float32_matmul_precision as set_float32_matmul_precision
from .switches import set_flush_denormal as set_flush_denormal
from .switches import set_warn_always as set_warn_always
from .switches import typename as typename
from .switches import use_deterministic_algorithms as use_deterministic_algorithms
from .autograd.hooks import RemovableHandle
from .autograd.grad_mode import enable_grad as enable_grad, inference_mode as inference_mode, no_grad as no_grad
from .autograd.grad_mode import is_grad_enabled as is_grad_enabled, set_grad_enabled as set_grad_enabled
from .autograd.grad_mode import is_inference_mode_enabled as is_inference_mode_enabled
from .autograd import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from .autograd import is_anomaly_enabled as is_anomaly_enabled
from .messages.errors import OutOfMemoryError as OutOfMemoryError
from .printing import set_printoptions as set_printoptions
from .serialization import load as load, save as save
from .typed import BFloat16Tensor as BFloat16Tensor, BoolTensor as BoolTensor, ByteTensor as ByteTensor
from .typed import CharTensor as CharTensor, DoubleTensor as DoubleTensor, FloatTensor as FloatTensor
from .typed import HalfTensor as HalfTensor, IntTensor as IntTensor, LongTensor as LongTensor, ShortTensor as ShortTensor
from .typed import set_default_tensor_type as set_default_tensor_type
from .runtime.threads import get_num_interop_threads as get_num_interop_threads, get_num_threads as get_num_threads
from .runtime.threads import set_num_interop_threads as set_num_interop_threads, set_num_threads as set_num_threads

__version__: str
e: builtins.float
inf: builtins.float
nan: builtins.float
pi: builtins.float
newaxis: None
has_lapack: builtins.bool
has_mkl: builtins.bool
has_openmp: builtins.bool
has_spectral: builtins.bool
_Number = Union[builtins.bool, builtins.int, builtins.float]

@final
class dtype:
    name: str
    itemsize: builtins.int
    is_floating_point: builtins.bool
    is_complex: builtins.bool
    is_signed: builtins.bool

class Size(tuple[builtins.int, ...]):
    def __new__(cls, sizes: Iterable[builtins.int] = ...) -> Size: ...
    def numel(self) -> builtins.int: ...

class device:
    type: str
    index: builtins.int | None
    def __init__(self, type: str | device, index: builtins.int | None = ...) -> None: ...
    def __enter__(self) -> device: ...
    def __exit__(self, *error: Any) -> None: ...
    def __call__(self, function: Any) -> Any: ...

class layout: ...
class memory_format: ...

strided: layout
contiguous_format: memory_format
preserve_format: memory_format
channels_last: memory_format
channels_last_3d: memory_format

class finfo:
    bits: builtins.int
    dtype: str
    eps: builtins.float
    max: builtins.float
    min: builtins.float
    tiny: builtins.float
    resolution: builtins.float
    smallest_normal: builtins.float
    def __init__(self, type: _DTypeLike | None = ...) -> None: ...

class iinfo:
    bits: builtins.int
    dtype: str
    max: builtins.int
    min: builtins.int
    def __init__(self, type: _DTypeLike) -> None: ...

class Generator:
    @property
    def device(self) -> _device: ...
    def __new__(cls, device: Any = ...) -> Generator: ...
    def manual_seed(self, seed: builtins.int) -> Generator: ...
    def seed(self) -> builtins.int: ...
    def initial_seed(self) -> builtins.int: ...
    def get_state(self) -> Tensor: ...
    def set_state(self, new_state: Tensor) -> None: ...
    def clone_state(self) -> Generator: ...
    def get_offset(self) -> builtins.int: ...
    def set_offset(self, offset: builtins.int) -> None: ...

class _Explanation(str): ...

_dtype = dtype
_device = device
# A dtype, a name of one, Python's float, int and bool, or a dtype of NumPy's.
_DTypeLike = Union[dtype, str, type, npt.DTypeLike]

default_generator: Generator

def get_default_dtype() -> dtype: ...
def set_default_dtype(d: _DTypeLike) -> None: ...
def get_default_device() -> device: ...
def set_default_device(device: Any) -> None: ...
def explain(tensor: Tensor, *, gradient: builtins.bool = ..., code: builtins.bool = ...) -> _Explanation: ...
def counters() -> dict[str, builtins.int]: ...
def synchronize() -> None: ...

'''
DUNDERS = """
    def __getitem__(self, index: Any, /) -> Tensor: ...
    def __setitem__(self, index: Any, value: Any, /) -> None: ...
    def __len__(self) -> builtins.int: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __reversed__(self) -> Tensor: ...
    def __contains__(self, element: Any) -> builtins.bool: ...
    def __bool__(self) -> builtins.bool: ...
    def __float__(self) -> builtins.float: ...
    def __int__(self) -> builtins.int: ...
    def __complex__(self) -> builtins.complex: ...
    def __index__(self) -> builtins.int: ...
    def __repr__(self, *, tensor_contents: Any = ...) -> str: ...
    def __hash__(self) -> builtins.int: ...
    def __array__(self, dtype: Any = ..., copy: Any = ...) -> npt.NDArray[Any]: ...
    def __dlpack__(self, *, stream: Any = ..., max_version: Any = ..., dl_device: Any = ..., copy: Any = ...) -> Any: ...
    def __dlpack_device__(self) -> tuple[builtins.int, builtins.int]: ...
""".strip("\n").split("\n")


def package_stub():
    lines = HEAD.split("\n")
    lines += [f"{n}: _dtype" for n in sorted(n for n, v in vars(pb).items() if isinstance(v, pb.dtype))]
    lines += ["", "class Tensor:"]
    lines += ["    def __new__(cls, *data: Any, device: Any = ...) -> Tensor: ..."]
    for name, kind in ATTRIBUTES.items():
        fixed = isinstance(
            vars(pb.Tensor)[name], property
        )  # those of the core are checked where they are assigned
        lines += (
            ["    @property", f"    def {name}(self) -> {kind}: ..."] if fixed else [f"    {name}: {kind}"]
        )
    for op in BINARY:
        given = "other: Any, mod: Any = ..., /" if op == "pow" else "other: Any, /"
        lines += [f"    def __{form}{op}__(self, {given}) -> Tensor: ..." for form in ("", "r")]
        if op != "matmul":
            ignore = "  # type: ignore[misc]" if op == "pow" else ""  # it takes no modulus
            lines.append(f"    def __i{op}__(self, other: Any, /) -> Tensor: ...{ignore}")
    for op in COMPARE:  # object says that == and != give truth values
        ignore = "  # type: ignore[override]" if op in ("eq", "ne") else ""
        lines.append(f"    def __{op}__(self, other: Any, /) -> Tensor: ...{ignore}")
    lines += [f"    def __{op}__(self) -> Tensor: ..." for op in UNARY]
    lines += DUNDERS
    for name, function in sorted(METHODS.items()):
        if name.startswith("_") or name in ATTRIBUTES or isinstance(function, property):
            continue
        lines += ["    " + line for line in definition(name, function, method=True)]
    lines.append("    def is_inference(self) -> builtins.bool: ...")
    lines.append("")
    for name, function in sorted(FUNCTIONS.items()):
        if (
            "." not in name
            and not name.startswith("_")
            and name not in ("get_default_dtype", "set_default_dtype")
        ):
            lines += definition(name, function)
    for module in ("nn.dropouts", "nn.functional", "nn.plain"):
        homes = sorted(name for name, home in pb._HOMES.items() if home == module)
        lines += [f"from .{module} import {name} as {name}" for name in homes]
    return "\n".join(lines) + "\n"


def module_stub(module):
    """The stub of a module of functions, which `__all__` lists."""
    lines, classes = [], []
    for name in sorted(set(module.__all__)):
        value = getattr(module, name)
        if isinstance(value, type) and value.__module__ != module.__name__:  # typed where it is written
            classes.append(f"from {value.__module__} import {name} as {name}")
        else:
            lines += definition(name, value)
    body = "\n".join(lines) + "\n"
    imports = {"import builtins": "builtins.", "from collections.abc import Sequence": "Sequence["}
    taken = ["Tensor", *[name for name in ("_DTypeLike", "return_types") if name in body]]
    head = [
        f'"""Types of `{module.__name__}`. Written by tools/stubs.py; do not edit."""',
        "",
        *[line for line, use in imports.items() if use in body],
        "from typing import Any",
        "",
        f"from pullback import {', '.join(taken)}",
        *classes,
        "",
    ]
    return "\n".join(head) + "\n" + body


def stubs():
    """Every written stub: {path: text}."""
    nn = (
        '"""Types of `pullback.nn`. Written by tools/stubs.py; do not edit."""\n\n'
        "from typing import Any\n\n"
        "from . import functional as functional, init as init\n\n"
        "def __getattr__(name: str) -> Any: ...  # modules, which are not typed\n"
    )
    return {
        ROOT / "__init__.pyi": package_stub(),
        ROOT / "nn" / "__init__.pyi": nn,
        ROOT / "nn" / "dropouts.pyi": module_stub(pullback.nn.dropouts),
        ROOT / "nn" / "plain" / "__init__.pyi": module_stub(pullback.nn.plain),
        ROOT / "nn" / "functional.pyi": module_stub(pb.nn.functional),
        ROOT / "distributions" / "__init__.pyi": families_stub(),
        ROOT / "distributions" / "transforms.pyi": transforms_stub(),
        **{ROOT / "distributions" / file: text for file, text in family_stubs().items()},
        ROOT / "fft.pyi": module_stub(pb.fft),
        ROOT / "linalg.pyi": module_stub(pb.linalg),
        ROOT / "signal" / "__init__.pyi": '"""Signals."""\n\nfrom . import windows as windows\n',
        ROOT / "signal" / "windows.pyi": module_stub(pb.signal.windows),
        ROOT / "special.pyi": module_stub(pb.special),
        ROOT / "masked" / "__init__.pyi": module_stub(pb.masked),
        ROOT / "interop" / "__init__.pyi": module_stub(pb.interop),
    }


def main():
    for path, text in stubs().items():
        if "--check" not in sys.argv:
            path.write_text(text)
        elif path.read_text() != text:
            sys.exit(f"{path.name} is not what tools/stubs.py writes: run it")


if __name__ == "__main__":
    main()
