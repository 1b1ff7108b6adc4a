"""Complex numbers beside PyTorch's: values, gradients, dtypes, printing, random numbers, what is refused."""

import warnings

import numpy as np
import pytest
from tables import calls

import pullback as pb
from pullback.printing import tensor_repr

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: complex numbers are checked by NumPy alone"
)

pytestmark = pytest.mark.filterwarnings("ignore")

# Over the module m, complex matrices z and w (3, 4), a complex vector v (4,) and a real matrix x (3, 4).
EXPRESSIONS = """
    z + w; z - x; x * z; z / w; z ** w; z ** x; x.abs() ** z; z ** 2; z ** 3; z ** -1; z ** 0.5; 2.5 ** z; (1 + 2j) * x
    (1 - 2j) / z; z - (2 + 1j); x - 1j; z * True; -z; z == w; z != z.real; z == 1
    m.exp(z); m.exp2(z); m.expm1(z); m.log(z); m.log2(z); m.log10(z); m.log1p(z); m.sqrt(z); m.rsqrt(z); m.sin(z)
    m.cos(z); m.tan(z); m.asin(z); m.acos(z); m.atan(z); m.sinh(z); m.cosh(z); m.tanh(z); m.asinh(z); m.acosh(z)
    m.atanh(z); m.sigmoid(z); m.square(z); m.reciprocal(z); m.abs(z); m.sgn(z); m.angle(z); m.angle(x); z.conj() * 1
    m.conj_physical(z); z.real; z.imag; m.view_as_real(z); m.complex(x, x * 2); m.polar(x.abs(), x); m.isreal(z)
    m.view_as_complex(m.stack([x, x], -1)); z.real + 1j * z.imag; m.exp(1j * x).real; (m.exp(1j * x) * z).abs()
    z.H * 1; z.mH * 1; z.adjoint() * 1; m.isnan(z); m.isfinite(z); m.logical_not(z); m.isclose(z, z + 1e-9)
    z.sum(); z.sum(0); z.sum(1, keepdim=True); z.mean((0, 1)); z.prod(); z.prod(1); z.cumsum(1); z.cumprod(1)
    z.norm(); z.norm(p=1); z.norm(p=3, dim=1); z.norm(p=float("inf")); m.linalg.vector_norm(z, 3, dim=1); z.var(1)
    z.std(); z.std(0, correction=0); m.var_mean(z, 1)[1]; m.any(z); m.all(z); m.count_nonzero(z); m.dist(z, w)
    m.where(x > 0, z, w); m.where(x > 0, z, 1.0); z.masked_fill(x > 0, 1 + 2j); m.cat([z, x]); m.stack([z, w], 1)
    z[1]; z[:, ::2]; z[x > 0]; z[[0, 2]]; z.gather(1, m.tensor([[0, 1], [2, 2], [3, 0]])); z.index_select(1, m.tensor([0, 0]))
    z.index_add(1, m.tensor([0, 0, 3, 1]), w, alpha=2); z.index_fill(0, m.tensor([2]), 1j); z.take(m.tensor([0, 5, 5]))
    m.index_put(z, (m.tensor([0, 0]),), w[:2], accumulate=True); z.tril(); z.diagonal(); z.trace(); m.diag(v); z.roll(1, 0)
    z.unfold(1, 2, 1); z.repeat(2, 1); z.flip(0); z.reshape(4, 3).T; m.nn.functional.pad(z, (1, 1), value=2.0)
    m.outer(v, v); m.dot(v, v); m.vdot(v, v * 1j); m.inner(z, w); z @ w.T; z @ w.mH; z @ v; v @ w.T; m.kron(z, w)
    m.einsum("ij,kj->ik", z, w); m.tensordot(z, w, dims=2); m.addmm(w @ w.T, z, w.T, beta=2j, alpha=1 - 1j)
    m.addmv(z[:, 0], z, v); m.addr(z, z[:, 0], v); m.bmm(z.expand(2, 3, 4), w.T.expand(2, 4, 3)); (z @ w.T).matrix_power(3)
    m.lerp(z, w, 0.3 + 0.2j); m.addcmul(z, w, w, value=2j); m.addcdiv(z, w, w + 3, value=0.5); m.add(z, w, alpha=2j)
    m.sub(z, x, alpha=2); m.rsub(z, w, alpha=1j); z.to(m.complex64); z.to(m.float64); x.to(m.complex64); x.cfloat()
    m.full_like(z, 2j); m.full((2,), 1j); m.tensor([[1, 2j], [3.5, True]]); m.eye(2, dtype=m.complex64); m.cov(z); m.corrcoef(z)
    m.nn.functional.l1_loss(z, w); m.nn.functional.linear(z, w); m.nn.functional.silu(z.detach()); m.nn.functional.softsign(z)
    m.nn.functional.tanhshrink(z); m.sinc(z); m.special.sinc(z[:, :2]); m.nan_to_num(z.detach() / (x > 0))
    z.detach().scatter_reduce(1, m.tensor([[0, 1, 1], [2, 2, 2]]), w.detach(), 'prod')
    m.index_reduce(z.detach(), 0, m.tensor([0, 0, 2]), w.detach(), 'prod')
    m.logaddexp(z, w); m.logaddexp(z, z); z.logsumexp(0); m.logsumexp(z, (0, 1), True); m.logcumsumexp(z, 1)
    m.linspace(1j, 2, 5); m.linspace(0, 1, 3, dtype=m.complex128); m.logspace(0, 1 + 1j, 4); m.logspace(1j, 2, 3, base=-2.0)
    m.linspace(z[0, 0].detach(), 2, 7); m.float_power(z, 2); m.float_power(x, w); (z * 1).sinc_(); m.cov(z.T)
    m.linalg.svd(z).S; m.linalg.svd(z)[0].abs(); m.linalg.svd(z, False)[2].abs(); m.linalg.svdvals(z.T); m.svd(z)[2].abs()
    m.linalg.qr(z)[0]; m.linalg.qr(z.T)[1]; m.linalg.qr(z, mode="complete")[1]; m.linalg.qr(z.T.detach(), mode="r")[1]; m.qr(z)[0]
    m.linalg.householder_product(z.T, z[0, :3]); m.ormqr(z.T, z[0, :3], w.T); m.orgqr(z.T, z[:, 0])
    m.linalg.pinv(z); m.linalg.pinv(z.T); m.linalg.pinv(z @ z.mH, hermitian=True); m.pinverse(z); m.linalg.cond(z, 2)
    m.linalg.lstsq(z.T, w.T).solution; m.linalg.lstsq(z, w, driver="gelsd").solution; m.linalg.matrix_norm(z, 2)
    m.linalg.eig(z @ w.T)[0].abs(); m.linalg.eig(z @ w.T)[1].abs(); m.linalg.eigvals(x @ x.T + x[:, :3]).real
    m.linalg.eig(x[:, :3])[1].abs(); m.norm(z, "nuc"); m.linalg.matrix_norm(z, "nuc"); m.linalg.norm(z, -2)
    m.matrix_exp(z @ w.T / 4); m.linalg.cond((z @ w.T).detach(), 1)
    m.cholesky_inverse(m.linalg.cholesky(z @ z.mH)); m.cholesky_solve(z, m.linalg.cholesky(w @ w.mH))
    m.linalg.ldl_solve(*m.linalg.ldl_factor((z @ z.T).detach()), w.detach()); m.linalg.matrix_rank(z); m.linalg.det(z @ w.T)
    m.linalg.ldl_solve(*m.linalg.ldl_factor((z @ z.mH).detach(), hermitian=True), w.detach(), hermitian=True)
"""
EXPRESSIONS = calls(EXPRESSIONS)

