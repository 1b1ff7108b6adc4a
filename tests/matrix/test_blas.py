"""The BLAS library: loaded late, privately, and explained when it is missing."""

import os
import subprocess
import sys

import pytest


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
x @ pb.ones(8)
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
pb.ones(8, 8) @ pb.ones(8)
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
    pb.ones(8, 8) @ pb.ones(8)
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
    pb.ones(8, 8) @ pb.ones(8)
except ImportError as error:
    assert 'nowhere.so' in str(error), error
    print('explained')
"""
    assert run(program, PULLBACK_OPENBLAS=str(tmp_path / "nowhere.so")) == "explained"


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
