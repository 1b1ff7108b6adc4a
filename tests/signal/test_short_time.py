"""Transforms of parts of a signal: beside NumPy's transforms of its parts, there and back, in every mode; bad input."""

import re
import warnings

import numpy as np
import pytest
from checks import check, check_linear

import pullback as pb
from pullback.signal import short_time

draw = np.random.default_rng(7).standard_normal
HANN = pb.hann_window(6, dtype=pb.float64)
PAIRS, REALS = lambda x: pb.view_as_complex(x.contiguous()), pb.view_as_real
SIZES = [(8, 2, 8), (8, 3, 6), (9, 4, 5), (7, 1, 7), (6, 6, 6)]


def parts(x, n, hop, window, center, mode="reflect"):
    """NumPy's transforms of the parts, one after the other."""
    if center:
        x = np.pad(x, n // 2, mode=mode)
    before = (n - len(window)) // 2
    whole = np.zeros(n)
    whole[before : before + len(window)] = window
    return np.stack([np.fft.fft(x[t : t + n] * whole) for t in range(0, len(x) - n + 1, hop)], axis=-1)


@pytest.mark.parametrize("n, hop, width", SIZES)
def test_beside_numpy(n, hop, width):
    for x in (draw(30), draw(30) + 1j * draw(30)):
        window = draw(width)
        for center in (True, False):
            known = parts(x, n, hop, window, center)
            real = np.isrealobj(x)
            options = {"window": pb.tensor(window), "center": center, "return_complex": True}
            found = pb.stft(pb.tensor(x), n, hop, width, **options)
            np.testing.assert_allclose(
                found.resolve_conj().numpy(), known[: n // 2 + 1] if real else known, atol=1e-12
            )
            all = pb.tensor(x).stft(n, hop, width, onesided=False, normalized=True, **options)
            np.testing.assert_allclose(all.resolve_conj().numpy(), known / np.sqrt(n), atol=1e-12)
    x = draw(30)
    for mode, numpy in (("constant", "constant"), ("replicate", "edge"), ("circular", "wrap")):
        found = pb.stft(
            pb.tensor(x), n, hop, width, pb.tensor(window), pad_mode=mode, onesided=False, return_complex=True
        )
        np.testing.assert_allclose(
            found.resolve_conj().numpy(), parts(x, n, hop, window, True, numpy), atol=1e-12
        )


@pytest.mark.parametrize("n, hop, width", SIZES)
def test_there_and_back(n, hop, width):
    window = pb.tensor(draw(width) ** 2 + 0.5)
    for x in (pb.tensor(draw((2, 30))), pb.tensor(draw(30) + 1j * draw(30))):
        complex = x.is_complex()
        for normalized in (True, False):
            options = {"window": window, "normalized": normalized, "return_complex": True}
            y = pb.stft(x, n, hop, width, **options)
            if width == n or hop < width:
                options["return_complex"] = complex
                back = pb.istft(y, n, hop, width, length=24, **options)
                np.testing.assert_allclose(back.numpy(), x.numpy()[..., :24], atol=1e-12)
                if width == n:
                    with pytest.warns(UserWarning, match="signal is shorter than the length parameter."):
                        short_time._warned.clear()
                        longer = y.istft(n, hop, width, length=70, **options)
                    assert longer.shape[-1] == 70 and not longer[..., 50:].any()


def test_what_is_no_transform_of_a_signal():
    # Of signals, istft gives the one whose parts come closest, by least squares.
    S = draw((5, 6)) + 1j * draw((5, 6))
    window = draw(8) + 2
    found = pb.istft(pb.tensor(S), 8, 3, window=pb.tensor(window), center=False).numpy()
    reach = 8 + 3 * 5
    A = np.concatenate([np.eye(reach)[t : t + 8] * window[:, None] for t in range(0, 16, 3)])
    known = np.linalg.lstsq(A, np.fft.irfft(S, 8, axis=0).T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(found, known, atol=1e-12)


STFT = {
    "real": lambda x: REALS(pb.stft(x[0, :, 0], 4, 2, window=HANN[1:5], return_complex=True)),
    "complex, all": lambda x: REALS(
        pb.stft(PAIRS(x.transpose(0, 1)).T, 5, 2, 4, HANN[1:5], pad_mode="constant")
    ),
    "not centred": lambda x: REALS(
        pb.stft(x[..., 1], 4, 3, window=HANN[:4], center=False, onesided=False, return_complex=True)
    ),
}
ISTFT = {
    "real": lambda x: pb.istft(PAIRS(x), 4, 2, window=HANN[1:5]),
    "longer": lambda x: pb.istft(PAIRS(x), 4, 2, 4, HANN[1:5], length=11, normalized=True),
    "complex": lambda x: REALS(pb.istft(PAIRS(x), 3, 1, window=HANN[1:4], return_complex=True)),
}


@pytest.mark.parametrize("name", STFT)
def test_every_mode(name):
    check_linear(STFT[name], (2, 6, 2))


@pytest.mark.parametrize("name", ISTFT)
def test_every_mode_of_the_inverse(name):
    check_linear(ISTFT[name], (3, 4, 2))


def test_derivatives_of_windows():
    x = pb.tensor(draw(9))
    check(lambda w: REALS(pb.stft(x, 4, 2, window=w, return_complex=True)), draw(4))
    S = pb.stft(x, 4, 2, window=HANN[1:5], return_complex=True)
    check(lambda w: pb.istft(S, 4, 2, window=w), draw(4) ** 2 + 1)


def test_entries_of_a_vmap():
    x = pb.tensor(draw((3, 20)))
    f = lambda v: pb.stft(v, 8, window=pb.hann_window(8, dtype=pb.float64), return_complex=True)
    y = pb.vmap(f)(x)
    assert pb.equal(y, f(x))
    g = lambda v: pb.istft(v, 8, window=pb.hann_window(8, dtype=pb.float64))
    np.testing.assert_allclose(pb.vmap(g)(y).numpy(), g(y).numpy(), atol=1e-14)
    windows = pb.tensor(draw((4, 8)))
    found = pb.vmap(lambda w: pb.stft(x, 8, window=w, return_complex=True))(windows)
    known = pb.stack([pb.stft(x, 8, window=w, return_complex=True) for w in windows])
    np.testing.assert_allclose(found.numpy(), known.numpy(), atol=1e-14)


@pytest.mark.filterwarnings("error")  # nothing loops
def test_windows_of_a_vmap():
    windows, x = draw((4, 8)) ** 2 + 0.1, pb.tensor(draw(20))
    S = pb.stft(x, 8, 2, window=pb.tensor(windows[0]), return_complex=True)
    back = lambda w: pb.istft(S, 8, 2, window=w)
    found = pb.vmap(back)(pb.tensor(windows))
    known = pb.stack([back(w) for w in pb.tensor(windows)])
    np.testing.assert_allclose(found.numpy(), known.numpy(), atol=1e-13)
    windows[2] = 0
    with pytest.raises(RuntimeError, match="window overlap add min: 1"):
        pb.vmap(back)(pb.tensor(windows))


def test_warnings_are_said_once():
    x = pb.tensor(draw(20))
    short_time._warned.clear()
    with pytest.warns(UserWarning, match="A window was not provided."):
        y = pb.stft(x, 4, return_complex=True)
    with pytest.warns(UserWarning, match="stft with return_complex=False is deprecated."):
        assert pb.equal(pb.stft(x, 4, return_complex=False), pb.view_as_real(y))
    with pytest.warns(UserWarning, match="the same window used by stft"):
        y.istft(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y.istft(4), x.stft(4, return_complex=False)


def test_bad_input():
    x, w = pb.tensor(draw(20)), pb.ones(8, dtype=pb.float64)
    S = pb.stft(x, 8, window=w, return_complex=True)
    told = "stft(torch.DoubleTensor[20], n_fft={}, hop_length={}, win_length={}, window="
    inverse = "istft(CPUComplexDoubleType[5, 11], n_fft={}, hop_length=2, win_length={}, "
    options = {"window": w, "return_complex": True, "center": False}
    for wrong, text in (
        (
            lambda: pb.stft(x, 8, window=w),
            "stft requires the return_complex parameter be given for real inputs",
        ),
        (lambda: pb.stft(x, 8, window=w, return_complex=True, align_to_window=True), "stft align_to_window"),
        (lambda: pb.stft(x.long(), 8, **options), "expected a tensor of floating point or complex values"),
        (lambda: pb.stft(x.view(2, 2, 5), 4, **options), "expected a 1D or 2D tensor"),
        (lambda: pb.stft(x, 30, **options), told.format(30, 7, 30)),
        (lambda: pb.stft(x, 30, **options), "expected 0 < n_fft < 20, but got n_fft=30"),
        (lambda: pb.stft(x, 8, 0, **options), "expected hop_length > 0, but got hop_length=0"),
        (
            lambda: pb.stft(x, 8, win_length=9, **options),
            "expected 0 < win_length <= n_fft, but got win_length=9",
        ),
        (
            lambda: pb.stft(x, 8, win_length=6, **options),
            "window=torch.DoubleTensor{[8]}, normalized=0, onesided=None, return_complex=1, align_to_window=None) : "
            "expected a 1D window tensor of size equal to win_length=6, but got window with size [8]",
        ),
        (
            lambda: pb.stft(x + 0j, 8, onesided=True, **options),
            "Cannot have onesided output if window or input",
        ),
        (lambda: pb.istft(x, 8, window=w), "istft requires a complex-valued input tensor"),
        (lambda: pb.istft(S[:, :0], 8, window=w), "input tensor cannot be empty."),
        (lambda: pb.istft(S[None, None], 8, window=w), "expected a tensor with 3 or 4 dimensions, but got 5"),
        (lambda: pb.istft(S, 10, window=w), inverse.format(10, 10)),
        (lambda: pb.istft(S, 10, window=w), "to match n_fft / 2 + 1 when onesided=True, but got 5"),
        (lambda: pb.istft(S, 8, window=w, onesided=False), "to match n_fft when onesided=False, but got 5"),
        (lambda: pb.istft(S, 8, 9, window=w), "expected 0 < hop_length <= win_length"),
        (lambda: pb.istft(S, 8, 2, 9, window=w), "expected 0 < win_length <= n_fft"),
        (lambda: pb.istft(S, 8, 2, 6, window=w), "Invalid window shape. window has to be 1D and length of"),
        (lambda: pb.istft(S, 8, window=w, return_complex=True), "Cannot have onesided output"),
        (lambda: pb.istft(S, 8, window=w + 0j), "Complex windows are incompatible with return_complex=False"),
        (lambda: pb.istft(S, 8, window=w * 0), "length=None, return_complex=0) window overlap add min: 1"),
    ):
        with pytest.raises(RuntimeError, match=re.escape(text)):
            wrong()


@pytest.mark.torch
@pytest.mark.parametrize("n, hop, width", SIZES)
def test_beside_torch(n, hop, width):
    torch = pytest.importorskip("torch")

    def seen(library, x, window, center, back):
        x = library.tensor(x, requires_grad=True)
        window = library.tensor(window, requires_grad=True)
        if back:
            y = library.istft(x, n, hop, width, window, center, length=16)
        else:
            align = None if center else True
            y = library.stft(x, n, hop, width, window, center, return_complex=True, align_to_window=align)
        weights = library.arange(1.0, y.numel() + 1, dtype=library.float64).reshape(y.shape)
        first = library.autograd.grad((y.abs() ** 2 * weights).sum(), (x, window), create_graph=True)
        (second,) = library.autograd.grad((first[1] ** 2).sum(), window)
        return y.stride(), [t.detach().resolve_conj().numpy() for t in (y, *first, second)]

    for back in (False, True):
        shape = (2, n // 2 + 1, 9)
        x = draw(shape) + 1j * draw(shape) if back else draw((2, 30))
        window = draw(width) ** 2 + 1
        for center in (True, False):
            if back and width < n and (hop >= width or not center):
                continue  # gaps, where the windows add up to zero
            (strides, found), (known_strides, known) = (
                seen(library, x, window, center, back) for library in (pb, torch)
            )
            assert strides == known_strides
            for a, b in zip(found, known, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)
