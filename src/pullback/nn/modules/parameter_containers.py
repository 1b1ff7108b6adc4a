"""Parameters in order or by name: nn.modules.container offers them, as PyTorch does.

Here is also how every container finds a member: by number, from either end, or by name.
"""

import operator
from collections import OrderedDict, abc

from ... import _core
from ..parameter import Parameter
from .module import Module


def position(index, count):
    """An index from either end, as one from the beginning."""
    index = operator.index(index)
    if not -count <= index < count:
        raise IndexError(f"index {index} is out of range")
    return index % count


def pairs(given, name):
    """What `update` was given, as pairs (key, value)."""
    if not isinstance(given, abc.Iterable):
        said = "ParametersDict" if name == "ParameterDict" else name  # PyTorch's name for it, here alone
        raise TypeError(
            f"{said}.update should be called with an iterable of key/value pairs, but got {type(given).__name__}"
        )
    if isinstance(given, abc.Mapping) or hasattr(given, "items"):
        return list(given.items())
    found = []
    for k, each in enumerate(given):
        if not isinstance(each, abc.Iterable):
            raise TypeError(
                f"{name} update sequence element #{k} should be Iterable; is{type(each).__name__}"
            )
        each = tuple(each)
        if len(each) != 2:
            raise ValueError(f"{name} update sequence element #{k} has length {len(each)}; 2 is required")
        found.append(each)
    return found


def _kept(value):
    """Tensors become Parameters; all else stays as it is."""
    if isinstance(value, _core.Tensor) and not isinstance(value, Parameter):
        return Parameter(value)
    return value


def _described(value, of):
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"{kind} containing: [{of} of size {'x'.join(map(str, value.shape))}]"


class ParameterList(Module):
    """A list of parameters; other values are kept as they are.

    Example:
        >>> pb.nn.ParameterList([pb.zeros(2), pb.zeros(3, 1)])
        ParameterList(
            (0): Parameter containing: [torch.float32 of size 2]
            (1): Parameter containing: [torch.float32 of size 3x1]
        )
    """

    __module__ = "pullback.nn.modules.container"

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self += values

    def __getitem__(self, index):
        if isinstance(index, slice):
            made = type(self)()
            for k in range(*index.indices(len(self))):
                made.append(self[k])
            return made
        return getattr(self, str(position(index, len(self))))

    def __setitem__(self, index, value):
        setattr(self, str(position(index, len(self))), _kept(value))

    def __len__(self):
        return self._size

    def __iter__(self):
        return iter([self[k] for k in range(len(self))])

    def __iadd__(self, values):
        return self.extend(values)

    def __dir__(self):
        return [key for key in super().__dir__() if not key.isdigit()]

    def append(self, value):
        """Add a value at the end. Returns self.

        Example:
            >>> len(pb.nn.ParameterList([pb.zeros(2)]).append(pb.ones(3)))
            2
        """
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values):
        """Add values at the end. Returns self. Raises TypeError for what is not iterable.

        Example:
            >>> len(pb.nn.ParameterList([pb.zeros(2)]).extend([pb.ones(3), pb.ones(4)]))
            3
        """
        if not isinstance(values, abc.Iterable) or isinstance(values, _core.Tensor):
            raise TypeError(
                f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}"
            )
        for value in list(values):
            self.append(value)
        return self

    def extra_repr(self):
        lines = []
        for k, value in enumerate(self):
            if isinstance(value, _core.Tensor):
                lines.append(f"  ({k}): {_described(value, str(value.dtype).replace('pullback', 'torch'))}")
            else:
                lines.append(f"  ({k}): Object of type: {type(value).__name__}")
        return "\n".join(lines)

    def __call__(self, *args, **kwargs):
        raise RuntimeError("ParameterList should not be called.")


