"""Statements about state: rebound, written in place, in parts, through views; integers, masks, lists, errors, reads.

State stays within [-2, 2] whatever happens, so that 200 rounds neither explode nor die out.
"""

from fuzz.machines.expressions import MATRIX, ROW, STACK, VECTOR, cast

PARTS = {
    VECTOR: ["[1:]", "[:-1]", "[::2]", "[n // 2:]", "[1:-1]", "[0]"],
    ROW: ["[1:]", "[:-1]", "[::2]", "[0]"],
    MATRIX: ["[1:]", "[:-1]", "[0]", "[:, 0]", "[:, 1:]", "[:, ::2]", "[::2]", ".T", "[1:, :-1]"],
    STACK: ["[:, 0]", "[..., 0]", "[:, 1:]", "[0]"],
}


def rebound(w, x):
    """x gets a new value."""
    e = w.small(x.shape, w.depth())
    name, dim = x.text, len(x.shape) - 1
    options = [
        f"{name} = 0.9 * {name} + 0.1 * {e.text}", f"{name} = {name} + 0.1 * ({e.text} - {name})",
        f"{name} = ({name} + {e.text}).tanh()", f"{name} = {e.text} - 0.5 * {name}", f"{name} = 2 * {e.text}",
        f"{name} = pb.where({w.mask(x.shape)}, 0.5 * {name}, {e.text})", f"{name} = ({name} * {e.text}).clamp(-2, 2)",
        f"{name} = {name} * 0.99 + 0.01 * {e.text}", f"{name} = {name}.lerp({cast(e, x.dtype).text}, 0.25)",
        f"{name} = ({name} + {name}.sin()).clamp(-2, 2)", f"{name} = {e.text} + ({name} - {name})",
        f"{name} = 0.5 * {name} + 0.5 * {name}.roll(1, {dim})" if x.shape and x.shape[-1] != "1" else f"{name} = {name} * 0.5",
    ]  # fmt: skip
    if dim >= 0 and x.shape[-1] != "1":
        options += [
            f"{name} = (({name} - {name}.mean({dim}, keepdim=True)) / ({name}.std({dim}, keepdim=True) + 1)).clamp(-2, 2)",
            f"{name} = {name} * 0.9 + 0.1 * {name}.softmax({dim})",
        ]
    text = w.rng.choice(options)
    left, right = text.split(" = ", 1)
    if e.dtype != x.dtype or w.mixed:
        text = f"{left} = ({right}).to(pb.{x.dtype})"
    return [text]


def in_place(w, x):
    e, name = w.small(x.shape, w.depth()), x.text
    if w.chance(0.25):
        e = w.second(x.shape, 1)  # broadcast into it, or a number
        e = e if e.bound <= 1 else e.with_text(f"({e.text} * {round(1 / e.bound, 3) * 0.99:.3f})", -1, 1)
    tensor = e if e.shape == x.shape and e.dtype != "number" else w.small(x.shape, 0)
    same = cast(tensor, x.dtype).text
    other = cast(w.small(x.shape, 0), x.dtype).text
    plus = cast(w.positive(x.shape, 0), x.dtype)
    options = [
        [f"{name} *= 0.9", f"{name} += 0.1 * {e.text}"], [f"{name}.mul_(0.9).add_({e.text}, alpha=0.1)"],
        [f"{name}.lerp_({same}, 0.1)"], [f"{name}.copy_({tensor.text})"], [f"{name} += {e.text}", f"{name}.clamp_(-2, 2)"],
        [f"{name} -= 0.1 * {name}"], [f"{name} += {name}.sin()", f"{name}.clamp_(-2, 2)"],
        [f"{name}.mul_(0.5).addcmul_({same}, {other})"], [f"{name}.mul_(0.5).addcdiv_({same}, {plus.text}, value=0.25)"],
        [f"{name}.tanh_()"], [f"{name}.sin_()"], [f"{name} *= {name}.sigmoid()"], [f"{name}.mul_({name}).clamp_(-2, 2)"],
        [f"{name}.fill_({w.number()})"], [f"{name}.zero_()"], [f"{name}.masked_fill_({w.mask(x.shape)}, 0.5)"],
        [f"{name}.sub_({e.text}, alpha=0.5).clamp_(-2, 2)"], [f"{name}.neg_()"], [f"{name} /= ({plus.text} + 0.5)"],
        [f"{name} += 0.05 * ({name} - {name} ** 3)", f"{name}.clamp_(-2, 2)"], [f"{name} *= {e.text}"],
        [f"{name} -= {name} - {tensor.text}"], [f"{name}.detach().mul_(0.75)"], [f"{name}[...] = {tensor.text}"],
    ]  # fmt: skip
    if x.shape:
        options += [[f"{name}[{w.mask(x.shape)}] = {w.number()}"]]
    return w.rng.choice(options)


