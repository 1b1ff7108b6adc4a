"""The elementwise functions, made from the rows of the table of calculus: functions, methods, in-place and out= forms.

A row whose public name has several programs (add with and without alpha, clamp with one bound or two) is reached
through the hand-written doors in `variants.py`.
"""

from .. import _core
from ..calculus.define import TABLE
from .declare import FUNCTIONS, METHODS


def parse(signature):
    """Names, count of positional ones, and defaults of a row's signature text."""
    names, defaults, positional = [], [], None
    for part in signature.split(", "):
        if part == "*":
            positional = len(names)
            continue
        name, _, default = part.partition("=")
        names.append(name)
        defaults.append(_value(default) if default else ...)
    return names, len(names) if positional is None else positional, defaults


def _value(text):
    if text in ("None", "True", "False"):
        return {"None": None, "True": True, "False": False}[text]
    if text[0] in "'\"":
        return text[1:-1]
    return float(text) if any(c in text for c in ".en") else int(text)


def elementwise_function(row_name, public_name=None, inplace=False):
    """The callable for one row of the table."""
    row = TABLE[row_name]
    name = (public_name or row_name) + ("_" if inplace else "")
    arity = len(row.operands)
    if row.variant_of:  # called by its door, by position
        names, positional, defaults = list(row.operands), arity, [...] * arity
    else:
        names, positional, defaults = parse(row.signature)
    names, defaults, positional = names[:arity], defaults[:arity], min(positional, arity)
    if not inplace and row.promotion != "close":
        names.append("out")
        defaults.append(None)
    made = _core.Operator(name, row_name, tuple(names), positional, tuple(defaults), -1, inplace)
    made.__row__ = row  # its documentation is written from it
    made.__module__ = _home(row)
    if not row.variant_of:
        out = "" if names[-1] != "out" else ", out=None" if "*," in row.signature else ", *, out=None"
        made.__text_signature__ = f"({row.signature}{out})"  # inspect.signature and help() read it
    return made


def _home(row):
    """The module that a row's functions are found in."""
    if row.variant_of or not {"function", "method"}.isdisjoint(row.forms):
        return "pullback"
    return "pullback.nn.functional" if "nn" in row.forms else "pullback.special"


ACTIVATIONS = {}  # what nn.functional exports


def positional_function(row_name):
    """The callable that a row of the table itself uses: operands and parameters by position."""
    names = TABLE[row_name].operands
    made = _core.Operator(row_name, row_name, names, len(names), (...,) * len(names), -1, False)
    made.__module__ = "pullback.calculus"
    return made


_core.elementwise_function = positional_function


def publish(rows):
    """Make the functions and methods of rows."""
    for row in rows:
        if row.variant_of:
            continue
        function = elementwise_function(row.name)
        in_place = elementwise_function(row.name, inplace=True) if "in-place" in row.forms else None
        if "nn" in row.forms:
            ACTIVATIONS[row.name] = function
            if "nn-in-place" in row.forms:
                ACTIVATIONS[row.name + "_"] = writing = elementwise_function(row.name, inplace=True)
                writing.__module__ = "pullback.nn.functional"
        for name in (row.name, *row.aliases):
            if "." in name:  # another module's: pullback.special
                continue
            if "function" in row.forms:
                FUNCTIONS[name] = function
                if in_place and row.arity == 1:
                    FUNCTIONS[name + "_"] = in_place
            if "method" in row.forms:
                METHODS[name] = function
                if in_place:
                    METHODS[name + "_"] = in_place
