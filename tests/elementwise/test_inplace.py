"""In-place forms and out=: values, dtypes, versions, history, overlap."""

import checks
import numpy as np
import pytest
from elementwise.support import DTYPES, ROWS, bits, by_name, sample, tensors
from tables import calls
from twins import first_sentence

import pullback as pb
from pullback import nn

WITH_INPLACE = [
    r
    for r in ROWS
    if {"in-place", "nn-in-place"} & set(r.forms) and r.variant_of is None and r.name != "polygamma"
]


def in_place(row):
    return getattr(pb.Tensor, row.name + "_", None) or getattr(nn.functional, row.name + "_")


def out_of_place(row):
    return getattr(pb, row.name, None) or getattr(nn.functional, row.name)


def arguments(row, arrays):
    """Positional tensors, and parameters by keyword."""
    from elementwise.support import parameters

    named = {row.operands[i]: value for i, value in parameters(row).items()}
    return tensors(arrays), named


@pytest.mark.parametrize("row", **by_name(WITH_INPLACE))
def test_the_result_is_written_into_the_first_operand(row):
    dtype = "int32" if row.promotion == "bitwise" else "float32"
    arrays = [np.abs(a) if dtype == "int32" else a for a in sample(row, (3, 4), dtype=dtype)]
    if row.boolean:
        arrays = [a.round() for a in arrays]
    operands, named = arguments(row, arrays)
    expected = out_of_place(row)(*operands, **named)
    target = operands[0]
    found = in_place(row)(target, *operands[1:], **named)
    assert found is target and target._version == 1
    assert target.dtype == getattr(pb, dtype)
    np.testing.assert_array_equal(target.numpy(), expected.numpy())
    # A target that is no contiguous run, with an operand that broadcasts.
    memory = pb.tensor(np.repeat(arrays[0].T, 2, axis=0)).transpose(0, 1)
    view = memory[:, ::2]
    in_place(row)(view, *operands[1:], **named)
    np.testing.assert_array_equal(view.numpy(), expected.numpy())
    np.testing.assert_array_equal(memory[:, 1::2].numpy(), arrays[0])  # its neighbours are untouched
    assert memory._version == 1


@pytest.mark.parametrize("row", **by_name([r for r in WITH_INPLACE if r.differentiable]))
def test_the_gradient_is_that_of_the_form_out_of_place(row):
    from calculus.samples import free_operands

    arrays = sample(row, (3, 4), seed=3)
    free = [i - (row.promotion == "where") for i in free_operands(row)]
    grads = []
    for form in (out_of_place(row), lambda x, *rest, **named: in_place(row)(x.clone(), *rest, **named)):
        operands, named = arguments(row, arrays)
        leaves = [operands[i].requires_grad_() for i in free if i < len(operands)]
        y = form(*operands, **named)
        assert y.requires_grad and y.grad_fn is not None
        grads.append([y.grad_fn.name(), *pb.autograd.grad(y.sum(), leaves, allow_unused=True)])
    assert grads[0][0] == grads[1][0]
    for a, b in zip(grads[0][1:], grads[1][1:]):
        np.testing.assert_array_equal(0 if a is None else a.numpy(), 0 if b is None else b.numpy())


@pytest.mark.torch
@pytest.mark.parametrize(
    "name", ["add_", "mul_", "div_", "pow_", "exp_", "square_", "lt_", "floor_divide_", "atan2_"]
)
def test_casts_back_or_raises_as_pytorch(name):
    import torch

    def outcome(module, dtype, other):
        x = module.tensor(np.array([1, 2]).astype(dtype))
        try:
            return getattr(x, name)(*([] if name in ("exp_", "square_") else [other(module)])).numpy()
        except RuntimeError as error:
            return str(error)
        except TypeError:
            return None  # a number where PyTorch wants a tensor

    others = [lambda m, d=d, s=s: m.tensor(np.full(s, 3).astype(d)) for d in DTYPES for s in ((), (2,))]
    others += [lambda m: 2, lambda m: 2.5, lambda m: True]
    for dtype in DTYPES:
        for other in others:
            ours, theirs = outcome(pb, dtype, other), outcome(torch, dtype, other)
            if theirs is None or (name == "pow_" and dtype == "bool"):
                continue
            if isinstance(theirs, str):
                assert isinstance(ours, str), (dtype, other(pb), ours, theirs)
                if "can't be cast" in theirs:
                    assert ours.startswith(theirs)
            else:
                assert not isinstance(ours, str), (dtype, other(pb), ours, theirs)
                assert ours.dtype == theirs.dtype
                np.testing.assert_allclose(ours, theirs, rtol=1e-6)


