# ruff: noqa: E501
"""Every call that the conformance run starts from: the tables of the suite, and here what those do not have.

A call is text over `m`, the module, `F`, its nn.functional, and the operands of its environment.
"""

import re
from functools import cache

from tables import calls

from . import operands

# Elementwise functions of one operand, by where they have values: everywhere, in (0, 1), above 1.
EVERYWHERE = """
abs absolute arctan arcsinh asinh atan ceil conj_physical cos cosh deg2rad digamma erf erfc exp exp2 expm1 fix floor frac
i0 isfinite isinf isnan isneginf isposinf lgamma logical_not nan_to_num neg negative positive rad2deg reciprocal
relu round sgn sigmoid sign signbit sin sinc sinh square tan tanh trunc isreal angle selu bitwise_not
"""
PROBABILITIES = "acos arccos arcsin arctanh asin atanh erfinv logit log log10 log1p log2 rsqrt sqrt"
ABOVE = "acosh arccosh"
SPECIAL = """
airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 digamma entr erf erfc erfcx exp2 expit expm1 gammaln i0 i0e i1 i1e
modified_bessel_i0 modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 ndtr log_ndtr psi round
scaled_modified_bessel_k0 scaled_modified_bessel_k1 sinc spherical_bessel_j0
"""
POLYNOMIALS = """
chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w hermite_polynomial_h
hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p shifted_chebyshev_polynomial_t
shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v shifted_chebyshev_polynomial_w
"""
TWO = """
add arctan2 atan2 copysign div divide eq floor_divide fmax fmin fmod ge greater greater_equal gt heaviside hypot le less
less_equal logaddexp logaddexp2 lt maximum minimum mul multiply ne nextafter not_equal pow remainder sub subtract
true_divide xlogy logical_and logical_or logical_xor float_power ldexp rsub
"""
WHOLE = "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift gcd lcm"
SHIFTS = "__and__ __or__ __xor__ __lshift__ __rshift__ __add__ __sub__ __mul__ __truediv__ __floordiv__ __mod__ __pow__"
ACTIVATIONS = """
celu elu gelu hardshrink hardsigmoid hardswish hardtanh leaky_relu logsigmoid mish relu relu6 selu sigmoid silu softplus
softshrink softsign tanh tanhshrink
"""

# Functions of networks and signals under the names of the package itself.
PACKAGE = """
m.bartlett_window(7) ; m.blackman_window(6, False) ; m.hamming_window(5, True, 0.6) ; m.hann_window(8)
m.kaiser_window(7, True, 8.0) ; m.stft(x.repeat(3), 6, 2, window=y, return_complex=True)
m.istft(m.stft(x.repeat(3), 6, 2, return_complex=True), 6, 2) ; m.frobenius_norm(t[0], (0, 1)) ; m.nuclear_norm(t[0])
m.native_layer_norm(t, (4,), None, None, 1e-5) ; m.native_group_norm(t, None, None, 2, 3, 4, 1, 1e-5)
m.native_batch_norm(t, None, None, None, None, True, 0.1, 1e-5) ; m.norm_except_dim(t, 2, 0)
m.grid_sampler(t[None], t.tanh()[None, ..., :2], 0, 0, False) ; m.grid_sampler_2d(t[None], t.tanh()[None, ..., :2], 0, 1, True)
m.grid_sampler_3d(t[None, None], t.tanh()[None, ..., None, :3], 0, 0, False)
m.affine_grid_generator(t[:, :2, :3], (2, 1, 2, 2), False) ; m.view_as_complex_copy(t[..., :2]) ; m.view_as_real_copy(t + 0j)
m.convolution(t, t[:, :, :2], None, (1,), (0,), (1,), False, (0,), 1)
m.rnn_tanh_cell(t[0], t[1], x[:4].outer(y[:4]), y[:4].outer(x[:4])) ; m.rnn_relu_cell(t[0], t[1], x[:4].outer(y[:4]), y[:4].outer(x[:4]))
m.gru_cell(t[0], t[1], x.repeat(2).outer(y[:4]), y.repeat(2).outer(x[:4]))
m.lstm_cell(t[0], (t[1], t[0]), x.repeat(3)[:16].outer(y[:4]), y.repeat(3)[:16].outer(x[:4]))
m.segment_reduce(x, 'sum', lengths=m.tensor([2, 1, 3])) ; m.segment_reduce(t, 'max', lengths=m.tensor([1, 1]))
"""

