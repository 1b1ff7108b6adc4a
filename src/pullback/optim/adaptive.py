"""Steps scaled by what gradients were: RMSprop, Adagrad, Adadelta, Adafactor; Adam and its relatives are in adam.py."""

from ..dtypes import finfo
from .adam import Adam, Adamax, AdamW, NAdam, RAdam, SparseAdam
from .optimizer import Optimizer, check, counted, decayed, no_steps, number, options, zeros_for

__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "RMSprop",
    "SparseAdam",
]


class RMSprop(Optimizer):
    """Gradients over the root of the mean of their squares (Hinton 2012), `centered`: over their standard deviation.

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0]))
        >>> w.grad = pb.tensor([5.0])
        >>> pb.optim.RMSprop([w], lr=0.05).step()
        >>> w.detach()
        tensor([0.5000])
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        given = options(locals())
        check("learning rate", lr, lr >= 0.0)
        check("epsilon value", eps, eps >= 0.0)
        check("momentum value", momentum, momentum >= 0.0)
        check("weight_decay value", weight_decay, weight_decay >= 0.0)
        check("alpha value", alpha, alpha >= 0.0)
        super().__init__(params, given)

    def _begin(self, parameter, group):
        state = {"step": no_steps(), "square_avg": zeros_for(parameter)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros_for(parameter)
        if group["centered"]:
            state["grad_avg"] = zeros_for(parameter)
        return state

    def _update(self, group, parameter, gradient, state):
        state["step"] += 1
        alpha, lr = group["alpha"], number(group["lr"])
        gradient = decayed(group, parameter, gradient)
        state["square_avg"].mul_(alpha).addcmul_(gradient, gradient, value=1 - alpha)
        squares = state["square_avg"]
        if group["centered"]:
            state["grad_avg"].lerp_(gradient, 1 - alpha)
            squares = squares.addcmul(state["grad_avg"], state["grad_avg"], value=-1)
        scale = squares.sqrt() + group["eps"]
        if group["momentum"] > 0:
            state["momentum_buffer"].mul_(group["momentum"]).addcdiv_(gradient, scale)
            parameter.add_(state["momentum_buffer"], alpha=-lr)
        else:
            parameter.addcdiv_(gradient, scale, value=-lr)


class Adagrad(Optimizer):
    """Gradients over the root of the sum of their squares so far (Duchi et al. 2011).

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0]))
        >>> w.grad = pb.tensor([5.0])
        >>> pb.optim.Adagrad([w], lr=0.5).step()
        >>> w.detach()
        tensor([0.5000])
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        lr_decay=0,
        weight_decay=0,
        initial_accumulator_value=0,
        eps=1e-10,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        fused=None,
    ):
        given = options(locals())
        check("learning rate", lr, lr >= 0.0)
        check("lr_decay value", lr_decay, lr_decay >= 0.0)
        check("weight_decay value", weight_decay, weight_decay >= 0.0)
        check("initial_accumulator_value value", initial_accumulator_value, initial_accumulator_value >= 0.0)
        check("epsilon value", eps, eps >= 0.0)
        super().__init__(params, given)
        for group in self.param_groups:
            for parameter in group["params"]:
                first = parameter.detach().new_full(parameter.shape, float(initial_accumulator_value))
                self.state[parameter] = {"step": no_steps(), "sum": first}

    def share_memory(self):
        """Raises NotImplementedError: tensors are not shared between processes.

        Example:
            >>> pb.optim.Adagrad([pb.nn.Parameter(pb.zeros(1))]).share_memory()
            Traceback (most recent call last):
                ...
            NotImplementedError: Tensors are not shared between processes.
        """
        raise NotImplementedError("Tensors are not shared between processes.")

    def _begin(self, parameter, group):
        first = parameter.detach().new_full(parameter.shape, float(group["initial_accumulator_value"]))
        return {"step": no_steps(), "sum": first}

    def _update(self, group, parameter, gradient, state):
        step = counted(state)
        gradient = decayed(group, parameter, gradient)
        rate = number(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        state["sum"].addcmul_(gradient, gradient, value=1)
        parameter.addcdiv_(gradient, state["sum"].sqrt() + group["eps"], value=-rate)


class Adadelta(Optimizer):
    """Gradients times the root of the mean of squared steps over that of squared gradients (arXiv:1212.5701).

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0]))
        >>> w.grad = pb.tensor([5.0])
        >>> pb.optim.Adadelta([w], lr=1.0, rho=0.0).step()
        >>> w.detach()
        tensor([0.9990])
    """

    def __init__(
        self,
        params,
        lr=1.0,
        rho=0.9,
        eps=1e-6,
        weight_decay=0,
        foreach=None,
        *,
        capturable=False,
        maximize=False,
        differentiable=False,
    ):
        given = options(locals())
        check("learning rate", lr, lr >= 0.0)
        check("rho value", rho, 0.0 <= rho <= 1.0)
        check("epsilon value", eps, eps >= 0.0)
        check("weight_decay value", weight_decay, weight_decay >= 0.0)
        super().__init__(params, given)

    def _begin(self, parameter, group):
        return {"step": no_steps(), "square_avg": zeros_for(parameter), "acc_delta": zeros_for(parameter)}

    def _update(self, group, parameter, gradient, state):
        state["step"] += 1
        rho, eps = group["rho"], group["eps"]
        gradient = decayed(group, parameter, gradient)
        state["square_avg"].mul_(rho).addcmul_(gradient, gradient, value=1 - rho)
        delta = (state["acc_delta"] + eps).sqrt() / (state["square_avg"] + eps).sqrt() * gradient
        state["acc_delta"].mul_(rho).addcmul_(delta, delta, value=1 - rho)
        parameter.add_(delta, alpha=-number(group["lr"]))


class Adafactor(Optimizer):
    """Steps scaled by means of squares that are kept for rows and columns alone (arXiv:1804.04235).

    Example:
        >>> w = pb.nn.Parameter(pb.ones(2, 3))
        >>> w.grad = pb.ones(2, 3)
        >>> optimizer = pb.optim.Adafactor([w], lr=0.1)
        >>> optimizer.step()
        >>> {name: tuple(each.shape) for name, each in optimizer.state[w].items()}
        {'step': (), 'row_var': (2, 1), 'col_var': (1, 3)}
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        beta2_decay=-0.8,
        eps=(None, 1e-3),
        d=1.0,
        weight_decay=0.0,
        *,
        foreach=None,
        maximize=False,
    ):
        given = options(locals())
        check("lr", lr, lr >= 0.0, f"Learning rate should be >= 0 but is: {lr}")
        check("beta2_decay", None, beta2_decay <= 0.0, f"beta2_decay should be <= 0 but is: {beta2_decay}")
        check("eps", None, eps[0] is None or eps[0] >= 0.0, f"epsilon1 should be >= 0 but is: {eps[0]}")
        check("eps", None, eps[1] >= 0.0, f"epsilon2 should be >= 0 but is: {eps[1]}")
        check("d", None, d >= 1.0, f"Clipping threshold d should be >= 1 but is: {d}")
        check(
            "weight_decay", None, weight_decay >= 0.0, f"weight_decay should be >= 0 but is: {weight_decay}"
        )
        super().__init__(params, given)

    def _begin(self, parameter, group):
        if parameter.ndim > 1:
            *lead, rows, columns = parameter.shape
            blank = parameter.detach()
            return {
                "step": no_steps(),
                "row_var": blank.new_zeros(*lead, rows, 1),
                "col_var": blank.new_zeros(*lead, 1, columns),
            }
        return {"step": no_steps(), "variance": zeros_for(parameter)}

    def _update(self, group, parameter, gradient, state):
        step = counted(state)
        least, below = group["eps"]
        least = finfo(parameter.dtype).eps if least is None else least
        weight = step ** group["beta2_decay"]
        rho = min(number(group["lr"]), 1 / step**0.5)
        size = max(below, (parameter.norm(2) / parameter.numel() ** 0.5).item())
        alpha = size * rho
        if group["weight_decay"] != 0:
            parameter.mul_(1 - number(group["lr"]) * group["weight_decay"])
        if gradient.ndim > 1:
            rows, columns = state["row_var"], state["col_var"]
            rows.lerp_(gradient.square().mean(-1, keepdim=True), weight)
            columns.lerp_(gradient.square().mean(-2, keepdim=True), weight)
            variance = rows @ columns / rows.mean(-2, keepdim=True).clamp(min=least)
        else:
            variance = state["variance"].lerp_(gradient.square(), weight)
        update = variance.clamp(min=least * least).rsqrt() * gradient
        bound = max(1.0, update.norm(2).item() / (update.numel() ** 0.5 * group["d"]))
        parameter.add_(update, alpha=-alpha / bound)
