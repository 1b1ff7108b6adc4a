"""Which functions and methods give a tensor, as the stubs say."""

import ast
import pathlib

PACKAGE = pathlib.Path(__file__).parent.parent
STUBS = {
    "": "__init__.pyi",
    "nn.functional.": "nn/functional.pyi",
    "linalg.": "linalg.pyi",
    "special.": "special.pyi",
}


def _gives(body):
    """The functions in a stub, or a class of it, whose every form gives a tensor."""
    found = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            result = ast.unparse(node.returns) if node.returns else ""
            found[node.name] = found.get(node.name, True) and result in ("Tensor", "Self")
    return {name for name, gives in found.items() if gives}


_read: dict = {}


def _stub(home):
    if home not in _read:
        _read[home] = _stub_of(home)
    return _read[home]


def _stub_of(home):
    path = PACKAGE / STUBS[home]
    body = ast.parse(path.read_text()).body if path.exists() else []
    return {
        home: _gives(body),
        "Tensor.": {
            name
            for node in body
            if isinstance(node, ast.ClassDef) and node.name == "Tensor"
            for name in _gives(node.body)
        },
    }


def gives_tensor(home, name):
    """Whether `home` (a dotted path that ends with a dot, or nothing) has a function of this name that gives a tensor."""
    if home == "Tensor.":
        return name in _stub("")["Tensor."]
    return home in STUBS and name in _stub(home)[home]
