"""vmap itself: what goes in and comes out, errors, writes in place, transforms inside and outside, and traps."""

import copy
import functools
import io
import pickle
import re
import threading

import numpy as np
import pytest
from batch.loops import assert_same

import pullback as pb
from pullback import _core
from pullback.autograd import forward_ad
from pullback.func import vmap

X = pb.arange(12.0, dtype=pb.float64).reshape(3, 4) + 1


# ---- in and out -------------------------------------------------------------------------------------------------


def test_entries_have_the_shape_of_one():
    seen = []

    def f(x):
        seen.append((x.shape, x.ndim, x.stride(), x.numel(), x.is_contiguous(), x.dtype, len(x)))
        return x

    assert vmap(f)(X).tolist() == X.tolist()
    assert seen == [((4,), 1, (1,), 4, True, pb.float64, 4)]


def test_dimensions_of_inputs():
    y = pb.ones(4, 3, dtype=pb.float64)
    assert vmap(pb.add, in_dims=(0, 1))(X, y).tolist() == (X + 1).tolist()
    assert vmap(pb.add, in_dims=(-2, -1))(X, y).tolist() == (X + 1).tolist()
    assert vmap(pb.add, in_dims=(0, None))(X, y[:, 0]).tolist() == (X + 1).tolist()
    assert vmap(lambda x, k: x * k, in_dims=(0, None))(X, 2).tolist() == (X * 2).tolist()


def test_trees():
    def f(tree, pair):
        return {"sum": tree["a"] + pair[0], "both": (tree["b"], [pair[1] * 2])}

    found = vmap(f)({"a": X, "b": X + 1}, (X, [X][0]))
    assert found["sum"].tolist() == (2 * X).tolist()
    assert found["both"][0].tolist() == (X + 1).tolist() and found["both"][1][0].tolist() == (X * 2).tolist()
    found = vmap(f, in_dims=({"a": 0, "b": None}, (0, 0)))({"a": X, "b": X[0]}, (X, X))
    assert found["both"][0].shape == (3, 4)
    assert vmap(lambda pair: pair[0] * pair[1], in_dims=((0, None),))((X, X[0])).shape == (3, 4)


def test_dimensions_of_results():
    assert vmap(lambda x: x, out_dims=1)(X).shape == (4, 3)
    assert vmap(lambda x: x, out_dims=-1)(X).shape == (4, 3)
    a, b = vmap(lambda x: (x, x.sum()), out_dims=(1, 0))(X)
    assert a.shape == (4, 3) and b.shape == (3,)
    a, b = vmap(lambda x: (x, 5), out_dims=(0, None))(X)
    assert a.shape == (3, 4) and b == 5
    assert vmap(lambda x: pb.ones(2))(X).shape == (3, 2)  # the same for all entries
    assert vmap(lambda x: {"s": x.sum()})(X)["s"].tolist() == X.sum(1).tolist()


def test_named_arguments_are_the_same_for_all():
    assert vmap(lambda x, *, y: x * y.sum())(X, y=pb.ones(3)).tolist() == (X * 3).tolist()


def test_results_with_names():
    values, indices = vmap(pb.sort)(X.flip(1))
    assert values.tolist() == X.tolist() and indices.tolist() == [[3, 2, 1, 0]] * 3
    assert vmap(lambda x: pb.max(x, 0))(X).values.tolist() == X.amax(1).tolist()


def test_it_keeps_the_name():
    def work(x):
        """What it does."""
        return x

    assert vmap(work).__name__ == "work" and vmap(work).__doc__ == "What it does."


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 7])
def test_chunks(chunk_size):
    lengths = []

    def f(x, y):
        lengths.append(_core.mapped_axes(x)[0][1])
        return x * y, x.sum()

    a, b = vmap(f, in_dims=(0, None), out_dims=(1, 0), chunk_size=chunk_size)(X, X[0])
    assert a.tolist() == (X * X[0]).t().tolist() and b.tolist() == X.sum(1).tolist()
    assert max(lengths) == min(chunk_size, 3) and sum(lengths) == 3


def raised(kind, text, f, *args, **options):
    with pytest.raises(kind) as error:
        vmap(f, **options)(*args)
    assert text in str(error.value)


