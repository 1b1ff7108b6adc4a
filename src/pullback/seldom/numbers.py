"""Elementwise functions made of others, and in-place forms of scans."""

from .. import _core
from ..operators.declare import FUNCTIONS, METHODS, NUMBER_TOO, callable_of, composed
from ..operators.variants import kept

Tensor = _core.Tensor
# Bits of the fraction, and the integers of the same size.
_FORMATS = {
    _core.float32: (23, 8, _core.int32),
    _core.float64: (52, 11, _core.int64),
    _core.float16: (10, 5, _core.int16),
    _core.bfloat16: (7, 8, _core.int16),
}


def _widest(*operands):
    """float64, or complex128 where an operand is complex."""
    kinds = (o.dtype.is_complex if isinstance(o, Tensor) else isinstance(o, complex) for o in operands)
    return _core.complex128 if any(kinds) else _core.float64


def _double(operand, dtype):
    return operand.to(dtype) if isinstance(operand, Tensor) else operand


@composed(kinds=NUMBER_TOO)
def float_power(input, exponent, *, out=None):
    """input ** exponent in float64, of complex numbers in complex128, element by element; either may be a number.

    Shape: that which both broadcast to. Derivative: that of `pow`, of every order.
    Raises TypeError where neither is a tensor.

    Example:
        >>> pb.float_power(pb.tensor([2, 3]), -1)
        tensor([0.5000, 0.3333], dtype=pullback.float64)
    """
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        raise TypeError("float_power() received an invalid combination of arguments - got two numbers")
    wanted = _widest(input, exponent)
    return FUNCTIONS["pow"](_double(input, wanted), _double(exponent, wanted))


def _float_power_in_place(self, exponent):
    """In-place form of `float_power`: the tensor, which is float64 or complex128, takes the result, and is returned.

    Raises RuntimeError for another dtype, and for a leaf that requires grad.

    Example:
        >>> pb.tensor([2.0], dtype=pb.float64).float_power_(3)
        tensor([8.], dtype=pullback.float64)
    """
    wanted = _widest(self, exponent)
    if self.dtype != wanted:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {self.dtype._legacy_name} but the operation's result requires dtype "
            f"{wanted._legacy_name}"
        )
    return METHODS["pow_"](self, _double(exponent, wanted))


@composed(out="exact", returns=("mantissa", "exponent"))
def frexp(input, *, out=None):
    """(mantissa, exponent) with input = mantissa * 2 ** exponent: the mantissa is from 1/2 to 1, the exponent an int32.

    At 0, infinities and NaN the mantissa is the number itself, and the exponent 0.

    Shape: that of `input`, twice. Derivative: of the mantissa, 2 ** -exponent.
    Raises RuntimeError for integers and bool.

    Example:
        >>> mantissa, exponent = pb.frexp(pb.tensor([1.0, -6.0]))
        >>> mantissa, exponent
        (tensor([ 0.5000, -0.7500]), tensor([1, 3], dtype=pullback.int32))
    """
    if not input.dtype.is_floating_point:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    fraction, width, integer = _FORMATS[input.dtype]
    bias = 2 ** (width - 1) - 1
    value = input.detach()
    least = value.abs() < 2.0 ** (2 - bias)  # denormals have no exponent of their own
    bits = value.where(~least, value * 2.0**fraction).view(integer)
    exponent = ((bits >> fraction) & (2**width - 1)) - (bias - 1)
    exponent = exponent.where(~least, exponent - fraction)
    exponent = exponent.where(value.isfinite() & (value != 0), 0).int()
    half = exponent // 2
    return input * (-half).to(input.dtype).exp2() * (half - exponent).to(input.dtype).exp2(), exponent


def _power_of_two(input, other):
    """2 ** other: of integers in the dtype of what it scales."""
    if (
        not other.is_floating_point()
        and not other.is_complex()
        and (input.is_floating_point() or input.is_complex())
    ):
        other = other.to(input.real.dtype)
    return FUNCTIONS["pow"](2.0, other)


@composed(kinds={"other": "T"})
def ldexp(input, other, *, out=None):
    """input * 2 ** other, element by element.

    Shape: that which both broadcast to. Dtype: the common one, integers made the default floating dtype.
    Derivative: in both, of every order. Raises TypeError for an operand that is no tensor.

    Example:
        >>> pb.ldexp(pb.tensor([1.0, 3.0]), pb.tensor([2, -1]))
        tensor([4.0000, 1.5000])
    """
    return input * _power_of_two(input, other)


def _ldexp_in_place(input, other):
    """In-place form of `ldexp`: the tensor takes the result, and is returned.

    Raises RuntimeError where that has another dtype, and for a leaf that requires grad.

    Example:
        >>> pb.tensor([1.0]).ldexp_(pb.tensor([3]))
        tensor([8.])
    """
    return input.mul_(_power_of_two(input, other))


