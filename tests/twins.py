"""One expression, evaluated with pullback and with PyTorch: everything that a program can see has to agree.

Expressions are strings over `m`, the module, and tensors made by `inputs`, so that both libraries run the
same text.
"""

import re
import warnings

import numpy as np

import pullback as pb
from pullback import _core


def evaluate(source, module, inputs):
    """(result, exception, warnings) of an expression."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return eval(source, {"m": module, **inputs}), None, caught
        except Exception as error:
            return None, error, caught


def flat(result):
    """The tensors in a result, in order."""
    return [t for each in result for t in flat(each)] if isinstance(result, (tuple, list)) else [result]


def outcome(call):
    """(the tensors that a call returned, what it raised), whatever it warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return flat(call()), None
        except Exception as error:
            return None, error


def is_tensor(value):
    return hasattr(value, "grad_fn")


def facts(t):
    """What can be seen of a tensor, in words that are the same for both libraries."""
    return {
        "dtype": str(t.dtype).split(".")[-1],
        "shape": tuple(t.shape),
        "stride": tuple(t.stride()),
        "offset": t.storage_offset(),
        "requires_grad": t.requires_grad,
        "leaf": t.is_leaf,
        "grad_fn": t.grad_fn.name().split("::")[-1] if t.grad_fn is not None else None,
        "view": t._is_view(),
        "version": t._version,
    }


def same_values(ours, theirs):
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-6, atol=1e-6)


def first_sentence(message):
    return re.split(r"\. |\n|\(Triggered", str(message))[0].rstrip(". ")


def without_position(message):
    """PyTorch does not count the tensor of a method call; one object serves functions and methods here."""
    return re.sub(r" \(position \d+\)", "", str(message))


def names(t, depth=9):
    """The names on the tape from `t` down, nested."""

    def walk(node, depth):
        if node is None or depth == 0:
            return None
        return (node.name().split("::")[-1], *(walk(n, depth - 1) for n, _ in node.next_functions))

    return walk(t.grad_fn, depth)


def check_twins(source, inputs, but=(), gradients=True):
    """Both libraries agree on `source`; `inputs(module)` makes fresh tensors, of which `x` is differentiated.

    `but` names facts that are known to differ.
    """
    import torch

    mine, theirs = inputs(pb), inputs(torch)
    a, error_a, warned_a = evaluate(source, pb, mine)
    b, error_b, warned_b = evaluate(source, torch, theirs)
    kinds = [type(error).__name__.lstrip("_") for error in (error_a, error_b)]  # PyTorch's _LinAlgError
    assert kinds[0] == kinds[1], f"{error_a!r} instead of {error_b!r}"
    if error_b is not None:
        wanted = without_position(first_sentence(error_b))
        assert without_position(error_a).startswith(wanted), f"{error_a}\ninstead of\n{wanted}"
        return
    said = [first_sentence(w.message) for w in warned_b]
    assert [first_sentence(w.message) for w in warned_a][: len(said)] == said
    if not any(map(is_tensor, flat(b))):
        if hasattr(b, "__next__"):
            a, b = list(a), list(b)
        assert a == b or repr(a).replace("pullback", "torch") == repr(b)
        return
    assert isinstance(a, (tuple, list)) == isinstance(b, (tuple, list))
    a, b = flat(a), flat(b)
    assert len(a) == len(b)
    for p, q in zip(a, b):
        same_values(p, q)
        left, right = facts(p), facts(q)
        if not q.is_floating_point():  # only what has derivatives remembers its base
            left.pop("view"), right.pop("view")
        for name in but:
            left.pop(name, None), right.pop(name, None)
        assert left == right
    if gradients and any(t.requires_grad for t in b):
        check_gradients(a, b, mine, theirs)


def check_gradients(a, b, mine, theirs):
    """First and second derivatives of a weighted sum of squares."""
    import torch

    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(tuple(t.shape)) for t in b]
    x, z = mine["x"], theirs["x"]

    def loss(module, ts):
        total = 0
        for t, w in zip(ts, weights):
            if t.requires_grad:
                w = module.tensor(w).to(t.dtype) if module is torch else pb.tensor(w, dtype=t.dtype)
                total = total + (t * t * t * w).sum()
        return total

    (g,) = _core.run_backward((loss(pb, a),), (None,), (x,), True, True, True, False)
    (h,) = torch.autograd.grad(loss(torch, b), (z,), create_graph=True)
    same_values(g, h)
    if not h.requires_grad:  # PyTorch cuts the graph where nothing is left of it
        same_values(g, h)
        return
    direction = rng.standard_normal(tuple(z.shape))
    (g2,) = _core.run_backward(((g * pb.tensor(direction)).sum(),), (None,), (x,), True, False, True, False)
    (h2,) = torch.autograd.grad((h * torch.tensor(direction)).sum(), (z,), allow_unused=True)
    assert (g2 is None) == (h2 is None)
    if h2 is not None:
        np.testing.assert_allclose(g2.numpy(), h2.numpy(), rtol=1e-6, atol=1e-5)
    (alone,) = _core.run_backward((loss(pb, a),), (None,), (x,), False, False, True, False)
    same_values(alone, h)
