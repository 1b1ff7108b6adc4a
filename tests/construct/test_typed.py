"""What is older: FloatTensor and its kin, `new`, `set_`, set_default_tensor_type; beside PyTorch where it is installed."""

import numpy as np
import pytest
import twins
from tables import calls

import pullback as pb

PROGRAMS = """
m.FloatTensor([1, 2]); m.FloatTensor((1.5, 2)); m.FloatTensor(range(3)); m.FloatTensor(); m.LongTensor([[1], [2]])
m.LongTensor([1.7]); m.BoolTensor([1, 0]); m.ByteTensor([200]); m.CharTensor([-3]); m.ShortTensor([1]); m.IntTensor([1])
m.DoubleTensor([0.1]); m.FloatTensor(m.Size([0, 3])); m.DoubleTensor(0, 2); m.LongTensor(0); m.FloatTensor(x); m.LongTensor(i)
x.new([1, 2]); x.new(0, 3); x.new(x); x.new(); i.new([3, 4]); x.new(m.Size([0])); x.type(m.LongTensor); i.type(m.DoubleTensor)
x.type('torch.LongTensor'); m.FloatTensor(0, device='cpu')
m.FloatTensor(i); m.LongTensor(x); m.FloatTensor(3.5); m.FloatTensor('a'); m.FloatTensor([[1], [2, 3]]); x.new(2.5); i.new(x)
m.FloatTensor(x=1); m.FloatTensor(None)
x.set_(m.ones(2, 3).t()); x.set_(); i.set_(m.arange(6), 1, (2, 2)); i.set_(m.arange(6), 0, (2, 2), (1, 2)); x.set_(i); x.set_(3)
x.set_(m.ones(2, 3).t(), 0, (2,)); m.ones(2, requires_grad=True).set_(x)
"""


def inputs(m):
    return {"x": m.tensor([1.5, 2.5]), "i": m.tensor([3, 4])}


@pytest.mark.torch
@pytest.mark.parametrize("program", calls(PROGRAMS))
def test_as_pytorch(program):
    import torch

    theirs, their_error, _ = twins.evaluate(program, torch, inputs(torch))
    ours, our_error, _ = twins.evaluate(program, pb, inputs(pb))
    if their_error is not None:
        assert type(our_error) is type(their_error)
        return
    alias = {
        "view",
        "version",
    }  # what is made of a tensor is a leaf over its memory here, not a view; and new memory, no new version
    assert our_error is None
    facts, expected = twins.facts(ours), twins.facts(theirs)
    assert {key: facts[key] for key in facts.keys() - alias} == {
        key: expected[key] for key in facts.keys() - alias
    }
    assert ours.tolist() == theirs.tolist()


KINDS = "Float Double Long Int Short Char Byte Bool".split()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_knows_its_own(kind):
    made = getattr(pb, f"{kind}Tensor")
    x = made(np.array([1, 0]))
    assert isinstance(x, made) and x.dtype is made.dtype and x.tolist() == [1, 0] and type(x) is pb.Tensor
    assert x.type() == f"pullback.{kind}Tensor" and made.__name__ in repr(made)
    others = [getattr(pb, f"{other}Tensor") for other in KINDS if other != kind]
    assert not any(isinstance(x, other) for other in others) and not isinstance(3, made)


def test_set_default_tensor_type():
    with pytest.warns(UserWarning, match="is deprecated as of PyTorch 2.1"):
        pb.set_default_tensor_type("torch.DoubleTensor")
    assert pb.tensor(1.5).dtype is pb.float64
    with pytest.warns(UserWarning):
        pb.set_default_tensor_type(pb.FloatTensor)
    assert pb.tensor(1.5).dtype is pb.float32
    for wrong in (pb.LongTensor, 3, "Nonsense"):
        with (
            pytest.warns(UserWarning),
            pytest.raises(TypeError, match="only floating-point types are supported"),
        ):
            pb.set_default_tensor_type(wrong)


def test_set_in_an_optimiser():
    p = pb.ones(2, requires_grad=True)
    loss = (p * p).sum()  # keeps what p was
    with pb.no_grad():
        assert p.set_(pb.full((2,), 7.0)) is p
    assert p.requires_grad and p.is_leaf and p.tolist() == [7, 7]
    loss.backward()
    assert p.grad.tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place"):
        p.set_(pb.ones(2))
    with pytest.raises(RuntimeError, match="carries a tangent"):
        pb.func.jvp(lambda v: pb.zeros(2).set_(v).sum(), (pb.ones(2),), (pb.ones(2),))
    with pytest.raises(RuntimeError, match="require.* the 2 elements of the storage"):
        pb.ones(2).set_(pb.ones(2), 1, (4,))
