"""The source of a function: the node of the syntax tree that its code was compiled from, and no other.

The file is compiled anew, and the function's code has to be among what that gives, constants and all. So a file that was
edited since, a decorator that exchanges code, or another function of the same name is noticed.
"""

from __future__ import annotations

import ast
import functools
import linecache
import warnings
from types import CodeType, FunctionType
from typing import Any

from .values import Refused

FUNCTIONS = (ast.FunctionDef, ast.Lambda)
_SCOPES = (*FUNCTIONS, ast.AsyncFunctionDef, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def source_of(function: FunctionType) -> Any:
    """The node. Raises Refused where there is none that is known to be it."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise Refused(f"the source of {code.co_name} is not there")
    nodes, codes = _functions("".join(lines), code.co_filename)
    key = code.co_name, code.co_firstlineno
    if code not in codes.get(key, ()):
        raise Refused(f"the code of {code.co_name} is not that of its source")
    found = nodes.get(key, [])
    if len(found) > 1:  # several lambdas on a line
        found = sorted([each for each in found if _is_inside(code, each)], key=_extent)[:1]
    if len(found) != 1:
        raise Refused(f"the source of {code.co_name} is not known: several functions begin on its line")
    return found[0]


def _is_inside(code: CodeType, node: Any) -> bool:
    """Whether all of a lambda's code was compiled from what is inside of its node."""
    if not isinstance(node, ast.Lambda) or not hasattr(code, "co_positions"):
        return False
    body = node.body
    least, most = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    places = [
        ((line, column), (end_line, end_column))
        for line, end_line, column, end_column in code.co_positions()
        if None not in (line, end_line, column, end_column) and (line, column) != (end_line, end_column)
    ]
    return bool(places) and all(least <= begin and end <= most for begin, end in places)


def _extent(node: Any) -> tuple[int, int]:
    return node.end_lineno - node.lineno, node.end_col_offset - node.col_offset


@functools.lru_cache(maxsize=256)
def _functions(text: str, file: str) -> tuple[dict[Any, list[Any]], dict[Any, list[CodeType]]]:
    """Nodes and codes of a file's functions by name and first line."""
    nodes: dict[Any, list[Any]] = {}
    codes: dict[Any, list[CodeType]] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the syntax: they came when it was imported
            tree = ast.parse(text, file)
            todo = [compile(tree, file, "exec", dont_inherit=True)]
    except (SyntaxError, ValueError) as error:
        raise Refused(f"the source in {file} cannot be compiled") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            nodes.setdefault(("<lambda>", node.lineno), []).append(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            line = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            nodes.setdefault((node.name, line), []).append(node)
    while todo:
        code = todo.pop()
        codes.setdefault((code.co_name, code.co_firstlineno), []).append(code)
        todo += [each for each in code.co_consts if isinstance(each, CodeType)]
    return nodes, codes


class Scope:
    """The names of a function: which are its own, and which it says are not."""

    def __init__(self, node: Any) -> None:
        self.bound: set[str] = set()
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.yields = isinstance(node, ast.AsyncFunctionDef)
        arguments = node.args
        self.first = next((each.arg for each in [*arguments.posonlyargs, *arguments.args]), None)
        for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            self.bound.add(each.arg)
        for each in (arguments.vararg, arguments.kwarg):
            if each is not None:
                self.bound.add(each.arg)
        for each in [node.body] if isinstance(node, ast.Lambda) else node.body:
            self._visit(each)
        self.bound -= self.globals | self.nonlocals

    def _visit(self, node: Any) -> None:
        each: Any
        if isinstance(node, _SCOPES):
            if not isinstance(node, ast.Lambda):
                self.bound.add(node.name)
                for each in node.decorator_list:
                    self._visit(each)
            if not isinstance(node, ast.ClassDef):
                for each in [*node.args.defaults, *node.args.kw_defaults]:
                    if each is not None:
                        self._visit(each)
            return
        if isinstance(node, COMPREHENSIONS):
            return self._visit_comprehension(node)
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                self.bound.add(node.id)
        elif isinstance(node, ast.Global):
            self.globals.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            self.nonlocals.update(node.names)
        elif isinstance(node, (ast.Yield, ast.YieldFrom, ast.Await)):
            self.yields = True
        elif isinstance(node, ast.alias):
            self.bound.add((node.asname or node.name).partition(".")[0])
        for field in ("name", "rest"):  # of handlers and patterns
            if not isinstance(node, ast.alias) and isinstance(getattr(node, field, None), str):
                self.bound.add(getattr(node, field))
        for each in ast.iter_child_nodes(node):
            self._visit(each)

    def _visit_comprehension(self, node: Any) -> None:
        """Only what := names in it is the function's."""
        each: Any
        for each in ast.walk(node):
            if isinstance(each, ast.NamedExpr):
                self.bound.add(each.target.id)


@functools.lru_cache(maxsize=4096)
def scope_of(node: Any) -> Scope:
    """The names of a function's node."""
    return Scope(node)


@functools.lru_cache(maxsize=4096)
def targets_of(node: Any) -> frozenset[str]:
    """The names of a comprehension."""
    return frozenset(
        each.id
        for generator in node.generators
        for each in ast.walk(generator.target)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    )
