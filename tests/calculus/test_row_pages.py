"""The pages that rows write: their examples are true, and what they say of dtypes and errors is so.

test_docstrings runs the examples; here their numbers are compared with the interpreter of the tests, in NumPy and SciPy.
"""

import re
from math import inf, nan  # noqa: F401 (operands are read with them)

import numpy as np
import pytest
from calculus.interpreter import ROWS, partials, value

import pullback as pb
from pullback.calculus import composed
from pullback.calculus.examples import EXAMPLES

DTYPES = (pb.bool, pb.uint8, pb.int64, pb.float32, pb.float64)
FUNCTIONS = {
    f"{home.__name__}.{name}": function
    for home in (pb, pb.nn.functional, pb.special)
    for name, function in vars(home).items()
    if hasattr(function, "__row__") and not name.endswith("_") and "Shape:" in (function.__doc__ or "")
}


def array(text):
    return np.array(eval(text)) if text[0] == "[" else eval(text)


def printed(text):
    return np.array(
        [
            {"True": 1.0, "False": 0.0}.get(each) or float(each.replace("True", "1").replace("False", "0"))
            for each in text.strip("[]").replace(" ", "").split(",")
        ]
    )


def test_every_row_has_an_example_and_no_other_has():
    own = {name for name in ROWS if ROWS[name].doc and name in pb.calculus.__all__}
    assert own - set(EXAMPLES) == set()
    assert set(EXAMPLES) - set(ROWS) == set()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_true(name):
    row, shown = ROWS[name], EXAMPLES[name]
    operands = [array(text) for text in shown[: row.arity]]
    with np.errstate(all="ignore"):
        expected = np.asarray(value(name, operands), dtype=float)
    np.testing.assert_allclose(printed(shown[row.arity]), expected, rtol=2e-4, atol=6e-5)
    slopes = shown[row.arity + 1 :]
    if not row.differentiable:
        assert not slopes
        return
    with np.errstate(all="ignore"):
        found = [p for p in partials(name, operands) if p is not None]
    assert len(slopes) == len(found)
    for text, partial in zip(slopes, found):
        partial = np.broadcast_to(np.asarray(partial, dtype=float), expected.shape)
        np.testing.assert_allclose(printed(text), partial, rtol=2e-4, atol=6e-5)


def errors_on(page):
    """{exception: the text after it} of the block of errors."""
    block = page.partition("Raises:\n")[2].partition("\n\n")[0].replace("\n        ", " ")
    return dict(re.findall(r"^    (\w+): (.*)$", block, re.M))


# How a page says that operands of one kind are refused.
WORDS = {
    "floats": r"floating dtypes",
    "integers": r"\bintegers\b(?! divided)|an integer or bool",
    "bool": r"\bbool\b",
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_a_page_says_of_dtypes_is_so(name, dtype):
    function = FUNCTIONS[name]
    row, errors = function.__row__, errors_on(function.__doc__)
    given = [0.5 if own in row.parameters else pb.ones(2, dtype=dtype) for own in row.operands]
    if row.name == "polygamma":
        given[0] = 1
    keywords = {}
    if "*, value" in row.signature:
        keywords = {"value": given.pop()}
    word = WORDS["floats" if dtype.is_floating_point else "bool" if dtype == pb.bool else "integers"]
    refused = [error for error, text in errors.items() if error != "TypeError" and re.search(word, text)]
    try:
        result = function(*given, **keywords)
    except (RuntimeError, NotImplementedError) as error:
        assert type(error).__name__ in refused, f"the page does not say so: {error}"
        return
    assert not [error for error in refused if error == "NotImplementedError"], "the page says that it raises"
    said = re.search(r"^Dtype: (.*)$", function.__doc__, re.M)[1]
    expected = pb.bool if said.startswith("bool") else dtype
    if "made the default floating dtype" in said and not dtype.is_floating_point:
        expected = pb.float32
    if "bool made int64" in said and dtype == pb.bool:
        expected = pb.int64
    assert result.dtype == expected and result.shape == (2,)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_a_page_says_of_operands_is_so(name):
    function = FUNCTIONS[name]
    row, page = function.__row__, function.__doc__
    tensors = [own for own in row.operands if own not in row.parameters]
    integers = row.promotion == "bitwise"
    one = pb.ones(2, dtype=pb.int64) if integers else pb.ones(2)
    number = 1 if integers else 1.0
    keywords = {"value": 1.0} if "*, value" in row.signature else {}

    def called_with(*operands):
        given, operands = [], list(operands)
        for own in row.operands:
            if own in row.parameters:
                given += [] if keywords else [1 if own == "n" else 0.5]
            else:
                given.append(operands.pop(0))
        return function(*given, **keywords)

    with pytest.raises(TypeError):
        called_with(*[number] * len(tensors))
    if len(tensors) == 1:
        assert "that of `input`" in page
        return
    for position in range(len(tensors)):
        operands = [number] * len(tensors)
        operands[position] = one
        assert called_with(*operands).shape == (2,)
    with pytest.raises(RuntimeError, match="must match"):
        called_with(*[one] * (len(tensors) - 1), one.repeat(2)[:3])
    assert "shapes that do not broadcast" in errors_on(page)["RuntimeError"]


def test_the_page_of_a_users_row():
    row = composed("page_of_a_user", lambda x, width: pb.exp(-x / width), parameters={"width": 1.0})
    assert row.__doc__.startswith("page_of_a_user(x, width), element by element.\n\nShape: that of `x`")
    assert "Example:" not in row.__doc__ and "pb.calculus.page_of_a_user" not in row.__doc__
    described = composed("page_of_another", lambda x, y_: x * y_, doc="A product.", accepts="numbers")
    assert described.__doc__.startswith("A product.\n\nShape: that which `x` and `y_` broadcast to")
    assert errors_on(described.__doc__)["NotImplementedError"] == "bool."
    many = composed("page_of_four", lambda a, b, c, d: a + b + c + d)
    assert "`a`, `b`, `c` and `d` broadcast to; all but one may be numbers." in many.__doc__


def test_pages_are_written_when_they_are_read():
    import subprocess
    import sys

    program = "import sys, pullback; assert not {'pullback.calculus.pages', 'pullback.calculus.examples'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert "__doc__" not in vars(pb.exp)
