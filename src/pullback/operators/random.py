"""Random numbers.

The generator is mt19937 (Matsumoto and Nishimura, 1998), and its words become numbers as in PyTorch on a CPU: after
``manual_seed(s)`` both draw the same, to the bit, whatever is drawn, of any size, dtype and strides. Draws are constants
to differentiation: where a tensor is drawn over, its gradient is zero.
"""

from .. import _core
from ..device import device
from .creation import empty
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


@operator(method=False, out="made")
def rand(*size, generator=None, out=None, **options):
    """Numbers drawn evenly from [0, 1).

    Floating, of the default dtype or `dtype`. Raises RuntimeError for a negative size, NotImplementedError for
    integers.

    Example:
        >>> generator = pb.manual_seed(0)
        >>> pb.rand(3)
        tensor([0.4963, 0.7682, 0.0885])
    """


@operator(method=False, out="made")
def randn(*size, generator=None, out=None, **options):
    """Numbers from the standard normal distribution (Box and Muller, 1958).

    Floating, of the default dtype or `dtype`. Raises RuntimeError for a negative size, NotImplementedError for
    integers.

    Example:
        >>> generator = pb.manual_seed(0)
        >>> pb.randn(3)
        tensor([ 1.5410, -0.2934, -2.1788])
    """


@operator(method=False, public=False, core="randint")
def _randint(
    size,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
    low=0,
    high=1,
):
    """Whole numbers."""


