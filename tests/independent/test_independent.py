"""The functional face: variables, pure gradients, structures, errors, and Hasktorch's notation."""

import collections

import pytest

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


def test_make_independent_leaves_its_argument_alone():
    t = pb.tensor([1.0, 2.0])
    a = make_independent(t)
    assert not t.requires_grad and t.grad is None
    t.mul_(10)
    assert to_dependent(a).tolist() == [1.0, 2.0]
    assert to_dependent(a).is_leaf and to_dependent(a) is a.to_dependent


def test_a_variable_made_from_a_computed_value_starts_a_graph_of_its_own():
    a = make_independent(pb.tensor(3.0))
    b = make_independent(to_dependent(a) * 2)
    output = to_dependent(b) ** 2
    assert grad(output, [b])[0].item() == 12.0
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        grad(output, [a])


def test_an_independent_tensor_is_frozen():
    a = make_independent(pb.ones(1))
    assert isinstance(a, IndependentTensor)
    with pytest.raises(AttributeError):
        a.to_dependent = pb.zeros(1)
    assert len({a, a, make_independent(pb.ones(1))}) == 2  # hashed, and equal, by identity


def test_grad_is_pure():
    a, b = make_independent(pb.tensor([1.0, 2.0])), make_independent(pb.tensor([3.0, 4.0]))
    output = (to_dependent(a) * to_dependent(b)).exp().sum()
    first = grad(output, [a])
    second = grad(output, [b])
    again = grad(output, [a, b])
    assert to_dependent(a).grad is None and to_dependent(b).grad is None
    assert first[0].tolist() == again[0].tolist()
    assert second[0].tolist() == again[1].tolist()
    step = 1e-6
    x = pb.tensor([1.0, 2.0], dtype=pb.float64)
    y = pb.tensor([3.0, 4.0], dtype=pb.float64)
    shift = pb.tensor([0.0, step], dtype=pb.float64)
    slope = (((x + shift) * y).exp().sum() - ((x - shift) * y).exp().sum()).item() / (2 * step)
    assert first[0][1].item() == pytest.approx(slope, rel=1e-5)


Pair = collections.namedtuple("Pair", "left right")


