"""Complex tensors: their parts, what is made of parts, conjugates.

A complex tensor lies in memory as pairs of real numbers, so its parts are views: whoever writes into `z.real` writes into
`z`. The gradient of a real loss L at z = x + iy is dL/dx + i dL/dy, PyTorch's convention, so that a step against it goes
down; docs/complex.md says what follows. A conjugate is computed at once: no view of another tensor with a flag on it, as in
PyTorch, so there is nothing to resolve.
"""

from .declare import FUNCTIONS, METHODS, composed, operator


@operator(method=False)
def complex(real, imag, *, out=None):
    """The complex numbers with these real and imaginary parts, which broadcast.

    Both are float32, or both float64, or both float16; the result is complex64, complex128 or complex32.

    Raises:
        RuntimeError: parts that are not floating point, or of different dtypes.

    Example:
        >>> pb.complex(pb.tensor([1.0, 2.0]), pb.tensor([3.0, 4.0]))
        tensor([1.+3.j, 2.+4.j])
    """


@operator(method=False)
def polar(abs, angle, *, out=None):
    """The complex numbers of these absolute values and angles: abs * (cos(angle) + i sin(angle)).

    Both are of one of float16, float32 and float64, and broadcast.

    Raises:
        RuntimeError: operands that are not floating point, or of different dtypes.

    Example:
        >>> pb.polar(pb.tensor([2.0, 1.0]), pb.tensor([0.0, 3.141592653589793 / 2]))
        tensor([ 2.0000e+00+0.j, -4.3711e-08+1.j])
    """


@operator(method=False)
def view_as_real(input):
    """A complex tensor seen as real: the last dimension, of size 2, has the parts. A view.

    Raises:
        RuntimeError: a tensor that is not complex.

    Example:
        >>> pb.view_as_real(pb.tensor([1 + 2j, 3 - 4j]))
        tensor([[ 1.,  2.],
                [ 3., -4.]])
    """


@operator(method=False)
def view_as_complex(input):
    """A real tensor whose last dimension has size 2 seen as complex numbers with those parts. A view.

    Raises:
        RuntimeError: another last dimension, or one whose numbers do not lie side by side; strides or an offset that
            are odd; integers.

    Example:
        >>> pb.view_as_complex(pb.tensor([[1.0, 2.0], [3.0, -4.0]]))
        tensor([1.+2.j, 3.-4.j])
    """


@operator(method=False)
def real(input):
    """The real part, a view: writing into it writes into `input`. Of a real tensor itself.

    Example:
        >>> z = pb.tensor([1 + 2j, 3 - 4j])
        >>> pb.real(z)
        tensor([1., 3.])
        >>> z.real.zero_()
        tensor([0., 0.])
        >>> z
        tensor([0.+2.j, 0.-4.j])
    """


@operator(method=False)
def imag(input):
    """The imaginary part, a view: writing into it writes into `input`.

    Raises:
        RuntimeError: a tensor that is not complex.

    Example:
        >>> pb.imag(pb.tensor([1 + 2j, 3 - 4j]))
        tensor([ 2., -4.])
    """


@operator
def angle(input, *, out=None):
    """The angle of each complex number, in (-pi, pi]; of real numbers 0, and pi where they are negative.

    The result is real; integers give the default floating dtype.

    Example:
        >>> pb.angle(pb.tensor([1 + 1j, -1 + 0j]))
        tensor([0.7854, 3.1416])
    """


@operator(core="conjugate")
def conj(input):
    """The complex conjugate; a real tensor is its own.

    A new tensor of the same shape and dtype: not a view, as in PyTorch.

    Example:
        >>> pb.conj(pb.tensor([1 + 2j, 3 - 4j]))
        tensor([1.-2.j, 3.+4.j])
    """


@operator(core="conjugate", out="exact")
def conj_physical(input, *, out=None):
    """The complex conjugate, as `conj` gives it.

    Example:
        >>> pb.conj_physical(pb.tensor([1 + 2j]))
        tensor([1.-2.j])
    """


@composed
def conj_physical_(input):
    """Replace each element by its complex conjugate. Returns the tensor.

    Example:
        >>> pb.tensor([1 + 2j]).conj_physical_()
        tensor([1.-2.j])
    """
    return input.copy_(input.conj()) if input.is_complex() else input


@composed
def resolve_conj(input):
    """The tensor itself: conjugates are computed at once.

    Example:
        >>> z = pb.tensor([1 + 2j])
        >>> z.resolve_conj() is z
        True
    """
    return input


@composed
def resolve_neg(input):
    """The tensor itself: what is negative is computed at once.

    Example:
        >>> z = pb.tensor([1 + 2j])
        >>> z.resolve_neg() is z
        True
    """
    return input


@composed
def is_conj(input):
    """False: no tensor is a view of another's conjugate.

    Example:
        >>> pb.tensor([1 + 2j]).conj().is_conj()
        False
    """
    return False


@composed
def is_neg(input):
    """False: no tensor is a view of another's negative.

    Example:
        >>> pb.tensor([1 + 2j]).conj().imag.is_neg()
        False
    """
    return False


@composed
def isreal(input):
    """Whether each number is real: true of real tensors, and where an imaginary part is 0.

    Example:
        >>> pb.isreal(pb.tensor([1 + 0j, 1 + 1j]))
        tensor([ True, False])
    """
    return imag(input) == 0 if input.is_complex() else FUNCTIONS["ones_like"](input, dtype="bool")


def _real(self):
    """The real part, a view of the same memory; of a real tensor itself. What is assigned is written there.

    Example:
        >>> z = pb.tensor([1 + 2j, 3 - 4j])
        >>> z.real = 0
        >>> z
        tensor([0.+2.j, 0.-4.j])
        >>> x = pb.zeros(2)
        >>> x.real is x
        True
    """
    return real(self)


def _imag(self):
    """The imaginary part, a view of the same memory; what is assigned is written there.

    Raises RuntimeError for real tensors.

    Example:
        >>> pb.tensor([1 + 2j, 3 - 4j]).imag
        tensor([ 2., -4.])
    """
    return imag(self)


METHODS["real"] = property(_real, lambda self, value: real(self).copy_(value))
METHODS["imag"] = property(_imag, lambda self, value: imag(self).copy_(value))
