"""softmax, log_softmax and logsumexp of lines that lie side by side: beside NumPy, and beside lines one after the other."""

import itertools

import numpy as np
import pytest
from checks import check

import pullback as pb

LENGTHS = (1, 2, 20, 63, 64, 65, 130)
WIDTHS = (15, 16, 17, 63, 64, 65, 255, 257, 300)
FUNCTIONS = {"softmax": pb.softmax, "log_softmax": pb.log_softmax, "logsumexp": pb.logsumexp}


def numbers(*shape, seed=0, size=3.0):
    return np.random.default_rng(seed).normal(size=shape) * size


def spelt_out(name, x, axis):
    shifted = x - x.max(axis, keepdims=True)
    log = np.log(np.exp(shifted).sum(axis, keepdims=True))
    if name == "logsumexp":
        return (log + x.max(axis, keepdims=True)).squeeze(axis)
    return shifted - log if name == "log_softmax" else np.exp(shifted - log)


def both(name, x, u=None):
    """(value, gradient) along dimension 1 as it lies, and along the last one of a copy."""
    f, found = FUNCTIONS[name], []
    for moved in (False, True):
        z = (x.movedim(1, -1).contiguous() if moved else x).detach().requires_grad_()
        y = f(z, -1 if moved else 1)
        g = pb.ones_like(y) if u is None else u
        if moved and name != "logsumexp":
            g = g.movedim(1, -1)
        y.backward(g)
        value, slope = y.detach(), z.grad
        if moved:
            slope = slope.movedim(-1, 1)
            value = value if name == "logsumexp" else value.movedim(-1, 1)
        found.append((value, slope))
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype, near", [(np.float64, 1e-13), (np.float32, 2e-6)])
def test_every_length_and_width(name, dtype, near):
    for i, (n, width) in enumerate(itertools.product(LENGTHS, WIDTHS)):
        x = numbers(2, n, width, seed=i).astype(dtype)
        shape = (2, width) if name == "logsumexp" else x.shape
        u = pb.tensor(numbers(*shape, seed=i + 500).astype(dtype))
        (value, slope), (value_of_lines, slope_of_lines) = both(name, pb.tensor(x), u)
        expected = spelt_out(name, x.astype(np.float64), 1)
        np.testing.assert_allclose(value.numpy(), expected, near, near)
        pb.testing.assert_close(value, value_of_lines, rtol=near, atol=near)
        pb.testing.assert_close(slope, slope_of_lines, rtol=8 * near, atol=8 * near)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives(name):
    x = numbers(2, 5, 18, size=1.0)
    check(lambda x: FUNCTIONS[name](x, 1), x, second=False)
    check(lambda x: FUNCTIONS[name](x, 0), numbers(3, 16, size=1.0))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", (pb.float32, pb.float64))
def test_what_is_not_finite_and_what_is_far_ahead(name, dtype):
    inf, nan = float("inf"), float("nan")
    lines = [[0, 1, 2], [inf, 1, 0], [-inf, 1, 0], [-inf] * 3, [inf, inf, 0], [nan, 1, inf], [-inf, nan, 0]]
    lines += [
        [40, 0, 0],
        [1e30, 0, -1e30],
        [0, 800, 0],
        [-1e38, -1e38, -1e38],
        [5, 5, -inf],
        [0.1, 100, -100],
    ]
    x = pb.tensor(lines, dtype=dtype).T.repeat(1, 3).unsqueeze(0)  # 3 * 13 lines of 3
    u = None if name == "logsumexp" else pb.tensor([1.0, -2.0, 0.5], dtype=dtype)[:, None].expand(1, 3, 39)
    (value, slope), (value_of_lines, slope_of_lines) = both(name, x, u)
    near = {"rtol": 1e-6 if dtype == pb.float32 else 1e-13, "atol": 0, "equal_nan": True}
    pb.testing.assert_close(value, value_of_lines, **near)
    pb.testing.assert_close(slope, slope_of_lines, **near)


def test_however_the_input_lies():
    x = pb.tensor(numbers(4, 40, 6, 50))
    for view, dim in (
        (x[::2], 1),
        (x.transpose(1, 2), 0),
        (x[:, 3:30:2], 1),
        (x.flip(1), 1),
        (x[..., ::2], 2),
    ):
        for f in FUNCTIONS.values():
            pb.testing.assert_close(f(view, dim), f(view.contiguous(), dim), rtol=0, atol=0)
    pb.testing.assert_close(
        pb.vmap(lambda x: x.softmax(0))(x[:, :, 0]), x[:, :, 0].softmax(1), rtol=0, atol=0
    )


def test_every_number_of_threads_gives_the_same_bits():
    before, found = pb.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            pb.set_num_threads(threads)
            x = pb.tensor(numbers(8, 40, 600), requires_grad=True)
            y = pb.log_softmax(x, 1)
            y.square().sum().backward()
            found.append((y.detach().numpy().tobytes(), x.grad.numpy().tobytes()))
    finally:
        pb.set_num_threads(before)
    assert len(set(found)) == 1
