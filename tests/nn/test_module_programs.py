"""Programs about modules as objects, with PyTorch and with pullback: what is registered, hooked, found, replaced, kept."""

import pytest
from beside import same

import pullback

pytestmark = pytest.mark.torch
pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")


def net(m):
    return m.nn.Sequential(
        m.nn.Linear(2, 3), m.nn.Sequential(m.nn.BatchNorm1d(3), m.nn.ReLU()), m.nn.Linear(3, 1)
    )


def names_and_children(m):
    parts = net(m)
    parts.add_module("last", m.nn.Tanh())
    parts.register_module("none", None)
    return (
        parts,
        [name for name, _ in parts.named_children()],
        [name for name, _ in parts.named_modules("net", remove_duplicate=False)],
        [(name, tuple(p.shape)) for name, p in parts.named_parameters("net", recurse=True)],
        [name for name, _ in parts.named_buffers()],
        [name for name, _ in parts.named_parameters(recurse=False)],
        [type(each).__name__ for each in parts.children()],
        len(list(parts.modules())),
        parts[0].extra_repr(),
        parts.dump_patches,
        type(parts).call_super_init,
    )


def parts_by_name(m):
    parts = net(m)
    parts.set_submodule("1.1", m.nn.Sigmoid())
    parts.set_submodule("0", m.nn.Linear(2, 3, bias=False), strict=True)
    return (
        parts,
        parts.get_submodule("1.0"),
        parts.get_submodule("") is parts,
        parts.get_parameter("2.weight").shape,
        parts.get_buffer("1.0.running_mean"),
    )


def shared(m):
    one = m.nn.Linear(2, 2)
    both = m.nn.Sequential(one, one)
    return (
        [n for n, _ in both.named_parameters()],
        [n for n, _ in both.named_parameters(remove_duplicate=False)],
        list(both.state_dict()),
    )


def parameters_and_buffers(m):
    part = m.nn.Module()
    part.register_parameter("w", m.nn.Parameter(m.ones(2)))
    part.register_parameter("v", None)
    part.register_buffer("b", m.zeros(1))
    part.register_buffer("kept", m.zeros(1), persistent=False)
    part.c = m.nn.Buffer(m.ones(1), persistent=False)
    part.w = m.nn.Parameter(m.zeros(3))
    del part.b
    part.v = m.nn.Parameter(m.ones(1))
    return (
        list(part.state_dict()),
        [n for n, _ in part.named_parameters()],
        [n for n, _ in part.named_buffers()],
        hasattr(part, "b"),
    )


def own_state(m):
    class Counting(m.nn.Module):
        def __init__(self, count):
            super().__init__()
            self.count, self.w = count, m.nn.Parameter(m.ones(1))

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    other = m.nn.Sequential(Counting(0))
    said = str(other.load_state_dict(m.nn.Sequential(Counting(7)).state_dict()))
    return other[0].count, list(other.state_dict()), said


def without_own_state(m):
    part = m.nn.Linear(1, 1)
    part.set_extra_state(part.get_extra_state())


def without_setting(m):
    m.nn.Linear(1, 1).set_extra_state(1)


def forward_hooks(m):
    seen, part = [], net(m)
    part[0].register_forward_pre_hook(
        lambda module, args: seen.append(("pre", type(module).__name__, len(args)))
    )
    part[0].register_forward_pre_hook(lambda module, args: (args[0] * 2,), prepend=True)
    part[0].register_forward_hook(
        lambda module, args, output: seen.append(("after", args[0].shape, output.shape))
    )
    part[2].register_forward_hook(lambda module, args, output: output + 1)
    handle = part.register_forward_hook(
        lambda module, args, kwargs, output: seen.append(sorted(kwargs)), with_kwargs=True, always_call=True
    )
    first = part(m.ones(4, 2))
    handle.remove()
    return first, part(m.ones(4, 2)), seen


def forward_hooks_with_names(m):
    class Scale(m.nn.Module):
        def forward(self, x, by=1.0):
            return x * by

    part = Scale()
    part.register_forward_pre_hook(
        lambda module, args, kwargs: (args, {"by": kwargs["by"] * 2}), with_kwargs=True
    )
    return part(m.ones(2), by=3.0)


