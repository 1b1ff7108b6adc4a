"""Course notes on PyTorch's `autograd` package (`requires_grad`, `grad_fn`, `detach`, `no_grad`), in Python.

The notes were made with an early release and print ``grad_fn=<MeanBackward1>`` for a full mean; PyTorch 2.13
writes ``MeanBackward0`` there and keeps ``MeanBackward1`` for a mean over given dimensions. So do we.
"""

import pullback as pb


def test_the_session():
    x = pb.ones(2, 2, requires_grad=True)
    assert repr(x) == "tensor([[1., 1.],\n        [1., 1.]], requires_grad=True)"
    assert x.grad is None
    assert str(x.grad) == "None"

    y = x + 3
    assert repr(y) == "tensor([[4., 4.],\n        [4., 4.]], grad_fn=<AddBackward0>)"

    z = y * y * 3
    out = x.mean()
    assert repr(out) == "tensor(1., grad_fn=<MeanBackward0>)"
    assert z.tolist() == [[48.0, 48.0], [48.0, 48.0]] and z.grad_fn.name() == "MulBackward0"
    assert x.mean(dim=(0, 1)).grad_fn.name() == "MeanBackward1"

    out.backward()
    assert repr(x.grad) == "tensor([[0.2500, 0.2500],\n        [0.2500, 0.2500]])"


def test_the_mean_that_the_session_had_prepared():
    x = pb.ones(2, 2, requires_grad=True)
    y = x + 3
    (y * y * 3).mean().backward()
    assert repr(x.grad) == "tensor([[6., 6.],\n        [6., 6.]])"


def test_a_vector_jacobian_product_is_what_is_computed():
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = pb.stack([x[0] * x[1], x[1] * x[2]])
    y.backward(pb.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 1.0 + 30.0, 20.0]  # [1, 10] times [[x1, x0, 0], [0, x2, x1]]


def test_detach_stops_the_history():
    x = pb.ones(2, requires_grad=True)
    y = (x * 2).detach()
    assert not y.requires_grad and y.grad_fn is None
    assert not (y * 3).requires_grad


def test_no_grad_stops_the_history_of_a_block():
    x = pb.ones(2, requires_grad=True)
    with pb.no_grad():
        y = x * 2
        assert not pb.is_grad_enabled()
    assert not y.requires_grad and pb.is_grad_enabled()
    assert x.requires_grad and (x * 2).requires_grad


def test_only_what_was_computed_has_a_function():
    x = pb.ones(2, requires_grad=True)
    assert x.grad_fn is None and x.is_leaf
    y = x + 3
    assert y.grad_fn is not None and not y.is_leaf
    assert y.grad_fn.name() == type(y.grad_fn).__name__ == "AddBackward0"
    (accumulate, number), (constant, _) = (*y.grad_fn.next_functions, (None, 0))[:2]
    assert accumulate.name().endswith("AccumulateGrad") and accumulate.variable is x and number == 0
    assert constant is None


def test_every_run_may_be_different():
    x = pb.tensor(2.0, requires_grad=True)
    for turn in range(3):
        x.grad = None
        y = x
        for _ in range(turn):
            y = y * x
        y.backward()
        assert x.grad.item() == (turn + 1) * 2.0**turn
