"""Writing in place through views, and into bases that have views: history, values, gradients, errors.

Each program is a list of statements that runs in both libraries; what raises there raises here, and the
program goes on.
"""

import re

import numpy as np
import pytest
from twins import first_sentence

import pullback as pb
from pullback import _core

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

PROGRAMS = """
b = x * 2
v = b[2:8]
v.mul_(3)
z = b
---
b = x * 2
v = b.view(3, 4)
w = v[1]
w.mul_(y[:4])
z = b * y
---
b = x * 2
v = b.view(3, 4)
w = v.t()[1:3]
u = w[:, 1]
u.mul_(y[:2])
z = v + w.sum() + u.sum()
---
b = x * 2
v = b.view(3, 4)
b.mul_(y)
z = v
---
b = x * 2
v = b[3:]
w = b[:6]
b.mul_(y)
v.mul_(y[3:])
w.add_(y[:6])
z = b * v.sum() * w.sum()
---
b = x * 2
v = b[3:]
w = b[:6]
v.mul_(2)
w.exp_()
z = v
---
b = x.clone()
v = b.view(3, 4)
v.t_()
v.mul_(2)
z = b + v.reshape(12)
---
b = x.clone()
b.unsqueeze_(0)
v = b[0, 1:]
v.mul_(y[1:])
z = b
---
v = x[2:]
v.mul_(2)
---
v = x.view(3, 4)
v.t_()
---
v = x.detach()
v.mul_(2)
z = x * 1
---
b = x * 2
u = b.unbind()
u[0].mul_(2)
z = b
---
b = x * 2
u = b.split(4)
u[1].mul_(2)
z = b
---
b = x * 2
u = b.chunk(3)[0]
w = u[1:]
w.mul_(2)
z = b
---
b = x * 2
u = b.chunk(1)[0]
u.mul_(2)
z = b
---
b = x * 2
u = b.tensor_split(3)[0]
u.mul_(2)
z = b
---
b = x * 2
with m.no_grad(): v = b[2:5]
v.mul_(2)
z = b
---
b = x * 2
with m.no_grad(): v = b[2:5]
w = v[1:]
w.mul_(2)
z = b
---
b = x * 2
with m.no_grad(): v = b[2:5]; v.mul_(2)
w = b[1:4]
w.mul_(2)
z = b
---
b = x * 2
with m.no_grad(): v = b[2:5]
b.mul_(2)
f = v.grad_fn
z = b
---
b = x * 2
with m.no_grad(): v = b.unbind()[0]
v.mul_(2)
z = b
---
with m.no_grad(): v = x[2:5]
v.mul_(2)
z = x * 1
---
with m.no_grad(): v = x[2:5]; v.mul_(2)
z = x * v.sum()
---
with m.no_grad(): x.mul_(2)
v = x[2:5]
z = v * y[:3]
---
v = x[2:5]
with m.no_grad(): x.mul_(2)
z = v * y[:3]
---
b = m.zeros(12, dtype=m.float64)
v = b[2:5]
v.copy_(x[:3])
z = b * y
---
b = m.zeros(12, dtype=m.float64)
v = b[2:5]
w = b[3:6]
v.mul_(x[:3])
q = w.requires_grad
z = w * 1
---
b = m.zeros(12, dtype=m.float64)
v = b[2:5]
v.requires_grad_()
w = v * 2
z = w
---
b = m.zeros(12, dtype=m.float64)
v = b[2:5]
b.requires_grad_()
v.mul_(2)
---
b = m.zeros(12, dtype=m.float64)
v = b[2:5]
b.requires_grad_()
q = v.requires_grad
f = v.grad_fn
z = v * 2
---
b = m.zeros(12, dtype=m.float64)
b[2:5] = x[:3]
b[0] = x[4] * y[3]
b[:6] *= y[:6]
z = b
---
b = x * 2
c = b * b
b[0].mul_(3)
z = c
---
b = x * 2
b.retain_grad()
v = b[3:]
v.mul_(y[3:])
z = b
---
b = x * 2
v = b[3:]
v.retain_grad()
b.mul_(y)
z = v
---
b = x * 2
v = b.expand(2, 12)
v.mul_(2)
---
b = x * 2
v = b.as_strided((3, 3), (4, 1), 1)
v.mul_(y.view(3, 4)[:, :3])
w = v.as_strided((2,), (3,), 0)
w.add_(y[5])
z = b + w.sum()
---
b = x.view(3, 4) * 1
v = b.t()
w = v.diagonal()
w.copy_(y[:3])
z = v
---
b = x.view(3, 4).clone()
v = b.t()
v.tril_()
z = b
---
b = x.view(3, 4).t() * 1
v = b[1:3]
v.mul_(y[:6].view(2, 3))
z = b
---
b = x * 2
d = b.detach()
d.add_(1)
c = b * b
d.add_(1)
z = c
---
b = x * 2
v = b.view(3, 4)
r = v.squeeze()
r.mul_(2)
w = v.unsqueeze(0).expand(1, 3, 4)
w.mul_(2)
z = v
---
b = x * 2
v = b[::2]
b.unsqueeze_(0)
v.mul_(2)
z = b
---
b = x * 2
v = b.view(2, 6)
v.transpose_(0, 1)
b.mul_(y)
z = v
---
b = x * 2
v = b.narrow(0, 2, 4)
w = v.narrow(0, 1, 2)
v.mul_(2)
w.mul_(y[:2])
v.add_(w.sum())
z = w
---
b = x * 2
v = b.select(0, 3)
v.fill_(2.0)
z = b
---
b = x * 2
v = b[2:6]
v.zero_()
z = b + v.sum()
---
b = x * 2
b.detach_()
z = x * b
---
b = x * 2
v = b[2:]
v.detach_()
---
b = x * 2
v = b[2:]
b.detach_()
z = x * 1
---
b = x * 2
v = b[2:]
c = m.cat([v, b])
c[3:9].mul_(y[:6])
z = c
---
b = x * 2
v = b.view(3, 4)
for i in range(3): v[i].mul_(y[i])
z = b
---
b = x * 2
v = b.view(3, 4)
for row in v: row.mul_(2)
z = b
---
b = x * 2
v = b[2:5]
b = None
v.mul_(y[:3])
z = v
---
b = x * 2
v = b[2:5]
v.requires_grad_(False)
---
b = m.zeros(12, dtype=m.float64)
v = b[2:5]
v.requires_grad_()
b.mul_(2)
---
b = m.zeros(12, dtype=m.float64)
v = b[2:5]
v.requires_grad_()
v.mul_(2)
---
b = m.zeros(12, dtype=m.float64)
v = b[2:5]
v.requires_grad_()
w = b[0:4]
w.mul_(x[:4])
z = v * 1
---
b = m.zeros(12, dtype=m.float64)
v = b[2:5]
w = v[1:]
with m.no_grad(): v.copy_(x[:3])
w.mul_(x[:2])
z = b + v.sum()
"""


