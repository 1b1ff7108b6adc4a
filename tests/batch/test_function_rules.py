"""Function.vmap: a class's own rule for batches is called as PyTorch calls it, and gives the value alone."""

import importlib

import numpy as np
import pytest

import pullback as pb

X = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
Y = [1.0, -1.0, 2.0]


def programs(lib, met):
    """{name: call}; `met` collects what the rules are told."""
    F, vmap, grad, func = lib.autograd.Function, lib.func.vmap, lib.func.grad, lib.func

    class Cube(F):
        """Its forward leaves for NumPy."""

        @staticmethod
        def forward(x):
            return lib.from_numpy(x.detach().numpy() ** 3)

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return 3 * ctx.saved_tensors[0] ** 2 * g

        @staticmethod
        def jvp(ctx, t):
            return 3 * ctx.saved_tensors[0] ** 2 * t

        @staticmethod
        def vmap(info, in_dims, x):
            met.append((info.batch_size, info.randomness, in_dims, tuple(x.shape)))
            return Cube.apply(x), in_dims[0]

    class Mul(F):
        @staticmethod
        def forward(x, y, k):
            return x * y * k, x + y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs[:2])
            ctx.save_for_forward(*inputs[:2])
            ctx.k = inputs[2]

        @staticmethod
        def backward(ctx, g, h):
            x, y = ctx.saved_tensors
            return g * y * ctx.k + h, g * x * ctx.k + h, None

        @staticmethod
        def jvp(ctx, dx, dy, _):
            x, y = ctx.saved_tensors
            none = lib.zeros_like(x * y)
            dx, dy = [none if t is None else t for t in (dx, dy)]
            return (dx * y + dy * x) * ctx.k, dx + dy

        @staticmethod
        def vmap(info, in_dims, x, y, k):
            met.append((info.batch_size, info.randomness, in_dims))
            rank = max(t.dim() - (dim is not None) for t, dim in zip((x, y), in_dims))
            wide = [
                t.expand(info.batch_size, *t.shape) if dim is None else t.movedim(dim, 0)
                for t, dim in zip((x, y), in_dims)
            ]
            wide = [t.reshape(t.shape[0], *[1] * (rank + 1 - t.dim()), *t.shape[1:]) for t in wide]
            return Mul.apply(*wide, k), (0, 0)

    class Doubled(F):
        @staticmethod
        def forward(x):
            x.mul_(2)
            return x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.mark_dirty(inputs[0])

        @staticmethod
        def backward(ctx, g):
            return g * 2

        @staticmethod
        def vmap(info, in_dims, x):
            return x.mul_(2), in_dims[0]

    def returning(rule, generate=False):
        class Odd(F):
            generate_vmap_rule = generate

            @staticmethod
            def forward(x):
                return x * 2

            @staticmethod
            def setup_context(ctx, inputs, output):
                pass

            @staticmethod
            def backward(ctx, g):
                return g * 2

            @staticmethod
            def vmap(info, in_dims, x):
                return rule(x)

        return Odd.apply

    x, y = lib.tensor(X, dtype=lib.float64), lib.tensor(Y, dtype=lib.float64)
    both = (0, None, None)
    found = {
        "a value": lambda: vmap(Cube.apply)(x),
        "nested": lambda: vmap(vmap(Cube.apply, randomness="same"), randomness="different")(x),
        "gradient inside": lambda: vmap(grad(lambda r: Cube.apply(r).sum()))(x),
        "gradient outside": lambda: grad(lambda x: (vmap(Cube.apply)(x) * x).sum())(x),
        "tangents inside": lambda: vmap(lambda r: func.jvp(Cube.apply, (r,), (y,)))(x),
        "tangents outside": lambda: func.jvp(vmap(Cube.apply), (x,), (x,)),
        "twice": lambda: vmap(grad(lambda r: grad(lambda r: Cube.apply(r).sum())(r).sum()))(x),
        "jacrev": lambda: func.jacrev(Cube.apply)(x),
        "jacfwd": lambda: func.jacfwd(Cube.apply)(x),
        "one mapped": lambda: vmap(Mul.apply, in_dims=both)(x, y, 3.0),
        "the other": lambda: vmap(lambda a, b: Mul.apply(b, a, 2.0), in_dims=(0, None))(x, y),
        "the inner level only": lambda: vmap(lambda a: vmap(lambda b: Mul.apply(b, b, 1.0)[0])(y) * a)(x),
        "the outer level only": lambda: vmap(lambda a: vmap(lambda b: Mul.apply(a, a, 1.0)[0] * b)(y))(x),
        "each level one": lambda: vmap(lambda a: vmap(lambda b: Mul.apply(a, b, 1.0)[0])(y))(x),
        "summed": lambda: grad(lambda y: sum([t.sum() for t in vmap(Mul.apply, in_dims=both)(x, y, 3.0)]))(y),
        "per sample": lambda: vmap(
            grad(lambda y, r: sum([t.sum() for t in Mul.apply(r, y, 3.0)])), in_dims=(None, 0)
        )(y, x),
        "a tangent of what is one": lambda: vmap(
            lambda r: func.jvp(lambda y: Mul.apply(r, y, 2.0), (y,), (r,))[1]
        )(x),
        "tangents of two levels": lambda: vmap(
            lambda r: func.jacfwd(func.jacfwd(lambda y: Mul.apply(r, y, 2.0)[0] * y))(y)
        )(x),
        "a Hessian of each": lambda: vmap(
            lambda r: func.hessian(lambda y: (Mul.apply(r, y, 2.0)[0] * y).sum())(y)
        )(x),
        "levels are as they were": lambda: vmap(
            lambda r: vmap(lambda a: Mul.apply(r, r, a)[0] * a, in_dims=0, randomness="different")(x) * r
        )(x),
        "out_dims": lambda: vmap(lambda r: Mul.apply(r, r, 1.0), out_dims=1)(x),
        "in place": lambda: vmap(lambda r: Doubled.apply(r.clone()))(x),
        "gradient in place": lambda: grad(lambda x: (vmap(lambda r: Doubled.apply(r.clone()))(x) ** 2).sum())(
            x
        ),
        "the same for all": lambda: vmap(returning(lambda x: (x[0], None)))(x),
        "in another dimension": lambda: vmap(returning(lambda x: (x.t() * 2, 1)))(x),
    }
    for name, rule in (
        ("no tuple", lambda x: x),
        ("three", lambda x: (x, 0, 1)),
        ("out_dims of another structure", lambda x: (x, (0, 0))),
        ("a dimension that is not there", lambda x: (x * 2, 7)),
        ("another value", lambda x: (x * 5, 0)),
        ("an error", lambda x: 1 / 0),
    ):
        found[name] = lambda rule=rule: vmap(returning(rule))(x)
        found[f"{name}, gradient"] = lambda rule=rule: vmap(grad(lambda r: returning(rule)(r).sum()))(x)
    found["both rules"] = lambda: vmap(returning(lambda x: (x * 2, 0), True))(x)
    return found


