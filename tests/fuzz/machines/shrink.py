"""Making a failing machine small: what can be left out is left out, while the fault stays of its kind.

Four moves, tried over and over until none helps or the time is up: fewer rounds and smaller dimensions; lines of the
setup, the body and the tail left out; blocks replaced by a part of theirs; an expression replaced by one of its operands. The
last two work on the syntax tree, and know nothing of shapes: what no longer runs has another fault, and is dropped.
"""

import ast
import copy
import time

from fuzz.machines.generate import without_unused

ENOUGH = 60.0  # seconds for one machine


def shrink(program, worker, kind, seconds=ENOUGH, tries=10_000):
    """The smallest machine found that has a fault of the same kind, and that fault's text."""
    deadline = time.monotonic() + seconds
    best, text, tried = program, "", set()
    progress = True
    while progress:
        progress = False
        for candidate in candidates(best):
            if time.monotonic() > deadline or len(tried) == tries:
                return best, text
            try:
                source = candidate.text()
            except (SyntaxError, ValueError):
                continue
            key = (source, candidate.rounds, candidate.threads, candidate.threshold, candidate.also)
            if key in tried:
                continue
            tried.add(key)
            outcome = worker.program(candidate)
            if outcome.kind == kind:
                best, text, progress = candidate, outcome.text, True
                break
    return best, text


def candidates(p):
    """Smaller machines, the much smaller ones first."""
    if p.also:
        yield p.replaced(also=())
        for threshold in p.also:
            yield p.replaced(also=(), threshold=threshold)
    for rounds in (1, 2, p.rounds // 4, p.rounds // 2, p.rounds - 1):
        if 0 < rounds < p.rounds:
            yield p.replaced(rounds=rounds)
    yield without_unused(p)
    for part in ("body", "tail", "setup"):
        lines = getattr(p, part)
        for size in sorted({len(lines), len(lines) // 2, 1}, reverse=True):
            for start in range(0, len(lines), max(size, 1)):
                if size:
                    yield p.replaced(**{part: lines[:start] + lines[start + size :]})
    if p.long:
        yield p.replaced(long=False)
    if p.threads > 1:
        yield p.replaced(threads=1)
    for name, n in p.dims.items():
        for smaller in (2, 3, n // 4, n // 2, n - 1):
            if 1 < smaller < n:
                yield p.replaced(dims={**p.dims, name: smaller})
    for part in ("body", "tail", "setup"):
        lines = getattr(p, part)
        for k, line in enumerate(lines):
            for other in simpler(line):
                kept = [] if other in ("", "pass") else [other]
                yield p.replaced(**{part: [*lines[:k], *kept, *lines[k + 1 :]]})


def simpler(text):
    """A statement with a part of it left out or replaced by something simpler."""
    tree = ast.parse(text)
    for count, (parent, field, index) in enumerate(places(tree)):
        node = at(parent, field, index)
        for replacement in replacements(node):
            other = copy.deepcopy(tree)
            # The same place in the copy.
            where = list(places(other))[count]
            put(*where, copy.deepcopy(replacement))
            try:
                yield ast.unparse(ast.fix_missing_locations(other))
            except (AttributeError, TypeError, ValueError):
                continue


def places(tree):
    """Everything that may be replaced: (parent, field, index in the field's list or None)."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, list):
                for k, node in enumerate(value):
                    if isinstance(node, (ast.expr, ast.stmt)):
                        yield parent, field, k
            elif isinstance(value, ast.expr):
                yield parent, field, None


def at(parent, field, index):
    value = getattr(parent, field)
    return value if index is None else value[index]


def put(parent, field, index, replacement):
    """`replacement`: a node, or a list of statements that take the place of one."""
    if isinstance(replacement, list):
        getattr(parent, field)[index : index + 1] = replacement or (
            [] if len(getattr(parent, field)) > 1 else [ast.Pass()]
        )
    elif index is None:
        setattr(parent, field, replacement)
    else:
        getattr(parent, field)[index] = replacement


def replacements(node):
    if isinstance(node, ast.stmt):
        if not isinstance(node, ast.Pass):
            yield []
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            yield [ast.Expr(node.value)]
        for field in ("body", "finalbody", "orelse"):
            inner = getattr(node, field, None)
            if inner:
                yield inner
        return
    if isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and not is_module(node.func.value):
            yield node.func.value
        yield from (a for a in node.args if not isinstance(a, ast.Constant))
    elif isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Load):
        if not is_module(node.value):
            yield node.value
    elif isinstance(node, ast.Compare):
        yield node.left


def is_module(node):
    """Whether it is `pb`, or something of its."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id == "pb"
