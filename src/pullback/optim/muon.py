"""Muon: momentum made orthogonal, of matrices."""

from .optimizer import Optimizer, check_one, number, options

__all__ = ["Muon"]


def _not_negative(name, value):
    if not value >= 0:
        raise ValueError(f"{name} should be >= 0 but is: {value}")


def orthogonalised(matrix, coefficients, steps, eps):
    """The nearest matrix with orthonormal rows or columns, roughly: an odd polynomial, again and again, brings all singular
    values near 1 (Newton and Schulz's iteration).

    Raises ValueError for 100 steps and more, and for other than three coefficients.

    Example:
        >>> from pullback.optim.muon import orthogonalised
        >>> orthogonalised(pb.tensor([[3.0, 0.0], [0.0, 4.0]]), (1.5, -0.5, 0.0), 12, 1e-7)
        tensor([[1., 0.],
                [0., 1.]])
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(matrix.shape) != 2:
        raise ValueError("Input tensor gradient must be a 2D matrix")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.mT if tall else matrix
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.mT if tall else x


class Muon(Optimizer):
    """Momentum, made orthogonal by a few steps of Newton and Schulz's iteration, with decoupled decay of weights. Of matrices
    only; other parameters need another optimiser.

    `adjust_lr_fn` scales the rate by the shape: "original" by sqrt(max(1, rows / columns)), as without it, or
    "match_rms_adamw" by 0.2 sqrt(max(rows, columns)). The iteration is computed in the dtype of the parameters, where
    PyTorch's is in `bfloat16`: updates agree to about 1 in 100. Jordan et al. 2024; arXiv:2502.16982.

    Raises ValueError for parameters of other than two dimensions, and for options out of range.

    Example:
        >>> w = pb.nn.Parameter(pb.eye(2))
        >>> optimizer = pb.optim.Muon([w], lr=0.1, weight_decay=0.0)
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> bool(w[0, 0] < 1)
        True
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=(3.4445, -4.775, 2.0315),
        eps=1e-7,
        ns_steps=5,
        adjust_lr_fn=None,
    ):
        given = options(locals())
        check_one(lr)
        _not_negative("Learning rate", lr)
        _not_negative("momentum", momentum)
        _not_negative("weight decay", weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        super().__init__(params, given)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {parameter.size()}"
                    )

    def _update(self, group, parameter, gradient, state):
        momentum, rate = group["momentum"], number(group["lr"])
        velocity = state.get("momentum_buffer")
        if velocity is None:
            velocity = state["momentum_buffer"] = gradient.new_zeros(gradient.shape)
        velocity.lerp_(gradient, 1 - momentum)
        direction = gradient.lerp(velocity, momentum) if group["nesterov"] else velocity
        direction = orthogonalised(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = parameter.shape
        matched = group["adjust_lr_fn"] == "match_rms_adamw"
        scale = 0.2 * max(rows, columns) ** 0.5 if matched else max(1, rows / columns) ** 0.5
        parameter.mul_(1 - rate * group["weight_decay"])
        parameter.add_(direction, alpha=-rate * scale)
