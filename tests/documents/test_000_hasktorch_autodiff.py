"""Hasktorch's page on automatic differentiation (as it stands in its site's source), in Python.

Its Haskell prints through `show`; here `pullback.independent` is the same two verbs and the same notation.
"""

import dataclasses

import pullback as pb
from pullback.independent import (
    IndependentTensor,
    format,
    grad,
    make_independent,
    requires_grad,
    show,
    to_dependent,
)


def test_an_independent_tensor_wraps_the_tensor_it_was_given():
    # newtype IndependentTensor = IndependentTensor {toDependent :: Tensor}
    y = make_independent(pb.tensor([4.0, 5.0, 6.0]))
    assert type(y) is IndependentTensor
    assert [field.name for field in dataclasses.fields(y)] == ["to_dependent"]
    assert to_dependent(y) is y.to_dependent
    assert to_dependent(y).tolist() == [4.0, 5.0, 6.0]


def test_what_is_differentiable():
    x = pb.tensor([1.0, 2.0, 3.0])
    y = make_independent(pb.tensor([4.0, 5.0, 6.0]))
    y_ = to_dependent(y)
    z = x + y_

    assert requires_grad(x) is False
    assert requires_grad(y_) is True
    assert requires_grad(z) is True
    assert z.tolist() == [5.0, 7.0, 9.0]


def test_constructors_outside_a_variable_are_constants():
    for constant in (pb.ones(2), pb.zeros(2), pb.full((2,), 3.0), pb.rand(2)):
        assert requires_grad(constant) is False
        assert requires_grad(constant * 2 + 1) is False


def test_gradients(capsys):
    a = make_independent(pb.ones(2, 2))
    a_ = to_dependent(a)
    assert format(a_) == "Tensor Float [2,2] [[ 1.0000 , 1.0000 ],\n[ 1.0000 , 1.0000 ]]"

    b = a_ + 2
    assert format(b) == "Tensor Float [2,2] [[ 3.0000 , 3.0000 ],\n[ 3.0000 , 3.0000 ]]"
    assert requires_grad(b) is True

    c = b * b * 3
    out = c.mean()
    assert format(c) == "Tensor Float [2,2] [[ 27.0000 , 27.0000 ],\n[ 27.0000 , 27.0000 ]]"

    gradients = grad(out, [a])
    assert isinstance(gradients, list) and len(gradients) == 1
    show(gradients)
    assert capsys.readouterr().out == "[ Tensor Float [2,2] [[ 4.5000 , 4.5000 ],\n[ 4.5000 , 4.5000 ]]]\n"


def test_grad_is_a_function_and_can_be_called_again():
    a = make_independent(pb.ones(2, 2))
    out = ((to_dependent(a) + 2) ** 2 * 3).mean()
    assert format(grad(out, [a])) == format(grad(out, [a]))
    assert to_dependent(a).grad is None
