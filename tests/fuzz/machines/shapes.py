"""Expressions that come from other shapes: reductions, rows, products, views and copies, broadcasting."""

from fuzz.machines.expressions import (
    COLUMN,
    MATRIX,
    MIDDLE,
    ROW,
    SCALAR,
    SQUARE,
    STACK,
    VECTOR,
    cast,
    together,
)


def expression(x, shape, depth):
    """`x`: an `Expressions`."""
    ways = [way for way in WAYS[shape] if x.sizes["c"] <= 64 or way not in (times_vector, times_matrix)]
    return x.rng.choice(ways)(x, depth)


def reduced(x, e, shape, count, dim, keepdim=False, rows=True):
    """A reduction of an expression over `count` elements each; `rows`: along one axis."""
    arguments = "" if dim is None else f"{dim}, keepdim=True" if keepdim else f"{dim}"
    names = (
        ["mean"] * 5
        + ["sum"] * 3
        + (["amax", "amin", "std", "var", "logsumexp"] if rows and dim is not None else [])
    )
    if dim is None:
        names += ["max", "min", "norm", "std"]
    name = x.rng.choice(names)
    if name in ("std", "var") and count < 3:
        name = "mean"
    text = f"{e.text}.{name}({arguments})"
    bound = e.bound
    if name == "sum":
        text, bound = (
            (f"({text} / {count})", bound) if x.chance(0.5) or bound * count > 50 else (text, bound * count)
        )
    elif name == "var":
        bound = bound * bound * 2
    elif name == "logsumexp":
        bound += 12
    elif name == "std":
        bound *= 2
        # Its slope has no bound where all are equal.
        if e.grad:
            text, bound = f"{e.text}.mean({arguments})", e.bound
    elif name == "norm":
        text = f"(1 + {e.text}.square().sum()).sqrt()" if e.grad else f"({text} * 0.01)"
        text, bound = f"{text}.tanh()", 1
    return e.with_text(text, -bound, bound, shape=shape)


def whole(x, depth):
    """A number from anything."""
    e = x.floats(x.rng.choice([VECTOR, MATRIX, ROW, COLUMN, STACK]), depth)
    return reduced(x, e, SCALAR, x.count(e.shape), None)


def element(x, depth):
    v = x.variable(x.among(VECTOR, ROW))
    return v.with_text(f"{v.text}[{x.among(0, 1, -1)}]", shape=SCALAR)


def inner(x, depth):
    shape = x.among(VECTOR, ROW)
    a = x.floats(shape, depth)
    b = cast(x.floats(shape, depth), a.dtype)
    bound, grad = a.bound * b.bound, a.grad or b.grad
    return a.with_text(f"({a.text} @ {b.text} / {shape[0]})", -bound, bound, shape=SCALAR, grad=grad)


def loss_of_rows(x, depth):
    targets = [v for v in x.variables if v.text == "labels"]
    e = x.floats(MATRIX, depth)
    if not targets:
        return reduced(x, e, SCALAR, x.count(MATRIX), None)
    return e.with_text(f"pb.nn.functional.cross_entropy({e.text}, labels)", 0, 30, shape=SCALAR)


def over_rows(x, depth):
    e = x.floats(MATRIX, depth)
    return reduced(x, e, ROW, x.sizes["r"], 0)


def over_leading(x, depth):
    e = x.floats(STACK, depth)
    return reduced(x, e, ROW, x.sizes["r"], "(0, 1)", rows=False)


def over_middle_then_rows(x, depth):
    e = x.floats(MIDDLE, depth)
    return reduced(x, e, ROW, x.sizes["a"], 0)


def one_row(x, depth):
    e = x.variable(MATRIX)
    return e.with_text(f"{e.text}[{x.among(0, 1, -1)}]", shape=ROW)


def times_vector(x, depth):
    m, v = x.variable(SQUARE), x.floats(ROW, depth)
    v = cast(v, m.dtype)
    bound, grad = m.bound * v.bound, m.grad or v.grad
    return m.with_text(f"({m.text} @ {v.text} / c)", -bound, bound, shape=ROW, grad=grad)


def row_sums(x, depth):
    e = x.floats(MATRIX, depth)
    return reduced(x, e, COLUMN, x.sizes["c"], 1, keepdim=True)


def one_column(x, depth):
    e = x.variable(MATRIX)
    return e.with_text(x.among("{}[:, :1]", "{}[:, -1:]", "{}.narrow(1, 1, 1)").format(e.text), shape=COLUMN)


def rows_times_vector(x, depth):
    m, v = x.floats(MATRIX, depth), x.floats(ROW, depth)
    v = cast(v, m.dtype)
    bound, grad = m.bound * v.bound, m.grad or v.grad
    return m.with_text(f"({m.text} @ {v.text} / c).unsqueeze(1)", -bound, bound, shape=COLUMN, grad=grad)


def flat(x, depth):
    e = x.floats(MATRIX, depth)
    return e.with_text(f"{e.text}.reshape(-1)", shape=VECTOR)


