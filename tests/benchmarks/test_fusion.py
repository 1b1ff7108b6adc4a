"""The work of the fusion benchmark is right in every dialect, and its quick run is complete."""

import math

import differences
import numpy as np
import pytest
from scipy.special import logsumexp, multigammaln

from benchmarks import fusion, fusion_work, gmm
from benchmarks.fusion_peers import PEERS, RATE, Torchlike, split
from benchmarks.fusion_work import WORK

GRADIENTS = [name for name, work in WORK.items() if work.kind in ("gradient", "train")]


def results(peer, name, dtype="float64"):
    """The value and the gradients, or what was written, of a small instance."""
    work = WORK[name]
    step = peer.prepare(work, work.arrays(work.quick[0], dtype))
    return step and [np.array(peer.array(result), copy=True) for result in step()]


def value(work, inputs):
    """The work's value in pullback, summed with its cotangent."""
    import pullback as pb

    arrays, numbers = split(inputs)
    tensors = {name: pb.tensor(array) for name, array in arrays.items()}
    seed = tensors.pop("seed", 1.0)
    return (work.formula("torch")(pb, **tensors, **numbers) * seed).sum().item()


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_agree_with_differences(name):
    work, rng = WORK[name], np.random.default_rng(0)
    inputs = work.arrays(work.quick[0], "float64")
    _, *found = results(Torchlike("pullback"), name)
    if work.kind == "train":  # p - RATE * gradient was written
        found = [(inputs[p] - after) / RATE for p, after in zip(work.wrt, found)]
    directions = {p: rng.normal(size=inputs[p].shape) for p in work.wrt}
    expected = sum((g * directions[p]).sum() for p, g in zip(work.wrt, found))

    def moved(t):
        return value(work, {**inputs, **{p: np.asarray(inputs[p] + t * d) for p, d in directions.items()}})

    difference = differences.slope(moved, 1e-6)
    scale = max(abs(expected), 1e-3 * sum(np.abs(g * directions[p]).sum() for p, g in zip(work.wrt, found)))
    assert abs(difference - expected) <= 1e-4 * scale


@pytest.mark.parametrize("peer", [pytest.param("torch", marks=pytest.mark.torch), "autograd", "jax", "loop"])
@pytest.mark.parametrize("name", WORK)
def test_libraries_agree(peer, name):
    try:
        other = PEERS[peer]()
    except ImportError:
        pytest.skip(f"{peer} is not installed")
    work = WORK[name]
    for dtype in work.dtypes:
        ours, theirs = results(Torchlike("pullback"), name, dtype), results(other, name, dtype)
        if theirs is None:
            pytest.skip(f"not for {peer}")
        assert ours[0].dtype == dtype
        assert not fusion.compare({"pullback": ours, peer: theirs}, dtype)


def test_a_difference_is_found():
    right = [np.array(2.0), np.ones(5)]
    for wrong in (
        [np.array(2.001), right[1]],
        [right[0], np.array([1, 1, 1, 1, 1.01])],
        [np.array(np.nan), right[1]],
    ):
        assert fusion.compare({"pullback": right, "torch": wrong}, "float64").keys() == {"torch"}
    assert not fusion.compare({"pullback": right, "torch": right}, "float64")


def test_the_mixture_is_adbenchs():
    # Point by point and component by component, with its matrix filled column by column.
    arrays = gmm.inputs("1k_d10_K25")
    with np.load(f"{gmm.FOLDER}/gmm_1k_d10_K25.npz") as stored:
        wishart_m = int(stored["wishart_m"])
    x, alphas, means, icf, gamma = (arrays[k] for k in ("x", "alphas", "means", "icf", "gamma"))
    (n, d), k = x.shape, len(alphas)
    total, freedom = -n * d / 2 * math.log(2 * math.pi) - n * logsumexp(alphas), d + wishart_m + 1
    densities = np.empty((n, k))
    for j in range(k):
        factor, at = np.diag(np.exp(icf[j, :d])), d
        for column in range(d):
            factor[column + 1 :, column] = icf[j, at : at + d - column - 1]
            at += d - column - 1
        for i in range(n):
            z = factor @ (x[i] - means[j])
            densities[i, j] = alphas[j] + icf[j, :d].sum() - 0.5 * z @ z
        total += gamma**2 / 2 * (factor**2).sum() - wishart_m * icf[j, :d].sum()
        total -= freedom * d * math.log(gamma / math.sqrt(2)) - multigammaln(freedom / 2, d)
    total += logsumexp(densities, axis=1).sum()
    assert value(WORK["gmm"], arrays) == pytest.approx(total, rel=1e-12)


def test_the_quick_run_is_complete(capsys, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- fusion -->\n<!-- /fusion -->\n")
    assert fusion.main(["--quick", "--rounds", "1", "--peers", "pullback", "--write", str(page)]) == 0
    text = capsys.readouterr().out
    assert text.strip() in page.read_text()
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|") and "| float" in line]
    assert len(rows) == sum(len(work.dtypes) for work in WORK.values())
    assert all("s (" in row[3] for row in rows)  # a time with its quartiles
    assert "first call" in text and "memory at" in text


def test_groups_name_every_work_once():
    assert sorted(sum(fusion_work.GROUPS.values(), ())) == sorted(WORK)