EDGES = """
m.clamp(x, -1, 1) ; m.clamp(x, y) ; m.clamp(x, max=y) ; x.clamp_(0.5) ; m.clamp_max(x, 1) ; m.clamp_min(x, y)
x.clip(-1, 2) ; x.clip_(-1, 2) ; x.clamp_max_(1) ; x.clamp_min_(y) ; m.clip(x, y) ; m.where(b, x, y)
m.where(b, x, 2) ; m.where(b, i, x) ; m.addcmul(x, y, p, value=2) ; m.addcdiv(x, y, e) ; x.addcmul_(y, p)
x.addcdiv_(y, e, value=3) ; m.lerp(x, y, p) ; m.lerp(x, y, 0.25) ; x.lerp_(y, 0.5) ; m.polygamma(2, e)
e.polygamma(1) ; m.special.polygamma(0, e) ; e.polygamma_(1) ; m.mvlgamma(e, 2) ; e.mvlgamma_(1)
m.special.multigammaln(e, 2) ; m.igamma(e, p) ; m.igammac(e, p) ; e.igamma_(p) ; e.igammac_(p) ; e.igamma(p)
e.igammac(p) ; m.special.gammainc(e, p) ; m.special.gammaincc(e, p) ; m.special.zeta(e, p) ; m.special.zeta(e, 2)
m.special.xlog1py(x, p) ; m.special.xlogy(x, p) ; m.special.ndtri(p) ; m.special.logit(p) ; m.special.log1p(p)
m.special.erfinv(p) ; m.special.logsumexp(t, 1) ; m.special.softmax(t, 1) ; m.special.log_softmax(t, 0)
m.round(x, decimals=1) ; x.round_(decimals=2) ; m.logit(p, 0.2) ; p.logit_(0.1) ; m.nan_to_num(x, 1.0, 2.0, 3.0)
x.nan_to_num_(0.5) ; m.div(x, y, rounding_mode='floor') ; m.div(x, y, rounding_mode='trunc')
x.divide_(y, rounding_mode='floor') ; m.add(x, y, alpha=2) ; m.sub(x, y, alpha=3) ; m.rsub(x, y, alpha=2)
m.subtract(x, y, alpha=2) ; x.sub_(y, alpha=0.5) ; m.isclose(x, y) ; m.isclose(x, x, equal_nan=True)
m.allclose(x, x) ; x.allclose(y) ; m.equal(x, y) ; x.is_same_size(y) ; m.is_nonzero(x[0]) ; x[0].is_nonzero()
m.is_complex(x) ; x.is_complex() ; x.is_neg() ; x.is_conj() ; m.is_floating_point(x) ; x.resolve_neg()
m.resolve_conj(x) ; x.is_signed() ; m.is_same_size(x, p) ; m.numel(x) ; x.nelement() ; x.element_size() ; x.byte()
x.char() ; x.short() ; x.int() ; x.long() ; x.half() ; x.bfloat16() ; x.float() ; x.double() ; x.cfloat()
x.chalf() ; x.cdouble() ; x.bool() ; i.half() ; i.cdouble() ; b.long() ; x.cpu() ; x.to('cpu') ; x.to(i) ; x.type_as(i)
x.type(m.float64) ; m.threshold(x, 0.5, 2) ; F.threshold(x, 1, 0) ; F.threshold_(x, 0.5, 1) ; m.threshold_(x, 0, 1)
F.hardtanh(x, -0.5, 1.5) ; F.leaky_relu(x, 0.3) ; F.elu(x, 1.5) ; F.celu(x, 0.7) ; F.softplus(x, 2, 5)
F.softshrink(x, 1.0) ; F.hardshrink(x, 1.0) ; F.gelu(x, approximate='tanh') ; F.relu_(x) ; F.elu_(x) ; F.celu_(x)
F.selu_(x) ; F.leaky_relu_(x) ; F.hardtanh_(x) ; m.selu_(x) ; m.celu_(x) ; m.relu_(x) ; m.celu(x)
m.hardshrink(x, 0.3) ; x.hardshrink(0.3) ; F.prelu(t, x[:3]) ; F.rrelu(x) ; m.rrelu(x) ; F.glu(t) ; F.softmin(t, 1)
F.softmax(t, 2) ; F.log_softmax(t, -1) ; F.elu(x, inplace=True) ; F.relu6(x, inplace=True)
F.hardswish(x, inplace=True) ; F.silu(x, inplace=True) ; F.mish(x, True) ; F.selu(x, True) ; x.float_power_(2)
m.float_power(x, 2) ; m.float_power(2, x) ; m.pow(2, x) ; m.pow(x, 3) ; m.pow(e, -0.5) ; x.pow_(2) ; x ** i ; i ** 2
i ** k ; 2 ** k ; x // 2 ; x % 2 ; i // 3 ; i % 3 ; i // k ; i % k ; 7 // x ; 7 % i ; 7 - i ; 1 / i ; ~i ; -i ; i << 1
i >> 1 ; 2 << k ; i & 3 ; i | k ; i ^ 5 ; b & b ; b ^ b ; b | True ; b + i ; b * x ; b - i ; i + 2.5 ; i * 1.5 ; i / k
m.bitwise_left_shift(i, k) ; m.bitwise_right_shift(i, k) ; i.bitwise_left_shift_(k) ; m.bitwise_and(i, 3)
i.bitwise_or_(k) ; i.__irshift__(1) ; i.__ilshift__(1) ; i.__iand__(k) ; i.__ior__(k) ; i.__ixor__(k) ; i.gcd_(k)
i.lcm_(k) ; m.gcd(i, k) ; m.atleast_1d(x, x[0]) ; m.atleast_2d(x) ; m.atleast_3d([x, t]) ; m.frexp(x) ; x.frexp()
m.ldexp(x, k) ; x.ldexp_(k) ; m.signbit(i) ; m.logcumsumexp(t, 1) ; m.cummax(t, 0) ; m.cummin(t, 2) ; m.cumsum(t, 1)
m.cumprod(t, -1) ; t.cumsum_(1) ; t.cumprod_(0) ; m.sum(t) ; t.sum((0, 2)) ; m.sum(i) ; t.sum(1, keepdim=True)
m.nansum(t, 1) ; m.mean(t, (0, 1)) ; m.nanmean(t, 2) ; m.prod(t, 1) ; m.prod(t) ; m.amax(t, (0, 1))
m.amin(t, 2, True) ; m.max(t) ; m.min(t) ; m.max(t, 1) ; m.min(t, 2, True) ; m.aminmax(t) ; m.aminmax(t, dim=1)
m.hash_tensor(t) ; t.hash_tensor(dim=1) ; m.hash_tensor(t, (0, 2), keepdim=True) ; m.hash_tensor(i) ; m.hash_tensor(b, 0)
m.argmax(t) ; m.argmin(t, 1) ; m.any(t) ; m.all(t, 1) ; m.any(t, (0, 1)) ; m.all(t) ; m.logsumexp(t, (0, 1))
m.std(t) ; m.std(t, 1) ; m.var(t, (0, 2), correction=0) ; m.var_mean(t, 1) ; m.std_mean(t) ; m.norm(t)
m.norm(t, 1, 2) ; t.norm(3) ; m.norm(t, 'fro', (1, 2)) ; m.norm(t[0], 'nuc') ; m.linalg.vector_norm(t, 2, (0, 1))
m.linalg.vector_norm(t, 0) ; m.linalg.norm(t) ; m.linalg.vector_norm(t, 0.5, 1) ; m.count_nonzero(t, (0, 1))
m.median(t) ; m.median(t, 1) ; m.nanmedian(t) ; m.nanmedian(t, 2) ; m.mode(t) ; m.kthvalue(t, 2) ; m.topk(t, 2)
m.topk(t, 2, 1, False) ; m.sort(t, 1) ; m.sort(t, 2, True) ; m.argsort(t, 0) ; m.msort(t)
m.sort(t, stable=True, dim=1, descending=True) ; m.unique(i) ; m.unique(i, return_inverse=True, return_counts=True)
i.unique() ; m.unique(t, dim=0) ; m.unique_consecutive(i) ; m.unique_consecutive(t, dim=1, return_counts=True)
m.histc(x, 5) ; x.histc(4, -2, 2) ; m.histogram(x, 4)
x.histogram(m.tensor([-3.0, 0.0, 1.0, 4.0], dtype=x.dtype), density=True) ; m.histogramdd(t[0], [2, 2, 2, 2])
m.bincount(k) ; k.bincount(p, 8) ; m.searchsorted(p.sort().values, x) ; m.bucketize(x, p.sort().values, right=True)
m.isin(i, k) ; m.isin(k, 3) ; m.quantile(x, 0.4) ; m.quantile(t, p[:2].clamp(0, 1), 1)
m.nanquantile(t, 0.3, 2, True) ; x.quantile(0.5, interpolation='nearest') ; m.softmax(t, 1) ; m.log_softmax(t, 2)
t.softmax(0, dtype=m.float64) ; m.renorm(t, 2, 1, 0.5) ; t.renorm_(1, 0, 0.5) ; m.diff(t) ; m.diff(t, 2, 1)
m.gradient(x) ; m.gradient(t, dim=1) ; m.trapezoid(t) ; m.trapz(t, dim=1) ; m.cumulative_trapezoid(t, dx=2)
m.cov(t[0]) ; m.corrcoef(t[0]) ; m.bernoulli(p) ; p.bernoulli() ; m.multinomial(p, 2) ; m.binomial(k * 1.0, p)
m.poisson(e) ; m.normal(x, e) ; m.normal(x, 2.0) ; m.normal(0.0, e) ; m.normal(0.0, 1.0, (2, 3)) ; x.normal_()
x.uniform_(-1, 2) ; x.exponential_() ; x.cauchy_() ; x.log_normal_() ; x.geometric_(0.3) ; x.bernoulli_(0.4)
x.bernoulli_(p) ; x.random_() ; i.random_(5) ; i.random_(-3, 9) ; m.rand_like(x) ; m.randn_like(x)
m.randint_like(x, 9) ; m.randint_like(x, 2, 9) ; m.dropout(x, 0.5, True) ; m.dropout_(x, 0.5, True)
F.dropout(x, 0.3) ; F.dropout1d(t, 0.5) ; F.dropout2d(t[None], 0.5) ; F.dropout3d(t[None], 0.5)
F.alpha_dropout(x, 0.3, True) ; F.feature_alpha_dropout(t, 0.4, True) ; m.alpha_dropout(x, 0.3, True)
m.feature_dropout(t, 0.5, True) ; m.feature_alpha_dropout(t, 0.5, True) ; m.native_dropout(x, 0.5, True)[0]
m.alpha_dropout_(x, 0.3, True) ; m.feature_dropout_(t, 0.5, True) ; m.feature_alpha_dropout_(t, 0.5, True)
F.gumbel_softmax(t) ; F.gumbel_softmax(t, hard=True, dim=1) ; F.rrelu(x, training=True) ; F.rrelu_(x, training=True)
m.rrelu_(x, training=True) ; m.zeros_like(x) ; m.ones_like(t, dtype=m.int32) ; m.full_like(x, 3) ; m.full_like(i, 2.5)
m.empty_like(t).shape ; x.new_empty((2, 3)).shape ; x.new_tensor([1, 2]) ; x.new_zeros(2, 3) ; x.new_ones((2,))
x.new_full((2,), 3) ; x.new_full((2,), True) ; m.zeros(2, 3, dtype=x.dtype) ; m.full((2,), 1.5, dtype=i.dtype)
m.arange(0, 5, 2, dtype=x.dtype) ; m.linspace(0, 1, 5, dtype=x.dtype) ; m.logspace(0, 2, 4, dtype=x.dtype)
m.eye(2, 3, dtype=x.dtype) ; m.tensor(x.tolist()) ; m.as_tensor(x) ; m.asarray(x)
m.scalar_tensor(2.5, dtype=x.dtype) ; m.range(0, 3, dtype=x.dtype) ; m.ones(2, dtype=i.dtype)
m.empty(0, dtype=x.dtype) ; m.empty_strided((2, 3), (3, 1), dtype=x.dtype).stride()
m.tensor([1.5, 2], dtype=i.dtype) ; m.complex(x, y) ; m.polar(e, x) ; m.view_as_real(m.complex(x, y)) ; m.real(x)
m.resolve_neg(x) ; m.tensor([[1, 2], [3, 4.5]], dtype=x.dtype) ; m.linspace(x[0], x[1], 4) ; m.arange(x.numel())
m.vander(x, 3) ; m.combinations(x, 2) ; m.cartesian_prod(x, i) ; m.block_diag(t[0], x) ; m.tril_indices(3, 4)
m.result_type(x, i) ; m.promote_types(x.dtype, i.dtype) ; m.can_cast(x.dtype, i.dtype) ; m.result_type(x, 2.5)
m.constant_pad_nd(t, (1, 2, 0, 1), 2) ; F.pad(t, (1, 1), mode='reflect') ; F.pad(t, (2, 1), 'replicate')
F.pad(t, (1, 2), 'circular') ; m.native_channel_shuffle(t[None], 2) ; F.native_channel_shuffle(t[None], 2)
F.channel_shuffle(t[None], 2) ; F.upsample_nearest(t, 6) ; F.upsample_bilinear(t[None], scale_factor=2)
F.pixel_unshuffle(t[:, :2], 2)
F.multi_head_attention_forward(t, t, t, 4, 2, t.new_ones(12, 4), t.new_ones(12), None, None, False, 0.0, t.new_ones(4, 4), t.new_ones(4), need_weights=True)
x.fill_(2) ; x.fill_(True) ; i.fill_(2.7) ; x.zero_() ; m.fill(x, 3) ; m.fill_(x, 2) ; m.zero_(x) ; x.copy_(i)
i.copy_(x) ; b.copy_(x) ; t.fill_diagonal_(2) ; t[0].fill_diagonal_(1, True) ; x.index_reduce_(0, k, y, 'prod')
m.index_reduce(x, 0, k, y, 'mean', include_self=False) ; x.put_(k, y) ; m.put(x, k, y, True) ; x.masked_fill_(b, 2)
m.masked_fill(x, b, 0.5) ; x.index_fill_(0, k, 3) ; x.scatter_(0, k, 2.5) ; x.scatter_(0, k, 2.5, reduce='multiply')
x.scatter(0, k, y, reduce='add') ; x.take(k) ; m.take(t, k) ; m.masked_select(x, b) ; m.nonzero(x) ; m.argwhere(i)
m.nonzero(i, as_tuple=True) ; m.nonzero_static(i, size=4) ; m.masked_scatter(x, b, y) ; m.narrow_copy(x, 0, 1, 2)
m.positive(x) ; m.detach_copy(x) ; m.cross(t[:, :, :1].expand(2, 3, 3), t[:, :, 1:4], dim=1)
m.unravel_index(k, (2, 3)) ; m.dist(x, y) ; m.cdist(t, t) ; m.tensordot(t, t, 3) ; m.einsum('abc,abd->cd', t, t)
t @ t.mT ; m.matmul(t, t[0].T) ; m.bmm(t, t.mT) ; m.baddbmm(t.new_ones(3), t, t.mT) ; m.addmm(x[:3], t[0], t[1].T)
m.mv(t[0], x[:4]) ; m.dot(x, y) ; m.addmv(x[:3], t[0], y[:4]) ; m.addr(t[0], x[:3], y[:4]) ; m.outer(x, y)
m.inner(x, y) ; m.vdot(x, y) ; m.kron(x, y) ; m.mm(t[0], t[1].T) ; m.chain_matmul(t[0], t[1].T) ; m.ger(x, y)
m.linalg.multi_dot([t[0], t[1].T, t[0]]) ; m.linalg.vecdot(t, t) ; m.addbmm(t.new_ones(3, 3), t, t.mT)
F.grouped_mm(t.float().detach().mT, t.float().detach())
F.grouped_mm(t[0].float().detach(), t.float().detach().mT @ t[0].float().detach(), offs=m.tensor([1, 3], dtype=m.int32))
F.grouped_mm(t.float().detach().mT, t[0].float().detach(), offs=m.tensor([1, 2], dtype=m.int32))
F.grouped_mm(t[0].float().detach().mT, t[1].float().detach(), offs=m.tensor([2, 3], dtype=m.int32))
F.linear(t, t[0]) ; F.bilinear(x[None], y[None], x.new_ones(2, 6, 6)) ; F.linear(t, t[0], x[:3]) ; m.i0(x) ; x.i0_()
m.i0_(x) ; m.logspace(0.0, 1.0, 3, base=2) ; F.one_hot(k) ; F.one_hot(k, 9) ; F.cosine_similarity(x, y, 0)
F.normalize(t, dim=1) ; m.cosine_similarity(x, y, dim=0) ; m.pairwise_distance(x, y) ; m.pdist(t[0])
m.layer_norm(t, (4,)) ; m.group_norm(t, 3) ; m.rms_norm(t, (4,)) ; m.prelu(t, x[:3])
m.bilinear(x[None], y[None], x.new_ones(2, 6, 6), None) ; x.as_subclass(m.Tensor) ; x.new() ; x.data ; x.tolist()
x[0].item() ; len(t) ; t.dim() ; t.size() ; t.stride() ; x.storage_offset() ; t.ndimension() ; t.nbytes ; t.itemsize
i.tolist() ; m.cumulative_trapezoid(x, y) ; t.map_(t, lambda a, c: a + c) ; x.apply_(lambda a: a * 2)
x.sum_to_size(1) ; t.view(m.int32) ; x.detach() ; x.detach_()
"""

