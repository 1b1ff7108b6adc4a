"""The type stub is what the declarations say."""

import pathlib
import sys

import pytest

STUB = pathlib.Path(__file__).parent.parent / "src" / "pullback" / "__init__.pyi"


def test_the_stub_is_current(monkeypatch):
    monkeypatch.syspath_prepend(str(STUB.parent.parent.parent / "tools"))
    import stubs

    assert stubs.stub() == STUB.read_text(), "run: python tools/stubs.py"


def test_every_public_function_is_in_the_stub():
    import ast

    import pullback as pb

    defined = {
        node.name for node in ast.walk(ast.parse(STUB.read_text())) if isinstance(node, ast.FunctionDef)
    }
    from pullback.operators.declare import FUNCTIONS, METHODS

    missing = [name for name in {*FUNCTIONS, *METHODS} if name not in defined and "." not in name]
    own = {
        name for name in missing if not name.startswith("_") and not isinstance(METHODS.get(name), property)
    }
    known = {"get_default_dtype", "set_default_dtype", *vars(pb.Tensor)} - set(FUNCTIONS)
    assert not own - known - {"device", "T", "mT", "get_default_dtype", "set_default_dtype"}


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 11), reason="mypy's answer differs on older Pythons")
def test_a_program_type_checks(tmp_path):
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    program = tmp_path / "program.py"
    program.write_text(
        "import pullback as pb\nx = pb.tensor([1.0], requires_grad=True)\ny = (x * 2).sum()\n"
        "y.backward()\nreveal_type(y)\nx.no_such_method()\n"
    )
    out, _, _ = api.run([str(program), "--follow-imports=silent", "--no-incremental"])
    assert "pullback.Tensor" in out
    assert "no_such_method" in out
