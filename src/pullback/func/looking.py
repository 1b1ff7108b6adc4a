"""What other systems need wrappers and compilers for: `debug_unwrap`, `functionalize`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor

__all__ = ["debug_unwrap", "functionalize"]


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """What a tensor is without the levels of the transforms around: for printing in the middle of one, and no more.

    Axes that a `vmap` hides come first, the outermost in front. Tangents are left away. With ``recurse=False`` only the
    innermost level goes. A tensor without levels is given back itself.

    Example:
        >>> def f(row):
        ...     print(pb.func.debug_unwrap(row))
        ...     return row.sum()
        >>> _ = pb.func.vmap(f)(pb.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([[1., 2.],
                [3., 4.]])
    """
    while True:
        axes = _core.mapped_axes(tensor)
        level = _core.highest_level((tensor,))
        if axes and axes[-1][0] > level:
            tensor = _core.unmap_axis(tensor, axes[-1][0], 0, axes[-1][1])
        elif level:
            tensor = _core.unpack_dual(tensor, level)[0]
        else:
            return tensor
        if not recurse:
            return tensor


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """`func` itself, for programs that ask for it: nobody here sees which of its operations write in place.

    In PyTorch the operations that a tracer sees are then free of writes; values, and writes into arguments, are the same.
    Raises RuntimeError for another `remove` than "mutations" and "mutations_and_views".

    Example:
        >>> pb.func.functionalize(lambda x: x.clone().mul_(2))(pb.tensor([1.0, 2.0]))
        tensor([2., 4.])
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for `remove`. Valid options are:\n"
            f"     remove='mutations': removes writes in place\n"
            f"     remove='mutations_and_views': removes views as well\nGot {remove!r}."
        )

    @functools.wraps(func, updated=())
    def functional(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return functional
