"""Transforms beside PyTorch's: results, histories, structures, exceptions and their first sentences."""

import inspect

import pytest
from func import programs

import pullback as pb

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

OURS, THEIRS = programs.programs(pb), programs.programs(torch)
# Where ours answer something else, and why.
DIFFERENT = {
    "linearize, a number": "theirs fails on the way",
}


@pytest.mark.parametrize("name", OURS)
def test_program(name):
    ours, theirs = programs.answer(OURS[name], pb), programs.answer(THEIRS[name], torch)
    if isinstance(theirs, tuple):
        assert isinstance(ours, tuple), (ours, theirs)
        assert ours[0] == theirs[0]
        assert ours[1].startswith(theirs[1].removesuffix(".")), (ours[1], theirs[1])
    else:
        assert ours == theirs


@pytest.mark.parametrize("name", sorted(set(torch.func.__all__) & set(pb.func.__all__)))
def test_parameters_are_pytorchs(name):
    """By PyTorch's names, in its order, with its defaults; ours may take more by name."""
    ours = inspect.signature(getattr(pb.func, name)).parameters
    theirs = inspect.signature(getattr(torch.func, name)).parameters
    public = {k: p for k, p in theirs.items() if not k.startswith("_")}
    assert [k for k in ours if k in public] == list(public)
    for key, p in public.items():
        assert (ours[key].kind, ours[key].default) == (p.kind, p.default), key
    assert all(ours[k].kind is inspect.Parameter.KEYWORD_ONLY for k in ours if k not in public)


def test_what_there_is():
    assert set(torch.func.__all__) <= set(pb.func.__all__)
