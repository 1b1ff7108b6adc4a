"""The doors to what is not there: an attribute that nobody has says what was meant, or what to write instead.

Modules end in a `__getattr__` that asks `missing`. A tensor's own lookup stays Python's plain one, which is the fast
one; so each name that users of PyTorch, NumPy and pandas look for is an entry of the type that raises when it is read.
`hasattr` is False for them, `dir` leaves them out, and a subclass or an instance may define them. What is said is in
`hints`, which an error loads.
"""

import sys

from .._core import Tensor

PYTORCH = """
    angle apply_ as_strided_ ccol_indices chalf coalesce col_indices conj conj_physical conj_physical_
    crow_indices cumprod_ cumsum_ dense_dim dequantize dim_order eig fill_diagonal_ float_power float_power_
    frexp histogram i0 i0_ igamma igamma_ igammac igammac_ index index_reduce index_reduce_ indices int_repr
    is_coalesced is_conj is_neg is_nested is_shared is_sparse_csr isreal istft ldexp ldexp_ lstsq map_
    mvlgamma mvlgamma_ name new_empty_strided nonzero_static pin_memory positive prelu qscheme
    record_stream resize resize_ resize_as resize_as_ resolve_conj resolve_neg row_indices
    share_memory_ slice_inverse solve sparse_dim sparse_mask sspaddmm stft storage symeig to_dense to_mkldnn
    to_padded_tensor to_sparse to_sparse_bsc to_sparse_bsr to_sparse_coo to_sparse_csc to_sparse_csr
    unsafe_chunk unsafe_split unsafe_split_with_sizes untyped_storage values volatile xpu
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
