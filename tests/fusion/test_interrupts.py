"""Ctrl-C while something long runs: it ends, and everything can go on. Each test is a child that gets the signal."""

import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="signals of other systems"),
    pytest.mark.skipif("san" in os.environ.get("LD_PRELOAD", ""), reason="a sanitizer takes too long"),
]

# What is interrupted would take minutes.
PREAMBLE = """
import os, signal, subprocess, sys, time
import pullback as pb

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background starts with it ignored

def interrupted(work, after=0.3):
    subprocess.Popen(["sh", "-c", f"sleep {after}; kill -INT {os.getpid()}"])
    try:
        work()
    except KeyboardInterrupt:
        print("interrupted")
    else:
        print("finished")
"""


def child(script):
    deferring = {name: value for name, value in os.environ.items() if name != "PULLBACK_IMMEDIATE"}
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script], capture_output=True, text=True, timeout=120, env=deferring
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_long_program():
    """Minutes of work; what was pending is computed by whoever looks next."""
    seen = child("""
x = pb.rand(20_000_000)
y = x
for i in range(2000):
    y = (y.sin() * 1.1).exp().tanh()
    if i == 2:
        small = y
    if i == 900:
        interrupted(lambda: y[0].item())
        break
v = (small * 2)[:3].tolist()
import math
for e, got in zip(x[:3].tolist(), v):
    for _ in range(3):
        e = math.tanh(math.exp(math.sin(e) * 1.1))
    assert abs(2 * e - got) < 1e-5, (e, got)
print("right")
""")
    assert seen == ["interrupted", "right"]


def test_writes_in_place_are_done_or_not():
    """A loop of them is stopped between two states, and none is lost."""
    seen = child("""
w = pb.zeros(20_000_000)
done = 0
def work():
    global done
    for i in range(100_000):
        w.add_(1).mul_(1)
        done += 1
        if i % 100 == 99:
            w[0].item()
interrupted(work)
first, last = int(w[0]), int(w[-1])
assert first == last and (w == first).all(), (first, last)
assert first in (done, done + 1), (first, done)
print("right")
""")
    assert seen == ["interrupted", "right"]


def test_a_product():
    seen = child("""
a = pb.rand(8000, 8000)
interrupted(lambda: [a @ a for _ in range(100)])
assert abs((a[:2] @ a[:, :2])[0, 0].item() - (a[0] * a[:, 0]).sum().item()) < 1
print("right")
""")
    assert seen == ["interrupted", "right"]


def test_a_handler_that_wants_to_go_on():
    """The program begins anew, and gives the right result."""
    seen = child("""
heard = []
signal.signal(signal.SIGINT, lambda *_: heard.append((pb.ones(5000) * 2).sum().item()))
x = pb.ones(20_000_000)
y = x
for _ in range(150):
    y = (y + 1).sqrt().exp().log()
total = []
interrupted(lambda: total.append(y[7].item()), after=0.1)
e = 1.0
for _ in range(150):
    e = (e + 1) ** 0.5
assert heard == [10_000.0] and abs(total[0] - e) < 1e-5, (heard, total, e)
""")
    assert seen == ["finished"]


def test_an_ignored_signal_stays_ignored():
    seen = child("""
signal.signal(signal.SIGINT, signal.SIG_IGN)
x = pb.ones(20_000_000)
for _ in range(60):
    x = (x + 1).sqrt().exp().log()
interrupted(lambda: print(x.isfinite().all().item()), after=0.2)
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
""")
    assert seen == ["True", "finished"]
