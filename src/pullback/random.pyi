from contextlib import _GeneratorContextManager
from typing import Any

from pullback import Generator as Generator
from pullback import default_generator as default_generator
from pullback import get_rng_state as get_rng_state
from pullback import initial_seed as initial_seed
from pullback import manual_seed as manual_seed
from pullback import seed as seed
from pullback import set_rng_state as set_rng_state

def fork_rng(
    devices: Any = ..., enabled: bool = ..., *, device_type: Any = ...
) -> _GeneratorContextManager[None]: ...