def test_errors():
    f = lambda x, *rest: x
    raised(ValueError, "expected `in_dims` to be int or a (potentially nested) tuple", f, X, in_dims=[0])
    raised(ValueError, "got no inputs. Maybe you forgot to add inputs", lambda: X)
    raised(ValueError, "in_dims is not compatible with the structure of `inputs`", f, X, in_dims=(0, 0))
    raised(ValueError, "Got in_dim=a for an input but in_dim must be either", f, X, in_dims=("a",))
    raised(ValueError, "We cannot vmap over non-Tensor arguments", f, 3)
    raised(ValueError, "so expected in_dim to satisfy -2 <= in_dim < 2", f, X, in_dims=2)
    raised(ValueError, "so expected in_dim to satisfy -0 <= in_dim < 0", f, X[0, 0])
    raised(ValueError, "vmap: Expected at least one Tensor to vmap over", f, X, in_dims=(None,))
    raised(ValueError, "got sizes [3, 4] for the mapped dimension", f, X, X[0])
    raised(ValueError, "must only return Tensors, got type <class 'int'>", lambda x: 3, X)
    raised(ValueError, "can not return a BatchedTensor when out_dim is None", f, X, out_dims=None)
    raised(ValueError, "out_dims is not compatible with the structure of `outputs`", f, X, out_dims=(0, 0))
    raised(ValueError, "`out_dims` must be an int, None or a python collection of ints", f, X, out_dims="a")
    raised(ValueError, "chunk_size should be None or greater than 0. (got 0)", f, X, chunk_size=0)
    raised(RuntimeError, "Only allowed values for randomness are 'error'", f, X, randomness="often")
    raised(IndexError, "Dimension out of range", f, X, out_dims=3)
    partial = functools.partial(f)
    raised(ValueError, "functools.partial(<lambda>, ...)", partial, X, in_dims=2)


# ---- traps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "look, text",
    [
        (lambda x: x.sum().item(), "calling .item() on a Tensor"),
        (lambda x: pb.tensor(x.numpy()), "Cannot access data pointer of Tensor that doesn't have storage"),
        (lambda x: pb.tensor(x.tolist()), "Cannot access data pointer of Tensor that doesn't have storage"),
        (lambda x: pb.tensor(float(pb.allclose(x, x))), "vmap over pullback.allclose isn't supported yet"),
        (lambda x: float(x.sum()), "calling .item() on a Tensor"),
        (lambda x: int(x.sum()), "calling .item() on a Tensor"),
        (lambda x: range(x.sum().long()), "calling .item() on a Tensor"),
        (lambda x: x if x.sum() > 3 else -x, "in some data-dependent control flow"),
        (lambda x: x.numpy(), "vmap"),
        (lambda x: x.tolist(), "vmap"),
        (lambda x: np.asarray(x), "vmap"),
        (lambda x: x.data_ptr(), "Cannot access data pointer of Tensor that doesn't have storage"),
        (lambda x: pb.equal(x, x), "Batching rule not implemented for aten::equal"),
        (lambda x: pb.allclose(x, x), "vmap"),
        (lambda x: pb.zeros(x.sum().long()), "calling .item() on a Tensor"),
        (lambda x: pb.nn.functional.one_hot(x.long()), "please provide an explicit positive num_classes"),
        (lambda x: x.clamp(max=6).unique(), "Attempted to vmap over aten::_unique2"),
        (lambda x: x.item(), "calling .item() on a Tensor"),
        (lambda x: x if x else -x, "in some data-dependent control flow"),
        (lambda x: pb.add(x, x, out=pb.zeros(4, dtype=pb.float64)), "doesn't work on out="),
        (lambda x: pb.sum(x, 0, out=pb.zeros((), dtype=pb.float64)), "doesn't work on out="),
    ],
)
def test_values_are_not_there(look, text):
    with pytest.raises(RuntimeError) as error:
        vmap(look)(X)
    assert text in str(error.value)
    assert type(error.value).__name__ == "RuntimeError"  # as a traceback shows it


def test_shapes_that_depend_on_values():
    with pytest.raises(RuntimeError, match="Attempting to batch over indexing with a boolean mask"):
        vmap(lambda x: x[x > 6])(X)
    with pytest.raises(RuntimeError, match="output dynamic shape. Attempted to vmap over aten::nonzero"):
        vmap(lambda x: (x > 6).nonzero())(X)
    with pytest.raises(
        RuntimeError, match=r"Attempted to vmap over `mask` in torch.masked_select\(self, mask\)"
    ):
        vmap(lambda x: x.masked_select(x > 6))(X)
    assert vmap(lambda x: x[x > x.mean()])(X).shape == (3, 2)  # as many in each entry


