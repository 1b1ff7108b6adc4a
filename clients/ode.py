"""torchdiffeq: the field of an ordinary differential equation, a network, is fitted to a spiral that was seen 40 times."""

import torch
from torch import nn
from torchdiffeq import odeint, odeint_adjoint, odeint_event

torch.manual_seed(0)
times = torch.linspace(0, 4, 40)
start = torch.tensor([[2.0, 0.0]])
field = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
with torch.no_grad():
    seen = odeint(lambda t, y: (y**3) @ field, start, times, rtol=1e-7, atol=1e-9)


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))

    def forward(self, t, y):
        return self.net(y**3)


model = Field()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
losses = []
for _ in range(60):
    first = int(torch.randint(0, 30, ()))
    optimizer.zero_grad()
    found = odeint(model, seen[first], times[first : first + 8] - times[first], method="rk4")
    loss = (found - seen[first : first + 8]).abs().mean()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
early, late = sum(losses[:10]) / 10, sum(losses[-10:]) / 10
assert late < 0.5 * early, (early, late)

# The adjoint equation gives the gradient of backward().
gradients = []
for solve in (odeint, odeint_adjoint):
    model.zero_grad()
    solve(model, start, times[:5], rtol=1e-8, atol=1e-10).sum().backward()
    gradients.append(model.net[0].weight.grad.clone())
assert torch.allclose(*gradients, rtol=1e-3, atol=1e-4), gradients

# Every solver agrees on a decay.
decay = {}
for method in (
    "dopri8",
    "dopri5",
    "bosh3",
    "fehlberg2",
    "adaptive_heun",
    "rk4",
    "midpoint",
    "implicit_adams",
):
    ends = odeint(lambda t, y: -y, torch.ones(1), torch.linspace(0, 1, 50), method=method)
    decay[method] = (ends[-1] - torch.exp(torch.tensor(-1.0))).abs().item()
assert max(decay.values()) < 1e-3, decay

# When a ball that is dropped meets the ground, and how that moves with the height.
height = torch.tensor(10.0, requires_grad=True)
fall = lambda t, y: torch.stack([y[1], -9.81 * torch.ones_like(y[1])])
begin = torch.stack([height, torch.zeros(())])
time, _ = odeint_event(fall, begin, torch.tensor(0.0), event_fn=lambda t, y: y[0], odeint_interface=odeint)
(slope,) = torch.autograd.grad(time, height)
exact = (2 * 10 / 9.81) ** 0.5
assert abs(time.item() - exact) < 1e-3 and abs(slope.item() - exact / 20) < 1e-3, (time, slope)

print(f"torchdiffeq: the loss fell from {early:.2f} to {late:.2f}; a ball lands after {time.item():.3f} s")