def chain(node, depth=4):
    """The names of a node and of what lies behind it."""
    if node is None:
        return None
    name = node.name().split("::")[-1]
    return name, [(chain(n, depth - 1), k) for n, k in node.next_functions] if depth else []


def history_exists(t):
    return t.grad_fn is None or True  # raises where a view cannot be given one


def gradients(module, output, inputs):
    if module is pb:
        return _core.run_backward((output,), (None,), inputs, True, True, True, False)
    return module.autograd.grad(output, inputs, create_graph=True, allow_unused=True)


def run(program, m):
    """(facts, values, errors) of every tensor that the program named, and of the gradients of `z`."""
    x = m.tensor(np.arange(12.0) / 5 + 0.1, requires_grad=True)
    y = m.tensor(np.arange(12.0) / 3 + 0.2, requires_grad=True)
    names = {"m": m, "x": x, "y": y}
    facts, values, errors = {}, {}, []

    def attempt(what, action, *arguments):
        try:
            return action(*arguments)
        except Exception as error:
            errors.append((what, type(error).__name__, first_sentence(error)))
            return None

    for line in program.splitlines():
        attempt(line, exec, line, names)
    for name, value in names.items():
        if not hasattr(type(value), "grad_fn") or not attempt(name, history_exists, value):
            continue
        geometry = tuple(value.shape), tuple(value.stride()), value.storage_offset()
        state = value.requires_grad, value.is_leaf, value._is_view(), value._version, value.output_nr
        facts[name] = geometry, state, chain(value.grad_fn)
        values[name] = value.detach().numpy().copy()
    z = names.get("z")
    if z is not None and z.requires_grad:
        first = attempt("gradient", lambda: gradients(m, (z * z).sum(), (x, y)))
        if first:
            values.update(zip(("dx", "dy"), first))
            loss = sum(((g * g).sum() for g in first if g is not None), 0.0 * (x * y).sum())
            values.update(zip(("ddx", "ddy"), gradients(m, loss, (x, y))))
    return facts, values, errors


