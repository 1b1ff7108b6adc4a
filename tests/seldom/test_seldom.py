"""Operators that programs seldom ask for: derivatives, errors, and the same program on either library."""

import warnings

import numpy as np
import pytest
from checks import check, check_linear, in_place
from processes import run
from tables import calls

import pullback as pb
from pullback.operators.later import SELDOM

inf, nan = np.inf, np.nan


@pytest.mark.parametrize(
    "asked", ["pb.float_power(pb.ones(1), 2)", "pb.zeros(2).cumsum_(0)", "pb.clip_(pb.zeros(2), 0, 1)"]
)
def test_they_are_loaded_by_the_first(asked):
    run(
        "import sys, pullback as pb\nassert 'pullback.seldom' not in sys.modules\n"
        f"{asked}\nassert 'pullback.seldom' in sys.modules"
    )


def test_what_is_listed_is_what_is_there():
    assert all(callable(getattr(pb, name)) for name in SELDOM.functions)
    assert all(callable(getattr(pb.Tensor, name)) for name in SELDOM.methods)


# ---- derivatives ------------------------------------------------------------------------------------------------------


def test_derivatives():
    x, y = np.array([0.7, 1.9, 2.4]), np.array([1.3, -0.6, 2.2])
    check(pb.float_power, x, y)
    check(lambda x: pb.frexp(x)[0], x)
    check(pb.ldexp, x, y)
    check(lambda x, s: pb.fill(x, s[0]), x, y[:1])
    check(in_place(lambda x: x.cumsum_(0)), x)
    check(in_place(lambda x: x.cumprod_(0)), x)
    check(in_place(lambda x, y: x.ldexp_(y)), x, y)


@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_of_differences(order):
    at = pb.tensor([0.0, 0.5, 2.0, 2.5], dtype=pb.float64)
    check_linear(lambda x: pb.gradient(x, edge_order=order), (3, 4))
    check_linear(lambda x: pb.gradient(x, spacing=[at], dim=1, edge_order=order)[0], (3, 4))


