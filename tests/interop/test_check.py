"""`python -m pullback check`: what a program uses of PyTorch and pullback lacks, found by reading it."""

import textwrap

import pytest

from pullback.interop import check


def lacking(text, guarded=False):
    return [(lack.line, lack.name) for lack in check.read(textwrap.dedent(text)) if lack.guarded == guarded]


# Each program, and the names that it lacks, by line. `sparse`, `distributed` and `Tensor.set_` are not meant to be here.
PROGRAMS = [
    ("import torch\nx = torch.ones(2).exp()\n", []),
    ("import torch\ntorch.sparse_coo_tensor(1)\n", [(2, "torch.sparse_coo_tensor")]),
    ("import torch as t\nt.distributed.barrier()\n", [(2, "torch.distributed")]),
    ("import torch.distributed as dist\n", [(1, "torch.distributed")]),
    ("from torch import nn, distributed\nnn.Linear\n", [(1, "torch.distributed")]),
    ("from torch.nn import Linear, Liner\n", [(1, "torch.nn.Liner")]),
    ("from torch.nn import *\nLinear(1, 2)\n", []),
    ("import torch.nn.functional as F\nF.relu\nF.rely\n", [(3, "torch.nn.functional.rely")]),
    ("import torch\nnn = torch.nn\nnn.Linear\nnn.Liner\n", [(4, "torch.nn.Liner")]),
    ("import torch\ndef f(torch):\n    return torch.there_is_none\n", []),
    (
        "import torch\ntorch.nn.Linear.forward\ntorch.nn.Linear.backwards\n",
        [(3, "torch.nn.Linear.backwards")],
    ),
    ("import torch\ntorch.Tensor.set_\n", [(2, "torch.Tensor.set_")]),
    # tensors, where they can be told
    ("import torch\nx = torch.ones(2)\nx.set_(x)\n", [(3, "Tensor.set_")]),
    ("import torch\nx = torch.ones(2) + 1\n(-x[0]).T.set_(1)\n", [(3, "Tensor.set_")]),
    ("import torch\nx = torch.ones(2).exp().set_(1)\n", [(2, "Tensor.set_")]),
    ("import torch\ndef f(x: torch.Tensor, y):\n    y.set_(1)\n    return x.set_(1)\n", [(4, "Tensor.set_")]),
    ("import torch\nx = torch.ones(2)\nx = Thing()\nx.set_(1)\n", []),
    ("import torch\nx = torch.ones(2)\nx.storage = 1\nx.storage\n", []),
    ("from torch import Tensor\ndef f(x: Tensor):\n    x.set_()\n", [(3, "Tensor.set_")]),
    # keywords
    ("import torch\ntorch.sum(x, axis=0, keepdims=True)\n", []),
    ("import torch\ntorch.sum(x, wrong=0)\n", [(2, "torch.sum(wrong=)")]),
    ("import torch\ntorch.optim.Adam(p, lr=1, wrong=0)\n", [(2, "torch.optim.Adam(wrong=)")]),
    # others' names
    ("import numpy as torch\ntorch.there_is_none\n", []),
    ("import numpy\nnumpy.there_is_none\n", []),
]


@pytest.mark.parametrize("program, expected", PROGRAMS)
def test_what_is_found(program, expected):
    assert lacking(program) == expected


@pytest.mark.parametrize(
    "program",
    [
        "try:\n    import torch.distributed as dist\nexcept ImportError:\n    dist = None\n",
        "import torch\nif hasattr(torch, 'distributed'):\n    torch.distributed.barrier()\n",
        "import torch\nx = torch.distributed.f() if hasattr(torch, 'distributed') else 1\n",
        "import torch\ntry:\n    torch.distributed\nexcept (KeyError, AttributeError):\n    pass\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from torch.distributed import X\n",
    ],
)
def test_what_the_program_expects_is_set_aside(program):
    assert lacking(program) == [] and len(lacking(program, guarded=True)) == 1


def test_a_try_for_something_else_expects_nothing():
    program = "import torch\ntry:\n    torch.distributed\nexcept ValueError:\n    pass\n"
    assert lacking(program) == [(3, "torch.distributed")]


def test_reports(tmp_path):
    (tmp_path / "good.py").write_text("import torch\ntorch.ones(2)\n")
    lines = []
    assert check.report([str(tmp_path)], lines.append) == 0
    assert lines == ["1 file read, something is lacking in 0"]
    (tmp_path / "bad.py").write_text("import torch\n\ntorch.sparse_coo_tensor\n")
    lines.clear()
    assert check.report([str(tmp_path)], lines.append) == 1
    assert lines == [
        f"{tmp_path}/bad.py:3: torch.sparse_coo_tensor: PyTorch has it, pullback does not. Tensors are dense.",
        "2 files read, something is lacking in 1",
    ]
    (tmp_path / "bad.py").write_text("no program (\n")
    lines.clear()
    assert check.report([str(tmp_path / "bad.py")], lines.append) == 1 and "cannot be read" in lines[0]
    lines.clear()
    assert check.report(["there_is_no_such_package"], lines.append) == 1 and "there is no file" in lines[0]


def test_a_package_by_its_name():
    assert len(check.files_of("json")) > 3
    assert [path.name for path in check.files_of("textwrap")] == ["textwrap.py"]
