# ruff: noqa: E501
"""Exceptions beside one another: the type and the first sentence, where one thing is wrong; that there is one, where more is."""

import re

from twins import first_sentence, without_position

# PyTorch has no such kernel, no such derivative, or wants another dtype: what takes more is no difference.
LACKS = re.compile(
    r"not (yet )?implemented|not intended to support|not (currently )?supported|does not support|is not differentiable|only support|"
    r"derivative for|[uU]nsupported|is expected to be a floating|Expected .* to have (scalar )?type|"
    r"must be floating|expected .*(float|Float|dtype)|does not require grad|Could not run|Trying to use forward AD|"
    r"not yet support|deterministic|requires_grad|out of bounds for dtype|cannot be converted to type|not defined for|"
    r"must be Tensor, not (int|float|bool|complex|numpy\.\w+)|(must|should) have the same dtype|have the same dtype|"
    r"same scalar type|expected scalar type|Input type|for all inputs to have|INTERNAL ASSERT|MKL|should be Long|expected scalar type Long|"
    r"to have one of the following scalar types|could not infer output dtype|but got: \w+(Type|Tensor)|"
    r"must be (int|tuple of ints), not (numpy\.|tuple)|'numpy\.\w+' has no len|'numpy\.\w+' object cannot be|missing 1 required|got an unexpected keyword argument '(keepdim|dim|dtype)'|map2_: expected|expects dims to be int|cond must be a bool|to have the same type as|must be tuple of ints, but found|only contain ints, but got <class 'numpy|no longer supported|"
    r"tensor of type|non-complex|unsigned type|handles only|Low precision|mixed dtype|supports floating point|memory descriptor|unexpected keyword argument 'out'|"
    r"invalid combination of arguments|Found dtype .* but expected|dtype of out|requires dtype"
)
# More than one of these leaves open which error is met first.
WRONGS = {
    "shape",
    "numbers",
    "out",
    "mixed",
    "whole",
    "integers",
    "float16",
    "bfloat16",
    "uint16",
    "uint32",
    "uint64",
    "complex32",
    "complex64",
    "complex128",
    "edges",
    "expanded",
    "numpy",
    "scalar",
    "kind",
    "wanted",
}
KINDS = (
    RuntimeError,
    TypeError,
    ValueError,
    IndexError,
    OverflowError,
    ZeroDivisionError,
    AttributeError,
    AssertionError,
    NameError,
)

OF_OPERANDS = (TypeError, AttributeError, ValueError)  # what is no tensor: met here or there


def told(error):
    return f"{type(error).__name__}: {first_sentence(error)[:200]}"


def _tidy(error):
    return re.sub(r"\b(torch|pullback|at|c10)\.|c10::|CPU", "", without_position(first_sentence(error)))


def agree(ours, theirs, sample, plain_fails):
    """Whether the two errors are one; `plain_fails` tells whether the call raises as the table has it."""
    if not isinstance(ours, KINDS):
        return False
    if (
        {"scalar", "kind"} & set(sample.changed)
        and isinstance(theirs, OF_OPERANDS)
        and isinstance(ours, OF_OPERANDS)
    ):
        return True
    wrongs = len(WRONGS.intersection(sample.changed))
    if LACKS.search(str(theirs)) or wrongs > 1 or _same(ours, theirs):
        return True
    return wrongs == 1 and plain_fails()


def _same(ours, theirs):
    kinds = type(ours).__name__.lstrip("_"), type(theirs).__name__.lstrip("_")
    if kinds[0] != kinds[1] and not (
        isinstance(theirs, RuntimeError) and isinstance(ours, NotImplementedError)
    ):
        return False
    if isinstance(
        theirs, TypeError | AttributeError
    ):  # texts list overloads, or name what the inside asks for
        return True
    known = _tidy(theirs)
    return _tidy(ours).startswith(known[:60]) or known[:60] in re.sub(r"\b(torch|pullback)\.", "", str(ours))
