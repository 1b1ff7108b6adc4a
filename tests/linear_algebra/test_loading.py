"""Linear algebra is loaded with the first operator of it that somebody asks for."""

import pytest
from processes import run

import pullback as pb
from pullback.operators.declare import FUNCTIONS, METHODS
from pullback.operators.later import LINEAR_ALGEBRA as later


@pytest.mark.parametrize(
    "asked",
    ["pb.eye(2).det()", "pb.det(pb.eye(2))", "pb.Tensor.det(pb.eye(2))", "pb.linalg.det(pb.eye(2))"],
)
def test_it_is_loaded_by_the_first(asked):
    run(
        "import sys, pullback as pb\n"
        "assert 'pullback.linear_algebra' not in sys.modules\n"
        "assert 'det' in dir(pb) and 'det' in dir(pb.Tensor)\n"
        f"assert {asked} == 1\n"
        "assert 'pullback.linear_algebra' in sys.modules"
    )


def test_a_subclass_finds_it_too():
    run("import pullback as pb\nclass Mine(pb.Tensor): pass\nassert pb.eye(2).as_subclass(Mine).det() == 1")


def declared_there(made):
    return getattr(getattr(made, "__wrapped__", None), "__module__", "").startswith("pullback.linear_algebra")


def test_what_is_loaded_later_is_what_is_declared_there():
    functions = {name for name, made in FUNCTIONS.items() if "." not in name and declared_there(made)}
    assert functions == set(later.functions)
    methods = {name for name, made in METHODS.items() if "." not in name and declared_there(made)}
    assert methods == set(later.methods)
    assert all(vars(pb.Tensor)[name] is METHODS[name] for name in later.methods)
