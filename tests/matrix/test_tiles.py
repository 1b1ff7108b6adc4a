"""Products of matrices by kernels of our own: every way through them, beside NumPy in longer numbers."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

import pullback as pb

ROWS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 17, 33, 40, 70]  # what tiles divide evenly, and what they do not
COLUMNS = [1, 3, 8, 15, 16, 33, 64, 79]
TERMS = [1, 2, 7, 16, 65, 128, 300]
LONGER = {"float32": np.float64, "float64": np.longdouble}


def operands(m, n, k, dtype, transposes, seed=0):
    rng = np.random.default_rng(seed)
    left, right = (rng.standard_normal(shape).astype(dtype) for shape in ((m, k), (k, n)))
    # The same values, but column by column.
    lie = [np.asfortranarray if each else np.ascontiguousarray for each in transposes]
    return lie[0](left), lie[1](right)


def near(z, expected, terms, dtype):
    assert z.dtype == np.dtype(dtype)
    bound = 4 * np.sqrt(terms) * np.finfo(dtype).eps * (1 + np.sqrt(terms))
    np.testing.assert_allclose(z, expected.astype(dtype), rtol=0, atol=bound)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposes", list(itertools.product([False, True], repeat=2)), ids=str)
@pytest.mark.parametrize("m", ROWS)
def test_values(m, transposes, dtype):
    for n, k in itertools.product(COLUMNS, TERMS):
        a, b = operands(m, n, k, dtype, transposes)
        expected = a.astype(LONGER[dtype]) @ b.astype(LONGER[dtype])
        near((pb.from_numpy(a) @ pb.from_numpy(b)).numpy(), expected, k, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("m, n, k", [(2, 70, 40), (5, 33, 600), (16, 64, 128), (50, 79, 300)])
def test_added(m, n, k, transposed, dtype):
    a, b = operands(m, n, k, dtype, (False, transposed))
    x, y = pb.from_numpy(a), pb.from_numpy(b)
    c = np.random.default_rng(1).standard_normal((m, n)).astype(dtype)
    product = a.astype(LONGER[dtype]) @ b.astype(LONGER[dtype])
    near(pb.addmm(pb.from_numpy(c), x, y, beta=0.5, alpha=2).numpy(), 0.5 * c + 2 * product, 4 * k, dtype)
    nothing = pb.full((m, n), float("nan"), dtype=getattr(pb, dtype))
    near(pb.addmm(nothing, x, y, beta=0).numpy(), product, k, dtype)


@pytest.mark.parametrize("m, n, k", [(3, 10, 40), (9, 70, 64), (40, 21, 20), (7, 5, 300)])
def test_nothing_beside_a_factor_is_read_into_the_result(m, n, k):
    """What fills a vector behind the last column is whatever lies there."""
    a = pb.full((m + 2, k + 3), float("nan"))
    b = pb.full((k + 2, n + 5), float("nan"))
    a[1:-1, 1:-2] = 1.0
    b[1:-1, 2:-3] = 2.0
    left, right = a[1:-1, 1:-2], b[1:-1, 2:-3]
    assert ((left @ right).numpy() == 2 * k).all()
    assert ((right.T @ left.T).numpy() == 2 * k).all()
    assert ((left.T @ left).numpy() == m).all()


@pytest.mark.skipif(pb.__config__.show().find("kernels: baseline") > 0, reason="products are BLAS's")
@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
def test_an_element_has_the_same_bits_in_every_product(dtype):
    """Whichever tile it is in: results do not depend on what else is in a batch, or on threads. Very few columns are summed
    in another order."""
    pb.manual_seed(0)
    x, w = pb.randn(300, 300, dtype=dtype), pb.randn(300, 90, dtype=dtype)
    whole = x @ w
    for rows in (2, 5, 13, 33, 100):
        assert pb.equal(x[7 : 7 + rows] @ w, whole[7 : 7 + rows])
    for columns in (9, 13, 33):
        assert pb.equal(x @ w[:, 3 : 3 + columns], whole[:, 3 : 3 + columns])
    few = x @ w[:, 3:5]
    assert pb.equal(x[7:30] @ w[:, 3:5], few[7:30])
    turned = w.T.contiguous().T
    for rows in (12, 17, 64, 300):
        assert pb.equal(x[:rows] @ turned, whole[:rows])
    for threads in (1, 2, 3):
        before = pb.get_num_threads()
        pb.set_num_threads(threads)
        try:
            assert pb.equal(x @ w, whole)
        finally:
            pb.set_num_threads(before)


PROGRAM = """
import numpy as np
import pullback as pb
rng = np.random.default_rng(0)
for m, n, k in [(1, 5, 9), (2, 33, 70), (4, 40, 17), (8, 12, 90), (11, 64, 33), (16, 50, 300), (60, 100, 64)]:
    a, b, w = rng.standard_normal((m, k)), rng.standard_normal((k, n)), rng.standard_normal((n, k))
    for dtype, bound in (("float32", 1e-4), ("float64", 1e-12)):
        x, y, v = (pb.from_numpy(each.astype(dtype)) for each in (a, b, w))
        for z, expected in ((x @ y, a @ b), (x @ v.T, a @ w.T), (y.T @ x.T, (a @ b).T)):
            assert abs(z.numpy() - expected).max() < bound, (m, n, k, dtype)
"""


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_instruction_sets(isa):
    """More than the processor has is as much as it has."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PULLBACK_ISA": isa},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
