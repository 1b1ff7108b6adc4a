"""Which pixels tell a 3 from an 8, and how sure is that: Bayesian logistic regression by Hamiltonian Monte Carlo.

    python examples/posterior.py              samples, prints what was learnt, writes examples/output/posterior.png
    python examples/posterior.py --compare    the same with PyTorch, if installed, from the same random numbers

The model is written in distributions: weights are normal, of a scale that is itself unknown, and the labels are coins.
Hamiltonian Monte Carlo needs the gradient of its density, and a transform that takes the scale from the real numbers.
Nothing is fitted: predictions are means over the weights that the data allows, and know where they do not know.
"""

import argparse
import math
import pathlib
import time

import numpy as np
from tqdm import tqdm

import pullback as pb

HERE = pathlib.Path(__file__).parent
DIGITS = 3, 8
TRAINING = 120
WARM_UP, DRAWS, STEPS = 300, 700, 12
ACCEPTED = 0.8  # the share of proposals that the length of a step is chosen for


# ---- the model ---------------------------------------------------------------------------------------------------


def log_joint(lib, state, images, labels):
    """The logarithm of the density of weights and scale, given as real numbers [features + 2], and of the labels."""
    d = lib.distributions
    to_scale = d.biject_to(d.constraints.positive)
    weights, bias, unbounded = state[:-2], state[-2], state[-1]
    scale = to_scale(unbounded)
    free = {"validate_args": False}  # a step that is too long may lead to a scale of 0, and is not accepted
    prior = d.Normal(0.0, scale, **free).log_prob(weights).sum() + d.Normal(0.0, 2.0, **free).log_prob(bias)
    hyper = d.HalfNormal(lib.ones_like(scale), **free).log_prob(scale) + to_scale.log_abs_det_jacobian(
        unbounded, scale
    )
    return prior + hyper + d.Bernoulli(logits=images @ weights + bias, **free).log_prob(labels).sum()


def slope(lib, state, images, labels):
    """The density and its gradient."""
    state = state.detach().requires_grad_()
    value = log_joint(lib, state, images, labels)
    return value.detach(), lib.autograd.grad(value, state)[0]


# ---- Hamiltonian Monte Carlo -------------------------------------------------------------------------------------


def propose(lib, state, value, gradient, length, density):
    """Where a ball with a random push is after some steps downhill; and by how much its energy has changed."""
    push = lib.randn(state.shape, dtype=state.dtype)
    energy = value - 0.5 * push.square().sum()
    for _ in range(STEPS):
        push = push + 0.5 * length * gradient
        state = state + length * push
        value, gradient = density(state)
        push = push + 0.5 * length * gradient
    return state, value, gradient, (value - 0.5 * push.square().sum() - energy).item()


def sample(lib, images, labels, seed=0, warm_up=WARM_UP, draws=DRAWS):
    """Draws [draws, features + 2], the share of proposals that were accepted, and seconds."""
    start = time.perf_counter()
    lib.manual_seed(seed)
    density = lambda state: slope(lib, state, images, labels)
    state = lib.zeros(images.shape[1] + 2, dtype=lib.float64)
    value, gradient = density(state)
    log_length, kept, accepted = math.log(0.05), [], 0
    with tqdm(range(warm_up + draws), desc=lib.__name__, unit="draw") as progress:
        for step in progress:
            length = math.exp(log_length)
            *there, change = propose(lib, state, value, gradient, length, density)
            chance = math.exp(min(0.0, change)) if math.isfinite(change) else 0.0
            if lib.rand(()).item() < chance:
                state, value, gradient = there
                accepted += step >= warm_up
            if step < warm_up:  # Robbins and Monro: longer while more is accepted
                log_length += (chance - ACCEPTED) / (1 + step) ** 0.6
            else:
                kept.append(state)
            if step % 50 == 0:
                progress.set_postfix(density=f"{value.item():.1f}", step=f"{length:.3f}")
    return lib.stack(kept), accepted / draws, time.perf_counter() - start


# ---- data, judging -----------------------------------------------------------------------------------------------


def load():
    """Images of two digits as 16 mean greys, centred, and whether they are the second one: training, then held out."""
    with np.load(HERE / "data" / "digits.npz") as file:
        images, labels = file["images"].astype(float) / 16, file["labels"]
    chosen = np.isin(labels, DIGITS)
    images, labels = images[chosen], (labels[chosen] == DIGITS[1]).astype(float)
    coarse = images.reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16)
    order = np.random.default_rng(0).permutation(len(coarse))
    coarse = (coarse - coarse.mean(0)) * 4
    train, test = order[:TRAINING], order[TRAINING:]
    return (coarse[train], labels[train]), (coarse[test], labels[test], images[test])


