"""Random expressions of a wanted shape, with what is known of them: dtype, bounds, whether a gradient leads through.

Shapes are tuples of names. `n = r * c` and `r = a * b`, so that vectors, matrices and stacks of matrices are the same
memory seen in different ways. Bounds are what keeps programs meaningful: an expression knows an interval that it
lies in, logarithms and quotients get positive operands, and what might grow is squashed.
"""

import dataclasses

VECTOR, MATRIX, ROW, COLUMN, SCALAR = ("n",), ("r", "c"), ("c",), ("r", "1"), ()
STACK, SQUARE, MIDDLE = ("a", "b", "c"), ("c", "c"), ("a", "c")
SHAPES = (VECTOR, MATRIX, ROW, COLUMN, SCALAR)
INTO = {  # what broadcasts into a shape
    VECTOR: [SCALAR],
    MATRIX: [ROW, COLUMN, SCALAR],
    ROW: [SCALAR],
    COLUMN: [SCALAR],
    SCALAR: [],
    STACK: [ROW, SCALAR],
    SQUARE: [ROW, SCALAR],
    MIDDLE: [ROW, SCALAR],
}
LIMIT = 12.0


@dataclasses.dataclass
class Expression:
    text: str
    shape: tuple
    dtype: str = "float32"
    low: float = -2.0
    high: float = 2.0
    grad: bool = False

    @property
    def bound(self):
        return max(abs(self.low), abs(self.high))

    def with_text(self, text, low=None, high=None, **rest):
        low, high = self.low if low is None else low, self.high if high is None else high
        return dataclasses.replace(self, text=text, low=low, high=high, **rest)


def together(*parts):
    """The dtype and the gradient of a result of several tensors."""
    ranked = [p.dtype for p in parts if p.shape] or [p.dtype for p in parts]
    return {"dtype": max(ranked), "grad": any(p.grad for p in parts)}  # float64 > float32 as text, too


def cast(e, dtype):
    if e.dtype == dtype:
        return e
    return e.with_text(f"{e.text}.{'double' if dtype == 'float64' else 'float'}()", dtype=dtype)


