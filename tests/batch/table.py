"""Calls of every operator that has one shape of result, on the entries of a batch.

A call is text over the module `m` and these operands, each of which a test may map or not:

    x, y, z  float64 [3, 4]     q  float64 [3, 3]      v, w  float64 [4]     u  float64 [3]     s, r  float64 []
    i  int64 [3, 4], below 3    k  int64 [4], below 3  j  int64 [], below 3  b, c  bool [3, 4]  n  int64 [3, 4]
    t  float64 [2, 3, 4]
"""

import re

import numpy as np
from tables import calls

import pullback as pb

SHAPES = {
    **dict.fromkeys("xyzibnc", (3, 4)),
    "q": (3, 3),
    "v": (4,),
    "w": (4,),
    "u": (3,),
    "s": (),
    "r": (),
    "k": (4,),
    "j": (),
    "t": (2, 3, 4),
}
FLOATS = "xyzqvwusrt"

# Differentiable in their floats.
SMOOTH = calls("""
x + y ; x * v ; x - s ; s * x ; x / y ; x ** 2 ; x ** s ; 2 - x ; m.exp(x) ; m.sin(v) ; m.sigmoid(s) ; x * 2.0
m.where(b, x, y) ; m.where(b, x, 0.0) ; m.where(b, s, x) ; m.addcmul(x, y, z) ; m.addcdiv(x, y, z, value=2)
m.lerp(x, y, z)
m.lerp(x, y, 0.3) ; m.clamp(x, 0.5, 1.5) ; m.maximum(x, y) ; m.logaddexp(x, v) ; m.nn.functional.gelu(x)
m.nn.functional.softplus(x, 2.0) ; x.masked_fill(b, 2.0) ; x.masked_fill(b, s) ; x.to(m.float32) ; -x ; m.atan2(x, y)
x.sum() ; x.sum(0) ; x.sum(-1) ; x.sum((0, 1)) ; x.sum(0, keepdim=True) ; x.mean() ; x.mean(1) ; x.mean(0, True)
s.sum()
m.nansum(x, 0) ; m.nanmean(x, 1) ; x.prod() ; x.prod(0) ; x.prod(1, True) ; x.amax(0) ; x.amin() ; x.max()
x.min(0).values
x.max(1).values ; m.aminmax(x, dim=0).max ; x.var() ; x.var(0) ; x.std(1) ; m.var_mean(x, 0)[0] ; m.std_mean(x)[1]
x.logsumexp(0) ; x.logsumexp((0, 1)) ; x.norm() ; m.norm(x, dim=1) ; m.linalg.vector_norm(x, 3, 0)
m.linalg.vector_norm(x, 1, 1) ; m.linalg.vector_norm(x, m.inf, 1) ; x.median() ; x.median(0).values
m.nanmedian(x, 1).values ; m.mode(x, 0).values ; m.quantile(x, 0.3) ; m.quantile(x, 0.3, 0)
m.quantile(x, m.tensor([0.2, 0.7], dtype=m.float64), 1) ; m.nanquantile(x, 0.3, 1)
x.cumsum(0) ; x.cumsum(-1) ; x.cumprod(0) ; x.cumprod(1) ; x.logcumsumexp(0) ; x.cummax(0).values ; x.cummin(1).values
x.diff() ; x.diff(dim=0) ; x.diff(n=2)
x.softmax(0) ; x.softmax(-1) ; x.log_softmax(0) ; x.log_softmax(1) ; m.nn.functional.layer_norm(x, (4,))
m.nn.functional.layer_norm(x, (3, 4)) ; m.nn.functional.layer_norm(x, (4,), v, w)
m.nn.functional.layer_norm(x, (4,), v)
m.nn.functional.cross_entropy(x, k[:3]) ; m.nn.functional.cross_entropy(x, k[:3], reduction='none')
m.nn.functional.cross_entropy(x, k[:3], reduction='sum', label_smoothing=0.1)
m.nn.functional.cross_entropy(x, k[:3], v.abs()) ; m.nn.functional.cross_entropy(x, y.softmax(1))
m.nn.functional.cross_entropy(v, j)
m.nn.functional.mse_loss(x, y) ; m.nn.functional.mse_loss(x, y, reduction='none') ; m.nn.functional.l1_loss(x, y)
m.nn.functional.smooth_l1_loss(x, y, beta=0.5) ; m.nn.functional.huber_loss(x, y, delta=0.5)
m.nn.functional.gaussian_nll_loss(x, y, z.exp(), full=True) ; m.nn.functional.poisson_nll_loss(x, y.abs(), full=True)
m.nn.functional.binary_cross_entropy(x.sigmoid(), y.sigmoid(), v.exp())
m.nn.functional.binary_cross_entropy_with_logits(x, y.sigmoid(), pos_weight=v.exp())
m.nn.functional.kl_div(x.log_softmax(1), y.softmax(1), reduction='batchmean') ; m.nn.functional.soft_margin_loss(x, y)
m.nn.functional.multilabel_soft_margin_loss(x, y.sigmoid()) ; m.nn.functional.hinge_embedding_loss(x, 2 * b - 1)
m.nn.functional.nll_loss(x, k[:3]) ; m.nn.functional.nll_loss(x, k[:3], v.exp(), reduction='sum')
m.nn.functional.cosine_similarity(x, y) ; m.nn.functional.cosine_embedding_loss(x, y, 2 * b[:, 0] - 1)
m.nn.functional.pairwise_distance(x, y) ; m.nn.functional.pdist(x) ; m.nn.functional.normalize(x)
m.nn.functional.triplet_margin_loss(x, y, z) ; m.nn.functional.margin_ranking_loss(x, y, 2 * b - 1.0)
m.nn.functional.multi_margin_loss(x, k[:3]) ; m.nn.functional.batch_norm(x, None, None, v, w, training=True)
m.nn.functional.batch_norm(x, v, w.exp()) ; m.nn.functional.instance_norm(t, eps=0.1)
m.nn.functional.group_norm(x, 2, v, w) ; m.nn.functional.rms_norm(x, (4,), v) ; m.nn.functional.local_response_norm(t, 2)
m.nn.functional.glu(x) ; m.nn.functional.prelu(x, v) ; m.nn.functional.softmin(x, 1) ; m.nn.functional.embedding(k[:2], x)
m.nn.functional.conv1d(t, t[:, :, :2]) ; m.nn.functional.conv1d(t, x[:, :3].reshape(3, 1, 3), u, 2, 1, 1, 3)
m.nn.functional.conv2d(t[:, None], t[:, None, :2, :2]) ; m.nn.functional.conv_transpose1d(t, x.reshape(3, 2, 2), w[:2], 2, 1)
m.nn.functional.conv_transpose2d(t[:, None], t[:1, None, :2, :2]) ; m.nn.functional.unfold(t[:, None], 2, padding=1)
m.nn.functional.fold(t.reshape(4, 6), (3, 4), 2) ; m.nn.functional.max_pool1d(t, 2) ; m.nn.functional.max_pool2d(t, 2, 1)
m.nn.functional.max_pool2d(t, 2, 1, 1, return_indices=True)[1] + t.sum() ; m.nn.functional.avg_pool1d(t, 3, 1, 1, True, False)
m.nn.functional.avg_pool2d(t, 2, 1) ; m.nn.functional.lp_pool1d(t.exp(), 3, 2) ; m.nn.functional.adaptive_avg_pool1d(t, 3)
m.nn.functional.adaptive_avg_pool2d(t, (2, 2)) ; m.nn.functional.adaptive_max_pool2d(t, (2, 3))
m.nn.functional.interpolate(t, 6, mode='linear') ; m.nn.functional.interpolate(t[None], (2, 5), mode='bicubic')
m.nn.functional.grid_sample(t[None], t[None, :, :, :2].sigmoid(), align_corners=False)
m.nn.functional.affine_grid(x[None, :2, :3], (1, 1, 2, 2), False)
m.nn.functional.scaled_dot_product_attention(x, y, z) ; m.nn.functional.scaled_dot_product_attention(t, t, t, is_causal=True)
m.nn.functional.scaled_dot_product_attention(x, y, z, attn_mask=b[:, :3])
m.nn.functional.multilabel_margin_loss(x, n % 5 - 1) ; m.nn.functional.pixel_unshuffle(t[:, :2], 2)
m.nn.functional.max_unpool1d(*m.nn.functional.max_pool1d(t, 2, return_indices=True), 2) ; m.nn.functional.upsample(t, 6)
m.nn.functional.conv_tbc(t, t.mT[:2, :, :2], v[:2]) ; m.nn.functional.adaptive_max_pool1d(t, 3)
m.nn.functional.embedding_bag(k[:2][None], x) ; m.nn.functional.triplet_margin_with_distance_loss(x, y, z)
m.nn.functional.ctc_loss(t.log_softmax(2), m.tensor([[1], [2], [1]]), (2, 2, 2), (1, 1, 1))
m.nn.functional.channel_shuffle(t, 3) ; m.nn.functional.pixel_shuffle(x.reshape(4, 1, 3), 2)
x.sort(0).values ; x.sort(1, descending=True).values ; m.msort(x) ; m.topk(x, 2, 0).values ; m.topk(x, 2).values
m.kthvalue(x, 2, 1).values
x @ v ; u @ x ; q @ x ; x.T @ y ; m.mm(q, x) ; m.mv(x, v) ; m.dot(v, w) ; m.vdot(v, w) ; m.outer(u, v) ; m.inner(x, y)
m.matmul(t, x.T) ; t @ v ; m.bmm(t, t.mT) ; m.addmm(y, q, x) ; m.addmm(v, q, x, beta=0.5, alpha=2) ; m.addmv(u, x, v)
m.addr(x, u, v) ; m.baddbmm(t, t @ t.mT, t) ; m.addbmm(x @ x.T, t, t.mT) ; m.nn.functional.linear(x, y) ; m.kron(q, x)
m.nn.functional.linear(x, y, u) ; m.nn.functional.linear(v, y, u) ; m.tensordot(x, y, ([0], [0]))
m.einsum('ij,kj->ik', x, y)
m.einsum('ij,j->i', x, v) ; m.einsum('ij,ij->j', x, y) ; m.einsum('ii->i', q) ; m.einsum('bij,kj->ibk', t, y)
m.linalg.multi_dot([q, q, x]) ; m.nn.functional.bilinear(x, y, m.ones(2, 4, 4, dtype=m.float64)) ; m.trace(q)
m.linalg.solve(q, x) ; m.linalg.solve(q, u) ; m.linalg.inv(q) ; m.det(q) ; m.slogdet(q)[1] ; m.linalg.lu_factor(q).LU
m.linalg.lu(x)[2] ; m.linalg.lu_solve(*m.linalg.lu_factor(q), x) ; m.linalg.cholesky(q @ q.mT + m.eye(3, dtype=m.float64))
m.linalg.solve_triangular(q, x, upper=True) ; m.linalg.solve(q, x.T, left=False) ; m.cholesky_solve(x, q)
m.linalg.eigvalsh(q + q.mT) ; m.linalg.eigh(q + q.mT)[1] ** 2 ; m.linalg.svdvals(x) ; m.linalg.svd(q)[0] ** 2
m.linalg.eigvals(q).real ; m.view_as_real(m.linalg.eig(q)[1]).square().sum(-1)
m.linalg.qr(x)[1] ; m.linalg.qr(x.T)[0] ; m.linalg.lstsq(x.T, v).solution ; m.linalg.lstsq(x, u).solution ; m.linalg.pinv(x)
m.matrix_exp(q) ; m.linalg.matrix_power(q, 3) ; m.linalg.cross(x.T, y.T) ; m.linalg.vander(u) ; m.linalg.matrix_norm(x, 'nuc')
m.linalg.matrix_norm(t, 2) ; m.linalg.cond(q, 1) ; m.linalg.householder_product(x.T, u) ; m.cdist(x, y) ; m.dist(x, y)
m.trapezoid(x, v) ; m.cumulative_trapezoid(x, dim=0) ; m.cov(x) ; m.corrcoef(x) ; m.renorm(x, 2, 0, 1.0) ; m.linalg.vecdot(x, v)
m.linalg.tensorsolve(q, u)
m.cat([x, y]) ; m.cat([x, y], 1) ; m.cat([x, v[None]]) ; m.stack([x, y]) ; m.stack([x, y], -1) ; m.hstack([x, y])
m.stack([s, r]) ; m.vstack([x, v]) ; m.dstack([x, y]) ; m.column_stack([x, u]) ; m.block_diag(q, x)
m.cartesian_prod(u, v) ; m.meshgrid(u, v, indexing='ij')[0] ; m.combinations(v) ; m.broadcast_tensors(x, v)[1]
m.flip(x, (0,)) ; m.flip(x, (0, 1)) ; m.roll(x, 1) ; m.roll(x, 1, 0) ; m.roll(x, (1, 2), (0, 1)) ; m.rot90(x)
x.repeat(2, 1)
x.repeat(2, 1, 1) ; m.tile(x, (2,)) ; x.repeat_interleave(2, 0) ; x.repeat_interleave(2) ; m.tril(x) ; m.triu(x, 1)
m.fliplr(x) ; m.flipud(x) ; m.diag(v) ; m.diag(q) ; m.diag(x, 1) ; m.diagflat(v) ; m.diag_embed(x)
m.diag_embed(x, 1, 0, 2)
m.diagonal(q) ; m.diagonal(t, 0, 0, 1) ; m.nn.functional.pad(x, (1, 2)) ; m.nn.functional.pad(x, (1, 0, 0, 1))
m.nn.functional.pad(x, (-1, 1), value=2.0) ; x.unfold(1, 2, 1) ; x.unfold(0, 2, 1)
x.T ; x.mT ; x.t() ; x.permute(1, 0) ; x.reshape(-1) ; x.reshape(2, 6) ; x.T.reshape(-1) ; x.flatten() ; x.view(2, 6)
x.unsqueeze(0) ; x.unsqueeze(-1) ; x[None].squeeze(0) ; x[None].squeeze() ; x.expand(2, 3, 4) ; v.expand(3, 4)
x.movedim(0, 1) ; x.unflatten(1, (2, 2)) ; x.clone() ; x.contiguous() ; x.T.contiguous() ; x.detach() + y
x.swapaxes(0, 1)
x.as_strided((2, 2), (1, 4)) ; x.split(2, 0)[1] ; x.chunk(2, 1)[0] ; x.unbind(0)[1] ; m.tensor_split(x, 3, 1)[2]
x[0] ; x[-1] ; x[:, 1] ; x[1:] ; x[::2] ; x[..., None] ; x[0, 1] ; x[[0, 2]] ; x[:, [0, 2]] ; x[[0, 2], [1, 1]]
x[[True, False, True]]
x[k[:2]] ; x[:, k] ; x[k, k] ; x[j] ; x[:, j] ; x[j, 1] ; x[k[:2], 1:] ; t[:, k] ; t[0, k, :2] ; x[k[:2], None] ; x[i]
m.gather(x, 0, i) ; m.gather(x, 1, i) ; m.take(x, i) ; m.take_along_dim(x, i, 0) ; m.index_select(x, 0, k)
m.index_select(x, 1, k) ; m.scatter(x, 0, i, y) ; m.scatter(x, 1, i, 2.0) ; m.scatter_add(x, 0, i, y)
m.scatter_reduce(x, 0, i, y, 'sum') ; m.scatter_reduce(x, 0, i, y, 'amax') ; m.scatter_reduce(x, 0, i, y, 'prod')
m.scatter_reduce(x, 0, i, y, 'mean', include_self=False) ; m.index_add(x, 0, k, y[[0, 1, 2, 0]])
m.index_add(x, 1, k, y) ; m.index_copy(x, 0, k[:1], y[:1]) ; m.index_fill(x, 0, k[:2], 2.0) ; m.index_fill(x, 1, k, s)
x.index_put((k[:3],), y) ; x.index_put((k[:3],), y, accumulate=True) ; x.index_put((k, k), v)
m.masked_scatter(x, c, y)
m.select_scatter(x, v, 0, 1) ; m.slice_scatter(x, y[:2], 0, 0, 2) ; m.diagonal_scatter(q, u) ; m.put(x, i[0], v)
m.as_strided_scatter(x, q[:2, :2], (2, 2), (4, 1)) ; x.repeat_interleave(m.tensor([1, 2, 1]), 0)
x[..., j] ; x[j, None] ; x[j, j] ; t[j // 2, :, k[:2]] ; t[:, j, k[:2]] ; t[0, j, k[:2]] ; t[j // 2, [0, 1], 1:]
t[[0, 1], :, j] ; t[k[:2] // 2, j, i[0, :2]] ; x[c] ; t[:, c] ; x[k[:2], j] ; x[n % 3] ; x[-k[:2]] ; x[:, -j]
m.masked_select(x, c) ; x.repeat_interleave(c.sum(1), 0) ; x.index_put((b,), s) ; x.index_put((j,), v)
x.index_put((b,), s, accumulate=True) ; x.index_put((i, n % 4), y, accumulate=True) ; x[c.nonzero()[:, 0]]
m.scatter_reduce(x, 1, i, y, 'prod', include_self=False) ; m.scatter_reduce(x, 0, i, y, 'amin', include_self=False)
m.scatter_reduce(x, 1, i, y, 'mean') ; m.scatter_reduce(x, 0, i, y - y, 'prod') ; m.gather(t, 2, i[None])
x.adjoint() ; m.atleast_1d(s) ; m.atleast_2d(v) ; m.atleast_3d(x) ; m.broadcast_to(v, (3, 4)) ; v.expand_as(x)
m.chain_matmul(q, x) ; m.concat([x, y]) ; m.dsplit(t, 2)[0] ; m.hsplit(x, 2)[1] ; m.vsplit(x, 3)[1] ; x.ravel()
m.moveaxis(x, 0, 1) ; x.narrow(0, 1, 2) ; x.select(0, 1) ; m.row_stack([x, v]) ; x.split_with_sizes([1, 2])[1]
x.sum_to_size(1, 4) ; x.transpose(0, 1) ; x.swapdims(0, 1) ; m.ger(u, v) ; x.view_as(y) ; x.reshape_as(y)
m.addmv(s, x, v) ; m.addr(s, u, v) ; m.addr(x, u, v, beta=0.5, alpha=2) ; m.addmv(u, x, v, beta=2) ; m.addbmm(s, t, t.mT)
m.nn.functional.softmax(x, 1) @ v ; (x * v).sum() ** 2 ; m.relu(x @ y.T).mean() ; m.xlogy(x.abs(), y.abs())
""")