def judge(lib, draws, images, labels):
    """Accuracy, the mean log-likelihood, and the probability of the second digit for each image, [images]."""
    scores = lib.tensor(images) @ draws[:, :-2].T + draws[:, -2]
    probabilities = scores.sigmoid().mean(1)
    right = (probabilities > 0.5).double() == lib.tensor(labels)
    likelihood = lib.distributions.Bernoulli(probabilities).log_prob(lib.tensor(labels)).mean()
    return right.double().mean().item(), likelihood.item(), probabilities.numpy()


def draw_picture(draws, probabilities, held_out, path):
    """The weights with their spread, the scale, and the images that the model is least sure of."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    weights = draws[:, :16].numpy()
    figure = plt.figure(figsize=(12, 4), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, width_ratios=[1.1, 1, 1.1])
    axes = left.subplots(1, 2)
    largest = np.abs(weights.mean(0)).max()
    for cell, values, title, colours, low in (
        (axes[0], weights.mean(0), "mean of the weights", "RdBu_r", -largest),
        (axes[1], weights.std(0), "their deviation", "Greys", 0),
    ):
        shown = cell.imshow(values.reshape(4, 4), cmap=colours, vmin=low, vmax=largest)
        cell.set(xticks=[], yticks=[])
        cell.set_title(title, fontsize=10)
        left.colorbar(shown, ax=cell, shrink=0.7)
    left.suptitle(f"What speaks for {DIGITS[1]} (red)", fontweight="bold")
    axes = middle.subplots()
    axes.hist(draws[:, -1].exp().numpy(), bins=30, color="#2563eb", density=True)
    axes.set(xlabel="scale of the weights", yticks=[])
    axes.spines[["top", "right", "left"]].set_visible(False)
    middle.suptitle("A scale that was not chosen", fontweight="bold")
    _, labels, images = held_out
    unsure = np.argsort(np.abs(probabilities - 0.5))[:8]
    for cell, k in zip(right.subplots(2, 4).flat, unsure):
        cell.imshow(images[k], cmap="gray_r", vmin=0, vmax=1)
        cell.set(xticks=[], yticks=[])
        cell.set_title(f"{DIGITS[int(labels[k])]}: {probabilities[k]:.0%}", fontsize=9)
    right.suptitle(f"Least sure: how likely an {DIGITS[1]}", fontweight="bold")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def compare(training, draws, seed):
    """The same with PyTorch: the gradient at our last draw, and what its own draws say."""
    import torch

    torch.set_num_threads(1)  # the work is small

    images, labels = (torch.tensor(each) for each in training)
    last = draws[-1].numpy()
    ours = slope(pb, pb.tensor(last), *(pb.tensor(each) for each in training))
    theirs = slope(torch, torch.tensor(last), images, labels)
    difference = np.abs(ours[1].numpy() - theirs[1].numpy()).max()
    others, share, seconds = sample(torch, images, labels, seed, draws=len(draws))
    print(f"torch:    {share:.0%} of proposals accepted, {seconds:.1f} s")
    means = np.abs(draws.numpy().mean(0) - others.numpy().mean(0)) / draws.numpy().std(0)
    print(
        f"Largest difference of the gradients: {difference:.1e}; of the means of the draws: {means.max():.2f} deviations"
    )
    return difference, means.max()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--compare", action="store_true", help="also sample with PyTorch; compare")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers")
    options = parser.parse_args()

    training, held_out = load()
    draws, share, seconds = sample(pb, *(pb.tensor(each) for each in training), options.seed)
    accuracy, likelihood, probabilities = judge(pb, draws, *held_out[:2])
    print(f"pullback: {share:.0%} of proposals accepted, {seconds:.1f} s")
    scale = draws[:, -1].exp()
    print(
        f"{accuracy:.1%} of {len(held_out[0])} held-out images, log-likelihood {likelihood:.3f} an image; "
        f"scale of the weights {scale.mean().item():.2f} ± {scale.std().item():.2f}"
    )
    picture = HERE / "output" / "posterior.png"
    draw_picture(draws, probabilities, held_out, picture)
    print(picture)
    if options.compare:
        try:
            compare(training, draws, options.seed)
        except ImportError:
            raise SystemExit("--compare needs PyTorch: pip install torch") from None


if __name__ == "__main__":
    main()
