"""The base of schedules, and how rates are read and set."""

import warnings

from ... import _core
from ..optimizer import Optimizer

EPOCH = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use "
    "`scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the closed form is used "
    "instead of the new chainable form, where available. Please open an issue if you are unable to replicate your use case: "
    "https://github.com/pytorch/pytorch/issues/new/choose."
)


def values(optimizer, name):
    """An option of all groups; tensors are copied."""
    found = [group[name] for group in optimizer.param_groups]
    return [each.clone() if isinstance(each, _core.Tensor) else each for each in found]


def put(group, name, value):
    """Set an option of a group; a tensor keeps its place."""
    if isinstance(group[name], _core.Tensor):
        group[name].fill_(value)
    else:
        group[name] = value


def check_optimizer(optimizer):
    """The optimiser, or TypeError for what is none."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def of_groups(name, optimizer, value):
    """One value for every group, from one or as many. Raises ValueError for another number of them."""
    if isinstance(value, (list, tuple)):
        if len(value) != len(optimizer.param_groups):
            raise ValueError(
                f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, param_groups has "
                f"{len(optimizer.param_groups)}."
            )
        return list(value)
    return [value] * len(optimizer.param_groups)


class LRScheduler:
    """The base of schedules: `get_lr` says the rates of the groups for `last_epoch`.

    `last_epoch` is -1 for a new training, or the epoch that training goes on after; groups then have an "initial_lr".

    Example:
        >>> class Halving(pb.optim.lr_scheduler.LRScheduler):
        ...     def get_lr(self):
        ...         return [base * 0.5**self.last_epoch for base in self.base_lrs]
        >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
        >>> schedule = Halving(optimizer)
        >>> optimizer.step()
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    _is_initial = False
    _get_lr_called_within_step = False

    def __init__(self, optimizer, last_epoch=-1):
        self.optimizer = check_optimizer(optimizer)
        if last_epoch == -1:
            for group in optimizer.param_groups:
                rate = group["lr"]
                group.setdefault("initial_lr", rate.clone() if isinstance(rate, _core.Tensor) else rate)
        else:
            for k, group in enumerate(optimizer.param_groups):
                if "initial_lr" not in group:
                    raise KeyError(
                        f"param 'initial_lr' is not specified in param_groups[{k}] when resuming scheduler with last_epoch >= 0."
                    )
        self.base_lrs = values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        _count_steps(optimizer)
        self._initial_step()

    def _initial_step(self):
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self):
        """All that the schedule knows but its optimiser, as a dictionary.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
            >>> pb.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5).state_dict()["gamma"]
            0.5
        """
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict):
        """Take what `state_dict` gave.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
            >>> a, b = [pb.optim.lr_scheduler.ExponentialLR(optimizer, gamma) for gamma in (0.5, 0.25)]
            >>> a.load_state_dict(b.state_dict())
            >>> a.gamma
            0.25
        """
        self.__dict__.update(state_dict)

    def get_last_lr(self):
        """The rates of the groups as they were set last.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
            >>> pb.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5).get_last_lr()
            [1.0]
        """
        return self._last_lr

    def get_lr(self):
        """The rates of the groups for `last_epoch`: subclasses say."""
        raise NotImplementedError

    def step(self, epoch=None):
        """Go on to the next epoch, and set the rates for it. Call it after the optimiser's step.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
            >>> schedule = pb.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
            >>> optimizer.step()
            >>> schedule.step()
            >>> schedule.last_epoch, schedule.get_last_lr()
            (1, [0.5])
        """
        if self._step_count == 1 and not getattr(self.optimizer, "_opt_called", False):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you should call "
                "them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this will result in "
                "PyTorch skipping the first value of the learning rate schedule. See more details at "
                "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch=None):
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = epoch is not None and hasattr(self, "_get_closed_form_lr")
        self._take(self._get_closed_form_lr() if closed else self._asked())

    def _take(self, rates):
        """Give the groups of the optimiser these rates."""
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            put(group, "lr", rate)
        self._last_lr = values(self.optimizer, "lr")

    def _asked(self):
        """What `get_lr` says within a step."""
        self._get_lr_called_within_step = True
        try:
            return self.get_lr()
        finally:
            self._get_lr_called_within_step = False

    def _check_within_step(self):
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                stacklevel=3,
            )

    # What most schedules are made of.

    def _as_they_are(self):
        return values(self.optimizer, "lr")

    def _times(self, factor):
        return [group["lr"] * factor for group in self.optimizer.param_groups]


def _count_steps(optimizer):
    """Let an optimiser know that it made a step."""

    def called(optimizer, args, kwargs):
        optimizer._opt_called = True

    if not hasattr(optimizer, "_opt_called"):
        optimizer._opt_called = False
        optimizer.register_step_post_hook(called)
