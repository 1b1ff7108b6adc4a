"""The functions of networks under the names of the package itself: those of nn.functional and the modules, and PyTorch's."""

import re

import numpy as np
import pytest

import pullback as pb

draw = np.random.default_rng(3).standard_normal
F = pb.nn.functional
X, Y = draw((3, 4, 5)), draw((3, 4, 5))
A, B, SIGNS = draw((3, 4)), draw((3, 4)), np.array([1.0, -1.0, 1.0])
W, IMAGE, GRID = draw((5, 3)), draw((2, 3, 4, 5)), draw((2, 6, 7, 2))
LOGS = np.log(np.random.default_rng(1).dirichlet(np.ones(4), (5, 2)))
INDEX, OFFSETS = np.array([0, 4, 1, 1, 2]), np.array([0, 2])
T = lambda library, *arrays: [library.tensor(a) for a in arrays]
WORDS = ("none", "mean", "sum")

# (what is called of either library, what it is of nn.functional): functions of the library and of a reduction
LOSSES = {
    "binary_cross_entropy_with_logits": (
        lambda L, r: L.binary_cross_entropy_with_logits(
            *T(L, A, SIGNS[:, None] * 0.5 + 0.5 + 0 * A, B, B**2), r
        ),
        lambda r: F.binary_cross_entropy_with_logits(
            *T(pb, A, SIGNS[:, None] * 0.5 + 0.5 + 0 * A, B), pos_weight=pb.tensor(B**2), reduction=r
        ),
    ),
    "cosine_embedding_loss": (
        lambda L, r: L.cosine_embedding_loss(*T(L, A, B, SIGNS), 0.1, r),
        lambda r: F.cosine_embedding_loss(*T(pb, A, B, SIGNS), 0.1, reduction=r),
    ),
    "ctc_loss": (
        lambda L, r: L.ctc_loss(L.tensor(LOGS), L.tensor([[1, 2], [3, 1]]), [5, 4], [2, 1], 0, r, True),
        lambda r: F.ctc_loss(pb.tensor(LOGS), pb.tensor([[1, 2], [3, 1]]), [5, 4], [2, 1], 0, r, True),
    ),
    "hinge_embedding_loss": (
        lambda L, r: L.hinge_embedding_loss(*T(L, A[:, 0], SIGNS), 0.7, r),
        lambda r: F.hinge_embedding_loss(*T(pb, A[:, 0], SIGNS), 0.7, reduction=r),
    ),
    "kl_div": (
        lambda L, r: L.kl_div(*T(L, A, B), r, log_target=True),
        lambda r: F.kl_div(*T(pb, A, B), reduction=r, log_target=True),
    ),
    "margin_ranking_loss": (
        lambda L, r: L.margin_ranking_loss(*T(L, A[:, 0], B[:, 0], SIGNS), 0.2, r),
        lambda r: F.margin_ranking_loss(*T(pb, A[:, 0], B[:, 0], SIGNS), 0.2, reduction=r),
    ),
    "poisson_nll_loss": (
        lambda L, r: L.poisson_nll_loss(*T(L, A, B**2), True, True, 1e-8, r),
        lambda r: F.poisson_nll_loss(*T(pb, A, B**2), True, True, reduction=r),
    ),
    "triplet_margin_loss": (
        lambda L, r: L.triplet_margin_loss(*T(L, A, B, A + 1), 1.5, 1.0, 1e-6, True, r),
        lambda r: F.triplet_margin_loss(*T(pb, A, B, A + 1), 1.5, 1.0, 1e-6, True, reduction=r),
    ),
}
# What has an equal in nn.functional: the same of either library, and what it is there.
OTHERS = {
    "batch_norm": (
        lambda L: L.batch_norm(*T(L, X, B[0], A[0], A[1], B[1] ** 2), False, 0.1, 1e-4, False),
        lambda: F.batch_norm(*T(pb, X, A[1], B[1] ** 2, B[0], A[0]), False, 0.1, 1e-4),
    ),
    "instance_norm": (
        lambda L: L.instance_norm(*T(L, X, B[0], A[0], A[1], B[1] ** 2), True, 0.1, 1e-4, False),
        lambda: F.instance_norm(*T(pb, X, A[1], B[1] ** 2, B[0], A[0]), True, 0.1, 1e-4),
    ),
    "group_norm": (
        lambda L: L.group_norm(L.tensor(X), 2, *T(L, B[0], A[0]), 1e-4, False),
        lambda: F.group_norm(pb.tensor(X), 2, *T(pb, B[0], A[0]), 1e-4),
    ),
    "convolution": (
        lambda L: L.convolution(
            *T(L, IMAGE, draw((6, 3, 2, 2)) * 0 + 0.5), None, (1, 2), (0, 1), (1, 1), False, (0, 0), 1
        ),
        lambda: F.conv2d(*T(pb, IMAGE, draw((6, 3, 2, 2)) * 0 + 0.5), None, (1, 2), (0, 1)),
    ),
    "convolution, transposed": (
        lambda L: L.convolution(
            *T(L, X, B[:4, :2].repeat(2, 0)[:4, None]), L.tensor(B[0][:1]), (2,), (0,), (1,), True, (1,), 1
        ),
        lambda: F.conv_transpose1d(*T(pb, X, B[:4, :2].repeat(2, 0)[:4, None], B[0][:1]), 2, 0, 1),
    ),
    "conv_tbc": (
        lambda L: L.conv_tbc(*T(L, X, Y.transpose(0, 2, 1), B[0]), 1),
        lambda: F.conv_tbc(*T(pb, X, Y.transpose(0, 2, 1), B[0]), 1),
    ),
    "adaptive_max_pool1d": (
        lambda L: L.adaptive_max_pool1d(L.tensor(X), 2),
        lambda: F.adaptive_max_pool1d(pb.tensor(X), 2, True),
    ),
    "max_pool1d_with_indices": (
        lambda L: L.max_pool1d_with_indices(L.tensor(X), 3, 2, 1, 1, True),
        lambda: F.max_pool1d(pb.tensor(X), 3, 2, 1, 1, True, True),
    ),
    "affine_grid_generator": (
        lambda L: L.affine_grid_generator(L.tensor(X[:2, :2, :3]), (2, 1, 3, 4), False),
        lambda: F.affine_grid(pb.tensor(X[:2, :2, :3]), (2, 1, 3, 4), False),
    ),
    "grid_sampler": (
        lambda L: L.grid_sampler(*T(L, IMAGE, GRID), 2, 1, True),
        lambda: F.grid_sample(*T(pb, IMAGE, GRID), "bicubic", "border", True),
    ),
    "grid_sampler_2d": (
        lambda L: L.grid_sampler_2d(*T(L, IMAGE, GRID), 0, 2, False),
        lambda: F.grid_sample(*T(pb, IMAGE, GRID), "bilinear", "reflection", False),
    ),
    "grid_sampler_3d": (
        lambda L: L.grid_sampler_3d(
            *T(L, X[None, :1, None], GRID[:1, None, :2, :1].repeat(2, -1)[..., :3]), 1, 0, True
        ),
        lambda: F.grid_sample(
            *T(pb, X[None, :1, None], GRID[:1, None, :2, :1].repeat(2, -1)[..., :3]), "nearest", "zeros", True
        ),
    ),
    "embedding": (
        lambda L: L.embedding(*T(L, W, INDEX), 1, True),
        lambda: F.embedding(*T(pb, INDEX, W), 1, None, 2.0, True),
    ),
    "embedding_bag": (
        lambda L: L.embedding_bag(*T(L, W, INDEX, OFFSETS), False, 0, False, L.tensor(X[0, 0]))[0],
        lambda: F.embedding_bag(*T(pb, INDEX, W, OFFSETS), mode="sum", per_sample_weights=pb.tensor(X[0, 0])),
    ),
}


