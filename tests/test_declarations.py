"""An operator's declaration in Python and its C++ function agree, and arguments are read by the types of the latter.

The number of parameters is compared where an operator is declared, what they are here: `Operator._wants` tells what the
C++ function takes, in words, with a question mark where None will do.
"""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import pullback as pb
import pullback.operators
from pullback import _core
from pullback.operators import declare
from pullback.operators.declare import FUNCTIONS, METHODS, signature_of


def operators():
    """{name: operator} of all that have a C++ function, the private ones too."""
    found = {}
    for info in pkgutil.iter_modules(pullback.operators.__path__, "pullback.operators."):
        module = importlib.import_module(info.name)
        for source in (vars(module), FUNCTIONS, METHODS):
            for name, value in source.items():
                if isinstance(value, _core.Operator) and value._wants is not None:
                    found.setdefault(id(value), (name, value))
    return dict(found.values())


OPERATORS = operators()

# What the C++ function may want where the declaration gives a default of this type ...
DEFAULTS = {
    bool: "bool",
    int: "int ints float number operand",
    float: "float number operand",
    str: "text",
    tuple: "ints",
}
# ... and where a parameter has one of these names.
NAMES = {
    "input": "Tensor operand Tensors any",
    "index": "Tensor int",
    "mask": "Tensor",
    "source": "Tensor ints",
    "weight": "Tensor",
    "bias": "Tensor",
    "tensors": "Tensors",
    "dim": "int ints any",
    "dims": "ints",
    "size": "ints int any",
    "stride": "ints",
    "keepdim": "bool",
    "largest": "bool",
    "descending": "bool",
    "accumulate": "bool",
    "requires_grad": "bool",
    "pin_memory": "bool",
    "dtype": "dtype",
    "device": "device",
    "layout": "layout",
    "generator": "Generator",
    "alpha": "number",
    "beta": "number",
    "k": "int",
}


def faults(name, names, defaults, wants, ignored=0):
    """Where the parameters of a declaration and what the C++ function wants of them do not go together."""
    given = [(n, d) for n, d in zip(names, defaults) if n != "out"]
    found = []
    for (parameter, default), want in zip(given[: len(given) - ignored], wants, strict=True):
        kind, optional = want.rstrip("?"), want.endswith("?")
        if kind == "any":
            continue
        if default is None and not optional:
            found.append(f"{name}: None is the default of {parameter}, which is read as {want}")
        if default not in (None, ...) and kind not in DEFAULTS[type(default)].split():
            found.append(f"{name}: {default!r} is the default of {parameter}, which is read as {want}")
        if kind not in NAMES.get(parameter, kind).split():
            found.append(f"{name}: {parameter} is read as {want}")
    return found


def ignored_by(operator):
    names = signature_of(operator.__wrapped__)[0]
    return len([n for n in names if n != "out"]) - len(operator._wants)


def test_the_walk_finds_the_operators():
    assert len(OPERATORS) > 230
    assert OPERATORS.keys() >= {"sum", "addmm_", "_unique", "contract", "zeros", "__iter__", "index_put_"}


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_each_parameter_is_what_the_core_reads(name):
    operator = OPERATORS[name]
    names, _, defaults, _ = signature_of(operator.__wrapped__)
    assert faults(name, names, defaults, operator._wants, ignored_by(operator)) == []


def test_few_parameters_are_ignored():
    ignoring = {name for name, operator in OPERATORS.items() if ignored_by(operator)}
    assert ignoring == {
        "argsort",
        "copy_",
        "gather",
        "layer_norm",
        "topk",
        "tril_indices",
        "triu_indices",
    }


# ---- planted ---------------------------------------------------------------------------------------------------


def declared(function, **about):
    return declare.operator(function, public=False, method=False, **about)


def test_a_parameter_more_is_refused():
    with pytest.raises(
        TypeError, match=r"operator 'cumsum'.* reads 3 arguments \(Tensor, int, dtype\?\).* has 4"
    ):

        @declared
        def cumsum(input, dim, reverse=False, *, dtype=None, out=None):
            """One more than there is."""


def test_a_parameter_less_is_refused():
    with pytest.raises(TypeError, match=r"reads 3 arguments .* has 2 for it: input, dim, out, less"):

        @declared
        def cumsum(input, dim, *, out=None):
            """One less."""


