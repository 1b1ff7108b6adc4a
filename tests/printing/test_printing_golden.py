"""Printed tensors, letter by letter: a fixed table, which needs no other library to be read."""

import pytest

import pullback as pb
from pullback.printing import get_printoptions, printoptions, set_printoptions, tensor_repr

NAN, INF = float("nan"), float("inf")


@pytest.fixture(autouse=True)
def _options_as_they_were():
    with printoptions(profile="default"):
        yield


FLOATS = [
    (1.5, "tensor(1.5000)"),
    (2.0, "tensor(2.)"),
    (-0.0, "tensor(-0.)"),
    (NAN, "tensor(nan)"),
    (-INF, "tensor(-inf)"),
    (0.001, "tensor(0.0010)"),
    (1e-4, "tensor(1.0000e-04)"),  # in float32 a hair below 1e-4, so scientific
    (1e-9, "tensor(1.0000e-09)"),
    (12345678.0, "tensor(12345678.)"),
    (99999999.0, "tensor(100000000.)"),  # 1e8 in float32: not above the limit
    (1e10, "tensor(1.0000e+10)"),
    ([], "tensor([])"),
    ([[]], "tensor([], size=(1, 0))"),
    ([1.0, 2.0, 3.0], "tensor([1., 2., 3.])"),
    ([1.0, 2.5], "tensor([1.0000, 2.5000])"),
    ([1.0, NAN, INF], "tensor([1., nan, inf])"),
    ([1.5, NAN, -INF], "tensor([1.5000,    nan,   -inf])"),
    ([0.0, NAN], "tensor([0., nan])"),
    ([1.0, 100.0, -10.0], "tensor([  1., 100., -10.])"),
    ([0.001, 1.0], "tensor([0.0010, 1.0000])"),
    ([1.0, 1000.0], "tensor([   1., 1000.])"),
    ([1.0, 1001.0], "tensor([1.0000e+00, 1.0010e+03])"),
    ([0.5, 0.0], "tensor([0.5000, 0.0000])"),
    ([1e-6, 0.0, NAN], "tensor([1.0000e-06, 0.0000e+00,        nan])"),
    ([[1.0, 2.0], [3.0, 4.0]], "tensor([[1., 2.],\n        [3., 4.]])"),
    ([[[1.0], [2.0]], [[3.0], [4.0]]], "tensor([[[1.],\n         [2.]],\n\n        [[3.],\n         [4.]]])"),
]


@pytest.mark.parametrize("value, text", FLOATS, ids=[str(value) for value, _ in FLOATS])
def test_float32(value, text):
    assert tensor_repr(pb.tensor(value, dtype=pb.float32)) == text


OTHERS = [
    ("int64", 7, "tensor(7)"),
    ("int64", [1, -20, 300], "tensor([  1, -20, 300])"),
    ("int64", [], "tensor([], dtype=pullback.int64)"),
    ("int32", [0, 1, 2], "tensor([0, 1, 2], dtype=pullback.int32)"),
    ("uint8", [1, 255], "tensor([  1, 255], dtype=pullback.uint8)"),
    ("bool", True, "tensor(True)"),
    ("bool", [True, False], "tensor([ True, False])"),
    ("bool", [True, True], "tensor([True, True])"),
    ("float64", 0.1, "tensor(0.1000, dtype=pullback.float64)"),
    ("float64", [1e-300, 1.0], "tensor([1.0000e-300,  1.0000e+00], dtype=pullback.float64)"),
]


@pytest.mark.parametrize("dtype, value, text", OTHERS)
def test_other_dtypes(dtype, value, text):
    assert tensor_repr(pb.tensor(value, dtype=getattr(pb, dtype))) == text


def test_the_default_dtype_is_the_one_left_out():
    before = pb.get_default_dtype()
    pb.set_default_dtype(pb.float64)
    try:
        assert tensor_repr(pb.tensor(0.5)) == "tensor(0.5000)"
        assert tensor_repr(pb.tensor(0.5, dtype=pb.float32)) == "tensor(0.5000, dtype=pullback.float32)"
    finally:
        pb.set_default_dtype(before)


def test_empty_with_a_shape():
    assert tensor_repr(pb.zeros(0, 3)) == "tensor([], size=(0, 3))"
    assert tensor_repr(pb.zeros(0, 3, dtype=pb.bool)) == "tensor([], size=(0, 3), dtype=pullback.bool)"


def test_long_rows_are_broken_under_their_first_element():
    assert tensor_repr(pb.arange(30)) == (
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
        "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])"
    )


