"""The pool: every chunk once, whoever takes it; changing its size, forks and exits at any time."""

import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import pullback as pb
from pullback import _core

LONG = 1e9  # an estimate that asks for every helper


@pytest.fixture(autouse=True)
def three_threads():
    pb.set_num_threads(3)


def count(chunks, work=LONG, spin=0, nested=False):
    counts = np.zeros(chunks, np.int64)
    taken = _core._parallel(counts, work, spin, nested)
    assert (counts == 1).all()
    assert sum(taken) == chunks
    return taken


@pytest.mark.parametrize("chunks", [0, 1, 2, 3, 7, 1000])
@pytest.mark.parametrize("work", [0.0, 1e4, LONG])
def test_every_chunk_once(chunks, work):
    taken = count(chunks, work)
    assert sum(taken[3:]) == 0


def test_workers_help():
    # Chunks of about 100 microseconds: also with one busy processor, the others get some of a hundred.
    assert any(sum(count(100, spin=100_000)[1:]) > 0 for _ in range(10))


def test_little_work_is_done_alone():
    assert count(50, work=100.0)[0] == 50


def test_many_small_jobs():
    for _ in range(3000):
        count(5, work=1e5)


def test_nested_calls_keep_their_worker():
    for _ in range(50):
        count(20, nested=True, spin=1000)


def test_changing_the_size_between_jobs():
    for n in [1, 2, 5, 1, 3, 4, 1, 2] * 5:
        pb.set_num_threads(n)
        assert pb.get_num_threads() == n
        assert sum(count(40, spin=100)[n:]) == 0


def test_changing_the_size_from_another_thread():
    stop = threading.Event()

    def change():
        while not stop.is_set():
            for n in (1, 2, 4):
                pb.set_num_threads(n)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(300):
            count(30, spin=100)
    finally:
        stop.set()
        thread.join()


def test_calls_from_several_threads():
    failures = []

    def work():
        try:
            for _ in range(200):
                count(10)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_fork():
    count(100)
    for _ in range(3):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                helped = False
                for _ in range(50):
                    helped = helped or sum(count(50, spin=20_000)[1:]) > 0
                pb.set_num_threads(2)
                count(100)
                code = 0 if helped else 2
            finally:
                os._exit(code)
        count(100)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        count(100)


def _taken_in_child(_):
    return len(count(64, spin=1000))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_multiprocessing_by_fork():
    count(100)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(_taken_in_child, range(8)) == [64] * 8


def run(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_exit_while_idle():
    program = (
        "import numpy as np, time, pullback as pb; from pullback import _core; pb.set_num_threads(4); "
        "_core._parallel(np.zeros(100, np.int64), 1e9, 1000, False); time.sleep({}); print('done')"
    )
    for seconds in (0, 0.01):
        done = run(program.format(seconds))
        assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_environment():
    program = "import pullback as pb; print(pb.get_num_threads())"
    assert run(program, PULLBACK_NUM_THREADS="7").stdout == "7\n"
    expected = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for nonsense in ("0", "-3", "many", ""):
        assert run(program, PULLBACK_NUM_THREADS=nonsense).stdout == f"{expected}\n"


@pytest.mark.parametrize("name", ["set_num_threads", "set_num_interop_threads"])
@pytest.mark.parametrize("given", [0, -1, 1.5, "2", True, None])
def test_errors(name, given):
    with pytest.raises(RuntimeError) as ours:
        getattr(pb, name)(given)
    kind = type(given).__name__
    sentence = "a positive integer" if kind == "int" else f"an int, but got {kind}"
    assert str(ours.value).startswith(f"{name} expects {sentence}")
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as theirs:
        getattr(torch, name)(given)
    assert str(ours.value).startswith(str(theirs.value))


def test_numbers_that_are_ints():
    pb.set_num_threads(np.int64(2))
    assert pb.get_num_threads() == 2
