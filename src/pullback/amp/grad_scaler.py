"""`GradScaler`: losses are multiplied, and gradients divided again, so that small ones survive few bits."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from .. import _core
from .._core import Tensor
from ..operators.creation import tensor

_UNSTEPPED, _UNSCALED, _STEPPED = range(3)


class GradScaler:
    """Scales losses before `backward`, and gradients back before an optimiser's step, which it leaves out where they
    overflowed.

    It is of use with half precision; with other dtypes it changes nothing but rounding. For CUDA, which is the default,
    it warns and is disabled, as in PyTorch without CUDA.

    Args:
        device: the kind of device that the losses are on; ``"cpu"`` scales.
        init_scale: the first factor.
        growth_factor: what the factor is multiplied with after `growth_interval` steps without overflow; more than 1.
        backoff_factor: what it is multiplied with after an overflow; less than 1.
        growth_interval: a number of steps.
        enabled: whether anything is done at all.

    Raises AssertionError for a factor on the wrong side of 1.

    Example:
        >>> w = pb.nn.Parameter(pb.ones(1))
        >>> optimizer = pb.optim.SGD([w], lr=0.1)
        >>> scaler = pb.amp.GradScaler("cpu", init_scale=4.0)
        >>> scaler.scale((w * w).sum()).backward()
        >>> w.grad
        tensor([8.])
        >>> scaler.step(optimizer)
        >>> scaler.update()
        >>> w.grad, w.detach()
        (tensor([2.]), tensor([0.8000]))
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        if enabled and device == "cuda":
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                stacklevel=2 + (type(self) is not GradScaler),
            )
            enabled = False
        self._enabled = enabled
        if enabled:
            assert growth_factor > 1.0, "The growth factor must be > 1.0."
            assert backoff_factor < 1.0, "The backoff factor must be < 1.0."
        self._scale: Tensor | None = None
        self._init_scale, self._growth, self._backoff = init_scale, growth_factor, backoff_factor
        self._interval, self._tracker = growth_interval, 0
        self._states: dict[
            int, list[Any]
        ] = {}  # of each optimiser: its stage, and whether it met an overflow

    def scale(self, outputs: Any) -> Any:
        """A tensor, or an iterable of tensors, times the factor. Raises ValueError for anything else.

        Example:
            >>> pb.amp.GradScaler("cpu", init_scale=2.0).scale(pb.ones(2))
            tensor([2., 2.])
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._factor().to(outputs.dtype)
        if isinstance(outputs, Iterable):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled  # type: ignore[call-arg]
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def _factor(self) -> Tensor:
        if self._scale is None:
            self._scale = tensor(self._init_scale, dtype=_core.float32)
        return self._scale

    def _known(self, what: str) -> Tensor:
        if self._scale is None:
            raise AssertionError(
                f"Attempted {what} but _scale is None.  This may indicate your script did not use scaler.scale(loss or "
                "outputs) earlier in the iteration."
            )
        return self._scale

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimiser's parameters by the factor, to clip them, say, before `step`.

        Raises RuntimeError where it has been done since the last `update`, or `step` has, and for gradients in float16.

        Example:
            >>> w = pb.nn.Parameter(pb.ones(1))
            >>> optimizer, scaler = pb.optim.SGD([w]), pb.amp.GradScaler("cpu", init_scale=4.0)
            >>> scaler.scale(w.sum()).backward()
            >>> scaler.unscale_(optimizer)
            >>> w.grad
            tensor([1.])
        """
        if not self._enabled:
            return
        scale, state = self._known("unscale_"), self._state(optimizer)
        if state[0] == _UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if state[0] == _STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        inverse = scale.double().reciprocal().float()
        gradients = [
            p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None
        ]
        for gradient in gradients:
            if gradient.dtype is _core.float16:
                raise ValueError("Attempting to unscale FP16 gradients.")
        if gradients:
            state[1] = not all(bool(gradient.isfinite().all()) for gradient in gradients)
        for gradient in gradients:
            gradient.detach().mul_(inverse.to(gradient.dtype))
        state[0] = _UNSCALED

    def _state(self, optimizer: Any) -> list[Any]:
        return self._states.setdefault(id(optimizer), [_UNSTEPPED, None])

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """The optimiser's step, with gradients divided by the factor; none where one of them is not finite.

        Arguments go on to the optimiser. Raises RuntimeError for a closure, for a second step before `update`, and
        AssertionError where no parameter has a gradient.

        Example:
            >>> w = pb.nn.Parameter(pb.ones(1))
            >>> optimizer, scaler = pb.optim.SGD([w], lr=0.5), pb.amp.GradScaler("cpu")
            >>> scaler.scale(w.sum() * float("inf")).backward()
            >>> scaler.step(optimizer)
            >>> w.detach()
            tensor([1.])
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._known("step")
        state = self._state(optimizer)
        if state[0] == _STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if state[0] == _UNSTEPPED:
            self.unscale_(optimizer)
        if state[1] is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = None if state[1] else optimizer.step(*args, **kwargs)
        state[0] = _STEPPED
        return result

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adjust the factor after the optimisers' steps, or set it to `new_scale`.

        Raises AssertionError where no step has been made.

        Example:
            >>> scaler = pb.amp.GradScaler("cpu")
            >>> loss = scaler.scale(pb.ones(1))
            >>> scaler.update(2.0)
            >>> scaler.get_scale()
            2.0
        """
        if not self._enabled:
            return
        scale = self._known("update")
        if new_scale is not None:
            self._scale = scale.fill_(float(new_scale))
        else:
            found = [state[1] for state in self._states.values() if state[1] is not None]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            if any(found):
                self._tracker = 0
                scale.mul_(self._backoff)
            else:
                self._tracker += 1
                if self._tracker == self._interval:
                    self._tracker = 0
                    larger = scale * self._growth
                    if bool(larger.isfinite()):
                        scale.copy_(larger)
        self._states = {}

    def get_scale(self) -> float:
        """The factor; 1.0 where nothing is scaled.

        Example:
            >>> pb.amp.GradScaler("cpu").get_scale()
            65536.0
        """
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else float(self._scale)

    def get_growth_factor(self) -> float:
        """What the factor grows by.

        Example:
            >>> pb.amp.GradScaler("cpu").get_growth_factor()
            2.0
        """
        return self._growth

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the factor grows by.

        Example:
            >>> pb.amp.GradScaler("cpu").set_growth_factor(4.0)
        """
        self._growth = new_factor

    def get_backoff_factor(self) -> float:
        """What the factor shrinks by.

        Example:
            >>> pb.amp.GradScaler("cpu").get_backoff_factor()
            0.5
        """
        return self._backoff

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the factor shrinks by.

        Example:
            >>> pb.amp.GradScaler("cpu").set_backoff_factor(0.25)
        """
        self._backoff = new_factor

    def get_growth_interval(self) -> int:
        """After how many steps without overflow the factor grows.

        Example:
            >>> pb.amp.GradScaler("cpu").get_growth_interval()
            2000
        """
        return self._interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many steps without overflow the factor grows.

        Example:
            >>> pb.amp.GradScaler("cpu").set_growth_interval(100)
        """
        self._interval = new_interval

    def is_enabled(self) -> bool:
        """Whether anything is scaled.

        Example:
            >>> pb.amp.GradScaler("cpu").is_enabled()
            True
        """
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The factor and how it changes; nothing where nothing is scaled.

        Example:
            >>> pb.amp.GradScaler("cpu").state_dict()["scale"]
            65536.0
        """
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth,
            "backoff_factor": self._backoff,
            "growth_interval": self._interval,
            "_growth_tracker": self._tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict` gave. Raises RuntimeError where that is nothing.

        Example:
            >>> scaler = pb.amp.GradScaler("cpu")
            >>> scaler.load_state_dict(pb.amp.GradScaler("cpu", init_scale=2.0).state_dict())
            >>> scaler.get_scale()
            2.0
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale = float(state_dict["scale"])
        if self._scale is not None:
            self._scale.fill_(self._init_scale)
        self._growth, self._backoff = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._interval, self._tracker = state_dict["growth_interval"], state_dict["_growth_tracker"]