# Of several dtypes, of nothing, of zeros with a sign.
MIXED = """
F.layer_norm(t.half().detach(), (4,), x[:4].float().detach(), y[:4].float().detach())
F.layer_norm(t.bfloat16().detach(), (4,), None, y[:4].float().detach())
m.native_layer_norm(t.half().detach(), (4,), x[:4].float().detach(), None, 1e-5)
F.layer_norm(t, (4,), x[:4].float().detach()) ; F.layer_norm(t.half(), (4,), x[:4].float(), y[:4].half())
m.addr(t[0].half().detach(), x[:3].float().detach(), y[:4].float().detach())
m.addr(t[0].half().detach(), k[:3], y[:4].bfloat16().detach()) ; F.rms_norm(t.float().detach(), (4,), x[:4].detach())
m.linalg.solve_triangular(t[0, :, :3], t[1].float().detach(), upper=True)
m.linalg.solve_triangular(t[0, :, :3].float().detach(), k.reshape(3, 2), upper=False)
m.linalg.solve_triangular(t[0], t[1], upper=True) ; m.linalg.solve_triangular(t[0, :, :3].long(), t[1], upper=True)
m.linalg.solve(t[0, :, :3], x.sum()) ; F.linear(x[:4], x.sum(), y) ; F.linear(x.sum(), t[0]) ; F.linear(x, m.ones(2, 3, 6))
t.cumsum_(0, dtype=m.float32) ; t.cumprod_(0, dtype=m.float64) ; m.unravel_index(k, (2.0, 3))
F.embedding_bag(k[:0], t[0], k[:0]) ; F.embedding_bag(k[:2], x, k[:1] * 0) ; F.embedding(k[:2] * 0, x, 7)
F.embedding_bag(k[:2] * 0, t[0], k[:1] * 0, padding_idx=5) ; F.conv_transpose1d(t[:0], t) ; F.fold(t[:, :0], (2, 3), 2)
F.conv_tbc(t.permute(2, 0, 1).contiguous(), t[:1, :, :2].contiguous(), x[:2], -1) ; F.conv_tbc(t, t[0].reshape(1, 4, 3), x[:3], -3)
F.pad(t, (-2, -2), 'circular') ; b.fill_(1j) ; m.full_like(b, 2j) ; m.masked_fill(b, b, 2j) ; x.index_reduce_(0, k[:2], y, 'prod')
t.index_reduce_(1, k[:2], t[:, :2, :1], 'mean') ; F.group_norm(t, 0) ; m.group_norm(t, 0) ; i[:0].exponential_()
m.complex(x, y) / m.complex(m.zeros_like(x), -m.zeros_like(x)) ; m.complex(x, y) / m.complex(-m.zeros_like(x), m.zeros_like(x))
"""