def flat(made):
    return [t.detach().numpy() for t in (made if isinstance(made, (tuple, list)) else [made])]


def same(found, known, tolerance=1e-10):
    for a, b in zip(flat(found), flat(known), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    called, known = LOSSES[name]
    for number, word in enumerate(WORDS):
        same(called(pb, number), known(word))
    with pytest.raises(ValueError, match="3 is not a valid value for reduction"):
        called(pb, 3)
    with pytest.raises(TypeError, match=r"argument 'reduction' \(position \d\) must be int, not str"):
        called(pb, "mean")


@pytest.mark.parametrize("name", OTHERS)
def test_others(name):
    called, known = OTHERS[name]
    same(called(pb), known())


@pytest.mark.torch
@pytest.mark.parametrize("name", [*LOSSES, *OTHERS])
def test_beside_torch(name):
    torch = pytest.importorskip("torch")
    for case in [(0,), (1,), (2,)] if name in LOSSES else [()]:
        called = (LOSSES.get(name) or OTHERS.get(name))[0]
        same(called(pb, *case), called(torch, *case))


@pytest.mark.torch
def test_a_loss_without_a_reduction_is_not_reduced():
    torch = pytest.importorskip("torch")
    for L in (pb, torch):
        assert L.kl_div(*T(L, A, B)).shape == A.shape
        assert L.hinge_embedding_loss(*T(L, A[:, 0], SIGNS)).shape == (3,)


def test_normalisation_with_what_it_divides_by():
    x, mean, scale = pb.tensor(X), X.mean((0, 2)), 1 / np.sqrt(X.var((0, 2)) + 1e-4)
    running = pb.zeros(4, dtype=pb.float64), pb.ones(4, dtype=pb.float64)
    made = pb.native_batch_norm(x, None, None, *running, True, 0.5, 1e-4)
    same(made, [pb.tensor((X - mean[:, None]) * scale[:, None]), *T(pb, mean, scale)])
    np.testing.assert_allclose(running[0].numpy(), mean / 2)
    assert [t.shape for t in pb.native_batch_norm(x, None, None, *running, False, 0.5, 1e-4)[1:]] == [
        (0,),
        (0,),
    ]
    groups = X.reshape(3, 2, -1)
    made = pb.native_group_norm(x, None, None, 3, 4, 5, 2, 1e-4)
    same(made[1:], T(pb, groups.mean(2), 1 / np.sqrt(groups.var(2) + 1e-4)))
    same(made[0], pb.group_norm(x, 2, eps=1e-4))
    made = pb.native_layer_norm(x, (4, 5), None, None, 1e-4)
    over = {"axis": (1, 2), "keepdims": True}
    same(made[1:], T(pb, X.mean(**over), 1 / np.sqrt(X.var(**over) + 1e-4)))
    same(made[0], pb.layer_norm(x, (4, 5), eps=1e-4))


@pytest.mark.torch
def test_normalisation_beside_torch():
    torch = pytest.importorskip("torch")

    def seen(L):
        running = T(L, A[1], B[1] ** 2)
        weights = T(L, B[0], A[0])
        return [
            *L.native_batch_norm(L.tensor(X), *weights, *running, True, 0.3, 1e-4),
            *running,
            *L.native_group_norm(L.tensor(X), *weights, 3, 4, 5, 2, 1e-4),
            *L.native_layer_norm(L.tensor(X), (5,), *T(L, X[0, 0], Y[0, 0]), 1e-4),
        ]

    same(seen(pb), seen(torch))


NETS = {
    "gru": (pb.nn.GRU, {}),
    "lstm": (pb.nn.LSTM, {}),
    "rnn_tanh": (pb.nn.RNN, {}),
    "rnn_relu": (pb.nn.RNN, {"nonlinearity": "relu"}),
}


def net_of(name, **options):
    module, more = NETS[name]
    return module(3, 4, dtype=pb.float64, **more, **options)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("two", [False, True])
def test_recurrent_networks(name, two):
    options = {"num_layers": 1 + two, "bidirectional": two, "bias": not two, "batch_first": two}
    net = net_of(name, **options)
    weights, settings = list(net.parameters()), (not two, 1 + two, 0.0, False, two)
    x, h = pb.tensor(draw((2, 5, 3))), pb.tensor(draw((4 if two else 1, 2 if two else 5, 4)))
    hx = (h, h + 1) if name == "lstm" else h
    made = getattr(pb, name)(x, hx, weights, *settings, two)
    outputs, last = net(x, hx)
    same(made, [outputs, *(last if name == "lstm" else [last])])
    packed = pb.nn.utils.rnn.pack_sequence([pb.tensor(draw((n, 3))) for n in (4, 2)])
    h = h[:, :2]
    hx = (h, h + 1) if name == "lstm" else h
    made = getattr(pb, name)(packed.data, packed.batch_sizes, hx, weights, *settings)
    outputs, last = net(packed, hx)
    same(made, [outputs.data, *(last if name == "lstm" else [last])])
    with pytest.raises(RuntimeError, match="weights in stacked_rnn|incorrect number of RNN parameters"):
        getattr(pb, name)(x, hx, weights[:-2], *settings, two)
    with pytest.raises(TypeError, match=f"{name}.. received an invalid combination of arguments"):
        getattr(pb, name)(x, hx, weights)


def test_an_lstm_that_projects_its_state():
    net = net_of("lstm", proj_size=2)
    x, h, c = pb.tensor(draw((5, 1, 3))), pb.tensor(draw((1, 1, 2))), pb.tensor(draw((1, 1, 4)))
    outputs, last = net(x, (h, c))
    same(pb.lstm(x, (h, c), list(net.parameters()), True, 1, 0.0, False, False, False), [outputs, *last])


CELLS = {
    "gru_cell": (pb.nn.GRUCell, {}),
    "lstm_cell": (pb.nn.LSTMCell, {}),
    "rnn_tanh_cell": (pb.nn.RNNCell, {}),
    "rnn_relu_cell": (pb.nn.RNNCell, {"nonlinearity": "relu"}),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", CELLS)
def test_cells(name, bias):
    module, options = CELLS[name]
    cell = module(3, 4, bias, dtype=pb.float64, **options)
    x, h = pb.tensor(draw((2, 3))), pb.tensor(draw((2, 4)))
    state = lambda h: (h, h) if name == "lstm_cell" else h
    call = lambda x, h: getattr(pb, name)(x, state(h), *cell.parameters())
    same(call(x, h), cell(x, state(h)))
    for wrong, text in (
        (lambda: call(x[:, :2], h), "input has inconsistent input_size: got 2 expected 3"),
        (lambda: call(x[:1], h), "Input batch size 1 doesn't match hidden0 batch size 2"),
        (lambda: call(x, h[:, :3]), "hidden0 has inconsistent hidden_size: got 3, expected 4"),
    ):
        with pytest.raises(RuntimeError, match=re.escape(text)):
            wrong()


@pytest.mark.torch
@pytest.mark.parametrize("name, rows", [("gru", 12), ("lstm", 16), ("rnn_tanh", 4), ("rnn_relu", 4)])
def test_recurrent_networks_beside_torch(name, rows):
    torch = pytest.importorskip("torch")
    x, data, h = draw((5, 2, 3)), draw((6, 3)), draw((4, 2, 4))
    weights = []
    for width in (3, 3, 8, 8):
        weights += [draw((rows, width)), draw((rows, 4)), draw(rows), draw(rows)]

    def seen(L):
        inputs = [L.tensor(a, requires_grad=True) for a in (x, h, *weights)]
        state = (inputs[1], inputs[1] + 1) if name == "lstm" else inputs[1]
        made = getattr(L, name)(inputs[0], state, inputs[2:], True, 2, 0.0, False, True, False)
        made += getattr(L, name)(
            L.tensor(data), L.tensor([2, 2, 1, 1]), state, inputs[2:], True, 2, 0.0, False, True
        )
        cell = getattr(L, name + "_cell")(
            inputs[0][0], tuple(s[0] for s in state) if name == "lstm" else state[0], *inputs[2:6]
        )
        made = [*made, *(cell if name == "lstm" else [cell])]
        value = sum((t * t).sum() for t in made)
        return [*made, *L.autograd.grad(value, inputs)]

    same(seen(pb), seen(torch))


def test_bags_and_their_contents():
    table, index, offsets = T(pb, W, INDEX, OFFSETS)
    for mode, word in enumerate(("sum", "mean", "max")):
        made, bag, sizes, inside = pb.embedding_bag(table, index, offsets, False, mode, padding_idx=1)
        same(made, F.embedding_bag(index, table, offsets, mode=word, padding_idx=1))
        assert sizes.tolist() == [2, 1]
        assert bag.tolist() == ([] if mode == 0 else [0, 0, 1, 1, 1])
        if mode == 2:
            assert inside.shape == (2, 3) and pb.equal(table.gather(0, inside), made)
    short = pb.embedding_renorm_(pb.tensor([[3.0, 4.0], [6.0, 8.0]]), pb.tensor([1]), 5.0, 2.0)
    np.testing.assert_allclose(short.numpy(), [[3, 4], [3, 4]], rtol=1e-6)
    with pytest.raises(ValueError, match="mode has to be 0"):
        pb.embedding_bag(table, index, offsets, mode=3)


@pytest.mark.torch
def test_bags_beside_torch():
    torch = pytest.importorskip("torch")
    for mode in (1, 2):
        found, known = (L.embedding_bag(*T(L, W, INDEX, OFFSETS), False, mode) for L in (pb, torch))
        same(found, known)


def test_numbers_of_modes():
    image, grid = T(pb, IMAGE, GRID)
    for numbers, text in (((3, 0), "interpolation_mode to be 0"), ((0, -1), "padding_mode to be 0")):
        with pytest.raises(ValueError, match=text):
            pb.grid_sampler(image, grid, *numbers, True)
    with pytest.raises(RuntimeError, match="expected 5D input and grid"):
        pb.grid_sampler_3d(image, grid, 0, 0, True)


def test_weighed_squares_of_complex_numbers():
    x, w = pb.tensor([1 + 2j, 3j]), pb.tensor([2.0, 6.0])
    assert F.mse_loss(x, pb.zeros(2), weight=w).item() == pytest.approx((2 * (1 + 2j) ** 2 - 54) / 8)
    with pytest.raises(NotImplementedError, match="mse_cpu"):
        F.mse_loss(x, pb.zeros(2))


def test_an_infinite_row_stays_infinite_where_its_gradient_is_scaled():
    table = pb.tensor([[1.0, np.inf], [2.0, 3.0]], requires_grad=True)
    rows = F.embedding(pb.tensor([0, 1, 0]), table, scale_grad_by_freq=True)
    assert rows.tolist() == [[1.0, np.inf], [2.0, 3.0], [1.0, np.inf]]
    rows.sum().backward()
    assert table.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
