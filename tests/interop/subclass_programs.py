"""Classes with `__torch_function__`, for either library, and what they are asked."""

from tables import calls

# What an instance is asked about, and what comes of it: `s` is of a subclass that writes down what it is asked, `t` a
# tensor, `p` a Parameter.
EXPRESSIONS = """
s + 1; 1 + s; t + s; s * t; s / 2; 2 / s; s // 2; 2 // s; s ** 2; 2 ** s; s @ t; t @ s; -s; abs(s); +s
~s.bool(); s < 1; 1 < s; s == t; t == s; s != 0; s % 2; 2 % s; s - 1; 1 - s; t.mul(s); s.__add__(1); p * s; s * p
s.long() & 1; s.long() | 1; s.long() ^ 1; s.long() << 1; 1 << s.long()
s[0]; s[s > 0]; t[s.long()]; s[0, 0]; len(s); bool(s[0, 0]); float(s[0, 0]); int(s[0, 0]); 0 in s; str(s); s.tolist()
[row for row in s]; list(reversed(s)); s.numpy(); hash(s) == id(s)
s.shape; s.T; s.mT; s.grad; s.data; s.device; s.is_cuda; s.requires_grad; s.is_leaf; s.dtype; s.ndim; s.real; s.grad_fn
s.sum(); m.sum(s); m.sum(s, dim=1); s.size(); s.sum().item(); s.dim(); s.numel(); s.stride(); s.type(); s.element_size()
m.stack([t, s]); m.cat((s, t)); m.cat([t, t]); m.zeros_like(s); s.new_zeros(2); s.detach(); s.clone(); s.to(m.float64)
s.max(0); m.max(s, 0); s.split(1); s.unbind(); m.topk(s, 1); m.where(s > 0, s, 0); m.matmul(s, s); m.equal(s, t)
m.allclose(s, t); m.is_floating_point(s); m.is_tensor(s); m.tensor(s); m.result_type(s, t); m.einsum('ij->i', s)
m.broadcast_tensors(s, t); m.meshgrid(s[0], t[0], indexing='ij'); m.add(t, 1, out=s.detach()); s.expand(3, 2, 2)
m.nn.functional.relu(s); m.nn.functional.linear(t, s); m.nn.functional.softmax(s, -1); m.linalg.det(s); m.linalg.inv(s)
s.view(4); s.reshape((4,)); s.permute(1, 0); s.as_subclass(m.Tensor); s.requires_grad_(False); s.add_(1); s.zero_()
m.linalg.solve(s, t); m.cumsum(s, 0); m.sort(s); m.argmax(s); s.backward; s.is_contiguous(); s.nelement()
s.cumsum_(0); s.mvlgamma_(1); s.ldexp_(t); s.float_power(2); s.resize_(4); s.renorm_(2, 0, 1.0); s.map_(t, max); m.i0(s)
"""
EXPRESSIONS = calls(EXPRESSIONS)

STATEMENTS = """
s += 1
t += s; r = t
s[0] = 1
t[0] = s[0]
s.requires_grad = True; r = s
s.data = t; r = s
s.grad = None
r = s.requires_grad_().exp(); r.sum().backward(); r = s.grad
r = m.optim.SGD([p], 0.1); (p * s).sum().backward(); r.step(); r = p
"""
STATEMENTS = [each.strip() for each in STATEMENTS.strip().splitlines()]

# Things that are no tensors, given to functions: `d` answers, `n` says NotImplemented.
DUCKS = """
m.add(d, 1); m.add(t, d); m.add(1, d); t + d; d + t; t - d; t @ d; t == d; t < d; t.add(d); m.stack([d, t]); m.cat([t, d], dim=0)
m.sum(d, dim=1); m.nn.functional.relu(d); m.nn.functional.dropout(d, 0.5); t[d]; m.split(d, 2); t.to(d); m.zeros(2, out=d)
m.is_floating_point(d); m.linalg.det(d); m.einsum('i', d); m.isin(d, 1); m.meshgrid(d, t); m.is_tensor(d); s + d; d + s
m.where(t > 0, d, t); m.matmul(d, d); m.mean(d); m.exp(d); d.exp; m.tensor(d); m.exp(input=d); m.broadcast_tensors(d, t)
m.add(n, 1); t + n; n + t; t @ n; t.add(n); m.stack([n, t]); m.sum(n); t[n]; m.linalg.det(n); m.add(n, d); m.add(d, n)
"""
DUCKS = calls(DUCKS)

# Named otherwise here.
SPELLED = {"__rdiv__": "__rtruediv__", "positive": "__pos__"}


def name_of(function):
    name = getattr(function, "__name__", str(function)).rpartition(".")[2].removeprefix("linalg_")
    return SPELLED.get(name, name)


def values(m):
    """(the names that programs use, the list of what was asked)."""
    asked = []

    def note(function, types, args):
        asked.append((name_of(function), [each.__name__ for each in types]))

    class Asked(m.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            note(func, types, args)
            return super().__torch_function__(func, types, args, kwargs)

    class Duck:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            note(func, types, args)
            return "answered"

    class Refuses:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            note(func, types, args)
            return NotImplemented

    t = m.tensor([[1.5, 2.0], [0.5, 3.0]])
    p = m.nn.Parameter(t + 1)
    return {"m": m, "s": t.clone().as_subclass(Asked), "t": t, "p": p, "d": Duck(), "n": Refuses()}, asked


def kinds(result):
    if isinstance(result, (tuple, list)) and type(result).__name__ != "Size":
        return [kinds(each) for each in result]
    return type(result).__name__


def run(m, program, statement=False):
    """(kinds of the results, what was asked, the error)."""
    names, asked = values(m)
    result = error = None
    try:
        if statement:
            exec(program, names)
            result = names.get("r", names["s"])
        else:
            result = eval(program, names)
    except Exception as raised:
        error = type(raised).__name__, str(raised)
    return kinds(result), asked, error
