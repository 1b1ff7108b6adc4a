"""Functions without `jvp` in forward mode: pushed by `backward` where that can be, refused where it hides what it does."""

import pytest

import pullback as pb


def sine(lib, pull, **attributes):
    """sin(x) as a Function with this backward(g, x)."""

    def forward(x):
        return x.sin()

    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])

    def backward(ctx, g):
        return pull(g, ctx.saved_tensors[0])

    if attributes.pop("once", False):
        backward = lib.autograd.function.once_differentiable(backward)
    members = {"forward": forward, "setup_context": setup_context, "backward": backward}
    made = {k: staticmethod(f) for k, f in members.items()}
    return type("Sine", (lib.autograd.Function,), {**made, "generate_vmap_rule": True})


def without_recording(lib):
    def pull(g, x):
        with lib.no_grad():
            return g * x.cos()

    return sine(lib, pull)


CUT = {
    "no_grad": without_recording,
    "detach": lambda lib: sine(lib, lambda g, x: g.detach() * x.cos()),
    "NumPy": lambda lib: sine(lib, lambda g, x: lib.from_numpy(g.detach().numpy()) * x.cos()),
    "once": lambda lib: sine(lib, lambda g, x: g * x.cos(), once=True),
}


def programs(lib, function):
    f = lib.func
    x, one = lib.tensor([0.5, 1.0]), lib.ones(2)
    loss = lambda x: (function.apply(x) ** 2).sum()
    return {
        "jvp": lambda: f.jvp(function.apply, (x,), (one,)),
        "jvp of grad": lambda: f.jvp(f.grad(loss), (x,), (one,)),
        "hessian": lambda: f.hessian(loss)(x),
        "jacfwd": lambda: f.jacfwd(function.apply)(x),
        "grad of jvp": lambda: f.grad(lambda x: f.jvp(function.apply, (x,), (one,))[1].sum())(x),
    }


def refusal(program):
    with pytest.raises(NotImplementedError) as refused:
        program()
    return str(refused.value)


@pytest.mark.parametrize("cut", CUT)
def test_what_backward_cuts_is_no_zero(cut):
    for program in programs(pb, CUT[cut](pb)).values():
        assert "Sine.backward " in refusal(program)
    x = pb.tensor([0.5, 1.0])
    assert pb.func.grad(lambda x: CUT[cut](pb).apply(x).sum())(x).allclose(x.cos())


@pytest.mark.parametrize("cut", sorted(CUT.keys() - {"NumPy"}))
@pytest.mark.torch
def test_pytorch_refuses_the_same(cut):
    torch = pytest.importorskip("torch")
    ours, theirs = programs(pb, CUT[cut](pb)), programs(torch, CUT[cut](torch))
    for name in ours:
        assert refusal(ours[name]).startswith(refusal(theirs[name]))


def test_what_is_constant_is_zero():
    """A backward that gives zeros, or nothing, for an argument cuts nothing; nor does one that detaches what it saved."""
    x, one = pb.tensor([0.5, 1.0]), pb.ones(2)
    zeros = sine(pb, lambda g, x: pb.zeros_like(x))
    nothing = sine(pb, lambda g, x: None)
    for function in zeros, nothing:
        assert pb.func.jvp(function.apply, (x,), (one,))[1].tolist() == [0, 0]
        assert pb.func.vmap(lambda x, f=function: pb.func.jvp(f.apply, (x,), (one[0],))[1])(x).tolist() == [
            0,
            0,
        ]
    saved = sine(pb, lambda g, x: g * x.detach().cos())
    assert pb.func.jvp(saved.apply, (x,), (one,))[1].allclose(x.cos())
    # As PyTorch's, the second derivative goes around what is detached, in both nestings.
    loss = lambda x: (saved.apply(x) ** 2).sum()
    expected = 2 * x.cos() ** 2
    assert pb.func.jvp(pb.func.grad(loss), (x,), (one,))[1].allclose(expected)
    assert pb.func.grad(lambda x: pb.func.grad(loss)(x).sum())(x).allclose(expected)
