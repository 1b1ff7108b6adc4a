"""Random numbers.

The words of a generator (generators.py) become numbers as in PyTorch on a CPU: after
``manual_seed(s)`` both draw the same, to the bit, whatever is drawn, of any size, dtype and strides. Draws are constants
to differentiation: where a tensor is drawn over, its gradient is zero.
"""

from .. import _core
from .creation import empty
from .declare import composed, operator
from .generators import _made  # noqa: F401 - generators that were pickled before name it here


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
    if not hasattr(high, "__index__"):
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
    return _core.require_grad(drawn) if requires_grad else drawn


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
