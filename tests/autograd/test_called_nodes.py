"""Nodes called by hand, and what else strangers wrote that was answered in another way than by PyTorch."""

import pytest
from beside import compare, outcome

import pullback as pb


def called(m):
    x, w = m.ones(3, requires_grad=True), m.full((3,), 2.0, requires_grad=True)
    g = m.arange(3.0)
    leaf = x.view_as(x).grad_fn.next_functions[0][0]
    found = [
        (x * w).grad_fn(g),
        (x * 2).grad_fn(g),
        x.exp().grad_fn(g),
        x.sum().grad_fn(m.tensor(2.0)),
        (x * w).grad_fn(None),
        leaf(g),
        x.unbind()[0].grad_fn(*g.unbind()),
        x.unbind()[0].grad_fn(g[0], None, g[2]),
    ]
    return found, x.grad, x.exp().grad_fn(g).requires_grad


def twice(m):
    x = m.tensor([1.0, 2.0], requires_grad=True)
    (slope,) = m.autograd.grad(x.sin().grad_fn(m.ones(2)).sum(), x)
    with m.no_grad():
        return slope, (x**3).requires_grad, (m.ones(2, requires_grad=True) ** 3).grad_fn


PROGRAMS = {
    "nodes": called,
    "derivatives of what a node gives": twice,
    "too few": lambda m: (m.ones(2, requires_grad=True) * 2).grad_fn(),
    "too many": lambda m: (m.ones(2, requires_grad=True) * 2).grad_fn(m.ones(2), m.ones(2)),
    "no tensor": lambda m: (m.ones(2, requires_grad=True) * 2).grad_fn(3),
    "a name for an input": lambda m: m.autograd.grad(m.ones(2, requires_grad=True).sum(), "x"),
    "a gradient of another shape, and one too many": lambda m: m.autograd.grad(
        [m.ones(2, requires_grad=True).sum()], [m.ones(2)], grad_outputs=[m.ones(3), m.ones(3)]
    ),
    "a mode that is no bool": lambda m: m.set_grad_enabled(1),
}


@pytest.mark.torch
@pytest.mark.parametrize("name", PROGRAMS)
def test_beside_pytorch(name):
    import torch

    compare(outcome(PROGRAMS[name], pb)[0], outcome(PROGRAMS[name], torch)[0], 1e-6)
    assert pb.is_grad_enabled()


def test_a_freed_node_is_named():
    x = pb.ones(2, requires_grad=True)
    y = x.exp()
    y.sum().backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.grad_fn(pb.ones(2))
