"""Forward mode where PyTorch has it: one level, duals, views, writes in place, misuse."""

from parity import caught, program


@program
def forward_basics(m):
    f = m.autograd.forward_ad
    x, t = m.tensor([1.0, 2.0]), m.tensor([1.0, 0.5])
    with f.dual_level():
        d = f.make_dual(x, t)
        p, u = f.unpack_dual(d)
        y = f.unpack_dual((d * d).sin() + 3 * d)
        out = [p, u, u is t, y.primal, y.tangent, f.unpack_dual(x).tangent, type(y).__name__]
    return out, f.unpack_dual(d).tangent


@program
def forward_errors(m):
    f = m.autograd.forward_ad
    x = m.ones(2)
    out = [caught(f.make_dual, x, x)]
    with f.dual_level():
        out += [
            caught(f.make_dual, x, m.ones(3)),
            caught(f.make_dual, m.tensor([1]), m.ones(1)),
            caught(f.make_dual, m.ones(1), m.tensor([1])),
            caught(f.make_dual, x, m.ones(2, dtype=m.float64)),
        ]
    return out


@program
def forward_of_a_leaf(m):
    f = m.autograd.forward_ad
    x = m.tensor([1.0, 2.0], requires_grad=True)
    with f.dual_level():
        d = f.make_dual(x, m.ones(2))
        y = (d * d * d).sum()
        t = f.unpack_dual(y).tangent
        g = m.autograd.grad(y, x, retain_graph=True, create_graph=True)[0]
        return d.requires_grad, d.is_leaf, t, f.unpack_dual(g).tangent.tolist(), m.autograd.grad(t, x)


@program
def forward_views_and_writes(m):
    f = m.autograd.forward_ad
    with f.dual_level():
        d = f.make_dual(m.tensor([1.0, 2.0, 3.0]), m.tensor([1.0, 1.0, 1.0])) * 1
        v = d[1:]
        v.mul_(10)
        out = [f.unpack_dual(v).tangent.clone(), f.unpack_dual(d).tangent.clone()]
        d[0] = 4.0
        out.append(f.unpack_dual(d).tangent.clone())
        base = m.zeros(4)
        base[1:] = d
        out.append(f.unpack_dual(base).tangent.clone())
        base.mul_(m.tensor([1.0, 2.0, 3.0, 4.0]))
        out.append(f.unpack_dual(base).tangent.clone())
        out.append(f.unpack_dual(d.detach()).tangent)
        out.append(f.unpack_dual(d.clone()).tangent)
        return out


@program
def forward_through_no_grad(m):
    f = m.autograd.forward_ad
    with f.dual_level(), m.no_grad():
        d = f.make_dual(m.tensor(2.0), m.tensor(1.0))
        return f.unpack_dual(d * d).tangent


@program
def forward_tangent_does_not_alias_after_add(m):
    f = m.autograd.forward_ad
    with f.dual_level():
        d = f.make_dual(m.tensor([1.0, 2.0]), m.tensor([1.0, 1.0]))
        y = d + 1
        y.mul_(5)
        return f.unpack_dual(d).tangent, f.unpack_dual(y).tangent


@program
def forward_levels_that_are_not_open(m):
    ad = m.autograd.forward_ad
    p, t = m.tensor([1.0, 2.0]), m.tensor([1.0, 0.0])
    with ad.dual_level():
        d = ad.make_dual(p, t)
    with ad.dual_level():
        later = ad.unpack_dual(d), ad.unpack_dual(d * 2)
    return [
        caught(ad.make_dual, p, t),
        caught(ad.make_dual, p, t, level=-1),
        ad.unpack_dual(p),
        ad.unpack_dual(p, level=-1),
        ad.unpack_dual(d),
        later,
    ]
