"""What a tensor knows of its own history: requires_grad, is_leaf, grad, grad_fn, data, detach, versions."""

from parity import caught, leaf, program


@program
def state_leaf_flags(m):
    x, c = leaf(m), m.tensor([1.0])
    y = x * 2
    i = m.tensor([1, 2])
    return [
        (t.requires_grad, t.is_leaf, t.grad_fn, t.grad is None, t.output_nr, t._version) for t in (x, c, y, i)
    ]


@program
def state_requires_grad_setter(m):
    x = m.zeros(2)
    x.requires_grad = True
    y = x * 2
    y.requires_grad = True
    out = [x.requires_grad, y.requires_grad]
    x.requires_grad = False
    out.append(x.requires_grad)
    out.append(m.zeros(2).requires_grad_().requires_grad)
    out.append(m.zeros(2).requires_grad_(False).requires_grad)
    return out


@program
def state_requires_grad_errors(m):
    y = leaf(m) * 2
    return [
        caught(setattr, m.zeros(2), "requires_grad", 1),
        caught(setattr, m.zeros(2), "requires_grad", None),
        caught(setattr, y, "requires_grad", False),
        caught(y.requires_grad_, False),
        caught(m.tensor([1]).requires_grad_),
        caught(setattr, m.tensor([True]), "requires_grad", True),
        caught(m.tensor, [1], requires_grad=True),
        caught(m.zeros, 2, dtype=m.int64, requires_grad=True),
        caught(m.tensor([1]).requires_grad_, False),
        caught(setattr, m.tensor([1]), "requires_grad", False),
    ]


@program
def state_grad_accumulates(m):
    x = leaf(m)
    (x * x).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    return x.grad, first is x.grad, first._version


@program
def state_grad_identity(m):
    x = leaf(m)
    x.sum().backward()
    same = x.grad is x.grad
    x.grad.zero_()
    x.grad = None
    return same, x.grad


@program
def state_grad_assignment(m):
    x = leaf(m)
    g = m.tensor([3.0, 4.0])
    x.grad = g
    out = [x.grad is g]
    x.sum().backward()
    out += [x.grad, g]
    del x.grad
    out.append(x.grad)
    out += [
        caught(setattr, x, "grad", 1.0),
        caught(setattr, x, "grad", m.zeros(3)),
        caught(setattr, x, "grad", m.zeros(2, dtype=m.float64)),
        caught(setattr, x, "grad", x),
        caught(setattr, x, "grad", m.zeros(2, 1)),
    ]
    return out


@program
def state_grad_of_a_constant_may_be_assigned(m):
    c = m.zeros(2)
    c.grad = m.ones(2)
    return c.grad


@program
def state_non_leaf_grad_warns(m):
    y = leaf(m) * 2
    return y.grad


@program
def state_non_leaf_grad_after_retain_does_not_warn(m):
    y = leaf(m) * 2
    y.retain_grad()
    before = y.grad
    y.sum().backward()
    return before, y.grad, y.retains_grad


@program
def state_retain_grad_rules(m):
    x, c = leaf(m), m.zeros(2)
    x.retain_grad()
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    y.sum().backward()
    return x.retains_grad, y.grad, caught(c.retain_grad), y.retains_grad


@program
def state_retained_accumulates_over_two_backwards(m):
    x = leaf(m)
    y = x * 2
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    first = y.grad
    (y * 3).sum().backward()
    return y.grad, first is y.grad, first


@program
def state_retain_before_inplace(m):
    x = leaf(m)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    y.sum().backward()
    return y.grad, x.grad


@program
def state_retain_with_hook_order(m):
    x = leaf(m)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.retain_grad()
    y.register_hook(lambda g: g * 100)
    y.sum().backward()
    return y.grad, x.grad


@program
def state_detach(m):
    x = leaf(m)
    y = x * 2
    d = y.detach()
    d.add_(1)
    return d.requires_grad, d.is_leaf, y, y._version, d._version, d._is_view(), d._base is None


@program
def state_detach_of_a_view_and_leaf(m):
    x = leaf(m)
    d = x.detach()
    d[0] = 7.0
    return x, x._version, d.requires_grad


@program
def state_detach_inplace(m):
    x = leaf(m)
    y = x * 2
    z = y.detach_()
    v = (x * 2)[0:1]
    return z is y, y.requires_grad, y.is_leaf, y.grad_fn, caught(v.detach_), x.detach_().requires_grad


