"""Colourings: what each kind promises, by brute force; how few colours; every entry found again."""

import itertools

import numpy as np
import pytest

import pullback as pb
from pullback.sparse import coloring

sparse = pytest.importorskip("scipy.sparse")
ORDERS = [None, "natural", "largest_first", "smallest_last", "incidence_degree"]


def random_pattern(seed, symmetric=False):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 14, 2)
    n = m if symmetric else n
    pattern = rng.random((m, n)) < rng.choice([0.1, 0.25, 0.5])
    if rng.random() < 0.3:
        pattern[rng.integers(m)] = True
    if rng.random() < 0.3:
        pattern[:, rng.integers(n)] = True
    if symmetric:
        pattern |= pattern.T
        np.fill_diagonal(pattern, rng.random(m) < 0.7)
    return pattern


def paths(graph, length):
    """Simple paths of so many vertices."""
    n = len(graph)
    for vertices in itertools.permutations(range(n), length):
        if vertices[0] < vertices[-1] and all(graph[a, b] for a, b in itertools.pairwise(vertices)):
            yield vertices


def is_acyclic(graph, colors):
    """Whether any two colours together make a forest."""
    for a, b in itertools.combinations(set(colors.tolist()), 2):
        vertices = np.flatnonzero((colors == a) | (colors == b))
        part = graph[np.ix_(vertices, vertices)]
        components = sparse.csgraph.connected_components(part, directed=False)[0]
        if part.sum() // 2 != len(vertices) - components:
            return False
    return True


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(40))
def test_columns_and_rows(seed, order):
    pattern = random_pattern(seed)
    for kind, lines in (("columns", pattern.T), ("rows", pattern)):
        found = coloring(pattern, kind, order)
        colors = getattr(found, kind)
        for a, b in itertools.combinations(range(len(lines)), 2):
            assert colors[a] != colors[b] or not (lines[a] & lines[b]).any()
        if pattern.any():
            assert found.products == colors.max() + 1 >= lines.sum(0).max()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(40))
def test_star_and_acyclic(seed, order):
    pattern = random_pattern(seed, symmetric=True)[:9, :9]
    graph = pattern & ~np.eye(len(pattern), dtype=bool)
    for kind in "star", "acyclic":
        found = coloring(pattern, kind, order)
        if not pattern.any():
            assert found.products == 0
            continue
        colors = found.columns
        assert all(colors[a] != colors[b] for a, b in zip(*np.nonzero(graph)))
        if kind == "star":
            assert all(len(set(colors[list(path)])) > 2 for path in paths(graph, 4))
        else:
            assert is_acyclic(graph, colors)
        assert found.products == colors.max() + 1


def linear(matrix):
    matrix = pb.tensor(matrix)
    return lambda x: matrix @ x


def quadratic(matrix):
    matrix = pb.tensor(matrix)
    return lambda x: (x * (matrix @ x)).sum() / 2


@pytest.mark.parametrize("seed", range(60))
def test_every_kind_finds_every_entry(seed):
    rng = np.random.default_rng(seed)
    pattern = random_pattern(seed)
    matrix = np.where(pattern, rng.integers(1, 100, pattern.shape), 0).astype(float)
    x = pb.zeros(pattern.shape[1], dtype=pb.float64)
    for kind in None, "columns", "rows", "both":
        found = pb.sparse.jacobian(linear(matrix), pattern=pattern, coloring=kind)(x)
        assert (found.toarray() == matrix).all()
    pattern = random_pattern(seed, symmetric=True)
    matrix = np.where(pattern, rng.integers(1, 100, pattern.shape), 0).astype(float)
    matrix += matrix.T
    x = pb.zeros(len(matrix), dtype=pb.float64)
    for kind in None, "star", "acyclic", "columns", "rows", "both":
        found = pb.sparse.hessian(quadratic(matrix), pattern=pattern, coloring=kind)(x)
        assert (found.toarray() == matrix).all()


# ---- how few ---------------------------------------------------------------------------------------------------------


def band(n, width):
    return sparse.diags([1.0] * (2 * width + 1), range(-width, width + 1), shape=(n, n)).tocsr()


def arrow(n):
    zeros, all_of_them = np.zeros(n, int), np.arange(n)
    rows, columns = (
        np.concatenate([zeros, all_of_them, all_of_them]),
        np.concatenate([all_of_them, zeros, all_of_them]),
    )
    return sparse.csr_array(sparse.coo_array((np.ones(3 * n, bool), (rows, columns)), shape=(n, n)))


def grid(n):
    return sparse.csr_array(sparse.kron(band(n, 1), sparse.eye(n)) + sparse.kron(sparse.eye(n), band(n, 1)))


