"""Draw digits that nobody wrote: a variational autoencoder (arXiv:1312.6114), with modules, `optim` and a `DataLoader`.

    python examples/autoencoder.py              trains, writes examples/output/autoencoder.png
    python examples/autoencoder.py --compare    the same with PyTorch, if installed, from the same seed, number beside number

Read `Autoencoder` and `bound`: an encoder says where in the plane an image lies, and how surely; a point is drawn there; a
decoder draws the image of a point. The gradient goes through the draw, since the noise is added to what depends on weights.
"""

from __future__ import annotations

import argparse
import pathlib
import time

import numpy as np
from tqdm import tqdm

import pullback as pb

HERE = pathlib.Path(__file__).parent
EPOCHS, BATCH, RATE = 60, 64, 3e-3
GOAL = 25.2  # nats an image: a decoder without an input reaches 27.1


def load():
    """Images of 64 pixels, scaled to [0, 1], and labels."""
    with np.load(HERE / "data" / "digits.npz") as file:
        return file["images"].reshape(-1, 64).astype(np.float32) / 16, file["labels"].astype(np.int64)


def autoencoder(lib, hidden=128):
    """The model, as a class of the library's modules."""
    nn = lib.nn

    class Autoencoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode = nn.Sequential(nn.Linear(64, hidden), nn.SiLU(), nn.Linear(hidden, 4))
            self.decode = nn.Sequential(
                nn.Linear(2, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 64)
            )

        def forward(self, images):
            mean, log_variance = self.encode(images).chunk(2, 1)
            points = mean + lib.randn_like(mean) * (0.5 * log_variance).exp()
            return self.decode(points), mean, log_variance

    return Autoencoder()


def bound(lib, images, outputs):
    """The evidence bound, negative, in nats an image: how badly it is drawn, and how much its point tells."""
    logits, mean, log_variance = outputs
    drawn = lib.nn.functional.binary_cross_entropy_with_logits(logits, images, reduction="sum")
    told = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum()
    return (drawn + told) / len(images)


def train(lib, images, options):
    """Train from the seed; returns the model and the bound at every step."""
    lib.manual_seed(options.seed)
    model = autoencoder(lib)
    optimizer = lib.optim.Adam(model.parameters(), lr=RATE)
    schedule = lib.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    data = lib.utils.data.TensorDataset(lib.from_numpy(images))
    loader = lib.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True, drop_last=True)
    bounds = []
    with tqdm(range(options.epochs), desc=lib.__name__, unit="epoch") as progress:
        for _ in progress:
            for (batch,) in loader:
                loss = bound(lib, batch, model(batch))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                bounds.append(loss.item())
            schedule.step()
            progress.set_postfix(nats=f"{np.mean(bounds[-len(loader) :]):.2f}")
    return model, np.array(bounds)


def draw(model, images, labels, path, side=14):
    """Where the images lie in the plane, and what is drawn at the points of a grid: equal steps of probability."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with pb.no_grad():
        places = model.encode(pb.from_numpy(images))[:, :2].numpy()
        steps = pb.erfinv(pb.linspace(-0.98, 0.98, side)) * 2**0.5
        grid = pb.stack(pb.meshgrid(steps, -steps, indexing="xy"), -1).reshape(-1, 2)
        pictures = pb.nn.functional.pad(model.decode(grid).sigmoid().reshape(-1, 8, 8), (1, 1, 1, 1)).numpy()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.8), layout="constrained")
    points = left.scatter(*places.T, c=labels, s=6, cmap="tab10", vmin=-0.5, vmax=9.5)
    figure.colorbar(points, ax=left, ticks=range(10))
    left.set(title="Where the images lie", xlim=(-3.5, 3.5), ylim=(-3.5, 3.5))
    left.spines[["top", "right"]].set_visible(False)
    sheet = pictures.reshape(side, side, 10, 10).swapaxes(1, 2).reshape(side * 10, side * 10)
    right.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
    right.set(title="What is drawn there", xticks=[], yticks=[])
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--compare", action="store_true", help="also train with PyTorch, from the same seed")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    libraries = [pb]
    if options.compare:
        try:
            import torch
        except ImportError:
            raise SystemExit("--compare needs PyTorch: pip install torch") from None
        libraries.append(torch)
    images, labels = load()
    steps = len(images) // BATCH  # of an epoch
    runs = {}
    for lib in libraries:
        start = time.perf_counter()
        runs[lib.__name__] = train(lib, images, options)
        seconds = time.perf_counter() - start
        nats = runs[lib.__name__][1][-steps:].mean()
        print(f"{lib.__name__ + ':':9} {nats:.2f} nats an image, {seconds:.1f} s")
    model, bounds = runs["pullback"]
    picture = HERE / "output" / "autoencoder.png"
    draw(model, images, labels, picture)
    print(f"The plane of digits: {picture}")
    if options.compare:
        apart = np.abs(bounds / runs["torch"][1] - 1)
        print(
            f"Largest relative difference of the bounds: {apart[0]:.0e} at the first step, {apart[:steps].max():.0e} in the "
            f"first epoch"
        )
    reached = bounds[-steps:].mean()
    if reached > GOAL:
        raise SystemExit(f"{reached:.2f} nats are above the goal of {GOAL}")


if __name__ == "__main__":
    main()
