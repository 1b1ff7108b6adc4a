"""Size: the shape of a tensor, a tuple that knows how many elements it stands for."""

import math
import operator

__all__ = ["Size"]


class Size(tuple):
    """The sizes of a tensor's dimensions: what ``x.shape`` is, as ``torch.Size``.

    Slices, sums and multiples of sizes are sizes.

    Raises:
        TypeError: for anything that is no sequence of whole numbers.

    Example:
        >>> shape = pb.zeros(2, 3).shape
        >>> shape
        pullback.Size([2, 3])
        >>> shape.numel(), shape[:1] + (7,)
        (6, pullback.Size([2, 7]))
    """

    __slots__ = ()

    def __new__(cls, sizes=()):
        made = tuple.__new__(cls, sizes)
        for position, size in enumerate(made):
            if type(size) is not int:
                return cls._converted(made, position)
        return made

    @classmethod
    def _converted(cls, sizes, position):
        converted = []
        for position, size in enumerate(sizes):
            try:
                converted.append(operator.index(size))
            except TypeError:
                raise TypeError(
                    f"pullback.Size() takes an iterable of 'int' (item {position} is '{type(size).__name__}')"
                ) from None
        return tuple.__new__(cls, converted)

    def numel(self):
        """The number of elements of a tensor of this size.

        Example:
            >>> pb.Size([2, 3]).numel()
            6
        """
        return math.prod(self)

    def __repr__(self):
        return f"{Size.__module__}.Size([{', '.join(map(repr, self))}])"

    def __getitem__(self, index):
        item = tuple.__getitem__(self, index)
        return Size(item) if type(index) is slice else item

    def __add__(self, other):
        return Size(tuple.__add__(self, other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other):
        return Size(tuple.__add__(other, self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times):
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __reduce__(self):
        return Size, (tuple(self),)


Size.__module__ = "pullback"
