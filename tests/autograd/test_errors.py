"""Errors and warnings name what happened, where, and what to do about it."""

import inspect
import warnings

import pytest

import pullback as pb


def line_before():
    """The number of the line before the call."""
    return inspect.currentframe().f_back.f_lineno - 1


def leaf():
    return pb.tensor([1.0, 2.0], requires_grad=True)


def test_an_overwritten_value_names_who_saved_it_and_who_wrote_it():
    x = leaf()
    y = x.exp()
    z = y * 2
    y.add_(1)
    line = line_before()
    with pytest.raises(RuntimeError) as error:
        z.sum().backward()
    text = str(error.value)
    assert text.startswith(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        "[pullback.FloatTensor [2]], which is output 0 of Exp, is at version 1; expected version 0 instead."
    )
    assert "ExpBackward0 saved it" in text
    assert f"by add_ at {__file__}, line {line}" in text
    assert "clone()" in text


@pytest.mark.parametrize(
    "write, name",
    [
        (lambda t: t.mul_(2), "mul_"),
        (lambda t: t.copy_(pb.zeros(2)), "copy_"),
        (lambda t: t.fill_(1.0), "fill_"),
        (lambda t: t.__setitem__(0, 1.0), "line"),
        (lambda t: t[:1].add_(1), "add_"),
        (lambda t: t.detach().sub_(1), "sub_"),
    ],
)
def test_every_kind_of_write_is_named(write, name):
    c = pb.ones(2)
    y = leaf() * c
    write(c)
    with pytest.raises(
        RuntimeError, match=f"modified by an inplace operation(.|\n)*MulBackward0 saved it(.|\n)*{name}"
    ):
        y.sum().backward()


def test_a_second_backward_names_the_node():
    y = leaf().exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match="^Trying to backward through the graph a second time") as error:
        y.backward()
    assert "ExpBackward0" in str(error.value) and "retain_graph=True" in str(error.value)


@pytest.mark.parametrize(
    "make, cause",
    [
        (lambda x: x.detach().sum(), "detach"),
        (lambda x: (x > 1).sum(), "int64|comparison"),
        (lambda x: pb.tensor(x.sum().item()), "item"),
    ],
)
def test_an_output_without_grad_says_why(make, cause):
    with pytest.raises(
        RuntimeError,
        match=f"^element 0 of tensors does not require grad and does not have a grad_fn(.|\n)*({cause})",
    ):
        make(leaf()).backward()


def test_a_non_scalar_output_says_its_shape():
    with pytest.raises(
        RuntimeError, match=r"^grad can be implicitly created only for scalar outputs(.|\n)*\[2\]"
    ):
        (leaf() * 2).backward()


def test_the_warning_for_the_gradient_of_a_result_points_at_the_line():
    y = leaf() * 2
    with pytest.warns(
        UserWarning, match="^The .grad attribute of a Tensor that is not a leaf Tensor is being accessed"
    ) as seen:
        y.grad
        line = line_before()
    assert [(w.filename, w.lineno) for w in seen] == [(__file__, line)]


def test_the_warning_can_be_an_error():
    y = leaf() * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning):
            y.grad


def test_the_warning_of_create_graph_points_at_the_line(monkeypatch):
    monkeypatch.setitem(pb.autograd.backward.__wrapped__.__globals__, "_warned", False)
    x = leaf()
    with pytest.warns(UserWarning, match="create a reference cycle") as seen:
        (x * x).sum().backward(create_graph=True)
        line = line_before()
    assert [(w.filename, w.lineno) for w in seen] == [(__file__, line)]
    x.grad = None
    monkeypatch.setitem(pb.autograd.backward.__wrapped__.__globals__, "_warned", False)
    with pytest.warns(UserWarning, match="create a reference cycle") as seen:
        pb.autograd.backward((x * x).sum(), create_graph=True)
        line = line_before()
    assert [(w.filename, w.lineno) for w in seen] == [(__file__, line)]
    x.grad = None


def test_anomaly_mode_shows_where_the_operation_was_recorded():
    x = pb.tensor([0.0], requires_grad=True)
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
        mode = pb.autograd.detect_anomaly()
    with mode:
        y = x * 0.0
        line = line_before()
        z = (y * float("inf")).sum()
        with (
            pytest.warns(UserWarning, match="Error detected in MulBackward0") as seen,
            pytest.raises(
                RuntimeError, match="^Function 'MulBackward0' returned nan values in its 0th output"
            ),
        ):
            z.backward()
    assert f"line {line}, in test_anomaly_mode_shows" in str(seen[0].message)
    assert "traceback_" in y.grad_fn.metadata
    assert "traceback_" not in (x * 2).grad_fn.metadata


def test_anomaly_mode_shows_where_a_failing_function_was_called():
    class Fails(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            raise KeyError("mine")

    with pb.autograd.set_detect_anomaly(True):
        y = Fails.apply(leaf())
        line = line_before()
        with pytest.warns(UserWarning, match="Error detected in FailsBackward") as seen:
            with pytest.raises(KeyError, match="mine"):
                y.sum().backward()
    assert f"line {line}, in test_anomaly_mode_shows" in str(seen[0].message)


def test_anomaly_mode_without_a_forward_under_it():
    y = leaf() * 2
    y.register_hook(lambda grad: 1 / 0)
    with pb.autograd.set_detect_anomaly(True):
        with pytest.warns(UserWarning, match="No forward pass information available"):
            with pytest.raises(ZeroDivisionError):
                y.sum().backward()


def test_hooks_of_captured_values_replace_them():
    """What grad() returns for a value is what its hooks made of it, whether or not older inputs are asked for too."""
    x = leaf()
    y = x * 2
    y.register_hook(lambda grad: grad * 10)
    z = (y * 3).sum()
    assert pb.autograd.grad(z, y, retain_graph=True)[0].tolist() == [30, 30]
    assert [g.tolist() for g in pb.autograd.grad(z, [y, x])] == [[30, 30], [60, 60]]


def test_inspect_is_not_imported():
    import subprocess
    import sys

    code = "import sys, numpy; before = set(sys.modules); import pullback; print('inspect' in set(sys.modules) - before)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_a_value_multiplied_by_itself_in_place():
    """PyTorch refuses y.mul_(y) at the backward pass; the old value is kept here, so the derivative is right."""
    x = leaf()
    y = x * 3
    y *= y
    y.sum().backward()
    assert x.grad.tolist() == [18, 36]


def test_two_views_of_a_constant_are_written():
    """The second view was made before the base had a history."""
    x, base = leaf(), pb.ones(4)
    a, b = base[:2], base[2:]
    a.mul_(x)
    b.mul_(x)
    assert b.requires_grad and not b.is_leaf
    (base * pb.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert x.grad.tolist() == [4, 6]


def test_outputs_of_unbind_may_be_read_after_the_base_was_written():
    x = leaf()
    y = x * 1
    a, b = y.unbind()
    y.mul_(5)
    (a * b).backward()
    assert x.grad.tolist() == [50, 25]
