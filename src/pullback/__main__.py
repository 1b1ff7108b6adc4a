"""`python -m pullback run script.py`: a program that is written for PyTorch; `check`: what it asks for in vain.

    python -m pullback run script.py [arguments]
    python -m pullback run -m module [arguments]
    python -m pullback check script.py package ...

`run` is Python with `import torch` finding pullback. `check` reads programs without running them, and lists what they use
of PyTorch and pullback lacks, with what to write instead; its exit status is 1 if that is anything.
"""

import os
import runpy
import sys


def run(arguments):
    """A script, or with -m a module, as the main program."""
    from .interop.alias import as_torch

    module = arguments[:1] == ["-m"]
    arguments = arguments[module:]
    if not arguments:
        sys.exit(__doc__)
    as_torch(permanent=True)
    sys.argv = arguments
    if module:
        sys.path.insert(0, os.getcwd())
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        return
    if not os.path.exists(arguments[0]):
        sys.exit(f"there is no file {arguments[0]}")
    sys.path[0] = os.path.dirname(os.path.abspath(arguments[0]))
    runpy.run_path(arguments[0], run_name="__main__")


def check(arguments):
    """Print what is lacking, and say by the exit status whether anything is."""
    from .interop.check import report

    if not arguments:
        sys.exit(__doc__)
    sys.exit(report(arguments))


def main(arguments):
    """One of the commands; without one, what there is."""
    commands = {"run": run, "check": check}
    if not arguments or arguments[0] not in commands:
        wanted = bool(arguments) and arguments[0] not in ("-h", "--help")
        print(__doc__, file=sys.stderr if wanted else sys.stdout)
        sys.exit(2 if wanted else 0)
    commands[arguments[0]](arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
