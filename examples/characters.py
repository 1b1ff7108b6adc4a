"""Read *Alice's Adventures in Wonderland* letter by letter: an LSTM learns which letter comes next, and then goes on by itself.

    python examples/characters.py              trains, writes on, and draws examples/output/characters.png
    python examples/characters.py --compare    the same with PyTorch, if installed, from the same seed, number beside number

Read `reader` and `epoch`. The text is cut into rows that are read side by side, a window of letters after the other; the state
that the network is in at the end of one is what it begins the next with, and the gradient ends there.
"""

import argparse
import pathlib
import textwrap
import time

import numpy as np
from tqdm import tqdm

import pullback as pb

HERE = pathlib.Path(__file__).parent
ROWS, WINDOW, HIDDEN, EPOCHS, RATE = 16, 64, 160, 14, 8e-3
HELD_OUT = 6000  # letters at the end
GOAL = 2.6  # bits a letter, of what is held out; the frequencies of letters alone take 4.4


# ---- the model ---------------------------------------------------------------------------------------------------


def reader(lib, letters):
    """The network, as a class of the library's modules: letters [time, rows] to logits [time, rows, letters]."""
    nn = lib.nn

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.letters = nn.Embedding(letters, 32)
            self.lstm = nn.LSTM(32, HIDDEN)
            self.next = nn.Linear(HIDDEN, letters)

        def forward(self, read, state=None):
            output, state = self.lstm(self.letters(read), state)
            return self.next(output), state

    return Reader()


def windows(lib, codes):
    """Pairs (read, next) of windows [time, rows], whose rows go on from window to window."""
    length = (len(codes) - 1) // ROWS
    read = codes[: length * ROWS].reshape(ROWS, length).T
    following = codes[1 : length * ROWS + 1].reshape(ROWS, length).T
    for start in range(0, length - WINDOW + 1, WINDOW):
        part = slice(start, start + WINDOW)
        yield lib.tensor(read[part].copy()), lib.tensor(following[part].copy())


def epoch(lib, model, optimizer, schedule, codes):
    """One reading of the text; returns the losses of all windows, in bits a letter."""
    losses, state = [], None
    for read, following in windows(lib, codes):
        logits, state = model(read, state)
        loss = lib.nn.functional.cross_entropy(logits.flatten(0, 1), following.flatten())
        optimizer.zero_grad()
        loss.backward()
        lib.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        state = tuple(each.detach() for each in state)
        losses.append(loss.item() / np.log(2))
    return losses


def surprise(lib, model, codes):
    """The bits by which each letter but the first surprises the network."""
    with lib.no_grad():
        codes = lib.tensor(codes)
        logits, _ = model(codes[:-1, None])
        logs = lib.nn.functional.log_softmax(logits[:, 0], 1)
        return -logs.gather(1, codes[1:, None])[:, 0].numpy() / np.log(2)


def write(lib, model, alphabet, begin, count, warmth=0.7):
    """`count` letters that the network writes after `begin`, drawn from its own expectations."""
    text, state, read = begin, None, [alphabet.index(each) for each in begin]
    with lib.no_grad():
        for _ in range(count):
            logits, state = model(lib.tensor(read)[:, None], state)
            chances = (logits[-1, 0] / warmth).softmax(0)
            read = [lib.multinomial(chances, 1).item()]
            text += alphabet[read[0]]
    return text


def train(lib, training, held_out, letters, options):
    """The network, the losses of all windows, and the bits a letter of the held-out text after each epoch."""
    lib.manual_seed(options.seed)
    model = reader(lib, letters)
    optimizer = lib.optim.Adam(model.parameters(), lr=RATE)
    steps = len(list(windows(lib, training)))
    schedule = lib.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps * options.epochs + 1)
    losses, unseen = [], []
    with tqdm(range(options.epochs), desc=lib.__name__, unit="epoch") as progress:
        for _ in progress:
            losses += epoch(lib, model, optimizer, schedule, training)
            unseen.append(surprise(lib, model, held_out).mean())
            progress.set_postfix(bits=f"{np.mean(losses[-steps:]):.2f}", held_out=f"{unseen[-1]:.2f}")
    return model, np.array(losses), np.array(unseen)


# ---- data, what is shown -----------------------------------------------------------------------------------------


