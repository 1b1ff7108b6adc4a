"""What the saved values of a node are called: `grad_fn._saved_self` and its like, with PyTorch's names.

Loaded when somebody asks for one.
"""

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
NAMES = {node: names for names, nodes in _NAMES.items() for node in nodes.split()}


def place(node, name):
    """Which value of a node of this name is meant: operand i as i, output j as -1 - j; None for no such name."""
    operands, _, outputs = NAMES.get(node, "self other").partition("|")
    operands, outputs = operands.split(), outputs.split() or ["result"]
    if name in operands:
        return operands.index(name)
    return -1 - outputs.index(name) if name in outputs else None
