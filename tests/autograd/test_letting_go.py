"""What a Function's backward gets as its own, so that it can be freed on the way: gradients, and saved tensors."""

import weakref

import pytest

import pullback as pb


class Boxed(pb.autograd.Function):
    boxed_grads_call = True

    @staticmethod
    def forward(ctx, x):
        return x * 2, x * 3

    @staticmethod
    def backward(ctx, grads):
        assert type(grads) is list and len(grads) == 2
        return 2 * grads.pop(0) + 3 * grads.pop(0)


def test_boxed_grads_call_gives_one_list():
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    a, b = Boxed.apply(x)
    (a + 10 * b).sum().backward()
    assert x.grad.tolist() == [32.0, 32.0]


class Once(pb.autograd.Function):
    clear_saved_tensors_on_access = True

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        with pytest.raises(RuntimeError, match="saved_tensors can only be accessed once"):
            _ = ctx.saved_tensors
        return 2 * x * grad


class Heir(Once):
    pass


@pytest.mark.parametrize("kind", [Once, Heir])
def test_clear_saved_tensors_on_access(kind):
    x = pb.tensor([3.0], requires_grad=True)
    y = kind.apply(x)
    y.backward(retain_graph=True)
    assert x.grad.tolist() == [6.0]
    with pytest.raises(RuntimeError, match="saved_tensors can only be accessed once"):
        y.backward()


def test_what_the_reader_lets_go_of_is_gone():
    gone = []

    class Free(pb.autograd.Function):
        clear_saved_tensors_on_access = True

        @staticmethod
        def forward(ctx, x):
            kept = x * 1
            gone.append(weakref.ref(kept))
            ctx.save_for_backward(kept)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            pb.synchronize()
            before = pb.memory.allocated()
            saved = ctx.saved_tensors
            slope = 2 * saved[0].sum().item()  # computed here
            del saved
            assert pb.memory.allocated() < before
            return slope * grad

    x = pb.ones(100_000, requires_grad=True)
    Free.apply(x).sum().backward()
    assert gone[0]() is None and x.grad[0].item() == 200_000


def test_maybe_clear_saved_tensors():
    class Square(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            ctx.maybe_clear_saved_tensors()
            seen.append(ctx)
            return 2 * x * grad

    seen = []
    x = pb.tensor([3.0], requires_grad=True)
    y = Square.apply(x)
    y.backward(retain_graph=True)
    assert len(seen[0].saved_tensors) == 1  # the graph is kept, and so is this
    y.backward()
    assert x.grad.tolist() == [12.0]
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        _ = seen[1].saved_tensors
