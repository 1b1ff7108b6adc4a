"""Weights of a given norm, and orthogonal ones."""

import numpy as np
import pytest
from checks import check

import pullback as pb
from pullback import nn
from pullback.nn.utils import parametrizations, parametrize, prune

F64 = pb.float64
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


# ---- norms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [0, 1, -2, None])
def test_a_weight_of_a_given_norm(dim):
    made = parametrizations._WeightNorm(dim)
    weight = np.random.default_rng(0).standard_normal((3, 4, 2))
    g, v = made.right_inverse(pb.tensor(weight))
    np.testing.assert_allclose(made(g, v).numpy(), weight, rtol=1e-14)
    check(made, g.numpy(), v.numpy())


def test_a_weight_of_spectral_norm_one():
    for make in (parametrizations.spectral_norm, nn.utils.spectral_norm):
        layer = make(nn.Conv2d(2, 3, 2, dtype=F64), n_power_iterations=50)
        layer(pb.ones(1, 2, 3, 3, dtype=F64))
        assert float(pb.linalg.matrix_norm(layer.weight.reshape(3, -1), 2)) == pytest.approx(1)
        layer.eval()
        before = [each.clone() for each in layer.state_dict().values()]
        layer(pb.ones(1, 2, 3, 3, dtype=F64)).sum().backward()
        assert all(map(pb.equal, before, layer.state_dict().values()))
        grown = make(nn.ConvTranspose1d(2, 3, 2))
        assert next(t for key, t in grown.state_dict().items() if key.endswith("_u")).shape == (3,)
    vector = parametrizations.spectral_norm(nn.Linear(2, 4), "bias")
    assert float(vector.bias.norm()) == pytest.approx(1)
    layer = nn.utils.spectral_norm(nn.Linear(3, 2))
    weight = layer.eval()(pb.eye(3)) - layer.bias
    nn.utils.remove_spectral_norm(layer)
    assert isinstance(layer.weight, nn.Parameter) and pb.allclose(layer.weight.mT, weight, atol=1e-6)
    assert [*layer._forward_pre_hooks] == [] and "spectral_norm" not in layer.state_dict()._metadata[""]


def test_two_forward_passes_before_one_backward():
    """The power method writes into vectors that the first pass has saved."""
    for make in (parametrizations.spectral_norm, nn.utils.spectral_norm):
        layer, x = make(nn.Linear(3, 3)), pb.ones(2, 3)
        (layer(x) - layer(2 * x)).sum().backward()


def test_weight_norm_by_hooks():
    layer = nn.utils.weight_norm(nn.Linear(3, 2))
    with pb.no_grad():
        layer.weight_g.mul_(2)
    before = layer.weight_v.detach().clone()
    assert pb.allclose(layer(pb.eye(3)) - layer.bias, 2 * before.mT)
    assert pb.allclose(nn.utils.remove_weight_norm(layer).weight, 2 * before)
    assert layer._forward_pre_hooks == {} and pb.allclose(layer(pb.eye(3)) - layer.bias, 2 * before.mT)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 3), (2, 4, 3)])
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("trivialised", [True, False])
def test_orthogonal_weights(shape, kind, trivialised):
    pb.manual_seed(0)
    module = nn.Module()
    module.weight = nn.Parameter(pb.randn(shape, dtype=F64))
    parametrizations.orthogonal(module, "weight", kind, use_trivialization=trivialised)

    def distance(q):
        q = q if shape[-2] >= shape[-1] else q.mT
        return float((q.mT @ q - pb.eye(q.shape[-1], dtype=F64)).abs().max())

    assert distance(module.weight) < 1e-12
    with pb.no_grad():
        module.parametrizations.weight.original.add_(0.1 * pb.randn(shape, dtype=F64))
        if kind == "householder":  # on whose diagonal signs stand
            module.parametrizations.weight.original.diagonal(0, -2, -1).round_()
    if kind != "householder":
        assert distance(module.weight) < 1e-12
        check(module.parametrizations.weight[0], module.parametrizations.weight.original.detach().numpy())
    if shape[-2] >= shape[-1]:
        target = pb.linalg.qr(pb.randn(shape, dtype=F64))[0]
    else:
        target = pb.linalg.qr(pb.randn(shape, dtype=F64).mT)[0].mT
    if trivialised or kind == "householder":
        module.weight = target
        np.testing.assert_allclose(module.weight.detach().numpy(), target.numpy(), atol=1e-12)
    else:
        with pytest.raises(NotImplementedError, match="It is not possible to assign"):
            module.weight = target


