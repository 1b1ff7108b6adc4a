"""Names that older programs ask for, and that do little: Variable, clones of modes, policies without effect."""

import pytest

import pullback as pb
from pullback import autograd
from pullback.autograd import Variable, grad_mode, variable


def test_a_variable_is_a_leaf_over_the_same_memory():
    x = pb.ones(2, requires_grad=True)
    y = Variable(x * 2)
    assert not y.requires_grad and y.is_leaf
    z = Variable(x, requires_grad=True)
    assert z is not x and z.requires_grad and z.data_ptr() == x.data_ptr()
    assert isinstance(x, Variable) and isinstance(x, variable.Variable) and not isinstance(3, Variable)
    assert isinstance(Variable, variable.VariableMeta)
    assert Variable().shape == (0,)


def test_what_a_variable_refuses():
    with pytest.raises(TypeError, match="Variable data has to be a tensor, but got int"):
        Variable(3)
    with pytest.raises(RuntimeError, match="only Tensors of floating point"):
        Variable(pb.ones(2, dtype=pb.int64), requires_grad=True)
    with pytest.warns(UserWarning, match="volatile was removed"):
        Variable(pb.ones(2), volatile=True)


def test_modes_have_clones():
    x = pb.ones(2, requires_grad=True)
    for mode, recorded in [
        (pb.no_grad(), False),
        (pb.enable_grad(), True),
        (pb.inference_mode(False), True),
        (pb.inference_mode(), False),
    ]:
        with pb.enable_grad(), mode.clone() as _:
            assert (x * 2).requires_grad is recorded
    mode = pb.set_grad_enabled(True)
    with pb.no_grad(), mode.clone():
        assert (x * 2).requires_grad
    assert autograd.set_multithreading_enabled(False).clone().mode is False
    autograd.set_multithreading_enabled(True)


def test_the_layout_of_gradients_is_kept_whatever_the_policy():
    for enable in (True, False):
        x = pb.zeros(2, 3, 4).permute(2, 0, 1).requires_grad_()
        with autograd.enforce_grad_layout_policy(enable):
            (x * pb.ones(4, 2, 3)).sum().backward()
        assert x.grad.stride() == x.stride()

    @autograd.enforce_grad_layout_policy(False)
    def f(x):
        return x * 2

    assert f(pb.ones(1)).item() == 2


def test_modules_under_their_own_names():
    assert autograd.grad_mode is grad_mode and grad_mode.no_grad is pb.no_grad
    from pullback.autograd.anomaly_mode import detect_anomaly

    assert detect_anomaly is autograd.detect_anomaly


def test_a_level_may_decorate():
    from pullback.autograd import forward_ad

    @forward_ad.dual_level()
    def slope(x):
        return forward_ad.unpack_dual(forward_ad.make_dual(x, pb.ones(1)).exp()).tangent

    assert slope(pb.zeros(1)).tolist() == [1.0] and slope(pb.zeros(1)).tolist() == [1.0]
    with forward_ad.dual_level().clone() as level:
        assert isinstance(level, int)