# No derivative, or none that is asked for.
PLAIN = calls("""
x > y ; x == y ; b & c ; b | c ; ~b ; m.isnan(x) ; n // 2 ; n % 3 ; n + x ; n * n ; m.bitwise_xor(n, i)
x.to(m.int64) ; n / 2
m.sign(x) ; m.floor(x) ; n.sum() ; n.sum(0) ; b.sum(1) ; b.any() ; b.any(0) ; b.all(1) ; n.prod(0)
m.count_nonzero(n)
m.count_nonzero(n, 0) ; x.argmax() ; x.argmax(0) ; x.argmin(1, True) ; n.argmax(0) ; x.max(0).indices
x.min(1).indices
x.sort(0).indices ; x.argsort(1) ; n.sort(0).values ; m.topk(x, 2).indices ; m.kthvalue(x, 1, 0).indices
x.median(0).indices ; m.mode(n, 0).values ; n.median() ; n.cumsum(0) ; n.cumprod(1) ; x.cummax(0).indices
m.searchsorted(v.sort().values, w) ; m.bucketize(x, m.tensor([0.5, 1.0], dtype=m.float64))
m.searchsorted(v.sort().values, s)
m.bincount(k, minlength=4) ; m.histc(x, 4, 0, 3) ; m.nn.functional.one_hot(i, 3) ; n.max() ; n.amin(0)
m.isclose(x, y) ; m.linalg.matrix_rank(x) ; m.linalg.lu_factor(q).pivots ; m.linalg.solve_ex(q, u).info
m.zeros_like(x) ; m.ones_like(n) ; m.full_like(x, 2.0) ; x.new_zeros(2) ; x.new_full((2, 3), 1.5) ; m.tril(n)
m.flip(n, (0,))
n[k[:2]] ; b[j] ; m.gather(n, 0, i) ; m.cat([n, i]) ; n.view(m.float64) * 0 ; m.heaviside(x, y) ; m.nextafter(x, y)
c.nonzero() ; m.argwhere(c) ; m.isin(n, i) ; m.isin(n, k) ; m.isin(k, n, invert=True) ; m.bincount(k, v, 4)
m.repeat_interleave(c.sum(1)) ; m.searchsorted(m.sort(x, 1).values, y) ; m.searchsorted(x, y, sorter=x.argsort(1))
m.searchsorted(n.sort(1).values, i) ; n.type_as(x) ; n.double() ; x.int() ; x.float() ; x.new_ones(2, 3)
m.bucketize(n, i[0])
m.scatter_reduce(n, 0, i, n, 'mean') ; m.scatter_reduce(n, 1, i, n, 'prod') ; n[c] ; n[i, n % 4] ; n.index_put((b,), j)
m.scatter(n, 0, i, n) ; m.scatter_add(n, 0, i, n) ; m.index_fill(n, 0, k[:2], 1) ; m.eq(x, x).all()
""")

