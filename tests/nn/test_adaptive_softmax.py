"""Adaptive softmax: it is a distribution, its parts agree, and it is PyTorch's."""

import numpy as np
import pytest
from checks import check

import pullback as pb

TARGETS = [1, 6, 15, 19, 4, 10]


def made(library, **options):
    library.manual_seed(0)
    return library.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10], div_value=2.0, **options)


def test_what_it_says_of_targets_is_what_it_says_of_all_classes():
    layer = made(pb, head_bias=True).double()
    x, targets = pb.randn(6, 16, dtype=pb.float64), pb.tensor(TARGETS)
    output, loss = layer(x, targets)
    every = layer.log_prob(x)
    np.testing.assert_allclose(every.exp().sum(1).detach().numpy(), 1, rtol=1e-12)
    assert pb.allclose(output, every.gather(1, targets[:, None])[:, 0], atol=1e-12) and pb.allclose(
        loss, -output.mean()
    )
    assert layer.predict(x).tolist() == every.argmax(1).tolist()
    alone = layer(x[1], targets[1])
    assert alone.output.shape == () and pb.allclose(alone.output, output[1])
    check(lambda x: layer(x, targets).output, x.numpy(), second=False)
    check(lambda x: layer(x, targets).loss, x.numpy()[:, :16])


@pytest.mark.parametrize("cutoffs", [[], [10, 5], [20], [0, 5], [5, 5], [2.5]])
def test_wrong_cutoffs(cutoffs):
    with pytest.raises(ValueError, match="cutoffs should be a sequence of"):
        pb.nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs)


@pytest.mark.parametrize(
    "shape, target, said",
    [
        (
            (3, 16),
            [1, 6, 25],
            r"Target values should be in \[0, 19\], but values in range \[1, 25\] were found",
        ),
        ((3, 16), [1, 6], "Input and target should have the same size in the batch dimension"),
        ((3, 16), 1, "0D target tensor expects 1D input tensors, but found inputs with size"),
        ((1, 3, 16), [1], "1D target tensor expects 2D input tensors, but found inputs with size"),
        ((1, 3, 16), [[1]], "0D or 1D target tensor expected, multi-target not supported"),
    ],
)
def test_wrong_targets(shape, target, said):
    with pytest.raises(RuntimeError, match=said):
        made(pb)(pb.zeros(shape), pb.tensor(target))


@pytest.mark.torch
@pytest.mark.parametrize("bias", [False, True])
def test_beside_pytorch(bias):
    import torch

    mine, theirs = made(pb, head_bias=bias), made(torch, head_bias=bias)
    assert repr(mine) == repr(theirs) and [*mine.state_dict()] == [*theirs.state_dict()]
    for key, value in theirs.state_dict().items():
        np.testing.assert_array_equal(mine.state_dict()[key].numpy(), value.numpy())
    x = np.random.default_rng(0).standard_normal((6, 16)).astype(np.float32)
    found, expected = mine(pb.tensor(x), pb.tensor(TARGETS)), theirs(torch.tensor(x), torch.tensor(TARGETS))
    np.testing.assert_allclose(found.output.detach().numpy(), expected.output.detach().numpy(), rtol=1e-5)
    found.loss.backward()
    expected.loss.backward()
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        mine.log_prob(pb.tensor(x)).detach().numpy(),
        theirs.log_prob(torch.tensor(x)).detach().numpy(),
        rtol=1e-5,
    )
    assert mine.predict(pb.tensor(x)).tolist() == theirs.predict(torch.tensor(x)).tolist()
    mine.load_state_dict({key: pb.tensor(value.numpy()) for key, value in theirs.state_dict().items()})
    theirs.load_state_dict({key: torch.tensor(value.numpy()) for key, value in mine.state_dict().items()})
