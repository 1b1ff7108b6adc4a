"""Functions of networks as the package itself has them, under PyTorch's names: what `nn.functional` calls there.

Parameters stand in the order of PyTorch's operators, a reduction is a number, and the computation is that of
`nn.functional`. A file a family: `losses`, `norms`, `recurrent`, `images`, `tables`.
"""

from importlib import import_module

__all__ = []

for _name in ("images", "losses", "norms", "recurrent", "tables"):
    _family = import_module("." + _name, __package__)
    globals().update({_each: getattr(_family, _each) for _each in _family.__all__})
    __all__ += _family.__all__
del _family, _name
