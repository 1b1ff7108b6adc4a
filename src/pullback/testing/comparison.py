"""`assert_close`: the leaves of two trees side by side, and what is said of the first that differs.

Two passes: the trees are taken apart as a whole, so that another shape of a tree is told before any value, and then values
are compared, in order. What is said is PyTorch's to the character.
"""

import cmath
import collections.abc
import contextlib
import warnings

from .. import _core
from ..dtypes import promote_types
from ..operators.creation import as_tensor, is_numpy

_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex32": (1e-3, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}
_NUMBERS = {int: "int64", float: "float64", complex: "complex128"}


class _Differ(Exception):
    """What is raised in the end, for an item of the tree."""

    def __init__(self, kind, text, path):
        self.kind, self.text, self.path = kind, text, path

    def error(self, msg):
        text = self.text
        if self.path:
            text += f"\n\nThe failure occurred for item {''.join(f'[{step!r}]' for step in self.path)}"
        if callable(msg):
            text = msg(text)
        elif msg is not None:
            text = msg
        return self.kind(text)


class _Options:
    """How leaves are compared: what `assert_close` takes, and whether to call a small difference one."""

    def __init__(self, **given):
        vars(self).update(given)

    def tolerances(self, names, path):
        if (self.rtol is None) != (self.atol is None):
            raise _Differ(
                ValueError,
                "Both 'rtol' and 'atol' must be either specified or omitted, but got no "
                f"{'rtol' if self.rtol is None else 'atol'}.",
                path,
            )
        if self.rtol is not None:
            return self.rtol, self.atol
        return tuple(map(max, zip(*(_TOLERANCES.get(name, (0.0, 0.0)) for name in names))))


# ---- trees ---------------------------------------------------------------------------------------------------


def _leaves(actual, expected, path, options):
    """The comparisons that are to be made, functions without arguments, in order."""
    sequence, mapping = collections.abc.Sequence, collections.abc.Mapping
    if all(isinstance(each, sequence) and not isinstance(each, str) for each in (actual, expected)):
        if len(actual) != len(expected):
            raise _Differ(
                AssertionError,
                f"The length of the sequences mismatch: {len(actual)} != {len(expected)}",
                path,
            )
        keys = range(len(actual))
    elif isinstance(actual, mapping) and isinstance(expected, mapping):
        if set(actual) != set(expected):
            raise _Differ(
                AssertionError,
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(set(expected) - set(actual))}\n"
                f"Additional keys in the actual mapping: {sorted(set(actual) - set(expected))}",
                path,
            )
        keys = list(actual)
        with contextlib.suppress(TypeError):
            keys = sorted(keys)
    else:
        return [_leaf(actual, expected, path, options)]
    found = []
    for key in keys:
        found += _leaves(actual[key], expected[key], (*path, key), options)
    return found


def _leaf(actual, expected, path, options):
    for kind in (_nones, _truths, _numbers, _tensors):
        compare = kind(actual, expected, path, options)
        if compare is not None:
            return compare
    raise _Differ(
        TypeError,
        f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.",
        path,
    )


# ---- leaves: each kind gives its comparison, or None for what is not of the kind -----------------------------


def _nones(actual, expected, path, options):
    if actual is not None and expected is not None:
        return None

    def compare():
        if actual is not expected:
            raise _Differ(AssertionError, f"None mismatch: {actual} is not {expected}", path)

    return compare


def _truths(actual, expected, path, options):
    if not all(isinstance(each, bool) or is_numpy(each, "bool", "bool_") for each in (actual, expected)):
        return None

    def compare():
        if bool(actual) is not bool(expected):
            raise _Differ(AssertionError, f"Booleans mismatch: {bool(actual)} is not {bool(expected)}", path)

    return compare


def _numbers(actual, expected, path, options):
    values = [each.item() if is_numpy(each, "number") else each for each in (actual, expected)]
    if not all(isinstance(each, tuple(_NUMBERS)) for each in values):
        return None
    a, b = values
    names = [next(name for kind, name in _NUMBERS.items() if isinstance(each, kind)) for each in values]
    rtol, atol = options.tolerances(names, path)

    def compare():
        if options.check_dtype and type(a) is not type(b):
            raise _Differ(AssertionError, f"The (d)types do not match: {type(a)} != {type(b)}.", path)
        if a == b or (options.equal_nan and cmath.isnan(a) and cmath.isnan(b)):
            return
        if not (cmath.isfinite(abs(a - b)) and abs(a - b) <= atol + rtol * abs(b)):
            raise _Differ(AssertionError, _scalars_differ(a, b, rtol, atol), path)

    return compare


