"""The truth beside the machines: a small tape in NumPy, in float64, that shares no code with what it judges.

A `Value` is an immutable array with its edges: pairs of an operand and the function that pulls a cotangent back to it.
Pullbacks are written in operations on values, so a gradient has edges of its own when it is recorded, and every order
of derivative exists. Views and writes in place are no matter of this file: `mirror.py` makes them functions of values.

A value knows the dtype that the program gives it, although its numbers are float64. That is for the second run,
which is noisy: each result is moved by a random part of its dtype's rounding unit, and a decision (a comparison, the
side of a kink) that rounding might turn is turned. Two runs that agree closely say that the program's result is
well determined there, and how close a correct library must come; where they do not, nothing can be said.
"""

import heapq
import itertools

import numpy as np

UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}
RANK = {"bool": 0, "int32": 1, "int64": 2, "float32": 3, "float64": 4}
KIND = {"bool": 0, "int32": 1, "int64": 1, "float32": 2, "float64": 2}
LARGEST = {"float32": float(np.finfo(np.float32).max)}  # float64 overflows by itself
STORED = {
    "bool": np.bool_,
    "int32": np.int32,
    "int64": np.int64,
    "float32": np.float64,
    "float64": np.float64,
}


class Mode:
    """What a run of the truth is doing: whether it records, and its noise."""

    recording = True
    noise = None


class Noise:
    """Rounding errors, and which near decisions turn: all of them, or each by chance."""

    MARGIN = 2000  # rounding units, of the largest number in sight: what a few hundred rounds may add up to

    def __init__(self, seed, turn=1.0, unit=UNIT["float32"]):
        self.unit = unit  # of the least exact dtype that the program has: its errors get everywhere
        self.rng = np.random.default_rng(seed)
        self.pool = self.rng.uniform(-1, 1, 1 << 15)
        self.turn = turn
        self.digits = self.rng.uniform(1e5, 1e6)

    def like(self, a):
        """Errors by chance, one of all elements together, and one that a value always has: a function that is a unit
        off somewhere is that in each round, and errors that do not change add up as chance ones do not."""
        common = 2 * self.rng.random() - 1 + self.lasting(a)
        if a.size > len(self.pool) // 2:
            return common + np.resize(np.roll(self.pool, self.rng.integers(len(self.pool))), a.shape)
        start = self.rng.integers(len(self.pool) // 2)
        return common + self.pool[start : start + a.size].reshape(a.shape)

    def lasting(self, a):
        """Between -1 and 1, by the digits of each element."""
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(2 * (np.frexp(a)[0] * self.digits % 1) - 1, nan=0.0)

    def turned(self, distance, scale, dtype):
        """Which decisions on the sign of `distance` turn; exact ties never do."""
        unit = self.unit if dtype in UNIT else 0
        near = (np.abs(distance) < self.MARGIN * unit * scale + unit**2) & (distance != 0)
        return near & (self.rng.random(near.shape) < self.turn) if self.turn < 1 and near.any() else near


class Value:
    __slots__ = ("data", "dtype", "edges", "hooks", "order", "owner", "retained")
    count = itertools.count()

    def __init__(self, data, dtype, edges=(), owner=None):
        self.data, self.dtype, self.edges, self.owner = data, dtype, edges, owner
        self.order, self.hooks, self.retained = next(Value.count), (), None

    @property
    def shape(self):
        return self.data.shape

    @property
    def wanted(self):
        """Whether gradients lead here."""
        return bool(self.edges) or self.owner is not None


def make(data, dtype, *edges, rounded=True, magnitude=None):
    """A result; `magnitude`: what its rounding error is proportional to, where that is not the result."""
    data = np.asarray(data, STORED[dtype])
    if rounded and Mode.noise is not None and dtype in UNIT:
        data = data + UNIT[dtype] * Mode.noise.like(data) * np.abs(data if magnitude is None else magnitude)
    if dtype in LARGEST and rounded:  # what the program computes from an overflow is no matter of rounding
        data = np.where(np.abs(data) > LARGEST[dtype], np.copysign(np.inf, data), data)
    value = Value(data, dtype)
    connect(value, *edges)
    return value


def connect(value, *edges):
    if Mode.recording and KIND[value.dtype] == 2:
        value.edges = tuple((operand, pull) for operand, pull in edges if operand.wanted)


def constant(data, dtype):
    return Value(np.asarray(data, STORED[dtype]), dtype)


# ---- decisions ----


def above(a, b=0.0, dtype=None, equal=False):
    """Where a > b, or a >= b, elementwise as an array; near ones turn in a noisy run."""
    distance = np.asarray(a, np.float64) - b
    result = distance >= 0 if equal else distance > 0
    if Mode.noise is not None and distance.size:
        scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0) if np.ndim(b) else abs(b))
        result = result ^ Mode.noise.turned(distance, scale, dtype)
    return result


