"""Patterns have an entry wherever the dense derivative is not 0: every operator, rows of the table, random programs."""

import warnings

import numpy as np
import pytest
from batch.table import FLOATS, IN_PLACE, ITEMS, SMOOTH, function, operands_of, value
from calculus.samples import differentiable_rows, free_operands, operands, random_points
from sparse.dense import F, assert_holds, dense, found, random_vector, weighed

import pullback as pb
from pullback.func import hessian, jacrev
from pullback.sparse import probe

scipy = pytest.importorskip("scipy")
pytest.importorskip("scipy.sparse")
CALLS = [call for call in (*SMOOTH, *IN_PLACE, *ITEMS) if set(operands_of(call)) & set(FLOATS)]
# What counts by its structure where values happen to make it 0, and functions of matrices, of which all entries count as
# depending on all: not on what is above a diagonal, or in another column, in truth.
LOOSE = {
    "m.linalg.vector_norm(x, m.inf, 1)",
    "m.scatter_reduce(x, 0, i, y - y, 'prod')",
    "m.corrcoef(x)",
    "m.linalg.solve(q, x)",
    "m.linalg.solve(q, x.T, left=False)",
    "m.linalg.solve_triangular(q, x, upper=True)",
    "m.cholesky_solve(x, q)",
    "m.linalg.lu_solve(*m.linalg.lu_factor(q), x)",
    "m.linalg.lu_factor(q).LU",
    "m.linalg.lu(x)[2]",
    "m.linalg.cholesky(q @ q.mT + m.eye(3, dtype=m.float64))",
    "m.linalg.qr(x)[1]",
    "m.linalg.qr(x.T)[0]",
    "m.linalg.householder_product(x.T, u)",
}


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def flat(call, seed):
    """A call as a function of one vector, which holds all of its floats; and the vector."""
    names = operands_of(call)
    given = [value(name, seed) for name in names]
    f, free = function(call, names), [i for i, name in enumerate(names) if name in FLOATS]
    x = pb.cat([given[i].reshape(-1) for i in free])

    def g(z):
        filled, parts = list(given), z.split([given[i].numel() for i in free])
        for i, part in zip(free, parts, strict=True):
            filled[i] = part.reshape(given[i].shape)
        return f(*filled)

    return g, x


@pytest.mark.parametrize("call", CALLS)
def test_every_operator(call):
    f, x = flat(call, 1)
    pattern, entries = found(f, x), dense(f, x)
    assert_holds(pattern, entries)
    if (
        call not in LOOSE and "nn.functional" not in call
    ):  # those are made of several, and may mask what they computed
        assert (pattern == entries).all()
    assert_holds(found(weighed(f), x, order=2), hessian(weighed(f))(x).numpy() != 0)


@pytest.mark.parametrize("call", CALLS)
def test_every_operator_everywhere(call):
    """What is found at one point holds at others."""
    f, x = flat(call, 1)
    first, second = found(f, x, everywhere=True), found(weighed(f), x, order=2, everywhere=True)
    for seed in 1, 2, 3:
        z = flat(call, seed)[1]
        assert_holds(first, dense(f, z))
        assert_holds(second, hessian(weighed(f))(z).numpy() != 0)


@pytest.mark.parametrize("row", differentiable_rows(), ids=lambda row: row.name)
def test_every_row(row):
    """Operand by operand, each broadcast and not, at random points and where rows have kinks."""
    points = [np.asarray(p[:5]) for p in random_points(row)]
    free = free_operands(row)
    if row.kinks:
        kinks = [k if isinstance(k, tuple) else (k,) for k in row.kinks]
        points = [
            np.concatenate([p, [k[i] for k in kinks if np.isfinite(k).all()]]) for i, p in enumerate(points)
        ]
    for i in range(len(free)):

        def f(z, i=i):
            filled = operands(row, points)
            filled[free[i]] = z
            filled = [pb.tensor(o) if isinstance(o, np.ndarray) else o for o in filled]
            return row(*filled)

        x = pb.tensor(points[i])
        for everywhere in False, True:
            assert_holds(found(f, x, everywhere=everywhere), dense(f, x))


# ---- what counts, and what does not ------------------------------------------------------------------------------------


def test_structure_counts_where_values_are_zero():
    x = pb.tensor([0.0, 0.0, 2.0])
    assert found(lambda x: x * x.flip(0), x).sum() == 5
    assert found(lambda x: x.prod(), x).all()
    assert found(lambda x: x.cumprod(0), x).sum() == 6
    assert found(lambda x: (x**3).sum(), x, order=2).sum() == 3
    assert found(lambda x: x.prod(), x, order=2).sum() == 6


