"""What operands have to be: PyTorch's errors, in PyTorch's order."""

from .. import _core

KERNELS = {_core.float32, _core.float64, _core.complex64, _core.complex128}


def kind(x):
    """The name of a tensor's dtype in PyTorch's messages."""
    return x.dtype._legacy_name


def wider(x):
    """The method that converts a half to what is computed with."""
    return "cfloat" if x.is_complex() else "float"


def floats(operation, x, kernel=None):
    """RuntimeError unless the dtype is one that there are decompositions for; for a half what says that a `kernel` lacks it."""
    if x.dtype in KERNELS:
        return
    if not x.is_floating_point() and not x.is_complex():
        raise RuntimeError(
            f"{operation}: Expected a floating point or complex tensor as input. Got {kind(x)}"
        )
    if kernel:
        computed(kernel, x)
    raise RuntimeError(
        f"{operation}: Low precision dtypes not supported. Got {kind(x)}. Convert it with .{wider(x)}()."
    )


def computed(kernel, x):
    """NotImplementedError unless the dtype is one that there are decompositions for."""
    if x.dtype not in KERNELS:
        raise NotImplementedError(
            f"\"{kernel}\" not implemented for '{kind(x)}'. It is computed in float32, float64 and complex numbers of them: "
            f"convert it with .{wider(x)}()."
        )


def matrices(operation, x, name="A"):
    """RuntimeError unless there are two dimensions at least."""
    if x.ndim < 2:
        raise RuntimeError(
            f"{operation}: The input tensor {name and name + ' '}must have at least 2 dimensions."
        )


def squares(operation, x, name="A"):
    """RuntimeError unless these are square matrices."""
    matrices(operation, x, name)
    m, n = x.shape[-2:]
    if m != n:
        raise RuntimeError(
            f"{operation}: {name} must be batches of square matrices, but they are {m} by {n} matrices"
        )


def square_floats(operation, x, kernel=None):
    """PyTorch's errors of what takes square matrices of floats."""
    squares(operation, x)
    floats(operation, x, kernel)


def one_dtype(operation, **operands):
    """RuntimeError unless both are of one dtype."""
    (a, x), (b, y) = operands.items()
    if x.dtype != y.dtype:
        where = f"{operation}: " if operation else ""
        raise RuntimeError(
            f"{where}Expected {a} and {b} to have the same dtype, but found {a} of type {kind(x)} and {b} of type "
            f"{kind(y)} instead"
        )


def fit(operation, A, B, left=True):
    """RuntimeError unless A X = B, or X A = B, may have a solution."""
    m, n = A.shape[-2:]
    if (B.shape[-2] if left else B.shape[-1]) != (m if left else n):
        raise RuntimeError(
            f"{operation}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({m}x{n} and {B.shape[-2]}x{B.shape[-1]})"
        )


def batches(A, B):
    """RuntimeError unless what is in front of the last dimensions broadcasts."""
    a, b = A.shape[:-2], B.shape[:-2]
    for d, (x, y) in enumerate(zip(reversed(a), reversed(b))):
        if x != y and x != 1 and y != 1:
            at = max(len(a), len(b)) - 1 - d
            raise RuntimeError(
                f"The size of tensor a ({x}) must match the size of tensor b ({y}) at non-singleton dimension {at}. These "
                f"are the batches of the matrices, {list(a)} and {list(b)}."
            )
