"""pullback's face over the tape in NumPy: tensors that share memory, are written in place and keep gradients.

A cell holds the value of a whole memory; a tensor is a cell and a path of views into it. Reading follows the path.
Writing makes a new value of the cell, in which the elements at the path are replaced, so what a write in place means
for gradients needs no rule of its own: it is a function like any other. A `detach` is a step of the path, too; what is
written through it leaves the history as it was.
"""

import contextlib
from typing import NamedTuple

import numpy as np
from fuzz.machines import tape
from fuzz.machines.tape import KIND, RANK, Mode, Value

NUMBERS = {bool: "bool", int: "int64", float: "float32"}


class Step(NamedTuple):
    get: object
    set: object  # (whole, part) -> whole


DETACH = Step(lambda v: Value(v.data, v.dtype), lambda v, new: Value(new.data, v.dtype, v.edges, v.owner))


class Cell:
    def __init__(self, value, leaf=None):
        self.value, self.leaf = value, leaf

    def write(self, path, new):
        if Mode.recording and self.leaf is not None and DETACH not in path:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        old = self.value
        value = self._replaced(old, path, new)
        if self.leaf is not None or not Mode.recording:
            value = Value(value.data, value.dtype, old.edges, old.owner)
        self.value = value

    def _replaced(self, value, path, new):
        if not path:
            return new
        return path[0].set(value, self._replaced(path[0].get(value), path[1:], new))


class Handle:
    def __init__(self, hooks, hook):
        self.hooks, self.hook = hooks, hook
        hooks.append(hook)

    def remove(self):
        self.hooks.remove(self.hook)


class Tensor:
    def __init__(self, value, path=(), cell=None):
        self.cell = Cell(value) if cell is None else cell
        self.path = path
        self.grad = self.tangent = None
        self.hooks = []

    def read(self):
        value = self.cell.value
        for step in self.path:
            value = step.get(value)
        return value

    def write(self, value):
        current = self.read()
        self.cell.write(self.path, tape.spread(tape.convert(value, current.dtype), current.shape))
        return self

    def see(self, get, set):
        return Tensor(None, (*self.path, Step(get, set)), self.cell)

    shape = property(lambda self: self.read().shape)
    ndim = property(lambda self: len(self.shape))
    dtype = property(lambda self: self.read().dtype)
    requires_grad = property(lambda self: self.read().wanted)

    def requires_grad_(self, wanted=True):
        value = self.read()
        if self.path:  # a detached result: whoever it came from is not looked at again
            self.cell, self.path = Cell(value), ()
        self.cell.leaf = self if wanted else None
        self.cell.value = Value(value.data, value.dtype, owner=self.cell.leaf)
        return self

    def numel(self):
        return self.read().data.size

    def item(self):
        return self.read().data.item()

    def __bool__(self):
        return bool(self.item())

    # ---- views ----

    def detach(self):
        return Tensor(None, (*self.path, DETACH), self.cell)

    @property
    def data(self):
        return self.detach()

    def reshape(self, *shape):
        data = self.read().data
        shaped = data.reshape(shape[0] if isinstance(shape[0], tuple) else shape)
        shape = shaped.shape
        if data.size and not np.shares_memory(data, shaped):  # as of what is expanded: a copy
            return Tensor(tape.reshape(self.read(), shape))
        return self.see(lambda v: tape.reshape(v, shape), lambda v, new: tape.reshape(new, v.shape))

    view = reshape

    @property
    def T(self):
        return self.permute(*range(self.ndim)[::-1])

    def permute(self, *axes):
        back = tuple(np.argsort(axes))
        return self.see(lambda v: tape.permute(v, axes), lambda v, new: tape.permute(new, back))

    def expand(self, *shape):
        return self.see(lambda v: tape.spread(v, shape), None)

    def unsqueeze(self, axis):
        return self.reshape(*np.expand_dims(self.read().data, axis).shape)

    def squeeze(self, axis):
        return self.reshape(*self.read().data.squeeze(axis).shape)

    def __getitem__(self, at):
        if isinstance(at, Tensor):
            at = np.asarray(at.read().data)
            return Tensor(tape.index(self.read(), at))
        at = at if isinstance(at, tuple) else (at,)
        at = at if Ellipsis in at else (*at, ...)  # an array even for one element
        return self.see(lambda v: tape.index(v, at), lambda v, new: tape.put(v, at, new))

    def narrow(self, axis, start, length):
        return self[(slice(None),) * axis + (slice(start, start + length),)]

    def select(self, axis, at):
        return self[(slice(None),) * axis + (at,)]

    def unbind(self, axis=0):
        return tuple(self.select(axis, k) for k in range(self.shape[axis]))

    def __setitem__(self, at, value):
        if isinstance(at, Tensor):
            self.masked_fill_(at, value)
        else:
            self[at].copy_(value)

    # ---- made anew ----

    def clone(self):
        value = self.read()
        return Tensor(tape.make(value.data, value.dtype, (value, lambda g: g), rounded=False))

    contiguous = clone

    def to(self, dtype):
        if self.read().dtype == dtype:  # no conversion is no copy
            return self
        return Tensor(tape.convert(self.read(), dtype))

    float = lambda self: self.to("float32")
    double = lambda self: self.to("float64")
    long = lambda self: self.to("int64")
    bool = lambda self: self.to("bool")

    def flip(self, axis):
        return Tensor(tape.flip(self.read(), axis))

    def roll(self, shift, axis):
        value, shift = self.read(), shift % self.shape[axis]
        at = lambda s: (slice(None),) * axis + (s,)
        parts = [tape.index(value, at(slice(-shift, None))), tape.index(value, at(slice(None, -shift)))]
        return Tensor(tape.join(parts, axis))

    def masked_fill(self, mask, number):
        value = self.read()
        return Tensor(tape.choose(mask.read().data, lift(number, value.dtype), value, value.dtype))

    # ---- gradients ----

    def register_hook(self, hook):
        if self.cell.leaf is self:
            return Handle(self.hooks, hook)
        value = self.read()
        value.hooks = value.hooks or []
        return Handle(value.hooks, hook)

    def retain_grad(self):
        self.read().retained = self

    def backward(self, gradient=None, retain_graph=None, create_graph=False):
        with recording(create_graph):
            for leaf, g in collect(self, gradient).items():
                if leaf.grad is None:
                    leaf.grad = Tensor(Value(g.data, g.dtype, g.edges))
                else:
                    leaf.grad = Tensor(tape.add(leaf.grad.read(), g))