def test_constants_count_by_their_values():
    x = pb.tensor([1.0, 2.0, 3.0])
    matrix = pb.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
    for f in (
        lambda x: matrix @ x,
        lambda x: x @ matrix.T,
        lambda x: pb.nn.functional.linear(x[None], matrix),
    ):
        for everywhere in False, True:
            assert (found(f, x, everywhere=everywhere) == (matrix.numpy() != 0)).all()
    inside = pb.tensor([0.0, 1.0, 0.0])
    assert found(lambda x: x * inside, x).sum() == 1
    assert found(lambda x: x * inside, x, everywhere=True).sum() == 1
    assert found(lambda x: x * (x.detach() - 1), x, everywhere=True).sum() == 3  # no constant: it follows x
    assert found(lambda x: pb.where(pb.tensor([True, False, True]), x, 0.0), x, everywhere=True).sum() == 2


def test_choices_count_at_a_point_and_not_everywhere():
    x = pb.tensor([1.0, -2.0, 3.0])
    cases = [
        (pb.relu, 2, 3), (lambda x: pb.where(x > 0, x, x.roll(1)), 3, 6), (lambda x: x.clamp(0, 2), 1, 3),
        (lambda x: x.max(0).values, 1, 3), (lambda x: x.sort().values, 3, 9), (lambda x: x.gather(0, x.argsort()), 3, 9),
        (lambda x: pb.maximum(x, x.roll(1)), 3, 6), (lambda x: x.masked_fill(x > 0, 1.0), 1, 3), (lambda x: x.amin(), 1, 3),
        (lambda x: x.nansum(), 3, 3),
    ]  # fmt: skip
    for f, here, everywhere in cases:
        assert found(f, x).sum() == here
        assert found(f, x, everywhere=True).sum() == everywhere


def test_constant_indices_are_constant_everywhere():
    """Energies of elements that share nodes: gathered, and their forces scattered, to every order."""
    elements = pb.tensor([[0, 1, 2], [2, 3, 4], [4, 5, 0]])
    x = random_vector(6)
    couples = np.zeros((6, 6), bool)
    for element in elements.numpy():
        couples[np.ix_(element, element)] = True
    one_by_one = [
        lambda x: x[elements].prod(1).sin().sum(),
        lambda x: pb.stack([x.index_select(0, e).prod().sin() for e in elements]).sum(),
        lambda x: pb.zeros(3, dtype=pb.float64).index_add(0, pb.arange(3), x[elements].prod(1).sin()).sum(),
        lambda x: x.gather(0, elements.view(-1)).view(3, 3).prod(1).sin().sum(),
    ]
    for f in one_by_one:
        for everywhere in False, True:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert (found(f, x, order=2, everywhere=everywhere) == couples).all()


NESTED = [
    lambda x: pb.vmap(lambda row: row * row.sum())(x.view(3, 4)),
    lambda x: pb.vmap(pb.func.grad(lambda a: a.sin() * a))(x),
    lambda x: pb.vmap(lambda row, k: (row[k], row.sum()), (0, None))(x.view(3, 4), 2),
    lambda x: pb.vmap(pb.vmap(lambda a, b: a * b, (0, None)), (None, 0))(x[:4], x[8:]),
    lambda x: pb.vmap(lambda c: c * c.roll(1, 0), 1, 1, chunk_size=2)(x.view(3, 4)),
    lambda x: pb.func.grad(lambda y: (y[1:] * y[:-1] ** 2).sum())(x),
    lambda x: pb.func.jvp(pb.func.grad(lambda y: (y[1:] * y[:-1] ** 2).sum()), (x,), (pb.ones_like(x),))[1],
    lambda x: pb.func.jacrev(lambda y: y[:2] * y[2])(x)[:, :4],
    lambda x: pb.func.hessian(lambda y: (y[:3] ** 3).prod())(x[:4]),
]


@pytest.mark.parametrize("f", NESTED)
def test_transforms_inside(f):
    """What a function does in batches, and what it differentiates, is followed as everything else."""
    g = (lambda x: pb.cat([y.reshape(-1) for y in f(x)])) if f is NESTED[2] else lambda x: f(x).reshape(-1)
    x = random_vector(12)
    for everywhere in False, True:
        first = found(g, x, everywhere=everywhere)
        assert_holds(first, dense(g, x))
        assert (first == dense(g, x)).all() or f is NESTED[-1]  # of a product's second derivative more counts
        second = hessian(weighed(g))(x).numpy() != 0
        assert_holds(found(weighed(g), x, order=2, everywhere=everywhere), second)
    np.testing.assert_allclose(pb.sparse.jacobian(g)(x).toarray(), jacrev(g)(x).numpy(), rtol=1e-12)
    y = pb.vmap(lambda row: row * 2)(x.view(3, 4))
    assert (y.detach() == x.view(3, 4) * 2).all()  # and batches are batches again


