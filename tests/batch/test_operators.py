"""Every operator under vmap is the loop over the entries: values, and derivatives of every order, inside and outside."""

import warnings

import pytest
from batch.loops import BATCH, TRANSFORMS, assert_same, batched, looped, patterns
from batch.table import FLOATS, IN_PLACE, ITEMS, PLAIN, SMOOTH, function, operands_of, value

import pullback as pb
from pullback.func import vmap

DIFFERENTIATED = [*SMOOTH, *IN_PLACE, *ITEMS]


def cases(call, batch=(BATCH,)):
    """(function, which operands are mapped, operands) of a call."""
    names = operands_of(call)
    for mapped in patterns(len(names)):
        operands = [
            value(name, 1, batch if is_mapped else ()) for name, is_mapped in zip(names, mapped, strict=True)
        ]
        yield function(call, names), mapped, operands


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("call", [*SMOOTH, *PLAIN, *IN_PLACE, *ITEMS])
def test_values(call):
    for f, mapped, operands in cases(call):
        assert_same(batched(f, mapped)(*operands), looped(f, mapped)(*operands))


@pytest.mark.parametrize("call", [*SMOOTH, *PLAIN, *IN_PLACE, *ITEMS])
def test_nested_twice(call):
    """The outer vmap maps all operands, or the first; the inner one all, or the last."""
    names = operands_of(call)
    f, n = function(call, names), len(names)
    outer_first = tuple([i == 0 for i in range(n)])
    inner_last = tuple([i == n - 1 for i in range(n)])
    for outer, inner in ((True,) * n, (True,) * n), (outer_first, inner_last), (outer_first, (True,) * n):
        shapes = [(2,) * o + (BATCH,) * i for o, i in zip(outer, inner, strict=True)]
        operands = [value(name, 2, shape) for name, shape in zip(names, shapes, strict=True)]
        assert_same(batched(batched(f, inner), outer)(*operands), looped(looped(f, inner), outer)(*operands))


@pytest.mark.parametrize("call", SMOOTH)
def test_another_dimension(call):
    """The entries stand last among the inputs and first but one among the results."""
    for f, mapped, operands in cases(call):
        moved = [t.movedim(0, -1) if m else t for t, m in zip(operands, mapped, strict=True)]
        run = vmap(f, in_dims=tuple([-1 if m else None for m in mapped]), out_dims=-1)
        found = run(*moved)
        found = [found] if isinstance(found, pb.Tensor) else list(found)
        assert_same([t.movedim(-1, 0) for t in found], looped(f, mapped)(*operands))


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("call", DIFFERENTIATED)
def test_derivatives_inside(call, transform):
    """One for each entry, also by what is the same for all."""
    floats = [k for k, name in enumerate(operands_of(call)) if name in FLOATS]
    for f, mapped, operands in cases(call):
        g = TRANSFORMS[transform](f, floats)
        assert_same(batched(g, mapped)(*operands), looped(g, mapped)(*operands), 1e-9)


@pytest.mark.parametrize("transform", ["grad", "jvp", "grad of grad"])
@pytest.mark.parametrize("call", DIFFERENTIATED)
def test_derivatives_outside(call, transform):
    """Of all entries together: summed by what is the same for all."""
    floats = [k for k, name in enumerate(operands_of(call)) if name in FLOATS]
    for f, mapped, operands in cases(call):
        wrap = TRANSFORMS[transform]
        assert_same(
            wrap(batched(f, mapped), floats)(*operands), wrap(looped(f, mapped), floats)(*operands), 1e-9
        )


@pytest.mark.parametrize("call", [call for call in (*SMOOTH, *PLAIN) if "c" not in operands_of(call)])
def test_no_entries(call):
    """A batch of none has the shapes of one, unless they depend on a mask."""
    for f, mapped, operands in cases(call):
        none = [t[:0] if m else t for t, m in zip(operands, mapped, strict=True)]
        for found, one in zip(batched(f, mapped)(*none), batched(f, mapped)(*operands), strict=True):
            assert found.shape == (0, *one.shape[1:]) and found.dtype == one.dtype
