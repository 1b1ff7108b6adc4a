"""backward() and grad() with every option, and what they refuse."""

from parity import caught, program


def leaf(m, values=(1.0, 2.0), **options):
    return m.tensor(list(values), requires_grad=True, **options)


@program
def backward_arguments(m):
    x = leaf(m)
    y = x * x
    y.backward(m.tensor([1.0, 10.0]), retain_graph=True)
    y.backward(gradient=m.tensor([1.0, 1.0]), inputs=x)
    return x.grad


@program
def backward_inputs_only(m):
    x, w = leaf(m), leaf(m)
    y = x * 2
    z = (y * w).sum()
    z.backward(inputs=[x], retain_graph=True)
    out = [x.grad, w.grad]
    z.backward(inputs=[y], retain_graph=True)
    out += [y.grad, x.grad, y.retains_grad]
    z.backward(inputs=[w, y])
    out += [w.grad, y.grad, x.grad]
    return out


@program
def backward_errors(m):
    x = leaf(m)
    y = x * 2
    return [
        caught(y.backward),
        caught(m.zeros(2).sum().backward),
        caught(y.backward, m.zeros(3)),
        caught(y.backward, m.zeros(2, 1)),
        caught(y.backward, 1.0),
        caught(y.backward, m.zeros(2, dtype=m.float64)),
        caught(y.sum().backward, inputs=[]),
        caught(y.sum().backward, inputs=[m.zeros(2)]),
        caught(m.autograd.backward, [y, y], [m.ones(2)]),
        caught(m.autograd.backward, [y, y.sum()], [m.ones(2), None]),
        caught(m.autograd.backward, [m.ones(2)], [m.ones(2)]),
        caught(m.autograd.backward, []),
        caught(m.tensor([1]).sum().backward),
        caught((x > 0).sum().backward),
    ]


@program
def backward_twice(m):
    x = leaf(m)
    y = (x * x).sum()
    y.backward()
    z = (x + 1).sum()
    z.backward()
    z.backward()
    return caught(y.backward), x.grad


@program
def backward_of_a_leaf(m):
    x = m.tensor(2.0, requires_grad=True)
    x.backward()
    v = leaf(m)
    v.backward(m.tensor([5.0, 6.0]))
    return x.grad, v.grad


@program
def backward_same_root_twice(m):
    x = leaf(m)
    y = (x * x).sum()
    m.autograd.backward([y, y])
    return x.grad


@program
def backward_root_inside_the_graph_of_another(m):
    x = leaf(m)
    y = x * x
    z = (y * 3).sum()
    m.autograd.backward([z, y], [None, m.ones(2)])
    return x.grad


@program
def backward_grad_variables(m):
    x = leaf(m)
    m.autograd.backward(x * 2, grad_variables=m.ones(2))
    return x.grad


@program
def backward_create_graph(m):
    x = leaf(m)
    (x * x * x).sum().backward(create_graph=True)
    g = x.grad
    g.sum().backward()
    return g, x.grad, x.grad.requires_grad


@program
def backward_broadcast_gradient_of_a_scalar(m):
    x = m.tensor([2.0], requires_grad=True)
    return caught((x * 2).backward, m.tensor(3.0)), caught((x * 2).backward), x.grad


@program
def backward_gradient_requires_grad(m):
    x, g = leaf(m), leaf(m)
    (x * 2).backward(g)
    return x.grad


@program
def grad_basic(m):
    x, w = leaf(m), leaf(m, (3.0, 4.0))
    y = (x * w).sum()
    return m.autograd.grad(y, [x, w], retain_graph=True), m.autograd.grad(y, x), x.grad


@program
def grad_with_outputs(m):
    x = leaf(m)
    y, z = x * 2, (x * x).sum()
    out = m.autograd.grad([y, z], [x], [m.tensor([1.0, 10.0]), None], retain_graph=True)
    out2 = m.autograd.grad((y, z), x, grad_outputs=(m.ones(2), m.tensor(2.0)))
    return out, out2


@program
def grad_unused(m):
    x, w = leaf(m), leaf(m)
    y = (x * 2).sum()
    return [
        caught(m.autograd.grad, y, [x, w], retain_graph=True),
        m.autograd.grad(y, [x, w], retain_graph=True, allow_unused=True),
        m.autograd.grad(y, [w, x], retain_graph=True, materialize_grads=True),
        caught(m.autograd.grad, y, [x], allow_unused=False, materialize_grads=True),
        caught(m.autograd.grad, y, [m.zeros(2)]),
        caught(m.autograd.grad, y, [m.zeros(2)], allow_unused=True),
        caught(m.autograd.grad, y, []),
        caught(m.autograd.grad, y, x, only_inputs=True, retain_graph=True),
    ]


@program
def grad_only_inputs_warns(m):
    x = leaf(m)
    return m.autograd.grad((x * 2).sum(), x, only_inputs=False)


@program
def grad_errors(m):
    x = leaf(m)
    y = x * 2
    return [
        caught(m.autograd.grad, y, x),
        caught(m.autograd.grad, y, x, m.ones(3)),
        caught(m.autograd.grad, [y, y], x, [m.ones(2)]),
        caught(m.autograd.grad, m.ones(2).sum(), x),
        caught(m.autograd.grad, y, x, 1.0),
        caught(m.autograd.grad, y.sum(), 3),
    ]


@program
def grad_dictionary_of_inputs(m):
    x, w = leaf(m), leaf(m, (3.0, 4.0))
    return m.autograd.grad((x * w).sum(), {"x": x, "w": w})


