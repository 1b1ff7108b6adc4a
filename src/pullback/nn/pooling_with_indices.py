"""Pooling by the largest elements that always says where they lie, as PyTorch names it beside `return_indices=True`."""

import inspect

from ..operators.declare import callable_of
from . import adaptive_pooling, pooling

__all__ = []


def _with_indices(function, example):
    """The twin of a function that has `return_indices`: the same signature, always (values, indices)."""
    signature = inspect.signature(function)
    place = list(signature.parameters).index("return_indices")

    def both(*operands):
        return function(*operands[:place], True, *operands[place + 1 :])

    name = f"{function.__name__}_with_indices"
    scope = {}
    exec(f"def {name}{signature}: pass", scope)
    stated = scope[name]
    stated.__doc__ = f"""The pair of what `{function.__name__}` gives and where in its image or volume each of it lies, as int64.

    Arguments, shapes and errors are those of `{function.__name__}`; `return_indices` is not looked at.

    Example:
        >>> pb.nn.functional.{name}({example[0]})[1].flatten()
        {example[1]}
    """
    made = callable_of(stated, name, both)
    made.__module__ = "pullback.nn.functional"
    return made


_HALF = "pb.full((1, 1, {}), 0.5)"
for _function, _example in (
    (pooling.max_pool1d, ("pb.arange(4.0).reshape(1, 1, 4), 2", "tensor([1, 3])")),
    (pooling.max_pool2d, ("pb.arange(4.0).reshape(1, 1, 2, 2), 2", "tensor([3])")),
    (pooling.max_pool3d, ("pb.arange(8.0).reshape(1, 1, 2, 2, 2), 2", "tensor([7])")),
    (adaptive_pooling.adaptive_max_pool1d, ("pb.arange(4.0).reshape(1, 1, 4), 2", "tensor([1, 3])")),
    (adaptive_pooling.adaptive_max_pool2d, ("pb.arange(4.0).reshape(1, 1, 2, 2), 1", "tensor([3])")),
    (adaptive_pooling.adaptive_max_pool3d, ("pb.arange(8.0).reshape(1, 1, 2, 2, 2), 1", "tensor([7])")),
    (
        adaptive_pooling.fractional_max_pool2d,
        (f"pb.arange(9.0).reshape(1, 1, 3, 3), 2, 1, _random_samples={_HALF.format(2)}", "tensor([8])"),
    ),
    (
        adaptive_pooling.fractional_max_pool3d,
        (f"pb.arange(64.0).reshape(1, 1, 4, 4, 4), 2, 1, _random_samples={_HALF.format(3)}", "tensor([63])"),
    ),
):
    _made = _with_indices(_function, _example)
    globals()[_made.__name__] = _made
    __all__.append(_made.__name__)
del _function, _example, _made