class ParameterDict(Module):
    """A dictionary of parameters, in the order of insertion; other values are kept as they are.

    Example:
        >>> weights = pb.nn.ParameterDict({"left": pb.zeros(2), "right": pb.ones(2)})
        >>> weights["right"]
        Parameter containing:
        tensor([1., 1.], requires_grad=True)
    """

    __module__ = "pullback.nn.modules.container"

    def __init__(self, parameters=None):
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    @staticmethod
    def _attribute(key):
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string (type is "
                f"'{type(key).__name__}'). Open an issue on github if you need non-string keys."
            )
        return key

    def __getitem__(self, key):
        return getattr(self, self._attribute(key))

    def __setitem__(self, key, value):
        setattr(self, self._attribute(key), _kept(value))
        self._keys[key] = None

    def __delitem__(self, key):
        del self._keys[key]
        delattr(self, self._attribute(key))

    def __len__(self):
        return len(self._keys)

    def __iter__(self):
        return iter(self._keys)

    def __reversed__(self):
        return reversed(list(self._keys))

    def __contains__(self, key):
        return key in self._keys

    def __or__(self, other):
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other):
        made = other.copy()
        made.update(self)
        return made

    def __ior__(self, other):
        self.update(other)
        return self

    def copy(self):
        """A dictionary of the same parameters.

        Example:
            >>> weights = pb.nn.ParameterDict({"left": pb.zeros(2)})
            >>> weights.copy()["left"] is weights["left"]
            True
        """
        return ParameterDict(OrderedDict((k, self[k]) for k in self._keys))

    def setdefault(self, key, default=None):
        """The value of a key, which is `default` from now on where there was none.

        Example:
            >>> weights = pb.nn.ParameterDict()
            >>> weights.setdefault("left", pb.zeros(2)).shape, list(weights)
            (pullback.Size([2]), ['left'])
        """
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self):
        """Take all values out.

        Example:
            >>> weights = pb.nn.ParameterDict({"left": pb.zeros(2)})
            >>> weights.clear()
            >>> len(weights)
            0
        """
        for key in list(self._keys):
            del self[key]

    def pop(self, key):
        """Take a value out, and return it.

        Example:
            >>> weights = pb.nn.ParameterDict({"left": pb.zeros(2), "right": pb.ones(3)})
            >>> weights.pop("right").shape, list(weights)
            (pullback.Size([3]), ['left'])
        """
        value = self[key]
        del self[key]
        return value

    def popitem(self):
        """Take the last pair (key, value) out, and return it.

        Example:
            >>> weights = pb.nn.ParameterDict({"left": pb.zeros(2), "right": pb.ones(3)})
            >>> key, value = weights.popitem()
            >>> key, list(weights)
            ('right', ['left'])
        """
        key = list(self._keys)[-1]
        return key, self.pop(key)

    def get(self, key, default=None):
        """The value of a key, or `default`.

        Example:
            >>> weights = pb.nn.ParameterDict({"left": pb.zeros(2)})
            >>> weights.get("left").shape, weights.get("right")
            (pullback.Size([2]), None)
        """
        return self[key] if key in self._keys else default

    def fromkeys(self, keys, default=None):
        """A dictionary of these keys with one value.

        Example:
            >>> list(pb.nn.ParameterDict().fromkeys(["left", "right"], pb.zeros(2)))
            ['left', 'right']
        """
        return ParameterDict((key, default) for key in keys)

    def keys(self):
        """The keys.

        Example:
            >>> list(pb.nn.ParameterDict({"left": pb.zeros(2), "right": pb.ones(3)}).keys())
            ['left', 'right']
        """
        return self._keys.keys()

    def items(self):
        """Pairs (key, value).

        Example:
            >>> weights = pb.nn.ParameterDict({"left": pb.zeros(2), "right": pb.ones(3)})
            >>> [(key, tuple(value.shape)) for key, value in weights.items()]
            [('left', (2,)), ('right', (3,))]
        """
        return ((key, self[key]) for key in self._keys)

    def values(self):
        """The values.

        Example:
            >>> weights = pb.nn.ParameterDict({"left": pb.zeros(2), "right": pb.ones(3)})
            >>> [tuple(value.shape) for value in weights.values()]
            [(2,), (3,)]
        """
        return (self[key] for key in self._keys)

    def update(self, parameters):
        """Add values from a dictionary, or from pairs (key, value).

        Raises TypeError for what is neither, ValueError for what are no pairs.

        Example:
            >>> weights = pb.nn.ParameterDict({"left": pb.zeros(2)})
            >>> weights.update({"right": pb.ones(3)})
            >>> list(weights)
            ['left', 'right']
        """
        if isinstance(parameters, ParameterDict):
            parameters = dict(parameters.items())
        for key, value in pairs(parameters, "ParameterDict"):
            self[key] = value

    def extra_repr(self):
        lines = []
        for key, value in self.items():
            if isinstance(value, _core.Tensor):
                lines.append(f"  ({key}): {_described(value, value.type().replace('pullback', 'torch'))}")
            else:
                lines.append(f"  ({key}): Object of type: {type(value).__name__}")
        return "\n".join(lines)

    def __call__(self, input):
        raise RuntimeError("ParameterDict should not be called.")
