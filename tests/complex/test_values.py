"""Complex tensors beside NumPy's arrays: making, converting, looking at parts, computing, writing."""

import copy
import io
import pickle

import numpy as np
import pytest
from deferral import deferral

import pullback as pb

DTYPES = [pb.complex64, pb.complex128]


def arrays(*shapes, dtype="complex128"):
    rng = np.random.default_rng(4)
    return [(rng.normal(size=s) + 1j * rng.normal(size=s)).astype(dtype) for s in shapes]


# ---- making and converting -----------------------------------------------------------------------------------


def test_made_of_python_numbers():
    z = pb.tensor([[1, 2j], [3.5, True]])
    assert z.dtype is pb.complex64 and z.tolist() == [[1, 2j], [3.5, 1]]
    assert pb.tensor(1j).item() == 1j and complex(pb.tensor(2 - 1j)) == 2 - 1j
    assert pb.tensor([np.complex64(1j), np.complex128(2)]).dtype is pb.complex128
    assert pb.full((2,), 1j).tolist() == [1j, 1j]
    pb.set_default_dtype(pb.float64)
    assert pb.tensor(1j).dtype is pb.complex128 and (pb.ones(1) * 1j).dtype is pb.complex128


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_makers(dtype):
    x = pb.zeros(2, 3, dtype=dtype)
    assert x.dtype is dtype and not x.any() and dtype.is_complex and x.is_complex()
    assert pb.ones_like(x).sum().item() == 6 and pb.eye(2, dtype=dtype).trace().item() == 2
    assert x.new_full((2,), 1 + 1j).tolist() == [1 + 1j] * 2
    assert x.fill_(2j).tolist()[0] == [2j] * 3 and x.element_size() == dtype.itemsize


def test_numpy_shares_memory_both_ways():
    (a,) = arrays((3, 4))
    for array in (a, a.astype("complex64"), a.T, a[:, ::2]):
        z = pb.from_numpy(array)
        assert np.array_equal(z.numpy(), array)
        z[0, 0] = 5j
        assert array[0, 0] == 5j
    assert np.array_equal(pb.tensor(a).numpy(), a) and np.array_equal(np.asarray(pb.tensor(a)), a)
    assert pb.from_dlpack(pb.tensor([1j])).item() == 1j


def test_conversions():
    z = pb.tensor([1.5 - 2j, 0j, 3j])
    assert z.to(pb.complex128).tolist() == z.tolist() and z.cdouble().dtype is pb.complex128
    assert z.to(pb.bool).tolist() == [True, False, True]
    assert pb.tensor([1, 2]).cfloat().tolist() == [1, 2]
    assert float(pb.tensor(2 + 0j)) == 2 and int(pb.tensor(2 + 0j)) == 2 and bool(pb.tensor(1j))
    for convert in (float, int):
        with pytest.raises(RuntimeError, match="value cannot be converted to type .* without overflow"):
            convert(pb.tensor(1j))


def test_imaginary_parts_are_not_lost():
    x = pb.zeros(3)
    for write in (
        lambda: x.fill_(1j),
        lambda: x.__setitem__(0, 1j),
        lambda: x.masked_fill(x == 0, 1j),
        lambda: x.masked_fill(x == 0, pb.tensor(1j)),
        lambda: pb.full((2,), 1j, dtype=pb.float32),
        lambda: x.add_(1j),
        lambda: x.add(x, alpha=1j),
        lambda: pb.addmm(pb.zeros(1, 1), pb.ones(1, 1), pb.ones(1, 1), alpha=1j),
        lambda: pb.arange(1j),
    ):
        with pytest.raises(RuntimeError):
            write()
    assert not x.any()
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        x.fill_(pb.tensor(2 + 1j))
    assert x.tolist() == [2, 2, 2]


def test_copies():
    z = pb.tensor([1 + 2j, 3j])
    for made in (copy.deepcopy(z), pickle.loads(pickle.dumps(z)), z.clone()):
        assert made.dtype is z.dtype and made.tolist() == z.tolist()
    file = io.BytesIO()
    pb.save(z, file)
    file.seek(0)
    assert pb.load(file).tolist() == z.tolist()


