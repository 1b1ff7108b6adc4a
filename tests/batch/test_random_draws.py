"""Random draws inside of a vmap: an error, one draw for each entry, or one that all entries share."""

import pytest

import pullback as pb
from pullback.func import grad, vmap

X = pb.arange(12.0).reshape(3, 4) / 12

DRAWS = [
    lambda x: pb.rand(4),
    lambda x: pb.rand((2, 2)),
    lambda x: pb.randn(20),
    lambda x: pb.randint(100, (5,)),
    lambda x: pb.randint(10, 100, size=(5,)),
    lambda x: pb.randperm(6),
    lambda x: pb.rand_like(x),
    lambda x: pb.randn_like(x),
    lambda x: pb.randint_like(x, 100),
    lambda x: pb.bernoulli(x.expand(50, 4)),
    lambda x: pb.bernoulli(x.expand(50, 4), 0.5),
    lambda x: pb.normal(x, 1.0),
    lambda x: pb.normal(x, x + 1),
    lambda x: pb.normal(x.sum(), pb.ones(5)),
    lambda x: pb.normal(pb.zeros(2, 1), x),
    lambda x: pb.normal(pb.zeros(9), 2.0),
    lambda x: pb.normal(0.0, 1.0, (4,)),
    lambda x: pb.bernoulli(pb.full((40,), 0.5)),
    lambda x: pb.empty(2, 20).bernoulli_(x.mean().expand(20)),
    lambda x: pb.multinomial(pb.ones(2, 9), 4),
    lambda x: pb.multinomial(x + 1, 3, replacement=True).float() + pb.rand(1),
    lambda x: pb.zeros(4).uniform_(),
    lambda x: (x * 1).normal_(),
    lambda x: pb.empty(30).bernoulli_(0.5),
    lambda x: pb.empty(4).exponential_(),
    lambda x: pb.empty(4).random_(1000),
    lambda x: pb.empty(9).geometric_(0.1),
    lambda x: pb.empty(4).cauchy_(),
    lambda x: (x * 1).log_normal_(),
    lambda x: pb.poisson(x * 30 + 20),
    lambda x: pb.binomial(x * 0 + 1000, x / 2 + 0.2),
    lambda x: pb.nn.functional.dropout((x + 1).repeat(20)),
]


@pytest.mark.parametrize("draw", DRAWS)
def test_an_error(draw):
    with pytest.raises(RuntimeError, match="vmap: called random operation while in randomness error mode"):
        vmap(draw)(X)
    with pytest.raises(RuntimeError, match="vmap: called random operation while in randomness error mode"):
        vmap(vmap(draw, randomness="different"))(X[None].expand(2, 3, 4))


@pytest.mark.parametrize("draw", DRAWS)
def test_different(draw):
    found = vmap(draw, randomness="different")(X)
    one = draw(X[0])
    assert found.shape == (3, *one.shape) and found.dtype == one.dtype
    assert found[0].tolist() != found[1].tolist() != found[2].tolist()
    pb.manual_seed(3)
    first = vmap(draw, randomness="different")(X)
    pb.manual_seed(3)
    assert vmap(draw, randomness="different")(X).tolist() == first.tolist()


@pytest.mark.parametrize("draw", DRAWS)
def test_same(draw):
    same = X[:1].expand(3, 4).clone()
    found = vmap(draw, randomness="same")(same)
    one = draw(X[0])
    assert found.shape == (3, *one.shape) and found.dtype == one.dtype
    assert found[0].tolist() == found[1].tolist() == found[2].tolist()


def test_nested():
    """Each level has its say."""
    draw = lambda x: pb.rand(2)
    x = pb.zeros(2, 3)

    def kinds(outer, inner):
        found = vmap(vmap(draw, randomness=inner), randomness=outer)(x)
        assert found.shape == (2, 3, 2)
        return not found[0].equal(found[1]), not found[0, 0].equal(found[0, 1])

    assert kinds("different", "different") == (True, True)
    assert kinds("different", "same") == (True, False)
    assert kinds("same", "different") == (False, True)
    assert kinds("same", "same") == (False, False)


def test_the_draws_are_those_of_a_batch():
    """With the axis first, as PyTorch draws."""
    for inside, outside in [
        (lambda x: pb.randn(20), lambda: pb.randn(3, 20)),
        (lambda x: pb.rand(4), lambda: pb.rand(3, 4)),
        (lambda x: pb.randn_like(x), lambda: pb.randn(3, 4)),
        (lambda x: pb.zeros(30).normal_(), lambda: pb.randn(3, 30)),
    ]:
        pb.manual_seed(1)
        found = vmap(inside, randomness="different")(X)
        pb.manual_seed(1)
        assert found.tolist() == outside().tolist()


def test_writes_into_something_captured():
    z = pb.zeros(4)
    with pytest.raises(
        RuntimeError, match="Cannot ask for different inplace randomness on an unbatched tensor"
    ):
        vmap(lambda x: z.uniform_(), randomness="different")(X)
    assert z.tolist() == [0.0] * 4
    vmap(lambda x: z.uniform_(), randomness="same")(X)
    assert 0 < z[0].item() < 1


def test_gradients_beside_draws():
    def loss(w, x):
        return (w * x * pb.rand_like(x)).sum()

    w = pb.ones(4)
    pb.manual_seed(5)
    found = vmap(grad(loss), in_dims=(None, 0), randomness="different")(w, X)
    pb.manual_seed(5)
    assert found.tolist() == (X * pb.rand(3, 4)).tolist()


def test_in_chunks():
    pb.manual_seed(2)
    whole = vmap(lambda x: x + pb.rand(4), randomness="different")(X)
    pb.manual_seed(2)
    assert vmap(lambda x: x + pb.rand(4), randomness="different", chunk_size=2)(X).tolist() == whole.tolist()
    same = vmap(lambda x: pb.rand(4), randomness="same", chunk_size=1)(X)
    assert same[0].tolist() == same[2].tolist()


def test_an_error_leaves_the_level_open():
    def f(x):
        with pytest.raises(RuntimeError):
            pb.rand(-1)
        return pb.rand(2) + x.sum()

    assert vmap(f, randomness="different")(X).shape == (3, 2)
