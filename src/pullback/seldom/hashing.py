"""Checksums of elements: `hash_tensor`."""

from math import prod

from .. import _core
from ..operators.declare import composed, dimension, dimensions


@composed(out="exact")
def hash_tensor(input, dim=(), *, keepdim=False, mode=0, out=None):
    """A checksum of the elements along `dim`, or of all: their bits as 64-bit numbers, combined by exclusive or.

    Floats are hashed as float64 and whole numbers as int64, so that equal numbers of different dtypes of one kind have one
    checksum. It does not depend on the order of elements, and two equal ones cancel. `mode` is 0, the only one there is.

    Args:
        input: any shape; floats, whole numbers or truth values.
        dim: an int or a tuple of ints; () or None for all.

    Dtype: uint64. No derivative.

    Raises NotImplementedError for complex and wide unsigned numbers, RuntimeError for another mode and for a dimension named
    twice, IndexError for one out of range, and for one without elements (RuntimeError where none is named).

    Example:
        >>> pb.hash_tensor(pb.tensor([[1, 2], [3, 5]]), 1)
        tensor([3, 6], dtype=pullback.uint64)
    """
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}. There is 0, exclusive or.")
    shape = input.shape
    if not shape:
        input = input.reshape(1)
    dims = [] if dim is None else [dimension(input, d) for d in dimensions(dim)]
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    if not input.numel():
        _require_elements(input, dims)
    dims = dims or [*range(input.ndim)]
    kept = [d for d in range(input.ndim) if d not in dims]
    rows = _words(input.detach()).permute((*dims, *kept))
    rows = rows.reshape(prod(rows.shape[: len(dims)]), *rows.shape[len(dims) :])
    found = _combined(rows).contiguous().view(_core.uint64)
    return found.reshape([1 if d in dims else n for d, n in enumerate(shape)]) if keepdim else found


def _require_elements(input, dims):
    """IndexError where a result would be of no elements."""
    if not dims:
        raise RuntimeError(
            "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
            "'dim' argument."
        )
    for d in dims:
        if not input.shape[d]:
            raise IndexError(
                f"hash_tensor: Expected reduction dim {d} to have non-zero size. Nothing has no checksum."
            )


def _words(input):
    """The bits of each element as an int64."""
    dtype = input.dtype
    if dtype.is_complex or dtype in (_core.uint16, _core.uint32, _core.uint64):
        raise NotImplementedError(
            f"\"xor_sum_cpu\" not implemented for '{dtype._legacy_name}'. A view in another dtype has the same bits."
        )
    return input.double().view(_core.int64) if dtype.is_floating_point else input.long()


def _combined(words):
    """The exclusive or of all rows: halves on one another, as often as there are two."""
    odd = None
    while (n := words.shape[0]) > 1:
        half = n // 2
        if n % 2:
            odd = words[-1] if odd is None else odd ^ words[-1]
        words = words[:half] ^ words[half : 2 * half]
    return words[0] if odd is None else words[0] ^ odd
