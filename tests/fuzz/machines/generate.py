"""A random machine from a seed."""

import random
import re

from fuzz.machines import dtypes, shapes, training, updates, wild
from fuzz.machines.expressions import (
    COLUMN,
    MATRIX,
    ROW,
    SCALAR,
    SHAPES,
    SQUARE,
    STACK,
    VECTOR,
    Expression,
    Expressions,
)
from fuzz.machines.language import Program

# (weight, elements at least, at most, rounds at most, bytes from which on values are pending)
SIZES = [
    (38, 24, 130, 200, (1, 16, 36, 64, 256)),
    (28, 150, 1200, 200, (1, 64, 256, 400, 4000)),
    (21, 2000, 7000, 200, (1, 4000, 16384, 32768)),
    (13, 8000, 26000, 100, (32768, 32768, 1)),
]


class Writer(Expressions):
    """The parts of a program while it is made."""

    def __init__(self, seed):
        rng = random.Random(seed)
        weights = [s[0] for s in SIZES]
        _, least, most, self.most_rounds, self.thresholds = rng.choices(SIZES, weights)[0]
        super().__init__(rng, dimensions(rng, least, most))
        self.seed, self.made, self.seeds = seed, {}, 0
        self.setup, self.body, self.tail = [], [], []
        self.states, self.only_written = [], set()
        self.others = []  # of every dtype
        kind = rng.random()
        self.mixed = kind > 0.85
        self.usual = "float32" if kind < 0.55 else "float64"

    def shaped(self, shape, depth):
        return shapes.expression(self, shape, depth)

    def depth(self):
        return self.rng.choice((0, 1, 1, 2, 2, 3))

    def shape(self):
        return self.among(VECTOR, MATRIX, ROW, COLUMN, SCALAR, VECTOR, MATRIX)

    def name(self, kind):
        self.made[kind] = self.made.get(kind, -1) + 1
        return f"{kind}{self.made[kind]}"

    def dtype(self):
        return self.among("float32", "float64") if self.mixed else self.usual

    def make(self, kind, shape, dtype, more=""):
        name = self.name(kind)
        self.seeds += 1
        names = "".join(f"{n}, " for n in shape)
        self.setup.append(f'{name} = make({self.seeds}, ({names}), "{dtype}"{more})')
        return name

    def parameter(self, shape):
        dtype = self.dtype()
        name = self.make("p", shape, dtype, ", requires_grad=True")
        self.tail.append(f'see("{name}", {name})')
        self.variables.append(Expression(f"{name}.detach()", shape, dtype))
        return Expression(name, shape, dtype, grad=True)

    def state(self, shape):
        dtype = self.dtype()
        x = Expression(self.make("x", shape, dtype), shape, dtype)
        self.states.append(x)
        self.variables.append(x)
        self.tail.append(f'see("{x.text}", {x.text})')
        if self.chance(0.35):
            self.only_written.add(x.text)
            if shape in updates.PARTS and self.chance(0.5):
                view, at = self.name("view"), self.among(*updates.PARTS[shape])
                self.setup.append(f"{view} = {x.text}{at}")
                self.tail.append(f'see("{view}", {view})')
                self.views.append(view)

    views = ()

    def begin(self):
        """State, data, integers, masks."""
        self.views = []
        for shape in SHAPES:
            if self.chance(0.6):
                self.variables.append(Expression(self.make("d", shape, d := self.dtype()), shape, d))
        for _ in range(self.among(1, 2, 2, 3, 4)):
            self.state(self.among(VECTOR, MATRIX, ROW, COLUMN, SCALAR, VECTOR, MATRIX))
        if self.chance(0.15):
            self.state(STACK)
        if self.dims["c"] <= 128 and self.chance(0.3):
            self.variables.append(Expression(self.make("w", SQUARE, d := self.dtype()), SQUARE, d))
        if self.chance(0.25):
            for dtype, kind in (("int64", "k"), ("bool", "m")):
                shape = self.among(VECTOR, MATRIX, ROW)
                name = self.make(kind, shape, dtype)
                self.variables.append(Expression(name, shape, dtype))
                self.tail.append(f'see("{name}", {name})')
        if self.chance(0.15):
            self.setup.append('labels = make(99, (r,), "int64") % min(c, 5)')
            self.variables.append(Expression("labels", ("r",), "int64"))

    def through_a_view(self):
        if not self.views:
            return updates.update(self)
        v = self.rng.choice(self.views)
        e = self.small(SCALAR, 1).text
        return [
            self.among(
                f"{v}.mul_(0.5)", f"{v} *= {e}", f"{v}.mul_(0.5).add_({e})", f"{v}.tanh_()", f"{v}.sin_()"
            )
        ]


def dimensions(rng, least, most):
    """a, b, c with a * b * c elements about there."""
    while True:
        if rng.random() < 0.2:  # long rows
            a, b, c = (
                rng.choice((2, 3)),
                rng.choice((2, 3)),
                rng.randint(max(least // 8, 3), max(most // 4, 4)),
            )
        else:
            a, b, c = (
                rng.randint(2, 9),
                rng.randint(2, 30),
                rng.choice((3, 4, 5, 8, 16, 17, 33, 50, 64, 100, 128)),
            )
        if least <= a * b * c <= most:
            return {"a": a, "b": b, "c": c}


KINDS = [
    (updates.update, 9), (updates.temporary, 3), (updates.integers, 1), (updates.keep, 1), (updates.read, 1),
    (updates.mistake, 1), (Writer.through_a_view, 1), (training.recurrence, 1), (training.pushed, 1), (training.broken_hook, 0.5),
]  # fmt: skip


def generate(seed):
    w = Writer(seed)
    w.begin()
    judged = w.chance(0.8)
    every = not judged and w.chance(0.5)  # dtype
    more = () if judged else dtypes.KINDS if every else wild.KINDS
    kinds, weights = zip(*KINDS, *((kind, 4 if every else 1.5) for kind in more))
    body = []
    trained = training.Trained(w) if w.chance(0.45) else None
    count = w.among(1, 2, 2, 3, 3, 4, 5, 7, 9, 12)
    at = w.rng.randrange(count + 1)
    for k in range(count + 1):
        if k == at and trained is not None:
            body.append("\n".join(trained.statements()))
        if k < count or trained is None:
            body.append("\n".join(w.rng.choices(kinds, weights)[0](w)))
    rounds = min(w.among(5, 10, 15, 25, 40, 60, 100, 200), w.most_rounds)
    tail = w.tail[::-1] if w.chance(0.3) else w.tail
    threads = w.among(1, 1, 2)
    long = w.chance(0.06)
    threshold = w.among(*w.thresholds)
    program = Program(
        seed,
        w.dims,
        w.setup,
        body,
        tail,
        rounds,
        threshold,
        also=tuple({1, w.among(*w.thresholds)} - {threshold}),
        threads=threads,
        judged=judged,
        long=long,
    )
    return without_unused(program)


def without_unused(program):
    """Data that nothing reads is not made."""
    setup = []
    for line in reversed(program.setup):
        name = line.split(" = ")[0]
        rest = "\n".join(setup + program.body + program.tail)
        if " = make(" not in line or re.search(rf"\b{name}\b", rest):
            setup.insert(0, line)
    return program.replaced(setup=setup)
