"""Schedules that go up and down: half cosines, triangles, one cycle; momenta go the other way."""

import math

from .base import LRScheduler, check_optimizer, of_groups, put


def _half_cosine(part):
    return (1 + math.cos(math.pi * part)) / 2


class CosineAnnealingLR(LRScheduler):
    """From the first rate to `eta_min` along half a cosine of `T_max` epochs, and back (arXiv:1608.03983).

    Example:
        >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
        >>> schedule = pb.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
        >>> optimizer.step()
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self._check_within_step()
        if self._is_initial:
            return self._as_they_are()
        if self._step_count == 1 and self.last_epoch > 0:
            return self._get_closed_form_lr()
        groups, least = self.optimizer.param_groups, self.eta_min
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [
                group["lr"] + (base - least) * rise for base, group in zip(self.base_lrs, groups, strict=True)
            ]
        ratio = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / (
            1 + math.cos(math.pi * (self.last_epoch - 1) / self.T_max)
        )
        return [ratio * (group["lr"] - least) + least for group in groups]

    def _get_closed_form_lr(self):
        part = _half_cosine(self.last_epoch / self.T_max)
        return [self.eta_min + (base - self.eta_min) * part for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half cosines one after another, of `T_0` epochs, each `T_mult` times as long as that before it (arXiv:1608.03983).

    `step` takes parts of epochs. Raises ValueError for lengths that are not positive.

    Example:
        >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
        >>> schedule = pb.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates += schedule.get_last_lr()
        ...     schedule.step()
        >>> rates
        [1.0, 0.5, 1.0, 0.5]
    """

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0, self.T_i, self.T_mult, self.eta_min, self.T_cur = T_0, T_0, T_mult, eta_min, last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self._check_within_step()
        part = _half_cosine(self.T_cur / self.T_i)
        return [self.eta_min + (base - self.eta_min) * part for base in self.base_lrs]

    def step(self, epoch=None):
        """Go on to the next epoch, or to `epoch`, which may be a fraction.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0)
            >>> schedule = pb.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=1)
            >>> schedule.step(0.5)
            >>> schedule.get_last_lr()
            [0.5]
        """
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            self._go_to(epoch)
        self.last_epoch = math.floor(epoch)
        self._take(self._asked())

    def _go_to(self, epoch):
        if epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n


