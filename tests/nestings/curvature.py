"""One number by five ways: how <u, f> curves along v and w, by every nesting of the two modes, and its slope under vmap.

The ways are those of `func`, which both libraries have: `functions` is pullback.func or torch.func.
"""

import differences
import numpy as np

NESTINGS = (
    "reverse over reverse",
    "forward over reverse",
    "reverse over forward",
    "forward over forward",
    "vmap",
)
SHORT = dict(zip(NESTINGS, ("R/R", "F/R", "R/F", "F/F", "vmap"), strict=True))
STEP = 2e-3
TOLERANCE = 2e-5  # of differences of differences


class Library:
    """What of a library is needed: its module, its transforms, tensors of arrays."""

    def __init__(self, module, row):
        self.module, self.functions, self.row = module, module.func, row

    def tensor(self, array):
        return self.module.tensor(np.array(array))

    def function(self, point):
        """(f of the free operands, those); f gives the sum of all results, each element times a number."""
        values = {name: self.tensor(value) for name, value in point.operands.items()}
        free = point.free
        code = compile(point.code, point.code, "eval")

        def plain(*operands):
            names = {**values, **dict(zip(free, operands, strict=True)), "m": self.module, "row": self.row}
            return eval(code, names)

        at = tuple(values[name] for name in free)
        shape = tuple(plain(*at).shape)
        weight = self.tensor(
            np.random.default_rng(len(point.code)).uniform(0.5, 1.5, shape)
        )  # outside of transforms
        return lambda *operands: (plain(*operands).to(weight.dtype) * weight).sum(), at

    def numbers(self, point):
        """By nesting: the curvature, and for vmap the slope of the first of two entries; or an exception."""
        f, at = self.function(point)
        v, w = (tuple(self.tensor(a) for a in point.draw(seed)) for seed in (1, 2))
        everything = tuple(range(len(at)))
        grad = lambda g: self.functions.grad(g, argnums=everything)
        along = lambda gradients, direction: sum(
            (g * d).sum() for g, d in zip(gradients, direction, strict=True)
        )
        push = lambda g, x, direction: self.functions.jvp(g, x, direction)[1]
        ways = {
            "reverse over reverse": lambda: along(grad(lambda *x: along(grad(f)(*x), v))(*at), w),
            "forward over reverse": lambda: along(push(grad(f), at, w), v),
            "reverse over forward": lambda: along(grad(lambda *x: push(f, x, v))(*at), w),
            "forward over forward": lambda: push(lambda *x: push(f, x, v), at, w),
            "vmap": lambda: along([g[0] for g in self.under_vmap(f, grad(f), at, v)], v),
        }
        found = {}
        for name, way in ways.items():
            try:
                found[name] = float(way())
            except Exception as error:  # whatever it is, it is what the page says
                found[name] = error
        return found

    def under_vmap(self, f, gradient, at, v):
        both = tuple(self.module.stack([x, x + 0.01 * d]) for x, d in zip(at, v, strict=True))
        return self.functions.vmap(gradient)(*both)


def truth(library, point):
    """The curvature, and the slope along v, by differences of values."""
    f, at = library.function(point)
    v, w = point.draw(1), point.draw(2)
    arrays = [point.operands[name] for name in point.free]

    def value(a, b):
        moved = [x + a * dv + b * dw for x, dv, dw in zip(arrays, v, w, strict=True)]
        return float(f(*[library.tensor(np.asarray(x)) for x in moved]))

    def curvature(step):
        return differences.slope(lambda a: differences.slope(lambda b: value(a, b), step), step)

    with np.errstate(invalid="ignore"):
        coarse, fine = curvature(STEP), curvature(STEP / 2)
        slope = differences.slope(lambda a: value(a, 0.0), STEP / 2)
    return fine, slope, abs(coarse - fine)


def judge(found, true):
    """ "", which is right; or what is wrong with a number or an exception."""
    if isinstance(found, Exception):
        return f"raises {type(found).__name__}"
    if abs(found - true) <= TOLERANCE * (1 + abs(true)):
        return ""
    return f"{found:.4g} for {true:.4g}"
