"""higher: first weights from which two steps of gradient descent fit any sine, found through those steps."""

import higher
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
outer = torch.optim.Adam(net.parameters(), lr=1e-2)
inner = torch.optim.SGD(net.parameters(), lr=0.1)


def task():
    phase, amplitude = torch.rand(1) * 3, 0.5 + torch.rand(1)
    points = torch.rand(2, 20, 1) * 4 - 2
    return points, amplitude * torch.sin(2 * points + phase)


losses = []
for _ in range(120):
    outer.zero_grad()
    total = 0.0
    for _ in range(4):
        points, values = task()
        with higher.innerloop_ctx(net, inner, copy_initial_weights=False) as (adapted, steps):
            for _ in range(2):
                steps.step(nn.functional.mse_loss(adapted(points[0]), values[0]))
            loss = nn.functional.mse_loss(adapted(points[1]), values[1])
            loss.backward()
            total += loss.item() / 4
    outer.step()
    losses.append(total)
early, late = sum(losses[:20]) / 20, sum(losses[-20:]) / 20
assert late < 0.8 * early, (early, late)

# The gradient through an inner step, beside the one that is written out.
weight = nn.Linear(1, 1, bias=False)
with higher.innerloop_ctx(
    weight, torch.optim.SGD(weight.parameters(), lr=0.1), copy_initial_weights=False
) as (f, steps):
    steps.step(f(torch.ones(1, 1)).square().sum())
    f(torch.ones(1, 1)).square().sum().backward()
w = weight.weight.detach()
assert torch.allclose(weight.weight.grad, 2 * (w - 0.2 * w) * 0.8), weight.weight.grad

print(f"higher: after two steps the loss is {late:.3f}, where it was {early:.3f} before meta-learning")
