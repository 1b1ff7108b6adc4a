"""out= is one rule for every operator: what is written, what is refused, and that a refused call changes nothing.

Truth is the result without `out`; where PyTorch is installed, what it refuses.
"""

import inspect
import warnings

import pytest
from tables import calls
from twins import flat

import pullback as pb
from pullback.autograd import forward_ad
from pullback.operators.declare import FUNCTIONS

# Calls on a float32 matrix [2, 3] of positive numbers; `out` is a tensor, or for pairs a tuple.
CALLS = calls("""
add(x, x) ; exp(x) ; lt(x, 3) ; clamp(x, 1, 2) ; round(x, decimals=1) ; div(x, 2, rounding_mode='floor') ; pow(x, 2)
lerp(x, x, 0.5) ; addcmul(x, x, x) ; nan_to_num(x) ; logit(x / 10) ; polygamma(1, x) ; sub(x, 1, alpha=2)
true_divide(x, 2)
sum(x, 0) ; sum(x) ; nansum(x, 0) ; mean(x, 0) ; prod(x, 0) ; prod(x) ; any(x, 0) ; all(x, 1) ; amax(x, 0) ; amin(x, 0)
max(x) ; var(x, 0) ; std(x, 0) ; norm(x, dim=0) ; linalg.vector_norm(x, dim=0) ; logsumexp(x, 0) ; nanmean(x, 0)
quantile(x, 0.5, 0) ; nanquantile(x, 0.5, 0) ; argmax(x, 0) ; argmin(x, 0) ; softmax(x, 0) ; log_softmax(x, 0)
cumsum(x, 0) ; cumprod(x, 0) ; logcumsumexp(x, 0) ; diff(x)
matmul(x, x.t()) ; mm(x, x.t()) ; bmm(x[None], x.t()[None]) ; mv(x, x[0]) ; dot(x[0], x[0]) ; vdot(x[0], x[0])
outer(x[0], x[1]) ; inner(x, x) ; addmm(x[:, :2], x, x.t()) ; addmv(x[:, 0], x, x[0]) ; addr(x, x[:, 0], x[0])
addbmm(x[:, :2], x[None], x.t()[None]) ; baddbmm(x[None, :, :2], x[None], x.t()[None]) ; tensordot(x, x.t(), 1)
kron(x, x) ; linalg.multi_dot([x, x.t()]) ; chain_matmul(x, x.t())
fft.fft(x) ; fft.ifft(x) ; fft.rfft(x) ; fft.irfft(x) ; fft.hfft(x) ; fft.ihfft(x) ; fft.fft2(x) ; fft.ifft2(x)
fft.rfft2(x) ; fft.irfft2(x) ; fft.hfft2(x) ; fft.ihfft2(x) ; fft.fftn(x) ; fft.ifftn(x) ; fft.rfftn(x) ; fft.irfftn(x)
fft.hfftn(x) ; fft.ihfftn(x) ; fft.fftfreq(4) ; fft.rfftfreq(4)
linalg.det(x @ x.t()) ; linalg.slogdet(x @ x.t()) ; slogdet(x @ x.t()) ; linalg.inv(x @ x.t()) ; inverse(x @ x.t())
linalg.inv_ex(x @ x.t()) ; linalg.solve(x @ x.t(), x) ; linalg.solve_ex(x @ x.t(), x) ; linalg.cholesky(x @ x.t())
cholesky(x @ x.t()) ; linalg.cholesky_ex(x @ x.t()) ; linalg.lu_factor(x) ; linalg.lu_factor_ex(x) ; linalg.lu(x)
lu_unpack(x, i[0, :2].int() + 1) ; linalg.lu_solve(x @ x.t(), i[0, :2].int() + 1, x)
lu_solve(x, x @ x.t(), i[0, :2].int() + 1)
linalg.solve_triangular(x @ x.t(), x, upper=True) ; triangular_solve(x, x @ x.t()) ; cholesky_solve(x, x @ x.t())
cholesky_inverse(x @ x.t()) ; linalg.ldl_factor(x @ x.t()) ; linalg.ldl_factor_ex(x @ x.t())
linalg.ldl_solve(x @ x.t(), i[0, :2].int() + 1, x) ; linalg.eigh(x @ x.t()) ; linalg.eigvalsh(x @ x.t()) ; linalg.svd(x)
linalg.eig(x @ x.t()) ; linalg.eigvals(x @ x.t())
linalg.svdvals(x) ; svd(x) ; linalg.qr(x) ; qr(x) ; geqrf(x) ; linalg.householder_product(x.t(), x[:, 0])
orgqr(x.t(), x[:, 0])
ormqr(x.t(), x[:, 0], x.t()) ; linalg.pinv(x) ; linalg.matrix_rank(x) ; linalg.matrix_power(x @ x.t(), 2)
linalg.cross(x, x + 1)
cross(x, x + 1, 1) ; linalg.tensorinv(x @ x.t(), 1) ; linalg.tensorsolve(x @ x.t(), x[:, 0]) ; linalg.vecdot(x, x)
linalg.matmul(x, x.t()) ; linalg.matrix_norm(x) ; linalg.norm(x) ; linalg.cond(x) ; renorm(x, 2, 0, 1)
nuclear_norm(x) ; frobenius_norm(x, (0, 1))
cat([x, x]) ; stack([x, x]) ; hstack([x, x]) ; vstack([x, x]) ; dstack([x, x]) ; column_stack([x, x])
complex(x, x) ; polar(x, x) ; angle(x) ; conj_physical(x)
tril(x) ; triu(x) ; diag(x) ; gather(x, 0, i) ; scatter(x, 0, i, x) ; scatter_add(x, 0, i, x)
scatter_reduce(x, 0, i, x, 'sum') ; take_along_dim(x, i, 0) ; index_select(x, 0, i[0]) ; index_add(x, 0, i[0, :1], x[:1])
index_copy(x, 0, i[0, :1], x[:1]) ; masked_select(x, x > 2) ; take(x, i) ; nonzero(x)
searchsorted(x, x) ; bucketize(x, x[0]) ; histc(x, 3) ; bernoulli(x / 10) ; multinomial(x, 2) ; normal(x, x)
sort(x, 0) ; topk(x, 1) ; kthvalue(x, 1) ; median(x, 0) ; nanmedian(x, 0) ; mode(x, 0) ; max(x, 0) ; min(x, 0)
cummax(x, 0) ; cummin(x, 0) ; aminmax(x, dim=0) ; isin(x, x[0])
zeros(2, 3) ; ones(2, 3) ; empty(2, 3) ; full((2, 3), 1.5) ; arange(3) ; linspace(0, 1, 3) ; logspace(0, 1, 3) ; eye(2)
rand(3) ; randn(3) ; randint(3, (3,)) ; randperm(3)
float_power(x, 2) ; frexp(x) ; hash_tensor(x) ; ldexp(x, x) ; histogram(x, 3) ; index_reduce(x, 0, i[0, :1], x[:1], 'prod')
igamma(x, x) ; igammac(x, x) ; special.zeta(x, x) ; mvlgamma(x + 2, 2)
""")
RANDOM = "bernoulli multinomial normal rand randn randint randperm empty".split()
# PyTorch lets these record into `out`, or drop tangents, where their parts are operators of their own: here none does.
COMPOSED = """
quantile nanquantile softmax log_softmax inner tensordot diag linalg.ldl_factor linalg.ldl_factor_ex linalg.ldl_solve
linalg.matrix_rank conj_physical linalg.tensorinv linalg.tensorsolve linalg.matrix_norm linalg.norm linalg.cond linalg.eigvals
fft.ifft fft.ihfft nuclear_norm
""".split()


