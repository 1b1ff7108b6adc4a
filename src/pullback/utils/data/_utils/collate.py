"""A batch made of samples: tensors stacked, numbers in a tensor, containers part by part.

What becomes of a kind of value stands in `default_collate_fn_map`, which programs may extend.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ...._core import Tensor, float64
from ....operators.creation import as_tensor, tensor
from ....operators.joining import stack

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)
_Map = dict[Any, Callable[..., Any]]


def default_convert(data: Any) -> Any:
    """The same value with tensors in place of NumPy's arrays and numbers, in whatever container they are.

    Tuples become lists, named ones stay what they are; arrays of text and of objects, and all that is no array, are left
    as they are. A `DataLoader` without batches does this to each sample.

    Example:
        >>> pb.utils.data.default_convert({"x": np.array([1.0, 2.0]), "name": "first"})
        {'x': tensor([1., 2.], dtype=pullback.float64), 'name': 'first'}
    """
    kind = type(data)
    if isinstance(data, Tensor):
        return data
    if kind.__module__ == "numpy" and kind.__name__ not in ("str_", "string_"):
        return data if kind.__name__ == "ndarray" and _holds_text(data) else as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping_like(data, default_convert)
    if isinstance(data, tuple):
        parts = map(default_convert, data)
        return kind(*parts) if hasattr(data, "_fields") else list(parts)
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _sequence_like(data, list(map(default_convert, data)))
    return data


def collate(batch: Any, *, collate_fn_map: _Map | None = None) -> Any:
    """The batch of a list of samples, where `collate_fn_map` says what becomes of a kind of value.

    Its keys are types, or tuples of types; its values are called as ``f(batch, collate_fn_map=collate_fn_map)``. The very
    type of the first sample goes before types that it inherits from. Mappings, named tuples and sequences that the map
    does not have are taken apart.

    Raises TypeError for what nobody knows, RuntimeError for sequences of different lengths.
    """
    first = batch[0]
    kind = type(first)
    if collate_fn_map is not None:
        if kind in collate_fn_map:
            return collate_fn_map[kind](batch, collate_fn_map=collate_fn_map)
        for each, function in list(collate_fn_map.items()):
            if isinstance(first, each):
                return function(batch, collate_fn_map=collate_fn_map)

    def together(values: Any) -> Any:
        return collate(values, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _mapping_like(first, together, lambda key: [sample[key] for sample in batch])
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return kind(*map(together, zip(*batch)))
    if isinstance(first, Sequence):
        lengths = {len(sample) for sample in batch}
        if len(lengths) > 1:
            raise RuntimeError(
                f"each element in list of batch should be of equal size. Their sizes are {sorted(lengths)}: a "
                "`collate_fn` of your own can fill up the shorter ones."
            )
        parts = [together(values) for values in zip(*batch)]
        return parts if isinstance(first, tuple) else _sequence_like(first, parts)
    raise TypeError(
        f"{default_collate_err_msg_format.format(kind)}. A `collate_fn` of your own, or an entry of "
        "`default_collate_fn_map`, can say what becomes of it."
    )


def _mapping_like(given: Any, change: Callable[[Any], Any], value: Callable[[Any], Any] | None = None) -> Any:
    """A mapping of the same kind, with what `change` makes of the value of each key."""
    changed = {key: change(given[key] if value is None else value(key)) for key in given}
    try:
        if isinstance(given, MutableMapping):  # it may know more than its items
            clone = copy.copy(given)
            clone.update(changed)
            return clone
        return type(given)(changed)
    except TypeError:  # a kind of its own, that cannot be made so
        return changed


def _sequence_like(given: Any, parts: list[Any]) -> Any:
    """A sequence of the same kind with these elements."""
    try:
        if isinstance(given, MutableSequence):
            clone = copy.copy(given)
            for i, part in enumerate(parts):
                clone[i] = part
            return clone
        return type(given)(parts)
    except TypeError:  # range, for one
        return parts


def _holds_text(array: Any) -> bool:
    return array.dtype.char in "SaUO"


def collate_tensor_fn(batch: Sequence[Any], *, collate_fn_map: _Map | None = None) -> Any:
    """Tensors of one shape, stacked."""
    return stack(tuple(batch), 0)


def collate_numpy_array_fn(batch: Sequence[Any], *, collate_fn_map: _Map | None = None) -> Any:
    """Arrays as tensors."""
    if _holds_text(batch[0]):
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    return collate([as_tensor(each) for each in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Iterable[Any], *, collate_fn_map: _Map | None = None) -> Any:
    """NumPy's numbers, with their dtype."""
    return as_tensor(batch)


def collate_float_fn(batch: Iterable[float], *, collate_fn_map: _Map | None = None) -> Any:
    """Python's floats, in all their digits."""
    return tensor(batch, dtype=float64)


def collate_int_fn(batch: Iterable[int], *, collate_fn_map: _Map | None = None) -> Any:
    """Python's integers and truth values."""
    return tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: _Map | None = None) -> Any:
    """Texts stay a list."""
    return batch


default_collate_fn_map: _Map = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """The batch of a list of samples: what a `DataLoader` makes of them where nobody says otherwise.

    Tensors are stacked, arrays of NumPy as tensors; numbers become a tensor, of float64 for Python's floats; texts and
    bytes stay in a list. Mappings, named tuples and sequences are taken apart: each of their values is a batch, in a
    container of the same kind, or a list for a tuple. Types of one's own join `_utils.collate.default_collate_fn_map`.

    Raises TypeError for other types, RuntimeError for tensors of different shapes and sequences of different lengths.

    Example:
        >>> pb.utils.data.default_collate([(pb.ones(2), 3), (pb.zeros(2), 4)])
        [tensor([[1., 1.],
                [0., 0.]]), tensor([3, 4])]
        >>> pb.utils.data.default_collate([{"size": 1.5, "name": "a"}, {"size": 2.0, "name": "b"}])
        {'size': tensor([1.5000, 2.0000], dtype=pullback.float64), 'name': ['a', 'b']}
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
