"""tensorly: a tensor that is noisy and of low rank, taken apart in five ways, and completed by gradients."""

import tensorly as tl
import torch
from tensorly.decomposition import non_negative_parafac, parafac, tensor_train, tucker

tl.set_backend("pytorch")
torch.manual_seed(0)
factors = [torch.rand(n, 3, dtype=torch.float64) for n in (8, 9, 10)]
exact = tl.cp_to_tensor((torch.ones(3, dtype=torch.float64), factors))
noisy = exact + 0.01 * torch.randn_like(exact)


def error(found):
    return (tl.norm(found - exact) / tl.norm(exact)).item()


errors = {
    "parafac": error(tl.cp_to_tensor(parafac(noisy, rank=3, n_iter_max=200, init="svd"))),
    "non-negative": error(tl.cp_to_tensor(non_negative_parafac(noisy, rank=3, n_iter_max=500))),
    "tucker": error(tl.tucker_to_tensor(tucker(noisy, rank=[3, 3, 3]))),
    "tensor train": error(tl.tt_to_tensor(tensor_train(noisy, rank=[1, 3, 3, 1]))),
}
assert all(value < 0.03 for value in errors.values()), errors

# Half of the elements were seen: a Tucker decomposition whose parts are found by gradients.
seen = torch.rand_like(exact) < 0.5
core = torch.randn(3, 3, 3, dtype=torch.float64, requires_grad=True)
parts = [torch.randn(n, 3, dtype=torch.float64, requires_grad=True) for n in exact.shape]
optimizer = torch.optim.Adam([core, *parts], lr=0.05)
for _ in range(1000):
    optimizer.zero_grad()
    found = tl.tucker_to_tensor((core, parts))
    loss = (found - noisy)[seen].square().mean()
    loss.backward()
    optimizer.step()
completed = error(found.detach())
assert completed < 0.15, completed

print(
    f"tensorly: relative errors {', '.join(f'{name} {value:.3f}' for name, value in errors.items())}, completed {completed:.3f}"
)
