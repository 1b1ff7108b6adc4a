"""Programs around optimisers beside PyTorch's: groups, hooks of every kind, averages of weights, schedules of one's own."""

from importlib import import_module

import pytest
from beside import same

pytestmark = pytest.mark.torch
pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")


def parameters(m):
    return [m.nn.Parameter(m.arange(3.0)), m.nn.Parameter(m.ones(2))]


def fall(optimizer, w):
    optimizer.zero_grad()
    sum(each.pow(2).sum() for each in w).backward()
    optimizer.step()


def groups(m):
    w = parameters(m)
    optimizer = m.optim.Adam([w[0]], lr=0.5)
    optimizer.add_param_group({"params": w[1], "lr": 0.1, "name": "other"})
    fall(optimizer, w)
    return (
        w,
        [sorted(map(str, group)) for group in optimizer.param_groups],
        optimizer.state_dict()["param_groups"][1]["params"],
    )


def hooks(m):
    seen, w = [], parameters(m)

    class Own(m.optim.SGD):
        pass

    optimizer = Own(w, lr=0.5, momentum=0.1)
    optimizer.register_step_pre_hook(
        lambda o, args, kwargs: seen.append(("before", type(o).__name__, args[1:], kwargs))
    )
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("after"))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("state"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, state: seen.append(sorted(state)))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"), prepend=True)
    everywhere = import_module(m.optim.__name__ + ".optimizer")
    handles = [
        everywhere.register_optimizer_step_pre_hook(lambda *_: seen.append("all before")),
        everywhere.register_optimizer_step_post_hook(lambda *_: seen.append("all after")),
    ]
    fall(optimizer, w)
    for handle in handles:
        handle.remove()
    optimizer.load_state_dict(optimizer.state_dict())
    fall(optimizer, w)
    return seen, w


def steps_of_ones_own(m):
    seen = []

    class Own(m.optim.Optimizer):
        def step(self, closure=None):
            seen.append("step")

    optimizer = Own([m.nn.Parameter(m.zeros(1))], {"lr": 1})
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    optimizer.step()
    m.optim.Optimizer.profile_hook_step(lambda self: seen.append("other"))(optimizer)
    return seen, optimizer


def averages(m):
    swa, w = m.optim.swa_utils, m.nn.Sequential(m.nn.Linear(2, 3), m.nn.BatchNorm1d(3))
    kinds = [
        swa.AveragedModel(w),
        swa.AveragedModel(w, use_buffers=True, avg_fn=swa.get_ema_avg_fn(0.9)),
        swa.AveragedModel(w, multi_avg_fn=swa.get_ema_multi_avg_fn(0.8), use_buffers=True),
        swa.AveragedModel(w, avg_fn=swa.get_swa_avg_fn()),
        swa.AveragedModel(w, multi_avg_fn=swa.get_swa_multi_avg_fn()),
        swa.AveragedModel(w, avg_fn=lambda average, new, count: average + (new - average) / (count + 2)),
    ]
    optimizer = m.optim.SGD(w.parameters(), lr=0.5)
    schedule = swa.SWALR(optimizer, 0.05, anneal_epochs=3)
    x = m.arange(8.0).reshape(4, 2).sin()
    for _ in range(4):
        optimizer.zero_grad()
        (w(x) - 1).square().mean().backward()
        optimizer.step()
        schedule.step()
        for each in kinds:
            each.update_parameters(w)
    swa.update_bn([(x, 1), [x + 1]], kinds[0])
    kinds[0].eval()
    return [each.state_dict() for each in kinds], kinds[0](x), schedule.get_last_lr()


def a_schedule_of_ones_own(m):
    class Halves(m.optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            return [base * 0.5**self.last_epoch for base in self.base_lrs]

    optimizer = m.optim.SGD(parameters(m), lr=1.0)
    schedule, found = Halves(optimizer), []
    for _ in range(3):
        optimizer.step()
        schedule.step()
        found.append(schedule.get_last_lr())
    return found, sorted(schedule.state_dict()), schedule.last_epoch


def sparse(m):
    w = m.nn.Parameter(m.ones(4, 2))
    optimizer = m.optim.SparseAdam([w], lr=0.1)
    return optimizer.defaults["lr"], sorted(optimizer.defaults)


WRONG = [
    lambda m: m.optim.SGD(parameters(m), 0.1).add_param_group(3),
    lambda m: m.optim.SGD(parameters(m), 0.1).add_param_group({"params": [3]}),
    lambda m: (lambda w: m.optim.SGD(w, 0.1).add_param_group({"params": w[:1]}))(parameters(m)),
    lambda m: m.optim.SGD(parameters(m), 0.1).load_state_dict({"state": {}, "param_groups": []}),
    lambda m: m.optim.SGD(parameters(m), 0.1).load_state_dict(
        {"state": {}, "param_groups": [{"params": [0]}]}
    ),
    lambda m: m.optim.swa_utils.AveragedModel(m.nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max),
    lambda m: m.optim.swa_utils.get_ema_multi_avg_fn(-1),
    lambda m: m.optim.swa_utils.SWALR(m.optim.SGD(parameters(m), 0.1), 0.1, anneal_strategy="foo"),
    lambda m: m.optim.swa_utils.SWALR(m.optim.SGD(parameters(m), 0.1), [0.1, 0.2]),
    lambda m: m.optim.swa_utils.SWALR(m.optim.SGD(parameters(m), 0.1), 0.1, anneal_epochs=-1),
]


@pytest.mark.parametrize(
    "program", [groups, hooks, steps_of_ones_own, averages, a_schedule_of_ones_own, sparse]
)
def test_programs(program):
    same(program)


@pytest.mark.parametrize("program", WRONG, ids=range(len(WRONG)))
def test_what_is_refused(program):
    same(program)
