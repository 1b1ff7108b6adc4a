"""Derivatives by complex numbers, beside differences of real and imaginary parts: every mode, every nesting."""

import numpy as np
import pytest
from deferral import deferral

import pullback as pb
import pullback.nn.functional as F
from pullback.autograd import gradcheck, gradgradcheck


def numbers(*shape, seed=0, dtype=pb.complex128):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return pb.tensor(z if dtype.is_complex else z.real, dtype=dtype, requires_grad=True)


ROWS = """
    exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal neg sin cos tan asin acos atan sinh cosh tanh
    asinh acosh atanh sigmoid abs sgn angle conj conj_physical sinc nan_to_num
""".split()


@pytest.mark.parametrize("name", ROWS)
def test_elementwise_functions(name):
    assert gradcheck(getattr(pb, name), numbers(3), check_forward_ad=True, check_all_nestings=True)


BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "scaled": lambda a, b: pb.add(a, b, alpha=2 - 1j),
    "where": lambda a, b: pb.where(pb.tensor([True, False, True]), a, b),
    "lerp": lambda a, b: pb.lerp(a, b, 0.3 + 0.1j),
    "addcmul": lambda a, b: pb.addcmul(a, a, b, value=0.5j),
    "addcdiv": lambda a, b: pb.addcdiv(a, a, b, value=2),
    "logaddexp": lambda a, b: pb.logaddexp(a, b),
    "logaddexp of a number": lambda a, b: pb.logaddexp(a, pb.tensor(0.5 + 1j)) * b,
    "numbers": lambda a, b: (2 + 1j) * a - b / (1j - 3) + (1 + 2j) ** a,
}


