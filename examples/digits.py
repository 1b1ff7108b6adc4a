"""Learn to read handwritten digits: a multilayer perceptron, written with tensors and `backward()` alone.

    python examples/digits.py              trains, prints the accuracy, writes examples/output/digits.png
    python examples/digits.py --compare    the same with PyTorch, if installed, and compares the gradients

Read `logits`, `cross_entropy` and `step`: those three are the whole of it. They take the library as the
argument `lib`, because pullback and PyTorch understand the same program.
"""

from __future__ import annotations

import argparse
import itertools
import pathlib
import time

import numpy as np
from tqdm import tqdm

import pullback as pb

HERE = pathlib.Path(__file__).parent
SIZES = (64, 128, 64, 10)
EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 40, 32, 0.05, 0.9, 1e-3
NOISE = 0.2  # added to the pixels in training: without it the network learns the images by heart
HELD_OUT = 360
GOAL = 0.97


# ---- the model, its loss, one step -------------------------------------------------------------------------


def logits(parameters, images):
    """Scores of the ten digits, [images, 10], for images of shape [images, 64]."""
    *hidden, (weight, bias) = zip(parameters[::2], parameters[1::2])
    values = images
    for w, b in hidden:
        values = (values @ w + b).relu()
    return values @ weight + bias


def cross_entropy(scores, labels):
    """The mean of -log p(label), where p is the softmax of an image's scores."""
    return (scores.logsumexp(1) - scores.gather(1, labels.unsqueeze(1)).squeeze(1)).mean()


def step(lib, parameters, velocities, images, labels, rate):
    """One step of stochastic gradient descent with momentum; returns the loss before it."""
    loss = cross_entropy(logits(parameters, images), labels)
    for p in parameters:
        p.grad = None
    loss.backward()  # fills the .grad of every parameter
    with lib.no_grad():  # the update is not part of the function to differentiate
        for p, v in zip(parameters, velocities):
            v.mul_(MOMENTUM).add_(p.grad).add_(p, alpha=DECAY)
            p.sub_(rate * v)
    return loss.item()


# ---- data, training, judging -------------------------------------------------------------------------------


def load():
    """Images scaled to [0, 1] and labels, as NumPy arrays: the training set, then the held-out set."""
    with np.load(HERE / "data" / "digits.npz") as file:
        images = file["images"].reshape(-1, 64).astype(np.float32) / 16
        labels = file["labels"].astype(np.int64)
    order = np.random.default_rng(0).permutation(len(images))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    return (images[train], labels[train]), (images[test], labels[test])


def initial_weights(seed):
    """He's initialisation: weights of variance 2 / inputs, biases of 0; weight, bias, weight, bias, ..."""
    rng = np.random.default_rng(seed)
    for inputs, outputs in itertools.pairwise(SIZES):
        yield (rng.standard_normal((inputs, outputs)) * (2 / inputs) ** 0.5).astype(np.float32)
        yield np.zeros(outputs, np.float32)


def as_parameters(lib, arrays):
    return [lib.tensor(array, requires_grad=True) for array in arrays]


def train(lib, training, held_out, seed, epochs, watch=None):
    """Train from the weights of `seed`; returns parameters, losses of every epoch (both sets) and seconds.

    `watch(parameters, gradients, images, labels)` is told of the first step of every epoch.
    """
    start = time.perf_counter()
    images, labels = map(lib.from_numpy, training)
    parameters = as_parameters(lib, initial_weights(seed))
    velocities = [lib.zeros_like(p) for p in parameters]
    rng = np.random.default_rng(seed)
    curve = []
    with tqdm(range(epochs), desc=lib.__name__, unit="epoch", leave=True) as progress:
        for epoch in progress:
            rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / epochs))  # a cosine from RATE to nearly 0
            batches = lib.from_numpy(rng.permutation(len(images))).split(BATCH)
            losses = []
            for number, batch in enumerate(batches):
                noise = NOISE * rng.standard_normal((len(batch), 64), dtype=np.float32)
                noisy, truth = images[batch] + lib.from_numpy(noise), labels[batch]
                watched = watch is not None and number == 0
                before = [p.detach().clone() for p in parameters] if watched else None
                losses.append(step(lib, parameters, velocities, noisy, truth, rate))
                if watched:
                    watch(before, [p.grad.clone() for p in parameters], noisy, truth)
            unseen, accuracy, _ = judge(lib, parameters, held_out)
            curve.append((np.mean(losses), unseen))
            progress.set_postfix(loss=f"{curve[-1][0]:.4f}", held_out=f"{accuracy:.1%}")
    return parameters, np.array(curve), time.perf_counter() - start