def test_options_count_one_by_one():
    with pytest.raises(
        TypeError, match=r"reads 6 arguments \(ints, dtype\?, layout\?, device\?, bool, bool\)"
    ):

        @declared
        def ones(size, *, dtype=None, device=None):
            """Some of them."""


def test_what_is_ignored_is_last():
    with pytest.raises(TypeError, match="sparse_grad are not the last of its parameters"):
        declared(lambda input, sparse_grad, index: None, name="gather", ignores="sparse_grad")


def test_two_parameters_exchanged_are_seen():
    wants = pb.topk._wants
    assert faults("topk", ("input", "k", "dim", "largest"), (..., ..., -1, True), wants) == []
    exchanged = faults("topk", ("input", "k", "largest", "dim"), (..., ..., True, -1), wants)
    assert len(exchanged) == 4


def test_none_where_the_core_takes_none_only_is_seen():
    assert faults("mv", ("input", "vec"), (..., None), pb.mv._wants) == [
        "mv: None is the default of vec, which is read as Tensor"
    ]


def test_there_is_no_in_place_form_of_everything():
    with pytest.raises(LookupError, match="'cumsum' has no in-place form"):
        declared(lambda input, dim, *, dtype=None, out=None: None, name="cumsum", in_place=True)
    with pytest.raises(LookupError, match="no operator named 'cumsumm'"):
        declared(lambda input: None, name="cumsumm")


# ---- each kind of argument, taken and refused ------------------------------------------------------------------

F = pb.nn.functional
X = pb.tensor([[3.0, 1.0], [2.0, 4.0]])
I = pb.tensor([0, 1])

TAKEN = [
    ("Tensor", lambda: pb.cumsum(X, 0), [[3, 1], [5, 5]]),
    ("Tensor?", lambda: pb.bincount(I, None), [1, 1]),
    ("Tensor?", lambda: pb.bincount(I, pb.tensor([2.0, 3.0])), [2, 3]),
    ("operand, a number", lambda: pb.index_fill(X, 0, pb.tensor([0]), 7), [[7, 7], [2, 4]]),
    ("operand, a tensor", lambda: pb.index_fill(X, 0, pb.tensor([0]), pb.tensor(7.0)), [[7, 7], [2, 4]]),
    ("operand, an array", lambda: pb.where(X > 2, np.float32([1, 2]), 0), [[1, 0], [0, 2]]),
    ("Tensors", lambda: pb.cat([X, np.zeros((1, 2), np.float32)]), [[3, 1], [2, 4], [0, 0]]),
    ("number", lambda: pb.index_add(X, 0, I, X, alpha=np.float32(1)), [[6, 2], [4, 8]]),
    ("number, a tensor", lambda: pb.index_add(X, 0, I, X, alpha=pb.tensor(1.0)), [[6, 2], [4, 8]]),
    ("float", lambda: pb.histc(X, 2, 1, np.float64(5)), [2, 2]),
    ("int, NumPy's", lambda: pb.cumsum(X, np.int8(1)), [[3, 4], [2, 6]]),
    ("int, a tensor", lambda: pb.cumsum(X, pb.tensor(1)), [[3, 4], [2, 6]]),
    ("int?", lambda: pb.argmax(X, None), 3),
    ("int?", lambda: pb.argmax(X, 0), [0, 1]),
    ("bool, NumPy's", lambda: pb.sort(X, 1, np.True_).values, [[3, 1], [4, 2]]),
    ("bool?", lambda: pb.sort(X, 1, stable=None).values, [[1, 3], [2, 4]]),
    ("dtype?", lambda: pb.sum(X, dtype=None), 10),
    ("dtype?, a name", lambda: pb.sum(X, dtype="int64"), 10),
    ("ints, one", lambda: pb.logsumexp(X * 0, 0).exp().round(), [2, 2]),
    ("ints, a list", lambda: pb.permute(X, [1, 0]), [[3, 2], [1, 4]]),
    ("ints, one by one", lambda: X.permute(1, np.int64(0)), [[3, 2], [1, 4]]),
    ("ints?", lambda: pb.sum(X, None), 10),
    ("ints?, none of them", lambda: pb.sum(X, ()), 10),
    ("ints?", lambda: pb.sum(X, [0, -1]), 10),
    ("text", lambda: pb.scatter_reduce(X, 0, I.reshape(1, 2), X, "sum"), [[6, 1], [2, 5]]),
]

