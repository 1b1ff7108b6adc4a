"""Few eigenvalues by descent: beside NumPy's, SciPy's criterion and PyTorch's; derivatives of every order; bad input."""

import numpy as np
import pytest
from checks import check

import pullback as pb
from pullback.func import set_vmap_fallback

rng = np.random.default_rng(5)
DRAWN, OTHER = rng.standard_normal((20, 20)), rng.standard_normal((20, 20))
A, B = DRAWN + DRAWN.T, OTHER @ OTHER.T + 20 * np.eye(20)
START = rng.standard_normal((20, 3))


def test_eigenvalues():
    known = np.linalg.eigvalsh(A)
    for largest, order in ((True, known[::-1]), (False, known)):
        for options in ({"k": 3}, {"k": 2, "n": 4}, {"X": pb.tensor(START)}):
            w, x = pb.lobpcg(pb.tensor(A), largest=largest, **options)
            k = options.get("k", 3)
            assert w.shape == (k,) and x.shape == (20, k)
            np.testing.assert_allclose(w.numpy(), order[:k], rtol=1e-10)
            np.testing.assert_allclose(A @ x.numpy(), x.numpy() * w.numpy(), atol=1e-5)
            np.testing.assert_allclose(x.numpy().T @ x.numpy(), np.eye(k), atol=1e-10)
    assert pb.lobpcg(pb.tensor(A))[0].shape == (1,)
    w, _ = pb.lobpcg(pb.tensor(A, dtype=pb.float32), 2)
    assert w.dtype == pb.float32
    np.testing.assert_allclose(w.numpy(), known[:-3:-1], rtol=1e-5)


def test_of_two_matrices():
    known = np.linalg.eigvals(np.linalg.solve(B, A)).real
    w, x = pb.lobpcg(pb.tensor(A), 2, pb.tensor(B), iK=pb.linalg.inv(pb.tensor(B)), tol=1e-12)
    np.testing.assert_allclose(w.numpy(), np.sort(known)[:-3:-1], rtol=1e-10)
    np.testing.assert_allclose(x.numpy().T @ B @ x.numpy(), np.eye(2), atol=1e-10)


def test_several_and_entries_of_a_vmap():
    several = pb.tensor(np.stack([A, 2 * A]))
    start = pb.tensor(START)
    found = pb.lobpcg(several, 2, X=start.expand(2, 20, 3))
    set_vmap_fallback("warn")  # forgets who was warned
    with pytest.warns(UserWarning, match="aten::lobpcg"):
        mapped = pb.vmap(lambda a: pb.lobpcg(a, 2, X=start))(several)
    for each in (found, mapped):
        np.testing.assert_allclose(
            each[0].numpy(), np.linalg.eigvalsh(np.stack([A, 2 * A]))[:, :-3:-1], rtol=1e-10
        )
        assert each[1].shape == (2, 20, 2)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_beginnings_that_are_drawn_inside_of_a_vmap():
    """For each entry or one for all, as the vmap says; also where only the draw differs from entry to entry."""
    several, one = pb.tensor(np.stack([A, 2 * A])), pb.tensor(A)
    expected = np.linalg.eigvalsh(np.stack([A, 2 * A]))[:, :-3:-1]
    for randomness in "different", "same":
        mapped = pb.vmap(lambda a: pb.lobpcg(a, 2)[0], randomness=randomness)(several)
        np.testing.assert_allclose(mapped.numpy(), expected, rtol=1e-8)
        mapped = pb.vmap(lambda a: pb.lobpcg(a, 2, n=3)[1], randomness=randomness)(several[None])
        assert mapped.shape == (1, 2, 20, 2)
        known = pb.vmap(lambda _: pb.lobpcg(one, 2)[0], randomness=randomness)(pb.ones(3))
        np.testing.assert_allclose(known.numpy(), np.tile(expected[0], (3, 1)), rtol=1e-8)
    with pytest.raises(RuntimeError, match="vmap: called random operation while in randomness error mode"):
        pb.vmap(lambda a: pb.lobpcg(a, 2))(several)


def test_derivatives():
    start, small = pb.tensor(START[:6, :1]), A[:6, :6]
    options = {"X": start, "tol": 1e-13}
    whole = lambda a: (a + a.mT) / 2

    def pair(a):
        w, x = pb.lobpcg(whole(a), **options)
        return w, x * x[0, 0].sign()

    check(pair, small, tolerance=1e-4)
    metric = lambda b: pb.lobpcg(pb.tensor(small), B=whole(b) + 6 * pb.eye(6, dtype=pb.float64), **options)[0]
    check(metric, B[:6, :6], tolerance=1e-4)
    # The third derivative beside that of eigh.
    first = lambda f: (
        lambda t: pb.func.grad(lambda s: f(pb.tensor(small) + s * pb.tensor(B[:6, :6])).sum())(t)
    )
    zero = pb.tensor(0.0, dtype=pb.float64)
    third = lambda f: pb.func.grad(pb.func.grad(first(f)))(zero).item()
    assert third(lambda a: pb.lobpcg(a, **options)[0]) == pytest.approx(
        third(lambda a: pb.linalg.eigvalsh(a)[-1:]), rel=1e-6
    )


def test_a_tracker_sees_and_stops():
    seen = []

    def tracker(worker):
        seen.append((worker.ivars["istep"], worker.X.shape, worker.tvars["rerr"].shape))
        worker.bvars["force_stop"] = len(seen) == 2

    pb.lobpcg(pb.tensor(A), 2, tracker=tracker, tol=0.0)
    assert seen == [(0, (20, 2), (2,)), (1, (20, 2), (2,))]
    seen.clear()
    pb.lobpcg(pb.tensor(A), 2, niter=1, tracker=tracker, tol=0.0)
    assert len(seen) == 1


@pytest.mark.torch
def test_beside_torch():
    torch = pytest.importorskip("torch")

    def seen(L, **options):
        L.manual_seed(1)
        t = L.tensor(A[:9, :9], requires_grad=True)
        w, x = L.lobpcg(t, **options)
        weights = L.arange(1.0, 10.0, dtype=L.float64)[:, None]
        (g,) = L.autograd.grad((w**2).sum() + (x**2 * weights).sum(), t)
        return [each.detach().numpy() for each in (w, x.abs(), g)]

    for options in ({"k": 3, "tol": 1e-8}, {"k": 2, "largest": False, "tol": 1e-8}):
        for a, b in zip(seen(pb, **options), seen(torch, **options), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_bad_input():
    a = pb.tensor(A)
    for wrong, error, text in (
        (lambda: pb.lobpcg(a[:, :5]), AssertionError, "A must be square, got shape"),
        (lambda: pb.lobpcg(a, B=a[:5, :5]), AssertionError, "A and B must have same shape, got"),
        (lambda: pb.lobpcg(a, 7), ValueError, "LOBPCG algorithm is not applicable when the number of A rows"),
        (lambda: pb.lobpcg(a, 1, X=a[:5, :1]), AssertionError, "X shape mismatch: got"),
        (lambda: pb.lobpcg(a.long()), TypeError, "lobpcg takes float32 and float64, not"),
    ):
        with pytest.raises(error, match=text):
            wrong()