MISFITS = """
x.copysign_(z) ; x.hypot_(z) ; x.atan2_(z) ; x.fmod_(z) ; x.remainder_(z) ; x.nextafter_(z) ; i.gcd_(x) ; i.bitwise_and_(x)
x.clamp_(z) ; x.clamp_(z, z) ; x.clamp_(1j) ; x.clamp_min_(z) ; x.clamp_min_(1j) ; z.clamp_(x) ; x.xlogy_(z)
i.hypot_(x) ; b.hypot_(i) ; i.nextafter_(x) ; x.heaviside_(z) ; x.igamma_(z) ; x.floor_divide_(z) ; x.lcm_(z)
m.copysign(x, z, out=x) ; m.maximum(x, z, out=x) ; m.fmin(x, z, out=x) ; m.ceil(z, out=x) ; m.sign(z, out=x)
m.hypot(x, z, out=i) ; m.clamp(z, x, out=x) ; m.clamp(x, z, out=x) ; m.logaddexp(x, z, out=x) ; m.erfinv(z, out=x)
"""


@pytest.mark.torch
@pytest.mark.parametrize("call", calls(MISFITS))
def test_what_is_said_of_a_target_and_a_kernel_that_both_lack(call):
    """That the result cannot be cast, before that no kernel has it; but first what a function never takes."""
    import torch

    said = []
    for m in (torch, pb):
        given = {"m": m, "x": m.tensor([1.0, 2.0]), "z": m.tensor([1j, 2.0])}
        given |= {"i": m.tensor([1, 2]), "b": m.tensor([True, False])}
        with pytest.raises((RuntimeError, TypeError)) as refused:
            eval(call, given)
        said.append(first_sentence(refused.value))
    assert said[1].startswith(said[0])


def test_a_result_of_a_higher_category_does_not_fit():
    x = pb.tensor([1, 2])
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        x += 1.5
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        x.exp_()
    with pytest.raises(RuntimeError, match="result type Long can't be cast to the desired output type Bool"):
        pb.tensor([True]).add_(1)
    assert x._version == 0 and x.tolist() == [1, 2]
    y = pb.tensor([1.0])
    y += pb.tensor([2.0], dtype=pb.float64)
    assert y.dtype == pb.float32 and y.item() == 3


def test_the_target_does_not_grow():
    x = pb.tensor([1.0, 2.0])
    message = r"output with shape \[2\] doesn't match the broadcast shape \[3, 2\]"
    with pytest.raises(RuntimeError, match=message):
        x += pb.tensor(np.ones((3, 2)))
    with pytest.raises(RuntimeError, match=r"output with shape \[\]"):
        pb.tensor(1.0).add_(x)
    assert x.tolist() == [1, 2] and x._version == 0


def test_a_leaf_that_requires_grad_is_protected():
    x = pb.tensor([1.0], requires_grad=True)
    with pytest.raises(
        RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"
    ):
        x.exp_()
    with pb.no_grad():
        x.mul_(2)
    assert x.item() == 2 and x.is_leaf


def test_what_was_saved_and_then_overwritten_raises():
    x = pb.tensor([1.0], requires_grad=True)
    y = x * 1
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        z.backward()
    y = x.exp()
    y.mul_(2)  # exp saved its result
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        y.backward()
    y = x * 1
    y.sin_()  # keeps a copy of what its own derivative reads
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), np.cos([1.0]), rtol=1e-6)


@pytest.mark.parametrize(
    "write, expected",
    [
        (lambda p: p.mul_(p), lambda a: a * a),
        (lambda p: p.add_(p.t()), lambda a: a + a.T),
        (lambda p: p.add_(p.t() * 2), lambda a: a + 2 * a.T),
        (lambda p: p.div_(p[0]), lambda a: a / a[0]),
        (lambda p: p.sub_(p[1, 1]), lambda a: a - a[1, 1]),
        (lambda p: p.copysign_(p), lambda a: np.copysign(a, a)),
        (lambda p: p.pow_(p), lambda a: a**a),
        (lambda p: p.atan2_(p.t().clone()), lambda a: np.arctan2(a, a.T)),
        (lambda p: p.lerp_(p * 2, 0.25), lambda a: a * 1.25),
        (lambda p: p.addcmul_(p, p), lambda a: a + a * a),
        (lambda p: p.t().mul_(p.t()), lambda a: a * a),
        (lambda p: p.t().add_(p[0]), lambda a: a + a[0][:, None]),
    ],
)
def test_a_target_among_its_operands(write, expected):
    """The old values are read before they are written; the gradient is that of the formula."""
    array = np.random.default_rng(1).uniform(0.5, 1.5, (3, 3))
    try:
        plain = pb.tensor(array)
        write(plain)
    except RuntimeError as error:
        # PyTorch refuses what overlaps in another order; so do we, in its words.
        assert "unsupported operation: some elements of the input tensor" in str(error)
        return
    np.testing.assert_allclose(plain.numpy(), expected(array), rtol=1e-14)
    truth = checks.Differences(of=expected)
    checks.check(checks.in_place(write), array, truth=truth, layouts=("contiguous",))


