"""One checker of derivatives for the whole suite.

    check(f, x, z)           f maps tensors to a tensor; x and z are where it is smooth
    check_modes(f, x)        at a kink or a pole, where differences mean nothing: the modes agree
    check_elementwise(f, x)  also broadcast, with 0-d operands, and empty

With a random cotangent u and random directions v and w, the slope of <u, f> along v is compared in
both modes, and its curvature along v and w in all four nestings of the two. The truth is
differences of the values for the slope, and of the slope for the curvature. <u, Jv> = <J'u, v>
holds to rounding, wherever it is asked. Everything is asked a second time of inputs that do not lie
contiguous in memory.
"""

import numpy as np

import pullback as pb
from pullback.autograd import forward_ad

STEP = 2e-3


def tensor(array):
    return pb.tensor(np.asarray(array, dtype=np.float64))


def strided(array):
    """A tensor of the same values: every second one of a memory that has its dimensions reversed."""
    array = np.asarray(array, dtype=np.float64)
    if array.ndim == 0:
        return pb.tensor(np.full(3, array))[1]
    memory = np.full((*(2 * n for n in reversed(array.shape)), 2), np.nan)
    inside = memory[tuple(slice(1, None, 2) for _ in array.shape) + (1,)]
    inside[...] = array.T
    view = pb.tensor(memory)[tuple(slice(1, None, 2) for _ in array.shape) + (1,)]
    view = view.permute(*reversed(range(array.ndim)))
    assert array.size < 2 or not view.is_contiguous()
    return view


class Case:
    """A function at a point, with a cotangent and two directions; its derivatives in every mode."""

    def __init__(self, f, inputs, seed=0, make=tensor):
        self.f, self.make = f, make
        self.inputs = [np.asarray(x, dtype=np.float64) for x in inputs]
        generator = np.random.default_rng(seed)
        self.v = [generator.standard_normal(x.shape) for x in self.inputs]
        self.w = [generator.standard_normal(x.shape) for x in self.inputs]
        self.u = generator.standard_normal(self.value(self.inputs).shape)

    def value(self, inputs):
        return self.f(*[self.make(x) for x in inputs]).detach().numpy()

    def leaves(self, inputs=None):
        return [self.make(x).requires_grad_() for x in (self.inputs if inputs is None else inputs)]

    def _pull(self, output, leaves, cotangent=None):
        """The gradient of <cotangent, output>, with its graph; zeros where nothing depends."""
        if not output.requires_grad:
            return [_zeros(leaf) for leaf in leaves]
        cotangent = tensor(np.ones(tuple(output.shape)) if cotangent is None else cotangent)
        found = pb.autograd.grad(output, leaves, cotangent, create_graph=True, allow_unused=True)
        return [_zeros(leaf) if g is None else g for leaf, g in zip(leaves, found)]

    def reverse(self, inputs=None):
        leaves = self.leaves(inputs)
        return [g.detach().numpy() for g in self._pull(self.f(*leaves), leaves, self.u)]

    def _duals(self, tensors, directions):
        return [forward_ad.make_dual(x, tensor(d)) for x, d in zip(tensors, directions)]

    @staticmethod
    def _tangent(t, like):
        tangent = forward_ad.unpack_dual(t).tangent
        return _zeros(like) if tangent is None else tangent

    def forward(self):
        with forward_ad.dual_level():
            y = self.f(*self._duals([self.make(x) for x in self.inputs], self.v))
            return self._tangent(y, y).detach().numpy()

    def reverse_over_reverse(self):
        leaves = self.leaves()
        first = _inner(self._pull(self.f(*leaves), leaves, self.u), self.v)
        return _number(_inner(self._pull(first, leaves), self.w))

    def forward_over_reverse(self):
        leaves = self.leaves()
        with forward_ad.dual_level():
            grads = self._pull(self.f(*self._duals(leaves, self.w)), leaves, self.u)
            return _number(_inner([self._tangent(g, g) for g in grads], self.v))

    def reverse_over_forward(self):
        leaves = self.leaves()
        with forward_ad.dual_level():
            y = self.f(*self._duals(leaves, self.v))
            first = _inner([self._tangent(y, y)], [self.u])
            return _number(_inner(self._pull(first, leaves), self.w))

    def forward_over_forward(self):
        with forward_ad.dual_level():
            outer = self._duals([self.make(x) for x in self.inputs], self.w)
            with forward_ad.dual_level():
                y = self.f(*self._duals(outer, self.v))
                first = self._tangent(y, y)
            return _number(_inner([self._tangent(first, first)], [self.u]))

    def moved(self, step, directions):
        return [x + step * d for x, d in zip(self.inputs, directions)]

    # Truth, by differences. The second is taken of the first derivative, which is compared by itself.
    def slope(self):
        return _difference(lambda h: np.sum(self.u * self.value(self.moved(h, self.v))))

    def curvature(self):
        return _difference(lambda h: _inner(self.reverse(self.moved(h, self.w)), self.v))


