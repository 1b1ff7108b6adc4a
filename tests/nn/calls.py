# ruff: noqa: E501
"""Calls of the functions of networks, as text over the module `F` and these operands, made by `operands`.

x, y  float64 [3, 4]     p, q  probabilities [3, 4]   s  -1 or 1, [3, 4]    b  0 or 1, [3, 4]
k  int64 [3], below 4    w  positive [4]              v  float64 [4]        l  int64 [3, 4], labels and -1
t  float64 [2, 4, 3]     u  float64 [2, 4, 3, 2]      e  float64 [5, 2]     i  int64 [2, 3], below 5
d  -1 or 1, [3]          m, r  a running mean and variance, [4]
"""

import numpy as np
from tables import calls


def operands(seed=0):
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal
    return {
        "x": normal((3, 4)),
        "y": normal((3, 4)),
        "p": rng.uniform(0.1, 0.9, (3, 4)),
        "q": rng.uniform(0.1, 0.9, (3, 4)),
        "s": rng.choice([-1.0, 1.0], (3, 4)),
        "b": rng.choice([0.0, 1.0], (3, 4)),
        "k": rng.integers(0, 4, 3),
        "w": rng.uniform(0.5, 1.5, 4),
        "v": normal(4),
        "l": np.array([[3, 0, -1, 1], [-1, 2, 2, 2], [1, 2, 3, 0]]),
        "t": normal((2, 4, 3)),
        "u": normal((2, 4, 3, 2)),
        "e": normal((5, 2)),
        "i": rng.integers(0, 5, (2, 3)),
        "f": normal((2, 4, 7)),
        "g": normal((2, 4, 7, 6)),
        "h": normal((1, 2, 5, 4, 5)),
        "a": normal((4, 2, 3)),
        "c": normal((4, 2, 3, 2)),
        "o": normal((2, 2, 2, 2, 3)),
        "z": normal(4),
        "d": np.array([1.0, -1.0, 1.0]),
        "m": normal(4),
        "r": rng.uniform(0.5, 1.5, 4),
    }


SMOOTH = "xypqvwtuefghacoz"  # what is differentiated

