"""Limited-memory BFGS, with steps along its direction or a line search that ensures Wolfe's conditions.

The direction is by two loops over the last steps and changes of the gradient (Nocedal & Wright 2006, algorithm 7.4), the line
search brackets and zooms with cubic interpolation (algorithms 3.5 and 3.6).
"""

from ..autograd import enable_grad, no_grad
from ..operators.complex import view_as_real
from ..operators.creation import zeros_like
from ..operators.joining import cat
from .optimizer import Optimizer, check, number

__all__ = ["LBFGS"]


def _reals(t):
    """A complex tensor as the reals that it consists of, in the same memory."""
    return view_as_real(t) if t.dtype.is_complex else t


def _cubic(x1, f1, g1, x2, f2, g2, bounds=None):
    """The minimum of the cubic through two points with two slopes, within bounds."""
    low, high = bounds if bounds is not None else (min(x1, x2), max(x1, x2))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if square < 0:
        return (low + high) / 2.0
    d2 = square**0.5
    if x1 <= x2:
        at = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        at = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(at, low), high)


def _strong_wolfe(evaluate, step, direction, loss, gradient, slope, c1=1e-4, c2=0.9, tolerance=1e-9, most=25):
    """(loss, gradient, step, evaluations) of a point along a direction that lies low and is flat."""
    length = direction.abs().max().item()
    gradient = gradient.clone()
    new_loss, new_gradient = evaluate(step)
    calls, new_slope = 1, new_gradient.dot(direction).item()
    old_step, old_loss, old_gradient, old_slope = 0.0, loss, gradient, slope
    done, count = False, 0
    while count < most:
        if new_loss > loss + c1 * step * slope or (count > 1 and new_loss >= old_loss):
            steps, losses = [old_step, step], [old_loss, new_loss]
            gradients, slopes = [old_gradient, new_gradient.clone()], [old_slope, new_slope]
            break
        if abs(new_slope) <= -c2 * slope:
            steps, losses, gradients, done = [step], [new_loss], [new_gradient], True
            slopes = [new_slope]
            break
        if new_slope >= 0:
            steps, losses = [old_step, step], [old_loss, new_loss]
            gradients, slopes = [old_gradient, new_gradient.clone()], [old_slope, new_slope]
            break
        least, largest = step + 0.01 * (step - old_step), step * 10
        before = step
        step = _cubic(old_step, old_loss, old_slope, step, new_loss, new_slope, (least, largest))
        old_step, old_loss, old_gradient, old_slope = before, new_loss, new_gradient.clone(), new_slope
        new_loss, new_gradient = evaluate(step)
        calls += 1
        new_slope = new_gradient.dot(direction).item()
        count += 1
    else:
        steps, losses, gradients = [0, step], [loss, new_loss], [gradient, new_gradient]
        slopes = [slope, new_slope]
    stuck = False
    low, high = (0, 1) if losses[0] <= losses[-1] else (1, 0)
    while not done and count < most:
        if abs(steps[1] - steps[0]) * length < tolerance:
            break
        step = _cubic(steps[0], losses[0], slopes[0], steps[1], losses[1], slopes[1])
        # Points too near to a bound are moved away, a second time to the middle's side.
        margin = 0.1 * (max(steps) - min(steps))
        if min(max(steps) - step, step - min(steps)) < margin:
            if stuck or step >= max(steps) or step <= min(steps):
                nearer = abs(step - max(steps)) < abs(step - min(steps))
                step = max(steps) - margin if nearer else min(steps) + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        new_loss, new_gradient = evaluate(step)
        calls += 1
        new_slope = new_gradient.dot(direction).item()
        count += 1
        if new_loss > loss + c1 * step * slope or new_loss >= losses[low]:
            steps[high], losses[high], gradients[high] = step, new_loss, new_gradient.clone()
            slopes[high] = new_slope
            low, high = (0, 1) if losses[0] <= losses[1] else (1, 0)
        else:
            if abs(new_slope) <= -c2 * slope:
                done = True
            elif new_slope * (steps[high] - steps[low]) >= 0:
                steps[high], losses[high] = steps[low], losses[low]
                gradients[high], slopes[high] = gradients[low], slopes[low]
            steps[low], losses[low], gradients[low] = step, new_loss, new_gradient.clone()
            slopes[low] = new_slope
    low = low if len(steps) > 1 else 0
    return losses[low], gradients[low], steps[low], calls


