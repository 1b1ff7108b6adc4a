"""Gradients of slices in a vmap while they are pending: one program computes them and adds them, row after row."""

import numpy as np
import pytest
from deferral import deferral

import pullback as pb
from pullback.func import grad, hessian, jacfwd, jacrev, vmap


def numbers(*shape, dtype=np.float32, seed=0):
    return pb.from_numpy(np.random.default_rng(seed).uniform(0.3, 2.0, shape).astype(dtype))


def banded(x):
    return x[1:-1] * (x[:-2] + x[2:]) - x[1:-1] ** 3


def banded_jacobian(x):
    n, full = len(x), np.zeros((len(x) - 2, len(x)))
    k = np.arange(n - 2)
    full[k, k] = full[k, k + 2] = x[1:-1]
    full[k, k + 1] = x[:-2] + x[2:] - 3 * x[1:-1] ** 2
    return full


def rosenbrock(x):
    a, b = x[:-1], x[1:]
    return (100 * (b - a * a) ** 2 + (1 - a) ** 2).sum()


def rosenbrock_hessian(x):
    n, full = len(x), np.zeros((len(x), len(x)))
    k = np.arange(n - 1)
    full[k, k] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    full[k + 1, k + 1] += 200
    full[k, k + 1] = full[k + 1, k] = -400 * x[:-1]
    return full


def runs(function):
    """What it gives, and in how many programs."""
    pb.synchronize()
    before = pb.counters()["runs"]
    found = function()
    return found, pb.counters()["runs"] - before


# Up to a block of either type, and beyond.
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [40, 199, 512, 513, 514, 600, 1024, 1026, 1030])
@pytest.mark.parametrize("threads", [1, 3])
def test_bands(n, dtype, threads):
    x = numbers(n, dtype=dtype)
    before = pb.get_num_threads()
    pb.set_num_threads(threads)
    try:
        with deferral(least=1):
            found = jacrev(banded)(x)
    finally:
        pb.set_num_threads(before)
    assert np.allclose(found.numpy(), banded_jacobian(x.numpy().astype(float)), rtol=1e-5, atol=1e-5)
    with deferral(immediate=True):
        assert np.array_equal(jacrev(banded)(x).numpy(), found.numpy())  # added in the same order


