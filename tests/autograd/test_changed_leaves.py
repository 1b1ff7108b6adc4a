"""A leaf that changes between its use and backward(): an error or the recorded gradient, never foreign memory."""

import gc

import pytest

import pullback as pb

# Uses that save the leaf, the result, or nothing, and that hand it gradients of several layouts.
USES = {
    "square": lambda a: (a * a).sum(),
    "scaled": lambda a: (a * 2).sum(),
    "summed": lambda a: a.sum(),
    "exp": lambda a: a.exp().sum(),
    "part": lambda a: a.reshape(-1)[1] + a.reshape(-1)[0],
    "gathered": lambda a: a.reshape(-1)[pb.tensor([0, 1, 1])].sum(),
}
each_use = pytest.mark.parametrize("use", USES.values(), ids=USES)


def set_data(*shape):
    return lambda a: setattr(a, "data", pb.ones(*shape))


CHANGES = {
    "larger": set_data(500_000),
    "smaller": set_data(1),
    "of no dimension": set_data(()),
    "more rows": set_data(4, 3),
    "more dimensions": set_data(2, 2, 3),
    "transposed": lambda a: a.t_(),
}


@each_use
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("again", [False, True], ids=["first gradient", "second gradient"])
def test_another_shape_is_an_error(use, change, again):
    a = pb.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    if again:
        use(a).backward()
    loss = use(a)
    with pb.no_grad():
        change(a)
    with pytest.raises(
        RuntimeError, match="must match the size|doesn't match the broadcast shape|modified by an"
    ):
        loss.backward()
    # The leaf as it is now is a leaf like any other, also while the old graph lives.
    a.grad = None
    (a * 3).sum().backward()
    assert a.grad.shape == a.shape and (a.grad == 3).all()
    assert loss.grad_fn is not None


@pytest.mark.parametrize(
    "change", [set_data(1, 3), set_data(3, 1), lambda a: a.unsqueeze_(0), lambda a: a.unsqueeze_(1)]
)
def test_dimensions_of_one_element_keep_the_recorded_gradient(change):
    a = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    loss = (a * pb.tensor([2.0, 3.0, 4.0])).sum()
    with pb.no_grad():
        change(a)
    loss.backward()
    assert a.grad.tolist() == [2, 3, 4]


@each_use
def test_a_dtype_changed_later_leaves_the_recorded_gradient(use):
    a = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    expected = pb.autograd.grad(use(a), a)[0]
    loss = use(a)
    a.data = a.data.double()
    loss.backward()
    assert a.grad.dtype == pb.float32 and a.grad.equal(expected)
    a.grad = None
    use(a).backward()
    assert a.grad.dtype == pb.float64


def test_the_error_says_what_changed_and_what_to_do():
    a = pb.ones(3, requires_grad=True)
    loss = (a * a).sum()
    a.data = pb.ones(5)
    with pytest.raises(RuntimeError) as error:
        loss.backward()
    for text in ("shape [3]", "shape [5] now", "after backward()"):
        assert text in str(error.value)


# ---- hooks and functions that change a gradient in place ----

SPOILERS = {
    "data": lambda g: setattr(g, "data", pb.ones(500_000)),
    "no data": lambda g: setattr(g, "data", pb.ones(0)),
    "t_": lambda g: g.t_(),
    "unsqueeze_": lambda g: g.unsqueeze_(0),
}
each_spoiler = pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
FOLLOWERS = {
    "product": lambda y: (y * y).sum(),
    "part": lambda y: y[0, 0] + y[1].sum(),
    "sum": lambda y: y.sum(),
    "both": lambda y: (y.exp() + y).sum(),
}
each_follower = pytest.mark.parametrize("follow", FOLLOWERS.values(), ids=FOLLOWERS)


def nothing(value):
    return None


@each_spoiler
@each_follower
@pytest.mark.parametrize("place", ["result", "leaf", "view", "node before", "node after", "written"])
def test_a_hook_that_changes_the_geometry(spoil, follow, place):
    x = pb.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    y = x.view(2, 3) if place == "view" else x * 1
    if place == "written":
        y[0, 1] = 3.0
    if place == "leaf":
        x.register_hook(lambda g: nothing(spoil(g)))
    elif place == "node before":
        y.grad_fn.register_prehook(lambda grads: nothing(spoil(grads[0])))
    elif place == "node after":
        y.grad_fn.register_hook(lambda inputs, outputs: nothing(spoil(inputs[0])))
    else:
        y.register_hook(lambda g: nothing(spoil(g)))
    if place == "node after" and spoil is SPOILERS["unsqueeze_"]:
        follow(y).backward()  # what a node returns may have leading dimensions, to be summed over
        assert x.grad.shape == x.shape
        return
    with pytest.raises(RuntimeError, match="returned an invalid gradient at index 0 - got"):
        follow(y).backward()
    assert x.grad is None
    gc.collect()


@pytest.mark.parametrize("spoil", [SPOILERS["data"], SPOILERS["no data"], SPOILERS["t_"]])
def test_a_function_that_changes_what_it_is_given(spoil):
    class Spoil(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            spoil(grad)
            return grad

    x = pb.ones(2, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="invalid gradient"):
        Spoil.apply(x).exp().sum().backward()


def test_a_gradient_that_two_share_and_one_spoils():
    """A sum hands the same gradient to both of its terms."""
    a, b = pb.ones(2, 3, requires_grad=True), pb.ones(2, 3, requires_grad=True)
    c = a * 1
    c.register_hook(lambda g: nothing(spoil_data(g)))
    with pytest.raises(RuntimeError, match="invalid gradient"):
        (c + b * 1).sum().backward()


def spoil_data(g):
    g.data = pb.ones(500_000)
