"""Constraints: which values lie in a region, beside PyTorch; what depends on other values; what is made of others."""

import numpy as np
import pytest

import pullback as pb

C = pb.distributions.constraints
FACTOR = np.linalg.cholesky([[1.0, 0.3], [0.3, 1.0]]).tolist()
# As text over the module of constraints; values, some in, some not.
REGIONS = f"""
c.boolean                        ; [0.0, 1.0, 2.0, 0.5]
c.integer_interval(1, 3)         ; [0.0, 1.0, 2.5, 3.0, 4.0]
c.nonnegative_integer            ; [-1.0, 0.0, 0.5, 7.0]
c.positive_integer               ; [0.0, 1.0, 1.5]
c.real                           ; [0.0, float("nan"), float("inf")]
c.positive                       ; [0.0, 1.0, -1.0]
c.nonnegative                    ; [0.0, 1.0, -1.0]
c.greater_than(1.5)              ; [1.5, 2.0]
c.greater_than_eq(1.5)           ; [1.5, 2.0, 1.0]
c.less_than(1.5)                 ; [1.5, 1.0]
c.interval(-1.0, 1.0)            ; [-1.0, 1.0, 1.1]
c.half_open_interval(-1.0, 1.0)  ; [-1.0, 1.0, 0.9]
c.unit_interval                  ; [-0.1, 0.5, 1.0]
c.real_vector                    ; [[1.0, 2.0], [1.0, float("nan")]]
c.independent(c.positive, 1)     ; [[1.0, 2.0], [1.0, -2.0]]
c.one_hot                        ; [[1.0, 0.0], [1.0, 1.0], [0.5, 0.5]]
c.simplex                        ; [[0.5, 0.5], [0.5, 0.6], [1.5, -0.5]]
c.multinomial(3)                 ; [[1.0, 2.0], [2.0, 2.0], [-1.0, 0.0]]
c.lower_triangular               ; [[[1.0, 0.0], [2.0, -1.0]], [[1.0, 1.0], [0.0, 1.0]]]
c.lower_cholesky                 ; [[[1.0, 0.0], [2.0, -1.0]], [[1.0, 0.0], [2.0, 1.0]]]
c.corr_cholesky                  ; [{FACTOR}, [[1.0, 0.0], [0.5, 0.5]]]
c.square                         ; [[[1.0, 0.0], [2.0, -1.0]]]
c.square                         ; [[[1.0, 0.0]]]
c.symmetric                      ; [[[1.0, 0.0], [2.0, -1.0]], [[1.0, 2.0], [2.0, -1.0]]]
c.symmetric                      ; [[[1.0, 0.0]]]
c.positive_semidefinite          ; [[[1.0, 0.0], [0.0, -1.0]], [[1.0, 0.0], [0.0, 2.0]]]
c.positive_definite              ; [[[1.0, 0.0], [0.0, -1.0]], [[1.0, 0.5], [0.5, 2.0]]]
c.positive_definite              ; [[[1.0, 0.0], [0.5, 1.0]], [[1.0, 0.5], [0.5, 2.0]]]
c.cat([c.positive, c.real])      ; [-1.0, -1.0]
c.cat([c.positive, c.real], 1, [2, 1]) ; [[-1.0, 1.0, -1.0]]
c.stack([c.positive, c.real])    ; [[-1.0, 1.0], [-1.0, 3.0]]
c.stack([c.positive, c.simplex], -2) ; [[0.5, 0.5], [0.5, 0.5]]
c.MixtureSameFamilyConstraint(c.positive) ; [-1.0, 1.0]
c.MixtureSameFamilyConstraint(c.simplex) ; [[0.5, 0.5], [0.5, 0.6]]
"""
ROWS = [tuple(part.strip() for part in line.rsplit(" ; ", 1)) for line in REGIONS.strip().splitlines()]


def test_all_are_in_the_table():
    besides = {"Constraint", "dependent", "dependent_property", "is_dependent"}
    assert all(name in besides or f"c.{name}" in REGIONS for name in C.__all__)


@pytest.mark.torch
@pytest.mark.parametrize("text, value", ROWS)
def test_against_torch(text, value):
    torch, found = pytest.importorskip("torch"), []
    for m in (pb, torch):
        constraint = eval(text, {"c": m.distributions.constraints})
        try:
            inside = constraint.check(m.tensor(eval(value), dtype=m.float64))
            answer = inside.dtype == m.bool, inside.tolist()
        except Exception as error:
            answer = type(error).__name__
        found.append((repr(constraint), constraint.is_discrete, constraint.event_dim, answer))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "text, value", [row for row in ROWS if "cat" not in row[0] and "stack" not in row[0]]
)
def test_inside_of_a_vmap(text, value):
    constraint = eval(text, {"c": C})
    value = pb.tensor(eval(value), dtype=pb.float64)
    outside = constraint.check(value)
    if outside.dim() == 1 and "Mixture" not in text:
        assert pb.equal(pb.vmap(constraint.check)(value), outside)


def test_what_depends_on_other_values():
    assert C.is_dependent(C.dependent) and not C.is_dependent(C.real)
    with pytest.raises(NotImplementedError, match=r"\.event_dim cannot be determined statically"):
        C.dependent.event_dim
    with pytest.raises(NotImplementedError, match=r"\.is_discrete cannot be determined statically"):
        C.dependent.is_discrete
    known = C.dependent(is_discrete=True, event_dim=2)
    assert known.is_discrete and known.event_dim == 2 and known(event_dim=1).event_dim == 1
    with pytest.raises(ValueError, match="Cannot determine validity of dependent constraint"):
        C.dependent.check(pb.ones(1))
    support = pb.distributions.Uniform.support
    assert C.is_dependent(support) and support.event_dim == 0 and support.is_discrete is False

    class Mine:
        @C.dependent_property
        def support(self):
            return C.interval(0.0, 2.0)

    assert repr(Mine().support) == "Interval(lower_bound=0.0, upper_bound=2.0)"


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: C.independent(3, 1), "base_constraint must be a Constraint, got int"),
        (lambda: C.independent(C.real, 1.0), "reinterpreted_batch_ndims must be an int, got float"),
        (lambda: C.independent(C.real, -1), "reinterpreted_batch_ndims must be >= 0, got -1"),
        (lambda: C.MixtureSameFamilyConstraint(3), "base_constraint must be a Constraint, got int"),
        (lambda: C.cat([3]), "All elements of cseq must be Constraint instances"),
        (lambda: C.cat([C.real], lengths=[1, 2]), r"lengths \(2\) must match cseq \(1\)"),
        (lambda: C.cat([C.real], dim=1).check(pb.ones(1)), "dim 1 out of range for value with 1 dimensions"),
        (
            lambda: C.stack([C.real], dim=1).check(pb.ones(1)),
            "dim 1 out of range for value with 1 dimensions",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(AssertionError, match=message):
        make()


def test_too_few_dimensions():
    with pytest.raises(ValueError, match=r"Expected value.dim\(\) >= 1 but got 0"):
        C.real_vector.check(pb.tensor(1.0))
    with pytest.raises(NotImplementedError):
        C.Constraint().check(pb.ones(1))