COPIES = """
m.alias_copy(t) ; m.as_strided_copy(t, (2, 2), (1, 3)) ; m.diagonal_copy(t) ; m.expand_copy(x, (2, 6)) ; m.permute_copy(t, (2, 0, 1))
m.select_copy(t, 1, 2) ; m.slice_copy(t, 2, 1, 3) ; m.split_copy(t, 2, 1) ; m.split_with_sizes_copy(t, (1, 3), 2) ; m.squeeze_copy(t[:1])
m.t_copy(t[0]) ; m.transpose_copy(t, 0, 2) ; m.unbind_copy(t) ; m.unfold_copy(t, 2, 2, 1) ; m.unsqueeze_copy(t, 1) ; m.view_copy(t, (4, 6))
m.view_copy(x, m.int32) ; m.unsafe_chunk(t, 2, 1) ; m.unsafe_split(t, 2, 2) ; m.unsafe_split_with_sizes(t, (1, 3), 2) ; t.unsafe_chunk(3, 2)
t.unsafe_split(1) ; t.unsafe_split_with_sizes((2, 1), 1) ; m.is_inference(x) ; x.is_inference() ; m.resize_as_(x[:4].clone(), y[:2])
x[:4].clone().resize_as_(y[:2]) ; x.clone().resize_(2, 2) ; x.new_empty_strided((2, 3), (3, 1)).stride() ; x.map2_(y, p, lambda a, c, d: a + c * d)
x.numpy().tolist() ; m.vmap(m.exp)(t) ; m.rand(2, 3, dtype=x.dtype) ; m.randn(2, 3, dtype=x.dtype) ; m.randint(5, (2, 3), dtype=x.dtype)
m.randint(-3, 5, (4,), dtype=i.dtype) ; m.randperm(6, dtype=i.dtype)
"""
FOURIER = "fft ifft rfft irfft hfft ihfft"
TRANSFORMS = """
m.fft.{f}(t) ; m.fft.{f}(t, 3) ; m.fft.{f}(t, 6, 1, 'ortho') ; m.fft.{f}(x, norm='forward') ; m.fft.{f}(i) ; m.fft.{f}2(t) ; m.fft.{f}2(t, (2, 5)) ; m.fft.{f}n(t)
m.fft.{f}n(t, (2, 3), (0, 1), 'ortho')
"""
FREQUENCIES = """
m.fft.fftfreq(5) ; m.fft.fftfreq(6, 0.5) ; m.fft.rfftfreq(5) ; m.fft.fftshift(t) ; m.fft.fftshift(t, 1) ; m.fft.ifftshift(x) ; m.fft.ifftshift(t, (0, 2))
"""


