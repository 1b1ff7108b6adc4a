"""Pictures of tapes and of functions, every number in them computed by the library.

python examples/pictures.py    writes examples/output/tape.svg, .html, .png, .pdf and .dot, recurrent.html,
                               descent.png and valley.png
"""

import pathlib

import pullback as pb

OUTPUT = pathlib.Path(__file__).parent / "output"


def tape():
    """f(x1, x2) = 0.2 x1² + 0.2 x2² − 5, step by step, with the partial on every edge."""
    x1 = pb.tensor([2.0], requires_grad=True)
    x2 = pb.tensor([2.0], requires_grad=True)
    x3 = x1.square()
    x4 = x2.square()
    x5 = x3 * 0.2
    x6 = x4 * 0.2
    x7 = x5 + x6 - 5

    picture = pb.picture.graph(
        x7, partials=True, gradients=True, fold_unnamed=True, title="f(x1, x2) = 0.2 x1² + 0.2 x2² − 5"
    )
    for ending in ("svg", "html", "png", "pdf", "dot"):
        print(picture.save(OUTPUT / f"tape.{ending}"))


def recurrent():
    """A network that reads a sequence: a tape of several lines, to be looked at in a browser."""
    pb.manual_seed(0)
    shapes = {"W": (4, 3), "U": (4, 4), "b": (4,)}
    parameters = {name: pb.randn(shape, requires_grad=True) for name, shape in shapes.items()}
    sequence = [pb.randn(3) for _ in range(6)]

    def loss():
        state = pb.zeros(4)
        for element in sequence:
            state = (parameters["W"] @ element + parameters["U"] @ state + parameters["b"]).tanh()
        return (state**2).sum()

    # Given the function instead of its result, the picture also knows the names of its variables.
    picture = pb.picture.graph(loss, gradients=True, title="A recurrent network reads six vectors")
    print(picture.save(OUTPUT / "recurrent.html"))


def landscapes():
    """Two functions of two variables, with the way down."""
    bowl = pb.picture.surface(lambda a, b: 0.2 * a**2 + 0.2 * b**2 - 5, start=(4.0, -3.0))
    print(bowl.save(OUTPUT / "descent.png"))

    def rosenbrock(a, b):
        return (1 - a) ** 2 + 100 * (b - a**2) ** 2

    valley = pb.picture.surface(
        rosenbrock, x1=(-2, 2), x2=(-1, 3), start=(-1.0, 2.5), steps=200, title="Rosenbrock's valley"
    )
    print(valley.save(OUTPUT / "valley.png"))


if __name__ == "__main__":
    OUTPUT.mkdir(exist_ok=True)
    tape()
    recurrent()
    landscapes()