@program
def state_clone(m):
    x = leaf(m)
    y = x.clone()
    y.add_(1)
    y.sum().backward()
    return x, y, x.grad, y.is_leaf


@program
def state_data(m):
    x = leaf(m)
    d = x.data
    d.mul_(2)
    y = x * x
    x.data.add_(1)
    y.sum().backward()
    return x, x.grad, x._version, d.requires_grad, d._version


@program
def state_data_assignment(m):
    x = leaf(m)
    x.data = m.tensor([5.0, 6.0])
    x.data = m.zeros(3)
    return x, x._version, x.requires_grad, x.shape == (3,), caught(setattr, x, "data", 3)


@program
def state_data_assignment_of_another_dtype(m):
    x = leaf(m)
    return caught(setattr, x, "data", m.zeros(2, dtype=m.int64))


@program
def state_version_counts(m):
    x = m.zeros(4)
    out = [x._version]
    x.add_(1)
    out.append(x._version)
    v = x[:2]
    v.mul_(2)
    out += [x._version, v._version]
    x[0] = 3.0
    out += [x._version, v._version]
    x.zero_()
    x.fill_(2.0)
    out += [x._version]
    y = x.detach()
    y.add_(1)
    out += [x._version]
    with m.no_grad():
        x.add_(1)
    out += [x._version]
    return out


@program
def state_grad_fn_names(m):
    x = leaf(m)
    ys = [x + 1, x - 1, x * 2, x / 2, x**2, -x, x.exp(), x.sum(), x[0], x[:1], x.clone(), x.view(1, 2), x.t()]
    return [(y.grad_fn.name(), type(y.grad_fn).__name__) for y in ys]


@program
def state_grad_fn_repr(m):
    y = leaf(m) + 1
    text = repr(y.grad_fn)
    return text.split(" at 0x")[0], " at 0x" in text, str(y.grad_fn).startswith("<AddBackward0")


@program
def state_next_functions(m):
    x, c = leaf(m), m.ones(2)
    y = x * 2 + c
    f = y.grad_fn
    accumulate = f.next_functions[0][0].next_functions[0][0]
    return (
        [(n, i) for n, i in f.next_functions],
        [(n, i) for n, i in f.next_functions[0][0].next_functions],
        accumulate.variable is x,
        type(accumulate).__name__,
        accumulate.next_functions,
        f is y.grad_fn,
    )


@program
def state_next_functions_of_binary(m):
    x, y, c = leaf(m), leaf(m), m.ones(2)
    return [
        [(n, i) for n, i in z.grad_fn.next_functions]
        for z in (x * y, x * c, c * x, x + y, x - c, x / y, x**y, c**x)
    ]


@program
def state_next_functions_of_variables_alone(m):
    """What is a number for PyTorch's function, chooses, or says where, has no edge."""
    x, y, k, b = leaf(m), leaf(m), m.tensor([1, 0]), m.tensor([True, False])
    c = m.ones(2)
    results = (
        x**2,
        2**x,
        x.square(),
        x.remainder(2),
        x.fmod(2),
        m.copysign(x, 2),
        x.xlogy(2),
        m.rsub(x, 2),
        2 - x,
        x.clamp(0, 1),
        x.clamp(0),
        x.clamp(c, c),
        x.clamp_min(0),
        x.clamp_max(0),
        m.lerp(x, c, 0.5),
        m.lerp(x, c, c),
        m.where(b, x, c),
        m.where(b, c, x),
        x.masked_fill(b, 2.0),
        x.masked_fill(b, y[0]),
        x.masked_select(b),
        x[b],
        x[k],
        x[k[:1],],
        x.take(k),
        x.gather(0, k),
        x.index_select(0, k),
        x.scatter(0, k, c),
        c.scatter(0, k, x),
        x.scatter(0, k, 1.0),
        x.scatter_add(0, k, c),
        x.index_add(0, k, c),
        x.index_copy(0, k, c),
        c.index_copy(0, k, x),
        x.index_fill(0, k, 1.0),
        x.index_put((k,), c),
        c.index_put((k,), x),
        x.masked_scatter(b, c),
        x.masked_fill(b, c[0]),
        x.index_fill(0, k, c[0]),
        x.put(k, c),
        c.put(k, x),
        m.polygamma(1, x),
        x.scatter_reduce(0, k, c, "prod"),
        x + 1,
        x * 2,
        x * k,
        x - k,
    )
    return [(z.grad_fn.name(), [(n, i) for n, i in z.grad_fn.next_functions]) for z in results]


