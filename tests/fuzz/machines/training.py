"""Statements about gradients: losses, backward and grad of every kind, optimisers by hand, hooks, forward mode."""

from fuzz.machines.expressions import COLUMN, MATRIX, ROW, SCALAR, VECTOR, cast


def indented(lines):
    return ["    " + line for line in lines]


class Trained:
    """Parameters, and how they are updated every round."""

    def __init__(self, w):
        self.w = w
        self.parameters = []
        for _ in range(w.among(1, 1, 2, 3)):
            shape = w.among(VECTOR, MATRIX, ROW, COLUMN, SCALAR, MATRIX, ROW)
            self.parameters.append(w.parameter(shape))
        self.every = w.among(1, 1, 1, 2, 3)
        self.way = w.among("backward", "backward", "backward", "grad", "grad", "penalty", "twice", "seeded")
        self.rule = w.among(sgd, sgd, momentum, momentum, nesterov, adam, adam, renewed, clipped)
        self.moments = {}
        for p in self.parameters:
            if w.chance(0.2):
                w.setup.append(
                    f"{p.text}.register_hook(lambda g: {w.among('g.clamp(-1, 1)', 'g * 0.5', 'None', 'g.tanh()')})"
                )
                if self.rule is renewed:
                    self.rule = sgd
            if self.rule in (momentum, nesterov, adam):
                for kind in "mv" if self.rule is adam else "v":
                    name = w.name(kind)
                    w.setup.append(f"{name} = pb.zeros_like({p.text})")
                    self.moments.setdefault(p.text, []).append(name)
                    w.tail.append(f'see("{name}", {name})')

    def loss(self):
        """(statements, expression): every parameter has a part in it."""
        w, lines, terms = self.w, [], []
        plain = list(w.variables)
        w.variables += self.parameters
        for p in self.parameters:
            e = w.floats(p.shape, w.depth())
            z = w.among(
                f"(({p.text} - {e.text}) ** 2)", f"({p.text} * {e.text}).tanh()", f"({e.text} + {p.text}).sin()",
                f"pb.nn.functional.softplus({p.text} * {e.text})", f"({p.text}.sigmoid() * {e.text})",
            )  # fmt: skip
            if w.chance(0.35):
                name = w.name("z")
                lines.append(f"{name} = {p.text} * {e.text}")
                if w.chance(0.4):
                    lines.append(w.among(f"{name} += 0.5", f"{name} *= 0.5", f"{name} += {w.small(p.shape, 0).text}",
                                         f"{name}.neg_()", f"{name}.clamp_(-3, 3)"))  # fmt: skip
                    if p.shape and w.chance(0.3):
                        lines.append(w.among(f"{name}[0] = 0.5", f"{name}[:1] *= 0.5"))
                if w.chance(0.3):
                    lines.append(
                        f"{name}.register_hook(lambda g: {w.among('g.clamp(-1, 1)', 'g * 2', 'None')})"
                    )
                elif w.chance(0.2):
                    lines.append(f"{name}.retain_grad()")
                z = f"({name} * {name}.tanh())"
            terms.append(
                f"{z}.{w.among('mean', 'mean', 'sum')}()" if w.count(p.shape) < 50 else f"{z}.mean()"
            )
        if w.chance(0.5):
            terms.append(w.floats(SCALAR, w.depth() + 1).text)
        w.variables[:] = plain
        return lines, " + ".join(terms)

    def statements(self):
        w = self.w
        lines, loss = self.loss()
        loss_name = w.name("loss")
        lines.append(f"{loss_name} = {loss}")
        names = [p.text for p in self.parameters]
        inputs = "(" + ", ".join(names) + ",)"
        reset = [f"{name}.grad = None" for name in names]
        gradients = [f"{name}.grad" for name in names]
        if self.way == "backward":
            lines += (reset if self.every == 1 else []) + [f"{loss_name}.backward()"]
        elif self.way == "twice":
            lines += reset + [f"{loss_name}.backward(retain_graph=True)", f"{loss_name}.backward()"]
        elif self.way == "seeded":
            value = w.number()
            lines += reset + [f"({loss_name} * pb.ones((2,))).backward(pb.ones((2,)) * {value})"]
        else:
            gradients = [w.name("g") for _ in names]
            create = ", create_graph=True" if self.way == "penalty" else ""
            lines += [f"{', '.join(gradients)}, = pb.autograd.grad({loss_name}, {inputs}{create})"]
            if self.way == "penalty":
                penalty = " + ".join(f"({g} * {g}).mean()" for g in gradients)
                lines += reset + [f"({loss_name} + 0.1 * ({penalty})).backward()"]
                gradients = [f"{name}.grad" for name in names]
        if w.chance(0.5):
            losses = w.name("losses")
            w.setup.append(f"{losses} = []")
            w.tail.append(f'see("{losses}", pb.stack({losses}))')
            lines.append(f"{losses}.append({loss_name}.detach())")
        step = ["with pb.no_grad():"]
        for p, g in zip(self.parameters, gradients):
            step += indented(self.rule(w, p.text, g, *self.moments.get(p.text, [])))
            if w.chance(0.7) and self.rule is not renewed:
                step += indented([w.among(f"{p.text}.clamp_(-2, 2)", f"{p.text}.mul_(0.98)")])
        if self.rule is renewed:
            step = [line.strip() for line in step[1:]]
        if self.every > 1:
            if self.way == "backward":
                step += reset
            step = [f"if i % {self.every} == {self.every - 1}:", *indented(step)]
        return lines + step


