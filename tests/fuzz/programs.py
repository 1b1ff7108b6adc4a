"""Random programs over views, writes in place and operators, which NumPy, pullback and PyTorch can all run.

A program is a list of steps; a step names an operation, the values it reads by number, and plain parameters.
Values are numbered as they are made. A view shares memory in all three libraries: a write through one of them
is seen by its relatives everywhere.
"""

import numpy as np

LIMIT = 150  # elements of a value


def _at(dim, index):
    return (slice(None),) * dim + (index,)


# name: (in NumPy, in the tensor library); both are given the values, then the parameters.
VIEWS = {
    "select": (lambda a, d, i: a[(*_at(d, i), ...)], lambda m, t, d, i: t.select(d, i)),
    "slice": (lambda a, d, s: a[_at(d, slice(*s))], lambda m, t, d, s: t[_at(d, slice(*s))]),
    "transpose": (lambda a, d, e: a.swapaxes(d, e), lambda m, t, d, e: t.transpose(d, e)),
    "unsqueeze": (lambda a, d: np.expand_dims(a, d), lambda m, t, d: t.unsqueeze(d)),
    "flatten": (lambda a: a.reshape(-1), lambda m, t: t.view(-1)),
    "diagonal": (lambda a: np.einsum("ii->i", a), lambda m, t: t.diagonal()),
    "expand": (lambda a, n: np.broadcast_to(a, (n, *a.shape)), lambda m, t, n: t.expand(n, *t.shape)),
}
UNARY = {
    "sin": (np.sin, lambda m, t: t.sin()),
    "tanh": (np.tanh, lambda m, t: t.tanh()),
    "square": (np.square, lambda m, t: t.square()),
    "affine": (lambda a: 1 - 0.5 * a, lambda m, t: 1 - 0.5 * t),
    "sum": (np.sum, lambda m, t: t.sum()),
    "clone": (np.copy, lambda m, t: t.clone()),
}
ALONG = {
    "sum_dim": (lambda a, d: a.sum(d), lambda m, t, d: t.sum(d)),
    "index": (lambda a, d: a[_at(d, [0, -1, 0])], lambda m, t, d: t[_at(d, [0, -1, 0])]),
    "cat": (lambda a, d: np.concatenate([a, 2 * a], d), lambda m, t, d: m.cat([t, 2 * t], d)),
}
BINARY = {
    "add": (lambda a, b: a + b, lambda m, t, u: t + u),
    "sub": (lambda a, b: a - b, lambda m, t, u: t - u),
    "mul": (lambda a, b: a * b, lambda m, t, u: t * u),
    "div": (lambda a, b: a / (2 + b * b), lambda m, t, u: t / (2 + u * u)),
    "atan2": (lambda a, b: np.arctan2(a, b + 4), lambda m, t, u: m.atan2(t, u + 4)),
    "outer": (lambda a, b: a[..., None] * b.sum(), lambda m, t, u: t.unsqueeze(-1) * u.sum()),
}


def _write(function):
    def written(a, *rest):
        a[...] = function(a.copy(), *rest)
        return a

    return written


WRITES = {
    "sin_": (_write(np.sin), lambda m, t: t.sin_()),
    "tanh_": (_write(np.tanh), lambda m, t: t.tanh_()),
    "scale_": (_write(lambda a: 0.5 * a), lambda m, t: t.mul_(0.5)),
    "fill_": (_write(lambda a: 0 * a + 0.25), lambda m, t: t.fill_(0.25)),
}
WRITES_OF_TWO = {
    "add_": (_write(lambda a, b: a + b), lambda m, t, u: t.add_(u)),
    "mul_": (_write(lambda a, b: a * b), lambda m, t, u: t.mul_(u)),
    "sub_scaled_": (_write(lambda a, b: a - 0.5 * b), lambda m, t, u: t.sub_(u, alpha=0.5)),
    "assign": (_write(lambda a, b: 0 * a + b), lambda m, t, u: t.__setitem__(..., u)),
    "copy_": (_write(lambda a, b: 0 * a + b), lambda m, t, u: t.copy_(u)),
}
ALL = VIEWS | UNARY | ALONG | BINARY | WRITES | WRITES_OF_TWO
ALL["matmul"] = (lambda a, b: a @ b, lambda m, t, u: m.matmul(t, u))


