"""The type stubs are what the declarations say; tests/typing has programs that they are used by."""

import pathlib

import pytest

STUB = pathlib.Path(__file__).parent.parent / "src" / "pullback" / "__init__.pyi"


def test_the_stubs_are_current(monkeypatch):
    monkeypatch.syspath_prepend(str(STUB.parent.parent.parent / "tools"))
    import stubs

    for path, text in stubs.stubs().items():
        assert text == path.read_text(), f"{path.name}: run python tools/stubs.py"


def test_every_public_name_of_the_package_is_in_the_stub():
    import ast

    import pullback as pb

    declared = set()
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            declared.add(node.name)
        if isinstance(node, ast.AnnAssign):
            declared.add(node.target.id)
        if isinstance(node, ast.ImportFrom):
            declared |= {alias.asname or alias.name for alias in node.names}
    missing = set(dir(pb)) - declared
    assert not missing, f"{missing}: tools/stubs.py"


def test_every_method_in_the_stub_has_its_tensor_first():
    import ast

    tensor = next(n for n in ast.parse(STUB.read_text()).body if getattr(n, "name", "") == "Tensor")
    methods = [n for n in tensor.body if isinstance(n, ast.FunctionDef)]
    assert len(methods) > 500
    missing = [m.name for m in methods if not (m.args.posonlyargs + m.args.args)]
    annotated = [m.name for m in methods if (m.args.posonlyargs + m.args.args)[0].annotation]
    assert not missing and not annotated


HAND_WRITTEN = (
    "autograd autograd.function autograd.graph autograd.saving autograd.forward_ad autograd.grad_mode autograd.hooks "
    "return_types"
)


@pytest.mark.parametrize("name", HAND_WRITTEN.split())
def test_a_stub_written_by_hand_declares_what_is_there(name):
    import ast
    import importlib

    module = importlib.import_module(f"pullback.{name}")
    path = STUB.parent / name.replace(".", "/")
    path = path / "__init__.pyi" if path.is_dir() else path.with_suffix(".pyi")
    declared, members = set(), {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            members[node.name] = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            declared.add(node.name)
        if isinstance(node, ast.Assign):
            declared |= {target.id for target in node.targets}
        if isinstance(node, ast.ImportFrom):
            declared |= {alias.asname for alias in node.names if alias.asname}
    declared = {each for each in declared if not each.startswith("_")}
    assert declared <= set(dir(module)) | set(vars(module)), declared - set(vars(module))
    assert set(getattr(module, "__all__", ())) <= declared | {"function"}
    for kind, names in members.items():
        missing = [n for n in names if not n.startswith("__") and not hasattr(getattr(module, kind), n)]
        assert kind.startswith("_") or not missing, (kind, missing)


def test_every_public_function_is_in_the_stub():
    import ast

    import pullback as pb

    written = ast.parse(STUB.read_text())
    defined = {node.name for node in ast.walk(written) if isinstance(node, ast.FunctionDef)}
    defined |= {node.target.id for node in written.body if isinstance(node, ast.AnnAssign)}
    from pullback.operators.declare import FUNCTIONS, METHODS

    missing = [name for name in {*FUNCTIONS, *METHODS} if name not in defined and "." not in name]
    own = {
        name for name in missing if not name.startswith("_") and not isinstance(METHODS.get(name), property)
    }
    known = {"get_default_dtype", "set_default_dtype", *vars(pb.Tensor)} - set(FUNCTIONS)
    assert not own - known - {"device", "T", "mT", "get_default_dtype", "set_default_dtype"}
