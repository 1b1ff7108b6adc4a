"""Descent along the gradient, with momentum, averaged, by signs: SGD, ASGD, Rprop."""

from .. import _core
from ..operators.creation import tensor
from .optimizer import Optimizer, check, check_one, counted, decayed, no_steps, number, options, zeros_for

__all__ = ["ASGD", "SGD", "Rprop"]


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, of Polyak or Nesterov (Sutskever et al. 2013).

    With momentum m and dampening d, v = m * v + (1 - d) * g and w -= lr * v, or w -= lr * (g + m * v) with `nesterov`;
    the first v is g.

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0]))
        >>> optimizer = pb.optim.SGD([w], lr=0.1, momentum=0.9)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     w.sum().backward()
        ...     optimizer.step()
        >>> w.detach()
        tensor([0.7100])
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        given = options(locals())
        check_one(lr)
        check("learning rate", lr, lr >= 0.0)
        check("momentum value", momentum, momentum >= 0.0)
        check("weight_decay value", weight_decay, weight_decay >= 0.0)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, given)

    def _update(self, group, parameter, gradient, state):
        momentum, lr = group["momentum"], number(group["lr"])
        velocity = state.get("momentum_buffer")
        if momentum != 0 and velocity is not None and not group["nesterov"]:
            rest, penalty = 1 - group["dampening"], group["weight_decay"]
            if _core.momentum_step(parameter, gradient, velocity, momentum, rest, -lr, penalty):
                return  # in one pass, with the bits of the operators below
        gradient = decayed(group, parameter, gradient)
        if momentum != 0:
            if velocity is None:
                velocity = gradient.detach().clone()
            else:
                velocity.mul_(momentum).add_(gradient, alpha=1 - group["dampening"])
            state["momentum_buffer"] = velocity
            gradient = gradient.add(velocity, alpha=momentum) if group["nesterov"] else velocity
        parameter.add_(gradient, alpha=-lr)


class ASGD(Optimizer):
    """Averaged stochastic gradient descent (Polyak & Juditsky 1992): `state[p]["ax"]` is the average.

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0]))
        >>> w.grad = pb.tensor([1.0])
        >>> pb.optim.ASGD([w], lr=0.5, lambd=0.0).step()
        >>> w.detach()
        tensor([0.5000])
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        lambd=1e-4,
        alpha=0.75,
        t0=1e6,
        weight_decay=0,
        foreach=None,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        given = options(locals())
        check("learning rate", lr, lr >= 0.0)
        check("weight_decay value", weight_decay, weight_decay >= 0.0)
        super().__init__(params, given)

    def _begin(self, parameter, group):
        return {
            "step": no_steps(),
            "eta": tensor(float(number(group["lr"]))),
            "mu": tensor(1.0),
            "ax": zeros_for(parameter),
        }

    def _update(self, group, parameter, gradient, state):
        step = counted(state)
        gradient = decayed(group, parameter, gradient)
        rate, lambd = state["eta"].item(), group["lambd"]
        parameter.mul_(1 - lambd * rate).add_(gradient, alpha=-rate)
        if state["mu"].item() != 1:
            state["ax"].add_((parameter - state["ax"]) * state["mu"])
        else:
            state["ax"].copy_(parameter)
        lr = number(group["lr"])
        state["eta"].copy_(tensor(lr / ((1 + lambd * lr * step) ** group["alpha"])))
        state["mu"].copy_(tensor(1 / max(1, step - group["t0"])))


class Rprop(Optimizer):
    """Steps whose sizes grow while the sign of the gradient stays, and shrink where it turns (Riedmiller & Braun 1993).

    `etas` are the factors of shrinking and growing, `step_sizes` the bounds.

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([1.0]))
        >>> w.grad = pb.tensor([3.0])
        >>> pb.optim.Rprop([w], lr=0.5).step()
        >>> w.detach()
        tensor([0.5000])
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        etas=(0.5, 1.2),
        step_sizes=(1e-6, 50),
        *,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        given = options(locals())
        check("learning rate", lr, lr >= 0.0)
        check("eta values", None, 0.0 < etas[0] < 1.0 < etas[1], f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, given)

    def _begin(self, parameter, group):
        blank = parameter.detach()
        return {
            "step": no_steps(),
            "prev": blank.new_zeros(blank.shape),
            "step_size": blank.new_full(blank.shape, float(number(group["lr"]))),
        }

    def _update(self, group, parameter, gradient, state):
        state["step"] += 1
        shrink, grow = group["etas"]
        turned = gradient * state["prev"]
        factor = turned.new_ones(()).where(turned <= 0, grow).where(turned >= 0, shrink)
        state["step_size"].mul_(factor).clamp_(*group["step_sizes"])
        gradient = gradient.where(turned >= 0, 0.0)
        parameter.addcmul_(gradient.sign(), state["step_size"], value=-1)
        state["prev"].copy_(gradient)