# Into a copy of the first operand.
IN_PLACE = calls("""
x.add_(y) ; x.mul_(v) ; x.add_(1) ; x.sub_(s) ; x.div_(y) ; x.pow_(2) ; x.exp_() ; x.clamp_(0.5, 1) ; x.copy_(y)
x.copy_(v)
x.fill_(2) ; x.fill_(s) ; x.zero_() ; x.masked_fill_(b, 2.0) ; x.masked_fill_(b, s) ; x.t_() ; x.unsqueeze_(0)
x.transpose_(0, 1)
x.tril_() ; x.triu_(1) ; x.addmm_(q, y) ; x.addcmul_(y, z) ; x.lerp_(y, 0.5) ; x.index_add_(1, k, y)
x.index_fill_(0, k[:2], 1.0) ; x.index_copy_(0, k[:1], y[:1]) ; x.scatter_(0, i, y) ; x.scatter_(0, i, 2.0)
x.scatter_add_(0, i, y) ; x.scatter_reduce_(0, i, y, 'amax') ; x.index_put_((k[:3],), y) ; x.put_(i[0], v)
x.addbmm_(t @ t.mT, t) ; x[0].addmv_(y.T, u) ; x.addr_(u, v) ; x[None].baddbmm_(q[None], y[None])
x.index_put_((b,), s) ; x[1:].index_put_((j // 2,), v) ; x[0].fill_(s) ; x.scatter_reduce_(0, i, y, 'prod')
x.index_put_((k, j), v, accumulate=True) ; x.swapaxes_(0, 1) ; x.T.index_fill_(0, k, s)
x.masked_scatter_(c, y) ; x[0].add_(v) ; x[:, 1].mul_(u) ; x.T.add_(u) ; x.view(-1).mul_(2)
x[1:].copy_(y[1:]) ; x.diagonal().add_(u) ; x.unsqueeze(0).mul_(y) ; x[::2].sub_(v) ; x.add_(y, alpha=2)
""")
ITEMS = calls("""
x[0] = v ; x[:, 1] = u ; x[1:] = y[1:] ; x[0, 1] = s ; x[0] = 2.0 ; x[[0, 2]] = y[:2] ; x[k[:3]] = y ; x[j] = v
x[b] = 1.5
x[j, :] = v ; x[:, j] = u ; x[j, k] = v ; x[k, j] = v ; x[j, j] = s ; x[..., j] = 1.5 ; x[b[:, 0]] = v
x[:, b[0]] = s ; x[c] = y[c] ; x[:, j] = n[:, 0] ; x[[0, 1], j] = v[:2] ; x[1:][:, b[0]] = 2.0 ; x[b] = v[:1]
x[..., 0] = s ; x[:, k] = y ; x[j, 1] = s ; x[b] = s ; x[::2, 1:3] = y[:2, :2] ; x[:] = v
""")


