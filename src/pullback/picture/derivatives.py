"""Gradients and local partials of a tape, measured: one backward pass, watched by a hook on every node.

A hook sees the gradient g that reaches a node and the gradients that leave it. What leaves by one edge is the
product of g with the local partial of that edge; for numbers, and for functions that act element by element,
the partial is their quotient. A formula such as 2·x is shown beside it only if it gives that very quotient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pullback as pb
from pullback import Tensor

from .tape import Box, Edge, Kind, Tape
from .text import shorten

# Nodes that act element by element; of the others, a quotient of gradients is no partial.
_ELEMENTWISE_NAMES = """
    Abs Acos Acosh Add Asin Asinh Atan Atan2 Atanh Clamp Clone Cos Cosh Digamma Div Elu Erf Erfc Erfinv Exp
    Exp2 Expm1 Fmax Fmin Fmod Gelu Hardsigmoid Hardswish Hardtanh Hypot LeakyRelu Lerp Lgamma Log Log10 Log1P
    Log2 LogSigmoid Logaddexp Logaddexp2 Logit Maximum Minimum Mish Mul Neg Pow Reciprocal Relu Remainder
    Rsqrt Rsub Selu Sigmoid Silu Sin Sinc Sinh Softplus Softsign Sqrt Square Sub Tan Tanh ToCopy Where Xlogy
"""
NAME = 18  # letters of a name in a formula
_ELEMENTWISE = frozenset(_ELEMENTWISE_NAMES.split())


def differentiate(tape: Tape, outputs: list[Tensor]) -> None:
    """Fill in the gradients, partials and formulas of `tape`, as far as they are defined."""
    if not tape.complete:
        tape.notes.append("no gradients: the tape is too long to be differentiated for a picture")
        return
    watched: dict[Any, tuple[tuple, tuple]] = {}
    handles = []
    try:
        for box in tape.boxes:
            if box.kind is Kind.OPERATION:
                handles.append(box.node.register_hook(_watch(watched, box.node)))
        seeds = [pb.ones_like(output) for output in outputs]
        found = pb.autograd.grad(outputs, tape.leaves, seeds, retain_graph=True, allow_unused=True)
    except RuntimeError as error:
        if "second time" not in str(error):
            raise
        _show_accumulated(tape)
        return
    finally:
        for handle in handles:
            handle.remove()

    at_leaf = {id(leaf): gradient for leaf, gradient in zip(tape.leaves, found)}
    for box in tape.boxes:
        if box.leaf:
            box.gradient = at_leaf.get(id(box.tensor))
        elif box.node is not None and box.node in watched:
            arrived = watched[box.node][1]
            box.gradient = arrived[0] if len(arrived) == 1 else None
    for edge in tape.edges:
        if edge.target.node in watched:
            left, arrived = watched[edge.target.node]
            if edge.source.kind is not Kind.CONSTANT and len(arrived) == 1 and edge.slot < len(left):
                edge.partial = _quotient(left[edge.slot], arrived[0], edge.target.title)
    entering: dict[Box, list[Edge]] = {}
    for edge in tape.edges:
        entering.setdefault(edge.target, []).append(edge)
    for edge in tape.edges:
        edge.formula = _formula(edge, entering[edge.target])


def _show_accumulated(tape: Tape) -> None:
    """Of a tape that is freed, the leaves' ``.grad`` is what is left; say how to get the rest."""
    for box in tape.boxes:
        if box.leaf and box.tensor is not None:
            box.gradient = box.tensor.grad
    tape.notes.append(
        "no gradients and partials: backward() has freed the tape. To see them, draw before backward(), "
        "or keep the tape: backward(retain_graph=True)"
    )
    if any(box.gradient is not None for box in tape.boxes):
        tape.notes.append("grad at a leaf: its .grad, what backward() has accumulated there so far")


def _watch(watched: dict, node: Any) -> Callable[[Any, Any], None]:
    def hook(grad_inputs: Any, grad_outputs: Any) -> None:
        watched[node] = grad_inputs, grad_outputs

    return hook


def _quotient(left: Tensor | None, arrived: Tensor | None, title: str) -> np.ndarray | None:
    if left is None or arrived is None:
        return None
    numerator, denominator = left.detach().numpy(), arrived.detach().numpy()
    if denominator.size != 1 and not (numerator.shape == denominator.shape and _elementwise(title)):
        return None
    if not np.all(denominator):  # where no gradient arrives, none tells the partial
        return None
    with np.errstate(all="ignore"):
        return numerator / denominator


def _elementwise(title: str) -> bool:
    return title.partition("Backward")[0] in _ELEMENTWISE


# ---- formulas ----------------------------------------------------------------------------------------------

_EXPONENTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"


def _power(name: str, exponent: int) -> str:
    return name if exponent == 1 else name + "".join(_EXPONENTS[int(digit)] for digit in str(exponent))


def _candidates(operation: str, x: Box, y: Box, others: list[Box]) -> list[tuple[str, Callable[[], Any]]]:
    """Formulas that the partial of y by x may have; only those over named values are of use."""
    a, b = shorten(x.label, NAME), shorten(y.label, NAME)
    found: list[tuple[str, Callable[[], Any]]] = []
    if x.names and x.tensor is not None:
        v = _array(x.tensor)
        found += {
            "Pow": [(f"{n}·{_power(a, n - 1)}", lambda n=n: n * v ** (n - 1)) for n in (2, 3, 4, 5, 6)],
            "Square": [(f"2·{a}", lambda: 2 * v)],
            "Sin": [(f"cos {a}", lambda: np.cos(v))],
            "Cos": [(f"−sin {a}", lambda: -np.sin(v))],
            "Log": [(f"1/{a}", lambda: 1 / v)],
            "Sqrt": [(f"1/(2√{a})", lambda: 0.5 / np.sqrt(v))],
            "Reciprocal": [(f"−1/{a}²", lambda: -1 / v**2)],
            "Exp": [(f"exp {a}", lambda: np.exp(v))],
        }.get(operation, [])
    if y.names and y.tensor is not None:
        w = _array(y.tensor)
        found += {
            "Exp": [(b, lambda: w)],
            "Tanh": [(f"1 − {b}²", lambda: 1 - w * w)],
            "Sigmoid": [(f"{b}·(1 − {b})", lambda: w * (1 - w))],
        }.get(operation, [])
    for other in others:
        if other.names and other.tensor is not None:
            u = _array(other.tensor)
            name = shorten(other.label, NAME)
            if operation == "Mul":
                found.append((name, lambda u=u: u))
            elif operation == "Div":
                found.append((f"1/{name}", lambda u=u: 1 / u))
                if y.names and y.tensor is not None:
                    found.append((f"−{b}/{name}", lambda u=u: -_array(y.tensor) / u))
    return found


def _formula(edge: Edge, siblings: list[Edge]) -> str | None:
    """The partial in terms of named values, if a formula gives exactly what was measured."""
    if edge.partial is None or not _elementwise(edge.target.title):
        return None
    operation = edge.target.title.partition("Backward")[0]
    others = [other.source for other in siblings if other is not edge]
    if operation == "Div" and edge.slot == 1:
        others = [edge.source]
    for text, value in _candidates(operation, edge.source, edge.target, others):
        with np.errstate(all="ignore"):
            expected = np.asarray(value())
        if expected.shape == edge.partial.shape and np.allclose(expected, edge.partial, rtol=1e-5, atol=1e-7):
            return text
    return None


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()
