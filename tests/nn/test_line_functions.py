"""Layer normalisation, cross entropy and softmax: values, gradients of every order, errors, and the same bits always."""

import numpy as np
import pytest
from checks import check

import pullback as pb
import pullback.nn.functional as F

SHAPES = [(3, 5), (64, 33), (4, 1000), (2, 10_000), (700, 100), (5, 1), (0, 4)]


def normal(shape, seed=0, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def layer_norm(x, weight, bias, eps=1e-5):
    mean = x.mean(-1, keepdims=True)
    y = (x - mean) / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + eps)
    return y * weight + bias


def losses_of(x, target, ignored=-100):
    shifted = x - x.max(1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    picked = logarithms[np.arange(len(x)), np.where(target == ignored, 0, target)]
    return np.where(target == ignored, 0.0, -picked)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_layer_norm_values(shape, dtype):
    x, w, b = normal(shape, 1, dtype), normal(shape[1:], 2, dtype), normal(shape[1:], 3, dtype)
    bound = 2e-5 if dtype == "float32" else 1e-12
    wide = [a.astype(np.float64) for a in (x, w, b)]
    given = [pb.tensor(a) for a in (x, w, b)]
    np.testing.assert_allclose(F.layer_norm(given[0], shape[1:], *given[1:]), layer_norm(*wide), bound, bound)
    np.testing.assert_allclose(F.layer_norm(given[0], shape[1:]), layer_norm(wide[0], 1, 0), bound, bound)
    np.testing.assert_allclose(
        F.layer_norm(given[0], shape[1:], None, given[2]), layer_norm(wide[0], 1, wide[2]), bound, bound
    )
    np.testing.assert_allclose(
        F.layer_norm(given[0], shape[1:], given[1]), layer_norm(wide[0], wide[1], 0), bound, bound
    )


def test_layer_norm_of_a_large_mean():
    x = normal((20, 1000), 4, "float32") + 1000
    np.testing.assert_allclose(
        F.layer_norm(pb.tensor(x), (1000,)), layer_norm(x.astype(np.float64), 1, 0), atol=5e-4
    )


@pytest.mark.parametrize("shape, last", [((3, 4), 1), ((2, 3, 4), 2), ((1, 70), 1), ((2, 1030), 1)], ids=str)
def test_layer_norm_derivatives(shape, last):
    x, w, b = normal(shape, 5), normal(shape[-last:], 6), normal(shape[-last:], 7)
    sizes = shape[-last:]
    if x.size < 100:
        check(lambda x, w, b: pb.layer_norm(x, sizes, w, b), x, w, b)
        check(lambda x: pb.layer_norm(x, sizes, eps=0.1), x)
        check(lambda x, b: pb.layer_norm(x, sizes, None, b), x, b)
    # The loops for values against the composition that is differentiated further.
    leaves = [pb.tensor(a, requires_grad=True) for a in (x, w, b)]
    g = pb.tensor(normal(shape, 8))
    y = pb.layer_norm(leaves[0], sizes, leaves[1], leaves[2])
    plain = pb.autograd.grad(y, leaves, g, retain_graph=True)
    recorded = pb.autograd.grad(y, leaves, g, create_graph=True)
    for p, r in zip(plain, recorded, strict=True):
        np.testing.assert_allclose(p, r.detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES[:-1], ids=str)
def test_cross_entropy_values(shape, dtype, reduction):
    x = normal(shape, 9, dtype) * 3
    target = np.random.default_rng(0).integers(0, shape[1], shape[0])
    target[1] = 77_777
    each = losses_of(x.astype(np.float64), target, 77_777)
    expected = {"none": each, "sum": each.sum(), "mean": each.sum() / (shape[0] - 1)}[reduction]
    got = F.cross_entropy(pb.tensor(x), pb.tensor(target), ignore_index=77_777, reduction=reduction)
    np.testing.assert_allclose(got, expected, rtol=2e-6 if dtype == "float32" else 1e-13, atol=2e-6)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_cross_entropy_derivatives(reduction):
    target = pb.tensor([2, -100, 0, 3])
    x, weight = normal((4, 5), 10), pb.tensor(np.abs(normal(5, 11)))
    for options in (
        {},
        {"label_smoothing": 0.2},
        {"weight": weight},
        {"weight": weight, "label_smoothing": 0.3},
    ):
        check(lambda x, o=options: F.cross_entropy(x, target, reduction=reduction, **o), x)
    in_range = pb.tensor([2, 1, 0, 1])  # a class that is ignored
    check(lambda x: F.cross_entropy(x, in_range, ignore_index=1, reduction=reduction), x)
    check(lambda x: F.cross_entropy(x, target.reshape(2, 2), reduction=reduction), normal((2, 5, 2), 12))
    check(lambda x: F.cross_entropy(x, pb.tensor(3), reduction=reduction), normal(5, 13))
    check(
        lambda x, p: F.cross_entropy(x, p.softmax(1), weight, reduction=reduction, label_smoothing=0.1),
        x,
        normal((4, 5), 14),
    )


def test_cross_entropy_of_masked_classes():
    x = pb.tensor([[1.0, -np.inf, 2.0], [-np.inf, -np.inf, 0.5], [-np.inf] * 3], requires_grad=True)
    loss = F.cross_entropy(x, pb.tensor([0, 2, -100]), reduction="none")
    np.testing.assert_allclose(loss.detach(), [1.3132617, 0, 0], rtol=1e-6)
    loss.sum().backward()
    p = 1 / (1 + np.e)
    np.testing.assert_allclose(x.grad, [[p - 1, 0, 1 - p], [0, 0, 0], [0, 0, 0]], rtol=1e-6, atol=1e-7)


def test_nothing_counts():
    x, ignored = pb.tensor(normal((2, 3)), requires_grad=True), pb.tensor([-100, -100])
    assert np.isnan(F.cross_entropy(x, ignored).item())
    assert F.cross_entropy(x, ignored, reduction="sum").item() == 0
    assert np.isnan(F.cross_entropy(pb.zeros(0, 4), pb.zeros(0, dtype=pb.int64)).item())


def results(dtype):
    """Values and gradients of everything here, on shapes that are cut among threads."""
    out = []
    for shape in ((3000, 10), (600, 1000), (40, 5000), (1, 50_000)):
        x = pb.tensor(normal(shape, 15, dtype), requires_grad=True)
        w = pb.tensor(normal(shape[1:], 16, dtype), requires_grad=True)
        g = pb.tensor(normal(shape, 17, dtype))
        target = pb.tensor(np.arange(shape[0]) % shape[1])
        for y in (
            F.layer_norm(x, shape[1:], w, w),
            F.softmax(x, 1),
            F.log_softmax(x, 1),
            F.softmax(x, 0),
            F.cross_entropy(x, target),
            x.logsumexp(1),
        ):
            out.append(y.detach().numpy().tobytes())
            c = g if y.shape == g.shape else pb.ones_like(y)
            out += [
                r.numpy().tobytes()
                for r in pb.autograd.grad(y, (x, w), c, allow_unused=True)
                if r is not None
            ]
    return out


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_bits_for_any_number_of_threads(dtype):
    pb.set_num_threads(1)
    alone = results(dtype)
    for n in (2, 3):
        pb.set_num_threads(n)
        assert results(dtype) == alone


def test_rows_do_not_depend_on_their_neighbours():
    x = normal((300, 77), 18, "float32")
    whole = [F.layer_norm(pb.tensor(x), (77,)).numpy(), F.softmax(pb.tensor(x), 1).numpy()]
    for i in (0, 7, 299):
        row = pb.tensor(x[i : i + 1])
        assert (F.layer_norm(row, (77,)).numpy() == whole[0][i]).all()
        assert (F.softmax(row, 1).numpy() == whole[1][i]).all()


def cases(m, f):
    """Calls of either library: m is pullback or torch, f its functions."""
    x, t = m.zeros(3, 4), m.tensor([0, 1, 2])
    return [
        lambda: f.layer_norm(x, (3,)),
        lambda: f.layer_norm(x, ()),
        lambda: f.layer_norm(x, (4,), weight=m.ones(3)),
        lambda: f.layer_norm(x, (4,), bias=m.ones(3)),
        lambda: f.layer_norm(x.long(), (4,)),
        lambda: f.layer_norm(x, (4,), weight=m.ones(4).double()),
        lambda: f.cross_entropy(x, t[:2]),
        lambda: f.cross_entropy(x, m.tensor([0, 1, 4])),
        lambda: f.cross_entropy(x, m.tensor([0, -1, 3])),
        lambda: f.cross_entropy(x, t, reduction="average"),
        lambda: f.cross_entropy(x, t.float()),
        lambda: f.cross_entropy(x, t.int()),
        lambda: f.cross_entropy(x, t, weight=m.ones(3)),
        lambda: f.cross_entropy(x, t, label_smoothing=1.5),
        lambda: f.cross_entropy(x.long(), t),
        lambda: f.cross_entropy(x, m.softmax(x, 1), ignore_index=2),
    ]


@pytest.mark.parametrize("i", range(16))
def test_errors(i):
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception) as theirs:
        cases(torch, torch.nn.functional)[i]()
    with pytest.raises(type(theirs.value)) as ours:
        cases(pb, F)[i]()
    said = str(theirs.value).rstrip(".").removeprefix("cross_entropy: ")
    assert str(ours.value).removeprefix("cross_entropy: ").startswith(said)


