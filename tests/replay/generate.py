"""Random functions with branches, loops, state and effects, as text; and worlds that they live in.

A function takes two tensors and reads, sometimes writes, what is around it: an object, a dictionary, a list, globals, a
parameter with a gradient. A world is one set of these. Between calls the same changes are made to two worlds; in one of them
the function is compiled.
"""

import linecache
import random

import pullback as pb

HEAD = """
def helper(t, k=2.0):
    return t * k if flag else t + k

def twice(f, t):
    return f(f(t))

def function(x, y, n=2):
    a, b, c = x * 1.0, y + 0.0, x - y
    total = 0.0
"""


class Thing:
    shared = 1.5

    def __init__(self):
        self.k, self.m, self.n = 2.0, 0, 1
        self.t = pb.ones(3, dtype=pb.float64)
        self.parts = [1.0, 2.0]

    def scale(self, t):
        return t * self.k

    @property
    def size(self):
        return len(self.parts)


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.wild = seed % 5 == 0  # does what is not replayed
        self.writes = seed % 3 == 1  # into what is outside
        self.lines = []

    def tensor(self):
        return self.random.choice(["a", "b", "c"])

    def number(self):
        return self.random.choice(
            [
                "0.5",
                "2",
                "thing.k",
                "thing.n",
                "table['u']",
                "rate",
                "thing.shared",
                "len(items)",
                "n",
                "thing.size",
            ]
        )

    def value(self):
        r, t, u = self.random, self.tensor(), self.tensor()
        return r.choice(
            [
                f"{t} * {u}",
                f"{t} + {self.number()} * {u}",
                f"{t}.sin()",
                f"({t} * {u}).tanh()",
                f"helper({t})",
                f"helper({t}, k={self.number()})",
                f"thing.scale({t})",
                f"twice(lambda z: z * {self.number()}, {t})",
                f"{t} * thing.t",
                f"pb.stack([{t}[0], {u}[1], {t}.sum()])",
                f"pb.cat([{t}[1:], {u}[:1]])",
                f"{t} * weight",
                f"{t} / (1 + {u}.abs())",
                f"sum(items) * {t}",
                f"pb.where({t} > {u}, {t}, {u})",
                f"{t}.flip(0)",
                f"{t} * pb.rand(3, dtype=pb.float64)",
                f"sum([row * {self.number()} for row in {t}]) + {u}",
            ]
        )

    def condition(self):
        r, t = self.random, self.tensor()
        return r.choice(
            [
                f"{t}.sum() > {r.choice([-1, 0, 0.3, 1])}",
                f"{t}[0] > {self.tensor()}[1]",
                "thing.n > 1",
                "flag",
                "n == 2",
                f"float({t}[2]) > 0",
                "thing.parts[0] > 0.5",
                f"({t} > 0).all()",
                "items",
            ]
        )

    def gradient(self, t):
        loss = f"({t} * weight).square().sum()"
        return self.random.choice(
            [
                f"g, = pb.autograd.grad({loss}, weight, create_graph=True)",
                f"g, = pb.autograd.grad({t}.detach() * weight, weight, {self.tensor()}.detach())",
                f"g = sum(pb.autograd.grad({loss}, [weight, offset], create_graph=n > 2, materialize_grads=True))",
                f"z = {t}.detach().requires_grad_(); g = pb.autograd.grad(z.sin().sum() + {loss}, z)[0] * weight",
            ]
        )

    def write(self):
        t = self.tensor()
        return self.random.choice(
            [
                "weight.mul_(0.9)",
                "thing.t.add_(0.1)",
                "weight.data -= 0.01 * c.detach()",
                f"view[0] = {t}[1].detach()",
                f"thing.t *= {t}.detach().sigmoid()",
                f"x.detach().mul_(0.5); {t} = {t} + x",
                "y[1:] = 0.5",
                f"offset.copy_({t}.detach().tanh())",
                "offset.grad = thing.t * 1",
                "if weight.grad is not None: weight.grad.zero_()",
            ]
        )

    def block(self, depth, indent):
        r = self.random
        for _ in range(r.randint(1, 4)):
            self.statement(depth, indent)

    def emit(self, indent, text):
        self.lines.append("    " * indent + text)

    def statement(self, depth, indent):
        r, t = self.random, self.tensor()
        kind = r.random()
        if depth < 2 and kind < 0.2:
            self.emit(indent, f"if {self.condition()}:")
            self.block(depth + 1, indent + 1)
            if r.random() < 0.5:
                self.emit(indent, "else:")
                self.block(depth + 1, indent + 1)
        elif depth < 2 and kind < 0.26:
            self.emit(indent, f"for i in range({r.choice(['n', '2', 'len(items)'])}):")
            self.block(depth + 1, indent + 1)
        elif depth < 2 and kind < 0.32:
            self.emit(indent, f"while {t}.norm() > 2:")
            self.emit(indent + 1, f"{t} = {t} * 0.4")
            self.emit(indent + 1, "total += 1")
        elif depth < 2 and kind < 0.36:
            self.emit(indent, "with pb.no_grad():")
            self.block(depth + 1, indent + 1)
        elif depth < 2 and kind < 0.39 and self.wild:
            self.emit(indent, "try:")
            self.emit(
                indent + 1,
                f"{t} = {self.tensor()} @ pb.ones(3 if {self.condition()} else 2, dtype=pb.float64) + {t}",
            )
            self.emit(indent, "except RuntimeError:")
            self.emit(indent + 1, f"{t} = {t} * 0.5")
        elif kind < 0.45:
            u = r.choice([each for each in "abc" if each != t])
            self.emit(indent, f"{t} = {t}.clone()")
            self.emit(
                indent, r.choice([f"{t}[0] = {u}[1]", f"{t} *= 2", f"{t}.add_({u})", f"{t}[1:].mul_(3)"])
            )
        elif 0.45 <= kind < 0.5 and self.writes:
            self.emit(indent, "with pb.no_grad():")
            self.emit(indent + 1, self.write())
        elif 0.5 <= kind < 0.54 and self.writes:
            self.emit(indent, f"if weight.requires_grad and ({t} * weight).requires_grad:")
            self.emit(indent + 1, r.choice(["weight.grad = None", "pass", "optimizer.zero_grad()"]))
            self.emit(indent + 1, f"({t}.detach() * weight - offset).sin().sum().backward()")
            self.emit(indent + 1, r.choice(["optimizer.step()", f"{t} = {t} + weight.grad", "pass"]))
        elif 0.54 <= kind < 0.57:
            self.emit(indent, "if weight.requires_grad and pb.is_grad_enabled():")
            self.emit(indent + 1, self.gradient(t))
            self.emit(indent + 1, f"{t} = {t} + g")
        elif 0.57 <= kind < 0.575 and self.wild:
            self.emit(
                indent,
                r.choice(["thing.m += 1", "items.append(1.0)", "thing.t = thing.t + 1", "thing.k = thing.k"]),
            )
        elif kind < 0.6:
            self.emit(indent, f"total = total + {t}.sum()")
        else:
            self.emit(indent, f"{t} = {self.value()}")

    def source(self):
        self.block(0, 1)
        for _ in range(self.random.randint(1, 3)):
            self.statement(0, 1)
        self.emit(
            1,
            self.random.choice(
                ["return a, b, c, total", "return {'a': a, 'b': [b, c]}", "return a * b + total"]
            ),
        )
        return HEAD + "\n".join(self.lines) + "\n"


