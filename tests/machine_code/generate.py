"""Random elementwise programs: of all dtypes, with conversions between them, broadcast operands, and reductions at their ends."""

import random

import numpy as np
from machine_code.executor import SIZES, SPECIAL

import pullback as pb

FLOATS = "float16 bfloat16 float32 float64".split()
INTEGERS = "int32 int64".split()
SMALL = "uint8 int8 int16".split()  # which are read, and converted at once
DTYPES = [*FLOATS, *INTEGERS, *SMALL, "bool"]

UNARY = """neg abs square sqrt rsqrt reciprocal exp log sigmoid tanh relu floor ceil sign erf log1p expm1 isnan signbit
logical_not sin""".split()
BINARY = "add sub mul div maximum minimum fmax fmin eq ne lt le gt ge logaddexp logical_and logical_xor copysign".split()
OF_INTEGERS = "neg abs square logical_not bitwise_not".split()
OF_TWO_INTEGERS = """add sub mul maximum minimum eq ne lt le gt ge logical_and logical_or logical_xor bitwise_and bitwise_or
bitwise_xor""".split()
OF_TRUTHS = "logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor eq ne".split()
REDUCTIONS = "sum mean amax amin prod any all count_nonzero".split()


def numbers(rng, shape, dtype):
    n = int(np.prod(shape))
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype in INTEGERS:
        few = rng.integers(-9, 9, n)
        many = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, n, dtype)
        return np.where(rng.random(n) < 0.7, few, many).astype(dtype).reshape(shape)
    if dtype in SMALL:
        return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    a = rng.normal(size=n) * 10.0 ** rng.integers(-2, 2, n)
    where = rng.random(n) < 0.1
    a[where] = rng.choice([*SPECIAL, 2.0**31, -(2.0**31), 2.0**63, 1e10], where.sum())
    return a.reshape(shape)


def tensor(rng, shape, dtype):
    a = numbers(rng, shape, dtype)
    if dtype not in FLOATS:
        return pb.from_numpy(a).clone()
    with np.errstate(all="ignore"):
        return pb.from_numpy(a.astype("float64" if dtype == "float64" else "float32")).to(getattr(pb, dtype))


def name(t):
    return str(t.dtype).split(".")[-1]


def step(choose, values):
    """One more value from those there are."""
    x = choose.choice(values)
    kind = name(x)
    if kind in SMALL or choose.random() < 0.2:
        return x.to(getattr(pb, choose.choice([*FLOATS, *INTEGERS, "bool"])))
    if choose.random() < 0.15:
        number = choose.choice([2, -3, 0, 1, 7])
        return choose.choice([pb.add, pb.mul, pb.sub])(x, number) if kind != "bool" else ~x
    alike = [v for v in values if name(v) == kind]
    y = choose.choice(alike if choose.random() < 0.8 else [v for v in values if name(v) not in SMALL])
    if name(y) != kind:
        return choose.choice([pb.add, pb.mul, pb.lt, pb.maximum])(x, y)
    masks = [v for v in values if name(v) == "bool"]
    if masks and choose.random() < 0.15:
        return pb.where(choose.choice(masks), x, y)
    if kind == "bool":
        return getattr(pb, choose.choice(OF_TRUTHS))(x, y)
    one, two = (OF_INTEGERS, OF_TWO_INTEGERS) if kind in INTEGERS else (UNARY, BINARY)
    if choose.random() < 0.4:
        return getattr(pb, choose.choice(one))(x)
    return getattr(pb, choose.choice(two))(x, y)


def ending(choose, x):
    kind = choose.choice(REDUCTIONS)
    if kind == "mean" and name(x) not in FLOATS:
        kind = "sum"
    if kind in ("amax", "amin") and name(x) == "bool":
        kind = "any"
    if kind == "prod" and name(x) in FLOATS:
        kind = "sum"
    dims = choose.choice([None, 0, -1]) if x.dim() > 1 else None
    if dims is None:
        whole = x.reshape(-1)
        return getattr(whole, kind)() if kind not in ("amax", "amin") else getattr(whole, kind)(0)
    return getattr(x, kind)(dims)


def program(seed):
    """A function without arguments that gives the results of a program: each time of the same operands."""
    choose, rng = random.Random(seed), np.random.default_rng(seed)
    n = choose.choice([size for size in SIZES if 7 < size < 20_000])
    shape = choose.choice([(n,), (n // 8 + 1, 8), (3, n // 3 + 1)])
    usual = choose.sample(DTYPES, choose.choice([1, 2, 3]))
    operands = []
    for _ in range(choose.choice([1, 2, 3, 4])):
        own = choose.choice([shape, shape, shape, shape[-1:], (*shape[:-1], 1), (1,)])
        operands.append(tensor(rng, own, choose.choice(usual)))
    operands.append(tensor(rng, shape, choose.choice(usual)))
    steps = choose.choice([2, 4, 8, 16, 30])
    first = choose.random()

    def run():
        again, values = random.Random(first), list(operands)
        for _ in range(steps):
            values.append(step(again, values))
        made = values[len(operands) :]
        results = [v for v in made if again.random() < 0.3] + made[-1:]
        results += [ending(again, v) for v in made if again.random() < 0.2]
        return results

    return run