@composed
def positive(input):
    """The tensor itself.

    Raises RuntimeError for bool.

    Example:
        >>> pb.positive(pb.tensor([-1.0]))
        tensor([-1.])
    """
    if input.dtype == _core.bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


@composed(method=False)
def is_inference(input):
    """Whether a tensor was made in inference mode.

    Example:
        >>> pb.is_inference(pb.zeros(2))
        False
    """
    return input.is_inference()


@composed(method=False)
def fill(input, value):
    """A tensor of the shape and dtype of `input` in which every element is `value`, a number or a 0-d tensor.

    Derivative: in `value`. Raises RuntimeError for a value of more dimensions.

    Example:
        >>> pb.fill(pb.zeros(2), 3)
        tensor([3., 3.])
    """
    return input.clone().fill_(value)


def _require_own_dtype(tensor, dtype):
    if dtype is not None and dtype != tensor.dtype:
        raise RuntimeError(
            f"Bad in-place call: input tensor dtype {tensor.dtype._c_name} and output tensor dtype {dtype._c_name} should match. "
            "What is written into a tensor has its dtype."
        )


def _cumsum_in_place(self, dim, *, dtype=None):
    """In-place form of `cumsum`: the tensor takes the result, and is returned.

    Raises IndexError for a `dim` out of range, RuntimeError for a leaf that requires grad and for another `dtype`.

    Example:
        >>> pb.tensor([1.0, 2.0, 3.0]).cumsum_(0)
        tensor([1., 3., 6.])
    """
    _core.check_captured(self, "cumsum_")
    result = self.cumsum(dim, dtype=dtype)
    _require_own_dtype(self, dtype)
    return self.copy_(result)


def _cumprod_in_place(self, dim, *, dtype=None):
    """In-place form of `cumprod`: the tensor takes the result, and is returned.

    Raises IndexError for a `dim` out of range, RuntimeError for a leaf that requires grad and for another `dtype`.

    Example:
        >>> pb.tensor([1.0, 2.0, 3.0]).cumprod_(0)
        tensor([1., 2., 6.])
    """
    _core.check_captured(self, "cumprod_")
    result = kept(self).cumprod(dim, dtype=dtype)
    _require_own_dtype(self, dtype)
    return self.copy_(result)


def _refuse_gradients(name, tensor):
    if tensor.requires_grad:
        raise RuntimeError(
            f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead. What Python computes "
            "of numbers has no gradient."
        )


def _apply_in_place(self, callable):
    """Every element becomes what `callable` gives of it, as a Python number. The tensor is returned.

    Slow: elements are visited one by one. Raises RuntimeError for a tensor that requires grad.

    Example:
        >>> pb.tensor([1.0, 4.0]).apply_(lambda v: v + 1)
        tensor([2., 5.])
    """
    _refuse_gradients("apply_", self)
    return _put_numbers(self, [callable(v) for v in self.reshape(-1).tolist()])


def _map_in_place(self, tensor, callable):
    """Every element becomes what `callable` gives of it and of that of `tensor`, as numbers. The tensor is returned.

    Slow: elements are visited one by one. Raises RuntimeError for tensors that require grad, and shapes that do not
    broadcast.

    Example:
        >>> pb.tensor([1.0, 4.0]).map_(pb.tensor([2.0, 3.0]), max)
        tensor([2., 4.])
    """
    _refuse_gradients("map_", self)
    _refuse_gradients("map_", tensor)
    others = tensor.expand(self.shape).reshape(-1).tolist()
    return _put_numbers(self, [callable(*pair) for pair in zip(self.reshape(-1).tolist(), others)])


def _map2_in_place(self, x, y, callable):
    """As `map_`, of two other tensors. Raises RuntimeError for tensors that require grad, and shapes that do not broadcast.

    Example:
        >>> pb.tensor([1.0]).map2_(pb.tensor([2.0]), pb.tensor([3.0]), lambda a, b, c: a * b + c)
        tensor([5.])
    """
    for operand in (self, x, y):
        _refuse_gradients("map2_", operand)
    columns = [t.expand(self.shape).reshape(-1).tolist() for t in (self, x, y)]
    return _put_numbers(self, [callable(*triple) for triple in zip(*columns)])


def _put_numbers(tensor, values):
    return tensor.copy_(FUNCTIONS["tensor"](values, dtype=tensor.dtype).reshape(tensor.shape))


METHODS.update(
    apply_=_apply_in_place,
    cumprod_=_cumprod_in_place,
    cumsum_=_cumsum_in_place,
    float_power_=_float_power_in_place,
    ldexp_=callable_of(_ldexp_in_place, "ldexp_", kinds={"other": "T"}),
    map2_=callable_of(_map2_in_place, "map2_"),
    map_=callable_of(_map_in_place, "map_", kinds={"tensor": "T"}),
)
# Function forms of what is a method elsewhere.
for _name in "clamp_max_ clamp_min_ clip_ detach_ gcd_ is_signed lcm_ ldexp_ xlogy_".split():
    FUNCTIONS[_name] = METHODS[_name]