def test_known_numbers():
    assert coloring(band(50, 1), "columns").products == 3
    assert coloring(band(50, 2), "columns").products == 5
    assert coloring(band(50, 1), "star").products == 3
    assert coloring(band(50, 1), "acyclic").products == 2
    assert coloring(arrow(50), "star").products == 2
    assert coloring(arrow(50), "columns").products == 50
    assert coloring(np.ones((4, 7))).products == 4 and coloring(np.ones((7, 4))).products == 4
    assert coloring(np.eye(5)).products == 1
    assert (
        coloring(grid(12), "acyclic").products
        <= coloring(grid(12), "star").products
        <= coloring(grid(12), "columns").products
        <= 9
    )


def test_both_at_once_for_an_arrowhead():
    found = coloring(arrow(40)[1:])  # not symmetric: 39 x 40, a full column
    assert found.products == 2 and found.kind in ("rows", "columns")
    found = coloring(arrow(40), None)
    assert found.kind == "both" and found.products == 3
    f = linear(arrow(40).toarray() * 2.0)
    assert (pb.sparse.jacobian(f)(pb.ones(40, dtype=pb.float64)).toarray() == arrow(40).toarray() * 2.0).all()


@pytest.mark.parametrize("kind", [None, "star", "acyclic"])
def test_a_full_row_costs_no_square(kind):
    """An arrowhead of 300,000 has 9 * 10 ** 10 pairs of neighbours of neighbours: nobody may look at them all."""
    assert coloring(arrow(300_000), kind).products <= 3


def test_reproducible():
    a, b = coloring(grid(9), "star"), coloring(grid(9), "star")
    assert (a.columns == b.columns).all()


def test_inputs():
    dense, entries = band(6, 1).toarray(), band(6, 1).tocoo()
    for pattern in dense, dense.tolist(), entries, band(6, 1).tocsc(), band(6, 1).astype(bool):
        assert coloring(pattern, "columns").columns.tolist() == [0, 1, 2, 0, 1, 2]
    zeros = band(6, 1)
    zeros.data[:] = 0
    assert coloring(zeros).products == 0
    assert coloring(np.zeros((0, 3))).products == 0
    with pytest.raises(ValueError, match="kind must be one of"):
        coloring(dense, "star-like")
    with pytest.raises(ValueError, match="order must be one of"):
        coloring(dense, "columns", "random")
    with pytest.raises(ValueError, match="for symmetric matrices"):
        coloring(np.triu(dense), "star")
    with pytest.raises(ValueError, match="a pattern is a matrix"):
        coloring(np.ones(3))


def test_a_coloring_of_another_pattern_is_refused():
    f, x = linear(band(6, 2).toarray() * 1.0), pb.ones(6, dtype=pb.float64)
    for kind in "columns", "rows":
        with pytest.raises(ValueError, match="not one of this pattern"):
            pb.sparse.jacobian(f, coloring=coloring(band(6, 1), kind))(x)
        assert pb.sparse.jacobian(f, coloring=coloring(band(6, 2), kind))(x).nnz == 24
    with pytest.raises(ValueError, match="has 7 columns, and the pattern 6"):
        pb.sparse.jacobian(f, coloring=coloring(band(7, 2), "columns"))(x)
    h = quadratic(band(6, 2).toarray() * 1.0)
    for kind in "star", "acyclic":
        with pytest.raises(ValueError, match="not one of this pattern"):
            pb.sparse.hessian(h, coloring=coloring(band(6, 1), kind))(x)


def test_doors_to_the_core_check_what_they_get():
    from pullback import _core

    good = np.array([0, 1, 2]), np.array([0, 1])
    for starts, columns in (
        ([0, 1], [0, 1]),
        ([0, 2, 1, 2], [0, 1]),
        ([0, 1, 2], [0, 2]),
        ([0, 1, 2], [0, -1]),
        ([], []),
    ):
        bad = np.array(starts, np.int64), np.array(columns, np.int64)
        with pytest.raises(ValueError):
            _core.color_columns(*bad, *good, 0)
        with pytest.raises(ValueError):
            _core.color_graph(*bad, 0, False)
    with pytest.raises(ValueError):
        _core.color_graph(*good, 9, False)
    with pytest.raises(ValueError):
        _core.color_elimination(*good, np.array([0]))
    rest, values = np.zeros((2, 2)), np.zeros(1)
    for pairs, colors in ([0, 2], [0, 1]), ([0, 1], [0, 5]), ([0, 1], [0]):
        with pytest.raises(ValueError):
            _core.color_substitute(np.array(pairs), np.array(colors), rest, 2, values)