@composed(method=False, out="made")
def randint(
    low=None,
    high=None,
    size=None,
    *,
    generator=None,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """Whole numbers drawn evenly from [low, high): ``randint(high, size)`` or ``randint(low, high, size)``;
    int64 without a dtype.

    Raises RuntimeError for an empty range, and for one that the dtype does not hold.

    Example:
        >>> generator = pb.manual_seed(0)
        >>> pb.randint(10, (4,))
        tensor([4, 9, 3, 0])
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None:
        raise TypeError('randint() missing 1 required positional arguments: "size"')
    if not isinstance(high, int):
        raise TypeError(f"randint(): argument 'high' must be int, not {type(high).__name__}")
    return _randint(
        size,
        generator,
        dtype,
        layout,
        device,
        pin_memory,
        requires_grad,
        0 if low is None else low,
        high,
    )


@operator(method=False, out="made")
def randperm(n, *, generator=None, out=None, **options):
    """The numbers 0 to n - 1 in random order (Fisher and Yates); int64 without a dtype.

    A vector of `n` numbers. Raises RuntimeError for a negative `n`.

    Example:
        >>> generator = pb.manual_seed(0)
        >>> sorted(pb.randperm(5).tolist())
        [0, 1, 2, 3, 4]
    """


@operator(method=False)
def rand_like(input, *, generator=None, memory_format=None, **options):
    """Numbers drawn evenly from [0, 1), in the shape and dtype of `input`.

    Raises NotImplementedError for integers.

    Example:
        >>> pb.rand_like(pb.zeros(2, 3)).shape
        pullback.Size([2, 3])
    """


@operator(method=False)
def randn_like(input, *, generator=None, memory_format=None, **options):
    """Standard normal numbers in the shape and dtype of `input`.

    Raises NotImplementedError for integers.

    Example:
        >>> pb.randn_like(pb.zeros(2, 3)).shape
        pullback.Size([2, 3])
    """


@operator(method=False, public=False, core="randint_like")
def _randint_like(
    input,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
    memory_format=None,
    low=0,
    high=1,
):
    """Whole numbers."""


@composed(method=False)
def randint_like(
    input,
    low,
    high=None,
    *,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
    memory_format=None,
):
    """Whole numbers from [low, high), or [0, low) without `high`, in the shape and dtype of `input`.

    Raises RuntimeError for an empty range.

    Example:
        >>> pb.randint_like(pb.zeros(2), 1)
        tensor([0., 0.])
    """
    low, high = (0, low) if high is None else (low, high)
    return _randint_like(
        input, generator, dtype, layout, device, pin_memory, requires_grad, memory_format, low, high
    )


@operator(method=False, public=False)
def normal_of(mean, std, generator=None):
    """Normal numbers around tensors."""


@composed(method=False)
def normal(
    mean, std=1.0, size=None, *, generator=None, out=None, dtype=None, device=None, requires_grad=False
):
    """Normal numbers of these means and standard deviations: tensors that broadcast, or two numbers and a
    size.

    Raises RuntimeError for a negative standard deviation.

    Example:
        >>> pb.normal(pb.zeros(2), 0.0)
        tensor([0., 0.])
        >>> pb.normal(0.0, 1.0, (2, 3)).shape
        pullback.Size([2, 3])
    """
    if isinstance(mean, _core.Tensor) or isinstance(std, _core.Tensor):
        return normal_of(mean, std, generator)
    if size is None:
        raise TypeError(
            "normal() received an invalid combination of arguments - got (float, float): give a size, or a "
            "tensor of means or standard deviations."
        )
    drawn = empty(size, dtype=dtype, device=device).normal_(mean, std, generator=generator)
    return drawn.requires_grad_() if requires_grad else drawn


@composed(out="any")
def bernoulli(input, p=None, *, generator=None, out=None):
    """1 with the probabilities in `input` (or with probability `p`, in the shape of `input`), else 0.

    Raises RuntimeError for probabilities outside [0, 1].

    Example:
        >>> pb.bernoulli(pb.tensor([0.0, 1.0]))
        tensor([0., 1.])
    """
    return _bernoulli(input, p, generator)


@operator(method=False, public=False, core="bernoulli")
def _bernoulli(input, p=None, generator=None):
    """Coins."""


@composed(out="exact")
def multinomial(input, num_samples, replacement=False, *, generator=None, out=None):
    """Indices drawn with the weights in `input` [n] or [rows, n]; int64 [num_samples] or [rows, num_samples].

    Raises RuntimeError for weights that are negative, infinite, NaN or all zero, and for more samples than
    categories without replacement.

    Example:
        >>> pb.multinomial(pb.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
        tensor([1, 1])
    """
    return _multinomial(input, num_samples, replacement, generator)


@operator(method=False, public=False, core="multinomial")
def _multinomial(input, num_samples, replacement=False, generator=None):
    """Indices."""


@operator(method=False)
def poisson(input, generator=None):
    """How many events come in a unit of time, at the rates in `input`; floating, of its shape and dtype.

    Hörmann's transformed rejection (1993) from a rate of 10 on. On the tape its gradient is zero.

    Raises RuntimeError for a negative rate, NotImplementedError for integers.

    Example:
        >>> pb.poisson(pb.tensor([0.0, 0.0]))
        tensor([0., 0.])
    """


@operator(method=False)
def binomial(count, prob, generator=None):
    """How many of `count` trials succeed, each with probability `prob`: of their common shape and dtype.

    Hörmann's BTRS (1993) where ten successes are expected, or more. On the tape its gradient is zero.

    Raises ValueError for integers, RuntimeError for two dtypes.

    Example:
        >>> pb.binomial(pb.tensor([5.0, 7.0]), pb.tensor([0.0, 1.0]))
        tensor([0., 7.])
    """


@operator(method=False, public=False)
def _standard_gamma(input, generator=None):
    """Draws of the standard gamma distribution of a shape."""


@operator(method=False, public=False)
def _sample_dirichlet(input, generator=None):
    """Draws of Dirichlet's distribution."""


@operator(public=False)
def uniform_(input, from_=0.0, to=1.0, *, generator=None):
    """Draw every element evenly from [from, to), in place.

    Raises RuntimeError where `from_` is above `to`, and for a leaf that requires grad, NotImplementedError for
    integers.

    Example:
        >>> pb.zeros(2).uniform_(3, 3)
        tensor([3., 3.])
    """


@operator(public=False)
def normal_(input, mean=0.0, std=1.0, *, generator=None):
    """Draw every element from a normal distribution, in place.

    Raises RuntimeError for a negative `std`, and for a leaf that requires grad, NotImplementedError for integers.

    Example:
        >>> pb.zeros(2).normal_(3, 0)
        tensor([3., 3.])
    """


@operator(public=False)
def exponential_(input, lambd=1.0, *, generator=None):
    """Draw every element from the exponential distribution of rate `lambd`, in place.

    Raises RuntimeError for integers, for a rate that is not positive, and for a leaf that requires grad.

    Example:
        >>> pb.zeros(1000).exponential_(2.0).shape
        pullback.Size([1000])
    """


@operator(public=False)
def bernoulli_(input, p=0.5, *, generator=None):
    """Draw every element as 1 with probability `p` (a number, or a tensor that broadcasts) and 0 else, in
    place.

    Raises RuntimeError for a probability outside of [0, 1], and for a leaf that requires grad.

    Example:
        >>> pb.zeros(2).bernoulli_(1.0)
        tensor([1., 1.])
    """


@operator(public=False)
def geometric_(input, p, *, generator=None):
    """Draw every element as the number of trials, each a success with probability `p`, up to the first success, in
    place.

    Raises RuntimeError for a `p` outside of (0, 1), and for a leaf that requires grad, NotImplementedError for bool.

    Example:
        >>> pb.zeros(1000).geometric_(0.5).min()
        tensor(1.)
    """


@operator(public=False)
def cauchy_(input, median=0.0, sigma=1.0, *, generator=None):
    """Draw every element from the Cauchy distribution around `median`, with half its probability within `sigma`, in
    place.

    Raises RuntimeError for integers, for a `sigma` that is not positive, and for a leaf that requires grad.

    Example:
        >>> pb.zeros(1000).cauchy_().shape
        pullback.Size([1000])
    """


@operator(public=False)
def log_normal_(input, mean=1.0, std=2.0, *, generator=None):
    """Draw every element as e to the power of a number from the normal distribution of `mean` and `std`, in place.

    Raises RuntimeError for a `std` that is not positive, and for a leaf that requires grad, NotImplementedError for
    integers.

    Example:
        >>> pb.zeros(1000).log_normal_().min() > 0
        tensor(True)
    """


@operator(public=False)
def random_(input, from_=None, to=NotImplemented, *, generator=None):
    """Draw whole numbers evenly, in place: ``random_(to)`` from [0, to), ``random_(from, to)`` from [from, to),
    ``random_(from, None)`` from `from` on, and ``random_()`` from 0 on, up to the largest that the dtype holds.

    A float holds all whole numbers up to 2^24, a double up to 2^53. Raises RuntimeError for an empty range, for one that
    the dtype does not hold, and for a leaf that requires grad.

    Example:
        >>> pb.zeros(2).random_(4, 5)
        tensor([4., 4.])
    """
