"""Hooks of saved tensors, and saved values as attributes of nodes."""

from parity import caught, leaf, program


def hooks(m, pack, unpack=lambda x: x):
    return m.autograd.graph.saved_tensors_hooks(pack, unpack)


@program
def saved_hooks_see_operands(m):
    x, c, seen = leaf(m), m.tensor([3.0, 4.0]), []

    def pack(t):
        seen.append((t is x, t is c, t.requires_grad, t.is_leaf, m.is_grad_enabled(), t.tolist()))
        return t.detach().clone()

    def unpack(t):
        seen.append(("unpack", t.tolist(), m.is_grad_enabled()))
        return t

    with hooks(m, pack, unpack):
        y = x * c
        z = (x * x).sum()
    x * x
    y.sum().backward()
    m.autograd.grad(z, x, create_graph=True)
    return seen, x.grad


@program
def saved_hooks_see_results(m):
    x, seen = leaf(m), []

    def pack(t):
        seen.append((t.grad_fn, t.requires_grad, t.is_leaf, t.tolist()))
        return t.detach()

    with hooks(m, pack):
        y = x.exp()
        z = y.sqrt()
        w = m.softmax(x, 0)
    (z.sum() + (w * w).sum()).backward()
    return seen, x.grad


@program
def saved_hooks_unpack_once_a_pass(m):
    x, seen = leaf(m), []
    with hooks(m, lambda t: t.detach(), lambda t: (seen.append(t.tolist()), t)[1]):
        y = (x * x.exp()).sum()
    y.backward(retain_graph=True)
    first = sorted(seen)
    seen.clear()
    y.backward()
    return first, sorted(seen), x.grad, caught(y.backward)


@program
def saved_hooks_nest(m):
    x, seen = leaf(m), []

    def named(name):
        return hooks(m, lambda t: (seen.append(name), t.detach())[1])

    with named("outer"):
        x * 1.5 * x
        with named("inner"):
            x.exp()
        x.sin()
    x.sin()
    return seen


@program
def saved_hooks_twice_differentiable(m):
    x = leaf(m)
    with hooks(m, lambda t: t.detach().clone()):
        y = (x * x * x).sum()
    (g,) = m.autograd.grad(y, x, create_graph=True)
    (h,) = m.autograd.grad(g.sum(), x)
    return g, h


@program
def saved_hooks_in_a_backward_pass(m):
    x, seen = leaf(m), []
    y = (x * x).sum()
    with hooks(m, lambda t: (seen.append(1), t.detach())[1]):
        (g,) = m.autograd.grad(y, x, create_graph=True)
    return len(seen) > 0, m.autograd.grad(g.sum(), x)


@program
def saved_hooks_may_return_another_dtype(m):
    x = leaf(m)
    with hooks(m, lambda t: t.double()):
        y = (x * m.tensor([3.0, 4.0])).sum()
    y.backward()
    return x.grad


@program
def saved_hooks_that_change_the_value(m):
    x = leaf(m)
    with hooks(m, lambda t: t.detach(), lambda t: t * 10):
        y = (x * m.tensor([3.0, 4.0])).sum()
    y.backward()
    return x.grad


@program
def saved_hooks_do_not_watch_versions(m):
    x = leaf(m)
    y = x * 1
    with hooks(m, lambda t: t.detach().clone()):
        z = (y * y).sum()
    y.zero_()
    z.backward()
    return x.grad


@program
def saved_hooks_wrong(m):
    def run(pack=lambda t: t.detach(), unpack=lambda t: t):
        x = leaf(m)
        with hooks(m, pack, unpack):
            y = x.exp() * m.tensor([3.0, 4.0])
        y.sum().backward()

    def fails(t):
        raise KeyError("mine")

    return [
        caught(run, unpack=lambda t: 3),
        caught(run, unpack=lambda t: None),
        caught(run, pack=lambda t: t.add_(1)),
        caught(run, pack=fails),
        caught(run, unpack=fails),
        caught(run),
    ]


@program
def saved_hooks_disabled(m):
    graph = m.autograd.graph

    def set_hooks():
        with hooks(m, lambda t: t):
            pass

    def disable(message):
        with graph.disable_saved_tensors_hooks(message):
            pass

    seen = []
    with graph.disable_saved_tensors_hooks("first"):
        seen.append(caught(set_hooks))
        with graph.disable_saved_tensors_hooks("second"):
            seen.append(caught(set_hooks))
        seen.append(caught(set_hooks))
    seen.append(caught(set_hooks))
    with hooks(m, lambda t: t):
        seen.append(caught(disable, "third"))
        seen.append(caught(set_hooks))
    seen.append(caught(set_hooks))
    return seen


