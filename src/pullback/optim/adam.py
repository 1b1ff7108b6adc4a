"""Steps along the mean of gradients, scaled by the mean of their squares: Adam and its relatives."""

import math

from .. import _core
from .optimizer import Optimizer, check, check_one, counted, decayed, no_steps, number, options, zeros_for

__all__ = ["Adam", "AdamW", "Adamax", "NAdam", "RAdam", "SparseAdam"]


def _check_betas(betas):
    for k in (0, 1):
        check(f"beta parameter at index {k}", betas[k], 0.0 <= betas[k] < 1.0)


def _check_adam(lr, eps, betas, weight_decay):
    check_one(lr)
    check("learning rate", lr, lr >= 0.0)
    check("epsilon value", eps, eps >= 0.0)
    _check_betas(betas)
    check("weight_decay value", weight_decay, weight_decay >= 0.0)


def _moments(parameter):
    return {"step": no_steps(), "exp_avg": zeros_for(parameter), "exp_avg_sq": zeros_for(parameter)}


def _decayed(group, parameter, gradient, lr):
    """Weight decay of either kind: decoupled, it shrinks the parameter; else the gradient has it."""
    if group["weight_decay"] != 0 and group["decoupled_weight_decay"]:
        parameter.mul_(1 - lr * group["weight_decay"])
        return gradient
    return decayed(group, parameter, gradient)


def _average(state, gradient, beta1, beta2):
    """Move the means of gradients and of their squares."""
    state["exp_avg"].lerp_(gradient, 1 - beta1)
    state["exp_avg_sq"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)


def _at_once(group, parameter, gradient, state, lr, beta1, beta2, step):
    """The whole step in one pass of the core, with the bits of the operators below; False if it has none for these tensors."""
    if 1 - beta1 >= 0.5:  # lerp has another formula
        return False
    shrink, penalty = 1.0, group["weight_decay"]
    if penalty and group["decoupled_weight_decay"]:
        shrink, penalty = 1 - lr * penalty, 0.0
    return _core.adam_step(
        parameter,
        gradient,
        state["exp_avg"],
        state["exp_avg_sq"],
        1 - beta1,
        beta2,
        1 - beta2,
        math.sqrt(1 - beta2**step),
        group["eps"],
        -lr / (1 - beta1**step),
        shrink,
        penalty,
    )


class Adam(Optimizer):
    """Steps along the mean of gradients, over the root of the mean of their squares (arXiv:1412.6980).

    `betas` say how long the means last, both are corrected for their beginning at 0; `amsgrad` divides by the largest mean so
    far. `weight_decay` adds to gradients, or with `decoupled_weight_decay` shrinks parameters.

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0, -1.0]))
        >>> w.grad = pb.tensor([100.0, -0.01])
        >>> pb.optim.Adam([w], lr=0.1).step()
        >>> w.detach()
        tensor([ 0.9000, -0.9000])
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
        fused=None,
        decoupled_weight_decay=False,
    ):
        given = options(locals())
        _check_adam(lr, eps, betas, weight_decay)
        super().__init__(params, given)

    def _begin(self, parameter, group):
        state = _moments(parameter)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_for(parameter)
        return state

    def _update(self, group, parameter, gradient, state):
        step = counted(state)
        beta1, beta2 = map(number, group["betas"])
        lr = number(group["lr"])
        if not group["amsgrad"] and _at_once(group, parameter, gradient, state, lr, beta1, beta2, step):
            return
        gradient = _decayed(group, parameter, gradient, lr)
        _average(state, gradient, beta1, beta2)
        squares = state["exp_avg_sq"]
        if group["amsgrad"]:
            squares = state["max_exp_avg_sq"].copy_(state["max_exp_avg_sq"].maximum(squares))
        scale = squares.sqrt() / math.sqrt(1 - beta2**step) + group["eps"]
        parameter.addcdiv_(state["exp_avg"], scale, value=-lr / (1 - beta1**step))


class AdamW(Adam):
    """`Adam` whose weight decay shrinks parameters, and does not pass through the means (arXiv:1711.05101).

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0]))
        >>> w.grad = pb.tensor([0.0])
        >>> pb.optim.AdamW([w], lr=0.1, weight_decay=0.5).step()
        >>> w.detach()
        tensor([0.9500])
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=1e-2,
        amsgrad=False,
        *,
        maximize=False,
        foreach=None,
        capturable=False,
        differentiable=False,
        fused=None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )


class SparseAdam(Optimizer):
    """`Adam` that leaves alone what has no gradient: elements whose gradient is 0 here, since gradients are dense.

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0, 1.0]))
        >>> w.grad = pb.tensor([1.0, 0.0])
        >>> pb.optim.SparseAdam([w], lr=0.1).step()
        >>> w.detach()
        tensor([0.9000, 1.0000])
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        given = options(locals())
        check("learning rate", lr, lr > 0.0)
        check("epsilon value", eps, eps > 0.0)
        _check_betas(betas)
        super().__init__(params, given)

    def _begin(self, parameter, group):
        return _moments(parameter)

    def _update(self, group, parameter, gradient, state):
        step = counted(state)
        beta1, beta2 = group["betas"]
        there = gradient != 0
        state["exp_avg"].copy_(state["exp_avg"].lerp(gradient, 1 - beta1).where(there, state["exp_avg"]))
        squares = state["exp_avg_sq"].lerp(gradient.square(), 1 - beta2)
        state["exp_avg_sq"].copy_(squares.where(there, state["exp_avg_sq"]))
        rate = number(group["lr"]) * math.sqrt(1 - beta2**step) / (1 - beta1**step)
        parameter.sub_(
            (rate * state["exp_avg"] / (state["exp_avg_sq"].sqrt() + group["eps"])).where(there, 0.0)
        )


class Adamax(Optimizer):
    """`Adam` with the largest of gradients in place of the root of their squares' mean (arXiv:1412.6980).

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0]))
        >>> w.grad = pb.tensor([5.0])
        >>> pb.optim.Adamax([w], lr=0.5).step()
        >>> w.detach()
        tensor([0.5000])
    """

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        given = options(locals())
        _check_adam(lr, eps, betas, weight_decay)
        super().__init__(params, given)

    def _begin(self, parameter, group):
        return {"step": no_steps(), "exp_avg": zeros_for(parameter), "exp_inf": zeros_for(parameter)}

    def _update(self, group, parameter, gradient, state):
        step = counted(state)
        beta1, beta2 = group["betas"]
        gradient = decayed(group, parameter, gradient)
        state["exp_avg"].lerp_(gradient, 1 - beta1)
        state["exp_inf"].copy_((state["exp_inf"] * beta2).maximum(gradient.abs() + group["eps"]))
        rate = number(group["lr"]) / (1 - beta1**step)
        parameter.addcdiv_(state["exp_avg"], state["exp_inf"], value=-rate)


class NAdam(Optimizer):
    """`Adam` with Nesterov's momentum, which grows with time (Dozat 2016).

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0]))
        >>> w.grad = pb.tensor([5.0])
        >>> pb.optim.NAdam([w], lr=0.5).step()
        >>> w.item() < 1
        True
    """

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
    ):
        given = options(locals())
        _check_adam(lr, eps, betas, weight_decay)
        check("momentum_decay value", momentum_decay, momentum_decay >= 0.0)
        super().__init__(params, given)

    def _begin(self, parameter, group):
        return {
            "step": no_steps(),
            "mu_product": no_steps() + 1,
            "exp_avg": zeros_for(parameter),
            "exp_avg_sq": zeros_for(parameter),
        }

    def _update(self, group, parameter, gradient, state):
        step = counted(state)
        beta1, beta2 = group["betas"]
        lr = number(group["lr"])
        gradient = _decayed(group, parameter, gradient, lr)
        now, then = [beta1 * (1.0 - 0.5 * 0.96 ** (n * group["momentum_decay"])) for n in (step, step + 1)]
        state["mu_product"] *= now
        product = state["mu_product"].item()
        _average(state, gradient, beta1, beta2)
        scale = (state["exp_avg_sq"] / (1 - beta2**step)).sqrt() + group["eps"]
        parameter.addcdiv_(gradient, scale, value=-lr * (1.0 - now) / (1.0 - product))
        parameter.addcdiv_(state["exp_avg"], scale, value=-lr * then / (1.0 - product * then))


class RAdam(Optimizer):
    """`Adam` whose scaling begins when the variance of its squares is known (arXiv:1908.03265).

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0]))
        >>> w.grad = pb.tensor([2.0])
        >>> pb.optim.RAdam([w], lr=0.25).step()
        >>> w.detach()
        tensor([0.5000])
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        decoupled_weight_decay=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
    ):
        given = options(locals())
        _check_adam(lr, eps, betas, weight_decay)
        super().__init__(params, given)

    def _begin(self, parameter, group):
        return _moments(parameter)

    def _update(self, group, parameter, gradient, state):
        step = counted(state)
        beta1, beta2 = group["betas"]
        lr = number(group["lr"])
        gradient = _decayed(group, parameter, gradient, lr)
        _average(state, gradient, beta1, beta2)
        left = 1 - beta2**step
        direction = state["exp_avg"] / (1 - beta1**step)
        most = 2 / (1 - beta2) - 1
        length = most - 2 * step * beta2**step / left
        if length > 5.0:
            rectified = ((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)) ** 0.5
            scale = math.sqrt(left) / (state["exp_avg_sq"].sqrt() + group["eps"])
            parameter.add_(direction * lr * scale * rectified, alpha=-1.0)
        else:
            parameter.add_(direction * lr, alpha=-1.0)