# ---- parts ---------------------------------------------------------------------------------------------------


def test_parts_are_views():
    z = pb.tensor([[1 + 2j, 3 - 4j], [5j, 6 + 0j]])
    assert z.real.tolist() == [[1, 3], [0, 6]] and z.imag.tolist() == [[2, -4], [5, 0]]
    z.real.mul_(2)
    z.imag[0] = 7
    assert z.tolist() == [[2 + 7j, 6 + 7j], [5j, 12]]
    z.T.real = 0
    assert z.real.abs().sum() == 0
    pairs = pb.view_as_real(z[:, 1])
    assert pairs.shape == (2, 2) and pairs.stride() == (4, 1)
    assert pb.view_as_complex(pairs).tolist() == z[:, 1].tolist()
    x = pb.ones(2)
    assert x.real is x and pb.conj(x) is x
    with pytest.raises(RuntimeError, match="imag is not implemented for tensors with non-complex dtypes"):
        pb.imag(x)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: pb.view_as_real(pb.zeros(2)), "view_as_real is only supported for complex tensors"),
        (lambda: pb.view_as_complex(pb.zeros(3)), "Tensor must have a last dimension of size 2"),
        (lambda: pb.view_as_complex(pb.tensor(1.0)), "Input tensor must have one or more dimensions"),
        (lambda: pb.view_as_complex(pb.zeros(2, 2).T), "Tensor must have a last dimension with stride 1"),
        (lambda: pb.view_as_complex(pb.zeros(2, 3)[:, :2]), "Tensor must have a stride divisible by 2"),
        (lambda: pb.view_as_complex(pb.zeros(3)[1:]), "Tensor must have a storage_offset divisible by 2"),
        (
            lambda: pb.view_as_complex(pb.zeros(2, dtype=pb.int64)),
            "view_as_complex is only supported for half, float",
        ),
        (
            lambda: pb.complex(pb.zeros(1), pb.zeros(1, dtype=pb.float64)),
            "Expected object of scalar type Float but got",
        ),
        (
            lambda: pb.complex(pb.zeros(1).long(), pb.zeros(1).long()),
            "Expected both inputs to be Half, Float or Double",
        ),
        (lambda: pb.tensor([1j]).abs_(), "In-place abs is not supported for complex tensors"),
        (lambda: pb.tensor([1j]) < 1, "not implemented for 'ComplexFloat'"),
        (lambda: pb.tensor([1j]).sort(), "Sort does not support complex dtypes on CPU"),
        (lambda: pb.tensor([1j]).max(), "not implemented for 'ComplexFloat'"),
        (lambda: pb.tensor([1j]).floor(), "floor is not supported for complex inputs"),
        (lambda: pb.tensor([1j]).softmax(0), "not implemented for 'ComplexFloat'"),
    ],
)
def test_refused(call, message):
    with pytest.raises((RuntimeError, NotImplementedError), match=message):
        call()


# ---- computing -----------------------------------------------------------------------------------------------

UNARY = """
    exp expm1 log log10 log2 log1p sqrt square reciprocal sin cos tan sinh cosh tanh conj abs angle
    isnan isinf isfinite negative
""".split()
INVERSE = {f"a{f}": f"arc{f}" for f in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", [*UNARY, *INVERSE])
def test_functions(name, dtype):
    (a,) = arrays((7, 33), dtype=dtype.name)
    a[0, :3] = 0.5, 1e-9j, -2
    y = getattr(pb, name)(pb.from_numpy(a)).numpy()
    truth = getattr(np, INVERSE.get(name, name))(a)
    assert y.dtype == truth.dtype
    assert np.allclose(y, truth, rtol=1e-5 if dtype is pb.complex64 else 1e-13, atol=1e-9)


@pytest.mark.parametrize("name", ["log1p", "expm1"])
def test_near_zero_nothing_is_lost(name):
    z = np.array([1e-12 + 1e-13j, -1e-10 + 3e-11j])
    assert np.allclose(getattr(pb, name)(pb.tensor(z)).numpy(), z, rtol=1e-9)


def test_sums_of_exponentials_with_a_number():
    z = pb.tensor([complex(np.inf, 0), 1 + 1j, complex(-np.inf, 0)])
    truth = [np.inf, np.log(np.exp(1 + 1j) + np.e), 1]
    for y in (pb.logaddexp(z, 1.0), pb.logaddexp(1.0, z)):
        assert y.dtype is pb.complex64 and np.allclose(y.numpy(), truth)


OPERATORS = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: a**b,
]


