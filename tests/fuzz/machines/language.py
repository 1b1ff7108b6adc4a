"""A machine as text: a function of the module it runs on, which both pullback and the truth in NumPy can run.

    def program(pb, make, see, rounds):
        a, b, c = 2, 3, 5
        r, n = a * b, a * b * c
        x = make(1, (n,), "float32")          # the setup: state, parameters, data
        for i in range(rounds):
            x = 0.9 * x + 0.1 * x.sin()       # the body: random updates
        see("x", x)                           # the tail: everything is looked at

`make` gives a tensor of random numbers, `see` notes what a tensor, a number or a text looks like; nothing else is
special. Shapes are written in names, so a program can be made smaller by changing numbers in its head.
"""

import ast
import dataclasses
import math
import textwrap

import numpy as np


@dataclasses.dataclass
class Program:
    seed: int
    dims: dict  # a, b, c
    setup: list
    body: list
    tail: list
    rounds: int
    threshold: int = 32768  # values of fewer bytes are computed at the call
    also: tuple = ()  # other thresholds, with which it is not compared with the truth again
    threads: int = 1
    judged: bool = True  # whether the truth can run it
    long: bool = False  # whether its work per round is compared at 50 and 200 rounds

    @property
    def count(self):
        """Elements of the largest state."""
        return math.prod(self.dims.values())

    def text(self):
        names = ", ".join(self.dims)
        numbers = ", ".join(str(n) for n in self.dims.values())
        lines = [f"{names} = {numbers}", "r, n = a * b, a * b * c", *self.setup]
        if self.body:
            lines += ["for i in range(rounds):", textwrap.indent("\n".join(self.body), "    ")]
        lines += self.tail
        text = "def program(pb, make, see, rounds):\n" + textwrap.indent("\n".join(lines), "    ")
        return ast.unparse(ast.parse(text))  # no parentheses that nobody needs

    def function(self):
        space = {}
        exec(compile(self.text(), f"<machine {self.seed}>", "exec"), space)
        return space["program"]

    def replaced(self, **changes):
        return dataclasses.replace(self, **changes)

    def dump(self):
        return dataclasses.asdict(self)


def numbers(seed, shape, dtype):
    """What `make` fills a tensor with."""
    rng = np.random.default_rng(seed)
    a = rng.uniform(-2, 2, shape)
    if dtype == "bool":
        return np.asarray(a > 0)
    if dtype.startswith("complex"):
        a = a + 1j * rng.uniform(-2, 2, shape)
    a = np.asarray(3 * a + 6 if dtype.startswith(("int", "uint")) else a)
    return a.astype(WIDER.get(dtype, dtype))


WIDER = {"bfloat16": "float32", "complex32": "complex64"}  # of those that NumPy has not: what holds them


SCRIPT = '''\
"""{reason}"""

import numpy as np

import pullback as pb
from pullback import _core


{program}


def make(seed, shape, dtype, requires_grad=False):
    rng = np.random.default_rng(seed)
    a = rng.uniform(-2, 2, shape)
    if dtype == "bool":
        return pb.tensor(np.asarray(a > 0))
    if dtype.startswith("complex"):
        a = a + 1j * rng.uniform(-2, 2, shape)
    a = np.asarray(3 * a + 6 if dtype.startswith(("int", "uint")) else a)
    a = a.astype({{"bfloat16": "float32", "complex32": "complex64"}}.get(dtype, dtype))
    return pb.tensor(a).to(getattr(pb, dtype)).requires_grad_(requires_grad)


def held(t):
    """An array of it; of what NumPy has not, as wide as it takes."""
    t = t.detach()
    wider = {{pb.bfloat16: pb.float32, pb.complex32: pb.complex64}}.get(t.dtype, t.dtype)
    return t.to(wider).numpy().copy()


def run(immediate):
    seen = []
    _core.deferral(immediate, {threshold})
    look = lambda t: held(t) if isinstance(t, pb.Tensor) else np.array(t)
    program(pb, make, lambda name, t: seen.append((name, look(t))), {rounds})
    return seen


pb.set_num_threads({threads})
for (name, at_once), (_, deferred) in zip(run(True), run(False)):
    same = np.array_equal(at_once, deferred, equal_nan=at_once.dtype.kind in "fc")
    print(name, at_once.shape, at_once.ravel()[:4], "the same deferred" if same else f"deferred: {{deferred.ravel()[:4]}}")
'''


def script(program, reason):
    """A failing program that stands alone."""
    return SCRIPT.format(
        reason=reason.replace("\\", "\\\\").replace('"""', "'''"),
        program=program.text(),
        threshold=program.threshold,
        threads=program.threads,
        rounds=program.rounds,
    )
