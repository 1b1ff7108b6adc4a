"""debug_unwrap, functionalize and rearrange."""

import numpy as np
import pytest

import pullback as pb
from pullback.autograd import forward_ad
from pullback.func import debug_unwrap, functionalize, grad, jvp, rearrange, vmap


def test_what_has_no_levels_is_itself():
    x = pb.ones(2, requires_grad=True)
    assert debug_unwrap(x) is x and debug_unwrap(x, recurse=False) is x


def test_axes_come_in_front_the_outermost_first():
    seen = []

    def f(x):
        seen.extend([debug_unwrap(x).shape, debug_unwrap(x, recurse=False).shape])
        return x.sum()

    vmap(vmap(f))(pb.zeros(2, 3, 4))
    assert seen == [(2, 3, 4), (3, 4)]


def test_tangents_are_left_away():
    seen = []

    def f(x):
        seen.append(debug_unwrap(x))
        return x * x

    vmap(lambda x: jvp(f, (x,), (x,))[1])(pb.tensor([1.0, 2.0]))
    jvp(vmap(f), (pb.tensor([1.0, 2.0]),), (pb.ones(2),))
    for each in seen:
        assert each.tolist() == [1.0, 2.0] and forward_ad.unpack_dual(each, level=0).tangent is None
    grad(lambda x: f(x).sum())(pb.tensor([1.0, 2.0]))
    assert seen[-1].detach().tolist() == [1.0, 2.0]


def test_functionalize_is_the_function():
    def f(x, *, by=2):
        x.add_(1)
        return (x * x).mul_(by)

    for remove in ("mutations", "mutations_and_views"):
        x = pb.tensor([1.0, 2.0])
        assert functionalize(f, remove=remove)(x, by=3).tolist() == [12.0, 27.0]
        assert x.tolist() == [2.0, 3.0]
    assert grad(functionalize(lambda x: x.clone().mul_(2).sum()))(pb.ones(2)).tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="received invalid argument for `remove`"):
        functionalize(f, remove="views")


PATTERNS = [
    ("b h w -> b w h", (2, 3, 4), {}),
    ("b h w -> (b h) w", (2, 3, 4), {}),
    ("b h w -> (b w h)", (2, 3, 4), {}),
    ("(b1 b2) h w -> b1 h (w b2)", (6, 3, 4), {"b1": 2}),
    ("... a -> a ...", (2, 3, 4), {}),
    ("a ... b -> (a b) ...", (2, 3, 4, 5), {}),
    ("->", (), {}),
    ("a () b -> a b", (2, 1, 3), {}),
    ("a b -> b a", (0, 3), {}),
]


@pytest.mark.torch
@pytest.mark.parametrize("pattern, shape, lengths", PATTERNS)
def test_rearrange_is_pytorchs(pattern, shape, lengths):
    torch = pytest.importorskip("torch")
    x = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    ours, theirs = (
        rearrange(pb.tensor(x), pattern, **lengths),
        torch.func.rearrange(torch.tensor(x), pattern, **lengths),
    )
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_rearrange_against_numpy():
    x = np.arange(48.0).reshape(2, 6, 4)
    found = rearrange(pb.tensor(x), "b (h w) c -> c (b w) h", h=2).numpy()
    np.testing.assert_array_equal(found, x.reshape(2, 2, 3, 4).transpose(3, 0, 2, 1).reshape(4, 6, 2))
    found = rearrange(pb.tensor(x), "a ... -> a (...)").numpy()  # where PyTorch raises, as for those below
    np.testing.assert_array_equal(found, x.reshape(2, 24))
    found = rearrange(pb.tensor(x[:, :1]), "a 1 b -> b a 1 1").numpy()
    np.testing.assert_array_equal(found, x[:, 0].T.reshape(4, 2, 1, 1))
    found = rearrange(pb.tensor(x.reshape(48)), "(a b c) -> c b a", a=2, b=6).numpy()
    np.testing.assert_array_equal(found, x.transpose(2, 1, 0))
    found = rearrange([pb.tensor(x[0]), pb.tensor(x[1])], "n a b -> a (n b)").numpy()
    np.testing.assert_array_equal(found, x.transpose(1, 0, 2).reshape(6, 8))


def test_rearrange_has_a_gradient_and_batches():
    x = pb.arange(6.0).reshape(2, 3)
    weights = pb.arange(6.0).reshape(3, 2)
    assert grad(lambda x: (rearrange(x, "a b -> b a") * weights).sum())(x).equal(weights.t())
    assert vmap(lambda row: rearrange(row, "(a b) -> b a", a=3))(x).shape == (2, 1, 3)


@pytest.mark.parametrize(
    "pattern, lengths, said",
    [
        ("a b", {}, "one '->'"),
        ("a b -> a", {}, "only on one side"),
        ("a a -> a", {}, "only on one side"),
        ("a b c -> a b c", {}, "Number of dimensions"),
        ("(a b c) d -> a b c d", {"a": 1}, "do not follow"),
        ("(a b) c -> a b c", {"a": 4}, "does not split"),
        ("(a b) c -> a b c", {"a": 3, "b": 3}, "is no"),
        ("a b -> b a", {"z": 3}, "no axis 'z'"),
        ("a (b -> b a", {}, "brackets"),
        ("a ) b -> b a", {}, "brackets"),
        ("a 2 -> 2 a", {}, "no name"),
    ],
)
def test_what_rearrange_refuses(pattern, lengths, said):
    with pytest.raises(ValueError, match=said):
        rearrange(pb.zeros(2, 3), pattern, **lengths)
