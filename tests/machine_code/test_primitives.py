"""Every primitive of floats, in machine code and without, bit for bit."""

import numpy as np
import pytest
from machine_code.executor import POSSIBLE, SIZES, agree, sample

import pullback as pb
from pullback import _core

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="this processor has no machine code")

UNARY = """neg abs sign square reciprocal sqrt rsqrt floor ceil round trunc frac isnan isinf isposinf isneginf isfinite signbit
logical_not exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid erf
erfc""".split()
ACTIVATIONS = "silu gelu mish tanhshrink softplus logsigmoid".split()
BINARY = """add sub mul div maximum minimum fmax fmin copysign heaviside eq ne lt le gt ge logical_and logical_or
logical_xor atan2 hypot pow logaddexp logaddexp2 xlogy""".split()
DTYPES = ("float32", "float64")


# Vector functions of the C library, which may stay with the executor.
CALLED = """expm1 log2 log10 log1p sin cos tan asin acos atan sinh cosh asinh acosh atanh erfc atan2 hypot pow
logaddexp logaddexp2 xlogy tanhshrink softplus logsigmoid""".split()
CALLED_OF = {"float32": ["tanh"], "float64": ["erf"]}


def has_code(name, dtype):
    return name not in CALLED and name not in CALLED_OF[dtype]


def function(name):
    return getattr(pb, name, None) or getattr(pb.nn.functional, name)


def used(x, y):
    """A result that is stored, and read by another step."""
    return [y, pb.where(y, x, -x) if y.dtype is pb.bool else -y]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY + ACTIVATIONS)
def test_functions_of_one(name, dtype):
    apply = function(name)
    for n in (5, 16, 1031, 20_000):
        x = sample(n, dtype, seed=n)
        assert agree(lambda x=x: used(x, apply(x))) or not has_code(name, dtype), n