def test_overlap_that_pytorch_refuses_is_refused():
    x = pb.tensor([1.0, 2.0, 3.0])
    with pytest.raises(
        RuntimeError, match="more than one element of the written-to tensor refers to a single memory"
    ):
        x.expand(2, 3).add_(1)
    with pytest.raises(
        RuntimeError, match="some elements of the input tensor and the written-to tensor refer"
    ):
        x[1:].add_(x[:-1])
    with pytest.raises(
        RuntimeError, match="some elements of the input tensor and the written-to tensor refer"
    ):
        pb.add(x[:-1], 1, out=x[1:])
    assert x.tolist() == [1, 2, 3]
    x[1:] -= 0.5 * x[:-1]  # the product is a tensor of its own
    assert x.tolist() == [1, 1.5, 2]
    x[:1].add_(x[1:2])  # neighbours that do not overlap
    assert x.tolist() == [2.5, 1.5, 2]


# ---- out= ----


def test_out_gets_the_result():
    x, z = pb.tensor([1.0, 2.0]), pb.tensor([3.0, 4.0])
    out = pb.tensor([0.0, 0.0])
    assert pb.add(x, z, out=out) is out and out.tolist() == [4, 6] and out._version == 1
    assert pb.exp(x, out=x) is x  # onto its own operand
    np.testing.assert_allclose(x.numpy(), np.exp([1.0, 2.0]), rtol=1e-6)
    wide = pb.tensor(np.zeros(2))
    pb.mul(z, 2, out=wide)
    assert wide.dtype == pb.float64 and wide.tolist() == [6, 8]
    strided = pb.tensor(np.zeros((2, 2), "float32"))
    pb.neg(z, out=strided[:, 1])
    assert strided.tolist() == [[0, -3], [0, -4]]
    truth = pb.tensor([0.0, 0.0])
    assert pb.lt(z, 3.5, out=truth).tolist() == [1, 0]


def test_an_empty_out_is_resized():
    out = pb.tensor(np.zeros(0, "float32"))
    pb.add(pb.tensor([[1.0], [2.0]]), pb.tensor([1.0, 2.0, 3.0]), out=out)
    assert tuple(out.shape) == (2, 3) and out.tolist() == [[2, 3, 4], [3, 4, 5]]


def test_out_that_does_not_fit_raises():
    x = pb.tensor([1.5, 2.5])
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        pb.add(x, 1, out=pb.tensor([1, 2]))
    for requires in ((True, False), (False, True)):
        a = pb.tensor([1.0, 2.0], requires_grad=requires[0])
        out = pb.tensor([1.0, 2.0], requires_grad=requires[1])
        with pytest.raises(
            RuntimeError, match=r"functions with out=\.\.\. arguments don't support automatic different"
        ):
            pb.exp(a, out=out)
        with pb.no_grad():
            assert pb.exp(a, out=out) is out
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        pb.exp(x, out=pb.tensor([1.0]).expand(2))
    with pytest.raises(TypeError):
        pb.exp(x, out=[1.0])


@pytest.mark.parametrize("row", **by_name([r for r in ROWS if "function" in r.forms and not r.variant_of]))
def test_every_function_has_an_out(row):
    if row.name in (
        "where",
        "isclose",
        "relu",
        "selu",
        "celu",
        "threshold",
        "rsub",
        "hardshrink",
        "isinf",
        "isnan",
        "isfinite",
    ):
        pytest.skip("PyTorch has none")
    dtype = "int32" if row.promotion == "bitwise" else "float32"
    arrays = [np.abs(a) if dtype == "int32" else a for a in sample(row, (3, 4), dtype=dtype)]
    operands, named = arguments(row, arrays)
    if row.name == "polygamma":
        operands = [named.pop("n"), *operands]
    expected = getattr(pb, row.name)(*operands, **named)
    out = pb.tensor(np.zeros((3, 4), expected.numpy().dtype))
    assert getattr(pb, row.name)(*operands, **named, out=out) is out
    assert bits(out.numpy()) == bits(expected.numpy())
    for aliased in operands:  # onto an operand
        if isinstance(aliased, pb.Tensor) and aliased.dtype == expected.dtype:
            getattr(pb, row.name)(*operands, **named, out=aliased)
            assert bits(aliased.numpy()) == bits(expected.numpy())
            break


def test_inplace_with_parameters():
    x = pb.tensor([1.0, 2.0])
    assert x.add_(pb.tensor([1.0, 1.0]), alpha=3).tolist() == [4, 5]
    assert x.clamp_(max=4.5).tolist() == [4, 4.5]
    assert x.round_(decimals=0).tolist() == [4, 4]


def test_polygamma_writes_its_second_operand():
    x = pb.tensor([1.5, 2.5])
    expected = x.polygamma(2)
    assert x.polygamma_(2) is x and x.tolist() == expected.tolist()


@pytest.mark.parametrize("n", [3, 20_000])
@pytest.mark.parametrize("write", [lambda t: t.zero_(), lambda t: t.fill_(0)])
def test_one_number_is_written_where_elements_share_memory(n, write):
    x = pb.ones(n, 1, requires_grad=True)
    y = x * 2
    z = y.expand(n, 4)
    write(z[1:])
    (y * y + z.sum(1, keepdim=True)).sum().backward()
    assert z[0].tolist() == [2.0] * 4 and z[1:].count_nonzero() == 0
    assert x.grad[0].item() == 2 * (2 * 2 + 4) and x.grad[1:].count_nonzero() == 0
    assert write(pb.ones(1).expand(n)).sum() == 0
