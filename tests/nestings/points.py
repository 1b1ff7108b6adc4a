"""Calls and points at which second derivatives exist, for either library: `m` is the module.

Generic points are those of the tables that other tests go by: rows of the calculus at their samples, and the calls of
batch/table.py. Special ones stand here: where a rule divides by what is zero, chooses among what is equal, meets a
branch that is not taken, or has nothing to do. The function is smooth there all the same, or its derivative is zero.
"""

import dataclasses
import zlib

import numpy as np
from batch import table
from calculus import samples

F64 = "m.float64"


@dataclasses.dataclass(frozen=True)
class Point:
    call: str  # what is shown
    code: str  # over m and the operands' names
    operands: dict  # name -> array
    where: str  # "generic", or what is special

    @property
    def free(self):
        """The operands that are differentiated."""
        return [name for name, value in self.operands.items() if value.dtype.kind == "f"]

    def draw(self, seed):
        """A number for each element of each free operand."""
        rng = np.random.default_rng([seed, zlib.crc32(self.code.encode())])
        return [rng.standard_normal(self.operands[name].shape) for name in self.free]


def _special(text):
    """Lines `call @ where | x = [..] | y = ..`."""
    for line in text.strip().splitlines():
        head, *values = line.split(" | ")
        call, _, where = head.partition(" @ ")
        operands = {}
        for each in values:
            name, _, value = each.partition(" = ")
            operands[name.strip()] = np.asarray(eval(value, {"np": np}))
            if operands[name.strip()].dtype.kind == "i" and name.strip() in "xyzabt":
                operands[name.strip()] = operands[name.strip()].astype(float)
        yield Point(call.strip(), call.strip(), operands, where.strip())


