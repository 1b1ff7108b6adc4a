"""`import torch` finds pullback: for programs and libraries that are written for PyTorch.

A finder of modules answers for `torch` and everything below it. `torch` itself is a module of its own that asks
pullback for its names; the others are pullback's modules, or stand-ins where PyTorch divides its files otherwise
(layout.py). Classes that libraries recognise by the name of their module have it while the alias lasts.
"""

import importlib.machinery
import sys

import pullback

from .. import _core
from ..messages.hints import absent
from . import layout
from .torch_version import VERSION, TorchVersion, distribution

NAME = "torch"


def _is_ours(name):
    return name == NAME or name.startswith(f"{NAME}.")


# ---- torch ---------------------------------------------------------------------------------------------------


class Facade(layout.StandIn):
    """The module `torch`: pullback's names, with PyTorch's version."""

    def __init__(self):
        super().__init__("", [pullback])
        self.__dict__.update(__name__=NAME, __version__=TorchVersion(VERSION), __file__=pullback.__file__)


# ---- finding modules -----------------------------------------------------------------------------------------


class _Loader:
    """Hands out a module that exists already, and leaves it as it was."""

    def __init__(self, module):
        self.module = module

    def create_module(self, spec):
        self.before = {
            name: vars(self.module).get(name) for name in ("__spec__", "__loader__", "__package__")
        }
        return self.module

    def exec_module(self, module):
        for name, value in self.before.items():
            if value is not None:
                setattr(module, name, value)

    def is_package(self, name):
        return hasattr(self.module, "__path__")


def _no_module(name):
    above, _, last = name.removeprefix(f"{NAME}.").rpartition(".")
    said = absent(f"pullback.{above}".rstrip("."), last)
    return f"No module named {name!r}.{said or ' pullback has none of this name.'}"


class _Finder:
    """Answers for `torch` and what is below it, and for nothing else."""

    def __init__(self):
        self.facade = Facade()

    def find_spec(self, name, path=None, target=None):
        if not _is_ours(name):
            return None
        module = self.find(name)
        if module is None:
            if sys._getframe(2).f_code.co_name == "_find_and_load_unlocked":  # not somebody who only asks
                raise ModuleNotFoundError(_no_module(name), name=name)
            return None
        spec = importlib.machinery.ModuleSpec(name, _Loader(module), is_package=hasattr(module, "__path__"))
        if name == NAME:
            self.facade.__spec__ = spec
        return spec

    def find(self, name):
        if name == NAME:
            return self.facade
        path = name.removeprefix(f"{NAME}.")
        return layout.find(path)

    def find_distributions(self, context=None):
        """`importlib.metadata.version("torch")` is the version that the alias says."""
        if getattr(context, "name", None) in (None, NAME):
            yield distribution()


# ---- the names of classes ------------------------------------------------------------------------------------


def rename(before, after):
    """Give the classes of the package itself, Parameter and named results another module: "pullback" or "torch"."""
    found = [value for value in vars(pullback).values() if isinstance(value, type)]
    deeper = (pullback.nn.Parameter, *_core.return_types.values())
    for each in (*found, *deeper):
        home, dot, rest = each.__module__.partition(".")
        if home == before and (not dot or each in deeper):
            each.__module__ = after + dot + rest


class as_torch:
    """While it lasts `import torch` finds pullback: a block, or, if `permanent`, the rest of the program.

    All of PyTorch's modules that pullback has are found (`torch.nn`, `from torch.utils.data import DataLoader`), a missing
    one is a ModuleNotFoundError, a missing name an AttributeError or an ImportError, which say what to write instead. As
    libraries ask for it, ``Tensor.__module__`` is "torch", dtypes print as ``torch.float32``, and ``torch.__version__`` is
    the version of PyTorch whose names these are. Leaving the block takes the modules away; what was imported inside of it
    keeps what it has.

    Raises RuntimeError where PyTorch itself is imported already.

    Example:
        >>> program = '''
        ... import pullback
        ... with pullback.interop.as_torch():
        ...     import torch
        ...     from torch import nn
        ...     print(nn.Linear(2, 1)(torch.ones(3, 2)).shape)
        ... '''
        >>> import subprocess, sys  # in a process of its own, as here PyTorch may be imported
        >>> subprocess.check_output([sys.executable, "-c", program], text=True).strip()
        'torch.Size([3, 1])'
    """

    _depth = 0
    _finder = None

    def __init__(self, permanent=False):
        if permanent:
            self.__enter__()

    def __enter__(self):
        cls = as_torch
        if cls._depth == 0:
            _refuse_pytorch()
            cls._finder = _Finder()
            sys.meta_path.insert(0, cls._finder)
            rename("pullback", NAME)
            importlib.import_module(NAME)
        cls._depth += 1
        return sys.modules[NAME]

    def __exit__(self, *error):
        cls = as_torch
        cls._depth -= 1
        if cls._depth == 0:
            sys.meta_path.remove(cls._finder)
            rename(NAME, "pullback")
            for name in [name for name in sys.modules if _is_ours(name)]:
                del sys.modules[name]


def _refuse_pytorch():
    already = sys.modules.get(NAME)
    if already is not None:
        where = getattr(already, "__file__", None)
        raise RuntimeError(
            f"torch is imported already{f', from {where}' if where else ''}: as_torch() has to come before whatever imports "
            "PyTorch, in this process. `python -m pullback run script.py` runs a program so."
        )
