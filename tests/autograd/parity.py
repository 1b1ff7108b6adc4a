"""Programs that run on pullback and on PyTorch, and what PyTorch answered.

A program is a function of the module it runs on (`pullback` or `torch`). What it returns, the warnings it gives and
the error it raises are brought to one form. PyTorch's answers are kept in answers.json, so that pullback is compared
with them everywhere; where PyTorch is installed, the answers themselves are compared with it. After adding a program:

    python tests/autograd/parity.py
"""

import json
import pathlib
import re
import warnings

ANSWERS = pathlib.Path(__file__).with_name("answers.json")
PROGRAMS = {}
_ONCE = re.compile(r"jit\.|create a reference cycle")  # warnings that depend on what ran before


def program(function):
    """Register a program under its name."""
    assert function.__name__ not in PROGRAMS, function.__name__
    PROGRAMS[function.__name__] = function
    return function


def first_sentence(text):
    """PyTorch's first sentence, without what depends on the library or the machine."""
    text = text.replace("torch.", "pullback.").replace("torch::autograd::", "").strip().split("\n")[0]
    return re.split(r"[.!?](?:\s|$|You)|: the |, which is |\(", text)[0].rstrip(" .")[:240]


def caught(function, *args, **kwargs):
    """What calling it raises: the type's name and the first sentence, or "nothing"."""
    try:
        function(*args, **kwargs)
    except Exception as error:
        return f"{type(error).__name__}: {first_sentence(str(error))}"
    return "nothing"


def plain(value):
    """Something JSON can hold, equal for equal answers."""
    if isinstance(value, (type(None), bool, int, str)):
        return value
    if isinstance(value, float):
        return (
            "nan" if value != value else float(f"{value:.5g}") if abs(value) != float("inf") else str(value)
        )
    if hasattr(value, "requires_grad") and hasattr(value, "tolist"):
        return {
            "dtype": str(value.dtype).split(".")[-1],
            "shape": list(value.shape),
            "values": plain(value.detach().tolist()),
            "grad": value.requires_grad,
            "node": plain(value.grad_fn),
        }
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "next_functions"):
        return value.name().split("::")[-1]
    return type(value).__name__


def observe(function, module):
    """Result or error, and warnings, of one program on one module."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            answer = {"result": plain(function(module))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {first_sentence(str(error))}"}
    said = [
        f"{w.category.__name__}: {first_sentence(str(w.message))}"
        for w in seen
        if not _ONCE.search(str(w.message))
    ]
    if said:
        answer["warnings"] = said
    return answer


def load_programs():
    """Import every file of programs next to this one."""
    import importlib

    for path in sorted(pathlib.Path(__file__).parent.glob("programs_*.py")):
        importlib.import_module(path.stem)
    return PROGRAMS


def main():
    import torch

    answers = {name: observe(function, torch) for name, function in sorted(load_programs().items())}
    rows = ",\n".join(f" {json.dumps(name)}: {json.dumps(answer)}" for name, answer in answers.items())
    ANSWERS.write_text("{\n" + rows + "\n}\n")


if __name__ == "__main__":
    import sys

    import parity  # the same module object that the programs import

    sys.exit(parity.main())


def leaf(m, values=(1.0, 2.0)):
    return m.tensor(list(values), requires_grad=True)


def function(m, forward, backward=None, **members):
    """A Function class from plain functions."""
    members = {
        k: staticmethod(v) for k, v in dict(forward=forward, backward=backward, **members).items() if v
    }
    return type("Mine", (m.autograd.Function,), members)