def test_one_program_computes_and_adds():
    x = numbers(14)  # rows that fit the shortest blocks
    with deferral(least=100):
        found, programs = runs(lambda: jacrev(banded)(x))
    assert programs == 1
    assert np.allclose(found.numpy(), banded_jacobian(x.numpy().astype(float)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n", [40, 130, 200, 700])
def test_hessians(n):
    x = numbers(n, dtype=np.float64)
    with deferral(least=1):
        for second in (hessian(rosenbrock), jacfwd(grad(rosenbrock)), jacrev(grad(rosenbrock))):
            assert np.allclose(second(x).numpy(), rosenbrock_hessian(x.numpy()))


def overlapping(x):
    return (x[:7].sin() * x[3:10] + x[2:9] * x[2:9]).sum() * x[3:10].exp().sum()


def of_rows(x):
    return (x[1:] * x[:-1]).sin().sum(0).exp().mean() + x[1:].exp().mean()


def of_columns(x):
    return (x[:, 1:] * x[:, :-1]).sin().sum() + (x[:, 1:] ** 2).sum()


def other_lengths(x):
    return (x[:-1] * 2).sin().sum() + (x[2:] * x[2:]).sum() + x[0].sum() * x[-1].sum()


def read_twice(x):
    """The gradient of one part is read by that of another."""
    a, b = x[:-1], x[1:]
    return (b - a.sin()).sin().sum() + (b * b).sum()


def whole_as_well(x):
    return (x[1:] * x[:-1]).sum() + x.exp().sum()


def single_numbers(x):
    """Beside a gradient of the whole that is there already."""
    a, b, c = x[0, 1], x[3, 2], x[11, 5]
    return (a * b - b * c).sin() * (c * a).cos() + (x * x).exp().mean()


def by_steps(x):
    return (x[::2].sin() * x[1::2]).sum()


def one_number(x):
    """What is added is the same for all elements."""
    return 3 * x[1:].sum() + x[:-1].sum() * 2


PROGRAMS = [
    overlapping, of_rows, of_columns, other_lengths, read_twice, whole_as_well, single_numbers, by_steps, one_number
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients_of_samples(program, dtype):
    x = numbers(30, 12, 6, dtype=dtype)
    each = np.stack([grad(program)(entry.double()).numpy() for entry in x])
    for g in (vmap(grad(program)), lambda x: vmap(vmap(grad(program)))(x.view(5, 6, 12, 6)).view(30, 12, 6)):
        with deferral(least=1):
            assert np.allclose(g(x).numpy(), each, rtol=1e-4, atol=1e-4)
        with deferral(immediate=True):
            now = g(x).numpy()
        with deferral(least=1):
            assert np.array_equal(g(x).numpy(), now)


def cross(x, y):
    return x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]


@pytest.mark.parametrize("threads", [1, 3])
def test_numbers_are_added_to_what_is_there(threads):
    """The numbers of short rows go to the gradient of the whole by the program that computes them."""
    x, y = numbers(5000, 3), numbers(5000, 3, seed=1)

    def volume(x, y):
        a, b, c = cross(x, y)
        return (a * b + c).sin() + (x * x).sum()

    before = pb.get_num_threads()
    pb.set_num_threads(threads)
    try:
        with deferral(least=1000):
            found, programs = runs(lambda: vmap(grad(volume))(x, y))
    finally:
        pb.set_num_threads(before)
    u, v = (t.numpy().astype(float) for t in (x, y))
    a, b, c = np.cross(u, v).T
    slope = np.cos(a * b + c)[:, None]
    by_cross = slope * np.stack([b, a, np.ones_like(a)], 1)
    assert np.allclose(found.numpy(), np.cross(v, by_cross) + 2 * u, rtol=1e-4, atol=1e-5)
    assert programs <= 12  # and none of them adds: those would be twelve more
    with deferral(immediate=True):
        assert np.array_equal(vmap(grad(volume))(x, y).numpy(), found.numpy())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [3, 700, 9000])  # a block, less than a chunk, and several chunks
def test_parts_that_are_in_memory_are_added_by_all_threads(rows, dtype):
    """Runs of several lengths, some of them of the same numbers: no program adds those."""
    x = numbers(rows, 11, dtype=dtype)

    def f(x):
        return (x[:3] * x[:3]).sum() * x[6] + (x[3:6] / x[9]).sin().sum() + (x[7:9] * x[1:3]).sum() * x[10]

    before = pb.get_num_threads()
    with deferral(immediate=True):
        found = []
        try:
            for threads in (1, 3):
                pb.set_num_threads(threads)
                found.append(vmap(grad(f))(x).numpy())
        finally:
            pb.set_num_threads(before)
    with deferral(least=1000):
        found.append(vmap(grad(f))(x).numpy())
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])
    v = x.numpy().astype(float)
    expected = np.zeros_like(v)
    expected[:, :3] += 2 * v[:, :3] * v[:, 6:7]
    expected[:, 6] += (v[:, :3] ** 2).sum(1)
    slope = np.cos(v[:, 3:6] / v[:, 9:10])
    expected[:, 3:6] += slope / v[:, 9:10]
    expected[:, 9] -= (slope * v[:, 3:6]).sum(1) / v[:, 9] ** 2
    expected[:, 7:9] += v[:, 1:3] * v[:, 10:]
    expected[:, 1:3] += v[:, 7:9] * v[:, 10:]
    expected[:, 10] += (v[:, 7:9] * v[:, 1:3]).sum(1)
    assert np.allclose(found[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_rows(dtype):
    z = pb.complex(numbers(200, 14, dtype=np.float64), numbers(200, 14, dtype=np.float64, seed=1))
    z = z.to(pb.from_numpy(np.zeros(1, dtype)).dtype)

    def f(z):
        return (z[1:] * z[:-1].conj()).imag.sum() + (z * z).real.sum() + (z[3] * z[5]).real

    with deferral(least=1):
        found = vmap(grad(f))(z)
    v = z.numpy()
    expected = 2 * v.conj()  # of the real part of z^2
    expected[:, 1:] += 1j * v[:, :-1]
    expected[:, :-1] -= 1j * v[:, 1:]
    expected[:, 3] += v[:, 5].conj()
    expected[:, 5] += v[:, 3].conj()
    assert np.allclose(found.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("program", PROGRAMS)
def test_second_derivatives(program):
    x = numbers(12, 6, dtype=np.float64)
    with deferral(immediate=True):
        expected = jacrev(grad(program))(x).numpy()
    with deferral(least=1):
        assert np.allclose(hessian(program)(x).numpy(), expected)
        assert np.allclose(jacrev(jacrev(program))(x).numpy(), expected)


def test_a_gradient_that_somebody_holds():
    """A hook keeps the gradient of a part, which is asked for afterwards."""
    x, kept = numbers(64, 40, dtype=np.float64), []

    def f(x):
        a, b = x[1:], x[:-1]
        a.register_hook(lambda g: kept.append(g * 2))
        return (a.sin() * b).sum()

    with deferral(least=1):
        found = vmap(grad(f))(x)
        v = x.numpy()
        expected = np.zeros_like(v)
        expected[:, 1:] += np.cos(v[:, 1:]) * v[:, :-1]
        expected[:, :-1] += np.sin(v[:, 1:])
        assert np.allclose(found.numpy(), expected, rtol=1e-5)
        assert len(kept) == 1


def test_what_else_is_pending_goes_along():
    """A plan covers what is connected: values of the same operands, which are there afterwards, and reductions."""
    x = numbers(50, 40)
    with deferral(least=1):
        scale = x * 1.5
        beside, total = scale.exp(), (scale * 2).sum(1)
        f = lambda row, scale: ((row[1:] * scale[1:]).sin() * row[:-1]).sum()
        found = vmap(grad(f))(x, scale)
        v = x.numpy().astype(float)
        s = 1.5 * v
        expected = np.zeros_like(v)
        expected[:, 1:] += np.cos(v[:, 1:] * s[:, 1:]) * s[:, 1:] * v[:, :-1]
        expected[:, :-1] += np.sin(v[:, 1:] * s[:, 1:])
        assert np.allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)
        assert np.allclose(beside.numpy(), np.exp(s), rtol=1e-5)
        assert np.allclose(total.numpy(), (2 * s).sum(1), rtol=1e-5)


def test_operands_that_are_written_over():
    """The old value of what is updated in place is an operand of the parts; its memory may be given away."""
    with deferral(least=1):
        w = numbers(40, 60)
        for _ in range(3):
            g = vmap(grad(lambda row: (row[1:].sin() * row[:-1]).sum()))(w)
            w.sub_(g * 0.1)
        v = numbers(40, 60).numpy().astype(float)
        for _ in range(3):
            d = np.zeros_like(v)
            d[:, 1:] += np.cos(v[:, 1:]) * v[:, :-1]
            d[:, :-1] += np.sin(v[:, 1:])
            v -= 0.1 * d
        assert np.allclose(w.numpy(), v, rtol=1e-4, atol=1e-5)
