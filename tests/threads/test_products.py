"""Products shared among threads: right, and the same bits for any number of threads."""

import os
import subprocess
import sys

import numpy as np
import pytest
from threads.every_number import on_threads

import pullback as pb

SHAPES = [
    ((300, 211), (211, 290)),
    ((700, 50), (50, 300)),
    ((300, 80), (80, 701)),
    ((8, 700), (700, 512)),
    ((2000, 1000), (1000,)),
    ((1000,), (1000, 2000)),
    ((1, 1000), (1000, 2000)),
    ((40, 60, 50), (40, 50, 70)),
    ((3, 1, 200, 100), (4, 100, 150)),
    # Long and thin: tiles of rows, of columns and of the inner dimension.
    ((10_000, 20), (20, 20)),
    ((20, 20), (20, 10_000)),
    ((20, 10_000), (10_000, 20)),
    ((64, 63), (63, 1)),
    ((3, 2001, 40), (3, 40, 30)),
    ((3, 40, 2001), (3, 2001, 30)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("transposed", [(), (0,), (1,), (0, 1)])
def test_products(shapes, dtype, transposed):
    rng = np.random.default_rng(0)
    given, exact = [], []
    for i, shape in enumerate(shapes):
        x = rng.integers(-9, 9, shape) if dtype == "int64" else rng.standard_normal(shape)
        x = x.astype(dtype)
        exact.append(x.astype(np.float64))
        if i in transposed and x.ndim > 1:
            given.append(pb.tensor(np.swapaxes(x, -1, -2).copy()).transpose(-1, -2))
        else:
            given.append(pb.tensor(x))
    result = on_threads(lambda: given[0] @ given[1])
    bound = 1e-4 if dtype == "float32" else 1e-11
    np.testing.assert_allclose(result, exact[0] @ exact[1], rtol=bound, atol=bound * 30)


def test_added_products():
    rng = np.random.default_rng(1)
    c, a, b = (rng.standard_normal(s) for s in [(400, 300), (400, 200), (200, 300)])
    result = on_threads(lambda: pb.addmm(pb.tensor(c), pb.tensor(a), pb.tensor(b), beta=0.5, alpha=2))
    np.testing.assert_allclose(result, 0.5 * c + 2 * (a @ b), rtol=1e-11, atol=1e-11)


def test_gradients():
    rng = np.random.default_rng(2)
    a, b = (rng.standard_normal(s) for s in [(300, 400), (400, 500)])
    x = pb.tensor(a, requires_grad=True)

    def gradient():
        x.grad = None
        (x @ pb.tensor(b)).sum().backward()
        return x.grad

    np.testing.assert_allclose(on_threads(gradient), np.ones((300, 500)) @ b.T, rtol=1e-11)


def test_a_daemon_thread_at_work_when_the_interpreter_ends():
    program = """
import threading, time
import pullback as pb
a = pb.rand(400, 400)
(a @ a).sum().item()
def work():
    while True:
        (a @ a).sum().item()
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.1)
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_forks_beside_products_of_other_threads():
    """A child never waits for a lock of the library that a thread of its parent had."""
    program = """
import os, signal, threading, warnings
import pullback as pb
warnings.simplefilter("ignore")
pb.set_num_threads(2)
a = pb.rand(3000, 20, 20)
wanted = ((a @ a)[0, 0, 0].item(), pb.linalg.solve(a, a)[0, 0, 0].item())
def work():
    while True:
        a @ a
        pb.linalg.solve(a, a)
for _ in range(2):
    threading.Thread(target=work, daemon=True).start()
for _ in range(80):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        found = ((a[:9] @ a[:9])[0, 0, 0].item(), pb.linalg.solve(a[:9], a[:9])[0, 0, 0].item())
        os._exit(found != wanted)
    assert os.waitpid(child, 0)[1] == 0
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
