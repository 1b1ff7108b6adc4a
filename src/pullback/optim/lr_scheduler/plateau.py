"""A schedule that watches a number, such as the loss."""

import math
import warnings

from .base import EPOCH, LRScheduler, check_optimizer, of_groups, put, values


class ReduceLROnPlateau(LRScheduler):
    """The rate times `factor` when a number, which `step` is given, has not become better for more than `patience` epochs.

    Better is less by `threshold`, relative or absolute (`threshold_mode`), or more (`mode` "max"). For `cooldown` epochs after
    that nothing is counted; a rate is not below `min_lr`, and not changed by less than `eps`.
    Raises ValueError for a factor that is not below 1 and for unknown modes.

    Example:
        >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
        >>> schedule = pb.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
        >>> for loss in (1.0, 1.0, 1.0):
        ...     schedule.step(loss)
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer,
        mode="min",
        factor=0.1,
        patience=10,
        threshold=1e-4,
        threshold_mode="rel",
        cooldown=0,
        min_lr=0,
        eps=1e-8,
    ):
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        self.optimizer = check_optimizer(optimizer)
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != len(optimizer.param_groups):
            raise ValueError(f"expected {len(optimizer.param_groups)} min_lrs, got {len(min_lr)}")
        if mode not in ("min", "max"):
            raise ValueError("mode " + mode + " is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError("threshold mode " + threshold_mode + " is unknown!")
        self.factor, self.patience, self.cooldown, self.eps = factor, patience, cooldown, eps
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = of_groups("min_lr", optimizer, min_lr)
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.last_epoch = 0
        self._last_lr = values(optimizer, "lr")
        self._reset()

    def _reset(self):
        self.best, self.cooldown_counter, self.num_bad_epochs = self.mode_worse, 0, 0

    @property
    def in_cooldown(self):
        """Whether bad epochs are not counted now.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
            >>> schedule = pb.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, cooldown=2)
            >>> for loss in (1.0, 1.0):
            ...     schedule.step(loss)
            >>> schedule.in_cooldown
            True
        """
        return self.cooldown_counter > 0

    def _is_better(self, value, best):
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * value > sign * best * (1.0 + sign * self.threshold)
        return sign * value > sign * best + self.threshold

    def step(self, metrics, epoch=None):
        """Go on to the next epoch, of which `metrics` is the number to watch.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
            >>> schedule = pb.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
            >>> for loss in (3.0, 2.0, 2.0):
            ...     schedule.step(loss)
            >>> schedule.get_last_lr()
            [0.5]
        """
        value = float(metrics)
        if epoch is not None:
            warnings.warn(EPOCH, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(value, self.best):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr(self.last_epoch)
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = values(self.optimizer, "lr")

    def _reduce_lr(self, epoch):
        if len(self.min_lrs) != len(self.optimizer.param_groups):  # some came later
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(self.optimizer.param_groups)}) differs from when "
                    "`ReduceLROnPlateau` was initialized "
                    f"({len(self.min_lrs)}), usually due to a new param group being added to the optimizer. Please modify the "
                    "`min_lrs` field to match the length of the `optimizer` param groups."
                )
            self.min_lrs = [self.default_min_lr] * len(self.optimizer.param_groups)
        for least, group in zip(self.min_lrs, self.optimizer.param_groups, strict=True):
            before = float(group["lr"])
            after = max(before * self.factor, least)
            if before - after > self.eps:
                put(group, "lr", after)
