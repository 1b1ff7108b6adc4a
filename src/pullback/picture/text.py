"""What stands in a box or on an edge: short texts for numbers, tensors, partials and gradients."""

from __future__ import annotations

import numpy as np

from pullback import Tensor

from .tape import Box, Edge

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
    return array_text(tensor.detach().numpy())


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
    return " = ".join(text for text in (edge.formula, number) if text)


def tooltip(box: Box) -> str:
    """Everything known of a box, for the reader who points at it."""
    lines = [box.label if box.leaf else f"{box.label}: {box.title}" if box.names else box.title]
    if box.tensor is not None:
        lines.append(str(box.tensor.detach()))
    if box.gradient is not None:
        lines.append("grad: " + str(box.gradient.detach()))
    return "\n".join(lines)