def name_of(call):
    return call.split("(")[0]


def evaluate(m, call, x, **options):
    """The call in module m, with further keyword arguments."""
    names = {"m": m, "x": x, "i": x.detach().long() * 0, "options": options}
    return eval("m." + call.removesuffix(")") + ", **options)", names)


def matrix(m):
    return m.arange(6.0).reshape(2, 3) + 1


def empties(m, call, dtype=None):
    """Empty targets of the dtypes of the results, or the first of them of another."""
    results = flat(evaluate(m, call, matrix(m)))
    made = [m.empty(0, dtype=r.dtype) for r in results]
    if dtype is not None:
        made[0] = m.empty(0, dtype=dtype)
    return tuple(made) if len(made) > 1 else made[0]


def refusal(m, call, x, out):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            evaluate(m, call, x, out=out)
        except Exception as error:
            return error
    return None


def test_every_function_with_out_is_called():
    """Those of the table of calculus have one implementation of their own, of which some are called."""
    called = {FUNCTIONS.get(name_of(call)) for call in CALLS}
    missing = [
        name
        for name, function in FUNCTIONS.items()
        if hasattr(function, "__wrapped__")
        and "out" in inspect.signature(function).parameters
        and function not in called
    ]
    assert missing == ["rsub"]  # which has none in PyTorch


