"""When code is made and kept, what happens where there can be none, and how it is looked at."""

import os
import shutil
import subprocess
import sys

import pytest
from deferral import deferral
from machine_code.executor import POSSIBLE, agree, emitted, machine_code, results, sample

import pullback as pb
from pullback import _core

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="this processor has no machine code")


def work(n=20_000, seed=0, dtype="float32"):
    x = sample(n, dtype, seed)
    return lambda: [(x * x + 1.5).maximum(x) / 3]


def run(program, least=16384):
    with deferral(least=least):
        tensors = program()
        pb.synchronize()
        return tensors


def surroundings(**changes):
    """The environment of another process, without what says how the suite runs."""
    ways = ("PULLBACK_IMMEDIATE", "PULLBACK_DEFER_FROM")
    return {name: value for name, value in os.environ.items() if name not in ways} | changes


def python(program, **changes):
    """The output of a program in a process of its own."""
    environment = surroundings(**changes)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_small_programs_are_emitted_when_they_are_met_again():
    x = sample(5000, "float32")  # too few to pay at once, on one thread too
    # Of a form that no other test in the process has.
    program = lambda: [
        ((x * x * x - x).maximum(x - x * x).minimum(x / (x * x + 7)) * x - x) / (x * x * x * x + 3)
    ]
    with machine_code("pays"):
        assert emitted(lambda: run(program)) == 0
        assert emitted(lambda: run(program)) == 1
        assert emitted(lambda: run(program)) == 0


def test_large_programs_are_emitted_at_once():
    program = work(2_000_000)
    with machine_code("pays"):
        assert emitted(lambda: run(program)) == 1


def test_code_does_not_depend_on_numbers_or_sizes():
    x = sample(70_000, "float32")
    with machine_code("always"):
        made = emitted(lambda: [run(lambda k=k: [x[: 1000 + k] * k - k / 3], 1) for k in range(5, 40)])
    assert made == 1


def test_a_bound_on_what_is_kept():
    x = sample(20_000, "float32")

    def different(k):  # programs of different forms
        y = x
        for bit in range(6):
            y = y * 1.5 if k >> bit & 1 else (y + 1.5) / 3
        return [y]

    with machine_code("always", entries=10):
        first = [results(lambda k=k: different(k), "never") for k in range(40)]
        with machine_code("always", entries=10):
            for k in range(40):
                run(lambda k=k: different(k))
            state = _core.machine_code()
            assert state["kept"] == 10
            assert state["bytes"] <= 10 * 65_536
        for k in range(40):
            assert results(lambda k=k: different(k), "always", entries=10) == first[k]


def test_a_system_that_refuses_runs_the_executor():
    program = work()
    expected = results(program, "never")
    before = _core.machine_code()
    assert results(program, "always", refused=True) == expected
    after = _core.machine_code()
    assert after["emitted"] == before["emitted"]
    assert after["refused"] > before["refused"]


PROGRAM = """
import numpy as np, pullback as pb
from pullback import _core
x = pb.arange(50_000) / 1000
for _ in range(4):
    y = (x * 1.7 - x.exp()).sigmoid() / (x + 2)
    s = y.sum().item()
state = _core.machine_code()
print(state["use"], state["isa"], state["emitted"], s.hex(), y.numpy().tobytes().hex()[-400:])
"""


def test_the_environment_switches_it_off():
    use, _, emitted, *values = python(PROGRAM, PULLBACK_MACHINE_CODE="0").split()
    assert (use, emitted) == ("never", "0")
    use, _, emitted, *with_code = python(PROGRAM, PULLBACK_MACHINE_CODE="1").split()
    assert use == "pays" and int(emitted) > 0
    assert values == with_code


@pytest.mark.parametrize("isa", ["baseline", "avx2"])
def test_lower_instruction_sets(isa):
    """All is exact but what the baseline, which has no fused product and sum, does in its own way."""
    use, chosen, emitted, *values = python(PROGRAM, PULLBACK_ISA=isa, PULLBACK_MACHINE_CODE="always").split()
    assert chosen == isa and (int(emitted) > 0) == (isa == "avx2")
    assert values == python(PROGRAM, PULLBACK_ISA=isa, PULLBACK_MACHINE_CODE="0").split()[3:]


def test_all_primitives_with_avx2():
    if _core.machine_code()["isa"] == "avx2":
        pytest.skip("that is what the other tests are about, here")
    tests = os.path.join(os.path.dirname(__file__), "test_primitives.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", tests]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, env=os.environ | {"PULLBACK_ISA": "avx2"}
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_perf_finds_names():
    program = PROGRAM + "import os; print(os.getpid())"
    pid = int(python(program, PULLBACK_PERF_MAP="1", PULLBACK_MACHINE_CODE="always").split()[-1])
    path = f"/tmp/perf-{pid}.map"
    with open(path) as lines:
        start, size, name = lines.readline().split()
    os.remove(path)
    assert int(start, 16) % 4096 == 0
    assert int(size, 16) > 0
    assert name == "pullback::program_1"


@pytest.mark.skipif(not shutil.which("gdb"), reason="there is no GDB here")
def test_gdb_finds_names_and_callers(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    orders = ["set breakpoint pending on", "break pullback::program_1", "run", "backtrace 8", "kill"]
    command = ["gdb", "-nx", "-batch", *(word for order in orders for word in ("-ex", order))]
    command += ["--args", sys.executable, str(script)]
    environment = surroundings(PULLBACK_GDB="1", PULLBACK_MACHINE_CODE="always", PULLBACK_NUM_THREADS="1")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    if "ptrace: Operation not permitted" in done.stderr:
        pytest.skip("nobody may be watched here")
    stack = [line for line in done.stdout.splitlines() if line.startswith("#")]
    assert "pullback::program_1" in stack[0], done.stdout + done.stderr
    assert any("Runner" in frame for frame in stack[1:4]), done.stdout + done.stderr  # who called it


def test_explaining_shows_instructions_with_what_they_compute():
    x = sample(20_000, "float32")
    with deferral(least=1), machine_code("pays"):
        y = x * 2.5 + 1
        text = str(pb.explain(y, code=True))
        assert (
            "v0 = x0 | mul 2.5 | add 1" in text.splitlines()[-5:][0] or "; v0 = x0 | mul 2.5 | add 1" in text
        )
        assert "vmulps" in text and "vaddps" in text and "[x0]" in text and "[v0]" in text
        assert "vmulps" not in str(pb.explain(y))
    with deferral(least=1), machine_code("never"):
        assert "no code" in str(pb.explain(x * 2.5 + 1, code=True))


def test_threads_share_code():
    x, y = sample(300_000, "float32", 1), sample(300_000, "float32", 2)
    before = pb.get_num_threads()
    try:
        for threads in (1, 3):
            pb.set_num_threads(threads)
            assert agree(lambda: [(x * y).sigmoid() + x, (x * y).sum(), x / (y * y + 1)])
    finally:
        pb.set_num_threads(before)


def test_after_a_fork():
    python("""
import os, pullback as pb
x = pb.ones(200_000)
f = lambda: ((x * 3 + 1) / 7).sum().item()
expected = f(), f()
child = os.fork()
if not child:
    os._exit(0 if (f(), f()) == expected else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
""")
