"""What functions of functions cost: gradients, Jacobians, Hessians and products of small and middling functions.

    python -m benchmarks.transforms                               print the table
    python -m benchmarks.transforms --quick                       a few rounds, to see that everything still runs
    python -m benchmarks.transforms --write docs/performance.md   and put it into the page

Beside PyTorch's `torch.func` and JAX's transforms, compiled with `jit` beforehand.
"""

import importlib
import math

from benchmarks import harness
from benchmarks.harness import Statement


def rosenbrock(x):
    a, b = x[:-1], x[1:]
    return (100 * (b - a * a) ** 2 + (1 - a) ** 2).sum()


def banded(x):
    return x[1:-1] * (x[:-2] + x[2:]) - x[1:-1] ** 3


OBSERVATIONS = 31_843  # in the first bundle adjustment problem of ADBench (arXiv:1807.10129), as are its 11 + 3 + 1 unknowns


def reprojection(m, camera, point, weight, feature):
    """How far a point is seen from where it was observed, in both directions, times a weight. `m` has the functions.

    A camera is a rotation vector, a centre, a focal length, a principal point and two radial distortions.
    """
    square = (camera[:3] * camera[:3]).sum()
    angle = m.sqrt(m.where(square > 0, square, m.ones_like(square)))
    axis, y = camera[:3] / angle, point - camera[3:6]
    cross = m.stack(
        [axis[1] * y[2] - axis[2] * y[1], axis[2] * y[0] - axis[0] * y[2], axis[0] * y[1] - axis[1] * y[0]]
    )
    turned = y * m.cos(angle) + cross * m.sin(angle) + axis * ((axis * y).sum() * (1 - m.cos(angle)))
    seen = turned[:2] / turned[2]
    radius = (seen * seen).sum()
    seen = seen * (1 + camera[9] * radius + camera[10] * radius * radius)
    return weight * (camera[6] * seen + camera[7:9] - feature)


def observations(m):
    """Cameras, points, weights and features, one of each an observation."""

    def numbers(*shape):
        count = math.prod(shape)
        return m.sin(m.arange(count) * 1.0).reshape(shape) * 0.1 + 0.5

    n = OBSERVATIONS
    return numbers(n, 11), numbers(n, 3), numbers(n), numbers(n, 2)


ORDER = 6  # of the higher derivatives


def sixth(lib, f, x):
    """The derivatives of exp(sin(x)) up to the sixth: by Taylor mode, or gradients of gradients, each element by itself."""
    if hasattr(f, "directional_derivatives"):
        return f.directional_derivatives(lambda x: lib.exp(lib.sin(x)), x, lib.ones_like(x), ORDER)[1]
    g = lambda x: lib.exp(lib.sin(x))
    for _ in range(ORDER):
        g = f.grad(lambda x, g=g: g(x).sum())
    return g(x)


def torchlike(name):
    lib = importlib.import_module(name)
    importlib.import_module(f"{name}.func")
    f = lib.func

    def one(*shape):
        return lib.full(shape, 0.5)

    def network(weights, x, y):
        hidden = (x @ weights["w"] + weights["b"]).tanh()
        return ((hidden @ weights["v"] - y) ** 2).mean()

    weights = {"w": one(16, 32), "b": one(32), "v": one(32, 1)}
    data = {"p": weights, "x": one(64, 16), "y": one(64, 1)}
    hvp = lambda x, t: f.jvp(f.grad(rosenbrock), (x,), (t,))[1]
    field = lambda x: network(weights, x, 1.0)
    laplacian = f.laplacian(field) if hasattr(f, "laplacian") else lambda x: f.hessian(field)(x).trace()

    bundle = f.vmap(f.jacrev(lambda *each: reprojection(lib, *each), argnums=(0, 1, 2)))
    each_sample = f.vmap(f.grad(network), in_dims=(None, 0, 0))

    def pulled(x):
        _, pullback = f.vjp(banded, x)
        return pullback(x[1:-1])

    return {
        "grad": lambda: Statement("g(x)", {"g": f.grad(lib.sin), "x": one()}),
        "grad_grad": lambda: Statement("g(x)", {"g": f.grad(f.grad(lib.sin)), "x": one()}),
        "jvp": lambda: Statement("f(g, (x,), (x,))", {"f": f.jvp, "g": lib.sin, "x": one()}),
        "vjp": lambda: Statement("f(x)", {"f": pulled, "x": one(100)}),
        "network": lambda: Statement("g(p, x, y)", {"g": f.grad(network), **data}),
        "hvp": lambda: Statement("f(x, t)", {"f": hvp, "x": one(1000), "t": one(1000)}),
        "jacrev": lambda: Statement("g(x)", {"g": f.jacrev(banded), "x": one(100)}),
        "jacfwd": lambda: Statement("g(x)", {"g": f.jacfwd(banded), "x": one(100)}),
        "hessian": lambda: Statement("g(x)", {"g": f.hessian(rosenbrock), "x": one(200)}),
        "jet": lambda: Statement("g(x)", {"g": lambda x: sixth(lib, f, x), "x": one(1000)}),
        "laplacian": lambda: Statement("g(x)", {"g": laplacian, "x": one(16)}),
        "samples": lambda: Statement("g(p, x, y)", {"g": each_sample, **data}),
        "jacrev1000": lambda: Statement("g(x)", {"g": f.jacrev(banded), "x": one(1000)}),
        "jacfwd1000": lambda: Statement("g(x)[0, 0].item()", {"g": f.jacfwd(banded), "x": one(1000)}),
        "bundle": lambda: Statement(
            "[each.sum().item() for each in g(*x)]", {"g": bundle, "x": observations(lib)}
        ),
    }