@program
def grad_of_intermediate(m):
    x = leaf(m)
    y = x * x
    z = (y * 3).sum()
    return m.autograd.grad(z, [y, x], retain_graph=True), m.autograd.grad(z, y)


@program
def grad_of_the_output_itself(m):
    x = leaf(m)
    y = (x * 2).sum()
    return m.autograd.grad(y, [y, x])


@program
def grad_twice_the_same_input(m):
    x = leaf(m)
    return m.autograd.grad((x * x).sum(), [x, x])


@program
def grad_edges(m):
    x = leaf(m)
    y = x * x
    edge = m.autograd.graph.get_gradient_edge(y)
    z = (y * 3).sum()
    out = [
        edge.node,
        edge.output_nr,
        m.autograd.grad(z, edge, retain_graph=True),
        m.autograd.grad(z, [edge, x], retain_graph=True),
        m.autograd.grad(
            m.autograd.graph.get_gradient_edge(z), x, grad_outputs=m.tensor(2.0), retain_graph=True
        ),
        m.autograd.grad(edge, x, grad_outputs=m.ones(2), retain_graph=True),
        caught(m.autograd.graph.get_gradient_edge, m.zeros(2)),
        type(m.autograd.graph.get_gradient_edge(x).node).__name__,
    ]
    m.autograd.backward(m.autograd.graph.get_gradient_edge(z), inputs=[x], grad_tensors=m.tensor(1.0))
    return out, x.grad


@program
def grad_batched(m):
    x = leaf(m)
    y = x * x
    eye = m.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    return (
        m.autograd.grad(y, x, eye, is_grads_batched=True, retain_graph=True),
        caught(m.autograd.grad, y, x, m.ones(2, 3), is_grads_batched=True),
        caught(m.autograd.grad, y, x, m.ones(3), is_grads_batched=True),
    )


@program
def grad_third_order(m):
    x = m.tensor(0.7, dtype=m.float64, requires_grad=True)
    y = (x.sin() * x.exp() + (x * x).tanh()) / (1 + x * x)
    out = []
    for _ in range(4):
        (y,) = m.autograd.grad(y, x, create_graph=True)
        out.append(y.item())
    return out


@program
def grad_mixed_second_order(m):
    x = m.tensor([0.3, 0.8], dtype=m.float64, requires_grad=True)
    w = m.tensor([1.5, -0.4], dtype=m.float64, requires_grad=True)
    y = ((x * w).sigmoid() * x.log()).sum()
    gx, gw = m.autograd.grad(y, [x, w], create_graph=True)
    return (
        m.autograd.grad(gx.sum(), w, retain_graph=True)[0],
        m.autograd.grad(gw.sum(), x, retain_graph=True)[0],
        m.autograd.grad((gx * gw).sum(), [x, w]),
        gx,
        gx.requires_grad,
    )


@program
def grad_create_graph_of_a_linear_function(m):
    x = leaf(m)
    (g,) = m.autograd.grad((x * 3).sum(), x, create_graph=True)
    return g, g.requires_grad, caught(m.autograd.grad, g.sum(), x)


@program
def grad_does_not_touch_grad(m):
    x = leaf(m)
    y = (x * x).sum()
    m.autograd.grad(y, x)
    return x.grad


@program
def grad_under_retain_false_and_create_graph(m):
    x = leaf(m)
    y = (x * x * x).sum()
    (g,) = m.autograd.grad(y, x, create_graph=True, retain_graph=False)
    return g, caught(m.autograd.grad, y, x)


@program
def grad_of_integers_in_the_middle(m):
    x = leaf(m)
    i = m.tensor([1, 0])
    y = x[i] * i
    y.sum().backward()
    return x.grad


@program
def grad_in_other_dtype(m):
    x = leaf(m)
    y = x.to(m.float64) * m.tensor([3.0, 4.0], dtype=m.float64)
    y.sum().backward()
    return x.grad, y


@program
def grad_of_many_uses(m):
    x = leaf(m)
    y = x
    for _ in range(5):
        y = y * x + x
    y.sum().backward()
    return x.grad


@program
def grad_of_nothing(m):
    x = m.zeros(0, requires_grad=True)
    (x * 2).sum().backward()
    return x.grad


@program
def zero_gradients_are_zeros_not_none(m):
    x, w = leaf(m), leaf(m)
    (x * 0 + w * 1).sum().backward()
    return x.grad, w.grad


@program
def grad_of_a_result_without_grad(m):
    x = leaf(m)
    with m.no_grad():
        y = (x * 2).sum()
    return caught(y.backward), caught(x.detach().sum().backward), caught((x > 1).backward, m.ones(2))


@program
def anomaly_nan(m):
    import warnings

    x = m.tensor([0.0], requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with m.autograd.detect_anomaly():
            y = (x * 0 * float("inf")).sum()
            return caught(y.backward), m.is_anomaly_enabled(), m.is_anomaly_check_nan_enabled()


@program
def anomaly_switches(m):
    import warnings

    out = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with m.autograd.set_detect_anomaly(True, check_nan=False):
            out += [m.is_anomaly_enabled(), m.is_anomaly_check_nan_enabled()]
        out += [m.is_anomaly_enabled(), m.is_anomaly_check_nan_enabled()]
        m.autograd.set_detect_anomaly(True)
        out.append(m.is_anomaly_enabled())
        m.autograd.set_detect_anomaly(False)
        out.append(m.is_anomaly_enabled())
    return out


@program
def anomaly_warns(m):
    with m.autograd.detect_anomaly():
        return 1
