"""Gradients of convolutions as functions of what they come from: those that backward passes compute."""

from .. import _core
from ..autograd import enable_grad, grad
from ..operators.creation import zeros
from . import convolution

__all__ = [f"conv{dims}d_{of}" for dims in (1, 2, 3) for of in ("input", "weight")]

_PAGE = """The gradient of `nn.functional.conv{dims}d` in its {of}, whose shape is `{of}_size`.

    `grad_output` is the gradient of the result; `{other}` and the options are those of the call.
    Derivative: in `grad_output` and `{other}`, of every order. Raises RuntimeError for shapes that do not fit.

    Example:
        >>> {first}, g = pb.ones({sizes}), pb.ones(1, 1{out})
        >>> pb.nn.grad.conv{dims}d_{of}({given}).shape
        pullback.Size({result})
    """


def _pulled(function, shape, like, place, gradient, *others):
    """The pullback of a convolution in one operand, in which it is linear: at zeros, as well as anywhere."""
    with enable_grad():
        at = _core.require_grad(zeros(shape, dtype=like.dtype))
        result = function(at, like, None, *others) if place == 0 else function(like, at, None, *others)
        return grad(result, at, gradient, create_graph=gradient.requires_grad or like.requires_grad)[0]


def _in_input(function):
    def gradient(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
        return _pulled(function, input_size, weight, 0, grad_output, stride, padding, dilation, groups)

    return gradient


def _in_weight(function):
    def gradient(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
        return _pulled(function, weight_size, input, 1, grad_output, stride, padding, dilation, groups)

    return gradient


for _dims in (1, 2, 3):
    for _of, _make in (("input", _in_input), ("weight", _in_weight)):
        _gradient = _make(getattr(convolution, f"conv{_dims}d"))
        _gradient.__name__ = _gradient.__qualname__ = f"conv{_dims}d_{_of}"
        _seven, _three, _five = ((1, 1, *[n] * _dims) for n in (7, 3, 5))
        _gradient.__doc__ = _PAGE.format(
            dims=_dims,
            of=_of,
            other="weight" if _of == "input" else "input",
            first="w" if _of == "input" else "x",
            sizes=str(_three if _of == "input" else _seven)[1:-1],
            out=", 5" * _dims,
            given=f"{_seven}, w, g" if _of == "input" else f"x, {_three}, g",
            result=list(_seven if _of == "input" else _three),
        )
        globals()[_gradient.__name__] = _gradient
del _dims, _five, _gradient, _make, _of, _seven, _three