def jax():
    import jax
    import jax.numpy as jnp
    from jax.experimental.jet import jet

    def one(*shape):
        return jnp.full(shape, 0.5)

    def network(weights, x, y):
        hidden = jnp.tanh(x @ weights["w"] + weights["b"])
        return ((hidden @ weights["v"] - y) ** 2).mean()

    def compiled(function, *args):
        names = {"f": jax.jit(function), "args": args}
        jax.block_until_ready(names["f"](*args))
        return Statement("block(f(*args))", {"block": jax.block_until_ready, **names})

    hvp = lambda x, t: jax.jvp(jax.grad(rosenbrock), (x,), (t,))[1]
    weights = {"w": one(16, 32), "b": one(32), "v": one(32, 1)}

    def sixth(x):
        series = jnp.ones_like(x), *[jnp.zeros_like(x)] * (ORDER - 1)
        return jet(lambda x: jnp.exp(jnp.sin(x)), (x,), (series,))[1]

    bundle = jax.vmap(jax.jacrev(lambda *each: reprojection(jnp, *each), argnums=(0, 1, 2)))

    def laplacian(x):
        along = lambda v: jet(lambda x: network(weights, x, 1.0), (x,), ((v, jnp.zeros_like(v)),))[1][1]
        return jax.vmap(along)(jnp.eye(x.size)).sum()

    return {
        "grad": lambda: compiled(jax.grad(jnp.sin), one()),
        "grad_grad": lambda: compiled(jax.grad(jax.grad(jnp.sin)), one()),
        "jvp": lambda: compiled(lambda x: jax.jvp(jnp.sin, (x,), (x,)), one()),
        "vjp": lambda: compiled(lambda x: jax.vjp(banded, x)[1](x[1:-1]), one(100)),
        "network": lambda: compiled(jax.grad(network), weights, one(64, 16), one(64, 1)),
        "hvp": lambda: compiled(hvp, one(1000), one(1000)),
        "jacrev": lambda: compiled(jax.jacrev(banded), one(100)),
        "jacfwd": lambda: compiled(jax.jacfwd(banded), one(100)),
        "hessian": lambda: compiled(jax.hessian(rosenbrock), one(200)),
        "jet": lambda: compiled(sixth, one(1000)),
        "laplacian": lambda: compiled(laplacian, one(16)),
        "samples": lambda: compiled(
            jax.vmap(jax.grad(network), in_axes=(None, 0, 0)), weights, one(64, 16), one(64, 1)
        ),
        "jacrev1000": lambda: compiled(jax.jacrev(banded), one(1000)),
        "jacfwd1000": lambda: compiled(jax.jacfwd(banded), one(1000)),
        "bundle": lambda: compiled(lambda *x: [each.sum() for each in bundle(*x)], *observations(jnp)),
    }


BUILDERS = {"pullback": lambda: torchlike("pullback"), "torch": lambda: torchlike("torch"), "jax": jax}

# Title, key, and how many times faster than PyTorch it has to be.
ROWS = [
    ("`grad(sin)`, a scalar", "grad", 5),
    ("`grad(grad(sin))`, a scalar", "grad_grad", 5),
    ("`jvp(sin)`, a scalar", "jvp", 5),
    ("`vjp` of a banded function, 100", "vjp", 3),
    ("`grad`, a network 16-32-1, 64 rows, weights in a dictionary", "network", 3),
    ("Hessian times a vector, Rosenbrock, 1,000", "hvp", 3),
    ("`jacrev`, banded, 100", "jacrev", None),
    ("`jacfwd`, banded, 100", "jacfwd", None),
    ("`hessian`, Rosenbrock, 200", "hessian", 5),
    ("`jet`, six orders of `exp(sin(x))`, 1,000; PyTorch: gradients of gradients", "jet", 10),
    ("`laplacian`, a network 16-32-1; PyTorch: the trace of `hessian`", "laplacian", 3),
    ("`vmap(grad)`, gradients of 64 samples, a network 16-32-1", "samples", 1.5),
    ("`jacrev`, banded, 1,000", "jacrev1000", None),
    ("`jacfwd`, banded, 1,000", "jacfwd1000", None),
    ("`vmap(jacrev)`, 2 x 15 Jacobians of 31,843 observations, added up", "bundle", 5),
]


def table(libraries, rounds, duration):
    return harness.per_call(ROWS, BUILDERS, libraries, rounds, duration)


def main(arguments=None):
    harness.run("transforms", __doc__, lambda options: table(*harness.asked(options, BUILDERS)), arguments)


if __name__ == "__main__":
    main()