@program
def saved_hooks_of_a_function(m):
    x, c, seen = leaf(m), m.tensor([3.0, 4.0]), []

    class F(m.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y, between = x.exp(), x * 2
            ctx.save_for_backward(x, y, between, None, c)
            return y

        @staticmethod
        def backward(ctx, g):
            x, y, between, none, c = ctx.saved_tensors
            seen.append((between, none, c))
            return g * y * c + 0 * x

    def pack(t):
        seen.append((t is x, t is c, t.grad_fn is not None, t.tolist()))
        return t.detach().clone()

    with hooks(m, pack):
        y = F.apply(x)
    y.sum().backward()
    return seen, x.grad


@program
def saved_hooks_of_a_function_differentiated_twice(m):
    x = leaf(m)

    class Square(m.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g

    with hooks(m, lambda t: t.detach()):
        y = Square.apply(x * 1).sum()
    (g,) = m.autograd.grad(y, x, create_graph=True)
    return g, m.autograd.grad(g.sum(), x)


@program
def saved_hooks_save_on_cpu(m):
    x = leaf(m)
    with m.autograd.graph.save_on_cpu():
        y = (x * x.exp()).sum()
    with m.autograd.graph.save_on_cpu(pin_memory=False, device_type="cuda"):
        y = y + (x * x).sum()
    y.backward()
    return x.grad


@program
def allow_mutation(m):
    x, graph = leaf(m), m.autograd.graph
    with graph.allow_mutation_on_saved_tensors():
        y = x.clone()
        out = (y**2).sum()
        y.sin_()
        v = y[0:1]
        out = out + (v * v).sum() + y.exp().sum()
        y[0] = 7.0
        out.backward()
    return x.grad


@program
def allow_mutation_errors(m):
    x, graph = leaf(m), m.autograd.graph

    def nested():
        with graph.allow_mutation_on_saved_tensors():
            with graph.allow_mutation_on_saved_tensors():
                pass

    with graph.allow_mutation_on_saved_tensors():
        y = (x**2).sum()
    outside = caught(y.backward)[:60]
    with graph.allow_mutation_on_saved_tensors():
        later = caught(y.backward)[:60]
    return caught(nested), outside, later, caught(nested)


@program
def raw_saved_tensors(m):
    x, seen = leaf(m), []
    y = x.exp()
    raw = y.grad_fn._raw_saved_result

    def pack(t):
        seen.append(("pack", t.tolist()))
        return t.detach()

    raw.register_hooks(pack, lambda t: (seen.append(("unpack", t.tolist())), t)[1])
    twice = caught(raw.register_hooks, pack, pack)
    y.sum().backward()
    return seen, x.grad, twice, caught(raw.register_hooks, pack, pack), type(raw).__name__, caught(type(raw))


@program
def raw_saved_tensors_of_a_function(m):
    class F(m.autograd.Function):
        @staticmethod
        def forward(ctx, x, c):
            ctx.save_for_backward(x, c)
            return x * c

        @staticmethod
        def backward(ctx, g):
            x, c = ctx.saved_tensors
            return g * c, None

    x, c = leaf(m), m.tensor([3.0, 4.0])
    y = F.apply(x, c)
    raw = y.grad_fn._raw_saved_tensors
    raw[1].register_hooks(lambda t: t.detach() * 10, lambda t: t)
    y.sum().backward()
    return len(raw), x.grad


@program
def raw_saved_tensors_wrong(m):
    def register(pack, unpack=lambda t: t):
        x = leaf(m)
        y = x * x
        y.grad_fn._raw_saved_self.register_hooks(pack, unpack)
        y.sum().backward()

    return [
        caught(register, lambda t: t.add_(1)),
        caught(register, lambda: 3).split(":")[0],
        caught(register, 3).split(":")[0],
        caught(register, lambda t: t.detach(), lambda t: 3),
        caught(register, lambda t: t.detach()),
    ]


@program
def saved_numbers_and_shapes(m):
    """`alpha`; numbers, of which PyTorch makes tensors; what no gradient reads; shapes of what was not saved."""
    x, c = leaf(m), m.tensor([3.0, 4.0])
    alphas = (x + 1, x + c, m.add(x, x, alpha=3), x - c, m.sub(c, x, alpha=2), 1 + x)
    wide = x.expand(3, 2)
    return (
        [z.grad_fn._saved_alpha for z in alphas],
        [(z.grad_fn._saved_self, z.grad_fn._saved_other.item()) for z in (x * 2, x / 4, x * 2.5)],
        (x * c).grad_fn._saved_self,
        (c * x).grad_fn._saved_other,
        (c / x).grad_fn._saved_self,
        [
            tuple(z.grad_fn._saved_self_sym_sizes)
            for z in (x.sum(), wide.sum(0), wide.mean(), wide, x.view(2, 1))
        ],
        wide.mean().grad_fn._saved_self_sym_numel,
        caught(lambda: (x * c).grad_fn._saved_alpha).split(":")[0],
        caught(lambda: x.exp().grad_fn._saved_self_sym_sizes).split(":")[0],
    )


@program
def saved_attributes(m):
    x, c = leaf(m), m.tensor([3.0, 4.0])
    y, w = x.exp(), x * c
    free = (x * x).sum()
    f = free.grad_fn.next_functions[0][0]
    got = [
        w.grad_fn._saved_other,
        y.grad_fn._saved_result,
        f._saved_self is x,
        f._saved_other is x,
        (x**3).grad_fn._saved_exponent == 3,
        (x**c).grad_fn._saved_exponent,
        x.max(0)[0].grad_fn._saved_indices,
        x.softmax(0).grad_fn._saved_result,
        x.dot(c).grad_fn._saved_tensor,
        m.where(c > 3, x, c).grad_fn._saved_condition,
        caught(lambda: (x + c).grad_fn._saved_self).split(":")[0],
        caught(lambda: w.grad_fn._saved_nothing).split(":")[0],
    ]
    free.backward()
    return got, caught(lambda: f._saved_self)
