"""Programs whose values have several types: every executor gives the bits of a slow interpreter in NumPy.

A program is lowered for the types of its inputs (program/program.h): an instruction computes in the type that its
operands promote to, a number takes the type of what it meets, a comparison is bool, and conversions are steps of their
own. `interpret` says the same by itself, one instruction and one whole array at a time.
"""

import random

import kinds
import numpy as np
import pytest
from deferral import deferral

import pullback as pb

core = pytest.importorskip("pullback._core")

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

COMPLEX128 = pb.complex128._code
RANK = ["bool", "int16", "int64", "float32", "float64"]  # of two, the later one
UNARY = {"neg": np.negative, "square": np.square, "abs": np.abs, "sign": np.sign}
ROOTS = {"sqrt": np.sqrt, "reciprocal": lambda x: (1 / x).astype(x.dtype)}
BINARY = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum, "minimum": np.minimum}
COMPARE = {"lt": np.less, "ge": np.greater_equal, "eq": np.equal}
LOGIC = {"logical_and": np.logical_and, "logical_xor": np.logical_xor}


def promoted(types):
    return max(types, key=RANK.index, default="bool")


def interpret(arrays, types, numbers, instructions, outputs, shape):
    """The results of a program, in the types that they have there."""
    inputs = [np.broadcast_to(a, shape).astype(t) for a, t in zip(arrays, types, strict=True)]
    values = inputs + [None] * len(numbers)
    last = len(inputs) + len(numbers)

    def is_number(v):
        return len(inputs) <= v < last

    def read(v, dtype):
        if is_number(v):
            return np.full(shape, numbers[v - len(inputs)]).astype(dtype)
        return values[v].astype(dtype)

    for name, *operands in instructions:
        deciding = operands[1:] if name == "where" else operands
        dtype = promoted([values[v].dtype.name for v in deciding if not is_number(v)])
        if dtype == "bool" and any(map(is_number, deciding)):
            dtype = promoted(types)
        x = [read(v, dtype) for v in deciding]
        if name == "where":
            values.append(np.where(read(operands[0], "bool"), *x))
        else:
            function = {**UNARY, **ROOTS, **BINARY, **COMPARE, **LOGIC}[name]
            values.append(function(*x))
            assert values[-1].dtype == (dtype if name not in {**COMPARE, **LOGIC} else bool), name
    return [read(v, promoted(types)) if is_number(v) else values[v] for v in outputs]


def random_program(rng, length):
    """Types, numbers, instructions and outputs: all kinds of results meet each other."""
    types = [rng.choice(RANK) for _ in range(rng.randint(1, 4))]
    if promoted(types) == "bool":
        types[0] = "float32"
    numbers = [rng.choice([0, 1, 2, -3, 0.5, -1.25]) for _ in range(rng.randint(0, 2))]
    known = [*types, *[None] * len(numbers)]
    instructions = []
    while len(instructions) < length:

        def pick():
            return rng.randrange(len(known))

        name = rng.choice([*UNARY, *ROOTS, *BINARY, *BINARY, *COMPARE, *LOGIC, "where"])
        operands = [pick() for _ in range(3 if name == "where" else 1 if name in {**UNARY, **ROOTS} else 2)]
        deciding = operands[1:] if name == "where" else operands
        dtype = promoted([known[v] for v in deciding if known[v]])
        if dtype == "bool" and any(known[v] is None for v in deciding):
            dtype = promoted(types)
        numeric = name in {**UNARY, **ROOTS} or name == "sub"
        if (numeric and dtype == "bool") or (name in ROOTS and dtype not in kinds.FLOATS):
            continue
        instructions.append((name, *operands))
        known.append("bool" if name in {**COMPARE, **LOGIC} else dtype)
    first = len(types) + len(numbers)
    outputs = rng.sample(range(first, len(known)), rng.randint(1, min(3, length)))
    return types, numbers, instructions, outputs


def operand(rng, dtype, shape, form):
    """An array that is broadcast to `shape`, lying as `form` says."""
    size = {"single": (1,), "row": shape[-1:], "column": (*shape[:-1], 1)}.get(form, shape)
    a = (np.random.default_rng(rng.randrange(1 << 30)).normal(size=size) * 3).astype(dtype)
    if form == "strided":
        wide = np.zeros((*shape[:-1], 2 * shape[-1]), dtype)
        wide[..., ::2] = a
        return wide[..., ::2]
    return np.ascontiguousarray(a.T).T if form == "transposed" else a


