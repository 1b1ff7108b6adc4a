"""Worlds: a function, and changes that come between calls; two are made of each case, and in one the function is compiled.

Whatever is called, given, changed or raised has to be the same in both, to the bit.
"""

import linecache
import warnings

from replay.plainly import reason, replays, same

import pullback as pb


def cases():
    """A list of cases, and a decorator that adds one, and says whether its calls are replayed, or None for either."""
    found = []

    def case(replayed):
        def register(make):
            found.append((make, replayed))
            return make

        return register

    return found, case


class Thing:
    scale = 2.0

    def __init__(self, **names):
        self.__dict__.update(names)


class Mine(pb.Tensor):
    pass


def outcome(function, *args, **kwargs):
    pb.manual_seed(0)
    grad = pb.is_grad_enabled()
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        result = (type(error).__name__, str(error))
    finally:
        left = pb.is_grad_enabled()
        pb.set_grad_enabled(grad)
    after = [(t.detach().clone(), t._version) for t in args if isinstance(t, pb.Tensor)]
    grads = []
    roots = [
        t for t in (result if isinstance(result, (list, tuple)) else [result]) if isinstance(t, pb.Tensor)
    ]
    roots = [t.sum() for t in roots if t.requires_grad and t.grad_fn is not None]
    leaves = [t for t in args if isinstance(t, pb.Tensor) and t.requires_grad and t.is_leaf]
    if roots and leaves:
        grads = list(pb.autograd.grad(sum(roots[1:], roots[0]), leaves, allow_unused=True))
    return result, after, grads, left, pb.rand(2)


def check(make, replayed):
    worlds = []
    for is_compiled in (True, False):
        function, *changes = make()
        worlds.append((pb.compile(function) if is_compiled else function, changes))
    (mine, my_changes), (theirs, their_changes) = worlds
    count = most = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in range(len(my_changes) + 1):
            for repeat in range(4):
                generator = pb.Generator().manual_seed(17 * step + repeat % 3)
                x = pb.randn(3, generator=generator) + (0.5 if repeat % 3 else -0.1)
                y = pb.randn(3, generator=generator)
                grad = repeat != 1
                a = outcome(mine, x.clone().requires_grad_(grad), y.clone())
                b = outcome(theirs, x.clone().requires_grad_(grad), y.clone())
                assert same(a, b), (step, repeat, a, b)
                count += 1
                most = max(most, replays(mine))
            if step < len(my_changes):
                my_changes[step]()
                their_changes[step]()
    if replayed is not None:
        assert (most > 0) is replayed, reason(mine)
    return count


def run_with_source(source, space, file):
    """Executes text that has lines, as that of a module has."""
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    exec(compile(source, file, "exec"), space)
