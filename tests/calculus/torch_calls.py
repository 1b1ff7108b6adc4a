"""How PyTorch is asked for the function of a row."""

import torch
import torch.nn.functional as F


def _elementwise(loss, *parameters):
    """A loss before it is added up, of tensors only."""

    def call(input, target, *values):
        if not isinstance(input, torch.Tensor) or not isinstance(target, torch.Tensor):
            raise TypeError("takes no number")
        return loss(input, target, reduction="none", **dict(zip(parameters, values)))

    return call


_CALLS = {
    "add_scaled": lambda a, b, alpha: torch.add(a, b, alpha=alpha),
    "sub_scaled": lambda a, b, alpha: torch.sub(a, b, alpha=alpha),
    "rsub_scaled": lambda a, b, alpha: torch.rsub(a, b, alpha=alpha),
    "trunc_divide": lambda a, b: torch.div(a, b, rounding_mode="trunc"),
    "div_floor": lambda a, b: torch.div(a, b, rounding_mode="floor"),
    "clamp_low": lambda x, low: torch.clamp(x, min=low),
    "clamp_high": lambda x, high: torch.clamp(x, max=high),
    "addcmul": lambda a, b, c, value: torch.addcmul(a, b, c, value=value),
    "addcdiv": lambda a, b, c, value: torch.addcdiv(a, b, c, value=value),
    "logit_clamped": lambda x, eps: torch.logit(x, eps),
    "round_decimals": lambda x, scale: torch.round(x, decimals=2),
    "round_tens": lambda x, scale: torch.round(x, decimals=-1),
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "isclose_nan": lambda a, b, rtol, atol: torch.isclose(a, b, rtol, atol, equal_nan=True),
    "left_shift": torch.bitwise_left_shift,
    "right_shift": torch.bitwise_right_shift,
    "smooth_l1_loss": _elementwise(F.smooth_l1_loss, "beta"),
    "huber_loss": _elementwise(F.huber_loss, "delta"),
    "binary_cross_entropy": _elementwise(F.binary_cross_entropy),
    "binary_cross_entropy_with_logits": _elementwise(F.binary_cross_entropy_with_logits),
    "xlog1py": torch.special.xlog1py,
}
UNKNOWN_TO_TORCH = {
    "zmul",
    "gmul",
    "tanh_slope",
    "sigmoid_slope",
    "silu_slope",
    "gelu_slope",
    "one_minus_square",
    "times_complement",
}
WITHOUT_GRADIENT = {"floor_divide", "heaviside"}  # PyTorch raises in backward


def torch_function(name):
    return _CALLS.get(name) or getattr(F, name, None) or getattr(torch, name)


def torch_value_and_partials(row, operands, free):
    """PyTorch's value and partials, at NumPy operands."""
    arguments = [
        torch.tensor(value, requires_grad=index in free) if index not in row.parameter_indices else value
        for index, value in enumerate(operands)
    ]
    result = torch_function(row.name)(*arguments)
    leaves = [arguments[index] for index in free]
    gradients = torch.autograd.grad(result, leaves, torch.ones_like(result), allow_unused=True)
    gradients = [torch.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, gradients)]
    return result, [gradient.numpy(force=True) for gradient in gradients]
