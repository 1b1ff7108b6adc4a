"""Decompositions of complex matrices, and eigenvalues of any: beside NumPy and SciPy, derivatives beside differences."""

import numpy as np
import pytest

import pullback as pb
from pullback.autograd import forward_ad, gradcheck

L = pb.linalg


def matrix(*shape, seed=0, real=False, dtype="complex128"):
    rng = np.random.default_rng([seed, *shape])
    a = rng.standard_normal(shape)
    return a if real else (a + 1j * rng.standard_normal(shape)).astype(dtype)


def close(found, truth, dtype="complex128"):
    tolerance = 2e-3 if dtype == "complex64" else 1e-9
    np.testing.assert_allclose(found.numpy(), truth, rtol=tolerance, atol=tolerance)


def unitary(columns, dtype="complex128"):
    """Whether the columns of each matrix are orthonormal."""
    n = columns.shape[-1]
    close(columns.mH @ columns, np.broadcast_to(np.eye(n), (*columns.shape[:-2], n, n)), dtype)


LAYOUTS = {
    "as it is": lambda a, dtype: pb.tensor(a).to(dtype),
    "transposed": lambda a, dtype: pb.tensor(np.ascontiguousarray(np.swapaxes(a, -1, -2))).to(dtype).mT,
    "strided": lambda a, dtype: pb.tensor(np.repeat(a, 2, -1)).to(dtype)[..., ::2],
}


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("lie", LAYOUTS)
@pytest.mark.parametrize("m, n", [(1, 3), (4, 4), (7, 3), (3, 7), (30, 20)])
def test_rectangles(m, n, lie, dtype):
    a = matrix(2, m, n)
    A, k = LAYOUTS[lie](a, getattr(pb, dtype)), min(m, n)
    for full in (False, True):
        U, S, Vh = L.svd(A, full_matrices=full)
        assert U.dtype is A.dtype and S.dtype is A.real.dtype
        close((U[..., :k] * S[..., None, :]) @ Vh[..., :k, :], a, dtype)
        unitary(U, dtype), unitary(Vh.mH, dtype)
    close(L.svdvals(A), np.linalg.svd(a, compute_uv=False), dtype)
    U, S, V = pb.svd(A)
    close((U * S[..., None, :]) @ V.mH, a, dtype)
    for mode in ("reduced", "complete"):
        Q, R = L.qr(A, mode=mode)
        close(Q @ R, a, dtype)
        unitary(Q, dtype)
        assert (pb.triu(R) == R).all() and not R.diagonal(0, -2, -1).imag.any()
        close(L.qr(A, mode="r").R if mode == "reduced" else R, R.numpy(), dtype)
    reflections = pb.geqrf(A)
    if m >= n:
        close(L.householder_product(*reflections), L.qr(A).Q.numpy(), dtype)
    Q, B, C = L.qr(A, mode="complete").Q, pb.tensor(matrix(2, m, 2)).to(A.dtype), pb.ones(2, 2, m).to(A.dtype)
    close(pb.ormqr(*reflections, B), (Q @ B).numpy(), dtype)
    close(pb.ormqr(*reflections, B, transpose=True), (Q.mH @ B).numpy(), dtype)
    close(pb.ormqr(*reflections, C, left=False), (C @ Q).numpy(), dtype)
    close(pb.ormqr(*reflections, C, left=False, transpose=True), (C @ Q.mH).numpy(), dtype)
    close(L.pinv(A), np.linalg.pinv(a), dtype)
    for driver in ("gels", "gelsy", "gelsd", "gelss"):
        found = L.lstsq(A, B, driver=driver)
        close(found.solution, np.linalg.pinv(a) @ B.numpy(), dtype)
        if found.residuals.numel():
            close(found.residuals, (np.abs(a @ found.solution.numpy() - B.numpy()) ** 2).sum(-2), dtype)
    assert (L.matrix_rank(A) == k).all()


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("lie", LAYOUTS)
@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_eigenvalues(n, lie, real):
    a = matrix(3, n, n, real=real)
    A = LAYOUTS[lie](a, pb.float64 if real else pb.complex128)
    w, V = L.eig(A)
    assert w.dtype is V.dtype is pb.complex128
    close(A.to(V.dtype) @ V, (V * w[..., None, :]).numpy())
    close((V.abs() ** 2).sum(-2), np.ones((3, n)))
    for values in (L.eigvals(A), w):
        order = lambda x: np.sort_complex(np.round(x, 9))
        close(pb.tensor(order(values.numpy())), order(np.linalg.eigvals(a)))
    narrow = L.eigvals(A.to(pb.float32 if real else pb.complex64))
    assert narrow.dtype is pb.complex64 and abs(narrow.sum() - w.sum()) < 1e-3 * n


