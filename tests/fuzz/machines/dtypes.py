"""Statements over tensors of every dtype: conversions, mixtures, and what programs write with each kind of number.

The truth computes in float32, float64 and integers of 64 bits; of other dtypes deferred and immediate work are compared,
bit for bit.
"""

from fuzz.machines.expressions import COLUMN, MATRIX, ROW, VECTOR, Expression

REAL = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex32", "complex64", "complex128")
WHOLE = ("int8", "int16", "int32", "int64", "uint8")
BARE = ("uint16", "uint32", "uint64")  # which few operators take
ALL = (*REAL, *REAL, *COMPLEX, *WHOLE, *BARE, "bool")

# Of operands x and y of one shape: results of the same kind of number, of a size that stays.
OF_REAL = """({x} * 0.9 + 0.1 * {y})|({x} * {y} + 0.25).tanh()|{x}.tanh()|{x}.sigmoid() * {y}|pb.maximum({x}, {y})
pb.where({x} > {y}, {x}, -{y})|pb.nn.functional.gelu({x})|pb.nn.functional.silu({x}) * 0.5
pb.nn.functional.softplus({x}).clamp(max=3)|({x}.clamp(-2, 1).exp() - {y}.abs()).clamp(-3, 3)|({x} / ({y} * {y} + 1))
{x}.clamp(-2, 1.5)|{x}.sin() * {y}.cos()|{x}.abs().log1p()|{x}.square().add(0.5).sqrt().clamp(max=4)
({x}.abs() + 0.5).log()|({x}.abs() + 0.5).rsqrt()|({x} - {x}.mean()).clamp(-3, 3)|{x}.softmax(0) * 2
{x}.cumsum(0).tanh()|{x}.relu() - {y}.neg().relu()|{x}.floor() + {y}.frac()|pb.atan2({x}, {y})
pb.logaddexp({x}, {y}).clamp(-3, 3)|{x}.expm1().clamp(-2, 3)|pb.hypot({x}, {y}).clamp(max=3)|pb.copysign({x}, {y})
{x}.erf()|{x}.masked_fill({y} < 0, 0.25)|({x} + 2 * {y}.sign()).clamp(-2, 2)|{x}.round() * 0.5|{x} - {x}.amax()
({x} * 2048 + 1 - {y} * 2048).sin()"""
OF_COMPLEX = """({x} * {y}).tanh()|({x} * 0.5 + {y} * 0.5j)|{x} / ({y}.abs() + 1)|{x}.conj() * 0.9|(0.3 * {x}).exp()
{x}.sgn() * 1.5|pb.complex({x}.real * 0.5, {y}.imag * 0.5)|({x} - {x}.mean()) * 0.7|({x} * {x} + 1) / 8|{x}.sin() / 4
({x} + 3j).log()|({x} + 4).sqrt() / 2|pb.where({x}.real > {y}.imag, {x}, {y}.conj())|{x} / ({y} * {y}.conj() + 1)
{x}.abs() * {y} / 4|{x}.real * {y} / 4|{x}.angle() + 0.5 * {y}|(0.1j * {x}).exp() * {y}|{x}.reciprocal().sgn()
{x}.square() / 8"""
OF_COMPLEX32 = """({x} * {y} * 0.25)|({x} * 0.5 + {y} * 0.5)|{x}.conj() * 0.9|(0.3 * {x}).exp()|{x}.sin() / 4
{x}.tanh() * 0.5"""
OF_WHOLE = """{x} + {y}|{x} * {y}|{x} - 3 * {y}|{x} % 7|{x} // 3|pb.maximum({x}, {y})|pb.minimum({x}, {y}) + 1
{x} & {y}|pb.bitwise_or({x}, 5)|{x} ^ {y}|{x} << 2|{x} >> 1|{x} * {x}|{x}.clamp(1, 9)
pb.where({x} > {y}, {x}, {y} + 1)|{x}.abs()|~{x}|{x}.masked_fill({x} == {y}, 3)|{x}.flip(0)|{x}.bitwise_and(12)
{x}.neg()|{x}.sign() + 2|{x}.square()"""
OF_BARE = """{x} * {y}|{x} & {y}|pb.bitwise_or({x}, {y})|{x} ^ {y}|pb.where({x} == {y}, {x}, {y})|{x}.clone()
{x}.flip(0)"""
OF_TRUTH = """{x} & {y}|pb.bitwise_or({x}, {y})|{x} ^ {y}|~{x}|{x} == {y}|pb.where({x}, {y}, ~{y})
{x}.logical_and({y}.logical_not())|{x} * {y}|{x} + {y}"""
# In place.
WRITES_REAL = """{x}.mul_(0.5)|{x}.add_({y}).clamp_(-2, 2)|{x}.tanh_()|{x}.sub_({y}, alpha=0.1).clamp_(-2, 2)
{x}.lerp_({y}, 0.25)"""
WRITES_COMPLEX = "{x}.mul_(0.5j)|{x}.add_({y}).mul_(0.5)|{x}.tanh_().mul_(0.5)"
WRITES_COMPLEX32 = "{x}.mul_(0.5)|{x}.add_({y}).mul_(0.25)"
WRITES_WHOLE = "{x}.add_({y})|{x}.mul_(3)|{x}.bitwise_xor_({y})|{x}.clamp_(0, 9)|{x}.sub_(1)"


