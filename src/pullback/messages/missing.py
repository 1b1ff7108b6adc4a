"""The doors to what is not there: an attribute that nobody has says what was meant, or what to write instead.

Modules end in a `__getattr__` that asks `missing`. A tensor's own lookup stays Python's plain one, which is the fast
one; so each name that users of PyTorch, NumPy and pandas look for is an entry of the type that raises when it is read.
`hasattr` is False for them, `dir` leaves them out, and a subclass or an instance may define them. What is said is in
`hints`, which an error loads.
"""

import sys

from .._core import Tensor

PYTORCH = """
    ccol_indices coalesce col_indices crow_indices dense_dim dequantize eig index indices int_repr
    is_coalesced lstsq name qscheme record_stream resize resize_as row_indices slice_inverse solve
    sparse_dim sparse_mask sspaddmm storage symeig to_dense to_mkldnn to_padded_tensor to_sparse
    to_sparse_bsc to_sparse_bsr to_sparse_coo to_sparse_csc to_sparse_csr untyped_storage values
    volatile xpu
"""
OTHERS = """
    assign apply astype at base block_until_ready choose compress conjugate copy ctypes dropna fill
    fillna flat head iloc isna isnull itemset loc map notna parameters partition ptp step strides tail
    to_list to_numpy tobytes tofile tostring zero_grad
"""


def missing(home, name):
    """The exception for a name that a module does not have; the module's `__getattr__` raises it."""
    if name.startswith("_"):  # protocols and private parts: nobody misspelt them
        return AttributeError(f"module {home!r} has no attribute {name!r}")
    from .hints import attribute

    return attribute(home, name, sys._getframe(2))


class Absent:
    """Raises when it is read. No data descriptor: an attribute of the instance goes before it."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __get__(self, tensor, kind):
        from .hints import attribute

        raise attribute("Tensor", self.name)


def install():
    """Put the names on the type, where nothing has them."""
    defined = vars(Tensor)
    for name in (PYTORCH + OTHERS).split():
        if name not in defined:
            setattr(Tensor, name, Absent(name))
