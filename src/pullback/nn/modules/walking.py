"""The tree of a module: what is in it, in order, each once; and what is at a path such as "encoder.0.weight"."""

from ..parameter import Parameter


class Walked:
    """A module is walked by what its dictionaries hold, `_modules`, `_parameters` and `_buffers`."""

    def children(self):
        """The modules that are attributes of this one, each once.

        Example:
            >>> list(pb.nn.Sequential(pb.nn.ReLU(), pb.nn.Sequential(pb.nn.Tanh())).children())
            [ReLU(), Sequential(
              (0): Tanh()
            )]
        """
        for _, module in self.named_children():
            yield module

    def named_children(self):
        """Pairs (name, module) of the modules that are attributes of this one, each module once.

        Example:
            >>> list(pb.nn.ModuleDict({"first": pb.nn.ReLU(), "last": pb.nn.Tanh()}).named_children())
            [('first', ReLU()), ('last', Tanh())]
        """
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def modules(self, remove_duplicate=True):
        """This module and all below it, each once, or as often as it stands there.

        Example:
            >>> [type(module).__name__ for module in pb.nn.Sequential(pb.nn.ReLU(), pb.nn.Tanh()).modules()]
            ['Sequential', 'ReLU', 'Tanh']
        """
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """Pairs (path, module) of this module, whose path is `prefix`, and of all below it.

        Example:
            >>> [name for name, _ in pb.nn.Sequential(pb.nn.ReLU(), pb.nn.ReLU()).named_modules()]
            ['', '0', '1']
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = prefix + ("." if prefix else "") + name
                yield from module.named_modules(memo, path, remove_duplicate)

    def _named_members(self, members, prefix="", recurse=True, remove_duplicate=True):
        seen = set()
        homes = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in homes:
            for name, value in members(module):
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield path + ("." if path else "") + name, value

    def parameters(self, recurse=True):
        """The parameters of this module and, with `recurse`, of all below it, each once.

        Example:
            >>> [tuple(p.shape) for p in pb.nn.Linear(2, 3).parameters()]
            [(3, 2), (3,)]
            >>> sum(p.numel() for p in pb.nn.Linear(2, 3).parameters())
            9
        """
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """Pairs (path, parameter) of this module and, with `recurse`, of all below it.

        Example:
            >>> [(name, tuple(p.shape)) for name, p in pb.nn.Linear(2, 3).named_parameters()]
            [('weight', (3, 2)), ('bias', (3,))]
        """
        yield from self._named_members(
            lambda module: module._parameters.items(), prefix, recurse, remove_duplicate
        )

    def buffers(self, recurse=True):
        """The buffers of this module and, with `recurse`, of all below it, each once.

        Example:
            >>> list(pb.nn.BatchNorm1d(2).buffers())
            [tensor([0., 0.]), tensor([1., 1.]), tensor(0)]
        """
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """Pairs (path, buffer) of this module and, with `recurse`, of all below it.

        Example:
            >>> dict(pb.nn.BatchNorm1d(2).named_buffers(prefix="norm"))["norm.running_var"]
            tensor([1., 1.])
        """
        yield from self._named_members(
            lambda module: module._buffers.items(), prefix, recurse, remove_duplicate
        )

    def get_submodule(self, target):
        """The module at a path, such as "encoder.0"; this module at "".

        Raises AttributeError where there is none.

        Example:
            >>> net = pb.nn.Sequential(pb.nn.Sequential(pb.nn.ReLU(), pb.nn.Tanh()))
            >>> net.get_submodule("0.1")
            Tanh()
        """
        module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Walked):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target, module, strict=False):
        """Put a module at a path; with `strict`, only where there is one.

        Raises ValueError for an empty path, AttributeError where the path leads nowhere.

        Example:
            >>> net = pb.nn.Sequential(pb.nn.Sequential(pb.nn.ReLU(), pb.nn.Tanh()))
            >>> net.set_submodule("0.1", pb.nn.Sigmoid())
            >>> net[0][1]
            Sigmoid()
        """
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Walked):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Walked):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target):
        """The parameter at a path, such as "encoder.weight". Raises AttributeError where there is none.

        Example:
            >>> pb.nn.Sequential(pb.nn.Linear(2, 3)).get_parameter("0.weight").shape
            pullback.Size([3, 2])
        """
        module, name = self._holder(target)
        found = getattr(module, name)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return found

    def get_buffer(self, target):
        """The buffer at a path, such as "norm.running_mean". Raises AttributeError where there is none.

        Example:
            >>> pb.nn.Sequential(pb.nn.BatchNorm1d(2)).get_buffer("0.running_mean")
            tensor([0., 0.])
        """
        module, name = self._holder(target)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return module._buffers[name]

    def _holder(self, target):
        """The module that a path's last name is an attribute of, and that name."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        return module, name
