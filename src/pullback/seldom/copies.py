"""Copies of what views show: `permute_copy` and its kin, in memory of their own, and other names of parts."""

from .._core import dtype
from ..operators.declare import FUNCTIONS, METHODS, callable_of

_PAGE = """A copy of what `{name}` shows of a tensor, in memory of its own: its arguments, shapes, derivative and errors.

    Example:
        >>> pb.{name}_copy({call}){shape}
        {shown}
    """


def _slice(input, dim=0, start=None, end=None, step=1):
    place = [slice(None)] * input.ndim
    place[dim] = slice(start, end, step)
    return input[tuple(place)]


def _viewed(input, size):
    """As a copy, of any memory."""
    return input.view(size) if isinstance(size, dtype) else input.reshape(size)


# name: (parameters, what computes the view, an example's arguments, and the shape of its result, or of the second of several)
VIEWS = {
    "alias": ("input", lambda x: x.view_as(x), "pb.zeros(2)", "[2]"),
    "as_strided": (
        "input, size, stride, storage_offset=None",
        METHODS["as_strided"],
        "pb.zeros(4), (2, 2), (1, 2)",
        "[2, 2]",
    ),
    "detach": ("input", lambda x: x.detach(), "pb.zeros(2)", "[2]"),
    "diagonal": ("input, offset=0, dim1=0, dim2=1", METHODS["diagonal"], "pb.zeros(2, 3)", "[2]"),
    "expand": (
        "input, size, *, implicit=False",
        lambda x, size, implicit: x.expand(size),
        "pb.zeros(3), (2, 3)",
        "[2, 3]",
    ),
    "narrow": ("input, dim, start, length", METHODS["narrow"], "pb.zeros(4), 0, 1, 2", "[2]"),
    "permute": ("input, dims", METHODS["permute"], "pb.zeros(2, 3), (1, 0)", "[3, 2]"),
    "select": ("input, dim, index", METHODS["select"], "pb.zeros(2, 3), 0, 1", "[3]"),
    "slice": ("input, dim=0, start=None, end=None, step=1", _slice, "pb.zeros(5), 0, 1, 4, 2", "[2]"),
    "split": ("input, split_size, dim=0", METHODS["split"], "pb.zeros(4), 2", "[2]"),
    "split_with_sizes": (
        "input, split_sizes, dim=0",
        METHODS["split_with_sizes"],
        "pb.zeros(4), [1, 3]",
        "[3]",
    ),
    "squeeze": (
        "input, dim=None",
        lambda x, dim: x.squeeze() if dim is None else x.squeeze(dim),
        "pb.zeros(1, 2)",
        "[2]",
    ),
    "t": ("input", METHODS["t"], "pb.zeros(2, 3)", "[3, 2]"),
    "transpose": ("input, dim0, dim1", METHODS["transpose"], "pb.zeros(2, 3), 0, 1", "[3, 2]"),
    "unbind": ("input, dim=0", METHODS["unbind"], "pb.zeros(2, 3)", "[3]"),
    "unfold": ("input, dimension, size, step", METHODS["unfold"], "pb.zeros(5), 0, 2, 1", "[4, 2]"),
    "unsqueeze": ("input, dim", METHODS["unsqueeze"], "pb.zeros(2), 0", "[1, 2]"),
    "view_as_complex": ("input", FUNCTIONS["view_as_complex"], "pb.zeros(3, 2)", "[3]"),
    "view_as_real": ("input", FUNCTIONS["view_as_real"], "pb.zeros(3) + 0j", "[3, 2]"),
    "view": ("input, size", _viewed, "pb.zeros(4), (2, 2)", "[2, 2]"),
}


def _copied(view):
    """Row by row, however the view steps through memory."""
    return view.clone() if view.is_contiguous() else view.contiguous()


SEVERAL = ("split", "split_with_sizes", "unbind")


def _copying(view):
    def body(*operands, **named):
        shown = view(*operands, **named)
        return tuple([_copied(part) for part in shown]) if isinstance(shown, tuple) else _copied(shown)

    return body


for _name, (_parameters, _view, _call, _shape) in VIEWS.items():
    _declared = eval(f"lambda {_parameters}: None")  # a declaration is read for its signature and its page
    _declared.__name__ = _declared.__qualname__ = f"{_name}_copy"
    _declared.__module__ = __name__
    _declared.__doc__ = _PAGE.format(
        name=_name,
        call=_call,
        shape="[1].shape" if _name in SEVERAL else ".shape",
        shown=f"pullback.Size({_shape})",
    )
    _made = callable_of(_declared, f"{_name}_copy", _copying(_view))
    globals()[f"{_name}_copy"] = FUNCTIONS[f"{_name}_copy"] = _made
METHODS["narrow_copy"] = FUNCTIONS["narrow_copy"]

# What PyTorch does not check for writes into parts; here it is checked.
for _name in ("chunk", "split", "split_with_sizes"):
    FUNCTIONS[f"unsafe_{_name}"] = METHODS[f"unsafe_{_name}"] = METHODS[_name]
