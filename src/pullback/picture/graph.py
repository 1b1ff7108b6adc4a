"""`graph`: the tape of a result, drawn."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from pullback import Tensor

from . import dot, svg
from .derivatives import differentiate
from .tape import Tape, collect_names, fold, read_tape

THEMES = ("auto", "light", "dark")


class Picture:
    """A drawn tape. It shows itself in a notebook; elsewhere, `save` it.

    Attributes:
        svg: the drawing, a complete SVG document.
        dot: the same graph in the DOT language.
    """

    def __init__(self, svg: str, dot: str, boxes: int, edges: int) -> None:
        self.svg = svg
        self.dot = dot
        self._counts = boxes, edges

    def save(self, path: str | pathlib.Path) -> pathlib.Path:
        """Write the picture to `path`: SVG for the ending ``.svg``, DOT for ``.dot`` and ``.gv``.

        Raises:
            ValueError: for another ending.
        """
        path = pathlib.Path(path)
        endings = {".svg": self.svg, ".dot": self.dot, ".gv": self.dot}
        if path.suffix not in endings:
            raise ValueError(
                f"save(): cannot write {path.suffix or 'a file without ending'!r}, only .svg, .dot, .gv. "
                "A browser or cairosvg turns the SVG into other formats."
            )
        path.write_text(endings[path.suffix], encoding="utf-8")
        return path

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return "<picture of a tape: {} boxes, {} edges>".format(*self._counts)


def graph(
    outputs: Tensor | Sequence[Tensor],
    *,
    names: Mapping[str, Tensor] | None = None,
    values: bool = True,
    partials: bool = False,
    gradients: bool = False,
    fold_unnamed: bool = False,
    title: str | None = None,
    theme: str = "auto",
    limit: int = 150,
) -> Picture:
    """Draw how `outputs` were computed: the tape, from the leaves on the left to the outputs on the right.

    Args:
        outputs: a tensor that requires grad, or several.
        names: names for tensors, ``{"x1": x1}``. Left out, they are those of the caller's variables, and of
            the tensors in the caller's lists and dictionaries; ``names={}`` asks for none.
        values: write the value of every tensor that has a name, of the leaves and of the outputs. (Values
            that no variable holds any more are not kept for the picture.)
        partials: write on every edge the partial derivative of its end by its beginning, where that is a
            number or acts element by element; for a simple formula in named values, that too: ``2·x1 = 4``.
        gradients: write in every box the gradient of the outputs that accumulates there (of their sum, if
            they are several numbers). For both, a backward pass runs: hooks are called, no ``.grad`` changes.
        fold_unnamed: draw an operation without a name as part of the one that uses it, so that
            ``x7 = x5 + x6 - 5`` is one box.
        title: a heading.
        theme: ``"light"``, ``"dark"``, or ``"auto"``: dark where the reader's system is.
        limit: draw the so many boxes nearest to the outputs, and say so below if there are more.

    Returns:
        A `Picture`, with ``svg``, ``dot`` and ``save(path)``.

    Raises:
        TypeError: if an output or a name's value is not a tensor.
        RuntimeError: if an output does not require grad, so that nothing was recorded.
        ValueError: for an unknown theme or a limit below 1.

    Example:
        >>> import pullback as pb
        >>> x1 = pb.tensor([2.0], requires_grad=True)
        >>> x3 = x1.square()
        >>> x5 = x3 * 0.2
        >>> picture = pb.picture.graph(x5, partials=True, gradients=True)
        >>> picture
        <picture of a tape: 3 boxes, 2 edges>
        >>> "2·x1 = 4" in picture.svg
        True
    """
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    _check(outputs, names, theme, limit)
    if names is None:
        names = collect_names(_scopes(sys._getframe(1)))

    tape = read_tape(outputs, names, limit)
    if partials or gradients:
        differentiate(tape, outputs)
    if fold_unnamed:
        fold(tape)
    _keep(tape, partials, gradients)
    notes = _notes(tape, outputs, limit, partials, gradients)
    return Picture(
        svg.draw(tape, values=values, title=title, theme=theme, notes=notes),
        dot.write(tape, values=values, title=title),
        len(tape.boxes),
        len(tape.edges),
    )


def _scopes(frame: FrameType | None) -> list[Mapping[str, Any]]:
    """The variables a caller sees; for a lambda or a comprehension, also those of the function around it."""
    scopes = []
    while frame is not None:
        scopes.append(frame.f_locals)
        if frame.f_code.co_name not in ("<lambda>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"):
            return [*scopes, frame.f_globals]
        frame = frame.f_back
    return scopes


def _check(outputs: list[Tensor], names: Mapping[str, Any] | None, theme: str, limit: int) -> None:
    if not outputs:
        raise ValueError("graph(): no outputs were given")
    for output in outputs:
        if not isinstance(output, Tensor):
            raise TypeError(f"graph(): expected a Tensor, but got {type(output).__name__}")
        if not output.requires_grad:
            raise RuntimeError(
                "graph(): the tensor does not require grad and does not have a grad_fn: no tape leads to it. "
                "Create its inputs with requires_grad=True, and compute it outside no_grad()."
            )
    for name, tensor in (names or {}).items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"graph(): names maps {name!r} to {type(tensor).__name__}, not to a Tensor")
    if theme not in THEMES:
        raise ValueError(f"graph(): unknown theme {theme!r}: choose one of {', '.join(THEMES)}")
    if limit < 1:
        raise ValueError(f"graph(): limit must be at least 1, but is {limit}")


def _keep(tape: Tape, partials: bool, gradients: bool) -> None:
    """Forget what was measured and not asked for."""
    if not partials:
        for edge in tape.edges:
            edge.partial = edge.formula = None
    if not gradients:
        for box in tape.boxes:
            box.gradient = None


def _notes(tape: Tape, outputs: list[Tensor], limit: int, partials: bool, gradients: bool) -> list[str]:
    notes = []
    target = ", ".join(box.label for box in tape.boxes if box.output)
    if partials and any(edge.partial is not None for edge in tape.edges):
        notes.append("On an edge: the partial derivative of its end by its beginning.")
    if gradients and any(box.gradient is not None for box in tape.boxes):
        total = "the sum of " if len(outputs) > 1 or outputs[0].numel() > 1 else ""
        notes.append(f"grad: the derivative of {total}{target} by the box.")
    if any(box.cut for box in tape.boxes) or tape.total > limit:
        many = f"{tape.total:,}" if tape.complete else f"more than {tape.total - 1:,}"
        notes.append(
            f"Drawn are the {limit:,} of {many} boxes that are nearest to the outputs; limit= draws more."
        )
    return notes + [note[0].upper() + note[1:] + "." for note in tape.notes]
