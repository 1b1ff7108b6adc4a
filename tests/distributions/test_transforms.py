"""Transforms: round trips, determinants beside Jacobians, shapes, signs, caches, and everything beside PyTorch."""

import pickle

import numpy as np
import pytest
from checks import check
from tables import calls

import pullback as pb

D = pb.distributions
T = D.transforms
C = D.constraints

# As text over the module of distributions; an argument; whether the Jacobian is square.
TRANSFORMS = """
d.AbsTransform()                                                  ; [0.3, 1.2]              ;
d.AffineTransform(1.5, -2.0)                                      ; [0.3, -1.2]             ; bijective
d.AffineTransform(t([1.0, 2.0]), t([0.5, -3.0]))                  ; [0.3, -1.2]             ; bijective
d.AffineTransform(t([1.0, 2.0]), t([0.5, 3.0]), event_dim=1)      ; [0.3, -1.2]             ; bijective
d.ExpTransform()                                                  ; [0.3, -1.2]             ; bijective
d.PowerTransform(t(2.5))                                          ; [0.3, 1.2]              ; bijective
d.PowerTransform(t([-1.0, 0.5]))                                  ; [0.3, 1.2]              ; bijective
d.SigmoidTransform()                                              ; [0.3, -1.2]             ; bijective
d.transforms.SoftplusTransform()                                  ; [0.3, -1.2]             ; bijective
d.TanhTransform()                                                 ; [0.3, -1.2]             ; bijective
d.CumulativeDistributionTransform(d.Normal(t(0.5), t(2.0)))       ; [0.3, -1.2]             ; bijective
d.SoftmaxTransform()                                              ; [0.3, -1.2, 0.8]        ;
d.StickBreakingTransform()                                        ; [0.3, -1.2, 0.8]        ; bijective
d.CorrCholeskyTransform()                                         ; [0.3, -0.2, 0.8]        ; bijective
d.LowerCholeskyTransform()                                        ; [[0.3, 0.1], [-0.2, 1.0]] ;
d.PositiveDefiniteTransform()                                     ; [[0.3, 0.1], [-0.2, 1.0]] ;
d.ReshapeTransform((4,), (2, 2))                                  ; [0.3, -0.2, 0.8, 1.0]   ; bijective
d.IndependentTransform(d.ExpTransform(), 1)                       ; [[0.3, -1.2], [0.5, 0.1]] ; bijective
d.ComposeTransform([d.AffineTransform(0.5, 2.0), d.TanhTransform()]) ; [0.3, -1.2]          ; bijective
d.ComposeTransform([d.AffineTransform(0.5, 2.0), d.StickBreakingTransform()]) ; [0.3, -1.2] ; bijective
d.ComposeTransform([])                                            ; [0.3, -1.2]             ; bijective
d.CatTransform([d.ExpTransform(), d.AffineTransform(0.0, 2.0)], dim=0, lengths=[2, 1]) ; [0.3, -1.2, 0.8] ; bijective
d.CatTransform([d.ExpTransform(), d.AffineTransform(0.0, 2.0)], dim=-1) ; [[0.3, -1.2]] ; bijective
d.StackTransform([d.ExpTransform(), d.AffineTransform(0.0, 2.0)]) ; [[0.3, 0.4], [-1.2, 0.8]] ; bijective
"""
ROWS = [tuple(part.strip() for part in line.rsplit(";", 2)) for line in TRANSFORMS.strip().splitlines()]
IDS = [text for text, _, _ in ROWS]


def made(text, m=pb):
    return eval(text, {"d": m.distributions, "t": lambda x: m.tensor(x, dtype=m.float64)})


def argument(x, m=pb):
    return m.tensor(eval(x), dtype=m.float64)


def test_all_are_in_the_table():
    used = "".join(IDS) + "Transform,identity_transform"
    assert all(name in used for name in T.__all__)


@pytest.mark.parametrize("text, x, bijective", ROWS, ids=IDS)
def test_round_trip(text, x, bijective):
    transform, x = made(text), argument(x)
    assert transform.bijective == bool(bijective)
    y = transform(x)
    assert bool(transform.codomain.check(y).all())
    back = transform.inv(y)
    np.testing.assert_allclose(transform(back).numpy(), y.numpy(), rtol=1e-9)
    if bijective:
        np.testing.assert_allclose(back.numpy(), x.numpy(), rtol=1e-9)
    assert transform.inv.inv is transform
    assert tuple(transform.forward_shape(x.shape)) == y.shape
    assert tuple(transform.inverse_shape(y.shape)) == x.shape


