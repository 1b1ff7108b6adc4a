"""Subclasses of Tensor and things with `__torch_function__`: who is asked about what, beside PyTorch and by itself."""

import copy
import gc
import pickle
import threading
import warnings

import pytest
from interop import subclass_programs as programs

import pullback as pb
from pullback import overrides

# What PyTorch asks about otherwise: it counts tensors among the classes where a function is Python's there, goes through
# `unbind` for a loop, and compares with what is no tensor by another name.
OTHERWISE = (
    "for row in",
    "reversed(",
    "m.broadcast_tensors(",
    "m.meshgrid(",
    "t == d",
)


@pytest.mark.torch
@pytest.mark.parametrize("program", [*programs.EXPRESSIONS, *programs.STATEMENTS, *programs.DUCKS])
def test_as_pytorch(program):
    import torch

    statement = program in programs.STATEMENTS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = programs.run(torch, program, statement), programs.run(pb, program, statement)
    assert ours[0] == theirs[0]
    if any(part in program for part in OTHERWISE):
        assert bool(ours[1]) == bool(theirs[1])
    else:
        assert ours[1] == theirs[1]
    assert (ours[2] and ours[2][0]) == (theirs[2] and theirs[2][0])
    if ours[2] and "Multiple dispatch" in theirs[2][1]:
        first, _, _ = theirs[2][1].partition("\n\nFor more")
        assert ours[2][1].startswith(first.replace("torch.linalg.linalg_", "torch.linalg.").split("'")[0])
        assert "handlers returned NotImplemented:\n\n  - tensor subclass" in ours[2][1]


class Named(pb.Tensor):
    pass


class Deeper(Named):
    pass


def test_results_are_of_the_class():
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = x.as_subclass(Named) * 3
    assert type(y) is Named and type(y.grad_fn).__name__ == "AliasBackward0"
    assert type(y.sum()) is Named and type(y.unbind()[0]) is Named and type(y.sort().values) is Named
    y.sum().backward()
    assert type(x.grad) is pb.Tensor and x.grad.tolist() == [3, 3]
    assert type(pb.autograd.grad((x.as_subclass(Named) ** 2).sum(), x)[0]) is Named
    made = Named([1.0, 2.0])
    assert type(made) is Named and type(pb.stack([made, made])) is Named
    assert repr(made) == "Named([1., 2.])"


def test_a_deeper_class_goes_first():
    a, b = Named([1.0]), Deeper([2.0])
    assert type(a + b) is Deeper and type(b + a) is Deeper and type(pb.cat([a, b])) is Deeper

    class Other(pb.Tensor):
        pass

    with pytest.raises(TypeError, match="unsupported operand"):  # neither is a base of the other
        a + Other([1.0])
    with pytest.raises(
        TypeError, match=r"Multiple dispatch failed for 'pullback.add'; all __torch_function__"
    ):
        pb.add(a, Other([1.0]))


def test_parameters_are_not_asked():
    p = pb.nn.Parameter(pb.ones(2))
    assert type(p * 2) is pb.Tensor and type(p.data) is pb.Tensor and type(p.detach()) is pb.Tensor

    class Kept(pb.nn.Parameter):
        pass

    assert type(Kept(pb.ones(2)) * 2) is pb.Tensor
    assert type(p * Named([1.0, 2.0])) is Named


def test_who_is_asked():
    x, named = pb.ones(2), Named([1.0, 2.0])
    assert not overrides.has_torch_function((x, 1, pb.nn.Parameter(x)))
    assert overrides.has_torch_function((x, named)) and overrides.has_torch_function_unary(named)
    assert overrides.has_torch_function_variadic(x, named) and not overrides.has_torch_function_unary(x)
    assert overrides.is_tensor_like(named) and overrides.is_tensor_like(x) and not overrides.is_tensor_like(1)
    with overrides.DisableTorchFunctionSubclass():
        assert not overrides.has_torch_function_unary(named) and type(named + 1) is pb.Tensor
        assert overrides.has_torch_function_unary(Answers())
        seen = []
        thread = threading.Thread(target=lambda: seen.append(type(named + 1)))
        thread.start()
        thread.join()
        assert seen == [Named]  # on this thread only
    with overrides.DisableTorchFunction():
        assert not overrides.has_torch_function_unary(Answers())
        with pytest.raises(TypeError, match="must be Tensor"):
            pb.exp(Answers())
    assert type(named + 1) is Named