def of_rows():
    """Elementwise functions as functions, as methods, in place and into a target."""
    for names, at in ((EVERYWHERE, "x"), (PROBABILITIES, "p"), (ABOVE, "e")):
        for name in names.split():
            yield from (
                f"m.{name}({at})",
                f"{at}.{name}()",
                f"{at}.{name}_()",
                f"m.{name}_({at})",
                f"m.{name}(i)",
            )
    for name in SPECIAL.split():
        yield f"m.special.{name}(x)"
        yield f"m.special.{name}(e)"
    for name in POLYNOMIALS.split():
        yield f"m.special.{name}(x, k)"
        yield f"m.special.{name}(p, 3)"
    for name in TWO.split():
        yield from (f"m.{name}(x, y)", f"e.{name}(p)", f"x.{name}_(y)", f"m.{name}(e, 2)", f"m.{name}(i, k)")
        yield from (f"m.{name}(t, t[0])", f"m.{name}(x, i)", f"x.{name}(1.5)")
    for name in WHOLE.split():
        yield from (
            f"m.{name}(i, k)",
            f"i.{name}(k)",
            f"i.{name}_(k)",
            f"m.{name}(i, 3)",
            f"i.{name}(2)",
            f"m.{name}(b, b)",
        )
    for name in SHIFTS.split():
        yield from (f"i.{name}(k)", f"k.{name}(2)", f"x.{name}(y)")
    for name in ACTIVATIONS.split():
        yield f"F.{name}(x)"
        yield f"F.{name}(t)"


