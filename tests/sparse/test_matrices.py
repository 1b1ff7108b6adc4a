"""Sparse Jacobians and Hessians: beside dense ones, closed forms and differences; plans that are kept; what is refused."""

import collections

import differences
import numpy as np
import pytest

import pullback as pb
from pullback.func import hessian, jacrev

sparse = pytest.importorskip("scipy.sparse")
F64 = {"dtype": pb.float64}
KINDS = [None, "columns", "rows", "both"]


def random(*shape, seed=0):
    return pb.tensor(np.random.default_rng(seed).standard_normal(shape))


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def rosenbrock_hessian(x):
    diagonal, beside = np.zeros(len(x)), -400 * x[:-1]
    diagonal[:-1] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    diagonal[1:] += 200
    return sparse.diags([beside, diagonal, beside], [-1, 0, 1])


def brusselator(z, alpha=0.1):
    """Two species on a periodic square: (2, n, n) to the same."""
    u, v = z
    scale = alpha * (u.shape[0] - 1) ** 2

    def laplacian(w):
        return scale * (w.roll(1, 0) + w.roll(-1, 0) + w.roll(1, 1) + w.roll(-1, 1) - 4 * w)

    return pb.stack([1 + u * u * v - 4.4 * u + laplacian(u), 3.4 * u - u * u * v + laplacian(v)])


# ---- the two examples -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["star", "acyclic", "columns", "rows", None])
@pytest.mark.parametrize("n", [2, 3, 1000])
def test_rosenbrock(n, kind):
    x = random(n)
    h = pb.sparse.hessian(rosenbrock, coloring=kind)
    for z in (x, x * 2, x - 1):
        np.testing.assert_allclose(
            h(z).toarray(), rosenbrock_hessian(z.numpy()).toarray(), rtol=1e-12, atol=1e-10
        )
    assert h.plan(x).pattern.nnz == 3 * n - 2
    if n == 1000:
        assert h.plan(x).coloring.products == (2 if kind == "acyclic" else 3)


@pytest.mark.parametrize("kind", KINDS)
def test_brusselator_against_differences(kind):
    n = 8
    z = random(2, n, n).abs()
    jac = pb.sparse.jacobian(brusselator, coloring=kind)
    found = jac(z)
    assert found.shape == (2 * n * n, 2 * n * n) and found.nnz == 6 * 2 * n * n
    for column in range(0, 2 * n * n, 7):
        unit = np.zeros(2 * n * n)
        unit[column] = 1.0
        moved = lambda h, unit=unit: brusselator(z + h * pb.tensor(unit).view(2, n, n)).numpy().ravel()
        np.testing.assert_allclose(
            found[:, [column]].toarray().ravel(), differences.slope(moved, 1e-3), rtol=1e-8, atol=1e-8
        )
    np.testing.assert_allclose(
        found.toarray(), jacrev(brusselator)(z).numpy().reshape(found.shape), rtol=1e-12, atol=1e-12
    )


def test_growth_of_colors_and_entries():
    """What decides the cost does not depend on the size, or grows with it: colours, entries for each variable."""
    counts = set()
    for n in 12, 24, 48:
        plan = pb.sparse.jacobian(brusselator).plan(random(2, n, n))
        assert plan.pattern.nnz == 12 * n * n
        counts.add(plan.coloring.products)
    assert max(counts) <= 12
    for n in 10**2, 10**4:
        assert pb.sparse.hessian(rosenbrock).plan(pb.ones(n)).coloring.products == 3


# ---- plans ------------------------------------------------------------------------------------------------------------


def test_the_function_is_called_once_a_sweep():
    """All products go together: a plan costs one more call, a chunk of products one."""
    calls = collections.Counter()

    def f(x):
        calls["f"] += 1
        return x[1:] * x[:-1]

    x = random(100)
    jac = pb.sparse.jacobian(f)
    jac(x)
    assert calls["f"] == 2
    jac(x + 1)
    assert calls["f"] == 3
    one_by_one = pb.sparse.jacobian(f, chunk_size=1, check=False)
    one_by_one(x)
    calls.clear()
    assert (one_by_one(x) != jac(x)).nnz == 0
    assert calls["f"] == 2 + 1
    by_rows = pb.sparse.jacobian(f, coloring="rows", chunk_size=1)
    by_rows(x)
    calls.clear()
    by_rows(x)
    assert calls["f"] == 1


