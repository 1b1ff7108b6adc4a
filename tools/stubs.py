"""Writes the package's type stub, `src/pullback/__init__.pyi`, from the declarations of the operators.

    python tools/stubs.py            write it
    python tools/stubs.py --check    fail if it is not what would be written

Types follow from the names of parameters, which mean the same in every operator.
"""

import inspect
import pathlib
import sys

import pullback as pb
from pullback.calculus.define import TABLE
from pullback.operators.declare import FUNCTIONS, METHODS

STUB = pathlib.Path(__file__).parent.parent / "src" / "pullback" / "__init__.pyi"

TYPES = {
    "input": "Tensor",
    "self": "Tensor",
    "tensors": "Sequence[Tensor]",
    "out": "Tensor | None",
    "dtype": "_dtype | None",
    "keepdim": "builtins.bool",
    "dim": "builtins.int | Sequence[builtins.int] | None",
    "requires_grad": "builtins.bool",
}
# What does not return a tensor.
RETURNS = {
    "item": "Number",
    "tolist": "Any",
    "numpy": "Any",
    "dim": "builtins.int",
    "ndimension": "builtins.int",
    "numel": "builtins.int",
    "nelement": "builtins.int",
    "size": "Any",
    "stride": "Any",
    "backward": "None",
    "retain_grad": "None",
    "is_contiguous": "builtins.bool",
    "is_tensor": "builtins.bool",
    "is_floating_point": "builtins.bool",
    "is_complex": "builtins.bool",
    "is_signed": "builtins.bool",
    "equal": "builtins.bool",
    "allclose": "builtins.bool",
    "element_size": "builtins.int",
    "storage_offset": "builtins.int",
    "data_ptr": "builtins.int",
    "promote_types": "_dtype",
    "result_type": "_dtype",
    "can_cast": "builtins.bool",
    "broadcast_shapes": "Size",
}
TUPLES = set(
    "unbind split chunk tensor_split split_with_sizes hsplit vsplit dsplit meshgrid broadcast_tensors".split()
)
TUPLES |= set(
    "var_mean std_mean aminmax sort topk unique unique_consecutive cummax cummin kthvalue mode".split()
)
ANY = set("max min median nanmedian nonzero where".split())  # one tensor or several, as they are called
ATTRIBUTES = {
    "shape": "Size",
    "dtype": "_dtype",
    "ndim": "builtins.int",
    "requires_grad": "builtins.bool",
    "grad": "Tensor | None",
    "grad_fn": "Any",
    "is_leaf": "builtins.bool",
    "data": "Tensor",
    "T": "Tensor",
    "mT": "Tensor",
    "retains_grad": "builtins.bool",
    "output_nr": "builtins.int",
    "device": "_device",
}
UNARY = "abs neg pos invert".split()
BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
COMPARE = "eq ne lt le gt ge".split()


def parameters(function, method):
    """The parameters of a callable as stub text; the first is self for a method."""
    try:
        given = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        row = TABLE.get(function.__name__.removesuffix("_"))
        text = row.signature if row else "*args, **kwargs"
        names = [part.strip() for part in text.split(",")]
        if names and names[0] not in ("*args",) and method:
            names[0] = "self"
        return ", ".join([_typed_text(name) for name in names])
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
        name = "self" if method and index == 0 else p.name
        text = name if name == "self" and method else f"{name}: {TYPES.get(p.name, 'Any')}"
        texts.append(text + (" = ..." if p.default is not p.empty else ""))
    return ", ".join(texts)


def _typed_text(part):
    if part in ("*", "self", "*args", "**kwargs"):
        return part + (": Any" if part.endswith("args") else "")
    name, _, default = part.partition("=")
    return f"{name}: {TYPES.get(name, 'Any')}" + (" = ..." if default else "")


def returns(name):
    plain = name.removesuffix("_") if name.removesuffix("_") in RETURNS else name
    if plain in RETURNS:
        return RETURNS[plain]
    if name in TUPLES:
        return "tuple[Tensor, ...]"
    return "Any" if name in ANY else "Tensor"