@pytest.mark.parametrize("text, x, bijective", ROWS, ids=IDS)
def test_determinants_by_the_jacobian(text, x, bijective):
    if not bijective:
        return
    transform, x = made(text), argument(x)
    y = transform(x)
    found = transform.log_abs_det_jacobian(x, y)
    # A simplex has one number less than shares, a factor as many below its diagonal as the vector.
    reduced = {
        "StickBreaking": lambda y: y[..., :-1],
        "CorrCholesky": lambda y: D.utils.tril_matrix_to_vec(y, -1),
    }
    cut = next((f for name, f in reduced.items() if name in text), lambda y: y)
    jacobian = pb.func.jacrev(lambda x: cut(transform(x)).flatten())(x).reshape(x.numel(), x.numel())
    expected = np.linalg.slogdet(jacobian.numpy())[1]
    np.testing.assert_allclose(found.sum().item(), expected, rtol=1e-9, atol=1e-12)
    inverse = transform.inv.log_abs_det_jacobian(y, x)
    np.testing.assert_allclose(inverse.numpy(), -found.numpy())


@pytest.mark.parametrize("text, x, bijective", ROWS, ids=IDS)
def test_derivatives(text, x, bijective):
    transform = made(text)
    check(lambda x: transform(x), eval(x), layouts=("contiguous",))
    if bijective:
        check(
            lambda x: transform.log_abs_det_jacobian(x, transform(x)) * 1.0,
            eval(x),
            layouts=("contiguous",),
        )


@pytest.mark.torch
@pytest.mark.parametrize("text, x, bijective", ROWS, ids=IDS)
def test_against_torch(text, x, bijective):
    torch = pytest.importorskip("torch")
    ours, theirs = made(text), made(text, torch)
    assert repr(ours) == repr(theirs) and repr(ours.inv) == repr(theirs.inv)
    for attribute in ("domain", "codomain", "bijective"):
        assert repr(getattr(ours, attribute)) == repr(getattr(theirs, attribute))
    assert both(ours, theirs, lambda t: t.event_dim)
    assert both(ours, theirs, lambda t: np.asarray(t.sign).tolist())
    x, z = argument(x), argument(x, torch)
    y, w = ours(x), theirs(z)
    np.testing.assert_allclose(y.numpy(), w.numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.inv(y).numpy(), theirs.inv(w).numpy(), rtol=1e-9, atol=1e-12)
    if bijective:
        found, expected = ours.log_abs_det_jacobian(x, y), theirs.log_abs_det_jacobian(z, w)
        assert found.shape == tuple(expected.shape)
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-9, atol=1e-12)


def both(ours, theirs, ask):
    """Whether both answer alike, or raise alike."""
    found = []
    for transform in (ours, theirs):
        try:
            found.append(ask(transform))
        except (NotImplementedError, ValueError) as error:
            found.append((type(error), str(error)))
    return found[0] == found[1]


@pytest.mark.parametrize("text, x, bijective", ROWS, ids=IDS)
def test_caches(text, x, bijective):
    transform, x = made(text).with_cache(), argument(x)
    if "ComposeTransform" in text:  # its parts have them
        assert all(part._cache_size == 1 for part in transform.parts)
        return
    y = transform(x)
    assert transform.inv(y) is x and transform(x) is y
    assert transform.with_cache() is transform and transform.with_cache(0)._cache_size == 0
    assert transform.inv.with_cache(0)._cache_size == 0
    z = y.clone()
    back = transform.inv(z)
    assert back is not x and transform(back) is z


def test_signs_and_equality():
    assert D.AffineTransform(0.0, -2.0).sign == -1 and D.AffineTransform(0.0, 0.0).sign == 0
    assert D.ComposeTransform([D.ExpTransform(), D.AffineTransform(0.0, -2.0)]).sign == -1
    assert D.PowerTransform(pb.tensor([2.0, -1.0])).sign.tolist() == [1, -1]
    with pytest.raises(NotImplementedError):
        D.SoftmaxTransform().sign
    assert D.ExpTransform() == D.ExpTransform() != D.TanhTransform()
    assert D.AffineTransform(0, 1) == D.AffineTransform(0, 1) != D.AffineTransform(0, 2)
    assert D.AffineTransform(0, pb.ones(2)) == D.AffineTransform(0, 1.0)
    assert D.PowerTransform(2.0) == D.PowerTransform(2.0) != D.ExpTransform()
    assert D.ExpTransform().inv == D.ExpTransform().inv != D.ExpTransform()
    with pytest.raises(TypeError, match="unhashable"):
        hash(D.ExpTransform())


