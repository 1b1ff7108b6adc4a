"""Transforms of parts of a signal: how its frequencies change with time, and the signal that has these frequencies.

D. W. Griffin, J. S. Lim, "Signal estimation from modified short-time Fourier transform", 1984: of the signals whose parts
come closest to what is given, `istft` gives the one that does so best, by the squares of their distances.
"""

import warnings

from .. import _core
from ..fourier.single import fft, ifft, irfft, rfft
from ..nn.padding import pad
from ..operators.declare import FUNCTIONS, composed

__all__ = ["istft", "stft"]

ones, constant_pad_nd = FUNCTIONS["ones"], FUNCTIONS["constant_pad_nd"]
view_as_real = FUNCTIONS["view_as_real"]

LEAST = 1e-11  # sums of squares of a window below this are none
_warned: set[str] = set()


@composed(node="SqueezeBackward4")
def stft(
    input,
    n_fft,
    hop_length=None,
    win_length=None,
    window=None,
    center=True,
    pad_mode="reflect",
    normalized=False,
    onesided=None,
    return_complex=None,
    align_to_window=None,
):
    """The frequencies of parts of a signal: part t begins at t hop_length, is multiplied by the window, and transformed.

    A signal (length) or signals (batch, length), real or complex, become (frequencies, parts) or (batch, frequencies,
    parts), complex numbers.

    Args:
        n_fft: the length of a part.
        hop_length: from one part to the next; n_fft // 4 by default.
        win_length: the length of the window, which lies in the middle of a part; n_fft by default.
        window: a vector of that length, such as `hann_window`; ones by default, with a warning.
        center: part t has its middle at t hop_length, for the signal is continued on both sides by n_fft // 2.
        pad_mode: how; see `nn.functional.pad`.
        normalized: divide by sqrt(n_fft).
        onesided: the first n_fft // 2 + 1 frequencies, as by `fft.rfft`; by default where signal and window are real.
        return_complex: False gives pairs of real numbers, `view_as_real` of the result, with a warning. Real signals want it
            to be said.
        align_to_window: where `center` is False: the first window, not the first part, begins where the signal does.

    Derivative: linear in the signal and in the window.
    Raises RuntimeError for other dimensions and dtypes, lengths that do not fit, and for a real signal without
    `return_complex`.

    Example:
        >>> x = pb.tensor([1.0, 0.0, -1.0, 0.0, 1.0, -1.0, 1.0, -1.0])
        >>> pb.stft(x, 4, 4, window=pb.ones(4), center=False, return_complex=True).abs()
        tensor([[0., 0.],
                [2., 0.],
                [0., 4.]])
    """
    if center:
        if align_to_window is not None:
            raise RuntimeError("stft align_to_window should only be set when center = false")
        ndim = input.ndim
        input = pad(input.view(*[1] * (3 - ndim), *input.shape), [n_fft // 2] * 2, pad_mode)
        input = input.view(input.shape[input.ndim - ndim :])
    if window is None:
        _warn_once(
            "stft",
            "A window was not provided. A rectangular window will be applied, which is known to cause "
            "spectral leakage: window=pullback.ones(win_length) says that it is meant.",
        )
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    complex = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None and not complex:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release."
        )
    if return_complex is not None and not return_complex:
        _warn_once(
            "pairs",
            "stft with return_complex=False is deprecated. view_as_real of what return_complex=True gives is "
            "the same.",
        )

    def refuse(text):
        told = _told(
            window=window, normalized=int(normalized), onesided=onesided, return_complex=return_complex
        )
        raise RuntimeError(
            f"stft({_kind(input)}{list(input.shape)}, n_fft={n_fft}, hop_length={hop}, win_length={width}, {told}, "
            f"align_to_window={_optional(align_to_window)}) : {text}"
        )

    if not input.is_floating_point() and not input.is_complex():
        refuse("expected a tensor of floating point or complex values")
    if input.ndim not in (1, 2):
        refuse("expected a 1D or 2D tensor")
    parts = input if input.ndim == 2 else input.unsqueeze(0)
    if not center and align_to_window:
        parts = constant_pad_nd(parts, [(n_fft - width) // 2] * 2)
    length = parts.size(1)
    if not 0 < n_fft <= length:
        refuse(f"expected 0 < n_fft < {length}, but got n_fft={n_fft}")
    if hop <= 0:
        refuse(f"expected hop_length > 0, but got hop_length={hop}")
    if not 0 < width <= n_fft:
        refuse(f"expected 0 < win_length <= n_fft, but got win_length={width}")
    if window is not None and window.shape != (width,):
        refuse(
            f"expected a 1D window tensor of size equal to win_length={width}, but got window with size "
            f"{list(window.shape)}"
        )
    if window is None and width < n_fft:
        window = ones(width, dtype=input.dtype)
    parts = parts.unfold(-1, n_fft, hop)
    if window is not None:
        parts = parts * _middle(window, n_fft)
    norm = "ortho" if normalized else None
    if onesided is None:
        onesided = not complex
    if onesided and complex:
        raise RuntimeError(
            "Cannot have onesided output if window or input is complex: its frequencies are no conjugates of each other."
        )
    found = (rfft if onesided else fft)(parts, norm=norm).transpose(1, 2)
    if input.ndim == 1:
        found = found.squeeze(0)
    return found if return_complex is None or return_complex else view_as_real(found)


@composed
def istft(
    input,
    n_fft,
    hop_length=None,
    win_length=None,
    window=None,
    center=True,
    normalized=False,
    onesided=None,
    length=None,
    return_complex=False,
):
    """The inverse of `stft`: the signal whose parts come closest to these frequencies, (length) or (batch, length).

    The parts are multiplied by the window once more, added where they overlap, and divided by the sum of the squares of the
    windows there.

    Args:
        input: (frequencies, parts) or (batch, frequencies, parts), complex; as `stft` gives them with the same arguments.
        length: of the signal, cut off or followed by zeros; as far as the parts reach by default.
        return_complex: the signal is complex.

    Derivative: linear in the frequencies, and that of a quotient in the window.
    Raises RuntimeError for other dimensions and dtypes, lengths that do not fit, and where the squares of the windows add
    up to zero.

    Example:
        >>> x, w = pb.arange(8.0), pb.hann_window(4)
        >>> pb.istft(pb.stft(x, 4, window=w, return_complex=True), 4, window=w, length=7)
        tensor([0., 1., 2., 3., 4., 5., 6.])
    """
    if window is None:
        _warn_once(
            "istft",
            "A window was not provided. A rectangular window will be applied. Please provide the same window "
            "used by stft to make the inversion lossless: window=pullback.ones(win_length) says that it is meant.",
        )
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )

    def what():
        told = _told(
            window=window,
            center=int(center),
            normalized=int(normalized),
            onesided=onesided,
            length=length,
            return_complex=int(return_complex),
        )
        return (
            f"istft({_kind(input)}{list(input.shape)}, n_fft={n_fft}, hop_length={hop}, "
            f"win_length={width}, {told})"
        )

    def require(truth, text):
        if not truth:
            raise RuntimeError(f"{what()} : {text}")

    count, frequencies = input.size(-1), view_as_real(input).size(-3)
    reach = n_fft + hop * (count - 1)
    require(input.numel() > 0, "input tensor cannot be empty.")
    require(input.ndim in (2, 3), f"expected a tensor with 3 or 4 dimensions, but got {input.ndim + 1}")
    half = frequencies != n_fft if onesided is None else onesided
    must = "expected the frequency dimension (3rd to the last) of the input tensor to match n_fft"
    if half:
        require(n_fft // 2 + 1 == frequencies, f"{must} / 2 + 1 when onesided=True, but got {frequencies}")
    else:
        require(n_fft == frequencies, f"{must} when onesided=False, but got {frequencies}")
    require(0 < hop <= width, "expected 0 < hop_length <= win_length")
    require(0 < width <= n_fft, "expected 0 < win_length <= n_fft")
    if window is not None and window.shape != (width,):
        raise RuntimeError(f"{what()} : Invalid window shape. window has to be 1D and length of `win_length`")
    if return_complex and half:
        raise RuntimeError(
            "Cannot have onesided output if window or input is complex: all frequencies of a complex signal are its own."
        )
    if not return_complex and window is not None and window.is_complex():
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    weights = ones(width, dtype=input.real.dtype) if window is None else window
    weights = _middle(weights, n_fft)

    parts = (input if input.ndim == 3 else input.unsqueeze(0)).transpose(1, 2)
    norm = "ortho" if normalized else None
    if return_complex:
        parts = ifft(parts, norm=norm)
    else:
        parts = irfft(parts if half else parts[..., : n_fft // 2 + 1], n_fft, norm=norm)
    first = n_fft // 2 if center else 0
    last = first + length if length is not None else reach - first
    signal = _added(parts * weights, hop, reach)[:, first:last]
    squares = _added((weights**2).expand(1, count, n_fft), hop, reach)[:, first:last]
    if _core.holds_anywhere(squares.abs() < LEAST):
        raise RuntimeError(
            f"{what()} window overlap add min: 1. The squares of the windows add up to zero somewhere, where nothing is known "
            "of the signal: more overlap, or center=True, helps."
        )
    signal = signal / squares
    if input.ndim == 2:
        signal = signal.squeeze(0)
    if last > reach:
        _warn_once(
            "length",
            "The length of signal is shorter than the length parameter. Result is being padded with zeros in "
            "the tail. Please check your center and hop_length settings.",
        )
        signal = constant_pad_nd(signal, (0, last - reach))
    return signal


def _added(parts, hop, reach):
    """Parts (batch, parts, elements), each `hop` after the one before it, added where they overlap.

    They are cut into pieces of that length: piece k of part t is piece t + k of the sum.
    """
    batch, count, elements = parts.shape
    pieces = -(-elements // hop)
    parts = constant_pad_nd(parts, (0, pieces * hop - elements)).reshape(batch, count, pieces, hop)
    total = None
    for k in range(pieces):
        piece = constant_pad_nd(parts[:, :, k], (0, 0, k, pieces - 1 - k))
        total = piece if total is None else total + piece
    return total.reshape(batch, -1)[:, :reach]


def _middle(window, n):
    """The window between zeros, n elements together."""
    before = (n - window.size(0)) // 2
    return constant_pad_nd(window, (before, n - window.size(0) - before))


def _warn_once(which, text):
    if which not in _warned:
        _warned.add(which)
        warnings.warn(text, UserWarning, stacklevel=3)


def _optional(value):
    return "None" if value is None else int(value)


def _kind(tensor):
    name = tensor.dtype._legacy_name
    return f"CPU{name}Type" if tensor.is_complex() else f"torch.{name}Tensor"


def _told(window, **options):
    """The arguments, as messages have them."""
    shape = "None" if window is None else f"{_kind(window)}{{{list(window.shape)}}}"
    return ", ".join([f"window={shape}", *[f"{name}={_optional(each)}" for name, each in options.items()]])