def judge(lib, parameters, held_out):
    """Loss, accuracy and predictions on images the training has not seen."""
    images, labels = map(lib.from_numpy, held_out)
    with lib.no_grad():
        scores = logits(parameters, images)
        loss = cross_entropy(scores, labels).item()
        predicted = scores.argmax(1)
        return loss, (predicted == labels).sum().item() / len(labels), predicted.numpy()


# ---- what is shown -----------------------------------------------------------------------------------------


def draw(curve, held_out, predicted, path):
    """The loss over the epochs, and every image that was misread."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    images, labels = held_out
    wrong = np.flatnonzero(predicted != labels)
    rows = 2 if len(wrong) <= 8 else 3
    columns = max(2, -(-len(wrong) // rows))
    width = columns * 3.9 / rows
    figure = plt.figure(figsize=(5.2 + width, 4.2), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[5.2, width])

    axes = left.subplots()
    epochs = np.arange(1, len(curve) + 1)
    axes.semilogy(epochs, curve[:, 0], color="#2563eb", label="training, with noise")
    axes.semilogy(epochs, curve[:, 1], color="#ea580c", label=f"{len(labels)} held-out images")
    axes.set(xlabel="epoch", ylabel="cross-entropy")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    axes.set_title("Loss", loc="left", fontweight="bold")

    right.suptitle(
        f"Misread: {len(wrong)} of {len(labels)}", fontweight="bold", x=0.03, ha="left", fontsize="large"
    )
    for cell, index in itertools.zip_longest(right.subplots(rows, columns).flat, wrong):
        cell.set(xticks=[], yticks=[])
        cell.spines[:].set_color("#cbd5e1")
        if index is None:
            cell.axis("off")
        else:
            cell.imshow(images[index].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
            cell.set_title(f"{labels[index]}, read as {predicted[index]}", fontsize=8)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def compare(training, held_out, seed, epochs, snapshots):
    """Train with PyTorch from the same weights, and let it differentiate where pullback did."""
    import torch

    parameters, _, seconds = train(torch, training, held_out, seed, epochs)
    _, accuracy, _ = judge(torch, parameters, held_out)
    print(f"torch:    {accuracy:.2%} of {HELD_OUT} held-out images, {seconds:.1f} s")

    difference = largest = 0.0
    for weights, gradients, images, labels in snapshots:
        parameters = as_parameters(torch, weights)
        cross_entropy(logits(parameters, torch.from_numpy(images)), torch.from_numpy(labels)).backward()
        for ours, theirs in zip(gradients, parameters):
            difference = max(difference, np.abs(ours - theirs.grad.numpy()).max().item())
            largest = max(largest, np.abs(ours).max().item())
    print(
        f"Largest difference of the gradients: {difference:.1e} (largest gradient: {largest:.2f}; "
        f"{len(snapshots)} steps, the first from the same initial weights)"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--compare", action="store_true", help="also train with PyTorch; compare gradients")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights and the order of images")
    options = parser.parse_args()

    training, held_out = load()
    snapshots = []

    def watch(weights, gradients, images, labels):
        arrays = [w.numpy() for w in weights], [g.numpy() for g in gradients]
        snapshots.append((*arrays, images.numpy(), labels.numpy()))

    parameters, curve, seconds = train(
        pb, training, held_out, options.seed, options.epochs, watch if options.compare else None
    )
    _, accuracy, predicted = judge(pb, parameters, held_out)
    print(f"pullback: {accuracy:.2%} of {HELD_OUT} held-out images, {seconds:.1f} s")
    picture = HERE / "output" / "digits.png"
    draw(curve, held_out, predicted, picture)
    print(f"The loss curve and the {np.sum(predicted != held_out[1])} misread images: {picture}")

    if options.compare:
        try:
            compare(training, held_out, options.seed, options.epochs, snapshots)
        except ImportError:
            raise SystemExit("--compare needs PyTorch: pip install torch") from None
    if accuracy < GOAL:
        raise SystemExit(f"{accuracy:.2%} is below the goal of {GOAL:.0%}")


if __name__ == "__main__":
    main()
