"""`graph`: the tape of a result, drawn."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pullback import Tensor

from . import dot, figure, page, svg
from .condense import cut, fold, gather
from .derivatives import differentiate
from .drawing import Sheet, compose
from .names import Named, collect_names, scopes_of, watch
from .sums import recover
from .tape import Kind, Tape, read_tape

THEMES = ("auto", "light", "dark")


class Picture:
    """A drawn tape. It shows itself in a notebook; elsewhere, `save` it.

    Attributes:
        svg: the drawing, a complete SVG document.
        html: a page around the drawing, to be moved and zoomed.
        dot: the same graph in the DOT language.

    Example:
        >>> x = pb.tensor(2.0, requires_grad=True)
        >>> pb.picture.graph(x * 3)
        <picture of a tape: 3 boxes, 2 edges>
    """

    def __init__(self, sheet: Sheet, theme: str, dot: str, boxes: int, edges: int) -> None:
        self.svg = svg.write(sheet, theme)
        self.dot = dot
        self._sheet, self._theme = sheet, theme
        self._counts = boxes, edges

    @property
    def html(self) -> str:
        """A page around the drawing, to be moved and zoomed; it needs no network.

        Example:
            >>> x = pb.tensor(2.0, requires_grad=True)
            >>> pb.picture.graph(x * 3).html[:15]
            '<!doctype html>'
        """
        return page.write(self.svg, self._sheet.description, self._theme)

    def save(self, path: str | pathlib.Path, *, scale: float = 2.0) -> pathlib.Path:
        """Write the picture to `path`, in the format of its ending.

        ========================  ===========================================================================
        ``.svg``                  the drawing, for web pages and for whoever wants to edit it
        ``.html``                 a page on which it can be moved and zoomed
        ``.png``, ``.pdf``        drawn by matplotlib, which ``pip install 'pullback[picture]'`` brings; light
                                  if the theme is ``"auto"``
        ``.dot``, ``.gv``         the same graph in the DOT language
        ========================  ===========================================================================

        Args:
            scale: pixels of a PNG for one of the drawing; fewer if it would be too large to be opened.

        Raises:
            ValueError: for another ending, or a scale that is not positive.
            ImportError: for PNG and PDF without matplotlib.

        Example:
            >>> import pathlib, tempfile
            >>> x = pb.tensor(2.0, requires_grad=True)
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = pb.picture.graph(x * 3).save(pathlib.Path(folder, "tape.html"))
            ...     path.name, "http" in path.read_text().replace("http://www.w3.org/2000/svg", "")
            ('tape.html', False)
        """
        path = pathlib.Path(path)
        ending = path.suffix.lower()
        if not scale > 0:
            raise ValueError(f"save(): scale must be positive, but is {scale}")
        if ending in (".png", ".pdf"):
            figure.write(self._sheet, path, self._theme, scale)
            return path
        texts = {".svg": "svg", ".html": "html", ".htm": "html", ".dot": "dot", ".gv": "dot"}
        if ending not in texts:
            raise ValueError(
                f"save(): cannot write {path.suffix or 'a file without ending'!r}, "
                "only .svg, .html, .png, .pdf, .dot, .gv"
            )
        path.write_text(getattr(self, texts[ending]), encoding="utf-8")
        return path

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return "<picture of a tape: {} boxes, {} edges>".format(*self._counts)


def graph(
    outputs: Tensor | Sequence[Tensor] | Callable[[], Tensor | Sequence[Tensor]],
    *,
    names: Mapping[str, Tensor] | None = None,
    values: bool = True,
    partials: bool = False,
    gradients: bool = False,
    constants: bool = True,
    fold_unnamed: bool = False,
    title: str | None = None,
    theme: str = "auto",
    limit: int = 150,
    width: float = 1200,
) -> Picture:
    """Draw how `outputs` were computed: the tape, from the leaves on the left to the outputs on the right.

    A tape that is too long for one line goes on in the next, as text does. Where an edge would run far, its
    beginning is repeated as a small stub beside its end; many operands that look the same are told once.

    Args:
        outputs: a tensor that requires grad, or several; or a function without arguments that returns them: it
            is called, and the local variables of the functions that it calls give names, too.
        names: names for tensors, ``{"x1": x1}``. Left out, they are those of the caller's variables, and ways to
            the tensors in the caller's lists, dictionaries and objects, such as ``model.layers[0].weight``; then
            those of the functions around. ``names={}`` asks for none.
        values: write the value of every tensor that has a name, of the leaves and of the outputs. (Values
            that no variable holds any more are not kept for the picture.)
        partials: write on every edge the partial derivative of its end by its beginning, where that is a
            number or acts element by element; for a simple formula in named values, that too: ``2·x1 = 4``.
        gradients: write in every box the gradient of the outputs that accumulates there (of their sum, if
            they are several numbers). For both, a backward pass runs: hooks are called, no ``.grad`` changes.
        constants: draw operands without gradient, numbers and data, dashed. Their values are those that the tape
            keeps for derivatives; what was added is shown where it follows from values that are known.
        fold_unnamed: draw an operation without a name as part of the one that uses it, so that
            ``x7 = x5 + x6 - 5`` is one box.
        title: a heading.
        theme: ``"light"``, ``"dark"``, or ``"auto"``: dark where the reader's system is.
        limit: draw the so many boxes nearest to the outputs, constants not counted, and say so below if there are
            more.
        width: of the page in pixels; a picture is wider only where single boxes are.

    Returns:
        A `Picture`, with ``svg``, ``html``, ``dot`` and ``save(path)``.

    Raises:
        TypeError: if an output or a name's value is not a tensor.
        RuntimeError: if an output does not require grad, so that nothing was recorded.
        ValueError: for no outputs, an unknown theme, a limit below 1, or a width that is not positive.

    Example:
        >>> import pullback as pb
        >>> x1 = pb.tensor([2.0], requires_grad=True)
        >>> x3 = x1.square()
        >>> x5 = x3 * 0.2
        >>> picture = pb.picture.graph(x5, partials=True, gradients=True)
        >>> picture
        <picture of a tape: 4 boxes, 3 edges>
        >>> "2·x1 = 4" in picture.svg
        True
    """
    called: Named = []
    if callable(outputs) and not isinstance(outputs, Tensor):
        outputs, called = watch(outputs)
    outputs = (
        list(outputs) if isinstance(outputs, Iterable) and not isinstance(outputs, Tensor) else [outputs]
    )
    _check(outputs, names, theme, limit, width)
    named = collect_names(*scopes_of(sys._getframe(1))) if names is None else list(names.items())
    if names is None:
        known = {id(tensor) for _, tensor in named}
        named += [(name, tensor) for name, tensor in called if id(tensor) not in known]

    tape = read_tape(outputs, named, limit=limit, constants=constants)
    recover(tape, named)
    if partials or gradients:
        differentiate(tape, outputs)
    if fold_unnamed:
        fold(tape)
    gather(tape)
    cut(tape, limit)
    _keep(tape, partials, gradients)
    sheet = compose(
        tape,
        values=values,
        title=title,
        notes=_notes(tape, outputs, limit, partials, gradients),
        width=width,
    )
    return Picture(
        sheet, theme, dot.write(tape, values=values, title=title), len(tape.boxes), len(tape.edges)
    )


def _check(
    outputs: list[Tensor], names: Mapping[str, Any] | None, theme: str, limit: int, width: float
) -> None:
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
    if not width > 0:
        raise ValueError(f"graph(): width must be positive, but is {width}")


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
    if any(box.cut for box in tape.boxes):
        shown = sum(box.kind is not Kind.CONSTANT for box in tape.boxes)
        many = f"{tape.total:,}" if tape.complete else f"more than {tape.total - 1:,}"
        notes.append(
            f"Drawn are the {shown:,} of {many} boxes that are nearest to the outputs; limit= draws more."
        )
    if any(
        box.kind is Kind.CONSTANT and box.title == "constant" and box.number is None for box in tape.boxes
    ):
        notes.append(
            "Dashed: operands without gradient; values are those that the tape keeps for derivatives."
        )
    return notes + [note[0].upper() + note[1:] + "." for note in tape.notes]
