"""Optimisers and schedules beside PyTorch's: parameters after steps, state that travels both ways, rates of epochs."""

import copy
import warnings

import numpy as np
import pytest
from tables import calls

import pullback

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
pytestmark = pytest.mark.torch

OPTIMIZERS = """
SGD(p, 0.1) ; SGD(p, 0.1, momentum=0.9) ; SGD(p, 0.1, momentum=0.9, dampening=0.3, weight_decay=0.1)
SGD(p, 0.01, momentum=0.9, nesterov=True, maximize=True) ; SGD(p, lr=t(0.1)) ; Adam(p, 0.1)
Adam(p, 0.1, (0.5, 0.7), 0.1, 0.2) ; Adam(p, 0.1, amsgrad=True, maximize=True) ; AdamW(p, 0.1)
AdamW(p, 0.1, weight_decay=0.3, amsgrad=True, foreach=True) ; Adamax(p, 0.1) ; Adamax(p, 0.1, weight_decay=0.2)
NAdam(p, 0.1) ; NAdam(p, 0.1, weight_decay=0.2, decoupled_weight_decay=True) ; NAdam(p, 0.1, weight_decay=0.2)
RAdam(p, 0.1) ; RAdam(p, 0.1, (0.5, 0.7), weight_decay=0.1)
RAdam(p, 0.1, weight_decay=0.1, decoupled_weight_decay=True) ; RMSprop(p, 0.1)
RMSprop(p, 0.1, centered=True, momentum=0.5, weight_decay=0.1) ; Adagrad(p, 0.1)
Adagrad(p, 0.1, lr_decay=0.3, weight_decay=0.1, initial_accumulator_value=0.2) ; Adadelta(p, 1.0)
Adadelta(p, 0.5, 0.5, weight_decay=0.1) ; ASGD(p, 0.1) ; ASGD(p, 0.1, lambd=0.1, t0=3, weight_decay=0.1)
Rprop(p, 0.1) ; Rprop(p, 0.1, (0.3, 1.5), (0.05, 0.2)) ; Adafactor(p, 0.1)
Adafactor(p, 0.1, weight_decay=0.1, d=2.0)
SGD([{"params": p[:1], "lr": 0.5}, {"params": p[1:]}], 0.1, momentum=0.5)
Adam([("first", p[0]), ("second", p[1])], 0.1)
"""


def made(lib, call):
    rng = np.random.default_rng(0)
    p = [lib.nn.Parameter(lib.tensor(rng.standard_normal(shape))) for shape in ((2, 3), (3,))]
    return p, eval(call, {**vars(lib.optim), "p": p, "t": lib.tensor})


def gradients(lib, p):
    """Those of a bowl with a turn in it, whose signs change."""
    loss = ((p[0] @ p[1]).sin() ** 2).sum() + (p[0] ** 4).mean() + (p[1] - 0.3).abs().sum()
    loss.backward()
    return loss


def steps(lib, p, optimizer, count):
    for _ in range(count):
        optimizer.zero_grad()
        gradients(lib, p)
        optimizer.step()
    return [each.detach().numpy().copy() for each in p]


