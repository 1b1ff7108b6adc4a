"""autograd.Function: what forward may return and write, modes inside, and calls in calls."""

from parity import caught, function, leaf, program


def double_in_place(ctx, x):
    x.mul_(2)
    ctx.mark_dirty(x)
    return x


@program
def function_mark_dirty(m):
    F = function(m, double_in_place, lambda ctx, g: g * 2)
    x = leaf(m)
    y = x * 1
    z = F.apply(y)
    z.sum().backward()
    return z is y, x.grad, z, y._version, caught(F.apply, x)


@program
def function_mark_dirty_on_a_view(m):
    F = function(m, double_in_place, lambda ctx, g: g * 2)
    x = leaf(m)
    y = x * 1
    v = y[:1]
    F.apply(v)
    y.sum().backward()
    return x.grad, y


@program
def function_mark_dirty_not_returned(m):
    F = function(m, lambda ctx, x: double_in_place(ctx, x) * 1, lambda ctx, g: g * 2)
    return caught(F.apply, leaf(m) * 1)


@program
def function_mark_dirty_of_a_constant(m):
    def forward(ctx, x, c):
        c.copy_(x * 2)
        ctx.mark_dirty(c)
        return c

    F = function(m, forward, lambda ctx, g: (g * 2, None))
    x, c = leaf(m), m.zeros(2)
    y = F.apply(x, c)
    y.sum().backward()
    return y is c, c.requires_grad, x.grad


@program
def function_non_differentiable(m):
    seen = []

    def forward(ctx, x):
        order = x > 1
        other = x * 0
        ctx.mark_non_differentiable(order, other)
        return x * 2, order, other

    def backward(ctx, a, b, c):
        seen.append((a, b, c))
        return a * 2

    F = function(m, forward, backward)
    x = leaf(m)
    y, order, other = F.apply(x)
    y.sum().backward()
    return order.requires_grad, other.requires_grad, other.is_leaf, seen, x.grad


@program
def function_materialize(m):
    seen = []

    def make(on):
        def forward(ctx, x):
            ctx.set_materialize_grads(on)
            return x * 2, x * 3

        def backward(ctx, a, b):
            seen.append((a, b))
            return a

        return function(m, forward, backward)

    for on in (True, False):
        make(on).apply(leaf(m))[0].sum().backward()
    return seen


@program
def function_gets_none_from_another(m):
    seen = []
    A = function(m, lambda ctx, x: x * 2, lambda ctx, g: (seen.append(g), g * 2)[1])
    B = function(m, lambda ctx, x: x * 2, lambda ctx, g: None)
    x = leaf(m)
    B.apply(A.apply(x)).sum().backward()
    return seen, x.grad


@program
def function_node_gets_none(m):
    seen = []
    B = function(m, lambda ctx, x: x * 2, lambda ctx, g: None)
    x = leaf(m)
    y = x * 3
    y.register_hook(lambda g: seen.append(g))
    y.grad_fn.register_hook(lambda i, o: seen.append((i, o)))
    y.retain_grad()
    x.register_hook(lambda g: seen.append(("x", g)))
    B.apply(y).sum().backward()
    return seen, x.grad, y.grad


@program
def function_once_differentiable(m):
    from importlib import import_module

    once = import_module(m.__name__ + ".autograd.function").once_differentiable
    F = function(m, lambda ctx, x: x * x, once(lambda ctx, g: g * 2))
    x = leaf(m)
    y = F.apply(x).sum()
    out = [m.autograd.grad(y, x, retain_graph=True)]
    (g,) = m.autograd.grad(y, x, create_graph=True)
    out += [g.requires_grad, g.tolist()]
    w = leaf(m)
    (h,) = m.autograd.grad((F.apply(x) * w).sum(), x, create_graph=True)
    return out, h.requires_grad, caught(h.sum().backward)


@program
def function_input_returned(m):
    F = function(m, lambda ctx, x: x, lambda ctx, g: g * 3)
    x = leaf(m)
    y = F.apply(x)
    y.sum().backward()
    return y is x, y.grad_fn, x.grad, y._is_view()


