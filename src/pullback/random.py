"""The default generator of random numbers: seeds, states, and blocks of code whose draws leave no trace."""

from contextlib import contextmanager

from .messages.missing import missing
from .operators.generators import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]


@contextmanager
def fork_rng(devices=None, enabled=True, *, device_type="cpu"):
    """A context, or a decorator, after which the default generator is where it was before.

    Where `enabled` is false it does nothing. `devices` and `device_type` name accelerators, of which there are none.

    Raises RuntimeError for a `device_type` other than "cpu", and for `devices`.

    Example:
        >>> generator = pb.manual_seed(0)
        >>> with pb.random.fork_rng():
        ...     inside = pb.rand(2)
        >>> pb.equal(pb.rand(2), inside)
        True
    """
    if devices or str(device_type) != "cpu":
        raise RuntimeError(
            f"fork_rng: pullback has no generators of {device_type} devices {list(devices or ())}. Leave `devices` and "
            "`device_type` out: what is drawn on the CPU is forked always."
        )
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)


def __getattr__(name):
    raise missing(__name__, name)
