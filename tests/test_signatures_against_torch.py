"""Functions take PyTorch's parameters, by PyTorch's names and in PyTorch's order.

PyTorch's Python functions have signatures; those in C++ have schemas, one for each overload, and ours has the parameters
of all of them.
"""

import inspect

import pytest

import pullback as pb

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

# The documented names, where those of the schemas are others.
DOCUMENTED = {
    "dsplit": "input indices_or_sections",
    "hsplit": "input indices_or_sections",
    "vsplit": "input indices_or_sections",
    "tensor_split": "input indices_or_sections dim",
    "result_type": "tensor1 tensor2",
    "tensor": "data * dtype device requires_grad pin_memory",
    "einsum": "equation operands",
    "tril_indices": "row col offset * dtype device layout",
    "triu_indices": "row col offset * dtype device layout",
    "lu": "A pivot get_infos",
    "unique": "input sorted return_inverse return_counts dim",
    "unique_consecutive": "input return_inverse return_counts dim",
}
# What ours take besides: every operator that makes a tensor has an `out`, and what makes one from sizes may require grad.
MORE = {"out", "requires_grad"}
MORE_OF = {"nonzero": {"as_tuple"}, "tensor_split": {"indices", "sections"}}


def schemas(name):
    try:
        found = torch._C._jit_get_schemas_for_operator(f"aten::{name}")
    except RuntimeError:
        return []
    return [[(_public(a.name), a.kwarg_only) for a in schema.arguments] for schema in found]


def _public(name):
    return "input" if name == "self" else name


def overloads(name):
    """[[(parameter, whether it is given by name only), ...], ...], or [] where PyTorch does not say."""
    if name in DOCUMENTED:
        first, _, rest = DOCUMENTED[name].partition("*")
        return [[(each, False) for each in first.split()] + [(each, True) for each in rest.split()]]
    try:
        parameters = inspect.signature(getattr(torch, name)).parameters.values()
        return [[(p.name, p.kind is p.KEYWORD_ONLY) for p in parameters]]
    except (TypeError, ValueError):
        return schemas(name)


def shared():
    from pullback.operators.declare import FUNCTIONS

    return sorted(name for name in FUNCTIONS if "." not in name and hasattr(torch, name) and overloads(name))


def test_most_functions_are_compared():
    assert len(shared()) > 350


@pytest.mark.parametrize("name", shared())
def test_parameters_are_pytorchs(name):
    ours = inspect.signature(getattr(pb, name)).parameters
    names = list(ours)
    theirs = overloads(name)
    whole = [each for each in theirs if all(parameter in ours for parameter, _ in each)]
    assert whole, f"no overload of {theirs} has all its parameters in {names}"
    positional = [[parameter for parameter, by_name in each if not by_name] for each in whole]
    assert any(each == [p for p in names if p in each] for each in positional), (positional, names)
    known = {parameter for each in theirs for parameter, _ in each} | MORE | MORE_OF.get(name, set())
    assert set(names) <= known, f"PyTorch has no {set(names) - known}"


def test_the_signatures_of_functions_with_several_programs():
    expected = {
        "add": "(input, other, *, alpha=1, out=None)",
        "sub": "(input, other, *, alpha=1, out=None)",
        "div": "(input, other, *, rounding_mode=None, out=None)",
        "clamp": "(input, min=None, max=None, *, out=None)",
        "round": "(input, *, decimals=0, out=None)",
        "logit": "(input, eps=None, *, out=None)",
        "nan_to_num": "(input, nan=None, posinf=None, neginf=None, *, out=None)",
        "pow": "(input, exponent, *, out=None)",
        "lerp": "(input, end, weight, *, out=None)",
        "addcmul": "(input, tensor1, tensor2, *, value=1, out=None)",
    }
    assert {name: str(inspect.signature(getattr(pb, name))) for name in expected} == expected


MISSING = """
x.repeat() x.reshape() x.expand() x.permute() x.flip() x.tile() x.new_zeros() x.new_ones() x.new_empty() x.new_full()
x.resize_() x.transpose() x.transpose(0) x.unfold() x.unfold(0) x.unsqueeze() x.index_select() x.gather(0) x.cumsum()
m.zeros() m.ones() m.empty() m.flip(x) m.permute(x) m.tile(x) m.transpose(x) m.chain_matmul() m.tensor()
"""


@pytest.mark.parametrize("call", MISSING.split())
def test_what_is_missing_is_named(call):
    with pytest.raises(Exception) as theirs:
        eval(call, {"m": torch, "x": torch.ones(2, 3)})
    with pytest.raises(theirs.type) as ours:
        eval(call, {"m": pb, "x": pb.ones(2, 3)})
    assert str(ours.value).startswith(str(theirs.value).rstrip("."))


def test_no_sizes_are_a_shape_too():
    one = pb.ones(1)
    assert one.view(()).shape == one.reshape([]).shape == pb.zeros(()).shape == pb.ones(size=()).shape == ()
    assert pb.tensor(2.0).expand(()).shape == pb.tensor(2.0).permute([]).shape == ()
    assert pb.ones(2).view(dtype=pb.int32).tolist() == [0x3F800000] * 2