REFUSED = """
    z < w; z >= 1; z.sort(); z.argmax(); z.max(); z.median(); z.floor(); z.round(); m.relu(z); m.erf(z); m.maximum(z, w)
    z.softmax(1); z.clamp(0, 1); z % 2; z // 2; m.atan2(z, w); m.hypot(z, w); m.sign(z); m.add(x, x, alpha=2j); z @ x.T; z & w
    m.arange(3, dtype=m.complex64); m.nn.functional.mse_loss(z, w); m.cummax(z, 1); m.unique(z); m.quantile(z, 0.5)
    m.nn.functional.gelu(z); m.nn.functional.softplus(z); m.nn.functional.layer_norm(z, (4,)); m.lgamma(z); m.xlogy(z, w)
    m.imag(x); m.view_as_real(x); m.view_as_complex(x); m.complex(x, x.double() if x.dtype == m.float32 else x.float())
    m.topk(z, 1, 1); m.histc(z); m.bincount(z); m.deg2rad(z); m.logit(z); m.nansum(z); m.signbit(z); float(z[0, 0])
    z.detach().clone().abs_(); x.detach().fill_(1j); z.sum().backward(); m.gcd(z, w); m.heaviside(z, w); m.copysign(z, w)
    m.nn.functional.batch_norm(z, None, None, training=True); m.searchsorted(z, w); m.isposinf(z); m.frac(z); m.cdist(z, w)
"""
REFUSED = calls(REFUSED)


