"""Writing in place: leaves, views, saved values, versions."""

from parity import caught, program


def leaf(m, values=(1.0, 2.0, 3.0)):
    return m.tensor(list(values), requires_grad=True)


def assign(t, index, value):
    t[index] = value


@program
def inplace_on_leaves(m):
    x = leaf(m)
    return [
        caught(x.add_, 1),
        caught(x[0].add_, 1),
        caught(x.view(3, 1).mul_, 2),
        caught(assign, x, 0, 1.0),
        caught(x.copy_, m.zeros(3)),
        caught(x.detach().add_, 1),
        x,
    ]


@program
def inplace_chain(m):
    x = leaf(m)
    y = x * 2
    y += 1
    y *= x
    y -= x
    y /= 2
    y.sum().backward()
    return y, x.grad


@program
def inplace_names(m):
    x = leaf(m)
    y = x * 1
    out = []
    y.add_(1)
    out.append(y.grad_fn)
    y.mul_(2)
    out.append(y.grad_fn)
    y[0] = 1.0
    out.append(y.grad_fn)
    v = y[1:]
    out.append(v.grad_fn)
    v.mul_(2)
    out += [v.grad_fn, y.grad_fn]
    y.exp_()
    out += [v.grad_fn, y.grad_fn]
    return out


@program
def inplace_on_saved_self(m):
    x = leaf(m)
    y = x * 1
    z = y * y
    y.add_(1)
    return caught(z.sum().backward)


@program
def inplace_on_saved_output(m):
    x = leaf(m)
    y = x.exp()
    y.add_(1)
    return caught(y.sum().backward)


@program
def inplace_on_unneeded_value(m):
    x = leaf(m)
    y = x * 1
    z = y + 2
    y.add_(1)
    z.sum().backward()
    return x.grad


@program
def inplace_on_detached_alias_of_saved(m):
    x = leaf(m)
    y = x.exp()
    y.detach().add_(1)
    return caught(y.sum().backward)


@program
def inplace_on_saved_constant(m):
    x, c = leaf(m), m.ones(3)
    y = x * c
    c.add_(1)
    return caught(y.sum().backward)


@program
def inplace_on_data_of_saved_is_silent(m):
    x, c = leaf(m), m.ones(3)
    y = x * c
    c.data.add_(1)
    y.sum().backward()
    return x.grad


@program
def inplace_view_rebases_base(m):
    x = leaf(m)
    y = x * 2
    v = y[1:]
    v.mul_(10)
    y.sum().backward()
    return y, v, x.grad, v.grad_fn, y.grad_fn


@program
def inplace_base_changes_views(m):
    x = leaf(m)
    y = x * 2
    v = y[1:]
    y.mul_(10)
    v.sum().backward()
    return v, x.grad, v.grad_fn


@program
def inplace_constant_base_gets_history(m):
    x, base = leaf(m), m.zeros(5)
    base[1:4] = x * 2
    (base * base).sum().backward()
    return base, base.grad_fn, x.grad, base.is_leaf


@program
def inplace_constant_base_through_a_view(m):
    x, base = leaf(m), m.ones(2, 3)
    row = base[0]
    row.mul_(x)
    other = base[:, 1]
    base.sum().backward()
    return base.requires_grad, row.requires_grad, other.requires_grad, x.grad, row.grad_fn, other.grad_fn


@program
def inplace_views_of_views(m):
    x = leaf(m, range(8))
    y = (x * 1).view(2, 4)
    z = y[1]
    w = z[1:3]
    w.mul_(5)
    z.add_(1)
    (y * y).sum().backward()
    return x.grad, y, w.grad_fn, z.grad_fn, y.grad_fn


@program
def inplace_copy_into_view(m):
    x, w = leaf(m), leaf(m)
    y = x * 1
    y[:2].copy_(w[1:] * 3)
    y.sum().backward()
    return x.grad, w.grad


@program
def inplace_copy_with_broadcast_and_dtype(m):
    w = m.tensor([2.0], requires_grad=True, dtype=m.float64)
    y = m.zeros(3)
    y.copy_(w)
    (y * m.tensor([1.0, 2.0, 3.0])).sum().backward()
    return w.grad, y


@program
def inplace_under_no_grad(m):
    x = leaf(m)
    y = x * 2
    with m.no_grad():
        y.mul_(3)
        v = y[0]
        v.add_(1)
    y.sum().backward()
    return y, x.grad


