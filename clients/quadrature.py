"""torchquad: an integral over a square by rules and by chance, and its derivative in a parameter."""

import os

os.environ.setdefault("LOGURU_LEVEL", "ERROR")

import torch
from torchquad import VEGAS, Boole, GaussLegendre, MonteCarlo, Simpson, Trapezoid, set_up_backend

set_up_backend("torch", data_type="float64")
rate = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
domain = [[0.0, 1.0], [-1.0, 1.0]]
exact = (1 - torch.exp(-rate)) / rate * 2 / 3


def integrand(x):
    return torch.exp(-rate * x[:, 0]) * x[:, 1] ** 2


found = {}
for rule, n, tolerance in (
    (Trapezoid, 10_201, 1e-3),
    (Simpson, 2_601, 1e-6),
    (Boole, 2_601, 1e-6),
    (GaussLegendre, 400, 1e-8),
    (MonteCarlo, 50_000, 2e-2),
    (VEGAS, 20_000, 1e-2),
):
    options = {"seed": 0} if rule in (MonteCarlo, VEGAS) else {}
    with torch.set_grad_enabled(rule is not VEGAS):
        value = rule().integrate(integrand, dim=2, N=n, integration_domain=domain, backend="torch", **options)
    assert abs(value.item() - exact.item()) < tolerance, (rule.__name__, value, exact)
    found[rule.__name__] = value

(slope,) = torch.autograd.grad(found["GaussLegendre"], rate)
(expected,) = torch.autograd.grad(exact, rate)
assert torch.allclose(slope, expected, rtol=1e-6), (slope, expected)

print(
    f"torchquad: {exact.item():.6f} by Boole's rule {found['Boole'].item():.6f}, by VEGAS {found['VEGAS'].item():.6f}"
)
