"""What a program uses of PyTorch and pullback lacks, found by reading it: `python -m pullback check script.py package`.

Nothing of the program runs. Its syntax tree says which names stand for what (imports, aliases, assignments), and each
chain of attributes that begins with one of them is looked up here, as `as_torch` would find it. Of tensors' own
attributes those are looked up whose tensor can be told: the result of an operator, or annotated so. What stands in a
`try` that expects its absence, or below a question for it, is counted and not reported.
"""

import ast
import importlib.util
import inspect
import pathlib
import sys
import types
from typing import NamedTuple

import pullback

from ..messages import hints, missing
from . import alias, layout
from .results import gives_tensor

ABSENT = object()
TENSOR = missing.PYTORCH.split() + missing.OTHERS.split()
EXPECTED = {"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException"}


class Lack(NamedTuple):
    """One name that is not there."""

    line: int
    name: str  # as PyTorch has it: torch.fft.fft
    said: str  # what to write instead
    guarded: bool  # the program expects that


# ---- looking up ----------------------------------------------------------------------------------------------

_facade = alias.Facade()


def look_up(parts):
    """(value, None) of a dotted path below torch, or (None, (home, name)) of the first part that is missing."""
    value = _facade
    for i, name in enumerate(parts):
        if isinstance(value, types.ModuleType):
            found = _of_module(value, parts[:i], name)
        elif isinstance(value, type) and not name.startswith("__"):
            found = getattr(value, name, ABSENT)
        else:
            return value, None  # what an object has is not known from outside
        if found is ABSENT:
            return None, (".".join(parts[:i]), name)
        value = found
    return value, None


def _of_module(module, above, name):
    try:
        return getattr(module, name)
    except (AttributeError, ImportError):
        found = layout.find(".".join([*above, name])) if not name.startswith("__") else None
        return ABSENT if found is None else found


def _what_to_write(home, name):
    said = _said(home, name)
    if said.startswith("Did you mean "):  # a program that ran with PyTorch means what it says
        said = f"There is none of this name; the nearest is {said.removeprefix('Did you mean ')[:-1]}."
    return said or "There is none of this name."


def _said(home, name):
    owner, _ = look_up(tuple(filter(None, home.split("."))))
    if isinstance(owner, type) and owner is not pullback.Tensor:
        return hints.did_you_mean(name, dir(owner)).strip()
    if isinstance(owner, layout.StandIn):
        home = layout.home_of(owner)
    elif isinstance(owner, types.ModuleType):
        home = owner.__name__
    else:
        home = "pullback"
    return hints.absent(home, name).strip()


# ---- reading -------------------------------------------------------------------------------------------------


