"""einsum, tensordot, kron, inner, chains of products."""

import numpy as np
import pytest
from checks import check, tensor

import pullback as pb
from pullback.operators import einsum as einsum_module
from pullback.operators.products import multi_dot

EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij,kj->ki", (2, 3), (4, 3)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->i", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iji->j", (3, 2, 3)),
    ("iii->i", (2, 2, 2)),
    ("iijj->ij", (2, 2, 3, 3)),
    ("i,i", (3,), (3,)),
    ("i,i->i", (3,), (3,)),
    ("i,j", (3,), (4,)),
    ("i,j->ji", (3,), (4,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bij,bjk->ikb", (2, 3, 4), (2, 4, 5)),
    ("bij,kj->bki", (2, 3, 4), (5, 4)),
    ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
    ("...ij,...jk->...ik", (5, 1, 2, 3), (4, 3, 2)),
    ("...ij", (3, 2, 2)),
    ("i...->i", (2, 3, 4)),
    ("i...", (2, 3, 4)),
    ("...i,...i->...", (2, 3), (3,)),
    ("...,...->...", (2, 3), (3,)),
    ("ij,jk->ik", (2, 1), (3, 4)),
    ("ij,ij->ij", (2, 1), (2, 3)),
    ("bn,anm,bm->ba", (2, 3), (4, 3, 5), (2, 5)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ij,jk,kl,lm->im", (6, 2), (2, 5), (5, 3), (3, 1)),
    (",", (), ()),
    ("", ()),
    ("a,,b->ab", (2,), (), (3,)),
    ("aB,c", (2, 3), (4,)),
    (" i j , j k -> i k ", (2, 3), (3, 4)),
    ("ij,kl->jl", (2, 3), (4, 5)),
    ("ij,ik,il->jkl", (2, 2), (2, 3), (2, 4)),
    ("abc,cd,be->ade", (2, 3, 4), (4, 2), (3, 3)),
    ("i,i,i->", (3,), (3,), (3,)),
    ("ab,bc,cd,de,ef,fg,ga->", *[(2, 2)] * 7),
    ("ij,ij->", (2, 3), (2, 3)),
    ("abij,abjk->abik", (2, 3, 2, 2), (2, 3, 2, 3)),
    ("ij->ij", (2, 3)),
    ("ij,j", (2, 3), (3,)),
    ("ij,j->ij", (0, 3), (3,)),
    ("ij,jk->ik", (2, 0), (0, 3)),
    ("ji,jk->ik", (3, 2), (3, 4)),
    ("ij,jk->ki", (2, 3), (3, 4)),
]


def draw(shapes):
    rng = np.random.default_rng(7)
    return [rng.standard_normal(s) for s in shapes]


def broadcast_einsum(equation, arrays):
    """NumPy's einsum, which refuses labels of size one beside another size where PyTorch broadcasts."""
    import re

    left = equation.replace(" ", "").split("->")[0].split(",")
    sizes = {}
    for term, array in zip(left, arrays):
        if "..." not in term:
            for letter, size in zip(term, array.shape):
                sizes[letter] = max(sizes.get(letter, 1), size)
    wide = [
        np.broadcast_to(a, [sizes[c] for c in t]) if "..." not in t and 0 not in a.shape else a
        for t, a in zip(left, arrays)
    ]
    left, arrow, right = re.sub(" ", "", equation).partition("->")
    if (
        arrow and "..." in left and "..." not in right
    ):  # PyTorch sums over what an ellipsis covers, NumPy refuses
        y = np.einsum(f"{left}->...{right}", *wide)
        return y.sum(axis=tuple(range(y.ndim - len(right))))
    return np.einsum(left + arrow + right, *wide)


@pytest.mark.parametrize("equation, shapes", [(e, s) for e, *s in EQUATIONS], ids=str)
def test_einsum(equation, shapes):
    arrays = draw(shapes)
    expected = broadcast_einsum(equation, arrays)
    y = pb.einsum(equation, *map(tensor, arrays))
    assert tuple(y.shape) == expected.shape
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        pb.einsum(equation, list(map(tensor, arrays))).numpy(), expected, rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize(
    "equation, shapes", [(e, s) for e, *s in EQUATIONS if not any(0 in x for x in s)], ids=str
)
def test_einsum_derivatives(equation, shapes):
    check(lambda *x: pb.einsum(equation, *x), *draw(shapes))


@pytest.mark.torch
@pytest.mark.parametrize("equation, shapes", [(e, s) for e, *s in EQUATIONS], ids=str)
def test_einsum_against_pytorch(equation, shapes):
    import torch

    for dtype in ("float32", "int32", "int64"):
        arrays = [np.asarray(4 * a).astype(dtype) for a in draw(shapes)]
        y = pb.einsum(equation, *map(tensor, arrays))
        z = torch.einsum(equation, *map(torch.tensor, arrays))
        assert y.shape == tuple(z.shape) and str(y.dtype).split(".")[1] == str(z.dtype).split(".")[1]
        np.testing.assert_allclose(y.numpy(), z.numpy(), rtol=1e-4, atol=1e-4)


def test_lists_of_numbers():
    a, b = map(tensor, draw([(2, 3), (3, 4)]))
    expected = (a @ b).numpy()
    np.testing.assert_allclose(pb.einsum(a, [0, 1], b, [1, 2], [0, 2]).numpy(), expected)
    np.testing.assert_allclose(pb.einsum(a, [0, 1], b, [1, 2]).numpy(), expected)
    np.testing.assert_allclose(pb.einsum(a, [0, 51], b, [51, 2], [2, 0]).numpy(), expected.T)
    np.testing.assert_allclose(pb.einsum(a, [..., 1], [1, ...]).numpy(), a.numpy().T)


def test_many_operands_are_contracted_in_a_good_order():
    # From the left this would build tensors of 40^3 elements and more.
    n = 40
    steps = einsum_module.plan("abcd,a,b,c,d->", ((n,) * 4, (n,), (n,), (n,), (n,)))
    products = [step for step in steps if step[0].__name__ in ("_contract", "_multiply")]
    assert len(products) == 4
    chain = einsum_module.plan("ab,bc,cd->ad", ((100, 2), (2, 100), (100, 2)))
    first = next(step for step in chain if step[0].__name__ == "_contract")
    assert first[1:3] == (1, 2)  # (2 x 100) (100 x 2) comes first


ERRORS = [
    ("ij,jk->ik", [(2, 3)], "einsum(): fewer operands were provided than specified in the equation"),
    ("ij->ij", [(2, 3), (2,)], "einsum(): more operands were provided than specified in the equation"),
    (
        "ijk->i",
        [(2, 3)],
        "einsum(): the number of subscripts in the equation (3) does not match the number of dimensions (2) for operand 0 and no ellipsis was given",  # noqa: E501
    ),
    ("ij->k", [(2, 3)], "einsum(): output subscript k does not appear in the equation for any input operand"),
    ("ii->i", [(2, 3)], "einsum(): subscript i is repeated for operand 0 but the sizes don't match, 3 != 2"),
    (
        "ij,jk->ik",
        [(2, 3), (2, 4)],
        "einsum(): subscript j has size 2 for operand 1 which does not broadcast with previously seen size 3",
    ),
    ("ij->ii", [(2, 2)], "einsum(): output subscript i appears more than once in the output"),
    (
        "i1->i",
        [(2, 2)],
        "einsum(): invalid subscript given at index 1 in the equation string, subscripts must be in [a-zA-Z]",
    ),
    ("...i...->i", [(2, 2)], "einsum(): found '.' for operand 0 for which an ellipsis was already found"),
    ("..i->i", [(2, 2)], "einsum(): found '.' for operand 0 that is not part of any ellipsis"),
    ("ij->i.", [(2, 2)], "einsum(): found '.' for output that is not part of any ellipsis (...)"),
]


@pytest.mark.torch
@pytest.mark.parametrize("equation, shapes, message", ERRORS, ids=str)
def test_einsum_errors_against_pytorch(equation, shapes, message):
    import torch

    for m in (pb, torch):
        with pytest.raises(RuntimeError) as caught:
            m.einsum(equation, *map(m.zeros, shapes))
        assert str(caught.value).startswith(message)


def test_einsum_misuse():
    with pytest.raises(ValueError, match="must specify the equation string and at least one operand"):
        pb.einsum("ij")
    with pytest.raises(RuntimeError, match="dimension 0 covered by ellipsis in operand 1 has size 4 which"):
        pb.einsum("...,...->...", pb.zeros(2, 3), pb.zeros(4, 3))
    with pytest.raises(ValueError, match="not within the valid range"):
        pb.einsum(pb.zeros(2, 3), [0, 52])
    with pytest.raises(TypeError, match="argument 'equation'"):
        pb.einsum(3, pb.zeros(2))
    with pytest.raises(TypeError, match="expected Tensor as element 1 in argument 1, but got int"):
        pb.einsum("i,i", pb.zeros(2), 2)


# ---- tensordot, kron, chains ----

TENSORDOT = [
    ((2, 3, 4), (3, 4, 5), 2),
    ((2, 3), (3, 4), 1),
    ((2, 3), (4, 5), 0),
    ((2, 3, 4), (4, 2, 5), ([0, 2], [1, 0])),
    ((2, 3), (2, 3), ([0, 1], [0, 1])),
    ((2, 3, 4), (3,), ([1], [0])),
    ((2, 3), (4, 3), ([-1], [-1])),
    ((), (), 0),
]


@pytest.mark.parametrize("a, b, dims", TENSORDOT, ids=str)
def test_tensordot(a, b, dims):
    x, y = draw([a, b])
    np.testing.assert_allclose(
        pb.tensordot(tensor(x), tensor(y), dims=dims).numpy(),
        np.tensordot(x, y, dims),
        rtol=1e-12,
        atol=1e-12,
    )
    check(lambda s, t: pb.tensordot(s, t, dims=dims), *draw([a, b]))


@pytest.mark.torch
def test_tensordot_errors_against_pytorch():
    import torch

    for a, b, dims, message in [
        ((2, 3), (4, 3), 1, "contracted dimensions need to match, but first has size 3 in dim"),
        ((2, 3), (4, 3), ([1, 0], [1]), "both dimension lists should have same length"),
        ((2, 3), (4, 3), -1, "tensordot expects dims >= 0, but got dims=-1"),
        ((2, 3), (4, 3), 3, "tensordot expects dims < ndim_a or ndim_b, but got dims=3"),
        ((2, 3), (3, 4), ([1, 1], [0, 0]), "dim 1 appears multiple times in the list of dims"),
    ]:
        for m in (pb, torch):
            with pytest.raises(RuntimeError) as caught:
                m.tensordot(m.zeros(a), m.zeros(b), dims=dims)
            assert str(caught.value).startswith(message)
    assert tuple(pb.tensordot(pb.zeros(2, 1), pb.zeros(3, 4), dims=1).shape) == (2, 4)


@pytest.mark.parametrize(
    "a, b", [((2, 3), (3, 2)), ((2,), (2, 3)), ((), (2, 3)), ((2, 1, 2), (3,)), ((0, 2), (2, 2))], ids=str
)
def test_kron(a, b):
    x, y = draw([a, b])
    np.testing.assert_allclose(pb.kron(tensor(x), tensor(y)).numpy(), np.kron(x, y), rtol=1e-15)
    out = pb.empty(np.kron(x, y).shape, dtype=pb.float64)
    pb.kron(tensor(x), tensor(y), out=out)
    np.testing.assert_allclose(out.numpy(), np.kron(x, y), rtol=1e-15)
    if 0 not in a:
        check(pb.kron, *draw([a, b]))


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3), (3, 4)),
        ((2, 3), (3, 4), (4, 5)),
        ((3,), (3, 4), (4,)),
        ((3,), (3,)),
        ((9, 2), (2, 8), (8, 3), (3, 7)),
    ],
    ids=str,
)
def test_multi_dot(shapes):
    arrays = draw(shapes)
    expected = np.linalg.multi_dot(arrays)
    np.testing.assert_allclose(multi_dot(list(map(tensor, arrays))).numpy(), expected, rtol=1e-12, atol=1e-12)
    check(lambda *x: multi_dot(x), *draw(shapes))
    if all(len(s) == 2 for s in shapes):
        np.testing.assert_allclose(
            pb.chain_matmul(*map(tensor, arrays)).numpy(), expected, rtol=1e-12, atol=1e-12
        )


def test_multi_dot_errors():
    for shapes, message in [
        ([(2, 3)], "expected at least 2 tensors but got 1"),
        ([(2, 3), (4, 3)], r"tensors 0 and 1 with shapes \[2, 3\] and \[4, 3\] cannot be multiplied"),
        ([(2, 3), (4,), (3,)], "tensor 1 must be 2D but got 1D"),
        ([(2, 3, 4), (4, 3)], "the first tensor must be 1D or 2D but got 3D"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            multi_dot(list(map(pb.zeros, shapes)))
