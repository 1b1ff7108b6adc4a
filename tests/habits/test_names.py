"""What is said to somebody who asks for a name, an argument or an attribute that is not there."""

import subprocess
import sys

import pytest

import pullback as pb
from pullback.messages.absent import ELSEWHERE, FAMILIES, INSTEAD, PYTORCH
from pullback.messages.missing import OTHERS
from pullback.messages.missing import PYTORCH as METHODS_OF_PYTORCH


def said(text):
    with pytest.raises((AttributeError, ImportError, TypeError)) as caught:
        exec(text, {"pb": pb, "x": pb.ones(2, 3)})
    return str(caught.value)


def test_constants():
    import math

    assert (pb.pi, pb.e, pb.inf) == (math.pi, math.e, math.inf) and math.isnan(pb.nan)
    assert pb.ones(3)[:, pb.newaxis].shape == (3, 1)


def test_dir_lists_public_names_only():
    names = dir(pb)
    assert "__version__" in names and not [n for n in names if n.startswith("_") and n != "__version__"]
    for internal in ("operators", "attributes", "hints", "missing", "dtypes", "construct", "_core"):
        assert internal not in names
    for name in names:
        getattr(pb, name)
    assert {"zeros", "Tensor", "nn", "picture", "save", "float32", "autograd", "pi"} <= set(names)
    assert not {"copy", "eig"} & set(dir(pb.ones(2)))


@pytest.mark.parametrize(
    "text, meant",
    [
        ("pb.zeroes", "Did you mean pullback.zeros?"),
        ("pb.tensr", "Did you mean pullback.tensor?"),
        ("pb.Zeros", "Did you mean pullback.zeros?"),
        ("pb.nn.functional.reluu", "Did you mean pullback.nn.functional.relu?"),
        ("pb.func.jacref", "Did you mean pullback.func.jacrev?"),
        ("pb.autograd.gradd", "Did you mean pullback.autograd.grad?"),
        ("pb.special.erff", "Did you mean pullback.special.erf?"),
        ("pb.linalg.vectornorm", "Did you mean pullback.linalg.vector_norm?"),
        ("pb.autograd.forward_ad.makedual", "Did you mean pullback.autograd.forward_ad.make_dual?"),
        ("from pullback import zeross", "Did you mean pullback.zeros?"),
        ("pb.sum(x, dims=0)", "Did you mean dim? It takes input, dim, keepdim, dtype, out."),
        ("x.sum(axes=0)", "Did you mean dim?"),
        ("pb.exp(x, ot=x)", "Did you mean out?"),
        ("pb.add(x, x, alhpa=2)", "Did you mean alpha?"),
        ("x.clamp_(mim=0)", "Did you mean min?"),
        ("pb.zeros(3, dtyp=pb.float32)", "Did you mean dtype?"),
        ("x.backward(retain_graphs=True)", "Did you mean retain_graph?"),
        ("pb.autograd.grad(x, x, create_grph=True)", "Did you mean create_graph?"),
        ("pb.nn.functional.gelu(x, aproximate='tanh')", "Did you mean approximate?"),
        ("pb.nn.functional.leaky_relu(x, in_place=True)", "Did you mean inplace?"),
        ("pb.nn.functional.cross_entropy(x, x, reductoin='sum')", "Did you mean reduction?"),
        ("pb.save(x, 'f', wieghts=1)", "It takes obj, f, pickle_module, pickle_protocol, format, metadata."),
        ("pb.load('f', weights=False)", "Did you mean weights_only?"),
        ("pb.isclose(x, x, rtoll=1)", "Did you mean rtol?"),
        ("pb.autograd.forward_ad.make_dual(x, x, lvl=1)", "Did you mean level?"),
        ("pb.einsum('ij', x, dtype=3)", "unexpected keyword argument"),
        ("pb.sqrt(x, x)", "takes 1 positional argument but 2 were given: input, and by name only out."),
    ],
)
def test_misspelt(text, meant):
    assert meant in said(text)


def test_a_misspelt_attribute_of_a_tensor_is_left_to_python():
    # Its own lookup is the fast one; the interpreter makes the suggestion when it shows the error.
    assert type(pb.Tensor).__getattribute__ is type.__getattribute__ and "__getattr__" not in vars(pb.Tensor)
    program = "import pullback as pb\npb.ones(2).requires_gradd"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "Did you mean: 'requires_grad'?" in run.stderr


@pytest.mark.parametrize(
    "text, meant",
    [
        ("pb.cross_entropy", "It is pullback.nn.functional.cross_entropy."),
        ("pb.jacrev", "It is pullback.func.jacrev."),
        ("pb.Parameter", "It is pullback.nn.Parameter."),
        ("pb.nn.Adam", "It is pullback.optim.Adam."),
        ("pb.checkpoint", "It is pullback.utils.checkpoint.checkpoint."),
        ("pb.utils.data.IterDataPipe", "IterableDataset"),
        ("pb.jacobian", "pullback.func.jacrev(f)(x)"),
        ("pb.Function", "It is pullback.autograd.Function."),
        ("pb.tolist", "It is a method of tensors: x.tolist(...)."),
        ("pb.requires_grad_", "It is a method of tensors: x.requires_grad_(...)."),
        ("pb.nn.functional.exp", "It is pullback.exp."),
        ("pb.array([1])", "Write pullback.tensor(data)."),
        ("pb.power", "Write pullback.pow(a, b)."),
        ("x.copy()", "Write x.clone()."),
        ("x.astype(float)", "Write x.to(dtype)."),
        ("x.iloc[0]", "Write x[index]."),
        (
            "from pullback.nn import Container",
            "The modules that there are stand in pullback.nn.",
        ),
        ("pb.fx", "compile() replays calls of operators"),
        ("pb.jit.save", "There is nothing to compile"),
        ("pb.cuda.CUDAGraph", "pullback computes on the CPU"),
        ("pb.distributed.new_group", "one process"),
        ("pb.onnx.export", "There is no exporter"),
        ("x.record_stream", "pullback computes on the CPU"),
        ("x.eig()", "linalg.eig and linalg.eigh are there"),
    ],
)
def test_absent_names_say_what_to_write(text, meant):
    assert meant in said(text)


