"""Least squares of what is not finite: an iteration of LAPACK's would not end."""

import pytest

import pullback as pb


@pytest.mark.parametrize("driver", ["gelsd", "gelss"])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused(driver, number):
    A = pb.ones(3, 2, dtype=pb.float64)
    A[0, 1] = number
    with pytest.raises(RuntimeError, match="should not contain infs or NaNs"):
        pb.linalg.lstsq(A, pb.ones(3, 1, dtype=pb.float64), driver=driver)
    each = pb.vmap(lambda b: pb.linalg.lstsq(pb.eye(2), b, driver=driver).solution)(pb.ones(4, 2, 1))
    assert each.shape == (4, 2, 1)
