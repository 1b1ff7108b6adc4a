"""Functions that take gradients inside, compiled and as they are: values, graphs, what is outside, and hostile worlds."""

import pytest
from replay.plainly import assert_same, reason, refused, replays, same
from together import in_threads

import pullback as pb

F = pb.nn.functional


def leaves(*shape, n=2, dtype=pb.float64):
    return [pb.randn(*shape or (3,), dtype=dtype, requires_grad=True) for _ in range(n)]


def model(params, x):
    w, b = params
    return (w * x + b).tanh().square().sum()


def with_loss(params, x):
    loss = model(params, x)
    return loss, pb.autograd.grad(loss, params)


def of_a_dictionary(params, x):
    table = {"w": params[0], "b": params[1]}
    return pb.autograd.grad(model(params, x), table)


def of_values(params, x):
    table = {"w": params[0], "b": params[1]}
    return pb.autograd.grad(model(params, x), table.values())


def second_order(params, x):
    first = pb.autograd.grad(model(params, x), params, create_graph=True)
    return pb.autograd.grad(sum((g * g).sum() for g in first), params), first


def product_with_the_hessian(params, x):
    first = pb.autograd.grad(model(params, x), params, create_graph=True)
    return pb.autograd.grad(first, params, [x, x * 2], retain_graph=True), first


def twice_over_one_graph(params, x):
    loss = model(params, x)
    w = pb.autograd.grad(loss, params[0], retain_graph=True)
    return w, pb.autograd.grad(loss, params[1])


def unused(params, x):
    return pb.autograd.grad(params[0].sum(), params, allow_unused=True)


def zeros_for_unused(params, x):
    return pb.autograd.grad(params[0].sum() * 2, params, materialize_grads=True)


def one_gradient_for_both(params, x):
    return pb.autograd.grad((params[0] + params[1]).sum(), params)


def cotangent_comes_back(params, x):
    return pb.autograd.grad(params[0] + 0, params[0], x)


def several_outputs(params, x):
    outputs = [params[0].sum(), params[1] * x]
    return pb.autograd.grad(outputs, params, grad_outputs=[None, x])


def own_leaf(params, x):
    x = x.detach().requires_grad_()
    u = (params[0] * x).sin()
    (first,) = pb.autograd.grad(u, x, pb.ones_like(u), create_graph=True)
    (second,) = pb.autograd.grad(first, x, pb.ones_like(u), create_graph=True)
    return (second + u).square().mean()


def own_leaf_and_parameters(params, x):
    return pb.autograd.grad(own_leaf(params, x), params[0])


def without_recording(params, x):
    loss = model(params, x)
    with pb.no_grad():
        gradients = pb.autograd.grad(loss, params)
        return [p - 0.1 * g for p, g in zip(params, gradients)]


def descends_on_copies(params, x):
    now = [p.detach().clone().requires_grad_() for p in params]
    for _ in range(3):
        gradients = pb.autograd.grad(model(now, x), now)
        with pb.no_grad():
            now = [(p - 0.1 * g).requires_grad_() for p, g in zip(now, gradients)]
    return now


def through_an_inner_step(params, x):
    gradients = pb.autograd.grad(model(params, x), params, create_graph=True)
    return model([p - 0.1 * g for p, g in zip(params, gradients)], x)


def parts(params, x):
    w = params[0]
    loss = w[0] * x[1] + (w[1:] * x[:2]).sum() + w.flip(0)[0] ** 2
    return pb.autograd.grad(loss, [w])


def branches(params, x):
    loss = model(params, x)
    (g,) = pb.autograd.grad(loss, params[0], retain_graph=True)
    if g.sum() > 0:
        return pb.autograd.grad(loss, params[1])
    return g


def drops(params, x):
    loss = (F.dropout(params[0] * x, 0.5) + params[1] * pb.rand(3, dtype=x.dtype)).sum()
    return pb.autograd.grad(loss, params)


def writes_meanwhile(params, x):
    z = params[0] * 1.0
    z[1:] *= x[:2]
    z.add_(params[1])
    return pb.autograd.grad(z.sin().sum(), params)