class Answers:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return overrides.resolve_name(func), len(args), kwargs


def test_things_that_are_no_tensors():
    assert pb.add(Answers(), 1, alpha=2) == ("pullback.add", 2, {"alpha": 2})
    assert pb.stack([pb.ones(2), Answers()]) == ("pullback.stack", 1, None)
    assert pb.nn.functional.relu(Answers()) == ("pullback.nn.functional.relu", 1, None)
    assert (pb.ones(2) @ Answers())[0] == "pullback.matmul"


def test_a_plain_method_warns():
    class Old:
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return "old"

    with pytest.warns(UserWarning, match="as a plain method is deprecated"):
        assert pb.exp(Old()) == "old"


def test_errors_in_methods_arrive():
    class Fails(pb.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise ZeroDivisionError("of the method")

    x = pb.ones(2).as_subclass(Fails)
    for call in (
        lambda: x + 1,
        lambda: x.exp(),
        lambda: x.shape,
        lambda: x[0],
        lambda: x.device,
        lambda: len(x),
        lambda: bool(x),
        lambda: repr(x),
        lambda: x.__setitem__(0, 1),
        lambda: setattr(x, "data", x),
        lambda: pb.cat([x]),
    ):
        with pytest.raises(ZeroDivisionError):
            call()
    assert type(pb.ones(2) + 1) is pb.Tensor and _enabled()


def _enabled():
    return type(Named([1.0]) + 1) is Named


def test_no_reference_is_lost_or_kept():
    import sys

    x, t = Named([1.0, 2.0]), pb.ones(2)
    for _ in range(3):
        (x + t).sum(), x.shape, x[0], pb.cat([x, t])
    before = sys.getrefcount(x), sys.getrefcount(t), sys.getrefcount(Named)
    for _ in range(200):
        (x + t).sum(), x.shape, x[0], pb.cat([x, t])
    gc.collect()
    after = sys.getrefcount(x), sys.getrefcount(t), sys.getrefcount(Named)
    assert all(abs(a - b) < 20 for a, b in zip(before, after, strict=True))


def test_metadata_travels():
    """The example of PyTorch's documentation, in its way: a tensor with a unit, and a function that is answered otherwise."""
    answered = {}

    class Unit(pb.Tensor):
        unit = "m"

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func in answered:
                return answered[func](*args, **(kwargs or {}))
            result = super().__torch_function__(func, types, args, kwargs)
            if isinstance(result, cls):
                result.unit = next((each.unit for each in args if isinstance(each, cls)), "m")
            return result

    answered[pb.mean] = lambda x: "the mean"
    x = pb.tensor([1.0, 2.0]).as_subclass(Unit)
    x.unit = "kg"
    assert (x + 1).unit == "kg" and (2 * x).exp().unit == "kg"
    assert x.mean() == pb.mean(x) == "the mean"


def test_copies_keep_the_class():
    x = Named([1.0, 2.0])
    x.label = "a"
    for made in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(made) is Named and made.tolist() == [1, 2] and made.label == "a"


def test_a_subclass_in_a_network_and_in_transforms():
    net = pb.nn.Sequential(pb.nn.Linear(2, 3), pb.nn.Tanh(), pb.nn.Linear(3, 1))
    x = pb.randn(4, 2)
    y = net(x.as_subclass(Named))
    assert type(y) is Named and pb.equal(y.as_subclass(pb.Tensor), net(x))
    y.pow(2).mean().backward()
    assert all(type(p.grad) is pb.Tensor for p in net.parameters())
    g = pb.func.grad(lambda v: (v.as_subclass(Named) ** 3).sum())(pb.tensor([1.0, 2.0]))
    assert g.tolist() == [3, 12]
    _, tangent = pb.func.jvp(lambda v: v.as_subclass(Named).exp(), (pb.zeros(2),), (pb.ones(2),))
    assert tangent.tolist() == [1, 1]


def test_functions_of_ones_own():
    @overrides.wrap_torch_function(lambda x, scale=1: (x,))
    def scaled(x, scale=1):
        return x * scale

    assert scaled(pb.ones(1), 2).tolist() == [2]
    assert type(scaled(Named([1.0]), scale=2)) is Named
    assert scaled(Answers())[1:] == (1, {})

    class Refuses:
        @classmethod
        def __torch_function__(cls, *args):
            return NotImplemented

    with pytest.raises(TypeError, match=r"no implementation found for '.*scaled' on types that implement"):
        scaled(Refuses())
    assert overrides.handle_torch_function(pb.exp, (Answers(),), 1, a=2) == ("pullback.exp", 1, {"a": 2})


def test_which_functions_there_are():
    homes = overrides.get_overridable_functions()
    assert {pb, pb.nn.functional, pb.linalg, pb.Tensor} <= set(homes)
    assert pb.exp in homes[pb] and pb.Tensor.shape.__get__ in homes[pb.Tensor]
    ignored = overrides.get_ignored_functions()
    assert pb.tensor in ignored and pb.exp not in ignored
    dummies = overrides.get_testing_overrides()
    assert dummies[pb.add](1, 2, alpha=3) == -1 and not set(ignored) & set(dummies)
    with pytest.raises(TypeError):
        dummies[pb.add](1, 2, 3, 4, 5)
    assert pb.Tensor.grad.__get__ in overrides.get_default_nowrap_functions()


def test_names_of_functions():
    assert overrides.resolve_name(pb.linalg.det) == "pullback.linalg.det"
    assert overrides.resolve_name(pb.Tensor.__getitem__) == "pullback.Tensor.__getitem__"
    assert overrides.resolve_name(pb.Tensor.requires_grad.__get__) == "pullback.Tensor.requires_grad.__get__"
    assert overrides.resolve_name(3) is None and overrides.resolve_name([]) is None
    assert overrides.is_tensor_method_or_property(pb.Tensor.shape.__get__)
    assert overrides.is_tensor_method_or_property(pb.Tensor.exp)
    assert not overrides.is_tensor_method_or_property(pb.nn.functional.relu)


class Logging(overrides.TorchFunctionMode):
    def __init__(self, name, log):
        self.name, self.log = name, log

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.log.append((self.name, programs.name_of(func)))
        return func(*args, **(kwargs or {}))


def test_modes():
    log = []
    x = pb.ones(2)
    with Logging("outer", log), Logging("inner", log) as inner:
        assert (x + 1).tolist() == [2, 2] and isinstance(inner, Logging)
        pb.nn.functional.mse_loss(x, x)
    names = ["add", "tolist", "mse_loss"]
    assert log == [(mode, name) for name in names for mode in ("inner", "outer")]
    assert (x + 1).tolist() == [2, 2] and len(log) == 6
    with Logging("one", log):
        with overrides.DisableTorchFunction():
            x + 1
        assert overrides.has_torch_function_unary(x)
        assert type(Named([1.0]) + 1) is Named
    assert [name for mode, name in log if mode == "one"] == ["add"]


def test_a_mode_that_answers():
    class Zeros(overrides.BaseTorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func is pb.exp:
                return "exp"
            return super().__torch_function__(func, types, args, kwargs)

    with Zeros.push():
        assert pb.ones(1).exp() == "exp" and (pb.ones(1) + 1).item() == 2
    with pytest.raises(NotImplementedError), overrides.TorchFunctionMode():
        pb.ones(1).exp()
    assert pb.ones(1).exp().item() > 2