def numbers(state):
    """A state dict with NumPy's arrays for tensors."""
    if isinstance(state, dict):
        return {key: numbers(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [numbers(value) for value in state]
    return state.detach().numpy().copy() if hasattr(state, "detach") else state


def tensors(lib, state):
    if isinstance(state, dict):
        return {key: tensors(lib, value) for key, value in state.items()}
    if isinstance(state, list):
        return [tensors(lib, value) for value in state]
    return lib.tensor(state) if isinstance(state, np.ndarray) else state


@pytest.mark.parametrize("call", calls(OPTIMIZERS))
def test_steps_and_state(call):
    theirs, mine = made(torch, call), made(pullback, call)
    assert repr(mine[1]) == repr(theirs[1])
    for a, b in zip(steps(pullback, *mine, 12), steps(torch, *theirs, 12), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)
    state, expected = numbers(mine[1].state_dict()), numbers(theirs[1].state_dict())
    assert state["param_groups"] == expected["param_groups"]
    assert state["state"].keys() == expected["state"].keys()
    for key, values in expected["state"].items():
        values = {name: value for name, value in values.items() if value is not None}
        assert state["state"][key].keys() == values.keys()
        for name, value in values.items():
            np.testing.assert_allclose(state["state"][key][name], value, rtol=1e-5, atol=1e-8, err_msg=name)
    # Each goes on from the other's state.
    fresh = made(pullback, call)
    fresh[1].load_state_dict(tensors(pullback, expected))
    for a, b in zip(fresh[0], theirs[0], strict=True):
        a.data = pullback.tensor(b.detach().numpy())
    back = made(torch, call)
    back[1].load_state_dict(tensors(torch, state))
    for a, b in zip(back[0], mine[0], strict=True):
        a.data = torch.tensor(b.detach().numpy())
    truth = steps(torch, *theirs, 3)
    for a, b, c in zip(steps(pullback, *fresh, 3), steps(torch, *back, 3), truth, strict=True):
        np.testing.assert_allclose(a, c, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(b, c, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "call",
    calls(
        "Muon(p) ; Muon(p, 0.1, momentum=0.5, nesterov=False) ; Muon(p, 0.1, adjust_lr_fn='match_rms_adamw', weight_decay=0.3)"
    ),
)
@pytest.mark.parametrize("shape", [(2, 3), (4, 2)])
def test_muon(call, shape):
    """PyTorch's iteration is in bfloat16: updates agree to about 1 in 100."""

    def ran(lib):
        start = np.random.default_rng(0).standard_normal(shape)
        p = [lib.nn.Parameter(lib.tensor(start, dtype=lib.float32))]
        optimizer = eval(call, {"Muon": lib.optim.Muon, "p": p})
        for _ in range(4):
            optimizer.zero_grad()
            ((p[0] ** 4).mean() + p[0].sin().sum()).backward()
            optimizer.step()
        return p[0].detach().numpy() - start, repr(optimizer), numbers(optimizer.state_dict())

    (moved, shown, state), (expected, said, other) = ran(pullback), ran(torch)
    assert shown == said and state["param_groups"] == other["param_groups"]
    np.testing.assert_allclose(moved, expected, atol=0.04 * np.abs(expected).max())
    np.testing.assert_allclose(
        state["state"][0]["momentum_buffer"], other["state"][0]["momentum_buffer"], rtol=0.1, atol=0.02
    )


def test_what_muon_refuses():
    for arguments in ({"lr": -1}, {"momentum": -1}, {"weight_decay": -1}, {"adjust_lr_fn": "x"}):
        said = []
        for lib in (pullback, torch):
            with pytest.raises(ValueError) as caught:
                lib.optim.Muon([lib.nn.Parameter(lib.ones(2, 2))], **arguments)
            said.append(str(caught.value))
        assert said[0] == said[1]
    with pytest.raises(ValueError, match="Muon only supports 2D parameters"):
        pullback.optim.Muon([pullback.nn.Parameter(pullback.ones(2))])


@pytest.mark.parametrize(
    "options", [{}, {"lr": 0.1, "max_iter": 5}, {"line_search_fn": "strong_wolfe"}, {"history_size": 2}]
)
def test_lbfgs(options):
    def minimised(lib):
        p = lib.nn.Parameter(lib.tensor([-1.2, 1.0, 0.5], dtype=lib.float64))
        optimizer = lib.optim.LBFGS([p], **options)
        losses = []

        def closure():
            optimizer.zero_grad()
            loss = (10 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2).sum()
            loss.backward()
            return loss

        losses = [optimizer.step(closure).item() for _ in range(4)]
        return np.array([*losses, *p.tolist()])

    np.testing.assert_allclose(minimised(pullback), minimised(torch), rtol=1e-6, atol=1e-9)


SCHEDULES = """
LambdaLR(o, lambda e: 0.9**e) ; LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (e + 1)])
MultiplicativeLR(o, lambda e: 0.8) ; StepLR(o, 3) ; StepLR(o, 2, gamma=0.5) ; MultiStepLR(o, [2, 5, 5])
ConstantLR(o) ; ConstantLR(o, 0.5, 3) ; LinearLR(o) ; LinearLR(o, 0.2, 0.7, 4) ; ExponentialLR(o, 0.8)
PolynomialLR(o, 6, 2.0) ; CosineAnnealingLR(o, 4) ; CosineAnnealingLR(o, 7, 0.01)
CosineAnnealingWarmRestarts(o, 3) ; CosineAnnealingWarmRestarts(o, 2, 2, 0.01) ; CyclicLR(o, 0.01, 0.1, 3)
CyclicLR(o, 0.01, [0.1, 0.2], 2, 4, "triangular2") ; CyclicLR(o, 0.01, 0.1, 3, mode="exp_range", gamma=0.9)
CyclicLR(o, 0.01, 0.1, 3, scale_fn=lambda x: 0.7**x, scale_mode="iterations", cycle_momentum=False)
OneCycleLR(o, 0.1, 20)
OneCycleLR(o, [0.1, 0.3], epochs=4, steps_per_epoch=5, pct_start=0.4, anneal_strategy="linear")
OneCycleLR(o, 0.1, 20, three_phase=True, base_momentum=0.7, div_factor=5.0)
SequentialLR(o, [ConstantLR(o, 0.1, 3), ExponentialLR(o, 0.9)], [4])
SequentialLR(o, [LinearLR(o), StepLR(o, 2), CosineAnnealingLR(o, 3)], [3, 8])
ChainedScheduler([ConstantLR(o, 0.1, 3), ExponentialLR(o, 0.9)])
"""


def scheduled(lib, call, momentum=True):
    p = [lib.nn.Parameter(lib.zeros(1)) for _ in range(2)]
    groups = [{"params": p[:1]}, {"params": p[1:], "lr": 0.5}]
    optimizer = lib.optim.SGD(groups, lr=0.1, momentum=0.9) if momentum else lib.optim.Adam(groups, lr=0.1)
    return optimizer, eval(
        call, {**vars(lib.optim.lr_scheduler), **vars(lib.optim.swa_utils), "o": optimizer}
    )


def rates(optimizer, schedule, count):
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(count):
            found.append([g["lr"] for g in optimizer.param_groups] + schedule.get_last_lr())
            found[-1] += [g["momentum"] if "momentum" in g else g["betas"][0] for g in optimizer.param_groups]
            optimizer.step()
            schedule.step()
    return np.array(found)


@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.parametrize("momentum", [True, False], ids=["momentum", "betas"])
@pytest.mark.parametrize(
    "call", [*calls(SCHEDULES), "SWALR(o, 0.05, 5)", "SWALR(o, [0.05, 0.2], 0, 'linear')"]
)
def test_rates_of_epochs(call, momentum):
    expected, found = [rates(*scheduled(lib, call, momentum), 20) for lib in (torch, pullback)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    optimizer, schedule = scheduled(pullback, call, momentum)
    rates(optimizer, schedule, 7)
    saved = copy.deepcopy(schedule.state_dict()), copy.deepcopy(optimizer.state_dict())
    later, resumed = scheduled(pullback, call, momentum)
    resumed.load_state_dict(saved[0])
    later.load_state_dict(saved[1])
    np.testing.assert_allclose(rates(later, resumed, 10), expected[7:17], rtol=1e-12)


@pytest.mark.parametrize(
    "options", [{}, {"mode": "max", "threshold_mode": "abs"}, {"cooldown": 2, "min_lr": [0.02, 0.1]}]
)
def test_reduce_on_plateau(options):
    losses = [1.0, 0.9, 0.9, 0.9, 0.91, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.1, 0.2, 0.3]
    found = []
    for lib in (torch, pullback):
        optimizer, _ = scheduled(lib, "StepLR(o, 100)")
        schedule = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, **options)
        found.append([])
        for loss in losses:
            schedule.step(loss)
            found[-1].append([g["lr"] for g in optimizer.param_groups])
    np.testing.assert_allclose(found[1], found[0])


ERRORS = """
SGD(p, -1.0) ; SGD(p, 0.1, momentum=-1) ; SGD(p, 0.1, nesterov=True) ; SGD([], 0.1) ; SGD(p[0], 0.1)
SGD(p, 0.1, weight_decay=-1) ; Adam(p, -1.0) ; Adam(p, 0.1, (1.0, 0.5)) ; Adam(p, 0.1, (0.5, -0.5))
Adam(p, 0.1, eps=-1) ; SGD([p[0] * 2], 0.1) ; SGD([1.0], 0.1) ; SGD([{"params": p}, {"params": p[:1]}], 0.1)
SGD([{"params": set(p)}], 0.1) ; Adadelta(p, rho=2) ; Rprop(p, etas=(2.0, 3.0))
LBFGS([{"params": p[:1]}, {"params": p[1:]}]) ; Adagrad(p, 0.1, lr_decay=-1) ; RMSprop(p, alpha=-1)
NAdam(p, momentum_decay=-1) ; lr_scheduler.StepLR(1, 2) ; lr_scheduler.ConstantLR(SGD(p, 0.1), 2.0)
lr_scheduler.LinearLR(SGD(p, 0.1), 0.0) ; lr_scheduler.LambdaLR(SGD(p, 0.1), [abs, abs])
lr_scheduler.OneCycleLR(SGD(p, 0.1), 0.1) ; lr_scheduler.CyclicLR(SGD(p, 0.1), 0.1, [0.2, 0.3])
lr_scheduler.SequentialLR(SGD(p, 0.1), [], []) ; lr_scheduler.CosineAnnealingWarmRestarts(SGD(p, 0.1), 0)
swa_utils.get_ema_avg_fn(2) ; lr_scheduler.ReduceLROnPlateau(SGD(p, 0.1), mode="foo")
lr_scheduler.ReduceLROnPlateau(SGD(p, 0.1), factor=1.0)
"""


@pytest.mark.parametrize("call", calls(ERRORS))
def test_errors(call):
    raised = []
    for lib in (torch, pullback):
        with pytest.raises(Exception) as info:
            made(lib, call)
        raised.append(info.value)
    assert type(raised[1]) is type(raised[0])
    first = str(raised[0]).split("\n")[0].split(". ")[0].replace("torch.", "")
    assert first in str(raised[1]).replace("torch.", "").replace("pullback.", "")


def test_a_step_over_other_parameters():
    """While they are swapped in, a step changes them and what is given as their state; nothing is left of it."""

    def ran(lib):
        p, optimizer = made(lib, "Adam(p, 0.1)")
        steps(lib, p, optimizer, 2)
        others = [lib.nn.Parameter(each.detach() + 1) for each in p]
        state = copy.deepcopy(optimizer.state_dict())
        state["param_groups"][0]["lr"] = 0.5
        with lib.optim.swap_in_optimizer_params_and_state(optimizer, dict(zip("ab", others)), state):
            found = steps(lib, others, optimizer, 2)
        found += [each.numpy() for entry in state["state"].values() for each in entry.values()]
        return found + steps(lib, p, optimizer, 1), optimizer.param_groups[0]["lr"]

    (mine, rate), (theirs, other) = ran(pullback), ran(torch)
    assert rate == other == 0.1
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda o, p, s: (o, p[:1], s),
        lambda o, p, s: (o, p, {"state": 1, "param_groups": s["param_groups"]}),
        lambda o, p, s: (o, p, {"state": s["state"], "param_groups": 1}),
        lambda o, p, s: (o, p, {"state": s["state"], "param_groups": []}),
        lambda o, p, s: (o, p, {"state": s["state"], "param_groups": [1]}),
        lambda o, p, s: (o, p, {"state": s["state"], "param_groups": [{"params": [0, 1]}]}),
        lambda o, p, s: (o, p, {"state": s["state"], "param_groups": [{"params": p}]}),
        lambda o, p, s: (o, p, {"state": s["state"], "param_groups": [{"params": [0]}]}),
        lambda o, p, s: (o, p, {**s, "state": {5: {}}}),
        lambda o, p, s: (o, p, 1),
        lambda o, p, s: (type(o)(p), p, s),
    ],
)
def test_wrong_states_to_swap_in(wrong):
    said = []
    for lib in (torch, pullback):
        p, optimizer = made(lib, "Adam(p, 0.1)")
        steps(lib, p, optimizer, 1)
        optimizer, p, state = wrong(optimizer, p, optimizer.state_dict())
        with pytest.raises(RuntimeError) as caught:
            with lib.optim.swap_in_optimizer_params_and_state(optimizer, dict(enumerate(p)), state):
                pass
        said.append(str(caught.value).split(". ")[0].rstrip("."))
    assert said[0] == said[1]
