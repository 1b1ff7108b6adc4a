"""What a function that is transformed may not do, beside PyTorch: change leaves, and ask mapped tensors for what they lack."""

import pytest
from beside import compare, outcome

import pullback as pb
from pullback.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap


def same(program):
    """Results and errors; PyTorch warns of operators that loop, which others do than here."""
    import torch

    compare(outcome(program, pb)[0], outcome(program, torch)[0], 1e-6)


def numbers(m):
    return m.tensor([1.0, 2.0, 3.0])


TRANSFORMS = {
    "grad": lambda m, f: m.func.grad(f)(numbers(m)),
    "vjp": lambda m, f: m.func.vjp(f, numbers(m))[1](m.tensor(1.0)),
    "jvp": lambda m, f: m.func.jvp(f, (numbers(m),), (numbers(m),)),
    "jacrev": lambda m, f: m.func.jacrev(f)(numbers(m)),
    "jacfwd": lambda m, f: m.func.jacfwd(f)(numbers(m)),
    "hessian": lambda m, f: m.func.hessian(f)(numbers(m)),
    "vmap": lambda m, f: m.func.vmap(f)(m.stack([numbers(m), -numbers(m)])),
    "vmap of grad": lambda m, f: m.func.vmap(m.func.grad(f))(m.stack([numbers(m), -numbers(m)])),
}
CHANGES = {
    "its argument": lambda m, x, w: x.requires_grad_(),
    "its argument, to no": lambda m, x, w: x.requires_grad_(False),
    "what it computed": lambda m, x, w: (x * 2).requires_grad_(),
    "what it made": lambda m, x, w: m.ones(3).requires_grad_(),
    "what it captured": lambda m, x, w: w.requires_grad_(),
    "a walk": lambda m, x, w: (x * w).sum().backward(),
    "a walk of captured leaves": lambda m, x, w: (w * w).sum().backward(),
    "a walk, by its other name": lambda m, x, w: m.autograd.backward([(w * w).sum()]),
    "a gradient that is kept": lambda m, x, w: (x * 2).retain_grad(),
}
# As PyTorch lets pass.
PASSES = {
    "an attribute": lambda m, x, w: setattr(m.ones(3), "requires_grad", True),
    "an option": lambda m, x, w: m.zeros(3, requires_grad=True),
    "a parameter": lambda m, x, w: m.nn.Parameter(m.zeros(3)),
    "a layer": lambda m, x, w: m.nn.Linear(3, 2),
}


def squares(m, change, w):
    def f(x):
        change(m, x, w)
        return (x * x).sum()

    return f


@pytest.mark.torch
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("change", CHANGES | PASSES)
def test_leaves_are_not_changed(change, transform):
    def program(m):
        m.manual_seed(0)
        w = m.ones(3, requires_grad=True)
        if change == "a layer" and "vmap" in transform:
            return None  # which draws numbers
        return TRANSFORMS[transform](m, squares(m, (CHANGES | PASSES)[change], w)), w.grad

    same(program)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_what_is_said(transform):
    w = pb.ones(3, requires_grad=True)
    for change, first, cure in (
        ("its argument", "You are attempting to call Tensor.requires_grad_()", "argnums"),
        ("a walk", "backward() called inside a functorch transform.", "autograd.grad"),
    ):
        with pytest.raises(RuntimeError) as error:
            TRANSFORMS[transform](pb, squares(pb, CHANGES[change], w))
        assert str(error.value).startswith(first) and cure in str(error.value)
    assert w.grad is None
    with pytest.raises(
        RuntimeError, match=r"attempting to call Tensor.retain_grad\(\) inside .* return the value"
    ):
        grad(squares(pb, CHANGES["a gradient that is kept"], w))(numbers(pb))
    x = numbers(pb).requires_grad_()  # nothing is left of the transform
    (x * x).sum().backward()


def test_rules_of_a_function_may():
    class Slope(pb.autograd.Function):
        """The derivative of a function, found by a walk of its own."""

        @staticmethod
        def forward(ctx, x):
            with pb.enable_grad():
                own = x.detach().requires_grad_()
                (own**3).sum().backward()
            ctx.save_for_backward(x)
            return own.grad

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 6 * x

    assert grad(lambda x: Slope.apply(x).sum())(numbers(pb)).tolist() == [6.0, 12.0, 18.0]
    assert vjp(Slope.apply, numbers(pb))[0].tolist() == [3.0, 12.0, 27.0]


