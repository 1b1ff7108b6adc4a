"""The tape drawn: what is on it, that it is right, and that no two things on it overlap."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

import pullback as pb
from pullback.picture import graph
from pullback.picture.svg import DARK, LIGHT, text_width

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture, colour=None):
    root = ElementTree.fromstring(picture.svg)
    return [e.text for e in root.iter(SVG + "text") if colour is None or e.get("class") == colour]


def boxes(picture):
    """(left, top, right, bottom) of every box."""
    found = []
    for rect in ElementTree.fromstring(picture.svg).iter(SVG + "rect"):
        if rect.get("class") != "paper":
            x, y, w, h = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
            found.append((x, y, x + w, y + h))
    return found


def labels(picture):
    """The same of every text, by the width that the layout reckons with."""
    found = []
    for text in ElementTree.fromstring(picture.svg).iter(SVG + "text"):
        x, y, size = (float(text.get(key)) for key in ("x", "y", "font-size"))
        width = text_width(text.text, size)
        left = x - width * {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor")]
        found.append((left, y - size * 0.75, left + width, y + size * 0.2))
    return found


def overlapping(rectangles):
    return [
        (a, b)
        for number, a in enumerate(rectangles)
        for b in rectangles[:number]
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


def assert_legible(picture):
    root = ElementTree.fromstring(picture.svg)
    width, height = float(root.get("width")), float(root.get("height"))
    assert not overlapping(boxes(picture))
    assert not overlapping(labels(picture))
    for left, top, right, bottom in boxes(picture) + labels(picture):
        assert 0 <= left and 0 <= top and right <= width and bottom <= height


def quadratic():
    x1 = pb.tensor([2.0], requires_grad=True)
    x2 = pb.tensor([2.0], requires_grad=True)
    x3 = x1.square()
    x4 = x2.square()
    x5 = x3 * 0.2
    x6 = x4 * 0.2
    x7 = x5 + x6 - 5
    return {"x1": x1, "x2": x2, "x3": x3, "x4": x4, "x5": x5, "x6": x6, "x7": x7}


def test_the_quadratic_of_two_variables():
    named = quadratic()
    picture = graph(named["x7"], names=named, partials=True, gradients=True, fold_unnamed=True)
    assert_legible(picture)
    assert set(named) <= set(texts(picture, "ink"))
    assert {"PowBackward0", "MulBackward0"} <= set(texts(picture, "muted"))
    assert "−3.4" in texts(picture)
    assert sorted(texts(picture, "partial")) == ["0.2", "0.2", "1", "1", "2·x1 = 4", "2·x2 = 4"]
    assert sorted(texts(picture, "gradient")) == ["grad 0.2"] * 2 + ["grad 0.8"] * 2 + ["grad 1"] * 3
    assert repr(picture) == "<picture of a tape: 7 boxes, 6 edges>"


def test_many_folded_operations_are_counted():
    x = pb.tensor(2.0, requires_grad=True)
    z = (x * 3 + 1).exp().log() * 2
    picture = graph(z, names={"x": x, "z": z}, partials=True, fold_unnamed=True)
    assert {"z", "5 operations"} <= set(texts(picture))
    assert texts(picture, "partial") == ["6"]


def test_unfolded_it_is_the_tape():
    named = quadratic()
    picture = graph(named["x7"], names=named)
    assert repr(picture) == "<picture of a tape: 8 boxes, 7 edges>"
    assert "AddBackward0" in texts(picture)
    assert not texts(picture, "partial") and not texts(picture, "gradient")


def test_left_to_right():
    named = quadratic()
    picture = graph(named["x7"], names=named)
    x = {e.text: float(e.get("x")) for e in ElementTree.fromstring(picture.svg).iter(SVG + "text")}
    assert x["x1"] == x["x2"] < x["x3"] == x["x4"] < x["x5"] == x["x6"] < x["x7"]


def test_names_come_from_the_callers_variables():
    weights = {"w": pb.tensor(2.0, requires_grad=True)}
    biases = [pb.tensor(1.0, requires_grad=True)]
    product = weights["w"] * 3
    result = product + biases[0]
    assert {"weights['w']", "biases[0]", "product", "result"} <= set(texts(graph(result)))
    from_a_comprehension, _ = (graph(result).svg for _ in range(2))
    assert from_a_comprehension == graph(result).svg
    assert "product" not in texts(graph(result, names={}))
    assert "only" in texts(graph(result, names={"only": product}))


def test_drawing_changes_nothing():
    named = quadratic()
    graph(named["x7"], partials=True, gradients=True)
    assert named["x1"].grad is None
    named["x7"].backward()
    assert named["x1"].grad.item() == pytest.approx(0.8)


def test_partials_are_formulas_only_where_they_hold():
    x = pb.tensor(0.5, dtype=pb.float64, requires_grad=True)
    y = pb.tensor(2.0, dtype=pb.float64, requires_grad=True)
    cases = {
        "cos x = 0.8776": x.sin(),
        "−sin x = −0.4794": x.cos(),
        "1/x = 2": x.log(),
        "exp x = 1.649": x.exp(),
        "3·x² = 0.75": x**3,
        "y = 2": x * y,
        "1/y = 0.5": x / y,
    }
    for text, result in cases.items():
        found = texts(graph(result, names={"x": x, "y": y}, partials=True), "partial")
        assert text in found
    z = x.tanh()
    assert texts(graph(z, partials=True), "partial") == ["1 − z² = 0.7864"]


def test_partials_of_larger_tensors():
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * x
    mean = y.mean()
    picture = graph(mean, partials=True, gradients=True)
    assert sorted(texts(picture, "partial")) == ["0.3333", "x = [1, 2, 3]", "x = [1, 2, 3]"]
    assert "grad [0.6667, 1.333, 2]" in texts(picture, "gradient")
    weight = pb.ones(16, 8, requires_grad=True)
    matrix = pb.ones(4, 16)
    product = matrix @ weight
    picture = graph(product, partials=True, gradients=True)
    assert texts(picture, "partial") == []  # a matrix product has no partial element by element
    assert "all 4 (16×8)" not in texts(picture) and "all 1 (16×8)" in texts(picture)
    assert "grad all 4 (16×8)" in texts(picture, "gradient")


def test_shared_subexpressions_and_several_outputs():
    x = pb.tensor(1.5, requires_grad=True)
    y = pb.tensor(0.5, requires_grad=True)
    s = x * y
    t = s.sin()
    u = s.exp()
    v = t * u
    w = v / (x * x + y)
    r = w.tanh()
    picture = graph([r, u], partials=True, gradients=True)
    assert_legible(picture)
    assert texts(picture).count("s") == 1
    assert picture.svg.count('class="output output-edge-stroke"') == 2
    (both,) = pb.autograd.grad(r + u, [x])
    assert f"grad {both.item():.4g}" in texts(picture, "gradient")


@pytest.mark.parametrize("seed", range(6))
def test_random_tapes_are_legible(seed):
    import random

    draw = random.Random(seed)
    values = [pb.tensor(0.1 + number / 3, requires_grad=True) for number in range(5)]
    for number in range(25):
        a, b = draw.sample(values[-9:], 2)
        values.append([a * b, (a + b).sin(), a / (b * b + 1), a.exp()][number % 4])
    picture = graph(values[-3:], partials=bool(seed % 2), gradients=seed % 3 == 0, fold_unnamed=seed > 3)
    assert_legible(picture)


def test_a_long_tape_is_cut_and_says_so():
    x = pb.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(3000):
        y = y * 1.01
    picture = graph(y, limit=5)
    assert_legible(picture)
    assert repr(picture).startswith("<picture of a tape: 5 boxes")
    assert "… more before" in texts(picture)
    assert "Drawn are the 5 of 3,001 boxes that are nearest to the outputs; limit= draws more." in texts(
        picture
    )


def test_a_freed_tape_is_drawn_without_gradients():
    x = pb.tensor(2.0, requires_grad=True)
    y = x * x
    y.backward()
    picture = graph(y, gradients=True, partials=True)
    assert not texts(picture, "gradient")
    assert any("freed by backward()" in text for text in texts(picture))


def test_a_leaf_is_a_picture_too():
    x = pb.tensor(2.0, requires_grad=True)
    assert {"x", "2"} <= set(texts(graph(x)))


def test_an_operation_with_several_outputs_has_all_their_names():
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    first, second = x.unbind()
    total = first * second
    picture = graph(total, gradients=True)
    assert "first, second" in texts(picture)
    assert "grad [2, 1]" in texts(picture, "gradient")


def test_names_are_escaped():
    x = pb.tensor(1.0, requires_grad=True)
    name = '<b>&"x"\\</b>'
    picture = graph(x * 2, names={name: x}, title="a < b & c")
    assert name in texts(picture) and "a < b & c" in texts(picture)
    assert '\\"x\\"\\\\' in picture.dot


def test_dot():
    named = quadratic()
    dot = graph(named["x7"], names=named, partials=True, gradients=True, title="f").dot
    assert dot.startswith("digraph tape {") and dot.rstrip().endswith("}")
    number = dict(re.findall(r'(n\d+) \[label="(x\d)\\n', dot))
    edges = {
        (number.get(a), number.get(b)): label
        for a, b, label in re.findall(r'(n\d+) -> (n\d+) \[label="(.*)"', dot)
    }
    assert edges["x1", "x3"] == "2·x1 = 4"
    assert edges["x3", "x5"] == "0.2"
    assert "grad 0.8" in dot


def test_themes():
    named = quadratic()
    light, dark, auto = (graph(named["x7"], theme=theme).svg for theme in ("light", "dark", "auto"))
    assert LIGHT["box"] in light and DARK["box"] not in light
    assert DARK["box"] in dark and LIGHT["box"] not in dark
    assert "prefers-color-scheme: dark" in auto and DARK["box"] in auto and LIGHT["box"] in auto
    # The style of an inline drawing names the drawing: it reaches nothing else on the page.
    (name,) = re.findall(r'<svg[^>]* id="([\w-]+)"', auto)
    assert all(line.strip().startswith(f"#{name} ") for line in auto.split("\n") if "fill: " in line)


def test_saving(tmp_path):
    x = pb.tensor(1.0, requires_grad=True)
    picture = graph(x * 2)
    assert picture.save(tmp_path / "tape.svg").read_text(encoding="utf-8") == picture.svg
    assert picture.save(str(tmp_path / "tape.dot")).read_text(encoding="utf-8") == picture.dot
    assert picture._repr_svg_() == picture.svg
    with pytest.raises(ValueError, match=r"cannot write '\.png', only \.svg, \.dot, \.gv"):
        picture.save(tmp_path / "tape.png")


def test_bad_input():
    x = pb.tensor(1.0, requires_grad=True)
    with pytest.raises(RuntimeError, match="does not require grad and does not have a grad_fn"):
        graph(pb.ones(1))
    with pytest.raises(TypeError, match="expected a Tensor, but got float"):
        graph([1.0])
    with pytest.raises(TypeError, match="names maps 'x' to int"):
        graph(x * 2, names={"x": 3})
    with pytest.raises(ValueError, match="unknown theme 'blue'"):
        graph(x * 2, theme="blue")
    with pytest.raises(ValueError, match="limit must be at least 1"):
        graph(x * 2, limit=0)
    with pytest.raises(ValueError, match="no outputs"):
        graph([])