def test_matrices_of_a_batch_are_apart():
    a = random_vector(18).view(2, 3, 3) + 3 * pb.eye(3, dtype=pb.float64)
    b, blocks = random_vector(6).view(2, 3), np.kron(np.eye(2), np.ones((3, 9))).astype(bool)
    assert (found(lambda a: pb.linalg.solve(a, b), a) == blocks).all()
    assert (found(lambda b: pb.linalg.solve(a, b), b) == np.kron(np.eye(2), np.ones((3, 3)))).all()
    for f in (
        pb.linalg.inv,
        pb.linalg.matrix_exp,
        lambda a: pb.linalg.cholesky(a @ a.mT),
        pb.linalg.eigvalsh,
        pb.linalg.det,
    ):
        for everywhere in False, True:
            pattern = found(f, a, everywhere=everywhere)
            assert_holds(pattern, dense(f, a))
            assert not pattern.reshape(2, -1, 2, 9)[[0, 1], :, [1, 0]].any()


def test_a_distance_takes_two_points():
    x = random_vector(14)

    def distances(x):
        return pb.cdist(x[:8].view(2, 2, 2), x[8:].view(3, 2))

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # there is a rule
        for everywhere in False, True:
            assert (found(distances, x, everywhere=everywhere) == dense(distances, x)).all()
            pattern = found(weighed(distances), x, order=2, everywhere=everywhere)
            assert_holds(pattern, hessian(weighed(distances))(x).numpy() != 0)
    assert not pattern[0, 2] and not pattern[8, 10]  # points of one side move by themselves


def test_ifs_count_as_they_go_and_are_refused_everywhere():
    def f(x):
        return x * x.roll(1) if x[0] > 0 else x * 2

    assert found(f, pb.tensor([1.0, 1.0, 1.0])).sum() == 6
    assert found(f, pb.tensor([-1.0, 1.0, 1.0])).sum() == 3
    with pytest.raises(RuntimeError, match="looks at values"):
        found(f, pb.ones(3), everywhere=True)
    assert found(
        lambda x: x[x > 0], pb.tensor([1.0, -1.0, 2.0]), everywhere=True
    ).all()  # as many, but which ones?
    with pytest.raises(RuntimeError, match="looks at values"):
        found(lambda x: x[int(x.argmax())], pb.ones(3), everywhere=True)
    assert found(lambda x: x[x.argmax()], pb.ones(3), everywhere=True).all()