class World:
    """What a function sees. `compiled` is whether it is compiled."""

    def __init__(self, source, compiled, file):
        self.thing = Thing()
        self.names = {
            "pb": pb,
            "thing": self.thing,
            "table": {"u": 0.5},
            "items": [1.0, 2.0],
            "rate": 0.25,
            "flag": True,
            "weight": pb.ones(3, dtype=pb.float64).requires_grad_(),
            "offset": pb.zeros(3, dtype=pb.float64).requires_grad_(),
        }
        self.names["view"] = self.names["offset"].detach()[1:]
        parameters = [self.names["weight"], self.names["offset"]]
        self.names["optimizer"] = pb.optim.SGD(parameters, lr=0.1, momentum=0.5)
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        exec(compile(source, file, "exec"), self.names)
        self.function = self.names["function"]
        self.call = pb.compile(self.function) if compiled else self.function

    def change(self, what, value):
        """One of the changes that may come between calls."""
        thing, names = self.thing, self.names
        if what == "k":
            thing.k = value
        elif what == "n":
            thing.n = int(value * 4)
        elif what == "tensor":
            thing.t = pb.full((3,), value, dtype=pb.float64)
        elif what == "parts":
            thing.parts[0] = value
        elif what == "table":
            names["table"]["u"] = value
        elif what == "items":
            names["items"][:] = [value] * int(value * 4)
        elif what == "rate":
            names["rate"] = value
        elif what == "flag":
            names["flag"] = not names["flag"]
        elif what == "weight":
            names["weight"] = pb.full((3,), value, dtype=pb.float64, requires_grad=value > 0.3)
        elif what == "scale":
            thing.scale = lambda t: t * value
        elif what == "helper":
            names["helper"] = lambda t, k=1.0: t - k * value
        elif what == "own":
            thing.shared = value

    def state(self):
        thing, names = self.thing, self.names
        weight = names["weight"]
        return [
            thing.k,
            thing.m,
            thing.n,
            thing.t,
            list(thing.parts),
            dict(names["table"]),
            list(names["items"]),
            [
                [
                    each.detach().clone(),
                    each._version,
                    None if each.grad is None else each.grad.detach().clone(),
                ]
                for each in (weight, names["offset"])
            ],
        ]


CHANGES = "k n tensor parts table items rate flag weight scale helper own".split()