LOSSES = calls("""
F.cross_entropy(x, k) ; F.cross_entropy(x, k, w.detach(), label_smoothing=0.1) ; F.linear_cross_entropy(x, y, k % 3)
F.linear_cross_entropy(x, y, k % 3, linear_bias=w[:3], reduction='none', ignore_index=1)
F.linear_cross_entropy(x[0], y, k[0] % 3, weight=w[:3].detach(), reduction='sum', label_smoothing=0.1)
F.linear_cross_entropy(x[:, :3], t, (l[:, :4].abs() % 2), linear_bias=t[:, :, 0])
F.linear_cross_entropy(x, y, q[:, :3].detach(), linear_bias=w[:3])
F.mse_loss(x, y) ; F.mse_loss(x, y, reduction='sum') ; F.mse_loss(x, y, reduction='none') ; F.mse_loss(x, y, weight=p)
F.mse_loss(x, y, reduction='sum', weight=p) ; F.mse_loss(x, y, reduction='none', weight=p) ; F.l1_loss(x, y)
F.l1_loss(x, y, weight=p) ; F.l1_loss(x, y, reduction='none') ; F.l1_loss(x, x) ; F.smooth_l1_loss(x, y)
F.smooth_l1_loss(x, y, beta=0.3) ; F.smooth_l1_loss(x, y, beta=0) ; F.smooth_l1_loss(x, x) ; F.huber_loss(x, y)
F.huber_loss(x, y, delta=0.4) ; F.huber_loss(x, y, 'sum', weight=p) ; F.huber_loss(x, y, weight=p)
F.huber_loss(x, x, 'none') ; F.gaussian_nll_loss(x, y, p) ; F.gaussian_nll_loss(x, y, p[:, :1], full=True)
F.gaussian_nll_loss(x, y, p[:, 0]) ; F.gaussian_nll_loss(x, y, 0.5)
F.gaussian_nll_loss(x, y, p, eps=0.5, reduction='none') ; F.poisson_nll_loss(x, p)
F.poisson_nll_loss(p, q, log_input=False, reduction='sum') ; F.poisson_nll_loss(x, p * 4, full=True, reduction='none')
F.binary_cross_entropy(p, q) ; F.binary_cross_entropy(p, b, reduction='none') ; F.binary_cross_entropy(p, q, w)
F.binary_cross_entropy(b, q.detach(), reduction='none') ; F.binary_cross_entropy_with_logits(x, q)
F.binary_cross_entropy_with_logits(x * 5, b, reduction='none')
F.binary_cross_entropy_with_logits(x, q, w, reduction='sum') ; F.binary_cross_entropy_with_logits(x, q, pos_weight=w)
F.binary_cross_entropy_with_logits(x * 5, b, pos_weight=w) ; F.kl_div(x, p) ; F.kl_div(x, p, reduction='batchmean')
F.kl_div(x, y, log_target=True) ; F.kl_div(x, b, reduction='none') ; F.kl_div(x, p, reduction='sum')
F.kl_div(v, w, reduction='batchmean') ; F.soft_margin_loss(x, s) ; F.soft_margin_loss(x * 10, s, reduction='none')
F.multilabel_soft_margin_loss(x, b) ; F.multilabel_soft_margin_loss(x, b, w, reduction='none')
F.multilabel_soft_margin_loss(v, b[0]) ; F.hinge_embedding_loss(x, s)
F.hinge_embedding_loss(p, s, 0.5, reduction='none') ; F.hinge_embedding_loss(x, b) ; F.multi_margin_loss(x, k)
F.multi_margin_loss(x, k, p=2, margin=0.5, weight=w.detach(), reduction='none') ; F.multi_margin_loss(v, k[0])
F.multi_margin_loss(v, k[0], reduction='none') ; F.multi_margin_loss(x, k, reduction='sum')
F.multilabel_margin_loss(x, l) ; F.multilabel_margin_loss(x, l, reduction='none') ; F.multilabel_margin_loss(v, l[0])
F.multilabel_margin_loss(v, l[0], reduction='none') ; F.cosine_embedding_loss(x, y, d)
F.cosine_embedding_loss(x, y, d, 0.1, reduction='none') ; F.cosine_embedding_loss(v, w, d[1])
F.margin_ranking_loss(x, y, s) ; F.margin_ranking_loss(x, y, s, 0.5, reduction='none') ; F.triplet_margin_loss(x, y, p)
F.triplet_margin_loss(x, y, p, swap=True, p=1, margin=3.0) ; F.triplet_margin_loss(x, y, p, reduction='none', p=3)
F.triplet_margin_with_distance_loss(x, y, p, margin=2.0, reduction='sum')
F.triplet_margin_with_distance_loss(x, y, p, distance_function=lambda a, b: ((a - b)**4).sum(-1), swap=True)
F.nll_loss(x, k) ; F.nll_loss(x, k, w.detach()) ; F.nll_loss(x, k, reduction='none') ; F.nll_loss(x, k, ignore_index=1)
F.nll_loss(x, k, w.detach(), reduction='sum', ignore_index=2) ; F.nll_loss(v, k[0])
F.nll_loss(t, k[:2, None] * l[:2, :3].abs() % 4) ; F.nll_loss(v, k[0], reduction='none')
F.nll_loss(t, k[:2, None] * l[:2, :3].abs() % 4, reduction='none')
""")

