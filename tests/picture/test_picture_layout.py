"""Where a picture's boxes, texts and edges lie: apart from each other, on a page of bounded width, in linear work."""

import random
import sys

import pytest
from picture.geometry import assert_legible, boxes, lines, size, texts

import pullback as pb
from pullback.picture import graph


def numbers(count):
    return [pb.tensor(0.1 + number / 3, requires_grad=True) for number in range(count)]


def chain(steps):
    y = pb.tensor(0.5, requires_grad=True)
    for step in range(steps):
        y = [y.sin, lambda y=y: y * 1.01, y.exp][step % 3]()
    return y


def long_sum(terms):
    return sum(x.sin() * 2 for x in numbers(terms))


def recurrence(steps, width=3):
    """An LSTM, gate by gate: every step reads the same twelve parameters."""
    parameters = {
        name: pb.full((width,), 0.1, requires_grad=True)
        for name in (f"{kind}_{gate}" for kind in "WUb" for gate in "ifgo")
    }
    h, c = pb.zeros(width), pb.zeros(width)
    for step in range(steps):
        x = pb.full((width,), 0.1 * step)
        gate = {k: parameters["W_" + k] * x + parameters["U_" + k] * h + parameters["b_" + k] for k in "ifgo"}
        c = gate["f"].sigmoid() * c + gate["i"].sigmoid() * gate["g"].tanh()
        h = gate["o"].sigmoid() * c.tanh()
    return (h**2).sum()


def residual(layers):
    h = pb.ones(4, requires_grad=True)
    for _ in range(layers):
        h = (h * pb.ones(4, requires_grad=True) + pb.ones(4, requires_grad=True)).relu() + h
    return h.sum()


def higher_order(order):
    x = pb.tensor([0.5, 1.0], requires_grad=True)
    y = (x.tanh() * x.exp()).sum()
    for _ in range(order):
        (y,) = pb.autograd.grad(y.sum(), x, create_graph=True)
    return y


def written_in_place():
    x = pb.ones(3, 4, requires_grad=True)
    y = x * 2
    view = y[1]
    view.mul_(3)
    y[:, 2] = view.sum()
    y.t()[0].exp_()
    return y.sum() + view.sum()


def shared_node():
    x = pb.tensor(0.5, requires_grad=True)
    s = x.exp()
    return sum(s * (s + k).sin() for k in range(12)) * s


def two_trees():
    a, b = numbers(16), numbers(16)
    while len(a) > 1:
        a = [x * y for x, y in zip(a[::2], a[1::2])]
        b = [x + y for x, y in zip(b[::2], b[1::2])]
    return [a[0], b[0]]


def many_outputs():
    x = pb.tensor(0.5, requires_grad=True)
    return [[x.sin, x.exp, x.tanh][k % 3]() + (x * k if k % 2 else x) for k in range(40)]


def dense():
    layer = numbers(6)
    for _ in range(4):
        layer = [sum(x * (k + 1) for x in layer) for k in range(6)]
    return layer


def random_tape(seed, steps=25):
    draw = random.Random(seed)
    values = numbers(5)
    for number in range(steps):
        a, b = draw.sample(values[-9:], 2)
        values.append([a * b, (a + b).sin(), a / (b * b + 1), a.exp()][number % 4])
    return values[-3:]


PROGRAMS = {
    "chain": lambda: chain(60),
    "long chain": lambda: chain(400),
    "sum": lambda: long_sum(60),
    "long sum": lambda: long_sum(200),
    "stack": lambda: pb.stack([x.sin() for x in numbers(500)]).sum(),
    "recurrence": lambda: recurrence(8),
    "residual": lambda: residual(9),
    "second order": lambda: higher_order(2),
    "fourth order": lambda: higher_order(4),
    "in place": written_in_place,
    "shared": shared_node,
    "two trees": two_trees,
    "many outputs": many_outputs,
    "dense": dense,
    "leaf": lambda: pb.ones(3, requires_grad=True),
    "leaf and its use": lambda: (lambda x: [x, x * 2])(pb.ones(3, requires_grad=True)),
    "leaves": lambda: numbers(12),
    "square": lambda: (lambda x: x * x)(pb.tensor(2.0, requires_grad=True)),
    "one": lambda: pb.tensor(2.0, requires_grad=True).exp(),
    **{f"random {seed}": lambda seed=seed: random_tape(seed) for seed in range(6)},
    "random, long": lambda: random_tape(7, 150),
}
OPTIONS = [
    {},
    {"partials": True, "gradients": True, "title": "All of it"},
    {"fold_unnamed": True, "limit": 1000},
    {"limit": 1000, "width": 500, "names": {}},
    {"limit": 7, "constants": False},
]


@pytest.mark.parametrize("options", range(len(OPTIONS)))
@pytest.mark.parametrize("program", PROGRAMS)
def test_legible_and_no_wider_than_the_page(program, options):
    result = PROGRAMS[program]()
    options = OPTIONS[options]
    picture = graph(result, **options)
    assert_legible(picture)
    assert size(picture)[0] <= max(
        options.get("width", 1200), 900
    )  # a line of one operation has several columns