def test_printing_shows_all_entries():
    shown = []
    vmap(lambda x: shown.append(repr(x)) or x)(X[:2, :2])
    assert shown == [
        "BatchedTensor(lvl=1, bdim=0, value=\n"
        "    tensor([[1., 2.],\n"
        "            [5., 6.]], dtype=pullback.float64)\n"
        ")"
    ]
    vmap(vmap(lambda x: shown.append(repr(x)) or x))(X[:2, :2])
    assert shown[1].startswith(
        "BatchedTensor(lvl=2, bdim=0, value=\n    BatchedTensor(lvl=1, bdim=0, value=\n"
    )


def test_what_escapes_is_named():
    kept = []
    vmap(lambda x: kept.append(x) or x)(X)
    for use in (lambda x: x + 1, lambda x: x.sum(), lambda x: pb.cat([x, x]), lambda x: x.clone().mul_(x)):
        with pytest.raises(RuntimeError, match="escaped from inside a function being vmapped"):
            use(kept[0])
        with pytest.raises(RuntimeError, match="escaped from inside a function being vmapped"):
            vmap(lambda x, use=use: use(kept[0]))(X)
    for look in (bool, lambda x: float(x[0]), lambda x: x.tolist(), lambda x: x.item(), lambda x: x.numpy()):
        with pytest.raises(RuntimeError, match="escaped from inside a function being vmapped"):
            look(kept[0])
    assert repr(kept[0]).startswith("BatchedTensor")


# What reads no element of a tensor, and makes another of its geometry.
GEOMETRIES = {
    "view": lambda m, x: x.view(2, 2),
    "reshape": lambda m, x: x.reshape(-1, 1),
    "an entry": lambda m, x: x[0],
    "a part": lambda m, x: x[1:],
    "every other": lambda m, x: x[::2],
    "a new dimension": lambda m, x: x[None],
    "transposed": lambda m, x: x.view(2, 2).T,
    "expand": lambda m, x: x.expand(3, 4),
    "permute": lambda m, x: x.permute(0),
    "squeeze": lambda m, x: x.squeeze(),
    "as_strided": lambda m, x: x.as_strided((2,), (1,)),
    "diagonal": lambda m, x: x.view(2, 2).diagonal(),
    "chunk": lambda m, x: x.chunk(2)[0].view(-1),
    "clone": lambda m, x: x.clone(),
    "detach": lambda m, x: x.detach(),
    "detach_": lambda m, x: x.view(-1).detach_(),
    "a conversion": lambda m, x: x.double(),
    "zeros_like": lambda m, x: m.zeros_like(x),
    "new_ones": lambda m, x: x.new_ones(2),
    "rand_like": lambda m, x: m.rand_like(x),
    "randint_like": lambda m, x: m.randint_like(x, 3),
    "a parameter": lambda m, x: m.nn.Parameter(x),
}


@pytest.mark.torch
@pytest.mark.parametrize("kept_as", ["itself", "a view", "a clone"])
@pytest.mark.parametrize("use", GEOMETRIES)
def test_nothing_is_made_of_what_escapes(use, kept_as):
    import torch

    keep = {"itself": lambda x: x, "a view": lambda x: x[:], "a clone": lambda x: x.clone()}[kept_as]

    def escaped(m):
        kept = []
        m.func.vmap(lambda x: kept.append(keep(x)) or x)(m.zeros(3, 4))
        assert kept[0].shape == (4,)
        return kept[0]

    with pytest.raises(RuntimeError, match="escaped from inside a function being vmapped|INTERNAL ASSERT"):
        GEOMETRIES[use](torch, escaped(torch))
    with pytest.raises(RuntimeError, match="escaped from inside a function being vmapped.* was kept"):
        GEOMETRIES[use](pb, escaped(pb))
    # In a vmap that is not its own PyTorch takes it for an entry of that one.
    with pytest.raises(RuntimeError, match="escaped from inside a function being vmapped"):
        vmap(lambda x: GEOMETRIES[use](pb, escaped(pb)), randomness="different")(pb.ones(2))


