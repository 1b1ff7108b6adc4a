"""Learn to read handwritten digits with a convolutional network: `nn`, `optim` and a `DataLoader`, as in PyTorch.

    python examples/convolution.py              trains, prints the accuracy, writes examples/output/convolution.png
    python examples/convolution.py --compare    the same with PyTorch, if installed, from the same seed, number beside number
    python examples/convolution.py --workers 2  batches are made by two processes

Read `network`, `Digits` and `epoch`. They take the library as the argument `lib`, because pullback and PyTorch understand
the same program: its initial weights, the order of its images and its noise are the same after the same seed.
"""

from __future__ import annotations

import argparse
import pathlib
import time

import numpy as np
from tqdm import tqdm

import pullback as pb

HERE = pathlib.Path(__file__).parent
EPOCHS, BATCH, RATE = 15, 32, 4e-3
HELD_OUT = 360
GOAL = 0.98


# ---- data, model, one run through the data -----------------------------------------------------------------


def load():
    """Images of shape [1, 8, 8], scaled to [0, 1], and labels: the training set, then the held-out set."""
    with np.load(HERE / "data" / "digits.npz") as file:
        images = file["images"][:, None].astype(np.float32) / 16
        labels = file["labels"].astype(np.int64)
    order = np.random.default_rng(0).permutation(len(images))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    return (images[train], labels[train]), (images[test], labels[test])


class Digits:
    """Images and labels; `shift` moves an image by up to a pixel, another way each time."""

    def __init__(self, lib, images, labels, shift=False):
        self.lib, self.labels, self.shift = lib, labels, shift
        self.images = lib.nn.functional.pad(lib.from_numpy(images), (1, 1, 1, 1))

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        down, right = self.lib.randint(0, 3, (2,)).tolist() if self.shift else (1, 1)
        return self.images[index, :, down : down + 8, right : right + 8], int(self.labels[index])


def network(lib):
    """Two convolutions, two linear layers: 20,000 weights, for images of shape [batch, 1, 8, 8]."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(128, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )


def epoch(lib, model, optimizer, loader):
    """One run through the data; returns the losses of all steps."""
    losses = []
    model.train()
    for images, labels in loader:
        loss = lib.nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def judge(lib, model, loader):
    """The accuracy, and what was read."""
    model.eval()
    with lib.no_grad():
        predicted = np.concatenate([model(images).argmax(1).numpy() for images, _ in loader])
    return float((predicted == loader.dataset.labels).mean()), predicted


def train(lib, training, held_out, options):
    """Train from the seed; returns all losses, the accuracy of every epoch and what was read in the end."""
    loaders = lib.utils.data.DataLoader
    lib.manual_seed(options.seed)
    model = network(lib)
    optimizer = lib.optim.AdamW(model.parameters(), lr=RATE)
    loader = loaders(
        Digits(lib, *training, shift=True),
        batch_size=BATCH,
        shuffle=True,
        num_workers=options.workers,
        persistent_workers=options.workers > 0,
    )
    schedule = lib.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=options.epochs)
    unseen = loaders(Digits(lib, *held_out), batch_size=120)
    losses, accuracies = [], []
    with tqdm(range(options.epochs), desc=lib.__name__, unit="epoch") as progress:
        for _ in progress:
            losses += epoch(lib, model, optimizer, loader)
            schedule.step()
            accuracy, predicted = judge(lib, model, unseen)
            accuracies.append(accuracy)
            progress.set_postfix(loss=f"{np.mean(losses[-len(loader) :]):.4f}", held_out=f"{accuracy:.1%}")
    return np.array(losses), accuracies, predicted


# ---- what is shown -----------------------------------------------------------------------------------------


def draw(runs, held_out, predicted, path):
    """The losses of every library's run, the accuracy over the epochs, and images that were misread."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    images, labels = held_out
    wrong = np.flatnonzero(predicted != labels)[:8]
    figure, cells = plt.subplot_mosaic(
        [
            ["loss", "loss", "accuracy", "accuracy"],
            ["loss", "loss", "accuracy", "accuracy"],
            ["0", "1", "2", "3"],
        ],
        figsize=(9, 5.4),
        layout="constrained",
    )
    for (name, (losses, accuracies, _)), (color, style) in zip(
        runs.items(), [("#2563eb", "-"), ("#ea580c", "--")]
    ):
        steps = np.arange(len(losses)) / len(losses) * len(accuracies)
        cells["loss"].semilogy(steps, losses, style, color=color, linewidth=0.8, label=name)
        cells["accuracy"].plot(np.arange(1, len(accuracies) + 1), accuracies, style, color=color, label=name)
    cells["loss"].set(xlabel="epoch", title="Cross-entropy of every batch")
    cells["accuracy"].set(xlabel="epoch", title=f"Accuracy on {len(labels)} held-out images")
    for name in ("loss", "accuracy"):
        cells[name].spines[["top", "right"]].set_visible(False)
        cells[name].legend(frameon=False)
    for k in range(4):
        cell = cells[str(k)]
        cell.axis("off")
        if k < len(wrong):
            cell.imshow(images[wrong[k], 0], cmap="gray_r", vmin=0, vmax=1)
            cell.set_title(f"{labels[wrong[k]]}, read as {predicted[wrong[k]]}", fontsize=8)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--compare", action="store_true", help="also train with PyTorch, from the same seed")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=0, help="how many processes make batches")
    options = parser.parse_args()

    libraries = [pb]
    if options.compare:
        try:
            import torch
        except ImportError:
            raise SystemExit("--compare needs PyTorch: pip install torch") from None
        libraries.append(torch)
    training, held_out = load()
    runs = {}
    for lib in libraries:
        start = time.perf_counter()
        runs[lib.__name__] = train(lib, training, held_out, options)
        seconds = time.perf_counter() - start
        print(
            f"{lib.__name__ + ':':9} {runs[lib.__name__][1][-1]:.2%} of {HELD_OUT} held-out images, {seconds:.1f} s"
        )
    losses, accuracies, predicted = runs["pullback"]
    picture = HERE / "output" / "convolution.png"
    draw(runs, held_out, predicted, picture)
    print(f"Losses, accuracies and misread images: {picture}")
    if options.compare:
        apart = np.abs(losses - runs["torch"][0])
        print(
            f"Largest difference of the losses: {apart[0]:.0e} at the first step, {apart[:10].max():.0e} in ten steps, "
            f"{apart[: len(apart) // options.epochs].max():.0e} in the first epoch"
        )
    if accuracies[-1] < GOAL:
        raise SystemExit(f"{accuracies[-1]:.2%} is below the goal of {GOAL:.0%}")


if __name__ == "__main__":
    main()
