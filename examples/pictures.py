"""Two pictures of one function, 0.2 x1² + 0.2 x2² − 5: its tape with every derivative, and its landscape.

python examples/pictures.py    writes examples/output/tape.svg, tape.dot and descent.png
"""

import pathlib

import pullback as pb


def main():
    output = pathlib.Path(__file__).parent / "output"
    output.mkdir(exist_ok=True)

    x1 = pb.tensor([2.0], requires_grad=True)
    x2 = pb.tensor([2.0], requires_grad=True)
    x3 = x1.square()
    x4 = x2.square()
    x5 = x3 * 0.2
    x6 = x4 * 0.2
    x7 = x5 + x6 - 5

    tape = pb.picture.graph(
        x7, partials=True, gradients=True, fold_unnamed=True, title="f(x1, x2) = 0.2 x1² + 0.2 x2² − 5"
    )
    print(tape.save(output / "tape.svg"))
    print(tape.save(output / "tape.dot"))

    landscape = pb.picture.surface(lambda a, b: 0.2 * a**2 + 0.2 * b**2 - 5, start=(4.0, -3.0))
    print(landscape.save(output / "descent.png"))


if __name__ == "__main__":
    main()
