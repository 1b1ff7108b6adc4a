"""The documentation of a row, written from its own facts when somebody reads it.

A page says what the function computes, then the shape and the dtype of the result, the choices of its derivative, what
is refused, and shows an example with its gradient. `page` is the text of a row itself (`pb.calculus.exp`), `page_of`
that of a callable made from one: a function, or with a last `_` its in-place form.
"""

import textwrap

from .examples import EXAMPLES
from .row import PROMOTIONS, REFUSALS

WIDTH = 80  # of a printed tensor, before its grad_fn goes to a line of its own
LETTERS = {1: ("x",), 2: ("a", "b"), 3: ("a", "b", "c"), 4: ("a", "b", "c", "d")}


def page(row):
    """The text of a row, which is called by position or with the names in its rule."""
    return _text(row, row.operands, f"pb.calculus.{row.name}")


def page_of(function):
    """The text of a function that a row was made into."""
    row, call = function.__row__, f"{function.__module__.replace('pullback', 'pb', 1)}.{function.__name__}"
    if call.endswith("_"):
        return _in_place(row, function.__name__[:-1], call)
    parameters = function.__text_signature__
    return _text(row, _names(row), call, out="out=" in parameters, writes="inplace=" in parameters)


def _shown(row):
    return EXAMPLES.get(row.name) or row.example


def _names(row):
    """The public names of a row's operands."""
    names = [part.partition("=")[0] for part in row.signature.split(", ") if part != "*"]
    return names[: row.arity]


def _text(row, names, call, out=False, writes=False):
    tensors = [name for name, own in zip(names, row.operands) if own not in row.parameters]
    facts = [
        f"Shape: {_shape(tensors)}",
        f"Dtype: {_dtype(row, tensors)}",
        f"Derivative: {_derivative(row, tensors)}",
    ]
    if row.parameters:
        parameters = [name for name, own in zip(names, row.operands) if own in row.parameters]
        are = "a number that is" if len(parameters) == 1 else "numbers that are"
        facts.insert(1, f"Parameters: {_quoted(parameters)}, {are} not differentiated.")
    if isinstance(row.error, int) and row.error != 4:
        facts.append(f"Accuracy: at most {row.error} units in the last place.")
    if row.unlike_torch:
        facts.append(f"Unlike PyTorch: {_sentence(row.unlike_torch[1])}")
    if out:
        facts.append("Written into `out`, where that is given.")
    if writes:
        facts.append("Written into `input` with ``inplace=True``.")
    aliases = [f"`pullback.{name}`" for name in row.aliases if "calculus" not in call]
    if aliases:
        facts.append(f"Also called {_and(aliases)}.")
    if _shown(row) and list(names) != _names(row):  # the table's texts have the public names
        facts.insert(
            0, f"Operands: {', '.join([f'`{own}` ({p})' for own, p in zip(names, _names(row)) if own != p])}."
        )
    doc = row.doc or f"{row.name}({', '.join(names)})"
    headline = doc if doc.endswith(".") else f"{doc}, element by element."
    facts = [line for fact in facts for line in _wrapped(fact)]
    return "\n".join([headline, "", *facts, *_raises(row, tensors, out), *_example(row, call)])


def _in_place(row, name, call):
    text = _wrapped(f"In-place form of `{name}`: the first tensor takes the result, and is returned.")
    errors = (
        "the result has another shape than the tensor that takes it, or a dtype that cannot be cast to that tensor's; "
        "that tensor is a leaf that requires grad."
    )
    text += ["", "Raises:", *_wrapped(f"RuntimeError: {errors}", 4), f"    Whatever `{name}` raises."]
    return "\n".join([*text, *_example_in_place(row, call)])


def _sentence(text):
    return text if text.endswith(".") else text + "."


def _wrapped(text, indent=0):
    return textwrap.wrap(text, 110, initial_indent=" " * indent, subsequent_indent=" " * (indent + 4))


def _shape(tensors):
    if len(tensors) == 1:
        return f"that of `{tensors[0]}`, which may be any."
    numbers = "one may be a number" if len(tensors) == 2 else "all but one may be numbers"
    return f"that which {_quoted(tensors)} broadcast to; {numbers}."


def _dtype(row, tensors):
    text = PROMOTIONS[row.promotion]
    if len(tensors) == 1:
        text = text.replace("the common dtype", f"that of `{tensors[0]}`")
    return _sentence(text)