NESTINGS = ("reverse_over_reverse", "forward_over_reverse", "reverse_over_forward", "forward_over_forward")


def _inner(these, those):
    """The sum of all products."""
    if all(isinstance(t, np.ndarray) for t in these):
        return sum(float(np.sum(t * d)) for t, d in zip(these, those))
    return sum(((t * tensor(d)).sum() for t, d in zip(these, those)), tensor(0.0))


def _zeros(like):
    return tensor(np.zeros(tuple(like.shape)))


def _number(t):
    return float(t.detach())


def _difference(function, step=STEP):
    """The slope at 0 by five points, and how far to trust it: the change when the step is halved."""

    def quotient(h):
        return (8 * (function(h) - function(-h)) - (function(2 * h) - function(-2 * h))) / (12 * h)

    coarse, fine = quotient(step), quotient(step / 2)
    return fine, abs(fine - coarse)


def _assert_close(found, expected, tolerance, what):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=what)


def check(f, *inputs, seed=0, tolerance=1e-6, second=True, layouts=True):
    """Both modes and all nestings of f at `inputs`, which are float64 arrays, against differences.

    Raises AssertionError, which names the mode. `tolerance` is relative and absolute; `second=False` leaves
    out the nestings, `layouts=False` the inputs that do not lie contiguous.
    """
    _check_against_differences(Case(f, inputs, seed), tolerance, second)
    check_modes(f, *inputs, seed=seed, second=second)
    if layouts:
        case = Case(f, inputs, seed, strided)
        _check_against_differences(case, tolerance, False)
        check_modes(f, *inputs, seed=seed, second=second, make=strided)


def _check_against_differences(case, tolerance, second):
    for expected, found, name in [
        (case.slope, lambda: _inner(case.reverse(), case.v), "reverse"),
        (case.slope, lambda: float(np.sum(case.u * case.forward())), "forward"),
        *((case.curvature, getattr(case, nesting), nesting) for nesting in (NESTINGS if second else ())),
    ]:
        truth, doubt = expected()
        assert doubt <= tolerance * (1 + abs(truth)), (
            "differences do not settle: is there a kink near the point?"
        )
        _assert_close(found(), truth, tolerance, name)


def check_modes(f, *inputs, seed=0, second=True, make=tensor, tolerance=1e-10):
    """That the modes agree, at points where differences may mean nothing: kinks, poles, infinities."""
    case = Case(f, inputs, seed, make)
    pulled = case.reverse()
    for x, g in zip(case.inputs, pulled):
        assert g.shape == x.shape, f"the gradient has shape {g.shape}, the input {x.shape}"
    with np.errstate(invalid="ignore"):
        pushed = float(np.sum(case.u * case.forward()))
    _assert_close(_inner(pulled, case.v), pushed, tolerance, "<u, Jv> = <J'u, v>")
    if second:
        found = {nesting: getattr(case, nesting)() for nesting in NESTINGS}
        for nesting in NESTINGS[1:]:
            _assert_close(found[nesting], found[NESTINGS[0]], tolerance, f"{nesting} is not {NESTINGS[0]}")


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
