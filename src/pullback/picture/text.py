"""What stands in a box or on an edge: short texts for numbers, tensors, partials and gradients, and their widths."""

from __future__ import annotations

import unicodedata

import numpy as np

from pullback import Tensor

from .tape import Box, Edge

LABEL = 28  # letters of a partial, beyond which its number stands alone
FEW = 4  # a tensor of no more elements than this is written out


def number_text(value: float) -> str:
    """Four significant digits, with a minus sign that is one."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    return f"{value:.4g}".replace("-", "−").replace("e+0", "e").replace("e+", "e").replace("e−0", "e−")


def array_text(array: np.ndarray) -> str:
    """A number, a short list, or the shape in parentheses."""
    if array.size == 1:
        return number_text(array.item())
    if 0 < array.size <= FEW and array.ndim == 1:
        return "[" + ", ".join(map(number_text, array.tolist())) + "]"
    shape = f"({'×'.join(map(str, array.shape))})"
    return f"all {number_text(array.flat[0].item())} {shape}" if uniform(array) else shape


def uniform(array: np.ndarray) -> bool:
    """Whether all elements are equal, so that one number tells them."""
    return 0 < array.size <= 10_000 and bool((array == array.flat[0]).all())


def tensor_text(tensor: Tensor) -> str:
    """A tensor's value in a few characters."""
    tensor = tensor.detach()
    if not tensor.dtype._format:  # NumPy has no such dtype
        tensor = tensor.cfloat() if tensor.is_complex() else tensor.float()
    return array_text(tensor.numpy())


def gradient_text(gradient: Tensor) -> str:
    """A gradient's value, said to be one."""
    return "grad " + tensor_text(gradient)


def partial_text(edge: Edge) -> str:
    """The partial on an edge: the formula and the number, or what there is of the two."""
    partial = edge.partial
    if partial is None:
        return ""
    number = ""
    if uniform(partial):
        number = number_text(partial.flat[0].item())
    elif partial.size <= FEW and partial.ndim == 1:
        number = array_text(partial)
    both = " = ".join(text for text in (edge.formula, number) if text)
    return number if number and len(both) > LABEL else both


def tooltip(box: Box) -> str:
    """Everything known of a box, for the reader who points at it."""
    lines = [f"{box.label}: {box.title}" if box.names and not box.leaf else box.label]
    if box.number is not None:
        lines = [repr(box.number)]
    if box.tensor is not None:
        lines.append(str(box.tensor.detach()))
    if box.gradient is not None:
        lines.append("grad: " + str(box.gradient.detach()))
    return "\n".join(lines)


# ---- measures ----------------------------------------------------------------------------------------------

_NARROW, _MIDDLE, _WIDE = "iIjl|.,:;'! ", 'frt()[]{}-/\\"*·', "mwMWO@%−=+<>QGDHNU"


def text_width(text: str, size: float) -> float:
    """An upper estimate of the width of `text` in a sans-serif typeface of `size` pixels."""
    em = 0.0
    for letter in text:
        if letter in _NARROW:
            em += 0.36
        elif letter in _MIDDLE:
            em += 0.46
        elif letter in _WIDE:
            em += 0.84
        elif letter < "\u0300":
            em += 0.645
        elif not unicodedata.combining(letter):
            em += 1.05 if unicodedata.east_asian_width(letter) in "WF" else 0.8
    return em * size


def shorten(text: str, letters: int) -> str:
    """`text`, its middle left out if it is longer than so many letters (wide ones count twice)."""
    wide = [2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text]
    if sum(wide) <= letters:
        return text
    half, used, head, tail = letters // 2, 0, 0, len(text)
    while used + wide[head] <= half:
        used, head = used + wide[head], head + 1
    used = 0
    while used + wide[tail - 1] < half:
        used, tail = used + wide[tail - 1], tail - 1
    return text[:head] + "…" + text[tail:]


def wrap(text: str, size: float, width: float) -> list[str]:
    """The lines of `text` that fit into `width`, broken between words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
