"""Libraries that are written for PyTorch do their work on pullback: the programs in clients/, and tests of their own.

`make clients` installs them and sets PULLBACK_CLIENTS to the Python that has them, and no PyTorch.
"""

import os
import pathlib
import re
import subprocess

import pytest

import pullback

ROOT = pathlib.Path(__file__).parents[2]
PROGRAMS = sorted(path.name for path in (ROOT / "clients").glob("*.py"))
# Each library's own tests, and which of them are left out: what asks for torch.compile's own module, and what starts a
# Python that knows nothing of the alias.
SUITES = {
    "einops.tests": "not torch_compile and not threading",
    "opt_einsum": "",
    "tensorly": "",
}

pytestmark = pytest.mark.network


def run(*arguments, **variables):
    source = str(pathlib.Path(pullback.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source, **variables}
    python = os.environ["PULLBACK_CLIENTS"]
    command = [python, "-W", "ignore", "-m", "pullback", *arguments]
    # Elsewhere, where pytest finds no tests of this project.
    here = pathlib.Path(python).parent
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, cwd=here)


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program):
    done = run("run", str(ROOT / "clients" / program))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("\n") == 1  # what it found


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES)
def test_their_own_tests(suite):
    # Their tests know nothing of this project's settings.
    arguments = ["-c", os.devnull, "-q", "-p", "no:cacheprovider", "--tb=line", "--pyargs", suite]
    if SUITES[suite]:
        arguments += ["-k", SUITES[suite]]
    done = run(
        "run", "-m", "pytest", *arguments, EINOPS_TEST_BACKENDS="numpy,torch", TENSORLY_BACKEND="pytorch"
    )
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) > 50, done.stdout[-500:]


def test_nothing_of_pytorch_is_there():
    python = os.environ["PULLBACK_CLIENTS"]
    assert subprocess.run([python, "-c", "import torch"], capture_output=True).returncode != 0