def test_more_than_a_thousand_elements_are_summarised():
    assert tensor_repr(pb.arange(1000)).count("...") == 0
    assert tensor_repr(pb.arange(1001)) == "tensor([   0,    1,    2,  ...,  998,  999, 1000])"
    row = "[0., 0., 0.,  ..., 0., 0., 0.]"
    rows = ",\n        ".join([row] * 3 + ["..."] + [row] * 3)
    assert tensor_repr(pb.zeros(30, 40)) == f"tensor([{rows}])"


def test_a_summary_reads_only_its_edges():
    # The number in the middle would ask for scientific notation, were it seen.
    x = pb.ones(2001)
    x[1000] = 1e30
    assert tensor_repr(x) == "tensor([1., 1., 1.,  ..., 1., 1., 1.])"


def test_what_the_tape_adds():
    x = pb.ones(2, 2, requires_grad=True)
    assert tensor_repr(x) == "tensor([[1., 1.],\n        [1., 1.]], requires_grad=True)"
    assert tensor_repr(x + 3) == "tensor([[4., 4.],\n        [4., 4.]], grad_fn=<AddBackward0>)"
    assert tensor_repr(x.mean()) == "tensor(1., grad_fn=<MeanBackward0>)"
    assert tensor_repr((x + 3).detach()) == "tensor([[4., 4.],\n        [4., 4.]])"


def test_a_suffix_that_does_not_fit_takes_a_line():
    x = pb.ones(6, dtype=pb.float64, requires_grad=True)
    assert tensor_repr(x * 1.23456) == (
        "tensor([1.2346, 1.2346, 1.2346, 1.2346, 1.2346, 1.2346], dtype=pullback.float64,\n"
        "       grad_fn=<MulBackward0>)"
    )


def test_repr_and_str_are_this_text():
    x = pb.ones(2, requires_grad=True)
    assert repr(x) == str(x) == tensor_repr(x)
    assert f"{x}" == tensor_repr(x)
    assert f"{pb.tensor(2.5):.2f}" == "2.50"  # a 0-d tensor formats as its number


def test_options_and_profiles():
    set_printoptions(precision=2)
    assert tensor_repr(pb.tensor([1.12345])) == "tensor([1.12])"
    set_printoptions(threshold=5, edgeitems=1)
    assert tensor_repr(pb.arange(10)) == "tensor([0,  ..., 9])"
    set_printoptions(profile="short")
    assert tensor_repr(pb.tensor([0.123456])) == "tensor([0.12])"
    set_printoptions(profile="full")
    assert "..." not in tensor_repr(pb.arange(1001))
    set_printoptions(profile="default", sci_mode=True)
    assert tensor_repr(pb.tensor([1.0])) == "tensor([1.0000e+00])"
    set_printoptions(precision=6)  # a call that does not name sci_mode resets it
    assert tensor_repr(pb.tensor([0.1])) == "tensor([0.100000])"
    with pytest.raises(ValueError, match="unknown print profile 'loud'"):
        set_printoptions(profile="loud")


def test_the_context_manager_restores_also_after_an_error():
    before = get_printoptions()
    with pytest.raises(KeyError), printoptions(precision=1, linewidth=20, sci_mode=True):
        assert get_printoptions()["linewidth"] == 20
        raise KeyError
    assert get_printoptions() == before


def test_subclasses_print_their_name():
    class Weight(pb.Tensor):
        pass

    weight = pb.zeros(2).as_subclass(Weight)
    assert tensor_repr(weight) == "Weight([0., 0.])"


def test_tangents():
    with pb.autograd.forward_ad.dual_level():
        make_dual = pb.autograd.forward_ad.make_dual
        assert tensor_repr(make_dual(pb.tensor(1.0), pb.tensor(2.0))) == "tensor(1., tangent=2.0)"
        x = make_dual(pb.ones(2, requires_grad=True), pb.ones(2))
        assert tensor_repr(x) == "tensor([1., 1.], grad_fn=<ViewBackward0>, tangent=tensor([1., 1.]))"
        matrix = make_dual(pb.ones(2, 2, dtype=pb.float64), pb.zeros(2, 2, dtype=pb.float64))
        assert tensor_repr(matrix).replace("pullback", "torch") == (
            "tensor([[1., 1.],\n        [1., 1.]], dtype=torch.float64,\n"
            "       tangent=tensor([[0., 0.],\n        [0., 0.]], dtype=torch.float64))"
        )
    assert tensor_repr(matrix).count("tangent") == 0
