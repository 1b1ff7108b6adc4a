"""How a tensor is written: ``repr`` and ``str``, to the character as PyTorch writes them.

One pass, three steps. `_edges` cuts a long tensor down to what will be seen, so that only those numbers
ever reach Python; a style (`_float_style`, `_integer_style`, `_complex_style`) looks at them once and
answers with a function from a number to a string of fixed width; `_brackets` nests the strings.
What follows the numbers (``size=``, ``dtype=``, ``grad_fn=``, ``tangent=``) is added by `_close`.
"""

from __future__ import annotations

import contextlib
import math
import textwrap
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from ._core import Tensor, get_default_dtype, highest_level, mapped_axes, unmap_axis, unpack_dual

__all__ = ["get_printoptions", "printoptions", "set_printoptions", "tensor_repr"]


_PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}

_options = SimpleNamespace(**_PROFILES["default"], sci_mode=None)


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Choose how tensors are printed, from now on.

    Args:
        precision: digits after the point of a floating-point number (4).
        threshold: a tensor of more elements than this is summarised (1000).
        edgeitems: how many items a summary shows at either end of a dimension (3).
        linewidth: characters in a line before a row is broken (80).
        profile: ``"default"``, ``"short"`` or ``"full"``: a choice of the four above, which still win.
        sci_mode: scientific notation always (``True``), never (``False``), or where the numbers need it
            (``None``). As in PyTorch, a call that does not name it sets it back to ``None``.

    Raises:
        ValueError: for a profile of another name.

    Example:
        >>> import pullback as pb
        >>> pb.set_printoptions(precision=2)
        >>> pb.tensor([1.12345])
        tensor([1.12])
        >>> pb.set_printoptions(profile="default")
        >>> pb.tensor([1.12345])
        tensor([1.1235])
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"unknown print profile {profile!r}: choose one of {', '.join(_PROFILES)}")
        vars(_options).update(_PROFILES[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    vars(_options).update({name: value for name, value in given.items() if value is not None})
    _options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options in force, as the keywords that `set_printoptions` takes.

    Example:
        >>> import pullback as pb
        >>> pb.printing.get_printoptions()["edgeitems"]
        3
    """
    return dict(vars(_options))


@contextlib.contextmanager
def printoptions(**changes: Any) -> Iterator[None]:
    """Print with other options inside a ``with`` block; the keywords are those of `set_printoptions`.

    Example:
        >>> import pullback as pb
        >>> with pb.printing.printoptions(threshold=5):
        ...     pb.arange(10)
        tensor([0, 1, 2,  ..., 7, 8, 9])
    """
    before = get_printoptions()
    set_printoptions(**changes)
    try:
        yield
    finally:
        set_printoptions(**before)


def tensor_repr(tensor: Tensor) -> str:
    """The text of ``repr(tensor)``.

    Only what is shown is converted, so that printing a billion elements costs what printing a thousand does.

    Example:
        >>> import pullback as pb
        >>> x = pb.tensor([1.0, 2.5], dtype=pb.float64, requires_grad=True)
        >>> print(pb.printing.tensor_repr(x * 1000))
        tensor([1000., 2500.], dtype=pullback.float64, grad_fn=<MulBackward0>)
    """
    if axes := mapped_axes(tensor):
        # Inside of a vmap, or escaped from it: all entries, as PyTorch shows them.
        level, size = axes[-1]
        entries = textwrap.indent(tensor_repr(unmap_axis(tensor, level, 0, size)), "    ")
        return f"BatchedTensor(lvl={len(axes)}, bdim=0, value=\n{entries}\n)"
    kind = type(tensor)
    # Parameter announces itself on a line of its own, and is a plain tensor after that.
    name = "tensor" if kind is Tensor or kind.__name__ == "Parameter" else kind.__name__
    indent = len(name) + 1
    body, suffixes = _body_and_suffixes(tensor, indent)
    return _close(f"{name}({body}", suffixes, indent)


def _body_and_suffixes(tensor: Tensor, indent: int) -> tuple[str, list[str]]:
    suffixes = []
    device = str(tensor.device)
    if device != "cpu":
        suffixes.append(f"device='{device}'")

    shape, dtype, default = tuple(tensor.shape), tensor.dtype, get_default_dtype()
    if 0 in shape:
        body = "[]"
        if len(shape) != 1:
            suffixes.append(f"size={shape}")
        evident = dtype == default  # no element tells an empty tensor's dtype
    else:
        body = _numbers(tensor, shape, indent)
        if not _options.edgeitems:
            suffixes.append(f"size={shape}")
        evident = dtype == default or _dtype_name(dtype) in _evident_names(default)
    if not evident:
        suffixes.append(f"dtype={dtype}")

    try:
        node = tensor.grad_fn
    except RuntimeError:  # a view whose history can no longer be rebuilt still prints
        suffixes.append("grad_fn=<Invalid>")
    else:
        if node is not None:
            suffixes.append(f"grad_fn=<{node.name().rpartition('::')[2]}>")
        elif tensor.requires_grad:
            suffixes.append("requires_grad=True")
    if level := highest_level((tensor,)):
        suffixes.append(f"tangent={unpack_dual(tensor, level)[1]}")
    return body, suffixes


def _dtype_name(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2]


def _evident_names(default: Any) -> tuple[str, ...]:
    """The dtypes that a reader can tell from the numbers alone."""
    return "int64", "bool", "complex128" if _dtype_name(default) == "float64" else "complex64"


def _close(text: str, suffixes: list[str], indent: int) -> str:
    # Two more characters than the last line has: PyTorch counts so, and breaks its lines accordingly.
    column = len(text) - text.rfind("\n") + 1
    parts = [text]
    for suffix in suffixes:
        # "pullback." is three characters longer than PyTorch's name; lines break where PyTorch's do anyway.
        width = len(suffix) - 3 * suffix.count("dtype=pullback.")
        if column + width + 2 > _options.linewidth:
            parts.append(",\n" + " " * indent + suffix)
            column = indent + width
        else:
            parts.append(", " + suffix)
            column += width + 2
    return "".join(parts) + ")"


# ---- the numbers -------------------------------------------------------------------------------------------


class _Style(NamedTuple):
    """Writes one number, padded on the left to `width` characters."""

    write: Callable[[Any], str]
    width: int


def _numbers(tensor: Tensor, shape: tuple[int, ...], indent: int) -> str:
    tensor = tensor.detach()
    if not shape:
        return _scalar(tensor.item())
    if not tensor.dtype._format:  # NumPy has no such dtype
        tensor = tensor.cfloat() if tensor.is_complex() else tensor.float()
    array = tensor.numpy()
    summarise = array.size > _options.threshold
    if summarise:
        if not _options.edgeitems:
            return "[...]"
        array = _edges(array, _options.edgeitems)
    if array.dtype.kind == "c":
        style = _complex_style(array.reshape(-1))
    elif array.dtype.kind == "f":
        style = _float_style(array.reshape(-1))
    else:
        style = _integer_style(array.reshape(-1).tolist())
    cut = [summarise and size > 2 * _options.edgeitems for size in shape]
    return _brackets(array.tolist(), cut, indent, style)


def _scalar(value: Any) -> str:
    """A 0-d tensor's number: no width to agree upon, so NumPy is not asked."""
    if isinstance(value, float):
        return _float_notation([value])[0](value)
    if isinstance(value, complex):
        return _complex_style(np.array([value])).write(value)
    return str(value)


def _edges(array: np.ndarray, edge: int) -> np.ndarray:
    """What a summary shows: of every long dimension, the first and the last `edge` items."""
    for axis, size in enumerate(array.shape):
        if size > 2 * edge:
            array = array.take([*range(edge), *range(size - edge, size)], axis=axis)
    return array


def _float_notation(values: list[float]) -> tuple[Callable[[float], str], int]:
    """How to write these numbers, and the width of the widest finite one that is not zero.

    Zeros and non-finite numbers have no say: they are written in the notation that the others chose.
    """
    telling = [value for value in values if value and math.isfinite(value)]
    scientific, whole = False, True
    if telling:
        whole = all(value.is_integer() for value in telling)
        scientific = _options.sci_mode
        if scientific is None:
            smallest, largest = abs(min(telling, key=abs)), abs(max(telling, key=abs))
            scientific = largest / smallest > 1000.0 or largest > 1.0e8 or smallest < 1.0e-4
    precision = _options.precision
    if scientific:
        template = f"%.{precision}e"
        write = template.__mod__
    elif whole:

        def write(value: float) -> str:
            return f"{value:.0f}." if math.isfinite(value) else f"{value:f}"
    else:
        template = f"%.{precision}f"
        write = template.__mod__
    return write, max(map(len, map(write, telling)), default=1)


def _float_style(array: np.ndarray) -> _Style:
    write, width = _float_notation(array.tolist())
    return _Style(lambda value: write(value).rjust(width), width)


def _complex_style(array: np.ndarray) -> _Style:
    real, imag = _float_style(array.real), _float_style(array.imag)

    def write(value: complex) -> str:
        second = imag.write(value.imag).lstrip() + "j"
        return real.write(value.real) + (second if second.startswith("-") else "+" + second)

    return _Style(write, real.width + imag.width + 1)


def _integer_style(values: list[Any]) -> _Style:
    width = max(map(len, map(str, values)))
    return _Style(lambda value: str(value).rjust(width), width)


def _brackets(items: list[Any], cut: list[bool], indent: int, style: _Style) -> str:
    """Nested lists of numbers as text; where ``cut[0]``, an ellipsis stands between the two halves."""
    half = len(items) // 2
    if len(cut) > 1:
        rows = [_brackets(item, cut[1:], indent + 1, style) for item in items]
        if cut[0]:
            rows.insert(half, "...")
        gap = "," + "\n" * (len(cut) - 1) + " " * (indent + 1)
        return f"[{gap.join(rows)}]"

    cells = [style.write(item) for item in items]
    if cut[0]:
        cells.insert(half, " ...")
    per_line = max(1, (_options.linewidth - indent) // (style.width + 2))
    lines = [", ".join(cells[start : start + per_line]) for start in range(0, len(cells), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