def backward_hooks(m):
    seen, part = [], m.nn.Sequential(m.nn.Linear(2, 3), m.nn.Tanh())
    part[0].register_full_backward_hook(
        lambda module, into, out: seen.append(("full", [g is None for g in into], out[0].shape))
    )
    part[1].register_full_backward_pre_hook(lambda module, out: (out[0] * 2,))
    part.register_full_backward_hook(lambda module, into, out: (into[0] * 3,))
    x = m.ones(4, 2, requires_grad=True)
    part(x).sum().backward()
    return x.grad, part[0].weight.grad, seen


def older_backward_hooks(m):
    seen, part = [], m.nn.Tanh()
    part.register_backward_hook(lambda module, into, out: seen.append(out[0].shape))
    part(m.ones(4, 2, requires_grad=True) * 2).sum().backward()
    return seen


def both_kinds_of_backward_hooks(m):
    part = m.nn.Linear(2, 3)
    part.register_full_backward_hook(lambda *_: None)
    part.register_backward_hook(lambda *_: None)


def hooks_of_states(m):
    seen, part = [], m.nn.Sequential(m.nn.Linear(1, 2))
    part.register_state_dict_pre_hook(
        lambda module, prefix, keep_vars: seen.append(("before", prefix, keep_vars))
    )
    part[0].register_state_dict_post_hook(
        lambda module, state, prefix, metadata: seen.append((list(state), prefix))
    )
    part[0].register_load_state_dict_pre_hook(
        lambda module, state, prefix, *rest: seen.append((sorted(state), prefix, len(rest)))
    )
    part.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    state = part.state_dict()
    del state["0.bias"]
    return str(part.load_state_dict(state, strict=False)), seen


def hooks_everywhere(m):
    seen, modules = [], m.nn.modules.module
    handles = [
        modules.register_module_forward_pre_hook(lambda module, args: seen.append("pre")),
        modules.register_module_forward_hook(lambda module, args, output: seen.append(type(module).__name__)),
        modules.register_module_full_backward_hook(lambda module, into, out: seen.append("back")),
        modules.register_module_full_backward_pre_hook(lambda module, out: seen.append("before")),
    ]
    try:
        m.nn.Sequential(m.nn.Linear(1, 1))(m.ones(1, requires_grad=True)).backward()
    finally:
        for handle in handles:
            handle.remove()
    m.nn.Linear(1, 1)(m.ones(1))
    return seen


def modes(m):
    part = net(m).eval()
    part[1].train()
    part.requires_grad_(False)
    found = [each.training for each in part.modules()], [p.requires_grad for p in part.parameters()]
    part.apply(lambda each: each.train(False))
    return (
        *found,
        [each.training for each in part.modules()],
        part.double().half().float()[0].weight.dtype,
        part.bfloat16()[0].bias.dtype,
    )


def without_values(m):
    part = m.nn.Linear(2, 3).to_empty(device="cpu")
    return (
        part.weight.shape,
        part.to(m.float64, non_blocking=True).weight.dtype,
        part.type(m.float32).bias.dtype,
        part.cpu() is part,
    )


def losing_gradients(m):
    part = m.nn.Linear(2, 1)
    part(m.ones(2)).backward()
    first = part.weight.grad
    part.zero_grad(set_to_none=False)
    return first is part.weight.grad, part.weight.grad, part.zero_grad(), part.weight.grad


def states(m):
    part, state = net(m), net(m).state_dict(prefix="net.")
    kept = part.state_dict(keep_vars=True)["0.weight"] is part[0].weight
    into = {"first": 1}
    part.state_dict(destination=into, prefix="a.")
    assigned = {name: each.clone() for name, each in part.state_dict().items()}
    part.load_state_dict(assigned, assign=True)
    return (
        list(state),
        kept,
        list(into),
        part[0].weight.data_ptr() == assigned["0.weight"].data_ptr(),
        state._metadata,
    )


def wrong_states(m):
    part, state = net(m), net(m).state_dict()
    state["0.weight"] = m.ones(5)
    state["more"] = m.ones(1)
    del state["2.bias"]
    part.load_state_dict(state)


def unknown_states(m):
    state = net(m).state_dict()
    del state["2.bias"]
    state["more"] = m.ones(1)
    found = net(m).load_state_dict(state, strict=False)
    return found.missing_keys, found.unexpected_keys


