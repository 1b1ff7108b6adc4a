"""Random programs of views and in-place writes.

NumPy has the same aliasing rules, so it gives the values, and complex steps of NumPy runs give the derivatives;
PyTorch, where it is installed, gives both again.
"""

import random

import numpy as np
import pytest
from checks import ComplexStep, check, tensor

import pullback as pb

SEEDS = range(60)


class Arrays:
    """The operations of a program on NumPy arrays."""

    def start(self, leaves):
        return [np.array(leaf) for leaf in leaves]

    def copy(self, t):
        return t.copy()

    def sin(self, t):
        return np.array(np.sin(t))

    def write(self, t, kind, u):
        if kind == "mul_":
            np.multiply(t, u, out=t)
        elif kind == "add_":
            np.add(t, u, out=t)
        elif kind == "copy_":
            t[...] = u
        else:
            np.sin(t, out=t)

    def transpose(self, t):
        return np.swapaxes(t, 0, t.ndim - 1)

    def unsqueeze(self, t):
        return t[None]


class Tensors:
    """The same on tensors of a module."""

    def start(self, leaves):
        return [leaf * 1 for leaf in leaves]

    def copy(self, t):
        return t.clone()

    def sin(self, t):
        return t.sin()

    def write(self, t, kind, u):
        result = t.sin_() if kind == "sin_" else getattr(t, kind)(u)
        assert result is t

    def transpose(self, t):
        return t.transpose(0, t.ndim - 1)

    def unsqueeze(self, t):
        return t.unsqueeze(0)


def leaves_of(seed):
    numbers = np.random.default_rng(seed)
    return [numbers.uniform(-1, 1, shape) for shape in ((2, 3), (3,), (2, 3))]


def view_of(chance, on, t):
    kind = chance.choice(["select", "slice", "transpose", "unsqueeze", "step"])
    if kind == "select" and t.ndim > 0 and t.shape[0] > 0:
        return t[chance.randrange(t.shape[0]), ...]
    if kind == "slice" and t.ndim > 0 and t.shape[0] > 1:
        start = chance.randrange(t.shape[0] - 1)
        return t[start : start + 2]
    if kind == "step" and t.ndim > 0 and t.shape[-1] > 1:
        return t[..., ::2]
    if kind == "transpose" and t.ndim > 1:
        return on.transpose(t)
    return on.unsqueeze(t) if t.ndim < 3 else t[...]


def operand_for(chance, values, t):
    """A value that broadcasts to the shape of t."""
    shape = tuple(t.shape)
    fitting = [
        i
        for i, u in enumerate(values)
        if len(u.shape) <= len(shape)
        and all(a in (1, b) for a, b in zip(reversed(tuple(u.shape)), reversed(shape)))
    ]
    return chance.choice(fitting) if fitting else None


def run(seed, on, leaves):
    """Every value the program made, in order. Operands are copied, so no saved value is ever overwritten."""
    chance = random.Random(seed)
    values = on.start(leaves)
    for _ in range(14):
        at = chance.randrange(len(values))
        action = chance.choice(["view", "view", "write", "write", "write", "new"])
        if action == "view":
            values.append(view_of(chance, on, values[at]))
        elif action == "new":
            values.append(on.sin(on.copy(values[at])))
        else:
            kind, other = (
                chance.choice(["mul_", "add_", "copy_", "sin_"]),
                operand_for(chance, values, values[at]),
            )
            if other is not None:
                on.write(values[at], kind, on.copy(values[other]))
    return values


def loss_of(values):
    return sum((v * v).sum() * (i + 1) for i, v in enumerate(values))


def gradients(module, seed):
    leaves = [module.tensor(leaf, requires_grad=True) for leaf in leaves_of(seed)]
    values = run(seed, Tensors(), leaves)
    loss = loss_of([v.clone() for v in values])
    return values, module.autograd.grad(loss, leaves, allow_unused=True, create_graph=True), leaves


@pytest.mark.parametrize("seed", SEEDS)
def test_against_numpy_in_every_mode(seed):
    leaves = leaves_of(seed)
    for mine, true in zip(
        run(seed, Tensors(), map(tensor, leaves)), run(seed, Arrays(), leaves), strict=True
    ):
        np.testing.assert_allclose(mine.numpy(), true, rtol=1e-12)
    loss = lambda on: lambda *leaves: loss_of(run(seed, on, leaves))
    truth = ComplexStep(loss(Arrays()))
    check(loss(Tensors()), *leaves, truth=truth, layouts=("contiguous",), tolerance=1e-7)


@pytest.mark.torch
@pytest.mark.parametrize("seed", SEEDS)
def test_against_torch_to_the_second_order(seed):
    import torch

    results = []
    for module in (pb, torch):
        values, grads, leaves = gradients(module, seed)
        total = sum((g * g).sum() for g in grads if g is not None)
        second = module.autograd.grad(total, leaves, allow_unused=True) if total.requires_grad else ()
        results.append(
            (
                [v.detach().tolist() for v in values],
                [v.requires_grad for v in values],
                [g is not None and g.tolist() for g in grads],
                [g is not None and g.tolist() for g in second],
                [v._version for v in values],
            )
        )
    mine, true = results
    assert mine[1] == true[1] and mine[4] == true[4]
    for part in (0, 2, 3):
        assert len(mine[part]) == len(true[part])
        for a, b in zip(mine[part], true[part]):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
