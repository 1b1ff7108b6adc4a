"""Dimensions, sizes, norms and dtypes of transforms, as PyTorch reads them."""

from .. import _core
from ..operators.declare import FUNCTIONS, dimension
from ..operators.joining import cat
from .library import WIDE

NORMS = {None: 0, "backward": 0, "ortho": 1, "forward": 2}
TAKEN = frozenset((*WIDE, *WIDE.values()))


def scale_of(norm, inverse):
    """The scale of a transform (see transforms.py): the norm says which direction is divided."""
    if norm is not None and not isinstance(norm, str):
        raise TypeError(f"argument 'norm' must be str, not {type(norm).__name__}.")
    if norm not in NORMS:
        raise RuntimeError(
            f'Invalid normalization mode: "{norm}". It is "backward" (the inverse is divided by N), "ortho" or "forward".'
        )
    code = NORMS[norm]
    return 2 - code if inverse else code


def signal(x):
    """The tensor in the default dtype if it holds integers; complex ones stay."""
    if x.dtype in TAKEN:
        return x
    if not x.is_floating_point() and not x.is_complex():
        return x.to(_core.get_default_dtype())
    raise RuntimeError(
        f"Unsupported dtype {x.dtype._legacy_name}. Transforms take float32, float64 and complex tensors."
    )


def spectrum(x):
    """The same in complex numbers."""
    x = signal(x)
    return x.to(WIDE[x.dtype]) if x.dtype in WIDE else x


def real_signal(operation, x, message="{0} expects a real input tensor, but got {1}"):
    """The same of real numbers."""
    if x.dtype.is_complex:
        name = x.dtype._legacy_name
        raise RuntimeError(f"{message.format(operation, name)}. fft takes complex numbers.")
    return signal(x)


def dimensions(x, s, dim):
    """Dimensions and their sizes: all of them if none are named, or as many of the last ones as there are sizes."""
    one = lambda v: [v] if isinstance(v, int) else None if v is None else list(v)
    s, dim = one(s), one(dim)
    if dim is not None:
        dims = [dimension(x, d) for d in dim]
        if len(set(dims)) < len(dims):
            raise RuntimeError(f"FFT dims must be unique. They are {dim}.")
        if s is not None and len(s) != len(dims):
            raise RuntimeError(
                f"When given, dim and shape arguments must have the same length. dim is {dim} and s is {s}."
            )
    elif s is not None:
        if len(s) > x.ndim:
            raise RuntimeError(
                f"Got shape with {len(s)} values but input tensor only has {x.ndim} dimensions."
            )
        dims = list(range(x.ndim - len(s), x.ndim))
    else:
        dims = list(range(x.ndim))
    sizes = [x.size(d) if s is None or s[k] == -1 else s[k] for k, d in enumerate(dims)]
    for n in sizes:
        points(n)
    return dims, sizes


def points(n):
    """RuntimeError unless a transform has a point, TypeError unless their number is whole."""
    if not hasattr(n, "__index__"):
        raise TypeError(
            f"argument 'n' must be int, not {type(n).__name__}. It is how many points a transform has."
        )
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified. A transform has one at least.")
    return n


def resized(x, dims, sizes):
    """The tensor, cut off or followed by zeros where it is longer or shorter."""
    for d, n in zip(dims, sizes):
        if x.size(d) > n:
            x = x.narrow(d, 0, n)
        elif x.size(d) < n:
            shape = list(x.shape)
            shape[d] = n - x.size(d)
            x = cat([x, x.new_zeros(shape)], d)
    return x


def last(x, dims):
    """The tensor with these dimensions behind all others, and the function that moves those of a result back."""
    others = sorted((d for d in range(x.ndim) if d not in dims), key=x.stride, reverse=True)  # as memory lies
    order = others + list(dims)
    if order == list(range(x.ndim)):
        return x, lambda y: y
    back = sorted(range(x.ndim), key=order.__getitem__)
    return FUNCTIONS["permute"](x, order), lambda y: FUNCTIONS["permute"](y, back)
