"""Modules: parts of networks, with parameters of their own."""

from . import (
    activation,
    adaptive,
    container,
    conv,
    cross_map,
    linear,
    linear_cross_entropy,
    loss,
    normalization,
    others,
    pooling,
    rnn,
    sparse,
    synchronous,
    transformer,
)
from .activation import MultiheadAttention, PReLU, Softmax2d
from .module import Module

_FAMILIES = (
    adaptive,
    container,
    conv,
    cross_map,
    linear,
    linear_cross_entropy,
    loss,
    normalization,
    others,
    pooling,
    rnn,
    sparse,
    synchronous,
    transformer,
)

__all__ = ["Module", "MultiheadAttention", "PReLU", "Softmax2d"]
for _family in _FAMILIES:
    globals().update({_name: getattr(_family, _name) for _name in _family.__all__})
    __all__ += _family.__all__
for _name, _value in vars(activation).items():
    _own = isinstance(_value, type) and _value.__module__ == "pullback.nn.modules.activation"
    if _own and _name[0] != "_":
        globals()[_name] = _value
        __all__.append(_name)
__all__ = sorted(set(__all__))
del _family, _name, _own, _value
