"""What a node shows of itself under PyTorch's names: `grad_fn._saved_self` and its like, and the edges of `next_functions`.

Loaded when somebody asks. What there is to show is what the derivative here reads: where PyTorch's reads something else
(the result of `tanh`), or keeps how it was called (a dimension), there is no such attribute.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..operators.creation import tensor

# The operands of a node in order; "result", or what follows a stroke, are its outputs.
_NAMES = {
    "self exponent": "PowBackward0 PowBackward1 PowBackward2",
    "self end weight": "LerpBackward0 LerpBackward1",
    "self tensor1 tensor2 value": "AddcmulBackward0 AddcdivBackward0",
    "condition self other": "WhereBackward0",
    "self": "ClampBackward0 ClampBackward1",
    "self min": "ClampMinBackward0 ClampMinBackward1",
    "self max": "ClampMaxBackward0 ClampMaxBackward1",
    "self mat2": "MmBackward0 BmmBackward0",
    "self mat1 mat2": "AddmmBackward0",
    "input weight": "ConvolutionBackward0",
    "self batch1 batch2": "BaddbmmBackward0 AddbmmBackward0",
    "self mat vec": "AddmvBackward0",
    "self vec1 vec2": "AddrBackward0",
    "self vec": "MvBackward0",
    "self tensor": "DotBackward0",
    "self src": "ScatterReduceBackward0",
    "self mask value": "MaskedFillBackward0 MaskedFillBackward1",
    "input weight bias": "NativeLayerNormBackward0",
    "self target": "NllLossBackward0",
    "self alpha": "EluBackward0 CeluBackward0",
    "self negative_slope": "LeakyReluBackward0",
    "self beta threshold": "SoftplusBackward0",
    "self min_val max_val": "HardtanhBackward0",
    "self eps": "LogitBackward0",
    "self threshold": "ThresholdBackward0",
    "self lambd": "HardshrinkBackward0 SoftshrinkBackward0",
    "n self": "PolygammaBackward0",
    "self | values indices": "MaxBackward0 MinBackward0 MedianBackward1 NanmedianBackward1 ModeBackward0 KthvalueBackward0 "
    "SortBackward0 SortBackward1 TopkBackward0 CummaxBackward0 CumminBackward0",
    "self | min max": "AminmaxBackward0",
    "self | result0 result1": "StdMeanBackward0 VarMeanBackward0",
}
# Operands as tensors: a number is one without dimensions, and one that no gradient reads is None.
_TENSORS = frozenset("MulBackward0 DivBackward0 PowBackward1".split())
# Of `add` and its kin: what the second operand is multiplied by.
_ALPHA = frozenset("AddBackward0 SubBackward0 RsubBackward0 RsubBackward1".split())

_DTYPES = {float: "float64", complex: "complex128"}
# What is known of the shape of an operand that was not saved: `_saved_self_sym_sizes`.
_OF_SHAPES: dict[str, Callable[[Any], Any]] = {"_sym_sizes": tuple, "_sym_numel": math.prod}

# Operands that are no variables for PyTorch, by position: a number, where its function takes a number, and a condition.
_CONSTANTS = {
    "WhereBackward0 PolygammaBackward0 PowBackward2 XlogyBackward1 SpecialZetaBackward1": (0,),
    "RsubBackward1": (0, 1),
    "CopysignBackward1 FmodBackward0 PowBackward0 RemainderBackward0 XlogyBackward2 SpecialZetaBackward2 "
    "ClampMinBackward0 ClampMaxBackward0 MaskedFillBackward0": (1,),
    "LerpBackward0": (2,),
    "ClampBackward1": (1, 2),
    # Indices and masks, which come after what is read or written.
    "GatherBackward0 IndexSelectBackward0 TakeBackward0 MaskedSelectBackward0 IndexFillBackward0 ScatterBackward1 "
    "MaskedFillBackward1 NllLossBackward0": (1,),
    "IndexBackward0": range(1, 32),
    "PutBackward0 MaskedScatterBackward0 ScatterBackward0 ScatterAddBackward0 ScatterReduceBackward0 IndexAddBackward0 "
    "IndexCopyBackward0 IndexFillBackward1": (2,),
    "IndexPutBackward0": range(2, 32),
}
CONSTANTS = {node: positions for nodes, positions in _CONSTANTS.items() for node in nodes.split()}
# And operands that PyTorch's node has an edge for where they were left away.
_LEAST = {"ConvolutionBackward0": 3, "ClampBackward0": 3}
NAMES = {node: names for names, nodes in _NAMES.items() for node in nodes.split()}


def constants(node: str) -> tuple[int, int]:
    """Which operands of a node of this name are no variables, a bit each; how many edges it has at least."""
    return sum(1 << position for position in CONSTANTS.get(node, ())), _LEAST.get(node, 0)


def known(node: Any, name: str) -> tuple[Any, ...]:
    """(what it is,) where a node knows something of this name beside the values that it saved; else ()."""
    kind = node._step
    if name == "alpha" and kind in _ALPHA:
        # Where a gradient is multiplied by it, it was saved.
        scaled = any(partial == "number" for partial, _ in getattr(node, "_partials", ()))
        return _value(node._operand(2)) if scaled else (1,)
    for ending, asked in _OF_SHAPES.items():
        if name.endswith(ending):
            position = place(kind, name.removesuffix(ending))
            value = None if position is None or position < 0 else node._operand(position)
            shape = value if isinstance(value, tuple) else getattr(value, "shape", None)
            return () if shape is None else (asked(shape),)
    position = place(kind, name)
    if position is None or position < 0:
        return ()
    value = node._operand(position)
    if kind not in _TENSORS:
        return _value(value)
    if value is None or isinstance(value, tuple):
        return (None,)
    return (value if hasattr(value, "shape") else tensor(value, dtype=_DTYPES.get(type(value))),)


def _value(operand: Any) -> tuple[Any, ...]:
    return () if operand is None or isinstance(operand, tuple) else (operand,)


def place(node: str, name: str) -> int | None:
    """Which value of a node of this name is meant: operand i as i, output j as -1 - j; None for no such name."""
    first, _, last = NAMES.get(node, "self other").partition("|")
    operands, outputs = first.split(), last.split() or ["result"]
    if name in operands:
        return operands.index(name)
    return -1 - outputs.index(name) if name in outputs else None
