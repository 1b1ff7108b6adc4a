"""State dicts travel: whatever a module's state was made with, the other library's module computes the same from it.

Of each module of the table and of those below, in both directions: at once, through PyTorch's files, and ours through
safetensors.
"""

import io
import re
import warnings
from importlib import import_module

import numpy as np
import pytest
from tables import calls

import pullback

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

from nn.module_table import table  # noqa: E402  (needs torch)
from nn.test_modules_against_torch import arrays_of, called  # noqa: E402

pytestmark = pytest.mark.torch
import_module("torch.nn.utils.prune")  # PyTorch's nn.utils does not

# Text over `nn` and `U`, nn.utils, and what it is called with: options that change which tensors there are.
MORE = """
nn.Bilinear(3, 4, 2, bias=False) | 5 3 ; 5 4
nn.Conv1d(4, 6, 3, bias=False, groups=2) | 2 4 9
nn.Conv3d(1, 2, 2, bias=False) | 1 1 3 3 3
nn.ConvTranspose2d(2, 3, 2, bias=False) | 1 2 3 3
nn.GroupNorm(2, 4, bias=False) | 3 4 2
nn.InstanceNorm1d(4, affine=True, bias=False) | 5 4 3
nn.BatchNorm1d(4, bias=False) | 5 4
nn.EmbeddingBag(5, 3, mode="sum", include_last_offset=True) | i5 2 4
nn.MultiheadAttention(4, 2, kdim=3, bias=False) | 3 2 4 ; 5 2 3 ; 5 2 4
nn.RNN(3, 4, 2, bias=False, bidirectional=True) | 5 2 3
nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True) | 2 5 3
nn.LSTM(3, 4, proj_size=2, bidirectional=True, num_layers=2) | 5 2 3
nn.GRU(3, 4, bias=False) | 5 2 3
nn.LSTMCell(3, 4, bias=False) | 2 3
nn.RNNCell(3, 4, bias=False) | 2 3
nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, bias=False) | 3 2 4
nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3, 5]) | 6 4 ; i9 6
nn.CrossEntropyLoss(weight=t([1.0, 2.0, 0.5, 1.0])) | 3 4 ; i4 3
nn.LinearCrossEntropyLoss(3, 4, weight=t([1.0, 2.0, 0.5, 1.0])) | 5 3 ; i4 5
nn.BCEWithLogitsLoss(weight=t([1.0, 2.0]), pos_weight=t([2.0, 3.0])) | 3 2 ; p 3 2
nn.DataParallel(nn.Linear(3, 4)) | 2 3
nn.Sequential(*nn.ModuleList([nn.Linear(3, 4), nn.PReLU(4)])) | 2 3
nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.2)), nn.LayerNorm(4)) | 5 3
nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.Conv1d(4, 3, 2), nn.BatchNorm1d(3))) | 5 4 3
swa.AveragedModel(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), use_buffers=True) | 5 3
U.weight_norm(nn.Linear(3, 4)) | 2 3
U.weight_norm(nn.Conv2d(2, 3, 2), dim=None) | 1 2 3 3
U.weight_norm(nn.LSTM(3, 4), "weight_hh_l0") | 5 2 3
U.spectral_norm(nn.Linear(3, 4)) | 2 3
U.spectral_norm(nn.ConvTranspose1d(3, 4, 2)) | 2 3 5
U.parametrizations.weight_norm(nn.Linear(3, 4), dim=1) | 2 3
U.parametrizations.spectral_norm(nn.Conv1d(3, 4, 2)) | 2 3 5
U.parametrizations.orthogonal(nn.Linear(4, 4)) | 2 4
U.parametrizations.orthogonal(nn.Linear(3, 4), orthogonal_map="cayley", use_trivialization=False) | 2 3
U.parametrizations.orthogonal(nn.Linear(3, 4), orthogonal_map="householder") | 2 3
U.parametrizations.weight_norm(U.parametrizations.spectral_norm(nn.Linear(3, 4)), "bias") | 2 3
U.prune.l1_unstructured(nn.Linear(3, 4), "weight", 0.4) | 2 3
U.prune.ln_structured(U.prune.identity(nn.Conv1d(3, 4, 2), "bias"), "weight", 0.5, 2, 0) | 2 3 5
U.fuse_conv_bn_eval(nn.Conv1d(3, 4, 2, bias=False).eval(), nn.BatchNorm1d(4).eval()) | 2 3 5
U.fuse_conv_bn_eval(nn.ConvTranspose1d(3, 4, 2).eval(), nn.BatchNorm1d(4).eval(), transpose=True) | 2 3 5
U.fuse_linear_bn_eval(nn.Linear(3, 4).eval(), nn.BatchNorm1d(4).eval()) | 2 3
U.skip_init(nn.Linear, 3, 4) | 2 3
nn.LazyLinear(4) | 2 3
nn.LazyLinear(4, bias=False) | 2 3
nn.LazyConv1d(4, 3) | 2 3 7
nn.LazyConv2d(4, 3, bias=False) | 2 3 5 5
nn.LazyConv3d(4, 2) | 2 3 3 3 3
nn.LazyConvTranspose1d(4, 3) | 2 3 7
nn.LazyConvTranspose2d(4, 3) | 2 3 4 4
nn.LazyConvTranspose3d(4, 2, bias=False) | 2 3 2 2 2
nn.LazyBatchNorm1d() | 5 3
nn.LazyBatchNorm2d(affine=False) | 5 3 2 2
nn.LazyBatchNorm3d(track_running_stats=False) | 5 3 2 2 2
nn.LazyInstanceNorm1d() | 5 3 4
nn.LazyInstanceNorm2d(affine=False, track_running_stats=False) | 5 3 2 3
nn.LazyInstanceNorm3d() | 5 3 2 2 2
nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d(), nn.Linear(4, 2)) | 5 3
"""
ROWS = [
    *(["nn." + text, shapes] for text, shapes in table()),
    *(r.split(" | ") for r in MORE.split("\n") if r),
]
UNLIKE = {"nn.RReLU()"}  # random while it trains


