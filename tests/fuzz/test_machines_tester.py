"""The tester, tested: what is wrong on purpose is found, named by its kind, and made small."""

import ast
import os
import subprocess
import sys

import pytest
from fuzz.machines import shrink
from fuzz.machines.__main__ import Campaign
from fuzz.machines.generate import generate
from fuzz.machines.language import Program, script
from fuzz.machines.worker import SANITIZED, TESTS, Worker

# Each is Python that runs in the child before anything else.
TANH = """
import pullback as pb
from fuzz.machines import check
tanh = pb.Tensor.tanh
def wrong(t):
    y = tanh(t)
    {0}
    return y
pb.Tensor.tanh = wrong
"""
DEFERRED = (
    "import pullback._core as c; before = c.deferral(False, 1); c.deferral(*before); deferred = not before[0]"
)
CHECK = """
from fuzz.machines import check
run = check.run
def changed(program, immediate, rounds=None):
    result = run(program, immediate, rounds)
    counted = result.counted
    {0}
    return result
check.run = changed
"""
FAULTS = {
    "value": (TANH.format("y = y * 1.0001"), "wrong value", "tanh"),
    "gradient": (TANH.format("y = y + 0.01 * (t - t.detach()).tan()"), "wrong value", "tanh"),
    "dtype": (TANH.format("y = y.double()"), "wrong value", "tanh"),
    "bits": (TANH.format(f"{DEFERRED}; y = y * (1 + 3e-7 * deferred)"), "other bits deferred", "tanh"),
    "error": (TANH.format("raise RuntimeError('planted')"), "error RuntimeError", "tanh"),
    "hang": (TANH.format("while True: t = t + 1"), "hang", "tanh"),
    "crash": (TANH.format("import os; os.kill(os.getpid(), 11)"), "crash sanitizer" if SANITIZED else "crash SIGSEGV", "tanh"),
    "exit": (TANH.format("import os; os._exit(3)"), "crash exit status 3", "tanh"),
    "memory": (TANH.format("check.leak = pb.ones(2000) * y.sum()"), "memory", "tanh"),
    "visits": (CHECK.format("counted['visits'] += 17 * counted['expressions'] + 300"), "visits", ""),
    "executed": (CHECK.format("counted['executed'] += 2 * counted['recorded'] + 300"), "executed", ""),
    "growth": (CHECK.format("counted['visits'] += (rounds or 0) ** 2 // 10"), "growth", ""),
    "slow": (CHECK.format("result.seconds += 5 * (not immediate)"), "slow", ""),
    "peak": (CHECK.format("result.peak += (not immediate) << 30"), "memory", ""),
}  # fmt: skip


PROGRAM = Program(
    seed=1,
    dims={"a": 2, "b": 3, "c": 5},
    setup=[
        'x = make(1, (n,), "float32")',
        'y = make(2, (n,), "float32")',
        'p = make(3, (n,), "float32", requires_grad=True)',
    ],
    body=[
        "y = y * 0.5 + (x.sin() - y.tanh())",
        "if i > 3:\n    x = x.clamp(-1, 1) + (y - y)\n    y += 1",
        "p.grad = None\n(p * y).sin().mean().backward()",
        "q = (p * 0.5).tanh()\nq.mean().backward()",
    ],
    tail=['see("x", x)', 'see("y", y)', 'see("p", p.grad)'],
    rounds=5,
    threshold=4,
    long=True,
)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_made_small(name):
    planted, kind, culprit = FAULTS[name]
    with Worker(limit=4.0 if SANITIZED else 0.4, planted=planted) as worker:
        outcome = worker.program(PROGRAM)
        assert outcome.kind == kind, outcome
        small, text = shrink.shrink(PROGRAM, worker, kind, seconds=1e9, tries=10 if kind == "hang" else 30)
    assert text and culprit in small.text()
    assert len(small.text()) < 0.9 * len(PROGRAM.text()), small.text()
    ast.parse(script(small, text))


def test_a_campaign_finds_and_reports():
    planted = FAULTS["value"][0]
    found = Campaign(15, seed=9, jobs=1, planted=planted, shrunk=1, shrinking=3.0).run()
    assert found.faults["wrong value"] > 2 and found.passed + found.faults.total() == 15
    ((kind, reason, text),) = found.reports
    assert kind == "wrong value" and "NumPy in float64 says" in reason and "tanh" in text


def test_nothing_is_found_where_nothing_is_planted():
    with Worker(planted="import pullback") as worker:
        outcome = worker.program(PROGRAM)
    assert outcome.kind is None and outcome.compared == 3


def test_shrinking_leaves_what_the_fault_needs():
    class Oracle:
        def program(self, candidate):
            from fuzz.machines.worker import Outcome

            needs = "y - y" in candidate.text() and candidate.rounds > 3 and "if i" in candidate.text()
            return Outcome("it" if needs else None, "found")

    small, text = shrink.shrink(PROGRAM, Oracle(), "it")
    assert text == "found" and small.rounds == 4
    assert [line.strip() for line in small.text().splitlines()[3:]] == [
        "for i in range(rounds):",
        "if i:",
        "y - y",
    ]


def test_a_script_stands_alone():
    text = script(PROGRAM, 'a reason with """quotes""" and a \\ backslash')
    run = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert [line.split()[0] for line in run.stdout.splitlines()] == ["x", "y", "p"]
    assert "the same deferred" in run.stdout


@pytest.mark.skipif(SANITIZED, reason="a sanitizer reports an abort at its leisure")
def test_a_worker_goes_on_after_a_crash_and_after_a_hang():
    planted = "import fuzz.machines.check as c, os, time\nc.make = lambda *a: time.sleep(99) if a[0] == 1 else os.abort()"
    only = lambda lines: PROGRAM.replaced(setup=lines, body=[], tail=[])
    with Worker(limit=0.3, planted=planted) as worker:
        assert worker.program(only(['make(1, (n,), "float32")'])).kind == "hang"
        assert worker.program(only(['make(2, (n,), "float32")'])).kind == "crash SIGABRT"
        assert worker.program(only(["pb.ones(3)"])).kind is None


def test_machines_are_what_their_numbers_say():
    assert [generate(k).text() for k in range(20)] == [generate(k).text() for k in range(20)]
    assert len({generate(k).text() for k in range(200)}) == 200


def test_the_kinds_of_statements_are_all_there():
    """A generator that stops to write something would go unnoticed otherwise."""
    texts = "\n".join(generate(k).text() for k in range(700))
    for piece in (
        ".backward()", "autograd.grad", "create_graph=True", "retain_graph=True", "make_dual", "register_hook", "retain_grad",
        "addcmul_", "addcdiv_", "lerp_", "copy_", "masked_fill_", "zero_", "[1:] -=", "layer_norm", "softmax(1)", "logsumexp",
        "cross_entropy", " @ ", "pb.where", "- x0", "pb.minimum", ".mean(1, keepdim=True)", ".sum(0)", "reshape(a, b, c)",
        ".append(", ".pop(0)", "except", "synchronize", "% 7", ".detach()", ".double()", "cumsum", ".roll(", "pb.cat", ".T",
    ):  # fmt: skip
        assert piece in texts, piece


def test_the_command_says_how_many_passed():
    command = [sys.executable, "-m", "fuzz.machines", "-n", "12", "--seed", "4", "--jobs", "1"]
    environment = os.environ | {"PYTHONPATH": f"{TESTS}:{':'.join(sys.path)}"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "12 of 12 machines passed" in run.stdout and "12 of 12 machines" in run.stderr
