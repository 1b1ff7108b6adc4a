"""The operators of the truth in NumPy: what programs call by name, as methods and as functions of the module."""

import contextlib
import types

import numpy as np
from fuzz.machines import mirror, tape
from fuzz.machines.mirror import Tensor, lift, promoted, recording
from fuzz.machines.tape import KIND, Mode, Value

METHODS, FUNCTIONS = {}, {}


def operator(name, function, inplace=True):
    """Installs a method, a function and, where it has one, the form that writes in place."""
    METHODS[name] = FUNCTIONS[name] = function
    if inplace:
        METHODS[name + "_"] = lambda self, *rest, **options: self.write(
            function(self, *rest, **options).read()
        )


# ---- elementwise ----


def unary(function, whole=False):
    """A function of one float; of integers it makes float32."""

    def apply(x):
        value = x.read()
        if KIND[value.dtype] < 2 and not whole:
            value = tape.convert(value, "float32")
        return Tensor(function(value))

    return apply


for name in "exp expm1 log log1p sqrt sin cos tanh atan sigmoid reciprocal".split():
    operator(name, unary(getattr(tape, name)))
operator("square", unary(tape.square, True))
operator("abs", unary(tape.magnitude, True))
operator("relu", unary(tape.relu, True))
operator("neg", unary(lambda v: tape.scale(v, -1), True))
operator("clamp", lambda x, min=None, max=None: Tensor(tape.clamp(x.read(), min, max)))
operator("silu", lambda x: x * x.sigmoid(), False)
operator("softplus", unary(tape.softplus), False)


def binary(function, floats=False):
    def apply(a, b):
        dtype = promoted(a, b)
        dtype = "float32" if floats and KIND[dtype] < 2 else dtype
        return Tensor(function(lift(a, dtype), lift(b, dtype), dtype))

    return apply


def remainder(a, b, dtype):
    return tape.constant(np.remainder(a.data, b.data), dtype)


add, sub, mul = binary(tape.add), binary(tape.sub), binary(tape.mul)
div = binary(tape.div, floats=True)
operator("add", lambda a, b, alpha=1: add(a, b if alpha == 1 else mul(b, alpha)))
operator("sub", lambda a, b, alpha=1: sub(a, b if alpha == 1 else mul(b, alpha)))
operator("mul", mul)
operator("div", div)
operator("remainder", binary(remainder))
operator("maximum", binary(lambda a, b, dtype: tape.extreme(a, b, 1, dtype)), False)
operator("minimum", binary(lambda a, b, dtype: tape.extreme(a, b, -1, dtype)), False)
operator("lerp", lambda a, b, weight: add(a, mul(sub(b, a), weight)))
operator("addcmul", lambda a, b, c, value=1: add(a, mul(mul(b, c), value)))
operator("addcdiv", lambda a, b, c, value=1: add(a, mul(div(b, c), value)))
operator("masked_fill", Tensor.masked_fill)


def power(a, number):
    functions = {2: tape.square, 3: tape.cube, 0.5: tape.sqrt, -1: tape.reciprocal}
    return Tensor(functions[number](a.read()))


def compare(function):
    def apply(a, b):
        dtype = promoted(a, b)
        return Tensor(tape.constant(function(lift(a, dtype).data, lift(b, dtype).data, dtype), "bool"))

    return apply


def logical(function):
    def apply(a, b):
        dtype = promoted(a, b)
        return Tensor(tape.constant(function(lift(a, dtype).data, lift(b, dtype).data), dtype))

    return apply


gt = compare(lambda a, b, d: tape.above(a, b, d))
ge = compare(lambda a, b, d: tape.above(a, b, d, equal=True))
lt = compare(lambda a, b, d: ~tape.above(a, b, d, equal=True))
le = compare(lambda a, b, d: ~tape.above(a, b, d))
eq = compare(lambda a, b, d: a == b)
ne = compare(lambda a, b, d: a != b)


def where(mask, a, b):
    dtype = promoted(a, b)
    return Tensor(tape.choose(mask.read().data, lift(a, dtype), lift(b, dtype), dtype))


def fill_(x, number):
    return x.write(lift(number, x.dtype))


METHODS["fill_"] = METHODS["copy_"] = fill_
METHODS["zero_"] = lambda x: fill_(x, 0)
METHODS["where"] = lambda a, mask, b: where(mask, a, b)
FUNCTIONS["where"] = where

SWAPPED = lambda f: lambda a, b: f(b, a)
for name, function in {
    "add": add,
    "sub": sub,
    "mul": mul,
    "truediv": div,
    "mod": METHODS["remainder"],
}.items():
    METHODS[f"__{name}__"] = function
    METHODS[f"__r{name}__"] = SWAPPED(function)
    METHODS[f"__i{name}__"] = lambda a, b, f=function: a.write(f(a, b).read())
for name, function in {"gt": gt, "ge": ge, "lt": lt, "le": le, "eq": eq, "ne": ne}.items():
    METHODS[f"__{name}__"] = METHODS[name] = function
for name, function in {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}.items():
    METHODS[f"__{name}__"] = logical(function)
METHODS["__pow__"] = METHODS["pow"] = power
METHODS["__neg__"] = METHODS["neg"]
METHODS["__invert__"] = lambda x: Tensor(tape.constant(~x.read().data, x.dtype))
METHODS["__hash__"] = lambda x: id(x)

# ---- reductions and rows ----


def axes_of(x, dim):
    if dim is None:
        return tuple(range(x.ndim))
    return tuple(d % max(x.ndim, 1) for d in (dim if isinstance(dim, tuple) else (dim,)))