def operands(module, wide):
    rng = np.random.default_rng(3)
    kinds = ("complex128", "float64") if wide else ("complex64", "float32")
    found = {}
    for name, shape in {"z": (3, 4), "w": (3, 4), "v": (4,), "x": (3, 4)}.items():
        values = rng.standard_normal(shape) + 1j * rng.standard_normal(shape) * (name != "x")
        if name == "x":
            values = values.real
        dtype = getattr(module, kinds[name == "x"])
        found[name] = module.tensor(values.tolist(), dtype=dtype, requires_grad=True)
    return found


def evaluated(module, source, wide):
    """The value, and the gradients of a real loss that weighs all its parts."""
    given = operands(module, wide)
    y = eval(source, {"m": module, **given})
    if not y.requires_grad:
        return y, None
    steps = np.arange(y.numel())
    weights = module.tensor((np.cos(steps) + 1j * np.sin(2 + steps)).tolist()).reshape(y.shape)
    loss = (y * weights).real.sum() + (y * weights).imag.sum() / 2
    return y, module.autograd.grad(loss, list(given.values()), allow_unused=True)


@pytest.mark.parametrize("wide", [True, False], ids=["128", "64"])
@pytest.mark.parametrize("source", EXPRESSIONS)
def test_values_and_gradients(source, wide):
    (ours, ours_g), (theirs, theirs_g) = evaluated(pb, source, wide), evaluated(torch, source, wide)
    tolerance = {"rtol": 1e-9, "atol": 1e-9} if wide else {"rtol": 1e-3, "atol": 1e-3}
    assert ours.dtype.name == str(theirs.dtype)[6:] and ours.shape == tuple(theirs.shape)
    assert ours.requires_grad == theirs.requires_grad
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), **tolerance)
    assert (ours_g is None) == (theirs_g is None)
    for a, b in zip(ours_g or (), theirs_g or ()):
        if a is None or b is None:  # none, or zeros
            assert not any(t is not None and t.any() for t in (a, b))
            continue
        assert a.dtype.name == str(b.dtype)[6:]
        np.testing.assert_allclose(a.numpy(), b.resolve_conj().numpy(), **tolerance)


@pytest.mark.parametrize("source", REFUSED)
def test_refused(source):
    """What has no meaning raises what PyTorch's error is, or one that is made for what is not implemented."""
    with pytest.raises((RuntimeError, TypeError, ValueError)) as theirs:
        evaluated(torch, source, False)
    with pytest.raises((RuntimeError, TypeError, ValueError)) as ours:
        evaluated(pb, source, False)
    kinds = (
        {type(theirs.value), NotImplementedError}
        if type(theirs.value) is RuntimeError
        else {type(theirs.value)}
    )
    assert type(ours.value) in kinds, ours.value