# ---- geometry: nothing is rounded ----


def sum_to(g, shape):
    """Undoes broadcasting."""
    if g.shape == shape:
        return g
    lead = len(g.shape) - len(shape)
    axes = tuple(range(lead)) + tuple(
        lead + k for k, n in enumerate(shape) if n == 1 and g.shape[lead + k] != 1
    )
    return reshape(total(g, axes), shape)


def spread(a, shape):
    if a.shape == shape:
        return a
    return make(np.broadcast_to(a.data, shape), a.dtype, (a, lambda g: sum_to(g, a.shape)), rounded=False)


def reshape(a, shape):
    if a.shape == shape:
        return a
    return make(a.data.reshape(shape), a.dtype, (a, lambda g: reshape(g, a.shape)), rounded=False)


def permute(a, axes):
    back = tuple(np.argsort(axes))
    return make(a.data.transpose(axes), a.dtype, (a, lambda g: permute(g, back)), rounded=False)


def index(a, at):
    """Elements at a basic index, or at one integer array: no element twice."""
    return make(a.data[at], a.dtype, (a, lambda g: put(zeros_like(a), at, g)), rounded=False)


def put(a, at, value):
    """`a` with the elements at an index replaced."""
    data = np.array(a.data)
    data[at] = value.data

    def pull(g):
        return put(g, at, zeros_like(index(g, at)))

    return make(data, a.dtype, (a, pull), (value, lambda g: sum_to(index(g, at), value.shape)), rounded=False)


def zeros_like(a):
    return constant(np.zeros_like(a.data), a.dtype)


def join(values, axis):
    ends = np.cumsum([0] + [v.shape[axis] for v in values])
    edges = [
        (v, lambda g, at=(slice(None),) * axis + (slice(i, j),): index(g, at))
        for v, i, j in zip(values, ends, ends[1:])
    ]
    return make(np.concatenate([v.data for v in values], axis), values[0].dtype, *edges, rounded=False)


def convert(a, dtype):
    if a.dtype == dtype:
        return a
    if KIND[a.dtype] == 2 and KIND[dtype] < 2:
        data = a.data != 0 if dtype == "bool" else np.trunc(a.data)
        if Mode.noise is not None and dtype != "bool":
            whole = np.where(data == 0, 1.0, data)  # 0 is a jump nowhere near
            scale = np.abs(a.data).max(initial=0)
            data = data + Mode.noise.turned(a.data - whole, scale, a.dtype) * np.sign(whole)
        return constant(data.astype(STORED[dtype]), dtype)
    narrower = RANK[dtype] < RANK[a.dtype] or KIND[a.dtype] == 1
    return make(a.data, dtype, (a, lambda g: convert(g, a.dtype)), rounded=narrower)


# ---- arithmetic ----


def mask(where, a):
    """`a` where an array is true, 0 elsewhere."""
    return make(np.where(where, a.data, 0), a.dtype, (a, lambda g: mask(where, g)), rounded=False)


def choose(where, a, b, dtype):
    data = np.where(where, a.data, b.data)
    pull = lambda operand, side: lambda g: sum_to(mask(side, g), operand.shape)
    return make(data, dtype, (a, pull(a, where)), (b, pull(b, ~where)), rounded=False)


def scale(a, number):
    return make(a.data * number, a.dtype, (a, lambda g: scale(g, number)))


def add(a, b, dtype=None):
    dtype = dtype or a.dtype
    data = a.data | b.data if dtype == "bool" else a.data + b.data
    return make(data, dtype, (a, lambda g: sum_to(g, a.shape)), (b, lambda g: sum_to(g, b.shape)))