REFUSED = [
    (lambda: pb.cumsum(3, 0), "cumsum(): argument 'input' (position 1) must be Tensor, not int"),
    (lambda: pb.cumsum(None, 0), "cumsum(): argument 'input' (position 1) must be Tensor, not NoneType"),
    (lambda: pb.bincount(I, 3), "bincount(): argument 'weights' (position 2) must be Tensor, not int"),
    (
        lambda: pb.masked_fill(X, X > 0, "a"),
        "masked_fill(): argument 'value' (position 3) must be Tensor, not str",
    ),
    (lambda: pb.cat(3), "cat(): argument 'tensors' (position 1) must be tuple of Tensors, not int"),
    (lambda: pb.cat([X, 3]), "expected Tensor as element 1 in argument 0, but got int"),
    (lambda: pb.addmm(X, X, X, beta="a"), "addmm(): argument 'beta' (position 4) must be Number, not str"),
    (lambda: pb.histc(X, 2, "a"), "histc(): argument 'min' (position 3) must be float, not str"),
    (lambda: pb.cumsum(X, 1.5), "cumsum(): argument 'dim' (position 2) must be int, not float"),
    (lambda: pb.cumsum(X, None), "cumsum(): argument 'dim' (position 2) must be int, not NoneType"),
    (lambda: pb.cumsum(X, True), "cumsum(): argument 'dim' (position 2) must be int, not bool"),
    (lambda: pb.cumsum(X, pb.tensor(True)), "cumsum(): argument 'dim' (position 2) must be int, not Tensor"),
    (lambda: pb.sum(X, True), "sum(): argument 'dim' (position 2) must be tuple of ints, not bool"),
    (
        lambda: X.view((True, 4)),
        "view(): argument 'size' (position 2) must be tuple of ints, but found element of type bool at pos 0",
    ),
    (lambda: pb.sort(X, 0, 1), "sort(): argument 'descending' (position 3) must be bool, not int"),
    (
        lambda: pb.index_add(X, 0, I, X, alpha=pb.tensor([1.0])),
        "index_add(): argument 'alpha' (position 5) must be Number, not Tensor",
    ),
    (
        lambda: pb.index_add(X, 0, I, X, alpha=pb.tensor(1.0, requires_grad=True)),
        "index_add(): argument 'alpha' (position 5) must be Number, not Tensor",
    ),
    # Of operators written in Python, by the names of their parameters.
    (lambda: F.dropout(3), "dropout(): argument 'input' (position 1) must be Tensor, not int"),
    (lambda: F.conv2d(X, 3), "conv2d(): argument 'weight' (position 2) must be Tensor, not int"),
    (lambda: F.conv2d(X, X, 3), "conv2d(): argument 'bias' (position 3) must be Tensor, not int"),
    (lambda: pb.linalg.det(None), "linalg_det(): argument 'A' (position 1) must be Tensor, not NoneType"),
    (
        lambda: pb.linalg.solve(X, X, left=1),
        "linalg_solve(): argument 'left' (position 3) must be bool, not int",
    ),
    (lambda: pb.diff(X, True), "diff(): argument 'n' (position 2) must be int, not bool"),
    (
        lambda: F.avg_pool1d(X, True),
        "avg_pool1d(): argument 'kernel_size' (position 2) must be tuple of ints, not bool",
    ),
    (
        lambda: F.avg_pool2d(X[None], (True, 1)),
        "avg_pool2d(): argument 'kernel_size' (position 2) must be tuple of ints, but found element of type bool at pos 0",
    ),
    (lambda: pb.block_diag(X, 3), "expected Tensor as element 1 in argument 0, but got int"),
    (lambda: pb.argmax(X, "a"), "argmax(): argument 'dim' (position 2) must be int, not str"),
    (lambda: pb.sort(X, 0, "yes"), "sort(): argument 'descending' (position 3) must be bool, not str"),
    (lambda: pb.sort(X, stable="yes"), "sort(): argument 'stable' (position 4) must be bool, not str"),
    (lambda: pb.sum(X, dtype=3), "sum(): argument 'dtype' (position 4) must be pullback.dtype, not int"),
    (
        lambda: pb.promote_types(3, pb.int8),
        "promote_types(): argument 'type1' (position 1) must be pullback.dtype",
    ),
    (
        lambda: pb.logsumexp(X, None),
        "logsumexp(): argument 'dim' (position 2) must be tuple of ints, not NoneType",
    ),
    (
        lambda: pb.roll(X, (1, "a")),
        "roll(): argument 'shifts' (position 2) must be tuple of ints, but found element",
    ),
    (lambda: pb.sum(X, "a"), "sum(): argument 'dim' (position 2) must be tuple of ints, not str"),
    (
        lambda: pb.scatter_reduce(X, 0, I, X, 3),
        "scatter_reduce(): argument 'reduce' (position 5) must be str, not int",
    ),
    (
        lambda: pb.rand(2, generator=3),
        "rand(): argument 'generator' (position 2) must be pullback.Generator, not int",
    ),
    (
        lambda: pb.zeros(2, requires_grad=1),
        "zeros(): argument 'requires_grad' (position 7) must be bool, not int",
    ),
    # `out` stands before these, and is not read:
    (lambda: pb.norm(X, dtype=3), "norm(): argument 'dtype' (position 6) must be pullback.dtype, not int"),
    (lambda: pb.max(X, other=3), "max(): argument 'other' (position 5) must be Tensor, not int"),
    # The first that is wrong is named.
    (lambda: pb.cumsum(3, "a", dtype=4), "cumsum(): argument 'input' (position 1)"),
    (lambda: pb.cumsum(X, "a", dtype=4), "cumsum(): argument 'dim' (position 2)"),
]


