"""pytorch-minimize: a narrow valley by many methods, the same within a disc, and a fit by least squares."""

import torch
from torchmin import Minimizer, least_squares, minimize, minimize_constr


def valley(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


start = torch.tensor([1.0, 8.0, 3.0], dtype=torch.float64)
for method in ("bfgs", "l-bfgs", "cg", "newton-cg", "newton-exact", "trust-ncg", "trust-exact"):
    result = minimize(valley, start, method=method)
    assert result.fun < 1e-6, (method, result)

inside = minimize_constr(
    valley,
    torch.tensor([0.0, 0.0], dtype=torch.float64),
    constr={"fun": lambda x: x.square().sum(), "ub": 1.0},
)
assert torch.allclose(inside.x, torch.tensor([0.7864, 0.6177], dtype=torch.float64), atol=1e-3), inside.x

times = torch.linspace(0, 3, 30, dtype=torch.float64)
data = 2.5 * torch.exp(-1.3 * times) + 0.5
fit = least_squares(
    lambda p: p[0] * torch.exp(-p[1] * times) + p[2] - data, torch.ones(3, dtype=torch.float64)
)
assert torch.allclose(fit.x, torch.tensor([2.5, 1.3, 0.5], dtype=torch.float64), atol=1e-4), fit.x

layer = torch.nn.Linear(4, 1).double()
inputs = torch.randn(50, 4, dtype=torch.float64)
targets = inputs @ torch.arange(1.0, 5.0, dtype=torch.float64)[:, None] - 2
optimizer = Minimizer(layer.parameters(), method="bfgs")


def closure():
    optimizer.zero_grad()
    return (layer(inputs) - targets).square().mean()


optimizer.step(closure)
assert closure().item() < 1e-8

print(f"pytorch-minimize: the lowest point of the valley within the disc is {inside.x.tolist()}")
