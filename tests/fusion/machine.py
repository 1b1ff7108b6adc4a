"""Runs the statements of a program and notes everything that can be seen."""

import gc

import numpy as np
from fusion import reference

import pullback as pb
from pullback import _core


class Machine:
    """Runs statements and notes what can be seen."""

    def __init__(self):
        self.trace = []
        self.env = {
            "pb": pb,
            "leaf": self.leaf,
            "see": self.see,
            "reader": self.reader,
            "shared": self.shared,
        }
        self.leaves = {}

    def leaf(self, seed, shape, dtype, recorded):
        t = pb.tensor(reference.data(seed, shape, dtype), requires_grad=recorded)
        self.leaves[seed] = t
        return t

    @staticmethod
    def shared(t):
        return t.detach().numpy()

    def reader(self, name):
        def hook(g):
            self.trace.append(("hook", name))
            self.see(g)

        return hook

    def see(self, *seen):
        for x in seen:
            if isinstance(x, pb.Tensor):
                a = x.detach().numpy()
                x = (*self.looks(x), np.ascontiguousarray(a).tobytes())
            self.trace.append(("seen", x))

    @staticmethod
    def looks(t):
        """What can be seen of a tensor without its bytes."""
        strides = tuple(s for s, n in zip(t.stride(), t.shape) if n > 1)
        try:
            node = t.grad_fn.name() if t.grad_fn is not None else None
            graph = (t.requires_grad, t.is_leaf, node)
        except RuntimeError as stale:  # a view that was taken without a graph
            graph = str(stale)
        return (str(t.dtype), tuple(t.shape), strides, t._version, graph)

    def run(self, k, text):
        """Runs statement k; gives the error, if any."""
        try:
            exec(compile(text, f"statement {k}", "exec"), self.env)
            error = None
        except Exception as raised:
            error = (type(raised).__name__, str(raised))
            raised.__traceback__ = None
        self.trace.append((k, text, error))
        name = text.split(":")[-1].split()[0] if " = " in text else None
        if name in self.env and isinstance(self.env[name], pb.Tensor):
            self.trace.append(self.looks(self.env[name]))
        return error

    def finish(self, backwards):
        names = sorted(n for n in self.env if isinstance(self.env[n], pb.Tensor))
        for name in names[:: -1 if backwards else 1]:
            self.see(name, self.env[name])
        for seed in self.leaves:
            self.see(self.leaves[seed].grad if self.leaves[seed].is_leaf else None)


def clean(machine, start=(0, 0)):
    """Drops everything; gives what is left of pending values and of memory."""
    for seed in machine.leaves:
        machine.leaves[seed].grad = None  # made with create_graph it holds its leaf
    machine.env.clear()
    machine.leaves.clear()
    if (_core.pending(), pb.memory.allocated()) != start:
        gc.collect()
    return _core.pending(), pb.memory.allocated()


def replay(program, deferral, backwards=False):
    """(everything seen, what was left pending, bytes that were not given back)"""
    before = _core.deferral(*deferral)
    threads = pb.get_num_threads()
    machine = Machine()
    start = _core.pending(), pb.memory.allocated()
    try:
        for k, (text, _) in enumerate(program):
            machine.run(k, text)
        machine.finish(backwards)
        pending, memory = clean(machine, start)
    finally:
        _core.deferral(*before)
        pb.set_num_threads(threads)
    return machine.trace, pending - start[0], memory - start[1]


def text_of(program):
    return "\n".join(text for text, _ in program)


def first_difference(a, b):
    for x, y in zip(a, b):
        if x != y:
            return f"{short(x)}\n  deferred: {short(y)}"
    return f"{len(a)} and {len(b)} things seen"


def short(x):
    text = repr(x)
    return text if len(text) < 600 else text[:600] + "..."