def total(x, dim=None, keepdim=False):
    return Tensor(tape.total(x.read(), axes_of(x, dim), keepdim))


def mean(x, dim=None, keepdim=False):
    axes = axes_of(x, dim)
    count = int(np.prod([x.shape[k] for k in axes], dtype=int))
    return Tensor(tape.scale(tape.total(x.read(), axes, keepdim), 1 / count))


def var(x, dim=None, keepdim=False):
    axes = axes_of(x, dim)
    count = int(np.prod([x.shape[k] for k in axes], dtype=int))
    centred = x - mean(x, axes, keepdim=True)
    return total(centred.square(), axes, keepdim) * (1 / (count - 1))


def amax(x, dim=None, keepdim=False):
    if dim is None:
        x, dim = x.reshape(-1), 0
    return Tensor(tape.largest(x.read(), dim % x.ndim, keepdim))


def amin(x, dim=None, keepdim=False):
    return -amax(-x, dim, keepdim)


def shifted(x, dim):
    return x - amax(x, dim, keepdim=True).detach()


def softmax(x, dim):
    e = shifted(x, dim).exp()
    return e / total(e, dim, keepdim=True)


def log_softmax(x, dim):
    s = shifted(x, dim)
    return s - total(s.exp(), dim, keepdim=True).log()


def logsumexp(x, dim, keepdim=False):
    top = amax(x, dim, keepdim=True).detach()
    result = total((x - top).exp(), dim, keepdim=True).log() + top
    return result if keepdim else result.squeeze(dim)


def layer_norm(x, shape, weight=None, bias=None, eps=1e-5):
    centred = x - mean(x, -1, keepdim=True)
    result = centred / (mean(centred.square(), -1, keepdim=True) + eps).sqrt()
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


def cross_entropy(x, targets):
    rows = log_softmax(x, 1).read()
    at = (np.arange(rows.shape[0]), targets.read().data)
    return -mean(Tensor(tape.index(rows, at)))


def matmul(a, b):
    dtype = promoted(a, b)
    return Tensor(tape.product(lift(a, dtype), lift(b, dtype), dtype))


operator("sum", total, False)
operator("mean", mean, False)
operator("var", var, False)
operator("std", lambda x, dim=None, keepdim=False: var(x, dim, keepdim).sqrt(), False)
operator("norm", lambda x: total(x.square()).sqrt(), False)
for function in (amax, amin, softmax, log_softmax, logsumexp, matmul, cross_entropy, layer_norm):
    operator(function.__name__, function, False)
METHODS["max"], METHODS["min"], METHODS["__matmul__"] = amax, amin, matmul
operator("cumsum", lambda x, dim: Tensor(tape.running_sum(x.read(), dim)), False)
METHODS["any"] = lambda x: Tensor(tape.constant(x.read().data.any(), "bool"))
METHODS["all"] = lambda x: Tensor(tape.constant(x.read().data.all(), "bool"))
for name, function in METHODS.items():
    setattr(Tensor, name, function)


def cat(tensors, dim=0):
    return Tensor(tape.join([t.read() for t in tensors], dim))


def stack(tensors, dim=0):
    return cat([t.unsqueeze(dim) for t in tensors], dim)


# ---- forward mode ----


@contextlib.contextmanager
def dual_level():
    try:
        yield
    finally:
        DUALS.clear()


def make_dual(primal, tangent):
    value = primal.read()
    if value.wanted:
        raise NotImplementedError("the truth pushes forward from values without a gradient")
    dual = Tensor(Value(value.data, value.dtype, owner="a primal"))
    dual.tangent = tangent.read()
    DUALS.append(dual)
    return dual


DUALS = []  # of the level that is open


def unpack_dual(x):
    primals, tangents = [d.read() for d in DUALS], [d.tangent for d in DUALS]
    tangent = tape.push_forward(x.read(), primals, tangents)
    return types.SimpleNamespace(primal=x.detach(), tangent=None if tangent is None else Tensor(tangent))


# ---- what programs know as `pb` ----


def leaf(array, requires_grad=False):
    name = str(array.dtype)
    t = Tensor(tape.constant(array, name))
    return t.requires_grad_() if requires_grad else t


def made(number):
    def create(*shape, dtype="float32"):
        shape = shape[0] if shape and isinstance(shape[0], tuple) else shape
        return Tensor(tape.constant(np.full(shape, number), dtype))

    return create


functional = {name: FUNCTIONS[name] for name in "layer_norm cross_entropy softplus silu".split()}
MODULE = types.SimpleNamespace(
    **FUNCTIONS,
    cat=cat,
    stack=stack,
    tensor=leaf,
    zeros=made(0),
    ones=made(1),
    zeros_like=lambda t: Tensor(tape.zeros_like(t.read())),
    ones_like=lambda t: Tensor(tape.constant(np.ones(t.shape), t.dtype)),
    no_grad=lambda: recording(False),
    synchronize=lambda: None,
    nn=types.SimpleNamespace(functional=types.SimpleNamespace(**functional)),
    autograd=types.SimpleNamespace(
        grad=mirror.grad,
        forward_ad=types.SimpleNamespace(dual_level=dual_level, make_dual=make_dual, unpack_dual=unpack_dual),
    ),
    **{name: name for name in ("float32", "float64", "int32", "int64", "bool")},
)


@contextlib.contextmanager
def run(noise=None):
    """One run of the truth, from a clean start."""
    Mode.recording, Mode.noise = True, noise
    DUALS.clear()
    try:
        with np.errstate(all="ignore"):
            yield MODULE
    finally:
        Mode.recording, Mode.noise = True, None
        DUALS.clear()