def sub(a, b, dtype=None):
    edges = (a, lambda g: sum_to(g, a.shape)), (b, lambda g: sum_to(scale(g, -1), b.shape))
    return make(a.data - b.data, dtype or a.dtype, *edges)


def mul(a, b, dtype=None):
    edges = (a, lambda g: sum_to(mul(g, b), a.shape)), (b, lambda g: sum_to(mul(g, a), b.shape))
    return make(a.data * b.data, dtype or a.dtype, *edges)


def div(a, b, dtype=None):
    out = make(a.data / b.data, dtype or a.dtype)
    by = lambda g: div(g, b)
    connect(out, (a, lambda g: sum_to(by(g), a.shape)), (b, lambda g: sum_to(mul(scale(by(g), -1), out), b.shape)))  # fmt: skip
    return out


def extreme(a, b, sign, dtype=None):
    """The larger (sign 1) or the smaller (-1); a tie divides the gradient."""
    dtype = dtype or a.dtype
    first = above(sign * a.data, sign * b.data, dtype)
    tie = a.data == b.data
    pull = lambda operand, side: lambda g: sum_to(add(mask(side & ~tie, g), mask(tie, scale(g, 0.5))), operand.shape)  # fmt: skip
    data = np.maximum(a.data, b.data) if sign > 0 else np.minimum(a.data, b.data)
    return make(data, dtype, (a, pull(a, first)), (b, pull(b, ~first)), rounded=False)


def clamp(a, low, high):
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    inside = np.ones(a.shape, bool)
    for bound, sign in ((low, 1), (high, -1)):
        if np.isfinite(bound):
            inside &= above(sign * a.data, sign * bound, a.dtype, equal=True)
    return make(np.clip(a.data, low, high), a.dtype, (a, lambda g: mask(inside, g)), rounded=False)


def magnitude(a):
    sign = np.where(above(a.data, 0.0, a.dtype, equal=True), 1.0, -1.0) * (a.data != 0)
    return make(np.abs(a.data), a.dtype, (a, lambda g: mul(g, constant(sign, a.dtype))), rounded=False)


def relu(a):
    positive = above(a.data, 0.0, a.dtype)
    return make(np.maximum(a.data, 0), a.dtype, (a, lambda g: mask(positive, g)), rounded=False)


def smooth(function, slope):
    """A function of one variable; its slope is a function of (g, operand, result)."""

    def apply(a):
        out = make(function(a.data), a.dtype)
        connect(out, (a, lambda g: slope(g, a, out)))
        return out

    return apply


def one(a, factor=1.0):
    return constant(np.full((), factor), a.dtype)


square = smooth(np.square, lambda g, a, y: mul(g, scale(a, 2)))
exp = smooth(np.exp, lambda g, a, y: mul(g, y))
expm1 = smooth(np.expm1, lambda g, a, y: mul(g, exp(a)))
log = smooth(np.log, lambda g, a, y: div(g, a))
log1p = smooth(np.log1p, lambda g, a, y: div(g, add(a, one(a))))
sqrt = smooth(np.sqrt, lambda g, a, y: div(g, scale(y, 2)))
sin = smooth(np.sin, lambda g, a, y: mul(g, cos(a)))
cos = smooth(np.cos, lambda g, a, y: mul(g, scale(sin(a), -1)))
tanh = smooth(np.tanh, lambda g, a, y: mul(g, sub(one(a), square(y))))
atan = smooth(np.arctan, lambda g, a, y: div(g, add(square(a), one(a))))
sigmoid = smooth(lambda a: 0.5 + 0.5 * np.tanh(0.5 * a), lambda g, a, y: mul(g, mul(y, sub(one(a), y))))


def softplus(a):
    """Straight above 20, by definition."""
    straight = above(a.data, 20.0, a.dtype)
    y = make(np.where(straight, a.data, np.logaddexp(0, a.data)), a.dtype)
    connect(y, (a, lambda g: add(mask(straight, g), mask(~straight, mul(g, sigmoid(a))))))
    return y


reciprocal = smooth(lambda a: 1 / a, lambda g, a, y: mul(g, scale(square(y), -1)))
cube = smooth(lambda a: a**3, lambda g, a, y: mul(g, scale(square(a), 3)))


# ---- reductions and products ----


