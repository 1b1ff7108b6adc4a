"""Windows beside SciPy's and their formulas, of both families; lengths of 0 and 1, dtypes, and bad input."""

import re

import numpy as np
import pytest

import pullback as pb

K = np.arange(13)


def cosines(*a):
    return lambda n: sum((-1) ** i * w * np.cos(2 * np.pi * i * K / n) for i, w in enumerate(a))


def kaiser(beta):
    return lambda n: np.i0(beta * np.sqrt(np.maximum(1 - (2 * K / n - 1) ** 2, 0))) / np.i0(beta)


# name: (arguments, what it is of K and the steps n from the first element to the one that equals it)
WINDOWS = {
    "bartlett": ({}, lambda n: 1 - np.abs(2 * K / n - 1)),
    "blackman": ({}, cosines(0.42, 0.5, 0.08)),
    "general_cosine": ({"a": [0.4, 0.3, 0.2, 0.1]}, cosines(0.4, 0.3, 0.2, 0.1)),
    "general_hamming": ({"alpha": 0.7}, cosines(0.7, 0.3)),
    "hamming": ({}, cosines(0.54, 0.46)),
    "hann": ({}, cosines(0.5, 0.5)),
    "kaiser": ({"beta": 5.0}, kaiser(5.0)),
    "nuttall": ({}, cosines(0.3635819, 0.4891775, 0.1365995, 0.0106411)),
    "cosine": ({}, lambda n: np.sin(np.pi * (K + 0.5) / (n + 1))),
    "gaussian": ({"std": 2.0}, lambda n: np.exp(-((K - n / 2) ** 2) / 8)),
    "exponential": ({"tau": 3.0}, lambda n: np.exp(-np.abs(K - n / 2) / 3)),
}
# The older five, which take their parameter by position.
OLDER = {
    "bartlett_window": ((), WINDOWS["bartlett"][1]),
    "blackman_window": ((), WINDOWS["blackman"][1]),
    "hamming_window": ((0.6, 0.3), cosines(0.6, 0.3)),
    "hann_window": ((), WINDOWS["hann"][1]),
    "kaiser_window": ((7.0,), kaiser(7.0)),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_formulas(name):
    options, known = WINDOWS[name]
    make = getattr(pb.signal.windows, name)
    for sym in (True, False):
        found = make(len(K), sym=sym, dtype=pb.float64, **options)
        np.testing.assert_allclose(found.numpy(), known(len(K) - sym), rtol=1e-12, atol=1e-12)
        assert make(4, sym=sym, **options).dtype == pb.float32
        assert make(0, sym=sym, **options).shape == (0,)
        assert make(1, sym=sym, **options).tolist() == [1.0]


@pytest.mark.parametrize("name", WINDOWS)
def test_beside_scipy(name):
    scipy = pytest.importorskip("scipy.signal.windows")
    options, _ = WINDOWS[name]
    for sym in (True, False):
        for M in (2, 5, 8):
            found = getattr(pb.signal.windows, name)(M, sym=sym, dtype=pb.float64, **options)
            known = getattr(scipy, name)(M, sym=sym, **options)
            np.testing.assert_allclose(found.numpy(), known, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", OLDER)
def test_the_older_five(name):
    parameters, known = OLDER[name]
    make = getattr(pb, name)
    for periodic in (True, False):
        found = make(len(K), periodic, *parameters, dtype=pb.float64)
        np.testing.assert_allclose(found.numpy(), known(len(K) - 1 + periodic), rtol=1e-12, atol=1e-12)
    assert make(5).dtype == pb.float32 and make(5, dtype=pb.bfloat16).dtype == pb.bfloat16
    assert make(0).shape == (0,) and make(1).tolist() == [1.0]
    assert make(4, requires_grad=True).is_leaf and make(4, requires_grad=True).requires_grad
    for wrong, error in (
        (lambda: make(-1), RuntimeError(f"{name} requires non-negative window_length, got window_length=-1")),
        (lambda: make(4, dtype=pb.int64), RuntimeError(f"{name} expects floating point dtypes, got: ")),
        (
            lambda: make(2.5),
            TypeError(f"{name}(): argument 'window_length' (position 1) must be int, not float"),
        ),
    ):
        with pytest.raises(type(error), match=re.escape(str(error))):
            wrong()


def test_bad_input():
    w = pb.signal.windows
    for wrong, error in (
        (lambda: w.hann(-1), ValueError("requires non-negative window length, got M=-1")),
        (lambda: w.cosine(4, dtype=pb.float16), ValueError("expects float32 or float64 dtypes, got: ")),
        (lambda: w.gaussian(4, std=0), ValueError("Standard deviation must be positive, got: 0 instead.")),
        (lambda: w.exponential(4, tau=-1), ValueError("Tau must be positive, got: -1 instead.")),
        (lambda: w.exponential(4, center=1), ValueError("Center must be None for symmetric windows")),
        (lambda: w.kaiser(4, beta=-1), ValueError("beta must be non-negative, got: -1 instead.")),
        (lambda: w.general_cosine(4, a=[]), ValueError("Coefficients cannot be empty")),
        (lambda: w.general_cosine(4, a=1), TypeError("Coefficients must be a list/tuple")),
    ):
        with pytest.raises(type(error), match=re.escape(str(error))):
            wrong()


@pytest.mark.torch
@pytest.mark.parametrize("name", [*WINDOWS, *OLDER])
def test_beside_torch(name):
    torch = pytest.importorskip("torch")
    older = name in OLDER
    positions, options = ((True, *OLDER[name][0]), {}) if older else ((), WINDOWS[name][0])
    for M in (0, 1, 2, 9, 300):
        made = []
        for home in (pb, torch) if older else (pb.signal.windows, torch.signal.windows):
            made.append(getattr(home, name)(M, *positions, **options))
        np.testing.assert_allclose(made[0].numpy(), made[1].numpy(), rtol=1e-5, atol=1e-6)
    assert pb.signal.windows.exponential(6, sym=False, center=1.5).numpy() == pytest.approx(
        torch.signal.windows.exponential(6, sym=False, center=1.5).numpy()
    )