SPECIAL = list(
    _special("""
m.cumprod(x, 0) @ a zero | x = [2., 0., 3., 4.]
m.cumprod(x, 0) @ two zeros | x = [2., 0., 3., 0., 5.]
m.cumprod(x, 0) @ a zero first | x = [0., 2., 3.]
m.cumprod(x, 0) @ zeros only | x = [0., 0., 0.]
m.cumprod(x, 1) @ zeros in rows | x = [[0., 2., 3.], [1., 0., 0.], [2., 3., 4.]]
m.prod(x) @ a zero | x = [2., 0., 3., 4.]
m.prod(x) @ two zeros | x = [2., 0., 3., 0.]
m.prod(x) @ three zeros | x = [0., 0., 3., 0.]
m.prod(x, 0) @ zeros in columns | x = [[0., 2., 3.], [1., 0., 0.], [2., 3., 0.]]
x * y * x @ zeros | x = [0., 0., 1.] | y = [0., 2., 0.]
x ** 2 @ 0 | x = [0., -0., 1.]
x ** 3 @ 0 | x = [0., 1.]
x ** 1 @ 0 | x = [0., 2.]
x ** 0 @ 0 | x = [0., 2.]
x ** 2.0 @ a negative base | x = [-2., -0.5]
m.pow(x, k) @ a negative base, an integer exponent | x = [-2., -3.] | k = np.array([2, 3])
m.pow(x, m.tensor([2.0, 1.0, 3.0], dtype=m.float64)) @ 0 | x = [0., 0., 0.]
x.square() @ 0 | x = [0., -1.]
x / y @ a numerator 0 | x = [0., 0.] | y = [2., -3.]
m.where(x > 0, x.sqrt(), x * x) @ a branch not taken, outside of its domain | x = [-1., -2., 4.]
m.where(x > 0, x.log(), x) @ a branch not taken, outside of its domain | x = [-1., -2., 4.]
m.where(x > 1, (x * 1e200).exp(), x ** 2) @ a branch not taken, infinite | x = [0.5, 0.25]
m.where(b, x / y, x * 3) @ a branch not taken, a division by 0 | x = [1., 2.] | y = [0., 0.] | b = np.array([False, False])
m.where(b, m.sin(x) / x, x ** 2) @ a branch not taken, 0 / 0 | x = [0., 0.] | b = np.array([False, False])
x.masked_fill(y > 0, 2.0) ** 2 @ masked everywhere | x = [1., 2.] | y = [1., 1.]
m.xlogy(x, y) @ x is 0 | x = [0., 0.] | y = [2., 3.]
m.special.xlog1py(x, y) @ x is 0 | x = [0., 0.] | y = [2., 3.]
m.special.xlog1py(x, y) @ y is 0 | x = [1., 2.] | y = [0., 0.]
m.sinc(x) @ 0 | x = [0., 1., 0.5]
m.hypot(x, y) @ a 0 | x = [3., 0.] | y = [0., 2.]
m.atan2(x, y) @ a 0 | x = [0., 1.] | y = [2., 0.]
m.logaddexp(x, y) @ equal | x = [1., 2.] | y = [1., 2.]
m.logaddexp2(x, y) @ equal | x = [1., 2.] | y = [1., 2.]
m.logsumexp(x, 0) @ equal | x = [1., 1., 1.]
m.logsumexp(x, 0) @ -inf among them | x = [1., -np.inf, 2.]
m.logcumsumexp(x, 0) @ equal | x = [1., 1., 1.]
m.logcumsumexp(x, 0)[1:] @ -inf first | x = [-np.inf, 1., 2.]
m.softmax(x, 0) @ equal | x = [1., 1., 1.]
m.softmax(x, 0) @ -inf among them | x = [1., -np.inf, 2.]
m.softmax(x, 0) @ one element | x = [1.]
m.log_softmax(x, 0) @ equal | x = [1., 1., 1.]
m.log_softmax(x, 0) @ far apart | x = [0., 40., -40.]
m.nn.functional.cross_entropy(x, m.tensor([0, 2])) @ far apart | x = [[40., 0., -40.], [1., 1., 1.]]
m.nn.functional.cross_entropy(x, m.tensor([0, -100])) @ an ignored row | x = [[2., 0., -1.], [1., 1., 1.]]
m.nn.functional.layer_norm(x, (3,), eps=0.1) @ a constant row | x = [[2., 2., 2.], [1., 2., 4.]]
m.nn.functional.batch_norm(x, None, None, training=True, eps=0.1) @ a constant column | x = [[2., 1.], [2., 3.], [2., 4.]]
m.nn.functional.group_norm(x, 1, eps=0.1) @ constant | x = [[2., 2.], [2., 2.]]
m.var(x) @ equal | x = [2., 2., 2.]
m.var(x, 0) @ equal | x = [[2., 1.], [2., 3.]]
m.var_mean(x)[0] @ equal | x = [2., 2., 2.]
m.std(x, 0) @ two elements | x = [1., 2.]
m.linalg.vector_norm(x, 2) @ a 0 among them | x = [3., 0., 4.]
m.linalg.vector_norm(x, 3) @ a 0 among them | x = [3., 0., 4.]
m.linalg.vector_norm(x, 4) @ zeros among them | x = [0., 0., 4.]
m.norm(x, dim=1) @ a 0 among them | x = [[3., 0.], [0., 4.]]
m.nn.functional.normalize(x, dim=0) @ a 0 among them | x = [3., 0., 4.]
m.nn.functional.cosine_similarity(x, y, 0) @ parallel | x = [1., 2.] | y = [2., 4.]
m.nn.functional.mse_loss(x, y) @ equal | x = [1., 2.] | y = [1., 2.]
m.nn.functional.huber_loss(x, y) @ equal | x = [1., 2.] | y = [1., 2.]
m.nn.functional.smooth_l1_loss(x, y, beta=0.5) @ equal | x = [1., 2.] | y = [1., 2.]
m.nn.functional.binary_cross_entropy_with_logits(x, y) @ far out | x = [40., -40., 0.] | y = [0.5, 0.25, 0.75]
m.nn.functional.softplus(x) @ beyond the threshold | x = [30., -30., 0.]
m.nn.functional.elu(x) @ far out | x = [3., -30.]
m.nn.functional.gelu(x) @ 0 and far out | x = [0., 20., -20.]
m.nn.functional.silu(x) @ 0 and far out | x = [0., 40., -40.]
m.nn.functional.mish(x) @ 0 and far out | x = [0., 40., -40.]
m.nn.functional.logsigmoid(x) @ 0 and far out | x = [0., 40., -40.]
m.sigmoid(x) @ 0 and far out | x = [0., 40., -40.]
m.tanh(x) @ 0 and far out | x = [0., 20., -20.]
m.erf(x) @ 0 | x = [0., 1.]
m.log1p(x) @ 0 | x = [0., 1.]
m.expm1(x) @ 0 | x = [0., 1.]
m.asin(x) @ 0 | x = [0., 0.5]
m.acos(x) @ 0 | x = [0., 0.5]
m.atanh(x) @ 0 | x = [0., 0.5]
m.lgamma(x) @ 1 and 2 | x = [1., 2.]
m.digamma(x) @ 1 | x = [1.]
m.amax(x, 0) @ ties of what is not the largest | x = [1., 1., 3.]
m.max(x, 0).values @ ties of what is not the largest | x = [1., 1., 3.]
m.sort(x, 0).values ** 2 @ distinct, in order | x = [1., 2., 3.]
m.cummax(x, 0).values ** 2 @ falling | x = [3., 2., 1.]
m.median(x) ** 2 @ ties beside it | x = [1., 1., 2., 5., 5.]
m.clamp(x, 0, 1) ** 2 @ inside and outside | x = [-1., 0.5, 2.]
m.relu(x) ** 2 @ both sides | x = [-1., 2.]
m.abs(x) * x @ both sides | x = [-1., 2.]
m.scatter_reduce(x, 0, m.tensor([0, 0, 1]), y, 'prod') @ zeros | x = [2., 3.] | y = [0., 4., 5.]
m.scatter_reduce(x, 0, m.tensor([0, 0, 1]), y, 'prod') @ two zeros | x = [2., 3.] | y = [0., 0., 5.]
m.scatter_reduce(x, 0, m.tensor([0, 0, 1]), y, 'prod', include_self=False) @ a zero | x = [2., 3.] | y = [0., 4., 5.]
m.scatter_reduce(x, 0, m.tensor([0, 0, 1]), y, 'mean') ** 2 @ zeros | x = [0., 0.] | y = [0., 0., 0.]
m.index_add(x, 0, m.tensor([1, 1]), y) ** 2 @ an index twice | x = [1., 2.] | y = [3., 4.]
m.gather(x, 0, m.tensor([1, 1, 1])) ** 2 @ an index three times | x = [1., 2.]
x[m.tensor([0, 0, 1])] ** 2 @ an index twice | x = [1., 2.]
m.addcdiv(x, y, z) @ a numerator 0 | x = [1.] | y = [0.] | z = [2.]
m.lerp(x, y, z) @ equal ends | x = [1., 2.] | y = [1., 2.] | z = [0.5, 0.]
m.frac(x) ** 2 @ inside | x = [1.25, -1.25]
m.fmod(x, y) @ inside | x = [5.5, -5.5] | y = [2., 2.]
m.remainder(x, y) @ inside | x = [5.5, -5.5] | y = [2., 2.]
m.sum(x) ** 2 @ nothing | x = np.zeros((0,))
m.prod(x) @ nothing | x = np.zeros((0,))
m.prod(x, 0) @ nothing | x = np.zeros((0, 2))
m.cumprod(x, 0) @ nothing | x = np.zeros((0, 2))
m.logsumexp(x, 1) @ nothing | x = np.zeros((0, 2))
m.softmax(x, 1) @ nothing | x = np.zeros((2, 0))
m.mean(x, 0) ** 2 @ nothing | x = np.zeros((3, 0))
m.var(x, 0) @ nothing | x = np.zeros((3, 0))
m.sort(x, 0).values ** 2 @ nothing | x = np.zeros((0, 2))
x.exp() * y @ nothing | x = np.zeros((0,)) | y = np.zeros((0,))
x @ y @ nothing in between | x = np.zeros((2, 0)) | y = np.zeros((0, 3))
m.linalg.vector_norm(x, 3) @ nothing | x = np.zeros((0,))
m.nn.functional.layer_norm(x, (3,)) @ nothing | x = np.zeros((0, 3))
m.cumprod(x, 0) @ 0-d, 0 | x = 0.
m.prod(x) @ 0-d, 0 | x = 0.
m.softmax(x, 0) @ 0-d | x = 1.5
m.logsumexp(x, 0) @ 0-d | x = 1.5
m.cumsum(x, 0) ** 2 @ 0-d | x = 1.5
m.sort(x).values ** 2 @ 0-d | x = 1.5
m.linalg.vector_norm(x, 2) ** 3 @ 0-d | x = -1.5
x * y @ 0-d with several | x = 1.5 | y = [1., 2.]
x ** y @ 0-d | x = 1.5 | y = 2.
m.matmul(x, y) @ one element | x = [[2.]] | y = [3.]
m.einsum('ij,jk,k->i', x, y, z) @ zeros | x = [[0., 1.]] | y = [[0., 0.], [2., 0.]] | z = [1., 0.]
""")
)