def _exists(call):
    """Whether PyTorch has the function or method that a generated call names."""
    import torch

    found = re.match(r"(m|F|x|p|e|i|k)\.(special\.)?(\w+)\(", call)
    home = {"m": torch, "F": torch.nn.functional}.get(found[1], torch.Tensor)
    return hasattr(torch.special if found[2] else home, found[3])


@cache
def starts():
    """[(call, environment)] of every table, each once."""
    from batch import table as batches
    from complex import test_against_torch as complexes
    from joining import test_joining_against_torch as joining
    from linear_algebra import test_linear_algebra_against_torch as linear
    from nn import calls as networks
    from nn import test_functions_against_torch as network_errors
    from views import test_views_against_torch as views

    lines = lambda *texts: [line for text in texts for line in text.splitlines() if line]
    found = [
        ([call for call in of_rows() if _exists(call)], "of_edges"),
        (calls(EDGES) + calls(COPIES) + calls(PACKAGE) + calls(MIXED), "of_edges"),
        (
            calls(FREQUENCIES) + [c.format(f=f) for f in FOURIER.split() for c in calls(TRANSFORMS)],
            "of_edges",
        ),
        ([*batches.SMOOTH, *batches.PLAIN, *batches.IN_PLACE, *batches.ITEMS], "of_batches"),
        ([*networks.LOSSES, *networks.OTHERS, *networks.WINDOWS, *networks.IMAGES], "of_networks"),
        (calls(network_errors.ERRORS), "of_networks"),
        ([*calls(linear.CALLS), *calls(linear.MORE)], "of_linear_algebra"),
        ([c.format(f=f) for f in linear.NAMES.split() for c in calls(linear.ERRORS)], "of_linear_algebra"),
        ([*complexes.EXPRESSIONS, *complexes.REFUSED], "of_complex"),
        (lines(joining.VALUES, joining.ERRORS), "of_joining"),
        (lines(views.SHAPES, views.PARTS, views.IN_PLACE, views.GEOMETRY, views.ERRORS), "of_views"),
    ]
    return list(dict.fromkeys((call, name) for some, name in found for call in some))