@pytest.mark.parametrize(
    "call, error, said",
    [
        (
            lambda: parametrizations.spectral_norm(nn.Linear(2, 2), "foo"),
            ValueError,
            "has no parameter or buffer with name 'foo'",
        ),
        (
            lambda: parametrizations.weight_norm(nn.Linear(2, 2), "foo"),
            ValueError,
            "does not have a parameter, a buffer",
        ),
        (
            lambda: parametrizations.orthogonal(nn.Linear(2, 2), "foo"),
            ValueError,
            "has no parameter or buffer with name",
        ),
        (
            lambda: parametrizations.orthogonal(nn.Linear(2, 2), "bias"),
            ValueError,
            "Expected a matrix or batch of matrices",
        ),
        (
            lambda: parametrizations.orthogonal(nn.Linear(2, 2), "weight", "x"),
            ValueError,
            "orthogonal_map has to be one of",
        ),
        (
            lambda: parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0),
            ValueError,
            "to be positive",
        ),
        (
            lambda: parametrizations.spectral_norm(nn.Linear(2, 2), dim=7),
            IndexError,
            "Dimension out of range",
        ),
        (lambda: nn.utils.spectral_norm(nn.Linear(2, 2), n_power_iterations=0), ValueError, "to be positive"),
        (
            lambda: nn.utils.weight_norm(nn.utils.weight_norm(nn.Linear(2, 2))),
            RuntimeError,
            "Cannot register two weight_norm",
        ),
        (
            lambda: nn.utils.spectral_norm(nn.utils.spectral_norm(nn.Linear(2, 2))),
            RuntimeError,
            "Cannot register two spectral",
        ),
        (lambda: nn.utils.weight_norm(nn.LazyLinear(2)), ValueError, "can't have uninitialized parameters"),
        (
            lambda: nn.utils.remove_weight_norm(nn.Linear(2, 2)),
            ValueError,
            "weight_norm of 'weight' not found in Linear",
        ),
        (
            lambda: nn.utils.remove_spectral_norm(nn.Linear(2, 2)),
            ValueError,
            "spectral_norm of 'weight' not found in Linear",
        ),
        (
            lambda: parametrize.remove_parametrizations(nn.Linear(2, 2), "weight"),
            ValueError,
            "does not have a parametrization on",
        ),
        (
            lambda: prune.l1_unstructured(nn.Linear(3, 2), "weight", 7),
            ValueError,
            "amount=7 should be smaller than the number",
        ),
        (
            lambda: prune.l1_unstructured(nn.Linear(3, 2), "weight", 1.5),
            ValueError,
            "amount=1.5 should either be a float in",
        ),
        (
            lambda: prune.l1_unstructured(nn.Linear(3, 2), "weight", "x"),
            TypeError,
            "Invalid type for amount: x.",
        ),
        (
            lambda: prune.remove(nn.Linear(3, 2), "weight"),
            ValueError,
            "has to be pruned before pruning can be removed",
        ),
        (
            lambda: prune.ln_structured(nn.Linear(3, 2), "bias", 1, 2, 0),
            ValueError,
            "only be applied to multidimensional tensors",
        ),
        (
            lambda: prune.ln_structured(nn.Linear(3, 2), "weight", 1, 2, 5),
            IndexError,
            "Invalid index 5 for tensor of size",
        ),
        (
            lambda: prune.global_unstructured(3, prune.L1Unstructured, amount=1),
            TypeError,
            "parameters is not an Iterable",
        ),
        (
            lambda: prune.global_unstructured(
                [(nn.Linear(1, 2), "weight")], prune.LnStructured, amount=1, n=2
            ),
            TypeError,
            'Only "unstructured" PRUNING_TYPE supported',
        ),
    ],
)
def test_what_is_refused(call, error, said):
    with pytest.raises(error) as caught:
        call()
    assert said in str(caught.value)