def test_an_error_inside_closes_the_level():
    with pytest.raises(ZeroDivisionError):
        vmap(lambda x: 1 / 0)(X)
    assert _core.map_level() == 0
    with pytest.raises(RuntimeError, match="must match"):
        vmap(lambda x: x + pb.ones(3))(X)
    assert _core.map_level() == 0


def test_levels_belong_to_their_thread():
    seen = []

    def f(x):
        thread = threading.Thread(target=lambda: seen.append(_core.map_level()))
        thread.start()
        thread.join()
        return x

    vmap(f)(X)
    assert seen == [0]


def test_empty_and_zero_dimensional_entries():
    assert vmap(lambda s: s * 2 + 1)(pb.tensor([1.0, 2.0])).tolist() == [3.0, 5.0]
    assert vmap(lambda s: s.sum() + s.reshape(1)[0])(pb.tensor([1.0, 2.0])).tolist() == [2.0, 4.0]
    assert vmap(lambda x: x.sum())(pb.zeros(3, 0)).tolist() == [0.0, 0.0, 0.0]
    assert vmap(lambda x: x.exp().sum(0))(pb.zeros(0, 3)).shape == (0,)
    assert vmap(lambda x: x @ x.T)(pb.zeros(0, 3, 2)).shape == (0, 3, 3)


def test_promotion_is_that_of_one_entry():
    """A 0-d entry promotes as a 0-d tensor, though there are many."""
    many, wide = pb.ones(3, dtype=pb.float64), pb.ones(2, dtype=pb.float32)
    assert vmap(lambda s: s * wide)(many).dtype == pb.float32
    assert vmap(lambda s: wide + s)(pb.tensor([1, 2, 3])).dtype == pb.float32
    assert vmap(lambda s: s / 2)(pb.tensor([1, 2, 3])).dtype == pb.float32


# ---- writes in place --------------------------------------------------------------------------------------------

# How PyTorch refuses each: it names operators, and for a few of them shapes.
WRITES = {
    lambda z, x: z.add_(x): "output with shape [4] doesn't match the broadcast shape [3, 4]",
    lambda z, x: z.copy_(x): "vmap: inplace arithmetic(self, *extra_args)",
    lambda z, x: z.__setitem__(0, x[0]): "vmap: inplace arithmetic(self, *extra_args)",
    lambda z, x: z[:2].mul_(x[:2]): "vmap: inplace arithmetic(self, *extra_args)",
    lambda z, x: z.view(2, 2).add_(
        x.view(2, 2)
    ): "output with shape [2, 2] doesn't match the broadcast shape [3, 2, 2]",
    lambda z, x: z.index_fill_(0, x[:1].long() % 4, 1.0): "vmap: index_fill_(self, *extra_args)",
    lambda z, x: z.scatter_(0, x[:1].long() % 4, x[:1]): "vmap: aten::scatter_(self, *extra_args)",
    lambda z, x: z.addmv_(pb.ones(4, 4, dtype=pb.float64), x): "vmap: aten::addmv_(self, *extra_args)",
    lambda z, x: z.pow_(x): "vmap: aten::pow_(self, *extra_args)",
    lambda z, x: z.clamp_(x): "vmap: aten::clamp_(self, *extra_args)",
    lambda z, x: z.index_put_((pb.tensor([0]),), x[:1]): "vmap: index_put_(self, *extra_args)",
}


@pytest.mark.parametrize("write, text", WRITES.items())
def test_into_something_captured(write, text):
    z = pb.zeros(4, dtype=pb.float64)
    with pytest.raises(RuntimeError, match=re.escape(text)):
        vmap(lambda x: write(z, x))(X)
    assert z.tolist() == [0.0] * 4


@pytest.mark.parametrize("write", WRITES)
def test_into_something_made_inside(write):
    def f(x):
        z = pb.zeros(4, dtype=pb.float64)
        write(z, x)
        return z

    assert_same([vmap(f)(X)], [pb.stack([f(x) for x in X])])
    assert_same([vmap(vmap(f))(X[None])], [pb.stack([f(x) for x in X])[None]])


@pytest.mark.parametrize(
    "hold",
    [
        lambda z: z.view(2, 2),  # another view
        lambda z: z.detach(),
        lambda z: z * pb.ones(4, dtype=pb.float64, requires_grad=True),  # a saved value
    ],
)
def test_into_something_that_others_hold(hold):
    def f(x):
        z = pb.ones(4, dtype=pb.float64)
        held = hold(z)
        z.add_(x)
        return z + held.sum()

    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        vmap(f)(X)


