"""Random programs whose results have a geometry to compare: shape, strides, offset, and whose memory they share.

A program is text that says the same to pullback and to PyTorch (`m` is the module): its operands, then one call.
Operands are permuted, sliced, stepped, selected from and expanded, have dimensions of size 1 and, sometimes, 0.
"""

import random

from tables import calls

ROWS_ONE = (
    "abs exp log1p neg sigmoid tanh square sqrt floor sign relu erf isnan isfinite logical_not reciprocal digamma "
    "nan_to_num frac sgn signbit sinc"
).split()
ROWS_TWO = (
    "add sub mul div maximum minimum atan2 hypot logaddexp fmod remainder copysign eq lt ge logical_and pow "
    "floor_divide fmax nextafter xlogy heaviside ne"
).split()
REDUCTIONS = "sum mean amax amin std var logsumexp nansum nanmean all any".split()
BY_INDEX = "max min median nanmedian mode cummax cummin sort".split()
COPIES = "clone contiguous double detach long bool float".split()
ARRANGEMENTS = (
    "tril triu fliplr flipud squeeze t adjoint ravel flatten atleast_1d atleast_2d atleast_3d diag diagflat"
).split()
SCANS = "cumsum cumprod logcumsumexp softmax log_softmax argmax argmin argsort prod".split()


# {d}, {e}: dimensions; {dims}, {keep}; {n}, {k}: small numbers; {perm}: an order of all dimensions; {f}: a name.
# Of products: the shapes of the operands.

UNARY = calls("""
m.{f}(x) ; m.{f}(x) ; x * 2 ; 2 - x ; x ** 2 ; x > 1 ; x.clamp(1, 3) ; -x
""")

TERNARY = calls("""
m.addcmul(x, y, z) ; m.addcdiv(x, y, z, value=2) ; m.lerp(x, y, z) ; m.where(x > 2, y, z) ;
m.where(x > 2, y, 1.0) ; m.where(x > 2, 1.0, y) ; m.clamp(x, y, z) ; m.clamp(x, max=y) ; x + y * z ;
m.where(x > 2, y.double(), z) ; x.masked_fill(y > 2, 1.0)
""")

REDUCTION = calls("""
m.{f}(x, {d}) ; m.{f}(x, {dims}, {keep}) ; m.{f}(x, dim={dims}, keepdim={keep}) ;
m.std_mean(x, dim={dims}, keepdim={keep}) ; m.var_mean(x, {d}) ; m.aminmax(x, dim={d}, keepdim={keep}) ;
m.norm(x, 2, dim={dims}, keepdim={keep}) ; m.norm(x, 1, {d}) ; m.count_nonzero(x, dim={dims}) ;
m.prod(x, {d}, {keep}) ; x.sum() ; x.sum_to_size(x.shape[-1:]) ; x.mean() ; x.amax() ; x.max() ; x.prod() ; x.std() ;
m.linalg.vector_norm(x, 3, {dims}, {keep}) ; m.sum(x, {dims}, dtype=m.float64) ; x.median() ;
(x > 1).sum({dims}, {keep}) ; (x > 1).any({d}) ; x.long().sum({d}) ; m.trace(x) ;
m.quantile(x, 0.5, {d}, {keep}) ; m.quantile(x, m.tensor([0.2, 0.7]), {d}, {keep})
""")

INDEXED = calls("""
m.{f}(x, {d}) ; m.{f}(x, {d}) ; m.sort(x, {d}, True) ; m.sort(x, dim={d}, stable=True) ; m.{f}(x, dim={d}) ;
m.topk(x, 1, {d}) ; m.kthvalue(x, 1, {d}, {keep}) ; m.max(x, {d}, keepdim={keep}) ; m.median(x, {d}, {keep}) ;
m.mode(x, {d}, {keep}) ; m.msort(x) ; m.topk(x, 2, {d}, sorted=False) ; m.unique(x) ; m.nonzero(x > 1) ;
m.argwhere(x) ; m.nonzero(x > 1, as_tuple=True)
""")

