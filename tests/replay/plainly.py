"""A compiled function beside the same function as it is: values to the bit, gradients, effects, errors."""

import copy
import warnings

import pullback as pb


def same(a, b):
    """Whether two results are the same, to the bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, pb.Tensor):
        if (a.shape, a.dtype, a.stride(), a.requires_grad, a.is_leaf) != (
            b.shape,
            b.dtype,
            b.stride(),
            b.requires_grad,
            b.is_leaf,
        ):
            return False
        if type(a.grad_fn) is not type(b.grad_fn) or repr(a.grad_fn)[:20] != repr(b.grad_fn)[:20]:
            return False
        x, y = a.detach(), b.detach()
        return bool(((x == y) | ((x != x) & (y != y))).all())
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b or (a != a and b != b)


def tensors_in(o):
    if isinstance(o, pb.Tensor):
        return [o]
    if isinstance(o, dict):
        o = o.values()
    if isinstance(o, (list, tuple)) or type(o).__name__ == "dict_values":
        return [t for each in o for t in tensors_in(each)]
    if isinstance(o, pb.nn.Module):
        return [*o.parameters(), *o.buffers()]
    return []


def outcome(function, args, kwargs):
    """What a call gives or raises, the arguments after it, and their gradients."""
    pb.manual_seed(0)
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        result = (type(error).__name__, str(error))
    after = [
        (t.detach().clone(), None if t.grad is None else t.grad.clone(), t._version)
        for t in tensors_in((args, kwargs))
    ]
    drawn = pb.rand(2)
    return result, after, drawn


def copied(o):
    """Other tensors of the same values."""
    if isinstance(o, pb.Tensor):
        new = o.detach().clone().requires_grad_(o.requires_grad)
        return new
    if isinstance(o, (list, tuple)):
        return type(o)(map(copied, o))
    if isinstance(o, dict):
        return {key: copied(value) for key, value in o.items()}
    return copy.deepcopy(o) if isinstance(o, pb.nn.Module) else o


def assert_same(compiled, plain, *args, **kwargs):
    """One call of each, on arguments of their own."""
    mine, theirs = (copied(args), copied(kwargs)), (copied(args), copied(kwargs))
    a, b = outcome(compiled, *mine), outcome(plain, *theirs)
    assert same(a, b), (a, b)
    sums = []
    for found, (given, named) in ((a, mine), (b, theirs)):
        roots = [t.sum() for t in tensors_in(found[0]) if t.requires_grad and t.grad_fn is not None]
        if not roots:
            return a[0]
        total = sum(roots[1:], roots[0]) if all(not r.is_complex() for r in roots) else roots[0].abs()
        leaves = [t for t in tensors_in((given, named)) if t.requires_grad and t.is_leaf]
        try:
            grads = pb.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
        except RuntimeError as error:
            grads = str(error)[:60]
        sums.append(list(grads) if not isinstance(grads, str) else grads)
        if isinstance(grads, str):
            continue
        second = [g.square().sum() for g in grads if g is not None and g.requires_grad]
        if second:
            sums[-1] += list(pb.autograd.grad(sum(second[1:], second[0]), leaves, allow_unused=True))
    assert same(sums[0], sums[1]), sums
    return a[0]


def refused(compiled, *args, **kwargs):
    """Call three times; the reason why it runs as usual."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            compiled(*args, **kwargs)
    said = [str(w.message) for w in caught if "pb.compile" in str(w.message)]
    assert len(said) == 1, said
    return said[0]


def replays(compiled):
    """How many calls were replayed."""
    return sum(trace.figures()["calls"] - 1 for trace in compiled._traces)


def reason(compiled):
    """Why it runs as usual, or None."""
    return compiled._slow.__self__.reason
