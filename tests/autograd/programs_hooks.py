"""Hooks on tensors and nodes: order, replacement, removal, errors."""

from parity import caught, leaf, program


@program
def hooks_on_leaf(m):
    x, seen = leaf(m), []
    x.register_hook(lambda g: seen.append(g.tolist()))
    h = x.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x * 3).sum().backward()
    h.remove()
    h.remove()
    (x * 3).sum().backward()
    return seen, x.grad


@program
def hooks_on_result(m):
    x, seen = leaf(m), []
    y = x * 3
    y.register_hook(lambda g: seen.append(("a", g.tolist())))
    y.register_hook(lambda g: g + 1)
    y.register_hook(lambda g: seen.append(("b", g.tolist())))
    (y * y).sum().backward()
    return seen, x.grad


@program
def hooks_handle_as_context(m):
    x = leaf(m)
    with x.register_hook(lambda g: g * 2):
        (x * 1).sum().backward()
    (x * 1).sum().backward()
    return x.grad


@program
def hooks_errors(m):
    x, c = leaf(m), m.zeros(2)

    def wrong(value):
        t = leaf(m)
        t.register_hook(lambda g: value)
        return caught((t * 2).sum().backward)

    def fails(g):
        raise KeyError("mine")

    y = x * 2
    y.register_hook(fails)
    return [
        caught(c.register_hook, print),
        wrong(3),
        wrong(m.zeros(3)),
        wrong("x"),
        wrong(m.zeros(2, dtype=m.float64)),
        caught(y.sum().backward),
        caught(c.register_post_accumulate_grad_hook, print),
        caught((x * 2).register_post_accumulate_grad_hook, print),
    ]


@program
def hooks_removed_within_a_hook(m):
    x, seen = leaf(m), []
    handles = []

    def first(g):
        seen.append("first")
        handles[0].remove()
        handles[1].remove()

    handles.append(x.register_hook(first))
    handles.append(x.register_hook(lambda g: seen.append("second")))
    x.sum().backward()
    x.sum().backward()
    return seen


@program
def hooks_added_within_a_hook(m):
    x, seen = leaf(m), []

    def first(g):
        seen.append("first")
        x.register_hook(lambda g: seen.append("added"))

    x.register_hook(first)
    x.sum().backward()
    seen.append("-")
    x.sum().backward()
    return seen


@program
def hooks_see_accumulated_gradient_once(m):
    x, seen = leaf(m), []
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x * x + x * 3 + x).sum().backward()
    return seen


@program
def hooks_run_in_grad(m):
    x, w, seen = leaf(m), leaf(m), []
    y = x * 2
    y.register_hook(lambda g: seen.append(("y", g.tolist())))
    x.register_hook(lambda g: (seen.append(("x", g.tolist())), g * 5)[1])
    w.register_hook(lambda g: seen.append(("w", g.tolist())))
    (g,) = m.autograd.grad((y * w).sum(), x)
    return seen, g


@program
def hooks_only_on_needed_paths(m):
    x, w, seen = leaf(m), leaf(m), []
    y, v = x * 2, w * 3
    y.register_hook(lambda g: seen.append("y"))
    v.register_hook(lambda g: seen.append("v"))
    x.register_hook(lambda g: seen.append("x"))
    w.register_hook(lambda g: seen.append("w"))
    z = (y * v).sum()
    m.autograd.grad(z, x, retain_graph=True)
    seen.append("-")
    z.backward(inputs=[w], retain_graph=True)
    seen.append("-")
    m.autograd.grad(z, y, retain_graph=True)
    seen.append("-")
    m.autograd.grad(z, [y, x], retain_graph=True)
    return seen


@program
def hooks_on_root(m):
    x, seen = leaf(m), []
    y = (x * 2).sum()
    y.register_hook(lambda g: g * 7)
    y.backward()
    return x.grad


@program
def hooks_before_inplace(m):
    x, seen = leaf(m), []
    y = x * 2
    y.register_hook(lambda g: seen.append(("before", g.tolist())))
    y.mul_(5)
    y.register_hook(lambda g: seen.append(("after", g.tolist())))
    y.sum().backward()
    return seen, x.grad


@program
def hooks_on_leaf_then_written(m):
    x, seen = leaf(m), []
    y = x.clone()
    y.register_hook(lambda g: seen.append(g.tolist()))
    y[0] = 9.0
    y.sum().backward()
    return seen, x.grad


@program
def hooks_post_accumulate(m):
    x, seen = leaf(m), []

    def hook(t):
        seen.append((t is x, t.grad.tolist()))
        t.grad = None

    h = x.register_post_accumulate_grad_hook(hook)
    x.register_hook(lambda g: seen.append("tensor hook"))
    (x * 2).sum().backward()
    out = [x.grad]
    h.remove()
    (x * 2).sum().backward()
    m.autograd.grad((x * 2).sum(), x)
    return seen, out, x.grad


@program
def hooks_post_accumulate_returns_something(m):
    x = leaf(m)
    x.register_post_accumulate_grad_hook(lambda t: 3)
    y = leaf(m)
    y.register_post_accumulate_grad_hook(lambda t: t.grad)
    return caught((x * 2).sum().backward), caught((y * 2).sum().backward)


@program
def hooks_post_accumulate_optimiser(m):
    x = leaf(m)

    def step(t):
        with m.no_grad():
            t -= 0.1 * t.grad
        t.grad = None

    x.register_post_accumulate_grad_hook(step)
    for _ in range(3):
        (x * x).sum().backward()
    return x, x.grad


