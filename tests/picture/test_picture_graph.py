"""The tape drawn: what is on it, and that it is right. Where things lie is tested in test_picture_layout.py."""

import re
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from picture.geometry import SVG, assert_legible, texts

import pullback as pb
from pullback.picture import graph
from pullback.picture.drawing import DARK, LIGHT


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
    assert texts(picture, "ink").count("0.2") == 2 and "5" in texts(picture, "ink")  # the constants
    assert repr(picture) == "<picture of a tape: 10 boxes, 9 edges>"
    without = graph(named["x7"], names=named, fold_unnamed=True, constants=False)
    assert repr(without) == "<picture of a tape: 7 boxes, 6 edges>"


def test_many_folded_operations_are_counted():
    x = pb.tensor(2.0, requires_grad=True)
    z = (x * 3 + 1).exp().log() * 2
    picture = graph(z, names={"x": x, "z": z}, partials=True, fold_unnamed=True)
    assert {"z", "5 operations"} <= set(texts(picture))
    assert texts(picture, "partial") == ["6"]


def test_unfolded_it_is_the_tape():
    named = quadratic()
    picture = graph(named["x7"], names=named, constants=False)
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


def test_a_long_tape_is_cut_and_says_so():
    x = pb.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(3000):
        y = y * 1.01
    picture = graph(y, limit=5, constants=False)
    assert_legible(picture)
    assert repr(picture).startswith("<picture of a tape: 5 boxes")
    assert "… more before" in texts(picture)
    assert "Drawn are the 5 of 3,001 boxes that are nearest to the outputs; limit= draws more." in texts(
        picture
    )


def test_a_freed_tape_shows_what_is_left_and_says_how_to_get_the_rest():
    x = pb.tensor(2.0, requires_grad=True)
    y = x * x
    z = y.exp()
    z.backward()
    picture = graph(z, gradients=True, partials=True)
    assert texts(picture, "gradient") == ["grad 218.4"] and not texts(picture, "partial")
    said = " ".join(texts(picture, "muted"))
    assert "backward() has freed the tape" in said and "backward(retain_graph=True)" in said
    assert "its .grad, what backward() has accumulated there" in said
    x.grad = None
    assert ".grad" not in " ".join(texts(graph(z, gradients=True), "muted"))
    assert "freed" not in " ".join(texts(graph(z), "muted"))  # nobody asked for gradients
    y = x * x
    y.backward(retain_graph=True)
    assert "grad 1" in texts(graph(y, gradients=True), "gradient")


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
    with pytest.raises(
        ValueError, match=r"cannot write '\.bmp', only \.svg, \.html, \.png, \.pdf, \.dot, \.gv"
    ):
        picture.save(tmp_path / "tape.bmp")
    with pytest.raises(ValueError, match="scale must be positive"):
        picture.save(tmp_path / "tape.png", scale=0)


def test_the_page_needs_nothing_else(tmp_path):
    x = pb.tensor(1.0, requires_grad=True)
    picture = graph(x * 2, title="a </title><script>alert(1)</script> @DRAWING@")
    page = picture.save(tmp_path / "tape.html").read_text(encoding="utf-8")
    assert page == picture.html and picture.svg in page
    addresses = set(re.findall(r"\w+://[^\"'\s)]*", page))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of a language, fetched by nobody
    assert not re.search(r"\b(src|href|url|import)\b\s*[=(]", page)
    assert "alert(1)</script>" not in page.replace("alert(1)&lt;/script&gt;", "")
    assert page.count("<svg ") == 1
    assert "prefers-color-scheme" in page and DARK["paper"] in page
    dark = graph(x * 2, theme="dark").html
    assert LIGHT["paper"] not in dark and "prefers-color-scheme" not in dark


def test_images(tmp_path):
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    named = quadratic()
    for theme, paper in (("auto", LIGHT), ("light", LIGHT), ("dark", DARK)):
        picture = graph(named["x7"], names=named, theme=theme, partials=True, title="$x^2$ & _i_")
        image = imread(picture.save(tmp_path / "tape.png", scale=1))
        root = ElementTree.fromstring(picture.svg)
        assert image.shape[:2] == (float(root.get("height")), float(root.get("width")))

        def share(role, image=image, paper=paper):
            colour = [int(paper[role][i : i + 2], 16) / 255 for i in (1, 3, 5)]
            return (np.abs(image[:, :, :3] - colour).max(axis=2) < 0.01).mean()

        assert share("paper") > 0.5 and share("leaf") > 0.01 and share("output") > 0.01
    assert imread(picture.save(tmp_path / "large.PNG")).shape[0] == pytest.approx(2 * image.shape[0], abs=2)
    assert picture.save(tmp_path / "tape.pdf").read_bytes().startswith(b"%PDF")


