"""Statements that the truth cannot run: only deferred and immediate work are compared, bit for bit.

Saved values that are overwritten, whose errors are part of what is seen; gradients that others hold while they
accumulate; hooks that look; memory that NumPy reaches; graphs kept over rounds; operators that find indices.
"""

from fuzz.machines import updates
from fuzz.machines.expressions import COLUMN, MATRIX, ROW, SCALAR, VECTOR


def attempted(lines):
    """Statements whose error, if there is one, is seen."""
    return ["try:", *(f"    {line}" for line in lines), 'except RuntimeError as e: see("error", str(e))']


def leaf(w):
    return w.parameter(w.among(VECTOR, MATRIX, ROW, SCALAR, COLUMN))


def overwritten(w):
    """Something that a pullback may read is written before it is pulled back."""
    x, p = w.rng.choice(w.states), leaf(w)
    e = w.floats(x.shape, 1)
    q = f"{p.text}.mean()" if p.shape != x.shape else p.text
    write = w.among(f"{x.text}.mul_(0.5)", f"{x.text} += 0.1", "z.sin_()", "z *= 2", f"{x.text}.zero_()", "z.detach().mul_(0.5)",
                    "z.data.tanh_()", "y = z.tanh(); z += 1", "pass")  # fmt: skip
    lines = [f"z = {q} * {x.text}", f"y = (z * {e.text}).{w.among('tanh', 'sin', 'exp', 'sigmoid')}()", *write.split("; "),
             "(y * z).mean().backward()"]  # fmt: skip
    done = [f'see("{p.text}.grad", {p.text}.grad)', f"{p.text}.grad = None"]
    return attempted(lines) + [f"if {p.text}.grad is not None: {'; '.join(done)}", f"{x.text}.clamp_(-2, 2)"]


def held_gradient(w):
    """Somebody holds a gradient, or a part of it, while more is added."""
    p = leaf(w)
    e = w.floats(p.shape, 1)
    hold = w.among(f"held = {p.text}.grad", f"held = {p.text}.grad.detach()", f"held = {p.text}.grad.reshape(-1)[:1]",
                   f"held = {p.text}.grad * 1")  # fmt: skip
    return [
        f"({p.text} * {e.text}).sin().mean().backward()",
        hold,
        f"({p.text} * {p.text}).mean().backward({w.among('', 'create_graph=True')})",
        f'if i % {w.among(1, 2, 5)} == 0: see("held", held)',
        *w.among(
            [f"{p.text}.grad.zero_()"],
            [f"{p.text}.grad = None"],
            [f"{p.text}.grad = {p.text}.grad.detach() * 0.5"],
        ),
        f"with pb.no_grad(): {p.text} -= 0.01 * held.sum()",
        f"{p.text}.grad = None",
    ]


def looking_hook(w):
    p = leaf(w)
    e = w.floats(p.shape, 1)
    w.setup.append(f'{p.text}.register_hook(lambda g: see("hook", {w.among("g", "g.sum()", "g * 2")}))')
    return [
        f"z = {p.text} * {e.text}",
        f"z.register_hook(lambda g: {w.among('g.mul(0.5)', 'see(chr(122), g)', 'g.clone().mul_(2)')})",
        w.among("z.mean().backward()", "z.sin().sum().backward()", "(z * z).mean().backward()"),
        f"with pb.no_grad(): {p.text}.sub_({p.text}.grad, alpha=0.01).clamp_(-2, 2)",
        f"{p.text}.grad = None",
    ]


def shared(w):
    """NumPy looks into the memory of a state, and writes there."""
    x = w.rng.choice(w.states)
    lines = updates.in_place(w, x)
    write = w.among("pass", "array *= 0.5", "array += 0.25")
    return [f"array = {x.text}.detach().numpy()", *lines, 'see("array", float(array.sum()))', write, *updates.in_place(w, x),
            f'see("{x.text}", {x.text})', "del array"]  # fmt: skip


def kept_graph(w):
    """Losses that keep their graphs, pulled back together later."""
    p = leaf(w)
    e = w.floats(p.shape, 1)
    graphs, every = w.name("graphs"), w.among(3, 5, 10)
    w.setup.append(f"{graphs} = []")
    return [
        f"{graphs}.append((({p.text} - {e.text}.detach()) ** 2).mean())",
        f"if i % {every} == {every - 1}:",
        *(
            f"    {line}"
            for line in attempted(
                [w.among(f"sum({graphs}).backward()", f"pb.stack({graphs}).sum().backward()")]
            )
        ),
        f"    {graphs}.clear()",
        f"    with pb.no_grad(): {p.text} -= 0.05 * {p.text}.grad",
        f"    {p.text}.grad = None",
    ]


def indices(w):
    """Operators that end a program of deferred work, or read it in another order."""
    floats = [
        v for v in w.variables if v.shape in (VECTOR, MATRIX, ROW) and v.dtype in ("float32", "float64")
    ]
    t = w.rng.choice(floats or [w.variable(VECTOR)]).text
    u = w.among(
        f"{t}.sort(0)[0]", f"{t}.topk(2, 0)[0]", f"{t}.argmax(0) * 0.1", f"{t}[pb.tensor([0, 1, 0])]", f"{t}.cumprod(0)",
        f"{t}.median()", f"{t}.prod()", f"{t}.index_select(0, pb.tensor([1, 0]))", f"{t}.round() + {t}.floor()",
        f"{t}.logcumsumexp(0)", f"{t}.unbind(0)[1]", f"{t}.diff(dim=0)", f"{t}.erf() + {t}.lgamma()", f"pb.atan2({t}, {t})",
        f"{t}.sign() * {t}.frac()",
    )  # fmt: skip
    x = w.rng.choice(w.states).text
    return [
        f"u = {u}",
        f'if i % {w.among(1, 4)} == 0: see("u", u)',
        f"{x}.mul_((u * 0.5).sin().mean().tanh())",
    ]


def looks(w):
    t = w.rng.choice(w.states).text
    return [w.among(
        f'see("item", {t}.sum().item())', f'see("text", str({t}))', f'see("list", {t}.reshape(-1)[:3].tolist())',
        f"pb.explain({t})", "pb.set_num_threads(i % 2 + 1)", f'see("any", bool(({t} > 1).any()))',
        f'see("equal", pb.equal({t}, {t}))', f"if {t}.mean().item() > 0: {t}.neg_()", f'see("version", {t}._version)',
        f'see("copy", {t}.T if {t}.ndim == 2 else {t})',
    )]  # fmt: skip


def aliases(w):
    """Names that change places, and data behind the back of a parameter."""
    pairs = [
        (x, y)
        for x in w.states
        for y in w.states
        if x.text < y.text and (x.shape, x.dtype) == (y.shape, y.dtype)
    ]
    if pairs and w.chance(0.6):
        x, y = w.rng.choice(pairs)
        return [w.among(f"{x.text}, {y.text} = {y.text}, {x.text}", f"{x.text} = {y.text}", f"{x.text} = {y.text}.detach()",
                        f"{x.text}.data = {y.text}.clone()")]  # fmt: skip
    p = leaf(w)
    return [w.among(f"{p.text}.data.mul_(0.99)", f"{p.text}.data = {p.text}.data * 0.9", f"{p.text}.detach().neg_()"),
            f"with pb.no_grad(): {p.text}.add_({w.small(p.shape, 1).text}, alpha=0.1).clamp_(-2, 2)"]  # fmt: skip


KINDS = [overwritten, held_gradient, looking_hook, shared, kept_graph, indices, looks, aliases]