SCAN = calls("""
m.{f}(x, {d}) ; m.diff(x, dim={d}) ; m.nn.functional.softmax(x, {d}) ; x.long().cumsum({d}) ;
m.cumsum(x, {d}, dtype=m.float64) ; m.diff(x, 2, {d}) ; m.argmax(x) ; m.argmax(x, {d}, True) ;
m.nn.functional.layer_norm(x, x.shape[-1:]) ; m.argsort(x, {d}, True) ; m.softmax(x, {d}, m.float64)
""")

COPY = calls("""
x.{f}() ; m.clone(x) ; x.to(m.float64) ; x.to(x.dtype, copy=True) ; m.empty_like(x) ; m.zeros_like(x) ;
m.full_like(x, 2.0) ; m.ones_like(x, dtype=m.int64) ; x.new_zeros(x.shape) ;
x.clone(memory_format=m.contiguous_format) ; m.empty_like(x, memory_format=m.contiguous_format) ;
x.clone(memory_format=m.preserve_format) ; m.rand_like(x) ; x.new_tensor([1.0]) ; x.type_as(x.double()) ;
m.tensor(x) ; m.as_tensor(x) ; m.zeros_like(x.double()) ; x.new_empty(x.shape) ; m.randn_like(x)
""")

JOINING = calls("""
m.cat([x, y], {d}) ; m.stack([x, y], {d}) ; m.hstack([x, y]) ; m.vstack([x, y]) ; m.dstack([x, y]) ;
m.column_stack([x, y]) ; m.cat([x, x.double()], {d}) ; m.cat([x], {d}) ; m.cat([x, x, y], {d}) ;
m.block_diag(x, y) ; m.kron(x, y) ; m.cartesian_prod(x.flatten(), y.flatten()) ;
m.meshgrid(x.flatten(), y.flatten(), indexing='ij') ; m.meshgrid(x.flatten(), y.flatten(), indexing='xy') ;
m.cat([x, m.empty(0)], {d}) ; m.broadcast_tensors(x, y)
""")

REARRANGING = calls("""
m.{f}(x) ; m.{f}(x) ; m.flip(x, {dims}) ; m.roll(x, 1, {d}) ; m.roll(x, 2) ; m.rot90(x) ; x.repeat({reps}) ;
m.tile(x, {reps}) ; m.repeat_interleave(x, 2, {d}) ; m.repeat_interleave(x, 2) ; x.T ; x.mT if x.ndim else x ;
m.tril(x, {k}) ; x.unsqueeze({d}) ; x.squeeze({d}) ; x.squeeze({dims}) ; m.transpose(x, {d}, {e}) ;
x.permute({perm}) ; m.movedim(x, {d}, {e}) ; m.rot90(x, {n}, (0, 1)) ; x.swapaxes({d}, {e}) ; m.diag_embed(x) ;
m.diag_embed(x, {k}, 0, 2) ; m.diagonal(x, {k}) ; m.diagonal(x, 0, -1, 0) ; m.diag(x, {k}) ;
m.nn.functional.pad(x, (1, 2)) ; m.nn.functional.pad(x, (1, 0, 0, 1)) ; m.nn.functional.pad(x, (-1, 1)) ;
x.unfold({d}, 1, 1) ; x.unfold({d}, 2, 1) ; m.combinations(x.flatten()) ;
m.movedim(x, {perm}, tuple(range(x.ndim)))
""")

RESHAPING = calls("""
x.reshape(-1) ; x.flatten({a}, -1) ; x.reshape(x.shape[::-1]) ; x.reshape(1, *x.shape) ;
x.reshape(*x.shape, 1) ; x.reshape(-1, 2) ; x.reshape(2, -1) ; x.reshape(x.shape) ; x.view(x.shape) ;
x.view(-1) ; x.view(*x.shape, 1) ; x.view(1, -1) ; x.flatten(0, {a}) ;
x.unflatten(-1, (1, -1)) if x.ndim else x ; x.unflatten(0, (-1, 1)) if x.ndim else x ; x.flatten(1) ;
x.view_as(x) ; x.reshape_as(x.clone()) ; x.reshape(-1, x.shape[-1]) ; x.view(-1, x.shape[-1]) ;
x.reshape(x.shape[0], -1) ; x.view(x.shape[0], -1) ; x.permute(*range(x.ndim)[::-1]).reshape(-1)
""")