def test_a_letter_that_no_typeface_has_is_said_once(tmp_path, recwarn):
    pytest.importorskip("matplotlib")
    x = pb.tensor(1.0, requires_grad=True)
    graph(x * 2, names={"\U0010fffd\U0010fffd": x}).save(tmp_path / "tape.png")
    assert len(recwarn) == 1 and "no typeface that is installed has" in str(recwarn[0].message)
    assert recwarn[0].filename == __file__


def test_without_matplotlib_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    picture = graph(pb.tensor(1.0, requires_grad=True) * 2)
    for name in ("tape.png", "tape.pdf"):
        with pytest.raises(ImportError, match=r"pip install 'pullback\[picture\]'"):
            picture.save(tmp_path / name)
    picture.save(tmp_path / "tape.html")


def test_bad_input():
    x = pb.tensor(1.0, requires_grad=True)
    with pytest.raises(RuntimeError, match="does not require grad and does not have a grad_fn"):
        graph(pb.ones(1))
    with pytest.raises(TypeError, match="expected a Tensor, but got float"):
        graph([1.0])
    with pytest.raises(TypeError, match="expected a Tensor, but got int"):
        graph(lambda: 3)
    with pytest.raises(TypeError, match="names maps 'x' to int"):
        graph(x * 2, names={"x": 3})
    with pytest.raises(ValueError, match="unknown theme 'blue'"):
        graph(x * 2, theme="blue")
    with pytest.raises(ValueError, match="limit must be at least 1"):
        graph(x * 2, limit=0)
    with pytest.raises(ValueError, match="no outputs"):
        graph([])
    with pytest.raises(ValueError, match="width must be positive"):
        graph(x * 2, width=0)


# ---- constants and data ------------------------------------------------------------------------------------


def test_numbers_and_data_are_drawn():
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    data = pb.tensor([3.0, 4.0])
    target = pb.tensor([0.5, 0.25])
    y = x * data
    z = (y / 4 - target) ** 2
    picture = graph(z)
    assert {"data", "[3, 4]", "4", "2"} <= set(texts(picture, "ink"))
    assert "target" not in texts(picture)  # nothing holds y / 4, so what was taken from it does not follow
    assert "constant" in texts(picture) and any("that the tape keeps" in text for text in texts(picture))
    assert picture.svg.count('class="constant constant-edge-stroke"') == 4
    assert '"data\\n[3, 4]"' in picture.dot
    assert "[3, 4]" not in texts(graph(z, values=False)) and "data" in texts(graph(z, values=False))


def test_the_same_data_is_one_box_and_detached_parameters_say_so():
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    mask = pb.tensor([1.0, 0.0])
    y = (x * mask).exp() * mask * x.detach()
    found = texts(graph(y))
    assert found.count("mask") == 1
    assert "x.detach()" in found


def test_what_was_added_is_shown_where_it_follows_from_known_values():
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    bias = pb.tensor([0.1, 0.2])
    cases = {"bias": x + bias, "3": x + 3, "−0.1": x + -0.1, "7": 7 - x, "0.3": x - 0.3, "1e5": x + 1e5}
    for text, y in cases.items():
        found = texts(graph(y))
        assert text in found and "constant" not in found
    twin = bias.clone()
    found = texts(graph(x + bias))  # bias or twin: the value is known, the name is not
    assert "[0.1, 0.2]" in found and not {"bias", "twin"} & set(found)
    huge = pb.tensor([1e30, 3e8], requires_grad=True)
    for y in (huge + 1, huge + pb.tensor([0.0, 1.0])):  # any small number would give that
        assert "constant" in texts(graph(y))
    doubled = pb.add(x, x.exp(), alpha=2) - 5  # what is known of the operands does not tell its value
    assert "constant" in texts(graph(doubled, names={"x": x}))
    hidden = x + pb.tensor([0.5, 7.0])
    assert "constant" in texts(graph(hidden))


