"""Attributes that few programs read: what a context has noted, what edges and duals are made of."""

import pytest

import pullback as pb
from pullback.autograd import forward_ad, graph
from pullback.utils import checkpoint


def test_what_the_context_notes():
    noted = {}

    class F(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x)
            ctx.save_for_forward(x, y)
            values, indices = y.sort()
            ctx.mark_dirty(x.mul_(2))
            ctx.mark_non_differentiable(indices)
            ctx.mark_shared_storage((x, y))
            ctx.set_materialize_grads(False)
            noted.update({name: getattr(ctx, name) for name in NAMES})
            return x, values, indices

        @staticmethod
        def backward(ctx, *grads):
            return grads[0], grads[1]

    NAMES = (
        "to_save saved_for_forward dirty_tensors non_differentiable materialize_grads saved_variables".split()
    )
    x, y = pb.ones(2, requires_grad=True) * 1, pb.tensor([2.0, 1.0], requires_grad=True)
    out = F.apply(x, y)
    assert noted["to_save"] == noted["saved_variables"] == (x,) and noted["saved_for_forward"] == (x, y)
    assert noted["dirty_tensors"] == (x,) and noted["materialize_grads"] is False
    assert noted["non_differentiable"][0].tolist() == [1, 0] and out[0] is x


def test_edges():
    x = pb.ones(2, requires_grad=True)
    edge = graph.GradientEdge((x * 2).grad_fn, 0)
    assert (edge.node.name(), edge.output_nr, edge.ownership_token) == ("MulBackward0", 0, None)
    found = graph.get_gradient_edge(x)
    assert isinstance(found, graph.GradientEdge) and found.node.variable is x


def test_what_unpacking_a_dual_gives():
    with forward_ad.dual_level():
        pair = forward_ad.unpack_dual(forward_ad.make_dual(pb.ones(2), pb.zeros(2)))
        assert isinstance(pair, forward_ad.UnpackedDualTensor) and pair._fields == ("primal", "tangent")


def test_grad_fn_may_be_cleared():
    y = pb.ones(2, requires_grad=True) * 2
    y._grad_fn = None
    assert y._grad_fn is None and y.is_leaf
    with pytest.raises(RuntimeError, match="_grad_fn can be only set to None"):
        y._grad_fn = 3


def test_names_beside_checkpoint():
    first, second = checkpoint.noop_context_fn()
    with first, second:
        pass
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        checkpoint.check_backward_validity([pb.ones(2)])
    x = pb.ones(2, requires_grad=True)
    node = checkpoint.checkpoint(lambda x: x * 2, x, use_reentrant=True).grad_fn
    assert node.name() == "CheckpointFunctionBackward" and node._forward_cls is checkpoint.CheckpointFunction