OTHERS = calls("""
F.celu(x, 0.5) ; F.elu(x, 0.5) ; F.hardswish(x) ; F.hardtanh(x, -0.5, 0.7) ; F.leaky_relu(x, 0.1)
F.mish(x) ; F.relu(x) ; F.relu6(x * 5) ; F.selu(x) ; F.sigmoid(x) ; F.silu(x) ; F.softmax(x, 0) ; F.softmax(t) ; F.log_softmax(x) ; F.softsign(x)
F.tanh(x) ; F.tanhshrink(x) ; F.threshold(x, 0.1, 2.0) ; F.pad(x, (1, 2)) ; F.pad(t, (1, 2), 'reflect')
F.cosine_similarity(x, y) ; F.cosine_similarity(x, y, dim=0) ; F.cosine_similarity(x, v)
F.cosine_similarity(x * 0, y, 1) ; F.pairwise_distance(x, y) ; F.pairwise_distance(x, y, 1.0, 1e-3, True)
F.pairwise_distance(x, v) ; F.pairwise_distance(v, w) ; F.pairwise_distance(x, x)
F.pairwise_distance(x, y, float('inf')) ; F.pdist(x) ; F.pdist(x, 1) ; F.pdist(x, 3.0) ; F.pdist(x, float('inf'))
F.pdist(x[:, :0], float('inf')) ; F.pdist(x[:, :0]) ; F.pdist(x[:, :0], 3.0)
F.pdist(x[:1]) ; F.normalize(x) ; F.normalize(x, 1, 0) ; F.normalize(x, eps=3.0) ; F.normalize(t, dim=-1)
F.batch_norm(x, m, r) ; F.batch_norm(t, m, r, w, v) ; F.batch_norm(u, m, r, w, v, True)
F.batch_norm(x, None, None, training=True) ; F.batch_norm(t, m, r, w, v, True, 0.3, 0.1) ; F.instance_norm(t)
F.instance_norm(u, m, r, w, v) ; F.instance_norm(t, m, r, w, v, False) ; F.instance_norm(t, eps=0.1)
F.group_norm(t, 2) ; F.group_norm(u, 4, w, v) ; F.group_norm(x, 1, w, v, 0.1) ; F.rms_norm(x, (4,))
F.rms_norm(x, (3, 4)) ; F.rms_norm(x, (4,), w, 0.1) ; F.rms_norm(t, [3]) ; F.local_response_norm(t, 2)
F.local_response_norm(u, 3, 0.5, 0.6, 2.0) ; F.layer_norm(x, (4,), w, v) ; F.embedding(i, e) ; F.embedding(i, e, 2)
F.embedding(i, e, -1) ; F.embedding(i, e, scale_grad_by_freq=True) ; F.embedding(i[0, 0], e)
F.embedding(i, e.detach() * 1, max_norm=0.5) ; F.embedding_bag(i, e) ; F.embedding_bag(i, e, mode='sum')
F.embedding_bag(i, e, mode='max') ; F.embedding_bag(i.flatten(), e, k[:3].cumsum(0) * 0)
F.embedding_bag(i, e, padding_idx=1) ; F.embedding_bag(i, e, mode='max', padding_idx=2)
F.embedding_bag(i, e, mode='sum', per_sample_weights=p[:2, :3]) ; F.glu(x) ; F.glu(x, 1) ; F.glu(t, 1) ; F.prelu(x, w)
F.prelu(u, w) ; F.prelu(x, w[:1]) ; F.prelu(v, w[:1]) ; F.softmin(x, 1) ; F.softmin(x, 0) ; F.rrelu(x)
F.rrelu(x, 0.1, 0.2) ; F.pixel_shuffle(u, 2) ; F.pixel_unshuffle(t, 1) ; F.channel_shuffle(u, 2)
F.channel_shuffle(t, 4) ; F.dropout(x, 0.3, False) ; F.alpha_dropout(x, 0.3) ; F.dropout(x, 1.0) ; F.dropout(x, 0.0)
""")

