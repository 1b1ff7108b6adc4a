"""Modules in order or by name: containers, whose members are found wherever modules are walked."""

from collections import OrderedDict, abc
from itertools import chain

from .module import Module, _indented
from .parameter_containers import ParameterDict, ParameterList, pairs, position

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class _Numbered(Module):
    """Modules with numbers for names."""

    def _key(self, index):
        return str(position(index, len(self)))

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self._part(list(self._modules.items())[index])
        return self._modules[self._key(index)]

    def __setitem__(self, index, module):
        setattr(self, self._key(index), module)

    def __delitem__(self, index):
        if isinstance(index, slice):
            for key in list(self._modules)[index]:
                delattr(self, key)
        else:
            delattr(self, self._key(index))
        self._modules = {str(k): module for k, module in enumerate(self._modules.values())}

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __dir__(self):
        return [key for key in super().__dir__() if not key.isdigit()]

    def append(self, module):
        """Add a module at the end. Returns self."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules):
        """Add modules at the end. Returns self. Raises TypeError for what is not iterable."""
        if not isinstance(modules, abc.Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got {type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index, module):
        """Put a module before the one at `index`."""
        count = len(self._modules)
        if isinstance(self, Sequential):
            if not isinstance(module, Module):
                raise AssertionError(f"module should be of type: {Module}")
            if not -count <= index <= count:
                raise IndexError(f"Index out of range: {index}")
        all = list(self._modules.values())
        all.insert(index, module)
        self._modules = {str(k): each for k, each in enumerate(all)}
        return self if isinstance(self, Sequential) else None

    def pop(self, key):
        """Take a module out, and return it."""
        module = self[key]
        del self[key]
        return module


class Sequential(_Numbered):
    """Modules one after another: each gets what the one before it gives.

    Made of modules, or of an OrderedDict of them, whose keys are their names.

    Example:
        >>> pb.nn.Sequential(pb.nn.Linear(2, 3), pb.nn.ReLU())
        Sequential(
          (0): Linear(in_features=2, out_features=3, bias=True)
          (1): ReLU()
        )
    """

    def __init__(self, *args):
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def _part(self, items):
        return type(self)(OrderedDict(items))

    def _key(self, index):
        return list(self._modules)[position(index, len(self))]

    def __add__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(
                f"add operator supports only objects of Sequential class, but {type(other)} is given."
            )
        return Sequential(*self, *other)

    def __iadd__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(
                f"add operator supports only objects of Sequential class, but {type(other)} is given."
            )
        return self.extend(other)

    def __mul__(self, other):
        if not isinstance(other, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(other)}")
        if other <= 0:
            raise ValueError(f"Non-positive multiplication factor {other} for {type(self)}")
        return Sequential(*[module for _ in range(other) for module in self])

    __rmul__ = __mul__

    def __imul__(self, other):
        return self.extend([module for _ in range(other - 1) for module in list(self)])

    def forward(self, input):
        for module in self._modules.values():
            input = module(input)
        return input


class ModuleList(_Numbered):
    """A list of modules. It is not called: its owner says how.

    Example:
        >>> layers = pb.nn.ModuleList([pb.nn.Linear(2, 2) for _ in range(3)])
        >>> len(layers), len(list(layers.parameters()))
        (3, 6)
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _part(self, items):
        return type(self)([module for _, module in items])

    def __add__(self, other):
        return ModuleList(chain(self, other))

    def __iadd__(self, other):
        return self.extend(other)

    def __repr__(self):
        """Equal neighbours are one line."""
        if not len(self):
            return self._get_name() + "()"
        runs = []
        for k, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1][1] = k
            else:
                runs.append([k, k, text])
        lines = []
        for first, last, text in runs:
            where = f"({first})" if first == last else f"({first}-{last})"
            times = "" if first == last else f"{last - first + 1} x "
            lines.append(_indented(f"{where}: {times}{text}", 2))
        return self._get_name() + "(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """A dictionary of modules, in the order of insertion.

    Example:
        >>> choices = pb.nn.ModuleDict({"relu": pb.nn.ReLU(), "tanh": pb.nn.Tanh()})
        >>> choices["tanh"](pb.zeros(1))
        tensor([0.])
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return key in self._modules

    def clear(self):
        """Take all modules out.

        Example:
            >>> choices = pb.nn.ModuleDict({"relu": pb.nn.ReLU(), "tanh": pb.nn.Tanh()})
            >>> choices.clear()
            >>> choices
            ModuleDict()
        """
        self._modules.clear()

    def pop(self, key):
        """Take a module out, and return it.

        Example:
            >>> choices = pb.nn.ModuleDict({"relu": pb.nn.ReLU(), "tanh": pb.nn.Tanh()})
            >>> choices.pop("relu"), list(choices)
            (ReLU(), ['tanh'])
        """
        module = self[key]
        del self[key]
        return module

    def keys(self):
        """The names.

        Example:
            >>> list(pb.nn.ModuleDict({"relu": pb.nn.ReLU(), "tanh": pb.nn.Tanh()}).keys())
            ['relu', 'tanh']
        """
        return self._modules.keys()

    def items(self):
        """Pairs (name, module).

        Example:
            >>> list(pb.nn.ModuleDict({"relu": pb.nn.ReLU(), "tanh": pb.nn.Tanh()}).items())
            [('relu', ReLU()), ('tanh', Tanh())]
        """
        return self._modules.items()

    def values(self):
        """The modules.

        Example:
            >>> list(pb.nn.ModuleDict({"relu": pb.nn.ReLU(), "tanh": pb.nn.Tanh()}).values())
            [ReLU(), Tanh()]
        """
        return self._modules.values()

    def update(self, modules):
        """Add modules from a dictionary, or from pairs (name, module).

        Raises TypeError for what is neither, ValueError for what are no pairs.

        Example:
            >>> choices = pb.nn.ModuleDict({"relu": pb.nn.ReLU()})
            >>> choices.update([("tanh", pb.nn.Tanh())])
            >>> list(choices)
            ['relu', 'tanh']
        """
        for key, module in pairs(modules, "ModuleDict"):
            self[key] = module
