"""autograd.Function: everything its context can do, and everything it refuses."""

from parity import caught, function, leaf, program


@program
def function_exp(m):
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    Exp = function(m, forward, lambda ctx, g: g * ctx.saved_tensors[0])
    x = leaf(m)
    y = Exp.apply(x)
    (g,) = m.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = m.autograd.grad(g.sum(), x, create_graph=True)
    (k,) = m.autograd.grad(h.sum(), x)
    return (
        y.grad_fn.name(),
        type(y.grad_fn).__name__,
        g.requires_grad,
        h.tolist(),
        k,
        y.requires_grad,
        y.is_leaf,
    )


@program
def function_needs_input_grad(m):
    seen = []

    def forward(ctx, a, b, c, n):
        seen.append(ctx.needs_input_grad)
        return a * b * c * n

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g, None, g * 2, None

    F = function(m, forward, backward)
    x, w = leaf(m), leaf(m)
    F.apply(x, m.ones(2), w, 3).sum().backward()
    with m.no_grad():
        y = F.apply(x, m.ones(2), w, 3)
    return seen, x.grad, w.grad, y.requires_grad


@program
def function_tuple_outputs(m):
    seen = []

    def forward(ctx, x):
        return x * 2, 5, "text", x + 1, None

    def backward(ctx, *gs):
        seen.append([type(g).__name__ for g in gs])
        return gs[0] * 2 + gs[3]

    F = function(m, forward, backward)
    x = leaf(m)
    a, five, text, b, none = F.apply(x)
    (a.sum() + 3 * b.sum()).backward()
    only = F.apply(x)[0]
    only.sum().backward()
    return five, text, none, a.output_nr, b.output_nr, seen, x.grad


@program
def function_list_output(m):
    F = function(m, lambda ctx, x: [x * 2, x * 3], lambda ctx, a, b: a * 2 + b * 3)
    out = F.apply(leaf(m))
    return type(out).__name__, len(out)


@program
def function_single_tuple(m):
    F = function(m, lambda ctx, x: (x * 2,), lambda ctx, a: a * 2)
    out = F.apply(leaf(m))
    return type(out).__name__, out


@program
def function_wrong_outputs(m):
    def of(value):
        F = function(m, lambda ctx, x: value, lambda ctx, g: g)
        return caught(F.apply, leaf(m))

    return [of(3), of("s"), of(None), of((1, 2)), of({})]


@program
def function_wrong_number_of_gradients(m):
    def run(*values):
        F = function(m, lambda ctx, x, n: x * n, lambda ctx, g: values if len(values) != 1 else values[0])
        x = leaf(m)
        return caught(F.apply(x, 2).sum().backward), x.grad

    g = m.ones(2)
    return [
        run(g),
        run(g, None),
        run(g, None, None),
        run(g, None, g),
        run(g, g),
        run(),
        run(3, None),
        run(m.ones(3), None),
        run(None, None),
        run(m.ones(1, 2), None),
        run(m.ones(2, dtype=m.float64), None),
        run(m.ones(2, 2), None),
    ]


@program
def function_extra_nones_are_allowed(m):
    F = function(m, lambda ctx, x: x * 2, lambda ctx, g: (g * 2, None, None))
    x = leaf(m)
    F.apply(x).sum().backward()
    return x.grad


@program
def function_without_backward(m):
    F = function(m, lambda ctx, x: x * 2)
    return caught(F.apply(leaf(m)).sum().backward), F.apply(m.ones(2))


@program
def function_without_forward(m):
    F = type("F", (m.autograd.Function,), {})
    return caught(F.apply, leaf(m)), caught(F)


@program
def function_vjp_name(m):
    F = function(m, lambda ctx, x: x * 2, vjp=lambda ctx, g: g * 2)
    x = leaf(m)
    F.apply(x).sum().backward()
    return x.grad


@program
def function_backward_and_vjp(m):
    F = function(m, lambda ctx, x: x * 2, lambda ctx, g: g, vjp=lambda ctx, g: g * 2)
    return caught(F.apply(leaf(m)).sum().backward)


@program
def function_setup_context(m):
    def setup(ctx, inputs, output):
        x, n = inputs
        ctx.n = n
        ctx.save_for_backward(x, output)

    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * ctx.n * x ** (ctx.n - 1) + 0 * y, None

    F = function(m, lambda x, n: x**n, backward, setup_context=setup)
    x = leaf(m)
    (g,) = m.autograd.grad(F.apply(x, 3).sum(), x, create_graph=True)
    return g.tolist(), m.autograd.grad(g.sum(), x)


@program
def function_save_kinds(m):
    def forward(ctx, x, c):
        inside = x * c
        y = inside.exp()
        ctx.save_for_backward(x, None, inside, y, c)
        return y

    seen = []

    def backward(ctx, g):
        x, none, inside, y, c = ctx.saved_tensors
        seen.append(
            [none, inside.requires_grad, y.requires_grad, x.requires_grad, c.requires_grad, y.grad_fn is None]
        )
        return g * y * c, None

    F = function(m, forward, backward)
    x = leaf(m, (0.5, 0.1))
    y = F.apply(x, m.tensor([2.0, 3.0]))
    y.sum().backward(retain_graph=True)
    m.autograd.grad(y.sum(), x, create_graph=True)
    return seen, x.grad


@program
def function_saved_identity(m):
    seen = []

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    def backward(ctx, g):
        seen.append(ctx.saved_tensors[0] is x)
        return g

    x = leaf(m)
    function(m, forward, backward).apply(x).sum().backward()
    return seen


@program
def function_save_errors(m):
    F = function(m, lambda ctx, x: (ctx.save_for_backward(x, 3), x * 2)[1], lambda ctx, g: g)
    return caught(F.apply, leaf(m))


@program
def function_saved_twice_freed(m):
    F = function(
        m, lambda ctx, x: (ctx.save_for_backward(x), x * 2)[1], lambda ctx, g: g * ctx.saved_tensors[0]
    )
    x = leaf(m)
    y = F.apply(x)
    saved = y.grad_fn.saved_tensors
    y.sum().backward()
    return saved, caught(y.sum().backward), caught(lambda: y.grad_fn.saved_tensors)


@program
def function_saving_nothing_runs_twice(m):
    F = function(m, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    x = leaf(m)
    y = F.apply(x).sum()
    y.backward()
    y.backward()
    return x.grad


@program
def function_saved_input_overwritten(m):
    F = function(
        m, lambda ctx, x: (ctx.save_for_backward(x), x * 2)[1], lambda ctx, g: g * ctx.saved_tensors[0]
    )
    x = leaf(m) * 1
    y = F.apply(x)
    x.add_(1)
    return caught(y.sum().backward)


@program
def function_context_attributes(m):
    def forward(ctx, x, n):
        ctx.n = n
        ctx.anything = {"a": 1}
        return x * n

    F = function(m, forward, lambda ctx, g: (g * ctx.n, None))
    x = leaf(m)
    y = F.apply(x, 4)
    y.sum().backward()
    return (
        x.grad,
        y.grad_fn.n,
        y.grad_fn.anything,
        caught(lambda: y.grad_fn.nothing),
        y.grad_fn.needs_input_grad,
    )


@program
def function_is_its_own_grad_fn(m):
    kept = []
    F = function(m, lambda ctx, x: (kept.append(ctx), x * 2)[1], lambda ctx, g: g * 2)
    y = F.apply(leaf(m))
    y.grad_fn.later = 5
    return kept[0].later, kept[0].name(), [(n, i) for n, i in kept[0].next_functions]