def total(a, axes, keepdims=False):
    axes = tuple(sorted(k % max(len(a.shape), 1) for k in axes))
    if not axes:
        return a
    kept = tuple(1 if k in axes else n for k, n in enumerate(a.shape))
    dtype = a.dtype if KIND[a.dtype] == 2 else "int64"
    error = np.abs(a.data).sum(axes, keepdims=keepdims) if Mode.noise is not None else None
    data = a.data.sum(axes, keepdims=keepdims, dtype=STORED[dtype])
    return make(data, dtype, (a, lambda g: spread(reshape(g, kept), a.shape)), magnitude=error)


def largest(a, axis, keepdims=False):
    """The maximum along an axis; ties divide the gradient."""
    top = a.data.max(axis, keepdims=True)
    at = above(a.data - top, 0.0, a.dtype, equal=True) if Mode.noise is None else _near_top(a, top)
    share = at / at.sum(axis, keepdims=True)

    def pull(g):
        return mul(spread(reshape(g, top.shape), a.shape), constant(share, a.dtype))

    data = top if keepdims else top.squeeze(axis)
    return make(data, a.dtype, (a, pull), rounded=False)


def _near_top(a, top):
    distance = a.data - top
    return (distance == 0) ^ Mode.noise.turned(distance, np.abs(a.data).max(initial=0), a.dtype)


def product(a, b, dtype=None):
    """a @ b for vectors, matrices, and a stack of matrices times a matrix."""
    if len(b.shape) == 1:
        out = product(a, reshape(b, (*b.shape, 1)), dtype)
        return reshape(out, out.shape[:-1])
    if len(a.shape) == 1:
        out = product(reshape(a, (1, *a.shape)), b, dtype)
        return reshape(out, out.shape[1:])
    if len(a.shape) > 2:
        out = product(reshape(a, (-1 if a.data.size else 0, a.shape[-1])), b, dtype)
        return reshape(out, (*a.shape[:-1], b.shape[-1]))
    # BLAS adds up in an order of its own, in long runs.
    error = a.shape[1] ** 0.5 * (np.abs(a.data) @ np.abs(b.data)) if Mode.noise is not None else None
    edges = (a, lambda g: product(g, permute(b, (1, 0)))), (b, lambda g: product(permute(a, (1, 0)), g))
    return make(a.data @ b.data, dtype or a.dtype, *edges, magnitude=error)


def running_sum(a, axis):
    error = np.abs(a.data).cumsum(axis) if Mode.noise is not None else None
    pull = lambda g: flip(running_sum(flip(g, axis), axis), axis)
    return make(a.data.cumsum(axis), a.dtype, (a, pull), magnitude=error)


def flip(a, axis):
    return make(np.flip(a.data, axis), a.dtype, (a, lambda g: flip(g, axis)), rounded=False)


# ---- reverse and forward ----


def pull_back(root, cotangent, arrive):
    """Walks from a root to everything wanted, latest first; `arrive(value, cotangent)` may change the cotangent."""
    cotangents, heap, values = {root: cotangent}, [(-root.order, root.order)], {root.order: root}
    while heap:
        value = values[heapq.heappop(heap)[1]]
        g = arrive(value, cotangents.pop(value))
        for operand, pull in value.edges:
            piece = convert(pull(g), operand.dtype)
            if operand in cotangents:
                cotangents[operand] = add(cotangents[operand], piece)
            else:
                cotangents[operand] = piece
                values[operand.order] = operand
                heapq.heappush(heap, (-operand.order, operand.order))


def gradient(root, cotangent, targets):
    """The cotangents of some values, None for those which the root does not depend on."""
    found = dict.fromkeys(targets)

    def arrive(value, g):
        if value in found:
            found[value] = g
        return g

    pull_back(root, cotangent, arrive)
    return [found[t] for t in targets]


def push_forward(value, primals, tangents):
    """The tangent of a value: the pullback is linear in its cotangent, and the pullback of that is the pushforward."""
    before, Mode.recording = Mode.recording, True
    seed = Value(np.zeros(value.shape), value.dtype, owner="a cotangent")
    pieces = []
    for g, tangent in zip(gradient(value, seed, primals), tangents):
        if g is not None and g.wanted:
            pieces += [p for p in gradient(g, tangent, [seed]) if p is not None]
    Mode.recording = before
    if not pieces:
        return None
    result = pieces[0]
    for piece in pieces[1:]:
        result = add(result, piece)
    return result