PARTS = calls("""
x[0] ; x[..., 0] ; x[-1:] ; x[::2] ; x[..., None] ; x[None] ; x[:, 0] ; x.select({d}, 0) ;
x.narrow({d}, 0, 1) ; x.chunk(2, {d}) ; x.split(1, {d}) ; x.unbind({d}) ; m.tensor_split(x, 2, {d}) ; x[[0]] ;
x[..., [0]] ; x[:, [0]] ; x[[0], :, [0]] ; x[m.tensor([0, 0])] ; x[m.tensor([[0]])] ; x[x > 2] ; x[True] ;
x[0, ..., None] ; x[:, None] ; x[..., m.tensor([0, 0]), :] ; x[m.tensor(0)] ; x[..., 1:] ;
x[:, m.tensor([[0], [0]])] ; x[m.tensor([0]), m.tensor([0])] ; x[:, [0, 0], :, [0, 0]] ; x[[0], 0] ;
x[0, [0]] ; x[:, :, [0, 0]] ; x[..., 0, [0, 0]]
""")

PICKING = calls("""
m.gather(x, {d}, y) ; m.scatter(x, {d}, y, 1.0) ; m.scatter(x, {d}, y, x) ; m.scatter_add(x, {d}, y, x) ;
m.take(x, y) ; m.take_along_dim(x, y, {d}) ; m.index_select(x, {d}, m.tensor([0, 0])) ;
m.index_fill(x, {d}, m.tensor([0]), 1.0) ; m.index_add(x, {d}, m.tensor([0]), x.narrow({d}, 0, 1)) ;
m.index_copy(x, {d}, m.tensor([0]), x.narrow({d}, 0, 1)) ; m.masked_select(x, y > 2) ;
m.masked_fill(x, y == 0, 2.0) ; m.scatter_reduce(x, {d}, y, x, 'amax') ;
x.index_put((m.tensor([0]),), m.tensor(1.0)) ; m.masked_scatter(x, y == 0, x) ;
m.select_scatter(x, x.select({d}, 0), {d}, 0) ; m.slice_scatter(x, x.narrow({d}, 0, 1), {d}, 0, 1) ;
m.bucketize(x, m.tensor([1.0, 3.0])) ; m.searchsorted(m.tensor([1.0, 3.0]), x) ; m.bincount(y.flatten()) ;
m.histc(x, 4) ; m.nn.functional.one_hot(y) ; m.index_select(x, {d}, m.tensor([0])) ;
m.diagonal_scatter(x, m.diagonal(x)) ; m.put(x, y, x) ; m.repeat_interleave(x, m.tensor([2]), {d})
""")

