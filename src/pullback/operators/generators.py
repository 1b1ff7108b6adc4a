"""Generators of random numbers, and the one that is used when none is named: seeds and states.

A generator is mt19937 (Matsumoto and Nishimura, 1998); what is drawn with it is in random.py.
"""

from .. import _core
from ..device import device
from .declare import composed, operator

Generator = _core.Generator


def _inner(declare):
    return operator(public=False, method=False)(declare)


@_inner
def generator_seed(generator):
    """The seed."""


@_inner
def generator_reseed(generator, seed):
    """Start anew."""


@_inner
def generator_state(generator):
    """The state as bytes."""


@_inner
def generator_set_state(generator, state):
    """Back to a state."""


@_inner
def entropy_seed():
    """A seed from the system."""


def _manual_seed(self, seed):
    """Start the sequence that belongs to `seed`, of which the low 32 bits count; returns the generator.

    Raises RuntimeError for what is no whole number, ValueError for one outside of [-2^63, 2^64).

    Example:
        >>> pb.Generator().manual_seed(3).initial_seed()
        3
    """
    if isinstance(seed, (bool, float, str, type(None))):
        raise RuntimeError(
            f"manual_seed expected a long, but got {type(seed).__name__}. A seed is a whole number."
        )
    return generator_reseed(self, seed)


def _seed(self):
    """Start from a seed that the system's entropy gives, and return it.

    Example:
        >>> generator = pb.Generator()
        >>> generator.seed() == generator.initial_seed()
        True
    """
    drawn = entropy_seed()
    generator_reseed(self, drawn)
    return drawn


def _initial_seed(self):
    """The seed that the sequence started from.

    Example:
        >>> pb.Generator().initial_seed()
        67280421310721
    """
    return generator_seed(self)


def _get_state(self):
    """The state as a uint8 tensor [5056], in PyTorch's layout.

    Example:
        >>> pb.Generator().get_state().shape
        pullback.Size([5056])
    """
    return generator_state(self)


def _set_state(self, new_state):
    """Go back to a state that `get_state` gave, here or in PyTorch.

    Raises TypeError for what is no uint8 tensor, RuntimeError for one that is not contiguous, or is no state.

    Example:
        >>> generator = pb.Generator()
        >>> state = generator.get_state()
        >>> first = pb.rand(2, generator=generator)
        >>> generator.set_state(state)
        >>> pb.equal(pb.rand(2, generator=generator), first)
        True
    """
    generator_set_state(self, new_state)


def _clone_state(self):
    """Another generator in the same state.

    Example:
        >>> generator = pb.Generator()
        >>> other = generator.clone_state()
        >>> pb.equal(pb.rand(2, generator=generator), pb.rand(2, generator=other))
        True
    """
    other = Generator()
    other.set_state(self.get_state())
    return other


def _get_offset(self):
    """A generator on a CPU has none, and raises RuntimeError.

    Example:
        >>> pb.Generator().get_offset()
        Traceback (most recent call last):
            ...
        RuntimeError: CPU Generator does not use offset
    """
    raise RuntimeError("CPU Generator does not use offset")


def _set_offset(self, offset):
    """A generator on a CPU has none, and raises RuntimeError.

    Example:
        >>> pb.Generator().set_offset(4)
        Traceback (most recent call last):
            ...
        RuntimeError: CPU Generator does not use offset
    """
    raise RuntimeError("CPU Generator does not use offset")


def _device(self):
    """The device that the numbers are drawn on.

    Example:
        >>> pb.Generator().device
        device(type='cpu')
    """
    return device("cpu")


def _made(state):
    other = Generator()
    other.set_state(state)
    return other


Generator.__doc__ = """A source of random numbers of its own, for ``generator=``.

Example:
    >>> pb.rand(2, generator=pb.Generator().manual_seed(0))
    tensor([0.4963, 0.7682])
"""
for _name, _function in (
    ("manual_seed", _manual_seed),
    ("seed", _seed),
    ("initial_seed", _initial_seed),
    ("get_state", _get_state),
    ("set_state", _set_state),
    ("clone_state", _clone_state),
    ("get_offset", _get_offset),
    ("set_offset", _set_offset),
    ("__reduce__", lambda self: (_made, (self.get_state(),))),
):
    _function.__name__ = _name
    _function.__qualname__ = f"Generator.{_name}"
    setattr(Generator, _name, _function)
Generator.device = property(_device)


@_inner
def default_generator():
    """The generator that is used when none is named."""


default_generator = default_generator()


@composed(method=False)
def manual_seed(seed):
    """Start the sequence of random numbers that belongs to `seed`; returns the default generator.

    A seed may be whatever `int` takes, of which the low 32 bits count. Raises ValueError for one outside of [-2^63, 2^64).

    Example:
        >>> generator = pb.manual_seed(0)
        >>> pb.rand(2)
        tensor([0.4963, 0.7682])
    """
    return default_generator.manual_seed(int(seed))


@composed(method=False)
def seed():
    """Start from a seed that the system's entropy gives, and return it.

    Example:
        >>> pb.seed() == pb.initial_seed()
        True
    """
    return default_generator.seed()


@composed(method=False)
def initial_seed():
    """The seed that the default generator started from.

    Example:
        >>> pb.manual_seed(5).initial_seed() == pb.initial_seed()
        True
    """
    return default_generator.initial_seed()


@composed(method=False)
def get_rng_state():
    """The state of the default generator, a uint8 tensor.

    Example:
        >>> state = pb.get_rng_state()
        >>> first = pb.randn(3)
        >>> pb.set_rng_state(state)
        >>> pb.equal(pb.randn(3), first)
        True
    """
    return default_generator.get_state()


@composed(method=False)
def set_rng_state(new_state):
    """Set the default generator back to a state that `get_rng_state` gave.

    Raises:
        TypeError: for anything that is no uint8 tensor.
        RuntimeError: for bytes that are no state.

    Example:
        >>> pb.set_rng_state(pb.get_rng_state())
    """
    default_generator.set_state(new_state)
