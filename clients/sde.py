"""torchsde: drift and noise of a stochastic differential equation, found again from where its paths end."""

import torch
import torchsde
from torch import nn

torch.manual_seed(0)


class Growth(nn.Module):
    noise_type, sde_type = "diagonal", "ito"

    def __init__(self, drift, noise):
        super().__init__()
        self.drift = nn.Parameter(torch.tensor(drift))
        self.noise = nn.Parameter(torch.tensor(noise))

    def f(self, t, y):
        return self.drift * y

    def g(self, t, y):
        return self.noise * y


times, start = torch.linspace(0, 1, 3), torch.ones(512, 1)


def ends(model):
    return torchsde.sdeint(model, start, times, dt=0.05, method="srk")[-1].log()


with torch.no_grad():
    seen = ends(Growth(0.5, 0.3))
model = Growth(0.0, 0.6)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(60):
    optimizer.zero_grad()
    found = ends(model)
    loss = (found.mean() - seen.mean()) ** 2 + (found.std() - seen.std()) ** 2
    loss.backward()
    optimizer.step()
drift, noise = model.drift.item(), abs(model.noise.item())
assert abs(drift - 0.5) < 0.12 and abs(noise - 0.3) < 0.06, (drift, noise)

# The adjoint's gradient is that of the solver's own steps, on the same Brownian motion.
gradients = []
for solve in (torchsde.sdeint, torchsde.sdeint_adjoint):
    motion = torchsde.BrownianInterval(0.0, 1.0, (512, 1), entropy=7, levy_area_approximation="space-time")
    model.zero_grad()
    solve(model, start, times, dt=0.01, bm=motion)[-1].mean().backward()
    gradients.append(model.drift.grad.item())
assert abs(gradients[0] - gradients[1]) < 0.05 * abs(gradients[0]), gradients

print(f"torchsde: drift {drift:.2f} and noise {noise:.2f}, where 0.50 and 0.30 had made the data")
