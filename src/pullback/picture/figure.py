"""A sheet as PNG or PDF, drawn by matplotlib with the typeface that it brings: no other program is needed."""

from __future__ import annotations

import pathlib
import warnings
from typing import Any

from .drawing import DARK, LIGHT, Path, Rectangle, Sheet, Text

DPI = 72  # at which a point of matplotlib is a pixel of the sheet
LARGEST = 2**15  # pixels of a side that image viewers still open
TYPEFACE = "DejaVu Sans"  # matplotlib's own, and as wide as texts are reckoned


def write(sheet: Sheet, path: pathlib.Path, theme: str, scale: float) -> None:
    """Write `sheet` to `path`, whose ending names the format, `scale` pixels of an image for one of the sheet.

    Raises ImportError without matplotlib.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f"save(): {path.suffix} is drawn by matplotlib, which is not installed: pip install 'pullback[picture]'. "
            "SVG and HTML need nothing."
        ) from error

    colours = DARK if theme == "dark" else LIGHT
    scale = min(scale, LARGEST / max(sheet.width, sheet.height))
    figure = Figure(
        figsize=((sheet.width + 0.01) / DPI, (sheet.height + 0.01) / DPI), dpi=DPI, facecolor=colours["paper"]
    )
    shapes = [shape for group in sheet.groups for shape in group.shapes]
    families, missing = _typefaces(
        {letter for shape in shapes if isinstance(shape, Text) for letter in shape.text}
    )
    pen = _Pen(figure, sheet.height, colours, families)
    for shape in shapes:
        pen.draw(shape)
    if missing:
        letters = "".join(sorted(missing)[:8])
        warnings.warn(
            f"save(): no typeface that is installed has {letters!r}; they are boxes in {path.name}. "
            "A browser may have one: save as .svg or .html.",
            stacklevel=3,
        )
    with rc_context({"pdf.fonttype": 42}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # said above, once
        figure.savefig(path, dpi=DPI * scale, facecolor=colours["paper"])


def _typefaces(letters: set[str]) -> tuple[list[str], set[str]]:
    """matplotlib's typeface and those that have what it lacks; and the letters that none has."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    def lacking(file: str) -> set[str]:
        charmap = FT2Font(file).get_charmap()
        return {letter for letter in missing if ord(letter) not in charmap}

    families, missing = [TYPEFACE], letters
    missing = lacking(font_manager.findfont(TYPEFACE))
    for entry in font_manager.fontManager.ttflist if missing else []:
        if "Last Resort" in entry.name:  # it has boxes for everything
            continue
        try:
            left = lacking(entry.fname)
        except (OSError, RuntimeError):  # a file that is gone, or that cannot be read
            continue
        if len(left) < len(missing):
            families.append(entry.name)
            missing = left
        if not missing:
            break
    return families, missing


class _Pen:
    def __init__(self, figure: Any, height: float, colours: dict[str, str], families: list[str]) -> None:
        from matplotlib import patches, text, transforms
        from matplotlib.path import Path as Outline

        self.figure, self.colours, self.families = figure, colours, families
        self.patches, self.text, self.Outline = patches, text, Outline
        # From pixels of the sheet, y downwards, to those of the figure at any resolution.
        self.place = transforms.Affine2D().scale(1, -1).translate(0, height) + transforms.Affine2D().scale(
            1 / DPI
        )
        self.place = self.place + figure.dpi_scale_trans

    def draw(self, shape: Rectangle | Path | Text) -> None:
        if isinstance(shape, Text):
            artist = self.text.Text(
                shape.x,
                shape.y,
                shape.text,
                color=self.colours[shape.role],
                fontsize=shape.size * 0.92,  # DejaVu Sans is large for its size
                fontfamily=self.families,
                fontweight="bold" if shape.bold else "normal",
                horizontalalignment={"start": "left", "middle": "center", "end": "right"}[shape.anchor],
                verticalalignment="baseline",
                parse_math=False,
                transform=self.place,
            )
        elif isinstance(shape, Rectangle):
            artist = self.patches.FancyBboxPatch(
                (shape.x, shape.y),
                shape.width,
                shape.height,
                boxstyle=f"round,pad=0,rounding_size={min(shape.radius, shape.height / 2, shape.width / 2)}",
                facecolor=self.colours[shape.role],
                edgecolor=self.colours[shape.role + "-edge"],
                linewidth=shape.weight,
                linestyle=(0, (3.5, 2.5)) if shape.dashed else "-",
                transform=self.place,
            )
        else:
            artist = self.patches.PathPatch(
                self._outline(shape),
                facecolor=self.colours[shape.role] if shape.filled else "none",
                edgecolor="none" if shape.filled else self.colours[shape.role],
                linewidth=shape.weight,
                linestyle=(0, (3.5, 2.5)) if shape.dashed else "-",
                capstyle="butt",
                transform=self.place,
            )
        self.figure.add_artist(artist)

    def _outline(self, shape: Path) -> Any:
        points: list[tuple[float, float]] = []
        codes: list[int] = []
        code = {
            "M": self.Outline.MOVETO,
            "L": self.Outline.LINETO,
            "C": self.Outline.CURVE4,
            "Q": self.Outline.CURVE3,
        }
        for letter, *numbers in shape.steps:
            if letter == "Z":
                points.append(points[0])
                codes.append(self.Outline.CLOSEPOLY)
            else:
                pairs = list(zip(numbers[::2], numbers[1::2]))
                points += pairs
                codes += [code[letter]] * len(pairs)
        return self.Outline(points, codes)