def test_symmetric_and_hermitian_factors():
    a, b = matrix(4, 4), matrix(4, 2)
    B = pb.tensor(b)
    for hermitian, whole in ((True, a + a.conj().T), (False, a + a.T)):
        lower = pb.tensor(np.tril(whole) + np.triu(a, 1))  # only one triangle is read
        factors = L.ldl_factor(lower, hermitian=hermitian)
        close(L.ldl_solve(*factors, B, hermitian=hermitian), np.linalg.solve(whole, b))
        assert L.ldl_factor_ex(lower, hermitian=hermitian).info == 0


def test_exponentials():
    scipy = pytest.importorskip("scipy.linalg")
    for scale in (1e-6, 0.3, 3, 30):
        a = scale * matrix(2, 5, 5) / 2
        truth = np.stack([scipy.expm(each) for each in a])
        size = np.abs(truth).max()
        close(L.matrix_exp(pb.tensor(a)) / size, truth / size)
        close(pb.matrix_exp(pb.tensor(a).mT.to(pb.complex64)).mT / size, truth / size, "complex64")


def test_the_nuclear_norm():
    a = matrix(2, 3, 4)
    z = pb.tensor(a)
    values = np.linalg.svd(a, compute_uv=False).sum(-1)
    close(pb.norm(z, "nuc", (1, 2)), values)
    close(z.norm("nuc", (1, 2), True), values[:, None, None])
    close(pb.norm(z[0], "nuc"), values[0])
    close(pb.norm(z.real, "nuc", dim=(0, 2)), np.linalg.norm(a.real.swapaxes(0, 1), "nuc", (-2, -1)))
    with pytest.raises(RuntimeError, match="dim must be a 2-tuple. Got 0 1 2"):
        pb.norm(z, "nuc")
    assert gradcheck(lambda z: pb.norm(z, "nuc", (0, 2)), z.requires_grad_(), check_forward_ad=True)


def of_svd(U, S, Vh):
    """What does not depend on phases."""
    return (U * (1 + S**2)[..., None, :]) @ Vh, U.abs() ** 2, Vh.abs() ** 2


def of_eig(w, V):
    return (V * w.exp()[..., None, :]) @ L.inv(V), V.abs(), w


def positive(a):
    return a @ a.mH + 2 * pb.eye(a.shape[-1], dtype=a.dtype)


