"""A step of an optimiser over other parameters and another state than its own, which it has again afterwards."""

import contextlib
from collections import defaultdict

__all__ = ["swap_in_optimizer_params_and_state"]

_NAME = "swap_in_optimizer_params_and_state"


def _checked(optimizer, parameters, given):
    """The groups of a state dict with the parameters that they stand for."""
    if not optimizer.state:
        raise RuntimeError(f"{_NAME} requires initialized optimizer state.")
    if not isinstance(given, dict):
        raise RuntimeError(f"{_NAME} requires a DCP-style optimizer state_dict.")
    state, groups = given.get("state"), given.get("param_groups")
    if not isinstance(state, dict):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be a dict mapping packed parameter ids to per-param state "
            f"dicts, got {type(state).__name__}."
        )
    if not isinstance(groups, list):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['param_groups'] to be a list of param-group dicts, got "
            f"{type(groups).__name__}."
        )
    if len(groups) != len(optimizer.param_groups):
        raise RuntimeError(
            "swapin_optim_state has a different number of parameter groups than the live optimizer."
        )
    ids, left, found = set(), iter(parameters.values()), []
    for index, (live, group) in enumerate(zip(optimizer.param_groups, groups)):
        if not isinstance(group, dict):
            raise RuntimeError(f"{_NAME} requires each optimizer param group to be a dictionary.")
        numbers = group.get("params")
        if not isinstance(numbers, list) or not all(isinstance(each, int) for each in numbers):
            raise RuntimeError(
                f"{_NAME} requires optimizer.state_dict()-style param_groups[*]['params'] entries keyed by packed parameter "
                "ids."
            )
        if len(numbers) != len(live["params"]):
            raise RuntimeError(
                f"swapin_optim_state param group {index} has a different number of params than the live optimizer "
                "param group."
            )
        if group.keys() != live.keys():
            raise RuntimeError(
                f"{_NAME} requires optimizer.state_dict()-style param group keys to exactly match the live optimizer group "
                f"keys for group {index}. Keys only in swap-in: {[each for each in group if each not in live]}. Keys only in "
                f"live: {[each for each in live if each not in group]}."
            )
        ids.update(numbers)
        found.append((group, [each for each, _ in zip(left, numbers)]))
    if len(parameters) != sum(len(group["params"]) for group in groups):
        raise RuntimeError(
            f"{_NAME} requires the explicit parameter state to match optimizer.param_groups ordering. There are "
            f"{len(parameters)} tensors for {sum(len(group['params']) for group in groups)} parameters."
        )
    if extra := [each for each in state if each not in ids]:
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be keyed only by packed parameter ids from "
            f"param_groups[*]['params']; got extra keys {extra!r}."
        )
    return state, found


@contextlib.contextmanager
def swap_in_optimizer_params_and_state(optimizer, swapin_parameters, swapin_optim_state):
    """While it lasts, `optimizer` has these parameters, options and state; afterwards its own again.

    Args:
        optimizer: whose step is to act on other tensors.
        swapin_parameters: name -> tensor, in the order of its parameters.
        swapin_optim_state: as `state_dict` gives it. Tensors in it that a step writes in place are changed; what is
            put in their place, or beside them, is forgotten.

    Raises RuntimeError for groups or parameters of another number, for a state that is none, and for an optimiser that has
    not made a step yet.

    Example:
        >>> w, other = pb.nn.Parameter(pb.zeros(1)), pb.nn.Parameter(pb.tensor([4.0]))
        >>> optimizer = pb.optim.SGD([w], lr=0.5, momentum=0.5)
        >>> w.grad, other.grad = pb.zeros(1), pb.tensor([2.0])
        >>> optimizer.step()
        >>> with pb.optim.swap_in_optimizer_params_and_state(optimizer, {"w": other}, optimizer.state_dict()):
        ...     optimizer.step()
        >>> other.detach(), w.detach()
        (tensor([3.]), tensor([0.]))
    """
    state, groups = _checked(optimizer, swapin_parameters, swapin_optim_state)
    own, kept = optimizer.state, [dict(group) for group in optimizer.param_groups]
    try:
        optimizer.state = defaultdict(dict)
        for live, (group, parameters) in zip(optimizer.param_groups, groups):
            live.update(group, params=parameters)
            for parameter, number in zip(parameters, group["params"]):
                optimizer.state[parameter] = dict(state.get(number, {}))
        yield
    finally:
        for live, before in zip(optimizer.param_groups, kept):
            live.clear()
            live.update(before)
        optimizer.state = own
