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
    >>> result = pb.{call}
    >>> result.{first} is result[0]
    True
"""
# Of matrices.
_CALLS = {
    "linalg_solve_ex": "linalg.solve_ex(pb.eye(2), pb.ones(2))",
    "linalg_lstsq": "linalg.lstsq(pb.eye(2), pb.ones(2))",
    "triangular_solve": "triangular_solve(pb.ones(2, 1), pb.eye(2))",
    "lu_unpack": "lu_unpack(*pb.linalg.lu_factor(pb.eye(2)))",
}
_CALLS |= {
    "frexp": "frexp(pb.tensor([3.0]))",
    "histogram": "histogram(pb.tensor([3.0]), 2)",
    "histogramdd": "histogramdd(pb.ones(3, 2), 2)",
}
_OF_MATRICES = ("svd", "qr", "geqrf", "slogdet")


def _document():
    for name, kind in _core.return_types.items():
        fields = [field for field in vars(kind) if not field.startswith(("_", "n_"))]
        arguments = {"sort": "", "kthvalue": ", 2", "topk": ", 2", "aminmax": ""}.get(name, ", dim=0")
        public = name.replace("linalg_", "linalg.")
        call = f"{name}(pb.tensor([3.0, 1.0, 2.0]){arguments})"
        if public != name or name in _OF_MATRICES:
            call = f"{public}(pb.eye(2))"
        kind.__doc__ = _DOC.format(
            name=public, fields=", ".join(fields), first=fields[0], call=_CALLS.get(name, call)
        )


_document()