def _derivative(row, tensors):
    if not row.differentiable:
        return "none; the result does not require grad."
    slopes = [
        slope for own, slope in zip(row.operands, row.partial_program()[1]) if own not in row.parameters
    ]
    numbers = [name for name, slope in zip(tensors, slopes) if slope is not None]
    return _sentence(f"in {_quoted(numbers)}, of every order{'; ' * bool(row.note)}{row.note}")


def _raises(row, tensors, out):
    """What is refused: by the row's `accepts` and `refuses`, its dtypes, its shapes, and `out`."""
    one, refused = len(tensors) == 1, set(row.refuses)
    absent, wrong = [f"`{tensors[0]}` is no tensor" if one else "no operand is a tensor"], []
    if row.accepts == "numbers" and not refused & {"bool", "two bools"}:
        unfit = ["bool"]
    elif row.accepts == "floats" and "integers" not in refused:
        unfit = ["integers and bool"]
    elif row.accepts == "powers":
        unfit = ["bool to a power that is bool"]
    else:
        unfit = []
    if row.promotion == "bitwise":
        unfit.append("floating dtypes")
    refusals = [REFUSALS[each] for each in row.refuses]
    wrong += [
        text.replace("operands whose common dtype", f"`{tensors[0]}` whose dtype") if one else text
        for text in refusals
    ]
    if row.divides:
        wrong.append("integers divided by 0")
    if row.fits:
        wrong.append("a number that does not fit the integer dtype it is used in")
    if not one:
        wrong.append("shapes that do not broadcast")
    if out:
        wrong.append("an `out` of a dtype that the result cannot be cast to")
    cases = {"TypeError": absent, "NotImplementedError": unfit, "RuntimeError": wrong}
    lines = [_wrapped(f"{error}: {'; '.join(cases)}.", 4) for error, cases in cases.items() if cases]
    return ["", "Raises:", *[line for wrapped in lines for line in wrapped]]


# ---- the example -------------------------------------------------------------------------------------------


def _example(row, call):
    shown = _shown(row)
    if shown is None:  # a row of a user's
        return []
    operands, value, gradients = shown[: row.arity], shown[row.arity], shown[row.arity + 1 :]
    letters = iter(LETTERS[sum(text[0] == "[" for text in operands)])
    bound, given, leaves = [], [], []
    for text in operands:
        if text[0] != "[":
            given.append(text)
            continue
        given.append(next(letters))
        leaf = bool(gradients) and "." in text
        leaves += given[-1:] * leaf
        bound.append(f"{given[-1]} = pb.tensor({_literal(text)}{', requires_grad=True' if leaf else ''})")
    applied = f"{call}({', '.join(given if 'calculus' in call else _as_signed(row, given))})"
    lines = [f">>> {line}" for line in [*bound, applied]]
    if not gradients:
        return _block([*lines, f"tensor({value})"])
    lines += _recorded(value, row.node if isinstance(row.node, str) else row.node[0])
    gradients = [f"tensor({text})" for text in gradients]
    lines += [f">>> {applied}.sum().backward()", f">>> {', '.join(f'{leaf}.grad' for leaf in leaves)}"]
    return _block([*lines, gradients[0] if len(gradients) == 1 else f"({', '.join(gradients)})"])


def _example_in_place(row, call):
    first, *others, value = _shown(row)[: row.arity + 1]
    if row.boolean and "." in first:  # truth values, written into numbers
        value = (
            f"[{', '.join(['1.' if text.strip() == 'True' else '0.' for text in value[1:-1].split(', ')])}]"
        )
    others = [f"pb.tensor({_literal(text)})" if text[0] == "[" else text for text in others]
    given = _as_signed(row, ["x", *others])
    home, _, name = call.rpartition(".")
    called = f"x.{name}({', '.join(given[1:])})" if home == "pb" else f"{call}({', '.join(given)})"
    return _block([f">>> x = pb.tensor({_literal(first)})", f">>> {called}", f"tensor({value})"])


def _as_signed(row, given):
    """Arguments as the public signature takes them: some by name only."""
    positional = row.signature.partition("*")[0].count(",") if "*" in row.signature else row.arity
    return [*given[:positional], *[f"{name}={text}" for name, text in zip(_names(row), given)][positional:]]


def _block(lines):
    return ["", "Example:", *[f"    {line}" for line in lines]]


def _literal(text):
    return text.replace("nan", "pb.nan").replace("inf", "pb.inf")


def _recorded(value, node):
    line = f"tensor({value},"
    suffix = f"grad_fn=<{node}>)"
    return [f"{line} {suffix}"] if len(line) + len(suffix) < WIDTH else [line, f"       {suffix}"]


def _quoted(names):
    return _and([f"`{name}`" for name in names])


def _and(names):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