def load():
    """The letters that there are, and the text as numbers: training, then what is held out."""
    text = (HERE / "data" / "alice.txt").read_text()
    alphabet = sorted(set(text))
    codes = np.array([alphabet.index(each) for each in text])
    return alphabet, codes[:-HELD_OUT], codes[-HELD_OUT:]


def draw(runs, passage, bits, written, path):
    """A passage that was held out, each letter coloured by how much it surprised; what was written; the losses."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11.5, 6.6), layout="constrained")
    cells = figure.subplot_mosaic(
        [["passage", "written"], ["loss", "written"]], width_ratios=[1.5, 1], height_ratios=[1.7, 1]
    )
    page = cells["passage"]
    lines, colours = passage.split("\n"), plt.get_cmap("YlOrRd")
    widest, place = max(map(len, lines)), 0
    for row, line in enumerate(lines):
        for column, letter in enumerate(line):
            shade = colours(min(bits[place] / 9, 1.0))
            page.add_patch(plt.Rectangle((column, row), 1, 1, color=shade, lw=0))
            dark = bits[place] > 6.5
            page.text(
                column + 0.5,
                row + 0.55,
                letter,
                ha="center",
                va="center",
                family="monospace",
                fontsize=7.5,
                in_layout=False,
                color="white" if dark else "black",
            )
            place += 1
        place += 1  # the end of the line
    page.set(xlim=(0, widest), ylim=(len(lines) + 0.2, -0.2))
    page.axis("off")
    page.set_title(
        "A passage never read: the redder, the more a letter surprised",
        fontweight="bold",
        loc="left",
        fontsize=11,
    )
    cells["written"].axis("off")
    cells["written"].set_title("What the network writes", fontweight="bold", loc="left", fontsize=11)
    paragraphs = [textwrap.fill(" ".join(each.split()), 50) for each in written.split("\n\n")]
    shown = "\n".join("\n\n".join(paragraphs).split("\n")[:27])
    cells["written"].text(
        0,
        0.98,
        shown,
        va="top",
        family="serif",
        fontsize=10,
        linespacing=1.4,
        in_layout=False,
        transform=cells["written"].transAxes,
    )
    for (name, (_, losses, unseen)), (color, style) in zip(
        runs.items(), [("#2563eb", "-"), ("#ea580c", "--")]
    ):
        at = np.arange(len(losses)) / len(losses) * len(unseen)
        cells["loss"].plot(at, losses, style, color=color, linewidth=0.7, alpha=0.7)
        cells["loss"].plot(
            np.arange(1, len(unseen) + 1), unseen, style, color=color, linewidth=1.8, label=name
        )
    cells["loss"].set(xlabel="epoch", ylabel="bits a letter", ylim=(1.2, 5))
    cells["loss"].set_title("Every window, and what is held out (bold)", fontsize=10, loc="left")
    cells["loss"].legend(frameon=False)
    cells["loss"].spines[["top", "right"]].set_visible(False)
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
    alphabet, training, held_out = load()
    runs = {}
    for lib in libraries:
        start = time.perf_counter()
        runs[lib.__name__] = train(lib, training, held_out, len(alphabet), options)
        seconds = time.perf_counter() - start
        print(
            f"{lib.__name__ + ':':9} {runs[lib.__name__][2][-1]:.3f} bits a letter of what is held out, {seconds:.1f} s"
        )
    model, losses, unseen = runs["pullback"]
    pb.manual_seed(options.seed)
    written = write(pb, model, alphabet, "Alice ", 900)
    print(written)
    text, begin = "".join(alphabet[code] for code in held_out), 1800
    begin = text.index("\n", begin) + 1
    passage = "\n".join(text[begin:].split("\n")[:13])
    bits = surprise(pb, model, held_out)[begin - 1 :]
    picture = HERE / "output" / "characters.png"
    draw(runs, passage, bits, written, picture)
    print(picture)
    if options.compare:
        apart = np.abs(losses - runs["torch"][1])
        print(
            f"Largest difference of the losses: {apart[0]:.0e} bits at the first window, {apart[:10].max():.0e} in ten, "
            f"{apart[: len(apart) // options.epochs].max():.0e} in the first epoch"
        )
    if options.epochs >= EPOCHS and unseen[-1] > GOAL:
        raise SystemExit(f"{unseen[-1]:.2f} bits are above the goal of {GOAL}")


if __name__ == "__main__":
    main()