def bases(m):
    class Other:
        def __init__(self, *args, **kwargs):
            self.given = args, kwargs

    class Both(m.nn.Module, Other):
        call_super_init = True

        def __init__(self):
            super().__init__(1, a=2)

    return Both().given


def pooling_undone(m):
    found = []
    for dims in (1, 2, 3):
        pool, back = (
            getattr(m.nn, f"MaxPool{dims}d")(2, return_indices=True),
            getattr(m.nn, f"MaxUnpool{dims}d")(2),
        )
        found += [back, back(*pool(m.arange(4.0**dims).sin().reshape(1, *[4] * dims)))]
    return found, m.nn.MaxUnpool1d, m.nn.MaxUnpool2d, m.nn.MaxUnpool3d


def sequences_aligned(m):
    x = m.arange(30.0).reshape(5, 2, 3).sin().requires_grad_()
    loss = m.nn.CTCLoss(blank=1, reduction="sum")(
        x.log_softmax(2), m.tensor([[0, 2], [2, 0]]), (5, 4), (2, 1)
    )
    loss.backward()
    return loss, x.grad


def everything_in_it(m):
    part = net(m)
    return list(part.buffers()), list(part.parameters()), isinstance(part, m.nn.Module)


def functions(m):
    return (
        m.nn.functional.hardsigmoid(m.linspace(-4, 4, 9)),
        m.nn.parameter.is_lazy(m.nn.LazyLinear(1).weight),
        m.nn.parameter.is_lazy(m.ones(1)),
    )


WRONG = [
    lambda m: m.nn.Module().register_parameter("a.b", None),
    lambda m: m.nn.Module().register_parameter("", None),
    lambda m: m.nn.Module().register_parameter("training", None),
    lambda m: m.nn.Module().register_parameter("a", m.ones(1)),
    lambda m: m.nn.Module().register_parameter("a", m.nn.Parameter(m.ones(1)) * 2),
    lambda m: m.nn.Module().register_parameter(1, None),
    lambda m: m.nn.Module().register_buffer("a", 1),
    lambda m: m.nn.Module().add_module("a", 1),
    lambda m: m.nn.Module().add_module("a.b", m.nn.ReLU()),
    lambda m: m.nn.Module().register_module(1, None),
    lambda m: m.nn.Module()(1),
    lambda m: m.nn.Module(1),
    lambda m: m.nn.Module(a=1),
    lambda m: m.nn.Module().there_is_none,
    lambda m: setattr(m.nn.Linear(1, 1), "weight", m.ones(1, 1)),
    lambda m: net(m).get_submodule("1.7"),
    lambda m: net(m).get_submodule("0.weight"),
    lambda m: net(m).get_parameter("0.weights"),
    lambda m: net(m).get_parameter("1.0.running_mean"),
    lambda m: net(m).get_buffer("0.weight"),
    lambda m: net(m).set_submodule("", m.nn.ReLU()),
    lambda m: net(m).set_submodule("7.7", m.nn.ReLU()),
    lambda m: net(m).set_submodule("7", m.nn.ReLU(), strict=True),
    lambda m: net(m).set_submodule("0.weight", m.nn.ReLU()),
    lambda m: net(m).to(m.int64),
    lambda m: net(m).cuda(),
    lambda m: net(m).train(1),
    lambda m: net(m).load_state_dict(3),
    lambda m: net(m).register_full_backward_hook(lambda *_: None) and net(m)[7],
]


PROGRAMS = {
    name: each
    for name, each in list(globals().items())
    if getattr(each, "__module__", None) == __name__ and name != "net"
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_programs(program):
    same(program)


@pytest.mark.parametrize("program", WRONG, ids=range(len(WRONG)))
def test_what_is_refused(program):
    same(program)


def test_memory_is_not_shared_between_processes():
    with pytest.raises(NotImplementedError, match="not shared"):
        pullback.nn.Linear(1, 1).share_memory()


def test_compiling_changes_nothing():
    part = pullback.nn.Linear(2, 1)
    before = part(pullback.ones(2))
    assert part.compile() is None and pullback.equal(part(pullback.ones(2)), before)