class Expressions:
    """Writes expressions over the variables that are there."""

    def __init__(self, rng, dims):
        self.rng, self.dims = rng, dims
        self.variables = []
        self.sizes = {**dims, "r": dims["a"] * dims["b"], "n": dims["a"] * dims["b"] * dims["c"], "1": 1}

    def count(self, shape):
        result = 1
        for name in shape:
            result *= self.sizes[name]
        return result

    def chance(self, p):
        return self.rng.random() < p

    def among(self, *options):
        return self.rng.choice(options)

    def number(self, low=-1.5, high=1.5):
        return round(self.rng.uniform(low, high), self.among(1, 2))

    # ---- leaves ----

    def having(self, shape):
        return [v for v in self.variables if v.shape == shape and not v.dtype.startswith(("int", "bool"))]

    def variable(self, shape):
        found = self.having(shape)
        if found:
            return self.rng.choice(found[-4:] if self.chance(0.5) else found)
        if shape == STACK:
            m = self.variable(MATRIX)
            return m.with_text(f"{m.text}.reshape(a, b, c)", shape=STACK)
        if shape == SQUARE:
            m = self.variable(MATRIX)
            k = LIMIT / max(m.bound**2, 1)
            return m.with_text(f"({m.text}.T @ {m.text} / r)", -(m.bound**2), m.bound**2, shape=SQUARE)
        if shape == MIDDLE:
            m = self.variable(STACK)
            return m.with_text(f"{m.text}[:, 0]", shape=MIDDLE)
        value = self.number()
        names = "".join(f"{name}, " for name in shape)
        return Expression(
            f"({value} * pb.ones(({names}), dtype=pb.float32))", shape, "float32", -abs(value), abs(value)
        )

    # ---- expressions ----

    def floats(self, shape, depth):
        if depth <= 0 or self.chance(0.12):
            e = self.variable(shape)
        else:
            options = (
                [self.unary] * 4 + [self.binary] * 6 + [self.twice, self.choice, self.ternary, self.special]
            )
            options += [self.shaped] * 5
            e = self.rng.choice(options)(shape, depth - 1)
        return self.squashed(e) if e.bound > LIMIT else e

    def squashed(self, e):
        if self.chance(0.25):
            return e.with_text(f"{e.text}.clamp(-2, 2)", max(e.low, -2), min(e.high, 2))
        if self.chance(0.3):
            return e.with_text(f"{e.text}.sin()", -1, 1)
        return e.with_text(f"{e.text}.tanh()", -1, 1)

    def small(self, shape, depth, bound=1.0):
        """An expression within a bound."""
        e = self.floats(shape, depth)
        return (
            e if e.bound <= bound else e.with_text(f"{e.text}.{self.among('tanh', 'sin', 'tanh')}()", -1, 1)
        )

    def positive(self, shape, depth):
        """An expression of at least a half."""
        e = self.floats(shape, depth)
        high = e.bound**2
        return self.rng.choice([
            e.with_text(f"({e.text}.square() + 0.5)", 0.5, high + 0.5),
            e.with_text(f"({e.text}.abs() + 1)", 1, e.bound + 1),
            e.with_text(f"({e.text}.sigmoid() + 0.5)", 0.5, 1.5),
            e.with_text(f"({e.text} * {e.text} + 1)", 1, high + 1),
        ])  # fmt: skip

    def unary(self, shape, depth):
        e = self.floats(shape, depth)
        t, low, high = e.text, e.low, e.high
        options = [
            (f"{t}.sin()", -1, 1), (f"{t}.cos()", -1, 1), (f"{t}.tanh()", -1, 1), (f"{t}.atan()", -1.6, 1.6),
            (f"{t}.sigmoid()", 0, 1), (f"(-{t})", -high, -low), (f"{t}.abs()", 0, e.bound), (f"{t}.relu()", 0, max(high, 0)),
            (f"pb.nn.functional.silu({t})", -0.3, max(high, 0)), (f"{t}.clamp(-0.5, 1.5)", max(low, -0.5), min(high, 1.5)),
            (f"{t}.clamp(max=0.75)", low, min(high, 0.75)), (f"{t}.clamp(-0.25)", max(low, -0.25), max(high, -0.25)),
        ]  # fmt: skip
        if e.bound < 3:
            top = 2.72**e.bound
            options += [
                (f"{t}.exp()", 0, top),
                (f"{t}.expm1()", -1, top),
                (f"({t} ** 3)", -(e.bound**3), e.bound**3),
            ]
        if e.bound < 3.5:
            options += [
                (f"({t} ** 2)", 0, e.bound**2),
                (f"{t}.square()", 0, e.bound**2),
                (f"({t} * {t})", 0, e.bound**2),
            ]
        if self.chance(0.15):
            p = self.positive(shape, depth)
            name = self.among("log", "sqrt", "log1p", "reciprocal")
            return p.with_text(self.among(f"{p.text}.{name}()", f"(1 / {p.text})"), -1, max(2.0, p.bound))
        if self.chance(0.1):
            return cast(e, self.among("float32", "float64"))
        return e.with_text(*self.rng.choice(options))

    def second(self, shape, depth):
        """A second operand: of the shape, of one that broadcasts into it, or a number."""
        if INTO[shape] and self.chance(0.4):
            return self.floats(self.rng.choice(INTO[shape]), min(depth, 1))
        if self.chance(0.3):
            value = self.number()
            return Expression(str(value) if value >= 0 else f"({value})", (), "number", value, value)
        return self.floats(shape, depth)

    def binary(self, shape, depth):
        x, y = self.floats(shape, depth), self.second(shape, depth)
        number = y.dtype == "number"
        y = y.with_text(y.text, dtype=x.dtype) if number else y
        if self.chance(0.3):
            x, y = y, x
        s, t, product = x.text, y.text, x.bound * y.bound
        options = [
            (f"({s} + {t})", x.low + y.low, x.high + y.high),
            (f"({s} - {t})", x.low - y.high, x.high - y.low),
        ] * 2
        options += [(f"({s} * {t})", -product, product)] * 3
        options += [(f"({s} / ({t} * {t} + 1))", -x.bound, x.bound)]
        if not number:
            low, high = min(x.low, y.low), max(x.high, y.high)
            options += [(f"pb.maximum({s}, {t})", low, high), (f"pb.minimum({s}, {t})", low, high)]
        text, low, high = self.rng.choice(options)
        return x.with_text(text, low, high, shape=shape, **together(x, y))

    def twice(self, shape, depth):
        """The same operand on both sides."""
        e = self.variable(shape) if self.chance(0.5) else self.floats(shape, depth)
        t = e.text
        text, low, high = self.among(
            (f"({t} - {t})", 0, 0), (f"pb.minimum({t}, {t})", e.low, e.high), (f"pb.maximum({t}, {t})", e.low, e.high),
            (f"({t} + {t})", 2 * e.low, 2 * e.high), (f"({t} * {t})", 0, e.bound**2),
            (f"(({t} - {t}) - ({t} - {t}))", 0, 0), (f"pb.where({t} >= {t}, {t}, -{t})", e.low, e.high),
            (f"({t} / ({t} * {t} + 1))", -1, 1), (f"({t} * 0.5 + {t} * 0.5)", e.low, e.high),
        )  # fmt: skip
        return e.with_text(text, low, high)

    def mask(self, shape, depth=0):
        """A Boolean expression."""
        masks = [v for v in self.variables if v.shape == shape and v.dtype == "bool"]
        if masks and self.chance(0.3):
            return self.rng.choice(masks).text
        x = self.floats(shape, depth)
        y = str(self.among(0, 0.25, -0.5)) if self.chance(0.6) else self.floats(shape, depth).text
        return f"({x.text} {self.among('>', '<', '>=', '<=')} {y})"

    def choice(self, shape, depth):
        x, y = self.floats(shape, depth), self.floats(shape, depth)
        low, high = min(x.low, y.low), max(x.high, y.high)
        m = self.mask(shape)
        if self.chance(0.25):
            return x.with_text(f"({x.text} * {m})", min(x.low, 0), max(x.high, 0))
        if self.chance(0.25):
            value = self.number()
            low, high = min(x.low, value), max(x.high, value)
            return x.with_text(f"{x.text}.masked_fill({m}, {value})", low, high)
        return x.with_text(f"pb.where({m}, {x.text}, {y.text})", low, high, **together(x, y))

    def ternary(self, shape, depth):
        x, y = self.floats(shape, depth), self.floats(shape, depth)
        y = cast(y, x.dtype)
        if self.chance(0.5):
            low, high = min(x.low, y.low), max(x.high, y.high)
            grad = x.grad or y.grad
            return x.with_text(f"{x.text}.lerp({y.text}, {self.among(0.1, 0.5, 0.25)})", low, high, grad=grad)
        z = cast(self.floats(shape, 0), x.dtype)
        bound = x.bound + 0.5 * y.bound * z.bound
        name = "addcmul" if self.chance(0.7) else None
        grad = x.grad or y.grad or z.grad
        if name is None:
            p = cast(self.positive(shape, 0), x.dtype)
            bound, grad = x.bound + y.bound, x.grad or y.grad or p.grad
            return x.with_text(
                f"pb.addcdiv({x.text}, {y.text}, {p.text}, value=0.5)", -bound, bound, grad=grad
            )
        return x.with_text(f"pb.addcmul({x.text}, {y.text}, {z.text}, value=0.5)", -bound, bound, grad=grad)

    def special(self, shape, depth):
        """Integers and masks as numbers, lists, copies."""
        integers = [v for v in self.variables if v.shape == shape and v.dtype.startswith("int")]
        if integers and self.chance(0.6):
            k = self.rng.choice(integers)
            return Expression(f"({k.text} * 0.1)", shape, "float32", -2, 2)
        e = self.floats(shape, depth)
        if self.chance(0.4) and shape and shape[-1] != "1":
            axis = len(shape) - 1
            text = self.among("{}.flip({})", "{}.roll(1, {})", "{}.flip({})").format(e.text, axis)
            return e.with_text(text)
        if self.chance(0.3) and not e.grad:
            return e.with_text(f"{self.mask(shape)}.{'float' if e.dtype == 'float32' else 'double'}()", 0, 1)
        return e.with_text(f"{e.text}.clone()" if self.chance(0.5) else f"{e.text}.detach()", grad=False)

    def shaped(self, shape, depth):
        """An expression that comes from another shape."""
        raise NotImplementedError