@pytest.mark.parametrize("call", CALLS)
def test_it_holds_the_result(call):
    expected, out = flat(evaluate(pb, call, matrix(pb))), empties(pb, call)
    returned = evaluate(pb, call, matrix(pb), out=out)
    assert type(returned) is type(evaluate(pb, call, matrix(pb)))
    for target, back, result in zip(flat(out), flat(returned), expected):
        assert back is target and target.shape == result.shape and target.dtype == result.dtype
        assert target._version == 1 and not target.requires_grad
        if name_of(call) not in RANDOM:
            assert target.stride() == result.stride()
            assert target.tolist() == result.tolist()


@pytest.mark.parametrize("call", [call for call in CALLS if name_of(call) not in RANDOM])
def test_a_target_that_fits_is_written_where_it_lies(call):
    expected = flat(evaluate(pb, call, matrix(pb)))
    wholes = [pb.zeros((*r.shape, 2), dtype=r.dtype) for r in expected]
    out = tuple(whole[..., 1] for whole in wholes)
    evaluate(pb, call, matrix(pb), out=out if len(out) > 1 else out[0])
    for whole, target, result in zip(wholes, out, expected):
        assert target.tolist() == whole[..., 1].tolist() == result.tolist()
        assert not whole[..., 0].any()


@pytest.mark.parametrize("call", CALLS)
def test_nothing_is_recorded(call):
    """An input that requires grad is refused where the result would; under no_grad nothing is."""
    x, out = matrix(pb).requires_grad_(), empties(pb, call)
    if any(r.requires_grad for r in flat(evaluate(pb, call, x))):
        with pytest.raises(RuntimeError, match=r"functions with out=... arguments don't support automatic"):
            evaluate(pb, call, x, out=out)
        assert all(target.shape == (0,) and target._version == 0 for target in flat(out))
    with pb.no_grad():
        evaluate(pb, call, x, out=out)
    assert not any(target.requires_grad for target in flat(out))


@pytest.mark.parametrize("call", CALLS)
def test_a_target_that_requires_grad(call):
    out = empties(pb, call)
    for target in flat(out):
        if not target.dtype.is_floating_point:
            return
        target.requires_grad_()
    with pytest.raises(RuntimeError, match=r"functions with out=... arguments don't support automatic"):
        evaluate(pb, call, matrix(pb), out=out)
    with pb.no_grad():
        evaluate(pb, call, matrix(pb), out=out)
    assert all(target.requires_grad and target.is_leaf for target in flat(out))


@pytest.mark.parametrize("call", CALLS)
def test_tangents_are_refused(call):
    with forward_ad.dual_level():
        x = forward_ad.make_dual(matrix(pb), pb.ones(2, 3))
        if "x" in call.split("(", 1)[1].replace("max", "").replace("axis", ""):
            with pytest.raises(NotImplementedError, match="Trying to use forward AD with"):
                evaluate(pb, call, x, out=empties(pb, call))
        out = empties(pb, call)
        if flat(out)[0].dtype.is_floating_point:
            dual = forward_ad.make_dual(flat(out)[0], pb.zeros(0, dtype=flat(out)[0].dtype))
            pair = (dual, flat(out)[1]) if isinstance(out, tuple) else dual
            with pytest.raises(NotImplementedError, match="Trying to use forward AD with"):
                evaluate(pb, call, matrix(pb), out=pair)


# What a target of the wrong dtype meets, and where PyTorch is stricter: elementwise functions of one operand take any
# target that `can_cast` lets in, and nothing is refused for want of a kernel.
LENIENT = "clamp round nan_to_num nansum cumsum cumprod randperm normal nanmean any all".split()
STRICT = ["max(x)"]  # of everything, PyTorch's casts


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float64", "int64", "bool"])
@pytest.mark.parametrize("call", CALLS)
def test_dtypes_are_refused_as_by_pytorch(call, dtype):
    torch = pytest.importorskip("torch")
    mine = refusal(pb, call, matrix(pb), empties(pb, call, getattr(pb, dtype)))
    theirs = refusal(torch, call, matrix(torch), empties(torch, call, getattr(torch, dtype)))
    if (name_of(call) in LENIENT or call in STRICT) and type(mine) is not type(theirs):
        return
    if isinstance(theirs, NotImplementedError) or "invalid combination" in str(theirs):  # PyTorch has no such
        return
    assert type(mine) is type(theirs), f"{mine!r} instead of {theirs!r}"