def part(w, x):
    """A write into a part of x."""
    at = w.rng.choice(PARTS[x.shape])
    name, target, e = x.text, x.text + at, w.small(x.shape, w.depth()).text + at
    bounded = f"{name}.clamp_(-2, 2)"
    options = [
        [f"{target}.mul_(0.5).add_({e})"], [f"{target}.zero_()"], [f"{target}.tanh_()"],
        [f"{target}.lerp_({name}{at} * 0.5, 0.5)"],
        [f"part = {target}", "part -= 0.5 * part", f"part.add_({w.small((), 1).text})", bounded],
    ]  # fmt: skip
    if at != ".T":
        options += [
            [f"{target} = {w.number()}"],
            [f"{target} *= 0.5"],
            [f"{target} = {e}"],
            [f"{target} += 0.25 * {e}", bounded],
        ]
    if at in ("[1:]", "[:-1]"):
        other = {"[1:]": "[:-1]", "[:-1]": "[1:]"}[at]
        options += [[f"{target} -= 0.5 * {name}{other}", bounded]] * 2
    return w.rng.choice(options)


def update(w):
    """Something that happens to a state."""
    x = w.rng.choice(w.states)
    if x.text in w.only_written:
        ways = [in_place, in_place, part]
    else:
        ways = [rebound, rebound, in_place, part]
    way = w.rng.choice(ways)
    return (in_place if way is part and x.shape not in PARTS else way)(w, x)


def temporary(w):
    e = w.floats(w.shape(), w.depth() + 1)
    name = w.name("t")
    w.variables.append(e.with_text(name))
    return [f"{name} = {e.text}"]


def integers(w):
    k = [v for v in w.variables if v.dtype == "int64" and v.text != "labels"]
    m = [v for v in w.variables if v.dtype == "bool"]
    if m and w.chance(0.5):
        v = w.rng.choice(m)
        mask = w.mask(v.shape)
        return [w.among(f"{v.text} = {mask}", f"{v.text} = {v.text} ^ {mask}", f"{v.text} = ~{v.text}")]
    if not k:
        return temporary(w)
    v = w.rng.choice(k)
    name, mask = v.text, w.mask(v.shape)
    return [w.among(
        f"{name} = ({name} * 3 + 1) % 7", f"{name} = ({name} + {mask}.long()) % 9", f"{name} += {mask}\n{name} %= 8",
        f"{name} = pb.where({mask}, {name}, 7 - {name}).clamp(0, 12)", f"{name}.mul_(2).remainder_(11)",
        f"{name} = ({name} + {name}.sum()) % 10",
    )]  # fmt: skip


def keep(w):
    """Values that a list keeps for some rounds."""
    e = w.floats(w.shape(), w.depth())
    name = w.name("kept")
    w.setup.append(f"{name} = []")
    w.tail.append(f'for t in {name}: see("{name}", t)')
    lines = [f"{name}.append({e.text})"]
    if e.text in [v.text for v in w.variables]:
        lines = [f"{name}.append({e.text}.clone())"]
    if w.chance(0.7):
        lines += [f"if len({name}) > {w.among(1, 2, 4)}: {name}.pop(0)"]
        w.variables.append(e.with_text(f"{name}[{w.among(0, -1)}]"))
    return lines


def read(w):
    x = w.rng.choice(w.states + [v for v in w.variables if v.text.startswith("t")])
    every = w.among(2, 3, 7, 10)
    text = w.among(f'see("{x.text}", {x.text})', f'see("{x.text}", {x.text}.sum())', "pb.synchronize()",
                   f"bool(({x.text} > 5).any())")  # fmt: skip
    return [f"if i % {every} == {w.rng.randrange(every)}: {text}"]


def mistake(w):
    """An exception in the middle of a round."""
    x = w.rng.choice(w.states)
    kind = w.rng.randrange(4)
    if kind == 0:
        wrong = w.among(f"{x.text}.add_(pb.ones((2, 2, 2, n + 1)))", f"{x.text}.reshape(-1, n + 1)")
        return ["try:", f"    {wrong}", f"    {x.text} = None", "except Exception: pass"]
    lines = update(w)
    if kind == 1:
        e = w.floats(w.shape(), 1)
        return ["try:", f"    unused = {e.text}.wrong_name()", "except AttributeError:"] + [
            f"    {line}" for line in lines
        ]
    return ["try:", *(f"    {line}" for line in lines), "    if i % 3 == 1: raise KeyError(i)",
            f"    {x.text}.mul_(0.5)", "except KeyError: pass"]  # fmt: skip