def test_an_import_that_fails_says_why_and_an_attribute_stays_an_attribute_error():
    with pytest.raises(ImportError, match="PyTorch has it, pullback does not"):
        from pullback import fx  # noqa: F401
    assert not hasattr(pb, "fx") and not hasattr(pb.ones(2), "copy") and not hasattr(pb.Tensor, "copy")
    assert getattr(pb, "__wrapped__", None) is None


def test_the_search_is_not_made_before_somebody_reads_it(monkeypatch):
    import difflib

    monkeypatch.setattr(difflib, "get_close_matches", None)
    assert not hasattr(pb, "zeroes")


def test_the_exception_pickles():
    import pickle

    for ask in (lambda: pb.zeroes, lambda: pb.ones(1).copy):
        with pytest.raises(AttributeError) as caught:
            ask()
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
        assert repr(caught.value).startswith("AttributeError(")


def test_a_subclass_and_an_instance_may_define_what_is_absent():
    class Mine(pb.Tensor):
        def copy(self):
            return "mine"

    x = pb.ones(2).as_subclass(Mine)
    assert x.copy() == "mine" and "copy" in dir(x)
    y = pb.ones(2)
    y.values = 3
    assert y.values == 3


def test_the_tables_agree():
    assert not set(INSTEAD) & set(ELSEWHERE) - {"astype", "conjugate", "copy", "ptp"}
    known = set(METHODS_OF_PYTORCH.split()).union(*[text.split() for text in PYTORCH.values()])
    idle = [pattern.pattern for pattern, _ in FAMILIES if not any(pattern.fullmatch(name) for name in known)]
    assert not idle, f"families without a member: {idle}"
    unsaid = [name for name in OTHERS.split() if name not in INSTEAD and name not in ELSEWHERE]
    assert not unsaid, f"names of NumPy's and pandas' without a cure: {unsaid}"


@pytest.mark.torch
def test_every_public_name_of_pytorch_is_there_or_said_to_be_absent():
    torch = pytest.importorskip("torch")
    import types

    pairs = [
        (torch.nn, pb.nn, lambda name, value: isinstance(value, type)),
        (
            torch.nn.functional,
            pb.nn.functional,
            lambda name, value: _is_function(value) and "torch_f" not in name,
        ),
        (torch.func, pb.func, lambda name, value: _is_function(value)),
        (torch.linalg, pb.linalg, lambda name, value: _is_function(value)),
        (torch.special, pb.special, lambda name, value: _is_function(value)),
        (torch.Tensor, pb.ones(2, 2), lambda name, value: callable(value)),
    ]
    silent = []
    for theirs, ours, wanted in pairs:
        for name in dir(theirs):
            if name.startswith("_") or isinstance(getattr(theirs, name, None), types.ModuleType):
                continue
            if not wanted(name, getattr(theirs, name, None)) or name in dir(ours):
                continue
            with pytest.raises(AttributeError) as caught:
                getattr(ours, name)
            if not any(word in str(caught.value) for word in ("PyTorch has it", "Write ", "It is ")):
                silent.append(name)
    # What later versions add is no fault: a handful.
    assert len(silent) < 40, silent


def _is_function(value):
    return callable(value) and not isinstance(value, type)


def test_every_public_function_has_a_signature_and_pickles():
    import inspect
    import pickle

    homes = [pb, pb.autograd, pb.nn.functional, pb.special, pb.linalg]
    functions = {id(f): f for home in homes for f in map(home.__dict__.get, dir(home)) if callable(f)}
    functions = [f for f in functions.values() if not isinstance(f, type) and hasattr(f, "__qualname__")]
    builtin = {"is_grad_enabled", "is_inference_mode_enabled"}
    assert len(functions) > 300
    for f in functions:
        assert f.__name__ in builtin or inspect.signature(f) is not None
    for f in (
        pb.add,
        pb.exp,
        pb.save,
        pb.autograd.grad,
        pb.autograd.backward,
        pb.nn.functional.gelu,
        pb.nn.functional.pad,
    ):
        assert pickle.loads(pickle.dumps(f)) is f
    assert str(inspect.signature(pb.exp)) == "(input, *, out=None)"
    assert str(inspect.signature(pb.add)) == "(input, other, *, alpha=1, out=None)"
    assert str(inspect.signature(pb.Tensor.clamp_)) == "(input, min=None, max=None)"
    assert str(inspect.signature(pb.nn.functional.relu)) == "(input, inplace=False)"