class _Momentum(LRScheduler):
    """Schedules that move momenta, or the first of betas, against the rates."""

    def _begin_momentum(self, optimizer, base_momentum, max_momentum, last_epoch):
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in optimizer.defaults
        base = of_groups("base_momentum", optimizer, base_momentum)
        top = of_groups("max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            for high, low, group in zip(top, base, optimizer.param_groups, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low
        return base, top

    def _set_momentum(self, group, value):
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(_Momentum):
    """Up and down between `base_lr` and `max_lr`, in steps, which are batches (arXiv:1506.01186).

    `mode` "triangular2" halves the height at every cycle, "exp_range" multiplies it by `gamma` at every step; or `scale_fn`,
    a function of the cycle or of the step (`scale_mode` "cycle" or "iterations"), says it. Momenta go the other way.

    Example:
        >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0, momentum=0.9)
        >>> schedule = pb.optim.lr_scheduler.CyclicLR(optimizer, 0.0, 1.0, step_size_up=2)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates += schedule.get_last_lr()
        ...     optimizer.step()
        ...     schedule.step()
        >>> rates
        [0.0, 0.5, 1.0, 0.5]
    """

    def __init__(
        self,
        optimizer,
        base_lr,
        max_lr,
        step_size_up=2000,
        step_size_down=None,
        mode="triangular",
        gamma=1.0,
        scale_fn=None,
        scale_mode="cycle",
        cycle_momentum=True,
        base_momentum=0.8,
        max_momentum=0.9,
        last_epoch=-1,
    ):
        self.optimizer = check_optimizer(optimizer)
        bases = of_groups("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for rate, group in zip(bases, optimizer.param_groups, strict=True):
                put(group, "lr", rate)
        self.max_lrs = of_groups("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        down = float(step_size_down) if step_size_down is not None else up
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = (
            scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        )
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._begin_momentum(
                optimizer, base_momentum, max_momentum, last_epoch
            )
        super().__init__(optimizer, last_epoch)
        self.base_lrs = bases

    def state_dict(self):
        """All that the schedule knows but its optimiser, and of a `scale_fn` that is an object what it holds.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0, momentum=0.5)
            >>> schedule = pb.optim.lr_scheduler.CyclicLR(optimizer, 0.1, 1.0, scale_fn=lambda x: 0.5)
            >>> print(schedule.state_dict()["_scale_fn_custom"])
            None
        """
        state = super().state_dict()
        function = state["_scale_fn_custom"]
        plain = function is None or hasattr(function, "__code__")
        return {**state, "_scale_fn_custom": None if plain else dict(function.__dict__)}

    def load_state_dict(self, state_dict):
        """Take what `state_dict` gave.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0, momentum=0.5)
            >>> a, b = [pb.optim.lr_scheduler.CyclicLR(optimizer, 0.1, 1.0, up) for up in (3, 5)]
            >>> a.load_state_dict(b.state_dict())
            >>> a.total_size
            10.0
        """
        state = dict(state_dict)
        held = state.pop("_scale_fn_custom")
        if held is not None:
            self._scale_fn_custom.__dict__.update(held)
        super().load_state_dict(state)

    def scale_fn(self, x):
        """The height of a cycle, as a part of the first one's.

        Example:
            >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0, momentum=0.9)
            >>> schedule = pb.optim.lr_scheduler.CyclicLR(optimizer, 0.0, 1.0, mode="triangular2")
            >>> [schedule.scale_fn(cycle) for cycle in (1, 2, 3)]
            [1.0, 0.5, 0.25]
        """
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / (2.0 ** (x - 1)) if self.mode == "triangular2" else self.gamma**x

    def get_lr(self):
        self._check_within_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        part = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            pairs = zip(self.base_momentums, self.max_momentums, self.optimizer.param_groups, strict=True)
            for low, high, group in pairs:
                self._set_momentum(group, high - (high - low) * part * height)
        return [
            base + (top - base) * part * height for base, top in zip(self.base_lrs, self.max_lrs, strict=True)
        ]


# What a phase of one cycle is, by PyTorch's names.
_PHASE = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")


class OneCycleLR(_Momentum):
    """From max_lr / div_factor up to `max_lr`, then down to a `final_div_factor`th of the first (arXiv:1708.07120).

    Steps are batches: `total_steps`, or `epochs` times `steps_per_epoch`. With `three_phase` the rate goes down as it went up,
    and then to the end. Momenta go the other way.
    Raises ValueError for numbers that are not positive, and for more steps than were said.

    Example:
        >>> optimizer = pb.optim.SGD([pb.nn.Parameter(pb.zeros(1))], lr=1.0, momentum=0.9)
        >>> schedule = pb.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=10, div_factor=4.0)
        >>> schedule.get_last_lr()
        [0.25]
    """

    def __init__(
        self,
        optimizer,
        max_lr,
        total_steps=None,
        epochs=None,
        steps_per_epoch=None,
        pct_start=0.3,
        anneal_strategy="cos",
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
        div_factor=25.0,
        final_div_factor=1e4,
        three_phase=False,
        last_epoch=-1,
    ):
        self.optimizer = check_optimizer(optimizer)
        if total_steps is not None:
            self.total_steps = _positive("total_steps", total_steps)
        elif epochs is not None and steps_per_epoch is not None:
            self.total_steps = _positive("epochs", epochs) * _positive("steps_per_epoch", steps_per_epoch)
        else:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        # (last step, rate before, rate after, momentum before, momentum after)
        up = (
            float(pct_start * self.total_steps) - 1,
            "initial_lr",
            "max_lr",
            "max_momentum",
            "base_momentum",
        )
        last = self.total_steps - 1
        if three_phase:
            back = (
                float(2 * pct_start * self.total_steps) - 2,
                "max_lr",
                "initial_lr",
                "base_momentum",
                "max_momentum",
            )
            end = (last, "initial_lr", "min_lr", "max_momentum", "max_momentum")
            phases = [up, back, end]
        else:
            phases = [up, (last, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        self._schedule_phases = [dict(zip(_PHASE, each, strict=True)) for each in phases]
        self._anneal_func_type = anneal_strategy
        if last_epoch == -1:
            for top, group in zip(
                of_groups("max_lr", optimizer, max_lr), optimizer.param_groups, strict=True
            ):
                group["initial_lr"], group["max_lr"] = top / div_factor, top
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _between(self, start, end, part):
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)
        return (end - start) * part + start

    def get_lr(self):
        self._check_within_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is {self.total_steps}"
            )
        phases = self._schedule_phases
        which = next((k for k, phase in enumerate(phases) if step <= phase["end_step"]), len(phases) - 1)
        end, before, after, calm, lively = (phases[which][name] for name in _PHASE)
        start = phases[which - 1]["end_step"] if which else 0.0
        part = (step - start) / (end - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[before], group[after], part))
            if self.cycle_momentum:
                self._set_momentum(group, self._between(group[calm], group[lively], part))
        return rates


def _positive(name, value):
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")
    return value