PRODUCT = calls("""
m.mm(x, y) of (n,k) (k,m) ; x @ y of (n,k) (k,m) ; m.mv(x, y) of (n,k) (k) ; m.bmm(x, y) of (b,n,k) (b,k,m) ;
x @ y of (b,n,k) (k,m) ; x @ y of (n,k) (b,k,m) ; x @ y of (b,n,k) (k) ; x @ y of (k) (k,m) ;
x @ y of (k) (b,k,m) ; m.dot(x, y) of (k) (k) ; x @ y of (2,b,n,k) (b,k,m) ; x @ y of (2,b,n,k) (k,m) ;
x @ y of (b,1,n,k) (1,2,k,m) ; m.outer(x, y) of (n) (m) ; m.addmm(z, x, y) of (n,k) (k,m) (n,m) ;
m.addmv(z, x, y) of (n,k) (k) (n) ; m.addmm(z, x, y) of (n,k) (k,m) (m) ;
m.baddbmm(z, x, y) of (b,n,k) (b,k,m) (b,n,m) ; m.addbmm(z, x, y) of (b,n,k) (b,k,m) (n,m) ;
m.addr(z, x, y) of (n) (m) (n,m) ; m.nn.functional.linear(x, y) of (n,k) (m,k) ;
m.nn.functional.linear(x, y, z) of (n,k) (m,k) (m) ; m.nn.functional.linear(x, y, z) of (b,n,k) (m,k) (m) ;
m.nn.functional.linear(x, y) of (b,n,k) (m,k) ; m.tensordot(x, y, 1) of (b,n,k) (k,m) ;
m.tensordot(x, y, ([0], [1])) of (k,n) (m,k) ; m.einsum('ij,jk->ik', x, y) of (n,k) (k,m) ;
m.einsum('ij,jk->ki', x, y) of (n,k) (k,m) ; m.einsum('bij,bjk->bik', x, y) of (b,n,k) (b,k,m) ;
m.einsum('ij,j', x, y) of (n,k) (k) ; m.einsum('ij->ji', x) of (n,k) ;
m.einsum('bij,kj->ibk', x, y) of (b,n,k) (m,k) ; m.einsum('ii->i', x) of (n,n) ;
m.einsum('i,j->ij', x, y) of (n) (m) ; m.einsum('ij->j', x) of (n,k) ;
m.einsum('bij,jk->kib', x, y) of (b,n,k) (k,m) ; m.einsum('bij,jk->kbi', x, y) of (b,n,k) (k,m) ;
m.einsum('bij,jk->bki', x, y) of (b,n,k) (k,m) ; m.einsum('ij,jk', x, y) of (n,k) (k,m) ;
m.einsum('ij,ij->i', x, y) of (n,k) (n,k) ; m.einsum('...ij,...jk->...ik', x, y) of (b,n,k) (k,m) ;
m.inner(x, y) of (b,n,k) (m,k) ; m.linalg.multi_dot([x, y, z]) of (n,k) (k,m) (m,b) ;
m.chain_matmul(x, y) of (n,k) (k,m) ; m.nn.functional.bilinear(x, y, z) of (n,k) (n,m) (b,k,m)
""")

LOSSES = calls("""
m.nn.functional.gelu(x) ; m.nn.functional.elu(x) ; m.nn.functional.leaky_relu(x) ;
m.nn.functional.softplus(x) ; m.nn.functional.silu(x) ; m.nn.functional.hardtanh(x) ;
m.nn.functional.logsigmoid(x) ; m.nn.functional.softsign(x) ; m.nn.functional.relu(x) ;
m.nn.functional.mish(x) ; m.nn.functional.threshold(x, 1.0, 0.0) ;
m.nn.functional.cross_entropy(x, y.argmax(1), reduction='none') ; m.nn.functional.tanhshrink(x) ;
m.polygamma(1, x) ; m.nn.functional.cross_entropy(x, y.softmax(1), reduction='none') ;
m.nn.functional.hardswish(x) ; m.celu(x) ; m.logit(x, 0.1)
""")

IN_PLACE = calls("""
x.clone().add_(y) ; x.clone().t_() ; x.clone().unsqueeze_(0) ; x.clone().squeeze_() ;
x.clone().transpose_(0, -1) ; x.clone().copy_(y) ; x.clone().mul_(2) ; x.clone().tril_() ; x.clone().zero_() ;
x.clone().clamp_(1, 2) ; m.add(x, y, out=m.empty(0)) ; m.mul(x, y, out=m.zeros_like(x)) ;
m.sum(x, 0, out=m.empty(0)) ; m.exp(x, out=m.empty(0)) ; m.exp(x, out=m.empty(0, 0, 0)) ;
m.cumsum(x, 0, out=m.empty(0)) ; m.cat([x, y], 0, out=m.empty(0)) ;
m.sort(x, 0, out=(m.empty(0), m.empty(0, dtype=m.int64))) ;
m.max(x, 0, out=(m.empty(0), m.empty(0, dtype=m.int64))) ; m.stack([x, y], 0, out=m.empty(0)) ;
m.mean(x, -1, True, out=m.empty(0)) ; m.amax(x, 0, out=m.empty(0)) ; m.tril(x, out=m.empty(0)) ;
m.lt(x, y, out=m.empty(0, dtype=m.bool)) ; m.softmax(x, 0, out=m.empty(0)) ;
m.add(x, y, out=m.zeros_like(x).t()) ; m.logsumexp(x, 0, out=m.empty(0)) ; m.std(x, 0, out=m.empty(0)) ;
m.cummax(x, 0, out=(m.empty(0), m.empty(0, dtype=m.int64))) ; m.gather(x, 0, x.long() * 0) ;
m.nanmean(x, 0, out=m.empty(0)) ; m.norm(x, dim=0, out=m.empty(0))
""")