def rotated(x, depth):
    e = x.floats(VECTOR, depth)
    v = x.variable(VECTOR)
    text = x.among("pb.cat([{0}[1:], {0}[:1]])", "pb.cat([{0}[n // 2:], {0}[:n // 2]])").format(v.text)
    return v.with_text(text) if x.chance(0.5) else e.with_text(f"{e.text}.roll({x.among(1, 2, 'n // 2')}, 0)")


def along(x, shape, axis, depth):
    """Functions of whole rows or columns that keep the shape."""
    e = x.floats(shape, depth)
    size = x.sizes[shape[axis]]
    kind = x.rng.randrange(7)
    if kind < 2:
        return e.with_text(f"{e.text}.softmax({axis})", 0, 1)
    if kind == 2:
        return e.with_text(f"{e.text}.log_softmax({axis})", -2 * e.bound - 12, 0)
    if kind == 3:
        return e.with_text(f"({e.text}.cumsum({axis}) / {size})", -e.bound, e.bound)
    if kind == 4:
        return e.with_text(f"({e.text} - {e.text}.mean({axis}, keepdim=True))", -2 * e.bound, 2 * e.bound)
    if kind == 5 and axis == len(shape) - 1:
        return e.with_text(f"pb.nn.functional.layer_norm({e.text}, ({shape[-1]},))", -(size**0.5), size**0.5)
    return e.with_text(
        f"(({e.text} - {e.text}.mean({axis}, keepdim=True)) / ({e.text}.square().mean({axis}, keepdim=True) + 1))",
        -2 * e.bound, 2 * e.bound,
    )  # fmt: skip


def along_vector(x, depth):
    return along(x, VECTOR, 0, depth)


def along_row(x, depth):
    return along(x, ROW, 0, depth)


def along_matrix(x, depth):
    return along(x, MATRIX, x.among(0, 1, 1), depth)


def square_matrix(x, depth):
    e = x.floats(VECTOR, depth)
    return e.with_text(f"{e.text}.reshape(r, c)", shape=MATRIX)


def outer(x, depth):
    a, b = x.floats(COLUMN, depth), x.floats(ROW, depth)
    rest = {"shape": MATRIX, **together(a, b)}
    if x.chance(0.5):
        return a.with_text(f"({a.text} * {b.text})", -a.bound * b.bound, a.bound * b.bound, **rest)
    return a.with_text(f"({a.text} + {b.text})", a.low + b.low, a.high + b.high, **rest)


def times_matrix(x, depth):
    a = x.floats(MATRIX, depth)
    b = cast(x.variable(SQUARE), a.dtype)
    bound, grad = a.bound * b.bound, a.grad or b.grad
    return a.with_text(f"({a.text} @ {b.text} / c)", -bound, bound, grad=grad)


def spread(x, depth):
    e = x.floats(ROW, depth)
    return e.with_text(f"{e.text}.expand(r, c)", shape=MATRIX)


def flattened_stack(x, depth):
    e = x.floats(STACK, depth)
    return e.with_text(f"{e.text}.reshape(r, c)", shape=MATRIX)


def joined(x, depth):
    e = x.variable(MATRIX)
    return e.with_text(x.among(
        "pb.cat([{0}[:, 1:], {0}[:, :1]], 1)", "pb.cat([{0}[1:], {0}[:1] * 0.5])", "{0}.T.clone().T", "{0}.T.flip(0).T",
        "pb.stack([{0}[:, k] for k in range(c)], 1)" if x.sizes["c"] < 8 else "{0}.T.T",
    ).format(e.text))  # fmt: skip


def stack(x, depth):
    e = x.floats(MATRIX, depth)
    return e.with_text(f"{e.text}.reshape(a, b, c)", shape=STACK)


def centred_middle(x, depth):
    e = x.floats(STACK, depth)
    return e.with_text(f"({e.text} - {e.text}.mean(1, keepdim=True))", -2 * e.bound, 2 * e.bound)


def over_middle(x, depth):
    e = x.floats(STACK, depth)
    return reduced(x, e, MIDDLE, x.sizes["b"], 1)


def gram(x, depth):
    e = x.variable(MATRIX)
    return e.with_text(f"({e.text}.T @ {e.text} / r)", -(e.bound**2), e.bound**2, shape=SQUARE)


def plain(shape):
    return lambda x, depth: x.variable(shape)


WAYS = {
    SCALAR: [whole] * 6 + [element, inner, loss_of_rows],
    ROW: [over_rows] * 5 + [over_leading, over_middle_then_rows, one_row, times_vector, along_row],
    COLUMN: [row_sums] * 5 + [one_column, rows_times_vector],
    VECTOR: [flat] * 3 + [rotated, along_vector],
    MATRIX: [along_matrix] * 4 + [outer] * 3 + [square_matrix, times_matrix, spread, flattened_stack, joined],
    STACK: [stack, stack, centred_middle],
    MIDDLE: [over_middle],
    SQUARE: [gram, plain(SQUARE)],
}