def run(program, leaves, module=None):
    """The values of a program: NumPy arrays, or tensors of `module`."""
    values = [np.array(leaf) if module is None else leaf * 1 for leaf in leaves]
    for name, reads, parameters in program:
        operands = [
            values[i].copy() if c and module is None else values[i].clone() if c else values[i]
            for i, c in reads
        ]
        if module is None:
            made = ALL[name][0](*operands, *parameters)
            values.append(made if isinstance(made, np.ndarray) else np.array(made))
        else:
            made = ALL[name][1](module, *operands, *parameters)
            values.append(operands[0] if made is None else made)
    return values


def build(choices, shapes):
    """A program from a stream of numbers; steps that do not apply are left out."""
    rest = iter(choices)
    pick = lambda n: next(rest) % n if n > 0 else 0
    leaves = [np.random.default_rng(k).uniform(-1, 1, shape) for k, shape in enumerate(shapes)]
    program = []
    try:
        while True:
            values = run(program, leaves)
            step = _step(values, pick, program)
            if step is None:
                continue
            made = run([*program, step], leaves)[-1]
            if made.size <= LIMIT and made.ndim <= 4 and np.all(np.abs(made) < 50):
                program.append(step)
    except StopIteration:
        return program


def _expanded(program, index, leaves):
    """Whether a value has several indices at one element: it is a view of an expanded one."""
    while index >= leaves:
        name, reads, _ = program[index - leaves]
        if name == "expand":
            return True
        if name not in VIEWS and name not in WRITES and name not in WRITES_OF_TWO:
            return False
        index = reads[0][0]
    return False


def _step(values, pick, program):
    leaves = len(values) - len(program)
    index = len(values) - 1 - pick(min(len(values), 5))  # the latest are the likeliest
    a = values[index]
    kind = pick(8)
    if kind <= 1:
        return _view(a, index, pick)
    if kind == 2:
        return (list(UNARY)[pick(len(UNARY))], [(index, pick(3) > 0)], ())
    if kind == 3:
        if a.ndim == 0 or 0 in a.shape:
            return None
        return (list(ALONG)[pick(len(ALONG))], [(index, pick(2) > 0)], (pick(a.ndim),))
    other = pick(len(values))
    b = values[other]
    if kind == 4:
        if a.ndim == 2 and b.ndim == 2 and a.shape[1] == b.shape[0]:
            return ("matmul", [(index, pick(2) > 0), (other, pick(2) > 0)], ())
        try:
            np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            return None
        return (list(BINARY)[pick(len(BINARY))], [(index, pick(3) > 0), (other, pick(3) > 0)], ())
    if _expanded(program, index, leaves):
        return None
    if kind == 5:
        return (list(WRITES)[pick(len(WRITES))], [(index, False)], ())
    try:
        if np.broadcast_shapes(a.shape, b.shape) != a.shape:
            return None
    except ValueError:
        return None
    # What overlaps in another order is refused, as by PyTorch, so it is read from a copy.
    copy = bool(pick(2)) or (other != index and np.may_share_memory(a, b))
    return (list(WRITES_OF_TWO)[pick(len(WRITES_OF_TWO))], [(index, False), (other, copy)], ())


def _view(a, index, pick):
    name = list(VIEWS)[pick(len(VIEWS))]
    if name == "expand":
        parameters = (1 + pick(3),)
    elif name == "unsqueeze":
        parameters = (pick(a.ndim + 1),)
    elif name == "flatten":
        if not a.flags.c_contiguous:
            return None
        parameters = ()
    elif name == "diagonal":
        if a.ndim != 2:
            return None
        parameters = ()
        if a.shape[0] != a.shape[1]:
            return None
    elif a.ndim == 0:
        return None
    else:
        d = pick(a.ndim)
        if name == "transpose":
            parameters = (d, pick(a.ndim))
        elif name == "select":
            if a.shape[d] == 0:
                return None
            parameters = (d, pick(a.shape[d]))
        else:
            start = pick(a.shape[d] + 1)
            parameters = (d, (start, start + pick(a.shape[d] + 1), 1 + pick(2)))
    return (name, [(index, False)], parameters)