def test_what_is_freed_or_overwritten_has_no_value():
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    data = pb.tensor([3.0, 4.0])
    y = x * data
    data.add_(1)
    assert "[4, 5]" not in texts(graph(y)) and "constant" in texts(graph(y))
    y = (x * data).sum()
    y.backward()
    assert "constant" in texts(graph(y))


def test_a_shape_is_told_where_that_is_what_is_known():
    x = pb.ones(2, 3, requires_grad=True)
    joined = pb.cat([x, pb.zeros(4, 3)])
    assert "data (4×3)" in texts(graph(joined, names={}))


def test_a_functions_operands():
    class Scale(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor):
            ctx.save_for_backward(factor)
            return x * factor

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0], None

    x = pb.tensor([1.0, 2.0], requires_grad=True)
    factor = pb.tensor([3.0, 4.0])
    found = texts(graph(Scale.apply(x, factor)))
    assert {"x", "factor", "[3, 4]", "ScaleBackward"} <= set(found)


# ---- names -------------------------------------------------------------------------------------------------


def test_names_from_nested_containers_and_objects():
    class Layer:
        def __init__(self, n):
            self.weight = pb.ones(n, requires_grad=True)
            self.inner = {"scale": pb.tensor(2.0, requires_grad=True)}

    class Slotted:
        __slots__ = ("bias",)

    slotted = Slotted()
    slotted.bias = pb.tensor(1.0, requires_grad=True)
    layers = [Layer(2), Layer(2)]
    model = {"layers": layers, "tuple": ([pb.tensor(3.0, requires_grad=True)],)}
    model["itself"] = model
    out = layers[1].weight * layers[1].inner["scale"] * model["tuple"][0][0] + slotted.bias
    found = set(texts(graph(out)))
    assert {
        "layers[1].weight",
        "layers[1].inner['scale']",
        "model['tuple'][0][0]",
        "slotted.bias",
        "out",
    } <= found


def test_objects_that_answer_by_raising_are_left_alone():
    class Evil:
        def __getattr__(self, name):
            raise RuntimeError(name)

        @property
        def __class__(self):
            raise RuntimeError("class")

    class Lazy(dict):
        def items(self):
            raise RuntimeError("items")

    evil = Evil()
    x = pb.tensor(1.0, requires_grad=True)
    lazy = Lazy({(1, "a"): x, evil: x * 3})
    del x
    assert "lazy[(1, 'a')]" in texts(graph(lazy[1, "a"] * 2))


def test_the_shortest_way_is_the_name():
    weights = [pb.tensor(1.0, requires_grad=True), pb.tensor(2.0, requires_grad=True)]
    first = weights[0]
    again = first
    out = first * weights[1]
    found = texts(graph(out))
    assert "first, again" in found and "weights[1]" in found and "weights[0]" not in found


def test_names_of_the_functions_around():
    def draw(result):
        return graph(result)

    scale = pb.tensor(2.0, requires_grad=True)
    hidden = scale.exp()
    found = texts(draw(hidden * 3))
    assert {"scale", "hidden", "result"} <= set(found)


def test_a_functions_own_variables():
    w = pb.tensor(0.5, requires_grad=True)

    def layer(x):
        inner = x * w
        return inner.tanh()

    def model():
        h = layer(layer(w))
        outcome = h.exp()
        return outcome

    assert "inner" not in texts(graph(model()))
    found = texts(graph(model))
    assert {"w", "h", "outcome", "inner (1)", "inner (2)"} <= set(found)
    assert sys.getprofile() is None
    found = texts(graph(lambda: [model(), w * 2]))
    assert "outcome" in found
    with pytest.raises(ZeroDivisionError):
        graph(lambda: 1 / 0)
    assert sys.getprofile() is None


def test_much_that_is_no_tensor_is_looked_at_in_vain_but_not_for_long():
    numbers = list(range(1_000_000))
    table = {number: [number] for number in range(30_000)}
    many = [[number] for number in range(15_000)]
    x = pb.tensor(1.0, requires_grad=True)
    holder = {"x": x, "many": many}
    assert "x" in texts(graph(x * 2))
