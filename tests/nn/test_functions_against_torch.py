"""Every function of networks beside PyTorch's: values, gradients, second derivatives, shapes, dtypes, what is written."""

import re
import warnings

import numpy as np
import pytest
from tables import calls
from twins import first_sentence

import pullback

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

from nn.calls import IMAGES, LOSSES, OTHERS, SMOOTH, WINDOWS, operands  # noqa: E402  (needs torch)

pytestmark = pytest.mark.torch


def run(lib, call, dtype):
    """What a call gives in one library, by name: its value, the gradients of its operands, those of their squares."""
    given = {}
    for name, array in operands().items():
        floats = array.dtype.kind == "f"
        given[name] = lib.tensor(array, dtype=getattr(lib, dtype) if floats else None)
        if name in SMOOTH and re.search(rf"\b{name}\b(?!\.detach)", call):
            given[name].requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = eval(call, {"F": lib.nn.functional, **given})
    found = {"value": result.detach(), "m": given["m"], "r": given["r"]}
    leaves = {name: each for name, each in given.items() if each.requires_grad}
    if result.requires_grad:
        weights = lib.tensor(np.cos(np.arange(result.numel())).reshape(result.shape), dtype=result.dtype)
        total = (result * weights).sum()
        first = lib.autograd.grad(total, list(leaves.values()), create_graph=True, allow_unused=True)
        found |= {f"gradient in {name}": g for name, g in zip(leaves, first, strict=True) if g is not None}
        terms = [(g * g).sum() for g in first if g is not None and g.requires_grad]
        try:
            second = lib.autograd.grad(sum(terms), list(leaves.values()), allow_unused=True) if terms else ()
        except RuntimeError:  # PyTorch has no second derivative of some
            assert lib is torch
            second = ()
        found |= {f"second order in {name}": g for name, g in zip(leaves, second) if g is not None}
    return found


UNDIFFERENTIATED = re.compile(r"F.binary_cross_entropy.*\bw\b")  # PyTorch has no gradient of these weights


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("call", [*LOSSES, *OTHERS, *WINDOWS, *IMAGES])
def test_values_and_derivatives(call, dtype):
    if UNDIFFERENTIATED.match(call):
        call = re.sub(r"\bw\b", "w.detach()", call)
    expected, found = run(torch, call, dtype), run(pullback, call, dtype)
    assert str(found["value"].dtype)[9:] == str(expected["value"].dtype)[6:]
    assert tuple(found["value"].shape) == tuple(expected["value"].shape)
    bound = 1e-10 if dtype == "float64" else 2e-5  # relative to the largest
    for what in expected | found:
        if what.startswith("second") and not any(name.startswith("second") for name in expected):
            continue
        theirs, mine = [side[what].numpy(force=True) if what in side else 0.0 for side in (expected, found)]
        if what.startswith("second"):  # PyTorch's is NaN at some points where there is one
            mine = np.where(np.isnan(theirs), theirs, mine)
        size = np.abs(theirs[np.isfinite(theirs)]).max(initial=1.0) if np.ndim(theirs) else np.abs(theirs)
        np.testing.assert_allclose(mine, theirs, 10 * bound, bound * max(size, 1.0), err_msg=what)