FOLLOWING = [
    lambda x: x[x.argsort()],
    lambda x: x.expand(3, 3)[x.argsort(), pb.tensor([0, 1, 2])],
    lambda x: x.outer(x)[pb.tensor([0, 1, 2]), x.argsort()],
    lambda x: x.index_select(0, x.argsort()),
    lambda x: x.take(x.argsort()),
    lambda x: x.take_along_dim(x.argsort(), 0),
    lambda x: x.gather(0, x.cummax(0).indices),
    lambda x: x.index_put((x.argmax(),), x[0]),
    lambda x: x.index_put((x > 0,), x[0]),
    lambda x: x.index_add(0, x.argsort(), x),
    lambda x: x.index_copy(0, x.argsort()[:2], x[:2]),
    lambda x: x.index_fill(0, x.argmax(), 0.0),
    lambda x: x.put(x.argsort()[:1], x[:1]),
    lambda x: x.scatter(0, x.argsort()[:1], 2.0),
    lambda x: x.scatter_add(0, x.argsort()[:1], x[2:]),
    lambda x: x.masked_scatter(x > 0, x * 2),
    *[
        lambda x, how=how, own=own: x.scatter_reduce(0, x.argsort()[:2] // 2, x[1:], how, include_self=own)
        for how in ("sum", "mean", "amax", "amin", "prod")
        for own in (True, False)
    ],
    lambda x: F.embedding(x.argsort(), x[:, None]).reshape(-1),
    lambda x: F.cross_entropy(x.outer(x), x.argsort(), reduction="none"),
    lambda x: x[pb.bucketize(x, pb.tensor([0.0, 1.0], dtype=pb.float64))],
]


@pytest.mark.parametrize("f", FOLLOWING)
def test_indices_that_follow_the_arguments_are_followed(f):
    x = pb.tensor([1.0, -2.0, 3.0], dtype=pb.float64)
    first, second = found(f, x, everywhere=True), found(weighed(f), x, order=2, everywhere=True)
    for seed in range(12):
        z = random_vector(3, seed)
        assert_holds(first, dense(f, z))
        assert_holds(second, hessian(weighed(f))(z).numpy() != 0)


class Square(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


class Half(pb.autograd.Function):
    """A backward that hides a part of what it does from those who follow it."""

    @staticmethod
    def forward(ctx, x):
        return x + x.roll(1, 0)

    @staticmethod
    def backward(ctx, g):
        return g + g.detach().roll(-1, 0)


class Once(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    @pb.autograd.function.once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return x.cos() * g


def test_functions_of_ones_own():
    x = pb.tensor([1.0, 2.0, 3.0, 4.0], dtype=pb.float64)
    assert (found(Square.apply, x) == np.eye(4)).all()
    for cls in Half, Once:
        with pytest.warns(
            UserWarning, match=f"every result of _?{cls.__name__}Backward counts as depending on all"
        ):
            assert found(cls.apply, x).all()
        np.testing.assert_allclose(
            pb.sparse.jacobian(cls.apply)(x).toarray(), jacrev(cls.apply)(x).numpy(), rtol=1e-12
        )


def test_what_leaves_nothing_behind():
    x = pb.ones(3)
    for f in (
        lambda x: x.detach() * 2,
        lambda x: pb.ones(3),
        lambda x: x.round(),
        lambda x: x - x.detach().clone() * 1 if False else x.sign(),
    ):
        assert found(f, x).sum() == 0
        assert pb.sparse.jacobian(f)(x).nnz == 0
    assert found(lambda x: 3 * x.sum(), x, order=2).sum() == 0


@pytest.mark.parametrize("bits", [7, 10, 23])
def test_numbers_in_digits(bits, monkeypatch):
    """Numbers of elements are moved digit by digit, as many as the dtype is exact for."""
    monkeypatch.setitem(probe.BITS, "float32", bits)
    n = 3000
    pattern = pb.sparse.pattern(
        lambda x: x.flip(0).roll(1, 0) + x.reshape(-1, 3).sum(1).repeat(3), pb.ones(n)
    )
    rows, i = np.repeat(np.arange(n), 4), np.arange(n)
    taken = np.stack([(n - i) % n, *(3 * (i % (n // 3)) + k for k in range(3))], 1)
    expected = scipy.sparse.coo_array((np.ones(4 * n, bool), (rows, taken.ravel())), shape=(n, n)).tocsr()
    assert (pattern != expected).nnz == 0


def test_loops_take_linear_work():
    """Elements read and written one by one: no node costs what the whole tensor costs."""

    def reading(x):
        return pb.stack([x[i - 1] * x[i] for i in range(1, len(x))])

    def writing(x):
        y = pb.zeros_like(x)
        for i in range(1, len(x)):
            y[i] = x[i] * x[i - 1]
        return y

    for f, rows in ((reading, 299), (writing, 300)):
        pattern = pb.sparse.pattern(f, pb.ones(300))
        assert pattern.shape == (rows, 300) and pattern.nnz == 598
        assert (np.abs(np.subtract(*pattern.nonzero())) <= 1).all()


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0), (1, 1)])
def test_small_and_empty(shape):
    x = pb.ones(shape, dtype=pb.float64)
    pattern = found(lambda x: x.reshape(-1) * 2, x)
    assert (pattern == np.eye(x.numel())).all()
    assert (
        pb.sparse.jacobian(lambda x: x.reshape(-1) * 2)(x).toarray().tolist()
        == (2 * np.eye(x.numel())).tolist()
    )


# ---- errors --------------------------------------------------------------------------------------------------------------


def test_errors():
    x = pb.ones(3)
    for f, error, text in [
        (lambda x: 3.0, RuntimeError, "expected f\\(\\*primals\\) to return only tensors"),
        (lambda x: None, RuntimeError, "non-empty output"),
        (lambda x: x > 0, RuntimeError, "must be floating-point"),
        (lambda x: x.mul_(2), RuntimeError, "a leaf Variable that requires grad"),
    ]:
        with pytest.raises(error, match=text):
            pb.sparse.pattern(f, x)
    with pytest.raises(RuntimeError, match="floating point dtype"):
        pb.sparse.pattern(pb.sin, pb.arange(3))
    with pytest.raises(ValueError, match="must be Tensor"):
        pb.sparse.pattern(pb.sin, 3.0)
    with pytest.raises(ValueError, match="order is 1"):
        pb.sparse.pattern(pb.sin, x, order=3)
    with pytest.raises(RuntimeError, match="return a scalar Tensor, got a tensor of shape"):
        pb.sparse.pattern(pb.sin, x, order=2)
    with pytest.raises(ValueError, match="more than 2,147,483,647 entries"):
        pb.sparse.pattern(lambda x: x * x.sum(), pb.ones(100_000))


def test_without_scipy(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"pip install 'pullback\[sparse\]'"):
        pb.sparse.pattern(pb.sin, pb.ones(3))
    with pytest.raises(ImportError, match="scipy.sparse, which is not installed"):
        pb.sparse.coloring(np.eye(3))