def formulas(dtype):
    """What is written of operands of this dtype, and in place."""
    if dtype in REAL:
        return OF_REAL, WRITES_REAL
    if dtype == "complex32":
        return OF_COMPLEX32, WRITES_COMPLEX32
    if dtype in COMPLEX:
        return OF_COMPLEX, WRITES_COMPLEX
    if dtype in WHOLE:
        return OF_WHOLE, WRITES_WHOLE
    return (OF_TRUTH, "{x}.logical_not_()") if dtype == "bool" else (OF_BARE, "{x}.mul_({y})")


def chosen(w, texts):
    return w.rng.choice(texts.replace("\n", "|").split("|"))


def converted(e, dtype):
    """The text of an operand in another dtype: complex numbers become real by their real parts."""
    if e.dtype == dtype:
        return e.text
    if e.dtype in COMPLEX and dtype not in COMPLEX:
        if e.dtype == "complex32":
            return f"{e.text}.to(pb.complex64).real.to(pb.{dtype})"
        return f"{e.text}.real.to(pb.{dtype})"
    return f"{e.text}.to(pb.{dtype})"


def variable(w, dtype, shape, more=""):
    """One of this dtype and shape, made where there is none or by chance."""
    found = [v for v in w.others if (v.dtype, v.shape) == (dtype, shape)]
    if found and not more and w.chance(0.8):
        return w.rng.choice(found)
    e = Expression(w.make("q" if more else "h", shape, dtype, more), shape, dtype)
    w.tail.append(f'see("{e.text}", {e.text})')
    if not more:
        w.others.append(e)
    return e


def operand(w, dtype, shape):
    """Of this dtype: as it is, or converted from another."""
    e = variable(w, w.among(*ALL) if w.chance(0.4) else dtype, shape)
    return converted(e, dtype)


def shape_of(w):
    return w.among(VECTOR, VECTOR, MATRIX, ROW, COLUMN)


def formula(w, dtype, shape, depth=2):
    """A formula of this dtype."""
    if depth == 0 or w.chance(0.2):
        return operand(w, dtype, shape)
    x, y = (formula(w, dtype, shape, depth - 1) for _ in range(2))
    text = chosen(w, formulas(dtype)[0])
    return f"({text})".format(x=f"({x})", y=f"({y})")


def assigned(w):
    """A new value of a variable, of its own dtype, or of a mixture that is brought back to it."""
    dtype, shape = w.among(*ALL), shape_of(w)
    x = variable(w, dtype, shape)
    made = formula(w, dtype, shape)
    if w.chance(0.35) and dtype not in (*BARE, "bool"):
        other = w.among(*REAL, *(COMPLEX[1:] if dtype in COMPLEX else WHOLE))
        made = f"({made} * {operand(w, other, shape)})"
        if dtype not in COMPLEX:
            made = f"{made}.to(pb.{dtype})"
        else:
            made = f"({made}.to(pb.complex128).sgn()).to(pb.{dtype})"
    return [f"{x.text} = {made}.to(pb.{dtype})"]


def written(w):
    """A write in place, or a copy from another dtype."""
    dtype, shape = w.among(*ALL), shape_of(w)
    x = variable(w, dtype, shape)
    if w.chance(0.35):
        return [f"{x.text}.copy_({operand(w, dtype, shape)})"]
    return [chosen(w, formulas(dtype)[1]).format(x=x.text, y=f"({formula(w, dtype, shape, 1)})")]


def asked(w):
    """Comparisons, sums and tests of what is there."""
    dtype = w.among(*REAL, *WHOLE, *COMPLEX[1:])
    x, y = (variable(w, dtype, shape) for shape in [shape_of(w)] * 2)
    text = w.among(
        "{x}.sum()", "({x} == {y})", "({x} != {y}).sum()", "{x}.mean()", "{x}.isnan().any()", "{x}.prod()"
    )
    if dtype in WHOLE:
        text = text.replace("mean", "max")
    if w.chance(0.3) and dtype not in COMPLEX:
        text = w.among(
            "{x} < {y}", "{x}.amax()", "{x}.argmax()", "({x} >= 1).to(pb.uint8).sum()", "{x}.cumsum(0)"
        )
    return [f"if i % 3 == 0: see('asked', {text})".format(x=x.text, y=y.text)]


def learnt(w):
    """A step downhill of a parameter."""
    dtype, shape = w.among(*REAL, *REAL, *COMPLEX[1:]), shape_of(w)
    p = variable(w, dtype, shape, ", requires_grad=True")
    made = formula(w, dtype, shape)
    text = chosen(w, formulas(dtype)[0]).format(x=p.text, y=f"({made})")
    text = f"({text} * {p.text})"
    if dtype in COMPLEX:
        text = w.among(f"{text}.abs()", f"{text}.real", f"({text} * {text}.conj()).real")
    if w.chance(0.3):
        text = f"{text}.to(pb.{w.among(*REAL)})"
    step = w.among(
        "{p}.sub_(0.01 * {p}.grad.sgn())",
        "{p}.sub_({p}.grad.tanh(), alpha=0.05)",
        "{p}.add_({p}.grad.sgn(), alpha=-0.01)",
    )
    return [
        f"({text}).{w.among('sum', 'mean')}().backward()",
        f"if i % {w.among(2, 5)} == 0: see('{p.text}.grad', {p.text}.grad)",
        f"with pb.no_grad(): {step.format(p=p.text)}",
        f"{p.text}.grad = None",
    ]  # fmt: skip


KINDS = [assigned, assigned, assigned, written, asked, learnt]
