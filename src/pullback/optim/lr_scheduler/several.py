"""Schedules of schedules: one after another, or all at once."""

from bisect import bisect_right

from .base import LRScheduler, put, values
from .plateau import ReduceLROnPlateau


def _check_members(who, optimizer, schedulers, what):
    if not schedulers:
        raise ValueError(f"{who} expects at least one scheduler{what}, but got no scheduler.")
    optimizer = optimizer or schedulers[0].optimizer
    for k, each in enumerate(schedulers):
        if not hasattr(each, "optimizer"):
            raise TypeError(f"{who} at index {k} should have `optimizer` as its attribute.")
        if isinstance(each, ReduceLROnPlateau):
            raise ValueError(
                f"{who} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs to be specified when "
                f"calling `step`, but got one at index {k} in the given schedulers sequence."
            )
        if optimizer is not each.optimizer:
            raise ValueError(
                f"{who} expects all schedulers to belong to the same optimizer, but got scheduler {type(each).__name__} at "
                f"index {k} has {each.optimizer}, which is different from {type(optimizer).__name__}."
            )
    return optimizer


class _Several(LRScheduler):
    """Schedules of schedules."""

    def state_dict(self):
        """All that the schedule and its members know but their optimiser, as a dictionary."""
        state = {k: v for k, v in self.__dict__.items() if k not in ("optimizer", "_schedulers")}
        return {**state, "_schedulers": [each.state_dict() for each in self._schedulers]}

    def load_state_dict(self, state_dict):
        """Take what `state_dict` gave."""
        state = dict(state_dict)
        for each, part in zip(self._schedulers, state.pop("_schedulers"), strict=True):
            each.load_state_dict(part)
        self.__dict__.update(state)


class SequentialLR(_Several):
    """Schedules one after another, each from an epoch of `milestones` on.

    Raises ValueError for another number of milestones than one less, and for members of another optimiser.

    Example:
        >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
        >>> warm = pb.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
        >>> decay = pb.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> schedule = pb.optim.lr_scheduler.SequentialLR(optimizer, [warm, decay], milestones=[2])
        >>> rates = []
        >>> for _ in range(4):
        ...     rates += schedule.get_last_lr()
        ...     optimizer.step()
        ...     schedule.step()
        >>> rates
        [0.5, 0.5, 1.0, 0.5]
    """

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        _check_members("SequentialLR", optimizer, schedulers, "")
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone "
                f"points, but got number of schedulers {len(schedulers)} and the number of milestones to be equal to "
                f"{len(milestones)}"
            )
        self._schedulers, self._milestones = schedulers, milestones
        self.last_epoch, self.optimizer = last_epoch + 1, optimizer
        for group in optimizer.param_groups:
            put(group, "lr", group["initial_lr"])
        self._take_back(schedulers)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def _take_back(self, schedulers):
        """The first step of every member is not made yet."""
        for each in schedulers:
            if hasattr(each, "_schedulers"):
                self._take_back(each._schedulers)
            else:
                each.last_epoch -= 1

    def step(self):
        """Go on to the next epoch.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
            >>> members = [pb.optim.lr_scheduler.ExponentialLR(optimizer, gamma) for gamma in (0.5, 0.25)]
            >>> schedule = pb.optim.lr_scheduler.SequentialLR(optimizer, members, milestones=[2])
            >>> optimizer.step()
            >>> schedule.step()
            >>> schedule.get_last_lr()
            [0.5]
        """
        self.last_epoch += 1
        which = bisect_right(self._milestones, self.last_epoch)
        schedule = self._schedulers[which]
        if which > 0 and self._milestones[which - 1] == self.last_epoch:
            schedule._update_lr(0)
        else:
            schedule.step()
        self._last_lr = schedule.get_last_lr()


class ChainedScheduler(_Several):
    """Several schedules at once: at every step each makes one.

    Raises ValueError for members of different optimisers.

    Example:
        >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
        >>> members = [pb.optim.lr_scheduler.ExponentialLR(optimizer, 0.5) for _ in range(2)]
        >>> schedule = pb.optim.lr_scheduler.ChainedScheduler(members)
        >>> optimizer.step()
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.25]
    """

    def __init__(self, schedulers, optimizer=None):
        self.optimizer = _check_members("ChainedScheduler", optimizer, schedulers, " to be chained")
        self._schedulers = schedulers
        self._last_lr = values(self.optimizer, "lr")

    def step(self):
        """Go on to the next epoch.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
            >>> members = [pb.optim.lr_scheduler.ExponentialLR(optimizer, gamma) for gamma in (0.5, 0.25)]
            >>> optimizer.step()
            >>> pb.optim.lr_scheduler.ChainedScheduler(members).step()
            >>> optimizer.param_groups[0]["lr"]
            0.125
        """
        for each in self._schedulers:
            each.step()
        self._last_lr = values(self.optimizer, "lr")
