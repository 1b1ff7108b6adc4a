"""What a random program computes, in NumPy: an independent truth for values and first derivatives.

Floating values are complex128. The real part is the value; the imaginary part is a tiny tangent (the complex step),
so that a backward from a loss is checked by one directional derivative. Views share memory as in pullback; a
detached value is the real part alone, a view of it. What the reference cannot know is NaN and is not compared.
"""

import numpy as np

STEP = 1e-30


class Doubt:
    """What may still be compared: `values`, and `slopes` (derivatives); the size of everything met bounds rounding."""

    def __init__(self):
        self.values = self.slopes = True
        self.recording = True
        self.scale = 1.0
        self.total = 0.0  # of the tangents of all losses that were differentiated
        self.tolerance = 1e-10

    def near(self, distance):
        """Distances to a jump or a kink: rounding may decide on another side."""
        distance = np.abs(distance)
        return bool(np.isnan(distance).any() or (distance < 4 * self.tolerance * self.scale).any())


def real(a):
    return a.real if a.dtype.kind == "c" else a


class Ref:
    def __init__(self, a, doubt):
        self.a, self.doubt = np.asarray(a), doubt
        if self.a.dtype.kind == "f":
            return  # a detached alias
        if self.a.dtype.kind == "c" and self.a.size:
            size = np.max(np.abs(self.a.real))
            if size > doubt.scale:
                doubt.scale = float(size)

    # ---- results ----

    def _made(self, a):
        a = np.array(a)
        if a.dtype.kind in "fc":
            a = a.astype(np.complex128)
            if not self.doubt.recording:
                a.imag = 0
        return Ref(a, self.doubt)

    def _view(self, a):
        return Ref(real(a) if not self.doubt.recording and a.dtype.kind == "c" else a, self.doubt)

    def _kink(self, distance):
        if self.doubt.near(distance):
            self.doubt.slopes = False

    def _jump(self, distance):
        if self.a.dtype.kind in "fc" and self.doubt.near(distance):
            self.doubt.values = self.doubt.slopes = False

    def _float(self):
        return self.a.astype(np.complex128)

    def _of(self, other):
        return other.a if isinstance(other, Ref) else other

    # ---- elementwise ----

    def sin(self):
        return self._made(np.sin(self._float()))

    def cos(self):
        return self._made(np.cos(self._float()))

    def exp(self):
        return self._made(np.exp(self._float()))

    def sqrt(self):
        return self._made(np.sqrt(self._float()))

    def log(self):
        return self._made(np.log(self._float()))

    def tanh(self):
        a = self._float()
        t = np.tanh(a.real)
        return self._made(t + 1j * a.imag * (1 - t * t))

    def sigmoid(self):
        a = self._float()
        s = 0.5 + 0.5 * np.tanh(0.5 * a.real)
        return self._made(s + 1j * a.imag * s * (1 - s))

    def square(self):
        return self._made(self.a * self.a)

    def abs(self):
        self._kink(real(self.a))
        return self._made(self.a * np.sign(real(self.a)))

    def relu(self):
        self._kink(real(self.a))
        return self._made(np.where(real(self.a) <= 0, 0, self.a))

    def clamp(self, low, high):
        r = real(self._float())
        self._kink(r - low)
        self._kink(r - high)
        return self._made(np.where(r < low, low, np.where(r > high, high, self._float())))

    def __neg__(self):
        return self._made(-self.a)

    def __add__(self, other):
        return self._made(self.a + self._of(other))

    def __sub__(self, other):
        return self._made(self.a - self._of(other))

    def __rsub__(self, other):
        return self._made(other - self.a)

    def __mul__(self, other):
        return self._made(self.a * self._of(other))

    def __truediv__(self, other):
        return self._made(self._float() / self._of(other))

    def __rtruediv__(self, other):
        return self._made(other / self._float())

    __radd__, __rmul__ = __add__, __mul__

    def _compare(self, function, other):
        other = self._of(other)
        r, s = real(self.a), real(np.asarray(other))
        if (r.dtype.kind == "f" or s.dtype.kind == "f") and self.doubt.near(r - s):
            self.doubt.values = self.doubt.slopes = False
        return self._made(function(r, s))

    def __gt__(self, other):
        return self._compare(np.greater, other)

    def __le__(self, other):
        return self._compare(np.less_equal, other)

    def ne(self, other):
        return self._compare(np.not_equal, other)

    def __and__(self, other):
        return self._made(self.a & self._of(other))

    def __invert__(self):
        return self._made(~self.a)

    def where(self, mask, other):
        return self._made(np.where(mask.a, self.a, self._of(other)))

    def _extreme(self, other, sign):
        a, b = self._float(), self._of(other).astype(np.complex128)
        self._kink(a.real - b.real)
        larger = np.where(sign * (a.real - b.real) >= 0, a, b)
        return self._made(np.where(np.isnan(a.real + b.real), np.nan, larger))

    def maximum(self, other):
        return self._extreme(other, 1)

    def minimum(self, other):
        return self._extreme(other, -1)

    def atan2(self, other):
        return self._made(np.arctan(self._float() / self._of(other)))  # of a positive `other`

    # ---- dtypes ----

    def double(self):
        return self._made(self._float())

    float = double

    def long(self):
        r = real(self.a)
        if r.dtype.kind == "f":
            self._jump(np.where(np.abs(r) < 0.5, 1, np.abs(r - np.rint(r))))
        return self._made(np.trunc(r).astype(np.int64) if r.dtype.kind == "f" else r.astype(np.int64))

    def bool(self):
        self._jump(real(self.a))
        return self._made(real(self.a) != 0)

    # ---- geometry ----

    @property
    def T(self):
        return self._view(self.a.T)

    def __getitem__(self, index):
        index = index if isinstance(index, tuple) else (index,)
        return self._view(self.a[index if Ellipsis in index else (*index, ...)])

    def view(self, *shape):
        a = self.a.reshape(shape)
        if not np.shares_memory(a, self.a):  # its elements lie in another order here
            self.doubt.values = self.doubt.slopes = False
        return self._view(a)

    def expand(self, *shape):
        strides = np.broadcast_to(self.a, shape).strides
        return self._view(np.lib.stride_tricks.as_strided(self.a, shape, strides))

    def diagonal(self):
        return self._view(np.einsum("ii->i", self.a))

    def clone(self):
        return self._made(self.a.copy())

    def detach(self):
        return Ref(real(self.a), self.doubt)

    @property
    def data(self):
        self.doubt.slopes = False
        return self.detach()

    # ---- reductions, rows, products ----

    def sum(self, dim=None, keepdim=False):
        a = self.a.astype(np.int64) if self.a.dtype.kind == "b" else self.a
        return self._made(a.sum(axis=dim, keepdims=keepdim))

    def mean(self, dim=None, keepdim=False):
        return self._made(self._float().mean(axis=dim, keepdims=keepdim))

    def amax(self, dim):
        a = self.a
        at = np.expand_dims(np.argmax(real(a), dim), dim)
        if a.shape[dim] > 1:
            ordered = np.sort(real(a).astype(np.float64), dim)
            self._kink(np.take(ordered, -1, dim) - np.take(ordered, -2, dim))
        return self._made(np.take_along_axis(a, at, dim).squeeze(dim))

    def max(self):
        return Ref(self.a.reshape(-1), self.doubt).amax(0)

    def softmax(self, dim):
        a = self._float()
        e = np.exp(a - a.real.max(dim, keepdims=True))
        return self._made(e / e.sum(dim, keepdims=True))

    def cumsum(self, dim):
        return self._made(self.a.cumsum(dim))

    def __matmul__(self, other):
        return self._made(self.a @ other.a)

    # ---- writes ----

    def _write(self, value, at=...):
        a, value = self.a, np.array(self._of(value))
        self.doubt.scale = max(self.doubt.scale, float(np.max(np.abs(real(value)), initial=0)))
        if a.dtype.kind == "f" and np.any(value.imag):
            self.doubt.slopes = False  # a detached alias that gets a history of its own
        if a.dtype.kind in "ib" and np.isnan(real(value)).any():
            self.doubt.values = self.doubt.slopes = False
        elif a.dtype.kind != "c":
            a[at] = real(value)
        elif not self.doubt.recording:
            a.real[at] = real(value)
        else:
            a[at] = value
        return self

    def __setitem__(self, index, value):
        if isinstance(index, Ref):
            self._write(np.where(index.a, self._of(value), self.a))
        else:
            self._write(value, index)

    def add_(self, other):
        return self._write(self.a + self._of(other))

    def sub_(self, other, alpha=1):
        return self._write(self.a - alpha * self._of(other))

    def mul_(self, other):
        return self._write(self.a * self._of(other))

    __iadd__, __isub__, __imul__ = add_, sub_, mul_

    def copy_(self, other):
        return self._write(self._of(other))

    fill_ = copy_

    def zero_(self):
        return self._write(0)

    def sin_(self):
        return self._write(self.sin().a)

    def tanh_(self):
        return self._write(self.tanh().a)

    def clamp_(self, low, high):
        return self._write(self.clamp(low, high).a)

    def masked_fill_(self, mask, value):
        return self._write(np.where(mask.a, value, self.a))

    # ---- derivatives ----

    def backward(self):
        self.doubt.total += float(self.a.imag.sum()) / STEP


class Module:
    """What the programs call by name."""

    def __init__(self, doubt):
        self.doubt = doubt

    def leaf(self, seed, shape, dtype, recorded):
        a = data(seed, shape, dtype)
        if a.dtype.kind != "f":
            return Ref(a, self.doubt)
        a = a.astype(np.complex128)
        if recorded:
            a = a + STEP * 1j * direction(seed, shape)
        return Ref(a, self.doubt)

    def unknown(self, *shape):
        return Ref(np.full(shape, complex(np.nan, np.nan)), self.doubt)

    def no_grad(self):
        doubt = self.doubt

        class Off:
            def __enter__(self):
                doubt.recording = False

            def __exit__(self, *_):
                doubt.recording = True

        return Off()

    def where(self, mask, a, b):
        return a.where(mask, b)


def data(seed, shape, dtype):
    a = np.random.default_rng(seed).uniform(-2, 2, shape)
    return np.asarray(a > 0 if dtype == "bool" else 2 * a if dtype == "int64" else a).astype(dtype)


def direction(seed, shape):
    return np.random.default_rng(100 + seed).uniform(-1, 1, shape)