class Writer:
    """Writes programs; every choice comes from the seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def sizes(self, ndim=None):
        ndim = self.random.choice((0, 1, 2, 2, 3, 3, 4)) if ndim is None else ndim
        return [
            self.random.choice((0, 1, 1, 2, 3, 4, 5) if self.random.random() < 0.1 else (1, 2, 3, 4))
            for _ in range(ndim)
        ]

    def tensor(self, shape, kind="float"):
        """A tensor of `shape`, whose memory has been permuted, cut, stepped through and expanded."""
        choice, ndim = self.random.random, len(shape)
        if choice() < 0.2:
            return self.base(shape, kind)
        order = list(range(ndim))
        if choice() < 0.7:
            self.random.shuffle(order)
        room, cuts, expanded = [], [], False
        for size in shape:
            fate = choice()
            if fate < 0.1 and size > 0:
                room.append(1)
                cuts.append(":")
                expanded = expanded or size != 1
            elif fate < 0.2:
                room.append(2 * size)
                cuts.append("::2")
            elif fate < 0.35:
                before, behind = self.random.randrange(3), self.random.randrange(2)
                room.append(before + size + behind)
                cuts.append(f"{before}:{before + size}")
            else:
                room.append(size)
                cuts.append(":")
        memory = [room[d] for d in order]
        place = [order.index(d) for d in range(ndim)]
        text = self.base(memory, kind)
        if choice() < 0.15:  # a part of something with one more dimension
            at = self.random.randrange(ndim + 1)
            memory.insert(at, 3)
            text = f"{self.base(memory, kind)}.select({at}, {self.random.randrange(3)})"
        if place != sorted(place):
            text += f".permute({', '.join(map(str, place))})"
        if any(cut != ":" for cut in cuts):
            text += f"[{', '.join(cuts)}]"
        if expanded:
            text += f".expand({', '.join(map(str, shape))})"
        return text

    def base(self, shape, kind):
        count = 1
        for size in shape:
            count *= size
        made = {
            "float": f"(m.arange({count}.0) + 1)",
            "int": f"(m.arange({count}) + 1)",
            "bool": f"(m.arange({count}) % 3 == 0)",
        }[kind]
        return f"{made}.reshape({list(shape)})"

    def meets(self, shape):
        """A shape that broadcasts with `shape`."""
        fate = self.random.random()
        if fate < 0.4:
            return list(shape)
        shape = [
            1 if self.random.random() < 0.3 else n for n in shape[self.random.randrange(len(shape) + 1) :]
        ]
        return [self.random.choice((1, 2)), *shape] if fate > 0.9 else shape

    def dim(self, ndim):
        return self.random.randrange(-max(ndim, 1), max(ndim, 1))

    def dims(self, ndim):
        return tuple(self.random.sample(range(ndim), self.random.randrange(1, ndim + 1))) if ndim else ()

    def program(self):
        """(operands, call): texts; operands are called x, y, z in the call."""
        return getattr(self, self.random.choice(FAMILIES))()

    def one(self, names, *forms):
        shape = self.sizes()
        form = self.random.choice(forms)
        text = form.format(
            f=self.random.choice(names),
            d=self.dim(len(shape)),
            e=self.dim(len(shape)),
            dims=self.dims(len(shape)),
            keep=self.random.random() < 0.5,
            n=self.random.choice((1, 2, 3)),
            k=self.random.choice((-1, 0, 1)),
            perm=tuple(self.random.sample(range(len(shape)), len(shape))),
            reps=tuple(
                self.random.choice((1, 1, 2)) for _ in range(len(shape) + (self.random.random() < 0.3))
            ),
        )
        return [self.tensor(shape)], text

    # ---- the families ----------------------------------------------------------------------------------------

    def unary(self):
        return self.one(ROWS_ONE, *UNARY)

    def binary(self):
        shape = self.sizes()
        a, b = self.tensor(self.meets(shape)), self.tensor(shape)
        if self.random.random() < 0.5:
            a, b = b, a
        return [a, b], f"m.{self.random.choice(ROWS_TWO)}(x, y)"

    def ternary(self):
        shape = self.sizes()
        a, b, c = (self.tensor(self.meets(shape)) for _ in range(3))
        call = self.random.choice(TERNARY)
        return [a, b, c], call

    def reduction(self):
        return self.one(REDUCTIONS, *REDUCTION)

    def indexed(self):
        return self.one(BY_INDEX, *INDEXED)

    def scan(self):
        return self.one(SCANS, *SCAN)

    def copy(self):
        return self.one(COPIES, *COPY)

    def joining(self):
        shape = self.sizes()
        parts = [self.tensor(shape) for _ in range(2)]
        d = self.dim(len(shape))
        call = self.random.choice(JOINING)
        return parts, call.format(d=d)

    def rearranging(self):
        return self.one(ARRANGEMENTS, *REARRANGING)

    def reshaping(self):
        operands, _ = self.one(["x"], "x")
        return operands, self.random.choice(RESHAPING).format(a=self.random.randrange(3))

    def parts(self):
        return self.one(["x"], *PARTS)

    def picking(self):
        shape = self.sizes()
        d = self.dim(len(shape))
        index = f"({self.tensor(shape, 'int')} * 0)"
        call = self.random.choice(PICKING)
        return [self.tensor(shape), index], call.format(d=d)

    def product(self):
        sizes = dict(zip("nmkb", (self.random.choice((1, 2, 3, 4)) for _ in range(4))))
        call, shapes = self.random.choice(PRODUCT).split(" of ")
        shapes = [[sizes.get(n) or int(n) for n in shape.strip("()").split(",")] for shape in shapes.split()]
        return [self.tensor(shape) for shape in shapes], call

    def losses(self):
        shape = self.sizes(2)
        call = self.random.choice(LOSSES)
        return [self.tensor(shape), self.tensor(shape)], call

    def in_place(self):
        shape = self.sizes()
        call = self.random.choice(IN_PLACE)
        return [self.tensor(shape), self.tensor(shape)], call

    def gradient(self):
        """What a leaf's `grad` looks like, and what `grad` returns."""
        operands, call = getattr(self, self.random.choice(DIFFERENTIABLE))()
        return operands, "GRAD " + call