@pytest.mark.parametrize("f", OPERATORS)
@pytest.mark.parametrize(
    "second", ["complex64", "complex128", "float32", "float64", "int64", "bool", 2, 2.5, 1 - 2j]
)
@pytest.mark.parametrize("first", ["complex64", "complex128"])
def test_operators(f, first, second):
    a, b = arrays((5, 6), (6,))
    a = a.astype(first)
    b = np.abs(b.real * 3).astype(second) if second in ("float32", "float64", "int64", "bool") else b
    b = b.astype(second) if isinstance(second, str) else second
    p = pb.tensor(a)
    q = pb.tensor(b) if isinstance(second, str) else second
    if second == "bool" and f(2, 3) == -1:
        return
    for y, truth in ((f(p, q), f(a, b)), (f(q, p), f(b, a))):
        wide = "complex128" in (first, second) or second == "float64"
        assert y.dtype is (pb.complex128 if wide else pb.complex64)
        assert np.allclose(y.numpy(), truth, rtol=1e-4 if not wide else 1e-12, atol=1e-5, equal_nan=True)


def test_in_place():
    a, b = arrays((4, 5), (5,))
    z = pb.tensor(a)
    same = z
    z += pb.tensor(b)
    z *= 2j
    z -= 1
    z /= pb.tensor(b)
    z.exp_().mul_(z)
    z[1] = 0
    z[:, 2] = pb.tensor(a)[:, 0]
    truth = np.exp(((a + b) * 2j - 1) / b) ** 2
    truth[1] = 0
    truth[:, 2] = a[:, 0]
    assert same is z and np.allclose(z.numpy(), truth)
    out = pb.empty(4, 5, dtype=pb.complex128)
    assert pb.mul(pb.tensor(a), pb.tensor(b), out=out) is out and np.allclose(out.numpy(), a * b)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(3, 5), (70, 40), (5000, 3), (3, 5000)])
def test_reductions(shape, dtype):
    (a,) = arrays(shape, dtype=dtype.name)
    a /= np.abs(a) ** 0.9
    tolerance = {"rtol": 3e-4, "atol": 1e-3} if dtype is pb.complex64 else {"rtol": 1e-10, "atol": 1e-10}
    for z, array in ((pb.tensor(a), a), (pb.tensor(a).T, a.T)):
        for dim in (0, 1, None):
            given = () if dim is None else (dim,)
            assert np.allclose(z.sum(*given).numpy(), array.sum(dim), **tolerance)
            assert np.allclose(z.mean(*given).numpy(), array.mean(dim), **tolerance)
            assert np.allclose(z.var(*given, correction=0).numpy(), array.var(dim), **tolerance)
            assert np.allclose(z[:7, :7].prod(*given).numpy(), array[:7, :7].prod(dim), **tolerance)
            assert z.count_nonzero(dim).equal(pb.tensor(np.count_nonzero(array, dim)))
        assert np.allclose(z.cumsum(0).numpy(), array.cumsum(0), **tolerance)
        assert np.allclose(z[:5].cumprod(0).numpy(), array[:5].cumprod(0), **tolerance)
        assert np.allclose(z.norm().numpy(), np.linalg.norm(array), **tolerance)
    assert pb.tensor([0j, 1j]).any() and not pb.tensor([0j, 1j]).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_products(dtype):
    a, b, v, w = arrays((30, 20), (20, 40), (20,), (30,), dtype=dtype.name)
    p, q, x, y = (pb.tensor(each) for each in (a, b, v, w))
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype is pb.complex64 else {}
    for ours, truth in (
        (p @ q, a @ b),
        (q.T @ p.T, b.T @ a.T),
        (p.mH @ p, a.conj().T @ a),
        (p @ x, a @ v),
        (y @ p, w @ a),
        (pb.dot(x, x), v @ v),
        (pb.vdot(x, x), np.vdot(v, v)),
        (pb.outer(x, y), np.outer(v, w)),
        (pb.einsum("ij,jk,i->k", p, q, y), np.einsum("ij,jk,i->k", a, b, w)),
        (pb.bmm(p.expand(3, 30, 20), q.expand(3, 20, 40))[2], a @ b),
        (pb.addmm(p[:, :1], p, q, beta=2j, alpha=1 - 1j), 2j * a[:, :1] + (1 - 1j) * (a @ b)),
        (p[:, :0] @ q[:0], a[:, :0] @ b[:0]),
        (p[:2, :2] @ q[:2, :2], a[:2, :2] @ b[:2, :2]),
    ):
        assert np.allclose(ours.numpy(), truth, **tolerance)
    big = arrays((200, 300), (300, 150))
    assert np.allclose((pb.tensor(big[0]) @ pb.tensor(big[1])).numpy(), big[0] @ big[1])
    with pytest.raises(RuntimeError, match="expected m1 and m2 to have the same dtype"):
        p @ q.real


