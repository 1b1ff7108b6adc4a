"""One checker of derivatives for the whole suite.

    check(f, x, z)            f maps tensors to a tensor or to several; x and z are where it is smooth
    check(f, x, truth=...)    the truth is Differences() unless another one is given
    check_modes(f, x)         at a kink or a pole, where nothing is known: the modes agree
    check_elementwise(f, x)   also broadcast, with 0-d operands, and empty
    check_linear(f, shape)    a linear map is its own derivative

Three kinds of data say what is done, and every test has what is added to them.

Modes (modes.py) are ways to a derivative. With random cotangents u and directions v and w they find the pushed tangent
Jv, the pulled cotangent J'u, and how these change along a direction, by every nesting; one finds the values themselves.

Truths (truths.py) know these things: by differences of values (of f's own, or of NumPy's), by complex steps through a
function of NumPy, from a closed form that the caller states, or not at all. Whatever the truth, <u, Jv> = <J'u, v> holds
to rounding, and likewise in second order: all modes are compared with each other.

Layouts (case.py) are ways to lie in memory; the truth does not depend on them.

Arrays of floats are differentiated, in their own dtype, while the truth is computed in float64; integers, truth values
and what is `fixed` are not. Everything is asked again with one operand differentiated and the others not, of each of
several results alone, and of cotangents and directions of zeros, which give zeros exactly. Functions that write into
an operand are wrapped in `in_place`; those that are linear tell more when they are `curved`.
"""

import numpy as np

from .case import LAYOUTS, Case, array_of, curved, fixed, flat, in_place, strided, tensor
from .modes import MODES, Mode
from .truths import Agreement, Closed, ComplexStep, Differences, Truth

__all__ = [
    "LAYOUTS",
    "MODES",
    "Agreement",
    "Closed",
    "ComplexStep",
    "Differences",
    "Mode",
    "Truth",
    "check",
    "check_elementwise",
    "check_linear",
    "check_modes",
    "curved",
    "fixed",
    "in_place",
    "strided",
    "tensor",
]

ROUNDING = 1e-10  # between two ways to a number, relative to the terms of its sum


def check(f, *operands, truth=None, second=True, layouts=tuple(LAYOUTS), seed=0, tolerance=None):
    """Every mode of `f` at `operands`, in every layout, against the truth and against each other.

    Raises AssertionError, which names the mode. `second=False` leaves out the nestings, and `tolerance`, relative and
    absolute, replaces the truth's own.
    """
    truth = truth or Differences()
    whole = Case.at(f, operands, seed)
    tolerance = max(truth.tolerance if tolerance is None else tolerance, whole.coarseness)
    modes = {name: mode for name, mode in MODES.items() if second or mode.order < 2}
    alone = {f", operand {i} alone": whole.alone(i) for i in whole.wanted} if len(whole.wanted) > 1 else {}
    for who, case in {"": whole, **alone}.items():
        known = {}
        for layout in layouts:
            found = {}
            for name, mode in modes.items():
                found[name] = _arrays_of(mode, case.but(layout=layout))
                if (
                    mode.finds not in known
                ):  # the truth of second order is looked for when the first is checked
                    known[mode.finds] = getattr(truth, mode.finds)(case.wide())
                _assert_close(found[name], known[mode.finds], tolerance, f"{name}, {layout}{who}")
            _assert_modes_agree(case, modes, found)
    _assert_zeros_stay(whole, modes)
    _assert_results_add_up(whole, modes)


def check_modes(f, *operands, **options):
    """That the modes agree, at points where differences may mean nothing: kinks, poles, infinities."""
    check(f, *operands, truth=Agreement(), **options)


def check_elementwise(f, *points, **options):
    """`check` for a function that broadcasts: operands of one shape, then of shapes that meet."""
    points = [np.asarray(p, dtype=np.float64).ravel() for p in points]
    check(f, *points, **options)
    few = [p[:3] for p in points]
    check(f, *[p[0] for p in few], **options)
    check_modes(f, *[p[:0].reshape(0, 2) for p in few], second=options.get("second", True))
    if len(points) > 1:
        for alone in range(len(points)):  # one operand along its own dimension, then one 0-d
            check(f, *[p[:, None] if k == alone else p for k, p in enumerate(few)], **options)
            check(f, *[p[0] if k == alone else p for k, p in enumerate(few)], **options)


def check_linear(f, *shapes, seed=0, **options):
    """A linear map of float64 tensors is its own derivative, and its second one is zero. Between curves it has one: what
    it does to real and imaginary parts is what it does to complex numbers.
    """

    def applied(*arrays):
        return [array_of(y) for y in flat(f(*map(tensor, arrays)))]

    def applied_to_complex(*arrays):
        return [a + 1j * b for a, b in zip(applied(*map(np.real, arrays)), applied(*map(np.imag, arrays)))]

    operands = [np.random.default_rng(seed).standard_normal(shape) for shape in shapes]
    check(f, *operands, truth=Closed(applied, second=0), seed=seed, **options)
    check(curved(f), *operands, truth=ComplexStep(curved(applied_to_complex)), seed=seed, **options)


def _arrays_of(mode, case):
    return [array_of(t) for t in mode.find(case)]


def _assert_close(found, known, tolerance, where):
    if known is None:
        return
    for a, b in zip(found, known, strict=True):
        assert a.shape == b.shape, f"{where}: the shape is {a.shape}, not {b.shape}"
        asked = ~np.isnan(b)
        np.testing.assert_allclose(a[asked], b[asked], rtol=tolerance, atol=tolerance, err_msg=where)


def _assert_modes_agree(case, modes, found):
    """<u, Jv> = <J'u, v>, and the curvature of <u, f> along v and w by every nesting."""
    rounding = max(ROUNDING, case.coarseness)
    for order, directions, law in [(1, case.v, "<u, Jv> = <J'u, v>"), (2, case.w, "one curvature")]:
        first = None
        for name in [name for name, mode in modes.items() if mode.order == order]:
            partners = [directions[i] for i in case.wanted] if modes[name].pulls else case.u
            with np.errstate(invalid="ignore"):
                terms = [a * b for a, b in zip(found[name], partners, strict=True)]
            number, size = sum(t.sum() for t in terms), sum(np.abs(t).sum() for t in terms)
            first = first or (name, number)
            where = f"{name} is not {first[0]}: {law}"
            np.testing.assert_allclose(number, first[1], rounding, rounding * (1 + size), err_msg=where)


def _assert_zeros_stay(case, modes):
    """A cotangent of zeros gives zeros, exactly; so do directions of zeros."""
    zeros = lambda arrays: [np.zeros_like(a) for a in arrays]
    no_cotangent, no_direction = case.but(u=zeros(case.u)), case.but(v=zeros(case.v), w=zeros(case.w))
    for name, mode in modes.items():
        if mode.order:
            for a in _arrays_of(mode, no_cotangent if mode.pulls else no_direction):
                np.testing.assert_array_equal(a, np.zeros(a.shape), err_msg=f"{name} of zeros")


def _assert_results_add_up(case, modes):
    """What is pulled back from several results is the sum of what comes from each of them alone."""
    if len(case.u) < 2:
        return
    parts = [case.but(kept=(k,), u=[u]) for k, u in enumerate(case.u)]
    for name, mode in modes.items():
        if mode.pulls:
            summed = [np.sum(found, 0) for found in zip(*(_arrays_of(mode, part) for part in parts))]
            _assert_close(
                _arrays_of(mode, case), summed, max(ROUNDING, case.coarseness), f"{name} of each result"
            )