def made(lib, text, arrays):
    """A module of float64 that was called once, as its state is of use from then on only where it is lazy."""
    names = {"nn": lib.nn, "U": lib.nn.utils, "swa": lib.optim.swa_utils, "t": lib.tensor}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = eval(text, names).to(lib.float64)
        if "Lazy" in text:
            module(*map(lib.tensor, arrays))
        return module


def file_of(lib, state, **options):
    file = io.BytesIO()
    lib.save(state, file, **options)
    file.seek(0)
    return file


def arrays_as(lib, state):
    return {name: lib.tensor(each.detach().numpy().copy()) for name, each in state.items()}


ROADS = {
    "at once": lambda state, one, other: arrays_as(other, state),
    "PyTorch's file": lambda state, one, other: other.load(file_of(one, state), weights_only=True),
    "older file": lambda state, one, other: other.load(
        file_of(one, state, _use_new_zipfile_serialization=False)
    ),
    "safetensors": lambda state, one, other: arrays_as(
        other, one.load(file_of(one, state, format="safetensors"))
    ),
}
TO_OURS = ["at once", "PyTorch's file", "older file"]
TO_THEIRS = ["at once", "PyTorch's file", "safetensors"]


@pytest.mark.parametrize("text, shapes", ROWS)
def test_states_of_modules_travel(text, shapes):
    arrays = arrays_of(shapes)
    for one, other, roads in ((torch, pullback, TO_OURS), (pullback, torch, TO_THEIRS)):
        first = made(one, text, arrays)
        if "skip_init" in text:
            torch.nn.init.constant_(first.weight, 0.5) if one is torch else pullback.nn.init.constant_(
                first.weight, 0.5
            )
            first.bias.data.fill_(0.25)
        fresh = [made(other, text, arrays) for _ in roads]
        for road, module in zip(roads, fresh):
            state = ROADS[road](first.state_dict(), one, other)
            assert list(state) == list(module.state_dict())
            assert str(module.load_state_dict(state)) == "<All keys matched successfully>"
        for training in (True, False):
            if text in UNLIKE and training:
                continue
            expected = computed(one, first, arrays, training)
            for module in fresh:
                found = computed(other, module, arrays, training)
                assert found.keys() == expected.keys()
                for name, array in expected.items():
                    if array is None or found[name] is None:  # no gradient, or zeros
                        assert not np.any(found[name]) and not np.any(array), name
                        continue
                    np.testing.assert_allclose(found[name], array, rtol=1e-7, atol=1e-10, err_msg=name)


def computed(lib, module, arrays, training):
    module.train(training)
    module.zero_grad()
    return called(lib, module, arrays)


def test_the_rows_have_every_module():
    """All that has a state, and is no container that is of no use alone."""
    text = " ".join(row[0] for row in ROWS)
    without = "Module Container CrossMapLRN2d RNNBase RNNCellBase ModuleDict ParameterList ParameterDict CTCLoss".split()
    without += ["MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"]
    missing = [
        name
        for name, each in vars(torch.nn).items()
        if isinstance(each, type)
        and issubclass(each, torch.nn.Module)
        and not re.search(rf"\b{name}\(", text)
    ]
    assert set(missing) - {"SyncBatchNorm"} == set(without)


CONTAINERS = calls("""
nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.ModuleList([nn.BatchNorm1d(2)])})
nn.ParameterList([nn.Parameter(lib.ones(2)), lib.zeros(3), 7])
nn.ParameterDict({"a": nn.Parameter(lib.ones(2)), "b": lib.zeros(1)})
nn.ParameterDict([["x", nn.ParameterList([lib.ones(1)])]]) ; nn.CTCLoss(blank=1) ; nn.MaxUnpool1d(2)
nn.MaxUnpool2d(2) ; nn.MaxUnpool3d(2) ; nn.RNNBase("GRU", 2, 3, bidirectional=True)
nn.RNNCellBase(2, 3, True, 4)
""")


@pytest.mark.parametrize("text", CONTAINERS)
def test_states_of_containers_travel(text):
    for one, other in ((torch, pullback), (pullback, torch)):
        first, second, third = [eval(text, {"nn": lib.nn, "lib": lib}) for lib in (one, other, one)]
        for each in first.state_dict().values():
            each.data.copy_(one.arange(each.numel()).reshape(each.shape))
        second.load_state_dict(other.load(file_of(one, first.state_dict())))
        third.load_state_dict(one.load(file_of(other, second.state_dict())))
        states = [
            {name: each.tolist() for name, each in module.state_dict().items()}
            for module in (first, second, third)
        ]
        assert states[0] == states[1] == states[2]
        assert repr(first) == repr(second).replace("pullback.", "torch.") or other is torch