@program
def function_constant_input_returned(m):
    F = function(m, lambda ctx, x, c: c, lambda ctx, g: (g * 3, None))
    x, c = leaf(m), m.ones(2)
    y = F.apply(x, c)
    y.sum().backward()
    return y is c, c.requires_grad, y.requires_grad, x.grad


@program
def function_view_returned(m):
    F = function(m, lambda ctx, x: x.view(2, 1), lambda ctx, g: g.reshape(2) * 3)
    x = leaf(m)
    z = x * 1
    y = F.apply(z)
    y.sum().backward()
    return y._is_view(), x.grad, caught(y.add_, 1)


@program
def function_views_returned(m):
    F = function(m, lambda ctx, x: (x[:1], x[1:]), lambda ctx, a, b: m.ones(2))
    z = leaf(m) * 1
    a, b = F.apply(z)
    return a._is_view(), caught(a.add_, 1)


@program
def function_same_output_twice(m):
    def forward(ctx, x):
        y = x * 2
        return y, y

    F = function(m, forward, lambda ctx, a, b: a * 2 + b * 2)
    x = leaf(m)
    a, b = F.apply(x)
    (a.sum() + 2 * b.sum()).backward()
    return a is b, x.grad


@program
def function_integer_outputs(m):
    F = function(m, lambda ctx, x: (x * 2, (x > 1)), lambda ctx, a, b: a)
    a, b = F.apply(leaf(m))
    return b.requires_grad, a.requires_grad


@program
def function_grad_mode_inside(m):
    seen = []

    def forward(ctx, x):
        seen.append(m.is_grad_enabled())
        with m.enable_grad():
            seen.append((x * 2).requires_grad)
        return x * 2

    def backward(ctx, g):
        seen.append(m.is_grad_enabled())
        return g

    F = function(m, forward, backward)
    x = leaf(m)
    F.apply(x).sum().backward()
    m.autograd.grad(F.apply(x).sum(), x, create_graph=True)
    return seen


@program
def function_checkpoint(m):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin() * x

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        with m.enable_grad():
            inner = x.detach().requires_grad_()
            y = inner.sin() * inner
        y.backward(g)
        return inner.grad

    x = leaf(m)
    function(m, forward, backward).apply(x * 2).sum().backward()
    return x.grad


@program
def function_error_in_forward(m):
    def forward(ctx, x):
        raise KeyError("mine")

    return caught(function(m, forward).apply, leaf(m)), m.is_grad_enabled()


@program
def function_error_in_backward(m):
    def backward(ctx, g):
        raise KeyError("mine")

    x = leaf(m)
    y = function(m, lambda ctx, x: x * 2, backward).apply(x)
    return caught(y.sum().backward), m.is_grad_enabled(), caught(y.sum().backward)


@program
def function_inside_a_function(m):
    Square = function(
        m,
        lambda ctx, x: (ctx.save_for_backward(x), x * x)[1],
        lambda ctx, g: 2 * g * ctx.saved_tensors[0],
    )

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * Square.apply(x) / x

    Outer = function(m, lambda ctx, x: (ctx.save_for_backward(x), Square.apply(x))[1], backward)
    x = leaf(m)
    (g,) = m.autograd.grad(Outer.apply(x).sum(), x, create_graph=True)
    return g.tolist(), m.autograd.grad(g.sum(), x)


@program
def function_keyword_arguments(m):
    F = function(m, lambda ctx, x, n=2: x * n, lambda ctx, g: (g, None))
    return caught(F.apply, leaf(m), n=3)


@program
def function_tensor_in_a_list_is_not_seen(m):
    F = function(m, lambda ctx, xs: xs[0] * 2, lambda ctx, g: g)
    return F.apply([leaf(m)]).requires_grad