def _tensors(actual, expected, path, options):
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if not related or (not options.allow_subclasses and type(actual) is not type(expected)):
        return None
    try:
        a, b = (each if isinstance(each, _core.Tensor) else as_tensor(each) for each in (actual, expected))
    except Exception:
        return None
    rtol, atol = options.tolerances([a.dtype.name, b.dtype.name], path)

    def compare():
        for name, checked in (
            ("shape", True),
            ("layout", options.check_layout),
            ("stride()", options.check_stride),
            ("device", options.check_device),
            ("dtype", options.check_dtype),
        ):
            p, q = (t.stride() if name == "stride()" else getattr(t, name) for t in (a, b))
            if checked and p != q:
                raise _Differ(
                    AssertionError, f"The values for attribute '{name}' do not match: {p} != {q}.", path
                )
        dtype = promote_types(a.dtype, b.dtype)
        p, q = a.detach().to(dtype), b.detach().to(dtype)
        close = p.isclose(q, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
        if close.all():
            return
        differ = _scalars_differ(p.item(), q.item(), rtol, atol) if not p.ndim else None
        raise _Differ(AssertionError, differ or _tensors_differ(p, q, close, rtol, atol), path)

    return compare


# ---- what is said --------------------------------------------------------------------------------------------


def _said(what, fact, differences, rtol, atol):
    exactly = rtol == 0 and atol == 0
    lines = [f"{what} are not {'equal' if exactly else 'close'}!", "", fact]
    for difference, limit in zip(differences, (atol, rtol)):
        lines.append(difference if exactly else f"{difference} (up to {limit} allowed)")
    return "\n".join(lines)


def _scalars_differ(a, b, rtol, atol):
    difference = abs(a - b)
    relative = float("inf") if b == 0 else difference / abs(b)
    return _said(
        "Scalars",
        f"Expected {b} but got {a}.",
        (f"Absolute difference: {difference}", f"Relative difference: {relative}"),
        rtol,
        atol,
    )


def _tensors_differ(a, b, close, rtol, atol):
    shape, close = tuple(a.shape), close.flatten()
    a, b = a.flatten(), b.flatten()
    if not (a.dtype.is_floating_point or a.dtype.is_complex):
        a, b = a.long(), b.long()
    absolute = (a - b).abs().masked_fill(close, 0)
    relative = (absolute / b.abs()).masked_fill(close, 0)
    count, wrong = close.numel(), int((~close).sum())
    differences = []
    for name, values in (("absolute", absolute), ("relative", relative)):
        largest, where = values.max(0)
        differences.append(
            f"Greatest {name} difference: {largest.item()} at index {_unraveled(int(where), shape)}"
        )
    return _said(
        "Tensor-likes",
        f"Mismatched elements: {wrong} / {count} ({wrong / count:.1%})",
        differences,
        rtol,
        atol,
    )


def _unraveled(place, shape):
    index = []
    for size in reversed(shape):
        place, step = divmod(place, size)
        index.insert(0, step)
    return tuple(index)


def assert_close(
    actual,
    expected,
    *,
    allow_subclasses=True,
    rtol=None,
    atol=None,
    equal_nan=False,
    check_device=True,
    check_dtype=True,
    check_layout=True,
    check_stride=False,
    msg=None,
):
    """Raise unless two tensors, numbers, arrays, or trees of them in sequences and mappings, are close.

    Finite values are close if ``|actual - expected| <= atol + rtol * |expected|``; others if they are equal.

    Args:
        actual, expected: tensors of any shape, dtype and strides; numbers; what `as_tensor` takes, of related types.
        allow_subclasses: whether a tensor and one of a subclass may be compared.
        rtol, atol: both, or neither: then the looser of what goes with the dtypes: 1.3e-6 and 1e-5 for float32, 1e-7 and
            1e-7 for float64, 1e-3 and 1e-5 for float16, 1.6e-2 and 1e-5 for bfloat16, 0 for integers and bool.
        equal_nan: whether NaN equals NaN.
        check_device, check_dtype, check_layout, check_stride: whether these have to be the same.
        msg: the message instead of the one that is made, or a function of that.

    Raises:
        AssertionError: if they are not close; it names the item, how many elements differ, and the largest difference.
        TypeError: for what cannot be compared.
        ValueError: if one of `rtol` and `atol` is missing.

    Example:
        >>> pb.testing.assert_close(pb.tensor([1.0, 2.0]), pb.tensor([1.0, 2.0 + 1e-6]))
        >>> pb.testing.assert_close({"a": pb.tensor([1.0, 2.0])}, {"a": pb.tensor([1.0, 2.5])})
        Traceback (most recent call last):
            ...
        AssertionError: Tensor-likes are not close!
        <BLANKLINE>
        Mismatched elements: 1 / 2 (50.0%)
        Greatest absolute difference: 0.5 at index (1,) (up to 1e-05 allowed)
        Greatest relative difference: 0.20000000298023224 at index (1,) (up to 1.3e-06 allowed)
        <BLANKLINE>
        The failure occurred for item ['a']
    """
    __tracebackhide__ = True
    options = _Options(
        allow_subclasses=allow_subclasses,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=check_device,
        check_dtype=check_dtype,
        check_layout=check_layout,
        check_stride=check_stride,
    )
    failed = None
    try:
        for compare in _leaves(actual, expected, (), options):
            compare()
    except _Differ as differ:
        failed = differ.error(msg)
    if failed is not None:
        raise failed


def assert_allclose(actual, expected, rtol=None, atol=None, equal_nan=True, msg=""):
    """The older form of `assert_close`, which converts what is no tensor and compares neither dtypes nor devices.

    Raises as `assert_close` does, after a FutureWarning.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     pb.testing.assert_allclose(pb.ones(2), [1.0, 1.0])
    """
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. Please use "
        "`torch.testing.assert_close()` instead.",
        FutureWarning,
        stacklevel=2,
    )
    if not isinstance(actual, _core.Tensor):
        actual = as_tensor(actual)
    if not isinstance(expected, _core.Tensor):
        expected = as_tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        names = actual.dtype.name, expected.dtype.name
        rtol, atol = map(max, zip(*(_OLDER.get(name, (0.0, 0.0)) for name in names)))
    assert_close(
        actual,
        expected,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=True,
        check_dtype=False,
        check_stride=False,
        msg=msg or None,
    )


_OLDER = {"float16": (1e-3, 1e-3), "float32": (1e-4, 1e-5), "float64": (1e-5, 1e-8)}
