"""Products with curvature matrices: beside the matrices, and their cost in operations."""

import numpy as np
import pytest
from deferral import deferral

import pullback as pb
from pullback.func import (
    fisher_operator,
    fisher_vector_product,
    gauss_newton_operator,
    gauss_newton_vector_product,
    grad,
    hessian,
    hessian_operator,
    hvp,
    jacrev,
    vmap,
)
from pullback.nn.functional import cross_entropy

F64 = pb.float64
rng = np.random.default_rng(0)
INPUTS, LABELS = pb.tensor(rng.standard_normal((6, 5))), pb.tensor(rng.integers(0, 4, 6))
WEIGHTS = {name: pb.tensor(rng.standard_normal(shape)) for name, shape in (("w", (4, 5)), ("b", (4,)))}
V = {name: pb.tensor(rng.standard_normal(tuple(x.shape))) for name, x in WEIGHTS.items()}
COUNT = 24


def model(p):
    return (INPUTS @ p["w"].T).tanh() + p["b"]


def loss(logits):
    return cross_entropy(logits, LABELS)


def losses(p):
    return cross_entropy(model(p), LABELS, reduction="none")


def vector(tree):
    return np.concatenate([tree[name].numpy().reshape(-1) for name in ("w", "b")])


def jacobian(f, rows):
    return np.concatenate([jacrev(f)(WEIGHTS)[name].numpy().reshape(rows, -1) for name in ("w", "b")], 1)


def gauss_newton():
    J, H = jacobian(model, 24), hessian(loss)(model(WEIGHTS)).numpy().reshape(24, 24)
    return J.T @ H @ J


def fisher():
    J = jacobian(losses, 6)
    return J.T @ J / 6


def full():
    H = hessian(lambda p: loss(model(p)))(WEIGHTS)
    return np.block(
        [[H[a][b].numpy().reshape(WEIGHTS[a].numel(), -1) for b in ("w", "b")] for a in ("w", "b")]
    )


def test_products():
    v = vector(V)
    np.testing.assert_allclose(vector(hvp(lambda p: loss(model(p)), WEIGHTS, V)), full() @ v, 1e-10)
    np.testing.assert_allclose(
        vector(gauss_newton_vector_product(model, loss, WEIGHTS, V)), gauss_newton() @ v, 1e-10
    )
    np.testing.assert_allclose(vector(fisher_vector_product(losses, WEIGHTS, V)), fisher() @ v, 1e-10)


OPERATORS = {
    "Hessian": (lambda p: hessian_operator(lambda p: loss(model(p)), p), full),
    "Gauss-Newton": (lambda p: gauss_newton_operator(model, loss, p), gauss_newton),
    "Fisher": (lambda p: fisher_operator(losses, p), fisher),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name):
    make, dense = OPERATORS[name]
    A, truth, v = make(WEIGHTS), dense(), vector(V)
    assert A.shape == (COUNT, COUNT) and A.dtype == F64
    for _ in range(2):
        np.testing.assert_allclose(vector(A(V)), truth @ v, 1e-10)
    np.testing.assert_allclose((A @ pb.tensor(v)).numpy(), truth @ v, 1e-10)
    np.testing.assert_allclose(A.dense().numpy(), truth, 1e-9, 1e-12)
    np.testing.assert_allclose(A.dense(7).numpy(), truth, 1e-9, 1e-12)
    np.testing.assert_allclose(
        vmap(lambda v: A @ v)(pb.tensor(np.stack([v, 2 * v]))).numpy(), [truth @ v, 2 * truth @ v], 1e-9
    )


@pytest.mark.parametrize("name", OPERATORS)
def test_in_scipy(name):
    linalg = pytest.importorskip("scipy.sparse.linalg")
    make, dense = OPERATORS[name]
    A, truth = make(WEIGHTS).linear_operator(), dense()
    largest = linalg.eigsh(A, k=2, which="LA")[0]
    np.testing.assert_allclose(largest, np.linalg.eigvalsh(truth)[-2:], 1e-8)
    b = np.arange(24.0)
    np.testing.assert_allclose(A @ b, truth @ b, 1e-9)
    np.testing.assert_allclose(A.T @ b[:, None], truth @ b[:, None], 1e-9)


def test_gauss_newton_of_a_linear_model_is_the_hessian_and_of_squares_is_positive():
    linear = lambda p: INPUTS @ p["w"].T + p["b"]
    a = gauss_newton_vector_product(linear, loss, WEIGHTS, V)
    b = hvp(lambda p: loss(linear(p)), WEIGHTS, V)
    np.testing.assert_allclose(vector(a), vector(b), 1e-9, 1e-12)
    squares = gauss_newton_operator(model, lambda y: (y * y).sum(), WEIGHTS).dense().numpy()
    assert np.linalg.eigvalsh(squares).min() > -1e-10