def stub():
    lines = [
        '"""Types of the public names. Written by tools/stubs.py from the declarations; do not edit."""',
        "",
        "import builtins",
        "from collections.abc import Sequence",
        "from typing import Any, Union",
        "",
        "from . import autograd as autograd, calculus as calculus, independent as independent, linalg as linalg",
        "from . import memory as memory, nn as nn, picture as picture, printing as printing, special as special",
        "from .autograd import enable_grad as enable_grad, inference_mode as inference_mode, no_grad as no_grad",
        "from .autograd import is_grad_enabled as is_grad_enabled, set_grad_enabled as set_grad_enabled",
        "from .autograd import is_inference_mode_enabled as is_inference_mode_enabled",
        "from .device import device as device",
        "from .dtypes import finfo as finfo, get_default_dtype as get_default_dtype, iinfo as iinfo",
        "from .dtypes import set_default_dtype as set_default_dtype",
        "from .errors import OutOfMemoryError as OutOfMemoryError",
        "from .printing import set_printoptions as set_printoptions",
        "from .fusion import counters as counters, explain as explain, synchronize as synchronize",
        "from .serialization import load as load, save as save",
        "from .size import Size as Size",
        "from .threads import get_num_interop_threads as get_num_interop_threads, get_num_threads as get_num_threads",
        "from .threads import set_num_interop_threads as set_num_interop_threads, set_num_threads as set_num_threads",
        "",
        "__version__: str",
        "Number = Union[builtins.bool, builtins.int, builtins.float]",
        "",
        "class dtype:",
        "    name: str",
        "    itemsize: builtins.int",
        "    is_floating_point: builtins.bool",
        "    is_complex: builtins.bool",
        "    is_signed: builtins.bool",
        "",
        "_dtype = dtype",
        "_device = device",
        "",
        "class Generator:",
        "    def __getattr__(self, name: str) -> Any: ...",
        "",
    ]
    lines += [f"{n}: dtype" for n in sorted(n for n, v in vars(pb).items() if isinstance(v, pb.dtype))]
    lines += ["", "class Tensor:"]
    lines += ["    def __init__(self, *args: Any, **kwargs: Any) -> None: ..."]
    lines += [f"    {name}: {kind}" for name, kind in ATTRIBUTES.items()]
    for op in BINARY:
        lines += [f"    def __{form}{op}__(self, other: Any) -> Tensor: ..." for form in ("", "r", "i")]
    lines += [
        f"    def __{op}__(self, other: Any) -> Tensor: ...  # type: ignore[override]" for op in COMPARE
    ]
    lines += [f"    def __{op}__(self) -> Tensor: ..." for op in UNARY]
    lines += [
        "    def __getitem__(self, index: Any) -> Tensor: ...",
        "    def __setitem__(self, index: Any, value: Any) -> None: ...",
        "    def __len__(self) -> builtins.int: ...",
        "    def __iter__(self) -> Any: ...",
        "    def __bool__(self) -> builtins.bool: ...",
        "    def __float__(self) -> builtins.float: ...",
        "    def __int__(self) -> builtins.int: ...",
        "    def __index__(self) -> builtins.int: ...",
        "    def __hash__(self) -> builtins.int: ...",
    ]
    for name, function in sorted(METHODS.items()):
        if name.startswith("_") or name in ATTRIBUTES or isinstance(function, property):
            continue
        lines.append(f"    def {name}({parameters(function, True)}) -> {returns(name)}: ...")
    lines.append("")
    for name, function in sorted(FUNCTIONS.items()):
        if "." in name or name.startswith("_") or name in ("get_default_dtype", "set_default_dtype"):
            continue
        lines.append(f"def {name}({parameters(function, False)}) -> {returns(name)}: ...")
    return "\n".join(lines) + "\n"


def main():
    text = stub()
    if "--check" in sys.argv:
        if STUB.read_text() != text:
            sys.exit(f"{STUB.name} is not what tools/stubs.py writes: run it")
        return
    STUB.write_text(text)


if __name__ == "__main__":
    main()