def test_random_numbers():
    for draw in (
        "m.randn(7, dtype=m.complex64)",
        "m.randn(300, 3, dtype=m.complex128)",
        "m.rand(5, dtype=m.complex64)",
        "m.randn_like(m.zeros(2, 3, dtype=m.complex128))",
        "m.zeros(40, dtype=m.complex64).normal_(1.0, 2.0)",
        "m.zeros(6, dtype=m.complex128).uniform_(-1, 2)",
        "m.normal(m.ones(5, dtype=m.complex64) * 1j, 0.5)",
        "m.normal(m.ones(5, dtype=m.complex128), m.arange(5.0))",
    ):
        results = []
        for m in (pb, torch):
            m.manual_seed(5)
            results.append(eval(draw, {"m": m}).numpy())
        np.testing.assert_allclose(results[0], results[1], rtol=1e-6, err_msg=draw)


@pytest.mark.parametrize(
    "source",
    [
        "m.tensor(1j)",
        "m.tensor([1 + 2j, 3.5 - 4.25j])",
        "m.tensor([1 + 2j], dtype=m.complex128)",
        "m.tensor([[1e10 + 1j, 1e-5j], [float('nan') + 1j, complex(1, -float('inf'))]])",
        "m.zeros(0, dtype=m.complex64)",
        "m.zeros(2, 3, dtype=m.complex64)",
        "m.tensor([1 + 2j], requires_grad=True).abs()",
        "m.tensor([1 + 2j], requires_grad=True) * 2",
        "m.tensor([1 + 2j], requires_grad=True).real",
        "m.tensor([1 + 2j], requires_grad=True)",
        "m.arange(2000.) * (1 + 1j)",
    ],
)
def test_printing(source):
    ours = tensor_repr(eval(source, {"m": pb}))
    assert ours == repr(eval(source, {"m": torch})).replace("dtype=torch.", "dtype=pullback.")


def test_promotion():
    numbers = [True, 2, 2.5, 1j]
    dtypes = "bool uint8 int64 float32 float64 complex64 complex128".split()
    for a in dtypes:
        for p in ((), (2,)):
            for b in [*dtypes, *numbers]:
                for q in ((), (2,)):
                    results = []
                    for m in (pb, torch):
                        x = m.ones(p, dtype=getattr(m, a))
                        y = m.ones(q, dtype=getattr(m, b)) if isinstance(b, str) else b
                        results.append(str((x * y).dtype).split(".")[1])
                    assert results[0] == results[1], (a, p, b, q)


def test_optimisers_treat_parts_alike():
    for name, options in (
        ("SGD", {"momentum": 0.9, "weight_decay": 0.1}),
        ("Adam", {}),
        ("AdamW", {"amsgrad": True}),
        ("RMSprop", {"centered": True}),
        ("Adagrad", {}),
        ("Adadelta", {}),
        ("NAdam", {}),
        ("LBFGS", {}),
    ):
        ends = []
        for m in (pb, torch):
            z = m.tensor([1 + 2j, -0.5j], dtype=m.complex128, requires_grad=True)
            optimiser = getattr(m.optim, name)([z], lr=0.05, **options)

            def closure(z=z, optimiser=optimiser):
                optimiser.zero_grad()
                loss = ((z - 1j).abs() ** 2 + (z * z).real).sum()
                loss.backward()
                return loss

            for _ in range(5):
                optimiser.step(closure)
            ends.append(z.detach().numpy())
        np.testing.assert_allclose(*ends, rtol=1e-7, err_msg=name)


@pytest.mark.parametrize("name", ["float32", "int64", "uint8", "bool"])
def test_nothing_is_lost_without_a_word(name):
    dtype, z = getattr(pb, name), pb.tensor([1j, 3 - 1j])
    # That a complex number is not 0 says all of it.
    kept, words = ([True, True], 0) if name == "bool" else ([0, 3], 1)
    for lose in (lambda: z.to(dtype), lambda: pb.zeros(2, dtype=dtype).copy_(z)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert lose().tolist() == kept
        said = [str(w.message) for w in caught]
        assert said == ["Casting complex values to real discards the imaginary part"] * words