def test_a_plan_for_each_kind_of_call():
    jac = pb.sparse.jacobian(lambda x: x[1:] * x[:-1])
    for n in 5, 9, 5:
        for dtype in pb.float32, pb.float64:
            x = random(n).to(dtype)
            found = jac(x)
            assert found.dtype == x.numpy().dtype
            np.testing.assert_allclose(found.toarray(), jacrev(jac.func)(x).numpy(), rtol=1e-6)
    assert len(jac.plans) == 4
    assert jac.plan(random(5)) is jac.plan(random(5, seed=1))


def choosing(x):
    return pb.where(x > 0, x * x.roll(1, 0), x * x.roll(2, 0))


def branching(x):
    return x * x.roll(1, 0) if x[0] > 0 else x * x.roll(2, 0)


@pytest.mark.parametrize("kind", ["columns", "rows", "both"])
@pytest.mark.parametrize(
    "f", [choosing, branching, lambda x: x.sort().values.diff(), lambda x: x.relu() * x.roll(1, 0)]
)
def test_a_pattern_that_no_longer_holds_is_found_anew(f, kind):
    jac = pb.sparse.jacobian(f, coloring=kind)
    plans = set()
    for seed in range(12):
        x = random(8, seed=seed)
        np.testing.assert_allclose(jac(x).toarray(), jacrev(f)(x).numpy(), rtol=1e-12, atol=1e-12)
        plans.add(id(jac.plan(x)))
    assert len(plans) < 12  # patterns are joined: at last one holds


def test_hessians_too():
    f = lambda x: (choosing(x) ** 2).sum()
    for kind in "star", "acyclic":
        h = pb.sparse.hessian(f, coloring=kind)
        for seed in range(6):
            x = random(8, seed=seed)
            np.testing.assert_allclose(h(x).toarray(), hessian(f)(x).numpy(), rtol=1e-9, atol=1e-9)


def test_a_pattern_everywhere_needs_no_other():
    jac = pb.sparse.jacobian(choosing, everywhere=True, check=False)
    for seed in range(6):
        x = random(8, seed=seed)
        np.testing.assert_allclose(jac(x).toarray(), jacrev(choosing)(x).numpy(), rtol=1e-12)
    assert len(jac.plans) == 1 and jac.plan(x).pattern.nnz == 24


def test_a_plan_says_where_it_does_not_hold():
    x = random(8).abs()
    plan = pb.sparse.jacobian(choosing).plan(x)
    np.testing.assert_allclose(plan(x + 1).toarray(), jacrev(choosing)(x + 1).numpy(), rtol=1e-12)
    for point in -x, x * pb.tensor([1.0] * 7 + [-1.0], **F64):
        with pytest.raises(pb.sparse.PatternError, match="The pattern does not hold at this point"):
            plan(point)
        plan(point, check=False)  # who asks for that gets it
    with pytest.raises(
        ValueError, match=r"made for arguments of shapes and dtypes \[8\] float64, got \[3\] float64"
    ):
        plan(x[:3])


def test_other_arguments_may_change_what_is_there():
    """What is constant counts by its value, so other constants may have another pattern: that is noticed."""
    jac = pb.sparse.jacobian(lambda x, mask: x * mask * x.roll(1, 0))
    x = random(6)
    for mask in (1, 0, 1, 0, 0, 1), (0, 1, 1, 1, 0, 0), (1, 1, 1, 1, 1, 1):
        m = pb.tensor(mask, **F64)
        expected = jacrev(lambda x, m=m: x * m * x.roll(1, 0))(x).numpy()
        np.testing.assert_allclose(jac(x, m).toarray(), expected, rtol=1e-12)