def _bound(node):
    """The names that a function binds itself."""
    given = node.args
    names = {each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    names |= {each.arg for each in (given.vararg, given.kwarg) if each}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            names.add(inner.id)
    return names


class _Reader(ast.NodeVisitor):
    """Reads one file. `names` are the innermost last: what a name stands for, as a path below torch, or None."""

    def __init__(self, tree):
        self.names = [{}]
        self.tensors = [set()]
        self.guards = 0
        self.lacks = []
        self.assigned = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        }
        self.visit(tree)

    # ---- names

    def path_of(self, node):
        """The path below torch that a chain of attributes is, or None."""
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        for scope in reversed(self.names):
            if node.id in scope:
                path = scope[node.id]
                return None if path is None else (*path, *reversed(parts))
        return None

    def bind(self, name, path):
        self.names[-1][name] = path

    def note(self, node, parts):
        """Look a path up, and note what is missing of it."""
        value, lacking = look_up(parts)
        if lacking:
            home, name = lacking
            shown = ".".join(filter(None, ["torch", home, name]))
            self.lacks.append(Lack(node.lineno, shown, _what_to_write(home, name), self.guards > 0))
        return value

    def visit_Import(self, node):
        for each in node.names:
            first, *rest = each.name.split(".")
            if first != "torch":
                if not each.asname:
                    self.bind(first, None)
                continue
            self.note(node, tuple(rest))
            self.bind(each.asname or "torch", tuple(rest) if each.asname else ())

    def visit_ImportFrom(self, node):
        first, *rest = (node.module or "").split(".")
        if node.level or first != "torch":
            for each in node.names:
                self.bind(each.asname or each.name, None)
            return
        home, lacking = look_up(tuple(rest))
        for each in node.names:
            if each.name == "*":
                if lacking:
                    self.note(node, tuple(rest))
                for name in getattr(home, "__all__", None) or dir(home):
                    self.bind(name, (*rest, name))
                continue
            self.note(node, (*rest, each.name))
            self.bind(each.asname or each.name, (*rest, each.name))

    def visit_Assign(self, node):
        self.visit(node.value)
        path = self.path_of(node.value) if isinstance(node.value, ast.Name | ast.Attribute) else None
        told = self.is_tensor(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                if path is not None and look_up(path)[1] is None:
                    self.bind(target.id, path)
                (self.tensors[-1].add if told else self.tensors[-1].discard)(target.id)
            else:
                self.forget(target)
                self.visit(target)

    def forget(self, target):
        """What a name holds now is not known."""
        for inner in ast.walk(target):
            if isinstance(inner, ast.Name):
                self.tensors[-1].discard(inner.id)

    def visit_For(self, node):
        self.forget(node.target)
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        for each in (*node.decorator_list, node.args):
            self.visit(each)
        given = node.args
        annotated = (*given.posonlyargs, *given.args, *given.kwonlyargs)
        self.names.append(dict.fromkeys(_bound(node)))
        self.tensors.append({each.arg for each in annotated if self.is_tensor_type(each.annotation)})
        for each in node.body:
            self.visit(each)
        self.names.pop()
        self.tensors.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    # ---- what expects an absence

    def guarded(self, nodes, guarded=True):
        self.guards += guarded
        for each in nodes:
            self.visit(each)
        self.guards -= guarded

    def visit_Try(self, node):
        caught = {
            getattr(name, "id", getattr(name, "attr", ""))
            for handler in node.handlers
            for name in ([handler.type] if handler.type else [])
            for name in (name.elts if isinstance(name, ast.Tuple) else [name])
        }
        bare = any(handler.type is None for handler in node.handlers)
        self.guarded(node.body, bare or not EXPECTED.isdisjoint(caught))
        self.guarded([*node.handlers, *node.orelse, *node.finalbody], False)

    def visit_If(self, node):
        self.visit(node.test)
        text = ast.unparse(node.test)
        asks = (
            "hasattr(" in text or "is_available()" in text or "TYPE_CHECKING" in text or "__version__" in text
        )
        self.guarded(node.body, asks)
        self.guarded(node.orelse, asks)

    def visit_IfExp(self, node):
        self.visit(node.test)
        text = ast.unparse(node.test)
        self.guarded([node.body, node.orelse], "hasattr(" in text or "is_available()" in text)

    # ---- chains, calls and tensors

    def visit_Attribute(self, node):
        path = self.path_of(node)
        if path is not None:
            self.note(node, path)
            return
        asked_for = node.attr in TENSOR and not hasattr(pullback.Tensor, node.attr)
        if asked_for and node.attr not in self.assigned and self.is_tensor(node.value):
            said = hints.absent("Tensor", node.attr).strip()
            self.lacks.append(Lack(node.lineno, f"Tensor.{node.attr}", said, self.guards > 0))
        self.visit(node.value)

    def visit_Call(self, node):
        path = self.path_of(node.func)
        if path:
            value, lacking = look_up(path)
            if lacking is None:
                self.check_keywords(node, path, value)
        self.generic_visit(node)

    def check_keywords(self, node, path, function):
        if not callable(function) or (isinstance(function, type) and issubclass(function, pullback.Tensor)):
            return
        try:
            parameters = inspect.signature(function).parameters
        except (TypeError, ValueError):
            return
        if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
            return
        for each in node.keywords:
            if (
                each.arg is None
                or each.arg in parameters
                or each.arg in ("axis", "keepdims", "self", "input")
            ):
                continue
            name = f"{'.'.join(['torch', *path])}({each.arg}=)"
            known = ", ".join(parameters)
            self.lacks.append(Lack(node.lineno, name, f"It takes {known or 'nothing'}.", self.guards > 0))

    def is_tensor_type(self, node):
        path = self.path_of(node) if isinstance(node, ast.Name | ast.Attribute) else None
        value = look_up(path) if path else (None, None)
        return isinstance(value[0], type) and issubclass(value[0], pullback.Tensor)

    def is_tensor(self, node):
        """Whether an expression is a tensor, as far as can be told."""
        if isinstance(node, ast.Name):
            return any(node.id in scope for scope in self.tensors)
        if isinstance(node, ast.BinOp):
            return self.is_tensor(node.left) or self.is_tensor(node.right)
        if isinstance(node, ast.UnaryOp):
            return not isinstance(node.op, ast.Not) and self.is_tensor(node.operand)
        if isinstance(node, ast.Subscript):
            return self.is_tensor(node.value)
        if isinstance(node, ast.Attribute):
            return node.attr in ("T", "mT", "data", "grad") and self.is_tensor(node.value)
        if not isinstance(node, ast.Call):
            return False
        path = self.path_of(node.func)
        if path:
            value, lacking = look_up(path)
            if isinstance(value, type):
                return issubclass(value, pullback.Tensor)
            return lacking is None and gives_tensor("".join([f"{each}." for each in path[:-1]]), path[-1])
        if isinstance(node.func, ast.Attribute) and self.is_tensor(node.func.value):
            return gives_tensor("Tensor.", node.func.attr)
        return False


def read(text):
    """What a program lacks, from its text. Raises SyntaxError where it is none."""
    found = _Reader(ast.parse(text)).lacks
    return sorted(set(found))


# ---- files ---------------------------------------------------------------------------------------------------


def files_of(argument):
    """The Python files of a path, or of an installed package of this name; empty where there is neither."""
    path = pathlib.Path(argument)
    if not path.exists():
        try:
            spec = importlib.util.find_spec(argument)
        except (ImportError, ValueError):
            spec = None
        if spec is None or not spec.origin:
            return []
        path = pathlib.Path(spec.origin)
        path = path.parent if spec.submodule_search_locations else path
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def report(arguments, write=print):
    """Write what the programs lack; 1 where that is anything or one cannot be read, otherwise 0."""
    files, wrong, guarded, lacking = [], 0, 0, set()
    for argument in arguments:
        found = files_of(argument)
        if not found:
            write(f"{argument}: there is no file, folder or package of this name")
            wrong += 1
        files += found
    for file in files:
        try:
            found = read(file.read_text(encoding="utf-8", errors="replace"))
        except (SyntaxError, ValueError) as error:
            write(f"{file}: cannot be read: {error}")
            wrong += 1
            continue
        for lack in found:
            if lack.guarded:
                guarded += 1
                continue
            lacking.add(file)
            wrong += 1
            write(f"{file}:{lack.line}: {lack.name}: {lack.said}")
    aside = f"; {guarded} more where the program expects it" if guarded else ""
    write(f"{len(files)} file{'s' * (len(files) != 1)} read, something is lacking in {len(lacking)}{aside}")
    sys.stdout.flush()
    return 1 if wrong else 0