WINDOWS = calls("""
F.max_pool1d_with_indices(f, 2)[0] ; F.max_pool2d_with_indices(g, 2, 1)[1] * 1.0 ; F.max_pool3d_with_indices(h, 2)[0]
F.adaptive_max_pool1d_with_indices(f, 3)[0] ; F.adaptive_max_pool2d_with_indices(g, (3, None))[1] * 1.0
F.adaptive_max_pool3d_with_indices(h, 2)[0]
F.fractional_max_pool2d_with_indices(g, 2, 3, _random_samples=p[:2, :].reshape(2, 4, 1).expand(2, 4, 2).detach())[1] * 1.0
F.fractional_max_pool3d_with_indices(h, 2, 2, _random_samples=c.detach().abs().flatten()[:6].reshape(1, 2, 3) % 1)[0]
F.conv1d(f[:, :2], a) ; F.conv1d(f, a, z, groups=2) ; F.conv1d(f[:, :2], a, z, 2, 3, 2) ; F.conv1d(f[0, :2], a)
F.conv1d(f[:, :2], a, padding='same') ; F.conv1d(f[:, :2], a, z, padding='same', dilation=3)
F.conv1d(f[:, :2], a, padding='valid') ; F.conv1d(f[:, :1], a.reshape(8, 1, 3)) ; F.conv1d(f[:0, :2], a)
F.conv2d(g[:, :2], c) ; F.conv2d(g, c, z, groups=2) ; F.conv2d(g[:, :2], c, z, (2, 1), (1, 2), (2, 1))
F.conv2d(g[0, :2], c) ; F.conv2d(g[:, :2], c, padding='same') ; F.conv2d(g, c.reshape(8, 1, 3, 2), groups=4, padding=1)
F.conv2d(g[:, :2], c, stride=3, padding=2) ; F.conv3d(h, o) ; F.conv3d(h, o, z[:2], 2, 1)
F.conv3d(h, o.reshape(4, 1, 2, 2, 3), groups=2) ; F.conv3d(h[0], o, dilation=(1, 2, 2))
F.conv_tbc(f.permute(2, 0, 1).contiguous(), a.permute(2, 0, 1).contiguous(), z[:2])
F.conv_tbc(f.permute(2, 0, 1).contiguous(), a.permute(2, 0, 1).contiguous(), z[:2], 2) ; F.conv_transpose1d(f, a)
F.conv_tbc(f.permute(2, 0, 1).contiguous()[:, :0], a.permute(2, 0, 1).contiguous(), z[:2])
F.conv_tbc(f.permute(2, 0, 1).contiguous()[:, :, :0], a.permute(2, 0, 1).contiguous()[:, :0], z[:2], 1)
F.conv_tbc(f.permute(2, 0, 1).contiguous(), a.permute(2, 0, 1).contiguous()[:0], z[:2])
F.conv_tbc(f.permute(2, 0, 1).contiguous()[:0], a.permute(2, 0, 1).contiguous(), z[:2], 1)
F.conv_transpose1d(f, a, z, 2, 1, 1, 2) ; F.conv_transpose1d(f[0], a, stride=3, output_padding=2)
F.conv_transpose1d(f, a, dilation=3, padding=2) ; F.conv_transpose1d(f, a, z[:2], 2, 0, 1) ; F.conv_transpose2d(g, c)
F.conv_transpose2d(g, c, z, (2, 3), 1, (1, 0), 2, 1) ; F.conv_transpose2d(g[0], c, dilation=2, padding=(1, 0))
F.conv_transpose2d(g, c, z[:2], 3, (0, 1), 2) ; F.conv_transpose3d(h, o) ; F.conv_transpose3d(h, o, z[:2], 2, 1, 1)
F.conv_transpose3d(h, o, groups=2, dilation=2) ; F.unfold(g, 2) ; F.unfold(g, (3, 2), 2, 1, (2, 1))
F.unfold(g[0], (1, 3)) ; F.fold(f[:, :, :6], (3, 4), 2) ; F.fold(f[0, :, :6], (3, 4), 2)
F.fold(g.reshape(2, 4, 42), (8, 7), 2, stride=1) ; F.fold(f[..., :4], (4, 4), 2, stride=2) ; F.max_pool1d(f, 2)
F.max_pool1d(f, 3, 2, 1) ; F.max_pool1d(f, 2, 1, dilation=3) ; F.max_pool1d(f, 2, ceil_mode=True)
F.max_pool1d(f[0], 3) ; F.max_pool2d(g, 2) ; F.max_pool2d(g, (3, 2), (2, 1), (1, 0), (1, 2))
F.max_pool2d(g, 3, 2, ceil_mode=True) ; F.max_pool2d(g[0], 3, padding=1) ; F.max_pool2d(g.round(), 3, 1)
F.max_pool2d(g * 0, 2) ; F.max_pool2d(g, 3, 3, 1, 1, True) ; F.max_pool3d(h, 2) ; F.max_pool3d(h, 3, 1, 1)
F.max_pool3d(h[0], (2, 1, 3), ceil_mode=True) ; F.max_pool1d(f, 3, 2, 1, return_indices=True)[1] * 1.0
F.max_pool2d(g, (3, 2), (2, 1), (1, 0), (1, 2), return_indices=True)[1] * 1.0
F.max_pool3d(h, 3, 1, 1, return_indices=True)[1] * 1.0
F.max_pool2d(g[0], 3, 2, 1, ceil_mode=True, return_indices=True)[1] * 1.0 ; F.avg_pool1d(f, 2)
F.avg_pool1d(f, 3, 2, 1) ; F.avg_pool1d(f, 3, 2, 1, True, False) ; F.avg_pool1d(f[0], 3, ceil_mode=True)
F.avg_pool2d(g, 2) ; F.avg_pool2d(g, (3, 2), (2, 1), (1, 0)) ; F.avg_pool2d(g, 3, 2, 1, True)
F.avg_pool2d(g, 3, 2, 1, True, False) ; F.avg_pool2d(g, 2, divisor_override=3) ; F.avg_pool2d(g[0], 2, 1)
F.avg_pool3d(h, 2) ; F.avg_pool3d(h, 3, 2, 1, True, False) ; F.avg_pool3d(h[0], 3, 1, 1)
F.avg_pool2d(g, 4, 4, 0, True) ; F.lp_pool1d(f.abs(), 2, 3) ; F.lp_pool1d(f.abs(), 3.0, 2, 1, True)
F.lp_pool2d(g.abs(), 1.5, 2) ; F.lp_pool3d(h.abs(), 2, 2) ; F.lp_pool2d(g, float('inf'), 2)
F.lp_pool2d(g, float('-inf'), 2) ; F.adaptive_avg_pool1d(f, 3) ; F.adaptive_avg_pool1d(f[0], 9)
F.adaptive_avg_pool2d(g, (3, 2)) ; F.adaptive_avg_pool2d(g, 1) ; F.adaptive_avg_pool2d(g, (None, 4))
F.adaptive_avg_pool2d(g[0], 5) ; F.adaptive_avg_pool3d(h, (2, 3, 4)) ; F.adaptive_max_pool1d(f, 3)
F.adaptive_max_pool1d(f[0], 7) ; F.adaptive_max_pool2d(g, (3, 4)) ; F.adaptive_max_pool2d(g, (None, 1))
F.adaptive_max_pool3d(h, (2, 3, 4)) ; F.adaptive_max_pool2d(g, (3, 4), return_indices=True)[1] * 1.0
F.adaptive_max_pool3d(h, (2, 3, 4), return_indices=True)[1] * 1.0
F.adaptive_max_pool1d(f[0], 9, return_indices=True)[1] * 1.0
F.fractional_max_pool2d(g, 2, (3, 4), _random_samples=p[:2, :].reshape(2, 4, 1).expand(2, 4, 2).detach())
F.fractional_max_pool2d(g, (3, 2), output_ratio=(0.5, 0.7), _random_samples=c.detach().abs().flatten()[:16].reshape(2, 4, 2) % 1)
F.fractional_max_pool2d(g[0], 2, 3, return_indices=True, _random_samples=c.detach().abs().flatten()[:8].reshape(1, 4, 2) % 1)[1] * 1.0
F.fractional_max_pool3d(h, 2, (2, 2, 3), _random_samples=c.detach().abs().flatten()[:6].reshape(1, 2, 3) % 1)
F.max_unpool1d(*F.max_pool1d(f, 2, return_indices=True), 2)
F.max_unpool2d(*F.max_pool2d(g, 2, return_indices=True), 2, output_size=(7, 6))
F.max_unpool2d(*F.max_pool2d(g[0], 3, return_indices=True), 3)
F.max_unpool3d(*F.max_pool3d(h, 2, return_indices=True), 2, output_size=(5, 4, 5))
""")