FUNCTIONS = [
    with_loss,
    of_a_dictionary,
    of_values,
    second_order,
    product_with_the_hessian,
    twice_over_one_graph,
    unused,
    zeros_for_unused,
    one_gradient_for_both,
    cotangent_comes_back,
    several_outputs,
    own_leaf,
    own_leaf_and_parameters,
    without_recording,
    descends_on_copies,
    through_an_inner_step,
    parts,
    branches,
    drops,
    writes_meanwhile,
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_gradients(function):
    compiled = pb.compile(function)
    for seed in range(8):
        pb.manual_seed(seed)
        assert_same(compiled, function, leaves(), pb.randn(3, dtype=pb.float64))
        assert_same(compiled, function, leaves(), pb.randn(3, dtype=pb.float64))
    assert reason(compiled) is None, reason(compiled)
    assert replays(compiled) >= 10


@pytest.mark.parametrize("function", FUNCTIONS[:8], ids=lambda f: f.__name__)
def test_modes_kinds_and_frozen_leaves(function):
    compiled = pb.compile(function)
    for _ in range(3):
        for dtype in (pb.float32, pb.float64):
            assert_same(compiled, function, leaves(dtype=dtype), pb.randn(3, dtype=dtype))
        assert_same(compiled, function, leaves(2, 3), pb.randn(3, dtype=pb.float64))
        with pb.no_grad():
            assert_same(compiled, function, leaves(), pb.randn(3, dtype=pb.float64))
        frozen = leaves()
        frozen[1].requires_grad_(False)
        assert_same(compiled, function, frozen, pb.randn(3, dtype=pb.float64))
    assert replays(compiled) > 0


def test_a_shared_leaf():
    def function(params, x):
        return pb.autograd.grad((params[0] * params[1] * x).sum(), params)

    compiled = pb.compile(function)
    for _ in range(4):
        a, b = leaves()
        x = pb.randn(3, dtype=pb.float64)
        for params in ([a, b], [a, a], [b, a], [b, b]):
            assert same(compiled(params, x), function(params, x))
    assert replays(compiled) == 14


def test_modules():
    pb.manual_seed(0)
    net = pb.nn.Sequential(pb.nn.Linear(3, 4), pb.nn.LayerNorm(4), pb.nn.GELU(), pb.nn.Linear(4, 2))

    def function(x, y):
        loss = F.cross_entropy(net(x), y)
        return loss, pb.autograd.grad(loss, list(net.parameters()))

    compiled = pb.compile(function)
    for _ in range(5):
        x, y = pb.randn(6, 3), pb.tensor([0, 1, 1, 0, 1, 0])
        assert same(compiled(x, y), function(x, y))
    assert all(p.grad is None for p in net.parameters())
    net[0].weight.requires_grad_(False)
    with pytest.raises(RuntimeError, match="does not require grad"):
        compiled(pb.randn(6, 3), pb.tensor([0, 1, 1, 0, 1, 0]))
    net[0].weight.requires_grad_()
    assert same(compiled(x, y), function(x, y))


# ---- what is outside stays as it is ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tensor", "node", "post"])
def test_hooks_run_once_and_only_where_they_are(kind):
    params, x = leaves(), pb.ones(3, dtype=pb.float64)
    compiled = pb.compile(with_loss)
    compiled(params, x)
    compiled(params, x)
    assert replays(compiled) == 1
    seen = []
    if kind == "tensor":
        handle = params[0].register_hook(lambda g: seen.append(g) or g * 2)
    elif kind == "post":
        handle = params[0].register_post_accumulate_grad_hook(seen.append)
    else:
        held = params[0].view_as(params[0]).grad_fn
        handle = held.next_functions[0][0].register_prehook(lambda grads: seen.append(grads))
    for count in range(1, 4):
        expected = with_loss(params, x)
        before = len(seen)
        assert same(compiled(params, x), expected)
        assert len(seen) - before == (0 if kind == "post" else before // (2 * count - 1))
    handle.remove()
    seen.clear()
    assert same(compiled(params, x), with_loss(params, x))
    assert not seen


def test_hooks_from_the_beginning():
    params, x = leaves(), pb.ones(3, dtype=pb.float64)
    seen = []
    params[0].register_hook(seen.append)
    compiled = pb.compile(with_loss)
    with pytest.warns(UserWarning, match="a graph or hooks"):
        for _ in range(40):
            compiled(params, x)
    assert len(seen) == 40


def test_graphs_from_outside():
    def function(w, x):
        return pb.autograd.grad((w * x).sum(), w)

    compiled = pb.compile(function)
    leaf, x = leaves()
    for _ in range(3):
        assert same(compiled(leaf, x.detach()), function(leaf, x.detach()))
    assert replays(compiled) == 2
    for _ in range(2):
        result = leaf.exp()
        assert same(compiled(result, x.detach()), function(result, x.detach()))
        result.sum().backward()  # which is still there
    compiled(leaf, x.detach())
    assert replays(compiled) == 3


def test_graphs_from_outside_are_freed_once():
    def function(outer, x):
        (g,) = pb.autograd.grad((outer * x).sum(), leaf)
        return g

    leaf, x = leaves()
    compiled, plain = pb.compile(function), function
    x = x.detach()
    for _ in range(3):
        a, b = leaf.exp(), leaf.exp()
        assert same(compiled(a, x), plain(b, x))
        for each in (a, b):
            with pytest.raises(RuntimeError, match="second time"):
                each.sum().backward()
    assert not replays(compiled)


def test_views_that_get_a_history():
    base = pb.zeros(4, dtype=pb.float64)
    part = base[:3]

    def function(x, w):
        loss = (part * x + w).square().sum()
        return pb.autograd.grad(loss, [w])

    compiled = pb.compile(function)
    x, w = pb.ones(3, dtype=pb.float64), leaves()[0]
    for _ in range(3):
        assert same(compiled(x, w), function(x, w))
    assert replays(compiled) == 2
    other = leaves(4)[0]
    base.mul_(other)
    expected = function(x, w)
    assert same(compiled(x, w), expected)
    base.sum().backward()
    assert other.grad is not None


def test_a_graph_that_is_walked_again_outside():
    def function(params, x):
        loss = model(params, x)
        return loss, pb.autograd.grad(loss, params, retain_graph=True)

    compiled = pb.compile(function)
    for _ in range(4):
        params, x = leaves(), pb.randn(3, dtype=pb.float64)
        loss, gradients = compiled(params, x)
        loss.backward()
        assert all(same(p.grad, g) for p, g in zip(params, gradients))
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()
    assert replays(compiled) == 3


def test_a_graph_that_was_freed_inside():
    compiled = pb.compile(with_loss)
    for _ in range(3):
        loss, _ = compiled(leaves(), pb.ones(3, dtype=pb.float64))
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()
    assert replays(compiled) == 2


def test_errors_are_those_of_the_function():
    def forgets(params, x):
        loss = model(params, x)
        pb.autograd.grad(loss, params)
        return pb.autograd.grad(loss, params)

    def overwrites(params, x):
        y = (params[0] * x).exp()
        z = y.sum()
        y.mul_(2)
        return pb.autograd.grad(z, params[0])

    def wants_too_much(params, x):
        return pb.autograd.grad(params[0].sum(), params)

    def has_no_scalar(params, x):
        return pb.autograd.grad(params[0] * 2, params[0])

    for function in (forgets, overwrites, wants_too_much, has_no_scalar):
        compiled = pb.compile(function)
        for _ in range(3):
            assert_same(compiled, function, leaves(), pb.ones(3, dtype=pb.float64))


def test_gradients_that_are_written_into():
    """The gradient is the cotangent itself here, which comes from outside."""

    def function(params, x):
        (g,) = pb.autograd.grad(params[0] + 0, params[0], x)
        g.mul_(2)
        return g

    compiled, x = pb.compile(function), pb.ones(3, dtype=pb.float64)
    for _ in range(4):
        assert compiled(leaves(), x) is not None
    assert x.tolist() == [16.0] * 3
    assert replays(compiled) == 2


def test_warnings_and_kinds_that_stay_refused():
    def batched(params, x):
        return pb.autograd.grad(params[0] * 1, params[0], pb.eye(3, dtype=pb.float64), is_grads_batched=True)

    def by_an_edge(params, x):
        return pb.autograd.grad(params[0].sum(), pb.autograd.graph.get_gradient_edge(params[0]))

    for function in (batched, by_an_edge):
        refused(pb.compile(function), leaves(), pb.ones(3))


def test_inside_of_transforms_and_under_modes():
    def function(params, x):
        return pb.autograd.grad((params[0] * x).square().sum(), params[0], create_graph=True)[0]

    compiled = pb.compile(function)
    params, x = leaves(), pb.randn(3, dtype=pb.float64)
    for _ in range(3):
        compiled(params, x)
    xs = pb.randn(5, 3, dtype=pb.float64)
    assert same(
        pb.func.vmap(lambda x: compiled(params, x))(xs), pb.func.vmap(lambda x: function(params, x))(xs)
    )
    with pb.autograd.detect_anomaly(check_nan=False):
        assert same(compiled(params, x), function(params, x))
    packed = []
    with pb.autograd.graph.saved_tensors_hooks(lambda t: packed.append(1) or t, lambda t: t):
        compiled(params, x)
    assert packed
    count = replays(compiled)
    compiled(params, x)
    assert replays(compiled) == count + 1


def test_threads():
    compiled = pb.compile(with_loss)
    shared = leaves()

    def work(_):
        inputs = [pb.full((3,), seed / 7, dtype=pb.float64) for seed in range(40)]
        return [same(compiled(shared, x), with_loss(shared, x)) for x in inputs]

    assert all(map(all, in_threads(4, work)))
    assert replays(compiled) > 100