@pytest.mark.parametrize("reduce", ["prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include", [True, False])
def test_derivatives_of_reductions_by_index(reduce, include):
    generator = np.random.default_rng(0)
    x, source = generator.uniform(0.5, 2, (3, 4)), generator.uniform(0.5, 2, (5, 4))
    index = pb.tensor([0, 2, 0, 0, 2])
    check(lambda x, s: x.index_reduce(0, index, s, reduce, include_self=include), x, source)
    check(in_place(lambda x, s: x.index_reduce_(0, index, s, reduce, include_self=include)), x, source)


def test_copies_of_views_share_no_memory_and_have_derivatives():
    x = pb.arange(6.0, dtype=pb.float64).reshape(2, 3)
    pb.permute_copy(x, (1, 0)).zero_()
    pb.unbind_copy(x)[0].zero_()
    assert x.flatten().tolist() == [0, 1, 2, 3, 4, 5]
    check_linear(lambda x: pb.unfold_copy(x, 1, 2, 1), (2, 3))
    check_linear(lambda x: pb.split_copy(x, 2, 1)[1], (2, 3))
    assert not pb.detach_copy(x.requires_grad_()).requires_grad


def test_derivatives_of_a_filled_diagonal():
    x = np.random.default_rng(0).standard_normal((5, 2))
    check(in_place(lambda x: x.fill_diagonal_(3.0, wrap=True)), x)
    check(in_place(lambda x: x.fill_diagonal_(3.0)), np.random.default_rng(0).standard_normal((2, 2, 2)))


CALLS = """
pb.float_power(x, 2) ; pb.frexp(x)[0] ; pb.frexp(x)[1] ; pb.ldexp(x, x) ; pb.fill(x, 2) ; pb.positive(x) ; pb.isreal(x)
pb.gradient(x)[1] ; pb.gradient(x, dim=0, spacing=2.0)[0] ; x.index_reduce(1, pb.tensor([1, 1, 0]), x, 'prod')
pb.unravel_index(n, (2, 4))[1] ; pb.histogram(x, 4, range=(0.0, 3.0)).hist ; x.clone().cumsum_(0) ; x.clone().cumprod_(1)
pb.histogramdd(x, [2, 2, 2], range=[0.0, 3.0, 0.0, 3.0, 0.0, 3.0]).hist ; x.clone().fill_diagonal_(4) ; x.clone().ldexp_(x)
x.clone().index_reduce_(0, pb.tensor([1, 1]), x, 'amax') ; pb.mvlgamma(x + 1, 2) ; pb.igamma(x, x + 1) ; pb.special.zeta(x + 1, x)
pb.special.bessel_j1(x) ; pb.special.legendre_polynomial_p(x, n) ; pb.special.hermite_polynomial_h(x, 3)
"""
CALLS = calls(CALLS)


@pytest.mark.parametrize("call", CALLS)
def test_in_batches(call):
    generator = np.random.default_rng(0)
    x, n = pb.tensor(generator.uniform(0.5, 2, (4, 2, 3))), pb.tensor(generator.integers(0, 5, (4, 2, 3)))
    f = eval(f"lambda x, n: {call}", {"pb": pb})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing runs entry by entry
        found = pb.vmap(f)(x, n)
    assert found.tolist() == pb.stack([f(*pair) for pair in zip(x, n)]).tolist()


# ---- values beside NumPy ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mantissas_and_exponents(dtype):
    information = np.finfo(dtype)
    x = np.concatenate(
        [2.0 ** np.arange(information.minexp - 30, information.maxexp, 7), np.linspace(-3, 3, 41)]
    )
    x = np.concatenate([x, [0.0, -0.0, inf, -inf, information.max, information.smallest_subnormal]]).astype(
        dtype
    )
    mantissa, exponent = pb.frexp(pb.tensor(x))
    expected = np.frexp(x)
    assert mantissa.numpy().tobytes() == expected[0].tobytes()
    np.testing.assert_array_equal(exponent.numpy()[np.isfinite(x)], expected[1][np.isfinite(x)])
    finite = np.isfinite(x)
    np.testing.assert_array_equal(np.ldexp(mantissa.numpy(), exponent.numpy())[finite], x[finite])


def test_histograms_are_numpys():
    generator = np.random.default_rng(0)
    x, weight = generator.standard_normal(500), generator.uniform(size=500)
    for bins in (7, np.array([-2.0, -0.5, 0.1, 3.0])):
        for density in (False, True):
            expected = np.histogram(x, bins, weights=weight, density=density)
            given = pb.tensor(bins) if isinstance(bins, np.ndarray) else bins
            found = pb.histogram(pb.tensor(x), given, weight=pb.tensor(weight), density=density)
            np.testing.assert_allclose(found.hist.numpy(), expected[0], rtol=1e-12)
            np.testing.assert_allclose(found.bin_edges.numpy(), expected[1], rtol=1e-12)
    points = generator.standard_normal((300, 3))
    expected = np.histogramdd(points, [3, 4, 2], range=[(-1, 1), (-2, 2), (0, 3)], density=True)
    found = pb.histogramdd(pb.tensor(points), [3, 4, 2], range=[-1, 1, -2, 2, 0, 3], density=True)
    np.testing.assert_allclose(found.hist.numpy(), expected[0], rtol=1e-12)
    for mine, other in zip(found.bin_edges, expected[1], strict=True):
        np.testing.assert_allclose(mine.numpy(), other, rtol=1e-12)


def test_slopes_are_numpys():
    values, at = np.random.default_rng(0).standard_normal((4, 5)), np.array([0.0, 0.4, 1.5, 1.9, 4.0])
    for order in (1, 2):
        expected = np.gradient(values, 2.0, at, edge_order=order)
        found = pb.gradient(
            pb.tensor(values), spacing=[pb.tensor(2.0 * np.arange(4)), pb.tensor(at)], edge_order=order
        )
        for mine, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine.numpy(), other, rtol=1e-12)


def test_places_are_numpys():
    flat = np.arange(24).reshape(4, 6)
    for mine, other in zip(pb.unravel_index(pb.tensor(flat), (2, 3, 4)), np.unravel_index(flat, (2, 3, 4))):
        np.testing.assert_array_equal(mine.numpy(), other)
    for shape in ((7, 3), (3, 7), (4, 4), (9, 1)):
        for wrap in (False, True):
            expected = np.zeros(shape)
            np.fill_diagonal(expected, 5, wrap)
            np.testing.assert_array_equal(pb.zeros(shape).fill_diagonal_(5, wrap).numpy(), expected)


def test_a_resized_tensor_keeps_its_memory_where_that_suffices():
    x = pb.arange(6.0).reshape(2, 3)
    view = x.view(-1)
    x.resize_(2, 2)
    view.fill_(7)
    assert x.tolist() == [[7, 7], [7, 7]]
    x.resize_(3, 3)
    assert x.shape == (3, 3) and x.flatten()[:6].tolist() == [7] * 6
    part = pb.arange(6.0)[2:4]
    assert part.resize_(9)[:4].tolist() == [2, 3, 4, 5]


