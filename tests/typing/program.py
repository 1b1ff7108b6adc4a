"""A program for type checkers: test_typing.py runs them on it. Lines with an error that they must find end in `# wrong`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import pullback as pb
import pullback.nn.functional as F
from pullback import Tensor, nn
from pullback.autograd import Function, forward_ad
from pullback.autograd.function import FunctionContext
from pullback.distributions.gamma import Gamma
from pullback.utils.data import DataLoader, Dataset, TensorDataset, random_split


class Squares(Dataset[int]):
    def __getitem__(self, index: int) -> int:
        return index * index

    def __len__(self) -> int:
        return 4


def with_loaders() -> int:
    train, test = random_split(TensorDataset(pb.ones(4, 2), pb.ones(4)), [3, 1])
    for x, y in DataLoader(train, batch_size=2, shuffle=True, num_workers=2):
        assert x.shape[0] == y.shape[0]
    DataLoader(Squares(), batch_size="two")  # wrong
    return len(DataLoader(Squares())) + len(test)


def with_distributions() -> Tensor:
    d = pb.distributions
    prior, family = d.Normal(0.0, pb.ones(3)), d.Independent(d.Beta(2.0, 3.0), 0)
    draws = prior.rsample((5,))
    mixed = d.MixtureSameFamily(d.Categorical(logits=pb.zeros(3)), d.Normal(pb.zeros(3), 1.0))
    total = prior.log_prob(draws).sum() + d.kl_divergence(prior, d.Normal(prior.loc, 2.0 * prior.scale)).sum()
    made = d.TransformedDistribution(prior, [d.ExpTransform(), d.AffineTransform(0.0, 2.0)])
    positive: pb.distributions.Transform = d.biject_to(d.constraints.positive)
    shape: pb.Size = made.event_shape
    d.Normal("0", 1.0)  # wrong
    prior.log_prob(draws, 2)  # wrong
    d.Gamma(1.0)  # wrong
    Gamma(1.0)  # wrong
    family = d.Independent(Gamma(1.0, pb.ones(3)), 1)
    inside = d.constraints.interval(0.0, 1.0).check(positive(draws))
    return total + mixed.mean + family.entropy() + inside.sum() + made.sample(shape).sum()


class Mine(pb.distributions.Distribution):
    @property
    def mean(self) -> Tensor:
        return pb.zeros(())

    def log_prob(self, value: Tensor) -> Tensor:
        return -value.square()


@pb.distributions.register_kl(Mine, Mine)
def between_mine(p: Mine, q: Mine) -> Tensor:
    return p.mean - q.mean


class Cube(Function):
    @staticmethod
    def forward(ctx: FunctionContext, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.scale = 2
        return x * x * x

    @staticmethod
    def backward(ctx: FunctionContext, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * 3 * x * x


class Two(Function):
    @staticmethod
    def forward(x: Tensor, n: int) -> tuple[Tensor, Tensor]:
        return x * n, x + n

    @staticmethod
    def setup_context(ctx: FunctionContext, inputs: Any, output: Any) -> None:
        ctx.n = inputs[1]

    @staticmethod
    def backward(ctx: FunctionContext, a: Tensor, b: Tensor) -> tuple[Tensor, None]:
        return a * ctx.n + b, None

    @staticmethod
    def jvp(ctx: FunctionContext, t: Tensor, n: None) -> tuple[Tensor, Tensor]:
        return t, t


def train() -> float:
    pb.manual_seed(0)
    x = pb.randn(8, 3)
    y = pb.randint(0, 2, (8,))
    w = pb.zeros(3, 2, requires_grad=True)
    losses: list[float] = []
    for _ in range(10):
        loss = F.cross_entropy(x @ w, y)
        loss.backward()
        assert w.grad is not None
        with pb.no_grad():
            w -= 0.1 * w.grad
        w.grad = None
        losses.append(loss.item())
        losses.append(float(loss))
    return losses[-1]


@pb.no_grad()
def evaluate(x: Tensor) -> Tensor:
    return nn.functional.softmax(x, dim=-1).argmax(-1)


@pb.inference_mode()
def infer(x: Tensor) -> Tensor:
    return x.relu()


@pb.enable_grad()
def loaded(x: Tensor) -> Iterator[Tensor]:
    yield from x.split(2)


def hooks() -> None:
    x = pb.ones(2, requires_grad=True)
    handle = x.register_hook(lambda grad: grad * 2)
    handle.remove()
    with x.register_hook(lambda grad: print(grad)):
        pass
    y = (x * 2).sum()
    y.retain_grad()
    if y.grad_fn is not None:
        name: str = y.grad_fn.name()
        print(name, y.grad_fn.next_functions)
    (g,) = pb.autograd.grad(y, x, create_graph=True)
    (h,) = pb.autograd.grad([y], [x], grad_outputs=[pb.ones(())])
    print(g.shape[0], h.shape.numel())


def modes() -> None:
    with pb.set_grad_enabled(False), pb.enable_grad():
        pass
    pb.set_grad_enabled(True)
    with pb.inference_mode():
        pass
    with pb.autograd.detect_anomaly():
        pass
    with pb.autograd.set_multithreading_enabled(False):
        pass
    graph = pb.autograd.graph
    with (
        graph.saved_tensors_hooks(lambda t: t.numpy(), lambda kept: pb.from_numpy(kept)),
        graph.save_on_cpu(),
    ):
        pass
    with graph.disable_saved_tensors_hooks("no"), graph.allow_mutation_on_saved_tensors():
        pass
    with graph.disable_saved_tensors_hooks(3):  # wrong
        pass
    with forward_ad.dual_level():
        d = forward_ad.make_dual(pb.ones(2), pb.ones(2))
        t = forward_ad.unpack_dual(d).tangent
        if t is not None:
            print(t.sum())


def shapes() -> None:
    x = pb.zeros(2, 3, dtype=pb.float64)
    y = pb.zeros((2, 3), dtype="float64")
    n: int = x.size(0)
    rows, columns = x.shape
    s: pb.Size = x.size()
    a = x.reshape(3, 2).view(-1).unsqueeze(0).permute(1, 0)
    values, indices = x.max(dim=1)
    top = x.max()
    v, i = x.topk(2)
    first: Tensor = x[0]
    x[0, :] = 1.0
    x[x > 0] = 2
    b = pb.cat([x, y], dim=0) + pb.stack([x, y]).sum(0, keepdim=True)
    c = 1 - x / 2**x % 3 // 2
    d = x == y
    e: bool = bool((x == y).all())
    f = pb.where(x > 0, x, y)
    for row in x:
        print(row.mean().item())
    print(
        n, rows, columns, s, a, values, indices, top, v, i, first, b, c, d, e, f, -x, abs(x), len(x), x in [x]
    )
    print(
        pb.pi,
        pb.e,
        pb.inf,
        pb.nan,
        x[:, pb.newaxis],
        pb.maximum(x, y),
        pb.add(x, y, alpha=2),
        x.add_(1).clamp(min=0, max=1),
    )
    array: np.ndarray[Any, Any] = x.numpy()
    print(
        pb.from_numpy(array),
        pb.tensor(array),
        x.tolist(),
        pb.finfo(pb.float32).eps,
        pb.int64,
        x.dtype == pb.float64,
    )
    z = x.to(pb.float32).double().long().to("cpu")
    print(
        pb.explain(z.float()),
        pb.get_num_threads(),
        pb.linalg.vector_norm(x),
        pb.special.erf(x),
        x.device,
        x.T,
    )
    g = pb.Generator()
    g.manual_seed(1)
    print(
        pb.rand(2, generator=g),
        x.norm(),
        pb.einsum("ij,kj->ik", x, y),
        x.std(0),
        x.var(dim=0, unbiased=False),
    )
    pb.save(x, "x.pb")
    back = pb.load("x.pb")
    print(back, pb.autograd.Function)
    m = pb.memory
    print(
        m,
        F.relu(x),
        F.gelu(x),
        F.one_hot(pb.tensor([1]), 3),
        F.pad(x, (1, 1)),
        F.leaky_relu(x, 0.1, inplace=True),
    )
    print(Cube.apply(x), Two.apply(x, 2))


def decorated(x: Tensor) -> Tensor:
    @pb.no_grad
    def double(x: Tensor) -> Tensor:
        return x * 2

    return double(x)


def results(x: Tensor) -> Tensor:
    everything: Tensor = x.max() + pb.min(x) + x.where(x > 0, 0.0) + pb.where(x > 0, x, 1.0)
    positions = x.nonzero()
    (rows,) = x.nonzero(as_tuple=True)
    grads: dict[str, Tensor] = pb.autograd.grad(x.sum(), {"x": x})
    return everything + positions + rows + grads["x"] + x.sort().values + x.median(0).indices


def mistakes(x: Tensor) -> None:
    x.no_such_method()  # wrong
    pb.zeroes(3)  # wrong
    pb.zeros(3, dtyp=pb.float32)  # wrong
    nn.functional.reluu(x)  # wrong
    with pb.no_grad:  # wrong
        pass
    x.register_hook(3)  # wrong
    n: int = x.shape  # wrong
    pb.cat(3)  # wrong
    print(n)