def test_what_is_the_same_for_all_may_be_written_by_the_same():
    z = pb.zeros(4)
    vmap(lambda x: z.add_(1))(X)
    assert z.tolist() == [1.0] * 4


def test_into_the_entries_themselves():
    x = X.clone()
    vmap(lambda row: row.add_(1))(x)
    vmap(lambda row: row[1:].mul_(2), in_dims=1)(x)
    expected = X + 1
    expected[1:] *= 2
    assert x.tolist() == expected.tolist()


def test_like_and_new_have_all_entries():
    def f(x):
        z = pb.zeros_like(x)
        held = z.view(4)
        z.add_(x)
        return held + x.new_ones(4).mul_(x)

    assert vmap(f)(X).tolist() == (2 * X).tolist()


def test_gradients_through_writes():
    x, w = X.clone().requires_grad_(), pb.ones(4, dtype=pb.float64, requires_grad=True)

    def f(x, w):
        z = w * 1
        z = z.expand(2, 4).clone() * x
        z[0].mul_(x)
        z[1, :2] = w[:2] * x[:2]
        return z.sum()

    vmap(f, in_dims=(0, None))(x, w).sum().backward()
    a, b = X.clone().requires_grad_(), pb.ones(4, dtype=pb.float64, requires_grad=True)
    sum([f(row, b) for row in a]).backward()
    assert_same([x.grad, w.grad], [a.grad, b.grad])


def test_gradients_through_a_base_outside():
    """Entries of a tensor outside are written through the vmap; the tensor is used before and after."""
    x = X.clone().requires_grad_()
    y = x * 2
    vmap(lambda row: row[:2].mul_(row[2:]))(y)
    (y * X).sum().backward()
    a = X.clone().requires_grad_()
    b = a * 2
    for row in range(3):
        b[row, :2] *= b[row, 2:].clone()
    (b * X).sum().backward()
    assert_same([x.grad], [a.grad])


# ---- transforms -------------------------------------------------------------------------------------------------


def grad(f, create_graph=False):
    def run(x, *rest):
        with pb.enable_grad():
            recorded, x = x.requires_grad, x.view_as(x)
            if not recorded:
                x.requires_grad = True
            (g,) = pb.autograd.grad(f(x, *rest), x, create_graph=True)
        return g

    return run


def test_gradients_of_samples():
    """By captured weights: one gradient an entry inside, the sum outside."""
    w = pb.ones(4, dtype=pb.float64, requires_grad=True)

    def loss(w, x):
        return ((w * x).sum() - 1) ** 2

    per_sample = vmap(grad(loss), in_dims=(None, 0))(w, X)
    assert per_sample.shape == (3, 4)
    assert_same([per_sample], [pb.stack([grad(loss)(w, x) for x in X])])
    assert_same([grad(lambda w: vmap(loss, in_dims=(None, 0))(w, X).sum())(w)], [per_sample.sum(0)])
    (inside,) = pb.autograd.grad(vmap(lambda x: loss(w, x))(X).sum(), w)
    assert_same([inside], [per_sample.sum(0)])


def test_no_confusion_of_levels():
    """d/dx x (d/dy (x + y)) is 1, whatever is mapped in between."""
    inner = lambda x: grad(lambda y: (x + y).sum())(pb.ones_like(x))
    for f in (
        grad(lambda x: (x * inner(x)).sum()),
        lambda x: vmap(grad(lambda s: s * inner(s)))(x),
        grad(lambda x: (x * vmap(inner)(x)).sum()),
        lambda x: vmap(grad(lambda s: (s * vmap(inner)(s.reshape(1))).sum()))(x),
    ):
        assert f(pb.tensor([1.0, 2.0])).tolist() == [1.0, 1.0]


def test_one_output_of_many():
    x = X.clone().requires_grad_()
    y = x.exp()
    basis = pb.eye(12, dtype=pb.float64).reshape(12, 3, 4)
    rows = vmap(lambda v: pb.autograd.grad(y, x, v, retain_graph=True)[0])(basis)
    assert_same([rows.reshape(12, 12)], [pb.diag(X.exp().flatten())])


