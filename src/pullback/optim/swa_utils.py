"""Averages of parameters over training: the mean of all, or an exponential one (arXiv:1803.05407)."""

import math
from copy import deepcopy

from .. import _core
from ..autograd import no_grad
from ..nn.modules.module import Module
from ..nn.modules.normalization import _BatchNorm
from ..operators.creation import tensor
from .lr_scheduler import LRScheduler
from .lr_scheduler.base import of_groups

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(decay):
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_avg_fn(decay=0.999):
    """The exponential mean of one tensor: decay * average + (1 - decay) * value, as a function of both and their number.

    Raises ValueError for a decay outside of [0, 1].

    Example:
        >>> average = pb.optim.swa_utils.get_ema_avg_fn(0.75)
        >>> average(pb.tensor(0.0), pb.tensor(4.0), 1)
        tensor(1.)
    """
    _check_decay(decay)

    def average(averaged, current, number):
        with no_grad():
            return decay * averaged + (1 - decay) * current

    return average


def get_ema_multi_avg_fn(decay=0.999):
    """The exponential mean of several tensors, in place.

    Raises ValueError for a decay outside of [0, 1].

    Example:
        >>> kept = [pb.tensor(0.0)]
        >>> pb.optim.swa_utils.get_ema_multi_avg_fn(0.75)(kept, [pb.tensor(4.0)], 1)
        >>> kept
        [tensor(1.)]
    """
    _check_decay(decay)

    def average(averaged, current, number):
        with no_grad():
            for mine, theirs in zip(averaged, current, strict=True):
                if mine.is_floating_point() or mine.is_complex():
                    mine.lerp_(theirs, 1 - decay)
                else:
                    mine.copy_(mine * decay + theirs * (1 - decay))

    return average


def get_swa_avg_fn():
    """The mean of one tensor so far: a function of it, of the next value, and of how many there were.

    Example:
        >>> pb.optim.swa_utils.get_swa_avg_fn()(pb.tensor(1.0), pb.tensor(4.0), 2)
        tensor(2.)
    """

    def average(averaged, current, number):
        with no_grad():
            return averaged + (current - averaged) / (number + 1)

    return average


def get_swa_multi_avg_fn():
    """The mean of several tensors so far, in place.

    Example:
        >>> kept = [pb.tensor(1.0)]
        >>> pb.optim.swa_utils.get_swa_multi_avg_fn()(kept, [pb.tensor(4.0)], 2)
        >>> kept
        [tensor(2.)]
    """

    def average(averaged, current, number):
        with no_grad():
            for mine, theirs in zip(averaged, current, strict=True):
                mine.add_((theirs - mine) / (number + 1))

    return average


class AveragedModel(Module):
    """A copy of a module whose parameters are means of those that `update_parameters` was given.

    `avg_fn(averaged, current, number)` gives the new mean of a tensor, or `multi_avg_fn` those of a list, in place; the mean of
    all if none is given. With `use_buffers` buffers are averaged, too, or else copied.

    Example:
        >>> net = pb.nn.Linear(1, 1, bias=False)
        >>> mean = pb.optim.swa_utils.AveragedModel(net)
        >>> for value in (1.0, 3.0):
        ...     _ = pb.nn.init.constant_(net.weight, value)
        ...     mean.update_parameters(net)
        >>> mean.module.weight.detach()
        tensor([[2.]])
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        self.register_buffer("n_averaged", tensor(0, dtype=_core.int64))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    def _tensors(self, module):
        return [*module.parameters(), *(module.buffers() if self.use_buffers else ())]

    def update_parameters(self, model):
        """Take the parameters of a module into the mean.

        Example:
            >>> net = pb.nn.Linear(1, 1)
            >>> mean = pb.optim.swa_utils.AveragedModel(net)
            >>> mean.update_parameters(net)
            >>> mean.n_averaged
            tensor(1)
        """
        mine, theirs = self._tensors(self.module), [each.detach() for each in self._tensors(model)]
        count = self.n_averaged.item()
        with no_grad():
            if count == 0:
                for a, b in zip(mine, theirs, strict=True):
                    a.copy_(b)
            elif self.multi_avg_fn is not None or self.avg_fn is None:
                average = self.multi_avg_fn or get_swa_multi_avg_fn()
                average([each.detach() for each in mine], theirs, self.n_averaged)
            else:
                for a, b in zip(mine, theirs, strict=True):
                    a.copy_(self.avg_fn(a.detach(), b, self.n_averaged))
            if not self.use_buffers:
                for a, b in zip(self.module.buffers(), model.buffers(), strict=True):
                    a.copy_(b)
            self.n_averaged += 1


def update_bn(loader, model, device=None):
    """Compute the running statistics of a module's batch norms anew, over the batches of `loader`.

    A batch is a tensor, or a list or tuple whose first is the input.

    Example:
        >>> net = pb.nn.BatchNorm1d(1)
        >>> pb.optim.swa_utils.update_bn([pb.tensor([[1.0], [3.0]]), pb.tensor([[5.0], [7.0]])], net)
        >>> net.running_mean
        tensor([4.])
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    with no_grad():
        for batch in loader:
            model(batch[0] if isinstance(batch, (list, tuple)) else batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """From the rate at the beginning to `swa_lr`, in `anneal_epochs` epochs, straight or along half a cosine; then there.

    Raises ValueError for another `anneal_strategy` and a negative number of epochs.

    Example:
        >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
        >>> schedule = pb.optim.swa_utils.SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
        >>> rates = []
        >>> for _ in range(4):
        ...     rates += schedule.get_last_lr()
        ...     optimizer.step()
        ...     schedule.step()
        >>> rates
        [1.0, 0.75, 0.5, 0.5]
    """

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        for rate, group in zip(of_groups("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _part(self, t):
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self):
        self._check_within_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before = self._part(max(0, min(1, (step - 1) / max(1, self.anneal_epochs))))
        now = self._part(max(0, min(1, step / max(1, self.anneal_epochs))))
        rates = []
        for group in self.optimizer.param_groups:
            if before == 1:
                first = group["swa_lr"]
            else:
                first = (group["lr"] - before * group["swa_lr"]) / (1 - before)
            rates.append(group["swa_lr"] * now + first * (1 - now))
        return rates