def test_they_are_pickled_without_their_inverses():
    transform = D.AffineTransform(1.0, 2.0)
    assert transform.inv.inv is transform
    again = pickle.loads(pickle.dumps(transform))
    assert again == transform and again._inv is None
    assert pickle.loads(pickle.dumps(transform.inv))(pb.tensor(3.0)).item() == 1


WRONG = """
d.ExpTransform(cache_size=2)
d.ReshapeTransform((2,), (3,))
d.ReshapeTransform((2,), (2, 1)).forward_shape(())
d.ReshapeTransform((2,), (2, 1)).forward_shape((3,))
d.ReshapeTransform((2,), (2, 1)).inverse_shape((3, 1))
d.CorrCholeskyTransform().forward_shape(())
d.CorrCholeskyTransform().forward_shape((2,))
d.CorrCholeskyTransform().inverse_shape((2,))
d.CorrCholeskyTransform().inverse_shape((2, 3))
d.SoftmaxTransform().forward_shape(())
d.SoftmaxTransform().inverse_shape(())
d.StickBreakingTransform().forward_shape(())
d.StickBreakingTransform().inverse_shape(())
d.StickBreakingTransform().event_dim; d.CorrCholeskyTransform().event_dim
d.IndependentTransform(d.ExpTransform(), 2)(t([1.0]))
d.IndependentTransform(d.ExpTransform(), 2).inv(t([1.0]))
d.CatTransform([3])
d.CatTransform([d.ExpTransform()], lengths=[1, 2])
d.CatTransform([d.ExpTransform()], dim=1)(t([1.0]))
d.CatTransform([d.ExpTransform()])(t([1.0, 2.0]))
d.StackTransform([3])
d.StackTransform([d.ExpTransform()], dim=1)(t([1.0]))
d.StackTransform([d.ExpTransform()])(t([1.0, 2.0]))
d.transforms.Transform()(3)
d.transforms.Transform().inv(3)
d.transforms.Transform().sign
d.SoftmaxTransform().log_abs_det_jacobian(3, 3)
"""


@pytest.mark.torch
@pytest.mark.parametrize("text", WRONG.strip().splitlines())
def test_errors_are_pytorchs(text):
    torch, found = pytest.importorskip("torch"), []
    for m in (pb, torch):
        with pytest.raises(Exception) as caught:
            for part in text.split("; "):
                made(part, m)
        found.append((type(caught.value).__name__, str(caught.value).replace("pullback", "torch")))
    assert found[0] == found[1]


REGIONS = """
c.real ; c.positive ; c.nonnegative ; c.greater_than(1.5) ; c.greater_than_eq(-2.0) ; c.less_than(0.5) ; c.unit_interval
c.interval(-1.0, 2.0) ; c.half_open_interval(0.0, 1.0) ; c.half_open_interval(0.0, 3.0) ; c.simplex ; c.corr_cholesky
c.lower_cholesky ; c.positive_definite ; c.positive_semidefinite ; c.real_vector ; c.independent(c.positive, 1)
c.cat([c.positive, c.real], 0, [2, 1]) ; c.stack([c.positive, c.real, c.unit_interval])
"""


@pytest.mark.torch
@pytest.mark.parametrize("text", calls(REGIONS))
@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
def test_from_real_numbers_to_regions(text, registry):
    torch = pytest.importorskip("torch")
    x = (
        np.array([0.3, -1.2, 0.8])
        if "lower" not in text and "definite" not in text
        else np.eye(3) * 0.7 - 0.1
    )
    found = []
    for m in (pb, torch):
        constraint = eval(text, {"c": m.distributions.constraints})
        try:
            transform = getattr(m.distributions, registry)(constraint)
        except NotImplementedError as error:
            found.append(str(error))
            continue
        y = transform(m.tensor(x))
        assert bool(constraint.check(y).all())
        found.append((repr(transform), y.numpy().round(10).tolist()))
    assert found[0] == found[1]


def test_registries():
    registry = D.constraint_registry.ConstraintRegistry()

    class Even(C.Constraint):
        pass

    assert registry.register(Even, lambda c: "even")(None) == "even"
    assert registry(Even()) == "even"
    with pytest.raises(
        TypeError, match="Expected constraint to be either a Constraint subclass or instance, but got 3"
    ):
        registry.register(3, lambda c: c)
    with pytest.raises(NotImplementedError, match="Cannot transform _Real constraints"):
        registry(C.real)