def run(program, arrays, shape, later=False, layout="C", results=None):
    types, numbers, instructions, outputs = program
    out = [np.zeros(shape, dtype, order=layout) for dtype in results]
    core._program(
        [kinds.CODES[t] for t in types],
        numbers,
        instructions,
        outputs,
        [(a, kinds.CODES[a.dtype.name]) for a in arrays],
        [(a, kinds.CODES[a.dtype.name]) for a in out],
        later,
    )
    return out


def same_bits(a, b):
    if a.dtype != b.dtype:
        return False
    nan = np.isnan(a) if a.dtype.kind == "f" else np.zeros(a.shape, bool)
    other = np.isnan(b) if b.dtype.kind == "f" else nan
    return (nan == other).all() and a[~nan].tobytes() == b[~nan].tobytes()


FORMS = ["full", "full", "full", "strided", "transposed", "row", "column", "single"]


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (40, 33), (60, 300)], ids=str)
@pytest.mark.parametrize("seed", range(12))
def test_values_of_several_types_in_one_program(seed, shape):
    rng = random.Random(f"{seed} {shape}")
    program = random_program(rng, rng.choice([1, 2, 5, 12, 40]))
    types, *rest = program
    # Operands are converted to what the program takes, results to what is asked for.
    given = [t if rng.random() < 0.7 else rng.choice(RANK) for t in types]
    arrays = [operand(rng, t, shape, rng.choice(FORMS)) for t in given]
    expected = interpret(arrays, types, *rest, shape)
    results = [e.dtype.name if rng.random() < 0.7 else "float64" for e in expected]
    expected = [e.astype(r) for e, r in zip(expected, results, strict=True)]
    for later in (False, True):
        for layout in "CF":
            got = run(program, arrays, shape, later, layout, results)
            assert all(map(same_bits, got, expected)), (program, given, later, layout)


def test_a_number_takes_the_type_of_what_it_meets():
    third = 1 / 3
    program = ["float32", "float64"], [third], [("mul", 0, 2), ("mul", 1, 2), ("add", 3, 4)], [3, 4, 5]
    x, y = np.float32([1, 2, 3]), np.float64([1, 2, 3])
    a, b, c = run(program, [x, y], (3,), results=["float32", "float64", "float64"])
    assert same_bits(a, x * np.float32(third))
    assert same_bits(b, y * third)
    assert same_bits(c, (x * np.float32(third)).astype("float64") + y * third)
    assert (c != (x.astype("float64") * third + y * third)).any()


def test_one_program_is_lowered_for_each_choice_of_types():
    square = [("mul", 0, 0)], [1]
    for dtype in ("int16", "int64", "float32", "float64"):
        x = np.array([1, 300, -2], dtype)
        (y,) = run(([dtype], [], *square), [x], (3,), results=[dtype])
        assert same_bits(y, x * x)


@pytest.mark.parametrize("shape", [(3, 5), (70, 130)], ids=str)
def test_elements_of_sixteen_bytes_have_registers_as_wide(shape):
    """Elements of complex128 beside narrower ones are gathered, spread, kept and written."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(*shape, 2)) @ [1, 1j]
    for given in (z, np.asfortranarray(z), np.repeat(z, 2, 1)[:, ::2], z[:1], z[:, :1], z[:1, :1]):
        for layout in "CF":
            out = np.zeros(shape, complex, order=layout)
            x = rng.normal(size=shape)
            sums = np.zeros(shape)
            core._program(
                [COMPLEX128, kinds.CODES["float64"]],
                [],
                [("add", 1, 1)],
                [0, 2],
                [(given, COMPLEX128), (x, kinds.CODES["float64"])],
                [(out, COMPLEX128), (sums, kinds.CODES["float64"])],
                False,
            )
            assert (out == np.broadcast_to(given, shape)).all()
            assert (sums == x + x).all()


def test_float32_float64_and_comparisons_of_int64_share_a_program():
    n = 20_000
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=n).astype("float32"), rng.normal(size=n)
    k = rng.integers(-5, 5, n)
    a, b, c = pb.tensor(x), pb.tensor(w), pb.tensor(k)
    with deferral(least=1024):
        y = pb.where(c > 0, a * 2 + b, (c * c).to(pb.float32) - a)
        loss = y.sum()
        text = pb.explain(loss)
    assert text.count("program of") == 1
    assert "float32" in text and "float64" in text and "int64" in text
    half = (x * np.float32(2)).astype("float64") + w
    other = ((k * k).astype("float32") - x).astype("float64")
    expected = np.where(k > 0, half, other)
    assert same_bits(y.numpy(), expected)
    np.testing.assert_allclose(loss.item(), expected.sum(), rtol=1e-12)