# Where the first sample is near a kink, or among what is no function of its operands alone: another, or none.
SEEDS = dict.fromkeys(
    ("clamp", "m.nn.functional.max_pool2d(t, 2, 1)", "m.nn.functional.group_norm(x, 2, v, w)"), 6
)
NO_FUNCTION = {
    "x.detach() + y",
    "x.to(m.float32)",
    "m.nn.functional.max_pool2d(t, 2, 1, 1, return_indices=True)[1] + t.sum()",
}
PARAMETERS = {"round_decimals": [1.0]}


def generic():
    """The calls of batch/table.py, at random."""
    for call in table.SMOOTH:
        names = table.operands_of(call)
        seed = SEEDS.get(call, 0)
        if call not in NO_FUNCTION:
            yield Point(call, call, {name: table.value(name, seed).numpy() for name in names}, "generic")


def rows():
    """Every row of the table of calculus that has a derivative, at its samples."""
    for row in samples.differentiable_rows():
        free = samples.random_points(row, count=3, seed=SEEDS.get(row.name, 5))
        given = samples.operands(row, free)
        fixed = iter(
            PARAMETERS.get(row.name, [v for n, v in zip(row.operands, given) if n in row.parameters])
        )
        operands = {
            name: np.asarray(value) for name, value in zip(row.operands, given) if name not in row.parameters
        }
        words = [repr(next(fixed)) if name in row.parameters else name for name in row.operands]
        yield Point(row.name, f"row({row.name!r}, {', '.join(words)})", operands, "generic")
