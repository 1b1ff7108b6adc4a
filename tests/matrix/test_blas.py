"""The BLAS library: loaded late, privately, and explained when it is missing."""

import os
import subprocess
import sys

import pytest

import pullback as pb


def run(program, **environment):
    env = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LOADED = "any('scipy_openblas32' in line for line in open('/proc/self/maps'))"


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="reads /proc")
def test_loaded_by_the_first_that_needs_it():
    program = f"""
import pullback as pb
x = pb.ones(8, 8)
(x * x).sum()
pb.ones(4, 4) @ pb.ones(4, 4)  # a loop is faster
print({LOADED}, end=' ')
pb.ones(2, 2, dtype=pb.int64) @ pb.ones(2, 2, dtype=pb.int64)
print({LOADED}, end=' ')
x.to(pb.complex64) @ pb.ones(8, 8, dtype=pb.complex64)
print({LOADED})
"""
    assert run(program) == "False False True"


def test_environment_is_left_as_it_was():
    program = """
import ctypes, os
import pullback as pb
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
names = b'OPENBLAS_CORETYPE', b'OPENBLAS_NUM_THREADS'
before = [libc.getenv(n) for n in names]
pb.ones(8, 8, dtype=pb.complex64) @ pb.ones(8, 8, dtype=pb.complex64)
assert [libc.getenv(n) for n in names] == before, before
print(before)
"""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=clean, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[None, None]", done.stderr
    assert run(program, OPENBLAS_CORETYPE="HASWELL", OPENBLAS_NUM_THREADS="2") == "[b'HASWELL', b'2']"


def test_missing_library():
    program = """
import pullback as pb, pullback.runtime.blas
import importlib.util
importlib.util.find_spec = lambda name: None
try:
    pb.ones(8, 8, dtype=pb.complex64) @ pb.ones(8, 8, dtype=pb.complex64)
except ImportError as error:
    assert 'pip install scipy-openblas32' in str(error), error
    print('explained')
assert (pb.ones(2) * 3).sum().item() == 6
"""
    assert run(program, PULLBACK_OPENBLAS="") == "explained"


def test_wrong_library(tmp_path):
    program = """
import pullback as pb
try:
    pb.ones(8, 8, dtype=pb.complex64) @ pb.ones(8, 8, dtype=pb.complex64)
except ImportError as error:
    assert 'nowhere.so' in str(error), error
    print('explained')
"""
    assert run(program, PULLBACK_OPENBLAS=str(tmp_path / "nowhere.so")) == "explained"


@pytest.mark.skipif(pb.__config__.show().find("kernels: baseline") > 0, reason="products are BLAS's")
def test_products_of_floats_need_no_library(tmp_path):
    program = """
import numpy as np
import pullback as pb
pb.manual_seed(0)
for dtype in (pb.float32, pb.float64):
    a, b = pb.randn(9, 70, dtype=dtype), pb.randn(70, 300, dtype=dtype)
    v, w, grid = pb.randn(70, dtype=dtype), pb.randn(300, dtype=dtype), pb.randn(70, 6, dtype=dtype)
    x, y = a.numpy(), b.numpy()
    p, q, g = v.numpy(), w.numpy(), grid.numpy()
    tall, thin = pb.randn(4, 1, 70, dtype=dtype), pb.randn(4, 70, 1, dtype=dtype)
    for got, expected in [
        (a @ v, x @ p), (v @ b, p @ y), (b.T @ v, y.T @ p), (b @ w, y @ q), (pb.mv(a, grid[:, 2]), x @ g[:, 2]),
        (pb.dot(v, grid[:, 1]), p @ g[:, 1]), (pb.dot(grid[:, 0], grid[:, 3]), g[:, 0] @ g[:, 3]),
        (pb.dot(w, w), q @ q), (pb.outer(v, w), np.outer(p, q)), (pb.inner(a, v), x @ p),
        (pb.addmv(v[:9], a, v, beta=2, alpha=3), 2 * p[:9] + 3 * (x @ p)),
        (pb.addr(b, v, w, beta=2), 2 * y + np.outer(p, q)), (pb.einsum('ij,j->i', a, v), x @ p),
        (pb.einsum('i,ij,j', v, b, w), p @ y @ q), (tall @ thin, tall.numpy() @ thin.numpy()),
        (tall @ b, tall.numpy() @ y), (pb.linalg.multi_dot([v, b, w]), p @ y @ q),
    ]:
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-4, atol=1e-4)
one = pb.ones(1, 5, dtype=pb.complex64)
assert (one @ one.T).item() == 5 == pb.dot(one[0], one[0]).item() == pb.vdot(one[0], one[0]).item()
for batch in (1, 8):
    net = pb.nn.Sequential(pb.nn.Linear(64, 128), pb.nn.Tanh(), pb.nn.Linear(128, 1))
    net(pb.randn(batch, 64)).sum().backward()
print('done')
"""
    assert run(program, PULLBACK_OPENBLAS=str(tmp_path / "nowhere.so")) == "done"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_products_after_a_fork():
    program = """
import os
import warnings
import pullback as pb
warnings.simplefilter('ignore')
x, y = pb.ones(300, 300), pb.ones(300, 300, dtype=pb.complex64)
x @ x, y @ y
child = os.fork()
if child == 0:
    os._exit(0 if (x @ x).sum().item() == 300.0 ** 3 == (y @ y).sum().item() else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(program) == "0"
