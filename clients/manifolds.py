"""geoopt: eigenvectors as minima on a sphere and on orthonormal frames; a tree in the hyperbolic plane."""

import geoopt
import torch

torch.manual_seed(0)
a = torch.randn(6, 6, dtype=torch.float64)
a = a @ a.T
largest = torch.linalg.eigvalsh(a)

sphere = geoopt.Sphere()
x = geoopt.ManifoldParameter(sphere.projx(torch.randn(6, dtype=torch.float64)), manifold=sphere)
optimizer = geoopt.optim.RiemannianAdam([x], lr=5e-2)
for _ in range(300):
    optimizer.zero_grad()
    loss = -(x @ a @ x)
    loss.backward()
    optimizer.step()
assert torch.allclose(-loss, largest[-1], rtol=1e-4) and abs(x.norm().item() - 1) < 1e-8

frames = geoopt.Stiefel()
w = geoopt.ManifoldParameter(frames.random(6, 2, dtype=torch.float64), manifold=frames)
optimizer = geoopt.optim.RiemannianSGD([w], lr=1e-2, momentum=0.5)
for _ in range(400):
    optimizer.zero_grad()
    loss = -(w.T @ a @ w).trace()
    loss.backward()
    optimizer.step()
assert torch.allclose(-loss, largest[-2:].sum(), rtol=1e-3)
assert torch.allclose(w.T @ w, torch.eye(2, dtype=torch.float64), atol=1e-6)

# Seven points of a binary tree, whose distances the hyperbolic plane has room for.
ball = geoopt.PoincareBall()
edges = [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)]
steps = torch.full((7, 7), 99.0, dtype=torch.float64)
steps.diagonal().fill_(0)
for i, j in edges:
    steps[i, j] = steps[j, i] = 1
for k in range(7):
    steps = torch.minimum(steps, steps[:, k : k + 1] + steps[k : k + 1])
points = geoopt.ManifoldParameter(0.01 * torch.randn(7, 2, dtype=torch.float64), manifold=ball)
optimizer = geoopt.optim.RiemannianAdam([points], lr=5e-2)
i, j = torch.triu_indices(7, 7, 1)
for _ in range(200):
    optimizer.zero_grad()
    stress = (ball.dist(points[i], points[j]) - steps[i, j]).square().mean()
    stress.backward()
    optimizer.step()
assert stress.item() < 0.1, stress

print(
    f"geoopt: the largest eigenvalue is {largest[-1].item():.4f}; the tree is embedded with a stress of {stress.item():.3f}"
)