# ---- optimisers: (parameter, gradient, moments) -> statements ----


def rate(w):
    return w.among(0.01, 0.1, 0.05)


def sgd(w, p, g):
    return [w.among(f"{p} -= {rate(w)} * {g}", f"{p}.sub_({g}, alpha={rate(w)})", f"{p}.add_({g}, alpha=-{rate(w)})",
                    f"{p}.copy_({p} - {rate(w)} * {g})", f"{p}.mul_(0.99).sub_({rate(w)} * {g})")]  # fmt: skip


def clipped(w, p, g):
    return [f"{p} -= {rate(w)} * {g} / (1 + {g}.norm())"]


def momentum(w, p, g, v):
    lines = w.among(
        [f"{v}.mul_(0.9).add_({g}, alpha=0.1)"],
        [f"{v} = 0.9 * {v} + 0.1 * {g}"],
        [f"{v} *= 0.9", f"{v} += 0.1 * {g}"],
    )
    return lines + [w.among(f"{p}.sub_({v})", f"{p} -= 0.1 * {v}", f"{p}.add_({v}, alpha=-0.1)")]


def nesterov(w, p, g, v):
    lines = w.among([f"{v}.mul_(0.9).add_({g})"], [f"{v} = 0.9 * {v} + {g}"])
    return lines + [f"{p} -= {rate(w)} * ({g} + 0.9 * {v})"]


def adam(w, p, g, m, v):
    moments = w.among(
        [f"{m}.mul_(0.9).add_({g}, alpha=0.1)", f"{v}.mul_(0.99).addcmul_({g}, {g}, value=0.01)"],
        [f"{m} = 0.9 * {m} + 0.1 * {g}", f"{v} = 0.99 * {v} + 0.01 * {g} * {g}"],
        [f"{m}.lerp_({g}, 0.1)", f"{v} = {v} * 0.99 + 0.01 * {g}.square()"],
    )
    step = w.among(
        f"{p} -= {rate(w)} * {m} / ({v}.sqrt() + 0.01)",
        f"{p}.addcdiv_({m}, {v}.sqrt() + 0.01, value=-{rate(w)})",
        f"{p} -= {rate(w)} * ({m} / (1 - 0.9 ** (i + 1))) / (({v} / (1 - 0.99 ** (i + 1))).sqrt() + 0.01)",
    )
    return [*moments, step]


def renewed(w, p, g):
    return [f"{p} = ({p} - {rate(w)} * {g}).detach().clamp(-2, 2).requires_grad_()"]


# ---- other statements ----


def recurrence(w):
    """A hidden state that carries its graph through some rounds."""
    shape = w.among(VECTOR, MATRIX, ROW)
    p = w.parameter(w.among(shape, SCALAR))
    h, every = w.name("h"), w.among(2, 3, 5, 10)
    w.setup.append(f"{h} = pb.zeros(({', '.join(shape)},), dtype=pb.{p.dtype})")
    w.tail.append(f'see("{h}", {h})')
    e = cast(w.small(shape, 1), p.dtype)
    loss = w.among(f"{h}.mean()", f"({h} * {h}).mean()", f"({h} - 0.5).abs().mean()")
    return [
        f"{h} = ({h} * {p.text} + {e.text}).{w.among('tanh', 'sin', 'sigmoid')}()",
        f"if i % {every} == {every - 1}:",
        *indented([f"{p.text}.grad = None", f"{loss}.backward()", "with pb.no_grad():",
                   *indented(sgd(w, p.text, f"{p.text}.grad") + [f"{p.text}.clamp_(-2, 2)"]), f"{h} = {h}.detach()"]),
    ]  # fmt: skip


def pushed(w):
    """A step along a tangent."""
    x = w.rng.choice([s for s in w.states if s.text not in w.only_written] or w.states)
    direction = cast(w.small(x.shape, 1), x.dtype)
    plain = list(w.variables)
    w.variables.append(x.with_text("dual"))
    e = w.floats(x.shape, w.depth())
    w.variables[:] = plain
    y = w.among(f"dual * {e.text}", f"dual.sin() + {e.text}", f"{e.text} - dual ** 2")
    rest = w.among(
        f"{x.text}.mul_(0.9).add_(tangent.tanh(), alpha=0.1)", f"{x.text}.lerp_(tangent.sin(), 0.1)"
    )
    if x.text not in w.only_written and w.chance(0.5):
        rest = f"{x.text} = (0.9 * {x.text} + 0.1 * tangent.sin()).to(pb.{x.dtype})"
    return [
        "with pb.autograd.forward_ad.dual_level():",
        f"    dual = pb.autograd.forward_ad.make_dual({x.text}.clone(), {direction.text} * 1)",
        f"    tangent = pb.autograd.forward_ad.unpack_dual({y}).tangent.detach().to(pb.{x.dtype})",
        rest,
    ]


def broken_hook(w):
    """A hook that raises in the middle of a backward pass."""
    p = w.parameter(w.among(VECTOR, ROW))
    e = w.floats(p.shape, 1)
    return [
        "try:",
        f"    z = {p.text} * {e.text}",
        "    if i % 2 == 1: z.register_hook(lambda g: g.wrong_name())",
        "    z.sin().mean().backward()",
        f"    with pb.no_grad(): {p.text} -= 0.1 * {p.text}.grad",
        "except AttributeError: pass",
        f"{p.text}.grad = None",
    ]