ERRORS = """
F.huber_loss(x, y, delta=0.) ; F.smooth_l1_loss(x, y, beta=-1.) ; F.mse_loss(x, y, reduction='foo')
F.mse_loss(x, y, weight=w) ; F.l1_loss(x, y, weight=w) ; F.huber_loss(x, y, weight=w) ; F.gaussian_nll_loss(x, y, -p)
F.gaussian_nll_loss(x, y, -1.0) ; F.gaussian_nll_loss(x, y, p[:2]) ; F.gaussian_nll_loss(x, y, p, reduction='foo')
F.poisson_nll_loss(x, y, reduction='foo') ; F.binary_cross_entropy(x, p) ; F.binary_cross_entropy(p, w)
F.binary_cross_entropy(p, q, reduction='foo') ; F.binary_cross_entropy_with_logits(x, w)
F.kl_div(x, p, reduction='foo') ; F.kl_div(x, p[:, :3]) ; F.multi_margin_loss(x, k + 7) ; F.multi_margin_loss(x, k[:2])
F.multi_margin_loss(x, k, weight=w[:3]) ; F.multi_margin_loss(x, k, p=3) ; F.multi_margin_loss(x, k, weight=p)
F.multi_margin_loss(t, k) ; F.multilabel_margin_loss(x, k) ; F.multilabel_margin_loss(x, l + 9)
F.multilabel_margin_loss(t, l) ; F.cosine_embedding_loss(x, y, d[:2]) ; F.cosine_embedding_loss(v, w, d)
F.cosine_embedding_loss(x, y, s) ; F.margin_ranking_loss(x, v, s) ; F.margin_ranking_loss(x, y, s[:2])
F.cosine_similarity(k, k) ; F.cosine_similarity(v, v) ; F.pdist(v) ; F.pdist(x, -1) ; F.triplet_margin_loss(x, v, y)
F.triplet_margin_loss(x, y, p, margin=0) ; F.triplet_margin_with_distance_loss(x, y, p, reduction='foo')
F.nll_loss(x, k + 4) ; F.nll_loss(x, k[:2]) ; F.nll_loss(v[0], k[0]) ; F.nll_loss(x, k, w[:3]) ; F.nll_loss(x, x[:, 0])
F.nll_loss(t, l[:2]) ; F.nll_loss(x, k, reduction='foo') ; F.glu(v[:3]) ; F.glu(v[0]) ; F.prelu(x, w[:2])
F.prelu(v, w) ; F.prelu(v[0], w) ; F.embedding(i + 5, e) ; F.embedding(i - 5, e) ; F.embedding(x, e) ; F.embedding(i, v)
F.embedding(i, e, 7) ; F.embedding_bag(i, e, mode='foo') ; F.embedding_bag(i, e, i[0]) ; F.embedding_bag(i[0], e)
F.embedding_bag(i[0], e, i) ; F.embedding_bag(i[0], e, i[0] * 0 + 1) ; F.embedding_bag(i, e, per_sample_weights=x)
F.embedding_bag(i, e, per_sample_weights=p[:2, :3]) ; F.embedding_bag(i, e, mode='max', scale_grad_by_freq=True)
F.dropout(x, 1.5) ; F.dropout(x, -0.1) ; F.dropout1d(v) ; F.alpha_dropout(x, 2.0) ; F.feature_alpha_dropout(x, -1.0)
F.pixel_shuffle(x, 2) ; F.pixel_shuffle(t[:, :3], 2) ; F.pixel_shuffle(u, 0) ; F.pixel_unshuffle(u, 2)
F.pixel_unshuffle(x, 2) ; F.pixel_unshuffle(t, 2) ; F.pixel_unshuffle(u, -1) ; F.channel_shuffle(x, 2)
F.channel_shuffle(u, 3) ; F.channel_shuffle(u, 0) ; F.group_norm(x, 3) ; F.group_norm(v, 1) ; F.group_norm(x, 2, w[:3])
F.batch_norm(x[:1], m, r, training=True) ; F.batch_norm(x, m[:3], r) ; F.batch_norm(x, None, None)
F.batch_norm(x, m, r, w[:3]) ; F.instance_norm(t[:, :, :1]) ; F.instance_norm(t, use_input_stats=False) ; F.conv2d(g, c)
F.interpolate(g) ; F.interpolate(g, 3, 2.0) ; F.interpolate(g, (3, 4, 5))
F.interpolate(g, scale_factor=(1.0, 2.0, 3.0)) ; F.interpolate(g, 3, mode='linear')
F.interpolate(f, 3, mode='bilinear') ; F.interpolate(h, 3, mode='bilinear') ; F.interpolate(g, 3, mode='foo')
F.interpolate(v, 3) ; F.interpolate(g, 3, align_corners=True) ; F.interpolate(f, 3, mode='linear', antialias=True)
F.interpolate(g, 3, mode='lanczos')
F.interpolate(g, 3, mode='lanczos', antialias=True, align_corners=True)
F.interpolate(g, 3, recompute_scale_factor=True) ; F.affine_grid(g, (2, 1, 3, 4))
F.affine_grid(a, (4, 1, 0, 4)) ; F.affine_grid(a, (4, 1, 3)) ; F.affine_grid(i, (4, 1, 3, 3)) ; F.grid_sample(g, c)
F.grid_sample(g, c[:2], 'foo') ; F.grid_sample(g, c[:2], padding_mode='foo')
F.grid_sample(g, u.permute(0, 2, 3, 1)) ; F.grid_sample(h, o[:1], 'bicubic') ; F.grid_sample(g[:, :, :0], c[:2])
F.scaled_dot_product_attention(x, y, p, attn_mask=q, is_causal=True) ; F.scaled_dot_product_attention(v, v, v)
F.ctc_loss(g.flatten()[:168].reshape(7, 4, 6), l.abs(), (7, 7), (2, 2, 2, 2))
F.ctc_loss(g.flatten()[:168].reshape(7, 4, 6), l[[0, 1, 2, 0]].abs(), (7, 7, 7, 9), (2, 2, 2, 2))
F.ctc_loss(g.flatten()[:168].reshape(7, 4, 6), l[[0, 1, 2, 0]].abs(), (7, 7, 7, 7), (2, 2, 2, 2), blank=6)
F.ctc_loss(g.flatten()[:168].reshape(7, 4, 6), l[None].abs(), (7, 7, 7, 7), (2, 2, 2, 2), blank=6)
F.ctc_loss(g.flatten()[:0].reshape(0, 4, 6), l[[0, 1, 2, 0]].abs(), (7, 7, 7, 7), (2, 2, 2, 2), blank=6)
F.ctc_loss(g.flatten()[:0].reshape(7, 0, 6), l[:0], (), ())
F.ctc_loss(f[0].t().log_softmax(1), l[0, :2].abs(), (7,), (1,))
F.ctc_loss(g.flatten()[:168].reshape(7, 4, 6), l[0, :2].abs(), (7, 7, 7, 7), (0, 0, 0, 0))
F.conv_tbc(x, t, w) ; F.conv_tbc(t, x, w) ; F.conv_tbc(t, t, x) ; F.conv_tbc(t, t[:, :2], w) ; F.conv_tbc(t, t, w[:1])
F.conv_tbc(t, t[:, :, :0], w[:1]) ; F.conv_tbc(t[:0], t, t[0, 0]) ; F.conv_tbc(t, t, t[0, 0], -2)
F.conv2d(v, c) ; F.conv2d(g[:, :2], c, z[:3]) ; F.conv2d(g[:, :2, :2], c)
F.conv2d(g, c, groups=3) ; F.conv2d(g, c[:1], groups=2) ; F.conv2d(g[:, :2], c, stride=0)
F.conv2d(g[:, :2], c, padding=-1) ; F.conv2d(g[:, :2], c, dilation=0) ; F.conv2d(g[:, :2], c, stride=(1, 1, 1))
F.conv2d(g[:, :2], c, padding='foo') ; F.conv2d(g[:, :2], c, padding='same', stride=2) ; F.conv_transpose2d(g[:, :3], c)
F.conv_transpose2d(g, c, z) ; F.conv2d(g, c, groups=0) ; F.conv1d(g, a) ; F.conv3d(g[0, 0], o) ; F.unfold(g, 9)
F.unfold(g, 0) ; F.unfold(g, (1, 2, 3)) ; F.unfold(g, 2, stride=0) ; F.fold(f, (3, 4), 2) ; F.fold(f[:, :3], (3, 4), 2)
F.fold(v, (3, 4), 2) ; F.max_pool2d(g, 3, padding=2) ; F.max_pool2d(v, 2) ; F.max_pool1d(g, 2) ; F.max_pool2d(g, 9)
F.max_pool2d(g, 2, stride=0) ; F.max_pool2d(g, (1, 2, 3)) ; F.max_pool2d(g, 2, dilation=0) ; F.max_pool2d(g[:, :0], 2)
F.max_pool1d(f, 0) ; F.max_pool1d(f, 9) ; F.max_pool1d(f, 3, padding=2) ; F.avg_pool2d(g, 2, padding=2)
F.avg_pool2d(g, 2, divisor_override=0) ; F.avg_pool2d(g, 9) ; F.avg_pool1d(g, 2) ; F.adaptive_avg_pool2d(v, 2)
F.adaptive_avg_pool2d(g, (2, 3, 4)) ; F.adaptive_max_pool2d(v, 2) ; F.adaptive_avg_pool2d(g, -1)
F.adaptive_avg_pool1d(v, 2) ; F.max_unpool2d(u, u.long() * 0 - 1, 2) ; F.max_unpool2d(u, u.long() * 0 + 999, 2)
F.max_unpool2d(u, u.long() * 0, 2, output_size=(50, 50)) ; F.max_unpool2d(u, u[:1].long(), 2)
F.fractional_max_pool2d(g, 2) ; F.fractional_max_pool2d(g, 2, 9) ; F.rms_norm(x, (3,)) ; F.rms_norm(x, (4,), w[:3])
F.group_norm(x, 7) ; F.group_norm(x[:1], 4) ; F.group_norm(u[:1, :, :1, :1], 4) ; F.local_response_norm(x, 2)
F.local_response_norm(t, 0) ; F.local_response_norm(t, -1) ; F.local_response_norm(t, -2)
F.local_response_norm(u, 0) ; F.layer_norm(x, (3,)) ; F.linear_cross_entropy(t, t, k) ; F.linear_cross_entropy(x, v, k)
F.linear_cross_entropy(x, t, k) ; F.linear_cross_entropy(x, y, k, linear_bias=w) ; F.linear_cross_entropy(v[:3], t, k)
F.linear_cross_entropy(x, y, q[:, :3], ignore_index=1)
"""


@pytest.mark.parametrize("call", calls(ERRORS))
def test_errors(call):
    """PyTorch's type, and its first sentence at the beginning of the message."""
    expected, found = [], []
    for lib, into in ((torch, expected), (pullback, found)):
        given = {name: lib.tensor(array) for name, array in operands().items()}
        try:
            eval(call, {"F": lib.nn.functional, **given})
        except Exception as error:
            into.append(error)
    assert expected, "PyTorch takes it"
    assert found, f"pullback takes what PyTorch refuses: {expected[0]}"
    assert issubclass(type(found[0]), type(expected[0])), (expected, found)
    first = first_sentence(expected[0]).replace("torch.", "")
    assert first in str(found[0]).replace("pullback.", "").replace("torch.", ""), (
        str(expected[0]),
        str(found[0]),
    )
