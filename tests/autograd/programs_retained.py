"""Retained gradients, hooks that change what they are given, and edges of the graph."""

from parity import caught, leaf, program

# ---- retained gradients follow a tensor to its new history ----


@program
def retained_gradient_after_a_write_through_a_view(m):
    x = leaf(m)
    h = x * 1
    h.retain_grad()
    h[0] = 5.0
    (h * h).sum().backward()
    return h.grad, x.grad


@program
def retained_gradient_after_writes_of_all_kinds(m):
    x = leaf(m, (1.0, 2.0, 3.0))
    h = x * 1
    h.retain_grad()
    h.view(3, 1)[0] = 7.0
    h.mul_(2)
    h[1:].add_(x[0])
    h[1:2].view(1, 1).zero_()
    (h * h).sum().backward()
    return h.grad, x.grad


@program
def retained_gradient_of_what_got_its_history_by_writes(m):
    x, h = leaf(m, (1.0, 2.0, 3.0)), m.zeros(3)
    h[0] = x[1]
    h.retain_grad()
    h[1] = x[2]
    (h * h).sum().backward()
    return h.grad, x.grad


@program
def retained_gradients_of_a_view_and_its_base(m):
    x = leaf(m)
    h = x * 1
    v = h[0:1]
    h.retain_grad()
    v.retain_grad()
    h.mul_(3)
    (v * v).sum().backward()
    return h.grad, v.grad, x.grad


@program
def hooks_stay_with_the_value_they_were_put_on(m):
    x, seen = leaf(m), []
    h = x * 1
    h.register_hook(lambda g: seen.append(("before", g.tolist())))
    h[0] = 5.0
    h.register_hook(lambda g: seen.append(("after", g.tolist())))
    (h * h).sum().backward()
    return seen, x.grad


# ---- hooks that change what they are given ----


def matrix(m):
    x = m.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    return x, x * 1


@program
def hook_transposes_in_place(m):
    x, y = matrix(m)
    y.register_hook(lambda g: (g.t_(), None)[1])
    return caught((y * y).sum().backward), x.grad


@program
def hook_transposes_a_retained_gradient_in_place(m):
    x, y = matrix(m)
    y.register_hook(lambda g: (g.t_(), None)[1])
    y.retain_grad()
    return caught((y * 2).sum().backward), x.grad


@program
def hook_sets_data_of_the_same_shape(m):
    x, y = matrix(m)
    y.register_hook(lambda g: setattr(g, "data", m.full((2, 3), 7.0)))
    (y * 2).sum().backward()
    return x.grad


@program
def hook_sets_data_of_another_dtype(m):
    x, y = matrix(m)
    y.register_hook(lambda g: setattr(g, "data", g.data.double()))
    (y * 2).sum().backward()
    return x.grad


@program
def node_hooks_return_none_for_no_gradient(m):
    x = leaf(m)
    y = x * 2
    y.grad_fn.register_hook(lambda i, o: (None, None))
    y.sum().backward()
    first = x.grad
    y = x * 2
    y.grad_fn.register_prehook(lambda o: (None,))
    y.sum().backward()
    return first, x.grad


@program
def multi_grad_any_passes_over_constants(m):
    x, seen = leaf(m), []
    m.autograd.graph.register_multi_grad_hook([m.ones(2), x], lambda g: seen.append(g), mode="any")
    (x * 3).sum().backward()
    return seen


@program
def handles_are_pickled(m):
    import copy
    import pickle

    x = leaf(m)
    handle = x.register_hook(lambda g: g * 2)
    again = pickle.loads(pickle.dumps(leaf(m).register_hook(abs)))
    copied = copy.copy(handle)
    copied.remove()
    x.sum().backward()
    again.remove()
    return x.grad, copied.id == handle.id, type(again).__name__


@program
def edges_as_outputs_and_inputs(m):
    graph = m.autograd.graph
    x = leaf(m)
    y = x * 3
    e, leaf_edge = graph.get_gradient_edge(y), graph.get_gradient_edge(x)
    z = (y * y).sum()
    grad = m.autograd.grad
    out = [
        e._fields,
        e.output_nr,
        grad(z, [e, leaf_edge], retain_graph=True),
        grad([e, z], x, [m.ones(2), None], retain_graph=True),
        grad(e, x, m.eye(2), is_grads_batched=True, retain_graph=True),
        caught(grad, e, x, retain_graph=True),
        caught(grad, e, x, m.ones(3), retain_graph=True),
        grad((x * 2).sum(), e, allow_unused=True),
        caught(grad, (x * 2).sum(), e),
        caught(grad, (x * 2).sum(), e, materialize_grads=True),
        caught(graph.get_gradient_edge, m.ones(2)),
    ]
    m.autograd.backward(e, m.ones(2), retain_graph=True)
    m.autograd.backward(z, inputs=[leaf_edge])
    return out, x.grad


@program
def edges_keep_the_graph(m):
    class F(m.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(m)
    edges = [m.autograd.graph.get_gradient_edge(y) for y in (F.apply(x), x.exp())]
    return [m.autograd.grad(e, x, m.ones(2)) for e in edges]


@program
def increment_version_of_several(m):
    graph = m.autograd.graph
    x = leaf(m)
    y = x * 1
    z = (y * y).sum()
    graph.increment_version([y, m.ones(1)])
    graph.increment_version(t for t in [y])
    with m.inference_mode():
        fixed = m.ones(2)
    graph.increment_version(fixed)
    return [
        y._version,
        caught(z.backward),
        caught(graph.increment_version, 3),
        caught(graph.increment_version, [3]),
    ]


@program
def what_a_node_tells(m):
    x = leaf(m)
    y = x * x.unbind()[0]
    f = y.grad_fn
    f.metadata["a"] = 1
    meta = f._input_metadata[0]
    unbind = f.next_functions[1][0]
    return [
        y.grad_fn.metadata,
        list(meta.shape),
        str(meta.dtype).split(".")[-1],
        str(meta.device),
        meta.is_nested_tensor,
        [list(each.shape) for each in unbind._input_metadata],
        isinstance(f, m.autograd.graph.Node),
        f.requires_grad,
        f._sequence_nr() > unbind._sequence_nr(),
        f.next_functions[0][0].variable is x,
        f.next_functions[1][1],
    ]