def answer(lib, name):
    met = []
    try:
        result = programs(lib, met)[name]()
    except Exception as error:
        return type(error).__name__, str(error).replace("torch.", "pullback.")[:140]
    finally:
        assert lib is not pb or not pb._core.open_maps()
    parts = [result] if hasattr(result, "shape") else list(result)
    return [np.round(t.detach().numpy(), 9).tolist() for t in parts], met


# What has a tangent for each entry is an entry's here, its value, too; and jacfwd may call a function twice.
APART = {"a tangent of what is one", "tangents of two levels", "a Hessian of each"}


@pytest.mark.torch
@pytest.mark.parametrize("name", programs(pb, []))
def test_against_torch(name):
    torch = pytest.importorskip("torch")
    ours, theirs = answer(pb, name), answer(importlib.import_module(torch.__name__), name)
    if isinstance(theirs[0], str):
        theirs = tuple([said[: len(ours[k])] for k, said in enumerate(theirs)])
    if name in APART:
        ours, theirs = ours[0], theirs[0]
    assert ours == theirs


def test_closed_forms():
    x = np.array(X)
    for name, expected in (
        ("a value", x**3),
        ("nested", x**3),
        ("gradient inside", 3 * x**2),
        ("gradient outside", 4 * x**3),
        ("twice", 6 * x),
        ("in place", 2 * x),
        ("another value", 5 * x),
        ("another value, gradient", np.full_like(x, 2.0)),  # of the value only
    ):
        np.testing.assert_allclose(answer(pb, name)[0][0], expected)


def test_a_class_whose_forward_takes_the_context_does_without():
    class Twice(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

        @staticmethod
        def vmap(info, in_dims, x):
            raise AssertionError("not called")

    assert pb.func.vmap(Twice.apply)(pb.tensor(X)).tolist() == (2 * np.array(X)).tolist()


def test_without_a_rule_forward_runs_entry_by_entry_or_on_what_is_mapped():
    class Generated(pb.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x.sin()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0].cos()

    x = pb.tensor(X, dtype=pb.float64)
    np.testing.assert_allclose(pb.func.vmap(Generated.apply)(x).numpy(), np.sin(X))
    found = pb.func.vmap(pb.func.grad(lambda r: Generated.apply(r).sum()))(x)
    np.testing.assert_allclose(found.numpy(), np.cos(X))


class InNumPy(pb.autograd.Function):
    """Value and tangent leave for NumPy."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_forward(x, y)
        return pb.from_numpy(x.detach().numpy() * np.sin(y.detach().numpy()))

    @staticmethod
    def jvp(ctx, dx, dy):
        x, y = [t.detach().numpy() for t in ctx.saved_tensors]
        parts = [0.0 if t is None else t.numpy() * p for t, p in ((dx, np.sin(y)), (dy, x * np.cos(y)))]
        return pb.from_numpy(sum(parts))


def test_tangents_that_vary_where_values_do_not_are_pushed_entry_by_entry():
    x, y = np.array(X), np.array(Y)
    rows, one = pb.tensor(x), pb.tensor(y)
    push = lambda f, t: pb.func.jvp(f, (one,), (t,))[1]
    found = pb.func.vmap(lambda r: push(lambda y: InNumPy.apply(r, y), r))(rows)
    np.testing.assert_allclose(found.numpy(), x * x * np.cos(y))
    found = pb.func.vmap(lambda r: push(lambda y: InNumPy.apply(y, y), r))(rows)
    np.testing.assert_allclose(found.numpy(), x * (np.sin(y) + y * np.cos(y)))
    found = pb.func.vmap(lambda r: pb.func.jacfwd(lambda y: InNumPy.apply(r, y))(one))(rows)
    np.testing.assert_allclose(found.numpy(), [np.diag(row * np.cos(y)) for row in x])