PATTERNS = {
    "both": lambda n: ((n,), (n,)),
    "rows": lambda n: ((n // 3 + 1, 3), (3,)),
    "long rows": lambda n: ((3, n), (n,)),
    "columns": lambda n: ((n // 40 + 1, 40), (n // 40 + 1, 1)),
    "long columns": lambda n: ((3, n), (3, 1)),
    "single": lambda n: ((n,), (1,)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two(name, dtype):
    apply = function(name)
    for at, (pattern, shapes) in enumerate(PATTERNS.items()):
        for n in (23, 2060):
            one, two = (
                sample(int(pb.zeros(s).numel()), dtype, seed=at + k).reshape(s)
                for k, s in enumerate(shapes(n))
            )
            for x, y in ((one, two), (two, one)):
                made = agree(lambda one=one, x=x, y=y: used(one, apply(x, y)))
                assert made or not has_code(name, dtype), (pattern, n)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponent", [2, 3, 1, -1, 0.5, 1.7, -2])
def test_powers_by_numbers(exponent, dtype):
    x = sample(3001, dtype)
    assert agree(lambda: used(x, x**exponent * 1.5))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_borders(n, dtype):
    x, y = sample(n, dtype, 1), sample(n, dtype, 2)

    def program():
        z = x * y + x.sigmoid()
        m = (z > 0) & ~(y < x)
        return [z, m, pb.where(m, z, y) / 3]

    assert agree(program) or n == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_of_functions(dtype):
    for name in [*ACTIVATIONS, "tanh", "sigmoid", "exp", "log", "erf", "sqrt", "atan", "sinh"]:

        def program(name=name):
            apply = function(name)
            x = sample(5000, dtype).requires_grad_()
            y = apply(x)
            (y * y).sum().backward()
            return [y, x.grad]

        assert agree(program), name


def test_truth_values():
    a, b, x = sample(4100, "float32", 1) > 0, sample(4100, "float32", 2) > 0, sample(4100, "float32", 3)

    def program():
        c = (a & b) | (~a ^ b)
        d = pb.logical_and(c, a == b) | (c != a)
        return [c, d, pb.where(d, x, 0.0), d * x, d.to(pb.float32) + c, x.bool() & d]

    assert agree(program)


@pytest.mark.parametrize("narrow", [pb.float16, pb.bfloat16])
def test_halves(narrow):
    x, y = sample(4111, "float32", 1).to(narrow), sample(4111, "float32", 2).to(narrow)

    def program():
        z = x * y + x
        return [z, z.exp() - y, (x > y), x.float() * y, (x.float() * 1.7 + 1).to(narrow)]

    assert agree(program)


WIDE = POSSIBLE and _core.machine_code()["isa"] == "avx512"
# Those that are only read, and converted at once.
SMALL = [pb.uint8, pb.int8, pb.int16]
CONVERTED = [pb.float32, pb.float64, pb.int32, pb.int64, pb.bool, pb.float16, pb.bfloat16]


def integers(n, dtype, seed):
    """Small and extreme ones."""
    rng, bounds = np.random.default_rng(seed), np.iinfo(dtype)
    few, many = rng.integers(-9, 9, n), rng.integers(bounds.min, bounds.max, n, dtype, endpoint=True)
    return pb.from_numpy(np.where(rng.random(n) < 0.6, few, many).astype(dtype)).clone()


def all_kinds(n, dtype):
    if dtype is pb.bool:
        return sample(n, "float32", 3) > 0
    if dtype.is_floating_point:
        large = (
            sample(n, "float64", 4) * pb.tensor([1.0, 2.0**31, -(2.0**31), 2.0**63, 2.0**40]).repeat(n)[:n]
        )
        return large.to(dtype)
    return integers(n, str(dtype).split(".")[-1], 5)


@pytest.mark.parametrize("to", CONVERTED, ids=str)
@pytest.mark.parametrize("source", [*CONVERTED, *SMALL], ids=str)
def test_conversions(source, to):
    x, y = all_kinds(4117, source), all_kinds(4117, to)

    def program():
        z = x.to(to)
        again = z if to is pb.bool else z * y
        back = again.to(pb.float32 if source in SMALL else source)
        return [z, again, back, pb.where(y.bool(), z, y), x.to(to).sum()]

    made = agree(program)
    eight = {pb.float64, pb.int64}
    assert made or source is to or (not WIDE and {source, to} & eight) or {source, to} == {pb.bool}


INTEGER_UNARY = "neg abs square logical_not bitwise_not".split()
INTEGER_BINARY = """add sub mul maximum minimum fmax fmin eq ne lt le gt ge logical_and logical_or logical_xor
bitwise_and bitwise_or bitwise_xor""".split()


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers(dtype):
    for n in (23, 4099):
        x, y, row = integers(n, dtype, 1), integers(n, dtype, 2), integers(1, dtype, 3)
        for name in INTEGER_UNARY:
            made = agree(lambda name=name, x=x: used(x, function(name)(x)))
            assert made or (not WIDE and dtype == "int64" and name == "square"), name
        for name in INTEGER_BINARY:
            for a, b in ((x, y), (row, x), (x, row), (x, x)):
                made = agree(lambda name=name, a=a, b=b, x=x: used(x, function(name)(a, b)))
                assert made or (not WIDE and dtype == "int64" and name == "mul"), name


def test_images_and_labels():
    """What is read in a few bytes is a number by the time it is computed with."""
    image, label = integers(6000, "uint8", 1).reshape(3, 2000), integers(3, "int64", 2).reshape(3, 1)

    def program():
        x = (image.float() / 255 - 0.5) / 0.25
        hit = (image.to(pb.int64) == label).float()
        return [x, hit, (x * hit).sum(1), hit.mean(), (x.double() * 2 + image).to(pb.float16)]

    assert agree(program)


def test_reductions_end_it():
    x, y = sample(60_000, "float32", 1).nan_to_num(0, 3, -3).reshape(300, 200), sample(200, "float32", 2)

    def program():
        z = (x * y).tanh() + x
        return [z.sum(), z.sum(0), z.sum(1), z.amax(1), (z > 0).sum(), z.prod(0), z.min(), (z > 0).any(1)]

    assert agree(program)


def test_functions_in_between():
    """What there is no code for is called between two pieces of it."""
    x = sample(9000, "float64", 5)

    def program():
        a = x * x + 1
        b = pb.lgamma(a) * 2 - a
        c = (b.to(pb.float32) * 3 + 1).exp()
        return [a, b, c, (c.to(pb.int64) + 1).to(pb.float32) * c - 1]

    assert agree(program)


def test_in_place():
    def program():
        p, m, g = (sample(30_011, "float32", k) for k in range(3))
        for _ in range(3):
            m.mul_(0.9).add_(g, alpha=0.1)
            p.sub_(0.01 * m / (m.square().sqrt() + 1e-8))
        flags = p > 0
        p.mul_(flags)
        return [p, m, flags]

    assert agree(program)


def test_many_operands_and_long_programs():
    xs = [sample(3000, "float32", k).nan_to_num(1, 2, -2) for k in range(40)]

    def program():
        total = xs[0] * 1
        for k in range(200):
            total = total * 0.5 + xs[k % 40] * xs[(k + 7) % 40] - (xs[k % 40] if k % 3 else total).tanh()
        return [total, *[x * total + 1 for x in xs[:20]]]

    assert agree(program)