@program
def inplace_through_view_made_under_no_grad(m):
    x = leaf(m)
    y = x * 2
    with m.no_grad():
        v = y[:1]
    return caught(v.mul_, 2), v.requires_grad


@program
def inplace_through_no_grad_view_of_constant(m):
    x, base = leaf(m), m.zeros(3)
    with m.no_grad():
        v = base[:1]
    v.add_(1)
    return caught(v.mul_, x[:1]), base


@program
def inplace_on_unbind_output(m):
    x = leaf(m)
    y = x * 2
    a, b, c = y.unbind()
    return caught(a.mul_, 2), caught(lambda: y.mul_(2))


@program
def inplace_on_split_output(m):
    y = leaf(m) * 2
    a = y.split(1)[0]
    return caught(a.mul_, 2)


@program
def inplace_on_unbind_of_a_constant(m):
    a = m.zeros(3).unbind()[0]
    a.add_(1)
    return a


@program
def inplace_on_expanded(m):
    y = m.zeros(1).expand(3)
    return caught(y.add_, 1)


@program
def inplace_grows(m):
    return caught(m.zeros(3).add_, m.zeros(2, 3)), caught(m.zeros(3, dtype=m.int64).add_, 1.5)


@program
def inplace_result_of_an_integer(m):
    x = leaf(m)
    i = m.tensor([1, 2, 3])
    return caught(i.add_, x)


@program
def inplace_detached_then_written(m):
    x = leaf(m)
    y = x * 2
    d = y.detach()
    y.mul_(3)
    return d, d.requires_grad


@program
def inplace_requires_grad_after_write_of_base(m):
    x, base = leaf(m), m.zeros(3)
    v = base[:2]
    base.copy_(x)
    return v.requires_grad, v.is_leaf, v.grad_fn


@program
def inplace_view_of_leaf_made_under_no_grad(m):
    x = leaf(m)
    with m.no_grad():
        v = x[:1]
        v.add_(1)
    return x, x._version, caught(v.add_, 1)


@program
def inplace_leaf_that_stops_requiring(m):
    x = leaf(m)
    v = x[:1]
    return caught(setattr, v, "requires_grad", False), x.requires_grad_(False).requires_grad, v.requires_grad


@program
def inplace_self_alias(m):
    x = leaf(m)
    y = x * 1
    y.add_(y)
    y[1:].add_(y[:-1].clone())
    y.sum().backward()
    return y, x.grad


@program
def inplace_setitem_forms(m):
    x = leaf(m, range(1, 7))
    y = (x * 1).view(2, 3)
    y[0] = 5.0
    y[:, 1] = m.tensor([1.0, 2.0])
    y[1, 2] = y[1, 0] * 2
    (y * y).sum().backward()
    return y, x.grad


@program
def inplace_second_order(m):
    x = leaf(m)
    y = x * x
    y[1:] *= x[:2]
    (g,) = m.autograd.grad((y * y).sum(), x, create_graph=True)
    return g.tolist(), m.autograd.grad(g.sum(), x)


@program
def inplace_keeps_identity_of_grad(m):
    x = leaf(m)
    y = x.clone()
    same = y.add_(1) is y
    y += 1
    return same, y


@program
def inplace_grad_after_version_of_output_of_sum(m):
    x = leaf(m)
    s = x.sum()
    s.add_(1)
    s.backward()
    return x.grad


@program
def inplace_write_to_a_gradient_in_use(m):
    x = leaf(m)
    (x * x).sum().backward(create_graph=True)
    g = x.grad
    z = (g * g).sum()
    with m.no_grad():
        g.zero_()
    return caught(z.backward)


@program
def inplace_relu_of_saved(m):
    x = leaf(m)
    y = x * 2
    y.relu_()
    y.sum().backward()
    return x.grad


@program
def inplace_sqrt_then_mul(m):
    x = leaf(m)
    y = x.sqrt()
    y.mul_(2)
    return caught(y.sum().backward)


@program
def inplace_transposed_view(m):
    x = leaf(m, range(6))
    y = (x * 1).view(2, 3)
    y.transpose(0, 1)[1].mul_(4)
    (y * y).sum().backward()
    return y, x.grad


@program
def inplace_base_of_a_no_grad_view_written(m):
    x = leaf(m)
    y = x * 2
    with m.no_grad():
        v = y[:1]
    y.mul_(2)
    return caught(lambda: v.grad_fn), caught(lambda: v * 2)
