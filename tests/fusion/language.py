"""Random programs as text: each statement is a line of Python that pullback runs, and perhaps the reference too.

Programs are written while they run at once (`_core.deferral(True, ...)`), so that every statement fits the shapes and
the sizes of what is there; the text is then run again with deferral, and everything seen must be the same.
"""

import numpy as np
from fusion import reference
from fusion.machine import Machine, clean

import pullback as pb
from pullback import _core

SMALL = [(1, 1), (1, 4), (3, 1), (2, 3), (3, 3), (4, 4), (5, 3)]
MEDIUM = [(9, 8), (12, 12), (8, 10), (100, 1), (1, 100), (16, 16)]  # more than the 512 bytes that are copied
LARGE = [(64, 64), (65, 63), (64, 65), (1, 4096), (4097, 1), (50, 100), (100, 100), (200, 100)]
LARGE += [(1500, 3), (16, 1100), (70, 300)]


class Choices:
    """The numbers of one statement; 0 when they are used up."""

    def __init__(self, numbers):
        self.rest = list(numbers)[::-1]

    def __call__(self, n):
        return self.rest.pop() % n if self.rest else 0

    def of(self, *options):
        return options[self(len(options))]


class Writer:
    """Makes a program while it runs at once beside the reference."""

    def __init__(self, shape, dtypes, forms):
        self.program, self.machine = [], Machine()
        self.doubt = reference.Doubt()
        self.module = reference.Module(self.doubt)
        self.refs = {"pb": self.module, "leaf": self.module.leaf}
        self.limit = 40_000 if shape in LARGE else 1000 if shape in MEDIUM else 60
        self.made = self.kept = 0
        self.wrong = []  # where pullback and the reference differ
        self.shape = shape
        for k, (dtype, form) in enumerate(zip(dtypes, forms)):
            r, c = shape
            of = [(r, c), (r, c), (c,), (r, 1), (1, c), (), (c, r), (r, c)][form]
            recorded = dtype.startswith("float") and form != 7
            self.say(f"{self.new()} = leaf({k}, {of}, {dtype!r}, {recorded})")

    def new(self):
        self.made += 1
        return f"v{self.made - 1}"

    def say(self, text, ref=...):
        """Adds a statement; `ref`: what the reference runs, None for nothing."""
        ref = text if ref is ... else ref
        error = self.machine.run(len(self.program), text)
        self.program.append((text, ref))
        if error:
            if "backward" in text:
                self.doubt.slopes = False  # some gradients may have arrived
            return
        if ref is None or not self.doubt.values:
            return
        with np.errstate(all="ignore"):
            exec(ref, self.refs)
        name = ref.split(":")[-1].replace(".", " ").replace("[", " ").split()[0]
        self.compare(name)

    def compare(self, name):
        t, ref = self.machine.env.get(name), self.refs.get(name)
        if isinstance(t, pb.Tensor) and t.dtype != pb.float64:
            self.doubt.tolerance = 2e-4  # it may bring forth float32
        if not self.doubt.values or not isinstance(ref, reference.Ref) or not isinstance(t, pb.Tensor):
            return
        found, expected = t.detach().numpy(), reference.real(ref.a)
        if found.shape != expected.shape:
            self.wrong.append((name, "shape", found.shape, expected.shape))
            return
        if found.dtype.kind in "ib" and ref.a.dtype.kind == "c":
            ref.a = ref.a.real.astype(found.dtype)
            expected = ref.a
        known = ~np.isnan(expected)
        distance = np.abs(found.astype(np.float64) - expected)[known]
        bound = self.doubt.tolerance * self.doubt.scale if found.dtype.kind == "f" else 0
        if not (distance <= bound).all():
            self.wrong.append((name, len(self.program), float(distance.max()), bound))

    # ---- what is there ----

    def names(self):
        names = [f"v{k}" for k in range(self.made) if isinstance(self.machine.env.get(f"v{k}"), pb.Tensor)]
        return [n for n in names if isinstance(self.machine.looks(self.get(n))[-1], tuple)]  # not the stale

    def get(self, name):
        return self.machine.env[name]

    def pick(self, choose, test=lambda t: True, fallback=True):
        names = [n for n in self.names() if test(self.get(n))][::-1]
        if not names:
            return None
        return names[choose(min(len(names), 6))]

    def size(self, name):
        a = self.get(name).detach().numpy()
        return float(np.max(np.abs(a), initial=0)) if a.dtype.kind == "f" else 4.0

    def partner(self, choose, name, into=False):
        """A value that broadcasts with this one; with `into` to its shape."""
        shape = tuple(self.get(name).shape)

        def fits(t):
            try:
                together = np.broadcast_shapes(shape, tuple(t.shape))
            except ValueError:
                return False
            return together == shape if into else np.prod(together) <= self.limit

        return self.pick(choose, fits)

    # ---- statements ----

    def step(self, numbers):
        choose = Choices(numbers)
        names = [method for method, weight in self.KINDS for _ in range(weight)]
        kind = names[choose(len(names))]
        if not self.names():
            return
        a = self.pick(choose)
        kind(self, a, choose)

    def quiet(self, choose, text, ref=...):
        """Now and then without a graph."""
        if choose(5) == 4:
            text = "with pb.no_grad(): " + text
        self.say(text, ref)

    def unary(self, a, choose):
        if not self.size(a) < 12:
            return self.quiet(choose, f"{self.new()} = " + choose.of(
                f"{a} / 1000", f"{a}.tanh()", f"{a}.sigmoid()", f"{a}.clamp(-2, 2)"))  # fmt: skip
        if self.get(a).dtype == pb.bool:
            return self.quiet(choose, f"{self.new()} = " + choose.of(f"~{a}", f"{a} * 0.5", f"1 - {a} * 2"))
        text = choose.of(
            "{a}.sin()", "{a} * 0.5 + 1", "-{a}", "{a}.tanh()", "{a}.cos()", "{a}.sigmoid()", "{a}.square()",
            "{a}.clamp(-2, 2).exp()", "({a} * {a} + 1).sqrt()", "({a}.square() + 0.5).log()", "{a}.abs()",
            "{a}.relu()", "1 / (2 + {a} * {a})", "{a}.clamp(-0.5, 1.5)", "{a}.clone()", "0.25 * {a}", "{a} * {a} * {a}",
            "{a}.sin() * {a}.cos() + {a}.sin()",
        )  # fmt: skip
        self.quiet(choose, f"{self.new()} = " + text.format(a=a))

    def binary(self, a, choose):
        b = self.partner(choose, a)
        if not (self.size(a) < 50 and self.size(b) < 50):
            a, b = f"{a}.tanh()", f"{b}.sigmoid()"
        text = choose.of(
            "{a} + {b}", "{a} * {b}", "{a} - {b}", "{a} / ({b} * {b} + 2)", "{a}.maximum({b})", "{a}.minimum({b})",
            "{a}.atan2({b} * {b} + 1)", "{a} + {b} * 0.5", "{a} > {b}", "{a} * {b} + {a}", "{a}.ne({b})",
            "({a}.sin() + {b}) * {b}.cos()", "{a} <= {b}",
        )  # fmt: skip
        self.quiet(choose, f"{self.new()} = " + text.format(a=a, b=b))

    def mask(self, a, choose):
        b = self.partner(choose, a)
        text = choose.of(
            "pb.where({a} > {b}, {a}, {b})", "pb.where({a} > 0.5, {b}, {a} * 2)", "({a} > 0.1) & ({b} > 0.2)",
            "({a} > {b}) * {a}", "pb.where({a} > 0, {a}, 0.5)",
        )  # fmt: skip
        self.quiet(choose, f"{self.new()} = " + text.format(a=a, b=b))

    def convert(self, a, choose):
        dtype = self.get(a).dtype
        to = [
            text
            for text, other in (
                ("float", pb.float32),
                ("double", pb.float64),
                ("long", pb.int64),
                ("bool", pb.bool),
            )
            if other != dtype
        ]
        to = choose.of(*to)
        self.quiet(choose, f"{self.new()} = {a}.{to}()")

    def view(self, a, choose):
        shape = tuple(self.get(a).shape)
        options = ["{a}.T"] if len(shape) == 2 else []
        if shape and shape[0] > 1:
            options += ["{a}[1:]", "{a}[:-1]", "{a}[::2]", "{a}[0]"]
        if len(shape) > 1:
            options += ["{a}[..., 0]", "{a}[:, ::2]", "{a}[:, None]"]
        if len(shape) == 2 and shape[0] == shape[1] and shape[0] > 1:
            options.append("{a}.diagonal()")
        if len(shape) < 3:
            options += ["{a}[None]", "{a}[..., None]"]
            times = 3 if self.limit < 100 else 2
            if np.prod(shape, dtype=int) * times <= self.limit:
                options.append("{a}.expand(" + ", ".join(map(str, (times, *shape))) + ")")
        if self.get(a).is_contiguous() and shape:
            options.append(
                "{a}.view(" + ", ".join(map(str, choose.of((-1,), shape[::-1], (*shape, 1)))) + ")"
            )
        # Copies of a shape, whatever the layout.
        options.append("{a}.T.clone()" if len(shape) == 2 else "{a}.clone()")
        self.quiet(choose, f"{self.new()} = " + choose.of(*options).format(a=a))

    def reduce(self, a, choose):
        shape = tuple(self.get(a).shape)
        options = ["{a}.sum()", "{a}.mean()", "({a} * 2).sum()"]
        if shape:
            d = choose(len(shape))
            options += [
                f"{{a}}.sum({d})", f"{{a}}.sum({d}, keepdim=True)", f"{{a}}.mean({d}, keepdim=True)",
                f"{{a}}.amax({d})", f"{{a}}.softmax({d})", f"{{a}}.cumsum({d})", f"{{a}} - {{a}}.mean({d}, keepdim=True)",
                "{a} * {a}.mean()", "{a} - {a}.max()",
            ]  # fmt: skip
        self.quiet(choose, f"{self.new()} = " + choose.of(*options).format(a=a))

    def product(self, a, choose):
        if len(self.get(a).shape) != 2 or not self.size(a) < 50:
            return
        b = self.pick(choose, lambda t: t.ndim == 2 and t.shape[0] == self.get(a).shape[1])
        text = f"{a} @ {b}" if b else f"{a} @ {a}.T"
        rows = self.get(a).shape[0]
        columns = self.get(b).shape[1] if b else rows
        if rows * columns <= self.limit:
            self.quiet(choose, f"{self.new()} = {text} / {self.get(a).shape[1]}")

    def write(self, a, choose):
        plain = self.get(a)
        if plain.requires_grad and plain.is_leaf:  # allowed without a graph only
            choose.rest = [4] if choose(4) else choose.rest  # unless the error is what we want to see
            prefix = "with pb.no_grad(): "
        else:
            prefix = choose.of("", "", "with pb.no_grad(): ")
        b = self.partner(choose, a, into=True)
        if not self.size(a) < 12:
            text = choose.of("{a}.mul_(0.001)", "{a}.tanh_()", "{a}.zero_()", "{a}.clamp_(-2, 2)")
            return self.say(prefix + text.format(a=a))
        options = [
            "{a} += {b}", "{a} -= 0.1 * ({b} + 0.01 * {a})", "{a}.mul_({b})", "{a}.mul_({a})", "{a}.add_({b}.sin())",
            "{a}.copy_({b})", "{a}.copy_({b} * 2)", "{a}.fill_(0.25)", "{a}.zero_()", "{a}.sin_()", "{a} *= 0.5",
            "{a}.sub_({b}, alpha=0.5)", "{a}[...] = {b}", "{a}.masked_fill_({a} > 0.3, 0.125)", "{a}[{a} > 0.4] = 0.5",
            "{a}.detach().add_(1)", "{a}.data.mul_(0.5)", "{a}.clamp_(-2, 2)",
            "{a}.add_({b}.relu() * {a})",
        ]  # fmt: skip
        shape = tuple(plain.shape)
        if shape and shape[0] > 1:
            options += [
                "{a}[1:] -= 0.5 * {a}[:-1]",
                "{a}[0] = {a}[1] * 2",
                "{a}[::2] *= 0.5",
                "{a}[1:] = 0.5",
            ]
            options += ["{a}[:-1].copy_({a}[1:])", "{a}[0].add_({b}.sum())"]
        if len(shape) == 2:
            options += ["{a}[:, 0] = 0.25", "{a}.T.mul_(0.75)", "{a}[..., 0].add_(0.5)"]
            if shape[0] == shape[1]:
                options += [
                    "{a}.add_({a}.T * 2)",
                    "{a} += {a}.T",
                    "{a}.mul_({b}.T.sin())",
                    "{a}.copy_({a}.T)",
                ]
        self.say(prefix + choose.of(*options).format(a=a, b=b))

    def alias(self, a, choose):
        new = self.new()
        text = choose.of("{a}", "{a}.detach()", "{a}.data", "{a}[...]")
        self.say(f"{new} = " + text.format(a=a))

    def read(self, a, choose):
        options = ["see({a})", "see({a}.sum().item())", "see(bool(({a} > 0).any()))", "see(str({a}))",
                   "pb.explain({a}, gradient=False)", "pb.synchronize()", "see({a}.tolist())", "see({a}.T)",
                   "see({a}.detach().clone())"]  # fmt: skip
        text = choose.of(*options).format(a=a)
        self.say(text, None)

    def drop(self, a, choose):
        self.say(f"del {a}")

    def backward(self, a, choose):
        a = self.pick(choose, lambda t: t.requires_grad and t.dtype in (pb.float32, pb.float64))
        if a is None:
            return
        keep = choose.of("retain_graph=True", "", "create_graph=True")
        if choose(2):
            self.say(f"{a}.sum().backward({keep})", f"{a}.backward()")
        elif choose(2):
            self.say(f"({a} * {a}).sum().backward({keep})", f"({a} * {a}).backward()")
        else:
            self.say(f"{a}.backward(pb.ones_like({a}), {keep})", f"{a}.backward()")
        if choose(3) == 2:
            self.say(f"see({self.pick(choose, lambda t: t.is_leaf)}.grad)", None)

    def gradient(self, a, choose):
        y = self.pick(choose, lambda t: t.requires_grad)
        x = self.pick(choose, lambda t: t.requires_grad and (t.is_leaf or choose(4) == 3))
        if x is None or y is None:
            return
        new, shape = self.new(), tuple(self.get(x).shape)
        keep = choose.of("create_graph=True", "retain_graph=True", "create_graph=True", "")
        loss = f"({y} * {y}).mean()" + ("" if self.get(x).is_leaf else f" + ({x} * {x}).sum()")
        self.say(
            f"{new}, = pb.autograd.grad({loss}, {x}, {keep})",
            f"{new} = pb.unknown{shape}" if shape else f"{new} = pb.unknown()",
        )

    def grad(self, a, choose):
        x = self.pick(choose, lambda t: t.is_leaf and t.grad is not None)
        if x is None:
            return
        shape = tuple(self.get(x).shape)
        unknown = f"pb.unknown{shape}" if shape else "pb.unknown()"
        kind = choose(4)
        if kind == 0:
            self.say(f"{x}.grad = None", None)
            self.doubt.slopes = False
        elif kind == 1:
            self.say(f"with pb.no_grad(): {x} -= 0.01 * {x}.grad", f"{x}._write({unknown})")
        else:
            if kind == 2:  # the next backward adds to it
                self.doubt.values = self.doubt.slopes = False
            new = self.new()
            self.say(f"{new} = {x}.grad" + (".clone()" if kind == 3 else ""), f"{new} = {unknown}")

    def hook(self, a, choose):
        a = self.pick(choose, lambda t: t.requires_grad)
        if a is None:
            return
        kind = choose(3)
        if kind == 0:
            self.say(f"h = {a}.register_hook(reader({a!r}))", None)
        elif kind == 1 and not self.get(a).is_leaf:
            self.say(f"{a}.retain_grad()", None)
        else:
            self.say(f"h = {a}.register_hook(lambda g: g * 2)", None)
            self.doubt.slopes = False

    def share(self, a, choose):
        kind = choose(4)
        keys = [f"k{k}" for k in range(self.kept) if f"k{k}" in self.machine.env]
        if kind == 3:
            return self.say(f"pb.set_num_threads({1 + choose(2)})", None)
        if not keys or kind == 0:
            name = f"k{self.kept}"
            self.kept += 1
            return self.say(f"{name} = shared({a})", f"{name} = {a}.detach()")
        key = keys[choose(len(keys))]
        if kind == 1:
            return self.say(f"del {key}")
        if self.machine.env[key].dtype.kind == "f" and self.machine.env[key].flags.writeable:
            self.doubt.slopes = False
            self.say(f"{key} *= 0.5")

    KINDS = [
        (unary, 4), (binary, 5), (mask, 2), (convert, 1), (view, 4), (reduce, 3), (product, 1), (write, 6), (alias, 1),
        (read, 2), (drop, 3), (backward, 3), (gradient, 1), (grad, 1), (hook, 1), (share, 2),
    ]  # fmt: skip

    # ---- the end ----

    def finish(self, backwards):
        for name in list(self.names()):
            self.compare(name)
        self.compare_slopes()
        self.machine.finish(backwards)
        trace = self.machine.trace
        clean(self.machine)
        return trace

    def compare_slopes(self):
        doubt = self.doubt
        if not (doubt.values and doubt.slopes) or not np.isfinite(doubt.total):
            return
        found, size = 0.0, 1.0
        for seed, t in self.machine.leaves.items():
            if t.grad is not None:
                products = t.grad.detach().numpy() * reference.direction(seed, tuple(t.shape))
                found += float(products.sum())
                size += float(np.abs(products).sum())
        if not abs(found - doubt.total) <= 100 * doubt.tolerance * doubt.scale * size:
            self.wrong.append(("gradients", found, doubt.total))


def write(shape, dtypes, forms, numbers, backwards=False):
    """(program, what was seen when everything is computed at once, where that is wrong)"""
    before = _core.deferral(True, 1)
    threads = pb.get_num_threads()
    try:
        writer = Writer(shape, dtypes, forms)
        for n in numbers:
            writer.step(n)
        return writer.program, writer.finish(backwards), writer.wrong
    finally:
        _core.deferral(*before)
        pb.set_num_threads(threads)
