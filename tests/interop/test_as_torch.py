"""`import torch` finds pullback: modules, names, versions, errors, and what is left behind. Each program is a process."""

import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

import pullback as pb
from pullback.interop import layout
from pullback.interop.torch_version import TorchVersion

SOURCE = pathlib.Path(pb.__file__).parents[1]


def run(*arguments, text=None, cwd=None):
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, *map(str, arguments)]
    if text is not None:
        command += ["-c", textwrap.dedent(text)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd, timeout=120)


def passes(text):
    done = run(text=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_modules_and_names():
    passes("""
        import inspect, sys
        import pullback as pb
        with pb.interop.as_torch():
            import torch, torch.nn as nn, torch.nn.functional as F, torch.linalg, torch.special, torch.overrides
            from torch import Tensor, optim, einsum
            from torch.autograd.functional import jacobian
            from torch.func import vmap, grad
            from torch.nn.utils.rnn import pad_sequence
            from torch.utils.checkpoint import checkpoint
            from torch.utils._pytree import tree_map
            assert nn.Linear is pb.nn.Linear and F is pb.nn.functional is torch.nn.functional and Tensor is pb.Tensor
            assert torch.optim is optim and optim.Adam is pb.optim.Adam and torch.einsum is einsum is pb.einsum
            assert torch.autograd.grad is pb.autograd.grad and torch.autograd.Function is pb.autograd.Function
            assert sys.modules["torch.nn"] is nn is torch.nn and pb.nn.__spec__.name == "pullback.nn"
            assert sys.modules["torch.linalg"] is pb.linalg and pb.linalg.__spec__.name == "pullback.linalg"
            assert pb.nn.__name__ == "pullback.nn" and torch.__name__ == "torch"
            for name in dir(pb):
                if not name.startswith("_") and not inspect.ismodule(getattr(pb, name)):
                    assert getattr(torch, name) is getattr(pb, name), name
                elif not name.startswith("_"):
                    assert set(dir(getattr(pb, name))) <= set(dir(getattr(torch, name))), name
            assert "Tensor" in dir(torch) and "nn" in dir(torch)
            assert torch.compile(len) is len and torch.compile(mode="max-autotune")(len) is len
    """)


def test_files_that_are_divided_otherwise():
    passes("""
        import pullback as pb
        with pb.interop.as_torch():
            from torch.nn.modules.activation import ReLU, MultiheadAttention
            from torch.nn.modules.batchnorm import BatchNorm1d, _BatchNorm
            from torch.nn.modules.conv import Conv2d, _ConvNd
            from torch.nn.modules.loss import MSELoss, _Loss, _WeightedLoss
            from torch.nn.modules.module import Module
            from torch.nn.modules.utils import _pair, _triple, _ntuple
            from torch.nn.parameter import Parameter
            from torch.optim.adam import Adam
            from torch.optim.optimizer import Optimizer
            from torch.optim.lr_scheduler import _LRScheduler, StepLR
            from torch.autograd.variable import Variable
            from torch.functional import norm
            from torch._C import DisableTorchFunctionSubclass
            import torch
            assert ReLU is torch.nn.ReLU and Adam is torch.optim.Adam and Module is torch.nn.Module
            assert isinstance(torch.nn.BatchNorm2d(1), _BatchNorm) and isinstance(torch.nn.Conv1d(1, 1, 1), _ConvNd)
            assert _pair(3) == (3, 3) and _triple((1, 2, 3)) == (1, 2, 3) and _ntuple(2)(0) == (0, 0)
            class Loss(_WeightedLoss):
                def forward(self, x):
                    return (self.weight * x).sum()
            loss = Loss(torch.ones(2), reduction="sum")
            assert loss.reduction == "sum" and loss(torch.ones(2)).item() == 2 and isinstance(loss, _Loss)
            import torch.nn.modules.linear as file
            assert "Linear" in dir(file) and file.Linear is torch.nn.Linear
            scope = {}
            exec("from torch.nn.modules.linear import *", scope)
            assert scope["Linear"] is torch.nn.Linear
            import torch.nn.modules.activation as activation
            assert activation.ReLU is torch.nn.modules.activation.ReLU is ReLU
            import torch.optim.lbfgs, torch.autograd.functional, torch.nn.modules.loss
            from torch._vmap_internals import _vmap
            from torch.autograd.functional import _as_tuple, _grad_postprocess, _tuple_postprocess

            one = torch.ones(2, requires_grad=True)
            packed = [_as_tuple(one, "inputs", "jacobian"), _as_tuple([one, one])]
            assert [(many, len(given)) for many, given in packed] == [(False, 1), (True, 2)]
            assert _tuple_postprocess(packed[0][1], False) is one
            assert not _grad_postprocess(one, create_graph=False).requires_grad
            assert _vmap(torch.sum)(torch.ones(2, 3)).tolist() == [3, 3]
        ours = [value for value in vars(pb.nn.modules).values() if type(value).__name__ == "StandIn"]
        assert ours == [] and type(pb.autograd.functional).__name__ == "module"
    """)


def test_what_libraries_look_at():
    passes("""
        import importlib.metadata, importlib.util
        import pullback as pb
        with pb.interop.as_torch():
            import torch
            x = torch.ones(2, dtype=torch.float64)
            assert type(x).__module__ == "torch" and repr(torch.Tensor) == "<class 'torch.Tensor'>"
            assert type(torch.nn.Parameter(x)).__module__ == "torch.nn.parameter"
            assert str(x.dtype) == "torch.float64" and repr(x.shape) == "torch.Size([2])"
            for named in (x.sort(), torch.linalg.qr(torch.eye(2)), torch.frexp(x)):  # also of what is only imported now
                full = "torch.return_types." + type(named).__name__
                assert repr(named).startswith(full + "(\\n") and repr(type(named)) == f"<class '{full}'>"
            assert repr(x) == "tensor([1., 1.], dtype=torch.float64)" and repr(torch.strided) == "torch.strided"
            assert importlib.metadata.version("torch") == torch.__version__ == "2.13.0+pullback"
            assert torch.__version__ > "2.9" and torch.__version__ >= (1, 8)
            assert importlib.util.find_spec("torch").name == "torch"
            assert importlib.util.find_spec("torch.nn") is not None
            assert importlib.util.find_spec("torch.there_is_none") is None
            assert importlib.util.find_spec("torch.quantization") is None
            assert importlib.metadata.distribution("torch").metadata["Name"] == "torch"
            import pickle
            kept = [x, x.dtype, x.shape, torch.device("cpu"), torch.strided, torch.nn.Parameter(x)]
            again = pickle.loads(pickle.dumps(kept))
            assert again[1:5] == kept[1:5] and torch.equal(again[0], x) and torch.equal(again[5], x)
    """)


ERRORS = {
    "import torch.there_is_none": ("ModuleNotFoundError", "No module named 'torch.there_is_none'."),
    "import torch.quantization": ("ModuleNotFoundError", "PyTorch has it, pullback does not."),
    "import torch.nn.there_is_none": ("ModuleNotFoundError", "No module named 'torch.nn.there_is_none'."),
    "from torch.nn.there import x": ("ModuleNotFoundError", "No module named 'torch.nn.there'."),
    "from torch import sparse_coo_tensor": (
        "ImportError",
        "PyTorch has it, pullback does not. Tensors are dense.",
    ),
    "from torch.nn import Moduel": ("ImportError", "Did you mean pullback.nn.Module?"),
    "from torch.nn.modules.linear import Liner": ("ImportError", "cannot import name 'Liner'"),
    "import torch; torch.sparse_coo_tensor": ("AttributeError", "PyTorch has it, pullback does not."),
    "import torch; torch.nn.Moduel": ("AttributeError", "Did you mean pullback.nn.Module?"),
    "import torch; torch.there_is_none": ("AttributeError", "has no attribute 'there_is_none'"),
}


def test_what_is_missing():
    said = passes(f"""
        import pullback as pb
        pb.interop.as_torch(permanent=True)
        for source in {list(ERRORS)}:
            try:
                exec(source)
            except Exception as error:
                print(type(error).__qualname__, error, sep="|")
        import torch
        assert not hasattr(torch, "there_is_none") and getattr(torch, "there_is_none", 3) == 3
    """)
    lines = said.splitlines()
    assert len(lines) == len(ERRORS)
    for line, (source, (kind, text)) in zip(lines, ERRORS.items(), strict=True):
        assert line.startswith(f"{kind}|") and text in line, (source, line)


def test_leaving_restores_everything():
    passes("""
        import sys
        import pullback as pb
        finders = list(sys.meta_path)
        with pb.interop.as_torch() as torch:
            import torch.nn.functional
            import torch.nn.modules.batchnorm
            with pb.interop.as_torch() as again:
                assert again is torch
            assert "torch" in sys.modules
        assert not [name for name in sys.modules if name.split(".")[0] == "torch"]
        assert sys.meta_path == finders
        assert pb.Tensor.__module__ == "pullback" and repr(pb.float32) == "pullback.float32"
        assert repr(pb.Size([1])) == "pullback.Size([1])" and pb.nn.Parameter.__module__ == "pullback.nn.parameter"
        assert repr(pb.ones(1).sort()).startswith("pullback.return_types.sort(")
        assert torch.ones(2).tolist() == [1, 1]  # what was imported inside goes on
        try:
            with pb.interop.as_torch():
                raise KeyError
        except KeyError:
            pass
        assert "torch" not in sys.modules and pb.Tensor.__module__ == "pullback"
    """)


def test_another_torch_is_refused():
    said = passes("""
        import sys, types
        import pullback as pb
        sys.modules["torch"] = other = types.ModuleType("torch")
        try:
            pb.interop.as_torch(permanent=True)
        except RuntimeError as error:
            print(error)
        assert sys.modules["torch"] is other and pb.Tensor.__module__ == "pullback"
    """)
    assert said.startswith("torch is imported already: as_torch() has to come before")


@pytest.mark.torch
def test_pytorch_files_are_where_the_table_says():
    import importlib

    for package, files in layout.FILES.items():
        for file in files.split():
            importlib.import_module(".".join(filter(None, ["torch", package, file])))


def test_every_module_of_the_package_is_found():
    for path in (
        "nn",
        "nn.functional",
        "nn.init",
        "optim.lr_scheduler",
        "linalg",
        "func",
        "autograd.graph",
        "overrides",
    ):
        assert layout.find(path).__name__ == f"pullback.{path}"
    assert layout.find("linalg") is pb.linalg and layout.find("nn.functional") is pb.nn.functional
    assert layout.find("there.is.none") is None and layout.find("nn.none") is None


def test_versions_compare():
    version = TorchVersion("2.13.0+pullback")
    assert (
        version >= "2.13"
        and version < "3"
        and version <= (2, 13)
        and version > (2, 9, 1)
        and version == (2, 13, 0)
    )
    assert version != "2.13" and version == "2.13.0+pullback" and hash(version) == hash("2.13.0+pullback")
    with pytest.raises(TypeError):
        assert version < None


def test_running_a_script(tmp_path):
    (tmp_path / "beside.py").write_text("value = 7\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, torch\nfrom beside import value\n"
        "assert __name__ == '__main__'\n"
        "print(sys.argv[1:], value, torch.arange(2))\nraise SystemExit(3)\n"
    )
    done = run("-m", "pullback", "run", script, "a", "--b")
    assert (done.returncode, done.stdout) == (3, "['a', '--b'] 7 tensor([0, 1])\n"), done.stderr
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("import sys, torch\nprint(sys.argv[1:], torch.Tensor)\n")
    done = run("-m", "pullback", "run", "-m", "package", "x", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "['x'] <class 'torch.Tensor'>\n"), done.stderr


def test_commands():
    assert run("-m", "pullback", "--help").returncode == 0
    assert run("-m", "pullback", "nonsense").returncode == 2
    assert "there is no file" in run("-m", "pullback", "run", "there_is_none.py").stderr
