"""Products of matrices in groups of unlike sizes, as mixtures of experts have them."""

from .. import _core
from ..operators.declare import FUNCTIONS, composed

bmm, cat, stack = (FUNCTIONS[name] for name in ("bmm", "cat", "stack"))

__all__ = ["grouped_mm"]


@composed(public=False, method=False)
def grouped_mm(mat_a, mat_b, *, offs=None, bias=None, out_dtype=None):
    """A product for each group; `offs` says where the groups of a dimension end that a matrix has for all of them.

    Args:
        mat_a: (groups, M, K), or a matrix: (M, K), whose rows are those of the groups one after another; where both are
            matrices, its columns are.
        mat_b: (groups, K, N), or a matrix: (K, N), whose columns are those of the groups; where both are, its rows.
        offs: int32, (groups); None where both have a dimension for groups.
        bias: None: PyTorch has a place for one, and takes none.
        out_dtype: float32 of float32; otherwise that of the operands.

    Shapes: (M, N) where one is a matrix, with zeros behind the last group; (groups, M, N) otherwise.
    Dtype: that of both, a floating one. Derivative: in both, of every order.

    Raises RuntimeError for other dtypes and shapes, offsets that are missing, and such as do not ascend or lie outside.

    Example:
        >>> tokens = pb.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        >>> experts = pb.tensor([[[1.0], [0.0]], [[0.0], [10.0]]])
        >>> pb.nn.functional.grouped_mm(tokens, experts, offs=pb.tensor([1, 3], dtype=pb.int32))
        tensor([[ 1.],
                [40.],
                [60.]])
    """
    _check(mat_a, mat_b, offs, bias, out_dtype)
    if offs is None:
        return bmm(mat_a, mat_b)
    kept = {(2, 2): None, (2, 3): 0, (3, 2): 1}[
        mat_a.ndim, mat_b.ndim
    ]  # which dimension of the result has groups
    size = mat_b.shape[1] if kept == 1 else mat_a.shape[1 if kept is None else 0]
    sizes = _sizes(offs, size)
    a = mat_a.split(sizes, 1 if kept is None else 0) if mat_a.ndim == 2 else mat_a
    b = mat_b.split(sizes, 1 if kept == 1 else 0) if mat_b.ndim == 2 else mat_b
    products = [x @ y for x, y, _ in zip(a, b, range(len(offs)))]
    if kept is None:
        shape = (0, mat_a.shape[0], mat_b.shape[1])
        return stack(products) if products else mat_a.new_zeros(shape)
    shape = [mat_a.shape[-2], mat_b.shape[-1]]
    shape[kept] = sizes[-1]
    return cat([*products, mat_a.new_zeros(shape)], kept)


def _check(a, b, offs, bias, out_dtype):
    if not a.dtype.is_floating_point:
        raise RuntimeError(
            f"Expected mat_a to be Float32, BFloat16 or Float16 matrix, got {a.dtype._legacy_name}. Convert it first: "
            "mat_a.float()."
        )
    for name, each in (("mat_a", a), ("mat_b", b)):
        if each.ndim not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d. It has {each.ndim} dimensions.")
    if a.shape[-1] != b.shape[-2]:
        raise RuntimeError(
            f"contraction dimension of mat_a and mat_b must match. They are {a.shape[-1]} and {b.shape[-2]}."
        )
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {a.dtype._legacy_name} != {b.dtype._legacy_name}. Convert one "
            "of them."
        )
    groups = {len(each) for each in (a, b) if each.ndim == 3}
    if (offs is None) != (a.ndim == b.ndim == 3):
        raise RuntimeError(
            "Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d. `offs` says where groups end."
        )
    if len(groups) > 1:
        raise RuntimeError(f"batched dimension has to match. Groups are {len(a)} and {len(b)}.")
    if offs is not None:
        if offs.ndim != 1:
            raise RuntimeError(f"offs has to be 1D. It has {offs.ndim} dimensions.")
        if offs.dtype != _core.int32:
            raise RuntimeError(f"Offsets have to be int32. They are {offs.dtype._legacy_name}.")
        if groups and groups != {len(offs)}:
            raise RuntimeError(
                f"matrix batch sizes have to match. There are {groups.pop()} groups, and {len(offs)} offsets."
            )
    if bias is not None:
        raise RuntimeError("Bias not supported yet. Add it to the product.")
    if out_dtype not in (None, a.dtype):
        raise RuntimeError("Grouped gemm output dtype must match `mat_a` dtype. Convert the product.")


def _sizes(offs, size):
    """Of the groups, and as one more of what is behind the last."""
    ends = offs.tolist()
    sizes = [end - begin for begin, end in zip([0, *ends], [*ends, size])]
    if min(sizes) < 0:
        raise RuntimeError(
            f"offs has to ascend from 0 to {size} at most, where groups end, and not be {ends}. They are cumulative sizes: "
            "sizes.cumsum(0)."
        )
    return sizes