def operands_of(call):
    """The names that it uses, in order."""
    return [name for name in SHAPES if re.search(rf"\b{name}\b", call)]


def value(name, seed, batch=()):
    """Entries of an operand, distinct numbers in most."""
    rng = np.random.default_rng([seed, ord(name), len(batch)])
    shape = (*batch, *SHAPES[name])
    if name in "ikj":
        return pb.tensor(rng.integers(0, 3, shape))
    if name == "n":
        return pb.tensor(rng.integers(0, 9, shape))
    if name == "b":
        return pb.tensor(rng.integers(0, 2, shape).astype(bool))
    if name == "c":  # as many in each entry
        one = np.zeros((*batch, 12), dtype=bool)
        one[..., :5] = True
        return pb.tensor(rng.permuted(one, axis=-1).reshape(shape))
    return pb.tensor(rng.uniform(0.3, 2.0, shape))


def function(call, names):
    """The call as a function of its operands."""
    if " = " in call or call in IN_PLACE:
        place, _, given = call.partition(" = ")

        def f(*operands):
            names_of = dict(zip(names, operands), m=pb)
            names_of["x"] = names_of["x"] * 1
            if given:
                exec(call, names_of)
            else:
                eval(call, names_of)
            return names_of["x"]

    else:
        code = compile(call, call, "eval")

        def f(*operands):
            return eval(code, dict(zip(names, operands), m=pb))

    return f
