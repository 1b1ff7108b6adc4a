"""The work of `benchmarks.fusion`, stated once, or once per dialect.

A formula takes the library it runs on as its first argument, then its inputs by name. `torch` and `pullback` are
passed as they are; for JAX and HIPS autograd it is a namespace with the same names for the functions that differ
(`fusion_peers`). Where PyTorch and NumPy disagree on more than names, a work has two formulas.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks import gmm

SIZES = (10**3, 10**4, 10**5, 10**6, 10**7)


@dataclass(frozen=True)
class Work:
    title: str
    kind: str  # gradient: value and gradient; forward; update: in place, no gradient; train: gradient and SGD step
    inputs: Callable  # (size, rng) -> {name: float64 or integer array, or a plain number}
    torchlike: Callable
    numpylike: Callable | None = None  # the same text serves both where this is None
    wrt: tuple = ()  # the inputs to differentiate by; for updates, those that are written
    value_like: str | None = (
        None  # the input that the value is as large as, where the value is not one number;
    )
    # if there is a `seed` among the inputs, it is the value's cotangent, else ones are
    floor: bool = True  # whether memory traffic is a floor worth showing
    sizes: tuple = SIZES
    quick: tuple = (1000,)
    dtypes: tuple = ("float32", "float64")
    targets: dict = field(
        default_factory=dict
    )  # peer -> function of the size: the ratio that is to be reached

    @property
    def scaled(self):
        """Whether the size is a number of elements, which may be chosen."""
        return self.quick == (1000,)

    def formula(self, dialect):
        return (self.numpylike or self.torchlike) if dialect == "numpy" else self.torchlike

    def arrays(self, size, dtype):
        """The inputs of one size, the same for every library."""
        made = self.inputs(size, np.random.default_rng(7))
        return {
            k: v.astype(dtype) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
            for k, v in made.items()
        }


# What has to be reached: the peer's time / pullback's, at least; for those in BOUNDS, pullback's / theirs, at most.

BOUNDS = ("memcpy", "loop")


def chain(size):
    """Long chains beside PyTorch eager."""
    return 8 if size >= 10**6 else 3 if size == 10**4 else None


LONG = {
    "torch": chain,
    "torch-malloc": lambda size: 6 if size >= 10**6 else None,
    "torch-compile": lambda size: 2 if size >= 10**6 else 1,
    "jax": lambda size: 2 if size >= 10**6 else 1,
}
NEVER_SLOWER = {"torch-compile": lambda size: 1, "jax": lambda size: 1}


def at_least(ratio, **more):
    return {**NEVER_SLOWER, "torch": lambda size: ratio, **more}


# Long elementwise chains.


def expression(lib, x):
    return (lib.sin(x) * lib.exp(-x * x) + lib.tanh(x)).sum()


def black_scholes(lib, spot, strike, time, rate, volatility):
    spread = volatility * lib.sqrt(time)
    d1 = (lib.log(spot / strike) + (rate + 0.5 * volatility * volatility) * time) / spread
    d2 = d1 - spread

    def normal(d):
        return 0.5 * (1 + lib.erf(d * math.sqrt(0.5)))

    return spot * normal(d1) - strike * lib.exp(-rate * time) * normal(d2)


def options(n, rng):
    return {
        "spot": rng.uniform(80, 120, n),
        "strike": rng.uniform(80, 120, n),
        "time": rng.uniform(0.2, 2, n),
        "rate": rng.uniform(0.01, 0.05, n),
        "volatility": rng.uniform(0.1, 0.5, n),
    }


def student_t(lib, x, location, scale, freedom):
    z = (x - location) / scale
    constant = lib.lgamma((freedom + 1) / 2) - lib.lgamma(freedom / 2)
    constant = constant - 0.5 * lib.log(freedom * math.pi) - lib.log(scale)
    return (constant - (freedom + 1) / 2 * lib.log1p(z * z / freedom)).sum()


def mixture(lib, x, logit, location1, location2, scale1, scale2):
    """Two Gaussians."""
    z1, z2 = (x - location1) / scale1, (x - location2) / scale2
    weight1 = 1 / (1 + lib.exp(-logit))
    first = lib.log(weight1 / scale1) - 0.5 * z1 * z1
    second = lib.log((1 - weight1) / scale2) - 0.5 * z2 * z2
    return (lib.logaddexp(first, second) - 0.5 * math.log(2 * math.pi)).sum()


def mixture_rows(lib, x, logits, locations, scales):
    """Eight Gaussians, one in each column."""
    z = (x[:, None] - locations) / scales
    densities = logits - lib.log(scales) - 0.5 * z * z
    return (lib.logsumexp(densities, 1) - lib.logsumexp(logits, 0)).sum()


def three_bodies(lib, x1, y1, z1, x2, y2, z2, x3, y3, z3):
    def attraction(mass, dx, dy, dz):
        return mass / lib.sqrt(dx * dx + dy * dy + dz * dz + 0.01)

    return -(
        attraction(2.0, x1 - x2, y1 - y2, z1 - z2)
        + attraction(3.0, x2 - x3, y2 - y3, z2 - z3)
        + attraction(1.5, x3 - x1, y3 - y1, z3 - z1)
    ).sum()


BODIES = tuple(c + b for b in "123" for c in "xyz")


def points(n, rng, **parameters):
    return {"x": rng.normal(0.3, 1.2, n), **{name: np.array(value) for name, value in parameters.items()}}


# Short ones.


def multiply_add(lib, a, b, c):
    return a * b + c


def gelu_bias(lib, x, bias):
    return lib.nn.functional.gelu(x + bias)


def gelu_bias_numpy(lib, x, bias):
    y = x + bias
    return 0.5 * y * (1 + lib.erf(y * math.sqrt(0.5)))


def hidden(n, rng):
    """A layer of 1000 units: rows of activations, their bias, and the gradient that comes from above."""
    shape = (n // 1000, 1000)
    return {"x": rng.normal(size=shape), "bias": rng.normal(size=1000), "seed": rng.normal(size=shape)}


# Row functions.


def cross_entropy(lib, logits, classes):
    function = getattr(lib.nn.functional, "cross_entropy", None)
    if function is not None:
        return function(logits, classes)
    return -lib.log_softmax(logits, 1).gather(1, classes[:, None]).mean()


def cross_entropy_numpy(lib, logits, classes):
    chosen = logits[lib.arange(logits.shape[0]), classes]
    return (lib.logsumexp(logits, 1) - chosen).sum() / logits.shape[0]


def classification(rows, rng):
    return {"logits": rng.normal(size=(rows, 1000)), "classes": rng.integers(0, 1000, rows)}


def layer_norm(lib, x, weight, bias):
    function = getattr(lib.nn.functional, "layer_norm", None)
    if function is not None:
        return function(x, (x.shape[1],), weight, bias)
    centred = x - x.mean(1, keepdim=True)
    variance = (centred * centred).mean(1, keepdim=True)
    return centred / (variance + 1e-5).sqrt() * weight + bias


def layer_norm_numpy(lib, x, weight, bias):
    centred = x - x.mean(1, keepdims=True)
    variance = (centred * centred).mean(1, keepdims=True)
    return centred / lib.sqrt(variance + 1e-5) * weight + bias


def normalized(rows, rng):
    return {
        "x": rng.normal(size=(rows, 768)),
        "weight": rng.normal(1, 0.1, 768),
        "bias": rng.normal(size=768),
        "seed": rng.normal(size=(rows, 768)),
    }


# Updates in place. The text is the same in every library, but JAX's `+=` makes a new array.


def adam(lib, p, m, v, g):
    m += 0.1 * (g - m)
    v += 0.001 * (g * g - v)
    p -= 0.001 * m / (lib.sqrt(v) + 1e-8)
    return p, m, v


def moments(n, rng):
    g = rng.normal(size=n)
    return {"p": rng.normal(size=n), "m": 0.1 * rng.normal(size=n), "v": rng.uniform(0.1, 1, n), "g": g}


# A training step: loss, gradient and SGD in place.


def perceptron(lib, w1, b1, w2, b2, w3, b3, x, classes):
    linear = getattr(lib.nn.functional, "linear", lambda x, w, b: x @ w.t() + b)
    x = lib.relu(linear(x, w1, b1))
    x = lib.relu(linear(x, w2, b2))
    return cross_entropy(lib, linear(x, w3, b3), classes)


def perceptron_numpy(lib, w1, b1, w2, b2, w3, b3, x, classes):
    x = lib.maximum(x @ w1.T + b1, 0)
    x = lib.maximum(x @ w2.T + b2, 0)
    return cross_entropy_numpy(lib, x @ w3.T + b3, classes)


def digits(batch, rng):
    made = {}
    for layer, (below, above) in enumerate([(784, 512), (512, 512), (512, 10)], start=1):
        made[f"w{layer}"] = rng.normal(0, below**-0.5, (above, below))
        made[f"b{layer}"] = rng.normal(0, 0.1, above)
    return {**made, "x": rng.uniform(size=(batch, 784)), "classes": rng.integers(0, 10, batch)}


WORK = {
    "expression": Work(
        "sum(sin(x)·exp(-x²) + tanh(x))",
        "gradient",
        points,
        expression,
        wrt=("x",),
        targets={**LONG, "memcpy": lambda size: 5 if size >= 10**7 else None},
    ),
    "black_scholes": Work(
        "Black-Scholes, five Greeks",
        "gradient",
        options,
        black_scholes,
        wrt=("spot", "strike", "time", "rate", "volatility"),
        value_like="spot",
        targets=LONG,
    ),
    "student_t": Work(
        "Student-t log-likelihood",
        "gradient",
        lambda n, rng: points(n, rng, location=0.1, scale=0.8, freedom=4.5),
        student_t,
        wrt=("location", "scale", "freedom"),
        targets=LONG,
    ),
    "mixture": Work(
        "mixture of 2 Gaussians, log-likelihood",
        "gradient",
        lambda n, rng: points(n, rng, logit=0.3, location1=-0.5, location2=0.9, scale1=0.7, scale2=1.1),
        mixture,
        wrt=("logit", "location1", "location2", "scale1", "scale2"),
        targets=LONG,
    ),
    "mixture_rows": Work(
        "mixture of 8 Gaussians in columns",
        "gradient",
        lambda n, rng: points(
            n,
            rng,
            logits=np.linspace(-0.5, 0.5, 8),
            locations=np.linspace(-2, 2, 8),
            scales=np.linspace(0.5, 1, 8),
        ),
        mixture_rows,
        wrt=("logits", "locations", "scales"),
        sizes=(10**6,),
        targets=NEVER_SLOWER,
    ),
    "three_bodies": Work(
        "potential of 3 bodies",
        "gradient",
        lambda n, rng: {name: rng.normal(size=n) for name in BODIES},
        three_bodies,
        wrt=BODIES,
        sizes=(10**6,),
        targets=LONG,
    ),
    "gelu": Work(
        "gelu(x + bias), rows of 1000",
        "gradient",
        hidden,
        gelu_bias,
        gelu_bias_numpy,
        wrt=("x", "bias"),
        value_like="x",
        sizes=(10**4, 10**6, 10**7),
        targets=at_least(2),
    ),
    "multiply_add": Work(
        "a·b + c, forward",
        "forward",
        lambda n, rng: {name: rng.normal(size=n) for name in "abc"},
        multiply_add,
        value_like="a",
        sizes=(10**4, 10**6, 10**7),
        targets={
            **NEVER_SLOWER,
            "memcpy": lambda size: 1.3 if size >= 10**6 else None,
            "loop": lambda size: 1.4 if size >= 10**7 else None,
        },
    ),
    "cross_entropy": Work(
        "softmax cross-entropy, rows of 1000",
        "gradient",
        classification,
        cross_entropy,
        cross_entropy_numpy,
        wrt=("logits",),
        sizes=(4096,),
        quick=(16,),
        targets=at_least(2),
    ),
    "layer_norm": Work(
        "layer norm, rows of 768",
        "gradient",
        normalized,
        layer_norm,
        layer_norm_numpy,
        wrt=("x", "weight", "bias"),
        value_like="x",
        sizes=(8192,),
        quick=(16,),
        targets=at_least(1.2),
    ),
    "adam": Work(
        "Adam step in place",
        "update",
        moments,
        adam,
        wrt=("p", "m", "v"),
        sizes=(10**7,),
        targets={**NEVER_SLOWER, "loop": lambda size: 1.4 if size >= 10**6 else None},
    ),
    "perceptron": Work(
        "784-512-512-10 training step, batch",
        "train",
        digits,
        perceptron,
        perceptron_numpy,
        wrt=("w1", "b1", "w2", "b2", "w3", "b3"),
        floor=False,
        sizes=(1, 8, 128),
        quick=(2,),
        dtypes=("float32",),
        targets=at_least(1.5),
    ),
    "gmm": Work(
        "ADBench GMM",
        "gradient",
        gmm.inputs,
        gmm.objective,
        gmm.objective_numpy,
        wrt=("alphas", "means", "icf"),
        floor=False,
        sizes=("1k_d10_K25", "1k_d64_K50", "10k_d20_K50"),
        quick=("1k_d10_K25",),
        dtypes=("float64",),
        targets=dict.fromkeys(
            ("torch", "torch-malloc", "torch-compile", "jax", "autograd"), lambda size: 1.5
        ),
    ),
}

CHAINS = ("expression", "black_scholes", "student_t", "mixture", "three_bodies")
GROUPS = {
    "Long chains, value and gradient:": (*CHAINS, "mixture_rows"),
    "Short programs, softmax and normalisation:": (
        "gelu",
        "multiply_add",
        "cross_entropy",
        "layer_norm",
        "adam",
    ),
    "Whole steps:": ("perceptron", "gmm"),
}
FIRST_CALL = CHAINS  # where the first call is compared with later ones
MEMORY = (*CHAINS, "gelu", "multiply_add", "adam")