FAMILIES = (
    "unary binary binary ternary reduction reduction indexed scan copy joining rearranging reshaping parts picking "
    "product losses in_place"
).split()
DIFFERENTIABLE = "unary binary ternary reduction scan joining rearranging parts product".split()


def geometry(value, operands):
    """Nested lists of [shape, strides, offset, shares memory with an operand], for every tensor of a result."""
    if isinstance(value, (tuple, list)):
        return [geometry(each, operands) for each in value]
    if not hasattr(value, "stride"):
        return None
    shares = [value.numel() > 0 and addresses(value) == addresses(x) for x in operands]
    return [list(value.shape), list(value.stride()), value.storage_offset() if any(shares) else 0, shares]


def addresses(tensor):
    """Where the tensor's memory starts."""
    tensor = tensor.detach()
    return tensor.data_ptr() - tensor.storage_offset() * tensor.element_size()


def run(m, operands, call):
    """The geometry of what a program returns, or None where it raises."""
    names = dict(zip("xyz", (eval(text, {"m": m}) for text in operands)))
    gradients = call.startswith("GRAD ")
    if gradients:
        names = {name: x.requires_grad_() for name, x in names.items()}
    value = eval(call.removeprefix("GRAD "), {"m": m, **names})
    if not gradients:
        return geometry(value, list(names.values()))
    outputs = value if isinstance(value, (tuple, list)) else [value]
    outputs = [y for y in outputs if getattr(y, "requires_grad", False)]
    if not outputs:
        return None
    for y in outputs:
        y.backward(m.ones(y.shape, dtype=y.dtype), retain_graph=True)
    return [None if x.grad is None else long_strides(x.grad) for x in names.values()]


def long_strides(gradient):
    """Shape, and strides along which somebody steps: a stride of a dimension of size 1 shows only how it was computed."""
    strides = [s for n, s in zip(gradient.shape, gradient.stride()) if n != 1 and gradient.numel()]
    return [list(gradient.shape), strides]
