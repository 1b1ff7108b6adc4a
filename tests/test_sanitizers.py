"""`make sanitize` sees what it is there for: memory errors of the core end the process with a report."""

import os
import subprocess
import sys

import pytest

sanitized = pytest.mark.skipif("asan" not in os.environ.get("LD_PRELOAD", ""), reason="make sanitize runs it")


def report_of(program):
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    return child.returncode, child.stderr


@sanitized
def test_a_read_behind_an_array_is_reported():
    status, report = report_of("""if True:
        import numpy as np, pullback as pb
        short = np.ones(1000)
        pb.from_numpy(np.lib.stride_tricks.as_strided(short, (1100,))).sum().item()""")
    assert status != 0
    assert "heap-buffer-overflow" in report


@sanitized
def test_what_is_right_is_not_reported():
    status, report = report_of("""if True:
        import numpy as np, pullback as pb
        pb.from_numpy(np.ones(1000)).sum().item()""")
    assert (status, report) == (0, "")
