"""Named results: what `pb.max(x, dim)`, `pb.sort(x)` and their like return.

>>> values, indices = pb.max(pb.tensor([1.0, 3.0, 2.0]), dim=0)
>>> type(pb.sort(pb.tensor([2.0, 1.0])))
<class 'pullback.return_types.sort'>
"""

from . import _core

globals().update(_core.return_types)
__all__ = list(_core.return_types)

_DOC = """What `{name}` returns: a tuple with the names ({fields}).

Example:
    >>> result = pb.{name}(pb.tensor([3.0, 1.0, 2.0]){arguments})
    >>> result.{first} is result[0]
    True
"""


def _document():
    for name, kind in _core.return_types.items():
        fields = [field for field in vars(kind) if not field.startswith(("_", "n_"))]
        arguments = {"sort": "", "kthvalue": ", 2", "topk": ", 2", "aminmax": ""}.get(name, ", dim=0")
        kind.__doc__ = _DOC.format(name=name, fields=", ".join(fields), first=fields[0], arguments=arguments)


_document()
