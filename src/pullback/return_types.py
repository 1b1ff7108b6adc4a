"""Named results: what `pb.max(x, dim)`, `pb.sort(x)` and their like return.

>>> values, indices = pb.max(pb.tensor([1.0, 3.0, 2.0]), dim=0)
>>> type(pb.sort(pb.tensor([2.0, 1.0]))).__name__
'sort'
"""

from . import _core

globals().update(_core.return_types)

__all__ = list(_core.return_types)
