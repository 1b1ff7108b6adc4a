"""Pruning: what is pruned stays at zero; methods on modules and on tensors."""

import pytest

import pullback as pb
from pullback import nn
from pullback.nn.utils import prune

# ---- pruning ------------------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


def test_pruned_weights_stay_at_zero():
    layer = nn.Linear(4, 3)
    weight = layer.weight
    with pb.no_grad():
        weight.copy_(pb.arange(1.0, 13.0).reshape(3, 4))
    prune.l1_unstructured(layer, "weight", 3)
    assert layer.weight_orig is weight and prune.is_pruned(layer) and prune.is_pruned(nn.Sequential(layer))
    prune.ln_structured(layer, "weight", 1, n=2, dim=0)  # of what is left, the first row is the least
    assert layer.weight_mask.tolist() == [[0] * 4, [1] * 4, [1] * 4]
    optimiser = pb.optim.SGD(layer.parameters(), 0.1)
    layer(pb.ones(2, 4)).sum().backward()
    assert weight.grad.tolist() == [[0] * 4, [2] * 4, [2] * 4]
    optimiser.step()
    layer(pb.ones(2, 4))
    assert layer.weight[0].tolist() == [0] * 4
    prune.remove(layer, "weight")
    assert layer.weight is weight and weight[0].tolist() == [0] * 4 and not prune.is_pruned(layer)
    assert [*layer.state_dict()] == ["bias", "weight"]


def test_pruning_at_random_takes_as_many_as_it_is_told():
    for amount, left in ((0.25, 9), (5, 7), (0, 12), (1.0, 0)):
        layer = prune.random_unstructured(nn.Linear(4, 3), "weight", amount)
        assert int(layer.weight_mask.sum()) == left
    layer = prune.random_structured(nn.Linear(4, 3), "weight", 2, dim=1)
    assert sorted(layer.weight_mask.sum(0).tolist()) == [0, 0, 3, 3]


class EveryOther(prune.BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask


def test_methods_of_pruning_on_tensors():
    t = pb.tensor([[1.0, -4.0], [2.0, 3.0], [-0.5, 0.25]])
    assert pb.equal(prune.Identity().prune(t), t)
    assert prune.CustomFromMask(pb.tensor([[1, 0], [0, 1], [1, 1]])).prune(t).tolist() == [
        [1, 0],
        [0, 3],
        [-0.5, 0.25],
    ]
    assert (prune.RandomUnstructured(4).prune(t) == 0).sum() == 4
    assert (prune.RandomStructured(2, dim=0).prune(t) == 0).all(1).sum() == 2
    first, second = EveryOther(), prune.LnStructured(1, n=1, dim=0)
    first._tensor_name = second._tensor_name = "t"
    both = prune.PruningContainer([first, second])
    assert len(both) == 2 and both[1] is second and [*both] == [first, second]
    mask = first.compute_mask(t, pb.ones_like(t))
    assert both.compute_mask(t, mask).tolist() == [[0, 1], [0, 1], [0, 0]]
    with pytest.raises(TypeError, match="is not a BasePruningMethod subclass"):
        both.add_pruning_method(3)
    second._tensor_name = "u"
    with pytest.raises(ValueError, match="Can only add pruning methods acting on the parameter named 't'"):
        both.add_pruning_method(second)
    layer = nn.Linear(2, 3)
    EveryOther.apply(layer, "weight")
    prune.custom_from_mask(layer, "weight", pb.tensor([[1, 1], [1, 1], [0, 0]]))
    assert layer.weight_mask.tolist() == [[0, 1], [0, 1], [0, 0]]
