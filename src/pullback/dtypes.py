"""Element types: their names, their ranges, and how two of them meet."""

from . import _core
from ._core import (
    bfloat16,
    complex32,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    int16,
    int32,
    int64,
)
from ._core import bool as bool_
from .operators.declare import operator

__all__ = [
    "can_cast",
    "dtype",
    "finfo",
    "get_default_dtype",
    "iinfo",
    "promote_types",
    "result_type",
    "set_default_dtype",
]

# PyTorch's second names.
ALIASES = {
    "float": float32,
    "double": float64,
    "half": float16,
    "chalf": complex32,
    "cfloat": complex64,
    "cdouble": complex128,
    "short": int16,
    "int": int32,
    "long": int64,
}
NAMES = {d.name: d for d in vars(_core).values() if isinstance(d, dtype)}

# Exponent range and digits of the floating types: (bits of the significand, largest exponent, resolution).
_FLOATS = {
    float16: (11, 16, 1e-3),
    bfloat16: (8, 128, 1e-2),
    float32: (24, 128, 1e-6),
    float64: (53, 1024, 1e-15),
}
_PARTS = {complex32: float16, complex64: float32, complex128: float64}


class finfo:
    """The limits of a floating dtype (the default dtype without an argument): ``eps``, ``max``, ``min``,
    ``tiny``, ``smallest_normal``, ``resolution``, ``bits``.

    Raises TypeError for other dtypes.

    Example:
        >>> pb.finfo(pb.float32).eps
        1.1920928955078125e-07
    """

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, type=None):
        type = get_default_dtype() if type is None else _core.as_dtype(type)
        type = _PARTS.get(type, type)
        if type not in _FLOATS:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                f"'torch.finfo': pullback.iinfo({type}) for integers."
            )
        digits, exponent, self.resolution = _FLOATS[type]
        self.bits = type.itemsize * 8
        self.eps = 2.0 ** (1 - digits)
        self.max = (2.0 - self.eps) * 2.0 ** (exponent - 1)
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (2 - exponent)
        self.dtype = type.name

    def __repr__(self):
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )

    def __eq__(self, other):
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self):
        return hash(self.dtype)


class iinfo:
    """The limits of an integral dtype: ``bits``, ``max``, ``min``.

    Raises TypeError for other dtypes.

    Example:
        >>> pb.iinfo(pb.int32).max
        2147483647
    """

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, type):
        type = _core.as_dtype(type)
        if type is bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo: a truth value has no range.")
        if type.is_floating_point or type.is_complex:
            raise TypeError(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo': "
                f"pullback.finfo({type}) for floating dtypes."
            )
        self.bits = type.itemsize * 8
        signed = type.is_signed
        self.max = 2 ** (self.bits - signed) - 1
        self.min = -(2 ** (self.bits - 1)) if signed else 0
        self.dtype = type.name

    def __repr__(self):
        return f"iinfo(min={float(self.min):g}, max={float(self.max):g}, dtype={self.dtype})"

    def __eq__(self, other):
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self):
        return hash(self.dtype)


finfo.__module__ = iinfo.__module__ = "pullback"


@operator(method=False)
def promote_types(type1, type2):
    """The smallest dtype that holds what both hold: Booleans give way to integers, those to floats, those to
    complex.

    Raises TypeError for what is no dtype.

    Example:
        >>> pb.promote_types(pb.int64, pb.float32)
        pullback.float32
    """


@operator(method=False)
def result_type(tensor1, tensor2):
    """The dtype in which an operation on two tensors or numbers is computed: tensors with dimensions decide
    first, then 0-d tensors, then Python numbers, unless these are of a higher category.

    Raises TypeError for what is neither a tensor nor a number.

    Example:
        >>> pb.result_type(pb.tensor([1, 2]), 1.0)
        pullback.float32
    """


@operator(method=False)
def can_cast(from_, to):
    """Whether a dtype's category (truth, whole, floating, complex) may be written into another's; a bool.

    Raises TypeError for what is no dtype.

    Example:
        >>> pb.can_cast(pb.float64, pb.float32), pb.can_cast(pb.float32, pb.int64)
        (True, False)
    """


def get_default_dtype():
    """The dtype of numbers with a point that say nothing else: float32 at the start.

    Example:
        >>> pb.get_default_dtype()
        pullback.float32
    """
    return _core.get_default_dtype()


def set_default_dtype(d):
    """Make `d` the dtype of numbers with a point that say nothing else.

    Raises TypeError for dtypes that are not floating, or have no kernels.

    Example:
        >>> pb.set_default_dtype(pb.float64)
        >>> pb.tensor(1.0).dtype
        pullback.float64
        >>> pb.set_default_dtype(pb.float32)
    """
    d = _core.as_dtype(d)
    if not isinstance(d, dtype):
        raise TypeError(
            "invalid dtype object: only floating-point types are supported as the default type. pullback.float32, "
            "'float32' and numpy.float32 name one."
        )
    if not d._supported and d.is_floating_point:
        raise NotImplementedError(f"there are no kernels for {d} yet; the default dtype stays as it is")
    _core.set_default_dtype(d)


get_default_dtype.__module__ = set_default_dtype.__module__ = "pullback"