def test_a_pattern_that_is_given():
    f = lambda x: x[1:] * x[:-1]
    x = random(6)
    band = np.eye(5, 6) + np.eye(5, 6, 1)
    for pattern in band, band.astype(bool), sparse.csc_matrix(band), np.ones((5, 6)):
        np.testing.assert_allclose(
            pb.sparse.jacobian(f, pattern=pattern)(x).toarray(), jacrev(f)(x).numpy(), rtol=1e-12
        )
    with pytest.raises(pb.sparse.PatternError, match="of the Jacobian, such as row"):
        pb.sparse.jacobian(f, pattern=np.eye(5, 6))(x)
    with pytest.raises(ValueError, match="has the shape \\(6, 6\\), and the Jacobian is 5 x 6"):
        pb.sparse.jacobian(f, pattern=np.eye(6))(x)
    half = np.triu(np.ones((6, 6))) * (np.abs(np.subtract.outer(range(6), range(6))) < 2)
    np.testing.assert_allclose(
        pb.sparse.hessian(rosenbrock, pattern=half)(x).toarray(),
        rosenbrock_hessian(x.numpy()).toarray(),
        rtol=1e-12,
    )
    with pytest.raises(pb.sparse.PatternError, match="of the Hessian"):
        pb.sparse.hessian(rosenbrock, pattern=np.eye(6))(x)


def test_the_check_is_silent_about_rounding():
    """Single precision, entries of very different size, many of them in a row: no alarm."""
    f = lambda x: (x * 10.0 ** pb.arange(-6, 7).float()).cumsum(0).exp().sin() + 1e6 * x
    plan = pb.sparse.jacobian(f).plan(pb.ones(13) * 1e-3)
    for seed in range(5):
        plan(random(13, seed=seed).float() * 1e-5)


# ---- what a call looks like --------------------------------------------------------------------------------------------


def assert_blocks(found, expected, output=(), inputs=()):
    assert sparse.issparse(found)
    np.testing.assert_allclose(found.toarray(), expected.numpy().reshape(found.shape), rtol=1e-6, atol=1e-9)


def test_trees():
    def f(p, y):
        return {"a": p["w"][1:] * y, "b": (p["w"].sum() * p["v"], y[0])}

    p, y = {"w": random(4), "v": random(2, 2)}, random(3)
    found, expected = pb.sparse.jacobian(f)(p, y), jacrev(f)(p, y)
    assert (
        found["a"]["w"].shape == (3, 4)
        and found["b"][0]["v"].shape == (4, 4)
        and found["b"][1]["v"].shape == (1, 4)
    )
    flat, given = pb.func.tree.tree_flatten(found), pb.func.tree.tree_flatten(expected)
    assert flat[1] == given[1]
    for block, dense in zip(flat[0], given[0], strict=True):
        assert_blocks(block, dense)
    for argnums in (0, 1), (1,), (1, 0):
        flat, given = (
            pb.func.tree.tree_flatten(g(p, y)) for g in (pb.sparse.jacobian(f, argnums), jacrev(f, argnums))
        )
        assert flat[1] == given[1]
        for block, dense in zip(flat[0], given[0], strict=True):
            assert_blocks(block, dense)


def test_trees_of_hessians():
    f = lambda p, y: (p["w"] * y[0]).sin().sum() * y[1] + (p["v"] ** 3).sum()
    p, y = {"w": random(3), "v": random(2, 2)}, random(2)
    for argnums in 0, 1, (0, 1):
        found, expected = pb.sparse.hessian(f, argnums)(p, y), hessian(f, argnums)(p, y)
        flat, given = pb.func.tree.tree_flatten(found), pb.func.tree.tree_flatten(expected)
        assert flat[1] == given[1]
        for block, dense in zip(flat[0], given[0], strict=True):
            assert_blocks(block, dense)


