"""Named results: what `pb.max(x, dim)`, `pb.sort(x)` and their like return.

>>> values, indices = pb.max(pb.tensor([1.0, 3.0, 2.0]), dim=0)
>>> type(pb.sort(pb.tensor([2.0, 1.0])))
<class 'pullback.return_types.sort'>
"""

from . import _core

globals().update(_core.return_types)

for _name, _type in _core.return_types.items():
    _type.__doc__ = f"The result of `{_name}`: a named tuple."
del _name, _type

__all__ = list(_core.return_types)

for _name, _type in _core.return_types.items():
    _fields = ", ".join(name for name in vars(_type) if not name.startswith(("_", "n_")))
    _type.__doc__ = f"What `{_name}` returns: a tuple with the names ({_fields})."
del _name, _type, _fields
