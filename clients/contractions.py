"""einops and opt_einsum: a small vision transformer that is written in shapes, and a network of tensors, contracted."""

import opt_einsum
import torch
from einops import einsum, pack, rearrange, reduce, repeat, unpack
from einops.layers.torch import EinMix, Rearrange, Reduce
from torch import nn

torch.manual_seed(0)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        q, k, v = rearrange(self.qkv(x), "b n (three h d) -> three b h n d", three=3, h=self.heads)
        weights = einsum(q, k, "b h i d, b h j d -> b h i j").mul(q.shape[-1] ** -0.5).softmax(-1)
        return x + self.out(
            rearrange(einsum(weights, v, "b h i j, b h j d -> b h i d"), "b h n d -> b n (h d)")
        )


net = nn.Sequential(
    Rearrange("b c (h p) (w q) -> b (h w) (p q c)", p=2, q=2),
    EinMix("b n d -> b n e", weight_shape="d e", bias_shape="e", d=4, e=16),
    Attention(16, 4),
    Reduce("b n d -> b d", "mean"),
    nn.Linear(16, 2),
)
images = torch.randn(64, 1, 8, 8)
labels = (reduce(images, "b c h w -> b", "mean") > 0).long()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for _ in range(60):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(net(images), labels)
    loss.backward()
    optimizer.step()
assert loss.item() < 0.3, loss
parts, shapes = pack([images, repeat(images, "b c h w -> b (k c) h w", k=2)], "b * h w")
assert parts.shape == (64, 3, 8, 8) and unpack(parts, shapes, "b * h w")[1].shape == (64, 2, 8, 8)

chain = [
    torch.randn(n, m, dtype=torch.float64, requires_grad=True)
    for n, m in ((4, 30), (30, 5), (5, 20), (20, 4))
]
value = opt_einsum.contract("ab,bc,cd,da->", *chain)
value.backward()
a, b, c, d = chain
assert torch.allclose(value, (a @ b @ c @ d).trace()) and torch.allclose(a.grad, (b @ c @ d).T)
expression = opt_einsum.contract_expression("ij,jk,kl->il", (4, 30), (30, 5), (5, 20))
assert torch.allclose(expression(a, b, c, backend="torch"), a @ b @ c)
assert opt_einsum.contract("ij,kj->ik", nn.Parameter(torch.ones(2, 3)), torch.ones(4, 3)).shape == (2, 4)

print(
    f"einops, opt_einsum: the loss fell to {loss.item():.2f}; a trace of four factors is {value.item():.3f}"
)