# ---- the same program, on either library ----------------------------------------------------------------------------------

PROGRAMS = """
t.LongTensor([1.7, 2]) ; t.LongTensor(2, 3).shape ; t.LongTensor() ; t.IntTensor((1, 2)) ; t.BoolTensor([1, 0])
t.LongTensor(np.array([1.5, 2.0])) ; t.FloatTensor(np.array([1.5, 2.0])) ; t.FloatTensor([[1, 2], [3, 4]])
t.FloatTensor(t.ones(2)) ; t.FloatTensor(t.ones(2).double()) ; t.FloatTensor(t.Size([2, 2])).shape ; t.FloatTensor(3.5)
t.LongTensor(None) ; t.LongTensor({1}) ; t.LongTensor(True)
t.FloatTensor('a') ; t.DoubleTensor([t.tensor(1.0), 2]) ; t.ShortTensor(range(3)) ; t.CharTensor([1]) ; t.ByteTensor([300])
isinstance(t.ones(2), t.FloatTensor) ; isinstance(t.ones(2), t.LongTensor) ; isinstance(3, t.LongTensor)
t.LongTensor.dtype ; t.ones(2).type(t.LongTensor) ; n.new([1.5, 2]) ; n.new(2, 3).shape ; n.new() ; n.new(n)
t.typename(3) ; t.typename(list) ; t.typename(n)[-10:] ; t.set_default_tensor_type(t.LongTensor)
t.range(0, 3) ; t.range(1, 2, 0.5) ; t.range(0, 2, dtype=t.int64) ; t.range(3, 0, -1) ; t.range(0, 1, 0) ; t.range(1, 0)
x.resize_(2, 2) ; x.resize_(3, 2) ; x.resize_((4,)) ; x[0].resize_(5) ; x.t().resize_(4) ; x.resize_(0) ; x.resize_([]).shape
t.ones(2, requires_grad=True).resize_(3) ; x.resize_as_(t.zeros(3, 1)) ; t.resize_as_(x, t.zeros(2))
t.zeros(7, 3).fill_diagonal_(1, wrap=True) ; t.zeros(3).fill_diagonal_(1) ; t.zeros(2, 3, 2).fill_diagonal_(1)
t.zeros(2, 2, 2).fill_diagonal_(2.0) ; t.zeros(2, 2, dtype=t.int64).fill_diagonal_(1.5) ; t.zeros(0, 3).fill_diagonal_(1)
t.frexp(x) ; t.frexp(n) ; x.frexp()[1] ; t.ldexp(x, x) ; t.ldexp(n, n) ; t.ldexp(x, 2) ; x.clone().ldexp_(x)
t.float_power(n, 2) ; t.float_power(2, n) ; x.float_power_(2) ; x.double().float_power_(2) ; t.float_power(x, x.double())
t.positive(x) ; t.positive(x > 1) ; t.isreal(x) ; t.is_signed(n) ; t.is_signed(t.ones(1, dtype=t.uint8))
t.nonzero_static(n, size=4) ; t.nonzero_static(x, size=2) ; t.nonzero_static(n, size=3, fill_value=7)
t.unravel_index(n, (2, 4)) ; t.unravel_index(n * 9, (2, 4)) ; t.unravel_index(x, (2, 4)) ; t.unravel_index(n, 5)
t.unravel_index(n, (-1, 2)) ; t.histogram(x, 4, range=(0.0, 3.0)) ; t.histogram(x, 2) ; t.histogram(t.ones(3), 2)
t.histogram(x, t.tensor([0.0, 1.0, 3.0]), density=True) ; t.histogram(n, 4) ; t.histogram(x, 0) ; t.histogram(x[:0], 3)
t.histogram(x, 2, range=(3.0, 1.0)) ; t.histogram(t.tensor([1.0, nan]), 3)
t.histogram(t.tensor([1.0, nan]), 3, range=(0.0, 2.0))[0]
t.histogramdd(x, [2, 2, 3]) ; t.histogramdd(x, 2)[0] ; t.histogramdd(x, [2, 2]) ; t.histogramdd(x[0], 2)
t.gradient(x) ; t.gradient(x, dim=1, edge_order=2) ; t.gradient(x, spacing=(2.0, 1.0)) ; t.gradient(n) ; t.gradient(x[0, :1])
t.gradient(x, spacing=[t.tensor([0.0, 2.0]), t.tensor([0.0, 1.0, 4.0])]) ; t.gradient(x, dim=0, edge_order=2)
t.gradient(x, edge_order=3) ; t.gradient(x, dim=(1, 0), spacing=0.5) ; t.gradient(x, dim=5)
x.index_reduce(0, t.tensor([0, 0]), x, 'prod') ; x.index_reduce(1, t.tensor([2]), x[:, :1], 'mean', include_self=False)
t.index_reduce(x, 1, t.tensor([0, 2]), x[:, 1:], 'amin') ; x.index_reduce(0, t.tensor([0]), x[:1], 'sum')
x.index_reduce(0, t.tensor([7]), x[:1], 'prod') ; x[:, :0].index_reduce(0, t.tensor([7]), x[:1, :0], 'prod')
x.index_reduce(3, t.tensor([0]), x[:1], 'prod')
x.cumsum_(1) ; x.cumprod_(0) ; n.cumsum_(0) ; x.cumsum_(5) ; x.apply_(lambda v: v * 2) ; x.map_(x * 2, lambda a, b: a + b)
x.map2_(x, x, lambda a, b, c: a + b * c) ; t.ones(2, requires_grad=True).apply_(abs) ; t.fill(x, 3) ; t.fill(n, t.tensor(2.5))
t.clip_(x, 0, 1) ; t.clamp_min_(x, 2) ; t.clamp_max_(x, 2) ; t.gcd_(n, n) ; t.lcm_(n, n * 4) ; t.xlogy_(x, x) ; t.get_device(x)
t.detach_(x) ; t.is_inference(x) ; x.new_empty_strided((2, 3), (1, 2)).stride() ; t.conv1d(x[None], t.ones(1, 2, 2))
t.max_pool1d(x, 2) ; t.avg_pool1d(x, 3) ; t.adaptive_avg_pool1d(x, 1) ; t.max_pool2d(x[None], 2)
t.conv2d(x[None], t.ones(1, 1, 2, 2))
t.alias_copy(x) ; t.as_strided_copy(x, (2, 2), (1, 2)) ; t.detach_copy(x) ; t.diagonal_copy(x, 1) ; t.expand_copy(n, (2, 3))
t.narrow_copy(x, 1, 0, 2) ; x.narrow_copy(0, 1, 1) ; t.permute_copy(x, (1, 0)) ; t.select_copy(x, 1, -1) ; t.t_copy(x)
t.slice_copy(x, 1, 0, 3, 2) ; t.split_copy(x, 2, 1) ; t.split_with_sizes_copy(x, [1, 2], 1) ; t.squeeze_copy(x[:1])
t.squeeze_copy(x[:1], 0) ; t.transpose_copy(x, 0, 1) ; t.unbind_copy(x, 1) ; t.unfold_copy(x, 1, 2, 1) ; t.view_copy(x, (3, 2))
t.unsqueeze_copy(n, 0) ; t.unsafe_chunk(x, 2, 1) ; t.unsafe_split(x, 2, 1) ; x.unsafe_split_with_sizes([1, 2], 1)
t.permute_copy(x, (0, 0)) ; t.view_copy(x, (4,))
t.are_deterministic_algorithms_enabled() ; t.get_deterministic_debug_mode() ; t.set_deterministic_debug_mode('x')
t.get_float32_matmul_precision() ; t.is_warn_always_enabled() ; t.is_deterministic_algorithms_warn_only_enabled()
"""
PROGRAMS = calls(PROGRAMS)


def outcome(t, program):
    names = {"t": t, "np": np, "nan": nan, "n": t.tensor([5, 0, 7])}
    names["x"] = t.tensor([[0.5, 1.5, 3.0], [2.0, 0.25, 1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return repr(eval(program, names)).replace("torch.", "pullback.")
        except (RuntimeError, TypeError, IndexError, ValueError, NotImplementedError) as error:
            return f"{type(error).__name__}: {str(error).replace('torch.', 'pullback.')}"


# Python's own words, the compiler's, or a description of options.
OTHER_WORDS = ("t.FloatTensor(t.ones(2).double())", "t.ldexp(x, 2)", "t.ByteTensor([300])")


@pytest.mark.torch
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_beside_pytorch(program):
    import torch

    mine, theirs = outcome(pb, program), outcome(torch, program)
    if "Error: " in theirs:
        kind, _, said = theirs.partition(": ")
        assert mine.startswith(kind), mine
        if program not in OTHER_WORDS:
            assert said.partition(". ")[0].rstrip(".").split("\n")[0] in mine
    else:
        assert mine == theirs