@pytest.mark.parametrize("seed", range(8))
def test_random_tapes_on_pages_of_any_width(seed):
    result = random_tape(seed, 20 + 6 * seed)
    for width in (300, 700, 2500):
        assert_legible(graph(result, width=width, partials=bool(seed % 2), limit=30 + 20 * seed))


def test_names_of_any_length_and_script():
    x, y = numbers(2)
    names = {"weights_of_the_first_layer_" * 5: x, "学習率と損失関数の勾配" * 4: y, "Ωμέγα_λ": x * y}
    (third,) = [tensor for name, tensor in names.items() if name.startswith("Ω")]
    picture = graph(third.exp() * x, names=names, partials=True)
    assert_legible(picture)
    assert size(picture)[0] <= 1200
    assert "Ωμέγα_λ" in texts(picture)
    assert any(text.startswith("weights_of") and "…" in text for text in texts(picture))
    assert "weights_of_the_first_layer_" * 5 in picture.svg  # in the tooltip
    assert_legible(graph(x * y, names=names, title="A title that is much too long for the picture " * 5))


def test_a_chain_reads_as_text_does():
    picture = graph(chain(60), limit=200, names={})
    tops = [box[1] for box in boxes(picture)]
    rows = {round(top / 60) for top in tops}
    assert size(picture)[0] <= 1200 and 6 <= len(rows) <= 40
    # In reading order: the leaf at the upper left, the result in the lowest line.
    first, last = min(boxes(picture)), max(boxes(picture), key=lambda box: box[3])
    assert first[1] < min(tops) + 30 and last[3] > size(picture)[1] - 90
    # Every operation but the first is entered by one line from another box, also across the ends of lines.
    operations = [box for box in boxes(picture) if box[2] - box[0] > 90]
    ends = [line[-1] for line in lines(picture)]
    for left, top, _, bottom in operations:
        assert any(abs(x + 7 - left) < 1 and top < y < bottom for x, y in ends)


def test_a_chain_is_straight():
    y = pb.tensor(0.5, requires_grad=True)
    for _ in range(5):
        y = (y * 1.01).exp()
    picture = graph(y, names={}, width=4000)
    middles = [(box[1] + box[3]) / 2 for box in boxes(picture) if box[2] - box[0] > 80]
    assert max(middles) - min(middles) < 8


def test_what_is_alike_is_told_once():
    xs = numbers(300)
    stacked = pb.stack([x.sin() * 2 for x in xs]).sum()
    picture = graph(stacked)
    assert "… 297 more like these" in texts(picture)
    assert {"xs[0]", "xs[1]", "xs[2]"} <= set(texts(picture)) and "xs[3]" not in texts(picture)
    assert not any("limit=" in text for text in texts(picture))
    assert size(picture)[1] < 600
    # Eight are drawn one by one; and what differs is not alike.
    assert not any("more like" in text for text in texts(graph(pb.stack(xs[:8]))))
    mixed = pb.stack([[x.sin, x.exp][k % 2]() for k, x in enumerate(xs[:40])])
    assert texts(graph(mixed)).count("… 17 more like these") == 2
    shapes = [pb.ones(k + 1, requires_grad=True) for k in range(12)]
    assert not any("more like" in text for text in texts(graph(pb.cat(shapes))))


def test_what_others_use_too_is_not_hidden():
    xs = numbers(20)
    scale = pb.tensor(2.0, requires_grad=True)
    stacked = pb.stack([x * scale for x in xs])
    out = stacked.sum() * xs[15]
    found = texts(graph(out))
    assert "xs[15]" in found and found.count("scale") == 1 and "… 16 more like these" in found


def test_far_edges_are_stubs():
    weight = pb.tensor(0.9, requires_grad=True)
    y = early = weight.exp()
    for _ in range(30):
        y = (y * weight).tanh()
    out = y * early
    picture = graph(out)
    assert_legible(picture)
    # The leaf is told with its value once; where it is used again far away, its name stands beside its use.
    assert texts(picture).count("weight") > 3 and texts(picture).count("0.9") == 1
    assert texts(picture).count("early") == 2
    # An operation without a name gets a number, beside it and on its stub.
    unnamed = graph(out, names={"weight": weight})
    assert {"#1", "#1 Exp"} <= set(texts(unnamed))
    key = unnamed.svg.split('data-of="')[1].split('"')[0]
    assert f'data-key="{key}"' in unnamed.svg


@pytest.mark.parametrize("program", [chain, long_sum, recurrence, residual])
def test_the_work_is_linear(program):
    """Counted in calls of Python functions within the package, not in seconds."""

    def calls(result):
        count = 0

        def profile(frame, event, _):
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(profile)
        try:
            graph(result, limit=5000, names={})
        finally:
            sys.setprofile(None)
        return count

    small, large = (8, 40) if program is recurrence else (60, 300)
    few, many = calls(program(small)), calls(program(large))
    assert many < 6 * few