def test_the_fisher_matrix_of_logits_is_the_mean_of_drawn_ones():
    """Over all labels, weighed by their probabilities, the empirical Fisher matrix is Gauss-Newton's."""
    x = INPUTS[:1]
    logits = lambda p: (x @ p["w"].T).tanh() + p["b"]
    total = 0
    for label, share in enumerate(logits(WEIGHTS).softmax(1)[0].tolist()):
        target = pb.tensor([label])
        one = lambda p, target=target: cross_entropy(logits(p), target, reduction="none")
        total = total + share * vector(fisher_vector_product(one, WEIGHTS, V))
    target = pb.tensor([0])
    exact = gauss_newton_vector_product(logits, lambda z: cross_entropy(z, target), WEIGHTS, V)
    np.testing.assert_allclose(total, vector(exact), 1e-9, 1e-12)


def test_composition():
    x, v = pb.tensor([0.3, 0.7], dtype=F64), pb.tensor([1.0, -0.5], dtype=F64)
    f = lambda x: (x.sin() * x.prod()).sum()
    H = hessian(f)
    np.testing.assert_allclose(
        grad(lambda x: hvp(f, x, v).sum())(x).numpy(), grad(lambda x: (H(x) @ v).sum())(x).numpy(), 1e-9
    )
    m, s = lambda x: x.exp() * x.sum(), lambda y: (y**3).sum()

    def dense(x):
        J = jacrev(m)(x)
        return J.T @ hessian(s)(m(x)) @ J @ v

    np.testing.assert_allclose(
        jacrev(lambda x: gauss_newton_vector_product(m, s, x, v))(x).numpy(), jacrev(dense)(x).numpy(), 1e-9
    )
    np.testing.assert_allclose(
        vmap(lambda v: gauss_newton_vector_product(m, s, x, v))(pb.stack([v, 2 * v])).numpy(),
        pb.stack([dense(x), 2 * dense(x)]).numpy(),
        1e-9,
    )


# ---- what it costs ------------------------------------------------------------------------------------------


def instructions(call):
    """How many instructions are executed for a call: elementwise operations and reductions, what is shared once."""
    with deferral(least=1):
        call()
        pb.synchronize()
        start = pb.counters()["executed"]
        kept = call()
        pb.synchronize()
        del kept
        return pb.counters()["executed"] - start


def deep(p):
    h = INPUTS
    for _ in range(8):
        h = (h @ p["w"].T).tanh() @ p["w"] + h.sigmoid()
    return h @ p["w"].T + p["b"]


def test_a_product_takes_at_most_four_gradients():
    square = lambda y: (y * y).mean()
    f = lambda p: square(deep(p))
    gradient = instructions(lambda: grad(f)(WEIGHTS))
    assert gradient > 60
    assert instructions(lambda: hvp(f, WEIGHTS, V)) <= 4 * gradient
    # Without the second derivatives of the model it is less.
    assert instructions(lambda: gauss_newton_vector_product(deep, square, WEIGHTS, V)) <= 2 * gradient
    assert instructions(lambda: fisher_vector_product(lambda p: deep(p).sum(1), WEIGHTS, V)) <= 2 * gradient


def test_a_product_evaluates_the_model_once_and_an_operator_no_more():
    calls = []

    def counted(p):
        calls.append(1)
        return model(p)

    gauss_newton_vector_product(counted, loss, WEIGHTS, V)
    assert len(calls) == 1
    G = gauss_newton_operator(counted, loss, WEIGHTS)
    before = len(calls)
    G(V), G(V), G.dense()
    assert len(calls) == before <= 3


def test_errors():
    x = pb.ones(2)
    with pytest.raises(RuntimeError, match="Expected f\\(\\*args\\) to return a scalar Tensor"):
        hvp(pb.sin, x, x)
    with pytest.raises(RuntimeError, match="different size than that of the original Tensor"):
        hvp(pb.sum, x, pb.ones(3))
    with pytest.raises(RuntimeError, match="same python structure"):
        gauss_newton_vector_product(pb.sin, pb.sum, x, (x,))
    with pytest.raises(RuntimeError, match="scalar Tensor"):
        gauss_newton_vector_product(pb.sin, pb.sin, x, x)
    with pytest.raises(RuntimeError, match="different size than that of the original Tensor"):
        gauss_newton_vector_product(pb.sin, pb.sum, x, pb.ones(3))
    with pytest.raises(RuntimeError, match="Expected losses\\(x\\) to return a Tensor"):
        fisher_vector_product(lambda x: (x, x), x, x)
    with pytest.raises(ValueError, match="Expected primal to be floating point"):
        fisher_vector_product(lambda n: n * 1.0, pb.tensor([1, 2]), x)
    with pytest.raises(RuntimeError, match="size mismatch"):
        hessian_operator(lambda x: (x * x).sum(), x) @ pb.ones(3)
    with pytest.raises(RuntimeError, match="shape"):
        hessian_operator(lambda x: (x * x).sum(), x)(pb.ones(3))