@pytest.mark.parametrize("kind, call, expected", TAKEN, ids=[kind for kind, *_ in TAKEN])
def test_taken(kind, call, expected):
    assert call().tolist() == expected


@pytest.mark.parametrize("call, message", REFUSED, ids=[message[:50] for _, message in REFUSED])
def test_refused(call, message):
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_words_are_few():
    with pytest.raises(RuntimeError, match="either sum, prod, mean, amax or amin, got most"):
        pb.scatter_reduce(X, 0, I, X, "most")


# ---- in place, and named results -------------------------------------------------------------------------------

WRITING = sorted(
    name
    for name, plain in METHODS.items()
    if getattr(plain, "_wants", None) and getattr(METHODS.get(name + "_"), "_wants", None)
)


def test_in_place_forms_come_from_one_declaration():
    assert set(WRITING) >= set("addmm index_add masked_fill put squeeze swapaxes t transpose tril".split())
    for name in WRITING:
        plain, writing = METHODS[name], METHODS[name + "_"]
        assert writing._wants == plain._wants
        names = [n for n in inspect.signature(plain).parameters if n != "out"]
        assert list(inspect.signature(writing).parameters) == names
        assert f"`{name}`" in writing.__doc__ and f"{name}_(" in writing.__doc__


def test_in_place_forms_return_the_object_they_were_given():
    class Named(pb.Tensor):
        pass

    x = pb.ones(2, 2).as_subclass(Named)
    assert x.tril_() is x and x.t_() is x and x.index_add_(0, I, X) is x and x.fill_(1) is x
    with pytest.raises(TypeError, match="unexpected keyword argument 'out'"):
        x.tril_(out=x)


def test_the_declaration_names_the_results():
    assert pb.sort._gives is pb.return_types.sort
    assert (
        type(X.sort()) is type(pb.sort(X, out=(pb.empty(0), pb.empty(0, dtype=pb.int64)))) is pb.sort._gives
    )
    gives = [getattr(each, "_gives", None) for each in (*OPERATORS.values(), *FUNCTIONS.values())]
    named = {kind.__name__ for kind in gives if isinstance(kind, type)}
    assert named == set(pb.return_types.__all__)
    assert pb.split._gives == "Tensors" and type(X.split(1)) is tuple
    assert (pb.numel._gives, pb.equal._gives, pb.promote_types._gives) == ("int", "bool", "dtype")
