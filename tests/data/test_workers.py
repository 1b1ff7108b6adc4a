"""Workers of a loader: what they send arrives whole, what goes wrong in them is said, and nothing is left behind.

Whatever could hang runs in a process of its own, under a limit of time.
"""

import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import pullback as pb
from pullback.utils import data
from pullback.utils.data import DataLoader
from pullback.utils.data._utils import transport

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="signals, and processes that fork"),
    pytest.mark.filterwarnings("ignore:This (process|DataLoader)"),
]
SOURCE = pathlib.Path(pb.__file__).parents[1]
HEAD = """
import os, signal, sys, threading, time, warnings
import numpy as np
import pullback as pb
from pullback.utils.data import DataLoader, IterableDataset, TensorDataset, get_worker_info
warnings.simplefilter("ignore")
import multiprocessing
if __name__ == "__main__":
    multiprocessing.set_start_method("fork")  # functions that nothing can pickle

class Each:
    def __init__(self, f, n=20):
        self.f, self.n = f, n
    def __getitem__(self, i):
        return self.f(i)
    def __len__(self):
        return self.n

"""


@pytest.fixture(autouse=True)
def workers_are_forked():
    """Functions of tests cannot be pickled."""
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("fork", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


def start(program, **options):
    """A program as a process, which leads a group of its own."""
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.Popen(
        [sys.executable, "-c", HEAD + textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # whoever ignores it
        **options,
    )


def run(program, status=0):
    """What a program prints; its workers end with it."""
    process = start(program)
    said = process.communicate(timeout=60)[0]  # the end of its output: nobody holds it any more
    assert process.returncode == status, said
    assert no_process_of(process)
    return said


def no_process_of(process):
    """Whether nothing is left of its group, after a moment."""
    for _ in range(300):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


class Each:
    def __init__(self, f, n=6):
        self.f, self.n = f, n

    def __getitem__(self, index):
        return self.f(index)

    def __len__(self):
        return self.n


def through(f, n=6, **options):
    """What two workers give."""
    options = {"batch_size": None, "num_workers": 2, **options}
    return list(DataLoader(Each(f, n), **options))


# ---- what arrives ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [pb.float32, pb.float64, pb.int64, pb.int8, pb.uint8, pb.bool])
def test_numbers_arrive_whole(dtype):
    shapes = [(), (0,), (3, 0), (7,), (50, 70, 3), (300_000,)]

    def make(index):
        return pb.arange(int(np.prod(shapes[index]))).reshape(shapes[index]).mul(7).remainder(101).to(dtype)

    for index, found in enumerate(through(make)):
        assert found.dtype is dtype and found.shape == shapes[index] and pb.equal(found, make(index))


def test_views_and_what_is_pending_arrive_as_values():
    x = pb.linspace(0, 1, 60_000).reshape(200, 300)
    pending = (x.exp() + 1).log()  # nobody has looked at it
    makes = [
        x.t,
        lambda: x[::3, 5:],
        lambda: x[0].expand(4, 300),
        lambda: pending,
        lambda: (pending * 2).sin(),
    ]
    makes.append(lambda: x.reshape(2, 100, 3, 100).permute(0, 3, 1, 2))
    for make, found in zip(makes, through(lambda index: makes[index]())):
        assert pb.equal(found, make()) and found.stride() == make().stride()
        found.contiguous().add_(1)


def test_a_view_is_sent_without_the_rest_of_its_memory():
    x = pb.arange(300_000.0).reshape(1000, 300)
    for view in (
        x[7],
        x[7:9, ::2],
        x.t()[3],
        x[999, 299],
        x[5:5],
        x[4].expand(3, 300),
        x[3, :100].view(10, 10).t(),
    ):
        message = transport.packed(transport.RESULT, 0, view)
        reached = sum((n - 1) * step for n, step in zip(view.shape, view.stride())) + 1 if view.numel() else 0
        assert sum(map(len, message)) < 4 * reached + 1000
    for found, view in zip(through(lambda index: x[index], 3), x):
        assert pb.equal(found, view) and found.storage_offset() == 0


def test_what_is_in_containers_arrives():
    def make(index):
        return {"x": [np.arange(3), "text", None], "p": pb.nn.Parameter(pb.ones(3))}

    (found,) = through(make, 1, collate_fn=lambda sample: {**sample, "size": pb.Size([2])})
    assert found["x"][0].tolist() == [0, 1, 2] and found["x"][1:] == ["text", None]
    assert isinstance(found["p"], pb.nn.Parameter) and found["p"].requires_grad and found["size"] == (2,)


def test_an_array_that_is_filled_again_is_sent_as_it_was():
    array = np.zeros(100_000)

    def make(index):
        array[:] = index
        return array

    assert [float(each.sum()) for each in through(make, 12)] == [index * 100_000.0 for index in range(12)]


def test_results_are_made_ahead_while_nobody_reads():
    # Each is larger than what a pipe holds.
    loader = iter(
        DataLoader(Each(lambda i: np.full(10**6, time.time())), None, num_workers=1, prefetch_factor=4)
    )
    first = next(loader)[0].item()
    time.sleep(1.0)
    asked = time.time()
    assert first < next(loader)[0].item() < asked and next(loader)[0].item() < asked


def test_long_lists_of_indices():
    batches = [list(range(200_000)) for _ in range(6)]
    loader = DataLoader(range(200_000), batch_sampler=batches, num_workers=2, collate_fn=len)
    assert list(loader) == [200_000] * 6


def test_deferral_in_workers():
    x = pb.linspace(0, 1, 40_000)
    found = through(lambda index: (x * index).exp().sum())
    np.testing.assert_allclose(
        [each.item() for each in found], [(x * index).exp().sum().item() for index in range(6)]
    )


# ---- what goes wrong ---------------------------------------------------------------------------------------------


class Own(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def fail(index):
    if index != 1:
        return index
    raise {"key": KeyError("lost"), "own": Own(1, 2), "text": UnicodeDecodeError("utf8", b"", 0, 1, "why")}[
        KIND
    ]


@pytest.mark.parametrize(
    "kind, error, says",
    [
        ("key", KeyError, "KeyError: 'lost'"),
        ("own", RuntimeError, "test_workers.Own: (1, 2)"),
        ("text", RuntimeError, "UnicodeDecodeError: 'utf8'"),
    ],
)
def test_an_exception_comes_with_its_traceback(monkeypatch, kind, error, says):
    monkeypatch.setitem(globals(), "KIND", kind)
    loader = iter(DataLoader(Each(fail), None, num_workers=2))
    assert next(loader) == 0
    with pytest.raises(error) as raised:
        next(loader)
    text = str(raised.value)
    assert (
        text.startswith("Caught ")
        and " in DataLoader worker process 1.\nOriginal Traceback (most recent" in text
    )
    assert "in fail\n" in text and says in text
    assert list(loader) == [2, 3, 4, 5]  # the others are there


def test_a_start_that_fails():
    with pytest.raises(ZeroDivisionError, match="Caught ZeroDivisionError in DataLoader worker process 0"):
        through(lambda index: index, worker_init_fn=lambda number: 1 / 0)


def test_what_cannot_be_pickled_raises():
    with pytest.raises((AttributeError, TypeError, RuntimeError), match="worker process 0.*\n.*"):
        through(lambda index: threading.Lock(), 1, num_workers=1)
    weight = pb.ones(2, requires_grad=True)
    with pytest.raises(
        RuntimeError, match="Cowardly refusing to serialize non-leaf tensor which requires_grad"
    ):
        through(lambda index: weight * 2, 1, num_workers=1)


class Awkward:
    def __reduce__(self):
        return (int, ("not a number",))


def test_what_cannot_be_unpickled_raises_where_it_is_due():
    loader = iter(DataLoader(Each(lambda i: Awkward() if i == 1 else i), None, num_workers=2))
    assert next(loader) == 0
    with pytest.raises(ValueError, match="not a number"):
        next(loader)
    assert next(loader) == 2


def test_the_time_limit():
    loader = iter(
        DataLoader(Each(lambda i: time.sleep(30 * (i == 1)) or i), None, num_workers=1, timeout=0.5)
    )
    assert next(loader) == 0
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="DataLoader timed out after 0.5 seconds"):
        next(loader)
    assert time.monotonic() - began < 10
    loader._workers[0].process.kill()


def test_a_loader_recovers_from_the_time_limit():
    slow = [True]
    f = lambda i: time.sleep(2 if i == 1 and slow[0] else 0) or i
    loader = DataLoader(Each(f), None, num_workers=1, timeout=0.5, persistent_workers=True)
    for _ in range(2):  # while it makes a batch; while it is asked to begin anew
        with pytest.raises(RuntimeError, match="DataLoader timed out"):
            list(loader)
    slow[0] = False
    assert list(loader) == list(loader) == list(range(6))


def test_a_worker_that_is_killed():
    loader = DataLoader(
        Each(lambda i: os.kill(os.getpid(), signal.SIGKILL) if i == 3 else i),
        None,
        num_workers=2,
        persistent_workers=True,
    )
    with pytest.raises(
        RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly.*SIGKILL"
    ):
        list(loader)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(loader)  # others, which fare no better
    assert not [worker for worker in loader._iterator._workers if worker.process.is_alive()]


@pytest.mark.parametrize("how, says", [("os._exit(3)", "exit code is 3"), ("sys.exit(4)", "exit code is 4")])
def test_a_worker_that_leaves(how, says):
    with pytest.raises(RuntimeError, match=rf"exited unexpectedly.*{says}"):
        through(lambda index: exec(how, {"os": os, "sys": sys}))


def test_a_worker_that_dies_in_the_middle_of_a_message():
    said = run("""
        first_is_here = multiprocessing.Event()
        def f(i):
            if i == 1:
                first_is_here.wait()  # else it may wait for its turn to be written, and be lost as well
                threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
                return np.zeros(10**8)  # longer than it takes to write
            return np.zeros(1)
        loader = iter(DataLoader(Each(f), None, num_workers=1))
        next(loader)
        first_is_here.set()
        time.sleep(1)
        try:
            next(loader)
        except RuntimeError as error:
            print(error)
    """)
    assert "exited unexpectedly. It was killed by SIGKILL" in said


# ---- what is left behind -----------------------------------------------------------------------------------------


def test_an_abandoned_iterator_leaves_nothing():
    said = run("""
        for x in DataLoader(Each(lambda i: np.zeros(10**6)), None, num_workers=2):
            break
        del x
        a = iter(DataLoader(Each(lambda i: i), num_workers=2)); next(a); del a
        loader = DataLoader(Each(lambda i: i), num_workers=2, persistent_workers=True)
        next(iter(loader)); next(iter(loader)); del loader
        assert multiprocessing.active_children() == []
        kept = iter(DataLoader(Each(lambda i: i), num_workers=2, persistent_workers=True))  # alive at exit
        other = iter(DataLoader(Each(lambda i: time.sleep(100) if i else i), None, num_workers=1)); next(other)
    """)
    assert said == ""


def test_an_iterator_that_stops_while_workers_are_at_work():
    began = time.monotonic()
    run("""
        loader = iter(DataLoader(Each(lambda i: time.sleep(100) if i else i), None, num_workers=2))
        next(loader); del loader
    """)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_a_main_process_that_is_ended(sig):
    process = start("""
        a = iter(DataLoader(Each(lambda i: np.zeros(10**6)), None, num_workers=2, persistent_workers=True))
        b = iter(DataLoader(Each(lambda i: time.sleep(0.01) or i, 10**6), None, num_workers=1))
        next(a), next(b)
        print("ready", flush=True)
        for x in b: pass
    """)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    os.kill(process.pid, sig)
    said = process.communicate(timeout=30)[0]
    assert process.returncode != 0 and no_process_of(process)
    assert ("KeyboardInterrupt" in said) == (sig == signal.SIGINT), said


def test_a_worker_that_is_at_work_when_the_main_process_is_killed():
    process = start("""
        loader = iter(DataLoader(Each(lambda i: time.sleep(1000) if i else i), None, num_workers=2))
        print(next(loader), flush=True)
        time.sleep(1000)
    """)
    assert process.stdout.readline() == "0\n"
    process.kill()
    process.communicate(timeout=30)
    assert no_process_of(process)


def test_control_c_reaches_everybody():
    process = start("""
        loader = DataLoader(Each(lambda i: time.sleep(0.01) or i, 10**6), None, num_workers=2, persistent_workers=True)
        try:
            for x in loader:
                if x == 5: print("ready", flush=True)
        except KeyboardInterrupt:
            print("interrupted")
    """)
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30)[0] == "interrupted\n"
    assert process.returncode == 0 and no_process_of(process)


# ---- how they start ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_ways_to_start(tmp_path, method):
    program = tmp_path / "program.py"
    program.write_text(
        HEAD
        + textwrap.dedent(f"""
        import random

        def begin(i):
            get_worker_info().dataset.offset = 100 * i

        class Numbers:
            offset = 0
            x = (pb.arange(40_000.0) + 1).log()
            def __getitem__(self, i):
                return self.offset + i, self.x[i], pb.initial_seed(), random.random(), np.random.rand()
            def __len__(self):
                return 4

        if __name__ == "__main__":
            for method in ("fork", "{method}"):
                pb.manual_seed(0)
                loader = DataLoader(Numbers(), 2, num_workers=2, worker_init_fn=begin, multiprocessing_context=method)
                print(list(loader))
            try:
                list(DataLoader(Each(lambda i: i), num_workers=1, multiprocessing_context=method))
            except Exception as error:
                print(type(error).__name__)
        """)
    )
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    forked, other, error = done.stdout.replace("\n ", " ").splitlines()
    assert forked == other and "tensor([0, 1])" in other and "tensor([102, 103])" in other
    assert error in ("AttributeError", "PicklingError")


def test_workers_beside_threads_that_compute():
    # The library of matrix products and the pool of threads are where the fork found them.
    said = run("""
        a = pb.rand(300, 300); big = pb.rand(10**6)
        (a @ a).sum().item()
        stop = False
        def compute():
            while not stop:
                (a @ a).sum().item(); (big * 2).exp().sum().item()
        threads = [threading.Thread(target=compute) for _ in range(2)]
        for t in threads: t.start()
        for _ in range(8):
            found = list(DataLoader(Each(lambda i: ((a @ a).sum() + (big * i).sin().sum()).item(), 4), None, num_workers=2))
        stop = True
        for t in threads: t.join()
        print(np.allclose(found, [((a @ a).sum() + (big * i).sin().sum()).item() for i in range(4)]))
    """)
    assert said == "True\n"


def test_loaders_inside_of_each_other():
    inner = DataLoader(range(3), 3)
    assert [each.tolist() for (each,) in through(lambda index: list(inner), 2)] == [[0, 1, 2]] * 2
    outer = DataLoader(range(4), None, num_workers=2)
    assert [(a, sorted(DataLoader(range(3), None, num_workers=2))) for a in outer] == [
        (a, [0, 1, 2]) for a in range(4)
    ]
    with pytest.raises(AssertionError, match="daemonic processes are not allowed to have children"):
        through(lambda index: list(DataLoader(range(3), num_workers=1)), 1)


def test_a_profile_names_the_loader():
    with pb.autograd.profiler.profile() as profile:
        list(DataLoader(range(3)))
    names = [event.key for event in profile.key_averages()]
    assert "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__" in names


def test_an_iterator_is_not_used_in_two_processes():
    iterator = iter(DataLoader(range(9), None, num_workers=1))
    assert next(iterator) == 0
    child = os.fork()
    if child == 0:
        code = 1
        try:
            next(iterator)
        except RuntimeError as error:
            code = 0 if "another process" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(iterator) == list(range(1, 9))
    assert data._utils.MP_STATUS_CHECK_INTERVAL == 5.0