def test_many_tangents():
    """Tangents with an axis that the primal lacks."""

    def push(v):
        with forward_ad.dual_level():
            return forward_ad.unpack_dual((forward_ad.make_dual(X, v) ** 2).sum(1)).tangent

    basis = pb.eye(12, dtype=pb.float64).reshape(12, 3, 4)
    jacobian = vmap(push, out_dims=-1)(basis).reshape(3, 3, 4)
    expected = pb.zeros(3, 3, 4, dtype=pb.float64)
    for i in range(3):
        expected[i, i] = 2 * X[i]
    assert_same([jacobian], [expected])


def test_leaves_inside():
    def f(x):
        leaf = x.clone()
        leaf.requires_grad = True
        return pb.autograd.grad((leaf * leaf).sum(), leaf)[0]

    assert vmap(f)(X).tolist() == (2 * X).tolist()


def test_hooks_see_entries():
    seen = []

    def f(x):
        y = x * 2
        y.register_hook(lambda g: seen.append(g.shape) or g * 10)
        return y.sum()

    x = X.clone().requires_grad_()
    vmap(f)(x).sum().backward()
    assert seen == [(4,)] and x.grad.tolist() == [[20.0] * 4] * 3


def test_saved_values_keep_their_axes():
    node = []

    def f(x):
        y = x.exp()
        node.append(y.grad_fn)
        return y.sum()

    x = X.clone().requires_grad_()
    total = vmap(f)(x).sum()
    assert [size for _, size in _core.mapped_axes(node[0]._saved_result)] == [3]
    total.backward()


def test_a_write_between_is_noticed():
    x = X.clone().requires_grad_()

    def f(x):
        y = x.exp()
        z = y * 2
        y.add_(1)
        return z + y.sum() * 0

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        vmap(f)(x).sum().backward()


class Cube(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x * x * g


class Half(pb.autograd.Function):
    """Its gradient is the same for all entries."""

    @staticmethod
    def forward(ctx, x):
        return x * 0.5

    @staticmethod
    def backward(ctx, g):
        return pb.full((4,), 0.5, dtype=pb.float64)


def test_functions_of_users():
    x = X.clone().requires_grad_()
    y = vmap(Cube.apply)(x)
    assert_same([y], [X**3])
    y.sum().backward()
    assert_same([x.grad], [3 * X**2])
    assert_same([vmap(grad(lambda x: Cube.apply(x).sum()))(X)], [3 * X**2])
    assert_same([vmap(grad(lambda x: grad(lambda y: Cube.apply(y).sum())(x).sum()))(X)], [6 * X])
    x.grad = None
    vmap(lambda x: Half.apply(x))(x).sum().backward()
    assert x.grad.tolist() == [[0.5] * 4] * 3


@pytest.mark.parametrize(
    "function", [pb.sin, lambda x: x @ x, lambda x: x.sort().values, lambda x: x[x.argmax()]]
)
def test_nested_four_times(function):
    x = pb.arange(48.0, dtype=pb.float64).reshape(2, 2, 2, 2, 3).sin()
    run = function
    for _ in range(4):
        run = vmap(run)
    flat = [function(row) for row in x.reshape(-1, 3)]
    assert_same([run(x).reshape(16, *flat[0].shape)], [pb.stack(flat)])


def test_copies_of_objects():
    """deepcopy copies entries; what names memory is refused, as it would be that of all entries."""
    twice = lambda x: copy.deepcopy([x, x[1:]])
    whole, part = vmap(twice)(X)
    assert whole.equal(X) and part.equal(X[:, 1:])
    held = []
    vmap(lambda x: held.append(copy.deepcopy(x).mul_(2)) or x)(X)
    assert X[0, 0] == 1
    same = pb.ones(4, dtype=pb.float64)
    assert vmap(lambda x: copy.deepcopy(same) + x)(X).equal(X + 1)
    for keep in pickle.dumps, lambda x: pb.save(x, io.BytesIO()):
        with pytest.raises(NotImplementedError, match="Cannot access storage of BatchedTensorImpl"):
            vmap(lambda x, keep=keep: keep(x) and x)(X)
        assert vmap(lambda x, keep=keep: (keep(same), x)[1])(X).equal(X)


def test_named_results_of_modules_that_are_loaded_later():
    q = vmap(lambda a: pb.linalg.qr(a))(X.reshape(3, 2, 2))
    assert type(q).__name__ == "linalg_qr" and q.R.shape == (3, 2, 2)
    parts = vmap(lambda a: pb.frexp(a))(X)
    assert parts.exponent.dtype == pb.int32
