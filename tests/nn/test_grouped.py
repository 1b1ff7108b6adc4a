"""Products in groups: beside loops over the groups, their derivatives, and bad input."""

import numpy as np
import pytest
from checks import check

import pullback as pb

draw = np.random.default_rng(6).standard_normal
F = pb.nn.functional


def whole(*numbers):
    return pb.tensor(numbers, dtype=pb.int32)


def test_rows_of_unlike_groups():
    a, b = draw((6, 3)), draw((4, 3, 2))
    found = F.grouped_mm(pb.tensor(a), pb.tensor(b), offs=whole(1, 1, 4, 5))
    known = np.concatenate([a[:1] @ b[0], a[1:4] @ b[2], a[4:5] @ b[3], np.zeros((1, 2))])
    np.testing.assert_allclose(found.numpy(), known, rtol=1e-12)


def test_columns_of_unlike_groups():
    a, b = draw((2, 4, 3)), draw((3, 5))
    found = F.grouped_mm(pb.tensor(a), pb.tensor(b), offs=whole(2, 4))
    known = np.concatenate([a[0] @ b[:, :2], a[1] @ b[:, 2:4], np.zeros((4, 1))], 1)
    np.testing.assert_allclose(found.numpy(), known, rtol=1e-12)


def test_sums_over_unlike_groups():
    a, b = draw((2, 5)), draw((5, 3))
    found = F.grouped_mm(pb.tensor(a), pb.tensor(b), offs=whole(2, 2, 4))
    known = [a[:, :2] @ b[:2], np.zeros((2, 3)), a[:, 2:4] @ b[2:4]]
    np.testing.assert_allclose(found.numpy(), known, rtol=1e-12)
    assert F.grouped_mm(pb.tensor(a), pb.tensor(b), offs=whole()).shape == (0, 2, 3)


def test_one_product_for_each():
    a, b = draw((3, 2, 4)), draw((3, 4, 5))
    np.testing.assert_allclose(F.grouped_mm(pb.tensor(a), pb.tensor(b)).numpy(), a @ b, rtol=1e-12)


@pytest.mark.parametrize(
    "a, b, offs",
    [
        ((3, 2), (2, 2, 2), (1, 2)),
        ((2, 2, 3), (3, 3), (2, 3)),
        ((2, 3), (3, 2), (1, 3)),
        ((2, 1, 2), (2, 2, 3), None),
    ],
)
def test_every_mode(a, b, offs):
    check(lambda x, y: F.grouped_mm(x, y, offs=None if offs is None else whole(*offs)), draw(a), draw(b))


ROWS, GROUPS = pb.ones(4, 3), pb.ones(2, 3, 5)


@pytest.mark.parametrize(
    "given, options, text",
    [
        ((ROWS, GROUPS), {}, "Have to provide offsets if there is a 2d matrix"),
        ((GROUPS.mT, GROUPS), {"offs": whole(1, 2)}, "Have to provide offsets if there is a 2d matrix"),
        ((ROWS, GROUPS), {"offs": pb.tensor([1, 2])}, "Offsets have to be int32"),
        ((ROWS, GROUPS), {"offs": whole(1, 2)[None]}, "offs has to be 1D"),
        ((ROWS, GROUPS), {"offs": whole(1, 2, 3)}, "matrix batch sizes have to match"),
        ((GROUPS.mT, GROUPS[:1]), {}, "batched dimension has to match"),
        ((ROWS[:, :2], GROUPS), {"offs": whole(1, 2)}, "contraction dimension of mat_a and mat_b must match"),
        ((ROWS[0], GROUPS), {"offs": whole(1, 2)}, "mat_a has to be 2 or 3d"),
        ((ROWS.double(), GROUPS), {"offs": whole(1, 2)}, "expected m1 and m2 to have the same dtype"),
        ((ROWS.long(), GROUPS), {"offs": whole(1, 2)}, "Expected mat_a to be Float32, BFloat16 or Float16"),
        ((ROWS, GROUPS), {"offs": whole(1, 2), "bias": ROWS}, "Bias not supported yet"),
        ((ROWS, GROUPS), {"offs": whole(1, 2), "out_dtype": pb.float16}, "Grouped gemm output dtype must"),
        ((ROWS, GROUPS), {"offs": whole(2, 1)}, "offs has to ascend from 0 to 4"),
        ((ROWS, GROUPS), {"offs": whole(2, 5)}, "offs has to ascend from 0 to 4"),
    ],
)
def test_bad_input(given, options, text):
    with pytest.raises(RuntimeError, match=text):
        F.grouped_mm(*given, **options)
