"""`python -m pullback check`: what a program uses of PyTorch and pullback lacks, found by reading it."""

import textwrap

import pytest

from pullback.interop import check


def lacking(text, guarded=False):
    return [(lack.line, lack.name) for lack in check.read(textwrap.dedent(text)) if lack.guarded == guarded]


# Each program, and the names that it lacks, by line. `sparse`, `quantization` and `Tensor.to_mkldnn` are not meant to be here.
PROGRAMS = [
    ("import torch\nx = torch.ones(2).exp()\n", []),
    ("import torch\ntorch.sparse_coo_tensor(1)\n", [(2, "torch.sparse_coo_tensor")]),
    ("import torch as t\nt.quantization.prepare()\n", [(2, "torch.quantization")]),
    ("import torch.quantization as dist\n", [(1, "torch.quantization")]),
    ("from torch import nn, quantization\nnn.Linear\n", [(1, "torch.quantization")]),
    ("from torch.nn import Linear, Liner\n", [(1, "torch.nn.Liner")]),
    ("from torch.nn import *\nLinear(1, 2)\n", []),
    ("import torch.nn.functional as F\nF.relu\nF.rely\n", [(3, "torch.nn.functional.rely")]),
    ("import torch\nnn = torch.nn\nnn.Linear\nnn.Liner\n", [(4, "torch.nn.Liner")]),
    ("import torch\ndef f(torch):\n    return torch.there_is_none\n", []),
    (
        "import torch\ntorch.nn.Linear.forward\ntorch.nn.Linear.backwards\n",
        [(3, "torch.nn.Linear.backwards")],
    ),
    ("import torch\ntorch.Tensor.to_mkldnn\n", [(2, "torch.Tensor.to_mkldnn")]),
    ("import torch\ntorch._C._there_is_none\n", [(2, "torch._C._there_is_none")]),
    ("import torch\ntorch.nn.modules.linear.Liner\n", [(2, "torch.nn.modules.linear.Liner")]),
    # tensors, where they can be told
    ("import torch\nx = torch.ones(2)\nx.to_mkldnn(x)\n", [(3, "Tensor.to_mkldnn")]),
    ("import torch\nx = torch.ones(2) + 1\n(-x[0]).T.to_mkldnn(1)\n", [(3, "Tensor.to_mkldnn")]),
    ("import torch\nx = torch.ones(2).exp().to_mkldnn(1)\n", [(2, "Tensor.to_mkldnn")]),
    (
        "import torch\ndef f(x: torch.Tensor, y):\n    y.to_mkldnn(1)\n    return x.to_mkldnn(1)\n",
        [(4, "Tensor.to_mkldnn")],
    ),
    ("import torch\nx = torch.ones(2)\nx = Thing()\nx.to_mkldnn(1)\n", []),
    ("import torch\nx = torch.ones(2)\nx.storage = 1\nx.storage\n", []),
    ("from torch import Tensor\ndef f(x: Tensor):\n    x.to_mkldnn()\n", [(3, "Tensor.to_mkldnn")]),
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
        "try:\n    import torch.quantization as dist\nexcept ImportError:\n    dist = None\n",
        "import torch\nif hasattr(torch, 'quantization'):\n    torch.quantization.prepare()\n",
        "import torch\nx = torch.quantization.f() if hasattr(torch, 'quantization') else 1\n",
        "import torch\ntry:\n    torch.quantization\nexcept (KeyError, AttributeError):\n    pass\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from torch.quantization import X\n",
    ],
)
def test_what_the_program_expects_is_set_aside(program):
    assert lacking(program) == [] and len(lacking(program, guarded=True)) == 1


def test_a_try_for_something_else_expects_nothing():
    program = "import torch\ntry:\n    torch.quantization\nexcept ValueError:\n    pass\n"
    assert lacking(program) == [(3, "torch.quantization")]


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