def lift(x, dtype):
    """The value of a tensor or a number, in a dtype."""
    if isinstance(x, Tensor):
        return tape.convert(x.read(), dtype)
    return tape.constant(np.float32(x) if dtype == "float32" else x, dtype)


def promoted(*operands):
    """The dtype of a result: of tensors with axes before those without, and these before numbers."""
    groups = [[], [], []]
    for x in operands:
        if isinstance(x, Tensor):
            groups[0 if x.shape else 1].append(x.dtype)
        else:
            groups[2].append(NUMBERS[type(x)])
    result = None
    for group in groups:
        if group:
            dtype = max(group, key=RANK.get)
            if result is None or KIND[dtype] > KIND[result]:
                result = dtype
    return result


@contextlib.contextmanager
def recording(on):
    before, Mode.recording = Mode.recording, on
    try:
        yield
    finally:
        Mode.recording = before


def collect(root, gradient):
    """The gradients of all leaves, after their hooks."""
    value, leaves = root.read(), {}
    if not value.wanted:
        raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")

    def arrive(value, g):
        for hook in value.hooks:
            changed = hook(Tensor(g))
            g = g if changed is None else changed.read()
        if value.retained is not None:
            value.retained.grad = Tensor(g)
        if value.owner is not None:
            leaves[value.owner] = tape.add(leaves[value.owner], g) if value.owner in leaves else g
        return g

    tape.pull_back(value, lift_ones(root, gradient), arrive)
    for leaf, g in leaves.items():
        for hook in leaf.hooks:
            changed = hook(Tensor(g))
            g = g if changed is None else changed.read()
        leaves[leaf] = g
    return leaves


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=False):
    """Gradients by leaves, or by values that are no views."""
    inputs = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    with recording(create_graph):
        targets = [t.read() for t in inputs]
        found = dict(zip(targets, tape.gradient(outputs.read(), lift_ones(outputs, grad_outputs), targets)))
        leaves = collect(outputs, grad_outputs) if any(t.cell.leaf is t for t in inputs) else {}
        results = [leaves.get(t) if t.cell.leaf is t else found[v] for t, v in zip(inputs, targets)]
    return tuple(None if g is None else Tensor(g) for g in results)


def lift_ones(outputs, given):
    value = outputs.read()
    return tape.constant(np.ones(value.shape), value.dtype) if given is None else given.read()
