"""Parametrizations, norms of weights and pruning, beside PyTorch and by what they mean."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import pullback as pb
from pullback import nn
from pullback.nn.utils import parametrizations, parametrize, prune

F64 = pb.float64


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT

    def right_inverse(self, x):
        return x.triu()


class Twice(nn.Module):
    def forward(self, x):
        return 2 * x


class Product(nn.Module):
    def forward(self, a, b):
        return a * b

    def right_inverse(self, x):
        return x, pb.ones_like(x)


class Wrong(nn.Module):
    def __init__(self, forward, inverse=None):
        super().__init__()
        self.forward = forward
        if inverse:
            self.right_inverse = inverse


# ---- parametrize ------------------------------------------------------------------------------------------------------


def test_a_parametrized_weight_is_computed_and_its_original_trained():
    layer = nn.Linear(3, 3, dtype=F64)
    weight = layer.weight
    before = weight.detach().clone()
    assert parametrize.register_parametrization(layer, "weight", Symmetric()) is layer
    assert layer.parametrizations.weight.original is weight  # the very one that an optimiser may know
    assert pb.equal(layer.weight, before.triu() + before.triu(1).mT)
    assert [*layer.state_dict()] == ["bias", "parametrizations.weight.original"]
    layer(pb.ones(2, 3, dtype=F64)).sum().backward()
    assert weight.grad.tolist() == [[2, 4, 4], [0, 2, 4], [0, 0, 2]]
    layer.weight = pb.eye(3, dtype=F64)
    assert pb.equal(weight, pb.eye(3, dtype=F64)) and pb.equal(layer.weight, weight)
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, nn.Linear)
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert parametrize.is_parametrized(layer, "weight") and not parametrize.is_parametrized(layer, "bias")
    parametrize.register_parametrization(layer, "weight", Twice())
    parametrize.register_parametrization(layer, "bias", Twice())
    assert pb.equal(layer.weight, 2 * pb.eye(3, dtype=F64))
    with pytest.raises(RuntimeError, match="parametrization Twice does not implement right_inverse"):
        layer.weight = pb.eye(3, dtype=F64)
    parametrize.remove_parametrizations(layer, "weight")
    assert parametrize.is_parametrized(layer) and layer.weight is weight
    assert pb.equal(layer.weight, 2 * pb.eye(3, dtype=F64))
    bias = layer.parametrizations.bias.original.detach().clone()
    parametrize.remove_parametrizations(layer, "bias", leave_parametrized=False)
    assert (
        type(layer) is nn.Linear
        and pb.equal(layer.bias, bias)
        and {*layer.state_dict()} == {"bias", "weight"}
    )


def test_a_list_of_parametrizations():
    made = parametrize.ParametrizationList([Symmetric(), Twice()], nn.Parameter(pb.ones(2, 2)), unsafe=True)
    assert made().tolist() == [[2, 2], [2, 2]] and [*made.state_dict()] == ["original"]
    with pytest.raises(ValueError, match="ParametrizationList requires one or more modules"):
        parametrize.ParametrizationList([], pb.ones(2))


def test_several_originals():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Product())
    assert [*layer.state_dict()] == ["bias", *[f"parametrizations.weight.original{i}" for i in (0, 1)]]
    layer.weight = pb.full((2, 2), 3.0)
    assert pb.equal(layer.weight, pb.full((2, 2), 3.0))
    with pytest.raises(ValueError, match="parametrized in terms of a sequence of tensors"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(layer, "weight")
    assert isinstance(layer.weight, nn.Parameter) and pb.equal(layer.weight, pb.full((2, 2), 3.0))


def test_copies_and_pickles_and_caches():
    layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    other = copy.deepcopy(layer)
    with pb.no_grad():
        other.parametrizations.weight.original.add_(1)
    assert not pb.equal(layer.weight, other.weight) and repr(layer) == repr(other)
    with pytest.raises(
        RuntimeError, match="Serialization of parametrized modules is only supported through state_dict"
    ):
        pickle.dumps(layer)
    assert layer.weight is not layer.weight
    with parametrize.cached():
        assert layer.weight is layer.weight and other.weight is not layer.weight
        other.weight = pb.eye(3)
        assert pb.equal(other.weight, pb.eye(3))
    assert parametrize.cached()(lambda: layer.weight is layer.weight)()
    assert layer.weight is not layer.weight


def test_buffers_training_mode_and_transfers():
    module = nn.Module()
    module.register_buffer("table", pb.ones(2))
    module.eval()
    parametrize.register_parametrization(module, "table", Twice())
    assert module.table.tolist() == [2, 2] and not module.parametrizations.table[0].training
    assert [*module.parameters()] == []
    target = parametrize.transfer_parametrizations_and_params(module, nn.Module())
    assert target.table.tolist() == [2, 2]
    with pytest.raises(AssertionError, match="is not parametrized"):
        parametrize.transfer_parametrizations_and_params(nn.Linear(1, 1), nn.Linear(1, 1))


REFUSED = [
    (
        "weightx",
        Symmetric,
        "does not have a parameter, a buffer, or a parametrized element with name 'weightx'",
    ),
    (
        "weight",
        lambda: Wrong(lambda x: x[:2]),
        "may not change the shape of the tensor, unless `unsafe` flag is enabled",
    ),
    ("weight", lambda: Wrong(lambda x: x.double()), "may not change the dtype of the tensor"),
    ("weight", lambda: Wrong(lambda x: 3), "A parametrization must return a tensor. Got int"),
    ("weight", lambda: Wrong(lambda x: x, lambda x: x[:1]), "may not change the shape"),
    (
        "weight",
        lambda: Wrong(lambda x: x, lambda x: 3),
        "'right_inverse' must return a Tensor or a Sequence of tensors",
    ),
    ("weight", lambda: Wrong(lambda x: x, lambda x: x.double()), "it may not change the dtype"),
    (
        "weight",
        lambda: Wrong(lambda x, y: x, lambda x: (x, 2)),
        "Got element 1 of the sequence with type int",
    ),
]


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("name, make, said", REFUSED)
def test_what_is_refused_leaves_the_module_as_it_was(name, make, said, registered):
    layer = nn.Linear(3, 3)
    if registered:
        if name != "weight" or "right_inverse" in said or "element" in said or "it may" in said:
            return
        parametrize.register_parametrization(layer, "weight", nn.Identity())
    weight, keys, shown = layer.weight.detach().clone(), [*layer.state_dict()], repr(layer)
    with pytest.raises(ValueError, match=said.replace("(", r"\(").replace(".", r"\.")):
        parametrize.register_parametrization(layer, name, make())
    assert [*layer.state_dict()] == keys and repr(layer) == shown and pb.equal(layer.weight, weight)


# ---- beside PyTorch -------------------------------------------------------------------------------------------------------

MADE = {
    "weight_norm": lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)),
    "weight_norm of columns": lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(3, 4), dim=1),
    "weight_norm of all": lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(3, 4), dim=None),
    "weight_norm of a convolution": lambda nn: nn.utils.parametrizations.weight_norm(
        nn.Conv1d(3, 4, 2), dim=2
    ),
    "spectral_norm": lambda nn: nn.utils.parametrizations.spectral_norm(
        nn.Linear(3, 4), n_power_iterations=2
    ),
    "orthogonal": lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(3, 3)),
    "orthogonal, cayley": lambda nn: nn.utils.parametrizations.orthogonal(
        nn.Linear(3, 4), orthogonal_map="cayley"
    ),
    "orthogonal, wide": lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(4, 3)),
    "older weight_norm": lambda nn: nn.utils.weight_norm(nn.Linear(3, 4), dim=1),
    "older spectral_norm": lambda nn: nn.utils.spectral_norm(nn.Linear(3, 4)),
    "pruned": lambda nn: nn.utils.prune.l1_unstructured(nn.Linear(3, 4), "weight", 0.4),
    "pruned twice": lambda nn: nn.utils.prune.ln_structured(
        nn.utils.prune.l1_unstructured(nn.Linear(3, 4), "weight", 3), "weight", 1, n=1, dim=1
    ),
    "pruned at random": lambda nn: nn.utils.prune.random_unstructured(nn.Linear(3, 4), "weight", 5),
    "rows pruned at random": lambda nn: nn.utils.prune.random_structured(nn.Linear(3, 4), "weight", 2, 0),
    "identity": lambda nn: nn.utils.prune.identity(nn.Linear(3, 4), "bias"),
}
UP_TO_ROUNDING = {
    "orthogonal",
    "orthogonal, cayley",
    "orthogonal, wide",
    "spectral_norm",
    "older spectral_norm",
}


@pytest.mark.torch
@pytest.mark.parametrize("name", MADE)
def test_a_module_beside_pytorch(name):
    """Its first values, printed form, state dict both ways, results, gradients, and what a step in training changes."""
    import torch
    import torch.nn.utils.prune

    pb.manual_seed(3)
    torch.manual_seed(3)
    mine, theirs = MADE[name](nn), MADE[name](torch.nn)
    assert repr(mine) == repr(theirs)

    def compare():
        ours, others = mine.state_dict(), theirs.state_dict()
        assert [*ours] == [*others]
        for key in ours:
            np.testing.assert_allclose(
                ours[key].numpy(), others[key].numpy(), rtol=2e-4, atol=2e-5, err_msg=key
            )
        assert [key for key, _ in mine.named_parameters()] == [key for key, _ in theirs.named_parameters()]

    compare()
    shape = (2, mine.weight.shape[1], 5) if "convolution" in name else (2, mine.weight.shape[1])
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    for _ in range(2):
        y, z = mine(pb.tensor(x)), theirs(torch.tensor(x))
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-3, atol=1e-4)
        (y * y).sum().backward()
        (z * z).sum().backward()
        for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=2e-3, atol=2e-3)
    compare()
    other = MADE[name](nn)
    other.load_state_dict({key: pb.tensor(value.numpy()) for key, value in theirs.state_dict().items()})
    theirs.load_state_dict({key: torch.tensor(value.numpy()) for key, value in mine.state_dict().items()})
    for each in (other, mine, theirs):
        each.eval()
    found = [
        np.asarray(each(t(x)).detach())
        for each, t in ((other, pb.tensor), (mine, pb.tensor), (theirs, torch.tensor))
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found[2], found[1], rtol=1e-3, atol=1e-4)


@pytest.mark.torch
def test_an_older_state_dict_is_loaded():
    import torch

    old = torch.nn.utils.weight_norm(torch.nn.Linear(3, 4))
    new = parametrizations.weight_norm(nn.Linear(3, 4))
    new.load_state_dict({key: pb.tensor(value.numpy()) for key, value in old.state_dict().items()})
    np.testing.assert_allclose(new.weight.detach().numpy(), old.weight.detach().numpy(), rtol=1e-6)


@pytest.mark.torch
def test_pruning_of_several_tensors_beside_pytorch():
    import torch
    import torch.nn.utils.prune

    masks = []
    for library in (pb, torch):
        library.manual_seed(5)
        net = library.nn.Sequential(library.nn.Linear(3, 4), library.nn.Linear(4, 2))
        pairs = [(net[0], "weight"), (net[1], "weight"), (net[1], "bias")]
        library.nn.utils.prune.global_unstructured(pairs, library.nn.utils.prune.L1Unstructured, amount=0.4)
        library.nn.utils.prune.global_unstructured(pairs, library.nn.utils.prune.L1Unstructured, amount=3)
        masks.append([getattr(module, name + "_mask").tolist() for module, name in pairs])
    assert masks[0] == masks[1]


@pytest.mark.torch
def test_all_names_are_there():
    import torch
    import torch.nn.utils.prune

    for mine, theirs in (
        (nn.utils, torch.nn.utils),
        (parametrize, torch.nn.utils.parametrize),
        (parametrizations, torch.nn.utils.parametrizations),
        (prune, torch.nn.utils.prune),
    ):
        names = getattr(theirs, "__all__", None) or [
            n
            for n, v in vars(theirs).items()
            if getattr(v, "__module__", "") == theirs.__name__ and n[0] != "_"
        ]
        left_out = {
            "fuse_conv_bn_eval",
        }
        left_out |= {
            "fuse_conv_bn_weights",
            "fuse_linear_bn_eval",
            "fuse_linear_bn_weights",
            "skip_init",
            "stateless",
        }
        assert {n for n in names if not hasattr(mine, n)} - left_out == set()