class LBFGS(Optimizer):
    """Limited-memory BFGS: `step` needs a closure, and calls it up to `max_eval` times.

    One group of parameters. `line_search_fn` is None (steps of `lr`) or "strong_wolfe"; `history_size` steps are remembered.

    Example:
        >>> w = pb.nn.Parameter(pb.tensor([-1.5, 2.0]))
        >>> optimizer = pb.optim.LBFGS([w], max_iter=100, line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
        ...     loss.backward()
        ...     return loss
        >>> _ = optimizer.step(closure)
        >>> w.detach()
        tensor([1.0000, 1.0000])
    """

    def __init__(
        self,
        params,
        lr=1,
        max_iter=20,
        max_eval=None,
        tolerance_grad=1e-7,
        tolerance_change=1e-9,
        history_size=100,
        line_search_fn=None,
    ):
        check("learning rate", lr, lr >= 0.0)
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def _gradient(self):
        grads = [_reals(zeros_like(p) if p.grad is None else p.grad) for p in self._params]
        return cat([g.reshape(-1) for g in grads])

    def _move(self, step, direction):
        start = 0
        for p in map(_reals, self._params):
            count = p.numel()
            p.add_(direction[start : start + count].view_as(p), alpha=step)
            start += count

    def _direction(self, state, gradient):
        """Minus the gradient through the inverse Hessian that the history stands for."""
        changes, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        q, kept = gradient.neg(), [0.0] * len(changes)
        for k in reversed(range(len(changes))):
            kept[k] = steps[k].dot(q) * ro[k]
            q = q - changes[k] * kept[k]
        r = q * state["H_diag"]
        for k in range(len(changes)):
            r = r + steps[k] * (kept[k] - changes[k].dot(r) * ro[k])
        return r

    def step(self, closure):
        """Iterations up to `max_iter`, of which each calls `closure` at least once. Returns the loss at the beginning.

        Example:
            >>> w = pb.nn.Parameter(pb.tensor([3.0]))
            >>> optimizer = pb.optim.LBFGS([w])
            >>> def closure():
            ...     optimizer.zero_grad()
            ...     loss = (w * w).sum()
            ...     loss.backward()
            ...     return loss
            >>> optimizer.step(closure).item()
            9.0
        """
        group = self.param_groups[0]
        lr, search = number(group["lr"]), group["line_search_fn"]
        if search not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")

        def called():
            with enable_grad():
                return closure()

        with no_grad():
            state = self.state[self._params[0]]
            state.setdefault("func_evals", 0)
            state.setdefault("n_iter", 0)
            first = called()
            loss, evaluations = float(first), 1
            state["func_evals"] += 1
            gradient = self._gradient()
            if gradient.abs().max().item() <= group["tolerance_grad"]:
                return first
            direction, step = state.get("d"), state.get("t")
            before, before_loss = state.get("prev_flat_grad"), state.get("prev_loss")
            count = 0
            while count < group["max_iter"]:
                count += 1
                state["n_iter"] += 1
                if state["n_iter"] == 1:
                    direction = gradient.neg()
                    state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
                else:
                    change, moved = gradient - before, direction * step
                    curvature = change.dot(moved)
                    if curvature.item() > 1e-10:
                        if len(state["old_dirs"]) == group["history_size"]:
                            for name in ("old_dirs", "old_stps", "ro"):
                                state[name].pop(0)
                        state["old_dirs"].append(change)
                        state["old_stps"].append(moved)
                        state["ro"].append(1.0 / curvature)
                        state["H_diag"] = curvature / change.dot(change)
                    direction = self._direction(state, gradient)
                before, before_loss = gradient.clone(), loss
                step = min(1.0, 1.0 / gradient.abs().sum().item()) * lr if state["n_iter"] == 1 else lr
                slope = gradient.dot(direction).item()
                if slope > -group["tolerance_change"]:
                    break
                calls = 0
                if search == "strong_wolfe":
                    kept = [p.clone() for p in self._params]

                    def evaluate(t, kept=kept, direction=direction):
                        self._move(t, direction)
                        value = float(called())
                        found = self._gradient()
                        for p, each in zip(self._params, kept, strict=True):
                            p.copy_(each)
                        return value, found

                    loss, gradient, step, calls = _strong_wolfe(
                        evaluate,
                        step,
                        direction,
                        loss,
                        gradient,
                        slope,
                        most=group["max_eval"] - evaluations,
                    )
                    self._move(step, direction)
                    flat = gradient.abs().max().item() <= group["tolerance_grad"]
                else:
                    self._move(step, direction)
                    flat = False
                    if count != group["max_iter"]:
                        loss = float(called())
                        gradient = self._gradient()
                        flat = gradient.abs().max().item() <= group["tolerance_grad"]
                        calls = 1
                evaluations += calls
                state["func_evals"] += calls
                if count == group["max_iter"] or evaluations >= group["max_eval"] or flat:
                    break
                if (direction * step).abs().max().item() <= group["tolerance_change"]:
                    break
                if abs(loss - before_loss) < group["tolerance_change"]:
                    break
            state.update(d=direction, t=step, prev_flat_grad=before, prev_loss=before_loss)
            return first