NORMS = (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
HERMITIAN = pb.tensor(matrix(3, 3) + matrix(3, 3).conj().T)
SYMMETRIC = pb.tensor(matrix(3, 3) + matrix(3, 3).T)
DERIVATIVES = {
    "svd": (lambda a: of_svd(*L.svd(a, False)), matrix(2, 3, 3)),
    "svd tall": (lambda a: of_svd(*L.svd(a, False)), matrix(4, 2)),
    "svd wide": (lambda a: of_svd(*L.svd(a, False)), matrix(2, 4)),
    "svd full": (lambda a: L.svd(a).Vh.abs() ** 2, matrix(4, 2)),
    "svd with a common phase": (lambda a: (lambda U, S, Vh: U[..., 0, :] * Vh[..., 0])(*L.svd(a)), matrix(3, 3)),
    "old svd": (lambda a: pb.svd(a).V.abs(), matrix(3, 2)),
    "svdvals": (L.svdvals, matrix(2, 3, 4)),
    "qr": (L.qr, matrix(2, 3, 3)),
    "qr tall": (L.qr, matrix(4, 2)),
    "qr wide": (L.qr, matrix(2, 4)),
    "qr r": (lambda a: L.qr(a, mode="r").R, matrix(4, 2)),
    "qr complete": (lambda a: L.qr(a, mode="complete"), matrix(2, 3)),
    "householder_product": (L.householder_product, matrix(4, 3), matrix(3)),
    "ormqr": (pb.ormqr, matrix(4, 3), matrix(3), matrix(4, 2)),
    "ormqr adjoint": (lambda *x: pb.ormqr(*x, True, True), matrix(4, 3), matrix(3), matrix(4, 2)),
    "ormqr right": (lambda *x: pb.ormqr(*x, False, True), matrix(4, 3), matrix(3), matrix(2, 4)),
    "pinv": (L.pinv, matrix(2, 4, 3)),
    "pinv of low rank": (lambda u, v: L.pinv(u @ v, rtol=1e-9), matrix(4, 2), matrix(2, 3)),
    "pinv hermitian": (lambda a: L.pinv(a + a.mH, hermitian=True), matrix(3, 3)),
    "lstsq": (lambda a, b: L.lstsq(a, b).solution, matrix(4, 3), matrix(4, 2)),
    "lstsq wide": (lambda a, b: L.lstsq(a, b, driver="gelsd").solution, matrix(2, 4), matrix(2, 2)),
    "lstsq of low rank": (
        lambda u, v, b: L.lstsq(u @ v, b, driver="gelss", rcond=1e-9).solution,
        *(matrix(4, 2), matrix(2, 3), matrix(4, 1)),
    ),
    "eig": (lambda a: of_eig(*L.eig(a)), matrix(3, 3)),
    "eig of real matrices": (lambda a: of_eig(*L.eig(a)), matrix(2, 3, 3, real=True)),
    "eig vectors": (lambda a: L.eig(a).eigenvectors.abs(), matrix(3, 3)),
    "eigvals": (L.eigvals, matrix(2, 3, 3)),
    "eigvals of real matrices": (L.eigvals, matrix(2, 4, 4, real=True)),
    "eigvalsh": (lambda a: L.eigvalsh(a + a.mH), matrix(2, 3, 3)),
    "matrix_exp": (L.matrix_exp, matrix(2, 3, 3)),
    "ldl_solve": (lambda b: L.ldl_solve(*L.ldl_factor(SYMMETRIC), b), matrix(3, 2)),
    "ldl_solve hermitian": (
        lambda b: L.ldl_solve(*L.ldl_factor(HERMITIAN, hermitian=True), b, hermitian=True),
        matrix(3, 2),
    ),
    "det rank n-2": (L.det, np.outer(matrix(3), matrix(3, seed=1))),
    "cholesky_inverse": (lambda a: pb.cholesky_inverse(L.cholesky(positive(a))), matrix(3, 3)),
    "triangular_solve": (lambda b, a: pb.triangular_solve(b, a, False, True), matrix(3, 2), matrix(3, 3) + 3 * np.eye(3)),
    "matrix_norm": (lambda a: (L.matrix_norm(a, "nuc"), L.matrix_norm(a, -2, (0, 2))), matrix(2, 3, 4)),
    **{f"cond {p}": (lambda a, p=p: L.cond(a, p), matrix(3, 3)) for p in NORMS},
}  # fmt: skip


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name):
    f, *operands = DERIVATIVES[name]
    given = tuple(pb.tensor(a, requires_grad=True) for a in operands)
    assert gradcheck(f, given, check_forward_ad=True, check_all_nestings=True)


@pytest.mark.parametrize(
    "name", ["svd", "svdvals", "qr", "pinv", "eig", "eigvals", "eig of real matrices", "matrix_exp"]
)
def test_vmap_is_a_loop(name):
    f, a = DERIVATIVES[name]
    z = pb.tensor(np.stack([a, a[..., ::-1] * 2]))
    whole = lambda a: pb.cat([y.reshape(-1).abs() for y in (f(a) if isinstance(f(a), tuple) else (f(a),))])
    slope = pb.func.grad(lambda a: whole(a).sum())
    for g in (whole, slope):
        assert pb.allclose(pb.func.vmap(g)(z), pb.stack([g(each) for each in z]))


@pytest.mark.parametrize("f", [L.eigh, L.eig, lambda z: L.svd(z)[::2]], ids=["eigh", "eig", "svd"])
def test_phases_of_vectors_have_no_derivative(f):
    z = pb.tensor(matrix(3, 3), requires_grad=True)
    with pytest.raises(RuntimeError, match="in the complex case are specified up to multiplication by e"):
        f(z)[1].real.sum().backward()


def test_losses_that_do_not_depend_on_phases_are_not_taken_for_others():
    """Where cotangents cancel, or are nothing but rounding, as at the end of a fit."""
    z = pb.tensor(matrix(5, 4), requires_grad=True)

    def projected(z):
        U, _, Vh = L.svd(z, False)
        return (U @ Vh).abs().pow(4).sum()

    def cut(z, k):
        U, S, Vh = L.svd(z, full_matrices=False)
        return ((U[:, :k] * S[:k]) @ Vh[:k] - z.detach()).abs().square().sum()

    def again(z):
        w, V = L.eigh(z.mH @ z)
        return ((V * w) @ V.mH - (z.mH @ z).detach()).abs().square().sum()

    def any_again(z):
        w, V = L.eig(z[:4])
        return ((V * w) @ L.inv(V) - z[:4].detach()).abs().square().sum()

    assert gradcheck(projected, z)
    close(pb.autograd.grad(cut(z, 4), z)[0], np.zeros((5, 4)))
    close(pb.autograd.grad(again(z), z)[0], np.zeros((5, 4)))
    close(pb.autograd.grad(any_again(z), z)[0], np.zeros((5, 4)))
    cut(z, 2).backward()
    # By the singular values that were cut, were they not held fast: what is left is orthogonal to what is not cut.
    close(z.grad, np.zeros((5, 4)))