IMAGES = calls("""
F.upsample(g, scale_factor=2) ; F.upsample_bilinear(g, (4, 5)) ; F.upsample_nearest(g, scale_factor=2)
F.interpolate(f, 5) ; F.interpolate(f, 11, mode='nearest-exact') ; F.interpolate(g, (3, 9))
F.interpolate(h, (3, 6, 4)) ; F.interpolate(g, scale_factor=1.7)
F.interpolate(g, scale_factor=(0.6, 2.0), mode='nearest-exact') ; F.interpolate(f, 5, mode='linear')
F.interpolate(f, 13, mode='linear', align_corners=True) ; F.interpolate(f, 1, mode='linear', align_corners=True)
F.interpolate(g, (3, 9), mode='bilinear') ; F.interpolate(g, (3, 9), mode='bilinear', align_corners=True)
F.interpolate(g, scale_factor=1.7, mode='bilinear')
F.interpolate(g, scale_factor=1.7, mode='bilinear', recompute_scale_factor=True)
F.interpolate(g, (3, 9), mode='bicubic') ; F.interpolate(g, (13, 4), mode='bicubic', align_corners=True)
F.interpolate(g, (7, 6), mode='bicubic') ; F.interpolate(h, (3, 6, 4), mode='trilinear')
F.interpolate(h, (8, 2, 5), mode='trilinear', align_corners=True) ; F.interpolate(f, 3, mode='area')
F.interpolate(g, (3, 4), mode='area') ; F.interpolate(h, (2, 2, 3), mode='area')
F.interpolate(g, scale_factor=0.5, mode='area') ; F.interpolate(g, (3, 2), mode='bilinear', antialias=True)
F.interpolate(g, (3, 12), mode='bicubic', antialias=True)
F.interpolate(g, (4, 4), mode='bilinear', antialias=True, align_corners=True)
F.interpolate(g, (3, 4), mode='lanczos', antialias=True) ; F.affine_grid(a[:2, :, :], (2, 1, 3, 4), False)
F.affine_grid(a[:2], (2, 1, 3, 4), True) ; F.affine_grid(a[:2], (2, 1, 1, 4), False)
F.affine_grid(g.flatten()[:24].reshape(2, 3, 4), (2, 1, 2, 3, 4), False)
F.affine_grid(g.flatten()[:24].reshape(2, 3, 4), (2, 1, 2, 3, 1), True) ; F.grid_sample(g, c[:2])
F.grid_sample(g, c[:2], align_corners=True) ; F.grid_sample(g, c[:2], padding_mode='border')
F.grid_sample(g, c[:2], padding_mode='border', align_corners=True) ; F.grid_sample(g, c[:2], padding_mode='reflection')
F.grid_sample(g, c[:2], padding_mode='reflection', align_corners=True) ; F.grid_sample(g, c[:2], 'nearest')
F.grid_sample(g, c[:2] * 3, 'nearest', 'reflection') ; F.grid_sample(g, c[:2], 'bicubic')
F.grid_sample(g, c[:2], 'bicubic', 'border', True) ; F.grid_sample(g, c[:2], 'bicubic', 'reflection', False)
F.grid_sample(h, o[:1, :, :, :, :]) ; F.grid_sample(h, o[:1], padding_mode='reflection', align_corners=True)
F.grid_sample(h, o[:1], 'nearest', 'border')
F.grid_sample(g, F.affine_grid(a[:2] * 0 + m.new_tensor([[1.0, 0, 0], [0, 1, 0]]), (2, 4, 7, 6), True), padding_mode='border', align_corners=True)
F.scaled_dot_product_attention(t, t * 2, t + 1) ; F.scaled_dot_product_attention(x, y, p)
F.scaled_dot_product_attention(t, t, t, is_causal=True)
F.scaled_dot_product_attention(x, y, p, attn_mask=b[:, :3] > 2)
F.scaled_dot_product_attention(x, y, p, attn_mask=q[:, :3], scale=0.3)
F.scaled_dot_product_attention(x, y, p, attn_mask=b[:, :3] > 0)
F.scaled_dot_product_attention(u, u[:, :2], u[:, :2], enable_gqa=True)
F.scaled_dot_product_attention(x[:2], y, p, is_causal=True) ; F.scaled_dot_product_attention(t[:1], t, t)
F.ctc_loss(g.flatten()[:168].reshape(7, 4, 6).log_softmax(2), l[:2].abs().repeat(2, 1) + 1, (7, 6, 5, 7), (4, 2, 3, 1))
F.ctc_loss(g.flatten()[:168].reshape(7, 4, 6).log_softmax(2), l[:2].abs().repeat(2, 1) + 1, (7, 6, 5, 3), (4, 2, 3, 4), reduction='none', zero_infinity=True)
F.ctc_loss(g.flatten()[:168].reshape(7, 4, 6).log_softmax(2), (l[:2].abs() + 1).flatten(), (7, 6, 5, 7), (3, 2, 1, 2), reduction='sum')
F.ctc_loss(g.flatten()[:168].reshape(7, 4, 6).log_softmax(2), (l[:2].abs() + 1).flatten(), (7, 6, 5, 7), (3, 0, 3, 2), blank=5, reduction='none')
F.ctc_loss(g.flatten()[:42].reshape(7, 6).log_softmax(1), l[0].abs() + 1, (7,), (4,))
F.ctc_loss(g.detach().flatten()[:168].reshape(7, 4, 6).log_softmax(2), l[[0, 1, 2, 0]].abs(), (7, 7, 7, 7), (2, 3, 4, 2), reduction='none')
F.ctc_loss(f[0].t().log_softmax(1), l[0, :2].abs() % 3 + 1, (7,), (2,), reduction='none')
""")