@pytest.mark.parametrize("program", re.split(r"\n---\n", PROGRAMS.strip()))
def test_programs(program):
    import torch

    facts, values, errors = run(program, pb)
    wanted_facts, wanted_values, wanted_errors = run(program, torch)
    assert [e[:2] for e in errors] == [e[:2] for e in wanted_errors]
    for (_, _, ours), (_, _, theirs) in zip(errors, wanted_errors):
        if "modified by an inplace operation: [" not in theirs:
            assert ours.startswith(theirs)
    assert facts == wanted_facts
    for name, theirs in wanted_values.items():
        ours = values[name]
        assert (ours is None) == (theirs is None), name
        if ours is not None:
            ours, theirs = (v if isinstance(v, np.ndarray) else v.detach().numpy() for v in (ours, theirs))
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=name)


def test_a_value_that_is_overwritten_by_its_own_product():
    # PyTorch refuses: the node saved the view, which the write makes stale. Here the old value is kept.
    x = pb.tensor([2.0, 3.0], requires_grad=True)
    b = x * 1
    v = b[0]
    v.mul_(b[1])
    v.mul_(v)
    b.sum().backward()
    assert b.tolist() == [36, 3] and x.grad.tolist() == [36, 25]


def test_overlapping_elements_are_not_written():
    b = pb.zeros(4)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        b.unfold(0, 2, 1).mul_(2)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        b.expand(2, 4).add_(1)
    # Interleaved without meeting: strides 2 and 3.
    c = pb.zeros(8)
    c.as_strided((3, 2), (2, 3)).add_(1)
    assert c.tolist() == [1, 0, 1, 1, 1, 1, 0, 1]


def test_rows_of_a_large_base():
    # One write through each of many views: every one is in the base's history.
    x = pb.tensor(np.ones((200, 3)), requires_grad=True)
    b = x * 1
    for i in range(200):
        b[i].mul_(i)
    b.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.arange(200.0)[:, None] * np.ones(3))


INVERTIBLE = {  # whose derivatives read their results, and so keep them
    "exp_": lambda w: w.exp(),
    "sqrt_": lambda w: w.sqrt(),
    "rsqrt_": lambda w: w.rsqrt(),
    "reciprocal_": lambda w: w.reciprocal(),
    "tan_": lambda w: w.tan(),
    "sigmoid_": lambda w: w.sigmoid(),
}


@pytest.mark.parametrize(
    "part", [lambda z: z[1], lambda z: z.T, lambda z: z[:, 1]], ids=["row", "T", "column"]
)
@pytest.mark.parametrize("name", INVERTIBLE)
def test_second_derivatives_through_a_result_that_was_saved(name, part):
    # The saved result leads to the node inside of the base's, which the second pass then visits by itself.
    def second(write):
        x = pb.tensor([[0.3, 0.6], [0.9, 1.1]], dtype=pb.float64, requires_grad=True)
        (g,) = pb.autograd.grad(write(x * 1).pow(2).sum(), x, create_graph=True)
        return pb.autograd.grad(g.pow(2).sum(), x)[0].numpy()

    def in_place(z):
        getattr(part(z), name)()
        return z

    def out_of_place(z):
        mask = pb.zeros_like(z, dtype=pb.bool)
        part(mask).fill_(True)
        return pb.where(mask, INVERTIBLE[name](z), z)

    np.testing.assert_allclose(second(in_place), second(out_of_place), rtol=1e-12)