def test_where_eigenvectors_end():
    x = pb.eye(3, requires_grad=True)
    (g,) = pb.autograd.grad(L.eigvals(x).real.sum(), x)
    close(g, np.eye(3), "complex64")
    turn = np.linalg.qr(matrix(3, 3, real=True))[0]
    x = pb.tensor(turn @ np.diag([1.0, 1, 2]) @ turn.T, requires_grad=True)
    with pytest.raises(L.LinAlgError, match="eigenvalues of the input matrix are repeated"):
        (L.eig(x).eigenvectors.abs().square() @ pb.arange(9.0).reshape(3, 3).double())[0, 1].backward()
    for size, defective in ((2, [[1.0, 1.0], [0.0, 1.0]]), (3, [[2.0, 1, 0], [0, 2, 0], [0, 0, 5]])):
        turn = np.linalg.qr(matrix(size, size, real=True))[0]
        for a in (np.array(defective), turn @ np.array(defective) @ turn.T):
            x = pb.tensor(a, requires_grad=True)
            with pytest.raises(L.LinAlgError, match="fewer eigenvectors than rows"):
                L.eigvals(x).abs().sum().backward()
            with forward_ad.dual_level(), pytest.raises(L.LinAlgError, match="fewer eigenvectors than rows"):
                L.eig(forward_ad.make_dual(pb.tensor(a), pb.ones(size, size, dtype=pb.float64)))
    # A value by itself beside a repeated one has its derivative.
    x = pb.tensor(np.diag([2.0, 2.0, 5.0]), requires_grad=True)
    L.eigvals(x).real.max().backward()
    close(x.grad, np.diag([0.0, 0, 1]))


def test_where_singular_vectors_end():
    turn = np.linalg.qr(matrix(3, 3))[0]
    z = pb.tensor(turn @ np.diag([1.0, 1j, 2.0]), requires_grad=True)
    with pytest.raises(L.LinAlgError, match="singular values of the input matrix are repeated"):
        L.svd(z).U[:, 1].abs().square()[0].backward()
    one = pb.tensor(np.outer(matrix(3), matrix(2)), requires_grad=True)
    with pytest.raises(L.LinAlgError, match="singular values of the input matrix are"):
        L.svd(one, False).U[:, 1].abs().square()[0].backward()
    # Where only the phase of one side counts, and the singular value is 0, there is none either.
    zero = pb.zeros(1, 1, dtype=pb.complex128, requires_grad=True)
    U, _, Vh = L.svd(zero)
    with pytest.raises(L.LinAlgError, match="singular values of the input matrix are"):
        (U @ Vh).imag.sum().backward()
    (g,) = pb.autograd.grad(L.svdvals(z).sum(), z)
    close(g, turn @ np.diag([1, 1j, 1]))


def test_what_is_not_finite():
    bad = pb.tensor([[1, float("nan")], [0, 1j]])
    for f in (L.svd, L.svdvals, L.pinv):
        with pytest.raises(L.LinAlgError, match="failed to converge"):
            f(bad)
    for f in (L.eig, L.eigvals):
        with pytest.raises(RuntimeError, match="input tensor should not contain infs or NaNs"):
            f(bad.real)


def test_empty_matrices():
    empty = pb.zeros(2, 0, 0)
    assert L.eig(empty).eigenvectors.shape == (2, 0, 0) and L.eigvals(empty).dtype is pb.complex64
    U, S, Vh = L.svd(pb.zeros(3, 0, dtype=pb.complex64))
    assert (U == pb.eye(3)).all() and S.shape == (0,) and Vh.shape == (0, 0)


def test_any_number_of_threads_gives_the_same_bits():
    A = pb.tensor(matrix(300, 6, 6))
    threads = pb.get_num_threads()
    found = []
    try:
        for n in (1, 3):
            pb.set_num_threads(n)
            found.append([*L.svd(A), L.qr(A).Q, *L.eig(A), L.pinv(A), L.eigvals(A.real), L.matrix_exp(A)])
    finally:
        pb.set_num_threads(threads)
    assert all((a == b).all() for a, b in zip(*found))
