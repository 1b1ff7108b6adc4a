"""Which of several errors a call gets: the first that PyTorch would give."""

import pytest

import pullback as pb

F = pb.nn.functional


@pytest.mark.parametrize("given", [(pb.zeros(3), None), (None, pb.ones(3))])
@pytest.mark.parametrize("norm", ["instance_norm", "batch_norm"])
def test_one_running_statistic_without_the_other(norm, given):
    x = pb.ones(2, 3, 4)
    options = {"training": True} if norm == "batch_norm" else {}
    with pytest.raises(ValueError, match="must either both be None or neither be None"):
        getattr(F, norm)(x, *given, **options)


@pytest.mark.parametrize("target", [pb.tensor(-0.5), pb.tensor([0.5]), pb.tensor(1), pb.tensor([0])])
def test_batches_of_classes_come_before_their_dtype(target):
    size = target.shape[0] if target.ndim else 0
    with pytest.raises(ValueError, match=rf"batch_size \(2\) to match target batch_size \({size}\)"):
        F.nll_loss(pb.ones(2, 3), target)
    with pytest.raises(RuntimeError, match="expected target dtype to be Long or Byte, but got Float"):
        F.nll_loss(pb.ones(2, 3), pb.tensor([0.5, 1.0]))
