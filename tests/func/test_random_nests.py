"""Random programs with transforms inside of transforms, captured leaves and writes in place, beside PyTorch's.

Values, whether a result has a history, and the gradients by leaves outside have to agree.
"""

import random
import warnings

import pytest

import pullback as pb

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

# What PyTorch cannot do inside of its own transforms.
THEIR_LIMITS = (
    "written-to tensor refers to a single memory location",
    "ZeroTensors are immutable",
    "unallocated storage",
)


class Program:
    """A random expression in vectors of three, as a function of a library and an environment."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.body = self.expression(4, ["x", "w"])
        self.outer = self.rng.choice(["grad", "jvp", "vjp", "jacrev", "jacfwd", "hessian", "none"])
        self.w_is_leaf, self.y_is_leaf = seed % 3 == 0, seed % 5 == 0

    def expression(self, depth, names):
        kinds = (
            "leaf sin mul add sum cat mat in_place no_grad tree grad jvp vjp linearize jacrev jacfwd".split()
        )
        kind = self.rng.choice(kinds) if depth else "leaf"
        if kind == "leaf":
            name = self.rng.choice(names)
            return lambda lib, e: e[name]
        a, b = self.expression(depth - 1, names), self.expression(depth - 1, names)
        if kind in ("sin", "mul", "add", "sum", "cat", "mat", "in_place", "no_grad"):
            return lambda lib, e: getattr(self, kind)(lib, a(lib, e), b(lib, e))
        v = f"v{len(names)}"
        inner = self.expression(depth - 1, [*names, v, v])
        return lambda lib, e: getattr(self, kind)(
            lib, lambda x: inner(lib, {**e, v: x}), a(lib, e), b(lib, e)
        )

    def sin(self, lib, a, b):
        return a.sin()

    def mul(self, lib, a, b):
        return a * b

    def add(self, lib, a, b):
        return a + b

    def sum(self, lib, a, b):
        return a * a.sum()

    def cat(self, lib, a, b):
        return lib.cat([a[:1], b[1:]])

    def mat(self, lib, a, b):
        return lib.outer(a, b).tanh().sum(0)

    def in_place(self, lib, a, b):
        z = a * 1
        z[1:].mul_(b[:1])
        z.add_(b)
        return z

    def no_grad(self, lib, a, b):
        with lib.no_grad():
            c = a.detach()
        return c * b

    def tree(self, lib, f, a, b):
        return lib.func.grad(lambda t: (f(t["x"]) * t["y"][0]).sum())({"x": a, "y": [b]})["y"][0]

    def grad(self, lib, f, a, b):
        return lib.func.grad(lambda x: f(x).sum())(a)

    def jvp(self, lib, f, a, b):
        return lib.func.jvp(f, (a,), (b,))[1]

    def vjp(self, lib, f, a, b):
        output, pullback = lib.func.vjp(f, a)
        return pullback(b)[0] + pullback(output)[0]

    def linearize(self, lib, f, a, b):  # theirs takes what is captured for a constant
        return lib.func.linearize(f, a)[1](b) if lib is pb else self.jvp(lib, f, a, b)

    def jacrev(self, lib, f, a, b):
        return lib.func.jacrev(f)(a).sum(0)

    def jacfwd(self, lib, f, a, b):
        return lib.func.jacfwd(f)(a).sum(0)

    def run(self, lib):
        """(numbers, whether there is a history, gradients by the leaves)."""

        def vector(numbers, requires_grad=False):
            return lib.tensor(numbers, dtype=lib.float64, requires_grad=requires_grad)

        x = vector([0.3, -0.6, 0.8])
        w, y = vector([1.1, 0.4, -0.5], self.w_is_leaf), vector([0.5, -0.2, 0.1], self.y_is_leaf)
        f = lambda x: self.body(lib, {"x": x, "w": w})
        result = {
            "none": lambda: f(x),
            "grad": lambda: self.grad(lib, f, x, y),
            "jvp": lambda: self.jvp(lib, f, x, y),
            "vjp": lambda: self.vjp(lib, f, x, y),
            "jacrev": lambda: lib.func.jacrev(f)(x),
            "jacfwd": lambda: lib.func.jacfwd(f)(x),
            "hessian": lambda: lib.func.hessian(lambda x: f(x).sum())(x),
        }[self.outer]()
        gradients = []
        leaves = [t for t in (w, y) if t.requires_grad]
        if result.requires_grad and leaves:
            found = lib.autograd.grad((result * result).sum(), leaves, allow_unused=True)
            gradients = [0.0 if g is None else g.clone().tolist() for g in found]
        return result.detach().clone().tolist(), result.requires_grad, gradients


def flat(value):
    return [n for v in value for n in flat(v)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("seed", range(150))
def test_random_nests(seed):
    program = Program(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            numbers, recorded, gradients = program.run(torch)
        except RuntimeError as error:
            assert any(limit in str(error) for limit in THEIR_LIMITS)
            pytest.skip("PyTorch cannot")
    ours = program.run(pb)
    assert flat(ours[0]) == pytest.approx(flat(numbers), rel=1e-8, abs=1e-9, nan_ok=True)
    if ours[1] != recorded:  # a history that leads to zeros
        assert not any(flat([*ours[2], *gradients]))
        return
    for a, b in zip(ours[2], gradients, strict=True):
        assert flat([a]) == pytest.approx(flat([b]), rel=1e-8, abs=1e-9, nan_ok=True)