@program
def state_grad_fn_attributes(m):
    x = leaf(m)
    y = x.exp()
    z = x * y
    return (
        y.grad_fn._saved_result,
        z.grad_fn._saved_self,
        z.grad_fn._saved_other,
        caught(lambda: z.grad_fn.nonsense),
        (x**3).grad_fn._saved_exponent,
    )


@program
def state_saved_after_free(m):
    x = leaf(m)
    y = x.exp()
    y.sum().backward()
    return caught(lambda: y.grad_fn._saved_result)


@program
def state_node_metadata(m):
    y = leaf(m) * 2
    y.grad_fn.metadata["who"] = "me"
    return y.grad_fn.metadata, (leaf(m) * 2).grad_fn.metadata


@program
def state_deepcopy(m):
    import copy

    x = leaf(m)
    x.sum().backward()
    z = copy.deepcopy(x)
    return z, z.grad, z.is_leaf, z.grad is not x.grad, caught(copy.deepcopy, x * 2)


@program
def state_is_view_and_base(m):
    x = leaf(m)
    y = x * 2
    v, w = y[0], y.view(2, 1)[0]
    return v._is_view(), v._base is y, w._base is y, y._is_view(), x[0]._base is x


@program
def state_grad_layout_of_a_transposed_leaf(m):
    x = m.arange(6.0).view(2, 3).t().requires_grad_()
    (x * m.arange(6.0).view(3, 2)).sum().backward()
    return x.grad, x.grad.stride()


@program
def state_grad_of_expanded_cotangent_is_a_copy(m):
    x, z = m.zeros(2, 2, requires_grad=True), m.zeros(2, 2, requires_grad=True)
    (x + z).sum().backward()
    x.grad.add_(1)
    return x.grad, z.grad


@program
def state_leaf_in_a_list_of_results(m):
    x = m.zeros((), requires_grad=True)
    x.backward()
    x.backward()
    return x.grad


# ---- leaves that change between forward and backward ----


def used(m, f=lambda x: x * 2):
    x = m.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    return x, f(x).sum()


@program
def leaf_frozen_after_forward(m):
    x, loss = used(m)
    seen = []
    x.register_hook(lambda g: seen.append(g.tolist()))
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad))
    x.requires_grad_(False)
    loss.backward()
    return x.grad, seen


@program
def leaf_frozen_and_thawed(m):
    x, loss = used(m)
    loss.backward(retain_graph=True)
    x.requires_grad_(False)
    loss.backward(retain_graph=True)
    frozen = x.grad.clone()
    x.requires_grad_(True)
    loss.backward()
    return frozen, x.grad


@program
def gradient_of_a_frozen_leaf(m):
    x, loss = used(m)
    x.requires_grad_(False)
    return caught(m.autograd.grad, loss, x)


@program
def leaf_transposed_after_forward(m):
    x, loss = used(m, lambda x: x * m.arange(6.0).reshape(2, 3))
    with m.no_grad():
        x.t_()
    return caught(loss.backward), x.grad


@program
def leaf_with_another_dimension_after_forward(m):
    x = m.tensor([1.0, 2.0, 3.0], requires_grad=True)
    loss = (x * 2).sum()
    with m.no_grad():
        x.unsqueeze_(1)
    loss.backward()
    return x.shape, x.grad


@program
def leaf_of_another_dtype_after_forward(m):
    x, loss = used(m)
    x.data = x.data.double()
    loss.backward()
    return x.dtype, x.grad


@program
def leaf_of_another_shape_captured(m):
    x, loss = used(m)
    x.data = m.ones(5)
    return m.autograd.grad(loss, x)


@program
def result_transposed_outside_of_the_graph(m):
    x = m.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    y = x * 1
    with m.no_grad():
        y.t_()
    return caught((y * 2).sum().backward), x.grad


@program
def result_of_other_data(m):
    x = m.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    y = x * 1
    y.data = m.ones(4)
    return caught((y * 2).sum().backward), x.grad


@program
def accumulated_gradient_of_another_shape(m):
    x, loss = used(m)
    loss.backward(retain_graph=True)
    x.grad.t_()
    return caught(loss.backward)