@program
def function_hooks_on_its_node(m):
    seen = []
    F = function(m, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    x = leaf(m)
    y = F.apply(x)
    y.grad_fn.register_hook(lambda i, o: seen.append((i, o)))
    y.grad_fn.register_prehook(lambda o: seen.append(o))
    y.register_hook(lambda g: seen.append(g))
    y.sum().backward()
    return seen


@program
def function_jvp(m):
    fwAD = m.autograd.forward_ad

    def jvp(ctx, t, n):
        return ctx.n * t * ctx.x ** (ctx.n - 1)

    def forward(ctx, x, n):
        ctx.n, ctx.x = n, x
        return x**n

    F = function(m, forward, lambda ctx, g: (g, None), jvp=jvp)
    with fwAD.dual_level():
        x = fwAD.make_dual(m.tensor([1.0, 2.0]), m.tensor([1.0, 0.5]))
        y = F.apply(x, 3)
        return fwAD.unpack_dual(y).tangent, fwAD.unpack_dual(y).primal


@program
def function_save_for_forward(m):
    fwAD = m.autograd.forward_ad

    def forward(ctx, x):
        ctx.save_for_forward(x)
        return x * x

    F = function(m, forward, lambda ctx, g: g, jvp=lambda ctx, t: 2 * ctx.saved_tensors[0] * t)
    with fwAD.dual_level():
        x = fwAD.make_dual(m.tensor([1.0, 2.0]), m.tensor([1.0, 0.5]))
        return fwAD.unpack_dual(F.apply(x)).tangent


@program
def function_called_on_the_class(m):
    F = function(m, lambda ctx, x: x * 2, lambda ctx, g: g)
    return F.__name__, hasattr(F, "apply"), hasattr(F, "_backward_cls"), F._backward_cls.__name__


@program
def function_view_whose_base_is_written(m):
    F = function(m, lambda ctx, x: x.view(2, 1), lambda ctx, g: g.reshape(2) * 3)
    z = leaf(m) * 1
    y = F.apply(z)
    z.mul_(2)
    return caught(lambda: y * 2)


@program
def function_handed_through_input_is_written(m):
    F = function(m, lambda ctx, x: x, lambda ctx, g: g * 3)
    z = leaf(m) * 1
    y = F.apply(z)
    return caught(y.mul_, 2)


@program
def function_marks_what_is_no_tensor(m):
    def dirty(ctx, x):
        ctx.mark_dirty(3)
        return x * 2

    def constant(ctx, x):
        ctx.mark_non_differentiable(3)
        return x * 2

    return [caught(function(m, f).apply, leaf(m))[:55] for f in (dirty, constant)]


@program
def function_dirty_and_not_differentiable(m):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        ctx.mark_non_differentiable(x)
        return x.mul_(2)

    x = leaf(m)
    y = x * 1
    z = function(m, forward, lambda ctx, g: g).apply(y)
    return z, z.requires_grad, m.autograd.grad((x * z).sum(), x)


@program
def function_jvp_of_what_it_writes(m):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    ad = m.autograd.forward_ad
    rule = function(m, forward, lambda ctx, g: g * 2, jvp=staticmethod(lambda ctx, t: t.mul_(2)))
    with ad.dual_level():
        dual = ad.make_dual(m.tensor([1.0, 2.0]), m.tensor([1.0, 3.0]))
        out = rule.apply(dual)
        return out is dual, ad.unpack_dual(out), ad.unpack_dual(out * 3)


@program
def function_jvp_wrong(m):
    ad = m.autograd.forward_ad

    def push(**rules):
        rule = function(m, lambda ctx, x: x * 2, None, **rules)
        with ad.dual_level():
            ad.unpack_dual(rule.apply(ad.make_dual(m.ones(2), m.ones(2))))

    return [
        caught(push, jvp=staticmethod(lambda ctx, t: (t, t))),
        caught(push, jvp=staticmethod(lambda ctx, t: 3)),
        caught(push, jvp=staticmethod(lambda ctx, t: m.ones(3))),
        caught(push),
    ]


@program
def function_rules_of_vmap(m):
    F = m.autograd.Function
    return F.generate_vmap_rule, caught(F.vmap, None, None, 3)


@program
def function_names_of_the_context(m):
    function = m.autograd.function
    seen = []

    class G(m.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            seen.append(isinstance(ctx, function.FunctionCtx))
            return x * 2

        @staticmethod
        def backward(ctx, g):
            seen.append(isinstance(ctx, function.BackwardCFunction))
            return g

    G.apply(leaf(m)).sum().backward()
    return seen, type(G).__name__, isinstance(G, function.FunctionMeta)
