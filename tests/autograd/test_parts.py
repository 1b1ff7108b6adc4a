"""Gradients of parts: right, and in work that does not grow with the tensor that they are parts of.

Work is counted in bytes that were asked for (`pb.memory.total`). What is read element by element at n = 1,000 and at
n = 30,000 must ask for as many bytes an element.
"""

import numpy as np
import pytest
from checks import check

import pullback as pb


def numbers(*shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return pb.tensor(values, requires_grad=True), values


# ---- programs that take a tensor of n elements apart, in a loop of some n steps ----


def read_elements(x, n):
    return sum((x[i] * x[i] for i in range(n)), 0.0)


def read_from_the_end(x, n):
    return sum((x.select(0, -1 - i).sin() for i in range(n)), 0.0)


def read_rows_of_one(x, n):
    rows = x.reshape(1, n)
    return sum((rows[0, i] * rows[-1, i] for i in range(n)), 0.0)


def read_columns(x, n):
    w = x.view(8, n // 8)
    return sum((w[:, i].prod() for i in range(n // 8)), 0.0)


def read_columns_of_the_transpose(x, n):
    w = x.view(n // 8, 8)
    return sum((w.t()[:, i].exp().sum() for i in range(n // 8)), 0.0)


def read_windows(x, n):
    return sum((x[i : i + 3].prod() for i in range(n - 3)), 0.0)


def read_overlapping_windows(x, n):
    windows = x.unfold(0, 3, 1)
    return sum((windows[i].prod() for i in range(n - 3)), 0.0)


def read_narrow(x, n):
    return sum((x.narrow(0, i, 2).prod() for i in range(n - 2)), 0.0)


def read_diagonals(x, n):
    w = x.view(n // 4, 4)
    return sum((w[i : i + 3, 1:].diagonal().prod() for i in range(n // 4 - 2)), 0.0)


def read_at_indices(x, n):
    index = [pb.tensor([i, i * 7 % n, i]) for i in range(n)]
    return sum((x[i].prod() for i in index), 0.0)


def read_at_indices_of_a_view(x, n):
    w = x.view(n // 4, 4).t()
    return sum((w[pb.tensor([0, 2]), pb.tensor([i, i])].prod() for i in range(n // 4)), 0.0)


def gather_and_take(x, n):
    index = [pb.tensor([i, i * 7 % n]) for i in range(n)]
    return sum((x.gather(0, i).prod() * x.take(i).prod() for i in index), 0.0)


def select_indices(x, n):
    w = x.view(n // 5, 5)
    return sum((w.index_select(0, pb.tensor([i])).prod() for i in range(n // 5)), 0.0)


def take_apart(x, n):
    return pb.stack([y * y for y in x.unbind()]).sum()


def split_pieces(x, n):
    w = x.view(n // 4, 4)
    pieces = [w[i].split(2) for i in range(n // 4)]
    return sum(((a * b.flip(0)).sum() for a, b in pieces), 0.0)


def first_of_a_chunk(x, n):
    return sum((x.chunk(2)[i % 2][i // 2].sin() for i in range(n)), 0.0)


def head_and_tail(x, n):
    s = 0.0
    for _ in range(n):
        s, x = s + x[0] * x[0], x[1:]
    return s


def stack_again(x, n):
    return pb.stack([x[i] * 3 for i in range(n)]).sin().sum()


def join_again(x, n):
    return pb.cat([x[i : i + 2] for i in range(0, n, 2)]).sin().sum()


def read_what_was_expanded(x, n):
    wide = x[:5].expand(n, 5)
    return sum((wide[i].sin().sum() for i in range(n)), 0.0)


def read_pairs_of_what_was_expanded(x, n):
    wide = x[:5].expand(n, 5)
    return sum((wide[i : i + 2].sin().sum() for i in range(n)), 0.0)


def write_elements(x, n):
    y = pb.zeros(n, dtype=x.dtype)
    for i in range(n):
        y[i] = x[i] * x[n - 1 - i]
    return (y * y).sum()


def write_numbers(x, n):
    y = x * x
    for i in range(0, n, 2):
        y[i] = 2.0
    return (y * y).sum()


def write_from_the_last(x, n):
    y = x * 1
    for i in range(1, n):
        y[i] = y[i - 1] * 0.5 + x[i]
    return y.sin().sum()


def write_in_place_through_views(x, n):
    y = x * 1
    for i in range(n):
        y[i] *= 1.5
        y[i : i + 1].sin_()
    return y.sum()


def write_rows(x, n):
    w = pb.zeros(n // 4, 4, dtype=x.dtype)
    for i in range(n // 4):
        w[i] = x[4 * i : 4 * i + 4].sin()
        w[i, 2:] += 1.0
    return w.prod(1).sum()


def write_at_indices(x, n):
    y = x * 1
    for i in range(n):
        y[pb.tensor([i, i * 7 % n, i])] = x[i] * 2
    return y.sin().sum()


def add_at_indices(x, n):
    y = x * 1
    for i in range(n):
        y.index_add_(0, pb.tensor([i]), x[i : i + 1].sin())
    return y.sin().sum()


def read_a_view_kept_through_writes(x, n):
    y, s = x * 1, 0.0
    kept = y[2:4]
    for i in range(4, n):
        y[i] = y[i] * 2
        s = s + kept.clone().prod()
    return s + y.sum()


PROGRAMS = [
    f
    for name, f in sorted(globals().items())
    if callable(f) and f.__module__ == __name__ and f.__code__.co_varnames[:2] == ("x", "n")
]
pytestmark = pytest.mark.filterwarnings("ignore:Anomaly Detection")
each = pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)


def work(program, n):
    x, _ = numbers(n)
    loss = program(x, n)
    before = pb.memory.total()
    loss.backward()
    return (pb.memory.total() - before) / n


@each
def test_work_does_not_grow_with_the_tensor(program):
    few, many = work(program, 1_000), work(program, 30_000)
    assert many < 4 * few + 200, (few, many)


@each
def test_every_mode_and_nesting(program):
    n = 40
    check(lambda x: program(x, n), numbers(n)[1], layouts=("contiguous",))


@each
def test_all_ways_to_a_gradient_agree(program):
    n = 40
    x, _ = numbers(n)
    g = pb.autograd.grad(program(x, n), x)[0].numpy()
    # Parts are not added in place with a graph of the gradient, under anomaly mode, or with tangents.
    with_graph = pb.autograd.grad(program(x, n), x, create_graph=True)[0].detach().numpy()
    with pb.autograd.detect_anomaly():
        watched = pb.autograd.grad(program(x, n), x)[0].numpy()
    program(x, n).backward()
    np.testing.assert_allclose(with_graph, g, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(watched, g, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(x.grad.numpy(), g, rtol=1e-12, atol=1e-14)


# ---- whoever looks at a gradient sees all of it ----


def test_hooks_on_a_view_see_its_whole_gradient():
    x, values = numbers(3, 4)
    row = x[1]
    seen = []
    row.register_hook(lambda g: seen.append(g.numpy().copy()))
    (row[0] * 2 + row[2:].sum() + x[1, 3] * 10).backward()
    np.testing.assert_array_equal(seen, [[2, 0, 1, 1]])
    np.testing.assert_array_equal(x.grad.numpy()[1], [2, 0, 1, 11])


def test_a_hook_on_a_view_may_replace_its_gradient():
    x, _ = numbers(3, 4)
    columns = x.t()
    columns.register_hook(lambda g: g * 3)
    (columns[0].sum() + columns[2, 1] + x[0, 0]).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[4, 0, 0, 0], [3, 0, 3, 0], [3, 0, 0, 0]])


def test_hooks_of_the_nodes_of_views_run():
    x, _ = numbers(4)
    calls = []
    part = x[1:]
    part.grad_fn.register_prehook(lambda grads: calls.append(("before", grads[0].tolist())))
    element = part[0]
    element.grad_fn.register_hook(lambda inputs, outputs: calls.append(("after", inputs[0].tolist())))
    (element * 5).backward()
    assert calls == [("after", [5.0, 0.0, 0.0]), ("before", [5.0, 0.0, 0.0])]


def test_retained_and_captured_gradients_of_views_are_whole():
    x, _ = numbers(3, 4)
    a, b = x[0], x.view(12)
    a.retain_grad()
    loss = a[1] + a[1:3].sum() + b[1] + b[11]
    loss.backward(retain_graph=True)
    np.testing.assert_array_equal(a.grad.numpy(), [0, 2, 1, 0])
    ga, gb, gx = pb.autograd.grad(loss, (a, b, x))
    np.testing.assert_array_equal(ga.numpy(), [0, 2, 1, 0])
    np.testing.assert_array_equal(gb.numpy(), [0, 1] + 9 * [0] + [1])
    np.testing.assert_array_equal(gx.numpy(), x.grad.numpy())


def test_a_kept_gradient_is_not_written_over():
    """The gradient of y goes through every write; the hook's is what it was when the hook saw it."""
    x, _ = numbers(4)
    y = x * 1
    kept = []
    for i in range(3):
        y.register_hook(kept.append)
        y[i] = 7.0
    (y * pb.tensor([1.0, 2.0, 3.0, 4.0], dtype=pb.float64)).sum().backward()
    assert [g.tolist() for g in kept] == [[1, 2, 0, 4], [1, 0, 0, 4], [0, 0, 0, 4]]
    assert x.grad.tolist() == [0, 0, 0, 4]


def test_a_gradient_that_numpy_shares_is_not_written_over():
    given = np.ones(4)

    class Give(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            return pb.from_numpy(given)

    x, _ = numbers(4)
    y = x * 1
    y[2] = 3.0
    (Give.apply(y).sum() + y[0]).backward()
    assert given.tolist() == [1, 1, 1, 1] and x.grad.tolist() == [2, 1, 0, 1]
    leaf = pb.ones(4, dtype=pb.float64, requires_grad=True)
    for _ in range(2):
        Give.apply(leaf).sum().backward()
    assert given.tolist() == [1, 1, 1, 1] and leaf.grad.tolist() == [2, 2, 2, 2]


def test_a_given_gradient_is_not_written_over():
    x, _ = numbers(4)
    y = x * 1
    y[1] = 3.0
    g = pb.ones(4, dtype=pb.float64)
    y.backward(g)
    assert g.tolist() == [1, 1, 1, 1] and x.grad.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("order", ["parts first", "whole first"])
def test_parts_and_wholes_add_up(order):
    x, values = numbers(5)
    terms = [lambda y: y[1] * 2, lambda y: (y * y).sum(), lambda y: y[1:4].sum(), lambda y: y.sum()]
    loss = 0.0
    for term in terms if order == "parts first" else reversed(terms):
        loss = loss + term(x)
    loss.backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * values + 1 + [0, 3, 1, 1, 0])


@pytest.mark.parametrize(
    "lay",
    [lambda a: a.t(), lambda a: a[:, ::2], lambda a: a[0].expand(3, 6)],
    ids=["transposed", "gaps", "expanded"],
)
def test_parts_of_leaves_in_any_layout(lay):
    x = lay(pb.tensor(np.arange(24.0).reshape(4, 6))).detach().requires_grad_()
    loss = x.t()[0].sum() + x[1, 2] * 5 + x[:, 1].prod() + x.reshape(-1)[pb.tensor([0, 1, 0])].sum()
    expected = np.zeros(x.shape)
    expected[:, 0] += 1
    expected[1, 2] += 5
    column = x[:, 1].tolist()
    expected[:, 1] += [np.prod(column[:i] + column[i + 1 :]) for i in range(len(column))]
    expected.reshape(-1)[:2] += [2, 1]
    loss.backward()
    np.testing.assert_allclose(x.grad.numpy(), expected)


@pytest.mark.parametrize("n", [100, 10_000])
def test_large_parts_and_pending_gradients(n):
    x, values = numbers(3, n)
    a, b, c = x[0], x[1:], x[:, 1]
    ((a.sin() * b.exp()).sum() + (c * c).sum() + (x * x).sum()).backward()
    g = 2 * values
    g[0] += np.cos(values[0]) * np.exp(values[1:]).sum(0)
    g[1:] += np.sin(values[0]) * np.exp(values[1:])
    g[:, 1] += 2 * values[:, 1]
    np.testing.assert_allclose(x.grad.numpy(), g, rtol=1e-10)


def test_anomaly_mode_names_the_part():
    x, _ = numbers(3)
    with pb.autograd.detect_anomaly(), pytest.warns(UserWarning, match="SelectBackward0"):
        y = x[0]
        with pytest.raises(RuntimeError, match="Function 'SelectBackward0' returned nan"):
            y.backward(pb.tensor(float("nan"), dtype=pb.float64))