@pytest.mark.torch
@pytest.mark.parametrize("call", CALLS)
def test_gradients_and_tangents_are_refused_as_by_pytorch(call):
    torch = pytest.importorskip("torch")
    if name_of(call) in COMPOSED:
        return
    refusals = []
    for m in (pb, torch):
        out = empties(m, call)
        recorded = refusal(m, call, matrix(m).requires_grad_(), out)
        if isinstance(recorded, TypeError):  # PyTorch's has no such `out`
            return
        fw = m.autograd.forward_ad
        with fw.dual_level():
            dual = refusal(m, call, fw.make_dual(matrix(m), m.ones(2, 3)), empties(m, call))
        refusals.append((type(recorded), type(dual)))
    assert refusals[0] == refusals[1]


def test_results_of_the_wrong_kind_are_refused_before_anything_is_written():
    x = matrix(pb)
    values, indices = pb.zeros(3), pb.zeros(3)
    with pytest.raises(
        RuntimeError, match="Expected out tensor to have dtype long int, but got float instead"
    ):
        pb.max(x, 0, out=(values, indices))
    assert values.tolist() == [0.0, 0.0, 0.0]
    for function, *arguments in ((pb.mean, x), (pb.exp, x), (pb.nanmean, x), (pb.kron, x, x)):
        out = pb.ones(3, dtype=pb.int64)
        with pytest.raises(
            RuntimeError, match="result type Float can't be cast to the desired output type Long"
        ):
            function(*arguments, out=out)
        assert out.tolist() == [1, 1, 1] and out._version == 0
    for wrong in (3, (values,), "x", [values, 3]):
        with pytest.raises(TypeError, match=r"max\(\): argument 'out' must be tuple of Tensors"):
            pb.max(x, 0, out=wrong)
    with pytest.raises(TypeError, match=r"sum\(\): argument 'out' must be Tensor, not int"):
        pb.sum(x, out=3)


def test_sums_are_computed_in_the_dtype_of_their_target():
    x = pb.full((10,), 0.1)
    assert pb.sum(x, out=pb.empty((), dtype=pb.float64)).item() == x.double().sum().item()
    assert pb.sum(x + 1, out=pb.empty((), dtype=pb.int64)).item() == 10  # each is made an integer first
    assert pb.prod(x, out=pb.empty((), dtype=pb.bool)).item() is True
    assert pb.sum(x * 0, dtype=pb.bool).item() is False
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype double, but got float instead"):
        pb.sum(x, 0, dtype=pb.float64, out=pb.empty(0))


def test_a_target_may_be_an_operand():
    x = matrix(pb)
    pb.matmul(x, x.t(), out=x[:, :2])
    assert x[:, :2].tolist() == [[14.0, 32.0], [32.0, 77.0]]
    y = pb.arange(4.0)
    pb.cumsum(y, 0, out=y)
    assert y.tolist() == [0.0, 1.0, 3.0, 6.0]
    pb.cat([y[2:], y[:2]], out=y)
    assert y.tolist() == [3.0, 6.0, 0.0, 1.0]
    pb.sort(y, out=(y, pb.empty(0, dtype=pb.int64)))
    assert y.tolist() == [0.0, 1.0, 3.0, 6.0]
    with pytest.raises(RuntimeError, match="some elements of the input tensor and the written-to tensor"):
        pb.add(y[1:], 1, out=y[:3])
    assert y.tolist() == [0.0, 1.0, 3.0, 6.0]


def test_a_target_that_was_saved_is_noticed():
    x, out = pb.ones(3, requires_grad=True), pb.ones(3)
    y = x * out
    pb.sum(pb.ones(2, 3), 0, out=out)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_what_pends_reads_the_old_values():
    n = 50_000
    out = pb.ones(n)
    pending = out * 2
    pb.mul(pb.ones(n), 5, out=out)
    pb.cumsum(pb.zeros(n), 0, out=pb.empty(0))
    assert pending.sum().item() == 2 * n and out.sum().item() == 5 * n
    pending = out + 1
    pb.cat([pb.zeros(n)], out=out)
    assert pending.sum().item() == 6 * n and out.sum().item() == 0