@cache
def arrays(environment, seed):
    return getattr(operands, environment)(seed)


# Names of functions that are no computation with a tensor: switches, files, state, hooks, memory; their tests are elsewhere.
NOT_CALLED = """
as_subclass backward clear_autocast_cache compile data_ptr from_dlpack from_numpy frombuffer get_autocast_dtype
get_default_device get_default_dtype get_device get_device_module get_float32_matmul_precision get_num_interop_threads
get_num_threads get_printoptions get_rng_state initial_seed is_anomaly_check_nan_enabled is_anomaly_enabled
is_autocast_available is_autocast_cache_enabled is_autocast_enabled is_deterministic_algorithms_warn_only_enabled
is_grad_enabled is_inference_mode_enabled is_storage is_tensor is_warn_always_enabled load manual_seed
register_hook register_post_accumulate_grad_hook retain_grad save seed set_ set_default_device set_default_dtype
set_default_tensor_type set_deterministic_debug_mode get_deterministic_debug_mode set_float32_matmul_precision
set_flush_denormal set_num_interop_threads set_num_threads set_printoptions set_rng_state set_warn_always
use_deterministic_algorithms are_deterministic_algorithms_enabled typename is_pinned cuda has_names is_shared
as_strided_ const_data_ptr dim_order embedding_renorm_ empty_permuted from_file get_autocast_cpu_dtype
get_autocast_gpu_dtype gru is_autocast_cpu_enabled is_distributed lobpcg lstm module_load pca_lowrank pin_memory rnn_relu
rnn_tanh set_anomaly_enabled share_memory_ svd_lowrank sym_float sym_int sym_ite sym_max sym_min sym_not sym_sqrt sym_sum
to_dlpack requires_grad_ align_as align_to refine_names rename rename_ is_coalesced unravel_index is_vulkan_available
"""
HOMES = ("torch", "Tensor", "linalg", "fft", "special", "nn.functional")


def public(home):
    """The functions and methods of a namespace of PyTorch's that pullback has, by name."""
    import torch

    import pullback

    ours, theirs = pullback, torch
    for part in home.split(".") if home != "torch" else ():
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    for name in dir(theirs):
        value = getattr(ours, name, None)
        if name[0] != "_" and callable(value) and not isinstance(value, type):
            yield name


def uncalled():
    """ "home.name" of what no call of a table calls."""
    text = "\n".join(call for call, _ in starts())
    called = set(re.findall(r"\.(\w+)", text))
    return [
        f"{home}.{name}"
        for home in HOMES
        for name in public(home)
        if name not in called and name not in NOT_CALLED.split()
    ]