def test_comparisons():
    z = pb.tensor([1 + 2j, 1 - 2j, complex("nan")])
    assert (z == 1 + 2j).tolist() == [True, False, False] and (z != z).tolist() == [False, False, True]
    assert pb.allclose(z[:2], z[:2] + 1e-9j) and pb.equal(z[:2], z[:2].clone())
    assert z.isnan().tolist() == [False, False, True] and 1 - 2j in z
    assert pb.isreal(pb.tensor([1 + 0j, 1j])).tolist() == [True, False]
    assert z[:2].conj().tolist() == [1 - 2j, 1 + 2j] and not z.conj().is_conj() and z.resolve_conj() is z


def test_moving():
    (a,) = arrays((4, 6))
    z = pb.tensor(a)
    index = np.array([2, 0, 2])
    for ours, truth in (
        (z[1:, ::2], a[1:, ::2]),
        (z[pb.tensor(index)], a[index]),
        (z[z.real > 0], a[a.real > 0]),
        (pb.cat([z, z.real]), np.concatenate([a, a.real])),
        (pb.where(z.real > 0, z, 1j), np.where(a.real > 0, a, 1j)),
        (z.flip(0).roll(1, 1), np.roll(a[::-1], 1, 1)),
        (z.mT.reshape(3, 8), a.T.reshape(3, 8)),
        (z.tril(), np.tril(a)),
        (z.gather(1, pb.tensor([[0, 1]] * 4)), a[:, :2]),
        (
            pb.zeros(3, dtype=z.dtype).index_add(0, pb.tensor([0, 0, 2]), z[0, :3]),
            [a[0, :2].sum(), 0, a[0, 2]],
        ),
        (pb.nn.functional.pad(z, (1, 1), value=2j), np.pad(a, ((0, 0), (1, 1)), constant_values=2j)),
    ):
        assert np.array_equal(ours.numpy(), truth)


def test_random_numbers():
    pb.manual_seed(3)
    z = pb.randn(20_000, dtype=pb.complex64)
    assert abs(z.abs().square().mean().item() - 1) < 0.05 and abs(z.real.var().item() - 0.5) < 0.02
    u = pb.rand(1000, dtype=pb.complex128)
    assert 0 <= u.real.min() and u.imag.max() < 1 and u.imag.std() > 0.2


def test_deferred_work_has_the_same_bits():
    from deferral import deferral

    a, b = arrays((200, 100), (100,))
    results = []
    for immediate in (True, False):
        with deferral(immediate, 256):
            z, w = pb.tensor(a), pb.tensor(b)
            y = (z * w + 2j).sin() / (z.conj() - 1) * z.abs()
            results.append(
                [
                    y.numpy().copy(),
                    y.sum(0).numpy().copy(),
                    y.real.sum().item(),
                    y.to(pb.complex64).sum().item(),
                ]
            )
    for first, second in zip(*results):
        assert np.array_equal(first, second)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["mul", "div", "pow", *UNARY, *INVERSE])
