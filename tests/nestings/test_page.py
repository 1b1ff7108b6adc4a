"""docs/nestings.md: what it says of pullback holds, and it has every operator with a derivative."""

import pathlib

import pytest
from calculus.interpreter import ROWS
from nestings import curvature, points

import pullback as pb

PAGE = pathlib.Path(__file__).parents[2] / "docs/nestings.md"
POINTS = [*points.rows(), *points.generic(), *points.SPECIAL]
LIBRARY = curvature.Library(pb, lambda name, *given: ROWS[name](*given))


def said():
    """{(call, where): what is said of pullback}."""
    found = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.replace("\\|", "\0").strip().strip("|").split("|")]
        if line.startswith("| `"):
            found[cells[0].strip("`").replace("\0", "|"), cells[1]] = cells[2]
    return found


def test_the_page_has_every_point():
    assert set(said()) == {(point.call, point.where) for point in POINTS}


def test_the_page_has_every_row():
    assert {row for row, _ in said()} >= {name for name, row in ROWS.items() if row.differentiable}


@pytest.mark.parametrize("at", range(0, len(POINTS), 10))
def test_what_the_page_says(at):
    page = said()
    for point in POINTS[at : at + 10]:
        true, slope, doubt = curvature.truth(LIBRARY, point)
        assert doubt < 1e-4 * (1 + abs(true)), f"differences do not settle: {point.call}, {point.where}"
        found = LIBRARY.numbers(point)
        wrong = [
            curvature.SHORT[name]
            for name, number in found.items()
            if curvature.judge(number, slope if name == "vmap" else true)
        ]
        text = page[point.call, point.where]
        assert (text == "right") == (not wrong) and all(f"{name}:" in text for name in wrong), (
            point,
            found,
            true,
        )


def test_a_wrong_derivative_is_found():
    class Wrong(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            return 3 * ctx.saved_tensors[0].detach() ** 2 * g

    point = points.Point("wrong", "row('wrong', x)", {"x": points.np.array([1.0, 2.0])}, "generic")
    library = curvature.Library(pb, lambda name, *given: Wrong.apply(*given))
    true, slope, _ = curvature.truth(library, point)
    found = library.numbers(point)
    assert curvature.judge(found["vmap"], slope) == ""
    assert f" for {true:.4g}" in curvature.judge(found["reverse over reverse"], true)
    assert f" for {true:.4g}" in curvature.judge(found["forward over reverse"], true)
    assert curvature.judge(ValueError("x"), 1.0) == "raises ValueError"
