"""Models with BatchNorm inside of transforms: what has to be replaced, and that it is enough."""

import numpy as np
import pytest

import pullback as pb
from pullback import func


def net(lib, features=3):
    lib.manual_seed(0)
    return lib.nn.Sequential(
        lib.nn.Conv2d(2, features, 3),
        lib.nn.BatchNorm2d(features),
        lib.nn.Sequential(lib.nn.ReLU(), lib.nn.Flatten(), lib.nn.BatchNorm1d(4 * features, affine=False)),
        lib.nn.Linear(4 * features, 1),
    )


def loss(lib, model):
    def of(parameters, x):
        return lib.func.functional_call(model, parameters, (x,)).pow(2).sum()

    return of


def images(lib, *leading):
    lib.manual_seed(1)
    return lib.randn(*leading, 2, 4, 4)


def test_what_is_replaced():
    """Every BatchNorm below, the root too; instance norms and what never tracked stay as they are."""
    model = net(pb)
    model.append(pb.nn.InstanceNorm1d(1, track_running_stats=True))
    weights = dict(model.named_parameters())
    assert func.replace_all_batch_norm_modules_(model) is model
    norms = [m for m in model.modules() if isinstance(m, pb.nn.BatchNorm1d | pb.nn.BatchNorm2d)]
    assert len(norms) == 2 and not any(m.track_running_stats for m in norms)
    assert all(m.running_mean is m.running_var is m.num_batches_tracked is None for m in norms)
    assert [name.split(".")[0] for name, _ in model.named_buffers()] == ["4"] * 3
    assert all(p is weights[name] for name, p in model.named_parameters())
    root = pb.nn.BatchNorm3d(2)
    assert not func.replace_all_batch_norm_modules_(root).track_running_stats
    assert not func.replace_all_batch_norm_modules_(pb.nn.SyncBatchNorm(2)).track_running_stats
    func.replace_all_batch_norm_modules_(root)  # a second time
    with pytest.raises(AttributeError, match="has no attribute 'modules'"):
        func.replace_all_batch_norm_modules_(lambda x: x)


def test_beside_a_loop_over_models():
    """Gradients for each batch, in both orders of transforms and beside a plain backward pass of each."""
    model, x = func.replace_all_batch_norm_modules_(net(pb)), images(pb, 3, 5)
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    found = func.vmap(func.grad(loss(pb, model)), in_dims=(None, 0))(parameters, x)
    rows = func.jacrev(lambda p: func.vmap(lambda x: loss(pb, model)(p, x))(x))(parameters)
    for entry in range(3):
        model.zero_grad()
        model(x[entry]).pow(2).sum().backward()
        for name, p in model.named_parameters():
            np.testing.assert_allclose(found[name][entry], p.grad, rtol=2e-4, atol=2e-5)
            np.testing.assert_allclose(rows[name][entry], p.grad, rtol=2e-4, atol=2e-5)


def test_what_tracks_is_refused_and_unchanged():
    """One running mean cannot follow all entries; with buffers that are mapped, each follows its own."""
    model, x = net(pb), images(pb, 3, 5)
    before = model[1].running_mean.clone(), model[1].running_var.clone()
    with pytest.raises(
        RuntimeError, match="Batch norm got a batched tensor .*replace_all_batch_norm_modules_"
    ):
        func.vmap(model)(x)
    assert all(map(pb.equal, (model[1].running_mean, model[1].running_var), before))
    instance = pb.nn.InstanceNorm2d(2, track_running_stats=True)
    with pytest.raises(RuntimeError, match="Batch norm got a batched tensor"):
        func.vmap(instance)(x)
    assert pb.equal(instance.running_var, pb.ones(2))
    assert func.vmap(model.eval())(x).shape == (3, 5, 1)

    models = [net(pb).train() for _ in range(3)]
    parameters, buffers = func.stack_module_state(models)
    out = func.vmap(lambda p, b, x: func.functional_call(models[0], (p, b), (x,)))(parameters, buffers, x)
    for entry, one in enumerate(models):
        np.testing.assert_allclose(out[entry].detach(), one(x[entry]).detach(), rtol=1e-4, atol=1e-5)
        for name, buffer in one.named_buffers():
            np.testing.assert_allclose(buffers[name][entry], buffer, rtol=1e-4, atol=1e-6)


@pytest.mark.torch
def test_beside_pytorch():
    """Per-batch gradients with PyTorch's numbers, and its sentence for what was not replaced."""
    torch = pytest.importorskip("torch")

    def answers(lib):
        model, x = net(lib), images(lib, 3, 5)
        with pytest.raises(RuntimeError) as refused:
            lib.func.vmap(model)(x)
        lib.func.replace_all_batch_norm_modules_(model)
        parameters = {name: p.detach() for name, p in model.named_parameters()}
        found = lib.func.vmap(lib.func.grad(loss(lib, model)), in_dims=(None, 0))(parameters, x)
        evaluated = lib.func.vmap(model.eval())(x).detach().numpy()
        return str(refused.value), repr(model), {k: v.numpy() for k, v in found.items()}, evaluated

    ours, theirs = answers(pb), answers(torch)
    assert ours[0].startswith(theirs[0].partition("\n")[0]) and ours[1] == theirs[1]
    assert ours[2].keys() == theirs[2].keys()
    for name, found in theirs[2].items():
        np.testing.assert_allclose(ours[2][name], found, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ours[3], theirs[3], rtol=1e-4, atol=1e-5)