@pytest.mark.parametrize("kind", KINDS)
def test_dtypes_side_by_side(kind):
    f = lambda x, y: (x.double() * y[0], y * 2)
    x, y = pb.tensor([1.0, 2.0]), random(3)
    found = pb.sparse.jacobian(f, (0, 1), coloring=kind)(x, y)
    for row, given in zip(found, jacrev(f, (0, 1))(x, y), strict=True):
        for block, dense in zip(row, given, strict=True):
            assert_blocks(block, dense)


def test_formats_and_shapes():
    for form in "csr", "csc", "coo":
        assert pb.sparse.jacobian(pb.sin, format=form)(random(3)).format == form
    number = pb.sparse.jacobian(pb.sin)(pb.tensor(0.5, **F64))
    assert number.shape == (1, 1) and abs(number[0, 0] - np.cos(0.5)) < 1e-15
    assert pb.sparse.hessian(lambda x: (x**2).sum().reshape(1, 1))(random(2, 2)).shape == (4, 4)
    assert pb.sparse.jacobian(lambda x: x[:0])(random(3)).shape == (0, 3)


def test_arguments_that_require_grad_and_no_grad():
    x = random(4).requires_grad_()
    w = random(4, seed=1).requires_grad_()
    f = lambda x: x * x.roll(1, 0) * w
    expected = jacrev(f)(x).detach().numpy()
    np.testing.assert_allclose(pb.sparse.jacobian(f)(x).toarray(), expected, rtol=1e-12)
    with pb.no_grad():
        np.testing.assert_allclose(pb.sparse.jacobian(f)(x).toarray(), expected, rtol=1e-12)
        np.testing.assert_allclose(
            pb.sparse.hessian(lambda x: f(x).sum())(x).toarray(),
            hessian(lambda x: f(x).sum())(x).detach().numpy(),
            rtol=1e-12,
        )
    assert x.grad is None and w.grad is None and x._version == 0


def test_random_draws_are_the_same_for_all_products():
    jac = pb.sparse.jacobian(
        lambda x: x * pb.rand(6) * x.roll(1, 0), everywhere=True, check=False, chunk_size=1
    )
    found = jac(pb.ones(6)).toarray()
    rows = found[np.arange(6), np.arange(6)]
    assert (found[np.arange(6), np.arange(-1, 5)] == rows).all()


def test_errors():
    x = pb.ones(3)
    for make in pb.sparse.jacobian, pb.sparse.hessian:
        with pytest.raises(RuntimeError, match="expected f\\(\\*primals\\) to return only tensors"):
            make(lambda x: 3.0)(x)
        with pytest.raises(RuntimeError, match="only Tensors of floating point dtype"):
            make(lambda x: x.sum())(pb.arange(3))
        with pytest.raises(ValueError, match="must be Tensor"):
            make(lambda x: x)(3.0)
        with pytest.raises(RuntimeError, match="argnum=3, but only 1 positional inputs"):
            make(lambda x: x, 3)(x)
        with pytest.raises(ValueError, match="kind must be one of"):
            make(lambda x: x.sum(), coloring="rainbow")(x)
        with pytest.raises(ValueError, match="order must be one of"):
            make(lambda x: (x * x).sum(), order="random")(x)
        with pytest.raises(RuntimeError, match="looks at values"):
            make(lambda x: (x * x).sum() if x[0] > 0 else x.sum(), everywhere=True)(x)
        with pytest.raises(ValueError, match="chunk_size should be greater than 0"):
            make(lambda x: x.sum(), chunk_size=0)
    with pytest.raises(RuntimeError, match="return a scalar Tensor"):
        pb.sparse.hessian(lambda x: x)(x)
    with pytest.raises(RuntimeError, match="returned tensors of shapes"):
        jac = pb.sparse.jacobian(lambda x: x[x > 0] * 2)
        jac(pb.tensor([1.0, -1.0]))
        jac(pb.tensor([1.0, 1.0]))
    with pytest.raises(ZeroDivisionError):
        pb.sparse.jacobian(lambda x: x * (1 / 0))(x)


def test_loaded_when_asked_for():
    import subprocess
    import sys

    code = "import sys, pullback as pb; assert 'sparse' in dir(pb); print([m for m in sys.modules if 'sparse' in m])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
