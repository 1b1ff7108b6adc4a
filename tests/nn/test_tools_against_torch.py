# ruff: noqa: E501
"""Tools around modules beside PyTorch's: fusing layers, making them without first values, calling them with other weights."""

import copy

import pytest
from beside import same

import pullback
from pullback.nn.parameter import UninitializedTensorMixin

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
pytestmark = pytest.mark.torch


def trained(m, norm):
    """One that has seen something."""
    norm(m.arange(24.0).reshape(2, 4, 3).cos())
    return norm.eval()


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.nn.utils.fuse_conv_bn_eval(m.nn.Conv1d(3, 4, 2).eval(), trained(m, m.nn.BatchNorm1d(4)))(m.ones(1, 3, 5)),
        lambda m: m.nn.utils.fusion.fuse_conv_bn_eval(
            m.nn.ConvTranspose1d(3, 4, 2, bias=False).eval(), trained(m, m.nn.BatchNorm1d(4, affine=False)), transpose=True
        )(m.ones(1, 3, 5)),
        lambda m: m.nn.utils.fuse_linear_bn_eval(m.nn.Linear(3, 4, bias=False).eval(), trained(m, m.nn.BatchNorm1d(4)))(m.ones(2, 3)),
        lambda m: m.nn.utils.fuse_linear_bn_eval(m.nn.Linear(3, 5).eval(), m.nn.BatchNorm1d(4).eval()),
        lambda m: m.nn.utils.fuse_linear_bn_eval(m.nn.Linear(3, 5), m.nn.BatchNorm1d(5).eval()),
        lambda m: m.nn.utils.fuse_conv_bn_eval(m.nn.Conv1d(3, 4, 2).eval(), m.nn.BatchNorm1d(4, track_running_stats=False).eval()),
        lambda m: [p.requires_grad for p in m.nn.utils.fuse_conv_bn_weights(m.ones(2, 1, 1), None, *[m.ones(2)] * 2, 0.1, *[None] * 2)],
        lambda m: m.nn.utils.fuse_linear_bn_weights(m.ones(2, 1), m.ones(2), *[m.ones(2)] * 2, 0.1, *[m.ones(2)] * 2)[0],
        lambda m: m.nn.utils.skip_init(m.nn.Linear, in_features=5, out_features=1, dtype=m.float64).weight.dtype,
        lambda m: (m.nn.utils.skip_init(m.nn.Linear, 5, 1), m.rand(3))[1],
        lambda m: m.nn.utils.skip_init(m.nn.ReLU),
        lambda m: m.nn.utils.init.skip_init(int),
        lambda m: m.nn.utils.stateless.functional_call(
            m.nn.Linear(2, 1), {"weight": m.ones(1, 2), "bias": m.zeros(1)}, (m.ones(3, 2),)
        ),
        lambda m: m.nn.factory_kwargs({"dtype": 1, "factory_kwargs": {"device": "cpu"}})["device"],
        lambda m: m.nn.factory_kwargs(None),
        lambda m: m.nn.factory_kwargs({"x": 1}),
        lambda m: m.nn.factory_kwargs({"dtype": 1, "factory_kwargs": {"dtype": 1}}),
        lambda m: m.nn.Linear(1, 1).xpu(),
        lambda m: m.nn.Linear(1, 1).ipu(),
        lambda m: m.nn.LinearCrossEntropyOptions(acc_dtype=m.int64).acc_dtype,
        lambda m: m.nn.LinearCrossEntropyOptions(acc_policy="foo"),
        lambda m: m.nn.LinearCrossEntropyOptions(chunking_method="aspect_ratio:0"),
        lambda m: m.nn.LinearCrossEntropyOptions(batch_chunk_size=0),
        lambda m: m.nn.LinearCrossEntropyOptions(True, chunking_method="aspect_ratio:2", acc_dtype=m.float32),
        lambda m: m.nn.functional.linear_cross_entropy(
            m.arange(8.0).reshape(2, 4).sin(), m.eye(3, 4), m.tensor([0, 2]), options=m.nn.LinearCrossEntropyOptions()
        ),
        lambda m: m.nn.LinearCrossEntropyLoss(3, 2, weight=m.ones(3)),
        lambda m: m.nn.LinearCrossEntropyLoss(3, 2, label_smoothing=1.5),
        lambda m: m.nn.SyncBatchNorm(0)(m.ones(3, 0)),
        lambda m: m.nn.SyncBatchNorm(3)(m.ones(3)),
        lambda m: m.nn.ParameterDict({"a": m.zeros(2, 3), "b": m.zeros(1, dtype=m.float64)}),
        lambda m: m.nn.ParameterDict(3),
        lambda m: m.nn.ParameterDict([3]),
        lambda m: m.nn.ModuleDict(3),
    ],
)  # fmt: skip
def test_tools(call):
    same(call)


def test_a_module_of_a_device_that_is_nowhere():
    with pytest.raises(AssertionError, match="Torch not compiled with MTIA enabled"):
        pullback.nn.Linear(1, 1).mtia()
    assert pullback.nn.Module.T_destination.__name__ == torch.nn.Module.T_destination.__name__


def test_a_batch_norm_of_several_processes_keeps_what_it_converts():
    net = pullback.nn.Sequential(
        pullback.nn.BatchNorm2d(3), pullback.nn.ModuleList([pullback.nn.BatchNorm1d(2)])
    ).eval()
    weights = [id(each) for each in net.parameters()]
    made = pullback.nn.SyncBatchNorm.convert_sync_batchnorm(net, "group")
    assert [id(each) for each in made.parameters()] == weights
    assert not made[0].training and made[1][0].process_group == "group"
    assert pullback.nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(made[0]))(
        pullback.ones(1, 3, 2, 2)
    ).shape == (1, 3, 2, 2)


def test_what_has_no_shape_yet():
    for kind in (pullback.nn.UninitializedParameter, pullback.nn.UninitializedBuffer):
        assert issubclass(kind, UninitializedTensorMixin)
        with pytest.raises(
            RuntimeError, match="Can't access the shape of an uninitialized parameter or buffer"
        ):
            kind().shape


def test_pooling_that_says_where():
    x = pullback.arange(16.0).reshape(1, 1, 4, 4)
    names = [name for name in dir(pullback.nn.functional) if name.endswith("_with_indices")]
    assert len(names) == 8
    values, indices = pullback.nn.functional.max_pool2d_with_indices(x, 2, return_indices=False)
    assert pullback.equal(x.flatten()[indices], values)