@program
def hooks_of_nodes(m):
    x, seen = leaf(m), []
    y = x * 3
    f = y.grad_fn
    f.register_prehook(lambda outs: seen.append(("pre", outs)))
    f.register_hook(lambda ins, outs: seen.append(("post", ins, outs)))
    y.sum().backward()
    return seen, x.grad


@program
def hooks_of_nodes_replace(m):
    x, seen = leaf(m), []
    y = x * 3
    f = y.grad_fn
    a = f.register_prehook(lambda outs: (outs[0] * 2,))
    b = f.register_hook(lambda ins, outs: (ins[0] + 1, None))
    y.sum().backward(retain_graph=True)
    first = x.grad.clone()
    a.remove()
    y.sum().backward(retain_graph=True)
    b.remove()
    y.sum().backward()
    return first, x.grad


@program
def hooks_of_nodes_wrong(m):
    def pre(value):
        y = leaf(m) * 3
        y.grad_fn.register_prehook(lambda outs: value)
        return caught(y.sum().backward)

    def post(value):
        y = leaf(m) * 3
        y.grad_fn.register_hook(lambda ins, outs: value)
        return caught(y.sum().backward)

    one = m.ones(2)
    return [pre((one, one)), pre(3), pre(one), post((one,)), post(3), post((one, one)), post((one, 3))]


@program
def hooks_of_accumulate_node(m):
    x, seen = leaf(m), []
    y = x * 2
    acc = y.grad_fn.next_functions[0][0]
    acc.register_prehook(lambda g: seen.append(("pre", g)))
    acc.register_hook(lambda i, o: seen.append(("post", i, o, x.grad)))
    x.register_hook(lambda g: seen.append("tensor"))
    y.sum().backward()
    return seen


@program
def hooks_order_of_all_kinds(m):
    x, seen = leaf(m), []
    y = x * 2
    y.grad_fn.register_hook(lambda i, o: seen.append("node post"))
    y.grad_fn.register_prehook(lambda o: seen.append("node pre"))
    y.retain_grad()
    y.register_hook(lambda g: seen.append(("tensor", y.grad)))
    y.sum().backward()
    return seen, y.grad


@program
def hooks_several_outputs(m):
    x, seen = m.tensor([1.0, 2.0, 3.0], requires_grad=True), []
    a, b, c = x.unbind()
    a.register_hook(lambda g: seen.append(("a", g)))
    c.register_hook(lambda g: seen.append(("c", g)))
    b.register_hook(lambda g: seen.append(("b", g)))
    (a * 2 + c * 3).backward()
    return seen, x.grad


@program
def multi_grad_all(m):
    x, w, u, seen = leaf(m), leaf(m), leaf(m), []
    y = x * 2
    m.autograd.graph.register_multi_grad_hook([x, w, y, u], lambda gs: seen.append(gs))
    (y * w).sum().backward()
    seen.append("-")
    (x * 5).sum().backward()
    seen.append("-")
    (x * w * u).sum().backward()
    return seen


@program
def multi_grad_any(m):
    x, w, seen = leaf(m), leaf(m), []
    h = m.autograd.graph.register_multi_grad_hook([x, w], lambda g: seen.append(g), mode="any")
    (x * w).sum().backward()
    (x * w).sum().backward()
    h.remove()
    (x * w).sum().backward()
    return len(seen), caught(m.autograd.graph.register_multi_grad_hook, [x], print, mode="some")


@program
def multi_grad_with_a_constant(m):
    return caught(m.autograd.graph.register_multi_grad_hook, [leaf(m), m.zeros(2)], print)


@program
def hooks_under_create_graph(m):
    x = leaf(m)
    x.register_hook(lambda g: g * x)
    (g,) = m.autograd.grad((x * x).sum(), x, create_graph=True)
    return g, m.autograd.grad(g.sum(), x)


@program
def hooks_grad_mode_inside(m):
    x, seen = leaf(m), []
    x.register_hook(lambda g: seen.append(m.is_grad_enabled()))
    y = (x * x).sum()
    y.backward(retain_graph=True)
    m.autograd.grad(y, x, create_graph=True)
    with m.no_grad():
        y.backward()
    return seen, m.is_grad_enabled()


@program
def hooks_gradient_of_a_hook_is_what_grad_holds(m):
    x = leaf(m)
    kept = []
    x.register_hook(lambda g: kept.append(g))
    (x * 2).sum().backward()
    kept[0].add_(1)
    return x.grad


@program
def reentrant_backward_in_a_hook(m):
    x, w = leaf(m), leaf(m)
    out = []

    def hook(g):
        out.append(m.is_grad_enabled())
        with m.enable_grad():
            z = (w * w * g).sum()
        z.backward()
        return g * w.grad

    y = x * 3
    y.register_hook(hook)
    y.sum().backward()
    return out, x.grad, w.grad


@program
def reentrant_backward_over_the_same_graph(m):
    x = leaf(m)
    y = x * x
    z = y * 3
    count = []

    def hook(g):
        if not count:
            count.append(1)
            y.sum().backward(retain_graph=True)

    z.register_hook(hook)
    z.sum().backward(retain_graph=True)
    return x.grad


@program
def failing_hook_leaves_the_graph_usable(m):
    x = leaf(m)
    y = x * x
    z = y * 3

    def hook(g):
        raise ValueError("stop")

    h = y.register_hook(hook)
    error = caught(z.sum().backward, retain_graph=True)
    h.remove()
    z.sum().backward()
    return error, x.grad
