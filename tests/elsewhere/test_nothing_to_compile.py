"""What marks functions for a compiler gives them back; weights from the net are kept in a folder."""

import collections
import typing

import pytest

import pullback as pb

jit, compiler = pb.jit, pb.compiler


def double(x):
    return 2 * x


def test_functions_stay_what_they_are():
    for same in (
        jit.script(double),
        jit.script(double, optimize=None),
        jit.trace(double, (pb.ones(1),)),
        jit.trace_module(double, {}),
        jit.script_if_tracing(double),
        jit.script_method(double),
        jit.export(double),
        jit.unused(double),
        jit.ignore(double),
        jit.ignore()(double),
        jit.ignore(drop=True)(double),
        jit.interface(double),
        jit.optimize_for_inference(double),
        pb.compile(double, disable=True),
        compiler.disable(double),
        compiler.disable()(double),
        compiler.disable(recursive=False)(double),
        compiler.allow_in_graph(double),
        compiler.assume_constant_result(double),
        compiler.wrap_numpy(double),
        compiler.substitute_in_graph(len)(double),
    ):
        assert same is double
    with compiler.set_stance("force_eager"), jit.optimized_execution(False):
        assert double(3) == 6
    assert compiler.set_stance("default")(double)(3) == 6


def test_modules_stay_what_they_are():
    net = pb.nn.Sequential(pb.nn.Linear(2, 3), pb.nn.ReLU())
    assert jit.script(net) is net and jit.freeze(net.eval()) is net
    assert not isinstance(net, jit.ScriptModule) and not isinstance(double, jit.ScriptFunction)

    class Own(jit.ScriptModule):
        def __init__(self):
            super().__init__()
            self.weight = pb.nn.Parameter(pb.ones(1))

        @jit.script_method
        def forward(self, x):
            return self.weight * x

    assert Own()(pb.ones(1)).item() == 1 and len(list(Own().parameters())) == 1
    with pytest.raises(TypeError, match="no compiled functions"):
        jit.ScriptFunction()
    with pytest.raises(jit.Error):
        raise jit.Error("said")


def test_values_and_tasks():
    attribute = jit.Attribute([1], list[int])
    assert attribute.value == [1] and attribute.type == list[int] and jit.annotate(int, 3) == 3
    future = jit.fork(double, 4)
    assert isinstance(future, jit.Future) and future.done() and jit.wait(future) == future.value() == 8

    class Frozen:
        size: jit.Final[int]

    assert typing.get_origin(Frozen.__annotations__["size"]) is typing.Final


CASES = [
    ([1, 2], list[int], True),
    ([1, "a"], list[int], False),
    ((1, "a"), tuple[int, str], True),
    ((1,), tuple[int, str], False),
    ({"a": [1]}, dict[str, list[int]], True),
    ({"a": ["b"]}, dict[str, list[int]], False),
    (None, int | None, True),
    (3, int | None, True),
    ("a", int | None, False),
    (3, int, True),
    (3, (str, int), True),
    ([], typing.List[int], True),  # noqa: UP006
    (pb.ones(1), pb.Tensor, True),
]


@pytest.mark.parametrize("value, kind, expected", CASES, ids=str)
def test_refined_types(value, kind, expected):
    assert jit.isinstance(value, kind) is expected


@pytest.mark.torch
def test_refined_types_beside_pytorch():
    torch = pytest.importorskip("torch")
    for value, kind, expected in CASES[:-1]:
        assert torch.jit.isinstance(value, kind) is expected


# ---- weights from the net ------------------------------------------------------------------------------------


def test_weights_are_fetched_once(tmp_path, monkeypatch):
    import hashlib

    source = tmp_path / "source.pt"
    pb.save(collections.OrderedDict(w=pb.ones(2)), source)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    named = source.rename(tmp_path / f"net-{digest[:8]}.pt")
    pb.hub.set_dir(tmp_path / "hub")
    try:
        load = pb.hub.load_state_dict_from_url
        assert load(named.as_uri(), check_hash=True, progress=False)["w"].tolist() == [1.0, 1.0]
        kept = tmp_path / "hub/checkpoints" / named.name
        assert kept.exists()
        pb.save({"w": pb.zeros(2)}, kept)
        assert load(named.as_uri())["w"].tolist() == [0.0, 0.0]  # not fetched again
        wrong = tmp_path / "net-00000000.pt"
        wrong.write_bytes(named.read_bytes())
        with pytest.raises(RuntimeError, match=r'invalid hash value \(expected "00000000", got'):
            load(wrong.as_uri(), check_hash=True)
        assert not (tmp_path / "hub/checkpoints/net-00000000.pt").exists()
        pb.hub.download_url_to_file(named.as_uri(), tmp_path / "copy", digest[:4], progress=False)
        assert (tmp_path / "copy").read_bytes() == named.read_bytes()
        assert pb.hub.get_dir() == str(tmp_path / "hub")
    finally:
        pb.hub.set_dir(None)
    monkeypatch.setenv("TORCH_HOME", "/there")
    assert pb.hub.get_dir() == "/there/hub"
    with pytest.raises(NotImplementedError, match="a program for PyTorch"):
        pb.hub.load("pytorch/vision", "resnet18")