@pytest.mark.parametrize("second", [pb.complex128, pb.float64], ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two(name, second):
    """Real operands beside complex ones get real gradients."""
    if name == "addcmul" and second is pb.float64:
        pytest.skip("the same as mul")
    a, b = numbers(3), numbers(3, seed=1, dtype=second)
    assert gradcheck(
        BINARY[name], (a, b), check_forward_ad=True, check_grad_dtypes=True, check_all_nestings=True
    )


OTHERS = {
    "sum": lambda z: z.sum(0),
    "mean": lambda z: z.mean((0, 1)),
    "prod": lambda z: z.prod(1),
    "prod of all": lambda z: z.prod(),
    "cumsum": lambda z: z.cumsum(1),
    "cumprod": lambda z: z.cumprod(1),
    "logsumexp": lambda z: z.logsumexp(0) * z.logsumexp((0, 1), True),
    "logcumsumexp": lambda z: z.logcumsumexp(1),
    "activations": lambda z: pb.cat([F.silu(z), F.softsign(z), F.tanhshrink(z)]),
    "sinc around 0": lambda z: pb.sinc(z * pb.tensor([0.0, 1e-6, 0.3])),
    "norm": lambda z: z.norm(),
    "norm of order 3": lambda z: z.norm(p=3, dim=1),
    "var": lambda z: z.var(1),
    "std": lambda z: z.std(),
    "parts": lambda z: z.real * z.imag,
    "view_as_real": lambda z: pb.view_as_real(z) ** 2,
    "made of parts": lambda z: pb.complex(z.imag, z.real * 2),
    "polar": lambda z: pb.polar(z.abs(), z.real),
    "matmul": lambda z: z @ z.mT,
    "adjoint": lambda z: z @ z.mH,
    "mv": lambda z: z @ z[0],
    "dot": lambda z: pb.dot(z[0], z[1]),
    "vdot": lambda z: pb.vdot(z[0], z[1]),
    "outer": lambda z: pb.outer(z[0], z[1]),
    "einsum": lambda z: pb.einsum("ij,kj,k->i", z, z, z[:, 0]),
    "addmm": lambda z: pb.addmm(z @ z.T, z, z.T, beta=2j, alpha=1 - 1j),
    "gather": lambda z: z.gather(1, pb.tensor([[0, 1], [2, 2], [0, 0]])),
    "scatter_add": lambda z: z.scatter_add(1, pb.tensor([[0, 1], [2, 2], [0, 0]]), z * z),
    "products that meet": lambda z: z.scatter_reduce(1, pb.tensor([[0, 1, 1], [2, 2, 2]]), z * z, "prod"),
    "index": lambda z: z[[0, 0, 2]] * z[:1],
    "masked_fill": lambda z: z.masked_fill(pb.tensor([True, False, True]), 1 + 2j) * z,
    "cat": lambda z: pb.cat([z, z.real]),
    "to": lambda z: z.real.to(pb.complex128) * z,
    "real part by conversion": lambda z: (z * z).to(pb.complex64).to(pb.complex128),
    "written in place": lambda z: (z * 1).mul_(z).add_(z.conj()),
    "a part written": lambda z: _written(z),
}


def _written(z):
    y = z * 2
    y[0] = z[1] * 1j
    return y * z


@pytest.mark.parametrize("name", [name for name in OTHERS if "conversion" not in name])
def test_structured_operators(name):
    assert gradcheck(OTHERS[name], numbers(3, 3), check_forward_ad=True, check_all_nestings=True)


@pytest.mark.parametrize("name", ["matmul", "prod", "parts", "norm", "cumprod"])
def test_gradients_of_gradients(name):
    assert gradgradcheck(OTHERS[name], numbers(3, 3), check_fwd_over_rev=True)


def test_gradients_of_batches():
    assert gradcheck(
        lambda z: z * z.abs() @ z,
        numbers(3, 3),
        check_batched_grad=True,
        check_forward_ad=True,
        check_batched_forward_grad=True,
    )


@pytest.mark.parametrize("name", [*ROWS, *OTHERS])
def test_vmap_is_a_loop(name):
    f = getattr(pb, name) if name in ROWS else OTHERS[name]
    z = numbers(4, 3, 3).detach()
    assert pb.allclose(pb.func.vmap(f)(z), pb.stack([f(each) for each in z]), rtol=1e-6)


def test_jets_of_holomorphic_functions():
    z, v = 0.3 + 0.2j, 1 - 1j
    f = lambda x: (x.exp() * x.sin() + x**3) / (1 + x)
    value, (first, second) = pb.func.jet(
        f,
        (pb.tensor(z, dtype=pb.complex128),),
        ((pb.tensor(v, dtype=pb.complex128), pb.tensor(0j, dtype=pb.complex128)),),
    )
    h = 1e-4
    at = lambda t: f(pb.tensor(z + t * v, dtype=pb.complex128)).item()
    assert abs(value.item() - at(0)) < 1e-12
    assert abs(first.item() - (at(h) - at(-h)) / (2 * h)) < 1e-6
    assert abs(second.item() - (at(h) - 2 * at(0) + at(-h)) / h**2) < 1e-5


def test_jets_of_others_are_refused():
    z = pb.tensor(1 + 1j, dtype=pb.complex128)
    with pytest.raises(NotImplementedError, match="not holomorphic"):
        pb.func.jet(pb.abs, (z,), ((z,),))


def test_descent():
    """A step against the gradient goes down: that fixes the sign of its imaginary part."""
    target = pb.tensor([1 + 2j, -3 + 0.5j])
    for make in (pb.optim.SGD, pb.optim.Adam, pb.optim.Adagrad):
        z = pb.zeros(2, dtype=pb.complex64, requires_grad=True)
        optimizer = make([z], lr=0.1)
        losses = []
        for _ in range(60):
            optimizer.zero_grad()
            loss = (z - target).abs().square().sum()
            loss.backward()
            losses.append(loss.item())
            optimizer.step()
        assert losses[-1] < losses[0] / 2


def test_a_complex_output_wants_a_cotangent():
    z = numbers(2)
    with pytest.raises(
        RuntimeError, match="grad can be implicitly created only for real scalar outputs but got"
    ):
        (z * z).sum().backward()
    with pytest.raises(RuntimeError, match="For complex Tensors, both grad_output and output are required"):
        pb.autograd.grad(z * z, z, pb.ones(2, dtype=pb.float64))
    with pytest.raises(RuntimeError, match="For complex Tensors, both grad_output and output are required"):
        pb.autograd.grad(z.abs(), z, pb.ones(2, dtype=pb.complex128))


def test_zeros_have_no_direction():
    z = pb.zeros(2, dtype=pb.complex128, requires_grad=True)
    for f in (pb.abs, lambda z: z.norm(), lambda z: pb.view_as_real(z.sgn()), pb.angle):
        (g,) = pb.autograd.grad(f(z).sum(), z)
        assert g.tolist() == [0, 0]


@pytest.mark.parametrize("immediate", [True, False])
def test_large_work_is_fused_and_right(immediate):
    n = 40_000
    with deferral(immediate, 1024):
        z = numbers(n)
        w = numbers(n, seed=1, dtype=pb.float64)
        y = (z.exp() * w + z.conj() / (1 + z.abs())).sin()
        loss = y.abs().square().sum() + y.real.sum()
        loss.backward()

    def truth(z, w):
        y = np.sin(np.exp(z) * w + z.conj() / (1 + np.abs(z)))
        return (np.abs(y) ** 2).sum() + y.real.sum()

    zs, ws = z.detach().numpy(), w.detach().numpy()
    assert np.allclose(loss.item(), truth(zs, ws))
    h = 1e-6
    for step, slope in ((1, z.grad.real), (1j, z.grad.imag)):
        some = zs[:50]
        found = [
            (truth(a + h * step, b) - truth(a - h * step, b)) / (2 * h)
            for a, b in zip(some[:, None], ws[:50, None])
        ]
        assert np.allclose(slope[:50].numpy(), found, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["jacrev", "jacfwd", "hessian"])
def test_jacobians_are_of_real_tensors(name):
    """As PyTorch's: of complex ones it would not be clear by what is differentiated."""
    for f, x in ((lambda x: pb.exp(1j * x), pb.ones(2)), (lambda z: z.abs().sum(), pb.ones(2) * 1j)):
        with pytest.raises(
            RuntimeError, match="to be real but received complex tensor at flattened input idx: 0"
        ):
            getattr(pb.func, name)(f)(x)
    found = getattr(pb.func, name)(lambda x: pb.exp(1j * x).real.sum())(pb.tensor([0.5]))
    assert pb.allclose(
        found.flatten(), -pb.tensor([0.5]).cos() if name == "hessian" else -pb.tensor([0.5]).sin()
    )


@pytest.mark.parametrize(
    "f",
    [
        lambda x: pb.view_as_real(pb.complex(x[:3], x[3:]).exp()),
        lambda x: pb.view_as_complex(x.view(3, 2)).exp().abs(),
        lambda x: pb.view_as_real(pb.view_as_complex(x.view(3, 2)).exp()),
    ],
)
def test_pairs_that_lie_otherwise(f):
    """Tangents and cotangents of pairs may begin at an odd place, as rows of a matrix of unit vectors do."""
    x, step = pb.tensor(np.random.default_rng(0).standard_normal(6)), 1e-6
    differences = [(f(x + step * e) - f(x - step * e)) / (2 * step) for e in pb.eye(6, dtype=pb.float64)]
    for jacobian in (pb.func.jacrev, pb.func.jacfwd):
        np.testing.assert_allclose(jacobian(f)(x), pb.stack(differences, -1), atol=1e-8)
    number = lambda x: f(x).sin().sum()
    second = pb.func.jacrev(pb.func.jacrev(number))(x)
    np.testing.assert_allclose(pb.func.hessian(number)(x), second, atol=1e-12)


POLES = {
    "z / 0": (lambda lib, z: z / 0, [1 + 1j, -2, 0]),
    "z / (0 + 0j)": (lambda lib, z: z / lib.zeros_like(z), [1 + 1j, -2, 0]),
    "sqrt": (lambda lib, z: z.sqrt(), [0j]),
    "log": (lambda lib, z: z.log(), [0j]),
    "log2": (lambda lib, z: z.log2(), [0j]),
}


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", POLES)
def test_poles_beside_pytorch(name, dtype):
    torch = pytest.importorskip("torch")

    def answers(lib):
        f, at = POLES[name]
        z = lib.tensor(at * 5, dtype=getattr(lib, dtype))
        found = [lib.func.jvp(lambda z: f(lib, z), (z,), (lib.ones_like(z),))[1].numpy()]
        for g in (1, 1j, 1 - 2j):
            _, pull = lib.func.vjp(lambda z: f(lib, z), z)
            found.append(pull(lib.full_like(z, g))[0].numpy())
        return found

    for ours, theirs in zip(answers(pb), answers(torch), strict=True):
        assert np.isinf(ours).all()
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "f", [lambda z: 1 / z, lambda z: z**-2, lambda z: z.rsqrt() * 2, lambda z: (1 + 1j) / z]
)
def test_a_zero_gradient_stays_zero_at_poles(f):
    z = pb.zeros(3, dtype=pb.complex128, requires_grad=True)
    pb.where(pb.tensor([True, True, True]), 1 + z, f(z)).real.sum().backward()
    assert z.grad.tolist() == [1, 1, 1]


def test_what_is_converted_on_the_way_has_tangents_of_the_result_dtype():
    x, t = pb.tensor([1 + 2j, 3 - 1j]), pb.tensor([1j, 2.0])
    for f in (pb.Tensor.sum, pb.Tensor.prod, pb.Tensor.mean):
        y, dy = pb.func.jvp(lambda x, f=f: f(x, 0, dtype=pb.float64), (x,), (t,))
        expected = pb.func.jvp(lambda x, f=f: f(x.to(pb.float64), 0), (x,), (t,))
        assert y.dtype is dy.dtype is pb.float64
        assert (y, dy) == expected
