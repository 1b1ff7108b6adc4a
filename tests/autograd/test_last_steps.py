"""A function that is made of others is shown by its last step under the name of PyTorch's one node for all of it."""

import warnings
from pathlib import Path

import pytest

import pullback as pb

CALLS = (Path(__file__).parent / "calls_of_composites.txt").read_text().splitlines()

# Other names here, and why.
OTHER = {
    "F.cross_entropy(x, t)": "PyTorch divides by a number of the compiler's",
    "F.elu_(x * 1)": "one derivative for both forms",
    "F.leaky_relu_(x * 1)": "one derivative for both forms",
    "F.threshold_(x * 1, 0.1, 0.0)": "one derivative for both forms",
    'F.pad(x, (1, 1), mode="circular")': "nothing is written in place",
    'F.pad(images, (1, 1, 1, 1), mode="circular")': "nothing is written in place",
    "m.cdist(x, t, p=3.0)": "made of differences",
    "m.chain_matmul(x, t.T, t)": "ends in the product",
    "m.linalg.multi_dot([x, t.T, t])": "ends in the product",
    "m.complex(x, t).angle()": "made of atan2",
    "m.polar(x, t)": "made of complex",
    "m.linalg.cond(x)": "ends in the quotient",
    "m.linalg.tensorinv(x[:3] + m.eye(3), 1)": "a view has one name",
    "m.special.ndtr(x)": "an elementwise function here",
    "m.heaviside(x.detach(), x)": "has a derivative here",
    "x // 1": "has a derivative here",
    "F.linear(x[0], t, t[:, 0])": "a bias that is strided is added to the product as well",
    "F.linear(x[None], t, t[:, 0])": "a bias that is strided is added to the product as well",
    "m.nn.functional.scaled_dot_product_attention(x[None, None], x[None, None], x[None, None], is_causal=True)": "one way",
}


def named(m, call):
    m.manual_seed(0)
    given = {
        "m": m,
        "F": m.nn.functional,
        "x": m.rand(4, 3).requires_grad_(),
        "t": m.rand(4, 3) * 0.8 + 0.1,
        "p": (m.rand(4, 3) * 0.8 + 0.1).requires_grad_(),
        "c": m.tensor([0, 1, 2, 0]),
        "signs": m.tensor([1.0, -1.0, 1.0, -1.0])[:, None].expand(4, 3),
        "images": m.rand(2, 3, 6, 6).requires_grad_(),
        "labels": m.zeros(2, 6, 6, dtype=m.int64),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        node = eval(call, given).grad_fn
    if node is None:
        return None
    assert type(node).__name__ == node.name().rpartition("::")[2]
    return node.name()


@pytest.mark.parametrize("call", CALLS)
def test_names_beside_pytorch(call):
    torch = pytest.importorskip("torch")
    assert (named(pb, call) == named(torch, call)) is (call not in OTHER)


def test_every_exception_is_a_call():
    assert OTHER.keys() <= set(CALLS)


@pytest.fixture
def loss():
    return pb.nn.functional.mse_loss(pb.ones(3, requires_grad=True), pb.zeros(3))


def test_the_name_is_shown(loss):
    assert repr(loss) == "tensor(1., grad_fn=<MseLossBackward0>)"
    assert repr(loss.grad_fn).startswith("<MseLossBackward0 object at")
    assert loss.grad_fn.name() == type(loss.grad_fn).__name__ == "MseLossBackward0"


def test_the_step_stays_what_it_is(loss):
    assert loss.grad_fn._step == "MeanBackward0"
    assert loss.grad_fn.next_functions[0][0].name() == "PowBackward0"
    f = lambda x: pb.nn.functional.mse_loss(x, pb.zeros(4), reduction="none")
    assert pb.sparse.jacobian(f)(pb.ones(4)).toarray().tolist() == (2 * pb.eye(4)).tolist()
    assert pb.sparse.hessian(lambda x: f(x).sum())(pb.ones(4)).nnz == 4


def test_messages_have_the_name():
    x = pb.ones(3, requires_grad=True)
    loss = pb.nn.functional.mse_loss(x, pb.zeros(3))
    square = loss * loss
    with pytest.raises(RuntimeError, match="output 0 of MseLoss, is at version 1"):
        with pb.no_grad():
            loss.mul_(2)
        square.backward()


def test_what_only_passes_through_keeps_its_name():
    x = pb.ones(1, 4, 4, requires_grad=True) * 2
    assert pb.nn.functional.adaptive_avg_pool2d(x, (4, 4)).grad_fn.name() == "MulBackward0"
    assert pb.nn.functional.dropout(x, training=False).grad_fn.name() == "MulBackward0"
    leaf = pb.ones(3, requires_grad=True)
    assert pb._core.name_last_step(leaf, "Other") is leaf and leaf.grad_fn is None
    with pb.no_grad():
        assert pb.nn.functional.mse_loss(leaf, pb.zeros(3)).grad_fn is None


def test_under_transforms():
    x = pb.ones(4, 3)
    loss = lambda x: pb.nn.functional.mse_loss(x, pb.zeros(3))
    assert pb.func.vmap(pb.func.grad(loss))(x).tolist() == pb.full((4, 3), 2 / 3).tolist()
    assert pb.func.hessian(loss)(x[0]).diagonal().tolist() == [pytest.approx(2 / 3)] * 3