@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.1}, {"weight": True}, {"weight": True, "label_smoothing": 0.4}]
)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_cross_entropy_against_torch(options, reduction):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    for shape, probabilities in [
        ((6, 5), False),
        ((6, 5), True),
        ((3, 5, 2, 2), False),
        ((3, 5, 2), True),
        ((5,), False),
    ]:
        a = rng.standard_normal(shape)
        if probabilities:
            target = rng.random(shape)
        else:
            target = np.asarray(rng.integers(0, 5, (shape[0], *shape[2:]) if len(shape) > 1 else ()))
            target.ravel()[-1:] = -100 if target.ndim else 2
        w = np.abs(rng.standard_normal(5))
        got = []
        for m, f in ((pb, F), (torch, torch.nn.functional)):
            o = {
                **options,
                "reduction": reduction,
                **({"weight": m.tensor(w)} if "weight" in options else {}),
            }
            x = m.tensor(a, requires_grad=True)
            loss = f.cross_entropy(x, m.tensor(target), **o)
            (loss * loss).sum().backward()
            got.append((loss.detach().numpy(), x.grad.numpy()))
        assert got[0][0].shape == got[1][0].shape
        np.testing.assert_allclose(got[0][0], got[1][0], rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(got[0][1], got[1][1], rtol=1e-11, atol=1e-13)


def test_nodes_are_named_as_in_torch():
    torch = pytest.importorskip("torch")
    for m, f in ((pb, F), (torch, torch.nn.functional)):
        x = m.ones(2, 3, requires_grad=True)
        assert f.layer_norm(x, (3,)).grad_fn.name() == "NativeLayerNormBackward0"
        assert f.cross_entropy(x, m.tensor([0, 1])).grad_fn.name() == "NllLossBackward0"


@pytest.mark.parametrize("half", [pb.float16, pb.bfloat16])
def test_layer_norm_of_halves_with_parameters_in_float32(half):
    given = [pb.tensor(normal(shape, seed, "f4")) for seed, shape in enumerate([(3, 5), (5,), (5,)])]
    mixed = [given[0].to(half).requires_grad_(), *(t.clone().requires_grad_() for t in given[1:])]
    wide = [t.detach().float().requires_grad_() for t in mixed]
    found, known = (F.layer_norm(x, (5,), weight, bias) for x, weight, bias in (mixed, wide))
    assert found.dtype == half and found.equal(known.to(half))
    weights = pb.tensor(normal((3, 5), 9, "f4")).to(half)
    got, expected = (pb.autograd.grad((y * weights).sum(), x) for y, x in ((found, mixed), (known, wide)))
    for a, b, operand in zip(got, expected, mixed):
        assert a.dtype == operand.dtype
        np.testing.assert_array_equal(a.float(), b.to(a.dtype).float())
    with pytest.raises(RuntimeError, match="mixed dtype .* expect parameter to have scalar type of Float"):
        F.layer_norm(mixed[0], (5,), mixed[1], mixed[2].to(half))