def test_structures_come_back_as_they_went_in():
    parameters = make_independent({"layers": [(pb.ones(2, 3), pb.ones(2)), (pb.ones(1, 2), pb.ones(1))]})
    assert isinstance(parameters["layers"][1], tuple)
    values = to_dependent(parameters)
    x = pb.tensor([1.0, 2.0, 3.0])
    for weight, bias in values["layers"]:
        x = weight @ x + bias
    gradients = grad(x.sum(), parameters)
    assert list(gradients) == ["layers"]
    assert [[list(g.shape) for g in layer] for layer in gradients["layers"]] == [[[2, 3], [2]], [[1, 2], [1]]]
    assert gradients["layers"][0][0].tolist() == [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    assert gradients["layers"][1][0].tolist() == [[7.0, 7.0]]

    pair = make_independent(Pair(pb.tensor(2.0), pb.tensor(5.0)))
    left, right = to_dependent(pair)
    assert grad(left * right, pair) == Pair(pb.tensor(5.0), pb.tensor(2.0))
    assert grad(left * right, collections.OrderedDict(x=pair.left))["x"].item() == 5.0


def test_one_variable_and_none():
    a = make_independent(pb.tensor(3.0))
    output = to_dependent(a) ** 2
    assert grad(output, a).item() == 6.0
    assert grad(output, (a, a))[1].item() == 6.0
    assert grad(output, []) == [] and grad(output, {"none": ()}) == {"none": ()}


def test_every_order():
    x = make_independent(pb.tensor(2.0, dtype=pb.float64))
    derivative = to_dependent(x) ** 4
    for expected in (32.0, 48.0, 48.0, 24.0):
        derivative = grad(derivative, x, create_graph=True)
        assert derivative.item() == pytest.approx(expected)


def test_several_outputs_want_a_cotangent():
    x = make_independent(pb.tensor([1.0, 2.0]))
    y = to_dependent(x) ** 2
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        grad(y, [x])
    assert grad(y, [x], gradient=pb.tensor([1.0, 10.0]))[0].tolist() == [2.0, 40.0]


def test_an_unrelated_variable_is_named():
    a, b = make_independent(pb.ones(2)), make_independent(pb.ones(2, 3))
    output = to_dependent(a).sum()
    with pytest.raises(
        RuntimeError, match=r"not have been used in the graph.*\[2, 3\] at \['net'\]\[1\]\. Comp"
    ):
        grad(output, {"net": [a, b]})
    assert grad(output, [a, b], allow_unused=True)[1] is None
    with pytest.raises(RuntimeError, match="does not require grad"):
        grad(pb.ones(1), [a])


def test_wrong_kinds():
    with pytest.raises(RuntimeError, match="only Tensors of floating point"):
        make_independent(pb.tensor([1, 2]))
    with pytest.raises(TypeError, match=r"make_independent\(\): expected a Tensor, but got float at \[1\]"):
        make_independent([pb.ones(1), 2.0])
    with pytest.raises(TypeError, match=r"expected an IndependentTensor, but got Tensor at \[0\]: wrap it"):
        grad(pb.ones(1), [pb.ones(1)])
    with pytest.raises(TypeError, match=r"to_dependent\(\): expected an IndependentTensor, but got None"):
        to_dependent(None)
    with pytest.raises(TypeError, match=r"requires_grad\(\): expected a Tensor"):
        requires_grad(3)
    with pytest.raises(TypeError, match=r"grad\(\): expected a Tensor to differentiate, but got float"):
        grad(1.0, [])


NOTATION = [
    (pb.tensor(4.5), "Tensor Float [] 4.5000"),
    (pb.tensor(-1.0, dtype=pb.float64), "Tensor Double [] -1.0000"),
    (pb.ones(2), "Tensor Float [2] [ 1.0000 , 1.0000 ]"),
    (pb.tensor([1.0, 0.0, -1.0]), "Tensor Float [3] [ 1.0000 , 0.0000, -1.0000 ]"),
    (pb.tensor([-0.05, 2.0e7]), "Tensor Float [2] [-5.0000e-2, 2.0000e7 ]"),
    (pb.tensor([float("nan"), float("inf")]), "Tensor Float [2] [NaN, Infinity ]"),
    (pb.tensor([1, -2, 300]), "Tensor Int64 [3] [ 1, -2, 300]"),
    (pb.tensor([1, 2], dtype=pb.int32), "Tensor Int32 [2] [ 1, 2]"),
    (pb.tensor([255], dtype=pb.uint8), "Tensor UInt8 [1] [ 255]"),
    (pb.tensor([True, False, True]), "Tensor Bool [3] [ 1, 0, 1]"),
    (pb.tensor([[1.0, 2.0], [3.0, 4.0]]), "Tensor Float [2,2] [[ 1.0000 , 2.0000 ],\n[ 3.0000 , 4.0000 ]]"),
    (pb.tensor([[[1], [2]], [[3], [4]]]), "Tensor Int64 [2,2,1] [[[ 1],\n[ 2]],\n[[ 3],\n[ 4]]]"),
    (pb.zeros(0), "Tensor Float [0] []"),
    (pb.zeros(2, 0), "Tensor Float [2,0] [[],\n[]]"),
    (pb.zeros(0, 3), "Tensor Float [0,3] []"),
    ([pb.tensor(1), pb.tensor(2.0)], "[ Tensor Int64 [] 1,\nTensor Float [] 2.0000]"),
    ((pb.tensor(1),), "( Tensor Int64 [] 1)"),
    ({"w": pb.tensor([1]), "n": 3}, "{ w: Tensor Int64 [1] [ 1],\nn: 3}"),
    ([], "[]"),
    ({}, "{}"),
    (True, "True"),
]


@pytest.mark.parametrize("value, text", NOTATION, ids=[text.replace("\n", " ") for _, text in NOTATION])
def test_notation(value, text, capsys):
    assert format(value) == text
    show(value)
    assert capsys.readouterr().out == text + "\n"


def test_notation_of_a_variable():
    assert format(make_independent(pb.ones(1))) == (
        "IndependentTensor {toDependent = Tensor Float [1] [ 1.0000 ]}"
    )


def test_aligned_notation():
    text = format(pb.arange(12).reshape(2, 2, 3), aligned=True)
    assert text == (
        "Tensor Int64 [2,2,3] [[[ 0,  1,  2],\n"
        "                       [ 3,  4,  5]],\n"
        "                      [[ 6,  7,  8],\n"
        "                       [ 9,  10,  11]]]"
    )
