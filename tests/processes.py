"""Programs in a process of their own, which has imported nothing yet."""

import subprocess
import sys


def run(program):
    """Run a program, which has to end well."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
