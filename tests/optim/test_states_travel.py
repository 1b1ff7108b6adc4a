"""Optimisers and schedules go on in the other library: their states, through files, and the same steps and rates afterwards."""

import io
import warnings

import numpy as np
import pytest
from tables import calls

import pullback

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

from optim.test_against_torch import OPTIMIZERS, SCHEDULES, gradients, made, rates, scheduled  # noqa: E402

pytestmark = pytest.mark.torch
BOTH = [(torch, pullback), (pullback, torch)]
MORE = calls("""
LBFGS(p, 0.1, max_iter=3) ; LBFGS(p, 0.5, max_iter=4, history_size=2, line_search_fn="strong_wolfe")
Adam(p, t(0.1), amsgrad=True, capturable=False)
Adagrad(p, 0.1, maximize=True) ; SGD(p, 0.1, momentum=0.9, foreach=True)
""")


def through_a_file(one, other, state, **options):
    file = io.BytesIO()
    one.save(state, file, **options)
    file.seek(0)
    return other.load(file, weights_only=True)


def step(lib, p, optimizer, count):
    def loss():
        optimizer.zero_grad()
        return gradients(lib, p)

    for _ in range(count):
        optimizer.step(loss)
    return [each.detach().numpy().copy() for each in p]


def keys(state):
    if isinstance(state, dict):
        return {key: keys(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [keys(each) for each in state]
    return str(state.dtype).split(".")[1] if hasattr(state, "dtype") else type(state).__name__


def names(state):
    """Those of what is there: PyTorch puts None in the place of some states that are not."""
    return {key: {name for name, value in each.items() if value is not None} for key, each in state.items()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", [*calls(OPTIMIZERS), *MORE])
@pytest.mark.parametrize("one, other", BOTH, ids=["to ours", "to PyTorch's"])
def test_optimisers_go_on(call, one, other):
    p, optimizer = made(one, call)
    step(one, p, optimizer, 4)
    ways = []
    for options in ({}, {"_use_new_zipfile_serialization": False} if one is torch else {}):
        q, second = made(other, call)
        found = through_a_file(
            one, other, {"o": optimizer.state_dict(), "p": [x.detach() for x in p]}, **options
        )
        with other.no_grad():
            for x, value in zip(q, found["p"], strict=True):
                x.copy_(value)
        second.load_state_dict(found["o"])
        mine, theirs = second.state_dict(), optimizer.state_dict()
        assert keys(mine["param_groups"]) == keys(theirs["param_groups"])
        assert names(mine["state"]) == names(theirs["state"])
        ways.append((q, second))
    expected = step(one, p, optimizer, 3)
    for q, second in ways:
        for a, b in zip(step(other, q, second, 3), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


def test_muon_goes_on():
    """In bfloat16, so that steps agree to about 1 in 100."""
    for one, other in BOTH:
        moved = []
        p = one.nn.Parameter(one.arange(6.0).reshape(2, 3))
        first = one.optim.Muon([p], 0.1)
        p.grad = one.arange(6.0).reshape(2, 3).cos()
        first.step()
        q = other.nn.Parameter(other.tensor(p.detach().numpy()))
        second = other.optim.Muon([q], 0.1)
        second.load_state_dict(through_a_file(one, other, first.state_dict()))
        for lib, w, optimizer in ((one, p, first), (other, q, second)):
            before = w.detach().numpy().copy()
            w.grad = lib.arange(6.0).reshape(2, 3).sin()
            optimizer.step()
            moved.append(w.detach().numpy() - before)
        np.testing.assert_allclose(moved[1], moved[0], atol=0.04 * np.abs(moved[0]).max())


EVERY = [*calls(SCHEDULES), "SWALR(o, 0.05, 5)", "SWALR(o, [0.05, 0.2], 0, 'linear')"]


@pytest.mark.parametrize("momentum", [True, False], ids=["momentum", "betas"])
@pytest.mark.parametrize("call", EVERY)
@pytest.mark.parametrize("one, other", BOTH, ids=["to ours", "to PyTorch's"])
def test_schedules_go_on(call, momentum, one, other):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimizer, schedule = scheduled(one, call, momentum)
        rates(optimizer, schedule, 5)
        state = schedule.state_dict()
        later, resumed = scheduled(other, call, momentum)
        assert keys(resumed.state_dict()).keys() == keys(state).keys()
        found = through_a_file(one, other, {"s": state, "o": optimizer.state_dict()})
        resumed.load_state_dict(found["s"])
        later.load_state_dict(found["o"])
        assert keys(resumed.state_dict()) == keys(state)
        np.testing.assert_allclose(rates(later, resumed, 12), rates(optimizer, schedule, 12), rtol=1e-12)


@pytest.mark.parametrize("one, other", BOTH, ids=["to ours", "to PyTorch's"])
@pytest.mark.parametrize("options", [{}, {"mode": "max", "cooldown": 1, "min_lr": [0.02, 0.1]}])
def test_plateaus_go_on(options, one, other):
    def run(lib, losses, schedule, optimizer):
        found = []
        for loss in losses:
            schedule.step(lib.tensor(loss))
            found.append([group["lr"] for group in optimizer.param_groups])
        return found

    def fresh(lib):
        optimizer, _ = scheduled(lib, "StepLR(o, 100)")
        return lib.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=0.5, patience=1, **options
        ), optimizer

    first, second = fresh(one), fresh(other)
    run(one, [1.0, 0.9, 0.9, 0.9, 0.91], *first)
    found = through_a_file(one, other, {"s": first[0].state_dict(), "o": first[1].state_dict()})
    second[0].load_state_dict(found["s"])
    second[1].load_state_dict(found["o"])
    assert keys(second[0].state_dict()) == keys(first[0].state_dict())
    rest = [0.6, 0.6, 0.6, 0.6, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert run(other, rest, *second) == run(one, rest, *first)


def test_asking_for_a_rate_between_steps_warns():
    said = []
    for lib in (torch, pullback):
        _, schedule = scheduled(lib, "CosineAnnealingLR(o, 4)")
        with pytest.warns(UserWarning) as caught:
            schedule.get_lr()
        said.append([str(each.message) for each in caught])
    assert said[0] == said[1] and "get_last_lr" in said[0][0]


def test_a_plateau_meets_a_group_that_came_later():
    for options in ({}, {"min_lr": [0.1, 0.1]}):
        found = []
        for lib in (torch, pullback):
            optimizer, _ = scheduled(lib, "StepLR(o, 100)")
            schedule = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, **options)
            optimizer.add_param_group({"params": [lib.nn.Parameter(lib.ones(1))], "lr": 0.3})
            try:
                for loss in (1.0, 1.0, 1.0):
                    schedule.step(loss)
                found.append([group["lr"] for group in optimizer.param_groups])
            except RuntimeError as error:
                found.append(str(error))
        assert found[0] == found[1]