def test_bits_do_not_depend_on_the_position(name, dtype):
    """An element alone, and among others, where loops are vector code."""
    f = getattr(pb, name)
    a, b = (pb.from_numpy(x) for x in arrays((67,), (67,), dtype=dtype.name))
    if name in ("mul", "div", "pow"):
        cases = [lambda at: f(a[at], b[at]), lambda at: f(a[at], b[:1]), lambda at: f(a[:1], b[at])]
    else:
        cases = [lambda at: f(a[at])]
    for case in cases:
        alone = [case(slice(k, k + 1)).numpy() for k in range(67)]
        np.testing.assert_array_equal(case(slice(None)).numpy(), np.concatenate(alone))


@pytest.mark.parametrize("name", ["exp", "sin", "cos", "sinh", "cosh"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_functions_of_what_is_no_ordinary_number(name, dtype):
    """As NumPy says, with its signs of zeros: infinite, NaN, huge and tiny parts, in the middle of others."""
    parts = [0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 100, -100, 1e4, -1e4, 1e-40]
    a = np.array([complex(x, y) for x in parts for y in parts]).astype(dtype.name)
    y, truth = getattr(pb, name)(pb.from_numpy(a)).numpy(), getattr(np, name)(a)
    for ours, theirs in ((y.real, truth.real), (y.imag, truth.imag)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5 if dtype is pb.complex64 else 1e-13)
        assert (np.signbit(ours) == np.signbit(theirs))[~np.isnan(theirs)].all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_products_of_all_are_the_same_deferred(dtype):
    for n in (2, 3, 6, 15, 40):
        (a,) = arrays((n,), dtype=dtype.name)
        with deferral(immediate=True):
            now = pb.from_numpy(a).clone().prod().numpy()
        with deferral(least=1):
            later = (pb.from_numpy(a).clone()).prod().numpy()
        np.testing.assert_array_equal(now, later)


FAR = [complex(a, b) for a in (np.inf, -np.inf, 1e200, 800.0) for b in (1.0, -1.0, np.inf, 1e200)]


@pytest.mark.parametrize("z", FAR, ids=str)
def test_far_out(z):
    """What is 0, 1 or -1 in the limit is so at infinite and at very large numbers, where a quotient of the parts is NaN."""
    one = pb.tensor([z], dtype=pb.complex128)
    for n in (-1, -2, -0.5, -3.0):
        for power in (one**n, one ** pb.tensor([n], dtype=pb.complex128)):
            assert abs(power.item()) <= 0.04, n
            assert np.isfinite(z) or power.item() == 0, n
    assert pb.pow(1.0, one).item() == 1 and pb.pow(pb.ones(1), one).item() == 1
    if not np.isinf(z) and abs(z) < 1e100:
        assert (one**2).item() == pytest.approx(z * z)
    turns = np.isinf(z.imag) and np.isfinite(z.real)  # for ever: there is no limit
    if not turns:
        assert pb.sigmoid(one).item() == (1 if z.real > 0 else 0)
    for function in () if turns else (pb.sigmoid,) if np.isinf(z.imag) else (pb.sigmoid, pb.acosh):
        x = one.clone().requires_grad_()
        (slope,) = pb.autograd.grad(function(x), x, pb.ones_like(x))
        assert abs(slope.item()) <= 0.002 and (np.isfinite(z) or slope.item() == 0), function


def test_squares_that_overflow():
    """A product that is NaN in a part, as inf - inf, is no answer: powers of a tensor's own are infinite there."""
    z = pb.tensor([1e200 + 1e200j, 1e200 - 1e200j], dtype=pb.complex128)
    for square in (z**2, z ** pb.tensor([2.0, 2.0], dtype=pb.complex128)):
        assert not square.isnan().any() and square.isinf().all()
    x = pb.tensor([complex(-np.inf, np.inf)], dtype=pb.complex128, requires_grad=True)
    assert pb.autograd.grad(pb.exp2(x), x, pb.ones_like(x))[0].item() == 0