def test_gradients_inside():
    """autograd.grad changes nothing, and works by leaves that are made inside."""

    def slope(x):
        own = x.detach() * 1
        own.requires_grad = True
        return pb.autograd.grad((own**3).sum(), own)[0]

    for found in (
        grad(lambda x: (slope(x) * x).sum())(numbers(pb)),
        jvp(slope, (numbers(pb),), (pb.zeros(3),))[0],
        vmap(slope)(numbers(pb)[None])[0],
    ):
        assert found.tolist() == [3.0, 12.0, 27.0]
    for jacobian in (jacrev, jacfwd, hessian):
        assert jacobian(lambda x: (slope(x.detach()) * x).sum())(numbers(pb)).shape[-1] == 3


ASKED = {
    "a mask": lambda m, x: x[x > 2],
    "where it is not zero": lambda m, x: (x > 2).nonzero(),
    "what a mask selects": lambda m, x: x.masked_select(x > 2),
    "one element": lambda m, x: x[0].item(),
    "one of many": lambda m, x: x.item(),
    "a number": lambda m, x: float(x[0]),
    "a whole number": lambda m, x: int(x[0]),
    "an index of a list": lambda m, x: [1, 2, 3][x[0].long()],
    "a choice": lambda m, x: x if x[0] > 0 else -x,
    "a choice by many": lambda m, x: x if x > 0 else -x,
    "all of them": lambda m, x: -x if bool((x > 0).all()) else x,
    "a list": lambda m, x: x.tolist(),
    "an array": lambda m, x: x.numpy(),
    "an address": lambda m, x: x.data_ptr(),
    "whether all are close": lambda m, x: m.allclose(x, x),
    "whether all are equal": lambda m, x: m.equal(x, x),
    "different ones": lambda m, x: x.clamp(min=1.5).unique(),
    "a length": lambda m, x: m.zeros(x[0].long() + 1),
    "a range": lambda m, x: m.arange(x.abs().sum().long() + (x[0] > 0)),
    "the largest few": lambda m, x: x.topk((x[0] > 0).long() + 1),
    "classes": lambda m, x: m.nn.functional.one_hot(x.abs().long() * (x[0] > 0)),
    "a text": lambda m, x: f"{x[0]:.2f}",
}


@pytest.mark.torch
@pytest.mark.parametrize("what", ASKED)
def test_what_mapped_tensors_lack(what):
    rows = lambda m: m.stack([numbers(m), -numbers(m)])
    same(lambda m: m.func.vmap(lambda x: ASKED[what](m, x))(rows(m)))


WRITES = """add_ sub_ mul_ div_ copy_ pow_ atan2_ fmod_ remainder_ hypot_ copysign_ eq_ ne_ lt_ le_ gt_ ge_ floor_divide_ xlogy_
clamp_ clamp_min_ clamp_max_ heaviside_ nextafter_ igamma_ igammac_ logical_and_ logical_or_ logical_xor_""".split()
MORE_WRITES = {
    "of parts": lambda m, w, x: w[1:].add_(x[1:]),
    "of columns": lambda m, w, x: w.view(3, 1).T.mul_(x),
    "fill_": lambda m, w, x: w.fill_(x[0]),
    "lerp_": lambda m, w, x: w.lerp_(x, 0.5),
    "addcmul_": lambda m, w, x: w.addcmul_(x, x),
    "addcdiv_": lambda m, w, x: w.addcdiv_(x, x),
    "addmv_": lambda m, w, x: w.addmv_(m.eye(3), x),
    "an index": lambda m, w, x: w.__setitem__(0, x[0]),
    "an index by numbers": lambda m, w, x: w.__setitem__(m.tensor([0, 1]), x[:2]),
    "masked_fill_": lambda m, w, x: w.masked_fill_(x > 1, 0.0),
    "masked_scatter_": lambda m, w, x: w.masked_scatter_(x > 1, x),
    "scatter_": lambda m, w, x: w.scatter_(0, m.tensor([0]), x),
    "scatter_add_": lambda m, w, x: w.scatter_add_(0, m.tensor([0]), x),
    "index_add_": lambda m, w, x: w.index_add_(0, m.tensor([0]), x[:1]),
    "index_copy_": lambda m, w, x: w.index_copy_(0, m.tensor([0]), x[:1]),
    "index_fill_": lambda m, w, x: w.index_fill_(0, m.tensor([0]), x[0]),
    "index_put_": lambda m, w, x: w.index_put_((m.tensor([0]),), x[0]),
    "put_": lambda m, w, x: w.put_(m.tensor([0]), x[:1]),
}


@pytest.mark.torch
@pytest.mark.parametrize("write", WRITES + [*MORE_WRITES])
def test_what_there_is_one_of(write):
    def program(m):
        w = m.ones(3)
        change = MORE_WRITES.get(write, lambda m, w, x: getattr(w, write)(x))
        return m.func.vmap(lambda x: change(m, w, x) + 0)(m.stack([numbers(m), -numbers(m)]))

    same(program)
